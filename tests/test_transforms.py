"""Transforms of functions: values, nesting, structure, and no confusion between levels."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd import Tensor, no_grad, transforms
from autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

RNG = np.random.default_rng(0)


def test_arrays_in_arrays_out_tensors_in_tensors_out() -> None:
    assert type(grad(lambda x: np.sum(x**2))(np.ones(3))) is np.ndarray
    assert type(grad(lambda x: x**2)(2.0)) is np.ndarray
    out = grad(lambda x: np.sum(x**2))(Tensor(np.ones(3)))
    assert type(out) is Tensor


def test_a_number_has_no_memory_that_another_name_could_see() -> None:
    def f(x: Any) -> Any:
        before = x
        x += 1
        return x * before

    assert grad(f)(2.0) == 5
    assert np.array_equal(grad(lambda x: np.sum(f(x)))(np.full(2, 2.0)), [6, 6])  # an array has

    def g(x: Any) -> Any:
        x *= np.ones(3)
        return np.sum(x)

    assert grad(g)(2.0) == grad(g)(np.float32(2.0)) == 3


def test_argnums_choose_arguments() -> None:
    f = lambda a, b, c=1.0: np.sum(a * b * c)
    a, b = RNG.normal(size=3), RNG.normal(size=3)
    np.testing.assert_allclose(grad(f, 1)(a, b), a)
    np.testing.assert_allclose(grad(f, -1)(a, b), a)
    da, db = grad(f, (0, 1))(a, b, c=2.0)
    np.testing.assert_allclose(da, 2 * b)
    np.testing.assert_allclose(db, 2 * a)
    with pytest.raises(TypeError, match="argnums is 5.*2 arguments by position"):
        grad(f, 5)(a, b)


class Pair(NamedTuple):
    left: Any
    right: Any


def test_gradients_have_the_nesting_of_the_argument() -> None:
    p = {"W": [np.ones((2, 2)), (np.ones(2), 3.0)], "pair": Pair(np.ones(1), np.zeros(1))}
    g = grad(lambda p: np.sum(p["W"][0]) * p["W"][1][1] + np.sum(p["pair"].left * 2))(p)
    assert type(g["pair"]) is Pair
    assert type(g["W"][1]) is tuple
    np.testing.assert_array_equal(g["W"][0], np.full((2, 2), 3.0))
    np.testing.assert_array_equal(g["W"][1][0], np.zeros(2))
    assert float(g["W"][1][1]) == 4.0
    np.testing.assert_array_equal(g["pair"].left, [2.0])


def test_value_and_auxiliary_output() -> None:
    value, g = value_and_grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    assert (float(value), type(value)) == (9.0, np.ndarray)
    np.testing.assert_array_equal(g, [3.0, 12.0])
    (value, aux), g = value_and_grad(lambda x: (np.sum(x), {"twice": 2 * x}), has_aux=True)(np.ones(2))
    np.testing.assert_array_equal(aux["twice"], [2.0, 2.0])
    g, aux = grad(lambda x: (np.sum(x), "note"), has_aux=True)(np.ones(2))
    assert aux == "note"


def test_vjp_and_jvp_are_transposes() -> None:
    f = lambda a, b: (np.tanh(a @ b), np.sum(a) * b)
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=3)
    va, vb = RNG.normal(size=(2, 3)), RNG.normal(size=3)
    u = (RNG.normal(size=2), RNG.normal(size=3))
    out, pull = vjp(f, a, b)
    pushed_out, pushed = jvp(f, (a, b), (va, vb))
    ga, gb = pull(u)
    assert all(type(part) is np.ndarray for part in (*out, *pushed, ga, gb))
    np.testing.assert_allclose(out[0], pushed_out[0])
    np.testing.assert_allclose(
        np.sum(u[0] * pushed[0]) + np.sum(u[1] * pushed[1]), np.sum(ga * va) + np.sum(gb * vb), rtol=1e-12
    )


@pytest.mark.parametrize("cotangent", [2.0, 2, np.float32(2.0), np.array(2.0)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_cotangent_may_be_any_number(cotangent: Any, dtype: str) -> None:
    x = np.array([1.0, 3.0], dtype)
    (gradient,) = vjp(lambda x: np.sum(x**2), x)[1](cotangent)
    np.testing.assert_array_equal(gradient, 4 * x)
    assert gradient.dtype == dtype


def test_jvp_equals_complex_step() -> None:
    f = lambda x: np.exp(np.sin(x)) * x
    x, v = RNG.normal(size=4), RNG.normal(size=4)
    np.testing.assert_allclose(jvp(f, (x,), (v,))[1], np.imag(f(x + 1e-30j * v)) / 1e-30, rtol=1e-13)


def test_jacobian_and_hessian_of_known_functions() -> None:
    A = RNG.normal(size=(3, 4))
    x = RNG.normal(size=4)
    np.testing.assert_allclose(jacobian(lambda x: A @ x)(x), A)
    assert jacobian(lambda x: np.outer(x, x))(x).shape == (4, 4, 4)
    S = A.T @ A
    np.testing.assert_allclose(hessian(lambda x: 0.5 * x @ S @ x)(x), S, atol=1e-14)
    np.testing.assert_allclose(hvp(lambda x: 0.5 * x @ S @ x, (x,), (x,))[0], S @ x)


def test_jacobians_by_rows_and_by_columns_agree() -> None:
    x, wide = RNG.normal(size=3), RNG.normal(size=(3, 50))
    J = jacobian(lambda x: np.exp(x @ wide) * np.sum(x))(x)  # 50 outputs, 3 inputs: by columns
    rows = np.stack([grad(lambda x, k=k: np.exp(x @ wide[:, k]) * np.sum(x))(x) for k in range(50)])
    np.testing.assert_allclose(J, rows, rtol=1e-12)
    np.testing.assert_allclose(jacobian(lambda t: t * np.arange(9.0))(2.0), np.arange(9.0))
    second = jacobian(jacobian(lambda t: t**3 * np.arange(9.0)))(2.0)
    np.testing.assert_allclose(second, 12 * np.arange(9.0))
    both = jacobian(lambda p: p[0] * np.arange(30.0))([2.0, np.ones(2)])
    np.testing.assert_array_equal(both[1], np.zeros((30, 2)))


def test_jacobian_of_nested_arguments() -> None:
    J = jacobian(lambda p: p["a"] * p["b"])({"a": np.array([1.0, 2.0]), "b": 3.0})
    np.testing.assert_array_equal(J["a"], 3 * np.eye(2))
    np.testing.assert_array_equal(J["b"], [1.0, 2.0])


def test_transforms_nest_to_any_order() -> None:
    f: Any = lambda x: np.sin(x) * x**3
    expected = [
        lambda x: np.cos(x) * x**3 + 3 * x**2 * np.sin(x),
        lambda x: 6 * x * np.sin(x) + 6 * x**2 * np.cos(x) - x**3 * np.sin(x),
        lambda x: (6 - 9 * x**2) * np.sin(x) + (18 * x - x**3) * np.cos(x),
    ]
    for derivative in expected:
        f = grad(f)
        np.testing.assert_allclose(f(0.7), derivative(0.7), rtol=1e-13)


# Perturbation confusion: published counter-examples


def test_an_inner_derivative_of_a_sum_with_an_outer_variable() -> None:
    # Siskind and Pearlmutter: d/dx [x * d/dy (x + y)] = 1, and 2 when confused
    assert float(grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0)) == 1.0


def test_an_inner_derivative_of_a_product_with_an_outer_variable() -> None:
    # d/dx [x * d/dy (x y)] = d/dx x**2
    assert float(grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0)) == 6.0


def test_an_inner_derivative_at_the_outer_variable_itself() -> None:
    # d/dx [x * (d/dy (x y) at y = x)] = d/dx x**2
    assert float(grad(lambda x: x * grad(lambda y: x * y)(x))(3.0)) == 6.0
    assert float(grad(lambda x: grad(lambda y: y * y * x)(x))(3.0)) == 12.0


def test_the_amazing_bug() -> None:
    # Manzyuk, Pearlmutter, Radul, Rush, Siskind (2019): D of a curried shift, applied twice
    def derivative(f: Any) -> Any:
        return lambda x: grad(f)(x)

    shift = lambda u: lambda f: lambda x: f(x + u)
    g = lambda f: lambda x: grad(lambda u: shift(u)(f)(x))(0.0)  # = derivative
    f = lambda x: np.exp(x) * x
    np.testing.assert_allclose(g(g(f))(1.0), derivative(derivative(f))(1.0), rtol=1e-13)
    np.testing.assert_allclose(g(g(f))(1.0), np.exp(1.0) * 3, rtol=1e-13)


def test_confusion_through_jvp_and_hvp() -> None:
    inner = lambda x: jvp(lambda y: x * y, (1.0,), (1.0,))[1]
    np.testing.assert_allclose(grad(lambda x: x * inner(x))(3.0), 6.0)


# Modules and closures


def test_hessian_over_the_parameters_of_a_module() -> None:
    model = nn.MLP([2, 2, 1], activation=nn.Tanh, rng=0)
    x, y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))
    loss = lambda m: nn.functional.mse_loss(m(x), y)
    before = {name: p.data.copy() for name, p in model.named_parameters()}
    g = grad(loss)(model)
    assert list(g) == [name for name, _ in model.named_parameters()]
    loss(model).backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(g[name].data, p.grad, rtol=1e-12)
    H = hessian(loss)(model)
    first = next(iter(g))
    direction = {name: Tensor(RNG.normal(size=p.shape)) for name, p in model.named_parameters()}
    product = hvp(loss, (model,), (direction,))[0]
    for name in g:
        expected = sum(np.tensordot(H[name][other].data, direction[other].data, direction[other].ndim) for other in g)
        np.testing.assert_allclose(product[name].data, expected, rtol=1e-10, atol=1e-12)
    assert H[first][first].shape == g[first].shape * 2
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(p.data, before[name])


class Twice(nn.Module):
    """Parameters in lists, tuples and dictionaries, and a module that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        shared = nn.Linear(2, 2, rng=1)
        self.parts = [shared, (nn.Parameter(np.ones(2)), {"again": shared})]
        self.rng = np.random.default_rng(0)

    def forward(self, x: Any) -> Any:
        scale, parts = self.parts[1]
        return np.sum(np.tanh(parts["again"](self.parts[0](x) * scale)))


