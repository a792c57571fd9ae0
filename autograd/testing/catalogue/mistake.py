"""What a mistake is, and what the families of the catalogue have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Changes, Link
from autograd.testing.replay import Replay

_NEAR = 40  # operations; in larger graphs other tensors are looked for nearby


@dataclass(frozen=True)
class Mistake:
    """One mistake, or the same one made in several places.

    Attributes:
        cause: its code.
        changes: what it does to links and nodes.
        cost: how far-fetched it is; the cheapest mistake that explains the numbers is the verdict.
        told: what was done, in words.
        kind: equal for the same mistake in different places.
        alike: further kinds, where one may be the same as another in several ways.
        where: the node whose gradient is first wrong by it, `{g}` in the words.
        value: the node or the constant array that `{value}` stands for in the words; `{dvalue}` is its gradient.
        factor: hand over true, where it is one.
        details: what other gaps in the words stand for; a `d` before a gap is the gradient of what it stands for.
        free: how many numbers were fitted that mean nothing by themselves; so many numbers explain nothing.
        line: the right line, where people write it otherwise than it follows from the rules.
    """

    cause: str
    changes: Changes
    cost: float
    told: str
    kind: Any
    where: Node
    value: Any = None
    factor: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    line: str = ""
    free: int = 0
    alike: tuple[Any, ...] = ()


def differs(a: Any, b: Any) -> bool:
    """Whether a mistake shows: numbers of the right shape, and others."""
    if np.shape(a) != np.shape(b):
        return False
    difference = np.abs(a - b)
    return bool(np.all(np.isfinite(difference)) and np.any(difference > 1e-12 * np.abs(b)))


def multiple(g: Array, difference: Array) -> float | None:
    """The number that `difference` was multiplied by to give `g`, if there is one."""
    norm = float(np.sum(difference * difference))
    if not np.isfinite(norm) or norm == 0:
        return None
    scale = float(np.sum(g * difference)) / norm
    if scale == 0 or np.linalg.norm(g - scale * difference) > 1e-5 * np.linalg.norm(g):
        return None
    return scale


def unlike(a: Array, b: Array) -> bool:
    """Whether two arrays are no multiples of each other; of single numbers nobody can tell, so they are unlike."""
    return np.size(a) < 2 or multiple(a, b) is None


def elementwise(link: Link) -> bool:
    """Whether an operand is, or is broadcast to, the shape of the result."""
    if link.node.op.role == "product":
        return False
    shape = np.shape(link.node.value)
    try:
        return bool(np.broadcast_shapes(shape, np.shape(link.source.value)) == shape)
    except ValueError:
        return False


def fits(value: Any, own: Any) -> bool:
    """Whether a value can stand in the place of another one, perhaps by broadcasting."""
    shape, others = np.shape(own), np.shape(value)
    return others == shape or (
        len(others) == len(shape)
        and np.size(value) > 1
        and all(n in (1, m) for n, m in zip(others, shape, strict=True))
    )


def tried(replay: Replay, link: Link, g: Array, y: Any, args: tuple[Any, ...]) -> Any:
    """A contribution with other values, or None where the rule does not take them."""
    with np.errstate(all="ignore"):
        try:
            return replay.pull(link, g, y, args)
        except (ValueError, IndexError, TypeError):
            return None


def near(replay: Replay, link: Link, other: Any) -> bool:
    """Whether another value is one that somebody may take by mistake: in a large graph, one from around there."""
    if len(replay.nodes) <= _NEAR or type(other) is not Node:
        return True
    place = replay.position(link.node)
    return other.op is None or abs(replay.position(other) - place) <= _NEAR * 2 // 5


def softmax(z: Array, axis: int | None) -> Array:
    """Probabilities along an axis, or of all elements."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    found: Array = e / np.sum(e, axis=axis, keepdims=True)
    return found
