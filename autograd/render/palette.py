"""Colours and type sizes of every picture, and the legend below it. Text has a contrast of at least 4.5:1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from autograd.render.diagram import Card, Diagram

FONTS = "Arial,Liberation Sans,Helvetica,sans-serif"
TITLE, BODY, SHAPE, LEGEND, EDGE = 14, 12, 12, 12, 12

CANVAS = "#FFFFFF"
INK = "#1F2933"
MUTED = "#52606D"
VALUE = "#005A8C"
GRADIENT = "#A84300"
GRADIENT_GROUND = "#FDF1E8"
ALARM = "#9B1C1C"
ALARM_GROUND = "#FBE3E3"
FORWARD = "#7B8794"
BACKWARD = "#D55E00"
HIGHLIGHTS = {"forward": "#9CC9EA", "backward": "#F9B384"}  # the header of the card that is worked on
CLUSTER_GROUND, CLUSTER_BORDER = "#F6F8FA", "#CBD2D9"
REPEAT_GROUND, REPEAT_BORDER = "#FFFFFF", "#52606D"
UNSEEN = "#FFFFFF00"
NEGATIVE, ZERO, POSITIVE = "#D55E00", "#F2F4F6", "#0072B2"
LEAST_LEGEND = 300  # points that a legend may be wide, however narrow the picture
_LEAST_NOTE = 420  # and a note
_LETTER = 6.0  # points, about the width of a letter


# The result of a comparison: its text and its ground.
VERDICTS = {
    "right": ("#1B5E3F", "#E3F4EA"),
    "wrong": (ALARM, ALARM_GROUND),
    "first wrong": (CANVAS, ALARM),
    "follows": ("#6B4A00", "#FFE8A3"),
    "added": ("#1B5E3F", "#E3F4EA"),
    "removed": (ALARM, ALARM_GROUND),
    "changed": ("#6B4A00", "#FFE8A3"),
}


@dataclass(frozen=True)
class Tint:
    """How the cards of one kind look."""

    header: str
    border: str
    width: float = 1.5
    dashed: bool = False
    text: str = INK  # of a name on the canvas, in the colour of the kind


TINTS = {
    "data": Tint("#DCEBF8", "#2B6CB0", dashed=True, text="#2B6CB0"),
    "parameter": Tint("#FFF0C2", "#B7791F", text="#8A5A12"),
    "operation": Tint("#E9EDF1", "#52606D"),
    "layer": Tint("#FFF0C2", "#B7791F"),
    "loss": Tint("#F3D6E6", "#A23B72", width=3),
    "output": Tint("#F3D6E6", "#A23B72", width=3),
    "target": Tint("#EEF1F4", "#7B8794", dashed=True),
    "constant": Tint("#EEF1F4", "#7B8794", dashed=True),
    "fold": Tint("#FFFFFF", "#52606D", dashed=True),
}


def border(card: Card) -> tuple[str, float]:
    """Colour and width of a card's border: red where a hand derivation is wrong."""
    tint = TINTS[card.kind]
    return (ALARM, 3) if card.verdict in ("wrong", "first wrong") else (tint.border, tint.width)


def heat(share: float) -> str:
    """The colour of a value between -1 and 1: orange below zero, blue above, pale at zero.

    >>> heat(0.0), heat(1.0), heat(-1.0)
    ('#F2F4F6', '#0072B2', '#D55E00')
    """
    end = POSITIVE if share > 0 else NEGATIVE
    weight = min(abs(share), 1.0)
    mixed = (round(a + weight * (b - a)) for a, b in zip(_rgb(ZERO), _rgb(end), strict=True))
    return "#" + "".join(f"{channel:02X}" for channel in mixed)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@dataclass(frozen=True)
class Entry:
    """A text of the legend; on a ground where it explains one."""

    text: str
    colour: str
    ground: str = ""


def legend(diagram: Diagram) -> list[list[Entry]]:
    """The legend, row by row: the kinds of card that occur, values, gradients and notes."""
    occurring = {card.kind for card in diagram.cards} - {"fold"}
    kinds = [Entry(kind, INK, tint.header) for kind, tint in TINTS.items() if kind in occurring]
    signs = [Entry("value", VALUE)] if any(card.value is not None for card in diagram.cards) else []
    facts = {fact.role for card in diagram.cards for fact in card.facts}
    if any(card.gradient is not None for card in diagram.cards) or "gradient" in facts:
        signs.append(Entry(f"gradient ∂{diagram.symbol}/∂(value)", GRADIENT, GRADIENT_GROUND))
    if any(edge.rule for edge in diagram.edges):
        signs.append(Entry(f"{diagram.arriving}: the gradient that comes back", GRADIENT))
    signs.append(Entry("→ forward", MUTED))
    if diagram.gradients:
        signs.append(Entry("← backward", GRADIENT))
    rows: list[list[Entry]] = [[]]
    for entry in kinds + signs:
        if rows[-1] and _entries_width([*rows[-1], entry]) > max(diagram.width, LEAST_LEGEND):
            rows.append([])
        rows[-1].append(entry)
    rows = rows if diagram.legend else []
    letters = int(max(diagram.width, _LEAST_NOTE) / _LETTER)
    return rows + [[Entry(line, MUTED)] for note in diagram.notes for line in wrap(note, letters)]


def _entries_width(entries: Sequence[Entry]) -> float:
    return sum(_LETTER * len(entry.text) + 26 for entry in entries)