def test_a_function_is_called_with_a_module_of_its_own() -> None:
    model, seen = Twice(), []

    def loss(m: Twice) -> Any:
        seen.append(m)
        return m(np.ones((3, 2)))

    gradients = grad(loss)(model)
    (copied,) = seen
    assert copied is not model
    assert copied.rng is model.rng
    assert copied.parts[0] is copied.parts[1][1]["again"]
    assert all(isinstance(p, nn.Parameter) for p in copied.parameters())
    assert [name for name, _ in copied.named_parameters()] == list(gradients)
    assert not {id(p) for p in copied.parameters()} & {id(p) for p in model.parameters()}
    loss(model).backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(gradients[name].data, p.grad)


def test_transforms_change_nothing_that_other_threads_see() -> None:
    model, x = nn.MLP([2, 4, 1], activation=nn.Tanh, rng=0), RNG.normal(size=(5, 2))
    loss = lambda m: np.sum(m(x) ** 2)
    nodes = [p._node for p in model.parameters()]
    true, value = grad(loss)(model), model(x).data
    wrong: list[str] = []

    def differentiate() -> None:
        for _ in range(25):
            g = grad(loss)(model)
            wrong.extend(name for name in true if not np.array_equal(g[name].data, true[name].data))

    def use() -> None:
        for _ in range(50):
            same = np.array_equal(model(x).data, value) and [p._node for p in model.parameters()] == nodes
            wrong.extend(["use"] * (not same))

    before, threads = (
        sys.getswitchinterval(),
        [threading.Thread(target=run) for run in (differentiate, differentiate, use)],
    )
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []


