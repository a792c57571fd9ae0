"""The kind and the name of each card."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.notation.names import Scope, pretty, subscript
from autograd.notation.naming import Names
from autograd.render.collapse import CollapsedGraph
from autograd.render.constants import name_constants
from autograd.render.graph import Graph
from autograd.render.operands import arguments, indexes
from autograd.render.units import Unit
from autograd.render.vertices import Vertex
from autograd.text import printable

_LOSSES: Final = frozenset(("l", "loss", "cost", "error", "objective", "j", "mse", "nll", "bce"))
_NUMBER: Final = re.compile(r"(.*?[\w\[ ])([₀-₉]+|\d+(?=\]))(.*)")
_NUMBERS: Final = (int, float, np.integer, np.floating)
_LONGEST_CALL: Final = 16  # and of what a module was called with
_ENDS: Final = 32  # operations at each end of a graph that is too large to be looked at


def names_of(graph: Graph, scope: Scope, overrides: Mapping[Node | str, str]) -> Names:
    """The names of a graph, which tell its statements; of one that is too large, those of its leaves and its ends."""
    nodes = [*(node for node in graph.nodes if node is not graph.output), graph.output]
    if not graph.small:
        nodes = [node for node in nodes if node.op is None]
        nodes += graph.operations[:_ENDS] + graph.operations[-_ENDS:]
        return Names(nodes, scope, overrides)
    calls = dict.fromkeys(call for inner in dict.fromkeys(graph.innermost.values()) for call in inner.chain)
    entering = {id(one): one for call in calls for one in call.inputs if isinstance(one, np.ndarray)}
    names = Names(nodes, scope, overrides, entering=entering.values())
    graph.named = lambda value: name.drawn if (name := names.given(value)) is not None else ""
    graph.held_by = lambda value: graph.named(value) if names.is_held(value) else ""
    graph.single = {node for node in graph.operations if not (names.single(node) or "]").endswith("]")}
    graph.held = [node for node, _ in scope.nodes if node.op is not None]
    _name_beyond(graph, names, dict(scope.nodes))
    for values, start in graph.rounds():
        names.number(values, start)
    if not graph.alone:
        names.hide(node for node in graph.operations if node not in graph.statements.of)
    return names


def _name_beyond(graph: Graph, names: Names, held: Mapping[Node, str]) -> None:
    """Call what a loop assigned by its variable, also where that holds a value that the outputs do not need."""
    drawn = set(graph.operations)
    for loop in graph.whole_loops:
        for values in zip(*loop, strict=True):
            inside = [value for value in values if value in drawn]
            name = next((held[value] for value in values[::-1] if value in held), "")
            if name and inside and values[-1] is not inside[-1]:
                names.call(inside[-1], name)


def label(
    collapsed: CollapsedGraph,
    scope: Scope,
    overrides: Mapping[Node | str, str],
    names: Names,
    outputs: Sequence[Node] = (),
) -> str:
    """Give every vertex its kind and its name; the name of the first output's value, which a module's card has not."""
    ends = [vertex for node in outputs if (vertex := collapsed.find(node)) is not None] or collapsed.vertices[-1:]
    output = ends[0]
    for vertex in collapsed.vertices:
        if vertex.node is None and vertex.array is None:
            continue
        name = names[vertex.array if vertex.node is None else vertex.node]
        vertex.given = name.drawn if name.origin == "given" else ""
        if vertex.call is None:
            vertex.name, vertex.path = name.drawn, name.path
        elif not vertex.path:
            vertex.path = scope.of_owner(vertex.call.owner) or ""
        if not vertex.computed:
            kind = names.kind(vertex.array if vertex.node is None else vertex.node)
            goes_in = kind == "constant" and any(user.call for user in vertex.users)
            vertex.kind = "data" if goes_in else "constant" if kind == "index" else kind
        elif vertex in ends:
            vertex.kind = "loss" if _is_loss(vertex) else "output"
        elif vertex.unit is not None and vertex.call is not None and not vertex.unit.parameters:
            vertex.kind = "operation"
        if vertex.call is not None and any(user.unit and not user.call for user in vertex.users):
            called = _as_called(vertex, scope, names)  # that the formulas of its users may mention it
            known = {called for other in collapsed.vertices for called in (other.given, other.name)}
            vertex.given = vertex.given or (name.drawn if called in known else called or name.drawn)
        if vertex.call is None and vertex.unit is not None:
            vertex.symbols |= _indices(vertex.unit.nodes, scope)
    _name_outputs(collapsed, names)
    _mark_stopped(collapsed)
    name_constants(collapsed, scope, names)
    looped = [vertex for vertex in collapsed.vertices if vertex.rounds and vertex.call is None]
    first = _first_entry(looped, scope)
    for vertex in looped:
        _name_rounds(vertex, names, scope, first)
    many = Counter(vertex.name for vertex in looped)
    for vertex in looped:
        if many[vertex.name] > 1:  # two layers of one round
            vertex.name = names[vertex.rounds[0].node].drawn
    for vertex in collapsed.vertices:
        if vertex.unit is not None and not vertex.rounds and vertex.call is None:
            _name_collected(vertex, vertex.unit.nodes, names)
    _rename(collapsed, overrides)
    if output.call is None:
        return output.name
    return output.given or ("L" if output.kind == "loss" else "out")


def _as_called(vertex: Vertex, scope: Scope, names: Names) -> str:
    """What gave a value that nobody named, if that is short: `D(x_fake)` of the module D."""
    if vertex.call is None or vertex.node is None:
        return ""
    order = vertex.node.order
    whole = next((one for one in reversed(vertex.call.chain) if one.until == order), vertex.call)
    if (owner := scope.of_owner(whole.owner)) is None:  # inside of another module it has a path
        last = vertex.call.path.rpartition(".")[2]
        return pretty(last) if names[vertex.node].origin == "letter" and last.isidentifier() else ""
    taken = [names.given(one) for one in whole.inputs]
    told = f"{pretty(owner)}({', '.join(one.drawn for one in taken if one is not None)})"
    return told if all(taken) and len(told) <= _LONGEST_CALL else ""


def _name_outputs(collapsed: CollapsedGraph, names: Names) -> None:
    """What takes something of a module that is not its last result has that one's name: `logits, value = net(x)`."""
    for vertex in collapsed.vertices:
        for place in arguments(vertex.unit.nodes) if vertex.unit is not None and vertex.call is None else ():
            tail = vertex.operands.get(id(place.operand))
            if tail is None or tail.call is None or place.operand is tail.node or tail.rounds:
                continue
            name = names.given(place.operand)
            vertex.symbols[id(place.operand)] = "…" if name is None else name.drawn
            if name is not None and name.drawn not in tail.outputs:
                tail.outputs.append(name.drawn)


