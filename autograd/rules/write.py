"""Writing and adding at an index, as functions: a new array, and the old one as it was."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import defcomposite, defop
from autograd.rules.dispatched import dispatched
from autograd.rules.index import scatter


@dispatched
def put(a: Any, index: Any, value: Any) -> Any:
    """A copy of `a` with `value` written at `index`; where an element is written twice, the last one stays.

    >>> put(np.zeros(3), [0, 2], 7.0).tolist()
    [7.0, 0.0, 7.0]
    """
    out = np.array(a)
    out[index] = value
    return out


def _written(g: Any, y: Any, a: Any, index: Any, value: Any) -> Any:
    """What arrives at the written elements, for the writers that nobody overwrote."""
    arrived = g[index]
    writer = np.arange(np.size(arrived)).reshape(np.shape(arrived))
    last = put(np.zeros(np.shape(a), np.intp), index, writer)
    return np.where(last[index] == writer, arrived, 0)


defop(
    put,
    name="put",
    label="[ ]=",
    vjp=(lambda g, y, a, index, value: put(g, index, 0.0), None, _written),
    broadcasts=True,
    math=(r"\bar a = \bar y \odot 1[\text{not } i]", r"\bar v = \bar y[i]"),
    samples=[
        lambda rng: (rng.normal(size=(4, 5)), (slice(1, 3), 2), rng.normal(size=2)),
        lambda rng: (rng.normal(size=(4, 5)), np.array([0, 2, 0]), rng.normal(size=5)),
        lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=(4, 5)) > 0, rng.normal()),
        lambda rng: (rng.normal(size=4), 1, rng.normal()),
    ],
    ties="where an element is written twice, the last writer gets the gradient",
)


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    if weights is None:
        return np.bincount(x, minlength=minlength)
    return scatter(weights, x, (max(minlength, int(np.max(x, initial=-1)) + 1),))


defcomposite(
    np.bincount,
    _bincount,
    math=r"\bar w = \bar y[x]",
    samples=[
        lambda rng: (rng.integers(4, size=6), rng.normal(size=6)),
        lambda rng: (rng.integers(4, size=6), rng.normal(size=6), {"minlength": 7}),
    ],
)
