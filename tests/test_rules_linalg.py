"""Linear algebra: singular and degenerate matrices, conventions, PyTorch."""

from __future__ import annotations

from typing import Any

import installed
import numpy as np
import pytest

from autograd import Tensor
from autograd.rules.decompositions import packed_eig
from autograd.testing import gradcheck

RNG = np.random.default_rng(0)
SQUARE = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
TALL = RNG.normal(size=(4, 3))
POSITIVE = SQUARE @ SQUARE.T
SINGULAR = np.arange(1.0, 10.0).reshape(3, 3)


def symmetric(t: Any) -> Any:
    return (t + np.swapaxes(t, -1, -2)) / 2


def gradient(fn: Any, a: Any) -> Any:
    t = Tensor(a, requires_grad=True)
    fn(t).backward()
    return t.grad


# Determinants


@pytest.mark.parametrize(
    "a",
    [
        SINGULAR,  # its computed determinant is not quite 0
        np.ones((4, 4)),
        np.zeros((2, 2)),
        np.zeros((3, 3)),
        np.diag([1.0, 0.0, 0.0]),
        np.stack([np.eye(3), SINGULAR, np.zeros((3, 3))]),
        np.array([[0.0]]),
    ],
)
def test_determinant_of_singular_matrices_to_second_order(a: Any) -> None:
    assert gradcheck(np.linalg.det, [a], order=2)


def test_determinant_of_singular_float32() -> None:
    t = Tensor(SINGULAR.astype(np.float32), requires_grad=True)
    np.linalg.det(t).backward()
    assert t.grad.dtype == np.float32
    np.testing.assert_allclose(t.grad, [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]], rtol=1e-4)


def test_logarithm_of_a_determinant() -> None:
    t = Tensor(-SQUARE, requires_grad=True)
    result = np.linalg.slogdet(t)
    assert type(result) is type(np.linalg.slogdet(SQUARE))
    assert result.sign.data == -1
    result.logabsdet.backward()
    np.testing.assert_allclose(t.grad, -np.linalg.inv(SQUARE).T, rtol=1e-12)


def test_logarithm_of_a_singular_matrix_that_is_not_used() -> None:
    batch = np.stack([SQUARE, np.zeros((3, 3))])
    grad = gradient(lambda t: np.sum(np.where([True, False], np.linalg.slogdet(t).logabsdet, 0)), batch)
    np.testing.assert_allclose(grad, [np.linalg.inv(SQUARE).T, np.zeros((3, 3))], rtol=1e-12)


# Norms


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 1.5, 0.5, np.inf, -np.inf, -1, 0])
def test_norm_of_a_zero_vector(ord: Any) -> None:
    t = Tensor(np.zeros(3), requires_grad=True)
    with np.errstate(all="ignore"):
        np.linalg.norm(t, ord).backward(create_graph=True)
        np.testing.assert_array_equal(t.grad.data, 0)
        if t.grad.requires_grad:
            first, t.grad = t.grad, None
            np.sum(first).backward()
            assert t.grad is None or np.all(np.isfinite(t.grad))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norm_of_a_zero_matrix(ord: Any) -> None:
    np.testing.assert_array_equal(gradient(lambda t: np.linalg.norm(t, ord), np.zeros((3, 2))), 0)


@pytest.mark.parametrize("ord", [3, 1.5, 0.5])
def test_norm_of_a_vector_with_a_zero(ord: float) -> None:
    grad = gradient(lambda t: np.linalg.norm(t, ord), np.array([0.0, 3.0]))
    np.testing.assert_allclose(grad, [0, 1], rtol=1e-14)


def test_norms_share_ties() -> None:
    np.testing.assert_array_equal(
        gradient(lambda t: np.linalg.norm(t, np.inf), np.array([-2.0, 2.0, 1.0])), [-0.5, 0.5, 0]
    )
    np.testing.assert_array_equal(
        gradient(lambda t: np.linalg.norm(t, 1), np.array([[1.0, -1.0], [1.0, 1.0]])),
        [[0.5, -0.5], [0.5, 0.5]],
    )
    np.testing.assert_allclose(gradient(lambda t: np.linalg.norm(t, 2), np.eye(3)), np.eye(3) / 3)


def test_norm_orders_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match=r"np\.linalg\.norm"):
        np.linalg.norm(Tensor(TALL), 7)


# Symmetric matrices


def test_the_gradient_of_an_eigenvalue_is_the_textbooks() -> None:
    vectors = np.linalg.eigh(POSITIVE).eigenvectors
    grad = gradient(lambda t: np.linalg.eigvalsh(symmetric(t))[0], POSITIVE)
    np.testing.assert_allclose(grad, np.outer(vectors[:, 0], vectors[:, 0]), atol=1e-14)


