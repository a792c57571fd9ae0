"""Networks with squared losses."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tests.benchmarks.planted.lines import (
    Values,
    absolutes,
    column_layer,
    half_squares,
    relu_line,
    row_layer,
    sigmoid,
    sigmoid_line,
)
from tests.benchmarks.planted.network import Arrays, Config, Network
from tests.benchmarks.planted.pen import Pen, slip


def rows(rng: np.random.Generator, config: Config, *, flat_bias: bool = True) -> tuple[dict[str, Any], Arrays]:
    """Samples in rows, weights (in, out), biases (out,) or (1, out)."""
    widths = config.widths
    parameters = {}
    for k, (fan_in, fan_out) in enumerate(itertools.pairwise(widths), 1):
        parameters[f"W{k}"] = rng.normal(size=(fan_in, fan_out)) * np.sqrt(2 / fan_in)
        parameters[f"b{k}"] = rng.normal(size=fan_out if flat_bias else (1, fan_out)) * 0.3
    X, y = rng.normal(size=(config.samples, widths[0])), rng.normal(size=(config.samples, widths[-1]))
    return {"X": X, "y": y}, parameters


def columns(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    """Samples in columns, weights (out, in), biases (out, 1)."""
    constants, parameters = rows(rng, config)
    turned = {name: p.T.copy() if p.ndim == 2 else p[:, None].copy() for name, p in parameters.items()}
    return {name: value.T.copy() for name, value in constants.items()}, turned


# Two layers, ReLU, the mean over all numbers


def _relu_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.maximum(0, v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    return np.mean((v.Z2 - v.y) ** 2)


def _relu_hand(v: Values, pen: Pen) -> None:
    N, size, error = len(v.X), v.y.size, v.Z2 - v.y
    dZ2 = pen(
        "Z2",
        ["loss"],
        2 * error / size,
        slip("scale", "1/size dropped", lambda: 2 * error),
        slip("scale", "mean over the samples, not over all numbers", lambda: 2 * error / N),
        slip("scale", "2 of the square dropped", lambda: error / size),
        slip("scale", "half of the gradient of a half square", lambda: error / N),
        slip("scale", "target minus prediction", lambda: -2 * error / size),
        slip("target", "target not subtracted", lambda: 2 * v.Z2 / size),
        slip("target|unknown", "targets of the next sample", lambda: 2 * (v.Z2 - np.roll(v.y, 1, axis=0)) / size),
        slip("unknown", "of the absolute error", lambda: np.sign(error) / size),
    )
    dA1 = row_layer(pen, v, 2, dZ2)
    dZ1 = relu_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


RELU = Network(
    "rows, ReLU, mean square",
    (
        Config("plain", 7, (5, 4, 3)),
        Config("square", 4, (4, 4, 4)),
        Config("two samples", 2, (5, 4, 3)),
        Config("one output", 6, (3, 5, 1)),
        Config("ties", 6, (3, 5, 2), ties=True),
    ),
    lambda rng, config: rows(rng, config, flat_bias=False),
    _relu_forward,
    _relu_hand,
)


# Four layers, ReLU, the mean over samples of the sum over outputs, in a loop over the layers


def _deep_forward(v: Values) -> Any:
    for k in (1, 2, 3, 4):
        v[f"Z{k}"] = v["X" if k == 1 else f"A{k - 1}"] @ v[f"W{k}"] + v[f"b{k}"]
        if k < 4:
            v[f"A{k}"] = np.maximum(0, v[f"Z{k}"])
    return np.sum((v.Z4 - v.y) ** 2) / len(v.X)


def _deep_hand(v: Values, pen: Pen) -> None:
    N, error = len(v.X), v.Z4 - v.y
    dZ = pen(
        "Z4",
        ["loss"],
        2 * error / N,
        slip("scale", "1/N dropped", lambda: 2 * error),
        slip("scale", "mean over all numbers", lambda: 2 * error / error.size),
        slip("scale", "2 of the square dropped", lambda: error / N),
        slip("scale", "target minus prediction", lambda: -2 * error / N),
        slip("target", "target not subtracted", lambda: 2 * v.Z4 / N),
    )
    dA = None
    for k in (4, 3, 2):
        dA = row_layer(pen, v, k, dZ, dA)
        dZ = relu_line(pen, v, k - 1, dA)
    row_layer(pen, v, 1, dZ, dA, goes_on=False)


DEEP = Network(
    "rows, 4 layers, ReLU, mean of sums",
    (
        Config("plain", 11, (6, 7, 5, 4, 3)),
        Config("equal widths", 9, (5, 5, 5, 5, 5)),
        Config("ties", 7, (4, 5, 6, 5, 2), ties=True),
    ),
    rows,
    _deep_forward,
    _deep_hand,
)
LARGE = Network(
    "4 layers, 10,000 parameters", (Config("large", 32, (64, 64, 56, 32, 10)),), rows, _deep_forward, _deep_hand
)


# Columns, sigmoid, the sum of half squares by the number of samples


def _columns_forward(v: Values) -> Any:
    v.Z1 = v.W1 @ v.X + v.b1
    v.A1 = sigmoid(v.Z1)
    v.Z2 = v.W2 @ v.A1 + v.b2
    return np.sum((v.Z2 - v.y) ** 2) / (2 * v.X.shape[1])


def _columns_hand(v: Values, pen: Pen) -> None:
    m, error = v.X.shape[1], v.Z2 - v.y
    dZ2 = pen(
        "Z2",
        ["loss"],
        error / m,
        slip("scale", "1/m dropped", lambda: error * 1),
        slip("scale", "2 of a square without half", lambda: 2 * error / m),
        slip("scale", "the half kept", lambda: error / (2 * m)),
        slip("scale", "target minus prediction", lambda: -error / m),
        slip("scale", "mean over the outputs too", lambda: error / v.y.size),
        slip("target", "target not subtracted", lambda: v.Z2 / m),
        slip("target|unknown", "targets off by one", lambda: (v.Z2 - np.roll(v.y, 1, axis=1)) / m),
    )
    dA1 = column_layer(pen, v, 2, dZ2)
    dZ1 = sigmoid_line(pen, v, 1, dA1)
    column_layer(pen, v, 1, dZ1, dA1, goes_on=False)


COLUMNS = Network(
    "columns, sigmoid, half squares",
    (
        Config("plain", 7, (5, 4, 3)),
        Config("square", 4, (4, 4, 4)),
        Config("two samples", 2, (3, 4, 2)),
        Config("curve", 20, (1, 6, 1)),
    ),
    columns,
    _columns_forward,
    _columns_hand,
    axis=1,
)


# Three layers, sigmoid everywhere, the output too


def _sigmoids_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = sigmoid(v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    v.A2 = sigmoid(v.Z2)
    v.Z3 = v.A2 @ v.W3 + v.b3
    v.A3 = sigmoid(v.Z3)
    return 0.5 * np.sum((v.A3 - v.y) ** 2)


def _sigmoids_hand(v: Values, pen: Pen) -> None:
    error = v.A3 - v.y
    dA3 = pen(
        "A3",
        ["loss"],
        error,
        slip("scale", "2 of a square without half", lambda: 2 * error),
        slip("scale", "divided by N", lambda: error / len(error)),
        slip("scale", "target minus prediction", lambda: -error),
        slip("target", "target not subtracted", lambda: v.A3 * 1),
        slip("target|wrong-operand", "prediction before the sigmoid", lambda: v.Z3 - v.y),
    )
    dZ3 = sigmoid_line(pen, v, 3, dA3)
    dA2 = row_layer(pen, v, 3, dZ3, dA3)
    dZ2 = sigmoid_line(pen, v, 2, dA2)
    dA1 = row_layer(pen, v, 2, dZ2, dA2)
    dZ1 = sigmoid_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


SIGMOIDS = Network(
    "rows, 3 layers, sigmoid output, half squares",
    (Config("plain", 8, (5, 6, 4, 3)), Config("square", 4, (4, 4, 4, 4))),
    lambda rng, config: rows(rng, config, flat_bias=False),
    _sigmoids_forward,
    _sigmoids_hand,
)


# A linear model with penalties: absolute values, and half squares


def _linear_forward(penalty: Any) -> Any:
    def forward(v: Values) -> Any:
        v.Z1 = v.X @ v.W1 + v.b1
        return np.mean((v.Z1 - v.y) ** 2) + penalty.loss(v.W1)

    return forward


def _linear_hand(penalty: Any, penalised_bias: float) -> Any:
    def hand(v: Values, pen: Pen) -> None:
        error = v.Z1 - v.y
        dZ1 = pen(
            "Z1",
            ["loss"],
            2 * error / error.size,
            slip("scale", "1/N dropped", lambda: 2 * error),
            slip("scale", "2 of the square dropped", lambda: error / error.size),
            slip("scale", "target minus prediction", lambda: -2 * error / error.size),
        )
        row_layer(pen, v, 1, dZ1, penalty=penalty, penalised_bias=penalised_bias, goes_on=False)

    return hand


LASSO = Network(
    "linear, absolute values",
    (Config("plain", 9, (6, 1)), Config("several outputs", 7, (5, 3)), Config("ties", 6, (4, 2), ties=True)),
    rows,
    _linear_forward(absolutes(0.05)),
    _linear_hand(absolutes(0.05), 0.05),
)


def _solved(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    """Rows; with `solved`, the weights and the bias of least loss, by the normal equations."""
    constants, parameters = rows(rng, config)
    if config.solved:
        X = np.column_stack([constants["X"], np.ones(config.samples)])
        y = constants["y"]
        penalty = np.diag([0.1] * config.widths[0] + [0.0])
        best = np.linalg.solve(2 * X.T @ X / y.size + penalty, 2 * X.T @ y / y.size)
        parameters = {"W1": best[:-1], "b1": best[-1]}
    return constants, parameters


RIDGE = Network(
    "linear, half squares of the weights",
    (
        Config("plain", 9, (6, 1)),
        Config("several outputs", 7, (5, 3)),
        Config("solved", 40, (5, 2), solved=True),
        Config("solved, one output", 12, (3, 1), solved=True),
    ),
    _solved,
    _linear_forward(half_squares(0.1)),
    _linear_hand(half_squares(0.1), 0.1),
)

NETWORKS = (RELU, DEEP, COLUMNS, SIGMOIDS, LASSO, RIDGE)
