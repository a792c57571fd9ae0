"""Values and gradients against PyTorch, where it is installed."""

from __future__ import annotations

from typing import Any

import installed
import numpy as np
import pytest

from autograd import Tensor

ANY = [((3, 4),), ((),), ((0, 3),)]
MATRIX, STACK, SQUARES = [((3, 4),)], [((2, 3, 4),)], [((3, 3),), ((2, 2, 2),)]
PAIRS = [((3, 4), (4,)), ((2, 1, 3), (4, 1)), ((), (3,)), ((1, 3), (0, 3))]
MASK = np.arange(12).reshape(3, 4) % 3 == 1


def normal(rng: Any, shape: tuple[int, ...]) -> Any:
    return rng.normal(size=shape)


def positive(rng: Any, shape: tuple[int, ...]) -> Any:
    return rng.uniform(0.5, 2.0, size=shape)


def inside(rng: Any, shape: tuple[int, ...]) -> Any:
    return rng.uniform(-0.9, 0.9, size=shape)


def regular(rng: Any, shape: tuple[int, ...]) -> Any:
    return rng.normal(size=shape) + 3 * np.eye(*shape[-2:])


def named(name: str, shapes: Any = ANY, drawn: Any = normal) -> tuple[Any, ...]:
    """A function of arrays alone that has one name in both libraries."""

    def run(module: Any, *x: Any) -> Any:
        for part in name.split("."):
            module = getattr(module, part)
        return module(*x)

    return run, run, shapes, drawn


def shared(run: Any, shapes: Any = MATRIX, drawn: Any = normal) -> tuple[Any, ...]:
    """A call that both libraries take as it is."""
    return run, run, shapes, drawn


def differing(ours: Any, theirs: Any, shapes: Any = MATRIX, drawn: Any = normal) -> tuple[Any, ...]:
    """A call that the libraries spell differently."""
    return lambda m, *x: ours(*x), theirs, shapes, drawn


