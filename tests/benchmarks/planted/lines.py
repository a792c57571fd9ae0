"""The lines that every derivation has: a dense layer in both conventions, activations, penalties.

`v` holds the values of the forward pass by name: X, W1, b1, Z1, A1 and so on. Layer k computes Zk from the
activation below, and Ak from Zk. `before` is dL/dAk, where layer k has an activation: the gradient that a
student may use by mistake for dL/dZk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import Tensor
from tests.benchmarks.planted.pen import Array, Pen, Slip, slip

RATE = 0.1  # of the update that comes too early


class Values(dict[str, Any]):
    """Arrays or Tensors by name, which attributes read and write too.

    What is written is named, if it is a Tensor, and nudged, if there is a nudge for it: a forward pass can
    be differentiated numerically with respect to any value on its way.
    """

    def __init__(self, values: Mapping[str, Any], nudges: Mapping[str, Any] | None = None) -> None:
        super().__init__(values)
        object.__setattr__(self, "nudges", nudges or {})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        nudges = object.__getattribute__(self, "nudges")
        if name in nudges:
            value = value + nudges[name]
        if isinstance(value, Tensor):
            value.name = name
        super().__setitem__(name, value)

    __setattr__ = __setitem__


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


# Penalties


@dataclass(frozen=True)
class Penalty:
    """What the loss adds for a weight, and its gradient with the slips in it."""

    loss: Callable[[Any], Any]
    gradient: Callable[[Array], Array]
    wrong: tuple[tuple[str, str, Callable[[Array], Array]], ...]

    def slips(self, W: Array, data: Array) -> Iterator[Slip]:
        for causes, how, line in self.wrong:
            yield slip(causes, how, lambda line=line: data + line(W))


def squares(k: float) -> Penalty:
    """k times the sum of squares."""
    return Penalty(
        lambda W: k * np.sum(W**2),
        lambda W: 2 * k * W,
        (
            ("regulariser", "penalty left out", lambda W: 0 * W),
            ("regulariser", "2 of the penalty's square dropped", lambda W: k * W),
            ("regulariser", "penalty twice", lambda W: 4 * k * W),
            ("regulariser", "penalty subtracted", lambda W: -2 * k * W),
            ("regulariser", "k of the penalty dropped", lambda W: 2 * W),
            ("regulariser", "penalty as of absolute values", lambda W: k * np.sign(W)),
            ("regulariser", "penalty as of the norm itself", lambda W: k * W / np.sqrt(np.sum(W**2))),
        ),
    )


def half_squares(k: float) -> Penalty:
    """k/2 times the sum of squares."""
    return Penalty(
        lambda W: 0.5 * k * np.sum(W * W),
        lambda W: k * W,
        (
            ("regulariser", "penalty left out", lambda W: 0 * W),
            ("regulariser", "the half of the penalty kept", lambda W: 0.5 * k * W),
            ("regulariser", "a 2 too much in the penalty", lambda W: 2 * k * W),
            ("regulariser", "penalty as of absolute values", lambda W: k * np.sign(W)),
            ("regulariser", "penalty subtracted", lambda W: -k * W),
        ),
    )


def absolutes(k: float) -> Penalty:
    """k times the sum of absolute values."""
    return Penalty(
        lambda W: k * np.sum(np.abs(W)),
        lambda W: k * np.sign(W),
        (
            ("kink", "1 for sign(0)", lambda W: np.where(W >= 0, k, -k).astype(W.dtype)),
            ("regulariser", "penalty left out", lambda W: 0 * W),
            ("regulariser", "penalty as of squares", lambda W: 2 * k * W),
            ("regulariser", "k W for k sign(W)", lambda W: k * W),
            ("regulariser|missing-derivative", "sign left out", lambda W: k * np.ones_like(W)),
            ("regulariser", "penalty twice", lambda W: 2 * k * np.sign(W)),
            ("regulariser", "penalty subtracted", lambda W: -k * np.sign(W)),
            ("regulariser", "k of the penalty dropped", lambda W: np.sign(W)),
        ),
    )


# Dense layers


def _others(v: Values, names: Iterable[str], used: str) -> Iterator[tuple[str, Any]]:
    """The values of those names that there are, without the right one."""
    for name in dict.fromkeys(names):
        if name in v and name != used:
            yield name, v[name]


def row_layer(
    pen: Pen,
    v: Values,
    k: int,
    dZ: Array,
    before: Array | None = None,
    *,
    penalty: Penalty | None = None,
    penalised_bias: float = 0.0,
    skip: tuple[str, Array] | None = None,
    goes_on: bool = True,
) -> Array | None:
    """dWk, dbk and dA(k-1) where Zk = A @ Wk + bk and rows are samples.

    `skip`: another tensor that is made of A, and what its gradient brings to dA.
    """
    below = "X" if k == 1 else f"A{k - 1}"
    A, W, b, N = v[below], v[f"W{k}"], v[f"b{k}"], len(dZ)
    operands = [f"Z{k - 1}", "X", f"A{k - 2}", f"A{k}"]

    data, rest = A.T @ dZ, penalty.gradient(W) if penalty else 0
    dW = pen(
        f"W{k}",
        [f"Z{k}"],
        data + rest,
        [
            slip("wrong-operand", f"{n} for {below}", lambda B=B: B.T @ dZ + rest)
            for n, B in _others(v, operands, below)
        ],
        slip("transposed", "dZ.T @ A", lambda: dZ.T @ A + rest),
        slip("transposed", "A @ dZ", lambda: A @ dZ + rest),
        slip("transposed|unknown", "dZ.T @ A, reshaped to fit", lambda: _reshaped(dZ.T @ A, W) + rest),
        slip("unsummed-axis", "A.T * dZ", lambda: A.T * dZ + rest),
        slip("scale", "divided by N once more", lambda: data / N + rest),
        slip("scale", "sign", lambda: -data + rest),
        slip("scale", "the update, not the gradient", lambda: -RATE * (data + rest)),
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: A.T @ before + rest)]
        if before is not None
        else [],
        penalty.slips(W, data) if penalty else [],
    )

    def total(g: Array) -> Array:
        return g.sum(axis=0, keepdims=b.ndim == 2)

    pen(
        f"b{k}",
        [f"Z{k}"],
        total(dZ),
        slip("wrong-axis|scale", "mean for sum", lambda: dZ.mean(axis=0, keepdims=b.ndim == 2)),
        slip("wrong-axis", "summed over the units", lambda: dZ.sum(axis=1).reshape(b.shape)),
        slip("wrong-axis", "summed over everything", lambda: dZ.sum() + np.zeros_like(b)),
        slip("scale", "sign", lambda: -total(dZ)),
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: total(before))] if before is not None else [],
        [slip("regulariser", "penalised too", lambda: total(dZ) + penalised_bias * b)] if penalised_bias else [],
        [
            slip("wrong-operand", f"sum of {n}", lambda g=g: total(g))
            for n, g in _others(pen.gradients, [f"Z{k + 1}"], "")  # type: ignore[arg-type]
        ],
    )
    if not goes_on:
        return None
    weights = _others(v, [f"W{k - 1}", f"W{k + 1}"], f"W{k}")
    added = skip[1] if skip else 0
    return pen(
        below,
        [f"Z{k}", skip[0]] if skip else [f"Z{k}"],
        dZ @ W.T + added,
        slip("transposed", "W for W.T", lambda: dZ @ W + added),
        [slip("wrong-operand", f"{n} for W{k}", lambda V=V: dZ @ V.T + added) for n, V in weights],
        slip("unsummed-axis", "dZ * W.T", lambda: dZ * W.T + added),
        slip("missing-derivative", f"W{k} left out", lambda: dZ + added),
        slip("stale-parameter", f"W{k} already updated", lambda: dZ @ (W - RATE * dW).T + added),
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: before @ W.T + added)]
        if before is not None
        else [],
        _skipped(dZ @ W.T, skip[1]) if skip else [],
    )


def _skipped(through: Array, around: Array) -> Iterator[Slip]:
    """Slips in through + around."""
    yield slip("missing-term", "the skip dropped", lambda: through)
    yield slip("missing-term", "only the skip", lambda: around)
    yield slip("missing-term|scale|unknown", "the skip twice", lambda: through + 2 * around)
    yield slip("scale|missing-term", "the skip subtracted", lambda: through - around)


def column_layer(
    pen: Pen,
    v: Values,
    k: int,
    dZ: Array,
    before: Array | None = None,
    *,
    penalty: Penalty | None = None,
    penalised_bias: float = 0.0,
    goes_on: bool = True,
) -> Array | None:
    """dWk, dbk and dA(k-1) where Zk = Wk @ A + bk and columns are samples; bk has the shape (n, 1)."""
    below = "X" if k == 1 else f"A{k - 1}"
    A, W, b, N = v[below], v[f"W{k}"], v[f"b{k}"], dZ.shape[1]
    operands = [f"Z{k - 1}", "X", f"A{k - 2}", f"A{k}"]

    data, rest = dZ @ A.T, penalty.gradient(W) if penalty else 0
    dW = pen(
        f"W{k}",
        [f"Z{k}"],
        data + rest,
        [
            slip("wrong-operand", f"{n} for {below}", lambda B=B: dZ @ B.T + rest)
            for n, B in _others(v, operands, below)
        ],
        slip("transposed", "A @ dZ.T", lambda: A @ dZ.T + rest),
        slip("transposed", "dZ @ A", lambda: dZ @ A + rest),
        slip("transposed|unknown", "A @ dZ.T, reshaped to fit", lambda: _reshaped(A @ dZ.T, W) + rest),
        slip("unsummed-axis", "dZ * A.T", lambda: dZ * A.T + rest),
        slip("scale", "1/m once more", lambda: data / N + rest),
        slip("scale", "sign", lambda: -data + rest),
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: before @ A.T + rest)]
        if before is not None
        else [],
        penalty.slips(W, data) if penalty else [],
    )

    def total(g: Array) -> Array:
        return g.sum(axis=1, keepdims=True)

    pen(
        f"b{k}",
        [f"Z{k}"],
        total(dZ),
        slip("wrong-axis|scale", "mean for sum", lambda: dZ.mean(axis=1, keepdims=True)),
        slip("wrong-axis", "summed over the units", lambda: dZ.sum(axis=0).reshape(b.shape)),
        slip("wrong-axis", "summed over everything", lambda: dZ.sum() + np.zeros_like(b)),
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: total(before))] if before is not None else [],
        [slip("regulariser", "penalised too", lambda: total(dZ) + penalised_bias * b)] if penalised_bias else [],
        [
            slip("wrong-operand", f"sum of {n}", lambda g=g: total(g))
            for n, g in _others(pen.gradients, [f"Z{k + 1}"], "")  # type: ignore[arg-type]
        ],
    )
    if not goes_on:
        return None
    weights = _others(v, [f"W{k - 1}", f"W{k + 1}"], f"W{k}")
    return pen(
        below,
        [f"Z{k}"],
        W.T @ dZ,
        slip("transposed", "W for W.T", lambda: W @ dZ),
        [slip("wrong-operand", f"{n} for W{k}", lambda V=V: V.T @ dZ) for n, V in weights],
        slip("unsummed-axis", "W.T * dZ", lambda: W.T * dZ),
        slip("missing-derivative", f"W{k} left out", lambda: dZ * 1),
        slip("stale-parameter", f"W{k} already updated", lambda: (W - RATE * dW).T @ dZ),
        [slip("missing-derivative|wrong-operand", "dA for dZ", lambda: W.T @ before)] if before is not None else [],
    )


def _reshaped(wrong: Array, W: Array) -> Array:
    """Forced into the shape of W, where that is another one: else it is the transpose alone."""
    if wrong.shape == W.shape:
        raise ValueError("nothing to reshape")
    return wrong.reshape(W.shape)


# Activations


def relu_line(pen: Pen, v: Values, k: int, dA: Array) -> Array:
    """dZk where Ak = max(0, Zk)."""
    Z, A = v[f"Z{k}"], v[f"A{k}"]
    masks = _others(v, [f"Z{k + 1}", f"Z{k - 1}", "X"], f"Z{k}")
    return pen(
        f"Z{k}",
        [f"A{k}"],
        dA * (Z > 0),
        slip("kink", "1 at 0", lambda: dA * (Z >= 0)),
        slip("kink", "a half at 0", lambda: dA * np.heaviside(Z, 0.5).astype(Z.dtype)),
        slip("missing-derivative", "no mask", lambda: dA * 1),
        [slip("wrong-operand", f"mask of {n}", lambda M=M: dA * (M > 0)) for n, M in masks],
        slip("wrong-operand|derivative-at-output|unknown", "times the activation", lambda: dA * A),
        slip("scale", "sign", lambda: -dA * (Z > 0)),
    )


def sigmoid_line(pen: Pen, v: Values, k: int, dA: Array, A_name: str = "") -> Array:
    """dZk where Ak = sigmoid(Zk), or sigmoid(Zk) has another name."""
    A_name = A_name or f"A{k}"
    Z, A = v[f"Z{k}"], v[A_name]
    others = _others(v, [f"A{k - 1}", f"A{k + 1}"], A_name)
    return pen(
        f"Z{k}",
        [A_name],
        dA * A * (1 - A),
        slip("missing-derivative", "sigmoid' left out", lambda: dA * 1),
        slip("derivative-at-output", "sigmoid'(a)", lambda: dA * sigmoid(A) * (1 - sigmoid(A))),
        slip("derivative-at-output|wrong-operand", "z (1 - z)", lambda: dA * Z * (1 - Z)),
        slip("unknown|missing-derivative|derivative-at-output", "a for a (1 - a)", lambda: dA * A),
        slip("unknown|derivative-at-output", "1 - a**2, of tanh", lambda: dA * (1 - A**2)),
        [slip("wrong-operand", f"{n} for {A_name}", lambda B=B: dA * B * (1 - B)) for n, B in others],
        slip("scale", "sign", lambda: dA * A * (A - 1)),
    )


def tanh_line(pen: Pen, v: Values, k: int, dA: Array, A_name: str = "") -> Array:
    """dZk where Ak = tanh(Zk); or tanh(Zk) has another name, and Ak is that plus what a skip brings."""
    A_name = A_name or f"A{k}"
    Z, A = v[f"Z{k}"], v[A_name]
    others = _others(v, [f"A{k - 1}", f"A{k + 1}", f"A{k}"], A_name)
    return pen(
        f"Z{k}",
        [f"A{k}"],
        dA * (1 - A**2),
        slip("missing-derivative", "tanh' left out", lambda: dA * 1),
        slip("derivative-at-output", "tanh'(a)", lambda: dA * (1 - np.tanh(A) ** 2)),
        slip("derivative-at-output|wrong-operand", "1 - z**2", lambda: dA * (1 - Z**2)),
        slip("unknown|derivative-at-output", "1 - a for 1 - a**2", lambda: dA * (1 - A)),
        slip("unknown|derivative-at-output", "a (1 - a), of the sigmoid", lambda: dA * A * (1 - A)),
        [slip("wrong-operand", f"{n} for {A_name}", lambda B=B: dA * (1 - B**2)) for n, B in others],
    )
