"""What the search for mistakes finds: verdicts, how far it has come, and between what it chose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from autograd.core.node import Node
from autograd.program.reverse import Array, Change, Gradients, Link
from autograd.testing.catalogue.mistake import Mistake


class Margin(NamedTuple):
    """How far a hand gradient may be off, as norms of the difference.

    Attributes:
        tolerance: from a prediction, and still be a match.
        noise: where nothing explains it, and still be arithmetic of less precision.
        rounding: by what rounding does in the hand's own dtype.
    """

    tolerance: float
    noise: float
    rounding: float

    def divided_by(self, factor: float) -> Margin:
        """Those of gradients that are divided by a number."""
        return Margin(*(margin / abs(factor) for margin in self))


@dataclass
class Verdict:
    """The outcome for one hand gradient.

    Attributes:
        cause: a code, or None where it is right.
        mistake: what explains it.
        alike: mistakes of the same cause in other places, which explain as much.
        others: mistakes of other causes that explain it as well.
        after: the nearest wrong gradient that it follows from, for a consequence.
        tried: how many mistakes were ruled out, where none explains it.
        beside: how many changes of the reverse pass were known by then.
        seconds: the budget, where it was spent before all were tried.
    """

    cause: str | None = None
    mistake: Mistake | None = None
    alike: list[Mistake] = field(default_factory=list)
    others: list[Mistake] = field(default_factory=list)
    after: Node | None = None
    tried: int = 0
    beside: int = 0
    seconds: float | None = None


@dataclass
class State:
    """How far the search has come.

    Attributes:
        verdicts: by node.
        settled: the wrong gradients that have a verdict.
        changes: those that the mistakes so far make to the reverse pass.
        given: hand gradients that nothing explains, which are taken as they are.
        through_shifts: whether a maximum that is subtracted for safety was derived too.
    """

    verdicts: dict[Node, Verdict]
    settled: set[Node] = field(default_factory=set)
    changes: dict[Link | Node, Change] = field(default_factory=dict)
    given: dict[Node, Array] = field(default_factory=dict)
    through_shifts: bool = False

    def copy(self) -> State:
        """One that goes on by itself."""
        verdicts = {node: replace(verdict) for node, verdict in self.verdicts.items()}
        return State(verdicts, set(self.settled), dict(self.changes), dict(self.given), self.through_shifts)

    def reopen(self, node: Node) -> None:
        """Forget that nothing explained a gradient."""
        del self.given[node]
        self.settled.discard(node)
        self.verdicts[node] = Verdict()


class Open(NamedTuple):
    """What is to be explained.

    Attributes:
        nodes: those with wrong gradients that have no verdict, the one nearest the loss first.
        right: the others.
        predicted: the gradients with the mistakes that are known.
    """

    nodes: list[Node]
    right: list[Node]
    predicted: Gradients

    @property
    def first(self) -> Node:
        """The node nearest the loss."""
        return self.nodes[0]


class Explanation(NamedTuple):
    """A mistake that explains some of the open gradients, and which of them it changes."""

    mistake: Mistake
    explains: int
    changed: frozenset[Node]

    @property
    def rank(self) -> tuple[int, float]:
        """What explains more comes first, then what is less far-fetched."""
        return -self.explains, self.mistake.cost


class Choice(NamedTuple):
    """The explanations between which the search chose for one gradient, the best first, and how far it was by then."""

    before: State
    first: Node
    explanations: list[Explanation]
    tried: int

    def elsewhere(self) -> list[list[Explanation]]:
        """Those that explain as many gradients as the best one but change others, by which they change."""
        groups: dict[frozenset[Node], list[Explanation]] = {}
        for explanation in self.explanations:
            if explanation.explains == self.explanations[0].explains:
                groups.setdefault(explanation.changed, []).append(explanation)
        return list(groups.values())[1:]
