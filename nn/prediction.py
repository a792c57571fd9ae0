"""What a model says of data, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd import Tensor, no_grad
from nn import given
from nn.module import Module
from nn.samples import as_dtype, data_of, take
from nn.watching import evaluating

_AT_ONCE, _BYTES_AT_ONCE = 1024, 1 << 22


def predict(model: Callable[..., Any], X: Any, batch_size: int | None = None) -> Any:
    """The model's outputs for all samples, as an array: in `eval()`, without graphs, a batch at a time.

    The model's modes are afterwards as they were. Of a memory-mapped `X` a batch is read at a time.

    Args:
        model: a Module, or another function of a batch.
        X: samples along axis 0.
        batch_size: how many samples are computed at once; by default 1024, or as many as 4 MB hold.

    Raises:
        TypeError: no model, or data that is sparse.
        ValueError: no samples, or a batch size below 1.

    >>> from nn import Linear
    >>> predict(Linear(3, 2, rng=0), np.ones((5, 3)), batch_size=2).shape
    (5, 2)
    """
    if not callable(model) or isinstance(X, Module):
        raise TypeError("predict takes the model first, then the data: nn.predict(model, X)")
    X = data_of(X)
    if not X.ndim or not len(X):
        raise ValueError(f"predict: X is {X.shape}; it holds no samples")
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


def dtype_of(model: Any) -> np.dtype[Any] | None:
    """The dtype of all parameters; None where there are none, or several."""
    dtypes = {parameter.dtype for parameter in model.parameters()} if isinstance(model, Module) else set()
    return dtypes.pop() if len(dtypes) == 1 else None
