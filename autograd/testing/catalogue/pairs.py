"""Two mistakes at once, which show in the same gradients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from autograd.program.reverse import Array
from autograd.testing.catalogue.mistake import Mistake

_SINGLE = 32  # mistakes, the most plausible ones, of which two are tried together
_DIGITS = 9  # in which two results must differ to be two
_CHANCE = 3  # numbers that some two of so many mistakes may give by chance


def pairs(mistakes: Iterable[Mistake], reached: Callable[[Mistake], Array], right: Array) -> Iterator[Mistake]:
    """Every two of the mistakes that each change a gradient, made in different places; the most plausible two first.

    Args:
        mistakes: by cost.
        reached: the gradient that a mistake gives.
        right: the gradient without any.
    """
    size = float(np.max(np.abs(right), initial=0.0)) or 1.0
    different: dict[bytes, Mistake] = {}
    for mistake in mistakes:
        if len(different) == _SINGLE:
            break
        result = np.round((reached(mistake) - right) / size, _DIGITS)
        if mistake.cause != "kink" and np.any(result) and np.all(np.isfinite(result)):
            different.setdefault(result.tobytes(), mistake)
    for a, b in sorted(combinations(different.values(), 2), key=lambda two: two[0].cost + two[1].cost):
        if not a.changes.keys() & b.changes.keys():
            yield _both(a, b) if a.where.order >= b.where.order else _both(b, a)


def _both(first: Mistake, second: Mistake) -> Mistake:
    """The mistake nearer the loss, and in its words the other one as well."""
    names = {"g": "dother", "value": "other_value", "dvalue": "dother_value"}
    names |= {d + gap: f"{d}other_{gap}" for gap in second.details for d in ("", "d")}
    told = re.sub(r"{(\w+)}", lambda gap: f"{{{names.get(gap[1], gap[1])}}}", second.told)
    details = {f"other_{gap}": value for gap, value in second.details.items()}
    return replace(
        first,
        changes={**first.changes, **second.changes},
        cost=first.cost + second.cost,
        told=f"{first.told}; and {told}",
        kind=("two", first.kind, second.kind),
        details={**first.details, **details, "other": second.where, "other_value": second.value},
        free=first.free + second.free + _CHANCE,
    )
