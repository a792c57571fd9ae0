"""Activations that bend: their values, their slopes at 0 and far out, and PyTorch's word on both."""

from __future__ import annotations

import math
from typing import Any

import installed
import numpy as np
import pytest

import nn
from autograd import Tensor

F = nn.functional
X = np.array([-30.0, -2.0, -0.5, 0.0, 0.5, 2.0, 25.0])
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("LeakyReLU", {}),
    ("LeakyReLU", {"negative_slope": 0.2}),
    ("ELU", {}),
    ("ELU", {"alpha": 0.5}),
    ("GELU", {}),
    ("GELU", {"approximate": "tanh"}),
    ("SiLU", {}),
    ("Softplus", {}),
    ("Softplus", {"beta": 2.0, "threshold": 3.0}),
]
# f(-2), f(0.5) and f(2), by formula with Python's own functions.
PHI = {x: 0.5 * math.erfc(-x / math.sqrt(2)) for x in (-2.0, 0.5, 2.0)}
GOLDEN = {
    "leaky_relu": (-0.02, 0.5, 2.0),
    "elu": (math.expm1(-2), 0.5, 2.0),
    "gelu": tuple(x * p for x, p in PHI.items()),
    "silu": tuple(x / (1 + math.exp(-x)) for x in PHI),
    "softplus": tuple(math.log1p(math.exp(x)) for x in PHI),
    "normal_cdf": tuple(PHI.values()),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_values_are_those_of_the_formula(name: str) -> None:
    np.testing.assert_allclose(getattr(F, name)(np.array([*PHI])), GOLDEN[name], rtol=4e-15)


@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_values_and_slopes_are_pytorchs(name: str, settings: dict[str, Any]) -> None:
    torch = installed.torch()
    x, theirs = Tensor(X, requires_grad=True), torch.tensor(X, requires_grad=True)
    y, expected = getattr(nn, name)(**settings)(x), getattr(torch.nn, name)(**settings)(theirs)
    np.sum(y).backward()
    expected.sum().backward()
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(x.grad, theirs.grad.numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("name", "settings"), KINDS)
def test_extreme_float32_inputs_have_finite_slopes(name: str, settings: dict[str, Any]) -> None:
    x = Tensor(np.array([-1e30, -1e4, 1e4], np.float32), requires_grad=True)
    if settings.get("approximate") == "tanh":
        x = Tensor(np.array([-1e4, 1e4], np.float32), requires_grad=True)  # its cube is finite
    y = getattr(nn, name)(**settings)(x)
    np.sum(y).backward()
    assert y.dtype == x.grad.dtype == np.float32
    assert np.all(np.isfinite(x.grad))
    assert np.all(np.isfinite(y.data))
    assert x.grad[-1] == pytest.approx(1)


def test_gelu_far_below_zero_is_zero_and_not_a_large_number_times_a_rounding() -> None:
    assert abs(F.gelu(np.array([-1e6]))[0]) < 1e-300


def test_an_unknown_approximation_is_refused() -> None:
    with pytest.raises(ValueError, match="approximate is 'erf'; it is 'none' or 'tanh'"):
        nn.GELU("erf")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: nn.LeakyReLU(np.nan), "LeakyReLU: negative_slope is nan"),
        (lambda: nn.ELU("a lot"), "ELU: alpha is 'a lot'"),
        (lambda: nn.Softplus(0), "Softplus: beta is 0; it must be above 0"),
    ],
)
def test_settings_that_are_none_are_refused(make: Any, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        make()


def test_repr_shows_the_settings() -> None:
    model = nn.Sequential(nn.Dropout(0.1, rng=0), nn.ELU(0.5), nn.Softmax(axis=1), nn.GELU())
    assert repr(model).splitlines()[1:] == [
        "  0: Dropout(p=0.1)",
        "  1: ELU(alpha=0.5)",
        "  2: Softmax(axis=1)",
        "  3: GELU(approximate='none')",
    ]
