"""`scipy.interpolate` in differentiable code: SciPy's values, and derivatives in places, values and points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

ip: Any = pytest.importorskip("scipy.interpolate", reason="install SciPy: this is about its functions")

from autograd import Tensor, differentiable, grad  # noqa: E402
from autograd.testing import gradcheck  # noqa: E402

X = np.array([0.0, 0.3, 0.5, 1.1, 1.6, 2.0])
Y = np.sin(3 * X)
AT = np.array([0.1, 0.45, 1.3, 1.9])
CURVES: dict[str, Callable[[Any, Any], Any]] = {
    **{f"interp1d {kind}": lambda x, y, kind=kind: ip.interp1d(x, y, kind=kind)
       for kind in ("linear", "cubic", "nearest", "previous", "next", "zero", "slinear", 3)},
    "extrapolated": lambda x, y: ip.interp1d(x * 0.6, y, fill_value="extrapolate"),
    "filled": lambda x, y: ip.interp1d(x * 0.6, y, fill_value=(1.0, 2.0), bounds_error=False),
    "unordered": lambda x, y: ip.interp1d(x[::-1], y),
    **{f"CubicSpline {ends}": lambda x, y, ends=ends: ip.CubicSpline(x, y, bc_type=ends)
       for ends in ("not-a-knot", "natural", "clamped", ((1, 0.3), (2, 0.4)), ((2, 0.4), (2, 0.7)))},
    "of three points": lambda x, y: ip.CubicSpline(x[::2], y[::2]),
    "of two points": lambda x, y: ip.CubicSpline(x[:2], y[:2]),
    "derivative": lambda x, y: ip.CubicSpline(x, y).derivative(),
    "second derivative": lambda x, y: lambda at: ip.CubicSpline(x, y)(at, 2),
    "integral": lambda x, y: lambda at: ip.CubicSpline(x, y).integrate(0.2, at[1]) + at,
    "antiderivative": lambda x, y: ip.CubicSpline(x, y).antiderivative(),
    "pchip": lambda x, y: ip.PchipInterpolator(x, y),
    "akima": lambda x, y: ip.Akima1DInterpolator(x, y),
    "UnivariateSpline": lambda x, y: ip.UnivariateSpline(x, y[:, None], s=0),
    "interp1d quadratic": lambda x, y: ip.interp1d(x, y, kind="quadratic"),
    "make_interp_spline": lambda x, y: ip.make_interp_spline(x, y, k=5),
    "UnivariateSpline 4": lambda x, y: ip.UnivariateSpline(x, y, k=4, s=0),
    "splrep": lambda x, y: lambda at: ip.splev(at, ip.splrep(x, y)) + ip.splint(at[0], at[1], ip.splrep(x, y)),
    "smoothed constants": lambda x, y: ip.UnivariateSpline(X, np.cos(X), s=0.1),
    "BSpline": lambda x, y: ip.BSpline(x[[0, 0, 0, 0, 3, 3, 5, 5, 5, 5]], y, 3),
}  # fmt: skip
MADE_BEFORE = {
    name: getattr(ip, name)(X, Y)
    for name in ("CubicSpline", "PchipInterpolator", "Akima1DInterpolator", "interp1d", "UnivariateSpline")
} | {"BSpline": ip.make_interp_spline(X, Y, 2)}
GRID = np.add.outer(np.sin(X), np.cos(X[:4]))
POINTS = [np.ravel(part) for part in (*np.meshgrid(X, X[:4], indexing="ij"), GRID)]
SURFACE, KNOTS = ip.RectBivariateSpline(X, X[:4], GRID), ip.bisplrep(*POINTS, s=0.1)
TABLE = np.array([[1.0, 2, 3, 4, 5, 6], [2.0, 1, 2, 1, 2, 1]]) ** 1.1
SURFACES: dict[str, Callable[[Any], Any]] = {
    "grid": lambda v: ip.RegularGridInterpolator((X, X[:4]), GRID * v[0])(np.stack([AT * v[1], AT * 0.5], -1)),
    "interpn": lambda v: ip.interpn((X, X[:4] * v[0]), GRID, (AT * v[1], AT * 0.5)),
    "products of splines": lambda v: ip.RectBivariateSpline(X * v[0], X[:4] * v[1], GRID * v[0])(AT, AT * 0.5),
    "at points": lambda v: ip.RectBivariateSpline(X, X[:4], GRID * v[0]).ev(AT * v[1], AT * 0.5, dx=1),
    "made before": lambda v: SURFACE(AT * v[0], AT * v[1]),
    "beyond its border": lambda v: SURFACE.ev(v[0] + np.array([-2.0, 0.3, 2.0]), v[1] + np.array([0.1, 2.0, -2.0])),
    "smoothed": lambda v: ip.SmoothBivariateSpline(*POINTS, s=0.1)(v[0], v[1]),
    "bisplev": lambda v: ip.bisplev(AT * v[0], v[1], KNOTS) + ip.bisplev(v[1], v[0], KNOTS, dx=1),
    "a single place": lambda v: ip.interpn((X, X[:4]), GRID, np.array([v[0], 0.3 * v[1]]))[0] * v,
    "rows": lambda v: ip.interp1d(X, TABLE * v[0], axis=1)(AT * v[1]),
    "columns": lambda v: ip.CubicSpline(X, TABLE.T * v[0])(AT * v[1]),
    "one place": lambda v: float(ip.interp1d(X, Y)(v[0])) * ip.CubicSpline(X, TABLE.T)(v[1])[1],
}


@pytest.mark.parametrize("name", CURVES)
def test_curves(name: str) -> None:
    fn = lambda v: CURVES[name](X + 0.1 * v[0] * X, Y * v[1] + v[1] ** 2 * X)(AT + 0.1 * v[2])
    values = np.array([0.2, 0.7, 0.3])
    np.testing.assert_allclose(differentiable(fn)(values), fn(values), rtol=1e-10)
    gradcheck(differentiable(fn), [values], complex_step=False)


@pytest.mark.parametrize("name", MADE_BEFORE)
def test_what_was_made_before(name: str) -> None:
    fn = lambda at: MADE_BEFORE[name](at)
    np.testing.assert_allclose(differentiable(fn)(AT), fn(AT), rtol=1e-10)
    gradcheck(differentiable(fn), [AT], complex_step=False)


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces(name: str) -> None:
    fn, values = SURFACES[name], np.array([0.9, 0.8])
    np.testing.assert_allclose(differentiable(fn)(values), fn(values), rtol=1e-10)
    gradcheck(differentiable(fn), [values], complex_step=False)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: ip.UnivariateSpline(X, t * Y), "that smooths"),
        (lambda t: ip.CubicSpline(X, t * Y, bc_type="periodic"), "bc_type='periodic' is not covered"),
        (lambda t: ip.interp1d(X, t * Y)(3.0), r"not all between 0.0 and 2.0"),
        (lambda t: ip.CubicSpline(X[:3], t * Y), "do not fit"),
        (lambda t: ip.RegularGridInterpolator((X,), t * Y, method="cubic"), "'linear' is"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        grad(differentiable(call))(Tensor(1.5))


def test_what_stands_for_a_class_is_asked_as_one() -> None:
    def knots(x: Any) -> Any:
        made = ip.InterpolatedUnivariateSpline(X, Y * x)
        kinds = (ip.InterpolatedUnivariateSpline, ip.UnivariateSpline, ip.CubicSpline)
        assert [isinstance(made, kind) for kind in kinds] == [True, True, False]
        assert isinstance(MADE_BEFORE["CubicSpline"], ip.CubicSpline)
        assert not isinstance(x, ip.BSpline)
        return made(AT) * ip.BSpline.design_matrix([0.5], [0.0, 0.0, 1.0, 1.0], 1).toarray()[0, 0]

    gradcheck(differentiable(knots), [np.float64(1.5)], complex_step=False)
