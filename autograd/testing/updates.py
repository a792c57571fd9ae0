"""The gradient that an update implies: of `W -= lr * dW` it is dW, whatever else the line does to W.

What is subtracted is written down as a value of the program, `(W - updated) / lr`, so that the line of the update is
judged as any other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from autograd.program.program import Line, Var
from autograd.program.trace import Traced
from autograd.rules.write import put
from autograd.testing.recording import Recording, same
from autograd.testing.source import statement_at

_PASSED = {same, np.positive, np.copy, np.astype, np.reshape, np.asarray, np.broadcast_to}


_RATE = re.compile(r"(?i)\b(lr|rate|alpha|eta|step|learn)|_(lr|rate)\b|learning")
_MOST_NUMBERS = 5  # of a line
_MOST_STEPS = 3  # from an update to where its learning rate comes in


class Update(NamedTuple):
    """The first step that a function made.

    Attributes:
        before, after: the parameter.
        rate: the product of the numbers that the last factor was multiplied with; None where there is no one factor.
        ascends: whether that is added.
    """

    before: Var
    after: Var
    rate: float | None
    ascends: bool


class Updates:
    """The updates in a recording.

    Args:
        recording: of a run that is over.
        depends: the values that depend on parameters.
    """

    def __init__(self, recording: Recording, depends: set[Var]) -> None:
        self._recording, self._depends = recording, depends
        self._made = {line.target: line for line in recording.lines}
        self._users: dict[Var, list[Line]] = {}
        for line in recording.lines:
            for var in line.variables():
                self._users.setdefault(var, []).append(line)

    def first(self, before: Var, now: Var) -> Update | None:
        """The first update of a parameter that is `now` another value; None where it is no sum with the parameter."""
        chain = self._chain(before, now)
        if chain is None:
            return None
        after = now
        for var in reversed(chain):  # from the parameter on
            line = self._made[var]
            if line.fn in (np.add, np.subtract) and self._used_besides(var, chain):
                after = var
                break
        rate, ascends = self._rate(before, after)
        return Update(before, after, rate, ascends)

    def rates(self, update: Update) -> list[float]:
        """What the learning rate may be: the number that is called like one, else the products of the line's numbers.

        Of what is added as it is, as a velocity, it may be in the line that made that.
        """
        for var in self._steps(update):
            known = list(self._numbers_at(var))
            if called := [number for named, number in known if named]:
                break
        else:
            known, called = list(self._numbers_at(update.after)), []
        numbers = sorted(known, key=lambda item: (not item[0], item[1]))[:_MOST_NUMBERS]
        products = [
            float(np.prod([number for _, number in chosen]))
            for count in range(1, len(numbers) + 1)
            for chosen in combinations(numbers, count)
        ]
        own = [update.rate] if update.rate and not called else []
        return list(dict.fromkeys([*sorted(called), *own, *products]))

    def _steps(self, update: Update) -> Iterator[Var]:
        """The updated parameter, and what was added to it, by the statements that made them."""
        var = update.after
        yield var
        for _ in range(_MOST_STEPS):
            line = self._made[var]
            base = self._base(line, update.before) if var is update.after else None
            behind = [arg for arg in line.variables() if arg is not base and arg in self._made]
            if line.fn not in (np.add, np.subtract, np.negative, *_PASSED) or not behind:
                return
            var = behind[-1]
            yield var

    def _numbers_at(self, var: Var) -> Iterator[tuple[bool, float]]:
        """The positive numbers in the statement that made a value, and whether they are called like a rate."""
        spot = self._recording.spots[var]
        statement = statement_at(spot)
        scope = {**spot.frame.f_globals, **spot.frame.f_locals}
        for node in ast.walk(statement.node) if statement.node is not None else ():
            if isinstance(node, (ast.Constant, ast.Name, ast.Attribute, ast.Subscript)):
                value = _value(node, scope)
                if isinstance(value, (int, float)) and value > 0:
                    yield bool(_RATE.search(ast.unparse(node))), float(value)

    def implied(self, update: Update, rate: float) -> Var:
        """The value `(before - after) / rate`, in the place of the update."""
        before, after = update.before, update.after
        line = Line(Var(implied(before.value, after.value, rate)), implied, (before, after, rate), {})
        self._recording.lines.append(line)
        self._recording.spots[line.target] = self._recording.spots[after]
        return line.target

    def _chain(self, before: Var, now: Var) -> list[Var] | None:
        """The values from an updated parameter back to what it was, which is left out."""
        chain: list[Var] = []
        while now is not before:
            line = self._made.get(now)
            following = self._base(line, before) if line is not None else None
            if following is None:
                return None
            chain.append(now)
            now = following
        return chain

    def _base(self, line: Line, before: Var) -> Var | None:
        """The operand of an update that is the parameter so far."""
        if line.fn is put and _everything(line.args[1]) and type(line.args[2]) is Var:
            return line.args[2]
        if line.fn is put and type(line.args[0]) is Var:  # of single elements, one after the other
            return line.args[0]
        if line.fn in _PASSED:
            return line.args[0] if type(line.args[0]) is Var else None
        if line.fn in (np.add, np.subtract, np.multiply):
            operands = [arg for arg in line.args[: 1 if line.fn is np.subtract else 2] if type(arg) is Var]
            behind = [arg for arg in operands if self._leads(arg, before)]
            return behind[0] if behind else None
        return None

    def _leads(self, var: Var, before: Var) -> bool:
        """Whether a value is a parameter, changed by updates alone."""
        while var is not before:
            line = self._made.get(var)
            following = self._base(line, before) if line is not None and var in self._depends else None
            if following is None or (
                line is not None and line.fn is np.multiply and not self._by_number(line, following)
            ):
                return False
            var = following
        return True

    def _by_number(self, line: Line, base: Var) -> bool:
        return all(arg is base or self._number(arg) is not None for arg in line.args)

    def _used_besides(self, var: Var, chain: list[Var]) -> bool:
        return any(line.target not in chain for line in self._users.get(var, ()))

    def _rate(self, before: Var, after: Var) -> tuple[float | None, bool]:
        """What the last factor is multiplied with, and whether the product is added."""
        rate, found, ascends = 1.0, 0, False
        for var in self._chain(before, after) or ():
            line = self._made[var]
            if line.fn not in (np.add, np.subtract):
                continue
            base = self._base(line, before)
            step = next((arg for arg in line.args if arg is not base), None)
            found += 1
            ascends = line.fn is np.add
            factor = self._factor(step)
            if factor is None:
                return None, ascends
            rate = factor
        if rate < 0:
            rate, ascends = -rate, not ascends
        return (rate if found == 1 else None), ascends

    def _factor(self, step: Any) -> float | None:
        """The number before what is subtracted; None for a sum of several products."""
        factor = 1.0
        while type(step) is Var and (line := self._made.get(step)) is not None:
            a, b = (*line.args, None, None)[:2]
            if line.fn is np.multiply and self._number(a) is not None:
                factor, step = factor * (self._number(a) or 0.0), b
            elif line.fn is np.multiply and self._number(b) is not None:
                factor, step = factor * (self._number(b) or 0.0), a
            elif line.fn is np.divide and self._number(b):
                factor, step = factor / (self._number(b) or 1.0), a
            elif line.fn is np.negative:
                factor, step = -factor, a
            elif line.fn in _PASSED:
                step = a
            elif line.fn in (np.matmul, np.dot) and (inner := self._within(line)) is not None:
                return factor * inner
            elif line.fn in (np.add, np.subtract) and (kept := self._one_of_two(line)) is not None:
                factor, step = (-factor if line.fn is np.subtract and kept is b else factor), kept
            elif line.fn in (np.add, np.subtract) and self._products(line):
                return factor if factor != 1.0 else None
            else:
                break
        return factor

    def _within(self, line: Line) -> float | None:
        """The number that an operand of a product was multiplied with in the same statement: `0.1 * x.T @ dz`."""
        own = statement_at(self._recording.spots[line.target])
        for part in line.args[:2]:
            made = self._made.get(part) if type(part) is Var else None
            if made is None or made.fn is not np.multiply or statement_at(self._recording.spots[part]) != own:
                continue
            for number, other in (made.args[:2], made.args[1::-1]):
                if self._number(number) is not None and type(other) is Var:
                    return self._number(number)
        return None

    def _one_of_two(self, line: Line) -> Any:
        """The other part of a sum with zeros, as where momentum starts."""
        a, b = line.args[:2]
        for zero, other in ((a, b), (b, a)):
            if (type(zero) is Var and zero not in self._depends and not np.any(zero.value)) or (
                isinstance(zero, (int, float)) and zero == 0
            ):
                return other
        return None

    def _products(self, line: Line) -> bool:
        """Whether a part of a sum is multiplied with a number: `lr * dW + k * W`."""
        for part in line.args[:2]:
            made = self._made.get(part) if type(part) is Var else None
            if made is not None and made.fn is np.multiply and any(self._number(arg) is not None for arg in made.args):
                return True
        return False

    def _number(self, value: Any) -> float | None:
        """A number that depends on no parameter."""
        if type(value) is Var:
            if value in self._depends or np.size(value.value) != 1:
                return None
            value = value.value
        return (
            float(np.asarray(value).item()) if np.size(value) == 1 and np.asarray(value).dtype.kind in "fiu" else None
        )


def implied(before: Any, after: Any, rate: float) -> Any:
    """What was subtracted, over the rate."""
    return (before - after) / rate


def _value(node: Any, scope: dict[str, Any]) -> Any:
    """The number that a name, an attribute or a constant is; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) in (int, float) else None
    if isinstance(node, ast.Name):
        value = scope.get(node.id)
    elif isinstance(node, ast.Subscript):
        owner = _object(node.value, scope)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        value = owner.get(key) if isinstance(owner, dict) else None
    else:
        owner = _object(node.value, scope)
        value = getattr(owner, "__dict__", {}).get(node.attr)
    if type(value) is Traced and value.shape == ():
        return float(value.value)
    return value if type(value) in (int, float) else None


def _object(node: Any, scope: dict[str, Any]) -> Any:
    return scope.get(node.id) if isinstance(node, ast.Name) else None


def _everything(index: Any) -> bool:
    """Whether an index takes a whole array."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is Ellipsis or part == slice(None) for part in parts if type(part) in (type(...), slice)) and all(
        type(part) in (type(...), slice) for part in parts
    )
