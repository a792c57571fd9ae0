"""How the demos' pictures look, in one place; matplotlib is imported on first use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import demos

BLUE, RED, GREEN, YELLOW, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#8A94A0", "#1F2933"
_STYLE = {
    "figure.dpi": 160,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": "",
    "grid.color": "#E4E7EB",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def picture(name: str, width: float, height: float, title: str = "", suffix: str = "png") -> Iterator[Any]:
    """A figure to draw on, in inches, that is written to `<name>.<suffix>` in the output folder afterwards."""
    import matplotlib
    from matplotlib.figure import Figure

    style: dict[str, Any] = {**_STYLE, "axes.prop_cycle": matplotlib.cycler(color=[BLUE, RED, GREEN, YELLOW, GREY])}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
        yield figure
        path = demos.output_folder() / f"{name}.{suffix}"
        figure.savefig(path)
    print(f"Written: {path}")
