"""Where cards stand: the data's way through the program is a straight line, and what enters it, beside it."""

from __future__ import annotations

from dataclasses import dataclass

from autograd.render.model import Diagram


@dataclass(frozen=True)
class Layout:
    """`spine`: the ids on the line, `beside`: for a card beside an operation, which and on which side."""

    spine: frozenset[str]
    beside: dict[str, tuple[str, bool]]


def arrange(diagram: Diagram) -> Layout:
    """Find the main path of data to the output, and an operation for every parameter and target.

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
    spine = [diagram.output.id]
    while spine[-1] in main:
        spine.append(main[spine[-1]])
    leading = set(main.values())
    beside: dict[str, tuple[str, bool]] = {}
    for head, operands in sources.items():
        entering = [o for o in dict.fromkeys(operands) if not (sources[o] or o in leading or o in beside)]
        if len(entering) <= 2:
            for operand, side in zip(entering, (True, False), strict=False):
                beside[operand] = head, side
    return Layout(frozenset(spine), beside)
