"""Kinks, steps and choices, element by element: each record says what its derivative is at the kink."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import is_tensor
from autograd.core.op import Call, plain, stack_nested
from autograd.rules.definition import defop
from autograd.rules.reduce import float_dtype
from autograd.rules.samples import ANY, PAIRS, normal

# Steps: the derivative is 0 on each of them

_fn: Any
for _fn in (np.sign, np.floor, np.ceil, np.trunc, np.rint, np.spacing):
    defop(
        _fn,
        zeros="choice",
        vjp=lambda g, y, a: np.zeros_like(a),
        math=r"\bar a = 0",
        samples=ANY,
        ties="0 where it jumps",
    )
defop(
    np.fix,
    zeros="choice",
    forward=np.trunc,  # NumPy 2.5 deprecates the other name
    vjp=lambda g, y, x: np.zeros_like(x),
    math=r"\bar x = 0",
    samples=ANY,
    ties="0 where it jumps",
)
for _fn in (np.round, np.around):
    defop(
        _fn,
        zeros="choice",
        vjp=lambda g, y, a, decimals=0: np.zeros_like(a),
        math=r"\bar a = 0",
        samples=[*ANY, lambda rng: (rng.normal(size=(3, 4)), 1)],
        ties="0 where it jumps",
    )
defop(
    np.heaviside,
    zeros="choice",
    vjp=(lambda g, y, a, b: np.zeros_like(a), lambda g, y, a, b: g * (a == 0)),
    math=(r"\bar a = 0", r"\bar b = \bar y \odot 1[a = 0]"),
    samples=[*PAIRS, lambda rng: (np.array([-1, 0, 2]), rng.normal(size=(2, 3)))],
    ties="0 for a where it jumps",
)

# Kinks

_SHARED = "two Tensors share the gradient equally; a constant wins against a Tensor, which gets 0"
for _fn in (np.absolute, np.fabs):
    defop(
        _fn,
        label="|x|",
        vjp=lambda g, y, a: g * np.sign(a),
        math=r"\bar a = \bar y \odot \operatorname{sign} a",
        samples=ANY,
        ties="0 at 0",
    )
defop(
    np.maximum,
    zeros="choice",
    role="activation",
    label="max",
    vjp=(
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (a > b)),
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (b > a)),
    ),
    against_constant=(lambda g, y, a, b: g * (a > b), lambda g, y, a, b: g * (b > a)),
    math=(r"\bar a = \bar y \odot 1[a > b]", r"\bar b = \bar y \odot 1[b > a]"),
    samples=PAIRS,
    ties=_SHARED,
)
defop(
    np.minimum,
    zeros="choice",
    role="activation",
    label="min",
    vjp=(
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (a < b)),
        lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (b < a)),
    ),
    against_constant=(lambda g, y, a, b: g * (a < b), lambda g, y, a, b: g * (b < a)),
    math=(r"\bar a = \bar y \odot 1[a < b]", r"\bar b = \bar y \odot 1[b < a]"),
    samples=PAIRS,
    ties=_SHARED,
)
for _fn in (np.fmax, np.fmin):
    defop(
        _fn,
        zeros="choice",
        vjp=(
            lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (a == y)),
            lambda g, y, a, b: np.where(a == b, 0.5 * g, g * (b == y)),
        ),
        against_constant=(lambda g, y, a, b: g * ((a == y) & (a != b)), lambda g, y, a, b: g * ((b == y) & (a != b))),
        math=(r"\bar a = \bar y \odot 1[a = y]", r"\bar b = \bar y \odot 1[b = y]"),
        samples=PAIRS,
        ties=_SHARED,
    )
defop(
    np.copysign,
    vjp=(lambda g, y, a, b: g * (np.sign(a) * np.copysign(np.sign(a), b)), lambda g, y, a, b: np.zeros_like(b)),
    math=(r"\bar a = \bar y \odot \operatorname{sign} a \odot \operatorname{sign} b", r"\bar b = 0"),
    samples=PAIRS,
    ties="0 at a = 0, and for b where it jumps",
)
defop(
    np.ldexp,
    vjp=(lambda g, y, a, n: np.ldexp(g, n), None),
    math=r"\bar a = 2^n \odot \bar y",
    samples=[lambda rng: (rng.normal(size=(3, 4)), np.array([0, -2, 5, 1])), lambda rng: (rng.normal(size=3), 3)],
)
defop(
    np.nextafter,
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: np.zeros_like(b)),
    math=(r"\bar a = \bar y", r"\bar b = 0"),
    samples=PAIRS,
    ties="0 for b where it jumps",
)


def _replaced_by_tensor(x: Any, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """With a Tensor in the place of a NaN or an infinity."""
    y = np.nan_to_num(x, nan=plain(nan), posinf=plain(posinf), neginf=plain(neginf))
    for value, where in ((nan, np.isnan(x)), (posinf, np.isposinf(x)), (neginf, np.isneginf(x))):
        y = np.where(where, value, y) if is_tensor(value) else y
    return y


def _nan_to_num_arguments(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Call:
    if not copy:
        raise TypeError("copy=False writes into its operand")
    return (x,), {"nan": nan, "posinf": posinf, "neginf": neginf}


defop(
    np.nan_to_num,
    zeros="choice",
    vjp=lambda g, y, x, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0),
    adapt=_nan_to_num_arguments,
    composed=dict.fromkeys(("nan", "posinf", "neginf"), _replaced_by_tensor),
    math=r"\bar x = \bar y \odot 1[|x| < \infty]",
    samples=[*ANY, normal(3, nan=1.0, posinf=2.0, neginf=-2.0)],
    ties="0 where it replaces",
)


def _clip_arguments(
    a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None,
    dtype: Any = None, casting: Any = "same_kind", order: str = "K", subok: bool = True, where: Any = True,
) -> Call:  # fmt: skip
    """The operands in order; a bound that is missing is an infinity."""
    if where is not True:
        raise TypeError("where= leaves the rest undefined; choose by np.where")
    low = a_min if min is None else min
    high = a_max if max is None else max
    if dtype is not None:
        a, low, high = (v if v is None else stack_nested(v).astype(float_dtype(dtype)) for v in (a, low, high))
    return (a, -np.inf if low is None else low, np.inf if high is None else high), {}


defop(
    np.clip,
    zeros="choice",
    role="activation",
    forward=lambda a, low, high: np.minimum(np.maximum(a, low), high),
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
        lambda rng: (rng.normal(size=5).astype(np.float32), -0.5, 0.2, {"dtype": np.float64}),
    ],
    ties="where a equals a bound, the bound gets the gradient",
)
defop(
    np.where,
    zeros="choice",
    role="choice",
    adapt=lambda condition, *branches: ((condition, *branches), {}) if branches else None,  # of c alone, positions
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
