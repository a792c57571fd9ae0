"""A 2-3-1 tanh network that tells two noisy parabolas apart: the loss penalises another norm than the update.

Columns are samples; W has the shape (out, in). One legacy generator draws data, weights and the order of the
mini-batches, so the published run comes out again, with its sudden drop near epoch 75 (explained in
`demos.plateau`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import nn
from autograd import Tensor
from autograd.testing import Report, check_backprop, compare_grads
from demos.evidence import Array, Parameters, by_leaf, leaves, ratio_table
from demos.plots import BLUE, GREY, INK, RED, picture

SEED, POINTS, BATCH = 114514, 200, 32
LEARNING_RATE, PENALTY, EPOCHS = 0.9, 1e-3, 200


class Start(NamedTuple):
    """What is drawn before the first epoch, and the generator that draws on."""

    raw: Array  # (2, 400)
    x: Array  # the same, standardised
    y: Array  # (1, 400)
    parameters: Parameters
    rng: np.random.RandomState


def start(seed: int = SEED) -> Start:
    """Class 0 is x^2 + 2x - 2 on [-3, 1], class 1 is -x^2 + 2x + 2 on [-1, 3], each with noise of deviation 0.8."""
    rng = np.random.RandomState(seed)

    def parabola(sign: int, low: float, high: float) -> Array:
        x = np.linspace(low, high, POINTS)
        return np.stack([x, sign * x**2 + 2 * x - sign * 2 + rng.randn(POINTS) * 0.8])

    raw = np.hstack([parabola(1, -3, 1), parabola(-1, -1, 3)])
    x = (raw - raw.mean(axis=1, keepdims=True)) / raw.std(axis=1, keepdims=True)
    y = np.repeat([0.0, 1.0], POINTS).reshape(1, -1)
    shapes = {"w1": (2, 3), "b1": (1, 3), "w2": (3, 1), "b2": (1, 1)}
    parameters = {name: (rng.randn(*shape) * 0.01).T for name, shape in shapes.items()}
    return Start(raw, x, y, parameters, rng)


# The derivation, as published


def forward(x: Array, p: Parameters) -> Parameters:
    """The layers' values, by name; runs on Tensors too."""
    a1 = np.tanh(p["w1"] @ x + p["b1"])
    a2 = 1 / (1 + np.exp(-(p["w2"] @ a1 + p["b2"])))
    return {"a1": a1, "a2": a2}


def cross_entropy(a2: Array, y: Array) -> Array:
    return np.mean(-(y * np.log(a2) + (1 - y) * np.log(1 - a2)))


def loss_published(p: Parameters, x: Array, y: Array) -> Array:
    """The norms are those of matrices: of w1 the largest column sum, of w2 the largest element."""
    norms = np.linalg.norm(p["w1"], ord=1) + np.linalg.norm(p["w2"], ord=1)
    return cross_entropy(forward(x, p)["a2"], y) + PENALTY * norms


def backprop_data(p: Parameters, x: Array, y: Array) -> Parameters:
    """The gradients of the cross-entropy."""
    v, m = forward(x, p), x.shape[1]
    dz2 = v["a2"] - y
    dz1 = (1 - v["a1"] * v["a1"]) * (p["w2"].T @ dz2)
    return {
        "w1": dz1 @ x.T / m,
        "b1": np.mean(dz1, axis=1, keepdims=True),
        "w2": dz2 @ v["a1"].T / m,
        "b2": np.mean(dz2, axis=1, keepdims=True),
    }


def backprop_published(p: Parameters, x: Array, y: Array) -> Parameters:
    """What the update subtracts, over the learning rate: it is `lr * dw + k * sign(w)`, with no lr before k."""
    d = backprop_data(p, x, y)
    return d | {name: d[name] + PENALTY / LEARNING_RATE * np.sign(p[name]) for name in ("w1", "w2")}


# The derivation, corrected


def backprop_corrected(p: Parameters, x: Array, y: Array) -> Parameters:
    """Of the printed loss: only the column with the largest sum counts."""
    d = backprop_data(p, x, y)
    for name in ("w1", "w2"):
        sums = np.sum(np.abs(p[name]), axis=0)
        d[name] = d[name] + PENALTY * np.sign(p[name]) * (sums == np.max(sums))
    return d


def loss_descended(p: Parameters, x: Array, y: Array) -> Array:
    """The function that the published update descends: the sum of all |w|, with k over the learning rate."""
    penalty = nn.functional.l1_penalty(p["w1"], p["w2"])
    return cross_entropy(forward(x, p)["a2"], y) + PENALTY / LEARNING_RATE * penalty


# Training and judging

Change = Callable[[int, Parameters], None]


class Run(NamedTuple):
    """A training: of every epoch the sum of its batches' losses, and the weights averaged over its steps."""

    losses: list[float]
    means: list[Parameters]
    parameters: Parameters


