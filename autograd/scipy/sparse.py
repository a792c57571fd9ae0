"""`scipy.sparse` on Tensors: a sparse matrix times a Tensor; for `t @ matrix` write `matrix.T @ t`.

SciPy's own matrices ask a Tensor for plain numbers, so inside of differentiable code copies of them stand for them, and
`product` is there for one's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from autograd.core.tensor import TensorBase
from autograd.numpy.namespace import INSTANCES
from autograd.rules.index import scatter
from autograd.scipy.definition import attributes

__getattr__ = attributes(scipy.sparse)


def product(matrix: Any, t: Any) -> Any:
    """A constant sparse matrix times a vector or matrix, by its elements.

    Raises:
        ValueError: shapes that do not fit.

    >>> from autograd import Tensor
    >>> product(scipy.sparse.csr_array(np.diag([2.0, 3.0])), Tensor([1.0, 10.0])).tolist()
    [2.0, 30.0]
    """
    elements = scipy.sparse.coo_array(matrix)
    rows, columns = elements.coords
    if np.ndim(t) not in (1, 2) or np.shape(t)[0] != elements.shape[1]:
        raise ValueError(f"a sparse matrix of shape {elements.shape} times a Tensor of shape {np.shape(t)}")
    data = elements.data if np.ndim(t) == 1 else elements.data[:, None]
    return scatter(data * t[columns], rows, (elements.shape[0], *np.shape(t)[1:]))


class _OnTensors:
    """What a sparse matrix does with Tensors."""

    T = property(lambda self: on_tensors(super().T))  # type: ignore[misc]

    def __matmul__(self, other: Any) -> Any:
        return product(self, other) if isinstance(other, TensorBase) else super().__matmul__(other)  # type: ignore[misc]

    def __mul__(self, other: Any) -> Any:
        matrix = isinstance(self, scipy.sparse.spmatrix) and isinstance(other, TensorBase) and np.ndim(other)  # type: ignore[arg-type]
        return product(self, other) if matrix else super().__mul__(other)  # type: ignore[misc]

    def dot(self, other: Any) -> Any:
        """The product."""
        return self @ other


_KINDS: dict[type, type] = {}


def on_tensors(matrix: Any) -> Any:
    """A copy of a sparse matrix that takes Tensors; it shares the elements."""
    kind = type(matrix)
    if isinstance(matrix, _OnTensors):
        return matrix
    if kind not in _KINDS:
        _KINDS[kind] = type(kind.__name__, (_OnTensors, kind), {})
    return _KINDS[kind](matrix)


INSTANCES.update(
    {
        getattr(scipy.sparse, f"{layout}_{kind}"): on_tensors
        for layout in ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")
        for kind in ("matrix", "array")
    }
)
