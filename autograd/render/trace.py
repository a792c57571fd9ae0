"""What the engine's own backward pass did, written down while it ran: nothing here derives or walks by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import get_ident
from typing import Any

import numpy as np

from autograd.core.backward import backpropagate
from autograd.core.node import Node, observers


@dataclass(frozen=True)
class Pull:
    """One application of one rule: what `node` sent back to `operand`, summed to the operand's shape."""

    node: Node
    operand: Node
    gradient: Any


@dataclass(frozen=True)
class Trace:
    """A backward pass: the gradient of every node that has one, and the rules in the order in which they ran."""

    gradients: dict[Node, Any]
    pulls: tuple[Pull, ...] = ()


class _Recorder:
    """Told by the engine of every rule; writes down those of this thread that somebody wants."""

    def __init__(self, wanted: Callable[[Node, Node], bool]) -> None:
        self.pulls: list[Pull] = []
        self._wanted = wanted
        self._thread = get_ident()

    def recorded(self, op: Any, args: tuple[Any, ...], node: Node) -> None:
        """Forward operations, such as those of other threads, are no part of a backward pass."""

    def pulled(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        if get_ident() == self._thread and self._wanted(node, operand):
            self.pulls.append(Pull(node, operand, d))


def trace(output: Node, wanted: Callable[[Node, Node], bool] = lambda node, operand: True) -> Trace:
    """Run the backward pass of a scalar `output`. No `.grad` changes, and no hook is called.

    Args:
        output: a node of one element, whose graph was not freed.
        wanted: which rules to write down, by the operation's node and the operand's.
    """
    value = output.value
    seed = value.dtype.type(1) if value.ndim == 0 else np.ones_like(value)
    recorder = _Recorder(wanted)
    observers.append(recorder)
    try:
        with np.errstate(all="ignore"):  # what overflows is drawn, and marked
            gradients = backpropagate(output, seed, keep=True, hooks=False)
    finally:
        observers.remove(recorder)
    return Trace(gradients, tuple(recorder.pulls))
