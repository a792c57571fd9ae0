"""A 1-25-1 sigmoid network on a sine: every gradient is half, and the forward pass knows no second hidden layer.

Columns are samples; W has the shape (out, in). The published weights are unseeded, so a seed of ours stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from tqdm import tqdm

import nn
from autograd import Tensor
from autograd.testing import Report, check_backprop, compare_grads
from demos.evidence import Array, Parameters, by_leaf, leaves, ratio_table
from demos.plots import BLUE, GREEN, GREY, INK, RED, picture

SIZES = [1, 25, 1]
LEARNING_RATE, EPOCHS, SEED = 0.3, 4000, 4


def data() -> tuple[Array, Array]:
    """x = 0, 0.01, ... 0.99 and 20 sin(2 pi x), each of shape (1, 100)."""
    x = np.arange(0.0, 1.0, 0.01).reshape(1, -1)
    return x, 20 * np.sin(2 * np.pi * x)


def initial_parameters(sizes: Sequence[int] = SIZES, seed: int = SEED) -> Parameters:
    """W of shape (out, in), uniform in [0, 1); b of shape (out, 1), zero."""
    rng = np.random.RandomState(seed)
    parameters: Parameters = {}
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        parameters[f"w{layer}"] = rng.random_sample((n_out, n_in))
        parameters[f"b{layer}"] = np.zeros((n_out, 1))
    return parameters


# The derivation, as published


def sigmoid(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


def forward_published(x: Array, p: Parameters) -> tuple[list[Array], list[Array]]:
    """The pre-activations z and activations a of every layer; runs on Tensors too."""
    z, a = [x], [x]
    layers = len(p) // 2
    for layer in range(1, layers):
        z.append(p[f"w{layer}"].dot(x) + p[f"b{layer}"])  # x, whatever the layer
        a.append(sigmoid(z[-1]))
    z.append(p[f"w{layers}"].dot(a[-1]) + p[f"b{layers}"])
    return z, [*a, z[-1]]


def backprop_published(y: Array, p: Parameters, z: list[Array], a: list[Array]) -> Parameters:
    """dL/dw and dL/db of every layer, last layer first."""
    gradients: Parameters = {}
    layers, m = len(p) // 2, y.shape[1]
    dz = a[-1] - y
    for layer in range(layers, 0, -1):
        if layer < layers:
            dz = p[f"w{layer + 1}"].T.dot(dz) * sigmoid(z[layer]) * (1 - sigmoid(z[layer]))
        gradients[f"w{layer}"] = dz.dot(a[layer - 1].T) / m
        gradients[f"b{layer}"] = np.sum(dz, axis=1, keepdims=True) / m
    return gradients


def mean_square(prediction: Array, y: Array) -> float:
    return float(np.mean(np.square(prediction - y)))


# The derivation, corrected


def forward_corrected(x: Array, p: Parameters) -> tuple[list[Array], list[Array]]:
    """Every layer takes what the one before gives."""
    z, a = [x], [x]
    layers = len(p) // 2
    for layer in range(1, layers + 1):
        z.append(p[f"w{layer}"].dot(a[-1]) + p[f"b{layer}"])
        a.append(sigmoid(z[-1]) if layer < layers else z[-1])
    return z, a


def backprop_corrected(y: Array, p: Parameters, z: list[Array], a: list[Array]) -> Parameters:
    """The square brings a 2; all else is linear in it."""
    return {name: 2 * gradient for name, gradient in backprop_published(y, p, z, a).items()}


# Training and judging

Forward = Callable[[Array, Parameters], tuple[list[Array], list[Array]]]
Backprop = Callable[[Array, Parameters, list[Array], list[Array]], Parameters]


def descend(
    x: Array,
    p: Parameters,
    forward: Forward,
    backprop: Backprop,
    learning_rate: float = LEARNING_RATE,
    epochs: int = EPOCHS,
) -> tuple[list[float], Array]:
    """The loss of every epoch, and the last prediction."""
    y, losses = data()[1], []
    for _ in tqdm(range(epochs), desc="by hand      ", unit="epoch"):
        z, a = forward(x, p)
        losses.append(mean_square(a[-1], y))
        gradients = backprop(y, p, z, a)
        p = {name: array - learning_rate * gradients[name] for name, array in p.items()}
    return losses, a[-1]


def train_by_hand(epochs: int = EPOCHS) -> tuple[list[float], Array]:
    return descend(data()[0], initial_parameters(), forward_published, backprop_published, epochs=epochs)


def train_by_autograd(epochs: int = EPOCHS) -> tuple[list[float], Array]:
    """The same in `nn`, where rows are samples: at half the learning rate, which makes up for the missing 2."""
    x, y = (array.T for array in data())
    model, losses = nn.MLP(SIZES, activation=nn.Sigmoid, rng=0), []
    for parameter, value in zip(model.parameters(), initial_parameters().values(), strict=True):
        parameter.data = value.T.reshape(parameter.shape)
    optimizer = nn.optim.SGD(model.parameters(), lr=LEARNING_RATE / 2)
    for _ in tqdm(range(epochs), desc="by backward()", unit="epoch"):
        prediction = model(x)
        loss = nn.functional.mse_loss(prediction, y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses, prediction.data.T


def step(
    backprop: Backprop, forward: Forward = forward_published, x: Array | None = None, p: Parameters | None = None
) -> tuple[Tensor, dict[Tensor, Array]]:
    """The recorded loss at the first step, and the hand gradients of its parameters."""
    y = data()[1]
    x, p = data()[0] if x is None else x, initial_parameters() if p is None else p
    gradients = backprop(y, p, *forward(x, p))
    tensors = leaves(p)
    loss = np.mean(np.square(forward(x, tensors)[1][-1] - y))
    return loss, by_leaf(tensors, gradients)


def published_step(x: Array, y: Array, p: Parameters) -> tuple[float, Parameters]:
    """The loss and its gradients, as published: what is judged line by line."""
    z, a = forward_published(x, p)
    return mean_square(a[-1], y), backprop_published(y, p, z, a)


def judge(backprop: Backprop, forward: Forward = forward_published) -> Report:
    return compare_grads(*step(backprop, forward), rtol=1e-10)


def loss_of(p: Parameters) -> float:
    x, y = data()
    return mean_square(forward_published(x, p)[1][-1], y)


# What the forward pass does to a deeper network

WIDTH, DEEP_RATE = 25, 0.05
DEEP_EPOCHS = EPOCHS
DEEP = [WIDTH, WIDTH, WIDTH, 1]


def lifted() -> Array:
    """x as 25 inputs x - k/25: as wide as the hidden layers, so that the published forward pass fits at all."""
    return data()[0] - np.arange(WIDTH).reshape(-1, 1) / WIDTH


def deep_parameters(seed: int = 0) -> Parameters:
    """Normal weights of both signs, with which sigmoids train."""
    rng, p = np.random.RandomState(seed), initial_parameters(DEEP)
    return {
        name: 4 / np.sqrt(WIDTH) * rng.randn(*array.shape) if name[0] == "w" else array for name, array in p.items()
    }


def backprop_of_forward_published(y: Array, p: Parameters, z: list[Array], a: list[Array]) -> Parameters:
    """The gradient of the published forward pass: its last hidden layer sees the input, and nothing else counts."""
    gradients, last = backprop_corrected(y, p, z, a), len(p) // 2 - 1
    dz = p[f"w{last + 1}"].T.dot(2 * (a[-1] - y) / y.shape[1]) * a[last] * (1 - a[last])
    below = {f"{kind}{k}": np.zeros_like(p[f"{kind}{k}"]) for k in range(1, last) for kind in "wb"}
    return {**gradients, **below, f"w{last}": dz.dot(a[0].T)}


def judge_deep(backprop: Backprop, forward: Forward, reached: str = "123") -> Report:
    """The report on the layers in `reached`."""
    loss, hand = step(backprop, forward, lifted(), deep_parameters())
    return compare_grads(loss, {w: g for w, g in hand.items() if str(w.name)[1] in reached}, rtol=1e-10)


def out_of_reach() -> str:
    """What the comparison says of all layers."""
    try:
        judge_deep(backprop_published, forward_published)
    except ValueError as error:
        return str(error)
    return "all are in the graph"


def refusal(sizes: Sequence[int]) -> str:
    """What NumPy says of the published forward pass with other sizes."""
    try:
        forward_published(data()[0], initial_parameters(sizes))
    except ValueError as error:
        return str(error)
    return "runs"


def remedy_of_the_text() -> str:
    """What becomes of the page's cure, to feed every layer with `a[layers - 1]`: that is not there yet."""
    x, p = data()[0], initial_parameters()
    a, layers = [x], len(p) // 2
    try:
        for layer in range(1, layers):
            a.append(sigmoid(p[f"w{layer}"].dot(a[layers - 1]) + p[f"b{layer}"]))
    except IndexError as error:
        return f"IndexError: {error}"
    return "runs"


