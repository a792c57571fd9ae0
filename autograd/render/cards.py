"""The styles "cards" and "overview": a card a value, as an HTML-like label with formula, numbers and gradients."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from autograd.notation.numbers import Shown
from autograd.render import palette
from autograd.render.diagram import Card, Diagram, Direction
from autograd.render.dot import document
from autograd.render.language import quote
from autograd.render.markup import (
    between,
    cell,
    cluster_label,
    edge_label,
    invisible,
    legend,
    number,
    table,
    text,
    title_label,
)
from autograd.render.metrics import LINE, text_width
from autograd.render.style import Style

_LETTER: Final = 5.5  # points, about the width of a letter of the legend
_SQUARE: Final = 11  # points, the side of a heat cell
_BORDER: Final = 7  # points between the border of a card and its text, with something for measures that differ
_LOPSIDED: Final = 0.85  # of a formula in one of its two lines
_LONG: Final = 200  # points, of a title that is broken into lines if it is longer
_ROOM: Final = 1.25  # times that, lest it is broken in brackets
_NARROW: Final = 140  # and where cards are to be narrow
_BREAKS: Final = "+−*/@←"  # the signs of a formula that a line may begin with
_TALL: Final = 3  # rows of an array whose gradient may stand beside it
_USUAL: Final = 170  # points, how wide a card may get by that
_GAP: Final = 0.28  # of the type size, between words


def source(diagram: Diagram, direction: Direction) -> str:
    """The picture as DOT with HTML-like labels."""
    return document(
        diagram,
        direction,
        fonts=palette.FONTS,
        node=lambda card: {"label": f"<{_card(card)}>"},
        edge=edge_label,
        cluster=cluster_label,
        legend=f"<{legend(rows)}>" if (rows := palette.legend(diagram)) else quote(""),
        title=title_label(diagram),
    )


# A card


def _card(card: Card) -> str:
    tint = palette.TINTS[card.kind]
    side = _side_by_side(card)
    span = ' COLSPAN="2"' if side else ""
    rows = [_badge(card, span)] if card.verdict else []
    rows.append(_header(card, span))
    if card.facts:
        rows.append(f'<TR><TD CELLPADDING="3" BGCOLOR="{palette.CANVAS}">{_facts(card)}</TD></TR>')
    cells = []
    if card.value is not None:
        inside = _centred(card, card.value, palette.MUTED if card.kind == "fold" else palette.VALUE)
        inside = invisible(inside, palette.CANVAS) if "value" in card.hidden else inside
        cells.append(f'<TD CELLPADDING="3" BGCOLOR="{palette.CANVAS}">{inside}</TD>')
    if card.gradient is not None:
        inside = _gradient(card)
        inside = invisible(inside, palette.GRADIENT_GROUND) if "gradient" in card.hidden else inside
        rule = f'BORDER="1" SIDES="{"L" if side else "T"}" COLOR="{tint.border}"'
        cells.append(f'<TD CELLPADDING="3" {rule} BGCOLOR="{palette.GRADIENT_GROUND}">{inside}</TD>')
    rows += [f"<TR>{''.join(cells)}</TR>"] if side else [f"<TR>{cell}</TR>" for cell in cells]
    style = "ROUNDED,DASHED" if tint.dashed else "ROUNDED"
    border, thick = palette.border(card)
    return (
        f'<TABLE BORDER="{thick:g}" COLOR="{border}" CELLBORDER="0" CELLSPACING="0" '
        f'CELLPADDING="0" BGCOLOR="{palette.HIGHLIGHTS.get(card.highlight, tint.header)}" STYLE="{style}">'
        f"{''.join(rows)}</TABLE>"
    )


def _side_by_side(card: Card) -> bool:
    """Whether the gradient stands beside the value: of numbers where cards shall be low, and of tall arrays, where that
    makes a card no wider than is usual.
    """
    both = card.value, card.gradient
    if (
        card.narrow
        and not (card.total or card.note)
        and all(one and len(one.cells) == 1 == len(one.cells[0]) for one in both)
    ):
        return card.hand is None
    tall = all(one is not None and max(len(one.cells), len(one.heat)) >= _TALL for one in both)
    if not tall or card.hand is not None:
        return False
    wide = sum(_numbers_size(one)[0] for one in both if one is not None) + 8
    return wide <= max(_head_width(card), _USUAL)


def _badge(card: Card, span: str) -> str:
    """The result of a comparison, above the name."""
    colour, ground = palette.VERDICTS[card.verdict]
    badge = text(card.badge, colour, palette.EDGE, bold=True)
    return f'<TR><TD CELLPADDING="3" BGCOLOR="{ground}"{span}>{badge}</TD></TR>'


def _header(card: Card, span: str) -> str:
    """Name and formula, each in a cell of its own, further lines, path and shape below."""
    least = _least(card.name, bold=True)
    name = text(card.name, palette.INK, palette.TITLE, bold=True)
    first, *further = title_lines(card)
    if first:
        formula = cell(text(first, palette.INK, palette.TITLE), "LEFT", _least(first))
        title = table(f"<TR>{cell(name, 'RIGHT', least)}{formula}</TR>", padding=2)
    else:
        title = table(f"<TR>{cell(name, more=least)}</TR>")
    titles = [f"<TD{_least(line)}>{text(line, palette.INK, palette.TITLE)}</TD>" for line in further]
    below = [text(line, palette.MUTED, palette.SHAPE) for line in (card.path, card.shape) if line]
    lines = [f"<TD>{title}</TD>", *titles, *(f"<TD>{line}</TD>" for line in below)]
    inside = table("".join(f"<TR>{line}</TR>" for line in lines))
    return f'<TR><TD CELLPADDING="4"{span}>{inside}</TD></TR>'


def _least(line: str, bold: bool = False) -> str:
    """The width of a cell: Graphviz measures text a little narrower than viewers draw it."""
    return f' WIDTH="{text_width(line, palette.TITLE, bold=bold):.0f}"'


def _facts(card: Card) -> str:
    colours = {"value": palette.VALUE, "gradient": palette.GRADIENT, "muted": palette.INK}
    rows = []
    for fact in card.facts:
        told = number(fact.text, colours[fact.role], "RIGHT", palette.LEGEND)
        told = invisible(told, palette.CANVAS) if fact.role in card.hidden else told
        rows.append(f"<TR>{cell(text(fact.label, palette.MUTED, palette.LEGEND), 'LEFT')}{told}</TR>")
    return table("".join(rows), padding=2)


def _gradient(card: Card) -> str:
    """The gradient: how it was added up in front of it, what was summed back below, by hand beside it."""
    assert card.gradient is not None
    inside = _centred(card, card.gradient, palette.GRADIENT)
    if card.total:
        total = number(card.gradient.cells[0][0], palette.GRADIENT, "LEFT", bold=True)
        terms = cell(text(card.total, palette.GRADIENT, palette.BODY), "RIGHT")
        inside = table(f'<TR>{terms}<TD WIDTH="3"></TD>{total}</TR>', padding=2)
    if card.hand is not None:
        by_hand, true = (text(word, palette.MUTED, palette.SHAPE) for word in ("by hand", "true"))
        divider = f'BORDER="1" SIDES="L" COLOR="{palette.ALARM}" CELLPADDING="4"'
        heads = f'<TR><TD CELLPADDING="4">{by_hand}</TD><TD {divider}>{true}</TD></TR>'
        hand, inside = _numbers(card.hand, palette.ALARM), _numbers(card.gradient, palette.GRADIENT)
        inside = table(f'{heads}<TR><TD CELLPADDING="4">{hand}</TD><TD {divider}>{inside}</TD></TR>')
    if card.note:
        note = cell(text(card.note, palette.GRADIENT, palette.SHAPE))
        inside = table(f"<TR><TD>{inside}</TD></TR><TR>{note}</TR>")
    return inside


def _centred(card: Card, shown: Shown, colour: str) -> str:
    """Numbers in the middle of their card, in columns that its value and its gradient share."""
    both = [one for one in (card.value, card.gradient) if one and one.cells]
    side = _side_by_side(card)
    whole, wide = card_size(card)[0] - 2 * _BORDER, _numbers_size(shown)[0]
    whole = whole / 2 if side else whole
    columns: list[float] = []
    if shown.cells and shown.cells != ((shown.cells[0][0],),):
        texts = zip(*(row for one in ([shown] if side else both) for row in one.cells), strict=True)
        columns = [max(text_width(text, palette.BODY) for text in column) + 4 for column in texts]
        gap = (whole - sum(columns)) / len(columns)
        columns = [column + min(gap, _LETTER) for column in columns] if gap > 0 else []
        wide = sum(columns) or wide
    inside = _numbers(shown, colour, columns)
    if whole - wide < 2 * _LETTER or not (columns or shown.heat):
        return inside
    return between(inside, (whole - wide) / 2)


def _numbers(shown: Shown, colour: str, widths: Sequence[float] = ()) -> str:
    align = "CENTER" if len(shown.cells) == 1 == len(shown.cells[0]) else "RIGHT"
    least = [f' WIDTH="{width:.0f}"' for width in widths] or [""] * len((shown.cells or ((),))[0])
    rows = [
        "".join(number(content, colour, align, more=more) for content, more in zip(row, least, strict=True))
        for row in shown.cells
    ]
    if shown.heat:
        squares = "".join(f"<TR>{''.join(map(_square, row))}</TR>" for row in shown.heat)
        space = (_numbers_size(shown)[0] - (_SQUARE + 1) * len(shown.heat[0])) / 2 - _BORDER
        rows.append(f"<TD>{between(table(squares, spacing=1), space)}</TD>")
    kind = palette.SHAPE if shown.heat else palette.BODY
    span = f' COLSPAN="{len(shown.cells[0])}"' if shown.cells and len(shown.cells[0]) > 1 else ""
    rows += [number(line, colour, "CENTER", kind, span) for line in _lines(shown)]
    return table("".join(f"<TR>{row}</TR>" for row in rows), padding=2)


def _lines(shown: Shown) -> list[str]:
    """The description of an array, less what its heat cells show."""
    return [line for line in shown.lines if not (shown.heat and line.startswith("mean"))]


def _square(share: float) -> str:
    side = f'FIXEDSIZE="TRUE" WIDTH="{_SQUARE}" HEIGHT="{_SQUARE}"'
    if math.isfinite(share):
        return f'<TD {side} BGCOLOR="{palette.heat(share)}"></TD>'
    mark = "N" if math.isnan(share) else "∞"
    return f'<TD {side} BGCOLOR="{palette.ALARM}">{text(mark, palette.CANVAS, 8, bold=True)}</TD>'


# Its size


def _head_width(card: Card) -> float:
    """How wide a name, a formula, a path and a shape are."""
    first, *further = title_lines(card)
    title = text_width(card.name, palette.TITLE, bold=True) + text_width(f" {first}" if first else "", palette.TITLE)
    lines = [title, *(text_width(line, palette.TITLE) for line in further)]
    return max(*lines, text_width(card.path, palette.SHAPE), text_width(card.shape, palette.SHAPE))


def title_lines(card: Card, kind: int = palette.TITLE) -> list[str]:
    """What stands behind a card's name, and in the lines below it: a long formula is broken at its outermost sign,
    unless all of it fits below the name.

    >>> title_lines(Card("n0", "loss", "loss", "−mean(y * log(probs) + (1 − y) * log(1 − probs))"))
    ['= −mean(y * log(probs)', '+ (1 − y) * log(1 − probs))']
    >>> title_lines(Card("n0", "v", "operation", "0.01 * (Σ weights² + Σ biases² + Σ others²)"))
    ['= 0.01 * (Σ weights²', '+ Σ biases² + Σ others²)']
    >>> title_lines(Card("n0", "v", "neg", "sum(log(sigmoid(−u_neg @ v)))"))
    ['', '= sum(log(sigmoid(−u_neg @ v)))']
    """
    return [*_title_lines(card.name, card.expression, card.narrow, kind)]


@lru_cache(maxsize=1 << 12)  # every arrangement that is tried breaks the same formulas
def _title_lines(title: str, expression: str, narrow: bool, kind: int) -> Sequence[str]:
    formula = f"= {expression}" if expression else ""
    name = text_width(f"{title} ", kind, bold=True)
    least = _NARROW if narrow else _LONG
    if name + text_width(formula, kind) <= least:
        return [formula]
    tried = [["", formula], *([*before, *parts] for parts in _halves(formula, kind) for before in ([], [""]))]

    def width(lines: list[str]) -> float:
        return max(name + text_width(lines[0], kind), *(text_width(line, kind) for line in lines))

    def cost(lines: list[str]) -> tuple[float, int, bool, float]:
        wide = width(lines)
        whole = all(line.count("(") == line.count(")") for line in lines)  # broken in no brackets
        return least if whole and wide <= _ROOM * least else max(wide, least), len(lines), not whole, wide

    lines = min(tried, key=cost)
    return [part for line in lines for part in _narrowed(line, kind)] if narrow else lines


def _narrowed(line: str, kind: int) -> list[str]:
    """A line of a formula, broken once more where it is long."""
    halves = _halves(line, kind) if text_width(line, kind) > _ROOM * _NARROW else []
    return halves[0] if halves else [line]


def _halves(formula: str, kind: int) -> list[list[str]]:
    """A formula in two lines, broken behind a comma or before a sign that stands in as few brackets as any.

    About in the middle: a factor at one end is no line, nor is what stands in brackets there; and not in an index.

    >>> _halves("−sum(x * log(p) + (1 − x) * log(1 − p), where(x > 0, x, p))", 14)
    [['−sum(x * log(p) + (1 − x) * log(1 − p),', 'where(x > 0, x, p))']]

    >>> _halves("(1 − score²)[:, newaxis] * w", 14), _halves("−mean(log_probs[arange(5), y])", 14)
    ([['(1 − score²)[:, newaxis]', '* w']], [])
    """
    depth, indices, places, most = 0, 0, [], _LOPSIDED * text_width(formula, kind)
    for place, sign in enumerate(formula):
        depth += (sign in "([") - (sign in ")]")
        indices += (sign == "[") - (sign == "]")
        before = sign == " " and place > 2 and formula[place + 1] in _BREAKS and formula[place + 2] == " "
        if before or (sign == " " and formula[place - 1] == ","):
            wide = max(text_width(formula[:place], kind), text_width(formula[place:], kind))
            if indices or (wide > most and (depth or formula[place + 1] == "/")):
                continue
            sign = formula[place + 1]
            places.append((sign == "*" and wide > most, depth, before, sign in "*/@", wide, place))
    return [[formula[:place], formula[place + 1 :]] for *_, place in sorted(places)[:1]]


def card_size(card: Card) -> tuple[float, float]:
    """About how wide and high a card is, in points."""
    wide = [_head_width(card)]
    high = (
        len(title_lines(card)) * palette.TITLE * LINE
        + 10
        + sum(palette.SHAPE * LINE for line in (card.path, card.shape) if line)
    )
    if card.facts:
        labels = max(text_width(fact.label, palette.LEGEND) for fact in card.facts)
        wide.append(labels + max(text_width(fact.text, palette.LEGEND) for fact in card.facts) + 14)
        high += len(card.facts) * (palette.LEGEND * LINE + 4) + 6
    for shown, more in ((card.value, ""), (card.gradient, card.total)):
        if shown is not None:
            box = _numbers_size(shown)
            wide.append(box[0] + (text_width(more, palette.BODY) + 8 if more else 0.0))
            high += box[1]
    if _side_by_side(card) and card.value is not None and card.gradient is not None:
        wide.append(wide[-2] + wide[-1] + 8)
        high -= _numbers_size(card.value)[1]
    if card.note:
        wide.append(text_width(card.note, palette.SHAPE))
        high += palette.SHAPE * LINE + 2
    if card.hand is not None and card.gradient is not None:
        wide.append(_numbers_size(card.hand)[0] + _numbers_size(card.gradient)[0] + 10)
        high += palette.SHAPE * LINE + 4
    if card.verdict:
        wide.append(text_width(card.badge, palette.EDGE) + 6)
        high += palette.EDGE * LINE + 6
    return max(wide) + 11, high + 4


def _numbers_size(shown: Shown) -> tuple[float, float]:
    """About how wide and high the numbers of a card are, in points."""
    wide, high = 0.0, 6.0
    if shown.cells:
        columns = zip(*shown.cells, strict=True)
        wide = sum(max(text_width(text, palette.BODY) for text in column) + 4 for column in columns)
        high += len(shown.cells) * (palette.BODY * LINE + 4)
    if shown.heat:
        wide, high = 12.0 * len(shown.heat[0]) + 6, high + 12.0 * len(shown.heat) + 6
    kind, lines = palette.SHAPE if shown.heat else palette.BODY, _lines(shown)
    return max([wide, *(text_width(line, kind) + 4 for line in lines)]) + 6, high + len(lines) * (kind * LINE + 4)


# In the SVG


def straighten(root: Element, nodes: Mapping[str, Element], diagram: Diagram) -> None:
    """Put the lines above a card's numbers into its middle, and a name right before its formula.

    Graphviz measures text a little narrower than viewers draw it, and fonts that lend a sign are of other heights.
    """
    for card in diagram.cards:
        first, *further = title_lines(card)
        head = sum(map(bool, (card.verdict, card.name, first, card.path, card.shape))) + len(further)
        texts = nodes[card.id].findall("text")[:head]
        if (middle := _middle(nodes[card.id])) is None:
            continue
        formulas = [text for text in texts if (text.text or "").startswith("= ")] if first else []
        if formulas:
            formula, name = formulas[0], texts.pop(texts.index(formulas[0]) - 1)
            texts.remove(formula)
            kind = float(name.get("font-size", "14"))
            named = text_width(card.name, round(kind), bold=True)
            start = middle + (named + _GAP * kind - text_width(formula.text or "", round(kind))) / 2
            formula.set("x", f"{start:.2f}")
            end = {"text-anchor": "end", "x": f"{start - _GAP * kind:.2f}"}
            name.attrib.update({**end, "y": formula.get("y", "0")})
        for line in texts:
            line.attrib.update({"text-anchor": "middle", "x": f"{middle:.2f}"})


def _middle(group: Element) -> float | None:
    """Where the middle of a card is, from its outline, if it has one."""
    paths = (shape.get("points") or shape.get("d") or "" for shape in group if shape.tag in ("polygon", "path"))
    across = [float(x) for x in re.findall(r"(-?[\d.]+),", " ".join(paths))]
    return (min(across) + max(across)) / 2 if across else None


CARDS: Final = Style("cards", source, html=True, size=card_size, finish=straighten, moments=True, cards=True, rows=1.25)
OVERVIEW: Final = Style(
    "overview",
    source,
    html=True,
    size=card_size,
    finish=straighten,
    details=("norms",),
    modules=True,
    cards=True,
    rows=1.25,
)
