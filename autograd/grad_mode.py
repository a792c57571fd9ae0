"""Switching the recording of operations off and on, for a block or a function."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import Token

from autograd.core.node import recording


class _Recording(ContextDecorator):
    """Sets the recording switch for a block or a function; of this thread or task only."""

    _state: bool

    def __init__(self) -> None:
        self._tokens: list[Token[bool]] = []

    def _recreate_cm(self) -> _Recording:  # as a decorator: one set of tokens a call
        return type(self)()

    def __enter__(self) -> None:
        self._tokens.append(recording.set(self._state))

    def __exit__(self, *exc: object) -> None:
        recording.reset(self._tokens.pop())


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
