"""The catalogue: mistakes that people make in hand-derived backprop, as changes of the reverse pass.

Each generator gives the mistakes of one kind that apply somewhere in a recorded graph. What a mistake says of itself is
told with gaps for names: `{g}` is the gradient it is made in, `{value}` the value that it concerns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from autograd.graph import Node
from autograd.testing.catalogue.activations import chain_mistakes, chains
from autograd.testing.catalogue.axes import axes, unsummed
from autograd.testing.catalogue.kinks import kinks
from autograd.testing.catalogue.local import missing_derivatives, other_places
from autograd.testing.catalogue.mistake import Mistake
from autograd.testing.catalogue.operands import missing_terms, operands
from autograd.testing.catalogue.products import transposes
from autograd.testing.catalogue.targets import targets
from autograd.testing.replay import Link, Replay

_TRIED = 1000  # mistakes at most in one search


def catalogue(replay: Replay, sites: set[Node]) -> Iterator[Mistake]:
    """Every mistake without a free number that can reach the gradients at `sites`."""
    links = [link for node in replay.nodes for link in replay.uses[node] if node in sites]
    seen: dict[Any, list[Mistake]] = {}
    for mistake in _single(replay, links, sites):
        seen.setdefault(mistake.kind, []).append(mistake)
    for same in seen.values():
        if len(same) > 1:
            yield _everywhere(same)
    for same in seen.values():
        yield from same


def by_plausibility(replay: Replay, sites: set[Node]) -> list[Mistake]:
    """The catalogue, the most plausible mistakes first; of a large graph only so many, with those made everywhere."""
    mistakes = list(catalogue(replay, sites))
    everywhere = [mistake for mistake in mistakes if len(mistake.changes) > 1]
    alone = sorted((m for m in mistakes if len(m.changes) == 1), key=lambda mistake: mistake.cost)
    chosen = everywhere[:_TRIED] + alone[: _TRIED - min(len(everywhere), _TRIED // 2)]
    return sorted(chosen, key=lambda mistake: mistake.cost)


def _single(replay: Replay, links: list[Link], sites: set[Node]) -> Iterator[Mistake]:
    for link in links:
        for found in (kinks, missing_terms, missing_derivatives, other_places, transposes, axes, operands, unsummed):
            for mistake in found(replay, link):
                if link.node in replay.penalties and mistake.cause not in ("kink", "regulariser"):
                    mistake = _as_penalty(mistake)
                yield mistake
    for chain in chains(replay):
        if chain.inner in sites and chain.inner in replay.truth:
            yield from chain_mistakes(replay, chain)
    for node in sites:
        if node in replay.truth:
            yield from targets(replay, node)


def _everywhere(same: list[Mistake]) -> Mistake:
    """The same mistake in all the places where it can be made, as code in a loop makes it."""
    changes: dict[Link | Node, Any] = {}
    for mistake in same:
        changes.update(mistake.changes)
    nearest = max(same, key=lambda mistake: mistake.where.order)
    told = f"{nearest.told}, and in the other layers alike"
    return replace(nearest, changes=changes, cost=nearest.cost + 0.25, told=told, kind=("everywhere", nearest.kind))


def _as_penalty(mistake: Mistake) -> Mistake:
    return replace(
        mistake, cause="regulariser", cost=mistake.cost + 0.1, told=f"in the penalty, {mistake.told}", line=""
    )
