"""Numbers as a lecture shows them: short, aligned, with what is not finite marked.

Arrays up to 4x4 are written out, up to 8x8 they are heat cells, and larger ones are described.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from autograd.basis.arrays import is_lazy

GRID: Final = 4
DIGITS: Final = 2  # decimals of numbers under 100
_digits: ContextVar[int] = ContextVar("digits", default=DIGITS)
HEAT: Final = 8
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Shown:
    """An array made ready to draw.

    `cells` are its numbers as text, row by row, when it is small enough; a line below then is the power of
    ten that all are multiplied by. `heat` are its elements as
    shares of the largest magnitude, -1 to 1, when only colours fit. `lines` say it in words.
    """

    cells: tuple[tuple[str, ...], ...] = ()
    heat: tuple[tuple[float, ...], ...] = ()
    lines: tuple[str, ...] = ()


@contextmanager
def digits(count: int) -> Iterator[None]:
    """Inside, numbers under 100 are told with so many decimals, larger ones with fewer.

    >>> with digits(4):
    ...     number(0.5), number(123.45)
    ('0.5000', '123.450')
    """
    before = _digits.set(count)
    try:
        yield
    finally:
        _digits.reset(before)


def number(x: Any) -> str:
    """One number: 2 decimals, 1 from 100, none from 1000, powers of ten from 10⁴ and under 0.005.

    >>> [number(x) for x in (0.5, -1.0, 0.0, 123.45, 4321.0, 56789.0, 0.0012)]
    ['0.50', '−1.00', '0', '123.5', '4321', '5.7×10⁴', '1.2×10⁻³']
    >>> [number(x) for x in (7, True, float("nan"), -float("inf"))]
    ['7', 'True', 'NaN', '−∞']
    """
    if isinstance(x, (bool, np.bool_)):
        return str(bool(x))
    if isinstance(x, (int, np.integer)):
        whole = int(x)
        return _signed(str(abs(whole)) if abs(whole) < 10**6 else _power(abs(whole)), whole < 0)
    size = abs(float(x))
    return _fixed(float(x), _decimals(size)) if 0.005 <= size < 9999.5 else _signed(_power(size), x < 0)


def numbers(array: Any, *, apart: bool = True) -> tuple[tuple[tuple[str, ...], ...], str]:
    """The numbers of a small matrix in one format, and the power of ten that all are multiplied by.

    Its largest magnitude decides, so that points stand below each other; an exact zero stays "0". Where a power of
    ten would leave nothing of another number, each has its own, if they may be told `apart`.

    >>> numbers(np.array([[0.5, -120.0], [0.0, 0.001]]))
    ((('0.5', '−120.0'), ('0', '0.0')), '')
    >>> numbers(np.array([[0.0012, -0.0003]]))
    ((('1.20', '−0.30'),), '×10⁻³')
    >>> numbers(np.array([[1e12, -999.5]]))
    ((('1.0×10¹²', '−999.5'),), '')
    """
    if array.dtype.kind != "f" and (array.dtype.kind == "b" or np.max(np.abs(array)) < 10**6):
        return tuple(tuple(map(number, row)) for row in array.tolist()), ""
    wide = array.astype(np.float64)
    largest = float(np.max(np.abs(wide), where=np.isfinite(wide), initial=0.0))
    if largest < 0.005 or largest >= 9999.5:
        if largest == 0:
            return tuple(tuple(_fixed(x, 2) for x in row) for row in wide.tolist()), ""
        if array.size == 1:
            return ((number(wide.flat[0]),),), ""
        exponent = int(np.floor(np.log10(largest)))
        half = exponent // 2  # in two steps, since no float holds the factor of the smallest numbers
        scaled = wide / 10.0**half / 10.0 ** (exponent - half)
        if apart and np.any((wide != 0) & (np.abs(scaled) < 0.005)):
            return tuple(tuple(map(number, row)) for row in wide.tolist()), ""
        return tuple(tuple(_fixed(x, 2) for x in row) for row in scaled.tolist()), f"×10{superscript(exponent)}"
    decimals = _decimals(largest)
    return tuple(tuple(_fixed(x, decimals) for x in row) for row in wide.tolist()), ""


def is_finite(text: str) -> bool:
    """Whether what `number` wrote stands for a finite number."""
    return "NaN" not in text and "∞" not in text


def _decimals(size: float) -> int:
    """How many decimals a number is told with; as rounded, since 99.996 is 100.0."""
    return max((2 if size < 99.995 else 1 if size < 999.95 else 0) + _digits.get() - DIGITS, 0)


def _fixed(x: float, decimals: int) -> str:
    if np.isfinite(x):
        text = f"{abs(x):.{decimals}f}"
        return "0" if x == 0 else _signed(text, x < 0 and text.strip("0.") != "")  # what is nearly zero has no sign
    return "NaN" if np.isnan(x) else _signed("∞", x < 0)


def _power(size: float) -> str:
    if not 0 < size < np.inf:
        return _fixed(size, 0)
    mantissa, exponent = f"{size:.1e}".split("e")
    return f"{mantissa}×10{superscript(int(exponent))}"


def superscript(exponent: int) -> str:
    """An integer as an exponent.

    >>> superscript(-12)
    '⁻¹²'
    """
    return str(exponent).translate(_SUPERSCRIPTS)


def _signed(text: str, negative: bool) -> str:
    return f"−{text}" if negative else text


def show(array: Any) -> Shown:
    """Describe an array of any shape and real dtype.

    >>> show(np.array([[1.0, -0.5]])).cells
    (('1.00', '−0.50'),)
    >>> show(np.arange(100.0)).lines
    ('mean 49.50 ± 28.87', '[0 … 99.00]')
    """
    if is_lazy(array):  # nothing is computed to be shown
        count = math.prod(array.numblocks)
        return Shown(lines=(f"in {count} chunk{'s' * (count != 1)}",))
    array = np.asarray(array)
    if array.size == 0:
        return Shown(lines=("empty",))
    rows = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    if max(rows.shape) <= GRID:
        cells, factor = numbers(rows)
        return Shown(cells=cells, lines=(factor,) if factor else ())
    described = _describe(array)
    if max(rows.shape) <= HEAT:
        return Shown(heat=_shares(rows), lines=described)
    return Shown(lines=described)


def _shares(rows: Any) -> tuple[tuple[float, ...], ...]:
    wide = rows.astype(np.float64)
    finite = np.isfinite(wide)
    largest = np.max(np.abs(wide), where=finite, initial=0.0)
    shares = wide / largest if largest > 0 else np.where(finite, 0.0, wide)
    return tuple(tuple(row) for row in shares.tolist())


def _describe(array: Any) -> tuple[str, ...]:
    """Mean and deviation, range, and how many elements are not finite."""
    if array.dtype.kind == "b":
        return (f"{np.count_nonzero(array):,} of {array.size:,} True",)
    wide = array.astype(np.float64, copy=False)
    finite = wide[np.isfinite(wide)]
    lines = []
    if finite.size == wide.size > 1 and finite.min() == finite.max():
        return (f"all {number(array.flat[0])}",)
    if finite.size:
        with np.errstate(all="ignore"):
            cells, factor = numbers(np.array([[finite.mean(), finite.std()]]), apart=False)
            lines.append(f"mean {cells[0][0]} ± {cells[0][1]}" + (f" {factor}" if factor else ""))
        least, most = finite.min(), finite.max()
        if array.dtype.kind in "iu":
            least, most = int(least), int(most)
        lines.append(f"[{number(least)} … {number(most)}]")
    else:
        lines.append("nothing finite")
    for count, what in ((np.count_nonzero(np.isnan(wide)), "NaN"), (np.count_nonzero(np.isinf(wide)), "∞")):
        if count:
            lines.append(f"{count} × {what}")
    return tuple(lines)


def shape_text(shape: tuple[int, ...], dtype: Any = None) -> str:
    """A shape as on the blackboard; the dtype too where it is no float.

    >>> shape_text((2, 3)), shape_text(()), shape_text((4,), np.dtype(bool))
    ('2×3', 'scalar', '4 bool')
    """
    text = "×".join(map(str, shape)) or "scalar"
    return text if dtype is None or dtype.kind == "f" else f"{text} {dtype.name}"
