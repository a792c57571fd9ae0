"""Exponentials and logarithms, element by element."""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from autograd.basis.arrays import nowhere, of_kind
from autograd.core.op import Rule
from autograd.rules.definition import defop
from autograd.rules.samples import ANY, PAIRS, POSITIVE, normal

_LOG_2, _LOG_10 = log(2), log(10)  # Python floats, which leave float32 as it is
_POSITIVE = (
    "keep the argument above 0, also where np.where throws the result away: "
    "np.where(x > 0, np.log(np.where(x > 0, x, 1)), other)"
)

defop(
    np.exp,
    remedy="it overflows from 710 (float32: 89): subtract the maximum first, or use a stable function such "
    "as np.logaddexp, nn.functional.sigmoid",
    vjp=lambda g, y, a: g * y,
    zeros="overflow",
    math=r"\bar a = \bar y \odot y",
    samples=ANY,
)
defop(
    np.exp2,
    vjp=lambda g, y, a: g * (_LOG_2 * y),
    zeros="overflow",
    math=r"\bar a = \ln 2 \; \bar y \odot y",
    samples=ANY,
)
defop(
    np.expm1,
    vjp=lambda g, y, a: g * (y + 1),
    zeros="overflow",
    math=r"\bar a = \bar y \odot (y + 1)",
    samples=ANY,
)
defop(
    np.log,
    remedy=_POSITIVE,
    vjp=lambda g, y, a: g / a,
    math=r"\bar a = \bar y \oslash a",
    samples=POSITIVE,
)
defop(
    np.log2,
    remedy=_POSITIVE,
    vjp=lambda g, y, a: g / (_LOG_2 * a),
    math=r"\bar a = \bar y \oslash (a \ln 2)",
    samples=POSITIVE,
)
defop(
    np.log10,
    remedy=_POSITIVE,
    vjp=lambda g, y, a: g / (_LOG_10 * a),
    math=r"\bar a = \bar y \oslash (a \ln 10)",
    samples=POSITIVE,
)
defop(
    np.log1p,
    remedy="keep the argument above -1, also where np.where throws the result away",
    vjp=lambda g, y, a: g / (1 + a),
    math=r"\bar a = \bar y \oslash (1 + a)",
    samples=POSITIVE,
)


def _shares(exp: np.ufunc) -> tuple[Rule, Rule]:
    """The rules of y = log(exp a + exp b): the shares exp(a - y) and exp(b - y), at infinities the limits.

    They are divided by their sum, which is 1 but for the rounding of y.
    """

    def share(g: Any, y: Any, a: Any, b: Any) -> Any:
        infinite = np.isinf(y)
        if nowhere(infinite):
            own, other = exp(a - y), exp(b - y)
            return g * (own / (own + other))
        finite_a, finite_b, finite_y = (np.where(infinite, 0, v) for v in (a, b, y))
        own, other = exp(finite_a - finite_y), exp(finite_b - finite_y)
        return g * np.where(infinite, 0.5 * (a == b) + (a > b), own / (own + other))

    return share, lambda g, y, a, b: share(g, y, b, a)


for _fn, _exp, _base in ((np.logaddexp, np.exp, "e"), (np.logaddexp2, np.exp2, "2")):
    defop(
        _fn,
        vjp=_shares(_exp),
        math=(rf"\bar a = \bar y \odot {_base}^{{a - y}}", rf"\bar b = \bar y \odot {_base}^{{b - y}}"),
        samples=PAIRS,
        ties="two equal infinities share the gradient equally",
    )

# The Bessel function I_0 and its derivative I_1, the mean of cos t sinh(a cos t) over an arc: of smooth periodic
# functions the sum over few points is exact to the last digit, for every `a` before I_0 overflows

_COSINES = np.cos((np.arange(64) + 0.5) * (pi / 128))


def _i0(g: Any, y: Any, x: Any) -> Any:
    cosines = of_kind(_COSINES, x)
    return g * np.mean(np.sinh(np.expand_dims(x, -1) * cosines) * cosines, axis=-1)


defop(
    np.i0,
    label="I₀",
    vjp=_i0,
    math=r"\bar x = \bar y \odot I_1(x), \quad I_1(x) = \tfrac{1}{\pi} \int_0^\pi e^{x \cos t} \cos t \, dt",
    samples=[normal((3, 4)), lambda rng: (rng.uniform(5, 20, size=4),)],
)
