"""What a model says of data, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import numpy as np

from autograd import Tensor, no_grad
from autograd.arrays import is_lazy
from nn import given
from nn.arrays import described
from nn.module import Module
from nn.samples import as_dtype, data_of, take
from nn.watching import evaluating

_AT_ONCE, _BYTES_AT_ONCE = 1024, 1 << 22


def predict(model: Callable[..., Any], X: Any, batch_size: int | None = None) -> Any:
    """The model's outputs for all samples, as an array: in `eval()`, without graphs, a batch at a time.

    The model's modes are afterwards as they were. Of a memory-mapped `X` a batch is read at a time. Of an `X` in
    chunks, as Dask's, outputs are in chunks too: they are computed when they are asked for, with the weights of now.

    Args:
        model: a Module, or another function of a batch.
        X: samples along axis 0.
        batch_size: how many samples are computed at once; by default 1024, or as many as 4 MB hold.

    Raises:
        TypeError: no model, or data that is sparse.
        ValueError: no samples, a batch size below 1, or chunks that hold a part of each sample.

    >>> from nn import Linear
    >>> predict(Linear(3, 2, rng=0), np.ones((5, 3)), batch_size=2).shape
    (5, 2)
    """
    if not callable(model) or isinstance(X, Module):
        raise TypeError("predict takes the model first, then the data: nn.predict(model, X)")
    X = data_of(X)
    if not X.ndim or not len(X):
        raise ValueError(f"predict: X is {X.shape}; it holds no samples")
    if is_lazy(X):
        return _in_chunks(model, X, batch_size)
    bytes_each = math.prod(X.shape[1:]) * X.dtype.itemsize
    most = max(1, min(_AT_ONCE, _BYTES_AT_ONCE // max(bytes_each, 1)))
    size = most if batch_size is None else given.size("predict: batch_size", batch_size)
    floats = dtype_of(model)
    parts = []
    with no_grad(), evaluating(model) if isinstance(model, Module) else nullcontext():
        for start in range(0, len(X), size):
            part = model(as_dtype(take(X, slice(start, start + size)), floats))
            parts.append(np.asarray(part.data if isinstance(part, Tensor) else part))
    return np.concatenate(parts) if len(parts) > 1 else np.array(parts[0])


def _in_chunks(model: Callable[..., Any], X: Any, batch_size: int | None) -> Any:
    """A task a chunk: it predicts by a copy of the model, which no later step changes."""
    if any(count > 1 for count in X.numblocks[1:]):
        raise ValueError(
            f"predict: X is {described(X)}, which hold parts of samples: X.rechunk({{axis: -1 for axis in range(1, "
            f"{X.ndim})}}) makes them whole"
        )
    model = deepcopy(model).eval() if isinstance(model, Module) else model
    one = predict(model, np.zeros((1, *X.shape[1:]), X.dtype), batch_size)
    none = one[:0]

    def outputs(block: Any) -> Any:
        return predict(model, block, batch_size) if len(block) else none

    return X.map_blocks(
        outputs,
        chunks=(X.chunks[0], *one.shape[1:]),
        drop_axis=[*range(1, X.ndim)],
        new_axis=[*range(1, one.ndim)],
        meta=none,
    )


def dtype_of(model: Any) -> np.dtype[Any] | None:
    """The dtype of all parameters; None where there are none, or several."""
    dtypes = {parameter.dtype for parameter in model.parameters()} if isinstance(model, Module) else set()
    return dtypes.pop() if len(dtypes) == 1 else None
