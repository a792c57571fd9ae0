"""Where a gradient would be lost unseen: the error names the call, the operand and the cure."""

from __future__ import annotations

import math
import re
from math import hypot
from typing import Any

import numpy as np
import pytest

from autograd import Tensor, no_grad

S = Tensor(2.5, requires_grad=True, name="s")
V = Tensor([1.0, 2.0, 3.0], requires_grad=True, name="v")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: np.asarray(V), r"np\.asarray of v of shape \(3,\).*leave it as it is"),
        (lambda: np.array([S, S]), r"np\.array of s of shape \(\).*np\.stack"),
        (lambda: np.full(3, S), r"np\.full of s of shape \(\).*np\.broadcast_to\(t, shape\)"),
        (lambda: np.arange(0, S), r"np\.arange of s .*step \* np\.arange"),
        (lambda: np.r_[V, V], r"np\.r_ of v .*np\.concatenate"),
        (lambda: np.ones((3, 3)).dot(V), r"np\.ones\(\.\.\.\)\.dot of v .*array @ t"),
        (lambda: np.vectorize(abs)(V), r"np\.vectorize\(\.\.\.\) of v .*np\.stack"),
        (lambda: np.lib.stride_tricks.as_strided(V, (2, 2), (8, 8)), "as_strided of v .*sliding_window_view"),
        (lambda: RNG.normal(V), r"RNG\.normal of v .*Draw plain numbers"),
        (lambda: np.mean([S, S]), r"np\.mean of s of shape \(\).*np\.stack"),
        (lambda: math.exp(S), r"math\.exp of s of shape \(\) asks for a plain number.*Write np\.exp;.*float\(t\)"),
        (lambda: math.sin(V), r"math\.sin of v of shape \(3,\).*Write np\.sin"),
        (lambda: hypot(1.0, S), "hypot of s .*Write np.hypot"),
        (lambda: math.gamma(S), "math.gamma of s .*NumPy's functions"),
        (lambda: np.sum(np.ones(3), initial=S), "np.sum of s "),
        (lambda: np.add.reduce(np.ones(3), initial=S), "np.add.reduce of s "),
        (lambda: np.interp([-1.0], [0.0, 1.0], [0.0, 1.0], left=S), "np.interp of s "),
        (lambda: np.fromiter((v for v in V), float), "np.fromiter of an item .*Write into a Tensor"),
    ],
)
def test_the_call_is_named_with_its_cure(call: Any, told: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    cause = caught.value.__cause__ or caught.value  # NumPy may raise an error of its own from ours
    assert isinstance(cause, TypeError)
    assert re.search(told, str(cause)), str(cause)


def test_filling_an_array_with_a_tensor_is_refused() -> None:
    array = np.zeros(3)
    with pytest.raises((TypeError, ValueError)) as caught:
        array.fill(S)
    assert "array.fill of s" in f"{caught.value} {caught.value.__cause__}"
    np.testing.assert_array_equal(array, np.zeros(3))


def test_writing_into_an_array_is_refused() -> None:
    array = np.zeros((2, 3))
    with pytest.raises(TypeError, match=r"writing v of shape \(3,\) into an array.*np\.zeros_like"):
        array[0] = V
    np.testing.assert_array_equal(array, np.zeros((2, 3)))


def test_plain_numbers_are_given_where_they_are_asked_for() -> None:
    losses = [float(S)]
    assert [*losses, *map(float, [S]), np.float64(S), float("1")] == [2.5, 2.5, 2.5, 1.0]
    assert (math.floor(S), math.ceil(S), math.trunc(S), math.isnan(S)) == (2, 3, 2, False)
    assert f"{S:.1f} %.1f" % S == "2.5 2.5"
    assert math.exp(Tensor(0.0)) == 1.0  # no gradient to lose
    with no_grad():
        assert math.exp(S) == math.exp(2.5)


def test_a_float_is_no_position() -> None:
    with pytest.raises(TypeError, match=r"s of shape \(\) is no position or length: it is float64; write int"):
        range(S)  # type: ignore[call-overload]
