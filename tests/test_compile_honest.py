"""What a replay could not repeat is recorded anew, or refused with the line: never a stale result."""

from __future__ import annotations

import itertools
import random
import time
from collections import deque
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from compiled import agree, compare

import autograd
from autograd import Tensor

ONES = np.ones(3)


def weight() -> Any:
    return Tensor([1.0, -2.0, 3.0], requires_grad=True)


def refused(step: Any, *args: Any, state: Any = (), match: str = "step|program", line: bool = True) -> None:
    """The first call raises, and says where."""
    with pytest.raises(TypeError, match=match) as caught:
        autograd.compile(step, state=state)(*args)
    assert not line or "test_compile_honest.py:" in str(caught.value)


@pytest.mark.filterwarnings("ignore::autograd.GradientCutWarning")
@pytest.mark.parametrize(
    "leave", [lambda t: t.item(), float, lambda t: print(t), lambda t: f"{t.data}", lambda t: t.data.tolist(),
              lambda t: np.asarray(t.data), lambda t: np.zeros(3)[np.asarray(t.data > 0, dtype=bool)]],
)  # fmt: skip
def test_values_that_leave(leave: Any) -> None:
    w = weight()

    def step(x: Any) -> Any:
        loss = np.sum(w * x)
        leave(loss)
        return loss

    refused(step, ONES, state=w)
    assert type(w.data) is np.ndarray
    assert w.grad is None
    assert step.__closure__ is not None and step(ONES).item() == 2 if leave is not print else True


def test_an_error_that_is_caught_inside_is_raised_at_the_end() -> None:
    w = weight()

    def step(x: Any) -> Any:
        loss = np.sum(w * x)
        try:
            told = float(loss)
        except TypeError:
            told = 0.0
        return loss * told

    refused(step, ONES, state=w, match="item|float")


def test_branches() -> None:
    @autograd.compile
    def step(x: Any) -> Any:
        total = np.sum(x)
        if total > 0:
            return x * 2
        return -x

    for k in range(6):
        x = np.full(3, (-1.0) ** k * (k + 1))
        assert step(x).tolist() == (2 * x if k % 2 == 0 else -x).tolist()
    assert step.stats.recorded == 2


def test_a_decision_after_parameters_changed() -> None:
    def make() -> Any:
        w = weight()

        def step(x: Any) -> Any:
            w.zero_grad()
            loss = np.sum((w * x) ** 2)
            loss.backward()
            w.data -= 0.1 * w.grad
            if np.sum(w.data**2) < 1.0:
                w.data *= 2.0
            return loss

        return step, w

    agree(make, [(np.full(3, 1.0 + k % 3),) for k in range(20)], rtol=0, recorded=2)


def test_a_decision_after_a_draw_takes_the_draw_back() -> None:
    def make() -> Any:
        rng = np.random.default_rng(3)

        def step(x: Any) -> Any:
            noise = rng.normal(size=3)
            if np.sum(noise) > 0:
                return x + noise
            return x - rng.random(3)

        return step, rng

    agree(make, [(ONES,)] * 12, rtol=0, recorded=2)


@pytest.mark.parametrize(
    "function",
    [lambda x: x[x > 0] * 2, lambda x: np.nonzero(x)[0] + 1, lambda x: np.unique(x), lambda x: np.compress(x > 0, x),
     lambda x: np.histogram_bin_edges(x, "auto"), lambda x: np.repeat(x, np.astype(np.abs(x), int)),
     lambda x: np.sum(x[x > 0]) / len(x[x > 0]), lambda x: np.trim_zeros(np.maximum(x, 0)),
     lambda x: x[: int(np.sum(x > 0))], lambda x: np.flatnonzero(x > 0)],
)  # fmt: skip
def test_shapes_that_depend_on_values(function: Any) -> None:
    step = autograd.compile(function)
    for x in ([1.0, 2.0, -3.0], [1.0, 2.0, 3.0], [4.0, -1.0, 2.0], [-1.0, 3.0, 2.0], [2.0, 2.0, -1.0]):
        expected = function(np.array(x))
        assert np.array_equal(step(np.array(x)), expected)


