"""The gradients of a picture: the engine's own backward pass, with what each rule sent back written down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np

from autograd.array.careful import gradients
from autograd.basis.caching import cached_property
from autograd.core.node import Node, observers
from autograd.render.diagram import Verdict


class Contribution(NamedTuple):
    """What the rule of `node` sent back to `operand`, summed to the operand's shape."""

    node: Node
    operand: Node
    gradient: Any


@dataclass(frozen=True)
class Gradients:
    """The gradient of every node that has one, and the contributions in the order in which the rules ran."""

    of: dict[Node, Any]
    contributions: Sequence[Contribution] = ()

    @cached_property
    def arrived(self) -> dict[Node, list[Contribution]]:
        """The contributions by operand."""
        arrived: defaultdict[Node, list[Contribution]] = defaultdict(list)
        for one in self.contributions:
            arrived[one.operand].append(one)
        return arrived


@dataclass(frozen=True)
class Hand:
    """A gradient that was derived by hand, and the result of its comparison."""

    gradient: Any
    verdict: Verdict
    remark: str = ""


class _Recorder:
    """An observer of this thread's rules."""

    def __init__(self) -> None:
        self.contributions: list[Contribution] = []
        self._thread, self._careful = get_ident(), False

    def recorded(self, op: Any, args: tuple[Any, ...], node: Node, value: Any) -> None:
        """Forward operations, such as those of other threads, are no part of a backward pass."""

    def pulled(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """Called after each derivative rule."""
        if get_ident() == self._thread:
            self.contributions.append(Contribution(node, operand, d))

    def corrected(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """Called after each derivative rule of a careful pass, which takes the place of the plain one."""
        if get_ident() == self._thread:
            if not self._careful:
                self._careful, self.contributions = True, []
            self.contributions.append(Contribution(node, operand, d))


def gradients_of(output: Node, *, contributions: bool = False) -> Gradients:
    """The gradients of a scalar `output`, whose graph was not freed. No `.grad` changes, and no hook is called."""
    value = output.value
    seed = value.dtype.type(1) if value.ndim == 0 else np.ones_like(value)
    recorder = _Recorder()
    if contributions:
        observers.append(recorder)
    try:
        with np.errstate(all="ignore"):  # what overflows is drawn, and marked
            found = gradients(output, seed, keep=True, hooks=False)
    finally:
        if contributions:
            observers.remove(recorder)
    return Gradients(found, recorder.contributions)
