"""What a tolerance may be: anything else would pass every gradient, or none."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any


def check_tolerance(name: str, value: Any, *, positive: bool = False) -> None:
    """ValueError or TypeError unless `value` is a finite number that is not negative, or above 0 with `positive`.

    >>> check_tolerance("rtol", float("nan"))
    Traceback (most recent call last):
    ValueError: rtol is nan; give a finite number that is not negative
    """
    wanted = "above 0" if positive else "that is not negative"
    if type(value) is bool or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}; give a finite number {wanted}")
    number = float(value)
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(f"{name} is {value!r}; give a finite number {wanted}")
