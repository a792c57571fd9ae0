"""Two graphs in one picture, with what differs marked."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_lowercase
from typing import Any, Final

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.node import Node
from autograd.notation.literals import Text
from autograd.notation.names import Scope, users_scope
from autograd.notation.naming import Names
from autograd.notation.numbers import shape_text
from autograd.notation.words import index_text, scalar_text
from autograd.render.annotate import Annotator
from autograd.render.build import clusters_of
from autograd.render.collapse import CollapsedGraph
from autograd.render.diagram import Card, Cluster, Diagram, Direction, Edge, Verdict
from autograd.render.gradients import Gradients
from autograd.render.graph import Graph
from autograd.render.labels import label, names_of
from autograd.render.operands import formulas
from autograd.render.options import DIRECTIONS, Options, check_choice, drawable, title_of, viewport_of
from autograd.render.picture import Picture
from autograd.render.style import STYLES
from autograd.render.units import Level
from autograd.render.vertices import Plan, Vertex
from autograd.text import printable

_INSERTED: Final = 1.0  # what it costs to leave a card without a partner
_CHANGED: Final = 1.2  # and to pair two of one sort that take different things,
_SHARED: Final = 0.4  # less this for what they have in common
_SAME: Final = 0.25  # and this for one value that both have
_LONGEST: Final = 12  # letters of an option
_MOST_TAKEN: Final = 3  # operands of a statement: short ones find their partners
_MOST: Final = 400  # cards of a graph that are compared


def draw_diff(
    a: Tensor,
    b: Tensor,
    *,
    direction: Direction = "LR",
    size: tuple[int, int] | None = None,
    title: str | None = None,
) -> Picture:
    """Draw two computations side by side, with what was added, removed, or changed in shape or operands marked.

    Modules are one card each where there are modules; else each operation is. What both have stands in the
    same column. Values and gradients are not compared, only what is computed, of what, and in which shapes.

    Args:
        a, b: Tensors that operations on other Tensors gave: the old and the new one.
        direction: "LR", one above the other; "TB", one beside the other.
        size, title: as for `draw`.

    Raises:
        TypeError, ValueError: as for `draw`.

    >>> import autograd, nn, numpy as np
    >>> x = np.ones((4, 3))
    >>> narrow = nn.MLP([3, 8, 1], rng=0)(x)
    >>> wide = nn.MLP([3, 16, 16, 1], rng=0)(x)
    >>> source = autograd.draw_diff(narrow, wide).source
    >>> "+ added" in source, "≠ changed: (3, 8) → (3, 16)" in source
    (True, True)
    """
    nodes = [drawable(output, "draw_diff") for output in (a, b)]
    check_choice("direction", direction, DIRECTIONS)
    scope = users_scope()
    viewport, style = viewport_of(size, direction), STYLES["cards"]
    by_detail = [[Graph(node, alone=alone, most_taken=_MOST_TAKEN) for node in nodes] for alone in (True, False)]
    names = [[names_of(graph, scope, {}) for graph in graphs] for graphs in by_detail]
    picture = None
    for statements, plan in _plans(by_detail[0]):
        known = names[statements]
        sides = [CollapsedGraph(graph, plan) for graph in by_detail[statements]]
        if max(len(side.vertices) for side in sides) > _MOST:
            continue
        diagram = _both(sides, scope, known, title_of(title))
        picture = Picture(diagram, style, direction, viewport)
        if picture.readability() >= 1:
            break
    assert picture is not None
    return picture


def _plans(graphs: Sequence[Graph]) -> Iterator[tuple[bool, Plan]]:
    """Whether by statements, and how much: what is folded has no partner, so that comes last."""
    level: Level = "leaves" if any(graph.levels for graph in graphs) else None
    for statements in (False, True):
        yield statements, Plan(level)
        yield statements, Plan(level, repeats=True)
    for kept in (6, 5, 4, 3):
        yield True, Plan(level, ends=kept)


@dataclass(frozen=True)
class _Signature:
    """What a card is compared by: the sort of operation or module, what it takes, and the shape of the result."""

    sort: str
    taken: str
    shape: tuple[int, ...]
    value: int = field(compare=False)  # its identity: what both graphs have belongs together


def _both(sides: Sequence[CollapsedGraph], scope: Scope, known: Sequence[Names], title: str) -> Diagram:
    """Both graphs in one diagram, each in a cluster of its own."""
    symbols = [label(side, scope, {}, names) for side, names in zip(sides, known, strict=True)]
    distinct = symbols[0] != symbols[1]
    headings = [symbol if distinct else f"{side}: {symbol}" for side, symbol in zip("ab", symbols, strict=True)]
    parts = [_part(*each, scope) for each in zip(sides, symbols, "ab", headings, strict=True)]
    signatures = [[_signature(vertex) for vertex in side.vertices] for side in sides]
    pairs = _aligned(*signatures)
    verdicts: list[dict[int, tuple[Verdict, str]]] = [
        dict.fromkeys(range(len(signatures[0])), ("removed", "")),
        dict.fromkeys(range(len(signatures[1])), ("added", "")),
    ]
    for first, second in pairs:
        del verdicts[0][first], verdicts[1][second]
        old, new = signatures[0][first], signatures[1][second]
        if old != new:
            verdicts[0][first] = verdicts[1][second] = "changed", _change(old, new)
    marked = [
        replace(card, verdict=marks[place][0], remark=marks[place][1]) if place in marks else card
        for (cards, _, _), marks in zip(parts, verdicts, strict=True)
        for place, card in enumerate(cards)
    ]
    vertices = [side.vertices for side in sides]
    computed = [(a, b) for a, b in pairs if vertices[0][a].computed and vertices[1][b].computed]
    return Diagram(
        cards=tuple(marked),
        edges=tuple(edge for _, edges, _ in parts for edge in edges),
        title=title,
        notes=() if any(verdicts) else ("the two are alike",),
        operations=sum(side.operations for side in sides),
        gradients=False,
        clusters=tuple(cluster for _, _, clusters in parts for cluster in clusters),
        symbol=" and ".join(dict.fromkeys(symbols)),
        same_rank=tuple((f"a{first}", f"b{second}") for first, second in computed),
    )


def _part(
    graph: CollapsedGraph, symbol: str, side: str, heading: str, scope: Scope
) -> tuple[list[Card], list[Edge], list[Cluster]]:
    """The cards, edges and clusters of one of the two, in a cluster of their own."""
    annotator = Annotator(Gradients({}), symbol, Options(values=False, grads=False), Plan(detail="norms"))
    ids = {vertex: f"{side}{position}" for position, vertex in enumerate(graph.vertices)}
    placed, inner = clusters_of(graph, scope, prefix=f"{side}m")
    whole = Cluster(f"{side}m", printable(heading, 60), "", "graph")
    clusters = [whole, *(replace(cluster, parent=cluster.parent or whole.id) for cluster in inner)]
    cards = [annotator.card(vertex, ids[vertex], placed[vertex] or whole.id) for vertex in graph.vertices]
    edges = [annotator.edge(use, ids) for use in graph.uses if use.tail is not use.head]
    return cards, edges, clusters


def _signature(vertex: Vertex) -> _Signature:
    shape, value = np.shape(vertex.array) if vertex.array is not None else (), id(vertex.array)
    if vertex.call is not None:
        sort, opening, rest = vertex.call.caption.partition("(")
        return _Signature(sort, opening + rest, shape, value)
    if vertex.unit is not None and len(vertex.unit.nodes) > 1:
        return _Signature(vertex.unit.node.op.name, f"({_formula(vertex.unit.nodes)})", shape, value)
    if vertex.node is not None and vertex.node.op is not None:
        return _Signature(vertex.node.op.name, f"({_operands(vertex.node)})", shape, value)
    return _Signature(f"{vertex.kind} {vertex.name if vertex.kind == 'fold' else ''}", "", shape, value)


def _formula(nodes: Sequence[Node]) -> str:
    """What a statement computes, with a letter for each value that it takes."""
    letters: dict[int, str] = {}

    def letter(operand: Any) -> Text:
        return Text(letters.setdefault(id(operand), ascii_lowercase[len(letters) % 26]))

    return printable(formulas(nodes, letter)[nodes[-1]].text, 2 * _LONGEST)


def _operands(node: Node) -> str:
    """What an operation takes: a letter for each value, so that `w * w` differs from `w * v`, numbers and options."""
    letters: dict[int, str] = {}
    texts = []
    for arg in (*(node.args or ()), *node.kwargs.values()):
        if isinstance(arg, Node) or (isinstance(arg, np.ndarray) and arg.ndim):
            texts.append(letters.setdefault(id(arg), ascii_lowercase[len(letters) % 26]))
        elif isinstance(arg, (slice, tuple)) and "index" in node.op.operands:
            texts.append(index_text(arg))
        else:
            texts.append(scalar_text(arg) or printable(repr(arg), _LONGEST))
    return printable(", ".join(texts), 2 * _LONGEST)


def _change(old: _Signature, new: _Signature) -> str:
    if old.taken != new.taken:
        return f"{old.taken} → {new.taken}"
    return f"{shape_text(old.shape)} → {shape_text(new.shape)}"


def _aligned(old: Sequence[_Signature], new: Sequence[_Signature]) -> list[tuple[int, int]]:
    """The pairs of places that belong together: the cheapest way to turn one sequence into the other.

    See Needleman and Wunsch, "A general method applicable to the search for similarities" (1970).
    """
    costs = np.zeros((len(old) + 1, len(new) + 1))
    costs[:, 0], costs[0, :] = np.arange(len(old) + 1) * _INSERTED, np.arange(len(new) + 1) * _INSERTED
    for i, first in enumerate(old, 1):
        for j, second in enumerate(new, 1):
            apart = min(costs[i - 1, j], costs[i, j - 1]) + _INSERTED
            costs[i, j] = min(apart, costs[i - 1, j - 1] + _cost(first, second))
    pairs = []
    i, j = len(old), len(new)
    while i and j:
        if costs[i, j] == costs[i - 1, j - 1] + _cost(old[i - 1], new[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif costs[i, j] == costs[i - 1, j] + _INSERTED:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _cost(old: _Signature, new: _Signature) -> float:
    """The less, the more of what they take two of one sort have in common."""
    if old == new:
        return -_SAME if old.value == new.value else 0.0
    if old.sort != new.sort:
        return np.inf
    taken = [one.taken[1:-1].split(", ") for one in (old, new)]
    shared = sum(map(operator.eq, *taken)) / max(map(len, taken)) if old.taken else 0.5
    return _CHANGED - _SHARED * shared
