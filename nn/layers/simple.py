"""Layers without weights of their own."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from nn import functional, given, init
from nn.module import Module


class Dropout(Module):
    """In training, elements set to 0 at random and the others scaled up; see `nn.functional.dropout`.

    Args:
        p: the probability of a 0.
        rng: a `np.random.Generator`, a `RandomState` or a seed, from which every call draws on; None for
            fresh entropy.

    Raises:
        ValueError: a `p` that is no probability.

    >>> import numpy as np
    >>> layer = Dropout(0.5, rng=0)
    >>> layer(np.ones(6)), layer(np.ones(6))
    (array([2., 0., 0., 0., 2., 2.]), array([2., 2., 2., 2., 2., 0.]))
    >>> layer.eval()(np.ones(2))
    array([1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: init.Rng = None) -> None:
        super().__init__()
        self.p, self.rng = given.probability("Dropout: p", p), init.generator(rng)

    def forward(self, x: Any) -> Any:
        return functional.dropout(x, self.p, self.training, rng=self.rng)


class Identity(Module):
    """The input itself.

    >>> Identity()(3.0)
    3.0
    """

    def forward(self, x: Any) -> Any:
        return x


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one: an image as a vector.

    Raises:
        ValueError: an input without these axes.

    >>> import numpy as np
    >>> Flatten()(np.ones((5, 2, 3))).shape
    (5, 6)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = operator.index(start_dim), operator.index(end_dim)

    def forward(self, x: Any) -> Any:
        shape = np.shape(x)
        first, last = (dim + len(shape) if dim < 0 else dim for dim in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < len(shape):
            raise ValueError(f"{self._title()}: input is {shape}; it has no axes {self.start_dim} to {self.end_dim}")
        return np.reshape(x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))
