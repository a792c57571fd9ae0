"""Decompositions of matrices.

Those with several outputs are one record whose value holds all of them, on top of each other, and a
composition that takes it apart: one decomposition, and one rule that sees everything.

Sources: Murray, "Differentiation of the Cholesky decomposition" (2016); Giles, "Collected matrix derivative results
for forward and reverse mode algorithmic differentiation" (2008), for eigenvalues; Townsend, "Differentiating the
singular value decomposition" (2016); Walter and Lehmann, "Algorithmic differentiation of linear algebra functions"
(2010), and Seeger et al., "Auto-differentiating linear algebra" (2017), for QR.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.basis.arrays import holds, of_kind
from autograd.core.op import Sample
from autograd.rules.definition import defop, dispatched
from autograd.rules.linalg import transposed
from autograd.rules.samples import normal

TRIANGLE = "only one triangle of the matrix is read, and only there is a gradient"


def _read(g: Any, upper: bool = False) -> Any:
    """From the gradient of a symmetric matrix, that of the triangle that NumPy reads."""
    g = 0.5 * (g + transposed(g))
    return np.triu(g) + np.triu(g, 1) if upper else np.tril(g) + np.tril(g, -1)


def _row(values: Any) -> Any:
    return np.expand_dims(values, -2)


def _inverse_differences(values: Any) -> Any:
    """1 / (values[j] - values[i]), and 0 where they are equal but for rounding."""
    gaps = _row(values) - np.expand_dims(values, -1)
    rounding = np.shape(values)[-1] * np.finfo(values.dtype).eps * np.max(np.abs(values), axis=-1, initial=0)
    equal = np.abs(gaps) <= np.expand_dims(rounding, (-2, -1))
    return np.where(equal, 0, 1 / np.where(equal, 1, gaps))


def _over(vectors: Any, s: Any) -> Any:
    """The columns of `vectors`, each over its singular value; 0 over 0 is 0, since 0 turns nothing."""
    return vectors / np.where((_row(s) == 0) & (vectors == 0), 1, _row(s))


def _positive_definite(*shape: int) -> Sample:
    def sample(rng: np.random.Generator) -> tuple[Any, ...]:
        a = rng.normal(size=shape)
        return (a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1]),)

    return sample


_symmetric_samples = [_positive_definite(3, 3), _positive_definite(2, 4, 4), _positive_definite(1, 1)]


def _cholesky(g: Any, y: Any, a: Any, upper: bool = False) -> Any:
    if upper:
        g, y = transposed(g), transposed(y)
    inner = transposed(y) @ g
    inner = 0.5 * (np.tril(inner) + np.tril(inner, -1))
    half = np.linalg.solve(transposed(y), inner)
    return _read(np.linalg.solve(transposed(y), transposed(half)), upper)


def _not_dasks(a: Any, *, upper: bool = False) -> Any:
    raise TypeError("dask.array.linalg.cholesky gives the upper factor, not the lower one; compute the matrix first")


defop(
    np.linalg.cholesky,
    vjp=_cholesky,
    math=r"\bar a = \operatorname{tri}(y^{-\top} \, \Phi(y^\top \bar y) \, y^{-1}), \quad"
    r" \Phi: \text{ the lower triangle, its diagonal halved}",
    samples=[*_symmetric_samples, lambda rng: (*_positive_definite(3, 3)(rng), {"upper": True})],
    ties=TRIANGLE,
    in_chunks=_not_dasks,
)


# Eigenvalues and eigenvectors


@dispatched
def packed_eigh(a: Any, UPLO: str = "L") -> Any:
    """`np.linalg.eigh` in one array: a row of eigenvalues on top of the eigenvectors.

    >>> packed_eigh(np.diag([1.0, 2.0])).tolist()
    [[1.0, 2.0], [1.0, 0.0], [0.0, 1.0]]
    """
    w, v = np.linalg.eigh(a, UPLO)  # type: ignore[call-overload]
    return np.concatenate((w[..., None, :], v), axis=-2)


def _packed_eigh(g: Any, y: Any, a: Any, UPLO: str = "L") -> Any:
    w, v = y[..., 0, :], y[..., 1:, :]
    turning = transposed(v) @ g[..., 1:, :] * _inverse_differences(w)
    core = np.where(of_kind(np.eye(np.shape(w)[-1], dtype=bool), w), g[..., :1, :], turning)
    return _read(v @ core @ transposed(v), UPLO.upper() == "U")


_EIGH = (
    r"\bar a = \operatorname{tri}(v \, [\operatorname{diag} \bar w + f \odot v^\top \bar v] \, v^\top), \quad"
    r" f_{ij} = 1 / (w_j - w_i), \quad a = v \operatorname{diag}(w) \, v^\top"
)
_EQUAL = "; equal eigenvalues: their eigenvectors do not turn into each other, f is 0"
defop(
    packed_eigh,
    name="packed_eigh",
    label="eigh",
    vjp=_packed_eigh,
    math=_EIGH,
    samples=[*_symmetric_samples, lambda rng: (*_positive_definite(3, 3)(rng), {"UPLO": "U"})],
    ties=TRIANGLE + _EQUAL,
)


@dispatched
def packed_eig(a: Any) -> Any:
    """`np.linalg.eig` in one array, of matrices whose eigenvalues are real: these on top of the eigenvectors.

    >>> packed_eig(np.array([[2.0, 0.0], [0.0, 1.0]])).tolist()
    [[2.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """
    w, v = np.linalg.eig(a)
    if holds(np.any(np.imag(w) != 0)):
        raise TypeError("np.linalg.eig: eigenvalues are complex here, and a Tensor holds real numbers")
    return np.concatenate((w.real[..., None, :], v.real), axis=-2)  # from NumPy 2.5 on they are complex always


def _packed_eig(g: Any, y: Any, a: Any) -> Any:
    w, v = y[..., 0, :], y[..., 1:, :]
    along = transposed(v) @ g[..., 1:, :]
    lengths = _row(np.diagonal(along, axis1=-2, axis2=-1))  # that would change, were they not kept at 1
    turning = (along - transposed(v) @ v * lengths) * _inverse_differences(w)
    core = np.where(of_kind(np.eye(np.shape(w)[-1], dtype=bool), w), g[..., :1, :], turning)
    return np.linalg.solve(transposed(v), core @ transposed(v))


def _real_eigenvalues(rng: np.random.Generator) -> tuple[Any, ...]:
    v = rng.normal(size=(2, 3, 3)) + 2 * np.eye(3)
    return (v @ np.diag([0.5, -1.0, 2.0]) @ np.linalg.inv(v),)


defop(
    packed_eig,
    name="packed_eig",
    label="eig",
    vjp=_packed_eig,
    math=r"\bar a = v^{-\top} \, [\operatorname{diag} \bar w + f \odot (v^\top \bar v - v^\top v \operatorname{diag}"
    r"(v^\top \bar v))] \, v^\top, \quad f_{ij} = 1 / (w_j - w_i), \quad a = v \operatorname{diag}(w) \, v^{-1}",
    samples=[_real_eigenvalues],
    ties="eigenvectors keep the length 1" + _EQUAL,
)


@dispatched
def packed_complex_eig(a: Any) -> Any:
    """`np.linalg.eig` in one array: eigenvalues on top of eigenvectors, in real parts on top of imaginary ones, as `a`.

    >>> packed_complex_eig(np.array([[[0.0, -2.0], [2.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]))[:, 0].round(9).tolist()
    [[0.0, 0.0], [2.0, -2.0]]
    """
    w, v = np.linalg.eig(a[0] + 1j * a[1] if np.any(a[1]) else a[0])
    packed = np.concatenate((w[..., None, :], v), axis=-2)
    return np.stack((packed.real, packed.imag)).astype(a.dtype)


def _packed_complex_eig(g: Any, y: Any, a: Any) -> Any:
    z, bar = y[0] + 1j * y[1], g[0] + 1j * g[1]
    w, v, bar_v = z[..., 0, :], z[..., 1:, :], bar[..., 1:, :]
    n, adjoint = np.shape(w)[-1], np.conjugate(transposed(v))
    along = _row(np.sum(np.conjugate(v) * bar_v, axis=-2))
    sizes = np.where(y[1, ..., 1:, :] == 0, np.abs(y[0, ..., 1:, :]), -1)
    largest = np.expand_dims(np.arange(n), -1) == _row(np.argmax(sizes, axis=-2))  # which LAPACK makes real
    bar_v = bar_v - 1j * np.where(largest, np.imag(along) / np.where(largest, np.real(v), 1), 0)
    lengths = _row(np.sum(np.conjugate(v) * bar_v, axis=-2))  # that would change, were they not kept at 1
    turning = (adjoint @ bar_v - adjoint @ v * lengths) * np.conjugate(_inverse_differences(w))
    core = np.where(np.eye(n, dtype=bool), bar[..., :1, :], turning)
    found = np.linalg.solve(adjoint, core @ adjoint)
    return np.stack((np.real(found), np.imag(found)))


defop(
    packed_complex_eig,
    name="packed_complex_eig",
    label="eig",
    vjp=_packed_complex_eig,
    math=r"\bar a = v^{-*} \, [\operatorname{diag} \bar w + \bar f \odot (v^* p - v^* v \operatorname{diag}(v^* p))]"
    r" \, v^*, \quad p = \bar v - i e \operatorname{diag}(\operatorname{Im} v^* \bar v) / v, \quad e_{kj}:"
    r" \text{ 1 where } v_{kj} \text{ is the largest}, \quad f_{ij} = 1 / (w_j - w_i), \quad a ="
    r" v \operatorname{diag}(w) \, v^{-1}",
    samples=[lambda rng: (rng.normal(size=(2, 3, 3)),), lambda rng: (rng.normal(size=(2, 2, 4, 4)),)],
    ties="eigenvectors keep the length 1, and their largest component is real" + _EQUAL,
)


# Singular values


@dispatched
def packed_svd(a: Any) -> Any:
    """`np.linalg.svd` in one array, u on top of the row of singular values on top of v.

    >>> packed_svd(np.array([[2.0]])).tolist()
    [[1.0], [2.0], [1.0]]
    """
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate((u, s[..., None, :], np.swapaxes(vh, -1, -2)), axis=-2)


def _packed_svd(g: Any, y: Any, a: Any) -> Any:
    m, n = np.shape(a)[-2:]
    u, s, v = y[..., :m, :], y[..., m, :], y[..., m + 1 :, :]
    gu, gs, gv = g[..., :m, :], g[..., m : m + 1, :], g[..., m + 1 :, :]
    to_u, to_v = transposed(u) @ gu, transposed(v) @ gv
    turn_u, turn_v = to_u - transposed(to_u), to_v - transposed(to_v)
    sums = _row(s) + np.expand_dims(s, -1)
    apart, together = turn_u - turn_v, turn_u + turn_v  # vectors of equal s turn as one at will, and apart as a says
    turning = 0.5 * (together * _inverse_differences(s) + apart / np.where(sums == 0, np.inf, sums))
    core = u @ np.where(of_kind(np.eye(min(m, n), dtype=bool), s), gs, turning)
    if m > n:  # what lies outside the columns of u
        core = core + _over(gu - u @ to_u, s)
    result = core @ transposed(v)
    return result + u @ transposed(_over(gv - v @ to_v, s)) if n > m else result


_SVD = (
    r"\bar a = u c v^\top + (I - u u^\top) \, \bar u s^{-1} v^\top + u s^{-1} \bar v^\top (I - v v^\top), \quad"
    r" c = \operatorname{diag} \bar s + \tfrac12 [f \odot (p + q) + h \odot (p - q)], \quad"
    r" p = u^\top \bar u - \bar u^\top u, \quad q = v^\top \bar v - \bar v^\top v, \quad"
    r" f_{ij} = 1 / (s_j - s_i), \quad h_{ij} = 1 / (s_j + s_i), \quad a = u s v^\top"
)
_shapes: list[Sample] = [normal((3, 3)), normal((4, 2)), normal((2, 2, 3)), normal((1, 1))]
_EQUAL = "equal singular values: their u and v turn into each other in opposite directions only, f is 0"
defop(packed_svd, name="packed_svd", label="svd", vjp=_packed_svd, math=_SVD, samples=_shapes, ties=_EQUAL)


# Orthogonal and triangular


@dispatched
def packed_qr(a: Any) -> Any:
    """`np.linalg.qr` of a matrix with no more columns than rows in one array, q on top of r.

    >>> packed_qr(np.array([[-2.0]])).tolist()
    [[1.0], [-2.0]]
    """
    q, r = np.linalg.qr(a)
    return np.concatenate((q, r), axis=-2)


def _packed_qr(g: Any, y: Any, a: Any) -> Any:
    m = np.shape(a)[-2]
    q, r = y[..., :m, :], y[..., m:, :]
    gq, gr = g[..., :m, :], g[..., m:, :]
    lower = r @ transposed(gr) - transposed(gq) @ q
    inner = np.tril(lower) + transposed(np.tril(lower, -1))
    return transposed(np.linalg.solve(r, transposed(gq + q @ inner)))


_QR = (
    r"\bar a = (\bar q + q \operatorname{copyltu}(r \bar r^\top - \bar q^\top q)) \, r^{-\top}, \quad a = q r, \quad"
    r" \operatorname{copyltu}: \text{ the lower triangle, mirrored}"
)
defop(
    packed_qr,
    name="packed_qr",
    label="qr",
    vjp=_packed_qr,
    math=_QR,
    samples=[normal((3, 3)), normal((2, 4, 2))],
    ties="the columns count as independent",
)