@pytest.mark.parametrize(
    "fn",
    [
        lambda t: np.linalg.cholesky(symmetric(t)),
        lambda t: np.linalg.cholesky(symmetric(t), upper=True),
        lambda t: list(np.linalg.eigh(symmetric(t))),
        lambda t: list(np.linalg.eigh(symmetric(t), UPLO="U")),
        lambda t: np.linalg.eigvalsh(symmetric(t)),
    ],
)
def test_symmetric_matrices_to_third_order(fn: Any) -> None:
    assert gradcheck(fn, [POSITIVE], order=3)


@pytest.mark.parametrize("lower", [True, False])
def test_only_one_triangle_is_read(lower: bool) -> None:
    half = np.tril(POSITIVE) if lower else np.triu(POSITIVE)
    w, v = np.linalg.eigh(Tensor(half), UPLO="L" if lower else "U")
    np.testing.assert_allclose((v * w @ v.T).data, POSITIVE)
    grad = gradient(lambda t: np.linalg.eigvalsh(t, "L" if lower else "U")[0], half)
    np.testing.assert_array_equal(grad != 0, half != 0)
    root = np.linalg.cholesky(Tensor(half), upper=not lower)
    np.testing.assert_array_equal(root.data, np.linalg.cholesky(half, upper=not lower))


def test_equal_eigenvalues() -> None:
    np.testing.assert_allclose(gradient(lambda t: np.sum(np.linalg.eigvalsh(t) ** 2), np.eye(3)), 2 * np.eye(3))
    grad = gradient(lambda t: np.sum(np.linalg.eigh(t).eigenvectors), np.eye(3))
    assert np.all(np.isfinite(grad))


# Singular values


def test_singular_values_of_singular_and_degenerate_matrices() -> None:
    for a in (np.eye(3), np.zeros((3, 2)), np.ones((2, 3))):
        grad = gradient(lambda t: np.sum(np.linalg.svdvals(t)), a)
        assert np.all(np.isfinite(grad))
        assert np.linalg.norm(grad, 2) <= 1 + 1e-12  # the subgradients of the nuclear norm
    assert np.all(np.isfinite(gradient(lambda t: np.sum(np.linalg.svd(t).U), np.eye(3))))


def test_an_orthogonal_factor_where_singular_values_are_equal() -> None:
    """Each of u and v is arbitrary there, and their product is not."""
    orthogonal = np.linalg.qr(SQUARE).Q

    def factor(t: Any) -> Any:
        u, _, vh = np.linalg.svd(t, full_matrices=False)
        return u @ vh

    for a in (orthogonal, np.diag([2.0, 2.0, 1.0]), orthogonal[:, :2]):
        assert gradcheck(factor, [a])


@pytest.mark.parametrize("a", [SQUARE, TALL, TALL.T])
def test_low_rank_approximation_to_second_order(a: Any) -> None:
    def approximate(t: Any) -> Any:
        u, s, vh = np.linalg.svd(t, full_matrices=False)
        return (u[:, :2] * s[:2]) @ vh[:2]

    assert gradcheck(approximate, [a], order=2)


@pytest.mark.parametrize(
    "a", [TALL, TALL.T[:2], RNG.normal(size=(2, 4, 1)), RNG.normal(size=(5, 3)), RNG.normal(size=(4, 6))]
)
def test_the_vectors_that_full_matrices_have_besides(a: Any) -> None:
    """They are LAPACK's, of the many that would do, and so is how they turn where the matrix moves."""
    m, n = a.shape[-2:]
    weight = RNG.normal(size=(max(m, n), max(m, n)))

    def spanned(t: Any) -> Any:
        u, s, vh = np.linalg.svd(t)
        besides = u[..., n:] if m > n else np.swapaxes(vh, -1, -2)[..., m:]
        return weight @ besides + np.sum(s)

    for part, expected in zip(np.linalg.svd(Tensor(a)), np.linalg.svd(a), strict=True):
        np.testing.assert_allclose(part.data, expected, atol=1e-12)
    assert gradcheck(spanned, [a], order=2)
    if m < n:
        return
    q, r = np.linalg.qr(Tensor(a), mode="complete")
    np.testing.assert_allclose((q @ r).data, a, atol=1e-12)
    np.testing.assert_allclose(q.data, np.linalg.qr(a, "complete").Q, atol=1e-12)

    def complete(t: Any) -> Any:
        q, r = np.linalg.qr(t, "complete")
        return weight @ q**3 + np.sum(r**3)

    assert gradcheck(complete, [a], order=2)


def test_namedtuples() -> None:
    for fn, a in ((np.linalg.eigh, POSITIVE), (np.linalg.svd, SQUARE), (np.linalg.qr, TALL)):
        assert type(fn(Tensor(a))) is type(fn(a))
    assert isinstance(np.linalg.qr(Tensor(TALL), mode="r"), Tensor)


