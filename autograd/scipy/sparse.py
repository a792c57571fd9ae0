"""`scipy.sparse` on Tensors: a sparse matrix times a Tensor; for `t @ matrix` write `matrix.T @ t`.

SciPy's own matrices ask a Tensor for plain numbers, so inside of differentiable code copies of them stand for them, and
`product` is there for one's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from autograd.core.op import plain
from autograd.core.tensor import TensorBase
from autograd.numpy.arrays import as_tensor, has_gradient
from autograd.numpy.namespace import INSTANCES, replaces
from autograd.rules.definition import operation
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


# Equations, of a matrix that is a constant


def _by_factors(b: Any, factors: Any, trans: str = "N") -> Any:
    return factors.solve(np.asarray(b, float), trans)


_solve: Any = operation(
    _by_factors,
    vjp=lambda g, y, b, factors, trans="N": _solve(g, factors=factors, trans="T" if trans == "N" else "N"),
    name="scipy.sparse.linalg.spsolve",
)


@replaces(scipy.sparse.linalg.factorized)
def factorized(A: Any) -> Any:
    """`scipy.sparse.linalg.factorized`: what solves the equations, by factors that are computed once."""
    factors = scipy.sparse.linalg.splu(scipy.sparse.csc_array(A))
    return lambda b: as_tensor(_solve(b, factors=factors))


@replaces(scipy.sparse.linalg.spsolve)
def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """`scipy.sparse.linalg.spsolve`, of a right side that may be a Tensor; the options say how SciPy would do it.

    >>> from autograd import grad
    >>> matrix = scipy.sparse.csr_array(np.diag([2.0, 4.0]))
    >>> grad(lambda b: np.sum(spsolve(matrix, b)))(np.ones(2))
    array([0.5 , 0.25])
    """
    if not has_gradient(b):
        return as_tensor(scipy.sparse.linalg.spsolve(A, plain(b), permc_spec, use_umfpack))
    return factorized(A)(np.ravel(b) if np.shape(b)[1:] == (1,) else b)


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
