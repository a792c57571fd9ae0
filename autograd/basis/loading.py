"""Modules that are imported on first use, and forks meanwhile."""

from __future__ import annotations

import os
from _thread import get_ident  # threading is loaded by who starts threads
from importlib import import_module
from time import monotonic, sleep
from typing import Any

_PATIENCE = 30.0  # seconds
_importing: dict[int, int] = {}  # by thread: how many imports it is in


def load(name: str) -> Any:
    """Import a module; a process that forks meanwhile forks afterwards.

    In the child Python's lock of that module would be held for ever, by a thread that is not there.

    >>> load("math").sqrt(4.0)
    2.0
    """
    thread = get_ident()
    _importing[thread] = _importing.get(thread, 0) + 1
    try:
        return import_module(name)
    finally:
        _importing[thread] -= 1
        if not _importing[thread]:
            del _importing[thread]


def _wait() -> None:
    """Before a fork: let other threads come to the end of their imports."""
    end = monotonic() + _PATIENCE
    while _importing.keys() - {get_ident()} and monotonic() < end:
        sleep(0.001)


def _forget() -> None:
    """In a child there are no other threads."""
    for thread in _importing.keys() - {get_ident()}:
        del _importing[thread]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait, after_in_child=_forget)
