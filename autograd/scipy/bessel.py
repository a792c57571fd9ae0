"""Bessel functions in their argument: each order's derivative is made of the orders beside it.

NIST Handbook, 10.6 and 10.29. The derivative in the order is a difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from autograd.core.op import Rule, Sample
from autograd.rules.samples import POSITIVE
from autograd.scipy.definition import Parameter, recorded

_ORDERS: list[Sample] = [lambda rng: (1.3, rng.uniform(0.5, 3.0, size=(3, 4)))]


def _beside(fn: np.ufunc, below: float, above: float, own: float = 0.0) -> Rule:
    """The rule of a function of an order v: y' = below f_(v - 1) + above f_(v + 1) + own y."""

    def rule(g: Any, y: Any, v: Any, z: Any) -> Any:
        slope = below * fn(v - 1, z) + above * fn(v + 1, z)
        return g * (slope + own * y) if own else g * slope

    return rule


for _fn, _below, _above, _own in (
    (sp.jv, 0.5, -0.5, 0.0),
    (sp.yv, 0.5, -0.5, 0.0),
    (sp.iv, 0.5, 0.5, 0.0),
    (sp.kv, -0.5, -0.5, 0.0),
    (sp.kve, -0.5, -0.5, 1.0),
):
    _name = f"{_fn.__name__[0].upper()}"
    _sign = "+" if _above == _below else "-"
    recorded(
        _fn,
        vjp=(Parameter(), _beside(_fn, _below, _above, _own)),
        math=rf"\bar z = {'-' * (_below < 0)}\tfrac{{1}}{{2}} \; \bar y \odot ({_name}_{{v - 1}}(z) {_sign} "
        rf"{_name}_{{v + 1}}(z))" + r" + \bar y \odot y" * bool(_own),
        samples=_ORDERS,
    )
recorded(
    sp.yn,
    vjp=(None, _beside(sp.yn, 0.5, -0.5)),
    math=r"\bar z = \tfrac{1}{2} \; \bar y \odot (Y_{n - 1}(z) - Y_{n + 1}(z))",
    samples=[lambda rng: (2, rng.uniform(0.5, 3.0, size=(3, 4)))],
)
recorded(
    sp.ive,
    vjp=(Parameter(), lambda g, y, v, z: g * (0.5 * (sp.ive(v - 1, z) + sp.ive(v + 1, z)) - np.sign(z) * y)),
    math=r"\bar z = \tfrac{1}{2} \; \bar y \odot (I_{v - 1}(z) + I_{v + 1}(z)) e^{-|z|} - \bar y \odot y"
    r" \operatorname{sign} z",
    samples=_ORDERS,
)

# Orders 0 and 1: the rules of order 1 divide by no argument, so 0 is no corner

_SLOPES: dict[str, tuple[Rule, str]] = {
    "j0": (lambda g, y, a: g * -sp.j1(a), "-J_1(a)"),
    "j1": (lambda g, y, a: g * (0.5 * (sp.j0(a) - sp.jv(2.0, a))), r"\tfrac{1}{2} (J_0(a) - J_2(a))"),
    "y0": (lambda g, y, a: g * -sp.y1(a), "-Y_1(a)"),
    "y1": (lambda g, y, a: g * (0.5 * (sp.y0(a) - sp.yv(2.0, a))), r"\tfrac{1}{2} (Y_0(a) - Y_2(a))"),
    "i0": (lambda g, y, a: g * sp.i1(a), "I_1(a)"),
    "i1": (lambda g, y, a: g * (0.5 * (sp.i0(a) + sp.iv(2.0, a))), r"\tfrac{1}{2} (I_0(a) + I_2(a))"),
    "k0": (lambda g, y, a: g * -sp.k1(a), "-K_1(a)"),
    "k1": (lambda g, y, a: g * (-0.5 * (sp.k0(a) + sp.kv(2.0, a))), r"-\tfrac{1}{2} (K_0(a) + K_2(a))"),
    "i0e": (lambda g, y, a: g * (sp.i1e(a) - np.sign(a) * y), r"(e^{-|a|} I_1(a) - y \operatorname{sign} a)"),
    "i1e": (
        lambda g, y, a: g * (0.5 * (sp.i0e(a) + sp.ive(2.0, a)) - np.sign(a) * y),
        r"(\tfrac{1}{2} e^{-|a|} (I_0(a) + I_2(a)) - y \operatorname{sign} a)",
    ),
    "k0e": (lambda g, y, a: g * (y - sp.k1e(a)), "(y - e^a K_1(a))"),
    "k1e": (lambda g, y, a: g * (y - 0.5 * (sp.k0e(a) + sp.kve(2.0, a))), r"(y - \tfrac{1}{2} e^a (K_0(a) + K_2(a)))"),
}
for _name, (_rule, _slope) in _SLOPES.items():
    recorded(
        getattr(sp, _name),
        vjp=_rule,
        math=rf"\bar a = \bar y \odot {_slope}" if _slope[0] != "-" else rf"\bar a = \bar y \odot ({_slope})",
        samples=POSITIVE,
        ties="at 0, where e^{-|a|} has a kink, the slope of |a| counts as 0" if _name in ("i0e", "i1e") else "",
    )

# Spherical ones: NIST Handbook, 10.51; their derivatives obey the same rule


def _spherical(fn: Any, below: int, above: int) -> None:
    def rule(g: Any, y: Any, n: Any, z: Any, derivative: bool = False) -> Any:
        lower = n * call(np.maximum(n - 1, 0), z, derivative)  # 0 where there is none
        return g * ((below * lower + above * (n + 1) * call(n + 1, z, derivative)) / (2 * n + 1))

    name, signs = fn.__name__[-2], ("-" * (below < 0), "-" if above < 0 else "+")
    call = recorded(
        fn,
        vjp=(None, rule),
        math=rf"\bar z = \bar y \odot ({signs[0]} n {name}_{{n - 1}} {signs[1]} (n + 1) {name}_{{n + 1}}) \oslash "
        "(2 n + 1)",
        samples=[
            lambda rng: (2, rng.uniform(0.5, 3.0, size=(3, 4))),
            lambda rng: (0, rng.uniform(0.5, 3.0, size=3), {"derivative": True}),
        ],
        broadcasts=True,
    )


for _fn, _below, _above in (
    (sp.spherical_jn, 1, -1),
    (sp.spherical_yn, 1, -1),
    (sp.spherical_in, 1, 1),
    (sp.spherical_kn, -1, -1),
):
    _spherical(_fn, _below, _above)
