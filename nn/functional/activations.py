"""Activations, the softmax among them, and dropout."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from autograd import operation
from nn import init
from nn.arrays import uniform
from nn.functional import formulas
from nn.given import probability

_CACHED = 1 << 16  # elements of zeros worth keeping; larger arrays are bound by memory either way

tanh = np.tanh
ANY: list[Any] = [lambda rng: (rng.normal(size=(3, 4)),), lambda rng: (rng.normal(),)]
_ALONG: list[Any] = [ANY[0], lambda rng: (rng.normal(size=(3, 4)), {"axis": 0}), lambda rng: (rng.normal(size=5),)]


def _relu(x: Any) -> Any:
    r"""$\max(x, 0)$, with the derivative 0 at 0, as hand derivations have it. Any shape.

    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (ICML 2010).

    >>> import numpy as np
    >>> from nn.functional import relu
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(x, 0.0)


@lru_cache(maxsize=8)
def _zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    return np.zeros(shape, dtype)


def _relu_fast(x: Any) -> Any:
    if type(x) is np.ndarray and x.dtype.char in "fd" and x.size <= _CACHED:
        return np.maximum(x, _zeros(x.shape, x.dtype))  # a third of the time that the number 0 takes
    return np.maximum(x, 0.0)


def _relu_rule(g: Any, y: Any, x: Any) -> Any:
    if type(y) is type(g) is np.ndarray:
        passed = (y > 0.0).astype(y.dtype)  # two thirds of the time that a product with booleans takes
        passed *= g
        return passed
    return g * (y > 0.0)


relu = operation(
    _relu,
    name="nn.functional.relu",
    role="activation",
    forward=_relu_fast,
    vjp=_relu_rule,
    zeros="choice",
    math=r"\bar x = \bar y \odot 1[x > 0]",
    samples=ANY,
    ties="0 at 0",
)


def _sigmoid(x: Any) -> Any:
    r"""$1 / (1 + e^{-x})$, without overflow and exact to the last digits in both tails. Any shape.

    $\bar x = \bar y \odot y \odot (1 - y)$.

    >>> import numpy as np
    >>> from nn.functional import sigmoid
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = np.exp(-np.abs(x))
    return np.where(np.less(x, 0.0), small, 1.0) / (1.0 + small)


sigmoid = operation(
    _sigmoid,
    name="nn.functional.sigmoid",
    role="activation",
    label="σ",
    vjp=lambda g, y, x: g * (y * (1.0 - y)),
    math=r"\bar x = \bar y \odot y \odot (1 - y)",
    written=formulas.sigmoid,
    samples=ANY,
)


def _softmax(x: Any, axis: int = -1) -> Any:
    r"""$y_i = e^{x_i} / \sum_j e^{x_j}$ along `axis`: positive, and 1 in sum. Any shape of at least one axis.

    The largest element is subtracted first, so nothing overflows; $-\infty$ gets exactly 0.
    $\bar x_i = y_i (\bar y_i - \sum_j \bar y_j y_j)$.

    >>> import numpy as np
    >>> from nn.functional import softmax
    >>> softmax(np.array([1000.0, 1000.0, -np.inf]))
    array([0.5, 0.5, 0. ])
    """
    powers = np.exp(below_the_largest(x, axis))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def below_the_largest(x: Any, axis: int) -> Any:
    with np.errstate(over="ignore"):  # further below than the dtype reaches is -inf, whose power is 0
        return np.subtract(x, np.max(x, axis=axis, keepdims=True))


softmax = operation(
    _softmax,
    name="nn.functional.softmax",
    role="activation",
    vjp=lambda g, y, x, axis=-1: y * (g - np.sum(g * y, axis=axis, keepdims=True)),
    math=r"\bar x_i = y_i \, (\bar y_i - \sum_j \bar y_j \, y_j)",
    written=formulas.softmax,
    samples=_ALONG,
)


def _log_softmax(x: Any, axis: int = -1) -> Any:
    r"""$y_i = x_i - \ln \sum_j e^{x_j}$ along `axis`, exact where the softmax itself would be 0 or 1.

    $\bar x_i = \bar y_i - e^{y_i} \sum_j \bar y_j$.

    >>> import numpy as np
    >>> from nn.functional import log_softmax
    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    below = below_the_largest(x, axis)
    return below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True))


log_softmax = operation(
    _log_softmax,
    name="nn.functional.log_softmax",
    role="activation",
    vjp=lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),
    math=r"\bar x_i = \bar y_i - e^{y_i} \sum_j \bar y_j",
    written=formulas.log_softmax,
    samples=_ALONG,
)

# Noise


def dropout(x: Any, p: float = 0.5, training: bool = True, *, rng: init.Rng = None) -> Any:
    r"""In training, each element set to 0 with probability `p`, and the others divided by $1 - p$.

    The expectation is x, so nothing is done outside of training. The gradient takes the same way:
    $\bar x = \bar y \odot m / (1 - p)$ with the mask m that was drawn.
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (JMLR 2014).

    Args:
        x: floats, of any shape.
        p: between 0 and 1, both included.
        rng: a `np.random.Generator`, a `RandomState` or a seed; None for fresh entropy. Where x is in chunks, each
            draws its part of the mask itself, from what is drawn once here.

    Raises:
        ValueError: a `p` that is no probability.

    >>> import numpy as np
    >>> dropout(np.ones(6), 0.5, rng=0)
    array([2., 0., 0., 0., 2., 2.])
    """
    probability("dropout: p", p)
    if not training or p == 0:
        return x
    generator: Any = rng if hasattr(rng, "uniform") else init.generator(rng)  # a compiled step records what it draws
    kept = uniform(generator, x) >= p
    factor = 1 / (1 - p) if p < 1 else 0.0
    return np.multiply(x, kept.astype(getattr(x, "dtype", np.float64)) * factor)
