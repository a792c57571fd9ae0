"""`backward()`: what arrives where, to which order, and when it refuses."""

from __future__ import annotations

import gc
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd
import nn
from autograd import Tensor, no_grad, operation
from autograd.core.node import Node, topological
from autograd.testing import GradcheckError, compare_grads, gradcheck
from nn.optim import SGD


def leaf(*shape: int, seed: int = 0, name: str | None = None) -> Tensor:
    return Tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True, name=name)


# Accumulation


def test_gradients_add_up_until_cleared() -> None:
    w = leaf(3)
    for _ in range(2):
        np.sum(3 * w).backward()
    np.testing.assert_array_equal(w.grad, [6.0, 6.0, 6.0])
    w.zero_grad()
    assert w.grad is None


def test_a_second_pass_over_one_graph_accumulates() -> None:
    w = leaf(3)
    loss = np.sum(w * w)
    loss.backward()
    loss.backward()
    np.testing.assert_allclose(w.grad, 4 * w.data)


def test_every_use_counts() -> None:
    x = Tensor(3.0, requires_grad=True)
    (x * x + x).backward()
    assert float(x.grad) == 7.0


@pytest.mark.parametrize("loss", [lambda a, b: a + b, lambda a, b: np.tanh(a + b), lambda a, b: (a + b).T[::-1]])
def test_a_gradient_is_a_writable_array_of_the_leafs_own(loss: Any) -> None:
    a, b, seed = leaf(3), leaf(3, seed=1), np.ones(3)
    loss(a, b).backward(seed)
    first, expected = a.grad, a.grad.copy()
    for leaf_ in (a, b):
        assert type(leaf_.grad) is np.ndarray
        assert leaf_.grad.flags.writeable
        assert leaf_.grad.flags.owndata
        assert not np.shares_memory(leaf_.grad, seed)
    assert not np.shares_memory(a.grad, b.grad)
    loss(a, b).backward(seed)
    np.testing.assert_array_equal(first, expected)  # what somebody holds stays as it was
    np.testing.assert_array_equal(a.grad, 2 * expected)
    np.testing.assert_array_equal(seed, np.ones(3))


def test_a_leaf_that_is_the_output_gets_a_copy_of_the_seed() -> None:
    a, seed = leaf(3), np.ones(3)
    a.backward(seed)
    assert not np.shares_memory(a.grad, seed)
    number = Tensor(2.0, requires_grad=True)
    (number * 3).backward()
    assert (type(number.grad), number.grad.shape, number.grad.item()) == (np.ndarray, (), 3.0)


def test_two_leaves_never_share_a_gradient_under_create_graph() -> None:
    a, b = leaf(3), leaf(3)
    np.sum((a + b) * (a + b)).backward(create_graph=True)
    assert a.grad is not b.grad
    with no_grad():
        a.grad.detach().__imul__(0.0)
    np.testing.assert_allclose(b.grad.data, 2 * (a.data + b.data))


def test_interior_gradients_are_asked_for() -> None:
    w = leaf(3)
    h = w * 2
    np.sum(h * h).backward()
    assert h.grad is None
    h.retain_grad()
    np.sum(h * h).backward()
    np.testing.assert_allclose(h.grad, 2 * h.data)


def test_a_scalar_leaf_is_its_own_loss() -> None:
    w = Tensor(2.0, requires_grad=True)
    w.backward()
    assert float(w.grad) == 1.0


def test_a_frozen_parameter_gets_nothing() -> None:
    a, b = leaf(3), leaf(3)
    b.requires_grad = False
    np.sum(a * b).backward()
    assert b.grad is None
    assert a.grad is not None


def test_a_hook_sees_and_may_replace_the_gradient() -> None:
    w = leaf(3)
    h = w * 1.0
    seen: list[Any] = []
    remove = h.register_hook(lambda g: seen.append(g.copy()))
    scale = h.register_hook(lambda g: 10 * g)
    np.sum(h).backward()
    np.testing.assert_array_equal(seen[0], np.ones(3))
    np.testing.assert_array_equal(w.grad, np.full(3, 10.0))
    remove()
    scale()
    np.sum(h).backward()
    np.testing.assert_array_equal(w.grad, np.full(3, 11.0))
    assert len(seen) == 1


