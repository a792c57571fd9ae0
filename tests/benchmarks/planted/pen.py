"""The pen of a student: lines of a hand derivation, each with the slips that people make in it.

A derivation is written once, right, as a function that sends every line through a pen:

    dZ2 = pen("Z2", ("loss",), 2 * (Z2 - y) / N, slip("scale", "1/N dropped", lambda: 2 * (Z2 - y)))

The pen gives back the right line, or the slip that it was told to make: then the lines below go on with
the wrong numbers, as a student's would. Whoever runs a derivation with an idle pen gets the list of its slips.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class DoesNotFitError(Exception):
    """A slip that shapes do not let pass here."""


@dataclass(frozen=True)
class Slip:
    """A wrong line in place of a right one.

    Attributes:
        causes: what the comparison may call it: the first name says it best.
        how: the mistake in words.
        line: the wrong gradient.
    """

    causes: tuple[str, ...]
    how: str
    line: Callable[[], Any] = field(compare=False)


def slip(causes: str, how: str, line: Callable[[], Any]) -> Slip:
    """A slip; several causes are parted by "|" where the table lets one mistake be called by either."""
    return Slip(tuple(causes.split("|")), how, line)


@dataclass
class Pen:
    """Writes the lines of one derivation.

    Attributes:
        planted: the slips to make, as pairs of tensor and words.
        gradients: by tensor, what was written.
        sources: by tensor, the tensors whose gradients its line uses.
        slips: by tensor and words, all slips that the lines offer.
    """

    planted: Collection[tuple[str, str]] = ()
    gradients: dict[str, Array] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    slips: dict[tuple[str, str], Slip] = field(default_factory=dict)

    def __call__(self, name: str, of: Iterable[str], right: Array, *slips: Slip | Iterable[Slip]) -> Array:
        """Write dL/d(name), which uses the gradients of the tensors `of`.

        Raises:
            DoesNotFitError: the planted slip has another shape than the right line.
        """
        written = right
        for candidate in (one for some in slips for one in ([some] if isinstance(some, Slip) else some)):
            key = (name, candidate.how)
            if key in self.slips:
                raise RuntimeError(f"two slips are called {key}")
            self.slips[key] = candidate
            if key in self.planted:
                written = self._attempt(candidate, right)
        self.gradients[name] = written
        self.sources[name] = tuple(of)
        return written

    def _attempt(self, candidate: Slip, right: Array) -> Array:
        try:
            wrong = np.asarray(candidate.line())
        except ValueError as error:
            raise DoesNotFitError(str(error)) from error
        if wrong.shape != np.shape(right):
            raise DoesNotFitError(f"{candidate.how}: {wrong.shape} for {np.shape(right)}")
        if wrong.dtype != np.asarray(right).dtype:
            raise RuntimeError(f"{candidate.how}: the slip turns {np.asarray(right).dtype} into {wrong.dtype}")
        return wrong

    def depths(self) -> dict[str, tuple[int, int]]:
        """By tensor, the number of lines from the loss: on the shortest way, and on the longest."""
        found = {"loss": (0, 0)}
        for name, of in self.sources.items():
            above = [found[source] for source in of]
            found[name] = (1 + min(least for least, _ in above), 1 + max(most for _, most in above))
        return found
