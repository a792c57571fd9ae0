"""`differentiable`: somebody else's code, run with its NumPy, `math` and SciPy bound to ours.

A function finds `np`, `exp`, `float` and its own helpers by name, in its globals, its closure and the builtins. What is
called is a copy of it, with the same code and other globals: see `autograd.copies`. Nothing of theirs is changed, and
what one call makes, another does not see.
"""

from __future__ import annotations

import warnings
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

from autograd.array.conversion import GradientCutWarning, refused
from autograd.array.tensor import Tensor
from autograd.copies import Entered, FollowedModule, Run, current, is_code, package_of
from autograd.core.op import holds_tensor
from autograd.numpy.arrays import PlainArray, has_gradient
from autograd.numpy.kinds import held


def differentiable(fn: Any, *, follow: Any = ()) -> Any:
    """`fn` as its author wrote it, on Tensors: a function, method, class or module.

    Args:
        follow: other packages, modules or functions whose code is run in the same way.

    Raises:
        TypeError: something that is no function, class or module.

    >>> import math, numpy, autograd
    >>> def f(x):
    ...     out = numpy.zeros(2)
    ...     out[0], out[1] = math.exp(x), float(x)
    ...     return numpy.array([out[0], 3.0]).dot(out)
    >>> bool(numpy.isclose(autograd.grad(differentiable(f))(0.5), 2 * math.exp(1.0) + 3))
    True
    """
    packages = {package_of(part) for part in (fn, *(follow if isinstance(follow, (tuple, list)) else (follow,)))}
    if isinstance(fn, ModuleType):
        return FollowedModule(fn, lambda value: differentiable(value, follow=follow) if is_code(value) else value)
    if isinstance(fn, type):
        return Run(packages, entered=True).ours(fn)
    if not callable(fn):
        raise TypeError(f"differentiable takes a function, class or module, not {type(fn).__name__}")

    def call(*args: Any, **kwargs: Any) -> Any:
        run = current.get()
        if run is not None:  # called from code that is differentiable itself
            run.packages |= packages
            return run.ours(fn)(*args, **kwargs)
        run = Run(packages)
        with Entered(run):
            given = {name: run.argument(value) for name, value in kwargs.items()}
            result = run.ours(fn)(*map(run.argument, args), **given)
            _tell_what_was_caught(result)
        return result if holds_tensor((*args, *kwargs.values())) else _without_tensors(result)

    return wraps(fn)(call)


def _tell_what_was_caught(result: Any) -> None:
    """Where code caught an error about a gradient that would be cut, and went on: that error, or a warning."""
    if noted := refused.get():
        if not has_gradient(result):
            raise noted[0]
        text = f"an error was caught, and what was done in its place may have cut a gradient: {noted[0]}"
        warnings.warn(text, GradientCutWarning, stacklevel=3)


def _without_tensors(value: Any) -> Any:
    """A result as the code would have given it to somebody who passed no Tensor."""
    if type(value) in (list, tuple):
        return type(value)([_without_tensors(part) for part in value])
    if type(value) is dict:
        return {key: _without_tensors(part) for key, part in value.items()}
    if isinstance(value, PlainArray):
        return np.asarray(value)
    return held(value) if isinstance(value, Tensor) and not value.requires_grad else value
