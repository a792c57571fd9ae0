"""Histograms: into which bin an element falls is piecewise constant; weights and the places of the bins are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.core.op import plain, stack_nested
from autograd.rules.definition import defcomposite
from autograd.rules.index import scatter


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    if weights is None:
        return np.bincount(x, minlength=minlength)
    weights = stack_nested(weights).astype(np.float64)
    return scatter(weights, x, (max(minlength, int(np.max(x, initial=-1)) + 1),))


def _edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    if np.ndim(bins):
        return stack_nested(bins)
    count = len(np.histogram_bin_edges(plain(a), bins, plain(range), plain(weights)))
    if range is None:
        range = (np.min(a), np.max(a)) if np.size(a) else (0.0, 1.0)
    low, high = range
    if plain(low) == plain(high):
        low, high = low - 0.5, high + 0.5
    dtype = np.result_type(plain(low), plain(high), plain(a))
    return np.linspace(low, high, count, dtype=dtype if dtype.kind == "f" else None)


def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    edges = _edges(a, bins, range, weights)
    values, bounds = np.ravel(plain(a)), plain(edges)
    heights, _ = np.histogram(values, bounds, weights=None if weights is None else np.reshape(plain(weights), -1))
    if hasattr(weights, "_node"):
        place = np.searchsorted(bounds, values, "right") - 1 - (values == bounds[-1])
        inside = (place >= 0) & (place < heights.size)
        heights = scatter(np.ravel(weights)[inside], place[inside], heights.shape)
    if density:
        heights = heights / np.diff(edges).astype(np.float64) / np.sum(heights)
    return heights, edges


def _histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    columns = list(sample) if isinstance(sample, (list, tuple)) else list(np.atleast_2d(sample.T))
    rank = len(columns)
    bins = bins if hasattr(bins, "__len__") else [bins] * rank
    ranges = [None] * rank if range is None else range
    flat = [np.ravel(a) if r is None else np.ravel(a).astype(np.float64) for a, r in zip(columns, ranges, strict=True)]
    edges = [_edges(a, b, r) for a, b, r in zip(flat, bins, ranges, strict=True)]
    values, bounds = np.stack([np.ravel(plain(a)) for a in columns], axis=1), plain(edges)
    heights, _ = np.histogramdd(values, bounds, weights=None if weights is None else np.ravel(plain(weights)))
    if hasattr(weights, "_node"):
        places = [np.searchsorted(b, v, "right") - 1 - (v == b[-1]) for b, v in zip(bounds, values.T, strict=True)]
        inside = np.all([(p >= 0) & (p < n) for p, n in zip(places, heights.shape, strict=True)], axis=0)
        heights = scatter(np.ravel(weights.astype(np.float64))[inside], tuple(p[inside] for p in places), heights.shape)
    if density:
        heights = heights.astype(np.float64) / np.sum(heights)
        for axis, e in enumerate(edges):
            heights = heights / np.reshape(np.diff(e), [-1 if k == axis else 1 for k in np.arange(rank)])
    return heights, tuple(edges)


def _histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> tuple[Any, ...]:
    one = not hasattr(bins, "__len__") or len(bins) not in (1, 2)  # for both axes: their number, or their edges
    heights, edges = _histogramdd([x, y], [bins, bins] if one else bins, range, density, weights)
    return heights, *edges


_BINNED = r"\bar w_i = \bar h_k, \quad e_k \le a_i < e_{k+1}"
_COUNTS = "counts are plain arrays: their gradient is 0 where an element changes its bin"
defcomposite(
    np.bincount,
    _bincount,
    math=r"\bar w = \bar y[x]",
    samples=[
        lambda rng: (rng.integers(4, size=6), rng.normal(size=6)),
        lambda rng: (rng.integers(4, size=6), rng.normal(size=6), {"minlength": 7}),
    ],
)
defcomposite(
    np.histogram_bin_edges,
    _edges,
    math=r"e_k = \min a + \tfrac{k}{n} (\max a - \min a)",
    samples=[
        lambda rng: (rng.normal(size=(3, 4)),),
        lambda rng: (rng.normal(size=30), "auto"),
        lambda rng: (rng.normal(size=5), 3, {"range": (0, 2)}),
    ],
    ties="the number of bins counts as constant",
)
defcomposite(
    np.histogram,
    _histogram,
    math=_BINNED,
    samples=[
        lambda rng: (rng.normal(size=(3, 4)),),
        lambda rng: (rng.normal(size=9), 4, {"density": True}),
        lambda rng: (rng.normal(size=9), 4, (-1, 2), None, rng.uniform(1, 2, size=9)),
        lambda rng: (rng.normal(size=9), [-5, 0.0, 0.3, 5], {"weights": rng.uniform(1, 2, size=9), "density": True}),
    ],
    ties=_COUNTS,
)
defcomposite(
    np.histogramdd,
    _histogramdd,
    math=_BINNED,
    samples=[
        lambda rng: (rng.normal(size=(9, 2)), 3),
        lambda rng: (rng.normal(size=(9, 2)), (2, [-3.0, 0.1, 3.0]), None, True, rng.uniform(1, 2, size=9)),
        lambda rng: (rng.normal(size=(9, 3)), 2, [(-1, 1), (-2, 2), (-1, 2)], None, rng.uniform(1, 2, size=9)),
    ],
    ties=_COUNTS,
)
defcomposite(
    np.histogram2d,
    _histogram2d,
    math=_BINNED,
    samples=[
        lambda rng: (rng.normal(size=9), rng.normal(size=9)),
        lambda rng: (rng.normal(size=9), rng.normal(size=9), [-3, 0.1, 0.5, 3], {"weights": rng.uniform(1, 2, size=9)}),
        lambda rng: (rng.normal(size=9), rng.normal(size=9), (2, 3), None, True, rng.uniform(1, 2, size=9)),
    ],
    ties=_COUNTS,
)
