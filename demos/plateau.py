r"""Why the loss of the 2-3-1 tanh network drops near epoch 75, and what becomes of weights that start equal.

For seventy epochs two of the three hidden units are all but equal, and the boundary is as good as a straight one.
Equal units have equal gradients: descent does not leave the set of networks in which they are equal, and which do no
more than a network with a unit less. On that set the loss hardly falls any more. Across it the loss curves down, as at
a saddle: along a direction v with $v^\top H v = \lambda < 0$ a deviation grows by $1 + \eta |\lambda|$ a step, so that
for long nothing is seen, and then all at once.
K. Fukumizu, S. Amari: "Local minima and plateaus in hierarchical structures of multilayer perceptrons", Neural
Networks 13 (2000).

Four things are looked at: the loss beside that of the best straight boundary, the extreme eigenvalues of the
Hessian, the gradients layer by layer, and what happens if the difference of the two units is changed in the middle of
the plateau: what grows exponentially arrives later by ln(1/s) over its rate if it starts from s times as much, and
never from 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import nn
from autograd import grad, hessian
from demos.evidence import Array, Parameters
from demos.plots import BLUE, GREEN, GREY, INK, RED, YELLOW, picture
from demos.tanh_parabolas import (
    EPOCHS,
    LEARNING_RATE,
    Change,
    Run,
    Start,
    accuracy,
    batches,
    cross_entropy,
    drop,
    forward,
    start,
    train_by_hand,
)

TWINS = (1, 2)  # the hidden units that are all but equal on the plateau
CHANGED_AT = 40
STEPS = 13  # an epoch
EQUAL_EPOCHS = 400


def full_loss(p: Parameters, begun: Start) -> Array:
    """The cross-entropy over all points; the penalty has no curvature."""
    return cross_entropy(forward(begun.x, p)["a2"], begun.y)


def best_straight_loss(begun: Start) -> float:
    """The minimum of logistic regression, by Newton's method."""

    def loss(v: Array) -> Array:
        return nn.functional.binary_cross_entropy_with_logits(v[:2] @ begun.x + v[2], begun.y[0])

    v = np.zeros(3)
    for _ in range(20):
        v = v - np.linalg.solve(hessian(loss)(v), grad(loss)(v))
    return float(loss(v))


class Curvature(NamedTuple):
    """Of one epoch: the loss, eigenvalues of the 13 by 13 Hessian, ascending, and gradient norms by parameter.

    `in_twins` is how much of the lowest eigenvalue's direction lies in the twins' incoming weights coming apart.
    """

    loss: float
    eigenvalues: Array
    in_twins: float
    gradients: dict[str, float]


def curvature(p: Parameters, begun: Start) -> Curvature:
    names = list(p)
    ends = np.cumsum([p[name].size for name in names])

    def loss(v: Array) -> Array:
        parts = np.split(v, ends[:-1])
        return full_loss(
            {name: np.reshape(part, p[name].shape) for name, part in zip(names, parts, strict=True)}, begun
        )

    v = np.concatenate([p[name].ravel() for name in names])
    eigenvalues, directions = np.linalg.eigh(hessian(loss)(v))
    gradients = dict(zip(names, np.split(grad(loss)(v), ends[:-1]), strict=True))
    norms = {name: float(np.linalg.norm(gradient)) for name, gradient in gradients.items()}
    return Curvature(float(loss(v)), eigenvalues, float(np.linalg.norm(twin_basis(p) @ directions[:, 0])), norms)


def twin_basis(p: Parameters) -> Array:
    """Three orthonormal directions: each incoming weight of the twins, one up and one down, by the other's outgoing."""
    one, two = TWINS
    out = p["w2"][0, [one, two]] / np.linalg.norm(p["w2"][0, [one, two]])
    basis = []
    for name, column in (("w1", 0), ("w1", 1), ("b1", 0)):
        moved = {key: np.zeros_like(array) for key, array in p.items()}
        moved[name][one, column], moved[name][two, column] = out[1], -out[0]
        basis.append(np.concatenate([array.ravel() for array in moved.values()]))
    return np.array(basis)


def difference(p: Parameters) -> float:
    """How far apart the twins' incoming weights are."""
    one, two = TWINS
    return float(np.hypot(np.linalg.norm(p["w1"][one] - p["w1"][two]), p["b1"][one, 0] - p["b1"][two, 0]))


