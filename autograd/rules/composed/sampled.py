"""Functions given by samples: differences, integrals, interpolation, correlation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.basis.arrays import is_tensor
from autograd.core.op import plain, stack_nested
from autograd.rules.definition import defcomposite
from autograd.rules.index import along
from autograd.rules.reduce import float_dtype
from autograd.rules.samples import normal
from autograd.rules.shape import on_axis


def _double(value: Any) -> Any:
    return stack_nested(value).astype(np.float64)


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    inside = np.diff(np.ravel(ary))
    begin, end = (
        None if part is None else np.ravel(stack_nested(part)).astype(inside.dtype) for part in (to_begin, to_end)
    )
    parts = [part for part in (begin, inside, end) if part is not None]
    return np.concatenate(parts) if len(parts) > 1 else inside


defcomposite(
    np.ediff1d,
    _ediff1d,
    math=r"y_i = a_{i+1} - a_i",
    samples=[normal((3, 4)), lambda rng: (rng.normal(size=4), {"to_end": rng.normal(size=(2, 1)), "to_begin": 0.5})],
)


def _edge(h: Any, k: Any) -> tuple[Any, Any, Any]:
    """Weights of the slope, to second order, at the first of three points `h` and `k` apart; k None: as h."""
    if k is None:
        return -1.5 / h, 2.0 / h, -0.5 / h
    return -(2.0 * h + k) / (h * (h + k)), (h + k) / (h * k), -h / (k * (h + k))


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """The derivative of the samples `f` along one axis, by central differences."""
    length = f.shape[axis]
    if length <= edge_order:
        raise ValueError(f"np.gradient: {length} samples along axis {axis} are too few")
    spacing = stack_nested(spacing)
    if np.ndim(spacing):
        if np.shape(spacing) != (length,):
            raise ValueError(f"np.gradient: coordinates of shape {np.shape(spacing)} for {length} samples")
        steps = np.diff(np.multiply(spacing, 1.0))
        if not is_tensor(steps) and np.all(steps == steps[0]):
            spacing = steps[0]

    def at(start: int | None, stop: int | None = None) -> Any:
        return f[along(axis, slice(start, stop))]

    if np.ndim(spacing) == 0:
        slope = (at(2) - at(None, -2)) / (2.0 * spacing)
        first, last = (spacing, None), (spacing, None)
    else:
        steps = on_axis(axis, steps, f.ndim)
        left, right = steps[along(axis, slice(-1))], steps[along(axis, slice(1, None))]
        slope = (
            -right / (left * (left + right)) * at(None, -2)
            + (right - left) / (left * right) * at(1, -1)
            + left / (right * (left + right)) * at(2)
        )
        first = steps[along(axis, slice(0, 1))], steps[along(axis, slice(1, 2))]
        last = steps[along(axis, slice(-1, None))], steps[along(axis, slice(-2, -1))]
    if edge_order == 1:
        begin, end = (at(1, 2) - at(0, 1)) / first[0], (at(-1) - at(-2, -1)) / last[0]
    else:
        near, middle, far = _edge(*first)
        begin = near * at(0, 1) + middle * at(1, 2) + far * at(2, 3)
        near, middle, far = _edge(*last)
        end = -far * at(-3, -2) + -middle * at(-2, -1) + -near * at(-1)
    return np.concatenate([begin, slope, end], axis=axis).astype(f.dtype)


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = stack_nested(f)
    f = f if f.dtype.kind == "f" else f.astype(np.float64)
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacings = varargs or (1.0,)
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"np.gradient: {len(spacings)} spacings for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: edge_order {edge_order}; it is 1 or 2")
    slopes = tuple(_slope(f, h, k, edge_order) for h, k in zip(spacings, axes, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


_uneven = np.array([0.0, 0.3, 0.7, 1.5, 2.0])
defcomposite(
    np.gradient,
    _gradient,
    math=r"y_i = (f_{i+1} - f_{i-1}) / 2h",
    samples=[
        normal(5),
        lambda rng: (rng.normal(size=2), 0.3),
        normal((4, 5)),
        lambda rng: (rng.normal(size=(4, 5)), 2.0, _uneven, {"edge_order": 2}),
        lambda rng: (rng.normal(size=(4, 5)), 0.7, {"axis": -1, "edge_order": 2}),
        lambda rng: (rng.normal(size=(3, 4, 5)), 0.7, _uneven, {"axis": (0, 2)}),
        lambda rng: (rng.normal(size=5), np.arange(5) * 2, {"edge_order": 2}),
    ],
)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = stack_nested(y)
    if x is not None:
        dx = np.diff(x, axis=axis if np.ndim(x) > 1 else -1)
        if dx.ndim == 1:
            dx = on_axis(axis, dx, y.ndim)
    pairs = y[along(axis, slice(1, None))] + y[along(axis, slice(-1))]
    return np.sum(dx * pairs / 2.0, axis=axis)


defcomposite(
    np.trapezoid,
    _trapezoid,
    math=r"\sum_i (x_{i+1} - x_i) (y_{i+1} + y_i) / 2",
    samples=[
        normal(5),
        lambda rng: (rng.normal(size=(3, 5)), None, 0.3, 0),
        lambda rng: (rng.normal(size=(3, 5)), np.sort(rng.normal(size=3)), {"axis": 0}),
        normal((3, 5), (3, 5)),
    ],
)


# Interpolation


def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    start, stop = (stack_nested(v) if isinstance(v, (list, tuple)) else v for v in (start, stop))
    width = stop - start
    steps = np.reshape(np.arange(num, dtype=width.dtype), (-1,) + (1,) * width.ndim)
    count = num - 1 if endpoint else num
    step = width / max(count, 1)
    y = steps * step + start
    if endpoint and num > 1:  # the last one is `stop` to the digit
        y = np.concatenate([y[:-1], np.expand_dims(stop + np.zeros_like(width), 0)])
    y = np.moveaxis(y, 0, axis) if axis else y
    y = y if dtype is None else y.astype(float_dtype(dtype))
    return (y, step if count > 0 else step * np.nan) if retstep else y


defcomposite(
    np.linspace,
    _linspace,
    math=r"y_i = \text{start} + \tfrac{i}{n} (\text{stop} - \text{start})",
    samples=[
        lambda rng: (np.float64(rng.normal()), np.float64(rng.normal()), 5),
        lambda rng: (rng.normal(size=3), rng.normal(size=(2, 1)), 4, {"endpoint": False, "axis": -1}),
        lambda rng: (rng.normal(size=3), 2, {"num": 1}),
        lambda rng: (rng.normal(size=3), 2, 4, {"retstep": True}),
    ],
)


def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    if np.ndim(base):  # a power of each base, along a new axis
        rank = max(map(np.ndim, (start, stop, base)))
        start, stop, base = (np.reshape(v, (1,) * (rank - np.ndim(v)) + np.shape(v)) for v in (start, stop, base))
        base = np.expand_dims(base, axis)
    y = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else y.astype(float_dtype(dtype))


defcomposite(
    np.logspace,
    _logspace,
    math=r"y_i = \text{base}^{u_i}, \quad u_i = \text{start} + \tfrac{i}{n} (\text{stop} - \text{start})",
    samples=[
        lambda rng: (np.float64(rng.normal()), np.float64(rng.normal()), 5),
        lambda rng: (rng.normal(size=3), 1.0, 4, {"endpoint": False, "base": 2.0, "axis": -1}),
        lambda rng: (rng.normal(size=3), 1.0, 4, {"base": rng.uniform(1, 2, size=3), "axis": -1}),
    ],
)


def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    start, stop = _double(start), _double(stop)
    if np.any(start == 0) or np.any(stop == 0):
        raise ValueError("np.geomspace: a geometric sequence cannot include zero")
    sign = np.sign(plain(start))
    stop = np.broadcast_to(stop * sign, np.broadcast_shapes(np.shape(start), np.shape(stop)))
    y = np.logspace(np.log10(start * sign), np.log10(stop), num, endpoint)
    if num > 0:
        start = np.broadcast_to(start * sign, np.shape(stop))
        ends = [np.expand_dims(end, 0) for end in (start, stop)]
        inside = slice(1, -1 if endpoint else None)
        y = np.concatenate([ends[0], y[inside], *(ends[1:] if endpoint and num > 1 else [])])
    y = np.moveaxis(y * sign, 0, axis)
    return y if dtype is None else y.astype(float_dtype(dtype))


defcomposite(
    np.geomspace,
    _geomspace,
    math=r"y_i = \text{start}^{1 - i/n} \, \text{stop}^{i/n}",
    samples=[
        lambda rng: (np.float64(rng.uniform(1, 2)), np.float64(rng.uniform(3, 4)), 5),
        lambda rng: (-rng.uniform(1, 2, size=3), -rng.uniform(1, 2, size=(2, 1)), 4, {"endpoint": False, "axis": -1}),
        lambda rng: (rng.uniform(1, 2, size=3), 2.5, {"num": 1}),
    ],
)


def _at(samples: Any, k: Any) -> Any:
    """`samples[k]`, also where only `k` is being recorded: an array would take the index as it is now."""
    return np.reshape(np.take_along_axis(samples, np.ravel(k), 0), np.shape(k))


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Straight lines between the samples; with a `period`, one more sample on each side closes the circle."""
    x, xp, fp = _double(x), _double(xp), _double(fp)
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or not xp.size:
        raise ValueError(f"np.interp of samples of shapes {np.shape(xp)} and {np.shape(fp)}; give equal rows")
    if period is not None:
        if period == 0:
            raise ValueError("np.interp: the period is 0")
        period, left, right = abs(period), None, None
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp, fp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period]), fp[np.arange(-1, fp.size + 1) % fp.size]
    first, last = xp[0], xp[-1]
    if xp.size > 1:
        within = np.where((x < first) | (x >= last), first, x)
        k = np.clip(np.searchsorted(xp, within, side="right") - 1, 0, xp.size - 2)
        start, low = _at(xp, k), _at(fp, k)
        y = (_at(fp, k + 1) - low) / (_at(xp, k + 1) - start) * (within - start) + low
    else:
        y = 0 * (x - first) + fp[0]
    y = np.where(x == last, fp[-1], y)
    y = np.where(x < first, fp[0] if left is None else left, y)
    return np.where(x > last, fp[-1] if right is None else right, y)


