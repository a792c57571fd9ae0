"""Products and quotients of a gradient with a singular derivative.

Where the arriving gradient is exactly zero, nothing that an infinite derivative says can matter:
that is the branch `np.where` did not take, or a limit such as the norm at zero. `0 / 0` and `0 * inf` are
then 0, not NaN. Only those elements are touched, so derivatives of derivatives stay right.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def quotient(g: Any, d: Any) -> Any:
    """`g / d`, and 0 where both are 0."""
    singular = d == 0
    if np.count_nonzero(singular):
        d = np.where(singular & (g == 0), 1, d)
    return g / d


def product(g: Any, d: Any) -> Any:
    """`g * d`, and 0 where `g` is 0 and `d` infinite."""
    singular = np.isinf(d)
    if np.count_nonzero(singular):
        d = np.where(singular & (g == 0), 0, d)
    return g * d
