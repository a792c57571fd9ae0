"""Whose code a frame runs: this package's, that of an installed library, or the user's."""

from __future__ import annotations

import os
import sys
from functools import cache
from os.path import dirname
from types import FrameType
from typing import Final

import numpy as np

_PACKAGE: Final = dirname(dirname(__file__)) + os.sep
_NUMPY: Final = dirname(np.__file__) + os.sep


@cache
def is_ours(file: str) -> bool:
    """Whether this package holds the file.

    >>> is_ours(__file__), is_ours(np.__file__)
    (True, False)
    """
    return file.startswith(_PACKAGE)


@cache
def is_engine(file: str) -> bool:
    """Whether this package or NumPy holds the file."""
    return file.startswith((_PACKAGE, _NUMPY))


@cache
def is_library(file: str) -> bool:
    """Whether the file is Python's own or was installed. This package, wherever it is, does not count.

    >>> is_library(np.__file__), is_library(os.__file__), is_library(__file__), is_library("<stdin>")
    (True, True, False, False)
    """
    return file.startswith(_libraries()) and not is_ours(file)


def user_frame() -> FrameType:
    """The innermost frame outside of this package and NumPy."""
    frame = sys._getframe(1)
    while (caller := frame.f_back) is not None and is_engine(frame.f_code.co_filename):
        frame = caller
    return frame


def source_line() -> str:
    """The innermost line outside of this package and NumPy, as `at file:number`."""
    frame = user_frame()
    return f"at {frame.f_code.co_filename}:{frame.f_lineno}"


@cache
def _libraries() -> tuple[str, ...]:
    """How the files of libraries begin. Not with the prefix of an environment, where users keep files of their own."""
    import site
    import sysconfig

    folders = {
        *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
        dirname(dirname(np.__file__)),  # wherever a distribution puts its packages
    }
    return (*(f"{folder}{os.sep}" for folder in folders), "<frozen")
