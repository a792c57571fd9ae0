"""What an operand would have to be for a statement to give the right value: its calls, solved for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd.program.program import Line, Var
from autograd.testing.recording import same
from autograd.testing.rerun import known_value
from autograd.testing.updates import implied

Array = np.ndarray[Any, np.dtype[Any]]


def solved(
    var: Var, right: Any, made: Mapping[Var, Line], inside: Callable[[Var], bool], values: Mapping[Any, Any]
) -> Iterator[tuple[Var, Array]]:
    """Of the values that a statement takes from elsewhere, each one that alone would make its result right.

    Args:
        var: the result, which should be `right`.
        made: the line of each value.
        inside: whether a value is made in the same statement.
        values: of the program.
    """
    line = made.get(var)
    for position, arg in enumerate(line.args if line is not None else ()):
        if type(arg) is not Var or line is None:
            continue
        wanted = _inverse(line, position, np.asarray(right), values)
        if wanted is None or np.shape(wanted) != np.shape(values.get(arg, arg.value)):
            continue
        if inside(arg):
            yield from solved(arg, wanted, made, inside, values)
        else:
            yield arg, wanted


def _inverse(line: Line, position: int, right: Array, values: Mapping[Any, Any]) -> Array | None:
    """The operand of a call, given its result and its other operand."""
    fn = line.fn
    if fn in (same, np.copy, np.positive, np.astype):
        return right
    if fn is np.negative:
        return -right
    if fn is implied:
        return np.asarray(known_value(line.args[0], values) - right * line.args[2]) if position == 1 else None
    if fn is np.transpose and len(line.args) == 1:
        return np.asarray(right.T)
    if fn in (np.reshape, np.ravel) and position == 0:
        return right.reshape(np.shape(known_value(line.args[0], values)))
    if len(line.args) < 2 or position > 1:
        return None
    if fn not in (np.add, np.subtract, np.multiply, np.divide):
        return None
    own, other = known_value(line.args[position], values), np.asarray(known_value(line.args[1 - position], values))
    if fn is np.add:
        return np.asarray(right - other)
    if fn is np.subtract:
        return np.asarray(right + other if position == 0 else other - right)
    if fn is np.multiply:
        return np.asarray(np.where(other != 0, right / np.where(other == 0, 1, other), own))
    if fn is np.divide:
        return np.asarray(
            right * other if position == 0 else np.where(right != 0, other / np.where(right == 0, 1, right), own)
        )
    return None
