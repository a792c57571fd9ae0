"""A computation step by step: what is computed forward, and what each rule sends back, in the engine's order.

A `Step` is one moment of the picture. The numbers and the order of the backward steps are those of the
trace that the engine's own pass left; values come in the order of the program.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from autograd.notation.expressions import scalar_text
from autograd.notation.numbers import shape_text
from autograd.notation.rule import equation, seed, spoken, summed, worked
from autograd.notation.tree import Tree
from autograd.render.model import Card, Described, Diagram, Edge
from autograd.render.trace import Pull

Phase = Literal["start", "forward", "backward", "end"]
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SOME: Final = 4  # names of one kind that are said


@dataclass(frozen=True)
class Step:
    """One moment.

    Attributes:
        phase: "start", "forward", "backward" or "end".
        sentence: what happens.
        card: the id of the card that gets a value or a gradient; empty at the start and at the end.
        edge: the edge that the gradient comes back along, by its place in the diagram, or None.
        complete: whether the card's gradient has all its contributions.
        rule: what is computed, as mathematics, or None where only the sentence says it.
        worked: the rule in numbers, where all are scalars.
        note: what the rule does not say, such as a sum over broadcast axes.
        contribution: what this step adds to the gradient of the card.
        gradient: the sum of all that has arrived there, this step's contribution with it.
        share: which contribution it is of how many, where there are several.
    """

    phase: Phase
    sentence: str
    card: str = ""
    edge: int | None = None
    complete: bool = True
    rule: Tree | None = None
    worked: Tree | None = None
    note: str = ""
    contribution: Any = None
    gradient: Any = None
    share: str = ""


def steps(described: Described) -> tuple[Step, ...]:
    """The steps of a computation, from its data and parameters to the last gradient."""
    diagram = described.diagram
    start = Step("start", _given(card for card in diagram.cards if not _computed(card)))
    forward = [Step("forward", f"Forward: {_formula(card)}", card.id) for card in diagram.cards if _computed(card)]
    if not diagram.gradients:
        return (start, *forward)
    output = diagram.output
    one = described.trace.gradients[described.output]
    told = f"Backward starts: ∂{output.name}/∂{output.name} = 1"
    seeded = Step("backward", told, output.id, rule=seed(output.name), contribution=one, gradient=one)
    own = [card.name for card in diagram.cards if card.kind == "parameter"]
    note = f"backward() adds those of {_list(own)} to their .grad." if own else ""
    end = Step("end", f"All gradients of {output.name} are there", note=note)
    return (start, *forward, seeded, *_backward(described), end)


@dataclass
class _Arrival:
    """What comes back along one edge: of a folded card, all that its operations send to one operand."""

    edge: int
    last: int  # its last rule's place in the trace
    pulls: list[Pull]


def _backward(described: Described) -> Iterator[Step]:
    diagram = described.diagram
    cards = {card.id: card for card in diagram.cards}
    arrivals = _arrivals(described)
    expected = Counter(diagram.edges[arrival.edge].tail for arrival in arrivals)
    arrived: Counter[str] = Counter()
    sums: dict[str, Any] = {}
    for arrival in arrivals:
        edge = diagram.edges[arrival.edge]
        operation, operand = cards[edge.head], cards[edge.tail]
        arrived[operand.id] += 1
        contribution = None
        if operand.kind != "fold":
            for pull in arrival.pulls:
                contribution = pull.gradient if contribution is None else contribution + pull.gradient
            sums[operand.id] = sums[operand.id] + contribution if operand.id in sums else contribution
        rule, in_numbers, note = _rule(described, arrival, operation, operand, adds=expected[operand.id] > 1)
        yield Step(
            "backward",
            _told(operation, operand, diagram.output, arrived[operand.id], expected[operand.id]),
            operand.id,
            arrival.edge,
            arrived[operand.id] == expected[operand.id],
            rule,
            in_numbers,
            note,
            contribution,
            sums.get(operand.id),
            f"{arrived[operand.id]} of {expected[operand.id]}" if expected[operand.id] > 1 else "",
        )


def _arrivals(described: Described) -> list[_Arrival]:
    """The rules of the trace by the edge that they belong to, each edge at its last rule."""
    free: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, edge in enumerate(described.diagram.edges):
        free[edge.tail, edge.head].append(place)
    found: dict[int, _Arrival] = {}
    for place, pull in enumerate(described.trace.pulls):
        places = free[described.card(pull.operand) or "", described.card(pull.node) or ""]
        if not places:
            continue
        along = places.pop(0) if len(places) > 1 else places[0]  # x * x has two edges, used one after the other
        arrival = found.setdefault(along, _Arrival(along, place, []))
        arrival.last = place
        arrival.pulls.append(pull)
    return sorted(found.values(), key=lambda arrival: arrival.last)


def _rule(
    described: Described, arrival: _Arrival, operation: Card, operand: Card, *, adds: bool
) -> tuple[Tree | None, Tree | None, str]:
    """The rule as an equation, and what it does about broadcasting; folded cards have no rule to show."""
    if "fold" in (operation.kind, operand.kind) or len(arrival.pulls) != 1:
        return None, None, ""
    pull = arrival.pulls[0]
    uses = [place for place, arg in enumerate(pull.node.args or ()) if arg is pull.operand]
    same = [place for place, edge in enumerate(described.diagram.edges) if _ends(edge) == (operand.id, operation.id)]
    position = uses[same.index(arrival.edge) % len(uses)]
    names = {card.id: card.name for card in described.diagram.cards}

    def name(place: int) -> str | None:
        arg = (pull.node.args or ())[place]
        return names[card] if (card := described.card(arg)) else scalar_text(arg)

    rule = equation(pull.node, position, name, operation.name, described.diagram.output.name, adds=adds)
    in_numbers = worked(pull.node, position, described.trace.gradients[pull.node], pull.gradient)
    axes = summed(pull.node, position)
    if not axes:
        return rule, in_numbers, ""
    sizes = f"shape {shape_text(np.shape(pull.operand.value))} to {shape_text(np.shape(pull.node.value))}"
    return rule, in_numbers, f"{operand.name} was broadcast from {sizes}, so its gradient is summed over {spoken(axes)}"


def _told(operation: Card, operand: Card, output: Card, number: int, expected: int) -> str:
    """What a backward step does, and where it stands in a sum."""
    told = f"Backward through {_formula(operation)}: "
    if operand.kind == "fold":
        return told + f"into {operand.name}"
    told += f"∂{output.name}/∂{operand.name}"
    if expected == 1:
        return told
    which = _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"
    return told + (f", {which} of {expected} contributions" if number < expected else f", the last of {expected}")


def _ends(edge: Edge) -> tuple[str, str]:
    return edge.tail, edge.head


def _computed(card: Card) -> bool:
    return card.kind in ("operation", "loss", "output", "fold") and (bool(card.expression) or card.kind == "fold")


def _formula(card: Card) -> str:
    return f"{card.name} = {card.expression}" if card.expression else card.name


def _given(cards: Iterable[Card]) -> str:
    """What there is before anything is computed.

    >>> _given([Card("n0", "data", "x"), Card("n1", "parameter", "W"), Card("n2", "parameter", "b")])
    'Given: data x, parameters W and b'
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for card in cards:
        names[card.kind].append(card.name)
    told = []
    for kind, called in names.items():
        told.append(f"{kind if len(called) == 1 or kind == 'data' else f'{kind}s'} {_list(called)}")
    return f"Given: {', '.join(told)}" if told else "Nothing is computed yet"


