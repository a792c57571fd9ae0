"""Another tensor of the graph in the place of the right one, and uses that are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Changes, Link
from autograd.testing.catalogue.activations import chains_from
from autograd.testing.catalogue.mistake import Mistake, differs, elementwise, fits, multiple, near, tried
from autograd.testing.replay import Replay


def missing_terms(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Of several uses of a value, one that is left out, or one that is alone."""
    if len(replay.uses[link.source]) < 2:
        if (
            np.ndim(link.node.value) == 0
            and link.node.op.name in ("np.add", "np.subtract")
            and link.source.op is not None
        ):
            yield Mistake(
                "missing-term",
                {link: lambda g, _: np.zeros_like(replay.contribution(link))},
                1.1,
                "the term {value} of the loss is left out",
                ("missing term", "of the loss", link.operand),
                link.source,
                link.source,
            )
        return
    alike = [use for use in replay.uses[link.source] if use.node is link.node]  # h * h is one use
    others = [other for other in replay.uses[link.source] if other.node is not link.node]
    if link is not alike[0] or not others:
        return
    yield Mistake(
        "missing-term",
        {use: lambda g, _, use=use: np.zeros_like(replay.contribution(use)) for use in alike},
        1.0,
        "the contribution to {g} by way of {value} is left out",
        ("missing term", link.node.op.name, link.operand),
        link.source,
        link.node,
    )
    if len(others) > 1:
        yield Mistake(
            "missing-term",
            {other: lambda g, _, other=other: np.zeros_like(replay.contribution(other)) for other in others},
            1.3,
            "only the contribution by way of {value} is in {g}: the others are overwritten, not added",
            ("only term", link.node.order),
            link.source,
            link.node,
        )


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
                words = (
                    f"only step {k + 1} of {count} is in {{g}}"
                    if alone
                    else (f"step {k + 1} of {count} is left out of {{g}}")
                )
                yield Mistake(
                    "missing-term",
                    {link: lambda g, _, link=link: np.zeros_like(replay.contribution(link)) for link in lost},
                    1.2,
                    f"{words}, and of the other shared parameters alike",
                    ("step", count, k, alone),
                    nearest,
                    nearest,
                )


