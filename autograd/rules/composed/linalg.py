"""Functions of `np.linalg`, and others of matrices, that are made of records."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd.basis.arrays import holds
from autograd.core.op import lookup, plain, stack_nested
from autograd.rules.composed.complex_functions import by_squares
from autograd.rules.composed.complex_linalg import complex_eig
from autograd.rules.decompositions import TRIANGLE, packed_eig, packed_eigh, packed_qr, packed_svd
from autograd.rules.definition import defcomposite
from autograd.rules.linalg import packed_slogdet, regular, transposed
from autograd.rules.samples import normal

# Products


def _kron(a: Any, b: Any) -> Any:
    """Every element of `a` times the whole of `b`: the axes of both in turn, and each pair joined."""
    rank = max(np.ndim(a), np.ndim(b))
    shape_a = (1,) * (rank - np.ndim(a)) + np.shape(a)
    shape_b = (1,) * (rank - np.ndim(b)) + np.shape(b)
    blocks = np.reshape(a, [k for n in shape_a for k in (n, 1)])
    block = np.reshape(b, [k for n in shape_b for k in (1, n)])
    return np.reshape(blocks * block, [n * m for n, m in zip(shape_a, shape_b, strict=True)])


defcomposite(
    np.kron,
    _kron,
    math=r"\bar a_{ij} = \sum_{kl} \bar y_{ij,kl} \, b_{kl}, \quad"
    r" \bar b_{kl} = \sum_{ij} \bar y_{ij,kl} \, a_{ij}",
    samples=[normal((2, 3), (3, 2)), normal(3, (2, 2)), normal((2, 1, 3), 2), normal((), 2)],
)


def _matrix_power(a: Any, n: int) -> Any:
    n = operator.index(n)
    if np.ndim(a) < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("the last two axes must be of the same length")
    if n == 0:
        return np.where(True, np.broadcast_to(np.eye(np.shape(a)[-1], dtype=a.dtype), np.shape(a)), a)
    return by_squares(np.linalg.inv(a) if n < 0 else a, abs(n), np.matmul)


defcomposite(
    np.linalg.matrix_power,
    _matrix_power,
    math=r"\bar a = \sum_{k=0}^{n-1} (a^\top)^k \, \bar y \, (a^\top)^{n-1-k}",
    samples=[
        lambda rng: (rng.normal(size=(3, 3)), 5),
        lambda rng: (rng.normal(size=(2, 3, 3)), 2),
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), -3),
        lambda rng: (rng.normal(size=(3, 3)), 1),
        lambda rng: (rng.normal(size=(3, 3)), 0),
    ],
)


def _linalg_outer(x1: Any, x2: Any) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError("np.linalg.outer: the operands are vectors; np.outer ravels others")
    return np.outer(x1, x2)


defcomposite(
    np.linalg.matmul,
    lambda x1, x2: np.matmul(x1, x2),
    math=r"\bar x_1 = \bar y \, x_2^\top, \quad \bar x_2 = x_1^\top \, \bar y",
    samples=[normal((2, 3, 4), (4, 5))],
)
defcomposite(
    np.linalg.tensordot,
    lambda x1, x2, *, axes=2: np.tensordot(x1, x2, axes),
    math=r"\bar x_1 = \operatorname{tensordot}(\bar y, x_2), \quad \bar x_2 = \operatorname{tensordot}(x_1, \bar y)",
    samples=[normal((2, 3, 4), (4, 2, 5), axes=((2, 0), (0, 1)))],
)
defcomposite(
    np.linalg.vecdot,
    lambda x1, x2, *, axis=-1: np.vecdot(x1, x2, axis=axis),  # type: ignore[call-overload]
    math=r"\bar x_{1,i} = \bar y \, x_{2,i}, \quad \bar x_{2,i} = \bar y \, x_{1,i}",
    samples=[normal((3, 2), (3, 2), axis=0)],
)
defcomposite(
    np.linalg.cross,
    lambda x1, x2, *, axis=-1: np.cross(x1, x2, axis=axis),
    math=r"\bar x_1 = x_2 \times \bar y, \quad \bar x_2 = \bar y \times x_1",
    samples=[normal((3, 2), (3, 2), axis=0)],
)
defcomposite(
    np.linalg.outer,
    _linalg_outer,
    math=r"\bar x_1 = \bar y \, x_2, \quad \bar x_2 = \bar y^\top x_1",
    samples=[normal(3, 4)],
)


# Equations and determinants

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def _tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of `a` as a matrix that takes its last axes, all but `ind`, to its first ones."""
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv: ind is positive, not {ind}")
    rows, columns = np.shape(a)[:ind], np.shape(a)[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(columns), -1))), (*columns, *rows))


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """x with tensordot(a, x) = b: the last axes of `a` are those of x, and count as columns of a matrix."""
    if axes is not None:
        a = np.moveaxis(a, axes, range(-len(axes), 0))
    shape = np.shape(a)[-(np.ndim(a) - np.ndim(b)) :]
    matrix = np.reshape(a, (math.prod(shape),) * 2)
    return np.reshape(np.linalg.solve(matrix, np.ravel(b)), shape)


