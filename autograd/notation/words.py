"""What operations, their options and their indices are called, where a formula has them in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.core.op import Op
from autograd.notation.numbers import number
from autograd.text import printable


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
    return printable(op.label if word else tail(op.name))


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


def index_text(index: Any = ...) -> str:
    """What stands between the brackets.

    >>> index_text((0, slice(1, None))), index_text(np.array([0, 2]))
    ('0, 1:', 'indices')
    """
    if isinstance(index, tuple):
        return ", ".join(map(index_text, index))
    if isinstance(index, slice):
        parts = (index.start, index.stop) if index.step is None else (index.start, index.stop, index.step)
        return ":".join("" if part is None else str(part) for part in parts).replace("-", "−")
    if index is None or index is Ellipsis:
        return "newaxis" if index is None else "..."
    if isinstance(index, (int, np.integer)):
        return str(index).replace("-", "−")
    return "mask" if getattr(getattr(index, "dtype", None), "kind", "i") == "b" else "indices"
