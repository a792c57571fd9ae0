"""Choices among elements, arrays or functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd.core.op import stack_nested
from autograd.rules.definition import defcomposite
from autograd.rules.index import scatter

_CHOSEN = r"\bar c_k = \bar y \odot 1[k \text{ is chosen}]"


defcomposite(
    np.compress,
    lambda condition, a, axis=None: np.take(a, np.flatnonzero(condition), axis),
    math=r"\bar a[c] = \bar y",
    samples=[
        lambda rng: ([True, False, True], rng.normal(size=(3, 4))),
        lambda rng: (rng.normal(size=4) > 0, rng.normal(size=(3, 4)), {"axis": 1}),
    ],
)
defcomposite(
    np.extract,
    lambda condition, arr: np.take(arr, np.flatnonzero(condition)),
    math=r"\bar a[c] = \bar y",
    samples=[lambda rng: (rng.normal(size=(3, 4)) > 0, rng.normal(size=(3, 4)))],
)


def _choose(a: Any, choices: Any, mode: str = "raise") -> Any:
    n = len(choices)
    if mode == "wrap":
        a = np.mod(a, n)
    elif mode == "clip":
        a = np.clip(a, 0, n - 1)
    elif np.any((np.less(a, 0)) | np.greater_equal(a, n)):
        raise ValueError(f"np.choose: an index is none of the {n} choices; mode 'wrap' or 'clip' allow that")
    chosen: Any = 0.0
    for k, choice in enumerate(choices):
        chosen = np.where(np.equal(a, k), choice, chosen)
    return chosen


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError(f"np.select: {len(condlist)} conditions for {len(choicelist)} choices")
    chosen = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        if np.result_type(condition) != np.bool_:
            raise TypeError("np.select: a condition is not a boolean array")
        chosen = np.where(condition, choice, chosen)
    return chosen


defcomposite(
    np.choose,
    _choose,
    math=_CHOSEN,
    samples=[
        lambda rng: (rng.integers(3, size=(2, 4)), [rng.normal(size=(2, 4)), rng.normal(size=4), 0.5]),
        lambda rng: (np.array([-2, 5, 1, 0]), [rng.normal(size=4), rng.normal()], {"mode": "wrap"}),
        lambda rng: (np.array([-2, 5, 1, 0]), rng.normal(size=(3, 4)), {"mode": "clip"}),
    ],
)
defcomposite(
    np.select,
    _select,
    math=_CHOSEN,
    samples=[
        lambda rng: (
            [rng.normal(size=(3, 4)) > 0.5, rng.normal(size=4) > 0],
            [rng.normal(size=(3, 4)), rng.normal(size=(3, 1))],
        ),
        lambda rng: ([rng.normal(size=4) > 0], [rng.normal(size=4)], rng.normal(size=4)),
    ],
)


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    if np.isscalar(condlist) or (np.ndim(condlist[0]) == 0 and np.ndim(x) != 0):
        condlist = [condlist]
    conditions, shape = [np.not_equal(condition, False) for condition in condlist], np.shape(x)
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    if len(funclist) != len(conditions):
        raise ValueError(f"np.piecewise: {len(funclist)} functions for {len(condlist)} conditions")
    result = np.zeros_like(x)
    for condition, piece in zip(conditions, funclist, strict=True):
        if not np.any(condition):
            continue
        if callable(piece):
            chosen = x[condition]
            piece = scatter(np.broadcast_to(piece(chosen, *args, **kw), np.shape(chosen)), condition, shape)
        mask = np.reshape(condition, np.shape(condition) + (1,) * (len(shape) - np.ndim(condition)))
        result = np.where(mask, piece, result)
    return result


defcomposite(
    np.piecewise,
    _piecewise,
    math=r"\bar x = \bar y \odot f_k'(x) \text{ where } c_k",
    samples=[
        lambda rng: ((x := rng.normal(size=(3, 4))), [x < 0, x > 1], [np.exp, np.sin, lambda v: v * v]),
        lambda rng: ((x := rng.normal(size=5)), [x < 0.2, x < 0], [2.0, lambda v, k: k * v], 3.0),
    ],
)


def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """The results stand in the place of the axis that `func1d` took."""
    axis = normalize_axis_index(axis, np.ndim(arr))
    lines = np.moveaxis(arr, axis, -1)
    lead = np.shape(lines)[:-1]
    results = np.stack([stack_nested(func1d(lines[where], *args, **kwargs)) for where in np.ndindex(*lead)])
    inner = np.shape(results)[1:]
    order = (*range(axis), *range(len(lead), len(lead) + len(inner)), *range(axis, len(lead)))
    return np.transpose(np.reshape(results, lead + inner), order)


def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    rank = np.ndim(a)
    for axis in np.ravel(axes):
        reduced = func(a, int(axis))
        a = reduced if np.ndim(reduced) == rank else np.expand_dims(reduced, int(axis))
    return a


defcomposite(
    np.apply_along_axis,
    _apply_along_axis,
    math=r"\bar a_{\cdot j} = \left(\partial f / \partial a_{\cdot j}\right)^\top \bar y_{\cdot j}",
    samples=[
        lambda rng: (lambda line: np.sum(line**2), 0, rng.normal(size=(3, 4))),
        lambda rng: (lambda line: np.outer(line, line[:2]), 1, rng.normal(size=(2, 3, 4))),
        lambda rng: (lambda line: (line[0] * line[1], 2.0), 0, rng.normal(size=(2, 3))),
        lambda rng: (lambda line, k: line * k, -1, rng.normal(size=3), 2.0),
    ],
)
defcomposite(
    np.apply_over_axes,
    _apply_over_axes,
    math=r"y = f(\dots f(a, i) \dots, j)",
    samples=[lambda rng: (np.sum, rng.normal(size=(2, 3, 4)), (0, -1))],
)
