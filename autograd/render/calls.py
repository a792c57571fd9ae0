"""Which module computed what: the calls of modules behind a picture, as a tree.

Modules leave their mark at their results (see `autograd.scopes`); what was recorded between the
beginning of a call and its result is that call's work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from autograd.core.node import Node


@dataclass(eq=False)
class Call:
    """One call of a module: it recorded the nodes numbered from `since` to `until`.

    `depth` is how many calls it is within.
    """

    owner: Any
    since: int
    until: int
    parent: Call | None = None
    children: list[Call] = field(default_factory=list)
    path: str = ""
    caption: str = ""

    @property
    def depth(self) -> int:
        """How many calls this one is within."""
        return len(self.above) - 1

    @property
    def above(self) -> list[Call]:
        """This call and those that it is within, innermost first."""
        chain = [self]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        return chain

    @property
    def title(self) -> str:
        """Where it is and what it is: `layers.0 · Linear(2, 3)`."""
        return f"{self.path} · {self.caption}" if self.path else self.caption


def calls(nodes: Iterable[Node]) -> list[Call]:
    """The calls that nodes came out of, in the order in which they began."""
    found: dict[int, Call] = {}
    for node in nodes:
        mark = node.scope
        while mark is not None:
            owner, since, mark = mark
            call = found.setdefault(since, Call(owner, since, node.order))
            call.until = max(call.until, node.order)
    ordered = [found[since] for since in sorted(found)]
    kept: list[Call] = []
    within: list[Call] = []
    for call in ordered:
        while within and within[-1].until < call.since:
            within.pop()
        if within and within[-1].until < call.until:  # of another thread: it is neither inside nor after
            continue
        if within:
            call.parent = within[-1]
            within[-1].children.append(call)
        call.path, call.caption = call.owner.__scope__()
        within.append(call)
        kept.append(call)
    return kept


def homes(nodes: Iterable[Node], found: list[Call]) -> dict[Node, Call]:
    """The innermost call that each node was recorded in; both in the order of the program."""
    home: dict[Node, Call] = {}
    waiting, within = iter(found), list[Call]()
    upcoming = next(waiting, None)
    for node in nodes:
        while upcoming is not None and upcoming.since < node.order:
            within.append(upcoming)
            upcoming = next(waiting, None)
        while within and within[-1].until < node.order:
            within.pop()
        if within:
            home[node] = within[-1]
    return home
