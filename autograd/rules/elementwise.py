"""Element-by-element functions. All of them broadcast; the engine sums the gradients back."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from autograd.op import Sample, defop
from autograd.rules.guarded import product, quotient

Rng = np.random.Generator


def _normal(rng: Rng) -> tuple[Any, ...]:
    return (rng.normal(size=(3, 4)),)


def _positive(rng: Rng) -> tuple[Any, ...]:
    return (rng.uniform(0.5, 2.0, size=(3, 4)),)


def _scalar(rng: Rng) -> tuple[Any, ...]:
    return (rng.uniform(0.5, 2.0),)


_pairs: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(3, 4))),
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=4)),
    lambda rng: (rng.normal(size=(3, 1)), rng.normal(size=(2, 1, 4))),
    lambda rng: (rng.normal(size=(2, 3)), 1.7),
    lambda rng: (0.3, rng.normal(size=(2, 3))),
]
_nonzero_pairs: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)), rng.uniform(0.5, 2.0, size=4)),
    lambda rng: (rng.normal(size=4), -rng.uniform(0.5, 2.0, size=(3, 1))),
    lambda rng: (2.0, rng.uniform(0.5, 2.0, size=(2, 3))),
]

# Arithmetic

defop(
    np.add,
    label="+",
    forward=operator.add,
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: g),
    math=(r"\bar a = \bar y", r"\bar b = \bar y"),
    samples=_pairs,
)
defop(
    np.subtract,
    label="−",
    forward=operator.sub,
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: -g),
    math=(r"\bar a = \bar y", r"\bar b = -\bar y"),
    samples=_pairs,
)
defop(
    np.multiply,
    label="*",
    forward=operator.mul,
    vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    math=(r"\bar a = \bar y \odot b", r"\bar b = \bar y \odot a"),
    samples=_pairs,
)
defop(
    np.divide,
    label="/",
    forward=operator.truediv,
    vjp=(
        lambda g, y, a, b: quotient(g, b),
        lambda g, y, a, b: -quotient(quotient(g * a, b), b),
    ),
    math=(r"\bar a = \bar y \oslash b", r"\bar b = -\bar y \odot a \oslash b^2"),
    samples=_nonzero_pairs,
)
defop(
    np.negative,
    label="−",
    vjp=lambda g, y, a: -g,
    math=r"\bar a = -\bar y",
    samples=[_normal, _scalar],
)


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)):  # the usual constant exponent, without work for its corners
        if b == 2:
            return g * (2 * a)
        return product(g, b * a ** (b - 1)) if b else np.zeros_like(a)
    zero = b == 0  # the derivative of the constant 1 is 0, also at a = 0
    return product(g, np.where(zero, 0, b) * a ** np.where(zero, 1, b - 1))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    zero = a == 0  # a**b log(a) tends to 0 with a for b > 0
    return g * y * np.log(np.where(zero, 1, a))


_powers: list[Sample] = [
    lambda rng: (rng.uniform(0.5, 2.0, size=(3, 4)), rng.normal(size=4)),
    lambda rng: (rng.uniform(0.5, 2.0, size=(3, 4)), rng.uniform(1.5, 3.0)),
    lambda rng: (rng.normal(size=(2, 3)), np.array([2, 3, 0])),
    lambda rng: (2.0, rng.normal(size=3)),
]
defop(
    np.power,
    label="^",
    forward=operator.pow,
    vjp=(_power_base, _power_exponent),
    math=(
        r"\bar a = \bar y \odot b \odot a^{b-1}",
        r"\bar b = \bar y \odot y \odot \log a",
    ),
    samples=_powers,
    ties="at a = 0 the gradient of the exponent is 0, and of the base with exponent 0 it is 0",
)
defop(
    np.square,
    label="²",
    vjp=lambda g, y, a: g * (2 * a),
    math=r"\bar a = 2\,\bar y \odot a",
    samples=[_normal, _scalar],
)
defop(
    np.sqrt,
    label="√",
    vjp=lambda g, y, a: quotient(g, 2 * y),
    math=r"\bar a = \bar y \oslash 2y",
    samples=[_positive, _scalar],
)
defop(
    np.reciprocal,
    label="1/x",
    vjp=lambda g, y, a: -quotient(quotient(g, a), a),
    math=r"\bar a = -\bar y \oslash a^2",
    samples=[_positive, _scalar],
)

# Exponentials and logarithms

defop(
    np.exp,
    vjp=lambda g, y, a: product(g, y),
    math=r"\bar a = \bar y \odot y",
    samples=[_normal, _scalar],
)
defop(
    np.expm1,
    vjp=lambda g, y, a: product(g, y + 1),
    math=r"\bar a = \bar y \odot (y + 1)",
    samples=[_normal, _scalar],
)
defop(
    np.log,
    vjp=lambda g, y, a: quotient(g, a),
    math=r"\bar a = \bar y \oslash a",
    samples=[_positive, _scalar],
)
defop(
    np.log1p,
    vjp=lambda g, y, a: quotient(g, 1 + a),
    math=r"\bar a = \bar y \oslash (1 + a)",
    samples=[_positive, _scalar],
)

# Trigonometric and hyperbolic functions

defop(
    np.sin,
    vjp=lambda g, y, a: g * np.cos(a),
    math=r"\bar a = \bar y \odot \cos a",
    samples=[_normal, _scalar],
)
defop(
    np.cos,
    vjp=lambda g, y, a: -g * np.sin(a),
    math=r"\bar a = -\bar y \odot \sin a",
    samples=[_normal, _scalar],
)
defop(
    np.tanh,
    vjp=lambda g, y, a: g * (1 - y * y),
    math=r"\bar a = \bar y \odot (1 - y^2)",
    samples=[_normal, _scalar],
)

# Kinks and steps

defop(
    np.absolute,
    label="|x|",
    vjp=lambda g, y, a: g * np.sign(a),
    math=r"\bar a = \bar y \odot \operatorname{sign} a",
    samples=[_normal, _scalar],
    ties="0 at 0",
)
defop(
    np.sign,
    vjp=lambda g, y, a: np.zeros_like(a),
    math=r"\bar a = 0",
    samples=[_normal, _scalar],
    ties="0 at 0, where it jumps",
)
defop(
    np.maximum,
    label="max",
    vjp=(
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (a > b)),
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (b > a)),
    ),
    against_constant=(lambda g, y, a, b: g * (a > b), lambda g, y, a, b: g * (b > a)),
    math=(r"\bar a = \bar y \odot 1[a > b]", r"\bar b = \bar y \odot 1[b > a]"),
    samples=_pairs,
    ties="two Tensors share the gradient equally; a constant wins against a Tensor, which gets 0",
)
defop(
    np.minimum,
    label="min",
    vjp=(
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (a < b)),
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (b < a)),
    ),
    against_constant=(lambda g, y, a, b: g * (a < b), lambda g, y, a, b: g * (b < a)),
    math=(r"\bar a = \bar y \odot 1[a < b]", r"\bar b = \bar y \odot 1[b < a]"),
    samples=_pairs,
    ties="two Tensors share the gradient equally; a constant wins against a Tensor, which gets 0",
)


def _clip_arguments(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    low = a_min if min is None else min
    high = a_max if max is None else max
    return (a, -np.inf if low is None else low, np.inf if high is None else high), {}


defop(
    np.clip,
    vjp=(
        lambda g, y, a, low, high: g * ((low < a) & (a < high)),
        lambda g, y, a, low, high: g * ((a <= low) & (low < high)),
        lambda g, y, a, low, high: g * ((a >= high) | (low >= high)),
    ),
    adapt=_clip_arguments,
    broadcasts=True,
    math=(
        r"\bar a = \bar y \odot 1[l < a < h]",
        r"\bar l = \bar y \odot 1[a \le l < h]",
        r"\bar h = \bar y \odot 1[a \ge h]",
    ),
    samples=[
        lambda rng: (rng.normal(size=(4, 5)), -0.5, 0.7),
        lambda rng: (rng.normal(size=(4, 5)), -rng.uniform(0.1, 1, size=5), rng.uniform(0.1, 1, size=(4, 1))),
        lambda rng: (rng.normal(size=5), None, 0.2),
    ],
    ties="the bounds win: 0 where a equals one",
)
defop(
    np.where,
    vjp=(
        None,
        lambda g, y, condition, a, b: np.where(condition, g, 0),
        lambda g, y, condition, a, b: np.where(condition, 0, g),
    ),
    broadcasts=True,
    math=(r"\bar a = \bar y \odot 1[c]", r"\bar b = \bar y \odot 1[\lnot c]"),
    samples=[
        lambda rng: (rng.normal(size=(3, 4)) > 0, rng.normal(size=(3, 4)), rng.normal(size=4)),
        lambda rng: (rng.normal(size=4) > 0, rng.normal(size=(3, 1)), 0.5),
    ],
)
