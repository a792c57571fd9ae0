"""The judge of functions: the wrong line in every shape in which people write backprop, and nothing changed by it."""

from __future__ import annotations

import inspect
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd.testing import Report, assert_backprop, check_backprop

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))


def weights() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {"W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4), "W2": rng.normal(size=(4, 2)), "b2": np.zeros(2)}


def line_of(function: Callable[..., Any], text: str) -> int:
    """The number of the line of a function that starts with a text."""
    lines, first = inspect.getsourcelines(function)
    return first + [line.strip().startswith(text) for line in lines].index(True)


def lines(report: Report) -> list[int]:
    return [line.line for line in report.lines]


def backprop(x: Any, y: Any, p: Any, slip: str = "") -> Any:
    h = np.tanh(x @ p["W1"] + p["b1"])
    out = h @ p["W2"] + p["b2"]
    loss = np.mean((out - y) ** 2)
    dout = 2 * (out - y) / y.size
    dW2 = h.T @ dout
    dh = dout @ p["W2"].T
    dz = dh * (1 - h**2)
    if slip == "slope":
        dz = dh * (1 - h)
    if slip in ("both", "weight"):
        dW2 = 3 * h.T @ dout
    if slip == "both":
        dz = dh
    grads = {"W1": x.T @ dz, "b1": dz.sum(axis=0), "W2": dW2, "b2": dout.sum(axis=0)}
    if slip == "missing":
        del grads["b2"]
    if slip == "shape":
        grads["b2"] = dout
    if slip == "nan":
        grads["b2"] = grads["b2"] * np.nan
    if slip == "none":
        grads["b2"] = None
    return loss, grads


def test_what_is_right_matches() -> None:
    report = check_backprop(backprop, X, Y, weights())
    assert report.matches
    assert not report.lines
    assert str(report).startswith("all 4 gradients match")


def test_the_wrong_line_is_named_with_its_right_form() -> None:
    report = check_backprop(backprop, X, Y, weights(), slip="slope")
    assert lines(report) == [line_of(backprop, "dz = dh * (1 - h)\n".strip())]
    (line,) = report.lines
    assert line.cause == "derivative-at-output"
    assert line.right == "dz = dh * (1 - h**2)"
    assert line.function == "backprop"
    assert "^" in line.source
    assert "2 of 4 gradients are right." in str(report)


def test_two_wrong_lines_are_two_findings() -> None:
    report = check_backprop(backprop, X, Y, weights(), slip="both")
    assert lines(report) == [line_of(backprop, "dW2 = 3 * "), line_of(backprop, "dz = dh\n".strip())] or lines(
        report
    ) == [line_of(backprop, "dW2 = 3 * "), max(lines(report))]
    assert {line.cause for line in report.lines} == {"scale", "missing-derivative"}


def test_a_failing_test_shows_the_line() -> None:
    with pytest.raises(AssertionError, match=r"test_backprop.py:\d+ in backprop"):
        assert_backprop(backprop, X, Y, weights(), slip="weight")
    assert_backprop(backprop, X, Y, weights())


def test_a_gradient_that_is_missing_is_named() -> None:
    report = check_backprop(backprop, X, Y, weights(), slip="missing")
    assert report.missing == ("b2",)
    assert not report.matches
    assert "No gradient was given of b2" in str(report)


def test_a_gradient_of_another_shape_is_a_finding() -> None:
    report = check_backprop(backprop, X, Y, weights(), slip="shape")
    assert not report["b2"].matches
    assert "is the sum over the samples missing?" in report["b2"].explanation


def softmax(x: Any, t: Any, W: Any, b: Any) -> Any:
    e = np.exp(x @ W + b)
    p = e / e.sum(axis=1, keepdims=True)
    n = len(x)
    loss = -np.mean(np.log(p[np.arange(n), t]))
    d = p.copy()
    d[np.arange(n), t] -= 1
    return loss, {"W": x.T @ d, "b": d.sum(axis=0)}


def test_a_factor_of_what_is_subtracted_from_is_one_of_all() -> None:
    """`d[np.arange(n), t] -= 1 / n` is wrong too."""
    report = check_backprop(softmax, X, np.array([0, 1, 2, 3, 0, 1, 2]), RNG.normal(size=(3, 4)), np.zeros(4))
    assert [line.right for line in report.lines] == ["d[np.arange(n), t] -= 1; d = d / 7"]


def test_a_name_that_is_no_parameters_is_told() -> None:
    def linear(x: Any, y: Any, W: Any, b: Any) -> Any:
        e = x @ W + b - y
        return np.mean(e**2), {"W": x.T @ (2 * e / e.size), "bias": e}

    report = check_backprop(linear, X, Y, weights()["W1"][:, :2], np.zeros(2))
    assert "Not judged, as no parameter of floats is called so: bias." in str(report)
    with pytest.raises(TypeError, match="under the names W, bias, and no parameter that holds floats"):
        check_backprop(linear, X, Y, np.ones((3, 2), int), np.zeros(2, int))


def test_a_sum_over_the_wrong_axis_in_what_is_returned() -> None:
    def linear(x: Any, y: Any, W: Any, b: Any) -> Any:
        e = x @ W + b - y
        d = 2 * e / e.size
        return np.mean(e**2), {
            "W": x.T @ d,
            "b": d.sum(axis=1),
        }

    report = check_backprop(linear, X, Y, weights()["W1"][:, :2], np.zeros(2))
    assert lines(report) == [line_of(linear, '"b"')]
    assert report["W"].matches
    assert "gradient of b has the shape (7,), and b (2,)" in report["b"].explanation


@pytest.mark.parametrize(("slip", "error"), [("nan", ValueError), ("none", TypeError)])
def test_what_is_no_gradient_is_an_error_that_names_it(slip: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="b2"):
        check_backprop(backprop, X, Y, weights(), slip=slip)


def test_a_report_is_json() -> None:
    told = json.loads(json.dumps(check_backprop(backprop, X, Y, weights(), slip="slope").as_dict()))
    assert told["right"] == 2
    assert len(told["gradients"]) == 4
    assert told["lines"][0]["cause"] == "derivative-at-output"


# What comes back, and how


def test_gradients_in_the_order_of_the_parameters() -> None:
    def ordered(x: Any, y: Any, w: Any, b: Any) -> Any:
        error = x @ w + b - y
        return np.sum(error**2) / 2, x.T @ error, np.sum(error, axis=0)

    report = check_backprop(ordered, X, Y, RNG.normal(size=(3, 2)), np.zeros(2))
    assert report.matches
    assert [finding.name for finding in report.findings] == ["w", "b"]


class Layer:
    def __init__(self) -> None:
        self.w, self.b = RNG.normal(size=(3, 2)), np.zeros(2)

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.w + self.b

    def backward(self, g: Any, slip: bool) -> None:
        self.dw = self.x.T @ g
        self.db = g.sum(axis=0)
        if slip:
            self.dw = self.x.T @ (2 * g)


@pytest.mark.parametrize("slip", [False, True])
def test_gradients_that_layers_keep(slip: bool) -> None:
    layer = Layer()

    def step() -> Any:
        out = layer.forward(X)
        loss = np.sum((out - Y) ** 2)
        layer.backward(2 * (out - Y), slip)
        return loss

    report = check_backprop(step, params=layer)
    assert lines(report) == ([line_of(Layer.backward, "self.dw = self.x.T @ (2")] if slip else [])
    assert set(vars(layer)) == {"w", "b"}


@pytest.mark.parametrize("slip", ["", "penalty", "ascent"])
def test_what_an_update_implies(slip: str) -> None:
    p = {"w": RNG.normal(size=(3, 2)), "b": np.zeros(2)}

    def step(lr: float = 0.1, k: float = 0.01) -> None:
        error = X @ p["w"] + p["b"] - Y
        loss = np.mean(np.sum(error**2, axis=1)) + k * np.sum(p["w"] ** 2)
        dw = 2 * X.T @ error / len(X)
        if slip == "penalty":
            p["w"] -= lr * dw + 2 * k * p["w"]
        else:
            p["w"] -= lr * (dw + 2 * k * p["w"])
        if slip == "ascent":
            p["b"] += lr * 2 * error.mean(axis=0)
        else:
            p["b"] -= lr * 2 * error.mean(axis=0)
        assert loss > 0

    report = check_backprop(step, params=p)
    wanted = {"penalty": 'p["w"] -= lr * dw + 2', "ascent": 'p["b"] +='}
    assert lines(report) == ([line_of(step, wanted[slip])] if slip else [])


def test_the_negative_gradient_that_is_added_is_right() -> None:
    w = {"w": RNG.normal(size=(3, 2))}

    def step() -> Any:
        loss = 0.5 * np.sum((Y - X @ w["w"]) ** 2)
        delta = Y - X @ w["w"]
        w["w"] += X.T @ delta
        return loss

    assert check_backprop(step, params=w).matches


def test_only_the_first_step_of_a_loop_is_judged() -> None:
    w = {"w": RNG.normal(size=(3, 2))}

    def train() -> None:
        for _ in range(3):
            out = X @ w["w"]
            loss = np.sum((out - Y) ** 2)
            w["w"] = w["w"] - 0.01 * 2 * X.T @ (out - Y)
            assert loss > 0

    assert check_backprop(train, params=w).matches


def test_index_writes_and_accumulators_are_followed() -> None:
    def looped(x: Any, y: Any, w: Any) -> Any:
        out = x @ w
        loss = np.sum((out - y) ** 2)
        dw = np.zeros((3, 2))
        for i in range(len(x)):
            for j in range(3):
                dw[j] += x[i, j] * (out[i] - y[i])
        return loss, {"dw": dw}

    report = check_backprop(looped, X, Y, RNG.normal(size=(3, 2)))
    assert lines(report) == [line_of(looped, "dw[j] +=")]
    assert report.lines[0].cause == "scale"


def test_a_mask_that_is_drawn_is_the_same_forward_and_back() -> None:
    def dropped(x: Any, y: Any, w: Any) -> Any:
        mask = np.random.rand(*x.shape) < 0.5  # noqa: NPY002
        error = (x * mask) @ w - y
        return np.sum(error**2), {"w": 2 * (x * mask).T @ error}

    assert check_backprop(dropped, X, Y, RNG.normal(size=(3, 2))).matches


@pytest.mark.parametrize("how", ["given", "named"])
def test_a_loss_may_be_given_apart(how: str) -> None:
    w = {"w": RNG.normal(size=(3, 2))}

    def step(x: Any, y: Any) -> None:
        error = x @ w["w"] - y
        badness = np.sum(error**2)
        w["w"] -= 0.1 * 2 * x.T @ error
        assert badness > 0

    loss: Any = (lambda x, y: np.sum((x @ w["w"] - y) ** 2)) if how == "given" else "badness"
    assert check_backprop(step, X, Y, params=w, loss=loss).matches


def test_float32_is_right() -> None:
    p = {name: value.astype(np.float32) for name, value in weights().items()}
    assert check_backprop(backprop, X.astype(np.float32), Y.astype(np.float32), p).matches


# Nothing of the author's is changed, and errors say what to do


def test_nothing_is_changed_even_by_an_error() -> None:
    p, before = weights(), weights()
    held = {"lists": [p["W1"], [p["b1"]]], "p": p}
    arrays = {name: id(value) for name, value in p.items()}

    def bad(held: Any) -> None:
        held["p"]["W1"] -= 1.0
        held["lists"].append(3)
        held["p"]["new"] = np.random.rand()  # noqa: NPY002
        random.random()
        raise ZeroDivisionError("mine")

    state, numbers = np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index, union-attr]  # noqa: NPY002
    with pytest.raises(ZeroDivisionError, match="mine"):
        check_backprop(bad, held, params=p)
    assert {name: id(value) for name, value in p.items()} == arrays
    assert len(held["lists"]) == 2
    assert held["lists"][0] is p["W1"]
    for name, value in before.items():
        np.testing.assert_array_equal(p[name], value)
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index, union-attr]  # noqa: NPY002
    assert random.getstate() == numbers
    assert type(X) is np.ndarray


