"""`derive`: backprop written out, as the NumPy source that somebody would have written by hand."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from autograd.derivation.backprop import Backprop
from autograd.derivation.expression import Helpers, Text, Writer
from autograd.derivation.naming import Identifiers, as_nodes
from autograd.derivation.program import Line, Program, Var
from autograd.derivation.simplify import simplified
from autograd.names import Scope
from autograd.op import describe
from autograd.tensor import Tensor

_WIDE = 60  # characters of an expression that still stands inside another one
_ARRAYS = 400  # numbers that a saved module holds in its text; more go into a file beside it


class Derivation:
    """A loss and its gradients as a program; see `derive`.

    Attributes:
        program: the straight-line program, one NumPy call a line; its outputs are "loss" and the gradients by name.
        arguments: what the program was recorded with, by name: arrays that `backprop(**arguments)` takes.
        gradients: the names of the parameters.
    """

    def __init__(self, loss: Tensor, scope: Scope, names: Mapping[Any, str] | None = None) -> None:
        recorded = Backprop(loss._node)
        constants = list(recorded.constants.values())
        self._identifiers = identifiers = Identifiers(recorded.nodes, constants, scope, as_nodes(names))
        parameters = [node for node in recorded.nodes if node.op is None and node.requires_grad]
        self.gradients = [identifiers[node] for node in parameters]
        self._backprop, self._loss = recorded, loss._node
        outputs: dict[str, Any] = {"loss": recorded.values[loss._node].var}
        for node in parameters:
            g = recorded.gradients[node]
            outputs[identifiers[node]] = getattr(g, "var", g)
        numbers = {recorded.seed: recorded.seed.value} if recorded.seed.shape == () else {}
        for node, value in recorded.values.items():
            if value.var in recorded.trace.inputs:
                value.var.name = identifiers[node]
                if value.shape == () and not node.requires_grad and node.op is None and node.note("name") is None:
                    numbers[value.var] = node.value.item()
        self.program = simplified(Program(recorded.trace.inputs, recorded.trace.lines, outputs), numbers)
        self.arguments = {str(var.name): np.asarray(var.value) for var in self.program.inputs}

    @cached_property
    def source(self) -> str:
        """The text of `backprop`, a function of the inputs and parameters by keyword: plain NumPy.

        It returns the loss and a dictionary of gradients by name.
        """
        return _Source(self).text()

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
        text = _module(self, target)
        if _stored(self):
            arrays: Any = self.arguments
            _replace(target.with_suffix(".npz"), lambda file: np.savez(file, **arrays))
        _replace(target, lambda file: file.write(text.encode()))

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
    return Derivation(loss, Scope(caller.f_locals, caller.f_globals), names)


class _Source:
    """Statements for the lines of a program: one an operation, its parts inside it where they are used once."""

    def __init__(self, derivation: Derivation) -> None:
        self._derivation = derivation
        self._helpers = Helpers()
        self._texts: dict[Var, Text] = {}
        self._names = _statement_names(derivation)
        program = derivation.program
        self._uses = Counter(var for line in program.lines for var in line.variables())
        for var in program.inputs:
            self._texts[var] = Text(str(var.name))

    def text(self) -> str:
        """The whole module."""
        write = Writer(self._texts.__getitem__, self._helpers)
        program = self._derivation.program
        forward: list[str] = []
        backward: list[str] = []
        outputs = set(program.outputs.values()) - {None}
        for line in program.lines:
            text = write(line)
            if self._stands_inside(line, text, outputs):
                self._texts[line.target] = text
                continue
            name = self._names.get(line.target) or self._derivation._identifiers.fresh()
            self._texts[line.target] = Text(name)
            shape = line.target.shape
            told = "" if shape is None else f"  # {shape if shape else 'scalar'}"
            part = forward if line.origin is not None and line.origin.part == "forward" else backward
            part.append(f"    {name} = {text.text}{told}")
        returned = {key: write.value(value).text for key, value in program.outputs.items()}
        loss = returned.pop("loss")
        gradients = ", ".join(f'"{name}": {text}' for name, text in returned.items())
        arguments = ", ".join(["*", *(str(var.name) for var in program.inputs)]) if program.inputs else ""
        helpers = self._helpers.source()
        lines = ["import numpy as np", "", "", *([helpers, "", ""] if helpers else [])]
        lines += [f"def backprop({arguments}):", "    # forward", *forward, "    # backward", *backward]
        return "\n".join([*lines, f"    return {loss}, {{{gradients}}}"]) + "\n"

    def _stands_inside(self, line: Line, text: Text, outputs: set[Any]) -> bool:
        """Whether a value is written where it is used: what no one named and one line reads, and transposes."""
        if line.fn is np.transpose and len(line.args) == 1 and line.target not in outputs:
            return len(text.text) < 20
        if line.target in self._names or line.target in outputs or self._uses[line.target] != 1:
            return False
        return len(text.text) <= _WIDE


def _statement_names(derivation: Derivation) -> dict[Var, str]:
    """The names of nodes and of their gradients, by the value that holds them."""
    recorded, identifiers = derivation._backprop, derivation._identifiers
    names: dict[Var, str] = {}
    now = derivation.program.now
    for node, value in recorded.values.items():
        if node.op is not None and type(now(value.var)) is Var:
            names.setdefault(now(value.var), identifiers[node])
    for node in reversed(recorded.nodes):
        g = now(getattr(recorded.gradients.get(node), "var", None))
        if type(g) is Var:
            names.setdefault(g, identifiers.gradient(node))
    return names


# Files


def _stored(derivation: Derivation) -> bool:
    return sum(array.size for array in derivation.arguments.values()) > _ARRAYS


def _module(derivation: Derivation, target: Path) -> str:
    lines = [derivation.source, "", 'if __name__ == "__main__":']
    if _stored(derivation):
        lines[0] = lines[0].replace("import numpy as np\n", "from pathlib import Path\n\nimport numpy as np\n", 1)
        lines.append(f'    arguments = dict(np.load(Path(__file__).with_name("{target.stem}.npz")))')
    else:
        write = Writer(lambda var: Text(str(var.name)), Helpers())
        lines.append("    arguments = {")
        lines += [f'        "{name}": {write.value(array).text},' for name, array in derivation.arguments.items()]
        lines.append("    }")
    lines += [
        "    loss, gradients = backprop(**arguments)",
        '    print("loss", loss)',
        "    for name, gradient in gradients.items():",
        '        print(f"d{name}", gradient, sep="\\n")',
    ]
    return "\n".join(lines) + "\n"


def _replace(target: Path, write: Any) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=target.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


__all__ = ["Derivation", "derive"]