def test_what_is_refused() -> None:
    t = Tensor(TALL, requires_grad=True)
    with pytest.raises(TypeError, match="no derivative rule covers mode 'raw'"):
        np.linalg.qr(t, mode="raw")
    with pytest.raises(TypeError, match=r"^packed_eig .*eigenvalues are complex"):
        packed_eig(Tensor([[0.0, 1.0], [-1.0, 0.0]], requires_grad=True))
    with pytest.raises(TypeError, match="3 components"):
        np.cross(t[:, :2], t[:, :2])


# Equations


def test_least_squares_outputs() -> None:
    b = RNG.normal(size=(4, 2))
    expected = np.linalg.lstsq(TALL, b, rcond=None)
    x, residuals, rank, s = np.linalg.lstsq(Tensor(TALL), Tensor(b), rcond=None)
    assert rank == expected[2]
    for got, value in ((x, expected[0]), (residuals, expected[1]), (s, expected[3])):
        np.testing.assert_allclose(got.data, value, rtol=1e-10)
    assert gradcheck(lambda p, q: list(np.linalg.lstsq(p, q)[:2]), [TALL, b], order=2)


def test_least_squares_without_full_rank() -> None:
    low = TALL @ np.diag([1.0, 1.0, 0.0])
    expected = np.linalg.lstsq(low, TALL[:, 0], rcond=None)
    x, residuals, rank, _ = np.linalg.lstsq(Tensor(low), TALL[:, 0], rcond=None)
    assert (rank, np.shape(residuals)) == (2, (0,))
    np.testing.assert_allclose(x.data, expected[0], atol=1e-12)


def test_power_zero_has_a_zero_gradient() -> None:
    t = Tensor(np.full((2, 2), np.inf), requires_grad=True)
    y = np.linalg.matrix_power(t, 0)
    np.testing.assert_array_equal(y.data, np.eye(2))
    np.sum(y).backward()
    np.testing.assert_array_equal(t.grad, 0)


def test_singular_equations_raise() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.solve(Tensor(np.ones((2, 2))), np.ones(2))


@pytest.mark.parametrize("axis", [0, -2])
def test_products_along_another_axis_broadcast(axis: int) -> None:
    a, b = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 4, 2) if axis == 0 else (4, 3, 2))
    assert gradcheck(lambda s, t: np.vecdot(s, t, axis=axis), [a, b], order=2)
    assert gradcheck(lambda s, t: np.cross(s, t, axis=axis), [a, b], order=2)


# The same gradients as PyTorch

COMPARED = {
    "det": (SQUARE, lambda m, t: m.linalg.det(t)),
    "slogdet": (SQUARE, lambda m, t: m.linalg.slogdet(t)[1]),
    "inv": (SQUARE, lambda m, t: m.linalg.inv(t)),
    "pinv": (TALL, lambda m, t: m.linalg.pinv(t)),
    "cholesky": (POSITIVE, lambda m, t: m.linalg.cholesky((t + t.T) / 2)),
    "eigvalsh": (POSITIVE, lambda m, t: m.linalg.eigvalsh((t + t.T) / 2)),
    "eigh": (POSITIVE, lambda m, t: m.linalg.eigh((t + t.T) / 2)[1] ** 2),
    "svd": (TALL, lambda m, t: m.linalg.svd(t, full_matrices=False)[0] ** 2),
    "svdvals": (TALL, lambda m, t: m.linalg.svd(t, full_matrices=False)[1]),
    "q": (SQUARE, lambda m, t: m.linalg.qr(t)[0]),
    "r": (TALL, lambda m, t: m.linalg.qr(t)[1]),
    "wide r": (TALL.T, lambda m, t: m.linalg.qr(t)[1]),
    "norm": (TALL, lambda m, t: m.linalg.norm(t)),
    "nuclear norm": (TALL, lambda m, t: m.linalg.norm(t, "nuc")),
    "spectral norm": (TALL, lambda m, t: m.linalg.norm(t, 2)),
    "norm inf": (TALL, lambda m, t: m.linalg.norm(t, float("inf"))),
    "solve": (SQUARE, lambda m, t: m.linalg.solve(t, t @ t.T)),
    "power": (SQUARE, lambda m, t: m.linalg.matrix_power(t, -3)),
    "kron": (TALL, lambda m, t: m.kron(t, t)),
    "einsum": (SQUARE, lambda m, t: m.einsum("ij,jk,ii->k", t, t, t)),
}


@pytest.mark.parametrize("name", COMPARED)
def test_gradients_are_pytorchs(name: str) -> None:
    torch = installed.torch()
    a, fn = COMPARED[name]
    ours = Tensor(a, requires_grad=True)
    theirs = torch.tensor(a, requires_grad=True)
    out = fn(np, ours)
    g = np.random.default_rng(1).normal(size=out.shape)
    out.backward(g)
    fn(torch, theirs).backward(torch.tensor(g))
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-10, atol=1e-12)