defcomposite(
    np.interp,
    _interp,
    math=r"y = f_k + \frac{f_{k+1} - f_k}{x_{k+1} - x_k} (x - x_k), \quad x_k \le x < x_{k+1}",
    samples=[
        lambda rng: (rng.uniform(-1, 3, size=(3, 4)), _uneven, rng.normal(size=5)),
        lambda rng: (rng.uniform(-1, 3, size=9), _uneven, rng.normal(size=5), -1.0, 1.0),
        lambda rng: (rng.uniform(-5, 5, size=9), rng.normal(size=5), rng.normal(size=5), {"period": 3.0}),
        lambda rng: (rng.uniform(0, 2), _uneven, rng.normal(size=5)),
        normal(4, 1, 1, left=0.5),
    ],
    ties="at a sample the derivative of the interval on its right; beyond the samples 0",
)


# Correlation


def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    a, v = stack_nested(a), stack_nested(v)
    if v.size > a.size:  # NumPy exchanges them, and 'same' then keeps another middle
        return np.convolve(v, a[::-1], mode)[::-1]
    return np.convolve(a, v[::-1], mode)


defcomposite(
    np.correlate,
    _correlate,
    math=r"y_k = \sum_i a_{i+k} v_i",
    samples=[
        normal(5, 3),
        *(
            lambda rng, mode=mode, n=n, m=m: (rng.normal(size=n), rng.normal(size=m), mode)
            for mode in ("full", "same", "valid")
            for n, m in ((5, 4), (3, 6), (4, 5), (2, 2))
        ),
    ],
)