def test_what_a_hook_returns_comes_in_the_dtype_of_the_value() -> None:
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    h = np.exp(x)
    h.register_hook(lambda g: g.astype(np.float64) * 2)
    h.retain_grad()
    np.sum(h).backward()
    assert h.grad.dtype == x.grad.dtype == np.float32


def test_a_hook_gets_a_gradient_of_its_own_and_returns_one_that_fits() -> None:
    a, b = leaf(3), leaf(3)

    def spoil(g: Any) -> None:
        g *= 2

    handle = a.register_hook(spoil)
    np.sum((a + b) * 1.0).backward()
    np.testing.assert_array_equal(b.grad, np.ones(3))
    handle.remove()
    a.register_hook(lambda g: g[0])
    with pytest.raises(ValueError, match=r"a hook on Tensor of shape \(3,\) returned .* of shape \(\)"):
        np.sum(a).backward()


# The seed


def test_a_gradient_may_be_passed_for_any_shape() -> None:
    w = leaf(2, 2)
    (w * 3).backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_array_equal(w.grad, [[3.0, 6.0], [9.0, 12.0]])


def test_one_element_of_any_rank_is_a_scalar() -> None:
    w = leaf(1, 1)
    (w * 3).backward()
    assert w.grad.shape == (1, 1)


# Higher orders


