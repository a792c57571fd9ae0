"""One record is one place: an operation that is defined here is differentiated, drawn, derived and compiled by it.

That it is judged is tested in `test_diagnosis_operations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor
from autograd.core.op import OPS
from autograd.testing import gradcheck

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 2))


def _swish(z: Any) -> Any:
    return z / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def swish() -> Iterator[Any]:
    yield autograd.operation(
        _swish,
        name="swish",
        role="activation",
        vjp=lambda g, y, z: g * (y + (1 - y) / (1 + np.exp(-z))),
        math=r"\bar z = \bar y \odot (y + \sigma(z) \odot (1 - y))",
        samples=[lambda rng: (rng.normal(size=(2, 3)),)],
    )
    del OPS[_swish]


@pytest.fixture
def weights() -> list[Tensor]:
    return [Tensor(RNG.normal(size=shape), requires_grad=True) for shape in ((3, 5), (5, 2))]


@pytest.fixture
def loss(swish: Any, weights: list[Tensor]) -> Tensor:
    W1, W2 = weights
    W1.name, W2.name = "W1", "W2"
    return np.mean((swish(X @ W1) @ W2 - Y) ** 2)


def test_it_is_differentiated_to_second_order(swish: Any) -> None:
    gradcheck(swish, [RNG.normal(size=(2, 3))], order=2)


def test_on_arrays_it_is_the_function_itself(swish: Any) -> None:
    np.testing.assert_array_equal(swish(X), _swish(X))


def test_the_picture_names_the_activation_and_says_what_it_does(loss: Tensor) -> None:
    svg = autograd.draw(loss, rules=True).svg
    text = re.sub(r"<[^>]*>", "", svg)
    assert "A₁" in text
    assert "swish(Z₁)" in text
    assert "σ(Z₁)" in text  # its rule


def test_the_derivation_computes_its_gradients_and_names_them_alike(loss: Tensor, weights: list[Tensor]) -> None:
    derivation = autograd.derive(loss)
    assert re.search(r"\n    A1 = Z1 / ", derivation.source)
    assert r"\bar{Z}_{1} &= \bar{A}_{1} \odot" in derivation.latex
    loss.backward()
    value, gradients = derivation.function()(W1=weights[0].data, W2=weights[1].data, X=X, Y=Y)
    assert value == loss.item()
    for weight in weights:
        np.testing.assert_allclose(gradients[weight.name], weight.grad, rtol=1e-12)


def test_a_compiled_function_replays_it(swish: Any) -> None:
    step = autograd.compile(lambda x: np.sum(swish(x) ** 2))
    for x in (X, X + 1, 2 * X):
        np.testing.assert_allclose(step(x), np.sum(_swish(x) ** 2), rtol=1e-12)
