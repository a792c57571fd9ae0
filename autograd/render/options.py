"""The arguments of `draw` and its kin, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.node import Node
from autograd.notation.numbers import DIGITS
from autograd.render.diagram import Direction
from autograd.render.gradients import Hand
from autograd.render.layout import SMALLEST, Viewport
from autograd.render.style import STYLES, Style

Collapse = Literal["auto", "none", "modules", "whole"]
DIRECTIONS: Final = {"LR": "from left to right", "TB": "from top to bottom"}
COLLAPSES: Final = get_args(Collapse)[:-1]  # "whole" is for us: everything, in one way only
Detail = Literal["statements", "operations"]
DETAILS: Final = get_args(Detail)


@dataclass(frozen=True)
class Options:
    """What is asked of a picture; see `autograd.draw`.

    `statements`: a card a statement, or else an operation; `whole_first`: an operation too, if all can be read;
    `others`: further outputs; `repeats`: whether what repeats may be drawn once; `hand`: gradients derived by hand, by
    node; `most`: draw every operation, unless there are more than these.
    """

    values: bool = True
    grads: bool = True
    rules: bool = False
    title: str = ""
    collapse: Collapse = "auto"
    depth: int | None = None
    style: Style = field(default_factory=lambda: STYLES["cards"])
    viewport: Viewport = field(default_factory=Viewport)
    legend: bool = True
    theme: str = "light"
    note: str = ""
    others: tuple[Node, ...] = ()
    statements: bool = True
    whole_first: bool = False
    repeats: bool = True
    hand: Mapping[Node, Hand] = field(default_factory=dict)
    most: int = 0

    @property
    def modules(self) -> bool:
        """Whether modules as cards were asked for."""
        return self.style.modules or self.depth is not None or self.collapse == "modules"


def check_choice(argument: str, value: object, choices: Iterable[str]) -> None:
    """Refuse a value that is not one of these, which may have meanings."""
    known = list(choices)
    if value not in known:
        meanings = choices if argument == "direction" and isinstance(choices, Mapping) else {}
        told = (f"{one!r} ({meanings[one]})" if one in meanings else repr(one) for one in known)
        raise ValueError(f"{argument} is {' or '.join(told)}, not {value!r}")


def unfolded(
    title: str | None, style: Style, collapse: Collapse, depth: int | None, detail: Detail | None, most: int = 0
) -> Options:
    """The options of pictures in which each operation has its moment: what repeats is not drawn once."""
    check_choice("collapse", collapse, COLLAPSES)
    options = Options(title=title_of(title), style=style, collapse=collapse, depth=depth_of(depth), repeats=False)
    most = most if collapse == "auto" and depth is None else 0
    return replace(options, statements=by_statements(detail, style), most=most)


def by_statements(detail: str | None, style: Style) -> bool:
    """Whether a card is a statement."""
    if detail is None:
        return style.statements
    check_choice("detail", detail, DETAILS)
    return detail == "statements"


def style_named(name: str, *, moments: bool = False) -> Style:
    """The style of this name; with `moments`, one that `frames` can use."""
    check_choice("style", name, STYLES)
    if moments and not STYLES[name].moments:
        able = " or ".join(repr(known) for known, style in STYLES.items() if style.moments)
        raise ValueError(f"style {name!r} draws no single moments, which frames need (moments=True); take {able}")
    return STYLES[name]


def drawable(output: object, function: str) -> Node:
    """The node to draw, or an error that says why there is nothing; `function` was called with it."""
    if not isinstance(output, Tensor):
        kind = f"{type(output).__module__}.{type(output).__qualname__}"
        raise TypeError(f"{function} takes the Tensor that was computed, such as a loss, and this is a {kind}")
    name, node = output.name or "this Tensor", output._node
    if node.op is None and node.requires_grad:
        why = f"{name} is no result of an operation; draw what was computed from it"
    elif node.op is None:
        why = (
            f"nothing behind {name} requires grad. Make the parameters with "
            "Tensor(..., requires_grad=True), and compute outside no_grad()"
        )
    elif node.args is None:
        why = f"that of {name} was freed by backward(retain_graph=False)"
    else:
        node.held = output._value
        return node
    raise ValueError(f"there is no graph to draw: {why}")


def outputs_of(output: object, more: Iterable[object]) -> list[Node]:
    """The nodes to draw, each once; one argument may be a list of them."""
    listed = [*output] if isinstance(output, (list, tuple)) and output else [output]
    return [*dict.fromkeys(drawable(one, "draw") for one in (*listed, *more))]


def mapping_of(argument: str, value: Mapping[Any, Any] | None) -> Mapping[Any, Any]:
    """A dictionary, an empty one for None; anything else is refused."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{argument} is a dictionary, by Tensor or by name, not {type(value).__name__}")
    return value or {}


def title_of(title: str | None) -> str:
    """The title, "" for None; anything but text is refused."""
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title is text, not {type(title).__name__}")
    return title or ""


def overrides(names: Mapping[Tensor | str, str] | None) -> dict[Node | str, str]:
    """What to call what, by node or by the name that would be drawn."""
    names = mapping_of("names", names)
    for key, name in names.items():
        if not isinstance(name, str) or not isinstance(key, (str, Tensor)):
            raise TypeError(f"names maps Tensors or strings to strings, and has {key!r}: {name!r}")
        if not name.strip():
            raise ValueError(f"names: an empty name for {key!r}")
    return {key._node if isinstance(key, Tensor) else key: name for key, name in names.items()}


def text_sizes(font_size: float | None, digits: int | None) -> tuple[float, int]:
    """The least size of text in pixels, and the decimals of numbers."""
    if font_size is not None and (isinstance(font_size, bool) or not isinstance(font_size, (int, float))):
        raise TypeError(f"font_size is a number of pixels, such as 18, not {font_size!r}")
    if font_size is not None and not 6 <= font_size <= 60:
        raise ValueError(f"font_size is from 6 to 60 pixels, not {font_size!r}")
    if digits is not None and (isinstance(digits, bool) or not isinstance(digits, (int, np.integer))):
        raise TypeError(f"digits is a whole number, such as 3, not {digits!r}")
    if digits is not None and not 0 <= digits <= 12:
        raise ValueError(f"digits is from 0 to 12, not {digits!r}")
    return SMALLEST if font_size is None else float(font_size), DIGITS if digits is None else int(digits)


def depth_of(depth: int | None) -> int | None:
    """How deep the modules are nested that are one card each."""
    if depth is None:
        return None
    if isinstance(depth, bool) or not isinstance(depth, (int, np.integer)):
        raise TypeError(f"depth is a whole number, not {depth!r}")
    if depth < 0:
        raise ValueError(f"depth is at least 0, not {depth}: 0 is the outermost modules, 1 those in them")
    return int(depth)


def viewport_of(size: tuple[int, int] | None, direction: Direction) -> Viewport:
    """The pixels that a picture is to fit into."""
    down = direction == "TB"
    if size is None:
        return Viewport(900, 2400, down) if down else Viewport()
    sides = size if isinstance(size, (tuple, list)) and len(size) == 2 else ()
    if not sides or any(isinstance(side, bool) or not isinstance(side, (int, np.integer)) for side in sides):
        raise TypeError(f"size is a pair of pixels, such as (1280, 720), not {size!r}")
    width, height = map(int, sides)
    if min(width, height) < 100:
        raise ValueError(f"size is a pair of at least 100 pixels each, such as (1280, 720), not {size!r}")
    return Viewport(width, height, down)
