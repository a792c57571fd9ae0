"""Slips as people write them, in loops, choices, labels and normalisations: the cause, and the sentence about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor
from autograd.testing import Report, compare_grads
from tests.students import softmax

Hand = dict[str, Any]
Case = tuple[Tensor, Hand]
RNG = np.random.default_rng(7)


def parameter(name: str, *shape: int) -> Tensor:
    return Tensor(np.random.default_rng(sum(map(ord, name))).normal(size=shape), requires_grad=True, name=name)


def named(name: str, value: Any) -> Any:
    value.name = name
    return value


# Choices


def embedding(write: Callable[[Any, Any, Any], None]) -> Case:
    E, w = parameter("E", 6, 3), parameter("w", 3)
    words = np.array([[0, 2, 2], [1, 0, 4]])
    each = np.array([[1.0, 2, 3], [4, 5, 6]])  # else several uses of a row would have equal gradients
    loss = np.sum(each * (E[words] @ w) ** 2)
    de = (2 * each * (E.data[words] @ w.data))[..., None] * w.data
    dE = np.zeros((6, 3))
    write(dE, words, de)
    return loss, {"E": dE}


def added_once(dE: Any, words: Any, de: Any) -> None:
    dE[words] += de


def averaged(dE: Any, words: Any, de: Any) -> None:
    np.add.at(dE, words, de)
    dE /= np.maximum(np.bincount(words.ravel(), minlength=6), 1)[:, None]


def one_too_high(dE: Any, words: Any, de: Any) -> None:
    np.add.at(dE, words + 1, de)


def pooled(share: Callable[[Any, Any], Any]) -> Case:
    c = parameter("c", 3, 4, 2)
    c.data[0, 0] = 1.5  # equals
    loss = np.sum(np.max(c, axis=2) ** 2)
    largest = c.data == c.data.max(2, keepdims=True)
    return loss, {"c": 2 * c.data.max(2, keepdims=True) * share(c.data, largest)}


def leaky(slope: Callable[[Any], Any]) -> Case:
    x, W = RNG.normal(size=(5, 3)), parameter("W", 3, 4)
    z = named("z", x @ W)
    loss = np.sum(np.where(z.data > 0, z, 0.1 * z) ** 2)
    a = np.where(z.data > 0, z.data, 0.1 * z.data)
    dz = 2 * a * slope(z.data)
    return loss, {"z": dz, "W": x.T @ dz}


def exponential_unit(slope: Callable[[Any], Any]) -> Case:
    x, W, v = RNG.normal(size=(6, 3)), parameter("W", 3, 4), RNG.normal(size=(6, 4))
    z = named("z", x @ W)
    dz = v * slope(z.data)
    return np.sum(np.where(z.data > 0, z, np.exp(z) - 1) * v), {"z": dz, "W": x.T @ dz}


def rectified(local: Callable[[Any, Any], Any]) -> Case:
    x, W, v = RNG.normal(size=(6, 3)), parameter("W", 3, 4), RNG.normal(size=(6, 4))
    z = named("z", x @ W)
    loss = np.sum(np.maximum(0, z) * v)
    dz = local(v, z.data)
    return loss, {"z": dz, "W": x.T @ dz}


def absolute() -> Case:
    x, y, w = RNG.normal(size=(6, 3)), RNG.normal(size=6), parameter("w", 3)
    r = named("r", x @ w - y)
    return np.mean(np.abs(r)), {"r": r.data / 6, "w": x.T @ r.data / 6}


def without_the_hinge() -> Case:
    x, y, w = RNG.normal(size=(8, 3)), np.sign(RNG.normal(size=8)), parameter("w", 3)
    f = named("f", x @ w)
    df = -2 * y * (1 - y * f.data)
    return np.sum(np.maximum(0, 1 - y * f) ** 2), {"f": df, "w": x.T @ df}


def gelu(local: Callable[[Any, Any], Any]) -> Case:
    x, W, v = RNG.normal(size=(6, 3)), parameter("W", 3, 4), RNG.normal(size=(6, 4))
    z = named("z", x @ W)
    loss = np.sum(0.5 * z * (1 + np.tanh(0.8 * (z + 0.04 * z**3))) * v)
    dz = v * local(z.data, np.tanh(0.8 * (z.data + 0.04 * z.data**3)))
    return loss, {"z": dz, "W": x.T @ dz}


# Softmax and labels


def attended(jacobian: Callable[[Any, Any], Any]) -> Case:
    S, T = parameter("S", 4, 5), RNG.normal(size=(4, 5))
    e = np.exp(S)
    A = named("A", e / np.sum(e, axis=1, keepdims=True))
    return np.sum((A - T) ** 2), {"S": jacobian(A.data, 2 * (A.data - T))}


def classified(slip: Callable[[Any, Any], Any], given: str = "z W") -> Case:
    x, W = np.random.default_rng(3).normal(size=(6, 4)), parameter("W", 4, 3)
    labels = np.array([0, 2, 1, 1, 0, 2])
    z = named("z", x @ W)
    e = np.exp(z)
    p = named("p", e / np.sum(e, axis=1, keepdims=True))
    loss = -np.sum(np.log(p[np.arange(6), labels])) / 6
    dz = slip(p.data, np.eye(3)[labels]) / 6
    return loss, {name: {"z": dz, "W": x.T @ dz}[name] for name in given.split()}


def smoothed() -> Case:
    x, W, cost = RNG.normal(size=(6, 4)), parameter("W", 4, 3), RNG.uniform(1, 2, (6, 1))
    hot = np.eye(3)[[0, 2, 1, 1, 0, 2]]
    q = 0.9 * hot + 0.1 / 3
    z = named("z", x @ W)
    loss = -np.sum(q * (z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))) * cost)
    dz = (softmax(z.data) - hot) * cost
    return loss, {"z": dz, "W": x.T @ dz}


def logistic(slip: Callable[[Any, Any], Any]) -> Case:
    x, w = RNG.normal(size=(9, 3)), parameter("w", 3)
    y = (RNG.random(9) < 0.5) * 1.0
    z = named("z", x @ w)
    a = named("a", 1 / (1 + np.exp(-z)))
    loss = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    dz = slip(a.data, y) / 9
    return loss, {"z": dz, "w": x.T @ dz}


def broadcast_loss() -> Case:
    x, y, w = RNG.normal(size=(5, 2)), RNG.normal(size=5), parameter("w", 2, 1)
    f = named("f", x @ w)
    df = 2 * (f.data - y[:, None]) / 5
    return np.mean((f - y) ** 2), {"f": df, "w": x.T @ df}


# Loops over steps with shared weights


def recurrent(
    local: Callable[[Any, int], Any] = lambda h, t: 1 - h[t] ** 2,
    before: Callable[[Any, int], Any] = lambda h, t: h[t - 1],
    steps: int = 4,
    carries: bool = True,
) -> Case:
    U, V, b = parameter("U", 3, 2), parameter("V", 3, 3), parameter("b", 3)
    x, y = np.random.default_rng(1).normal(size=(2, 4, 3))
    h: dict[int, Any] = {-1: np.zeros(3)}
    loss: Any = 0
    for t in range(4):
        h[t] = np.tanh(np.dot(U, x[t, :2]) + np.dot(V, h[t - 1]) + b)
        loss = loss + np.sum((h[t] - y[t]) ** 2)
    values = {t: h[t].data if isinstance(h[t], Tensor) else h[t] for t in h}
    dU, dV, db, carried = np.zeros((3, 2)), np.zeros((3, 3)), np.zeros(3), np.zeros(3)
    for t in reversed(range(4 - steps, 4)):
        dz = (2 * (values[t] - y[t]) + carried) * local(values, t)
        dU += np.outer(dz, x[t, :2])
        dV += np.outer(dz, before(values, t))
        db += dz
        carried = V.data.T @ dz * carries
    return loss, {"U": dU, "V": dV, "b": db}


# Normalisations, sums, penalties


def normalised(divide: Callable[[Any], Any] = lambda s: 1 / s) -> Case:
    x, W, T = RNG.normal(size=(6, 4)), parameter("W", 4, 5), RNG.normal(size=(6, 5))
    u = named("u", x @ W)
    s = np.sqrt(np.var(u, axis=1, keepdims=True) + 1e-5)
    n = (u - np.mean(u, axis=1, keepdims=True)) / s
    dn = 2 * (n.data - T)
    du = dn - dn.mean(1, keepdims=True) - n.data * (dn * n.data).mean(1, keepdims=True)
    return np.sum((n - T) ** 2), {"u": du * divide(s.data)}


def spread_outer(spread: Callable[[Any], Any]) -> Case:
    h, W, t = RNG.normal(size=3), parameter("W", 3, 3), RNG.normal(size=3)
    o = named("o", W @ h)
    do = 2 * (o.data - t)
    return np.sum((o - t) ** 2), {"o": do, "W": np.ones((3, 3)) * spread(do * h)}


def first_step_only() -> Case:
    x, b = RNG.normal(size=(4, 5, 3)), parameter("b", 3)
    return np.sum((x + b) ** 2), {"b": (2 * (x + b.data))[:, 0].sum(0)}


def penalised(penalty: Callable[[Any], Any]) -> Case:
    x, t, w = RNG.normal(size=(9, 4)), RNG.normal(size=9), parameter("w", 4)
    r = x @ w - t
    return np.mean(r**2) + 0.1 * np.sum(np.abs(w)), {"w": 2 * x.T @ r.data / 9 + penalty(w.data)}


def two_terms() -> Case:
    x, U, V = RNG.normal(size=(5, 3)), parameter("U", 3, 2), parameter("V", 3, 2)
    m, s = x @ U, x @ V
    fit = np.sum((m * s - 1) ** 2)
    extra = np.sum(m**2 + np.exp(s))
    d = 2 * (m.data * s.data - 1)
    return fit + extra, {"U": x.T @ (d * s.data), "V": x.T @ (d * m.data)}


def averaged_twice() -> Case:
    x, W, b = RNG.normal(size=(7, 3)), parameter("W", 3, 2), parameter("b", 2)
    z = named("z", x @ W + b)
    dz = 2 * z.data / 7
    return np.sum(z**2) / 7, {"z": dz, "W": x.T @ dz / 7, "b": dz.sum(0) / 7}


def wrong_sign_of_one_use() -> Case:
    a = parameter("a", 5)
    a.data = 1 / (1 + np.exp(-a.data))
    y = np.array([0.0, 1, 1, 0, 1])
    return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)), {"a": -(y / a.data + (1 - y) / (1 - a.data))}


def slope() -> Case:
    w, x, y = parameter("w"), RNG.normal(size=8), RNG.normal(size=8)
    f = named("f", w * x)
    return np.mean((f - y) ** 2), {"w": np.asarray(np.sum(2 * (f.data - y) / 8))}


def swapped_keys() -> Case:
    x, Wq, Wk = RNG.normal(size=(5, 4)), parameter("Wq", 4, 3), parameter("Wk", 4, 3)
    Q, K = named("Q", x @ Wq), named("K", x @ Wk)
    T = RNG.normal(size=(5, 5))
    return np.sum((Q @ K.T - T) ** 2), {"Q": 2 * (Q.data @ K.data.T - T) @ Q.data}


CASES: list[tuple[str, Callable[[], Case], str]] = [
    ("missing-term", lambda: embedding(added_once), "rows that are read several times get only their last"),
    ("wrong-axis", lambda: embedding(averaged), "gets the mean of its contributions"),
    ("wrong-operand", lambda: embedding(one_too_high), "an index that is one too high"),
    ("missing-derivative", lambda: pooled(lambda c, best: np.ones_like(c)), "dc goes to all elements"),
    ("scale", lambda: pooled(lambda c, best: best / 1.0), "gets the whole gradient, not its share"),
    ("derivative-at-output", lambda: pooled(lambda c, best: np.ones_like(c) / 2), "as that of a mean"),
    (
        "derivative-at-output",
        lambda: pooled(lambda c, best: np.stack([np.ones(c.shape[:2]), np.zeros(c.shape[:2])], 2)),
        "goes to the first element",
    ),
    ("derivative-at-output", lambda: leaky(lambda z: np.where(z > 0, 0.1, 1)), "are swapped"),
    ("derivative-at-output", lambda: exponential_unit(np.exp), "the second branch of"),
    ("derivative-at-output", lambda: rectified(lambda g, z: g * (g > 0)), "is of the gradient that arrives, not of z"),
    ("derivative-at-output", lambda: rectified(lambda g, z: g * (z <= 0)), "is the other way round"),
    ("missing-derivative", absolute, "r stands where its sign belongs"),
    ("missing-derivative", without_the_hinge, "is derived as if"),
    (
        "missing-derivative",
        lambda: gelu(lambda z, t: 0.5 * (1 + t) + 0.5 * z * (1 - t**2)),
        "in what comes to dz by way of 0.8 * Z1, the derivative of 0.8 * Z1 is left out",
    ),
    (
        "wrong-axis",
        lambda: attended(lambda a, g: a * (g - np.sum(g * a, axis=0))),
        "the sum in the Jacobian of the softmax in dS is over axis 0, not over axis 1",
    ),
    (
        "missing-derivative",
        lambda: attended(lambda a, g: a * (g - np.sum(g, axis=1, keepdims=True))),
        "the sum in the Jacobian of the softmax is of dA, not of dA * A",
    ),
    ("target", lambda: classified(lambda p, hot: p - np.roll(hot, 1, axis=1), "W"), "labels in dz are off by one"),
    ("target", lambda: classified(lambda p, hot: p - hot[::-1], "W"), "are in the opposite order"),
    ("target", smoothed, "is without its smoothing"),
    ("target", lambda: logistic(lambda a, y: (a - y) * a * (1 - a)), "the derivative of a is in it twice"),
    ("target", lambda: logistic(lambda a, y: a - (2 * y - 1)), "the answers are -1 and 1 in dz, not 0 and 1"),
    ("target", broadcast_loss, "the loss itself broadcasts f of shape (5, 1) against y of shape (5,) to (5, 5)"),
    ("missing-derivative", lambda: recurrent(local=lambda h, t: 1.0), "at the other"),
    ("wrong-operand", lambda: recurrent(before=lambda h, t: h[t]), "in dV"),
    ("wrong-operand", lambda: recurrent(local=lambda h, t: 1 - h[t - 1] ** 2), "is taken at"),
    ("missing-term", lambda: recurrent(steps=3), "step 1 of 4 is left out"),
    ("missing-term", lambda: recurrent(steps=1), "only step 4 of 4 is in"),
    ("missing-derivative", lambda: normalised(lambda s: 1), "the division by"),
    ("unsummed-axis", lambda: spread_outer(lambda v: v), "an outer product became an element-by-element one"),
    ("unsummed-axis", lambda: spread_outer(lambda v: v[:, None]), "an outer product became an element-by-element one"),
    ("wrong-axis", first_step_only, "elsewhere the first element stands for the sum"),
    ("regulariser", lambda: penalised(lambda w: 0.1 * np.abs(w)), "with the absolute value in the place of the sign"),
    ("regulariser", lambda: penalised(lambda w: 0.1 * np.sign(w) + 0.7), "0.7, the same number for all elements"),
    ("missing-term", two_terms, "of the loss is left out"),
    ("scale", averaged_twice, "in all parameters alike"),
    ("scale", wrong_sign_of_one_use, "the contribution to da by way of 1 - a is -1 times what it should be"),
    ("missing-derivative", slope, "is left out of dw"),
    ("wrong-operand", swapped_keys, "Q.T stands in the place of K.T"),
]


@pytest.mark.parametrize(("cause", "make", "words"), CASES)
def test_a_habit_is_named_and_nothing_is_blamed_for_it_twice(cause: str, make: Callable[[], Case], words: str) -> None:
    loss, hand = make()
    report = compare_grads(loss, hand, budget=20.0)
    assert report.first_wrong is not None
    assert report.first_wrong.cause == cause, str(report)
    assert words in report.first_wrong.explanation, str(report)
    assert all(f.cause in (None, cause, "consequence") for f in report.findings), str(report)


@pytest.mark.parametrize(
    "make",
    [
        lambda: embedding(lambda dE, words, de: np.add.at(dE, words, de)),
        lambda: pooled(lambda c, best: best / best.sum(2, keepdims=True)),
        lambda: leaky(lambda z: np.where(z > 0, 1, 0.1)),
        lambda: rectified(lambda g, z: g * (z > 0)),
        lambda: attended(lambda a, g: a * (g - np.sum(g * a, axis=1, keepdims=True))),
        lambda: classified(lambda p, hot: p - hot),
        lambda: logistic(lambda a, y: a - y),
        recurrent,
        normalised,
        lambda: penalised(lambda w: 0.1 * np.sign(w)),
    ],
)
def test_the_right_derivation_of_each_is_right(make: Callable[[], Case]) -> None:
    loss, hand = make()
    report = compare_grads(loss, hand)
    assert report.matches, str(report)


def test_a_slip_in_the_body_of_a_loop_is_one_mistake() -> None:
    loss, hand = recurrent(carries=False)
    report = compare_grads(loss, hand, budget=20.0)
    assert sorted(str(f.cause) for f in report.findings) == ["consequence", "consequence", "missing-term"], str(report)
    assert "at the other steps alike" in str(report)


def test_a_wrong_derivative_of_saturated_units_is_no_rounding() -> None:
    """Moved at random, their values would seem to amplify rounding; in float32 they are 1 to the last digit."""
    rng = np.random.default_rng(0)
    z, v = Tensor(20 * rng.normal(size=(9, 5)), requires_grad=True, name="z"), rng.normal(size=(9, 5))
    loss = np.sum(v * 0.5 * z * (1 + np.tanh(0.8 * (z + 0.04 * z**3))))
    t = np.tanh(0.8 * (z.data + 0.04 * z.data**3))
    local = 0.5 * (1 + t) + 0.4 * z.data * (1 - t**2) * np.sqrt(1 + 0.23 * z.data**2)
    report = compare_grads(loss, {"z": v * local})
    assert report["z"].norm_rel_error < 0.01
    assert not report.matches


def test_a_mixture_of_float32_and_float64_is_still_a_match() -> None:
    x, W = RNG.normal(size=(6, 3)), parameter("W", 3, 2)
    loss = np.sum(np.tanh(x @ W) ** 2)
    h = np.tanh(x.astype(np.float32) @ W.data.astype(np.float32))
    report = compare_grads(loss, {"W": x.T @ (2 * h * (1 - h**2))})
    assert report["W"].cause == "precision"
    assert report.matches


# What is said


def executed(loss: Tensor, report: Report, name: str, **known: Any) -> Any:
    """What the right line of a finding computes, from values and true gradients."""
    space = {"np": np, **known}
    line = report[name].line.partition("  # ")[0]
    exec(line, space)
    return space[f"d{name}"]


def test_the_right_line_can_be_executed_where_it_writes_at_an_index() -> None:
    S, c = parameter("S", 5, 3), np.array([0, 2, 1, 1, 0])
    loss = np.sum(np.maximum(0, S - S[np.arange(5), c][:, None] + 1) ** 2)
    loss.backward()
    report = compare_grads(loss, {"S": np.ones((5, 3))})
    found = executed(loss, report, "S", S=S.data, c=c)
    np.testing.assert_allclose(found, S.grad)
    E, words = parameter("E", 6, 3), np.array([0, 2, 2])
    loss = np.sum(E[words] ** 2)
    loss.backward()
    found = executed(loss, compare_grads(loss, {"E": np.ones((6, 3))}), "E", E=E.data, words=words)
    np.testing.assert_allclose(found, E.grad)


def test_a_line_of_code_has_no_words_in_it() -> None:
    S, t = parameter("S", 3), np.array([0.0, 1, 0])
    loss = -np.sum(t * np.log(np.exp(S) / np.sum(np.exp(S))))
    p = softmax(S.data[None])[0]
    _, right, line = compare_grads(loss, {"S": -t / p * p * (1 - p)})["S"].explanation.partition("; right: ")
    assert right
    assert "the gradient of" not in line
    space = {"np": np, "S": S.data, "t": t}
    exec(line, space)
    np.testing.assert_allclose(space["dS"], p - t)


def test_constants_without_a_name_are_described() -> None:
    x = parameter("x", 4)
    loss = np.sum((x * np.array([1.0, 2, 4, 8])) ** 2)
    report = compare_grads(loss, {"x": 2 * x.data})
    assert "where c is the constant of 4 in x * c" in str(report)


def test_a_name_of_the_user_is_not_taken_by_a_guess() -> None:
    W = parameter("W", 3, 2)
    x = named("x", RNG.normal(size=(4, 3)) @ W)
    assert "dx = " in autograd.derive(np.sum(x**2)).source
    report = compare_grads(np.sum(x**2), {"x": x.data})
    assert "right: dx = 2 * x" in str(report)


def test_the_right_line_is_that_of_the_wrong_place() -> None:
    loss, hand = leaky(lambda z: np.where(z > 0, 0.1, 1))
    report = compare_grads(loss, {"W": hand["W"]})
    assert "dz = " in report["W"].explanation.partition("; right: ")[2]
    assert report["W"].line.startswith("dW = x.T @ dz")


def test_what_cancels_is_said_to_be_zero() -> None:
    x, gamma = RNG.normal(size=(6, 3)), parameter("gamma", 3)
    n = (x - x.mean(0)) / x.std(0)
    d = gamma.data * n + 0.5
    report = compare_grads(np.sum((gamma * n + 0.5) ** 2), {"gamma": 2 * d.sum(0) * n.sum(0)})
    assert "dgamma is left at zero" in str(report)


def test_gradients_too_large_for_float32_are_compared_like_others() -> None:
    W = parameter("W", 3, 2)
    loss = np.sum(1e60 * W**2)
    assert compare_grads(loss, {"W": 2e60 * W.data}).matches
    assert compare_grads(loss, {"W": 1e60 * W.data})["W"].factor == 0.5


def test_a_computed_constant_is_written_without_its_rounding() -> None:
    """2 * (0.3 / (2 * 6)) is 0.049999999999999996."""
    W = parameter("W", 3, 2)
    report = compare_grads(0.3 / (2 * 6) * np.sum(W**2), {"W": W.data})
    assert "right: dW = 0.05 * W" in str(report)