class Model:
    def __init__(self) -> None:
        self.w, self.count, self.rate, self.layers = weight(), 0, 0.5, [1.0, 2.0]
        self.names, self.queue = {"a"}, deque([1.0])

    def __state__(self) -> Any:
        return vars(self)


def changed_counter(model: Any, x: Any) -> Any:
    model.count += 1
    return model.w * x


def appended(model: Any, x: Any) -> Any:
    loss = np.sum(model.w * x)
    model.layers.append(loss)
    return loss


def added_to_a_set(model: Any, x: Any) -> Any:
    model.names.add("b")
    return model.w * x


def queued(model: Any, x: Any) -> Any:
    model.queue.append(1.0)
    return model.w * x


def kept_with_its_graph(model: Any, x: Any) -> Any:
    model.w2 = model.w * x
    return model.w2


def removed(model: Any, x: Any) -> Any:
    del model.rate
    return model.w * x


@pytest.mark.parametrize("step", [changed_counter, appended, added_to_a_set, queued, removed])
def test_changes_of_python_values(step: Any) -> None:
    model = Model()
    refused(lambda x: step(model, x), ONES, state=model, match="changes")
    assert type(model.w.data) is np.ndarray
    leaked = model.layers[-1]
    assert not isinstance(leaked, Tensor) or float(np.asarray(leaked.data)) == 2.0  # as after the eager step


def test_settings_of_another_type_are_other_settings() -> None:
    setting = {"power": 2}
    step = autograd.compile(lambda x: x * setting["power"], state=setting)
    x = np.arange(3)
    assert step(x).dtype == step(x).dtype == np.int64
    setting["power"] = 2.0  # type: ignore[assignment]
    assert step(x).dtype == np.float64
    setting["power"] = -0.0  # type: ignore[assignment]
    assert np.signbit(step(np.ones(3))).all()
    setting["power"] = 0.0  # type: ignore[assignment]
    assert not np.signbit(step(np.ones(3))).any()


@pytest.mark.parametrize("argument", [2, 2.0, "two", None, True, (1, 2), np.float64(2.0)])
def test_plain_arguments(argument: Any) -> None:
    def fn(x: Any, a: Any) -> Any:
        return x * (3.0 if a is None else len(a) if isinstance(a, (str, tuple)) else a)

    step = autograd.compile(fn)
    for a in (argument, 5, argument, 2, 2.0, argument):
        for _ in range(2):
            got, expected = step(ONES, a), fn(ONES, a)
            assert np.array_equal(got, expected)
            assert got.dtype == expected.dtype


def test_tensors_of_data_from_outside() -> None:
    numbers, array = [1.0, 2.0, 3.0], np.ones(3)

    @autograd.compile(state=(numbers, array))
    def step() -> Any:
        return Tensor(numbers) * Tensor(array) + np.array(numbers)

    for k in range(4):
        numbers[0], array[1] = float(k), k + 1.0
        assert step().data.tolist() == (np.array(numbers) * array + numbers).tolist()


def chance(x: Any) -> Any:
    return x * random.random()


def gauss(x: Any) -> Any:
    return x * random.gauss(0, 1)


def global_chance(x: Any) -> Any:
    return x * np.random.rand(3)  # noqa: NPY002


@pytest.mark.parametrize("step", [chance, gauss, global_chance])
def test_draws_from_generators_of_the_process_are_refused(step: Any) -> None:
    refused(step, ONES, match="global to the process")


COUNTER = itertools.count(1)


def clock(x: Any) -> Any:
    return x * time.perf_counter()


def iterated(x: Any) -> Any:
    return x * next(COUNTER)


