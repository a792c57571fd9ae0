"""One call of a step, carried out and recorded, with traced stand-ins for everything that it reaches."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from operator import is_
from types import MethodType
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.reach import GENERATORS, SIMPLE, Place, Reach, Replacing
from autograd.compiler.standins import (
    Drawing,
    GradientUse,
    delivered,
    plain_nesting,
    through_dispatch,
    traced_of,
    traced_or_array,
    tracing,
)  # fmt: skip
from autograd.compiler.watch import Watch
from autograd.core.errors import describe, source_line
from autograd.core.node import Node, next_order, observers, recording
from autograd.core.op import Op
from autograd.core.tensor import wrap
from autograd.program.program import Var
from autograd.program.trace import Trace, Traced
from autograd.tree import Tree

_TRACED = "fiubcSUmM"  # kinds of arrays that are followed
_STATEFUL = ("array", "queue", "_queue", "threading", "_contextvars", "multiprocessing", "ctypes", "_ctypes", "mmap")


class Recording:
    """One call of a step, carried out and recorded.

    Attributes:
        trace: what NumPy was asked to do.
        homes: the arrays from outside that the step works on, each with what stood for it.
        arguments: the leaves of the arguments that bring an array, by the value that it is in the program.
        gradients, cleared: the leaves that have a new gradient, with it, and those that have none any more.
        moved: arrays from outside that hold another value, though the step did not write into them itself.
        rebound: the places that hold another array now, with what was there and what is. Places that held one array
            hold one again; `put` is what each holds.
        numbers: NumPy's numbers in places, by the value that they are in the program; they are read at each call.
        complete: whether a replay would repeat this call; not so where the step made what it needs first.
    """

    def __init__(self, fn: Callable[..., Any], tree: Tree, flat: bool) -> None:
        self.fn, self.tree, self.flat = fn, tree, flat
        self.trace = Trace(strict=True)
        self.names = _argument_names(fn, tree, flat)
        self.homes: dict[int, tuple[Any, Traced, Var]] = {}
        self.arguments: dict[Var, int] = {}
        self.brought: list[tuple[int, Tensor, Node]] = []
        self.brought_arrays: list[tuple[Traced, int]] = []
        self.numbers: dict[Var, tuple[Place, Any]] = {}
        self.grad_inputs: dict[Var, Node] = {}
        around = [
            (leaf, self.names[k]) for k, leaf in enumerate(tree.leaves) if not isinstance(leaf, (np.ndarray, *SIMPLE))
        ]
        self.reach = Reach(fn, around)
        self.leaf_tensors = [tensor for tensor, _ in self.reach.tensors.values() if tensor._node.op is None]
        self.recording_at_start = recording.get()
        self.gradients: list[tuple[Node, Var]] = []
        self.cleared: list[Node] = []
        self.moved: list[tuple[Any, Var]] = []
        self.rebound: list[tuple[Place, Any, Var]] = []
        self.put: list[Any] = []
        self.complete, self.incomplete = True, ""

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the step on traced stand-ins; give its result as the caller sees it."""
        self.before = [(tensor, tensor._node, tensor._node.grad) for tensor in self.leaf_tensors]
        told = {id(tensor): name for tensor, name in self.reach.tensors.values()}
        self._start = next_order()
        self.gradient_use = GradientUse([node for _, node, _ in self.before])
        token = tracing.set(True)
        observers.append(self)
        failed = True
        try:
            with Replacing(self.reach, self._stand_in), through_dispatch(), self.gradient_use.watched():
                given = [self._argument(k, leaf) for k, leaf in enumerate(self.tree.leaves)]
                called_args, called_kwargs = self.tree.filled(given)
                for tensor, node, grad in self.before:
                    node.value = self._home(node.value, told[id(tensor)])
                    if grad is not None and not isinstance(grad, Tensor):
                        made = self.trace.input(grad)
                        self.grad_inputs[made.var] = node
                        node.grad = made
                with Watch() as watch:
                    self.trace.watched = watch.event
                    result = self.fn(*called_args, **called_kwargs)
            failed = False
        except ValueError as error:  # what NumPy makes of it where an element of a plain array is set
            if self.trace.refused is not None and self.trace.refused is error.__cause__:
                raise self.trace.refused from None
            raise
        finally:
            observers.remove(self)
            tracing.reset(token)
            problems = self._settle()
            self.trace.settle()
            self.trace.closed, self.trace.watched = True, None
        assert not failed
        for problem in (self.trace.refused, watch.refused, *problems):
            if problem is not None:
                raise problem
        self._check_draws(watch)
        now = Tree((called_args, called_kwargs))
        if now.nesting != self.tree.nesting or not all(map(is_, now.leaves, given)):
            raise TypeError(
                f"the step changes a list or dictionary that it gets as an argument{self._where()}: a replay could "
                "not. Return what it would put there"
            )
        self.result = Tree(result)
        for leaf in self.result.leaves:
            self._check_result(leaf)
        self._note_places(watch)
        result = self.result.filled([delivered(leaf) for leaf in self.result.leaves])
        self._check_effect()
        return result

    def recorded(self, op: Op, args: tuple[Any, ...], node: Node) -> None:
        """Called after each operation on Tensors: what the step could not be seen to reach is refused."""
        if not tracing.get():
            return
        if watched():
            raise self.trace.refusal(
                f"detect_anomaly inside a compiled step, {source_line()}: a replay has no operations to look at. "
                "Put it around the call, which is carried out eagerly then"
            )
        for arg in args:
            if type(arg) is Node and arg.requires_grad and arg.order < self._start and type(arg.value) is not Traced:
                how = "is reached in a way that compile cannot follow. Keep it in a variable, attribute or list"
                if arg.op is not None:
                    how = "was computed outside of the step. Compute it inside, or use it detached"
                raise self.trace.refusal(
                    f"{op.name} uses {describe(arg)}, {source_line()}, which requires grad and {how}"
                )

    def pulled(self, node: Node, operand: Node, g: Any, d: Any) -> None:
        """Called after each derivative rule."""

    # Stand-ins

    def _argument(self, k: int, leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            if leaf.requires_grad:
                if leaf._node.op is None:
                    return leaf
                raise TypeError(
                    f"a compiled step got {describe(leaf)} as argument {self.names[k]}, which was computed from "
                    "Tensors that require grad: its graph would be left out. Compute it inside, or pass it detached"
                )
            made = wrap(Node(self._bring(k, leaf._node.value)))
            self.brought.append((k, made, made._node))
            return made
        if isinstance(leaf, (np.ndarray, np.generic)):
            return self._bring(k, leaf)
        return self._stand_in(leaf, self.names[k], None)

    def _bring(self, k: int, array: Any) -> Traced:
        traced = self.trace.input(array, self.names[k])
        traced.home = True
        self.arguments[traced.var] = k
        self.brought_arrays.append((traced, k))
        return traced

    def _stand_in(self, value: Any, told: str, place: Place | None) -> Any:
        if type(value) is np.ndarray and value.dtype.kind in _TRACED:
            return self._home(value, told)
        if isinstance(value, np.number) and place is not None and not isinstance(place.owner, type):
            made = self.trace.input(value, told)
            self.numbers[made.var] = (place, value)
            return made
        if isinstance(value, GENERATORS):
            return Drawing(value, self.trace)
        if isinstance(value, MethodType) and isinstance(value.__self__, GENERATORS):
            return Drawing(value.__self__, self.trace).method(value.__name__)
        return value

    def _home(self, array: Any, told: str) -> Any:
        if type(array) is Traced or not isinstance(array, np.ndarray):
            return array
        held = self.homes.get(id(array))
        if held is None:
            made = self.trace.input(array, told, home=True)
            held = self.homes[id(array)] = (array, made, made.var)
        return held[1]

    # Afterwards

    def _settle(self) -> list[TypeError]:
        """Put arrays back in place of what is traced, and note what changed; gives what speaks against a replay."""
        problems: list[TypeError] = []
        for tensor, node, grad in self.before:
            home, now = node.value, tensor._node
            final = now.grad
            if now is not node:  # `p -= ...` moved it to another leaf: the array is changed instead
                if now.op is not None:
                    problems.append(
                        TypeError(
                            f"the step writes a value with a graph into {describe(node)}, which stays after the step: "
                            "the graph would be lost. Write it detached, or return it"
                        )
                    )
                self._move_back(tensor, node, now)
                if node not in self.gradient_use.cleared and grad is not final:
                    self.gradient_use.used.add(node)
            if type(home) is Traced:
                node.value = home.value
            if isinstance(final, Tensor):
                problems.append(
                    TypeError(
                        f"create_graph=True inside a compiled step, for {describe(node)}: its graph would be lost"
                    )
                )
                continue
            self._settle_gradient(node, grad, final)
        for k, tensor, node in self.brought:
            if tensor._node is not node:
                problems.append(
                    TypeError(
                        f"the step writes into its argument {self.names[k]}, a Tensor: return the new one instead"
                    )
                )
        return problems

    def _move_back(self, tensor: Tensor, node: Node, now: Node) -> None:
        new, home = now.value, node.value
        if type(home) is Traced and isinstance(home.value, np.ndarray):
            if type(new) is not Traced:
                new = self.trace.constant(new)
            home.value[...] = new.value
            self.moved.append((home.value, new.var))
        tensor._node, node.replacement = node, None
        for view in tensor._views or ():
            if (seen := view()) is not None:
                seen._view = None

    def _settle_gradient(self, node: Node, before: Any, final: Any) -> None:
        if type(final) is Traced:
            unchanged = self.grad_inputs.get(final.var) is node
            node.grad = before if unchanged else np.array(final.value)
            if not unchanged:
                self.gradients.append((node, final.var))
        elif final is None and (before is not None or node in self.gradient_use.cleared):
            node.grad = None
            self.cleared.append(node)
        elif final is not before:
            self.gradients.append((node, self.trace.constant(final).var))
            node.grad = final

    def forget_values(self) -> None:
        """Keep the shapes and dtypes of what was computed, and let the arrays go."""
        read = {var for line in self.trace.lines for var in line.variables()}
        for var in read.union(self.trace.inputs, (line.target for line in self.trace.lines)):
            if var.shape is None:
                var.value = None
            elif var.shape:
                var.value = _blank(var.shape, var.dtype)
        self.result.leaves = [None if traced_of(leaf) is not None else leaf for leaf in self.result.leaves]
        self.before = [(tensor, node, grad is not None) for tensor, node, grad in self.before]
        self.tree.leaves = [
            _blank(leaf.shape, leaf.dtype) if isinstance(leaf, np.ndarray) else leaf for leaf in self.tree.leaves
        ]

    def _check_draws(self, watch: Watch) -> None:
        where = watch.drawn_globally()
        if where is not None:
            raise TypeError(
                f"the compiled step draws from NumPy's global generator (in {where}): a replay would not. "
                "Draw from a Generator that is kept around the step, rng = np.random.default_rng(seed)"
            )

    def _check_result(self, leaf: Any) -> None:
        if not isinstance(leaf, (Tensor, Traced, np.ndarray, type, *SIMPLE)) and not self.reach.knows(leaf):
            raise TypeError(
                f"the compiled step returns a {type(leaf).__name__}, which a replay could not make again: return "
                "Tensors, arrays and numbers, alone or in tuples, lists and dictionaries"
            )

    def _check_effect(self) -> None:
        changes = self.gradients or self.cleared or self.moved or self.rebound or not self.complete
        computed = any(traced_of(leaf) is not None for leaf in self.result.leaves)
        if not (changes or computed or self.trace.changes or any(isinstance(n, Tensor) for n in self.result.leaves)):
            raise TypeError(
                f"{getattr(self.fn, '__name__', 'the step')} returns no Tensor or array and changes none: "
                "there is nothing to compile. Return what it computes"
            )

    def _note_places(self, watch: Watch) -> None:
        """What the step's code looked at must be there in a replay; what it put into places is put there again."""
        looked = self.reach.looked_at(_Everything() if watch.everything else watch.names)
        self._given: dict[int, tuple[Any, Any]] = {}  # what the step put into places, with what is there instead
        self.guards: list[tuple[Place, Any]] = []
        for place, value in looked:
            now = place.read()
            if now is value or (type(now) is type(value) and isinstance(value, SIMPLE) and now == value):
                self._refuse_unfollowed(place, value)
                if not isinstance(place.owner, tuple):
                    self.guards.append((place, value))
            elif place.kind in ("contents", "keys") and now == value:
                self.guards.append((place, value))
            elif not self._changed(place, value, now):
                raise TypeError(
                    f"the step changes {place.told} itself, from {_short(value)} to {_short(now)}: a replay repeats "
                    f"what NumPy was asked to do, and not this{self._where()}. Do it outside, or keep it in an array"
                )
        self._check_sharing(looked)

    def _check_sharing(self, looked: list[tuple[Place, Any]]) -> None:
        """Where one array was in several places, only a change of all of them alike can be told from what it holds."""
        for place, value, var in self.rebound:
            array = _array_of(value)
            alike = [id(other) for other, _, its in self.rebound if its is var]
            elsewhere = any(
                id(other) not in alike and (held is value or _array_of(held) is array)
                for other, held in looked
                if not isinstance(other.owner, tuple)
            )
            if elsewhere or any(tensor is not value and node.value is array for tensor, node, _ in self.before):
                self._unfinished(f"keeps one array in {place.told} and elsewhere")

    def _where(self) -> str:
        return (
            f" (in {self.fn.__code__.co_filename}:{self.fn.__code__.co_firstlineno})"
            if hasattr(self.fn, "__code__")
            else ""
        )

    def _refuse_unfollowed(self, place: Place, value: Any) -> None:
        kind = type(value)
        if isinstance(value, np.ndarray) and (kind is not np.ndarray or value.dtype.kind not in _TRACED):
            told = kind.__name__ if kind is not np.ndarray else f"array of {value.dtype}"
        elif (
            kind.__module__.partition(".")[0] in _STATEFUL
            or kind.__name__ in ("memoryview", "_local")
            or (isinstance(value, (np.random.BitGenerator, np.random.SeedSequence)))
        ):
            told = f"{kind.__name__}, which may hold something else at every call"
        elif hasattr(kind, "__next__"):
            told = f"{kind.__name__}, which moves on when it is read"
        else:
            return
        raise TypeError(
            f"the compiled step uses {place.told}, {'an' if told[0] in 'aeiouAEIOU' else 'a'} {told}: "
            f"a replay could not{self._where()}. Pass what it gives as an argument"
        )

    def _changed(self, place: Place, value: Any, now: Any) -> bool:
        """Whether a place may hold something else after the step: arrays in their turn, or what it made for itself."""
        if now is Place or place.kind == "contents":
            return False
        if place.kind in ("length", "keys"):
            if isinstance(place.owner, dict) and len(place.owner) > (value if place.kind == "length" else len(value)):
                self._unfinished(f"makes entries in {place.told.removeprefix('the keys of ')}")
                for key, part in list(place.owner.items()):
                    place.owner[key] = plain_nesting(part)
                return True
            return False
        before, after = traced_or_array(value), traced_of(now)
        if type(now) is np.ndarray and (value is None or type(value) is np.ndarray):
            after = self.trace.constant(now)  # an array of the step's own making
        if before is not None and after is not None and type(delivered(now)) is type(value):
            if isinstance(now, Tensor) and now.requires_grad:
                raise TypeError(
                    f"the step keeps {describe(now)} with its graph in {place.told}: the graph would be lost. "
                    "Keep it detached, or return it"
                )
            if before.shape == after.shape and before.dtype == after.dtype:
                self.rebound.append((place, value, after.var))
                _, given = self._given.setdefault(id(now), (now, delivered(now)))
                place.write(given)
                self.put.append(given)
                return True
        if (after is not None and isinstance(value, (type(None), int, float, np.ndarray, np.generic))) or (
            value is None and isinstance(now, (dict, list))
        ):
            self._unfinished(f"makes {place.told}")
            place.write(plain_nesting(now))
            return True
        return False

    def _unfinished(self, what: str) -> None:
        self.complete, self.incomplete = False, what


def watched() -> bool:
    """Whether somebody looks at each operation of this thread, which a replay has none of."""
    return any(getattr(observer, "watches", False) for observer in observers)


def _array_of(value: Any) -> Any:
    return value._node.value if isinstance(value, Tensor) else value


class _Everything:
    def __contains__(self, name: object) -> bool:
        return True


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


@lru_cache(maxsize=256)
def _blank(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of this shape and dtype that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, (np.ndarray, Traced, Tensor)) else type(value).__name__
    return text if len(text) < 40 else text[:37] + "..."
