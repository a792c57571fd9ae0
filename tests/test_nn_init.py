"""Initial values: their distributions, their streams, and what bad input gets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn import init

SHAPE = (300, 200)
DRAWN = [
    init.normal,
    init.uniform,
    init.xavier_uniform,
    init.xavier_normal,
    init.kaiming_uniform,
    init.kaiming_normal,
]


@pytest.mark.parametrize(
    ("initialise", "std"),
    [
        (partial(init.normal, std=0.1), 0.1),
        (partial(init.uniform, low=-1, high=1), 1 / 3**0.5),
        (init.xavier_uniform, (2 / 500) ** 0.5),
        (init.xavier_normal, (2 / 500) ** 0.5),
        (init.kaiming_uniform, (2 / 300) ** 0.5),
        (init.kaiming_normal, (2 / 300) ** 0.5),
        (partial(init.kaiming_uniform, mode="fan_out"), (2 / 200) ** 0.5),
        (partial(init.kaiming_normal, mode="fan_out"), (2 / 200) ** 0.5),
        (partial(init.xavier_uniform, gain=3), 3 * (2 / 500) ** 0.5),
        (partial(init.xavier_normal, gain=3), 3 * (2 / 500) ** 0.5),
        (partial(init.kaiming_uniform, gain=1), (1 / 300) ** 0.5),
        (partial(init.kaiming_normal, gain=1), (1 / 300) ** 0.5),
    ],
)
def test_the_spread_is_that_of_the_papers(initialise: Callable[..., Any], std: float) -> None:
    values = initialise(SHAPE, rng=0)
    assert values.shape == SHAPE
    assert abs(np.std(values) / std - 1) < 0.02
    assert abs(np.mean(values)) < 0.02 * std


@pytest.mark.parametrize("initialise", [init.xavier_uniform, init.kaiming_uniform])
def test_uniform_values_fill_their_interval(initialise: Callable[..., Any]) -> None:
    values = initialise(SHAPE, rng=0)
    bound = np.std(values) * 3**0.5
    assert 0.98 * bound < np.max(np.abs(values)) < 1.02 * bound


def test_a_mean_shifts() -> None:
    np.testing.assert_array_equal(
        init.normal((3,), rng=0, mean=2.0, std=0.5), 2.0 + 0.5 * np.random.default_rng(0).standard_normal(3)
    )


def test_constants_draw_nothing() -> None:
    rng = np.random.default_rng(0)
    assert init.zeros((2,), rng=rng).tolist() == [0, 0]
    assert init.ones((2,), rng=rng).tolist() == [1, 1]
    assert init.constant((2,), rng=rng, value=0.5).tolist() == [0.5, 0.5]
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("initialise", [*DRAWN, init.zeros, init.ones, partial(init.constant, value=0.5)])
def test_a_dtype_changes_the_precision_and_not_the_stream(initialise: Callable[..., Any]) -> None:
    single = initialise((3, 4), rng=1, dtype=np.float32)
    np.testing.assert_array_equal(single, initialise((3, 4), rng=1).astype(np.float32), strict=True)


@pytest.mark.parametrize("initialise", DRAWN)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_seed_is_reproducible(initialise: Callable[..., Any], seed: int) -> None:
    np.testing.assert_array_equal(initialise((2, 3), rng=seed), initialise((2, 3), rng=seed))


def test_a_legacy_generator_gives_its_own_stream() -> None:
    expected = np.random.RandomState(42).randn(3, 16) * 0.1
    np.testing.assert_array_equal(init.normal((3, 16), rng=np.random.RandomState(42), std=0.1), expected)


def test_no_seed_is_fresh_entropy_and_leaves_global_state_alone() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    assert np.any(init.normal((4, 4)) != init.normal((4, 4)))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("rng", [np.random, "0", 1.5])
def test_a_generator_that_is_none_is_refused(rng: Any) -> None:
    with pytest.raises(TypeError, match=r"rng is a np\.random\.Generator, a RandomState or a seed, not"):
        init.normal((2,), rng=rng)


@pytest.mark.parametrize("initialise", DRAWN[2:])
def test_fans_need_the_shape_of_a_weight(initialise: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"of the shape \(3,\): a weight has the shape \(in, out\)"):
        initialise((3,), rng=0)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="mode is 'fan_avg'; it is 'fan_in' or 'fan_out'"):
        init.kaiming_normal((2, 3), rng=0, mode="fan_avg")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "initialise", [init.xavier_uniform, init.xavier_normal, init.kaiming_uniform, init.kaiming_normal]
)
def test_an_empty_weight_is_empty(initialise: Callable[..., Any]) -> None:
    assert initialise((0, 0), rng=0).shape == (0, 0)
