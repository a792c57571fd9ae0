"""Functions of networks, each one record: on arrays they compute, on Tensors they record.

Rules are read as `autograd.operation` describes: `g` is the gradient that arrives, `y` the value.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np

from autograd import operation

tanh = np.tanh
Reduction = Literal["mean", "sum", "none"]
_REDUCE: dict[str, Any] = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}
_CACHED = 1 << 16  # elements of zeros worth keeping; larger arrays are bound by memory either way
_SMALL = 1000  # up to here a dot product sums as exactly as np.mean does, in half the time

# Linear maps


def mismatch(input_shape: tuple[int, ...], weight_shape: tuple[int, ...]) -> str | None:
    """What is wrong between a weight and its input, and the cure; None where they fit."""
    told = f"weight is {weight_shape}, input is {input_shape}"
    if len(weight_shape) != 2:
        return f"{told}. A weight has the shape (in, out)"
    if input_shape[-1:] == weight_shape[:1]:
        return None
    cure = "; its transpose would fit" if input_shape[:1] == weight_shape[:1] else ""
    return f"{told}. The input's last axis must be {weight_shape[0]}{cure}"


def _array(value: Any) -> Any:
    return value if hasattr(value, "ndim") else np.asarray(value)


def _product(x: Any, weight: Any) -> Any:
    try:
        if x.ndim == weight.ndim == 2:
            return np.dot(x, weight)  # what `@` gives, at less overhead
        if weight.ndim == 2:
            return x @ weight
    except (ValueError, AttributeError):  # shapes that do not fit, or a number
        pass
    raise ValueError(mismatch(np.shape(x), np.shape(weight)))


def _linear(x: Any, weight: Any, bias: Any) -> Any:
    product = _product(_array(x), _array(weight))
    y = product + bias
    if y.shape != product.shape:
        raise ValueError(f"bias is {np.shape(bias)}, output is {product.shape}. A bias has the shape (out,)")
    return y


def _linear_in_place(x: Any, weight: Any, bias: Any) -> Any:
    y = _product(x, weight)
    try:
        if y.dtype is bias.dtype:
            y += bias
            return y
    except (ValueError, AttributeError):  # a bias that does not fit, or a number
        pass
    return _linear(x, weight, bias)


def _linear_weight(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    if x.ndim == 2:
        return np.dot(x.T, g)
    samples = tuple(range(x.ndim - 1))
    return np.tensordot(x, g, (samples, samples))


_affine = operation(
    _linear,
    name="nn.functional.linear",
    forward=_linear_in_place,
    broadcasts=True,
    vjp=(
        lambda g, y, x, weight, bias: np.dot(g, weight.T) if g.ndim == 2 else g @ weight.T,
        _linear_weight,
        lambda g, y, x, weight, bias: g,
    ),
    math=(r"\bar x = \bar y \, W^\top", r"\bar W = x^\top \, \bar y", r"\bar b = \sum_i \bar y_i"),
    samples=[
        lambda rng: (rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)),
        lambda rng: (rng.normal(size=3), rng.normal(size=(3, 2)), rng.normal(size=2)),
        lambda rng: (rng.normal(size=(4, 5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)),
        lambda rng: (rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=(1, 2))),
    ],
)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    r"""$y = x W + b$, for one sample or any number of axes of samples.

    With $\bar y$ = dL/dy: $\bar x = \bar y W^\top$, $\bar W = x^\top \bar y$ and $\bar b = \sum_i \bar y_i$,
    summed over the samples.

    Args:
        x: (..., in).
        weight: (in, out).
        bias: (out,), or None for no bias.

    Returns:
        (..., out).

    Raises:
        ValueError: shapes that do not fit.

    >>> import numpy as np
    >>> linear(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    array([[11.5]])
    """
    return np.matmul(x, weight) if bias is None else _affine(x, weight, bias)


# Activations


def _relu(x: Any) -> Any:
    r"""$\max(x, 0)$, with the derivative 0 at 0, as hand derivations have it. Any shape.

    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (ICML 2010).

    >>> import numpy as np
    >>> from nn.functional import relu
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(x, 0.0)


@lru_cache(maxsize=8)
def _zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    return np.zeros(shape, dtype)


def _relu_fast(x: Any) -> Any:
    if type(x) is np.ndarray and x.dtype.char in "fd" and x.size <= _CACHED:
        return np.maximum(x, _zeros(x.shape, x.dtype))  # a third of the time that the number 0 takes
    return np.maximum(x, 0.0)


relu = operation(
    _relu,
    name="nn.functional.relu",
    forward=_relu_fast,
    vjp=lambda g, y, x: g * (y > 0.0),
    math=r"\bar x = \bar y \odot 1[x > 0]",
    samples=[lambda rng: (rng.normal(size=(3, 4)),), lambda rng: (rng.normal(),)],
    ties="0 at 0",
)


def _sigmoid(x: Any) -> Any:
    r"""$1 / (1 + e^{-x})$, without overflow and exact to the last digits in both tails. Any shape.

    $\bar x = \bar y \odot y \odot (1 - y)$.

    >>> import numpy as np
    >>> from nn.functional import sigmoid
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = np.exp(-np.abs(x))
    return np.where(np.less(x, 0.0), small, 1.0) / (1.0 + small)


sigmoid = operation(
    _sigmoid,
    name="nn.functional.sigmoid",
    label="σ",
    vjp=lambda g, y, x: g * (y * (1.0 - y)),
    math=r"\bar x = \bar y \odot y \odot (1 - y)",
    samples=[lambda rng: (rng.normal(size=(3, 4)),), lambda rng: (rng.normal(),)],
)


# Losses


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
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            f"prediction is {np.shape(prediction)}, target is {np.shape(target)}. Reshape one of them: "
            "broadcast, as (n, 1) and (n,) would be to (n, n), the mean would be over pairs that nobody meant"
        )
    if reduction not in _REDUCE:
        raise ValueError(f"reduction is {reduction!r}; it is one of {', '.join(_REDUCE)}")
    return _REDUCE[reduction](np.subtract(prediction, target) ** 2)


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

__all__ = ["linear", "mse_loss", "relu", "sigmoid", "tanh"]
