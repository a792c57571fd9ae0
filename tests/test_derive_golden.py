"""Derivations of whole programs: each is kept as a file that a person can judge, and each is what runs.

To accept a change: `python tests/test_derive_golden.py` writes the files anew; read what changed.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor, derive
from autograd.derivation import Derivation
from demos import layer_classes, relu_regression, sigmoid_sine, single_sample, tanh_parabolas

GOLDEN = Path(__file__).parent / "golden" / "derivations"


def parameter(rng: np.random.Generator, *shape: int) -> Tensor:
    return Tensor(rng.normal(size=shape), requires_grad=True)


def demo_relu_regression() -> tuple[Tensor, Derivation]:
    X, y = relu_regression.data()
    loss = relu_regression.draw_step(X, y)
    return loss, derive(loss)


def demo_layer_classes() -> tuple[Tensor, Derivation]:
    loss, _ = layer_classes.step(layer_classes.slope_published)
    return loss, derive(loss)


def demo_single_sample() -> tuple[Tensor, Derivation]:
    loss, _ = single_sample.step(single_sample.backprop_published)
    return loss, derive(loss)


def demo_sigmoid_sine() -> tuple[Tensor, Derivation]:
    loss, _ = sigmoid_sine.step(sigmoid_sine.backprop_published)
    return loss, derive(loss)


def demo_tanh_parabolas() -> tuple[Tensor, Derivation]:
    loss, _ = tanh_parabolas.step(tanh_parabolas.backprop_published)
    return loss, derive(loss)


def softmax_by_hand() -> tuple[Tensor, Derivation]:
    """Samples in rows, cross-entropy composed of NumPy's functions."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 4)), np.eye(3)[rng.integers(3, size=20)]
    W1, b1, W2, b2 = parameter(rng, 4, 8), parameter(rng, 8), parameter(rng, 8, 3), parameter(rng, 3)
    H = np.tanh(X @ W1 + b1)
    logits = H @ W2 + b2
    E = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    P = E / np.sum(E, axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(P)) / len(X)
    return loss, derive(loss)


def columns() -> tuple[Tensor, Derivation]:
    """Samples in columns, a sigmoid composed of NumPy's functions."""
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(3, 20)), rng.normal(size=(1, 20))
    W1, b1, W2, b2 = parameter(rng, 8, 3), parameter(rng, 8, 1), parameter(rng, 1, 8), parameter(rng, 1, 1)
    A1 = 1 / (1 + np.exp(-(np.dot(W1, X) + b1)))
    loss = np.sum((np.dot(W2, A1) + b2 - Y) ** 2) / (2 * X.shape[1])
    return loss, derive(loss)


def skip_connection() -> tuple[Tensor, Derivation]:
    """The same weights twice, and a sum around the second layer."""
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    W, b = parameter(rng, 3, 3), parameter(rng, 3)
    h = np.tanh(X @ W + b)
    out = np.tanh(h @ W + b) + h
    loss = np.mean((out - Y) ** 2)
    return loss, derive(loss)


def classifier() -> tuple[Tensor, Derivation]:
    """Modules, integer labels."""
    rng = np.random.default_rng(3)
    x, labels = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    model = nn.Sequential(nn.Linear(4, 5, rng=0), nn.Sigmoid(), nn.Linear(5, 3, rng=1))
    loss = nn.functional.cross_entropy(model(x), labels)
    return loss, derive(loss)


def recurrence() -> tuple[Tensor, Derivation]:
    """Three steps of a recurrent network."""
    rng = np.random.default_rng(4)
    xs, h0 = rng.normal(size=(3, 2, 4)), np.zeros((2, 5))
    Wx, Wh, b = parameter(rng, 4, 5), parameter(rng, 5, 5), parameter(rng, 5)
    h: Any = h0
    for x in xs:
        h = np.tanh(x @ Wx + h @ Wh + b)
    del x
    loss = np.sum(h**2)
    return loss, derive(loss)


def attention() -> tuple[Tensor, Derivation]:
    rng = np.random.default_rng(5)
    x, Wq, Wk, Wv = rng.normal(size=(5, 4)), parameter(rng, 4, 4), parameter(rng, 4, 4), parameter(rng, 4, 4)
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    a = nn.functional.softmax(q @ k.T / np.sqrt(4))
    loss = np.mean((a @ v) ** 2)
    return loss, derive(loss)


def layer_norm() -> tuple[Tensor, Derivation]:
    rng = np.random.default_rng(6)
    x, W, gain, shift = rng.normal(size=(4, 6)), parameter(rng, 6, 6), parameter(rng, 6), parameter(rng, 6)
    h = x @ W
    normal = (h - np.mean(h, axis=1, keepdims=True)) / np.sqrt(np.var(h, axis=1, keepdims=True) + 1e-5)
    loss = np.mean((normal * gain + shift) ** 2)
    return loss, derive(loss)


