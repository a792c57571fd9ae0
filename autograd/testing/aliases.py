"""Statements that call nothing, `dz = dh` and `return dout`: they pass a value on, which may be the mistake.

Nothing of NumPy's runs there, so that a recording does not see them. They are put into it as lines that give their
argument back: where a value is used by another name than the one that it was made for, and the source says that the
one was assigned to the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

import numpy as np

from autograd.program.program import Line, Var
from autograd.program.trace import Traced
from autograd.testing.expressions import text_of
from autograd.testing.recording import Recording, Spot, same, scope_of
from autograd.testing.source import (
    Range,
    Statement,
    expression_at,
    is_all_of,
    is_authors,
    range_of,
    statement_at,
    statements_of,
)

_COMPARISONS = {ast.Lt: np.less, ast.Gt: np.greater, ast.LtE: np.less_equal, ast.GtE: np.greater_equal}
_SIMPLE = (ast.Name, ast.Constant)
_NUMPY = ("np", "numpy")


def with_aliases(recording: Recording, ends: Mapping[Var, str]) -> dict[Var, Var]:
    """Put such statements into a recording; gives what took the place of each of `ends`, values with their names."""
    known: dict[tuple[Var, int, int], Var] = {}
    lines: list[Line] = []
    for line in recording.lines:
        statement = statement_at(recording.spots[line.target])
        renamed: dict[Var, Var] = {}
        for var, name in _operands(recording, line, statement):
            alias = _alias(recording, var, name, recording.spots[line.target], known, lines)
            if alias is not None:
                renamed[var] = alias
        lines.append(line.changed(renamed) if renamed else line)
    recording.lines[:] = lines
    replaced = {}
    for var, name in ends.items():
        spot = recording.spots.get(var)
        for other in (name, *_later_names(recording, var)) if spot is not None else ():
            alias = _alias(recording, var, other, spot, known, recording.lines, whole=True) if spot else None
            if alias is not None:
                replaced[var] = alias
                break
        else:
            given = _given_back_as(recording, var)
            if given is not None:
                replaced[var] = recording.passed(var, given)
    return replaced


def _given_back_as(recording: Recording, var: Var) -> Spot | None:
    """Where a value is one of several that the function that made it gives back by their names."""
    spot = recording.spots.get(var)
    name = _name(statement_at(spot).target) if spot is not None else ""
    for node in statements_of(spot.frame.f_code) if spot is not None and name else ():
        value = node.value if isinstance(node, ast.Return) else None
        for part in ast.walk(value) if isinstance(value, (ast.Tuple, ast.Dict)) else ():
            if isinstance(part, ast.Name) and part.id == name and spot is not None:
                positions = list(spot.frame.f_code.co_positions())
                at = (part.lineno, part.end_lineno, part.col_offset, part.end_col_offset)
                return Spot(spot.frame, 2 * positions.index(at)) if at in positions else None
    return None


def _later_names(recording: Recording, var: Var) -> list[str]:
    """The names that a value was given after the one that it was made for, in the same function."""
    spot = recording.spots[var]
    own = statement_at(spot)
    assigned = [node for node in statements_of(spot.frame.f_code) if isinstance(node, ast.Assign)]
    later = [node for node in assigned if node.lineno > own.first and isinstance(node.value, ast.Name)]
    return [_name(node.targets[0]) for node in later if _name(node.value) == _made_for(own.target) != ""]


def passed_on(recording: Recording, frame: FrameType) -> None:
    """The arguments of a function that is called, where a statement without calls gave them their names."""
    caller = frame.f_back
    if caller is None:
        return
    spot = Spot(caller, caller.f_lasti)
    held = {id(value): value for value in frame.f_locals.values() if type(value) is Traced}
    node = statement_at(spot).node if held else None
    for name in ast.walk(node) if node is not None else ():
        value = caller.f_locals.get(name.id) if isinstance(name, ast.Name) else None
        if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
            value = getattr(caller.f_locals.get(name.value.id), "__dict__", {}).get(name.attr)
            if type(value) is Traced and id(value) in held:
                recording.named.append((f"{name.value.id}.{name.attr}", value.symbol, len(recording.lines), caller))
                continue
        if type(value) is Traced and id(value) in held and isinstance(name, ast.Name):
            recording.named.append((name.id, value.symbol, len(recording.lines), caller))
            alias = _alias(recording, value.symbol, name.id, spot, {}, recording.lines)
            value.symbol = alias or value.symbol


def given_back(recording: Recording, value: Any, frame: FrameType) -> None:
    """What a function gives back, where a statement without calls gave it its name."""
    spot = Spot(frame, frame.f_lasti)
    node = statement_at(spot).node if isinstance(value, (Traced, tuple, dict)) else None
    for name in ast.walk(node) if isinstance(node, ast.Return) else ():
        part = frame.f_locals.get(name.id) if isinstance(name, ast.Name) else None
        if type(part) is Traced and isinstance(name, ast.Name) and _holds(value, part):
            part.symbol = _alias(recording, part.symbol, name.id, spot, {}, recording.lines) or part.symbol


def kept(recording: Recording, frame: FrameType) -> None:
    """What a function leaves in an attribute, by a statement that calls nothing: `self.x = x`."""
    for node in statements_of(frame.f_code):
        target = node.targets[0] if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) else None
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            value = getattr(frame.f_locals.get(target.value.id), "__dict__", {}).get(target.attr)
            if type(value) is Traced:
                recording.named.append((text_of(target), value.symbol, len(recording.lines), frame))


def _holds(value: Any, part: Traced) -> bool:
    """Whether a value is what is meant, or has it in it."""
    if type(value) is Traced:
        return value is part
    inner = value.values() if isinstance(value, dict) else value
    return any(isinstance(each, (Traced, tuple, dict)) and _holds(each, part) for each in inner)


def received(recording: Recording, value: Any, frame: FrameType) -> None:
    """What a function gives back, where a statement does nothing but take it: `delta = derivative(out, y)`."""
    caller = frame.f_back
    if type(value) is not Traced or caller is None or not is_authors(caller.f_code.co_filename):
        return
    spot = Spot(caller, caller.f_lasti)
    statement = statement_at(spot)
    if isinstance(statement.node, ast.Assign) and is_all_of(statement, spot.position):
        value.symbol = recording.passed(value.symbol, spot)


def operands(expression: Any, line: Line) -> Iterator[tuple[Any, Any]]:
    """The arguments of a call with the syntax that they have in the source."""
    nodes: list[Any] = []
    if line.fn is same and isinstance(expression, ast.Call):  # what the function was given is another value
        return
    if isinstance(expression, ast.BinOp):
        nodes = [expression.left, expression.right]
    elif isinstance(expression, ast.AugAssign):
        nodes = [expression.target, expression.value]
    elif isinstance(expression, ast.Compare):
        nodes = [expression.left, *expression.comparators]
        if _is_turned(line, expression):
            nodes.reverse()
    elif isinstance(expression, ast.UnaryOp):
        nodes = [expression.operand]
    elif isinstance(expression, (ast.Attribute, ast.Subscript)):
        nodes = [expression.value]
    elif isinstance(expression, ast.Call) and not is_sum(expression):
        own = expression.func.value if isinstance(expression.func, ast.Attribute) else None
        spread = len(line.args) == 2 and isinstance(line.args[1], tuple) and text_of(own or expression) not in _NUMPY
        if own is not None and (spread or len(line.args) == len(expression.args) + 1):  # x.reshape(n, k) has one more
            nodes = [own, *([] if spread else expression.args)]
        else:
            nodes = list(expression.args)
    yield from zip(line.args, nodes, strict=False)


def is_sum(node: Any) -> bool:
    """Whether an expression is Python's own sum, which adds one after the other."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum"


