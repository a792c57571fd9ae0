"""The methods of ufuncs, `where=` beside `out=`: NumPy's values, and derivatives to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Tensor, grad
from autograd.testing import gradcheck

ASSOCIATIVE = [np.logaddexp, np.logaddexp2, np.hypot, np.maximum, np.minimum, np.fmax, np.fmin, np.add, np.multiply]
ORDERED = [np.subtract, np.divide, np.power, np.arctan2, np.fmod, np.remainder]
A = np.random.default_rng(0).uniform(1.0, 2.0, size=(5, 3))


def check(fn: Any, *arrays: Any) -> None:
    """The value of `fn` on Tensors is that on arrays, and its derivatives are right."""
    got = fn(*[Tensor(a, requires_grad=True) for a in arrays])
    assert isinstance(got, Tensor)
    np.testing.assert_allclose(got.data, fn(*[a.copy() for a in arrays]), rtol=1e-12)
    gradcheck(fn, arrays, order=2)


def last_accumulated(ufunc: Any, a: Any, axis: int = 0, keepdims: bool = False, initial: float | None = None) -> Any:
    """`ufunc.reduce` of an array: where NumPy uses AVX-512, its own reduces `power` and `arctan2` to wrong numbers."""
    if initial is not None:
        a = np.concatenate([np.full_like(np.take(a, [0], axis), initial), a], axis)
    last = np.take(ufunc.accumulate(a, axis=axis), [-1], axis)
    return last if keepdims else np.squeeze(last, axis)


@pytest.mark.parametrize("options", [{}, {"axis": 1, "keepdims": True}, {"axis": -1, "initial": 1.5}])
@pytest.mark.parametrize("ufunc", [*ASSOCIATIVE, *ORDERED])
def test_reduce(ufunc: Any, options: Any) -> None:
    check(lambda a: ufunc.reduce(a, **options) if isinstance(a, Tensor) else last_accumulated(ufunc, a, **options), A)


@pytest.mark.parametrize("options", [{"axis": None}, {"axis": (0, 1)}, {"where": A > 1.3}, {"dtype": np.float64}])
@pytest.mark.parametrize("ufunc", [np.logaddexp, np.hypot])
def test_reduce_over_all_axes_and_where(ufunc: Any, options: Any) -> None:
    check(lambda a: ufunc.reduce(a, **options), A)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("ufunc", [*ASSOCIATIVE, *ORDERED])
def test_accumulate(ufunc: Any, axis: int) -> None:
    check(lambda a: ufunc.accumulate(a, axis=axis), A)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.logaddexp, np.maximum, np.subtract])
def test_reduceat(ufunc: Any) -> None:
    check(lambda a: ufunc.reduceat(a, [0, 3, 1, 4]), A)
    check(lambda a: ufunc.reduceat(a, np.array([1, 2]), axis=1), A)


@pytest.mark.parametrize("ufunc", [np.multiply, np.divide, np.maximum, np.hypot, np.subtract, np.power])
@given(index=st.lists(st.integers(-5, 4), max_size=8))
def test_at_does_repeated_positions_again(ufunc: Any, index: list[int]) -> None:
    def fn(a: Any, v: Any) -> Any:
        out = a.copy()
        ufunc.at(out, np.array(index, np.intp), v)
        return out

    v = np.linspace(0.7, 1.9, 3 * len(index)).reshape(-1, 3)
    got = fn(Tensor(A, requires_grad=True), Tensor(v, requires_grad=True))
    np.testing.assert_allclose(got.data, fn(A, v), rtol=1e-12)


def test_gradients_of_at() -> None:
    def fn(a: Any, v: Any) -> Any:
        out = a * 1
        np.multiply.at(out, ([0, 2, 0, 0], [1, 1, 1, 2]), v)
        np.exp.at(out, ([4, 4, 3], 0))
        return out

    check(fn, A, np.array([0.5, 2.0, 3.0, 1.5]))


def test_logaddexp_reduces_minus_infinity_without_nan() -> None:
    fn = lambda a: np.logaddexp.reduce(a)
    np.testing.assert_allclose(grad(fn)(np.array([-np.inf, 0.0, -np.inf, 0.0, -np.inf])), [0, 0.5, 0, 0.5, 0])
    assert np.all(np.isfinite(grad(fn)(np.full(3, -np.inf))))


def test_methods_of_empty_axes() -> None:
    empty = Tensor(np.ones((0, 3)), requires_grad=True)
    np.testing.assert_array_equal(np.logaddexp.reduce(empty).data, [-np.inf] * 3)
    assert np.hypot.accumulate(empty).shape == (0, 3)
    with pytest.raises(ValueError, match=r"np\.subtract\.reduce of .*: no elements, and no identity"):
        np.subtract.reduce(empty)


def test_a_number_has_an_axis_0() -> None:
    assert np.logaddexp.reduce(Tensor(2.5)).item() == np.hypot.reduce(Tensor(2.5), axis=None).item() == 2.5
    with pytest.raises(ValueError, match=r"np\.logaddexp\.reduce of Tensor of shape \(\): axis 1"):
        np.logaddexp.reduce(Tensor(2.5), axis=1)


def test_methods_of_truth_values_are_plain() -> None:
    t = Tensor([1.0, 0.0, 2.0], requires_grad=True)
    assert np.logical_and.reduce(t) is np.False_
    np.testing.assert_array_equal(np.greater.outer(t, [0.5, 1.5]), np.greater.outer(t.data, [0.5, 1.5]))


def test_methods_write_into_out() -> None:
    t = Tensor(A, requires_grad=True)
    out = Tensor(np.zeros(3))
    assert np.logaddexp.reduce(t, out=out) is out
    np.sum(out).backward()
    np.testing.assert_allclose(t.grad, np.exp(A - np.logaddexp.reduce(A)))


@pytest.mark.parametrize("array", [np.array([2.0, 0.0, -1.0, 3.0]), np.array([[0.0, 4.0], [2.0, 0.0]])])
def test_where_beside_out_computes_only_what_is_chosen(array: Any) -> None:
    def fn(a: Any) -> Any:
        inverse = np.divide(1.0, a, out=np.zeros_like(a), where=np.abs(a) > 0.5)
        return np.log(a, out=inverse * 3, where=a > 0.5) + inverse

    with np.errstate(all="raise"):
        check(fn, array)
    assert fn(Tensor(array.astype(np.float32), requires_grad=True)).dtype == np.float32


@pytest.mark.parametrize(
    "builtin",
    [
        lambda t: divmod(t, 2.0),
        lambda t: divmod(7.0, t),
        lambda t: round(t[0], 1),
        lambda t: round(t[0]),
    ],
)
def test_what_python_itself_calls_on_arrays(builtin: Any) -> None:
    x = np.array([7.56, -3.25])
    for ours, theirs in zip(np.atleast_1d(builtin(Tensor(x))), np.atleast_1d(builtin(x)), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_remainder_by_divmod_has_its_gradient() -> None:
    assert grad(lambda t: np.sum(divmod(t, 2.0)[1]))(np.array([7.5, -3.25])).tolist() == [1, 1]
    assert grad(lambda t: np.sum(divmod(7.0, t)[1]))(np.array([2.0, -3.0])).tolist() == [-3, 3]
