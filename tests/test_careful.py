"""Gradients through what the program threw away: 0 where nothing arrives, and never 0 where something does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor, detect_anomaly, grad, hessian, jacobian, jvp
from autograd.array.careful import _sent
from autograd.core.node import Node
from autograd.core.op import Op, operations
from autograd.core.tensor import apply
from autograd.inspection import AnomalyError

POLES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "sqrt": (np.sqrt, 0.0),
    "a root by **": (lambda x: x**0.5, 0.0),
    "cbrt": (np.cbrt, 0.0),
    "log": (np.log, 0.0),
    "log1p": (np.log1p, -1.0),
    "reciprocal": (np.reciprocal, 0.0),
    "divide": (lambda x: np.sin(x) / x, 0.0),
    "a negative power": (lambda x: x**-1.5, 0.0),
    "x log x": (lambda x: x * np.log(x), 0.0),
    "arcsin": (np.arcsin, 1.0),
    "arctanh": (np.arctanh, 1.0),
    "an overflow": (lambda x: np.exp(x * x), 1e9),
    "a NaN": (lambda x: (x - 0.25) ** 2, np.nan),
    "an infinity": (np.cos, np.inf),
}
BAD = np.array([True, False, False])


def written(v: Any) -> Any:
    v[0] = 0.0
    return v


WAYS: dict[str, Callable[[Any], Any]] = {
    "where": lambda v: np.where(BAD, 0.0, v),
    "where, the other way": lambda v: np.where(~BAD, v, 1.0),
    "a mask": lambda v: v[~BAD],
    "positions": lambda v: v[[1, 2]],
    "a slice": lambda v: v[1:],
    "take": lambda v: np.take(v, [1, 2]),
    "compress": lambda v: np.compress(~BAD, v),
    "sum(where=)": lambda v: np.sum(v, where=~BAD),
    "mean(where=)": lambda v: np.mean(v, where=~BAD),
    "max(where=)": lambda v: np.max(v, where=~BAD, initial=-9.0),
    "var(where=)": lambda v: np.var(v, where=~BAD),
    "overwriting": written,
    "select": lambda v: np.select([~BAD], [v]),
    "choose": lambda v: np.choose(BAD * 1, [v, 0.0]),
    "a matrix of zeros and ones": lambda v: np.where(BAD, 0.0, v) @ np.eye(3)[:, 1:],
    "another function behind": lambda v: np.tanh(np.where(BAD, 0.0, v)) ** 2,
    "a reshape behind": lambda v: v.reshape(3, 1).T[0, 1:],
}


def expected(way: Callable[[Any], Any], fn: Callable[[Any], Any], x: Any) -> Any:
    """The gradient of the same program on a harmless value, which gets none."""
    return np.where(BAD, 0, grad(lambda x: np.sum(way(fn(x))))(np.where(BAD, 0.25, x)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pole", POLES)
def test_what_is_thrown_away_spoils_nothing(way: str, pole: str) -> None:
    (fn, place), choose = POLES[pole], WAYS[way]
    x = np.where(BAD, place, [0.0, 0.4, 0.7])
    with np.errstate(all="ignore"):
        found = grad(lambda x: np.sum(choose(fn(x * 1.0))))(x)
    np.testing.assert_allclose(found, expected(choose, fn, x), rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "x", "gradient"),
    [
        (lambda x: np.nansum((x - 1) ** 2), [np.nan, 3.0], [0, 4]),
        (lambda x: np.nanmean((x - 1) ** 2), [np.nan, 3.0], [0, 4]),
        (lambda x: np.where(x >= 0, x, np.sqrt(-x)), 1.0, 1),
        (lambda x: np.sum(np.sqrt(np.maximum(x, 0.0))), [-1.0, 4.0], [0, 0.25]),
        (lambda x: np.sum(np.sqrt(np.clip(x, 0, 1))), [-1.0, 0.25, 2.0], [0, 1, 0]),
        (lambda x: np.sum(np.sqrt(nn.functional.relu(x))), [-1.0, 4.0], [0, 0.25]),
        (lambda x: np.sum(np.sqrt(x) * np.array([0.0, 1.0])), [0.0, 4.0], [0, 0.25]),
        (lambda x: np.sum(np.array([0.0, 1.0]) @ np.sqrt(x)), [0.0, 4.0], [0, 0.25]),
        (lambda x: np.max(np.sqrt(x)), [0.0, 4.0], [0, 0.25]),
        (lambda x: np.sort(np.sqrt(x))[1], [0.0, 4.0], [0, 0.25]),
        (lambda x: np.sum(np.sign(np.sqrt(x)) + x), [0.0, 4.0], [1, 1]),
        (lambda x: np.sum(np.where([True, False], np.std(x, 1), 0)), [[1.0, 3], [np.nan, 1]], [[-0.5, 0.5], [0, 0]]),
    ],
)  # fmt: skip
def test_a_kink_a_mask_or_a_constant_zero_throws_away(loss: Any, x: Any, gradient: Any) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(grad(loss)(np.array(x)), gradient)


@pytest.mark.parametrize(
    ("choose", "factor", "gradient"),
    [
        (np.max, -np.inf, [0, 2, 0]),
        (np.min, np.inf, [1, 0, 0]),
        (lambda z: np.maximum(z, 0.5), -np.inf, [1, 2, 0]),
        (lambda z: np.clip(z, 0.5, 3.0), np.inf, [1, 2, 0]),
        (lambda z: np.fmax(z, 0.5), np.nan, [1, 2, 0]),
        (lambda z: np.sort(z)[:2], np.inf, [1, 2, 0]),
        (np.median, np.inf, [0, 2, 0]),
        (np.nanmax, np.nan, [0, 2, 0]),
        (np.nanmin, np.nan, [1, 0, 0]),
        (np.nanvar, np.nan, [-0.5, 1, 0]),
        (np.nanstd, np.nan, [-0.5, 1, 0]),
        (np.nanmedian, np.nan, [0.5, 1, 0]),
        (np.nan_to_num, np.nan, [1, 2, 0]),
        (lambda z: np.tril(z, -1), np.nan, [2, 2, 0]),
        (lambda z: np.take_along_axis(z, np.array([0, 1]), 0), np.nan, [1, 2, 0]),
        (lambda z: z[np.argsort(z)[:2]], np.nan, [1, 2, 0]),
    ],
)
def test_a_factor_that_is_not_finite_spoils_nothing_where_its_product_is_not_chosen(
    choose: Any, factor: float, gradient: Any
) -> None:
    w, y = Tensor(np.ones(3), requires_grad=True), np.array([1.0, 2.0, factor])
    np.sum(choose(w * y)).backward()
    np.testing.assert_allclose(w.grad, gradient)


def test_a_component_of_a_cross_product_has_no_part_of_the_others() -> None:
    found = grad(lambda a: np.cross(a, np.array([1.0, 2.0, np.nan]))[2])(np.ones(3))
    np.testing.assert_allclose(found, [2, -1, 0])


def test_a_compiled_step_leaves_out_what_is_missing_later() -> None:
    w = Tensor(np.ones(3), requires_grad=True, name="w")

    def step(y: Any) -> None:
        w.zero_grad()
        (np.nanmax(w * y) + np.nanvar(w * y)).backward()

    compiled = autograd.compile(step, state=w)
    for y in ([1.0, 2.0, 3.0], [1.0, 2.0, np.nan], [1.0, np.nan, 2.0]):
        step(np.array(y))
        eager = np.array(w.grad)
        compiled(np.array(y))
        np.testing.assert_allclose(w.grad, eager)
        assert np.all(np.isfinite(eager))


def test_rows_with_missing_inputs_do_not_spoil_the_weights() -> None:
    x, known = np.array([[1.0, 2.0], [np.nan, 1.0], [3.0, np.inf]]), np.array([True, False, False])
    found = grad(lambda w: np.sum(np.where(known, np.tanh(x @ w), 0)))(np.array([0.1, 0.2]))
    np.testing.assert_allclose(found, x[0] / np.cosh(0.5) ** 2)


# A zero that was computed is no zero that nobody sent


@pytest.mark.parametrize(
    "identity",
    [
        lambda x: 1 / (1 / x),
        lambda x: np.reciprocal(np.reciprocal(x)),
        lambda x: np.sqrt(x) ** 2,
        lambda x: np.square(np.sqrt(x)),
        lambda x: np.sqrt(x) * np.sqrt(x),
        lambda x: np.cbrt(x) ** 3,
        lambda x: np.cbrt(x**3),
        lambda x: (x**3) ** (1 / 3),
        lambda x: np.exp(np.log(x)),
        lambda x: np.sqrt(np.sqrt(x) ** 4),
        lambda x: np.where(x >= 0, np.sqrt(x) ** 2, 0.0),
        lambda x: np.sqrt(np.maximum(x, -1)) ** 2,
    ],
)
def test_the_slope_of_the_identity_at_0_is_never_0(identity: Any) -> None:
    with np.errstate(all="ignore"):
        slope = grad(identity)(0.0)
    assert np.isnan(slope) or slope == 1


@pytest.mark.parametrize("fn", [np.sqrt, lambda x: x**0.5, lambda x: np.sum(np.sqrt(x)), lambda x: np.sqrt(3 * x)])
def test_an_infinite_slope_that_matters_is_infinite(fn: Any) -> None:
    with np.errstate(all="ignore"):
        assert grad(fn)(0.0) == np.inf


# Roots of what is smallest there

ROOTS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "a distance": (lambda x: np.sqrt(np.sum((x - np.ones(2)) ** 2)), np.ones(2)),
    "a power": (lambda x: np.sum(x * x) ** 0.5, np.zeros(2)),
    "a root of a square": (lambda x: np.sum(np.sqrt(x**2)), np.zeros(2)),
    "a root of an absolute value": (lambda x: np.sum(np.sqrt(np.abs(x))), np.zeros(2)),
    "a quadratic form": (lambda x: np.sqrt(x @ np.array([[2.0, 1], [1, 3]]) @ x), np.zeros(2)),
    "a product": (lambda x: np.sqrt(np.dot(x, x) + np.einsum("i,i", x, x)), np.zeros(2)),
    "a weighted mean": (lambda x: np.sqrt(np.mean(np.array([1.0, 3]) * x**2)), np.zeros(2)),
    "a variance": (lambda x: np.sqrt(np.var(x)), np.ones(3)),
    "a squared distance": (lambda x: np.sqrt(np.sum(x**2)) ** 2, np.zeros(2)),
    "an angle": (lambda x: np.sum(np.arccos(np.cos(x))), np.zeros(2)),
}


@pytest.mark.parametrize("case", ROOTS)
def test_where_a_root_has_its_minimum_the_gradient_is_0(case: str) -> None:
    fn, x = ROOTS[case]
    np.testing.assert_array_equal(grad(fn)(x), 0)
    for direction in np.random.default_rng(0).normal(size=(3, x.size)):  # both one-sided slopes are as steep
        up, down = fn(x + 1e-4 * direction) - fn(x), fn(x - 1e-4 * direction) - fn(x)
        np.testing.assert_allclose(up, down, rtol=1e-3, atol=1e-12)


def test_distances_of_all_pairs_leave_out_the_diagonal() -> None:
    x = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]])
    found = grad(lambda x: np.sum(np.sqrt(np.sum((x[:, None] - x[None]) ** 2, axis=-1))))(x)
    np.testing.assert_allclose(found, [[-2.4, -3.2], [1.2, 1.6], [1.2, 1.6]])


# Higher orders, and everything that makes a pass

Y = np.array([1.0, np.nan, 3.0])
MASKED = [
    (lambda p: np.where(np.isnan(Y), 0, (p - Y) ** 3), lambda p: (p - np.where(np.isnan(Y), p, Y)) ** 3),
    (lambda p: np.where(p > 0, p * np.log(p), 0), lambda p: np.array([0, 1, 1]) * p * np.log(p + 1e-300)),
]


@pytest.mark.parametrize(("masked", "rewritten"), MASKED)
def test_second_derivatives_are_those_of_the_program_without_the_values(masked: Any, rewritten: Any) -> None:
    p, v = np.array([0.0, 0.5, 2.0]), np.array([1.0, -2.0, 0.5])
    with np.errstate(all="ignore"):
        found, slope = hessian(lambda p: np.sum(masked(p)))(p), jvp(grad(lambda p: np.sum(masked(p))), [p], [v])[1]
        wanted = np.nan_to_num(hessian(lambda p: np.sum(rewritten(p)))(p))
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
        np.testing.assert_allclose(slope, wanted @ v, rtol=1e-12)
        np.testing.assert_array_equal(jacobian(lambda p: np.where(p > 0, np.log(p), 0))(p), np.diag([0, 2, 0.5]))


def masked_loss(w: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.sum(np.where(x > 0, w * np.log(x * w), 0.0))


def test_a_compiled_step_is_as_careful() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")

    def step(x: Any) -> Any:
        w.zero_grad()
        loss = masked_loss(w, x)
        loss.backward()
        return loss

    compiled = autograd.compile(step, state=w)
    for x in ([1.0, 2.0], [0.0, 2.0], [3.0, 1.0], [0.0, 3.0], [0.0, 0.0]):
        step(np.array(x))
        eager = np.array(w.grad)
        compiled(np.array(x))
        np.testing.assert_allclose(w.grad, eager, rtol=1e-13)
        assert np.all(np.isfinite(eager))
    assert compiled.stats.recorded == 2


def test_hooks_and_kept_gradients_are_of_the_careful_pass() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    seen: list[Any] = []
    inner = w * np.array([0.0, 3.0])
    inner.register_hook(seen.append)
    inner.retain_grad()
    with np.errstate(all="ignore"):
        np.sum(np.where(inner > 0, np.log(inner), 0.0)).backward()
    np.testing.assert_allclose(seen[-1], np.array([0, 1 / 6]))
    np.testing.assert_allclose(inner.grad, np.array([0, 1 / 6]))
    np.testing.assert_allclose(w.grad, [0, 0.5])


def test_a_picture_shows_them() -> None:
    w = Tensor([0.0, 2.0], requires_grad=True, name="w")
    with np.errstate(all="ignore"):
        shown = autograd.draw(np.sum(np.where(w > 0, np.log(w), 0.0))).source
    assert "nan" not in shown.lower()


def test_nothing_warns_where_the_gradient_is_finite() -> None:
    w = Tensor([0.0, 2.0], requires_grad=True)
    with np.errstate(all="ignore"):
        loss = np.sum(np.where(w > 0, np.log(w), 0.0))
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        loss.backward()
    np.testing.assert_array_equal(w.grad, [0, 0.5])


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 1e25), (np.float64, 1e200)])
@pytest.mark.parametrize("compiled", [False, True])
def test_nothing_warns_where_a_gradient_is_large(dtype: Any, large: float, compiled: bool) -> None:
    w = Tensor(np.ones(3, dtype), requires_grad=True)

    def step(scale: Any) -> Any:
        w.zero_grad()
        loss = np.sum(np.sqrt(w)) * scale
        loss.backward()
        return loss

    run: Any = autograd.compile(step, state=w) if compiled else step
    for times in (1, large, large):
        run(np.asarray(times, dtype))
        np.testing.assert_allclose(w.grad, times / 2, rtol=1e-6)


def test_where_it_is_not_finite_that_is_told_as_numpy_is_told_to() -> None:
    w = Tensor([0.0, 2.0], requires_grad=True)
    root = np.sum(np.sqrt(w))
    with pytest.warns(
        RuntimeWarning, match=r"gradient of np\.sum .* is not finite\. autograd\.detect_anomaly\(\) names"
    ):
        root.backward()
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        root.backward()
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("error")
        root.backward()


@pytest.mark.parametrize(
    "op", [op for op in operations() if type(op.vjp) is tuple and len(op.vjp) == 1 and op.broadcasts], ids=str
)
def test_where_a_slope_may_be_infinite_a_gradient_is_looked_at(op: Op) -> None:
    a = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    with np.errstate(all="ignore"):
        slopes = op.vjp[0](np.ones(7), op.on_any_array(a), a)
    assert op.wary or not np.any(np.isinf(slopes))


def test_a_graph_that_is_freed_is_there_for_a_careful_pass() -> None:
    w = Tensor([0.0, 2.0], requires_grad=True)
    with np.errstate(all="ignore"):
        loss = np.sum(np.where(w > 0, np.log(w), 0.0))
    loss.backward(retain_graph=False)
    np.testing.assert_array_equal(w.grad, [0, 0.5])
    with pytest.raises(RuntimeError, match="freed"):
        loss.backward()


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("grows", [np.exp, np.exp2, np.expm1, np.sinh, np.cosh])
@pytest.mark.parametrize("bounded", [np.tanh, np.arctan, nn.functional.sigmoid, lambda u: 1 / (1 + u), np.minimum])
def test_what_overflows_and_is_bounded_then_has_the_slope_0(bounded: Any, grows: Any) -> None:
    bounded = (lambda u: np.minimum(u, 5.0)) if bounded is np.minimum else bounded
    for x in (np.float64(3000.0), np.array([3000.0, 5000.0])):
        np.testing.assert_array_equal(grad(lambda x: np.sum(bounded(grows(x))))(x), 0.0 * x)


def test_anomalies_are_those_of_the_careful_pass() -> None:
    w = Tensor([0.0, 2.0], requires_grad=True, name="w")
    with np.errstate(all="ignore"):
        log, root = np.sum(np.where(w > 0, np.log(w), 0.0)), np.sum(np.sqrt(w) ** 2)
        with detect_anomaly():
            log.backward()
            with pytest.raises(AnomalyError, match=r"derivative of np\.sqrt of w of shape \(2,\) .* gave 1 NaN"):
                root.backward()
    np.testing.assert_array_equal(w.grad, [0, 0.5])


# Every record: nothing that arrives is taken for nothing


def cases() -> list[Any]:
    return [pytest.param(op, k, id=f"{op.name}-{k}") for op in operations() for k in range(min(len(op.samples), 6))]


@pytest.mark.parametrize(("op", "k"), cases())
def test_whatever_a_rule_sends_counts_as_reached(op: Op, k: int) -> None:
    rng = np.random.default_rng(k)
    args = op.samples[k](rng)
    call: Any = op.bind(*((args[:-1], args[-1]) if isinstance(args[-1], dict) else (args, {})))
    flat, options = call
    given = [
        Tensor(a, requires_grad=True) if isinstance(a, (float, np.ndarray)) and np.asarray(a).dtype.kind == "f" else a
        for a in flat
    ]
    node = apply(op, tuple(given), options)._node
    raw = [node.value, *(a.value if type(a) is Node else a for a in node.args)]
    for reached in (rng.random(np.shape(node.value)) < 0.5, np.zeros(np.shape(node.value), bool)):
        g = rng.normal(size=np.shape(node.value)) * reached
        for position, (operand, rule) in enumerate(zip(node.args, node.op.vjp, strict=False)):
            if type(operand) is Node and rule is not None:
                sent, arrives = _sent(node, position, g, reached, raw, raw)
                np.testing.assert_allclose(sent, rule(g, *raw, **node.kwargs), rtol=1e-13, atol=1e-300)
                assert np.any(reached) or not np.any(arrives)
