"""A compiled step beside the same step carried out as it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import numpy as np

import autograd
import nn
from autograd import Tensor
from autograd.compiler.generators import position
from autograd.compiler.state import GENERATORS


def contents(value: Any) -> list[Any]:
    """The arrays in a result, or in a state: the values and gradients of Tensors, where generators stand."""
    if isinstance(value, nn.Module):
        return contents([value.named_parameters(), value.named_buffers()])
    if isinstance(value, nn.optim.Optimizer):
        return contents(value.state_dict())
    if isinstance(value, Tensor):
        return [value.data, np.zeros(0) if value.grad is None else value.grad]
    if isinstance(value, GENERATORS):
        return [position(value)]
    if isinstance(value, dict):
        return [array for key in sorted(value, key=str) for array in contents(value[key])]
    if isinstance(value, (list, tuple, deque)) or hasattr(value, "__next__"):
        return [array for part in value for array in contents(part)]
    return contents(vars(value)) if hasattr(value, "__dict__") else [value]


def compare(found: Any, expected: Any, rtol: float = 1e-12) -> None:
    """AssertionError unless two results or states hold the same."""
    for a, b in zip(contents(found), contents(expected), strict=True):
        if np.asarray(b).dtype.kind in "fc":
            assert np.asarray(a).dtype == np.asarray(b).dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
        else:
            assert np.array_equal(a, b)


def agree(
    make: Callable[[], tuple[Any, Any]],
    calls: Iterable[tuple[Any, ...]],
    *,
    rtol: float = 1e-12,
    recorded: int | None = None,
    change: Callable[[int, Any], Any] = lambda k, state: None,
) -> Any:
    """The compiled one of two equal steps, after calls of both in which they gave and held the same.

    Args:
        make: gives a step and its state.
        calls: the arguments of each.
        recorded: how often the step shall have been recorded.
        change: what happens to the state before each call, of which it gets the number.
    """
    (eager, ours), (step, theirs) = make(), make()
    compiled = autograd.compile(step, state=theirs)
    for k, args in enumerate(calls):
        change(k, ours)
        change(k, theirs)
        expected, found = eager(*deepcopy(args)), compiled(*deepcopy(args))
        compare((found, theirs), (expected, ours), rtol)
    assert recorded is None or compiled.stats.recorded == recorded
    return compiled


def descending(model: Any, optimizer: Any, loss: Callable[..., Any]) -> tuple[Any, Any]:
    """A step of descent by `loss(output, *targets)`, and its state."""

    def step(x: Any, *targets: Any) -> Any:
        total = loss(model(x), *targets)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        return total

    return step, (model, optimizer)


# A step of descent in plain NumPy code, and what it is called with

RNG = np.random.default_rng(0)
BATCHES = [(RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))) for _ in range(20)]


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
