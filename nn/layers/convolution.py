"""Layers of images."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from nn import functional, given, init
from nn.functional.convolution import Pair, pair
from nn.module import Module
from nn.parameter import Parameter


class Conv2d(Module):
    r"""The same filters at every place of images; see `nn.functional.conv2d`.

    Args:
        in_channels, out_channels: of the input's axis 1, and of the output's.
        kernel_size: rows and columns of a filter; one number for both.
        stride, padding, dilation: as for `nn.functional.conv2d`.
        bias: whether there is a bias.
        rng: a `np.random.Generator`, a `RandomState` or a seed; None for fresh entropy.
        dtype: of the parameters.

    Attributes:
        weight: Parameter of shape (out, in, rows, columns), uniform in $\pm 1 / \sqrt{in \cdot rows \cdot columns}$ at
            first, as in PyTorch; so is the bias.
        bias: Parameter of shape (out,), or None.

    Raises:
        ValueError: sizes or settings out of range; in a call, an input that does not fit.

    >>> Conv2d(3, 16, 3, padding=1, rng=0)(np.ones((2, 3, 8, 8))).shape
    (2, 16, 8, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair | Literal["same", "valid"] = 0,
        dilation: Pair = 1,
        bias: bool = True,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.in_channels = given.size("Conv2d: in_channels", in_channels)
        self.out_channels = given.size("Conv2d: out_channels", out_channels)
        self.kernel_size = pair("Conv2d: kernel_size", kernel_size)
        self.stride, self.dilation = pair("Conv2d: stride", stride), pair("Conv2d: dilation", dilation)
        if padding not in ("same", "valid"):
            padding = pair("Conv2d: padding", padding, 0)
        self.padding: Any = padding
        rng = init.generator(rng)
        bound = 1 / math.sqrt(in_channels * math.prod(self.kernel_size))
        shape = (out_channels, in_channels, *self.kernel_size)
        self.weight = Parameter(init.uniform(shape, rng=rng, dtype=dtype, low=-bound, high=bound))
        offset = init.uniform((out_channels,), rng=rng, dtype=dtype, low=-bound, high=bound) if bias else None
        self.bias = None if offset is None else Parameter(offset)

    def forward(self, x: Any) -> Any:
        if np.ndim(x) != 4 or np.shape(x)[1] != self.in_channels:
            raise ValueError(
                f"{self._title()}: input is {np.shape(x)}; it must be (n, {self.in_channels}, height, width)"
            )
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)

    def multiply_adds(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        return math.prod(output_shape) * self.in_channels * math.prod(self.kernel_size)


class MaxPool2d(Module):
    """The largest element of each window of images; see `nn.functional.max_pool2d`.

    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4)).shape
    (1, 1, 2, 2)
    """

    def __init__(self, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> None:
        super().__init__()
        self.kernel_size = pair("MaxPool2d: kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else pair("MaxPool2d: stride", stride)
        self.padding = pair("MaxPool2d: padding", padding, 0)

    def forward(self, x: Any) -> Any:
        return functional.max_pool2d(x, self.kernel_size, self.stride, self.padding)
