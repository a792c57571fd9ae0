"""Small networks with a hand derivation, line by line, in which a test can put a wrong line."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.testing import Report, compare_grads

Line = Callable[[Any], Any]
Lines = dict[str, Line]


class Student:
    """A recorded loss with named values, and a hand derivation of it, line by line."""

    def __init__(self, forward: Callable[..., tuple[Tensor, dict[str, Tensor]]], lines: Lines, **arrays: Any) -> None:
        parameters = {name: a for name, a in arrays.items() if name[0] in "Wb"}
        tensors = {name: Tensor(a, requires_grad=True, name=name) for name, a in parameters.items()}
        constants = {name: a for name, a in arrays.items() if name not in tensors}
        self.loss, on_the_way = forward(**constants, **tensors)
        for name, tensor in on_the_way.items():
            tensor.name = name
        self.tensors = tensors | on_the_way
        self.values = {name: t.data for name, t in self.tensors.items()} | constants
        self.lines = lines

    def hand(self, **slips: Line) -> dict[str, Any]:
        """The gradients by these lines, some of them replaced; keyed by what they are gradients of."""
        v = SimpleNamespace(**self.values)
        for name, line in {**self.lines, **slips}.items():
            setattr(v, name, line(v))
        return {name[1:]: getattr(v, name) for name in self.lines}

    def report(self, **slips: Line) -> Report:
        return compare_grads(self.loss, self.hand(**slips))


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    e = np.exp(z)
    return e / np.sum(e, axis=1, keepdims=True)


def regression(samples: int = 6, dtype: str = "float64") -> Student:
    """Two layers with a sigmoid between them, a mean of squares, and a penalty on W2."""
    rng = np.random.default_rng(1)

    def forward(x: Any, y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> tuple[Any, dict[str, Any]]:
        Z1 = x @ W1 + b1
        A1 = sigmoid(Z1)
        Z2 = A1 @ W2 + b2
        return np.mean((Z2 - y) ** 2) + 0.1 * np.sum(W2**2), {"Z1": Z1, "A1": A1, "Z2": Z2}

    lines: Lines = {
        "dZ2": lambda v: 2 * (v.Z2 - v.y) / v.y.size,
        "dW2": lambda v: v.A1.T @ v.dZ2 + 0.2 * v.W2,
        "db2": lambda v: v.dZ2.sum(axis=0),
        "dA1": lambda v: v.dZ2 @ v.W2.T,
        "dZ1": lambda v: v.dA1 * v.A1 * (1 - v.A1),
        "dW1": lambda v: v.x.T @ v.dZ1,
        "db1": lambda v: v.dZ1.sum(axis=0),
    }
    shapes = {"x": (samples, 4), "y": (samples, 3), "W1": (4, 4), "b1": (4,), "W2": (4, 3), "b2": (3,)}
    return Student(forward, lines, **{name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()})


def classification() -> Student:
    """A layer with a skip connection around a ReLU, then softmax and cross-entropy with one-hot labels y."""
    rng = np.random.default_rng(2)

    def forward(x: Any, y: Any, W1: Any, W2: Any) -> tuple[Any, dict[str, Any]]:
        Z1 = x @ W1
        A1 = np.maximum(0, Z1) + Z1
        Z2 = A1 @ W2
        loss = -np.mean(np.sum(y * (Z2 - np.log(np.sum(np.exp(Z2), axis=1, keepdims=True))), axis=1))
        return loss, {"Z1": Z1, "A1": A1, "Z2": Z2}

    lines: Lines = {
        "dZ2": lambda v: (softmax(v.Z2) - v.y) / len(v.y),
        "dW2": lambda v: v.A1.T @ v.dZ2,
        "dA1": lambda v: v.dZ2 @ v.W2.T,
        "dZ1": lambda v: v.dA1 * (v.Z1 > 0) + v.dA1,
        "dW1": lambda v: v.x.T @ v.dZ1,
    }
    shapes = {"x": (7, 2), "W1": (2, 5), "W2": (5, 3)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return Student(forward, lines, y=np.eye(3)[rng.integers(3, size=7)], **arrays)


def attention() -> Student:
    """A softmax over rows that is taken of differences from the maximum, between two products."""
    rng = np.random.default_rng(4)

    def forward(x: Any, v: Any, W1: Any) -> tuple[Any, dict[str, Any]]:
        Z1 = x @ W1
        E = np.exp(Z1 - np.max(Z1, axis=1, keepdims=True))
        A1 = E / np.sum(E, axis=1, keepdims=True)
        return np.sum((A1 @ v) ** 2), {"Z1": Z1, "A1": A1}

    lines: Lines = {
        "dA1": lambda v: 2 * (v.A1 @ v.v) @ v.v.T,
        "dZ1": lambda v: v.A1 * (v.dA1 - np.sum(v.dA1 * v.A1, axis=1, keepdims=True)),
        "dW1": lambda v: v.x.T @ v.dZ1,
    }
    return Student(forward, lines, x=rng.normal(size=(4, 3)), v=rng.normal(size=(5, 2)), W1=rng.normal(size=(3, 5)))


def one_sample() -> Student:
    """Vectors, all of one width, where broadcasting hides a sum that was left out."""
    rng = np.random.default_rng(3)

    def forward(x: Any, W1: Any, W2: Any, W3: Any) -> tuple[Any, dict[str, Any]]:
        Z1 = np.dot(W1, x)
        A1 = np.tanh(Z1)
        Z2 = np.dot(W2, A1)
        return np.sum(np.dot(W3, np.tanh(Z2)) ** 2), {"Z1": Z1, "A1": A1, "Z2": Z2}

    lines: Lines = {
        "dZ2": lambda v: 2 * (v.W3 @ np.tanh(v.Z2)) @ v.W3 * (1 - np.tanh(v.Z2) ** 2),
        "dW2": lambda v: np.outer(v.dZ2, v.A1),
        "dW1": lambda v: np.outer(v.W2.T @ v.dZ2 * (1 - v.A1**2), v.x),
    }
    return Student(forward, lines, x=rng.normal(size=3), **{f"W{k}": rng.normal(size=(3, 3)) for k in (1, 2, 3)})
