"""Which mistake explains the numbers: the reverse pass is replayed with each one in it, and compared.

This is abduction (Peirce): of the mistakes that would give just these gradients, the simplest one is the verdict. A
gradient that is right given an earlier wrong one is a consequence, and no mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Change, Gradients, Link
from autograd.testing.budget import Budget
from autograd.testing.catalogue import by_plausibility, stale, with_free_numbers
from autograd.testing.catalogue.combination import pairs, with_a_factor
from autograd.testing.catalogue.factors import factors
from autograd.testing.catalogue.fit import Fit
from autograd.testing.catalogue.misread import LineSlips
from autograd.testing.catalogue.mistake import Mistake
from autograd.testing.replay import Replay
from autograd.testing.verdict import Choice, Explanation, Margin, Open, State, Verdict

_CLEARER = 0.02  # a mistake must explain all but this part of an error
_ALIKE = 0.1  # and those whose cost differs by no more than this are the same in other places
_HOPELESS = 3  # gradients that nothing explains
_AS_PLAUSIBLE = 0.45  # causes whose cost differs by no more are named together
_SECOND_THOUGHTS = 4  # other choices at most, where the first left something unexplained
_MANY_NUMBERS = 20_000  # in all values; of a graph with more, the catalogue is asked only where a line explains nothing
_LARGE = 100  # nodes; a graph beyond that is searched but once


class Search:
    """The verdicts on hand gradients.

    Args:
        replay: the reverse pass of the loss.
        hand: hand gradients by node, in float64.
        margins: how far each may be off.
        budget: the time after which no further mistake is tried.
        scale: how many times the gradients in the author's lines are those of the loss.

    Attributes:
        order: the nodes, the one nearest the loss first.
    """

    def __init__(
        self,
        replay: Replay,
        hand: Mapping[Node, Array],
        margins: Mapping[Node, Margin],
        budget: Budget,
        scale: float = 1.0,
    ) -> None:
        self.replay, self.hand, self._margins, self._budget = replay, hand, margins, budget
        self._is_large = sum(np.size(node.value) for node in replay.nodes) > _MANY_NUMBERS or len(replay.nodes) > _LARGE
        self._lines = LineSlips(replay, hand, scale, budget.timed(lambda: None))
        self._cut = False  # whether the catalogue was longer than there was time to list it
        self.order = sorted(hand, key=self._nearness)
        self._state = State({node: Verdict() for node in self.order})
        with np.errstate(all="ignore"):
            truth = self._run({})
            self._wrong = [node for node in self.order if not self._close(node, truth)]
            choices = self._settle()
            if self._unknown() and len(replay.nodes) <= _LARGE:
                self._reconsider(choices)
                self._two_at_once()
            self._two_in_a_line()

    @property
    def verdicts(self) -> dict[Node, Verdict]:
        """By node."""
        return self._state.verdicts

    def places(self) -> list[Node]:
        """The nodes whose gradients the mistakes are made in."""
        return list(dict.fromkeys(m.where for v in self.verdicts.values() if v.mistake for m in (v.mistake, *v.alike)))

    def _nearness(self, node: Node) -> tuple[float, int]:
        links = self.replay.uses.get(node, [])
        if node is self.replay.loss or not links:
            return (-float("inf"), 0)
        # A gradient is complete at the first use of the node, the last one that the reverse pass comes to.
        return (-min(link.node.order for link in links), min(link.operand for link in links))

    # The steps

    def _settle(self) -> list[Choice]:
        """Explain one gradient after the other, from the loss on, and say between what there was a choice."""
        choices: list[Choice] = []
        while open_ := self._open():
            if self._budget.is_spent:
                for node in open_.nodes:
                    self._choose(node, [], 0, open_.predicted)
                return choices
            before, (explanations, tried) = self._state.copy(), self._explain(open_)
            choices.append(Choice(before, open_.first, explanations, tried))
            self._choose(open_.first, explanations, tried, open_.predicted)
        self._look_again()
        return choices

    def _open(self) -> Open | None:
        """What is left to explain; wrong gradients that follow from others become consequences."""
        predicted = self._run({})
        left = [node for node in self._wrong if node not in self._state.settled and not self._close(node, predicted)]
        if left and self._goes_through_shifts(left):
            return self._open()
        for node in self._wrong:
            if node not in self._state.settled and node not in left:
                self._state.settled.add(node)
                self._follows(node, self.order[: self.order.index(node)])
        return Open(left, [node for node in self.order if node not in left], predicted) if left else None

    def _goes_through_shifts(self, nodes: list[Node]) -> bool:
        """Whether more follows from what is known where the gradient of a subtracted maximum was derived too."""
        state = self._state
        if state.through_shifts or not self.replay.has_shifts or not (state.changes or state.given):
            return False
        state.through_shifts = True
        predicted = self._run({})
        state.through_shifts = any(self._close(node, predicted) for node in nodes)
        return state.through_shifts

    def _follows(self, node: Node, before: Iterable[Node]) -> None:
        """Settle a gradient that is right, given others."""
        verdict, verdicts = self.verdicts[node], self.verdicts
        earlier = [other for other in before if verdicts[other].cause not in (None, "kink")]
        mistakes = [mistake for other in earlier if (mistake := verdicts[other].mistake) is not None]
        own = next((mistake for mistake in mistakes if _made_in(mistake, node)), None)
        kinks = [other.mistake for other in verdicts.values() if other.cause == "kink"]
        if own is not None:  # the mistake is made here as well
            verdict.cause, verdict.mistake = own.cause, own
        elif not earlier and kinks:
            verdict.cause, verdict.mistake = "kink", kinks[0]
        else:
            verdict.cause = "consequence"
            given = [other for other in earlier if other is not node and other in self.replay.behind(node)]
            verdict.after = given[-1] if given else None
            if not given and earlier:
                verdict.mistake, verdict.alike = verdicts[earlier[-1]].mistake, verdicts[earlier[-1]].alike

    def _choose(self, first: Node, explanations: list[Explanation], tried: int, predicted: Gradients) -> None:
        """Settle a gradient: by the best of the mistakes that explain it, as noise, or as unknown."""
        state, verdict = self._state, self.verdicts[first]
        state.settled.add(first)
        if not explanations:
            noise = self._error(first, predicted) <= self._margins[first].noise
            verdict.cause = "precision" if noise else "unknown"
            if not noise:
                verdict.tried, verdict.beside = tried, len(state.changes)
                verdict.seconds = self._budget.seconds if self._cut or self._budget.is_spent else None
            if not noise or first.op is not None:
                state.given[first] = self.hand[first]
            return
        most = explanations[0].explains
        best, *rest = (explanation.mistake for explanation in explanations if explanation.explains == most)
        verdict.cause, verdict.mistake = best.cause, best
        causes = {best.cause}
        for other in rest:
            if other.cost > best.cost + _AS_PLAUSIBLE:
                continue
            if other.cause not in causes:
                causes.add(other.cause)
                verdict.others.append(other)
            elif other.cause == best.cause and other.factor == best.factor and other.cost < best.cost + _ALIKE:
                verdict.alike.append(other)
        state.changes.update(best.changes)

    def _look_again(self) -> None:
        """Parameters that nothing explained, now that the mistakes further from the loss are known."""
        state = self._state
        for node in self._unknown():
            if self._budget.is_spent or node.op is not None or len(state.changes) == self.verdicts[node].beside:
                continue
            state.reopen(node)
            state.settled.add(node)
            predicted = self._run({})
            if self._close(node, predicted):
                self._follows(node, [other for other in self.order if self.verdicts[other].mistake is not None])
            else:
                explanations, tried = self._explain(Open([node], [n for n in self.order if n is not node], predicted))
                self._choose(node, explanations, tried, predicted)

    def _reconsider(self, choices: list[Choice]) -> None:
        """Where something stayed unknown: another mistake that explains as many gradients, and reaches others.

        Of two mistakes at once, the one that is met first may explain its gradients in the wrong place.
        """
        best, least = self._state, self._unexplained()
        thoughts = [(choice, others) for choice in choices for others in choice.elsewhere()]
        for choice, others in self._budget.within(thoughts[:_SECOND_THOUGHTS]):
            self._state = choice.before.copy()
            self._choose(choice.first, others, choice.tried, self._run({}))
            self._settle()
            if self._unexplained() < least:
                best, least = self._state, self._unexplained()
        self._state = best

    def _two_at_once(self) -> None:
        """Two mistakes that show in the same gradients, where nothing else explains them."""
        if not self._unknown() or self._budget.is_spent:
            return
        before, least = self._state.copy(), self._unexplained()
        for node in self._unknown():
            self._state.reopen(node)
        open_ = self._open()
        explanations = self._explained_by_pairs(open_) if open_ is not None else []
        if open_ is not None and explanations:
            self._choose(open_.first, explanations, 0, open_.predicted)
            self._settle()
        if self._unexplained() >= least:
            self._state = before

    def _two_in_a_line(self) -> None:
        """Two slips in the very line of a gradient that nothing else explains."""
        for node in self._unknown() if not self._budget.is_spent else ():
            verdict, given = self.verdicts[node], dict(self._state.given)
            self._state.given.pop(node, None)
            others = [other for other in self.order if other is not node]
            open_ = Open([node], others, self._run({}))
            if self._close(node, open_.predicted):  # with the two slips that another one has shown
                self._follows(node, [other for other in self.order if self.verdicts[other].mistake is not None])
                continue
            explanations = self._explained_after_a_step(open_) or self._explained_by_line(open_, node, double=True)
            if explanations:
                verdict.tried = 0
                self._choose(node, explanations, 0, open_.predicted)
            else:
                self._state.given = given

    # Explanations

    def _explain(self, open_: Open) -> tuple[list[Explanation], int]:
        """The mistakes that explain the gradient nearest the loss, the best first, and how many were tried."""
        first, sites = open_.first, self._sites(open_.first, open_.right)
        # Where nothing fits anywhere, only slips in the very line of a gradient are still tried.
        hopeless = len(self._unknown()) >= _HOPELESS
        tried = {first} if hopeless else sites
        # What one mistake can explain: gradients that come from the same places, with nothing right between.
        within = sum(node is first or bool(sites & self._sites(node, open_.right)) for node in open_.nodes)
        explanations = self._explained_by_line(open_, first)
        if self._is_large and any(e.explains >= within for e in explanations):
            return sorted(explanations, key=lambda explanation: explanation.rank), len(explanations)
        listed = self._listed(tried)
        fit, budget = self._fit(open_), self._budget.to_list()
        fit.run = budget.timed(self._run)
        numbers = list(budget.within(chain(with_free_numbers(fit, tried), () if hopeless else stale(fit))))
        self._cut = self._cut or budget.is_spent
        reached: dict[int, Array] = {}
        for mistake in self._budget.within(sorted((*listed, *numbers), key=lambda mistake: mistake.cost)):
            if any(e.explains >= within and e.mistake.cost < mistake.cost - _AS_PLAUSIBLE for e in explanations):
                break  # all is explained, and what is left is more far-fetched
            gradients = self._run(mistake.changes, first)
            reached[id(mistake)] = gradients[first]
            explanations += self._explained_by(mistake, open_, gradients)
        if not explanations and not hopeless:
            explanations = self._explained_through_shifts(listed, tried, open_)
        if not explanations and not hopeless:
            for node in self._budget.within(node for node in self.replay.nodes if node in tried and node is not first):
                explanations += self._explained_by_line(open_, node)
        if not explanations and not hopeless:
            # Two mistakes at once: one of the catalogue, and a factor of everything.
            results = [(mistake, reached[id(mistake)]) for mistake in listed if id(mistake) in reached]
            top = max((node for node in sites if node.op is not None), key=lambda node: node.order, default=first)
            for both in self._budget.within(with_a_factor(fit, results, top)):
                explanations += self._explained_by(both, open_, self._run(both.changes, first))
        return sorted(explanations, key=lambda explanation: explanation.rank), len(reached)

    def _explained_by(self, mistake: Mistake, open_: Open, reached: Gradients) -> list[Explanation]:
        """The mistake, if it explains the first of the open gradients, given what it makes of that, and breaks none."""
        predicted = open_.predicted
        if not self._closer(open_.first, reached, predicted):
            return []
        gradients = self._run(mistake.changes)
        if not all(gradients[node] is predicted[node] or self._close(node, gradients) for node in open_.right):
            return []
        explained = [node for node in open_.nodes if self._closer(node, gradients, predicted)]
        if sum(np.size(self.hand[node]) for node in explained) <= mistake.free:
            return []
        changed = frozenset(node for node in open_.nodes if not np.array_equal(gradients[node], predicted[node]))
        return [Explanation(mistake, len(explained), changed)]

    def _explained_by_line(self, open_: Open, node: Node, double: bool = False) -> list[Explanation]:
        """Slips in the very line of a node, one or two, that explain the gradient nearest the loss."""
        first = open_.first
        found: list[Explanation] = []

        def matches(wrong: Array) -> bool:
            if np.shape(wrong) != np.shape(open_.predicted[node]):
                return False
            reached = wrong if node is first else self._run({node: lambda *_: wrong}, first)[first]
            return self._closer(first, {first: reached}, open_.predicted)

        slips = self._lines.of_line(node, open_.predicted, self._budget.timed(matches), double)
        for slip in self._budget.within(slips if node in open_.predicted else ()):
            found += self._explained_by(slip, open_, self._run(slip.changes, first))
            if double and found:
                break
        return found

    def _explained_after_a_step(self, open_: Open) -> list[Explanation]:
        """A slip together with weights that were updated already, in a line on the way to the first gradient."""
        first, sites = open_.first, self._sites(open_.first, open_.right)
        found: list[Explanation] = []
        for node in (node for node in self.replay.nodes if node in sites and node in open_.predicted):

            def reached(wrong: Array, node: Node = node) -> Array:
                return wrong if node is first else self._run({node: lambda *_: wrong}, first)[first]

            slips = self._lines.after_a_step(node, open_.predicted, self.hand[first], self._budget.timed(reached))
            for slip in self._budget.within(slips):
                found += self._explained_by(slip, open_, self._run(slip.changes, first))
        return sorted(found, key=lambda explanation: explanation.rank)

    def _explained_through_shifts(self, listed: list[Mistake], sites: set[Node], open_: Open) -> list[Explanation]:
        """The simplest mistake that explains all, where the gradient of a subtracted maximum was derived too."""
        if not self.replay.has_shifts or self._state.through_shifts:
            return []
        self._state.through_shifts = True
        through = open_._replace(predicted=self._run({}))
        for mistake in self._budget.within((*listed, *factors(self._fit(open_), sites))):
            for explanation in self._explained_by(mistake, through, self._run(mistake.changes, open_.first)):
                if explanation.explains == len(open_.nodes):
                    return [explanation]
        self._state.through_shifts = False
        return []

    def _explained_by_pairs(self, open_: Open) -> list[Explanation]:
        """The two mistakes that explain the gradient nearest the loss together, the most plausible ones first."""
        first = open_.first
        listed = self._listed(self._sites(first, open_.right))
        explanations: list[Explanation] = []
        two = pairs(listed, lambda mistake: self._run(mistake.changes, first)[first], open_.predicted[first])
        for both in self._budget.within(two):
            if explanations and both.cost > explanations[0].mistake.cost + _AS_PLAUSIBLE:
                break
            explanations += self._explained_by(both, open_, self._run(both.changes, first))
        return sorted(explanations, key=lambda explanation: explanation.rank)

    def _listed(self, sites: set[Node]) -> list[Mistake]:
        """The catalogue for these places, the most plausible mistakes first."""
        budget = self._budget.to_list()
        listed = by_plausibility(self.replay, sites, budget)
        self._cut = self._cut or budget.is_spent
        return listed

    def _sites(self, first: Node, right: Iterable[Node]) -> set[Node]:
        """The node itself and what its gradient comes from, up to gradients that are right or taken as given."""
        known = {*self._state.given, *right}
        sites, pending = {first}, [first]
        for node in pending:
            for link in self.replay.uses.get(node, ()):
                if link.node not in sites and link.node not in known:
                    sites.add(link.node)
                    pending.append(link.node)
        return sites

    def _fit(self, open_: Open) -> Fit:
        return Fit(self.replay, self._run, {node: self.hand[node] for node in open_.nodes}, open_.right, self.hand)

    # Numbers

    def _run(self, changes: Mapping[Any, Change], only: Node | None = None) -> Gradients:
        """The gradients with the mistakes that are known, and further changes."""
        state = self._state
        changes = {**state.changes, **changes}
        gradients = self.replay.run(changes, state.given, only, through_shifts=state.through_shifts)
        for node in self.hand:
            if node not in gradients:  # the loss does not depend on it
                gradients[node] = np.zeros_like(self.hand[node])
        return gradients

    def _error(self, node: Node, gradients: Gradients) -> float:
        return float(np.linalg.norm(self.hand[node] - gradients[node]))

    def _close(self, node: Node, gradients: Gradients) -> bool:
        return self._error(node, gradients) <= self._margins[node].tolerance

    def _closer(self, node: Node, gradients: Gradients, before: Gradients) -> bool:
        error, margin = self._error(node, gradients), self._margins[node]
        return error <= margin.tolerance and error <= _CLEARER * self._error(node, before) + margin.rounding

    def _unknown(self) -> list[Node]:
        return [node for node in self.order if self.verdicts[node].cause == "unknown"]

    def _unexplained(self) -> int:
        """How many wrong gradients have no verdict that explains them."""
        return sum(self.verdicts[node].cause in (None, "unknown") for node in self._wrong)


def _made_in(mistake: Mistake, node: Node) -> bool:
    """Whether a mistake is made in this very gradient, one of several alike."""
    return any((place.source if isinstance(place, Link) else place) is node for place in mistake.changes)
