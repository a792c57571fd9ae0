"""Slips in the line of a gradient, one or two at once, by the grammar of `slips`."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.program.reverse import Array, Gradients
from autograd.testing.catalogue.lines import Line, Lines, landmarks
from autograd.testing.catalogue.mistake import Mistake, differs, is_product, multiple, near, short
from autograd.testing.catalogue.parameters import FASTEST, is_round
from autograd.testing.catalogue.slips import Slip, Swap, parsed, slips, swapped, value_of, written
from autograd.testing.replay import Replay

_BESIDE = 0.4  # what it adds to a cost: what the other files know has better words
_SECOND = 0.9  # of its cost, what a second slip in the same line adds
_NAMES = 6  # in a line that goes back further than people write it
_PAIRS = 20_000  # lines with two slips that are tried
_FEWEST = 2  # numbers that a learning rate is not fitted to
_LONGEST = 90  # characters of a wrong line that is shown
_TAKEN_FOR = {  # what people take for a function, or for its derivative, by its name
    "np.exp": ("{z} * np.exp({z} - 1)",),
    "softmax": ("softmax({z}, axis=0)", "softmax({z}, axis=1)"),
}
_SLOPES: tuple[tuple[Callable[[Array], Array], str], ...] = (
    (lambda z: np.maximum(z, 0), "({a} > 0)"),
    (np.tanh, "(1 - {a}**2)"),
    (lambda z: np.where(z > 1, 1 / z, np.nan), "({a} * (1 - {a}))"),  # of 1 + exp(-z)
)

_ALL_SUMS = (  # what is written in all sums of a line alike, and wrongly
    ("axis=0", "axis=1", "the sums are over axis 1, not over axis 0,"),
    ("axis=1", "axis=0", "the sums are over axis 0, not over axis 1,"),
    ("axis=0", "axis=None", "the sums are over all axes, not over axis 0,"),
    ("axis=1", "axis=None", "the sums are over all axes, not over axis 1,"),
    ("np.mean", "np.sum", "a sum stands where a mean belongs"),
    ("np.sum", "np.mean", "a mean stands where a sum belongs"),
)

Matches = Callable[[Array], bool]


class LineSlips:
    """The slips that can be made in the lines of a graph.

    Args:
        replay: its reverse pass.
        hand: the gradients that are given.
        scale: how many times the gradients in the author's lines are those.
        in_time: raises TimeoutError where the time is spent.
    """

    def __init__(self, replay: Replay, hand: Mapping[Node, Array], scale: float, in_time: Callable[[], None]) -> None:
        self._replay, self._hand, self._scale, self._in_time = replay, hand, scale, in_time
        self._near = Lines(replay, {*hand, *landmarks(replay)})
        self._far = Lines(replay, set(hand))
        self._other = Lines(replay, {*hand, *landmarks(replay)}, form=1)

    def of_line(self, node: Node, gradients: Gradients, matches: Matches, double: bool) -> Iterator[Mistake]:
        """Slips in the line of one node: those with which its gradient, as `matches` gets it, is as it should be."""
        if not double:
            yield from self._copied(node, matches)
            yield from self._turned(node, gradients[node], matches)
        for reading in self._readings(
            node, (self._near, self._far) if double else (self._near, self._far, self._other)
        ):
            yield from reading.matching(gradients, matches, double)

    def after_a_step(
        self, node: Node, gradients: Gradients, hand: Array, reached: Callable[[Array], Array]
    ) -> Iterator[Mistake]:
        """A slip in the line of one node together with weights that were updated already."""
        for reading in self._readings(node, (self._near,)):
            yield from reading.after_a_step(gradients, hand, reached)

    def _readings(self, node: Node, forms: Iterable[Lines]) -> Iterator[_Reading]:
        seen: set[str] = set()
        for lines in forms:
            line = lines.of(node)
            names = 0 if line is None else len(line.values) + len(line.gradients)
            if line is None or line.text in seen or (lines is self._far and names > _NAMES):
                continue
            seen.add(line.text)
            yield _Reading(self._replay, line, self._hand, self._scale, self._in_time)

    def _copied(self, node: Node, matches: Matches) -> Iterator[Mistake]:
        """The gradient of another parameter, whose line was copied."""
        for other, g in self._hand.items():
            if other is not node and node.op is None and other.op is None and matches(g):
                text = "{g} is {dvalue}: the line of another parameter was copied"
                yield Mistake("wrong-operand", 2.1, text, {node: lambda _, gradients, g=g: g}, None, node, other)

    def _turned(self, node: Node, g: Array, matches: Matches) -> Iterator[Mistake]:
        """The gradient of a parameter with its axes in another order, or the other way round, as of a kernel."""
        axes = tuple(range(np.ndim(g)))
        if node.op is not None or len(axes) < 2:
            return
        last = axes[-2:]
        turns: tuple[tuple[Callable[[Array], Array], str], ...] = (
            (lambda g: np.flip(g, last), "turned by 180 degrees"),
            (lambda g: np.flip(g, last[0]), "upside down"),
            (lambda g: np.flip(g, last[1]), "mirrored"),
            (lambda g: np.swapaxes(g, *last), "transposed"),
            (lambda g: np.flip(np.swapaxes(g, *last), last), "transposed and turned by 180 degrees"),
        )
        for turn, words in turns:
            if np.shape(turn(g)) == np.shape(g) and matches(turn(g)):
                yield Mistake(
                    "transposed", 1.9, f"{{g}} is {words}", {node: lambda g, _, turn=turn: turn(g)}, None, node
                )


class _Reading:
    """One line, and what may be written in it by mistake."""

    def __init__(
        self, replay: Replay, line: Line, hand: Mapping[Node, Array], scale: float, in_time: Callable[[], None]
    ) -> None:
        self._replay, self._line, self._hand, self._scale, self._in_time = replay, line, hand, scale, in_time
        self._tree = parsed(line.text)
        self._values = {name: replay.value(of) for name, of in line.values.items()}
        self._details: dict[str, Any] = dict(line.values)
        self._details |= {name[1:]: node for name, node in line.gradients.items()}
        self._details |= {name: link.node for name, link in line.contributions.items()}
        self._extra: dict[str, Any] = {}
        self._swaps = {name: tuple(self._swapped(name)) for name in (*line.values, *line.gradients)}

    # What may stand for a name

    def _swapped(self, name: str) -> Iterator[Swap]:
        line, replay = self._line, self._replay
        own: Any = line.values.get(name, line.gradients.get(name))
        shape = np.shape(replay.value(own))
        alike = [n for n, of in {**line.values, **line.gradients}.items() if np.shape(replay.value(of)) == shape]
        inside = {*line.functions, *(z for _, z in line.functions.values())}  # of the derivative of a function
        cause = "derivative-at-output" if name in inside else "wrong-operand"
        for other in alike:
            if other != name:
                yield Swap(other, cause, 1.3)
                if name in line.gradients and other in line.gradients:
                    yield Swap(f"({name} + {other})", "wrong-operand", 1.4)
        for function in {function for function, _ in line.functions.values()} - {"", "np.maximum"}:
            for of in alike:
                yield Swap(f"{function}({of})", "derivative-at-output", 1.25 if of == name else 1.4)
        if name in line.functions:
            function, z = line.functions[name]
            for text in _TAKEN_FOR.get(function, ()):
                yield Swap(text.format(a=name, z=z), "derivative-at-output", 1.3)
        if name in line.values:
            yield from self._other_values(name, own, shape)
        else:
            yield from self._other_gradients(name, own, shape)

    def _other_values(self, name: str, own: Any, shape: tuple[int, ...]) -> Iterator[Swap]:
        for text in self._slope_of(name, own):
            yield Swap(text, "derivative-at-output", 1.4)
        if type(own) is Node and own in self._replay.truth:
            grad = self._hand.get(own, self._replay.truth[own])
            yield Swap(self._bound(f"d{name}g", f"{name}g", own, grad), "wrong-operand", 1.4)
        link = next(iter(self._replay.uses[self._line.where]))
        known = {id(of) for of in (own, *self._line.values.values())}
        for other, value in self._replay.forward_values:
            if np.shape(value) == shape and id(other) not in known and near(self._replay, link, other):
                yield Swap(self._bound(f"o{id(other)}", f"o{id(other)}", other, value), "wrong-operand", 1.6)

    def _other_gradients(self, name: str, own: Node, shape: tuple[int, ...]) -> Iterator[Swap]:
        replay, where = self._replay, self._line.where
        for other, true in replay.truth.items():
            if other is own or other.order <= where.order or np.shape(true) != shape or not shape:
                continue
            cause = "missing-derivative" if other in replay.behind(where) else "wrong-operand"
            g = self._scale * self._hand.get(other, true)
            yield Swap(self._bound(f"de{other.order}", f"e{other.order}", other, g), cause, 1.5)
        for error, value in replay.forward_values:
            if type(error) is Node and error.op is not None and error.op.fn is np.subtract and np.shape(value) == shape:
                yield Swap(self._difference(error), "wrong-operand", 1.6)
        if where.op is None and len(shape) == 2:
            yield from self._of_weights(name)

    def _difference(self, error: Node) -> str:
        """The error of a prediction, as it is written."""
        parts = [(f"o{id(of)}", of) for of in error.args or ()]
        return f"({' - '.join(self._bound(name, name, of, self._replay.value(of)) for name, of in parts)})"

    def _of_weights(self, name: str) -> Iterator[Swap]:
        """In the line of a bias, the product that is the gradient of the weights beside it."""
        for link in self._replay.uses[self._line.where]:
            for product in link.node.args or ():
                if type(product) is not Node or not is_product(product) or len(product.args or ()) != 2:
                    continue
                for k, of in enumerate(product.args or ()):
                    detail = f"p{product.order}{k}"
                    self._bound(detail, detail, of, self._replay.value(of))
                    yield Swap(f"({name} @ {detail}.T)" if k else f"({detail}.T @ {name})", "wrong-operand", 1.4)

    def _slope_of(self, name: str, own: Any) -> Iterator[str]:
        """The derivative of the activation that gave a value."""
        for arg in own.args or () if type(own) is Node else ():
            z = self._replay.value(arg)
            with np.errstate(all="ignore"):
                for f, text in _SLOPES if np.shape(z) == np.shape(own.value) else ():
                    if np.allclose(self._replay.value(own), f(z), rtol=1e-6, atol=1e-12):
                        yield text.format(a=name)

    def _bound(self, name: str, detail: str, of: Any, value: Any) -> str:
        self._details[detail], self._extra[name] = of, value
        return name

    # Slips

    def slips(self) -> Iterator[Slip]:
        """One slip each; a name may also be another one wherever it stands."""
        for slip in chain(self._everywhere(), slips(self._tree, self._swaps)):
            self._in_time()
            yield slip

    def _everywhere(self) -> Iterator[Slip]:
        for name, swaps in self._swaps.items():
            if self._line.text.count(name) > 1:
                for swap in swaps:
                    tree = parsed(re.sub(rf"\b{name}\b", f"({swap.text})", self._line.text))
                    yield swapped(ast.Name(name), swap, tree)._replace(cost=swap.cost - 0.05)
        for old, new, words in _ALL_SUMS:
            if self._line.text.count(old) > 1:
                tree = parsed(self._line.text.replace(old, new))
                yield Slip(tree, "wrong-axis", 1.25, f"{words} in all terms")
        for a in (a for a, (function, _) in self._line.functions.items() if function == "softmax"):
            whole = rf"{a} \* \((.+) - np\.sum\(\1 \* {a}, axis=\d, keepdims=True\)\)"
            for slope, of in ((f"(1 - {a}**2)", "a tanh"), (f"({a} > 0)", "a relu")):
                tree = parsed(re.sub(whole, rf"\1 * {slope}", self._line.text))
                yield Slip(tree, "derivative-at-output", 1.4, f"the derivative of {of} stands for that of the softmax")
        if self._line.where.op is None:
            yield from self._one_for_all()

    def _one_for_all(self) -> Iterator[Slip]:
        """In a sum over the steps of a loop, one value for those of all steps."""
        shapes = {name: np.shape(value) for name, value in self._values.items()}
        for name, shape in shapes.items():
            others = [other for other, its in shapes.items() if its == shape and other != name]
            if len(others) > 1:
                text = re.sub(rf"\b({'|'.join(others)})\b", name, self._line.text)
                yield Slip(parsed(text), "wrong-operand", 1.4, "{} stands in all terms", (ast.Name(name),))

    def _names(self, gradients: Gradients) -> dict[str, Any]:
        """What all names are in a run of the reverse pass, in the author's scale."""
        return self._line.names(self._replay, gradients, {**self._values, **self._extra}, self._scale)

    def mistake(self, slip: Slip) -> Mistake:
        """A slip as a change of the reverse pass: the difference of the wrong line and the right one is added."""
        where = self._line.where

        def change(g: Array, gradients: Gradients) -> Array:
            names = self._names(gradients)
            wrong = g + (value_of(slip.tree, names) - value_of(self._tree, names)) / self._scale
            return np.real(wrong) if np.shape(wrong) == np.shape(g) else np.full_like(g, np.nan)

        wrong, right = written(slip.tree), written(self._tree)
        said, deviations = slip.said, [name for name, of in self._line.values.items() if self._is_computed(of)]
        for name in self._line.contributions:
            said = said.replace(f"{{{name}}}", f"what comes by way of {{{name}}}")
        for name in deviations:
            said = said.replace(f"{{{name}}}", "one over the deviation")
        shown = not self._line.contributions and not deviations and len(wrong) < _LONGEST
        text = f"in {{g}}, {said}" + (f": it is {wrong}" if shown else "")
        line = f"{{g}} = {right}" if shown and where.op is not None else ""
        kind = ("line", right, slip.words)
        cost = slip.cost + _BESIDE + 0.005 * len(right)
        return Mistake(slip.cause, cost, text, {where: change}, kind, where, where, self._details, line)

    def _is_computed(self, of: Any) -> bool:
        """Whether it is no value of the graph, but an array that was computed from them."""
        return isinstance(of, np.ndarray) and not any(other is of for other, _ in self._replay.forward_values)

    def matching(self, gradients: Gradients, matches: Matches, double: bool) -> Iterator[Mistake]:
        """Those that give the numbers of a gradient: one slip, or two."""
        names = self._names(gradients)
        rest = gradients[self._line.where] - value_of(self._tree, names) / self._scale
        first = list(self.slips())
        if not double:
            candidates: Any = first
        else:
            candidates = (
                Slip(b.tree, a.cause, a.cost + _SECOND * b.cost, f"{a.words}, and {b.words}", (*a.parts, *b.parts))
                for a in sorted(first, key=lambda slip: slip.cost)
                for b in slips(a.tree, self._swaps)
            )
        for slip in islice(candidates, _PAIRS):
            wrong = self._evaluated(slip.tree, names, rest)
            if wrong is not None and matches(rest + wrong):
                yield self.mistake(slip)

    def _evaluated(self, tree: ast.expr, names: Mapping[str, Any], like: Array) -> Array | None:
        """What an expression gives; None where its shapes do not fit, or it has another one than `like`."""
        try:
            wrong: Array = value_of(tree, names) / self._scale
        except (ValueError, TypeError, IndexError, AttributeError):
            return None
        return wrong if np.shape(wrong) == np.shape(like) else None

    def after_a_step(self, gradients: Gradients, hand: Array, reached: Callable[[Array], Array]) -> Iterator[Mistake]:
        """One slip, and a weight of the line that was updated already, at the learning rate that fits.

        Args:
            gradients: of a run of the reverse pass.
            hand: what is to be explained.
            reached: what comes there with another gradient in the place of this line's.
        """
        truth = self._replay.truth
        weights = [name for name, of in self._line.values.items() if type(of) is Node and of.op is None and of in truth]
        for name in weights if np.size(hand) > _FEWEST else ():
            weight = self._line.values[name]
            step = self._bound(f"d{name}g", f"{name}g", weight, self._hand.get(weight, truth[weight]))
            after, names = f"({name} - {{}} * {step})", self._names(gradients)
            rest = gradients[self._line.where] - value_of(self._tree, names) / self._scale
            for slip in self.slips():
                wrong = self._evaluated(slip.tree, names, rest)
                moved = self._evaluated(_replaced(slip.tree, name, after.format(1)), names, rest)
                if wrong is None or moved is None or not differs(wrong, moved):
                    continue
                at = reached(rest + wrong)
                rate = multiple(hand - at, reached(rest + moved) - at)
                if rate is not None and 0 < rate < FASTEST:
                    tree = _replaced(slip.tree, name, after.format(short(rate)))
                    words = f"{slip.words}, and {{}} had been updated already, at a learning rate of {short(rate)}"
                    cost = slip.cost + _SECOND * (1.2 if is_round(rate) else 1.6)
                    yield self.mistake(Slip(tree, slip.cause, cost, words, (*slip.parts, ast.Name(name))))


def _replaced(tree: ast.expr, name: str, text: str) -> ast.expr:
    """An expression with another one wherever a name stands."""
    return parsed(re.sub(rf"\b{name}\b", text, ast.unparse(tree)))
