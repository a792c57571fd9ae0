"""An 8-16-16-16-16-3 ReLU network of layer classes: the loss is a mean, its gradient that of a sum.

Rows are samples. Each layer keeps its input, and on the way back updates itself and hands on the gradient of
its input. The published run is unseeded; its ten losses still say which gradient produced them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

import nn
from autograd import Tensor
from autograd.testing import Report, check_backprop, compare_grads
from demos.evidence import Array, Parameters, by_leaf, leaves, ratio_table
from demos.plots import BLUE, GREEN, INK, picture

SIZES = [8, 16, 16, 16, 16, 3]
LAYERS = len(SIZES) - 1
BATCH, LEARNING_RATE, STEPS = 2, 0.1, 10
PUBLISHED = [
    0.7094113331502839, 0.2770589775342763, 0.12141369105814748, 0.06538216434144564, 0.04521136910150728,
    0.037950191234703855, 0.03533631186000425, 0.03439537638899603, 0.034056663841438094, 0.033934736564443235,
]  # fmt: skip


def data(seed: int = 0) -> tuple[Array, Array]:
    """One random batch, of shape (2, 8), and its random target, of shape (2, 3)."""
    rng = np.random.RandomState(seed)
    return rng.rand(BATCH, SIZES[0]), rng.rand(BATCH, SIZES[-1])


def initial_parameters(scale: float = 0.001, seed: int = 1) -> Parameters:
    """W of shape (in, out), uniform in [0, scale); b of shape (out,), zero."""
    rng = np.random.RandomState(seed)
    parameters: Parameters = {}
    for layer, (n_in, n_out) in enumerate(pairwise(SIZES), start=1):
        parameters[f"W{layer}"] = rng.rand(n_in, n_out) * scale
        parameters[f"b{layer}"] = np.zeros(n_out)
    return parameters


# The derivation, as published


class ReLULayer:
    """max(0, x)."""

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.maximum(0, x)

    def backward(self, dy: Array, lr: float) -> Array:
        return dy * (self.x > 0)


class LinearLayer:
    """x W + b; going back, it keeps its gradients and takes its step."""

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W.copy(), b.copy()

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy: Array, lr: float) -> Array:
        dx = dy @ self.W.T  # with the weights of the forward pass: they change below
        self.dW, self.db = self.x.T @ dy, np.sum(dy, axis=0)
        self.W -= lr * self.dW
        self.b -= lr * self.db
        return dx


class Network:
    """Linear layers with ReLU between."""

    def __init__(self, parameters: Parameters) -> None:
        self.linear = [LinearLayer(parameters[f"W{k}"], parameters[f"b{k}"]) for k in range(1, LAYERS + 1)]
        self.layers: list[ReLULayer | LinearLayer] = [self.linear[0]]
        for layer in self.linear[1:]:
            self.layers += [ReLULayer(), layer]

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array, lr: float) -> Parameters:
        for layer in reversed(self.layers):
            dy = layer.backward(dy, lr)
        gradients: Parameters = {}
        for k, layer in enumerate(self.linear, start=1):
            gradients[f"W{k}"], gradients[f"b{k}"] = layer.dW, layer.db
        return gradients


def mean_squared_error(output: Array, target: Array) -> float:
    return float(((output - target) ** 2).mean())


def slope_published(output: Array, target: Array) -> Array:
    """What the published backward pass starts from."""
    return 2 * (output - target)


# The derivation, corrected


def slope_corrected(output: Array, target: Array) -> Array:
    """The mean is over all elements, so each of them gets its share."""
    return 2 * (output - target) / output.size


# Training and judging

Slope = Callable[[Array, Array], Array]


def train_by_hand(slope: Slope, seed: int = 0) -> list[float]:
    """The loss before each step."""
    x, target = data(seed)
    network, losses = Network(initial_parameters(seed=seed + 1)), []
    for _ in range(STEPS):
        output = network.forward(x)
        losses.append(mean_squared_error(output, target))
        network.backward(slope(output, target), LEARNING_RATE)
    return losses


def train_by_autograd(reduction: nn.functional.Reduction, seed: int = 0) -> list[float]:
    """The mean loss before each step of descending the mean, or the sum, of squares."""
    x, target = data(seed)
    model, losses = nn.MLP(SIZES, activation=nn.ReLU, rng=0), []
    for parameter, value in zip(model.parameters(), initial_parameters(seed=seed + 1).values(), strict=True):
        parameter.data = value
    optimizer = nn.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    for _ in range(STEPS):
        output = model(x)
        losses.append(mean_squared_error(output.data, target))
        loss = nn.functional.mse_loss(output, target, reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def forward(x: Array, p: dict[str, Tensor] | Parameters) -> Tensor:
    """The same network in NumPy code."""
    a = x
    for k in range(1, LAYERS):
        a = np.maximum(0, a @ p[f"W{k}"] + p[f"b{k}"])
    return a @ p[f"W{LAYERS}"] + p[f"b{LAYERS}"]


def published_step(network: Network, x: Array, target: Array) -> float:
    """One step that updates the network, as published: what is judged line by line."""
    output = network.forward(x)
    loss = mean_squared_error(output, target)
    network.backward(slope_published(output, target), LEARNING_RATE)
    return loss


def step(slope: Slope, scale: float = 0.001) -> tuple[Tensor, dict[Tensor, Array]]:
    """The recorded loss at the first step, and the hand gradients of its parameters."""
    (x, target), p = data(), initial_parameters(scale)
    network = Network(p)
    gradients = network.backward(slope(network.forward(x), target), LEARNING_RATE)
    tensors = leaves(p)
    return np.mean((forward(x, tensors) - target) ** 2), by_leaf(tensors, gradients)


def judge(slope: Slope) -> Report:
    return compare_grads(*step(slope), rtol=1e-10)


def shrinking(losses: list[float]) -> Array:
    r"""By what factor the loss comes nearer to where it goes, from step to step.

    $(L_{t+1} - L_{t+2}) / (L_t - L_{t+1})$: where it goes cancels.
    """
    drops = -np.diff(losses)
    return drops[1:] / drops[:-1]


def expected_shrinking(factor: float) -> float:
    r"""What it is where only the last bias learns, with gradients that are `factor` times the true ones.

    That bias has the gradient $\frac{2}{3} (b - \bar t)$ in each of three outputs, so its error shrinks by
    $1 - \frac{2}{3} \eta$ times the factor, and the loss by the square.
    """
    return (1 - LEARNING_RATE * factor * 2 / SIZES[-1]) ** 2


# Pictures


def plot_losses() -> None:
    def excess(losses: list[float]) -> Array:
        """The loss above its limit, in units of the first: Aitken's extrapolation of the last three."""
        a, b, c = losses[-3:]
        limit = c - (c - b) ** 2 / (c - 2 * b + a)
        return (np.array(losses) - limit) / (losses[0] - limit)

    with picture("001_layer_classes_loss", 9, 3.8, "Ten steps of an 8-16-16-16-16-3 network, lr 0.1") as figure:
        left, right = figure.subplots(1, 2)
        for seed in range(8):
            left.plot(train_by_hand(slope_published, seed), color=BLUE, alpha=0.25, linewidth=1.2)
            left.plot(train_by_hand(slope_corrected, seed), color=GREEN, alpha=0.25, linewidth=1.2)
            right.plot(excess(train_by_hand(slope_published, seed)), color=BLUE, alpha=0.25)
            right.plot(excess(train_by_hand(slope_corrected, seed)), color=GREEN, alpha=0.25)
        left.plot(PUBLISHED, "o", color=INK, markersize=4.5)
        left.set(xlabel="step", ylabel="mean squared error", title="Eight draws of data and weights", ylim=(0, None))
        right.plot(excess(PUBLISHED), "o", color=INK, markersize=4.5, label="published losses")
        right.plot([], color=BLUE, label="gradient of the sum, as published (6 times)")
        right.plot([], color=GREEN, label="gradient of the mean")
        right.set(xlabel="step", ylabel="part of the first excess", yscale="log", title="The loss above its limit")
        right.annotate("× 0.36 a step", (5, 0.36**5), (5.6, 0.02), color=BLUE)
        right.annotate("× 0.87 a step", (5, 0.871**5), (5.6, 0.62), color=GREEN)
        figure.legend(loc="outside lower center", ncols=3)


