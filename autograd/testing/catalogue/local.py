"""Local derivatives of single operations: left out, taken at the wrong place, or by half a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd.basis.broadcasting import unbroadcast
from autograd.core.node import Node
from autograd.program.program import Line, Var
from autograd.program.reverse import Array, Change, Changes, Link
from autograd.testing.catalogue.mistake import Mistake, differs, elementwise, is_product, shows, unlike
from autograd.testing.replay import Replay


def missing_derivatives(replay: Replay, link: Link) -> Iterator[Mistake]:
    """What arrives, handed on as it is."""
    node, shape = link.node, link.source.shape
    g, truth, product = replay.truth[node], replay.contribution(link), is_product(node)
    if np.shape(g) != shape if product else not elementwise(link):
        return
    factors = [arg for k, arg in enumerate(node.args or ()) if k != link.operand]
    number = node.size == 1 and not any(type(factor) is Node for factor in factors)
    if number if np.size(truth) == 1 else not unlike(truth, unbroadcast(g, shape)):
        return  # what is left out is but a factor
    other = factors[0] if len(factors) == 1 and (product or node.op.fn is np.multiply) else None
    turned = node.op.fn is np.transpose
    text = "the local derivative of {value} is left out of {g}"
    if turned:
        text = "what comes to {g} by way of {value} is not transposed back"
    elif other is not None:
        text = "the factor {other} is left out of {g}"
    cost = 1.0 + 0.5 * (product or not shape) + 0.15 * _by_a_constant(node)
    changes: Changes = {link: lambda g, _: unbroadcast(g, shape)}
    yield Mistake("transposed" if turned else "missing-derivative", cost, text, changes, details={"other": other})


def _by_a_constant(node: Node) -> bool:
    """Whether an array without gradient is the other operand, which people seldom forget."""
    return any(
        isinstance(arg, np.ndarray) or (type(arg) is Node and not arg.requires_grad and arg.ndim)
        for arg in node.args or ()
    )


def other_places(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The local derivative of a function of one operand, taken at its output, or with its input for its output."""
    node, x = link.node, link.source
    nodes = [arg for arg in node.args or () if type(arg) is Node]
    if len(nodes) != 1 or node.shape != x.shape or not elementwise(link):
        return
    at, y = replay.value(x), replay.value(node)
    at_output = replay.replaced(node, x, y)
    text = "the derivative of {value} in {g} is taken"

    def there(g: Array, _: Any) -> Array:
        return replay.pull(link, g, node.op.on_any_array(*at_output, **node.kwargs), at_output)

    yield Mistake("derivative-at-output", 1.0, f"{text} at its output", {link: there})
    with_input: Changes = {link: lambda g, _: replay.pull(link, g, at)}
    yield Mistake("derivative-at-output", 1.1, f"{text} with its input for its output", with_input)


