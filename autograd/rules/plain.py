"""Functions that give plain arrays or Python values when they are called on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.core.op import BODIES, plain
from autograd.core.tensor import wrap
from autograd.rules.definition import defplain

defplain(
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.isclose, np.allclose, np.array_equal, np.array_equiv,
    np.isneginf, np.isposinf, np.isreal, np.iscomplex, np.isrealobj, np.iscomplexobj, np.isscalar,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.all, np.any, np.isin,
    why="a truth value is piecewise constant",
)  # fmt: skip
defplain(
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.argwhere, np.nonzero,
    np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize, np.lexsort,
    why="a position is piecewise constant",
)  # fmt: skip
defplain(
    np.shape, np.ndim, np.size, np.result_type, np.common_type, np.can_cast, np.min_scalar_type,
    np.may_share_memory, np.shares_memory, np.broadcast_shapes,
    why="it depends on shapes and dtypes only",
)  # fmt: skip
defplain(
    np.zeros_like, np.ones_like, np.empty_like,
    why="it depends on shapes and dtypes only; of floats a constant Tensor, which a program may write into",
)  # fmt: skip


def _size(a: Any, axis: Any = None) -> Any:
    return a.size if axis is None else np.size(plain(a), axis)


def constant(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` on plain arrays; floats as a constant Tensor, since a program that asks for them writes into them next."""

    def body(*args: Any, **kwargs: Any) -> Any:
        result = fn(*plain(args), **plain(kwargs))
        return wrap(Node.leaf(result)) if result.dtype.kind == "f" else result

    return body


BODIES.update({np.shape: lambda a: a.shape, np.ndim: lambda a: a.ndim, np.size: _size})
BODIES.update({fn: constant(fn) for fn in (np.zeros_like, np.ones_like, np.empty_like)})
defplain(
    np.array_repr, np.array_str, np.array2string, np.savetxt, np.save, np.savez, np.savez_compressed,
    why="it prints or stores the values",
)  # fmt: skip
defplain(
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.bitwise_count,
    np.packbits, np.unpackbits, np.gcd, np.lcm,
    why="integers have no derivative",
)  # fmt: skip
