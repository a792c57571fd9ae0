"""What belongs to a step, what is a guard, what is a constant, what is refused."""

from __future__ import annotations

import contextvars
import copy
import cProfile
import dataclasses
import functools
import io
import os
import queue
import threading
import types
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from compiled import agree, descending

import autograd
import nn
from autograd import Tensor

ONES = np.ones(3)


CALLS = [(np.full(3, k + 1.0),) for k in range(6)]


def generator() -> Any:
    return np.random.default_rng(0)


def drawn_by_a_helper() -> Any:
    rng = generator()

    def noise(rng: Any, n: int) -> Any:
        return rng.normal(size=n)

    return lambda x: x * noise(rng, 3), rng


def drawn_into_an_array() -> Any:
    rng, kept = generator(), np.zeros(3)

    def step(x: Any) -> Any:
        rng.random(out=kept)
        rng.permuted(kept, out=kept)
        return x * kept

    return step, (rng, kept)


def drawn_from_what_a_dictionary_holds() -> Any:
    held = {"rng": generator(), "legacy": np.random.RandomState(3)}
    return lambda x: x * held["rng"].random(3) + held["legacy"].randn(3), held


def written_in_a_closure() -> Any:
    kept = np.zeros(3)

    def step(x: Any) -> Any:
        kept[...] = kept + x
        return x * kept

    return step, kept


def counted_in_a_plain_array() -> Any:
    def step(x: Any) -> Any:
        count = np.zeros(())
        for _ in range(3):
            count += 1
            x = x * count
        return x

    return step, ()


def arrays_in_tuples() -> Any:
    mean, table = np.zeros(3), {}
    table["pairs"] = [(mean, 2.0), (np.ones(3), 3.0)]

    def step(x: Any) -> Any:
        for array, factor in table["pairs"]:
            array *= 0.5
            array += x * factor
        return table["pairs"][0][0] * x

    return step, table


@pytest.mark.parametrize(
    "make",
    [
        drawn_by_a_helper, drawn_into_an_array, drawn_from_what_a_dictionary_holds,
        written_in_a_closure, counted_in_a_plain_array, arrays_in_tuples,
    ],
)  # fmt: skip
def test_arrays_and_generators(make: Any) -> None:
    agree(make, CALLS, rtol=0, recorded=1)


# Settings


@dataclasses.dataclass
class Rates:
    first: float = 1.0
    second: float = 2.0


def fields_of_a_dataclass() -> Any:
    rates = Rates()
    return lambda x: x * rates.first + rates.second, rates


def attributes_of_a_copy() -> Any:
    rates = Rates()
    return lambda x: x * sum(copy.copy(rates).__dict__.values()), rates


def attributes_of_a_namespace() -> Any:
    held = types.SimpleNamespace(rate=1.0, inner=types.SimpleNamespace(power=2))
    return lambda x: x**held.inner.power * held.rate, held


def order_of_keys() -> Any:
    scales = OrderedDict(a=1.0, b=2.0)

    def step(x: Any) -> Any:
        for scale in scales.values():
            x = x * scale + 1
        return x

    return step, scales


def elements_of_a_set() -> Any:
    chosen = {0.0}
    return lambda x: x * len(chosen) * (3.0 in chosen), chosen


def length_of_a_list() -> Any:
    factors = [2.0]
    return lambda x: x * sum(factors), factors


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (fields_of_a_dataclass, lambda k, rates: setattr(rates, "first", float(k))),
        (attributes_of_a_copy, lambda k, rates: setattr(rates, "first", float(k))),
        (attributes_of_a_namespace, lambda k, held: setattr(held.inner, "power", k)),
        (order_of_keys, lambda k, scales: scales.move_to_end("ab"[k % 2])),
        (elements_of_a_set, lambda k, chosen: chosen.add(float(k))),
        (length_of_a_list, lambda k, factors: factors.append(float(k))),
    ],
)
def test_settings(make: Any, change: Any) -> None:
    agree(make, CALLS, rtol=0, change=change)


def test_settings_of_modules_and_optimisers() -> None:
    def make() -> Any:
        model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=1), nn.Linear(4, 2, rng=2))
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
        return descending(model, optimizer, lambda y: np.mean(y**2))

    def change(k: int, state: Any) -> None:
        model, optimizer = state
        model.train(k % 3 != 0)
        optimizer.momentum = 0.5 if k < 6 else 0.9
        model[0].weight.requires_grad = k % 4 != 1

    agree(make, [(np.full((5, 3), 0.1 * (k + 1)),) for k in range(12)], change=change)