def _lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    """By the pseudoinverse; the squared residuals only where the rank is full, as NumPy has it."""
    rows, columns = np.shape(a)
    a = stack_nested(a).astype(np.result_type(a, b, np.float32))
    if rcond is None:
        rcond = float(np.finfo(np.result_type(a)).eps) * max(rows, columns)
    s = np.linalg.svd(a, compute_uv=False)
    rank = np.intc(np.count_nonzero(s > rcond * s[:1]))
    x = np.matmul(np.linalg.pinv(a, rcond), b)
    if rank < columns or rows <= columns:
        return x, np.zeros(0, x.dtype), rank, s
    return x, np.sum(np.reshape(b - np.matmul(a, x), (rows, -1)) ** 2, axis=0), rank, s


defcomposite(
    np.linalg.tensorinv,
    _tensorinv,
    math=r"\bar a = -y^\top \, \bar y \, y^\top",
    samples=[normal((2, 3, 6), ind=2), lambda rng: (rng.normal(size=(4, 2, 2)), 1)],
)
defcomposite(
    np.linalg.tensorsolve,
    _tensorsolve,
    math=r"\bar a = -\bar b \, y^\top, \quad \bar b = a^{-\top} \, \bar y",
    samples=[normal((2, 3, 6), (2, 3)), normal((2, 6, 3), (2, 3), axes=(1,))],
)
defcomposite(
    np.linalg.lstsq,
    _lstsq,
    math=r"\bar b = a^{+\top} \, \bar y, \quad \bar a = (b - a y) \, (a^+ \bar b)^\top - \bar b \, y^\top",
    samples=[normal((5, 3), 5), normal((5, 3), (5, 2), rcond=1e-12), normal((3, 3), 3)],
    ties="the rank counts as constant",
)


def _slogdet(a: Any) -> Any:
    packed = packed_slogdet(a)
    return SlogdetResult(packed[..., 0], packed[..., 1])


defcomposite(
    np.linalg.slogdet,
    _slogdet,
    math=r"\bar a = \bar y_2 \, a^{-\top}, \quad y_2 = \log |\det a|",
    samples=lookup(packed_slogdet).samples,
    ties="the sign has a zero gradient",
)


def _cond(x: Any, p: Any = None) -> Any:
    if p is None or p in (2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        first, last = (-1, 0) if p == -2 else (0, -1)
        with np.errstate(all="ignore"):
            return s[..., first] / s[..., last]
    axes = (-2, -1)
    return np.linalg.norm(x, p, axes) * np.linalg.norm(np.linalg.inv(x), p, axes)


defcomposite(
    np.linalg.cond,
    _cond,
    math=r"\bar x = \bar y \, (\|x^{-1}\| \, \partial \|x\| / \partial x"
    r" + \|x\| \, \partial \|x^{-1}\| / \partial x)",
    samples=[
        regular(3, 3),
        lambda rng: (rng.normal(size=(2, 4, 3)), -2),
        lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), 1),
        lambda rng: (rng.normal(size=(2, 3, 3)) + 3 * np.eye(3), {"p": "fro"}),
    ],
    ties="of singular values that tie, one counts as the largest or the smallest; columns and rows share equally",
)


# Decompositions

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


def _svd_of_symmetric(a: Any, compute_uv: bool) -> Any:
    """The eigenvalues by their sizes, and the eigenvectors, once with the signs."""
    w, v = np.linalg.eigh(a)
    order = np.flip(np.argsort(np.abs(w)), -1)
    w = np.take_along_axis(w, order, -1)
    if not compute_uv:
        return np.abs(w)
    u = np.take_along_axis(v, np.expand_dims(order, -2), -1)
    return SVDResult(u, np.abs(w), transposed(u * np.expand_dims(np.sign(w), -2)))


def _completed(q: Any, whole: Any) -> Any:
    """Orthonormal columns, and those that `whole` has beside them: any that are orthogonal would do, so that these
    follow `q` by what is left of them once their part in its space is taken away."""
    rest = whole[..., np.shape(q)[-1] :]
    packed = packed_qr(rest - q @ (transposed(q) @ rest))
    rest, r = packed[..., : np.shape(q)[-2], :], packed[..., np.shape(q)[-2] :, :]
    return np.concatenate((q, rest * np.expand_dims(np.sign(np.diagonal(r, axis1=-2, axis2=-1)), -2)), axis=-1)


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:
        return _svd_of_symmetric(a, compute_uv)
    m, n = np.shape(a)[-2:]
    packed = packed_svd(a)
    if not compute_uv:
        return packed[..., m, :]
    u, v = packed[..., :m, :], packed[..., m + 1 :, :]
    if full_matrices and m != n:
        theirs = np.linalg.svd(plain(a))
        u = _completed(u, theirs.U) if m > n else u
        v = _completed(v, transposed(theirs.Vh)) if n > m else v
    return SVDResult(u, packed[..., m, :], transposed(v))