def test_create_graph_makes_gradients_that_can_be_differentiated() -> None:
    x = Tensor(2.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert first.item() == 12.0
    x.zero_grad()
    first.backward(create_graph=True)
    second = x.grad
    assert second.item() == 12.0
    x.zero_grad()
    second.backward()
    assert float(x.grad) == 6.0


def test_third_order_of_a_network() -> None:
    x = np.random.default_rng(0).normal(size=(4, 2))
    gradcheck(
        lambda W, b, v: np.mean(np.tanh(x @ W + b) @ v),
        [np.random.default_rng(1).normal(size=s) for s in ((2, 3), (3,), (3, 1))],
        order=3,
    )


# Freed graphs


def test_a_freed_graph_refuses_a_second_pass_and_changes_nothing() -> None:
    w = leaf(3, name="w")
    shared = w * 2
    first, second = np.sum(shared), np.sum(shared * shared)
    first.backward(retain_graph=False)
    before = w.grad.copy()
    for again in (first, second):
        with pytest.raises(RuntimeError, match="freed"):
            again.backward()
    np.testing.assert_array_equal(w.grad, before)


# Values changed in place


@pytest.mark.parametrize("how", ["data", "optimiser", "compiled step"])
def test_a_parameter_changed_in_place_refuses_a_pass_over_what_used_it_and_changes_nothing(how: str) -> None:
    w = leaf(3, name="w")
    optimizer = SGD([w], lr=0.1)

    @autograd.compile(state=optimizer)
    def step() -> None:
        w.zero_grad()
        np.sum(w * w).backward()
        optimizer.step()

    step()
    loss, before = np.sum(np.exp(w)), w.data.copy()
    w.grad = np.ones(3)
    if how == "data":
        w.data -= 0.1
    else:
        optimizer.step() if how == "optimiser" else step()
    assert np.any(w.data != before)
    grad = w.grad.copy()
    with pytest.raises(RuntimeError, match=r"np\.exp used w of shape \(3,\).* changed in place afterwards"):
        loss.backward()
    np.testing.assert_array_equal(w.grad, grad)


def test_no_hand_derivation_is_judged_by_a_graph_whose_parameters_were_changed() -> None:
    w = leaf(3, name="w")
    loss = np.sum(np.exp(w))
    hand = {"w": np.exp(w.data)}
    w.data -= 0.1
    with pytest.raises(RuntimeError, match="changed in place"):
        compare_grads(loss, hand)


def test_a_parameter_that_was_changed_in_place_can_be_used_again() -> None:
    w = leaf(3)
    old = np.sum(np.exp(w))
    w.data -= 0.1
    np.sum(np.exp(w)).backward()
    np.testing.assert_array_equal(w.grad, np.exp(w.data))
    del old


def test_the_graph_dies_with_its_output() -> None:
    w = leaf(3)
    loss = np.sum(np.exp(w) * w)
    count = len(topological((loss._node,)))
    assert count == 4
    del loss
    gc.collect()
    alive = [o for o in gc.get_objects() if type(o) is Node and w._node in o.inputs]
    assert alive == []


# Large graphs


def test_a_chain_of_a_hundred_thousand_operations_needs_no_recursion() -> None:
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    y.backward()
    assert float(x.grad) == 1.0
    del y
    assert sys.getrecursionlimit() <= 1000


def test_shared_nodes_are_visited_once() -> None:
    x = y = Tensor(1.0, requires_grad=True)
    for _ in range(40):
        y = y * y
    assert len(topological((y._node,))) == 41
    y.backward()
    assert float(x.grad) == 2.0**40


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from("+*-")), min_size=1, max_size=12))
def test_random_graphs_equal_a_naive_engine(program: list[tuple[int, int, str]]) -> None:
    """Against forward accumulation of one derivative at a time, which shares nothing."""

    def run(values: list[Any]) -> Any:
        for i, j, sign in program:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(a + b if sign == "+" else a * b if sign == "*" else a - b)
        return values[-1]

    class Dual:
        def __init__(self, value: float, slope: float) -> None:
            self.value, self.slope = value, slope

        def __add__(self, other: Dual) -> Dual:
            return Dual(self.value + other.value, self.slope + other.slope)

        def __sub__(self, other: Dual) -> Dual:
            return Dual(self.value - other.value, self.slope - other.slope)

        def __mul__(self, other: Dual) -> Dual:
            return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    start = [0.5, -0.25, 0.75]
    leaves = [Tensor(v, requires_grad=True) for v in start]
    out = run(list(leaves))
    out.backward()
    for k, tensor in enumerate(leaves):
        naive = run([Dual(v, float(i == k)) for i, v in enumerate(start)])
        got = 0.0 if tensor.grad is None else float(tensor.grad)
        np.testing.assert_allclose(got, naive.slope, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(out.item(), naive.value, rtol=1e-12)


# The checker is itself checked


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        (lambda g, y, a: g * a * 2.00001, 1),
        (lambda g, y, a: -g * 2 * a, 1),
        (lambda g, y, a: g * 2, 1),
        (lambda g, y, a: g * 2 * a.data if isinstance(a, Tensor) else g * 2 * a, 2),
    ],
    ids=["a factor off by 1e-5", "a sign", "the operand left out", "right once, wrong twice"],
)
def test_gradcheck_finds_planted_mistakes(rule: Any, order: int, request: pytest.FixtureRequest) -> None:
    planted = operation(
        lambda a: a * a,
        name=f"planted {request.node.name}",
        vjp=rule,
        math=r"\bar a",
        samples=[lambda rng: (rng.normal(size=2),)],
    )
    x = np.array([0.7, -1.3])
    if order == 2:
        gradcheck(planted, x, order=1, complex_step=False)
    with pytest.raises(GradcheckError, match=f"order {order}.*input 0.*element"):
        gradcheck(planted, x, order=order)


def test_gradcheck_by_complex_step_sees_what_differences_cannot() -> None:
    almost = operation(
        lambda a: np.exp(a),
        name="almost exp",
        vjp=lambda g, y, a: g * y * (1 + 1e-9),
        math=r"\bar a",
        samples=[lambda rng: (rng.normal(size=2),)],
    )
    x = np.array([0.3, 0.4])
    gradcheck(almost, x, complex_step=False)
    with pytest.raises(GradcheckError, match="complex step"):
        gradcheck(almost, x)


