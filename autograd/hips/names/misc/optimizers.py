"""HIPS autograd's `autograd.misc.optimizers`: each takes `grad(x, iteration)`, and gives the last x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.hips.flattening import flatten

Step = Callable[[Any, Any, int], Any]  # the point, the gradient there and how often: the next point


def _run(grad: Any, x0: Any, callback: Any, iterations: int, step: Step) -> Any:
    x, unflatten = flatten(x0)
    for i in range(iterations):
        gradient = grad(unflatten(x), i)
        if callback:
            callback(unflatten(x), i, gradient)
        x = step(x, flatten(gradient)[0], i)
    return unflatten(x)


def sgd(
    grad: Any, x: Any, callback: Any = None, num_iters: int = 200, step_size: float = 0.1, mass: float = 0.9
) -> Any:
    """Gradient descent with momentum: v = mass * v - (1 - mass) * g; x = x + step_size * v."""
    velocity: Any = 0.0

    def step(x: Any, g: Any, i: int) -> Any:
        nonlocal velocity
        velocity = mass * velocity - (1.0 - mass) * g
        return x + step_size * velocity

    return _run(grad, x, callback, num_iters, step)


def rmsprop(grad: Any, x: Any, callback: Any = None, num_iters: int = 100, step_size: float = 0.1, gamma: float = 0.9,
            eps: float = 1e-8) -> Any:  # fmt: skip
    """RMSprop (Tieleman and Hinton, 2012): each element's step is divided by a running root of its mean square."""
    mean: Any = 1.0

    def step(x: Any, g: Any, i: int) -> Any:
        nonlocal mean
        mean = gamma * mean + (1 - gamma) * g**2
        return x - step_size * g / (np.sqrt(mean) + eps)

    return _run(grad, x, callback, num_iters, step)


def adam(grad: Any, x: Any, callback: Any = None, num_iters: int = 100, step_size: float = 0.001, b1: float = 0.9,
         b2: float = 0.999, eps: float = 1e-8) -> Any:  # fmt: skip
    """Adam (Kingma and Ba, 2015)."""
    m: Any = 0.0
    v: Any = 0.0

    def step(x: Any, g: Any, i: int) -> Any:
        nonlocal m, v
        m, v = (1 - b1) * g + b1 * m, (1 - b2) * g**2 + b2 * v
        return x - step_size * (m / (1 - b1 ** (i + 1))) / (np.sqrt(v / (1 - b2 ** (i + 1))) + eps)

    return _run(grad, x, callback, num_iters, step)
