"""Penalties on weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import operation
from nn.functional.linear import array


def _l1_penalty(*weights: Any) -> Any:
    r"""$\sum_i |w_i|$ over all elements of all `weights`: a penalty that makes weights exactly 0.

    $\bar w = \bar y \operatorname{sign}(w)$, 0 at 0. For matrices this is not the 1-norm of `np.linalg.norm(W, 1)`,
    which is the largest column sum.
    R. Tibshirani, "Regression shrinkage and selection via the lasso" (1996).

    Args:
        weights: arrays of any shape, one by one: `l1_penalty(*model.parameters())`.

    >>> import numpy as np
    >>> from nn.functional import l1_penalty
    >>> float(l1_penalty(np.array([[1.0, -2.0]]), np.array([3.0])))
    6.0
    """
    return sum((np.sum(np.abs(w)) for w in _one_by_one("l1_penalty", weights)), 0.0)


def _l2_penalty(*weights: Any) -> Any:
    r"""$\sum_i w_i^2$ over all elements of all `weights`: a penalty that keeps weights small.

    $\bar w = 2 \bar y w$: with the factor k it is what an optimiser's `weight_decay` of 2k does in plain descent.
    A. Hoerl, R. Kennard, "Ridge regression" (1970).

    Args:
        weights: arrays of any shape, one by one: `l2_penalty(*model.parameters())`.

    >>> import numpy as np
    >>> from nn.functional import l2_penalty
    >>> float(l2_penalty(np.array([[1.0, -2.0]]), np.array([3.0])))
    14.0
    """
    return sum((np.sum(np.square(w)) for w in _one_by_one("l2_penalty", weights)), 0.0)


def _one_by_one(name: str, weights: tuple[Any, ...]) -> tuple[Any, ...]:
    for w in weights:
        if array(w).dtype.kind not in "fiub":
            raise TypeError(f"{name} takes arrays or Tensors one by one, such as {name}(*model.parameters())")
    return weights


_PENALISED: list[Any] = [
    lambda rng: (rng.normal(size=(3, 4)),),
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal()),
]
l1_penalty = operation(
    _l1_penalty,
    name="nn.functional.l1_penalty",
    role="penalty",
    label="Σ|w|",
    variadic=True,
    adapt=lambda *weights: (weights, {}),
    vjp=lambda position, g, y, *weights: g * np.sign(weights[position]),
    math=r"\bar w = \bar y \operatorname{sign} w",
    samples=_PENALISED,
    ties="0 at 0",
)
l2_penalty = operation(
    _l2_penalty,
    name="nn.functional.l2_penalty",
    role="penalty",
    label="Σw²",
    variadic=True,
    adapt=lambda *weights: (weights, {}),
    vjp=lambda position, g, y, *weights: 2 * g * weights[position],
    math=r"\bar w = 2 \, \bar y \, w",
    samples=_PENALISED,
)
