"""A 3-4-3-1 ReLU network on a single sample: one gradient of six is wrong, and its shape hides it.

Vectors and outer products; W has the shape (out, in). The inputs and the second hidden layer are both 3 wide, so a
product that should have summed over one of them broadcasts over the other instead.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

import autograd
import nn
from autograd import Tensor
from autograd.testing import Report, check_backprop, compare_grads
from demos import output_folder
from demos.evidence import Array, Parameters, by_leaf, leaves, ratio_table
from demos.plots import GREEN, INK, RED, picture

SIZES = [3, 4, 3, 1]
LEARNING_RATE, EPOCHS = 0.01, 10
X, TARGET = np.array([1.5, -2.0, 3.0]), np.array([2.0])
PUBLISHED = {
    "Z1": [3.20662772, 0.13716042, -2.29939123, -0.21880134],
    "H1": [3.20662772, 0.13716042, 0.0, 0.0],
    "Z2": [-3.80530874, 4.37712865, -2.33212516],
    "H2": [0.0, 4.37712865, 0.0],
    "prediction": [0.76346582],
    "loss": [0.76450839],
    "dB3": [-1.23653418],
    "dW3": [0.0, -5.41246917, 0.0],
    "dB2": [0.0, 0.01668978, 0.0],
    "dW2": [0.0, 0.0, 0.0, 0.0, 0.05351791, 0.00228918, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
}  # of the first epoch, in whose gradients the page breaks off


def initial_parameters(seed: int = 42) -> Parameters:
    """Standard normal, drawn W1, B1, W2, B2, W3, B3."""
    rng = np.random.RandomState(seed)
    parameters: Parameters = {}
    for layer, (n_in, n_out) in enumerate(pairwise(SIZES), start=1):
        parameters[f"W{layer}"] = rng.randn(n_out, n_in)
        parameters[f"B{layer}"] = rng.randn(n_out)
    return parameters


# The derivation, as published


def forward(p: Parameters) -> Parameters:
    """Every layer's values, by name; runs on Tensors too."""
    Z1 = np.dot(p["W1"], X) + p["B1"]
    H1 = np.maximum(0, Z1)
    Z2 = np.dot(p["W2"], H1) + p["B2"]
    H2 = np.maximum(0, Z2)
    prediction = np.dot(p["W3"], H2) + p["B3"]
    return {"Z1": Z1, "H1": H1, "Z2": Z2, "H2": H2, "prediction": prediction}


def half_squared_error(prediction: Array) -> Array:
    return (TARGET - prediction) ** 2 / 2


def backprop_published(p: Parameters, v: Parameters) -> Parameters:
    """dL/dW and dL/dB, each written out from the output down."""
    error = v["prediction"] - TARGET
    through2 = p["W3"] * (v["Z2"] > 0)
    return {
        "W3": error * v["H2"],  # of shape (3,), beside a W3 of shape (1, 3): broadcasting makes up for it
        "B3": error,
        "W2": np.outer(error * through2, v["H1"]),
        "B2": (error * through2).flatten(),
        "W1": error * through2 * p["W2"].T * (np.reshape(v["Z1"], (4, 1)) > 0) * X,
        "B1": (error * np.dot(through2, p["W2"]) * (v["Z1"] > 0)).flatten(),
    }


# The derivation, corrected


def backprop_corrected(p: Parameters, v: Parameters) -> Parameters:
    """dL/dZ1 is a sum over the second hidden layer, and dL/dW1 its outer product with the input."""
    gradients = backprop_published(p, v)
    return {**gradients, "W3": np.outer(v["prediction"] - TARGET, v["H2"]), "W1": np.outer(gradients["B1"], X)}


# Training and judging

Backprop = Callable[[Parameters, Parameters], Parameters]


def loss_of(p: Parameters) -> float:
    return half_squared_error(forward(p)["prediction"]).item()


def step(backprop: Backprop, seed: int = 42) -> tuple[Tensor, dict[Tensor, Array]]:
    """The recorded loss at the first step, and the hand gradients of its parameters."""
    p = initial_parameters(seed)
    gradients = backprop(p, forward(p))
    tensors = leaves(p)
    loss = np.sum(half_squared_error(forward(tensors)["prediction"]))
    return loss, by_leaf(tensors, {name: np.reshape(gradients[name], p[name].shape) for name in p})


def published_step(p: Parameters) -> tuple[Array, Parameters]:
    """The loss and its gradients, as published: what is judged line by line."""
    v = forward(p)
    return half_squared_error(v["prediction"]), backprop_published(p, v)


def judge(backprop: Backprop, seed: int = 42) -> Report:
    return compare_grads(*step(backprop, seed), rtol=1e-10)


def train_by_hand(backprop: Backprop, seed: int = 42) -> list[float]:
    """The loss of every epoch, and after the last."""
    p, losses = initial_parameters(seed), []
    for _ in range(EPOCHS):
        losses.append(loss_of(p))
        gradients = backprop(p, forward(p))
        p = {name: array - LEARNING_RATE * gradients[name] for name, array in p.items()}
    return [*losses, loss_of(p)]


