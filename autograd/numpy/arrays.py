"""What arrays are in code whose arrays are Tensors: of floats, Tensors; of integers and booleans, `PlainArray`s."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.node import Node
from autograd.core.op import holds_tensor, plain, stack_nested
from autograd.core.tensor import wrap
from autograd.rules.composed.complex import Complex


def has_gradient(value: Any) -> bool:
    """Whether it is a Tensor or complex numbers that a gradient can reach, or a list or tuple with such inside."""
    if type(value) in (list, tuple):
        return any(map(has_gradient, value))
    return isinstance(value, (Tensor, Complex)) and bool(value.requires_grad)


def as_tensor(value: Any) -> Any:
    """An array of floats as a Tensor without a gradient, one of integers or booleans as a `PlainArray`.

    Those in lists and tuples too; what a generator draws is made so; all else is as it is.
    """
    kind = type(value)
    if kind is np.ndarray or kind is PlainArray:
        if value.dtype.kind == "f":
            return wrap(Node.leaf(value.view(np.ndarray)))
        return value.view(PlainArray) if value.dtype.kind in "iub" and value.ndim else value
    if kind is list or kind is tuple:
        return kind([as_tensor(part) for part in value])
    return Draws(value) if kind is np.random.Generator or kind is np.random.RandomState else value


class PlainArray(np.ndarray[Any, np.dtype[Any]]):
    """Integers or booleans: positions, labels, masks. Floats that are computed of them are Tensors.

    >>> from autograd import Tensor
    >>> float(np.arange(3).view(PlainArray).dot(Tensor([1.0, 2.0, 3.0])))
    8.0

    Their owner may write into them at any time: a graph keeps copies.
    """

    written = True

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        out = options.get("out")
        if out is not None:
            options["out"] = tuple(map(_base, out))
        if "where" in options:
            options["where"] = _base(options["where"])
        base = _copied if out is None and method != "at" and has_gradient(inputs) else _base
        result = getattr(ufunc, method)(*map(base, inputs), **options)
        return as_tensor(result) if out is None else out[0] if len(out) == 1 else out

    def dot(self, b: Any, out: Any = None) -> Any:
        """`np.dot`, which a Tensor can follow."""
        return as_tensor(np.dot(_base(self), _base(b), out=out) if out is not None else np.dot(_copied(self), _base(b)))

    def astype(self, *args: Any, **options: Any) -> Any:
        """Of floats a Tensor."""
        return as_tensor(_base(self).astype(*args, **options))

    def __setitem__(self, index: Any, value: Any) -> None:
        """Numbers are cut to integers here, which has no derivative."""
        super().__setitem__(index, plain(value))


def _base(value: Any) -> Any:
    if type(value) in (list, tuple) and holds_tensor(value):
        return stack_nested(value)
    return value.view(np.ndarray) if type(value) is PlainArray else value


def _copied(value: Any) -> Any:
    return np.array(value) if type(value) is PlainArray else _base(value)


class Draws:
    """A generator of random numbers that gives Tensors."""

    def __init__(self, theirs: Any) -> None:
        self._theirs = theirs

    __class__ = property(lambda self: type(self._theirs))

    def __getattr__(self, name: str) -> Any:
        theirs = getattr(self._theirs, name)
        return drawing(theirs) if callable(theirs) else theirs


def drawing(draw: Callable[..., Any]) -> Callable[..., Any]:
    """A function that draws; how its numbers hang on a Tensor is not known to us."""

    @wraps(draw)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args and has_gradient(args[0]) and draw.__name__ in ("permutation", "choice", "shuffle"):
            return _rearranged(draw, *args, **kwargs)
        args = tuple([arg._theirs if type(arg) is Draws else arg for arg in args])
        if has_gradient((*args, *kwargs.values())):
            raise TypeError(
                f"{draw.__name__} of a Tensor: what is drawn has no derivative. Draw plain numbers, then shift and "
                "scale them: mean + deviation * rng.normal(size=...)"
            )
        return as_tensor(draw(*plain(args), **plain(kwargs)))

    return call


def _rearranged(draw: Callable[..., Any], values: Any, *args: Any, **kwargs: Any) -> Any:
    """Elements of a Tensor, by positions that are drawn as they would be for it."""
    values, axis = stack_nested(values), kwargs.get("axis", 0)
    if axis or has_gradient((*args, *kwargs.values())):
        raise TypeError(f"{draw.__name__} of a Tensor: along the first axis only, by numbers without a gradient")
    if draw.__name__ != "shuffle":
        return values[draw(len(values), *plain(args), **plain(kwargs))]
    positions = np.arange(len(values))
    draw(positions, *plain(args), **plain(kwargs))
    values[...] = values[positions]
    return None
