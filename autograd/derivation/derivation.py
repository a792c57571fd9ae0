"""`derive`: backprop written out, as the NumPy source that somebody would have written by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autograd.derivation import saved
from autograd.derivation.backprop import Backprop
from autograd.derivation.naming import Identifiers, as_nodes
from autograd.derivation.program import Program, Var
from autograd.derivation.simplify import simplified
from autograd.derivation.statements import Statements, commented
from autograd.graph import Node
from autograd.names import Scope
from autograd.op import describe
from autograd.tensor import Tensor


class Derivation:
    """A loss and its gradients as a program; see `derive`.

    Attributes:
        program: the straight-line program, one NumPy call a line; its outputs are "loss" and the gradients by name.
        arguments: what the program was recorded with, by name: arrays that `backprop(**arguments)` takes.
        gradients: the names of the parameters.
    """

    def __init__(
        self,
        loss: Node,
        scope: Scope,
        names: Mapping[Node, str] | None = None,
        also: Iterable[Node] = (),
        strict: bool = True,
    ) -> None:
        self._recorded = recorded = Backprop(loss)
        constants = list(recorded.constants.values())
        self._identifiers = identifiers = Identifiers(recorded.nodes, constants, scope, names or {}, strict)
        parameters = [node for node in recorded.nodes if node.op is None and node.requires_grad]
        parameters = [node for node in parameters if node in recorded.gradients]
        self.gradients = [identifiers[node] for node in parameters]
        outputs: dict[Any, Any] = {"loss": recorded.values[loss].var}
        outputs |= {identifiers[node]: _var(recorded.gradients[node]) for node in parameters}
        outputs |= {node: _var(recorded.gradients[node]) for node in also if node in recorded.gradients}
        numbers = {recorded.seed: recorded.seed.value} if recorded.seed.shape == () else {}
        for node, value in recorded.values.items():
            if value.var in recorded.trace.inputs:
                value.var.name = identifiers[node]
                if value.shape == () and not node.requires_grad and node.op is None and node.note("name") is None:
                    numbers[value.var] = node.value.item()
        self.program = simplified(Program(recorded.trace.inputs, recorded.trace.lines, outputs), numbers)
        self.arguments = {str(var.name): np.asarray(var.value) for var in self.program.inputs}

    @cached_property
    def _text(self) -> Statements:
        return Statements(self.program, self._names(), self._identifiers.fresh)

    @property
    def source(self) -> str:
        """The text of `backprop`, a function of the inputs and parameters by keyword: plain NumPy.

        It returns the loss and a dictionary of gradients by name.
        """
        return self._text.source(self.gradients)

    def line_for(self, tensor: Tensor | Node) -> str:
        """The statement that computes the gradient of a Tensor of the graph: `dW2 = A1.T @ dZ2  # (16, 8)`.

        Raises:
            ValueError: a Tensor outside of the graph.
        """
        node = tensor._node if isinstance(tensor, Tensor) else tensor
        if node not in self._identifiers:
            raise ValueError(f"{describe(node)} is not in the graph of this derivation")
        name, shape = self._identifiers.gradient(node), np.shape(node.value)
        if node not in self._recorded.gradients:
            return commented(f"{name} = {self._text.value(np.zeros_like(node.value)).text}", shape)
        g = self.program.now(_var(self._recorded.gradients[node]))
        statement = self._text.of.get(g) if type(g) is Var else None
        if statement is None or statement.forward:
            return commented(f"{name} = {self._text.value(g).text}", shape)
        also = "" if statement.name == name else f"{name} = "
        return commented(f"{also}{statement.name} = {statement.text}", shape)

    def _names(self) -> dict[Var, str]:
        """The names of nodes and of their gradients, by the value that holds them."""
        recorded, identifiers = self._recorded, self._identifiers
        names: dict[Var, str] = {}
        now = self.program.now
        for node, value in recorded.values.items():
            if node.op is not None and type(now(value.var)) is Var:
                names.setdefault(now(value.var), identifiers[node])
        for node in reversed(recorded.nodes):
            g = now(_var(recorded.gradients.get(node)))
            if type(g) is Var:
                names.setdefault(g, identifiers.gradient(node))
        return names

    def function(self) -> Any:
        """`backprop` itself, compiled from `source`."""
        space: dict[str, Any] = {}
        exec(compile(self.source, "<backprop>", "exec"), space)
        return space["backprop"]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a module that runs by itself: `backprop`, and a call of it with the values recorded.

        Arrays of more than a few hundred numbers go into an `.npz` file beside it.

        Raises:
            ValueError: another suffix than `.py`.
            OSError: the file cannot be written. What was there before stays.
        """
        target = Path(path)
        if target.suffix != ".py":
            raise ValueError(f"{target.name}: a derivation is saved as a Python module, with the suffix .py")
        text = saved.module_text(self.source, self.arguments, target)
        if saved.stored(self.arguments):
            arrays: Any = self.arguments
            saved.replace(target.with_suffix(".npz"), lambda file: np.savez(file, **arrays))
        saved.replace(target, lambda file: file.write(text.encode()))

    def __str__(self) -> str:
        return self.source


