"""All tasks of a chunk as one task, since a task costs a scheduler and its workers milliseconds, whatever it computes.

Dask fuses chains. What a pass does with a chunk, forwards and backwards, is none: values are read several times. Here a
group is all that hangs together, up to where chunks meet: where one task reads several blocks of an array, as sums do,
or several blocks of an array read what one task gives, as they do a parameter. These edges cut the graph into levels:
along them levels rise, elsewhere they do not fall, so groups of tasks of one level can wait for each other in no cycle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable
from hashlib import md5
from itertools import accumulate
from typing import Any

from autograd.basis.loading import load

Key = Hashable
Graph = dict[Key, Any]  # of Dask's nodes, each of which has a key, dependencies, and is called with their values

_SMALL = 1 << 20  # bytes, of constants that are sent with each task


class Program:
    """What a fused task runs: its tasks in order, each value let go once nobody needs it; results by their keys."""

    def __init__(self, tasks: list[Any], inputs: list[Key | None], outputs: list[Key]) -> None:
        last = {key: n for n, task in enumerate(tasks) for key in (task.key, *task.dependencies)}
        ends: dict[int, list[Key]] = defaultdict(list)
        for key, n in last.items():
            if key not in outputs:
                ends[n].append(key)
        self.steps = [(task, tuple(ends[n])) for n, task in enumerate(tasks)]
        self.inputs, self.outputs = inputs, outputs

    def __dask_tokenize__(self) -> Any:
        return self.outputs  # keys of Dask's say what is computed

    def __call__(self, *given: Any) -> dict[Key, Any]:
        values: dict[Key, Any] = {}
        for key, value in zip(self.inputs, given, strict=True):
            values.update(value if key is None else {key: value})  # results of another program, or a value
        for task, ends in self.steps:
            values[task.key] = task(values)
            for key in ends:
                del values[key]
        return {key: values[key] for key in self.outputs}


def _picked(results: dict[Key, Any], keys: Iterable[Key]) -> dict[Key, Any]:
    """Some results of a program, which others than the rest wait for."""
    return {key: results[key] for key in keys}


def fused(graph: Graph, wanted: Collection[Key]) -> tuple[Graph, dict[Key, Key]]:
    """The graph with a task for each group, and where what is wanted is found: in the results of which task."""
    task_of, ref = load("dask._task_spec").Task, load("dask._task_spec").TaskRef
    graph = _needed(graph, wanted)
    brought = {key: graph.pop(key) for key in _small_constants(graph, wanted)}
    grouped = _groups(graph)
    group_of = {key: n for n, group in enumerate(grouped) for key in group}
    readers: dict[Key, set[Any]] = {key: {None} for key in wanted}  # groups that wait for a value; None: the caller
    for key, node in graph.items():
        for d in node.dependencies & graph.keys():
            if group_of[d] != group_of[key]:
                readers.setdefault(d, set()).add(group_of[key])
    found: Graph = {}
    place: dict[Key, Key] = {}  # of a value in results
    for group in _constants_together(graph, grouped, readers):
        inside = set(group)
        reads = sorted({d for key in group for d in graph[key].dependencies if d not in inside}, key=str)
        own = [brought[d] for d in reads if d in brought]
        reads = [d for d in reads if d not in brought]
        if len(group) == 1 and not own and not any(d in place for d in reads):
            found[group[0]] = graph[group[0]]
            continue
        bundles: dict[frozenset[Any], list[Key]] = defaultdict(list)
        for key in group:
            if key in readers:
                bundles[frozenset(readers[key])].append(key)
        outputs = [key for keys in bundles.values() for key in keys]
        inputs = {place.get(d, d): None if d in place else d for d in reads}
        name = _name("fused", outputs)
        program = Program([*own, *(graph[key] for key in group)], list(inputs.values()), outputs)
        found[name] = task_of(name, program, *map(ref, inputs))
        for keys in bundles.values():
            where = name
            if len(bundles) > 1:
                where = _name("picked", keys)
                found[where] = task_of(where, _picked, ref(name), keys)
            place |= dict.fromkeys(keys, where)
    return found, {key: place.get(key, key) for key in wanted}


def _small_constants(graph: Graph, wanted: Collection[Key]) -> list[Key]:
    """The smallest constants, which each task brings along: to wait for what one worker has keeps others from tasks."""
    constant = load("dask._task_spec").DataNode
    sizes = {key: getattr(node.value, "nbytes", 0) for key, node in graph.items() if isinstance(node, constant)}
    smallest = sorted((key for key in sizes if key not in wanted), key=sizes.__getitem__)
    totals = accumulate(sizes[key] for key in smallest)
    return [key for key, total in zip(smallest, totals, strict=True) if total <= _SMALL]


def _needed(graph: Graph, wanted: Collection[Key]) -> Graph:
    """The tasks that somebody waits for; Dask's own fusion leaves some behind that nobody does."""
    found: set[Key] = set()
    left = list(wanted)
    while left:
        key = left.pop()
        if key in graph and key not in found:
            found.add(key)
            left.extend(graph[key].dependencies)
    return {key: task for key, task in graph.items() if key in found}


