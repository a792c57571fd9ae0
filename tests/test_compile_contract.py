"""What belongs to a step, what is a guard, what is a constant, what is refused."""

from __future__ import annotations

import contextvars
import cProfile
import io
import os
import queue
import threading
import types
from typing import Any

import numpy as np
import pytest
from compiled import agree

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


def test_entries_that_are_made_at_every_call_are_refused() -> None:
    log: dict[int, Any] = {}

    @autograd.compile(state=log)
    def step(x: Any) -> Any:
        log[len(log)] = x * 1.0
        return x * 2

    with pytest.raises(TypeError, match="step makes entries in log at every call: a replay could not"):
        for _ in range(6):
            step(ONES)


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
