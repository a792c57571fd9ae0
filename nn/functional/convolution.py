"""Convolution and pooling of images, on windows that are views of them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Pair = int | tuple[int, int]


def pair(name: str, value: Any, least: int = 1) -> tuple[int, int]:
    """Height and width: the same number twice, or two numbers."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(hasattr(number, "__index__") for number in both) or min(both) < least:
        raise ValueError(f"{name} is {value!r}; it is an integer or a pair of them, at least {least}")
    return int(both[0]), int(both[1])


def windows(name: str, x: Any, size: tuple[int, int], stride: Pair, dilation: Pair = 1) -> Any:
    """The windows of images (n, channels, height, width): (n, channels, y, x, *size), a view.

    Raises:
        ValueError: an input that is no batch of images, or is smaller than a window.
    """
    shape, (down, across), (far_down, far_across) = np.shape(x), pair("stride", stride), pair("dilation", dilation)
    spans = ((size[0] - 1) * far_down + 1, (size[1] - 1) * far_across + 1)
    if len(shape) != 4:
        raise ValueError(f"{name}: input is {shape}; images have the shape (n, channels, height, width)")
    if shape[2] < spans[0] or shape[3] < spans[1]:
        raise ValueError(f"{name}: input is {shape}, with the padding; a window of {spans} does not fit into it")
    seen = sliding_window_view(x, spans, axis=(2, 3))
    return seen[:, :, ::down, ::across, ::far_down, ::far_across]


def _padded(x: Any, padding: tuple[tuple[int, int], tuple[int, int]], value: float = 0.0) -> Any:
    if not any(map(any, padding)):
        return x
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Pair = 1,
    padding: Pair | Literal["same", "valid"] = 0,
    dilation: Pair = 1,
) -> Any:
    r"""$y_{n o p q} = \sum_{c i j} x_{n c, p + i, q + j} \, w_{o c i j} + b_o$: the same filters at every place.

    Args:
        x: (n, channels, height, width).
        weight: (out, channels, rows, columns).
        bias: (out,), or None.
        stride: how far a window is from the next.
        padding: zeros around the images: a number, a pair, "same" for outputs of the input's size, "valid" for none.
        dilation: how far the elements of a window are from each other.

    Returns:
        (n, out, height', width').

    Raises:
        ValueError: shapes that do not fit; a stride, padding or dilation out of range.

    >>> conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)))[0, 0]
    array([[4., 4.],
           [4., 4.]])
    """
    shape, kernel = np.shape(x), np.shape(weight)
    if len(kernel) != 4 or len(shape) != 4 or shape[1] != kernel[1]:
        raise ValueError(
            f"conv2d: input is {shape}, weight is {kernel}. They have the shapes (n, channels, height, width) and "
            "(out, channels, rows, columns)"
        )
    if padding == "same":
        if pair("stride", stride) != (1, 1):
            raise ValueError("conv2d: padding='same' takes a stride of 1")
        spans = [(size - 1) * far for size, far in zip(kernel[2:], pair("dilation", dilation), strict=True)]
        around = tuple((span // 2, span - span // 2) for span in spans)
    else:
        down, across = pair("padding", 0 if padding == "valid" else padding, 0)
        around = ((down, down), (across, across))
    seen = windows("conv2d", _padded(x, (around[0], around[1])), (kernel[2], kernel[3]), stride, dilation)
    y = np.einsum("ncpqij,ocij->nopq", seen, weight, optimize=True)
    return y if bias is None else y + np.reshape(bias, (-1, 1, 1))


def max_pool2d(x: Any, kernel_size: Pair, stride: Pair | None = None, padding: Pair = 0) -> Any:
    """The largest element of each window; by default windows lie beside each other. Equal ones share the gradient.

    Args:
        x: (n, channels, height, width).
        kernel_size: of the windows.
        stride: how far a window is from the next; None for the size of a window.
        padding: how far windows reach over the edge; at most half of their size.

    Raises:
        ValueError: an input that is no batch of images or smaller than a window; settings out of range.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    size, (down, across) = pair("kernel_size", kernel_size), pair("padding", padding, 0)
    if 2 * down > size[0] or 2 * across > size[1]:
        raise ValueError(f"max_pool2d: padding is {padding}; it is at most half of kernel_size, {kernel_size}")
    if np.ndim(x) == 4:
        x = _padded(x, ((down, down), (across, across)), -np.inf)
    return np.max(windows("max_pool2d", x, size, size if stride is None else stride), axis=(4, 5))
