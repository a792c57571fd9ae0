"""The interface of HIPS autograd, by the names under which its users import it."""

# ruff: noqa: I001  (imports as in its users' code)
from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

import autograd
import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import elementwise_grad, grad, make_jvp, make_vjp, value_and_grad
from autograd.builtins import isinstance as ag_isinstance
from autograd.core import VJPNode, backward_pass
from autograd.extend import Box, defvjp, defvjp_argnums, primitive
from autograd.misc import flatten
from autograd.misc.fixed_points import fixed_point
from autograd.misc.flatten import flatten_func
from autograd.misc.optimizers import adam, rmsprop, sgd
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.test_util import check_equivalent, check_grads, combo_check
from autograd.tracer import getval, isbox, new_box

ROOT = Path(__file__).parent.parent
X = numpy.array([0.3, 0.8, 1.2])


def test_transforms_give_what_their_names_say() -> None:
    f = lambda x: np.sum(x**3)
    assert numpy.allclose(elementwise_grad(np.tanh)(X), 1 - numpy.tanh(X) ** 2)
    pull, value = make_vjp(lambda x: x**2)(X)
    assert numpy.allclose(value, X**2)
    assert numpy.allclose(pull(X), 2 * X**2)
    assert numpy.allclose(make_jvp(lambda x: x**2)(X)(X)[1], 2 * X**2)
    assert numpy.allclose(autograd.hessian_vector_product(f)(X, X), 6 * X**2)
    assert numpy.allclose(autograd.make_hvp(f)(X)[0](X), 6 * X**2)
    assert numpy.allclose(autograd.vector_jacobian_product(lambda x: x**2)(X, X), 2 * X**2)
    assert numpy.allclose(autograd.make_ggnvp(lambda x: x**2)(X)(X), 4 * X**3)
    assert numpy.allclose(autograd.jacobian(np.make_diagonal)(X).sum(axis=-1), numpy.diag(numpy.ones(3)))
    assert numpy.allclose(autograd.deriv(lambda t: t * X)(2.0), X)
    assert autograd.grad_and_aux(lambda x: (x**2, "aux"))(3.0) == (6.0, "aux")
    assert autograd.grad_named(lambda a, b: a * b, "b")(2.0, 3.0) == 2.0
    assert autograd.multigrad_dict(lambda a, b=5.0: a * b)(2.0) == {"a": 5.0, "b": 2.0}
    assert numpy.allclose(grad(lambda x, y: np.sum(x * y), 1)(X, X), X)
    assert numpy.allclose(grad(lambda x, y: np.sum(x * y**2), argnum=1)(X, X), 2 * X**2)
    assert numpy.allclose(autograd.jacobian(lambda x, y: y**2, argnum=1)(X, X), numpy.diag(2 * X))
    assert elementwise_grad(lambda t: t**2.5)(numpy.array([1, 4])).tolist() == [2.5, 20.0]
    assert make_vjp(lambda t: t**2.5)(4)[0](1.0) == 20.0
    with pytest.raises(TypeError, match="real"):
        autograd.holomorphic_grad(f)(X)


def test_primitives_are_differentiated_by_their_rules_to_any_order() -> None:
    cube = primitive(lambda x, scale: scale * x**3)
    defvjp(cube, lambda ans, x, scale: unbroadcast_f(x, lambda g: 3 * g * scale * x**2), None)
    check_grads(cube, 0, order=3)(X, 2.0)
    ours = primitive(lambda x: np.ones(3) * np.sum(np.array([x[0], x[1] ** 2])))  # in autograd.numpy, as its rule
    defvjp(ours, lambda ans, x: lambda g: np.array([1.0, 2 * x[1], 0.0]) * np.sum(g))
    value, gradient = value_and_grad(lambda x: ours(x)[0])(X)
    assert type(value) is type(gradient) is numpy.ndarray
    assert numpy.allclose(gradient, [1.0, 1.6, 0.0])
    check_grads(ours, 0, order=2)(X)
    wrong = primitive(lambda x: x * 2.0)
    wrong.__name__ = "twice"
    defvjp(wrong, lambda ans, x: lambda g: g * 2.001)
    with pytest.raises(AssertionError, match=r"\(VJP\) check of twice failed"):
        check_grads(wrong)(1.0)
    assert grad(cube, 1)(2.0, 3.0) == 0  # as it was said
    with pytest.raises(NotImplementedError, match="argument 0"):
        defvjp(cube, lambda ans, x, scale: lambda g: g, argnums=[1])
        grad(cube)(1.0, 1.0)
    product = primitive(lambda a, b: numpy.multiply(a, b))
    defvjp_argnums(product, lambda argnums, ans, args, kwargs: lambda g: tuple(g * args[1 - k] for k in argnums))
    check_grads(product, (0, 1))(X, X + 1)


