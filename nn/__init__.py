"""Networks: modules with parameters, initial values, losses and optimisers.

>>> import numpy as np
>>> import nn
>>> rng = np.random.default_rng(0)
>>> x, y = rng.normal(size=(100, 3)), rng.normal(size=(100, 1))
>>> model = nn.MLP([3, 16, 8, 1], activation=nn.ReLU, rng=rng)
>>> optimizer = nn.optim.SGD(model.parameters(), lr=0.01)
>>> losses = []
>>> for _ in range(10):
...     loss = nn.functional.mse_loss(model(x), y)
...     losses.append(loss.item())
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
>>> losses[-1] < losses[0]
True
"""

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING, Any

import autograd

if not hasattr(autograd, "Tensor"):
    raise ImportError(
        f"the package autograd at {list(autograd.__path__)} is not this project's: HIPS autograd, which has the same "
        "import name, was installed or uninstalled over it; pip uninstall autograd chalkgrad, then install chalkgrad, "
        "which serves its interface too"
    )

# isort: split
from nn import batches, elsewhere, functional, init, layers, losses, metrics, optim
from nn.batches import MiniBatches
from nn.layers import *  # noqa: F403
from nn.losses import *  # noqa: F403
from nn.module import Module
from nn.parameter import Parameter
from nn.prediction import predict
from nn.splitting import split

if TYPE_CHECKING:
    from nn import onnx, plots, pytorch
    from nn import sklearn as sklearn
    from nn.training import History, fit

__differentiable__ = True  # written for Tensors: `autograd.differentiable` leaves it as it is


def __getattr__(name: str) -> Any:
    """What is loaded on first use, so that importing costs little."""
    if name in ("onnx", "plots", "pytorch", "sklearn"):
        return import_module(f"nn.{name}")
    if name in ("History", "fit"):
        return getattr(import_module("nn.training"), name)
    raise AttributeError(elsewhere.missing("module 'nn'", name, elsewhere.IN_NN), name=name, obj=modules[__name__])


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "History",
    "MiniBatches",
    "Module",
    "Parameter",
    "batches",
    "fit",
    "functional",
    "init",
    "metrics",
    "onnx",
    "optim",
    "plots",
    "predict",
    "pytorch",
    "split",
]
__all__ += layers.__all__
__all__ += losses.__all__
