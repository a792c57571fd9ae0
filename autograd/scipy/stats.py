"""`scipy.stats` on Tensors: log densities, densities, distribution functions and their inverses.

The formulas of the standard forms are those of SciPy's manual. Outside of a support a log density is -inf, and its
gradient 0.

>>> import autograd
>>> float(autograd.grad(lambda mean: autograd.scipy.stats.norm.logpdf(1.5, mean, 0.5))(1.0))
2.0
"""

from __future__ import annotations

import sys
from math import log, pi
from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats as theirs

from autograd.core.op import plain
from autograd.scipy import density, descriptive, special  # noqa: F401  (their records)
from autograd.scipy.definition import attributes
from autograd.scipy.distributions import Distribution, Family
from autograd.scipy.linalg import solve_triangular

__getattr__ = attributes(theirs)
_INF = np.inf

norm = Distribution(
    theirs.norm,
    logpdf=lambda z: -(z**2) / 2 - log(2 * pi) / 2,
    cdf=lambda z: sp.ndtr(z),
    sf=lambda z: sp.ndtr(-z),
    logcdf=lambda z: sp.log_ndtr(z),
    logsf=lambda z: sp.log_ndtr(-z),
    ppf=lambda q: sp.ndtri(q),
)
t = Distribution(
    theirs.t,
    logpdf=lambda z, df: (
        sp.gammaln((df + 1) / 2) - sp.gammaln(df / 2) - np.log(pi * df) / 2 - (df + 1) / 2 * np.log1p(z**2 / df)
    ),
    cdf=lambda z, df: sp.stdtr(df, z),
    sf=lambda z, df: sp.stdtr(df, -z),
    ppf=lambda q, df: sp.stdtrit(df, q),
)
cauchy = Distribution(
    theirs.cauchy,
    logpdf=lambda z: -log(pi) - np.log1p(z**2),
    cdf=lambda z: 0.5 + np.arctan(z) / pi,
    sf=lambda z: 0.5 - np.arctan(z) / pi,
    ppf=lambda q: np.tan(pi * q - pi / 2),
)
logistic = Distribution(
    theirs.logistic,
    logpdf=lambda z: -z - 2 * np.logaddexp(0, -z),
    cdf=lambda z: sp.expit(z),
    sf=lambda z: sp.expit(-z),
    logcdf=lambda z: -np.logaddexp(0, -z),
    logsf=lambda z: -np.logaddexp(0, z),
    ppf=lambda q: sp.logit(q),
)
laplace = Distribution(
    theirs.laplace,
    logpdf=lambda z: -np.abs(z) - log(2),
    cdf=lambda z: np.where(z < 0, np.exp(-np.abs(z)) / 2, 1 - np.exp(-np.abs(z)) / 2),
    sf=lambda z: np.where(z > 0, np.exp(-np.abs(z)) / 2, 1 - np.exp(-np.abs(z)) / 2),
    ppf=lambda q: np.sign(q - 0.5) * -np.log(2 * np.minimum(q, 1 - q)),
)

# On an interval, or from 0 on

