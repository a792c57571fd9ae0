"""Two mistakes at once: each is told, wherever it shows, and a wrong gradient is never left without a verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import Report, compare_grads
from nn import functional
from tests.students import Student, sigmoid


def network(samples: int = 7) -> Student:
    """Two layers, the hidden one of a sigmoid."""
    rng = np.random.default_rng(5)
    sizes = rng.normal(size=(samples, 4)), rng.normal(size=(samples, 3))

    def forward(x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> tuple[Any, dict[str, Any]]:
        Z1 = x @ W1 + b1
        A1 = sigmoid(Z1)
        Z2 = A1 @ W2 + b2
        return np.mean((Z2 - y) ** 2), {"Z1": Z1, "A1": A1, "Z2": Z2}

    lines = {
        "dZ2": lambda v: 2 * (v.Z2 - v.y) / v.y.size,
        "dW2": lambda v: v.A1.T @ v.dZ2,
        "db2": lambda v: v.dZ2.sum(axis=0),
        "dA1": lambda v: v.dZ2 @ v.W2.T,
        "dZ1": lambda v: v.dA1 * v.A1 * (1 - v.A1),
        "dW1": lambda v: v.x.T @ v.dZ1,
        "db1": lambda v: v.dZ1.sum(axis=0),
    }
    W1, W2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 3))
    return Student(forward, lines, x=sizes[0], y=sizes[1], W1=W1, b1=rng.normal(size=5), W2=W2, b2=rng.normal(size=3))


def judged(*given: str, **slips: Any) -> Report:
    """The report on the gradients that are given, by lines of which some are wrong."""
    student = network()
    hand = student.hand(**slips)
    return compare_grads(student.loss, {name: hand[name] for name in given})


def causes(report: Report) -> dict[str, str | None]:
    return {finding.name: finding.cause for finding in report.findings}


def test_a_gradient_with_a_mistake_of_its_own_is_looked_at_again() -> None:
    """b2 comes first, with two mistakes in it; of these W2 shows the one, and then b2 the other."""
    report = judged("W2", "b2", dZ2=lambda v: 2 * (v.Z2 + v.y) / v.y.size, db2=lambda v: v.dZ2[0])
    assert causes(report) == {"W2": "target", "b2": "wrong-axis"}, str(report)
    assert report.first_wrong is not None
    assert report.first_wrong.name == "b2"


def test_the_place_of_a_mistake_is_thought_over_where_the_rest_stays_unknown() -> None:
    """Of b2 alone nobody can tell whether the 2 is missing in it or before it; of what follows from it, one can."""
    half = judged("b2", "W1", "b1", dZ2=lambda v: (v.Z2 - v.y) / v.y.size, dZ1=lambda v: v.dA1 * v.A1)
    assert causes(half) == {"b2": "scale", "W1": "consequence", "b1": "missing-derivative"}, str(half)
    alone = judged("b2", "W1", "b1", db2=lambda v: v.dZ2.sum(axis=0) / 2, dZ1=lambda v: v.dA1 * v.A1)
    assert causes(alone) == causes(half), str(alone)


def test_two_mistakes_that_show_in_the_same_gradients_are_told_together() -> None:
    report = judged("W1", "b1", dZ2=lambda v: 2 * v.Z2 / v.y.size, dZ1=lambda v: v.dA1 * (1 - v.A1**2))
    assert causes(report) in ({"W1": "target", "b1": "consequence"}, {"W1": "consequence", "b1": "target"}), str(report)
    assert "the target is not subtracted in dZ2; and in dZ1, the local derivative of A1 is 1 - A1**2" in str(report)


@pytest.mark.parametrize("given", [("W1", "b1"), ("b1",), ("Z2", "W2", "W1", "b1"), ("Z1", "W1", "b1")])
def test_what_two_mistakes_do_not_explain_stays_wrong(given: tuple[str, ...]) -> None:
    noise = np.random.default_rng(3)
    report = judged(*given, dZ1=lambda v: v.dA1 * noise.normal(size=v.dA1.shape))
    assert not report.matches
    assert report.first_wrong is not None
    assert report.first_wrong.cause == "unknown", str(report)


def test_few_numbers_are_not_explained_by_two_mistakes() -> None:
    rng = np.random.default_rng(6)
    w = Tensor([1.0, -2.0], requires_grad=True, name="w")
    x, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    loss = np.mean((1 / (1 + np.exp(-(x @ w))) - y) ** 2)
    report = compare_grads(loss, {"w": np.array([0.123, 0.456])})
    assert report["w"].cause == "unknown", str(report)


@pytest.mark.parametrize(
    ("left", "words"), [(lambda p, y: -y / p, "first"), (lambda p, y: (1 - y) / (1 - p), "second")]
)
def test_one_term_of_the_derivative_of_a_loss(left: Any, words: str) -> None:
    """Of a loss that is one operation, as of one that is written out."""
    rng = np.random.default_rng(6)
    W, x = Tensor(rng.normal(size=(4, 3)), requires_grad=True, name="W"), rng.normal(size=(6, 4))
    y = (rng.random((6, 3)) > 0.5).astype(float)
    p = functional.sigmoid(x @ W)
    dz = left(p.data, y) / y.size * p.data * (1 - p.data)
    report = compare_grads(functional.binary_cross_entropy(p, y), {"W": x.T @ dz})
    assert report["W"].cause == "missing-term", str(report)
    assert f"the {words} term is left out" in str(report)


def test_a_penalty_on_several_weights_at_once_does_not_read_the_others() -> None:
    """Its rule for W1 has W2 among its operands; a W2 that was updated too soon is no mistake in dW1."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    W1, W2 = (
        Tensor(rng.normal(size=shape), requires_grad=True, name=name)
        for name, shape in (("W1", (4, 4)), ("W2", (4, 3)))
    )
    A1 = np.tanh(x @ W1)
    Z2 = A1 @ W2
    dZ2 = 2 * (Z2.data - y)
    dW2 = A1.data.T @ dZ2 + 0.2 * W2.data
    dA1 = dZ2 @ (W2.data - 0.1 * dW2).T
    dW1 = x.T @ (dA1 * (1 - A1.data**2)) + 0.2 * W1.data
    report = compare_grads(np.sum((Z2 - y) ** 2) + 0.1 * functional.l2_penalty(W1, W2), {A1: dA1, W1: dW1, W2: dW2})
    assert [finding.cause for finding in report.findings] == ["stale-parameter", "consequence", None], str(report)
