"""One call of a step, carried out and recorded, with traced stand-ins for everything that it reaches."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd.calls import source_line
from autograd.derivation.program import Var
from autograd.derivation.reach import GENERATORS, LookedAt, Place, Reach, Replacing
from autograd.derivation.trace import Trace, Traced
from autograd.graph import Node, observers, recording
from autograd.op import Op, describe, operations
from autograd.tensor import Tensor, tensor_of
from autograd.tree import Tree

tracing: ContextVar[bool] = ContextVar("tracing", default=False)


class Recording:
    """One call of a step, carried out and recorded."""

    def __init__(self, fn: Callable[..., Any], tree: Tree, flat: bool) -> None:
        self.fn, self.tree, self.flat = fn, tree, flat
        self.trace = Trace(strict=True)
        self.names = _argument_names(fn, tree, flat)
        self.homes: dict[int, tuple[Any, Traced]] = {}  # arrays from outside that stay
        self.arguments: dict[Var, int] = {}  # arrays that each call brings, with the leaf
        self.grad_inputs: dict[Var, Node] = {}
        self.reach = Reach(fn)
        self.leaf_tensors = [tensor for tensor, _ in self.reach.tensors.values() if tensor._node.op is None]
        self.recording_at_start = recording.get()

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the step on traced stand-ins; give its result as the caller sees it."""
        called_args, called_kwargs = self.tree.filled(
            [self._argument(k, leaf) for k, leaf in enumerate(self.tree.leaves)]
        )
        token = tracing.set(True)
        self.before = [(tensor, tensor._node, tensor._node.grad) for tensor in self.leaf_tensors]
        told = {id(tensor): name for tensor, name in self.reach.tensors.values()}
        observers.append(self)
        try:
            with Replacing(self.reach, self._stand_in), _through_dispatch(), _silent(), LookedAt() as looked:
                for tensor, node, grad in self.before:
                    node.value = self._home(node.value, told[id(tensor)])
                    if grad is not None and not isinstance(grad, Tensor):
                        made = self.trace.input(grad)
                        self.grad_inputs[made.var] = node
                        node.grad = made
                result = self.fn(*called_args, **called_kwargs)
                self.looked = looked
        finally:
            observers.remove(self)
            tracing.reset(token)
            self._settle()
        self.guards = self._guards()
        self.result = Tree(result)
        return self.result.filled([_delivered(leaf) for leaf in self.result.leaves])

    def recorded(self, op: Op, args: tuple[Any, ...], node: Node) -> None:
        """Called after each operation on Tensors: what the step could not be seen to reach is refused."""
        if not tracing.get():
            return
        for arg in args:
            if type(arg) is Node and arg.op is None and arg.requires_grad and type(arg.value) is not Traced:
                raise TypeError(
                    f"{op.name} uses {describe(arg)}, {source_line()}, which requires grad and is reached in a way that "
                    "compile cannot follow. Keep it in a variable, attribute, list or dictionary around the step"
                )

    def pulled(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """Called after each derivative rule."""

    # Stand-ins

    def _argument(self, k: int, leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            if leaf.requires_grad:
                raise TypeError(
                    f"a compiled step got {describe(leaf)} as argument {self.names[k]}, which requires grad: its graph would "
                    "be left out. Use it from around the step, as parameters are, or pass it detached"
                )
            return tensor_of(Node(self._bring(k, leaf._node.value)))
        if isinstance(leaf, np.ndarray):
            return self._bring(k, leaf)
        return leaf

    def _bring(self, k: int, array: Any) -> Traced:
        traced = self.trace.input(array, self.names[k])
        self.arguments[traced.var] = k
        return traced

    def _stand_in(self, value: Any, told: str) -> Any:
        if type(value) is np.ndarray and value.dtype.kind in "fiub":
            return self._home(value, told)
        if isinstance(value, GENERATORS):
            return _Drawing(value, self.trace)
        return value

    def _home(self, array: Any, told: str) -> Any:
        if type(array) is Traced:
            return array
        if not isinstance(array, np.ndarray):
            return array
        held = self.homes.get(id(array))
        if held is None:
            name = "".join(c if c.isalnum() else "_" for c in told).strip("_")
            held = self.homes[id(array)] = (array, self.trace.input(array, name, home=True))
        return held[1]

    # Afterwards

    def _settle(self) -> None:
        """Put arrays back in place of what is traced, and note what changed."""
        self.gradients: list[tuple[Node, Any]] = []
        self.cleared: list[Node] = []
        self.moved: list[tuple[Any, Any]] = []
        for tensor, node, grad in self.before:
            home = node.value
            now = tensor._node
            if now is not node:  # `p -= ...` moved it to another leaf: the array is changed instead
                new = now.value
                if type(new) is Traced and type(home) is Traced and new.dtype == home.dtype:
                    home.value[...] = new.value
                    self.moved.append((home.value, new.var))
                final = now.grad
                tensor._node, node.heir = node, None
                for view in tensor._views or ():
                    if (seen := view()) is not None:
                        seen._view = None
            else:
                final = node.grad
            if type(home) is Traced:
                node.value = home.value
            self._settle_gradient(node, grad, final)

    def _settle_gradient(self, node: Node, before: Any, final: Any) -> None:
        if isinstance(final, Tensor):
            raise TypeError(f"create_graph=True inside a compiled step, for {describe(node)}: its graph would be lost")
        if type(final) is Traced:
            unchanged = self.grad_inputs.get(final.var) is node
            node.grad = before if unchanged else np.asarray(final.value)
            if not unchanged:
                self.gradients.append((node, final.var))
        elif final is None and before is not None:
            node.grad = None
            self.cleared.append(node)
        else:
            node.grad = final

    def _guards(self) -> list[tuple[Place, Any]]:
        """The places that the step's code looked at, with what must be there."""
        guards = []
        for place, value in self.reach.places:
            if not place.names <= self.looked.names:
                continue
            now = place.read()
            if type(now) is _Drawing or type(now) is Traced:
                now = value
            if now is not value and not (isinstance(value, (int, float, str)) and now == value):
                raise TypeError(
                    f"the step changes {place.told} itself, from {_short(value)} to {_short(now)}: a replay repeats what NumPy "
                    "was asked to do, and not this. Do it outside, or keep it in an array"
                )
            if not isinstance(place.owner, tuple):
                guards.append((place, value))
        return guards


class _Draw:
    """A line that draws from a generator."""

    impure = True

    def __init__(self, generator: Any, method: str) -> None:
        self._method = getattr(generator, method)
        self.__name__ = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(*args, **kwargs)


class _Drawing:
    """Stands for a random generator: what it draws is drawn again in every replay."""

    def __init__(self, generator: Any, trace: Trace) -> None:
        self._generator, self._trace = generator, trace

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._generator, name)
        if not callable(method):
            return method
        if name in ("shuffle", "spawn", "set_state", "get_state", "seed"):
            raise TypeError(f"{name}() of a random generator inside a compiled step, {source_line()}: do it outside")
        return lambda *args, **kwargs: self._trace.call(_Draw(self._generator, name), args, kwargs)


@contextmanager
def _through_dispatch() -> Iterator[None]:
    """Records call NumPy's functions with their dispatchers, which stand-ins need."""
    changed = []
    for op in operations():
        if op.forward is getattr(op.fn, "__wrapped__", None):
            changed.append(op)
            op.forward = op.fn
    try:
        yield
    finally:
        for op in changed:
            op.forward = inspect.unwrap(op.fn)


class _Silent:
    """Standard output during a recording: printing is something that a replay would not do."""

    def write(self, text: str) -> int:
        raise TypeError(
            f"the compiled step prints, {source_line()}: a replay would not. Return the value, and print outside"
        )

    def flush(self) -> None:
        """Nothing was written."""


@contextmanager
def _silent() -> Iterator[None]:
    before, sys.stdout = sys.stdout, _Silent()
    try:
        yield
    finally:
        sys.stdout = before


def traced_of(leaf: Any) -> Traced | None:
    value = leaf._node.value if isinstance(leaf, Tensor) else leaf
    return value if type(value) is Traced else None


def _delivered(leaf: Any) -> Any:
    """A result of the recorded call as the caller gets it."""
    traced = traced_of(leaf)
    if traced is None:
        return leaf
    value = traced.value.copy()
    return tensor_of(Node(value)) if isinstance(leaf, Tensor) else value


def _argument_names(fn: Any, tree: Tree, flat: bool) -> list[str]:
    names: list[str] = []
    if flat:
        try:
            parameters = list(inspect.signature(fn).parameters.values())
            kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            names = [p.name for p in parameters if p.kind in kinds][: len(tree.leaves)]
        except (TypeError, ValueError):
            pass
    return names + [f"x{k}_" for k in range(len(names), len(tree.leaves))]


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, (np.ndarray, Traced, Tensor)) else type(value).__name__
    return text if len(text) < 40 else text[:37] + "..."
