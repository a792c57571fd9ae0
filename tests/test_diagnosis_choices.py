"""Where a derivation may choose, and slips in what it is compared with, sums over and steps through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import Report, compare_grads

Array = Any
RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))


def parameter(name: str, *shape: int) -> Tensor:
    return Tensor(np.random.default_rng(sum(map(ord, name))).normal(size=shape), requires_grad=True, name=name)


# Kinks


def at_kinks(subgradient: Callable[[Array], Array], whole: bool) -> Report:
    """Two layers of ReLU whose inputs are 0 for some samples; the gradients on the way given or not."""
    x = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, 1.0], [0.5, -2.0]])
    W1 = Tensor([[1.0, -1.0, 2.0], [-0.5, 2.0, -1.0]], requires_grad=True, name="W1")
    W2 = Tensor([[1.0, -1.0], [2.0, 0.5], [0.5, 2.0]], requires_grad=True, name="W2")
    w3 = Tensor([1.0, -2.0], requires_grad=True, name="w3")
    z1 = x @ W1
    a1 = np.maximum(0, z1)
    z2 = a1 @ W2 - np.array([a1.data[0] @ W2.data[:, 0], a1.data[1] @ W2.data[:, 1]])
    a2 = np.maximum(0, z2)
    z1.name, z2.name = "z1", "z2"
    assert np.any(z1.data == 0)
    assert np.any(z2.data == 0)
    loss = np.sum((a2 @ w3 - 1) ** 2)
    da2 = np.outer(2 * (a2.data @ w3.data - 1), w3.data)
    dz2 = da2 * np.where(z2.data == 0, subgradient(z2.data), z2.data > 0)
    dz1 = dz2 @ W2.data.T * np.where(z1.data == 0, subgradient(z1.data), z1.data > 0)
    hand = {"W1": x.T @ dz1, "W2": a1.data.T @ dz2} | ({"z1": dz1, "z2": dz2} if whole else {})
    return compare_grads(loss, hand)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_every_subgradient_of_a_kink_is_right(share: float, whole: bool) -> None:
    report = at_kinks(lambda z: share, whole)
    assert report.matches, str(report)
    assert share == 0 or "kink" in {finding.cause for finding in report.findings}


def test_each_element_may_have_a_subgradient_of_its_own() -> None:
    report = at_kinks(lambda z: np.linspace(0.1, 0.9, z.size).reshape(z.shape), True)
    assert report.matches, str(report)


@pytest.mark.parametrize("share", [-0.2, 1.3])
def test_what_lies_beyond_both_sides_of_a_kink_is_no_subgradient(share: float) -> None:
    assert not at_kinks(lambda z: share, True).matches


@pytest.mark.parametrize(("at_zero", "right"), [(0.4, True), (-1.0, True), (1.0, True), (1.2, False)])
def test_the_subgradients_of_an_absolute_value(at_zero: float, right: bool) -> None:
    W = Tensor([[0.0], [1.5], [-0.5]], requires_grad=True, name="W")
    y = Y[:, :1]
    loss = np.mean((X @ W - y) ** 2) + 0.3 * np.sum(np.abs(W))
    sign = np.array([[at_zero], [1.0], [-1.0]])
    report = compare_grads(loss, {"W": X.T @ (2 * (X @ W.data - y) / 6) + 0.3 * sign})
    assert report.matches == right, str(report)


# Targets


TARGETS: list[tuple[Callable[[Array, Array], Array], str]] = [
    (lambda p, y: p + y, "the target is added in dp, not subtracted"),
    (lambda p, y: p - np.roll(y, 1, axis=0), "the targets in dp are shifted along axis 0"),
    (lambda p, y: p - y[::-1], "the targets in dp are in the opposite order"),
    (lambda p, y: p - y.mean(axis=0), "the mean over axis 0"),
    (lambda p, y: p.mean(axis=0) - y, "stands in dp for each prediction"),
]


@pytest.mark.parametrize(("difference", "words"), TARGETS)
def test_another_target_of_a_regression(difference: Callable[[Array, Array], Array], words: str) -> None:
    W = parameter("W", 3, 2)
    p = X @ W
    p.name = "p"
    loss = np.mean((p - Y) ** 2)
    report = compare_grads(loss, {"W": X.T @ (2 * difference(p.data, Y) / 12)})
    assert report["W"].cause == "target", str(report)
    assert words in str(report)


PREDICTIONS: list[tuple[Callable[[Array], Array], str]] = [
    (np.log, "the logarithms of the probabilities stand in their place"),
    (lambda q: q == q.max(axis=1, keepdims=True), "the predicted class stands in the place of its probability"),
]


@pytest.mark.parametrize(("made_of", "words"), PREDICTIONS)
def test_what_is_no_probability(made_of: Callable[[Array], Array], words: str) -> None:
    W, hot = parameter("W", 3, 4), np.eye(4)[[0, 3, 1, 2, 0, 1]]
    z = X @ W
    q = np.exp(z.data) / np.exp(z.data).sum(axis=1, keepdims=True)
    loss = np.mean(np.log(np.sum(np.exp(z), axis=1)) - np.sum(hot * z, axis=1))
    report = compare_grads(loss, {"W": X.T @ (made_of(q) - hot) / 6})
    assert report["W"].cause == "target", str(report)
    assert words in str(report)


# Sums, transposes, slopes


@pytest.mark.parametrize(
    ("reduced", "words"),
    [
        (lambda d: np.full(6, d.mean()), "the mean over all axes stands in db for the sum over axis 0"),
        (lambda d: d.mean(axis=1), "the mean over axis 1 stands in db for the sum over axis 0"),
    ],
)
def test_means_over_other_axes(reduced: Callable[[Array], Array], words: str) -> None:
    W, b = parameter("W", 3, 6), parameter("b", 6)
    z = X @ W + b
    report = compare_grads(np.sum(z**2), {"W": X.T @ (2 * z.data), "b": reduced(2 * z.data)})
    assert report["b"].cause == "wrong-axis", str(report)
    assert words in str(report)


def test_a_tied_weight_whose_second_use_is_not_transposed_back() -> None:
    W = parameter("W", 3, 3)
    h = np.tanh(X @ W)
    r = h @ W.T
    dr = 2 * (r.data - X)
    dz = (dr @ W.data) * (1 - h.data**2)
    report = compare_grads(np.sum((r - X) ** 2), {"W": X.T @ dz + h.data.T @ dr})
    assert report["W"].cause == "transposed", str(report)
    assert "is not transposed back" in str(report)


def test_a_local_derivative_that_is_there_twice() -> None:
    W = parameter("W", 3, 2)
    z = X @ W
    a = 1 / (1 + np.exp(-z))
    z.name, a.name = "z", "a"
    slope = a.data * (1 - a.data)
    report = compare_grads(np.sum((a - Y) ** 2), {"W": X.T @ (2 * (a.data - Y) * slope * slope)})
    assert report["W"].cause == "derivative-at-output", str(report)
    assert "the local derivative of a is there twice" in str(report)


# Steps and uses


@pytest.mark.parametrize(("rate", "words"), [(0.3, "at a learning rate of 0.3"), (-0.3, "uphill, at a learning")])
def test_the_step_that_was_taken_with_a_wrong_gradient(rate: float, words: str) -> None:
    """The update is that of the hand's own gradient, whether it is right or not."""
    W1, W2 = parameter("W1", 3, 4), parameter("W2", 4, 2)
    h = np.tanh(X @ W1)
    p = h @ W2
    dp = 2 * (p.data - Y)
    dW2 = h.data.T @ dp + 0.7 * W2.data
    dz = dp @ (W2.data - rate * dW2).T * (1 - h.data**2)
    report = compare_grads(np.sum((p - Y) ** 2), {"W2": dW2, "W1": X.T @ dz})
    assert [report[name].cause for name in ("W2", "W1")] == ["regulariser", "stale-parameter"], str(report)
    assert words in str(report)


