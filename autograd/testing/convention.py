"""The author's own scale: gradients on the way that are a multiple of the loss's, and right at the parameters.

Most courses write `dZ` for the gradient of each sample's own loss, and divide by m in `dW` and `db`; others carry the
negative gradient, and add it. Such a factor is no mistake. It is seen where each parameter's gradient is computed
from those on the way, whether these are right or not: there the factor leaves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array
from autograd.testing.catalogue.fit import as_size, sizes
from autograd.testing.catalogue.mistake import multiple
from autograd.testing.replay import Replay

_CANDIDATES = 4  # factors that are tried
Close = Callable[[Node, Array, Array], bool]


class Convention:
    """How many times the gradients on the way are those of the loss, as somebody writes them.

    Attributes:
        factor: the number; 1 where there is no such habit.
        words: where it comes from, with gaps for the names of `arrays`.
        arrays: what those gaps stand for.
    """

    def __init__(self, loss: Node, factor: float = 1.0, words: str = "", arrays: Mapping[str, object] | None = None):
        self._loss, self.factor, self.words, self.arrays = loss, factor, words, arrays or {}

    def of(self, node: Node) -> float:
        """The factor in the gradient of a node: none in those of the loss and of parameters."""
        return 1.0 if node.op is None or node is self._loss else self.factor

    def without(self, hand: Mapping[Node, Array]) -> dict[Node, Array]:
        """Hand gradients as they would be without it."""
        return {node: array / self.of(node) for node, array in hand.items()}


def convention_of(replay: Replay, hand: Mapping[Node, Array], close: Close) -> Convention:
    """The author's scale.

    It is taken for one where more parameters follow rightly from the gradients given on the way with the factor than
    without, and no more gradients are wrong with it.

    Args:
        replay: the reverse pass of the loss.
        hand: the hand gradients, in float64.
        close: whether a gradient, the second array, is that of a node but for rounding.
    """
    none = Convention(replay.loss)
    on_the_way = {node for node in hand if node.op is not None and node is not replay.loss}
    leaves = [node for node in hand if node.op is None and not on_the_way.isdisjoint(replay.behind(node))]
    if not leaves:
        return none

    def followed(convention: Convention) -> list[Node]:
        """The parameters that are right, given the gradients on the way."""
        given = {node: array for node, array in convention.without(hand).items() if node in on_the_way}
        local = replay.run({}, given)
        return [node for node in leaves if np.any(hand[node]) and close(node, local[node], hand[node])]

    def wrong(convention: Convention) -> int:
        return sum(not close(node, replay.truth[node], g) for node, g in convention.without(hand).items()
                   if node in replay.truth)  # fmt: skip

    most = followed(none)
    if len(most) == len(leaves):
        return none
    found = none
    for convention in _possible(replay, hand, leaves, on_the_way):
        follows = followed(convention)
        if len(follows) > len(most) and wrong(convention) <= wrong(none):
            found, most = convention, follows
    return found


def _possible(
    replay: Replay, hand: Mapping[Node, Array], leaves: list[Node], on_the_way: set[Node]
) -> list[Convention]:
    """The factors that leave on the way to parameters, the most frequent ones first, if they mean something."""
    local = replay.run({}, {node: hand[node] for node in on_the_way})
    counted: Counter[float] = Counter()
    for node in leaves:
        factor = multiple(local[node], hand[node]) if np.size(hand[node]) > 1 else None
        if factor is not None and abs(factor - 1) > 1e-3:
            counted[float(f"{factor:.4g}")] += 1
    known, possible = sizes(replay), []
    for factor in (-1.0, *(factor for factor, _ in counted.most_common(_CANDIDATES))):
        reason = as_size(factor, known, 1e-3)
        if reason is not None and not reason.weak and reason.factor != 1:
            possible.append(Convention(replay.loss, reason.factor, habit(reason.factor), reason.arrays))
    return possible


def habit(factor: float) -> str:
    """What a factor of the gradients on the way is, in words."""
    if factor == -1:
        return "the negative of the loss's: the sign comes right in the parameters"
    count = f"{abs(factor):.6g}"
    text = f"{factor:.6g} times the loss's" + (", those of each sample's own loss" if abs(factor) > 2 else "")
    return f"{text}: the division by {count}{' and the sign come' if factor < 0 else ' comes'} in the parameters"
