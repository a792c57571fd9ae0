"""Functions that write into their argument, histograms, and the rest of NumPy's odds and ends."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest
from reference import WRITERS, cases, sample

from autograd import Tensor
from autograd.rules.definition import Composite, composites
from autograd.testing import gradcheck

CASES = cases(record for record in composites() if record.fn in WRITERS)


def gradient(fn: Any, value: Any) -> Any:
    leaf = Tensor(np.asarray(value, float), requires_grad=True)
    np.sum(fn(leaf)).backward()
    return leaf.grad


# In place


@pytest.mark.parametrize(("record", "k"), CASES)
def test_writing_functions_write_what_numpy_writes(record: Composite, k: int) -> None:
    args, kwargs = sample(record, k)
    expected, ours = np.array(args[0]), Tensor(args[0])
    record.fn(expected, *copy.deepcopy(args[1:]), **kwargs)
    before = np.array(args[0])
    assert record.fn(ours, *args[1:], **kwargs) is None
    np.testing.assert_array_equal(ours.data, expected)
    np.testing.assert_array_equal(args[0], before)  # the array that the Tensor was made of


@pytest.mark.parametrize(
    "write",
    [
        lambda a, t: np.copyto(a, t),
        lambda a, t: np.putmask(a, a == 0, t),
        lambda a, t: np.place(a, a == 0, t),
        lambda a, t: np.put(a, [0], t),
        lambda a, t: np.put_along_axis(a, np.array([[0]]), t, 1),
        lambda a, t: np.fill_diagonal(a, t),
        lambda a, t: np.full((2, 2), t),
        lambda a, t: np.full_like(a, t),
    ],
)
def test_an_array_cannot_take_a_tensor(write: Any) -> None:
    a = np.zeros((2, 2))
    with pytest.raises(TypeError, match="its gradient"):
        write(a, Tensor(1.0, requires_grad=True))
    np.testing.assert_array_equal(a, 0)


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (lambda t: np.copyto(t, np.ones(3), casting="no"), TypeError),
        (lambda t: np.copyto(t, np.ones(4)), ValueError),
        (lambda t: np.putmask(t, [True], 1.0), ValueError),
        (lambda t: np.place(t, [True, False, False], []), ValueError),
        (lambda t: np.put(t, [3], 1.0), IndexError),
        (lambda t: np.fill_diagonal(t, 1.0), ValueError),
    ],
)
def test_writing_what_does_not_fit_is_refused_and_changes_nothing(write: Any, error: type[Exception]) -> None:
    t = Tensor(np.zeros(3, np.float32))
    with pytest.raises(error):
        write(t)
    np.testing.assert_array_equal(t.data, 0)


def test_nothing_to_write_is_nothing_written() -> None:
    t = Tensor(np.zeros(3))
    np.place(t, [False, False, False], [])
    np.putmask(t, [True, True, True], [])
    np.put(t, [], 1.0)
    np.put(t, [0], [])
    np.testing.assert_array_equal(t.data, 0)


def test_full_like_takes_its_values_from_a_tensor() -> None:
    like = Tensor(np.zeros((2, 3), np.float32))
    assert not np.full_like(like, 7).requires_grad
    assert type(np.full_like(like, 7, dtype=int)) is np.ndarray
    full = np.full_like(like, Tensor(2.0, requires_grad=True))
    assert full.dtype == np.float32
    assert gradient(lambda v: np.full_like(like, v), 2.0) == 6
    with pytest.raises(TypeError, match="gradient"):
        np.full_like(like, Tensor(2.0, requires_grad=True), dtype=int)


# Histograms

VALUES = np.random.default_rng(0).normal(size=40)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bins": 5, "density": True},
        {"bins": [-1.0, 0.0, 0.0, 2.0]},
        {"bins": "sturges"},
        {"bins": 3, "range": (0, 1)},
        {"weights": np.arange(40.0)},
        {"bins": 4, "range": (-1, 1), "weights": np.arange(40.0), "density": True},
    ],
)
def test_histograms_are_numpys(options: dict[str, Any]) -> None:
    expected = np.histogram(VALUES, **options)
    live = {name: Tensor(v) if name == "weights" else v for name, v in options.items()}
    for ours, theirs in zip(np.histogram(Tensor(VALUES), **live), expected, strict=True):
        np.testing.assert_allclose(getattr(ours, "data", ours), theirs, rtol=1e-14)
        assert ours.dtype == theirs.dtype
    plain = np.histogram(Tensor(VALUES), **options)[0]
    assert isinstance(plain, Tensor) == ("density" in options and "range" not in options)


def test_histograms_have_gradients_where_they_are_not_constant() -> None:
    weights = np.random.default_rng(1).uniform(1, 2, size=40)
    assert gradcheck(lambda w: np.histogram(VALUES, 5, (-1, 1), weights=w)[0], [weights], order=2)
    assert gradcheck(lambda w: np.histogram(VALUES, 5, density=True, weights=w)[0] ** 2, [weights], order=2)
    assert gradcheck(lambda a: np.histogram(a, 5)[1] ** 2, [VALUES], order=2, complex_step=False)
    assert gradcheck(lambda a: np.histogram(a, 5, density=True)[0] ** 2, [VALUES], order=2, complex_step=False)
    assert gradcheck(lambda a: np.histogram_bin_edges(a, 5), [VALUES], complex_step=False)
    np.testing.assert_array_equal(np.histogram_bin_edges(Tensor(np.ones(3)), 2).data, [0.5, 1, 1.5])
    assert type(np.histogram(Tensor([]))[1]) is np.ndarray


# Sets


@pytest.mark.parametrize(
    "fn", [np.unique, np.unique_values, np.unique_all, np.unique_counts, np.unique_inverse], ids=lambda fn: fn.__name__
)
def test_sets_of_one_array(fn: Any) -> None:
    x = np.array([[2.0, -1.0], [0.5, 2.0]])
    found = fn(Tensor(x))
    values = found if isinstance(found, Tensor) else found.values
    np.testing.assert_array_equal(values.data, [-1, 0.5, 2])
    if not isinstance(found, Tensor):
        assert type(found) is type(fn(x))
        np.testing.assert_equal(found[1:], fn(x)[1:])
    pick = (lambda t: fn(t)) if isinstance(found, Tensor) else (lambda t: fn(t).values)
    np.testing.assert_array_equal(gradient(lambda t: pick(t) * [1, 2, 3], x), [[3, 1], [2, 0]])


@pytest.mark.parametrize("fn", [np.union1d, np.setdiff1d, np.setxor1d])
def test_sets_of_two_arrays(fn: Any) -> None:
    a, b = np.array([3.0, 1.0, 3.0, 2.0]), np.array([[2.0, 7.0]])
    expected = fn(a, b)
    np.testing.assert_array_equal(fn(Tensor(a), Tensor(b)).data, expected)
    np.testing.assert_array_equal(gradient(lambda t: fn(t, b) ** 2, a), [6, 2, 0, 4 if 2 in expected else 0])
    np.testing.assert_array_equal(gradient(lambda t: fn(a, t) ** 2, b), [[0, 14 if 7 in expected else 0]])
    assert fn(Tensor(np.ones(0)), np.ones(0)).shape == (0,)


# Bessel's function, parts of numbers, polynomials


def test_the_bessel_function_to_every_order_near_zero_and_far() -> None:
    x = np.array([-650.0, -30.0, -1e-9, 0.0, 1e-300, 0.5, 8.0, 100.0, 700.0])
    first = gradient(np.i0, x)
    np.testing.assert_allclose(first[[2, 3, 4]], [-0.5e-9, 0, 0.5e-300], rtol=1e-14)
    assert first[5] == pytest.approx(0.25789430539089631, rel=1e-14)
    for k in (1, 5, 6, 7):  # I_0'' = I_0 - I_0' / x

        def slope(v: Any) -> Any:
            v = v * 1.0
            y = np.i0(v)
            leaf = Tensor(v.data, requires_grad=True)
            np.i0(leaf).backward(create_graph=True)
            assert y.shape == leaf.shape
            leaf_grad = leaf.grad
            leaf.grad = None
            leaf_grad.backward()
            return leaf_grad.data, leaf.grad

        i1, second = slope(Tensor(x[k]))
        assert float(second) == pytest.approx(np.i0(x[k]) - i1 / x[k], rel=1e-12)
    for k in (0, 8):
        assert first[k] == pytest.approx(np.sign(x[k]) * np.i0(x[k]) * (1 - 1 / (2 * abs(x[k]))), rel=1e-6)


def test_parts_of_numbers() -> None:
    x = np.array([2.5, -2.5, 0.0, np.inf, -7.0])
    for ours, theirs in zip(np.modf(Tensor(x)), np.modf(x), strict=True):
        np.testing.assert_array_equal(ours.data, theirs)
    mantissa, exponent = np.frexp(Tensor(x))
    np.testing.assert_array_equal(mantissa.data, np.frexp(x)[0])
    np.testing.assert_array_equal(exponent[[0, 1, 2, 4]], np.frexp(x)[1][[0, 1, 2, 4]])
    for ours, theirs in zip(np.divmod(Tensor(x[:3]), 2.0), np.divmod(x[:3], 2.0), strict=True):
        np.testing.assert_array_equal(ours.data, theirs)
    np.testing.assert_array_equal(gradient(lambda t: np.modf(t)[0] + np.modf(t)[1], [2.5, -1.5]), [1, 1])
    np.testing.assert_array_equal(gradient(lambda t: np.frexp(t)[0], [6.0, -0.75]), [1 / 8, 1])
    np.testing.assert_array_equal(gradient(lambda t: np.divmod(7.0, t)[1], [2.0]), [-3])


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 8)])
def test_polynomials_are_fitted(weights: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=7), rng.normal(size=(7, 2))
    ours = np.polyfit(Tensor(x), Tensor(y), 3, w=weights)
    np.testing.assert_allclose(ours.data, np.polyfit(x, y, 3, w=weights), rtol=1e-12)
    assert gradcheck(lambda x, y: np.polyfit(x, y, 2, w=weights), [x, y], order=2, complex_step=False)
    with pytest.raises(TypeError, match="shapes"):
        np.polyfit(Tensor(x), y[:3], 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(np.exceptions.RankWarning, match="determine all coefficients"):
            np.polyfit(Tensor(x[:2]), y[:2], 3)


def test_integers_stay_plain() -> None:
    t = Tensor(np.array([5, 6]))
    np.testing.assert_array_equal(np.bitwise_and(t, 3), [1, 2])
    np.testing.assert_array_equal(np.gcd(t, 10), [5, 2])
    assert type(np.left_shift(t, 1)) is np.ndarray
    with pytest.raises(TypeError):
        np.bitwise_or(Tensor([0.5]), 1)


def test_what_arrives_at_a_written_number_is_a_number() -> None:
    """An array of no axes would be computed with ten times as slowly."""
    u, v, kinds = Tensor(np.ones(3), requires_grad=True) * 1.0, Tensor(2.0, requires_grad=True) * 1.0, []
    v.register_hook(lambda g: kinds.append(type(g)))
    u[1] = v
    np.sum(u * 2.0).backward()
    assert kinds == [np.float64]
