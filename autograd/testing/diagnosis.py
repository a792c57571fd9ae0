"""Which mistake explains the numbers: the reverse pass is replayed with each one in it, and compared.

This is abduction (Peirce): of the mistakes that would give just these gradients, the simplest one is the verdict. A
gradient that is right given an earlier wrong one is a consequence, and no mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Gradients, Link
from autograd.testing.catalogue import by_plausibility
from autograd.testing.catalogue.factors import factors, tensor_factors
from autograd.testing.catalogue.fit import Fit, number
from autograd.testing.catalogue.kinks import subgradients
from autograd.testing.catalogue.mistake import Mistake, multiple
from autograd.testing.catalogue.pairs import pairs
from autograd.testing.catalogue.penalties import penalties
from autograd.testing.catalogue.sizes import as_size
from autograd.testing.catalogue.stale import stale
from autograd.testing.replay import Replay

_CLEARER = 0.02  # a mistake must explain all but this part of an error
_ALIKE = 0.1  # and those whose cost differs by no more than this are the same in other places
_HOPELESS = 3  # gradients that nothing explains
_AS_PLAUSIBLE = 0.45  # causes whose cost differs by no more are named together
_SECOND_THOUGHTS = 4  # other choices at most, where the first left something unexplained
_LARGE = 100  # nodes; a graph beyond that is searched but once


@dataclass
class Verdict:
    """What the search found for one hand gradient.

    Attributes:
        cause: a code, or None where it is right.
        mistake: what explains it.
        alike: mistakes of the same cause in other places, which explain as much.
        others: mistakes of other causes that explain it as well.
        after: the nearest wrong gradient that it follows from, for a consequence.
        tried: how many mistakes were ruled out, where none explains it.
        beside: how many changes of the reverse pass were known by then.
    """

    cause: str | None = None
    mistake: Mistake | None = None
    alike: list[Mistake] = field(default_factory=list)
    others: list[Mistake] = field(default_factory=list)
    after: Node | None = None
    tried: int = 0
    beside: int = 0


class _Found(NamedTuple):
    """A mistake that explains gradients: minus how many, at what cost, and which of the open ones it changes."""

    explained: int
    cost: float
    mistake: Mistake
    changed: frozenset[Node]


class _State(NamedTuple):
    """How far the search has come."""

    changes: dict[Link | Node, Any]
    given: dict[Node, Array]
    verdicts: dict[Node, Verdict]
    explained: set[Node]
    through_shifts: bool


class _Choice(NamedTuple):
    """The mistakes between which the search chose for one gradient, and how far it was by then."""

    before: _State
    first: Node
    found: list[_Found]
    tried: int

    def elsewhere(self) -> list[list[_Found]]:
        """Those that explain as many gradients as the best one but change others, by which they change."""
        groups: dict[frozenset[Node], list[_Found]] = {}
        for entry in self.found:
            if entry.explained == self.found[0].explained:
                groups.setdefault(entry.changed, []).append(entry)
        return list(groups.values())[1:]


class Diagnosis:
    """The verdicts on hand gradients.

    Args:
        replay: the reverse pass of the loss.
        hand: hand gradients by node, in float64.
        tolerance: the norm of the difference from a prediction that is still a match, by node.
        noise: the norm up to which an unexplained difference may be arithmetic of less precision.
        rounding: the norm of differences that rounding makes in the hand's own dtype.

    Attributes:
        order: the nodes, the one nearest the loss first.
        verdicts: by node.
    """

    def __init__(
        self,
        replay: Replay,
        hand: Mapping[Node, Array],
        tolerance: Mapping[Node, float],
        noise: Mapping[Node, float],
        rounding: Mapping[Node, float],
    ) -> None:
        self.replay, self.hand = replay, dict(hand)
        self._tolerance, self._noise, self._rounding = tolerance, noise, rounding
        self.order = sorted(hand, key=self._nearness)
        self._changes: dict[Link | Node, Any] = {}
        self._given: dict[Node, Array] = {}
        self._explained: set[Node] = set()
        self.verdicts = {node: Verdict() for node in self.order}
        self._search()

    def places(self) -> list[Node]:
        """The nodes whose gradients the mistakes are made in."""
        verdicts = [verdict for verdict in self.verdicts.values() if verdict.mistake is not None]
        return list(dict.fromkeys(m.where for v in verdicts if v.mistake for m in (v.mistake, *v.alike)))

    def _nearness(self, node: Node) -> tuple[float, int]:
        links = self.replay.uses.get(node, [])
        if node is self.replay.loss or not links:
            return (-float("inf"), 0)
        # A gradient is complete at the first use of the node, the last one that the reverse pass comes to.
        return (-min(link.node.order for link in links), min(link.operand for link in links))

    def _run(self, changes: Mapping[Any, Any], only: Node | None = None) -> Gradients:
        found = self.replay.run({**self._changes, **changes}, self._given, only)
        for node in self.hand:
            if node not in found:  # the loss does not depend on it
                found[node] = np.zeros_like(self.hand[node])
        return found

    def _error(self, node: Node, gradients: Gradients) -> float:
        return float(np.linalg.norm(self.hand[node] - gradients[node]))

    def _close(self, node: Node, gradients: Gradients) -> bool:
        return self._error(node, gradients) <= self._tolerance[node]

    def _search(self) -> None:
        """One mistake after the other, from the loss on, until every number is explained or given up."""
        with np.errstate(all="ignore"):
            self._search_quietly()

    def _search_quietly(self) -> None:
        truth = self._run({})
        self._wrong = [node for node in self.order if not self._close(node, truth)]
        choices = self._settle()
        if self._unknown() and len(self.replay.nodes) <= _LARGE:
            self._reconsider(choices)
            self._two_at_once()

    def _settle(self) -> list[_Choice]:
        """Explain one gradient after the other by the simplest mistake, and say between which there was a choice."""
        choices = []
        while True:
            predicted = self._run({})
            open_ = [node for node in self._wrong if node not in self._explained and not self._close(node, predicted)]
            if open_ and self._goes_through_shifts(open_):
                continue
            for node in self._wrong:
                if node not in self._explained and node not in open_:
                    self._explained.add(node)
                    self._consequence(node)
            if not open_:
                break
            before, (found, tried) = self._state(), self._explanations(open_, predicted)
            choices.append(_Choice(before, open_[0], found, tried))
            self._choose(open_[0], found, tried, predicted)
        self._look_again()
        return choices

    def _look_again(self) -> None:
        """Parameters that nothing explained, now that the mistakes further from the loss are known."""
        for node in self._unknown():
            if node.op is not None or len(self._changes) == self.verdicts[node].beside:
                continue
            del self._given[node]
            self.verdicts[node] = Verdict()
            predicted = self._run({})
            if self._close(node, predicted):
                self._consequence(node, [other for other in self.order if self.verdicts[other].mistake is not None])
            else:
                found, tried = self._explanations([node], predicted)
                self._choose(node, found, tried, predicted)

    def _reconsider(self, choices: list[_Choice]) -> None:
        """Where something stayed unknown: another mistake that explains as many gradients, and reaches others.

        Of two mistakes at once, the one that is found first may explain its gradients in the wrong place.
        """
        best, least = self._state(), self._unexplained()
        thoughts = [(choice, others) for choice in choices for others in choice.elsewhere()]
        for choice, others in thoughts[:_SECOND_THOUGHTS]:
            self._restore(choice.before)
            self._choose(choice.first, others, choice.tried, self._run({}))
            self._settle()
            if self._unexplained() < least:
                best, least = self._state(), self._unexplained()
        self._restore(best)

    def _two_at_once(self) -> None:
        """Two mistakes that show in the same gradients, where nothing else explains them."""
        if not self._unknown():
            return
        before, least = self._state(), self._unexplained()
        for node in self._unknown():
            self._given.pop(node)
            self._explained.remove(node)
            self.verdicts[node] = Verdict()
        predicted = self._run({})
        open_ = [node for node in self._wrong if node not in self._explained and not self._close(node, predicted)]
        found = self._pairs(open_, predicted) if open_ else []
        if found:
            self._choose(open_[0], found, 0, predicted)
        if found or not open_:
            self._settle()
        if self._unexplained() >= least:
            self._restore(before)

    def _pairs(self, open_: list[Node], predicted: Gradients) -> list[_Found]:
        """The two mistakes that explain the gradient nearest the loss together, the most plausible ones first."""
        first, settled = open_[0], [node for node in self.order if node not in open_]
        listed = by_plausibility(self.replay, self._sites(first, settled))
        found: list[_Found] = []
        for both in pairs(listed, lambda mistake: self._run(mistake.changes, first)[first], predicted[first]):
            if found and both.cost > found[0].cost + _AS_PLAUSIBLE:
                break
            found += self._explained_by(both, open_, settled, predicted, self._run(both.changes, first))
        return sorted(found, key=lambda entry: entry[:2])

    def _unknown(self) -> list[Node]:
        return [node for node in self.order if self.verdicts[node].cause == "unknown"]

    def _unexplained(self) -> int:
        """How many wrong gradients have no verdict that explains them."""
        return sum(self.verdicts[node].cause in (None, "unknown") for node in self._wrong)

    def _state(self) -> _State:
        verdicts = {node: replace(verdict) for node, verdict in self.verdicts.items()}
        return _State(
            dict(self._changes), dict(self._given), verdicts, set(self._explained), self.replay.through_shifts
        )

    def _restore(self, state: _State) -> None:
        self._changes, self._given, self._explained = dict(state.changes), dict(state.given), set(state.explained)
        self.verdicts = {node: replace(verdict) for node, verdict in state.verdicts.items()}
        self.replay.through_shifts = state.through_shifts

    def _goes_through_shifts(self, open_: list[Node]) -> bool:
        """Whether more follows from what was found where the gradient of a subtracted maximum was derived too."""
        if self.replay.through_shifts or not self.replay.has_shifts or not (self._changes or self._given):
            return False
        self.replay.through_shifts = True
        found = self._run({})
        if any(self._close(node, found) for node in open_):
            return True
        self.replay.through_shifts = False
        return False

    def _consequence(self, node: Node, of: Iterable[Node] = ()) -> None:
        verdict = self.verdicts[node]
        before = of or self.order[: self.order.index(node)]
        earlier = [other for other in before if self.verdicts[other].cause not in (None, "kink")]
        causes = [self.verdicts[other].mistake for other in earlier if self.verdicts[other].mistake is not None]
        own = next((m for m in causes if m is not None and self._made_in(m, node)), None)
        if own is not None:
            verdict.cause, verdict.mistake = own.cause, own
            return
        kinks = [v.mistake for v in self.verdicts.values() if v.cause == "kink"]
        if not earlier and kinks:
            verdict.cause, verdict.mistake = "kink", kinks[0]
            return
        verdict.cause = "consequence"
        behind = self.replay.behind(node)[:-1]
        given = [other for other in earlier if other in behind]
        verdict.after = given[-1] if given else None
        if not given and earlier:
            verdict.mistake, verdict.alike = self.verdicts[earlier[-1]].mistake, self.verdicts[earlier[-1]].alike

    def _made_in(self, mistake: Mistake, node: Node) -> bool:
        """Whether a mistake is made in this very gradient, one of several alike."""
        return any((site.source if isinstance(site, Link) else site) is node for site in mistake.changes)

    def _explanations(self, open_: list[Node], predicted: Gradients) -> tuple[list[_Found], int]:
        """The mistakes that explain the gradient nearest the loss, the best first, and how many were tried."""
        first = open_[0]
        settled = [node for node in self.order if node not in open_]
        sites = self._sites(first, settled)
        fit = Fit(self.replay, self._run, {node: self.hand[node] for node in open_}, settled, self.hand)
        found: list[_Found] = []
        # Where nothing fits anywhere, only slips in the very line of a gradient are still tried.
        hopeless = sum(other.cause == "unknown" for other in self.verdicts.values()) >= _HOPELESS
        tried = {first} if hopeless else sites
        listed = by_plausibility(self.replay, tried)
        fitted = [*factors(fit, tried), *tensor_factors(fit, tried), *penalties(fit), *subgradients(fit)]
        fitted += () if hopeless else stale(fit)
        # What one mistake can explain: gradients that come from the same places, with nothing right between.
        within = [node for node in open_ if node is first or sites & self._sites(node, settled)]
        reached: dict[int, Array] = {}
        for mistake in sorted((*listed, *fitted), key=lambda mistake: mistake.cost):
            if any(-count >= len(within) and cost < mistake.cost - _AS_PLAUSIBLE for count, cost, *_ in found):
                break  # all is explained, and what is left is more far-fetched
            gradients = self._run(mistake.changes, first)
            reached[id(mistake)] = gradients[first]
            found += self._explained_by(mistake, open_, settled, predicted, gradients)
        if not found and not hopeless and self.replay.has_shifts and not self.replay.through_shifts:
            self.replay.through_shifts = True
            scaled = factors(Fit(self.replay, self._run, fit.hand, settled, self.hand), tried)
            found = self._simplest([*listed, *scaled], open_, settled)
            self.replay.through_shifts = bool(found)
        if not found and not hopeless:
            found = self._with_a_factor(listed, reached, fit, sites, open_, settled, predicted)
        return sorted(found, key=lambda entry: entry[:2]), len(reached)

    def _choose(self, first: Node, found: list[_Found], tried: int, predicted: Gradients) -> None:
        """Settle a gradient: by the best of the mistakes that explain it, as noise, or as unknown."""
        verdict = self.verdicts[first]
        self._explained.add(first)
        if self._settle_as_noise(first, predicted, found):
            return
        if not found:
            verdict.cause, verdict.tried, verdict.beside = "unknown", tried, len(self._changes)
            self._given[first] = self.hand[first]
            return
        count, cost, best, _ = found[0]
        verdict.cause, verdict.mistake = best.cause, best
        seen = {best.cause}
        for other_count, other_cost, other, _ in found[1:]:
            if other_count != count or other_cost > cost + _AS_PLAUSIBLE:
                continue
            if other.cause not in seen:
                seen.add(other.cause)
                verdict.others.append(other)
            elif other.cause == best.cause and other.factor == best.factor and other_cost < cost + _ALIKE:
                verdict.alike.append(other)
        self._changes.update(best.changes)

    def _simplest(self, listed: list[Mistake], open_: list[Node], settled: list[Node]) -> list[_Found]:
        """The simplest of some mistakes that explains all open gradients, if one does."""
        predicted = self._run({})
        for mistake in listed:
            reached = self._run(mistake.changes, open_[0])
            for found in self._explained_by(mistake, open_, settled, predicted, reached):
                if -found[0] == len(open_):
                    return [found]
        return []

    def _settle_as_noise(self, first: Node, predicted: Gradients, found: list[Any]) -> bool:
        """Whether a small difference that nothing explains is arithmetic of less precision."""
        if found or self._error(first, predicted) > self._noise[first]:
            return False
        self.verdicts[first].cause = "precision"
        if first.op is not None:
            self._given[first] = self.hand[first]
        return True

    def _explained_by(
        self,
        mistake: Mistake,
        open_: list[Node],
        settled: Iterable[Node],
        predicted: Gradients,
        reached: Gradients,
    ) -> Iterator[_Found]:
        """A mistake, if it explains the first of the open gradients and breaks none that was right."""
        if not self._closer(open_[0], reached, predicted):
            return
        gradients = self._run(mistake.changes)
        if not all(gradients[node] is predicted[node] or self._close(node, gradients) for node in settled):
            return
        explained = [node for node in open_ if self._closer(node, gradients, predicted)]
        if sum(np.size(self.hand[node]) for node in explained) > mistake.free:
            changed = frozenset(node for node in open_ if not np.array_equal(gradients[node], predicted[node]))
            yield _Found(-len(explained), mistake.cost, mistake, changed)

    def _closer(self, node: Node, gradients: Gradients, before: Gradients) -> bool:
        error = self._error(node, gradients)
        return error <= self._tolerance[node] and error <= _CLEARER * self._error(node, before) + self._rounding[node]

    def _with_a_factor(
        self,
        listed: list[Mistake],
        reached: Mapping[int, Array],
        fit: Fit,
        sites: set[Node],
        open_: list[Node],
        settled: list[Node],
        predicted: Gradients,
    ) -> list[_Found]:
        """Two mistakes at once: one of the catalogue, and a factor of everything."""
        found: list[_Found] = []
        first = open_[0]
        top = max((node for node in sites if node.op is not None), key=lambda node: node.order, default=first)
        if np.size(self.hand[first]) < 3:
            return []
        for mistake in listed:
            if top in mistake.changes:
                continue
            factor = multiple(self.hand[first], reached[id(mistake)])
            exact = as_size(factor, fit.sizes) if factor is not None and abs(factor - 1) > 1e-9 else None
            if exact is None:
                continue
            both = replace(
                mistake,
                changes={**mistake.changes, top: lambda g, _, exact=exact: exact.factor * g},
                cost=mistake.cost + 1.5,
                told=f"{mistake.told}; and everything is multiplied by {number(exact.factor)}: {exact.words}",
                kind=("two", mistake.kind),
                factor=exact.factor,
                details={**mistake.details, **exact.arrays},
            )
            found += self._explained_by(both, open_, settled, predicted, self._run(both.changes, first))
        return found

    def _sites(self, first: Node, settled: Iterable[Node]) -> set[Node]:
        """The node itself and what its gradient comes from, up to gradients that are right or taken as given."""
        known = {*self._given, *settled}
        sites = {first}
        pending = [first]
        while pending:
            node = pending.pop()
            for link in self.replay.uses.get(node, ()):
                if link.node not in sites and link.node not in known:
                    sites.add(link.node)
                    pending.append(link.node)
        return sites
