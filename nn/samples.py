"""How samples are taken from data: of arrays and Tensors, and of memory-mapped files that are larger than the memory.

All that trains, predicts or splits takes its samples here and nowhere else, so another kind of data concerns this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor
from nn import init


class Rows:
    """Some samples of a memory-mapped array: nothing is read before they are taken.

    >>> rows = Rows(np.arange(10.0).reshape(5, 2), np.array([4, 0, 2]))
    >>> rows.shape, take(rows, slice(1, 3))
    ((3, 2), array([[0., 1.],
           [4., 5.]]))
    """

    def __init__(self, array: Any, chosen: init.Array) -> None:
        self.array, self.chosen = array, chosen
        self.shape, self.dtype = (len(chosen), *array.shape[1:]), array.dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self.chosen)


def data_of(value: Any) -> Any:
    """What samples can be taken from: arrays, Tensors and `Rows` as they are, all else as an array.

    Raises:
        TypeError: a sparse matrix.
    """
    if callable(getattr(value, "toarray", None)):
        raise TypeError(f"a {type(value).__name__} is sparse, and layers take all numbers: give X.toarray()")
    return value if isinstance(value, (np.ndarray, Tensor, Rows)) else np.asarray(value)


def take(data: Any, chosen: Any, axis: int = 0) -> Any:
    """The samples at these positions, or of a slice, along `axis`; of a file only they are read.

    >>> take(np.arange(10.0).reshape(5, 2), [4, 0])
    array([[8., 9.],
           [0., 1.]])
    """
    if isinstance(data, Rows):
        return take(data.array, data.chosen[chosen], axis)
    if isinstance(data, np.memmap):
        data = data.view(np.ndarray)
    if isinstance(chosen, slice):
        return data[(slice(None),) * (axis % np.ndim(data)) + (chosen,)]
    return np.take(data, chosen, axis=axis)


def part(data: Any, chosen: init.Array) -> Any:
    """The samples at these positions as data: a copy, but `Rows` of a file that holds more than a number a sample."""
    return Rows(data, chosen) if in_file(data) and np.ndim(data) > 1 else take(data, chosen)


def in_file(data: Any) -> bool:
    """Whether data is in a file, which nobody reads whole."""
    return isinstance(data, (np.memmap, Rows)) or isinstance(getattr(data, "base", None), np.memmap)


def as_dtype(x: Any, dtype: np.dtype[Any] | None) -> Any:
    """Floats in the dtype of a model, so that a float32 model computes in float32; integers as they are."""
    if dtype is None or isinstance(x, Tensor) or getattr(x, "dtype", None) is None or x.dtype.kind != "f":
        return x
    return x if x.dtype == dtype else x.astype(dtype)
