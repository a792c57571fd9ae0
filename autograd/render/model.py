"""From a Tensor to a description of its picture: cards, edges and words, with no idea who draws them.

A `Card` is a value together with the operation that made it. Everything is read from the graph at
once, numbers become text, so that later changes of the arrays do not change the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from autograd.backward import backpropagate
from autograd.graph import Node, topological
from autograd.names import Scope
from autograd.render.expressions import expression, function_name, scalar_text
from autograd.render.labels import label
from autograd.render.numbers import Shown, shape_text, show
from autograd.render.sketch import Item, Sketch

# Above this the gradients cost more than the second that a folded picture may take.
MOST_FOR_GRADIENTS: Final = 100_000

Kind = Literal["data", "parameter", "operation", "loss", "output", "target", "constant", "fold"]


@dataclass(frozen=True)
class Card:
    """One value: `name = expression` above its shape, its numbers and its gradient's numbers.

    `path` is the place in a module that the short `name` stands for.
    """

    id: str
    kind: Kind
    name: str
    expression: str = ""
    path: str = ""
    shape: str = ""
    value: Shown | None = None
    gradient: Shown | None = None

    @property
    def sentence(self) -> str:
        """What the card is, for those who hear the picture or point at it."""
        what = f"{self.name} = {self.expression}" if self.expression else self.name
        parts = [self.kind, what, self.path, self.shape and f"shape {self.shape}"]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Edge:
    """A value's use as one operand; `x * x` has two. `differentiable`: a gradient can come back along it."""

    tail: str
    head: str
    differentiable: bool


@dataclass(frozen=True)
class Diagram:
    """A picture in words. Cards stand in the order of the program, each after those that it uses."""

    cards: tuple[Card, ...]
    edges: tuple[Edge, ...]
    title: str
    notes: tuple[str, ...]
    operations: int
    gradients: bool

    @property
    def output(self) -> Card:
        """What was drawn."""
        return self.cards[-1]


def describe(
    output: Node,
    scope: Scope,
    names: Mapping[Node | str, str],
    *,
    values: bool = True,
    grads: bool = True,
    title: str = "",
) -> Diagram:
    """Describe the picture of what is behind `output`.

    Args:
        output: the node to draw; it has an operation.
        scope: the caller's variables.
        names: names that come before all others, by node or by the name that would be drawn.
        values: whether cards show their numbers.
        grads: whether cards show dL/d(value), where the output L is a scalar.
        title: a line above the picture.

    Raises:
        ValueError: `names` renames what is not in the picture.
    """
    nodes = topological((output,), constants=True)
    drawn = Sketch(nodes)
    gradients, notes = _gradients(output, nodes) if grads else ({}, ())
    label(drawn, scope, names)
    ids = {item: f"n{position}" for position, item in enumerate(drawn.items)}
    return Diagram(
        cards=tuple(_card(item, ids[item], values, gradients) for item in drawn.items),
        edges=tuple(Edge(ids[tail], ids[head], tail.differentiable) for tail, head in drawn.edges),
        title=title,
        notes=notes,
        operations=drawn.operations,
        gradients=bool(gradients),
    )


def _gradients(output: Node, nodes: list[Node]) -> tuple[dict[Node, Any], tuple[str, ...]]:
    """dL/d(node) for every node that has one, or why there are none. No `.grad` and no hook sees it."""
    value = output.value
    if value.size != 1:
        return {}, (f"no gradients: the output has shape {shape_text(value.shape)}, and only a scalar has them",)
    if len(nodes) > MOST_FOR_GRADIENTS:
        return {}, (f"no gradients: the graph has more than {MOST_FOR_GRADIENTS:,} operations",)
    if any(node.args is None for node in nodes):
        return {}, ("no gradients: this graph was freed by backward(retain_graph=False)",)
    seed = value.dtype.type(1) if value.ndim == 0 else np.ones_like(value)
    with np.errstate(all="ignore"):  # what overflows is drawn, and marked
        return backpropagate(output, seed, keep=True, hooks=False), ()


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
