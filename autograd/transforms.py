r"""Transforms of functions: gradients, and products with Jacobians and Hessians.

All are reverse mode on the recorded graph; a product with a Jacobian is two reverse passes, since the pull
$u \mapsto J^\top u$ is linear and its own pull is $v \mapsto J v$. They nest: each transform
differentiates with respect to aliases of its own, so a variable of an outer transform that the
function closes over is never taken for it (Siskind and Pearlmutter, "Perturbation confusion and referential
transparency", 2005).

Arguments are arrays, numbers, Tensors, any nesting of lists, tuples and dictionaries of them, or objects with
`named_parameters()` and `with_parameters(tensors)`, whose parameters are the leaves, as `nn.Module` is one: the
function is called with what `with_parameters` gives, and nothing that others can see is changed meanwhile. Gradients
come back in the same nesting, a dictionary by name for such objects: arrays where arrays came in, Tensors where
Tensors did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from operator import index
from typing import Any

import numpy as np

from autograd.differentiation import Call, backward, data_of, name_of
from autograd.grad_mode import enable_grad
from autograd.tree import Tree


def grad(
    fn: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False, argnum: Any = None
) -> Callable[..., Any]:
    """The function that computes the gradient of `fn`, which gives one number.

    Args:
        argnums: the positions of the arguments to differentiate with respect to; a sequence gives a tuple.
        has_aux: `fn` gives `(output, anything)`, and so does the gradient function.
        argnum: the same as argnums, as HIPS autograd calls it.

    Raises:
        TypeError: the output is no single number, or an argument holds no floats.

    >>> grad(lambda x: x**3)(2.0)
    array(12.)
    >>> grad(grad(lambda x: x**3))(2.0)
    array(12.)
    >>> grad(lambda p, x: np.sum(p["w"] * x))({"w": np.ones(2)}, np.array([1.0, 2.0]))
    {'w': array([1., 2.])}
    """
    compute = value_and_grad(fn, argnums, has_aux=has_aux, argnum=argnum)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, result = compute(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return _named(gradient, "grad", fn)


def value_and_grad(
    fn: Callable[..., Any], argnums: int | Sequence[int] = 0, *, has_aux: bool = False, argnum: Any = None
) -> Callable[..., Any]:
    """Like `grad`, with its arguments and errors, and gives `(output, gradient)`; with `has_aux`, the first is a pair.

    >>> value, gradient = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """

    argnums = argnums if argnum is None else argnum

    def compute(*args: Any, **kwargs: Any) -> Any:
        call = Call(fn, args, _positions(argnums), kwargs)
        output, aux = _split(call.output, fn) if has_aux else (call.output, None)
        call.check_output(output, "grad", fn)
        if prod(np.shape(data_of(output))) != 1:
            raise TypeError(
                f"grad of {name_of(fn)}: the output has shape {np.shape(data_of(output))}, not one element. "
                "Reduce it (np.sum, np.mean), or use jacobian"
            )
        result = call.nested(call.pull(output, np.ones_like(data_of(output))))
        value = call.output_for_caller(output)
        return (value, call.output_for_caller(aux)) if has_aux else value, result[0] if _single(argnums) else result

    return _named(compute, "value_and_grad", fn)


def vjp(fn: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    r"""The output of `fn`, and the function $u \mapsto J^\top u$, which gives a tuple: one gradient a primal.

    Args:
        primals: the arguments of `fn`, each an array, a Tensor, or any nesting of them.

    Raises:
        TypeError: `fn` gives no numbers, or a primal holds no floats; from the pull, a cotangent u that is nested
            otherwise than the output.
        ValueError: from the pull, a cotangent of another shape.

    >>> out, pull = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    call = Call(fn, primals, range(len(primals)), {})

    def pull(cotangent: Any) -> tuple[Any, ...]:
        return call.nested(call.pull(call.output, cotangent))

    for leaf in Tree(call.output).leaves:
        call.check_output(leaf, "vjp", fn)

    return call.output_for_caller(call.output), pull


