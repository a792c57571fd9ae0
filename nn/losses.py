"""Losses as modules; the mathematics is in `nn.functional`."""

from __future__ import annotations

from typing import Any

from nn import functional
from nn.module import Module


class _Loss(Module):
    def __init__(self, reduction: functional.Reduction = "mean") -> None:
        super().__init__()
        self.reduction = reduction


class MSELoss(_Loss):
    """Mean squared error; see `nn.functional.mse_loss`.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import numpy as np
    >>> float(MSELoss()(np.array([1.0, 2.0]), np.array([0.0, 0.0])))
    2.5
    """

    def forward(self, prediction: Any, target: Any) -> Any:
        return functional.mse_loss(prediction, target, self.reduction)


class BCELoss(_Loss):
    """Cross-entropy of probabilities of 1; see `nn.functional.binary_cross_entropy`.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import numpy as np
    >>> round(float(BCELoss()(np.array([0.5, 0.5]), [0, 1])), 6)
    0.693147
    """

    def forward(self, probability: Any, target: Any) -> Any:
        return functional.binary_cross_entropy(probability, target, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Sigmoid and cross-entropy in one; see `nn.functional.binary_cross_entropy_with_logits`.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import numpy as np
    >>> float(BCEWithLogitsLoss("sum")(np.array([1000.0, 1000.0]), [0, 1]))
    1000.0
    """

    def forward(self, logits: Any, target: Any) -> Any:
        return functional.binary_cross_entropy_with_logits(logits, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """Softmax and cross-entropy in one, of labels or one-hot rows; see `nn.functional.cross_entropy`.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import numpy as np
    >>> float(CrossEntropyLoss()(np.array([[1000.0, 0.0], [0.0, 1000.0]]), [0, 0]))
    500.0
    """

    def forward(self, logits: Any, target: Any) -> Any:
        return functional.cross_entropy(logits, target, self.reduction)
