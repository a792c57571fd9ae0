"""Functions of ours that go through NumPy's protocol, as NumPy's own do: rules may call them on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def dispatched(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` on arrays; where its first argument is a Tensor, the record of `fn`."""

    @wraps(fn)
    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(first, "_node"):
            return first.__array_function__(call, (), (first, *args), kwargs)
        return fn(first, *args, **kwargs)

    return call
