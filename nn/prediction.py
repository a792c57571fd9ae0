"""What a model says of data, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd import Tensor, no_grad
from nn import given
from nn.module import Module
from nn.watching import evaluating


def predict(model: Callable[..., Any], X: Any, batch_size: int = 1024) -> Any:
    """The model's outputs for all samples, as an array: in `eval()`, without graphs, a batch at a time.

    The model's modes are afterwards as they were. Of a memory-mapped `X` a batch is read at a time.

    Args:
        model: a Module, or another function of a batch.
        X: samples along axis 0.
        batch_size: how many samples are computed at once.

    Raises:
        ValueError: no samples, or a batch size below 1.

    >>> from nn import Linear
    >>> predict(Linear(3, 2, rng=0), np.ones((5, 3)), batch_size=2).shape
    (5, 2)
    """
    size = given.size("predict: batch_size", batch_size)
    X = X if isinstance(X, (np.ndarray, Tensor)) else np.asarray(X)
    if not X.ndim or not len(X):
        raise ValueError(f"predict: X is {X.shape}; it holds no samples")
    floats = dtype_of(model)
    parts = []
    with no_grad(), evaluating(model) if isinstance(model, Module) else nullcontext():
        for start in range(0, len(X), size):
            part = model(as_dtype(X[start : start + size], floats))
            parts.append(np.asarray(part.data if isinstance(part, Tensor) else part))
    return np.concatenate(parts) if len(parts) > 1 else np.array(parts[0])


def dtype_of(model: Any) -> np.dtype[Any] | None:
    """The dtype of all parameters; None where there are none, or several."""
    dtypes = {parameter.dtype for parameter in model.parameters()} if isinstance(model, Module) else set()
    return dtypes.pop() if len(dtypes) == 1 else None


def as_dtype(x: Any, dtype: np.dtype[Any] | None) -> Any:
    """Floats in the dtype of a model, so that a float32 model computes in float32; integers as they are."""
    if dtype is None or isinstance(x, Tensor) or getattr(x, "dtype", None) is None or x.dtype.kind != "f":
        return x
    return x if x.dtype == dtype else x.astype(dtype)
