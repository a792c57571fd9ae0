"""Functions of ours that go through NumPy's protocol, as NumPy's own do: rules may call them on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from autograd.core.op import PLAIN_TYPES, defop
from autograd.core.tensor import TensorBase
from autograd.core.tensor import call as tensor_call


def dispatched(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` on arrays, through NumPy's protocol as NumPy's own functions are: on a Tensor its record is used.

    The Tensor may also stand in a tuple among the arguments, as in an index.
    """

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if type(arg) in PLAIN_TYPES:
                continue
            if isinstance(arg, TensorBase) and "out" not in kwargs:
                return tensor_call(call, args, kwargs)
            for part in arg if type(arg) is tuple else (arg,):
                if type(part) not in PLAIN_TYPES and hasattr(part, "__array_function__"):
                    return part.__array_function__(call, (), args, kwargs)
        return fn(*args, **kwargs)

    return call


def operation(fn: Callable[..., Any], **record: Any) -> Callable[..., Any]:
    """Record the derivative of `fn` (see `defop`) and give the function that records on Tensors.

    On arrays alone the result is `fn` itself, called.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> cube = operation(
    ...     lambda a: a * a * a,
    ...     name="cube",
    ...     vjp=lambda g, y, a: 3 * g * a * a,
    ...     math=r"\\bar a = 3 \\bar y \\odot a^2",
    ...     samples=[lambda rng: (rng.normal(size=3),)],
    ... )
    >>> w = Tensor(2.0, requires_grad=True)
    >>> cube(w).backward()
    >>> float(w.grad)
    12.0
    """
    defop(fn, **record)

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            if isinstance(arg, TensorBase):
                return tensor_call(fn, args, kwargs)
        return fn(*args, **kwargs)

    return call
