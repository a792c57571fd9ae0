"""Operands that are no arrays: data frames and their kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import check_lengths, dispatches
from autograd.core.op import PLAIN_TYPES, plain


def as_array(value: Any) -> Any:
    """A data frame, a masked array, a matrix, a memory map and their kind as a plain array.

    Arrays of other libraries, which speak NumPy's protocol, stay as they are, and so does what outranks a Tensor.

    Raises:
        TypeError: an array with masked elements; a sparse matrix, which has other products.

    >>> as_array(np.ma.array([1.0, 2.0]))
    array([1., 2.])
    """
    kind = type(value)
    if hasattr(kind, "toarray") and not dispatches(value):
        raise TypeError(
            f"a {kind.__name__} is no array: multiply by autograd.scipy.sparse.product(matrix, t), as code does that "
            "autograd.differentiable runs, or by matrix.toarray()"
        )
    if isinstance(value, (type, np.generic)) or not hasattr(kind, "__array__"):
        return value
    if getattr(value, "__array_priority__", 0) > 1000:
        return value
    if not issubclass(kind, np.ndarray):
        check_lengths(value, kind.__name__)
        return value if hasattr(kind, "__array_function__") else np.asarray(value)
    if kind is not np.ndarray and np.any(getattr(value, "mask", False)):
        raise TypeError(
            f"{kind.__name__} of shape {value.shape}: its masked elements would count. Pass .filled(0), and leave them "
            "out by where=~mask or np.where"
        )
    return np.array(value) if getattr(kind, "written", False) else np.asarray(value)


def as_index(index: Any) -> Any:
    """An index in plain arrays: copies of those that their owner writes into, as a graph keeps it."""
    kind = type(index)
    if kind is tuple:
        return tuple(map(as_index, index))
    if kind in PLAIN_TYPES:
        return index
    return np.array(index) if getattr(kind, "written", False) else plain(index)
