"""Products of stacks of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.broadcasting import unbroadcast
from autograd.core.op import Call
from autograd.rules.definition import defop
from autograd.rules.samples import normal


def _at_end(product: Any, x: Any, axis: int) -> Any:
    """A gradient whose last axis is the vectors', summed and brought to the axes of `x`."""
    shape = np.shape(np.moveaxis(x, axis, -1))
    return np.moveaxis(unbroadcast(product, shape), -1, axis)


def _vecdot(g: Any, x: Any, other: Any, axis: int) -> Any:
    return _at_end(np.expand_dims(g, -1) * np.moveaxis(other, axis, -1), x, axis)


defop(
    np.vecdot,
    role="product",
    label="·",
    vjp=(lambda g, y, a, b, axis=-1: _vecdot(g, a, b, axis), lambda g, y, a, b, axis=-1: _vecdot(g, b, a, axis)),
    math=(r"\bar a_i = \bar y \, b_i", r"\bar b_i = \bar y \, a_i"),
    samples=[normal(3, 3), normal((2, 3), 3), normal((2, 1, 3), (4, 3)), normal((3, 2), (3, 4, 2), axis=0)],
)

if hasattr(np, "matvec"):  # NumPy 2.2
    defop(
        np.matvec,
        label="@",
        vjp=(
            lambda g, y, a, b: np.expand_dims(g, -1) * np.expand_dims(b, -2),
            lambda g, y, a, b: np.matmul(np.expand_dims(g, -2), a)[..., 0, :],
        ),
        broadcasts=True,  # the axes before
        math=(r"\bar a = \bar y \, b^\top", r"\bar b = a^\top \bar y"),
        samples=[normal((3, 4), 4), normal((2, 3, 4), (5, 1, 4))],
    )
    defop(
        np.vecmat,
        label="@",
        vjp=(
            lambda g, y, a, b: np.matmul(b, np.expand_dims(g, -1))[..., 0],
            lambda g, y, a, b: np.expand_dims(a, -1) * np.expand_dims(g, -2),
        ),
        broadcasts=True,  # the axes before
        math=(r"\bar a = b \, \bar y", r"\bar b = a \, \bar y^\top"),
        samples=[normal(3, (3, 4)), normal((5, 1, 3), (2, 3, 4))],
    )


def _along_one(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Call:
    """The call with an axis for each array: `axis=` stands for all three."""
    if axis is not None:
        axisa = axisb = axisc = axis
    return (a, b), {"axisa": axisa, "axisb": axisb, "axisc": axisc}


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1) -> Any:
    """`np.cross` of vectors of three components, which the rules below are for; NumPy deprecates those of two.

    Args:
        axisa, axisb, axisc: the axes along which the components of a, of b and of the result stand.
    """
    if np.shape(a)[axisa] != 3 or np.shape(b)[axisb] != 3:
        raise TypeError("vectors have 3 components; of two, take a[0] * b[1] - a[1] * b[0]")
    if axisa == axisb == axisc == -1:
        return np.cross(a, b)
    return np.cross(a, b, axisa=axisa, axisb=axisb, axisc=axisc)


defop(
    np.cross,
    label="×",
    zeros="factor",
    forward=_cross,
    vjp=(
        lambda g, y, a, b, axisa=-1, axisb=-1, axisc=-1: _at_end(np.cross(b, g, axisb, axisc), a, axisa),
        lambda g, y, a, b, axisa=-1, axisb=-1, axisc=-1: _at_end(np.cross(g, a, axisc, axisa), b, axisb),
    ),
    adapt=_along_one,
    math=(r"\bar a = b \times \bar y", r"\bar b = \bar y \times a"),
    samples=[
        normal(3, 3),
        normal((2, 3), 3),
        normal((3, 2), (4, 2, 3), axisa=0),
        normal((3, 2), (3, 2), axis=0),
        normal(3, (3, 2), axisb=0, axisc=0),
    ],
)
