r"""A derivation as a LaTeX document that can be handed out: `pdflatex` sets it, over as many pages as it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from autograd.derivation.formulas import Formulas
from autograd.files import replacing
from autograd.notation.latex import latex
from autograd.notation.tree import Symbol

_SETS: Final = {"f": r"\mathbb{R}", "i": r"\mathbb{Z}", "u": r"\mathbb{N}", "b": r"\{0, 1\}"}
_NOTATION: Final = {  # what stands in a line, and what it means
    r"\odot": r"$\odot$ multiplies element by element",
    r"\oslash": r"$\oslash$ divides element by element",
    "1[": r"$1[\cdot]$ is 1 where the condition holds, else 0",
    r"\cdot ": r"a dot stands for all of an axis: $x_{i \cdot}$ is row $i$ of $x$",
    r"\mathrel{+}=": r"$\mathrel{+}=$ adds to what is there",
    r"\leftarrow": r"$\leftarrow$ writes in place of what is there",
    "onehot": r"$\operatorname{onehot}(y)$ has rows with a 1 at the place of the label",
}


def document(formulas: Formulas, loss: str, given: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    """The whole document.

    Args:
        formulas: the lines.
        loss: what the loss is called.
        given, parameters: the inputs by name, as arrays.
    """
    forward, backward = formulas.parts()
    text = "\n".join([*forward, *backward])
    meanings = [meaning for sign, meaning in _NOTATION.items() if sign in text]
    lines = [
        r"\documentclass{article}",
        r"\usepackage{amsmath, amssymb}",
        r"\allowdisplaybreaks  % a long derivation goes on over pages",
        r"\begin{document}",
        rf"\section*{{Backpropagation of ${latex(Symbol(loss))}$}}",
        f"Parameters: {_listed(parameters)}.",
        *([f"Given: {_listed(given)}."] if given else []),
        *([f"Here {'; '.join(meanings)}."] if meanings else []),
        r"\subsection*{Forward}",
        _aligned(forward),
        r"\subsection*{Backward}",
        _aligned([f"{formulas.legend()} \\\\[1ex]\n{backward[0]}", *backward[1:]]),
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def save(target: Path, text: str) -> None:
    """Write it, whole or not at all."""
    with replacing(target) as file:
        file.write(text.encode())


def _listed(arrays: Mapping[str, Any]) -> str:
    return ", ".join(rf"${latex(Symbol(name))} \in {_space(array)}$" for name, array in arrays.items())


def _space(array: Any) -> str:
    r"""The set that an array is of.

    >>> import numpy as np
    >>> _space(np.ones((2, 3))), _space(np.array([True])), _space(np.float64(2))
    ('\\mathbb{R}^{2 \\times 3}', '\\{0, 1\\}^{1}', '\\mathbb{R}')
    """
    numbers = _SETS.get(array.dtype.kind, r"\mathbb{R}")
    sizes = r" \times ".join(map(str, array.shape))
    return numbers + (f"^{{{sizes}}}" if sizes else "")


def _aligned(lines: list[str]) -> str:
    joined = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{joined}\n\\end{{align*}}"
