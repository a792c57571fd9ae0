"""Logistic functions, error functions and the normal distribution: NIST Handbook, chapter 7."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any

import numpy as np
import scipy.special as sp

from autograd.rules.samples import ANY, POSITIVE, between
from autograd.scipy.definition import recorded

_SLOPE = 2 / sqrt(pi)  # of the error function at 0
_DENSITY = 1 / sqrt(2 * pi)  # of the normal distribution at 0
_ROOT_2, _RATIO, _LOG_10, _DEGREE = sqrt(2), sqrt(2 / pi), log(10), pi / 180
_UNIT = between(0.1, 0.9)

# Logistic

recorded(
    sp.expit,
    vjp=lambda g, y, a: g * y * sp.expit(-a),  # 1 - y is 0 from 37
    math=r"\bar a = \bar y \odot y \odot (1 - y)",
    samples=ANY,
    label="σ",
    role="activation",
)
recorded(
    sp.log_expit,
    vjp=lambda g, y, a: g * sp.expit(-a),
    math=r"\bar a = \bar y \odot (1 - e^y)",
    samples=ANY,
)
recorded(sp.logit, vjp=lambda g, y, a: g / (a * (1 - a)), math=r"\bar a = \bar y \oslash (a (1 - a))", samples=_UNIT)

# Error functions

recorded(
    sp.erf,
    vjp=lambda g, y, a: g * (_SLOPE * np.exp(-(a**2))),
    math=r"\bar a = \tfrac{2}{\sqrt \pi} \; \bar y \odot e^{-a^2}",
    samples=ANY,
)
recorded(
    sp.erfc,
    vjp=lambda g, y, a: g * (-_SLOPE * np.exp(-(a**2))),
    math=r"\bar a = -\tfrac{2}{\sqrt \pi} \; \bar y \odot e^{-a^2}",
    samples=ANY,
)
recorded(
    sp.erfcx,
    vjp=lambda g, y, a: g * (2 * a * y - _SLOPE),
    math=r"\bar a = \bar y \odot (2 a y - \tfrac{2}{\sqrt \pi})",
    samples=ANY,
)
recorded(
    sp.erfi,
    vjp=lambda g, y, a: g * (_SLOPE * np.exp(a**2)),
    math=r"\bar a = \tfrac{2}{\sqrt \pi} \; \bar y \odot e^{a^2}",
    samples=ANY,
)
recorded(
    sp.dawsn,
    vjp=lambda g, y, a: g * (1 - 2 * a * y),
    math=r"\bar a = \bar y \odot (1 - 2 a y)",
    samples=ANY,
)
recorded(
    sp.erfinv,
    vjp=lambda g, y, a: g * (np.exp(y**2) / _SLOPE),
    math=r"\bar a = \tfrac{\sqrt \pi}{2} \; \bar y \odot e^{y^2}",
    samples=between(-0.8, 0.8),
)
recorded(
    sp.erfcinv,
    vjp=lambda g, y, a: g * (-np.exp(y**2) / _SLOPE),
    math=r"\bar a = -\tfrac{\sqrt \pi}{2} \; \bar y \odot e^{y^2}",
    samples=between(0.2, 1.8),
)

# The normal distribution

recorded(
    sp.ndtr,
    vjp=lambda g, y, a: g * (_DENSITY * np.exp(-(a**2) / 2)),
    math=r"\bar a = \tfrac{1}{\sqrt{2 \pi}} \; \bar y \odot e^{-a^2 / 2}",
    samples=ANY,
)
recorded(
    sp.log_ndtr,
    vjp=lambda g, y, a: g * (_RATIO / sp.erfcx(a / -_ROOT_2)),  # the density over y, also far to the left
    math=r"\bar a = \tfrac{1}{\sqrt{2 \pi}} \; \bar y \odot e^{-a^2 / 2 - y}",
    samples=ANY,
)
recorded(
    sp.ndtri,
    vjp=lambda g, y, a: g * (np.exp(y**2 / 2) / _DENSITY),
    math=r"\bar a = \sqrt{2 \pi} \; \bar y \odot e^{y^2 / 2}",
    samples=_UNIT,
)
recorded(
    sp.ndtri_exp,
    vjp=lambda g, y, a: g * (np.exp(a + y**2 / 2) / _DENSITY),
    math=r"\bar a = \sqrt{2 \pi} \; \bar y \odot e^{a + y^2 / 2}",
    samples=between(-2.0, -0.1),
)


def _owens_h(g: Any, y: Any, h: Any, a: Any) -> Any:
    return g * (-_DENSITY / 2 * np.exp(-(h**2) / 2) * sp.erf(a * h / _ROOT_2))


def _owens_a(g: Any, y: Any, h: Any, a: Any) -> Any:
    return g * (np.exp(-(h**2) * (1 + a**2) / 2) / (2 * pi * (1 + a**2)))


recorded(
    sp.owens_t,
    vjp=(_owens_h, _owens_a),
    math=(
        r"\bar h = -\tfrac{1}{\sqrt{8 \pi}} \; \bar y \odot e^{-h^2 / 2} \odot \operatorname{erf} \tfrac{a h}{\sqrt 2}",
        r"\bar a = \tfrac{1}{2 \pi} \; \bar y \odot e^{-h^2 (1 + a^2) / 2} \oslash (1 + a^2)",
    ),
    samples=[lambda rng: (rng.normal(size=(2, 3)), rng.normal(size=3))],
)

# SciPy's own elementary functions

recorded(sp.cbrt, vjp=lambda g, y, a: g / (3 * y**2), math=r"\bar a = \bar y \oslash 3 y^2", samples=POSITIVE)
recorded(sp.exp2, vjp=lambda g, y, a: g * (log(2) * y), math=r"\bar a = \ln 2 \; \bar y \odot y", samples=ANY)
recorded(sp.exp10, vjp=lambda g, y, a: g * (_LOG_10 * y), math=r"\bar a = \ln 10 \; \bar y \odot y", samples=ANY)
recorded(sp.expm1, vjp=lambda g, y, a: g * (y + 1), math=r"\bar a = \bar y \odot (y + 1)", samples=ANY)
recorded(sp.log1p, vjp=lambda g, y, a: g / (1 + a), math=r"\bar a = \bar y \oslash (1 + a)", samples=POSITIVE)
recorded(sp.cosm1, vjp=lambda g, y, a: g * -np.sin(a), math=r"\bar a = -\bar y \odot \sin a", samples=ANY)
recorded(
    sp.sindg,
    vjp=lambda g, y, a: g * (_DEGREE * sp.cosdg(a)),
    math=r"\bar a = \tfrac{\pi}{180} \; \bar y \odot \cos a",
    samples=between(-80.0, 80.0),
)
recorded(
    sp.cosdg,
    vjp=lambda g, y, a: g * (-_DEGREE * sp.sindg(a)),
    math=r"\bar a = -\tfrac{\pi}{180} \; \bar y \odot \sin a",
    samples=between(-80.0, 80.0),
)
