"""What losses share: how they are reduced, weighted, and compared with a target of the same shape."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np

from nn.functional.linear import array

Reduction = Literal["mean", "sum", "none"]
_LARGEST_HALF = 65504
_REDUCE: dict[str, Any] = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}


def size(a: Any) -> int:
    """The number of elements, of any library's array."""
    return prod(np.shape(a))


def share(g: Any, reduction: Reduction, count: int) -> Any:
    """What arrives at each of `count` losses from the gradient of the reduced one."""
    if reduction != "mean":
        return g
    return g / (count if g.dtype != np.float16 or count <= _LARGEST_HALF else np.float32(count))


def reduced(losses: Any, reduction: Reduction) -> Any:
    if reduction not in _REDUCE:
        raise ValueError(f"reduction is {reduction!r}; it is one of {', '.join(_REDUCE)}")
    return _REDUCE[reduction](losses)


def same_shape(first: str, a: Any, second: str, b: Any) -> None:
    if np.shape(a) != np.shape(b):
        raise ValueError(
            f"{first} is {np.shape(a)}, {second} is {np.shape(b)}. Reshape one of them: "
            "broadcast, as (n, 1) and (n,) would be to (n, n), the mean would be over pairs that nobody meant"
        )


def as_floats(target: Any, like: Any) -> Any:
    """`target`, which may hold 0 and 1 as integers or booleans, in floats: those of `like`, if it has none."""
    target = array(target)
    return target if target.dtype.kind == "f" else target.astype(getattr(like, "dtype", np.float64))


def weighted(losses: Any, weight: Any, reduction: Reduction) -> Any:
    """`losses` times a weight each, which is broadcast to them, then reduced: the mean is over their number."""
    if weight is not None:
        weight = array(weight).astype(losses.dtype)
        own, shape = weight.shape, losses.shape
        if len(own) > len(shape) or any(n not in (1, m) for n, m in zip(own[::-1], shape[::-1], strict=False)):
            raise ValueError(f"weight is {own}, the losses are {shape}: it must broadcast to them")
        losses = losses * weight
    return reduced(losses, reduction)
