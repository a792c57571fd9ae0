"""What a compiled step finds and leaves around it: parameters, gradients, memory, other hands on them."""

from __future__ import annotations

import copy
import dataclasses
import functools
import pickle
import threading
import types
from collections import OrderedDict, deque
from typing import Any

import numpy as np
import pytest
from compiled import BATCHES, agree, clear, descending, loss_of, parameters, user_in_place

import autograd
import nn
from autograd import Tensor
from autograd.compiler.guards import Guards

RNG = np.random.default_rng(0)


GLOBAL = {"scale": 1.0, "table": np.ones(3)}


def test_arguments_are_changed_as_the_step_changes_them() -> None:
    def step(x: Any, y: Any) -> None:
        x += y
        y[0] = 7.0

    compiled = autograd.compile(step)
    for k in range(3):
        ours, theirs = [np.arange(3.0) + k, np.ones(3)], [np.arange(3.0) + k, np.ones(3)]
        compiled(*ours)
        step(*theirs)
        assert np.array_equal(ours, theirs)


def test_objects_stay_the_same() -> None:
    eager, params = user_in_place()
    step = autograd.compile(eager, state=params)
    arrays, nodes = [p.data for p in params], [p._node for p in params]
    for x, y in BATCHES[:4]:
        step(x, y)
    assert all(p.data is a and p._node is n for p, a, n in zip(params, arrays, nodes, strict=True))
    grads = [p.grad for p in params]
    grads = [id(g) for g in grads]
    step(*BATCHES[4])
    assert [id(p.grad) for p in params] == grads


def test_gradients_that_somebody_holds_are_not_overwritten() -> None:
    (eager, others), (recorded, params) = user_in_place(), user_in_place()
    step = autograd.compile(recorded, state=params)
    held, expected, views = [], [], []
    for x, y in BATCHES:
        step(x, y)
        eager(x, y)
        held.append(params[0].grad)
        views.append(params[1].grad[:1])
        expected.append((others[0].grad.copy(), others[1].grad[:1].copy()))
    assert step.stats.recorded == 1
    for ours, view, (whole, part) in zip(held, views, expected, strict=True):
        np.testing.assert_allclose(ours, whole, rtol=1e-12)
        np.testing.assert_allclose(view, part, rtol=1e-12)


def test_results_are_not_overwritten() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)

    @autograd.compile(state=w)
    def step(x: Any) -> Any:
        out = w * x
        w.data[...] += 1.0
        return out, w.data, x

    kept, x = [], np.ones(2)
    for _ in range(4):
        kept.append(step(x))
        x += 0  # the caller's own array
    assert [out.data.tolist() for out, _, _ in kept] == [[1, 2], [2, 3], [3, 4], [4, 5]]
    assert [raw.tolist() for _, raw, _ in kept] == [[2, 3], [3, 4], [4, 5], [5, 6]]


def test_eager_and_compiled_mixed() -> None:
    (ours, params), (theirs, others) = user_in_place(), user_in_place()
    compiled = autograd.compile(ours, state=params)
    for k, (x, y) in enumerate(BATCHES):
        a = (compiled if k % 3 else ours)(x, y)
        assert a.item() == pytest.approx(theirs(x, y).item(), rel=1e-12)
        if k == 5:
            for p in (*params, *others):
                p.data = p.data * 0.5
        if k == 8:
            params[0].data[0] = others[0].data[0] = 1.0
    np.testing.assert_allclose(params[0].data, others[0].data, rtol=1e-12)


def test_other_shapes_and_dtypes_in_turn() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    step = autograd.compile(lambda x: np.sum(x @ w), state=w)
    for k in range(12):
        x = RNG.normal(size=(2 + k % 3, 3)).astype([np.float64, np.float32][k % 2])
        assert step(x).data == pytest.approx(x.sum(), rel=1e-5)
    assert step.stats.recorded == 6


def test_tensor_arguments_and_parameters_as_arguments() -> None:
    params = parameters()

    @autograd.compile
    def step(params: Any, x: Any, y: Any) -> Any:
        clear(list(params.values()))
        loss = loss_of(list(params.values()), x, y)
        loss.backward()
        return loss

    for x, y in BATCHES[:4]:
        loss = step(dict(zip("wb", params, strict=True)), Tensor(x), y)
        expected = loss_of(params, x, y)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
        got = params[0].grad.copy()
        clear(params)
        expected.backward()
        np.testing.assert_allclose(got, params[0].grad, rtol=1e-12)
    assert step.stats.recorded == 1


