"""What mistakes with a free number in them are fitted to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Gradients
from autograd.testing.catalogue.sizes import Size, sizes
from autograd.testing.replay import Replay

Run = Callable[[Mapping[Any, Any]], Gradients]


class Fit:
    """Hand gradients that differ from the predicted ones.

    Args:
        replay: the reverse pass.
        run: the gradients with given changes, and those of mistakes found before.
        hand: the hand gradients that are not yet explained, the one nearest the loss first.
        right: the nodes of those that are right, or explained.
        given: all hand gradients, explained or not.

    Attributes:
        base: what is predicted so far.
        first: the node nearest the loss.
    """

    def __init__(
        self,
        replay: Replay,
        run: Run,
        hand: Mapping[Node, Array],
        right: Sequence[Node] = (),
        given: Mapping[Node, Array] | None = None,
    ) -> None:
        self.replay, self.run, self.hand, self.right = replay, run, hand, right
        self.given = hand if given is None else given
        self.base = run({})
        self.first = next(iter(hand))

    @cached_property
    def sizes(self) -> list[Size]:
        """The numbers that a factor may come from."""
        return sizes(self.replay)


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
    if abs(float(plain) - value) <= 1e-5 * abs(value):  # 0.0999998, as float32 has it
        return plain
    return f"{value:.6g}"
