"""A Tensor that is asked for plain numbers: where a gradient would be lost, a warning or an error, whoever asks."""

from __future__ import annotations

import math
import warnings
from functools import partial
from math import hypot
from typing import Any

import numpy as np
import pytest

from autograd import GradientCutWarning, Tensor, grad, jacobian, no_grad, value_and_grad, vjp

S = Tensor(2.5, requires_grad=True, name="s")
V = Tensor([1.0, 2.0, 3.0], requires_grad=True, name="v")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "convert",
    [
        float,
        int,
        complex,
        math.exp,
        partial(math.pow, 2.0),
        partial(hypot, 1.0),
        lambda t: list(map(math.exp, [t])),
        lambda t: np.zeros(2).__setitem__(0, t),
        lambda t: np.zeros(2).fill(t),
        lambda t: np.float64(t),
        lambda t: math.trunc(t),
        lambda t: t.tolist(),
    ],
)
def test_a_number_of_a_tensor_with_a_graph_warns_at_the_users_line(convert: Any) -> None:
    with pytest.warns(GradientCutWarning, match=r"of s of shape \(\).*t\.item\(\)") as caught:
        convert(S)
    assert caught[0].filename == __file__


def test_the_warning_comes_once_a_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            math.exp(S)
        math.exp(S)
    assert [warning.category for warning in caught] == [GradientCutWarning] * 2
    assert caught[1].lineno == caught[0].lineno + 1


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        lambda t: np.array([t, t]),
        lambda t: np.r_[t, t],
        lambda t: np.ones((3, 3)).dot(t),
        lambda t: np.vectorize(abs)(t),
        lambda t: np.lib.stride_tricks.as_strided(t, (2, 2), (8, 8)),
        lambda t: RNG.normal(t),
        lambda t: np.mean([t, t]),
        lambda t: np.zeros((2, 3)).__setitem__(0, t),
    ],
)
def test_an_array_of_a_tensor_with_a_graph_is_an_error(convert: Any) -> None:
    with pytest.raises(TypeError, match=r"v of shape \(3,\) is asked for a plain array.*np\.stack.*t\.data"):
        convert(V)


def test_writing_into_an_array_is_refused_and_changes_nothing() -> None:
    array = np.zeros((2, 3))
    with pytest.raises(TypeError, match="cut its gradient"):
        array[0] = V
    np.testing.assert_array_equal(array, np.zeros((2, 3)))


@pytest.mark.parametrize("silent", [lambda t: t.item(), lambda t: t.data, lambda t: t.detach().numpy(), str, repr])
def test_the_silent_ways_are_silent(silent: Any) -> None:
    silent(S)


def test_comparisons_formats_and_truth_values_are_plain() -> None:
    best = 3.0
    if best > S:
        best = S.item()
    assert best == 2.5
    assert f"{S:.1f}" == "2.5"


@pytest.mark.parametrize("convert", [float, int, math.exp, np.asarray, np.float64, lambda t: np.array([t, t])])
def test_without_a_graph_everything_is_as_for_an_array(convert: Any) -> None:
    np.testing.assert_array_equal(convert(Tensor(2.5)), convert(np.array(2.5)))
    with no_grad():
        np.testing.assert_array_equal(convert(S), convert(np.array(2.5)))
        np.testing.assert_array_equal(convert(S * 2), convert(np.array(5.0)))


@pytest.mark.filterwarnings("ignore::autograd.GradientCutWarning")
@pytest.mark.parametrize(
    "transform",
    [
        lambda fn: grad(fn)(2.0),
        lambda fn: value_and_grad(fn)(2.0),
        lambda fn: jacobian(fn)(2.0),
        lambda fn: vjp(fn, 2.0),
    ],
)
def test_a_transform_of_a_function_whose_graph_was_cut_names_the_place(transform: Any) -> None:
    def cut(x: Any) -> Any:
        return math.exp(x) * 2.0

    line = cut.__code__.co_firstlineno + 1
    with pytest.raises(
        TypeError, match=rf"of cut: .*plain number at .*test_conversion\.py:{line}\. .*np\.exp for math"
    ):
        transform(cut)


@pytest.mark.parametrize("asks", [lambda x: (x @ x).item(), lambda x: x.item(0)])
def test_a_transform_of_a_function_that_gives_an_item_has_no_graph(asks: Any) -> None:
    with pytest.raises(TypeError, match=r"no graph, since a Tensor became a plain number at .*test_conversion\.py"):
        grad(asks)(np.array([2.0, 3.0]))
    assert grad(lambda x: x[0] * asks(x))(np.array([2.0, 3.0]))[0] == asks(np.array([2.0, 3.0]))


@pytest.mark.filterwarnings("ignore::autograd.GradientCutWarning")
def test_a_transform_of_a_function_that_only_looks_at_a_number_goes_on() -> None:
    def looks(x: Any) -> Any:
        return x * x if float(x) > 1 else x

    assert grad(looks)(2.0) == 4.0
    assert grad(lambda x: 3.0)(2.0) == 0.0


def test_a_float_is_no_position() -> None:
    with pytest.raises(TypeError, match=r"s of shape \(\) is not a position or length: it is float64; write int"):
        range(S)  # type: ignore[call-overload]
