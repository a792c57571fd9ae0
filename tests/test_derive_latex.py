r"""Derivations as LaTeX: every command is one that LaTeX with amsmath has, groups and alignment are balanced."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from installed import needs_latex
from strict_latex import assert_compiles
from test_derive_golden import PROGRAMS

from autograd import Tensor, derive
from autograd.core.op import operations
from autograd.derivation import Derivation
from autograd.notation.latex import latex
from autograd.notation.rule import in_symbols
from autograd.notation.tree import Bar, Symbol, parse
from autograd.rules.definition import composites


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_derivations_compile(program: Callable[[], tuple[Tensor, Derivation]]) -> None:
    assert_compiles(program()[1].latex)


@needs_latex
def test_latex_itself_sets_every_derivation_and_every_record_s_mathematics(tmp_path: Path) -> None:
    blocks = [program()[1].latex for program in PROGRAMS]
    blocks += [math for op in operations() for math in op.math if math] + [made.math for made in composites()]
    document = [r"\documentclass{article}", r"\usepackage{amsmath}", r"\begin{document}"]
    document += [rf"\[{block}\]" for block in blocks]
    (tmp_path / "all.tex").write_text("\n".join([*document, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert said.returncode == 0, said.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000


def test_of_a_long_constant_the_first_entries_and_the_last_are_written() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    block = derive(np.sum(np.i0(w))).latex  # its rule integrates over 64 angles
    assert r" \dots, " in block
    assert max(map(len, block.splitlines())) < 200


def test_a_layer_is_told_in_the_words_of_the_records() -> None:
    rng = np.random.default_rng(0)
    X, W, b = rng.normal(size=(5, 3)), *(Tensor(rng.normal(size=s), requires_grad=True) for s in ((3, 2), 2))
    h = np.tanh(X @ W + b)
    loss = np.mean(h**2)
    assert derive(loss).latex.splitlines() == [
        r"\begin{aligned}",
        r"Z_{1} &= X \, W + b \\",
        r"h &= \tanh Z_{1} \\",
        r"L &= \frac{1}{10} \sum_{i,j} (h^{2})_{i j} \\[1ex]",
        r"\bar{x} &:= \frac{\partial L}{\partial x} \\",
        r"\bar{h} &= \tfrac{2}{10} \, h \\",
        r"\bar{Z}_{1} &= \bar{h} \odot (1 - h^{2}) \\",
        r"\bar{b} &= \sum_{i} (\bar{Z}_{1})_{i} \\",
        r"\bar{W} &= X^\top \, \bar{Z}_{1}",
        r"\end{aligned}",
    ]


def test_gradients_of_several_uses_are_added() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    e, s = np.exp(w), np.sin(w)
    product = e * s
    loss = np.sum(product**2)
    assert r"\bar{w} &= \bar{s} \odot \cos w + \bar{e} \odot e" in derive(loss).latex


def test_letters_are_those_of_the_records() -> None:
    letters = {"x": "A₁", "W": "W₂", "y": "Z₂", "a": "u", "b": "v"}
    meaning = {letter: Symbol(name) for letter, name in letters.items()}

    def written(rule: str) -> str | None:
        tree = in_symbols(parse(rule), meaning, Bar(Symbol("Z₂")))
        return None if tree is None else latex(tree)

    assert written(r"x^\top \, \bar y") == r"A_{1}^\top \, \bar{Z}_{2}"
    assert written(r"\sum_i \bar y_i") == r"\sum_{i} (\bar{Z}_{2})_{i}"
    assert written(r"\bar y \odot e^{a - y}") == r"\bar{Z}_{2} \odot e^{u - Z_{2}}"
    assert written(r"\bar y / n") is None


def test_a_notebook_shows_it() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    derivation = derive(np.sum(w**2))
    assert derivation._repr_latex_() == f"$\\displaystyle {derivation.latex}$"


@pytest.mark.parametrize(
    "same", [lambda s: s * 1, lambda s: s + 0, lambda s: np.negative(-s), lambda s: s.reshape(()), lambda s: +s]
)
def test_a_loss_that_is_an_input_itself_is_written_down(same: Callable[[Tensor], Tensor]) -> None:
    s = Tensor(2.0, requires_grad=True, name="s")
    derivation = derive(same(s))
    assert_compiles(derivation.latex)
    assert "L &= s" in derivation.latex
    assert r"\bar{s} &= 1" in derivation.latex
