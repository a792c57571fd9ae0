"""What a compiled step finds and leaves around it: parameters, gradients, user-written memory, other hands on them."""

from __future__ import annotations

import copy
import functools
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compiled import agree, descending

import autograd
import nn
import nn.functional
from autograd import Tensor
from autograd.compiler.guards import Guards

RNG = np.random.default_rng(0)
BATCHES = [(RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))) for _ in range(20)]
GLOBAL = {"scale": 1.0, "table": np.ones(3)}


def parameters() -> list[Any]:
    rng = np.random.default_rng(1)
    return [Tensor(rng.normal(size=(3, 2)), requires_grad=True), Tensor(np.zeros(2), requires_grad=True)]


def loss_of(params: list[Any], x: Any, y: Any) -> Any:
    w, b = params
    return np.mean((np.tanh(x @ w + b) - y) ** 2)


def clear(params: list[Any]) -> None:
    for p in params:
        p.grad = None


def user_in_place() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        clear(params)
        loss = loss_of(params, x, y)
        loss.backward()
        with autograd.no_grad():
            for p in params:
                p -= 0.1 * p.grad
        return loss

    return step, params


def user_data_in_place() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        clear(params)
        loss = loss_of(params, x, y)
        loss.backward()
        for p in params:
            p.data -= 0.1 * p.grad
        return loss

    return step, params


def user_data_set() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        loss = loss_of(params, x, y)
        clear(params)
        loss.backward()
        for p in params:
            p.data = p.data - 0.1 * p.grad
        return loss

    return step, params


def momentum_in_a_dictionary() -> Any:
    params = parameters()
    velocity: dict[int, Any] = {}

    def step(x: Any, y: Any) -> Any:
        clear(params)
        loss = loss_of(params, x, y)
        loss.backward()
        for k, p in enumerate(params):
            velocity[k] = 0.9 * velocity.get(k, 0.0) + p.grad
            p.data -= 0.1 * velocity[k]
        return loss

    return step, (params, velocity)


def momentum_in_a_list() -> Any:
    params = parameters()
    velocity = [np.zeros(p.shape) for p in params]

    def step(x: Any, y: Any) -> Any:
        clear(params)
        loss = loss_of(params, x, y)
        loss.backward()
        for v, p in zip(velocity, params, strict=True):
            v *= 0.9
            v += p.grad
            p.data -= 0.1 * v
        return loss

    return step, (params, velocity)


def momentum_rebound() -> Any:
    params = parameters()
    state = SimpleNamespace(v=[np.zeros(p.shape) for p in params], mean=np.zeros(()))

    def step(x: Any, y: Any) -> Any:
        clear(params)
        loss = loss_of(params, x, y)
        loss.backward()
        for k, p in enumerate(params):
            state.v[k] = 0.9 * state.v[k] + p.grad
            p.data -= 0.1 * state.v[k]
        state.mean = np.stack([0.9 * state.mean, loss.detach().data]).sum()
        return loss

    return step, (params, state)


def nonlocal_average() -> Any:
    params = parameters()
    average = np.zeros((3, 2))

    def step(x: Any, y: Any) -> Any:
        nonlocal average
        clear(params)
        loss = loss_of(params, x, y)
        loss.backward()
        for p in params:
            p.data -= 0.1 * p.grad
        average = 0.5 * average + 0.5 * params[0].data
        return np.sum(average)

    return step, (params, average)


def carried_state() -> Any:
    params = parameters()
    hidden = {"h": Tensor(np.zeros((6, 2)))}

    def step(x: Any, y: Any) -> Any:
        h = np.tanh(x @ params[0] + hidden["h"])
        clear(params)
        np.mean((h - y) ** 2).backward()
        hidden["h"] = h.detach()
        return h

    return step, (params, hidden)


def tied_weights() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        w = params[0]
        clear(params)
        loss = np.mean((np.tanh(x @ w) @ w.T - x) ** 2) + np.sum(w[0] * w[:, 0][0])
        loss.backward()
        w.data -= 0.1 * w.grad
        return loss

    return step, params


def tensors_written() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        clear(params)
        h = x @ params[0]
        h += params[1]
        h[0] = 2.0 * params[1]
        view = h[1:3]
        view *= 3.0
        loss = np.mean((h - y) ** 2)
        loss.backward()
        return loss

    return step, params


def running_statistics() -> Any:
    params = parameters()
    mean = Tensor(np.zeros(2), name="mean")

    def step(x: Any, y: Any) -> Any:
        z = x @ params[0]
        with autograd.no_grad():
            mean[...] = 0.9 * mean + 0.1 * np.mean(z.detach(), axis=0)
        return np.sum((z - mean) ** 2)

    return step, (params, mean)


def weight_decay_by_gradients() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        clear(params)
        loss = loss_of(params, x, y)
        loss.backward()
        for p in params:
            p.grad = p.grad + 0.01 * p.data
            p.grad *= 0.5
            p.data -= p.grad
        return loss

    return step, params


def gradients_turned() -> Any:
    params = parameters()
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])

    def step(x: Any, y: Any) -> Any:
        w = params[0]
        loss = np.mean((x @ w - y) ** 2)
        if w.grad is not None:
            w.grad = w.grad @ turn
        loss.backward()
        return loss

    return step, params


