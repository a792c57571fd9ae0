"""One operation, defined here: its record has it differentiated, named, drawn, derived, compiled and judged."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor, grad, operation
from autograd.testing import compare_grads, gradcheck


def _softsign(z: Any) -> Any:
    return z / (1 + np.absolute(z))


@pytest.fixture(scope="module")
def softsign() -> Any:
    return operation(
        _softsign,
        name="softsign",
        role="activation",
        vjp=lambda g, y, z: g / np.square(1 + np.absolute(z)),
        math=r"\bar z = \bar y \oslash (1 + |z|)^2",
        samples=[lambda rng: (rng.normal(size=(3, 4)),)],
    )


def network(activation: Any) -> Tensor:
    """Two layers without a name for any value."""
    rng = np.random.default_rng(0)
    parameters = [Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((3, 4), 4, (4, 2))]
    return _loss(activation(rng.normal(size=(5, 3)) @ parameters[0] + parameters[1]) @ parameters[2], rng)


def _loss(predicted: Any, rng: np.random.Generator) -> Any:
    return np.mean((predicted - rng.normal(size=(5, 2))) ** 2)


def test_it_is_drawn_with_the_names_of_a_layer(softsign: Any) -> None:
    cards = {card.name: card for card in autograd.draw(network(softsign), rules=True)._diagram.cards}
    assert cards["A₁"].expression == "softsign(Z₁)"
    assert [*cards] == ["x", "W₁", "a", "w", "Z₁", "A₁", "W₂", "Z₂", "y", "e", "v", "L"]


def test_its_rule_is_written_in_the_names_of_the_picture(softsign: Any) -> None:
    edges = autograd.draw(network(softsign), rules=True)._diagram.edges
    assert "g ⊘ (1 + |Z₁|)²" in [edge.rule for edge in edges]


def test_it_is_derived(softsign: Any) -> None:
    source = autograd.derive(network(softsign)).source
    assert "    t1 = 1 + np.abs(Z1)  # (5, 4)\n    A1 = Z1 / t1  # (5, 4)\n" in source
    assert "    dZ1 = dA1 / t1**2  # (5, 4)\n" in source
    assert r"\bar{Z}_{1} &= \bar{A}_{1} \oslash (1 + |Z_{1}|)^{2}" in autograd.derive(network(softsign)).latex


def test_it_is_named_as_an_activation_of_nn(softsign: Any) -> None:
    def names(activation: Any) -> list[str]:
        source = autograd.derive(network(activation)).source
        return re.findall(r"^    ([WZA]\d|d[WZA]\d) =", source, re.MULTILINE)

    assert names(softsign) == names(nn.functional.relu) == ["Z1", "A1", "Z2", "dZ2", "dW2", "dA1", "dZ1", "dW1"]


def test_it_is_judged(softsign: Any) -> None:
    z = Tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True, name="z")
    loss = np.sum(softsign(z) ** 2)
    assert compare_grads(loss, {"z": 2 * _softsign(z.data) / (1 + np.abs(z.data)) ** 2}).matches
    assert compare_grads(loss, {"z": 2 * _softsign(z.data)}).first_wrong.cause == "missing-derivative"


def test_it_is_differentiated_to_second_order(softsign: Any) -> None:
    gradcheck(softsign, [np.random.default_rng(0).normal(size=(2, 3))], order=2)


def test_it_is_compiled(softsign: Any) -> None:
    step = autograd.compile(lambda x: np.sum(softsign(x) ** 2))
    for x in (np.arange(-3.0, 3.0), np.arange(6.0), np.linspace(-1.0, 1.0, 6)):
        np.testing.assert_allclose(step(x), np.sum(_softsign(x) ** 2), rtol=1e-12)


@pytest.mark.parametrize("by_keyword", [False, True])
def test_its_rule_is_used_however_the_argument_is_given(by_keyword: bool) -> None:
    """At 0 the function itself, recorded step by step, has another derivative than the rule."""
    z = Tensor(0.0, requires_grad=True)
    (nn.functional.sigmoid(x=z) if by_keyword else nn.functional.sigmoid(z)).backward()
    assert z.grad == 0.25


def test_a_rule_that_returns_another_shape_is_refused() -> None:
    scaled = operation(
        lambda a, b: a * b,
        name="scaled",
        vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
        math=(r"\bar a = \bar y b", r"\bar b = \bar y a"),
        samples=[lambda rng: (rng.normal(size=3), rng.normal(size=3))],
    )
    b = Tensor(2.0, requires_grad=True, name="b")
    with pytest.raises(ValueError, match=r"scaled for b of shape \(\) returned .*\(3,\).*broadcasts=True"):
        np.sum(scaled(np.ones(3), b)).backward()
    assert b.grad is None


def test_a_rule_that_takes_no_operands_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"halved: a rule takes the gradient, the output and the 1 operands"):
        operation(lambda a: a / 2, name="halved", vjp=lambda g, y: g / 2, math="x", samples=[lambda rng: (1.0,)])


def test_a_rule_is_enough_and_pictures_show_the_name() -> None:
    square = operation(lambda a: a * a, name="own square", vjp=lambda g, y, a: 2 * g * a)
    assert grad(square)(3.0) == 6.0
    w = Tensor([1.0, 2.0], requires_grad=True)
    loss = np.sum(square(w))
    assert "ownsquareᵀ(g)" in autograd.draw(loss, rules=True).svg
    assert "dw = 2 * w" in autograd.derive(loss).source
