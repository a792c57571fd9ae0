"""What mistakes with a free number in them are fitted to, and the numbers of a graph that a wrong factor may come from.

Those are its sizes, means over them, its constant factors, the 2 of a square, and a sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.reverse import Array, Gradients
from autograd.testing.replay import Replay

_REASONS = 2  # at most


class Fit:
    """Hand gradients that differ from the predicted ones.

    Args:
        replay: the reverse pass.
        run: the gradients with given changes, and those of mistakes found before.
        hand: the hand gradients that are not yet explained, the one nearest the loss first.
        right: the nodes of those that are right, or explained.
        given: all hand gradients, explained or not.

    Attributes:
        base: what is predicted so far.
        first: the node nearest the loss.
    """

    def __init__(
        self,
        replay: Replay,
        run: Callable[[Mapping[Any, Any]], Gradients],
        hand: Mapping[Node, Array],
        right: Sequence[Node],
        given: Mapping[Node, Array],
    ) -> None:
        self.replay, self.run, self.hand, self.right, self.given = replay, run, hand, right, given
        self.base = run({})
        self.first = next(iter(hand))

    @cached_property
    def sizes(self) -> list[Size]:
        """The numbers that a factor may come from."""
        return sizes(self.replay)


@dataclass(frozen=True)
class Size:
    """A number of elements, rows or columns in the graph, or a constant factor (of no array).

    Attributes:
        count: the number.
        of: the array that has it, a node or a constant.
        words: what is counted, with `{}` for the name of the array.
        mean: whether the program divides by it, as a mean over so many does.
        whole: what the program divides by, where that is a multiple of this number.
        divides: whether the program divides by the number itself.
    """

    count: float
    of: Any
    words: str
    mean: bool = False
    whole: int | None = None
    divides: bool = False


@dataclass(frozen=True)
class Reason:
    """Where a factor comes from.

    Attributes:
        factor: its exact value.
        words: with gaps `{size0}`, `{size1}` for the names of arrays.
        arrays: what those gaps stand for.
        plain: whether it is one size, one 2 or a sign, not a product of them.
        weak: whether it is but a constant that the program has, of which there are many.
    """

    factor: float
    words: str
    arrays: dict[str, Any]
    plain: bool = True
    weak: bool = False


def sizes(replay: Replay) -> list[Size]:
    """The sizes in a graph: what means are taken over, the lengths of axes, the elements of arrays."""
    known: dict[Any, Size] = {}
    for size in (*_averaged(replay), *_coefficients(replay), *_lengths(replay)):
        if size.count > 1 or size.of is None:
            known.setdefault((size.count, size.mean, size.whole, size.of is None), size)
    counted = {size.count for size in known.values() if size.mean or size.whole}
    found = [size for size in known.values() if size.mean or size.whole or size.count not in counted]
    divisors = {size.count for size in found if size.of is None and size.divides}
    of_arrays = {size.count for size in found if size.of is not None}
    found.sort(key=lambda size: size.whole is not None)  # what is a mean by itself comes first
    return [
        replace(size, divides=size.count in divisors)
        for size in found
        if not (size.of is None and size.divides and size.count in of_arrays)
    ]


def _averaged(replay: Replay) -> Iterator[Size]:
    for node in reversed(replay.nodes):
        if node.op is None or node.op.fn is not np.mean or not node.args:
            continue
        x = node.args[0]
        shape = x.shape
        count = x.size // max(node.size, 1)
        yield Size(count, x, f"the {_elements(shape, count)} of {{}}", mean=True)
        for axis, n in enumerate(shape) if count == x.size else ():
            if n < count:
                yield Size(n, x, _axis(axis, shape), whole=count)


def _coefficients(replay: Replay) -> Iterator[Size]:
    for node in replay.nodes:
        if node.op is None or node.op.fn not in (np.multiply, np.divide):
            continue
        for value in (arg for arg in node.args or () if isinstance(arg, (int, float, np.number))):
            if value > 0 and value not in (0.5, 1, 2):
                divides = node.op.fn is np.divide
                yield Size(
                    float(value), None, f"the {'division by' if divides else 'factor'} {value:g}", divides=divides
                )


def _lengths(replay: Replay) -> Iterator[Size]:
    arrays: list[Any] = []
    for node in replay.nodes:
        arrays += [arg for arg in node.args or () if type(arg) is Node or isinstance(arg, np.ndarray)]
    constants = [array for array in arrays if not (type(array) is Node and array.requires_grad)]
    shapes = [(array, np.shape(array.value if type(array) is Node else array)) for array in (*constants, *arrays)]
    for array, shape in shapes:
        for axis, n in enumerate(shape):
            yield Size(n, array, _axis(axis, shape))
    for array, shape in shapes:
        if (type(array) is Node and array.op is not None) or len(shape) > 1:
            count = int(np.prod(shape, dtype=int))
            yield Size(count, array, f"the {_elements(shape, count)} of {{}}")


def _axis(axis: int, shape: tuple[int, ...]) -> str:
    """An axis in words, with room for the name of the value: `the 3 rows of {}`."""
    n, rank = shape[axis], len(shape)
    if rank == 2:
        return f"the {n} {'columns' if axis else 'rows'} of {{}}"
    return f"the {n} elements of {{}}" if rank == 1 else f"axis {axis} of {{}}, of length {n}"


def _elements(shape: tuple[int, ...], count: int) -> str:
    if count == np.prod(shape, dtype=int) and len(shape) > 1:
        return f"{'×'.join(map(str, shape))} = {count} elements"
    return f"{count} elements"


def as_size(factor: float, sized: Sequence[Size], rtol: float = 1e-6) -> Reason | None:
    """A factor as a product of a sign, 2 or 1/2, and a size of the graph or its inverse; None where it is none."""
    value = abs(factor)
    reasons: list[tuple[float, str, Any]] = []  # the exact value, in words, and the array that has it
    for exact, words in (
        (1.0, ""),
        (2.0, "a 2 too many, or a sum counted twice"),
        (0.5, "the 2 of a square is missing"),
    ):
        if abs(value - exact) < rtol * exact:
            reasons.append((exact, words, None))
    reasons += _by_size(value, 1.0, sized, rtol)
    plain = bool(reasons)
    for extra, more in ((2.0, ", and a 2 is too many"), (0.5, ", and a 2 is missing")):
        if not reasons:
            reasons += [(exact, words + more, of) for exact, words, of in _by_size(value, extra, sized, rtol)]
    if not reasons:
        return _ratio(factor, sized, rtol)
    arrays: dict[str, Any] = {}
    texts: list[str] = []
    for _, words, of in reasons:
        if words and words not in texts and len(texts) < _REASONS:
            texts.append(words.replace("{}", f"{{size{len(arrays)}}}") if of is not None else words)
            if of is not None:
                arrays[f"size{len(arrays)}"] = of
    text, exact = "; or ".join(texts), reasons[0][0]
    if factor < 0:
        text = "the sign is wrong" + (f", and {text}" if text else "")
    weak = not arrays and exact not in (1.0, 2.0, 0.5)
    return Reason(-exact if factor < 0 else exact, text, arrays, plain or not arrays, weak)


def _ratio(factor: float, sized: Sequence[Size], rtol: float) -> Reason | None:
    """A factor as one size in the place of another one; weak, since small numbers have many ratios."""
    known = [size for size in sized if size.of is not None and not size.whole]
    for right in known:  # those of means come first
        for wrong in known:
            exact = right.count / wrong.count
            if exact != 1 and abs(abs(factor) - exact) < rtol * exact:
                words = f"divided by {wrong.words.format('{size0}')}, not by {right.words.format('{size1}')}"
                sign = "the sign is wrong, and it is " if factor < 0 else ""
                arrays = {"size0": wrong.of, "size1": right.of}
                return Reason(math.copysign(exact, factor), sign + words, arrays, plain=False, weak=True)
    return None


def _by_size(value: float, extra: float, sized: Sequence[Size], rtol: float) -> Iterator[tuple[float, str, Any]]:
    for size in sized:
        for exact, above in ((size.count * extra, True), (extra / size.count, False)):
            if abs(value - exact) < rtol * exact and (size.of is not None or extra == 1.0):
                yield exact, _words(size, above), size.of
        rest = size.whole // size.count if size.whole else 0
        if rest and abs(value - rest * extra) < rtol * rest:
            yield rest * extra, f"divided by {size.words} only, not by all {size.whole} elements", size.of


def _words(size: Size, above: bool) -> str:
    if size.of is None:
        return f"{size.words} is {'there twice' if above != size.divides else 'missing'}"
    if size.mean:
        return f"the 1/{size.count} of the mean over {size.words} is {'missing' if above else 'there twice'}"
    if above and (size.divides or size.whole):
        return f"the division by {size.count:g}, {size.words}, is missing"
    if above:
        return f"as many as {size.words}"
    return f"divided by {size.count:g}, {size.words}, once too often"