class Learner:
    def __init__(self) -> None:
        self.w, self.rate = Tensor(np.ones(3), requires_grad=True), 0.1

    def __state__(self) -> Any:
        return vars(self)

    @autograd.compile
    def step(self, x: Any) -> Any:
        """Once."""
        self.w.zero_grad()
        loss = np.sum((self.w * x) ** 2)
        loss.backward()
        self.w.data -= self.rate * self.w.grad
        return loss


class Slotted:
    __slots__ = ("held", "w")
    rate = 0.1

    def __init__(self) -> None:
        self.w = Tensor(np.ones(3), requires_grad=True)
        self.held = [self.w]

    def __state__(self) -> Any:
        return self.held

    step = Learner.__dict__["step"]


@pytest.mark.parametrize("kind", [Learner, Slotted])
def test_methods(kind: Any) -> None:
    one, two = kind(), kind()
    x = np.array([1.0, 2.0, 0.5])
    w, recorded = np.ones(3), kind.step._recorded
    for _ in range(4):
        one.step(x)
        w -= 0.1 * 2 * w * x * x
    assert two.w.data.tolist() == [1, 1, 1]
    np.testing.assert_allclose(one.w.data, w, rtol=1e-12)
    two.step(x)
    one.step(x)
    two.step(x)
    assert kind.step.stats.recorded - recorded == 2
    assert kind.step.__doc__ == "Once."


def test_a_copy_has_a_step_of_its_own() -> None:
    one = Learner()
    one.step(np.ones(3))
    two = copy.deepcopy(one)
    two.step(np.ones(3))
    np.testing.assert_allclose(one.w.data, [0.8] * 3)
    np.testing.assert_allclose(two.w.data, [0.64] * 3)


def test_a_copy_of_a_step_records_anew() -> None:
    step = autograd.compile(np.tanh)
    step(np.ones(3))
    assert "tanh" in str(step.program)
    for twin in (pickle.loads(pickle.dumps(step)), copy.copy(step), copy.deepcopy(step)):
        with pytest.raises(RuntimeError, match="call it first"):
            _ = twin.program
        assert np.array_equal(twin(np.ones(3)), np.tanh(np.ones(3)))
        assert (twin.stats.recorded, step.stats.recorded) == (1, 1)


def test_attributes_of_the_state_are_guards_and_class_attributes_are_constants() -> None:
    one = Learner()
    one.step(np.ones(3))
    one.step(np.ones(3))
    one.rate, recorded = 0.0, one.step.stats.recorded
    before = one.w.data.copy()
    one.step(np.ones(3))
    assert np.array_equal(one.w.data, before)
    assert one.step.stats.recorded == recorded + 1


def use_global(x: Any) -> Any:
    return x * GLOBAL["scale"] * GLOBAL["table"]


def test_globals(monkeypatch: pytest.MonkeyPatch) -> None:
    step, constant = autograd.compile(use_global, state=GLOBAL), autograd.compile(use_global)
    assert [step(np.ones(3)).tolist() for _ in range(2)] == [[1, 1, 1]] * 2
    assert constant(np.ones(3)).tolist() == [1, 1, 1]
    monkeypatch.setitem(GLOBAL, "scale", 3.0)
    assert step(np.ones(3)).tolist() == [3, 3, 3]
    monkeypatch.setitem(GLOBAL, "table", np.zeros(3))
    assert step(np.ones(3)).tolist() == [0, 0, 0]
    assert constant(np.ones(3)).tolist() == [1, 1, 1]  # as in JAX
    assert step.stats.recorded == 2
    monkeypatch.setitem(globals(), "GLOBAL", {"scale": 1.0, "table": np.full(3, 5.0)})
    with pytest.raises(TypeError, match="GLOBAL is another dict than the one that compile was given"):
        step(np.ones((2, 3)))


def test_partial_and_nested() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    inner = autograd.compile(lambda x: x * w, state=w)
    outer = autograd.compile(functools.partial(lambda scale, x: inner(x) * scale, 2.0), state=w)
    for k in range(3):
        x = np.arange(3.0) + k
        assert outer(x).data.tolist() == (2 * x).tolist()
        assert inner(x).data.tolist() == x.tolist()
    assert outer.stats.recorded == 1


def test_threads() -> None:
    (eager, others), (recorded, params) = user_in_place(), user_in_place()
    step = autograd.compile(recorded, state=params)
    x, y = BATCHES[0]
    errors: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                step(x, y)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(40):
        eager(x, y)
    assert not errors
    np.testing.assert_allclose(params[0].data, others[0].data, rtol=1e-12)