def batches(begun: Start) -> nn.MiniBatches:
    """The published order: an index and the data are both shuffled where they are."""
    order = nn.batches.shuffled_in_place
    return nn.MiniBatches(begun.x, begun.y, batch_size=BATCH, shuffle=order, rng=begun.rng, axis=1)


def train_by_hand(epochs: int = EPOCHS, change: Change | None = None) -> Run:
    """The published training; `change` may write to the parameters before an epoch."""
    begun = start()
    p, source = begun.parameters, batches(begun)
    losses, means = [], []
    for epoch in range(epochs):
        if change is not None:
            change(epoch, p)
        total, mean = 0.0, {name: np.zeros_like(array) for name, array in p.items()}
        for x, y in source:
            total += float(loss_published(p, x, y))
            d = backprop_published(p, x, y)
            for name in p:
                mean[name] += p[name] / len(source)
                p[name] = p[name] - LEARNING_RATE * d[name]
        losses.append(total)
        means.append(mean)
    return Run(losses, means, p)


def train_by_autograd(epochs: int = EPOCHS) -> tuple[list[float], nn.MLP]:
    """The same in `nn`, where rows are samples, descending `loss_descended`; the printed loss of every epoch."""
    begun = start()
    model, losses = nn.MLP([2, 3, 1], activation=nn.Tanh, rng=0), []
    for parameter, value in zip(model.parameters(), begun.parameters.values(), strict=True):
        parameter.data = value.T.reshape(parameter.shape)
    w1, _, w2, _ = model.parameters()
    optimizer = nn.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    source = batches(begun)
    for _ in range(epochs):
        total = 0.0
        for x, y in source:
            fit = nn.functional.binary_cross_entropy_with_logits(model(x.T), y.T)
            norms = np.linalg.norm(w1.data.T, ord=1) + np.linalg.norm(w2.data.T, ord=1)
            total += fit.item() + PENALTY * norms
            loss = fit + PENALTY / LEARNING_RATE * nn.functional.l1_penalty(w1, w2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(total)
    return losses, model


def first_batch() -> tuple[Parameters, Array, Array]:
    begun = start()
    x, y = next(iter(batches(begun)))
    return begun.parameters, x, y


Backprop = Callable[[Parameters, Array, Array], Parameters]
Loss = Callable[[Parameters, Array, Array], Array]


def step(backprop: Backprop, loss: Loss = loss_published) -> tuple[Tensor, dict[Tensor, Array]]:
    """The recorded loss at the first step, and the hand gradients of its parameters."""
    p, x, y = first_batch()
    tensors = leaves(p)
    return loss(tensors, x, y), by_leaf(tensors, backprop(p, x, y))


def published_step(p: Parameters, x: Array, y: Array) -> tuple[Array, Parameters]:
    """The loss and its gradients, as published: what is judged line by line."""
    return loss_published(p, x, y), backprop_published(p, x, y)


def judge(backprop: Backprop, loss: Loss = loss_published) -> Report:
    return compare_grads(*step(backprop, loss), rtol=1e-10)


def drop(losses: list[float]) -> int:
    """The epoch before which the loss has come down by a third from its plateau, the median of epochs 10 to 60."""
    return int(np.argmax(np.array(losses) < np.median(losses[10:60]) * 2 / 3))


def accuracy(p: Parameters, begun: Start) -> float:
    return float(np.mean((forward(begun.x, p)["a2"] > 0.5) == (begun.y > 0.5)))


# Pictures


def plot_losses(hand: list[float], engine: list[float]) -> None:
    with picture("003_tanh_parabolas_loss", 6.8, 3.8, "2-3-1 tanh network, batches of 32, lr 0.9") as figure:
        axes = figure.subplots()
        axes.plot(engine, color=BLUE, label="nn and backward()")
        axes.plot(hand, color=RED, linestyle=(0, (2, 3)), label="by hand, as published")
        axes.axvline(75, color=GREY, linewidth=1)
        axes.annotate("epoch 75", (75, 7), (79, 7), color=INK)
        axes.set(xlabel="epoch", ylabel="loss, summed over 13 batches", ylim=(0, None))
        axes.legend()


def plot_boundary(begun: Start, p: Parameters) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    scale, middle = begun.raw.std(axis=1, keepdims=True), begun.raw.mean(axis=1, keepdims=True)
    low, high = begun.raw.min(axis=1) - 1, begun.raw.max(axis=1) + 1
    grid = np.stack(np.meshgrid(*(np.linspace(a, b, 400) for a, b in zip(low, high, strict=True))))
    x = (grid.reshape(2, -1) - middle) / scale
    probability = forward(x, p)["a2"].reshape(grid.shape[1:])
    units = (p["w1"] @ x + p["b1"]).reshape(3, *grid.shape[1:])
    shades = LinearSegmentedColormap.from_list("classes", ["#F6C9A8", "#FFFFFF", "#A9CCE8"])
    with picture("003_tanh_parabolas_boundary", 6.4, 5.2, "The boundary, and the three lines it is made of") as figure:
        axes = figure.subplots()
        axes.grid(False)
        axes.contourf(*grid, probability, levels=np.linspace(0, 1, 21), cmap=shades)
        for unit in units:
            axes.contour(*grid, unit, levels=[0], colors=GREY, linewidths=1, linestyles="--")
        axes.contour(*grid, probability, levels=[0.5], colors=INK, linewidths=2)
        for label, color in ((0, RED), (1, BLUE)):
            points = begun.raw[:, begun.y[0] == label]
            axes.plot(*points, "o", color=color, markersize=3, alpha=0.8, label=f"class {label}")
        axes.plot([], color=INK, linewidth=2, label="probability 1/2")
        axes.plot([], color=GREY, linewidth=1, linestyle="--", label="a hidden unit is 0")
        axes.set(xlabel="x₁", ylabel="x₂", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        figure.legend(loc="outside lower center", ncols=4)


def plane_in_cube(normal: Array, offset: float) -> Array:
    """The corners, in order, of what the plane n a + c = 0 cuts out of the cube [-1, 1]^3."""
    corners = []
    for axis in range(3):
        for ends in np.ndindex(2, 2):
            point = np.insert(2.0 * np.array(ends) - 1, axis, 0.0)
            point[axis] = -(normal @ point + offset) / normal[axis]
            if abs(point[axis]) <= 1:
                corners.append(point)
    polygon = np.array(corners)
    spokes = polygon - polygon.mean(axis=0)
    across = np.cross(normal, spokes[0])
    return polygon[np.argsort(np.arctan2(spokes @ across / np.linalg.norm(normal), spokes @ spokes[0]))]


def plot_hidden_layer(begun: Start, p: Parameters) -> None:
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    a1, normal = forward(begun.x, p)["a1"], p["w2"][0]
    flat = np.degrees(np.arctan(-(normal[0] * np.cos(np.pi / 6) + normal[1] * np.sin(np.pi / 6)) / normal[2]))
    sides = {
        "from above": (90, -90, "z"),
        "from the front": (0, -90, "y"),
        "from the right": (0, 0, "x"),
        "nearly along the plane": (flat + 5, 30, ""),
    }
    plane = plane_in_cube(normal, p["b2"][0, 0])
    title = "The hidden layer's three activations, and the plane that separates them"
    with picture("003_tanh_parabolas_hidden", 8.4, 8, title) as figure:
        for k, (side, (elevation, azimuth, depth)) in enumerate(sides.items(), start=1):
            axes = figure.add_subplot(2, 2, k, projection="3d", proj_type="ortho")
            axes.add_collection3d(Poly3DCollection([plane], facecolor=GREY, edgecolor=INK, alpha=0.25, linewidth=1))
            for label, color in ((0, RED), (1, BLUE)):
                axes.scatter(*a1[:, begun.y[0] == label], color=color, s=9, depthshade=False, label=f"class {label}")
            axes.view_init(elevation, azimuth)
            axes.set_box_aspect((1, 1, 1), zoom=1.15 if depth else 0.9)
            axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
            axes.set_title(side, y=1.0)
            for unit, name in enumerate("xyz", start=1):
                which = getattr(axes, f"{name}axis")
                which.set_ticks([] if name == depth else [-1, 0, 1])
                which.set_pane_color("#F7F8F9")
                which.set_label_text("" if name == depth else f"unit {unit}")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)


def main() -> None:
    print("The published code, judged line by line:")
    print(check_backprop(published_step, *first_batch()))
    print()
    print("The published derivation at the first step, against the loss that it prints:")
    print(judge(backprop_published))
    p, x, y = first_batch()
    print(ratio_table(backprop_published(p, x, y), lambda q: float(loss_published(q, x, y)), p))
    print("\nThe biases are right, and so is the cross-entropy's part of the weights. The penalty's part is not:")
    print("the loss takes norms of matrices, whose gradient is in one column only; the update adds k sign(w)")
    print(
        f"everywhere, and without lr, so k/lr = {PENALTY / LEARNING_RATE:.6f}. It descends the sum of all |w| instead:"
    )
    print(judge(backprop_published, loss_descended))
    print("\nThe corrected derivation of the printed loss:")
    print(judge(backprop_corrected))
    run, begun = train_by_hand(), start()
    engine, _ = train_by_autograd()
    print(f"\nTraining:\n{'epoch':>5}  {'by hand':>16}  {'by backward()':>16}")
    for epoch in (0, 1, 2, 25, 50, 70, 75, 80, 90, 100, EPOCHS - 1):
        print(f"{epoch:5}  {run.losses[epoch]:16.10f}  {engine[epoch]:16.10f}")
    print(f"{accuracy(run.parameters, begun):.2%} of the points are on the right side.\n")
    plot_losses(run.losses, engine)
    plot_boundary(begun, run.parameters)
    plot_hidden_layer(begun, run.parameters)
