"""Gamma and beta functions, and integrals of exponentials: NIST Handbook, chapters 5 and 6."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import scipy.special as sp

from autograd.core.op import Rule
from autograd.rules.samples import POSITIVE
from autograd.scipy.definition import Parameter, recorded

_BOTH = [
    lambda rng: (rng.uniform(0.5, 3.0, size=(2, 3)), rng.uniform(0.5, 3.0, size=3)),
]

recorded(
    sp.gamma,
    vjp=lambda g, y, a: g * y * sp.psi(a),
    math=r"\bar a = \bar y \odot y \odot \psi(a)",
    samples=POSITIVE,
    label="Γ",
)


def _rgamma(g: Any, y: Any, a: Any) -> Any:
    """By the reflection of the function to the left of 1/2, as psi is infinite where `y` is 0."""
    left = a < 0.5
    other, right = np.where(left, 1 - a, 1), np.where(left, 1, a)
    angle = pi * a
    reflected = sp.gamma(other) * (np.cos(angle) - sp.psi(other) * np.sin(angle) / pi)
    return g * np.where(left, reflected, -y * sp.psi(right))


recorded(
    sp.rgamma,
    vjp=_rgamma,
    math=r"\bar a = -\bar y \odot y \odot \psi(a)",
    samples=[*POSITIVE, lambda rng: (np.array([-2.0, -1.3, 0.0, 0.3, 0.7]),)],
)
for _fn in (sp.gammaln, sp.loggamma):
    recorded(
        _fn,
        vjp=lambda g, y, a: g * sp.psi(a),
        math=r"\bar a = \bar y \odot \psi(a)",
        samples=POSITIVE,
        label="ln Γ",
    )
recorded(
    sp.gammasgn,
    vjp=lambda g, y, a: np.zeros_like(a),
    math=r"\bar a = 0",
    samples=POSITIVE,
    zeros="choice",
)
polygamma: Any = recorded(
    sp.polygamma,
    vjp=(None, lambda g, y, n, x: g * polygamma(n + 1, x)),
    math=r"\bar x = \bar y \odot \psi^{(n + 1)}(x)",
    samples=[lambda rng: (1, rng.uniform(0.5, 3.0, size=(3, 4)))],
    broadcasts=True,
)
recorded(
    sp.psi,
    vjp=lambda g, y, a: g * polygamma(1, a),
    math=r"\bar a = \bar y \odot \psi'(a)",
    samples=[*POSITIVE, lambda rng: (-rng.uniform(0.1, 0.9, size=3),)],
    label="ψ",
)
zeta: Any = recorded(
    sp.zeta,
    vjp=(Parameter(1.0), lambda g, y, x, q: g * -x * zeta(x + 1, q)),
    math=r"\bar q = -\bar y \odot x \odot \zeta(x + 1, q)",
    samples=[lambda rng: (2.5, rng.uniform(0.5, 3.0, size=(3, 4)))],
    broadcasts=True,
    label="ζ",
)


def _betas(of_logarithm: bool) -> tuple[Rule, Rule]:
    def rule(g: Any, y: Any, a: Any, b: Any) -> Any:
        slope = sp.psi(a) - sp.psi(a + b)
        return g * slope if of_logarithm else g * y * slope

    return rule, lambda g, y, a, b: rule(g, y, b, a)


recorded(
    sp.beta,
    vjp=_betas(of_logarithm=False),
    math=(
        r"\bar a = \bar y \odot y \odot (\psi(a) - \psi(a + b))",
        r"\bar b = \bar y \odot y \odot (\psi(b) - \psi(a + b))",
    ),
    samples=_BOTH,
)
recorded(
    sp.betaln,
    vjp=_betas(of_logarithm=True),
    math=(
        r"\bar a = \bar y \odot (\psi(a) - \psi(a + b))",
        r"\bar b = \bar y \odot (\psi(b) - \psi(a + b))",
    ),
    samples=_BOTH,
)
recorded(
    sp.binom,
    vjp=(
        lambda g, y, n, k: g * y * (sp.psi(n + 1) - sp.psi(n - k + 1)),
        lambda g, y, n, k: g * y * (sp.psi(n - k + 1) - sp.psi(k + 1)),
    ),
    math=(
        r"\bar n = \bar y \odot y \odot (\psi(n + 1) - \psi(n - k + 1))",
        r"\bar k = \bar y \odot y \odot (\psi(n - k + 1) - \psi(k + 1))",
    ),
    samples=[lambda rng: (rng.uniform(3.2, 4.8, size=(2, 3)), rng.uniform(0.2, 2.8, size=3))],
)
recorded(
    sp.poch,
    vjp=(
        lambda g, y, z, m: g * y * (sp.psi(z + m) - sp.psi(z)),
        lambda g, y, z, m: g * y * sp.psi(z + m),
    ),
    math=(
        r"\bar z = \bar y \odot y \odot (\psi(z + m) - \psi(z))",
        r"\bar m = \bar y \odot y \odot \psi(z + m)",
    ),
    samples=_BOTH,
)

# Integrals

recorded(
    sp.expi,
    vjp=lambda g, y, a: g * np.exp(a) / a,
    math=r"\bar a = \bar y \odot e^a \oslash a",
    samples=POSITIVE,
)
recorded(
    sp.exp1,
    vjp=lambda g, y, a: g * -np.exp(-a) / a,
    math=r"\bar a = -\bar y \odot e^{-a} \oslash a",
    samples=POSITIVE,
)


def _expn(g: Any, y: Any, n: Any, x: Any) -> Any:
    return g * np.where(n == 0, -np.exp(-x) * (1 + x) / x**2, -sp.expn(np.maximum(n - 1, 0), x))


recorded(
    sp.expn,
    vjp=(None, _expn),
    math=r"\bar x = -\bar y \odot E_{n - 1}(x)",
    samples=[lambda rng: (2, rng.uniform(0.5, 2.0, size=(3, 4)))],
)


def _spence(g: Any, y: Any, a: Any) -> Any:
    one = a == 1
    return g * np.where(one, -1, np.log(a) / np.where(one, 1, 1 - a))


recorded(
    sp.spence,
    vjp=_spence,
    math=r"\bar a = \bar y \odot \ln a \oslash (1 - a)",
    samples=[lambda rng: (rng.uniform(1.5, 3.0, size=(3, 4)),)],
)