def main() -> None:
    print("The published code, judged line by line:")
    network = Network(initial_parameters(0.3))
    print(check_backprop(published_step, network, *data(), params=network.linear))
    print()
    print("The published derivation at the first step, against the mean that it prints:")
    print(judge(slope_published))
    x, target = data()
    p = initial_parameters(0.3)  # ordinary weights: differences of those of 0.001 are lost in rounding
    network = Network(p)
    hand = network.backward(slope_published(network.forward(x), target), LEARNING_RATE)
    print("\nWith weights up to 0.3, by central differences of the printed loss:")
    print(ratio_table(hand, lambda q: float(np.mean((forward(x, q) - target) ** 2)), p))
    print(f"\n6 is the size of the output, {BATCH} samples times {SIZES[-1]}: the mean's 1/6 is missing.")
    print("The printed losses of the unseeded run say so too. The excess over their limit shrinks, step by step, by")
    print("  published        ", *(f"{r:.4f}" for r in shrinking(PUBLISHED)))
    print("  by hand          ", *(f"{r:.4f}" for r in shrinking(train_by_hand(slope_published))))
    print("  nn, sum of squares", *(f"{r:.4f}" for r in shrinking(train_by_autograd("sum"))))
    print("  nn, their mean   ", *(f"{r:.4f}" for r in shrinking(train_by_autograd("mean"))))
    print(f"  expected          {expected_shrinking(6):.4f} of the sum, {expected_shrinking(1):.4f} of the mean")
    print("Such small weights let through neither data nor gradient: ten steps train the last bias, and nothing else.")
    print("\nThe corrected derivation:")
    print(judge(slope_corrected))
    print()
    plot_losses()
