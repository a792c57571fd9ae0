"""Complex numbers beside Tensors in many functions, views and writes: what NumPy gives, or a refusal that says why."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd import compile as compiled_step

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
C = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))

FUNCTIONS = """
np.sum(z, initial=1.0)
np.vsplit(z, 3)[1]
np.dsplit(z[None], 2)[1]
np.sum(z, 0, complex, keepdims=True)
np.pad(z, 1, constant_values=1.0)
np.pad(z, 1, mode="linear_ramp", end_values=2.0)
np.diff(z, prepend=1.0)
np.diff(z, 1, 0, 2.0)
np.diff(x, append=1j)
np.nansum(x * np.where(x > 0.5, np.nan, 1) + 1j * y)
np.average(z, 0, [1.0, 2, 3], returned=True)[0]
np.array_split(z, 2)[0]
np.split(z, 3)[1]
np.gradient(z)[1]
np.zeros_like(z, dtype=complex) + z
np.linalg.norm(z, 2)
np.linalg.norm(z, "nuc", keepdims=True)
np.linalg.norm(z[:2], -2, (1, 0))
np.linalg.norm(z, 3, 0)
np.tanh(z * 800)
np.tan(z * 900j)
np.tan(z)
(z * 1e200) / (C * 1e200)
C * 1e-250 / (z * 1e-250)
z ** np.int64(3)
(z * np.array([0, 1, 0, 1])) ** np.array([1, 2, 3, 1])
np.sort(z, 0)
np.real_if_close(z + np.conj(z)) * 2j
np.real_if_close(z)
np.sign(z)
np.where(np.isreal(z), z, 2 * z) * np.argsort(z)
z * np.count_nonzero(z) * np.any(z) * np.argmax(z)
np.log1p(z)
np.log1p(z * 1e-3)
np.expm1(z * 1e-3)
np.arcsin(z)
np.arcsin(x * (1 + 0j) * 3)
np.arccos(z)
np.arccos(3 - 0.1 * z)
np.arctan(z)
np.arcsinh(z)
np.arccosh(z)
np.arctanh(z)
np.arctanh(x * (1 + 0j) * 3)
np.emath.sqrt(x)
np.emath.log(x)
np.emath.log10(z)
np.emath.arcsin(x * 3)
np.emath.arctanh(y[1])
np.linalg.pinv(z)
np.linalg.pinv(z[:, :2])
np.linalg.svdvals(z)
np.linalg.svd(z[:2], compute_uv=False)
np.linalg.eigvalsh(z[:, :3])
np.linalg.eigvalsh(z[:, :3], "U")
np.linalg.eigh(z[:, :3])[0]
abs(C.T @ np.linalg.eigh(z[:, 1:], "U")[1])
abs(C.T @ np.linalg.eigh(np.stack([z[:, 1:], C[:, 1:]])).eigenvectors)
np.linalg.eigvals(z[:, :3])
np.linalg.eigvals(x[:, :3] * [[0, -2, 1], [2, 0, 1], [0, 0, 1]])
np.linalg.eig(z[:, 1:])[1]
np.linalg.eig(np.stack([z[:, 1:], C[:, 1:]])).eigenvectors
np.linalg.eig(x[:2, :2] * [[1, -1], [1, 1]])[1]
np.roots(x[0, :3] ** 2 + 1)
np.linalg.svd(z[:, :3])[0] @ np.linalg.svd(z[:, :3])[2]
abs(C.T @ np.linalg.svd(z, False).U)
(lambda u, s, vh: (u * s[:, None] ** 2) @ vh)(*np.linalg.svd(np.stack([z.T, C.T]), False))
np.linalg.det(z[:, :3])
np.linalg.det(np.stack([z[:2, :2], C[:2, :2]]))
np.linalg.det(z[:, :3] * [[0], [1], [1]])
np.linalg.slogdet(z[:, :3])[0]
np.linalg.slogdet(z[:, :3])[1]
np.cov(z)
np.cov(z, C, bias=True)
np.cov(x, C)
np.cov(z, rowvar=False, ddof=0)
np.einsum(z, [0, 1], C, [2, 1], [0, 2])
np.einsum("ij,kj", x, C)
np.correlate(x[0], C[0], "full")
np.interp(x, [-3, 0, 3.0], [1j, 2, 3], left=1j)
np.interp(0.5, [-3, 0, 1, 3.0], z[0])
np.concatenate([x, C], axis=1)
np.stack([x, C])
np.append(x, 1j)
np.block([[z, C], [C, x]])
np.select([x > 0, y > 0], [z, C], 1j)
np.choose([[0, 1, 1, 0]] * 3, [z, C])
np.compress([1, 0, 1], z, axis=0)
np.atleast_2d(x, C)[1] * x
np.cumprod(z, axis=1)
np.prod(z, axis=(0, 1), keepdims=True)
np.prod(z, keepdims=True)
np.var(z, 0, ddof=1)
z.std()
np.log10(z)
np.exp2(z)
z.reshape(2, 6)
z.transpose(1, 0)
z.flatten("F")
np.trapezoid(z)
np.polyval(z[0], 2.0)
np.linspace(z[0, 0], 1j, 5)
np.linalg.multi_dot([x, C.T, x])
np.linalg.matrix_power(z[:, :3], 3)
np.fft.hfft(z, n=7, axis=0, norm="forward")
np.fft.ihfft(x, 5)
np.fft.rfftn(x, axes=(0, 0))
""".strip().splitlines()


def parts(value: Any) -> tuple[Any, Any]:
    return np.real(value), np.imag(value)


def plain_parts(value: Any) -> Any:
    return [part.data if isinstance(part, Tensor) else part for part in parts(value)]


@pytest.mark.parametrize("code", FUNCTIONS)
@pytest.mark.filterwarnings("ignore:overflow")  # NumPy's own tanh and tan
def test_a_function_has_numpys_values_and_derivatives(code: str) -> None:
    compiled = compile(code, code, "eval")
    fn = lambda x, y: eval(compiled, {"np": np, "C": C}, {"x": x, "y": y, "z": x + 1j * y})
    x, y, value = Tensor(X, requires_grad=True), Tensor(Y, requires_grad=True), fn(X, Y)
    result = fn(x, y)
    np.testing.assert_allclose(plain_parts(result), parts(value), rtol=1e-9, atol=1e-12)
    assert result.dtype == value.dtype
    weights = RNG.normal(size=(2, *np.shape(value)))
    weighed = lambda value: sum(np.sum(part * w) for part, w in zip(parts(value), weights, strict=True))
    weighed(result).backward()
    dx, dy = RNG.normal(size=(2, 3, 4))
    slope = sum(s * weighed(fn(X + s * 1e-6 * dx, Y + s * 1e-6 * dy)) for s in (1, -1)) / 2e-6
    own = sum(np.sum(t.grad * d) for t, d in ((x, dx), (y, dy)) if t.grad is not None)
    np.testing.assert_allclose(own, slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("code", ["fft.rfft(x)", "fft.irfft(z)", "tanh(z)", "prod(z)", "ones_like(z)", "conj(z) / z"])
def test_single_precision_stays(code: str) -> None:
    of = lambda x: eval(f"np.{code}", {"np": np}, {"x": x, "z": x * np.complex64(1j)})
    single = X.astype(np.float32)
    assert of(Tensor(single)).dtype == of(single).dtype


COMPILED = """
abs(z / (2 - z))
tanh(z)
linalg.norm(z, 2)
fft.fft(z)
diff(z, append=1)
sqrt((z + 1) ** 0.5)
where(x > 0, z, 0)
multiply(x > 0, z)
""".strip().splitlines()


@pytest.mark.parametrize("code", COMPILED)
def test_a_compiled_step_has_the_same_derivatives(code: str) -> None:
    def step(x: Any) -> Any:
        loss = np.sum(np.abs(eval(f"np.{code}", {"np": np}, {"x": x, "z": x * (1 - 2j)})))
        loss.backward()
        return loss

    compiled = compiled_step(step)
    for scale in (1.0, 2.0, 0.5):
        own, other = Tensor(scale * X, requires_grad=True), Tensor(scale * X, requires_grad=True)
        compiled(own)
        step(other)
        np.testing.assert_allclose(own.grad, other.grad, rtol=1e-12)


SEEN_AS: dict[str, Any] = {
    "itself": lambda z: z,
    "conj": lambda z: z.conj(),
    "first power": lambda z: z**1,
    "astype": lambda z: z.astype(complex),
    "flatten": lambda z: z.flatten(),
    "ravel": lambda z: z.ravel(),
    "rows": lambda z: z.reshape(2, 2)[0],
    "reversed": lambda z: z[::-1],
    "chosen": lambda z: z[[1, 0]],
    "plus": lambda z: +z,
    "einsum": lambda z: np.einsum("i->i", z),
    "real as complex": lambda z: z.real.astype(complex),
    "real": lambda z: z.real,
    "squeezed": lambda z: np.squeeze(z[None]),
    "where": lambda z: np.where([True], z, 0),
    "fft": np.fft.fft,
}


def one(v: Any) -> None:
    v[0] = 5


def every(v: Any) -> None:
    v[...] = v * 2


def add(v: Any) -> None:
    v += 1


def square(v: Any) -> None:
    v[0] = v[1] * v[1]


def real(v: Any) -> None:
    v.real = 3


def imag_of_real(v: Any) -> None:
    v.imag = v.real


def in_real(v: Any) -> None:
    v.real[0] = 7


def scale_real(v: Any) -> None:
    v.real *= 2


def turn(v: Any) -> None:
    v *= 1j


def into(v: Any) -> None:
    np.multiply(v, 2j, out=v)


def back(v: Any) -> None:
    v[:] = v[::-1]


WRITES = [one, every, add, square, real, imag_of_real, in_real, scale_real, turn, into, back]
OF_COMPLEX = (real, imag_of_real, scale_real, turn, into)


@pytest.mark.parametrize("seen", SEEN_AS)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_write_reaches_what_shares_the_memory_and_nothing_else(seen: str) -> None:
    start = np.array([1.0, 2.0, 3.0, 5.0])

    def run(x: Any, write: Any) -> tuple[Any, Any]:
        z = x * (1 + 1j)
        view = SEEN_AS[seen](z)
        write(view)
        return z, view

    def loss(pair: Any) -> Any:
        return sum(np.sum(np.real(v) ** 2) + np.sum(np.imag(v) * np.arange(np.size(v)).reshape(v.shape)) for v in pair)

    for write in WRITES:
        if seen == "real" and write in OF_COMPLEX:
            continue
        leaf = Tensor(start, requires_grad=True)
        pair, expected = run(leaf * 1.0, write), run(start, write)
        for own, array in zip(pair, expected, strict=True):
            np.testing.assert_allclose(plain_parts(own), parts(array), atol=1e-12, err_msg=write.__name__)
        loss(pair).backward()
        d = np.array([0.3, -0.2, 0.5, 0.7])
        slope = sum(s * loss(run(start + s * 1e-6 * d, write)) for s in (1, -1)) / 2e-6
        np.testing.assert_allclose(np.sum(leaf.grad * d), slope, rtol=1e-5, err_msg=write.__name__)


CALLS: list[Any] = [
    lambda f, x, c: f(x, c),
    lambda f, x, c: f(c, x),
    lambda f, x, c: f(x[0], c[0]),
    lambda f, x, c: f(c[0], x[0]),
    lambda f, x, c: f([x, c]),
    lambda f, x, c: f(x[0], np.arange(3.0), c[0]),
    lambda f, x, c: f(x, 0, c[0]),
    lambda f, x, c: f(c, x, c),
    lambda f, x, c: f(x, weights=c),
    lambda f, x, c: f(x, initial=1j),
]
HOMES = (np, np.linalg, np.fft)
OTHERS = ("bmat", "fromfile", "load", "memmap", "save", "set", "show", "test", "info", "get", "err", "gen")


@pytest.mark.filterwarnings("ignore")
def test_no_function_drops_what_is_imaginary_in_a_constant_beside_a_tensor() -> None:
    x, c = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))
    names = [(home, name) for home in HOMES for name in dir(home) if not name.startswith((*OTHERS, "_"))]
    wrong, judged = [], 0
    for (home, name), (k, form) in itertools.product(names, enumerate(CALLS)):
        fn = getattr(home, name)
        if not callable(fn) or isinstance(fn, type):
            continue
        try:
            expected = parts(form(fn, x.copy(), c.copy()))
            assert expected[0].dtype.kind in "fciub"
        except Exception:
            continue
        try:
            result = form(fn, Tensor(x, requires_grad=True) * 1.0, c.copy())
        except RecursionError:
            wrong.append((name, k, "recursion"))
            continue
        except Exception:  # a refusal is honest
            continue
        if isinstance(result, (tuple, list)):
            continue
        judged += 1
        same = [np.shape(a) == np.shape(b) and np.allclose(a, b, equal_nan=True)
                for a, b in zip(plain_parts(result), expected, strict=True)]  # fmt: skip
        if not all(same):
            wrong.append((name, k, "value"))
    assert wrong == []
    assert judged > 150


STEPS = """
a.conj()
a.T
a.real
np.angle(a + 3)
a**-1
np.sqrt(a + 4)
np.fft.ifft(a, axis=0)
a[::-1]
np.tanh(a)
np.where(np.real(a) > 0, a, a * 1j)
np.linalg.inv(a + 5 * np.eye(3))
a.flatten().reshape(3, 3)
np.diff(a, prepend=1.0)
a.astype(complex)
np.einsum("ij->ji", a)
a / (b + 4)
a @ b * 0.3
np.concatenate([a[:1], b[1:]])
np.linalg.solve(b + 6 * np.eye(3), a)
a @ K
a[0] = b[1]
a += 1j
a *= b
a[1] += b[0]
a.imag = np.real(b)
a[K.imag > 0] = 0.5
np.multiply(a, 0.5, out=a)
a -= a.T.copy()
""".strip().splitlines()
WRITING = STEPS.index("a[0] = b[1]")  # and those behind it
COMPILED_STEPS = [compile(step, step, "eval" if k < WRITING else "exec") for k, step in enumerate(STEPS)]
K = C[:, :3]


@pytest.mark.filterwarnings("ignore")
def test_random_programs_have_numpys_values_and_derivatives() -> None:
    def run(program: Any, x: Any, y: Any) -> Any:
        values = [x * 1.0, x + 1j * y, K * x]
        for step, i, j in program:
            names = {"a": values[i % len(values)], "b": values[j % len(values)]}
            if step < WRITING:
                values.append(eval(COMPILED_STEPS[step], {"np": np, "K": K}, names))
            elif np.iscomplexobj(names["a"]):
                exec(COMPILED_STEPS[step], {"np": np, "K": K}, names)
        return sum(np.sum(np.tanh(np.real(v)) * (k + 1) + np.cos(np.imag(v))) for k, v in enumerate(values))

    judged = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        program = rng.integers((len(STEPS), 9, 9), size=(rng.integers(1, 7), 3)).tolist()
        x, y, dx, dy = rng.normal(size=(4, 3, 3))
        try:
            value = run(program, x, y)
        except (ValueError, TypeError, np.linalg.LinAlgError):  # NumPy refuses it
            continue
        leaves = Tensor(x, requires_grad=True), Tensor(y, requires_grad=True)
        loss = run(program, *(leaf * 1.0 for leaf in leaves))
        np.testing.assert_allclose(loss.item(), value, rtol=1e-9, err_msg=str([STEPS[s] for s, _, _ in program]))
        loss.backward()
        own = sum(np.sum(t.grad * d) for t, d in zip(leaves, (dx, dy), strict=True) if t.grad is not None)
        slopes = [(run(program, x + h * dx, y + h * dy) - run(program, x - h * dx, y - h * dy)) / (2 * h)
                  for h in (1e-6, 1e-5)]  # fmt: skip
        assert np.isclose(slopes, own, rtol=1e-3, atol=1e-4).any(), [STEPS[s] for s, _, _ in program]
        judged += 1
    assert judged > 100
