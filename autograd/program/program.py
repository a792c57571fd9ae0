"""The straight-line program: what NumPy was asked to do, one call a line, every value assigned once.

`derive` prints it, `compile` plans its memory, and the comparison of hand derivations replays it with one
line changed. It is data: a list of lines on values, with nothing about Tensors in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.text import shown

PURE_SCALARS = (int, float, bool, str, type(None), np.generic, type, np.dtype, slice, range, type(...))
# With no value of the program inside.
_PLAIN = {int, float, bool, str, type(None), np.ndarray, np.dtype, type, type(...)}


class Var:
    """A value of the program: an input, or what one line computes.

    Attributes:
        shape, dtype: of the array; None for a tuple or list of arrays.
        name: how a person calls it, if anybody does.
        value: what it was when the program was recorded.
    """

    __slots__ = ("dtype", "name", "shape", "value")

    def __init__(self, value: Any, name: str | None = None) -> None:
        self.value, self.name = value, name
        self.shape: tuple[int, ...] | None = getattr(value, "shape", None)
        self.dtype: Any = getattr(value, "dtype", None)

    def __repr__(self) -> str:
        return shown(f"<{self.name or 'value'} {self.shape}>")


class Origin(NamedTuple):
    """Why a line is there.

    Attributes:
        part: "forward" for a node's own value, "rule" for what one operand gets, "add" where the gradients of several
            uses meet.
        node: the operation; for "add" the node whose gradient it is.
        operand: the position of the operand, for "rule".
    """

    part: str
    node: Node
    operand: int = -1


class Line:
    """`target = fn(*args, **kwargs)`; the arguments hold Vars, also inside tuples and lists, and constants.

    `errors` is how NumPy treats errors there, as `np.geterr` tells, where that is not as around the program.
    """

    __slots__ = ("_variables", "args", "errors", "fn", "kwargs", "origin", "target")

    def __init__(
        self,
        target: Var,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        origin: Origin | None = None,
        errors: Any = None,
    ) -> None:
        self.target, self.fn, self.args, self.kwargs = target, fn, args, kwargs
        self.origin, self.errors = origin, errors
        self._variables: list[Var] | None = None

    @property
    def is_forward(self) -> bool:
        """Whether it computes the value of an operation of the user's."""
        return self.origin is not None and self.origin.part == "forward"

    def variables(self) -> list[Var]:
        """The values it reads, each as often as it does."""
        if self._variables is None:
            self._variables = variables((*self.args, *self.kwargs.values()) if self.kwargs else self.args)
        return self._variables

    def changed(self, replacement: Mapping[Var, Any]) -> Line:
        """This line, or one like it that reads other values."""
        if not replacement or replacement.keys().isdisjoint(self.variables()):
            return self
        kwargs = {key: substituted(value, replacement) for key, value in self.kwargs.items()}
        args = substituted(self.args, replacement)
        return Line(self.target, self.fn, args, kwargs, self.origin, self.errors)

    def compute(self, values: Mapping[Var, Any]) -> Any:
        """The value of its target, given the values of what it reads."""
        kwargs = {key: substituted(value, values) for key, value in self.kwargs.items()}
        return self.fn(*substituted(self.args, values), **kwargs)


def variables(value: Any) -> list[Var]:
    """The Vars in a nesting of tuples, lists and slices."""
    result: list[Var] = []
    _collect(value, result)
    return result


def _collect(value: Any, result: list[Var]) -> None:
    kind = type(value)
    if kind is Var:
        result.append(value)
    elif kind is tuple or kind is list or isinstance(value, (tuple, list)):
        for part in value:
            if type(part) is Var:
                result.append(part)
            elif type(part) not in _PLAIN:
                _collect(part, result)
    elif kind is slice:
        _collect((value.start, value.stop, value.step), result)


