"""What derivations say: idioms, names, lines of gradients, errors."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from reference import holding

import autograd
import nn
from autograd import Tensor, derive
from autograd.derivation import Derivation
from autograd.notation.names import Scope

rng = np.random.default_rng(0)


def leaf(*shape: int, name: str | None = None) -> Tensor:
    return Tensor(rng.normal(size=shape), requires_grad=True, name=name)


def right_sides(source: str) -> dict[str, str]:
    """The right side of each statement, by name."""
    return dict(re.findall(r"^    (\w+) = (.*?)(?:  # .*)?$", source, re.MULTILINE))


def lines_for(loss: Tensor, *nodes: Any) -> list[str]:
    """The statements of these gradients, each of which has one, whatever the names are."""
    derivation = Derivation(loss._node, Scope({}), {}, nodes, strict=False)
    return [derivation.line_for(node) for node in nodes]


def check(loss: Tensor) -> None:
    """The derivation gives what backward() gives."""
    derivation = derive(loss)
    value, gradients = derivation.function()(**derivation.arguments)
    loss.backward()
    np.testing.assert_allclose(value, loss.data, rtol=1e-12)
    for name, tensor in derivation.parameters.items():
        assert np.shape(gradients[name]) == tensor.shape
        np.testing.assert_allclose(gradients[name], tensor.grad, rtol=1e-11, atol=1e-12)


# Idioms


def test_a_maximum_that_is_subtracted_for_safety_is_no_target() -> None:
    z = Tensor([[1.0, 3.0], [2.0, 0.0]], requires_grad=True, name="z")
    loss = np.sum(np.exp(z - np.max(z.data, axis=1, keepdims=True)))
    assert "def backprop(*, z, c):" in autograd.derive(loss).source


def test_a_layer_reads_as_by_hand() -> None:
    X, W1, b1, W2 = rng.normal(size=(5, 3)), leaf(3, 4), leaf(4), leaf(4, 1)
    A1 = np.maximum(0, X @ W1 + b1)
    said = right_sides(derive(np.sum(A1 @ W2)).source)
    assert said["Z1"] == "X @ W1 + b1"
    assert said["dZ1"] == "dA1 * (Z1 > 0)"
    assert said["dW1"] == "X.T @ dZ1"
    assert said["db1"] == "dZ1.sum(axis=0)"


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda w: np.mean(w**2), "2 / 6 * w"),
        (lambda w: np.sum(w**2) / 2, "w"),
        (lambda w: np.sum(0.5 * w), "np.full((2, 3), 0.5)"),
        (lambda w: -np.sum(w**2), "-2 * w"),
        (lambda w: np.mean(2 - w), "np.full((2, 3), -1 / 6)"),
        (lambda w: np.mean(w * 3), "np.full((2, 3), 3 / 6)"),
        (lambda w: np.sum(1 / w), "-1 / w**2"),
        (lambda w: np.mean(np.maximum(0, w) / -3), "-1 / 18 * (w > 0)"),
        (lambda w: np.sum(w[0]), "np.zeros((2, 3))"),
        (lambda w: np.sum(w * w + np.floor(w)), "w + w"),
    ],
)
def test_constants_and_signs_are_gathered(loss: Any, expected: str) -> None:
    w = leaf(2, 3, name="w")
    assert right_sides(derive(loss(w)).source).get("dw", "w") == expected


def test_an_axis_is_put_back_only_where_it_was_taken() -> None:
    w = leaf(3, 1, name="w")
    check(np.sum(np.expand_dims(w[::-1, 0], -1) * np.arange(3.0)[:, None]))


def test_only_products_of_matrices_are_transposed_factor_by_factor() -> None:
    w, a, c = leaf(4, 3, 2, name="w"), np.arange(15.0).reshape(5, 3), np.arange(40.0).reshape(2, 5, 4)
    check(np.sum((a @ np.transpose(w)) * c))


def test_equal_expressions_are_computed_once_and_dead_lines_left_out() -> None:
    w = leaf(3, name="w")
    e = np.exp(w)
    unused = np.sin(w)
    source = derive(np.sum(e * e + np.exp(w))).source
    assert source.count("np.exp(w)") == 1
    assert "np.sin" not in source
    assert unused.shape == (3,)


def test_a_program_holds_for_other_values_of_its_inputs() -> None:
    X, W, b = rng.normal(size=(5, 3)), leaf(3, 2, name="W"), leaf(2, name="b")

    def loss_of(X: Any, W: Any, b: Any) -> Any:
        return np.mean(np.tanh(X @ W + b) ** 2)

    backprop = derive(loss_of(X, W, b)).function()
    X, W, b = X + 1, leaf(3, 2), leaf(2)
    loss = loss_of(X, W, b)
    loss.backward()
    value, gradients = backprop(X=X, W=W.data, b=b.data)
    np.testing.assert_allclose(value, loss.data)
    np.testing.assert_allclose(gradients["W"], W.grad)
    np.testing.assert_allclose(gradients["b"], b.grad)


def test_zeros_and_ones_without_a_name_are_made_by_the_source() -> None:
    W = leaf(3, 3, name="W")
    loss = np.sum((np.zeros((2, 3)) @ W - np.ones((2, 3))) ** 2)
    derivation = derive(loss)
    assert set(derivation.arguments) == {"W"}
    assert {"np.zeros((2, 3)) @ W", "Z1 - 1"} <= set(right_sides(derivation.source).values())
    check(loss)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_of_one_element_needs_no_gradient_of_its_own(dtype: Any) -> None:
    w = Tensor(rng.normal(size=(1, 3)).astype(dtype), requires_grad=True, name="w")
    loss = (w * 2) @ w.T
    derivation = derive(loss)
    assert set(derivation.arguments) == {"w"}
    _, gradients = derivation.function()(**derivation.arguments)
    loss.backward()
    assert gradients["w"].dtype == dtype
    np.testing.assert_allclose(gradients["w"], w.grad, rtol=1e-6)


def test_float32_stays_float32() -> None:
    X = rng.normal(size=(5, 3)).astype(np.float32)
    W = Tensor(rng.normal(size=(3, 2)).astype(np.float32), requires_grad=True, name="W")
    derivation = derive(np.mean((0.3 * np.tanh(X @ W)) ** 2 + np.float32(0.1)))
    value, gradients = derivation.function()(**derivation.arguments)
    assert value.dtype == gradients["W"].dtype == np.float32


def test_the_arguments_are_taken_by_keyword_only() -> None:
    w = leaf(3, name="w")
    parameters = inspect.signature(derive(np.sum(w**2)).function()).parameters
    assert [(p.name, p.kind) for p in parameters.values()] == [("w", inspect.Parameter.KEYWORD_ONLY)]


# Names


def test_names_come_from_modules() -> None:
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1))
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    said = right_sides(derive(nn.functional.mse_loss(model(x), y)).source)
    assert said["Z1"] == "x @ W1 + b1"
    assert said["dW2"] == "A1.T @ dZ2"


def test_names_given_come_before_all_others() -> None:
    w = leaf(3, name="w")
    assert "def backprop(*, weights):" in derive(np.sum(w**3), names={w: "weights"}).source


def test_generated_names_avoid_those_in_use() -> None:
    t1, Z1, dw, w = leaf(3), leaf(3), leaf(3), leaf(3)
    check(np.sum(np.exp(t1 * Z1) * np.sin(dw * w) + np.exp(t1 * Z1) ** 2))


def test_a_view_of_a_variable_is_called_after_it() -> None:
    xs, w = rng.normal(size=(4, 3)), leaf(3)
    assert "xs_2" in derive(np.sum(xs[2] * w)).arguments


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("not a name", "no Python identifier"),
        ("class", "no Python identifier"),
        ("", "no Python identifier"),
        ("__debug__", "no Python identifier"),
        ("x); import os; (", "no Python identifier"),
        ("x\n    import os", "no Python identifier"),
        ("np", "would hide np"),
        ("backprop", "would hide backprop"),
        ("loss", "would hide loss"),
        ("float", "would hide float"),
    ],
)
def test_a_name_that_source_cannot_use_is_an_error(name: str, told: str) -> None:
    w = leaf(3, name=name)
    with pytest.raises(ValueError, match=told):
        derive(np.sum(w**2))


def test_a_name_of_a_function_that_the_source_needs_is_an_error() -> None:
    w = leaf(2, 3, name="_at_ranks")
    with pytest.raises(ValueError, match="would hide _at_ranks"):
        derive(np.median(w))


def test_two_inputs_of_one_name_are_an_error() -> None:
    a, b = leaf(3, name="w"), leaf(4, name="w")
    with pytest.raises(ValueError, match=r"two inputs are called w, of shapes \(3,\) and \(4,\)"):
        derive(np.sum(a) + np.sum(b))


def test_two_modules_with_the_same_paths_are_told_apart_by_their_variables() -> None:
    encoder, decoder = nn.Linear(2, 3, rng=0), nn.Linear(3, 2, rng=1)
    source = derive(np.sum(decoder(encoder(np.ones((1, 2)))))).source
    assert "def backprop(*, W1, b1, W2, b2):" in source


def test_two_modules_with_the_same_paths_that_no_variable_holds_are_an_error() -> None:
    def loss() -> Tensor:
        one, two = (nn.Sequential(nn.Linear(2, 2, rng=0)) for _ in range(2))
        return np.sum(two(one(np.ones((1, 2)))))  # type: ignore[no-any-return]

    with pytest.raises(ValueError, match="two models"):
        derive(loss())


def test_names_that_are_no_dictionary_are_an_error() -> None:
    with pytest.raises(TypeError, match="names= is a dictionary of Tensor to name, not a list"):
        derive(np.sum(leaf(2)), names=["w"])  # type: ignore[arg-type]


def test_names_for_what_is_not_in_the_graph_are_an_error() -> None:
    w, other = leaf(3, name="w"), leaf(3, name="other")
    with pytest.raises(ValueError, match="'v', which is not in the graph"):
        derive(np.sum(w), names={other: "v"})
    with pytest.raises(TypeError, match="str is not a Tensor"):
        derive(np.sum(w), names={"w": "v"})  # type: ignore[dict-item]


@settings(max_examples=60)
@given(st.text(max_size=12))
def test_any_name_is_used_as_it_is_or_refused(name: str) -> None:
    w = Tensor([1.0, 2.0], requires_grad=True, name=name)
    try:
        derivation = derive(np.sum(w * w))
    except ValueError:
        return
    _, gradients = derivation.function()(**derivation.arguments)
    (gradient,) = gradients.values()
    np.testing.assert_allclose(gradient, [2.0, 4.0])


# Errors


def test_what_has_no_graph_is_an_error() -> None:
    with pytest.raises(TypeError, match="derive takes the loss, a Tensor; got float64"):
        derive(np.float64(1.0))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="has no graph"):
        derive(Tensor(1.0))
    with pytest.raises(ValueError, match="a loss is a single number"):
        derive(leaf(3) * 2)


def test_a_freed_graph_is_an_error() -> None:
    loss = np.sum(leaf(3) ** 2)
    loss.backward(retain_graph=False)
    with pytest.raises(RuntimeError, match="was freed"):
        derive(loss)


# The line of a gradient


def test_each_gradient_has_a_line() -> None:
    X, W, b = rng.normal(size=(5, 3)), leaf(3, 2, name="W"), leaf(2, name="b")
    h = np.tanh(X @ W + b)
    loss = np.mean(h**2)
    derivation = derive(loss)
    assert derivation.line_for(W) == "dW = X.T @ dZ1  # (3, 2)"
    assert derivation.line_for(h) == "dh = 2 / 10 * h  # (5, 2)"
    assert derivation.line_for(loss) == "dloss = 1.0  # scalar"
    with pytest.raises(ValueError, match="not in the graph"):
        derivation.line_for(leaf(2))


def test_a_gradient_that_algebra_left_out_has_a_line_all_the_same() -> None:
    w = leaf(3, name="w")
    square = w**2
    loss = np.mean(square)
    assert derive(loss).line_for(square) == "dsquare = np.full(3, 1 / 3)  # (3,)"
    del square
    inner = loss._node.args[0]
    assert lines_for(loss, inner, w._node) == ["dsquare = np.full(3, 1 / 3)  # (3,)", "dw = 2 / 3 * w  # (3,)"]


def test_names_that_derive_refuses_have_lines_all_the_same() -> None:
    a, b = leaf(3, name="w"), leaf(3, name="w")
    loss = np.sum(a * b)
    assert lines_for(loss, a._node, b._node) == [
        "dw = w_2  # (3,)",
        "dw_2 = w  # (3,)",
    ]


# Random programs


UNARY = [
    np.tanh, np.sin, np.square, np.transpose, np.negative, lambda a: np.exp(-(a**2)), lambda a: 1 / (1 + a**2),
    lambda a: np.maximum(0.1, a), lambda a: a - np.mean(a, axis=0), lambda a: a / (1 + np.sum(a**2)), lambda a: a[::-1],
    lambda a: a[[0, 2, 2]], lambda a: np.cumsum(a, axis=1), lambda a: np.concatenate([a[1:], a[:1] * 2]),
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply, np.matmul, lambda a, b: a * b[0], lambda a, b: a + np.sum(b, axis=1),
    lambda a, b: np.where(a.data > 0, a, b), lambda a, b: a / (2 + b**2),
]  # fmt: skip


@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
@given(st.data())
def test_random_programs_are_what_backward_computes(data: st.DataObject) -> None:
    draw = data.draw
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    start = [generator.uniform(-1, 1, size=(3, 3)) for _ in range(3)]
    steps = []
    for k in range(draw(st.integers(1, 8))):
        places = draw(st.integers(0, k + 2)), draw(st.integers(k, k + 2))
        steps.append((draw(st.sampled_from(UNARY + BINARY)), *places))

    def recorded() -> Any:
        values: list[Any] = [Tensor(array, requires_grad=k < 2) for k, array in enumerate(start)]
        fn: Any
        for fn, i, j in steps:
            values.append(fn(values[i]) if fn in UNARY else fn(values[i], values[j]))
        return np.mean(values[-1]) + np.sum(values[0] * values[1])

    loss = recorded()
    check(loss)
    with holding(everything=False):
        assert derive(recorded()).source == derive(loss).source


def test_a_gradient_that_is_spread_and_written_has_no_dead_line() -> None:
    W = leaf(3, 3, name="W")
    h = W[::-1]
    loss = np.sum(np.tanh(np.sum(h, axis=0) * W))
    lines = right_sides(derive(loss).source)
    assert lines["dh"].startswith("np.broadcast_to(")
    assert "] = dh\n" in derive(loss).source
    check(loss)


def test_a_number_may_be_summed_over_its_axis_as_in_numpy() -> None:
    c = Tensor(0.5, requires_grad=True, name="c")
    loss = np.sum(np.sum(c, axis=0) * np.arange(3.0))
    assert r"\bar{c}" in derive(loss).latex
    check(loss)
