"""A program as text: one statement an operation, and inside it what only it reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd.notation.blackboard import apart
from autograd.notation.literals import ATOM, Text, kind
from autograd.notation.source import Helpers, Writer
from autograd.program.program import Line, Program, Var, substituted, variables
from autograd.rules.index import chooses_once, scatter
from autograd.rules.write import put

_WIDE = 60  # characters of an expression that still stands inside another one
_WIDEST = 99  # characters of a line
_LONGEST = 78  # characters of an expression


class Statement(NamedTuple):
    """`name = text`, what is written into it then, and the line of the program that this computes."""

    name: str
    text: str
    line: Line
    then: tuple[str, ...] = ()
    fills: tuple[Line, ...] = ()  # those that add at an index

    @property
    def lines(self) -> list[str]:
        """The lines of source."""
        return [f"{self.name} = {self.text}", *self.then]

    @property
    def forward(self) -> bool:
        """Whether it computes a value of the loss, not a gradient."""
        return self.line.origin is not None and self.line.origin.part == "forward"


class Statements:
    """The statements of a program.

    Args:
        program: with named inputs.
        name: gives the name of a value.
        named: values whose names say something: each has a statement.
        pairs: a gradient's value, and the value that it is the gradient of: neither has a statement alone.

    Attributes:
        of: the statement that computes a value.
        absorbed: what is only written into another value.
    """

    def __init__(
        self, program: Program, name: Callable[[Var], str], named: Iterable[Var], pairs: Mapping[Var, Var]
    ) -> None:
        self._program = program
        self._reads = {line.target: tuple(line.variables()) for line in program.lines}
        self._uses = Counter(var for line in program.lines for var in self._reads[line.target])
        self._readers = {var: line.fn for line in program.lines for var in self._reads[line.target]}
        self._returned = {var for var in program.outputs.values() if type(var) is Var}
        self.absorbed = self._sums_of_fills()
        standing, before = set(named) | self._returned, -1
        while len(standing) != before:
            before = len(standing)
            self._write_all(lambda _: "t0", standing, decide=True)
            standing |= {pairs[var] for var in standing if var in pairs}
        self._write_all(name, standing)

    def _write_all(self, names: Callable[[Var], str], standing: set[Var], decide: bool = False) -> None:
        """Text for every line; with `decide`, add the values that need a statement to `standing`."""
        self._helpers, self._standing = Helpers(), standing
        self._texts = {var: Text(str(var.name)) for var in self._program.inputs}
        self._write = Writer(self._texts.__getitem__, self._helpers)
        self._lines: dict[Var, Line] = {}
        self.of: dict[Var, Statement] = {}
        for line in self._program.lines:
            self._lines[line.target] = line
            if line.target in self.absorbed:
                continue
            name = names(line.target) if line.target in standing else "t0"
            fills = self._fills(line)
            if fills:
                text, then = Text(f"np.zeros({line.target.shape}{kind(line.target)})"), self._filled(fills, name)
            elif line.fn is put:
                text, then = self._put(line, name)
            else:
                text, then = self._write(line), ()
            if decide:
                standing.update(self._apart(line, text.text, standing, bool(then)))
            if line.target in standing:
                self.of[line.target] = Statement(name, text.text, line, then, fills)
                text = Text(name)
            self._texts[line.target] = text

    def _sums_of_fills(self) -> set[Var]:
        """The values that are added at an index, and only added to others of that kind: one array takes them all."""
        sparse: set[Var] = set()
        absorbed: set[Var] = set()
        for line in self._program.lines:
            if line.fn is scatter and line.target not in self._returned:
                sparse.add(line.target)
            elif line.fn is np.add and all(
                type(arg) is Var and arg in sparse and self._uses[arg] == 1 for arg in line.args
            ):
                absorbed.update(line.args)
                sparse.update({line.target} - self._returned)
        return absorbed

    def _fills(self, line: Line) -> tuple[Line, ...]:
        """The lines that add at an index, for one of them or a sum of them."""
        fills, pending = [], [line]
        while pending:
            line = pending.pop()
            if line.fn is scatter:
                fills.append(line)
            elif line.fn is np.add and all(type(arg) is Var and arg in self.absorbed for arg in line.args):
                pending += [self._lines[var] for var in reversed(line.args)]
        return tuple(fills)

    def _filled(self, fills: tuple[Line, ...], name: str) -> tuple[str, ...]:
        """The lines that write gradients into zeros."""
        lines = []
        for k, (g, index, _) in enumerate(fill.args for fill in fills):
            spread = self._lines.get(g) if type(g) is Var else None
            if spread is not None and spread.fn is np.broadcast_to and g not in self._standing:  # as writing does
                g = spread.args[0]
            added, where = self._write.value(g).text, self._write.index(index)
            if chooses_once(substituted(index, {var: var.value for var in variables(index)})):
                lines.append(f"{name}[{where}] {'+' if k else ''}= {added}")
            else:
                where = f"np.s_[{where}]" if _has_slices(index) else self._write.value(index).text
                lines.append(f"np.add.at({name}, {where}, {added})")
        return tuple(lines)

    def _put(self, line: Line, name: str) -> tuple[Text, tuple[str, ...]]:
        a, index, value = (line.args[0], line.args[1], self._write.value(line.args[2]).text)
        old = self._write.value(a)
        copied = f"{old.inside(ATOM)}.copy()" if type(a) is Var else f"np.array({old.text})"
        if old.text.startswith("np.zeros("):  # this is a copy already
            copied = old.text
        return Text(copied), (f"{name}[{self._write.index(index)}] = {value}",)

    def value(self, value: Any) -> Text:
        """How later statements call a value of the program."""
        return self._write.value(value)

    def source(self, gradients: Iterable[str]) -> str:
        """The module with `backprop`, which returns the loss and these outputs of the program."""
        returned = {key: self.value(value).text for key, value in self._program.outputs.items()}
        listed = ", ".join(f'"{name}": {returned[name]}' for name in gradients)
        result = f"    return {returned['loss']}, {{{listed}}}"
        if len(result) > _WIDEST:
            entries = [f'        "{name}": {returned[name]},' for name in gradients]
            result = "\n".join([f"    return {returned['loss']}, {{", *entries, "    }"])
        arguments = ", ".join(["*", *(str(var.name) for var in self._program.inputs)])
        parts: dict[bool, list[str]] = {True: [], False: []}
        for statement in self.ordered():
            first, *rest = statement.lines
            parts[statement.forward] += [f"    {commented(first, statement.line.target.shape)}"]
            parts[statement.forward] += [f"    {text}" for text in rest]
        lines = [line for part in self._helpers.source() for line in (part, "", "")]
        lines += [f"def backprop({arguments}):", "    # forward", *parts[True], "    # backward", *parts[False]]
        return "\n".join([*lines, result]) + "\n"

    def _apart(self, line: Line, text: str, standing: set[Var], filled: bool) -> Iterator[Var]:
        """The values that need statements of their own, now that this line is written."""
        if line.fn is np.transpose and len(line.args) == 1:  # those are views
            inside = len(text) < 20
        else:
            wide = _LONGEST - 2 if self._readers.get(line.target) is np.negative else _WIDE
            inside = self._uses[line.target] == 1 and len(text) <= wide and not filled
        parts = [var for var in self._reads[line.target] if var in self._lines and var in self._texts]
        lengths = {var: len(self._texts[var].text) for var in parts}
        yield from apart(line, {**lengths, line.target: len(text)}, standing, inside=inside, longest=_LONGEST)

    def ordered(self) -> list[Statement]:
        """The statements in the order of the program, but what is only returned as early as it can be."""
        steps: list[Statement] = []
        finals: dict[int, list[Statement]] = defaultdict(list)
        needs: dict[Var, int] = {}  # how many of the steps must be done for a value to be there
        for line in self._program.lines:
            needs[line.target] = max((needs.get(var, 0) for var in self._reads[line.target]), default=0)
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


def _has_slices(index: Any) -> bool:
    return any(isinstance(part, slice) or part is Ellipsis or part is None for part in _parts(index))


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)
