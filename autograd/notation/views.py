"""What a view is a part of, and which part."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.notation.names import Scope


def part_of(array: Any, scope: Scope) -> str | None:
    """The name of the array that this one is a view of, with the number of the row, or what was indexed."""
    whole = getattr(array, "base", None)
    if not isinstance(whole, np.ndarray):
        return None
    name = scope.of_array(whole)
    if name is None:  # of one that is a view itself, as what was reshaped is
        views = ((one, known) for one, known in scope.arrays if getattr(one, "base", None) is whole)
        whole, name = next((one for one in views if np.may_share_memory(one[0], array)), (whole, None))
    if whole is not None and whole.ndim == 2 and (array.shape, array.strides) == (whole.T.shape, whole.T.strides):
        return None  # transposed, so that it is another one
    if name is None or whole is None or not whole.ndim or min(*whole.strides, *array.strides, 1) < 1:
        return name
    offset = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    if not 0 <= offset < whole.nbytes:
        return None
    if whole.shape[1:] == array.shape:
        return f"{name}_{offset // whole.strides[0]}"
    index = _index(array, whole, offset) if array.size < whole.size else ""
    return f"{name}[{index}]" if index else name if whole is array.base or array.size == whole.size else None


def _index(array: Any, whole: Any, offset: int) -> str:
    """What of a whole array a view of it is, which begins so many bytes behind it: `:, 2`; or ""."""
    axes = [(step, length) for step, length in zip(array.strides, array.shape, strict=True) if length > 1]
    parts: list[str] = []
    for step, length in zip(whole.strides, whole.shape, strict=True):
        start, offset = divmod(offset, step)
        if axes and axes[0][0] % step == 0 and start + axes[0][0] // step * (axes[0][1] - 1) < length:
            stride, many = axes[0][0] // step, axes.pop(0)[1]
            end = start + stride * (many - 1) + 1
            slices = f"{start or ''}:{end if end < length else ''}"
            parts.append(slices + (f":{stride}" if stride > 1 else ""))
        else:
            parts.append(str(start))
    while parts[-1:] == [":"]:
        parts.pop()
    return "" if axes or offset else ", ".join(parts)
