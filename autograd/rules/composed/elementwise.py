"""Element-wise functions with two results."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.core.op import lookup, plain
from autograd.rules.definition import defcomposite
from autograd.rules.samples import ANY, NONZERO_PAIRS

defcomposite(
    np.divmod,
    lambda x1, x2: (np.floor_divide(x1, x2), np.remainder(x1, x2)),
    math=r"y_1 = \lfloor a \oslash b \rfloor, \quad y_2 = a - b \odot y_1",
    samples=NONZERO_PAIRS,
    ties=lookup(np.remainder).ties,
)


def _modf(x: Any) -> tuple[Any, Any]:
    return np.fmod(np.where(np.isinf(x), 0, x), 1), np.trunc(x)


def _frexp(x: Any) -> tuple[Any, Any]:
    exponent = np.frexp(plain(x))[1]
    return np.ldexp(x, -exponent), exponent


defcomposite(
    np.modf,
    _modf,
    math=r"y_1 = a - \operatorname{trunc} a, \quad y_2 = \operatorname{trunc} a",
    samples=ANY,
    ties="the whole part has a zero gradient",
)
defcomposite(
    np.frexp, _frexp, math=r"\bar a = 2^{-n} \odot \bar y", samples=ANY, ties="the exponent n is a plain array"
)
