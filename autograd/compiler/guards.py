"""The calls that a recording serves: what must be as it was, and the arrays that a call brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.names import Names, function_of
from autograd.compiler.recording import Recording
from autograd.compiler.state import SIMPLE, Place
from autograd.core.node import Node, recording
from autograd.program.program import Var

_GONE = (LookupError, AttributeError, ValueError)  # of a place that is no longer there


class Reading(NamedTuple):
    """A value that is read at every call.

    Attributes:
        position: of the argument that brings it; or `place`: where it is.
        tensor: the kind of the Tensor without gradient that holds it, or None.
        kind, shape, dtype: what it must be.
    """

    position: int
    place: Place | None
    tensor: type | None
    kind: Any
    shape: Any
    dtype: Any

    @classmethod
    def of(cls, var: Var, example: Any, position: int = -1, place: Place | None = None) -> Reading:
        """The reading of a value of the program, of which a call brought an example."""
        tensor = type(example) if isinstance(example, Tensor) else None
        array = example._value if tensor else example
        kind = type(array) if isinstance(array, np.generic) else np.ndarray
        return cls(position, place, tensor, kind, var.shape, var.dtype)


class Guards:
    """What must hold in a call that is replayed.

    Args:
        recorded: the recording.
        readings: the values that are read at every call.
        homes: the arrays from outside that the step writes into.
        arguments: the readings of arguments that it writes into, by position.
        together: places that must hold one array.
    """

    def __init__(
        self,
        recorded: Recording,
        readings: Sequence[Reading],
        homes: Sequence[Any],
        arguments: Sequence[int],
        together: Sequence[tuple[Place, Place]],
    ) -> None:
        self._readings = readings
        self._homes, self._arguments = [home for home in homes if home.ndim], arguments
        self._fixed = [array for array, first, _ in recorded.arrays if array.ndim and first not in recorded.arguments]
        self._owners: set[int] = _owners(self._homes)
        held = [guard for guard in recorded.effects.guards if not issubclass(type(guard[1]), np.number)]
        held += [(Place(tensor, "_node", name, is_item=False), tensor._node) for tensor, name in recorded.tensors]
        self._places, self._state = [place for place, _ in held], [value for _, value in held]
        self._names = Names()
        source = "\n    ".join([*self._statements(recorded, together), ""])
        self._bind = function_of(source, self._names.objects, [f"v{k}" for k in range(len(held))])
        self._brought: Any = None  # until the first replay

    def _statements(self, recorded: Recording, together: Sequence[tuple[Place, Place]]) -> Iterator[str]:
        """Source of a function that gives what a call brings; False for other arguments, None for another state."""
        names, leaves = self._names, recorded.tree.leaves
        yield f"def brought({', '.join([f'p{k}' for k in range(len(leaves))])}):"
        read = {reading.position for reading in self._readings}
        names.objects["same"] = _same
        same = [f"same(p{k}, {names.of(leaf, 'c')})" for k, leaf in enumerate(leaves) if k not in read]
        yield from _unless(same, False)
        yield from self._read([k for k, reading in enumerate(self._readings) if reading.place is None], False)
        yield from _unless([*self._tests(recorded, together)], None)
        yield from self._read([k for k, reading in enumerate(self._readings) if reading.place is not None], None)
        arrays = [k for k, reading in enumerate(self._readings) if reading.shape and self._homes]
        owners = names.of(self._owners, "owners")
        yield from _unless([f"id({a}) not in {owners}" for k in arrays for a in (f"a{k}", f"a{k}.base")], None)
        yield f"return [{', '.join([f'a{k}' for k in range(len(self._readings))])}]"

    def _read(self, numbers: Iterable[int], otherwise: bool | None) -> Iterator[str]:
        """Source that reads values, and returns `otherwise` where one is of another kind."""
        names, tests = self._names, []
        for k in numbers:
            position, place, tensor, kind, shape, dtype = self._readings[k]
            yield f"a{k} = {f'p{position}' if place is None else names.spelled(place)}"
            if tensor is not None:
                of_kind = [f"type(a{k}) is {names.of(tensor, 'Tensor')}", f"not a{k}._node.requires_grad"]
                yield from _unless(of_kind, otherwise)
                yield f"a{k} = a{k}._value"
            tests += [f"type(a{k}) is {names.of(kind, kind.__name__)}", f"a{k}.shape == {shape}"]
            tests.append(f"a{k}.dtype == {names.of(dtype, 'dtype')}")
        yield from _unless(tests, otherwise)

    def _tests(self, recorded: Recording, together: Sequence[tuple[Place, Place]]) -> Iterator[str]:
        """Source of what must be true of the state: whether operations are recorded, what is in each place, the hooks.

        Then the keys or lengths of containers, whether gradients are there, and what must be one array. Another array,
        or setting, of a Tensor gives it another node, so that nodes are compared.
        """
        names, tensors = self._names, [tensor for tensor, _ in recorded.tensors]
        yield f"bool({names.of(recording, 'recording')}.get()) is {recorded.recording_at_start}"
        for k, (place, value) in enumerate(zip(self._places, self._state, strict=True)):
            yield f"{names.spelled(place)} is {value if value is None or type(value) is bool else f'v{k}'}"
        for k, tensor in enumerate(tensors, len(self._state) - len(tensors)):
            hooks = tensor._node.hooks
            yield f"v{k}.hooks == {names.of([*hooks], 'hooks')}" if hooks else f"not v{k}.hooks"
        for container, keys, _ in recorded.state.structure:
            now = names.of(container, "o")
            if type(keys) is int:
                yield f"len({now}) == {keys}"
            else:
                yield f"{f'[*{now}]' if type(keys) is list else now} == {names.of(keys, 'keys')}"
        read = {id(reading.place.container) for reading in self._readings if reading.place}
        for tensor, there in recorded.effects.presence:
            if id(tensor) not in read:
                yield f"{names.of(tensor, 'T')}.grad is {'not ' * there}None"
        for one, other in together:
            yield f"{names.spelled(one)} is {names.spelled(other)}"

    def brought(self, leaves: Sequence[Any]) -> list[Any] | Literal[False] | None:
        """The values that a call brings; False where its arguments are others, None where the state is."""
        if self._brought is None:
            self._brought = self._bind(*self._state)
        try:
            found: list[Any] | Literal[False] | None = self._brought(*leaves)
        except _GONE:
            return None
        return None if found and self._arguments and self._overlap(found) else found

    def _overlap(self, found: Sequence[Any]) -> bool:
        """Whether an argument that the step writes into shares its memory with another array."""
        for k in self._arguments:
            others = [other for other in (*found[:k], *found[k + 1 :], *self._fixed) if type(other) is np.ndarray]
            if any(np.may_share_memory(found[k], other) for other in others if other.ndim):
                return True
        return False

    def moved(self) -> list[tuple[Any, Any]] | None:
        """Where others took the place of arrays of the state, these with those; the guards are for the new ones then.

        None where the state is another one.
        """
        now = [place.read() for place in self._places]
        moves = self._moves(now)
        if moves is None:
            return None
        replaced = {id(old): new for old, new in moves}
        self._homes = [replaced.get(id(array), array) for array in self._homes]
        self._fixed = [replaced.get(id(array), array) for array in self._fixed]
        self._owners.clear()
        self._owners |= _owners(self._homes)
        self._state, self._brought = now, None
        return moves

    def _moves(self, now: Sequence[Any]) -> list[tuple[Any, Any]] | None:
        """The arrays that differ between the state as it was and is now; None where more than that differs.

        A setting may be an equal one. A new array is like the old one, and shares no memory with the others.
        """
        found: dict[int, tuple[Any, Any]] = {}
        for old, new in zip(self._state, now, strict=True):
            if type(old) is type(new) is Node:  # of Tensors, whose arrays count
                if old.requires_grad is not new.requires_grad:
                    return None
                old, new = old.value, new.value
            if type(old) is np.ndarray:
                if found.setdefault(id(old), (old, new))[1] is not new or not (new is old or _alike(new, old)):
                    return None
            elif not _same(new, old):
                return None
        moves = [(old, new) for old, new in found.values() if new is not old]
        arrays = [new for _, new in found.values() if new.size]
        shared = any(sum(np.may_share_memory(new, other) for other in arrays) > 1 for _, new in moves)
        return None if shared else moves


def _owners(arrays: Iterable[Any]) -> set[int]:
    """Who has the memory of arrays, by identity."""
    return {id(array if array.base is None else array.base) for array in arrays}


def _unless(tests: Sequence[str], otherwise: bool | None) -> Iterator[str]:
    if tests:
        test = "\n        and ".join(tests)
        yield f"if not ({test}):"
        yield f"    return {otherwise}"


def _same(now: Any, value: Any) -> bool:
    """Whether a setting is what it was: numbers and text by what they say, so that 0.0 is not -0.0, but NaN is NaN."""
    return now is value or (type(now) is type(value) and isinstance(value, SIMPLE) and repr(now) == repr(value))


def _alike(new: Any, old: Any) -> bool:
    """Whether code that works on one array, and may write to it, can work on another in its place."""
    return (
        type(new) is np.ndarray and (new.shape, new.dtype) == (old.shape, old.dtype)
        and new.flags.c_contiguous and old.flags.c_contiguous and new.flags.writeable >= old.flags.writeable
    )  # fmt: skip
