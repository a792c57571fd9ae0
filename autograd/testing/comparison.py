"""A hand-derived backprop against the gradients of the recorded graph: what is wrong, where, and why."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.core.errors import describe
from autograd.core.node import Node
from autograd.notation.names import Scope
from autograd.testing.budget import Budget
from autograd.testing.catalogue.mistake import multiple
from autograd.testing.convention import convention_of
from autograd.testing.replay import Replay
from autograd.testing.report import Finding, Report, finding_of, for_another_loss, loss_remark
from autograd.testing.search import Search
from autograd.testing.tolerance import check_tolerance
from autograd.testing.verdict import Margin
from autograd.testing.words import Words
from autograd.text import printable

__tracebackhide__ = True  # pytest shows the line of the test and the message
Array = np.ndarray[Any, np.dtype[Any]]
_FEW_ROUNDINGS = 16  # where the error that float32 makes was measured
_RECORDED = 3  # of the error that the recorded values make, how many times as far
_ROUNDINGS = 64  # of the size that rounding has, how many a hand derivation may be off


def compare_grads(
    loss: Tensor,
    hand: Mapping[Any, Any],
    *,
    rtol: float | None = None,
    published_loss: float | None = None,
    budget: float = 2.0,
) -> Report:
    r"""Compare hand-derived gradients of `loss` with those of its recorded graph, and explain what differs.

    The truth is computed by a pass of its own: no `.grad` is read or changed. Where numbers differ, the reverse pass
    is replayed with one mistake in it, for each mistake of a catalogue (`autograd.testing.CAUSES`) and each place where
    it can be made; the simplest one that gives all of the hand's numbers at once is the verdict. What follows from an
    earlier wrong gradient is a consequence.

    Args:
        loss: a scalar Tensor with a graph.
        hand: dL/d(tensor) for any Tensors of that graph, parameters and values on the way, by Tensor or by its name
            (or the caller's variable), which a d may precede: "dW1" is that of W1; arrays of its shape.
        rtol: the error allowed, $\lVert hand - true \rVert \le rtol \cdot \lVert true \rVert$; by default 1.5e-8 for
            float64 and 2e-5 for float32. More is allowed where rounding is amplified, as at a minimum.
        published_loss: the loss as the hand derivation prints it: is it the function that was differentiated?
        budget: seconds of this thread's processor time, after which the search ends with what it has found. Whether a
            gradient is right does not depend on it; a large graph may need more for why it is not.

    Raises:
        KeyError: a name that no Tensor, or more than one, of the graph has.
        ValueError: a gradient of another shape, or with NaN; a Tensor outside the graph; an `rtol` that is negative or
            not finite.
        TypeError: a loss without graph; a gradient that is not a float array.
        RuntimeError: a parameter was changed in place, as by an optimiser's step, after the loss was computed.

    >>> x, w = np.array([1.0, 2.0, 4.0]), Tensor([3.0, 4.0, 5.0], requires_grad=True, name="w")
    >>> y = w * x
    >>> loss = np.sum(y**2)
    >>> print(compare_grads(loss, {w: w.data * x * x}))
    1 of 1 gradients is wrong; the first wrong link is w
    WRONG   w (3)  error 5.0e-01  scale
            dy is 1/2 times what it should be: the 2 of a square is missing; right: dy = 2 * y
            so dw = dy * x  # (3,)
            largest at w[2]: hand 80, true 160
    """
    scope = _scope()
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise TypeError("compare_grads takes a loss Tensor with a recorded graph as its first argument")
    if loss.size != 1:
        raise TypeError(f"compare_grads: the loss has shape {loss.shape}, not one element")
    if not isinstance(hand, Mapping) or not hand:
        raise TypeError(
            "compare_grads takes the hand gradients as a dictionary, by Tensor or by name, with one at least"
        )
    if rtol is not None:
        check_tolerance("rtol", rtol)
    time = Budget(budget)
    replay = Replay(loss._node)
    names, given = _given(hand, replay, scope)
    doubles = {node: array.astype(np.float64) for node, array in given.items()}
    margins = _margins(replay, given, rtol)

    def close(node: Node, g: Array, hand: Array) -> bool:
        return float(np.linalg.norm(g - hand)) <= margins[node].tolerance

    convention = convention_of(replay, doubles, close)
    if convention.factor != 1:
        margins = {node: margin.divided_by(convention.of(node)) for node, margin in margins.items()}
    search = Search(replay, convention.without(doubles), margins, time, convention.factor)
    words = Words(loss, scope, names, [*given, *search.places()], convention.factor, replay)
    findings = {
        node: finding_of(words.value(node), array, replay, node, search.verdicts[node], words, convention.of(node))
        for node, array in given.items()
    }
    own = [node for node in search.order if not findings[node].matches and findings[node].cause != "consequence"]
    first = findings[own[0]] if own else None
    if published_loss is not None:
        remark = loss_remark(replay, float(published_loss), first, words)
    else:
        factors = [
            multiple(array, convention.of(node) * replay.truth.get(node, 0.0)) for node, array in doubles.items()
        ]
        remark = for_another_loss(factors) if first is not None and len(factors) > 1 else ""
    return Report(tuple(findings.values()), remark, first, (loss, given), convention.words)


def assert_grads_match(
    loss: Tensor,
    hand: Mapping[Any, Any],
    *,
    rtol: float | None = None,
    published_loss: float | None = None,
    budget: float = 2.0,
) -> None:
    """Raise AssertionError with the report of `compare_grads` unless every gradient matches.

    >>> w = Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> assert_grads_match(np.sum(w**2), {"w": 2 * w.data})
    """
    report = compare_grads(loss, hand, rtol=rtol, published_loss=published_loss, budget=budget)
    if not report.matches or report.loss_remark:
        raise AssertionError(str(report))


def _scope() -> Scope:
    """The variables of the caller outside of this package."""
    frame = sys._getframe(2)
    if frame.f_code is assert_grads_match.__code__ and frame.f_back is not None:
        frame = frame.f_back
    return Scope(frame.f_locals, frame.f_globals)


# What was given


def _given(hand: Mapping[Any, Any], replay: Replay, scope: Scope) -> tuple[dict[Node, str], dict[Node, Array]]:
    """The names, where there are any, and the gradients, by node."""
    known: dict[Node, str] = {}
    for node in replay.nodes:
        name = node.get("name") or scope.of(node)
        if name is not None:
            known[node] = str(name)
    names: dict[Node, str] = {}
    given: dict[Node, Array] = {}
    for key, value in hand.items():
        node = _node(key, replay, known)
        name = known.get(node, "")
        if node in given:
            raise ValueError(f"two gradients are given for {name or describe(node)}")
        given[node] = _checked(name or describe(node), value, node)
        if name:
            names[node] = name
    return names, given


def _node(key: Any, replay: Replay, names: Mapping[Node, str]) -> Node:
    listed = sorted(printable(name, 80) for node, name in names.items() if node is not replay.loss)
    known = f"the graph has {', '.join(listed)}" if listed else "no Tensor of the graph has a name"
    if isinstance(key, Tensor):
        if key._node not in replay.uses:
            raise ValueError(f"{describe(key)} is not in the loss's graph; {known}")
        return key._node
    if not isinstance(key, str):
        raise TypeError(f"hand gradients are given by Tensor or by name, not by {type(key).__name__}; {known}")
    name = key if key in names.values() else key.removeprefix("d")
    nodes = [node for node, own in names.items() if own == name]
    nodes = [node for node in nodes if node.get("name") == name] or nodes
    if len(nodes) != 1:
        problem = "is no Tensor of the loss's graph" if not nodes else f"is the name of {len(nodes)} Tensors"
        raise KeyError(f"{key!r} {problem}; {known}")
    return nodes[0]


def _hint(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What a wrong shape suggests."""
    if given == shape[::-1]:
        return ": is it transposed?"
    if np.prod(given) == np.prod(shape):
        return ": reshape it, if the numbers are the same"
    if given[len(given) - len(shape) :] == shape and len(given) > len(shape):
        return ": is the sum over the samples missing?"
    if np.prod(shape) == 1:
        return ": is it summed over the wrong axis, or not at all?"
    if len(given) == len(shape) and all(b in (1, a) for a, b in zip(given, shape, strict=True)):
        return ": is a sum with keepdims=True missing?"
    return ""


def _checked(name: str, value: Any, node: Node) -> Array:
    given: Array = value.data if isinstance(value, Tensor) else np.asarray(value)
    shape = node.shape
    if given.dtype.kind != "f":
        kind = "None: a missing gradient" if value is None else str(given.dtype)
        raise TypeError(f"the hand gradient of {name} holds {kind}; give an array of floats of shape {shape}")
    if given.shape != shape:
        raise ValueError(
            f"the hand gradient of {name} has shape {given.shape}, {name} has {shape}{_hint(given.shape, shape)}"
        )
    if not np.all(np.isfinite(given)):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(given))[0])
        raise ValueError(f"the hand gradient of {name} is {given[at]} at {at}")
    return given