def _name_rounds(vertex: Vertex, names: Names, scope: Scope, first: int) -> None:
    """The formula of what repeats is the same in every round: `h = tanh(Xₜ Wxh + h Whh)`."""
    name = names[vertex.node]
    stem = name.text.rstrip("0123456789_")
    made = name.origin != "given" and stem not in scope.names | names.taken
    listed = _general([names[unit.node].drawn for unit in vertex.rounds]) if name.drawn.endswith("]") else ""
    vertex.name = listed or pretty(stem if made else name.text)
    whole = [unit.nodes for unit in _alike(vertex)]
    for places in zip(*map(arguments, whole), strict=False):
        taken = [place.operand for place in places]
        tail, drawn = vertex.operands.get(id(taken[-1])), [names[operand].drawn for operand in taken]
        if (tail is None or not tail.rounds) and _differ(taken):
            vertex.symbols[id(taken[-1])] = _general(drawn) or drawn[-1]
    for node, position, values in _varying(vertex):
        named: list[str] = []
        columns = [*zip(*map(_parts, values), strict=True)]
        written = names.index(node) if indexes(node, position) else (_number_in(names.expression(node, position)),)
        for place, one in enumerate(columns):
            text = written[place] if len(written) == len(columns) else ""
            named.append(_called(one, [*vertex.numbers.values(), *named], scope, first, text))
        told = tuple(name or part for name, part in zip(named, _parts(values[-1]), strict=True))
        vertex.numbers[node, position] = told if isinstance(values[-1], tuple) else told[0]
    back = {key: _rounds_back(tail, key) for key, tail in vertex.operands.items() if tail.rounds}
    if max(back.values(), default=0) > 1:  # of the one before the last round too
        for key, tail in vertex.operands.items():
            if back.get(key):
                vertex.symbols[key] = f"{pretty(names[tail.node].text)}ₜ₋{subscript('', back[key])}"


def _name_collected(vertex: Vertex, nodes: Sequence[Node], names: Names) -> None:
    """What takes something of all rounds names each of them: `stack(h₁, h₂, h₃)`."""
    for place in arguments(nodes):
        key, tail = id(place.operand), vertex.operands.get(id(place.operand))
        if tail is None or key in vertex.symbols or tail.call is not None:
            continue
        several = sum(one is tail for one in vertex.operands.values()) > 1
        if several and (tail.rounds or (tail.node is not None and not tail.computed)):
            vertex.symbols[key] = names[place.operand].drawn


def _varying(vertex: Vertex) -> Iterator[tuple[Node, int, Sequence[Any]]]:
    """The numbers, and indices with numbers, that are others in every round: an operation, a position, those values."""
    for nodes in zip(*(unit.nodes for unit in _alike(vertex)), strict=True):
        for position, values in enumerate(zip(*(node.args or () for node in nodes), strict=False)):
            parts = [_parts(value) for value in values]
            if len({*map(len, parts)}) == 1 and any(map(_vary, zip(*parts, strict=True))):
                yield nodes[-1], position, values


def _vary(values: Sequence[Any]) -> bool:
    return all(isinstance(one, _NUMBERS) for one in values) and len({*values}) > 1


def _alike(vertex: Vertex) -> list[Unit]:
    """The rounds of a statement that lack nothing."""
    return [unit for unit in vertex.rounds if len(unit.nodes) == len(vertex.rounds[-1].nodes)]


