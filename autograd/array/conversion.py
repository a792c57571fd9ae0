"""A Tensor that is asked for plain numbers. One rule, whoever asks.

Where a gradient can reach the Tensor and recording is on, `float(t)`, `int(t)` and `t.tolist()` work and warn once a
line, and `np.asarray(t)` is an error. Without a graph, or inside `no_grad()`, all of them are as for an array.
`t.item()`, `t.data` and `t.detach()` are the silent ways; a function of which `t.item()` leaves no gradient at all is
an error of a transform. Code that `autograd.differentiable` runs means no cut by `t.item()`, `t.tolist()` and
`t.data`, and gets Tensors.
"""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any, Final, NoReturn

import numpy as np

from autograd.basis.frames import is_library, is_ours, user_frame
from autograd.core.errors import describe
from autograd.core.node import Node, recording

# Where gradients were cut inside of the function that a transform differentiates: see `autograd.transforms`.
cuts: ContextVar[list[str] | None] = ContextVar("cuts", default=None)
# In `autograd.differentiable` code: what makes of a plain array the kind that such code works with. There `item()` and
# `tolist()` give Tensors, as their author wants numbers and not a cut.
made_there: ContextVar[Callable[[Any], Any] | None] = ContextVar("made_there", default=None)
# What such code was refused: it may catch the error, and do something else.
refused: ContextVar[list[TypeError]] = ContextVar("refused")


def refusal(message: str) -> TypeError:
    """The error for what would cut a gradient; code that `autograd.differentiable` runs cannot hide it."""
    error = TypeError(message)
    if (noted := refused.get(None)) is not None:
        noted.append(error)
    return error


# Python's own, SciPy, of which what can be is followed anyway, and data frames, which hold plain numbers.
_NEVER_FOLLOWED: Final = {"scipy", "pandas", "polars", *sys.stdlib_module_names}

_MEASURES: Final = {"hist", "hist2d", "psd", "csd", "cohere", "specgram", "magnitude_spectrum", "angle_spectrum",
                    "phase_spectrum", "acorr", "xcorr", "boxplot", "hexbin", "ecdf", "transform"}  # fmt: skip


class GradientCutWarning(UserWarning):
    """A Tensor with a graph became a plain number: no gradient goes through it."""


class Conversion:
    """Conversions of a Tensor to plain arrays and numbers."""

    __slots__ = ()
    _node: Node
    _value: Any

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray[Any, np.dtype[Any]]:
        if _has_graph(self) and not _is_drawn():
            _refuse_array(self)
        return np.asarray(self._value, *args, **kwargs)

    def __float__(self) -> float:
        return float(_number(self, "float"))

    def __int__(self) -> int:
        return int(_number(self, "int"))

    def __complex__(self) -> complex:
        return complex(_number(self, "complex"))

    __trunc__ = __int__

    def __index__(self) -> int:
        value = self._value
        if value.dtype.kind not in "iub" or value.ndim:
            raise TypeError(f"{describe(self)} is not a position or length: it is {value.dtype}; write int(t.item())")
        return operator.index(value.item())

    def __bool__(self) -> bool:
        value = self._value
        if value.size != 1:
            raise ValueError(
                f"the truth value of {describe(self)} is ambiguous: it has {value.size} elements. "
                "Compare and reduce: (t > 0).any(), (t > 0).all()"
            )
        return bool(value)

    def item(self: Any, *position: Any) -> Any:
        """The only element, or the one at a position, as a Python number: `t.item()`, `t.item(5)`, `t.item(1, 2)`."""
        if self._node.requires_grad and made_there.get() is not None:
            if not in_a_copy():
                _tell_of_cut(self, "item")
                return _element(self._value, *position)
            at = np.arange(self._value.size).reshape(self._value.shape).item(*position)
            return np.ravel(self)[at]
        value = self._value
        if _has_graph(self):
            _note_cut(user_frame())
        if position:
            return _element(value, *position)
        if value.size != 1:
            raise ValueError(f"item() of {describe(self)}: it has {value.size} elements, not 1")
        return _element(value)

    def tolist(self: Any) -> Any:
        """The values as nested Python lists."""
        value = self._value
        if self._node.requires_grad and made_there.get() is not None:
            return [row.tolist() for row in self] if value.ndim else self
        values = np.asarray(value).tolist()
        if _has_graph(self):
            _tell_of_cut(self, "tolist")
        return values


def in_a_copy() -> bool:
    """Whether the caller's caller is code that `autograd.differentiable` runs: its globals are no plain dictionary."""
    return type(sys._getframe(2).f_globals) is not dict


def _element(value: Any, *position: Any) -> Any:
    """An element as a Python number; a lazy array computes it, as for `float`."""
    return (value if hasattr(value, "item") else np.asarray(value)).item(*position)


