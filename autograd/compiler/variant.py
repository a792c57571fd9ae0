"""A recording as code, bound to its memory: the checks that it still holds, its statements, and what it gives back."""

from __future__ import annotations

import builtins
import keyword
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator
from operator import is_
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.binding import Binding
from autograd.compiler.memory import Plan
from autograd.compiler.reach import Place
from autograd.compiler.recording import Recording
from autograd.compiler.standins import traced_of
from autograd.compiler.storage import lasting
from autograd.core.node import Node, recording, write_order
from autograd.core.tensor import wrap
from autograd.program.program import Program, Var
from autograd.program.simplify import simplified

STALE, HELD = object(), object()
Location = tuple[int, Any, str]  # of a place: its owner by identity, the key, how it is called
_MANY = 16  # items of one list from which on they are compared in one go


class Variant:
    """One recording: what calls it serves, and the code that does.

    Its memory is planned when it is first used.

    Attributes:
        flat: how many arguments a call has, if each of them is a leaf; else None.
        nesting: of the arguments.
        folded: settings that the code holds as they were.
    """

    def __init__(self, recorded: Recording, moving: Container[Location] = ()) -> None:
        self._moving = moving
        self._arrays = [(place, value) for place, value in recorded.guards if type(value) is np.ndarray]
        self.flat = len(recorded.tree.leaves) if recorded.flat else None
        self.nesting, self.leaves = recorded.tree.nesting, len(recorded.tree.leaves)
        self.calls = len(recorded.trace.lines)
        self.folded = tuple(sorted({place.told for place, value in recorded.guards if _is_setting(place, value)}))
        self._recorded: Recording = recorded
        self._code: Any = None
        self._results = {
            k: (traced.var, isinstance(leaf, Tensor))
            for k, leaf in enumerate(recorded.result.leaves)
            if (traced := traced_of(leaf)) is not None
        }
        recorded.forget_values()

    def moved(self) -> Iterator[Location]:
        """The places in which another array of the same kind is now."""
        for place, array in self._arrays:
            now = place.read()
            if now is not array and type(now) is np.ndarray and (now.shape, now.dtype) == (array.shape, array.dtype):
                yield _location(place)

    def run(self, *leaves: Any) -> Any:
        """Replay; STALE where this recording does not hold."""
        if self._code is None:
            self._write()
        result = self._step(*leaves)
        if result is HELD:
            self._renew()
            result = self._step(*leaves)
        return STALE if result is HELD else result

    @property
    def source(self) -> str:
        """The code."""
        if self._code is None:
            self._write()
        return self._source

    @property
    def program(self) -> Program:
        """The lines that it computes."""
        if self._code is None:
            self._write()
        return self._program

    def _write(self) -> None:
        recorded, trace = self._recorded, self._recorded.trace
        outputs: dict[Any, Any] = {}
        for node, var in recorded.gradients:
            outputs["grad", node] = var
        for array, traced, first in recorded.homes.values():
            if traced.var is not first:
                outputs["home", id(array)] = traced.var
        for array, var in recorded.moved:
            outputs["home", id(array)] = var
        for traced, k in recorded.brought_arrays:
            if recorded.arguments.get(traced.var) != k:
                outputs["argument", k] = traced.var
        for k, (_, _, var) in enumerate(recorded.rebound):
            outputs["place", k] = var
        for k, (var, _) in self._results.items():
            outputs["result", k] = var
        self._program = simplified(Program(trace.inputs, trace.lines, outputs), {}, exact=True)
        self._binding = Binding(recorded.names)
        self._source = self._statements()
        self.nbytes, self.saved = self._plan.nbytes, max(self._plan.naive - self._plan.nbytes, 0)
        self._program.same = {}
        del self._plan, self._recorded  # gradients are nobody's but the code's and the leaves' own
        self._compile()
        self._binding.close()

    # Code

    def _statements(self) -> str:
        recorded, program, binding = self._recorded, self._program, self._binding
        outputs = program.outputs
        read = {var for line in program.lines for var in line.variables()}
        read |= {var for var in outputs.values() if type(var) is Var}
        self._grad_names = {var: binding.fresh("grad") for var in recorded.grad_inputs if var in read}
        places = self._rebound_places(read)
        arrays = {id(array): array for array, _, _ in recorded.homes.values()}
        fixed = {first: array for array, _, first in recorded.homes.values() if first not in places}
        named = {var: recorded.names[k] for var, k in recorded.arguments.items()}
        named |= self._grad_names | {var: name for var, (name, _, _) in places.items()}
        before = {node: var for var, node in recorded.grad_inputs.items() if var in read}
        kept = [(var, before.get(key[1])) for key, var in outputs.items() if key[0] == "grad"]
        self._gradient_nodes = [key[1] for key in outputs if key[0] == "grad"]
        written = [(var, arrays[key[1]]) for key, var in outputs.items() if key[0] == "home"]
        written += [(var, recorded.names[key[1]]) for key, var in outputs.items() if key[0] == "argument"]
        given = [(key, var) for key, var in outputs.items() if key[0] in ("place", "result")]
        shares = {var: program.now(source) for var, source in recorded.trace.shares.items()}
        self._plan = plan = Plan(program, shares, fixed, named, kept, written, [var for _, var in given], binding)
        texts = dict(zip((key for key, _ in given), plan.results, strict=True))
        self._gradients = [binding.name(array, "g") for array in plan.kept]
        body = [*self._checks(places, [home for _, home in written]), *plan.statements]
        for node, name in zip(self._gradient_nodes, self._gradients, strict=True):
            body.append(f"{binding.name(node, 'n')}.grad = {name}")
        body += [f"{binding.name(node, 'n')}.grad = None" for node in recorded.cleared]
        changed = {id(home) for _, home in written}
        leaves = dict.fromkeys(node for _, node, _ in recorded.before if id(node.value) in changed)
        if leaves:
            stamps = "".join(f"{binding.name(node, 'n')}.written = " for node in leaves)
            body.append(f"{stamps}{binding.name(write_order, 'write_order')}()")
        first: dict[int, str] = {}  # places by what they hold now: one array may be in several
        for k, (place, before_it, _) in enumerate(recorded.rebound):
            made = texts["place", k]
            if isinstance(before_it, Tensor):
                made = f"{binding.name(_tensor, 'tensor')}({made})"
            spelled = self._spelled(place)
            body.append(f"{spelled} = {first.setdefault(id(recorded.put[k]), made)}")
            first[id(recorded.put[k])] = spelled
        body.append(f"return {self._returned({key[1]: text for key, text in texts.items() if key[0] == 'result'})}")
        return "\n".join([f"def step({', '.join(recorded.names)}):", *(f"    {line}" for line in body)]) + "\n"

    def _rebound_places(self, read: set[Var]) -> dict[Var, tuple[str, Place, Any]]:
        """The values that a replay takes from places, since every call puts another array there."""
        recorded, found = self._recorded, {}
        self._same: list[tuple[Place, Place]] = []
        for var, (place, value) in recorded.numbers.items():
            if var in read:
                found[var] = (self._binding.fresh("was"), place, value)
        for place, value, _ in recorded.rebound:
            array = value._node.value if isinstance(value, Tensor) else value
            held = recorded.homes.get(id(array))
            if held is not None and held[2] in found:
                self._same.append((place, found[held[2]][1]))
            elif held is not None:
                found[held[2]] = (self._binding.fresh("was"), place, value)
        arrays = Counter(id(value) for _, value in recorded.reach.places)
        arrays.update(id(node.value) for _, node, _ in recorded.before)
        for place, value in self._arrays:
            held = recorded.homes.get(id(value))
            if held is None or arrays[id(value)] > 1 or _location(place) not in self._moving:
                continue
            if held[1].var is held[2] and held[2] not in found:  # the step does not write into it
                found[held[2]] = (self._binding.fresh("was"), place, value)
        return found

    def _spelled(self, place: Place) -> str:
        return _spelled(place, self._binding.name(place.owner, "o"), lambda key: self._binding.name(key, "k"))

    def _checks(self, places: dict[Var, tuple[str, Place, Any]], written: list[Any]) -> Iterator[str]:
        """Statements that give up where this recording does not hold."""
        recorded, binding = self._recorded, self._binding
        name, names = binding.name, self._recorded.names
        changed = [home for home in written if type(home) is not str and home.ndim]
        self._owners = changed and name(frozenset(id(a if a.base is None else a.base) for a in changed), "owners")
        tests = [f"{name(recording, 'recording')}.get() is {recorded.recording_at_start}"]
        for k, leaf in enumerate(recorded.tree.leaves):
            array = next((var for var, j in recorded.arguments.items() if j == k), None)
            if isinstance(leaf, Tensor) and array is not None:
                yield f"if type({names[k]}) is not {name(type(leaf), 'Tensor')} or {names[k]}.requires_grad:"
                yield "    return STALE"
                yield f"{names[k]} = {names[k]}._node.value"
            if array is not None:
                tests += self._is_like(names[k], array, type(leaf) if isinstance(leaf, np.generic) else np.ndarray)
                tests += self._is_apart(names[k], array)
            elif type(leaf) is float and (leaf == 0 or not math.isfinite(leaf)):
                tests.append(f"repr({names[k]}) == {repr(leaf)!r}")
            elif type(leaf) in (int, float, str, bool):
                tests += [f"type({names[k]}) is {type(leaf).__name__}", f"{names[k]} == {leaf!r}"]
            else:
                tests.append(f"{names[k]} is {binding.value(leaf, {})}")
        arrays = [names[k] for var, k in recorded.arguments.items() if var.shape]
        arrays += [name(a, "array") for a, _, _ in recorded.homes.values() if a.ndim]
        self._given_back = [home for home in written if type(home) is str]
        tests += [test for other in arrays for test in self._shares_nothing(other)]
        for node in dict.fromkeys(node for _, node, _ in recorded.before):
            tests += [f"{name(node, 'n')}.value is {name(node.value, 'array')}" if isinstance(node.value, np.ndarray)
                      else f"{name(node, 'n')}.value is {name(node.value, 'c')}",
                      f"{name(node, 'n')}.requires_grad is {node.requires_grad}"]  # fmt: skip
        read = {recorded.grad_inputs[var] for var in self._grad_names}
        for node, given in {node: given for _, node, given in recorded.before}.items():
            if node in recorded.gradient_use.used and node not in read:
                tests.append(f"{name(node, 'n')}.grad is {'not ' * given}None")
        for tensor, node, _ in recorded.before:  # as it was then: this is written later
            tests.append(f"{name(tensor, 'T')}._node is {name(node, 'n')}")
        yield from _unless(tests)
        counted = [
            f"{name(sys.getrefcount, 'getrefcount')}({g}) > counts[{k}] + ({name(node, 'n')}.grad is {g})"
            for k, (g, node) in enumerate(zip(self._gradients, self._gradient_nodes, strict=True))
        ]
        if counted:
            yield "if (\n        " + "\n        or ".join(counted) + "\n    ):"
            yield "    return HELD"
        for var, grad in self._grad_names.items():
            yield f"{grad} = {name(recorded.grad_inputs[var], 'n')}.grad"
            yield from _unless(self._is_like(grad, var, np.ndarray))
        read_afresh = [place for _, place, _ in places.values()] + [place for place, _ in recorded.numbers.values()]
        guards = [(place, value) for place, value in recorded.guards if all(place is not p for p in read_afresh)]
        if guards:
            yield f"if not {name(_unchanged(guards), 'unchanged')}():"
            yield "    return STALE"
        yield from self._places_read(places)

    def _places_read(self, places: dict[Var, tuple[str, Place, Any]]) -> Iterator[str]:
        name = self._binding.name
        for one, other in self._same:  # that held one array
            yield f"if {self._spelled(one)} is not {self._spelled(other)}:"
            yield "    return STALE"
        for var, (text, place, value) in places.items():
            if place.kind == "item" and isinstance(place.owner, dict):
                yield f"{text} = {name(place.owner, 'o')}.get({self._binding.value(place.key, {})})"
            else:
                yield f"{text} = {self._spelled(place)}"
            if isinstance(value, Tensor):
                yield f"if type({text}) is not {name(type(value), 'Tensor')} or {text}.requires_grad:"
                yield "    return STALE"
                yield f"{text} = {text}._node.value"
            tests = self._is_like(text, var, type(value) if isinstance(value, np.generic) else np.ndarray)
            yield from _unless(tests + self._is_apart(text, var) + self._shares_nothing(text))

    def _is_apart(self, text: str, var: Var) -> list[str]:
        """Tests that an array is no part of one that the step writes into."""
        if not self._owners or not var.shape:
            return []
        return [f"id({text}) not in {self._owners}", f"id({text}.base) not in {self._owners}"]

    def _shares_nothing(self, text: str) -> list[str]:
        """Tests that an array shares no memory with arguments that the step writes into."""
        shared = self._given_back and self._binding.name(np.may_share_memory, "may_share_memory")
        return [f"not {shared}({one}, {text})" for one in self._given_back if one != text]

    def _is_like(self, text: str, var: Var, kind: type) -> list[str]:
        tests = [f"type({text}) is {self._binding.name(kind, kind.__name__)}"]
        if kind is np.ndarray:
            tests += [f"{text}.shape == {var.shape}", f"{text}.dtype == {self._binding.name(var.dtype, 'dtype')}"]
        return tests

    def _returned(self, texts: dict[int, str]) -> str:
        binding, tree = self._binding, self._recorded.result
        leaves = []
        for k, leaf in enumerate(tree.leaves):
            if k in texts:
                leaves.append(f"{binding.name(_tensor, 'tensor')}({texts[k]})" if self._results[k][1] else texts[k])
            else:
                copied = type(leaf) is np.ndarray and not self._recorded.reach.knows(leaf)
                leaves.append(binding.value(leaf, {}) + ".copy()" * copied)
        if len(leaves) == 1 and tree.filled([tree]) is tree:
            return leaves[0]
        return f"{binding.name(tree.filled, 'filled')}([{', '.join(leaves)}])"

    # Binding

    def _compile(self) -> None:
        inner = "\n".join(f"    {line}" for line in self._source.splitlines())
        held = [
            (g, self._binding.name(node, "n")) for g, node in zip(self._gradients, self._gradient_nodes, strict=True)
        ]
        counts = ", ".join(f"getrefcount({g}) - ({node}.grad is {g})" for g, node in held)
        more = ", ".join(f"getrefcount({g}) - ({node}.grad is {g}) > counts[{k}]" for k, (g, node) in enumerate(held))
        text = (
            f"def bind({', '.join(['STALE', 'HELD', *self._binding.objects])}):\n    counts = []\n{inner}\n"
            f"    def count():\n        counts[:] = [{counts}]\n"
            f"    def held():\n        return [{more}]\n    return step, count, held\n"
        )
        space: dict[str, Any] = {}
        exec(builtins.compile(text, "<compiled step>", "exec"), space)
        self._code = space["bind"]
        self._bind()

    def _bind(self) -> None:
        """Make the function, and count who holds the gradients' arrays beside their leaves."""
        self._step, count, self._held = self._code(STALE, HELD, *self._binding.objects.values())
        count()

    def _renew(self) -> None:
        """Other arrays for the gradients that somebody holds."""
        for name, held in zip(self._gradients, self._held(), strict=True):
            if held:
                self._move(self._binding.objects[name])
        self._bind()

    def _move(self, old: Any) -> None:
        objects, new = self._binding.objects, lasting(old)
        for key, thing in objects.items():
            if type(thing) is np.ndarray and (thing is old or np.may_share_memory(thing, old)):
                objects[key] = _same_view(thing, old, new)


