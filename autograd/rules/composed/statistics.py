"""Covariances and histograms.

Into which bin an element falls is piecewise constant; the weights and the places of the bins are not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import is_tensor
from autograd.core.op import Sample, plain, stack_nested
from autograd.rules.definition import defcomposite
from autograd.rules.index import scatter
from autograd.rules.reduce import float_dtype
from autograd.rules.samples import normal
from autograd.rules.shape import on_axis


def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    def rows(table: Any) -> Any:
        table = stack_nested(table)
        table = table.astype(np.result_type(table, np.float64) if dtype is None else float_dtype(dtype))
        return table if table.ndim > 1 else np.reshape(table, (1, -1))

    x = rows(m) if rowvar or np.ndim(m) < 2 else rows(m).T
    if not len(x):  # NumPy does not look at y then
        return np.dot(x, x.T)
    if y is not None:
        y = rows(y)
        x = np.concatenate([x, y if rowvar or len(y) == 1 else y.T])
    ddof = ddof if ddof is not None else 0 if bias else 1
    if fweights is None and aweights is None:
        x = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(np.dot(x, x.T) * np.divide(1, max(x.shape[1] - ddof, 0)).astype(x.dtype))
    weights = _cov_weights(fweights, aweights, x.shape[1])
    total = np.sum(weights)
    x = x - np.reshape(np.dot(x, weights) / total, (-1, 1))
    counted = 1 if aweights is None else np.sum(weights * aweights) / total  # NumPy's manual has the formula
    return np.squeeze(np.dot(x, (x * weights).T) / (total - ddof * counted))


def _cov_weights(fweights: Any, aweights: Any, count: int) -> Any:
    """How often an observation counts: repetitions, which are integers, times importance."""
    weights: Any = 1.0
    for name, values in (("fweights", fweights), ("aweights", aweights)):
        if values is None:
            continue
        values = stack_nested(values)
        if np.shape(values) != (count,):
            raise ValueError(f"np.cov: {name} of shape {np.shape(values)} for {count} observations")
        if np.any(values < 0):
            raise ValueError(f"np.cov: {name} that are negative")
        weights = weights * values
    if fweights is not None and np.any(np.not_equal(fweights, np.round(fweights))):
        raise TypeError("np.cov: fweights counts repetitions, so it must hold integers")
    return weights


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    scale = np.sqrt(np.diagonal(c))
    return np.clip(c / scale[:, None] / scale[None, :], -1, 1)


_tables: list[Sample] = [normal((3, 5)), normal(5, 5), normal((5, 2), (5, 1), rowvar=False)]
defcomposite(
    np.cov,
    _cov,
    math=r"y = \tfrac{1}{n - \delta} \, d \, d^\top, \quad d_{ik} = m_{ik} - \operatorname{mean} m_i",
    samples=[
        *_tables,
        normal(5, bias=True),
        normal((2, 5), ddof=2),
        lambda rng: (rng.normal(size=(2, 5)), {"fweights": np.array([1, 2, 1, 3, 1])}),
        lambda rng: (rng.normal(size=(2, 3)), {"fweights": [1, 2, 1], "aweights": rng.uniform(1, 2, size=3)}),
    ],
)
defcomposite(
    np.corrcoef,
    _corrcoef,
    math=r"y_{ij} = c_{ij} / \sqrt{c_{ii} c_{jj}}, \quad c = \operatorname{cov} x",
    samples=_tables,
)


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    if weights is None:
        return np.bincount(x, minlength=minlength)
    weights = stack_nested(weights).astype(np.float64)
    return scatter(weights, x, (max(minlength, int(np.max(x, initial=-1)) + 1),))


def _edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The bounds of the bins: their number is NumPy's, their places depend on the data."""
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


def _bins(values: Any, bounds: Any) -> tuple[Any, Any]:
    """The bin of each value, and whether there is one; the last bin contains its upper bound."""
    place = np.searchsorted(bounds, values, "right") - 1 - (values == bounds[-1])
    return place, (place >= 0) & (place < len(bounds) - 1)


def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    edges = _edges(a, bins, range, weights)
    values, bounds = np.ravel(plain(a)), plain(edges)
    heights, _ = np.histogram(values, bounds, weights=None if weights is None else np.reshape(plain(weights), -1))
    if is_tensor(weights):
        place, inside = _bins(values, bounds)
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
    if is_tensor(weights):
        places, each_inside = zip(*map(_bins, values.T, bounds), strict=True)
        inside = np.all(each_inside, axis=0)
        heights = scatter(np.ravel(weights.astype(np.float64))[inside], tuple(p[inside] for p in places), heights.shape)
    if density:
        heights = heights.astype(np.float64) / np.sum(heights)
        for axis, e in enumerate(edges):
            heights = heights / on_axis(axis, np.diff(e), rank)
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
        normal((3, 4)),
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
        normal((3, 4)),
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
        normal(9, 9),
        lambda rng: (rng.normal(size=9), rng.normal(size=9), [-3, 0.1, 0.5, 3], {"weights": rng.uniform(1, 2, size=9)}),
        lambda rng: (rng.normal(size=9), rng.normal(size=9), (2, 3), None, True, rng.uniform(1, 2, size=9)),
    ],
    ties=_COUNTS,
)