def jvp(fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    r"""The output of `fn`, and $J v$ for the tangents v, nested like the primals.

    By two reverse passes: $J v$ is the derivative of $u \mapsto v \cdot J^\top u$.

    Args:
        primals, tangents: lists or tuples with an entry for each argument of `fn`, of the same shapes.

    Raises:
        TypeError: more or fewer tangents than primals; `fn` gives no numbers, or a primal holds no floats.
        ValueError: a tangent of another shape.

    >>> jvp(lambda x: x**2, [np.array([1.0, 2.0])], [np.array([1.0, 10.0])])[1]
    array([ 2., 40.])
    """
    directions = _directions(f"jvp of {name_of(fn)}", primals, tangents)
    call = Call(fn, tuple(primals), range(len(primals)), {})
    for leaf in Tree(call.output).leaves:
        call.check_output(leaf, "jvp", fn)
    probes, pulled = call.probed(call.output)
    with enable_grad():
        total: Any = sum((np.sum(g * v) for g, v in zip(pulled, directions, strict=True)), 0.0)
    result = backward(total, np.ones_like(data_of(total)), [probe._node for probe in probes], call.outer)
    pushed = [call.for_caller(probe if call.outer else None, result.get(probe._node), probe.data) for probe in probes]
    return call.output_for_caller(call.output), Tree(call.output).filled(pushed)


def jacobian(fn: Callable[..., Any], argnums: int | Sequence[int] = 0, *, argnum: Any = None) -> Callable[..., Any]:
    r"""The function that computes $J_{ij} = \partial y_i / \partial x_j$, of shape output.shape + input.shape.

    Over one recorded call, one reverse pass a row; or a column, through the pull's own graph, where the outputs
    are many times the inputs. For nested arguments each leaf holds its own Jacobian.

    Args:
        argnums: the positions of the arguments to differentiate with respect to; a sequence gives a tuple.

    Raises:
        TypeError: the output holds no numbers, or an argument no floats.

    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    argnums = argnums if argnum is None else argnum

    def compute(*args: Any, **kwargs: Any) -> Any:
        call = Call(fn, args, _positions(argnums), kwargs)
        outputs = Tree(call.output)
        for leaf in outputs.leaves:
            call.check_output(leaf, "jacobian", fn)
        result = [call.nested(call.jacobians(leaf)) for leaf in outputs.leaves]
        if _single(argnums):
            return outputs.filled([part[0] for part in result])
        return outputs.filled(result)

    return _named(compute, "jacobian", fn)


def hessian(fn: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    r"""The function that computes $\partial^2 y / \partial x_i \partial x_j$ of a single number y.

    Of shape input.shape + input.shape; for nested arguments a nesting of nestings, block by block.

    Raises:
        TypeError: the output is no single number, or an argument holds no floats.

    >>> hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return _named(jacobian(grad(fn, argnums), argnums), "hessian", fn)


def hvp(fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    r"""$H v$ of a single number, without H: the gradient of $\nabla f \cdot v$ (Pearlmutter, 1994).

    Gives one nesting a primal, in a tuple. Primals and tangents are those of `jvp`.

    Raises:
        TypeError: more or fewer tangents than primals; the output is no single number, or a primal holds no floats.
        ValueError: a tangent of another shape.

    >>> hvp(lambda x: np.sum(x**3), [np.array([1.0, 2.0])], [np.array([1.0, 1.0])])
    (array([ 6., 12.]),)
    """
    directions = _directions(f"hvp of {name_of(fn)}", primals, tangents)
    positions = tuple(range(len(primals)))
    gradient = grad(fn, positions)

    def slope(*args: Any) -> Any:
        pairs = zip(Tree(gradient(*args)).leaves, directions, strict=True)
        return sum((np.sum(g * v) for g, v in pairs), np.float64(0.0))

    return grad(slope, positions)(*primals)


def _positions(argnums: int | Sequence[int]) -> Sequence[int]:
    chosen: Any = (argnums,) if _single(argnums) else argnums
    try:
        return tuple(map(index, chosen))
    except TypeError:
        raise TypeError(f"argnums is {argnums!r}; give the position of an argument, or a tuple of positions") from None


def _single(argnums: Any) -> bool:
    return hasattr(argnums, "__index__")


def _directions(text: str, primals: Any, tangents: Any) -> list[Any]:
    """The leaves of the tangents; TypeError or ValueError unless they fit the primals one by one."""
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"{text}: {name} is {type(given).__name__}; give a list, with an entry for each argument")
    if len(primals) != len(tangents):
        raise TypeError(f"{text}: {len(primals)} primals and {len(tangents)} tangents")
    result = []
    for primal, tangent in zip(primals, tangents, strict=True):
        tree = Tree(primal)
        leaves = tree.matched(tangent, f"{text}: a tangent", "its primal")
        for leaf, direction in zip(tree.leaves, leaves, strict=True):
            shape, wanted = np.shape(data_of(direction)), np.shape(data_of(leaf))
            if shape != wanted:
                raise ValueError(f"{text}: a tangent of shape {shape} for a primal of {wanted}")
        result += leaves
    return result


def _split(output: Any, fn: Callable[..., Any]) -> tuple[Any, Any]:
    if not isinstance(output, tuple) or len(output) != 2:
        raise TypeError(f"with has_aux, {name_of(fn)} gives (output, anything), not {type(output).__name__}")
    return output


def _named(function: Callable[..., Any], transform: str, fn: Callable[..., Any]) -> Callable[..., Any]:
    if not callable(fn):
        raise TypeError(f"grad and its kin take a function, not {type(fn).__name__}; they give the function to call")
    function.__name__ = f"{transform}({name_of(fn)})"
    return function
