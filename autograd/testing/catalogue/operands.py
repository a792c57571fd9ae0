"""Another tensor in the place of the right one, another gradient for the one that arrives, and uses left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Changes, Gradients, Link
from autograd.testing.catalogue.chains import chains_from
from autograd.testing.catalogue.mistake import (
    Mistake,
    differs,
    elementwise,
    fits,
    is_product,
    left_out,
    multiple,
    near,
)
from autograd.testing.replay import Replay

# Uses


def missing_terms(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Of several uses of a value, one that is left out, or one that is alone; of a loss, a term."""
    node, uses = link.node, replay.uses[link.source]
    if len(uses) == 1 and node.ndim == 0 and node.op.fn in (np.add, np.subtract) and link.source.op is not None:
        text = "the term {value} of the loss is left out"
        yield Mistake("missing-term", 1.1, text, left_out(replay, uses), value=link.source)
    alike = [use for use in uses if use.node is node]  # h * h is one use
    others = [other for other in uses if other.node is not node]
    if link is not alike[0] or not others:
        return
    text = "the contribution to {g} by way of {value} is left out"
    yield Mistake("missing-term", 1.0, text, left_out(replay, alike))
    if len(others) > 1:
        text = "only the contribution by way of {value} is in {g}: the others are overwritten, not added"
        changes = left_out(replay, others)
        yield Mistake("missing-term", 1.3, text, changes, ("only term", node.order), link.source, node)


def lost_steps(replay: Replay, sites: set[Node]) -> Iterator[Mistake]:
    """Of the steps of a loop over shared parameters, one that is left out, or one that is alone, in all of them."""
    steps: dict[int, list[list[Link]]] = {}
    for links in replay.repeated:
        steps.setdefault(len(links), []).append(links)
    for count, groups in steps.items():
        if len(groups) < 2 or not any(link.source in sites for links in groups for link in links):
            continue
        nearest = max((link.source for links in groups for link in links), key=lambda node: node.order)
        for k in range(count):
            for alone in (False, True) if count > 2 else (False,):
                lost = [link for links in groups for j, link in enumerate(links) if (j != k) == alone]
                step = f"only step {k + 1} of {count} is in" if alone else f"step {k + 1} of {count} is left out of"
                text = f"{step} {{g}}, and of the other shared parameters alike"
                changes = left_out(replay, lost)
                yield Mistake("missing-term", 1.2, text, changes, ("step", text), nearest, nearest)


# Values