def scaled_difference(factor: float, until: int = CHANGED_AT) -> Change:
    """From epoch 40 until another, before each, moves the twins apart or together, around their mean."""

    def change(epoch: int, p: Parameters) -> None:
        if CHANGED_AT <= epoch <= until:
            one, two = TWINS
            for array in (p["w1"], p["b1"], p["w2"].T):
                middle, half = (array[one] + array[two]) / 2, (array[one] - array[two]) / 2
                array[one], array[two] = middle + factor * half, middle - factor * half

    return change


def growth(run: Run, curvatures: list[Curvature], first: int = 44, last: int = 74) -> tuple[float, float]:
    """By what power of e the twins' difference along x1 grows: as seen, and as the lowest eigenvalues say."""
    one, two = TWINS
    apart = [abs(run.means[epoch]["w1"][one, 0] - run.means[epoch]["w1"][two, 0]) for epoch in (first, last)]
    rates = [-STEPS * LEARNING_RATE * c.eigenvalues[0] for c in curvatures[first:last]]
    return float(np.log(apart[1] / apart[0])), float(np.sum(rates))


# Weights that start equal


class Equal(NamedTuple):
    """A training from equal units: how far apart they are at every epoch, and what came of it."""

    spread: list[float]
    loss: float
    accuracy: float


def train_from_equal(dropout: float = 0.0, epochs: int = EPOCHS, seed: int = 0) -> Equal:
    """The same network and data, but every hidden unit starts with the first one's weights; no penalty."""
    begun = start()
    p = {name: array.copy() for name, array in begun.parameters.items()}
    p["w1"][:], p["b1"][:], p["w2"][:] = p["w1"][0], p["b1"][0], p["w2"][0, 0]
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Dropout(dropout, rng=seed), nn.Linear(3, 1, rng=0))
    for parameter, value in zip(model.parameters(), p.values(), strict=True):
        parameter.data = value.T.reshape(parameter.shape)
    optimizer = nn.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    w1, b1, w2, b2 = model.parameters()
    spread, source = [], batches(begun)
    for _ in range(epochs):
        spread.append(float(np.max(np.ptp(w1.data, axis=1))))
        for x, y in source:
            loss = nn.functional.binary_cross_entropy_with_logits(model(x.T), y.T)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    p = {"w1": w1.data.T, "b1": b1.data.reshape(-1, 1), "w2": w2.data.T, "b2": b2.data.reshape(-1, 1)}
    return Equal(spread, float(full_loss(p, begun)), accuracy(p, begun))


# Pictures


def plot_drop(run: Run, curvatures: list[Curvature], straight: float, changed: dict[float, Run]) -> None:
    title = "Why the loss drops near epoch 75: two hidden units come apart"
    with picture("003_plateau", 10, 7.2, title) as figure:
        (loss, eigen), (norms, apart) = figure.subplots(2, 2)
        begun = start()
        loss.axhline(straight, color=GREEN, linestyle="--", linewidth=1.2)
        loss.plot([full_loss(p, begun) for p in changed[0.0].means], color=RED, label="units kept equal from epoch 40")
        loss.plot([c.loss for c in curvatures], color=INK, label="as published")
        loss.annotate("the best straight boundary", (198, straight + 0.006), color=GREEN, ha="right")
        loss.set(title="Cross-entropy over all points", ylim=(0, 0.35))
        loss.legend(loc="upper right")
        lowest = np.array([c.eigenvalues[0] for c in curvatures])
        eigen.axhline(0, color=GREY, linewidth=1)
        eigen.plot(lowest, color=BLUE)
        eigen.fill_between(range(len(lowest)), np.minimum(lowest, 0), color=BLUE, alpha=0.2, linewidth=0)
        eigen.set(title="Lowest eigenvalue of the Hessian", ylim=(-0.04, 0.012))
        eigen.annotate("below 0: a way down\nbeside the valley", (38, -0.037), color=BLUE, ha="center")
        largest = [c.eigenvalues[-1] for c in curvatures[5:]]
        eigen.annotate(f"(the highest: {min(largest):.2f} to {max(largest):.2f})", (198, 0.008), color=GREY, ha="right")
        for name, color in zip(("w1", "b1", "w2", "b2"), (BLUE, YELLOW, RED, GREY), strict=True):
            smooth = np.convolve([c.gradients[name] for c in curvatures], np.ones(5) / 5, mode="valid")
            norms.semilogy(range(2, 2 + len(smooth)), smooth, color=color, label=f"|dL/d{name}|", linewidth=1.4)
        norms.set(title="Gradient norms, means of five epochs", ylim=(1e-4, 1))
        norms.legend(ncols=2, loc="upper right")
        curves = {factor: [difference(p) for p in other.means[CHANGED_AT:]] for factor, other in changed.items()}
        for (factor, curve), shade in zip(curves.items(), (1, 0.7, 0.5, 0.3), strict=False):
            apart.semilogy(
                range(CHANGED_AT, EPOCHS), curve, color=BLUE, alpha=shade, linewidth=1.4, label=f"× {factor:g}"
            )
        apart.semilogy([difference(p) for p in run.means], color=INK, label="as published")
        apart.set(title="Difference of the two units; changed at epoch 40", ylim=(1e-4, 20))
        apart.legend(loc="lower right")
        for axes in (loss, eigen, norms, apart):
            axes.set(xlabel="epoch", xlim=(0, EPOCHS))
            axes.axvline(75, color=GREY, linewidth=1, linestyle=":")


