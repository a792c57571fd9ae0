"""How a module shows itself: a row for each, with its settings, its count of parameters and their shapes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import signature
from typing import Any

import numpy as np

from autograd import Tensor

_PLAIN = (bool, int, float, str, np.number)


def settings(module: Any) -> dict[str, object]:
    """What its constructor takes and may be left out, of numbers and words that the module keeps by that name.

    >>> from nn import Dropout
    >>> settings(Dropout(0.1, rng=0))
    {'p': 0.1}
    """
    try:
        taken = signature(type(module)).parameters.values()
    except ValueError:  # a class that hides what it takes
        return {}
    kept = {each.name: vars(module).get(each.name) for each in taken if each.default is not each.empty}
    return {name: value for name, value in kept.items() if isinstance(value, _PLAIN)}


def kind(module: Any) -> str:
    """The class with its settings: `Dropout(p=0.1)`."""
    shown = ", ".join(f"{name}={value!r}" for name, value in settings(module).items())
    return f"{type(module).__name__}({shown})" if shown else type(module).__name__


def tree(module: Any) -> str:
    """The module and all below it as text."""
    rows = list(_rows(module, "", "", set()))
    rows[0] = (rows[0][0], f"{rows[0][1] or 0} parameters", rows[0][2])
    wide = max(len(title) for title, _, _ in rows)
    counted = max((len(count) for _, count, _ in rows[1:]), default=0)
    lines = [f"{title:{wide}}  {count:>{counted}}  {notes}".rstrip() for title, count, notes in rows]
    return written("\n".join(lines))


def _rows(module: Any, key: str, indent: str, seen: set[int]) -> Iterator[tuple[str, str, str]]:
    """A row for this module and each below: its name, parameter count, and own parameters."""
    title = f"{indent}{shown(key)}: {kind(module)}" if key else kind(module)
    if id(module) in seen:
        yield title, "", "the same as above"
        return
    seen.add(id(module))
    notes, below = [], []
    for name, part in module._members():
        if not isinstance(part, Tensor):
            below.append((name, part))
            continue
        again = f" = {part.name}" if id(part) in seen else ""
        frozen = "" if part.requires_grad else " frozen"
        dtype = "" if part.dtype == np.float64 else f" {part.dtype}"
        notes.append(f"{shown(name)}{again} {part.shape}{dtype}{frozen}")
        seen.add(id(part))
    count = sum(parameter.size for parameter in module.parameters())
    yield title, str(count or ""), ", ".join(notes)
    for name, part in below:
        yield from _rows(part, name, indent + "  ", seen)


def written(text: str) -> str:
    """The text with `\\u03b8` for what the console has no sign for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def shown(key: str) -> str:
    """The name of an attribute or the key of a dictionary, as a terminal can print it."""
    key = key if len(key) <= 80 else f"{key[:79]}…"
    return key if key.isprintable() else ascii(key)
