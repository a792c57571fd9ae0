"""Adding up gradients in memory of their own."""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any, Final

import numpy as np

from autograd.basis.arrays import is_foreign

# Who holds an array that is the caller's alone: a dictionary or a name of the caller, the function, `getrefcount`.
_HOLDERS: Final = 3


def is_own(array: Any, others: int = 0) -> bool:
    """Whether nobody but the caller, who holds it once, and so many `others` can see the memory of an array."""
    return (
        type(array) is np.ndarray and getrefcount(array) <= _HOLDERS + others and array.base is None and array.ndim > 0
    )


def added(total: Any, d: Any) -> Any:
    """`total + d`, where it is the caller's own in its memory."""
    if type(total) is np.ndarray and getrefcount(total) <= _HOLDERS and total.base is None and total.ndim:
        total += d
        return total
    return total + d


def added_into(total: Any, like: Any, add: Callable[[Any], None]) -> Any:
    """An array of the shape and dtype of `like`, to which `add` has added: `total`, where it is the caller's own."""
    if total is None:
        total = np.zeros(like.shape, like.dtype)
    elif type(total) is not np.ndarray or getrefcount(total) > _HOLDERS or total.base is not None:
        total = np.array(total)
    add(total)
    return total


def copied(array: Any) -> Any:
    """A copy of an array of any library."""
    return array.copy() if is_foreign(array) else np.copy(array)