def plot_equal(results: dict[float, Equal]) -> None:
    with picture("003_equal_weights", 6.8, 4.6, "Hidden units that start equal") as figure:
        axes = figure.subplots()
        for (rate, result), color in zip(results.items(), (RED, BLUE, GREEN), strict=True):
            name = f"dropout of {rate:g}" if rate else "as they are"
            axes.plot(result.spread, color=color, label=f"{name}: in the end {result.accuracy:.1%} right")
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set(xlabel="epoch", ylabel="difference of incoming weights", ylim=(-0.02, 30))
        figure.legend(loc="outside lower center", ncols=1)


def explain_drop() -> None:
    run, begun = train_by_hand(), start()
    straight, curvatures = best_straight_loss(begun), [curvature(p, begun) for p in run.means]
    print("\nWhy the loss drops. At the weights' mean over each epoch, over all points:")
    print("epoch     loss     eigenvalues of the Hessian   |dL/dw1|  |dL/dw2|  difference of two units")
    for epoch in (0, 5, 10, 20, 30, 40, 50, 60, 70, 74, 78, 80, 90, 100, EPOCHS - 1):
        c = curvatures[epoch]
        ends = f"{c.eigenvalues[0]:9.4f} to {c.eigenvalues[-1]:.4f}"
        norms = f"{c.gradients['w1']:8.4f}  {c.gradients['w2']:8.4f}"
        print(f"{epoch:5}  {c.loss:7.4f}  {ends:>30}   {norms}  {difference(run.means[epoch]):10.3f}")
    inside, (seen, said) = np.mean([c.in_twins for c in curvatures[44:64]]), growth(run, curvatures)
    print(f"The best straight boundary has {straight:.4f}: the plateau is no better. The lowest eigenvalue is negative")
    print(
        f"there, at every epoch, and about 0 after the drop. From epoch 44 to 63, {inside:.0%} of its direction is in"
    )
    print("two hidden units coming apart. Their difference grows from epoch 44 to 74")
    print(f"by e^{seen:.1f}; the lowest eigenvalues allow e^{said:.1f}.")
    print(f"Where the difference is changed at epoch {CHANGED_AT}, the drop comes at another time:")
    changed = {factor: train_by_hand(change=scaled_difference(factor)) for factor in (10.0, 0.1, 0.01, 0.001)}
    for factor, other in {1.0: run, **changed}.items():
        print(f"  times {factor:6g}: the loss is down by a third at epoch {drop(other.losses)}")
    changed[0.0] = train_by_hand(change=scaled_difference(0, until=EPOCHS))
    print(f"  kept at 0    : not in {EPOCHS} epochs; the loss is {full_loss(changed[0.0].parameters, begun):.4f} then")
    plot_drop(run, curvatures, straight, changed)


def explain_equal_weights() -> None:
    results = {rate: train_from_equal(rate, EQUAL_EPOCHS) for rate in (0.0, 0.05, 0.2)}
    print(f"\nUnits that start equal, after {EQUAL_EPOCHS} epochs:")
    for rate, result in results.items():
        print(f"  dropout {rate:4}: apart by {result.spread[-1]:.0e}, {result.accuracy:.1%} right")
    print("Without dropout they stay equal, but for rounding, and draw a straight boundary. Dropout, which the")
    print("text has not tried, shows each unit other samples and so tells them apart; of 0.2, it keeps them near.\n")
    plot_equal(results)


def main() -> None:
    explain_drop()
    explain_equal_weights()
