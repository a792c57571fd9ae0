"""Networks in which a value has several consumers, or one sample has no axis: skips, gates, shared weights, vectors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from nn import functional
from tests.benchmarks.planted.classification import _short_way, _with_labels, softmax
from tests.benchmarks.planted.lines import RATE, Values, relu_line, row_layer, sigmoid, sigmoid_line, tanh_line
from tests.benchmarks.planted.network import Arrays, Config, Network
from tests.benchmarks.planted.pen import Array, Pen, Slip, slip
from tests.benchmarks.planted.regression import columns, rows


def _error_slips(error: Array, target: Array, N: int) -> Iterator[Slip]:
    """Slips in dZ = (Z - y) / N, of half squares."""
    yield slip("scale", "1/N dropped", lambda: error * 1)
    yield slip("scale", "2 of a square without half", lambda: 2 * error / N)
    yield slip("scale", "target minus prediction", lambda: -error / N)
    yield slip("target", "target not subtracted", lambda: (error + target) / N)


# A residual block


def _skip_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.tanh(v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    v.H2 = np.tanh(v.Z2)
    v.A2 = v.H2 + v.A1
    v.Z3 = v.A2 @ v.W3 + v.b3
    return 0.5 * np.sum((v.Z3 - v.y) ** 2) / len(v.X)


def _skip_hand(v: Values, pen: Pen) -> None:
    N, error = len(v.X), v.Z3 - v.y
    dZ3 = pen("Z3", ["loss"], error / N, _error_slips(error, v.y, N))
    dA2 = row_layer(pen, v, 3, dZ3)
    dZ2 = tanh_line(pen, v, 2, dA2, "H2")
    dA1 = row_layer(pen, v, 2, dZ2, dA2, skip=("A2", dA2))
    dZ1 = tanh_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


SKIP = Network(
    "rows, tanh, a skip",
    (Config("plain", 7, (5, 4, 4, 3)), Config("square", 4, (4, 4, 4, 4))),
    rows,
    _skip_forward,
    _skip_hand,
)


# A gate: the hidden layer is multiplied by a sigmoid of itself


def _gate_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.tanh(v.Z1)
    v.Z2 = v.A1 @ v.W2 + v.b2
    v.G = sigmoid(v.Z2)
    v.A2 = v.A1 * v.G
    v.Z3 = v.A2 @ v.W3 + v.b3
    return 0.5 * np.sum((v.Z3 - v.y) ** 2) / len(v.X)


def _gate_hand(v: Values, pen: Pen) -> None:
    N, error = len(v.X), v.Z3 - v.y
    dZ3 = pen("Z3", ["loss"], error / N, _error_slips(error, v.y, N))
    dA2 = row_layer(pen, v, 3, dZ3)
    dG = pen(
        "G",
        ["A2"],
        dA2 * v.A1,
        slip("missing-derivative", "A1 left out", lambda: dA2 * 1),
        slip("wrong-operand", "G for A1", lambda: dA2 * v.G),
        slip("wrong-operand", "A2 for A1", lambda: dA2 * v.A2),
        slip("wrong-operand", "Z1 for A1", lambda: dA2 * v.Z1),
    )
    dZ2 = sigmoid_line(pen, v, 2, dG, "G")
    dA1 = row_layer(pen, v, 2, dZ2, dG, skip=("A2", dA2 * v.G))
    dZ1 = tanh_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


GATE = Network(
    "rows, tanh, a gate",
    (Config("plain", 7, (5, 4, 4, 3)), Config("square", 4, (4, 4, 4, 4))),
    rows,
    _gate_forward,
    _gate_hand,
)


# One weight in two layers


def _tied(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    constants, parameters = rows(rng, config)
    del parameters["W2"]
    parameters["W"] = parameters.pop("W1")
    return constants, parameters


def _tied_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W + v.b1
    v.A1 = np.tanh(v.Z1)
    v.Z2 = v.A1 @ v.W + v.b2
    v.A2 = np.tanh(v.Z2)
    v.Z3 = v.A2 @ v.W3 + v.b3
    return 0.5 * np.sum((v.Z3 - v.y) ** 2) / len(v.X)


def _tied_hand(v: Values, pen: Pen) -> None:
    N, error = len(v.X), v.Z3 - v.y
    dZ3 = pen("Z3", ["loss"], error / N, _error_slips(error, v.y, N))
    dA2 = row_layer(pen, v, 3, dZ3)
    dZ2 = tanh_line(pen, v, 2, dA2)
    second = v.A1.T @ dZ2
    dA1 = pen(
        "A1",
        ["Z2"],
        dZ2 @ v.W.T,
        slip("transposed", "W for W.T", lambda: dZ2 @ v.W),
        slip("wrong-operand", "W3 for W", lambda: dZ2 @ v.W3.T),
        slip("stale-parameter", "W already updated by its second use", lambda: dZ2 @ (v.W - RATE * second).T),
        slip("missing-derivative|wrong-operand", "dA for dZ", lambda: dA2 @ v.W.T),
    )
    dZ1 = tanh_line(pen, v, 1, dA1)
    first = v.X.T @ dZ1
    pen(
        "W",
        ["Z2", "Z1"],
        first + second,
        slip("missing-term", "only the first use", lambda: first),
        slip("missing-term", "only the second use", lambda: second),
        slip("scale", "mean of the two uses", lambda: (first + second) / 2),
        slip("wrong-operand", "X for A1", lambda: first + v.X.T @ dZ2),
        slip("wrong-operand", "A1 for X", lambda: v.A1.T @ dZ1 + second),
        slip("wrong-operand", "Z1 for A1", lambda: first + v.Z1.T @ dZ2),
        slip("transposed", "both transposed", lambda: (first + second).T),
        slip("transposed", "the second transposed", lambda: first + second.T),
        slip("missing-derivative|wrong-operand", "dA2 for dZ2", lambda: first + v.A1.T @ dA2),
        slip("missing-derivative|wrong-operand", "dA1 for dZ1", lambda: v.X.T @ dA1 + second),
        slip("scale|missing-term", "the first use subtracted", lambda: second - first),
    )
    for name, dZ, dA in (("b2", dZ2, dA2), ("b1", dZ1, dA1)):
        pen(
            name,
            ["Z" + name[1]],
            dZ.sum(axis=0),
            slip("wrong-axis|scale", "mean for sum", lambda dZ=dZ: dZ.mean(axis=0)),
            slip("missing-derivative|wrong-operand", "dA for dZ", lambda dA=dA: dA.sum(axis=0)),
        )


TIED = Network(
    "rows, tanh, one weight twice",
    (Config("plain", 7, (4, 4, 4, 3)), Config("square", 4, (4, 4, 4, 4))),
    _tied,
    _tied_forward,
    _tied_hand,
)


# One encoder for two inputs


def _pairs(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    constants, parameters = columns(rng, config)
    other = rng.normal(size=constants["X"].shape)
    return {"X": constants["X"], "other": other}, {"W": parameters["W1"], "b": parameters["b1"]}


def _pairs_forward(v: Values) -> Any:
    v.Zl, v.Zr = v.W @ v.X + v.b, v.W @ v.other + v.b
    v.Al, v.Ar = np.tanh(v.Zl), np.tanh(v.Zr)
    v.D = v.Al - v.Ar
    return np.sum(v.D**2) / v.X.shape[1]


def _pairs_hand(v: Values, pen: Pen) -> None:
    m = v.X.shape[1]
    dD = pen(
        "D",
        ["loss"],
        2 * v.D / m,
        slip("scale", "1/m dropped", lambda: 2 * v.D),
        slip("scale", "2 dropped", lambda: v.D / m),
        slip("missing-derivative|unknown", "1 for 2 D", lambda: np.ones_like(v.D) / m),
    )
    dAl = pen("Al", ["D"], dD, slip("scale|missing-derivative", "sign", lambda: -dD))
    dAr = pen("Ar", ["D"], -dD, slip("scale|missing-derivative", "sign", lambda: dD * 1))
    dZ = {}
    for side, dA in (("l", dAl), ("r", dAr)):
        A, other = v["A" + side], v["Al" if side == "r" else "Ar"]
        dZ[side] = pen(
            "Z" + side,
            ["A" + side],
            dA * (1 - A**2),
            slip("missing-derivative", "tanh' left out", lambda dA=dA: dA * 1),
            slip("derivative-at-output", "tanh'(a)", lambda dA=dA, A=A: dA * (1 - np.tanh(A) ** 2)),
            slip("wrong-operand", "the other's activation", lambda dA=dA, other=other: dA * (1 - other**2)),
        )
    left, right = dZ["l"] @ v.X.T, dZ["r"] @ v.other.T
    pen(
        "W",
        ["Zl", "Zr"],
        left + right,
        slip("missing-term", "only the first input", lambda: left),
        slip("missing-term", "only the second input", lambda: right),
        slip("wrong-operand", "the first input for both", lambda: left + dZ["r"] @ v.X.T),
        slip("wrong-operand", "the second input for both", lambda: dZ["l"] @ v.other.T + right),
        slip("scale", "mean of the two", lambda: (left + right) / 2),
        slip("scale|missing-term", "difference of the two", lambda: left - right),
    )
    total = dZ["l"].sum(axis=1, keepdims=True), dZ["r"].sum(axis=1, keepdims=True)
    pen(
        "b",
        ["Zl", "Zr"],
        total[0] + total[1],
        slip("missing-term", "only the first input", lambda: total[0]),
        slip("missing-term", "only the second input", lambda: total[1]),
        slip("wrong-axis|scale", "mean for sum", lambda: (total[0] + total[1]) / m),
    )


PAIRS = Network(
    "columns, tanh, one layer for two inputs",
    (Config("plain", 7, (5, 4)), Config("square", 4, (4, 4))),
    _pairs,
    _pairs_forward,
    _pairs_hand,
    1,
)


# One sample: vectors and outer products, ReLU, half squared error


def _vectors(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    widths = config.widths
    parameters = {}
    for k, (fan_in, fan_out) in enumerate(itertools.pairwise(widths), 1):
        parameters[f"W{k}"] = rng.normal(size=(fan_out, fan_in))
        parameters[f"b{k}"] = np.abs(rng.normal(size=fan_out)) + 1
    return {"X": rng.normal(size=widths[0]), "y": rng.normal(size=widths[-1])}, parameters


def _vectors_forward(v: Values) -> Any:
    v.Z1 = np.dot(v.W1, v.X) + v.b1
    v.A1 = np.maximum(0, v.Z1)
    v.Z2 = np.dot(v.W2, v.A1) + v.b2
    v.A2 = np.maximum(0, v.Z2)
    v.Z3 = np.dot(v.W3, v.A2) + v.b3
    return np.sum((v.y - v.Z3) ** 2) / 2


def _vectors_hand(v: Values, pen: Pen) -> None:
    error = v.Z3 - v.y
    dZ = pen(
        "Z3",
        ["loss"],
        error,
        slip("scale", "2 of a square without half", lambda: 2 * error),
        slip("scale", "target minus prediction", lambda: -error),
        slip("target", "target not subtracted", lambda: v.Z3 * 1),
    )
    dA = None
    for k in (3, 2):
        _vector_layer(pen, v, k, dZ, dA)
        W, dW = v[f"W{k}"], np.outer(dZ, v[f"A{k - 1}"])
        above, dA = dZ, pen(
            f"A{k - 1}",
            [f"Z{k}"],
            W.T @ dZ,
            slip("transposed", "W for W.T", lambda W=W, dZ=dZ: W @ dZ),
            slip("stale-parameter", f"W{k} already updated", lambda W=W, dZ=dZ, dW=dW: (W - RATE * dW).T @ dZ),
            slip("wrong-operand", f"W{k - 1} for W{k}", lambda k=k, dZ=dZ: v[f"W{k - 1}"].T @ dZ),
        )  # fmt: skip
        dZ = relu_line(pen, v, k - 1, dA)
    W2, mask = v.W2, (v.Z1 > 0)[:, None]
    _vector_layer(pen, v, 1, dZ, dA, slip("unsummed-axis", "one long product", lambda: above * W2.T * mask * v.X))


def _vector_layer(pen: Pen, v: Values, k: int, dZ: Array, dA: Array | None, *more: Slip) -> None:
    below = "X" if k == 1 else f"A{k - 1}"
    A, W, b = v[below], v[f"W{k}"], v[f"b{k}"]
    others = [n for n in ("X", f"Z{k - 1}", f"A{k}") if n in v and n != below]
    pen(
        f"W{k}",
        [f"Z{k}"],
        np.outer(dZ, A),
        slip("transposed", "outer(A, dZ)", lambda: np.outer(A, dZ)),
        slip("transposed|unknown", "outer(A, dZ), reshaped to fit", lambda: np.outer(A, dZ).reshape(W.shape)),
        slip("unsummed-axis|wrong-operand|unknown", "dZ * A, for each row", lambda: dZ * A + np.zeros_like(W)),
        slip("scale", "sign", lambda: -np.outer(dZ, A)),
        [slip("wrong-operand", f"{n} for {below}", lambda n=n: np.outer(dZ, v[n])) for n in others],
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: np.outer(dA, A))] if dA is not None else [],
        more,
    )
    pen(
        f"b{k}",
        [f"Z{k}"],
        dZ * 1,
        slip("wrong-axis|unknown", "summed over the units", lambda: dZ.sum() + np.zeros_like(b)),
        slip("scale", "sign", lambda: -dZ),
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: dA * 1)] if dA is not None else [],
    )


VECTORS = Network(
    "one sample, vectors, ReLU",
    (Config("plain", 1, (3, 5, 3, 1)), Config("square", 1, (4, 4, 4, 4)), Config("ties", 1, (3, 4, 3, 2), ties=True)),
    _vectors,
    _vectors_forward,
    _vectors_hand,
    axis=None,
)


# The functions of nn: layers, and the softmax cross-entropy where there is one


def _functional_forward(v: Values) -> Any:
    v.Z1 = functional.linear(v.X, v.W1, v.b1)
    v.A1 = functional.relu(v.Z1)
    v.Z2 = functional.linear(v.A1, v.W2, v.b2)
    return functional.mse_loss(v.Z2, v.y)


def _functional_hand(v: Values, pen: Pen) -> None:
    N, error = len(v.X), v.Z2 - v.y
    dZ2 = pen(
        "Z2",
        ["loss"],
        2 * error / error.size,
        slip("scale", "1/size dropped", lambda: 2 * error),
        slip("scale", "mean over the samples", lambda: 2 * error / N),
        slip("scale", "2 of the square dropped", lambda: error / error.size),
        slip("target", "target not subtracted", lambda: 2 * (error + v.y) / error.size),
    )
    dA1 = row_layer(pen, v, 2, dZ2)
    dZ1 = relu_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


FUNCTIONAL = Network(
    "nn.functional, mean square", (Config("plain", 7, (5, 4, 3)),), rows, _functional_forward, _functional_hand
)


def _cross_entropy_forward(v: Values) -> Any:
    v.Z1 = functional.linear(v.X, v.W1, v.b1)
    v.A1 = functional.tanh(v.Z1)
    v.Z2 = functional.linear(v.A1, v.W2, v.b2)
    return functional.cross_entropy(v.Z2, v.labels)


def _cross_entropy_hand(v: Values, pen: Pen) -> None:
    N = len(v.X)
    dZ2 = pen("Z2", ["loss"], (softmax(v.Z2) - v.y) / N, _short_way(v, 2, N))
    dA1 = row_layer(pen, v, 2, dZ2)
    dZ1 = tanh_line(pen, v, 1, dA1)
    row_layer(pen, v, 1, dZ1, dA1, goes_on=False)


CROSS_ENTROPY = Network(
    "nn.functional, softmax cross-entropy",
    (Config("plain", 7, (5, 4, 3)),),
    _with_labels(rows),
    _cross_entropy_forward,
    _cross_entropy_hand,
)

NETWORKS = (
    SKIP,
    GATE,
    TIED,
    PAIRS,
    VECTORS,
    FUNCTIONAL,
    *([CROSS_ENTROPY] if hasattr(functional, "cross_entropy") else []),
)
