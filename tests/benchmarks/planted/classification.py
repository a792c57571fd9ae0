"""Networks with cross-entropies."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.planted.lines import (
    Values,
    absolutes,
    column_layer,
    relu_line,
    row_layer,
    sigmoid,
    sigmoid_line,
    squares,
    tanh_line,
)
from tests.benchmarks.planted.network import Arrays, Config, Network
from tests.benchmarks.planted.pen import Pen, slip
from tests.benchmarks.planted.regression import columns, rows


def softmax(z: Any, axis: int = 1) -> Any:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _with_labels(values: Any) -> Any:
    """The same with class numbers and one-hot targets, samples in rows or in columns."""

    def make(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
        constants, parameters = values(rng, config)
        labels = rng.permutation(np.arange(config.samples) % config.widths[-1])
        onehot = np.eye(config.widths[-1])[labels]
        constants |= {"labels": labels, "y": onehot if constants["X"].shape[0] == config.samples else onehot.T.copy()}
        return constants, parameters

    return make


def _with_answers(values: Any) -> Any:
    """The same with targets 0 and 1."""

    def make(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
        constants, parameters = values(rng, config)
        answers = rng.permutation(np.arange(constants["y"].size) % 2).astype(float)
        return {**constants, "y": answers.reshape(constants["y"].shape)}, parameters

    return make


# Three layers, tanh, softmax composed of exp, sum and log; the short way: P - Y


def _softmax_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.tanh(v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    v.A2 = np.tanh(v.Z2)
    v.Z3 = v.A2 @ v.W3 + v.b3
    E = np.exp(v.Z3)
    v.P = E / np.sum(E, axis=1, keepdims=True)
    return -np.sum(v.y * np.log(v.P)) / len(v.X)


def _short_way(v: Values, k: int, N: int, axis: int = 1) -> list[Any]:
    """Slips in dZ = (P - Y) / N."""
    Z, y = v[f"Z{k}"], v.y
    P = softmax(Z, axis)
    return [
        slip("scale", "1/N dropped", lambda: P - y),
        slip("scale", "divided by the classes too", lambda: (P - y) / y.size),
        slip("scale", "Y - P", lambda: (y - P) / N),
        slip("target", "one-hot not subtracted", lambda: P / N),
        slip("target", "1 subtracted from every class", lambda: (P - 1) / N),
        slip("target", "labels off by one", lambda: (P - np.roll(y, 1, axis=axis)) / N),
        slip("target|unknown", "labels of the next sample", lambda: (P - np.roll(y, 1, axis=1 - axis)) / N),
        slip("target", "logits for probabilities", lambda: (Z - y) / N),
        slip("target", "softmax of the probabilities", lambda: (softmax(P, axis) - y) / N),
        slip("target|missing-term", "only the one-hot", lambda: -y / N),
        slip("wrong-axis", "softmax over the samples", lambda: (softmax(Z, 1 - axis) - y) / N),
        slip("target|unknown", "sigmoid for softmax", lambda: (sigmoid(Z) - y) / N),
    ]


def _softmax_hand(v: Values, pen: Pen) -> None:
    N = len(v.X)
    dZ3 = pen("Z3", ["loss"], (softmax(v.Z3) - v.y) / N, _short_way(v, 3, N))
    dA2 = row_layer(pen, v, 3, dZ3)
    dZ2 = tanh_line(pen, v, 2, dA2)
    dA1 = row_layer(pen, v, 2, dZ2, dA2)
    dZ1 = tanh_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


SOFTMAX = Network(
    "rows, 3 layers, tanh, softmax",
    (
        Config("plain", 7, (5, 6, 4, 3)),
        Config("square", 4, (4, 4, 4, 4)),
        Config("two samples", 2, (3, 4, 5, 2)),
    ),
    _with_labels(rows),
    _softmax_forward,
    _softmax_hand,
)


# The same losses with the derivation that goes the long way, through dP


def _long_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = sigmoid(v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    v.E = np.exp(v.Z2)
    v.P = v.E / v.E.sum(axis=1, keepdims=True)
    return np.mean(np.sum(-v.y * np.log(v.P), axis=1))


def _long_hand(v: Values, pen: Pen) -> None:
    N, P, E = len(v.X), v.P, v.E
    S = E.sum(axis=1, keepdims=True)
    dP = pen(
        "P",
        ["loss"],
        -v.y / P / N,
        slip("scale", "1/N dropped", lambda: -v.y / P),
        slip("scale", "sign", lambda: v.y / P / N),
        slip("missing-derivative", "log' left out", lambda: -v.y / N),
        slip("target", "labels off by one", lambda: -np.roll(v.y, 1, axis=1) / P / N),
        slip("target|missing-term|unknown", "one-hot left out", lambda: -1 / P / N),
    )
    dE = pen(
        "E",
        ["P"],
        (dP - (dP * P).sum(axis=1, keepdims=True)) / S,
        slip("missing-term", "the sum below the line taken as constant", lambda: dP / S),
        slip(
            "missing-term",
            "only the sum below the line",
            lambda: -(dP * P).sum(axis=1, keepdims=True) / S * np.ones_like(E),
        ),
        slip("wrong-axis", "summed over the samples", lambda: (dP - (dP * P).sum(axis=0, keepdims=True)) / S),
        slip("unsummed-axis|wrong-axis|missing-term|unknown", "the sum left out", lambda: (dP - dP * P) / S),
        slip("scale|missing-term|unknown", "sign of the sum", lambda: (dP + (dP * P).sum(axis=1, keepdims=True)) / S),
    )
    dZ2 = pen(
        "Z2",
        ["E"],
        dE * E,
        slip("missing-derivative", "exp' left out", lambda: dE * 1),
        slip("wrong-operand|derivative-at-output", "P for E", lambda: dE * P),
        slip("derivative-at-output", "exp(exp(z))", lambda: dE * np.exp(E)),
        slip("derivative-at-output|wrong-operand", "z for exp(z)", lambda: dE * v.Z2),
    )
    dA1 = row_layer(pen, v, 2, dZ2)
    dZ1 = sigmoid_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


LONG = Network(
    "rows, sigmoid, softmax the long way",
    (Config("plain", 7, (5, 4, 3)), Config("square", 4, (4, 4, 4))),
    _with_labels(lambda rng, config: rows(rng, config, flat_bias=False)),
    _long_forward,
    _long_hand,
)


# One layer, log-sum-exp, squares of the weights


def _regression_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    losses = np.log(np.sum(np.exp(v.Z1), axis=1)) - np.sum(v.y * v.Z1, axis=1)
    return np.mean(losses) + squares(0.05).loss(v.W1)


def _regression_hand(v: Values, pen: Pen) -> None:
    N = len(v.X)
    dZ1 = pen("Z1", ["loss"], (softmax(v.Z1) - v.y) / N, _short_way(v, 1, N))
    row_layer(pen, v, 1, dZ1, penalty=squares(0.05), penalised_bias=0.1, goes_on=False)


REGRESSION = Network(
    "softmax regression, log-sum-exp, squares",
    (Config("plain", 8, (5, 3)), Config("square", 4, (4, 4)), Config("two samples", 2, (4, 3))),
    _with_labels(rows),
    _regression_forward,
    _regression_hand,
)


# Columns, ReLU, softmax picked by the labels


def _picked_forward(v: Values) -> Any:
    v.Z1 = v.W1 @ v.X + v.b1
    v.A1 = np.maximum(0, v.Z1)
    v.Z2 = v.W2 @ v.A1 + v.b2
    E = np.exp(v.Z2)
    v.P = E / np.sum(E, axis=0)
    return -np.mean(np.log(v.P[v.labels, np.arange(v.X.shape[1])]))


def _picked_hand(v: Values, pen: Pen) -> None:
    m = v.X.shape[1]
    P = softmax(v.Z2, 0)
    right = P.copy()
    right[v.labels, np.arange(m)] -= 1
    dZ2 = pen("Z2", ["loss"], right / m, _short_way(v, 2, m, axis=0))
    dA1 = column_layer(pen, v, 2, dZ2)
    dZ1 = relu_line(pen, v, 1, dA1)
    column_layer(pen, v, 1, dZ1, dA1, goes_on=False)


PICKED = Network(
    "columns, ReLU, softmax by labels",
    (
        Config("plain", 7, (5, 4, 3)),
        Config("square", 4, (4, 4, 4)),
        Config("two samples", 2, (3, 4, 3)),
        Config("ties", 6, (3, 5, 4), ties=True),
    ),
    _with_labels(columns),
    _picked_forward,
    _picked_hand,
    axis=1,
)


# Columns, tanh, sigmoid output, binary cross-entropy on probabilities, squares of the weights


def _binary_forward(k: float) -> Any:
    def forward(v: Values) -> Any:
        v.Z1 = v.W1 @ v.X + v.b1
        v.A1 = np.tanh(v.Z1)
        v.Z2 = v.W2 @ v.A1 + v.b2
        v.A2 = sigmoid(v.Z2)
        entropy = -np.mean(v.y * np.log(v.A2) + (1 - v.y) * np.log(1 - v.A2))
        return entropy + squares(k).loss(v.W1) + squares(k).loss(v.W2)

    return forward


def _binary_hand(k: float) -> Any:
    def hand(v: Values, pen: Pen) -> None:
        m, P, y = v.y.size, v.A2, v.y
        dA2 = pen(
            "A2",
            ["loss"],
            -(y / P - (1 - y) / (1 - P)) / m,
            slip("scale", "sign", lambda: (y / P - (1 - y) / (1 - P)) / m),
            slip("scale", "1/m dropped", lambda: -(y / P - (1 - y) / (1 - P))),
            slip("missing-term|target", "only the answers that are 1", lambda: -y / P / m),
            slip("target", "answers swapped", lambda: -((1 - y) / P - y / (1 - P)) / m),
            slip(
                "scale|missing-derivative|missing-term",
                "sign of the second term",
                lambda: -(y / P + (1 - y) / (1 - P)) / m,
            ),
            slip("missing-derivative|unknown", "both log' left out", lambda: -(y - (1 - y)) / m),
            slip("target|unknown", "of the squared error", lambda: 2 * (P - y) / m),
            slip("target|missing-derivative|wrong-operand|unknown", "P - Y before its time", lambda: (P - y) / m),
        )
        dZ2 = sigmoid_line(pen, v, 2, dA2)
        dA1 = column_layer(pen, v, 2, dZ2, dA2, penalty=squares(k), penalised_bias=2 * k)
        dZ1 = tanh_line(pen, v, 1, dA1)
        column_layer(pen, v, 1, dZ1, dA1, penalty=squares(k), penalised_bias=2 * k, goes_on=False)

    return hand


BINARY = Network(
    "columns, tanh, binary cross-entropy, squares",
    (
        Config("plain", 9, (2, 4, 1)),
        Config("wide", 7, (5, 4, 3)),
        Config("square", 4, (4, 4, 4)),
        Config("two samples", 2, (2, 3, 1)),
    ),
    _with_answers(columns),
    _binary_forward(0.05),
    _binary_hand(0.05),
    axis=1,
)
FAINT = Network(
    "the same with a faint penalty",
    (Config("plain", 32, (2, 3, 1)),),
    _with_answers(columns),
    _binary_forward(0.001),
    _binary_hand(0.001),
    axis=1,
)


# Rows, ReLU, binary cross-entropy on logits, absolute values of the first weights


def _logits_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.maximum(v.Z1, 0)
    v.Z2 = v.A1 @ v.W2 + v.b2
    return np.mean(np.logaddexp(0, v.Z2) - v.y * v.Z2) + absolutes(0.02).loss(v.W1)


def _logits_hand(v: Values, pen: Pen) -> None:
    N, P = v.y.size, sigmoid(v.Z2)
    dZ2 = pen(
        "Z2",
        ["loss"],
        (P - v.y) / N,
        slip("scale", "1/N dropped", lambda: P - v.y),
        slip("scale", "Y - P", lambda: (v.y - P) / N),
        slip("scale", "2 of a square", lambda: 2 * (P - v.y) / N),
        slip("target|missing-term", "answer not subtracted", lambda: P / N),
        slip("target|missing-term", "only the answer", lambda: -v.y / N),
        slip("target", "logits for probabilities", lambda: (v.Z2 - v.y) / N),
        slip("target|derivative-at-output", "sigmoid of the probabilities", lambda: (sigmoid(P) - v.y) / N),
        slip("target", "answers swapped", lambda: (P - (1 - v.y)) / N),
        slip("target|unknown", "answers of the next sample", lambda: (P - np.roll(v.y, 1, axis=0)) / N),
        slip("unknown|target|scale", "sigmoid' once too often", lambda: (P - v.y) * P * (1 - P) / N),
    )
    dA1 = row_layer(pen, v, 2, dZ2)
    dZ1 = relu_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, penalty=absolutes(0.02), goes_on=False)


LOGITS = Network(
    "rows, ReLU, binary cross-entropy on logits, absolute values",
    (Config("plain", 9, (4, 5, 1)), Config("wide", 7, (5, 4, 3)), Config("ties", 6, (3, 4, 1), ties=True)),
    _with_answers(rows),
    _logits_forward,
    _logits_hand,
)

NETWORKS = (SOFTMAX, LONG, REGRESSION, PICKED, BINARY, FAINT, LOGITS)
