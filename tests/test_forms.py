"""The many ways in which a NumPy function may be called: values, first and second derivatives, as other suites ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor, compile, grad
from autograd.testing import gradcheck

RNG = np.random.default_rng(3)
MASK = np.array([True, False, True, True])


def draw(*shape: int) -> Any:
    return RNG.normal(size=shape)


def apart(*shape: int) -> Any:
    """Elements that stay in their order when each moves a little."""
    return RNG.permutation(int(np.prod(shape))).reshape(shape) * 0.37 - 1.1 + RNG.uniform(0, 0.1, size=shape)


def several(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def check(fn: Callable[..., Any], *arrays: Any) -> None:
    """The values of `fn` are NumPy's, and so are their dtypes; its derivatives are right."""
    expected = several(fn(*[np.copy(a) for a in arrays]))
    got = several(fn(*[Tensor(a, requires_grad=True) for a in arrays]))
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.dtype == np.asarray(theirs).dtype
        np.testing.assert_allclose(getattr(ours, "data", ours), theirs, rtol=1e-10, atol=1e-12)
    for k in range(len(expected)):
        gradcheck(lambda *a, k=k: several(fn(*a))[k], arrays, order=2)


def single(array: Any) -> Any:
    return np.asarray(array, np.float32)


# Options of ufuncs

UFUNCS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "dtype": (lambda a: np.exp(a, dtype=np.float64), (draw(3),)),
    "dtype by its name, of two": (lambda a, b: np.multiply(a, b, dtype="float64"), (draw(3), draw(2, 3))),
    "signature": (lambda a, b: np.add(a, b, signature="dd->d"), (draw(3), draw(3))),
    "signature as a tuple": (lambda a: np.sin(a, signature=(None, np.float64)), (draw(3),)),
    "casting, order and subok": (lambda a: np.tan(a, casting="same_kind", order="C", subok=True), (draw(3),)),
    "a list beside a dtype": (lambda a: np.add(a, [1, 2, 3], dtype=np.float64), (draw(3),)),
    "axes of matmul": (lambda a, b: np.matmul(a, b, axes=[(1, 0), (0, 1), (1, 0)]), (draw(3, 2), draw(3, 4))),
    "axes and no result's": (lambda a, b: np.vecdot(a, b, axes=[0, 0]), (draw(3, 2), draw(3, 2))),
    "axes of vecdot": (lambda a, b: np.vecdot(a, b, axes=[0, 0, ()]), (draw(3, 2), draw(3, 2))),
    "keepdims of vecdot": (lambda a, b: np.vecdot(a, b, axis=0, keepdims=True), (draw(3, 2), draw(3, 2))),
    "outer with a dtype": (lambda a, b: np.add.outer(a, b, dtype=np.float64), (draw(2), draw(3))),
    "reduce with everything by position": (lambda a: np.maximum.reduce(a, 0, None, None, True), (apart(4),)),
    "reduce with where of fmax": (lambda a: np.fmax.reduce(a, axis=1, initial=-9.0, where=MASK), (apart(3, 4),)),
    "reduceat over one element": (lambda a: np.hypot.reduceat(a, [0, 2, 3]), (np.array([1.0, 2.0, -3.0, 4.0]),)),
}


@pytest.mark.parametrize("form", UFUNCS)
def test_options_of_ufuncs(form: str) -> None:
    fn, arrays = UFUNCS[form]
    check(fn, *arrays)


@pytest.mark.parametrize(
    "fn",
    [
        lambda a: np.exp(a, dtype=np.float64),
        lambda a: np.maximum.reduce(a, dtype=np.float64),
        lambda a: np.add(a, single(1.0), signature="dd->d"),
        lambda a: np.concatenate([a, a], dtype=np.float64),
        lambda a: np.hstack([a, single([1, 2])], dtype=np.float64),
        lambda a: np.clip(a, -1, 1, dtype=np.float64),
        lambda a: np.trace(np.outer(a, a), dtype=np.float64),
        lambda a: np.einsum("i,i->", a, a, dtype=np.float64),
        lambda a: np.cov(a, dtype=np.float64),
    ],
)
def test_a_wider_dtype_gives_a_gradient_in_the_operands(fn: Any) -> None:
    a = single([0.3, -0.4])
    t = Tensor(a, requires_grad=True)
    y = fn(t)
    assert y.dtype == np.asarray(fn(a)).dtype == np.float64
    np.testing.assert_array_equal(y.data, fn(a))
    np.sum(y).backward()
    assert t.grad.dtype == np.float32


