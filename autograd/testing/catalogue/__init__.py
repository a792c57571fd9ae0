"""The catalogue: mistakes that people make in hand-derived backprop, as changes of the reverse pass.

Each generator gives the mistakes of one kind that apply somewhere in a recorded graph. What a mistake says of itself is
told with gaps for names: `{g}` is the gradient it is made in, `{value}` the value that it concerns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from autograd.core.node import Node
from autograd.program.reverse import Link
from autograd.testing.catalogue.activations import branch_mistakes, branches_of, chain_mistakes, chains
from autograd.testing.catalogue.axes import axes, unsummed
from autograd.testing.catalogue.choices import branches, gathers, winners
from autograd.testing.catalogue.copied import (
    other_rows,
    powers,
    reshapes,
    siblings,
    values_for_gradients,
    values_for_slopes,
)
from autograd.testing.catalogue.intended import broadcast_targets
from autograd.testing.catalogue.kinks import kinks
from autograd.testing.catalogue.local import bypassed, lost_addends, missing_derivatives, other_places
from autograd.testing.catalogue.mistake import Mistake
from autograd.testing.catalogue.operands import lost_steps, missing_terms, operands
from autograd.testing.catalogue.products import transposes
from autograd.testing.catalogue.statistics import other_statistics, statistics
from autograd.testing.catalogue.targets import derived_again, labels, targets
from autograd.testing.replay import Replay

_OF_LINKS = (
    kinks,
    missing_terms,
    missing_derivatives,
    other_places,
    transposes,
    axes,
    operands,
    unsummed,
    winners,
    gathers,
    labels,
    lost_addends,
    siblings,
    values_for_gradients,
    values_for_slopes,
    reshapes,
    powers,
    other_rows,
)
_TRIED = 1000  # mistakes at most in one search


def catalogue(replay: Replay, sites: set[Node]) -> Iterator[Mistake]:
    """Every mistake without a free number that can reach the gradients at `sites`."""
    links = [link for node in replay.nodes for link in replay.uses[node] if node in sites]
    single = list(_single(replay, links, sites))
    seen: dict[Any, list[Mistake]] = {}
    for mistake in single:
        for kind in (mistake.kind, *mistake.alike):
            seen.setdefault(kind, []).append(mistake)
    for same in seen.values():
        yield from _repeated(replay, same)
    yield from lost_steps(replay, sites)
    yield from broadcast_targets(replay)
    yield from single


def by_plausibility(replay: Replay, sites: set[Node]) -> list[Mistake]:
    """The catalogue, the most plausible mistakes first; of a large graph only so many, with those made everywhere."""
    mistakes = list(catalogue(replay, sites))
    everywhere = sorted((m for m in mistakes if len(m.changes) > 1), key=lambda mistake: mistake.cost)
    alone = sorted((m for m in mistakes if len(m.changes) == 1), key=lambda mistake: mistake.cost)
    chosen = everywhere[:_TRIED] + alone[: _TRIED - min(len(everywhere), _TRIED // 2)]
    return sorted(chosen, key=lambda mistake: mistake.cost)


def _single(replay: Replay, links: list[Link], sites: set[Node]) -> Iterator[Mistake]:
    for link in links:
        for found in _OF_LINKS:
            for mistake in found(replay, link):
                if link.node in replay.penalties and mistake.cause not in ("kink", "regulariser"):
                    mistake = _as_penalty(mistake)
                yield mistake
    known = {node for node in sites if node in replay.truth}
    for chain in chains(replay):
        if chain.inner in known:
            yield from chain_mistakes(replay, chain)
            yield from statistics(replay, chain)
            yield from other_statistics(replay, chain)
        if {chain.inner, chain.outer} & known and chain.inner in replay.truth:
            yield from derived_again(replay, chain)
    for chain in branches_of(replay):
        if chain.inner in known and chain.outer in replay.truth:
            yield from branch_mistakes(replay, chain)
    for node in known:
        yield from targets(replay, node)
    for node in dict.fromkeys(link.node for link in links):
        if node in replay.truth:
            yield from branches(replay, node)
            yield from bypassed(replay, node)


def _repeated(replay: Replay, same: list[Mistake]) -> Iterator[Mistake]:
    """The same mistake in all layers, or at the same place in each step of a loop over shared parameters."""
    lines: dict[Any, list[Mistake]] = {}
    for mistake in same:
        lines.setdefault(replay.step_place(next(iter(mistake.changes))), []).append(mistake)
    for role, line in lines.items():
        if role is not None and len(line) > 1:
            yield _everywhere(line, "at the other steps", role)
    if len(same) > 1 and (len(lines) > 1 or None in lines):
        yield _everywhere(same, "in the other layers")


def _everywhere(same: list[Mistake], where: str, role: Any = None) -> Mistake:
    """The same mistake in all the places where it can be made, as code in a loop makes it."""
    changes: dict[Link | Node, Any] = {}
    for mistake in same:
        changes.update(mistake.changes)
    nearest = max(same, key=lambda mistake: mistake.where.order)
    told = f"{nearest.told}, and {where} alike"
    kind = ("everywhere", nearest.kind, role)
    return replace(nearest, changes=changes, cost=nearest.cost + 0.25, told=told, kind=kind)


def _as_penalty(mistake: Mistake) -> Mistake:
    return replace(
        mistake, cause="regulariser", cost=mistake.cost + 0.1, told=f"in the penalty, {mistake.told}", line=""
    )
