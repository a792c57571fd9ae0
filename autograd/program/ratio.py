"""Numbers that remember which fraction they are, so that 2 / 100 does not print as 0.02."""

from __future__ import annotations

from typing import Any

import numpy as np

_KINDS: dict[Any, Any] = {np.dtype(kind): type("Ratio", (kind,), {}) for kind in (np.float32, np.float64)}
_LONGEST = 6  # characters of a numerator that is clearer than digits


def ratio(numerator: Any, denominator: Any, dtype: Any) -> Any:
    """`numerator / denominator` as a number of this dtype.

    >>> third = ratio(2, 6, np.dtype("d"))
    >>> float(third), parts(third), fraction(third)
    (0.3333333333333333, (2.0, 6.0), '2 / 6')
    """
    numerator, denominator = float(numerator), float(denominator)
    with np.errstate(all="ignore"):
        value = np.float64(numerator) / denominator
    value = _KINDS[dtype](value) if dtype in _KINDS else np.dtype(dtype).type(value)
    if dtype in _KINDS:
        value.parts = (-numerator, -denominator) if denominator < 0 else (numerator, denominator)
    return value


def parts(number: Any) -> tuple[float, float]:
    """The numerator and the denominator of a number."""
    return getattr(number, "parts", (float(number), 1.0))


def times(a: Any, b: Any, dtype: Any) -> Any:
    """The product of two numbers, unreduced."""
    (p, q), (r, s) = parts(a), parts(b)
    return ratio(p * r, q * s, dtype)


def over(a: Any, b: Any, dtype: Any) -> Any:
    """The quotient of two numbers, unreduced."""
    (p, q), (r, s) = parts(a), parts(b)
    return ratio(p * s, q * r, dtype)


def fraction(number: Any) -> str | None:
    """`number` as a fraction of integers, or None if that would be no clearer than its digits."""
    p, q = parts(number)
    if not (p.is_integer() and q.is_integer()) or q == 1 or p % q == 0 or len(f"{p:.0f}") > _LONGEST:
        return None
    return f"{p:.0f} / {q:.0f}"
