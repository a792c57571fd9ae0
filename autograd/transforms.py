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

from collections.abc import Callable, Iterator, Sequence
from operator import index
from typing import Any

import numpy as np

from autograd.array.careful import gradients
from autograd.array.conversion import cuts
from autograd.array.tensor import Tensor
from autograd.core.node import Node, differentiated, recording
from autograd.core.op import lookup
from autograd.core.tensor import apply, wrap
from autograd.grad_mode import enable_grad
from autograd.tree import Tree, tree_map

_COLUMN_COST = 6  # measured: a pass through the pull's graph, in passes through the function's


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
        trace = _Trace(fn, args, _positions(argnums), kwargs)
        output, aux = _split(trace.output, fn) if has_aux else (trace.output, None)
        trace.check_output(output, "grad", fn)
        if np.size(_data(output)) != 1:
            raise TypeError(
                f"grad of {_name(fn)}: the output has shape {np.shape(_data(output))}, not one element. "
                "Reduce it (np.sum, np.mean), or use jacobian"
            )
        result = trace.nested(trace.pull(output, np.ones_like(_data(output))))
        value = trace.output_for_caller(output)
        return (value, trace.output_for_caller(aux)) if has_aux else value, result[0] if _single(argnums) else result

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
    trace = _Trace(fn, primals, range(len(primals)), {})

    def pull(cotangent: Any) -> tuple[Any, ...]:
        return trace.nested(trace.pull(trace.output, cotangent))

    for leaf in Tree(trace.output).leaves:
        trace.check_output(leaf, "vjp", fn)

    return trace.output_for_caller(trace.output), pull


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
    directions = _directions(f"jvp of {_name(fn)}", primals, tangents)
    trace = _Trace(fn, tuple(primals), range(len(primals)), {}, create_graph=True)
    for leaf in Tree(trace.output).leaves:
        trace.check_output(leaf, "jvp", fn)
    with enable_grad():
        outputs = Tree(trace.output)
        probes = [Tensor(np.zeros_like(_data(leaf)), requires_grad=True) for leaf in outputs.leaves]
        pulled = trace.pull(trace.output, outputs.filled(probes), as_recorded=True)
        total: Any = 0.0
        for g, direction in zip(pulled, directions, strict=True):
            total = total + np.sum(g * direction)
    result: dict[Node, Any] = {}
    if isinstance(total, Tensor) and total.requires_grad:
        nodes = {probe._node for probe in probes}
        one = Tensor(np.ones_like(total.data)) if trace.outer else total.dtype.type(1)
        result = gradients(total._node, one, wrap=wrap if trace.outer else None, wanted=nodes)
    pushed = [trace.for_caller(probe if trace.outer else None, result.get(probe._node), probe.data) for probe in probes]
    return trace.output_for_caller(trace.output), outputs.filled(pushed)


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
        trace = _Trace(fn, args, _positions(argnums), kwargs)
        outputs = Tree(trace.output)
        for leaf in outputs.leaves:
            trace.check_output(leaf, "jacobian", fn)
        result = [trace.nested(trace.jacobians(leaf)) for leaf in outputs.leaves]
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
    directions = _directions(f"hvp of {_name(fn)}", primals, tangents)
    positions = tuple(range(len(primals)))
    gradient = grad(fn, positions)

    def slope(*args: Any) -> Any:
        pairs = zip(Tree(gradient(*args)).leaves, directions, strict=True)
        return sum((np.sum(g * v) for g, v in pairs), np.float64(0.0))

    return grad(slope, positions)(*primals)


