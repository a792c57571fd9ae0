"""Searches that only compare have no gradient, and say so; what converges otherwise keeps the one that it has."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor, differentiable, grad
from autograd.array.conversion import GradientCutWarning


def bisects(c: Any) -> Any:
    low, high = 0.0, 2.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        if (low**3 - c) * (middle**3 - c) < 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def bisects_beside_a_value(c: Any) -> Any:
    low, high = 0.0, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        if middle + math.sin(middle) < c:
            low = middle
        else:
            high = middle
    return middle


def bisects_between_arguments(c: Any) -> Any:
    low, high = c - 1.0, c + 2.0
    for _ in range(100):
        middle = (low + high) / 2
        if abs(value := np.exp(middle) - 3.0) < 1e-9:
            break
        if value > 0:
            high = middle
        else:
            low = middle
    return middle


def searches_by_the_golden_section(c: Any) -> Any:
    low, high, ratio = 0.0, 3.0, (math.sqrt(5) - 1) / 2
    for _ in range(50):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if (left - c) ** 2 + left**4 < (right - c) ** 2 + right**4:
            high = right
        else:
            low = left
    return (low + high) / 2


SEARCHES = [bisects, bisects_beside_a_value, bisects_between_arguments, searches_by_the_golden_section]


@pytest.mark.parametrize("wrapped", [lambda fn: fn, differentiable], ids=["plain", "differentiable"])
@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.__name__)
def test_a_search_that_only_compares_is_an_error(search: Callable[[Any], Any], wrapped: Any) -> None:
    with pytest.raises(TypeError, match=r"search that only compares, at .*test_searches.py:\d+.*brentq"):
        grad(wrapped(search))(1.3)
    assert np.isfinite(search(Tensor(1.3)))


def false_position(c: Any) -> Any:
    low, high = 0.0, 2.0
    for _ in range(200):
        middle = high - (high**3 - c) * (high - low) / (high**3 - low**3)
        if abs(middle**3 - c) < 1e-13:
            break
        if (low**3 - c) * (middle**3 - c) < 0:
            high = middle
        else:
            low = middle
    return middle


def newton(c: Any) -> Any:
    x = c
    while abs(x**3 - c) > 1e-12:
        x = x - (x**3 - c) / (3 * x * x)
    return x


def swings(c: Any) -> Any:
    x, v = 1.0, 0.0
    for _ in range(300):
        v = v + 0.02 * (-c * x - (0.5 if v > 0 else 0.4) * v)
        x = x + 0.02 * v
    return x


def sorts(c: Any) -> Any:
    a = [c * v for v in (3.0, 1.0, 2.0, 2.0, 5.0, 1.0, 0.5)]
    for last in range(6, 0, -1):
        for j in range(last):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
    return a[3] * a[2]


@pytest.mark.parametrize("program", [false_position, newton, swings, sorts], ids=lambda program: program.__name__)
def test_what_converges_with_its_gradient_keeps_it(program: Callable[[Any], Any]) -> None:
    expected = (program(1.3 + 1e-5) - program(1.3 - 1e-5)) / 2e-5
    assert grad(program)(1.3) == pytest.approx(expected, rel=1e-6)


def test_a_new_tensor_of_one_with_a_gradient_is_told_of() -> None:
    """As code makes it that takes the type of a number for one that converts."""
    with pytest.warns(GradientCutWarning, match=r"Tensor\(\) of"):
        assert grad(lambda x: x * type(x)(2.0 * x))(3.0) == 6.0
    with pytest.warns(GradientCutWarning), pytest.raises(TypeError, match="became a plain number at"):
        grad(lambda x: type(x)(2.0 * x))(3.0)


@pytest.mark.parametrize("wrapped", [lambda fn: fn, differentiable], ids=["plain", "differentiable"])
def test_what_is_done_for_one_value_alone_is_told_of(wrapped: Any) -> None:
    def scaled(x: Any, scale: Any) -> Any:
        return x * scale if scale != 1.0 else x

    with pytest.warns(GradientCutWarning, match=r"compared with 1.0, which it is"):
        assert grad(wrapped(scaled), argnums=1)(2.0, 1.0) == 0.0
    assert grad(wrapped(scaled), argnums=1)(2.0, 1.5) == 2.0
    assert grad(wrapped(scaled))(2.0, 1.0) == 1.0


def test_what_a_record_compares_is_no_case_of_the_author() -> None:
    slope = grad(lambda x: x * grad(np.heaviside, argnums=(0, 1))(0.0, 0.3)[1])  # its rule asks a == 0
    assert slope(3.0) == 1.0
