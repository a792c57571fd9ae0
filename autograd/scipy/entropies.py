"""Logarithms times what they belong to, transforms of power, and losses: with the limits at 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from autograd.rules.samples import POSITIVE
from autograd.scipy.definition import recorded

_BOTH = [
    lambda rng: (rng.uniform(0.5, 2.0, size=(3, 4)), rng.uniform(0.5, 2.0, size=4)),
    lambda rng: (rng.uniform(0.5, 2.0), rng.uniform(0.5, 2.0, size=3)),
]


def _ratio(x: Any, y: Any) -> Any:
    """x / y, and 0 where x is."""
    return x / np.where(x == 0, 1, y)


recorded(
    sp.xlogy,
    vjp=(lambda g, y, x, z: g * np.log(z), lambda g, y, x, z: g * _ratio(x, z)),
    math=(r"\bar x = \bar y \odot \ln z", r"\bar z = \bar y \odot x \oslash z"),
    samples=_BOTH,
    ties="at x = 0 the gradient of z is 0",
)
recorded(
    sp.xlog1py,
    vjp=(lambda g, y, x, z: g * np.log1p(z), lambda g, y, x, z: g * _ratio(x, 1 + z)),
    math=(r"\bar x = \bar y \odot \ln (1 + z)", r"\bar z = \bar y \odot x \oslash (1 + z)"),
    samples=_BOTH,
    ties="at x = 0 the gradient of z is 0",
)
recorded(
    sp.entr,
    vjp=lambda g, y, a: -g * (np.log(a) + 1),
    root=lambda a: a == 0,
    math=r"\bar a = -\bar y \odot (\ln a + 1)",
    samples=POSITIVE,
)
recorded(
    sp.rel_entr,
    vjp=(lambda g, y, x, z: g * (np.log(x / z) + 1), lambda g, y, x, z: -g * _ratio(x, z)),
    math=(r"\bar x = \bar y \odot (\ln (x \oslash z) + 1)", r"\bar z = -\bar y \odot x \oslash z"),
    samples=_BOTH,
)
recorded(
    sp.kl_div,
    vjp=(lambda g, y, x, z: g * np.log(x / z), lambda g, y, x, z: g * (1 - _ratio(x, z))),
    math=(r"\bar x = \bar y \odot \ln (x \oslash z)", r"\bar z = \bar y \odot (1 - x \oslash z)"),
    samples=_BOTH,
)
recorded(
    sp.powm1,
    vjp=(lambda g, y, x, z: g * z * x ** (z - 1), lambda g, y, x, z: g * (y + 1) * np.log(x)),
    math=(r"\bar x = \bar y \odot z \odot x^{z - 1}", r"\bar z = \bar y \odot (y + 1) \odot \ln x"),
    samples=_BOTH,
)

# exprel(a) = (e^a - 1) / a, and what is made of it, also at 0

recorded(
    sp.exprel,
    vjp=lambda g, y, a: g * (0.5 * sp.hyp1f1(2.0, 3.0, a)),  # (e^a - y) / a loses its digits near 0
    math=r"\bar a = \bar y \odot (e^a - y) \oslash a",
    samples=[lambda rng: (rng.normal(size=(3, 4)),), lambda rng: (0.0,)],
)


def _boxcox_power(g: Any, y: Any, x: Any, power: Any) -> Any:
    return g * (np.log(x) ** 2 * (0.5 * sp.hyp1f1(2.0, 3.0, power * np.log(x))))


recorded(
    sp.boxcox,
    vjp=(lambda g, y, x, power: g * x ** (power - 1), _boxcox_power),
    math=(
        r"\bar x = \bar y \odot x^{p - 1}",
        r"\bar p = \bar y \odot (x^p \ln x - y) \oslash p",
    ),
    samples=[*_BOTH, lambda rng: (rng.uniform(0.5, 2.0, size=3), 0.0)],
)
recorded(
    sp.inv_boxcox,
    vjp=(lambda g, y, x, power: g * y ** (1 - power), None),
    math=r"\bar x = \bar y \odot y^{1 - p}",
    samples=_BOTH,
)

# Losses


def _huber_width(g: Any, y: Any, delta: Any, r: Any) -> Any:
    return g * np.maximum(np.abs(r) - delta, 0)


def _pseudo(delta: Any, r: Any) -> Any:
    return np.sqrt(1 + (r / delta) ** 2)


def _pseudo_width(g: Any, y: Any, delta: Any, r: Any) -> Any:
    root = _pseudo(delta, r)
    return g * delta * (root - 1) ** 2 / root


_WIDTHS = [lambda rng: (rng.uniform(0.5, 1.0, size=(2, 1)), np.array([-2.0, -0.3, 0.2, 1.7]))]
recorded(
    sp.huber,
    vjp=(_huber_width, lambda g, y, delta, r: g * np.clip(r, -delta, delta)),
    math=(r"\bar d = \bar y \odot \max(|r| - d, 0)", r"\bar r = \bar y \odot \min(\max(r, -d), d)"),
    samples=_WIDTHS,
)
recorded(
    sp.pseudo_huber,
    vjp=(_pseudo_width, lambda g, y, delta, r: g * r / _pseudo(delta, r)),
    math=(
        r"\bar d = \bar y \odot d (s - 1)^2 \oslash s, \quad s = \sqrt{1 + r^2 \oslash d^2}",
        r"\bar r = \bar y \odot r \oslash s",
    ),
    samples=_WIDTHS,
)
