"""A style of pictures is one object; `register_style` makes it known to `draw` by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from xml.etree.ElementTree import Element

from autograd.render import metrics, palette
from autograd.render.diagram import Card, Diagram, Direction
from autograd.render.graph import Graph

Detail = Literal["numbers", "norms", "names"]


def text_box(card: Card) -> tuple[float, float]:
    """About how wide and high a card is that has its title on one line."""
    return metrics.text_width(card.title, palette.BODY) + 18, 2.0 * palette.BODY


@dataclass(frozen=True)
class Style:
    """How diagrams become pictures.

    Only `name` and `source` are needed; the rest tells how much of a graph the style has room for, what it can show,
    and what else there is to do.

    Attributes:
        name: what `draw(style=...)` calls it.
        source: writes a diagram as DOT: a node for each card, named by its id, and an edge for each edge.
            Further edges have the class "wire".
        html: it writes HTML-like labels. Where no installed Graphviz knows these, "plain" is drawn instead.
        size: about how wide and high a card is, in points.
        gap: points between two ranks, beyond what Graphviz leaves by `ranksep=0.34`.
        check: raises ValueError where the style cannot show a graph (see `Graph.shapes`).
        finish: changes the SVG that Graphviz drew: the root, the groups of the cards by their ids, and the diagram.
        details: what its cards can say, the most first. What is too large for a slide is drawn with less.
        statements: a card is a statement, by default, and else an operation.
        modules: modules are one card each from the start.
        rows: it breaks the line of cards at `Diagram.breaks`, where text would have less than so many times 12 pixels.
        instead: the style that is drawn where its text would be too small, if smaller pictures say other things.
        moments: it hides what `Card.hidden` names and shows `Card.highlight`, so that `frames` can use it.
        cards: its nodes begin with what stands in the head of a card, so that "plain" shows the same.
    """

    name: str
    source: Callable[[Diagram, Direction], str]
    html: bool = False
    size: Callable[[Card], tuple[float, float]] = text_box
    gap: float = 0.0
    check: Callable[[Graph], None] = lambda graph: None
    finish: Callable[[Element, Mapping[str, Element], Diagram], None] = lambda root, nodes, diagram: None
    details: tuple[Detail, ...] = ("numbers", "norms", "names")
    statements: bool = True
    modules: bool = False
    rows: float = 0.0
    instead: str = ""
    moments: bool = False
    cards: bool = False


STYLES: Final[dict[str, Style]] = {}


def register_style(style: Style) -> None:
    """Make a style known by its name, in place of an earlier one of that name.

    >>> import autograd
    >>> from autograd.render import Style, register_style
    >>> def names(diagram, direction):
    ...     nodes = [f'{card.id} [label="{card.name}"]' for card in diagram.cards]
    ...     edges = [f"{edge.tail} -> {edge.head}" for edge in diagram.edges]
    ...     return "\\n".join(["digraph {", *nodes, *edges, "}"])
    >>> register_style(Style("names", names))
    >>> w = autograd.Tensor(2.0, requires_grad=True)
    >>> print(autograd.draw(w * w, style="names").source)
    digraph {
    n0 [label="w"]
    n1 [label="L"]
    n0 -> n1
    n0 -> n1
    }
    >>> del STYLES["names"]
    """
    STYLES[style.name] = style
