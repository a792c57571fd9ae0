"""Slips in the very line of a gradient, by the grammar of edits: what was written is shown, beside what is right."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import compare_grads
from autograd.testing.catalogue.slips import Swap, parsed, slips, value_of, written
from autograd.testing.readable import readable
from tests.students import Line, Student, classification, regression, sigmoid


def tanh_network() -> Student:
    rng = np.random.default_rng(3)

    def forward(x: Any, y: Any, W1: Any, W2: Any, W3: Any) -> tuple[Any, dict[str, Any]]:
        A1 = np.tanh(x @ W1)
        A2 = np.tanh(A1 @ W2)
        Z3 = A2 @ W3
        return np.sum((Z3 - y) ** 2) / 2, {"A1": A1, "A2": A2, "Z3": Z3}

    lines = {
        "dZ3": lambda v: v.Z3 - v.y,
        "dW3": lambda v: v.A2.T @ v.dZ3,
        "dA2": lambda v: v.dZ3 @ v.W3.T,
        "dW2": lambda v: v.A1.T @ (v.dA2 * (1 - v.A2**2)),
        "dA1": lambda v: (v.dA2 * (1 - v.A2**2)) @ v.W2.T,
        "dW1": lambda v: v.x.T @ (v.dA1 * (1 - v.A1**2)),
    }
    shapes = {"x": (6, 4), "y": (6, 4), "W1": (4, 4), "W2": (4, 4), "W3": (4, 4)}
    return Student(forward, lines, **{name: rng.normal(size=shape) for name, shape in shapes.items()})


@pytest.mark.parametrize(
    ("student", "name", "line", "cause", "shown"),
    [
        (regression, "Z1", lambda v: v.dA1 * v.A1 * 1 - v.A1, "derivative-at-output", "dA1 * A1 * 1 - A1"),
        (regression, "Z1", lambda v: v.dA1 * sigmoid(v.dA1) * (1 - sigmoid(v.dA1)), "derivative-at-output", "dA1"),
        (regression, "Z1", lambda v: sigmoid(v.dA1) * (1 - sigmoid(v.dA1)), None, "sigmoid(dA1) * (1 - sigmoid(dA1))"),
        (regression, "b2", lambda v: (v.A1.T @ v.dZ2).sum(axis=0), "wrong-operand", "db2"),
        (classification, "A1", lambda v: v.dZ2 @ (v.A1.T @ v.dZ2).T, "wrong-operand", "dW2.T"),
        (tanh_network, "W2", lambda v: v.A1.T @ (v.dA2 * 1 - v.A2**2), "derivative-at-output", "(dA2 * 1 - A2**2)"),
        (tanh_network, "A1", lambda v: v.dA2 @ v.W2, None, "W2"),
        (tanh_network, "A2", lambda v: v.dZ3 @ (v.A2.T @ v.dZ3).T, "wrong-operand", "dW3.T"),
    ],
)  # fmt: skip
def test_a_slip_in_a_line_is_named_and_shown(
    student: Any, name: str, line: Line, cause: str | None, shown: str
) -> None:
    report = student().report(**{f"d{name}": line})
    assert report.first_wrong is not None
    assert report.first_wrong.name == name, str(report)
    assert report.first_wrong.cause != "unknown", str(report)
    assert cause is None or report.first_wrong.cause == cause, str(report)
    assert shown in report.first_wrong.explanation, str(report)
    others = {finding.cause for finding in report.findings if finding.name != name}
    assert others <= {None, "consequence"}, str(report)


def test_every_edit_of_a_line_is_another_line() -> None:
    tree = parsed("g0 * (1 - v1**2) + np.sum(g0 @ v2.T, axis=0)")
    edits = [ast.unparse(slip.tree) for slip in slips(tree, {"v1": (Swap("g0", "wrong-operand", 1.0),)})]
    assert ast.unparse(tree) not in edits
    assert len(set(edits)) > 0.9 * len(edits)
    for expected in (
        "g0 * 1 - v1 ** 2 + np.sum(g0 @ v2.T, axis=0)",
        "g0 * (1 - g0 ** 2) + np.sum(g0 @ v2.T, axis=0)",
        "g0 * (1 - v1) + np.sum(g0 @ v2.T, axis=0)",
        "g0 + np.sum(g0 @ v2.T, axis=0)",
        "g0 * (1 - v1 ** 2)",
        "g0 * (1 - v1 ** 2) + np.sum(g0 * v2.T, axis=0)",
        "g0 * (1 - v1 ** 2) + np.sum(g0 @ v2, axis=0)",
        "g0 * (1 - v1 ** 2) + np.sum(g0 @ v2.T, axis=1)",
        "g0 * (1 - v1 ** 2) + np.mean(g0 @ v2.T, axis=0)",
    ):
        assert expected in edits


def test_words_of_every_edit_can_be_said() -> None:
    text = "-a0 / v1**2 * np.where(np.abs(v2) < 1, v2, np.sign(v2)) + a0 @ v3.T * (v1 > 0) - np.mean(a0, axis=0)"
    for slip in slips(parsed(text), {}):
        assert slip.said.format(a0="g", v1="x", v2="y", v3="z")


@pytest.mark.parametrize(
    "text",
    [
        "g0 * v1 * (1 - v1)",
        "-g0 / v1**2",
        "g0 @ v2.T * (v1 > 0)",
        "np.sum(g0, axis=1, keepdims=True) - np.tanh(v1)",
        "softmax(v1, axis=0) + sigmoid(v1)",
    ],
)
def test_an_expression_gives_what_python_says(text: str) -> None:
    rng = np.random.default_rng(0)
    names = {name: rng.normal(size=(3, 3)) for name in ("g0", "v1", "v2")}
    softmax = lambda z, axis: np.exp(z) / np.sum(np.exp(z), axis=axis, keepdims=True)
    expected = eval(text, {"np": np, "sigmoid": sigmoid, "softmax": softmax}, names)
    np.testing.assert_allclose(value_of(parsed(text), names), expected, rtol=1e-12)


def test_the_names_of_a_line_are_gaps() -> None:
    assert written(parsed("dn0 * np.tanh(v1) ** 2 @ o12.T")) == "{dn0} * np.tanh({v1})**2 @ {o12}.T"


def test_a_factor_is_told_as_one_size_in_the_place_of_another() -> None:
    rng = np.random.default_rng(0)
    W = Tensor(rng.normal(size=(8, 5)), True, name="W")
    x, y = rng.normal(size=(5, 7)), rng.normal(size=(8, 7))
    z = W @ x
    z.name = "z"
    finding = compare_grads(np.sum((z - y) ** 2) / 7, {"z": 2 * (z.data - y) / W.shape[1]})["z"]
    assert finding.cause == "scale"
    assert "not by the 7 columns of x" in finding.explanation
    assert finding.explanation.endswith("right: dz = (z - y) * 2 / 7")


@pytest.mark.parametrize(
    ("text", "short"),
    [("-(-dp * p * (1 - p))", "dp * p * (1 - p)"), ("x + x", "2 * x"), ("a - b", "a - b")],
)
def test_a_right_line_has_no_sign_twice(text: str, short: str) -> None:
    assert readable(text, {}) == short


@pytest.mark.parametrize("parameters_alone", [False, True])
@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (lambda v: v.dA2 @ (v.W2 - 0.1 * v.dW2).T, "A2 stands in the place of"),
        (lambda v: (v.Z3 - v.y) @ (v.W2 - 0.1 * v.dW2).T, "Z3 - y stands in the place of"),
    ],
)
def test_a_weight_that_was_updated_already_is_found_beside_another_slip(
    wrong: Line, shown: str, parameters_alone: bool
) -> None:
    student = tanh_network()
    hand = {name: g for name, g in student.hand(dA1=wrong).items() if not parameters_alone or "W" in name}
    report = compare_grads(student.loss, hand)
    assert report.first_wrong is not None
    assert report.first_wrong.name == ("W1" if parameters_alone else "A1"), str(report)
    told = report.first_wrong.explanation
    assert shown in told, str(report)
    assert "W2 had been updated already, at a learning rate of 0.1" in told, str(report)


def test_sums_over_the_other_axis_in_all_terms_of_a_line() -> None:
    rng = np.random.default_rng(0)
    x, y, g = rng.normal(size=(6, 3)), rng.normal(size=(6, 4)), rng.normal(size=4)
    W, gamma = Tensor(rng.normal(size=(3, 4)), True, name="W"), Tensor(g, True, name="gamma")
    z = x @ W
    centred = z - np.mean(z, axis=1, keepdims=True)
    deviation = np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)
    h = centred / deviation
    loss = np.mean((h * gamma + z - y) ** 2)
    da = 2 * (h.data * g + z.data - y) / y.size
    dh = da * g
    means = np.mean(dh, axis=0, keepdims=True), np.mean(dh * h.data, axis=0, keepdims=True)
    dz = (dh - means[0] - h.data * means[1]) / deviation.data + da
    finding = compare_grads(loss, {"W": x.T @ dz})["W"]
    assert finding.cause == "wrong-axis"
    assert "the sums are over axis 0, not over axis 1, in all terms" in finding.explanation


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda g: g[::-1, ::-1], "dK is turned by 180 degrees"),
        (lambda g: g.T, "dK is transposed"),
        (lambda g: g[:, ::-1], "dK is mirrored"),
    ],
)
def test_the_gradient_of_a_kernel_may_be_turned(turn: Any, words: str) -> None:
    rng = np.random.default_rng(0)
    x, K = rng.normal(size=(4, 4)), Tensor(rng.normal(size=(3, 3)), True, name="K")
    loss: Any = sum(np.sum(x[i : i + 3, j : j + 3] * K) ** 2 for i in range(2) for j in range(2))
    patches = [x[i : i + 3, j : j + 3] for i in range(2) for j in range(2)]
    right = sum(2 * np.sum(patch * K.data) * patch for patch in patches)
    finding = compare_grads(loss, {"K": turn(right)})["K"]
    assert finding.cause == "transposed"
    assert words in finding.explanation


def test_what_a_constant_is_made_of_stands_in_the_right_line() -> None:
    rng = np.random.default_rng(0)
    y, a = 1.0 * (rng.random(5) > 0.5), Tensor(rng.random(5), True, name="a")
    loss = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    finding = compare_grads(loss, {"a": -y / a.data / 5})["a"]
    assert "(1 - y) / 5 / (1 - a)" in finding.explanation
    assert not finding.where


def test_a_factor_that_no_size_was_divided_by_is_only_as_many() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 7)), rng.normal(size=(2, 7))
    W = Tensor(rng.normal(size=(2, 4)), True, name="W")
    z = W @ x
    z.name = "z"
    finding = compare_grads(np.sum(np.abs(z - y)), {"z": 4 * np.sign(z.data - y)})["z"]
    assert "4 times what it should be: as many as the 4 rows of x" in finding.explanation
    assert "is missing" not in finding.explanation


@pytest.mark.parametrize(
    ("factor", "words"),
    [(7.0, "7 times this loss, as of a sum for a mean"), (0.5, "half the square"), (-1.0, "negative")],
)
def test_gradients_that_are_all_right_for_another_loss_are_told_so(factor: float, words: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=7)
    w, b = Tensor(rng.normal(size=3), True, name="w"), Tensor(0.5, True, name="b")
    error = x @ w + b - y
    g = 2 * error.data / 7
    report = compare_grads(np.mean(error**2), {"w": factor * x.T @ g, "b": factor * np.sum(g)})
    assert words in str(report)
    assert "right for" not in str(compare_grads(np.mean(error**2), {"w": factor * x.T @ g, "b": np.sum(g)}))


def test_the_slope_of_a_tanh_for_that_of_a_softmax() -> None:
    rng = np.random.default_rng(0)
    z, y = Tensor(rng.normal(size=(5, 4)), True, name="z"), rng.normal(size=(5, 4))
    e = np.exp(z)
    p = e / np.sum(e, axis=1, keepdims=True)
    finding = compare_grads(np.mean((p - y) ** 2), {"z": 2 * (p.data - y) / y.size * (1 - p.data**2)})["z"]
    assert finding.cause == "derivative-at-output"
    assert "the derivative of a tanh stands for that of the softmax" in finding.explanation


def test_a_quotient_by_a_sum_of_squares_is_no_normalisation() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 4))
    W = Tensor(rng.normal(size=(3, 4)), True, name="W")
    z = x @ W
    q = np.sum(z**2, axis=1, keepdims=True) + 1
    g = 2 * (z.data / q.data - y)
    dz = g / q.data**2 - 2 * z.data * np.sum(g * z.data, axis=1, keepdims=True) / q.data**2
    finding = compare_grads(np.sum((z / q - y) ** 2), {"W": x.T @ dz})["W"]
    assert finding.cause == "derivative-at-output"
    assert "q**2 stands where q belongs" in finding.explanation
