"""`check_backprop`: the author's own function is run, and judged line by line."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.notation.names import Scope
from autograd.program.program import Var
from autograd.program.trace import Traced, plain
from autograd.testing import outcome
from autograd.testing.aliases import with_aliases
from autograd.testing.budget import Budget
from autograd.testing.carets import wrong_part
from autograd.testing.comparison import _hint, _margins
from autograd.testing.dataflow import Dataflow, End, Fault
from autograd.testing.outcome import Gradient, Outcome
from autograd.testing.report import Finding, Report, WrongLine, finding_of
from autograd.testing.search import Search
from autograd.testing.source import statement_at
from autograd.testing.tolerance import check_tolerance
from autograd.testing.truth import Truth
from autograd.testing.words import Words

__tracebackhide__ = True  # pytest shows the line of the test and the message
Array = np.ndarray[Any, np.dtype[Any]]


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

    The function is called once, `function(*args, **kwargs)`, on arrays that write down every call of NumPy's with its
    line. What led to the loss is differentiated, and each gradient compared; where one is wrong, the wrong line is the
    one whose right value makes right what is computed from it. No array, container, object or global is changed
    afterwards.

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
        ValueError: a gradient that is NaN.

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
    if not callable(function):
        raise TypeError(f"check_backprop takes a function and its arguments, not {type(function).__name__}")
    return _Judge(outcome.run(function, args, kwargs, params, loss), rtol, Budget(budget)).report()


def assert_backprop(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Raise AssertionError with the report of `check_backprop`, which takes the same arguments, unless all is right.

    >>> assert_backprop(lambda w: (np.sum(w**2), {"w": 2 * w}), np.array([3.0, 4.0]))
    """
    report = check_backprop(function, *args, **kwargs)
    if not report.matches:
        raise AssertionError(f"\n{report}")


class _Judge:
    def __init__(self, found: Outcome, rtol: float | None, budget: Budget) -> None:
        self._budget = budget
        self._unused: list[Gradient] = []
        self._found, self._rtol, self._recording = found, rtol, found.recording
        ends = {g.value.symbol: stem_key(g.key) for g in found.gradients if type(g.value) is Traced}
        renamed = with_aliases(self._recording, ends)
        for gradient in found.gradients:
            if type(gradient.value) is Traced and gradient.value.symbol in renamed:
                gradient.value.symbol = renamed[gradient.value.symbol]
        self._names = value_names(found)
        parameters = {p.var: p.name for p in (*found.parameters, *found.missing)}
        self._truth = Truth(self._recording, found.loss, parameters, self._names)
        self._nodes = {id(g): self._truth.node(g.parameter.var) for g in found.gradients}

    def report(self) -> Report:
        given: dict[Node, Array] = {}
        ends: list[End] = []
        misshapen: dict[Node, str] = {}
        for gradient in self._found.gradients:
            node, value = self._nodes[id(gradient)], gradient.value
            if node not in self._truth.replay.uses:
                self._unused.append(gradient)
                continue
            array = self._checked(gradient)
            if array.size == node.value.size:
                given[node] = array.reshape(node.value.shape)
            else:
                misshapen[node] = _hint(array.shape, node.value.shape)
            if type(value) is Traced:
                ends.append(End(value.symbol, node))
        margins = _margins(self._truth.replay, given, self._rtol)
        doubles = {node: array.astype(np.float64) for node, array in given.items()}

        def right(node: Node, value: Any) -> bool:
            error = float(np.linalg.norm(np.asarray(value, dtype=np.float64) - self._truth.gradient(node)))
            margin = margins.get(node)
            return error <= (margin.tolerance if margin else 1e-8 * float(np.linalg.norm(self._truth.gradient(node))))

        for end in ends:
            end.wrong = end.node in misshapen or not right(end.node, given[end.node])
        flow = Dataflow(self._recording, self._truth, ends, right, self._names) if any(e.wrong for e in ends) else None
        faults = flow.faults if flow is not None else []
        more = {
            node: array for fault in faults for node, array in self._hand_values(fault).items() if node not in doubles
        }
        hand = {**doubles, **more}
        margins |= _margins(self._truth.replay, more, self._rtol)
        search = Search(self._truth.replay, hand, margins, self._budget) if hand else None
        names = {node: str(node.get("name")) for node in self._truth.replay.nodes if node.get("name")}
        places = search.places() if search is not None else []
        scale = faults[0].shown.factor if faults else 1.0
        words = Words(self._truth.loss, Scope(self._constants(), {}), names, [*hand, *places], scale)
        findings: dict[Node, Finding] = {}
        for node, array in hand.items():
            assert search is not None
            original = given.get(node, array)
            findings[node] = finding_of(
                words.value(node), original, self._truth.replay, node, search.verdicts[node], words
            )
        lines = merged(
            self._line(flow, fault, findings, words) for fault in faults if flow and not self._fine(fault, findings)
        )
        own = [findings[node] for node in given]
        return Report(
            tuple(own), "", next((f for f in own if not f.matches), None), (self._truth.loss, given), lines=lines
        )

    def _constants(self) -> dict[str, Any]:
        """The data, by the names that the author gives it."""
        named = {name: var.value for var, name in self._names.items() if var in self._truth.forward}
        for var in self._recording.inputs:
            if var.name is not None and isinstance(var.value, np.ndarray):
                named.setdefault(var.name, var.value)
        return named

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

    def _line(self, flow: Dataflow, fault: Fault, findings: Mapping[Node, Finding], words: Words) -> WrongLine:
        statement = fault.unit.statement
        nodes = [*(n for n in fault.shown.nodes if n is not None), *(end.node for end in fault.repairs)]
        wrong = [f for n in nodes if (f := findings.get(n)) is not None and not f.matches]
        finding = next((f for f in wrong if f.cause != "consequence"), wrong[0] if wrong else None)
        if finding is not None and finding.cause == "consequence":
            finding = next(
                (f for f in findings.values() if f.cause not in (None, "consequence", "kink", "precision")), finding
            )
        part = wrong_part(self._recording, self._truth, flow, fault)
        return WrongLine(
            file=statement.file,
            line=statement.first,
            function=statement.function,
            source=statement.marked(part),
            cause=(finding.cause if finding is not None else None) or "unknown",
            explanation=finding.explanation.partition("; right: ")[0] if finding is not None else "",
            right=finding.explanation.partition("; right: ")[2] if finding is not None else "",
            gradients=tuple(words.value(end.node) for end in fault.repairs),
        )


