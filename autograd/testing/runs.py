"""The times that an expression of the author's ran: its calls, what went into them, and itself computed once more."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.program.program import Line, Var
from autograd.rules.write import put
from autograd.testing.aliases import is_sum, operands, passed_by, syntax_of
from autograd.testing.code import Code
from autograd.testing.expressions import replaced, text_of, with_plain_signs
from autograd.testing.recording import Recording, same
from autograd.testing.source import Range, Statement, range_of
from autograd.testing.vocabulary import Vocabulary

if TYPE_CHECKING:
    from autograd.testing.dataflow import Dataflow


@dataclass
class Run:
    """One time that a statement ran.

    Attributes:
        last: its last call.
        lines: its calls, by where they stand.
        leaves: what went in, by where that stands.
        names: what else its author could have named, by the spelling.
    """

    last: Line
    lines: dict[Range, list[Line]] = field(default_factory=dict)
    leaves: dict[Range, Any] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    frame: FrameType | None = None

    @property
    def target(self) -> Var:
        return self.last.target

    @cached_property
    def code(self) -> Code:
        """Its expressions, to be computed again."""
        return Code(self)


class Runs:
    """The runs of expressions.

    Args:
        flow, recording: of the author's function.
        vocabulary: what could be named.
    """

    def __init__(self, flow: Dataflow, recording: Recording, vocabulary: Vocabulary) -> None:
        self._flow, self._recording, self._vocabulary = flow, recording, vocabulary

    def tree(self, line: Line, statement: Statement) -> Any:
        """The expression that a call computes the whole of."""
        node: Any = statement.node
        if line.fn is put:
            if isinstance(node, ast.AugAssign):
                return as_sum(node)
            return as_written(node) if isinstance(node, ast.Assign) else None
        found = self._syntax(line, statement)
        if isinstance(found, ast.AugAssign):
            return as_sum(found)
        return found if isinstance(found, ast.expr) else None

    def _syntax(self, line: Line, statement: Statement) -> Any:
        """The expression, or the statement, that a line is."""
        if line.fn is same:
            return passed_by(statement.node, self._recording.spots[line.target].position)
        return syntax_of(self._recording, line, statement)

    def of(self, var: Var) -> list[Run]:
        """Each time that the expression was computed."""
        at, fn = self._flow.expression(var), self._flow.made[var].fn
        alike = [line for line in self._flow.lines if line.fn is fn and self._flow.expression(line.target) == at]
        alike = [line for line in alike if line.target not in self._recording.moves]
        inner = {line.args[0] for line in alike if self._is_summing(line)}
        return [self._run(line) for line in alike if line.target not in inner]

    def _is_summing(self, line: Line) -> bool:
        """Whether a call is one of those that Python's own sum makes."""
        return type(line.args[0]) is Var and is_sum(self._syntax(line, self._flow.statement(line.target)))

    def _run(self, last: Line) -> Run:
        flow = self._flow
        statement = flow.statement(last.target)
        run = Run(last, frame=self._recording.spots[last.target].frame)
        inside = [last]
        for line in inside:
            for arg in line.variables():
                made = flow.made.get(arg)
                if made is None or made in inside or made.fn is same or not flow.is_inside(arg, statement):
                    continue
                if self._in_one_run(made, line):
                    inside.append(made)
        nodes = {}
        for line in sorted(inside, key=lambda line: flow.order[line.target]):
            if line.fn is put:
                continue
            node = self._syntax(line, statement)
            if isinstance(node, ast.AugAssign):
                node = as_sum(node)
            if node is None or not hasattr(node, "lineno"):
                continue
            nodes[line.target] = node
            if line.fn is same:
                run.leaves[range_of(node)] = line.args[0]
                continue
            run.lines.setdefault(range_of(node), []).append(line)
        for line in inside:
            if line.fn is put:
                value: Any = statement.value
                if value is not None and not isinstance(statement.node, ast.AugAssign):
                    self._leaf(run, line.args[2], value, inside)
                    if isinstance(statement.target, ast.Subscript):
                        self._leaf(run, line.args[1], statement.target.slice, inside)
                continue
            node = nodes.get(line.target)
            if node is not None and line.fn is not same and run.lines[range_of(node)][0] is line:
                for arg, part in operands(node, line):
                    self._leaf(run, arg, part, inside)
        run.names = self._vocabulary.names(last, run.frame)
        return run

    def _in_one_run(self, made: Line, user: Line) -> bool:
        """Whether two calls of a statement are of the same time that it ran."""
        a, b = self._recording.spots[made.target], self._recording.spots[user.target]
        together = a.instruction == b.instruction and (made.fn is np.stack or self._is_summing(user))
        return a.frame is b.frame and (a.instruction < b.instruction or together)

    def _leaf(self, run: Run, arg: Any, node: Any, inside: list[Line]) -> None:
        if isinstance(arg, (list, tuple)) and isinstance(node, (ast.List, ast.Tuple)):
            for part, inner in zip(arg, node.elts, strict=False):
                self._leaf(run, part, inner, inside)
            return
        if hasattr(node, "lineno") and not any(line.target is arg for line in inside):
            run.leaves[range_of(node)] = arg


def as_written(node: ast.Assign) -> Any:
    """`x[i] = y` as the pair of its index and its value; any other statement as its value."""
    target = node.targets[0]
    if not isinstance(target, ast.Subscript):
        return node.value
    known = getattr(node, "_written", None)
    if known is None:
        known = ast.Tuple([target.slice, node.value], ast.Load())
        known.written = True  # type: ignore[attr-defined]
        node._written = known  # type: ignore[attr-defined]
    return known


def as_sum(node: ast.AugAssign) -> ast.BinOp:
    """`x += y` as `x + y`, at the place of the statement."""
    known = getattr(node, "_sum", None)
    if known is None:
        known = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
        node._sum = known  # type: ignore[attr-defined]
    return known


def edited(statement: Statement, tree: ast.expr, changed: ast.expr) -> str:
    """The statement with another expression."""
    node: Any = statement.node
    if hasattr(changed, "also"):
        other: Any = changed
        also = ast.AugAssign(ast.Subscript(node.target.value, other.also), other.op, node.value)
        return f"{text_of(node)}; {text_of(also)}"
    if isinstance(node, ast.AugAssign) and tree is not node.value:
        target = getattr(changed, "left", None)
        if isinstance(target, ast.Subscript) and not hasattr(target, "lineno"):
            whole: Any = ast.AugAssign(target, node.op, node.value)
        elif isinstance(changed, ast.BinOp) and changed.left is getattr(tree, "left", None):
            whole = ast.AugAssign(node.target, changed.op, changed.right)
        else:
            whole = ast.Assign([node.target], changed, lineno=0)
    elif getattr(tree, "written", False) and isinstance(node, ast.Assign):
        pair: Any = changed
        place: Any = node.targets[0]
        index, value = pair.elts
        whole = ast.Assign([ast.Subscript(place.value, index)], value, lineno=0)
        left: Any = getattr(value, "left", None)
        if type(value) is ast.BinOp and left is place:
            whole = ast.AugAssign(place, value.op, value.right)
    elif isinstance(changed, ast.BinOp) and changed.left is statement.target:
        goal: Any = node.targets[0]
        whole = ast.AugAssign(goal, changed.op, changed.right)
    else:
        whole = replaced(node, tree, changed)
    return text_of(with_plain_signs(whole)) if not isinstance(node, (ast.For, ast.If, ast.While)) else ""
