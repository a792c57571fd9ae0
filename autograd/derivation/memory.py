"""Where each value of a program lives: buffers planned by liveness, and the statements that fill them."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.derivation.program import Line, Program, Var, impure, variables
from autograd.derivation.trace import check
from autograd.rules.write import put

VIEWS = {
    np.transpose, np.reshape, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.diagonal,
    np.ravel, np.real, np.flip,
}  # fmt: skip
# The shape of what these give depends on values: a replay must find the same.
_SHAPED_BY_VALUES = {np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.compress, np.extract, np.delete, np.repeat}
_OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
_ZEROS_UP_TO = 1 << 16  # elements; np.maximum of two arrays takes a third of the time that a number takes


class Storage:
    """Memory: of a value that comes from outside, or a buffer of the plan's own."""

    __slots__ = ("array", "free", "kept", "last", "own")

    def __init__(self, array: Any, *, own: bool = False, kept: bool = False) -> None:
        self.array, self.own, self.kept = array, own, kept
        self.last = -1
        self.free = False


class Plan:
    """The statements of a program, with the arrays they are bound to.

    Args:
        program: simplified lines.
        fixed: the arrays from outside that stay the same objects, by the value they hold at first.
        named: the values that a call brings, by the name of the variable that holds them.
        kept: the values that must be in an array of their own afterwards, such as gradients.
        written: the values that must be in an array from outside afterwards, with that array.
        returned: the values that the call gives back.

    Attributes:
        statements: Python source lines.
        bound: the objects that they use, by name.
        buffers: the kept values' arrays.
        nbytes: of all buffers, and of what an allocation for every line would take.
    """

    def __init__(
        self,
        program: Program,
        fixed: Mapping[Var, Any],
        named: Mapping[Var, str],
        kept: Sequence[Var],
        written: Sequence[tuple[Var, Any]],
        returned: Sequence[Var],
    ) -> None:
        self.lines = program.lines
        self.statements: list[str] = []
        self.bound: dict[str, Any] = {}
        self._ids: dict[int, str] = {}
        self._texts: dict[Var, str] = {}
        self._arrays: dict[Var, Any] = {}  # for what is bound: the array itself
        self._storage: dict[Var, Storage] = {}
        self._pool: list[Storage] = []
        self._owned: list[Storage] = []
        self._counts: Counter[str] = Counter()
        self.naive = 0
        self._homes: dict[int, Storage] = {}
        for var, array in fixed.items():
            storage = self._homes.setdefault(id(array), Storage(array))
            self._place(var, storage, array, var.name or "a")
        for var, name in named.items():
            self._texts[var] = name
        self._roots = self._aliases()
        self._last = self._last_uses([*kept, *(var for var, _ in written), *returned])
        self._wanted = self._destinations(kept, written)
        for position, line in enumerate(self.lines):
            self._emit(position, line)
            self._release(position)
        self.kept = [self._in_array_of_its_own(var) for var in kept]
        self._write_back(written)
        self.results = [self._text(var) if var.shape == () else f"{self._text(var)}.copy()" for var in returned]
        self.nbytes = sum(storage.array.nbytes for storage in self._owned)

    # Before: what looks at what, and for how long

    def _aliases(self) -> dict[Var, Var]:
        """For each value the one whose memory it may be a view of."""
        roots: dict[Var, Var] = {}
        for line in self.lines:
            first = line.args[0] if line.args else None
            if type(first) is Var and (line.fn in VIEWS or (line.fn is operator.getitem and _basic(line.args[1]))):
                roots[line.target] = roots.get(first, first)
            elif line.fn in (put, np.copy) and type(first) is Var:
                continue
        return roots

    def _root(self, var: Var) -> Var:
        return self._roots.get(var, var)

    def _last_uses(self, outputs: Sequence[Var]) -> dict[Var, int]:
        last = {}
        for position, line in enumerate(self.lines):
            for var in line.variables():
                last[self._root(var)] = position
        for var in outputs:
            if type(var) is Var:
                last[self._root(var)] = len(self.lines)
        return last

    def _destinations(self, kept: Sequence[Var], written: Sequence[tuple[Var, Any]]) -> dict[Var, Storage]:
        """The values that can be computed right where they belong."""
        made = {line.target: (position, line) for position, line in enumerate(self.lines)}
        wanted: dict[Var, Storage] = {}
        for var in kept:
            source = self._copied(var, made)
            if source in made and source not in wanted and _computes(made[source][1]):
                array = _shaped(_aligned(source.value.nbytes), source)
                wanted[source] = storage = Storage(array, own=True, kept=True)
                self._owned.append(storage)
        for var, home in written:
            if var not in made or var in wanted or not _computes(made[var][1]):
                continue
            position, line = made[var]
            storage = self._homes.get(id(home)) or Storage(home)
            readers = [v for v, s in self._storage.items() if s is storage]
            last = max((self._last.get(v, -1) for v in readers), default=-1)
            elementwise = isinstance(line.fn, np.ufunc) and line.fn.signature is None
            if last < position or (last == position and elementwise and not self._looked_at(line, storage)):
                wanted[var] = storage
        return wanted

    def _looked_at(self, line: Line, storage: Storage) -> bool:
        """Whether a line reads a memory through a view, whose elements lie otherwise."""
        return any(var in self._roots and self._storage.get(self._root(var)) is storage for var in line.variables())

    def _copied(self, var: Var, made: Mapping[Var, tuple[int, Line]]) -> Var:
        """What `var` is a copy of, if nobody else needs the original to change."""
        while var in made and made[var][1].fn is np.copy:
            source = made[var][1].args[0]
            if type(source) is not Var or source in self._roots or source not in made:
                break
            var = source
        return var

    # Statements

    def _emit(self, position: int, line: Line) -> None:
        fn, target = line.fn, line.target
        if fn is check:
            value, expected = line.args
            test = self._text(value) if expected is True else f"not {self._text(value)}"
            if not isinstance(expected, bool):
                test = f"{self._text(value)} == {expected!r}"
            self.statements += [f"if not ({test}):", "    return STALE"]
        elif target in self._roots:
            self._view(line)
        elif fn is np.copy and self._wanted.get(line.args[0], None) is not None and self._wanted[line.args[0]].kept:
            source = line.args[0]
            self._place(target, self._wanted[source], self._arrays[source], "g")
        elif _computes(line):
            self._compute(position, line)
        else:
            self._call(line)

    def _view(self, line: Line) -> None:
        source = line.args[0]
        array = self._arrays.get(source)
        if array is not None and not any(var is not source for var in line.variables()):
            made = line.fn(array, *line.args[1:], **line.kwargs)
            if isinstance(made, np.ndarray) and np.may_share_memory(made, array):
                self._place(line.target, self._storage[source], made, "v")
                return
        self._call(line)

    def _call(self, line: Line) -> None:
        """A call that brings its own memory."""
        name = self._fresh("t")
        self.statements.append(f"{name} = {self._called(line)}")
        self._texts[line.target] = name
        if line.target.shape is None or not line.target.shape:
            return
        by_values = line.fn in _SHAPED_BY_VALUES or (line.fn is operator.getitem and not _basic(line.args[1]))
        if by_values:
            self.statements += [f"if {name}.shape != {line.target.shape}:", "    return STALE"]
        self.naive += line.target.value.nbytes

    def _called(self, line: Line) -> str:
        args = [self._value(arg) for arg in line.args]
        first = line.args[0] if args else None
        if line.fn is operator.getitem:
            return f"{args[0]}[{args[1]}]"
        if not line.kwargs and type(first) is Var and first.shape is not None:
            if line.fn is np.transpose and len(args) == 1:
                return f"{args[0]}.T"
            if line.fn is np.reshape and len(args) == 2:
                return f"{args[0]}.reshape({args[1]})"
            if line.fn in (np.sum, np.mean) and len(args) == 1:
                total = f"{self._function(np.add.reduce)}({args[0]}, None)"
                return total if line.fn is np.sum else f"{total} / {first.value.size}"
            if line.fn in _OPERATORS and line.target.shape == ():
                return f" {_OPERATORS[line.fn]} ".join(args)
        args += [f"{key}={self._value(value)}" for key, value in line.kwargs.items()]
        return f"{self._function(line.fn)}({', '.join(args)})"

    def _compute(self, position: int, line: Line) -> None:
        """A call that writes into a buffer."""
        target = line.target
        self.naive += target.value.nbytes
        fn, args = line.fn, line.args
        storage = self._wanted.get(target)
        if storage is None:
            storage = self._in_place(position, line) or self._buffer(target)
        array = _shaped(storage.array, target)
        old = [self._value(arg) for arg in args]
        self._place(target, storage, array, "b")
        out = self._text(target)
        if fn is put:
            if old[0] != out:
                self.statements.append(f"{out}[...] = {old[0]}")
            self.statements.append(f"{out}[{old[1]}] = {old[2]}")
        elif fn is np.where:
            self.statements.append(f"{self._function(np.copyto)}({out}, {old[2]})")
            self.statements.append(f"{self._function(np.copyto)}({out}, {old[1]}, where={old[0]})")
        elif fn in (np.astype, np.copy, np.broadcast_to):
            casting = ", 'unsafe'" if fn is np.astype else ""
            self.statements.append(f"{self._function(np.copyto)}({out}, {old[0]}{casting})")
        elif fn in (np.dot, np.matmul):
            self.statements.append(f"{old[0]}.dot({old[1]}, {out})")
        elif fn == np.add.reduce and _down_the_rows(line):
            ones = self._bind(np.ones(args[0].shape[0], args[0].dtype), "ones")
            self.statements.append(f"{ones}.dot({old[0]}, {out})")
        elif getattr(fn, "__name__", "") == "reduce":
            options = [f"{key}={self._value(value)}" for key, value in line.kwargs.items()]
            self.statements.append(f"{self._function(fn)}({', '.join([*old, *options, f'out={out}'])})")
        else:
            self._ufunc(line, old, out)

    def _ufunc(self, line: Line, old: list[str], out: str) -> None:
        fn, args = line.fn, list(line.args)
        for k, arg in enumerate(args):
            other = args[1 - k] if len(args) == 2 else None
            if (
                isinstance(arg, (int, float))
                and not isinstance(arg, bool)
                and type(other) is Var
                and other.dtype.kind == "f"
            ):
                if (
                    fn in (np.maximum, np.minimum)
                    and line.target.dtype == np.float32
                    and line.target.value.size <= _ZEROS_UP_TO
                ):
                    old[k] = self._bind(np.full(line.target.shape, arg, other.dtype), "c")
                else:
                    old[k] = self._bind(np.asarray(arg, other.dtype), "c")
        keep = f"out={out}" if fn in (np.maximum, np.minimum) else out
        options = [f"{key}={self._value(value)}" for key, value in line.kwargs.items()]
        self.statements.append(f"{self._function(fn)}({', '.join([*old, keep, *options])})")

    # Memory

    def _in_place(self, position: int, line: Line) -> Storage | None:
        """The buffer of an operand that nobody reads after this line."""
        elementwise = line.fn in (put, np.copy) or (isinstance(line.fn, np.ufunc) and line.fn.signature is None)
        if line.fn is np.where:
            candidates = line.args[2:]
        elif line.fn is put:
            candidates = line.args[:1]
        else:
            candidates = line.args if elementwise else ()
        for arg in candidates:
            storage = self._storage.get(arg) if type(arg) is Var else None
            if storage is None or not storage.own or storage.kept or arg in self._roots:
                continue
            if arg.shape == line.target.shape and arg.dtype == line.target.dtype and self._last.get(arg) == position:
                others = [var for var in line.variables() if var is not arg]
                if not any(self._storage.get(var) is storage for var in others if var in self._roots):
                    return storage
        return None

    def _buffer(self, target: Var) -> Storage:
        nbytes = target.value.nbytes
        fits = [storage for storage in self._pool if storage.array.nbytes >= nbytes]
        if fits:
            best = min(fits, key=lambda storage: storage.array.nbytes)
            if best.array.nbytes <= 4 * max(nbytes, 1024):
                self._pool.remove(best)
                best.free = False
                return best
        storage = Storage(_aligned(nbytes), own=True)
        self._owned.append(storage)
        return storage

    def _release(self, position: int) -> None:
        for var, storage in list(self._storage.items()):
            if not storage.own or storage.kept or storage.free:
                continue
            if all(self._last.get(self._root(v), -1) <= position for v in self._holders(storage)):
                storage.free = True
                self._pool.append(storage)

    def _holders(self, storage: Storage) -> list[Var]:
        return [var for var, held in self._storage.items() if held is storage and not held.free]

    # After

    def _in_array_of_its_own(self, var: Any) -> str:
        """The text of a kept value's array; a copy where it lies elsewhere."""
        storage = self._storage.get(var) if type(var) is Var else None
        if storage is not None and storage.kept:
            return self._text(var)
        like = var.value if type(var) is Var else var
        array = np.empty(np.shape(like), like.dtype)
        self._owned.append(Storage(array, own=True, kept=True))
        name = self._bind(array, "g")
        self.statements.append(f"{name}[...] = {self._value(var)}")
        return name

    def _write_back(self, written: Sequence[tuple[Var, Any]]) -> None:
        late = [
            (var, home)
            for var, home in written
            if self._wanted.get(var) is not self._homes.get(id(home)) or var not in self._wanted
        ]
        taken = {id(home) for _, home in written}
        texts = []
        for var, _ in late:
            storage = self._storage.get(var) if type(var) is Var else None
            text = self._value(var)
            if storage is not None and not storage.own and id(storage.array) in taken and len(late) > 1:
                name = self._fresh("t")
                self.statements.append(f"{name} = {text}.copy()")
                text = name
            texts.append(text)
        for text, (_, home) in zip(texts, late, strict=True):
            self.statements.append(f"{self._bind(home, 'a')}[...] = {text}")

    # Names

    def _place(self, var: Var, storage: Storage, array: Any, stem: str) -> None:
        self._storage[var], self._arrays[var] = storage, array
        self._texts[var] = self._bind(array, stem)

    def _bind(self, thing: Any, stem: str) -> str:
        """The name of an object that the statements use."""
        if isinstance(thing, np.ndarray):  # one name for one place in memory, not for one object
            key: Any = (thing.__array_interface__["data"][0], thing.shape, thing.strides, thing.dtype.str)
        else:
            key = id(thing)
        name = self._ids.get(key)
        if name is None:
            stem = stem if stem.isidentifier() else "a"
            name = self._fresh(stem) if len(stem) == 1 or stem in self.bound else stem
            self._ids[key] = name
            self.bound[name] = thing
        return name

    def _function(self, fn: Any) -> str:
        owner = getattr(fn, "__self__", None)
        stem = f"{owner.__name__}_{fn.__name__}" if isinstance(owner, np.ufunc) else getattr(fn, "__name__", "call")
        for name, thing in self.bound.items():
            if thing == fn if callable(thing) and not isinstance(thing, np.ndarray) else False:
                return name
        stem = stem if stem.isidentifier() and stem != "<lambda>" else "call"
        name = stem if stem not in self.bound else self._fresh(stem)
        self.bound[name] = fn
        return name

    def _fresh(self, stem: str) -> str:
        while True:
            name = f"{stem}{self._counts[stem]}"
            self._counts[stem] += 1
            if name not in self.bound:
                return name

    def _text(self, var: Any) -> str:
        return self._texts[var]

    def _value(self, value: Any) -> str:
        if type(value) is Var:
            return self._texts[value]
        if isinstance(value, (tuple, list)) and any(True for _ in variables(value)):
            inner = ", ".join(self._value(part) for part in value)
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, slice) and any(True for _ in variables(value)):
            return f"slice({', '.join(self._value(part) for part in (value.start, value.stop, value.step))})"
        if value is None or value is Ellipsis or type(value) in (int, bool, str):
            return "..." if value is Ellipsis else repr(value)
        if type(value) is float and np.isfinite(value):
            return repr(value)
        if type(value) is tuple and all(type(part) in (int, bool, type(None)) for part in value):
            return repr(value)
        return self._bind(value, "c")