def test_gradcheck_names_a_kink() -> None:
    with pytest.raises(GradcheckError, match=r"kink here: 0 from below, 1 from above"):
        gradcheck(lambda a: np.sum(np.maximum(0, a)) * 1.0, np.array([0.0]), rng=0)


def test_gradcheck_probes_large_inputs_along_directions() -> None:
    x = np.random.default_rng(0).normal(size=(30, 30))
    assert gradcheck(lambda a: np.sum(np.sin(a) * a), x)
    with pytest.raises(GradcheckError, match="random direction"):
        gradcheck(lambda a: np.sum(Tensor(a.data) * a), x)


def doubled_by_mistake(request: pytest.FixtureRequest) -> Any:
    return operation(
        lambda a: a * a,
        name=f"wrong {request.node.name}",
        vjp=lambda g, y, a: g * a,
        math=r"\bar a",
        samples=[lambda rng: (rng.normal(size=2),)],
    )


def test_gradcheck_of_one_number_prints_the_numbers_of_the_user(request: pytest.FixtureRequest) -> None:
    wrong = doubled_by_mistake(request)
    with pytest.raises(GradcheckError, match=r"the rule gives 3, differences give 6\.?0*$"):
        gradcheck(lambda a: np.sum(wrong(a)), np.array([3.0]))
    with pytest.raises(GradcheckError, match="of the outputs weighted at random"):
        gradcheck(wrong, np.array([3.0, 1.0]))


def test_gradcheck_takes_nested_arguments_and_says_where_it_fails(request: pytest.FixtureRequest) -> None:
    wrong, rng = doubled_by_mistake(request), np.random.default_rng(0)
    layers = [{"W": rng.normal(size=(3, 2)), "b": np.ones(2)}, {"W": Tensor(rng.normal(size=(2, 1))), "b": 0.5}]
    x, labels = rng.normal(size=(4, 3)), np.array([0, 1, 1, 0])

    def fn(p: Any, x: Any, labels: Any, square: Any = np.square) -> Any:
        h = np.tanh(x @ p[0]["W"] + p[0]["b"])
        return {"out": square(h @ p[1]["W"] + p[1]["b"]), "chosen": h[np.arange(4), labels]}

    assert gradcheck(fn, [layers, x, labels], order=2)
    with pytest.raises(GradcheckError, match=r"input 0\[0\]\['W'\] of shape \(3, 2\)"):
        gradcheck(lambda *args: fn(*args, square=wrong), [layers, x, labels])
    assert gradcheck(lambda p: p["a"] * p["b"], {"a": np.ones(2), "b": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (np.ones(2, dtype=np.float32), r"input 0 is float32, in which differences have 3 digits.*astype\(np.float64\)"),
        ([{"z": np.ones(2) * 1j}], r"input 0\['z'\] is complex128, and Tensors are real"),
        (1j, "input 0 is complex128"),
        ([np.arange(3)], "no input holds floats"),
    ],
)
def test_gradcheck_says_what_it_cannot_differentiate_by(inputs: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        gradcheck(lambda a: np.sum(a["z"] if isinstance(a, dict) else a), inputs)


def test_gradcheck_says_that_a_function_computes_in_float32() -> None:
    with pytest.raises(GradcheckError, match="computes in float32, in which differences are rough"):
        gradcheck(lambda a: np.sum(np.exp(a), dtype=np.float32), np.ones(3))


def test_gradcheck_refuses_a_module_with_a_cure() -> None:
    with pytest.raises(TypeError, match=r"input 0 is a module; give its parameters"):
        gradcheck(lambda m: m(np.ones((1, 2))), [nn.Linear(2, 1, rng=0)])


@pytest.mark.parametrize(
    "options",
    [
        {"rtol": float("nan")},
        {"atol": float("inf")},
        {"rtol": -1.0},
        {"step": 0.0},
        {"step": float("nan")},
        {"order": 9},
    ],
)
def test_options_that_pass_anything_or_never_end_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        gradcheck(np.exp, np.ones(2), **options)
