"""A picture in words: cards, edges and clusters, with no idea who draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from autograd.notation.numbers import Shown

Kind = Literal["data", "parameter", "operation", "layer", "loss", "output", "target", "constant", "fold"]
Role = Literal["value", "gradient", "muted"]
Verdict = Literal["", "right", "wrong", "first wrong", "follows", "added", "removed", "changed"]


@dataclass(frozen=True)
class Fact:
    """A line of a card of a module: what it is about, and what is said."""

    about: str
    text: str
    role: Role


@dataclass(frozen=True)
class Card:
    """One value: `name = expression` above its shape, its numbers and its gradient's numbers.

    Attributes:
        path: the place in a module that the short `name` stands for.
        total: how the gradient of a number is the sum over its uses, such as "4.00 + 1.00 =".
        note: what else was done to the gradient, such as "Σ 3×2 → 2" where it was summed back.
        facts: what is said in place of numbers, of a module or in an overview.
        home: the cluster that it stands in, or "".
        verdict: what a comparison says of it, with `hand` the gradient that was derived by hand.
        lit, hidden: in a picture of one moment, whether it is worked on, and in which direction, and which of
            its numbers there are not yet.
        sign: what a circuit writes into the gate.
    """

    id: str
    kind: Kind
    name: str
    expression: str = ""
    path: str = ""
    shape: str = ""
    value: Shown | None = None
    gradient: Shown | None = None
    lit: Literal["", "forward", "backward"] = ""
    hidden: frozenset[str] = frozenset()
    total: str = ""
    note: str = ""
    facts: tuple[Fact, ...] = ()
    home: str = ""
    verdict: Verdict = ""
    remark: str = ""
    hand: Shown | None = None
    sign: str = ""

    @property
    def sentence(self) -> str:
        """What the card is, for those who hear the picture or point at it."""
        what = f"{self.name} = {self.expression}" if self.expression else self.name
        parts = [self.kind, what, self.path, self.shape and f"shape {self.shape}", self.verdict, self.remark]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Edge:
    """A value's use as one operand; `x * x` has two.

    Attributes:
        differentiable: a gradient can come back along it.
        pending: it has not come back yet, in a picture of one moment.
        rule: what comes back along it, as mathematics in Unicode, or "".
        sent: the number that came back along it, or "".
        carried: what it carries forward, such as a shape, or "".
        astray: a derivation by hand went wrong here.
    """

    tail: str
    head: str
    differentiable: bool
    pending: bool = False
    rule: str = ""
    sent: str = ""
    carried: str = ""
    astray: bool = False

    @property
    def back(self) -> str:
        """What is told of the way back: the rule and the number that it gave."""
        return f"{self.rule} = {self.sent}" if self.rule and self.sent else self.rule or self.sent


@dataclass(frozen=True)
class Cluster:
    """A frame around cards: a module, what is repeated, or one of several graphs. `home`: the frame around it."""

    id: str
    title: str
    home: str = ""
    kind: Literal["module", "repeat", "graph"] = "module"


@dataclass(frozen=True)
class Diagram:
    """A picture in words. Cards stand in the order of the program, each after those that it uses.

    Attributes:
        aligned: pairs of cards that stand in one column, where several graphs are drawn.
        folded: it has fewer cards than operations, and `collapse` can unfold it.
        symbol: what the output is called in "∂L/∂(value)".
        room: the longest title of a series of pictures, which all leave room for it.
        clusters: outer ones before inner ones.
    """

    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    title: str
    notes: tuple[str, ...]
    operations: int
    gradients: bool
    room: str = ""
    clusters: tuple[Cluster, ...] = ()
    symbol: str = ""
    aligned: tuple[tuple[str, str], ...] = ()
    folded: bool = False

    @property
    def output(self) -> Card:
        """What was drawn."""
        return self.cards[-1]

    @property
    def outputs(self) -> tuple[Card, ...]:
        """The cards that nothing uses: several where several graphs are drawn."""
        used = {edge.tail for edge in self.edges}
        return tuple(card for card in self.cards if card.id not in used)
