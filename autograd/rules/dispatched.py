"""Functions of ours that go through NumPy's protocol, as NumPy's own do: rules may call them on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from autograd.core.op import SIMPLE


def dispatched(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` on arrays; where an argument, or a part of an index, stands for an array, what that makes of `fn`."""

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if type(arg) in SIMPLE:
                continue
            for part in arg if type(arg) is tuple else (arg,):
                if type(part) not in SIMPLE and hasattr(part, "__array_function__"):
                    return part.__array_function__(call, (), args, kwargs)
        return fn(*args, **kwargs)

    return call
