"""Two graphs in one picture, with what differs marked."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase
from typing import Final

import numpy as np

from autograd.core.node import Node
from autograd.core.tensor import Tensor
from autograd.notation.expressions import index_text, scalar_text, tail
from autograd.notation.names import Scope, printable
from autograd.notation.naming import Names
from autograd.notation.numbers import shape_text
from autograd.render.content import Content
from autograd.render.diagram import Card, Cluster, Diagram, Edge, Verdict
from autograd.render.dot import Direction
from autograd.render.extent import fits
from autograd.render.labels import label, names_of
from autograd.render.model import Asked, clusters_of
from autograd.render.picture import Picture
from autograd.render.request import choice, drawable, room_of
from autograd.render.sketch import Item, Plan, Sketch
from autograd.render.survey import Level, Survey
from autograd.render.trace import Trace

_INSERTED: Final = 1.0  # what it costs to leave a card without a partner
_RESIZED: Final = 1.2  # and to pair two of one sort that differ in size,
_SHARED: Final = 0.4  # less this for what their sizes have in common
_LONGEST: Final = 12  # letters of an option
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
    choice("direction", direction, Direction)
    caller = sys._getframe(1)
    scope = Scope(caller.f_locals, caller.f_globals)
    room = room_of(size, direction)
    surveys = [Survey(node) for node in nodes]
    known = [names_of(survey, scope, {}) for survey in surveys]
    diagram = None
    for plan in _plans(surveys):
        drawn = [Sketch(survey, plan, lambda array: scope.of_array(array) is not None) for survey in surveys]
        if max(len(sketch.items) for sketch in drawn) > _MOST:
            continue
        diagram = _both(drawn, scope, known, title or "")
        if fits(diagram, room):
            break
    assert diagram is not None
    return Picture(diagram, "cards", direction, room)


def _plans(surveys: Sequence[Survey]) -> Iterator[Plan]:
    level: Level = "leaves" if any(survey.calls for survey in surveys) else None
    yield Plan(level)
    yield Plan(level, repeats=True)
    for kept in (6, 5, 4, 3):
        yield Plan(level, ends=kept)


@dataclass(frozen=True)
class _Sort:
    """What a card is compared by."""

    what: str
    size: str
    result: tuple[int, ...]


def _both(drawn: Sequence[Sketch], scope: Scope, known: Sequence[Names], title: str) -> Diagram:
    symbols = [label(sketch, scope, {}, names) for sketch, names in zip(drawn, known, strict=True)]
    alone = symbols[0] != symbols[1]  # the names tell which is which
    headings = [symbol if alone else f"{side}: {symbol}" for side, symbol in zip("ab", symbols, strict=True)]
    parts = [_part(*each, scope) for each in zip(drawn, symbols, "ab", headings, strict=True)]
    sorts = [[_sort(item) for item in sketch.items] for sketch in drawn]
    pairs = _aligned(*sorts)
    verdicts: list[dict[int, tuple[Verdict, str]]] = [
        dict.fromkeys(range(len(sorts[0])), ("removed", "")),
        dict.fromkeys(range(len(sorts[1])), ("added", "")),
    ]
    for first, second in pairs:
        del verdicts[0][first], verdicts[1][second]
        old, new = sorts[0][first], sorts[1][second]
        if old != new:
            told = _change(old, new)
            verdicts[0][first] = verdicts[1][second] = "changed", told
    marked = [
        replace(card, verdict=said[place][0], remark=said[place][1]) if place in said else card
        for (cards, _, _), said in zip(parts, verdicts, strict=True)
        for place, card in enumerate(cards)
    ]
    alike = not any(verdicts)
    return Diagram(
        cards=tuple(marked),
        edges=tuple(edge for _, edges, _ in parts for edge in edges),
        title=title,
        notes=("the two are alike",) if alike else (),
        operations=sum(sketch.operations for sketch in drawn),
        gradients=False,
        clusters=tuple(cluster for _, _, clusters in parts for cluster in clusters),
        symbol=" and ".join(dict.fromkeys(symbols)),
        aligned=tuple((f"a{first}", f"b{second}") for first, second in pairs if _computed(drawn, first, second)),
    )


def _computed(drawn: Sequence[Sketch], first: int, second: int) -> bool:
    return drawn[0].items[first].computed and drawn[1].items[second].computed


def _part(
    sketch: Sketch, symbol: str, side: str, heading: str, scope: Scope
) -> tuple[list[Card], list[Edge], list[Cluster]]:
    """The cards, edges and frames of one of the two, in a frame of their own."""
    content = Content(Trace({}), symbol, values=False, grads=False, detail="norms")
    ids = {item: f"{side}{position}" for position, item in enumerate(sketch.items)}
    homes, inner = clusters_of(sketch, Asked(), scope, f"{side}m")
    whole = Cluster(f"{side}m", printable(heading, 60), "", "graph")
    clusters = [whole, *(replace(cluster, home=cluster.home or whole.id) for cluster in inner)]
    cards = [content.card(item, ids[item], homes[item] or whole.id) for item in sketch.items]
    edges = [content.edge(use, ids) for use in sketch.uses if use.tail is not use.head]
    return cards, edges, clusters


def _sort(item: Item) -> _Sort:
    shape = np.shape(item.array) if item.array is not None else ()
    if item.call is not None:
        kind, _, _ = item.call.caption.partition("(")
        return _Sort(kind, item.call.caption, shape)
    if item.node is not None and item.node.op is not None:
        return _Sort(item.node.op.name, f"{item.node.op.name}({_operands(item.node)})", shape)
    return _Sort(f"{item.kind} {item.name if item.kind == 'fold' else ''}", "", shape)


def _operands(node: Node) -> str:
    """What an operation takes: a letter for each value, so that `w * w` differs from `w * v`, numbers and options."""
    letters: dict[int, str] = {}
    told = []
    for arg in (*(node.args or ()), *node.kwargs.values()):
        if isinstance(arg, Node) or (isinstance(arg, np.ndarray) and arg.ndim):
            told.append(letters.setdefault(id(arg), ascii_lowercase[len(letters) % 26]))
        elif isinstance(arg, (slice, tuple)) and tail(node.op.name) in ("getitem", "put", "scatter"):
            told.append(index_text(arg))
        else:
            told.append(scalar_text(arg) or printable(repr(arg), _LONGEST))
    return printable(", ".join(told), 2 * _LONGEST)


def _change(old: _Sort, new: _Sort) -> str:
    if old.size != new.size:
        return f"{old.size[len(old.what) :] or old.size} → {new.size[len(new.what) :] or new.size}"
    return f"{shape_text(old.result)} → {shape_text(new.result)}"


def _aligned(old: Sequence[_Sort], new: Sequence[_Sort]) -> list[tuple[int, int]]:
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


def _cost(old: _Sort, new: _Sort) -> float:
    """The less, the more of their sizes two of one sort have in common."""
    if old == new:
        return 0.0
    if old.what != new.what:
        return np.inf
    sizes = [sort.size[len(sort.what) + 1 : -1].split(", ") for sort in (old, new)]
    shared = sum(map(operator.eq, *sizes)) / max(map(len, sizes)) if old.size else 0.5
    return _RESIZED - _SHARED * shared