def entropy(x: Any) -> Any:
    return x * np.random.default_rng().normal(size=3)


@pytest.mark.parametrize("step", [clock, iterated, entropy])
def test_what_python_gives_besides_is_a_constant_of_the_recording(step: Any) -> None:
    compiled = autograd.compile(step)
    first = compiled(ONES)
    assert np.array_equal(compiled(ONES), first)
    assert not np.array_equal(compiled(np.ones((2, 3)))[0], first)  # another recording


def test_a_generator_with_a_seed_inside_draws_the_same() -> None:
    step = autograd.compile(lambda x: x * np.random.default_rng(5).normal(size=3))
    assert np.array_equal(step(ONES), step(ONES))


@pytest.mark.parametrize("step", [lambda x: None, lambda x: 3, lambda x: x.shape])
def test_nothing_to_compile(step: Any) -> None:
    refused(step, ONES, match="nothing to compile", line=False)


def test_results_that_cannot_be_made_again() -> None:
    class Result:
        def __init__(self, value: Any) -> None:
            self.value = value

    refused(lambda x: Result(x * 2), ONES, match="returns a Result", line=False)


def test_graphs_from_outside() -> None:
    w = weight()
    outside = w * 2
    refused(lambda x: np.sum(outside * x), ONES, match="computed outside")
    refused(lambda t: t * 2, outside, match="pass it detached", line=False)
    model = Model()
    refused(lambda x: kept_with_its_graph(model, x), ONES, state=model, match="graph", line=False)


def test_parameters_outside_of_the_state() -> None:
    hidden = weight()
    hidden.name = "hidden"
    refused(lambda x: np.sum(hidden * x), ONES, match="hidden.*neither the arguments nor the state.*state=")
    assert autograd.compile(lambda x: hidden.detach() * x)(ONES).data.tolist() == [1, -2, 3]


def test_memory_that_is_shared() -> None:
    whole = np.zeros(6)
    part = whole[:3]

    def step(x: Any) -> Any:
        part[...] = x
        return whole * 2

    refused(step, ONES, state=(whole, part), match="shares its memory")


def test_a_step_that_raises_leaves_what_an_eager_one_leaves() -> None:
    def make() -> Any:
        w, rng, kept = weight(), np.random.default_rng(0), {"fail": True, "kept": np.zeros(3)}

        def step(x: Any) -> Any:
            w.zero_grad()
            loss = np.sum(w * x * rng.normal(size=3))
            loss.backward()
            w.data -= w.grad
            kept["kept"] += 1
            if kept["fail"]:
                raise KeyError("midway")
            return loss

        return step, (w, rng, kept)

    (eager, ours), (recorded, theirs) = make(), make()
    compiled = autograd.compile(recorded, state=theirs)
    for k in range(6):
        for step, state in ((compiled, theirs), (eager, ours)):
            state[2]["fail"] = k in (0, 3)
            with pytest.raises(KeyError) if state[2]["fail"] else nullcontext():
                step(ONES)
        compare(theirs, ours, rtol=0)
        assert type(theirs[0].grad) is np.ndarray


def test_an_error_in_a_replay() -> None:
    step = autograd.compile(lambda a: np.linalg.inv(a))
    step(np.eye(2))
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError):
            step(np.zeros((2, 2)))
    assert step(2 * np.eye(2)).tolist() == [[0.5, 0], [0, 0.5]]


def test_source_and_stats() -> None:
    w = weight()
    step = autograd.compile(lambda x: np.sum(w * x), state=w)
    with pytest.raises(RuntimeError, match="call it first"):
        _ = step.source
    step(ONES)
    step(ONES)
    assert step.source.startswith("def step(x):\n")
    assert "multiply(" in step.source
    assert "recorded 1 time" in str(step.stats)
    assert step.stats.operations == 2
    with pytest.raises(TypeError, match="takes a function"):
        autograd.compile(3)  # type: ignore[arg-type]
