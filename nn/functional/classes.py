"""Losses of classes: logits or log-probabilities against labels or distributions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd import operation
from autograd.arrays import holds, is_foreign, of_kind
from nn.functional import formulas
from nn.functional.activations import below_the_largest, log_softmax, softmax
from nn.functional.linear import array
from nn.functional.reduction import Reduction, as_floats, reduced, same_shape, share, size


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
    if holds(np.count_nonzero(outside) > 0):  # a tenth of the time of np.any
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"target is {target[at]} at {at}; with {shape[-1]} classes, labels go from 0 to {shape[-1] - 1}"
        )


def _one_hot(labels: Any, classes: int) -> Any:
    """Whether a sample is of a class, in rows."""
    return np.equal(np.expand_dims(labels, -1), of_kind(np.arange(classes), labels))


def _at_labels(logs: Any, labels: Any) -> Any:
    """Of each row the element of its label. NaN for no class, where labels are another library's and unseen."""
    if not is_foreign(logs) and not is_foreign(labels):
        return np.take_along_axis(logs, np.expand_dims(labels, -1), axis=-1)[..., 0]
    chosen = _one_hot(labels, np.shape(logs)[-1])
    return np.where(np.any(chosen, axis=-1), np.sum(np.where(chosen, logs, 0), axis=-1), np.nan)