def _computes(line: Line) -> bool:
    """Whether a line can write its result into an array that it is given."""
    target, fn = line.target, line.fn
    if impure(fn) or not target.shape or np.dtype(target.dtype).kind not in "fiub":
        return False
    if fn in (put, np.copy, np.where, np.astype, np.broadcast_to):
        return type(line.args[0]) is Var or fn is np.where
    if isinstance(fn, np.ufunc):
        if fn in (np.matmul,):
            return _matrices(line)
        return fn.nout == 1 and fn.signature is None and "where" not in line.kwargs
    if fn is np.dot:
        return _matrices(line)
    return getattr(fn, "__name__", "") == "reduce" and isinstance(getattr(fn, "__self__", None), np.ufunc)


def _matrices(line: Line) -> bool:
    """Whether this is a product that BLAS computes, into an array of the right kind."""
    kinds = [(len(np.shape(_like(arg))), _like(arg).dtype) for arg in line.args if hasattr(_like(arg), "dtype")]
    return (
        len(kinds) == 2
        and not line.kwargs
        and all(rank in (1, 2) and dtype == line.target.dtype and dtype.char in "fd" for rank, dtype in kinds)
    )


def _down_the_rows(line: Line) -> bool:
    x = line.args[0]
    options = {**dict(zip(("axis", "dtype"), line.args[1:], strict=False)), **line.kwargs}
    return (
        type(x) is Var and len(x.shape or ()) == 2 and np.dtype(x.dtype).char in "fd"
        and options in ({"axis": 0}, {"axis": (0,)}, {"axis": 0, "dtype": None})
    )  # fmt: skip


def _like(value: Any) -> Any:
    return value.value if type(value) is Var else value


def _basic(index: Any) -> bool:
    """Whether an index gives a view."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)) for part in parts
    ) and not any(True for _ in variables(index))


def _aligned(nbytes: int) -> Any:
    """Memory that begins where a cache line does."""
    block = np.empty(nbytes + 64, np.uint8)
    start = -block.__array_interface__["data"][0] % 64
    return block[start : start + nbytes]


def _shaped(array: Any, target: Var) -> Any:
    """A buffer as an array of the target's shape and dtype."""
    if array.dtype == target.dtype and array.shape == target.shape:
        return array
    return array.reshape(-1).view(np.uint8)[: target.value.nbytes].view(target.dtype).reshape(target.shape)