# What is swapped between calls


def test_arrays_of_the_state_may_be_exchanged() -> None:
    model, held = nn.Linear(3, 2, rng=0), {"x": ONES}
    step = autograd.compile(lambda y: np.sum(model(held["x"]) * y), state=(model, held))
    rng = np.random.default_rng(0)
    for k in range(5):
        held["x"] = rng.normal(size=3)
        model.load_state_dict({"weight": rng.normal(size=(3, 2)), "bias": rng.normal(size=2)})
        y = rng.normal(size=2)
        expected = np.sum((held["x"] @ model.weight.data + model.bias.data) * y)
        assert step(y).item() == pytest.approx(expected, rel=1e-12), k
    assert step.stats.recorded == 1
    held["x"] = rng.normal(size=(4, 3))
    assert step(np.ones(2)).item() == pytest.approx(np.sum(held["x"] @ model.weight.data + model.bias.data))
    assert step.stats.recorded == 2


def test_an_exchanged_array_that_is_now_one_of_the_others() -> None:
    held = {"x": np.zeros(3), "w": np.ones(3)}

    @autograd.compile(state=held)
    def step(y: Any) -> Any:
        held["w"] -= y
        return held["x"] * 1.0

    for k in range(4):
        held["x"] = np.full(3, float(k))
        assert step(ONES).tolist() == [k] * 3
    held["x"] = held["w"]
    assert step(ONES).tolist() == held["w"].tolist()


def test_a_layer_that_is_replaced_is_noticed() -> None:
    model = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Tanh())
    step = autograd.compile(lambda x: model(x), state=model)
    for replacement in (nn.ReLU(), nn.Sigmoid(), nn.Linear(3, 2, rng=5)):
        for _ in range(2):
            assert np.array_equal(step(ONES).data, model(ONES).data)
        model._steps[1] = replacement
    for _ in range(2):
        assert np.array_equal(step(ONES).data, model(ONES).data)
    assert step.stats.recorded == 4


def test_a_state_that_is_swapped_is_an_error() -> None:
    model = nn.Linear(3, 2, rng=0)
    step = autograd.compile(lambda x: model(x), state=model)
    step(ONES)
    model = nn.Linear(3, 2, rng=1)
    with pytest.raises(TypeError, match="model is another Linear than the one that compile was given as state"):
        step(ONES)


def test_a_bare_array_is_what_its_variable_holds() -> None:
    mean = np.zeros(3)

    @autograd.compile(state=mean)
    def step(x: Any) -> Any:
        nonlocal mean
        mean = 0.5 * mean + x
        return mean * 2

    for k in range(4):
        assert step(ONES).tolist() == (mean * 2).tolist()
        assert mean[0] == [1, 1.5, 1.75, 1.875][k]
    mean = np.ones(3)
    assert step(ONES).tolist() == [3] * 3
    assert step.stats.recorded == 1


def test_a_generator_that_is_exchanged() -> None:
    held = {"rng": generator()}
    step = autograd.compile(lambda x: x * held["rng"].random(3), state=held)
    for _ in range(3):
        assert step(ONES).tolist() == generator().random(3).tolist()
        held["rng"] = generator()


# What is no state, and what the step does not own


@pytest.mark.parametrize("state", [3, "model", None, 2.5, len, np.float64, (np.zeros(3), 1.0)])
def test_a_state_that_holds_nothing(state: Any) -> None:
    with pytest.raises(TypeError, match=r"state(\[1\])? is a .*which holds nothing that a step could change"):
        autograd.compile(lambda x: x * 2, state=state)


class Closed:
    def __init__(self) -> None:
        self.w = np.ones(3)


QUEUE: Any = queue.Queue()
VARIABLE = contextvars.ContextVar("VARIABLE", default=2.0)


@pytest.mark.parametrize(
    "state", [Closed(), [Closed()], {"a": {"b": Closed()}}, QUEUE, VARIABLE, np.array([None]), np.ma.zeros(3)]
)
def test_objects_that_do_not_say_what_they_hold(state: Any) -> None:
    with pytest.raises(TypeError, match="does not say what it holds.*__state__"):
        autograd.compile(lambda x: x * 2, state=state)(ONES)
    with pytest.raises(TypeError, match="held is .*which does not say what it holds.*__state__"):
        autograd.compile(lambda x, held: x * 2)(ONES, state if isinstance(state, (Closed, queue.Queue)) else Closed())


