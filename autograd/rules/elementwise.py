"""Arithmetic, element by element. It broadcasts; the engine sums the gradients back."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.core.op import Sample
from autograd.rules.definition import defop
from autograd.rules.samples import ANY, NONZERO_PAIRS, PAIRS, POSITIVE

defop(
    np.add,
    label="+",
    forward=operator.add,
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: g),
    math=(r"\bar a = \bar y", r"\bar b = \bar y"),
    samples=PAIRS,
)
defop(
    np.subtract,
    label="−",
    forward=operator.sub,
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: -g),
    math=(r"\bar a = \bar y", r"\bar b = -\bar y"),
    samples=PAIRS,
)
defop(
    np.multiply,
    label="*",
    zeros="factor",
    forward=operator.mul,
    vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    math=(r"\bar a = \bar y \odot b", r"\bar b = \bar y \odot a"),
    samples=PAIRS,
)
defop(
    np.divide,
    remedy="keep the divisor away from 0, also where np.where throws the result away: "
    "np.where(d != 0, x / np.where(d != 0, d, 1), other)",
    label="/",
    forward=operator.truediv,
    vjp=(lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * a / b / b)),
    math=(r"\bar a = \bar y \oslash b", r"\bar b = -\bar y \odot a \oslash b^2"),
    samples=NONZERO_PAIRS,
)
defop(np.negative, label="−", vjp=lambda g, y, a: -g, math=r"\bar a = -\bar y", samples=ANY)


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)):  # the usual constant exponent, without work for its corners
        if b == 2:
            return g * (2 * a)
        return g * (b * a ** (b - 1)) if b else np.zeros_like(a)
    zero = b == 0  # the derivative of the constant 1 is 0, also at a = 0
    return g * (np.where(zero, 0, b) * a ** np.where(zero, 1, b - 1))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # a**b log(a) tends to 0 with a for b > 0
    if isinstance(a, (int, float)):  # stays a Python number, which leaves float32 as it is
        return g * y * float(np.log(a)) if a else np.zeros_like(b)
    zero = a == 0
    return g * np.where(zero, 0, y) * np.log(np.where(zero, 1, a))


_powers: list[Sample] = [
    lambda rng: (rng.uniform(0.5, 2.0, size=(3, 4)), rng.normal(size=4)),
    lambda rng: (rng.uniform(0.5, 2.0, size=(3, 4)), rng.uniform(1.5, 3.0)),
    lambda rng: (rng.normal(size=(2, 3)), np.array([2, 3, 0])),
    lambda rng: (2.0, rng.normal(size=3)),
]
_fn: Any
for _fn, _forward in ((np.power, operator.pow), (np.float_power, None)):
    defop(
        _fn,
        label="^",
        forward=_forward,
        vjp=(_power_base, _power_exponent),
        root=lambda a, b: (a == 0) & (b >= 0.5) & (b < 1),
        math=(r"\bar a = \bar y \odot b \odot a^{b-1}", r"\bar b = \bar y \odot y \odot \log a"),
        samples=_powers,
        remedy="a negative base with a fractional exponent has no real power, and below an exponent of 1 the slope "
        "at 0 is infinite: use np.abs, clip the base, or add a small number to it",
        ties="at a = 0 the gradient of the exponent is 0, and of the base with exponent 0 it is 0",
    )
_NOT_ZERO = "keep the argument away from 0, also where np.where throws the result away: np.where(x != 0, {}, other)"
defop(np.square, label="²", vjp=lambda g, y, a: g * (2 * a), math=r"\bar a = 2\,\bar y \odot a", samples=ANY)
defop(
    np.sqrt,
    remedy="keep the argument above 0, also where np.where throws the result away: "
    "np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0); of a sum of squares use np.linalg.norm, which has a "
    "subgradient at 0",
    label="√",
    vjp=lambda g, y, a: g / (2 * y),
    root=lambda a: a == 0,
    math=r"\bar a = \bar y \oslash 2y",
    samples=POSITIVE,
)
defop(
    np.cbrt,
    remedy=_NOT_ZERO.format("np.cbrt(np.where(x != 0, x, 1))"),
    label="∛",
    vjp=lambda g, y, a: g / (3 * (y * y)),
    math=r"\bar a = \bar y \oslash 3y^2",
    samples=ANY,
)
defop(
    np.reciprocal,
    remedy=_NOT_ZERO.format("1 / np.where(x != 0, x, 1)"),
    label="1/x",
    vjp=lambda g, y, a: -(g / a / a),
    math=r"\bar a = -\bar y \oslash a^2",
    samples=POSITIVE,
)

# Division with remainder: a = b q + y with an integer q, which is constant between its jumps

_jumps = "where a is a multiple of b, the derivative on the side of NumPy's quotient"
defop(
    np.remainder,
    label="mod",
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b)),
    math=(r"\bar a = \bar y", r"\bar b = -\bar y \odot \lfloor a \oslash b \rfloor"),
    samples=NONZERO_PAIRS,
    ties=_jumps,
)
defop(
    np.fmod,
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.rint((a - y) / b)),
    math=(r"\bar a = \bar y", r"\bar b = -\bar y \odot (a - y) \oslash b"),
    samples=NONZERO_PAIRS,
    ties=_jumps,
)
defop(
    np.floor_divide,
    zeros="choice",
    label="//",
    vjp=(lambda g, y, a, b: np.zeros_like(a), lambda g, y, a, b: np.zeros_like(b)),
    math=(r"\bar a = 0", r"\bar b = 0"),
    samples=NONZERO_PAIRS,
    ties="0 where it jumps",
)

# The identity, for real numbers

for _fn in (np.positive, np.conjugate):
    defop(_fn, vjp=lambda g, y, a: g, math=r"\bar a = \bar y", samples=ANY)
defop(np.real, vjp=lambda g, y, val: g, math=r"\bar v = \bar y", samples=ANY)
defop(np.real_if_close, vjp=lambda g, y, a, tol=100: g, math=r"\bar a = \bar y", samples=ANY)
defop(np.imag, vjp=lambda g, y, val: np.zeros_like(val), math=r"\bar v = 0", samples=ANY)
