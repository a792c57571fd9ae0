"""The pictures of the README: each style, a network of fifty layers, a wrong derivation, two networks compared.

`python -m demos gallery --out demos/gallery` draws those of the README anew.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import autograd
import nn
from autograd import Tensor
from autograd.testing import compare_grads
from demos import output_folder

Array = NDArray[np.float64]


class Picture(Protocol):
    """What `autograd.draw` returns."""

    svg: str

    def save(self, path: Any) -> Any: ...


def _data() -> tuple[Array, Array]:
    return np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8]]), np.array([[1.0], [0.0], [1.0]])


def _parameters() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    W1 = Tensor([[0.8, -0.5, 0.3], [-0.4, 0.9, 0.6]], requires_grad=True)
    W2 = Tensor([[0.7], [-1.1], [0.4]], requires_grad=True)
    return W1, Tensor([0.1, -0.2, 0.0], requires_grad=True), W2, Tensor([0.05], requires_grad=True)


def softmax() -> Picture:
    """A classifier in plain NumPy: a card a statement."""
    X, _ = _data()
    Y = np.eye(3)[[0, 2, 1]]
    W1, b1, _, _ = _parameters()
    W2, b2 = (
        Tensor([[0.7, -0.3, 0.2], [-1.1, 0.5, 0.4], [0.4, 0.1, -0.6]], requires_grad=True),
        Tensor(np.zeros(3), requires_grad=True),
    )
    h = np.maximum(0, X @ W1 + b1)
    scores = np.exp(h @ W2 + b2)
    probs = scores / np.sum(scores, axis=1, keepdims=True)
    loss = -np.mean(np.sum(Y * np.log(probs), axis=1))
    return autograd.draw(loss)


def recurrent() -> Picture:
    """A recurrent network of thirty steps: the loop, with what enters its first round and the numbers of its last."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2, 2)), rng.normal(size=(2, 1))
    Wx, Wh = (Tensor(rng.normal(size=(2, 2)) * 0.5, requires_grad=True) for _ in range(2))
    Wy = Tensor(rng.normal(size=(2, 1)), requires_grad=True)
    h: Any = np.zeros((2, 2))
    for t in range(30):
        h = np.tanh(X[t] @ Wx + h @ Wh)
    y_hat = h @ Wy
    loss = np.mean((y_hat - y) ** 2)
    return autograd.draw(loss)


def cards() -> Picture:
    """Every operation of a network, with its value and its gradient."""
    x, y = _data()
    W1, b1, W2, b2 = _parameters()
    a1 = x @ W1
    z1 = a1 + b1
    h = nn.functional.relu(z1)
    a2 = h @ W2
    y_hat = a2 + b2
    e = y_hat - y
    s = e**2
    L = np.mean(s)
    return autograd.draw(L)


def rules() -> Picture:
    """The same network as modules, with the local rule of each use at its edge."""
    x, y = _data()
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 1, rng=1))
    for parameter, value in zip(model.parameters(), _parameters(), strict=True):
        parameter.data = value.data
    y_hat = model(x)
    L = nn.MSELoss()(y_hat, y)
    return autograd.draw(L, rules=True)


def circuit() -> Picture:
    """A neuron: values above the wires, gradients below."""
    w0, x0, w1, x1 = (Tensor(value, requires_grad=True) for value in (2.0, -1.0, -3.0, -2.0))
    b = Tensor(-3.0, requires_grad=True)
    s = w0 * x0 + w1 * x1 + b
    f = nn.functional.sigmoid(s)
    return autograd.draw(f, style="circuit")


def fan_out() -> Picture:
    """A value that is used twice: its gradient is a sum, written out."""
    x, y = Tensor(3.0, requires_grad=True), Tensor(4.0, requires_grad=True)
    p = x * y
    f = p + x
    return autograd.draw(f, style="circuit", rules=True)


def overview() -> Picture:
    """A network for handwritten digits, a card a module."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 784)), rng.normal(size=(32, 10))
    model = nn.MLP([784, 256, 128, 10], rng=0)
    L = nn.MSELoss()(model(x), y)
    return autograd.draw(L, style="overview")


def fifty_layers() -> Picture:
    """Fifty hidden layers on one slide: what repeats is drawn once."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 16)), rng.normal(size=(32, 10))
    hidden = [part for a, b in pairwise([16] + [64] * 50) for part in (nn.Linear(a, b, rng=rng), nn.Tanh())]
    model = nn.Sequential(*hidden, nn.Linear(64, 10, rng=rng))
    L = nn.MSELoss()(model(x), y)
    return autograd.draw(L)


def comparison() -> Picture:
    """A hand derivation that forgot the derivative of ReLU."""
    x, y = _data()
    W1, b1, W2, b2 = _parameters()
    z1 = x @ W1 + b1
    h = nn.functional.relu(z1)
    y_hat = h @ W2 + b2
    L = nn.functional.mse_loss(y_hat, y)
    dy = 2 * (y_hat.data - y) / y.size
    dz1 = dy @ W2.data.T
    hand = {y_hat: dy, W2: h.data.T @ dy, b2: dy.sum(axis=0), z1: dz1, W1: x.T @ dz1, b1: dz1.sum(axis=0)}
    picture: Picture = compare_grads(L, hand).draw()
    return picture


def difference() -> Picture:
    """What one network has that another has not."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 3))
    y = x[:, :1]
    before = nn.MSELoss()(nn.Sequential(nn.Linear(3, 16, rng=rng), nn.ReLU(), nn.Linear(16, 1, rng=rng))(x), y)
    wider = [nn.Linear(3, 32, rng=rng), nn.ReLU(), nn.Linear(32, 16, rng=rng), nn.Tanh(), nn.Linear(16, 1, rng=rng)]
    after = nn.MSELoss()(nn.Sequential(*wider)(x), y)
    return autograd.draw_diff(before, after)


PICTURES: tuple[Callable[[], Picture], ...] = (
    softmax,
    recurrent,
    cards,
    rules,
    circuit,
    fan_out,
    overview,
    fifty_layers,
    comparison,
    difference,
)


def main() -> None:
    folder = output_folder()
    for draw in PICTURES:
        draw().save(folder / f"{draw.__name__}.svg")
    print(f"Written: {len(PICTURES)} pictures into {folder}")
