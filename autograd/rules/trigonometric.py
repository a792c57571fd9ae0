"""Trigonometric and hyperbolic functions, angles and lengths, element by element."""

from __future__ import annotations

from math import factorial, pi
from typing import Any

import numpy as np

from autograd.basis.arrays import nowhere
from autograd.core.op import plain
from autograd.rules.definition import defop
from autograd.rules.samples import ANY, PAIRS, between, normal

defop(np.sin, role="activation", vjp=lambda g, y, a: g * np.cos(a), math=r"\bar a = \bar y \odot \cos a", samples=ANY)
defop(np.cos, role="activation", vjp=lambda g, y, a: -g * np.sin(a), math=r"\bar a = -\bar y \odot \sin a", samples=ANY)
defop(np.tan, vjp=lambda g, y, a: g * (1 + y * y), math=r"\bar a = \bar y \odot (1 + y^2)", samples=between(-1.2, 1.2))
defop(
    np.arcsin,
    vjp=lambda g, y, a: g / np.sqrt((1 - a) * (1 + a)),
    root=lambda a: np.abs(a) == 1,
    math=r"\bar a = \bar y \oslash \sqrt{1 - a^2}",
    samples=between(-0.9, 0.9),
)
defop(
    np.arccos,
    vjp=lambda g, y, a: -(g / np.sqrt((1 - a) * (1 + a))),
    root=lambda a: np.abs(a) == 1,
    math=r"\bar a = -\bar y \oslash \sqrt{1 - a^2}",
    samples=between(-0.9, 0.9),
)
defop(np.arctan, vjp=lambda g, y, a: g / (1 + a * a), math=r"\bar a = \bar y \oslash (1 + a^2)", samples=ANY)

# Hyperbolic functions

defop(np.sinh, zeros="overflow", vjp=lambda g, y, a: g * np.cosh(a), math=r"\bar a = \bar y \odot \cosh a", samples=ANY)
defop(np.cosh, zeros="overflow", vjp=lambda g, y, a: g * np.sinh(a), math=r"\bar a = \bar y \odot \sinh a", samples=ANY)
defop(
    np.tanh,
    role="activation",
    vjp=lambda g, y, a: g * (1 - y * y),
    math=r"\bar a = \bar y \odot (1 - y^2)",
    samples=ANY,
)
defop(np.arcsinh, vjp=lambda g, y, a: g / np.hypot(1, a), math=r"\bar a = \bar y \oslash \sqrt{1 + a^2}", samples=ANY)
defop(
    np.arccosh,
    vjp=lambda g, y, a: g / (np.sqrt(a - 1) * np.sqrt(a + 1)),
    root=lambda a: a == 1,
    math=r"\bar a = \bar y \oslash \sqrt{a^2 - 1}",
    samples=between(1.5, 4.0),
)
defop(
    np.arctanh,
    remedy="keep the argument between -1 and 1, also where np.where throws the result away",
    vjp=lambda g, y, a: g / ((1 - a) * (1 + a)),
    math=r"\bar a = \bar y \oslash (1 - a^2)",
    samples=between(-0.8, 0.8),
)

# The length and the angle of the vector (a, b)


def _cosine(a: Any, b: Any, length: Any) -> Any:
    """a / |(a, b)|: 0 at the origin, and the limit at infinity."""
    infinite = np.isinf(length)
    if not nowhere(infinite):
        a, b = (np.where(infinite, np.sign(v) * np.isinf(v), v) for v in (a, b))
        length = np.hypot(a, b)
    return a / np.where(length == 0, 1, length)


def _towards(g: Any, a: Any, b: Any) -> Any:
    """g a / |(a, b)|², without the overflow of the square."""
    length = np.hypot(a, b)
    return g * (_cosine(a, b, length) / np.where(length == 0, 1, length))


defop(
    np.hypot,
    vjp=(lambda g, y, a, b: g * _cosine(a, b, y), lambda g, y, a, b: g * _cosine(b, a, y)),
    math=(r"\bar a = \bar y \odot a \oslash y", r"\bar b = \bar y \odot b \oslash y"),
    samples=PAIRS,
    ties="0 at the origin",
)
defop(
    np.arctan2,
    vjp=(lambda g, y, a, b: _towards(g, b, a), lambda g, y, a, b: -_towards(g, a, b)),
    math=(r"\bar a = \bar y \odot b \oslash (a^2 + b^2)", r"\bar b = -\bar y \odot a \oslash (a^2 + b^2)"),
    samples=PAIRS,
    ties="0 at the origin",
)
_fn: Any
for _fn in (np.deg2rad, np.radians):
    defop(_fn, vjp=lambda g, y, a: np.deg2rad(g), math=r"\bar a = \tfrac{\pi}{180} \, \bar y", samples=ANY)
for _fn in (np.rad2deg, np.degrees):
    defop(_fn, vjp=lambda g, y, a: np.rad2deg(g), math=r"\bar a = \tfrac{180}{\pi} \, \bar y", samples=ANY)


def _turned(p: Any, discont: Any = None, axis: int = -1, *, period: Any) -> Any:
    """With a Tensor as `period`: what is added is a whole number of it."""
    y = np.unwrap(p, discont, axis, period=plain(period))
    return y + np.round((plain(y) - plain(p)) / plain(period)) * (period - plain(period))


defop(
    np.unwrap,
    vjp=lambda g, y, p, discont=None, axis=-1, period=2 * pi: g,
    math=r"\bar p = \bar y",
    samples=[
        lambda rng: (np.cumsum(rng.uniform(-3, 3, size=9)) % (2 * pi),),
        normal((3, 4), axis=0, period=1.5, discont=0.9),
    ],
    composed={"period": _turned},
    ties="how often it adds the period is piecewise constant",
)
defop(
    np.angle,
    vjp=lambda g, y, z, deg=False: np.zeros_like(z),
    math=r"\bar z = 0",
    samples=[*ANY, normal(3, deg=True)],
    ties="0 at 0, where it jumps",
)

# The derivative of sinc about 0, divided by x: the terms of its power series in x²
_SINC = [(-1) ** k * 2 * k * pi ** (2 * k) / factorial(2 * k + 1) for k in range(1, 15)]


def _sinc(g: Any, y: Any, x: Any) -> Any:
    near = np.abs(x) < 0.5  # where cos(pi x) - y cancels, most of all in higher derivatives
    small, large = np.where(near, x, 0), np.where(near, 1, x)
    square, series = small * small, 0.0
    for term in reversed(_SINC):
        series = series * square + term
    return g * np.where(near, series * small, (np.cos(pi * large) - y) / large)


defop(
    np.sinc,
    vjp=_sinc,
    math=r"\bar x = \bar y \odot (\cos \pi x - y) \oslash x",
    samples=[*ANY, lambda rng: (np.linspace(-2, 2, 9) + 0.01,)],
    ties="0 at 0, the limit; so in every higher derivative",
)
