"""Optimisers and PyTorch's, on the same gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor
from nn.optim import Optimizer

START = [np.ones((3, 2)), np.linspace(-1, 1, 4)]


def leaves(*arrays: Any) -> list[Tensor]:
    return [Tensor(array, requires_grad=True) for array in arrays or START]


def gradients(steps: int) -> list[Any]:
    """Of two parameters a step; the second has none now and then."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(3, 2)), None if step % 5 == 1 else rng.normal(size=4)) for step in range(steps)]


def train(optimizer: Optimizer, parameters: list[Tensor], steps: Any) -> list[Any]:
    for step in steps:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = gradient
        optimizer.step()
    return [parameter.data for parameter in parameters]


def train_theirs(torch: Any, kind: str, groups: Callable[[Any], Any], steps: Any, **options: Any) -> list[Any]:
    parameters = [torch.tensor(array, requires_grad=True) for array in START]
    oracle = getattr(torch.optim, kind)(groups(parameters), **options)
    for step in steps:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = None if gradient is None else torch.tensor(gradient)
        oracle.step()
    return [parameter.detach().numpy() for parameter in parameters]
