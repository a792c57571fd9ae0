"""HIPS autograd's way of adding operations: `primitive`, and rules by `defvjp`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from itertools import count
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.op import holds_tensor, plain
from autograd.rules.definition import operation

_RULES: dict[Any, Callable[..., Any]] = {}  # by the function that `primitive` gave: (argnum, ans, args, kwargs) -> pull


def primitive(fun: Callable[..., Any]) -> Callable[..., Any]:
    """`fun` as one operation, whose derivative is told by `defvjp`.

    >>> square = primitive(lambda x: x * x)
    >>> defvjp(square, lambda ans, x: lambda g: 2 * g * x)
    >>> from autograd import grad
    >>> float(grad(square)(3.0))
    6.0
    """

    def rule(position: int, g: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        if call not in _RULES:
            raise NotImplementedError(f"{name} has no rule: say it by defvjp")
        d = _RULES[call](position, y, args, kwargs)(g)
        return d if holds_tensor((g, y, *args)) else _as_array(d)

    def value(*args: Any, **kwargs: Any) -> Any:
        return _as_array(fun(*args, **kwargs))

    name = getattr(fun, "__name__", "primitive").strip("<>")
    record = operation(value, vjp=rule, name=name, variadic=True, adapt=lambda *args, **kwargs: (args, kwargs))

    @wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        return record(*args, **kwargs) if holds_tensor(args) else fun(*args, **plain(kwargs))

    return call


def _as_array(value: Any) -> Any:
    """What a function of arrays gave: a number, or a Tensor where it is written in `autograd.numpy`."""
    value = plain(value)
    return value if hasattr(value, "dtype") else np.asarray(value)


def notrace_primitive(fun: Callable[..., Any]) -> Callable[..., Any]:
    """`fun` on plain arrays, without a gradient."""
    return wraps(fun)(lambda *args, **kwargs: fun(*plain(args), **plain(kwargs)))


def defvjp(fun: Any, *makers: Any, argnums: Iterable[int] | None = None) -> None:
    """Say the derivative by each argument: `maker(ans, *args)` gives a function from g to the argument's gradient."""
    table = dict(zip(count() if argnums is None else argnums, makers, strict=False))

    def rule(argnum: int, ans: Any, args: Any, kwargs: Any) -> Any:
        if argnum not in table:
            raise NotImplementedError(f"{fun.__name__}: no rule for argument {argnum}")
        maker = table[argnum]
        return (lambda g: np.zeros(np.shape(args[argnum]))) if maker is None else maker(ans, *args, **kwargs)

    _RULES[fun] = rule


def defvjp_argnum(fun: Any, maker: Callable[..., Any]) -> None:
    """Say all derivatives at once: `maker(argnum, ans, args, kwargs)` gives the pull of an argument."""
    _RULES[fun] = maker


def defvjp_argnums(fun: Any, maker: Callable[..., Any]) -> None:
    """Say all derivatives at once: `maker(argnums, ans, args, kwargs)` gives the pull of all these arguments."""
    _RULES[fun] = lambda argnum, ans, args, kwargs: lambda g: maker((argnum,), ans, args, kwargs)(g)[0]


def defjvp(fun: Any, *makers: Any, argnums: Iterable[int] | None = None) -> None:
    """Nothing: products with Jacobians are two passes of the rules that `defvjp` says."""


def getval(value: Any) -> Any:
    """The plain value of a Tensor; anything else as it is."""
    return value.data[()] if isinstance(value, Tensor) else value


def isbox(value: Any) -> bool:
    """Whether a gradient is followed through it."""
    return isinstance(value, Tensor) and value.requires_grad


__all__ = ["defjvp", "defvjp", "defvjp_argnum", "defvjp_argnums", "getval", "isbox", "notrace_primitive", "primitive"]