def test_a_function_that_fails_leaves_the_module_as_it_was() -> None:
    model = nn.Linear(2, 1, rng=0)
    nodes = [p._node for p in model.parameters()]
    with pytest.raises(ZeroDivisionError):
        grad(lambda m: np.sum(m(np.ones(2))) * (1 // 0))(model)
    assert [p._node for p in model.parameters()] == nodes


def test_a_module_from_outside_in_the_place_of_the_argument_is_an_error() -> None:
    model = nn.Linear(2, 1, rng=0)
    with pytest.raises(RuntimeError, match=r"uses (weight|bias) of the module itself.*take its argument"):
        grad(lambda m: np.sum(model(np.ones(2)) ** 2))(model)
    anchor = model.weight.detach()
    pulled = grad(lambda m: np.sum((m.weight - 2 * anchor) ** 2))(model)
    np.testing.assert_allclose(pulled["weight"].data, -2 * model.weight.data)


def test_transforms_of_modules_nest() -> None:
    model, x = nn.Linear(2, 1, rng=0), np.ones((1, 2))

    def stepped(m: nn.Linear) -> Any:  # the loss after a step of descent
        inner = grad(lambda own: np.sum(own(x) ** 2))(m)
        return np.sum(m.with_parameters({k: p - 0.1 * inner[k] for k, p in m.named_parameters()})(x) ** 2)

    gradients = grad(stepped)(model)
    y = float(model(x).data[0, 0])
    slope = 2 * (1 - 0.2 * 3) ** 2 * y  # the step takes 0.2 * |(x, 1)|**2 of y off
    np.testing.assert_allclose(gradients["weight"].data, [[slope], [slope]])
    np.testing.assert_allclose(gradients["bias"].data, [slope])


def test_an_object_with_parameters_says_how_it_is_made_anew() -> None:
    class Bare:
        def named_parameters(self) -> Any:
            return [("w", Tensor(1.0, requires_grad=True))]

    with pytest.raises(TypeError, match=r"no with_parameters\(tensors\).*dict\(named_parameters"):
        grad(lambda m: m)(Bare())


def test_other_parameters_fit() -> None:
    with pytest.raises(ValueError, match=r"weight is \(2, 1\), given \(3,\).*bias is \(1,\), given none.*b is none"):
        nn.Linear(2, 1, rng=0).with_parameters({"weight": np.ones(3), "b": np.ones(1)})  # type: ignore[dict-item]


def test_a_closed_over_parameter_collects_nothing() -> None:
    w = Tensor([2.0], requires_grad=True)
    grad(lambda x: np.sum(w * x))(np.ones(1))
    assert w.grad is None


def test_transforms_work_inside_no_grad() -> None:
    with no_grad():
        assert float(grad(lambda x: x**2)(3.0)) == 6.0
        assert not grad(lambda x: x**2)(Tensor(3.0)).requires_grad


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
def test_a_hessian_is_symmetric_and_equals_differences(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, x = rng.normal(size=(m, n)), rng.normal(size=n)
    f = lambda x: np.sum(np.tanh(A @ x) ** 2) + np.prod(np.shape(x)) * np.sum(np.exp(-x * x))
    H = hessian(f)(x)
    np.testing.assert_allclose(H, H.T, atol=1e-12)
    h = 1e-5
    rows = [(grad(f)(x + h * e) - grad(f)(x - h * e)) / (2 * h) for e in np.eye(n)]
    np.testing.assert_allclose(H, np.stack(rows), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: grad(lambda x: x * 2)(np.ones(3)), r"the output has shape \(3,\), not one element"),
        (lambda: grad(lambda x: x)(np.arange(3)), "holds int64"),
        (lambda: grad(lambda p: np.sum(p["w"]))({"w": np.ones(2), "act": "relu"}), "holds 'relu'"),
        (lambda: grad(lambda p: np.sum(p["w"]))({"w": np.ones(2), "b": None}), "holds None"),
        (lambda: grad(lambda x: None)(np.ones(3)), "it gives NoneType; return an array"),
        (lambda: grad(lambda x: [x[0], x[1]])(np.ones(3)), "it gives list; return an array"),
        (lambda: vjp(lambda x: (x, "a"), np.ones(3)), "it gives str; return an array"),
        (lambda: grad(np.ones(3)), "take a function, not ndarray"),
        (lambda: grad(lambda a, b: a * b, (0, -2))(1.0, 2.0), r"argnums is \(0, -2\).*each once"),
        (lambda: grad(lambda a: a, "a")(1.0), "argnums is 'a'; give the position"),
        (lambda: grad(lambda a: a)(a=1.0), "0 arguments by position; those that come by keyword"),
        (lambda: jvp(np.sum, np.ones(3), np.ones(3)), "primals is ndarray; give a list"),
        (lambda: jvp(lambda p: p["w"], [{"w": 1.0}], [{"v": 1.0}]), "nested as {'v'.*nest them alike"),
        (lambda: hvp(lambda p: p**3, [1.0], [1.0, 2.0]), "1 primals and 2 tangents"),
        (lambda: vjp(lambda x: (x, x), 1.0)[1](1.0), r"cotangent is nested as \*.*nest them alike"),
        (lambda: grad(lambda x: np.sum(x), has_aux=True)(np.ones(2)), "gives .output, anything."),
        (lambda: jvp(lambda x: x, (1.0,), ()), "1 primals and 0 tangents"),
    ],
)
def test_what_cannot_be_differentiated_is_told(call: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        call()


def test_wrong_cotangents_are_told() -> None:
    with pytest.raises(ValueError, match=r"cotangent of shape \(3,\) for an output of shape \(2,\)"):
        vjp(lambda x: x, np.ones(2))[1](np.ones(3))
    with pytest.raises(ValueError, match=r"tangent of shape \(3,\)"):
        jvp(lambda x: x, (np.ones(2),), (np.ones(3),))
    with pytest.raises(ValueError, match=r"tangent of shape \(\) for a primal of \(2,\)"):
        hvp(lambda x: np.sum(x**3), (np.ones(2),), (1.0,))


def test_tangents_go_by_key_not_by_order() -> None:
    primal, tangent = {"a": np.ones(2), "b": 2 * np.ones(2)}, {"b": np.zeros(2), "a": np.ones(2)}
    np.testing.assert_allclose(jvp(lambda p: np.sum(p["a"] ** 3 * p["b"]), [primal], [tangent])[1], 12.0)


def test_gradients_come_in_the_dictionary_s_own_kind() -> None:
    assert grad(lambda p: p["a"] ** 2)(OrderedDict(a=3.0)) == OrderedDict(a=np.array(6.0))


def _writes(a: Any) -> Any:
    a *= 2
    a[0] = a[1] * a[2]
    return np.sum(a**2)


@pytest.mark.parametrize(
    ("fn", "same"),
    [
        (_writes, lambda a: 16 * (a[1] * a[2]) ** 2 + 4 * a[1] ** 2 + 4 * a[2] ** 2),
        (lambda a: np.sum(copy.copy(a) ** 3), lambda a: np.sum(a**3)),
        (lambda a: np.sum(copy.deepcopy([a])[0] ** 3), lambda a: np.sum(a**3)),
    ],
    ids=["written into", "copied", "copied deeply"],
)
def test_a_function_may_write_into_its_arguments_and_copy_them(fn: Any, same: Any) -> None:
    a, v = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
    np.testing.assert_allclose(grad(fn)(a), grad(same)(a))
    np.testing.assert_allclose(hessian(fn)(a), hessian(same)(a))
    np.testing.assert_allclose(jvp(fn, [a], [v])[1], jvp(same, [a], [v])[1])
    np.testing.assert_array_equal(a, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "cut", [lambda a: setattr(a, "data", a.data * 2), lambda a: setattr(a, "requires_grad", False), pickle.dumps]
)
def test_an_argument_is_not_cut_off_like_a_leaf(cut: Any) -> None:
    with pytest.raises(RuntimeError, match="only the data of a leaf|use detach|after detach"):
        grad(lambda a: (cut(a), np.sum(a**2))[1])(np.ones(2))


def test_writing_into_an_argument_inside_no_grad_is_refused() -> None:
    def fn(a: Any) -> Any:
        with no_grad():
            a += 1
        return np.sum(a**2)

    with pytest.raises(RuntimeError, match="would cut its graph"):
        grad(fn)(np.ones(2))


def test_the_module_is_reached_from_the_package() -> None:
    import autograd

    assert autograd.grad is transforms.grad
    assert autograd.hvp is transforms.hvp


# A pass inside of what is differentiated


def slope_by_backward(x: Any) -> Any:
    y = np.sum(x**3)
    y.backward()
    return np.sum(x.grad)


def slope_of_another(x: Any) -> Any:
    w = Tensor(2.0, requires_grad=True)
    ((w * x) ** 2).backward()
    return w.grad * x


@pytest.mark.parametrize(("fn", "slope"), [(slope_by_backward, 18.0), (slope_of_another, 108.0)])
def test_backward_inside_is_a_part_of_the_function(fn: Any, slope: float) -> None:
    assert float(grad(fn)(3.0)) == slope
    assert float(jvp(fn, [3.0], [2.0])[1]) == 2 * slope


def test_backward_inside_of_what_does_not_depend_on_the_argument_is_as_ever() -> None:
    def fn(x: Any) -> Any:
        w = Tensor(2.0, requires_grad=True)
        (w**2).backward()
        assert type(w.grad) is np.ndarray
        return w.grad * x

    assert float(grad(fn)(3.0)) == 4.0
