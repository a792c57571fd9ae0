"""Arrays of other libraries: chunks on a cluster, the memory of a GPU. They are not asked for numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

import numpy as np

from autograd import Tensor

_together: ContextVar[bool] = ContextVar("_together", default=False)


def is_foreign(array: Any) -> bool:
    """Whether an array, or that of a Tensor, is another library's, which answers for NumPy's functions itself.

    >>> is_foreign(np.ones(2)), is_foreign([1.0])
    (False, False)
    """
    array = array.data if isinstance(array, Tensor) else array
    return hasattr(type(array), "__array_function__") and not isinstance(array, (np.ndarray, np.generic))


def known(condition: Any) -> bool:
    """Whether a condition on values is known to be true; False where asking would fetch them.

    >>> bool(known(np.any(np.ones(2) > 0)))
    True
    """
    return isinstance(condition, (bool, np.bool_)) and bool(condition)


def beside(constant: Any, array: Any) -> Any:
    """A constant, such as the numbers of classes, as an array of the library that `array` is of.

    >>> beside(np.arange(3), np.ones(2))
    array([0, 1, 2])
    """
    array = array.data if isinstance(array, Tensor) else array
    return np.asarray(constant, like=array) if is_foreign(array) else constant


# Arrays in chunks, as Dask's: graphs of tasks, which are computed where a number is asked for


def is_lazy(array: Any) -> bool:
    """Whether an array, or that of a Tensor, is a graph of tasks that computes it in chunks.

    >>> is_lazy(np.ones(2))
    False
    """
    return hasattr(type(array.data if isinstance(array, Tensor) else array), "__dask_graph__")


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
        return beside(rng.uniform(size=np.shape(like)), like)
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


def fetched(value: Any) -> Any:
    """Lazy arrays, alone or in a dictionary, as plain ones, by one computation: what they share is computed once.

    >>> fetched({"loss": 0.5})
    {'loss': 0.5}
    """
    parts = list(value.values()) if isinstance(value, dict) else [value]
    if not any(map(is_lazy, parts)):
        return value
    return import_module("dask").compute(value)[0]


@contextmanager
def computed_together() -> Iterator[None]:
    """Inside, metrics of chunks stay lazy, so that `fetched` computes them in one pass over the data."""
    token = _together.set(True)
    try:
        yield
    finally:
        _together.reset(token)
