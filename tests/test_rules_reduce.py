"""Reductions, running sums, order statistics and sampled functions where they are delicate."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd import compile as compiled_step
from autograd.testing import gradcheck

INF, NAN = np.inf, np.nan


def gradients(fn: Callable[..., Any], *values: Any, weight: Any = 1.0) -> list[Any]:
    """The gradients of sum(weight * fn(values)), a Tensor made of each."""
    leaves = [Tensor(np.asarray(v, float), requires_grad=True) for v in values]
    np.sum(fn(*leaves) * weight).backward()
    return [leaf.grad for leaf in leaves]


def gradient(fn: Callable[..., Any], value: Any, weight: Any = 1.0) -> Any:
    return gradients(fn, value, weight=weight)[0]


# Products with zeros


@pytest.mark.parametrize("a", [[2.0, 3.0, 4.0], [2.0, 0.0, 4.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0], [0.0]])
@pytest.mark.parametrize("fn", [np.prod, np.nanprod])
def test_products_with_any_number_of_zeros(fn: Any, a: list[float]) -> None:
    others = [np.prod(np.delete(a, i)) for i in range(len(a))]
    np.testing.assert_array_equal(gradient(fn, a), others)
    x = Tensor(a, requires_grad=True)
    fn(x).backward(create_graph=True)
    first, weight = x.grad, np.arange(1.0, len(a) + 1)
    x.grad = None
    np.sum(first * weight).backward()
    hessian = [[0.0 if i == j else np.prod(np.delete(a, [i, j])) for j in range(len(a))] for i in range(len(a))]
    np.testing.assert_array_equal(x.grad, hessian @ weight)


def test_the_third_derivative_of_a_product_with_zeros() -> None:
    x = Tensor([0.0, 0.0, 0.0, 5.0], requires_grad=True)
    y: Any = np.prod(x)
    for position in (0, 1, 2):
        x.zero_grad()
        y.backward(create_graph=True)
        y = x.grad[position]
    assert y.item() == 5


def test_a_product_that_overflows_or_meets_infinity_has_no_nan() -> None:
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(gradient(np.prod, [INF, 2.0, 3.0]), [6, INF, INF])
        np.testing.assert_allclose(gradient(np.prod, [1e200, 1e200, 1e-200]), [1, 1, INF])
    np.testing.assert_allclose(gradient(np.prod, [1e-200, 1e-200, 1e200]), [1, 1, 0])


def brute_cumprod(g: Any, a: Any) -> Any:
    n = len(a)
    return [sum(g[k] * np.prod(np.delete(a[: k + 1], i)) for k in range(i, n)) for i in range(n)]


@pytest.mark.parametrize("zeros", [(), (0,), (3,), (6,), (1, 4), (0, 1, 2), tuple(range(7))])
def test_running_products_with_zeros(zeros: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    a, g = rng.normal(size=7), rng.normal(size=7)
    a[list(zeros)] = 0
    np.testing.assert_allclose(gradient(np.cumprod, a, g), brute_cumprod(g, a), atol=1e-14)
    assert gradcheck(np.cumprod, a, order=2, complex_step=False)


# NaN


@pytest.mark.parametrize(
    ("fn", "plain"),
    [
        (np.nansum, np.sum), (np.nanprod, np.prod), (np.nanmean, np.mean), (np.nanmax, np.max),
        (np.nanmin, np.min), (np.nanvar, np.var), (np.nanstd, np.std), (np.nanmedian, np.median),
        (np.nancumsum, np.cumsum), (np.nancumprod, np.cumprod),
    ],
)  # fmt: skip
def test_functions_without_nan(fn: Any, plain: Any) -> None:
    a = [NAN, 1.0, 2.5, NAN, -4.0]
    present = [1, 2, 4]
    expected = np.zeros(5)
    weight = 1.0 if "cum" not in fn.__name__ else np.arange(1.0, 6)
    kept = weight if np.ndim(weight) == 0 else np.array([2.0, 3.0 + 4.0, 5.0])  # a NaN repeats what is before it
    expected[present] = gradient(plain, np.array(a)[present], kept)
    np.testing.assert_allclose(gradient(fn, a, weight), expected)


@pytest.mark.parametrize("q", [0.3, [0.0, 0.5, 1.0]])
def test_quantiles_of_rows_with_different_numbers_of_nan(q: Any) -> None:
    a = np.array([[NAN, 1.0, 2.5, NAN, -4.0], [5.0, 2.0, 0.5, -1.0, 3.0], [NAN, NAN, 7.0, NAN, NAN]])
    found = gradient(lambda t: np.nanquantile(t, q, axis=1), a)
    for row, of_row in zip(a, found, strict=True):
        present = ~np.isnan(row)
        np.testing.assert_allclose(of_row[present], gradient(lambda t: np.quantile(t, q), row[present]))
        np.testing.assert_array_equal(of_row[~present], 0)
    percent = gradient(lambda t: np.nanpercentile(t, np.multiply(q, 100), axis=1), a)
    np.testing.assert_allclose(percent, found)


@pytest.mark.parametrize("fn", [np.nanmean, np.nanmax, np.nanvar, np.nanstd, np.nanmedian])
def test_a_row_of_nan_does_not_spoil_the_others(fn: Any) -> None:
    a = [[NAN, NAN], [1.0, 3.0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's own
        found = gradient(lambda t: fn(t, axis=1)[1], a)
    assert np.all(found[0] == 0)
    assert np.all(np.isfinite(found[1]))


# Ties


def test_the_largest_of_equals_share() -> None:
    a = [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]
    for fn in (np.max, np.amax, np.nanmax):
        np.testing.assert_allclose(gradient(lambda t, f=fn: f(t, axis=1), a), [[0, 0.5, 0.5], [1 / 3] * 3])
    for fn in (np.min, np.amin, np.nanmin):
        np.testing.assert_allclose(gradient(lambda t, f=fn: f(t, axis=1), a), [[1, 0, 0], [1 / 3] * 3])
    np.testing.assert_allclose(gradient(np.ptp, [2.0, 2.0]), [0, 0])


def test_the_constant_initial_wins() -> None:
    np.testing.assert_array_equal(gradient(lambda t: np.max(t, initial=3.0), [1.0, 3.0]), [0, 0])
    np.testing.assert_array_equal(gradient(lambda t: np.max(t, initial=2.0), [1.0, 3.0]), [0, 1])
    np.testing.assert_array_equal(
        gradient(lambda t: np.min(t, initial=9.0, where=np.array([False, True])), [1.0, 3.0]), [0, 1]
    )


@pytest.mark.parametrize("fn", [np.std, np.nanstd])
def test_the_deviation_of_equals_has_gradient_zero(fn: Any) -> None:
    np.testing.assert_array_equal(gradient(fn, [2.0, 2.0, 2.0]), [0, 0, 0])
    np.testing.assert_array_equal(gradient(fn, 2.0), 0)


def test_the_median_of_ties_gives_one_gradient_in_all() -> None:
    found = gradient(np.median, [2.0, 1.0, 2.0, 2.0, 3.0])
    assert sorted(found) == [0, 0, 0, 0, 1]
    assert np.array([2, 1, 2, 2, 3])[np.argmax(found)] == 2
    np.testing.assert_array_equal(gradient(np.median, [4.0, 1.0, 2.0, 9.0]), [0.5, 0, 0.5, 0])


def test_sorting_ties_keeps_their_order() -> None:
    g = [1.0, 2.0, 3.0, 4.0]
    np.testing.assert_array_equal(gradient(np.sort, [2.0, 1.0, 2.0, 1.0], g), [3, 1, 4, 2])
    np.testing.assert_array_equal(gradient(np.sort, [NAN, 1.0, NAN, 0.0], g), [3, 2, 4, 1])
    np.testing.assert_array_equal(gradient(lambda t: np.sort(t, axis=None), [[2.0], [1.0]], [5.0, 6.0]), [[6], [5]])


def test_partition_sends_each_gradient_where_its_element_came_from() -> None:
    rng = np.random.default_rng(0)
    for a in (rng.normal(size=500), rng.integers(5, size=500).astype(float)):
        y = np.partition(a, 250)
        found = gradient(lambda t: np.partition(t, 250), a, np.square(y))
        np.testing.assert_array_equal(found, np.square(a))


def test_each_value_once() -> None:
    np.testing.assert_array_equal(np.unique(Tensor([2.0, 1.0, 2.0])).data, [1, 2])
    np.testing.assert_array_equal(gradient(np.unique, [2.0, 1.0, 2.0, NAN, NAN], [5.0, 6.0, 7.0]), [6, 5, 0, 7, 0])
    separate = np.unique(Tensor([NAN, NAN, 1.0]), equal_nan=False)
    np.testing.assert_array_equal(separate.data, [1, NAN, NAN])
    assert np.unique(Tensor(np.ones(0))).shape == (0,)
    values, *positions = np.unique(Tensor([2.0, 1.0, 2.0]), True, True, True)
    assert isinstance(values, Tensor)
    np.testing.assert_equal(positions, [[1, 0], [1, 0, 1], [1, 2]])


# Options


@pytest.mark.parametrize(
    "fn",
    [np.sum, np.mean, np.prod, np.var, np.nanstd, np.cumsum, np.cumprod, np.nansum, np.nanmean, np.nancumsum],
)
def test_a_dtype_is_a_float_dtype(fn: Any) -> None:
    a = Tensor(np.float32([1, 2, 3]), requires_grad=True)
    y = fn(a, dtype=np.float64)
    assert y.dtype == np.float64
    np.sum(y).backward()
    assert a.grad.dtype == np.float32
    with pytest.raises(TypeError, match=r"dtype=int\d+ has no gradient"):
        fn(a, dtype=int)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda t: np.quantile(t, 0.5, method="inverted_cdf", weights=t), "weights"),
        (lambda t: np.sort(t, order="x"), "order"),
        (lambda t: np.sum(t, out=np.zeros(())), "out"),
        (lambda t: np.ptp(t, None, np.zeros(())), "out"),
        (lambda t: np.cov(t, dtype=int), "dtype"),
        (lambda t: np.var(t, ddof=t[0]), "ddof"),
    ],
)
def test_what_is_not_covered_is_named(call: Any, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        call(Tensor([1.0, 2.0, 3.0], requires_grad=True))


def test_options_at_their_defaults_are_no_options() -> None:
    t = Tensor([1.0, 2.0], requires_grad=True)
    assert np.average(t, None, None, False).item() == 1.5
    assert np.ptp(t, 0, None).item() == 1
    assert np.linspace(t, 1, 3, True, False).shape == (3, 2)


def test_a_variance_without_degrees_of_freedom_does_not_raise() -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fn in (np.var, np.std, np.nanvar, np.nanstd):
            assert gradient(lambda t, f=fn: f(t, ddof=1), [3.0]).shape == (1,)


def test_averages() -> None:
    a, w = np.array([1.0, 2.0, 6.0]), np.array([1.0, 2.0, 1.0])
    of_a, of_w = gradients(lambda a, w: np.average(a, weights=w), a, w)
    np.testing.assert_allclose(of_a, w / 4)
    np.testing.assert_allclose(of_w, (a - 11 / 4) / 4)
    with pytest.raises(ZeroDivisionError, match="weights sum to zero"):
        np.average(Tensor(a), weights=[1, -1, 0])
    with pytest.raises(TypeError, match="need an axis"):
        np.average(Tensor(np.ones((2, 3))), weights=w)
    with pytest.raises(ValueError, match="along axis 0"):
        np.average(Tensor(np.ones((2, 3))), axis=0, weights=w)


# No elements


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_reductions_of_nothing(shape: tuple[int, ...]) -> None:
    for fn in (np.sum, np.prod, np.nansum, np.nanprod, np.cumsum, np.cumprod, np.sort, np.nancumsum):
        x = Tensor(np.zeros(shape), requires_grad=True)
        y = fn(x)
        np.testing.assert_array_equal(y.data, fn(np.zeros(shape)))
        y.backward(np.ones(y.shape))
        assert x.grad.shape == shape


def test_a_median_of_nothing() -> None:
    x = Tensor(np.zeros((0, 2)), requires_grad=True)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's own: the mean of an empty slice
        y = np.median(x, axis=0)
        y.backward(np.ones(2))
    assert x.grad.shape == (0, 2)


# Differences, integrals, interpolation


def test_differences_of_too_few() -> None:
    for n, order in ((1, 1), (2, 3), (0, 1)):
        x = Tensor(np.ones(n), requires_grad=True)
        y = np.diff(x, order)
        assert y.shape == np.diff(np.ones(n), order).shape
        y.backward(np.ones(y.shape))
        np.testing.assert_array_equal(x.grad, np.zeros(n))
    assert np.diff(Tensor([1.0, 4.0]), 0).tolist() == [1, 4]


def test_differences_reach_what_is_put_before_and_behind() -> None:
    a, first, last = gradients(lambda a, p, q: np.diff(a, prepend=p, append=q), [1.0, 5.0], 2.0, [3.0, 4.0])
    np.testing.assert_array_equal(first, -1)
    np.testing.assert_array_equal(a, [0, 0])
    np.testing.assert_array_equal(last, [0, 1])


def test_slopes_over_coordinates_that_are_tensors() -> None:
    f, x = np.array([1.0, 2.0, 4.0, 3.0]), np.array([0.0, 1.0, 2.0, 3.0])  # evenly spaced
    for order in (1, 2):
        assert gradcheck(lambda f, x, n=order: np.gradient(f, x, edge_order=n), [f, x], complex_step=False)
    np.testing.assert_allclose(np.gradient(Tensor(f), Tensor(x)).data, np.gradient(f, x), rtol=1e-15)
    assert gradcheck(lambda h: np.gradient(f, h, edge_order=2), 0.5, order=2)


def test_what_gradient_refuses() -> None:
    t = Tensor(np.ones((2, 3)), requires_grad=True)
    for args, kwargs in (
        ((np.ones(4),), {"axis": 1}), ((np.ones((2, 2)),), {"axis": 1}), ((), {"axis": 0, "edge_order": 2}),
        ((), {"edge_order": 3}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"np\.gradient"):
            np.gradient(t, *args, **kwargs)
    with pytest.raises(TypeError, match="3 spacings for 2 axes"):
        np.gradient(t, 1.0, 2.0, 3.0)


def test_an_integral_reaches_its_coordinates() -> None:
    f, x = np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 3.0])
    assert gradcheck(lambda f, x: np.trapezoid(f, x), [f, x], order=2)
    np.testing.assert_allclose(gradients(np.trapezoid, f, x)[0], [0.5, 1.5, 1])


def test_interpolation_at_and_beyond_the_samples() -> None:
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([1.0, 2.0, 8.0])
    x = [-1.0, 0.0, 0.5, 1.0, 3.0, 4.0]
    of_x, of_xp, of_fp = gradients(np.interp, x, xp, fp)
    np.testing.assert_array_equal(of_x, [0, 1, 1, 3, 0, 0])
    np.testing.assert_array_equal(of_fp, [2.5, 1.5, 2])
    np.testing.assert_array_equal(of_xp, [-1.5, -3.5, 0])
    with_ends = gradient(lambda f: np.interp(x, xp, f, left=7.0, right=9.0), fp)
    np.testing.assert_array_equal(with_ends, [1.5, 1.5, 1])


def test_interpolation_of_infinity_and_nan() -> None:
    x = [-INF, INF, NAN, 0.5]
    y = np.interp(Tensor(x), [0.0, 1.0], [2.0, 4.0])
    np.testing.assert_array_equal(y.data, np.interp(x, [0.0, 1.0], [2.0, 4.0]))
    found = gradient(lambda t: np.interp(t, [0.0, 1.0], [2.0, 4.0])[np.array([0, 1, 3])], x)
    np.testing.assert_array_equal(found, [0, 0, 0, 2])


@pytest.mark.parametrize("places", [0, (3,), (2, 3)])
def test_interpolation_in_a_compiled_step_looks_again_where_each_place_is(places: Any) -> None:
    def step(x: Any) -> Any:
        loss = np.sum(np.interp(x, [0.0, 1.0, 3.0], [2.0, 4.0, -1.0]) ** 2)
        loss.backward()
        return loss

    compiled, rng = compiled_step(step), np.random.default_rng(0)
    for _ in range(4):
        x = rng.uniform(-1, 4, size=places)
        own, other = Tensor(x, requires_grad=True), Tensor(x, requires_grad=True)
        np.testing.assert_allclose(compiled(own).item(), step(other).item())
        np.testing.assert_allclose(own.grad, other.grad)


def test_interpolation_refuses_samples_that_do_not_fit() -> None:
    x = Tensor([0.5], requires_grad=True)
    for xp, fp in (([0.0, 1.0], [1.0]), ([], []), ([[0.0]], [[1.0]])):
        with pytest.raises(ValueError, match=r"np\.interp of samples"):
            np.interp(x, xp, fp)
    with pytest.raises(ValueError, match="period is 0"):
        np.interp(x, [0.0, 1.0], [1.0, 2.0], period=0)


def test_convolution_refuses_what_it_does_not_know() -> None:
    a = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match="mode 'circular'"):
        np.convolve(a, [1.0], mode="circular")
    with pytest.raises(ValueError, match="empty"):
        np.convolve(a, [])


def test_correlation_of_a_shorter_with_a_longer_row() -> None:
    rng = np.random.default_rng(0)
    for n, m in ((3, 6), (4, 5), (5, 4), (1, 4)):
        a, v = rng.normal(size=n), rng.normal(size=m)
        for mode in ("full", "same", "valid"):
            ours = np.correlate(Tensor(a), Tensor(v), mode)
            np.testing.assert_array_equal(ours.data, np.correlate(a, v, mode))


def test_the_ends_of_a_range_are_exact() -> None:
    a, b = Tensor(0.1, requires_grad=True), Tensor(0.7, requires_grad=True)
    y = np.linspace(a, b, 7)
    assert y.data[0] == 0.1
    assert y.data[-1] == 0.7
    np.sum(y).backward()
    np.testing.assert_allclose([a.grad, b.grad], [3.5, 3.5])


# Polynomials


def test_polynomials_at_zero_and_of_degree_zero() -> None:
    of_p, of_x = gradients(np.polyval, [2.0, 3.0, 5.0], [0.0, 2.0])
    np.testing.assert_array_equal(of_x, [3, 11])
    np.testing.assert_array_equal(of_p, [4, 2, 2])
    np.testing.assert_array_equal(gradient(lambda p: np.polyval(p, 3.0), [7.0]), [1])
    np.testing.assert_array_equal(gradient(lambda x: np.vander(x, 4), [0.0, 1.0]), [1, 6])
    np.testing.assert_array_equal(gradient(lambda x: np.vander(x, 1), [0.0, 1.0]), [0, 0])


def test_a_product_of_polynomials_leaves_out_leading_zeros() -> None:
    a, b = [0.0, 0.0, 2.0, 1.0], [3.0, 4.0]
    y = np.polymul(Tensor(a), Tensor(b))
    np.testing.assert_array_equal(y.data, np.polymul(a, b))
    np.testing.assert_array_equal(gradients(np.polymul, a, b)[0], [0, 0, 7, 7])
    np.testing.assert_array_equal(np.polymul(Tensor([0.0, 0.0]), Tensor(b)).data, np.polymul([0.0, 0.0], b))


def test_an_integral_of_a_polynomial_needs_its_constants() -> None:
    with pytest.raises(ValueError, match="2 constants of integration for 3 integrals"):
        np.polyint(Tensor([1.0, 2.0]), 3, [1.0, 2.0])


def test_a_correlation_is_one_with_itself() -> None:
    x = np.random.default_rng(0).normal(size=(2, 9))
    np.testing.assert_allclose(gradient(lambda t: np.diagonal(np.corrcoef(t)), x), np.zeros((2, 9)), atol=1e-15)
    assert np.corrcoef(Tensor(x[0])).item() == 1


@pytest.mark.filterwarnings("ignore")  # the values of some overflow, as NumPy's do
@pytest.mark.parametrize(
    "reduce",
    [np.mean, np.max, np.min, np.var, np.average, np.ptp, np.nanmax, lambda x: np.mean(x, where=np.ones(70_000, bool))],
)
def test_half_precision_divides_by_more_than_its_largest_number(reduce: Any) -> None:
    values = np.where(np.arange(70_000) % 2, 1.0, 3.0)
    half, double = Tensor(values.astype(np.float16), requires_grad=True), Tensor(values, requires_grad=True)
    for x in (half, double):
        reduce(x).backward()
    assert half.grad.dtype == np.float16
    np.testing.assert_allclose(half.grad, double.grad, rtol=3e-3)


@pytest.mark.parametrize("ufunc", [np.logaddexp, np.hypot, np.add, np.multiply])
@pytest.mark.parametrize(("shape", "axis"), [((0,), 0), ((3, 0), 0), ((3, 0), 1), ((0, 2), (0, 1)), ((0,), None)])
def test_reductions_of_nothing_are_numpys(ufunc: Any, shape: Any, axis: Any) -> None:
    x = np.zeros(shape)
    for options in ({}, {"keepdims": True}):
        expected = ufunc.reduce(x, axis=axis, **options)
        found = ufunc.reduce(Tensor(x, requires_grad=True), axis=axis, **options)
        np.testing.assert_array_equal(found.data, expected, strict=True)


@pytest.mark.parametrize("mode", ["maximum", "minimum", "median", "mean"])
def test_padding_of_nothing_is_numpys(mode: Any) -> None:
    for shape, width in (((3, 0), ((1, 1), (0, 0))), ((0, 3), ((0, 0), (1, 1))), ((0,), 0)):
        found = np.pad(Tensor(np.zeros(shape), requires_grad=True), width, mode)  # type: ignore[call-overload]
        np.testing.assert_array_equal(found.data, np.pad(np.zeros(shape), width, mode), strict=True)
