"""Algebra on the lines of a program, so that it reads as a person would have written it.

Nothing here changes a value but by rounding: constants are multiplied beforehand, and x / b / b is x / b**2.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

import numpy as np

from autograd.program.program import Line, Program, Var, shortened, substituted
from autograd.program.ratio import over, parts, ratio, times

_NEUTRAL: dict[Any, tuple[Any, Any]] = {  # the constant that changes nothing, on the left and on the right
    np.add: (0, 0),
    np.subtract: (None, 0),
    np.multiply: (1, 1),
    np.divide: (None, 1),
}
_SAME = {np.reshape, np.astype, np.broadcast_to, np.positive}  # give back what is so already
_SHAPING = {np.broadcast_to, np.expand_dims, np.reshape, np.transpose}  # keep a number that is everywhere
_KINKS: dict[Any, Any] = {np.maximum: np.greater, np.minimum: np.less}


def simplified(program: Program, constants: Mapping[Var, Any], *, kept: Iterable[Var] = ()) -> Program:
    """`program` with inputs that are known numbers worked in, and what they make trivial left out.

    Values in `kept` stay as they are.
    """
    uses = Counter(var for line in program.lines for var in line.variables())
    uses.update(var for var in program.outputs.values() if type(var) is Var)
    uses.update(kept)
    work = _Simplifier(constants, uses)
    for line in program.lines:
        work.take(line)
    outputs = {key: substituted(var, work.same) for key, var in program.outputs.items()}
    lines, same = shortened(work.lines, outputs.values())
    outputs = {key: substituted(var, same) for key, var in outputs.items()}
    inputs = [var for var in program.inputs if var not in constants]
    return Program(inputs, map(_polished, lines), outputs, work.same | same)


_INPUT = Line(Var(None), None, (), {})  # type: ignore[arg-type]  # stands for the line of what no line computes


class _Simplifier:
    """What is known of the values so far: those that are another one or a number, and the line of each."""

    def __init__(self, constants: Mapping[Var, Any], uses: Mapping[Var, int]) -> None:
        self.lines: list[Line] = []
        self.same: dict[Var, Any] = dict(constants)
        self.definitions: dict[Var, Line] = {}
        self.uses = Counter(uses)

    def take(self, line: Line) -> None:
        """Add a line, or what it comes to."""
        line = line.changed(self.same)
        result = self._constant(line)
        if result is None:
            elementwise = _is_elementwise(line.fn) and line.fn.nout == 1 and not line.kwargs
            chooses = line.fn is np.where and len(line.args) == 3 and line.target.dtype == np.float64
            line = self._bare(line) if elementwise or chooses else line
            result = self._trivial(line)
        if result is None and not line.is_forward:  # what the user wrote stays as it is
            line = self._collected(line) if _is_elementwise(line.fn) and not line.kwargs else self._shaped(line)
            result = self._trivial(line)
        if isinstance(result, Line):
            line, result = result, None
        if result is not None:
            self.same[line.target] = result
            return
        self.definitions[line.target] = line
        self.lines.append(line)

    def _definition(self, value: Any) -> Line:
        """The line that computes a value."""
        return self.definitions.get(value, _INPUT) if type(value) is Var else _INPUT

    def _once(self, value: Any) -> Line:
        """The line that computes a value which is used here only."""
        return self._definition(value) if type(value) is Var and self.uses[value] == 1 else _INPUT

    def _constant(self, line: Line) -> Any:
        """A number in place of a line on numbers, or a line that spreads one over an array; else None."""
        target, args = line.target, [self._number(arg) for arg in line.args]
        if target.shape == () and not line.variables():
            return _computed(line.fn, args, target)
        if not target.shape or line.kwargs.keys() - {"axis", "keepdims"}:
            return None
        if any(self._number(var) is None for var in line.variables()):
            return None
        if line.fn in _SHAPING:
            spread = Line(target, np.broadcast_to, (args[0], target.shape), {}, line.origin)
            return spread if type(line.args[0]) is Var else None
        if target.dtype is None or target.dtype.kind != "f" or not target.value.size or np.ptp(target.value) != 0:
            return None
        number = _computed(line.fn, args, Var(target.value.flat[0]))
        return Line(target, np.broadcast_to, (number, target.shape), {}, line.origin)

    def _number(self, value: Any) -> Any:
        """The number that a value is, or that it holds everywhere, or None."""
        if _is_number(value):
            return value
        line = self._definition(value)
        return line.args[0] if line.fn is np.broadcast_to and _is_number(line.args[0]) else None

    def _is(self, value: Any, number: Any) -> bool:
        """Whether a value is this number, or everywhere that; what is 0 by its derivative is a zero too."""
        if self._definition(value) is not _INPUT:
            value = 0 if self._definition(value).fn is np.zeros_like else self._number(value)
        return _is(value, number)

    def _bare(self, line: Line) -> Line:
        """A ufunc broadcasts by itself: its operands need not be broadcast before, nor get axes in front."""
        args = list(line.args)
        for k in range(len(args)):
            others = [np.shape(_like(other)) for j, other in enumerate(args) if j != k]
            while (before := self._definition(args[k])) is not _INPUT:
                spreads = before.fn is np.broadcast_to or _leads(before)
                if not spreads or np.broadcast_shapes(np.shape(_like(before.args[0])), *others) != line.target.shape:
                    break
                args[k] = before.args[0]
        return Line(line.target, line.fn, tuple(args), line.kwargs, line.origin, line.errors)

    def _trivial(self, line: Line) -> Any:
        """What a line gives back unchanged, or None."""
        target, fn = line.target, line.fn
        if fn in _NEUTRAL and not line.kwargs:
            left, right = _NEUTRAL[fn]
            a, b = line.args
            if self._is(b, right) and _alike(a, target):
                return a
            if left is not None and self._is(a, left) and _alike(b, target):
                return b
        first = line.args[0] if line.args else None
        if fn is np.where and type(first) is np.ndarray and np.all(first == np.any(first)):
            chosen = line.args[1 if np.any(first) else 2]
            return chosen if _alike(chosen, target) else None
        if fn in _SAME and _alike(first, target):
            return first
        before = self._definition(first)
        if fn is np.expand_dims and before.fn is operator.getitem and line.args[1:] == (-1,):
            whole = before.args[0]
            return whole if before.args[1] == (..., 0) and np.shape(_like(whole)) == target.shape else None
        undone = fn in (np.negative, np.transpose) and before.fn is fn and len(line.args) == len(before.args) == 1
        return before.args[0] if undone else None

    def _collected(self, line: Line) -> Line:
        """Signs and constant factors in one place: a minus stands before all factors, a number before the others."""
        if line.fn is np.negative:
            difference = self._once(line.args[0])
            return _line(line, np.subtract, *difference.args[::-1]) if difference.fn is np.subtract else line
        if len(line.args) != 2:
            return line
        a, b = line.args
        if line.fn is np.multiply and _is_number(b):
            a, b = b, a
        positive, other = self._positive(a), self._positive(b)
        if line.fn in (np.add, np.subtract):
            if other is not None:
                return _line(line, np.subtract if line.fn is np.add else np.add, a, other)
            if positive is not None and line.fn is np.add:
                return _line(line, np.subtract, b, positive)
        elif line.fn in (np.multiply, np.divide):
            if positive is None and other is None:
                return self._product(line, a, b)
            a, b = a if positive is None else positive, b if other is None else other
            if positive is not None and other is not None:
                return self._product(line, a, b)
            return _line(line, np.negative, self._new(self._product(_line(line, line.fn, a, b), a, b)))
        elif line.fn in _KINKS.values() and _is(b, 0):  # relu(z) > 0 where z > 0
            kink = self._definition(a)
            rest = [arg for arg in kink.args if not _is(arg, 0)]
            if line.fn is _KINKS.get(kink.fn) and len(rest) == 1:
                return _line(line, line.fn, rest[0], b)
        return line

    def _positive(self, value: Any) -> Any:
        """What `value` is the negative of, if that is how it is written."""
        if _is_number(value):
            return None if value >= 0 or value != value else -value if type(value) in (int, float) else _negative(value)
        return self._once(value).args[0] if self._once(value).fn is np.negative else None

    def _product(self, line: Line, a: Any, b: Any) -> Line:
        """A product or quotient of two values without signs: numbers in one factor, the same divisors in one power."""
        dtype = line.target.dtype
        inner = self._once(b if line.fn is np.multiply else a)
        if inner.target.dtype != dtype:
            inner = _INPUT
        if line.fn is np.divide:
            if _is_number(b) and inner.fn is np.multiply and _is_number(inner.args[0]):
                return _line(line, np.multiply, over(inner.args[0], b, dtype), inner.args[1])
            if type(b) is Var and inner.fn is np.divide and inner.args[1] is b:
                return _line(line, np.divide, inner.args[0], self._new(_line(line, np.square, b)))
            return _line(line, np.divide, a, b)
        a = _share(a, line.target)
        if _is_number(a):
            if inner.fn is np.multiply and _is_number(inner.args[0]):
                return _line(line, np.multiply, times(a, inner.args[0], dtype), inner.args[1])
            if inner.fn is np.divide and _is_number(inner.args[1]):
                return _line(line, np.multiply, over(a, inner.args[1], dtype), inner.args[0])
        elif (number := self._factor(a, dtype)) and (other := self._factor(b, dtype)):
            both = _line(line, np.multiply, times(number[0], other[0], dtype), number[1])
            return _line(line, np.multiply, self._new(both), other[1])
        if a is b and dtype is not None and dtype.kind == "f":
            return _line(line, np.square, a)
        return _line(line, np.multiply, a, b)

    def _factor(self, value: Any, dtype: Any) -> tuple[Any, Any] | None:
        """The number that a value is multiplied with or divided by, and what else it is, if it is used here only."""
        line = self._once(value)
        if line.target.dtype != dtype or len(line.args) != 2:
            return None
        a, b = line.args
        if line.fn is np.multiply and _is_number(a) and type(b) is Var:
            return a, b
        return (over(1, b, dtype), a) if line.fn is np.divide and _is_number(b) and type(a) is Var else None

    def _new(self, line: Line) -> Any:
        """A value on the way, which is used once."""
        result = self._trivial(line)
        if result is not None:
            return result
        target = Var(line.compute({var: var.value for var in line.variables()}))
        self.uses[target] = 1
        self.definitions[target] = Line(target, line.fn, line.args, line.kwargs, line.origin)
        self.lines.append(self.definitions[target])
        return target

    def _shaped(self, line: Line) -> Line:
        """Transposes by that name, those of products without, sums over all axes; a minus stands before a sum.

        What is broadcast needs no axes in front.
        """
        inner = self._once(line.args[0]) if line.args else _INPUT
        if line.fn is np.swapaxes and line.target.value.ndim == 2 and set(np.mod(line.args[1:], 2)) == {0, 1}:
            line = _line(line, np.transpose, line.args[0])
        if line.fn is np.transpose and len(line.args) == 1 and inner.fn in (np.matmul, np.dot):
            if all(np.ndim(_like(arg)) == 2 for arg in inner.args):
                a, b = (self._new(_line(line, np.transpose, arg)) for arg in inner.args)
                return _line(line, inner.fn, b, a)
            return line
        if line.fn is np.broadcast_to and _leads(inner):
            return _line(line, np.broadcast_to, inner.args[0], *line.args[1:])
        if line.fn not in (np.sum, np.add.reduce):
            return line
        axes = line.kwargs.get("axis")
        if line.kwargs.keys() == {"axis"} and type(axes) is tuple and len(axes) == np.ndim(_like(line.args[0])):
            line = _line(line, np.sum, *line.args)
        if inner.fn is not np.negative:
            return line
        total = Line(line.target, line.fn, (inner.args[0], *line.args[1:]), line.kwargs, line.origin)
        return _line(line, np.negative, self._new(total))


def _line(line: Line, fn: Any, *args: Any) -> Line:
    """Another way to compute what `line` does."""
    return Line(line.target, fn, args, {}, line.origin)


def _negative(number: Any) -> Any:
    numerator, denominator = parts(number)
    return ratio(-numerator, denominator, number.dtype)


def _computed(fn: Any, args: list[Any], target: Var) -> Any:
    """The number that a line on numbers gives, as a fraction where it is one."""
    if target.dtype is not None and target.dtype.kind == "f" and all(arg is not None for arg in args):
        if fn is np.multiply:
            return times(args[0], args[1], target.dtype)
        if fn is np.divide and args[1] != 0:
            return over(args[0], args[1], target.dtype)
        if fn is np.negative:
            return times(-1, args[0], target.dtype)
    return target.value


def _polished(line: Line) -> Line:
    """x / n rather than 1 / n * x."""
    if line.fn is np.multiply and _is_number(line.args[0]) and _dtype(line.args[1]) == line.target.dtype:
        numerator, denominator = parts(line.args[0])
        if numerator == 1 and denominator.is_integer() and denominator != 1:
            return _line(line, np.divide, line.args[1], ratio(denominator, 1, line.target.dtype))
    return line


def _share(value: Any, target: Var) -> Any:
    """A number that a rule computed from a size, as the fraction that it is."""
    if not _is_number(value) or parts(value)[1] != 1 or len(str(abs(float(value)))) <= len("0.5"):
        return value
    for n in (target.value.size, *np.shape(target.value)[:1]):
        count = round(float(value) * n)
        if 1 <= abs(count) <= 9 and count / n == value:
            return ratio(count, n, target.dtype)
    return value


def _is_elementwise(fn: Any) -> TypeGuard[np.ufunc]:
    return isinstance(fn, np.ufunc) and fn.signature is None


def _leads(line: Line) -> bool:
    """Whether a line puts an axis in front."""
    return line.fn is np.expand_dims and line.args[1:] in ((0,), ((0,),))


def _dtype(value: Any) -> Any:
    return value.dtype if type(value) is Var else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.floating, np.integer)) and not isinstance(value, bool)


def _is(value: Any, number: Any) -> bool:
    return _is_number(value) and number is not None and bool(value == number)


def _alike(value: Any, target: Var) -> bool:
    return type(value) is Var and value.shape == target.shape and value.dtype == target.dtype


def _like(value: Any) -> Any:
    """Something with the shape of `value`."""
    return value.value if type(value) is Var else value