def operands(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A rule with another tensor of the same shape: for an operand, for the place of a derivative, for what arrives."""
    yield from _other_operands(replay, link)
    if len(link.node.args or ()) == 1 and elementwise(link):
        yield from _derivatives_elsewhere(replay, link)
    node, g = link.node, replay.truth[link.node]
    after = _after_activations(replay, node)
    # Of several uses, the gradients between this one and the value are known as well when the value's is computed.
    since = link.source if len(replay.uses[link.source]) > 1 else node
    for other in replay.nodes:
        if other in (node, link.source) or other not in replay.truth or not near(replay, link, other):
            continue
        if other.order < since.order:
            continue
        same_shape = np.shape(other.value) == np.shape(node.value)
        if same_shape and differs(replay.truth[other], g) and multiple(g, replay.truth[other]) is None:
            yield _other_gradient(replay, link, other, other in after)


def _other_operands(replay: Replay, link: Link) -> Iterator[Mistake]:
    node, truth = link.node, replay.contribution(link)
    args, y, g = replay.arguments(node), replay.value(node), replay.truth[node]
    for j, arg in enumerate(node.args or ()):
        own = args[j]
        if not isinstance(own, np.ndarray) or own.ndim == 0 or own.dtype.kind != "f":
            continue
        ones = (*args[:j], np.ones_like(own), *args[j + 1 :])
        if node.op.role == "product" and differs(tried(replay, link, g, y, ones), truth):
            yield Mistake(
                "missing-derivative",
                {link: lambda g, _, ones=ones: replay.pull(link, g, y, ones)},
                1.5,
                "the factor {right} is left out of {g}: what it would weigh is summed, or repeated, as it is",
                ("factor left out", node.op.name, link.operand, j),
                link.source,
                node,
                details={"right": arg},
            )
        turned = type(arg) is Node and arg.op is not None and arg.op.name == "np.transpose" and own.ndim == 2
        for other, value in replay.forward_values:
            transposed = turned and np.shape(value) == own.shape[::-1] and other is not arg.args[0]
            untransposed = not turned and _only_transposed(link, other, value, own)
            reshaped = _only_reshaped(arg, other, value, own)
            if reshaped:
                value = np.reshape(value, own.shape)
            if transposed or untransposed:
                value = np.transpose(value)
            possible = fits(value, own) if elementwise(link) else np.shape(value) == own.shape
            if not possible or value is own or other is arg or not near(replay, link, other):
                continue
            changed = (*args[:j], np.broadcast_to(value, own.shape), *args[j + 1 :])
            if differs(tried(replay, link, g, y, changed), truth):
                shown = f"{{value}}{'.T' * transposed}{', reshaped,' * reshaped}"
                yield Mistake(
                    "wrong-operand",
                    {link: lambda g, _, changed=changed: replay.pull(link, g, y, changed)},
                    1.5 if type(other) is Node else 1.6,
                    f"in {{g}}, {shown} stands in the place of {{right}}{'.T' * untransposed}",
                    ("wrong operand", node.op.name, link.operand, j, _role(replay, node, arg, other)),
                    link.source,
                    other,
                    details={"right": arg},
                    alike=tuple(_in_loops(replay, link, arg, other)),
                )


def _in_loops(replay: Replay, link: Link, right: Any, other: Any) -> Iterator[Any]:
    """What the same slip has in common in all steps of a loop: one value, or each time one that is as much later."""
    if replay.step_place(link) is not None:
        use = "wrong operand", link.node.op.name, link.operand
        yield *use, "the same value", id(other)
        if type(right) is Node and type(other) is Node and other.op is not None:
            yield *use, "made later by", other.order - right.order


def _only_transposed(link: Link, other: Any, value: Any, own: Any) -> bool:
    """Whether another matrix stands for a transposed one: `d @ V` for `d @ W.T`, where shapes let it pass."""
    reversed_ = np.ndim(own) == 2 and np.shape(value) == own.shape[::-1] != own.shape
    return reversed_ and not elementwise(link) and other is not link.node


def _only_reshaped(arg: Any, other: Any, value: Any, own: Any) -> bool:
    """Whether another value could stand for one that is reshaped, as what is flattened before a layer."""
    made = (
        type(arg) is Node
        and arg.op is not None
        and arg.op.name == "np.reshape"
        and all(other is not inner for inner in arg.args or ())
    )
    return made and np.size(value) == own.size and np.ndim(value) != own.ndim


def _derivatives_elsewhere(replay: Replay, link: Link) -> Iterator[Mistake]:
    node, truth, g = link.node, replay.contribution(link), replay.truth[link.node]
    for other, value in replay.forward_values:
        if other is node or other is link.source or not near(replay, link, other):
            continue
        if np.shape(value) == np.shape(node.value) and differs(tried(replay, link, g, value, (value,)), truth):
            yield Mistake(
                "wrong-operand",
                {link: lambda g, _, value=value: replay.pull(link, g, value, (value,))},
                1.7,
                "the local derivative in {g} is taken at {value}, not at {right}",
                ("wrong place", node.op.name, replay.relation(node, other)),
                link.source,
                other,
                details={"right": link.source},
            )


def _role(replay: Replay, node: Node, right: Any, other: Any) -> Any:
    """How a wrong operand relates to the right one, so that the same slip in another layer is known as such."""
    if type(right) is Node and type(other) is Node:
        if any(arg is other for arg in right.args or ()):
            return "its input"
        if any(arg is right for arg in other.args or ()):
            return "its output"
    return replay.relation(node, other)


def _after_activations(replay: Replay, node: Node) -> set[Node]:
    """The values that an operation on a value, or an activation composed of several, leads to."""
    last = _same_gradient(replay, node)
    return {use.node for use in replay.uses[last]} | {chain.outer for chain in chains_from(replay, last)}


def _other_gradient(replay: Replay, link: Link, other: Node, skipped: bool) -> Mistake:
    """The gradient of another value in the place of the one that should be propagated."""
    if skipped:
        told = "{g} is computed from {dvalue}, not from {dright}: the local derivative between them is left out"
    else:
        told = "{g} is computed from {dvalue}, not from {dright}"
    change: Changes = {link: lambda g, gradients: replay.pull(link, gradients[other])}
    if other.order < link.node.order:  # the reverse pass comes to it only after the link
        change = {
            link.source: lambda g, gradients: (
                g + replay.pull(link, gradients[other]) - replay.pull(link, gradients[link.node])
            )
        }
    return Mistake(
        "missing-derivative" if skipped else "wrong-operand",
        change,
        1.3 if skipped else 1.6,
        told,
        (
            "other gradient",
            link.node.op.name,
            link.operand,
            "skipped" if skipped else replay.relation(link.node, other),
        ),
        link.source,
        other,
        details={"right": link.node},
    )


def _same_gradient(replay: Replay, node: Node) -> Node:
    """The last of the sums that a value goes into alone: what arrives at it arrives at the value."""
    while len(replay.uses[node]) == 1:
        user = replay.uses[node][0].node
        if user not in replay.truth or np.shape(user.value) != np.shape(node.value):
            break
        if not np.array_equal(replay.truth[user], replay.truth[node]):
            break
        node = user
    return node