uniform = Distribution(
    theirs.uniform, (0, 1), logpdf=lambda z: 0 * z, cdf=lambda z: z, sf=lambda z: 1 - z, ppf=lambda q: q
)
beta = Distribution(
    theirs.beta,
    (0, 1),
    logpdf=lambda z, a, b: sp.xlogy(a - 1, z) + sp.xlog1py(b - 1, -z) - sp.betaln(a, b),
    cdf=lambda z, a, b: sp.betainc(a, b, z),
    sf=lambda z, a, b: sp.betaincc(a, b, z),
    ppf=lambda q, a, b: sp.betaincinv(a, b, q),
)
expon = Distribution(
    theirs.expon,
    (0, _INF),
    logpdf=lambda z: -z,
    cdf=lambda z: -np.expm1(-z),
    sf=lambda z: np.exp(-z),
    logsf=lambda z: -z,
    ppf=lambda q: -np.log1p(-q),
)
gamma = Distribution(
    theirs.gamma,
    (0, _INF),
    logpdf=lambda z, a: sp.xlogy(a - 1, z) - z - sp.gammaln(a),
    cdf=lambda z, a: sp.gammainc(a, z),
    sf=lambda z, a: sp.gammaincc(a, z),
    ppf=lambda q, a: sp.gammaincinv(a, q),
)
chi2 = Distribution(
    theirs.chi2,
    (0, _INF),
    logpdf=lambda z, df: sp.xlogy(df / 2 - 1, z / 2) - z / 2 - sp.gammaln(df / 2) - log(2),
    cdf=lambda z, df: sp.chdtr(df, z),
    sf=lambda z, df: sp.chdtrc(df, z),
)
invgamma = Distribution(
    theirs.invgamma,
    (0, _INF),
    logpdf=lambda z, a: -(a + 1) * np.log(z) - sp.gammaln(a) - 1 / z,
    cdf=lambda z, a: sp.gammaincc(a, 1 / z),
    sf=lambda z, a: sp.gammainc(a, 1 / z),
)
lognorm = Distribution(
    theirs.lognorm,
    (0, _INF),
    logpdf=lambda z, s: -((np.log(z) / s) ** 2) / 2 - np.log(s * z) - log(2 * pi) / 2,
    cdf=lambda z, s: sp.ndtr(np.log(z) / s),
    sf=lambda z, s: sp.ndtr(-np.log(z) / s),
    logcdf=lambda z, s: sp.log_ndtr(np.log(z) / s),
    logsf=lambda z, s: sp.log_ndtr(-np.log(z) / s),
    ppf=lambda q, s: np.exp(s * sp.ndtri(q)),
)
weibull_min = Distribution(
    theirs.weibull_min,
    (0, _INF),
    logpdf=lambda z, c: np.log(c) + sp.xlogy(c - 1, z) - z**c,
    cdf=lambda z, c: -np.expm1(-(z**c)),
    sf=lambda z, c: np.exp(-(z**c)),
    logsf=lambda z, c: -(z**c),
    ppf=lambda q, c: (-np.log1p(-q)) ** (1 / c),
)
pareto = Distribution(
    theirs.pareto,
    (1, _INF),
    inside=2.0,
    logpdf=lambda z, b: np.log(b) - (b + 1) * np.log(z),
    cdf=lambda z, b: 1 - z**-b,
    sf=lambda z, b: z**-b,
    logsf=lambda z, b: -b * np.log(z),
    ppf=lambda q, b: (1 - q) ** (-1 / b),
)

rayleigh = Distribution(
    theirs.rayleigh,
    (0, _INF),
    logpdf=lambda z: np.log(z) - z**2 / 2,
    cdf=lambda z: -np.expm1(-(z**2) / 2),
    sf=lambda z: np.exp(-(z**2) / 2),
    logsf=lambda z: -(z**2) / 2,
    ppf=lambda q: np.sqrt(-2 * np.log1p(-q)),
)
halfnorm = Distribution(
    theirs.halfnorm,
    (0, _INF),
    logpdf=lambda z: log(2 / pi) / 2 - z**2 / 2,
    cdf=lambda z: sp.erf(z / np.sqrt(2)),
    sf=lambda z: 2 * sp.ndtr(-z),
    ppf=lambda q: sp.ndtri((1 + q) / 2),
)
f = Distribution(
    theirs.f,
    (0, _INF),
    logpdf=lambda z, m, n: (
        (m * np.log(m) + n * np.log(n)) / 2
        + sp.xlogy(m / 2 - 1, z)
        - (m + n) / 2 * np.log(n + m * z)
        - sp.betaln(m / 2, n / 2)
    ),
    cdf=lambda z, m, n: sp.fdtr(m, n, z),
    sf=lambda z, m, n: sp.fdtrc(m, n, z),
)
powerlaw = Distribution(
    theirs.powerlaw,
    (0, 1),
    logpdf=lambda z, a: np.log(a) + sp.xlogy(a - 1, z),
    cdf=lambda z, a: z**a,
    ppf=lambda q, a: q ** (1 / a),
)
triang = Distribution(
    theirs.triang,
    (0, 1),
    logpdf=lambda z, c: np.log(2 * np.where(z < c, z / c, (1 - z) / (1 - c))),
    cdf=lambda z, c: np.where(z < c, z**2 / c, 1 - (1 - z) ** 2 / (1 - c)),
    ppf=lambda q, c: np.where(q < c, np.sqrt(c * q), 1 - np.sqrt((1 - c) * (1 - q))),
)
invgauss = Distribution(
    theirs.invgauss,
    (0, _INF),
    logpdf=lambda z, mu: -(log(2 * pi) + 3 * np.log(z) + ((z - mu) / mu) ** 2 / z) / 2,
    cdf=lambda z, mu: sp.ndtr((z / mu - 1) / np.sqrt(z)) + np.exp(2 / mu + sp.log_ndtr(-(z / mu + 1) / np.sqrt(z))),
)

