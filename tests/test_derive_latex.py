r"""Derivations as LaTeX: every command is one that LaTeX with amsmath has, groups and alignment are balanced."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from installed import needs_latex
from strict_latex import assert_compiles
from test_derive_golden import PROGRAMS
from test_render_latex import RECORDED

import nn
from autograd import Tensor, derive
from autograd.derivation import Derivation
from autograd.notation.latex import latex
from autograd.notation.rule import in_symbols
from autograd.notation.tree import Bar, Symbol, parse


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_derivations_compile(program: Callable[[], tuple[Tensor, Derivation]]) -> None:
    assert_compiles(program()[1].latex)


@needs_latex
def test_latex_itself_sets_every_derivation_and_every_record_s_mathematics(tmp_path: Path) -> None:
    blocks = [program()[1].latex for program in PROGRAMS]
    blocks += RECORDED
    document = [r"\documentclass{article}", r"\usepackage{amsmath}", r"\begin{document}"]
    document += [rf"\[{block}\]" for block in blocks]
    (tmp_path / "all.tex").write_text("\n".join([*document, r"\end{document}"]))
    set_by_latex(tmp_path / "all.tex")
    assert (tmp_path / "all.pdf").stat().st_size > 10_000


def lines(loss: Tensor) -> list[str]:
    """The lines of a derivation's block."""
    return derive(loss).latex.replace(" \\\\[1ex]", " \\\\").replace(" \\\\", "").splitlines()[1:-1]


def test_a_classifier_is_told_as_mathematics() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.integers(0, 3, 6)
    W = Tensor(rng.normal(size=(4, 3)), requires_grad=True)
    z = x @ W
    assert lines(nn.functional.cross_entropy(z, y)) == [
        r"z &= x \, W",
        r"L &= -\frac{1}{6} \, \sum_{i} \ln \operatorname{softmax}(z)_{i, y_{i}}",
        r"\bar{v} &:= \frac{\partial L}{\partial v}",
        r"\bar{z} &= \frac{1}{6} \, (\operatorname{softmax}(z) - \operatorname{onehot}(y))",
        r"\bar{W} &= x^\top \, \bar{z}",
    ]


def test_a_loss_a_sample_has_a_rule_a_sample() -> None:
    z, y = Tensor(np.ones((3, 4)), requires_grad=True), np.array([0, 1, 3])
    told = lines(nn.functional.cross_entropy(z, y, "none").sum())
    assert r"\bar{z}_{i} &= (\operatorname{softmax}(z) - \operatorname{onehot}(y))_{i}" in told


def test_losses_of_probabilities_and_their_sigmoids_are_told_as_mathematics() -> None:
    x, t = np.ones((2, 3)), np.array([[1.0], [0.0]])
    W, w = Tensor(np.ones((3, 4)), requires_grad=True), Tensor(np.ones((4, 1)), requires_grad=True)
    h = nn.functional.sigmoid(x @ W)
    z = h @ w
    told = lines(nn.functional.binary_cross_entropy_with_logits(z, t, reduction="sum"))
    assert r"h &= \sigma(Z_{1})" in told
    each = r"(t \odot \ln \sigma(z) + (1 - t) \odot \ln(1 - \sigma(z)))_{i j}"
    assert rf"L &= -\sum_{{i, j}} {each}" in told
    assert r"\bar{z} &= \sigma(z) - t" in told


