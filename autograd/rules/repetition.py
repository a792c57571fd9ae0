"""Operations that use elements several times: broadcasting, tiling, repeating. Uses are added up."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.broadcasting import unbroadcast
from autograd.rules.definition import defop
from autograd.rules.index import along, scatter

_SUMMED = r"\bar a_i = \sum_j \bar y_{ji}, \quad y_{ji} = a_i"

defop(
    np.broadcast_to,
    vjp=lambda g, y, array, shape: unbroadcast(g, np.shape(array)),
    math=_SUMMED,
    samples=[lambda rng: (rng.normal(size=(3, 1)), (2, 3, 4)), lambda rng: (rng.normal(), (2, 3))],
)


def _tile(g: Any, y: Any, A: Any, reps: Any) -> Any:
    """Axes of repetitions and axes of elements in turn, and a sum over the repetitions."""
    counts, shape = tuple(int(n) for n in np.ravel(reps)), np.shape(A)
    rank = max(len(counts), len(shape))
    pairs = zip((1,) * (rank - len(counts)) + counts, (1,) * (rank - len(shape)) + shape, strict=True)
    apart = np.reshape(g, [n for pair in pairs for n in pair])
    return np.reshape(np.sum(apart, axis=tuple(range(0, 2 * rank, 2))), shape)


def _repeat(g: Any, y: Any, a: Any, repeats: Any, axis: int | None = None) -> Any:
    shape = flat = np.shape(a)
    if axis is None or not shape:
        flat, axis = (int(np.size(a)),), 0
    axis %= len(flat)
    if np.size(repeats) != 1:  # the element that each repetition came from
        source = np.searchsorted(np.cumsum(repeats), np.arange(np.shape(g)[axis]), side="right")
        summed = scatter(g, along(axis, source), flat)
    else:
        count = int(np.ravel(repeats)[0])
        summed = np.sum(np.reshape(g, (*flat[: axis + 1], count, *flat[axis + 1 :])), axis=axis + 1)
    return np.reshape(summed, shape)


defop(
    np.tile,
    vjp=_tile,
    math=r"\bar A_i = \sum_j \bar y_{ji}, \quad y_{ji} = A_i",
    samples=[
        lambda rng: (rng.normal(size=3), 2),
        lambda rng: (rng.normal(size=(2, 3)), (2, 1, 3)),
        lambda rng: (rng.normal(size=(2, 1, 3)), {"reps": [2, 2]}),
        lambda rng: (rng.normal(), (2, 3)),
    ],
)
defop(
    np.repeat,
    vjp=_repeat,
    math=_SUMMED,
    samples=[
        lambda rng: (rng.normal(size=(2, 3)), 2),
        lambda rng: (rng.normal(size=(2, 3)), [3], 0),
        lambda rng: (rng.normal(size=(2, 3)), np.array([2, 0, 1]), {"axis": -1}),
        lambda rng: (rng.normal(size=(2, 1)), (1, 2), 0),
        lambda rng: (rng.normal(), 3),
    ],
)
