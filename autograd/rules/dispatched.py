"""Functions of ours that go through NumPy's protocol, as NumPy's own do: rules may call them on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


def dispatched(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` on arrays; where its first argument stands for an array, what that makes of `fn`."""

    @wraps(fn)
    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        if type(first) is not np.ndarray and hasattr(first, "__array_function__"):
            return first.__array_function__(call, (), (first, *args), kwargs)
        return fn(first, *args, **kwargs)

    return call
