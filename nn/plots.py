"""Pictures of trainings and networks, drawn with matplotlib: each takes Axes or makes new ones, and returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nn import given

BLUE, RED, GREEN, YELLOW, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#8A94A0", "#1F2933"
COLOURS = (BLUE, RED, GREEN, YELLOW, "#CC79A7", "#56B4E9")  # told apart without seeing colours


def axes_or_new(axes: Any = None, projection: str | None = None) -> Any:
    """`axes`, or those of a new figure, which a notebook shows by itself.

    Raises:
        ImportError: matplotlib is not installed.
    """
    if axes is not None:
        return axes
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("nn.plots draws with matplotlib: pip install matplotlib") from error
    return pyplot.subplots(figsize=(6, 4), layout="constrained", subplot_kw={"projection": projection})[1]


def plain(axes: Any, title: str = "", x: str = "", y: str = "") -> Any:
    """The look that all pictures share."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, color="#E4E7EB", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        if side in axes.spines:
            axes.spines[side].set_visible(False)
    return axes


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
        raise ValueError("learning_curves: the history has no loss; it is empty, or none")
    given.size("the number of epochs", len(history[losses[0]]))
    axes = plain(axes_or_new(axes), "Learning curves", "epoch", "loss")
    lines = []
    for name, colour in zip(losses, (BLUE, RED, *COLOURS[4:]), strict=False):
        lines += axes.plot(range(1, len(history[name]) + 1), history[name], color=colour, label=name)
    if all(value > 0 for name in losses for value in history[name]):
        axes.set_yscale("log")
    best = getattr(history, "best_epoch", None)
    if best:
        lines.append(axes.axvline(best, color=GREY, linewidth=1, linestyle=":", label=f"best, epoch {best}"))
    if metrics:
        beside = axes.twinx()
        for side in ("top", "left"):
            beside.spines[side].set_visible(False)
        beside.set_ylabel(", ".join(metrics))
        for name, colour in zip(metrics, (GREEN, YELLOW, *COLOURS[4:]), strict=False):
            lines += beside.plot(
                range(1, len(history[name]) + 1), history[name], color=colour, linestyle="--", label=name
            )
    axes.legend(handles=lines, frameon=False, fontsize=9, loc="center right")
    return axes