def _ce(logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    _check_classes(logits, target)
    logs = log_softmax(logits)
    if np.ndim(target) < np.ndim(logits):
        return reduced(0.0 - _at_labels(logs, target), reduction)
    return reduced(0.0 - np.sum(target * np.where(np.equal(target, 0), 0, logs), axis=-1), reduction)  # 0 ln 0 is 0


def _are_labels(logits: Any, target: Any) -> bool:
    """Whether these are NumPy's arrays, with labels, of which functions need not be asked for."""
    return type(logits) is type(target) is np.ndarray and target.ndim == logits.ndim - 1


def _places(labels: Any) -> tuple[Any, Any]:
    """Where the elements of labels are among rows."""
    return np.arange(labels.size), labels.ravel()


def _ce_fast(logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """`_ce` of labels, bit for bit, at half the overhead."""
    if not _are_labels(logits, target):
        return _ce(logits, target, reduction)
    _check_classes(logits, target)
    below = below_the_largest(logits, -1)
    chosen = below.reshape(-1, logits.shape[-1])[_places(target)].reshape(target.shape)
    return reduced(np.log(np.add.reduce(np.exp(below), axis=-1)) - chosen, reduction)


def _ce_share(g: Any, logits: Any, reduction: Reduction) -> Any:
    if reduction == "none":
        return np.expand_dims(g, -1)
    return share(g, reduction, size(logits) // np.shape(logits)[-1])


def _ce_logits(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    p = softmax(logits)
    if _are_labels(p, target):
        p.reshape(-1, p.shape[-1])[_places(target)] -= 1
        p *= _ce_share(g, logits, reduction)
        return p
    if np.ndim(target) < np.ndim(logits):
        error = p - _one_hot(target, np.shape(logits)[-1])
    else:
        error = p * np.sum(target, axis=-1, keepdims=True) - target
    return _ce_share(g, logits, reduction) * error


def _ce_target(g: Any, y: Any, logits: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return _ce_share(g, logits, reduction) * -log_softmax(logits)


_cross_entropy = operation(
    _ce,
    name="nn.functional.cross_entropy",
    role="loss",
    forward=_ce_fast,
    written=formulas.cross_entropy,
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


def cross_entropy(
    logits: Any,
    target: Any,
    reduction: Reduction = "mean",
    *,
    weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Any:
    r"""Softmax and cross-entropy: $-\frac1n \sum_i \sum_c t_{ic} \ln \operatorname{softmax}(z_i)_c$ of $n$ samples.

    With one-hot rows t, $\bar z = \frac1n \bar y (\operatorname{softmax}(z) - t)$; for rows of another sum the
    softmax is multiplied by that sum.

    Args:
        logits: (..., classes); the softmax is not to be applied to them.
        target: (...), a label a sample: integers from 0 to classes - 1. Or (..., classes): one-hot rows, or
            probabilities.
        reduction: "mean" over the samples, "sum", or "none" for a loss a sample.
        weight: (classes,), how much each class counts. The mean of labels is over the sum of their weights, that of
            rows over their number, as in PyTorch.
        ignore_index: a label that counts nothing, such as -100; None for none. Where no other is there the loss is 0.
        label_smoothing: $\alpha$; the rows become $(1 - \alpha) t$ plus $\alpha$ / classes.

    Raises:
        ValueError: shapes that do not fit, labels that are no integers or no class, a smoothing that is no
            probability, an ignored label among rows, or an unknown reduction.

    >>> import numpy as np
    >>> logits = np.array([[1000.0, 0.0], [0.0, 1000.0]])
    >>> cross_entropy(logits, [0, 0], "none")
    array([   0., 1000.])
    >>> float(cross_entropy(logits, [[1, 0], [1, 0]]))
    500.0
    >>> float(cross_entropy(logits, [-1, 0], ignore_index=-1, weight=[2.0, 1.0]))
    1000.0
    """
    target = array(target)
    rows = target.ndim == array(logits).ndim
    if rows:
        target = as_floats(target, logits)
    if weight is None and ignore_index is None and label_smoothing == 0:
        return _cross_entropy(logits, target, reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing is {label_smoothing}; it lies between 0 and 1")
    classes = np.shape(logits)[-1]
    weights = _class_weights(weight, logits)
    if rows:
        if ignore_index is not None:
            raise ValueError("cross_entropy: ignore_index is a label, and the target holds rows of probabilities")
        return _cross_entropy(logits, (target * (1 - label_smoothing) + label_smoothing / classes) * weights, reduction)
    labels, kept = _labels(target, ignore_index), _kept(target, ignore_index, weights.dtype)
    losses = _cross_entropy(logits, labels, "none")
    counts = _weight_of(labels, weights) * kept
    losses = losses * counts
    if label_smoothing:
        everywhere = _cross_entropy(logits, weights * np.ones(np.shape(logits), weights.dtype), "none") * kept
        losses = losses * (1 - label_smoothing) + everywhere * (label_smoothing / classes)
    return _averaged(losses, counts, reduction)


# Weights of classes, and labels that count nothing


def _class_weights(weight: Any, logits: Any) -> Any:
    """A weight for each class, of the dtype of the logits."""
    dtype, classes = getattr(logits, "dtype", np.float64), np.shape(logits)[-1]
    weights = np.ones(classes, dtype) if weight is None else array(weight).astype(dtype)
    if weights.shape != (classes,):
        raise ValueError(f"weight is {weights.shape}; with {classes} classes it must be ({classes},)")
    return weights


def _kept(target: Any, ignore_index: int | None, dtype: Any) -> Any:
    """1 where a label counts, 0 where it is ignored."""
    return np.ones((), dtype) if ignore_index is None else np.not_equal(target, ignore_index).astype(dtype)


def _labels(target: Any, ignore_index: int | None) -> Any:
    """The labels, with 0 in the places of ignored ones."""
    return target if ignore_index is None else np.where(np.equal(target, ignore_index), 0, target)


def _weight_of(labels: Any, weights: Any) -> Any:
    """The weight of each label; `weights[labels]` would leave a compiled step."""
    return np.matmul(_one_hot(labels, len(weights)), weights)


def _averaged(losses: Any, counts: Any, reduction: Reduction) -> Any:
    """As `reduced`, but the mean is over the sum of what counts."""
    if reduction != "mean":
        return reduced(losses, reduction)
    total = np.sum(counts)
    return np.sum(losses) / np.where(np.equal(total, 0), np.ones_like(total), total)


# Log-probabilities


def _nll(log_probabilities: Any, target: Any, reduction: Reduction = "mean") -> Any:
    _check_classes(log_probabilities, target)
    if np.ndim(target) == np.ndim(log_probabilities):
        raise ValueError("nll_loss takes labels, integers of the shape (...); rows of probabilities go to kl_div")
    return reduced(0.0 - _at_labels(array(log_probabilities), target), reduction)


def _nll_slope(g: Any, y: Any, log_probabilities: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return -_ce_share(g, log_probabilities, reduction) * _one_hot(target, np.shape(log_probabilities)[-1])


_nll_loss = operation(
    _nll,
    name="nn.functional.nll_loss",
    role="loss",
    written=formulas.negative_log_likelihood,
    vjp=(_nll_slope, None),
    math=r"\bar z = -\frac{1}{n} \, \bar y \, t",
    samples=[
        lambda rng: (rng.normal(size=(5, 3)), rng.integers(3, size=5)),
        lambda rng: (rng.normal(size=(2, 5, 3)), rng.integers(3, size=(2, 5)), {"reduction": "none"}),
        lambda rng: (rng.normal(size=3), rng.integers(3), {"reduction": "sum"}),
    ],
)


def nll_loss(
    log_probabilities: Any,
    target: Any,
    reduction: Reduction = "mean",
    *,
    weight: Any = None,
    ignore_index: int | None = None,
) -> Any:
    r"""Negative log-likelihood $-\frac1n \sum_i z_{i, t_i}$ of log-probabilities $z$, such as `log_softmax` gives.

    Args:
        log_probabilities: (..., classes).
        target: (...), a label a sample.
        reduction, weight, ignore_index: as for `cross_entropy`.

    Raises:
        ValueError: shapes that do not fit, labels that are no integers or no class, or an unknown reduction.

    >>> import numpy as np
    >>> float(nll_loss(np.log([[0.5, 0.5]]), [1]).round(6))
    0.693147
    """
    target = array(target)
    if weight is None and ignore_index is None:
        return _nll_loss(log_probabilities, target, reduction)
    weights = _class_weights(weight, log_probabilities)
    labels = _labels(target, ignore_index)
    losses = _nll_loss(log_probabilities, labels, "none")
    counts = _weight_of(labels, weights) * _kept(target, ignore_index, weights.dtype)
    return _averaged(losses * counts, counts, reduction)


def _kl(log_probabilities: Any, target: Any, reduction: Reduction = "mean") -> Any:
    same_shape("log_probabilities", log_probabilities, "target", target)
    if size(target) and holds(np.min(target) < 0):
        raise ValueError(f"kl_div: target holds {np.min(target):.6g}; probabilities are at least 0")
    certain = np.equal(target, 0)
    return reduced(np.where(certain, 0, target * (np.log(np.where(certain, 1, target)) - log_probabilities)), reduction)


def _kl_input(g: Any, y: Any, log_probabilities: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return share(g, reduction, size(target)) * -target


def _kl_target(g: Any, y: Any, log_probabilities: Any, target: Any, reduction: Reduction = "mean") -> Any:
    certain = np.equal(target, 0)
    slope = np.where(certain, 0, np.log(np.where(certain, 1, target)) + 1 - log_probabilities)
    return share(g, reduction, size(target)) * slope


_kl_div = operation(
    _kl,
    name="nn.functional.kl_div",
    role="loss",
    written=formulas.divergence,
    vjp=(_kl_input, _kl_target),
    zeros="choice",
    math=(r"\bar z = -\frac{1}{n} \, \bar y \, t", r"\bar t = \frac{1}{n} \, \bar y \, (\ln t + 1 - z)"),
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), rng.uniform(0.1, 1, size=(3, 4))),
        lambda rng: (rng.normal(size=5), rng.uniform(0.1, 1, size=5), {"reduction": "none"}),
    ],
    ties="0 for a probability of 0",
)


def kl_div(
    log_probabilities: Any,
    target: Any,
    reduction: Reduction | Literal["batchmean"] = "mean",
    *,
    log_target: bool = False,
) -> Any:
    r"""Kullback and Leibler's divergence $\sum t (\ln t - z)$ of log-probabilities $z$ from probabilities $t$.

    Args:
        log_probabilities: any shape, such as `log_softmax` gives.
        target: probabilities, of the same shape; $0 \ln 0$ is 0.
        reduction: "batchmean" is the divergence, the sum by the number of rows; "mean" is over all elements, as in
            PyTorch; "sum"; "none" for the terms themselves.
        log_target: whether the target holds logarithms.

    Raises:
        ValueError: another shape, a negative probability, or an unknown reduction.

    >>> import numpy as np
    >>> float(kl_div(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]), "batchmean").round(6))
    0.693147
    """
    if log_target:
        target = np.exp(target)
    target = as_floats(target, log_probabilities)
    if reduction == "batchmean":
        return _kl_div(log_probabilities, target, "sum") / max(np.shape(log_probabilities)[:1] or (1,))
    return _kl_div(log_probabilities, target, reduction)
