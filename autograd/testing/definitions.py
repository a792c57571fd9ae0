"""Lines that are wrong because a size is: `m = W.shape[1]`, where the samples were meant to be counted."""

from __future__ import annotations

import ast
from dataclasses import replace
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd.testing.expressions import text_of
from autograd.testing.recording import Recording
from autograd.testing.source import statements_of

if TYPE_CHECKING:
    from autograd.testing.dataflow import Fault


class Size(NamedTuple):
    """What gave a variable its value, its name, and the lines that read it."""

    node: ast.Assign
    name: str
    read: frozenset[int]


def by_definition(faults: list[Fault], recording: Recording) -> list[Fault]:
    """The faults, with the line of a size in the place of all lines that read it and are right with another one."""
    found: list[Fault] = []
    groups: dict[Any, list[Fault]] = {}
    for fault in faults:
        size = size_in(fault, recording)
        if size is None or fault.repair is None:
            found.append(fault)
        else:
            groups.setdefault((*size, text_of(fault.repair.edit.new)), []).append(fault)
    for (node, name, read, right), group in groups.items():
        everywhere = read == {fault.unit.statement.first for fault in group}
        for fault in group:
            if everywhere and fault.repair is not None:
                own = replace(fault.unit.statement, node=node, first=node.lineno, last=node.lineno, column=0)
                repair = replace(fault.repair, statement=own, line=f"{name} = {right}")
                fault = replace(fault, unit=replace(fault.unit, statement=own), repair=repair)
            found.append(fault)
    return found


def size_in(fault: Fault, recording: Recording) -> Size | None:
    """Where a line is right with another size in a variable's place: that variable.

    None where another variable has the right size.
    """
    edit = fault.repair.edit if fault.repair is not None else None
    if edit is None or not isinstance(edit.old, ast.Name) or isinstance(edit.new, (ast.Name, ast.Constant)):
        return None
    frame = recording.spots[fault.unit.values[0]].frame
    if not isinstance(frame.f_locals.get(edit.old.id), (int, np.integer)):
        return None
    given, read = _given_and_read(frame.f_code, edit.old.id)
    if len(given) != 1 or not isinstance(given[0].value, (ast.Subscript, ast.Call, ast.Attribute)):
        return None
    return Size(given[0], edit.old.id, read)


def _given_and_read(code: CodeType, name: str) -> tuple[list[ast.Assign], frozenset[int]]:
    """The statements of a function that give a variable its value, and the lines of those that read it."""
    statements = [node for node in statements_of(code) if not hasattr(node, "body")]
    given = [n for n in statements if isinstance(n, ast.Assign) and [text_of(t) for t in n.targets] == [name]]
    loads = ((s, n) for s in statements for n in ast.walk(s) if isinstance(n, ast.Name) and n.id == name)
    return given, frozenset(s.lineno for s, n in loads if isinstance(n.ctx, ast.Load))
