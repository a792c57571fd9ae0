"""Memory by liveness: which values may lie in the same place, and when a place is free again."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.compiler.functions import VIEWS, basic
from autograd.program.program import Line, Var
from autograd.rules.write import put


class Storage:
    """Memory: of a value that comes from outside, or a buffer of the plan's own.

    Attributes:
        own: whether the plan made it, and may put other values there later.
        kept: whether what it holds at the end is looked at from outside.
        until: the last line that reads it.
    """

    __slots__ = ("array", "free", "kept", "own", "until")

    def __init__(self, array: Any, *, own: bool = False, kept: bool = False) -> None:
        self.array, self.own, self.kept = array, own, kept
        self.free, self.until = False, -1


class Memory:
    """The places of a program's values, line by line.

    Args:
        lines: in order.
        shares: for values that were views when the program was recorded, what they look at.
        outputs: the values that are read after the last line.
    """

    def __init__(self, lines: Sequence[Line], shares: Mapping[Var, Sequence[Any]], outputs: Sequence[Any]) -> None:
        self.owned: list[Storage] = []
        self.storage: dict[Var, Storage] = {}
        self.arrays: dict[Var, Any] = {}  # for what is bound: the array itself
        self._pool: list[Storage] = []
        self._expiring: dict[int, list[Storage]] = defaultdict(list)
        self.roots = _aliases(lines, shares)
        self.last: dict[Var, int] = {}
        for position, line in enumerate(lines):
            for var in line.variables():
                self.last[self.root(var)] = position
        for var in outputs:
            if type(var) is Var:
                self.last[self.root(var)] = len(lines)

    def root(self, var: Var) -> Var:
        """The value whose memory `var` may be a view of."""
        return self.roots.get(var, var)

    def place(self, var: Var, storage: Storage, array: Any) -> None:
        """`var` lies there from now on."""
        self.storage[var], self.arrays[var] = storage, array
        if storage.own and not storage.kept:
            storage.until = max(storage.until, self.last.get(self.root(var), -1))
            self._expiring[storage.until].append(storage)

    def in_place(self, position: int, line: Line) -> Storage | None:
        """The buffer of an operand that nobody reads after this line."""
        for arg in _overwritable(line):
            storage = self.storage.get(arg) if type(arg) is Var else None
            if storage is None or not storage.own or storage.kept or arg in self.roots:
                continue
            if arg.shape == line.target.shape and arg.dtype == line.target.dtype and self.last.get(arg) == position:
                others = [var for var in line.variables() if var is not arg]
                if not any(self.storage.get(var) is storage for var in others if var in self.roots):
                    return storage
        return None

    def buffer(self, target: Var) -> Storage:
        """Free memory of the size of a value."""
        nbytes = target.value.nbytes
        fits = [storage for storage in self._pool if storage.array.nbytes >= nbytes]
        if fits:
            best = min(fits, key=lambda storage: storage.array.nbytes)
            if best.array.nbytes <= 4 * max(nbytes, 1024):
                self._pool.remove(best)
                best.free = False
                return best
        return self.new(aligned(nbytes))

    def new(self, array: Any, *, kept: bool = False) -> Storage:
        """Memory of the plan's own."""
        storage = Storage(array, own=True, kept=kept)
        self.owned.append(storage)
        return storage

    def release(self, position: int) -> None:
        """After a line: what nobody will read is free."""
        for storage in self._expiring.pop(position, ()):
            if storage.until <= position and not storage.free:
                storage.free, storage.until = True, -1
                self._pool.append(storage)


def _overwritable(line: Line) -> tuple[Any, ...]:
    """The operands that the result may be written over."""
    if line.fn is np.where:
        return line.args[2:]
    if line.fn is put:
        return line.args[:1]
    elementwise = line.fn is np.copy or (isinstance(line.fn, np.ufunc) and line.fn.signature is None)
    return line.args if elementwise else ()


def _aliases(lines: Sequence[Line], shares: Mapping[Var, Sequence[Any]]) -> dict[Var, Var]:
    """For each value the one whose memory it may be a view of; one for all that may share their memory."""
    roots: dict[Var, Var] = {}
    for line in lines:
        sources = shares.get(line.target, ())
        if not sources and (line.fn in VIEWS or (line.fn is operator.getitem and basic(line.args[1]))):
            sources = line.args[:1]
        owners = [roots.get(source, source) for source in sources if type(source) is Var]
        for other in owners[1:]:
            if other is not owners[0]:
                roots.update({var: owners[0] for var, held in roots.items() if held is other})
                roots[other] = owners[0]
        if owners:
            roots[line.target] = owners[0]
    return roots


def aligned(nbytes: int) -> Any:
    """Memory that begins where a cache line does."""
    block = np.empty(nbytes + 64, np.uint8)
    start = -block.__array_interface__["data"][0] % 64
    return block[start : start + nbytes]


def shaped(array: Any, target: Var) -> Any:
    """A buffer as an array of the target's shape and dtype."""
    if array.dtype == target.dtype and array.shape == target.shape:
        return array
    return array.reshape(-1).view(np.uint8)[: target.value.nbytes].view(target.dtype).reshape(target.shape)


def lasting(like: Any) -> Any:
    """An array that outlives a call: on a cache line, and no view of an array, so that its holders can be counted."""
    block = bytearray(like.nbytes + 64)
    start = -np.frombuffer(block, np.uint8).__array_interface__["data"][0] % 64
    return np.ndarray(like.shape, like.dtype, block, start)
