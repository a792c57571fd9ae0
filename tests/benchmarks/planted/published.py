"""Kinds of mistakes that people publish, in dense layers: in questions, course work and commits that mend them.

Each kind is restated in our own words and small sizes; the last network has its author's scale: `dZ` is the gradient
of each sample's own loss, and the division by m comes in `dW` and `db`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.benchmarks.planted.classification import softmax
from tests.benchmarks.planted.lines import RATE, Values, sigmoid
from tests.benchmarks.planted.network import Arrays, Config, Network
from tests.benchmarks.planted.pen import Array, Pen, Slip, slip
from tests.benchmarks.planted.regression import rows

SLOPE = "derivative-at-output|missing-derivative|wrong-operand"


# The derivative of an activation


def _slopes(name: str, g: Array, a: Array, z: Array) -> Iterator[Slip]:
    """Slips in g * f'(z) where a = f(z), for a sigmoid or a tanh."""
    if name == "tanh":
        yield slip(SLOPE, "1 - tanh(g)**2, without g", lambda: 1 - np.tanh(g) ** 2)
        yield slip(SLOPE, "1 - a**2, without g", lambda: 1 - a**2)
        yield slip(SLOPE, "g times 1 - tanh(g)**2", lambda: g * (1 - np.tanh(g) ** 2))
        yield slip(SLOPE, "g * 1 - a * a, without parentheses", lambda: g * 1 - a * a)
        yield slip(SLOPE, "1 - g**2", lambda: 1 - g**2)
        yield slip(SLOPE, "g * (1 - g**2)", lambda: g * (1 - g**2))
        yield slip(SLOPE, "g * (1 - 2 a)", lambda: g * (1 - 2 * a))
        yield slip(SLOPE, "g * (1 - a)**2", lambda: g * (1 - a) ** 2)
        yield slip(SLOPE, "g / cosh(z)", lambda: g / np.cosh(z))
        yield slip(SLOPE, "g * cosh(z)**2", lambda: g * np.cosh(z) ** 2)
    else:
        yield slip(SLOPE, "s(g) (1 - s(g))", lambda: sigmoid(g) * (1 - sigmoid(g)))
        yield slip(SLOPE, "g s(g) (1 - s(g))", lambda: g * sigmoid(g) * (1 - sigmoid(g)))
        yield slip(SLOPE, "a (1 - a), without g", lambda: a * (1 - a))
        yield slip(SLOPE, "g (1 - g)", lambda: g * (1 - g))
        yield slip(SLOPE, "g * a * 1 - a, without parentheses", lambda: g * a * 1 - a)
        yield slip(SLOPE, "g * a - a**2, without parentheses", lambda: g * a - a**2)
        yield slip(SLOPE, "g * (1 - a)", lambda: g * (1 - a))
        yield slip(SLOPE, "g * a**2 * (1 - a)", lambda: g * a**2 * (1 - a))
        yield slip(SLOPE, "g * a * (1 - a**2)", lambda: g * a * (1 - a**2))
        yield slip(SLOPE, "g * s(a) * (1 - a)", lambda: g * sigmoid(a) * (1 - a))
        yield slip(SLOPE, "g * exp(-z) / (1 + exp(-z))", lambda: g * np.exp(-z) / (1 + np.exp(-z)))


def _bias(d: Array, h: Array, axis: int, others: dict[str, Array]) -> Iterator[Slip]:
    """Slips in a bias gradient, the sum of d over the samples on an axis; h is what the weights multiply."""
    flat = axis == 0
    product = (h.T @ d).sum(axis=0) if flat else (d @ h.T).sum(axis=1, keepdims=True)
    like = d.sum(axis=axis, keepdims=not flat)
    yield slip("wrong-operand|wrong-axis|missing-term", "the weights' product summed", lambda: product)
    yield slip("wrong-axis", "one number for all", lambda: np.full_like(like, d.sum()))
    yield slip("wrong-axis|scale", "one mean for all", lambda: np.full_like(like, d.mean()))
    yield slip("wrong-axis", "the first sample's", lambda: np.take(d, [0], axis=axis).reshape(like.shape))
    for name, other in others.items():
        yield slip("wrong-operand|missing-derivative", f"{name} summed", lambda o=other: o.sum(axis, keepdims=not flat))


