"""Constants as source text, and how tightly expressions bind."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from autograd.program.program import Var
from autograd.program.ratio import fraction

ATOM, POWER, SIGN, PRODUCT, SUM, COMPARISON = 10, 8, 7, 6, 5, 3


class Text(NamedTuple):
    """Source text, and how tightly it binds."""

    text: str
    binds: float = ATOM

    def inside(self, level: float) -> str:
        """In parentheses where the context binds more tightly."""
        return self.text if self.binds >= level else f"({self.text})"


def literal(value: Any) -> Text:
    """A constant as source text; numbers of other precisions say so."""
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return Text(f"np.{np.dtype(value).name}")
    if isinstance(value, np.generic):
        if value.dtype == np.float64 and fraction(value) is not None:
            return Text(str(fraction(value)), PRODUCT)
        if value.dtype in (np.float64, np.int64, np.bool_):
            return literal(value.item())
        return Text(f"np.{value.dtype.name}({literal(value.item()).text})")
    if isinstance(value, float):
        if math.isnan(value):
            return Text("np.nan")
        text = "np.inf" if math.isinf(value) else repr(abs(value))
        return Text(f"-{text}", SIGN) if math.copysign(1, value) < 0 else Text(text)
    if isinstance(value, complex):
        return Text(repr(value))
    if isinstance(value, slice):
        return Text(f"slice({', '.join(literal(part).text for part in (value.start, value.stop, value.step))})")
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return Text(repr(value), SIGN)
    if isinstance(value, str) and '"' not in (text := repr(value)):
        return Text(f'"{text[1:-1]}"')
    if value is None or value is Ellipsis or isinstance(value, (bool, int, str)):
        return Text("..." if value is Ellipsis else repr(value))
    if isinstance(value, type) and value in (float, int, bool):
        return Text(value.__name__)
    raise TypeError(f"a {type(value).__name__} among the arguments cannot be written as source: {value!r}")


def regular(value: Any) -> str | None:
    """How a person would make this array, if it is a regular one."""
    suffix, shape = kind(value), repr(value.shape if value.ndim != 1 else value.size)
    if value.ndim == 1 and value.size > 1 and value.dtype.kind in "if" and np.array_equal(value, np.arange(value.size)):
        return f"np.arange({value.size}{'.0' if value.dtype.kind == 'f' else ''}{suffix})"
    if value.size and value.dtype.kind in "if" and not np.any(value != value.flat[0]) and not np.any(np.signbit(value)):
        number = literal(value.flat[0].item()).text
        maker = {0: "zeros", 1: "ones"}.get(value.flat[0].item())
        integer = ", dtype=int" if value.dtype == np.int64 and maker else suffix
        return f"np.{maker}({shape}{integer})" if maker else f"np.full({shape}, {number}{suffix})"
    return None


def ndim(value: Any) -> int:
    """How many axes a value of a program has, or a constant."""
    return len(value.shape or ()) if type(value) is Var else np.ndim(value)


def kind(value: Any) -> str:
    """What source says of an array's dtype, where that is not the usual one."""
    return "" if value.dtype in (np.float64, np.int64, np.bool_) else f", dtype=np.{value.dtype.name}"


def typed(value: Any) -> str | None:
    """A number that knows its dtype and shape, as arrays do."""
    if not isinstance(value, np.generic):
        return None
    return f"np.{value.dtype.name}({fraction(value) or literal(value.item()).text})"
