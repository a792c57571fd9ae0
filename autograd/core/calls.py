"""How a NumPy function was called: from where, its arguments by name, those that a rule does not cover refused."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache, wraps
from pathlib import Path
from types import FrameType
from typing import Any, Final

import numpy as np

NEEDED: Final = inspect.Parameter.empty
_PERMISSIONS: Final = {"overwrite_input", "subok", "device"}  # nothing that a value depends on
_INSIDE = tuple(str(Path(file).parents[up]) for file, up in ((__file__, 1), (np.__file__, 0)))


def inside_numpy(frame: FrameType) -> bool:
    """Whether it is NumPy's own code that runs there."""
    return frame.f_code.co_filename.startswith(_INSIDE[1])


def user_frame() -> FrameType:
    """The innermost frame outside of this package and NumPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INSIDE):
        frame = frame.f_back
    return frame


def source_line() -> str:
    """The innermost line outside of this package and NumPy, as `at file:number`."""
    frame = user_frame()
    return f"at {frame.f_code.co_filename}:{frame.f_lineno}"


@cache
def defaults(fn: Callable[..., Any]) -> dict[str, Any]:
    """The names of a function's parameters with their defaults; empty where it does not tell."""
    try:
        return {name: p.default for name, p in inspect.signature(fn).parameters.items()}
    except (ValueError, TypeError):  # functions written in C may not tell
        return {}


def names_of(function: Any) -> tuple[str, ...]:
    """The names that a Python function can be given arguments by, in order."""
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def leading(names: Iterable[str], taken: Iterable[str]) -> int:
    """How many of `names` stand at the same position in `taken`."""
    count = 0
    for name, other in zip(names, taken, strict=False):
        if name != other:
            break
        count += 1
    return count


def bound(
    name: str, taken: Mapping[str, Any], covered: Iterable[str], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """A call's arguments by name, without those that are as by default or change no value.

    Raises TypeError for an argument that is not covered.
    """
    given = dict(zip(taken, args, strict=False))
    if len(given) < len(args) or given.keys() & kwargs.keys():
        raise TypeError(f"{name}: {len(args)} positional arguments and {sorted(kwargs)} do not fit")
    given.update(kwargs)
    covered = tuple(covered)
    used = {
        key: value
        for key, value in given.items()
        if key in covered
        or not (key in _PERMISSIONS or value is None or value is np._NoValue or value is taken.get(key, NEEDED))
    }
    unknown = used.keys() - set(covered)
    if unknown:
        raise TypeError(
            f"{name}: no derivative rule covers the argument {', '.join(sorted(unknown))}; it covers "
            f"{', '.join(covered)}. Leave it out, or do that step in another operation"
        )
    return {key: value for key, value in used.items() if value is not np._NoValue}


def covering(name: str, fn: Callable[..., Any], body: Callable[..., Any]) -> Callable[..., Any]:
    """`body`, which takes some of the arguments of `fn`, given the arguments of a call to `fn`."""
    own, code = names_of(body), body.__code__
    known, any_keyword = frozenset(own), bool(code.co_flags & inspect.CO_VARKEYWORDS)
    starred = bool(code.co_flags & inspect.CO_VARARGS)

    @cache  # asked at the first call: signatures are slow to read
    def takes() -> tuple[dict[str, Any], int]:
        taken = defaults(fn) or dict.fromkeys(own, NEEDED)
        return taken, leading(own, taken)

    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        taken, positional = takes()
        if (starred or len(args) <= positional) and (any_keyword or kwargs.keys() <= known):
            return body(*args, **kwargs)
        return body(**bound(name, taken, taken if any_keyword else own, args, kwargs))

    return run
