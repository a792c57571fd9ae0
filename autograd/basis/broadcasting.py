"""Back from a broadcast."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from autograd.basis.arrays import is_foreign


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an operand of shape `shape` was broadcast.

    Where `a` is used several times, the contributions of its uses are added; broadcasting is use.

    >>> import numpy as np
    >>> unbroadcast(np.ones((3, 4)), (4,)).tolist()
    [3.0, 3.0, 3.0, 3.0]
    """
    if type(g) is np.ndarray and g.ndim == 2 and len(shape) == 1 and g.dtype.char in "fd":
        total = _ones(len(g), g.dtype).dot(g)  # the sum over the rows by BLAS, in a third of the time
        if total.shape == shape:
            return total
    lead = g.ndim - len(shape)
    add: Any = np.add.reduce
    if type(g) is not np.ndarray and is_foreign(getattr(g, "value", g)):  # in a recording too
        add = np.sum  # a library may know nothing of a ufunc's methods
    if lead:
        g = add(g, axis=tuple(range(lead)) if lead > 1 else 0)
    if 1 in shape and g.shape != shape:
        stretched = tuple([axis for axis, length in enumerate(shape) if length == 1 != g.shape[axis]])
        g = add(g, axis=stretched, keepdims=True)
    return g


@lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype[Any]) -> Any:
    return np.ones(n, dtype)
