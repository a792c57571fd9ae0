"""What the page of a player knows, as text: cards with their numbers, edges, steps, and what the speaker says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from unicodedata import normalize

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.node import Node, topological
from autograd.notation.mathml import mathml
from autograd.notation.numbers import GRID, number, numbers, shape_text, show
from autograd.notation.words import function_name
from autograd.render.annotate import symbols_of
from autograd.render.build import Scene
from autograd.render.diagram import Card, Direction
from autograd.render.operands import formulas
from autograd.render.options import mapping_of
from autograd.render.picture import Picture
from autograd.render.player_svg import player_svg
from autograd.render.steps import Step, steps
from autograd.render.style import STYLES
from autograd.text import printable

_BLANK: Final = "\N{NO-BREAK SPACE}"  # a space that separates no cells
_LONGEST_FORMULA: Final = 60
LARGEST: Final = 8  # rows and columns that the inspector writes out
_ENDS: Final = (4, 3)  # of a longer axis, what is written from its beginning and its end


class View:
    """One of the pictures of a page, with its steps.

    Args:
        scene: what is drawn.
        direction: of its layout.
        prefix: of the ids of its cards and edges, where another picture has them too.
    """

    def __init__(self, scene: Scene, direction: Direction, prefix: str = "") -> None:
        self.scene, self.prefix, self._direction = scene, prefix, direction
        self.steps = steps(scene)

    def svg(self, name: str) -> str:
        """The picture for the page, with this id."""
        diagram = self.scene.diagram
        return player_svg(Picture(diagram, STYLES["cards"], self._direction).svg, diagram, name, self.prefix)

    def data(self, spoken: Mapping[int, str], inside: View | None = None) -> dict[str, Any]:
        """What the page knows, with every number as text.

        Args:
            spoken: what is said, by step.
            inside: the picture that folded cards open.
        """
        diagram, prefix, all_steps = self.scene.diagram, self.prefix, self.steps
        opened = {} if inside is None else _opened(self.scene, inside)
        valued = {step.card: place for place, step in enumerate(all_steps) if step.phase == "forward"}
        complete = {one.card: at for at, one in enumerate(all_steps) if one.phase == "backward" and one.complete}
        back = {step.edge: place for place, step in enumerate(all_steps) if step.edge is not None}
        last = len(all_steps) - 1
        cards = [
            {
                "id": prefix + card.id,
                "name": card.name,
                "path": card.path,
                "expression": card.expression,
                "about": ", ".join(filter(None, (card.kind, card.shape, card.path))),
                "value": _folded(self.scene, card) or _table(self.scene.values.get(card.id)),
                "at": valued.get(card.id, 0),
                "done": complete.get(card.id, last if card.gradient is not None else None),
                **_within(self.scene, card, opened.get(card.id)),
            }
            for card in diagram.cards
        ]
        edges = [
            [
                prefix + edge.tail,
                prefix + edge.head,
                back.get(place, last) if edge.differentiable and diagram.gradients else None,
                f"{prefix}e{place}",
            ]
            for place, edge in enumerate(diagram.edges)
        ]
        told = [{**_step(step, prefix), **_spoken(spoken, place)} for place, step in enumerate(all_steps)]
        return {"cards": cards, "edges": edges, "steps": told}


def is_folded(scene: Scene, card: Card) -> bool:
    """Whether there is more in a card than is drawn: it stands for a module, or for what did not fit."""
    return card.kind == "fold" or scene.vertices[card.id].call is not None


def _opened(folded: Scene, inside: View) -> dict[str, list[str]]:
    """The cards of another picture that were in each folded card."""
    owner = {
        id(node): card.id
        for card in folded.diagram.cards
        if is_folded(folded, card) and (unit := folded.vertices[card.id].unit) is not None
        for node in unit.nodes
    }
    found: dict[str, list[str]] = {card.id: [] for card in folded.diagram.cards if is_folded(folded, card)}
    for card, vertex in inside.scene.vertices.items():
        if vertex.node is None or vertex.node.op is None:
            continue
        place = owner.get(id(vertex.node)) or folded.card(vertex.node)
        if place in found:
            found[place].append(inside.prefix + card)
    return {card: cards for card, cards in found.items() if cards}


# What the speaker says


def speech(notes: Mapping[int | Tensor | str, str] | None, views: Sequence[View]) -> list[dict[int, str]]:
    """What is said at each step of each picture; steps by number are those of the first.

    Raises:
        TypeError: notes that are no dictionary, or of something else than steps, Tensors and names, or no text.
        ValueError: a step or a value that is not in the pictures.
    """
    spoken: list[dict[int, list[str]]] = [{} for _ in views]
    for key, text in mapping_of("notes", notes).items():
        if not isinstance(text, str) or isinstance(key, bool) or not isinstance(key, (int, str, Tensor)):
            raise TypeError(f"notes maps steps, Tensors or names to text, and has {key!r}: {text!r}")
        said = False
        for view, by_step in zip(views, spoken, strict=True):
            for step in _steps_of(key, view, first=view is views[0]):
                by_step.setdefault(step, []).append(text)
                said = True
        if not said:
            names = ", ".join(dict.fromkeys(card.name for card in views[0].scene.diagram.cards))
            last = len(views[0].steps) - 1
            what = f"the step {key}" if isinstance(key, int) else "a Tensor" if isinstance(key, Tensor) else repr(key)
            raise ValueError(f"notes has {what}, which is not on this page: steps are 0 to {last}, names are {names}")
    return [{step: "\n".join(texts) for step, texts in by_step.items()} for by_step in spoken]


def _steps_of(key: int | Tensor | str, view: View, *, first: bool) -> Iterator[int]:
    """The steps that a note is for: of a value that is given, the first step too."""
    if isinstance(key, int):
        yield from [key] if first and 0 <= key < len(view.steps) else []
        return
    cards = {card.id for card in view.scene.diagram.cards if _is_of(key, card, view.scene)}
    computed = {step.card for step in view.steps if step.phase == "forward"}
    if cards - computed:
        yield 0
    yield from (place for place, step in enumerate(view.steps) if step.card in cards)


def _is_of(key: Tensor | str, card: Card, scene: Scene) -> bool:
    if isinstance(key, str):
        return key in (card.name, normalize("NFKC", card.name), card.path)
    return scene.card(key._node) == card.id


def _spoken(spoken: Mapping[int, str], place: int) -> dict[str, str]:
    return {"spoken": spoken[place]} if place in spoken else {}


# Numbers and steps


def _folded(scene: Scene, card: Card) -> dict[str, Any] | None:
    """What a fold holds: its first and last operations."""
    if card.kind != "fold":
        return None
    drawn = {id(node) for vertex in scene.vertices.values() if vertex.unit is not None for node in vertex.unit.nodes}
    behind = [node for node in topological([scene.output]) if node.op is not None and id(node) not in drawn]
    return _operations(scene, [node for node in behind if scene.card(node) == card.id])


def _within(scene: Scene, card: Card, opens: Sequence[str] | None) -> dict[str, Any]:
    """What is one click away: the cards that this one opens, or else the operations of its statement or module."""
    vertex = scene.vertices[card.id]
    if opens:
        return {"opens": opens}
    if vertex.unit is None or len(vertex.unit.nodes) < 2:
        return {}
    nodes = vertex.unit.nodes
    texts = formulas(nodes, symbols_of(vertex), vertex.index_name, vertex.numbers) if vertex.call is None else {}
    return {"inside": _operations(scene, nodes, {node: text.text for node, text in texts.items()})}


def _operations(scene: Scene, nodes: Sequence[Node], texts: Mapping[Node, str] | None = None) -> dict[str, Any]:
    """Operations as `texts` or their functions, with the largest number of each value and of its gradient.

    The first and last of many.
    """
    told = texts or {}
    rows = []
    for node in (nodes[k] for k in _kept(len(nodes))):
        text = printable(told.get(node) or function_name(node.op), _LONGEST_FORMULA).replace(" ", _BLANK)
        rows.append(" ".join((text, shape_text(node.shape), _largest(node), _largest_of_gradient(scene, node))))
    if len(nodes) > len(rows):
        rows.insert(_ENDS[0], " ".join("⋮⋮⋮⋮"))
    head = " ".join(("operation", "shape", "largest", "gradient"))
    return {"rows": [head, *rows], "lines": [f"{len(nodes):,} operations"]}


def _largest(node: Node) -> str:
    try:
        return _farthest(node.value)
    except RuntimeError:  # it was let go, and so was what it was computed from
        return "?"


def _largest_of_gradient(scene: Scene, node: Node) -> str:
    gradient = scene.gradients.of.get(node)
    return "" if gradient is None else _farthest(gradient)


def _farthest(array: Any) -> str:
    """The number of an array that is farthest from 0."""
    flat = np.ravel(np.asarray(array))
    return number(flat[np.argmax(np.abs(flat))]) if flat.size else ""


def _table(array: Any) -> dict[str, Any] | None:
    """An array for the inspector: its numbers, of a large one those at the corners and a description."""
    if array is None:
        return None
    array = np.asarray(array)
    lines = list(show(array).lines)
    if array.size == 0:
        return {"rows": [], "lines": lines}
    grid = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    kept = [_kept(length) for length in grid.shape]
    cells, factor = numbers(grid[np.ix_(*kept)], apart=max(grid.shape) <= GRID)
    rows = [list(row) for row in cells]
    if len(kept[1]) < grid.shape[1]:
        rows = [[*row[: _ENDS[0]], "…", *row[_ENDS[0] :]] for row in rows]
    if len(kept[0]) < grid.shape[0]:
        rows.insert(_ENDS[0], ["⋮"] * len(rows[0]))
    if factor and max(grid.shape) > GRID:
        lines.insert(0, factor)
    return {"rows": [" ".join(row) for row in rows], "lines": lines}


def _kept(length: int) -> list[int]:
    """The places of an axis that are written out."""
    if length <= LARGEST:
        return list(range(length))
    return [*range(_ENDS[0]), *range(length - _ENDS[1], length)]


def _step(step: Step, prefix: str) -> dict[str, Any]:
    parts: dict[str, Any] = {"phase": step.phase, "sentence": step.sentence}
    if step.card:
        parts["card"] = prefix + step.card
    if step.edge is not None:
        parts["edge"] = step.edge
    if step.rule is not None:
        parts["rule"] = mathml(step.rule)
    if step.worked is not None:
        parts["rule"] += mathml(step.worked)
    if step.note:
        parts["note"] = step.note
    if step.gradient is not None:
        parts["gradient"] = _table(step.gradient)
        if step.share:
            parts |= {"share": step.share, "contribution": _table(step.contribution)}
    return parts
