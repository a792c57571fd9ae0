"""Numbers that a wrong factor may come from: the sizes of a graph, means over them, the 2 of a square, a sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.testing.replay import Replay

_TOLD = 2  # reasons at most


@dataclass(frozen=True)
class Size:
    """A number of elements, rows or columns in the graph, or a constant factor (of no array).

    Attributes:
        count: the number.
        of: the array that has it, a node or a constant.
        words: what is counted, with `{}` for the name of the array.
        mean: whether the program divides by it, as a mean over so many does.
        whole: what the program divides by, where that is a multiple of this number.
    """

    count: float
    of: Any
    words: str
    mean: bool = False
    whole: int | None = None


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
    found: dict[tuple[float, bool, float | None], Size] = {}
    for size in (*_averaged(replay), *_coefficients(replay), *_lengths(replay)):
        if size.count > 1 or size.of is None:
            found.setdefault((size.count, size.mean, size.whole), size)
    counted = {size.count for size in found.values() if size.mean or size.whole}
    return [size for size in found.values() if size.mean or size.whole or size.count not in counted]


def _averaged(replay: Replay) -> Iterator[Size]:
    for node in reversed(replay.nodes):
        if node.op is None or node.op.name != "np.mean" or not node.args:
            continue
        x = node.args[0]
        count = np.size(x.value) // max(np.size(node.value), 1)
        yield Size(count, x, f"the {_elements(np.shape(x.value), count)} of {{}}", mean=True)
        if count == np.size(x.value):
            for axis, n in enumerate(np.shape(x.value)):
                if n < count:
                    yield Size(n, x, _axis(axis, n, np.ndim(x.value)), whole=count)


def _coefficients(replay: Replay) -> Iterator[Size]:
    for node in replay.nodes:
        if node.op is not None and node.op.name in ("np.multiply", "np.divide"):
            for number in (arg for arg in node.args or () if isinstance(arg, (int, float, np.number))):
                if number > 0 and number not in (0.5, 1, 2):
                    count = float(number) if node.op.name == "np.multiply" else 1 / float(number)
                    yield Size(
                        count, None, f"the {'factor' if node.op.name == 'np.multiply' else 'division by'} {number:g}"
                    )


def _lengths(replay: Replay) -> Iterator[Size]:
    arrays: list[Any] = []
    for node in replay.nodes:
        arrays += [arg for arg in node.args or () if type(arg) is Node or isinstance(arg, np.ndarray)]
    constant = [a for a in arrays if not (type(a) is Node and a.requires_grad)]
    arrays = [*constant, *arrays]
    for array in arrays:
        shape = np.shape(_value(array))
        for axis, n in enumerate(shape):
            yield Size(n, array, _axis(axis, n, len(shape)))
    for array in arrays:
        if (type(array) is Node and array.op is not None) or len(np.shape(_value(array))) > 1:
            count = int(np.size(_value(array)))
            yield Size(count, array, f"the {_elements(np.shape(_value(array)), count)} of {{}}")


def _value(array: Any) -> Any:
    return array.value if type(array) is Node else array


def _axis(axis: int, n: int, rank: int) -> str:
    if rank == 2:
        return f"the {n} {'columns' if axis else 'rows'} of {{}}"
    return f"the {n} elements of {{}}" if rank == 1 else f"axis {axis} of {{}}, of length {n}"


def _elements(shape: tuple[int, ...], count: int) -> str:
    if count == np.prod(shape, dtype=int) and len(shape) > 1:
        return f"{'×'.join(map(str, shape))} = {count} elements"
    return f"{count} elements"


def as_size(factor: float, sized: Sequence[Size]) -> Reason | None:
    """A factor as a product of a sign, 2 or 1/2, and a size of the graph or its inverse; None where it is none."""
    sign, value = (-1.0 if factor < 0 else 1.0), abs(factor)
    found: list[tuple[float, str, Any]] = []
    for exact, words in (
        (1.0, ""),
        (2.0, "a 2 too many, or a sum counted twice"),
        (0.5, "the 2 of a square is missing"),
    ):
        if abs(value - exact) < 1e-6 * exact:
            found.append((exact, words, None))
    for extra, more in ((1.0, ""), (2.0, ", and a 2 is too many"), (0.5, ", and a 2 is missing")):
        if not found or extra == 1.0:
            found += [(exact, words + more, of) for exact, words, of in _by_size(value, extra, sized)]
            plain = extra == 1.0
    if not found:
        return None
    arrays: dict[str, Any] = {}
    told: list[str] = []
    for _, words, of in found:
        if words and words not in told and len(told) < _TOLD:
            told.append(words.replace("{}", f"{{size{len(arrays)}}}") if of is not None else words)
            if of is not None:
                arrays[f"size{len(arrays)}"] = of
    words = "; or ".join(told)
    if sign < 0:
        words = "the sign is wrong" + (f", and {words}" if words else "")
    weak = not arrays and found[0][0] not in (1.0, 2.0, 0.5)
    return Reason(sign * found[0][0], words, arrays, plain or not arrays, weak)


def _by_size(value: float, extra: float, sized: Sequence[Size]) -> Iterator[tuple[float, str, Any]]:
    for size in sized:
        for exact, above in ((size.count * extra, True), (extra / size.count, False)):
            if abs(value - exact) < 1e-6 * exact and (size.of is not None or extra == 1.0):
                yield exact, _told(size, above), size.of
        rest = size.whole // size.count if size.whole else 0
        if rest and abs(value - rest * extra) < 1e-6 * rest:
            yield rest * extra, f"divided by {size.words} only, not by all {size.whole} elements", size.of


def _told(size: Size, above: bool) -> str:
    if size.of is None:
        return f"{size.words} is {'there twice' if above else 'missing'}"
    if size.mean:
        return f"the 1/{size.count} of the mean over {size.words} is {'missing' if above else 'there twice'}"
    if above:
        return f"the division by {size.count:g}, {size.words}, is missing"
    return f"divided by {size.count:g}, {size.words}, once too often"