defcomposite(
    np.linalg.svd,
    _svd,
    math=_SVD.math[0],
    samples=[
        normal((3, 3)),
        lambda rng: (rng.normal(size=(4, 2)), False),
        normal((2, 2, 3), full_matrices=False),
        normal((2, 3), compute_uv=False),
        normal((2, 3, 3), hermitian=True),
        normal((3, 3), hermitian=True, compute_uv=False),
    ],
    ties=_SVD.ties + "; hermitian: as of eigh, of the lower triangle; the vectors that full matrices have besides: "
    "those of the recording, turned as little as stays orthogonal",
)
defcomposite(
    np.linalg.svdvals,
    lambda x: np.linalg.svd(x, compute_uv=False),
    math=r"\bar x = u \operatorname{diag}(\bar y) \, v^\top, \quad x = u \operatorname{diag}(y) \, v^\top",
    samples=_SVD.samples,
    ties="a singular value 0: the gradient is one of the subgradients",
)


def _reflected(a: Any, v: Any) -> Any:
    return a - v @ (2 * (transposed(v) @ a) / np.sum(v * v, axis=-2, keepdims=True))


def _complement(q: Any) -> Any:
    """The columns that complete `q`, of the many that would: LAPACK's, by the reflections which bring `q` to its first
    axes, one column after the other (Golub and Van Loan, "Matrix computations", 5.2)."""
    m, n = np.shape(q)[-2:]
    normals: list[Any] = []
    for k in range(n):
        x = q[..., k : k + 1]
        for v in normals:
            x = _reflected(x, v)
        length = np.linalg.norm(x[..., k:, :], axis=-2, keepdims=True)
        head = x[..., k : k + 1, :] + np.where(x[..., k : k + 1, :] < 0, -length, length)
        normals.append(np.concatenate((np.zeros_like(x[..., :k, :]), head, x[..., k + 1 :, :]), axis=-2))
    rest = np.eye(m, dtype=q.dtype)[:, n:]
    for v in reversed(normals):
        rest = _reflected(rest, v)
    return rest


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


# Norms


def _vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of what stands along all of `axis`, which is brought to one axis at the end."""
    rank = np.ndim(x)
    axes = normalize_axis_tuple(range(rank) if axis is None else axis, rank)
    shape = np.shape(x)
    kept = [n for i, n in enumerate(shape) if i not in axes]
    flat = np.reshape(np.moveaxis(x, axes, range(-len(axes), 0)), (*kept, math.prod(shape[i] for i in axes)))
    y = np.linalg.norm(flat, ord, -1)
    return np.expand_dims(y, axes) if keepdims else y


defcomposite(
    np.linalg.vector_norm,
    _vector_norm,
    math=r"\bar x = \bar y \, \operatorname{sign} x \odot (|x| / y)^{p-1}",
    samples=[
        normal((2, 3)),
        normal((2, 3), axis=-1, ord=3, keepdims=True),
        normal((2, 3, 4), axis=(2, 0), ord=1, keepdims=True),
        normal((2, 3, 4, 2), axis=(0, 1, 3)),
        normal(()),
    ],
    ties="0 at 0, and elements that tie share the gradient equally",
)
defcomposite(
    np.linalg.matrix_norm,
    lambda x, *, keepdims=False, ord="fro": np.linalg.norm(x, ord, (-2, -1), keepdims),
    math=r"\bar x = \bar y \, x / y",
    samples=[normal((2, 3, 4)), normal((2, 3, 4), ord="nuc", keepdims=True)],
    ties="0 at 0, and columns or singular values that tie share the gradient equally",
)

# Diagonals

defcomposite(
    np.diagflat,
    lambda v, k=0: np.diag(np.ravel(v), k),
    math=r"\bar v = \operatorname{diag}(\bar y)",
    samples=[normal((2, 2)), lambda rng: (rng.normal(), 1)],
)
defcomposite(
    np.linalg.diagonal,
    lambda x, *, offset=0: np.diagonal(x, offset, -2, -1),
    math=r"\bar x_{ij} = \bar y_{\min(i, j)} \, 1[j = i + k]",
    samples=[normal((2, 3, 4), offset=1)],
)
defcomposite(
    np.linalg.trace,
    lambda x, *, offset=0, dtype=None: np.trace(x, offset, -2, -1, dtype),
    math=r"\bar x_{ij} = \bar y \, 1[j = i + k]",
    samples=[normal((2, 3, 4), offset=1)],
)
