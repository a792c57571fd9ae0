"""Linear maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import operation


def mismatch(input_shape: tuple[int, ...], weight_shape: tuple[int, ...]) -> str | None:
    """What is wrong between a weight and its input, and the cure; None where they fit."""
    text = f"weight is {weight_shape}, input is {input_shape}"
    if len(weight_shape) != 2:
        return f"{text}. A weight has the shape (in, out)"
    if input_shape[-1:] == weight_shape[:1]:
        return None
    cure = "; its transpose would fit" if input_shape[:1] == weight_shape[:1] else ""
    return f"{text}. The input's last axis must be {weight_shape[0]}{cure}"


def array(value: Any) -> Any:
    """A list or a number as an array; anything else, a recorded one too, as it is."""
    return value if hasattr(value, "dtype") and not isinstance(value, type) else np.asarray(value)


def _dot(a: Any, b: Any) -> Any:
    return a.dot(b) if type(a) is type(b) is np.ndarray else np.dot(a, b)  # the method has no dispatcher


def _product(x: Any, weight: Any) -> Any:
    try:
        if x.ndim == weight.ndim == 2:
            return _dot(x, weight)  # what `@` gives, at less overhead
        if weight.ndim == 2:
            return x @ weight
    except (ValueError, AttributeError):  # shapes that do not fit, or a number
        pass
    raise ValueError(mismatch(np.shape(x), np.shape(weight)))


def _linear(x: Any, weight: Any, bias: Any) -> Any:
    product = _product(array(x), array(weight))
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
        return _dot(x.T, g)
    samples = tuple(range(x.ndim - 1))
    return np.tensordot(x, g, (samples, samples))


_affine = operation(
    _linear,
    name="nn.functional.linear",
    role="product",
    forward=_linear_in_place,
    broadcasts=True,
    elsewhere=lambda x, weight, bias: np.matmul(x, weight) + bias,
    vjp=(
        lambda g, y, x, weight, bias: _dot(g, weight.T) if g.ndim == 2 else g @ weight.T,
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
