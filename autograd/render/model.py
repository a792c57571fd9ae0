"""From a Tensor to a description of its picture: how much of its graph is drawn, and in which words.

Everything is read from the graph at once, numbers become text, so that later changes of the arrays do not
change the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Final, Literal

import numpy as np

from autograd.core.node import Node, overwritten
from autograd.notation.names import Scope, printable
from autograd.notation.naming import Names
from autograd.notation.numbers import shape_text
from autograd.render.calls import Call
from autograd.render.content import Content, Hand
from autograd.render.diagram import Card, Cluster, Diagram, Edge, Fact, Kind
from autograd.render.extent import Room, fits
from autograd.render.labels import label, names_of
from autograd.render.sketch import Detail, Frame, Item, Plan, Sketch
from autograd.render.survey import Level, Survey
from autograd.render.trace import Trace, trace

# Above this the gradients cost more than the second that a folded picture may take.
MOST_FOR_GRADIENTS: Final = 100_000
MOST_PULLS: Final = 10_000  # operations whose single contributions are kept
MOST_CARDS: Final = 2000  # that anybody should have drawn, even one who asks for all
_MOST_TRIED: Final = 100  # units of a picture that might fit
_CIRCUIT: Final = 24  # operations of a circuit that are drawn whole, whatever the room
_ENDS: Final = (12, 9, 7, 5, 4, 3, 2)

Collapse = Literal["auto", "none", "modules"]
Look = Literal["cards", "circuit", "overview", "plain"]


@dataclass(frozen=True)
class Asked:
    """What somebody asked of a picture; see `autograd.draw`.

    `repeats`: whether what repeats may be drawn once; `hand`: gradients derived by hand, and what is said of them.
    """

    values: bool = True
    grads: bool = True
    rules: bool = False
    title: str = ""
    collapse: Collapse = "auto"
    depth: int | None = None
    style: Look = "cards"
    room: Room = field(default_factory=Room)
    repeats: bool = True
    hand: Mapping[Node, Hand] = field(default_factory=dict)


@dataclass(frozen=True)
class Described:
    """A diagram, with what it was made of: the output, the card of each operand, arrays, and the backward pass."""

    diagram: Diagram
    output: Node
    card: Callable[[Any], str | None]
    values: Mapping[str, Any]
    trace: Trace


def describe(output: Node, scope: Scope, names: Mapping[Node | str, str], **options: Any) -> Diagram:
    """Describe the picture of what is behind `output`; takes what `describe_all` takes."""
    return describe_all(output, scope, names, **options).diagram


def describe_all(
    output: Node, scope: Scope, names: Mapping[Node | str, str], *, most: int | None = None, **asked: Any
) -> Described:
    """Describe the picture of what is behind `output`.

    Args:
        output: the node to draw; it has an operation.
        scope: the caller's variables.
        names: names that come before all others, by node or by the name that would be drawn.
        most: draw every operation, unless there are more than these.
        asked: the fields of `Asked`.

    Raises:
        ValueError: `names` renames what is not in the picture; too much to draw without folding.
    """
    wanted = Asked(**asked)
    survey = Survey(output)
    if wanted.style == "circuit":
        _check_scalars(survey)
    if most is not None and len(survey.operations) <= most:
        wanted = replace(wanted, collapse="none")
    notes = _obstacles(output, survey) if wanted.grads else ()
    passed = Trace({})
    if wanted.grads and not notes:
        keep = len(survey.operations) <= MOST_PULLS
        passed = trace(output, lambda node, operand: keep)
    known = names_of(survey, scope, names)
    found: Described | None = None
    for plan in _plans(survey, wanted):
        tried, own = _describe(survey, plan, scope, names, known, wanted, passed, notes)
        if found is not None and not own:  # what was marked would be folded away
            continue
        found = tried
        if wanted.collapse == "none" or fits(found.diagram, wanted.room, wanted.style):
            break
    assert found is not None
    return found


def _check_scalars(survey: Survey) -> None:
    for node in survey.nodes:
        arrays = [node.value, *(arg for arg in node.args or () if isinstance(arg, np.ndarray))]
        for array in arrays:
            if np.size(array) != 1:
                name = f"{node.note('name') or (node.op.name if node.op else 'a Tensor')} of shape"
                raise ValueError(
                    f"a circuit is drawn of numbers, and here is {name} {np.shape(array)}; use style='cards' for arrays"
                )


def _plans(survey: Survey, wanted: Asked) -> Iterator[Plan]:
    """How much to draw, the most first; the last plan is drawn whether it fits or not."""
    overview, depth = wanted.style == "overview", wanted.depth
    level: Level = depth if depth is not None else "leaves" if overview or wanted.collapse == "modules" else None
    detail: Detail = "norms" if overview else "numbers"
    if wanted.collapse == "none":
        if len(survey.operations) > MOST_CARDS:
            raise ValueError(
                f"a picture of {len(survey.operations):,} operations is nothing to look at; leave collapse at 'auto', "
                f"or draw a part: collapse='none' draws up to {MOST_CARDS:,}"
            )
        yield Plan(level, detail=detail, carries=overview)
        return
    levels: list[Level] = [level]
    if depth is None and survey.calls:
        inner: list[Level] = ["leaves"] if level is None else []
        levels += [*inner, *range(survey.deepest - 2, 0, -1)]
    less = overview or wanted.style == "circuit" or bool(wanted.hand)
    details: tuple[Detail, ...] = (detail,) if less else ("numbers", "norms", "names")
    if survey.small:
        for said, tried in product(details, levels):
            for again in (False, True)[: 1 + wanted.repeats]:
                if survey.shown(tried, once=again) <= _MOST_TRIED:
                    if overview:
                        yield Plan(tried, again, detail=said, carries=True)
                    yield Plan(tried, again, detail=said)
    if wanted.style == "circuit" and len(survey.operations) <= _CIRCUIT:
        return  # a wire of a fold would stand for several values
    ends: Level = "leaves" if survey.calls and depth is None else level
    for kept in _ENDS if survey.small else _ENDS[-2:-1]:
        yield Plan(ends, ends=kept, detail=detail)
    if survey.calls and depth is None:
        yield Plan(0, detail=detail)
    yield Plan(ends, ends=1, detail=detail)


def _describe(
    survey: Survey,
    plan: Plan,
    scope: Scope,
    names: Mapping[Node | str, str],
    known: Names,
    wanted: Asked,
    passed: Trace,
    notes: tuple[str, ...],
) -> tuple[Described, bool]:
    """The picture by a plan, and whether all that is marked has a card of its own."""
    drawn = Sketch(survey, plan, lambda array: scope.of_array(array) is not None)
    symbol = label(drawn, scope, names, known)
    content = Content(
        passed,
        symbol,
        values=wanted.values,
        grads=wanted.grads,
        rules=wanted.rules,
        detail=plan.detail,
        carries=plan.carries,
        hand=wanted.hand,
    )
    ids = {item: f"n{position}" for position, item in enumerate(drawn.items)}
    homes, clusters = clusters_of(drawn, wanted, scope, counted=survey.parameters if plan.detail == "norms" else None)

    def card(operand: Any) -> str | None:
        item = drawn.find(operand)
        return None if item is None else ids[item]

    diagram = Diagram(
        cards=tuple(content.card(item, ids[item], homes[item]) for item in drawn.items),
        edges=tuple(content.edge(use, ids) for use in drawn.uses if use.tail is not use.head),
        title=wanted.title,
        notes=(*notes, *_repeated(clusters), *_verdict(wanted.hand, card, [item.name for item in drawn.items], symbol)),
        operations=drawn.operations,
        gradients=bool(passed.gradients) and wanted.grads,
        clusters=tuple(clusters),
        symbol=symbol,
        folded=wanted.repeats and drawn.operations <= MOST_CARDS and (not drawn.whole or _hidden(drawn, wanted)),
    )
    arrays = {ids[item]: item.array for item in drawn.items if item.array is not None}
    marked = [drawn.find(node) for node in wanted.hand]
    own = all(item is not None and item.node is node for item, node in zip(marked, wanted.hand, strict=True))
    return Described(diagram, survey.output, card, arrays, passed), own


def _hidden(drawn: Sketch, wanted: Asked) -> bool:
    """Whether modules are cards that nobody asked for."""
    asked = wanted.style == "overview" or wanted.depth is not None or wanted.collapse == "modules"
    return not asked and any(item.call is not None for item in drawn.items)


def _repeated(clusters: Sequence[Cluster]) -> Iterator[str]:
    """Of what repeats, whose numbers there are: those that come out of it are of the last time."""
    if any(cluster.kind == "repeat" for cluster in clusters):
        yield "dashed frame: what repeats, drawn as it is the first time"


def _verdict(
    hand: Mapping[Node, Hand], card: Callable[[Any], str | None], names: list[str], symbol: str
) -> Iterator[str]:
    """What a comparison says in all."""
    wrong = [node for node, told in hand.items() if told.verdict != "right"]
    if not wrong:
        if hand:
            yield f"all {len(hand):,} gradients derived by hand are right"
        return
    own = [node for node in wrong if hand[node].verdict == "first wrong"]
    first = own[0] if own else max(wrong, key=lambda node: node.order)
    place = card(first)
    name = names[int(place[1:])] if place else "?"
    what = f"gradient{'s' * (len(hand) > 1)} derived by hand {'are' if len(wrong) > 1 else 'is'} wrong"
    yield f"{len(wrong):,} of {len(hand):,} {what}; the first wrong link is ∂{symbol}/∂{name}"


# Frames


def clusters_of(
    drawn: Sketch, wanted: Asked, scope: Scope, prefix: str = "m", counted: Callable[[Call], int] | None = None
) -> tuple[dict[Item, str], list[Cluster]]:
    """The frame that each card stands in, by id or "", and the frames, outer ones first.

    `counted` tells the number of a module's parameters, where frames of several modules shall say it.
    """
    frames = {frame: f"{prefix}{position}" for position, frame in enumerate(_shown(drawn, wanted))}
    homes = {item: _home(item.frame, frames) for item in drawn.items}
    return homes, [_cluster(frame, identity, frames, scope, counted) for frame, identity in frames.items()]


def _shown(drawn: Sketch, wanted: Asked) -> list[Frame]:
    """The frames that say something, outer ones first: not that of the one model that all is in."""
    for item in drawn.items:
        if not item.computed and item.frame is None and item.kind != "data":
            item.frame = _common([user.frame for user in item.users])
    used = {frame for item in drawn.items for frame in _around(item.frame)}
    roots = {f.call.owner for f in used if f.call is not None and f.home is None and f.call.children}
    kept = [
        frame
        for frame in drawn.frames
        if frame in used
        and not (
            frame.call is not None and frame.home is None and frame.call.children
            and not frame.call.path and len(roots) == 1 and wanted.style != "overview"
        )
    ]  # fmt: skip
    return sorted(kept, key=lambda frame: len(_around(frame)))


def _around(frame: Frame | None) -> list[Frame]:
    """A frame and those that it stands in, innermost first."""
    found = []
    while frame is not None:
        found.append(frame)
        frame = frame.home
    return found


def _common(frames: list[Frame | None]) -> Frame | None:
    """The innermost frame that all these stand in."""
    chains = [_around(frame) for frame in frames]
    return next((frame for frame in chains[0] if all(frame in chain for chain in chains)), None) if chains else None


def _home(frame: Frame | None, frames: Mapping[Frame, str]) -> str:
    return next((frames[around] for around in _around(frame) if around in frames), "")


def _cluster(
    frame: Frame,
    identity: str,
    frames: Mapping[Frame, str],
    scope: Scope,
    counted: Callable[[Call], int] | None,
) -> Cluster:
    home = _home(frame.home, frames)
    if frame.call is None:
        first, last = frame.paths
        where = f" · {first} … {last}" if first and first != last else ""
        return Cluster(identity, printable(f"× {frame.count:,}{where}", 60), home, "repeat")
    call = frame.call
    path = call.path or (scope.of_owner(call.owner) or "" if call.children else "")
    parts = [path, call.caption] if path else [call.caption]
    if counted is not None and call.children and (count := counted(call)):
        parts.append(f"{count:,} parameters")
    return Cluster(identity, printable(" · ".join(parts), 80), home)


def _obstacles(output: Node, survey: Survey) -> tuple[str, ...]:
    """Why there are no gradients, if so."""
    if output.value.size != 1:
        return (f"no gradients: the output has shape {shape_text(output.value.shape)}, and only a scalar has them",)
    if len(survey.nodes) > MOST_FOR_GRADIENTS:
        return (f"no gradients: the graph has more than {MOST_FOR_GRADIENTS:,} operations",)
    if any(node.args is None for node in survey.nodes):
        return ("no gradients: this graph was freed by backward(retain_graph=False)",)
    if any(overwritten(node) for node in survey.nodes):
        return ("no gradients: a parameter was changed in place after this graph had used it",)
    return ()


__all__ = [
    "Asked",
    "Card",
    "Cluster",
    "Collapse",
    "Described",
    "Diagram",
    "Edge",
    "Fact",
    "Item",
    "Kind",
    "Look",
    "describe",
    "describe_all",
]