def _is_turned(line: Line, comparison: ast.Compare) -> bool:
    """Whether Python asked the array on the right, as of `1 < x`, where there is only a number on the left."""
    left, right = comparison.left, comparison.comparators[0]
    if (fn := _COMPARISONS.get(type(comparison.ops[0]))) is not None:
        return line.fn is not fn
    return type(line.args[1]) is not Var and isinstance(left, _SIMPLE) and not isinstance(right, _SIMPLE)


def syntax_of(recording: Recording, line: Line, statement: Statement) -> Any:
    """The expression, or the statement that adds in place, that a line is."""
    position = recording.spots[line.target].position
    found = expression_at(statement, position)
    return statement.node if found is None and isinstance(statement.node, ast.AugAssign) else found


def _operands(recording: Recording, line: Line, statement: Statement) -> Iterator[tuple[Var, str]]:
    """The values that a line uses by the name of a variable."""
    for arg, node in operands(syntax_of(recording, line, statement), line):
        if type(arg) is Var and arg in recording.spots:
            if isinstance(node, ast.Name):
                yield arg, node.id
            elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):  # of a list
                yield arg, f"{node.value.id}[]"


def _alias(
    recording: Recording,
    var: Var,
    name: str,
    spot: Spot,
    known: dict[tuple[Var, int, int], Var],
    lines: list[Line],
    whole: bool = False,
) -> Var | None:
    """The value that a statement without calls gave a name to, before a place in a function; None if there is none."""
    made = recording.spots.get(var)
    if made is None:
        return None
    code, before = spot.frame.f_code, None if whole else spot.position[0]
    own = statement_at(made)
    if made.frame is spot.frame and _made_for(own.target) == name:
        return None
    assigned = [node for node in statements_of(code) if _given_to(node) == name]
    if name.endswith("[]"):
        assigned = [node for node in assigned if _name(passed_by(node)) == _name(own.target)]
    earlier = [node for node in assigned if before is None or node.lineno < before]
    found = earlier[-1] if earlier else None
    carried = [node for node in assigned if node not in earlier and own.first <= node.lineno]
    if carried and made.frame is spot.frame and own.first > spot.position[0] - 1:  # from one turn of a loop to the next
        found = carried[-1]
    if found is None or not isinstance(passed := passed_by(found), (ast.Name, ast.Attribute)):
        return None
    source = _name(passed)
    if made.frame is spot.frame and _made_for(own.target) != source:
        return None
    if made.frame is spot.frame and found.lineno < own.first <= spot.position[0]:  # else it was made in an earlier turn
        return None
    if made.frame is not spot.frame and whole:
        return None
    instruction = _instruction(code, found)
    if instruction is None:
        return None
    key = var, id(spot.frame), id(found)
    if key not in known:
        line = Line(Var(np.array(var.value) if np.ndim(var.value) else var.value), same, (var,), {})
        lines.append(line)
        recording.spots[line.target] = Spot(spot.frame, instruction)
        recording.scopes[line.target] = _scope(recording, var, spot.frame, found.lineno)
        known[key] = line.target
    return known[key]


