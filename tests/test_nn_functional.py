"""The functions of `nn.functional` against plain NumPy, finite differences and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import installed
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograd import Tensor
from autograd.testing import gradcheck
from nn import functional as F  # noqa: N812

SHAPES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((5, 3), (2,)), ((3,), (2,)), ((4, 5, 3), (2,)), ((2, 4, 5, 3), (2,)), ((5, 3), (1, 2)), ((5, 3), (1,)),
    ((5, 3), (5, 2)), ((1, 3), (2,)), ((0, 3), (2,)),
]  # fmt: skip


def drawn(*shapes: tuple[int, ...], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


# linear


@pytest.mark.parametrize(("x", "bias"), SHAPES)
def test_linear_is_x_times_weight_plus_bias_to_the_last_digit(x: tuple[int, ...], bias: tuple[int, ...]) -> None:
    x, w, b = drawn(x, (3, 2), bias)
    np.testing.assert_array_equal(F.linear(x, w, b), x @ w + b)
    np.testing.assert_array_equal(F.linear(x, Tensor(w, requires_grad=True), b).data, x @ w + b)


@pytest.mark.parametrize(("x", "bias"), [shapes for shapes in SHAPES if shapes[0] != (0, 3)])
def test_linear_has_right_derivatives_of_first_and_second_order(x: tuple[int, ...], bias: tuple[int, ...]) -> None:
    gradcheck(lambda x, w, b: np.sum(F.linear(x, w, b) ** 3), drawn(x, (3, 2), bias), order=2)


def test_linear_without_bias() -> None:
    x, w = drawn((5, 3), (3, 2))
    np.testing.assert_array_equal(F.linear(x, w), x @ w)
    gradcheck(lambda x, w: np.sum(F.linear(x, w) ** 3), [x, w], order=2)


def test_linear_writes_to_no_operand() -> None:
    operands = drawn((5, 3), (3, 2), (2,))
    copies = [array.copy() for array in operands]
    x, w, b = (Tensor(array) for array in operands)
    F.linear(x, w, b)
    for array, before in zip(operands, copies, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("wide", [0, 1, 2])
def test_linear_promotes_as_numpy_does(wide: int) -> None:
    operands = [array.astype(np.float32) for array in drawn((5, 3), (3, 2), (2,))]
    operands[wide] = operands[wide].astype(np.float64)
    x, w, b = operands
    y = F.linear(Tensor(x), Tensor(w, requires_grad=True), b)
    np.testing.assert_array_equal(y.data, x @ w + b, strict=True)


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        (
            ((100, 3), (16, 8), (8,)),
            r"weight is \(16, 8\), input is \(100, 3\)\. The input's last axis must be 16",
        ),
        (((16, 100), (16, 8), (8,)), r"must be 16; its transpose would fit"),
        (((4, 5, 3), (16, 8), (8,)), r"weight is \(16, 8\), input is \(4, 5, 3\)"),
        (((), (16, 8), (8,)), r"weight is \(16, 8\), input is \(\)"),
        (((100, 3), (3,), ()), r"weight is \(3,\), input is \(100, 3\)\. A weight has the shape \(in, out\)"),
        (((3,), (3, 2), (1, 2)), r"bias is \(1, 2\), output is \(2,\)\. A bias has the shape \(out,\)"),
        (((1, 3), (3, 2), (5, 2)), r"bias is \(5, 2\), output is \(1, 2\)"),
    ],
)
@pytest.mark.parametrize("kind", [np.asarray, Tensor], ids=["arrays", "Tensors"])
def test_linear_refuses_shapes_that_do_not_fit(shapes: Any, told: str, kind: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=told):
        F.linear(*(kind(array) for array in drawn(*shapes)))


def test_linear_takes_lists_and_numbers_beside_a_tensor() -> None:
    weight = Tensor([[1.0], [2.0]], requires_grad=True)
    assert F.linear([[3.0, 4.0]], weight, 0.5).data.tolist() == [[11.5]]


# Activations


def test_relu_is_zero_with_derivative_zero_at_zero() -> None:
    x = Tensor([-1.0, 0.0, 2.0], requires_grad=True)
    y = F.relu(x)
    np.sum(y).backward()
    assert y.data.tolist() == [0, 0, 2]
    assert x.grad.tolist() == [0, 0, 1]


@given(hnp.arrays(st.sampled_from([np.float64, np.float32]), st.sampled_from([(), (3,), (40, 50)])))
def test_relu_is_the_maximum_with_zero(x: Any) -> None:
    np.testing.assert_array_equal(F.relu(Tensor(x)).data, np.maximum(x, 0), strict=True)


def test_sigmoid_is_exact_in_both_tails_and_does_not_overflow() -> None:
    x = np.array([-np.inf, -800.0, -50.0, 0.0, 50.0, 800.0, np.inf])
    y = F.sigmoid(x)
    np.testing.assert_array_equal(y[[0, 1, 3, 5, 6]], [0, 0, 0.5, 1, 1])
    np.testing.assert_allclose(y[2], np.exp(-50.0), rtol=1e-15)
    assert np.isnan(F.sigmoid(np.nan))


def test_sigmoid_has_no_nan_in_its_gradient() -> None:
    x = Tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    np.sum(F.sigmoid(x)).backward()
    assert x.grad.tolist() == [0, 0.25, 0]


@given(hnp.arrays(np.float64, 5, elements=st.floats(-700, 700)))
def test_sigmoid_of_minus_x_is_the_rest_to_one(x: Any) -> None:
    np.testing.assert_allclose(F.sigmoid(-x) + F.sigmoid(x), np.ones(5), rtol=4e-16)


@pytest.mark.parametrize("function", [F.relu, F.sigmoid, F.tanh], ids=["relu", "sigmoid", "tanh"])
def test_activations_have_right_derivatives_of_first_and_second_order(function: Callable[[Any], Any]) -> None:
    gradcheck(lambda x: np.sum(function(x) ** 3), drawn((3, 4)), order=2)


@pytest.mark.parametrize("function", [F.relu, F.sigmoid, F.tanh], ids=["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("shape", [(), (3, 4)])
def test_activations_keep_float32(function: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    x = Tensor(np.full(shape, 0.3, np.float32), requires_grad=True)
    y = function(x)
    np.sum(y).backward()
    assert (y.dtype, x.grad.dtype, x.grad.shape) == (np.float32, np.float32, shape)


# Mean squared error


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.just(2), st.sampled_from([1, 7, 100, 999, 1001, 5000])),
        elements=st.floats(-1e3, 1e3),
        fill=st.floats(-1e3, 1e3),
    )
)
def test_mse_loss_is_the_mean_of_squares(pair: Any) -> None:
    prediction, target = pair[:, :, None]
    value = F.mse_loss(Tensor(prediction, requires_grad=True), target).item()
    np.testing.assert_allclose(value, np.mean((prediction - target) ** 2), rtol=1e-15, atol=1e-300)


@pytest.mark.parametrize("n", [100, 1000, 10_000])
def test_mse_loss_of_noise_is_the_mean_of_squares_to_the_last_digits(n: int) -> None:
    for seed in range(20):
        prediction, target = drawn((n, 1), (n, 1), seed=seed)
        value = F.mse_loss(Tensor(prediction), target).item()
        np.testing.assert_allclose(value, np.mean((prediction - target) ** 2), rtol=1e-15)


@pytest.mark.parametrize(("reduction", "reduce"), [("mean", np.mean), ("sum", np.sum), ("none", np.asarray)])
@pytest.mark.parametrize("shape", [(100, 1), (4, 3), (5,), ()])
def test_mse_loss_reduces_as_told(reduction: Any, reduce: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    prediction, target = drawn(shape, shape)
    expected = reduce((prediction - target) ** 2)
    np.testing.assert_allclose(F.mse_loss(prediction, target, reduction), expected, rtol=1e-15)
    np.testing.assert_allclose(F.mse_loss(Tensor(prediction), target, reduction).data, expected, rtol=1e-15)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_loss_has_right_derivatives_of_first_and_second_order(reduction: Any) -> None:
    gradcheck(lambda p, t: np.sum(F.mse_loss(p, t, reduction) ** 2), drawn((4, 3), (4, 3)), order=2)


def test_the_gradient_of_mse_loss_is_that_of_the_hand() -> None:
    prediction, target = drawn((100, 1), (100, 1))
    p = Tensor(prediction, requires_grad=True)
    F.mse_loss(p, target).backward()
    np.testing.assert_allclose(p.grad, 2 * (prediction - target) / 100, rtol=1e-15)


@pytest.mark.parametrize("kind", [np.asarray, lambda a: Tensor(a, requires_grad=True)], ids=["arrays", "Tensors"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_loss_refuses_shapes_that_only_broadcast(kind: Callable[[Any], Any], reduction: Any) -> None:
    with pytest.raises(ValueError, match=r"prediction is \(100, 1\), target is \(100,\)\. Reshape"):
        F.mse_loss(kind(np.zeros((100, 1))), np.zeros(100), reduction)


def test_mse_loss_refuses_an_unknown_reduction() -> None:
    with pytest.raises(ValueError, match="reduction is 'median'; it is one of mean, sum, none"):
        F.mse_loss(np.zeros(3), np.zeros(3), "median")


def test_mse_loss_takes_lists_beside_a_tensor() -> None:
    p = Tensor([1.0, 2.0], requires_grad=True)
    F.mse_loss(p, [0.0, 0.0]).backward()
    assert p.grad.tolist() == [1, 2]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse_loss_keeps_float32(reduction: Any) -> None:
    p = Tensor(np.ones((5, 2), np.float32), requires_grad=True)
    loss = F.mse_loss(p, np.zeros((5, 2), np.float32), reduction)
    np.sum(loss).backward()
    assert (loss.dtype, p.grad.dtype) == (np.float32, np.float32)


# PyTorch as oracle


@pytest.mark.parametrize(
    ("ours", "name", "shapes"),
    [
        (F.relu, "relu", [(4, 5)]),
        (F.sigmoid, "sigmoid", [(4, 5)]),
        (F.tanh, "tanh", [(4, 5)]),
        (F.mse_loss, "mse_loss", [(4, 5), (4, 5)]),
        (lambda x, w, b: F.linear(x, w.T, b), "linear", [(4, 5), (3, 5), (3,)]),
        (lambda x, w, b: F.linear(x, w.T, b), "linear", [(2, 4, 5), (3, 5), (3,)]),
    ],
    ids=["relu", "sigmoid", "tanh", "mse_loss", "linear", "batched linear"],
)
def test_values_and_gradients_are_pytorchs(ours: Callable[..., Any], name: str, shapes: Any) -> None:
    torch = installed.torch()
    arrays = drawn(*shapes)
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    y, expected = ours(*leaves), getattr(torch.nn.functional, name)(*theirs)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-13, atol=1e-15)
    np.sum(y * y).backward()
    (expected * expected).sum().backward()
    for leaf, other in zip(leaves, theirs, strict=True):
        np.testing.assert_allclose(leaf.grad, other.grad.numpy(), rtol=1e-12, atol=1e-14)
