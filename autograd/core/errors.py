"""What errors say: the operation, the operands by name and shape, a cure, and the user's own line."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autograd.basis.arrays import Recorded
from autograd.basis.errors import retyped
from autograd.core.node import Node
from autograd.text import printable


def describe(value: Any) -> str:
    """What an error calls an operand: its name or its operation, and its shape."""
    node = value._node if isinstance(value, Recorded) else value
    if isinstance(node, Node):
        kind = "Tensor" if node.op is None else "an item" if node.op.role == "index" else node.op.name
        return f"{printable(node.get('name') or kind, 80)} of shape {node.shape}"
    parts = value if type(value) in (list, tuple) else ()  # they need not fit together
    if any(isinstance(part, Recorded) for part in parts):
        return f"[{', '.join(map(describe, value[:3]))}{', ...' * (len(value) > 3)}]"
    return f"{type(value).__name__} of shape {np.shape(value)}"


def failed(op: Any, args: Sequence[Any], error: Exception) -> Exception:
    """The error that an operation raised, with its name, its operands and a cure."""
    if op.fn is operator.getitem:
        return retyped(error, f"indexing {describe(args[0])} at [{_index_text(args[1])}]: {error}")
    if op.role == "write":
        place = f"writing to {describe(args[0])} at [{_index_text(args[1])}]"
        return retyped(error, f"{place}, of {describe(args[2])}: {error}")
    cure = op.cure
    if not cure and op.broadcasts and "broadcast" in str(error):
        cure = "Axes pair up from the right, and the two of a pair are equal or one of them is 1"
    return named(op.name, args if op.variadic else args[: len(op.vjp)], error, cure)


def named(name: str, operands: Iterable[Any], error: Exception, cure: str = "") -> Exception:
    """An error of the same kind that says in which function, of what operands, and a cure."""
    listed = " and ".join(
        describe(arg) for arg in operands if not isinstance(arg, (slice, tuple)) and not callable(arg)
    )
    message = f"{name} of {listed}: {error}" if listed else f"{name}: {error}"
    return retyped(error, f"{message}. {cure}" if cure else message)


def _index_text(index: Any) -> str:
    """An index as a program writes it, arrays by their shapes."""
    if isinstance(index, tuple):
        return ", ".join(map(_index_text, index))
    if isinstance(index, slice):
        parts = (index.start, index.stop) if index.step is None else (index.start, index.stop, index.step)
        return ":".join("" if part is None else str(part) for part in parts)
    if index is Ellipsis:
        return "..."
    return repr(index) if index is None or isinstance(index, (int, float, str, np.generic)) else describe(index)
