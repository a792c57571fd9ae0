"""Values that decide in a compiled step, errors, options, and what a call may look like."""

from __future__ import annotations

import copy
import functools
import warnings
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor

# Values that decide, errors, options

ONES = np.ones(3)


@pytest.mark.parametrize("kind", [np.bool_, np.int64, np.float32, np.float64])
def test_a_number_of_numpys_is_an_argument_of_one_recording(kind: Any) -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    step = autograd.compile(lambda number, x: np.sum(w * np.where(number, x, 2.0)), state=w)
    for number in (1, 1, 0):
        assert step(kind(number), np.ones(3)).item() == (3.0 if number else 6.0)
    assert step.stats.recorded == 1


def test_an_argument_that_is_a_number_is_one_while_recording() -> None:
    kinds: list[Any] = [np.ndarray, float, np.floating]

    def step(x: Any, scale: Any) -> Any:
        return x * [isinstance(part, kind) for part in (x, scale) for kind in kinds].index(True) + isinstance(
            scale, float
        )

    compiled = autograd.compile(step)
    for k in range(3):
        assert np.array_equal(compiled(ONES, np.float64(k)), step(ONES, np.float64(k)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_arguments_that_are_not_finite(value: float) -> None:
    step = autograd.compile(lambda x, a: x * a)
    for a in (value, 1.0, value, value):
        assert np.array_equal(step(ONES, a), ONES * a, equal_nan=True)


def test_values_as_keys() -> None:
    table = {1.0: 5.0, 2.0: 7.0}
    step = autograd.compile(lambda x: x * table.get(x[0], 0.0) * len({x[0], x[1]}))
    for first in (1.0, 2.0, 3.0, 2.0, 1.0):
        x = np.array([first, 1.0])
        for _ in range(2):
            assert np.array_equal(step(x), x * table.get(first, 0.0) * len({first, 1.0}))


def test_an_error_of_a_value_that_the_step_catches_is_refused() -> None:
    @autograd.compile
    def step(a: Any) -> Any:
        try:
            return np.linalg.inv(a)
        except np.linalg.LinAlgError:
            return a * 0

    with pytest.raises(TypeError, match=r"inv raised LinAlgError, at .*test_compile_values\.py:"):
        step(np.zeros((2, 2)))
    assert step(np.eye(2)).tolist() == [[1, 0], [0, 1]]


def test_an_einsum_of_what_is_traced_and_a_tensor_writes_nowhere() -> None:
    w, x = Tensor(np.ones((2, 3)), requires_grad=True), np.arange(6.0).reshape(2, 3)
    step = autograd.compile(lambda x: np.einsum("ij,kj->ik", x, w) + np.einsum("ij,jk", x, w.T), state=w)
    for scale in (1.0, 2.0):
        np.testing.assert_allclose(step(scale * x).data, 2 * scale * x @ np.ones((3, 2)))


def test_rounding_leaves() -> None:
    with pytest.raises(TypeError, match=r"round\(\) of a value of the recorded step"):
        autograd.compile(lambda x: x * round(x[0]))(ONES)


def test_an_array_in_the_place_of_an_element_is_refused_as_such() -> None:
    def step(x: Any) -> Any:
        held = np.zeros(2)
        held[0] = x  # of which NumPy makes a ValueError
        return x * held[0]

    with pytest.raises(TypeError, match=r"float\(\) of a value of the recorded step, at .*held\[0\] = x"):
        autograd.compile(step)(ONES)


@pytest.mark.parametrize("treated", ["ignore", "raise"])
def test_errors_are_treated_as_the_step_says(treated: Any) -> None:
    @autograd.compile
    def step(x: Any) -> Any:
        with np.errstate(divide=treated):
            y = np.log(x)
        return y + 1

    for _ in range(2):
        assert step(ONES).tolist() == [1, 1, 1]
    if treated == "raise":
        with pytest.raises(FloatingPointError):
            step(np.zeros(3))
    else:
        assert step(np.zeros(3)).tolist() == [-np.inf] * 3
    assert "errstate" in step.source


def test_calls_with_equal_numbers_are_one_but_not_of_zeros_with_other_signs() -> None:
    twice = autograd.compile(lambda x: (np.power(x, 1 / 2) + 1, np.power(x, 2 / 4) * 2))
    zeros = autograd.compile(lambda x: (np.copysign(x, 0.0), np.copysign(x, -0.0)))
    for _ in range(2):
        assert [part.tolist() for part in twice(ONES)] == [[2.0] * 3, [2.0] * 3]
        assert [part.tolist() for part in zeros(ONES)] == [[1.0] * 3, [-1.0] * 3]
    assert (twice.stats.operations, zeros.stats.operations) == (3, 2)


def test_equal_calls_are_two_where_errors_are_treated_otherwise() -> None:
    @autograd.compile
    def step(x: Any) -> Any:
        with np.errstate(divide="ignore"):
            quiet = np.log(x)
        with np.errstate(divide="raise"):
            return quiet + np.log(x)

    assert step(np.ones(3)).tolist() == step(np.ones(3)).tolist() == [0, 0, 0]
    with pytest.raises(FloatingPointError):
        step(np.zeros(3))


def test_equal_calls_with_equal_options_are_one() -> None:
    @autograd.compile
    def step(x: Any) -> Any:
        first, again = (np.exp(x - np.max(x, axis=1, keepdims=True)) for _ in range(2))
        return first + again + np.max(x, axis=0, keepdims=True)

    x = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(step(x), step.__wrapped__(x))
    assert np.array_equal(step(-x), step.__wrapped__(-x))
    assert step.source.count("maximum_reduce(") == 2
    assert step.source.count("exp(") == 1


def test_a_pass_of_a_network_sums_over_samples_by_blas_from_a_constant_seed() -> None:
    model = nn.MLP([3, 4, 2], rng=0)

    @autograd.compile(state=model)
    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    step(np.ones((5, 3)), np.ones((5, 2)))
    assert "ones_like" not in step.source
    assert step.source.count("add_reduce(") == 1  # the loss


REDUCTIONS = [np.sum, np.prod, np.max, np.min, np.any, np.all]


@pytest.mark.parametrize("fn", REDUCTIONS, ids=lambda fn: fn.__name__)
@pytest.mark.parametrize("dtype", [float, np.float32, int, bool, np.uint8])
@pytest.mark.parametrize("options", [{}, {"axis": None}, {"axis": 1}, {"axis": (0, 1), "keepdims": True}], ids=str)
def test_a_reduction_is_what_its_function_gives(fn: Any, dtype: Any, options: Any) -> None:
    x = np.array([[0, 1, 2], [3, 0, 5]]).astype(dtype)
    step = autograd.compile(lambda x: fn(x, **options))
    for value in (x, x[::-1].copy()):
        found, expected = step(value), fn(value, **options)
        assert np.array_equal(found, expected)
        assert np.asarray(found).dtype == np.asarray(expected).dtype


def test_a_loss_that_saturates() -> None:
    step = autograd.compile(lambda p, y: nn.functional.binary_cross_entropy(p, y))
    half, ends = np.full(2, 0.5), np.array([0.0, 1.0])
    for p in (half, half, ends, ends):
        assert step(p, ends) == nn.functional.binary_cross_entropy(p, ends)


def test_what_a_transform_differentiates_is_not_replayed() -> None:
    step = autograd.compile(lambda x: np.sum(x**3))
    for _ in range(2):
        step(ONES)
    assert np.array_equal(autograd.grad(step)(2 * ONES), 12 * ONES)
    assert np.array_equal(autograd.grad(lambda x: step(2 * x))(ONES), 24 * ONES)
    assert np.array_equal(autograd.hessian(step)(ONES), 6 * np.eye(ONES.size))
    model = nn.Linear(1, 1, bias=False, rng=0)
    loss = autograd.compile(lambda model: np.sum(model(np.full((1, 1), 3.0))))
    assert autograd.grad(loss)(model)["weight"] == 3


def test_anomalies_are_detected_in_compiled_steps() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    step = autograd.compile(lambda x: np.sum(np.log(w * x)), state=w)
    for _ in range(2):
        step(ONES)
    with np.errstate(all="ignore"), autograd.detect_anomaly(), pytest.raises(Exception, match=r"np\.log"):
        step(np.zeros(3))
    assert step(ONES).item() == 0

    def inside(x: Any) -> Any:
        with autograd.detect_anomaly():
            return np.log(w * x)

    with pytest.raises(TypeError, match="around the call"):
        autograd.compile(inside, state=w)(ONES)


def test_methods_of_classes() -> None:
    class Learner:
        w = Tensor(np.ones(3))

        @classmethod
        @autograd.compile
        def of_class(cls, x: Any) -> Any:
            return cls.w * x

        @staticmethod
        @autograd.compile
        def static(x: Any) -> Any:
            return Learner.w * x

    for _ in range(3):
        assert Learner.of_class(ONES).tolist() == Learner().static(ONES).tolist() == [1, 1, 1]


def test_modules_as_arguments() -> None:
    def step(model: Any, optimizer: Any, x: Any) -> Any:
        loss = np.sum(model(x) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    compiled, found = autograd.compile(step), []
    for run in (step, compiled):
        model = nn.Linear(3, 2, rng=0)
        optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
        found.append([run(model, optimizer, ONES * k).item() for k in range(1, 6)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_what_arrays_have() -> None:
    def step(x: Any) -> Any:
        y = np.reshape(x, (1, 3))
        z = x + x.var(axis=0) + np.outer(x, x).trace() + x.std() + copy.deepcopy(x).max()
        return np.stack([y.flatten(), y.T.flatten(), y.real[0], y.imag[0], x + x.itemsize, x * x.nbytes, z])

    compiled = autograd.compile(step)
    for k in range(3):
        assert np.array_equal(compiled(ONES * k), step(ONES * k))


def test_the_variance_of_a_gradient() -> None:
    w = Tensor(np.arange(3.0), requires_grad=True)

    @autograd.compile(state=w)
    def step(x: Any) -> Any:
        w.zero_grad()
        np.sum((w * x) ** 2).backward()
        return w.grad.var(), w.grad.trace if w.grad.ndim > 1 else w.grad.mean()

    for k in range(1, 4):
        g = 2 * w.data * k * k
        assert [float(v) for v in step(ONES * k)] == pytest.approx([g.var(), g.mean()])


def test_what_a_cache_keeps_of_one_recording_serves_the_next() -> None:
    w = np.ones(3)

    @functools.lru_cache
    def scaled(n: int) -> Any:
        return w * n

    step = autograd.compile(lambda x: x * scaled(3))
    for n in (3, 3, 1, 3, 1):
        x = np.ones((n, 3))
        assert step(x).tolist() == (3 * x).tolist()


def test_many_shapes_warn_once_and_are_kept() -> None:
    step = autograd.compile(lambda x: x * 2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            for n in range(1, 60):
                assert step(np.ones(n)).tolist() == [2] * n
    assert [str(warning.message) for warning in caught if "was recorded" in str(warning.message)] != []
    assert len(caught) == 1
    assert step.stats.recorded == 59


def test_gradients_that_are_cleared_first_cost_no_second_recording() -> None:
    for order in ("first", "last"):
        model = nn.Linear(3, 2, rng=0)
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

        def step(x: Any, order: str = order, model: Any = model, optimizer: Any = optimizer) -> Any:
            if order == "first":
                optimizer.zero_grad()
            loss = np.sum(model(x) ** 2)
            loss.backward()
            optimizer.step()
            if order == "last":
                optimizer.zero_grad()
            return loss

        compiled = autograd.compile(step, state=(model, optimizer))
        for _ in range(4):
            compiled(ONES)
        assert compiled.stats.recorded == 1


@pytest.mark.parametrize(("shape", "axis"), [((4, 3), -1), ((4, 3), 0), ((2, 4, 3), 1), ((5,), 0)])
def test_take_along_axis_and_new_axes(shape: Any, axis: int) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    step = autograd.compile(lambda x, t: 2 * np.take_along_axis(x, np.expand_dims(t, axis), axis=axis))
    for seed in range(3):
        t = np.random.default_rng(seed).integers(0, shape[axis], np.delete(shape, axis))
        assert np.array_equal(step(x, t), step.__wrapped__(x, t))