def recurrent(inputs: Callable[[int], int], states: Callable[[int], int]) -> Report:
    """Three steps; which input and which state stands in the gradient of each."""
    x = RNG.normal(size=(4, 5, 3))
    V, U = parameter("V", 3, 3), parameter("U", 3, 3)
    h = [Tensor(np.zeros((5, 3)))]
    for k in range(1, 4):
        h.append(np.tanh(x[k] @ V + h[-1] @ U))
    loss = np.sum((h[-1] - 1) ** 2)
    dV, dU, dh = np.zeros((3, 3)), np.zeros((3, 3)), 2 * (h[-1].data - 1)
    for k in (3, 2, 1):
        dz = dh * (1 - h[k].data ** 2)
        dV += x[inputs(k)].T @ dz
        dU += h[states(k)].data.T @ dz
        dh = dz @ U.data.T
    return compare_grads(loss, {"V": dV, "U": dU})


def test_the_same_input_in_every_step() -> None:
    report = recurrent(lambda k: 3, lambda k: k - 1)
    assert (report["V"].cause, report["U"].matches) == ("wrong-operand", True), str(report)
    assert "at the other steps alike" in str(report)


def test_the_state_after_a_step_for_that_before_it() -> None:
    report = recurrent(lambda k: k, lambda k: k)
    assert (report["U"].cause, report["V"].matches) == ("wrong-operand", True), str(report)


def test_a_skip_that_hands_on_the_gradient_of_the_other_branch() -> None:
    W1, W2 = parameter("W1", 3, 4), parameter("W2", 4, 4)
    a = np.tanh(X @ W1)
    z = a @ W2
    c = np.tanh(z)
    a.name, z.name, c.name = "a", "z", "c"
    s = a + c
    ds = 2 * s.data
    dz = ds * (1 - c.data**2)
    da = dz @ W2.data.T + dz
    hand = {"W2": a.data.T @ dz, "W1": X.T @ (da * (1 - a.data**2))}
    report = compare_grads(np.sum(s**2), hand)
    assert report["W1"].cause in ("wrong-operand", "missing-derivative"), str(report)
    assert "computed from dz" in str(report)


def test_a_weight_that_is_left_out_of_a_product() -> None:
    """Every unit of the hidden layer gets the gradient of the output as it is."""
    W, w = parameter("W", 3, 4), parameter("w", 4)
    h = np.tanh(X @ W)
    d = 2 * (h.data @ w.data - Y[:, 0])
    report = compare_grads(
        np.sum((h @ w - Y[:, 0]) ** 2), {"w": h.data.T @ d, "W": X.T @ (d[:, None] * (1 - h.data**2))}
    )
    assert report["W"].cause == "missing-derivative", str(report)
    assert "the factor w is left out of dh" in str(report)


def test_the_slope_of_another_leaky_unit_is_not_its_square() -> None:
    W = parameter("W", 3, 4)
    z = X @ W
    a = np.where(z.data > 0, z, 0.1 * z)
    dz = 2 * a.data * np.where(z.data > 0, 1.0, 0.01)
    report = compare_grads(np.sum(a**2), {"W": X.T @ dz})
    assert report["W"].cause not in (None, "derivative-at-output"), str(report)
