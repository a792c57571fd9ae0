"""Kinds of mistakes that people publish, in loops: an LSTM over three steps, a strided convolution and pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.planted.lines import Values, sigmoid
from tests.benchmarks.planted.network import Arrays, Config, Network
from tests.benchmarks.planted.pen import Pen, slip

SLOPE = "derivative-at-output|missing-derivative|wrong-operand"
STEPS = 3


def _lstm_make(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    d, h = config.widths
    constants: dict[str, Any] = {f"x{t}": rng.normal(size=(config.samples, d)) for t in range(1, STEPS + 1)}
    constants |= {"h0": np.zeros((config.samples, h)), "c0": np.zeros((config.samples, h))}
    constants["y"] = rng.normal(size=(config.samples, h))
    parameters: Arrays = {}
    for gate in "ifog":
        parameters[f"W{gate}"] = rng.normal(size=(d + h, h)) * 0.7
        parameters[f"b{gate}"] = rng.normal(size=h)
    return constants, parameters


def _lstm_forward(v: Values) -> Any:
    for t in range(1, STEPS + 1):
        v[f"s{t}"] = np.concatenate([v[f"x{t}"], v[f"h{t - 1}"]], axis=1)
        s = v[f"s{t}"]
        for gate in "ifog":
            act = np.tanh if gate == "g" else sigmoid
            v[f"z{gate}{t}"] = s @ v[f"W{gate}"] + v[f"b{gate}"]
            v[f"{gate}{t}"] = act(v[f"z{gate}{t}"])
        v[f"c{t}"] = v[f"f{t}"] * v[f"c{t - 1}"] + v[f"i{t}"] * v[f"g{t}"]
        v[f"h{t}"] = v[f"o{t}"] * np.tanh(v[f"c{t}"])
    return np.mean((v[f"h{STEPS}"] - v.y) ** 2)


def _lstm_hand(v: Values, pen: Pen) -> None:
    dh, after = pen("h3", ["loss"], 2 * (v.h3 - v.y) / v.y.size), np.zeros_like(v.y)
    for t in range(STEPS, 0, -1):
        dh, after = _step(v, pen, t, dh, after)
    for gate in "ifog":
        _shared(v, pen, gate)


def _step(v: Values, pen: Pen, t: int, dh: Any, after: Any) -> tuple[Any, Any]:
    """One step back: from what comes to h and c of this step to the same of the step before."""
    c, h, before, last = v[f"c{t}"], v[f"h{t}"], v[f"c{t - 1}"], t == STEPS
    i, f, o, g = (v[f"{gate}{t}"] for gate in "ifog")
    tc = np.tanh(c)
    whole = dh * o * (1 - tc**2)
    pen(f"o{t}", [f"h{t}"], dh * tc, slip(SLOPE, "c for tanh(c)", lambda: dh * c), slip(SLOPE, "h", lambda: dh * h))
    inside = [
        slip("missing-term", "the next cell's left out", lambda: whole),
        slip(SLOPE, "the next cell's through tanh too", lambda: (after + dh * o) * (1 - tc**2)),
        slip(SLOPE, "the next cell's through o and tanh", lambda: (after + dh) * o * (1 - tc**2)),
        slip("missing-term", "the next cell's only", lambda: after * 1),
        slip(SLOPE, "the next cell's without its gate", lambda: pen.gradients[f"c{t + 1}"] + whole),
    ]
    dc = pen(
        f"c{t}",
        [f"h{t}"] if last else [f"h{t}", f"c{t + 1}"],
        after + whole,
        slip(SLOPE, "tanh' left out", lambda: after + dh * o),
        slip(SLOPE, "tanh' at tanh", lambda: after + dh * o * (1 - np.tanh(tc) ** 2)),
        slip(SLOPE, "1 - c**2", lambda: after + dh * o * (1 - c**2)),
        slip("missing-derivative", "o left out", lambda: after + dh * (1 - tc**2)),
        [] if last else inside,
    )
    pen(f"i{t}", [f"c{t}"], dc * g, slip("wrong-operand", "c for g", lambda: dc * c))
    cell = slip("wrong-operand", "this cell for the one before", lambda: dc * c)
    pen(f"f{t}", [f"c{t}"], dc * before, cell, slip("wrong-operand", "g for the cell before", lambda: dc * g))
    pen(f"g{t}", [f"c{t}"], dc * i, slip("wrong-operand", "g for i", lambda: dc * g))
    for gate in "ifog":
        _gate(pen, f"{gate}{t}", v[f"{gate}{t}"])
    if t == 1:
        return dh, after
    ds = sum(pen.gradients[f"z{gate}{t}"] @ v[f"W{gate}"].T for gate in "ifog")
    ds = pen(f"s{t}", [f"z{gate}{t}" for gate in "ifog"], ds)
    return pen(f"h{t - 1}", [f"s{t}"], ds[:, v.x1.shape[1] :]), dc * f


def _gate(pen: Pen, name: str, a: Any) -> None:
    """The gradient before the sigmoid of a gate, or the tanh of what goes into the cell."""
    g, sigmoid_slope, tanh_slope = pen.gradients[name], a * (1 - a), 1 - a**2
    right, other = (tanh_slope, sigmoid_slope) if name[0] == "g" else (sigmoid_slope, tanh_slope)
    pen(
        f"z{name}",
        [name],
        g * right,
        slip(SLOPE, "the slope left out", lambda: g * 1),
        slip(SLOPE, "the slope of the other kind", lambda: g * other),
    )


def _shared(v: Values, pen: Pen, gate: str) -> None:
    """The weights and the bias of a gate, which all steps use."""
    steps = range(1, STEPS + 1)
    s, z = [v[f"s{t}"] for t in steps], [pen.gradients[f"z{gate}{t}"] for t in steps]
    other = {"i": "f", "f": "o", "o": "g", "g": "i"}[gate]
    others = [pen.gradients[f"z{other}{t}"] for t in steps]
    pen(
        f"W{gate}",
        [f"z{gate}{t}" for t in steps],
        sum(a.T @ d for a, d in zip(s, z, strict=True)),
        slip("missing-term", "the last step overwrites", lambda: s[0].T @ z[0]),
        slip("wrong-operand", "states one step later", lambda: s[1].T @ z[0] + s[2].T @ z[1] + s[2].T @ z[2]),
        slip("wrong-operand", "the last state for all", lambda: s[2].T @ sum(z)),
    )
    pen(
        f"b{gate}",
        [f"z{gate}{t}" for t in steps],
        sum(d.sum(axis=0) for d in z),
        slip("wrong-operand", "the line of another gate", lambda: sum(d.sum(axis=0) for d in others)),
        slip("missing-term", "the last step overwrites", lambda: z[0].sum(axis=0)),
    )


LSTM = Network(
    "published: an LSTM over three steps",
    (Config("plain", 4, (2, 3)),),
    _lstm_make,
    _lstm_forward,
    _lstm_hand,
    axis=None,
)


# A convolution with a stride, and pooling


def _conv_make(rng: np.random.Generator, config: Config) -> tuple[dict[str, Any], Arrays]:
    n, k = config.widths
    return {"X": rng.normal(size=(n, n)), "y": rng.normal(size=(2, 2))}, {
        "K": rng.normal(size=(k, k)),
        "b": rng.normal(size=()),
    }


STRIDE = 2


def _patch(v: Values, i: int, j: int, stride: int = STRIDE) -> Any:
    """What the kernel meets for one element of the result."""
    k = v.K.shape[0]
    return v.X[stride * i : stride * i + k, stride * j : stride * j + k]


def _conv_forward(v: Values) -> Any:
    k = v.K.shape[0]
    count = (len(v.X) - len(v.K)) // STRIDE + 1
    rows = [
        [np.sum(v.X[STRIDE * i : STRIDE * i + k, STRIDE * j : STRIDE * j + k] * v.K) for j in range(count)]
        for i in range(count)
    ]
    v.Z1 = np.stack([np.stack(row) for row in rows]) + v.b
    v.A1 = np.maximum(0, v.Z1)
    v.M = np.max(np.max(np.reshape(v.A1, (count // 2, 2, count // 2, 2)), axis=3), axis=1)
    return np.sum((v.M - v.y) ** 2)


def _conv_hand(v: Values, pen: Pen) -> None:
    count = len(v.Z1)
    dM = pen("M", ["loss"], 2 * (v.M - v.y))
    spread = np.repeat(np.repeat(dM, 2, axis=0), 2, axis=1)
    largest = np.repeat(np.repeat(v.M, 2, axis=0), 2, axis=1) == v.A1
    first = np.zeros_like(largest)
    first[:2, :2] = True
    corner = np.zeros_like(largest)
    corner[::2, ::2] = True
    dA = pen(
        "A1",
        ["M"],
        spread * largest,
        slip("missing-term", "returns after the first patch", lambda: spread * largest * first),
        slip(SLOPE, "to all of a patch", lambda: spread * 1),
        slip(SLOPE + "|scale", "shared among all of a patch", lambda: spread / 4),
        slip(SLOPE, "to the corner of a patch", lambda: spread * corner),
        slip(SLOPE, "times the largest itself", lambda: spread * largest * v.A1),
    )
    dZ = pen("Z1", ["A1"], dA * (v.Z1 > 0), slip(SLOPE, "relu for its slope", lambda: dA * v.A1))

    def weights(stride: int = STRIDE, g: Any = dZ) -> Any:
        return sum(g[i, j] * _patch(v, i, j, stride) for i in range(count) for j in range(count))

    pen(
        "K",
        ["Z1"],
        weights(),
        slip("wrong-operand|wrong-axis", "the stride forgotten", lambda: weights(1)),
        slip("transposed", "turned by 180 degrees", lambda: weights()[::-1, ::-1].copy()),
        slip("transposed", "transposed", lambda: weights().T.copy()),
        slip("missing-term", "the last patch only", lambda: dZ[-1, -1] * _patch(v, count - 1, count - 1)),
        slip("missing-derivative|wrong-operand", "dA for dZ", lambda: weights(g=dA)),
        slip("scale", "divided by the patches", lambda: weights() / np.asarray(count**2, dZ.dtype)),
    )
    pen("b", ["Z1"], np.sum(dZ), slip("wrong-axis|scale", "a mean", lambda: np.mean(dZ)))


CONVOLUTION = Network(
    "published: a convolution with a stride, pooling",
    (Config("plain", 1, (10, 3)),),
    _conv_make,
    _conv_forward,
    _conv_hand,
    axis=None,
)

NETWORKS = (LSTM, CONVOLUTION)
