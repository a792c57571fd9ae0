"""HIPS autograd's transforms: each takes a function and the position of an argument, and gives a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np

from autograd.hips.primitives import defvjp_argnums, primitive
from autograd.numpy.kinds import held
from autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd.tree import Tree, tree_map

Function = Callable[..., Any]


def unary_to_nary(operator: Callable[..., Any]) -> Callable[..., Any]:
    """An operator of a function of one argument and that argument, for functions of many: `op(fun, argnum)(*args)`."""

    @wraps(operator)
    def of_function(fun: Function, argnum: Any = 0, *options: Any, **named: Any) -> Function:
        several = isinstance(argnum, (tuple, list))

        def call(*args: Any, **kwargs: Any) -> Any:
            def alone(x: Any) -> Any:
                given = list(args)
                for position, value in zip(argnum, x, strict=True) if several else ((argnum, x),):
                    given[position] = value
                return fun(*given, **kwargs)

            alone.__name__ = getattr(fun, "__name__", "function")
            x = tree_map(_as_floats, tuple(args[k] for k in argnum) if several else args[argnum])
            return operator(alone, x, *options, **named)

        call.__name__ = f"{operator.__name__}({getattr(fun, '__name__', 'function')})"
        return call

    return of_function


def _as_floats(leaf: Any) -> Any:
    """Whole numbers as floats: HIPS autograd differentiates by them too."""
    return np.asarray(leaf, float) if np.asarray(held(leaf)).dtype.kind in "iu" else leaf


@unary_to_nary
def make_vjp(fun: Function, x: Any) -> tuple[Function, Any]:
    """The pull of `fun` at x, and its value: `make_vjp(fun)(x)` gives `(vjp, value)`.

    >>> pull, value = make_vjp(lambda x: x**2)(3.0)
    >>> float(value), float(pull(1.0))
    (9.0, 6.0)
    """
    value, pull = vjp(fun, x)
    return (lambda g: pull(_shaped_like(value, g))[0]), value


def _shaped_like(value: Any, g: Any) -> Any:
    """A cotangent in the shape of a value; HIPS autograd takes numbers for arrays."""
    tree = Tree(value)
    leaves = tree.matched(g, "the cotangent", "the output")
    return tree.filled([g if np.shape(held(g)) == np.shape(held(v)) else np.broadcast_to(g, np.shape(held(v)))
                        for v, g in zip(tree.leaves, leaves, strict=True)])  # fmt: skip


@unary_to_nary
def make_jvp(fun: Function, x: Any) -> Function:
    """The push of `fun` at x: `make_jvp(fun)(x)(v)` gives `(value, J v)`."""
    return lambda v: jvp(fun, [x], [v])


@unary_to_nary
def make_jvp_reversemode(fun: Function, x: Any) -> Function:
    """The push alone: `make_jvp_reversemode(fun)(x)(v)` gives J v."""
    return lambda v: jvp(fun, [x], [v])[1]


@unary_to_nary
def elementwise_grad(fun: Function, x: Any) -> Any:
    """The gradient of the sum of the output: for functions that act element by element, their derivative.

    >>> elementwise_grad(np.tanh)(np.zeros(2))
    array([1., 1.])
    """
    value, pull = vjp(fun, x)
    return pull(tree_map(lambda leaf: np.ones(np.shape(held(leaf))), value))[0]


@unary_to_nary
def deriv(fun: Function, x: Any) -> Any:
    """The derivative of a function of one number, of any shape of output."""
    return jvp(fun, [x], [np.ones(np.shape(held(x)))])[1]


@unary_to_nary
def make_hvp(fun: Function, x: Any) -> tuple[Function, Any]:
    """The product with the Hessian at x, and the gradient there."""
    return make_vjp(grad(fun))(x)  # type: ignore[no-any-return]


@unary_to_nary
def holomorphic_grad(fun: Function, x: Any) -> Any:
    """Refused: Tensors are real."""
    raise TypeError("holomorphic_grad: a Tensor takes real numbers only")


def make_ggnvp(f: Function, g: Function = lambda x: 0.5 * np.sum(x**2, axis=-1), f_argnum: int = 0) -> Function:
    """The product with the generalised Gauss-Newton matrix of g after f: J' H J v."""

    @unary_to_nary
    def ggnvp(fun: Function, x: Any) -> Function:
        return lambda v: make_vjp(fun)(x)[0](hvp(g, [fun(x)], [jvp(fun, [x], [v])[1]])[0])

    return ggnvp(f, f_argnum)  # type: ignore[no-any-return]


def tensor_jacobian_product(fun: Function, argnum: int = 0) -> Function:
    """`f(*args, u)`: u, of the first axes of the output, times the Jacobian."""

    def product(*args: Any, **kwargs: Any) -> Any:
        *given, vector = args
        return jacobian(lambda *a, **k: np.tensordot(vector, fun(*a, **k), np.ndim(vector)), argnum)(*given, **kwargs)

    return product


vector_jacobian_product = tensor_jacobian_product


def hessian_tensor_product(fun: Function, argnum: int = 0) -> Function:
    """`f(*args, v)`: the Hessian times v, without the Hessian."""
    gradient = grad(fun, argnum)

    def product(*args: Any, **kwargs: Any) -> Any:
        *given, vector = args
        return grad(lambda *a, **k: np.sum(gradient(*a, **k) * vector), argnum)(*given, **kwargs)

    return product


hessian_vector_product = hessian_tensor_product


def grad_and_aux(fun: Function, argnum: int = 0) -> Function:
    """The gradient of a function that gives `(number, anything)`, and that anything."""
    return grad(fun, argnum, has_aux=True)


def grad_named(fun: Function, argname: str) -> Function:
    """`grad` by the name of an argument."""
    return grad(fun, list(signature(fun).parameters).index(argname))


def multigrad_dict(fun: Function) -> Function:
    """The gradients by all arguments, in a dictionary by their names."""
    parameters = signature(fun)

    def gradients(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = parameters.bind(*args, **kwargs)
        bound.apply_defaults()

        def of_names(named: dict[str, Any]) -> Any:
            bound.arguments.update(named)
            return fun(*bound.args, **bound.kwargs)

        return grad(of_names)(dict(bound.arguments))  # type: ignore[no-any-return]

    return gradients


def checkpoint(fun: Function) -> Function:
    """`fun`, of whose graph nothing is kept: the backward pass computes it again."""
    held_once = primitive(fun)
    defvjp_argnums(held_once, lambda argnums, ans, args, kwargs: make_vjp(fun, argnums)(*args, **kwargs)[0])
    return held_once


__all__ = [
    "checkpoint", "deriv", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "jacobian", "make_ggnvp", "make_hvp",
    "make_jvp", "make_jvp_reversemode", "make_vjp", "multigrad_dict", "tensor_jacobian_product", "unary_to_nary",
    "value_and_grad", "vector_jacobian_product",
]  # fmt: skip
