"""Memory by liveness: which values may lie in the same buffer, and when a buffer is free again."""

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
    """Memory: an array from outside, or a buffer.

    Attributes:
        array: the array, or the bytes of a buffer.
        own: whether it is a buffer.
        until: the last line that reads a buffer.
        names: of a buffer, what it is called as an array of some shape and dtype.
    """

    __slots__ = ("array", "names", "own", "until")

    def __init__(self, array: Any, *, own: bool = False) -> None:
        self.array, self.own, self.until = array, own, -1
        self.names: dict[Any, str] = {}


class Memory:
    """Where a program's values lie, line by line.

    Args:
        lines: in order.
        shares: for values that were views when the program was recorded, what they look at.
        outputs: the values that are read after the last line.

    Attributes:
        storage: where a value lies; one that a call brings with it lies nowhere here.
        roots: for each value that may be a view, the one whose memory it looks at.
        last: for each root the last line that reads it.
        buffers: all of them.
    """

    def __init__(self, lines: Sequence[Line], shares: Mapping[Var, Sequence[Any]], outputs: Sequence[Any]) -> None:
        self.buffers: list[Storage] = []
        self.storage: dict[Var, Storage] = {}
        self._free: list[Storage] = []
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

    def place(self, var: Var, storage: Storage) -> None:
        """`var` lies there from now on."""
        self.storage[var] = storage
        if storage.own:
            storage.until = max(storage.until, self.last.get(self.root(var), -1))
            self._expiring[storage.until].append(storage)

    def buffer(self, position: int, line: Line) -> Storage:
        """Where the result of a line may lie: over an operand that nobody reads afterwards, or in free memory."""
        for arg in _overwritable(line):
            storage = self.storage.get(arg) if type(arg) is Var else None
            if storage is None or not storage.own or arg in self.roots:
                continue
            if arg.shape == line.target.shape and arg.dtype == line.target.dtype and self.last.get(arg) == position:
                views = [var for var in line.variables() if var is not arg and var in self.roots]
                if not any(self.storage.get(var) is storage for var in views):
                    return storage
        nbytes = line.target.value.nbytes
        fitting = [storage for storage in self._free if nbytes <= storage.array.nbytes <= 4 * max(nbytes, 1024)]
        if fitting:
            best = min(fitting, key=lambda storage: storage.array.nbytes)
            self._free.remove(best)
            return best
        self.buffers.append(Storage(_aligned(nbytes), own=True))
        return self.buffers[-1]

    def release(self, position: int) -> None:
        """After a line: what nobody will read is free."""
        for storage in self._expiring.pop(position, ()):
            if 0 <= storage.until <= position:
                storage.until = -1
                self._free.append(storage)


def _overwritable(line: Line) -> tuple[Any, ...]:
    """The operands that the result may be written over."""
    if line.fn is np.where:
        return line.args[2:]
    if line.fn is put:
        return line.args[:1]
    return line.args if isinstance(line.fn, np.ufunc) and line.fn.signature is None else ()


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


def _aligned(nbytes: int) -> Any:
    """Memory that begins where a cache line does."""
    block = np.empty(nbytes + 64, np.uint8)
    start = -block.__array_interface__["data"][0] % 64
    return block[start : start + nbytes]
