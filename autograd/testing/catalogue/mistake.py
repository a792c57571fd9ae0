"""What a mistake is, and what the parts of the catalogue have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
        cost: how far-fetched it is; the cheapest mistake that explains the numbers is the verdict.
        text: what was done, in words with gaps for names: `{g}` is the gradient it is made in, `{value}` the value
            that it concerns, `{operand}` and `{result}` those of the operation of the first change, a name of `details`
            what that says. A `d` before a name makes it the gradient of that.
        changes: what it does to the reverse pass.
        kind: equal for the same mistake in different places; by default, where its text, operation and operand are.
        where: the node whose gradient is first wrong by it; by default, where the first change is.
        value: the node or the constant array that `{value}` stands for; by default, the operation of the first change.
        details: what other gaps in the text stand for; `{times}` is a number that a line multiplies by, as ` / 8`,
            `{predicted}` a value by its numbers, and what it is where it has no name.
        line: the right line, where people write it otherwise than it follows from the rules.
        factor: hand over true, where it is one.
        free: how many numbers were fitted that mean nothing by themselves; so many numbers explain nothing.
        alike: further kinds, where one may be the same as another in several ways.
    """

    cause: str
    cost: float
    text: str
    changes: Changes
    kind: Any = None
    where: Any = None
    value: Any = None
    details: Mapping[str, Any] = field(default_factory=dict)
    line: str = ""
    factor: float | None = None
    free: int = 0
    alike: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        place = next(iter(self.changes))
        node, source = (place.node, place.source) if isinstance(place, Link) else (place, place)
        at = (node.op.name, place.operand) if isinstance(place, Link) else ()
        for name, default in (("kind", (self.text, *at)), ("where", source), ("value", node)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        object.__setattr__(self, "details", {"operand": source, "result": node, **self.details})


def shows(replay: Replay, changes: Changes) -> bool:
    """Whether changes turn numbers of this graph into others of the same shape."""
    different = False
    for place, change in changes.items():
        try:
            right = replay.contribution(place) if isinstance(place, Link) else replay.truth[place]
            arrives = replay.truth[place.node] if isinstance(place, Link) else right
            wrong = change(arrives, replay.truth)
        except (ValueError, IndexError, TypeError, KeyError):  # rules and shapes do not allow it
            return False
        if wrong is None or np.shape(wrong) != np.shape(right):
            return False
        different = different or differs(wrong, right)
    return different


def differs(a: Any, b: Any) -> bool:
    """Whether the first are numbers of the shape of the others, and not the same."""
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
    """Whether two arrays are no multiples of each other; of single numbers nobody can say, so they are unlike."""
    return np.size(a) < 2 or multiple(a, b) is None


def coefficient(pairs: Sequence[tuple[Array, Array]]) -> float:
    """The number that makes the second of each pair most like the first, by least squares; NaN where all are zero."""
    above = sum(float(np.sum(a * b)) for a, b in pairs)
    below = sum(float(np.sum(b * b)) for _, b in pairs)
    return above / below if below else float("nan")


def short(value: float) -> str:
    """A learning rate or a coefficient: a decimal number where that is short."""
    decimal = f"{value:.6g}"
    return decimal if len(decimal) <= 6 else number(value)


def number(value: float) -> str:
    """A number as one would write it: 1/3 for its inverse, else six digits."""
    inverse = 1 / value if value else 0.0
    if 1 < round(inverse) < 10_000 and abs(inverse - round(inverse)) < 1e-6 * inverse:
        return f"1/{round(inverse)}"
    plain = f"{value:.3g}"
    if plain == "1" and abs(value - 1) > 1e-9:
        return f"{value:.9g}"
    if abs(float(plain) - value) <= 1e-5 * abs(value):  # 0.0999998, as float32 has it
        return plain
    return f"{value:.6g}"


def is_product(node: Node) -> bool:
    """Whether an operation sums over products, as a matrix product does."""
    return node.op is not None and node.op.role == "product"


def elementwise(link: Link) -> bool:
    """Whether an operand is, or is broadcast to, the shape of the result."""
    if is_product(link.node):
        return False
    shape = link.node.shape
    try:
        return bool(np.broadcast_shapes(shape, link.source.shape) == shape)
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


def near(replay: Replay, link: Link, other: Any) -> bool:
    """Whether another value is one that somebody may take by mistake: in a large graph, one from around there."""
    if len(replay.nodes) <= _NEAR or type(other) is not Node:
        return True
    return other.op is None or abs(replay.position(other) - replay.position(link.node)) <= _NEAR * 2 // 5


def softmax(z: Array, axis: int | None) -> Array:
    """Probabilities along an axis, or of all elements."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    probabilities: Array = e / np.sum(e, axis=axis, keepdims=True)
    return probabilities


def left_out(replay: Replay, links: Iterable[Link]) -> Changes:
    """The changes that leave out contributions."""
    return {link: lambda g, _, link=link: np.zeros_like(replay.contribution(link)) for link in links}
