"""One call of a function that a transform differentiates: on leaves of its own, recorded, and pulled back from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd.array.careful import gradients
from autograd.array.conversion import cuts
from autograd.array.searching import lost_at, searches
from autograd.array.tensor import Argument, Tensor
from autograd.basis.arrays import ARRAYS, as_kind, is_foreign
from autograd.basis.sums import copied
from autograd.core.node import Node, differentiated, recording
from autograd.core.op import lookup
from autograd.core.tensor import apply, wrap
from autograd.grad_mode import enable_grad
from autograd.tree import Tree, tree_map

_COLUMN_COST = 6  # measured: a pass through the pull's graph, in passes through the function's


class Call:
    """A call of `fn`, recorded on aliases of the leaves of the chosen arguments.

    Args:
        argnums: which arguments are differentiated, by position.

    Attributes:
        chosen: these arguments, as trees; leaves: theirs; aliases: what stands for each; nodes: where that was made.
        output: what `fn` gave.
        outer: whether another transform, or the caller's own graph, goes on through this call.
        cuts: the lines at which a Tensor became a plain number.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: Sequence[int],
        kwargs: dict[str, Any],
    ) -> None:
        for argnum in argnums:
            if not -len(args) <= argnum < len(args):
                raise TypeError(
                    f"argnums is {argnum}, but {name_of(fn)} was called with {len(args)} arguments by "
                    "position; those that come by keyword are not differentiated"
                )
        if len(argnums) > 1 and len({argnum % len(args) for argnum in argnums}) < len(argnums):
            raise TypeError(f"argnums is {tuple(argnums)}: {name_of(fn)} has one gradient an argument; name each once")
        self.chosen = [Tree(args[argnum]) for argnum in argnums]
        self.leaves = [leaf for tree in self.chosen for leaf in tree.leaves]
        leaves = self.leaves
        traced = differentiated.get() or any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves)
        self.outer = bool(traced) and recording.get()
        switch = recording.set(True)  # as `enable_grad` does, which also works in generators
        token, cut = differentiated.set(differentiated.get()), cuts.set([])
        search = searches.set({})
        try:
            self.aliases = [_alias(leaf, fn) for leaf in leaves]
            self.nodes = [alias._node for alias in self.aliases]  # an alias moves on when `fn` writes into it
            differentiated.set((*differentiated.get(), *self.nodes))
            self.output = fn(*self._arguments(args, argnums), **kwargs)
            if any(tree.has_parameters for tree in self.chosen):
                self._check_closure(fn)
            self._check_searches(fn)
        finally:
            searches.reset(search)
            self.cuts = cuts.get()
            cuts.reset(cut)
            differentiated.reset(token)
            recording.reset(switch)

    def check_output(self, output: Any, transform: str, fn: Any) -> None:
        """TypeError where the output is nothing that could be differentiated, or where its graph was cut."""
        if not isinstance(output, (Tensor, np.ndarray, np.generic, int, float)):
            kind = type(output).__name__
            real = ", real: np.abs(z) ** 2, z.real or z.imag of a complex one" if kind == "Complex" else ""
            raise TypeError(f"{transform} of {name_of(fn)}: it gives {kind}; return an array or a number{real}")
        if self.cuts and not (isinstance(output, Tensor) and output.requires_grad):
            raise TypeError(
                f"{transform} of {name_of(fn)}: its result has no graph, since a Tensor became a plain number "
                f"at {self.cuts[0]}. Use NumPy's functions there (np.exp for math.exp), and no t.item(); "
                f"or {transform}(autograd.differentiable({name_of(fn)})), which runs it as it is written"
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
        outside: dict[Any, str] = {}
        for tree in self.chosen:
            if tree.has_parameters:
                outside |= {p._node: name for name, p in tree.filled(tree.leaves).items()}
        pending = [leaf._node for leaf in Tree(self.output).leaves if isinstance(leaf, Tensor)]
        seen = {*self.nodes}  # what is behind these is the caller's own graph
        while pending:
            node = pending.pop()
            if node in outside:
                raise RuntimeError(
                    f"{name_of(fn)} is differentiated with respect to the module that it is called with, a copy, and "
                    f"it uses {outside[node]} of the module itself, from outside: take its argument there, or the "
                    "parameter's detach() where a constant is meant"
                )
            if node not in seen:
                seen.add(node)
                pending += [operand for operand in node.inputs if operand is not None]

    def _check_searches(self, fn: Callable[..., Any]) -> None:
        """TypeError where the gradient of an argument was lost in a search that only compares."""
        if where := lost_at(searches.get() or {}, self.nodes):
            raise TypeError(
                f"{name_of(fn)} is differentiated through a search that only compares, at {where}: what it finds has "
                "another gradient than its steps. Let scipy.optimize find it (brentq for a root, minimize_scalar for a "
                "minimum), with autograd.differentiable or autograd.scipy; or give the search t.data, where no "
                "gradient is meant"
            )

    def nested(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """`values`, one a leaf, as one nesting an argument."""
        return tuple(tree.filled(part) for tree, part in zip(self.chosen, self._by_argument(values), strict=True))

    def pull(self, output: Any, cotangent: Any) -> list[Any]:
        """The gradients of the leaves, one each; zeros where no output depends on a leaf."""
        total = self._pulled(output, cotangent, self.outer)
        return [
            self.for_caller(leaf, total.get(node), node.value)
            for leaf, node in zip(self.leaves, self.nodes, strict=True)
        ]

    def probed(self, output: Any) -> tuple[list[Tensor], list[Any]]:
        """Probes in the place of cotangents, and what is pulled back from them, recorded: linear in them."""
        outputs = Tree(output)
        with enable_grad():
            probes = [Tensor(np.zeros_like(data_of(leaf)), requires_grad=True) for leaf in outputs.leaves]
            total = self._pulled(output, outputs.filled(probes), create_graph=True)
        return probes, [total.get(node, np.zeros(node.shape, node.dtype)) for node in self.nodes]

    def _pulled(self, output: Any, cotangent: Any, create_graph: bool) -> dict[Node, Any]:
        total: dict[Node, Any] = {}
        outputs = Tree(output)
        for leaf, c in zip(outputs.leaves, outputs.matched(cotangent, "the cotangent", "the output"), strict=True):
            if isinstance(leaf, Tensor) and leaf.requires_grad and np.shape(c) != leaf.shape:
                raise ValueError(f"a cotangent of shape {np.shape(c)} for an output of shape {leaf.shape}")
            for node, g in backward(leaf, c, self.nodes, create_graph).items():
                total[node] = total[node] + g if node in total else g
        return total

    def jacobians(self, output: Any) -> list[Any]:
        """The Jacobian of one output with respect to each leaf, by rows, or by columns where they are far fewer."""
        shapes = [np.shape(data_of(leaf)) for leaf in self.leaves]
        shape = np.shape(data_of(output))
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
        (probe,), pulled = self.probed(output)
        result = []
        for leaf, g in zip(self.leaves, pulled, strict=True):
            columns = [backward(g, direction, [probe._node], self.outer) for direction in _basis(g)]
            parts = [self.for_caller(leaf, column.get(probe._node), probe.data) for column in columns]
            result.append(np.stack(parts, axis=-1))
        return result

    def for_caller(self, leaf: Any, g: Any, like: Any) -> Any:
        """A gradient in the caller's kind: an array for an array unless an outer transform needs its graph.

        Zeros in the shape of `like` where there is none.
        """
        if g is None:
            g = np.zeros_like(like)
        if isinstance(leaf, Tensor):
            return g if isinstance(g, Tensor) else Tensor(copied(g))
        if isinstance(g, Tensor):
            return g if g.requires_grad and self.outer else g.data
        return copied(g)

    def output_for_caller(self, output: Any) -> Any:
        """The output as the caller sees it."""
        if self.outer:
            return output
        return tree_map(lambda leaf: leaf.data if isinstance(leaf, Tensor) else leaf, output)


def backward(output: Any, cotangent: Any, nodes: list[Node], create_graph: bool) -> dict[Node, Any]:
    """The gradients that a pass from one output gives to these nodes; recorded with `create_graph`."""
    if not isinstance(output, Tensor) or not output.requires_grad:
        return {}
    if create_graph:
        cotangent = cotangent if isinstance(cotangent, Tensor) else Tensor(cotangent, dtype=output.dtype)
    else:
        cotangent = as_kind(data_of(cotangent), output)
    wanted = frozenset([node for node in nodes if node.op is not None])  # others are leaves, where a pass ends
    result = gradients(output._node, cotangent, wrap=wrap if create_graph else None, wanted=wanted)
    if is_foreign(output._value) and type(output._node.held) in ARRAYS:
        output._value = output._node.held  # a lazy loss, which is known now
    return {node: result[node] for node in nodes if node in result}


def _with_parameters(module: Any, parameters: dict[str, Tensor]) -> Any:
    if not hasattr(module, "with_parameters"):
        kind = type(module).__name__
        raise TypeError(
            f"a {kind} has named_parameters(), and no with_parameters(tensors) that gives the same {kind} with these "
            "Tensors in their places, by name; define it, or pass dict(named_parameters())"
        )
    return module.with_parameters(parameters)


def _alias(leaf: Any, fn: Callable[..., Any]) -> Any:
    """A node of our own with the value of `leaf`, through which gradients reach an outer graph."""
    value = data_of(leaf)
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    dtype = getattr(value, "dtype", None) if not isinstance(value, type) else None
    kind = (dtype or np.asarray(value).dtype).kind
    if kind != "f":
        text: Any = type(value).__name__ if kind == "O" else np.asarray(value).dtype
        held = repr(value) if value is None or isinstance(value, (str, bool)) else text
        raise TypeError(
            f"{name_of(fn)} is differentiated with respect to an argument that holds {held}; pass floats, and "
            "what has no gradient as an argument of its own, or in a closure"
        )
    if isinstance(leaf, Tensor) and leaf.requires_grad:
        return apply(lookup(np.positive), (leaf,))
    alias = Argument(value, requires_grad=True, name=leaf.name if isinstance(leaf, Tensor) else None)
    if isinstance(value, (float, np.generic)):  # `x += 1` gives another one
        alias._node.held = alias._value = alias._value[()]
    return alias


def _basis(like: Any) -> Iterator[Any]:
    """The unit vectors in the shape and dtype of `like`."""
    value = data_of(like)
    for row in np.eye(int(np.size(value)), dtype=value.dtype):
        yield row.reshape(np.shape(value))


def data_of(value: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return value.data if isinstance(value, Tensor) else value


def name_of(fn: Any) -> str:
    """What errors call a function."""
    return str(getattr(fn, "__name__", type(fn).__name__))
