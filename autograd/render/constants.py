"""What a constant that nobody named is called: by the values with a name that it was made of, or as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final

import numpy as np

from autograd.notation.names import Scope, pretty
from autograd.notation.naming import Names
from autograd.notation.words import scalar_text
from autograd.render.collapse import CollapsedGraph
from autograd.render.vertices import Vertex

_ENTRY: Final = re.compile(r"\w+(\[\w+\])*")
_EXACT: Final = 1e-12  # relative, of what is computed in another order
_MOST_COMPARED: Final = 10_000  # numbers of an array that may be a product of others
_MOST_KNOWN: Final = 8  # arrays of which products are tried
_LONGEST_WRITTEN: Final = 24  # characters of what a constant was written as


def name_constants(collapsed: CollapsedGraph, scope: Scope, names: Names) -> None:
    """A constant that nobody named is called 1 − y, x² or xᵀ, where it is that of a value with a name.

    If that has a card, formulas say what is made of it, and nothing else is drawn; so it is with zeros.
    """
    leaves = [v for v in collapsed.vertices if v.value is not None and not v.computed and np.ndim(v.value)]
    drawn = [(v.name, v.value, v) for v in leaves if v.given and (v.kind == "target" or _tells(v.value))]
    known: list[tuple[str, Any, Vertex | None]] = [one for one in drawn if one[1].dtype.kind == "f"]
    others = [(pretty(name), array) for array, name in scope.arrays if np.ndim(array) and _tells(array)]
    known += [(name, array, None) for name, array in others]
    free = all(vertex.name != "I" for vertex in collapsed.vertices)
    for vertex in leaves:
        leaf = vertex.array if vertex.node is None else vertex.node
        if (
            (vertex.given and (names.is_held(leaf) or names.is_start(leaf)))
            or vertex.differentiable
            or not vertex.value.size
        ):
            continue
        told = all(user.call is None for user in vertex.users)  # a module has no formula that could say it
        if free and (name := _as_identity(vertex.value)):
            vertex.name = name
        elif not vertex.value.any() and vertex.value.dtype.kind == "f" and vertex.kind != "target" and told:
            collapsed.replace(vertex, "0")
        elif vertex.given:
            continue
        elif vertex.value.size == 1 == vertex.value.flat[0] and told:  # np.eye(1)
            collapsed.replace(vertex, "1")
        elif (made := next(_told(known, vertex.value), None)) is not None:
            vertex.name, base = made
            if base is not None and told:
                collapsed.replace(vertex, vertex.name, base)
        elif not vertex.stopped and (name := _as_written(collapsed, vertex, names)):
            vertex.name = name


def _as_written(collapsed: CollapsedGraph, vertex: Vertex, names: Names) -> str:
    """What its author wrote in the place of a constant, if that is short."""
    uses = (use for use in collapsed.uses if use.tail is vertex and use.node is not None)
    texts = (names.expression(use.node, use.position) for use in uses if use.node is not None)
    return next((text for text in texts if 0 < len(text) <= _LONGEST_WRITTEN), "")


def _told(known: Sequence[tuple[str, Any, Vertex | None]], array: np.ndarray) -> Iterator[tuple[str, Vertex | None]]:
    """What an array was made of, and the vertex of that, if it is one: surely, where it is a view."""
    for name, value, base in known:
        if value.ndim == 2 and array.shape == value.shape[::-1] and np.array_equal(array, value.T):
            yield f"{_atom(name)}ᵀ", base
    if array.base is None:
        yield from ((made, base) for name, value, base in known for made in _made_of(name, value, array))
        if 1 < array.size <= _MOST_COMPARED and _tells(array):
            if joined := _joined([one[:2] for one in known], array):
                yield joined, None
            yield from ((made, None) for made in _products([one[:2] for one in known[:_MOST_KNOWN]], array))


def _joined(known: Sequence[tuple[str, np.ndarray]], array: np.ndarray) -> str:
    """What an array is as others side by side, and a column of ones, or "".

    >>> x, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.6])
    >>> _joined([("x", x), ("t", t)], np.column_stack([np.ones(2), x, t])), _joined([("x", x)], np.hstack([x, x]))
    ('[1, x, t]', '[x, x]')
    """
    parts: list[str] = []
    at, wide = 0, array.shape[-1]
    columns = [(name, one[:, None] if one.ndim == 1 < array.ndim else one) for name, one in known]
    columns.append(("1", np.ones((*array.shape[:-1], 1))))
    while at < wide:
        found = next(
            (
                (name, one.shape[-1])
                for name, one in columns
                if one.ndim == array.ndim and one.size and np.array_equal(array[..., at : at + one.shape[-1]], one)
            ),
            None,
        )
        if found is None:
            return ""
        parts.append(found[0])
        at += found[1]
    return f"[{', '.join(parts)}]" if len(parts) > 1 and set(parts) != {"1"} else ""


def _tells(array: np.ndarray) -> bool:
    """Whether it has different numbers: what is made of others could be made of anything."""
    return array.dtype.kind == "f" and array.size > 0 and bool(np.any(array != array.flat[0]))


def _as_identity(array: np.ndarray) -> str:
    """I, or a multiple of it, or ""."""
    if array.ndim != 2 or not 1 < len(array) == array.shape[1]:
        return ""
    one = np.eye(len(array))
    return "I" if np.array_equal(array, one) else next(_made_of("I", one, array), "")


def _made_of(name: str, known: np.ndarray, array: np.ndarray) -> Iterator[str]:
    """What an array is, in the name of a known one that differs from it."""
    if array.shape not in (known.shape, known.shape[::-1]) or np.array_equal(array, known):
        return
    atom = _atom(name)
    if array.shape == known.shape:
        made = {f"1 − {atom}": 1 - known, f"−{atom}": -known}
        made |= {
            f"{power}{sign}": value**k for power, value in _powers(atom, known) for k, sign in ((2, "²"), (3, "³"))
        }
        yield from (text for text, value in made.items() if np.array_equal(array, value))
        yield from (f"{factor} * {atom}" for factor in _factor(known, array))
    if known.ndim == 2 and array.shape == known.shape[::-1]:
        yield from (f"{factor} * {atom}ᵀ" for factor in _factor(known.T, array))


def _products(known: Sequence[tuple[str, np.ndarray]], array: np.ndarray) -> Iterator[str]:
    """What an array is as the product or quotient of two that are known, or one with its own transpose."""
    for (name, one), (other, two) in product(known, repeat=2):
        a, b = _atom(name), _atom(other)
        for sign, left in (("", one), ("ᵀ", one.T)):
            if one.ndim == 2 and two.ndim in (1, 2) and left.shape[1] == len(two) and array.shape == (left @ two).shape:
                yield from [f"{a}{sign} {b}"] if np.allclose(array, left @ two, rtol=_EXACT, atol=0) else []
        if one.shape == array.shape and name != other and _fits(two, one):
            with np.errstate(all="ignore"):
                yield from [f"{a} / {b}"] if np.allclose(array, one / two, rtol=_EXACT, atol=0) else []
        if one.shape == array.shape == two.shape and name <= other:
            for (first, x), (second, y) in product(_bases(a, one), _bases(b, two)):
                yield from [f"{first} * {second}"] if np.allclose(array, x * y, rtol=_EXACT, atol=0) else []
                yield from (f"{factor} * {first} * {second}" for factor in _factor(x * y, array))


def _fits(small: np.ndarray, large: np.ndarray) -> bool:
    """Whether one is broadcast to the shape of the other."""
    sizes = zip(small.shape[::-1], large.shape[::-1], strict=False)
    return small.ndim <= large.ndim and all(size in (1, whole) for size, whole in sizes)


def _powers(atom: str, known: np.ndarray) -> tuple[tuple[str, np.ndarray], tuple[str, np.ndarray]]:
    return (atom, known), (f"(1 − {atom})", 1 - known)


def _bases(atom: str, known: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """A known array and 1 less it, with their squares."""
    for name, value in _powers(atom, known):
        yield name, value
        yield f"{name}²", value**2


def _atom(name: str) -> str:
    return name if name.isidentifier() or _ENTRY.fullmatch(name) else f"({name})"


def _factor(known: np.ndarray, array: np.ndarray) -> Iterator[str]:
    """By which number a known array is multiplied, if it is."""
    at = np.unravel_index(np.argmax(np.abs(known)), known.shape)
    factor = float(np.round(array[at] / known[at], 3)) if known[at] else 0.0
    third = float(np.round(3 * array[at] / known[at])) if known[at] else 0.0
    for number, text in ((factor, (scalar_text(factor) or "").strip("()")), (third / 3, f"{third:g}/3")):
        if number not in (0, 1) and np.allclose(array, number * known, rtol=_EXACT, atol=0):
            yield text
            return
