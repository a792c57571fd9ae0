"""What people write for an activation's derivative or a prediction: another function's, the value, what arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import Report, compare_grads
from tests.students import softmax

Function = Callable[[Any], Any]
RNG = np.random.default_rng(11)
X, V = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 4))


def weights() -> Tensor:
    return Tensor(np.random.default_rng(5).normal(size=(3, 4)), requires_grad=True, name="W")


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softplus(z: Any) -> Any:
    return np.log(1 + np.exp(z))


def leaky(z: Any) -> Any:
    return np.maximum(0.1 * z, z)


def masked(z: Any) -> Any:
    return z * ((z.data if isinstance(z, Tensor) else z) > 0)


def swapped(v: Any) -> Any:
    return np.where(v.z > 0, 0.1, 1)


class Values:
    """What a student has at hand: z, a = f(z), and the gradient g that arrives."""

    def __init__(self, z: Any, a: Any, g: Any) -> None:
        self.z, self.a, self.g = z, a, g


def judged(activation: Function, slope: Function) -> Report:
    W = weights()
    z = X @ W
    a = activation(z)
    z.name, a.name = "z", "a"
    loss = np.sum((a - V) ** 2)
    g = 2 * (a.data - V)
    return compare_grads(loss, {"W": X.T @ (g * slope(Values(z.data, a.data, g)))})


SLOPES: list[Any] = [
    (leaky, lambda v: v.a, "is a itself"),
    (leaky, swapped, "is the other way round"),
    (masked, lambda v: v.g > 0, "is chosen by the sign of da, not of z"),
    (masked, lambda v: v.a * (1 - v.a), "is a * (1 - a), that of the sigmoid"),
    (np.square, lambda v: 1 / (2 * v.z), "is one over what it should be"),
    (softplus, lambda v: v.z > 0, "is z > 0, that of a ReLU"),
    (softplus, lambda v: sigmoid(v.z) * (1 - sigmoid(v.z)), "is that of the sigmoid at z"),
    (softplus, lambda v: 1 - v.a**2, "is 1 - a**2, that of tanh"),
    (sigmoid, lambda v: v.z > 0, "is z > 0, that of a ReLU"),
    (sigmoid, lambda v: 1 - np.tanh(v.z) ** 2, "is that of tanh at z"),
    (np.tanh, lambda v: (1 - v.a) ** 2, "is (1 - a)**2, not 1 - a**2"),
    (np.tanh, lambda v: -(v.a**2), "is -a**2, not 1 - a**2"),
    (np.tanh, lambda v: v.z, "is z itself"),
    (np.tanh, lambda v: 1 - v.g**2, "is 1 - da**2, with da in the place of a"),
]


@pytest.mark.parametrize(("activation", "slope", "words"), SLOPES)
def test_another_derivative_is_named(activation: Function, slope: Function, words: str) -> None:
    report = judged(activation, slope)
    assert report["W"].cause == "derivative-at-output", str(report)
    assert f"in dz, the local derivative of a {words}" in str(report) or f"the local derivative {words}" in str(report)


def test_a_constant_factor_of_the_derivative_stays_a_factor() -> None:
    """z for 2 z is the 2 of a square, not the value in the place of its derivative."""
    report = judged(np.square, lambda v: v.z)
    assert (report["W"].cause, report["W"].factor) == ("scale", 0.5), str(report)


def test_a_derivative_left_out_of_one_line_is_told_alike_for_every_activation() -> None:
    """Of a composed activation as of a single function."""
    W = weights()
    for activation in (np.tanh, sigmoid, softplus):
        z = X @ W
        a = activation(z)
        z.name, a.name = "z", "a"
        first = Tensor(np.zeros(4), requires_grad=True, name="b")
        loss = np.sum((activation(z + first) - V) ** 2)
        given = 2 * (a.data - V)
        right = given * {np.tanh: 1 - a.data**2, sigmoid: a.data * (1 - a.data)}.get(activation, sigmoid(z.data))
        report = compare_grads(loss, {"W": X.T @ given, "b": right.sum(0)})
        assert report["W"].cause == "missing-derivative", str(report)
        assert "the local derivative between them is left out" in str(report)


@pytest.mark.parametrize(
    ("cause", "prediction", "words"),
    [
        ("target", sigmoid, "the sigmoid stands in the place of the softmax"),
        ("target", np.exp, "the exponentials are not divided by their sum"),
        ("wrong-axis", lambda z: np.exp(z) / np.exp(z).sum(), "divided by the sum of all, not of their own sample"),
    ],
)
def test_probabilities_that_are_none(cause: str, prediction: Function, words: str) -> None:
    W, hot = weights(), np.eye(4)[[0, 3, 1, 2, 0, 1]]
    z = X @ W
    loss = -np.sum(hot * np.log(np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True))) / 6
    assert compare_grads(loss, {"W": X.T @ (softmax(z.data) - hot) / 6}).matches
    report = compare_grads(loss, {"W": X.T @ (prediction(z.data) - hot) / 6})
    assert report["W"].cause == cause, str(report)
    assert words in str(report)


def test_the_derivative_of_the_softmax_after_prediction_minus_target() -> None:
    W, hot = weights(), np.eye(4)[[0, 3, 1, 2, 0, 1]]
    z = X @ W
    loss = np.sum(np.log(np.sum(np.exp(z), axis=1)) - np.sum(hot * z, axis=1)) / 6
    p = softmax(z.data)
    report = compare_grads(loss, {"W": X.T @ ((p - hot) * p * (1 - p) / 6)})
    assert report["W"].cause == "target", str(report)
    assert "is in it once more" in str(report)
