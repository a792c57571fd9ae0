"""A 3-16-8-1 ReLU network on noisy linear data: hand-derived backprop against `loss.backward()`.

Rows are samples. The same data and initial weights are trained twice, once with the published hand
derivation in plain NumPy and once with `nn.MLP`, and the losses are printed beside the published ones.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import autograd
import nn
from autograd.testing import Report, check_backprop, compare_grads
from demos import output_folder
from demos.plots import INK, picture

Array = NDArray[np.float64]
Parameters = dict[str, Array]

SIZES = [3, 16, 8, 1]
LEARNING_RATE = 0.01
EPOCHS = 1000
PUBLISHED = {
    0: 17.268411061762947,
    100: 0.9615527036924175,
    200: 0.360713848580816,
    300: 0.23310955439227385,
    400: 0.18711196944197891,
    500: 0.17493387668927263,
    600: 0.1690702206898368,
    700: 0.1649386811125157,
    800: 0.16256309176104078,
    900: 0.1606459903567892,
    999: 0.15882770556443898,
}


def data() -> tuple[Array, Array]:
    """X of shape (100, 3) and y = X @ [2, -3, 1.5] + noise, of shape (100, 1)."""
    rng = np.random.RandomState(0)
    X = rng.randn(100, 3)
    y = X @ np.array([[2.0], [-3.0], [1.5]]) + 0.5 * rng.randn(100, 1)
    return X, y


def initial_parameters() -> Parameters:
    """W of shape (in, out), small and normal; b of shape (1, out), zero."""
    rng = np.random.RandomState(42)
    parameters: Parameters = {}
    for layer, (n_in, n_out) in enumerate(pairwise(SIZES), start=1):
        parameters[f"W{layer}"] = rng.randn(n_in, n_out) * 0.1
        parameters[f"b{layer}"] = np.zeros((1, n_out))
    return parameters


# The derivation, as published


def forward(X: Array, p: Parameters) -> tuple[list[Array], list[Array]]:
    """The pre-activations Z and activations A of every layer; A[0] is X, the last layer is linear."""
    Z, A = [X], [X]
    layers = len(p) // 2
    for layer in range(1, layers + 1):
        Z.append(A[-1] @ p[f"W{layer}"] + p[f"b{layer}"])
        A.append(np.maximum(0, Z[-1]) if layer < layers else Z[-1])
    return Z, A


def mean_squared_error(y: Array, prediction: Array) -> float:
    return float(np.mean((y - prediction) ** 2))


def backprop(y: Array, p: Parameters, Z: list[Array], A: list[Array]) -> Parameters:
    """dL/dW and dL/db of every layer, last layer first."""
    gradients: Parameters = {}
    dA = 2 * (A[-1] - y) / y.shape[0]
    for layer in range(len(Z) - 1, 0, -1):
        dZ = dA * (Z[layer] > 0) if layer < len(Z) - 1 else dA
        gradients[f"W{layer}"] = A[layer - 1].T @ dZ
        gradients[f"b{layer}"] = np.sum(dZ, axis=0, keepdims=True)
        dA = dZ @ p[f"W{layer}"].T
    return gradients


# Training


def train_by_hand(X: Array, y: Array) -> list[float]:
    """The loss of every epoch."""
    p, losses = initial_parameters(), []
    for _ in tqdm(range(EPOCHS), desc="by hand      ", unit="epoch"):
        Z, A = forward(X, p)
        losses.append(mean_squared_error(y, A[-1]))
        gradients = backprop(y, p, Z, A)
        for name in p:
            p[name] = p[name] - LEARNING_RATE * gradients[name]
    return losses


def network() -> nn.MLP:
    """The same network as modules, with the published initial weights."""
    model = nn.MLP(SIZES, activation=nn.ReLU, rng=0)
    initial = initial_parameters()
    for (_, parameter), value in zip(model.named_parameters(), initial.values(), strict=True):
        parameter.data = value.reshape(parameter.shape)
    return model


def train_by_autograd(X: Array, y: Array) -> list[float]:
    """The loss of every epoch."""
    model, losses = network(), []
    optimizer = nn.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    for _ in tqdm(range(EPOCHS), desc="by backward()", unit="epoch"):
        loss = nn.functional.mse_loss(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def published_step(X: Array, y: Array, p: Parameters) -> tuple[float, Parameters]:
    """The loss and its gradients, as published: what is judged line by line."""
    Z, A = forward(X, p)
    return mean_squared_error(y, A[-1]), backprop(y, p, Z, A)


def judge_first_step(X: Array, y: Array) -> Report:
    """The report on the hand derivation at the initial weights."""
    model, p = network(), initial_parameters()
    loss = nn.functional.mse_loss(model(X), y)
    gradients = backprop(y, p, *forward(X, p))
    hand = {
        parameter: gradients[name].reshape(parameter.shape)
        for name, parameter in zip(p, model.parameters(), strict=True)
    }
    return compare_grads(loss, hand, rtol=1e-12)


def table(hand: list[float], engine: list[float]) -> str:
    """The published losses beside both runs."""
    lines = [f"{'epoch':>5}  {'published':>20}  {'by hand':>20}  {'by backward()':>20}  {'difference':>10}"]
    for epoch, published in PUBLISHED.items():
        a, b = hand[epoch], engine[epoch]
        lines.append(f"{epoch:5}  {published:20.16f}  {a:20.16f}  {b:20.16f}  {abs(a - b) / b:10.1e}")
    return "\n".join(lines)


def draw_step(X: Array, y: Array) -> autograd.Tensor:
    """One recorded step, whose graph is drawn."""
    model = network()
    inputs = autograd.Tensor(X, name="X")
    target = autograd.Tensor(y, name="y")
    return nn.functional.mse_loss(model(inputs), target)


def plot_losses(hand: list[float], engine: list[float]) -> None:
    with picture("relu_regression_loss", 7, 4, "3-16-8-1 ReLU network, full batch, lr 0.01", "svg") as figure:
        axes = figure.subplots()
        axes.semilogy(engine, linewidth=2, label="nn.MLP and loss.backward()")
        axes.semilogy(hand, linewidth=2, linestyle=(0, (2, 3)), label="derived by hand")
        axes.semilogy(*zip(*PUBLISHED.items(), strict=True), "o", color=INK, markersize=5, label="published")
        axes.set(xlabel="epoch", ylabel="mean squared error")
        axes.legend()


def main() -> None:
    X, y = data()
    print("The published code, judged line by line:")
    print(check_backprop(published_step, X, y, initial_parameters()))
    print()
    hand, engine = train_by_hand(X, y), train_by_autograd(X, y)
    print()
    print(table(hand, engine))
    print("\nThe hand derivation at the first step:")
    print(judge_first_step(X, y))
    graph = output_folder() / "relu_regression_graph.svg"
    autograd.draw(draw_step(X, y), title="One training step").save(graph)
    print(f"\nWritten: {graph}")
    plot_losses(hand, engine)
