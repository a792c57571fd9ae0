"""Nested containers of arrays as one vector, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.transforms import vjp


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of a nesting as one vector, and the function that nests such a vector again.

    >>> vector, nest = flatten({"b": [1.0, 2.0], "a": np.zeros(2)})
    >>> vector
    array([0., 0., 1., 2.])
    >>> nest(vector)["b"]
    [array(1.), array(2.)]
    """
    vector, pull = vjp(_joined, value)
    return vector, lambda flat: pull(flat)[0]


def _joined(value: Any) -> Any:
    if not isinstance(value, (dict, list, tuple)):
        return np.ravel(value)
    parts = [value[key] for key in sorted(value)] if isinstance(value, dict) else value
    return np.concatenate([_joined(part) for part in parts]) if parts else np.zeros(0)


def flatten_func(func: Callable[..., Any], example: Any) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """A function of nestings as one of vectors, what nests a vector again, and the example as a vector."""
    vector, nest = flatten(example)
    return lambda flat, *args: flatten(func(nest(flat), *args))[0], nest, vector