def merged(lines: Iterable[WrongLine]) -> tuple[WrongLine, ...]:
    """A line that is wrong each time that it is run is told once."""
    found: dict[tuple[str, int], WrongLine] = {}
    for line in lines:
        known = found.get((line.file, line.line))
        gradients = (*known.gradients, *line.gradients) if known is not None else line.gradients
        found[line.file, line.line] = replace(known or line, gradients=tuple(dict.fromkeys(gradients)))
    return tuple(found.values())


def stem_key(key: str) -> str:
    """The last name in what a gradient is called: `dW` in `layers[0].dW`."""
    return re.split(r"[.\[\]'\"]+", key.rstrip("]'\""))[-1]


def value_names(found: Outcome) -> dict[Var, str]:
    """What the author calls values: by the entries that hold them, and by what they were assigned to."""
    recording = found.recording
    names: dict[Var, str] = {}
    frames = {id(spot.frame): spot.frame for spot in recording.spots.values()}
    for frame in frames.values():
        for name, value in frame.f_locals.items():
            if type(value) is Traced:
                continue
            entries = (
                value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
            )
            for key, part in list(entries):
                if type(part) is Traced:
                    names.setdefault(part.symbol, key if isinstance(key, str) else f"{name}{key}")
    for line in recording.lines:
        if line.target in recording.moves:
            continue
        target = statement_at(recording.spots[line.target]).target
        if isinstance(target, ast.Name):
            names.setdefault(line.target, target.id)
        elif isinstance(target, ast.Attribute):
            names.setdefault(line.target, target.attr)
    # Of the values of one statement, only the last is what was assigned.
    last: dict[tuple[int, str], Var] = {}
    for line in recording.lines:
        if (known := names.get(line.target)) is not None:
            last[id(recording.spots[line.target].frame), known] = line.target
    kept = set(last.values())
    return {var: name for var, name in names.items() if var in kept}
