"""One value of a recorded computation, in which order to walk its graph, and whether to record.

A `Node` knows the nodes that it was computed from, so the nodes behind an output form a directed acyclic
graph. Nodes are numbered as they are created, and an operation can only use what exists: the order of
creation is a topological order, and it is the order in which the user wrote the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from itertools import count
from operator import attrgetter
from typing import Any

from autograd.basis.reads import StandIn, compute_again

NO_OPTIONS: Mapping[str, Any] = {}
by_order = attrgetter("order")
next_order = count().__next__
recording: ContextVar[bool] = ContextVar("recording", default=True)
differentiated: ContextVar[tuple[Node, ...]] = ContextVar("differentiated", default=())  # by transforms, here and now
observers: list[Any] = []  # called after every operation and every rule: see `autograd.inspection`
last_written = [-1]  # the largest `written` of all nodes
SHORT = 500  # operations of a program in which small values are kept whatever rules read: pictures need no second run
short = [SHORT]  # the order up to which a program is short, counted from the last pass


class Node:
    """One operation of a recorded computation and its arguments, or a leaf.

    In `args` a Node stands for every argument that was a Tensor; others, arrays and numbers, stand for themselves. A
    leaf has no operation, and may collect a `grad`. The value of an operation belongs to its Tensor; a node holds in
    `saved` what the rules read, and a leaf its value. The last slots stay unset until somebody uses them: see `get`.
    """

    __slots__ = ("args", "at", "code", "grad", "handed", "held", "hooks", "kwargs", "marks", "name", "op", "order",
                 "output", "replacement", "requires_grad", "saved", "scope", "stopped", "where", "written")  # fmt: skip

    requires_grad: bool
    op: Any
    args: Sequence[Any] | None  # None once freed
    kwargs: Mapping[str, Any]
    output: Any  # the value, and those of the arguments, as far as the rules read them; else stand-ins
    saved: Sequence[Any]
    marks: Any  # what the arrays among the arguments hold: see `basis.marks`, as for `handed`
    held: Any  # the value of a leaf, a small one, one that was computed again; else its stand-in
    order: int
    hooks: list[Any] | None
    grad: Any
    scope: tuple[Any, int, Any, Any] | None  # the module whose result it is, where that began, the scope inside, inputs
    replacement: Node | None  # the leaf that its Tensor moved on to when its data was set
    name: str | None
    stopped: Any  # of a leaf, whether it was computed without recording, or detached
    code: Any  # whose instruction it was, and which; see `notation.written`
    at: int
    where: str  # the source line, where `autograd.inspection` looked for it
    written: int  # the order at which the value was last changed in place
    handed: Any  # the orders at which `.data` gave it out, and what it held then

    @classmethod
    def leaf(cls, value: Any, requires_grad: bool = False) -> Node:
        """A value that no operation gave."""
        node = cls()
        node.held, node.requires_grad = value, requires_grad
        node.op, node.args, node.kwargs, node.order = None, (), NO_OPTIONS, next_order()
        node.hooks = node.grad = node.scope = node.replacement = None
        return node

    shape, dtype = property(lambda self: self.held.shape), property(lambda self: self.held.dtype)
    ndim, size = property(lambda self: self.held.ndim), property(lambda self: self.held.size)

    @property
    def value(self) -> Any:
        """The value; one that nobody kept is computed again, and held from then on.

        Raises:
            RuntimeError: what it was computed from was freed, or changed in place since.
        """
        if type(self.held) is StandIn:
            compute_again(self)
        return self.held

    @property
    def inputs(self) -> tuple[Node | None, ...]:
        """The node of each argument, and None for a constant."""
        return tuple(arg if type(arg) is Node else None for arg in self.args or ())

    def get(self, slot: str) -> Any:
        """The content of an optional slot, or None."""
        return getattr(self, slot, None)


def write_order() -> int:
    """The number to set as `written` at nodes whose values have just been changed in place."""
    last_written[0] = number = next_order()
    return number


def overwritten(node: Node) -> Node | None:
    """An operand whose value was changed in place after `node` was computed from it, if there is one."""
    return next((operand for operand in node.inputs if operand and (operand.get("written") or 0) > node.order), None)


def topological(outputs: Iterable[Node], *, constants: bool = False) -> list[Node]:
    """Every node behind `outputs`, each after all nodes that it was computed from.

    Nodes that no gradient can reach are left out unless `constants` is true. Iterative and linear:
    a list that grows while it is read, each node once, then a sort by order of creation.
    """
    seen = set(outputs)
    nodes = list(seen)
    for node in nodes:
        for parent in node.args or ():
            if type(parent) is Node and (parent.requires_grad or constants) and parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    nodes.sort(key=by_order)
    return nodes