# Of extreme values, and other ones of all numbers

gumbel_r = Distribution(
    theirs.gumbel_r,
    logpdf=lambda z: -z - np.exp(-z),
    cdf=lambda z: np.exp(-np.exp(-z)),
    logcdf=lambda z: -np.exp(-z),
    sf=lambda z: -np.expm1(-np.exp(-z)),
    ppf=lambda q: -np.log(-np.log(q)),
)
gumbel_l = Distribution(
    theirs.gumbel_l,
    logpdf=lambda z: z - np.exp(z),
    cdf=lambda z: -np.expm1(-np.exp(z)),
    sf=lambda z: np.exp(-np.exp(z)),
    logsf=lambda z: -np.exp(z),
    ppf=lambda q: np.log(-np.log1p(-q)),
)


def _end(c: Any, below: bool) -> Any:
    if np.any(c == 0):
        raise ValueError("scipy.stats.genextreme of c = 0 is gumbel_r; use that")
    return np.where((c < 0) == below, 1 / c, -_INF if below else _INF)


genextreme = Distribution(
    theirs.genextreme,
    (lambda c: _end(c, below=True), lambda c: _end(c, below=False)),
    logpdf=lambda z, c: (1 / c - 1) * np.log1p(-c * z) - (1 - c * z) ** (1 / c),
    cdf=lambda z, c: np.exp(-((1 - c * z) ** (1 / c))),
    logcdf=lambda z, c: -((1 - c * z) ** (1 / c)),
    sf=lambda z, c: -np.expm1(-((1 - c * z) ** (1 / c))),
    ppf=lambda q, c: (1 - (-np.log(q)) ** c) / c,
)
skewnorm = Distribution(
    theirs.skewnorm,
    logpdf=lambda z, a: log(2) - z**2 / 2 - log(2 * pi) / 2 + sp.log_ndtr(a * z),
    cdf=lambda z, a: sp.ndtr(z) - 2 * sp.owens_t(z, a),
)
vonmises = Distribution(
    theirs.vonmises, logpdf=lambda z, kappa: kappa * (np.cos(z) - 1) - log(2 * pi) - np.log(sp.i0e(kappa))
)

# Counts

poisson = Distribution(
    theirs.poisson,
    (0, _INF),
    inside=0.0,
    logpmf=lambda k, mu: sp.xlogy(k, mu) - sp.gammaln(k + 1) - mu,
    cdf=lambda k, mu: sp.pdtr(np.floor(k), mu),
    sf=lambda k, mu: sp.pdtrc(np.floor(k), mu),
)
binom = Distribution(
    theirs.binom,
    (0, lambda n, p: n),
    inside=0.0,
    logpmf=lambda k, n, p: (
        sp.gammaln(n + 1) - sp.gammaln(k + 1) - sp.gammaln(n - k + 1) + sp.xlogy(k, p) + sp.xlog1py(n - k, -p)
    ),
    cdf=lambda k, n, p: np.where(k >= n, 1.0, sp.betaincc(np.floor(k) + 1, np.maximum(n - np.floor(k), 1), p)),
)
bernoulli = Distribution(
    theirs.bernoulli,
    (0, 1),
    inside=0.0,
    logpmf=lambda k, p: sp.xlogy(k, p) + sp.xlog1py(1 - k, -p),
    cdf=lambda k, p: np.where(k < 1, 1 - p, 1.0),
)
geom = Distribution(
    theirs.geom,
    (1, _INF),
    inside=1.0,
    logpmf=lambda k, p: sp.xlog1py(k - 1, -p) + np.log(p),
    cdf=lambda k, p: -np.expm1(np.floor(k) * np.log1p(-p)),
)
nbinom = Distribution(
    theirs.nbinom,
    (0, _INF),
    inside=0.0,
    logpmf=lambda k, n, p: sp.gammaln(n + k) - sp.gammaln(k + 1) - sp.gammaln(n) + n * np.log(p) + sp.xlog1py(k, -p),
)

