"""A picture before anybody draws it: cards, edges and clusters, with all numbers as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autograd.notation.numbers import Shown
from autograd.text import printable

Kind = Literal["data", "parameter", "operation", "layer", "loss", "output", "target", "constant", "fold"]
Role = Literal["value", "gradient", "muted"]
Verdict = Literal["", "right", "wrong", "first wrong", "follows", "added", "removed", "changed"]
Direction = Literal["LR", "TB"]

_LONGEST_TITLE = 200  # characters; more is no line on a slide
# A sign for those who see no colours.
_SIGNS = {"right": "✓", "wrong": "✗", "first wrong": "✗", "follows": "↳", "added": "+", "removed": "−", "changed": "≠"}


@dataclass(frozen=True)
class Fact:
    """A line of a card of a module: `label`, then `text`."""

    label: str
    text: str
    role: Role


@dataclass(frozen=True)
class Card:
    """One value: `name = expression` above its shape, its numbers and its gradient's numbers.

    Attributes:
        path: the place in a module that the short `name` stands for.
        value, gradient: the numbers, or None where the picture shows none.
        highlight: in a picture of one moment, the pass that works on this card.
        hidden: in a picture of one moment, which of "value" and "gradient" are not there yet.
        total: how the gradient of a number is the sum over its uses, such as "4.00 + 1.00 =".
        note: what else was done to the gradient, such as "Σ 3×2 → 2" where it was summed back.
        facts: what stands in place of numbers, on a module or in an overview.
        cluster: the id of the cluster that it stands in, or "".
        verdict, remark: the result of a comparison.
        hand: the gradient that was derived by hand.
        sign: what a circuit writes into the gate.
        narrow: whether its formula has more and shorter lines.
    """

    id: str
    kind: Kind
    name: str
    expression: str = ""
    path: str = ""
    shape: str = ""
    value: Shown | None = None
    gradient: Shown | None = None
    highlight: Literal["", "forward", "backward"] = ""
    hidden: frozenset[str] = frozenset()
    total: str = ""
    note: str = ""
    facts: tuple[Fact, ...] = ()
    cluster: str = ""
    verdict: Verdict = ""
    remark: str = ""
    hand: Shown | None = None
    sign: str = ""
    narrow: bool = False

    @property
    def title(self) -> str:
        """Its name, and the expression that computed it."""
        return f"{self.name} = {self.expression}" if self.expression else self.name

    @property
    def badge(self) -> str:
        """The result of a comparison as a line of text, or ""."""
        if not self.verdict:
            return ""
        text = f"{_SIGNS[self.verdict]} {self.verdict}{' link' if self.verdict == 'first wrong' else ''}"
        return f"{text}: {self.remark}" if self.remark else text

    @property
    def description(self) -> str:
        """One sentence for screen readers, and for a pointer that rests on the card."""
        parts = [self.kind, self.title, self.path, self.shape and f"shape {self.shape}", self.verdict, self.remark]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Edge:
    """A use of a value as one operand; `x * x` has two.

    Attributes:
        tail, head: the ids of the cards of the operand and of the result.
        differentiable: a gradient can come back along it.
        pending: it has not come back yet, in a picture of one moment.
        rule: what comes back along it, as mathematics in Unicode, or "".
        gradient: the number that came back along it, or "".
        forward: what it carries forward, such as a shape, or "".
        wrong: a derivation by hand went wrong here.
        again: it is what a round of a loop takes from the round before.
    """

    tail: str
    head: str
    differentiable: bool
    pending: bool = False
    rule: str = ""
    gradient: str = ""
    forward: str = ""
    wrong: bool = False
    again: bool = False

    @property
    def backward(self) -> str:
        """The label of the way back: the rule and the number that it gave."""
        return f"{self.rule} = {self.gradient}" if self.rule and self.gradient else self.rule or self.gradient


@dataclass(frozen=True)
class Cluster:
    """A frame around cards: a module, what is repeated, or one of several graphs. `parent`: the cluster around it.

    Its title stands at the end where a line from the row above comes in at the beginning: it is `entered`.
    """

    id: str
    title: str
    parent: str = ""
    kind: Literal["module", "repeat", "graph"] = "module"
    entered: bool = False


@dataclass(frozen=True)
class Diagram:
    """Cards stand in the order of the program, each after those that it uses; clusters after those around them.

    Attributes:
        notes: lines below the picture.
        operations: how many there are in the graph, drawn or not.
        gradients: whether gradients are drawn.
        longest_title: of a series of pictures, for which all of them leave space.
        symbol: the name of the output in "∂L/∂(value)".
        same_rank: pairs of cards that stand in one column, where several graphs are drawn.
        folded: it has fewer cards than operations, and `collapse` can unfold it.
        breaks: the ranks of `arrangement.arrange` at which further rows begin; `turned`, for a Graphviz that places the
            last of them above.
        high: how many cards a column may have before further ones go to another, where they can.
        arcs: how many lines may span columns before such uses name what they take; None for any number.
        width: about how wide it will be, in points.
        size: about how wide and high, if that was estimated.
        legend: whether there is one below.
        arriving: the name of the gradient that arrives at an operation, in rules.
    """

    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    title: str
    notes: tuple[str, ...]
    operations: int
    gradients: bool
    longest_title: str = ""
    clusters: tuple[Cluster, ...] = ()
    symbol: str = ""
    same_rank: tuple[tuple[str, str], ...] = ()
    folded: bool = False
    arriving: str = "g"
    breaks: tuple[int, ...] = ()
    turned: bool = False
    high: int = 4
    arcs: int | None = None
    width: float = 0.0
    size: tuple[float, float] | None = None
    legend: bool = True

    def __post_init__(self) -> None:
        for name in ("title", "longest_title"):
            object.__setattr__(self, name, printable(getattr(self, name), _LONGEST_TITLE))

    @property
    def output(self) -> Card:
        """The card of the output."""
        return self.cards[-1]

    @property
    def outputs(self) -> tuple[Card, ...]:
        """The cards that nothing uses: several where several graphs are drawn."""
        used = {edge.tail for edge in self.edges if not edge.again}
        return tuple(card for card in self.cards if card.id not in used)
