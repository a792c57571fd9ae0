"""Whose code a frame runs: this package's, that of an installed library, or the user's."""

from __future__ import annotations

import os
from functools import cache
from os.path import dirname
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