def test_casting_is_checked_as_numpy_checks_it() -> None:
    t = Tensor([1.0], requires_grad=True)
    for fn in (
        lambda: np.exp(t, dtype=np.float32, casting="safe"),
        lambda: np.concatenate([t], dtype=np.float32, casting="safe"),
        lambda: np.einsum("i->i", t, dtype=np.float32),
    ):
        with pytest.raises(TypeError, match=r"Cannot cast|float32 by the rule 'safe'"):
            fn()
    with pytest.raises(TypeError, match=r"np\.add .*has no gradient"):
        np.add(t, t, signature="ii->i", casting="unsafe")


def test_hypot_of_one_element_is_its_size() -> None:
    assert np.hypot.reduce(Tensor([-3.0])).item() == np.hypot.reduce([-3.0]) == 3
    np.testing.assert_array_equal(np.hypot.accumulate(Tensor([-3.0, 4.0])).data, np.hypot.accumulate([-3.0, 4.0]))


def test_two_results_go_into_two_tensors() -> None:
    t = Tensor([1.5, 2.25], requires_grad=True)
    part, whole = Tensor(np.zeros(2)), Tensor(np.zeros(2))
    np.modf(t, out=(part, whole))
    np.sum(part * whole).backward()
    np.testing.assert_array_equal(part.data, [0.5, 0.25])
    np.testing.assert_array_equal(t.grad, [1, 2])


def test_out_that_is_an_array_is_named_beside_where() -> None:
    with pytest.raises(TypeError, match="out= ndarray"):
        np.add(Tensor([1.0], requires_grad=True), 1.0, out=np.zeros(1), where=[True])


# Options that hold Tensors

A = apart(3, 4)
TENSORS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    **{
        f"initial of {fn.__name__}": (lambda a, i, fn=fn: fn(a, axis=1, initial=i), (A, np.array(0.8)))
        for fn in (np.sum, np.prod, np.max, np.min, np.nansum, np.nanprod, np.nanmax, np.nanmin)
    },
    **{
        f"initial of {fn.__name__}.reduce": (lambda a, i, fn=fn: fn.reduce(a, initial=i), (A, np.array(0.8)))
        for fn in (np.add, np.multiply, np.maximum, np.logaddexp, np.fmin)
    },
    "initial where nothing is chosen": (lambda a, i: np.max(a, initial=i, where=False), (A, np.array(0.8))),
    "initial with where and keepdims": (
        lambda a, i: np.sum(a, 0, initial=i, where=MASK, keepdims=True),
        (A, np.array(0.8)),
    ),
    **{
        f"mean of {fn.__name__}": (lambda a, m, fn=fn: fn(a, axis=1, mean=m, ddof=1), (A, draw(3, 1)))
        for fn in (np.var, np.std, np.nanvar, np.nanstd)
    },
    "the mean itself": (lambda a: np.var(a, axis=0, mean=np.mean(a, axis=0, keepdims=True), keepdims=True), (A,)),
    "mean with where": (lambda a, m: np.std(a, mean=m, where=MASK), (A, np.array([[0.3]]))),
    **{
        f"q of {fn.__name__}, {method}": (
            lambda a, q, fn=fn, method=method: fn(a, q, axis=1, method=method, keepdims=True),
            (apart(2, 5), np.array([0.23, 0.74]) * scale),
        )
        for fn, scale in ((np.quantile, 1), (np.percentile, 100), (np.nanquantile, 1), (np.nanpercentile, 100))
        for method in ("linear", "weibull", "median_unbiased", "nearest")
    },
    "one q of all": (lambda a, q: np.quantile(a, q), (A, np.array(0.3))),
    "q beyond the last rank": (lambda a, q: np.quantile(a, q, method="weibull"), (apart(5), np.array(0.97))),
    "period of unwrap": (lambda p, period: np.unwrap(p, period=period), (np.array([0, 1.9, 5, 9.1]), np.array(4.0))),
    "ends of a ramp": (
        lambda a, e: np.pad(a, ((1, 2), (0, 3)), "linear_ramp", end_values=e),
        (draw(2, 3), draw(2, 2)),
    ),
    "base of logspace": (lambda a, b: np.logspace(a, 1.0, 3, base=b, axis=-1), (draw(2), np.array([1.5, 2.5]))),
    "weights of cov": (lambda m, w: np.cov(m, aweights=w, fweights=[1, 2, 1, 3], ddof=0), (draw(2, 4), apart(4) + 2)),
}


