"""The edit that makes a wrong line right: tried in the author's own source, by what it makes of the gradients.

A statement ran once or more; each time its calls are in the recording. With one edit in its expression it is computed
again, each time that it ran, and all that depends on it: where the gradients come out right, that edit is what is wrong
with the line, and the edited line is the right one.
"""

from __future__ import annotations

import ast
import heapq
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd.basis.caching import cached_property
from autograd.program.program import Line, Var
from autograd.rules.write import put
from autograd.testing.budget import Budget
from autograd.testing.code import Value, around, function_of, used_in
from autograd.testing.edits import Edits
from autograd.testing.expressions import (
    Edit,
    Kind,
    expressions,
    name_of,
    parsed,
    replaced,
    text_of,
)
from autograd.testing.recording import Recording, same
from autograd.testing.rerun import known_value
from autograd.testing.runs import Run, Runs, edited
from autograd.testing.source import Statement, range_of
from autograd.testing.truth import Truth, factor_between
from autograd.testing.updates import implied
from autograd.testing.vocabulary import Vocabulary

if TYPE_CHECKING:
    from autograd.testing.dataflow import Dataflow
    from autograd.testing.known import End

_MOST_RUNS = 5  # in which two sizes are told apart
_PARTS = (0.0, 0.17, 0.37, 0.59, 0.83, 1.0)  # of a loop
_RESCALED = 0.5  # how far-fetched it is that a true gradient should be multiplied with a number
_MAY_BE_NUMBERS = ("derivative-at-output", "wrong-operand", "missing-derivative")  # causes of factors


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


class Suspect(NamedTuple):
    """A value that may be wrong.

    Attributes:
        var: the value.
        reach: the wrong ends that depend on it, or on what its expression gave at other times.
        cost: how unlikely it is that the mistake is there.
    """

    var: Var
    reach: list[End]
    cost: float


