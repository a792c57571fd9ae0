"""Arrays that change behind the graph's back: a backward pass at other values is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor, no_grad


def leaf(n: int = 3) -> Tensor:
    return Tensor(np.arange(1.0, n + 1), requires_grad=True, name="w")


def array_case(make: Callable[[], Any], use: Callable[[Any, Any], Any], n: int = 3) -> tuple[Any, Any, Any]:
    x, w = make(), leaf(n)
    return x, w, np.sum(use(w, x))


def written(t: Any, index: Any) -> Any:
    t[index] = 2.0 * t[0]
    return t


READ: dict[str, tuple[Callable[[], Any], Callable[[Any, Any], Any]]] = {
    "a factor": (lambda: np.ones(3), lambda w, x: w * x),
    "a factor on the left": (lambda: np.ones(3), lambda w, x: x * w),
    "a matrix": (lambda: np.ones((2, 3)), lambda w, x: x @ w),
    "a large matrix": (lambda: np.ones((40, 3)), lambda w, x: x @ w),
    "a matrix in Fortran's order": (lambda: np.asfortranarray(np.ones((2, 3))), lambda w, x: x @ w),
    "a part of an array": (lambda: np.ones((2, 3))[:, ::2], lambda w, x: x @ w[:2]),
    "positions": (lambda: np.array([0, 2, 2]), lambda w, x: w[x]),
    "positions along one axis": (lambda: np.array([0, 2, 2]), lambda w, x: np.stack([w, w**2])[1, x]),
    "positions that are written to": (lambda: np.array([0, 2, 2]), lambda w, x: written(np.stack([w, w**2]), (1, x))),
    "a mask": (lambda: np.array([True, False, True]), lambda w, x: np.where(x, w, 0.0)),
    "an exponent": (lambda: np.ones(3), lambda w, x: w**x),
    "a divisor": (lambda: np.ones(3), lambda w, x: w / x),
    "what is behind a sum": (lambda: np.ones(3), lambda w, x: (w + 1.0) * x),
}


@pytest.mark.parametrize("case", READ)
def test_an_array_that_is_filled_anew_after_its_use_is_noticed(case: str) -> None:
    x, w, loss = array_case(*READ[case])
    x[...] = 2 if x.dtype == np.float64 else 0
    with pytest.raises(RuntimeError, match=r"used ndarray of shape .* changed in place afterwards"):
        loss.backward()
    assert w.grad is None


def test_one_element_of_an_array_of_eight_kilobytes_is_noticed() -> None:
    x, w = np.ones(1024), Tensor(np.ones(1024), requires_grad=True)
    loss = np.sum(w * x)
    x[5] = 2.0
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_large_arrays_with_random_content_are_noticed() -> None:
    rng = np.random.default_rng(0)
    for shape in ((1000,), (64, 31), (8, 8, 8, 8)):
        x = rng.normal(size=shape)
        loss = np.sum(Tensor(2.0, requires_grad=True) * x)
        x[...] = rng.normal(size=shape)
        with pytest.raises(RuntimeError, match="changed in place"):
            loss.backward()


@pytest.mark.parametrize(
    "use", [lambda w, x: (w + x) ** 2, lambda w, x: np.exp(w - x), lambda w, x: np.where([True] * 3, w, x)]
)
def test_what_no_rule_reads_may_change(use: Any) -> None:
    x, w, loss = array_case(lambda: np.ones(3), use)
    expected = leaf()
    np.sum(use(expected, x.copy())).backward()
    x[:] = 7.0
    loss.backward()
    np.testing.assert_array_equal(w.grad, expected.grad)


def test_a_buffer_may_be_filled_anew_after_the_pass() -> None:
    x, w = np.zeros(3), leaf()
    for k in range(3):
        x[:] = k
        loss = np.sum(w * x)
        w.zero_grad()
        loss.backward()
        np.testing.assert_array_equal(w.grad, x)


def test_a_second_pass_over_a_changed_buffer_is_refused() -> None:
    x, w, loss = array_case(lambda: np.ones(3), lambda w, x: w * x)
    loss.backward()
    x[0] = 9.0
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
    np.testing.assert_array_equal(w.grad, 1)


# What `.data` gives out


def test_an_element_that_is_written_through_data_is_noticed() -> None:
    w = leaf()
    loss = np.sum(w * w)
    w.data[0] = 5.0
    with pytest.raises(RuntimeError, match=r"np\.multiply used w of shape \(3,\), which was changed in place"):
        loss.backward()


def test_so_it_is_where_data_is_read_in_between_and_afterwards() -> None:
    w = leaf()
    w.data[:] = 2.0
    loss = np.sum(w * w)
    assert w.data[0] == 2.0
    w.data[0] = 5.0
    assert w.data[0] == 5.0
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_interior_values_and_constants_too() -> None:
    w, c = leaf(), Tensor(np.ones(3))
    h = w * 2.0
    for value, loss in ((h, np.sum(h * h)), (c, np.sum(c * w))):
        value.data[1] = 5.0
        with pytest.raises(RuntimeError, match="changed in place"):
            loss.backward()


def test_what_was_written_before_is_what_was_used() -> None:
    w = leaf()
    w.data[:] = 3.0
    loss = np.sum(w * w)
    assert w.data.tolist() == [3.0, 3.0, 3.0]
    loss.backward()
    np.testing.assert_array_equal(w.grad, 6.0)


def test_training_by_hand_goes_on() -> None:
    w = leaf()
    for _ in range(3):
        w.zero_grad()
        loss = np.sum(w * w)
        loss.backward()
        assert w.data is not None
        w.data -= 0.1 * w.grad
        with no_grad():
            w *= 1.0
    np.testing.assert_allclose(w.data, 0.8**3 * np.arange(1.0, 4.0))


def test_a_derivative_that_reads_only_the_result_stays() -> None:
    w = leaf()
    loss = np.sum(np.exp(w))
    w.data[0] = 5.0
    loss.backward()
    np.testing.assert_allclose(w.grad, np.exp([1.0, 2.0, 3.0]))


def test_layers_that_look_at_the_kind_of_their_input_hand_it_to_nobody() -> None:
    x = Tensor(np.ones((4, 2)), requires_grad=True) * 1.0
    nn.Dropout(0.5, rng=0)(nn.Linear(2, 3, rng=0)(x))
    assert x._node.get("handed") is None