def embedding() -> tuple[Tensor, Derivation]:
    """Rows chosen by an array of indices, several times."""
    rng = np.random.default_rng(7)
    words, E, W = rng.integers(10, size=(4, 6)), parameter(rng, 10, 3), parameter(rng, 3, 1)
    loss = np.mean((E[words].mean(axis=1) @ W) ** 2)
    return loss, derive(loss)


def picked() -> tuple[Tensor, Derivation]:
    """The probability of the right class, by index arrays; a slice of the weights."""
    rng = np.random.default_rng(8)
    x, labels, W = rng.normal(size=(6, 3)), rng.integers(3, size=6), parameter(rng, 4, 3)
    logits = x @ W[:3] + W[3]
    loss = np.mean(np.log(np.sum(np.exp(logits), axis=1)) - logits[np.arange(6), labels])
    return loss, derive(loss)


def ridge() -> tuple[Tensor, Derivation]:
    """Through the solution of a linear system."""
    rng = np.random.default_rng(9)
    A, y, strength = rng.normal(size=(6, 3)), rng.normal(size=6), Tensor(0.1, requires_grad=True)
    w = np.linalg.solve(A.T @ A + strength * np.eye(3), A.T @ y)
    loss = np.mean((A @ w - y) ** 2)
    return loss, derive(loss)


def variational() -> tuple[Tensor, Derivation]:
    """Means of sums, and constants in several factors: a variational autoencoder."""
    rng = np.random.default_rng(10)
    x, eps, W, M = rng.normal(size=(5, 6)), rng.normal(size=(5, 2)), parameter(rng, 6, 2), parameter(rng, 6, 2)
    D = parameter(rng, 2, 6)
    mu, logvar = x @ M, x @ W
    z = mu + np.exp(0.5 * logvar) * eps
    reconstruction = np.mean(np.sum((z @ D - x) ** 2, axis=1))
    divergence = -0.5 * np.mean(np.sum(1 + logvar - mu**2 - np.exp(logvar), axis=1))
    loss = reconstruction + divergence
    return loss, derive(loss)


def mixture() -> tuple[Tensor, Derivation]:
    """The likelihood of a mixture, and penalties with a kink."""
    rng = np.random.default_rng(11)
    x, y, A, B = rng.normal(size=(8, 1)), rng.normal(size=(8, 1)), parameter(rng, 1, 4), parameter(rng, 1, 4)
    near = rng.random((1, 4)) < 0.5
    log_density = nn.functional.log_softmax(x @ A, axis=-1) - 0.5 * (y - x @ B) ** 2
    penalty = np.mean(np.where(near, 0.5 * A**2, np.abs(A) - 0.5))
    loss = penalty - np.mean(np.log(np.sum(np.exp(log_density), axis=1)))
    return loss, derive(loss)


def written() -> tuple[Tensor, Derivation]:
    """Columns written one by one into zeros; products by `einsum`; rows centred."""
    rng = np.random.default_rng(12)
    x, W = rng.normal(size=(4, 3)), parameter(rng, 3, 3)
    out = np.zeros_like(x @ W)
    for k in range(3):
        out[:, k] = x @ W[:, k] * (k + 1)
    centred = out - np.mean(out, axis=0)
    loss = np.mean(np.einsum("ij,kj->ik", centred, W) ** 2)
    return loss, derive(loss)


PROGRAMS: list[Callable[[], tuple[Tensor, Derivation]]] = [
    demo_relu_regression, demo_layer_classes, demo_single_sample, demo_sigmoid_sine, demo_tanh_parabolas,
    softmax_by_hand, columns, skip_connection, classifier, recurrence, attention, layer_norm, embedding, picked, ridge,
    variational, mixture, written,
]  # fmt: skip
programs = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)


@programs
def test_the_source_is_the_golden_one(program: Callable[[], tuple[Tensor, Derivation]]) -> None:
    _, derivation = program()
    golden = GOLDEN / f"{program.__name__}.py"
    assert derivation.source == golden.read_text(encoding="utf-8"), f"see the first lines of {Path(__file__).name}"


@programs
def test_the_golden_file_gives_what_backward_gives(program: Callable[[], tuple[Tensor, Derivation]]) -> None:
    loss, derivation = program()
    backprop = runpy.run_path(str(GOLDEN / f"{program.__name__}.py"))["backprop"]
    value, gradients = backprop(**derivation.arguments)
    loss.backward()
    np.testing.assert_allclose(value, loss.data, rtol=1e-12)
    assert set(gradients) == set(derivation.parameters)
    for name, tensor in derivation.parameters.items():
        assert gradients[name].shape == tensor.shape
        scale = np.max(np.abs(tensor.grad))
        np.testing.assert_allclose(gradients[name], tensor.grad, rtol=1e-12, atol=1e-12 * scale)


@programs
def test_lines_fit_a_page(program: Callable[[], tuple[Tensor, Derivation]]) -> None:
    _, derivation = program()
    assert max(len(line) for line in derivation.source.splitlines()) <= 110


if __name__ == "__main__":
    for make in PROGRAMS:
        (GOLDEN / f"{make.__name__}.py").write_text(make()[1].source, encoding="utf-8")