def _name(kind: str, keys: list[Key]) -> Key:
    """A key of the same results and no others, as those of Dask are: the same arrays', then these blocks'."""
    return f"{kind}-{_hash(list(map(_array, keys)))}", _hash(keys)


def _hash(value: Any) -> str:
    return md5(repr(value).encode(), usedforsecurity=False).hexdigest()


def _constants_together(graph: Graph, grouped: list[list[Key]], readers: dict[Key, set[Any]]) -> list[list[Key]]:
    """The groups, with constants that are read by the same ones, such as all parameters, sent as one."""
    constant = load("dask._task_spec").DataNode
    found: dict[Any, list[Key]] = {}
    for n, group in enumerate(grouped):
        alone = len(group) == 1 and isinstance(graph[group[0]], constant)
        found.setdefault(frozenset(readers[group[0]]) if alone else n, []).extend(group)
    return list(found.values())


def _groups(graph: Graph) -> list[list[Key]]:
    """The tasks by groups, and these in an order in which they can be computed."""
    reads = {key: [d for d in graph[key].dependencies if d in graph] for key in graph}  # others are computed already
    order = load("dask.core").toposort(graph, dependencies=reads)
    readers: dict[Key, list[Key]] = {key: [] for key in order}
    for key in order:
        for d in reads[key]:
            readers[d].append(key)
    meets = {key for key in order if _several_blocks(reads[key])}
    shared = {key for key in order if _several_blocks(readers[key])}
    level: dict[Key, int] = {}
    for key in order:
        level[key] = max((level[d] + (key in meets or d in shared) for d in reads[key]), default=0)
    for key in reversed(order):  # what can wait is computed where it is needed
        level[key] = min((level[r] - (r in meets or key in shared) for r in readers[key]), default=level[key])
    root: dict[Key, Key] = {key: key for key in order}

    def of(key: Key) -> Key:
        while root[key] != key:
            root[key] = key = root[root[key]]
        return key

    by_level: dict[int, list[Key]] = defaultdict(list)
    for key in order:
        by_level[level[key]].append(key)
    groups = []
    for n in sorted(by_level):
        alike: dict[Any, Key] = {}
        for key in by_level[n]:
            for d in reads[key]:
                if level[d] == n:
                    root[of(d)] = of(key)
            if key in meets:  # sums of the same chunks are one task
                same = frozenset(map(of, reads[key]))
                count = sum(1 for a in alike if a[:2] == (same, _array(key)))
                alike[same, _array(key), count] = key
                root[of(alike.setdefault((same, count), key))] = of(key)
        together: dict[Key, list[Key]] = defaultdict(list)
        for key in by_level[n]:
            together[of(key)].append(key)
        for group in together.values():
            groups.extend([[key] for key in group] if _several_blocks(group) else [group])
    return groups


def _several_blocks(keys: Collection[Key]) -> bool:
    """Whether two of them are blocks of one array, so that chunks meet here."""
    return len(set(map(_array, keys))) < len(keys)


def _array(key: Key) -> Key:
    """The array that a task computes a block of."""
    array: Key = key[0] if isinstance(key, tuple) else load("dask.utils").key_split(key)
    return array
