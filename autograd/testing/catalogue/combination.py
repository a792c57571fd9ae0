"""The same mistake in several places, and two mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from autograd.program.reverse import Array, Change
from autograd.testing.catalogue.fit import Fit, as_size
from autograd.testing.catalogue.mistake import Mistake, multiple, number
from autograd.testing.replay import Replay

_SINGLE = 32  # mistakes, the most plausible ones, of which two are tried together
_DIGITS = 9  # in which two results must differ to be two
_CHANCE = 3  # numbers that some two of so many mistakes may give by chance


def everywhere(replay: Replay, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """Those of one kind in all layers at once, or at the same place in each step of a loop over shared parameters."""
    kinds: dict[Any, list[Mistake]] = {}
    for mistake in mistakes:
        for kind in (mistake.kind, *mistake.alike):
            kinds.setdefault(kind, []).append(mistake)
    for same in kinds.values():
        lines: dict[Any, list[Mistake]] = {}
        for mistake in same:
            lines.setdefault(replay.step_place(next(iter(mistake.changes))), []).append(mistake)
        for place, line in lines.items():
            if place is not None and len(line) > 1:
                yield _together(line, "at the other steps", place)
        if len(same) > 1 and (len(lines) > 1 or None in lines):
            yield _together(same, "in the other layers")


def _together(same: list[Mistake], where: str, place: Any = None) -> Mistake:
    """The same mistake in all the places where it can be made, as code in a loop makes it."""
    changes: dict[Any, Change] = {}
    for mistake in same:
        changes.update(mistake.changes)
    nearest = max(same, key=lambda mistake: mistake.where.order)
    kind = ("everywhere", nearest.kind, place)
    text = f"{nearest.text}, and {where} alike"
    return replace(nearest, changes=changes, cost=nearest.cost + 0.25, text=text, kind=kind)


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
    text = re.sub(r"{(\w+)}", lambda gap: f"{{{names.get(gap[1], gap[1])}}}", second.text)
    details = {f"other_{gap}": value for gap, value in second.details.items()}
    return replace(
        first,
        changes={**first.changes, **second.changes},
        cost=first.cost + second.cost,
        text=f"{first.text}; and {text}",
        kind=("two", first.kind, second.kind),
        details={**first.details, **details, "other": second.where, "other_value": second.value},
        free=first.free + second.free + _CHANCE,
    )


def with_a_factor(fit: Fit, mistakes: Iterable[tuple[Mistake, Array]], top: Any) -> Iterator[Mistake]:
    """A mistake, and a factor of everything besides.

    Args:
        fit: what is to be explained.
        mistakes: each with the first gradient that it gives.
        top: the node whose gradient the factor is put to.
    """
    hand = fit.hand[fit.first]
    for mistake, gradient in mistakes if np.size(hand) > 2 else ():
        factor = multiple(hand, gradient) if top not in mistake.changes else None
        reason = as_size(factor, fit.sizes) if factor is not None and abs(factor - 1) > 1e-9 else None
        if reason is not None and not (reason.weak and reason.arrays):
            times = f"everything is multiplied by {number(reason.factor)}: {reason.words}"
            yield replace(
                mistake,
                changes={**mistake.changes, top: lambda g, _, factor=reason.factor: factor * g},
                cost=mistake.cost + 1.5,
                text=f"{mistake.text}; and {times}",
                kind=("two", mistake.kind),
                factor=reason.factor,
                details={**mistake.details, **reason.arrays},
            )
