"""Losses as modules; the mathematics is in `nn.functional`."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.module import Module


class MSELoss(Module):
    """Mean squared error; see `nn.functional.mse_loss`.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import numpy as np
    >>> float(MSELoss()(np.array([1.0, 2.0]), np.array([0.0, 0.0])))
    2.5
    """

    def __init__(self, reduction: functional.Reduction = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, prediction: Any, target: Any) -> Any:
        return functional.mse_loss(prediction, target, self.reduction)
