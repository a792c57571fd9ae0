"""What operations, their options and their indices are called, where a formula has them in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from autograd.core.op import Op
from autograd.notation.numbers import number
from autograd.text import printable

_LONGEST: Final = 32  # characters of a function's name
_FEW: Final = 3  # numbers of an index that are written out


def scalar_text(value: Any) -> str | None:
    """A number as an operand, or None for what is no number.

    >>> scalar_text(2), scalar_text(-0.5), scalar_text(0.001), scalar_text("x")
    ('2', '(−0.5)', '0.001', None)
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        return None
    text = str(value)
    if isinstance(value, (float, np.floating)):
        text = f"{value:.4g}"
        text = text if text.lstrip("-").replace(".", "").isdecimal() else number(value)
    text = text.replace("-", "−")
    return f"({text})" if text.startswith("−") else text


def function_name(op: Op) -> str:
    """What an operation is called where it is written as a function.

    >>> from autograd.core.op import lookup
    >>> function_name(lookup(np.exp)), function_name(lookup(np.sum)), function_name(lookup(np.maximum))
    ('exp', 'sum', 'max')
    """
    word = len(op.label) > 1 and op.label.isidentifier()
    return printable(op.label if word else tail(op.name), _LONGEST)


def tail(name: str) -> str:
    """The name of an operation without its module."""
    return name.rpartition(".")[2]


def options_text(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The options that are short, by keyword; `keepdims` can be seen from the shape.

    >>> options_text({"axis": -1, "keepdims": True})
    [('axis', '−1')]
    """
    short = []
    for key, value in options.items():
        mode = isinstance(value, str) and " " in key  # such as "mean"
        if mode or key in ("keepdims", "subscripts") or isinstance(value, np.ndarray):
            continue
        text = repr(value) if isinstance(value, str) else repr(value).replace("-", "−")
        if len(text) <= 12:
            short.append((key, text))
    return short


def index_text(index: Any = ..., name: Callable[[Any], str] = lambda array: "") -> str:
    """What stands between the brackets; `name` is what somebody calls an array, and a text stands for itself.

    >>> index_text((0, slice(1, None))), index_text(np.array([0, 2])), index_text(np.array([4, 2, 2, 0, 1]))
    ('0, 1:', '[0, 2]', 'indices')
    >>> index_text((np.arange(9), np.array([4, 0])), lambda array: "y" if array[0] else "")
    'arange(9), y'
    """
    if isinstance(index, str):
        return index
    if isinstance(index, tuple):
        return ", ".join(index_text(part, name) for part in index)
    if isinstance(index, slice):
        parts = (index.start, index.stop) if index.step is None else (index.start, index.stop, index.step)
        return ":".join("" if part is None else str(part) for part in parts).replace("-", "−")
    if index is None or index is Ellipsis:
        return "newaxis" if index is None else "..."
    if isinstance(index, (int, np.integer)):
        return str(index).replace("-", "−")
    array = np.asarray(index)
    if given := name(index):
        return given
    if array.dtype.kind in "iu" and array.ndim == 1:
        if array.size > 1 and np.array_equal(array, np.arange(array.size)):
            return f"arange({array.size})"
        if array.size <= _FEW:
            return f"[{', '.join(map(str, array.tolist()))}]".replace("-", "−")
    return "mask" if array.dtype.kind == "b" else "indices"