def _list(names: Sequence[str]) -> str:
    """Names in a sentence, the first few of many.

    >>> _list(["x"]), _list(["W", "b", "c"])
    ('x', 'W, b and c')
    """
    some = names if len(names) <= _SOME else [*names[: _SOME - 1], f"{len(names) - _SOME + 1} more"]
    return " and ".join(filter(None, [", ".join(some[:-1]), some[-1]]))


def moment(diagram: Diagram, steps: Sequence[Step], number: int) -> Diagram:
    """The picture after step `number`, with the card of that step lit: what comes later is hidden, and keeps its room.

    A gradient appears when its last contribution has arrived; the edges show those that have.
    """
    passed, now = steps[: number + 1], steps[number]
    valued = {step.card for step in passed if step.phase == "forward"}
    complete = {step.card for step in passed if step.phase == "backward" and step.complete}
    returned = {step.edge for step in passed}
    expected = {step.card for step in steps if step.phase == "backward"}
    done = now.phase == "end"

    def card(card: Card) -> Card:
        hidden = {"value"} if _computed(card) and card.id not in valued and card.kind != "fold" else set()
        if card.id not in complete and (card.id in expected or not done):
            hidden.add("gradient")
        lit: Any = now.phase if card.id == now.card else ""
        return replace(card, hidden=frozenset(hidden), lit=lit)

    edges = tuple(replace(edge, pending=place not in returned and not done) for place, edge in enumerate(diagram.edges))
    return replace(diagram, cards=tuple(map(card, diagram.cards)), edges=edges)
