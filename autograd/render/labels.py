"""The kind and the name of each card."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.notation.names import Scope, pretty
from autograd.notation.naming import Names
from autograd.render.collapse import CollapsedGraph, Vertex
from autograd.render.graph import Graph
from autograd.render.statements import arguments
from autograd.text import printable

_LOSSES: Final = frozenset(("l", "loss", "cost", "error", "objective", "j", "mse", "nll", "bce"))
_NUMBER: Final = re.compile(r"(.*?[\w\[])([₀-₉]+|\d+(?=\]))(.*)")
_ENDS: Final = 32  # operations at each end of a graph that is too large to be looked at


def names_of(graph: Graph, scope: Scope, overrides: Mapping[Node | str, str]) -> Names:
    """The names of a graph, which tell its statements; of one that is too large, those of its leaves and its ends."""
    nodes = [*(node for node in graph.nodes if node is not graph.output), graph.output]
    if not graph.small:
        nodes = [node for node in nodes if node.op is None]
        nodes += graph.operations[:_ENDS] + graph.operations[-_ENDS:]
        return Names(nodes, scope, overrides)
    names = Names(nodes, scope, overrides)
    graph.named = lambda value: name.drawn if (name := names.given(value)) is not None else ""
    for values, start in graph.rounds():
        names.number(values, start)
    return names


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
            vertex.given = vertex.given or name.drawn  # that the formulas of its users may mention it
        if vertex.call is None and vertex.unit is not None:
            vertex.symbols |= _indices(vertex.unit.nodes, scope)
    _mark_stopped(collapsed)
    _name_complements(collapsed)
    for vertex in collapsed.vertices:
        if vertex.rounds and vertex.call is None:
            _name_rounds(vertex, names)
    _rename(collapsed, overrides)
    if output.call is None:
        return output.name
    return output.given or ("L" if output.kind == "loss" else "out")


def _name_rounds(vertex: Vertex, names: Names) -> None:
    """The formula of what repeats is the same in every round: `h = tanh(Xₜ Wxh + h Whh)`."""
    vertex.name = pretty(names[vertex.node].text)
    whole = [unit.nodes for unit in vertex.rounds if len(unit.nodes) == len(vertex.rounds[-1].nodes)]
    for places in zip(*map(arguments, whole), strict=False):
        taken = [place.operand for place in places]
        tail, drawn = vertex.operands.get(id(taken[-1])), [names[operand].drawn for operand in taken]
        if (tail is None or not tail.rounds) and len(set(map(id, taken))) > 1:
            vertex.symbols[id(taken[-1])] = _general(drawn) or drawn[-1]


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


def _name_complements(collapsed: CollapsedGraph) -> None:
    """A constant that nobody named is called 1 − y where it is that, as a cross-entropy has it."""
    leaves = [v for v in collapsed.vertices if v.value is not None and not v.computed and np.ndim(v.value)]
    known = [v for v in leaves if v.given and v.value.dtype.kind == "f"]
    for vertex in leaves:
        if not vertex.given and not vertex.differentiable and vertex.value.size:
            same = (other for other in known if np.array_equal(vertex.value, 1 - other.value))
            if (other := next(same, None)) is not None:
                vertex.name = f"1 − {other.name}"


def _general(names: Sequence[str]) -> str:
    """What numbered names have in common, with a t in the place of the number.

    >>> _general(["X₁", "X₂", "X₃"]), _general(["Ws[0]", "Ws[1]"]), _general(["a", "b"])
    ('Xₜ', 'Ws[t]', '')
    """
    split = [_NUMBER.fullmatch(name) for name in names]
    stems = {(found[1], found[3]) for found in split if found}
    if len(stems) != 1 or None in split:
        return ""
    before, after = stems.pop()
    return f"{before}{'t' if before.endswith('[') else 'ₜ'}{after}"


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
