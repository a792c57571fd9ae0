"""Local derivatives: left out, or taken at the wrong place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.derivation.backprop import value_function
from autograd.graph import Node
from autograd.op import unbroadcast
from autograd.testing.catalogue.mistake import PRODUCTS, Mistake, differs, elementwise, multiple, tried
from autograd.testing.replay import Array, Link, Replay

_LEFT_OUT = "the local derivative of {value} is left out of {g}"


def missing_derivatives(replay: Replay, link: Link) -> Iterator[Mistake]:
    """What arrives, handed on as it is."""
    shape = np.shape(link.source.value)
    g, truth = replay.truth[link.node], replay.contribution(link)
    product = link.node.op.name in PRODUCTS
    if np.shape(g) != shape if product else not elementwise(link):
        return
    given = unbroadcast(g, shape)
    factors = [arg for k, arg in enumerate(link.node.args or ()) if k != link.operand]
    other = factors[0] if len(factors) == 1 and (product or link.node.op.name == "np.multiply") else None
    if differs(given, truth) and multiple(truth, given) is None:  # a mere factor is one, not a derivative
        yield Mistake(
            "missing-derivative",
            {link: lambda g, _: unbroadcast(g, shape)},
            1.0 + 0.5 * (product or not shape) + 0.15 * _by_a_constant(link),
            "the factor {other} is left out of {g}" if other is not None else _LEFT_OUT,
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

    places = (("at its output", *placed(y, None), 1.0), ("with its input for its output", *placed(at, at), 1.1))
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
