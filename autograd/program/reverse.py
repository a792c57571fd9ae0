"""The reverse pass of a loss as data: which rule sends which gradient where.

`derive` runs it on traced arrays, so that it becomes lines of a program. The judge of hand derivations runs it on
numbers, again and again, with a mistake put into it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd.basis.arrays import is_lazy
from autograd.basis.broadcasting import unbroadcast
from autograd.core.errors import describe
from autograd.core.node import Node, topological
from autograd.program.program import Line, Origin, Var
from autograd.program.trace import Trace, Traced

Array = Any
Gradients = dict[Node, Array]


class Link(NamedTuple):
    """The rule of one operand of one operation: it turns the gradient of the result into a contribution to that of
    the operand."""

    node: Node
    operand: int

    @property
    def source(self) -> Node:
        """The operand's node, which gets the contribution."""
        source: Node = (self.node.args or ())[self.operand]
        return source

    @property
    def rule(self) -> Any:
        """The function that computes the contribution: the operation's vjp for this operand."""
        return self.node.op.vjp[self.operand]


# What is put into the pass: at a link another contribution, at a node another gradient. A change gets what arrives
# there and the gradients so far.
Change = Callable[..., Array]
Changes = Mapping[Link | Node, Change]


class ReversePass:
    """The links behind a loss.

    Attributes:
        loss: the node that the pass starts from.
        nodes: what requires grad, in the order of the program.
        uses: for each node the links that contribute to its gradient.
    """

    def __init__(self, loss: Node) -> None:
        self.loss, self.nodes = loss, topological([loss])
        self.uses: dict[Node, list[Link]] = {node: [] for node in self.nodes}
        self._links: dict[Node, list[Link]] = {}
        self._arriving: dict[Node, list[Link]] = {node: [] for node in self.nodes}  # the uses, as the pass meets them
        self._behind: dict[Node, dict[Node, None]] = {}
        for node in self.nodes:
            if node.args is None:
                raise RuntimeError(
                    f"the graph of {describe(node)} was freed by backward(retain_graph=False); ask before that, or "
                    "compute the loss again"
                )
            rules = enumerate(zip(node.args, node.op.vjp if node.op else (), strict=False))
            self._links[node] = [
                Link(node, k)
                for k, (arg, rule) in rules
                if type(arg) is Node and arg.requires_grad and rule is not None
            ]
            for link in self._links[node]:
                self.uses[link.source].append(link)
        for node in reversed(self.nodes):
            for link in self._links[node]:
                self._arriving[link.source].append(link)

    def links(self, node: Node) -> list[Link]:
        """The links from an operation to its operands."""
        return self._links[node]

    def behind(self, node: Node) -> Mapping[Node, None]:
        """The nodes whose gradients that of a node is computed from, the loss first; the node itself is the last."""
        if node not in self._behind:
            reached = [node]
            seen = {node}
            for each in reached:
                for link in self.uses.get(each, ()):
                    if link.node not in seen:
                        seen.add(link.node)
                        reached.append(link.node)
            self._behind[node] = dict.fromkeys(sorted(reached, key=lambda each: -each.order))
        return self._behind[node]

    def accumulate(
        self, gradients: Gradients, pull: Callable[[Link, Array], Array], nodes: Iterable[Node] | None = None
    ) -> Gradients:
        """Reverse accumulation: from the gradients of some nodes to those of what they were computed from.

        Args:
            gradients: what to start from; the others are put in.
            pull: what a link contributes, given the gradient of its node.
            nodes: the operations to go back through, in the order of the program; all of them by default.
        """
        for node in reversed(list(self.nodes if nodes is None else nodes)):
            for link in self._links.get(node, ()) if node in gradients else ():
                d = pull(link, gradients[node])
                source = link.source
                gradients[source] = gradients[source] + d if source in gradients else d
        return gradients

    def rerun(
        self,
        before: Gradients,
        contributions: Mapping[Link, Array],
        pull: Callable[[Link, Array], Array],
        changes: Changes,
        given: Mapping[Node, Array],
        frozen: Container[Link] = (),
        only: Node | None = None,
    ) -> Gradients:
        """A pass once more, with changes. Only what they reach is computed again.

        Args:
            before: the gradients of the pass as it was.
            contributions: and what each link contributed.
            pull: what a link contributes now.
            changes: other contributions and other gradients.
            given: gradients that are taken as they are.
            frozen: links that contribute what they did, unless they are changed themselves.
            only: compute no more than this gradient asks for.
        """
        gradients, fresh = dict(before), dict[Link, Array]()
        reached = {place.node if isinstance(place, Link) else place for place in (*changes, *given)}
        wanted = None if only is None else self.behind(only)
        for node in reversed(self.nodes) if wanted is None else wanted:
            if node not in reached or node not in before:
                continue
            g = before[node]
            if any(link in fresh for link in self._arriving[node]):
                uses = [link for link in self._arriving[node] if link in contributions]
                g = total(fresh.get(link, contributions[link]) for link in uses)
            if node in changes:
                g = changes[node](g, gradients)
            gradients[node] = g = given.get(node, g)
            for link in self._links[node]:
                if wanted is not None and link.source not in wanted:
                    continue
                if link in changes:
                    fresh[link] = changes[link](g, gradients)
                elif g is not before[node] and link not in frozen:
                    fresh[link] = pull(link, g)
                else:
                    continue
                reached.add(link.source)
        return gradients


