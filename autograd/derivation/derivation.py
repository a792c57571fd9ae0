"""`derive`: backprop written out, as the NumPy source that somebody would have written by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autograd.core.node import Node, topological
from autograd.core.op import describe
from autograd.core.tensor import Tensor, tensor_of
from autograd.derivation import saved
from autograd.derivation.formulas import Formulas
from autograd.derivation.statements import Statements, commented
from autograd.notation.identifiers import Identifiers, as_nodes
from autograd.notation.names import Scope, latest
from autograd.notation.source import helper_names
from autograd.program.program import Line, Origin, Program, Var
from autograd.program.reverse import Backprop
from autograd.program.simplify import simplified


class Derivation:
    """A loss and its gradients as a program; see `derive`.

    Attributes:
        program: the straight-line program, one NumPy call a line; its outputs are "loss" and the gradients by name.
        arguments: what the program was recorded with, by name: arrays that `backprop(**arguments)` takes.
    """

    def __init__(
        self,
        loss: Node,
        scope: Scope,
        names: Mapping[Node, str] | None = None,
        also: Iterable[Node] = (),
        strict: bool = True,
    ) -> None:
        self._loss, self._scope, self._given, self._also = loss, scope, names, list(also)
        self._recorded = recorded = Backprop(loss)
        constants = list(recorded.constants.values())
        self._identifiers = identifiers = Identifiers(
            recorded.nodes, constants, scope, names or {}, strict, helper_names(recorded.trace.lines)
        )
        parameters = [node for node in recorded.nodes if node.op is None and node.requires_grad]
        parameters = [node for node in parameters if node in recorded.gradients]
        self._parameters = {identifiers[node]: node for node in parameters}
        outputs: dict[Any, Any] = {"loss": recorded.values[loss].var}
        outputs |= {identifiers[node]: _var(recorded.gradients[node]) for node in parameters}
        outputs |= {node: _var(recorded.gradients[node]) for node in self._also if node in recorded.gradients}
        numbers = {recorded.seed: recorded.seed.value} if recorded.seed.shape == () else {}
        plain = {recorded.values[node].var: Origin("forward", node) for node in identifiers.plain}
        if recorded.seed.shape:  # a loss of one element
            plain[recorded.seed] = Origin("rule", loss)
        made = [Line(var, np.broadcast_to, (var.value.flat[0], var.shape), {}, origin) for var, origin in plain.items()]
        for node, value in recorded.values.items():
            if value.var in recorded.trace.inputs and node not in identifiers.plain:
                value.var.name = identifiers[node]
                if value.shape == () and not node.requires_grad and node.op is None and node.note("name") is None:
                    numbers[value.var] = node.value.item()
        named = [node for node in recorded.nodes if identifiers.named(node)]
        kept = [_var(of[node]) for of in (recorded.values, recorded.gradients) for node in named if node in of]
        inputs = [var for var in recorded.trace.inputs if var not in plain]
        program = Program(inputs, [*made, *recorded.trace.lines], outputs)
        self.program = simplified(program, numbers, kept=[var for var in kept if type(var) is Var])
        self.arguments = {str(var.name): np.asarray(var.value) for var in self.program.inputs}

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The Tensors whose gradients it gives, by the names that it uses."""
        return {name: tensor_of(latest(node)) for name, node in self._parameters.items()}

    @cached_property
    def _owners(self) -> dict[Var, tuple[Node, bool]]:
        """Whose value a value of the program is, or whose gradient; where several share it, the one that says most."""
        recorded, identifiers, now = self._recorded, self._identifiers, self.program.now
        values = {node: now(value.var) for node, value in recorded.values.items()}
        gradients = {node: now(_var(g)) for node, g in recorded.gradients.items()}
        named = [node for node in recorded.nodes[::-1] if identifiers.named(node)]
        named += [node for node in recorded.nodes[::-1] if not identifiers.named(node)]
        owners: dict[Var, tuple[Node, bool]] = {}
        for of, is_gradient in ((values, False), (gradients, True)):
            for node in named:
                if type(of.get(node)) is Var and (node.op is not None or is_gradient):
                    owners.setdefault(of[node], (node, is_gradient))
        return owners

    @cached_property
    def _text(self) -> Statements:
        identifiers, owners = self._identifiers, self._owners
        pairs = {}
        for g, (node, is_gradient) in owners.items():
            value = self.program.now(self._recorded.values[node].var)
            if is_gradient and type(value) is Var and value not in self.program.inputs:
                pairs[g] = value

        def name(var: Var) -> str:
            if var not in owners:
                return identifiers.fresh()
            node, is_gradient = owners[var]
            return identifiers.gradient(node) if is_gradient else identifiers[node]

        told = [var for var, (node, _) in owners.items() if identifiers.named(node)]
        return Statements(self.program, name, told, pairs)

    @property
    def source(self) -> str:
        """The text of `backprop`, a function of the inputs and parameters by keyword: plain NumPy.

        It returns the loss and a dictionary of gradients by name.
        """
        return self._text.source(self._parameters)

    @property
    def latex(self) -> str:
        r"""The derivation as an `aligned` block, for any LaTeX with amsmath.

        $\bar{x}$ is the gradient of the loss with respect to $x$. A gradient is told in the words of the operations'
        rules, with the symbols of the derivation in place of their letters.
        """
        return Formulas(self._recorded, self.program, self._text, self._identifiers, self._owners.get).block()

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def line_for(self, tensor: Tensor | Node) -> str:
        """The statement that computes the gradient of a Tensor of the graph: `dW2 = A1.T @ dZ2  # (16, 8)`.

        Where algebra left an interior gradient out of `source`, it is written as it would be there.

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
        if statement is not None and not statement.forward:
            also = "" if statement.name == name else f"{name} = "
            return commented(also + "; ".join(statement.lines), shape)
        if node in self._also:
            return commented(f"{name} = {self._text.value(g).text}", shape)
        return Derivation(self._loss, self._scope, self._given, [node], strict=False).line_for(node)

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
        saved.save(Path(path), self.source, self.arguments)

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
        ValueError: no scalar; a name that is no identifier, that hides another, or that two inputs have; a name
            for a Tensor outside of the graph.

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
        loss = np.mean(error**2)  # scalar
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
    given = as_nodes(names, topological([loss._node], constants=True)) if names else {}
    return Derivation(loss._node, Scope(caller.f_locals, caller.f_globals), given)


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
    dp = 2 * t1  # (2, 1)
    dW = x.T @ dp  # (2, 1)
    """
    nodes = list(nodes)
    derivation = Derivation(loss, scope, names, nodes, strict=False)
    return {node: derivation.line_for(node) for node in nodes}


def _var(traced: Any) -> Any:
    """The value of the program that a traced array is, or the constant itself."""
    return getattr(traced, "var", traced)
