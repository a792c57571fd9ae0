"""Normalisation: LayerNorm over features, BatchNorm over samples."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from nn import functional, given
from nn.module import Module
from nn.parameter import Parameter


class LayerNorm(Module):
    """Each sample's features with mean 0 and variance 1, scaled and shifted; see `nn.functional.layer_norm`.

    Args:
        normalized_shape: the length of the last axis, or of the last axes.
        eps: added to the variance.
        elementwise_affine: whether there are a weight and a bias.
        bias: whether there is a bias beside the weight.

    Raises:
        ValueError: a size below 1, an `eps` that is negative; in a call, an input of other last axes.

    >>> import numpy as np
    >>> LayerNorm(2)(np.array([[1.0, 3.0]])).data.round(2)
    array([[-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        sizes = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
        self.normalized_shape = tuple(given.size("LayerNorm: normalized_shape", size) for size in sizes)
        self.eps = given.nonnegative("LayerNorm: eps", eps)
        self.weight = Parameter(np.ones(self.normalized_shape, dtype)) if elementwise_affine else None
        self.bias = Parameter(np.zeros(self.normalized_shape, dtype)) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        if np.shape(x)[-len(self.normalized_shape) :] != self.normalized_shape:
            raise ValueError(f"{self._title()}: input is {np.shape(x)}; its last axes must be {self.normalized_shape}")
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)


class BatchNorm1d(Module):
    """Each feature with mean 0 and variance 1 over the batch, scaled and shifted; see `nn.functional.batch_norm`.

    In training, statistics are those of the batch; in `eval()`, the running ones, which are kept as buffers:
    `running_mean`, `running_var` and `num_batches_tracked`.

    Args:
        num_features: the length of axis 1 of an input of shape (n, features) or (n, features, length).
        eps: added to the variance.
        momentum: the share of a batch in the running statistics; None for their mean over all batches.
        affine: whether there are a weight and a bias.
        track_running_stats: False for statistics of the batch in `eval()` too.

    Raises:
        ValueError: a size below 1, a `momentum` that is no probability; in a call, another shape, or one value a
            feature in training.

    >>> import numpy as np
    >>> layer = BatchNorm1d(1)
    >>> layer(np.array([[1.0], [3.0]])).data.round(2).ravel()
    array([-1.,  1.])
    >>> layer.running_mean, layer.running_var
    (array([0.2]), array([1.1]))
    """

    running_mean: Any
    running_var: Any
    num_batches_tracked: Any
    _ndims: ClassVar[tuple[int, ...]] = (2, 3)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.num_features = given.size(f"{name}: num_features", num_features)
        self.eps = given.nonnegative(f"{name}: eps", eps)
        self.momentum = None if momentum is None else given.probability(f"{name}: momentum", momentum)
        self.weight = Parameter(np.ones(num_features, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_features, dtype)) if affine else None
        self.track_running_stats = given.switch(f"{name}: track_running_stats", track_running_stats)
        if track_running_stats:
            self.register_buffer("running_mean", np.zeros(num_features, dtype))
            self.register_buffer("running_var", np.ones(num_features, dtype))
            self.register_buffer("num_batches_tracked", np.zeros((), np.int64))

    def forward(self, x: Any) -> Any:
        shape = np.shape(x)
        if len(shape) not in self._ndims or shape[1] != self.num_features:
            axes = " or ".join(f"(n, {self.num_features}{', length' * (ndim - 2)})" for ndim in self._ndims)
            raise ValueError(f"{self._title()}: input is {shape}; its shape must be {axes}")
        if self.training and math.prod(shape) == self.num_features:
            raise ValueError(
                f"{self._title()}: input is {shape}: with one value a channel there is no variance to train with. "
                "Leave a last batch of one sample out: nn.MiniBatches(..., drop_last=True)"
            )
        tracked = self.track_running_stats
        mean, variance = (self.running_mean, self.running_var) if tracked else (None, None)
        momentum: Any = self.momentum
        if momentum is None:
            momentum = 1 / (self.num_batches_tracked + 1) if tracked else 0.0
        batch = self.training or not tracked
        y = functional.batch_norm(x, mean, variance, self.weight, self.bias, batch, momentum, self.eps)
        if self.training and tracked:
            np.add(self.num_batches_tracked, 1, out=self.num_batches_tracked)
        return y


class BatchNorm2d(BatchNorm1d):
    """As `BatchNorm1d`, of images: an input of shape (n, channels, height, width).

    >>> import numpy as np
    >>> BatchNorm2d(3)(np.ones((2, 3, 4, 4))).shape
    (2, 3, 4, 4)
    """

    _ndims = (4,)