class Copying(Closed):
    def __state__(self) -> Any:
        return dict(vars(self))


def test_a_state_that_is_a_copy() -> None:
    with pytest.raises(TypeError, match="__state__ of state, a Copying, returns a copy"):
        autograd.compile(lambda x: x * 2, state=Copying())(ONES)


def test_an_array_that_no_variable_holds() -> None:
    with pytest.raises(TypeError, match="is in no variable of the step"):
        autograd.compile(lambda x: x * 2, state=np.ones(3))(ONES)


def test_a_generator_that_is_drawn_from_unseen() -> None:
    held, rng = Closed(), generator()
    held.rng = rng  # type: ignore[attr-defined]
    draw = rng.random
    for step in (lambda x: x * held.rng.random(3), lambda x: x * draw(3)):  # type: ignore[attr-defined]
        with pytest.raises(TypeError, match="draws from a generator in a way that is not seen"):
            autograd.compile(step, state=rng)(ONES)


def test_a_generator_outside_is_no_constant() -> None:
    rng, drop = generator(), nn.Dropout(0.5, rng=0)
    with pytest.raises(TypeError, match="draws from a generator in a way that is not seen.*state="):
        autograd.compile(lambda x: x * rng.random(3))(ONES)
    assert autograd.compile(lambda x: drop(x), state=drop)(ONES).shape == (3,)


def outside_array(kept: Any) -> Any:
    def step(x: Any) -> Any:
        kept[...] = kept * 0.9 + x
        return x

    return step


def outside_array_by_out(kept: Any) -> Any:
    return lambda x: np.add(x, 1, out=kept)


def outside_array_by_a_function(kept: Any) -> Any:
    def step(x: Any) -> Any:
        np.put(kept, [0], x[:1])
        return x * 2

    return step


def outside_array_by_a_ufunc(kept: Any) -> Any:
    def step(x: Any) -> Any:
        np.add.at(kept, [0, 0], x[:2])
        return x * 2

    return step


@pytest.mark.parametrize(
    "make",
    [outside_array, outside_array_by_out, outside_array_by_a_function, outside_array_by_a_ufunc],
)
def test_writing_to_an_array_outside_is_an_error(make: Any) -> None:
    kept = np.zeros(3)
    with pytest.raises(TypeError, match=r"test_compile_contract.*state=") as caught:
        autograd.compile(make(kept))(ONES)
    assert "kept" in str(caught.value)
    assert kept.flags.writeable
    kept[...] = 1.0


def test_a_parameter_outside_that_receives_a_gradient() -> None:
    model = nn.Linear(3, 2, rng=0)

    def step(x: Any) -> Any:
        loss = np.sum(model(x))
        loss.backward()
        return loss

    with pytest.raises(TypeError, match="weight.*neither the arguments nor the state.*state="):
        autograd.compile(step)(ONES)
    assert model.weight.grad is None
    assert autograd.compile(step, state=model)(ONES).item() == np.sum(model(ONES)).item()


def test_an_optimiser_outside() -> None:
    model = nn.Linear(3, 2, rng=0)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        np.sum(model(x)).backward()
        optimizer.step()

    with pytest.raises(TypeError, match=r"writes a value of the step into .*state="):
        autograd.compile(step, state=model)(ONES)
    before = model.weight.data.copy()
    autograd.compile(step, state=optimizer)(ONES)  # its parameters are in it
    assert not np.array_equal(model.weight.data, before)


@pytest.mark.parametrize("kept", [{}, [], Closed()])
def test_values_that_are_kept_outside_are_refused_and_compute_as_arrays_do(kept: Any) -> None:
    def step(x: Any) -> Any:
        y = x * 2
        if isinstance(kept, dict):
            kept["y"] = y
        elif isinstance(kept, list):
            kept.append(Tensor(y))
        else:
            kept.y = y
        return y + 1

    line = step.__code__.co_firstlineno + 1
    with pytest.raises(TypeError, match=rf"keeps a value outside of .*test_compile_contract\.py:{line}:.*state="):
        autograd.compile(step)(ONES)
    held = kept["y"] if isinstance(kept, dict) else kept[0].data if isinstance(kept, list) else kept.y
    assert isinstance(held, np.ndarray)
    assert type(held + 1) is np.ndarray
    assert held.tolist() == [2, 2, 2]
    assert np.mean(held).item() == float(held[0]) == 2