def _margins(replay: Replay, given: Mapping[Node, Array], rtol: float | None) -> dict[Node, Margin]:
    """How far gradients may be off, from the precision of the numbers and from what amplifies rounding."""
    conditioning, recorded, single = replay.conditioning(), replay.recorded_error(), replay.in_single()
    margins = {}
    for node, array in given.items():
        true: Any = replay.truth.get(node, 0.0)
        norm = max(float(np.linalg.norm(true)), float(np.linalg.norm(array.astype(np.float64))))
        short = np.float32 in (array.dtype, node.value.dtype, replay.loss.value.dtype)
        amplified = conditioning.get(node, 0.0) * _ROUNDINGS
        rounding = amplified * float(np.finfo(np.float32 if short else np.float64).eps)
        rounding += _RECORDED * recorded.get(node, 0.0)
        relative = rtol if rtol is not None else 2e-5 if short else 1.5e-8
        tolerance = relative * norm + (rounding if rtol is None or norm < rounding else 0.0)
        small = float(np.finfo(np.float32).eps)
        with np.errstate(over="ignore"):
            rounded = array.astype(np.float32)
        if np.array_equal(array, rounded):
            noise = amplified * small
        else:  # more digits than float32 has: only what went in, or a part of it, can have been of float32
            noise = _FEW_ROUNDINGS * (_distance(single.get(node, true), true) + small * norm)
        margins[node] = Margin(tolerance, tolerance if rtol is not None else max(tolerance, noise), rounding)
    return margins


