"""The policy where a derivative is not unique or not finite: ties, kinks, NaN, infinities, branches not taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from reference import RECORDS, Record, call, differentiable, mapped, of_numpy, parts, sample

from autograd import Tensor
from nn import functional as F  # noqa: N812

INF, NAN = np.inf, np.nan
BIG = np.float32([-1000, -100, -1, 0, 1, 100, 1000])


def gradients(fn: Callable[..., Any], *values: Any, weight: Any = 1.0) -> list[Any]:
    """The gradients of sum(weight * fn(values)), with respect to each."""
    leaves = [Tensor(np.array(value, float), requires_grad=True) for value in values]
    with np.errstate(all="ignore"):  # of poles on purpose
        np.sum(fn(*leaves) * weight).backward()
    return [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves]


def second(fn: Callable[..., Any], *values: Any) -> list[Any]:
    """The gradients of the sum of all first derivatives; zeros where these are constant."""
    leaves = [Tensor(np.array(value, float), requires_grad=True) for value in values]
    with np.errstate(all="ignore"):
        np.sum(fn(*leaves)).backward(create_graph=True)
        total: Any = sum(np.sum(leaf.grad) for leaf in leaves)
        for leaf in leaves:
            leaf.zero_grad()
        if total.requires_grad:
            total.backward()
    return [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves]


def written(write: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """What `write(t, v)` makes of zeros."""

    def fn(v: Any) -> Any:
        t = Tensor(np.zeros(2))
        write(t, v)
        return t

    return fn


# A case: the function, its operands, and the gradient of the sum of its elements with respect to each

Policy = dict[str, tuple[Callable[..., Any], list[Any], list[Any]]]

TWO_TENSORS: Policy = {
    "maximum shares a tie": (np.maximum, [[1, 2, 3], [1, 5, 0]], [[0.5, 0, 1], [0.5, 1, 0]]),
    "minimum shares a tie": (np.minimum, [[1, 2, 3], [1, 5, 0]], [[0.5, 1, 0], [0.5, 0, 1]]),
    "fmax shares a tie": (np.fmax, [[1, 2, 3], [1, 5, 0]], [[0.5, 0, 1], [0.5, 1, 0]]),
    "fmin shares a tie": (np.fmin, [[1, 2, 3], [1, 5, 0]], [[0.5, 1, 0], [0.5, 0, 1]]),
    "equal infinities tie": (np.minimum, [[INF, -INF], [INF, -INF]], [[0.5, 0.5], [0.5, 0.5]]),
    "an initial that is a Tensor ties": (lambda a, b: np.max(a, initial=b), [[3, 1], 3], [[0.5, 0], 0.5]),
    "a tie is shared before broadcasting is summed": (np.maximum, [[0, 0, 1], 0], [[0.5, 0.5, 1], 1]),
}
A_CONSTANT: Policy = {
    "wins maximum, as in a ReLU": (lambda x: np.maximum(0, x), [[-1, 0, 2]], [[0, 0, 1]]),
    "wins minimum": (lambda x: np.minimum(x, 6.0), [[5, 6, 7]], [[1, 0, 0]]),
    "wins fmax": (lambda x: np.fmax(0.0, x), [[-1, 0, 2]], [[0, 0, 1]]),
    "wins fmin": (lambda x: np.fmin(np.zeros(3), x), [[-1, 0, 2]], [[1, 0, 0]]),
    "wins as a Tensor too": (lambda x: np.maximum(Tensor(0.0), x), [[-1, 0, 2]], [[0, 0, 1]]),
    "wins relu": (F.relu, [[-1, 0, 2]], [[0, 0, 1]]),
    "wins clip at both bounds": (lambda x: np.clip(x, 0, 1), [[-1, 0, 0.5, 1, 2]], [[0, 0, 1, 0, 0]]),
    "wins as the initial of max": (lambda x: np.max(x, initial=3), [[1, 3]], [[0, 0]]),
    "wins as the initial of min": (lambda x: np.min(x, initial=1), [[1, 3]], [[0, 0]]),
    "is what mean= of a variance is": (lambda x: np.var(x, mean=np.zeros(1)), [[1, 3]], [[1, 3]]),
}
KINKS: Policy = {
    "clip gives its bounds what they cut": (np.clip, [[-1, 0, 0.5, 1, 3], 0, 1], [[0, 0, 1, 0, 0], 2, 2]),
    "clip with crossed bounds is its upper bound": (np.clip, [[0, 5], 2, 1], [[0, 0], 0, 2]),
    "absolute is 0 at 0": (np.absolute, [[-2, -0.0, 0.0, 3]], [[-1, 0, 0, 1]]),
    "fabs is 0 at 0": (np.fabs, [[-2, -0.0, 0.0, 3]], [[-1, 0, 0, 1]]),
    "copysign is 0 at 0": (np.copysign, [[0, 2], [-1, -1]], [[0, -1], [0, 0]]),
    "heaviside reads its second operand at 0": (np.heaviside, [[-1, 0, 1], 0.5], [[0, 0, 0], 1]),
    "remainder takes the side of its quotient": (np.remainder, [[6, -6], [3, 3]], [[1, 1], [-2, 2]]),
    "hypot is 0 at the origin": (np.hypot, [[0, 3], [0, 4]], [[0, 0.6], [0, 0.8]]),
    "arctan2 is 0 at the origin": (np.arctan2, [[0, 0], [0, 2]], [[0, 0.5], [0, 0]]),
    "angle is 0 where it jumps": (np.angle, [[-1, 0, 2]], [[0, 0, 0]]),
    "sinc is 0 at 0": (np.sinc, [[0.0]], [[0]]),
    "fmod takes the side of its quotient": (np.fmod, [[6, -6], [3, 3]], [[1, 1], [-2, 2]]),
    "divmod takes the side of its quotient": (lambda a, b: np.divmod(a, b)[1], [[6, -6], [3, 3]], [[1, 1], [-2, 2]]),
    "floor_divide is 0 where it jumps": (np.floor_divide, [[6, -5], [3, 3]], [[0, 0], [0, 0]]),
    "nextafter is 0 for the direction": (np.nextafter, [[1, 2], [1, 3]], [[1, 1], [0, 0]]),
    "modf is 0 for the whole part": (lambda x: np.modf(x)[0] + 9 * np.modf(x)[1], [[1.5, -2]], [[1, 1]]),
    "frexp counts its exponent as constant": (lambda x: np.frexp(x)[0], [[3, 0.5]], [[0.25, 1]]),
    "unwrap counts what it adds as constant": (np.unwrap, [[0, 4]], [[1, 1]]),
    "interp takes the interval on the right": (lambda x: np.interp(x, [0, 1, 3], [0, 1, 5]), [[-1, 1, 4]], [[0, 2, 0]]),
    "trim_zeros is 0 for what it trims": (np.trim_zeros, [[0, 2, 0, 3, 0]], [[0, 1, 1, 1, 0]]),
    "polymul is 0 for leading zeros": (np.polymul, [[0, 1], [2, 3]], [[0, 5], [1, 1]]),
    "polydiv leaves out leading zeros": (lambda u, v: np.polydiv(u, v)[1], [[1, 3], [1, 0]], [[0, 1], [0, -1]]),
    "full_like is 0 for its pattern": (np.full_like, [[1, 2], 3], [[0, 0], 2]),
    "histogram has moving edges only": (lambda x: np.histogram(x, 2)[1], [[0, 1, 3]], [[1.5, 0, 1.5]]),
    "histogram2d too": (lambda x: np.histogram2d(x, x**2, 2)[1], [[0, 1, 3]], [[1.5, 0, 1.5]]),
    "histogramdd too": (lambda x: np.histogramdd(x[:, None], 2)[1][0], [[0, 1, 3]], [[1.5, 0, 1.5]]),
    "histogram_bin_edges has a constant number of them": (
        lambda x: np.histogram_bin_edges(x, 2),
        [[0, 1, 3]],
        [[1.5, 0, 1.5]],
    ),
    "std of equal elements is 0": (np.std, [[2, 2, 2]], [[0, 0, 0]]),
    "std of equal elements whose mean is rounded is 0": (np.std, [[0.1, 0.1, 0.1]], [[0, 0, 0]]),
    "std of equal rows is 0, and no other": (
        lambda x: np.std(x, axis=1),
        [[[0.1, 0.1, 0.1, 0.1], [1, 3, 1, 3]]],
        [[[0, 0, 0, 0], [-0.25, 0.25, -0.25, 0.25]]],
    ),
    "nanstd of equal elements is 0": (np.nanstd, [[2, NAN, 2]], [[0, 0, 0]]),
    "ptp of equal elements is 0": (np.ptp, [[2, 2, 2]], [[0, 0, 0]]),
}
STEPS: Policy = {
    f"{fn.__name__} is 0 everywhere": (fn, [[-1, -0.5, 0, 0.3, 2]], [np.zeros(5)])
    for fn in (np.sign, np.floor, np.ceil, np.trunc, np.rint, np.fix, np.round, np.around, np.spacing)
}
CHOICES: Policy = {
    "max shares equally": (lambda x: np.max(x, axis=1), [[[1, 3, 3], [2, 2, 1]]], [[[0, 0.5, 0.5], [0.5, 0.5, 0]]]),
    "min shares equally": (np.min, [[2, 1, 1, 1, 1]], [[0, 0.25, 0.25, 0.25, 0.25]]),
    "amax shares equally": (np.amax, [[1, 3, 3]], [[0, 0.5, 0.5]]),
    "amin shares equally": (np.amin, [[1, 1, 3]], [[0.5, 0.5, 0]]),
    "pad by a maximum shares equally": (lambda x: np.pad(x, 1, "maximum"), [[1, 1]], [[2, 2]]),
    "maximum.reduce shares equally": (np.maximum.reduce, [[3, 1, 3]], [[0.5, 0, 0.5]]),
    "nanmax shares among what is no NaN": (np.nanmax, [[NAN, 3, 3, 1]], [[0, 0.5, 0.5, 0]]),
    "median of an even number takes the two in the middle": (np.median, [[4, 1, 2, 9]], [[0.5, 0, 0.5, 0]]),
    "quantile divides between two ranks": (lambda x: np.quantile(x, 0.25), [[4, 1, 3]], [[0, 0.5, 0.5]]),
    "quantile at a rank takes it alone": (lambda x: np.quantile(x, [0.0, 0.5]), [[4, 1, 3]], [[0, 1, 1]]),
    "percentile at a rank takes it alone": (lambda x: np.percentile(x, 50), [[4, 1, 3]], [[0, 0, 1]]),
    "nanpercentile at a rank takes it alone": (lambda x: np.nanpercentile(x, 50), [[4, NAN, 1, 3]], [[0, 0, 0, 1]]),
    "sort keeps equals in order": (lambda x: np.sort(x) * [1, 2, 3, 4], [[2, 1, 2, 1]], [[3, 1, 4, 2]]),
    "partition keeps equals in order": (lambda x: np.partition(x, 0)[:2] * [1, 2], [[2, 1, 2, 1]], [[0, 1, 0, 2]]),
    "unique gives the first of equals": (np.unique, [[2, 1, 2]], [[1, 1, 0]]),
    "unique_values gives the first of equals": (np.unique_values, [[2, 1, 2]], [[1, 1, 0]]),
    "unique_all gives the first of equals": (lambda x: np.unique_all(x).values, [[2, 1, 2]], [[1, 1, 0]]),
    "unique_counts gives the first of equals": (lambda x: np.unique_counts(x).values, [[2, 1, 2]], [[1, 1, 0]]),
    "unique_inverse gives the first of equals": (lambda x: np.unique_inverse(x).values, [[2, 1, 2]], [[1, 1, 0]]),
    "union1d gives the first of equals": (np.union1d, [[2, 1], [2, 3]], [[1, 1], [0, 1]]),
    "setdiff1d gives the first of equals": (np.setdiff1d, [[2, 2, 1], [1]], [[1, 0, 0], [0]]),
    "setxor1d gives the first of equals": (np.setxor1d, [[1, 1, 2], [2, 3]], [[1, 0, 0], [0, 1]]),
    "the last writer of put": (written(lambda t, v: np.put(t, [0, 0], v)), [[1, 2]], [[0, 1]]),
    "the last writer of put_along_axis": (
        written(lambda t, v: np.put_along_axis(t, np.array([0, 0]), v, 0)),
        [[1, 2]],
        [[0, 1]],
    ),
    "the last writer of t[i]": (written(lambda t, v: t.__setitem__([0, 0], v)), [[1, 2]], [[0, 1]]),
}
INFINITIES: Policy = {
    "logaddexp of two -inf shares": (np.logaddexp, [[-INF, -INF], [-INF, 1]], [[0.5, 0], [0.5, 1]]),
    "logaddexp2 of two inf shares": (np.logaddexp2, [[INF, INF], [INF, 1]], [[0.5, 1], [0.5, 0]]),
    "hypot has the limit": (np.hypot, [[INF, -INF], [1, 2]], [[1, -1], [0, 0]]),
    "arctan2 has the limit": (np.arctan2, [[INF, 1], [1, -INF]], [[0, 0], [0, 0]]),
    "nan_to_num gives nothing to what it replaces": (np.nan_to_num, [[NAN, INF, 2]], [[0, 0, 1]]),
    "1 / (1 + exp(-x)) may overflow": (lambda x: 1 / (1 + np.exp(-x)), [[-1e4, 0, 1e4]], [[0, 0.25, 0]]),
    "sqrt stays infinite at a pole that matters": (np.sqrt, [[0, 4]], [[INF, 0.25]]),
}
PRODUCTS: Policy = {
    "prod without a zero": (np.prod, [[2, 3, 4]], [[12, 8, 6]]),
    "prod with one zero": (np.prod, [[2, 0, 4]], [[0, 8, 0]]),
    "prod with two zeros": (np.prod, [[0, 0, 4]], [[0, 0, 0]]),
    "prod over an axis": (lambda x: np.prod(x, axis=0), [[[0, 1], [5, 0]]], [[[5, 0], [0, 1]]]),
    "nanprod with a zero": (np.nanprod, [[2, NAN, 0]], [[0, 0, 2]]),
    "cumprod with a zero": (np.cumprod, [[2, 0, 4]], [[1, 10, 0]]),
}
POWERS: Policy = {
    "x**0 is 0 at 0": (lambda x: x**0, [[0, 2]], [[0, 0]]),
    "x**0.0 is 0 at 0": (lambda x: x**0.0, [[0, 2]], [[0, 0]]),
    "x**1 is 1 at 0": (lambda x: x**1, [[0, 2]], [[1, 1]]),
    "x**2 is 0 at 0": (lambda x: x**2, [[0, 2]], [[0, 4]]),
    "x**y is 0 at 0": (np.power, [[0, 0, 0], [0, 1, 2]], [[0, 1, 0], [0, 0, 0]]),
    "0**y is 0": (lambda y: 0.0**y, [[-1, 0, 1, 2.5]], [[0, 0, 0, 0]]),
    "0**y of two Tensors is 0 for y": (
        lambda y, x: np.power(np.where(y < 9, x, 1), y),
        [[0, 1, 2.5], 0],
        [[0, 0, 0], 1],
    ),
    "float_power is as power": (np.float_power, [[0, 0, 0], [0, 1, 2]], [[0, 1, 0], [0, 0, 0]]),
}
WITHOUT_NAN: Policy = {
    "nansum": (np.nansum, [[NAN, 1, 2]], [[0, 1, 1]]),
    "nanmean": (np.nanmean, [[NAN, 1, 2]], [[0, 0.5, 0.5]]),
    "nanmin": (np.nanmin, [[NAN, 1, 2]], [[0, 1, 0]]),
    "nanvar": (np.nanvar, [[NAN, 1, 3]], [[0, -1, 1]]),
    "nanmedian": (np.nanmedian, [[NAN, 1, 2, 5]], [[0, 0, 1, 0]]),
    "nanquantile": (lambda x: np.nanquantile(x, 1.0), [[NAN, 1, 2]], [[0, 0, 1]]),
    "nancumsum": (np.nancumsum, [[1, NAN, 2]], [[3, 0, 1]]),
    "nancumprod": (np.nancumprod, [[2, NAN, 3]], [[5, 0, 2]]),
    "fmax": (np.fmax, [[NAN, 1, NAN], [2, NAN, NAN]], [[0, 1, 0], [1, 0, 0]]),
    "fmin": (np.fmin, [[NAN, 1, NAN], [2, NAN, NAN]], [[0, 1, 0], [1, 0, 0]]),
}


TILTED = np.array([[0.6, -0.8], [0.8, 0.6]])  # of two singular values 1
EYE, RANK_ONE, TURN = np.eye(2), np.diag([1.0, 0.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
MATRICES: Policy = {
    "pinv keeps its rank": (np.linalg.pinv, [RANK_ONE], [[[-1, 1], [1, 0]]]),
    "lstsq keeps its rank": (lambda a, b: np.linalg.lstsq(a, b)[0], [RANK_ONE, [2, 3]], [[[-2, 2], [3, 0]], [1, 0]]),
    "cholesky reads one triangle": (np.linalg.cholesky, [[[4, 2], [2, 5]]], [[[3 / 16, 0], [0.25, 0.25]]]),
    "eig gives vectors of length 1": (
        lambda a: np.sum(np.linalg.eig(a)[1] ** 2),
        [np.diag([1.0, 2])],
        [np.zeros((2, 2))],
    ),
    "eigvalsh reads one triangle": (lambda a: np.linalg.eigvalsh(a)[1], [TURN], [[[0.5, 0], [1, 0.5]]]),
    "eigvals of the identity are those of the axes": (lambda a: np.linalg.eigvals(a)[1], [EYE], [[[0, 0], [0, 1]]]),
    "eigh reads one triangle": (lambda a: np.linalg.eigh(a)[0][1], [TURN], [[[0.5, 0], [1, 0.5]]]),
    "eigh does not turn equal eigenvalues": (lambda a: np.linalg.eigh(a)[1], [EYE], [np.zeros((2, 2))]),
    "svd does not turn equal singular values": (lambda a: np.linalg.svd(a)[0], [EYE], [np.zeros((2, 2))]),
    "svdvals at 0 is a subgradient": (lambda a: np.linalg.svdvals(a)[1], [RANK_ONE], [[[0, 0], [0, 1]]]),
    "slogdet is 0 for the sign": (lambda a: sum(np.linalg.slogdet(a)), [EYE], [EYE]),
    "cond takes one of each": (np.linalg.cond, [EYE], [[[1, 0], [0, -1]]]),
    "qr of a wide matrix follows its first columns": (lambda a: np.linalg.qr(a)[1] ** 2, [[[2, 0, 1]]], [[[4, 0, 2]]]),
}
NORMS: Policy = {
    **{
        f"norm {order} of a vector is 0 at 0": (lambda x, p=order: np.linalg.norm(x, p), [np.zeros(3)], [np.zeros(3)])
        for order in (None, 0, 1, 2, 3, 1.5, 0.5, -1, -2.5, INF, -INF)
    },
    **{
        f"norm {order} of a matrix is 0 at 0": (lambda x, p=order: np.linalg.norm(x, p), [0 * EYE], [0 * EYE])
        for order in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)
    },
    **{
        f"norm {order} of a row of zeros spoils no other": (
            lambda x, p=order: np.linalg.norm(x, p, axis=1), [[[0, 0], [0, -3]]], [[[0, 0], [0, -1]]],
        )
        for order in (None, 1, 2, 3, 1.5)
    },
    "vector_norm is 0 at 0": (np.linalg.vector_norm, [np.zeros(3)], [np.zeros(3)]),
    "matrix_norm is 0 at 0": (np.linalg.matrix_norm, [0 * EYE], [0 * EYE]),
    "elements that tie share": (lambda x: np.linalg.norm(x, INF), [[-2, 2, 1]], [[-0.5, 0.5, 0]]),
    "columns that tie share": (lambda x: np.linalg.norm(x, 1), [[[1, -1], [1, 1]]], [[[0.5, -0.5], [0.5, 0.5]]]),
    "singular values that tie share": (lambda x: np.linalg.norm(x, 2), [EYE], [EYE / 2]),
    "singular values that tie but for rounding share": (lambda x: np.linalg.norm(x, 2), [TILTED], [TILTED / 2]),
    "columns that tie but for rounding share": (
        lambda x: np.linalg.norm(x, 1), [[[0.1, 0.3], [0.2, 0]]], [[[0.5, 0.5], [0.5, 0]]],
    ),
}  # fmt: skip
POLICIES = {
    "two Tensors": TWO_TENSORS, "a constant wins": A_CONSTANT, "kinks": KINKS, "steps": STEPS, "choices": CHOICES,
    "infinities": INFINITIES, "products": PRODUCTS, "powers": POWERS, "NaN left out": WITHOUT_NAN,
    "matrices": MATRICES, "norms": NORMS,
}  # fmt: skip
CASES = [
    pytest.param(*case, id=f"{group}: {name}") for group, cases in POLICIES.items() for name, case in cases.items()
]


@pytest.mark.parametrize(("fn", "values", "expected"), CASES)
def test_the_gradient_where_it_is_not_unique(fn: Any, values: Any, expected: Any) -> None:
    for found, wanted in zip(gradients(fn, *values), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)


def test_every_policy_that_a_record_tells_is_pinned_here(monkeypatch: pytest.MonkeyPatch) -> None:
    met = set()

    def noting(protocol: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, fn, *rest, **kwargs: met.add(fn) or protocol(self, fn, *rest, **kwargs)

    for name in ("__array_function__", "__array_ufunc__"):
        monkeypatch.setattr(Tensor, name, noting(getattr(Tensor, name)))
    for case in CASES:
        fn, values, _ = case.values
        gradients(fn, *values)
    told = [record for record in RECORDS if record.ties and of_numpy(record.fn)]
    assert [record.name for record in told if record.fn not in met] == []


@pytest.mark.parametrize("fn", [np.median, np.nanmedian, lambda x: np.quantile(x, 0.5), lambda x: np.percentile(x, 50)])
def test_of_elements_that_tie_for_a_rank_one_gets_the_gradient(fn: Any) -> None:
    found = gradients(fn, [2, 1, 2, 3, 2])[0]
    assert sorted(found[[0, 2, 4]]) == [0, 0, 1]
    assert found[1] == found[3] == 0


# Second derivatives at the same places

SECOND: Policy = {
    "maximum at a tie": (np.maximum, [[1.0], [1.0]], [[0], [0]]),
    "absolute at 0": (np.absolute, [[0.0]], [[0]]),
    "sinc at 0": (np.sinc, [[0.0]], [[-(np.pi**2) / 3]]),
    "x**0 at 0": (lambda x: x**0, [[0.0]], [[0]]),
    "x**1 at 0": (lambda x: x**1, [[0.0]], [[0]]),
    "x**2 at 0": (lambda x: x**2, [[0.0]], [[2]]),
    "prod with one zero": (np.prod, [[2, 0, 4]], [[4, 6, 2]]),
    "prod with two zeros": (np.prod, [[0, 0, 4]], [[4, 4, 0]]),
    "std of equal elements": (np.std, [[2, 2, 2]], [[0, 0, 0]]),
    "max of ties": (np.max, [[1, 1, 1]], [[0, 0, 0]]),
}


@pytest.mark.parametrize("case", SECOND)
def test_the_second_derivative_of(case: str) -> None:
    fn, values, expected = SECOND[case]
    for found, wanted in zip(second(fn, *values), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("fn", [np.hypot, np.arctan2, np.logaddexp], ids=lambda fn: fn.__name__)
def test_second_derivatives_at_the_origin_are_finite(fn: Any) -> None:
    assert np.all(np.isfinite(second(fn, [0.0], [0.0])))


@pytest.mark.parametrize("ord", [None, 1, 2, 3, INF, -INF])
def test_second_derivatives_of_norms_at_zero_are_finite(ord: Any) -> None:
    assert np.all(np.isfinite(second(lambda x: np.linalg.norm(x, ord), np.zeros(3))[0]))


# Branches that were not taken

GUARDED: dict[str, tuple[Callable[[Any], Any], float]] = {
    "the root of 0": (np.sqrt, 0.0),
    "a fractional power of 0": (lambda x: x**0.5, 0.0),
    "a negative power of 0": (lambda x: x**-2, 0.0),
    "the logarithm of 0": (np.log, 0.0),
    "log1p of -1": (np.log1p, -1.0),
    "a division by zero": (lambda x: 1 / x, 0.0),
    "a division of zero by zero": (lambda x: x / x, 0.0),
    "sin x / x at 0": (lambda x: np.sin(x) / x, 0.0),
    "an overflow of exp": (np.exp, 1e4),
    "arcsin of 1": (np.arcsin, 1.0),
}


@pytest.mark.parametrize("case", GUARDED)
def test_where_keeps_out(case: str) -> None:
    fn, pole = GUARDED[case]
    found = gradients(lambda x: np.where(x == pole, 0.0, fn(x)), [pole, 0.5])[0]
    np.testing.assert_array_equal(found, [0, gradients(fn, [0.5])[0][0]])


@pytest.mark.parametrize("case", GUARDED)
def test_a_second_where_around_the_operand_keeps_out(case: str) -> None:
    fn, pole = GUARDED[case]
    x = Tensor([pole, 0.5], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing singular is computed at all
        np.sum(np.where(x == pole, 0.0, fn(np.where(x == pole, 0.5, x)))).backward()
    np.testing.assert_array_equal(x.grad, [0, gradients(fn, [0.5])[0][0]])


# Stable expressions, in float32, far out

STABLE: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": (F.sigmoid, lambda x: 0.25 / np.cosh(x / 2) ** 2),
    "sigmoid by tanh": (lambda x: 0.5 * (np.tanh(x / 2) + 1), lambda x: 0.25 / np.cosh(x / 2) ** 2),
    "softplus by logaddexp": (lambda x: np.logaddexp(0, x), lambda x: 0.5 * (np.tanh(x / 2) + 1)),
    "logarithm of sigmoid": (lambda x: -np.logaddexp(0, -x), lambda x: 0.5 * (1 - np.tanh(x / 2))),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
}


@pytest.mark.parametrize("case", STABLE)
def test_far_out_there_is_neither_overflow_nor_nan_in(case: str) -> None:
    fn, derivative = STABLE[case]
    x = Tensor(BIG, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = fn(x)
        np.sum(y).backward()
    with np.errstate(over="ignore"):
        expected = derivative(BIG.astype(np.float64))
    assert (y.dtype, x.grad.dtype) == (np.float32, np.float32)
    assert np.all(np.isfinite(y.data))
    np.testing.assert_allclose(x.grad, expected, rtol=1e-5, atol=1e-6)


def test_the_logarithm_of_a_sum_of_shifted_exponentials_is_stable() -> None:
    x = Tensor(np.float32([1000, 0, -1000, 1000]), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        top = np.max(x)
        (top + np.log(np.sum(np.exp(x - top)))).backward()
    np.testing.assert_allclose(x.grad, [0.5, 0, 0, 0.5], atol=1e-7)


# The records tell their policy

SPECIAL: list[Callable[[Any], Any]] = [
    np.zeros_like,
    np.ones_like,
    np.round,
    lambda a: np.eye(*a.shape[-2:]) + np.zeros_like(a) if a.ndim > 1 else np.sign(a),
]


def jumps(record: Record, k: int, change: Callable[[Any], Any]) -> bool:
    """Whether, at special values of its operands, NumPy's function has a kink or a jump."""
    args, kwargs = sample(record, k, 0)
    flags, rng = differentiable(record, args, kwargs), np.random.default_rng(1)
    operands = [change(np.asarray(v, float)) if f else v for v, f in zip(parts((args, kwargs)), flags, strict=True)]
    towards = [rng.normal(size=np.shape(v)) if f else 0 for v, f in zip(operands, flags, strict=True)]

    def at(t: float) -> list[Any]:
        moved = iter([v + t * d if f else v for v, d, f in zip(operands, towards, flags, strict=True)])
        return call(record, *mapped(lambda _: next(moved), (tuple(args), kwargs)))

    def bend(h: float) -> float:
        """How much the slopes on both sides differ; at a jump at least 1."""
        found = [0.0]
        for y, up, down in zip(at(0.0), at(h), at(-h), strict=True):
            found += [np.max(np.abs(up + down - 2 * y) / h, initial=0)]
            found += [1.0] * bool(np.any(np.abs(up - down) > 0.1 * (1 + np.abs(y))))
        return float(max(found))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            wide, near = bend(1e-5), bend(5e-6)
        except Exception:  # no place for the function, or its shape changes there
            return False
    return near > 1e-2 and near > 0.75 * wide


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_no_record_has_a_kink_that_it_does_not_tell(record: Record) -> None:
    found = [k for k in range(len(record.samples)) if any(jumps(record, k, change) for change in SPECIAL)]
    assert record.ties or not found
