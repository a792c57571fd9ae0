"""Which part of a wrong line is wrong: the smallest one that, were it something else, would make the line right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.program.program import Line, Var
from autograd.testing.aliases import operands, syntax_of
from autograd.testing.dataflow import Dataflow, Fault, _alike
from autograd.testing.recording import Recording
from autograd.testing.rerun import computed
from autograd.testing.source import Range, Statement, range_of
from autograd.testing.truth import Truth, arrangements

_MOST = 500  # other values that are tried in one line


def wrong_part(recording: Recording, truth: Truth, flow: Dataflow, fault: Fault) -> Range | None:
    """Where the wrong part of a line stands; the whole of what it computes where no smaller part explains it."""
    statement = fault.unit.statement
    whole = range_of(statement.value) if statement.value is not None else None
    edited = fault.repair.edit.old if fault.repair is not None else None
    parts = list(ast.walk(statement.value))[1:] if statement.value is not None else []
    if edited is not None and any(node is edited for node in parts):
        return range_of(edited)
    if edited is not None and isinstance(edited, ast.Name) and not statement.first <= edited.lineno <= statement.last:
        return whole  # a number that was wrong where the variable got it
    wrong = [(v, r) for v, r in zip(fault.unit.values, fault.rights, strict=False) if not _alike(v.value, r)]
    if not wrong or statement.node is None:
        return whole
    var, right = wrong[0]
    lines = _lines(flow, var, statement)
    values = flow.values
    tried = 0
    with np.errstate(all="ignore"):
        for others in (_gradients, _values):  # a gradient that is known explains more than another value that fits
            for line in lines:
                for position, (arg, node) in enumerate(operands(syntax_of(recording, line, statement), line)):
                    if type(arg) is not Var or not hasattr(node, "lineno"):
                        continue
                    for other in others(truth, arg):
                        tried += 1
                        if tried > _MOST:
                            return whole
                        if _gives(lines, line, position, other, values, var, right):
                            return range_of(node)
    return whole


def _lines(flow: Dataflow, var: Var, statement: Statement) -> list[Line]:
    """The calls of a statement that led to a value, in order."""
    found = [line for line in flow.lines if line.target in flow.behind(var)]
    return [line for line in found if line.target is var or flow.is_inside(line.target, statement)]


def _gradients(truth: Truth, arg: Var) -> Iterator[Any]:
    """The true gradients that might stand in the place of an operand, also where a sum was left out."""
    shape, size = np.shape(arg.value), np.size(arg.value)
    for _, true in truth.gradients:
        if true.size == size:
            yield from arrangements(true, shape)
        elif true.size > 1 and true.size < size and len(shape) > 1:
            yield from (true.reshape(-1, 1), true.reshape(1, -1))


def _values(truth: Truth, arg: Var) -> Iterator[Any]:
    """The values of the forward pass and of the rules that might, and the transpose."""
    shape, size = np.shape(arg.value), np.size(arg.value)
    for value in truth.values_of_size(size):
        yield from arrangements(value, shape)
    if len(shape) == 2:
        yield np.transpose(arg.value)


def _gives(
    lines: list[Line], at: Line, position: int, other: Any, values: dict[Any, Any], var: Var, right: Any
) -> bool:
    """Whether a statement gives the right value with another operand at one place."""
    changed = dict(values)
    after = lines[lines.index(at) :]
    for line in after:
        try:
            if line is at:
                args = list(line.args)
                args[position] = other
                changed[line.target] = computed(Line(line.target, line.fn, tuple(args), line.kwargs), changed)
            else:
                changed[line.target] = computed(line, changed)
        except Exception:  # shapes that do not fit
            return False
    return _alike(changed[var], right)
