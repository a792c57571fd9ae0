"""Losses of probabilities of 1, and of their logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import operation
from autograd.arrays import holds
from nn.functional import formulas
from nn.functional.activations import sigmoid
from nn.functional.linear import array
from nn.functional.reduction import Reduction, as_floats, reduced, same_shape, share, size, weighted
from nn.functional.smooth import softplus

_LEAST_LOG = -100.0  # as in PyTorch: a certain and wrong answer costs 100, not infinity
_LEAST = 1e-12  # and divides by this


def _log(p: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(p), _LEAST_LOG)


def _log_of_rest(p: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log1p(-p), _LEAST_LOG)


def _bce(probability: Any, target: Any, reduction: Reduction = "mean") -> Any:
    same_shape("probability", probability, "target", target)
    p = array(probability)
    if p.size and (holds(np.min(p) < 0) or holds(np.max(p) > 1)):
        at = tuple(int(i) for i in np.argwhere((p < 0) | (p > 1))[0])
        raise ValueError(
            f"probability is {p[at]:.6g} at {at}; it lies between 0 and 1. Logits go to "
            "binary_cross_entropy_with_logits"
        )
    return reduced(-(target * _log(p) + (1 - target) * _log_of_rest(p)), reduction)


def _bce_probability(g: Any, y: Any, probability: Any, target: Any, reduction: Reduction = "mean") -> Any:
    slope = (1 - target) / np.maximum(1 - probability, _LEAST) - target / np.maximum(probability, _LEAST)
    return share(g, reduction, size(probability)) * slope


def _bce_target(g: Any, y: Any, probability: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return share(g, reduction, size(probability)) * (_log_of_rest(probability) - _log(probability))


_binary_cross_entropy = operation(
    _bce,
    name="nn.functional.binary_cross_entropy",
    role="loss",
    written=formulas.binary_cross_entropy,
    vjp=(_bce_probability, _bce_target),
    math=(
        r"\bar p = \frac{1}{n} \, \bar y \left(\frac{1 - t}{1 - p} - \frac{t}{p}\right)",
        r"\bar t = \frac{1}{n} \, \bar y \, (\ln(1 - p) - \ln p)",
    ),
    samples=[
        lambda rng: (rng.uniform(0.1, 0.9, size=(3, 4)), rng.uniform(size=(3, 4))),
        lambda rng: (rng.uniform(0.1, 0.9, size=5), rng.uniform(size=5), {"reduction": "none"}),
        lambda rng: (rng.uniform(0.1, 0.9), rng.uniform(), {"reduction": "sum"}),
    ],
)


def binary_cross_entropy(probability: Any, target: Any, reduction: Reduction = "mean", *, weight: Any = None) -> Any:
    r"""$-\frac1n \sum_i t_i \ln p_i + (1 - t_i) \ln(1 - p_i)$ over all $n$ elements.

    $\bar p = \frac1n \bar y \left(\frac{1 - t}{1 - p} - \frac tp\right)$. At 0 and 1, where that is infinite,
    the logarithms stop at -100 and the divisors at 1e-12, as in PyTorch. Where the probability is a sigmoid,
    `binary_cross_entropy_with_logits` needs no such stop.

    Args:
        probability: of 1, from 0 to 1; any shape.
        target: the same shape; 0 and 1, of any dtype, or floats between.
        reduction: "mean", "sum", or "none" for a loss an element.
        weight: of each loss, broadcast to them; the mean is over their number.

    Raises:
        ValueError: another shape, a probability that is none, or an unknown reduction.

    >>> import numpy as np
    >>> round(float(binary_cross_entropy(np.array([0.5, 1.0]), [1, 1])), 6)
    0.346574
    """
    target = as_floats(target, probability)
    if weight is None:
        return _binary_cross_entropy(probability, target, reduction)
    return weighted(_binary_cross_entropy(probability, target, "none"), weight, reduction)


def _bce_logits(logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    same_shape("logits", logits, "target", target)
    size = np.abs(logits)
    wrong = np.where(np.less(logits, 0), target, 1 - target)  # how much of the target is on the other side
    return reduced(np.where(wrong == 0, 0, size) * wrong + np.log1p(np.exp(-size)), reduction)


def _bce_logits_logits(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return share(g, reduction, size(logits)) * (sigmoid(logits) - target)


def _bce_logits_target(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return share(g, reduction, size(logits)) * -logits


_binary_cross_entropy_with_logits = operation(
    _bce_logits,
    name="nn.functional.binary_cross_entropy_with_logits",
    role="loss",
    written=formulas.binary_cross_entropy_with_logits,
    vjp=(_bce_logits_logits, _bce_logits_target),
    math=(r"\bar z = \frac{1}{n} \, \bar y \, (\sigma(z) - t)", r"\bar t = -\frac{1}{n} \, \bar y \, z"),
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), rng.uniform(size=(3, 4))),
        lambda rng: (rng.normal(size=5), rng.uniform(size=5), {"reduction": "none"}),
        lambda rng: (rng.normal(), rng.uniform(), {"reduction": "sum"}),
    ],
)


def binary_cross_entropy_with_logits(
    logits: Any, target: Any, reduction: Reduction = "mean", *, weight: Any = None, pos_weight: Any = None
) -> Any:
    r"""Binary cross-entropy of $\sigma(z)$: $\frac1n \sum_i \ln(1 + e^{z_i}) - t_i z_i$ over all $n$ elements.

    $\bar z = \frac1n \bar y (\sigma(z) - t)$. Neither overflows, and no logarithm is of 0.

    Args:
        logits: any shape; the sigmoid is not to be applied to them.
        target: the same shape; 0 and 1, of any dtype, or floats between.
        reduction: "mean", "sum", or "none" for a loss an element.
        weight: of each loss, broadcast to them; the mean is over their number.
        pos_weight: how often a 1 counts, broadcast to the logits: such as (number of 0) / (number of 1).

    Raises:
        ValueError: another shape, or an unknown reduction.

    >>> import numpy as np
    >>> binary_cross_entropy_with_logits(np.array([1000.0, -1000.0]), [1, 1], "none")
    array([   0., 1000.])
    """
    target = as_floats(target, logits)
    if weight is None and pos_weight is None:
        return _binary_cross_entropy_with_logits(logits, target, reduction)
    if pos_weight is None:
        return weighted(_binary_cross_entropy_with_logits(logits, target, "none"), weight, reduction)
    same_shape("logits", logits, "target", target)
    logits, pos_weight = array(logits), as_floats(pos_weight, logits)
    losses = weighted(target * softplus(-logits, threshold=np.inf), pos_weight, "none")
    return weighted(losses + (1 - target) * softplus(logits, threshold=np.inf), weight, reduction)