def train_by_autograd(seed: int = 42) -> list[float]:
    """The same of `nn`, whose weights have the shape (in, out)."""
    model, losses = nn.MLP(SIZES, activation=nn.ReLU, rng=0), []
    for parameter, value in zip(model.parameters(), initial_parameters(seed).values(), strict=True):
        parameter.data = value.T
    optimizer = nn.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS + 1):
        loss = nn.functional.mse_loss(model(X), TARGET, "sum") / 2
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def first_epoch() -> Parameters:
    """What the page prints of the first epoch, computed."""
    p = initial_parameters()
    v = forward(p)
    gradients = {f"d{name}": gradient for name, gradient in backprop_published(p, v).items()}
    return {**v, "loss": half_squared_error(v["prediction"]), **gradients}


def wider_input() -> str:
    """What the published line for W1 says to an input of 5 features instead of 3."""
    rng = np.random.RandomState(0)
    through2, W2, Z1, x = rng.randn(1, 3), rng.randn(3, 4), rng.randn(4), rng.randn(5)
    try:
        through2 * W2.T * (np.reshape(Z1, (4, 1)) > 0) * x
    except ValueError as error:
        return str(error).strip()
    raise AssertionError("it broadcast")


def seed_with_active_units() -> int:
    """The first seed with two units of the second hidden layer active, and two of the first."""
    for seed in range(1000):
        v = forward(initial_parameters(seed))
        if np.sum(v["Z2"] > 0) >= 2 and np.sum(v["Z1"] > 0) >= 2:
            return seed
    raise AssertionError("no such seed")


# Pictures


def plot_gradients() -> None:
    from matplotlib.colors import TwoSlopeNorm

    other = seed_with_active_units()
    with picture("004_single_sample_gradients", 8.6, 5.2, "dL/dW1 of the 3-4-3-1 network") as figure:
        grid = figure.subplots(2, 3)
        for first, row, seed in ((True, grid[0], 42), (False, grid[1], other)):
            p = initial_parameters(seed)
            hand, true = (b(p, forward(p))["W1"] for b in (backprop_published, backprop_corrected))
            most = np.max(np.abs([hand, true]))
            columns = (("by hand, as published", hand), ("by backward()", true), ("difference", hand - true))
            for axes, (title, matrix) in zip(row, columns, strict=True):
                axes.imshow(matrix, cmap="RdBu_r", norm=TwoSlopeNorm(0, -most, most), aspect="auto")
                for (i, k), number in np.ndenumerate(matrix):
                    dark = abs(number) > 0.6 * most
                    axes.text(k, i, f"{number + 0.0:.3g}", ha="center", va="center", color="white" if dark else INK)
                axes.grid(False)
                axes.set(xticks=range(3), yticks=range(4), xticklabels=[f"x{k}" for k in range(3)])
                axes.set_yticklabels([f"unit {i}" for i in range(4)])
                axes.set_title(title if first else "")
            active = np.flatnonzero(forward(p)["Z2"] > 0)
            row[0].set_ylabel(f"seed {seed}: of layer 2,\nactive {' and '.join(map(str, active))}")


def plot_losses() -> None:
    with picture("004_single_sample_loss", 6.4, 3.6, "The wrong dL/dW1 hardly shows in the loss") as figure:
        axes = figure.subplots()
        axes.plot(train_by_autograd(), color=GREEN, linewidth=4, alpha=0.4, label="nn and backward()")
        axes.plot(train_by_hand(backprop_corrected), color=GREEN, linestyle=(0, (2, 2)), label="by hand, corrected")
        axes.plot(train_by_hand(backprop_published), color=RED, label="by hand, as published")
        axes.plot(0, PUBLISHED["loss"][0], "o", color=INK, label="published")
        axes.set(xlabel="epoch", ylabel="half squared error, lr 0.01", ylim=(0, None))
        axes.legend()


def main() -> None:
    print("The published code, judged line by line:")
    print(check_backprop(published_step, initial_parameters(seed_with_active_units())))
    print()
    print("The first epoch, as far as the page prints it, is that of the page:")
    computed = first_epoch()
    for name, published in PUBLISHED.items():
        print(f"{name:>10}  largest difference {np.max(np.abs(computed[name].ravel() - published)):.0e}")
    other = seed_with_active_units()
    for seed in (42, other):
        p = initial_parameters(seed)
        print(f"\nThe published derivation, weights of seed {seed}:")
        print(judge(backprop_published, seed))
        print(ratio_table(backprop_published(p, forward(p)), loss_of, p))
    print("\nThe line for W1 multiplies (4, 3) over the second hidden layer by the input of shape (3,): column k")
    print("holds unit k's term times x_k, where every column should hold the sum of all terms, times x_k.")
    print("With seed 42 only unit 1 is active, so column 1 is right, and the others are 0.")
    print(f"Of an input of another width the line says: {wider_input()}")
    print("\nThe corrected derivation:")
    print(judge(backprop_corrected))
    print()
    plot_gradients()
    plot_losses()
    graph = output_folder() / "004_single_sample_graph.svg"
    autograd.draw(step(backprop_corrected)[0], title="One sample, forward and backward").save(graph)
    print(f"Written: {graph}")
