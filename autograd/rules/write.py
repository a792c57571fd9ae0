"""Writing at an index: what was there before gets no gradient, what is written gets all of it."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from autograd.basis.arrays import is_foreign, of_kind
from autograd.rules.definition import defop, dispatched
from autograd.rules.index import chooses_once

# Who holds an array of a Tensor: that, a list and a tuple of the call's values, the function, `getrefcount`.
_OF_ITS_TENSOR = 5


@dispatched
def put(a: Any, index: Any, value: Any) -> Any:
    """A copy of `a` with `value` written at `index`; where an element is written twice, the last one stays.

    >>> put(np.zeros(3), [0, 2], 7.0).tolist()
    [7.0, 0.0, 7.0]
    """
    out = a.copy() if is_foreign(a) else np.array(a)
    out[index] = value
    return out


def _written(g: Any, y: Any, a: Any, index: Any, value: Any) -> Any:
    """What arrives at the written elements, for the writers that nobody overwrote."""
    arrived = g[index]
    extra = max(np.ndim(value) - np.ndim(arrived), 0)  # axes of length 1 that NumPy lets a value have in front
    if chooses_once(index):
        return np.reshape(arrived, (1,) * extra + np.shape(arrived)) if extra else arrived
    writer = np.arange(np.size(arrived)).reshape(np.shape(arrived))
    last = put(np.zeros(np.shape(a), np.intp), index, writer)
    return np.reshape(np.where(of_kind(last[index] == writer, arrived), arrived, 0), (1,) * extra + np.shape(arrived))


def _parts(own: bool, g: Any, y: Any, a: Any, index: Any, value: Any) -> tuple[Any, None, Any]:
    arrived = _written(g, y, a, index, value)
    if own and type(g) is np.ndarray:
        arrived = arrived.copy()  # a number stays one
    else:
        g = np.array(g)  # what has no axes may come as a number, which cannot be written into
    g[index] = 0.0
    return g, None, arrived


def write_into_own(a: Any, index: Any, value: Any) -> Any:
    """What `put` gives, in the memory of `a` where nobody else sees that: its Tensor is about to be the result."""
    if type(a) is np.ndarray and getrefcount(a) <= _OF_ITS_TENSOR and a.base is None and a.flags.writeable:
        a[index] = value
        return a
    return put(a, index, value)


put_record = defop(
    put,
    name="put",
    role="write",
    label="[ ]=",
    vjp=(lambda g, y, a, index, value: put(g, index, 0.0), None, _written),
    parts=_parts,
    broadcasts=True,
    math=(r"\bar a = \bar y \odot 1[\text{not } i]", r"\bar v = \bar y[i]"),
    samples=[
        lambda rng: (rng.normal(size=(4, 5)), (slice(1, 3), 2), rng.normal(size=2)),
        lambda rng: (rng.normal(size=(4, 5)), np.array([0, 2, 0]), rng.normal(size=5)),
        lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=(4, 5)) > 0, rng.normal()),
        lambda rng: (rng.normal(size=4), 1, rng.normal()),
        lambda rng: (rng.normal(size=4), slice(1, 3), rng.normal(size=(1, 1, 2))),
    ],
    ties="where an element is written twice, the last writer gets the gradient",
)
WRITE = put_record.but(forward=write_into_own)  # for `t[i] = v`
