"""Noticing that an array was written to behind the graph's back.

NumPy tells nobody when an array changes: a buffer that is filled anew, or `w.data[0] = 5`, between an operation and its
backward pass would give derivatives at other values. So an operation notes what the plain arrays hold that its rules
read, small ones in full, of others a few elements spread over all of them; what a small Tensor holds is noted where
`.data` hands it out. The pass compares, and refuses where the derivative is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any, Final

import numpy as np

SMALL: Final = 512  # bytes: to note so many takes no longer than to note one
_WHOLE: Final = 8192  # bytes: to note so many takes no longer than to pick a few
_PROBES: Final = 16
Marks = Sequence[tuple[Any, bytes, Any]]


def noted(values: Sequence[Any], positions: Sequence[int]) -> Marks:
    """Parts of the arrays at these positions, with what they hold, and the arrays.

    >>> x = np.zeros(3)
    >>> before = noted([2.0, x], [1])
    >>> x[:] = 7.0
    >>> stale(before)
    True
    """
    found: list[tuple[Any, bytes, Any]] = []
    for k in positions:
        array = values[k]
        if type(array) is tuple:  # an index
            found += noted(array, [place for place, part in enumerate(array) if type(part) is np.ndarray])
            continue
        part = array if array.nbytes <= _WHOLE else _looked_at(array)
        found.append((part, part.tobytes(), array))
    return found


def stale(marks: Marks) -> bool:
    """Whether one of them holds something else."""
    for part, before, _ in marks:  # noqa: SIM110  (any() takes twice as long)
        if part.tobytes() != before:
            return True
    return False


def hand_out(node: Any, array: Any, order: int) -> None:
    """Note what the small array of a Tensor holds where somebody gets it, who may write to it from now on."""
    node.handed = (*(node.get("handed") or ())[-3:], (order, array.tobytes()))


def _looked_at(array: Any) -> Any:
    """The elements by which to tell whether an array was filled anew: of a large one in another order than C none."""
    if array.nbytes <= _WHOLE:
        return array
    return array.ravel()[:: array.size // _PROBES] if array.flags.c_contiguous else array[:0]


def altered(node: Any) -> Any:
    """An argument that was written to after `node` was computed from it, so that a rule has another result; or None."""
    values = [a.value if type(a) is type(node) else a for a in node.args]
    known = {id(array): held for _, held, array in node.get("marks") or ()}
    for k, (a, value) in enumerate(zip(node.args, values, strict=True)):
        if type(a) is type(node):  # the first time after it was used that somebody got it
            handed = a.get("handed") or ()
            then = _as_it_was(value, {id(value): held for order, held in reversed(handed) if order > node.order})
        else:
            then = _as_it_was(value, known)
        if then is not value and _matters(node, values, k, then):
            changed = zip(a, then, strict=True) if type(a) is tuple else [(a, then)]
            return next(part for part, was in changed if part is not was)
    return None


def _as_it_was(value: Any, known: dict[int, bytes]) -> Any:
    """What an argument held, by the identity of arrays; it itself where it holds the same."""
    if type(value) is tuple:
        parts = tuple([_as_it_was(part, known) for part in value])
        return value if all(map(is_, parts, value)) else parts
    held = known.get(id(value))
    if held is None or type(value) is not np.ndarray or _looked_at(value).tobytes() == held:
        return value
    then = value.copy()
    part = _looked_at(then)
    part[...] = np.frombuffer(held, value.dtype).reshape(part.shape)
    return then


def _matters(node: Any, values: list[Any], k: int, then: Any) -> bool:
    """Whether a rule of an operation gives something else for what an argument held."""
    g = np.ones(node.shape, node.dtype)[()]
    for a, rule in zip(node.args, node.op.vjp, strict=False):
        if type(a) is type(node) and a.requires_grad and rule is not None:
            now, other = (
                rule(g, node.value, *values[:k], x, *values[k + 1 :], **node.kwargs) for x in (values[k], then)
            )
            if not np.array_equal(now, other, equal_nan=True):
                return True
    return False
