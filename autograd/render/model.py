"""From a Tensor to a description of its picture: cards, edges and words, with no idea who draws them.

A `Card` is a value together with the operation that made it. Everything is read from the graph at
once, numbers become text, so that later changes of the arrays do not change the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from autograd.graph import Node, topological
from autograd.render.expressions import expression, function_name, scalar_text
from autograd.render.labels import label
from autograd.render.names import Scope
from autograd.render.numbers import Shown, shape_text, show
from autograd.render.sketch import MOST_OPERATIONS, Item, Sketch
from autograd.render.trace import Trace, trace

# Above this the gradients cost more than the second that a folded picture may take.
MOST_FOR_GRADIENTS: Final = 100_000

Kind = Literal["data", "parameter", "operation", "loss", "output", "target", "constant", "fold"]


@dataclass(frozen=True)
class Card:
    """One value: `name = expression` above its shape, its numbers and its gradient's numbers.

    `path` is the place in a module that the short `name` stands for. In a picture of one moment, `lit` says
    that the card is worked on, and in which direction, and `hidden` which of its numbers there are not yet.
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

    @property
    def sentence(self) -> str:
        """What the card is, for those who hear the picture or point at it."""
        what = f"{self.name} = {self.expression}" if self.expression else self.name
        parts = [self.kind, what, self.path, self.shape and f"shape {self.shape}"]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Edge:
    """A value's use as one operand; `x * x` has two. `differentiable`: a gradient can come back along it.

    `pending`: it has not come back yet, in a picture of one moment.
    """

    tail: str
    head: str
    differentiable: bool
    pending: bool = False


@dataclass(frozen=True)
class Diagram:
    """A picture in words. Cards stand in the order of the program, each after those that it uses.

    `room` is the longest title of a series of pictures, which all leave room for it.
    """

    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    title: str
    notes: tuple[str, ...]
    operations: int
    gradients: bool
    room: str = ""

    @property
    def output(self) -> Card:
        """What was drawn."""
        return self.cards[-1]


@dataclass(frozen=True)
class Described:
    """A diagram, with what it was made of: the output, the card of each operand, arrays, and the backward pass."""

    diagram: Diagram
    output: Node
    card: Callable[[Any], str | None]
    values: Mapping[str, Any]
    trace: Trace


def describe(output: Node, scope: Scope, names: Mapping[Node | str, str], **options: Any) -> Diagram:
    """Describe the picture of what is behind `output`; takes what `describe_all` takes."""
    return describe_all(output, scope, names, **options).diagram


def describe_all(
    output: Node,
    scope: Scope,
    names: Mapping[Node | str, str],
    *,
    values: bool = True,
    grads: bool = True,
    title: str = "",
    most: int = MOST_OPERATIONS,
) -> Described:
    """Describe the picture of what is behind `output`.

    Args:
        output: the node to draw; it has an operation.
        scope: the caller's variables.
        names: names that come before all others, by node or by the name that would be drawn.
        values: whether cards show their numbers.
        grads: whether cards show dL/d(value), where the output L is a scalar.
        title: a line above the picture.
        most: operations in a picture that is not folded.

    Raises:
        ValueError: `names` renames what is not in the picture.
    """
    nodes = topological((output,), constants=True)
    drawn = Sketch(nodes, most)
    notes = _obstacles(output, nodes)
    passed = Trace({})
    if grads and not notes:
        passed = trace(output, lambda node, operand: drawn.find(node) is not drawn.find(operand))
    label(drawn, scope, names)
    ids = {item: f"n{position}" for position, item in enumerate(drawn.items)}

    def card(operand: Any) -> str | None:
        item = drawn.find(operand)
        return None if item is None else ids[item]

    diagram = Diagram(
        cards=tuple(_card(item, ids[item], values, passed.gradients) for item in drawn.items),
        edges=tuple(Edge(ids[tail], ids[head], tail.differentiable) for tail, head in drawn.edges),
        title=title,
        notes=notes if grads else (),
        operations=drawn.operations,
        gradients=bool(passed.gradients),
    )
    arrays = {ids[item]: item.array for item in drawn.items if item.array is not None}
    return Described(diagram, output, card, arrays, passed)


def _obstacles(output: Node, nodes: list[Node]) -> tuple[str, ...]:
    """Why there are no gradients, if so."""
    if output.value.size != 1:
        return (f"no gradients: the output has shape {shape_text(output.value.shape)}, and only a scalar has them",)
    if len(nodes) > MOST_FOR_GRADIENTS:
        return (f"no gradients: the graph has more than {MOST_FOR_GRADIENTS:,} operations",)
    if any(node.args is None for node in nodes):
        return ("no gradients: this graph was freed by backward(retain_graph=False)",)
    return ()


def _card(item: Item, identity: str, values: bool, gradients: Mapping[Node, Any]) -> Card:
    kind = item.kind
    if item.node is None and item.array is None:
        summary = Shown(lines=item.summary) if item.summary else None
        return Card(identity, kind, item.name, value=summary)
    array = np.asarray(item.array)
    gradient = None
    if gradients and item.node is not None and item.node.requires_grad:
        g = gradients.get(item.node)  # none where every use has a derivative of zero
        gradient = show(np.zeros(array.shape) if g is None else g)
    return Card(
        identity,
        kind,
        item.name,
        _expression(item),
        item.path,
        shape_text(array.shape, array.dtype),
        show(array) if values else None,
        gradient,
    )


def _expression(item: Item) -> str:
    node = item.node
    if node is None or node.op is None:
        return ""
    if node.args is None:
        return f"{function_name(node.op)}(…)"  # freed, and nothing else is known
    operands: list[str] = []
    options: list[tuple[str, Any]] = []
    rules, keys = node.op.vjp, node.op.operands
    for position, arg in enumerate(node.args):
        source = item.operands.get(position)
        text = scalar_text(arg) if source is None else "…" if source.kind == "fold" else source.name
        derived = node.op.variadic or (position < len(rules) and rules[position] is not None)
        if source is not None or (text is not None and derived):
            operands.append(text or "")
        elif isinstance(arg, str) and not operands:  # as the subscripts of einsum
            operands.append(repr(arg))
        else:
            options.append((keys[position] if position < len(keys) else "", arg))
    options.extend(node.kwargs.items())
    return expression(node.op, operands, options)
