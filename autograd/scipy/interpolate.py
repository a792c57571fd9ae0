"""`scipy.interpolate` on Tensors: what interpolates, as functions of the places, and of the values too.

>>> import autograd
>>> from autograd.scipy.interpolate import interp1d
>>> float(autograd.grad(interp1d([0.0, 1.0, 2.0], [0.0, 1.0, 4.0]))(1.5))
3.0
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import INSTANCES, replaces
from autograd.scipy.callbacks import reaches, tensor_of
from autograd.scipy.definition import attributes
from autograd.scipy.splines import (
    Piecewise,
    akima_slopes,
    basis,
    by_basis,
    cubic_slopes,
    hermite,
    knots_between,
    multilinear,
    pchip_slopes,
    spline,
)

__getattr__ = attributes(theirs)
_DEGREES = {"linear": 1, "slinear": 1, "quadratic": 2, "cubic": 3}
_STEPS: dict[str, tuple[Any, int]] = {"previous": ("right", 1), "zero": ("right", 1), "next": ("left", 0)}


def _points(x: Any, y: Any, axis: int = 0) -> tuple[Any, Any, int]:
    """The places, the values with these along the first axis, and which axis that was."""
    x, y = _floats(x), as_tensor(tensor_of(y))
    axis = axis % np.ndim(y)
    if np.ndim(x) != 1 or len(x) < 2 or np.shape(y)[axis] != len(x):
        raise ValueError(f"scipy.interpolate: {np.shape(x)} places and values of shape {np.shape(y)} do not fit")
    return x, np.moveaxis(y, axis, 0), axis


def _floats(values: Any) -> Any:
    return as_tensor(tensor_of(values)) * 1.0


# Of one variable


@replaces(theirs.interp1d)
def interp1d(
    x: Any, y: Any, kind: Any = "linear", axis: int = -1, copy: bool = True, bounds_error: Any = None,
    fill_value: Any = np.nan, assume_sorted: bool = False,
) -> Any:  # fmt: skip
    """`scipy.interpolate.interp1d`.

    Raises:
        ValueError: from the call, places outside, where `bounds_error` says so.
    """
    x, y, axis = _points(x, y, axis)
    if not assume_sorted:
        order = np.argsort(plain(x), kind="mergesort")
        x, y = x[order], y[order]
    extrapolates = isinstance(fill_value, str)
    raises = bounds_error
    if raises is None:
        raises = not extrapolates and np.ndim(fill_value) == 0 and np.isnan(fill_value)
    fill = fill_value if isinstance(fill_value, (str, tuple)) else (fill_value, fill_value)
    kind, axis = _DEGREES.get(kind, kind), 0 if axis == np.ndim(y) - 1 and np.ndim(y) == 1 else axis
    inside = spline(x, y, kind, outside=fill, axis=axis) if isinstance(kind, int) else _steps(x, y, kind, fill)
    return _checked(inside, plain(x)[[0, -1]]) if raises else inside


def _checked(inside: Any, ends: Any) -> Any:
    def call(x: Any) -> Any:
        values = plain(tensor_of(x))
        if np.any(values < ends[0]) or np.any(values > ends[1]):
            raise ValueError(f"scipy.interpolate.interp1d: {values} is not all between {ends[0]} and {ends[1]}")
        return inside(x)

    return call


def _steps(x: Any, y: Any, kind: str, fill: Any) -> Any:
    """Constant pieces: the derivative is 0 in the place, and that of the chosen value."""
    places = np.asarray(plain(x))

    def call(at: Any) -> Any:
        values = np.asarray(plain(tensor_of(at)))
        if kind in _STEPS:
            side, back = _STEPS[kind]
            found = np.searchsorted(places, values, side) - back
        else:
            found = np.searchsorted((places[1:] + places[:-1]) / 2, values, "right" if kind == "nearest-up" else "left")
        value = y[np.clip(found, 0, len(places) - 1)]
        outside = (values < places[0]) | (values > places[-1])
        return value if isinstance(fill, str) else np.where(outside, fill[0], value)

    return call


@replaces(theirs.CubicSpline)
def CubicSpline(x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None) -> Piecewise:  # noqa: N802
    """`scipy.interpolate.CubicSpline`, but for a periodic one."""
    x, y, axis = _points(x, y, axis)
    ends = (bc_type, bc_type) if isinstance(bc_type, str) else tuple(bc_type)
    return hermite(x, y, cubic_slopes(x, y, ends), outside=_outside(extrapolate), axis=axis)


def _outside(extrapolate: Any) -> Any:
    if extrapolate == "periodic":
        raise TypeError("scipy.interpolate: extrapolate='periodic' is not covered; take the place modulo the period")
    return "extrapolate" if extrapolate in (None, True) else (np.nan, np.nan)


@replaces(theirs.PchipInterpolator)
def PchipInterpolator(x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> Piecewise:  # noqa: N802
    """`scipy.interpolate.PchipInterpolator`."""
    x, y, axis = _points(x, y, axis)
    return hermite(x, y, pchip_slopes(x, y), outside=_outside(extrapolate), axis=axis)


@replaces(theirs.pchip_interpolate)
def pchip_interpolate(xi: Any, yi: Any, x: Any, der: int = 0, axis: int = 0) -> Any:
    """`scipy.interpolate.pchip_interpolate`."""
    return PchipInterpolator(xi, yi, axis)(x, der)


@replaces(theirs.Akima1DInterpolator)
def Akima1DInterpolator(  # noqa: N802
    x: Any, y: Any, axis: int = 0, *, method: str = "akima", extrapolate: Any = None
) -> Piecewise:
    """`scipy.interpolate.Akima1DInterpolator`, by the method "akima"."""
    if method != "akima":
        raise TypeError(f"scipy.interpolate.Akima1DInterpolator: method={method!r} is not covered; 'akima' is")
    x, y, axis = _points(x, y, axis)
    return hermite(x, y, akima_slopes(x, y), outside=_outside(extrapolate or False), axis=axis)


@replaces(theirs.CubicHermiteSpline)
def CubicHermiteSpline(x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> Piecewise:  # noqa: N802
    """`scipy.interpolate.CubicHermiteSpline`."""
    x, y, axis = _points(x, y, axis)
    return hermite(x, y, np.moveaxis(tensor_of(dydx), axis, 0), outside=_outside(extrapolate), axis=axis)


@replaces(theirs.make_interp_spline)
def make_interp_spline(x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0) -> Piecewise:
    """`scipy.interpolate.make_interp_spline`, with knots and ends as by default."""
    if t is not None or bc_type not in (None, "not-a-knot"):
        raise TypeError("scipy.interpolate.make_interp_spline: t= and bc_type= are not covered; CubicSpline has ends")
    x, y, axis = _points(x, y, axis)
    return spline(x, y, k, axis=axis)


@replaces(theirs.BSpline)
def BSpline(t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> Piecewise:  # noqa: N802
    """`scipy.interpolate.BSpline`."""
    knots = _floats(t)
    count = len(knots) - k - 1
    return by_basis(knots, tensor_of(c)[:count], k, outside=_outside(extrapolate))


@replaces(theirs.UnivariateSpline)
def UnivariateSpline(  # noqa: N802
    x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3, s: Any = None, ext: Any = 0,
    check_finite: bool = False,
) -> Piecewise:  # fmt: skip
    """`scipy.interpolate.UnivariateSpline`: through all points (`s=0`), or of points that are constants."""
    outside = (0.0, 0.0) if ext in (1, "zeros") else "extrapolate"
    if reaches(x, y):
        if s is None or s > 0:
            raise TypeError(
                "scipy.interpolate.UnivariateSpline that smooths (s= is not 0) has no derivative in its points; "
                "s=0 and make_interp_spline go through them"
            )
        x, y, _ = _points(np.ravel(tensor_of(x)), np.ravel(tensor_of(y)))
        return spline(x, y, k, outside=outside)
    made = theirs.UnivariateSpline(*plain((x, y, w, bbox)), k=k, s=s, ext=ext)
    return _of_knots(made._eval_args, outside)


@replaces(theirs.InterpolatedUnivariateSpline)
def InterpolatedUnivariateSpline(  # noqa: N802
    x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3, ext: Any = 0
) -> Any:
    """`scipy.interpolate.InterpolatedUnivariateSpline`."""
    return UnivariateSpline(x, y, w, bbox, k, 0, ext)


@replaces(theirs.splrep)
def splrep(
    x: Any, y: Any, w: Any = None, xb: Any = None, xe: Any = None, k: int = 3, task: int = 0, s: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """`scipy.interpolate.splrep`: through all points, or of points that are constants."""
    if not reaches(x, y):
        return theirs.splrep(*plain((x, y, w, xb, xe)), k=k, task=task, s=s, **plain(options))
    if s or w is not None or task or options:
        raise TypeError("scipy.interpolate.splrep: of points with a gradient it goes through them all; leave s=0")
    x, y, _ = _points(x, y)
    knots = knots_between(x, k)
    return knots, np.concatenate((np.linalg.solve(basis(knots, k, x), y), np.zeros(k + 1))), k


@replaces(theirs.splev)
def splev(x: Any, tck: Any, der: int = 0, ext: int = 0) -> Any:
    """`scipy.interpolate.splev`, of one curve or of several with the same knots."""
    if not isinstance(tck, tuple):
        return tck(x, der)
    if isinstance(tck[1], (list, tuple)):
        return [splev(x, (tck[0], c, tck[2]), der, ext) for c in tck[1]]
    return _of_knots(tck, "extrapolate")(x, nu=der, ext=ext)


@replaces(theirs.splint)
def splint(a: Any, b: Any, tck: Any) -> Any:
    """`scipy.interpolate.splint`."""
    return _of_knots(tck, (0.0, 0.0)).integrate(a, b)


def _of_knots(tck: Any, outside: Any) -> Piecewise:
    made: Piecewise = BSpline(tck[0], tck[1], tck[2])
    made._outside = outside
    return made


# Of several variables: linear in every one


class RegularGridInterpolator:
    """`scipy.interpolate.RegularGridInterpolator`, by the method "linear"."""

    def __init__(
        self, points: Any, values: Any, method: str = "linear", bounds_error: bool = True, fill_value: Any = np.nan
    ) -> None:
        if method != "linear":
            raise TypeError(f"scipy.interpolate.RegularGridInterpolator: method={method!r} is not covered; 'linear' is")
        self._grid = [as_tensor(tensor_of(axis)) for axis in points]
        self._values, self._raises, self._fill = as_tensor(tensor_of(values)), bounds_error, fill_value

    def __call__(self, xi: Any, method: Any = None) -> Any:
        axes = len(self._grid)
        if isinstance(xi, tuple):
            places = [tensor_of(x) for x in xi]
        else:
            rows = tensor_of(xi)
            rows = rows if np.ndim(rows) > 1 else np.reshape(rows, (-1, axes))  # of a single place an array too
            places = [rows[..., k] for k in range(axes)]
        below, shares, outside = [], [], False
        for x, axis in zip(places, self._grid, strict=True):
            knots, values = np.asarray(plain(axis)), np.asarray(plain(x))
            outside = outside | (values < knots[0]) | (values > knots[-1])
            k = np.clip(np.searchsorted(knots, values, "right") - 1, 0, len(knots) - 2)
            below.append(k)
            shares.append((x - axis[k]) / (axis[k + 1] - axis[k]))
        if self._raises and np.any(outside):
            raise ValueError("scipy.interpolate.RegularGridInterpolator: a place is outside of the grid")
        inside = multilinear(self._values, below, shares)
        return inside if self._fill is None else np.where(outside, self._fill, inside)


replaces(theirs.RegularGridInterpolator)(RegularGridInterpolator)


@replaces(theirs.interpn)
def interpn(
    points: Any, values: Any, xi: Any, method: str = "linear", bounds_error: bool = True, fill_value: Any = np.nan
) -> Any:
    """`scipy.interpolate.interpn`."""
    if isinstance(xi, tuple):
        xi = np.stack(np.broadcast_arrays(*map(tensor_of, xi)), axis=-1)
    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)


class Bivariate:
    """Products of splines of x and of y, with weights: linear in these. Outside it goes on as at its border."""

    def __init__(self, x: Piecewise, y: Piecewise, weights: Any) -> None:
        self._bases, self._weights = (x, y), weights

    def _units(self, at: Any, axis: int, nu: int) -> Any:
        basis = self._bases[axis]
        return basis(np.clip(tensor_of(at), basis.x[0], basis.x[-1]), nu)

    def ev(self, xi: Any, yi: Any, dx: int = 0, dy: int = 0) -> Any:
        """The values at points."""
        return np.sum((self._units(xi, 0, dx) @ self._weights) * self._units(yi, 1, dy), axis=-1)

    def __call__(self, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Any:
        if not grid:
            return self.ev(x, y, dx, dy)
        first, second = np.atleast_1d(tensor_of(x)), np.atleast_1d(tensor_of(y))
        return self._units(first, 0, dx) @ self._weights @ self._units(second, 1, dy).T


@replaces(theirs.RectBivariateSpline)
def RectBivariateSpline(  # noqa: N802
    x: Any, y: Any, z: Any, bbox: Any = (None,) * 4, kx: int = 3, ky: int = 3, s: float = 0
) -> Bivariate:
    """`scipy.interpolate.RectBivariateSpline`: through all points (`s=0`), or of points that are constants."""
    if not reaches(x, y, z):
        return _of_two(theirs.RectBivariateSpline(*plain((x, y, z, bbox)), kx=kx, ky=ky, s=s))
    if s or any(end is not None for end in bbox):
        raise TypeError("scipy.interpolate.RectBivariateSpline: without bbox= and with s=0 it has a derivative")
    first, second = (spline(_floats(axis), np.eye(len(axis)), k) for axis, k in ((x, kx), (y, ky)))
    return Bivariate(first, second, as_tensor(tensor_of(z)))


def _of_two(made: Any) -> Bivariate:
    """A spline of two variables that SciPy has made."""
    return _surface((*made.tck, *made.degrees))


def _surface(tck: Any) -> Bivariate:
    knots, degrees = [_floats(t) for t in tck[:2]], tck[3:]
    counts = [len(t) - k - 1 for t, k in zip(knots, degrees, strict=True)]
    first, second = (by_basis(t, np.eye(n), k) for t, n, k in zip(knots, counts, degrees, strict=True))
    return Bivariate(first, second, np.reshape(as_tensor(tensor_of(tck[2])), counts))


@replaces(theirs.bisplev)
def bisplev(x: Any, y: Any, tck: Any, dx: int = 0, dy: int = 0) -> Any:
    """`scipy.interpolate.bisplev`: on the grid of two places or rows of places."""
    values = _surface(tck)(x, y, dx, dy)
    return values if len(values) > 1 else values[0] if values.shape[1] > 1 else values[0, 0]


# What was made by SciPy before

for _kind in (
    theirs.CubicSpline,
    theirs.PchipInterpolator,
    theirs.Akima1DInterpolator,
    theirs.CubicHermiteSpline,
    theirs.PPoly,
):
    INSTANCES[_kind] = lambda made: Piecewise(
        as_tensor(made.x), map(as_tensor, made.c), _outside(made.extrapolate), made.axis
    )
INSTANCES[theirs.BSpline] = lambda made: BSpline(made.t, as_tensor(made.c), made.k, made.extrapolate)
for _kind in (theirs.UnivariateSpline, theirs.InterpolatedUnivariateSpline, theirs.LSQUnivariateSpline):
    INSTANCES[_kind] = lambda made: _of_knots(made._eval_args, (0.0, 0.0) if made.ext == 1 else "extrapolate")
INSTANCES[theirs.interp1d] = lambda made: interp1d(
    made.x, np.moveaxis(made.y, made.axis, -1) if made.y.ndim > 1 else made.y, made._kind, -1, True, made.bounds_error,
    made.fill_value if not made._extrapolate else "extrapolate", True,
)  # fmt: skip
INSTANCES[theirs.RegularGridInterpolator] = lambda made: RegularGridInterpolator(
    made.grid, made.values, made.method, made.bounds_error, made.fill_value
)
INSTANCES[theirs.RectBivariateSpline] = INSTANCES[theirs.BivariateSpline] = _of_two


def _of_constants(kind: Any) -> None:
    """A surface near points, which has a derivative in the places where it is asked for."""

    def make(*args: Any, **options: Any) -> Bivariate:
        if reaches(*args, *options.values()):
            raise TypeError(
                f"scipy.interpolate.{kind.__name__} has no derivative in its points; RectBivariateSpline has one"
            )
        return _of_two(kind(*plain(args), **plain(options)))

    replaces(kind)(make)
    INSTANCES[kind] = _of_two


for _kind in (theirs.SmoothBivariateSpline, theirs.LSQBivariateSpline):
    _of_constants(_kind)
