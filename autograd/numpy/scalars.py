"""Python's `math` on Tensors: a number is a Tensor without axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from autograd.core.op import holds_tensor, plain, stack_nested
from autograd.numpy.namespace import REPLACED, Namespace, has_gradient

_SAME = ("exp", "exp2", "expm1", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh", "tanh",
         "fabs", "degrees", "radians", "copysign", "fmod", "hypot", "ldexp")  # fmt: skip
_NAMED = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "atan2": np.arctan2, "pow": np.power,
    "log": lambda x, base=np.e: np.log(x) if base is np.e else np.log(x) / np.log(base),
    "fsum": lambda values: np.sum(stack_nested(list(values))),
    "prod": lambda values, start=1: start * np.prod(stack_nested(list(values))),
    "dist": lambda p, q: np.sqrt(np.sum((stack_nested(list(p)) - stack_nested(list(q))) ** 2)),
    "modf": np.modf,
}  # fmt: skip


def _on_numbers(theirs: Callable[..., Any], on_tensors: Callable[..., Any] | None) -> Callable[..., Any]:
    """A function of numbers; of Tensors the same, with a gradient where there is one, and with its own errors."""

    @wraps(theirs)
    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple([list(arg) if hasattr(arg, "__next__") else arg for arg in args])
        if not holds_tensor(args):
            return theirs(*args, **kwargs)
        value = theirs(*[arg.item() if getattr(arg, "size", 0) == 1 else arg for arg in plain(args)], **kwargs)
        if on_tensors is None or not has_gradient(args):  # piecewise constant, or a constant
            return value
        return on_tensors(*[np.reshape(a, ()) if getattr(a, "size", 0) == 1 else a for a in args], **kwargs)

    return call


namespace = Namespace(math)
REPLACED[math] = namespace
for _name in dir(math):
    _theirs = getattr(math, _name)
    if callable(_theirs) and not _name.startswith("_"):
        _np: Any = _NAMED.get(_name) or (getattr(np, _name) if _name in _SAME else None)
        vars(namespace)[_name] = REPLACED[_theirs] = _on_numbers(_theirs, _np)
