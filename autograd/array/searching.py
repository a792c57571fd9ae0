"""Searches that only compare, as bisection and the golden section do: no gradient goes through a comparison.

Such a search drives what it compares to a tie. Where its result moves along with the arguments, so does the tie, and
the gradient of what is compared is as small as that itself. Where it is far larger, it was lost in the comparisons.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Any, Final

import numpy as np

from autograd.array.careful import gradients
from autograd.array.conversion import GradientCutWarning
from autograd.basis.arrays import NUMBER
from autograd.basis.frames import is_ours
from autograd.core.errors import describe
from autograd.core.node import Node
from autograd.core.tensor import TensorBase

_FEW: Final = 100  # comparisons of one place that are looked at: a search is over by then, a simulation is not
_STEPS: Final = 8  # of them, that come closer to a tie than all before
_CLOSE: Final = 1e-6  # to the tie, beside the farthest
_FARTHER: Final = 100.0  # how many times the gap its gradient has to be

# Where the function that a transform differentiates compares numbers, by the place in its code.
searches: ContextVar[dict[Any, _Search] | None] = ContextVar("searches", default=None)


class _Search:
    """What one comparison in the code was asked, one time after the other."""

    __slots__ = ("code", "count", "farthest", "gap", "line", "outcomes", "sides")

    def __init__(self, frame: FrameType) -> None:
        self.code, self.line = frame.f_code, frame.f_lineno
        self.count = _FEW + 1 if is_ours(frame.f_code.co_filename) else 0  # rules and compositions search nothing
        self.farthest, self.gap, self.outcomes = 0.0, np.inf, [0, 0]
        self.sides: tuple[Any, Any] | None = None


def note_comparison(noted: dict[Any, _Search], tensor: Any, other: Any, outcome: Any) -> None:
    """Note that the author's code, two frames up, compares two numbers."""
    frame = sys._getframe(2)
    key = id(frame.f_code), frame.f_lasti  # the code itself takes long to hash
    search = noted.get(key)
    if search is None:
        search = noted[key] = _Search(frame)
    if search.count > _FEW:
        return
    b = other._value if isinstance(other, TensorBase) else other
    if type(b) not in (float, int, NUMBER) or search.sides is not None:
        return
    search.count += 1
    gap = abs(tensor._value - b)
    search.farthest = max(search.farthest, gap)
    if 0 < gap < search.gap:
        search.gap = gap
        search.outcomes[bool(outcome)] += 1
        if gap <= _CLOSE * search.farthest and min(search.outcomes) > 1 and sum(search.outcomes) >= _STEPS:
            search.sides = tensor, other


def tell_of_equality(tensor: Any, other: Any) -> None:
    """Warn where the author's code, two frames up, does for one value of an argument what it does for no other."""
    if tensor._node.op is not None or not tensor.requires_grad or isinstance(other, TensorBase):
        return
    frame = sys._getframe(2)
    if is_ours(frame.f_code.co_filename):
        return
    warnings.warn_explicit(
        f"{describe(tensor)} is compared with {other!r}, which it is: what is done for this value alone may have "
        "another gradient than what is done beside it. Differentiate beside it, or write it without the case",
        GradientCutWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def lost_at(noted: dict[Any, _Search], nodes: Sequence[Node]) -> str | None:
    """Where a search lost the gradient of one of these, if one did."""
    for search in noted.values():
        if search.sides is None:
            continue
        difference = search.sides[0] - search.sides[1]
        slopes = gradients(difference._node, NUMBER(1), wanted=frozenset(nodes)) if difference.requires_grad else {}
        if any(np.any(np.abs(slopes[n] * n.value) > _FARTHER * search.gap) for n in nodes if n in slopes):
            return f"{search.code.co_filename}:{search.line}"
    return None
