"""The mathematics of the records as trees, and as one line of Unicode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nn  # noqa: F401  (its operations have records too)
from autograd.core.op import operations
from autograd.notation.tree import Bar, Row, Script, Space, Symbol, Tree, parse, right_side, substitute
from autograd.notation.unicode import written
from autograd.rules.definition import composites


def of_calls() -> Iterator[str]:
    """What records say of single calls."""
    for op in operations():
        for sample in op.samples if op.written else ():
            args, kwargs = op.bind(*call_of_sample(sample))
            yield from op.written(*args, **kwargs)


def call_of_sample(sample: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args = sample(np.random.default_rng(0))
    return (args[:-1], args[-1]) if isinstance(args[-1], dict) else (args, {})


RECORDED = sorted({math for op in operations() for math in op.math} | {c.math for c in composites()} | {*of_calls()})


def leaves(tree: Tree) -> list[Tree]:
    if isinstance(tree, Row):
        return [leaf for part in tree.parts for leaf in leaves(part)]
    below = [value for value in vars(tree).values() if value is not None and not isinstance(value, (str, int, float))]
    return [leaf for part in below for leaf in leaves(part)] or [tree]


@pytest.mark.parametrize("math", RECORDED)
def test_every_record_is_written_without_a_trace_of_latex(math: str) -> None:
    text = written(parse(math))
    assert text == text.strip()
    assert not set(text) & set("\\_$"), text
    assert "  " not in text


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\bar a = \bar y \odot 1[a > b]", "ā = ȳ ⊙ 1[a > b]"),
        (r"\bar b = -\bar y", "b̄ = −ȳ"),
        (r"a^{-\top} \, \bar y", "a⁻ᵀ ȳ"),
        (r"\bar a[i] \mathrel{+}= \bar y", "ā[i] += ȳ"),
        (r"x_i^{k-1}", "xᵢᵏ⁻¹"),
        (r"\bar y_{i,\,n-1-j}", "ȳ[i, n − 1 − j]"),
        (r"\sum_i \bar y_i", "Σᵢ ȳᵢ"),
        (r"\tfrac{2}{n} \, (p - t)", "(2/n) (p − t)"),
        (r"\tfrac{2}{n}", "2/n"),
        (r"2\,\bar y \odot a", "2 ȳ ⊙ a"),
        (r"\bar y \oslash 2y", "ȳ ⊘ 2y"),
        (r"\operatorname{diag}(\bar y)", "diag(ȳ)"),
        (r"\cos \pi x", "cos π x"),
        (r"1[\lnot c]", "1[¬c]"),
        (r"\sqrt{1 - a^2}", "√(1 − a²)"),
        (r"\bar y[\text{part } k]", "ȳ[part k]"),
    ],
)
def test_written(latex: str, text: str) -> None:
    assert written(parse(latex)) == text


def test_substitution_reaches_every_place() -> None:
    rule = parse(r"\frac{\bar y}{a_i} + \sqrt{a} \, \bar a^a")
    found = leaves(substitute(rule, {"a": Symbol("W₁")}, {"y": Symbol("g")}))
    assert Symbol("a") not in [leaf for leaf in found if leaf != Symbol("a")]
    assert written(substitute(rule, {"a": Symbol("W₁")}, {"y": Symbol("g")})) == "(g/W₁ᵢ) + √W₁ W̄₁^(W₁)"


def test_a_name_and_its_gradient_are_told_apart() -> None:
    told = substitute(parse(r"\bar y \odot y"), {"y": Symbol("h")}, {"y": Symbol("g")})
    assert written(told) == "g ⊙ h"


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\bar a = \bar y \, 1[a = y] / n, \quad n = 1", "ȳ 1[a = y] / n"),
        (r"\bar a = \bar y \, b = c", "c"),
        (r"-\bar y", "−ȳ"),
    ],
)
def test_the_right_side_is_the_last_of_the_first_equation(latex: str, text: str) -> None:
    assert written(right_side(parse(latex))) == text


@pytest.mark.parametrize("latex", [r"\nosuch x", "{a", "a}", "a^", r"\frac{1}", "x_1_2", r"\operatorname x", "a & b"])
def test_what_is_not_known_is_refused(latex: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(latex)


def test_trees_are_values() -> None:
    assert parse(r"\bar y^2") == Row((Script(Bar(Symbol("y")), None, Symbol("2", "number")),))
    assert parse(r"a\,b") == Row((Symbol("a"), Space(1 / 6), Symbol("b")))