@pytest.mark.parametrize(
    ("make", "recorded"),
    [
        (user_in_place, 1), (user_data_in_place, 1), (user_data_set, 1), (momentum_in_a_dictionary, 2),
        (momentum_in_a_list, 1),
        (momentum_rebound, None), (nonlocal_average, 1), (carried_state, 1), (tied_weights, 1), (tensors_written, 1),
        (running_statistics, 1), (weight_decay_by_gradients, 1), (gradients_turned, 2),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)  # fmt: skip
def test_steps_that_users_write(make: Any, recorded: int | None) -> None:
    agree(make, BATCHES, recorded=recorded)


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


def test_frozen_parameters() -> None:
    def make() -> Any:
        params = parameters()

        def step(x: Any, y: Any) -> Any:
            clear(params)
            loss = loss_of(params, x, y)
            loss.backward()
            for p in params:
                if p.grad is not None:
                    p.data -= 0.1 * p.grad
            return loss

        return step, params

    agree(make, BATCHES, change=lambda k, params: setattr(params[1], "requires_grad", k % 4 < 2))


@pytest.mark.parametrize(
    ("optimizer", "recorded"),
    [
        (lambda p: nn.optim.SGD(p, lr=0.1), 1), (lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9), 2),
        (nn.optim.Adam, 1), (nn.optim.AdamW, 1),
    ],
)  # fmt: skip
def test_a_learning_rate_that_changes_is_read_afresh(optimizer: Any, recorded: int) -> None:
    def make() -> Any:
        model = nn.Linear(3, 2, rng=0)
        return descending(model, optimizer(model.parameters()), nn.functional.mse_loss)

    change = lambda k, state: setattr(state[1], "lr", 0.1 / (1 + k // 2))
    agree(make, BATCHES, recorded=recorded, change=change)


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


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(), lambda rng: rng.integers(0, 5), lambda rng: 2.0 if rng.random() < 0.5 else 3.0,
        lambda rng: sum(rng.random() for _ in range(3)), lambda rng: [1.0, 2.0, 3.0][rng.integers(0, 3)],
    ],
)  # fmt: skip
def test_single_numbers_are_drawn_afresh(draw: Any) -> None:
    def make() -> Any:
        rng = np.random.default_rng(0)
        return lambda x: x * draw(rng), rng

    agree(make, [(np.ones(2),)] * 8)


def gradient_without_data() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        clear(params)
        loss = np.mean(x @ params[0]) + np.sum(params[1])
        loss.backward()
        params[1].data -= params[1].grad
        return loss + params[1].grad

    return step, params


def gradient_set_to_numbers() -> Any:
    params = parameters()

    def step(x: Any, y: Any) -> Any:
        params[0].grad, params[1].grad = np.zeros(params[0].shape), np.ones(2)
        loss_of(params, x, y).backward()
        params[1].data = np.full(2, 3.0)
        return params[1].grad

    return step, params


def number_with_the_gradient_one() -> Any:
    b = Tensor(0.0, requires_grad=True)

    def step(x: Any, y: Any) -> Any:
        loss = b * 1.0
        b.grad = None
        loss.backward()
        b.data -= b.grad
        return loss, b.grad

    return step, b


def gradients_that_change_places() -> Any:
    a, b = Tensor(np.ones(2), requires_grad=True), Tensor(np.zeros(2), requires_grad=True)
    a.grad, b.grad = np.ones(2), np.zeros(2)

    def step(x: Any, y: Any) -> Any:
        a.grad, b.grad = b.grad, a.grad
        return np.sum(a.grad * y)

    return step, (a, b)


def gradients_of_functions_inside() -> Any:
    w = parameters()[0]

    def step(x: Any, y: Any) -> Any:
        def error(w: Any) -> Any:
            return np.mean((x @ w - y) ** 2)

        ahead = w - 0.1 * autograd.grad(error)(w)
        slope = autograd.grad(lambda x: np.sum(np.tanh(x @ w)))(x)
        loss = error(ahead) + np.mean(slope**2)
        w.zero_grad()
        loss.backward()
        w.data -= 0.1 * w.grad
        return loss

    return step, w


def gradients_seen_through_views() -> Any:
    params, largest = parameters(), np.zeros(2)

    def step(x: Any, y: Any) -> Any:
        loss = np.mean((x @ params[0] + params[1] - y) ** 2)
        clear(params)
        loss.backward()
        flat = np.concatenate([np.ravel(p.grad) for p in params])
        np.maximum(largest, np.max(np.abs(flat)), out=largest)
        return loss

    return step, (params, largest)


@pytest.mark.parametrize(
    ("make", "recorded"),
    [
        (gradient_without_data, None), (gradient_set_to_numbers, None), (number_with_the_gradient_one, None),
        (gradients_that_change_places, None), (gradients_of_functions_inside, 1), (gradients_seen_through_views, 1),
    ],
)  # fmt: skip
def test_gradients(make: Any, recorded: int | None) -> None:
    agree(make, BATCHES, recorded=recorded)


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