def other_operands(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A rule with another tensor of the same shape in the place of an operand, or with ones."""
    node, args = link.node, replay.arguments(link.node)
    for j, arg in enumerate(node.args or ()):
        own = args[j]
        if not isinstance(own, np.ndarray) or own.ndim == 0 or own.dtype.kind != "f":
            continue
        if is_product(node):
            text = "the factor {right} is left out of {g}: what it would weigh is summed, or repeated, as it is"
            kind: Any = ("factor left out", node.op.name, link.operand, j)
            changes = _with_argument(replay, link, j, np.ones_like(own))
            yield Mistake("missing-derivative", 1.5, text, changes, kind, details={"right": arg})
        for other, value in replay.forward_values:
            if value is own or other is arg or not near(replay, link, other):
                continue
            possible = _in_place(link, arg, other, value, own)
            if possible is None:
                continue
            stands, text = possible
            cost = 1.5 if type(other) is Node else 1.6
            changes = _with_argument(replay, link, j, np.broadcast_to(stands, own.shape))
            kind = ("wrong operand", node.op.name, link.operand, j, _place(replay, node, arg, other))
            alike = tuple(_in_loops(replay, link, arg, other))
            details = {"right": arg}
            yield Mistake("wrong-operand", cost, text, changes, kind, value=other, details=details, alike=alike)


def _with_argument(replay: Replay, link: Link, j: int, value: Any) -> Changes:
    """The rule of a link with another value for one argument of the operation."""
    args = replay.arguments(link.node)
    changed = (*args[:j], value, *args[j + 1 :])
    return {link: lambda g, _: replay.pull(link, g, None, changed)}


def _in_place(link: Link, right: Any, other: Any, value: Any, own: Array) -> tuple[Any, str] | None:
    """Another value as it can stand for an operand, as it is, transposed or reshaped, with the words; or None."""
    made_by = right.op.fn if type(right) is Node and right.op is not None else None
    inputs: Any = right.args if made_by is not None else ()
    reverse = np.ndim(own) == 2 and np.shape(value) == own.shape[::-1]
    if reverse and made_by is np.transpose and other is not inputs[0]:
        return np.transpose(value), "in {g}, {value}.T stands in the place of {right}"
    if reverse and own.shape != np.shape(value) and made_by is not np.transpose and not elementwise(link):
        if other is link.node:
            return None
        return np.transpose(value), "in {g}, {value} stands in the place of {right}.T"  # `d @ V` for `d @ W.T`
    flattened = made_by is np.reshape and all(other is not inner for inner in inputs)
    if flattened and np.size(value) == own.size and np.ndim(value) != own.ndim:
        return np.reshape(value, own.shape), "in {g}, {value}, reshaped, stands in the place of {right}"
    if fits(value, own) if elementwise(link) else np.shape(value) == own.shape:
        return value, "in {g}, {value} stands in the place of {right}"
    return None


def _in_loops(replay: Replay, link: Link, right: Any, other: Any) -> Iterator[Any]:
    """What the same slip has in common in all steps of a loop: one value, or each time one that is as much later."""
    if replay.step_place(link) is not None:
        use = "wrong operand", link.node.op.name, link.operand
        yield *use, "the same value", id(other)
        if type(right) is Node and type(other) is Node and other.op is not None:
            yield *use, "made later by", other.order - right.order


def _place(replay: Replay, node: Node, right: Any, other: Any) -> Any:
    """How a wrong operand relates to the right one, so that the same slip in another layer is known as such."""
    if type(right) is Node and type(other) is Node:
        if any(arg is other for arg in right.args or ()):
            return "its input"
        if any(arg is right for arg in other.args or ()):
            return "its output"
    return replay.relation(node, other)


def derivatives_elsewhere(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The local derivative of a function of one operand, taken at another value of the same shape."""
    node = link.node
    if len(node.args or ()) != 1 or not elementwise(link):
        return
    for other, value in replay.forward_values:
        if other is node or other is link.source or not near(replay, link, other):
            continue
        if np.shape(value) == node.shape:
            text = "the local derivative in {g} is taken at {value}, not at {operand}"
            changes: Changes = {link: lambda g, _, value=value: replay.pull(link, g, value, (value,))}
            kind = ("wrong place", node.op.name, replay.relation(node, other))
            yield Mistake("wrong-operand", 1.7, text, changes, kind, value=other)


# Gradients


def other_gradients(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The gradient of another value of the same shape for the one that arrives."""
    node = link.node
    after = _after_activations(replay, node)
    # Of several uses, the gradients between this one and the value are known as well when the value's is computed.
    since = link.source if len(replay.uses[link.source]) > 1 else node
    for other in replay.nodes:
        if other in (node, link.source) or other not in replay.truth or not near(replay, link, other):
            continue
        g, d = replay.truth[node], replay.truth[other]
        possible = other.order >= since.order or _copied(replay, link, other)
        if not possible or not differs(d, g) or multiple(g, d) is not None:
            continue
        change: Changes = {link: lambda g, gradients, other=other: replay.pull(link, gradients[other])}
        if other.order < node.order:  # the reverse pass comes to it only after the link

            def later(g: Array, gradients: Gradients, other: Node = other) -> Array:
                return g + replay.pull(link, gradients[other]) - replay.pull(link, gradients[node])

            change = {link.source: later}
        text, relation = "{g} is computed from {dvalue}, not from {dright}", replay.relation(node, other)
        cause, cost = "wrong-operand", 1.6
        if other in after:
            cause, cost, relation = "missing-derivative", 1.3, "skipped"
            text += ": the local derivative between them is left out"
        kind = ("other gradient", node.op.name, link.operand, relation)
        yield Mistake(cause, cost, text, change, kind, link.source, other, {"right": node})


def _copied(replay: Replay, link: Link, other: Node) -> bool:
    """Whether a line may be copied from that of a value on another branch: for a parameter, or for a skip."""
    node, source = link.node, link.source
    if other.order >= node.order:
        return False
    beside = node not in replay.behind(other)
    if source.op is None:
        return beside and is_product(node)
    direct = [arg for arg in other.args or () if type(arg) is Node]
    operands = {*direct, *(arg for each in direct for arg in each.args or () if type(arg) is Node)}
    return not beside and node.op.fn is np.add and source in operands


def _after_activations(replay: Replay, node: Node) -> set[Node]:
    """What the next step computes from a value: the operations on it, and the ends of activations composed of several.

    Sums that the value goes into alone, as in `z = x @ W + b`, are skipped: the gradient before and after is the same.
    """
    while len(replay.uses[node]) == 1:
        user = replay.uses[node][0].node
        if user not in replay.truth or user.shape != node.shape:
            break
        if not np.array_equal(replay.truth[user], replay.truth[node]):
            break
        node = user
    return {use.node for use in replay.uses[node]} | {chain.outer for chain in chains_from(replay, node)}


def values_for_gradients(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A value of what follows, such as the probabilities, where its gradient belongs in a product."""
    node, g = link.node, replay.truth[link.node]
    for other in replay.nodes if is_product(node) and np.ndim(g) else ():
        value = replay.value(other)
        if other.order < node.order or np.shape(value) != np.shape(g) or not near(replay, link, other):
            continue
        if multiple(g, value) is None:
            text = "{g} is computed from {value} itself, not from the gradient {dresult}"
            changes: Changes = {link: lambda g, _, value=value: replay.pull(link, value)}
            kind = ("value for gradient", node.op.name, link.operand, replay.relation(node, other))
            yield Mistake("wrong-operand", 1.8, text, changes, kind, value=other)
