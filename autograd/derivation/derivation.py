"""`derive`: backprop written out, as the NumPy source that somebody would have written by hand."""

from __future__ import annotations

import keyword
import os
import unicodedata
from collections.abc import Container, Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.arrays import is_lazy
from autograd.basis.caching import cached_property
from autograd.core.errors import describe
from autograd.core.node import Node, topological
from autograd.core.tensor import wrap
from autograd.derivation import document, saved
from autograd.derivation.formulas import Formulas, Owner
from autograd.derivation.statements import Statements, commented
from autograd.notation.claims import is_free
from autograd.notation.names import Scope, is_path, latest, users_scope
from autograd.notation.naming import Names
from autograd.notation.source import helper_names
from autograd.program.program import Line, Origin, Program, Var
from autograd.program.reverse import Backprop
from autograd.program.simplify import simplified
from autograd.text import LONGEST_WORD, printable, shown

_RESERVED = frozenset(("np", "scipy", "backprop", "slice", "float", "int", "bool"))  # what source calls


class Derivation:
    """A loss and its gradients as a program; see `derive`.

    Attributes:
        program: the straight-line program, one NumPy call a line; its outputs are "loss" and the gradients by name.
        arguments: what the program was recorded with, by name: arrays that `backprop(**arguments)` takes.
        recorded: the graph and its reverse pass, as they were recorded.
    """

    def __init__(
        self,
        loss: Node,
        scope: Scope,
        given: Mapping[Node, str],
        also: Iterable[Node] = (),
        strict: bool = True,
        scale: float = 1.0,
    ) -> None:
        self._loss, self._scope, self._given, self._also, self._scale = loss, scope, given, list(also), scale
        self.recorded = Backprop(loss, scale)
        reserved = _RESERVED | helper_names(self.recorded.trace.lines)
        if strict:
            _check_names(self.recorded.nodes, given, reserved, scope)
        self._names = Names(self.recorded.nodes, scope, given, reserved)
        self._gradient_names: dict[Node, str] = {}
        leaves = [node for node in self.recorded.nodes if node.op is None and node in self.recorded.gradients]
        self._parameters = {self._names[node].text: node for node in leaves}
        self.program = self._simplified()
        self.arguments = {str(var.name): _array(var.value) for var in self.program.inputs}

    def _simplified(self) -> Program:
        """The recorded program with numbers worked in, and with names for its inputs."""
        recorded, values, gradients = self.recorded, self.recorded.values, self.recorded.gradients
        numbers: dict[Var, Any] = {}
        filled: dict[Var, Origin] = {}  # arrays that the program makes itself
        if recorded.seed.shape:  # a loss of one element
            filled[recorded.seed] = Origin("rule", self._loss)
        else:
            numbers[recorded.seed] = recorded.seed.value
        for node, value in values.items():
            name = self._names[node]
            if value.symbol not in recorded.trace.inputs:
                continue
            value.symbol.name = name.text
            if node.op is None and name.origin != "given" and _is_plain(node):
                filled[value.symbol] = Origin("forward", node)
            elif value.shape == () and node.op is None and not node.requires_grad and node.get("name") is None:
                numbers[value.symbol] = node.value.item()
        lines = [Line(var, np.broadcast_to, (var.value.flat[0], var.shape), {}, why) for var, why in filled.items()]
        named = [node for node in recorded.nodes if self._is_named(node)]
        kept = [_var(of[node]) for of in (values, gradients) for node in named if node in of]
        outputs: dict[Any, Any] = {"loss": values[self._loss].symbol}
        outputs |= {name: _var(gradients[node]) for name, node in self._parameters.items()}
        outputs |= {node: _var(gradients[node]) for node in self._also if node in gradients}
        inputs = [var for var in recorded.trace.inputs if var not in filled]
        program = Program(inputs, [*lines, *recorded.trace.lines], outputs)
        return simplified(program, numbers, kept=[var for var in kept if type(var) is Var])

    def _is_named(self, node: Node) -> bool:
        """Whether the name of a node says more than a letter does."""
        return node.op is None or self._names[node].origin != "letter"

    def _gradient_name(self, node: Node) -> str:
        """What dL/d(node) is called: d and the name, and an underscore where that is taken."""
        if node not in self._gradient_names:
            name = f"d{self._names[node].text}"
            while name in self._names.taken or keyword.iskeyword(name):
                name += "_"
            self._names.taken.add(name)
            self._gradient_names[node] = name
        return self._gradient_names[node]

    @property
    def named(self) -> dict[Node, str]:
        """The nodes and constants whose names say more than a letter does, with their names."""
        return {node: self._names[node].text for node in self.recorded.values if self._is_named(node)}

    @property
    def invented(self) -> dict[str, Node]:
        """The named nodes whose names were made up, by name; without x and y, which say enough."""
        made_up = {}
        for node in self.named:
            name = self._names[node]
            if name.origin == "part" or (name.origin == "letter" and name.text[0] not in "xy"):
                made_up[name.text] = node
        return made_up

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The Tensors whose gradients it gives, by the names that it uses."""
        return {name: wrap(latest(node)) for name, node in self._parameters.items()}

    @cached_property
    def owners(self) -> dict[Var, Owner]:
        """By values of the program; where several nodes share one, the one whose name says most."""
        recorded, now = self.recorded, self.program.now
        values = {node: now(value.symbol) for node, value in recorded.values.items()}
        gradients = {node: now(_var(g)) for node, g in recorded.gradients.items()}
        named = sorted(recorded.nodes, key=lambda node: (not self._is_named(node), -node.order))
        owners: dict[Var, Owner] = {}
        for of, is_gradient in ((values, False), (gradients, True)):
            for node in named:
                if type(of.get(node)) is Var and (node.op is not None or is_gradient):
                    owners.setdefault(of[node], Owner(node, is_gradient))
        return owners

    @cached_property
    def statements(self) -> Statements:
        """The statements of the program."""
        owners, numbers = self.owners, count(1)
        pairs = {}
        for g, (node, is_gradient) in owners.items():
            value = self.program.now(self.recorded.values[node].symbol)
            if is_gradient and type(value) is Var and value not in self.program.inputs:
                pairs[g] = value

        def name(var: Var) -> str:
            if var not in owners:
                return next(name for number in numbers if (name := f"t{number}") not in self._names.taken)
            node, is_gradient = owners[var]
            return self._gradient_name(node) if is_gradient else self._names[node].text

        return Statements(self.program, name, [var for var, (node, _) in owners.items() if self._is_named(node)], pairs)

    @property
    def source(self) -> str:
        """The text of `backprop`, a function of the inputs and parameters by keyword: plain NumPy.

        It returns the loss and a dictionary of gradients by name.
        """
        return self.statements.source(self._parameters)

    @property
    def latex(self) -> str:
        r"""The derivation as an `aligned` block, for any LaTeX with amsmath.

        $\bar{x}$ is the gradient of the loss with respect to $x$. A gradient is told in the words of the operations'
        rules, with the symbols of the derivation in place of their letters.
        """
        return self._formulas.block()

    @property
    def _formulas(self) -> Formulas:
        return Formulas(self.recorded, self.program, self.statements, self._names, self.owners.get)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def line_for(self, tensor: Tensor | Node) -> str:
        """The statement that computes the gradient of a Tensor of the graph: `dW2 = A1.T @ dZ2  # (16, 8)`.

        Where algebra left an interior gradient out of `source`, it is written as it would be there.

        Raises:
            ValueError: a Tensor outside of the graph.
        """
        node = tensor._node if isinstance(tensor, Tensor) else tensor
        if node not in self.recorded.values:
            raise ValueError(f"{describe(node)} is not in the graph of this derivation")
        name, shape = self._gradient_name(node), node.shape
        if node not in self.recorded.gradients:
            return commented(f"{name} = {self.statements.value(np.zeros_like(node.value)).text}", shape)
        g = self.program.now(_var(self.recorded.gradients[node]))
        statement = self.statements.of.get(g) if type(g) is Var else None
        if statement is not None and not statement.forward:
            also = "" if statement.name == name else f"{name} = "
            return commented(also + "; ".join(statement.lines), shape)
        if node in self._also:
            return commented(f"{name} = {self.statements.value(g).text}", shape)
        return Derivation(self._loss, self._scope, self._given, [node], False, self._scale).line_for(node)

    def function(self) -> Any:
        """`backprop` itself, compiled from `source`."""
        space: dict[str, Any] = {}
        exec(compile(self.source, "<backprop>", "exec"), space)
        return space["backprop"]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a module that runs by itself, or a document for LaTeX, by the suffix: `.py` or `.tex`.

        The module has `backprop`, and a call of it with the values recorded; arrays of more than a few hundred
        numbers go into an `.npz` file beside it. The document has the inputs with their shapes, and goes on over
        as many pages as it needs; `pdflatex` sets it.

        Raises:
            ValueError: another suffix.
            OSError: the file cannot be written. What was there before stays.
        """
        target = Path(path)
        if target.suffix == ".tex":
            arguments = dict(self.arguments)
            parameters = {name: arguments.pop(name, node.value) for name, node in self._parameters.items()}
            loss = self._names[self._loss].drawn
            document.save(target, document.document(self._formulas, loss, arguments, parameters))
        else:
            saved.save(target, self.source, self.arguments)

    def __str__(self) -> str:
        return shown(self.source, len(self.source))


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
    given = _by_node(names, topological([loss._node], constants=True)) if names else {}
    return Derivation(loss._node, users_scope(), given)