def _given_to(node: ast.stmt) -> str:
    """The variable that a statement gives a value to, or `name[]` of a list that it puts one into."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        name = _name(node.targets[0])
        return f"{name}[]" if isinstance(node.value, ast.List) else name
    call = getattr(node, "value", None) if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ("append", "insert"):
        return f"{_name(call.func.value)}[]"
    return ""


def passed_by(node: Any, part: Range | None = None) -> Any:
    """What such a statement passes on, where it computes nothing; of several that it gives back, the one at a place."""
    value = getattr(node, "value", None)
    if isinstance(node, ast.Return) and isinstance(value, (ast.Tuple, ast.List, ast.Dict)):
        names = (name for name in ast.walk(value) if isinstance(name, ast.Name))
        return next((name for name in names if range_of(name) == part), value)
    if isinstance(value, ast.List) and len(value.elts) == 1:
        return value.elts[0]
    return value.args[-1] if isinstance(node, ast.Expr) and isinstance(value, ast.Call) and value.args else value


def _scope(recording: Recording, var: Var, frame: FrameType, before: int) -> dict[str, Any]:
    """The variables when a statement ran, after a value was made: as they were at the last call until then."""
    best, at = var, 0
    lines = recording.lines
    start = next((k for k in range(len(lines) - 1, -1, -1) if lines[k].target is var), 0)
    for line in lines[start:]:
        spot = recording.spots[line.target]
        if spot.frame is frame and line.target in recording.scopes:
            if not at <= spot.position[0] < before:
                break
            best, at = line.target, spot.position[0]
    return recording.scopes.get(best, {}) if recording.spots[best].frame is frame else scope_of(frame)


def _instruction(code: CodeType, node: ast.stmt) -> int | None:
    """The first instruction of a statement's line; of one of several in a line, its own."""
    of_line = [(2 * k, at) for k, at in enumerate(code.co_positions()) if at[0] == node.lineno]
    own = [k for k, at in of_line if at == range_of(node)]
    return next(iter(own or [k for k, _ in of_line]), None)


def _made_for(target: ast.expr | None) -> str:
    """The name that a value was made for: of a part of an array that is written to, the array's."""
    while isinstance(target, ast.Subscript) and not _name(target):
        target = target.value
    return _name(target)


def _name(node: ast.expr | None) -> str:
    """The variable, attribute or entry that is meant, by its last name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return node.slice.value
    return ""