class _Trace:
    """A call of `fn`, recorded on aliases of the leaves of the chosen arguments."""

    def __init__(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: Sequence[int],
        kwargs: dict[str, Any],
        create_graph: bool = False,
    ) -> None:
        for argnum in argnums:
            if not -len(args) <= argnum < len(args):
                raise TypeError(
                    f"argnums is {argnum}, but {_name(fn)} was called with {len(args)} arguments by "
                    "position; those that come by keyword are not differentiated"
                )
        if len({argnum % len(args) for argnum in argnums}) < len(argnums):
            raise TypeError(f"argnums is {tuple(argnums)}: {_name(fn)} has one gradient an argument; name each once")
        self.chosen = [Tree(args[argnum]) for argnum in argnums]
        self.leaves = [leaf for tree in self.chosen for leaf in tree.leaves]
        leaves = self.leaves
        traced = differentiated.get() or any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves)
        self.outer = bool(traced) and recording.get()
        self.create_graph = create_graph or self.outer
        with enable_grad():
            self.aliases = [_alias(leaf, fn) for leaf in self.leaves]
        self.nodes = [alias._node for alias in self.aliases]  # an alias moves on when `fn` writes into it
        token, cut = differentiated.set((*differentiated.get(), *self.nodes)), cuts.set([])
        try:
            with enable_grad():
                self.output = fn(*self._arguments(args, argnums), **kwargs)
                self._check_closure(fn)
        finally:
            self.cuts = cuts.get()
            cuts.reset(cut)
            differentiated.reset(token)

    def check_output(self, output: Any, transform: str, fn: Any) -> None:
        """TypeError where the output is nothing that could be differentiated, or where its graph was cut."""
        if not isinstance(output, (Tensor, np.ndarray, np.generic, int, float)):
            kind = type(output).__name__
            raise TypeError(f"{transform} of {_name(fn)}: it gives {kind}; return an array or a number")
        if self.cuts and not (isinstance(output, Tensor) and output.requires_grad):
            raise TypeError(
                f"{transform} of {_name(fn)}: its result has no graph, since a Tensor became a plain number "
                f"at {self.cuts[0]}. Use NumPy's functions there (np.exp for math.exp), or t.item() if that is meant; "
                f"or {transform}(autograd.differentiable({_name(fn)})), which runs it as it is written"
            )

    def _by_argument(self, values: Sequence[Any]) -> list[Sequence[Any]]:
        """`values`, one a leaf, as one list an argument."""
        out, start = [], 0
        for tree in self.chosen:
            out.append(values[start : start + len(tree.leaves)])
            start += len(tree.leaves)
        return out

    def _arguments(self, args: tuple[Any, ...], argnums: Sequence[int]) -> list[Any]:
        called = list(args)
        for argnum, tree, aliases in zip(argnums, self.chosen, self._by_argument(self.aliases), strict=True):
            filled = tree.filled(aliases)
            called[argnum] = _with_parameters(args[argnum], filled) if tree.has_parameters else filled
        return called

    def _check_closure(self, fn: Callable[..., Any]) -> None:
        """RuntimeError where `fn` took a parameter of a module that was passed from outside, beside the argument."""
        held = [(name, p) for tree in self.chosen if tree.has_parameters
                for name, p in tree.filled(tree.leaves).items()]  # fmt: skip
        outside = {parameter._node: name for name, parameter in held}
        outputs = [leaf._node for leaf in Tree(self.output).leaves if isinstance(leaf, Tensor)] if held else []
        inside, seen, pending = set(self.nodes), set(outputs), outputs
        while pending:
            node = pending.pop()
            if node in outside:
                raise RuntimeError(
                    f"{_name(fn)} is differentiated with respect to the module that it is called with, a copy, and it "
                    f"uses {outside[node]} of the module itself, from outside: take its argument there, or the "
                    "parameter's detach() where a constant is meant"
                )
            for parent in node.args or () if node not in inside else ():
                if type(parent) is Node and parent not in seen:
                    seen.add(parent)
                    pending.append(parent)

    def nested(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """`values`, one a leaf, as one nesting an argument."""
        return tuple(tree.filled(part) for tree, part in zip(self.chosen, self._by_argument(values), strict=True))

    def pull(self, output: Any, cotangent: Any, as_recorded: bool = False) -> list[Any]:
        """The gradients of the leaves, one each; zeros where no output depends on a leaf."""
        nodes = self.nodes
        total: dict[Node, Any] = {}
        outputs = Tree(output)
        for leaf, c in zip(outputs.leaves, outputs.matched(cotangent, "the cotangent", "the output"), strict=True):
            if not isinstance(leaf, Tensor) or not leaf.requires_grad:
                continue
            if np.shape(c) != leaf.shape:
                raise ValueError(f"a cotangent of shape {np.shape(c)} for an output of shape {leaf.shape}")
            for node, g in self._backward(leaf, c, nodes).items():
                total[node] = total[node] + g if node in total else g
        if as_recorded:
            return [total.get(node, np.zeros(node.shape, node.dtype)) for node in nodes]
        return [
            self.for_caller(leaf, total.get(node), node.value) for leaf, node in zip(self.leaves, nodes, strict=True)
        ]

    def _backward(self, leaf: Tensor, cotangent: Any, nodes: list[Node]) -> dict[Node, Any]:
        wrapper = None
        if self.create_graph:
            wrapper = wrap
            cotangent = cotangent if isinstance(cotangent, Tensor) else Tensor(cotangent, dtype=leaf.dtype)
        else:
            cotangent = _data(cotangent)
            if not hasattr(cotangent, "dtype") or cotangent.dtype != leaf.dtype:
                cotangent = np.asarray(cotangent, dtype=leaf.dtype)
            cotangent = cotangent[()]
        result = gradients(leaf._node, cotangent, wrap=wrapper, wanted=frozenset(nodes))
        return {node: result[node] for node in nodes if node in result}

    def jacobians(self, output: Any) -> list[Any]:
        """The Jacobian of one output with respect to each leaf, by rows, or by columns where they are far fewer."""
        shapes = [np.shape(_data(leaf)) for leaf in self.leaves]
        shape = np.shape(_data(output))
        rows, columns = int(np.prod(shape)), int(sum(np.prod(s) for s in shapes))
        if not isinstance(output, Tensor) or not output.requires_grad or not rows or not columns:
            return [
                self.for_caller(leaf, None, np.zeros(shape + s)) for leaf, s in zip(self.leaves, shapes, strict=True)
            ]
        parts = self._by_columns(output) if columns * _COLUMN_COST < rows else self._by_rows(output)
        return [np.reshape(part, shape + s) for part, s in zip(parts, shapes, strict=True)]

    def _by_rows(self, output: Tensor) -> list[Any]:
        rows = [self.pull(output, row) for row in _basis(output)]
        return [np.stack(parts) for parts in zip(*rows, strict=True)]

    def _by_columns(self, output: Tensor) -> list[Any]:
        """The pull is linear in its cotangent: its own rows are the columns."""
        self.create_graph = True
        with enable_grad():
            probe = Tensor(np.zeros_like(output.data), requires_grad=True)
            pulled = self.pull(output, probe, as_recorded=True)
        result = []
        for leaf, g in zip(self.leaves, pulled, strict=True):
            columns = []
            for direction in _basis(g):
                column = None
                if isinstance(g, Tensor) and g.requires_grad:
                    column = self._backward(g, direction, [probe._node]).get(probe._node)
                columns.append(self.for_caller(leaf, column, probe.data))
            result.append(np.stack(columns, axis=-1))
        return result

    def for_caller(self, leaf: Any, g: Any, like: Any) -> Any:
        """A gradient in the caller's kind: an array for an array unless an outer transform needs its graph.

        Zeros in the shape of `like` where there is none.
        """
        if g is None:
            g = np.zeros_like(like)
        if isinstance(leaf, Tensor):
            return g if isinstance(g, Tensor) else Tensor(np.copy(g))
        if isinstance(g, Tensor):
            return g if g.requires_grad and self.outer else g.data
        return np.copy(g)

    def output_for_caller(self, output: Any) -> Any:
        """The output as the caller sees it."""
        if self.outer:
            return output
        return tree_map(lambda leaf: leaf.data if isinstance(leaf, Tensor) else leaf, output)


def _with_parameters(module: Any, parameters: dict[str, Tensor]) -> Any:
    if not hasattr(module, "with_parameters"):
        kind = type(module).__name__
        raise TypeError(
            f"a {kind} has named_parameters(), and no with_parameters(tensors) that gives the same {kind} with these "
            "Tensors in their places, by name; define it, or pass dict(named_parameters())"
        )
    return module.with_parameters(parameters)


class _Argument(Tensor):
    """What a transform passes: a leaf of its own, which the function may write into and copy like any value."""

    __slots__ = ()
    _collects_grad = False


def _alias(leaf: Any, fn: Callable[..., Any]) -> Any:
    """A node of our own with the value of `leaf`, through which gradients reach an outer graph."""
    value = _data(leaf)
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    dtype = getattr(value, "dtype", None) if not isinstance(value, type) else None
    kind = (dtype or np.asarray(value).dtype).kind
    if kind != "f":
        text: Any = type(value).__name__ if kind == "O" else np.asarray(value).dtype
        held = repr(value) if value is None or isinstance(value, (str, bool)) else text
        raise TypeError(
            f"{_name(fn)} is differentiated with respect to an argument that holds {held}; pass floats, and "
            "what has no gradient as an argument of its own, or in a closure"
        )
    if isinstance(leaf, Tensor) and leaf.requires_grad:
        return apply(lookup(np.positive), (leaf,))
    alias = _Argument(value, requires_grad=True, name=leaf.name if isinstance(leaf, Tensor) else None)
    if isinstance(value, (float, np.generic)):  # a number has no memory: `x += 1` gives another one
        alias._node.held = alias._value = alias._value[()]
    return alias


def _basis(like: Any) -> Iterator[Any]:
    """The unit vectors in the shape and dtype of `like`."""
    value = _data(like)
    for row in np.eye(int(np.size(value)), dtype=value.dtype):
        yield row.reshape(np.shape(value))


def _data(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


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
            if np.shape(_data(direction)) != np.shape(_data(leaf)):
                raise ValueError(
                    f"{text}: a tangent of shape {np.shape(_data(direction))} for a primal of {np.shape(_data(leaf))}"
                )
        result += leaves
    return result


def _split(output: Any, fn: Callable[..., Any]) -> tuple[Any, Any]:
    if not isinstance(output, tuple) or len(output) != 2:
        raise TypeError(f"with has_aux, {_name(fn)} gives (output, anything), not {type(output).__name__}")
    return output


def _name(fn: Any) -> str:
    return str(getattr(fn, "__name__", type(fn).__name__))


def _named(function: Callable[..., Any], transform: str, fn: Callable[..., Any]) -> Callable[..., Any]:
    if not callable(fn):
        raise TypeError(f"grad and its kin take a function, not {type(fn).__name__}; they give the function to call")
    function.__name__ = f"{transform}({_name(fn)})"
    return function
