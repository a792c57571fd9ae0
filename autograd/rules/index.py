"""Reading by index, and its transpose: adding into zeros at that index."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.op import defop


def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of shape `shape` to which `g` is added at `index`, repeated positions adding up.

    >>> scatter(np.ones(3), np.array([0, 2, 2]), (4,)).tolist()
    [1.0, 0.0, 2.0, 0.0]
    """
    if hasattr(g, "_node"):  # a Tensor: recorded like any operation
        return g.__array_function__(scatter, (type(g),), (g, index, shape), {})
    out = np.zeros(shape, g.dtype)
    if _is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def _is_basic(index: Any) -> bool:
    """Whether no element can be chosen twice, so that assigning equals adding."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (int, slice, np.integer)) for part in parts
    )


defop(
    operator.getitem,
    name="operator.getitem",
    label="[ ]",
    vjp=(lambda g, y, a, index: scatter(g, index, np.shape(a)), None),
    math=r"\bar a[i] \mathrel{+}= \bar y",
    samples=[
        lambda rng: (rng.normal(size=(4, 5)), (slice(None, None, 2), slice(3, 0, -1))),
        lambda rng: (rng.normal(size=(4, 5)), 2),
        lambda rng: (rng.normal(size=(4, 5)), (np.array([0, 2, 2]), np.array([1, 1, 1]))),
        lambda rng: (rng.normal(size=(4, 5)), np.array([[0, 2], [2, 3]])),
        lambda rng: (rng.normal(size=(4, 5)), rng.normal(size=(4, 5)) > 0),
        lambda rng: (rng.normal(size=(4, 5)), (..., None, [0, 0])),
    ],
)
defop(
    scatter,
    name="scatter",
    label="scatter",
    vjp=(lambda g, y, a, index, shape: g[index], None, None),
    math=r"\bar a = \bar y[i]",
    samples=[
        lambda rng: (rng.normal(size=3), np.array([0, 2, 2]), (4,)),
        lambda rng: (rng.normal(size=(2, 3)), slice(0, 2), (4, 3)),
    ],
)
