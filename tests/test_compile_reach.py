"""Where a compiled step may find what it uses: wherever that is, a change of it is seen, or the step is refused."""

from __future__ import annotations

import array
import contextvars
import copy
import dataclasses
import functools
import operator
import os
import queue
import sys
import threading
import types
import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor

ONES = np.ones(3)


def agrees(make: Any, *, recorded: int | None = None) -> None:
    """Six calls of two equal steps, eager and compiled; `make` gives a step, a change between calls, and a look."""
    (eager, change, look), (step, change_too, look_too) = make(), make()
    compiled = autograd.compile(step)
    for k in range(6):
        change(float(k))
        change_too(float(k))
        x = np.full(3, k + 1.0)
        expected, found = eager(x), compiled(x)
        assert np.array_equal(expected, found), k
        assert np.array_equal(look(), look_too()), k
    assert recorded is None or compiled.stats.recorded == recorded


def nothing(*_: Any) -> float:
    return 0.0


def generator() -> Any:
    return np.random.default_rng(0)


def drawn_by_default() -> Any:
    def step(x: Any, rng: Any = generator()) -> Any:  # noqa: B008
        return x * rng.normal(size=3)

    return step, nothing, nothing


def drawn_by_a_helper() -> Any:
    def noise(n: int, rng: Any = generator()) -> Any:  # noqa: B008
        return rng.normal(size=n)

    return lambda x: x * noise(3), nothing, nothing


def drawn_in_a_partial() -> Any:
    return functools.partial(lambda rng, x: x * rng.normal(size=3), generator()), nothing, nothing


def drawn_by_a_bound_method() -> Any:
    draw = generator().normal
    return lambda x: x * draw(size=3), nothing, nothing


def written_by_default() -> Any:
    def step(x: Any, kept: Any = np.zeros(3)) -> Any:  # noqa: B008
        kept += x
        return x * kept

    return step, nothing, nothing


def written_in_a_partial() -> Any:
    kept = np.zeros(3)

    def step(kept: Any, x: Any) -> Any:
        kept += 1
        return x * kept

    return functools.partial(step, kept), nothing, lambda: kept


def counted_in_a_plain_array() -> Any:
    def step(x: Any) -> Any:
        count = np.zeros(())
        for _ in range(3):
            count += 1
            x = x * count
        return x

    return step, nothing, nothing


@pytest.mark.parametrize(
    "make",
    [
        drawn_by_default, drawn_by_a_helper, drawn_in_a_partial, drawn_by_a_bound_method, written_by_default,
        written_in_a_partial, counted_in_a_plain_array,
    ],
)  # fmt: skip
def test_arrays_and_generators(make: Any) -> None:
    agrees(make, recorded=1)


def attribute_of_a_function() -> Any:
    def step(x: Any) -> Any:
        return x * step.scale  # type: ignore[attr-defined]

    return step, lambda k: setattr(step, "scale", k), nothing


def attribute_by_a_getter() -> Any:
    settings, get = types.SimpleNamespace(rate=1.0), operator.attrgetter("rate")
    return lambda x: x * get(settings), lambda k: setattr(settings, "rate", k), nothing


def attribute_by_a_weak_reference() -> Any:
    held = Settings()
    weak = weakref.ref(held)
    return lambda x: x * weak().rate, lambda k: setattr(held, "rate", k), nothing  # type: ignore[union-attr]


class Settings:
    rate = 1.0


def attribute_in_a_pattern() -> Any:
    settings = Settings()

    def step(x: Any) -> Any:
        match settings:
            case Settings(rate=r):
                return x * r

    return step, lambda k: setattr(settings, "rate", k), nothing


@dataclasses.dataclass
class Rates:
    first: float = 1.0
    second: float = 2.0


def fields_of_a_dataclass() -> Any:
    rates = Rates()

    def step(x: Any) -> Any:
        a, b = dataclasses.astuple(rates)
        return x * a + b

    return step, lambda k: setattr(rates, "first", k), nothing


def attributes_of_a_copy() -> Any:
    rates = Rates()
    return lambda x: x * sum(copy.copy(rates).__dict__.values()), lambda k: setattr(rates, "first", k), nothing


def module(name: str) -> Any:
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made


OUTER = module("outer_settings_of_a_test")
OUTER.inner = module("inner_settings_of_a_test")
OUTER.inner.rate = 1.0


def set_inner(k: float) -> None:
    OUTER.inner.rate = k


def module_in_a_module() -> Any:
    return lambda x: x * OUTER.inner.rate, set_inner, nothing


def module_in_a_variable() -> Any:
    settings = OUTER.inner
    return lambda x: x * settings.rate, set_inner, nothing


def module_imported_by_the_step() -> Any:
    def step(x: Any) -> Any:
        import inner_settings_of_a_test  # type: ignore[import-not-found]

        return x * inner_settings_of_a_test.rate

    return step, set_inner, nothing


def order_of_keys() -> Any:
    scales = OrderedDict(a=1.0, b=2.0)

    def step(x: Any) -> Any:
        for scale in scales.values():
            x = x * scale + 1
        return x

    return step, lambda k: scales.move_to_end("ab"[int(k) % 2]), nothing


