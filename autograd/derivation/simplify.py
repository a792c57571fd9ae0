"""Algebra on the lines of a program, so that it reads as a person would have written it.

Nothing here changes a value but by the rounding of constants that are multiplied beforehand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.derivation.program import Line, Program, Var, substituted

_NEUTRAL: dict[Any, tuple[Any, Any]] = {  # the constant that changes nothing, on the left and on the right
    np.add: (0, 0),
    np.subtract: (None, 0),
    np.multiply: (1, 1),
    np.divide: (None, 1),
}


def simplified(program: Program, constants: Mapping[Var, Any], *, exact: bool = False) -> Program:
    """`program` with inputs that are known numbers worked in, and what they make trivial left out.

    With `exact`, constants stay where they are, and so does the rounding.
    """
    uses = Counter(var for line in program.lines for var in line.variables())
    uses.update(var for var in program.outputs.values() if type(var) is Var)
    work = _Simplifier(constants, uses, exact)
    lines = [changed for line in program.lines if (changed := work.line(line)) is not None]
    outputs = {key: substituted(var, work.same) for key, var in program.outputs.items()}
    inputs = [var for var in program.inputs if var not in constants]
    return Program(inputs, lines, outputs, work.same).simplified()


class _Simplifier:
    """What is known of the values so far: those that are another one or a number, and how each was made."""

    def __init__(self, constants: Mapping[Var, Any], uses: Mapping[Var, int], exact: bool) -> None:
        self.same: dict[Var, Any] = dict(constants)
        self.made: dict[Var, Line] = {}
        self.uses, self.exact = uses, exact

    def line(self, line: Line) -> Line | None:
        line = line.changed(self.same)
        target = line.target
        if target.shape == () and not any(True for _ in line.variables()):
            self.same[target] = target.value
            return None
        if isinstance(line.fn, np.ufunc) and line.fn.nout == 1 and not line.kwargs:
            line = self._bare(line)
        found = self._trivial(line)
        if found is None and isinstance(line.fn, np.ufunc) and not line.kwargs and not self.exact:
            line = self._gathered(line)
            found = self._trivial(line)
        if found is not None:
            self.same[target] = found
            return None
        self.made[target] = line
        return line

    def _bare(self, line: Line) -> Line:
        """A ufunc broadcasts by itself: its operands need not be broadcast before."""
        args = list(line.args)
        for k, arg in enumerate(args):
            made = self.made.get(arg) if type(arg) is Var else None
            if made is None or made.fn is not np.broadcast_to:
                continue
            others = [np.shape(_like(other)) for j, other in enumerate(args) if j != k]
            if np.broadcast_shapes(np.shape(_like(made.args[0])), *others) == line.target.shape:
                args[k] = made.args[0]
        return Line(line.target, line.fn, tuple(args), line.kwargs, line.origin, line.where)

    def _trivial(self, line: Line) -> Any:
        """What a line gives back unchanged, or None."""
        target, fn = line.target, line.fn
        if fn in _NEUTRAL and not line.kwargs:
            left, right = _NEUTRAL[fn]
            a, b = line.args
            if _is(b, right) and _alike(a, target):
                return a
            if left is not None and _is(a, left) and _alike(b, target):
                return b
        first = line.args[0] if line.args else None
        if fn in (np.reshape, np.astype, np.broadcast_to, np.positive) and _alike(first, target):
            return first
        made = self.made.get(first) if type(first) is Var else None
        if (
            fn is np.transpose
            and made is not None
            and made.fn is np.transpose
            and len(line.args) == len(made.args) == 1
        ):
            return made.args[0]
        return made.args[0] if fn is np.negative and made is not None and made.fn is np.negative else None

    def _gathered(self, line: Line) -> Line:
        """Signs and constant factors in one place."""
        fn, target = line.fn, line.target
        if fn is np.negative:
            made = self._once(line.args[0])
            if made is not None and made.fn is np.multiply and _number(made.args[0]):
                return Line(target, np.multiply, (-made.args[0], made.args[1]), {}, line.origin)
            if made is not None and made.fn is np.subtract:
                return Line(target, np.subtract, made.args[::-1], {}, line.origin)
        if fn in (np.multiply, np.add):
            a, b = line.args
            if _number(b) and not _number(a):
                a, b = b, a
                line = Line(target, fn, (a, b), {}, line.origin)
            if fn is np.multiply and _number(a):
                return self._scaled(line, a, b)
            if fn is np.add:
                made = self._once(b)
                if made is not None and made.fn is np.negative:
                    return Line(target, np.subtract, (a, made.args[0]), {}, line.origin)
        return line

    def _scaled(self, line: Line, factor: Any, operand: Any) -> Line:
        made = self._once(operand)
        target = line.target
        if factor == -1:
            return Line(target, np.negative, (operand,), {}, line.origin)
        if made is None or made.target.shape != target.shape or made.target.dtype != target.dtype:
            return line
        if made.fn is np.negative:
            return Line(target, np.multiply, (-factor, made.args[0]), {}, line.origin)
        if made.fn is np.multiply and _number(made.args[0]):
            return Line(target, np.multiply, (factor * made.args[0], made.args[1]), {}, line.origin)
        if made.fn is np.divide and _number(made.args[1]):
            return Line(target, np.multiply, (factor / made.args[1], made.args[0]), {}, line.origin)
        return line

    def _once(self, operand: Any) -> Line | None:
        """The line that made an operand which is used here only."""
        return self.made.get(operand) if type(operand) is Var and self.uses[operand] == 1 else None


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, np.floating, np.integer)) and not isinstance(value, bool)


def _is(value: Any, number: Any) -> bool:
    return _number(value) and number is not None and bool(value == number)


def _alike(value: Any, target: Var) -> bool:
    return type(value) is Var and value.shape == target.shape and value.dtype == target.dtype


def _like(value: Any) -> Any:
    """Something with the shape of `value`."""
    return value.value if type(value) is Var else value
