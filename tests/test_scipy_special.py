"""`scipy.special` where samples do not go: how it is reached, limits, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor, differentiable, grad
from autograd.testing import gradcheck

sp = pytest.importorskip("scipy.special", reason="install SciPy: this is about its functions")
ours: Any = autograd.scipy.special


def test_a_plain_call_needs_no_import_of_ours_and_others_load_nothing() -> None:
    code = """
import sys, autograd, numpy as np
np.sin(autograd.Tensor(1.0))
assert not any(name.startswith(("scipy", "autograd.scipy")) for name in sys.modules)
import scipy.special
assert "autograd.scipy.special" not in sys.modules
print(autograd.grad(scipy.special.expit)(0.0))
"""
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "0.25\n"


def test_inside_of_differentiable_code_functions_are_replaced_and_lists_stacked() -> None:
    def score(x: Any) -> Any:
        from scipy.special import comb, logsumexp

        return logsumexp([x[0], 2.0 * x[1]]) + sp.softmax(x)[0] + comb(x[1], 2) + sp.polygamma(1, x)[0]

    gradcheck(differentiable(score), [np.array([0.7, 3.4])])


def test_functions_have_the_names_that_scipy_gives_them() -> None:
    for name in ("gamma", "erf", "beta", "softmax", "expit"):
        assert callable(getattr(ours, name)), name
    import autograd.scipy.stats.norm as norm  # as HIPS autograd has it

    assert float(norm.cdf(0.0)) == 0.5


@pytest.mark.parametrize(
    ("fn", "at", "slope"),
    [
        (sp.expit, 40.0, 4.248354255291589e-18),
        (sp.log_ndtr, -40.0, 40.0249688472),
        (sp.xlogy, (0.0, 0.0), 0.0),
        (sp.i1, 0.0, 0.5),
        (sp.j1, 0.0, 0.5),
        (sp.exprel, 0.0, 0.5),
        (sp.rgamma, -2.0, 2.0),
        (sp.rgamma, 0.0, 1.0),
        (sp.ellipk, 0.0, np.pi / 8),
        (sp.ellipe, 0.0, -np.pi / 8),
        (sp.spence, 1.0, -1.0),
        (ours.lambertw, 0.0, 1.0),
    ],
)
def test_limits(fn: Any, at: Any, slope: float) -> None:
    found = grad(lambda t: fn(at[0], t) if isinstance(at, tuple) else fn(t))(at[-1] if isinstance(at, tuple) else at)
    np.testing.assert_allclose(found, slope, rtol=1e-11)


def test_functions_of_complex_numbers() -> None:
    def lines(p: Any) -> Any:
        z = (np.linspace(-1, 2, 4) - p[0] + 1j * p[1]) / p[2]
        pearson = 2 * (sp.loggamma(p[1] + 0.5j * p[0]).real - sp.loggamma(p[1]))
        return sp.wofz(z).real + sp.erf(z).imag + sp.gamma(z).real + sp.erfc(np.conj(z)).real + np.exp(pearson)

    p = np.array([0.3, 0.7, 1.4])
    np.testing.assert_allclose(lines(Tensor(p)).data, lines(p), rtol=1e-12)
    gradcheck(lines, [p], order=2, complex_step=False)
    with pytest.raises(TypeError, match="jv of complex numbers"):
        grad(lambda t: sp.jv(0, t + 1j).real)(1.0)


def test_a_weight_of_logsumexp_has_a_gradient() -> None:
    a, b = np.array([[0.1, -2.0], [0.4, 900.0]]), np.array([[0.5, 2.0], [1.0, 3.0]])
    gradcheck(lambda a, b: ours.logsumexp(a, axis=1, b=b), [a, b])
    gradcheck(lambda a: ours.logsumexp(a, axis=1, b=b, keepdims=True), [a])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: sp.pdtr(t, 2.0), "pdtr: no derivative with respect to argument 1"),
        (lambda t: sp.expn(t, 2.0), "expn: no derivative with respect to argument 1"),
        (lambda t: sp.sici(t), "sici has no derivative rule"),
        (lambda t: sp.softmax(t), "autograd.differentiable"),
        (lambda t: ours.comb(t, 2, exact=True), "exact=True"),
        (lambda t: ours.lambertw(t - 3), "branch 0 is complex"),
        (lambda t: ours.logsumexp(t, return_sign=True), "return_sign"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        call(Tensor(1.5, requires_grad=True))