def test_what_is_outside_is_a_constant() -> None:
    rate, table, environment = 2.0, np.ones(3), dict(os.environ)
    step = autograd.compile(lambda x: x * rate * table * len(environment))
    first = step(ONES)
    rate, table[0] = 3.0, 5.0
    environment.clear()
    assert np.array_equal(step(ONES), first)


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


# Memory


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

    @autograd.compile(state=w)
    def step(x: Any) -> Any:
        w.data -= 1
        return x * 2

    step(np.ones((3, 3)))
    with pytest.raises(TypeError, match="writes into w.*shares its memory with x"):
        step(w.data.T)


def test_a_view_from_outside_of_an_array_of_the_state() -> None:
    w = np.ones((3, 3))
    row = w[0]

    def step(x: Any) -> Any:
        w[...] = w + 1
        return x * row

    with pytest.raises(TypeError, match="uses an array.*row.*shares its memory with w"):
        autograd.compile(step, state=w)(ONES)


def state_and_its_beginning() -> Any:
    beginning = np.zeros(3)
    state = {"h": beginning}

    def step(x: Any) -> Any:
        state["h"] = state["h"] + x
        return state["h"] + beginning

    return step, (state, beginning)


def reset_to_its_beginning() -> Any:
    state = {"h": np.zeros(3), "beginning": np.zeros(3)}

    def step(x: Any) -> Any:
        if x[0] == 4:
            state["h"] = state["beginning"] * 1.0
        state["h"] = state["h"] + x
        return state["h"] * 1.0

    return step, state


def shifted_list() -> Any:
    zeros = np.zeros(3)
    last = [zeros, zeros, zeros]

    def step(x: Any) -> Any:
        last[0], last[1], last[2] = last[1], last[2], x * 1.0
        return last[0] + 2 * last[1] + 3 * last[2]

    return step, last


def parameters_and_the_best_of_them() -> Any:
    w = Tensor(np.ones(3), requires_grad=True)
    best = {"w": w.data}

    def step(x: Any) -> Any:
        w.data -= 0.1 * x
        if x[0] % 2 == 1:
            best["w"] = w.data.copy()
        return w.data * 1.0

    return step, (w, best)


def one_array_in_two_places() -> Any:
    zeros = np.zeros(3)
    state = {"a": zeros, "b": zeros}

    def step(x: Any) -> Any:
        state["a"] = state["b"] = state["a"] + x
        return state["a"] * state["b"]

    return step, state


def reset_to_zeros() -> Any:
    state = {"h": np.ones(3)}

    def step(x: Any) -> Any:
        y = x + state["h"]
        state["h"] = np.zeros(3)
        return y

    return step, state


def made_when_first_needed() -> Any:
    made: dict[str, Any] = {"mask": None}

    def step(x: Any) -> Any:
        if made["mask"] is None:
            made["mask"] = np.tril(np.ones((3, 3)))
        return made["mask"] @ x

    return step, made


def rebound(k: int, state: Any) -> None:
    if k == 3:
        state["a"] += 1
    if k == 4:
        state["b"] = state["b"] * 2


def moved(k: int, state: Any) -> None:
    if k == 3:
        state["h"] += 7


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (state_and_its_beginning, None), (reset_to_its_beginning, None), (shifted_list, None),
        (parameters_and_the_best_of_them, None), (one_array_in_two_places, rebound), (reset_to_zeros, moved),
        (made_when_first_needed, None),
    ],
)  # fmt: skip
def test_one_array_in_several_places(make: Any, change: Any) -> None:
    agree(make, CALLS, rtol=0, **({"change": change} if change else {}))


def test_places_that_come_to_share_memory_are_refused() -> None:
    w, held = np.ones(3), {"w": np.ones(3), "v": np.zeros(2)}

    def aliased(x: Any) -> Any:
        w[...] = w - x
        held["w"] = w
        return x * 2

    def a_view(x: Any) -> Any:
        held["w"] = x * 2
        held["v"] = held["w"][:2]
        return x * 2

    for step in (aliased, a_view):
        with pytest.raises(TypeError, match="share memory.*Keep a copy"):
            autograd.compile(step, state=(w, held) if step is aliased else held)(ONES)


# Values that decide, errors, options


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

    with pytest.raises(TypeError, match=r"inv raised LinAlgError, at .*test_compile_contract\.py:"):
        step(np.zeros((2, 2)))
    assert step(np.eye(2)).tolist() == [[1, 0], [0, 1]]