def _same_view(view: Any, old: Any, new: Any) -> Any:
    """What `view` is of `old`, of `new`."""
    if view is old:
        return new
    start = view.__array_interface__["data"][0] - old.__array_interface__["data"][0]
    return np.ndarray(view.shape, view.dtype, new, start, view.strides)


def _unless(tests: list[str]) -> Iterator[str]:
    yield "if not ("
    yield "    " + "\n        and ".join(tests)
    yield "):"
    yield "    return STALE"


def _location(place: Place) -> Location:
    return id(place.owner), place.key, place.told


def _tensor(value: Any) -> Any:
    return wrap(Node(value))


def _spelled(place: Place, owner: str, named: Callable[[Any], str]) -> str:
    """Source that reads a place, or writes to it."""
    if place.kind == "cell":
        return f"{owner}.cell_contents"
    if place.kind == "slot" and place.key.isidentifier() and not keyword.iskeyword(place.key):
        return f"{owner}.{place.key}"
    key = repr(place.key) if type(place.key) in (str, int) else named(place.key)
    return f"{owner}[{key}]"


def _unchanged(guards: list[tuple[Place, Any]]) -> Callable[[], bool]:
    """A function that tells whether all places hold what they held; generated, since it runs at each call."""
    bound: dict[str, Any] = {"all": all, "map": map, "is_": is_}
    tests, names = [], {}

    def name(thing: Any, stem: str) -> str:
        if id(thing) not in names:
            names[id(thing)] = f"{stem}{len(bound)}"
            bound[names[id(thing)]] = thing
        return names[id(thing)]

    items = defaultdict(list)
    for place, value in guards:
        items[id(place.owner) if place.kind == "item" else None].append((place, value))
    for key, group in items.items():
        owner = group[0][0].owner
        if key is not None and len(group) > _MANY and isinstance(owner, (list, dict)):
            values = [value for _, value in group]
            if isinstance(owner, list) and len(values) == len(owner):
                tests.append(
                    f"len({name(owner, 'o')}) == {len(values)} "
                    f"and all(map(is_, {name(owner, 'o')}, {name(values, 'v')}))"
                )
                continue
        tests += [_holds(place, value, name) for place, value in group]
    body = "\n            and ".join(tests) or "True"
    text = (
        f"def bind({', '.join(bound)}):\n    def unchanged():\n        try:\n            return ({body})\n"
        "        except (KeyError, IndexError, AttributeError, ValueError):\n            return False\n"
        "    return unchanged\n"
    )
    space: dict[str, Any] = {}
    exec(builtins.compile(text, "<unchanged>", "exec"), space)
    found: Callable[[], bool] = space["bind"](**bound)
    return found


