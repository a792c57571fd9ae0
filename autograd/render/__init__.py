"""Pictures of computations: `draw` makes one of a Tensor and everything behind it, `frames` many, `player` a page.

A picture is made in four steps: `graph` finds modules and repetitions, `collapse` chooses what is drawn, as `vertices`,
`annotate` writes the text of cards and edges into a `diagram`, and a style turns that into DOT for Graphviz. It may
import `notation` and what is under it. See README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autograd.array.tensor import Tensor
from autograd.notation.names import users_scope
from autograd.notation.numbers import digits as decimals_of
from autograd.render import cards, circuit, plain
from autograd.render.build import build_scene
from autograd.render.comparison import draw_comparison
from autograd.render.diagram import Card, Diagram, Direction, Edge
from autograd.render.difference import draw_diff
from autograd.render.frames import frames
from autograd.render.language import quote
from autograd.render.options import (
    COLLAPSES,
    DIRECTIONS,
    Collapse,
    Detail,
    Options,
    by_statements,
    check_choice,
    depth_of,
    outputs_of,
    overrides,
    style_named,
    text_sizes,
    title_of,
    viewport_of,
)
from autograd.render.picture import Picture
from autograd.render.player import Player, player
from autograd.render.style import Style, register_style
from autograd.render.themes import THEMES, Theme

for _style in (cards.CARDS, circuit.CIRCUIT, cards.OVERVIEW, plain.PLAIN):
    register_style(_style)


def draw(
    output: Tensor | Sequence[Tensor],
    *more: Tensor,
    style: str = "cards",
    direction: Direction = "LR",
    values: bool = True,
    grads: bool = True,
    rules: bool = False,
    detail: Detail | None = None,
    names: Mapping[Tensor | str, str] | None = None,
    collapse: Collapse = "auto",
    depth: int | None = None,
    size: tuple[int, int] | None = None,
    title: str | None = None,
    theme: Theme = "light",
    font_size: float | None = None,
    digits: int | None = None,
    legend: bool = True,
) -> Picture:
    """Draw the computation behind `output`: every operation with its value and its gradient.

    The gradients are computed for the picture: no `backward()` is needed before, and no `.grad`
    changes. Where a value is used several times, its gradient is written as the sum; where it was
    broadcast, the picture says over what the gradient was summed back. Names are the Tensors' own, or the
    caller's variables (`z1` is drawn as z₁), or made up, as `derive` does it. Operations that a module computed
    stand in its frame.

    Args:
        output: a Tensor of any shape that operations on other Tensors gave; gradients need one element.
        more: further outputs of the same program, as `draw(loss, error)` or in a list, `draw([loss, error])`. The
            gradients are those of the first.
        style: "cards", a card an operation; "circuit", for numbers: each wire with its value above it and its
            gradient below; "overview", a card a module, with parameters and norms; "plain", cards for a
            Graphviz that has no HTML-like labels, which is what any style becomes where there is no other;
            or a style of your own (see `register_style`).
        direction: "LR", from left to right, for slides; "TB", from top to bottom, for handouts. Circuits always
            run to the right.
        values: show the numbers of each value: written out up to 4x4, as colours up to 8x8, then
            described by their mean, deviation and range.
        grads: show the gradients d(output)/d(value) in the same way.
        rules: write the local rule of each use at its edge, with g for the gradient that arrives.
        detail: "statements", a card for what a person writes on one line: a value that nobody named and that is
            used once belongs to the formula of the value it goes into; "operations", a card for each. By default
            operations in circuits, and where rules are written and all can be read; else statements.
        names: what to call Tensors, by the Tensor or by the name that would be drawn.
        collapse: "auto" draws as much as can be read on a slide: everything; or what repeats once, with its
            count; or each module as one card; or the first and last operations. "modules" begins with
            modules as cards. "none" draws everything, however large.
        depth: draw modules nested this deep as one card each, and layers that are nested less; 0 for the outermost.
        size: width and height in pixels that the picture is to fit into with text of 12 pixels; by default
            1280 x 720, a slide; from top to bottom 900 x 2400.
        title: a line above the picture.
        theme: "light"; "dark", for dark slides and notebooks; "print", black on white.
        font_size: the least size of text in pixels, instead of 12: larger text leaves room for less.
        digits: decimals of numbers under 100, instead of 2.
        legend: whether to say below what the colours mean.

    Raises:
        TypeError: `output` is no Tensor, or a name no string; a size or depth that is no integer.
        ValueError: `output` has no graph; an unknown choice; `names` has an unknown name; a circuit with arrays;
            more than 2,000 operations with `collapse="none"`.

    >>> import autograd
    >>> w = autograd.Tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (w * w).sum()
    >>> picture = autograd.draw(loss, title="A sum of squares")
    >>> picture
    <Picture of loss: 2 operations>
    >>> "= sum(w * w)" in picture.source, picture.svg.startswith("<svg"), w.grad is None
    (True, True, True)
    """
    node, *others = outputs_of(output, more)
    chosen = style_named(style)
    check_choice("direction", direction, DIRECTIONS)
    check_choice("collapse", collapse, COLLAPSES)
    check_choice("theme", theme, THEMES)
    least, decimals = text_sizes(font_size, digits)
    viewport = replace(viewport_of(size, direction), least=least)
    options = Options(values, grads, rules, title_of(title), collapse, depth_of(depth), style=chosen, viewport=viewport)
    statements, free = by_statements(detail, chosen), rules and detail is None
    options = replace(options, statements=statements, whole_first=free, legend=bool(legend), theme=theme)
    options = replace(options, others=tuple(others))
    with decimals_of(decimals):
        return build_scene(node, users_scope(), overrides(names), options).picture


__all__ = [
    "Card",
    "Diagram",
    "Edge",
    "Picture",
    "Player",
    "Style",
    "draw",
    "draw_comparison",
    "draw_diff",
    "frames",
    "player",
    "quote",
    "register_style",
]
