"""Local derivatives: left out, or taken at the wrong place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.core.op import unbroadcast
from autograd.program.program import Line, Var
from autograd.program.reverse import Array, Link, value_function
from autograd.testing.catalogue.mistake import Mistake, differs, elementwise, tried, unlike
from autograd.testing.replay import Replay

_LEFT_OUT = "the local derivative of {value} is left out of {g}"
_TURNED = "what comes to {g} by way of {value} is not transposed back"


def missing_derivatives(replay: Replay, link: Link) -> Iterator[Mistake]:
    """What arrives, handed on as it is."""
    shape = np.shape(link.source.value)
    g, truth = replay.truth[link.node], replay.contribution(link)
    product = link.node.op.role == "product"
    if np.shape(g) != shape if product else not elementwise(link):
        return
    given = unbroadcast(g, shape)
    factors = [arg for k, arg in enumerate(link.node.args or ()) if k != link.operand]
    other = factors[0] if len(factors) == 1 and (product or link.node.op.name == "np.multiply") else None
    alone = np.size(truth) == 1 and np.size(link.node.value) == 1 and not any(type(f) is Node for f in factors)
    if differs(given, truth) and (
        not alone if np.size(truth) == 1 else unlike(truth, given)
    ):  # a mere factor is one, not a derivative
        turned = link.node.op.name == "np.transpose"
        yield Mistake(
            "transposed" if turned else "missing-derivative",
            {link: lambda g, _: unbroadcast(g, shape)},
            1.0 + 0.5 * (product or not shape) + 0.15 * _by_a_constant(link),
            _TURNED if turned else "the factor {other} is left out of {g}" if other is not None else _LEFT_OUT,
            ("missing derivative", link.node.op.name, link.operand),
            link.source,
            link.node,
            details={} if other is None else {"other": other},
        )


def _by_a_constant(link: Link) -> bool:
    """Whether an array without gradient is the other operand, which people seldom forget."""
    return any(
        isinstance(arg, np.ndarray) or (type(arg) is Node and not arg.requires_grad and np.ndim(arg.value))
        for arg in link.node.args or ()
    )


def other_places(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The local derivative of a function of one operand, taken at its output, or with its input for its output."""
    node, x = link.node, link.source
    nodes = [arg for arg in node.args or () if type(arg) is Node]
    if len(nodes) != 1 or np.shape(node.value) != np.shape(x.value) or not elementwise(link):
        return
    at, y = replay.value(x), replay.value(node)

    def placed(args_at: Array, y_at: Any) -> tuple[Any, tuple[Any, ...]]:
        args = tuple(
            args_at if arg is x else value for arg, value in zip(node.args or (), replay.arguments(node), strict=True)
        )
        return (value_function(node.op)(*args, **node.kwargs) if y_at is None else y_at), args

    places = (
        ("at its output", *placed(y, None), 1.0),
        ("with its input for its output", *placed(at, at), 1.1),
    )
    for words, y_at, args, cost in places:
        if not differs(tried(replay, link, replay.truth[node], y_at, args), replay.contribution(link)):
            continue
        yield Mistake(
            "derivative-at-output",
            {link: lambda g, _, y_at=y_at, args=args: replay.pull(link, g, y_at, args)},
            cost,
            f"the derivative of {{value}} in {{g}} is taken {words}",
            ("derivative at output", node.op.name, words),
            x,
            node,
        )
    yield from _at_the_gradient(replay, link)


def _at_the_gradient(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A mask made of the gradient that arrives, `dz[dz <= 0] = 0`, or made the other way round; a sign left out."""
    node, x = link.node, link.source
    g, truth, ones = replay.truth[node], replay.contribution(link), np.ones_like(replay.truth[node])
    slope = tried(replay, link, ones, None, replay.arguments(node))
    if np.shape(slope) != np.shape(g):
        return
    if node.op.ties and np.all((slope == 0) | (slope == 1)):
        masks: tuple[tuple[str, Callable[[Array], Array]], ...] = (
            ("the mask in {g} is of the gradient that arrives, not of {right}", lambda g: g * (g > 0)),
            ("the mask in {g} is the other way round", lambda g: g - g * slope),
        )
        for told, masked in masks:
            if differs(masked(g), truth):
                yield Mistake(
                    "derivative-at-output",
                    {link: lambda g, _, masked=masked: masked(g)},
                    1.2,
                    told,
                    ("mask", node.op.name, told),
                    x,
                    node,
                    details={"right": x},
                )
    if node.op.name in ("np.abs", "np.absolute") and differs(g * replay.value(x), truth):
        told = "in {g}, {right} stands where its sign belongs: that is the derivative of a square"
        change: dict[Link | Node, Any] = {link: lambda g, _: g * replay.value(x)}
        kind = ("no sign", node.op.name)
        yield Mistake("missing-derivative", change, 1.2, told, kind, x, node, details={"right": x})


def lost_addends(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Of a rule that is a sum or a difference of arrays, as that of a binary cross-entropy, one term alone."""
    written = replay.lines(link)
    g, truth = replay.truth[link.node], replay.contribution(link)
    for position, line in enumerate(written.lines):
        if line.fn not in (np.add, np.subtract) or any(type(arg) is not Var for arg in line.args[:2]):
            continue
        if np.shape(line.args[0].value) != np.shape(line.args[1].value) or not np.ndim(line.target.value):
            continue
        sign = 1.0 if line.fn is np.add else -1.0
        for kept, words in ((0, "second"), (1, "first")):

            def change(line: Line, values: Mapping[Var, Any], kept: int = kept, sign: float = sign) -> Any:
                return sign * values[line.args[1]] if kept else values[line.args[0]]

            if differs(written.run(g, position, change), truth):
                yield Mistake(
                    "missing-term",
                    {link: lambda g, _, position=position, change=change: written.run(g, position, change)},
                    1.4,
                    f"of the derivative of {{value}} in {{g}}, which is a {'sum' if sign > 0 else 'difference'}, "
                    f"the {words} term is left out",
                    ("lost addend", link.node.op.name, link.operand, position, words),
                    link.source,
                    link.node,
                )


def bypassed(replay: Replay, node: Node) -> Iterator[Mistake]:
    """An operation that keeps the shape, derived as if it were not there: neither its value nor its derivative."""
    shape = np.shape(node.value)
    for link in replay.links(node):
        x = replay.value(link.source)
        if np.shape(x) != shape or not shape or node.op.role == "product" or not differs(x, replay.value(node)):
            continue
        changes: dict[Link | Node, Any] = {link: lambda g, _: g}
        for use in replay.uses[node]:
            args = tuple(x if arg is node else value for arg, value in _paired(replay, use))
            changes[use] = lambda g, _, use=use, args=args: replay.pull(use, g, None, args)
        found = [
            tried(replay, use, replay.truth[use.node], None, args)
            for use in replay.uses[node]
            for args in [tuple(x if arg is node else value for arg, value in _paired(replay, use))]
        ]
        if any(each is None for each in found):
            continue
        # Where no other value is used, it is the derivative alone that is left out.
        if any(differs(each, replay.contribution(use)) for each, use in zip(found, replay.uses[node], strict=True)):
            yield Mistake(
                "missing-derivative",
                changes,
                1.4,
                "{g} is derived as if {value} were {right}",
                ("bypassed", node.op.name, link.operand),
                link.source,
                node,
                details={"right": link.source},
            )


def _paired(replay: Replay, link: Link) -> list[tuple[Any, Any]]:
    return list(zip(link.node.args or (), replay.arguments(link.node), strict=True))