TORCH: dict[str, tuple[Any, ...]] = {
    **{name: named(name) for name in (
        "exp", "exp2", "expm1", "square", "sin", "cos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "absolute", "sinc",
        "sign", "floor", "negative", "deg2rad", "rad2deg", "i0", "nan_to_num", "ravel", "sum", "nansum", "prod",
    )},
    **{name: named(name, drawn=positive) for name in ("log", "log2", "log10", "log1p", "sqrt", "reciprocal")},
    **{name: named(name, drawn=inside) for name in ("arcsin", "arccos", "arctanh", "tan")},
    **{name: named(name, PAIRS) for name in (
        "add", "subtract", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "arctan2", "logaddexp",
        "logaddexp2", "copysign",
    )},
    **{name: named(name, PAIRS, positive) for name in ("divide", "float_power", "remainder", "fmod")},
    **{name: named(name, MATRIX) for name in ("trace", "diagonal", "cov", "corrcoef", "rot90", "linalg.norm")},
    **{name: named(name, SQUARES, regular) for name in ("linalg.inv", "linalg.det")},
    "arccosh": named("arccosh", drawn=lambda rng, shape: rng.uniform(1.5, 4.0, size=shape)),
    "power": shared(lambda m, a, b: a**b, PAIRS, positive),
    "mean over an axis": shared(lambda m, a: m.mean(a, -1)),
    "cumsum": shared(lambda m, a: m.cumsum(a, 0)),
    "cumprod": shared(lambda m, a: m.cumprod(a, 1)),
    "prod over an axis": shared(lambda m, a: m.prod(a, 1)),
    "var": differing(lambda a: np.var(a, axis=0), lambda m, a: m.var(a, dim=0, correction=0)),
    "std": differing(lambda a: np.std(a, ddof=1), lambda m, a: m.std(a)),
    "max over an axis": differing(lambda a: np.max(a, axis=1), lambda m, a: m.amax(a, 1)),
    "min": differing(np.min, lambda m, a: m.amin(a)),
    "median": shared(lambda m, a: m.median(a), [((7,),)]),
    "quantile": shared(lambda m, a: m.quantile(a, 0.3, 1)),
    "sort": differing(lambda a: np.sort(a, axis=0), lambda m, a: m.sort(a, dim=0)[0]),
    "diff": shared(lambda m, a: m.diff(a, 2)),
    "gradient": differing(lambda a: np.gradient(a, axis=1), lambda m, a: m.gradient(a, dim=1)[0]),
    "trapezoid": named("trapezoid", [((3, 4), (4,))]),
    "clip": shared(lambda m, a: m.clip(a, -0.5, 0.7), ANY),
    "clip to arrays": shared(lambda m, a, b: m.clip(a, b, b + 0.5), [((3, 4), (4,))]),
    "where": differing(
        lambda a, b: np.where(MASK, a, b), lambda m, a, b: m.where(m.tensor(MASK), a, b), [((3, 4), (4,)), ((), (3, 1))]
    ),
    "index": shared(lambda m, a: a[[0, 1, 1], :, 1:], STACK),
    "take_along_axis": differing(
        lambda a: np.take_along_axis(a, MASK * 2, 1), lambda m, a: m.take_along_dim(a, m.tensor(MASK * 2), 1)
    ),
    "stack": shared(lambda m, a, b: m.stack([a, b], 1), [((3, 4), (3, 4))]),
    "concatenate": shared(lambda m, a, b: m.concatenate([a, b], 1), [((3, 4), (3, 0)), ((3, 1), (3, 4))]),
    "split": differing(lambda a: np.split(a, 2, 1)[1] ** 2, lambda m, a: m.split(a, 2, 1)[1] ** 2),
    "tile": shared(lambda m, a: m.tile(a, (2, 1, 3)), ANY),
    "repeat": differing(lambda a: np.repeat(a, 2, 1), lambda m, a: m.repeat_interleave(a, 2, 1)),
    "roll": shared(lambda m, a: m.roll(a, 5)),
    "flip": shared(lambda m, a: m.flip(a, (0, 2)), STACK),
    "tril": shared(lambda m, a: m.tril(a, 1), STACK),
    "transpose": differing(lambda a: np.transpose(a, (2, 0, 1)), lambda m, a: m.permute(a, (2, 0, 1)), STACK),
    "moveaxis": shared(lambda m, a: m.moveaxis(a, 0, -1), STACK),
    "broadcast_to": shared(lambda m, a: m.broadcast_to(a, (2, 3, 4)), [((3, 1),), ((),)]),
    "matmul": named("matmul", [((3, 4), (4,)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3))]),
    "tensordot": shared(lambda m, a, b: m.tensordot(a, b, ((1,), (0,))), [((2, 3), (3, 4))]),
    "einsum": shared(lambda m, a, b: m.einsum("...ij,jk->...ki", a, b), [((2, 3, 4), (4, 5))]),
    "outer": named("outer", [((3,), (4,))]),
    "kron": named("kron", [((2, 3), (3, 2)), ((3,), (2, 2))]),
    "cross": named("linalg.cross", [((4, 3), (4, 3))]),
    "inner": named("inner", [((2, 3), (4, 3))]),
    "slogdet": shared(lambda m, a: m.linalg.slogdet(a)[1], SQUARES, regular),
    "solve": named("linalg.solve", [((3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1))], regular),
    "matrix_power": shared(lambda m, a: m.linalg.matrix_power(a, -2), SQUARES, regular),
    "pinv": named("linalg.pinv", [((4, 2),), ((2, 4),)]),
    "svdvals": named("linalg.svdvals", [((4, 2),), ((2, 3, 3),)]),
    "norm of order 3": differing(lambda a: np.linalg.norm(a, 3, -1), lambda m, a: m.linalg.vector_norm(a, 3, -1)),
    "norm of columns": differing(lambda a: np.linalg.norm(a, 1), lambda m, a: m.linalg.matrix_norm(a, 1)),
}  # fmt: skip


@pytest.fixture(scope="module")
def torch() -> Any:
    return installed.torch()


@pytest.mark.parametrize("name", TORCH)
def test_values_and_gradients_are_pytorchs(name: str, torch: Any) -> None:
    run_ours, run_theirs, several, drawn = TORCH[name]
    for k, shapes in enumerate(several):
        rng = np.random.default_rng(k)
        x = [drawn(rng, shape) for shape in shapes]
        ours, theirs = [Tensor(a, requires_grad=True) for a in x], [torch.tensor(a, requires_grad=True) for a in x]
        y, expected = run_ours(np, *ours), run_theirs(torch, *theirs)
        np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
        g = rng.normal(size=y.shape)
        y.backward(g)
        expected.backward(torch.tensor(g))
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-10, atol=1e-12)
