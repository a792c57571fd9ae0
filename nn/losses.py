"""Losses as modules; the mathematics is in `nn.functional`."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from nn import functional, given
from nn.module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HingeLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
]


class _Loss(Module):
    _reductions: ClassVar[tuple[str, ...]] = ("mean", "sum", "none")

    def __init__(self, reduction: Any = "mean") -> None:
        super().__init__()
        if reduction not in self._reductions:
            known = ", ".join(self._reductions)
            raise ValueError(f"{type(self).__name__}: reduction is {reduction!r}; it is one of {known}")
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


class L1Loss(_Loss):
    """Mean absolute error; see `nn.functional.l1_loss`.

    Args:
        reduction: "mean", "sum" or "none".

    >>> import numpy as np
    >>> float(L1Loss()(np.array([1.0, 2.0]), np.array([0.0, 0.0])))
    1.5
    """

    def forward(self, prediction: Any, target: Any) -> Any:
        return functional.l1_loss(prediction, target, self.reduction)


class HuberLoss(_Loss):
    """Square of small and distance of large differences; see `nn.functional.huber_loss`.

    Args:
        reduction: "mean", "sum" or "none".
        delta: where the square ends.

    >>> import numpy as np
    >>> HuberLoss("none")(np.array([0.5, 10.0]), np.zeros(2))
    array([0.125, 9.5  ])
    """

    def __init__(self, reduction: functional.Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = given.positive("HuberLoss: delta", delta)

    def forward(self, prediction: Any, target: Any) -> Any:
        return functional.huber_loss(prediction, target, self.reduction, self.delta)


class HingeLoss(_Loss):
    """How far scores are from the right side of a margin; see `nn.functional.hinge_loss`.

    Args:
        reduction: "mean", "sum" or "none".
        margin: how far on the right side is far enough.

    >>> import numpy as np
    >>> float(HingeLoss()(np.array([2.0, 0.5]), [1, 1]))
    0.25
    """

    def __init__(self, reduction: functional.Reduction = "mean", margin: float = 1.0) -> None:
        super().__init__(reduction)
        self.margin = given.finite("HingeLoss: margin", margin)

    def forward(self, scores: Any, target: Any) -> Any:
        return functional.hinge_loss(scores, target, self.reduction, self.margin)


class BCELoss(_Loss):
    """Cross-entropy of probabilities of 1; see `nn.functional.binary_cross_entropy`.

    Args:
        reduction: "mean", "sum" or "none".
        weight: of each loss, broadcast to them.

    >>> import numpy as np
    >>> round(float(BCELoss()(np.array([0.5, 0.5]), [0, 1])), 6)
    0.693147
    """

    def __init__(self, reduction: functional.Reduction = "mean", *, weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight = given.counts("BCELoss: weight", weight)

    def forward(self, probability: Any, target: Any) -> Any:
        return functional.binary_cross_entropy(probability, target, self.reduction, weight=self.weight)


class BCEWithLogitsLoss(_Loss):
    """Sigmoid and cross-entropy in one; see `nn.functional.binary_cross_entropy_with_logits`.

    Args:
        reduction: "mean", "sum" or "none".
        weight: of each loss, broadcast to them.
        pos_weight: how often a 1 counts.

    >>> import numpy as np
    >>> float(BCEWithLogitsLoss("sum")(np.array([1000.0, 1000.0]), [0, 1]))
    1000.0
    """

    def __init__(self, reduction: functional.Reduction = "mean", *, weight: Any = None, pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight = given.counts("BCEWithLogitsLoss: weight", weight)
        self.pos_weight = given.counts("BCEWithLogitsLoss: pos_weight", pos_weight)

    def forward(self, logits: Any, target: Any) -> Any:
        return functional.binary_cross_entropy_with_logits(
            logits, target, self.reduction, weight=self.weight, pos_weight=self.pos_weight
        )


class CrossEntropyLoss(_Loss):
    """Softmax and cross-entropy in one, of labels or one-hot rows; see `nn.functional.cross_entropy`.

    Args:
        reduction: "mean", "sum" or "none".
        weight: how much each class counts.
        ignore_index: a label that counts nothing.
        label_smoothing: the share of a target that goes to all classes.

    >>> import numpy as np
    >>> float(CrossEntropyLoss()(np.array([[1000.0, 0.0], [0.0, 1000.0]]), [0, 0]))
    500.0
    """

    def __init__(
        self,
        reduction: functional.Reduction = "mean",
        *,
        weight: Any = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.weight = given.counts("CrossEntropyLoss: weight", weight)
        self.ignore_index = given.label("CrossEntropyLoss: ignore_index", ignore_index)
        self.label_smoothing = given.probability("CrossEntropyLoss: label_smoothing", label_smoothing)

    def forward(self, logits: Any, target: Any) -> Any:
        return functional.cross_entropy(
            logits,
            target,
            self.reduction,
            weight=self.weight,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_Loss):
    """Negative log-likelihood of log-probabilities; see `nn.functional.nll_loss`.

    Args:
        reduction: "mean", "sum" or "none".
        weight: how much each class counts.
        ignore_index: a label that counts nothing.

    >>> import numpy as np
    >>> round(float(NLLLoss()(np.log([[0.5, 0.5]]), [1])), 6)
    0.693147
    """

    def __init__(
        self, reduction: functional.Reduction = "mean", *, weight: Any = None, ignore_index: int | None = None
    ) -> None:
        super().__init__(reduction)
        self.weight = given.counts("NLLLoss: weight", weight)
        self.ignore_index = given.label("NLLLoss: ignore_index", ignore_index)

    def forward(self, log_probabilities: Any, target: Any) -> Any:
        return functional.nll_loss(
            log_probabilities, target, self.reduction, weight=self.weight, ignore_index=self.ignore_index
        )


class KLDivLoss(_Loss):
    """Kullback and Leibler's divergence; see `nn.functional.kl_div`.

    Args:
        reduction: "batchmean" for the divergence, "mean" over all elements, "sum" or "none".
        log_target: whether the target holds logarithms.

    >>> import numpy as np
    >>> round(float(KLDivLoss("batchmean")(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]))), 6)
    0.693147
    """

    _reductions = ("batchmean", "mean", "sum", "none")

    def __init__(
        self, reduction: functional.Reduction | Literal["batchmean"] = "mean", log_target: bool = False
    ) -> None:
        super().__init__(reduction)
        self.log_target = given.switch("KLDivLoss: log_target", log_target)

    def forward(self, log_probabilities: Any, target: Any) -> Any:
        return functional.kl_div(log_probabilities, target, self.reduction, log_target=self.log_target)
