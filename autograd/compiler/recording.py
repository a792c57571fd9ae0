"""One call of a step, carried out and recorded, with traced arrays in the places of its arguments and its state."""

from __future__ import annotations

import gc
import inspect
import linecache
import random
import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache, lru_cache
from operator import is_
from traceback import walk_tb
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.holders import let_go
from autograd.compiler.state import GENERATORS, SIMPLE, TRACED_KINDS, Place, State, is_constant, variables
from autograd.compiler.tracing import ADVICE, Draw, StepTrace, unlock
from autograd.core.errors import describe, source_line
from autograd.core.node import Node, next_order, observers, recording
from autograd.core.op import Op
from autograd.core.tensor import wrap
from autograd.program.program import Var
from autograd.program.trace import Traced, plain
from autograd.tree import Tree

active: ContextVar[Any] = ContextVar("active", default=None)  # the recording of this thread, if there is one
_UNFOLLOWED = (*SIMPLE, np.ndarray, *GENERATORS)


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
        gradients, cleared: the Tensors that have a new gradient, with it, and those that have none any more.
        presence: the Tensors of whose gradient the step saw whether it is there, with that.
        rebound: the places that hold another array now, with what was there and the new value in the program.
        held: what each of these holds after the call; one thing may be in several.
        guards: places with what a replay must find there.
        results: by position among the leaves of the result, its value in the program and whether it is a Tensor.
        complete: whether a replay would repeat this call; not so where the step made what it needs first.
    """

    def __init__(self, fn: Callable[..., Any], roots: Sequence[tuple[Any, str]], tree: Tree, flat: bool) -> None:
        self.fn, self.tree, self.flat = fn, tree, flat
        self.names = _argument_names(fn, tree, flat)
        self.trace = StepTrace()
        self.recording_at_start = recording.get()
        owned = [(leaf, self.names[k]) for k, leaf in enumerate(tree.leaves) if _is_owner(leaf)]
        self._variables = list(variables(fn))
        self.state = State([*roots, *owned])
        self.tensors = [(tensor, name) for tensor, name in self.state.tensors if tensor._node.op is None]
        self.arguments: dict[Var, int] = {}
        self.numbers: dict[Var, Place] = {}
        self.grad_inputs: dict[Var, Tensor] = {}
        self.gradients: list[tuple[Tensor, Var]] = []
        self.cleared: list[Tensor] = []
        self.presence: list[tuple[Tensor, bool]] = []
        self.rebound: list[tuple[Place, Any, Var]] = []
        self.held: list[Any] = []
        self.guards: list[tuple[Place, Any]] = []
        self.complete, self.incomplete, self._left = True, "", False
        self.symbols: dict[int, Var] = {}  # of what is in places, by identity
        self._first: dict[Var, Traced] = {}  # what came from outside, by its first value in the program
        self._before: list[tuple[Tensor, Node, Any, Any]] = []
        self._by_node: dict[Node, Tensor] = {}
        self._grad_use: dict[int, str] = {}  # of Tensors, by identity: "read" or "cleared", whatever came first
        self._places: list[tuple[Place, Any]] = []  # of the state, and variables that hold what it holds
        self._grad_given: dict[int, Any] = {}  # what was there at first
        self._replaced: list[tuple[Place, Any, Any]] = []
        self._locked: list[Any] = []
        self._foreign: list[Any] = []  # arrays that the step names and does not own
        self._drawing: dict[int, Drawing] = {}
        self._plain: dict[int, tuple[Any, Any]] = {}

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the step on traced arrays; give its result as the caller sees it."""
        drawn = _global_generators()
        try:
            try:
                self._enter()
                result = self._called()
            finally:
                self._leave()
        except ValueError as error:
            raise self._explained(error) from error
        finally:
            self._leave()  # where Ctrl-C came in between
        if self.trace.refused is not None:
            raise self.trace.refused
        if drawn != _global_generators():
            raise TypeError(
                f"the step draws from a generator that is global to the process{self._where()}: a replay would not. "
                "Draw from rng = np.random.default_rng(seed), and name it: compile(step, state=rng)"
            )
        self._refuse_leaks()
        return result

    def _explained(self, error: ValueError) -> Exception:
        """What NumPy raised where something was written to that must not be."""
        if self.trace.refused is not None and self.trace.refused is error.__cause__:  # an element of a plain array
            return self.trace.refused
        if "read-only" in str(error) and (written := self._written(error)):
            return TypeError(
                f"the step writes into {written}, which is in neither its arguments nor its state. If it is kept from "
                f"call to call, {ADVICE}"
            )
        return error

    def _called(self) -> Any:
        given = [self._argument(k, leaf) for k, leaf in enumerate(self.tree.leaves)]
        args, kwargs = self.tree.filled(given)
        result = Tree(self.fn(*args, **kwargs))
        if self.trace.refused is not None:
            raise self.trace.refused
        now = Tree((args, kwargs))
        if now.nesting != self.tree.nesting or not all(map(is_, now.leaves, given)):
            raise TypeError(
                f"the step changes a list or dictionary that it gets as an argument{self._where()}: a replay could "
                "not. Return what it would put there"
            )
        for drawing in self._drawing.values():
            drawing.refuse_others()
        self._note_tensors()
        self._note_places()
        self.arrays = [
            (traced.value, first, traced.symbol)
            for first, traced in self._first.items() if isinstance(traced.value, np.ndarray)
        ]  # fmt: skip
        self._note_result(result)
        return result.filled([_delivered(leaf) for leaf in result.leaves])

    # Traced arrays put in, and taken out again

    def _enter(self) -> None:
        self._start = next_order()
        active.set(self)
        observers.append(self)
        owned = self.state.known
        for place, value in self._variables:
            if id(value) in owned or id(getattr(value, "__self__", None)) in owned:
                self._places.append((place, value))
        self._places += self.state.places
        for value in owned.values():
            if isinstance(value, GENERATORS):
                self._drawing[id(value)] = Drawing(value, self.trace)
        for place, value in self._places:
            self._replace(place, value)
        for tensor, name in self.tensors:
            node, kind = tensor._node, type(tensor)
            self._before.append((tensor, node, node.grad, kind))
            self._by_node[node] = tensor
            node.value = self._stand_in(node.value, name, Place(node, "value", name))
            self.symbols[id(tensor)] = node.value.symbol
            if isinstance(node.grad, np.ndarray):
                traced = self.trace.input(node.grad, f"{name}.grad")
                self.grad_inputs[traced.symbol] = tensor
                node.grad = traced
            self._grad_given[id(tensor)] = node.grad
            object.__setattr__(tensor, "__class__", _watched(kind))  # type: ignore[arg-type]
        self._lock([(value, place.name) for place, value in self._variables if id(value) not in owned])

    def _replace(self, place: Place, value: Any) -> None:
        if not isinstance(value, (np.ndarray, np.number, tuple, *GENERATORS)) and not hasattr(value, "__self__"):
            return
        other = self._stand_in(value, place.name, place)
        if other is not value:
            self._replaced.append((place, value, other))
            place.write(other)

    def _stand_in(self, value: Any, name: str, place: Place | None) -> Any:
        """What stands for a value while the step is recorded; a tuple is rebuilt around such."""
        if type(value) is np.ndarray and value.dtype.kind in TRACED_KINDS:
            known = self.trace.outside.get(id(value))
            return self._input(value, name) if known is None else known
        if isinstance(value, np.number) and place is not None:
            made = self._input(value, name)
            self.numbers[made.symbol] = place
            return made
        if isinstance(value, GENERATORS):
            if id(value) not in self._drawing:
                self._drawing[id(value)] = Drawing(value, self.trace)
            return self._drawing[id(value)]
        if isinstance(value, tuple):
            parts = [self._stand_in(part, f"{name}[{k}]", None) for k, part in enumerate(value)]
            if all(map(is_, parts, value)):
                return value
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        if isinstance(getattr(value, "__self__", None), GENERATORS):
            return getattr(self._stand_in(value.__self__, name, None), value.__name__)
        return value

    def _input(self, value: Any, name: str) -> Traced:
        traced = self.trace.input(value, name)
        self._first[traced.symbol] = traced
        self.symbols[id(value)] = traced.symbol
        return traced

    def _lock(self, foreign: Sequence[tuple[Any, str]]) -> None:
        """What the step names and does not own is constant: nobody writes to it or draws from it meanwhile."""
        found = State(foreign, owned=False)
        arrays = [value for value in found.known.values() if isinstance(value, np.ndarray)]
        arrays += [tensor._node.value for tensor, _ in found.tensors]
        for array in arrays:
            if type(array) is np.ndarray and array.flags.writeable and id(array) not in self.trace.outside:
                self._locked.append(array)
                self._foreign.append(array)
                array.flags.writeable = False
        for value in found.known.values():
            if type(value) in GENERATORS and id(value) not in self._drawing:
                self._drawing[id(value)] = Drawing(value, self.trace)

    def _argument(self, k: int, leaf: Any) -> Any:
        if isinstance(leaf, Tensor) and not leaf.requires_grad:
            return wrap(Node(self._bring(k, leaf._node.value)))
        if isinstance(leaf, Tensor) and leaf._node.op is not None:
            raise TypeError(
                f"a compiled step got {describe(leaf)} as argument {self.names[k]}, which was computed from "
                "Tensors that require grad: its graph would be left out. Compute it inside, or pass it detached"
            )
        if isinstance(leaf, (np.ndarray, np.generic)):
            return self._bring(k, leaf)
        return self._stand_in(leaf, self.names[k], None)

    def _bring(self, k: int, array: Any) -> Traced:
        traced = self._input(array, self.names[k])
        self.arguments[traced.symbol] = k
        return traced

    def _leave(self) -> None:
        """Arrays again in the place of what is traced; to begin again after an interruption does no harm."""
        if self._left:
            return
        self.trace.closed = True
        active.set(None)
        if self in observers:
            observers.remove(self)
        unlock(self.trace.locked)
        unlock(self._locked)
        for place, value, other in self._replaced:
            if place.read() is other:
                place.write(value)
        for tensor, node, grad, kind in self._before:
            object.__setattr__(tensor, "__class__", kind)
            now = tensor._node
            final = now.grad
            if type(final) is Traced:
                final = grad if final.value is grad else np.array(final.value)
            node.grad = final
            if now is not node:  # `p.data = ...` moved it to another leaf: the array is changed instead
                self._move_back(tensor, node, now)
            node.value = plain(node.value)
        for container, _, _ in self.state.structure:
            items = container.items() if hasattr(container, "items") else enumerate(container)
            for key, part in [] if isinstance(container, set) else list(items):
                if not isinstance(part, SIMPLE) and (untraced := self._untraced(part)) is not part:
                    container[key] = untraced
        for place, _ in self._places:
            if type(now := place.read()) is Traced:
                place.write(self._untraced(now))
        self._left = True

    def _move_back(self, tensor: Tensor, node: Node, now: Node) -> None:
        old = node.value.value if type(node.value) is Traced else node.value
        new = now.value.value if type(now.value) is Traced else now.value
        if isinstance(old, np.ndarray) and new is not old:
            old[...] = new
        tensor._node, node.replacement = node, None
        for view in tensor._views or ():
            if (seen := view()) is not None:
                seen._view = None

    def _untraced(self, value: Any) -> Any:
        """A value without anything traced: arrays of the step's own making, one for one."""
        traced = _traced_of(value)
        if traced is not None:
            if id(value) not in self._plain:
                from_outside = self.trace.outside.get(id(traced.value)) is traced
                array = traced.value if from_outside else traced.value.copy()
                self._plain[id(value)] = value, wrap(Node(array)) if isinstance(value, Tensor) else array
            return self._plain[id(value)][1]
        if isinstance(value, Drawing):
            return value.generator
        if type(value) in (list, tuple, dict) and id(value) not in self.state.known:
            tree = Tree(value)
            leaves = [self._untraced(leaf) for leaf in tree.leaves]
            return value if all(map(is_, leaves, tree.leaves)) else tree.filled(leaves)
        return value

    # What the step looks at and changes

    def recorded(self, op: Op, args: tuple[Any, ...], node: Node) -> None:
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

    def _note_tensors(self) -> None:
        for tensor, node, grad, _ in self._before:
            now = tensor._node
            final = now.grad
            if now is not node:
                self._note_moved(node, now)
            if isinstance(final, Tensor):
                raise TypeError(
                    f"create_graph=True inside a compiled step, for {describe(node)}: its graph would be lost"
                )
            use = self._grad_use.get(id(tensor))
            kept = final is grad or (type(final) is Traced and self.grad_inputs.get(final.symbol) is tensor)
            if final is None and (grad is not None or use == "cleared"):
                self.cleared.append(tensor)
            elif not kept:
                made = final if type(final) is Traced else self.trace.constant(final)
                self.gradients.append((tensor, made.symbol))
            if use == "read" or (use is None and not kept):
                self.presence.append((tensor, grad is not None))

    def _note_moved(self, node: Node, now: Node) -> None:
        if now.op is not None:
            raise TypeError(
                f"the step writes a value with a graph into {describe(node)}, which stays after the step: the graph "
                "would be lost. Write it detached, or return it"
            )
        home, new = node.value, now.value
        if type(home) is Traced and new is not home:
            home.symbol = (new if type(new) is Traced else self.trace.constant(new)).symbol

    def _note_places(self) -> None:
        """What is in the places of the state after the call: the same, arrays in their turn, or what the step made."""
        stand_ins = {(id(place.container), place.key): other for place, _, other in self._replaced}
        for container, keys, name in self.state.structure:
            now: Any = len(container) if type(keys) is int else container if type(keys) is frozenset else [*container]
            if now != keys:
                grown = hasattr(container, "items") and len(container) > (keys if type(keys) is int else len(keys))
                if not grown:
                    raise self._changed(name, "its contents")
                for key, value in container.items():
                    _refuse_graph(f"{name}[{key!r}]", value)
                self._unfinished(f"makes entries in {name}")
        for place, value in self._places:
            now = place.read()
            same = now is value or now is stand_ins.get((id(place.container), place.key), value)
            if same or (type(now) is type(value) and isinstance(value, SIMPLE) and now == value):
                self.guards.append((place, value))
            else:
                self._note_change(place, value, now)
        self._refuse_shared()

    def _note_change(self, place: Place, value: Any, now: Any) -> None:
        _refuse_graph(place.name, now)
        before, after = _array_of(value), _traced_of(now)
        if type(now) is np.ndarray and (value is None or type(value) is np.ndarray):
            after = self.trace.constant(now)  # an array of the step's own making
        alike = isinstance(now, Tensor) == isinstance(value, Tensor)
        if before is not None and after is not None and alike and _kind(before) == _kind(after):
            self.rebound.append((place, value, after.symbol))
            self.held.append(now)
            return
        lazily = after is not None and isinstance(value, (type(None), int, float, np.ndarray, np.generic))
        if lazily or (value is None and isinstance(now, (dict, list))):
            self._unfinished(f"makes {place.name}")
        else:
            raise self._changed(place.name, f"from {_short(value)} to {_short(now)}")

    def _refuse_shared(self) -> None:
        """One array in two places is one in a replay only if both get it together."""
        owners = {id(value): place.name for place, value in self.guards if isinstance(value, np.ndarray)}
        owners |= {id(plain(node.value)): tensor.name or "a Tensor" for tensor, node, _, _ in self._before}
        for (place, value, _), now in zip(self.rebound, self.held, strict=True):
            if not isinstance(value, Tensor) and id(value) in owners:
                self._unfinished(f"keeps one array in {place.name} and {owners[id(value)]}")
            array = getattr(_traced_of(now), "value", now)
            for other, held in zip(self.rebound, self.held, strict=True):
                if held is not now and _shares(getattr(_traced_of(held), "value", held), array):
                    raise self._kept_twice(place.name, other[0].name)
            for outside in self._first.values():
                if id(outside.value) in owners and _shares(outside.value, array):
                    raise self._kept_twice(place.name, owners[id(outside.value)])

    def _kept_twice(self, one: str, other: str) -> TypeError:
        return TypeError(
            f"after the step {one} and {other} share memory{self._where()}: a replay could not keep that. Keep a copy"
        )

    def _changed(self, name: str, how: str) -> TypeError:
        return TypeError(
            f"the step changes {name} itself, {how}{self._where()}: a replay repeats what NumPy was asked to do, and "
            "not this. Do it outside, or keep it in an array"
        )

    def _note_result(self, result: Tree) -> None:
        self.result, self.results = result, {}
        for k, leaf in enumerate(result.leaves):
            if (traced := _traced_of(leaf)) is not None:
                self.results[k] = traced.symbol, isinstance(leaf, Tensor)
            elif (
                not isinstance(leaf, (*_UNFOLLOWED, Tensor))
                and not is_constant(leaf)
                and id(leaf) not in self.state.known
            ):
                raise TypeError(
                    f"the compiled step returns a {type(leaf).__name__}, which a replay could not make again: return "
                    "Tensors, arrays and numbers, alone or in tuples, lists and dictionaries"
                )
        changes = self.gradients or self.cleared or self.rebound or self.trace.changes or not self.complete
        moved = any(traced.symbol is not first for first, traced in self._first.items())
        if not (changes or moved or self.results or any(isinstance(leaf, Tensor) for leaf in result.leaves)):
            raise TypeError(
                f"{getattr(self.fn, '__name__', 'the step')} returns no Tensor or array and changes none: "
                "there is nothing to compile. Return what it computes"
            )

    # Afterwards

    def _refuse_leaks(self) -> None:
        """Nothing traced may be left in what the step does not own."""
        self.held = [id(value) for value in self.held]
        self.tree.leaves = [_blank(leaf) for leaf in self.tree.leaves]
        self.result.leaves = [None if k in self.results else leaf for k, leaf in enumerate(self.result.leaves)]
        for var in {var for line in self.trace.lines for var in (*line.variables(), line.target)} | {
            *self.trace.inputs
        }:
            var.value = None if var.shape is None else _blank(var.value)
        self._replaced, self._first, self._plain, self._by_node, self._grad_given = [], {}, {}, {}, {}
        if self.trace.remaining():
            gc.collect()
        if places := [let_go(traced) for traced in self.trace.remaining()]:
            raise TypeError(
                f"the step keeps a value of its own in {places[0]}{self._where()}, which is in neither its arguments "
                f"nor its state: a replay would not. Return it, or {ADVICE}"
            )

    def _written(self, error: Exception) -> str:
        """Which outside array could not be written to, and where; empty where it was another one."""
        for frame, number in reversed(list(walk_tb(error.__traceback__))):
            line = linecache.getline(frame.f_code.co_filename, number)
            for name, value in {**frame.f_globals, **frame.f_locals}.items():
                arrays = Tree(plain(value)).leaves if isinstance(value, (list, tuple, dict)) else [value]
                arrays = [array._node.value if isinstance(array, Tensor) else array for array in arrays]
                if (not line or re.search(rf"\b{name}\b", line)) and any(a is b for a in arrays for b in self._foreign):
                    return f"{name}, at {frame.f_code.co_filename}:{number}"
        return ""

    def _where(self) -> str:
        code = getattr(self.fn, "__code__", None)
        return f" (in {code.co_filename}:{code.co_firstlineno})" if code else ""

    def _unfinished(self, what: str) -> None:
        self.complete, self.incomplete = False, what

    # The gradients that were there before

    def saw_gradient(self, tensor: Tensor, how: str) -> None:
        """Called before the step reads or clears the gradient of one of its Tensors."""
        added = tensor._node.grad is not self._grad_given[id(tensor)]  # by a pass
        self._grad_use.setdefault(id(tensor), "read" if added else how)