def train_deep(epochs: int) -> dict[str, tuple[list[float], Array]]:
    """Three ways to train the same 25-25-25-1 network from the same weights."""
    ways: dict[str, tuple[Forward, Backprop]] = {
        "forward and backward as published": (forward_published, backprop_published),
        "forward as published, with its own gradient": (forward_published, backprop_of_forward_published),
        "every layer fed by the one before": (forward_corrected, backprop_corrected),
    }
    found = {}
    for name, (forward, backprop) in ways.items():
        rate = DEEP_RATE * (2 if backprop is backprop_published else 1)  # for the missing 2
        found[name] = descend(lifted(), deep_parameters(), forward, backprop, rate, epochs)
    return found


# Pictures


def plot_fit(hand: list[float], engine: list[float], fit: Array) -> None:
    x, y = data()
    with picture("002_sigmoid_sine", 9, 3.8, "1-25-1 sigmoid network, full batch, lr 0.3") as figure:
        left, right = figure.subplots(1, 2)
        left.semilogy(engine, color=BLUE, label="nn and backward(), lr 0.15")
        left.semilogy(hand, color=RED, linestyle=(0, (2, 3)), label="by hand, lr 0.3")
        left.set(xlabel="epoch", ylabel="mean square", title="Half the gradient at twice the rate is the same")
        right.plot(x[0], y[0], "o", color=GREY, markersize=3.5, label="20 sin 2πx")
        right.plot(x[0], fit[0], color=RED, label=f"after {len(hand)} epochs")
        right.set(xlabel="x", ylabel="y", title="Data and fit")
        for axes in (left, right):
            axes.legend()