def wrong_masks(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A mask made of the gradient that arrives, `dz[dz <= 0] = 0`, or made the other way round; a sign left out."""
    node, g = link.node, replay.truth[link.node]
    if not elementwise(link) or link.source.shape != np.shape(g) or len(replay.links(node)) != 1:
        return
    slope = replay.pull(link, np.ones_like(g))
    if node.op.ties and np.all((slope == 0) | (slope == 1)):
        text = "the mask in {g} is of the gradient that arrives, not of {operand}"
        yield Mistake("derivative-at-output", 1.2, text, {link: lambda g, _: g * (g > 0)})
        text = "the mask in {g} is the other way round"
        yield Mistake("derivative-at-output", 1.2, text, {link: lambda g, _: g - g * slope})
    if node.op.fn is np.abs:
        text = "in {g}, {operand} stands where its sign belongs: that is the derivative of a square"
        change: Changes = {link: lambda g, _: g * replay.value(link.source)}
        yield Mistake("missing-derivative", 1.2, text, change)


def lost_addends(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Of a rule that is a sum or a difference of arrays, as that of a binary cross-entropy, one term alone."""
    rule = replay.lines(link)
    for position, line in enumerate(rule.lines):
        if line.fn not in (np.add, np.subtract) or any(type(arg) is not Var for arg in line.args[:2]):
            continue
        if np.shape(line.args[0].value) != np.shape(line.args[1].value) or not np.ndim(line.target.value):
            continue
        of = "sum" if line.fn is np.add else "difference"
        for kept, lost in ((0, "second"), (1, "first")):

            def change(line: Line, values: Mapping[Var, Any], kept: int = kept) -> Any:
                term = values[line.args[kept]]
                return -term if kept and line.fn is np.subtract else term

            text = f"of the derivative of {{value}} in {{g}}, which is a {of}, the {lost} term is left out"
            kind = ("lost addend", link.node.op.name, link.operand, position, lost)
            yield Mistake("missing-term", 1.4, text, {link: rule.changed(position, change)}, kind)


def bypassed(replay: Replay, link: Link) -> Iterator[Mistake]:
    """An operation that keeps the shape, derived as if it were not there: neither its value nor its derivative."""
    node, x = link.node, replay.value(link.source)
    if np.shape(x) != node.shape or not np.ndim(x) or is_product(node) or not differs(x, replay.value(node)):
        return
    uses: dict[Link | Node, Change] = {}
    for use in replay.uses[node]:
        args = replay.replaced(use.node, node, x)
        uses[use] = lambda g, _, use=use, args=args: replay.pull(use, g, None, args)
    # Where no other value is used, it is the derivative alone that is left out.
    if shows(replay, uses):
        text = "{g} is derived as if {value} were {operand}"
        changes: Changes = {link: lambda g, _: g, **uses}
        yield Mistake("missing-derivative", 1.4, text, changes)


def powers(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The power rule with its exponent left as it is, or lowered twice, or with the size of the base alone."""
    node, x = link.node, replay.value(link.source)
    exponent = _exponent(replay, link)
    if exponent is None or exponent in (0, 1) or np.size(x) < 2 or np.all(x == np.ravel(x)[0]):
        return
    slips = (
        ("derivative-at-output", 1.3, "the exponent in the derivative of {value} is not lowered by 1 in {g}", x),
        ("derivative-at-output", 1.5, "in {g}, {operand} has lost its sign in the derivative of {value}", np.sign(x)),
        ("missing-derivative", 1.5, "{operand} is left out of the derivative of {value} in {g}", 1 / x),
    )
    for cause, cost, text, factor in slips[: 3 if exponent > 1 else 2]:
        changes: Changes = {link: lambda g, _, factor=factor: replay.pull(link, g) * factor}
        yield Mistake(cause, cost, text, changes, kind=("power", node.op.name, text))


def _exponent(replay: Replay, link: Link) -> float | None:
    """The k of an operation c * x**k, whatever it is called: that for which x * f'(x) = k * f(x)."""
    node, x, y = link.node, replay.value(link.source), replay.value(link.node)
    if node.op.fn is np.divide and link.operand == 1:
        return -1.0
    if np.shape(x) != np.shape(y) or np.size(x) < 2 or not elementwise(link):
        return None
    with np.errstate(all="ignore"):
        exponents = (x * replay.pull(link, np.ones_like(replay.truth[node])) / y)[np.asarray(y != 0)]
    if not exponents.size or not np.allclose(exponents, exponents[0], rtol=1e-6):
        return None
    return round(float(exponents[0]), 6)


def values_for_slopes(replay: Replay, link: Link) -> Iterator[Mistake]:
    """A straight piece, `z` or `0.01 * z`, that stands where its derivative belongs: 1, or 0.01."""
    node = link.node
    args = replay.arguments(node)
    if node.op.fn is np.where and link.operand in (1, 2):
        piece, value = "{operand}", args[link.operand]
    elif node.op.fn is np.multiply and any(np.ndim(arg) == 0 for arg in args) and elementwise(link):
        piece, value = "{result}", replay.value(node)
    else:
        return
    if np.shape(value) == link.source.shape == node.shape != ():
        chosen = node.op.fn is np.where
        change: Changes = {link: lambda g, _: (replay.pull(link, g) if chosen else g) * value}
        text = f"in {{g}}, {piece} itself stands in the place of its derivative"
        yield Mistake("derivative-at-output", 1.5, text, change)