def substituted(value: Any, replacement: Mapping[Var, Any]) -> Any:
    """A nesting with other things in place of its Vars."""
    kind = type(value)
    if kind is Var:
        return replacement.get(value, value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return kind([substituted(part, replacement) for part in value])
    if kind is slice and variables(value):
        return slice(*(substituted(part, replacement) for part in (value.start, value.stop, value.step)))
    return value


class Program:
    """Inputs, lines in order, and outputs by whatever key their user likes.

    A program that was made from another by simplifying knows what became of the `same` value there.

    >>> from autograd.program.trace import Trace
    >>> trace = Trace()
    >>> x = trace.input(np.array([1.0, 2.0]), "x")
    >>> y = np.exp(x) * 2
    >>> print(Program(trace.inputs, trace.lines, {"y": y.symbol}))
    x: (2,)
    %0 = exp(x)
    %1 = multiply(%0, 2)
    y: %1
    """

    def __init__(
        self,
        inputs: Iterable[Var],
        lines: Iterable[Line],
        outputs: Mapping[Any, Var],
        same: Mapping[Var, Any] | None = None,
    ) -> None:
        self.inputs, self.lines, self.outputs = dict.fromkeys(inputs), list(lines), dict(outputs)
        self.same = dict(same or {})

    def now(self, value: Any) -> Any:
        """The value or constant that took the place of one of the program that this one was made from."""
        while type(value) is Var and value in self.same:
            value = self.same[value]
        return value

    def __str__(self) -> str:
        names: dict[Var, Any] = {var: _Shown(var.name or f"@{k}") for k, var in enumerate(self.inputs)}
        lines = [f"{names[var]}: {var.shape}" for var in self.inputs]
        for k, line in enumerate(self.lines):
            names[line.target] = _Shown(f"%{k}")
            args = [repr(arg) for arg in substituted(line.args, names)]
            args += [f"{key}={substituted(value, names)!r}" for key, value in line.kwargs.items()]
            lines.append(f"%{k} = {getattr(line.fn, '__name__', line.fn)}({', '.join(args)})")
        lines += [f"{key}: {names.get(var, var)}" for key, var in self.outputs.items()]
        return shown("\n".join(lines))


class _Shown(str):
    __slots__ = ()
    __repr__ = str.__str__


def shortened(
    lines: Iterable[Line], outputs: Iterable[Any], change: Callable[[Line], Any] | None = None
) -> tuple[list[Line], dict[Var, Any]]:
    """The lines that outputs and impure calls depend on, and what took the place of values that were left out.

    Numbers that depend on no input are as they were, and equal calls are made once. `change` gives another line for
    one, or the value that it gives back unchanged.
    """
    known: dict[Any, Var] = {}
    same: dict[Var, Any] = {}
    short: list[Line] = []
    for line in lines:
        line = line.changed(same)
        target, result = line.target, change(line) if change else line
        if type(result) is not Line:
            same[target] = result
        elif impure(result.fn):
            short.append(result)
        elif target.shape == () and not result.variables():
            same[target] = target.value
        elif (first := known.setdefault(_key(result), target)) is not target:
            same[target] = first
        else:
            short.append(result)
    return needed(short, [same.get(var, var) for var in outputs if type(var) is Var]), same


def needed(lines: Iterable[Line], outputs: Iterable[Any]) -> list[Line]:
    """The lines that the outputs depend on, and those that do more than compute."""
    wanted = {var for var in outputs if type(var) is Var}
    kept = []
    for line in reversed(list(lines)):
        if line.target in wanted or impure(line.fn):
            wanted.update(line.variables())
            kept.append(line)
    return kept[::-1]


def impure(fn: Any) -> bool:
    """Whether a call of `fn` does more than compute its result from its arguments, as drawing numbers does."""
    return getattr(fn, "impure", False) is True


def _key(line: Line) -> Any:
    """Equal for lines that compute the same, and treat errors alike."""
    options = _frozen(tuple(sorted(line.kwargs.items()))) if line.kwargs else ()
    return line.fn, _frozen(line.args), options, *(line.errors or {}).items()


def _frozen(value: Any) -> Any:
    if type(value) in (tuple, list):
        return type(value), tuple([id(part) if type(part) is Var else _frozen(part) for part in value])
    if isinstance(value, slice):
        return slice, _frozen((value.start, value.stop, value.step))
    if isinstance(value, (float, complex, np.inexact)):  # 0.0 and -0.0 differ, NaN equals itself
        return type(value), str(value)
    if isinstance(value, PURE_SCALARS):
        return type(value), value
    return id(value)