class Repairs:
    """The search for edits.

    Args:
        flow: the run.
        recording, truth: of it.
        budget: after which no other is tried.
    """

    def __init__(self, flow: Dataflow, recording: Recording, truth: Truth, budget: Budget) -> None:
        self._flow, self._recording, self._truth, self._budget = flow, recording, truth, budget
        self._vocabulary = Vocabulary(flow, recording, truth)
        self._runs = Runs(flow, recording, self._vocabulary)

    @cached_property
    def _updates(self) -> dict[Var, Var]:
        """The parameters that updated ones were."""
        return {line.args[1]: line.args[0] for line in self._flow.lines if line.fn is implied}

    def _before(self, var: Var) -> Var | None:
        """What an updated parameter, or the part of one that a value is, was before the update."""
        if (whole := self._flow.base(var)) not in self._updates:
            return None
        if whole is var:
            return self._updates[var]
        parts, value = list[Line](), self._updates[whole].value
        while var is not whole:
            parts.append(self._flow.made[var])
            var = parts[-1].args[0]
        for line in reversed(parts):
            value = line.fn(value, *[known_value(arg, {}) for arg in line.args[1:]], **line.kwargs)
        return Var(value)

    @cached_property
    def _leaks(self) -> list[float]:
        """The numbers below 1 that functions of the forward pass multiply with, as the slope of a leaky relu."""
        lines = [line for line in self._recording.lines if line.target in self._truth.forward]
        used = {line.fn for line in lines}
        factors = (getattr(arg, "value", arg) for line in lines if line.fn is np.multiply for arg in line.args)
        known = {float(n) for n in factors if isinstance(n, (float, np.floating)) and 0 < n < 1}
        return sorted(known) if used & {np.where, np.maximum} else []

    @cached_property
    def _forward_codes(self) -> set[Any]:
        """The author's functions that gave values of the forward pass."""
        spots = self._recording.spots
        return {spots[var].frame.f_code for var in self._truth.forward if var in spots} | {None}

    @cached_property
    def _used(self) -> set[Any]:
        """The functions of the forward pass."""
        return {line.fn for line in self._recording.lines if line.target in self._truth.forward}

    def best(self, suspects: list[Suspect]) -> Repair | None:
        """The least far-fetched edit that makes right all ends that depend on what it changes."""
        edits = heapq.merge(*(self._edits(suspect) for suspect in suspects), key=itemgetter(0))
        later, least = None, 0.0
        for cost, suspect, place, edit in self._budget.within(edits):
            if later is not None and cost > least:
                break
            repair = place.tried(edit, suspect.reach)
            rescaled = edit.cause == "scale" and edit.words != "the sign is wrong"
            if repair is not None and later is None and rescaled and self._is_a_gradient(suspect.var):
                later, least = repair, cost + _RESCALED
            elif repair is not None:
                return repair
        return later

    def _is_a_gradient(self, var: Var) -> bool:
        """Whether a value is a true gradient as it is."""
        matches = self._truth.matches(var.value) if np.size(var.value) > 1 else ()
        return any(match.kind == "gradient" and abs(match.factor - 1) < 1e-9 for match in matches)

    def _edits(self, suspect: Suspect) -> Iterator[tuple[float, Suspect, _Place, Edit]]:
        """The edits of an expression, with their costs."""
        place = self._place(self._updated(suspect.var))
        for edit in place.edits if place is not None else ():
            yield edit.cost + suspect.cost, suspect, place, edit  # type: ignore[misc]

    def _place(self, var: Var) -> _Place | None:
        """The expression that gave a value, and what its author might have meant; None where that is not known."""
        line, statement = self._flow.made[var], self._flow.statement(var)
        runs = self._runs.of(var)
        tree = self._runs.tree(line, statement) if statement.node is not None and runs else None
        if tree is None or any(run.target in self._truth.forward for run in runs):
            return None
        run = next((run for run in runs if run.target is var), runs[0])
        values = self._flow.values
        names = self._names(run, runs)
        leaves = {}
        for node in expressions(tree):
            at = range_of(node) if hasattr(node, "lineno") else None
            text = text_of(node)
            if at in run.leaves and not isinstance(node, (ast.Tuple, ast.Constant)):
                leaves[text] = self._vocabulary.kind(run.leaves[at], values)
            known = None if at is None else run.lines[at][-1].target if at in run.lines else run.leaves.get(at)
            was = self._before(known) if type(known) is Var else None
            if was is not None and isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
                before = f"{name_of(node) or 'parameter'}_before_its_update"
                before = next((t for t, kind in names.items() if _alike(kind.value, was.value)), before)
                leaves[text] = self._vocabulary.kind(known, values)._replace(before=before)
                for each in runs:
                    each.names.setdefault(before, was)
        functions, numbers, flags = around(run.frame)
        offered = {text: kind for text, kind in {**names, **leaves}.items() if _is_plain(kind.value)}
        backward = {n for n in functions if getattr(function_of(run, n), "__code__", None) not in self._forward_codes}
        found = Edits(
            tree, offered, lambda node: _value(run, node, values),
            functions, numbers, self._used, flags, self._leaks, backward,
        )  # fmt: skip
        return _Place(self._flow, statement, tree, run, runs, [*self._over(tree, statement, runs), *found.all()])

    def _names(self, run: Run, runs: list[Run]) -> dict[str, Kind]:
        """What could be named where an expression ran."""
        values = self._flow.values
        offered = self._vocabulary.without_synonyms(run.names, [other.names for other in runs])
        names = {text: self._vocabulary.kind(known, values) for text, known in offered.items()}
        loss = self._truth.loss._node
        names = {t: k for t, k in names.items() if not self._is_node(run.names.get(t), loss)}
        target = self._flow.statement(run.target).target
        if target is not None and (own := names.get(text_of(target))) is not None:
            names[text_of(target)] = own._replace(unused=False)  # what is overwritten
        for text, array in self._vocabulary.indexed(run.last, run.frame).items():
            value = _value(run, parsed(text), values)
            if value is not None:
                names[text] = self._vocabulary.kind(array, values)._replace(value=value)
        loaded = used_in(run.frame.f_code) if run.frame is not None else frozenset()
        for text, kind in names.items():
            if isinstance(kind.value, (int, float)) and text.isidentifier() and text not in loaded:
                names[text] = kind._replace(unused=True)  # a size that was taken, and forgotten
        numbers = {kind.value for kind in names.values() if isinstance(kind.value, (int, float))}
        some = [run, *runs[:: len(runs) // _MOST_RUNS + 1]]
        known = {(number,) * len(some) for number in numbers}
        lists = [f"len({text})" for text, kind in names.items() if isinstance(kind.value, list)]
        for text in (*lists, *self._vocabulary.counted):
            each = tuple(_value(one, parsed(text), values) for one in some)
            if isinstance(each[0], (int, float)) and each not in known:  # not those that a shorter name has
                known.add(each)
                names[text] = Kind(each[0], True)
        return names

    def _is_node(self, known: Any, node: Any) -> bool:
        return type(known) is Var and self._truth.nodes.get(known) is node

    def _over(self, tree: ast.expr, statement: Statement, runs: list[Run]) -> list[Edit]:
        """What is written over what was there, where it should be added."""
        target, last = statement.target, runs[-1].last
        if not isinstance(statement.node, ast.Assign) or target is None:
            return []
        if any(isinstance(node, ast.Name) and node.id == text_of(target) for node in ast.walk(statement.node.value)):
            return []
        in_turn = runs if last.fn is not same or len(runs) > 1 else []
        if last.fn is same and len(runs) == 1 and last.args[0] in self._flow.made:  # of what is passed on, the last
            held = self._flow.held(runs[0].frame).get(text_of(target), []) if runs[0].frame is not None else []
            others = [np.asarray(known_value(other, {})) for other in held if other is not last.args[0]]
            if not others or any(other.shape != last.target.value.shape for other in others):
                return []
            runs[0].leaves[range_of(target)] = sum(others)
        elif last.fn is put and len(runs) == 1 and isinstance(target, ast.Subscript):
            if not np.any(known_value(last.args[0], {})):
                return []
        elif len(runs) < 2 or (last.fn is not put and runs[0].frame is not runs[-1].frame):
            known = [np.asarray(known_value(run.names.get(text_of(target)), {})) for run in runs]
            if any(array.shape != np.shape(last.target.value) or not array.any() for array in known):
                return []
            for run in runs:  # in each call by another value
                run.leaves[range_of(target)] = run.names[text_of(target)]
            in_turn = []
        before: Any = None
        for run in in_turn:
            if run.last.fn is put and isinstance(target, ast.Subscript):
                run.leaves[range_of(target.value)] = run.last.args[0]
                line = Line(Var(None), operator.getitem, run.last.args[:2], {})
                run.lines[range_of(target)] = [line]
            else:
                first = run.names.get(text_of(target), 0.0) if before is None else before
                run.leaves[range_of(target)] = first
            before = run.target
        words = f"{text_of(target)} is overwritten, not added to"
        value = tree.elts[1] if isinstance(tree, ast.Tuple) and getattr(tree, "written", False) else tree
        added = Edit(value, ast.BinOp(target, ast.Add(), value), "missing-term", 1.0, words)
        words = f"{text_of(target)} is overwritten, and nothing is subtracted from it"
        taken = Edit(value, ast.BinOp(target, ast.Sub(), value), "missing-term", 1.2, words)
        return [added, taken]

    def _updated(self, var: Var) -> Var:
        """What an update gave, for the gradient that it implies."""
        line = self._flow.made[var]
        return line.args[1] if line.fn is implied and line.args[1] in self._flow.made else var


class _Place:
    """An expression of the author's, each time that it ran.

    Args:
        flow: the run.
        statement, tree: where it stands, and its syntax.
        run, runs: the one time that is looked at first, and all of them.
        edits: what may be wrong with it, the least far-fetched first.
    """

    def __init__(
        self, flow: Dataflow, statement: Statement, tree: ast.expr, run: Run, runs: list[Run], edits: list[Edit]
    ) -> None:
        self._flow, self._statement, self._tree, self._run, self._runs = flow, statement, tree, run, runs
        self.edits = edits
        self._own = flow.values.get(run.target, run.target.value)
        self._failed: set[bytes] = set()

    def tried(self, edit: Edit, reach: list[End]) -> Repair | None:
        """An edit as a repair, if it makes all these ends right."""
        changed = replaced(self._tree, edit.old, edit.new)
        with np.errstate(all="ignore"):
            try:
                code = self._run.code.statement(changed)
                new = {run.target: partial(code, run) for run in self._runs}
                if not self._is_another(code):
                    return None
                reads = self._read(edit)
                repairs = self._flow.repaired(reach, new, len(reach), reads)
            except Exception:  # what is not known, and shapes that do not fit
                return None
            if not repairs:
                return None
            trial = self._flow.trial(new, reads)
            values = {run.target: trial[run.target] for run in self._runs}
        parts = [*list(ast.walk(edit.old))[1:], *list(ast.walk(edit.new))[1:]]
        factor = any(part is edit.old or part is edit.new for part in parts)  # one more or less
        if factor and edit.cause in _MAY_BE_NUMBERS and self._is_scaled(values):
            edit = replace(edit, place="scale")
        return Repair(self._statement, edit, edited(self._statement, self._tree, changed), values, repairs)

    def _read(self, edit: Edit) -> frozenset[Var]:
        """The values that an edit reads by another name, of those that what the expression gave earlier went into."""
        if len(self._runs) == 1:
            return frozenset()
        texts = {
            text_of(node) for node in ast.walk(edit.new) if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript))
        }
        found = (run.names[text] for run in self._runs for text in texts & run.names.keys())
        return frozenset(value for value in found if type(value) is Var) & self._reached

    @cached_property
    def _reached(self) -> frozenset[Var]:
        return frozenset().union(*(self._flow.reaches(run.target) for run in self._runs))

    def _is_scaled(self, values: Mapping[Var, Any]) -> bool:
        """Whether what was given is a number times what is right."""
        pairs = [(np.asarray(var.value), np.asarray(right)) for var, right in values.items() if np.any(right)]
        factors = [
            factor_between(right, own)
            if own.shape == right.shape and (np.count_nonzero(right) > 1 or len(pairs) > 2)
            else None
            for own, right in pairs
        ]
        return bool(factors) and all(f is not None and abs(f - (factors[0] or 0)) < 1e-6 * abs(f) for f in factors)

    @cached_property
    def _looked_at(self) -> list[Run]:
        """Some of the times that it ran, by which edits are told apart; of nested loops not only the first turns."""
        last = len(self._runs) - 1
        return [self._runs[k] for k in sorted({int(last * part) for part in _PARTS})]

    def _is_another(self, code: Value) -> bool:
        """Whether code gives something else, of a shape that may be meant, and not what was tried before."""
        own, value = self._own, code(self._run, self._flow.values)
        if np.shape(value) not in (np.shape(own), np.shape(own)[::-1], *self._shapes):
            return False
        if len(self._runs) == 1 and _alike(value, own):
            return False
        others = [code(run, self._flow.values) for run in self._looked_at]
        seen = repr(np.shape(value)).encode() + b"".join(np.float32(v).tobytes() for v in (value, *others))
        if seen in self._failed:
            return False
        self._failed.add(seen)
        return True

    @property
    def _shapes(self) -> list[tuple[int, ...]]:
        """The shape of a gradient that this is."""
        return [np.shape(end.node.value) for end in self._flow.ends if end.var is self._run.target]


def _is_plain(value: Any) -> bool:
    """Whether a value is an array, a number, or a list of numbers."""
    if isinstance(value, list):
        return all(isinstance(part, int) for part in value)
    return isinstance(value, (np.ndarray, np.generic, int, float))


def _alike(a: Any, b: Any) -> bool:
    tolerance = 1e-3 if getattr(a, "dtype", None) == np.float32 else 1e-6
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=tolerance, atol=1e-12))


def _value(run: Run, node: ast.expr, values: Mapping[Any, Any]) -> Any:
    try:
        value = run.code.of(node)(run, values)
    except Exception:
        return None
    return value if isinstance(value, (np.ndarray, np.generic, int, float)) else None
