"""Operators and functions of numbers, as loops over scalars have them: what `apply` does, in two thirds of its time.

A number is always kept, nothing shares its memory, and it is nothing of another library. So what is left of `apply` is
the value and the node; whatever else there is, is left to `apply`.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe as _frame
from typing import Any, Final

from autograd.basis.arrays import NUMBER
from autograd.core.node import NO_OPTIONS, Node, next_order, observers, recording
from autograd.core.op import Op
from autograd.core.tensor import TensorBase, apply, wrap

_NUMBERS: Final = {NUMBER, float, int}


def operator_method(op: Op, reflected: bool = False) -> Callable[[Any, Any], Any]:
    """The method of a Tensor that is an operation of two operands; `reflected`, of the other one first."""

    def method(self: Any, other: Any) -> Any:
        if type(self._value) is NUMBER and not observers:
            a, arg = self._value, self._node
            b, operand = (other._value, other._node) if isinstance(other, TensorBase) else (other, other)
            differentiable = arg.requires_grad or (operand is not b and operand.requires_grad)
            if type(b) in _NUMBERS and differentiable and recording.get():
                values, inputs = ((b, a), (operand, arg)) if reflected else ((a, b), (arg, operand))
                try:
                    value = op.forward(*values)
                except Exception:  # `apply` says of what
                    return apply(op, (other, self) if reflected else (self, other))
                return _recorded(op, inputs, values, value)
        try:
            return apply(op, (other, self) if reflected else (self, other))
        except TypeError:
            if getattr(type(other), "__array_ufunc__", other) is None:  # it has operators of its own (NEP 13)
                return NotImplemented
            raise

    return method


def unary(op: Op) -> Callable[[Any], Any]:
    """An operation of one operand, for a Tensor."""

    def call(self: Any) -> Any:
        value, arg = self._value, self._node
        if type(value) is NUMBER and arg.requires_grad and not observers and recording.get():
            try:
                result = op.forward(value)
            except Exception:  # `apply` says of what
                return apply(op, (self,))
            return _recorded(op, (arg,), (value,), result)
        return apply(op, (self,))

    return call


def _recorded(op: Op, inputs: tuple[Any, ...], values: tuple[Any, ...], value: Any) -> Any:
    node = Node()
    node.op, node.order, node.requires_grad = op, next_order(), True
    node.args, node.saved, node.kwargs = inputs, values, NO_OPTIONS
    node.held = node.output = value
    frame = _frame(2)
    node.code, node.at = frame.f_code, frame.f_lasti
    node.hooks = node.grad = node.scope = node.marks = None
    return wrap(node, value)
