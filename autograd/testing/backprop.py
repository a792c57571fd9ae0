"""`check_backprop`: the author's own function is run, and judged line by line."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.notation.names import Scope
from autograd.program.trace import Traced, plain
from autograd.rules.write import put
from autograd.testing import outcome
from autograd.testing.aliases import with_aliases
from autograd.testing.budget import Budget
from autograd.testing.carets import wrong_part
from autograd.testing.clearer import is_clearer, merged
from autograd.testing.comparison import _margins, has_shape, misshapen, unused
from autograd.testing.convention import habit
from autograd.testing.dataflow import Dataflow, Fault
from autograd.testing.known import End
from autograd.testing.outcome import Outcome
from autograd.testing.reader import Gradient, stem
from autograd.testing.report import Finding, Report, WrongLine, finding_of, for_another_loss
from autograd.testing.search import Search
from autograd.testing.source import look_again, statement_at, times
from autograd.testing.spelling import Spelling, unnamed
from autograd.testing.tolerance import check_tolerance
from autograd.testing.truth import Truth, factor_between, guarded_by_constant
from autograd.testing.updates import Update
from autograd.testing.verdict import Margin
from autograd.testing.vocabulary import value_names
from autograd.testing.words import Words

__tracebackhide__ = True  # pytest shows the line of the test and the message
Array = np.ndarray[Any, np.dtype[Any]]
_KNOWN, _UNKNOWN = 0.2, 0.6  # of the time, for words where it is known what makes each line right, and where not
_LISTENERS: list[Callable[[Report], object]] = []


def check_backprop(
    function: Callable[..., Any],
    *args: Any,
    params: Any = None,
    loss: Any = None,
    rtol: float | None = None,
    budget: float = 2.0,
    **kwargs: Any,
) -> Report:
    r"""Judge a hand-derived backprop, written as its author wrote it: which line is wrong, and why.

    The function is called, `function(*args, **kwargs)`, and once more where something is wrong, on arrays that write
    down every call of NumPy's with its line. What led to the loss is differentiated, and each gradient compared; where
    one is wrong, the wrong line is the one whose right value makes right what is computed from it. No array, container,
    object or global is changed afterwards.

    Args:
        function: returns the loss and the gradients, `loss, {"W": dW}` or `loss, dW, db`; or keeps the gradients beside
            the parameters (`layer.dW`); or updates the parameters, which implies them.
        params: what holds the parameters: a dictionary, list, tuple or object of arrays, or names of arguments or
            globals; by default, the arguments that gradients come back for, by name or by shape.
        loss: a function of the same arguments that computes the loss, or the name of the variable that holds it, where
            the function does not return it.
        rtol, budget: the relative error allowed, and the seconds that the search for a cause may take, as
            `compare_grads` has them.

    Raises:
        TypeError: the loss or the gradients were not found, or leave NumPy's functions on the way; the error names the
            line.
        ValueError: a gradient that is NaN; a function with wrong gradients that gives another loss each time; a file
            that was changed after the function was loaded from it.

    >>> def backprop(x, y, w):
    ...     error = x @ w - y
    ...     loss = np.mean(error**2)
    ...     return loss, {"w": x.T @ error / len(y)}
    >>> x, y, w = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([1.0, 0.0]), np.array([0.5, -1.0])
    >>> check_backprop(backprop, x, y, w).matches
    False
    """
    if rtol is not None:
        check_tolerance("rtol", rtol)
    Budget(budget)
    if not callable(function):
        raise TypeError(f"check_backprop takes a function and its arguments, not {type(function).__name__}")
    look_again()
    judge = _Judge(outcome.run(function, args, kwargs, params, loss), rtol, budget)
    again: Outcome | None = None
    other: _Judge | None = None
    if judge.wrong:
        again = outcome.run(function, args, kwargs, params, loss)
        if any(guarded_by_constant(line) is not None for line in again.recording.lines):
            other = _Judge(again, rtol, budget, guards=False)  # derived as if the 1e-7 of log(p + 1e-7) were 0
            judge, other = (other, None) if other.wrong < judge.wrong else (judge, other)
    report = judge.report()
    if other is not None and other.wrong == judge.wrong and not judge.repaired:
        second = other.report()
        judge, report = (other, second) if other.repaired else (judge, report)
    if not report.matches:
        judge.check_repeats(again or outcome.run(function, args, kwargs, params, loss))
    for listener in _LISTENERS:
        listener(report)
    return report


def assert_backprop(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Raise AssertionError with the report of `check_backprop`, which takes the same arguments, unless all is right.

    >>> assert_backprop(lambda w: (np.sum(w**2), {"w": 2 * w}), np.array([3.0, 4.0]))
    """
    report = check_backprop(function, *args, **kwargs)
    if not report.matches:
        raise AssertionError(f"\n{report}")


