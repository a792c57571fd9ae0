"""Legendre functions, of which SciPy gives one or all up to an order, with as many derivatives as one asks for.

The derivative of `diff_n` derivatives is the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as theirs

from autograd.basis.broadcasting import unbroadcast
from autograd.core.op import Op, plain
from autograd.core.tensor import apply
from autograd.numpy.arrays import as_tensor, has_gradient
from autograd.numpy.namespace import REPLACED

_NAMES = ("legendre_p", "legendre_p_all", "assoc_legendre_p", "assoc_legendre_p_all", "sph_legendre_p",
          "sph_legendre_p_all")  # fmt: skip


def _with_slopes(name: str, original: Any) -> Callable[..., Any]:
    def call(*args: Any, diff_n: int = 0, **options: Any) -> Any:
        *orders, z = args
        if has_gradient((*orders, *options.values())):
            raise TypeError(f"scipy.special.{name}: orders and options have no derivative; pass them detached")
        orders, options = plain(orders), plain(options)
        if not has_gradient(z):
            return as_tensor(original(*orders, plain(z), diff_n=diff_n, **options))

        def slope(g: Any, y: Any, z: Any) -> Any:
            terms = g * call(*orders, z, diff_n=diff_n + 1, **options)[1:]
            return unbroadcast(terms, np.shape(z))

        op = Op(
            lambda z: np.asarray(original(*orders, z, diff_n=diff_n, **options)),
            vjp=slope,
            math=r"\bar z = \sum_{k n} \bar y_{k n} \, P_n^{(k + 1)}(z)",
            name=f"scipy.special.{name}",
        )
        return apply(op, (z,))

    REPLACED[original] = REPLACED[call] = call
    return call


for _name in _NAMES:
    if hasattr(theirs, _name):  # since SciPy 1.15
        globals()[_name] = _with_slopes(_name, getattr(theirs, _name))
