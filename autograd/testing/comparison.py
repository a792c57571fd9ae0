"""A hand-derived backprop against the gradients of the recorded graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.backward import backpropagate
from autograd.graph import Node, topological
from autograd.tensor import Tensor

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Finding:
    """What the comparison says of one gradient.

    Errors are of hand against true: the largest absolute difference, the largest difference relative to the
    true element, and the norm of the difference relative to the norm of the truth.
    """

    name: str
    shape: tuple[int, ...]
    matches: bool
    max_abs_error: float
    max_rel_error: float
    norm_rel_error: float
    worst: tuple[int, ...]
    hand: float
    true: float

    def __str__(self) -> str:
        shape = "×".join(map(str, self.shape)) or "scalar"
        head = f"{'ok   ' if self.matches else 'WRONG'}  {self.name} ({shape})  error {self.norm_rel_error:.1e}"
        if self.matches:
            return head
        at = "".join(f"[{i}]" for i in self.worst)
        return f"{head}; largest at {self.name}{at}: hand {self.hand:.6g}, true {self.true:.6g}"


@dataclass(frozen=True)
class Report:
    """The findings, one for each gradient given, in the order given."""

    findings: tuple[Finding, ...]

    @property
    def matches(self) -> bool:
        """Whether all gradients are right."""
        return all(finding.matches for finding in self.findings)

    def __str__(self) -> str:
        wrong = sum(not finding.matches for finding in self.findings)
        count = len(self.findings)
        verdict = f"all {count} gradients match" if not wrong else f"{wrong} of {count} gradients are wrong"
        return "\n".join([verdict, *map(str, self.findings)])


def compare_grads(loss: Tensor, hand: Mapping[Any, Any], *, rtol: float | None = None) -> Report:
    r"""Compare hand-derived gradients of `loss` with those of its recorded graph.

    The truth is computed by a pass of its own: no `.grad` is read or changed.

    Args:
        loss: a scalar Tensor with a graph.
        hand: dL/d(tensor) for any Tensors of that graph, by Tensor or by its name; arrays of its shape.
        rtol: the error allowed, $\lVert hand - true \rVert \le rtol \cdot \lVert true \rVert$; by default
            the square root of the dtype's precision, 1.5e-8 for float64 and 3.5e-4 for float32.

    Raises:
        KeyError: a name that no Tensor, or more than one, of the graph has.
        ValueError: a gradient of another shape, or with NaN; a Tensor outside the graph.
        TypeError: a loss without graph; a gradient that is not a float array.

    >>> x, w = np.array([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> loss = np.sum((w * x) ** 2)
    >>> print(compare_grads(loss, {w: 2 * w.data * x}))
    1 of 1 gradients are wrong
    WRONG  w (2)  error 4.9e-01; largest at w[1]: hand 16, true 32
    """
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise TypeError("compare_grads takes a loss Tensor with a recorded graph as its first argument")
    if loss.size != 1:
        raise TypeError(f"compare_grads: the loss has shape {loss.shape}, not one element")
    nodes = topological((loss._node,))
    chosen = [(_name(key, node), node, _checked(key, value, node))
              for key, value in hand.items() for node in [_find(key, nodes)]]  # fmt: skip
    truth = backpropagate(loss._node, np.ones_like(loss.data), keep=True, hooks=False)
    return Report(tuple(_compare(name, node, given, truth, rtol) for name, node, given in chosen))


def assert_grads_match(loss: Tensor, hand: Mapping[Any, Any], *, rtol: float | None = None) -> None:
    """Raise AssertionError with the report of `compare_grads` unless every gradient matches.

    >>> w = Tensor([3.0, 4.0], requires_grad=True, name="w")
    >>> assert_grads_match(np.sum(w**2), {"w": 2 * w.data})
    """
    report = compare_grads(loss, hand, rtol=rtol)
    if not report.matches:
        raise AssertionError(str(report))


def _find(key: Any, nodes: list[Node]) -> Node:
    names = sorted({node.note("name") for node in nodes} - {None})
    known = f"the graph has {', '.join(names)}" if names else "no Tensor of the graph has a name"
    if isinstance(key, Tensor):
        if key._node not in nodes:
            raise ValueError(f"{key.name or 'a Tensor'} of shape {key.shape} is not in the loss's graph; {known}")
        return key._node
    found = [node for node in nodes if node.note("name") == key]
    if len(found) != 1:
        problem = "is no Tensor of the loss's graph" if not found else f"is the name of {len(found)} Tensors"
        raise KeyError(f"{key!r} {problem}; {known}")
    return found[0]


def _name(key: Any, node: Node) -> str:
    return str(node.note("name") or (key if isinstance(key, str) else "unnamed"))


def _checked(key: Any, value: Any, node: Node) -> Array:
    name = _name(key, node)
    given: Array = value.data if isinstance(value, Tensor) else np.asarray(value)
    if given.dtype.kind != "f":
        raise TypeError(f"the hand gradient of {name} holds {given.dtype}; give floats")
    if given.shape != np.shape(node.value):
        raise ValueError(f"the hand gradient of {name} has shape {given.shape}, {name} has {np.shape(node.value)}")
    if not np.all(np.isfinite(given)):
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(given))[0])
        raise ValueError(f"the hand gradient of {name} is {given[at]} at {at}")
    return given


def _compare(name: str, node: Node, hand: Array, truth: dict[Node, Any], rtol: float | None) -> Finding:
    true = np.broadcast_to(np.asarray(truth.get(node, 0.0)), hand.shape)
    difference = np.abs(hand.astype(np.float64) - true)
    if rtol is None:
        precision = max(np.finfo(hand.dtype).eps, np.finfo(true.dtype).eps)
        rtol = float(np.sqrt(precision))
    norm = float(np.linalg.norm(true.astype(np.float64)))
    error = float(np.linalg.norm(difference))
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), hand.shape)) if hand.size else ()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(difference == 0, 0.0, difference / np.abs(true))
    return Finding(
        name=name,
        shape=hand.shape,
        matches=error <= rtol * norm,
        max_abs_error=float(np.max(difference, initial=0.0)),
        max_rel_error=float(np.max(relative, initial=0.0)),
        norm_rel_error=error / norm if norm else (0.0 if error == 0 else float("inf")),
        worst=worst,
        hand=float(hand[worst]) if hand.size else 0.0,
        true=float(true[worst]) if hand.size else 0.0,
    )