def test_a_checkpoint_computes_again_what_it_does_not_keep() -> None:
    calls: list[Any] = []

    def f(x: Any) -> Any:
        calls.append(x)
        return np.sum(np.sin(x) ** 2)

    check_grads(autograd.checkpoint(f))(X)
    calls.clear()
    grad(autograd.checkpoint(f))(X)
    assert len(calls) == 2


@pytest.mark.parametrize("optimizer", [adam, sgd, rmsprop])
def test_optimisers_go_down_in_nested_parameters(optimizer: Any) -> None:
    start = {"w": npr.RandomState(0).randn(3), "b": [1.0, 2.0]}
    loss = lambda p, i=0: np.sum(p["w"] ** 2) + p["b"][0] ** 2 + p["b"][1] ** 2
    seen: list[int] = []
    end = optimizer(grad(loss), start, callback=lambda x, i, g: seen.append(i), num_iters=20, step_size=0.05)
    assert loss(end) < loss(start)
    assert seen == list(range(20))


def test_flatten_and_fixed_points() -> None:
    value = {"b": [1.0, 2.0], "a": numpy.zeros((2, 1))}
    vector, nest = flatten(value)
    check_equivalent(nest(vector), value)
    f, _, start = flatten_func(lambda p: {"a": 2 * p["a"], "b": p["b"]}, value)
    assert numpy.allclose(f(start + 1), [2, 2, 2, 3])
    newton = lambda a: lambda x: 0.5 * (x + a / x)
    root = lambda a: fixed_point(newton, a, 1.0, lambda x, y: abs(x - y), 1e-12)
    assert numpy.allclose(grad(root)(4.0), 0.25)


def test_boxes_and_containers() -> None:
    seen: list[bool] = []

    def f(x: Any) -> Any:
        seen.extend([isbox(x), isinstance(x, Box), ag_isinstance(x, numpy.ndarray), type(getval(x)) is numpy.ndarray])
        return np.sum(x)

    grad(f)(X)
    assert all(seen)
    assert not isbox(X)
    combo_check(lambda a, axis: np.sum(np.sin(a), axis=axis), 0)([X, numpy.ones((2, 2))], axis=[None, 0])
    value, gradient = value_and_grad(lambda x: np.sum(np.array([x[0], x[1] ** 2])))(X)
    assert type(value) is not autograd.Tensor
    assert numpy.allclose(gradient, [1, 1.6, 0])
    stacked = grad(lambda x: np.sum(np.stack({"a": x[:2], "b": x[1:]}.values()) ** 2))(X)
    assert numpy.allclose(stacked, 2 * X * [1, 2, 1])


def test_a_pass_from_a_box_back_to_its_root() -> None:
    """As pymoo makes the Jacobian of several outputs of one run."""
    x = new_box(X, 0, VJPNode.new_root())
    y = np.array([x[0] * x[1], np.sum(x**2)])
    rows = [backward_pass(new_box(numpy.eye(2)[k], 0, VJPNode.new_root()), y._node) for k in range(2)]
    assert numpy.allclose(np.stack(rows)._value, [[X[1], X[0], 0], 2 * X])
    assert numpy.allclose(backward_pass(numpy.eye(2)[1], y._node), 2 * X)
    assert isbox(new_box(3, 0, VJPNode.new_root()))
    with pytest.raises(ValueError, match="2 roots"):
        backward_pass(1.0, np.sum(x * new_box(X, 0, VJPNode.new_root()))._node)
    with pytest.raises(TypeError, match="real numbers"):
        new_box(None, 0, VJPNode.new_root())
    with pytest.raises(AttributeError, match="VSpace"):
        autograd.core.VSpace  # noqa: B018


def test_a_loop_of_updates_keeps_no_graph() -> None:
    x = np.ones(3)
    for _ in range(3):
        x = x - 0.1 * grad(lambda v: np.sum(v**2))(x)
    assert x.is_leaf


def test_every_module_is_found_by_its_name() -> None:
    for name in ("differential_operators", "wrap_util", "tracer", "extend", "misc", "numpy.numpy_boxes", "numpy.fft"):
        importlib.import_module(f"autograd.{name}")


def test_both_in_one_folder_is_told(tmp_path: Path) -> None:
    """HIPS autograd's files beside ours: a warning that says what to type; without our engine, `nn` says so."""
    found = "import os.path; real = os.path.exists; os.path.exists = lambda p: 'tracer' in str(p) or real(p)"
    command = [sys.executable, "-c", f"{found}; import autograd"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "pip uninstall autograd chalkgrad" in ran.stderr
    other = tmp_path / "other"
    (other / "autograd").mkdir(parents=True)
    (other / "autograd" / "__init__.py").write_text("")
    (other / "nn").symlink_to(ROOT / "nn")
    ran = subprocess.run([sys.executable, "-c", "import nn"], cwd=other, capture_output=True, text=True)
    assert "pip uninstall autograd chalkgrad" in ran.stderr
