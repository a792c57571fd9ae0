"""A picture as Mermaid, the text that Markdown pages draw as a flow chart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from autograd.notation.numbers import Shown
from autograd.render.diagram import Card, Diagram, Direction, Edge
from autograd.render.palette import GRADIENT, INK, TINTS, VALUE

_SPECIAL: Final = re.compile(r'[&<>"#`|{}\[\]()\\]')
_LONGEST: Final = 4  # lines of numbers on a card


def mermaid(diagram: Diagram, direction: Direction) -> str:
    """The diagram as a `flowchart`: a node a card, with its formula, shape, value and gradient."""
    lines = [f"flowchart {direction}"]
    if diagram.title:
        lines.insert(0, f"---\ntitle: {_quoted(diagram.title)}\n---")
    lines += _inside(diagram, "", "    ")
    lines += [f"    {_edge(edge)}" for edge in diagram.edges]
    for kind in dict.fromkeys(card.kind for card in diagram.cards):
        tint = TINTS[kind]
        dashes = ",stroke-dasharray:5 3" if tint.dashed else ""
        lines.append(f"    classDef {kind}Card fill:{tint.header},stroke:{tint.border},color:{INK}{dashes}")
        lines.append(f"    class {','.join(card.id for card in diagram.cards if card.kind == kind)} {kind}Card")
    return "\n".join(lines) + "\n"


def _inside(diagram: Diagram, cluster: str, indent: str) -> Iterator[str]:
    """The cards in a frame, and the frames in it."""
    for card in diagram.cards:
        if card.cluster == cluster:
            yield f'{indent}{card.id}["{_label(card)}"]'
    for inner in diagram.clusters:
        if inner.parent == cluster:
            yield f'{indent}subgraph {inner.id}["{_escaped(inner.title)}"]'
            yield from _inside(diagram, inner.id, f"{indent}    ")
            yield f"{indent}end"


def _label(card: Card) -> str:
    head = f"<b>{_escaped(card.name)}</b>" + (f" = {_escaped(card.expression)}" if card.expression else "")
    lines = [_escaped(card.badge), head, _escaped(card.shape)]
    lines += [_coloured(line, VALUE) for line in _numbers(card.value)]
    lines += [_coloured(line, GRADIENT) for line in _numbers(card.gradient, card.total)]
    lines += [_escaped(f"{fact.label} {fact.text}".strip()) for fact in card.facts]
    return "<br>".join(filter(None, lines))


def _numbers(shown: Shown | None, before: str = "") -> list[str]:
    """The lines of an array: its numbers where they are few, else its description."""
    if shown is None:
        return []
    rows = ["  ".join(row) for row in shown.cells] if len(shown.cells) <= _LONGEST else []
    first, *rest = [*rows, *shown.lines] or [""]
    return [f"{before} {first}".strip(), *rest]


def _edge(edge: Edge) -> str:
    arrow = "-->" if edge.differentiable else "-.->"
    text = edge.backward or edge.forward
    label = f'|"{_escaped(text)}"|' if text else ""
    return f"{edge.tail} {arrow}{label} {edge.head}"


def _coloured(text: str, colour: str) -> str:
    return f"<span style='color:{colour}'>{_escaped(text)}</span>"


def _escaped(text: str) -> str:
    """Text for a label: Mermaid has signs by their numbers.

    >>> _escaped('a[0] < "b"')
    'a#91;0#93; #60; #34;b#34;'
    """
    return _SPECIAL.sub(lambda sign: f"#{ord(sign[0])};", text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
