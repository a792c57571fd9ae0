"""The times that an expression of the author's ran: its calls, what went into them, and itself computed once more."""

from __future__ import annotations

import ast
import dis
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.program.program import Line, Var
from autograd.rules.write import put
from autograd.testing.aliases import operands, syntax_of
from autograd.testing.expressions import text_of
from autograd.testing.recording import Recording, same
from autograd.testing.source import Range, Statement, range_of
from autograd.testing.vocabulary import UnknownValueError, Vocabulary, known_value

if TYPE_CHECKING:
    from autograd.testing.dataflow import Dataflow

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.MatMult: operator.matmul, ast.Pow: operator.pow, ast.Gt: operator.gt, ast.Lt: operator.lt,
    ast.GtE: operator.ge, ast.LtE: operator.le, ast.Eq: operator.eq, ast.NotEq: operator.ne,
    ast.FloorDiv: operator.floordiv,
}  # fmt: skip
_WRITES = {"STORE_ATTR", "STORE_GLOBAL", "STORE_SUBSCR", "DELETE_SUBSCR", "DELETE_ATTR"}


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
    cache: dict[int, Any] | None = None

    @property
    def target(self) -> Var:
        return self.last.target

    def value(self, tree: Any, values: Mapping[Any, Any]) -> Any:
        """What the statement gives with another expression in it."""
        result = self.of(tree, values)
        if self.last.fn is put:
            args = [known_value(arg, values) for arg in self.last.args]
            target = getattr(tree, "left", None)
            if isinstance(target, ast.Subscript) and not hasattr(target, "lineno"):  # another part is written to
                args[1] = self.of(target.slice, values)
                args[0] = self.of(target.value, values)  # before anything was written
            return put(args[0], args[1], result)
        return result

    def of(self, node: Any, values: Mapping[Any, Any]) -> Any:
        """The value of a node."""
        if self.cache is None or not hasattr(node, "lineno") or getattr(node, "edited", False):
            return self._of(node, values)
        if id(node) not in self.cache:
            self.cache[id(node)] = self._of(node, values)
        return self.cache[id(node)]

    def _of(self, node: Any, values: Mapping[Any, Any]) -> Any:
        at = range_of(node) if hasattr(node, "lineno") else None
        edited = getattr(node, "edited", False)
        if at in self.leaves and not edited:
            return known_value(self.leaves[at], values)
        if at in self.lines:
            return self._called(node, self.lines[at], values)
        text = text_of(node)
        if text in self.names and not edited:
            return known_value(self.names[text], values)
        return self._computed(node, values)

    def _called(self, node: Any, lines: list[Line], values: Mapping[Any, Any]) -> Any:
        """A recorded call, again."""
        result: Any = None
        for k, line in enumerate(lines):
            args = [known_value(arg, values) for arg in line.args]
            if k == 0:
                for position, (_, part) in enumerate(operands(node, line)):
                    args[position] = self.of(part, values)
            elif line.args and line.args[0] is lines[k - 1].target:
                args[0] = result
            if line.fn is operator.getitem and isinstance(node, ast.Subscript) and getattr(node.slice, "edited", False):
                args[1] = self.of(node.slice, values)
            kwargs = {key: known_value(value, values) for key, value in line.kwargs.items()}
            result = line.fn(*args, **kwargs)
        return result

    def _computed(self, node: Any, values: Mapping[Any, Any]) -> Any:
        """An expression of nobody's calls: an edit, or plain numbers."""
        of = self.of
        kind = type(node)
        if kind is ast.Constant:
            return node.value
        if kind is ast.BinOp:
            return _OPERATORS[type(node.op)](of(node.left, values), of(node.right, values))
        if kind is ast.UnaryOp and isinstance(node.op, ast.USub):
            return -of(node.operand, values)
        if kind is ast.Compare and len(node.ops) == 1:
            return _OPERATORS[type(node.ops[0])](of(node.left, values), of(node.comparators[0], values))
        if kind in (ast.Tuple, ast.List):
            return kind_of(kind)(of(part, values) for part in node.elts)
        if kind is ast.Slice:
            return slice(*(None if p is None else of(p, values) for p in (node.lower, node.upper, node.step)))
        if kind is ast.Subscript:
            return of(node.value, values)[of(node.slice, values)]
        if kind is ast.Attribute and node.attr == "T":
            return np.transpose(of(node.value, values))
        if kind is ast.Attribute and node.attr in ("shape", "size", "ndim"):
            return getattr(np.asarray(of(node.value, values)), node.attr)
        if kind is ast.Call:
            return self._call(node, values)
        raise UnknownValueError

    def _call(self, node: Any, values: Mapping[Any, Any]) -> Any:
        kwargs = {keyword.arg: self.of(keyword.value, values) for keyword in node.keywords}
        if isinstance(node.func, ast.Attribute):
            own, name = node.func.value, node.func.attr
            if isinstance(own, ast.Name) and own.id in ("np", "numpy"):
                args = [self.of(arg, values) for arg in node.args]
                return getattr(np, name)(*args, **kwargs)
            method = getattr(np.asarray(self.of(own, values)), name, None)
            if method is None or name in ("fill", "sort", "put", "resize"):
                raise UnknownValueError
            return method(*(self.of(arg, values) for arg in node.args), **kwargs)
        function = self._function(node.func.id) if isinstance(node.func, ast.Name) else None
        if function is None:
            raise UnknownValueError
        return function(*(np.copy(self.of(arg, values)) for arg in node.args), **kwargs)

    def _function(self, name: str) -> Any:
        """A function of the author's that changes nothing."""
        frame = self.frame
        found = None if frame is None else frame.f_locals.get(name, frame.f_globals.get(name))
        if name == "len":
            return len
        if isinstance(found, FunctionType) and is_pure(found):
            return found
        return None


def kind_of(node: type) -> Any:
    """The container that a node makes."""
    return tuple if node is ast.Tuple else list


def is_pure(function: FunctionType) -> bool:
    return not any(step.opname in _WRITES for step in dis.get_instructions(function))


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
            return node.value if isinstance(node, ast.Assign) else None
        found = statement.value if line.fn is same else syntax_of(self._recording, line, statement)
        if isinstance(found, ast.AugAssign):
            return as_sum(found)
        return found if isinstance(found, ast.expr) else None

    def of(self, var: Var) -> list[Run]:
        """Each time that the expression was computed."""
        spot = self._recording.spots[var]
        alike = [
            line for line in self._flow.lines
            if (s := self._recording.spots[line.target]).frame.f_code is spot.frame.f_code
            and s.instruction == spot.instruction and line.fn is self._flow.made[var].fn
            and line.target not in self._recording.moves
        ]  # fmt: skip
        return [self._run(line) for line in alike]

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
            node = statement.value if line.fn is same else syntax_of(self._recording, line, statement)
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
        together = a.instruction == b.instruction and made.fn is np.stack
        return a.frame is b.frame and (a.instruction < b.instruction or together)

    def _leaf(self, run: Run, arg: Any, node: Any, inside: list[Line]) -> None:
        if isinstance(arg, (list, tuple)) and isinstance(node, (ast.List, ast.Tuple)):
            for part, inner in zip(arg, node.elts, strict=False):
                self._leaf(run, part, inner, inside)
            return
        if hasattr(node, "lineno") and not any(line.target is arg for line in inside):
            run.leaves[range_of(node)] = arg


def as_sum(node: ast.AugAssign) -> ast.BinOp:
    """`x += y` as `x + y`, at the place of the statement."""
    known = getattr(node, "_sum", None)
    if known is None:
        known = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
        node._sum = known  # type: ignore[attr-defined]
    return known
