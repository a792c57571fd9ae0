"""The catalogue: mistakes that people make in hand-derived backprop, as changes of the reverse pass.

Each generator gives the mistakes of one kind that apply somewhere in a recorded graph. What a mistake says of itself is
told with gaps for names: `{g}` is the gradient it is made in, `{value}` the value that it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.derivation.backprop import value_function
from autograd.derivation.program import Line, substituted
from autograd.graph import Node
from autograd.op import unbroadcast
from autograd.testing.replay import Array, Changes, Gradients, Link, Replay

PRODUCTS = {
    "np.matmul",
    "np.dot",
    "nn.functional.linear",
    "np.tensordot",
    "np.einsum",
    "np.outer",
    "np.inner",
    "np.vdot",
}
_TRIED = 1000  # mistakes at most in one search
_NEAR = 40  # operations; in larger graphs other tensors are looked for nearby
_CHAIN = 12  # operations that an activation may be composed of


@dataclass(frozen=True)
class Mistake:
    """One mistake, or the same one made in several places.

    Attributes:
        cause: its code.
        changes: what it does to links and nodes.
        cost: how far-fetched it is; the cheapest mistake that explains the numbers is the verdict.
        told: what was done, in words.
        kind: equal for the same mistake in different places.
        value: what `{value}` stands for in the words.
        factor: hand over true, where it is one.
        where: the node whose gradient is first wrong by it.
    """

    cause: str
    changes: Changes
    cost: float
    told: str
    kind: Any
    where: Node
    value: Node | None = None
    factor: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def catalogue(replay: Replay, sites: set[Node]) -> Iterator[Mistake]:
    """Every mistake without a free number that can reach the gradients at `sites`."""
    links = [link for node in replay.nodes for link in replay.uses[node] if node in sites]
    seen: dict[Any, list[Mistake]] = {}
    for mistake in _single(replay, links, sites):
        seen.setdefault(mistake.kind, []).append(mistake)
        yield mistake
    for same in seen.values():
        if len(same) > 1:
            yield _everywhere(same)


def by_plausibility(replay: Replay, sites: set[Node]) -> list[Mistake]:
    """The catalogue, the most plausible mistakes first; of a large graph only so many."""
    return sorted(catalogue(replay, sites), key=lambda mistake: mistake.cost)[:_TRIED]


def _single(replay: Replay, links: list[Link], sites: set[Node]) -> Iterator[Mistake]:
    for link in links:
        for found in (
            _kinks,
            _missing_terms,
            _missing_derivatives,
            _other_places,
            _transposes,
            _axes,
            _operands,
            _unsummed,
        ):
            for mistake in found(replay, link):
                if link.node in replay.penalties and mistake.cause not in ("kink", "regulariser"):
                    mistake = _as_penalty(mistake)
                yield mistake
    for chain in chains(replay):
        if chain.inner in sites and chain.inner in replay.truth:
            yield from _chain_mistakes(replay, chain)
    for node in sites:
        if node in replay.truth:
            yield from _targets(replay, node)


def _everywhere(same: list[Mistake]) -> Mistake:
    """The same mistake in all the places where it can be made, as code in a loop makes it."""
    changes: dict[Link | Node, Any] = {}
    for mistake in same:
        changes.update(mistake.changes)
    nearest = max(same, key=lambda mistake: mistake.where.order)
    told = f"{nearest.told}, and in the other layers alike"
    return Mistake(
        nearest.cause, changes, nearest.cost + 0.25, told, ("everywhere", nearest.kind), nearest.where, nearest.value,
        nearest.factor, nearest.details,
    )  # fmt: skip


def _as_penalty(mistake: Mistake) -> Mistake:
    return Mistake(
        "regulariser", mistake.changes, mistake.cost + 0.1, f"in the penalty, {mistake.told}", mistake.kind,
        mistake.where, mistake.value, mistake.factor, mistake.details,
    )  # fmt: skip


def _differs(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.all(np.isfinite(a))) and not np.allclose(a, b, rtol=1e-12, atol=0)


# One consumer left out


def _missing_terms(replay: Replay, link: Link) -> Iterator[Mistake]:
    if len(replay.uses[link.source]) < 2:
        return
    yield Mistake(
        "missing-term",
        {link: lambda g, _: np.zeros_like(replay.contribution(link))},
        1.0,
        "the contribution to {g} by way of {value} is left out",
        ("missing term", link.node.op.name, link.operand),
        link.source,
        link.node,
    )
    others = [other for other in replay.uses[link.source] if other != link]
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


# Local derivatives


def _elementwise(link: Link) -> bool:
    """Whether an operand is, or is broadcast to, the shape of the result."""
    if link.node.op.name in PRODUCTS:
        return False
    shape = np.shape(link.node.value)
    try:
        return np.broadcast_shapes(shape, np.shape(link.source.value)) == shape
    except ValueError:
        return False


def _missing_derivatives(replay: Replay, link: Link) -> Iterator[Mistake]:
    shape = np.shape(link.source.value)
    g, truth = replay.truth[link.node], replay.contribution(link)
    product = link.node.op.name in PRODUCTS
    if np.shape(g) != shape if product else not _elementwise(link):
        return
    given = unbroadcast(g, shape)
    if _differs(given, truth) and _multiple(truth, given) is None:  # a mere factor is one, not a derivative
        yield Mistake(
            "missing-derivative",
            {link: lambda g, _: unbroadcast(g, shape)},
            1.0 if shape and not product else 1.5,
            "the factor that {value} has in {g} is left out"
            if product
            else "the local derivative of {value} is left out of {g}",
            ("missing derivative", link.node.op.name, link.operand),
            link.source,
            link.node,
        )


def _other_places(replay: Replay, link: Link) -> Iterator[Mistake]:
    """The local derivative of a function of one operand, taken at its output, or with its input for its output."""
    node, x = link.node, link.source
    nodes = [arg for arg in node.args or () if type(arg) is Node]
    if len(nodes) != 1 or np.shape(node.value) != np.shape(x.value) or not _elementwise(link):
        return
    at, y = replay.value(x), replay.value(node)

    def placed(args_at: Array, y_at: Any) -> tuple[Any, tuple[Any, ...]]:
        args = tuple(
            args_at if arg is x else value for arg, value in zip(node.args or (), replay.arguments(node), strict=True)
        )
        return (value_function(node.op)(*args, **node.kwargs) if y_at is None else y_at), args

    places = (("at its output", *placed(y, None), 1.0), ("with its input for its output", *placed(at, at), 1.1))
    for words, y_at, args, cost in places:
        if not _differs(_tried(replay, link, replay.truth[node], y_at, args), replay.contribution(link)):
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


def _tried(replay: Replay, link: Link, g: Array, y: Any, args: tuple[Any, ...]) -> Any:
    """A contribution with other values, or None where the rule does not take them."""
    with np.errstate(all="ignore"):
        try:
            return replay.pull(link, g, y, args)
        except (ValueError, IndexError, TypeError):
            return None


@dataclass(frozen=True)
class Chain:
    """Operations that lead from one value to another of its shape, and to nothing else: a composed activation."""

    inner: Node
    outer: Node
    nodes: tuple[Node, ...]

    @property
    def kind(self) -> tuple[str, ...]:
        """Equal for the same composition elsewhere."""
        return tuple(node.op.name for node in self.nodes)


def chains(replay: Replay) -> Iterator[Chain]:
    """Composed activations: closed pieces of the graph between two values of one shape."""
    for inner in replay.nodes:
        shape = np.shape(inner.value)
        if not shape or not replay.uses[inner]:
            continue
        within = {inner}
        members: list[Node] = []
        frontier = [link.node for link in replay.uses[inner]]
        while frontier and len(members) < _CHAIN:
            node = min(frontier, key=lambda candidate: candidate.order)
            frontier = [candidate for candidate in frontier if candidate is not node]
            if node.op.name in PRODUCTS:
                break
            within.add(node)
            members.append(node)
            frontier += [link.node for link in replay.uses[node] if link.node not in within]
            closed = all(link.node in within for each in within if each is not node for link in replay.uses[each])
            if closed and np.shape(node.value) == shape and not _depends_elsewhere(members, within):
                yield Chain(inner, node, tuple(members))


def _depends_elsewhere(members: list[Node], within: set[Node]) -> bool:
    return any(
        type(arg) is Node and arg.requires_grad and arg not in within for node in members for arg in node.args or ()
    )


def _chain_mistakes(replay: Replay, chain: Chain) -> Iterator[Mistake]:
    truth = replay.truth
    if _differs(truth[chain.outer], truth[chain.inner]) and _multiple(truth[chain.inner], truth[chain.outer]) is None:
        yield Mistake(
            "missing-derivative",
            {chain.inner: lambda g, gradients: gradients[chain.outer]},
            1.05 + 0.02 * len(chain.nodes),
            "the local derivative between {value} and {g} is left out",
            ("missing derivative", chain.kind),
            chain.inner,
            chain.outer,
        )
    at_output = _local(replay, chain, replay.value(chain.outer))
    if at_output is not None and _differs(at_output(truth[chain.outer]), truth[chain.inner]):
        yield Mistake(
            "derivative-at-output",
            {chain.inner: lambda g, gradients: at_output(gradients[chain.outer])},
            1.1 + 0.02 * len(chain.nodes),
            "the derivative that leads from {value} to {g} is taken at its output",
            ("derivative at output", chain.kind),
            chain.inner,
            chain.outer,
        )

    outer = replay.value(chain.outer)
    for other in _twins(replay, chain):
        at = replay.value(other)
        pull = _local(replay, chain, at)
        if pull is not None and _differs(pull(truth[chain.outer]), truth[chain.inner]):
            yield _at_another(chain, other, pull)
    known = _slope_from_output(replay.value(chain.inner), outer)
    if known is None:
        return
    slope, parts = known
    square = slope(outer[:1] * 0 + 2)[:1].ravel()[0] == -3  # that of the hyperbolic tangent, 1 - a²
    for part in parts:
        yield Mistake(
            "derivative-at-output" if square else "missing-derivative",
            {chain.inner: lambda g, gradients, part=part: gradients[chain.outer] * part(outer)},
            1.15,
            "the local derivative between {value} and {g} is another formula of the output"
            if square
            else "a part of the local derivative between {value} and {g} is left out",
            ("part of a derivative", parts.index(part)),
            chain.inner,
            chain.outer,
        )
    for node, value in _forward_values(replay).items():
        if value is outer or np.shape(value) != np.shape(outer) or not _near(replay, replay.uses[chain.inner][0], node):
            continue
        formula = truth[chain.outer] * slope(value)
        if _differs(formula, truth[chain.inner]):
            yield _formula_of(chain, node, slope(value))


def _twins(replay: Replay, chain: Chain) -> Iterator[Node]:
    """Other values of the shape of what goes into an activation."""
    shape = np.shape(chain.inner.value)
    for node in replay.nodes:
        if node in (chain.inner, chain.outer, *chain.nodes) or np.shape(node.value) != shape:
            continue
        if _near(replay, replay.uses[chain.inner][0], node):
            yield node


def _at_another(chain: Chain, other: Node, pull: Callable[[Array], Array]) -> Mistake:
    return Mistake(
        "wrong-operand",
        {chain.inner: lambda g, gradients: pull(gradients[chain.outer])},
        1.6 + 0.02 * len(chain.nodes),
        "the local derivative in {g} is taken at {value}, not at {right}",
        ("wrong place", len(chain.nodes), other.order - chain.inner.order),
        chain.inner,
        other,
        details={"right": chain.inner},
    )


def _formula_of(chain: Chain, node: Any, slope: Array) -> Mistake:
    """The derivative as a formula of the output, such as a (1 - a), with another value in it."""
    own = node is chain.inner
    return Mistake(
        "derivative-at-output" if own else "wrong-operand",
        {chain.inner: lambda g, gradients: gradients[chain.outer] * slope},
        1.1 if own else 1.6,
        "the derivative in {g}, a formula of {right}, has {value} in its place",
        ("formula", node.order - chain.inner.order if type(node) is Node else "constant"),
        chain.inner,
        node if type(node) is Node else None,
        details={"right": chain.outer},
    )


Formula = Callable[[Array], Array]


def _slope_from_output(inner: Array, outer: Array) -> tuple[Formula, list[Formula]] | None:
    """The derivative of a known activation as people write it, by its output, and what is left of it too often."""
    with np.errstate(all="ignore"):
        if np.allclose(outer, 1 / (1 + np.exp(-inner)), rtol=1e-6):
            return lambda a: a * (1 - a), [lambda a: a, lambda a: 1 - a]
        if np.allclose(outer, np.tanh(inner), rtol=1e-6):
            return lambda a: 1 - a * a, [lambda a: 1 - a, lambda a: a * a]
    return None


def _local(replay: Replay, chain: Chain, at: Array) -> Callable[[Array], Array] | None:
    """The reverse pass through a chain, with other values in it."""
    values: dict[Node, Any] = {chain.inner: at}
    with np.errstate(all="ignore"):
        try:
            for node in chain.nodes:
                args = [values.get(arg, replay.value(arg)) if type(arg) is Node else arg for arg in node.args or ()]
                values[node] = value_function(node.op)(*args, **node.kwargs)
        except (TypeError, ValueError, IndexError):
            return None

    def pull(g: Array) -> Array:
        gradients = {chain.outer: g}
        for node in reversed(chain.nodes):
            for link in (
                link for each in (chain.inner, *chain.nodes) for link in replay.uses[each] if link.node is node
            ):
                args = tuple(
                    values.get(arg, replay.value(arg)) if type(arg) is Node else arg for arg in node.args or ()
                )
                d = replay.pull(link, gradients[node], values[node], args)
                gradients[link.source] = gradients[link.source] + d if link.source in gradients else d
        return gradients[chain.inner]

    return pull


# Other tensors in their places


def _forward_values(replay: Replay) -> dict[Node | int, Any]:
    """All values and constant arrays of the program."""
    found: dict[Node | int, Any] = {}
    for node in replay.nodes:
        found[node] = replay.value(node)
        for arg in node.args or ():
            if type(arg) is Node:
                found[arg] = replay.value(arg)
            elif isinstance(arg, np.ndarray) and arg.dtype.kind == "f":
                found[id(arg)] = replay.value(arg)
    return found


def _operands(replay: Replay, link: Link) -> Iterator[Mistake]:
    node, truth = link.node, replay.contribution(link)
    args, y, g = replay.arguments(node), replay.value(node), replay.truth[node]
    values = _forward_values(replay)
    for j, arg in enumerate(node.args or ()):
        own = args[j]
        if not isinstance(own, np.ndarray) or own.ndim == 0 or own.dtype.kind != "f":
            continue
        for other, value in values.items():
            if value is own or np.shape(value) != own.shape or other is arg or not _near(replay, link, other):
                continue
            changed = (*args[:j], value, *args[j + 1 :])
            if _differs(_tried(replay, link, g, y, changed), truth):
                yield Mistake(
                    "wrong-operand",
                    {link: lambda g, _, changed=changed: replay.pull(link, g, y, changed)},
                    1.5 if type(other) is Node else 1.6,
                    "in {g}, {value} stands in the place of {right}",
                    ("wrong operand", node.op.name, link.operand, j, _role(replay, arg, other)),
                    link.source,
                    other if type(other) is Node else None,
                    details={
                        "right": arg if type(arg) is Node else None,
                        "constant": None if type(other) is Node else value,
                    },
                )
    if len(args) == 1 and _elementwise(link):
        for other, value in values.items():
            near = type(other) is Node and _near(replay, link, other)
            if near and other not in (node, link.source) and np.shape(value) == np.shape(y):
                if _differs(_tried(replay, link, g, value, (value,)), truth):
                    yield Mistake(
                        "wrong-operand",
                        {link: lambda g, _, value=value: replay.pull(link, g, value, (value,))},
                        1.7,
                        "the local derivative in {g} is taken at {value}, not at {right}",
                        ("wrong place", node.op.name, other.order - node.order),
                        link.source,
                        other,
                        details={"right": link.source},
                    )
    for other in replay.nodes:
        if other is node or other not in replay.truth or other.order < node.order or not _near(replay, link, other):
            continue
        same_shape = np.shape(other.value) == np.shape(node.value)
        if same_shape and _differs(replay.truth[other], g) and _multiple(g, replay.truth[other]) is None:
            yield _other_gradient(replay, link, other)


def _near(replay: Replay, link: Link, other: Any) -> bool:
    """Whether another value is one that somebody may take by mistake: in a large graph, one from around there."""
    if len(replay.nodes) <= _NEAR or type(other) is not Node:
        return True
    place = replay.position(link.node)
    return other.op is None or abs(replay.position(other) - place) <= _NEAR // 4


def _role(replay: Replay, right: Any, other: Any) -> Any:
    """How a wrong operand relates to the right one, so that the same slip in another layer is known as such."""
    if type(right) is not Node or type(other) is not Node:
        return "constant"
    if any(arg is other for arg in right.args or ()):
        return "its input"
    return "its output" if any(arg is right for arg in other.args or ()) else (right.order, other.order)


def _other_gradient(replay: Replay, link: Link, other: Node) -> Mistake:
    """The gradient of another value in the place of the one that should be propagated."""
    behind = [use.node for use in replay.uses[link.node]]
    skipped = other in behind
    return Mistake(
        "missing-derivative" if skipped else "wrong-operand",
        {link: lambda g, gradients: replay.pull(link, gradients[other])},
        1.3 if skipped else 1.6,
        "{g} is computed from the gradient of {value}, without the local derivative behind it"
        if skipped
        else "{g} is computed from the gradient of {value}, not from that of {right}",
        ("other gradient", link.node.op.name, link.operand, "skipped" if skipped else other.order),
        link.source,
        other,
        details={"right": link.node},
    )


# Matrix algebra


def _transposes(replay: Replay, link: Link) -> Iterator[Mistake]:
    truth = replay.contribution(link)
    if np.ndim(truth) == 2 and _differs(np.transpose(truth), truth):
        yield Mistake(
            "transposed",
            {link: lambda g, gradients: np.transpose(replay.pull(link, g))},
            1.1,
            "{g} is transposed",
            ("transposed", "result"),
            link.source,
            link.node,
        )
    if link.node.op.name not in PRODUCTS:
        return
    written = replay.written(link)
    g = replay.truth[link.node]
    for position, line in enumerate(written.lines):
        if line.fn not in (np.dot, np.matmul, np.tensordot, np.multiply, np.outer):
            continue
        for words, kind, change in _product_variants(line):
            result = written.run(g, position, change)
            if result is None or not _differs(result, truth):
                continue
            cause = "transposed" if kind == "transposed" else "unsummed-axis"
            yield Mistake(
                cause,
                {link: lambda g, _, position=position, change=change: written.run(g, position, change)},
                1.0 if kind == "transposed" else 1.2,
                words,
                (cause, link.node.op.name, link.operand, words),
                link.source,
                link.node,
            )


def _unsummed(replay: Replay, link: Link) -> Iterator[Mistake]:
    """For one sample: a sum over a layer that is left out until it is taken for the axis of the input.

    With dL/dh_i = sum_k d_k W_ki and dL/dW1_ij = dL/dh_i s_i x_j, somebody writes d_k W_ki s_i x_k: that broadcasts
    where the layer is as long as the input.
    """
    leaf, node = link.source, link.node
    if leaf.op is not None or node.op.name not in PRODUCTS or np.ndim(leaf.value) != 2 or np.ndim(node.value) != 1:
        return
    args = replay.arguments(node)
    x = next((arg for k, arg in enumerate(args) if k != link.operand and np.ndim(arg) == 1), None)
    if x is None:
        return
    rows_first = np.shape(leaf.value) == (np.size(node.value), np.size(x))
    for summed in (use for each in replay.nodes if each.order > node.order for use in replay.uses[each]):
        outer = replay.truth[summed.node]
        if summed.node.op.name not in PRODUCTS or np.shape(outer) != np.shape(x) or np.ndim(summed.source.value) != 1:
            continue

        def spread(gradients: Gradients, summed: Link = summed) -> Array:
            columns = []
            for k, unit in enumerate(np.eye(np.size(x))):
                part = replay.pull(summed, gradients[summed.node] * unit)
                columns.append(replay.run({summed.source: lambda g, _, part=part: part})[node] * x[k])
            stacked = np.stack(columns, axis=1)
            return stacked if rows_first else stacked.T

        if _differs(spread(replay.truth), replay.contribution(link)):
            yield Mistake(
                "unsummed-axis",
                {link: lambda g, gradients, spread=spread: spread(gradients)},
                1.2,
                "in {g}, the sum over the units of {value} is left out, and broadcasting takes their axis for that of the input",
                ("unsummed", "input"),
                leaf,
                summed.node,
            )


def _product_variants(line: Line) -> Iterator[tuple[str, str, Any]]:
    def computed(make: Callable[[Any, Any], Any]) -> Any:
        return lambda line, values: make(*substituted(line.args, values)[:2])

    if line.fn in (np.dot, np.matmul):
        yield "a factor of {g} is transposed: the first", "transposed", computed(lambda a, b: np.dot(a.T, b))
        yield "a factor of {g} is transposed: the second", "transposed", computed(lambda a, b: np.dot(a, b.T))
        yield "both factors of {g} are transposed", "transposed", computed(lambda a, b: np.dot(a.T, b.T))
        yield "the factors of {g} are in the other order", "transposed", computed(lambda a, b: np.dot(b, a))
        yield (
            "the factors of {g} are in the other order, transposed",
            "transposed",
            computed(lambda a, b: np.dot(b.T, a)),
        )
        yield (
            "the factors of {g} are in the other order, transposed",
            "transposed",
            computed(lambda a, b: np.dot(b, a.T)),
        )
    if line.fn is np.tensordot:
        for k, words in enumerate(
            ("a factor of {g} is transposed: the first", "a factor of {g} is transposed: the second")
        ):
            yield (
                words,
                "transposed",
                lambda line, values, k=k: np.tensordot(
                    *(np.transpose(f) if j == k else f for j, f in enumerate(substituted(line.args[:2], values))),
                    *substituted(line.args[2:], values),
                    **line.kwargs,
                ),
            )
    if line.fn is np.outer:
        yield "the factors of {g} are in the other order", "transposed", computed(lambda a, b: np.outer(b, a))
    yield "in {g}, a matrix product became an element-by-element one", "unsummed", computed(np.multiply)
    yield (
        "in {g}, a matrix product became an element-by-element one",
        "unsummed",
        computed(lambda a, b: np.multiply(np.transpose(a), b)),
    )
    yield (
        "in {g}, a matrix product became an element-by-element one",
        "unsummed",
        computed(lambda a, b: np.multiply(a, np.transpose(b))),
    )


def _axes(replay: Replay, link: Link) -> Iterator[Mistake]:
    written = replay.written(link)
    g, truth = replay.truth[link.node], replay.contribution(link)
    for position, line in enumerate(written.lines):
        if line.fn not in (np.add.reduce, np.sum, np.mean):
            continue
        for words, cost, change in _reductions(line):
            result = written.run(g, position, change)
            if result is not None and _differs(result, truth):
                yield Mistake(
                    "wrong-axis",
                    {link: lambda g, _, position=position, change=change: written.run(g, position, change)},
                    cost,
                    words,
                    ("wrong axis", words),
                    link.source,
                    link.node,
                )


def _reductions(line: Line) -> Iterator[tuple[str, float, Any]]:
    x = line.args[0].value
    options = {**dict(zip(("axis",), line.args[1:], strict=False)), **line.kwargs}
    axis = options.get("axis")
    keepdims = bool(options.get("keepdims", False))

    def reduced(fn: Any, along: Any) -> Any:
        return lambda line, values: fn(substituted(line.args[0], values), axis=along, keepdims=keepdims)

    yield "the mean is taken for the sum in {g}", 1.0, reduced(np.mean, axis)
    yield (
        "one row stands for the sum in {g}",
        1.4,
        lambda line, values: np.take(
            values[line.args[0]], [0] if keepdims else 0, axis=axis if isinstance(axis, int) else (axis or (0,))[0]
        ),
    )
    yield (
        "the last row stands for the sum in {g}",
        1.4,
        lambda line, values: np.take(
            values[line.args[0]], [-1] if keepdims else -1, axis=axis if isinstance(axis, int) else (axis or (0,))[0]
        ),
    )
    yield (
        "{g} is summed over all axes",
        1.1,
        lambda line, values: np.full_like(line.target.value, np.sum(values[line.args[0]])),
    )
    for other in range(x.ndim):
        if other != axis and axis != (other,):
            yield f"{{g}} is summed over axis {other}", 1.0, _summed_along(other)


def _summed_along(axis: int) -> Any:
    return lambda line, values: np.reshape(np.sum(values[line.args[0]], axis=axis), np.shape(line.target.value))


# Kinks


def _kinks(replay: Replay, link: Link) -> Iterator[Mistake]:
    """Another subgradient where the derivative jumps: what the rule gives a little to the left or right."""
    node, x = link.node, link.source
    if not node.op.ties or np.shape(x.value) != np.shape(node.value):
        return
    args = replay.arguments(node)
    at = args[link.operand]
    step = 1e-7 * (1 + np.abs(at))
    g = replay.truth[node]
    with np.errstate(all="ignore"):
        sides = []
        for moved in (at - step, at + step):
            changed = (*args[: link.operand], moved, *args[link.operand + 1 :])
            sides.append((value_function(node.op)(*changed, **node.kwargs), changed))
        ones = np.ones_like(g)
        slopes = [_tried(replay, link, ones, y, changed) for y, changed in sides]
        here = _tried(replay, link, ones, None, args)
    if any(slope is None for slope in (*slopes, here)):
        return
    jumps = np.abs(slopes[1] - slopes[0]) > 1e-3
    if not np.any(jumps):
        return
    middle = (slopes[0] + slopes[1]) / 2
    for words, slope in (("left", slopes[0]), ("right", slopes[1]), ("middle", middle), ("sum", slopes[0] + slopes[1])):
        other = np.where(jumps, slope, here)
        if words != "sum" and _differs(other, here):
            yield Mistake(
                "kink",
                {link: lambda g, _, other=other: g * other},
                0.5,
                "another subgradient is taken in {g} where {value} has a kink, which is as right",
                ("kink", words),
                x,
                node,
            )


# Targets


def _targets(replay: Replay, node: Node) -> Iterator[Mistake]:
    """Slips in `prediction - target`, where the gradient of `node` is a multiple of such a difference."""
    g, z = replay.truth[node], replay.value(node)
    if np.ndim(z) == 0 or np.size(z) < 2 or not np.any(g):
        return
    for target, axis in _known_targets(replay, np.shape(z)):
        for name, activation in _predictions(np.ndim(z)):
            p = activation(z)
            scale = _multiple(g, p - target)
            if scale is None:
                continue
            slips: list[tuple[str, float, Any]] = [
                ("the target is not subtracted in {g}", 0.9, scale * p),
                ("only the target stands in {g}, without the prediction", 1.2, -scale * target),
            ]
            if np.all((target == 0) | (target == 1)):
                slips.append(("the answers 0 and 1 are swapped in {g}", 1.0, scale * (p - (1 - target))))
                slips.append(("1 is subtracted everywhere in {g}, not only at the label", 1.0, scale * (p - 1)))
            for shift in (1, -1) if axis is not None else ():
                moved = np.roll(target, shift, axis)
                slips.append(("the labels in {g} are off by one", 1.0, scale * (p - moved)))
            if name != "linear":
                slips.append(("the logits stand for the probabilities in {g}", 1.0, scale * (z - target)))
                slips.append(
                    ("the probabilities go through the activation twice in {g}", 1.0, scale * (activation(p) - target))
                )
            for words, cost, value in slips:
                if _differs(value, g):
                    yield _put_in_place("target", node, value, cost, words)
            if name == "softmax" and np.ndim(z) == 2:
                for other in (0, 1):
                    value = scale * (_softmax(z, other) - target)
                    if _differs(value, g):
                        yield _put_in_place("wrong-axis", node, value, 1.0, "the softmax in {g} is over the wrong axis")
            return


def _put_in_place(cause: str, node: Node, value: Array, cost: float, words: str) -> Mistake:
    return Mistake(cause, {node: lambda g, _: value}, cost, words, (cause, words), node, node)


def _predictions(rank: int) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    yield "linear", lambda z: z
    yield "sigmoid", lambda z: 1 / (1 + np.exp(-z))
    for axis in (-1, 0) if rank > 1 else (-1,):
        yield "softmax", lambda z, axis=axis: _softmax(z, axis)


def _softmax(z: Array, axis: int) -> Array:
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    found: Array = e / np.sum(e, axis=axis, keepdims=True)
    return found


def _known_targets(replay: Replay, shape: tuple[int, ...]) -> Iterator[tuple[Array, int | None]]:
    """The constant arrays that fit a prediction, and labels as one-hot arrays, with the axis of the classes."""
    for value in _constants(replay):
        if value.shape == shape and value.dtype.kind in "fiub":
            kind = value.astype(np.float64)
            classes = None
            for axis in range(len(shape)):
                if shape[axis] > 1 and np.all(kind.sum(axis=axis) == 1) and np.all((kind == 0) | (kind == 1)):
                    classes = axis
            yield kind, classes
        elif value.dtype.kind in "iu" and value.ndim == 1 and len(shape) == 2:
            for axis in (1, 0):
                count = shape[axis]
                if value.size == shape[1 - axis] and value.size and 0 <= value.min() and value.max() < count:
                    hot = np.eye(count)[value]
                    yield (hot if axis == 1 else hot.T), axis


def _constants(replay: Replay) -> Iterator[Array]:
    seen: set[int] = set()
    for node in replay.nodes:
        pending = [*(node.args or ()), *node.kwargs.values()]
        while pending:
            value = pending.pop()
            if isinstance(value, tuple):
                pending += value
            elif isinstance(value, list) and value and all(isinstance(part, int) for part in value):
                yield np.array(value)
            elif type(value) is Node and not value.requires_grad:
                pending.append(np.asarray(value.value))
            elif isinstance(value, np.ndarray) and id(value) not in seen and value.ndim:
                seen.add(id(value))
                yield value


def _multiple(g: Array, difference: Array) -> float | None:
    """The number that `difference` was multiplied by to give `g`."""
    norm = float(np.sum(difference * difference))
    if not np.isfinite(norm) or norm == 0:
        return None
    scale = float(np.sum(g * difference)) / norm
    if scale == 0 or np.linalg.norm(g - scale * difference) > 1e-5 * np.linalg.norm(g):
        return None
    return scale