def contribution(link: Link, g: Array, y: Any, args: Iterable[Any], kwargs: Mapping[str, Any], shape: Any) -> Array:
    """What a rule gives, summed to the shape of an operand that was broadcast."""
    d = link.rule(g, y, *args, **kwargs)
    return d if np.shape(d) == shape else unbroadcast(d, shape)


def total(parts: Iterable[Array]) -> Array:
    """The sum of contributions, in their order."""
    first, *others = parts
    for part in others:
        first = first + part
    return first


class RuleLines:
    """The rule of one link as the lines that NumPy was asked for, from the gradient to the contribution.

    Attributes:
        lines: of the program; none where the rule leaves NumPy's protocols.
    """

    def __init__(self, link: Link, g: Array, y: Any, args: Iterable[Any]) -> None:
        trace = Trace()
        traced = [trace.input(arg) if _is_float_array(arg) else arg for arg in args]
        arrives, result = trace.input(g, "g"), trace.input(y, "y")
        try:
            d = contribution(link, arrives, result, traced, link.node.kwargs, link.source.shape)
        except (TypeError, ValueError):
            d = None
        self._inputs = {var: var.value for var in trace.inputs}
        self._arrives, self._d = arrives.symbol, getattr(d, "symbol", None)
        self.lines: list[Line] = trace.lines if self._d is not None else []

    def changed(self, position: int, compute: Callable[[Line, Mapping[Var, Any]], Any]) -> Change:
        """The change of the pass that computes the line at `position` otherwise, from the values before it."""

        def change(g: Array, _: Gradients) -> Array:
            values: dict[Any, Any] = {**self._inputs, self._arrives: g}
            for k, line in enumerate(self.lines):
                values[line.target] = compute(line, values) if k == position else line.compute(values)
            return values[self._d]

        return change


class Backprop:
    """The program of a loss and its gradients.

    Attributes:
        trace: the lines and inputs.
        values: each node's value in the program; a constant array in the arguments is a node of its own.
        gradients: each node's gradient, where the loss depends on it; a constant where that is one.
        nodes: the nodes in the order of the program, those without gradients too.
        links: the rules in the order in which they are applied.
        seed: the gradient of the loss itself, which is 1.
        constants: by identity, the arrays among the arguments, as nodes.

    With a `scale`, gradients on the way are so many times those of the loss, and those of leaves are divided by it: the
    convention of many authors, who write the gradient of each sample's own loss.
    """

    def __init__(self, loss: Node, scale: float = 1.0) -> None:
        self.trace, self._scale = Trace(), scale
        reverse = ReversePass(loss)
        self.nodes = topological([loss], constants=True)
        self.values: dict[Node, Traced] = {}
        self.constants: dict[int, Node] = {}
        self.links: list[Link] = []
        self._arguments: dict[Node, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        for node in self.nodes:
            self._forward(node)
        value = loss.value
        seed = self.trace.input(value.dtype.type(scale) if not value.ndim else np.full_like(value, scale), "seed")
        self.seed = seed.symbol
        self.gradients = reverse.accumulate({loss: seed}, self._pull)

    def _forward(self, node: Node) -> None:
        if node.op is None:
            self.values[node] = self.trace.input(node.value)
            return
        self.trace.origin = Origin("forward", node)
        args = tuple(self._argument(arg) for arg in node.args or ())
        kwargs = {key: self._argument(value) for key, value in node.kwargs.items()}
        self._arguments[node] = args, kwargs
        result = node.op.on_any_array(*args, **kwargs)
        # A value that depends on shapes only is none of the program's.
        self.values[node] = result if type(result) is Traced else self.trace.input(result)

    def _argument(self, arg: Any, inside: bool = False) -> Any:
        """The traced value of a node, or of an array, also inside an index."""
        if type(arg) is Node:
            return self.values[arg]
        if type(arg) in (tuple, list):
            return type(arg)(self._argument(part, inside=True) for part in arg)
        if not (isinstance(arg, np.ndarray) or is_lazy(arg)) or not arg.ndim or (inside and _counts(arg)):
            return arg
        node = self.constants.get(id(arg))
        if node is None:
            node = self.constants[id(arg)] = Node.leaf(arg)
            self.values[node] = self.trace.input(arg)
        return self.values[node]

    def _pull(self, link: Link, g: Any) -> Any:
        """What a link contributes; the line after it, if any, adds that to the other contributions."""
        self.links.append(link)
        self.trace.origin = Origin("rule", *link)
        args, kwargs = self._arguments[link.node]
        value = link.source.value
        d = contribution(link, g, self.values[link.node], args, kwargs, value.shape)
        if d.dtype != value.dtype:
            d = d.astype(value.dtype)
        if self._scale != 1 and link.source.op is None:
            d = d / self._scale
        self.trace.origin = Origin("add", link.source)
        return d


def _is_float_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _counts(array: Any) -> bool:
    """Whether it is 0, 1, 2 ..., which source says shortly."""
    return array.dtype.kind == "i" and array.ndim == 1 and np.array_equal(array, np.arange(array.size))
