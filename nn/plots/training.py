"""How a training went, and what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd import Tensor
from nn import given, metrics
from nn.plots.style import BLUE, COLOURS, GREEN, GREY, INK, RED, YELLOW, axes_or_new, plain, shades


def learning_curves(history: Mapping[str, Sequence[float]], axes: Any = None) -> Any:
    """The losses by epoch, logarithmically, with the metrics on a scale of their own; the best epoch is marked.

    Args:
        history: what `nn.fit` returns, or lists by name.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: a history without a loss.

    >>> from nn.plots import learning_curves
    >>> axes = learning_curves({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7], "val_accuracy": [0.5, 0.9]})
    >>> axes.get_ylabel()
    'loss'
    """
    losses = [name for name in history if name.endswith("loss") and len(history[name])]
    metrics = [name for name in history if name not in losses and name != "lr" and len(history[name])]
    if not losses:
        raise ValueError("learning_curves: the history has no loss; it is empty, or not a History")
    given.size("the number of epochs", len(history[losses[0]]))
    axes = plain(axes_or_new(axes), "Learning curves", "epoch", "loss")
    lines = []
    for name, colour in zip(losses, (BLUE, RED, *COLOURS[4:]), strict=False):
        lines += axes.plot(range(1, len(history[name]) + 1), history[name], color=colour, label=name)
    shown = [value for name in losses for value in history[name]]
    if min(shown) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        near = max(shown) < 10 * min(shown)  # then a power of ten alone would say little
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if near else "")
    best = getattr(history, "best_epoch", None)
    if best:
        lines.append(axes.axvline(best, color=GREY, linewidth=1, linestyle=":", label=f"best, epoch {best}"))
    if metrics:
        beside = axes.twinx()
        for side in ("top", "left"):
            beside.spines[side].set_visible(False)
        beside.set_ylabel(", ".join(metrics))
        beside.grid(False)
        for name, colour in zip(metrics, (GREEN, YELLOW, *COLOURS[4:]), strict=False):
            lines += beside.plot(
                range(1, len(history[name]) + 1), history[name], color=colour, linestyle="--", label=name
            )
    axes.legend(handles=lines, frameon=False, fontsize=9, loc="center right")
    return axes


class GradientFlow:
    """A callback of `nn.fit` that keeps the norm of each parameter's gradient, of the last batch of each epoch.

    Attributes:
        norms: lists by the path of a parameter, a number an epoch each.

    >>> import numpy as np
    >>> import nn
    >>> flow = GradientFlow()
    >>> model, data = nn.Linear(2, 1, rng=0), (np.ones((4, 2)), np.ones((4, 1)))
    >>> _ = nn.fit(model, data, loss=nn.MSELoss(), epochs=3, callbacks=[flow], progress=False)
    >>> [(path, len(norms)) for path, norms in flow.norms.items()]
    [('weight', 3), ('bias', 3)]
    """

    def __init__(self) -> None:
        self.norms: dict[str, list[float]] = {}

    def __call__(self, run: Any) -> None:
        for path, parameter in run.model.named_parameters():
            gradient = parameter.grad.data if isinstance(parameter.grad, Tensor) else parameter.grad
            norm = 0.0 if gradient is None else float(np.sqrt(np.sum(np.square(gradient, dtype=np.float64))))
            self.norms.setdefault(path, []).append(norm)

    def plot(self, axes: Any = None) -> Any:
        """See `gradient_flow`."""
        return gradient_flow(self.norms, axes)


def gradient_flow(norms: Mapping[str, Sequence[float]], axes: Any = None) -> Any:
    """The norm of each weight's gradient by epoch, logarithmically: early layers whose lines lie low learn slowly.

    Args:
        norms: lists by name, such as `GradientFlow.norms`.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: no norms.

    >>> axes = gradient_flow({"layers.0.weight": [1.0, 0.1], "layers.1.weight": [1.0, 0.5]})
    >>> axes.get_yscale()
    'log'
    """
    if not any(len(values) for values in norms.values()):
        raise ValueError("gradient_flow: there are no norms; give GradientFlow() to nn.fit as a callback first")
    from matplotlib import colormaps

    axes = plain(axes_or_new(axes), "Gradient flow", "epoch", "norm of the gradient")
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in norms))
    shades_of = dict(zip(layers, colormaps["viridis"](np.linspace(0, 0.85, len(layers))), strict=True))
    for name, values in norms.items():
        positive = [value if value > 0 else np.nan for value in values]
        layer, _, kind = name.rpartition(".")
        line, marker = (":" if kind.startswith("bias") else "-"), ("." if len(values) < 3 else None)
        axes.plot(range(1, len(values) + 1), positive, line, color=shades_of[layer], label=name, marker=marker)
    axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return axes


def confusion(
    prediction: Any, target: Any, axes: Any = None, names: Sequence[str] | None = None, threshold: float = 0.0
) -> Any:
    """How many samples of each class were taken for which: right ones on the diagonal.

    Args:
        prediction, target, threshold: as for `nn.metrics.confusion_matrix`.
        names: of the classes; by default their numbers.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: shapes that do not fit, or another number of names.

    >>> confusion([0, 1, 1], [0, 1, 0]).get_xlabel()
    'said'
    """
    counts = metrics.confusion_matrix(prediction, target, threshold=threshold)
    names = [str(k) for k in range(len(counts))] if names is None else list(names)
    if len(names) != len(counts):
        raise ValueError(f"confusion: {len(names)} names for {len(counts)} classes")
    axes = plain(axes_or_new(axes), "Confusion matrix", "said", "true")
    wrong, right = counts * (1 - np.eye(len(counts), dtype=int)), np.diag(counts)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    signed = np.where(np.eye(len(counts)) > 0, share, -share / max(share[wrong > 0].max(initial=0), 1e-12) * 0.8)
    axes.imshow(signed, cmap=shades(RED, BLUE), vmin=-1.4, vmax=1.4)
    axes.grid(False)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(
                column, row, str(count), ha="center", va="center", color=INK, fontsize=9 if len(names) < 15 else 6
            )
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set_title(f"{right.sum()} of {counts.sum()} right", loc="left", fontsize=11, color=INK)
    return axes
