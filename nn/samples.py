"""How samples are taken from data: of arrays and Tensors, of memory-mapped files, and of arrays in chunks, as Dask's.

All that trains, predicts or splits takes its samples here and nowhere else, so another kind of data concerns this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.arrays import is_foreign, is_lazy
from nn import init
from nn.arrays import described


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
    """What samples can be taken from: arrays of all libraries, Tensors and `Rows` as they are, all else as an array.

    Raises:
        TypeError: a sparse matrix.
    """
    if callable(getattr(value, "toarray", None)):
        raise TypeError(f"a {type(value).__name__} is sparse, and layers take all numbers: give X.toarray()")
    return value if isinstance(value, (np.ndarray, Tensor, Rows)) or is_foreign(value) else np.asarray(value)


def take(data: Any, chosen: Any, axis: int = 0) -> Any:
    """The samples at these positions, or of a slice, along `axis`; of a file only they are read.

    Of data in chunks they are positions of chunks: what is taken is whole chunks, and nothing is computed.

    >>> take(np.arange(10.0).reshape(5, 2), [4, 0])
    array([[8., 9.],
           [0., 1.]])
    """
    if isinstance(data, Rows):
        return take(data.array, data.chosen[chosen], axis)
    if isinstance(data, np.memmap):
        data = data.view(np.ndarray)
    if is_lazy(data):
        return data.blocks[(slice(None),) * (axis % np.ndim(data)) + (chosen,)]
    if isinstance(chosen, slice):
        return data[(slice(None),) * (axis % np.ndim(data)) + (chosen,)]
    return np.take(data, chosen, axis=axis)


def kept(arrays: Sequence[Any]) -> tuple[Any, ...]:
    """Lazy arrays, computed once and held where that was done, on a cluster by its workers, as long as these live."""
    plain = [array for array in arrays if not isinstance(array, Tensor)]  # a gradient may have to go through others
    held = iter(import_module("dask").persist(*plain))
    return tuple(array if isinstance(array, Tensor) else next(held) for array in arrays)


def part(data: Any, chosen: init.Array) -> Any:
    """The samples at these positions as data: a copy, but `Rows` of a file that holds more than a number a sample."""
    return Rows(data, chosen) if in_file(data) and np.ndim(data) > 1 else take(data, chosen)


def in_file(data: Any) -> bool:
    """Whether data is in a file, which nobody reads whole."""
    return isinstance(data, (np.memmap, Rows)) or isinstance(getattr(data, "base", None), np.memmap)


def chunk_lengths(name: str, arrays: Sequence[Any], axis: int = 0) -> tuple[int, ...]:
    """How many samples each chunk of data in chunks has; () for other data.

    Raises:
        ValueError: arrays that are not chunked alike along the samples, chunks of none or of an unknown number.
        TypeError: arrays in chunks beside others.
    """
    lazy = [array for array in arrays if is_lazy(array)]
    if not lazy:
        return ()
    if len(lazy) < len(arrays):
        raise TypeError(
            f"{name}: {', '.join(map(described, arrays))}: some arrays are in chunks, and others are not. Make all of "
            "them so: y = dask.array.from_array(y, chunks=x.chunks[0])"
        )
    lengths = {array.chunks[axis] for array in lazy}
    if any(n != n for each in lengths for n in each):
        raise ValueError(f"{name}: chunks of unknown length: X = X.compute_chunk_sizes() asks for them")
    if len(lengths) > 1 or 0 in min(lengths):
        raise ValueError(
            f"{name}: {', '.join(map(described, arrays))}: along axis {axis} chunks need the same lengths in all "
            f"arrays, above 0: y = y.rechunk({{{axis}: x.chunks[{axis}]}})"
        )
    found: tuple[int, ...] = lengths.pop()
    return found


def as_dtype(x: Any, dtype: np.dtype[Any] | None) -> Any:
    """Floats in the dtype of a model, so that a float32 model computes in float32; integers as they are."""
    if dtype is None or isinstance(x, Tensor) or getattr(x, "dtype", None) is None or x.dtype.kind != "f":
        return x
    return x if x.dtype == dtype else x.astype(dtype)
