"""Matrices of complex numbers: as real ones of twice the size, where these give the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.rules.composed.complex import TABLE, Complex, as_complex, implements, without_tensors
from autograd.rules.decompositions import packed_complex_eig


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    axes = tuple(range(x.ndim)) if axis is None else axis
    if ord not in (2, -2, "nuc") or type(axes) is not tuple or len(axes) != 2:
        return np.linalg.norm(np.abs(x), ord, axis, keepdims)
    value = np.linalg.norm(
        _as_real(np.moveaxis(x, axes, (-2, -1))), ord, (-2, -1)
    )  # which has each singular value twice
    value = value / 2 if ord == "nuc" else value
    return np.expand_dims(value, axes) if keepdims else value


def _as_real(a: Complex) -> Any:
    """The real matrix, of twice the size, that multiplies parts as `a` multiplies numbers."""
    top = np.concatenate((a.real, -a.imag), axis=-1)
    return np.concatenate((top, np.concatenate((a.imag, a.real), axis=-1)), axis=-2)


@implements(np.linalg.solve)
def _solve(a: Any, b: Any) -> Complex:
    a, b = as_complex(a), as_complex(b)
    vector = b.ndim == 1
    right = np.concatenate((b.real, b.imag), axis=0 if vector else -2)
    found, n = np.linalg.solve(_as_real(a), right), np.shape(a)[-1]
    return Complex(found[:n], found[n:]) if vector else Complex(found[..., :n, :], found[..., n:, :])


TABLE[np.linalg.inv] = lambda a: _solve(a, np.broadcast_to(np.eye(np.shape(a)[-1]), np.shape(a)))
TABLE.update({np.linalg.matmul: np.matmul, np.linalg.outer: np.outer, np.linalg.tensordot: np.tensordot})
TABLE[np.vecdot] = lambda a, b, axis=-1: np.sum(np.conjugate(as_complex(a)) * as_complex(b), axis=axis)


def _of_real(fn: Any) -> Any:
    """A function of matrices that gives, of a real matrix which multiplies parts, another one that does."""

    def of(a: Any, *args: Any, **kwargs: Any) -> Complex:
        found = fn(_as_real(as_complex(a)), *args, **kwargs)
        rows, columns = np.shape(found)[-2] // 2, np.shape(found)[-1] // 2
        return Complex(found[..., :rows, :columns], found[..., rows:, :columns])

    return of


TABLE[np.linalg.pinv] = _of_real(np.linalg.pinv)


@implements(np.linalg.svdvals)
def _svdvals(a: Any) -> Any:
    return np.linalg.svd(_as_real(a), compute_uv=False)[..., ::2]  # each is there twice


@implements(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """With NumPy's phases, as `eigh`: u and v of one singular value turn together at will, and apart as `a` says."""
    if not compute_uv:
        return _svdvals(a)
    m, n = np.shape(a)[-2:]
    if hermitian or (full_matrices and m != n):
        raise TypeError("np.linalg.svd of complex numbers: pass full_matrices=False, without hermitian=True")
    real, theirs = np.linalg.svd(_as_real(a), full_matrices=False), np.linalg.svd(without_tensors(a), False)
    u = Complex(real.U[..., :m, ::2], real.U[..., m:, ::2])
    v = Complex(real.Vh[..., ::2, :n], -real.Vh[..., ::2, n:])  # conjugated, as in theirs
    phases = _phases(u, theirs.U, "svd")
    turned = np.conjugate(np.swapaxes(phases, -1, -2))
    return type(theirs)(u * phases, real.S[..., ::2], v * turned)


def _phases(found: Complex, theirs: Any, name: str) -> Any:
    """What turns the columns that were found into NumPy's: constants."""
    phases = np.sum(np.conjugate(without_tensors(found)) * theirs, axis=-2, keepdims=True)
    if not np.allclose(np.abs(phases), 1):
        raise TypeError(f"np.linalg.{name} of complex numbers: of equal values the vectors have no derivative")
    return phases


def _hermitian(a: Any, UPLO: str) -> Complex:
    """The Hermitian matrix of which one triangle is read."""
    half = a if UPLO.upper() == "L" else np.conjugate(np.swapaxes(a, -1, -2))
    real, imag = np.tril(half.real), np.tril(half.imag, -1)
    return Complex(real + np.swapaxes(np.tril(real, -1), -1, -2), imag - np.swapaxes(imag, -1, -2))


@implements(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return np.linalg.eigvalsh(_as_real(_hermitian(a, UPLO)))[..., ::2]


@implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    """With NumPy's phases, which are constants here: what hangs on them is no function of the matrix."""
    n = np.shape(a)[-1]
    values, vectors = np.linalg.eigh(_as_real(_hermitian(a, UPLO)))
    found = Complex(vectors[..., :n, ::2], vectors[..., n:, ::2])
    theirs = np.linalg.eigh(without_tensors(a), UPLO)  # type: ignore[call-overload]
    return type(theirs)(values[..., ::2], found * _phases(found, theirs.eigenvectors, "eigh"))


@implements(np.linalg.eig)
def complex_eig(a: Any) -> Any:
    """Eigenvalues and eigenvectors, which may be complex."""
    a = as_complex(a)
    packed = packed_complex_eig(np.stack((a.real, a.imag)))
    found = Complex(packed[0], packed[1])
    return type(np.linalg.eig(np.eye(1)))(found[..., 0, :], found[..., 1:, :])


TABLE[np.linalg.eigvals] = lambda a: complex_eig(a).eigenvalues


def _pivots(a: Any) -> Any:
    """Whose product is the determinant, by elimination: each is the largest element that is left."""
    pivots = []
    while len(a):
        sizes = np.abs(without_tensors(a))
        k, l = np.unravel_index(np.argmax(sizes), sizes.shape)
        pivots.append(a[k, l] * (-1.0) ** (k + l))
        rows, columns = np.delete(np.arange(len(a)), k), np.delete(np.arange(len(a)), l)
        rest = a[rows][:, columns]
        a = rest - np.outer(a[rows, l], a[k, columns]) / a[k, l] if sizes[k, l] else rest
    return np.stack(pivots)


def _of_pivots(fn: Any) -> Any:
    def of(a: Any) -> Any:
        shape = np.shape(a)
        found = [fn(_pivots(matrix)) for matrix in np.reshape(as_complex(a), (-1, *shape[-2:]))]
        return np.reshape(np.stack(found), shape[:-2])

    return of


TABLE[np.linalg.det] = _of_pivots(np.prod)


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    sign = _of_pivots(lambda pivots: np.prod(pivots / np.abs(pivots)))(a)
    size = _of_pivots(lambda pivots: np.sum(np.log(np.abs(pivots))))(a)
    return type(np.linalg.slogdet(np.eye(1)))(sign, size)


@implements(np.cov)
def _cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> Any:
    x = np.atleast_2d(as_complex(m))
    x = x if rowvar or np.ndim(m) == 1 else x.T
    if y is not None:
        y = np.atleast_2d(as_complex(y))
        x = np.concatenate([x, y if rowvar or len(y) == 1 else y.T])
    x = x - np.mean(x, axis=1, keepdims=True)
    ddof = ddof if ddof is not None else 0 if bias else 1
    return np.squeeze(x @ np.conjugate(x.T) / (np.shape(x)[1] - ddof))
