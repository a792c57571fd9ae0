"""A hand-derived backprop against the gradients of the recorded graph: what is wrong, where, and why."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autograd.derivation.derivation import Derivation
from autograd.graph import Node
from autograd.names import Scope
from autograd.op import describe
from autograd.tensor import Tensor
from autograd.testing.diagnosis import Diagnosis, Verdict
from autograd.testing.fits import as_size, sizes
from autograd.testing.mistakes import Mistake
from autograd.testing.replay import Replay
from autograd.testing.report import CAUSES, Finding, Report

Array = np.ndarray[Any, np.dtype[Any]]
_ROUNDINGS = 64  # of the size that rounding has, how many a hand derivation may be off
_REMARKS = ("kink", "precision")


def compare_grads(
    loss: Tensor, hand: Mapping[Any, Any], *, rtol: float | None = None, published_loss: float | None = None
) -> Report:
    r"""Compare hand-derived gradients of `loss` with those of its recorded graph, and explain what differs.

    The truth is computed by a pass of its own: no `.grad` is read or changed. Where numbers differ, the reverse pass is
    replayed with one mistake in it, for each mistake of a catalogue (`autograd.testing.CAUSES`) and each place where it can
    be made; the simplest one that gives all of the hand's numbers at once is the verdict. What follows from an earlier
    wrong gradient is a consequence.

    Args:
        loss: a scalar Tensor with a graph.
        hand: dL/d(tensor) for any Tensors of that graph, parameters and values on the way, by Tensor or by its name (or the
            caller's variable); arrays of its shape.
        rtol: the error allowed, $\lVert hand - true \rVert \le rtol \cdot \lVert true \rVert$; by default 1.5e-8 for
            float64 and 2e-5 for float32. More is allowed where rounding is amplified, as at a minimum.
        published_loss: the loss as the hand derivation prints it: is it the function that was differentiated?

    Raises:
        KeyError: a name that no Tensor, or more than one, of the graph has.
        ValueError: a gradient of another shape, or with NaN; a Tensor outside the graph.
        TypeError: a loss without graph; a gradient that is not a float array.

    >>> x, w = np.array([1.0, 2.0, 4.0]), Tensor([3.0, 4.0, 5.0], requires_grad=True, name="w")
    >>> prediction = w * x
    >>> loss = np.sum(prediction**2)
    >>> print(compare_grads(loss, {w: w.data * x * x}))  # doctest: +ELLIPSIS
    1 of 1 gradients are wrong; the first wrong link is w
    WRONG   w (3)  error 5.0e-01  scale
            dprediction is 1/2 times what it should be: ...
            right: dw = ...
            largest at w[2]: hand 80, true 160
    """
    scope = _scope()
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise TypeError("compare_grads takes a loss Tensor with a recorded graph as its first argument")
    if loss.size != 1:
        raise TypeError(f"compare_grads: the loss has shape {loss.shape}, not one element")
    replay = Replay(loss._node)
    chosen: dict[Node, tuple[str, Array]] = {}
    for key, value in hand.items():
        node, name = _find(key, replay.nodes, scope)
        if node in chosen:
            raise ValueError(f"two gradients are given for {name}")
        chosen[node] = (name, _checked(name, value, node))
    diagnosis = _diagnosis(replay, chosen, rtol)
    words = _Words(loss, scope, {node: name for node, (name, _) in chosen.items()})
    findings = {
        node: _finding(name, given, replay, node, diagnosis.verdicts[node], words)
        for node, (name, given) in chosen.items()
    }
    own = [node for node in diagnosis.order if not findings[node].matches and findings[node].cause != "consequence"]
    first = findings[own[0]] if own else None
    remark = "" if published_loss is None else _loss_remark(replay, float(published_loss), first)
    return Report(tuple(findings.values()), remark, first, (loss, chosen))


def assert_grads_match(
    loss: Tensor, hand: Mapping[Any, Any], *, rtol: float | None = None, published_loss: float | None = None
) -> None:
    """Raise AssertionError with the report of `compare_grads` unless every gradient matches.

    >>> w = Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> assert_grads_match(np.sum(w**2), {"w": 2 * w.data})
    """
    __tracebackhide__ = True  # pytest shows the test, not this line
    report = compare_grads(loss, hand, rtol=rtol, published_loss=published_loss)
    if not report.matches or report.loss_remark:
        raise AssertionError(str(report))


def _scope() -> Scope:
    """The variables of the caller outside of this package."""
    frame = sys._getframe(2)
    if frame.f_code is assert_grads_match.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return Scope(frame.f_locals, frame.f_globals)


# What was given


def _find(key: Any, nodes: Sequence[Node], scope: Scope) -> tuple[Node, str]:
    names: dict[Node, str] = {}
    for node in nodes:
        name = node.note("name") or scope.of(node)
        if name is not None:
            names[node] = str(name)
    listed = sorted(name for node, name in names.items() if node is not nodes[-1])
    known = f"the graph has {', '.join(listed)}" if listed else "no Tensor of the graph has a name"
    if isinstance(key, Tensor):
        if key._node not in nodes:
            raise ValueError(f"{key.name or 'a Tensor'} of shape {key.shape} is not in the loss's graph; {known}")
        return key._node, names.get(key._node, "unnamed")
    found = [node for node, name in names.items() if name == key]
    given = [node for node in found if node.note("name") == key]
    found = given or found
    if len(found) != 1:
        problem = "is no Tensor of the loss's graph" if not found else f"is the name of {len(found)} Tensors"
        raise KeyError(f"{key!r} {problem}; {known}")
    return found[0], str(key)


def _checked(name: str, value: Any, node: Node) -> Array:
    given: Array = value.data if isinstance(value, Tensor) else np.asarray(value)
    if given.dtype.kind != "f":
        kind = "None: a missing gradient" if value is None else str(given.dtype)
        raise TypeError(
            f"the hand gradient of {name} holds {kind}; give an array of floats of shape {np.shape(node.value)}"
        )
    if given.shape != np.shape(node.value):
        raise ValueError(f"the hand gradient of {name} has shape {given.shape}, {name} has {np.shape(node.value)}")
    if not np.all(np.isfinite(given)):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(given))[0])
        raise ValueError(f"the hand gradient of {name} is {given[at]} at {at}")
    return given


def _diagnosis(replay: Replay, chosen: Mapping[Node, tuple[str, Array]], rtol: float | None) -> Diagnosis:
    """The search, with tolerances from the precision of the numbers and from what amplifies rounding."""
    conditioning = replay.conditioning()
    tolerance, noise, rounding = {}, {}, {}
    for node, (_, given) in chosen.items():
        norm = float(np.linalg.norm(replay.truth.get(node, 0.0)))
        single = np.float32 in (given.dtype, node.value.dtype, replay.loss.value.dtype)
        amplified = conditioning.get(node, 0.0) * _ROUNDINGS
        rounding[node] = amplified * float(np.finfo(np.float32 if single else np.float64).eps)
        wanted = rtol if rtol is not None else 2e-5 if single else 1.5e-8
        tolerance[node] = wanted * norm + (rounding[node] if rtol is None or norm < rounding[node] else 0.0)
        noise[node] = max(tolerance[node], amplified * float(np.finfo(np.float32).eps))
        if rtol is not None:
            noise[node] = tolerance[node]
    return Diagnosis(
        replay, {node: given.astype(np.float64) for node, (_, given) in chosen.items()}, tolerance, noise, rounding
    )


# What is said


class _Words:
    """Names for the values of a graph, and the lines that are right."""

    def __init__(self, loss: Tensor, scope: Scope, given: Mapping[Node, str]) -> None:
        self._given = given
        self._derivation: Derivation | None = None
        try:
            self._derivation = Derivation(loss._node, scope)
        except (ValueError, TypeError):  # names that no source could use, or an operation that cannot be written
            pass

    def gradient(self, node: Node) -> str:
        return f"d{self.value(node)}"

    def value(self, node: Node | None) -> str:
        if node is None:
            return "another array"
        if node in self._given and self._given[node] != "unnamed":
            return self._given[node]
        if self._derivation is not None:
            try:
                return self._derivation._identifiers[node]
            except (KeyError, ValueError):
                pass
        return str(node.note("name") or describe(node))

    def line(self, node: Node) -> str:
        if self._derivation is None:
            return ""
        try:
            return self._derivation.line_for(node)
        except (KeyError, ValueError, TypeError):
            return ""

    def told(self, mistake: Mistake) -> str:
        right = mistake.details.get("right")
        return mistake.told.format(
            g=self.gradient(mistake.where), value=self.value(mistake.value), right=self.value(right)
        )


def _finding(name: str, given: Array, replay: Replay, node: Node, verdict: Verdict, words: _Words) -> Finding:
    true = np.broadcast_to(np.asarray(replay.truth.get(node, 0.0)), given.shape)
    difference = np.abs(given.astype(np.float64) - true)
    norm, error = float(np.linalg.norm(true)), float(np.linalg.norm(difference))
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), given.shape)) if given.size else ()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(difference == 0, 0.0, difference / np.abs(true))
    finding = Finding(
        name=name,
        shape=given.shape,
        matches=verdict.cause in (None, *_REMARKS),
        max_abs_error=float(np.max(difference, initial=0.0)),
        max_rel_error=float(np.max(relative, initial=0.0)),
        norm_rel_error=error / norm if norm else (0.0 if error == 0 else float("inf")),
        worst=worst,
        hand=float(given[worst]) if given.size else 0.0,
        true=float(true[worst]) if given.size else 0.0,
    )
    if verdict.cause is None:
        double = given.dtype == np.float32 and np.asarray(replay.loss.value).dtype == np.float64
        if double and error > 1e-10 * norm:
            told = "a match: the difference is that of arithmetic in float32"
            return replace(finding, cause="precision", explanation=told)
        return finding
    return replace(
        finding,
        cause=verdict.cause,
        factor=verdict.mistake.factor if verdict.mistake is not None else None,
        explanation=_explanation(name, verdict, words),
        line="" if finding.matches else words.line(node),
        also=tuple(other.cause for other in verdict.others),
    )


def _explanation(name: str, verdict: Verdict, words: _Words) -> str:
    if verdict.cause == "consequence":
        if verdict.after is not None:
            return f"given your d{words.value(verdict.after)}, your d{name} is right"
        where = "" if verdict.mistake is None else f" in d{words.value(verdict.mistake.where)}"
        return f"right, but for the mistake{where}"
    if verdict.mistake is not None:
        told = words.told(verdict.mistake)
        where = verdict.mistake.where
        if words.value(where) != name and verdict.cause != "kink":
            told += f" (right: {words.line(where)})" if words.line(where) else ""
        return told
    if verdict.cause == "precision":
        return "a match: the difference is that of arithmetic in float32"
    return f"none of the {verdict.tried} mistakes that were tried gives these numbers ({', '.join(list(CAUSES)[:11])})"


def _loss_remark(replay: Replay, published: float, first: Finding | None) -> str:
    """What a published loss says beside the gradients."""
    recorded = float(replay.value(replay.loss))
    if abs(published - recorded) <= 1e-6 * max(abs(recorded), 1e-300):
        return ""
    factor = published / recorded if recorded else float("inf")
    exact = as_size(factor, sizes(replay))
    told = f"the published loss is {published:.10g}, the recorded one {recorded:.10g}"
    if exact is not None:
        told += f": {exact[0]:.6g} times as much ({exact[1]})"
    if first is None:
        return f"{told}. The gradients are those of the recorded loss, so another function is printed than the one differentiated"
    if exact is not None and first.factor is not None and abs(first.factor - exact[0]) < 1e-6 * abs(exact[0]):
        return f"{told}. The gradients have that factor too: they are right for the published loss"
    return told