def _first_entry(vertices: Iterable[Vertex], scope: Scope) -> int:
    """Of the lists that loops go through, the place that is t in the first round."""
    columns = (one for v in vertices for *_, values in _varying(v) for one in zip(*map(_parts, values), strict=True))
    found = (scope.of_numbers(one) for one in columns if _vary(one))
    return min((entry[1] for entry in found if entry is not None), default=0)


def _called(values: Sequence[Any], taken: Sequence[Any], scope: Scope, first: int, written: str) -> str:
    """What numbers are called that are others in every round, if these are: as they were written, unless that is a
    variable that went through a list; or else an entry of that, or t, or c.
    """
    if not _vary(values):
        return ""
    if written and not written.isidentifier():
        return written
    if (entry := scope.of_numbers(values)) is not None:
        return f"{entry[0]}[t{f'+{entry[1] - first}' if entry[1] > first else ''}]"
    if written:
        return written
    if all(isinstance(one, (int, np.integer)) for one in values) and [*values] == [
        *range(values[0], values[0] + len(values))
    ]:
        return "t"
    return next(f"{one}ₜ" for one in "cdkpq…" if f"{one}ₜ" not in str(taken))


def _number_in(expression: str) -> str:
    """What was written in the place of a number, as it stands in a formula."""
    short = 0 < len(expression) <= _LONGEST_CALL
    return "" if not short else f"({expression})" if " " in expression else expression


def _differ(operands: Sequence[Any]) -> bool:
    """Whether these are not one value in every round, as the transpose of an array is that each round makes anew."""
    if len(set(map(id, operands))) == 1:
        return False
    first, *others = (one.value if type(one) is Node and not one.requires_grad else one for one in operands)
    return not (
        isinstance(first, np.ndarray) and all(type(one) is not Node and np.array_equal(first, one) for one in others)
    )


def _rounds_back(vertex: Vertex, key: int) -> int:
    """How many rounds before the last one a value was computed."""
    rounds = enumerate(reversed(vertex.rounds))
    return next((k for k, unit in rounds if any(id(node) == key for node in unit.nodes)), 0)


def _indices(nodes: Iterable[Node], scope: Scope) -> dict[int, str]:
    """The names that somebody gave the arrays that say where."""
    parts = [part for node in nodes if node.op.role == "index" for arg in node.args or () for part in _parts(arg)]
    return {id(part): pretty(name) for part in parts if (name := scope.of_array(part))}


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def _mark_stopped(collapsed: CollapsedGraph) -> None:
    """Where gradients stop: at what was detached, computed without recording, or is the `.data` of another value."""
    values = {id(v.node.held): v for v in collapsed.vertices if v.node is not None and v.node.requires_grad}
    for vertex in collapsed.vertices:
        if not vertex.computed and not vertex.differentiable and vertex.kind != "fold":
            held = vertex.array if vertex.node is None else vertex.node.held
            source = values.get(id(held))
            vertex.stopped = source is not None or bool(vertex.node is not None and vertex.node.get("stopped"))
            if source is not None and not vertex.given and source.symbol != "…":
                vertex.name = f"stop({source.symbol})"


def _general(names: Sequence[str]) -> str:
    """What numbered names have in common, with a t in the place of the number.

    >>> _general(["X₁", "X₂", "X₃"]), _general(["Ws[0]", "Ws[1]"]), _general(["a", "b"])
    ('Xₜ', 'Ws[t]', '')
    >>> _general(["X[:2, 0]", "X[1:, 1]"])
    'X[…]'
    """
    split = [_NUMBER.fullmatch(name) for name in names]
    stems = {(found[1], found[3]) for found in split if found}
    if len(stems) == 1 and None not in split:
        before, after = stems.pop()
        return f"{before}{'t' if before.endswith(('[', ' ')) else 'ₜ'}{after}"
    wholes = {name.partition("[")[0] for name in names}
    return f"{wholes.pop()}[…]" if len(wholes) == 1 and all("[" in name for name in names) else ""


def _is_loss(output: Vertex) -> bool:
    """Whether an output is one number, and called a loss if anything."""
    name = (output.given or "loss").casefold().rstrip("_0123456789₀₁₂₃₄₅₆₇₈₉")
    return output.node is not None and output.node.size == 1 and (name in _LOSSES or name.endswith("loss"))


def _rename(collapsed: CollapsedGraph, overrides: Mapping[Node | str, str]) -> None:
    """Change the names that somebody gave by the name that would be drawn."""
    known = {alias: vertex for vertex in collapsed.vertices for alias in (vertex.name, vertex.path, vertex.given)}
    renamed = []
    for old, new in overrides.items():
        if not isinstance(old, str):
            continue
        vertex = known.get(old) or known.get(pretty(old))
        if vertex is None and not collapsed.whole:
            continue
        if vertex is None:
            names = ", ".join(vertex.name for vertex in collapsed.vertices[:20])
            raise ValueError(f"names: nothing in this picture is called {old!r}; there are {names}")
        renamed.append((vertex, new))
    for vertex, new in renamed:
        vertex.name = printable(new)