def saved(x: Any) -> Any:
    np.save(io.BytesIO(), x)
    return x * 2


@pytest.mark.parametrize(
    "step", [saved, lambda x: x * len(np.array2string(x)), lambda x: np.savez(io.BytesIO(), x=x),
             lambda x: x * len(repr(x)), lambda x: np.nan_to_num(x, copy=False), lambda x: np.clip(x, 0, 1, x),
             lambda x: np.median(x, overwrite_input=True)],
)  # fmt: skip
def test_effects_that_a_replay_would_not_have(step: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="a replay could not"):
        autograd.compile(step)(np.ones(3))


def test_an_einsum_of_what_is_traced_and_a_tensor_writes_nowhere() -> None:
    w, x = Tensor(np.ones((2, 3)), requires_grad=True), np.arange(6.0).reshape(2, 3)
    step = autograd.compile(lambda x: np.einsum("ij,kj->ik", x, w) + np.einsum("ij,jk", x, w.T), state=w)
    for scale in (1.0, 2.0):
        np.testing.assert_allclose(step(scale * x).data, 2 * scale * x @ np.ones((3, 2)))


def trimmed(x: Any) -> Any:
    y = np.trim_zeros(x)
    y *= 2
    return x


def diagonal_by_value(x: Any) -> Any:
    y = np.swapaxes(np.outer(x, x), np.argmax(x) % 2, 1)
    y[0] = 5.0
    return y


@pytest.mark.parametrize("step", [trimmed, diagonal_by_value])
def test_writing_into_a_view_that_values_decide(step: Any) -> None:
    with pytest.raises(TypeError, match="writing in place into a view by"):
        autograd.compile(step)(np.array([1.0, 2.0, 0.0]))


def test_a_profiler_goes_on() -> None:
    def afterwards() -> None:
        """What the profiler must still see."""

    profile = cProfile.Profile()
    profile.enable()
    try:
        autograd.compile(lambda x: x * 2)(ONES)
        afterwards()
    finally:
        profile.disable()
    assert "afterwards" in {entry.code.co_name for entry in profile.getstats() if not isinstance(entry.code, str)}


def test_other_threads_compute_as_always_meanwhile() -> None:
    held: dict[str, Any] = {"w": np.ones(3), "rng": generator()}
    seen: list[Any] = []

    def step(x: Any) -> Any:
        thread = threading.Thread(
            target=lambda: seen.extend([held["w"] * 2, held["rng"].random(2), float(held["w"][0])])
        )
        thread.start()
        thread.join()
        return held["w"] * x

    with pytest.raises(TypeError, match="draws from a generator in a way that is not seen"):
        autograd.compile(step, state=held)(ONES)
    assert [type(value) for value in seen] == [np.ndarray, np.ndarray, float]


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


def test_hooks_of_parameters() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    seen: list[Any] = []

    @autograd.compile(state=w)
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
    w.register_hook(seen.append)
    with pytest.raises(TypeError, match="keeps a value outside"):
        step(ONES)


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
        z = x + x.var(axis=0) + np.outer(x, x).trace() + x.std() + copy.deepcopy(x).ptp() if hasattr(x, "ptp") else x
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


@pytest.mark.parametrize("hold", [lambda m: m, lambda m: [m], lambda m: types.SimpleNamespace(m=m)])
def test_dropout_outside_of_the_state_is_refused(hold: Any) -> None:
    """As a constant its mask would be the same in every replay."""
    drop = nn.Dropout(0.5, rng=0)
    held = hold(drop)

    def step(x: Any) -> Any:
        module = held.m if hasattr(held, "m") else held[0] if isinstance(held, list) else held
        return module(x) * 2.0

    with pytest.raises(TypeError, match="draws from the generator of a Dropout .*state="):
        autograd.compile(step)(ONES)
    drop.eval()
    np.testing.assert_array_equal(autograd.compile(step)(ONES), ONES * 2)


@pytest.mark.parametrize(("shape", "axis"), [((4, 3), -1), ((4, 3), 0), ((2, 4, 3), 1), ((5,), 0)])
def test_take_along_axis_and_new_axes(shape: Any, axis: int) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    step = autograd.compile(lambda x, t: 2 * np.take_along_axis(x, np.expand_dims(t, axis), axis=axis))
    for seed in range(3):
        t = np.random.default_rng(seed).integers(0, shape[axis], np.delete(shape, axis))
        assert np.array_equal(step(x, t), step.__wrapped__(x, t))