def _has_graph(tensor: Any) -> bool:
    return bool(tensor._node.requires_grad and recording.get())


def _number(tensor: Any, kind: str) -> Any:
    """The only element; a warning at the user's line where it has a graph."""
    value = tensor._value
    if value.size != 1:
        raise ValueError(f"{kind}() of {describe(tensor)}: it has {value.size} elements, not 1")
    value = _element(value)  # which a recording refuses
    if _has_graph(tensor) and not _is_drawn():
        _tell_of_cut(tensor, kind)
    return value


def _note_cut(frame: FrameType) -> None:
    """Where a gradient ends, for the transform that goes on."""
    if (cut := cuts.get()) is not None:
        cut.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")


def tell_of_copy(tensor: Any) -> None:
    """`Tensor(t)`, a leaf of its own, inside of a function that a transform differentiates."""
    if cuts.get() is not None and _has_graph(tensor):
        _tell_of_cut(tensor, "Tensor")


def _tell_of_cut(tensor: Any, kind: str) -> None:
    """Note that a gradient ends here, and warn at the author's line."""
    frame, called = _author_frame()
    if (follow := _not_followed(called)) is not None:
        raise refusal(
            f"{kind}() of {describe(tensor)} by {called}: no gradient goes through a plain number. {follow}Or pass "
            "it t.detach(), where no gradient is meant"
        )
    _note_cut(frame)
    warnings.warn_explicit(
        f"{kind}() of {describe(tensor)}: no gradient goes through a plain number. Write t.item() where that is "
        "meant; else leave it a Tensor, and use NumPy's functions (np.exp for math.exp, np.stack for array[i] = t) "
        "or autograd.differentiable(function), which runs code as it is written",
        GradientCutWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_drawn() -> bool:
    """Whether code that `autograd.differentiable` runs calls Matplotlib: a picture has no derivative.

    Of the functions that give numbers too, as `hist` does, this is not said.
    """
    if made_there.get() is None or "matplotlib" not in sys.modules:
        return False
    frame: FrameType | None = sys._getframe(2)
    called = set()
    while frame is not None and not _is_followed(frame):
        if str(frame.f_globals.get("__name__")).startswith("matplotlib."):
            called.add(frame.f_code.co_name)
        frame = frame.f_back
    return bool(called) and called.isdisjoint(_MEASURES)


def _refuse_array(tensor: Any) -> NoReturn:
    frame, called = _author_frame()
    what = f"{describe(tensor)} is asked for a plain array at {frame.f_code.co_filename}:{frame.f_lineno}"
    followed = made_there.get() is not None
    if called.startswith("scipy.") or (called and followed):
        twin = "Take the one of autograd.scipy, if there is one, as autograd.differentiable does. "
        raise refusal(
            f"{what} (by {called}), of which no derivative is known there, so that its gradient would be cut. "
            f"{_not_followed(called) or ('' if followed else twin)}Write it in NumPy's functions, or pass t.data, "
            "where no gradient is meant"
        )
    called = called or "np.array, np.asarray, array.dot, array[i] = t or what needs one"
    raise refusal(
        f"{what} (by {called}), which would cut its gradient. "
        "A Tensor stands wherever an array does: leave it as it is, gather several by np.stack, write into a Tensor "
        "such as np.zeros_like(t); or pass t.data, where no gradient is meant. autograd.differentiable(function) runs "
        "code as it is written"
    )


def _not_followed(called: str) -> str | None:
    """What to do where a package that `autograd.differentiable` does not follow was called from what it does."""
    package = called.partition(".")[0]
    if made_there.get() is None or not called or package in _NEVER_FOLLOWED:
        return None
    return f'Pass follow="{package}" to autograd.differentiable, which runs the code of that package too. '


def _author_frame() -> tuple[FrameType, str]:
    """The innermost frame of the author, and the function of an installed package that its line calls.

    That is the innermost outside of installed packages, or of one that `autograd.differentiable` follows; where all is
    installed, the innermost outside of this package.
    """
    innermost = frame = user_frame()
    called = ""
    while is_ours(file := frame.f_code.co_filename) or (is_library(file) and not _is_followed(frame)):
        if frame.f_back is None:
            return innermost, ""
        if not is_ours(file):
            called = f"{frame.f_globals.get('__name__', '').partition('._')[0]}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return frame, called


def _is_followed(frame: FrameType) -> bool:
    """Whether it runs a copy of an author's function; those of SciPy's and NumPy's are nobody's here."""
    name = str(frame.f_globals.get("__name__", ""))
    return type(frame.f_globals) is not dict and not name.startswith(("scipy", "numpy"))
