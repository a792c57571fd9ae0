"""One call of a step, carried out and recorded, with traced arrays in the places of its arguments and its state."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import lru_cache
from operator import is_
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.frames import source_line
from autograd.compiler.effects import UNFOLLOWED, Effects, traced_of
from autograd.compiler.generators import Drawing, global_generators, position
from autograd.compiler.state import (
    GENERATORS,
    SIMPLE,
    TRACED_KINDS,
    Place,
    State,
    is_constant,
    refuse_foreign,
    variables,
)
from autograd.compiler.tracing import ADVICE, StepTrace
from autograd.core.errors import describe
from autograd.core.node import Node, next_order, observers, recording
from autograd.core.op import Op
from autograd.core.tensor import wrap
from autograd.program.program import Var
from autograd.program.trace import Traced, plain
from autograd.tree import Tree

active: ContextVar[Any] = ContextVar("active", default=None)  # the recording of this thread, if there is one
_NEVER_REPLACED = {int, float, str, bool, type(None), list, dict}


class Recording:
    """One call of a step, carried out and recorded.

    Args:
        fn: the step; roots: its state, each part with its name.
        tree: its arguments; flat: whether each of them is a leaf.

    Attributes:
        trace: what NumPy was asked to do.
        state: what the step owns.
        arrays: the arrays from outside that the step works on, each with its value in the program at first and at last.
        arguments: the positions of the leaves of the arguments that bring an array, by their values in the program.
        numbers: NumPy's numbers in places, by their values in the program; they are read at each call.
        grad_inputs: the Tensors whose gradients from before the step are in the program, by their values in it.
        effects: what the call changed and looked at.
    """

    def __init__(self, fn: Callable[..., Any], roots: Sequence[tuple[Any, str]], tree: Tree, flat: bool) -> None:
        self.fn, self.tree, self.flat = fn, tree, flat
        self.names = _argument_names(fn, tree, flat)
        self.trace = StepTrace()
        self.recording_at_start = bool(recording.get())
        owned = [(leaf, self.names[k]) for k, leaf in enumerate(tree.leaves) if _is_owner(leaf)]
        self._variables = list(variables(fn))
        for k, leaf in enumerate(tree.leaves):
            refuse_foreign(leaf, self.names[k])
        for place, value in self._variables:
            refuse_foreign(value, place.name)
        self.state = State([*roots, *owned])
        self.tensors = [(tensor, name) for tensor, name in self.state.tensors if tensor._node.op is None]
        self.arguments: dict[Var, int] = {}
        self.numbers: dict[Var, Place] = {}
        self.grad_inputs: dict[Var, Tensor] = {}
        self._left = False
        self.symbols: dict[int, Var] = {}  # of what is in places, by identity
        self.first: dict[Var, Traced] = {}  # what came from outside, by its first value in the program
        self.before: list[tuple[Tensor, Node, Any]] = []
        self._by_node: dict[Node, Tensor] = {}
        self.grad_use: dict[int, str] = {}  # of Tensors, by identity: "read" or "cleared", whatever came first
        self.places: list[tuple[Place, Any]] = []  # of the state, and variables that hold what it holds
        self._grad_given: dict[int, Any] = {}  # what was there at first
        self.replaced: list[tuple[Place, Any, Any]] = []
        self._drawing: dict[int, Drawing] = {}
        self._generators: list[tuple[Any, str, Any]] = []  # of modules outside, where they stood, and whose they are
        self._plain: dict[int, tuple[Any, Any]] = {}

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the step on traced arrays; give its result as the caller sees it.

        Whatever happens, the arrays are back in their places afterwards.

        Raises:
            TypeError: the step did what a replay could not do again, even where it caught the first error that said so.
        """
        drawn = global_generators()
        try:
            try:
                self._enter()
                result = self._called()
            finally:
                self.leave()
        except ValueError:  # which NumPy makes of a refusal, where an element of an array was written
            if self.trace.refused is not None:
                raise self.trace.refused from None
            raise
        finally:
            self.leave()  # where Ctrl-C came in between
        if drawn != global_generators():
            raise TypeError(
                f"the step draws from a generator that is global to the process{self.where()}: a replay would not. "
                "Draw from rng = np.random.default_rng(seed), and name it: compile(step, state=rng)"
            )
        self._refuse_leaks()
        return result

    def _called(self) -> Any:
        """Call the step, note its effects, refuse what no replay could do; its result, untraced."""
        given = [self._argument(k, leaf) for k, leaf in enumerate(self.tree.leaves)]
        args, kwargs = self.tree.filled(given)
        result = Tree(self.fn(*args, **kwargs))
        if self.trace.refused is not None:
            raise self.trace.refused
        now = Tree((args, kwargs))
        if now.nesting != self.tree.nesting or not all(map(is_, now.leaves, given)):
            raise TypeError(
                f"the step changes a list or dictionary that it gets as an argument{self.where()}: a replay could "
                "not. Return what it would put there"
            )
        for drawing in self._drawing.values():
            drawing.refuse_others()
        for generator, before, owner in self._generators:
            if position(generator) != before:
                raise TypeError(
                    f"the step draws from the generator of a {type(owner).__name__} that is in neither its arguments "
                    f"nor its state{self.where()}: a replay would draw nothing; {ADVICE}"
                )
        self.effects = Effects(self, result)
        self.arrays = [
            (traced.value, first, traced.symbol)
            for first, traced in self.first.items() if isinstance(traced.value, np.ndarray)
        ]  # fmt: skip
        return result.filled([_delivered(leaf) for leaf in result.leaves])

    # Traced arrays put in, and taken out again

    def _enter(self) -> None:
        """Put traced arrays in the places of the state, in its Tensors and in their gradients."""
        self._start = next_order()
        active.set(self)
        observers.append(self)
        owned = self.state.known
        for place, value in self._variables:
            if id(value) in owned:
                self.places.append((place, value))
        self.places += self.state.places
        for value in (*owned.values(), *(value for _, value in self._variables)):
            if issubclass(type(value), GENERATORS):  # one that the step does not own is watched, not replaced
                self._drawing[id(value)] = Drawing(value, self.trace)
        for place, value in self.places:
            self._replace(place, value)
        for tensor, name in self.tensors:
            node = tensor._node
            self.before.append((tensor, node, node.grad))
            self._by_node[node] = tensor
            node.held = tensor._value = self._stand_in(node.value, name, Place(tensor, "_value", name, is_item=False))
            self.symbols[id(tensor)] = node.value.symbol
            if isinstance(node.grad, np.ndarray):
                traced = self.trace.input(node.grad, f"{name}.grad")
                self.grad_inputs[traced.symbol] = tensor
                node.grad = traced
            self._grad_given[id(tensor)] = node.grad

    def _replace(self, place: Place, value: Any) -> None:
        other = self._stand_in(value, place.name, place)
        if other is not value:
            self.replaced.append((place, value, other))
            place.write(other)

    def _stand_in(self, value: Any, name: str, place: Place | None) -> Any:
        """What stands for a value while the step is recorded; a tuple is rebuilt around such."""
        if type(value) in _NEVER_REPLACED or issubclass(type(value), Tensor):  # isinstance asks Tensors often
            return value
        if type(value) is np.ndarray and value.dtype.kind in TRACED_KINDS:
            known = self.trace.outside.get(id(value))
            return self._input(value, name) if known is None else known
        if isinstance(value, np.number) and place is not None:
            traced = self._input(value, name)
            self.numbers[traced.symbol] = place
            return traced
        if isinstance(value, GENERATORS):
            if id(value) not in self._drawing:
                self._drawing[id(value)] = Drawing(value, self.trace)
            return self._drawing[id(value)]
        if isinstance(value, tuple):
            parts = [self._stand_in(part, f"{name}[{k}]", None) for k, part in enumerate(value)]
            if all(map(is_, parts, value)):
                return value
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        return value

    def _input(self, value: Any, name: str) -> Traced:
        traced = self.trace.input(value, name)
        self.first[traced.symbol] = traced
        self.symbols[id(value)] = traced.symbol
        return traced

    def _argument(self, k: int, leaf: Any) -> Any:
        """What the step gets for a leaf of its arguments: traced where that brings an array at each call."""
        if isinstance(leaf, Tensor) and not leaf.requires_grad:
            return wrap(Node.leaf(self._input_of_argument(k, leaf._value)))
        if isinstance(leaf, Tensor) and leaf._node.op is not None:
            raise TypeError(
                f"a compiled step got {describe(leaf)} as argument {self.names[k]}, which was computed from "
                "Tensors that require grad: its graph would be left out. Compute it inside, or pass it detached"
            )
        if isinstance(leaf, (np.ndarray, np.generic)):
            return self._input_of_argument(k, leaf)
        return self._stand_in(leaf, self.names[k], None)

    def _input_of_argument(self, k: int, array: Any) -> Traced:
        traced = self._input(array, self.names[k])
        self.arguments[traced.symbol] = k
        return traced

    def leave(self) -> None:
        """Arrays again in the place of what is traced; to begin again after an interruption does no harm."""
        if self._left:
            return
        self.trace.closed = True
        active.set(None)
        if self in observers:
            observers.remove(self)
        for place, value, other in self.replaced:
            if place.read() is other:
                place.write(value)
        for tensor, node, grad in self.before:
            self._restore(tensor, node, grad)
        for container, _, _ in self.state.structure:
            items = container.items() if hasattr(container, "items") else enumerate(container)
            for key, part in [] if isinstance(container, set) else list(items):
                if not issubclass(type(part), SIMPLE) and (untraced := self._untraced(part)) is not part:
                    container[key] = untraced
        for place, _ in self._variables:
            if type(now := place.read()) is Traced:
                place.write(self._untraced(now))
        self._left = True

    def _restore(self, tensor: Tensor, node: Node, grad: Any) -> None:
        """Give a Tensor its own leaf again, with its array as the step leaves it, and a gradient that is not traced."""
        now = tensor._node
        g = now.grad
        if type(g) is Traced:
            g = grad if g.value is grad else np.array(g.value)
        array = plain(node.value)
        if now is not node:  # `p.data = ...` moved the Tensor to another leaf: a replay writes into the array
            if isinstance(array, np.ndarray) and plain(now.value) is not array:
                array[...] = plain(now.value)
            node.replacement = None
        node.grad, node.held = g, array
        tensor._stand_for(node)

    def _untraced(self, value: Any) -> Any:
        """A value without anything traced: arrays of the step's own making, one for one."""
        traced = traced_of(value)
        if traced is not None:
            if id(value) not in self._plain:
                from_outside = self.trace.outside.get(id(traced.value)) is traced
                array = traced.value if from_outside else traced.value.copy()
                self._plain[id(value)] = value, wrap(Node.leaf(array)) if isinstance(value, Tensor) else array
            return self._plain[id(value)][1]
        if isinstance(value, Drawing):
            return value.generator
        if type(value) in (list, tuple, dict) and id(value) not in self.state.known:
            tree = Tree(value)
            leaves = [self._untraced(leaf) for leaf in tree.leaves]
            return value if all(map(is_, leaves, tree.leaves)) else tree.filled(leaves)
        return value

    # What the step looks at and changes

    def recorded(self, op: Op, args: tuple[Any, ...], node: Node, value: Any) -> None:
        """Called after each operation on Tensors."""
        if active.get() is not self:
            return
        if watched():
            raise self.trace.refusal(
                f"detect_anomaly inside a compiled step, {source_line()}: a replay has no operations to look at. "
                "Put it around the call, which is carried out eagerly then"
            )
        for arg in args:
            if type(arg) is Node and arg.requires_grad and arg.order < self._start and arg not in self._by_node:
                if arg.op is not None:
                    raise self.trace.refusal(
                        f"{op.name} uses {describe(arg)}, {source_line()}, which requires grad and was computed "
                        "outside of the step. Compute it inside, or use it detached"
                    )
                raise self._not_owned(f"{op.name} uses {describe(arg)}", arg)

    def entered(self, owner: Any) -> None:
        """Called where a module is called: one that the step does not own may have a generator, as dropout has."""
        if active.get() is not self or id(owner) in self.state.known or not hasattr(type(owner), "__state__"):
            return
        containers = owner.__state__()
        for container in containers if isinstance(containers, tuple) else (containers,):
            values = container.values() if isinstance(container, dict) else container
            self._generators += [(value, position(value), owner) for value in values if isinstance(value, GENERATORS)]

    def pulled(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """Called after each derivative rule."""
        if active.get() is not self or operand.op is not None or operand.order >= self._start:
            return
        if operand not in self._by_node:
            raise self._not_owned(f"{describe(operand)} receives a gradient", operand)

    def _not_owned(self, what: str, leaf: Node) -> TypeError:
        return self.trace.refusal(
            f"{what}, {source_line()}: a parameter that is in neither the arguments nor the state of the step. As it "
            f"is trained, {ADVICE}; as a constant, use it detached"
        )

    # Afterwards

    def _refuse_leaks(self) -> None:
        """Nothing traced may be left in what the step does not own."""
        self.effects.release()
        self.tree.leaves = [_blank(leaf) for leaf in self.tree.leaves]
        for var in (*self.trace.inputs, *[line.target for line in self.trace.lines]):
            var.value = None if var.shape is None else _blank(var.value)
        self.replaced, self.first, self._plain, self._by_node, self._grad_given = [], {}, {}, {}, {}
        left = self.trace.left()
        if left:
            gc.collect()
            left = self.trace.left()
        if left:
            raise TypeError(
                f"the step keeps a value outside of its arguments and its state, which it computes at {left[0]}: a "
                f"replay would not. Return it, or {ADVICE}"
            )

    def where(self) -> str:
        code = getattr(self.fn, "__code__", None)
        return f" (in {code.co_filename}:{code.co_firstlineno})" if code else ""

    # The gradients that were there before

    def gradient_used(self, tensor: Tensor, how: str) -> None:
        """Called before the gradient of a Tensor is "read" or "cleared"."""
        if active.get() is not self or id(tensor) not in self._grad_given:
            return
        added = tensor._node.grad is not self._grad_given[id(tensor)]  # by a pass
        self.grad_use.setdefault(id(tensor), "read" if added else how)


def watched() -> bool:
    """Whether somebody looks at each operation of this thread, which a replay has none of."""
    return any(getattr(observer, "watches", False) for observer in observers)


def _is_owner(leaf: Any) -> bool:
    """Whether an argument is more than an array, a number or a constant."""
    if isinstance(leaf, Tensor):
        return leaf.requires_grad and leaf._node.op is None
    return not isinstance(leaf, UNFOLLOWED) and not is_constant(leaf)


def _delivered(leaf: Any) -> Any:
    """A result of the recorded call as the caller gets it."""
    traced = traced_of(leaf)
    if traced is None:
        return leaf.copy() if type(leaf) is np.ndarray else leaf
    value = traced.value.copy()
    return wrap(Node.leaf(value)) if isinstance(leaf, Tensor) else value


def _argument_names(fn: Any, tree: Tree, flat: bool) -> list[str]:
    """What generated code calls the leaves of the arguments: as the step calls its parameters, where each is a leaf."""
    code, count = getattr(fn, "__code__", None), len(tree.leaves)
    parameters = code.co_varnames[: code.co_argcount] if flat and code else ()
    names = list(parameters[1:] if hasattr(fn, "__self__") else parameters)  # a method's first is bound
    return names[:count] + [f"x{k}_" for k in range(len(names), count)]


def _blank(value: Any) -> Any:
    """An array of the same shape and dtype that takes no memory."""
    return _blank_array(value.shape, value.dtype) if isinstance(value, np.ndarray) and value.shape else value


@lru_cache(maxsize=256)
def _blank_array(shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros of any shape in the memory of one."""
    return np.broadcast_to(np.zeros((), dtype), shape)
