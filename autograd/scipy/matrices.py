"""Matrices that are made of others: by a power series of one, by Sylvester's equation, of blocks and of vectors.

For an analytic f, f([[A, E], [0, A]]) = [[f(A), L], [0, f(A)]], where L is the derivative of f at A along E (Higham,
"Functions of Matrices", 2008, 3.6). The rule asks for the derivative at the transpose along the gradient that arrives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from autograd.core.op import Rule
from autograd.rules.linalg import transposed
from autograd.rules.samples import normal
from autograd.scipy.definition import composed, recorded

# Functions of a matrix


def _rule(position: int) -> Rule:
    def rule(g: Any, y: Any, a: Any) -> Any:
        n, flipped = np.shape(a)[-1], transposed(a)
        upper, lower = np.concatenate((flipped, g), -1), np.concatenate((0 * flipped, flipped), -1)
        return _functions[position](np.concatenate((upper, lower), -2))[..., :n, n:]

    return rule


def _real(theirs: Any) -> Any:
    """In double precision, as SciPy measures its error by that, and where the result is real."""

    def on_arrays(A: Any) -> Any:
        value = theirs(np.asarray(A, np.float64))
        if value.dtype.kind == "c" and np.any(value.imag):
            raise ValueError("it is complex, as some eigenvalue is not positive")
        return value.real.astype(np.result_type(A, np.float32))

    return on_arrays


_functions: list[Any] = []
for _position, (_fn, _name) in enumerate(
    ((scipy.linalg.expm, "exp"), (scipy.linalg.logm, "log"), (scipy.linalg.sqrtm, "sqrt"),
     (scipy.linalg.cosm, "cos"), (scipy.linalg.sinm, "sin"))
):  # fmt: skip
    _functions.append(
        recorded(
            _fn,
            vjp=_rule(_position),
            on_arrays=_real(_fn) if _name in ("log", "sqrt") else None,
            math=rf"\bar a = D \operatorname{{{_name}}}(a^\top)[\bar y]",
            samples=[lambda rng: (0.3 * rng.normal(size=(3, 3)) + 2 * np.eye(3),)],
        )
    )
expm, logm, sqrtm = _functions[:3]

# Sylvester's equation a y + y b = q, and Lyapunov's


def _sylvester(g: Any, y: Any, a: Any, b: Any, q: Any) -> Any:
    return solve_sylvester(transposed(a), transposed(b), g)


solve_sylvester: Any = recorded(
    scipy.linalg.solve_sylvester,
    vjp=(
        lambda g, y, a, b, q: -_sylvester(g, y, a, b, q) @ transposed(y),
        lambda g, y, a, b, q: -transposed(y) @ _sylvester(g, y, a, b, q),
        _sylvester,
    ),
    math=(
        r"\bar a = -\bar q \, y^\top",
        r"\bar b = -y^\top \bar q",
        r"\bar q: \; a^\top \bar q + \bar q \, b^\top = \bar y",
    ),
    samples=[lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(2, 2)), rng.normal(size=(3, 2)))],
)


@composed(
    scipy.linalg.solve_continuous_lyapunov,
    math=r"a y + y a^\top = q",
    samples=[lambda rng: (rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(3, 3)))],
)
def _lyapunov(a: Any, q: Any) -> Any:
    return solve_sylvester(a, transposed(a), q)


# Blocks, and matrices of vectors


@composed(
    scipy.linalg.block_diag,
    math=r"\bar a_k \text{ is its block of } \bar y",
    samples=[normal((2, 2), (1, 3)), normal((2, 1))],
)
def _block_diag(*arrs: Any) -> Any:
    blocks = [np.atleast_2d(block) for block in arrs]
    width, left, rows = sum(np.shape(block)[-1] for block in blocks), 0, []
    for block in blocks:
        own = np.shape(block)[-1]
        rows.append(np.pad(block, ((0, 0), (left, width - left - own))))
        left += own
    return np.concatenate(rows)


def _vector(values: Any) -> Any:
    return np.ravel(np.atleast_1d(values))


@composed(
    scipy.linalg.toeplitz,
    math=r"y_{ij} = c_{i - j} \text{ or } r_{j - i}",
    samples=[normal(3, 4), normal(3)],
)
def _toeplitz(c: Any, r: Any = None) -> Any:
    c = _vector(c)
    r = c if r is None else _vector(r)
    rows, columns = len(c), len(r)
    steps = np.arange(columns) - np.arange(rows)[:, None] + rows - 1
    return np.concatenate((c[::-1], r[1:]))[steps]


@composed(scipy.linalg.circulant, math=r"y_{ij} = c_{i - j}, \quad c_{-k} = c_{n - k}", samples=[normal(4)])
def _circulant(c: Any) -> Any:
    steps = np.arange(np.shape(c)[-1])
    return c[..., steps[:, None] - steps]


@composed(
    scipy.linalg.hankel, math=r"y_{ij} = c_{i + j} \text{ or } r_{i + j - n + 1}", samples=[normal(3, 4), normal(3)]
)
def _hankel(c: Any, r: Any = None) -> Any:
    c = _vector(c)
    r = np.zeros(len(c)) if r is None else _vector(r)
    return np.concatenate((c, r[1:]))[np.arange(len(c))[:, None] + np.arange(len(r))]
