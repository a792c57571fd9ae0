"""The kinds of optimisers with their settings, and steps of them and of PyTorch's on the same gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor
from nn.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

SGDS: list[dict[str, Any]] = [
    {}, {"maximize": True}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "maximize": True}, {"momentum": 0.9},
    {"momentum": 0.9, "maximize": True}, {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "weight_decay": 0.1, "dampening": 0.3, "maximize": True}, {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True},
]  # fmt: skip
ADAMS: list[dict[str, Any]] = [
    {}, {"maximize": True}, {"betas": (0.5, 0.9), "eps": 1e-3}, {"betas": (0.0, 0.0)}, {"weight_decay": 0.1},
    {"weight_decay": 0.0}, {"amsgrad": True, "betas": (0.5, 0.7)},
    {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
]  # fmt: skip
RMSPROPS: list[dict[str, Any]] = [
    {}, {"momentum": 0.9, "weight_decay": 0.1}, {"centered": True, "alpha": 0.5, "maximize": True},
    {"centered": True, "momentum": 0.5, "eps": 1e-3},
]  # fmt: skip
ADAGRADS: list[dict[str, Any]] = [
    {}, {"lr_decay": 0.1, "weight_decay": 0.1}, {"initial_accumulator_value": 0.5, "maximize": True},
]  # fmt: skip
KINDS: list[tuple[Any, dict[str, Any]]] = [
    (kind, options)
    for kind, several in ((SGD, SGDS), (Adam, ADAMS), (AdamW, ADAMS), (RMSprop, RMSPROPS), (Adagrad, ADAGRADS))
    for options in several
]
EACH_KIND = pytest.mark.parametrize(
    ("kind", "options"), KINDS, ids=[f"{kind.__name__} {', '.join(options) or 'plain'}" for kind, options in KINDS]
)
START = [np.ones((3, 2)), np.linspace(-1, 1, 4)]


def same_state(a: nn.Module, b: nn.Module, rtol: float = 0.0) -> None:
    """AssertionError unless the parameters and buffers are equal."""
    theirs = b.state_dict()
    for path, array in a.state_dict().items():
        np.testing.assert_allclose(array, theirs[path], rtol=rtol, atol=rtol / 1e3, err_msg=path)


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
