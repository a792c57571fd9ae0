"""Histograms: into which bin an element falls is piecewise constant; weights and the places of the bins are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import defcomposite, gathered, plain
from autograd.rules.index import scatter


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    if weights is None:
        return np.bincount(x, minlength=minlength)
    weights = gathered(weights).astype(np.float64)
    return scatter(weights, x, (max(minlength, int(np.max(x, initial=-1)) + 1),))


def _edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    if np.ndim(bins):
        return gathered(bins)
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
        heights = heights / np.diff(edges) / np.sum(heights)
    return heights, edges


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
    math=r"\bar w_i = \bar h_k, \quad e_k \le a_i < e_{k+1}",
    samples=[
        lambda rng: (rng.normal(size=(3, 4)),),
        lambda rng: (rng.normal(size=9), 4, {"density": True}),
        lambda rng: (rng.normal(size=9), 4, (-1, 2), None, rng.uniform(1, 2, size=9)),
        lambda rng: (rng.normal(size=9), [-5, 0.0, 0.3, 5], {"weights": rng.uniform(1, 2, size=9), "density": True}),
    ],
    ties="counts are plain arrays: their gradient is 0 where an element changes its bin",
)
