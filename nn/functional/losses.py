"""Losses."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd import operation
from nn.functional.activations import log_softmax, sigmoid, softmax
from nn.functional.linear import array

Reduction = Literal["mean", "sum", "none"]
_REDUCE: dict[str, Any] = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}
_SMALL = 1000  # up to here a dot product sums as exactly as np.mean does, in half the time


def _share(g: Any, reduction: Reduction, count: int) -> Any:
    """What arrives at each of `count` losses from the gradient of the reduced one."""
    return g / count if reduction == "mean" else g


def _reduced(losses: Any, reduction: Reduction) -> Any:
    if reduction not in _REDUCE:
        raise ValueError(f"reduction is {reduction!r}; it is one of {', '.join(_REDUCE)}")
    return _REDUCE[reduction](losses)


def _same_shape(first: str, a: Any, second: str, b: Any) -> None:
    if np.shape(a) != np.shape(b):
        raise ValueError(
            f"{first} is {np.shape(a)}, {second} is {np.shape(b)}. Reshape one of them: "
            "broadcast, as (n, 1) and (n,) would be to (n, n), the mean would be over pairs that nobody meant"
        )


def _as_floats(target: Any, like: Any) -> Any:
    """`target`, which may hold 0 and 1 as integers or booleans, in floats: those of `like`, if it has none."""
    target = array(target)
    return target if target.dtype.kind == "f" else target.astype(getattr(like, "dtype", np.float64))


# Mean squared error


def _mse_loss(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    r"""Mean squared error $\frac1n \sum_i (p_i - t_i)^2$ over all $n$ elements.

    $\bar p = \frac2n \bar y (p - t)$ and $\bar t = -\bar p$.

    Args:
        prediction: any shape.
        target: the same shape; nothing is broadcast.
        reduction: "mean", "sum", or "none" for the squares themselves.

    Raises:
        ValueError: another shape, or an unknown reduction.

    >>> import numpy as np
    >>> from nn.functional import mse_loss
    >>> float(mse_loss(np.array([1.0, 2.0]), np.array([0.0, 0.0])))
    2.5
    """
    _same_shape("prediction", prediction, "target", target)
    return _reduced(np.subtract(prediction, target) ** 2, reduction)


def _mse_loss_fast(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    shape = getattr(prediction, "shape", ())
    if reduction == "mean" and shape and type(prediction) is type(target) and shape == target.shape:
        d = prediction - target
        if d.dtype.char in "fd":
            if d.size <= _SMALL:
                return np.vdot(d, d) / d.size
            d *= d
            return np.add.reduce(d, None) / d.size
    return _mse_loss(prediction, target, reduction)


def _mse_prediction(g: Any, y: Any, prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return (g * (2 / np.size(prediction) if reduction == "mean" else 2)) * (prediction - target)


def _mse_target(g: Any, y: Any, prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return (g * (2 / np.size(target) if reduction == "mean" else 2)) * (target - prediction)


mse_loss = operation(
    _mse_loss,
    name="nn.functional.mse_loss",
    role="loss",
    forward=_mse_loss_fast,
    vjp=(_mse_prediction, _mse_target),
    math=(r"\bar p = \frac{2}{n} \, \bar y \, (p - t)", r"\bar t = \frac{2}{n} \, \bar y \, (t - p)"),
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(3, 4))),
        lambda rng: (rng.normal(size=(3, 1)), rng.normal(size=(3, 1)), {"reduction": "sum"}),
        lambda rng: (rng.normal(size=5), rng.normal(size=5), {"reduction": "none"}),
        lambda rng: (rng.normal(), rng.normal()),
    ],
)


# Binary cross-entropy

_LEAST_LOG = -100.0  # as in PyTorch: a certain and wrong answer costs 100, not infinity
_LEAST = 1e-12  # and divides by this


def _log(p: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(p), _LEAST_LOG)


def _log_of_rest(p: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log1p(-p), _LEAST_LOG)


def _bce(probability: Any, target: Any, reduction: Reduction = "mean") -> Any:
    _same_shape("probability", probability, "target", target)
    p = array(probability)
    if p.size and (np.min(p) < 0 or np.max(p) > 1):
        at = tuple(int(i) for i in np.argwhere((p < 0) | (p > 1))[0])
        raise ValueError(
            f"probability is {p[at]:.6g} at {at}; it lies between 0 and 1. Logits go to "
            "binary_cross_entropy_with_logits"
        )
    return _reduced(-(target * _log(p) + (1 - target) * _log_of_rest(p)), reduction)


def _bce_probability(g: Any, y: Any, probability: Any, target: Any, reduction: Reduction = "mean") -> Any:
    slope = (1 - target) / np.maximum(1 - probability, _LEAST) - target / np.maximum(probability, _LEAST)
    return _share(g, reduction, np.size(probability)) * slope


def _bce_target(g: Any, y: Any, probability: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return _share(g, reduction, np.size(probability)) * (_log_of_rest(probability) - _log(probability))


_binary_cross_entropy = operation(
    _bce,
    name="nn.functional.binary_cross_entropy",
    role="loss",
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


def binary_cross_entropy(probability: Any, target: Any, reduction: Reduction = "mean") -> Any:
    r"""$-\frac1n \sum_i t_i \ln p_i + (1 - t_i) \ln(1 - p_i)$ over all $n$ elements.

    $\bar p = \frac1n \bar y \left(\frac{1 - t}{1 - p} - \frac tp\right)$. At 0 and 1, where that is infinite,
    the logarithms stop at -100 and the divisors at 1e-12, as in PyTorch. Where the probability is a sigmoid,
    `binary_cross_entropy_with_logits` needs no such stop.

    Args:
        probability: of 1, from 0 to 1; any shape.
        target: the same shape; 0 and 1, of any dtype, or floats between.
        reduction: "mean", "sum", or "none" for a loss an element.

    Raises:
        ValueError: another shape, a probability that is none, or an unknown reduction.

    >>> import numpy as np
    >>> round(float(binary_cross_entropy(np.array([0.5, 1.0]), [1, 1])), 6)
    0.346574
    """
    return _binary_cross_entropy(probability, _as_floats(target, probability), reduction)


def _bce_logits(logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    _same_shape("logits", logits, "target", target)
    size = np.abs(logits)
    wrong = np.where(np.less(logits, 0), target, 1 - target)  # how much of the target is on the other side
    return _reduced(np.where(wrong == 0, 0, size) * wrong + np.log1p(np.exp(-size)), reduction)


def _bce_logits_logits(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return _share(g, reduction, np.size(logits)) * (sigmoid(logits) - target)


def _bce_logits_target(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return _share(g, reduction, np.size(logits)) * -logits


_binary_cross_entropy_with_logits = operation(
    _bce_logits,
    name="nn.functional.binary_cross_entropy_with_logits",
    role="loss",
    vjp=(_bce_logits_logits, _bce_logits_target),
    math=(r"\bar z = \frac{1}{n} \, \bar y \, (\sigma(z) - t)", r"\bar t = -\frac{1}{n} \, \bar y \, z"),
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), rng.uniform(size=(3, 4))),
        lambda rng: (rng.normal(size=5), rng.uniform(size=5), {"reduction": "none"}),
        lambda rng: (rng.normal(), rng.uniform(), {"reduction": "sum"}),
    ],
)


def binary_cross_entropy_with_logits(logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    r"""Binary cross-entropy of $\sigma(z)$: $\frac1n \sum_i \ln(1 + e^{z_i}) - t_i z_i$ over all $n$ elements.

    $\bar z = \frac1n \bar y (\sigma(z) - t)$. Neither overflows, and no logarithm is of 0.

    Args:
        logits: any shape; the sigmoid is not to be applied to them.
        target: the same shape; 0 and 1, of any dtype, or floats between.
        reduction: "mean", "sum", or "none" for a loss an element.

    Raises:
        ValueError: another shape, or an unknown reduction.

    >>> import numpy as np
    >>> binary_cross_entropy_with_logits(np.array([1000.0, -1000.0]), [1, 1], "none")
    array([   0., 1000.])
    """
    return _binary_cross_entropy_with_logits(logits, _as_floats(target, logits), reduction)


# Cross-entropy


def _check_classes(logits: Any, target: Any) -> None:
    """ValueError for a target that is neither a label a sample nor a distribution a sample."""
    shape = np.shape(logits)
    if not shape or np.shape(target) not in (shape, shape[:-1]):
        raise ValueError(
            f"logits are {shape}, target is {np.shape(target)}. Logits have the shape (..., classes), and the target "
            "(...) for labels, or (..., classes) for one-hot rows or probabilities"
        )
    if np.shape(target) == shape:
        return
    if target.dtype.kind not in "iu":
        raise ValueError(f"target holds {target.dtype}; labels are integers: target.astype(int)")
    outside = (target < 0) | (target >= shape[-1])
    if np.any(outside):
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"target is {target[at]} at {at}; with {shape[-1]} classes, labels go from 0 to {shape[-1] - 1}"
        )


def _ce(logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    _check_classes(logits, target)
    logs = log_softmax(logits)
    if np.ndim(target) < np.ndim(logits):
        return _reduced(0.0 - np.take_along_axis(logs, np.expand_dims(target, -1), axis=-1)[..., 0], reduction)
    return _reduced(0.0 - np.sum(target * np.where(np.equal(target, 0), 0, logs), axis=-1), reduction)  # 0 ln 0 is 0


def _ce_share(g: Any, logits: Any, reduction: Reduction) -> Any:
    if reduction == "none":
        return np.expand_dims(g, -1)
    return _share(g, reduction, np.size(logits) // np.shape(logits)[-1])


def _ce_logits(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    p = softmax(logits)
    if np.ndim(target) < np.ndim(logits):
        error = p - np.equal(np.expand_dims(target, -1), np.arange(np.shape(logits)[-1]))
    else:
        error = p * np.sum(target, axis=-1, keepdims=True) - target
    return _ce_share(g, logits, reduction) * error


def _ce_target(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return _ce_share(g, logits, reduction) * -log_softmax(logits)


_cross_entropy = operation(
    _ce,
    name="nn.functional.cross_entropy",
    role="loss",
    vjp=(_ce_logits, _ce_target),
    math=(
        r"\bar z = \frac{1}{n} \, \bar y \, (\operatorname{softmax}(z) - t)",
        r"\bar t = -\frac{1}{n} \, \bar y \, \ln \operatorname{softmax}(z)",
    ),
    samples=[
        lambda rng: (rng.normal(size=(5, 3)), rng.integers(3, size=5)),
        lambda rng: (rng.normal(size=(5, 3)), rng.uniform(size=(5, 3))),
        lambda rng: (rng.normal(size=(2, 5, 3)), rng.integers(3, size=(2, 5)), {"reduction": "none"}),
        lambda rng: (rng.normal(size=3), rng.uniform(size=3), {"reduction": "sum"}),
    ],
)


def cross_entropy(logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    r"""Softmax and cross-entropy: $-\frac1n \sum_i \sum_c t_{ic} \ln \operatorname{softmax}(z_i)_c$ of $n$ samples.

    With one-hot rows t, $\bar z = \frac1n \bar y (\operatorname{softmax}(z) - t)$; for rows of another sum the
    softmax is multiplied by that sum.

    Args:
        logits: (..., classes); the softmax is not to be applied to them.
        target: (...), a label a sample: integers from 0 to classes - 1. Or (..., classes): one-hot rows, or
            probabilities.
        reduction: "mean" over the samples, "sum", or "none" for a loss a sample.

    Raises:
        ValueError: shapes that do not fit, labels that are no integers or no class, or an unknown reduction.

    >>> import numpy as np
    >>> logits = np.array([[1000.0, 0.0], [0.0, 1000.0]])
    >>> cross_entropy(logits, [0, 0], "none")
    array([   0., 1000.])
    >>> float(cross_entropy(logits, [[1, 0], [1, 0]]))
    500.0
    """
    target = array(target)
    if target.ndim == array(logits).ndim:
        target = _as_floats(target, logits)
    return _cross_entropy(logits, target, reduction)


# Penalties


def _l1_penalty(*weights: Any) -> Any:
    r"""$\sum_i |w_i|$ over all elements of all `weights`: a penalty that makes weights exactly 0.

    $\bar w = \bar y \operatorname{sign}(w)$, 0 at 0. For matrices this is not the 1-norm of `np.linalg.norm(W, 1)`,
    which is the largest column sum.
    R. Tibshirani, "Regression shrinkage and selection via the lasso" (1996).

    Args:
        weights: arrays of any shape, one by one: `l1_penalty(*model.parameters())`.

    >>> import numpy as np
    >>> from nn.functional import l1_penalty
    >>> float(l1_penalty(np.array([[1.0, -2.0]]), np.array([3.0])))
    6.0
    """
    return sum((np.sum(np.abs(w)) for w in _one_by_one("l1_penalty", weights)), 0.0)


def _l2_penalty(*weights: Any) -> Any:
    r"""$\sum_i w_i^2$ over all elements of all `weights`: a penalty that keeps weights small.

    $\bar w = 2 \bar y w$: with the factor k it is what an optimiser's `weight_decay` of 2k does in plain descent.
    A. Hoerl, R. Kennard, "Ridge regression" (1970).

    Args:
        weights: arrays of any shape, one by one: `l2_penalty(*model.parameters())`.

    >>> import numpy as np
    >>> from nn.functional import l2_penalty
    >>> float(l2_penalty(np.array([[1.0, -2.0]]), np.array([3.0])))
    14.0
    """
    return sum((np.sum(np.square(w)) for w in _one_by_one("l2_penalty", weights)), 0.0)


def _one_by_one(name: str, weights: tuple[Any, ...]) -> tuple[Any, ...]:
    for w in weights:
        if array(w).dtype.kind not in "fiub":
            raise TypeError(f"{name} takes arrays or Tensors one by one, such as {name}(*model.parameters())")
    return weights


_PENALISED: list[Any] = [
    lambda rng: (rng.normal(size=(3, 4)),),
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal()),
]
l1_penalty = operation(
    _l1_penalty,
    name="nn.functional.l1_penalty",
    role="penalty",
    label="Σ|w|",
    variadic=True,
    adapt=lambda *weights: (weights, {}),
    vjp=lambda position, g, y, *weights: g * np.sign(weights[position]),
    math=r"\bar w = \bar y \operatorname{sign} w",
    samples=_PENALISED,
    ties="0 at 0",
)
l2_penalty = operation(
    _l2_penalty,
    name="nn.functional.l2_penalty",
    role="penalty",
    label="Σw²",
    variadic=True,
    adapt=lambda *weights: (weights, {}),
    vjp=lambda position, g, y, *weights: 2 * g * weights[position],
    math=r"\bar w = 2 \, \bar y \, w",
    samples=_PENALISED,
)
