"""Losses of numbers: how far a prediction is from its target."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import operation
from autograd.arrays import holds
from nn.functional import formulas
from nn.functional.linear import array
from nn.functional.reduction import Reduction, as_floats, reduced, same_shape, share, size

_SMALL = 1000  # up to here a dot product sums as exactly as np.mean does, in half the time


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
    same_shape("prediction", prediction, "target", target)
    return reduced(np.subtract(prediction, target) ** 2, reduction)


def _mse_loss_fast(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    shape = getattr(prediction, "shape", ())
    if reduction == "mean" and shape and type(prediction) is type(target) and shape == target.shape:
        d = prediction - target
        if d.dtype.char in "fd":
            if d.size <= _SMALL:
                d = d.ravel()
                return d.dot(d) / d.size
            d *= d
            return np.add.reduce(d, None) / d.size
    return _mse_loss(prediction, target, reduction)


def _mse_prediction(g: Any, y: Any, prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return (g * (2 / prediction.size if reduction == "mean" else 2)) * (prediction - target)


def _mse_target(g: Any, y: Any, prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return (g * (2 / target.size if reduction == "mean" else 2)) * (target - prediction)


mse_loss = operation(
    _mse_loss,
    name="nn.functional.mse_loss",
    role="loss",
    written=formulas.squared_error,
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


# Absolute error, and what lies between it and the square


def _l1_loss(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    r"""Mean absolute error $\frac1n \sum_i |p_i - t_i|$ over all $n$ elements.

    $\bar p = \frac1n \bar y \operatorname{sign}(p - t)$, 0 where they are equal, and $\bar t = -\bar p$.

    Args:
        prediction: any shape.
        target: the same shape; nothing is broadcast.
        reduction: "mean", "sum", or "none" for the distances themselves.

    Raises:
        ValueError: another shape, or an unknown reduction.

    >>> import numpy as np
    >>> from nn.functional import l1_loss
    >>> float(l1_loss(np.array([1.0, 2.0]), np.array([0.0, 0.0])))
    1.5
    """
    same_shape("prediction", prediction, "target", target)
    return reduced(np.abs(np.subtract(prediction, target)), reduction)


def _l1_slope(g: Any, y: Any, prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    return share(g, reduction, size(prediction)) * np.sign(prediction - target)


_NUMBERS: list[Any] = [
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(3, 4))),
    lambda rng: (rng.normal(size=5), rng.normal(size=5), {"reduction": "none"}),
    lambda rng: (rng.normal(), rng.normal(), {"reduction": "sum"}),
]
l1_loss = operation(
    _l1_loss,
    name="nn.functional.l1_loss",
    role="loss",
    written=formulas.absolute_error,
    vjp=(_l1_slope, lambda g, y, prediction, target, reduction="mean": _l1_slope(g, y, target, prediction, reduction)),
    math=(
        r"\bar p = \frac{1}{n} \, \bar y \operatorname{sign}(p - t)",
        r"\bar t = \frac{1}{n} \, \bar y \operatorname{sign}(t - p)",
    ),
    samples=_NUMBERS,
    ties="0 where prediction and target are equal",
)


def _huber_loss(prediction: Any, target: Any, reduction: Reduction = "mean", delta: float = 1.0) -> Any:
    r"""$\frac12 d^2$ of small differences $d = p - t$; $\delta (|d| - \frac12 \delta)$ where $|d|$ is above $\delta$.

    $\bar p = \frac1n \bar y$ times d, clipped to $\pm\delta$, and $\bar t = -\bar p$.
    P. Huber, "Robust estimation of a location parameter" (1964).

    Args:
        prediction: any shape.
        target: the same shape; nothing is broadcast.
        reduction: "mean", "sum", or "none" for a loss an element.
        delta: where the square ends; above 0.

    Raises:
        ValueError: another shape, an unknown reduction, or a `delta` that is not above 0.

    >>> import numpy as np
    >>> from nn.functional import huber_loss
    >>> huber_loss(np.array([0.5, 10.0]), np.zeros(2), "none")
    array([0.125, 9.5  ])
    """
    same_shape("prediction", prediction, "target", target)
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is {delta}; it must be above 0")
    size = np.abs(np.subtract(prediction, target))
    near = np.minimum(size, delta)
    return reduced(near * (size - 0.5 * near), reduction)


def _huber_slope(
    g: Any, y: Any, prediction: Any, target: Any, reduction: Reduction = "mean", delta: float = 1.0
) -> Any:
    return share(g, reduction, size(prediction)) * np.clip(prediction - target, -delta, delta)


huber_loss = operation(
    _huber_loss,
    name="nn.functional.huber_loss",
    role="loss",
    vjp=(
        _huber_slope,
        lambda g, y, prediction, target, reduction="mean", delta=1.0: _huber_slope(
            g, y, target, prediction, reduction, delta
        ),
    ),
    math=(
        r"\bar p = \frac{1}{n} \, \bar y \operatorname{clip}(p - t, -\delta, \delta)",
        r"\bar t = \frac{1}{n} \, \bar y \operatorname{clip}(t - p, -\delta, \delta)",
    ),
    samples=[*_NUMBERS, lambda rng: (rng.normal(size=5), rng.normal(size=5), {"delta": 0.3})],
)


# Margins


def _hinge(scores: Any, target: Any, reduction: Reduction = "mean", margin: float = 1.0) -> Any:
    same_shape("scores", scores, "target", target)
    t = array(target)
    if t.size and holds(np.any(np.abs(t) != 1)):
        at = tuple(int(i) for i in np.argwhere(np.abs(t) != 1)[0])
        raise ValueError(f"hinge_loss: target is {t[at]:.6g} at {at}; it is -1 or 1. Of 0 and 1 make 2 * target - 1")
    return reduced(np.maximum(margin - target * array(scores), 0), reduction)


def _hinge_slope(g: Any, y: Any, scores: Any, target: Any, reduction: Reduction = "mean", margin: float = 1.0) -> Any:
    """-t where t s is below the margin, and 0 where the hinge is; times each element's share of g."""
    return share(g, reduction, size(scores)) * -(target * np.less(target * scores, margin))


