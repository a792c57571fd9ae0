"""Where cards stand: the data's way through the program is a straight line, and what enters it, beside it."""

from __future__ import annotations

from dataclasses import dataclass

from autograd.render.diagram import Diagram


@dataclass(frozen=True)
class Layout:
    """Where cards stand.

    Attributes:
        spine: the ids on a line, and the number of the line: one for each output.
        beside: for a card beside an operation, which and on which side.
        main: the main operand of each card that has operands.
        ranks: the column of each card, from 0; a card beside another has that one's.
    """

    spine: dict[str, int]
    beside: dict[str, tuple[str, bool]]
    main: dict[str, str]
    ranks: dict[str, int]


def arrange(diagram: Diagram) -> Layout:
    """Find the main path of data to each output, and an operation for every parameter and target.

    The main operand of an operation is the computed one with the longest history, else its data, else
    the first. A card that is nobody's main operand stands beside the first operation that uses it:
    the first such card on one side (true), the second on the other. More than two stand before it.
    """
    sources: dict[str, list[str]] = {card.id: [] for card in diagram.cards}
    for edge in diagram.edges:
        sources[edge.head].append(edge.tail)
    kinds = {card.id: card.kind for card in diagram.cards}
    depth: dict[str, int] = {}
    main: dict[str, str] = {}
    for card in diagram.cards:
        operands = sources[card.id]
        depth[card.id] = 1 + max((depth[operand] for operand in operands), default=-1)
        if operands:
            main[card.id] = max(operands, key=lambda operand: (depth[operand], kinds[operand] == "data"))
    spine: dict[str, int] = {}
    for line, output in enumerate(diagram.outputs):
        at: str | None = output.id
        while at is not None and at not in spine:
            spine[at] = line
            at = main.get(at)
    leading = set(main.values())
    beside: dict[str, tuple[str, bool]] = {}
    for head, operands in sources.items():
        entering = [o for o in dict.fromkeys(operands) if not (sources[o] or o in leading or o in beside)]
        if len(entering) <= 2:
            for operand, side in zip(entering, (True, False), strict=False):
                beside[operand] = head, side
    return Layout(spine, beside, main, _ranks(diagram, sources, beside))


def _ranks(diagram: Diagram, sources: dict[str, list[str]], beside: dict[str, tuple[str, bool]]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for card in diagram.cards:
        if card.id not in beside:
            before = [ranks[operand] for operand in sources[card.id] if operand in ranks]
            ranks[card.id] = max(before, default=-1) + 1
    users: dict[str, int] = {}
    for edge in diagram.edges:
        if edge.head in ranks:
            users[edge.tail] = min(users.get(edge.tail, ranks[edge.head]), ranks[edge.head])
    for card in diagram.cards:
        if card.id in beside:
            ranks[card.id] = ranks[beside[card.id][0]]
        elif not sources[card.id] and card.id in users:  # what enters stands right before its first user
            ranks[card.id] = max(users[card.id] - 1, 0)
    return ranks