def test_a_loss_that_leaves_numpy_is_an_error_that_names_the_line() -> None:
    def left(x: Any, w: Any) -> Any:
        out = x @ w
        loss = sum(math.exp(v) for v in out)
        return loss, {"w": x.T @ np.exp(out)}

    with pytest.raises(TypeError, match=r"float\(\) at test_backprop.py:\d+ \(loss = sum\(math.exp"):
        check_backprop(left, X, RNG.normal(size=3))


def test_a_loss_or_gradients_that_are_not_there_are_errors_that_say_what_to_give() -> None:
    with pytest.raises(TypeError, match="the loss was not found"):
        check_backprop(lambda w: {"w": w * 2}, np.ones(2))
    with pytest.raises(TypeError, match="no gradient was found"):
        check_backprop(lambda w: np.sum(w**2), np.ones(2))
    with pytest.raises(TypeError, match="takes a function"):
        check_backprop(3)  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="neither an argument"):
        check_backprop(lambda w: np.sum(w**2), np.ones(2), params=["v"])


def test_a_parameter_that_is_never_used_is_named() -> None:
    def unused(x: Any, w: Any, v: Any) -> Any:
        out = x @ w
        return np.sum(out**2), {"w": 2 * x.T @ out, "v": np.ones(2)}

    report = check_backprop(unused, X, RNG.normal(size=3), np.ones(2))
    assert "does not depend on v" in str(report)
    assert not report.matches