# Rows: three layers of the same width, tanh and sigmoid


def _deep_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.tanh(v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    v.A2 = sigmoid(v.Z2)
    v.Z3 = v.A2 @ v.W3 + v.b3
    v.A3 = np.tanh(v.Z3)
    return np.sum((v.A3 - v.y) ** 2) / (2 * len(v.X))


def _deep_hand(v: Values, pen: Pen) -> None:
    N, error = len(v.X), v.A3 - v.y
    dA3 = pen(
        "A3",
        ["loss"],
        error / N,
        slip("scale", "y - a: the step, not the gradient", lambda: -error / N),
        slip("scale", "divided by the units", lambda: error / error.shape[1]),
        slip("scale", "not divided", lambda: error * 1),
        slip("scale", "as of the square without its half", lambda: 2 * error / N),
        slip("target|derivative-at-output", "squared already", lambda: error**2 / N),
        slip("target|derivative-at-output", "the absolute error", lambda: np.abs(error) / N),
        slip("target|derivative-at-output", "the loss itself", lambda: error**2 / (2 * N)),
    )
    dZ3 = pen("Z3", ["A3"], dA3 * (1 - v.A3**2), _slopes("tanh", dA3, v.A3, v.Z3))
    dW3 = pen(
        "W3",
        ["Z3"],
        v.A2.T @ dZ3,
        slip("wrong-operand", "Z2 for A2", lambda: v.Z2.T @ dZ3),
        slip("wrong-operand|missing-derivative", "A3 - y for dZ3", lambda: v.A2.T @ error),
        slip(SLOPE, "the slope of A2 for A2", lambda: (v.A2 * (1 - v.A2)).T @ dZ3),
        slip("transposed", "dZ3.T @ A2", lambda: dZ3.T @ v.A2),
        slip("missing-derivative|wrong-operand", "Z2 for A2, and dA3 for dZ3", lambda: v.Z2.T @ dA3),
    )
    pen("b3", ["Z3"], dZ3.sum(axis=0), _bias(dZ3, v.A2, 0, {"dA3": dA3}))
    dA2 = pen(
        "A2",
        ["Z3"],
        dZ3 @ v.W3.T,
        slip("wrong-operand", "dW3.T for W3.T", lambda: dZ3 @ dW3.T),
        slip("wrong-operand|transposed", "dW3 for W3.T", lambda: dZ3 @ dW3),
        slip("wrong-operand", "W2.T for W3.T", lambda: dZ3 @ v.W2.T),
        slip("unsummed-axis", "* for @", lambda: dZ3 * v.W3.T),
        slip("missing-derivative|wrong-operand", "dA3 for dZ3", lambda: dA3 @ v.W3.T),
        slip("missing-derivative|wrong-operand|target", "A3 - y for dZ3", lambda: error @ v.W3.T),
        slip(
            "missing-derivative|wrong-operand|stale-parameter|target",
            "A3 - y for dZ3, and W3 updated",
            lambda: error @ (v.W3 - RATE * dW3).T,
        ),
        slip("transposed|missing-derivative|wrong-operand", "dA3 for dZ3, and W3", lambda: dA3 @ v.W3),
        slip("missing-derivative", "the weights left out", lambda: dZ3 * 1),
        slip("unsummed-axis|wrong-axis", "summed instead", lambda: dZ3.sum(axis=1, keepdims=True) * v.W3.sum(axis=1)),
    )
    dZ2 = pen("Z2", ["A2"], dA2 * v.A2 * (1 - v.A2), _slopes("sigmoid", dA2, v.A2, v.Z2))
    dW2 = pen(
        "W2",
        ["Z2"],
        v.A1.T @ dZ2,
        slip("wrong-operand", "X for A1", lambda: v.X.T @ dZ2),
        slip("missing-derivative|wrong-operand", "dA2 for dZ2", lambda: v.A1.T @ dA2),
    )
    pen("b2", ["Z2"], dZ2.sum(axis=0), _bias(dZ2, v.A1, 0, {"dZ3": dZ3}))
    dA1 = pen(
        "A1",
        ["Z2"],
        dZ2 @ v.W2.T,
        slip("wrong-operand", "dW2.T for W2.T", lambda: dZ2 @ dW2.T),
        slip("wrong-operand", "W3.T for W2.T", lambda: dZ2 @ v.W3.T),
        slip("wrong-operand|missing-derivative", "dZ3 for dZ2", lambda: dZ3 @ v.W2.T),
        slip("missing-derivative|wrong-operand", "neither slope nor weights", lambda: dA2 * 1),
    )
    dZ1 = pen("Z1", ["A1"], dA1 * (1 - v.A1**2), _slopes("tanh", dA1, v.A1, v.Z1))
    pen("W1", ["Z1"], v.X.T @ dZ1, slip("wrong-operand", "A1 for X", lambda: v.A1.T @ dZ1))
    pen("b1", ["Z1"], dZ1.sum(axis=0), _bias(dZ1, v.X, 0, {"dZ2": dZ2}))


DEEP = Network(
    "published: rows, tanh and sigmoid",
    (Config("plain", 7, (4, 4, 4, 4)), Config("square", 4, (4, 4, 4, 4))),
    rows,
    _deep_forward,
    _deep_hand,
)


# A softmax whose square error is taken


def _softmax_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.maximum(0, v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    e = np.exp(v.Z2 - np.max(v.Z2, axis=1, keepdims=True))
    v.P = e / np.sum(e, axis=1, keepdims=True)
    return np.mean((v.P - v.y) ** 2)


def _softmax_hand(v: Values, pen: Pen) -> None:
    P = v.P
    dP = pen("P", ["loss"], 2 * (P - v.y) / P.size)
    whole = P * (dP - np.sum(dP * P, axis=1, keepdims=True))
    dZ2 = pen(
        "Z2",
        ["P"],
        whole,
        slip("missing-term", "the diagonal only", lambda: dP * P * (1 - P)),
        slip("missing-derivative|derivative-at-output", "1 * (1 - p)", lambda: dP * (1 - P)),
        slip("missing-term", "without the sum", lambda: dP * P),
        slip("missing-derivative", "not derived", lambda: dP * 1),
        slip("wrong-axis", "summed along the batch", lambda: P * (dP - np.sum(dP * P, axis=0, keepdims=True))),
        slip("wrong-axis", "summed over all", lambda: P * (dP - np.sum(dP * P))),
        slip("missing-derivative|missing-term", "p left out of the sum", lambda: P * (dP - dP.sum(1, keepdims=True))),
        slip(
            "wrong-axis|derivative-at-output",
            "softmax along the batch",
            lambda: (lambda Q: Q * (dP - np.sum(dP * Q, axis=0, keepdims=True)))(softmax(v.Z2.T).T),
        ),
        slip(
            "derivative-at-output|target",
            "softmax once more",
            lambda: (lambda Q: Q * (dP - np.sum(dP * Q, axis=1, keepdims=True)))(softmax(P)),
        ),
        slip("derivative-at-output", "at the gradient", lambda: softmax(dP) * (1 - softmax(dP))),
        slip("derivative-at-output", "1 - p**2", lambda: dP * (1 - P**2)),
        slip("target|missing-derivative", "p - y, of a cross-entropy", lambda: (P - v.y) / len(P)),
        slip("scale", "the sum added", lambda: P * (dP + np.sum(dP * P, axis=1, keepdims=True))),
    )
    dA1 = pen(
        "A1",
        ["Z2"],
        dZ2 @ v.W2.T,
        slip("missing-derivative|wrong-operand", "dP for dZ2", lambda: dP @ v.W2.T),
        slip("stale-parameter", "W2 updated", lambda: dZ2 @ (v.W2 - RATE * v.A1.T @ dZ2).T),
    )
    pen("W2", ["Z2"], v.A1.T @ dZ2, slip(SLOPE, "relu's slope for relu", lambda: (v.Z1 > 0).T.astype(P.dtype) @ dZ2))
    pen("b2", ["Z2"], dZ2.sum(axis=0), _bias(dZ2, v.A1, 0, {"dP": dP}))
    dZ1 = pen(
        "Z1",
        ["A1"],
        dA1 * (v.Z1 > 0),
        slip(SLOPE, "relu for its slope", lambda: dA1 * v.A1),
        slip(SLOPE, "relu of the gradient", lambda: np.maximum(0, dA1)),
        slip(SLOPE, "the mask alone", lambda: (v.Z1 > 0).astype(P.dtype)),
        slip(SLOPE, "the mask of the gradient", lambda: dA1 * (dA1 > 0)),
        slip(SLOPE, "the sign", lambda: dA1 * np.sign(v.Z1)),
        slip(SLOPE, "z itself where it is positive", lambda: dA1 * np.where(v.Z1 > 0, v.Z1, 0)),
        slip(SLOPE, "the mask the other way round", lambda: dA1 * (v.Z1 < 0)),
        slip(SLOPE, "a leak of 0.01", lambda: dA1 * np.where(v.Z1 > 0, 1, 0.01).astype(P.dtype)),
    )
    pen("W1", ["Z1"], v.X.T @ dZ1, slip("missing-derivative|wrong-operand", "dA1 for dZ1", lambda: v.X.T @ dA1))
    pen("b1", ["Z1"], dZ1.sum(axis=0))


def _one_hot(rng: np.random.Generator, config: Config) -> tuple[Arrays, Arrays]:
    constants, parameters = rows(rng, config)
    classes = config.widths[-1]
    return {**constants, "y": np.eye(classes)[rng.integers(classes, size=config.samples)]}, parameters


SOFTMAX_SQUARES = Network(
    "published: softmax and squares",
    (Config("plain", 7, (3, 5, 4)), Config("square", 4, (4, 4, 4))),
    _one_hot,
    _softmax_forward,
    _softmax_hand,
)


# Columns: dZ of each sample's own loss


def _own_forward(v: Values) -> Any:
    m = v.X.shape[1]
    v.Z1 = v.W1 @ v.X + v.b1
    v.A1 = np.maximum(0, v.Z1)
    v.Z2 = v.W2 @ v.A1 + v.b2
    v.A2 = np.tanh(v.Z2)
    v.Z3 = v.W3 @ v.A2 + v.b3
    v.A3 = sigmoid(v.Z3)
    return -np.sum(v.y * np.log(v.A3) + (1 - v.y) * np.log(1 - v.A3)) / m


def _layer_slips(v: Values, k: int, dZ: Array, A: Array, dA: Array | None) -> Iterator[Slip]:
    """Slips in dWk = dZk @ A.T / m."""
    m = v.X.shape[1]
    yield slip("scale", "not divided by m", lambda: dZ @ A.T)
    yield slip("scale", "divided by m twice", lambda: dZ @ A.T / m**2)
    yield slip("scale", "divided by the inputs", lambda: dZ @ A.T / A.shape[0])
    yield slip("scale", "divided by the inputs of the network", lambda: dZ @ A.T / v.X.shape[0])
    if dA is not None:
        yield slip("missing-derivative|wrong-operand", "dA for dZ", lambda: dA @ A.T / m)


def _own_hand(v: Values, pen: Pen) -> None:
    m, error = v.X.shape[1], v.A3 - v.y
    dZ3 = pen(
        "Z3",
        ["loss"],
        error,
        slip("target", "the target left out", lambda: v.A3 * 1),
        slip("scale|target", "y - a", lambda: -error),
        slip(
            "target|missing-derivative|derivative-at-output", "the slope once more", lambda: error * v.A3 * (1 - v.A3)
        ),
        slip("target", "a rounded", lambda: np.round(v.A3) - v.y),
    )
    dW3 = pen("W3", ["Z3"], dZ3 @ v.A2.T / m, _layer_slips(v, 3, dZ3, v.A2, None))
    pen(
        "b3",
        ["Z3"],
        dZ3.sum(axis=1, keepdims=True) / m,
        slip("scale", "not divided by m", lambda: dZ3.sum(axis=1, keepdims=True)),
    )
    dA2 = pen(
        "A2",
        ["Z3"],
        v.W3.T @ dZ3,
        slip("missing-derivative", "the weights left out", lambda: dZ3 + np.zeros_like(v.A2)),
        slip("wrong-operand", "dW3.T for W3.T", lambda: dW3.T @ dZ3),
        slip("stale-parameter", "W3 updated", lambda: (v.W3 - RATE * dW3).T @ dZ3),
        slip("scale", "divided by m here too", lambda: v.W3.T @ dZ3 / m),
    )
    dZ2 = pen("Z2", ["A2"], dA2 * (1 - v.A2**2), _slopes("tanh", dA2, v.A2, v.Z2))
    dW2 = pen("W2", ["Z2"], dZ2 @ v.A1.T / m, _layer_slips(v, 2, dZ2, v.A1, dA2))
    pen("b2", ["Z2"], dZ2.sum(axis=1, keepdims=True) / m, _bias(dZ2 / m, v.A1, 1, {"dA2": dA2 / m}))
    dA1 = pen(
        "A1",
        ["Z2"],
        v.W2.T @ dZ2,
        slip("missing-derivative|wrong-operand", "dA2 for dZ2", lambda: v.W2.T @ dA2),
        slip("wrong-operand", "dW2.T for W2.T", lambda: dW2.T @ dZ2),
        slip("transposed", "W2 for W2.T", lambda: v.W2 @ dZ2),
    )
    dZ1 = pen(
        "Z1",
        ["A1"],
        dA1 * (v.Z1 > 0),
        slip("missing-derivative", "no mask", lambda: dA1 * 1),
        slip(SLOPE, "relu for its slope", lambda: dA1 * v.A1),
        slip(SLOPE, "tanh's slope", lambda: dA1 * (1 - v.A1**2)),
    )
    pen("W1", ["Z1"], dZ1 @ v.X.T / m, _layer_slips(v, 1, dZ1, v.X, dA1))
    pen("b1", ["Z1"], dZ1.sum(axis=1, keepdims=True) / m, _bias(dZ1 / m, v.X, 1, {"dA1": dA1 / m}))


def _binary_columns(rng: np.random.Generator, config: Config) -> tuple[Arrays, Arrays]:
    n = config.widths
    constants = {"X": rng.normal(size=(n[0], config.samples)), "y": 1.0 * (rng.random((n[-1], config.samples)) > 0.5)}
    parameters: Arrays = {}
    for k in range(1, len(n)):
        parameters[f"W{k}"] = rng.normal(size=(n[k], n[k - 1]))
        parameters[f"b{k}"] = rng.normal(size=(n[k], 1))
    return constants, parameters


OWN_LOSS = Network(
    "published: columns, dZ of each sample's own loss",
    (Config("plain", 7, (3, 5, 4, 1)), Config("wide", 6, (5, 4, 4, 2))),
    _binary_columns,
    _own_forward,
    _own_hand,
    axis=1,
    scale=lambda config: config.samples,
)

NETWORKS = (DEEP, SOFTMAX_SQUARES, OWN_LOSS)
