"""Complex numbers between real parameters and a real loss: NumPy's values, and derivatives against differences."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
import pytest

from autograd import Tensor, differentiable, grad
from autograd.testing import gradcheck

K = np.arange(5) * 0.3
WAVE = np.exp(1j * K)
SIGNAL = np.random.default_rng(0).normal(size=6)
PLANE = np.outer(SIGNAL, SIGNAL + 1)
WEIGHTS = np.arange(6.0)
MIXED = np.array([[1, 1j], [-2j, 2]])


def writes(x: Any) -> Any:
    z = np.zeros(4, dtype=complex)
    for k in range(4):
        z[k] = np.exp(1j * k * x[0]) * x[1]
    z[1] += 2j * x[0]
    z *= 1j
    return np.abs(z.sum()) + z.real[1]


def sums_by_hand(x: Any) -> Any:
    z = sum(np.exp(1j * x[0] * k) for k in range(4))
    return abs(z) + abs(z) ** 2 if isinstance(z, complex) else 0.0


PLAIN: dict[str, Any] = {  # as it is
    "phase": lambda x: np.abs(np.sum(np.exp(1j * x[0] * K)) * x[1]) ** 2,
    "constants": lambda x: np.abs(WAVE * x[0] + x[1] ** 2) + np.abs(x[0] - WAVE),
    "quotients": lambda x: np.abs((1 + 2j * x[0]) / (x[1] - 1j * x[0])) + np.imag(1j * x[0] / x[1]),
    "powers": lambda x: np.real((x[0] + 2j) ** 3) + np.imag((1j * x[1] + 1) ** 0.5) + np.real((x[0] + 1j) ** -2),
    "powers of 0": lambda x: np.abs(np.array([0, 0, 1j]) ** np.append(x, 0.0) + x[0]),
    "roots": lambda x: np.real(np.sqrt(-x[0] + 0j)) + np.imag(np.sqrt(-x[1] + 0j)),
    "functions": lambda x: np.real(np.sin(x[0] + 1j * x[1]) + np.tanh(1j * x[0] + 0.3) + np.log(x[1] + 1j)),
    "parts": lambda x: np.angle(x[0] + 1j * x[1]) + np.linalg.norm(WAVE * x[0]) + (2j * x).conj().imag[::-1],
    "products": lambda x: np.real(np.vdot(np.exp(1j * x[0] * K), WAVE * x[1])) + np.abs(MIXED @ x),
    "sums": lambda x: np.real(np.einsum("i,j,ij->", np.exp(1j * x[0] * K), WAVE, np.outer(K, K) * x[1])),
    "rows": lambda x: np.abs(np.prod(WAVE * x[0] + 1j)) + np.prod(np.outer(WAVE, x), axis=0).imag,
    "shapes": lambda x: (MIXED * x).conj().T.real.reshape(-1)[:2] + np.concatenate([1j * x, x]).imag[:2],
    "equations": lambda x: np.abs(np.linalg.solve(MIXED * x + np.eye(2), WAVE[:2])) + np.linalg.inv(MIXED + x).real[0],
    "eigenvectors": lambda x: np.abs(np.linalg.eig(MIXED * x + np.eye(2)[::-1])[1][0]),
    "power spectrum": lambda x: np.sum(np.abs(np.fft.fft(SIGNAL * x[0] + x[1] ** 2)) ** 2 * WEIGHTS),
    "filter": lambda x: np.real(np.fft.ifft(np.fft.fft(SIGNAL * x[0], 8) * np.exp(-x[1] * np.arange(8)))),
    "half spectrum": lambda x: np.angle(np.fft.rfft(SIGNAL * x[0] + x[1] * WEIGHTS, norm="ortho")) * WEIGHTS[:4],
    "half and back": lambda x: np.fft.irfft(np.fft.rfft(SIGNAL * np.sin(x[0] * WEIGHTS), 5) * np.exp(1j * x[1]), 7),
    "planes": lambda x: np.real(np.fft.ifft2(np.fft.fft2(PLANE * x[0], norm="forward") * np.exp(-x[1] * WEIGHTS)))[1],
    "real planes": lambda x: np.fft.irfftn(np.fft.rfftn(PLANE * x[0]) * x[1])[0] + np.abs(np.fft.rfft2(PLANE))[0, 1],
    "shifted": lambda x: np.abs(np.fft.fftshift(np.fft.fftn(SIGNAL * x[0]))) * np.fft.ifftshift(x[1] * WEIGHTS),
}  # fmt: skip
REBOUND: dict[str, Any] = {  # by `differentiable`
    "writes": writes,
    "sums by hand": sums_by_hand,
    "makes": lambda x: abs(complex(x[0], 2 * x[1]) ** 2 + complex(1, 2)) + np.abs(np.complex128(x[0]) * 1j + 2),
    "lists": lambda x: np.abs(np.array([x[0], 1j * x[1], 2.0])) + np.abs(np.asarray(x, dtype=complex)).sum(),
    "cmath": lambda x: abs(cmath.exp(1j * x[0]) + cmath.sqrt(-x[1])) + cmath.phase(x[0] + 1j * x[1]),
    "alike": lambda x: np.abs(np.zeros_like(WAVE * x[0]) + x[1] * 1j) + abs(cmath.rect(*cmath.polar(x[0] + 1j)) + 1),
    "constants only": lambda x: x[0] * np.linalg.eigh(np.array([[1, 1j], [-1j, 2]]) + np.zeros((2, 2), complex))[0],
}  # fmt: skip


@pytest.mark.parametrize("name", [*PLAIN, *REBOUND])
def test_values_and_derivatives(name: str) -> None:
    x = np.array([0.7, 1.2])
    fn = PLAIN.get(name) or REBOUND[name]
    run = fn if name in PLAIN else differentiable(fn)
    np.testing.assert_allclose(run(Tensor(x)).data, fn(x), rtol=1e-12, atol=1e-14)
    gradcheck(run, [x], order=2 if name in ("phase", "filter", "quotients", "eigenvectors") else 1, complex_step=False)


def test_scipys_transforms() -> None:
    fft = pytest.importorskip("scipy.fft", reason="install SciPy: this is about its functions")
    fn = lambda x: np.abs(fft.fft2(PLANE * x[0], axes=(0, 1)))[1] + np.abs(fft.rfft(SIGNAL * x[1], axis=0)).sum()
    np.testing.assert_allclose(differentiable(fn)(np.ones(2)), fn(np.ones(2)), rtol=1e-12)
    gradcheck(differentiable(fn), [np.array([0.7, 1.2])], complex_step=False)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (lambda x: np.exp(1j * x[0]), r"it gives Complex; .*real: np\.abs\(z\) \*\* 2"),
        (lambda x: np.linalg.cholesky(MIXED * x)[0].real, "cholesky of complex numbers"),
        (lambda x: np.linalg.svd(np.outer(MIXED, x))[0].real, "pass full_matrices=False"),
        (lambda x: np.linalg.eigh(np.eye(3) * (x[0] + 0j))[1].real[0, 0], "eigh of .*of equal values"),
        (lambda x: (1j * x).astype(float)[0], r"take \.real, or np\.abs"),
        (lambda x: float(1j * x[0]), "real number|float"),
    ],
)
def test_what_is_refused(program: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        grad(differentiable(program))(np.ones(2))


def test_a_complex_parameter_is_refused() -> None:
    with pytest.raises(TypeError, match="complex128; pass floats"):
        grad(lambda z: np.abs(z))(1j)