@pytest.mark.parametrize("form", TENSORS)
def test_options_that_hold_tensors(form: str) -> None:
    fn, arrays = TENSORS[form]
    check(fn, *arrays)


def test_a_nan_that_is_replaced_by_a_tensor() -> None:
    a, v = np.array([1.0, np.nan, np.inf]), Tensor(2.0, requires_grad=True)
    y = np.nan_to_num(Tensor(a), nan=v, posinf=3 * v)
    np.sum(y * [1, 10, 100]).backward()
    np.testing.assert_array_equal(y.data, [1, 2, 6])
    assert v.grad == 10 + 300


def test_a_missing_value_is_no_rank() -> None:
    a, q = np.array([3.0, np.nan, 1.0, 2.0]), Tensor(0.6, requires_grad=True)
    y = np.nanquantile(a, q)
    y.backward()
    assert y.item() == np.nanquantile(a, 0.6)
    np.testing.assert_allclose(q.grad, 2.0)  # three elements, one apart


def test_a_quantile_of_a_row_with_nan_is_nan() -> None:
    assert np.isnan(np.quantile(np.array([1.0, np.nan]), Tensor(0.3, requires_grad=True)).data)


def test_initial_is_one_number() -> None:
    t = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"np\.sum with initial= of shape \(2,\)"):
        np.sum(t, initial=t)


def test_the_derivative_by_q_is_what_a_line_between_elements_has() -> None:
    assert grad(lambda q: np.percentile([1.0, 2.0, 4.0], q))(60.0) == pytest.approx(0.04)
    assert grad(lambda q: np.quantile([1.0, 2.0, 4.0], q, method="lower"))(0.6) == 0


def test_options_with_tensors_in_a_compiled_step() -> None:
    def loss(a: Any, v: Any) -> Any:
        return np.sum(np.max(a, axis=0, initial=v) * np.quantile(a, v, axis=0) + np.var(a, mean=np.mean(a), axis=0))

    eager = grad(loss, (0, 1))
    compiled = compile(lambda a, v: eager(a, v))
    for shift in (0.0, 0.4):
        for got, expected in zip(compiled(A + shift, np.array(0.4)), eager(A + shift, np.array(0.4)), strict=True):
            np.testing.assert_allclose(got, expected)


# Further forms

FORMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "average and its weights": (lambda a, w: np.average(a, 1, w, True), (draw(3, 4), RNG.uniform(1, 2, size=4))),
    "average and how many": (lambda a: np.average(a, axis=0, returned=True, keepdims=True), (draw(3, 4),)),
    "median that may overwrite": (lambda a: np.median(a, overwrite_input=True), (A,)),
    "quantile by position": (lambda a: np.quantile(a, 0.3, 1, None, True, "hazen", True), (A,)),
    "weighted quantile": (
        lambda a: np.quantile(a, [0.3, 0.8], axis=1, method="inverted_cdf", weights=[1, 2, 3, 4]),
        (A,),
    ),
    "weighted percentile of all": (
        lambda a: np.percentile(a, 40, method="inverted_cdf", weights=np.arange(1.0, 13).reshape(3, 4)),
        (A,),
    ),
    "linspace and its step": (lambda a, b: np.linspace(a, b, 4, retstep=True), (draw(2), draw())),
    "covariance, all weights": (lambda m: np.cov(m, fweights=[1, 2, 1], aweights=[0.5, 1, 2]), (draw(2, 3),)),
    "correlation in a dtype": (lambda m: np.corrcoef(m, dtype=np.float64), (draw(3, 4),)),
    "a fit and its covariance": (lambda x, y: np.polyfit(x, y, 1, cov=True), (apart(5), draw(5))),
    "a fit and its covariance, unscaled": (lambda x, y: np.polyfit(x, y, 2, cov="unscaled"), (apart(6), draw(6, 2))),
    "a copy in another shape": (lambda a: np.reshape(a, (4, 3), copy=True), (A,)),
    "broadcast with subok": (lambda a, b: np.broadcast_arrays(a, b, subok=True)[1], (draw(3), draw(2, 1))),
    "hermitian pinv": (lambda a: np.linalg.pinv(a + a.T, hermitian=True), (draw(3, 3),)),
    "hermitian singular values": (lambda a: np.linalg.svd(a + a.T, compute_uv=False, hermitian=True), (draw(3, 3),)),
    "unique in no order": (lambda a: np.sort(np.unique(a, equal_nan=False)), (A,)),
    "nothing written": (lambda a: written(a, [], 2.0), (draw(3),)),
}


def written(a: Any, index: Any, value: Any) -> Any:
    a = a.copy()
    a[index] = value
    return a


@pytest.mark.parametrize("form", FORMS)
def test_further_forms(form: str) -> None:
    fn, arrays = FORMS[form]
    check(fn, *arrays)


def test_a_hermitian_decomposition_gives_back_the_matrix() -> None:
    a = RNG.normal(size=(2, 3, 3))
    a = Tensor(a + np.swapaxes(a, -1, -2))
    u, s, vh = np.linalg.svd(a, hermitian=True)
    np.testing.assert_allclose(((u * s[..., None, :]) @ vh).data, a.data, atol=1e-12)
    for ours, theirs in zip((u, s, vh), np.linalg.svd(a.data, hermitian=True), strict=True):
        np.testing.assert_allclose(ours.data, theirs, atol=1e-12)


def test_a_full_fit_has_all_that_numpy_gives() -> None:
    x, y = apart(6), draw(6)
    for ours, theirs in zip(np.polyfit(Tensor(x), y, 2, full=True), np.polyfit(x, y, 2, full=True), strict=True):
        np.testing.assert_allclose(getattr(ours, "data", ours), theirs)


def test_what_may_be_overwritten_is_not() -> None:
    a = apart(5)
    t = Tensor(a)
    np.median(t, overwrite_input=True)
    np.quantile(t, 0.2, overwrite_input=True)
    np.testing.assert_array_equal(t.data, a)


def test_a_copy_in_another_shape_is_no_view() -> None:
    t = Tensor(np.zeros(4))
    copied = t.reshape(2, 2, copy=True)
    copied[0] = 1.0
    assert not np.any(t.data)


@pytest.mark.parametrize("weights", [{"fweights": [1.5, 1, 1]}, {"aweights": [1, -1, 1]}, {"fweights": [1, 2]}])
def test_weights_of_observations_are_checked(weights: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="weights"):
        np.cov(Tensor(draw(2, 3)), **weights)


def test_histograms_are_double_where_numpy_makes_them_so() -> None:
    a = single(RNG.normal(size=(9, 2)))
    w = single(RNG.uniform(1, 2, size=9))
    for fn in (
        lambda a, w: np.histogramdd(a, 2, [(-1, 1), (-1, 1)], True, w),
        lambda a, w: np.histogramdd(a[:, :1], 3, None, True, w),
    ):
        (heights, edges), (expected, bounds) = fn(Tensor(a), Tensor(w)), fn(a, w)
        assert heights.dtype == expected.dtype
        assert [e.dtype for e in edges] == [e.dtype for e in bounds]


def test_an_error_names_a_list_of_tensors() -> None:
    t = Tensor([1.0, 2.0], name="u")
    with pytest.raises(ValueError, match=r"np\.vstack of \[u of shape \(2,\), ndarray of shape \(3,\)\]"):
        np.vstack([t, np.ones(3)])
