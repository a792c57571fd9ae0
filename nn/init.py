r"""Initial values: functions of a shape that give an array.

Each takes `rng`, a `np.random.Generator`, a legacy `RandomState` or a seed (None for fresh entropy),
and a `dtype`; drawing is in float64, so that one seed gives the same numbers in every precision.
A weight has the shape (in, out): `fan_in` is `shape[0]` and `fan_out` is `shape[1]`.

X. Glorot, Y. Bengio: Understanding the difficulty of training deep feedforward neural networks
(AISTATS 2010): `xavier_*` keep the variances of activations and gradients the same from layer to
layer, $\operatorname{Var} w = 2 / (n_{in} + n_{out})$.
K. He, X. Zhang, S. Ren, J. Sun: Delving deep into rectifiers (ICCV 2015): `kaiming_*` allow for the
half that a ReLU sets to zero, $\operatorname{Var} w = 2 / n_{in}$.
"""

from __future__ import annotations

import math
from sys import modules
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from nn import elsewhere

Array = np.ndarray[Any, np.dtype[Any]]
Generator = np.random.Generator | np.random.RandomState
Rng = Generator | int | None
Shape = tuple[int, ...]
Mode = Literal["fan_in", "fan_out"]


def generator(rng: Rng) -> Generator:
    """The generator that `rng` is or seeds.

    Raises:
        TypeError: neither a generator nor a seed.

    >>> float(generator(0).normal()) == float(np.random.default_rng(0).normal())
    True
    """
    if isinstance(rng, (np.random.Generator, np.random.RandomState)):
        return rng
    if rng is None or isinstance(rng, (int, np.integer)):
        return np.random.default_rng(rng)
    raise TypeError(f"rng is a np.random.Generator, a RandomState or a seed, not {rng!r}")


def normal(
    shape: Shape, *, rng: Rng = None, dtype: DTypeLike = np.float64, mean: float = 0.0, std: float = 1.0
) -> Array:
    """Normally distributed numbers.

    >>> normal((2, 3), rng=0, std=0.1).shape
    (2, 3)
    """
    return np.asarray(generator(rng).normal(mean, std, shape)).astype(dtype)


def uniform(
    shape: Shape, *, rng: Rng = None, dtype: DTypeLike = np.float64, low: float = 0.0, high: float = 1.0
) -> Array:
    """Numbers uniform in [low, high).

    >>> bool(np.all(abs(uniform((2, 3), rng=0, low=-1)) <= 1))
    True
    """
    return np.asarray(generator(rng).uniform(low, high, shape)).astype(dtype)


def constant(shape: Shape, *, rng: Rng = None, dtype: DTypeLike = np.float64, value: float) -> Array:
    """`value` everywhere; draws nothing.

    >>> constant((2,), value=0.5)
    array([0.5, 0.5])
    """
    return np.full(shape, value, dtype)


def zeros(shape: Shape, *, rng: Rng = None, dtype: DTypeLike = np.float64) -> Array:
    """0 everywhere; draws nothing.

    >>> zeros((2,))
    array([0., 0.])
    """
    return np.zeros(shape, dtype)


def ones(shape: Shape, *, rng: Rng = None, dtype: DTypeLike = np.float64) -> Array:
    """1 everywhere; draws nothing.

    >>> ones((2,))
    array([1., 1.])
    """
    return np.ones(shape, dtype)


def xavier_uniform(shape: Shape, *, rng: Rng = None, dtype: DTypeLike = np.float64, gain: float = 1.0) -> Array:
    r"""Uniform in $\pm g \sqrt{6 / (n_{in} + n_{out})}$ (Glorot and Bengio 2010, equation 16).

    Raises:
        ValueError: a shape that is not (in, out).

    >>> bool(np.all(abs(xavier_uniform((3, 5), rng=0)) <= (6 / 8) ** 0.5))
    True
    """
    bound = gain * math.sqrt(6 / sum(_fans(shape)))
    return uniform(shape, rng=rng, dtype=dtype, low=-bound, high=bound)


def xavier_normal(shape: Shape, *, rng: Rng = None, dtype: DTypeLike = np.float64, gain: float = 1.0) -> Array:
    r"""Normal with $\sigma = g \sqrt{2 / (n_{in} + n_{out})}$ (Glorot and Bengio 2010).

    Raises:
        ValueError: a shape that is not (in, out).

    >>> xavier_normal((3, 5), rng=0).shape
    (3, 5)
    """
    return normal(shape, rng=rng, dtype=dtype, std=gain * math.sqrt(2 / sum(_fans(shape))))


def kaiming_uniform(
    shape: Shape,
    *,
    rng: Rng = None,
    dtype: DTypeLike = np.float64,
    gain: float = math.sqrt(2),
    mode: Mode = "fan_in",
) -> Array:
    r"""Uniform in $\pm g \sqrt{3 / n}$, with `n` the fan that `mode` names (He et al. 2015).

    The default gain is that of ReLU; `fan_in` keeps the variance of activations, `fan_out` of gradients.

    Raises:
        ValueError: a shape that is not (in, out), or an unknown mode.

    >>> bool(np.all(abs(kaiming_uniform((3, 5), rng=0)) <= 2**0.5))
    True
    """
    bound = gain * math.sqrt(3 / _fan(shape, mode))
    return uniform(shape, rng=rng, dtype=dtype, low=-bound, high=bound)


def kaiming_normal(
    shape: Shape,
    *,
    rng: Rng = None,
    dtype: DTypeLike = np.float64,
    gain: float = math.sqrt(2),
    mode: Mode = "fan_in",
) -> Array:
    r"""Normal with $\sigma = g / \sqrt n$, with `n` the fan that `mode` names (He et al. 2015, equation 10).

    Raises:
        ValueError: a shape that is not (in, out), or an unknown mode.

    >>> kaiming_normal((3, 5), rng=0, mode="fan_out").shape
    (3, 5)
    """
    return normal(shape, rng=rng, dtype=dtype, std=gain / math.sqrt(_fan(shape, mode)))


def _fans(shape: Shape) -> tuple[int, int]:
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"an initialiser takes a shape, such as layer.weight.shape, not a {type(shape).__name__}")
    if len(shape) != 2:
        raise ValueError(f"fan_in and fan_out of the shape {shape}: a weight has the shape (in, out)")
    return max(shape[0], 1), max(shape[1], 1)


def _fan(shape: Shape, mode: Mode) -> int:
    fans = dict(zip(("fan_in", "fan_out"), _fans(shape), strict=True))
    if mode not in fans:
        raise ValueError(f"mode is {mode!r}; it is 'fan_in' or 'fan_out'")
    return fans[mode]


def __getattr__(name: str) -> Any:
    message = elsewhere.missing("module 'nn.init'", name, elsewhere.in_place(globals()))
    raise AttributeError(message, name=name, obj=modules[__name__])
