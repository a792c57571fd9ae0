"""Optimisers: they change parameters in place by their gradients; and schedules of their learning rates.

The arrays of parameters, and the buffers beside them, live as long as the optimiser: an array of the
size of a weight that was freed and allocated at every step would cost more than the arithmetic on it.
"""

from sys import modules
from typing import Any

from nn import elsewhere
from nn.optim.adam import Adam, AdamW
from nn.optim.clipping import clip_grad_norm, clip_grad_value
from nn.optim.optimizer import Optimizer
from nn.optim.schedules import (
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from nn.optim.sgd import SGD
from nn.optim.squares import Adagrad, RMSprop
from nn.optim.whole import minimize

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "LambdaLR",
    "LinearLR",
    "OneCycleLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "clip_grad_norm",
    "clip_grad_value",
    "minimize",
]


def __getattr__(name: str) -> Any:
    message = elsewhere.missing("module 'nn.optim'", name, elsewhere.IN_OPTIM)
    raise AttributeError(message, name=name, obj=modules[__name__])
