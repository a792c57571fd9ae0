"""What a recorded call changed and looked at: the gradients, places and results of a replay, and its guards."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.state import GENERATORS, SIMPLE, Place, is_constant
from autograd.core.errors import describe
from autograd.core.node import Node
from autograd.program.program import Var
from autograd.program.trace import Traced, plain
from autograd.tree import Tree

UNFOLLOWED = (*SIMPLE, np.ndarray, *GENERATORS)


class Effects:
    """What a call did, read off while what is traced is still in its places; TypeError for what a replay could not do.

    Attributes:
        gradients, cleared: the Tensors that have a new gradient, with it, and those that have none any more.
        presence: the Tensors of whose gradient the step saw whether it is there, with that.
        rebound: the places that hold another array now, with what was there and the new value in the program.
        held: what each of these holds after the call, by identity; one thing may be in several.
        guards: places with what a replay must find there.
        result: the nesting of the result, with the leaves that are constants.
        results: by position among the leaves of the result, its value in the program and whether it is a Tensor.
        incomplete: why a replay would not repeat this call, as where the step makes what it needs first; else empty.
    """

    def __init__(self, recording: Any, result: Tree) -> None:
        self._recording = recording
        self.gradients: list[tuple[Tensor, Var]] = []
        self.cleared: list[Tensor] = []
        self.presence: list[tuple[Tensor, bool]] = []
        self.rebound: list[tuple[Place, Any, Var]] = []
        self.held: list[Any] = []
        self.guards: list[tuple[Place, Any]] = []
        self.incomplete = ""
        self._note_tensors()
        self._note_containers()
        self._note_places()
        self._refuse_shared()
        self._note_result(result)

    def _note_tensors(self) -> None:
        """The gradient that each Tensor of the state has after the call, and whether it matters what was there before.

        That matters where the step asked for it, and where a pass added to it without clearing it first.
        """
        for tensor, node, before in self._recording.before:
            now = tensor._node
            after = now.grad
            if now is not node:
                self._note_moved(node, now)
            if isinstance(after, Tensor):
                raise TypeError(
                    f"create_graph=True inside a compiled step, for {describe(node)}: its graph would be lost"
                )
            first_use = self._recording.grad_use.get(id(tensor))
            traced = type(after) is Traced
            kept = after is before or (traced and self._recording.grad_inputs.get(after.symbol) is tensor)
            if after is None and (before is not None or first_use == "cleared"):
                self.cleared.append(tensor)
            elif not kept:
                self.gradients.append((tensor, (after if traced else self._recording.trace.constant(after)).symbol))
            if first_use == "read" or (first_use is None and not kept):
                self.presence.append((tensor, before is not None))

    def _note_moved(self, node: Node, now: Node) -> None:
        """`p.data = ...` gave a Tensor another leaf: a replay writes the new values into the array of the old one."""
        if now.op is not None:
            raise TypeError(
                f"the step writes a value with a graph into {describe(node)}, which stays after the step: the graph "
                "would be lost. Write it detached, or return it"
            )
        array, new = node.value, now.value
        if type(array) is Traced and new is not array:
            array.symbol = (new if type(new) is Traced else self._recording.trace.constant(new)).symbol

    def _note_containers(self) -> None:
        """Lists, sets and dictionaries hold as many things as before; a dictionary may get entries at first.

        TypeError for another change: a replay writes into arrays, and not into containers.
        """
        for container, before, name in self._recording.state.structure:  # before: a length, keys in order, or elements
            now: Any = container if type(before) is frozenset else [*container]
            if type(before) is int:
                now = len(container)
            if now == before:
                continue
            length = before if type(before) is int else len(before)
            if not hasattr(container, "items") or len(container) <= length:
                raise self._changed(name, "its contents")
            for key, value in container.items():
                _refuse_graph(f"{name}[{key!r}]", value)
            self.incomplete = f"makes entries in {name}"

    def _note_places(self) -> None:
        """Places that hold what they held are guards; of the others `_note_change` says what a replay is to do."""
        stand_ins = {(id(place.container), place.key): other for place, _, other in self._recording.replaced}
        for place, before in self._recording.places:
            now = place.read()
            if now is before or now is stand_ins.get((id(place.container), place.key), before) or _equal(now, before):
                self.guards.append((place, before))
            else:
                self._note_change(place, before, now)

    def _note_change(self, place: Place, old: Any, new: Any) -> None:
        """A place holds something else after the call.

        An array or Tensor like the old one is put there by each replay. One in the place of None, a number or another
        array is what steps make at their first calls, which are not replayed. TypeError for other changes.
        """
        _refuse_graph(place.name, new)
        before, after = _array_of(old), traced_of(new)
        if type(new) is np.ndarray and (old is None or type(old) is np.ndarray):
            after = self._recording.trace.constant(new)  # an array of the step's own making
        both_or_neither = isinstance(new, Tensor) == isinstance(old, Tensor)
        if before is not None and after is not None and both_or_neither and _kind(before) == _kind(after):
            self.rebound.append((place, old, after.symbol))
            self.held.append(new)
            return
        made_array = after is not None and isinstance(old, (type(None), int, float, np.ndarray, np.generic))
        if made_array or (old is None and isinstance(new, (dict, list))):
            self.incomplete = f"makes {place.name}"
        else:
            raise self._changed(place.name, f"from {_short(old)} to {_short(new)}")

    def _refuse_shared(self) -> None:
        """One array in two places is one in a replay only if both get it together."""
        owners = {id(value): place.name for place, value in self.guards if isinstance(value, np.ndarray)}
        owners |= {id(plain(node.value)): tensor.name or "a Tensor" for tensor, node, _ in self._recording.before}
        for (place, value, _), now in zip(self.rebound, self.held, strict=True):
            if not isinstance(value, Tensor) and id(value) in owners:
                self.incomplete = f"keeps one array in {place.name} and {owners[id(value)]}"
            for (other, _, _), held in zip(self.rebound, self.held, strict=True):
                if held is not now and _share_memory(held, now):
                    raise self._kept_twice(place.name, other.name)
            for outside in self._recording.first.values():
                if id(outside.value) in owners and _share_memory(outside.value, now):
                    raise self._kept_twice(place.name, owners[id(outside.value)])

    def _kept_twice(self, one: str, other: str) -> TypeError:
        return TypeError(
            f"after the step {one} and {other} share memory{self._recording.where()}: a replay could not keep that. "
            "Keep a copy"
        )

    def _changed(self, name: str, how: str) -> TypeError:
        return TypeError(
            f"the step changes {name} itself, {how}{self._recording.where()}: a replay repeats what NumPy was asked to "
            "do, and not this. Do it outside, or keep it in an array"
        )

    def _note_result(self, result: Tree) -> None:
        """The values in the result; TypeError for what a replay could not give, or if there is none."""
        self.result, self.results = result, {}
        for k, leaf in enumerate(result.leaves):
            if (traced := traced_of(leaf)) is not None:
                self.results[k] = traced.symbol, isinstance(leaf, Tensor)
                continue
            constant = isinstance(leaf, (*UNFOLLOWED, Tensor)) or is_constant(leaf)
            if not constant and id(leaf) not in self._recording.state.known:
                raise TypeError(
                    f"the compiled step returns a {type(leaf).__name__}, which a replay could not make again: return "
                    "Tensors, arrays and numbers, alone or in tuples, lists and dictionaries"
                )
        gives = any(isinstance(leaf, (Tensor, np.ndarray)) for leaf in result.leaves) or self.results
        changes = self.gradients or self.cleared or self.rebound or self._recording.trace.changes or self.incomplete
        written = any(traced.symbol is not first for first, traced in self._recording.first.items())
        if not (gives or changes or written):
            raise TypeError(
                f"{getattr(self._recording.fn, '__name__', 'the step')} returns no Tensor or array and changes none: "
                "there is nothing to compile. Return what it computes"
            )

    def release(self) -> None:
        """Let go of what is traced."""
        self.held = [id(value) for value in self.held]
        self.result.leaves = [None if k in self.results else leaf for k, leaf in enumerate(self.result.leaves)]
        del self._recording


def _refuse_graph(name: str, value: Any) -> None:
    """A Tensor that the step keeps has no graph."""
    for leaf in Tree(value).leaves:
        if isinstance(leaf, Tensor) and leaf._node.op is not None:
            raise TypeError(
                f"the step keeps {describe(leaf)} with its graph in {name}: the graph would be lost. Keep it detached, "
                "or return it"
            )


def traced_of(value: Any) -> Traced | None:
    """The traced array that a value is, or that a Tensor holds."""
    value = value._value if isinstance(value, Tensor) else value
    return value if type(value) is Traced else None


def _array_of(value: Any) -> Any:
    """The array that a value from before the step is, or that a constant Tensor holds; None for others."""
    if isinstance(value, Tensor):
        return None if value.requires_grad else value._value
    return value if isinstance(value, (np.ndarray, np.number)) else None


def _equal(now: Any, before: Any) -> bool:
    """Whether a setting was set to what it was."""
    return type(now) is type(before) and isinstance(before, SIMPLE) and now == before


def _kind(array: Any) -> Any:
    return array.shape, array.dtype


def _share_memory(one: Any, other: Any) -> bool:
    """Whether two values, traced or not, are arrays in the same memory."""
    arrays = [getattr(traced_of(value), "value", value) for value in (one, other)]
    return all(isinstance(array, np.ndarray) for array in arrays) and np.may_share_memory(*arrays)


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, (np.ndarray, Traced, Tensor)) else type(value).__name__
    return text if len(text) < 40 else text[:37] + "..."