@pytest.mark.parametrize(
    "make",
    [
        attribute_of_a_function, attribute_by_a_getter, attribute_by_a_weak_reference, attribute_in_a_pattern,
        fields_of_a_dataclass, attributes_of_a_copy, module_in_a_module, module_in_a_variable,
        module_imported_by_the_step, order_of_keys,
    ],
)  # fmt: skip
def test_settings(make: Any) -> None:
    agrees(make)


QUEUE: Any = queue.Queue()
FLAG = threading.Event()
VARIABLE = contextvars.ContextVar("VARIABLE", default=2.0)
NUMBERS = array.array("d", [2.0])
BITS = np.random.PCG64(0)


def uses_a_queue(x: Any) -> Any:
    QUEUE.put(3)
    return x * 2


def uses_the_environment(x: Any) -> Any:
    return x * len(os.environ.get("HOME", ""))


def uses_a_generator_by_its_bits(x: Any) -> Any:
    return x * np.random.Generator(BITS).normal(size=3)


@pytest.mark.parametrize(
    "step",
    [
        uses_a_queue, lambda x: x * FLAG.is_set(), lambda x: x * VARIABLE.get(), lambda x: x * NUMBERS[0],
        uses_the_environment, lambda x: x * os.path.exists("setting"), uses_a_generator_by_its_bits,
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused(step: Any) -> None:
    with pytest.raises(TypeError, match=r"compiled step (uses|reads|looks).*test_compile_reach\.py:"):
        autograd.compile(step)(ONES)


@pytest.mark.parametrize(
    "change", [lambda d, x: d.update(y=x), lambda d, x: d.pop("x"), lambda d, x: d.__setitem__("x", 2 * x)]
)
def test_a_changed_dictionary_of_arguments_is_refused(change: Any) -> None:
    def step(batch: Any) -> Any:
        x = batch["x"]
        change(batch, x)
        return x * 2

    with pytest.raises(TypeError, match="list or dictionary that it gets as an argument"):
        autograd.compile(step)({"x": ONES})


def test_arguments_that_share_memory() -> None:
    @autograd.compile
    def step(a: Any, b: Any) -> Any:
        a += b
        return b * 2

    for _ in range(3):
        assert step(np.ones(3), np.ones(3)).tolist() == [2, 2, 2]
    whole = np.ones(4)
    with pytest.raises(TypeError, match="shares its memory"):
        step(whole[:3], whole[1:])


def test_a_view_of_what_the_step_writes_as_its_argument() -> None:
    w = Tensor(np.ones((3, 3)), requires_grad=True, name="w")

    @autograd.compile
    def step(x: Any) -> Any:
        w.data -= 1
        return x * 2

    step(np.ones((3, 3)))
    with pytest.raises(TypeError, match="writes into w.*shares its memory with x"):
        step(w.data.T)


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

    with pytest.raises(TypeError, match=r"inv raised LinAlgError, at .*test_compile_reach\.py:"):
        step(np.zeros((2, 2)))
    assert step(np.eye(2)).tolist() == [[1, 0], [0, 1]]


def test_rounding_leaves() -> None:
    with pytest.raises(TypeError, match=r"round\(\) of a value of the recorded step"):
        autograd.compile(lambda x: x * round(x[0]))(ONES)


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


def test_a_loss_that_saturates() -> None:
    step = autograd.compile(lambda p, y: nn.functional.binary_cross_entropy(p, y))
    half, ends = np.full(2, 0.5), np.array([0.0, 1.0])
    for p in (half, half, ends, ends):
        assert step(p, ends) == nn.functional.binary_cross_entropy(p, ends)


def test_anomalies_are_detected_in_compiled_steps() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    step = autograd.compile(lambda x: np.sum(np.log(w * x)))
    for _ in range(2):
        step(ONES)
    with np.errstate(all="ignore"), autograd.detect_anomaly(), pytest.raises(Exception, match=r"np\.log"):
        step(np.zeros(3))
    assert step(ONES).item() == 0

    def inside(x: Any) -> Any:
        with autograd.detect_anomaly():
            return np.log(w * x)

    with pytest.raises(TypeError, match="around the call"):
        autograd.compile(inside)(ONES)


def test_hooks_of_parameters() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    seen: list[int] = []

    @autograd.compile
    def step(x: Any) -> Any:
        w.grad = None
        np.sum(w * x).backward()
        return w.grad

    for _ in range(2):
        assert step(ONES).tolist() == [1, 1, 1]
    hook = w.register_hook(lambda g: g * 2)
    for _ in range(2):
        assert step(ONES).tolist() == [2, 2, 2]
    hook.remove()
    assert step(ONES).tolist() == [1, 1, 1]
    w.register_hook(lambda g: seen.append(1))
    with pytest.raises(TypeError, match=r"changes len\(seen\)"):
        step(ONES)


def test_methods_of_classes() -> None:
    class Learner:
        w = Tensor(np.ones(3), requires_grad=True)

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


def state_and_its_beginning() -> Any:
    beginning = np.zeros(3)
    state = {"h": beginning}

    def step(x: Any) -> Any:
        state["h"] = state["h"] + x
        return state["h"] + beginning

    return step, nothing, lambda: state["h"]


def reset_to_its_beginning() -> Any:
    beginning = np.zeros(3)
    h = beginning

    def step(x: Any) -> Any:
        nonlocal h
        if x[0] == 4:
            h = beginning
        h = h + x
        return h * 1.0

    return step, nothing, lambda: h


def shifted_list() -> Any:
    zeros = np.zeros(3)
    last = [zeros, zeros, zeros]

    def step(x: Any) -> Any:
        last[0], last[1], last[2] = last[1], last[2], x * 1.0
        return last[0] + 2 * last[1] + 3 * last[2]

    return step, nothing, lambda: last


def parameters_and_the_best_of_them() -> Any:
    w = Tensor(np.ones(3), requires_grad=True)
    best = {"w": w.data}

    def step(x: Any) -> Any:
        w.data -= 0.1 * x
        if x[0] % 2 == 1:
            best["w"] = w.data.copy()
        return w.data * 1.0

    return step, nothing, lambda: best["w"]


def one_array_in_two_places() -> Any:
    zeros = np.zeros(3)
    state = {"a": zeros, "b": zeros}

    def change(k: float) -> None:
        if k == 3:
            state["a"] += 1
        if k == 4:
            state["b"] = state["b"] * 2

    def step(x: Any) -> Any:
        state["a"] = state["b"] = state["a"] + x
        return state["a"] * state["b"]

    return step, change, lambda: state["a"] + 2 * state["b"]


@pytest.mark.parametrize(
    "make",
    [
        state_and_its_beginning, reset_to_its_beginning, shifted_list, parameters_and_the_best_of_them,
        one_array_in_two_places,
    ],
)  # fmt: skip
def test_one_array_in_several_places(make: Any) -> None:
    agrees(make)


def test_what_arrays_have() -> None:
    def step(x: Any) -> Any:
        y = np.reshape(x, (1, 3))
        return np.stack([y.flatten(), y.T.flatten(), y.real[0], y.imag[0], x + x.itemsize, x * x.nbytes])

    compiled = autograd.compile(step)
    for k in range(3):
        assert np.array_equal(compiled(ONES * k), step(ONES * k))


def test_arrays_that_are_exchanged_between_calls_are_read_afresh() -> None:
    batch, kept = {"x": ONES}, {"mean": np.zeros(3)}
    training = [True]

    @autograd.compile
    def step(y: Any) -> Any:
        if training[0]:
            kept["mean"] = 0.5 * kept["mean"] + batch["x"]
        return batch["x"] * y - kept["mean"]

    mean = np.zeros(3)
    for k in range(12):
        batch["x"] = np.full(3, k + 1.0)
        training[0] = k % 2 == 0
        if training[0]:
            mean = 0.5 * mean + batch["x"]
        assert np.array_equal(step(ONES), batch["x"] - mean)
    assert step.stats.recorded <= 4
    batch["x"] = np.ones((2, 3))
    assert np.array_equal(step(ONES), batch["x"] - mean)


def test_an_exchanged_array_that_is_written_by_the_step() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    seen = {"x": np.zeros(3)}

    @autograd.compile
    def step(y: Any) -> Any:
        w.data -= y
        return seen["x"] * 1.0

    for k in range(4):
        seen["x"] = np.full(3, float(k))
        assert step(ONES).tolist() == [k] * 3
    seen["x"] = w.data
    assert step(ONES).tolist() == w.data.tolist()


def test_what_a_cache_keeps_of_one_recording_serves_the_next() -> None:
    w = np.ones(3)

    @functools.lru_cache
    def scaled(n: int) -> Any:
        return w * n

    step = autograd.compile(lambda x: x * scaled(3))
    for n in (3, 3, 1, 3, 1):
        x = np.ones((n, 3))
        assert step(x).tolist() == (3 * x).tolist()


def reset_to_zeros() -> Any:
    state = {"h": np.ones(3)}

    def change(k: float) -> None:
        if k == 3:
            state["h"] += 7

    def step(x: Any) -> Any:
        y = x + state["h"]
        state["h"] = np.zeros(3)
        return y

    return step, change, lambda: state["h"]


def made_when_first_needed() -> Any:
    made: dict[str, Any] = {"mask": None}

    def step(x: Any) -> Any:
        if made["mask"] is None:
            made["mask"] = np.tril(np.ones((3, 3)))
        return made["mask"] @ x

    return step, nothing, lambda: made["mask"]


@pytest.mark.parametrize("make", [reset_to_zeros, made_when_first_needed])
def test_plain_arrays_that_a_step_puts_into_places(make: Any) -> None:
    agrees(make)


def test_writing_a_value_into_an_element_of_a_plain_array_is_refused_with_the_line() -> None:
    def step(x: Any) -> Any:
        out = np.zeros(3)
        out[1] = x[0]
        return out

    with pytest.raises(TypeError, match=r"test_compile_reach\.py:"):
        autograd.compile(step)(ONES)