@pytest.mark.parametrize(("factor", "words"), [(0.5, "half the square"), (7.0, "a sum for a mean"), (-1.0, "negative")])
def test_what_is_right_for_another_loss_is_told(factor: float, words: str) -> None:
    def scaled(x: Any, y: Any, w: Any) -> Any:
        error = x @ w - y
        delta = factor * 2 * error / error.size
        return np.mean(error**2), {"w": x.T @ delta}

    report = check_backprop(scaled, X, Y, RNG.normal(size=(3, 2)))
    assert lines(report) == [line_of(scaled, "delta =")]
    assert words in str(report)


def test_an_option_of_pytest_writes_a_file_a_student(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["autograd.testing.marks"]\n')
    (tmp_path / "test_work.py").write_text(
        "import numpy as np\nfrom autograd.testing import assert_backprop\n\n\ndef square(w):\n"
        "    return np.sum(w**2), {'w': w}\n\n\ndef test_square():\n    assert_backprop(square, np.array([3.0, 4.0]))\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "--backprop-reports=marks", "--student=ann", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert "test_work.py:6 in square" in done.stdout
    told = json.loads((tmp_path / "marks" / "ann.json").read_text())
    assert told["passed"] == 0
    (report,) = told["tests"]["test_square"]["reports"]
    assert report["lines"][0]["cause"] == "scale"
