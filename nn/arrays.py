"""Arrays in chunks, as Dask's: graphs of tasks, which are computed where a number is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.arrays import fetched, is_lazy, of_kind

_together: ContextVar[bool] = ContextVar("_together", default=False)


def described(array: Any) -> str:
    """The shape, and of an array in chunks how many there are.

    >>> described(np.ones((3, 2)))
    '(3, 2)'
    """
    return f"{np.shape(array)} in {math.prod(array.numblocks)} chunks" if is_lazy(array) else f"{np.shape(array)}"


def uniform(rng: Any, like: Any) -> Any:
    """Numbers from 0 to 1 in the shape of `like`, an array of its library; of chunks each chunk draws its own.

    A generator is drawn from once, so that what it draws next does not depend on when and where chunks are computed.

    >>> uniform(np.random.default_rng(0), np.ones(2)).round(2)
    array([0.64, 0.27])
    """
    if not is_lazy(like):
        return of_kind(rng.uniform(size=np.shape(like)), like)
    array: Any = like.data if isinstance(like, Tensor) else like
    return (
        import_module("dask.array")
        .random.default_rng(int(rng.uniform() * 2**53))
        .uniform(size=array.shape, chunks=array.chunks)
    )


def number(value: Any) -> Any:
    """A number as Python's; one of chunks is computed, but stays as it is inside `computed_together`.

    >>> number(np.float64(0.5))
    0.5
    """
    return value if _together.get() and is_lazy(value) else float(fetched(value))


@contextmanager
def computed_together() -> Iterator[None]:
    """Inside, metrics of chunks stay lazy, so that `fetched` computes them in one pass over the data."""
    token = _together.set(True)
    try:
        yield
    finally:
        _together.reset(token)
