"""A recorded graph and its reverse pass as one straight-line program."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.core.backward import backpropagate
from autograd.core.node import Node, observers, topological
from autograd.core.op import Op, describe
from autograd.program.program import Origin, Var
from autograd.program.trace import Trace, Traced


class Backprop:
    """The program of a loss and its gradients.

    Attributes:
        trace: the lines and inputs.
        values: each node's value in the program; a constant array in the arguments is a node of its own.
        gradients: each node's gradient, where the loss depends on it; a constant where that is one.
        nodes: the nodes in the order of the program.
        seed: the gradient of the loss itself, which is 1.
        constants: by identity, the arrays among the arguments, as nodes.
    """

    def __init__(self, loss: Node) -> None:
        self.trace = Trace()
        self.nodes = topological([loss], constants=True)
        self.values: dict[Node, Traced] = {}
        self.constants: dict[int, Node] = {}
        self._copies: dict[Node, Node] = {}
        self._originals: dict[Node, Node] = {}
        self.contributions: dict[tuple[Node, int], Any] = {}
        self._last: Any = None  # of them
        for node in self.nodes:
            self._forward(node)
        self.gradients = self._backward(loss)

    def _forward(self, node: Node) -> None:
        if node.op is None:
            self.values[node] = self.trace.input(node.value)
        elif node.args is None:
            raise RuntimeError(
                f"derive: the graph of {describe(node)} was freed by backward(retain_graph=False); derive before, or "
                "compute the loss again"
            )
        else:
            self.trace.origin = Origin("forward", node)
            args = [self._argument(arg) for arg in node.args or ()]
            kwargs = {key: self._argument(value) for key, value in node.kwargs.items()}
            result = value_function(node.op)(*args, **kwargs)
            if type(result) is not Traced:  # a value that depends on shapes only
                result = self.trace.input(result)
            self.values[node] = result
        self._copies[node] = copied = Node(self.values[node], node.requires_grad)
        copied.op, copied.order = node.op, node.order
        copied.args = tuple(self._copies[arg] if type(arg) is Node else self._argument(arg) for arg in node.args or ())
        copied.kwargs = {key: self._argument(value) for key, value in node.kwargs.items()}
        self._originals[copied] = node

    def _argument(self, arg: Any, inside: bool = False) -> Any:
        """The traced value of a node, or of an array, also inside an index."""
        if type(arg) is Node:
            return self.values[arg]
        if type(arg) in (tuple, list):
            return type(arg)(self._argument(part, inside=True) for part in arg)
        if not isinstance(arg, np.ndarray) or not arg.ndim or (inside and _counts(arg)):
            return arg
        node = self.constants.get(id(arg))
        if node is None:
            node = self.constants[id(arg)] = Node(arg)
            self.values[node] = self.trace.input(arg)
        return self.values[node]

    def _backward(self, loss: Node) -> dict[Node, Any]:
        value = loss.value
        seed = self.trace.input(value.dtype.type(1) if not value.ndim else np.ones_like(value), "seed")
        self.seed = seed.var
        self._start = len(self.trace.lines)
        observers.append(self)
        try:
            found = backpropagate(self._copies[loss], seed, keep=True, hooks=False)
        finally:
            observers.remove(self)
        gradients = {self._originals[node]: g for node, g in found.items()}
        owners = {g.var: node for node, g in gradients.items() if type(g) is Traced}
        for line in self.trace.lines[self._start :]:  # sums after the last rule
            line.origin = Origin("add", owners[line.target])
        return gradients

    def recorded(self, op: Op, args: Any, node: Node) -> None:
        """Called after operations on Tensors, which do not occur here."""

    def pulled(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """Called after each derivative rule: the lines since the last one are its own, but for a sum before."""
        if self._originals.get(node) is None:
            return
        original, lines = self._originals[node], self.trace.lines[self._start :]
        inputs = node.inputs
        position = next(k for k, arg in enumerate(inputs) if arg is operand and (original, k) not in self.contributions)
        for line in lines:
            adds = line.fn is np.add and self._adds(line)
            line.origin = Origin("add", self._originals[operand]) if adds else Origin("rule", original, position)
        self.contributions[original, position] = self._last = d.var if type(d) is Traced else d
        self._start = len(self.trace.lines)

    def _adds(self, line: Any) -> bool:
        """Whether a line adds up the gradients of two uses: the second is the rule's result before."""
        return type(self._last) is Var and line.args[-1] is self._last


def value_function(op: Op) -> Any:
    """What computes an operation's value on traced operands, in the form that its record keeps them."""
    if isinstance(op.forward, np.ufunc):
        return op.forward
    return op.fn if op.adapt is None or op.forward is getattr(op.fn, "__wrapped__", None) else op.forward


def _counts(array: Any) -> bool:
    """Whether it is 0, 1, 2 ..., which source says shortly."""
    return array.dtype.kind == "i" and array.ndim == 1 and np.array_equal(array, np.arange(array.size))
