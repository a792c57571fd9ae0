"""What a step's own code does while it is recorded: the names it uses, and what a replay could not repeat."""

from __future__ import annotations

import copy
import ctypes
import dataclasses
import gc
import io
import os
import random
import sys
import sysconfig
import time
from builtins import input as builtin_input
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

LIBRARIES = tuple(
    str(Path(folder)) + os.sep
    for folder in (sysconfig.get_path("stdlib"), Path(np.__file__).parent, Path(__file__).parent.parent)
)
_CLOCKS = {
    getattr(time, name)
    for name in ("time", "perf_counter", "monotonic", "process_time", "thread_time", "localtime", "gmtime", "ctime")
} | {getattr(time, name) for name in ("time_ns", "perf_counter_ns", "monotonic_ns", "process_time_ns")}
_UNREPEATABLE: dict[Any, str] = {
    **dict.fromkeys((*_CLOCKS, datetime.now, datetime.utcnow, date.today), "reads the clock"),
    **dict.fromkeys((os.urandom, os.getpid), "asks the operating system"),
    **dict.fromkeys((open, io.open, os.open), "opens a file"),
    **dict.fromkeys((os.stat, os.listdir, os.scandir, os.access), "looks at files"),
    builtin_input: "asks the user",
    print: "prints",
}
_ENVIRONMENT = type(os.environ).__getitem__.__code__
_PLAIN = {str, list, dict, tuple, set, np.ndarray, np.ufunc, type(None)}  # whose methods do nothing to the world
_LOOKERS = {copy.__file__, dataclasses.__file__}  # that look at whatever an object has
_BY_ANY_NAME = {"getattr", "vars", "__dict__", "eval", "exec", "globals", "locals", "attrgetter", "__getattribute__"}


class Watch:
    """The names that Python code used while this was on; calls that cannot be repeated are refused.

    Attributes:
        names: attributes, globals, and strings that may be such.
        everything: whether names may have been made up, as by `getattr(module, f"layer{k}")`.
        refused: the error that was raised, in case that the step caught it.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.everything = False
        self.refused: TypeError | None = None
        self._codes: set[CodeType] = set()
        self._before: Any = None

    def __enter__(self) -> Watch:
        self._before = sys.getprofile()
        self._drawn, self._collects = _global_position(), gc.isenabled()
        gc.disable()  # what is called back by a collection is not the step's doing
        sys.setprofile(self.event)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(None)
        if self._collects:
            gc.enable()
        if callable(self._before):
            sys.setprofile(self._before)
        for code in self._codes:
            if code.co_filename.startswith(LIBRARIES[1:]):
                continue
            self.names.update(code.co_names, code.co_freevars)
            for constant in code.co_consts:
                parts = constant if isinstance(constant, tuple) else (constant,)  # `match` has tuples of names
                self.names.update(part for part in parts if isinstance(part, str) and part.isidentifier())
            if (not _library(code) or code.co_filename in _LOOKERS) and not _BY_ANY_NAME.isdisjoint(code.co_names):
                self.everything = True

    def drawn_globally(self) -> str | None:
        """The function that drew from a generator which is global to the process, if any did."""
        if self._drawn == _global_position():
            return None
        for code in self._codes:
            if "random" in code.co_names:
                return f"{code.co_qualname}, at {code.co_filename}:{code.co_firstlineno}"
        return "the step"

    def event(self, frame: FrameType, event: str, arg: Any) -> None:
        """Called by the interpreter at each call and return."""
        if event == "c_call":
            owner: Any = type(arg.__self__)
            if owner in _PLAIN:
                return
            told = _UNREPEATABLE.get(arg)
            if told is None and owner is not ModuleType:
                told = _effect(owner, arg.__name__)
            if told is not None:
                self._refuse(frame, told, arg.__name__)
        elif event == "call" and frame.f_code not in self._codes:
            code = frame.f_code
            self._codes.add(code)
            if code.co_filename == random.__file__:
                self._refuse(frame, "draws from Python's random", code.co_name)
            elif code is _ENVIRONMENT:
                self._refuse(frame, "reads the environment", "os.environ")

    def _refuse(self, frame: FrameType, told: str, name: str) -> None:
        user: FrameType | None = frame
        while user is not None and (_library(user.f_code)):
            if user.f_code.co_filename.startswith("<frozen importlib"):
                return  # a module that is being loaded
            user = user.f_back
        where = f"at {user.f_code.co_filename}:{user.f_lineno}" if user is not None else "somewhere"
        self.refused = TypeError(
            f"the compiled step {told} ({name}), {where}: a replay would not. "
            "Do it outside, and pass what comes of it as an array"
        )
        raise self.refused


@cache
def _effect(kind: type, method: str) -> str | None:
    """What a built-in method does that a replay would not."""
    if issubclass(kind, random.Random):
        return "draws from Python's random"
    if issubclass(kind, io.IOBase) and method in ("write", "writelines", "read", "readline"):
        return "uses a file"
    return None


def _library(code: CodeType) -> bool:
    file = code.co_filename
    if file.startswith(LIBRARIES[1:]):
        return True
    return file.startswith((LIBRARIES[0], "<frozen")) and "site-packages" not in file  # which may be inside


def _global_position() -> Any:
    """Where NumPy's global generator stands: in the memory of its Mersenne twister, since copying its state is slow."""
    source = np.random.mtrand._rand._bit_generator
    if type(source) is not np.random.MT19937:
        return repr(source.state)
    state = ctypes.cast(source.ctypes.state_address, ctypes.POINTER(ctypes.c_uint32))
    return state[0], state[1], state[624]