def _holds(place: Place, value: Any, name: Callable[[Any, str], str]) -> str:
    """A test that a place holds what it held."""
    owner = name(place.owner, "o")
    if place.kind == "length":
        return f"len({owner}) == {value}"
    if place.kind == "contents":
        return f"{owner} == {name(value, 'v')}"
    if place.kind == "keys":
        return f"len({owner}) == {len(value)} and all(map(is_, {owner}, {name(value, 'v')}))"
    if isinstance(place.owner, type):
        now = f"{name(vars(place.owner), 'd')}[{place.key!r}]"
    elif place.kind == "slot" and not (place.key.isidentifier() and not keyword.iskeyword(place.key)):
        now = f"{name(getattr, 'f')}({owner}, {place.key!r})"
    else:
        now = _spelled(place, owner, lambda key: name(key, "k"))
    held = name(value, "v")
    if value is None or value is True or value is False:
        return f"{now} is {value}"
    if type(value) in (int, str) or (type(value) is float and value):
        return f"({now} is {held} or type({now}) is {name(type(value), 't')} and {now} == {held})"
    return f"{now} is {held}"


def _is_setting(place: Place, value: Any) -> bool:
    return isinstance(value, (int, float, str)) and place.kind != "length" and type(value) in (int, float, str, bool)