def plot_deep(ways: dict[str, tuple[list[float], Array]]) -> None:
    x, y = data()
    with picture(
        "002_sigmoid_sine_deep", 9, 4.2, "25-25-25-1: a hidden layer that the forward pass leaves out"
    ) as figure:
        left, right = figure.subplots(1, 2)
        right.plot(x[0], y[0], "o", color=GREY, markersize=3.5, label="20 sin 2πx")
        for (name, (losses, fit)), color, style in zip(ways.items(), (RED, BLUE, GREEN), ("-", "-", "--"), strict=True):
            left.semilogy(losses, color=color, linewidth=1.2)
            right.plot(x[0], fit[0], color=color, linestyle=style, label=name)
        left.set(xlabel="epoch", ylabel="mean square", title="Training from the same weights")
        right.set(xlabel="x", ylabel="y", title="Data and fits")
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2, labelcolor=INK)


def main() -> None:
    print("The published code, judged line by line:")
    print(check_backprop(published_step, *data(), initial_parameters()))
    print()
    print("The published derivation at the first step, against the mean square that it prints:")
    print(judge(backprop_published))
    x, y = data()
    p = initial_parameters()
    print(ratio_table(backprop_published(y, p, *forward_published(x, p)), loss_of, p))
    print("\nThe square's 2 is missing: this is the gradient of half the loss. Training as it is:")
    hand, fit = train_by_hand()
    engine, _ = train_by_autograd()
    print(f"{'epoch':>5}  {'by hand, lr 0.3':>18}  {'nn, lr 0.15':>18}")
    for epoch in [*range(0, EPOCHS, 500), EPOCHS - 1]:
        print(f"{epoch:5}  {hand[epoch]:18.12f}  {engine[epoch]:18.12f}")
    print("\nThe corrected derivation:")
    print(judge(backprop_corrected, forward_corrected))
    print("\nIts forward pass feeds the input to every hidden layer. With a second one, 1-25-25-1:")
    print(f"  {refusal([1, 25, 25, 1])}")
    print(f"With the cure that the page suggests, 1-25-1:\n  {remedy_of_the_text()}")
    print("Where all widths are that of the input, 25-25-25-1, it runs, and leaves the first hidden layer out:")
    print(f"  {out_of_reach()}")
    print("The backward pass goes through that layer all the same, and takes its activation for the input of w2")
    print("(with the 2 of the square put right):")
    print(judge_deep(backprop_corrected, forward_published, "23"))
    print("The gradient that belongs to that forward pass:")
    print(judge_deep(backprop_of_forward_published, forward_published, "23"))
    ways = train_deep(DEEP_EPOCHS)
    print(f"\nWhat that does to training: the loss after {DEEP_EPOCHS} epochs, with")
    for name, (losses, _) in ways.items():
        print(f"  {losses[-1]:9.4f}  {name}")
    print()
    plot_fit(hand, engine, fit)
    plot_deep(ways)
