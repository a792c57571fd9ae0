"""Losses at extreme inputs, softmaxes, penalties and dropout: their values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import installed
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nn
from autograd import Tensor
from autograd.testing import gradcheck
from nn import functional as F  # noqa: N812

HUGE = np.finfo(np.float32).max
RNG = np.random.default_rng(0)
Z, LABELS = RNG.normal(size=(6, 3)) * 3, RNG.integers(3, size=6)
ROWS = np.eye(3)[LABELS]
IGNORED = np.where(np.arange(6) % 3 == 0, -7, LABELS)


# Extreme inputs, in float32, with warnings as errors


def gradient(loss: Callable[..., Any], z: Any, *args: Any) -> tuple[Any, Any]:
    """The value and the gradient in float32."""
    leaf = Tensor(np.asarray(z, np.float32), requires_grad=True)
    y = loss(leaf, *args)
    y.backward(np.ones(y.shape, y.dtype))
    assert y.dtype == leaf.grad.dtype == np.float32
    return y.data.tolist(), leaf.grad.tolist()


@pytest.mark.parametrize("kind", [np.float32, int, bool])
def test_logits_of_any_size_give_finite_losses_and_gradients(kind: Any) -> None:
    z = [HUGE, -HUGE, HUGE, -HUGE, 1e3, -1e3, 0]
    t = np.array([1, 0, 0, 1, 0, 1, 1], kind)
    value, grad = gradient(F.binary_cross_entropy_with_logits, z, t, "none")
    np.testing.assert_allclose(value, [0, 0, HUGE, HUGE, 1e3, 1e3, np.log(2)], rtol=1e-6)
    assert grad == [0, 0, 1, -1, 1, -1, -0.5]


def test_infinite_logits_on_the_right_side_cost_nothing() -> None:
    z, t = [np.inf, -np.inf, np.inf], np.float32([1, 0, 0])
    assert gradient(F.binary_cross_entropy_with_logits, z, t, "none") == ([0, 0, np.inf], [0, 0, 1])


def test_small_losses_of_large_logits_keep_their_digits() -> None:
    z = np.float32([50, 80])
    np.testing.assert_allclose(F.binary_cross_entropy_with_logits(z, [1, 1], "none"), np.exp(-z), rtol=1e-6)
    pair = np.float32([[0, -50], [0, -80]])
    np.testing.assert_allclose(F.log_softmax(pair)[:, 1], pair[:, 1], rtol=1e-6)


def test_probabilities_of_zero_and_one_are_as_in_pytorch() -> None:
    value, grad = gradient(F.binary_cross_entropy, [0, 1, 0, 1], np.float32([0, 1, 1, 0]), "none")
    assert value == [0, 0, 100, 100]
    np.testing.assert_allclose(grad, [1, -1, -1e12, 1e12], rtol=1e-6)  # PyTorch says 0 for the first two


@pytest.mark.parametrize("target", [[0, 0, 0], [[1, 0, 0]] * 3], ids=["labels", "one-hot"])
def test_rows_of_any_size_give_finite_losses_and_gradients(target: Any) -> None:
    z = [[HUGE, -HUGE, 0], [-HUGE, HUGE / 4, 0], [-1e3, 0, 1e3]]
    value, grad = gradient(F.cross_entropy, z, target, "none")
    assert value[0] == 0
    assert value[2] == 2e3
    assert value[1] == np.inf  # 5/4 of the largest float32
    assert grad == [[0, 0, 0], [-1, 1, 0], [-1, 0, 1]]


@pytest.mark.parametrize("target", [[0, 1], [[1, 0, 0], [0, 1, 0]]], ids=["labels", "one-hot"])
def test_classes_that_are_masked_out_cost_nothing(target: Any) -> None:
    z = [[0, 0, -np.inf], [-np.inf, 0, -np.inf]]
    value, grad = gradient(F.cross_entropy, z, target, "none")
    np.testing.assert_allclose(value, [np.log(2), 0], rtol=1e-6)
    assert grad == [[-0.5, 0.5, 0], [0, 0, 0]]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (lambda z, t: F.binary_cross_entropy_with_logits(z, t, pos_weight=[2.0, 1.0, 3.0]), ROWS),
        (lambda z, t: F.cross_entropy(z, t, weight=[0.5, 2.0, 1.0], ignore_index=-7), IGNORED),
        (F.hinge_loss, 2 * ROWS - 1),
        (F.huber_loss, ROWS),
        (F.l1_loss, ROWS),
    ],
)
def test_extreme_float32_logits_have_finite_gradients(loss: Any, target: Any, sign: int) -> None:
    z = Tensor((Z * 1e30 * sign).astype(np.float32), requires_grad=True)
    y = loss(z, target if target.dtype.kind == "i" else target.astype(np.float32))
    y.backward()
    assert y.dtype == z.grad.dtype == np.float32
    assert np.isfinite(y.data)
    assert np.all(np.isfinite(z.grad))


@pytest.mark.filterwarnings("ignore:overflow")  # the sum in half precision
@pytest.mark.parametrize(
    "loss", [F.mse_loss, F.l1_loss, F.huber_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.kl_div]
)
def test_half_precision_shares_among_more_than_its_largest_number(loss: Any) -> None:
    given, target = np.full(70_000, 0.75), np.full(70_000, 0.25)
    half, double = Tensor(given.astype(np.float16), requires_grad=True), Tensor(given, requires_grad=True)
    for p in (half, double):
        loss(p, target.astype(p.dtype)).backward()
    assert half.grad.dtype == np.float16
    np.testing.assert_allclose(half.grad, double.grad, rtol=0.02)


def test_nan_goes_through() -> None:
    for loss, target in ((F.binary_cross_entropy, 1), (F.binary_cross_entropy_with_logits, 1)):
        assert np.isnan(loss(np.nan, target))
    assert np.isnan(F.cross_entropy(np.array([[np.nan, 0.0]]), [0]))


# Softmaxes


@pytest.mark.parametrize("softmax", [F.softmax, F.log_softmax])
def test_softmaxes_of_any_size_have_finite_gradients(softmax: Any) -> None:
    _, grad = gradient(lambda x: softmax(x)[:, 0], [[HUGE, -HUGE], [-HUGE, HUGE], [0, -np.inf]])
    assert np.all(np.isfinite(grad))


@given(hnp.arrays(np.float64, (4, 3), elements=st.floats(-700, 700)), st.floats(-300, 300))
def test_a_softmax_is_positive_sums_to_one_and_does_not_see_a_shift(x: Any, shift: float) -> None:
    y = F.softmax(x)
    assert np.all(y >= 0)
    np.testing.assert_allclose(np.sum(y, axis=-1), np.ones(4), rtol=1e-14)
    np.testing.assert_allclose(F.softmax(x + shift), y, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(np.exp(F.log_softmax(x)), y, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmaxes_are_pytorchs(name: str, axis: int) -> None:
    torch = installed.torch()
    x = RNG.normal(size=(2, 4, 3)) * 3
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, expected = getattr(F, name)(ours, axis=axis), getattr(torch, name)(theirs, dim=axis)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-13)
    np.sum(y**3).backward()
    (expected**3).sum().backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_softmax_layers_take_an_axis(name: str) -> None:
    function = F.softmax if name == "Softmax" else F.log_softmax
    x = Z
    np.testing.assert_array_equal(getattr(nn, name)()(x), function(x))
    np.testing.assert_array_equal(getattr(nn, name)(axis=0)(x), function(x, axis=0))


# Penalties


def test_penalties_are_sums_over_all_elements_of_all_weights() -> None:
    W, b = RNG.normal(size=(3, 4)), RNG.normal(size=4)
    leaves = [Tensor(W, requires_grad=True), Tensor(b, requires_grad=True)]
    l1, l2 = F.l1_penalty(*leaves), F.l2_penalty(*leaves)
    np.testing.assert_allclose(l1.data, np.sum(abs(W)) + np.sum(abs(b)), rtol=1e-15)
    np.testing.assert_allclose(l2.data, np.sum(W**2) + np.sum(b**2), rtol=1e-15)
    (l1 + 10 * l2).backward()
    for leaf, w in zip(leaves, (W, b), strict=True):
        np.testing.assert_allclose(leaf.grad, np.sign(w) + 20 * w, rtol=1e-15)


def test_the_l1_penalty_has_the_derivative_zero_at_zero() -> None:
    assert gradient(F.l1_penalty, [-2, 0, 2]) == (4, [-1, 0, 1])


def test_penalties_of_tiny_and_large_weights() -> None:
    assert gradient(F.l2_penalty, [1e-30]) == (0, [np.float32(2e-30)])
    assert gradient(F.l1_penalty, [HUGE / 2, -HUGE / 2]) == (HUGE, [1, -1])


def test_a_penalty_of_a_model_is_that_of_its_weights() -> None:
    model = nn.MLP([3, 4, 1], rng=0)
    F.l2_penalty(*model.parameters()).backward()
    for parameter in model.parameters():
        np.testing.assert_array_equal(parameter.grad, 2 * parameter.data)


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalties_have_right_derivatives_of_first_and_second_order(penalty: Any) -> None:
    gradcheck(lambda a, b: penalty(a, b) ** 2, [Z[:2], Z[2]], order=2)


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalties_say_that_they_take_weights_one_by_one(penalty: Any) -> None:
    with pytest.raises(TypeError, match=r"one by one, such as l._penalty\(\*model\.parameters\(\)\)"):
        penalty(nn.Linear(2, 1, rng=0).parameters())


# Dropout


def test_dropout_keeps_the_expectation_and_sends_the_gradient_the_same_way() -> None:
    x = Tensor(np.ones((400, 500)), requires_grad=True)
    y = F.dropout(x, 0.2, rng=0)
    np.sum(y).backward()
    assert set(np.unique(y.data)) == {0.0, 1.25}
    assert abs(np.mean(y.data) - 1) < 5 * 0.5 / np.sqrt(x.size)  # the deviation of an element is 1/2
    np.testing.assert_array_equal(x.grad, y.data)


def test_dropout_draws_on_from_its_own_generator() -> None:
    one, other = nn.Dropout(0.5, rng=3), nn.Dropout(0.5, rng=3)
    first, second = one(np.ones(100)), one(np.ones(100))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(other(np.ones(100)), first)
    np.testing.assert_array_equal(other(np.ones(100)), second)
    shared = np.random.RandomState(3)
    assert nn.Dropout(rng=shared).rng is shared


def test_dropout_of_nothing_and_of_everything() -> None:
    x = np.ones(5, np.float32)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    assert nn.Dropout(0.5, rng=0).eval()(x) is x
    np.testing.assert_array_equal(F.dropout(x, 1.0), np.zeros(5, np.float32), strict=True)
    assert F.dropout(Tensor(x), 0.5, rng=0).dtype == np.float32


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan"), "half"])
def test_dropout_refuses_what_is_no_probability(p: Any) -> None:
    for make in (nn.Dropout, lambda p: F.dropout(np.ones(3), p)):
        with pytest.raises(ValueError, match=r"ropout: p is .*; it is a probability, from 0 to 1"):
            make(p)
