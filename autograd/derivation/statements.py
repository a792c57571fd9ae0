"""A program as text: one statement an operation, and inside it what only it reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
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
        names: tells the name of a value.
        told: values whose names say something: each has a statement.
        pairs: a gradient's value, and the value that it is the gradient of: neither has a statement alone.

    Attributes:
        of: the statement that computes a value.
    """

    def __init__(
        self, program: Program, names: Callable[[Var], str], told: Iterable[Var], pairs: Mapping[Var, Var]
    ) -> None:
        self._program = program
        self._uses = Counter(var for line in program.lines for var in line.variables())
        self._returned = {var for var in program.outputs.values() if type(var) is Var}
        standing, before = set(told) | self._returned, -1
        while len(standing) != before:
            before = len(standing)
            self._write_all(lambda _: "t0", standing, decide=True)
            standing |= {pairs[var] for var in standing if var in pairs}
        self._write_all(names, standing)

    def _write_all(self, names: Callable[[Var], str], standing: set[Var], decide: bool = False) -> None:
        """Text for every line; with `decide`, add the values that need a statement to `standing`."""
        self._helpers = Helpers()
        self._texts = {var: Text(str(var.name)) for var in self._program.inputs}
        self._write = Writer(self._texts.__getitem__, self._helpers)
        self.of: dict[Var, Statement] = {}
        for line in self._program.lines:
            text = self._write(line)
            if decide and not self._stands_inside(line, text):
                standing.add(line.target)
            if line.target not in standing:
                self._texts[line.target] = text
                continue
            name = names(line.target)
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
        for statement in self._ordered():
            text = commented(f"{statement.name} = {statement.text}", statement.line.target.shape)
            parts[statement.forward].append(f"    {text}")
        lines = [line for part in self._helpers.source() for line in (part, "", "")]
        lines += [f"def backprop({arguments}):", "    # forward", *parts[True], "    # backward", *parts[False]]
        return "\n".join([*lines, f"    return {returned['loss']}, {{{listed}}}"]) + "\n"

    def _stands_inside(self, line: Line, text: Text) -> bool:
        """Whether a value may be written where it is used: what one line reads, and transposes."""
        if line.fn is np.transpose and len(line.args) == 1:
            return len(text.text) < 20
        return self._uses[line.target] == 1 and len(text.text) <= _WIDE

    def _ordered(self) -> list[Statement]:
        """The statements in the order of the program, but what is only returned as early as it can be."""
        steps: list[Statement] = []
        finals: dict[int, list[Statement]] = defaultdict(list)
        needs: dict[Var, int] = {}  # how many of the steps must be done for a value to be there
        for line in self._program.lines:
            needs[line.target] = max((needs.get(var, 0) for var in line.variables()), default=0)
            statement = self.of.get(line.target)
            if statement is None:
                continue
            if statement.forward or self._uses[line.target]:
                steps.append(statement)
                needs[line.target] = len(steps)
            else:
                finals[needs[line.target]].append(statement)
        return finals[0] + [each for k, step in enumerate(steps, 1) for each in (step, *finals[k])]


def commented(statement: str, shape: tuple[int, ...] | None) -> str:
    """A statement with the shape of its value."""
    return statement if shape is None else f"{statement}  # {shape if shape else 'scalar'}"
