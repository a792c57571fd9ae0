"""A computation step by step: what is computed forward, and what each rule sends back, in the engine's order.

A `Step` is one moment of the picture. The numbers and the order of the backward steps are those of the
engine's own pass; values come in the order of the program.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from autograd.core.node import Node
from autograd.notation.numbers import shape_text
from autograd.notation.rule import axes_text, seed, summed, worked
from autograd.notation.tree import Row, Symbol, Tree, right_side, row
from autograd.render.annotate import symbols_of
from autograd.render.build import Scene
from autograd.render.diagram import Card, Diagram
from autograd.render.gradients import Contribution
from autograd.render.operands import rule_through
from autograd.render.softmax import softmaxes_of

Phase = Literal["start", "forward", "backward", "end"]
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PLUS: Final = Symbol("+", "operator")
_SOME: Final = 4  # names of one kind that a sentence has


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


def steps(scene: Scene) -> tuple[Step, ...]:
    """The steps of a computation, from its data and parameters to the last gradient."""
    diagram = scene.diagram
    start = Step("start", _given(card for card in diagram.cards if not _computed(card)))
    forward = [Step("forward", f"Forward: {card.title}", card.id) for card in diagram.cards if _computed(card)]
    if not diagram.gradients:
        return (start, *forward)
    output = diagram.output
    one = scene.gradients.of[scene.output]
    sentence = f"Backward starts: ∂{output.name}/∂{output.name} = 1"
    seeded = Step("backward", sentence, output.id, rule=seed(output.name), contribution=one, gradient=one)
    own = [card.name for card in diagram.cards if card.kind == "parameter"]
    note = f"backward() adds those of {_list(own)} to their .grad." if own else ""
    end = Step("end", f"All gradients of {output.name} are there", note=note)
    return (start, *forward, seeded, *_backward(scene), end)


@dataclass
class _Arrival:
    """What comes back along one edge: into a fold, all that its operations send to one operand.

    `use` counts the edges between the same two cards: `x * x` has two.
    """

    edge: int
    use: int
    last: int  # the place of its last contribution
    contributions: list[Contribution]


def _backward(scene: Scene) -> Iterator[Step]:
    diagram = scene.diagram
    cards = {card.id: card for card in diagram.cards}
    arrivals = _arrivals(scene)
    expected = Counter(diagram.edges[arrival.edge].tail for arrival in arrivals)
    arrived: Counter[str] = Counter()
    sums: dict[str, Any] = {}
    for arrival in arrivals:
        edge = diagram.edges[arrival.edge]
        operation, operand = cards[edge.head], cards[edge.tail]
        arrived[operand.id] += 1
        number, of = arrived[operand.id], expected[operand.id]
        contribution = None
        if operand.kind != "fold":
            for one in arrival.contributions:
                contribution = one.gradient if contribution is None else contribution + one.gradient
            sums[operand.id] = sums[operand.id] + contribution if operand.id in sums else contribution
        rule = in_numbers = None
        note = ""
        if "fold" not in (operation.kind, operand.kind) and scene.vertices[operand.id].call is None:
            rule, in_numbers, note = _rule(scene, arrival, operation, operand, adds=of > 1)
        yield Step(
            "backward",
            _sentence(operation, operand, diagram.output, number, of),
            operand.id,
            arrival.edge,
            number == of,
            rule,
            in_numbers,
            note,
            contribution,
            sums.get(operand.id),
            f"{number} of {of}" if of > 1 else "",
        )


def _arrivals(scene: Scene) -> list[_Arrival]:
    """The contributions by the edge that they come back along, each edge at its last one."""
    edges: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, edge in enumerate(scene.diagram.edges):
        if not edge.again:
            edges[edge.tail, edge.head].append(place)
    seen: Counter[tuple[str, str]] = Counter()
    arrivals: dict[int, _Arrival] = {}
    for place, one in enumerate(scene.gradients.contributions):
        ends = scene.card(one.operand) or "", scene.card(one.node) or ""
        if not edges[ends] or scene.vertices[ends[0]].node not in (one.operand, None):
            continue  # it is inside a statement, or of a round that is not drawn
        use = min(seen[ends], len(edges[ends]) - 1)
        seen[ends] += 1
        along = edges[ends][use]
        arrival = arrivals.setdefault(along, _Arrival(along, use, place, []))
        arrival.last = place
        arrival.contributions.append(one)
    return sorted(arrivals.values(), key=lambda arrival: arrival.last)


def _rule(
    scene: Scene, arrival: _Arrival, operation: Card, operand: Card, *, adds: bool
) -> tuple[Tree | None, Tree | None, str]:
    """The rule as an equation and in numbers, and what it does about broadcasting."""
    vertex = scene.vertices[operation.id]
    if vertex.unit is None or vertex.call is not None:
        return None, None, ""
    symbols, output, nodes = symbols_of(vertex), scene.diagram.output.name, vertex.unit.nodes
    rule: Row | None = None
    seen: Counter[Node] = Counter()
    told: set[Node] = set()  # of a softmax that takes a value more than once
    whole = {part: result for result, found in softmaxes_of(nodes).items() for part in found.inside}
    for one in arrival.contributions:
        if whole.get(one.node) in told:
            continue
        told |= {whole[one.node]} if one.node in whole else set()
        uses = [place for place, arg in enumerate(one.node.args or ()) if arg is one.operand]
        position = uses[(arrival.use + seen[one.node]) % len(uses)]
        seen[one.node] += 1
        index = vertex.index_name
        more = rule_through(nodes, one.node, position, symbols, operation.name, output, adds=adds, index=index)
        if more is None:
            return None, None, ""
        rule = more if rule is None else row(rule, _PLUS, right_side(more))
    in_numbers = None
    if len(nodes) == 1 == len(arrival.contributions):
        in_numbers = worked(one.node, position, scene.gradients.of[one.node], one.gradient)
    axes = summed(one.node, position)
    if not axes:
        return rule, in_numbers, ""
    sizes = f"shape {shape_text(one.operand.shape)} to {shape_text(one.node.shape)}"
    note = f"{operand.name} was broadcast from {sizes}, so its gradient is summed over {axes_text(axes)}"
    return rule, in_numbers, note


def _sentence(operation: Card, operand: Card, output: Card, number: int, of: int) -> str:
    """What a backward step does, and where it stands in a sum."""
    if operand.kind in ("layer", "fold"):
        return f"Backward through {operation.title}: into {operand.name}"
    sentence = f"Backward through {operation.title}: ∂{output.name}/∂{operand.name}"
    if of == 1:
        return sentence
    if number == of:
        return f"{sentence}, the last of {of}"
    which = _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"
    return f"{sentence}, {which} of {of} contributions"


def _computed(card: Card) -> bool:
    computed = card.kind in ("operation", "layer", "loss", "output", "fold")
    return computed and (bool(card.expression or card.path) or card.kind in ("layer", "fold"))


def _given(cards: Iterable[Card]) -> str:
    """What there is before anything is computed.

    >>> _given([Card("n0", "data", "x"), Card("n1", "parameter", "W"), Card("n2", "parameter", "b")])
    'Given: data x, parameters W and b'
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for card in cards:
        names[card.kind].append(card.name)
    kinds = [f"{kind if len(own) == 1 or kind == 'data' else f'{kind}s'} {_list(own)}" for kind, own in names.items()]
    return f"Given: {', '.join(kinds)}" if kinds else "Nothing is computed yet"


def _list(names: Sequence[str]) -> str:
    """Names in a sentence, the first few of many.

    >>> _list(["x"]), _list(["W", "b", "c"])
    ('x', 'W, b and c')
    """
    some = names if len(names) <= _SOME else [*names[: _SOME - 1], f"{len(names) - _SOME + 1} more"]
    return " and ".join(filter(None, [", ".join(some[:-1]), some[-1]]))


def moment(diagram: Diagram, steps: Sequence[Step], number: int) -> Diagram:
    """The picture after step `number`, with the card of that step highlighted.

    What comes later is hidden, and keeps its space.

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
        highlight: Any = now.phase if card.id == now.card else ""
        return replace(card, hidden=frozenset(hidden), highlight=highlight)

    edges = tuple(replace(edge, pending=place not in returned and not done) for place, edge in enumerate(diagram.edges))
    return replace(diagram, cards=tuple(map(card, diagram.cards)), edges=edges)
