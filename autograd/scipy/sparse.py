"""`scipy.sparse` on Tensors: the product of a sparse matrix and a Tensor.

SciPy's own matrices ask a Tensor for plain numbers, so inside of differentiable code copies of them stand for them, and
`product` is there for one's own.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from autograd.array.conversion import refusal
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
    """What a sparse matrix does with Tensors; what is computed of it does so too."""

    __array_ufunc__ = None  # so that Python asks this one for `t @ matrix` and `t * matrix`

    T = property(lambda self: self.transpose())

    def __matmul__(self, other: Any) -> Any:
        return product(self, other) if isinstance(other, TensorBase) else super().__matmul__(other)  # type: ignore[misc]

    def __rmatmul__(self, other: Any) -> Any:
        if isinstance(other, TensorBase):
            return np.transpose(product(self.T, np.transpose(other)))  # type: ignore[call-overload]
        return super().__rmatmul__(other)  # type: ignore[misc]

    def __mul__(self, other: Any) -> Any:
        return self @ other if self._multiplies(other) else super().__mul__(other)  # type: ignore[misc]

    def __rmul__(self, other: Any) -> Any:
        return other @ self if self._multiplies(other) else super().__rmul__(other)  # type: ignore[misc]

    def _multiplies(self, other: Any) -> bool:
        """Whether `*` is the product of matrices, as of SciPy's matrices, and not of its arrays."""
        return isinstance(self, scipy.sparse.spmatrix) and isinstance(other, TensorBase) and other._value.ndim > 0

    def dot(self, other: Any) -> Any:
        """The product."""
        return self @ other


_LAYOUTS: Final = ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")
_KINDS: Final[dict[type, type]] = {}


def _kind(theirs: type) -> type:
    """The class of sparse matrices that take Tensors; each of them makes others of such classes."""
    if theirs not in _KINDS:
        _, _, ending = theirs.__name__.partition("_")

        def made(layout: str) -> property:
            return property(lambda _: _kind(getattr(scipy.sparse, f"{layout}_{ending}")))

        others = {f"_{layout}_container": made(layout) for layout in _LAYOUTS}
        _KINDS[theirs] = type(theirs.__name__, (_OnTensors, theirs), others)
    return _KINDS[theirs]


def on_tensors(matrix: Any) -> Any:
    """A copy of a sparse matrix that takes Tensors; it shares the elements."""
    return matrix if isinstance(matrix, _OnTensors) else _kind(type(matrix))(matrix)


def _maker(theirs: Any) -> Any:
    """What makes such matrices in the place of a class of SciPy's."""

    def make(*args: Any, **options: Any) -> Any:
        if has_gradient((*args, *options.values())):
            raise refusal(
                f"scipy.sparse.{theirs.__name__} of elements that a gradient reaches: a sparse matrix holds constants "
                "here. Multiply by its elements, as in np.add.at(y, rows, data * x[columns]), or make it dense"
            )
        return on_tensors(theirs(*plain(args), **plain(options)))

    return make


for _layout in _LAYOUTS:
    for _ending in ("matrix", "array"):
        _theirs = getattr(scipy.sparse, f"{_layout}_{_ending}")
        INSTANCES[_theirs] = on_tensors
        replaces(_theirs)(_maker(_theirs))
