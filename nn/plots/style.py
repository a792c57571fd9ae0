"""The look of all pictures, in one place; matplotlib is imported on first use."""

from __future__ import annotations

from typing import Any

BLUE, RED, GREEN, YELLOW, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#8A94A0", "#1F2933"
COLOURS = (BLUE, RED, GREEN, YELLOW, "#CC79A7", "#56B4E9")  # told apart without seeing colours


def axes_or_new(axes: Any = None, projection: str | None = None) -> Any:
    """`axes`, or those of a new figure, which a notebook shows by itself.

    Raises:
        ImportError: matplotlib is not installed.
    """
    if axes is not None:
        if not hasattr(axes, "set_title"):
            raise TypeError(f"axes is {axes!r}; pictures are drawn into Axes of matplotlib's, as plt.subplots() gives")
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


def colour_of(position: int) -> str:
    """A colour for the line at a position."""
    return COLOURS[position % len(COLOURS)]


def shades(low: str, high: str) -> Any:
    """A scale of colours from one to another, by way of white where both are given."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", [low, "#FFFFFF", high] if low != "#FFFFFF" else [low, high])