def _var(traced: Any) -> Any:
    """The value of the program that a traced array is, or the constant itself."""
    return getattr(traced, "symbol", traced)


def _by_node(names: Any, nodes: Iterable[Node]) -> dict[Node, str]:
    """Names by node from names by Tensor."""
    if not isinstance(names, Mapping):
        raise TypeError(f"names= is a dictionary of Tensor to name, not a {type(names).__name__}")
    given = {}
    for tensor, name in names.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"names= is a dictionary of Tensor to name; {type(tensor).__name__} is not a Tensor")
        if tensor._node not in nodes:
            raise ValueError(f"names= calls {describe(tensor)} {name!r}, which is not in the graph of the loss")
        given[tensor._node] = name
    return given


def _check_names(nodes: Iterable[Node], given: Mapping[Node, str], reserved: Container[str], scope: Scope) -> None:
    """ValueError for a name that somebody gave and that source code cannot use, or that two inputs have."""
    inputs: dict[str, Node] = {}
    cure = "rename it, or pass derive(loss, names={tensor: name})"
    for node in nodes:
        name = given.get(node, latest(node).get("name"))
        if name is None:
            continue
        if node not in given and node.op is None:  # two models may have the same paths
            name = scope.path_of(node) or name
        which = f"{printable(str(name), LONGEST_WORD)!r}, the name of a Tensor of shape {node.shape},"
        path = node.op is None and node not in given and is_path(name)
        if not path and not (isinstance(name, str) and is_free(name)):
            raise ValueError(f"{which} is no Python identifier, and the derivation is source code; {cure}")
        if name in reserved or (name == "loss" and node.op is None):
            raise ValueError(f"{which} would hide {name} in the derivation; {cure}")
        other = inputs.setdefault(name if path else unicodedata.normalize("NFKC", name), node)
        if node.op is None and other is not node:
            what = "parameters of two models" if path else "inputs"
            called = f"{printable(name, LONGEST_WORD)}, of shapes {other.shape} and {node.shape}"
            raise ValueError(
                f"two {what} are called {called}; give each a name of its own, "
                "by name= or derive(loss, names={tensor: name})"
            )


def _is_plain(node: Node) -> bool:
    """Whether a constant is zeros or ones: source makes it, rather than being given it."""
    value = node.value
    if node.requires_grad or is_lazy(value) or not np.ndim(value) or not value.size or value.dtype != np.float64:
        return False
    return value.flat[0] in (0.0, 1.0) and bool(np.all(value == value.flat[0])) and not bool(np.any(np.signbit(value)))


def _array(value: Any) -> Any:
    return value if is_lazy(value) else np.asarray(value)
