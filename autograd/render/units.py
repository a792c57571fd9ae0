"""What becomes one card: a statement, or a call of a module; and which calls there were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import ref

from autograd.core.node import Node
from autograd.text import printable

Level = int | Literal["leaves"] | None


@dataclass(eq=False)
class Unit:
    """What becomes one card: a statement, or a call of a module.

    `nodes` in the order of the program; the last is the result. `around` is the call around it.
    """

    nodes: list[Node]
    call: Call | None = None
    around: Call | None = None

    @property
    def node(self) -> Node:
        """The result."""
        return self.nodes[-1]

    @property
    def parameters(self) -> list[Node]:
        """Those that its operations use, but not what a module is called with."""
        given = set(map(id, self.call.inputs if self.call is not None else ()))
        return [node for node in parameters(self.nodes) if id(node) not in given]


@dataclass(eq=False)
class Call:
    """One call of a module: it recorded the nodes numbered from `since` to `until`.

    Modules leave their mark at their results (see `autograd.scopes`); what was recorded between the beginning of
    a call and its result is that call's work.
    """

    owner: Any
    since: int
    until: int
    parent: Call | None
    path: str
    caption: str
    inputs: Any = ()
    children: list[Call] = field(default_factory=list)

    @property
    def chain(self) -> list[Call]:
        """This call and those that it is within, innermost first."""
        chain = [self]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        return chain


def innermost(operations: Sequence[Node]) -> dict[Node, Call]:
    """The innermost call that each operation was recorded in.

    Read backwards: a result opens the calls that it came out of, which last until their beginning.
    """
    found: dict[Node, Call] = {}
    running: list[Call] = []  # each inside the one before
    for node in reversed(operations):
        while running and running[-1].since >= node.order:
            running.pop()
        mark = node.scope
        while mark is not None:  # the outer ones first
            owner, since, mark, inputs = mark
            if running and since <= running[-1].since:  # it is running, or in another thread
                continue
            given = [one() if isinstance(one, ref) else one for one in inputs]
            path, caption = map(_shown, owner.__scope__())
            call = Call(owner, since, node.order, running[-1] if running else None, path, caption, given)
            if call.parent is not None:
                call.parent.children.append(call)
            running.append(call)
        if running:
            found[node] = running[-1]
    return found


def parameters(nodes: Iterable[Node]) -> list[Node]:
    """The leaves that require a gradient among the operands of operations, each once."""
    operands = dict.fromkeys(arg for node in nodes for arg in node.args or () if type(arg) is Node)
    return [arg for arg in operands if arg.op is None and arg.requires_grad]


def innermost_common(chains: Iterable[Sequence[Any]]) -> Any:
    """The first of one chain that is in all of them, or None: of calls, or of groups of vertices."""
    first, *others = chains
    return next((one for one in first if all(one in chain for chain in others)), None)


def call_at(call: Call | None, level: Level) -> Call | None:
    """The outermost call around an operation that is drawn as one card, by the innermost."""
    if call is None or level is None:
        return None
    if level == "leaves":
        return None if call.children else call
    if len(call.chain) > level:
        return call.chain[-1 - level]
    return None if call.children else call  # a layer beside modules that have levels inside


def _shown(text: str) -> str:
    """A path or a caption, as a module gives it."""
    return printable(text, 80)