def derive(loss: Tensor, *, names: Mapping[Tensor, str] | None = None) -> Derivation:
    r"""Write down the derivation of backprop for a recorded loss.

    The rules of the recorded operations, applied last operation first, give
    $\partial L/\partial x = \sum_y \partial L/\partial y \cdot \partial y/\partial x$ for every parameter as a
    straight-line program (Griewank and Walther, "Evaluating Derivatives", chapter 3), printed in the user's own names:
    those given by `name=`, of parameters in modules (`layers.0.weight` is W1), of the caller's variables. It holds
    for inputs of the shapes recorded, and for values on the same side of every decision that a rule takes.

    Args:
        loss: a scalar Tensor with a graph.
        names: names for Tensors, before all others.

    Returns:
        A `Derivation`: `.source` (NumPy), `.latex`, `.save("backprop.py")`, and `.program`.

    Raises:
        TypeError: no Tensor.
        RuntimeError: no graph, or one that was freed.
        ValueError: no scalar; a name that is no identifier, or that two inputs have.

    >>> x, y = np.array([[1.0, 2.0], [0.5, 3.0]]), np.array([[1.0], [0.0]])
    >>> W = Tensor([[3.0], [4.0]], requires_grad=True, name="W")
    >>> error = x @ W - y
    >>> loss = np.mean(error**2)
    >>> print(derive(loss).source, end="")
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def backprop(*, W, x, y):
        # forward
        Z1 = x @ W  # (2, 1)
        error = Z1 - y  # (2, 1)
        t1 = error**2  # (2, 1)
        loss = np.mean(t1)  # scalar
        # backward
        dW = x.T @ error  # (2, 1)
        return loss, {"W": dW}
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"derive takes the loss, a Tensor; got {type(loss).__name__}")
    if not loss.requires_grad:
        raise RuntimeError(
            f"derive of {describe(loss)}, which has no graph: nothing behind it requires grad, or it was "
            "computed inside no_grad()"
        )
    if loss.size != 1:
        raise ValueError(f"derive of {describe(loss)}: a loss is a single number; reduce it (np.sum, np.mean)")
    caller = sys._getframe(1)
    return Derivation(loss._node, Scope(caller.f_locals, caller.f_globals), as_nodes(names))


def lines_for(
    loss: Node, nodes: Iterable[Node], scope: Scope, names: Mapping[Node, str] | None = None
) -> dict[Node, str]:
    """The statements that compute the gradients of `nodes`, of interior ones too, as text.

    Each has a statement of its own, so what algebra would have gathered stays apart where one of them is between.
    Names that `derive` refuses are made identifiers here.

    >>> x, y = np.array([[1.0, 2.0], [0.5, 3.0]]), np.array([[1.0], [0.0]])
    >>> W = Tensor([[3.0], [4.0]], requires_grad=True, name="W")
    >>> p = x @ W
    >>> loss = np.sum((p - y) ** 2)
    >>> for line in lines_for(loss._node, [p._node, W._node], Scope(locals())).values():
    ...     print(line)
    dp = dt1 = 2 * t1  # (2, 1)
    dW = x.T @ dt1  # (2, 1)
    """
    nodes = list(nodes)
    derivation = Derivation(loss, scope, names, nodes, strict=False)
    return {node: derivation.line_for(node) for node in nodes}


def _var(traced: Any) -> Any:
    """The value of the program that a traced array is, or the constant itself."""
    return getattr(traced, "var", traced)
