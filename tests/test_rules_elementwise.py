"""Element-by-element rules where they are delicate: kinks, poles, infinities, NaN, no axes, no elements."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.core.op import operations

PI, INF, NAN = np.pi, np.inf, np.nan


def gradients(fn: Callable[..., Any], *values: Any, weight: Any = 1.0) -> list[Any]:
    """The gradients of sum(weight * fn(values)), a Tensor made of each float."""
    leaves = [Tensor(v, requires_grad=True) if np.asarray(v).dtype.kind == "f" else v for v in values]
    with np.errstate(all="ignore"):
        np.sum(fn(*leaves) * weight).backward()
    return [leaf.grad for leaf in leaves if isinstance(leaf, Tensor)]


def derivatives(fn: Callable[[Any], Any], x: float, order: int) -> list[float]:
    """The derivatives of `fn` at `x`, each the gradient of the one before."""
    leaf = Tensor(x, requires_grad=True)
    found, y = [], fn(leaf)
    for _ in range(order):
        leaf.zero_grad()
        y.backward(create_graph=True)
        y = leaf.grad
        found.append(y.item())
    return found


# Poles: an infinite derivative, and a gradient of exactly zero


@pytest.mark.parametrize(
    ("fn", "pole"),
    [
        (np.sqrt, 0.0), (np.cbrt, 0.0), (np.reciprocal, 0.0), (np.log, 0.0), (np.log2, 0.0), (np.log10, 0.0),
        (np.log1p, -1.0), (np.arcsin, 1.0), (np.arccos, -1.0), (np.arccosh, 1.0), (np.arctanh, -1.0),
        (lambda a: a**0.5, 0.0), (lambda a: 1 / a, 0.0), (np.exp, 1e3), (np.exp2, 2e3), (np.expm1, 1e3),
        (np.sinh, 1e3), (np.cosh, -1e3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_branch_that_was_not_taken_has_gradient_zero(fn: Any, pole: float, create_graph: bool) -> None:
    x = Tensor([pole, 0.7 if fn is not np.arccosh else 1.7], requires_grad=True)
    with np.errstate(all="ignore"):
        np.sum(np.where(x == pole, 0, fn(x))).backward(create_graph=create_graph)
        if create_graph:
            first, x.grad = x.grad, None
            np.sum(first * first).backward()
    found = x.grad
    assert found[0] == 0
    assert np.isfinite(found[1])
    assert found[1] != 0


def test_a_pole_that_matters_stays_infinite() -> None:
    assert gradients(np.sqrt, 0.0)[0] == INF
    assert gradients(np.log, 0.0)[0] == INF
    assert gradients(np.arccos, 1.0)[0] == -INF


# Powers


def test_powers_at_zero() -> None:
    for power in (np.power, np.float_power):
        np.testing.assert_array_equal(gradients(lambda a, p=power: p(a, 0), [0.0, 2.0])[0], [0, 0])
        base, exponent = gradients(power, [0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, 3.0])
        np.testing.assert_allclose(base, [0, 1, 0, 12])
        np.testing.assert_allclose(exponent, [0, 0, 0, 8 * np.log(2)])


def test_powers_of_a_negative_base() -> None:
    np.testing.assert_allclose(gradients(lambda a: a**3, [-2.0])[0], [12])
    np.testing.assert_allclose(gradients(np.power, [-2.0, -2.0], np.array([2, 3]))[0], [-4, 12])


def test_float_power_computes_in_float64_and_gives_float32_gradients() -> None:
    a = Tensor(np.float32([1.5, 2.5]), requires_grad=True)
    y = np.float_power(a, 3)
    assert y.dtype == np.float64
    np.sum(y).backward()
    assert a.grad.dtype == np.float32
    np.testing.assert_allclose(a.grad, [6.75, 18.75])


def test_an_exponent_of_a_python_base_keeps_float32() -> None:
    b = Tensor(np.float32([1, -2]), requires_grad=True)
    seen: list[Any] = []
    y = 2.0**b
    y.register_hook(lambda g: seen.append(g.dtype))
    np.sum(y).backward()
    np.testing.assert_allclose(b.grad, np.log(2) * np.array([2, 0.25]), rtol=1e-6)
    assert seen == [np.float32]


# Infinities


def test_logaddexp_at_infinities() -> None:
    a = [-INF, -INF, INF, INF, 0.0, 0.0]
    b = [-INF, 1.00, INF, 1.0, INF, 0.0]
    for fn in (np.logaddexp, np.logaddexp2):
        of_a, of_b = gradients(fn, a, b)
        np.testing.assert_allclose(of_a, [0.5, 0, 0.5, 1, 0, 0.5])
        np.testing.assert_allclose(of_b, [0.5, 1, 0.5, 0, 1, 0.5])


def test_logaddexp_far_apart_has_no_overflow() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        of_a, of_b = gradients(np.logaddexp, [1e4, -1e4], [-1e4, 1e4])
    np.testing.assert_array_equal(of_a, [1, 0])
    np.testing.assert_array_equal(of_b, [0, 1])


def test_hypot_and_arctan2_at_the_origin_and_at_infinity() -> None:
    a = [0.0, INF, -INF, 1.0, -INF, 1e200]
    b = [0.0, 1.0, INF, -INF, 2.0, 1e200]
    half = np.sqrt(0.5)
    of_a, of_b = gradients(np.hypot, a, b)
    np.testing.assert_allclose(of_a, [0, 1, -half, 0, -1, half])
    np.testing.assert_allclose(of_b, [0, 0, half, -1, 0, half])
    of_a, of_b = gradients(np.arctan2, a, b)
    np.testing.assert_allclose(of_a, [0, 0, 0, 0, 0, 5e-201])
    np.testing.assert_allclose(of_b, [0, 0, 0, 0, 0, -5e-201])


def test_the_second_derivative_of_hypot_at_the_origin_is_finite() -> None:
    a, b = Tensor([0.0], requires_grad=True), Tensor([0.0], requires_grad=True)
    np.sum(np.hypot(a, b)).backward(create_graph=True)
    loss = np.sum(a.grad + b.grad)
    a.grad = b.grad = None
    loss.backward()
    assert np.all(np.isfinite(a.grad))
    assert np.all(np.isfinite(b.grad))


# sinc


def sinc_derivative(x: float, order: int) -> float:
    """By its integral, of (pi t)^n cos(pi x t + n pi / 2) for t from 0 to 1."""
    t, w = np.polynomial.legendre.leggauss(40)
    t = (t + 1) / 2
    return float(np.sum(w / 2 * (PI * t) ** order * np.cos(PI * x * t + order * PI / 2)))


@pytest.mark.parametrize("x", [0.0, 1e-30, 1e-9, 1e-3, -0.1, 0.4999, 0.5, 1.0, -2.3])
def test_sinc_to_fourth_order(x: float) -> None:
    found = derivatives(np.sinc, x, 4)
    expected = [sinc_derivative(x, n) for n in range(1, 5)]
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


# Kinks and steps


@pytest.mark.parametrize("fn", [np.absolute, np.fabs])
def test_the_absolute_value_has_gradient_zero_at_zero(fn: Any) -> None:
    np.testing.assert_array_equal(gradients(fn, [-2.0, -0.0, 0.0, 3.0])[0], [-1, 0, 0, 1])


@pytest.mark.parametrize(("fn", "above"), [(np.maximum, True), (np.fmax, True), (np.minimum, False), (np.fmin, False)])
def test_ties_of_two_operands(fn: Any, above: bool) -> None:
    a, b = [1.0, 2.0, 3.0], [1.0, 5.0, 0.0]
    of_a, of_b = gradients(fn, a, b)
    np.testing.assert_array_equal(of_a, [0.5, 0, 1] if above else [0.5, 1, 0])
    np.testing.assert_array_equal(of_a + of_b, [1, 1, 1])
    for order in (lambda x: fn(x, np.array(b)), lambda x: fn(np.array(b), x)):
        np.testing.assert_array_equal(gradients(order, a)[0], [0, 0, 1] if above else [0, 1, 0])


def test_fmax_and_fmin_give_the_gradient_to_what_is_no_nan() -> None:
    for fn in (np.fmax, np.fmin):
        of_a, of_b = gradients(fn, [NAN, 1.0, NAN], [2.0, NAN, NAN])
        np.testing.assert_array_equal(of_a, [0, 1, 0])
        np.testing.assert_array_equal(of_b, [1, 0, 0])
        np.testing.assert_array_equal(gradients(lambda a, f=fn: f(a, NAN), [1.0])[0], [1])


@pytest.mark.parametrize("fn", [np.sign, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around])
def test_steps_have_gradient_zero_everywhere(fn: Any) -> None:
    np.testing.assert_array_equal(gradients(fn, [-1.5, -1.0, 0.0, 0.3, 7.0])[0], np.zeros(5))


def test_heaviside() -> None:
    of_a, of_b = gradients(np.heaviside, [-1.0, 0.0, 2.0], [0.3, 0.4, 0.5])
    np.testing.assert_array_equal(of_a, [0, 0, 0])
    np.testing.assert_array_equal(of_b, [0, 1, 0])


def test_copysign_reads_the_sign_of_zero() -> None:
    of_a, of_b = gradients(np.copysign, [2.0, -2.0, 2.0, 0.0, INF], [-0.0, -0.0, 0.0, -1.0, -INF])
    np.testing.assert_array_equal(of_a, [-1, 1, 1, 0, -1])
    np.testing.assert_array_equal(of_b, np.zeros(5))


def test_remainders_of_every_sign() -> None:
    a, b = [7.5, -7.5, 7.5, -7.5, 6.0, 1.0], [2.0, 2.0, -2.0, -2.0, 3.0, INF]
    of_a, of_b = gradients(np.remainder, a, b)
    np.testing.assert_array_equal(of_a, np.ones(6))
    np.testing.assert_array_equal(of_b, [-3, 4, 4, -3, -2, 0])
    of_a, of_b = gradients(np.fmod, a, b)
    np.testing.assert_array_equal(of_a, np.ones(6))
    np.testing.assert_array_equal(of_b, [-3, 3, 3, -3, -2, 0])
    of_a, of_b = gradients(np.floor_divide, a, b)
    np.testing.assert_array_equal(of_a, np.zeros(6))
    np.testing.assert_array_equal(of_b, np.zeros(6))


def test_the_quotient_of_fmod_is_an_integer_where_the_division_rounds() -> None:
    of_b = gradients(np.fmod, [0.3, 1.0], [0.1, 0.1])[1]  # 0.3 / 0.1 rounds to 3, and fits only 2 times
    np.testing.assert_array_equal(of_b, [-2, -9])


def test_clip_lets_the_bounds_win() -> None:
    of_a, of_low, of_high = gradients(np.clip, [-1.0, 0.0, 0.5, 1.0, 3.0], [0.0], [1.0])
    np.testing.assert_array_equal(of_a, [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(of_low, [2])
    np.testing.assert_array_equal(of_high, [2])


def test_nan_to_num_gives_what_it_replaces_no_gradient() -> None:
    x = [NAN, INF, -INF, 2.0]
    np.testing.assert_array_equal(gradients(np.nan_to_num, x)[0], [0, 0, 0, 1])
    weight = np.array([INF, NAN, 1.0, 3.0])
    np.testing.assert_array_equal(gradients(np.nan_to_num, x, weight=weight)[0], [0, 0, 0, 3])
    y = np.nan_to_num(Tensor(x, requires_grad=True), nan=5, posinf=6, neginf=-6)
    np.testing.assert_array_equal(y.data, [5, 6, -6, 2])
    with pytest.raises(TypeError, match="copy=False"):
        np.nan_to_num(Tensor(x), copy=False)


# What real numbers make trivial


def test_the_complex_view_of_real_numbers() -> None:
    x = [-1.5, 0.0, 2.0]
    for fn in (np.real, np.conjugate, np.conj, np.positive, np.real_if_close):
        np.testing.assert_array_equal(gradients(fn, x)[0], np.ones(3))
    for fn in (np.imag, np.angle):
        np.testing.assert_array_equal(gradients(fn, x)[0], np.zeros(3))


def test_degrees_and_radians() -> None:
    for fn in (np.deg2rad, np.radians):
        np.testing.assert_allclose(gradients(fn, 30.0)[0], PI / 180, rtol=1e-15)
    for fn in (np.rad2deg, np.degrees):
        np.testing.assert_allclose(gradients(fn, 0.3)[0], 180 / PI, rtol=1e-15)


def test_unwrap_adds_only_constants() -> None:
    x = np.array([0.0, 3.0, -3.0, 0.1, 6.2])
    assert not np.array_equal(np.unwrap(x), x)
    np.testing.assert_array_equal(gradients(np.unwrap, x)[0], np.ones(5))


def test_ldexp_scales_by_powers_of_two() -> None:
    np.testing.assert_array_equal(gradients(np.ldexp, [1.0, 3.0], np.array([3, -1]))[0], [8, 0.5])


# Every record


def unary() -> list[Any]:
    return [op.fn for op in operations() if isinstance(op.fn, np.ufunc) and op.fn.nin == 1]


@pytest.mark.parametrize("fn", unary(), ids=lambda fn: fn.__name__)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,)])
def test_no_axes_and_no_elements(fn: Any, shape: tuple[int, ...]) -> None:
    for dtype in (np.float32, np.float64):
        x = Tensor(np.full(shape, 1.25 if fn is np.arccosh else 0.25, dtype), requires_grad=True)
        y = fn(x)
        y.backward(np.ones(y.shape, y.dtype))
        assert y.shape == x.grad.shape == shape
        assert y.dtype == x.grad.dtype == dtype


def binary() -> list[Any]:
    ufuncs = [op for op in operations() if isinstance(op.fn, np.ufunc) and op.fn.signature is None]
    return [op.fn for op in ufuncs if op.fn.nin == 2 and all(op.vjp)]


@pytest.mark.parametrize("fn", binary(), ids=lambda fn: fn.__name__)
def test_operands_without_elements(fn: Any) -> None:
    a, b = Tensor(np.ones((0, 3)), requires_grad=True), Tensor(np.ones((1, 3)), requires_grad=True)
    y = fn(a, b)
    y.backward(np.ones(y.shape))
    assert a.grad.shape == (0, 3)
    np.testing.assert_array_equal(b.grad, np.zeros((1, 3)))


@pytest.mark.parametrize("fn", [np.isnat, np.sort_complex, np.datetime_as_string])
def test_what_has_no_rule_says_so(fn: Any) -> None:
    with pytest.raises(TypeError, match=rf"{fn.__name__} has no derivative rule"):
        fn(Tensor([1.0], requires_grad=True))
