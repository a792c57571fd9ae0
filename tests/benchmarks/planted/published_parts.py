"""Kinds of mistakes that people publish, in normalisations, losses and what is read by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.planted.lines import Values
from tests.benchmarks.planted.network import Arrays, Config, Network
from tests.benchmarks.planted.pen import Pen, slip

SLOPE = "derivative-at-output|missing-derivative|wrong-operand"
EPS = 1e-5

# A normalisation over the batch, with a residual around it


def _norm_make(rng: np.random.Generator, config: Config) -> tuple[Arrays, Arrays]:
    n, d = config.samples, config.widths[0]
    constants = {"X": rng.normal(size=(n, d)), "y": rng.normal(size=(n, d))}
    parameters = {"W1": rng.normal(size=(d, d)), "gamma": rng.normal(size=d) + 1, "beta": rng.normal(size=d)}
    return constants, parameters


def _norm_forward(v: Values, axis: int) -> Any:
    v.Z1 = v.X @ v.W1
    v.mu = np.mean(v.Z1, axis=axis, keepdims=True)
    v.var = np.mean((v.Z1 - v.mu) ** 2, axis=axis, keepdims=True)
    v.H = (v.Z1 - v.mu) / np.sqrt(v.var + EPS)
    v.A1 = v.gamma * v.H + v.beta
    v.Z2 = v.A1 + v.Z1
    return np.mean((v.Z2 - v.y) ** 2)


def _norm_hand(v: Values, pen: Pen, axis: int) -> None:
    n, H, gamma = v.X.shape[axis], v.H, v.gamma
    inv = 1 / np.sqrt(v.var + EPS)
    dZ2 = pen("Z2", ["loss"], 2 * (v.Z2 - v.y) / v.y.size)
    dgamma = pen(
        "gamma",
        ["Z2"],
        np.sum(dZ2 * H, axis=0),
        slip("wrong-operand", "Z1 for its normalised values", lambda: np.sum(dZ2 * v.Z1, axis=0)),
        slip("missing-derivative|wrong-operand", "without them", lambda: np.sum(dZ2, axis=0)),
        slip("unsummed-axis|wrong-axis", "@ for *", lambda: np.sum(dZ2.T @ H, axis=0)),
        slip("wrong-axis", "one number for all", lambda: np.full_like(gamma, np.sum(dZ2 * H))),
        slip("wrong-axis|scale", "a mean", lambda: np.mean(dZ2 * H, axis=0)),
        slip("wrong-operand", "A1 for H", lambda: np.sum(dZ2 * v.A1, axis=0)),
        slip(
            "missing-derivative|wrong-operand|derivative-at-output",
            "gamma once more",
            lambda: np.sum(dZ2 * gamma * H, axis=0),
        ),
    )
    pen("beta", ["Z2"], np.sum(dZ2, axis=0), slip("wrong-axis|scale", "a mean", lambda: np.mean(dZ2, axis=0)))
    dH = pen(
        "H",
        ["Z2"],
        dZ2 * gamma,
        slip("missing-derivative", "gamma left out", lambda: dZ2 * 1),
        slip("wrong-operand", "beta for gamma", lambda: dZ2 * v.beta),
        slip("scale|wrong-operand|missing-derivative|derivative-at-output", "gamma twice", lambda: dZ2 * gamma**2),
        slip("wrong-operand", "dgamma for gamma", lambda: dZ2 * dgamma),
    )

    def normal(g: Any, inv: Any = inv, H: Any = H, axis: int = axis, a: float = 1, b: float = 1) -> Any:
        mean = np.mean(g, axis=axis, keepdims=True)
        return inv * (g - a * mean - b * H * np.mean(g * H, axis=axis, keepdims=True))

    pen(
        "Z1",
        ["H", "Z2"],
        normal(dH) + dZ2,
        slip("missing-term", "the statistics constant", lambda: inv * dH + dZ2),
        slip("missing-term", "the mean constant", lambda: normal(dH, a=0) + dZ2),
        slip("missing-term", "the variance constant", lambda: normal(dH, b=0) + dZ2),
        slip("missing-term", "the skip left out", lambda: normal(dH)),
        slip("missing-term", "only the skip", lambda: dZ2 * 1),
        slip("wrong-operand|missing-derivative", "the skip's through the norm too", lambda: normal(dH + dZ2)),
        slip(
            "wrong-operand|missing-derivative|missing-term",
            "gamma left out of one term",
            lambda: (
                inv * (dH - np.mean(dZ2, axis=axis, keepdims=True) - H * np.mean(dH * H, axis=axis, keepdims=True))
                + dZ2
            ),
        ),
        slip(
            "wrong-operand|missing-derivative|missing-term",
            "gamma left out of the last term",
            lambda: (
                inv * (dH - np.mean(dH, axis=axis, keepdims=True) - H * np.mean(dZ2 * H, axis=axis, keepdims=True))
                + dZ2
            ),
        ),
        slip("wrong-axis", "sums over the other axis", lambda: normal(dH, axis=1 - axis) + dZ2),
        slip("wrong-axis", "sums over both axes", lambda: inv * (dH - np.mean(dH) - H * np.mean(dH * H)) + dZ2),
        slip("missing-derivative", "not divided by the deviation", lambda: normal(dH, inv=1) + dZ2),
        slip(
            "missing-derivative|derivative-at-output", "divided by the variance", lambda: normal(dH, inv=inv**2) + dZ2
        ),
        slip("scale|missing-term", "the last term added", lambda: normal(dH, b=-1) + dZ2),
        slip("wrong-axis|scale", "sums for means", lambda: normal(dH, a=n, b=n) + dZ2),
        slip("wrong-operand", "Z1 for H in the last term", lambda: normal(dH, H=v.Z1) + dZ2),
        slip("missing-derivative", "not derived", lambda: dH + dZ2),
    )
    dZ1 = pen.gradients["Z1"]
    pen("W1", ["Z1"], v.X.T @ dZ1)


BATCH_NORM = Network(
    "published: normalisation over the batch, a skip",
    (Config("plain", 7, (4,)),),
    _norm_make,
    lambda v: _norm_forward(v, 0),
    lambda v, pen: _norm_hand(v, pen, 0),
)
LAYER_NORM = Network(
    "published: normalisation over the units, a skip",
    (Config("plain", 7, (4,)),),
    _norm_make,
    lambda v: _norm_forward(v, 1),
    lambda v, pen: _norm_hand(v, pen, 1),
)


# Losses of a linear layer


def _pair_make(rng: np.random.Generator, config: Config) -> tuple[Arrays, Arrays]:
    n, d, k = config.samples, *config.widths
    constants = {name: rng.normal(size=(n, d)) for name in ("X", "P", "N")} | {"y": 2.5 * rng.normal(size=(n, k))}
    return constants, {"W1": rng.normal(size=(d, k)), "b1": rng.normal(size=k)}


def _smooth_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.A1 = np.exp(0.3 * v.Z1)
    v.E1 = v.A1 - v.y
    small = np.abs(v.E1.data if hasattr(v.E1, "requires_grad") else v.E1) < 1
    return np.sum(np.where(small, 0.5 * v.E1**2, np.abs(v.E1) - 0.5)) / len(v.X)


def _smooth_hand(v: Values, pen: Pen) -> None:
    E, n = v.E1, len(v.X)
    dE = pen(
        "E1",
        ["loss"],
        np.where(np.abs(E) < 1, E, np.sign(E)) / n,
        slip(SLOPE, "a signed threshold", lambda: np.where(E < 1, E, np.sign(E)) / n),
        slip(SLOPE, "1 for the sign", lambda: np.where(np.abs(E) < 1, E, 1).astype(E.dtype) / n),
        slip(SLOPE, "E everywhere", lambda: E / n),
        slip(SLOPE, "the sign everywhere", lambda: np.sign(E) / n),
        slip(SLOPE, "the branches swapped", lambda: np.where(np.abs(E) < 1, np.sign(E), E) / n),
        slip(SLOPE, "abs(E) for the sign", lambda: np.where(np.abs(E) < 1, E, np.abs(E)) / n),
        slip(SLOPE, "abs(E) for E", lambda: np.where(np.abs(E) < 1, np.abs(E), np.sign(E)) / n),
    )
    pen("A1", ["E1"], dE * 1)
    dZ1 = pen(
        "Z1",
        ["A1"],
        dE * 0.3 * v.A1,
        slip(SLOPE, "exp by the power rule", lambda: dE * 0.3 * (0.3 * v.Z1) * np.exp(0.3 * v.Z1 - 1)),
        slip(SLOPE + "|scale", "the inner derivative left out", lambda: dE * v.A1),
        slip(SLOPE, "exp left out", lambda: dE * 0.3),
        slip(SLOPE, "exp(-z)", lambda: dE * 0.3 / v.A1),
        slip(SLOPE, "z exp(z)", lambda: dE * 0.3 * v.Z1 * v.A1),
        slip(SLOPE, "exp once more", lambda: dE * 0.3 * np.exp(v.A1)),
        slip(SLOPE, "log for exp", lambda: dE * 0.3 * np.log(v.A1)),
    )
    pen("W1", ["Z1"], v.X.T @ dZ1)
    pen("b1", ["Z1"], dZ1.sum(axis=0))


SMOOTH = Network(
    "published: smooth L1 of exp", (Config("plain", 7, (3, 4)),), _pair_make, _smooth_forward, _smooth_hand
)


def _quotient_forward(v: Values) -> Any:
    v.Z1 = v.X @ v.W1 + v.b1
    v.Q = np.sum(v.Z1**2, axis=1, keepdims=True) + 1
    v.A1 = v.Z1 / v.Q
    return np.sum((v.A1 - v.y) ** 2)


def _quotient_hand(v: Values, pen: Pen) -> None:
    Z, Q, A = v.Z1, v.Q, v.A1
    dA = pen("A1", ["loss"], 2 * (A - v.y))
    inner = np.sum(dA * Z, axis=1, keepdims=True)
    dQ = pen(
        "Q",
        ["A1"],
        -inner / Q**2,
        slip("scale", "a plus in the quotient rule", lambda: inner / Q**2),
        slip(SLOPE, "the square of the divisor left out", lambda: -inner / Q),
        slip(
            "missing-derivative|wrong-operand",
            "the numerator left out",
            lambda: -np.sum(dA, axis=1, keepdims=True) / Q**2,
        ),
        slip(SLOPE, "A1 for Z1", lambda: -np.sum(dA * A, axis=1, keepdims=True) / Q**2),
        slip(SLOPE, "the divisor left out", lambda: -inner),
        slip("wrong-axis", "summed over all", lambda: np.full_like(Q, -np.sum(dA * Z)) / Q**2),
    )
    dZ = pen(
        "Z1",
        ["A1", "Q"],
        dA / Q + 2 * Z * dQ,
        slip("scale|missing-term", "the terms of another sign", lambda: dA / Q - 2 * Z * dQ),
        slip("missing-term", "the divisor constant", lambda: dA / Q),
        slip("missing-term", "only the divisor's", lambda: 2 * Z * dQ),
        slip("scale", "2 of the square dropped", lambda: dA / Q + Z * dQ),
        slip("missing-derivative", "the divisor forgotten", lambda: dA + 2 * Z * dQ),
        slip("missing-derivative", "z forgotten", lambda: dA / Q + 2 * dQ + np.zeros_like(Z)),
        slip(SLOPE, "divided by the square", lambda: dA / Q**2 + 2 * Z * dQ),
    )
    pen("W1", ["Z1"], v.X.T @ dZ)
    pen("b1", ["Z1"], dZ.sum(axis=0))


QUOTIENT = Network(
    "published: a quotient", (Config("plain", 7, (3, 4)),), _pair_make, _quotient_forward, _quotient_hand
)


def _triplet_forward(v: Values) -> Any:
    v.A = v.X @ v.W1 + v.b1
    v.B = v.P @ v.W1 + v.b1
    v.C = v.N @ v.W1 + v.b1
    v.D = np.sum((v.A - v.B) ** 2, axis=1) - np.sum((v.A - v.C) ** 2, axis=1) + 2.0
    return np.mean(np.maximum(0, v.D))


def _triplet_hand(v: Values, pen: Pen) -> None:
    n = len(v.X)
    dD = pen(
        "D",
        ["loss"],
        (v.D > 0) / np.asarray(n, v.D.dtype),
        slip(SLOPE, "without the margin's mask", lambda: np.full_like(v.D, 1 / n)),
        slip(SLOPE, "the loss for its mask", lambda: np.maximum(0, v.D) / n),
        slip("scale", "not a mean", lambda: (v.D > 0).astype(v.D.dtype)),
    )
    g = dD[:, None]
    dA = pen(
        "A",
        ["D"],
        2 * g * (v.C - v.B),
        slip("missing-term", "the negative's term left out", lambda: 2 * g * (v.A - v.B)),
        slip("missing-term", "the own term left out", lambda: -2 * g * v.B + 0 * v.A),
        slip("missing-term", "the positive's term left out", lambda: -2 * g * (v.A - v.C)),
        slip("scale", "the other sign", lambda: 2 * g * (v.B - v.C)),
        slip("scale", "2 of the square dropped", lambda: g * (v.C - v.B)),
        slip("scale|missing-term|wrong-operand", "the terms added", lambda: 2 * g * (v.A - v.B) + 2 * g * (v.A - v.C)),
        slip("missing-derivative", "the mask left out", lambda: 2 * (v.C - v.B) / n),
    )
    dB = pen(
        "B",
        ["D"],
        2 * g * (v.B - v.A),
        slip("scale", "the other sign", lambda: 2 * g * (v.A - v.B)),
        slip("wrong-operand", "C for A", lambda: 2 * g * (v.B - v.C)),
        slip("missing-term|wrong-operand", "only B", lambda: 2 * g * v.B),
    )
    dC = pen(
        "C",
        ["D"],
        2 * g * (v.A - v.C),
        slip("scale", "the other sign", lambda: 2 * g * (v.C - v.A)),
        slip("wrong-operand", "B for A", lambda: 2 * g * (v.B - v.C)),
    )
    pen(
        "W1",
        ["A", "B", "C"],
        v.X.T @ dA + v.P.T @ dB + v.N.T @ dC,
        slip("missing-term", "only the anchor's", lambda: v.X.T @ dA),
        slip("missing-term", "the negative's left out", lambda: v.X.T @ dA + v.P.T @ dB),
        slip("wrong-operand", "X for all", lambda: v.X.T @ (dA + dB + dC)),
        slip("missing-term", "the last one overwrites", lambda: v.N.T @ dC),
    )


TRIPLET = Network(
    "published: a triplet loss", (Config("plain", 7, (3, 4)),), _pair_make, _triplet_forward, _triplet_hand
)


# Rows that are read by index: an embedding, averaged


def _words_make(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    count, d, k = config.widths
    words = np.array([[0, 1, 1], [2, 0, 4], [3, 3, 3], [1, 4, 2], [5, 0, 5]])[: config.samples]
    constants = {"words": words, "y": rng.normal(size=(config.samples, k))}
    return constants, {"E1": rng.normal(size=(count, d)), "W1": rng.normal(size=(d, k))}


def _words_forward(v: Values) -> Any:
    v.R = v.E1[v.words]
    v.H = np.mean(v.R, axis=1)
    v.Z1 = v.H @ v.W1
    return np.mean((v.Z1 - v.y) ** 2)


def _added(v: Values, g: Any, how: str) -> Any:
    dE = np.zeros_like(v.E1)
    if how == "once":
        dE[v.words] += g
    elif how == "once in a row":
        for row, own in zip(v.words, g, strict=True):
            dE[row] += own
    elif how == "overwritten":
        for row, own in zip(v.words, g, strict=True):
            dE[row] = own
    elif how == "first":
        np.add.at(dE, v.words[:, 0], g[:, 0])
    else:
        np.add.at(dE, v.words, g)
    return dE


def _words_hand(v: Values, pen: Pen) -> None:
    length = v.words.shape[1]
    dZ1 = pen("Z1", ["loss"], 2 * (v.Z1 - v.y) / v.y.size)
    pen(
        "W1",
        ["Z1"],
        v.H.T @ dZ1,
        slip("wrong-operand|scale|wrong-axis", "the sum for the mean", lambda: v.R.sum(1).T @ dZ1),
    )
    dH = pen("H", ["Z1"], dZ1 @ v.W1.T)
    g = np.repeat(dH[:, None], length, axis=1)
    dR = pen(
        "R",
        ["H"],
        g / np.asarray(length, g.dtype),
        slip("scale|wrong-axis", "not divided by the words", lambda: g),
        slip("scale|wrong-axis", "divided by the samples", lambda: g / np.asarray(len(v.words), g.dtype)),
    )
    pen(
        "E1",
        ["R"],
        _added(v, dR, "each"),
        slip("missing-term", "repeated rows added once", lambda: _added(v, dR, "once")),
        slip("missing-term", "repeated in one row, added once", lambda: _added(v, dR, "once in a row")),
        slip("missing-term", "repeated rows overwritten", lambda: _added(v, dR, "overwritten")),
        slip("missing-term", "only the first word of each", lambda: _added(v, dR, "first")),
    )


WORDS = Network(
    "published: averaged words", (Config("plain", 5, (6, 3, 2)),), _words_make, _words_forward, _words_hand, axis=None
)

NETWORKS = (BATCH_NORM, LAYER_NORM, SMOOTH, QUOTIENT, TRIPLET, WORDS)
