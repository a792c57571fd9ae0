"""The edit that makes a wrong line right: tried in the author's own source, by what it makes of the gradients.

A statement ran once or more; each time its calls are in the recording. With one edit in its expression it is computed
again, each time that it ran, and all that depends on it: where the gradients come out right, that edit is what is wrong
with the line, and the edited line is the right one.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import FrameType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.program.program import Line, Var
from autograd.rules.write import put
from autograd.testing.budget import Budget
from autograd.testing.edits import Edits
from autograd.testing.expressions import Edit, replaced, text_of
from autograd.testing.recording import Recording
from autograd.testing.runs import Run, Runs, is_pure
from autograd.testing.source import Statement, range_of
from autograd.testing.truth import Truth
from autograd.testing.vocabulary import Vocabulary

if TYPE_CHECKING:
    from autograd.testing.dataflow import Dataflow, End


@dataclass
class Repair:
    """What makes a line right.

    Attributes:
        statement: that it stands in.
        edit: what is wrong with it.
        line: the right line.
        values: what the statement should have given, by what it gave.
        repairs: the ends that it makes right.
    """

    statement: Statement
    edit: Edit
    line: str
    values: dict[Var, Any]
    repairs: list[End]


class Repairs:
    """The search for edits.

    Args:
        flow: the run.
        recording, truth: of it.
        seconds: after which no other is tried.
    """

    def __init__(self, flow: Dataflow, recording: Recording, truth: Truth, seconds: float) -> None:
        self._flow, self._recording, self._seconds = flow, recording, seconds
        self._vocabulary = Vocabulary(flow, recording, truth)
        self._runs = Runs(flow, recording, self._vocabulary)

    @cached_property
    def _budget(self) -> Budget:
        """It starts with the first edit."""
        return Budget(self._seconds)

    def of(
        self,
        var: Var,
        reach: list[End],
        least: int,
        rights: Mapping[Var, Any] | None = None,
        cost: float = float("inf"),
    ) -> Repair | None:
        """The least far-fetched edit of the expression that gave a value, which makes so many of the ends right."""
        var = self._updated(var)
        line = self._flow.made[var]
        statement = self._flow.statement(var)
        runs = self._runs.of(var)
        if statement.node is None or not runs:
            return None
        tree = self._runs.tree(line, statement)
        if tree is None:
            return None
        run = next((run for run in runs if run.target is var), runs[0])
        values = self._flow.replay({})
        offered = self._vocabulary.without_synonyms(run.names)
        names = {text: self._vocabulary.kind(known, values) for text, known in offered.items()}
        leaves = {}
        for node in ast.walk(tree):
            at = range_of(node) if hasattr(node, "lineno") else None
            if at in run.leaves:
                leaves[text_of(node)] = self._vocabulary.kind(run.leaves[at], values)
        functions, numbers = around(run.frame)
        found = Edits(tree, {**names, **leaves}, lambda node: self._value(run, node, values), functions, numbers)
        edits = found.all()
        edits = [*self._over(tree, statement, runs), *edits]
        own, cache = values[var], dict[int, Any]()
        alone = rights is not None and (len(runs) == 1 or all(run.target in rights for run in runs))
        right = rights.get(var) if rights is not None and alone else None
        for edit in self._budget.within(edit for edit in edits if edit.cost < cost):
            changed = replaced(tree, edit.old, edit.new)
            with np.errstate(all="ignore"):
                run.cache = cache
                value = self._tried(run, changed, values)
                run.cache = None
            if value is None or np.shape(value) not in (
                np.shape(own),
                np.shape(own)[::-1],
                np.shape(own if right is None else right),
            ):
                continue
            if len(runs) == 1 and _alike(value, own):
                continue
            if right is not None and not _alike(np.ravel(value), np.ravel(right)):
                continue
            with np.errstate(all="ignore"):
                after = self._after(runs, changed)
            if after is None:
                continue
            repairs = self._flow.repaired(reach, after)
            if len(repairs) >= least:
                fixed = {r.target: after[r.target] for r in runs}
                return Repair(statement, edit, self._line(statement, tree, changed), fixed, repairs)
        return None

    def _updated(self, var: Var) -> Var:
        """What an update gave, for the gradient that it implies."""
        line = self._flow.made[var]
        before = self._flow.made.get(line.args[0]) if line.fn is np.divide and type(line.args[0]) is Var else None
        if (
            before is None
            or before.fn is not np.subtract
            or self._recording.spots[before.target] != self._recording.spots[var]
        ):
            return var
        after = before.args[1]
        return after if after in self._flow.made else var

    def _over(self, tree: ast.expr, statement: Statement, runs: list[Run]) -> list[Edit]:
        """What is written over what was there, where it should be added."""
        target = statement.target
        if not isinstance(statement.node, ast.Assign) or target is None or len(runs) < 2:
            return []
        before: Any = None
        for run in runs:
            if run.last.fn is put and isinstance(target, ast.Subscript):
                run.leaves[range_of(target.value)] = run.last.args[0]
                line = Line(Var(None), operator.getitem, run.last.args[:2], {})
                run.lines[range_of(target)] = [line]
            else:
                first = run.names.get(text_of(target), 0.0) if before is None else before
                run.leaves[range_of(target)] = first
            before = run.target
        words = f"{text_of(target)} is overwritten each time, not added to"
        return [Edit(tree, ast.BinOp(target, ast.Add(), tree), "missing-term", 1.0, words)]

    def _tried(self, run: Run, tree: Any, values: Mapping[Any, Any]) -> Any:
        try:
            return run.value(tree, values)
        except Exception:  # shapes that do not fit
            return None

    def _after(self, runs: list[Run], tree: Any) -> dict[Any, Any] | None:
        """All values with an expression changed, each time that it was computed."""
        computed = {run.target: partial(run.value, tree) for run in runs}
        try:
            return self._flow.recomputed(computed)
        except Exception:  # shapes that do not fit
            return None

    def _value(self, run: Run, node: ast.expr, values: Mapping[Any, Any]) -> Any:
        try:
            value = run.of(node, values)
        except Exception:
            return None
        return value if isinstance(value, (np.ndarray, np.generic, int, float)) else None

    def _line(self, statement: Statement, tree: ast.expr, changed: ast.expr) -> str:
        """The statement with another expression."""
        node: Any = statement.node
        if isinstance(node, ast.AugAssign) and tree is not node.value:
            target = getattr(changed, "left", None)
            if isinstance(target, ast.Subscript) and not hasattr(target, "lineno"):
                whole: Any = ast.AugAssign(target, node.op, node.value)
            elif isinstance(changed, ast.BinOp) and changed.left is getattr(tree, "left", None):
                whole = ast.AugAssign(node.target, changed.op, changed.right)
            else:
                whole = ast.Assign([node.target], changed, lineno=0)
        elif isinstance(changed, ast.BinOp) and changed.left is statement.target:
            whole = ast.AugAssign(node.targets[0], changed.op, changed.right)
        else:
            whole = replaced(node, tree, changed)
        return text_of(ast.fix_missing_locations(whole)) if not isinstance(node, (ast.For, ast.If, ast.While)) else ""


def around(frame: FrameType | None) -> tuple[list[str], list[float]]:
    """The functions of one argument, and the numbers, that the author of a function uses."""
    if frame is None:
        return [], []
    functions = [
        name for name, value in frame.f_globals.items()
        if isinstance(value, FunctionType) and value.__code__.co_argcount == 1 and is_pure(value)
    ]  # fmt: skip
    return functions, [value for value in frame.f_code.co_consts if type(value) in (int, float)]


def _alike(a: Any, b: Any) -> bool:
    tolerance = 1e-3 if getattr(a, "dtype", None) == np.float32 else 1e-6
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=tolerance, atol=1e-12))
