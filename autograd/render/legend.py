"""What stands below a picture: what its colours mean, and what is missing from it."""

from __future__ import annotations

from dataclasses import dataclass

from autograd.render import palette
from autograd.render.diagram import Diagram

_LONG = 7  # cards of a picture that is wider than its legend on one line


@dataclass(frozen=True)
class Entry:
    """A text of the legend; on a ground where it explains one."""

    text: str
    colour: str
    ground: str = ""


def entries(diagram: Diagram) -> list[list[Entry]]:
    """The legend, row by row: the kinds of card that occur, values, gradients and notes."""
    occurring = {card.kind for card in diagram.cards} - {"fold"}
    tints = [(kind, tint) for kind, tint in palette.TINTS.items() if kind in occurring]
    kinds = [Entry(kind, palette.INK, tint.header) for kind, tint in tints]
    signs = [Entry("value", palette.VALUE)] if any(card.value is not None for card in diagram.cards) else []
    facts = {fact.role for card in diagram.cards for fact in card.facts}
    if any(card.gradient is not None for card in diagram.cards) or "gradient" in facts:
        of = f"gradient ∂{diagram.symbol}/∂(value)"
        signs.append(Entry(of, palette.GRADIENT, palette.GRADIENT_GROUND))
    if any(edge.rule for edge in diagram.edges):
        signs.append(Entry("g: the gradient that comes back", palette.GRADIENT))
    signs.append(Entry("→ forward", palette.MUTED))
    if diagram.gradients:
        signs.append(Entry("← backward", palette.GRADIENT))
    rows = [kinds, signs] if len(diagram.cards) < _LONG else [kinds + signs]
    return rows + [[Entry(note, palette.MUTED)] for note in diagram.notes]
