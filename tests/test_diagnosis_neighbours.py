"""Lines copied from their neighbours, sums of normalisations, float32 that keeps digits: what is said of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import Report, compare_grads
from autograd.testing.readable import readable

RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 3))


def parameter(name: str, *shape: int) -> Tensor:
    return Tensor(np.random.default_rng(len(name) + sum(shape)).normal(size=shape), requires_grad=True, name=name)


def verdict(report: Report) -> tuple[str, str | None]:
    assert report.first_wrong is not None
    return report.first_wrong.name, report.first_wrong.cause


# Lines copied from a neighbour


def gated() -> tuple[Tensor, dict[str, Any]]:
    """Two branches that are multiplied, with all that a derivation has at hand."""
    Wg, Wu = parameter("Wg", 4, 3), parameter("Wu", 4, 3)
    a = X @ Wg
    u = X @ Wu
    gate = np.tanh(a)
    loss = np.sum((gate * u - Y) ** 2)
    dout = 2 * (gate * u - Y).data
    da = dout * u.data * (1 - gate.data**2)
    return loss, {"Wg": X.T @ da, "Wu": X.T @ (dout * gate.data), "da": da}


def test_the_gradient_of_another_branch_is_named() -> None:
    loss, hand = gated()
    report = compare_grads(loss, {"Wg": hand["Wg"], "Wu": X.T @ hand["da"]})
    assert verdict(report) == ("Wu", "wrong-operand")
    assert "not from" in report["Wu"].explanation


def test_a_matrix_whose_transpose_fits_by_its_shape_is_named() -> None:
    E, U = parameter("E", 3, 4), parameter("U", 4, 3)
    h = np.tanh(X @ U @ E)
    z = h @ U
    loss = np.sum((z - Y) ** 2)
    dz = 2 * (z.data - Y)
    report = compare_grads(loss, {h: dz @ E.data})
    assert report.findings[0].cause == "wrong-operand"
    assert "E stands in the place of U.T" in report.findings[0].explanation


def test_probabilities_for_their_gradient_are_told() -> None:
    U = parameter("U", 4, 3)
    v = Tensor(X, requires_grad=True, name="v")
    scores = v @ U
    e = np.exp(scores)
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(6), [0, 1, 2, 0, 1, 2]]))
    report = compare_grads(loss, {"v": p.data @ U.data.T})
    assert verdict(report) == ("v", "wrong-operand")
    assert "is computed from p itself" in report["v"].explanation


@pytest.mark.parametrize(
    "slip", [lambda g: g.reshape(6, 3, 2).transpose(0, 2, 1), lambda g: g.reshape((6, 2, 3), order="F")]
)
def test_a_reshape_by_another_order_is_a_transpose(slip: Any) -> None:
    c = Tensor(RNG.normal(size=(6, 2, 3)), requires_grad=True, name="c")
    flat = c.reshape(6, 6)
    loss = np.sum(np.sin(flat))
    assert verdict(compare_grads(loss, {"c": slip(np.cos(flat.data))})) == ("c", "transposed")


def test_a_vector_of_weights_that_is_left_out_is_a_missing_factor() -> None:
    w = parameter("w", 4)
    h = Tensor(X, requires_grad=True, name="h")
    loss = np.sum((h @ w) ** 2)
    report = compare_grads(loss, {"h": np.outer(2 * X @ w.data, np.ones(4))})
    assert verdict(report) == ("h", "missing-derivative")
    assert "the factor w is left out" in report["h"].explanation


def test_rows_of_another_index_are_told() -> None:
    P, Q = parameter("P", 5, 3), parameter("Q", 5, 3)
    users, items = np.array([0, 1, 1, 4]), np.array([2, 3, 0, 2])
    loss = np.sum(np.sum(P[users] * Q[items], axis=1) ** 2)
    d = 2 * np.sum(P.data[users] * Q.data[items], axis=1, keepdims=True)
    dQ = np.zeros((5, 3))
    np.add.at(dQ, users, d * P.data[users])
    report = compare_grads(loss, {"Q": dQ})
    assert verdict(report) == ("Q", "wrong-operand")
    assert "another index" in report["Q"].explanation


# Derivatives


def test_an_exponent_that_is_not_lowered_is_told() -> None:
    x = Tensor(RNG.uniform(1, 2, size=5), requires_grad=True, name="x")
    z = x + 0.04 * x**3
    report = compare_grads(np.sum(np.sin(z)), {"x": np.cos(z.data) * (1 + 0.12 * x.data**3)})
    assert verdict(report) == ("x", "derivative-at-output")


def test_a_straight_piece_for_its_slope_is_told() -> None:
    z = Tensor(RNG.normal(size=9), requires_grad=True, name="z")
    loss = np.sum(np.sin(np.where(z.data > 0, z, 0.1 * z)))
    g = np.cos(np.where(z.data > 0, z.data, 0.1 * z.data))
    report = compare_grads(loss, {"z": g * np.where(z.data > 0, z.data, 0.1)})
    assert verdict(report) == ("z", "derivative-at-output")


def test_two_of_three_uses_that_one_term_has_share_their_factor() -> None:
    m = Tensor(RNG.normal(size=7), requires_grad=True, name="m")
    loss = np.sum(np.sin(m)) + np.sum(np.exp(m)) - np.sum(1.0 * m)
    report = compare_grads(loss, {"m": np.cos(m.data) + 2 * (np.exp(m.data) - 1)})
    assert verdict(report) == ("m", "scale")
    assert report["m"].factor == pytest.approx(2)


def test_a_square_written_as_a_product_is_one_use() -> None:
    h = Tensor(RNG.normal(size=(4, 5)), requires_grad=True, name="h")
    rms = np.sqrt(np.mean(h * h, axis=1, keepdims=True))
    loss = np.sum(np.sin(h / rms))
    report = compare_grads(loss, {"h": np.cos(h.data / rms.data) / rms.data})
    assert verdict(report) == ("h", "missing-term")


@pytest.mark.parametrize(
    ("cause", "slip"),
    [
        ("wrong-axis", lambda g, y, n: (g - y * np.mean(g * y, axis=0, keepdims=True)) / n),
        ("unsummed-axis", lambda g, y, n: (g - y * (g * y) / 5) / n),
        ("missing-derivative", lambda g, y, n: g - y * np.mean(g * y, axis=1, keepdims=True)),
    ],
)
def test_slips_with_the_sums_of_a_normalisation_are_told(cause: str, slip: Any) -> None:
    h = Tensor(np.random.default_rng(3).normal(size=(4, 5)), requires_grad=True, name="h")
    norm = np.sqrt(np.mean(h**2, axis=1, keepdims=True))
    y = h / norm
    loss = np.sum(np.sin(y))
    assert verdict(compare_grads(loss, {"h": slip(np.cos(y.data), y.data, norm.data)})) == ("h", cause)


# Targets


def test_a_target_with_weights_is_one() -> None:
    z = Tensor(RNG.normal(size=8), requires_grad=True, name="z")
    y, reward = (RNG.uniform(size=8) > 0.5) * 1.0, RNG.normal(size=8)
    p = 1 / (1 + np.exp(-z))
    loss = -np.sum(reward * (y * np.log(p) + (1 - y) * np.log(1 - p)))
    report = compare_grads(loss, {"z": reward * (z.data - y)})
    assert verdict(report) == ("z", "target")


def test_a_mask_is_not_called_answers() -> None:
    h, W = Tensor(X, requires_grad=True, name="h"), parameter("W", 4, 3)
    mask = (RNG.uniform(size=(6, 4)) > 0.5) * 1.0
    dropped = h * mask
    loss = np.sum((dropped @ W - Y) ** 2)
    g = 2 * (dropped.data @ W.data - Y) @ W.data.T
    report = compare_grads(loss, {"h": g * (1 - mask)})
    assert verdict(report) == ("h", "wrong-operand")
    assert "the mask" in report["h"].explanation


# Softmax


def test_a_wrong_gradient_goes_on_through_the_maximum_that_is_subtracted() -> None:
    z = Tensor(RNG.normal(size=(5, 4)), requires_grad=True, name="z")
    labels = np.array([0, 1, 2, 3, 1])
    top = np.max(z, axis=1, keepdims=True)
    e = np.exp(z - top)
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(5), labels]))
    dp = np.zeros((5, 4))
    dp[np.arange(5), labels] = -1 / (5 * p.data[np.arange(5), labels])
    inside = np.sum(dp * p.data, axis=1, keepdims=True)
    shifted = (dp + inside) * p.data  # the sign of what comes by way of the sum
    dz = shifted - shifted.sum(axis=1, keepdims=True) * (z.data == top.data)
    assert verdict(compare_grads(loss, {"z": dz})) == ("z", "scale")


# Float32


@pytest.mark.parametrize("seed", [1, 4, 14, 15, 18, 20, 26, 30])
def test_who_keeps_more_digits_than_float32_records_is_not_blamed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(12, 3)).astype(np.float32)
    w = Tensor((rng.normal(size=3) * 3).astype(np.float32), requires_grad=True, name="w")
    y = (rng.uniform(size=12) > 0.5).astype(np.float32)
    p = 1 / (1 + np.exp(-(x @ w)))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert compare_grads(loss, {"w": x.T @ (p.data - y)}).matches


@pytest.mark.parametrize("seed", range(20))
def test_confident_softmax_in_single_precision_is_not_blamed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = Tensor((rng.normal(size=(2, 2)) * 9).astype(np.float32), requires_grad=True, name="z")
    labels = np.argmax(z.data, axis=1)
    m = z - np.max(z, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(m), axis=1, keepdims=True))
    loss = -np.mean((m - log_sum)[np.arange(2), labels])
    hand = np.exp((m - log_sum).data)
    hand[np.arange(2), labels] -= 1
    assert compare_grads(loss, {"z": hand / np.float32(2)}).matches


# Right lines


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("da / (1 + np.exp(-z))**2 * np.exp(-z)", "da * a * (1 - a)"),
        ("-(-da / (1 + np.exp(-z))**2) * np.exp(-z)", "da * a * (1 - a)"),
        ("0.05 * W + 0.05 * W + dW", "0.1 * W + dW"),
        ("dW + c * h + c * h", "dW + 2 * (c * h)"),
        ("da / (1 + np.exp(-u))**2 * np.exp(-u)", "da / (1 + np.exp(-u))**2 * np.exp(-u)"),
    ],
)
def test_right_lines_are_written_as_people_write_them(text: str, wanted: str) -> None:
    assert readable(text, {"z": "a"}) == wanted
