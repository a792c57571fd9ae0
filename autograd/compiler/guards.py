"""The calls that a recording serves: what must be as it was, and the arrays that a call brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.names import Names, function_of
from autograd.compiler.recording import Recording
from autograd.compiler.state import SIMPLE, Place
from autograd.core.node import Node, recording
from autograd.program.program import Var

_GONE = (LookupError, AttributeError, ValueError)  # of a place that is no longer there
_ndarray = np.ndarray


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
    kind: type
    shape: Any
    dtype: Any

    @classmethod
    def of(cls, var: Var, example: Any, position: int = -1, place: Place | None = None) -> Reading:
        """The reading of a value of the program, of which a call brought an example."""
        tensor = type(example) if isinstance(example, Tensor) else None
        array = example._node.value if tensor else example
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
        brought = {reading.position for reading in readings}
        self._settings = [(k, leaf) for k, leaf in enumerate(recorded.tree.leaves) if k not in brought]
        self._homes, self._arguments = [home for home in homes if home.ndim], arguments
        self._fixed = [array for array, first, _ in recorded.arrays if array.ndim and first not in recorded.arguments]
        self._owners = _owners(self._homes)
        held = [guard for guard in recorded.effects.guards if not isinstance(guard[1], np.number)]
        held += [(Place(tensor, "_node", name), tensor._node) for tensor, name in recorded.tensors]
        self._places, self._state = [place for place, _ in held], [value for _, value in held]
        self._names = Names()
        test = "\n        and ".join(self._tests(recorded, together))
        values = [f"v{k}" for k in range(len(held))]
        self._bind = function_of(f"def holds():\n    return ({test})\n", self._names.objects, values)
        self._holds = self._bind(*self._state)

    def _tests(self, recorded: Recording, together: Sequence[tuple[Place, Place]]) -> Iterator[str]:
        """Source of what must be true of the state. Another array, or setting, of a Tensor gives it another node."""
        names, tensors = self._names, [tensor for tensor, _ in recorded.tensors]
        yield f"{names.of(recording, 'recording')}.get() is {recorded.recording_at_start}"
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

    def brought(self, leaves: Sequence[Any]) -> list[Any] | None:
        """The values that a call brings; None where these, or the state, are not as they were."""
        for k, value in self._settings:
            if leaves[k] is not value and not _same(leaves[k], value):
                return None
        try:
            if not self._holds():
                return None
        except _GONE:
            return None
        found, owners = [], self._owners
        for position, place, tensor, kind, shape, dtype in self._readings:
            now: Any = leaves[position] if place is None else place.read()
            if tensor is not None:
                if not isinstance(now, Tensor) or type(now) is not tensor or now._node.requires_grad:
                    return None
                now = now._node.value
            found_kind: Any = type(now)
            if found_kind is not kind:
                return None
            if kind is _ndarray:
                if now.shape != shape or now.dtype != dtype:
                    return None
                if shape and (id(now) in owners or id(now.base) in owners):  # the step writes into it
                    return None
            found.append(now)
        return None if self._arguments and self._overlap(found) else found

    def _overlap(self, found: Sequence[Any]) -> bool:
        """Whether an argument that the step writes into shares its memory with another array."""
        for k in self._arguments:
            others = [other for other in (*found[:k], *found[k + 1 :], *self._fixed) if type(other) is np.ndarray]
            if any(np.may_share_memory(found[k], other) for other in others if other.ndim):
                return True
        return False

    def moved(self) -> list[tuple[Any, Any]] | None:
        """The arrays of the state that others took the place of, with these; None where the state is another one.

        From now on the guards are for the new arrays. A setting may be an equal one.
        """
        now = [place.read() for place in self._places]
        found: dict[int, tuple[Any, Any]] = {}
        for old, new in zip(self._state, now, strict=True):
            if type(old) is type(new) is Node:
                if old.requires_grad is not new.requires_grad:
                    return None
                old, new = old.value, new.value
            if type(old) is np.ndarray:
                if found.setdefault(id(old), (old, new))[1] is not new or not (new is old or _alike(new, old)):
                    return None
            elif new is not old and not _same(new, old):
                return None
        moves = [(old, new) for old, new in found.values() if new is not old]
        arrays = [new for _, new in found.values() if new.size]
        if any(sum(np.may_share_memory(new, other) for other in arrays) > 1 for _, new in moves):
            return None
        replaced = {id(old): new for old, new in moves}
        self._homes = [replaced.get(id(array), array) for array in self._homes]
        self._fixed = [replaced.get(id(array), array) for array in self._fixed]
        self._owners, self._state, self._holds = _owners(self._homes), now, self._bind(*now)
        return moves


def _owners(arrays: Iterable[Any]) -> frozenset[int]:
    """Who has the memory of arrays, by identity."""
    return frozenset(id(array if array.base is None else array.base) for array in arrays)


def _same(now: Any, value: Any) -> bool:
    """Whether a setting is what it was: numbers and text by what they say, so that 0.0 is not -0.0, but NaN is NaN."""
    return type(now) is type(value) and isinstance(value, SIMPLE) and repr(now) == repr(value)


def _alike(new: Any, old: Any) -> bool:
    return (
        type(new) is np.ndarray and (new.shape, new.dtype) == (old.shape, old.dtype)
        and new.flags.c_contiguous and old.flags.c_contiguous and new.flags.writeable >= old.flags.writeable
    )  # fmt: skip