class Drawing:
    """Stands for a random generator: what it draws is drawn again in every replay."""

    def __init__(self, generator: Any, trace: StepTrace) -> None:
        self.generator, self._trace = generator, trace
        self._position = _position(generator)

    __class__ = property(lambda self: type(self.generator))  # what isinstance says of the generator itself

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.generator, name)
        if not callable(method) or name in ("shuffle", "spawn", "set_state", "get_state", "seed"):
            raise self._trace.refusal(
                f"{name} of a random generator inside a compiled step, {source_line()}: do it outside, or draw "
                "a permutation"
            )
        return lambda *args, **kwargs: self._draw(name, args, kwargs)

    def _draw(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._trace.closed:
            return getattr(self.generator, name)(*args, **kwargs)
        self.refuse_others()
        self._trace.changes = True
        out = kwargs.pop("out", None)
        if out is not None and type(out) is not Traced:
            raise self._trace.not_owned(f"{name} of a generator", out)
        if out is not None and "size" not in kwargs and name != "permuted":
            kwargs["size"], kwargs["dtype"] = out.shape, out.dtype
        drawn = self._trace.call(Draw(self.generator, name), args, kwargs)
        self._position = _position(self.generator)
        if out is None:
            return drawn
        out[...] = drawn
        return out

    def refuse_others(self) -> None:
        """An error where somebody drew numbers in between that were not recorded."""
        if self._position != _position(self.generator):
            raise self._trace.refusal(
                f"the step draws from a generator in a way that is not seen, {source_line()}: name what holds it in "
                "state=, and draw by what the state or a variable of the step holds"
            )


@cache
def _watched(kind: type) -> type:
    """A kind of Tensor that tells the recording of its thread who reads and who clears its gradient."""
    gradient: Any = kind.grad  # type: ignore[attr-defined]

    def read(tensor: Any) -> Any:
        if active.get() is not None:
            active.get().saw_gradient(tensor, "read")
        return gradient.fget(tensor)

    def write(tensor: Any, value: Any) -> None:
        if active.get() is not None:
            active.get().saw_gradient(tensor, "cleared")
        gradient.fset(tensor, value)

    def zero_grad(tensor: Any) -> None:
        tensor.grad = None

    body = {"__slots__": (), "__module__": kind.__module__, "grad": property(read, write), "zero_grad": zero_grad}
    return type(kind.__name__, (kind,), body)


def watched() -> bool:
    """Whether somebody looks at each operation of this thread, which a replay has none of."""
    return any(getattr(observer, "watches", False) for observer in observers)


def _is_owner(leaf: Any) -> bool:
    """Whether an argument is more than an array, a number or a constant."""
    if isinstance(leaf, Tensor):
        return leaf.requires_grad and leaf._node.op is None
    return not isinstance(leaf, _UNFOLLOWED) and not is_constant(leaf)


def _refuse_graph(name: str, value: Any) -> None:
    """A Tensor that the step keeps has no graph."""
    for leaf in Tree(value).leaves:
        if isinstance(leaf, Tensor) and leaf._node.op is not None:
            raise TypeError(
                f"the step keeps {describe(leaf)} with its graph in {name}: the graph would be lost. Keep it detached, "
                "or return it"
            )


def _traced_of(value: Any) -> Traced | None:
    """The traced array that a value is, or that a Tensor holds."""
    value = value._node.value if isinstance(value, Tensor) else value
    return value if type(value) is Traced else None


def _array_of(value: Any) -> Any:
    """The array that a value from before the step is, or that a constant Tensor holds; None for others."""
    if isinstance(value, Tensor):
        return None if value.requires_grad else value._node.value
    return value if isinstance(value, (np.ndarray, np.number)) else None


def _kind(array: Any) -> Any:
    return array.shape, array.dtype


def _shares(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)


def _delivered(leaf: Any) -> Any:
    """A result of the recorded call as the caller gets it."""
    traced = _traced_of(leaf)
    if traced is None:
        return leaf.copy() if type(leaf) is np.ndarray else leaf
    value = traced.value.copy()
    return wrap(Node(value)) if isinstance(leaf, Tensor) else value


def _position(generator: Any) -> str:
    state = generator.get_state() if isinstance(generator, np.random.RandomState) else generator.bit_generator.state
    return repr(state)


def _global_generators() -> Any:
    """Where the process's own generators stand."""
    kind, keys, position, *rest = np.random.get_state()  # noqa: NPY002
    return kind, keys[0], keys[-1], position, rest, hash(random.getstate())


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


def _blank(value: Any) -> Any:
    """An array of the same shape and dtype that takes no memory."""
    return _blank_array(value.shape, value.dtype) if isinstance(value, np.ndarray) and value.shape else value


@lru_cache(maxsize=256)
def _blank_array(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.broadcast_to(np.zeros((), dtype), shape)


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, (np.ndarray, Traced, Tensor)) else type(value).__name__
    return text if len(text) < 40 else text[:37] + "..."
