"""What an operation does, as text: `x W₁ + b₁`, `relu(z₁)`, `e²`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from autograd.core.op import Op
from autograd.notation.names import printable
from autograd.notation.numbers import number, superscript

LONGEST: Final = 44
_MOST = 4  # operands that are written out
_PATTERNS = {
    "add": "{} + {}",
    "subtract": "{} − {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "matmul": "{} @ {}",
    "dot": "{} · {}",
    "outer": "{} ⊗ {}",
    "negative": "−{}",
    "square": "{}²",
    "sqrt": "√{}",
    "reciprocal": "1 / {}",
    "absolute": "|{}|",
    "sum": "Σ {}",
}
# A letter with its index, hat or stroke: what stands side by side on the blackboard without a sign.
_SYMBOL = re.compile(r"[^\W\d_][₀-₉′]*")


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


def expression(op: Op, operands: Sequence[str], options: Sequence[tuple[str, Any]]) -> str:
    """The operation on operands of these names.

    Args:
        op: its record.
        operands: their names, in order; numbers as `scalar_text` writes them.
        options: what else it was told, such as an axis: keywords, empty where there was none, and values.

    >>> from autograd.core.op import lookup
    >>> expression(lookup(np.matmul), ["x", "W₁"], []), expression(lookup(np.power), ["e", "2"], [])
    ('x W₁', 'e²')
    >>> expression(lookup(np.sum), ["z"], [("axis", 0)])
    'sum(z, axis=0)'
    """
    name = tail(op.name)
    if name == "einsum":
        operands = [*(repr(value) for key, value in options if key == "subscripts"), *operands]
        options = [option for option in options if option[0] != "subscripts"]
    if name == "getitem":
        return _clip(f"{operands[0]}[{index_text(*(value for _, value in options))}]")
    if name == "put":
        return written_to(operands[0], options[0][1], operands[-1])
    if name == "power" and operands[1].isdecimal():
        return f"{operands[0]}{superscript(int(operands[1]))}"
    if name == "power":
        return _clip(f"{operands[0]}^{operands[1]}")
    if name == "transpose" and not options:
        return f"{operands[0]}ᵀ"
    if name == "linear" and len(operands) in (2, 3):
        return _clip(" + ".join((_product(*operands[:2]), *operands[2:])))
    if name == "matmul":
        return _clip(_product(*operands))
    pattern = _PATTERNS.get(name)
    if pattern is not None and not options and pattern.count("{}") == len(operands):
        return _clip(pattern.format(*operands))
    return _clip(f"{function_name(op)}({', '.join((*_some(operands), *_told(options)))})")


def written_to(old: str, index: Any, value: str) -> str:
    """A value written into an array at an index.

    >>> written_to("out", (0, slice(None)), "v")
    'out[0, :] ← v'
    """
    return _clip(f"{old}[{index_text(index)}] ← {value}")


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


def _product(a: str, b: str) -> str:
    """Side by side where both are symbols, as on the blackboard; with the sign otherwise."""
    return f"{a} {b}" if _SYMBOL.fullmatch(a) and _SYMBOL.fullmatch(b) else f"{a} @ {b}"


def _some(operands: Sequence[str]) -> Sequence[str]:
    """Not too many operands, and those that are not drawn said once."""
    told = [text for text, last in zip(operands, ("", *operands), strict=False) if not text == last == "…"]
    if len(told) <= _MOST:
        return told
    return [*told[: _MOST - 2], "…", *(told[-1:] if told[-1] != "…" else [])]


def _told(options: Sequence[tuple[str, Any]]) -> list[str]:
    """The options that are short to say; `keepdims` can be seen from the shape."""
    told = []
    for key, value in options:
        if key == "keepdims" or isinstance(value, np.ndarray):
            continue
        if isinstance(value, str) and not key:  # a mode, such as "mean"
            continue
        text = repr(value) if isinstance(value, str) else repr(value).replace("-", "−")
        if len(text) <= 12:
            told.append(f"{key}={text}" if key else text)
    return told


def index_text(index: Any = ...) -> str:
    """What stands between the brackets.

    >>> index_text((0, slice(1, None))), index_text(np.array([0, 2]))
    ('0, 1:', 'indices')
    """
    return ", ".join(map(_index_part, index)) if isinstance(index, tuple) else _index_part(index)


def _index_part(part: Any) -> str:
    if isinstance(part, slice):
        start, stop, step = (
            "" if end is None else str(end).replace("-", "−") for end in (part.start, part.stop, part.step)
        )
        return f"{start}:{stop}" + (f":{step}" if step else "")
    if part is None:
        return "newaxis"
    if part is Ellipsis:
        return "..."
    if isinstance(part, (int, np.integer)):
        return str(part).replace("-", "−")
    return "mask" if getattr(getattr(part, "dtype", None), "kind", "i") == "b" else "indices"


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