def test_data_set_between_the_recording_and_the_first_replay() -> None:
    w = Tensor(np.ones(5), requires_grad=True)
    step = autograd.compile(lambda x: np.sum(x * w), state=w)
    assert step(np.ones(5)).item() == 5
    w.data = np.zeros(5)
    assert [step(np.ones(5)).item() for _ in range(3)] == [0, 0, 0]


def test_a_call_of_another_shape_does_not_look_for_arrays_that_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes as long as a small step, and a last batch of another size comes every epoch."""
    w = Tensor(np.ones(3), requires_grad=True)
    step = autograd.compile(lambda x: np.sum(x * w), state=w)
    batches = [np.ones((2, 3)), np.ones((1, 3))]
    for x in batches:
        step(x)
    looked: list[Any] = []
    moved = Guards.moved
    monkeypatch.setattr(Guards, "moved", lambda guards: looked.append(guards) or moved(guards))
    assert [step(x).item() for x in batches * 2] == [6, 3, 6, 3]
    assert not looked
    w.data = np.full(3, 2.0)
    assert step(batches[0]).item() == 12
    assert looked
    assert step.stats.recorded == 2


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
    return lambda x: x**held.inner.power * held.rate * getattr(held, "extra", 1.0), held


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


def sum_of_a_list() -> Any:
    factors = [float(k) for k in range(1000)]
    return lambda x: x * sum(factors), factors


def sum_of_a_queue() -> Any:
    queue = deque([2.0])
    return lambda x: x * sum(queue), queue


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (fields_of_a_dataclass, lambda k, rates: setattr(rates, "first", float(k))),
        (attributes_of_a_copy, lambda k, rates: setattr(rates, "first", float(k))),
        (attributes_of_a_namespace, lambda k, held: setattr(held.inner, "power", k)),
        (attributes_of_a_namespace, lambda k, held: setattr(held, "extra", k if k < 3 else float(k))),
        (order_of_keys, lambda k, scales: scales.move_to_end("ab"[k % 2])),
        (elements_of_a_set, lambda k, chosen: chosen.add(float(k))),
        (elements_of_a_set, lambda k, chosen: chosen.symmetric_difference_update({float(k // 2)})),
        (sum_of_a_list, lambda k, factors: factors.append(float(k))),
        (sum_of_a_list, lambda k, factors: factors.__setitem__(100 * k, -1.0)),
        (sum_of_a_queue, lambda k, queue: queue.append(float(k))),
    ],
)
def test_settings(make: Any, change: Any) -> None:
    agree(make, [(np.full(3, k + 1.0),) for k in range(6)], rtol=0, change=change)


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


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 1, rng=0)

    def descend(self, x: Any) -> Any:
        loss = np.sum(self.inner(x) ** 2)
        self.inner.weight.grad = None
        loss.backward()
        self.inner.weight.data -= 0.1 * self.inner.weight.grad
        return loss


def test_a_bound_method_has_its_object_as_state() -> None:
    ours, compiled = Scaled(), autograd.compile(Scaled().descend)
    for k in range(3):
        np.testing.assert_allclose(compiled(np.full(3, k)).data, ours.descend(np.full(3, k)).data)


def test_a_method_in_the_state_brings_its_object() -> None:
    model = nn.Linear(3, 1, rng=0)
    apply = model.forward
    step = autograd.compile(lambda x: np.sum(apply(x)), state=[apply])
    for k in range(3):
        model.weight.data += k
        assert step(np.ones(3)).item() == np.sum(model(np.ones(3))).item()
    assert step.stats.recorded == 1


def test_parameters_that_change_places() -> None:
    def make() -> Any:
        p, q = Tensor(np.zeros(3), requires_grad=True), Tensor(np.ones(3), requires_grad=True)

        def step(x: Any) -> Any:
            p.data, q.data = q.data, p.data
            return np.sum(p * x)

        return step, (p, q)

    agree(make, [(np.ones(3),)] * 4)


def test_a_value_with_a_graph_cannot_stay() -> None:
    w, kept = Tensor(np.ones(3), requires_grad=True), Tensor(np.zeros(3), name="kept")

    def step(x: Any) -> Any:
        kept[...] = w * x
        return np.sum(kept)

    with pytest.raises(TypeError, match=r"a value with a graph into kept .*Write it detached, or return"):
        autograd.compile(step, state=(w, kept))(np.ones(3))


def test_the_oldest_of_many_recordings_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd.compiler.compiled._KEPT", 2)
    step = autograd.compile(np.tanh)
    for size in (1, 2, 3, 3, 2, 1, 1):
        assert np.array_equal(step(np.ones(size)), np.tanh(np.ones(size)))
    assert step.stats.recorded == 4  # that of one element twice
