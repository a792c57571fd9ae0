"""Matrices that are made of others: by a power series of one, by Sylvester's and Riccati's equations, of blocks.

For an analytic f, f([[A, E], [0, A]]) = [[f(A), L], [0, f(A)]], where L is the derivative of f at A along E (Higham,
"Functions of Matrices", 2008, 3.6). The rule asks for the derivative at the transpose along the gradient that arrives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from autograd.basis.arrays import holds
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


@composed(
    scipy.linalg.solve_discrete_lyapunov,
    math=r"a y a^\top - y + q = 0",
    samples=[lambda rng: (0.3 * rng.normal(size=(3, 3)), rng.normal(size=(3, 3)))],
)
def solve_discrete_lyapunov(a: Any, q: Any) -> Any:
    """By the equation of all elements at once."""
    n = np.shape(a)[-1]
    return np.reshape(np.linalg.solve(np.eye(n * n) - np.kron(a, a), np.ravel(q)), (n, n))


# Riccati's equations. Their solution y is the least cost from a state on, x' y x, and the control is -k x. As k is the
# best there, y moves as the cost of a fixed k does (Kao and Hennequin, "Automatic differentiation of Sylvester,
# Lyapunov, and algebraic Riccati equations", 2020).


def _symmetric(theirs: Any) -> Any:
    """Of q and r but for a change of one element, whose half the other one has."""

    def on_arrays(a: Any, b: Any, q: Any, r: Any) -> Any:
        for name, matrix in (("q", q), ("r", r)):
            if holds(np.any(np.abs(matrix - matrix.T) > 1e-2 * np.max(np.abs(matrix)))):
                raise ValueError(f"{name} is not a symmetric matrix")
        return theirs(a, b, (q + q.T) / 2, (r + r.T) / 2)

    return on_arrays


def _sensitivity(discrete: bool, g: Any, y: Any, a: Any, b: Any, r: Any) -> tuple[Any, Any, Any]:
    """The gradient of q, the control k, and 2 y (a - b k) or, in continuous time, 2 y."""
    g, r = (g + transposed(g)) / 2, (r + transposed(r)) / 2  # of which the equation takes the symmetric part
    if discrete:
        k = np.linalg.solve(r + transposed(b) @ y @ b, transposed(b) @ y @ a)
        closed = a - b @ k
        return solve_discrete_lyapunov(closed, g), k, 2 * y @ closed
    k = np.linalg.solve(r, transposed(b) @ y)
    closed = a - b @ k
    return solve_sylvester(closed, transposed(closed), -g), k, 2 * y


def _riccati(discrete: bool) -> tuple[Rule, ...]:
    def of_a(g: Any, y: Any, a: Any, b: Any, q: Any, r: Any) -> Any:
        s, _, slope = _sensitivity(discrete, g, y, a, b, r)
        return slope @ s

    def of_b(g: Any, y: Any, a: Any, b: Any, q: Any, r: Any) -> Any:
        s, k, slope = _sensitivity(discrete, g, y, a, b, r)
        return -slope @ s @ transposed(k)

    def of_q(g: Any, y: Any, a: Any, b: Any, q: Any, r: Any) -> Any:
        return _sensitivity(discrete, g, y, a, b, r)[0]

    def of_r(g: Any, y: Any, a: Any, b: Any, q: Any, r: Any) -> Any:
        s, k, _ = _sensitivity(discrete, g, y, a, b, r)
        return k @ s @ transposed(k)

    return of_a, of_b, of_q, of_r


for _discrete, _fn in ((False, scipy.linalg.solve_continuous_are), (True, scipy.linalg.solve_discrete_are)):
    _equation = r"c \bar q c^\top - \bar q + \bar y = 0" if _discrete else r"c \bar q + \bar q c^\top + \bar y = 0"
    _slope = "2 y c" if _discrete else "2 y"
    recorded(
        _fn,
        vjp=_riccati(_discrete),
        on_arrays=_symmetric(_fn),
        math=(
            rf"\bar a = {_slope} \bar q, \quad c = a - b k",
            rf"\bar b = -{_slope} \bar q k^\top",
            rf"\bar q: \; {_equation}",
            r"\bar r = k \bar q k^\top",
        ),
        samples=[lambda rng: (rng.normal(size=(3, 3)), rng.normal(size=(3, 2)), 2 * np.eye(3), np.eye(2))],
    )


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
