"""The names of functions and of their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


def qualified_name(fn: Callable[..., Any]) -> str:
    """How a program that imports NumPy as `np` calls `fn`."""
    if isinstance(fn, np.ufunc):  # these have no module
        return f"np.{fn.__name__}" if getattr(np, fn.__name__, None) is fn else fn.__name__
    module = getattr(fn, "__module__", None) or ""
    if module.startswith("scipy."):
        return ".".join([*module.split(".")[:2], fn.__name__])
    if module.partition(".")[0] != "numpy":
        return fn.__name__
    return f"np{module.removeprefix('numpy')}.{fn.__name__}".replace("np.lib.scimath", "np.emath")


def takes(function: Any, count: int) -> bool:
    """Whether a function can be given so many arguments by position."""
    code = function.__code__
    return bool(code.co_argcount >= count or code.co_flags & inspect.CO_VARARGS)


def without_dispatcher(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's or ours without its dispatcher, which would look for Tensors among the arrays once more."""
    home = getattr(fn, "__module__", "") or ""
    return getattr(fn, "__wrapped__", fn) if home.startswith(("numpy", "scipy", "autograd.rules")) else fn


def parameter_names(function: Any) -> tuple[str, ...]:
    """The names that a Python function can be given arguments by, in order."""
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


class EachOperand:
    """The rules of an operation with any number of operands: one rule, which takes the position first."""

    def __init__(self, rule: Callable[..., Any]) -> None:
        self._rule = rule

    def __getitem__(self, position: int) -> Callable[..., Any]:  # without end: it is read beside the operands
        return partial(self._rule, position)
