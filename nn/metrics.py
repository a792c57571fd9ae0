"""How good a prediction is, by scikit-learn's definitions; as losses do, each takes the prediction first.

Of arrays in chunks, as Dask's, the number is computed by one pass over them.

>>> import numpy as np
>>> from nn import metrics
>>> metrics.accuracy(np.array([[2.0, 0.1], [0.3, 0.2]]), [0, 1])
0.5
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor
from autograd.arrays import fetched, is_lazy
from nn.arrays import number
from nn.init import Array
from nn.samples import data_of


def _values(value: Any) -> Array:
    array: Array = data_of(value.data if isinstance(value, Tensor) else value)
    if array.dtype.kind not in "biuf":
        kind = type(value).__name__
        raise TypeError(f"predictions and targets hold numbers, and a {kind} does not: see nn.predict(model, X)")
    return array


def labels(prediction: Any, threshold: float = 0.0) -> Array:
    """The labels that a prediction says: of rows of scores the largest one's place, of one score whether it is larger.

    Args:
        prediction: (n, classes), scores or probabilities; (n,) or (n, 1), a logit each; or integers, labels already.
        threshold: above which one score says 1: 0 for logits, 0.5 for probabilities.

    >>> labels(np.array([[0.1], [-2.0]]))
    array([1, 0])
    """
    values = _values(prediction)
    if values.ndim > 1 and values.shape[-1] > 1:
        found: Array = np.argmax(values, axis=-1)
        return found
    values = values[..., 0] if values.ndim > 1 else values
    return values if values.dtype.kind in "iub" else (values > threshold).astype(int)


def _pairs(name: str, prediction: Any, target: Any, threshold: float) -> tuple[Array, Array]:
    predicted, true = labels(prediction, threshold), _values(target)
    if true.ndim == predicted.ndim + 1:  # rows of one element, or one-hot rows
        true = true[..., 0] if true.shape[-1] == 1 else np.argmax(true, axis=-1)
    if predicted.shape != true.shape or not predicted.size:
        raise ValueError(f"{name}: the prediction is {np.shape(prediction)}, the target {np.shape(target)}")
    return predicted, true


def accuracy(prediction: Any, target: Any, threshold: float = 0.0) -> float:
    """The share of labels that are right.

    Args:
        prediction, threshold: as for `labels`.
        target: (n,) labels, or one-hot rows.

    Raises:
        ValueError: shapes that do not fit, or no samples.

    >>> accuracy(np.array([[2.0, 0.1], [0.3, 0.2]]), [0, 1])
    0.5
    """
    predicted, true = _pairs("accuracy", prediction, target, threshold)
    share: float = number(np.mean(predicted == true))
    return share


def confusion_matrix(prediction: Any, target: Any, classes: int | None = None, threshold: float = 0.0) -> Array:
    """How many samples of class i (a row) were taken for class j (a column).

    Args:
        prediction, threshold: as for `labels`.
        target: (n,) labels from 0 on, or one-hot rows.
        classes: their number; by default from the scores, or from the largest label; of labels in chunks 2.

    Raises:
        ValueError: shapes that do not fit, no samples, or a label outside of the classes.

    >>> confusion_matrix([0, 1, 1], [0, 1, 0])
    array([[1, 1],
           [0, 1]])
    """
    predicted, true = _pairs("confusion_matrix", prediction, target, threshold)
    predicted, true = predicted.astype(int), true.astype(int)
    shape = np.shape(prediction)
    count = (shape[-1] if len(shape) > 1 and shape[-1] > 1 else 2) if classes is None else classes
    if classes is None and not (is_lazy(predicted) or is_lazy(true)):
        count = max(count, int(max(np.max(predicted), np.max(true))) + 1)
    outside = (predicted < 0) | (predicted >= count) | (true < 0) | (true >= count)
    places = np.where(outside, count * count, true * count + predicted)
    counts: Array = fetched(np.bincount(np.ravel(places), minlength=count * count + 1))
    if counts[-1]:
        raise ValueError(f"confusion_matrix: labels must be from 0 to {count - 1}; classes= says how many there are")
    return counts[:-1].reshape(count, count)


def r2(prediction: Any, target: Any) -> float:
    r"""The coefficient of determination $1 - \sum (t - p)^2 / \sum (t - \bar t)^2$; of several outputs their mean.

    It is 1 for a perfect prediction and 0 for that of the mean. Where the target is constant it is 1 or 0.

    Raises:
        ValueError: shapes that do not fit, or no samples.

    >>> r2([1.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    0.5
    """
    p, t = _values(prediction).astype(np.float64), _values(target).astype(np.float64)
    if p.shape != t.shape and p.size == t.size and {p.shape[-1:], t.shape[-1:]} & {(1,)}:
        p, t = (a[..., 0] if a.ndim > 1 else a for a in (p, t))  # (n, 1) and (n,)
    if p.shape != t.shape or not p.size:
        raise ValueError(f"r2: the prediction is {p.shape}, the target {t.shape}")
    residual, spread = np.sum((t - p) ** 2, axis=0), len(t) * np.var(t, axis=0)
    known = spread > 0
    each = np.where(known, 1 - residual / np.where(known, spread, 1), np.where(residual == 0, 1.0, 0.0))
    mean: float = number(np.mean(each))
    return mean
