"""Incomplete gamma and beta functions, the distribution functions that are made of them, and their inverses.

The derivative in the last argument is the density, NIST Handbook 8.8 and 8.17; those in the parameters are differences.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import scipy.special as sp

from autograd.core.op import Rule, Sample
from autograd.scipy.definition import Parameter, recorded


def _gamma_density(a: Any, x: Any) -> Any:
    return np.exp(sp.xlogy(a - 1, x) - x - sp.gammaln(a))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))


def _t_density(df: Any, t: Any) -> Any:
    half = (df + 1) / 2
    return np.exp(sp.gammaln(half) - sp.gammaln(df / 2) - 0.5 * np.log(pi * df) - half * np.log1p(t**2 / df))


def _chi_density(v: Any, x: Any) -> Any:
    return 0.5 * _gamma_density(v / 2, x / 2)


def _f_density(m: Any, n: Any, x: Any) -> Any:
    share = m * x / (m * x + n)
    return _beta_density(m / 2, n / 2, share) * m * n / (m * x + n) ** 2


def _poisson(k: Any, m: Any) -> Any:
    k = np.floor(k)
    return -np.exp(sp.xlogy(k, m) - m - sp.gammaln(k + 1))


_EXPONENTS: dict[str, str] = {
    "gamma": r"x^{a - 1} e^{-x} \oslash \Gamma(a)",
    "beta": r"x^{a - 1} (1 - x)^{b - 1} \oslash B(a, b)",
    "t": r"(1 + t^2 / d)^{-(d + 1) / 2} \oslash (\sqrt{d} B(\tfrac{d}{2}, \tfrac{1}{2}))",
    "chi": r"(x / 2)^{v / 2 - 1} e^{-x / 2} \oslash 2 \Gamma(v / 2)",
    "F": r"f_{d, d'}(x)",
}


def _rule(density: Any, sign: int) -> Rule:
    count = density.__code__.co_argcount
    if count == 2:
        return lambda g, y, a, x: g * (sign * density(a, x))
    return lambda g, y, a, b, x: g * (sign * density(a, b, x))


def _inverse(density: Any, sign: int) -> Rule:
    if density.__code__.co_argcount == 2:
        return lambda g, y, a, p: g / (sign * density(a, y))
    return lambda g, y, a, b, p: g / (sign * density(a, b, y))


def _of(*parameters: float, low: float, high: float) -> list[Sample]:
    return [lambda rng: (*parameters, rng.uniform(low, high, size=(3, 4)))]


for _fn, _density, _sign, _formula, _samples in (
    (sp.gammainc, _gamma_density, 1, "gamma", _of(1.7, low=0.3, high=3.0)),
    (sp.gammaincc, _gamma_density, -1, "gamma", _of(1.7, low=0.3, high=3.0)),
    (sp.betainc, _beta_density, 1, "beta", _of(1.7, 0.8, low=0.1, high=0.9)),
    (sp.betaincc, _beta_density, -1, "beta", _of(1.7, 0.8, low=0.1, high=0.9)),
    (sp.stdtr, _t_density, 1, "t", _of(3.5, low=-2.0, high=2.0)),
    (sp.chdtr, _chi_density, 1, "chi", _of(3.5, low=0.5, high=4.0)),
    (sp.chdtrc, _chi_density, -1, "chi", _of(3.5, low=0.5, high=4.0)),
    (sp.fdtr, _f_density, 1, "F", _of(3.5, 4.5, low=0.5, high=4.0)),
    (sp.fdtrc, _f_density, -1, "F", _of(3.5, 4.5, low=0.5, high=4.0)),
):
    _x = "t" if _fn is sp.stdtr else "x"
    recorded(
        _fn,
        vjp=(*[Parameter(0.0)] * (_fn.nin - 1), _rule(_density, _sign)),
        math=rf"\bar {_x} = {'-' * (_sign < 0)}\bar y \odot {_EXPONENTS[_formula]}",
        samples=_samples,
    )
for _fn, _density, _sign, _formula, _samples in (
    (sp.gammaincinv, _gamma_density, 1, r"y^{a - 1} e^{-y} \oslash \Gamma(a)", _of(1.7, low=0.1, high=0.9)),
    (sp.gammainccinv, _gamma_density, -1, r"y^{a - 1} e^{-y} \oslash \Gamma(a)", _of(1.7, low=0.1, high=0.9)),
    (sp.betaincinv, _beta_density, 1, r"y^{a - 1} (1 - y)^{b - 1} \oslash B(a, b)", _of(1.7, 0.8, low=0.1, high=0.9)),
    (sp.stdtrit, _t_density, 1, "f(y)", _of(3.5, low=0.1, high=0.9)),
    (sp.chdtri, _chi_density, -1, "f(y)", _of(3.5, low=0.1, high=0.9)),
):
    recorded(
        _fn,
        vjp=(*[Parameter(0.0)] * (_fn.nin - 1), _inverse(_density, _sign)),
        math=rf"\bar p = {'-' * (_sign < 0)}\bar y \oslash ({_formula})",
        samples=_samples,
    )
recorded(
    sp.pdtr,
    vjp=(None, lambda g, y, k, m: g * _poisson(k, m)),
    math=r"\bar m = -\bar y \odot m^k e^{-m} \oslash k!",
    samples=_of(2.0, low=0.5, high=4.0),
)
recorded(
    sp.pdtrc,
    vjp=(None, lambda g, y, k, m: g * -_poisson(k, m)),
    math=r"\bar m = \bar y \odot m^k e^{-m} \oslash k!",
    samples=_of(2.0, low=0.5, high=4.0),
)
