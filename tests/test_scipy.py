"""SciPy's functions in `autograd.scipy`: every composition against SciPy and differences, and what is refused."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from reference import assert_derivatives, cases, sample

sparse = pytest.importorskip("scipy.sparse", reason="install SciPy: this is about its functions")

import scipy.fft  # noqa: E402
import scipy.linalg  # noqa: E402
import scipy.optimize  # noqa: E402
import scipy.signal  # noqa: E402
import scipy.stats  # noqa: E402
from scipy.sparse.linalg import factorized, spsolve  # noqa: E402

import autograd.scipy.linalg as linalg  # noqa: E402
import autograd.scipy.ndimage  # noqa: E402
import autograd.scipy.signal as signal  # noqa: E402
import autograd.scipy.spatial  # noqa: E402
import autograd.scipy.special  # noqa: F401, E402
from autograd import Tensor, differentiable  # noqa: E402
from autograd.core.op import plain  # noqa: E402
from autograd.rules.definition import Composite, composites  # noqa: E402
from autograd.testing import gradcheck  # noqa: E402

OURS = [made for made in composites() if made.name.startswith("scipy.")]
CASES = cases(OURS)


def outputs(value: Any) -> list[Any]:
    """The parts of a result but for flags, which SciPy gives as booleans or as arrays of them."""
    parts = value if isinstance(value, tuple) else (value,)
    return [part for part in parts if isinstance(part, Tensor) or np.asarray(part).dtype != np.bool_]


@pytest.mark.parametrize(("made", "k"), CASES)
def test_a_composition_is_scipys_function_and_has_its_derivative(made: Composite, k: int) -> None:
    args, options = sample(made, k)
    floats = [p for p, arg in enumerate(args) if isinstance(arg, np.ndarray)]

    def call(*values: Any) -> Any:
        given = list(args)
        for p, value in zip(floats, values, strict=True):
            given[p] = value
        return made.body(*given, **options)

    found = plain(call(*[Tensor(args[p], requires_grad=True) for p in floats]))
    for ours, theirs in zip(outputs(found), outputs(made.fn(*args, **options)), strict=True):
        if made.name == "scipy.linalg.cho_factor":  # its other triangle is left as it was
            theirs = np.tril(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    n = len(outputs(found))
    assert_derivatives(
        lambda *values: [np.sin(k + out) for k, out in enumerate(outputs(call(*values))) if k < n],
        [args[p] for p in floats],
    )


@pytest.mark.parametrize("name", ["convolve", "correlate", "convolve2d", "correlate2d", "fftconvolve"])
@pytest.mark.parametrize("mode", ["same", "valid"])
@pytest.mark.parametrize(
    "sizes", [((4, 5), (2, 2)), ((2, 3), (5, 6)), ((2, 3), (3, 3)), ((3, 3), (3, 2)), ((4, 2), (2, 5))]
)
def test_of_a_convolution_the_same_middle_is_kept_as_by_scipy(name: str, mode: str, sizes: Any) -> None:
    a, b = (np.random.default_rng(k).normal(size=size) for k, size in enumerate(sizes))
    try:
        expected = getattr(scipy.signal, name)(a, b, mode)
    except ValueError:
        with pytest.raises(ValueError, match="fit into each other"):
            getattr(signal, name)(Tensor(a), b, mode)
    else:
        np.testing.assert_allclose(getattr(signal, name)(Tensor(a), b, mode).data, expected, atol=1e-12)


def smoothed_into(x: Any) -> Any:
    out = np.zeros_like(x)
    scipy.ndimage.gaussian_filter(x, 0.7, 0, out, "nearest")
    return out * scipy.ndimage.laplace(x, output=float)


polynomial: Any = np.polynomial
KERNELS = scipy.stats.gaussian_kde([0.1, 0.5, -0.3, 1.1], 0.4)
FOLLOWED: dict[str, Any] = {  # functions of SciPy's and NumPy's that have no twin, and are written in Python
    "smoothed": lambda x: scipy.signal.savgol_filter(x, 5, 2),
    "detrended": lambda x: scipy.signal.detrend(x) * 3,
    "both ways": lambda x: scipy.signal.filtfilt([0.2, 0.3], [1.0, -0.4], x, padlen=3),
    "sections both ways": lambda x: scipy.signal.sosfiltfilt([[0.2, 0.3, 0.1, 1.0, -0.4, 0.1]], x, padlen=3),
    "power": lambda x: scipy.signal.welch(x, nperseg=6)[1],
    "spectrogram": lambda x: np.abs(scipy.signal.stft(x, nperseg=6)[2]),
    "of nothing": lambda x: scipy.stats.entropy([x[x > 9.0].sum(), x[:5].sum() ** 2, x[5] ** 2]) * x,
    "middles": lambda x: scipy.signal.medfilt(x, 3),
    "moment": lambda x: scipy.stats.moment(x, 3) * np.ones(2),
    "pseudoinverse": lambda x: scipy.linalg.pinv(np.reshape(x, (4, 3))),
    "analytic": lambda x: np.abs(scipy.signal.hilbert(x)),
    "least squares": lambda x: scipy.optimize.leastsq(lambda p: p[0] * np.arange(12.0) + p[1] - x, [1.0, 1.0])[0],
    "cosines": lambda x: scipy.fft.dct(x) + scipy.fft.idst(np.reshape(x, (12, 1)), type=3, axis=0, norm="ortho")[:, 0],
    "spread": lambda x: scipy.stats.iqr(x, rng=(20, 70)) * np.ones(2),
    "polynomial": lambda x: polynomial.Polynomial(x[:3])(x[3:]) + polynomial.polynomial.polyval(0.3, x),
    "fit": lambda x: polynomial.polynomial.polyfit(np.arange(12.0), x, 2),
    "density": lambda x: scipy.stats.gaussian_kde(x, "silverman", x**2 + 1.0).integrate_box_1d(x[0], 0.4) * x[:2],
    "densities": lambda x: scipy.stats.gaussian_kde(np.reshape(x[:10], (2, 5))).logpdf(x[:4].reshape(2, 2)),
    "a density made before": lambda x: KERNELS(x) * KERNELS.pdf(0.3) + KERNELS.factor,
    "Legendre": lambda x: scipy.special.assoc_legendre_p_all(2, 1, np.sin(x[:2]), diff_n=1).sum(axis=(0, 1, 2)),
    "one Legendre": lambda x: scipy.special.legendre_p([2, 3], np.sin(x[0])) * scipy.special.legendre_p(1, 0.3),
    "between pixels": lambda x: scipy.ndimage.map_coordinates(np.reshape(x, (3, 4)), [[0.3, 1.2], [0.6, 2.1]], order=1),
    "lowest": lambda x: scipy.ndimage.minimum_filter(np.reshape(x, (3, 4)), 2, output=np.zeros((3, 4))),
    "smoothed into": lambda x: smoothed_into(np.reshape(x, (3, 4))),
    "best corner": lambda x: scipy.optimize.linprog([-1, -1], [[1, 2], [3, 1]], np.reshape(1 + x[:2] ** 2, (2, 1))).x,
    "standard form": lambda x: scipy.stats.binom._logpmf(3, 5, np.sin(x) ** 2) + scipy.stats.norm._cdf(x),
    "series": lambda x: polynomial.chebyshev.chebval(x, [1.0, 2.0, 3.0]),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_scipy_writes_in_python_is_followed(name: str) -> None:
    x, fn = np.random.default_rng(0).uniform(0.5, 2, 12), FOLLOWED[name]
    np.testing.assert_allclose(plain(differentiable(fn)(Tensor(x))), fn(x), rtol=1e-6)
    gradcheck(differentiable(lambda x: np.sin(fn(x))), [x], complex_step=False)


def test_a_filter_that_goes_on_where_another_has_ended() -> None:
    b, a, x = np.array([0.3, 0.2, -0.1]), np.array([1.5, -0.4, 0.2]), np.random.default_rng(0).normal(size=(2, 6))
    zi = np.random.default_rng(1).normal(size=(2, 2))
    for n in (1, 6):
        for ours, theirs in zip(
            signal.lfilter(Tensor(b), a, x[:, :n], zi=zi), scipy.signal.lfilter(b, a, x[:, :n], zi=zi), strict=True
        ):
            np.testing.assert_allclose(plain(ours), theirs, atol=1e-12)
    gradcheck(lambda *given: np.sin(np.concatenate(signal.lfilter(*given[:3], zi=given[3]), axis=-1)), [b, a, x, zi])


# Linear algebra


def test_a_gaussian_process_as_people_write_it() -> None:
    x, y = np.linspace(0, 1, 5), np.array([0.1, 0.5, -0.3, 0.2, 0.7])

    def evidence(theta: Any) -> Any:
        from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

        K = theta[0] * np.exp(-((x[:, None] - x) ** 2) / theta[1]) + 0.1 * np.eye(5)
        L = cholesky(K, lower=True)
        half = solve_triangular(L, y, lower=True, check_finite=False)
        return 0.5 * y.dot(cho_solve(cho_factor(K), y)) + np.log(np.diag(L)).sum() + half.dot(half)

    gradcheck(differentiable(evidence), [np.array([1.3, 0.4])], order=2)


def test_a_system_factored_once() -> None:
    a, b = np.array([[0.0, 2.0, 1.0], [1.0, 0.5, 0.0], [4.0, 1.0, 3.0]]), np.array([1.0, 2.0, 3.0])
    for trans in (0, 1):
        gradcheck(lambda a, b, trans=trans: linalg.lu_solve(linalg.lu_factor(a), b, trans=trans), [a, b])
    np.testing.assert_allclose(linalg.lu_solve(linalg.lu_factor(Tensor(a)), b).data, np.linalg.solve(a, b))


SPARSE = sparse.csr_matrix(np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.5]]))


def test_sparse_matrices_as_people_write_them() -> None:
    def flow(x: Any) -> Any:
        return SPARSE @ x + SPARSE.dot(x) * (SPARSE * x) + SPARSE @ (SPARSE.T @ (SPARSE @ x))

    dense = SPARSE.toarray()
    x = np.array([0.3, -1.0, 2.0])
    y = dense @ x
    np.testing.assert_allclose(differentiable(flow)(x), y + y * y + dense @ dense.T @ y, rtol=1e-14)
    gradcheck(differentiable(flow), [x], order=2)
    gradcheck(differentiable(lambda X: SPARSE @ X), [np.ones((3, 2))])
    with pytest.raises(ValueError, match=r"sparse matrix of shape \(2, 3\) times a Tensor of shape \(2,\)"):
        differentiable(lambda x: SPARSE @ x)(Tensor([1.0, 2.0]))


def test_sparse_matrices_that_code_makes_and_computes_with() -> None:
    def steps(x: Any) -> Any:
        n = len(x)
        laplace = sparse.diags([1.0, -2.0, 0.5], [-1, 0, 1], shape=(n, n))  # type: ignore[arg-type]
        made = sparse.lil_matrix((n, n))
        made[0, 2] = 2.0
        made = (made + sparse.identity(n) / 3).tocsr()
        assert isinstance(made, sparse.csr_matrix)
        array = sparse.csr_array(np.diag([1.0, 2.0, 3.0]))
        u = x @ laplace + made.T.dot(x) * (x * made) + sparse.kron(np.eye(1), made[:, ::-1]) @ x
        return u + (array + array) @ x + sparse.vstack([made, laplace]).dot(x[:, None])[2:5, 0]

    x = np.array([0.3, -1.0, 2.0])
    gradcheck(differentiable(steps), [x], order=2)
    made, laplace = np.diag([1 / 3] * 3), np.diag([-2.0] * 3) + np.diag([1.0] * 2, -1) + np.diag([0.5] * 2, 1)
    made[0, 2] = 2.0
    stacked = np.concatenate([made, laplace])[2:5]
    y = x @ laplace + made.T @ x * (x @ made) + made[:, ::-1] @ x + 2 * np.array([1.0, 2.0, 3.0]) * x + stacked @ x
    np.testing.assert_allclose(differentiable(steps)(x), y, rtol=1e-14)


@pytest.mark.parametrize("use", [operator.mul, operator.add, operator.matmul, np.dot, Tensor.dot])
def test_a_sparse_matrix_is_taken_for_no_array(use: Any) -> None:
    with pytest.raises(TypeError, match=r"csr_matrix is no array: .*toarray\(\)"):
        use(Tensor([1.0, 2.0], requires_grad=True), SPARSE)


def test_sparse_equations_as_people_write_them() -> None:
    n = 5
    laplace = sparse.diags([-1, 2.5, -0.7], [-1, 0, 1], shape=(n, n), format="csc")  # type: ignore[arg-type]

    def heat(x: Any) -> Any:
        step = factorized(laplace)
        u = spsolve(laplace, np.exp(x))
        for _ in range(2):
            u = step(u * x)
        return u + spsolve(laplace, x.reshape(-1, 1)) + spsolve(laplace, np.ones((n, 2))).sum()

    x = np.linspace(0.1, 0.9, n)
    np.testing.assert_allclose(differentiable(heat)(x), heat(x), rtol=1e-12)
    gradcheck(differentiable(heat), [x], order=2)
    gradcheck(differentiable(lambda B: spsolve(laplace, B) ** 2), [np.ones((n, 2))])
    with pytest.raises(TypeError, match="csc_matrix of elements that a gradient reaches"):
        differentiable(lambda t: spsolve(sparse.csc_matrix(t * np.eye(2)), np.ones(2)))(Tensor(2.0, requires_grad=True))


def test_a_regulator_as_people_write_it() -> None:
    a, b = np.array([[0.9, 0.3], [-0.2, 1.1]]), np.array([[0.1], [1.0]])

    def gains(x: Any) -> Any:
        cost, effort = np.diag([x[0], 1.0]), np.atleast_2d(x[1])
        now = scipy.linalg.solve_continuous_are(a, b * x[1], cost, effort)
        later = scipy.linalg.solve_discrete_are(a * x[0], b, cost, effort)
        least = scipy.linalg.solve_discrete_lyapunov(0.3 * a, cost)
        return np.array([(b.T @ now)[0], (b.T @ later)[0], least[0]])

    gradcheck(differentiable(gains), [np.array([0.7, 1.3])], order=2, complex_step=False)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: linalg.solve_discrete_are(a, a, a, np.eye(2)), "q is not a symmetric matrix"),
        (lambda a: linalg.lu(a[:1]), r"scipy.linalg.lu.*one square matrix, not of shape \(1, 2\)"),
        (lambda a: linalg.logm(-a), "scipy.linalg.logm of .*: it is complex"),
        (lambda a: linalg.qr(a, mode="r"), "mode='r' is not covered"),
        (lambda a: linalg.solve(a, a, assume_a="banded"), "assume_a='banded' is not covered"),
        (lambda a: linalg.eigh(a, subset_by_index=[0, 0]), "scipy.linalg.eigh: no derivative rule covers .*subset"),
        (lambda a: linalg.schur(a), "autograd"),
        (lambda a: scipy.linalg.polar(a), "by scipy.*Take the one of autograd.scipy"),
        (differentiable(lambda a: scipy.signal.medfilt2d(a)), "by scipy.*cut. Write it in NumPy's functions"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        call(Tensor([[2.0, 1.0], [0.5, 3.0]], requires_grad=True))
