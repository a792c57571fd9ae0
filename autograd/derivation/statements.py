"""A program as text: one statement an operation, and inside it what only it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd.derivation.expression import Helpers, Text, Writer
from autograd.derivation.program import Line, Program, Var

_WIDE = 60  # characters of an expression that still stands inside another one


class Statement(NamedTuple):
    """`name = text`, and the line of the program that it ends with."""

    name: str
    text: str
    line: Line

    @property
    def forward(self) -> bool:
        """Whether it computes a value of the loss, not a gradient."""
        return self.line.origin is not None and self.line.origin.part == "forward"


class Statements:
    """The statements of a program.

    Args:
        program: with named inputs.
        names: of values; others get names if they need one.
        fresh: makes names.

    Attributes:
        of: the statement that computes a value.
    """

    def __init__(self, program: Program, names: Mapping[Var, str], fresh: Any) -> None:
        self._program, self._names = program, names
        self._helpers = Helpers()
        self._texts: dict[Var, Text] = {var: Text(str(var.name)) for var in program.inputs}
        self._write = Writer(self._texts.__getitem__, self._helpers)
        self._uses = Counter(var for line in program.lines for var in line.variables())
        self._returned = {var for var in program.outputs.values() if type(var) is Var}
        self.of: dict[Var, Statement] = {}
        for line in program.lines:
            text = self._write(line)
            if self._stands_inside(line, text):
                self._texts[line.target] = text
                continue
            name = names.get(line.target) or fresh()
            self._texts[line.target] = Text(name)
            self.of[line.target] = Statement(name, text.text, line)

    def value(self, value: Any) -> Text:
        """How later statements call a value of the program."""
        return self._write.value(value)

    def source(self, gradients: Iterable[str]) -> str:
        """The module with `backprop`, which returns the loss and these outputs of the program."""
        returned = {key: self.value(value).text for key, value in self._program.outputs.items()}
        listed = ", ".join(f'"{name}": {returned[name]}' for name in gradients)
        arguments = ", ".join(["*", *(str(var.name) for var in self._program.inputs)])
        parts: dict[bool, list[str]] = {True: [], False: []}
        for statement in self.of.values():
            text = commented(f"{statement.name} = {statement.text}", statement.line.target.shape)
            parts[statement.forward].append(f"    {text}")
        lines = [line for part in self._helpers.source() for line in (part, "", "")]
        lines += [f"def backprop({arguments}):", "    # forward", *parts[True], "    # backward", *parts[False]]
        return "\n".join([*lines, f"    return {returned['loss']}, {{{listed}}}"]) + "\n"

    def _stands_inside(self, line: Line, text: Text) -> bool:
        """Whether a value is written where it is used: what no one named and one line reads, and transposes."""
        target = line.target
        if line.fn is np.transpose and len(line.args) == 1 and target not in self._returned:
            return len(text.text) < 20
        if target in self._names or target in self._returned or self._uses[target] != 1:
            return False
        return len(text.text) <= _WIDE


def commented(statement: str, shape: tuple[int, ...] | None) -> str:
    """A statement with the shape of its value."""
    return statement if shape is None else f"{statement}  # {shape if shape else 'scalar'}"
