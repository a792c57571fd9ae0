"""Distributions: values against SciPy, derivatives in all arguments against differences, the ends of their support."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

scipy_stats: Any = pytest.importorskip("scipy.stats", reason="install SciPy: this is about its functions")

from autograd import Tensor, differentiable, grad  # noqa: E402
from autograd.scipy import stats  # noqa: E402
from autograd.testing import gradcheck  # noqa: E402

INSIDE = np.array([0.3, 0.7])
COUNTS = np.array([1.0, 2.0])
CONTINUOUS: dict[str, tuple[Any, ...]] = {
    "norm": (), "t": (3.5,), "cauchy": (), "logistic": (), "laplace": (), "uniform": (), "beta": (1.7, 0.8),
    "expon": (), "gamma": (1.7,), "chi2": (3.5,), "invgamma": (1.7,), "lognorm": (0.8,), "weibull_min": (1.4,),
    "pareto": (2.5,), "rayleigh": (), "halfnorm": (), "gumbel_r": (), "gumbel_l": (), "f": (3.5, 4.5),
    "skewnorm": (1.5,), "genextreme": (0.3,), "invgauss": (0.8,), "powerlaw": (1.7,), "vonmises": (1.5,),
    "triang": (0.4,),
}  # fmt: skip
DISCRETE: dict[str, tuple[Any, ...]] = {"poisson": (1.6,), "binom": (4, 0.3), "bernoulli": (0.3,), "geom": (0.3,),
                                       "nbinom": (2.5, 0.3)}  # fmt: skip


@pytest.mark.parametrize("name", CONTINUOUS)
def test_densities_and_distribution_functions(name: str) -> None:
    ours, theirs, shapes = getattr(stats, name), getattr(scipy_stats, name), CONTINUOUS[name]
    for method in ("logpdf", "pdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf"):
        x = INSIDE if method in ("ppf", "isf") else INSIDE * 1.3 + (1.6 if name == "pareto" else 0.2)
        if method not in ours._methods:
            continue
        free = (x, *shapes, 0.2, 1.3)

        def call(x: Any, *rest: Any, method: str = method) -> Any:
            return getattr(ours, method)(x, *rest)

        found = call(Tensor(x), *free[1:]).data
        np.testing.assert_allclose(found, getattr(theirs, method)(x, *shapes, 0.2, 1.3), rtol=1e-10, atol=1e-14)
        gradcheck(call, [np.asarray(v, float) for v in free], complex_step=False)


@pytest.mark.parametrize("name", sorted(CONTINUOUS.keys() - {"vonmises", "cauchy"}))
def test_numbers_of_a_whole_distribution(name: str) -> None:
    ours, theirs, shapes = getattr(stats, name), getattr(scipy_stats, name), CONTINUOUS[name]
    shapes = (4.5, 5.5) if name == "f" else shapes  # which has a variance
    for method in ("mean", "var", "std", "median", "entropy", "interval"):
        first = (0.9,) if method == "interval" else ()

        def call(*given: Any, method: str = method, first: Any = first) -> Any:
            found = getattr(ours, method)(*first, *given)
            return np.stack(found) if first else found

        free = [np.asarray(v, float) for v in (*shapes, 0.2, 1.3)]
        if method == "entropy" or (method in ("mean", "var", "std") and name not in ("norm", "beta", "lognorm")):
            with suppress(TypeError, AttributeError):  # what SciPy integrates, or writes in functions that refuse
                gradcheck(call, free, complex_step=False)
            continue
        found = call(*shapes, Tensor(0.2), Tensor(1.3)).data
        gradcheck(call, free, complex_step=False)
        expected = getattr(theirs, method)(*first, *shapes, 0.2, 1.3)
        np.testing.assert_allclose(np.ravel(found), np.ravel(expected), rtol=1e-9)


@pytest.mark.parametrize("name", DISCRETE)
def test_counts(name: str) -> None:
    ours, theirs, shapes = getattr(stats, name), getattr(scipy_stats, name), DISCRETE[name]
    fixed, free = shapes[:-1], shapes[-1]
    k = COUNTS[:1] if name == "bernoulli" else COUNTS
    for method in ("logpmf", "pmf", "cdf", "logcdf"):
        if method in ours._methods:

            def call(p: Any, method: str = method) -> Any:
                return getattr(ours, method)(k, *fixed, p)

            np.testing.assert_allclose(call(Tensor(free)).data, getattr(theirs, method)(k, *shapes), rtol=1e-12)
            gradcheck(call, [np.asarray(free)], complex_step=False)


def test_outside_of_a_support_nothing_flows() -> None:
    for name, x in (("gamma", -1.0), ("beta", 1.5), ("uniform", -0.1), ("expon", -2.0), ("lognorm", -1.0)):
        given = CONTINUOUS[name]
        t = Tensor(x, requires_grad=True)
        for method, value in (("logpdf", -np.inf), ("pdf", 0.0), ("cdf", float(x > 1)), ("sf", float(x < 1))):
            out = getattr(getattr(stats, name), method)(t, *given)
            assert out.data == value
            t.zero_grad()
            out.backward()
            assert t.grad == 0
    assert stats.poisson.pmf(1.5, Tensor(2.0)).data == 0


def test_vectors() -> None:
    rng = np.random.default_rng(0)
    x, mean, root = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(3, 3))
    cov = root @ root.T + np.eye(3)
    for given in ((x, mean, cov), (x[0], mean, cov), (x, mean, np.array([0.5, 1.0, 2.0])), (x, mean, np.array(0.7))):
        found = stats.multivariate_normal.logpdf(Tensor(given[0]), *given[1:])
        np.testing.assert_allclose(found.data, scipy_stats.multivariate_normal.logpdf(*given), rtol=1e-12)
    for values in ((np.array([0.1, 0.2]), np.array(0.3), np.array(0.7)), (np.array(0.4), np.array(0.3), np.array(0.7))):
        found = stats.multivariate_normal.logpdf(Tensor(values[0]), *values[1:])
        np.testing.assert_allclose(found.data, scipy_stats.multivariate_normal.logpdf(*values), rtol=1e-12)
    gradcheck(
        lambda x, mean, root: stats.multivariate_normal(mean, root @ root.T + np.eye(3)).logpdf(x), [x, mean, root]
    )
    flat = np.outer(mean, mean)
    for point in (mean * 1.7, x[0]):  # in its span, and outside
        found = stats.multivariate_normal.logpdf(Tensor(point), 0 * mean, flat, allow_singular=True)
        expected = scipy_stats.multivariate_normal.logpdf(point, 0 * mean, flat, allow_singular=True)
        np.testing.assert_allclose(found.data, expected, rtol=1e-10)
    found = stats.multivariate_normal.entropy(mean, Tensor(cov))
    np.testing.assert_allclose(found.data, scipy_stats.multivariate_normal.entropy(mean, cov), rtol=1e-12)
    shares, alpha = np.array([0.2, 0.5, 0.3]), np.array([1.5, 0.7, 2.0])
    found = stats.dirichlet.logpdf(shares, Tensor(alpha))
    np.testing.assert_allclose(found.data, scipy_stats.dirichlet.logpdf(shares, alpha), rtol=1e-12)
    gradcheck(lambda x, alpha: stats.dirichlet.logpdf(np.append(x, 1 - np.sum(x)), alpha), [shares[:2], alpha])


def test_a_likelihood_as_people_write_it() -> None:
    data = np.array([0.4, 1.2, 2.3])

    def nll(theta: Any) -> Any:
        from scipy import stats as st
        from scipy.stats import norm

        prior = st.multivariate_normal.logpdf(theta, mean=np.zeros(2), cov=np.eye(2)) + st.gamma(2.0).logpdf(theta[1])
        return -np.sum(norm.logpdf(data, loc=theta[0], scale=theta[1])) - norm(theta[0], 1).cdf(0.3) - prior

    gradcheck(differentiable(nll), [np.array([0.3, 1.4])], order=2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda t: stats.norm.moment(3, 0.0, t),
            r"scipy.stats.norm.moment: no derivative is known; those of cdf, entropy,",
        ),
        (lambda t: stats.gamma.logpdf(t), "a is missing"),
        (lambda t: stats.norm.logpdf(t, 0, 1, 2), "norm.logpdf takes a number, and loc, scale"),
        (
            lambda t: stats.multivariate_normal.cdf(t),
            "multivariate_normal.cdf: no derivative is known; those of entropy, logpdf",
        ),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call(Tensor(1.5, requires_grad=True))


def test_what_is_not_covered_is_scipys_own() -> None:
    assert stats.norm.shapes is None
    assert stats.norm.std() == 1.0
    assert float(grad(lambda t: stats.norm(0.0, 2.0).logpdf(t))(1.0)) == -0.25


SAMPLE, OTHER = np.array([0.3, 1.2, 0.7, 2.1, 0.4]), np.array([1.0, 0.2, 0.5, 0.9, 1.4])


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: np.array(scipy_stats.pearsonr(x, OTHER)) * scipy_stats.pearsonr(OTHER, x).statistic,
        lambda x: np.array(scipy_stats.linregress(x, OTHER)) + scipy_stats.linregress(OTHER, x).slope,
        lambda x: scipy_stats.zscore(x, ddof=1) * scipy_stats.skew(x) + scipy_stats.kurtosis(x),
        lambda x: scipy_stats.gmean(x) * scipy_stats.hmean(x) * scipy_stats.sem(x) + scipy_stats.variation(x),
        lambda x: scipy_stats.entropy(x) + scipy_stats.entropy(x, OTHER, base=2) + scipy_stats.rankdata(x) * x,
    ],
)
def test_samples(fn: Any) -> None:
    np.testing.assert_allclose(differentiable(fn)(SAMPLE), fn(SAMPLE), rtol=1e-12)
    gradcheck(differentiable(fn), [SAMPLE], complex_step=False)
