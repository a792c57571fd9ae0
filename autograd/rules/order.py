"""Sorting and order statistics: elements are chosen by rank, and gradients go where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.basis.arrays import holds
from autograd.core.op import Call, Rule, Sample, holds_tensor, plain, stack_nested
from autograd.rules.definition import defop, defplain, dispatched
from autograd.rules.index import along, scatter
from autograd.rules.reduce import rows
from autograd.rules.samples import REDUCTIONS, normal


def _order(a: Any, increasing: Any, axis: int) -> Any:
    """The permutation that sorts `a`; elements that tie keep their order."""
    before, behind = (increasing[along(axis, part)] for part in (slice(-1), slice(1, None)))
    return np.argsort(a, axis=axis, kind=None if holds(np.all(before < behind)) else "stable")


def _unsorted(g: Any, increasing: Any, a: Any, axis: int | None) -> Any:
    """`g`, which belongs to the sorted elements of `a`, at these elements."""
    shape = np.shape(a)
    if axis is None:
        a, axis = np.reshape(a, np.shape(increasing)), 0
    ranks = np.argsort(_order(a, increasing, axis), axis=axis)
    return np.reshape(np.take_along_axis(g, ranks, axis=axis), shape)


def _partition(g: Any, y: Any, a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    along_axis = 0 if axis is None else axis
    increasing = np.sort(y, axis=along_axis)
    g = np.take_along_axis(g, _order(y, increasing, along_axis), axis=along_axis)
    return _unsorted(g, increasing, a, axis)


_PERMUTED = r"\bar a_{\pi(i)} = \bar y_i, \quad y_i = a_{\pi(i)}"
_TIES = "elements that tie keep their order, and each gets the gradient of its place"

defop(
    np.sort,
    zeros="choice",
    vjp=lambda g, y, a, axis=-1, kind=None, stable=None: _unsorted(g, y, a, axis),
    math=_PERMUTED,
    samples=[
        normal(5),
        normal((3, 4)),
        lambda rng: (rng.normal(size=(3, 4)), 0),
        normal((2, 3, 4), axis=-2, kind="stable"),
        normal((3, 4), axis=None),
    ],
    ties=_TIES,
)
defop(
    np.partition,
    zeros="choice",
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
    the first, and a column for each reduction. NumPy itself says between
    which ranks: the quantile of 0, 1, ... n - 1 is the rank.
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


@dispatched
def _of_value(a: Any, axis: Any, y: Any) -> tuple[Any, Any]:
    """What `_at_ranks` gives, for quantiles `y` that are elements."""
    places, values = rows(np.arange(a.size).reshape(a.shape), axis), rows(a, axis)
    matches = np.argmax(np.reshape(y, (-1, len(values), 1)) == values, axis=2)
    chosen = np.take_along_axis(places, matches.T, axis=1).T
    return np.concatenate([chosen, chosen]), np.zeros(np.shape(matches))


defplain(_at_ranks, _of_value, why="a rank is piecewise constant")


def _quantile_rule(skip_nan: bool, scale: float = 1) -> Rule:
    def rule(
        g: Any, y: Any, a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False,
        weights: Any = None,
    ) -> Any:  # fmt: skip
        if not a.size:
            return np.zeros_like(a)
        if weights is not None:
            place, share = _of_value(a, axis, y)
        else:
            place, share = _at_ranks(a, axis, skip_nan, q if scale == 1 else np.true_divide(q, scale), method)
        g, share = np.reshape(g, np.shape(share)), share.astype(g.dtype)
        return np.reshape(scatter(np.concatenate([g * (1 - share), g * share]), place, (a.size,)), np.shape(a))

    return rule


def _median_rule(skip_nan: bool) -> Rule:
    rule = _quantile_rule(skip_nan)  # the median is the quantile of 0.5
    return lambda g, y, a, axis=None, keepdims=False: rule(g, y, a, 0.5, axis)


def _quantile_arguments(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Call:  # fmt: skip
    options = {"axis": axis, "method": method, "keepdims": keepdims}
    if weights is not None:
        options["weights"] = weights
    return ((stack_nested(a),), {"q": stack_nested(q), **options}) if holds_tensor(q) else ((a, q), options)


_RATES = {  # how a rank among n elements grows with q: by n plus this; the ranks of other methods jump
    "linear": -1, "hazen": 0, "interpolated_inverted_cdf": 0, "weibull": 1,
    "median_unbiased": 1 / 3, "normal_unbiased": 1 / 4,
}  # fmt: skip


def _along_q(fn: Any, skip_nan: bool, scale: float) -> Any:
    """With a Tensor as `q`: between two elements the quantile is a straight line, which goes through its value."""

    def body(a: Any, *, q: Any, axis: Any = None, method: str = "linear", weights: Any = None, **options: Any) -> Any:
        known, data = plain(q), plain(a)
        y = fn(a, known, axis, method=method, weights=weights, **options)
        if weights is not None:
            rate, (place, _) = 0.0, _of_value(data, axis, plain(y))
        else:
            place, _ = _at_ranks(data, axis, skip_nan, np.true_divide(known, scale), method)
            values = rows(data, axis)
            n = np.sum(~(np.isnan(values) & skip_nan), axis=1)
            rate = (n + _RATES[method]) / scale if method in _RATES else 0.0
        low, high = np.split(np.ravel(a)[place], 2)
        slope = np.where(np.isfinite(plain(high - low)), high - low, 0) * rate
        return y + np.reshape(np.reshape(q - known, (-1, 1)) * slope, np.shape(y)).astype(y.dtype)

    return {"q": body}


_BETWEEN = r"\bar a_{\pi(k)} = (1 - \gamma) \, \bar y, \quad \bar a_{\pi(k+1)} = \gamma \, \bar y"
_CHOSEN = "of elements that tie, one has the rank, and the gradient"
_METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip


def _by_method(method: str, scale: float) -> Sample:
    """A call of a function of this family (1 as its scale for quantiles, 100 for percentiles) with `method=`."""
    return lambda rng: (rng.normal(size=(3, 5)), [0.3 * scale, 0.7 * scale], 1, {"method": method})


def _quantiles(scale: float, methods: Sequence[str]) -> list[Sample]:
    return [
        lambda rng: (rng.normal(size=(3, 5)), 0.4 * scale),
        lambda rng: (rng.normal(size=7), np.array([[0.0, 0.5, 1.0], [0.1, 0.1, 0.9]]) * scale),
        lambda rng: (rng.normal(size=(3, 5)), 0.9 * scale, {"axis": -1, "keepdims": True}),
        lambda rng: (rng.normal(size=(2, 3, 4)), [0.3 * scale], {"axis": (2, 0), "keepdims": True}),
        *(_by_method(method, scale) for method in methods),
    ]


def _weighted(scale: float) -> Sample:
    options = {"axis": 1, "method": "inverted_cdf", "weights": np.arange(1, 6)}
    return lambda rng: (rng.normal(size=(3, 5)), [0.3 * scale, 0.7 * scale], options)


_fn: Any
for _fn, _skip in ((np.median, False), (np.nanmedian, True)):
    defop(
        _fn,
        zeros="choice",
        vjp=_median_rule(_skip),
        math=_BETWEEN,
        samples=[*REDUCTIONS, normal((3, 5), axis=1)],
        ties=_CHOSEN,
    )
for _fn, _skip, _scale, _methods in (  # all of them have one rule: two are tested by all methods
    (np.quantile, False, 1, _METHODS),
    (np.percentile, False, 100, ()),
    (np.nanquantile, True, 1, ()),
    (np.nanpercentile, True, 100, _METHODS),
):
    defop(
        _fn,
        zeros="choice",
        vjp=(_quantile_rule(_skip, _scale), None),
        adapt=_quantile_arguments,
        composed=_along_q(_fn, _skip, _scale),
        math=_BETWEEN,
        samples=_quantiles(_scale, _methods) + ([] if _skip else [_weighted(_scale)]),
        ties=_CHOSEN + "; a `q` that is a Tensor gets 0 where the quantile is an element, and where the method jumps",
    )