@contextmanager
def listening(listener: Callable[[Report], object]) -> Iterator[None]:
    """Call a function with every report that `check_backprop` makes meanwhile."""
    _LISTENERS.append(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


class _Judge:
    def __init__(self, found: Outcome, rtol: float | None, seconds: float, guards: bool = True) -> None:
        self._seconds = seconds
        self.repaired = False  # whether it is known what makes each wrong line right
        self._given: dict[Node, Array] = {}
        self._rounding: dict[Node, float] = {}
        self._misshapen: dict[Node, Array] = {}
        self._unused: dict[str, Array] = {}
        self._ends: list[End] = []
        self._found, self._rtol, self._recording = found, rtol, found.recording
        given = [g for g in found.gradients if type(g.value) is Traced and g.update is None]
        made = {line.target: line for line in self._recording.lines}
        for gradient in given:  # clipped at the end, a right gradient is no other
            while (line := made.get(gradient.value.symbol)) is not None and line.fn is np.clip:
                gradient.value = Traced(self._recording, line.args[0], line.args[0].value)
        for gradient in given:  # what is no value of the function's own making was given back as it is
            if gradient.value.symbol not in self._recording.spots and self._recording.end is not None:
                gradient.value.symbol = self._recording.passed(gradient.value.symbol, self._recording.end)
        ends = {g.value.symbol: stem_key(g.key) for g in given}
        renamed = with_aliases(self._recording, ends)
        for gradient in given:
            gradient.value.symbol = renamed.get(gradient.value.symbol, gradient.value.symbol)
        self._names = value_names(found)
        parameters = {p.var: p.name for p in (*found.parameters, *found.missing)}
        self._truth = Truth(self._recording, found.loss, parameters, self._names, guards)
        self._unnamed = unnamed(self._recording, self._truth, self._names)
        self._take_updates([gradient for gradient in found.gradients if gradient.update is not None])
        self._read()
        self._compare()

    def _take_updates(self, gradients: list[Gradient]) -> None:
        """What updates imply, by the learning rate with which most are right; of two, by that of more statements."""
        updates = [g.update for g in gradients if g.update is not None]
        rates = Counter(rate for update in updates for rate in self._found.updates.rates(update))

        def right(update: Update, rate: float) -> bool:
            true = self._truth.gradient(self._truth.node(update.before))
            implied = (update.before.value - update.after.value) / rate
            return float(np.linalg.norm(implied - true)) <= 1e-6 * float(np.linalg.norm(true))

        used = [update for update in updates if self._truth.node(update.before) in self._truth.replay.uses]
        best = max(
            rates,
            key=lambda rate: (sum(right(update, rate) for update in used), rate != 1, rates[rate]),
            default=1.0,
        )
        for gradient, update in zip(gradients, updates, strict=True):
            before = np.asarray(update.before.value)
            eps = float(np.finfo(before.dtype).eps) if before.dtype.kind == "f" else 0.0
            self._rounding[self._truth.node(update.before)] = eps * float(np.linalg.norm(before)) / best
            var = self._found.updates.implied(update, best)
            gradient.value = Traced(self._recording, var, var.value)

    def _compare(self) -> None:
        """Which gradients are wrong."""
        self._margins = _margins(self._truth.replay, self._given, self._rtol)
        for node in self._margins.keys() & self._rounding.keys():  # of a difference of parameters, less is known
            self._margins[node] = Margin(*(part + self._rounding[node] for part in self._margins[node]))
        for end in self._ends:
            end.wrong = end.node in self._misshapen or not self._is_right(end.node, self._given[end.node])
            end.tells = not self._is_right(end.node, np.zeros_like(end.node.value))

    def _is_right(self, node: Node, value: Any) -> bool:
        true, margin = self._truth.gradient(node), self._margins.get(node)
        error = float(np.linalg.norm(np.asarray(value, dtype=np.float64) - true))
        return error <= (margin.tolerance if margin else 1e-8 * float(np.linalg.norm(true)))

    @property
    def wrong(self) -> int:
        """How many of the gradients that the function computed are wrong."""
        return sum(end.wrong for end in self._ends)

    def report(self) -> Report:
        """All that there is to say."""
        truth, given, ends = self._truth, self._given, self._ends
        flow = None
        if self.wrong:
            flow = Dataflow(self._recording, truth, ends, self._is_right, self._names, self._seconds)
        faults = flow.faults if flow is not None else []
        shown = {node: array for fault in faults for node, array in self._hand_values(fault).items()}
        hand = {**shown, **{node: array.astype(np.float64) for node, array in given.items()}}
        margins = _margins(truth.replay, shown, self._rtol) | self._margins
        self.repaired = bool(faults) and all(fault.repair is not None for fault in faults)
        self._budget = Budget(self._seconds * (_KNOWN if self.repaired else _UNKNOWN))
        findings, words = self._findings(hand, margins, faults[0].shown.factor if faults else 1.0)
        spelling = Spelling(self._recording, truth, words, faults, self._unnamed)
        lines = merged(
            self._line(flow, fault, findings, words, spelling)
            for fault in faults
            if flow and not self._fine(fault, findings)
        )
        own = [findings[node] for node in (*given, *self._misshapen)]
        own += [unused(name, array) for name, array in self._unused.items()]
        first = next((finding for finding in own if not finding.matches), None)
        return Report(
            tuple(own), self._remark(own, lines), first, (truth.loss, given), self._convention(own), lines=lines,
            missing=tuple(p.name for p in self._found.missing if truth.node(p.var) in truth.replay.uses),
        )  # fmt: skip

    def check_repeats(self, again: Outcome) -> None:
        """Raise ValueError where the function gives another loss when it is run once more."""
        first, second = (float(np.sum(found.loss.value)) for found in (self._found, again))
        if abs(first - second) > 1e-9 * abs(first):
            raise ValueError(
                f"check_backprop: the function gives another loss each time that it is run, {first:.6g} and then "
                f"{second:.6g}, so that its gradients cannot be judged: draw its random numbers from a generator with "
                "a seed, np.random.default_rng(0), made in the function or given to it"
            )

    def _read(self) -> None:
        """Sort the gradients: those that can be compared, those of another shape, and those of nothing."""
        for gradient in self._found.gradients:
            node, array = self._truth.node(gradient.parameter.var), self._checked(gradient)
            if node not in self._truth.replay.uses:
                if gradient.update is None and np.any(array):
                    self._unused[gradient.parameter.name] = array
                continue
            if has_shape(array, node.value):
                self._given[node] = array.reshape(node.value.shape)
            else:
                self._misshapen[node] = array
            if type(gradient.value) is Traced:
                self._ends.append(End(gradient.value.symbol, node, updates=gradient.update is not None))

    def _findings(
        self, hand: Mapping[Node, Array], margins: Mapping[Node, Margin], scale: float
    ) -> tuple[dict[Node, Finding], Words]:
        """What is to be said of each gradient, and the words for it."""
        truth, places, verdicts = self._truth, [], {}
        if hand:
            search = Search(truth.replay, hand, margins, self._budget, scale)
            places, verdicts = search.places(), search.verdicts
        names = {node: str(node.get("name")) for node in truth.replay.nodes if node.get("name")}
        words = Words(truth.loss, Scope(self._constants(), {}), names, [*hand, *places], scale, truth.replay)
        findings = {}
        for node, array in hand.items():
            original = self._given.get(node, array)
            findings[node] = finding_of(words.value(node), original, truth.replay, node, verdicts[node], words)
        for node, array in self._misshapen.items():
            findings[node] = misshapen(words.value(node), array, node)
        return findings, words

    def _remark(self, findings: list[Finding], lines: tuple[WrongLine, ...]) -> str:
        """What concerns all: the loss that they are right for, what is of nothing, where the trace was lost."""
        told = []
        factors = [factor_between(array, self._truth.gradient(node)) for node, array in self._given.items()]
        if not self._misshapen and (remark := for_another_loss(factors)):
            told.append(remark)
        if self._found.unknown:
            told.append(f"Not judged, as no parameter of floats is called so: {', '.join(self._found.unknown)}.")
        if not all(f.matches for f in findings) and not lines and self._recording.left:
            statement = statement_at(self._recording.left[-1].spot)
            told.append(
                f"The numbers leave NumPy's arrays at {statement.place} ({statement.text}): a wrong line is found only "
                "where arrays are computed. Keep them arrays, with np.exp for math.exp and np.stack for a list."
            )
        return "\n".join(told)

    def _convention(self, findings: list[Finding]) -> str:
        """What the named values on the way are, where they are a multiple of the loss's gradients and all is right."""
        if not all(finding.matches for finding in findings):
            return ""
        nodes = {str(node.get("name")).lower(): node for node, _ in self._truth.gradients if node.get("name")}
        ends, found = {end.var for end in self._ends}, Counter[float]()
        for var, name in self._names.items():
            node = nodes.get(stem(name).lower()) if stem(name) != name and var not in ends else None
            if node is not None and np.size(var.value) > 1:
                factor = factor_between(np.asarray(var.value), self._truth.gradient(node))
                if factor is not None:
                    found[round(factor, 6)] += 1
        factor = found.most_common(1)[0][0] if found else 1.0
        return habit(factor) if abs(factor - 1) > 1e-5 else ""

    def _is_transposed(self, fault: Fault) -> bool:
        """Whether what a line gave is the transpose of the right matrix, perhaps in its shape."""
        pairs = [(np.asarray(v.value), np.asarray(r)) for v, r in zip(fault.unit.values, fault.rights, strict=False)]
        wrong = [(a, b) for a, b in pairs if not np.array_equal(a, b)]
        return bool(wrong) and all(
            a.ndim == b.ndim == 2 and a.size == b.size and np.allclose(a.reshape(b.T.shape), b.T) for a, b in wrong
        )

    def _right(self, flow: Dataflow, fault: Fault) -> str:
        """The author's line with a factor put right, where nothing else is wrong with it."""
        node, line = fault.unit.statement.node, flow.made[fault.unit.values[0]]
        before = getattr(line.args[0], "value", line.args[0])
        whole = None  # where something else than 0 was there before, that is multiplied too
        if isinstance(node, ast.AugAssign) and not isinstance(node.op, ast.Mult) and np.any(before):
            whole = node.target.value if line.fn is put and isinstance(node.target, ast.Subscript) else node.target
        for var, right in zip(fault.unit.values, fault.rights, strict=False):
            value = np.asarray(var.value)
            if value.size > 1 and value.shape == np.shape(right) and not np.array_equal(value, right):
                factor = factor_between(np.asarray(right), value)
                return times(fault.unit.statement, factor, whole) if factor and abs(factor - 1) > 1e-6 else ""
        return ""

    def _constants(self) -> dict[str, Any]:
        """The data, by the names that the author gives it."""
        named = {name: var.value for var, name in self._names.items() if var in self._truth.forward}
        for var in self._recording.inputs:
            if var.name is not None and isinstance(var.value, np.ndarray):
                named.setdefault(var.name, var.value)
        return named | {name: var.value for name, (var, _) in self._unnamed.items()}

    def _checked(self, gradient: Gradient) -> Array:
        value = plain(gradient.value)
        array = np.asarray(value)
        name = gradient.key or gradient.parameter.name
        if value is None or array.dtype.kind not in "fiub":
            kind = "None" if value is None else f"of {array.dtype}"
            raise TypeError(f"check_backprop: the gradient {name} is {kind}; give an array of floats")
        if not np.all(np.isfinite(array)):
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"check_backprop: the gradient {name} is {array[at]} at {at}")
        return array

    def _fine(self, fault: Fault, findings: Mapping[Node, Finding]) -> bool:
        """Whether what a line spoils is right after all, as at a kink."""
        return all(findings[end.node].matches for end in fault.repairs if end.node in findings)

    def _hand_values(self, fault: Fault) -> dict[Node, Array]:
        """What a wrong line gave, as the gradients of nodes of the graph: without the author's factor and shape."""
        found: dict[Node, Array] = {}
        fault = fault.shown
        for var, node, right in zip(fault.unit.values, fault.nodes, fault.rights, strict=False):
            if node is None or node in found:
                continue
            true, value = self._truth.gradient(node), np.asarray(var.value, dtype=np.float64) / fault.factor
            right = np.asarray(right) / fault.factor
            if value.size != true.size:
                continue
            if np.allclose(right.ravel(), true.ravel()):
                found[node] = value.reshape(true.shape)
            elif true.ndim == 2 and np.allclose(right.ravel(), true.T.ravel()):
                found[node] = value.reshape(true.T.shape).T
        return found

    def _line(
        self, flow: Dataflow, fault: Fault, findings: Mapping[Node, Finding], words: Words, spelling: Spelling
    ) -> WrongLine:
        statement = fault.unit.statement
        made_here = [end.var for end in fault.repairs if flow.statement(end.var) == statement]
        nodes = [*(n for n in fault.shown.nodes if n is not None), *(end.node for end in fault.repairs)]
        wrong = [f for n in nodes if (f := findings.get(n)) is not None and not f.matches]
        finding = next((f for f in wrong if f.cause != "consequence"), wrong[0] if wrong else None)
        if finding is not None and finding.cause == "consequence":
            finding = next(
                (f for f in findings.values() if f.cause not in (None, "consequence", "kink", "precision")), finding
            )
        part = wrong_part(self._recording, self._truth, flow, fault)
        explanation, _, right = finding.explanation.partition("; right: ") if finding is not None else ("", "", "")
        right = self._right(flow, fault) or spelling.line(right, fault)
        cause = (finding.cause if finding is not None else None) or "unknown"
        repair = fault.repair
        if cause == "unknown" and self._is_transposed(fault):
            cause, explanation = "transposed", "the numbers are those of the transpose"
        if cause == "unknown" and repair is None and flow.is_penalty(fault.unit.values[0]):
            cause, explanation = "regulariser", "the penalty of the loss is another one"
        explanation = spelling.text(explanation)
        inputs = (arg for var in fault.unit.values for arg in flow.inputs(var))
        data = any(not flow.depends(arg) and np.any(arg.value) for arg in inputs)
        if repair is not None and (is_clearer(repair.edit, cause, explanation) or (cause == "target" and not data)):
            cause, explanation = repair.edit.cause, repair.edit.words
        if repair is not None and repair.line:
            right = repair.line
        if not right:
            own = [
                *(fault.nodes if fault.origin is None else ()),
                *(e.node for e in fault.repairs if e.var in made_here),
            ]
            known = [node for node in own if node in self._truth.replay.truth]
            right = spelling.own_line(words.line(known[0]).partition("  # ")[0], fault) if known else ""
        return WrongLine(
            file=statement.file,
            line=part[0] if part is not None else statement.first,
            function=statement.function,
            source=statement.marked(part),
            cause=cause,
            explanation=explanation,
            right=right,
            gradients=tuple(words.value(end.node) for end in fault.repairs),
            own=tuple(words.value(end.node) for end in fault.repairs if end.var in made_here),
        )


def stem_key(key: str) -> str:
    """The last name in what a gradient is called: `dW` in `layers[0].dW`."""
    return re.split(r"[.\[\]'\"]+", key.rstrip("]'\""))[-1]
