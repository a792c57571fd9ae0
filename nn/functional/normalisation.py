"""Mean 0 and variance 1, over features or over samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor, operation
from autograd.arrays import alongside, is_lazy
from nn.given import size

Axes = int | tuple[int, ...]


def _standardised(x: Any, axis: Axes = -1, eps: float = 1e-5) -> Any:
    r"""$y = (x - \mu) / \sqrt{\sigma^2 + \epsilon}$, with the mean and the variance over `axis`.

    $\bar x = (\bar y - \operatorname{mean} \bar y - y \operatorname{mean}(\bar y \odot y)) /
    \sqrt{\sigma^2 + \epsilon}$: the way through the mean and the variance is in it.

    >>> import numpy as np
    >>> from nn.functional import standardised
    >>> standardised(np.array([[1.0, 3.0]]), eps=0.0)
    array([[-1.,  1.]])
    """
    d = np.subtract(x, np.mean(x, axis=axis, keepdims=True))
    return d / np.sqrt(np.mean(d * d, axis=axis, keepdims=True) + eps)


def _standardised_slope(g: Any, y: Any, x: Any, axis: Axes = -1, eps: float = 1e-5) -> Any:
    along = np.mean(g * y, axis=axis, keepdims=True)
    deviation = np.sqrt(np.var(x, axis=axis, keepdims=True) + eps)
    return (g - np.mean(g, axis=axis, keepdims=True) - y * along) / deviation


standardised = operation(
    _standardised,
    name="nn.functional.standardised",
    role="activation",
    label="standardised",
    vjp=_standardised_slope,
    math=(
        r"\bar x = (\bar y - \operatorname{mean} \bar y - y \odot \operatorname{mean}(\bar y \odot y))"
        r" / \sqrt{\sigma^2 + \epsilon}"
    ),
    samples=[
        lambda rng: (rng.normal(size=(4, 3)),),
        lambda rng: (rng.normal(size=(4, 3)), {"axis": 0}),
        lambda rng: (rng.normal(size=(2, 3, 4)), {"axis": (0, 2), "eps": 0.1}),
    ],
)


def layer_norm(
    x: Any, normalized_shape: int | tuple[int, ...], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    r"""Each sample's features with mean 0 and variance 1, then scaled and shifted: $y = \hat x \odot w + b$.

    Args:
        x: (..., *normalized_shape).
        normalized_shape: the lengths of the last axes, over which mean and variance are taken.
        weight, bias: of the shape `normalized_shape`, or None.
        eps: added to the variance.

    Raises:
        ValueError: an input that does not end with `normalized_shape`.

    Ba, Kiros and Hinton, "Layer normalization" (2016).

    >>> import numpy as np
    >>> layer_norm(np.array([[1.0, 3.0], [10.0, 30.0]]), 2).round(2)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    given = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    shape = tuple(size("layer_norm: normalized_shape", length) for length in given)
    if not shape or np.shape(x)[-len(shape) :] != shape:
        raise ValueError(f"layer_norm: input is {np.shape(x)}; its last axes must be {shape}")
    y = standardised(x, axis=tuple(range(-len(shape), 0)), eps=eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def batch_norm(
    x: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    r"""Each channel with mean 0 and variance 1 over samples and positions, then scaled and shifted.

    In training the mean and variance are those of the batch, and the running ones move towards them by the share
    `momentum`, the variance as $\sum (x - \mu)^2 / (n - 1)$. Else the running ones are used. Of an input in chunks they
    move with the backward pass, which computes them with the gradients; where nothing has one, at once.

    Args:
        x: (n, channels, ...).
        running_mean, running_var: (channels,) arrays, written in place in training; or None.
        weight, bias: (channels,), or None.

    Raises:
        ValueError: another number of channels, one value a channel in training, or no running statistics outside of it.

    Ioffe and Szegedy, "Batch normalization" (ICML 2015).

    >>> import numpy as np
    >>> batch_norm(np.array([[1.0], [3.0]]), training=True).round(2)
    array([[-1.],
           [ 1.]])
    """
    shape = np.shape(x)
    for name, each in (("running_mean", running_mean), ("weight", weight)):
        if len(shape) < 2 or (each is not None and np.shape(each) != shape[1:2]):
            other = "" if each is None else f", {name} is {np.shape(each)}"
            raise ValueError(f"batch_norm: input is {shape}{other}. The input has the shape (n, channels, ...)")
    axes, along = (0, *range(2, len(shape))), (1, -1, *[1] * (len(shape) - 2))
    if training:
        count = int(np.prod([shape[axis] for axis in axes]))
        if count < 2:
            raise ValueError(
                f"batch_norm: input is {shape}: with one value a channel there is no variance to train with"
            )
        y = standardised(x, axis=axes, eps=eps)
    elif running_mean is None:
        raise ValueError("batch_norm: outside of training it takes running_mean and running_var")
    else:
        y = (x - np.reshape(running_mean, along)) / np.sqrt(np.reshape(running_var, along) + eps)
    y = y if weight is None else y * np.reshape(weight, along)
    y = y if bias is None else y + np.reshape(bias, along)
    if training and running_mean is not None:
        values = x.data if isinstance(x, Tensor) else x
        statistics = [np.mean(values, axis=axes), np.var(values, axis=axes) * (count / (count - 1))]

        def move(mean: Any, variance: Any) -> None:
            _move(running_mean, mean, momentum)
            _move(running_var, variance, momentum)

        if is_lazy(x):
            alongside(y, statistics, move)
        else:
            move(*statistics)
    return y


def _move(running: Any, towards: Any, share: Any) -> None:
    np.add(running * (1 - share), towards * share, out=running, casting="same_kind")