def test_what_was_computed_of_labels_beside_the_graph_is_told() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 2)), np.array([[1.0], [0.0]] * 4)
    w = Tensor(rng.normal(size=(2, 1)), requires_grad=True)
    p = 1 / (1 + np.exp(-(x @ w)))
    told = lines(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    assert told[0] == r"c &:= 1 - y"
    assert not any(":=" in line for line in lines(np.sum(x @ w - rng.normal(size=(8, 1))))[:1])


def test_an_einsum_is_a_sum_over_its_indices() -> None:
    rng = np.random.default_rng(0)
    A, c = Tensor(rng.normal(size=(3, 4)), requires_grad=True), Tensor(rng.normal(size=4), requires_grad=True)
    u = np.einsum("ij,j->i", A, c)
    told = lines(np.sum(u**2) + np.einsum("ij->", A))
    assert r"u_{i} &= \sum_{j} A_{i j} \, c_{j}" in told
    assert r"L &= \sum_{i} (u^{2})_{i} + \sum_{i,j} A_{i j}" in told
    assert r"\bar{c}_{j} &= \sum_{i} \bar{u}_{i} \, A_{i j}" in told


def test_reads_and_writes_by_index_are_told_entry_by_entry() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 5), Tensor(rng.uniform(0.1, 1, size=(5, 3)), requires_grad=True)
    told = lines(-np.log(p[np.arange(5), y]).mean())
    assert told[:2] == [r"(v_{1})_{i} &= p_{i, y_{i}}", r"L &= -\frac{1}{5} \sum_{i} (\ln v_{1})_{i}"]
    assert told[-1].startswith(r"\bar{p} &= 0, \quad \bar{p}_{i, y_{i}} \mathrel{+}=")
    taken = lines(np.sum(np.take_along_axis(p, y[:, None], axis=1)))
    assert r"L &= \sum_{i} p_{i, y_{i}}" in taken
    assert r"L &= \sum_{i} p_{i, y_{i}}" in lines(np.sum(np.take_along_axis(p, y[:, None], axis=1)[:, 0]))
    out = Tensor(np.zeros(3))
    w = Tensor(rng.normal(size=3), requires_grad=True)
    out[1:] = w[1:] * 2
    assert r"\mathrm{out} &= 0, \quad \mathrm{out}[1{:}] \leftarrow 2 \, v_{1}" in lines(np.sum(out * w))


def test_a_choice_has_its_condition_as_a_factor() -> None:
    x, m = Tensor([-1.0, 2.0], requires_grad=True), np.array([False, True])
    y = np.where(m, x, 0.1 * x)
    r = np.linalg.norm(y)
    told = lines(r)
    assert r"y &= m \odot x + (1 - m) \odot 0.1 \, x" in told
    assert any(r"\frac{1}{1[L = 0] + 1[L \ne 0] \, L}" in line for line in told)


def test_a_product_of_batches_sums_over_them() -> None:
    x, W = np.ones((2, 5, 4)), Tensor(np.ones((4, 3)), requires_grad=True)
    h = x @ W
    assert r"\bar{W} &= \sum_{i} (x^\top \, \bar{h})_{i}" in lines(np.sum(h**2))


def test_long_numbers_are_roots_or_begin_so() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    assert r"L &= \sum_{i} \left(\frac{w}{\sqrt{3}}\right)_{i}" in lines(np.sum(w / np.sqrt(3.0)))
    assert r"L &= \sum_{i} (2.71828\dots \, w)_{i}" in lines(np.sum(w * np.e))


def test_functions_have_the_names_of_mathematics() -> None:
    v = Tensor([1.0, 2.0], requires_grad=True)
    told = lines(np.sum(np.log2(v)) + np.dot(v, v) + np.sum(np.reciprocal(v)))[0]
    assert told == r"L &= \sum_{i} (\log_{2}(v))_{i} + v^\top \, v + \sum_{i} \left(\frac{1}{v}\right)_{i}"
    assert lines(np.sum(v * np.ones(2)))[0] == r"L &= \sum_{i} v_{i}"


def test_words_are_escaped() -> None:
    assert latex(Symbol("ij->i", "words")) == r"\text{ij$\rightarrow$i}"
    assert latex(Symbol("50%_<", "words")) == r"\text{50\%\_$<$}"


@needs_latex
def test_a_long_derivation_is_a_document_of_several_pages(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = nn.MLP([4] + [5] * 14 + [1], activation=nn.Sigmoid, rng=0)
    target = rng.normal(size=(8, 1))
    derive(nn.functional.mse_loss(model(rng.normal(size=(8, 4))), target)).save(tmp_path / "deep.tex")
    said = set_by_latex(tmp_path / "deep.tex")
    assert int(re.search(r"\((\d+) pages", said)[1]) >= 3  # type: ignore[index]
    assert "Overfull" not in said


def set_by_latex(path: Path) -> str:
    """What LaTeX says of a document that it sets."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name]
    said = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, errors="replace", check=False)
    assert said.returncode == 0, said.stdout[-2000:]
    return said.stdout


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
