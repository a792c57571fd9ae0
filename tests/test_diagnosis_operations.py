"""A user's own operations are judged as those of NumPy and nn are: by their records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import Tensor, operation
from autograd.testing import Report, compare_grads

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
PARAMETERS = {
    "W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4), "W2": rng.normal(size=(4, 2)), "b2": rng.normal(size=2)
}  # fmt: skip


def _swish(z: Any) -> Any:
    return z / (1 + np.exp(-z))


def _swish_slope(z: Any) -> Any:
    s = 1 / (1 + np.exp(-z))
    return s * (1 + z * (1 - s))


def _affine(x: Any, w: Any, b: Any) -> Any:
    return np.matmul(x, w) + b


def _largest(a: Any, axis: int = 0) -> Any:
    return np.max(a, axis=axis)


@pytest.fixture(scope="module")
def swish() -> Any:
    return operation(
        _swish,
        name="swish",
        role="activation",
        vjp=lambda g, y, z: g * _swish_slope(z),
        math=r"\bar z = \bar y \odot s (1 + z (1 - s)), \quad s = \sigma(z)",
        samples=[lambda rng: (rng.normal(size=(3, 4)),)],
    )


@pytest.fixture(scope="module")
def affine() -> Any:
    return operation(
        _affine,
        name="affine",
        role="product",
        vjp=(
            lambda g, y, x, w, b: np.matmul(g, np.transpose(w)),
            lambda g, y, x, w, b: np.matmul(np.transpose(x), g),
            lambda g, y, x, w, b: np.sum(g, axis=0),
        ),
        math=(r"\bar x = \bar y w^\top", r"\bar w = x^\top \bar y", r"\bar b = \sum_i \bar y_i"),
        samples=[lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=2))],
    )


def report(swish: Any, affine: Any, line: str = "", slip: Any = None) -> Report:
    """A network of these operations, judged with one line of the hand derivation replaced."""
    p = {name: Tensor(value, requires_grad=True, name=name) for name, value in PARAMETERS.items()}
    Z1 = affine(X, p["W1"], p["b1"])
    A1 = swish(Z1)
    Z2 = affine(A1, p["W2"], p["b2"])
    loss = np.mean((Z2 - Y) ** 2)
    v: dict[str, Any] = {"Z1": Z1.data, "A1": A1.data, "Z2": Z2.data, "W2": PARAMETERS["W2"]}
    lines = {
        "dZ2": lambda v: 2 * (v["Z2"] - Y) / Y.size,
        "dW2": lambda v: v["A1"].T @ v["dZ2"],
        "db2": lambda v: v["dZ2"].sum(axis=0),
        "dA1": lambda v: v["dZ2"] @ v["W2"].T,
        "dZ1": lambda v: v["dA1"] * _swish_slope(v["Z1"]),
        "dW1": lambda v: X.T @ v["dZ1"],
        "db1": lambda v: v["dZ1"].sum(axis=0),
    }
    for name, right in lines.items():
        v[name] = (slip if name == line else right)(v)
    return compare_grads(loss, {name: v[name] for name in lines})


def test_a_right_derivation_through_own_operations_matches(swish: Any, affine: Any) -> None:
    assert report(swish, affine).matches


@pytest.mark.parametrize(
    ("line", "slip", "cause", "words"),
    [
        ("dZ1", lambda v: v["dA1"], "missing-derivative", "the local derivative of A1 is left out of dZ1"),
        ("dZ1", lambda v: v["dA1"] * _swish_slope(v["A1"]), "derivative-at-output", "of A1 in dZ1 is taken at"),
        ("dZ1", lambda v: v["dA1"] * (v["Z1"] > 0), "derivative-at-output", "Z1 > 0, that of a ReLU"),
        ("dA1", lambda v: (v["dZ2"] @ v["W2"].T) / 7, "scale", "dA1 is 1/7 times what it should be"),
        ("db1", lambda v: v["dZ1"].mean(axis=0), "wrong-axis", "the mean is taken for the sum in db1"),
        ("dW2", lambda v: v["Z1"].T @ v["dZ2"], "wrong-operand", "in dW2, Z1 stands in the place of A1"),
    ],
)  # fmt: skip
def test_the_mistakes_in_own_operations_are_named(
    swish: Any, affine: Any, line: str, slip: Any, cause: str, words: str
) -> None:
    verdict = report(swish, affine, line, slip)
    assert verdict.first_wrong is not None
    assert (verdict.first_wrong.name, verdict.first_wrong.cause) == (line[1:], cause), str(verdict)
    assert words in verdict.first_wrong.explanation


def test_an_own_extreme_and_a_rule_outside_of_numpys_protocols() -> None:
    """Where a rule cannot be written down as lines, what needs no lines is still judged."""
    largest = operation(
        _largest,
        name="largest of each row",
        role="extreme",
        vjp=lambda g, y, a, axis=0: np.array(a == np.expand_dims(y, axis)) * np.expand_dims(np.asarray(g), axis),
        math=r"\bar a_{ij} = \bar y_i 1[a_{ij} = y_i]",
        samples=[lambda rng: (rng.normal(size=(3, 4)), {"axis": 1})],
    )
    w = Tensor(X, requires_grad=True, name="w")
    top = largest(w, axis=1)
    top.name = "top"
    loss = np.sum(top**2)
    dtop = 2 * top.data
    winners = (top.data[:, None] == X) * dtop[:, None]
    assert compare_grads(loss, {w: winners, top: dtop}).matches
    everywhere = compare_grads(loss, {w: np.ones_like(X) * dtop[:, None], top: dtop})
    assert everywhere["w"].cause == "missing-derivative", str(everywhere)
    assert "dw goes to all elements, not only to those that top takes" in everywhere["w"].explanation
    lowest = (np.min(X, axis=1)[:, None] == X) * dtop[:, None]
    assert "dw goes to the opposite extreme" in compare_grads(loss, {w: lowest, top: dtop})["w"].explanation