def _distance(single: Array, g: Array) -> float:
    """The norm of what differs; where float32 is out of its range, nothing is known."""
    return float(np.linalg.norm(np.nan_to_num(single - g, posinf=0.0, neginf=0.0)))


def has_shape(array: Array, value: Any) -> bool:
    """Whether a gradient has the shape of a value, but for axes of one element that it has more or less."""
    alike = np.ndim(value) != array.ndim or array.ndim < 2 or array.shape == np.shape(value)
    return array.size == np.size(value) and alike


def misshapen(name: str, array: Array, node: Node) -> Finding:
    """The finding of a gradient that has another number of elements than its parameter."""
    shape = np.shape(node.value)
    text = f"the gradient of {name} has the shape {array.shape}, and {name} {shape}{_hint(array.shape, shape)}"
    cause = "unsummed-axis" if array.size > node.value.size else "wrong-axis"
    if array.shape == shape[::-1]:
        cause = "transposed"
    infinite = float("inf")
    return Finding(name, shape, False, infinite, infinite, infinite, (), 0.0, 0.0, cause, explanation=text)


def unused(name: str, array: Array) -> Finding:
    """The finding of a gradient that is not 0, of a parameter that the loss does not depend on."""
    text = f"the loss does not depend on {name}, so that its gradient is 0"
    most = float(np.max(np.abs(array)))
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(array)), array.shape))
    infinite = float("inf")
    return Finding(
        name, array.shape, False, most, infinite, infinite, worst, float(array[worst]), 0.0, "unknown", explanation=text
    )
