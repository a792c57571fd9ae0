"""Arrays that are exchanged, kept in several places, or share their memory, in compiled steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compiled import agree

import autograd
import nn
from autograd import Tensor

# What is swapped between calls

ONES = np.ones(3)
CALLS = [(np.full(3, k + 1.0),) for k in range(6)]


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
    held = {"rng": np.random.default_rng(0)}
    step = autograd.compile(lambda x: x * held["rng"].random(3), state=held)
    for _ in range(3):
        assert step(ONES).tolist() == np.random.default_rng(0).random(3).tolist()
        held["rng"] = np.random.default_rng(0)


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


def test_an_argument_that_is_written_into_and_is_an_array_of_the_state() -> None:
    held = {"w": np.arange(4.0)}

    @autograd.compile(state=held)
    def step(x: Any) -> Any:
        x *= 2
        return np.sum(held["w"])

    for _ in range(3):
        assert step(np.ones(4)) == 6
    with pytest.raises(TypeError, match=r"writes into x.*shares its memory with held\['w'\]"):
        step(held["w"][::-1])


@pytest.mark.parametrize(
    "moved",
    [
        lambda w: np.where(np.eye(3, dtype=bool)[::-1], w.T, 2 * w),
        lambda w: np.concatenate([w[1:], w[:1]]),
        lambda w: np.where((w > 0.5).T, w, 0.5 * w.T),
    ],
)
def test_values_are_not_written_over_what_a_view_still_reads(moved: Any) -> None:
    def make() -> Any:
        w = Tensor(np.arange(9.0).reshape(3, 3) / 9)

        def step(x: Any) -> Any:
            w.data = moved(w.data)
            chosen = w.data > 0.4
            return np.where(chosen.T, w.data < x, chosen) * 1.0

        return step, w

    agree(make, [(np.array(0.3 * k),) for k in range(5)], recorded=1)


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
        before = state["a"] + 10 * state["b"]
        state["a"] = state["b"] = state["a"] + x
        return before, state["a"] * state["b"]

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
    assert state["a"] is state["b"]  # after each call, and so before the next
    if k == 3:
        state["a"] += 1
    if k == 4:
        state["b"] = state["b"] * 2


def moved(k: int, state: Any) -> None:
    if k == 3:
        state["h"] += 7


@pytest.mark.parametrize(
    ("make", "change", "recorded"),
    [
        (state_and_its_beginning, None, 2), (reset_to_its_beginning, None, 2), (shifted_list, None, 3),
        (parameters_and_the_best_of_them, None, 3), (one_array_in_two_places, rebound, 2), (reset_to_zeros, moved, 1),
        (made_when_first_needed, None, 2),
    ],
)  # fmt: skip
def test_one_array_in_several_places(make: Any, change: Any, recorded: int) -> None:
    agree(make, CALLS, rtol=0, recorded=recorded, **({"change": change} if change else {}))


def test_what_is_kept_of_an_argument_is_a_copy_from_the_first_call_on() -> None:
    held = {"h": np.zeros(3)}

    @autograd.compile(state=held)
    def step(x: Any) -> Any:
        held["h"] = np.reshape(x, 3)
        return held["h"] * 2

    for k in range(3):
        x = np.full((3, 1), float(k))
        step(x)
        x[...] = 9.0
        assert held["h"].tolist() == [k] * 3


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


def test_a_view_stays_one_when_the_step_sets_the_data_of_what_it_looks_at() -> None:
    w = Tensor(np.arange(4.0))
    view = w[:2]

    @autograd.compile(state=(w, view))
    def step(x: Any) -> Any:
        w.data = w.data + x
        return w * 1.0

    for k in range(3):
        step(np.ones(4))
        assert (w.data[3], view.data[1]) == (k + 4, k + 2)
        view[0] = 10.0 * k
        assert w.data[0] == 10.0 * k
