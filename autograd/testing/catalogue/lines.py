"""The line that gives a gradient, as a person would write it, for the grammar of slips.

The line of a value goes back to the gradients that are known by name: `dn1 @ v1.T * (1 - v2**2)`, where `dn1` stands
for the gradient of a value and `v1`, `v2` for values. What has no form that people write is one name by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Gradients, Link
from autograd.testing.catalogue.chains import Chain, grown, norm_along
from autograd.testing.catalogue.mistake import is_product, softmax
from autograd.testing.replay import Replay

_DEEPEST = 6  # gradients that are written in full inside of each other
_ACTIVATIONS: tuple[tuple[str, Callable[[Array], Array], str], ...] = (
    ("sigmoid", lambda z: 1 / (1 + np.exp(-z)), "{g} * {a} * (1 - {a})"),
    ("sigmoid", lambda z: 1 / (1 + np.exp(-z)), "{g} * np.exp(-{z}) / (1 + np.exp(-{z}))**2"),
    ("np.tanh", np.tanh, "{g} * (1 - {a}**2)"),
    ("np.tanh", np.tanh, "{g} / np.cosh({z})**2"),
    ("np.maximum", lambda z: np.maximum(z, 0), "{g} * ({z} > 0)"),
    ("np.exp", np.exp, "{g} * {a}"),
    ("np.log", np.log, "{g} / {z}"),
    ("", np.square, "2 * {z} * {g}"),
    ("np.sqrt", np.sqrt, "{g} / (2 * {a})"),
    ("np.abs", np.abs, "{g} * np.sign({z})"),
    ("", lambda z: np.log(1 + np.exp(z)), "{g} * sigmoid({z})"),
    ("", lambda z: z / (1 + np.exp(-z)), "{g} * (sigmoid({z}) + {a} * (1 - sigmoid({z})))"),
)


@dataclass
class Line:
    """One line, and what the names in it stand for.

    Attributes:
        where: the node whose gradient it gives.
        text: the expression.
        values: by name, nodes and constant arrays whose values they are.
        gradients: by name, nodes whose gradients they are.
        contributions: by name, links whose contributions they are.
        functions: by name of a value, the function that gave it, as source calls it, and the name of what went in.
        depth: how many gradients are written in full at the moment, inside of each other.
    """

    where: Node
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    gradients: dict[str, Node] = field(default_factory=dict)
    contributions: dict[str, Link] = field(default_factory=dict)
    functions: dict[str, tuple[str, str]] = field(default_factory=dict)
    depth: int = 0

    def names(self, replay: Replay, gradients: Gradients, values: Mapping[str, Any], scale: float) -> dict[str, Any]:
        """What the names are in a run of the reverse pass, given those of `values`; gradients times `scale`."""
        known = {**values, **{name: scale * gradients[node] for name, node in self.gradients.items()}}
        for name, link in self.contributions.items():
            known[name] = scale * replay.pull(link, gradients[link.node])
        return known


class Lines:
    """The lines of a graph.

    Args:
        replay: its reverse pass.
        stops: nodes whose gradients have a line of their own.
        form: which one of the ways to write a derivative, where there are several.
    """

    def __init__(self, replay: Replay, stops: Collection[Node], form: int = 0) -> None:
        self._replay, self._stops, self._form = replay, stops, form
        self._chains: dict[Any, _Known | None] = {}

    def of(self, where: Node) -> Line | None:
        """The line of a node, where it has one that people write; None also for the loss itself."""
        line = Line(where)
        line.text = self._gradient(line, where)
        return line if (line.gradients or line.contributions) and not line.text.isidentifier() else None

    def _gradient(self, line: Line, node: Node) -> str:
        """All contributions to the gradient of a node."""
        left, terms = [], []
        for link in self._replay.uses[node]:
            if link.node in self._replay.penalties:  # which have mistakes of their own
                terms.append(_named(line.contributions, "c", link))
            else:
                left.append(link)
        while left:
            known = self._activation(node, left)
            if known is None:
                terms.append(self._contribution(line, left.pop(0)))
                continue
            terms.append(self._derived(line, known))
            left = [link for link in left if link.node not in known.chain.nodes]
        return " + ".join(terms).replace("+ -", "- ")

    def _derived(self, line: Line, known: _Known) -> str:
        """The gradient before an activation from that after it."""
        chain = known.chain
        names = {"g": self._arriving(line, chain.outer), "a": _named(line.values, "v", chain.outer)}
        if known.inverse is not None:
            names["i"] = _named(line.values, "v", known.inverse)
        if "{z}" in known.text or known.function:
            names["z"] = self._value(line, chain.inner)
        line.functions[names["a"]] = known.function, names.get("z", "")
        return known.text.format(**names)

    def _arriving(self, line: Line, node: Node) -> str:
        """The gradient of a node by its name, or what computes it."""
        known = node in self._stops or node is self._replay.loss or np.ndim(node.value) == 0
        if known or line.depth == _DEEPEST or len(self._replay.uses[node]) != 1:
            return _named(line.gradients, "dn", node)
        line.depth += 1
        text = self._gradient(line, node)
        line.depth -= 1
        return text if text.isidentifier() else f"({text})"

    def _contribution(self, line: Line, link: Link) -> str:
        """What one use contributes."""
        node, k = link.node, link.operand
        args, fn = node.args or (), node.op.fn
        if len(args) == 2 and fn in (np.matmul, np.dot) and all(np.ndim(_plain(arg)) == 2 for arg in args):
            g, other = self._arriving(line, node), self._value(line, args[1 - k])
            return f"{g} @ {other}.T" if k == 0 else f"{other}.T @ {g}"
        summed = _summed(np.shape(node.value), np.shape(link.source.value))
        if len(args) != 2 or summed is None or fn not in (np.add, np.subtract, np.multiply, np.divide):
            return _named(line.contributions, "c", link)
        text, other = self._arriving(line, node), args[1 - k]
        if fn is np.subtract and k == 1:
            text = f"-{text}"
        elif fn in (np.multiply, np.divide):
            if not _is_array(other):
                return _named(line.contributions, "c", link)
            text = f"{text} {'*' if fn is np.multiply else '/'} {self._value(line, other)}"
            if fn is np.divide and k == 1:
                total = f"{self._arriving(line, node)} * {self._value(line, other)}"
                total = f"np.sum({total}, {summed})" if summed else total
                return f"-{total} / {self._value(line, link.source)}**2"
        return f"np.sum({text}, {summed})" if summed else text

    def _value(self, line: Line, of: Any) -> str:
        """A value by its name; a difference as such, which people seldom name."""
        args = of.args or () if type(of) is Node and of not in self._stops else ()
        if len(args) == 2 and of.op.fn is np.subtract and all(np.shape(_plain(a)) == np.shape(of.value) for a in args):
            return "(" + " - ".join(_named(line.values, "v", arg) for arg in args) + ")"
        return _named(line.values, "v", of)

    def _activation(self, inner: Node, uses: list[Link]) -> _Known | None:
        """The longest activation, or normalisation, that some of the uses of a node belong to."""
        users = list(dict.fromkeys(link.node for link in uses))
        longest: _Known | None = None
        for first in users if np.ndim(inner.value) and len(users) <= 4 else ():
            for chain in grown(self._replay, inner, [first]):
                known = self._known(chain) if chain.outer in self._replay.truth else None
                if known is not None and (longest is None or len(chain.nodes) > len(longest.chain.nodes)):
                    longest = known
        return longest

    def _known(self, chain: Chain) -> _Known | None:
        """The derivative, by the numbers that go in and come out."""
        key = chain.inner, chain.outer
        if key not in self._chains:
            self._chains[key] = _recognised(self._replay, chain, self._form)
        return self._chains[key]


@dataclass(frozen=True)
class _Known:
    """An activation, and its derivative with gaps for the gradient, the output, the input, and one over a deviation."""

    chain: Chain
    text: str
    function: str
    inverse: Array | None = None


def _recognised(replay: Replay, chain: Chain, form: int) -> _Known | None:
    z, a = replay.value(chain.inner), replay.value(chain.outer)
    with np.errstate(all="ignore"):
        forms = [(text, name) for name, f, text in _ACTIVATIONS if np.allclose(a, f(z), rtol=1e-6, atol=1e-12)]
    if forms:
        return _Known(chain, *forms[min(form, len(forms) - 1)])
    if not any(np.size(node.value) < np.size(z) for node in chain.nodes):
        return None
    for axis in range(np.ndim(a)):
        if np.shape(a)[axis] > 1 and np.allclose(a, softmax(z, axis), rtol=1e-6):
            return _Known(chain, f"{{a}} * ({{g}} - np.sum({{g}} * {{a}}, axis={axis}, keepdims=True))", "softmax")
        for centred in (True, False):
            inverse = norm_along(z, a, axis, centred)
            if inverse is not None:
                mean = f"np.mean({{g}}, axis={axis}, keepdims=True) - " if centred else ""
                text = f"{{i}} * ({{g}} - {mean}{{a}} * np.mean({{g}} * {{a}}, axis={axis}, keepdims=True))"
                return _Known(chain, text, "", inverse)
    return None


def _summed(shape: tuple[int, ...], own: tuple[int, ...]) -> str | None:
    """The options of the sum to the shape of an operand that was broadcast; none where it was not, None if unusual."""
    if shape == own:
        return ""
    if len(own) == len(shape):
        axes = [k for k, n in enumerate(own) if n != shape[k]]
        return f"axis={axes[0]}, keepdims=True" if len(axes) == 1 and own[axes[0]] == 1 else None
    return "axis=0" if own == shape[1:] else None


def _named(known: dict[str, Any], letter: str, of: Any) -> str:
    for name, other in known.items():
        if other is of or (isinstance(of, Link) and other == of):
            return name
    name = f"{letter}{len(known)}"
    known[name] = of
    return name


def _plain(arg: Any) -> Any:
    return arg.value if type(arg) is Node else arg


def _is_array(arg: Any) -> bool:
    value = _plain(arg)
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0


def landmarks(replay: Replay) -> Iterator[Node]:
    """Where people name values: products, with a bias or without, and what goes into one."""
    for node in replay.nodes:
        biased = node.op is not None and node.op.fn is np.add
        made = is_product(node) or any(type(arg) is Node and is_product(arg) for arg in node.args or () if biased)
        if made or (node.op is not None and any(is_product(use.node) for use in replay.uses[node])):
            yield node
