"""Steps as users write them, compiled and not: they give and leave the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compiled import BATCHES, agree, clear, descending, loss_of, parameters, user_in_place

import autograd
import nn
import nn.functional
from autograd import Tensor


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
