"""Hypergeometric functions, elliptic integrals, orthogonal polynomials, Lambert's function.

NIST Handbook, 13.3, 15.5, 18.9, 19.4 and 4.13. Derivatives in parameters are differences.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import scipy.special as sp

from autograd.rules.samples import between, normal
from autograd.scipy.definition import Parameter, recorded

recorded(
    sp.hyp0f1,
    vjp=(Parameter(), lambda g, y, v, z: g * (sp.hyp0f1(v + 1, z) / v)),
    math=r"\bar z = \bar y \odot {}_0F_1(v + 1; z) \oslash v",
    samples=[lambda rng: (1.5, rng.normal(size=(3, 4)))],
)
recorded(
    sp.hyp1f1,
    vjp=(Parameter(), Parameter(), lambda g, y, a, b, x: g * (a / b * sp.hyp1f1(a + 1, b + 1, x))),
    math=r"\bar x = \tfrac{a}{b} \; \bar y \odot {}_1F_1(a + 1; b + 1; x)",
    samples=[lambda rng: (0.7, 1.5, rng.normal(size=(3, 4)))],
)
recorded(
    sp.hyperu,
    vjp=(Parameter(), Parameter(), lambda g, y, a, b, x: g * (-a * sp.hyperu(a + 1, b + 1, x))),
    math=r"\bar x = -a \; \bar y \odot U(a + 1, b + 1, x)",
    samples=[lambda rng: (0.7, 1.5, rng.uniform(0.5, 2.0, size=(3, 4)))],
)
recorded(
    sp.hyp2f1,
    vjp=(
        Parameter(),
        Parameter(),
        Parameter(),
        lambda g, y, a, b, c, z: g * (a * b / c * sp.hyp2f1(a + 1, b + 1, c + 1, z)),
    ),
    math=r"\bar z = \tfrac{a b}{c} \; \bar y \odot {}_2F_1(a + 1, b + 1; c + 1; z)",
    samples=[lambda rng: (0.7, 0.4, 1.6, rng.uniform(-0.8, 0.6, size=(3, 4)))],
)

# Elliptic integrals: E - K over m loses its digits near 0, a hypergeometric function does not


def _ellipk_slope(m: Any) -> Any:
    return pi / 8 * sp.hyp2f1(0.5, 0.5, 2.0, m) / (1 - m)


recorded(
    sp.ellipk,
    vjp=lambda g, y, m: g * _ellipk_slope(m),
    math=r"\bar m = \bar y \odot (E(m) - (1 - m) y) \oslash (2 m (1 - m))",
    samples=[*between(-0.5, 0.7), lambda rng: (0.0,)],
)
recorded(
    sp.ellipkm1,
    vjp=lambda g, y, p: -g * _ellipk_slope(1 - p),
    math=r"\bar p = -\bar y \odot (E(m) - p y) \oslash (2 m p), \quad m = 1 - p",
    samples=between(0.3, 0.9),
)
recorded(
    sp.ellipe,
    vjp=lambda g, y, m: g * (-pi / 8 * sp.hyp2f1(0.5, 1.5, 2.0, m)),
    math=r"\bar m = \bar y \odot (y - K(m)) \oslash 2 m",
    samples=[*between(-0.5, 0.7), lambda rng: (0.0,)],
)
_ANGLES = [lambda rng: (rng.uniform(-1.2, 1.2, size=(3, 4)), 0.4)]
recorded(
    sp.ellipkinc,
    vjp=(lambda g, y, phi, m: g / np.sqrt(1 - m * np.sin(phi) ** 2), Parameter()),
    math=r"\bar p = \bar y \oslash \sqrt{1 - m \sin^2 p}",
    samples=_ANGLES,
)
recorded(
    sp.ellipeinc,
    vjp=(lambda g, y, phi, m: g * np.sqrt(1 - m * np.sin(phi) ** 2), Parameter()),
    math=r"\bar p = \bar y \odot \sqrt{1 - m \sin^2 p}",
    samples=_ANGLES,
)

# Orthogonal polynomials

recorded(
    sp.eval_jacobi,
    vjp=(
        None,
        Parameter(-1.0),
        Parameter(-1.0),
        lambda g, y, n, a, b, x: g * (0.5 * (n + a + b + 1) * sp.eval_jacobi(n - 1, a + 1.0, b + 1.0, x)),
    ),
    math=r"\bar x = \tfrac{1}{2} (n + a + b + 1) \; \bar y \odot P_{n - 1}^{(a + 1, b + 1)}(x)",
    samples=[lambda rng: (3.0, 0.5, 0.2, rng.uniform(-0.9, 0.9, size=(3, 4)))],
)
recorded(
    sp.eval_legendre,
    vjp=(None, lambda g, y, n, x: g * (0.5 * (n + 1) * sp.eval_jacobi(n - 1, 1.0, 1.0, x))),
    math=r"\bar x = \tfrac{1}{2} (n + 1) \; \bar y \odot P_{n - 1}^{(1, 1)}(x)",
    samples=[lambda rng: (3.0, rng.uniform(-0.9, 0.9, size=(3, 4)))],
)
recorded(
    sp.eval_gegenbauer,
    vjp=(None, Parameter(), lambda g, y, n, a, x: g * (2.0 * a * sp.eval_gegenbauer(n - 1, a + 1.0, x))),
    math=r"\bar x = 2 a \; \bar y \odot C_{n - 1}^{(a + 1)}(x)",
    samples=[lambda rng: (3.0, 0.5, rng.uniform(-0.9, 0.9, size=(3, 4)))],
)
recorded(
    sp.eval_chebyu,
    vjp=(None, lambda g, y, n, x: g * (2.0 * sp.eval_gegenbauer(n - 1, 2.0, x))),
    math=r"\bar x = 2 \; \bar y \odot C_{n - 1}^{(2)}(x)",
    samples=[lambda rng: (3.0, rng.uniform(-0.9, 0.9, size=(3, 4)))],
)
recorded(
    sp.eval_chebyt,
    vjp=(None, lambda g, y, n, x: g * (n * sp.eval_chebyu(n - 1, x))),
    math=r"\bar x = n \; \bar y \odot U_{n - 1}(x)",
    samples=[lambda rng: (3.0, rng.uniform(-0.9, 0.9, size=(3, 4)))],
)
recorded(
    sp.eval_genlaguerre,
    vjp=(None, Parameter(), lambda g, y, n, a, x: g * -sp.eval_genlaguerre(n - 1, a + 1.0, x)),
    math=r"\bar x = -\bar y \odot L_{n - 1}^{(a + 1)}(x)",
    samples=[lambda rng: (3.0, 0.5, rng.uniform(0.1, 2.0, size=(3, 4)))],
)
recorded(
    sp.eval_laguerre,
    vjp=(None, lambda g, y, n, x: g * -sp.eval_genlaguerre(n - 1, 1.0, x)),
    math=r"\bar x = -\bar y \odot L_{n - 1}^{(1)}(x)",
    samples=[lambda rng: (3.0, rng.uniform(0.1, 2.0, size=(3, 4)))],
)

# Lambert's function


def _real_lambertw(z: Any, k: int = 0) -> Any:
    value = sp.lambertw(z, k)
    if np.any(value.imag):
        raise ValueError(f"branch {k} is complex for some of these; branch 0 is real from -1/e on, branch -1 to 0")
    return value.real.astype(np.result_type(z, np.float32))[()]


recorded(
    sp.lambertw,
    on_arrays=_real_lambertw,
    label="W",
    vjp=lambda g, y, z, k=0: g * np.exp(-y) / (1 + y),
    math=r"\bar z = \bar y \odot e^{-y} \oslash (1 + y)",
    samples=[lambda rng: (rng.uniform(-0.2, 3.0, size=(3, 4)),), lambda rng: (np.array([-0.3, -0.1]), {"k": -1})],
)

recorded(
    sp.lpmv,
    vjp=(None, None, lambda g, y, m, v, x: g * (v * x * y - (v + m) * sp.lpmv(m, v - 1, x)) / (x**2 - 1)),
    math=r"\bar x = \bar y \odot (v x y - (v + m) P^m_{v - 1}(x)) \oslash (x^2 - 1)",
    samples=[lambda rng: (1, 2, rng.uniform(-0.8, 0.8, size=(3, 4)))],
)
recorded(
    sp.wrightomega,
    vjp=lambda g, y, z: g * y / (1 + y),
    math=r"\bar z = \bar y \odot y \oslash (1 + y)",
    samples=[normal((2, 3))],
)
