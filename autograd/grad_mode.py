"""Switching the recording of operations off and on, for a block or a function.

A block in a generator lasts while the generator runs. Where it waits at a `yield`, and its caller runs, the switch
is as the caller has it; but for `contextlib.contextmanager`, whose blocks are the caller's.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import ContextDecorator
from contextvars import Token
from functools import wraps
from types import FrameType
from typing import Any, TypeVar

from autograd.core.node import recording

_F = TypeVar("_F", bound=Callable[..., Any])
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


class _InGenerator:
    """The switch in a block of a generator: set while it runs, and else as it was before."""

    __slots__ = ("_before", "_frame", "_state")

    def __init__(self, frame: FrameType, state: bool, before: Any) -> None:
        self._frame: FrameType | None = frame
        self._state, self._before = state, before

    def __bool__(self) -> bool:
        # Nobody calls the frame of a generator that waits.
        runs = self._frame is not None and self._frame.f_back is not None
        return self._state if runs else bool(self._before)

    def end(self) -> None:
        """The block is left, perhaps where the caller has set another switch since."""
        self._frame = None
        switch: Any = recording.get()
        if switch is self:
            recording.set(self._before)


def _whose_block(frame: FrameType) -> FrameType:
    """The frame that a block belongs to: those of `contextlib`, and the generators that it runs, enter for others."""
    while True:
        caller = frame.f_back
        runs = caller is not None and caller.f_code.co_filename == contextlib.__file__
        enters = frame.f_code.co_filename == contextlib.__file__ or (frame.f_code.co_flags & _GENERATORS and runs)
        if caller is None or not enters:
            return frame
        frame = caller


class _Recording(ContextDecorator):
    """Sets the recording switch for a block or a function; of this thread or task only."""

    _state: bool

    def __init__(self) -> None:
        self._entered: list[Token[bool] | _InGenerator] = []

    def __call__(self, function: _F) -> _F:
        """The function with its body in such a block; of a generator function, what it does between its yields."""
        within: Any
        if inspect.isgeneratorfunction(function):

            def within(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
                with type(self)():
                    return (yield from function(*args, **kwargs))

        elif inspect.iscoroutinefunction(function):

            async def within(*args: Any, **kwargs: Any) -> Any:
                with type(self)():
                    return await function(*args, **kwargs)

        elif inspect.isasyncgenfunction(function):

            async def within(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
                with type(self)():
                    async for item in function(*args, **kwargs):
                        yield item

        else:
            return super().__call__(function)
        within = wraps(function)(within)
        same: _F = within
        return same

    def _recreate_cm(self) -> _Recording:  # as a decorator: one set of tokens a call
        return type(self)()

    def __enter__(self) -> None:
        frame = _whose_block(sys._getframe(1))
        if not frame.f_code.co_flags & _GENERATORS:
            self._entered.append(recording.set(self._state))
        else:
            switch: Any = _InGenerator(frame, self._state, recording.get())
            recording.set(switch)
            self._entered.append(switch)

    def __exit__(self, *exc: object) -> None:
        entered = self._entered.pop()
        if isinstance(entered, _InGenerator):
            entered.end()
        else:
            recording.reset(entered)


class no_grad(_Recording):  # noqa: N801
    """Record nothing inside: `with no_grad():` or `@no_grad()`.

    >>> import numpy as np, autograd
    >>> w = autograd.Tensor([1.0, 2.0], requires_grad=True)
    >>> with autograd.no_grad():
    ...     y = np.sum(w * w)
    >>> y.requires_grad
    False
    """

    _state = False


class enable_grad(_Recording):  # noqa: N801
    """Record inside, even within `no_grad()`.

    >>> import autograd
    >>> w = autograd.Tensor([1.0, 2.0], requires_grad=True)
    >>> with autograd.no_grad(), autograd.enable_grad():
    ...     y = w * w
    >>> y.requires_grad
    True
    """

    _state = True
