"""Arrays as sets: elements are kept or left out, and the gradient goes to those that are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.op import plain
from autograd.rules.definition import defcomposite
from autograd.rules.samples import normal

_FIRST = "of elements that are equal, the first gets the gradient"
_PLAIN = "; positions and counts are plain arrays"


def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None, *, equal_nan: bool = True, sorted: bool = True,
) -> Any:  # fmt: skip
    unique: Any = np.unique
    _, first, *others = unique(plain(ar), True, return_inverse, return_counts, axis, equal_nan=equal_nan)
    values = np.take(ar, first, axis)
    positions = (first, *others) if return_index else others
    return (values, *positions) if positions else values


defcomposite(
    np.unique,
    _unique,
    math=r"y = \{a_i\} \text{ in increasing order}",
    samples=[normal(5), normal((3, 2)), normal((4, 2), axis=0)],
    ties=_FIRST + _PLAIN,
)


def _with_values(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn`, which returns the values beside positions and counts, with a gradient for the values."""

    def body(x: Any) -> Any:
        return fn(plain(x))._replace(values=np.unique(x, equal_nan=False))

    return body


_fn: Any
for _fn, _body in (
    (np.unique_values, lambda x: np.unique(x, equal_nan=False)),
    *((fn, _with_values(fn)) for fn in (np.unique_all, np.unique_counts, np.unique_inverse)),
):
    defcomposite(
        _fn, _body, math=r"y = \{x_i\} \text{ in increasing order}", samples=[normal((3, 2))], ties=_FIRST + _PLAIN
    )


def _elements(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The elements that `fn` keeps of two arrays, taken where they stand first."""

    def body(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
        kept = fn(plain(ar1), plain(ar2), **({"assume_unique": True} if assume_unique else {}))
        both = np.concatenate((ar1, ar2), axis=None).astype(kept.dtype)
        order = np.argsort(both, kind="stable")
        return np.take(both, order[np.searchsorted(both, kept, sorter=order)])

    return body


for _fn, _math in (
    (np.union1d, r"y = \{a_{1,i}\} \cup \{a_{2,i}\}"),
    (np.setdiff1d, r"y = \{a_{1,i}\} \setminus \{a_{2,i}\}"),
    (np.setxor1d, r"y = \{a_{1,i}\} \mathbin{\triangle} \{a_{2,i}\}"),
):
    defcomposite(_fn, _elements(_fn), math=_math, samples=[normal(5, (2, 2))], ties=_FIRST)