_hinge_loss = operation(
    _hinge,
    name="nn.functional.hinge_loss",
    role="loss",
    written=formulas.hinge,
    vjp=(_hinge_slope, None),
    math=r"\bar s = -\frac{1}{n} \, \bar y \odot t \odot 1[t \odot s < m]",
    samples=[
        lambda rng: (rng.normal(size=(3, 4)), np.sign(rng.normal(size=(3, 4)))),
        lambda rng: (rng.normal(size=5), np.sign(rng.normal(size=5)), {"reduction": "none", "margin": 0.5}),
    ],
    ties="0 at the margin",
    zeros="choice",
)


def hinge_loss(scores: Any, target: Any, reduction: Reduction = "mean", margin: float = 1.0) -> Any:
    r"""$\frac1n \sum_i \max(0, m - t_i s_i)$: 0 where a score is on the right side by at least the margin $m$.

    $\bar s_i = -\frac1n \bar y t_i$ where $t_i s_i < m$, else 0.
    C. Cortes, V. Vapnik, "Support-vector networks" (1995).

    Args:
        scores: any shape.
        target: the same shape, of -1 and 1.
        reduction: "mean", "sum", or "none" for a loss an element.
        margin: how far on the right side is far enough.

    Raises:
        ValueError: another shape, a target that is neither -1 nor 1, or an unknown reduction.

    >>> import numpy as np
    >>> hinge_loss(np.array([2.0, 0.5, -1.0]), [1, 1, 1], "none")
    array([0. , 0.5, 2. ])
    """
    return _hinge_loss(scores, as_floats(target, scores), reduction, margin)
