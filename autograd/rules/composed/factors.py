"""Decompositions of `np.linalg`, taken out of the records that hold all of their outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import holds
from autograd.core.op import lookup, plain
from autograd.rules.composed.complex_linalg import complex_eig
from autograd.rules.decompositions import TRIANGLE, packed_eig, packed_eigh, packed_qr, packed_svd
from autograd.rules.definition import defcomposite
from autograd.rules.linalg import transposed
from autograd.rules.samples import normal

EigResult: Any = type(np.linalg.eig(np.eye(1)))
EighResult: Any = type(np.linalg.eigh(np.eye(1)))
QRResult: Any = type(np.linalg.qr(np.eye(1)))
SVDResult: Any = type(np.linalg.svd(np.eye(1)))
_EIG, _EIGH, _SVD, _QR = map(lookup, (packed_eig, packed_eigh, packed_svd, packed_qr))


def _eigh(a: Any, UPLO: str = "L") -> Any:
    packed = packed_eigh(a, UPLO)
    return EighResult(packed[..., 0, :], packed[..., 1:, :])


defcomposite(np.linalg.eigh, _eigh, math=_EIGH.math[0], samples=_EIGH.samples, ties=_EIGH.ties)
defcomposite(
    np.linalg.eigvalsh,
    lambda a, UPLO="L": packed_eigh(a, UPLO)[..., 0, :],
    math=r"\bar a = \operatorname{tri}(v \operatorname{diag}(\bar y) \, v^\top), \quad"
    r" a = v \operatorname{diag}(y) \, v^\top",
    samples=_EIGH.samples,
    ties=TRIANGLE,
)


def _turns(a: Any) -> bool:
    """Whether some eigenvalues are complex."""
    return holds(np.any(np.imag(np.linalg.eigvals(plain(a))) != 0))


def _eig(a: Any) -> Any:
    if _turns(a):
        return complex_eig(a)
    packed = packed_eig(a)
    return EigResult(packed[..., 0, :], packed[..., 1:, :])


defcomposite(np.linalg.eig, _eig, math=_EIG.math[0], samples=_EIG.samples, ties=_EIG.ties)
defcomposite(
    np.linalg.eigvals,
    lambda a: complex_eig(a).eigenvalues if _turns(a) else packed_eig(a)[..., 0, :],
    math=r"\bar a = v^{-\top} \operatorname{diag}(\bar y) \, v^\top, \quad a = v \operatorname{diag}(y) \, v^{-1}",
    samples=_EIG.samples,
    ties="of equal eigenvalues, those that belong to the eigenvectors that NumPy gives",
)


def _roots(p: Any) -> Any:
    """The eigenvalues of the companion matrix."""
    if np.ndim(p) != 1 or not p[0] or not p[-1]:
        raise ValueError("of coefficients along one axis, the first and the last of which are not 0")
    if len(p) == 1:  # a number has no roots
        return np.zeros(0)
    below = np.eye(len(p) - 2, len(p) - 1, dtype=p.dtype)
    return np.linalg.eigvals(np.concatenate((-np.expand_dims(p[1:] / p[0], 0), below)))


defcomposite(
    np.roots,
    _roots,
    math=r"\bar p_k = -\sum_i \bar y_i \, y_i^{n - k} / p'(y_i)",
    samples=[lambda rng: (np.array([2.0, -1.0, -4.0, 1.0]),)],
)


def reflected(a: Any, v: Any) -> Any:
    length = np.sum(v * v, axis=-2, keepdims=True)
    return a - v @ (2 * (transposed(v) @ a) / np.where(length == 0, 1, length))


def mirror(x: Any, k: int) -> Any:
    """What is orthogonal to the mirror in which a column falls on its first k + 1 axes; 0 if it lies there."""
    length = np.linalg.norm(x[..., k:, :], axis=-2, keepdims=True)
    head = x[..., k : k + 1, :] + np.where(x[..., k : k + 1, :] < 0, -length, length)
    v = np.concatenate((np.zeros_like(x[..., :k, :]), head, x[..., k + 1 :, :]), axis=-2)
    return v * np.any(x[..., k + 1 :, :] != 0, axis=-2, keepdims=True)


def _complement(a: Any, both_sides: bool = False) -> Any:
    """The columns that complete those of `a` to an orthonormal basis, of the many that would: LAPACK's, by the
    reflections which bring `a` to a triangle, or to two diagonals by those of its rows in between (Golub and Van Loan,
    "Matrix computations", 5.2 and 5.4)."""
    m, n = np.shape(a)[-2:]
    mirrors = []
    for k in range(n):
        mirrors.append(mirror(a[..., k : k + 1], k))
        a = reflected(a, mirrors[-1])
        if both_sides and k < n - 2:
            rows = transposed(a)
            a = transposed(reflected(rows, mirror(rows[..., k : k + 1], k + 1)))
    rest = np.eye(m, dtype=a.dtype)[:, n:]
    for v in reversed(mirrors):
        rest = reflected(rest, v)
    return rest


def _svd_of_symmetric(a: Any, compute_uv: bool) -> Any:
    """The eigenvalues by their sizes, and the eigenvectors, once with the signs."""
    w, v = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(w)), -1)
    w = np.take_along_axis(w, order, -1)
    if not compute_uv:
        return np.abs(w)
    u = np.take_along_axis(v, np.expand_dims(order, -2), -1)
    return SVDResult(u, np.abs(w), transposed(u * np.expand_dims(np.sign(w), -2)))


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:
        return _svd_of_symmetric(a, compute_uv)
    m, n = np.shape(a)[-2:]
    packed = packed_svd(a)
    if not compute_uv:
        return packed[..., m, :]
    u, v = packed[..., :m, :], packed[..., m + 1 :, :]
    if full_matrices and m != n:
        tall = a if m > n else transposed(a)
        rest = _complement(tall, both_sides=max(m, n) < int(min(m, n) * 11 / 6))  # else LAPACK begins with QR
        u, v = (np.concatenate((u, rest), axis=-1), v) if m > n else (u, np.concatenate((v, rest), axis=-1))
    return SVDResult(u, packed[..., m, :], transposed(v))


defcomposite(
    np.linalg.svd,
    _svd,
    math=_SVD.math[0],
    samples=[
        normal((3, 3)),
        normal((4, 3)),
        lambda rng: (rng.normal(size=(4, 2)), False),
        normal((2, 2, 3)),
        normal((2, 3), compute_uv=False),
        normal((2, 3, 3), hermitian=True),
        normal((3, 3), hermitian=True, compute_uv=False),
    ],
    ties=_SVD.ties + "; hermitian: as of eigh, of the lower triangle",
)
defcomposite(
    np.linalg.svdvals,
    lambda x: np.linalg.svd(x, compute_uv=False),
    math=r"\bar x = u \operatorname{diag}(\bar y) \, v^\top, \quad x = u \operatorname{diag}(y) \, v^\top",
    samples=_SVD.samples,
    ties="a singular value 0: the gradient is one of the subgradients",
)


def _qr(a: Any, mode: str = "reduced") -> Any:
    m, n = np.shape(a)[-2:]
    if mode not in ("reduced", "complete", "r"):
        raise TypeError(f"np.linalg.qr: no derivative rule covers mode {mode!r}; 'reduced', 'complete' and 'r' are")
    packed = packed_qr(a if m >= n else a[..., :m])
    q, r = packed[..., :m, :], packed[..., m:, :]
    if m < n:
        r = np.concatenate((r, transposed(q) @ a[..., m:]), axis=-1)
    if mode == "complete" and m > n:
        q = np.concatenate((q, _complement(q)), axis=-1)
        r = np.concatenate((r, np.zeros_like(r[..., :1, :] * np.ones((m - n, 1), r.dtype))), axis=-2)
    return r if mode == "r" else QRResult(q, r)


defcomposite(
    np.linalg.qr,
    _qr,
    math=_QR.math[0],
    samples=[
        lambda rng: (rng.normal(size=(3, 3)), "complete"),
        normal((2, 4, 2)),
        normal((2, 2, 3)),
        normal((4, 3), mode="r"),
    ],
    ties="the columns, of a wide matrix the first ones, count as independent (Walter and Lehmann, 2010)",
)