# Vectors


def _normal_logpdf(x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    """By Cholesky's factor of the covariance, which is a matrix, the diagonal of one, or a number."""
    n = max(np.shape(mean)[-1] if np.ndim(mean) else 1, np.shape(cov)[-1] if np.ndim(cov) else 1)
    if mean is None and not np.ndim(cov):
        n = np.shape(x)[-1] if np.ndim(x) else 1
    deviation = np.reshape(x, (*np.shape(x), 1)) if n == 1 and np.shape(x)[-1:] != (1,) else np.atleast_1d(x)
    deviation = deviation - (0 if mean is None else mean)
    if np.ndim(cov) < 2:
        cov = cov * np.eye(n)
    if allow_singular and np.linalg.cond(plain(cov)) > 1e9:
        return _singular_logpdf(deviation, cov)
    factor = np.linalg.cholesky(cov)
    half = solve_triangular(factor, np.reshape(deviation, (-1, n)).T, lower=True)
    squares = np.reshape(np.sum(half**2, axis=0), np.shape(deviation)[:-1])
    return -(n * log(2 * pi) + squares) / 2 - np.sum(np.log(np.diagonal(factor)))


def _singular_logpdf(deviation: Any, cov: Any) -> Any:
    """By the eigenvalues that are not 0, of a point that is in the span of their vectors; else -inf."""
    w, v = np.linalg.eigh(cov)
    w_plain, v_plain = plain(w), plain(v)
    least = 1e6 * np.finfo(float).eps * np.max(np.abs(w_plain))
    kept = np.flatnonzero(w_plain > least)
    squares = np.sum((deviation @ v[:, kept]) ** 2 / w[kept], axis=-1)
    outside = np.linalg.norm(plain(deviation) @ v_plain[:, w_plain <= least], axis=-1) >= least
    return np.where(outside, -_INF, -(len(kept) * log(2 * pi) + np.sum(np.log(w[kept])) + squares) / 2)


def _normal_entropy(mean: Any = None, cov: Any = 1) -> Any:
    cov = cov if np.ndim(cov) > 1 else cov * np.eye(np.shape(mean)[-1] if np.ndim(mean) else max(np.size(cov), 1))
    return (np.shape(cov)[-1] * (1 + log(2 * pi)) + np.linalg.slogdet(cov)[1]) / 2


def _dirichlet_logpdf(x: Any, alpha: Any) -> Any:
    alpha = np.asarray(alpha) if isinstance(alpha, (list, tuple)) else alpha
    if np.shape(x)[0] == np.shape(alpha)[0] - 1:  # the last one is what is missing to 1
        x = np.concatenate((x, [1 - np.sum(x, axis=0)]))
    normalizer = sp.gammaln(np.sum(alpha)) - np.sum(sp.gammaln(alpha))
    return normalizer + np.sum(sp.xlogy((alpha - 1).T, x.T).T, axis=0)


multivariate_normal = Family(theirs.multivariate_normal, {"logpdf": _normal_logpdf, "entropy": _normal_entropy})
dirichlet = Family(theirs.dirichlet, {"logpdf": _dirichlet_logpdf})

# Each is imported like a module too, as HIPS autograd has it: `import autograd.scipy.stats.norm`
_families: dict[str, Any] = {name: value for name, value in tuple(globals().items()) if isinstance(value, Family)}
sys.modules.update({f"{__name__}.{name}": family for name, family in _families.items()})
