"""The catalogue: mistakes that people make in hand-derived backprop, as changes of the reverse pass.

The next mistake is a generator of `Mistake`s in the file of its theme, and a name in `_OF_LINKS` or `_OF_CHAINS`. For
a link (the rule of an operand of an operation), a chain (operations that make up one activation) or a node, it says in
words what people do, what that makes of the gradient, and how far-fetched it is. It need not ask whether the mistake
shows in the numbers of this graph: those that do not, and those whose shapes do not fit, are dropped here. The same
mistake in all layers, and two mistakes at once, follow by themselves (`combination`). What kind of operation it is
stands in its record (`op.role`).

    mistake      what a mistake is, and what the others have in common
    local        local derivatives of single operations
    choices      operations that choose: branches, extremes, indices; kinks
    chains       activations composed of operations; normalisations
    activations  the derivatives of activations
    products     products, sums and shapes
    operands     other tensors and gradients, and uses left out
    targets      the target and the labels
    fit          what a free number is fitted to, and the numbers of a graph
    factors      wrong factors
    parameters   penalties, and weights that were updated too early
    combination  one mistake in several places, and two at once
    lines        the line of a gradient, as a person would write it
    slips        the grammar of slips: what becomes of a line by one edit
    misread      slips in lines, one or two at once

A slip in a line is tried where it needs no pass of its own, so that a new function's line (`lines`) or a new edit
(`slips`) is known everywhere at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from autograd.core.node import Node
from autograd.testing.budget import Budget
from autograd.testing.catalogue.activations import branch_mistakes, chain_mistakes
from autograd.testing.catalogue.chains import branches_of, chains, other_statistics, statistics
from autograd.testing.catalogue.choices import branches, kinks, rows, subgradients, winners
from autograd.testing.catalogue.combination import everywhere
from autograd.testing.catalogue.factors import factors, tensor_factors
from autograd.testing.catalogue.fit import Fit
from autograd.testing.catalogue.local import (
    bypassed,
    lost_addends,
    missing_derivatives,
    other_places,
    powers,
    values_for_slopes,
    wrong_masks,
)
from autograd.testing.catalogue.mistake import Mistake, shows
from autograd.testing.catalogue.operands import (
    derivatives_elsewhere,
    lost_steps,
    missing_terms,
    other_gradients,
    other_operands,
    values_for_gradients,
)
from autograd.testing.catalogue.parameters import penalties, stale
from autograd.testing.catalogue.products import axes, reshapes, transposes, unsummed
from autograd.testing.catalogue.targets import broadcast_targets, derived_again, labels, targets
from autograd.testing.replay import Replay

_OF_LINKS = (
    kinks,
    missing_terms,
    missing_derivatives,
    other_places,
    wrong_masks,
    transposes,
    axes,
    other_operands,
    derivatives_elsewhere,
    other_gradients,
    unsummed,
    winners,
    rows,
    labels,
    lost_addends,
    values_for_gradients,
    values_for_slopes,
    reshapes,
    powers,
    branches,
    bypassed,
)
_OF_CHAINS = (chain_mistakes, statistics, other_statistics)
_TRIED = 1000  # mistakes at most in one search


def catalogue(replay: Replay, sites: set[Node], budget: Budget) -> Iterator[Mistake]:
    """Every mistake without a free number that can reach the gradients at `sites`, as far as the budget goes."""
    single = [mistake for mistake in budget.within(_single(replay, sites)) if shows(replay, mistake.changes)]
    yield from everywhere(replay, single)
    for mistake in budget.within((*lost_steps(replay, sites), *broadcast_targets(replay))):
        if shows(replay, mistake.changes):
            yield mistake
    yield from single


def with_free_numbers(fit: Fit, sites: set[Node]) -> Iterator[Mistake]:
    """Mistakes with a number that is fitted to the hand's gradients."""
    yield from factors(fit, sites)
    yield from tensor_factors(fit, sites)
    yield from penalties(fit)
    yield from subgradients(fit)


def by_plausibility(replay: Replay, sites: set[Node], budget: Budget) -> list[Mistake]:
    """The catalogue, the most plausible mistakes first; of a large graph only so many, with those made everywhere."""
    mistakes = sorted(catalogue(replay, sites, budget), key=lambda mistake: mistake.cost)
    together = [mistake for mistake in mistakes if len(mistake.changes) > 1][:_TRIED]
    alone = [mistake for mistake in mistakes if len(mistake.changes) == 1]
    chosen = together + alone[: _TRIED - min(len(together), _TRIED // 2)]
    return sorted(chosen, key=lambda mistake: mistake.cost)


def _single(replay: Replay, sites: set[Node]) -> Iterator[Mistake]:
    """The mistakes that can be made in one place."""
    truth = replay.truth
    for link in (link for node in replay.nodes if node in sites for link in replay.uses[node] if link.node in truth):
        for of_link in _OF_LINKS:
            for mistake in of_link(replay, link):
                penalty = link.node in replay.penalties and mistake.cause not in ("kink", "regulariser")
                yield _in_the_penalty(mistake) if penalty else mistake
    for chain in (chain for chain in chains(replay) if chain.inner in truth and chain.outer in truth):
        for of_chain in _OF_CHAINS if chain.inner in sites else ():
            yield from of_chain(replay, chain)
        if chain.inner in sites or chain.outer in sites:
            yield from derived_again(replay, chain)
    for chain in branches_of(replay):
        if chain.inner in sites and chain.inner in truth and chain.outer in truth:
            yield from branch_mistakes(replay, chain)
    for node in replay.nodes:
        if node in sites and node in truth:
            yield from targets(replay, node)


def _in_the_penalty(mistake: Mistake) -> Mistake:
    text = f"in the penalty, {mistake.text}"
    return replace(mistake, cause="regulariser", cost=mistake.cost + 0.1, text=text, line="")


__all__ = ["by_plausibility", "catalogue", "stale", "with_free_numbers"]
