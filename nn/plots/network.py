"""What a network has learned: its borders, its hidden space, its weights, and the loss around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd import Tensor, no_grad
from nn import functional, init
from nn.module import Module
from nn.plots.style import BLUE, GREY, INK, RED, axes_or_new, colour_of, plain
from nn.prediction import predict
from nn.watching import evaluating, watching


def decision_boundary(model: Callable[..., Any], X: Any, y: Any, axes: Any = None, points: int = 200) -> Any:
    """The class that a model says at every place of a plane, with the samples on it; pale where it is not sure.

    Args:
        model: gives (n, classes) scores of (n, 2) inputs, or one logit.
        X: (n, 2).
        y: (n,), labels from 0 on.
        points: how fine the plane is.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: inputs of other than two features.

    >>> import nn
    >>> X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    >>> decision_boundary(nn.MLP([2, 8, 2], rng=0), X, y, points=20).get_xlabel()
    'x₀'
    """
    X, y = np.asarray(X), np.ravel(np.asarray(y)).astype(int)
    if X.ndim != 2 or X.shape[1] != 2 or len(X) != len(y):
        raise ValueError(f"decision_boundary: X is {X.shape}, y {y.shape}; a plane takes (n, 2) and n labels")
    from matplotlib.colors import to_rgb

    low, high = X.min(axis=0), X.max(axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    first, second = (np.linspace(low[k], high[k], points) for k in (0, 1))
    plane = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2).astype(X.dtype)
    shares = _shares(predict(model, plane))
    colours = np.array([to_rgb(colour_of(k)) for k in range(max(shares.shape[1], y.max() + 1))])
    best = shares.argmax(axis=1)
    sure = (shares.max(axis=1) - 1 / shares.shape[1]) / (1 - 1 / shares.shape[1])
    faint = 1 - (0.12 + 0.38 * sure[:, None]) * (1 - colours[best])
    axes = plain(axes_or_new(axes), "Decision boundary", "x₀", "x₁")
    axes.imshow(
        faint.reshape(points, points, 3), origin="lower", extent=(low[0], high[0], low[1], high[1]), aspect="auto"
    )
    labels = best.reshape(points, points)
    for k in range(shares.shape[1]):
        if 0 < np.mean(labels == k) < 1:
            axes.contour(first, second, labels == k, levels=[0.5], colors=INK, linewidths=0.8)
    _scattered(axes, X, y)
    axes.grid(False)
    return axes


def _shares(output: Any) -> Any:
    """Probabilities of scores, or of one logit."""
    if output.ndim == 1 or output.shape[1] == 1:
        one = functional.sigmoid(output.reshape(-1, 1))
        return np.hstack([1 - one, one])
    return functional.softmax(output)


def _scattered(axes: Any, points: Any, y: Any) -> None:
    for k in np.unique(y):
        chosen = points[y == k]
        axes.scatter(
            *chosen.T, s=18, color=colour_of(int(k)), edgecolors="white", linewidths=0.6, label=str(k), zorder=3
        )
    axes.legend(frameon=True, fontsize=8, title="class", title_fontsize=8, loc="best")


def hidden_space(model: Module, X: Any, y: Any, layer: str | None = None, axes: Any = None, dimensions: int = 2) -> Any:
    """Where the samples lie in what a layer gives: classes that a linear output can part are apart there.

    A layer of more units is shown along the directions in which its outputs vary most.

    Args:
        model: a Module.
        X: inputs.
        y: (n,), labels.
        layer: the path of a module below `model`, whose last output is taken; by default of the last but one that
            gives (n, units), such as the activation before the output.
        dimensions: 2 or 3.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: no such layer, or a number of dimensions that is neither.

    >>> import nn
    >>> X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    >>> hidden_space(nn.MLP([2, 8, 2], rng=0), X, y).get_title(loc="left")
    'Hidden space of activation, 8 units'
    """
    if dimensions not in (2, 3):
        raise ValueError(f"hidden_space: dimensions is {dimensions}; it is 2 or 3")
    named = {module: path for path, module in model.named_modules() if path}
    given: list[tuple[str, Any]] = []
    for module, output in _outputs(model, X):
        if module in named and output.ndim == 2:
            given.append((named[module], output))
    if layer is not None:
        given = [(path, output) for path, output in given if path == layer]
    if not given:
        raise ValueError(f"hidden_space: no layer {layer!r} gives (n, units); there are {', '.join(named.values())}")
    path, values = given[-1] if layer is not None or len(given) < 2 else given[-2]
    units = values.shape[1]
    if units > dimensions:
        centred = values - values.mean(axis=0)
        values = centred @ np.linalg.svd(centred, full_matrices=False)[2][:dimensions].T
    values = np.pad(values, ((0, 0), (0, max(dimensions - values.shape[1], 0))))
    axes = plain(axes_or_new(axes, "3d" if dimensions == 3 else None), f"Hidden space of {path}, {units} units")
    words = "unit {}" if units <= dimensions else "component {}"
    axes.set(xlabel=words.format(1), ylabel=words.format(2))
    if dimensions == 3:
        axes.set_zlabel(words.format(3))
    _scattered(axes, values, np.ravel(np.asarray(y)))
    return axes


def _outputs(model: Module, X: Any) -> list[tuple[Module, Any]]:
    """What each module gave, in the order in which they ended."""
    seen: list[tuple[Module, Any]] = []

    def see(module: Module, args: tuple[Any, ...], y: Any) -> None:
        if not isinstance(y, tuple):
            seen.append((module, np.asarray(y.data if isinstance(y, Tensor) else y)))

    with watching(model, see), no_grad(), evaluating(model):
        model(np.asarray(X))
    return seen


def _values(model: Module, gradients: bool) -> Iterator[tuple[str, Any]]:
    for path, parameter in model.named_parameters():
        values = parameter.grad if gradients else parameter.data
        if values is not None:
            yield path, np.ravel(values.data if isinstance(values, Tensor) else values)


def histograms(model: Module, axes: Any = None, gradients: bool = False) -> Any:
    """How the weights of each layer are distributed, or their gradients: a row for each parameter, first on top.

    Args:
        model: a Module.
        gradients: whether `.grad` is shown, after a `backward()`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: no parameters, or no gradients.

    >>> import nn
    >>> histograms(nn.MLP([2, 8, 2], rng=0)).get_title(loc="left")
    'Weights'
    """
    rows = list(_values(model, gradients))
    if not rows:
        raise ValueError(
            f"histograms: the model has no {'gradients; call backward() first' if gradients else 'weights'}"
        )
    axes = plain(axes_or_new(axes), "Gradients" if gradients else "Weights", "value")
    limit = max(float(np.quantile(np.abs(values), 0.995)) for _, values in rows) or 1.0
    edges = np.linspace(-limit, limit, 61)
    middles = (edges[1:] + edges[:-1]) / 2
    for position, (_, values) in enumerate(rows):
        counts = np.histogram(np.clip(values, -limit, limit), edges)[0]
        base = len(rows) - 1 - position
        heights = base + 0.9 * counts / max(counts.max(), 1)
        axes.fill_between(middles, base, heights, step="mid", color=RED if gradients else BLUE, alpha=0.75, linewidth=0)
    axes.set_yticks(range(len(rows)), [f"{path} ({values.size:,})" for path, values in reversed(rows)], fontsize=8)
    axes.axvline(0, color=GREY, linewidth=0.8)
    return axes


def loss_landscape(
    model: Module,
    loss_of: Callable[[], Any],
    axes: Any = None,
    span: float = 1.0,
    points: int = 25,
    rng: init.Rng = None,
) -> Any:
    """The loss in a plane through the weights, along two random directions as long as each weight's rows are.

    The model's weights are afterwards as they were. Li et al., "Visualizing the loss landscape of neural nets" (2018).

    Args:
        model: a Module.
        loss_of: computes the loss of the weights as they are, such as `lambda: loss(model(X), y)`.
        span: how far, in lengths of the weights.
        points: along each side.
        rng: for the directions.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `loss_of` is no function.

    >>> import nn
    >>> model = nn.Linear(2, 1, rng=0)
    >>> loss_landscape(model, lambda: np.mean(model(np.eye(2)) ** 2), points=5, rng=0).get_xlabel()
    'first direction'
    """
    if not callable(loss_of):
        raise TypeError(f"loss_landscape: loss_of is a {type(loss_of).__name__}; give lambda: loss(model(X), y)")
    generator = init.generator(rng)
    before = [(parameter, parameter.data) for parameter in model.parameters()]
    directions = [[_direction(data, generator) for _, data in before] for _ in range(2)]
    steps = np.linspace(-span, span, points)
    values = np.empty((points, points))
    try:
        with no_grad(), evaluating(model):
            for row, column in np.ndindex(points, points):
                for (parameter, data), first, second in zip(before, *directions, strict=True):
                    parameter.data = (data + steps[column] * first + steps[row] * second).astype(data.dtype)
                loss = loss_of()
                values[row, column] = float(loss.item() if isinstance(loss, Tensor) else loss)
    finally:
        for parameter, data in before:
            parameter.data = data
    axes = plain(axes_or_new(axes), "Loss around the weights", "first direction", "second direction")
    shown = np.log10(np.maximum(values, np.finfo(float).tiny)) if np.all(values > 0) else values
    filled = axes.contourf(steps, steps, shown, levels=24, cmap="viridis_r")
    axes.contour(steps, steps, shown, levels=12, colors="white", linewidths=0.5, alpha=0.6)
    axes.plot(0, 0, "o", color=RED, markeredgecolor="white", label="the weights")
    axes.legend(frameon=True, fontsize=8)
    axes.figure.colorbar(filled, ax=axes, label="log₁₀ of the loss" if np.all(values > 0) else "loss")
    return axes


def _direction(data: Any, generator: Any) -> Any:
    """Normal numbers, each column (the weights of a unit) as long as that of the weight."""
    drawn = generator.normal(size=data.shape)
    if data.ndim < 2:
        return drawn * (np.linalg.norm(data) / np.linalg.norm(drawn))
    axes = tuple(range(data.ndim - 1))
    lengths = np.sqrt(np.sum(np.square(data), axis=axes)) / np.sqrt(np.sum(np.square(drawn), axis=axes))
    return drawn * lengths
