"""Sorting and order statistics: elements are chosen by rank, and gradients go where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.op import Rule, Sample, defop, defplain
from autograd.rules.dispatched import dispatched
from autograd.rules.index import along, scatter
from autograd.rules.reduce import rows
from autograd.rules.samples import REDUCTIONS


def _order(a: Any, increasing: Any, axis: int) -> Any:
    """The permutation that sorts `a`; elements that tie keep their order."""
    before, behind = (increasing[along(axis, part)] for part in (slice(-1), slice(1, None)))
    return np.argsort(a, axis=axis, kind=None if np.all(before < behind) else "stable")


def _unsorted(g: Any, increasing: Any, a: Any, axis: int | None) -> Any:
    """`g`, which belongs to the sorted elements of `a`, at these elements."""
    shape = np.shape(a)
    if axis is None:
        a, axis = np.reshape(a, np.shape(increasing)), 0
    where = list(np.ix_(*map(np.arange, np.shape(a))))
    where[axis] = _order(a, increasing, axis)
    return np.reshape(scatter(g, tuple(where), np.shape(a)), shape)


def _partition(g: Any, y: Any, a: Any, kth: Any, axis: int | None = -1, kind: Any = None) -> Any:
    along_axis = 0 if axis is None else axis
    increasing = np.sort(y, axis=along_axis)
    g = np.take_along_axis(g, _order(y, increasing, along_axis), axis=along_axis)
    return _unsorted(g, increasing, a, axis)


_PERMUTED = r"\bar a_{\pi(i)} = \bar y_i, \quad y_i = a_{\pi(i)}"
_TIES = "elements that tie keep their order, and each gets the gradient of its place"

defop(
    np.sort,
    vjp=lambda g, y, a, axis=-1, kind=None, stable=None: _unsorted(g, y, a, axis),
    math=_PERMUTED,
    samples=[
        lambda rng: (rng.normal(size=5),),
        lambda rng: (rng.normal(size=(3, 4)),),
        lambda rng: (rng.normal(size=(3, 4)), 0),
        lambda rng: (rng.normal(size=(2, 3, 4)), {"axis": -2, "kind": "stable"}),
        lambda rng: (rng.normal(size=(3, 4)), {"axis": None}),
    ],
    ties=_TIES,
)
defop(
    np.partition,
    vjp=(_partition, None),
    math=_PERMUTED,
    samples=[
        lambda rng: (rng.normal(size=7), 3),
        lambda rng: (rng.normal(size=(5, 6)), (1, -2), {"axis": 0}),
        lambda rng: (rng.normal(size=(3, 4)), 5, {"axis": None}),
    ],
    ties=_TIES,
)

# Order statistics: between the elements of two neighbouring ranks, in proportion


@dispatched
def _at_ranks(a: Any, axis: Any, skip_nan: bool, q: Any, method: Any) -> tuple[Any, Any]:
    """The elements of the two ranks that a quantile stands between, and how much nearer it is to the second.

    Elements are counted through the raveled array; a row for each value of `q`, the second ranks below
    the first, and a column for each reduction. NumPy tells between which ranks: a quantile of 0, 1, ... n - 1 is that.
    """
    values = rows(a, axis)
    n = np.sum(~np.isnan(values), axis=1) if skip_nan else np.full(len(values), values.shape[1])
    lengths, which = np.unique(n, return_inverse=True)
    ranks = [np.ravel(np.quantile(np.arange(max(float(m), 1)), q, method=method)) for m in lengths]
    rank = np.stack(ranks, axis=1)[:, which]
    low, high = np.floor(rank).astype(int), np.ceil(rank).astype(int)
    order = np.argpartition(values, np.unique([low, high]), axis=1)
    places = rows(np.arange(a.size).reshape(a.shape), axis)
    chosen = np.concatenate([low, high]).T
    return np.take_along_axis(places, np.take_along_axis(order, chosen, axis=1), axis=1).T, rank - low


defplain(_at_ranks, why="a rank is piecewise constant")


def _quantile_rule(skip_nan: bool, scale: float = 1) -> Rule:
    def rule(g: Any, y: Any, a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
        if not a.size:
            return np.zeros_like(a)
        place, share = _at_ranks(a, axis, skip_nan, q if scale == 1 else np.true_divide(q, scale), method)
        g, share = np.reshape(g, np.shape(share)), share.astype(g.dtype)
        return np.reshape(scatter(np.concatenate([g * (1 - share), g * share]), place, (a.size,)), np.shape(a))

    return rule


def _median_rule(skip_nan: bool) -> Rule:
    rule = _quantile_rule(skip_nan)
    return lambda g, y, a, axis=None, keepdims=False: rule(g, y, a, 0.5, axis)


def _quantile_arguments(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if hasattr(q, "_node"):
        raise TypeError("q is a Tensor; pass an array, as q.data")
    return (a, q), {"axis": axis, "method": method, "keepdims": keepdims}


_BETWEEN = r"\bar a_{\pi(k)} = (1 - \gamma) \, \bar y, \quad \bar a_{\pi(k+1)} = \gamma \, \bar y"
_CHOSEN = "of elements that tie, one has the rank, and the gradient"
_METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip


def _by_method(method: str, scale: float) -> Sample:
    return lambda rng: (rng.normal(size=(3, 5)), [0.3 * scale, 0.7 * scale], 1, {"method": method})


def _quantiles(scale: float) -> list[Sample]:
    return [
        lambda rng: (rng.normal(size=(3, 5)), 0.4 * scale),
        lambda rng: (rng.normal(size=7), np.array([[0.0, 0.5, 1.0], [0.1, 0.1, 0.9]]) * scale),
        lambda rng: (rng.normal(size=(3, 5)), 0.9 * scale, {"axis": -1, "keepdims": True}),
        lambda rng: (rng.normal(size=(2, 3, 4)), [0.3 * scale], {"axis": (2, 0), "keepdims": True}),
        *(_by_method(method, scale) for method in _METHODS),
    ]


_fn: Any
for _fn, _skip in ((np.median, False), (np.nanmedian, True)):
    defop(
        _fn,
        vjp=_median_rule(_skip),
        math=_BETWEEN,
        samples=[*REDUCTIONS, lambda rng: (rng.normal(size=(3, 5)), {"axis": 1})],
        ties=_CHOSEN,
    )
for _fn, _skip, _scale in (
    (np.quantile, False, 1),
    (np.percentile, False, 100),
    (np.nanquantile, True, 1),
    (np.nanpercentile, True, 100),
):
    defop(
        _fn,
        vjp=(_quantile_rule(_skip, _scale), None),
        adapt=_quantile_arguments,
        math=_BETWEEN,
        samples=_quantiles(_scale),
        ties=_CHOSEN,
    )
