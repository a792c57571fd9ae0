"""The statements of a program that runs in planned memory."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.compiler.binding import Binding
from autograd.compiler.functions import VIEWS, Check, check, check_form, computes, down_the_rows, form
from autograd.compiler.storage import Memory, Storage, lasting, shaped
from autograd.program.program import Line, Program, Var
from autograd.rules.write import put

_OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
_OF_ONE_KIND = {
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.greater, np.greater_equal, np.less,
    np.less_equal, np.equal, np.not_equal,
}  # fmt: skip
# Elements. np.maximum of two float32 arrays takes a third of the time that it takes with a number, with a row half.
_ZEROS_UP_TO = 1 << 14


class Plan:
    """The statements of a program, with the arrays they are bound to.

    Nothing outside is changed before the last value is checked that the program depends on, so that
    a replay can give up until then.

    Args:
        program: simplified lines.
        shares: the values that are views, with what they look at.
        fixed: the arrays from outside that stay the same objects, by the value they hold at first.
        named: the values that a call brings, by the name of the variable that holds them.
        kept: the values that must be in an array of their own afterwards, each with the value
            that is in that array beforehand, if any is read; gradients.
        written: the values that must be in an array from outside afterwards, with that array or its name.
        returned: the values that the call gives away.
        binding: names for the objects that the statements use.

    Attributes:
        statements: Python source lines.
        kept: the arrays of the kept values.
        results: an expression for each returned value.
        nbytes: of all buffers; `naive`: of what an allocation for every line would take.
    """

    def __init__(
        self,
        program: Program,
        shares: Mapping[Var, Sequence[Any]],
        fixed: Mapping[Var, Any],
        named: Mapping[Var, str],
        kept: Sequence[tuple[Any, Var | None]],
        written: Sequence[tuple[Any, Any]],
        returned: Sequence[Any],
        binding: Binding,
    ) -> None:
        outputs = [*(var for var, _ in kept), *(var for var, _ in written), *returned]
        self.lines, self.binding = _products_late(program.lines, outputs), binding
        self.statements: list[str] = []
        self._texts: dict[Any, str] = {}
        self._memory = memory = Memory(self.lines, shares, outputs)
        self.naive = 0
        self._homes: dict[int, Storage] = {}
        for var, array in fixed.items():
            self._place(var, self._homes.setdefault(id(array), Storage(array)), array, var.name or "array")
        for var, name in named.items():
            self._texts[var] = name
        self._barrier = max((k for k, line in enumerate(self.lines) if isinstance(line.fn, Check)), default=-1)
        self._save_generators()
        self._wanted = self._destinations(kept, written)
        self._where = ""
        self._guarded: Any = None  # where the last block of statements ends that treats errors alike, and how
        for position, line in enumerate(self.lines):
            self._emit_guarded(position, line)
            memory.release(position)
        self._where = "afterwards"
        self.results = [self._given_away(var) for var in returned]  # before anything outside is written to
        self._put_away([var for var, _ in kept], written, named)
        self.nbytes = sum(storage.array.nbytes for storage in memory.owned)

    # Where values are computed right where they belong

    def _destinations(
        self, kept: Sequence[tuple[Any, Var | None]], written: Sequence[tuple[Any, Any]]
    ) -> dict[Var, Storage]:
        definitions = {line.target: (position, line) for position, line in enumerate(self.lines)}
        wanted: dict[Var, Storage] = {}
        for var, before in kept:
            source = self._copied(var, definitions)
            if source not in definitions or source in wanted or not computes(definitions[source][1]):
                continue
            position, line = definitions[source]
            last = self._memory.last.get(before, -1) if before is not None else -1
            if position > self._barrier and (last < position or (last == position and self._over(line, before))):
                wanted[source] = self._memory.new(lasting(source.value), kept=True)
        for var, home in written:
            if type(home) is str or var not in definitions or var in wanted or not computes(definitions[var][1]):
                continue
            position, line = definitions[var]
            storage = self._homes.get(id(home)) or Storage(home)
            if not (home.flags.c_contiguous or isinstance(line.fn, np.ufunc)):
                continue
            readers = [v for v, s in self._memory.storage.items() if s is storage and v not in self._memory.roots]
            last = max((self._memory.last.get(v, -1) for v in readers), default=-1)
            if position > self._barrier and (last < position or (last == position and self._over(line, *readers))):
                wanted[var] = storage
        return wanted

    def _over(self, line: Line, *held: Any) -> bool:
        """Whether a line may be computed over values that it reads: element by element, and not through a view."""
        elementwise = isinstance(line.fn, np.ufunc) and line.fn.signature is None
        roots = self._memory.roots
        return elementwise and all(
            var.shape == line.target.shape if var in held else roots.get(var) not in held for var in line.variables()
        )

    def _copied(self, var: Any, definitions: Mapping[Var, tuple[int, Line]]) -> Any:
        """What `var` is a copy of, if nobody else needs the original to change."""
        while var in definitions and definitions[var][1].fn is np.copy:
            source = definitions[var][1].args[0]
            if type(source) is not Var or source in self._memory.roots or source not in definitions:
                break
            var = source
        return var

    # Statements

    def _write(self, statement: str) -> None:
        self.statements.append(statement)

    def _save_generators(self) -> None:
        """Where a replay may give up after it drew, the draws are taken back."""
        self._give_up = ["    return STALE"]
        drawn = [getattr(line.fn, "generator", None) for line in self.lines[: self._barrier + 1]]
        for generator in {id(generator): generator for generator in drawn if generator is not None}.values():
            name, saved = self.binding.name(generator, "generator"), self.binding.fresh("s")
            legacy = isinstance(generator, np.random.RandomState)
            self._write(f"{saved} = {name}.get_state()" if legacy else f"{saved} = {name}.bit_generator.state")
            back = f"{name}.set_state({saved})" if legacy else f"{name}.bit_generator.state = {saved}"
            self._give_up.insert(0, f"    {back}")

    def _emit_guarded(self, position: int, line: Line) -> None:
        """A line's statements, where NumPy treats errors as it did when they were recorded."""
        start = len(self.statements)
        self._emit(position, line)
        if line.errors and len(self.statements) > start:
            options = ", ".join(f"{kind}={mode!r}" for kind, mode in line.errors.items())
            inner = [f"    {statement}" for statement in self.statements[start:]]
            if self._guarded != (start, line.errors):
                inner.insert(0, f"with {self.binding.function(np.errstate)}({options}):")
            self.statements[start:] = inner
            self._guarded = len(self.statements), line.errors

    def _emit(self, position: int, line: Line) -> None:
        fn, target = line.fn, line.target
        if line.where and line.where != self._where:
            self._where = line.where
            self._write(f"# {line.where}")
        if fn is check_form:
            value, expected = line.args
            text = f"{self.binding.function(form)}({self._text(value)}) != {self.binding.name(expected, 'form')}"
            self.statements += [f"if {text}:", *self._give_up]
        elif fn is check:
            value, expected = line.args
            text = self._value(value)
            equal = f"{text} == {self._value(expected)}"
            test = equal if type(expected) is not bool else text if expected else f"not {text}"
            self.statements += [f"if not ({test}):", *self._give_up]
        elif target in self._memory.roots:
            self._view(line)
        elif fn is np.copy and self._is_kept(line.args[0]):
            self._place(target, self._wanted[line.args[0]], self._memory.arrays[line.args[0]], "g")
        elif computes(line):
            self._compute(position, line)
        else:
            self._call(line)

    def _is_kept(self, value: Any) -> bool:
        """Whether a value is computed right in a gradient's array."""
        storage = self._wanted.get(value) if type(value) is Var else None
        return storage is not None and storage.kept

    def _view(self, line: Line) -> None:
        source = line.args[0]
        array = self._memory.arrays.get(source)
        by_shapes = line.fn in VIEWS or line.fn is operator.getitem
        if array is not None and by_shapes and not any(var is not source for var in line.variables()):
            view = line.fn(array, *line.args[1:], **line.kwargs)
            if type(view) is np.ndarray and np.may_share_memory(view, array):
                self._place(line.target, self._memory.storage[source], view, "v")
                return
        self._call(line)

    def _call(self, line: Line) -> None:
        """A call that brings its own memory."""
        name = self.binding.fresh("t")
        self._write(f"{name} = {self._called(line)}")
        self._texts[line.target] = name
        if not line.target.shape:
            return
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
            if line.fn in (np.sum, np.mean) and len(args) == 1 and np.dtype(first.dtype).char in "fd":
                total = f"{self.binding.function(np.add.reduce)}({args[0]}, None)"
                return total if line.fn is np.sum else f"{total} / {first.value.size}"
            if line.fn in _OPERATORS and line.target.shape == ():
                return f" {_OPERATORS[line.fn]} ".join(args)
        args += [f"{key}={self._value(value)}" for key, value in line.kwargs.items()]
        return f"{self.binding.function(line.fn)}({', '.join(args)})"

    def _compute(self, position: int, line: Line) -> None:
        """A call that writes into a buffer."""
        target = line.target
        self.naive += target.value.nbytes
        fn, args = line.fn, line.args
        storage = self._wanted.get(target)
        if storage is None:
            storage = self._memory.in_place(position, line) or self._memory.buffer(target)
        old = [self._value(arg) for arg in args]
        self._place(target, storage, shaped(storage.array, target), "g" if storage.kept else "b")
        out = self._text(target)
        if fn is put:
            if old[0] != out:
                self._write(f"{out}[...] = {old[0]}")
            self._write(f"{out}[{old[1]}] = {old[2]}")
        elif fn is np.where:
            if old[2] != out:
                self._write(f"{self.binding.function(np.copyto)}({out}, {old[2]})")
            self._write(f"{self.binding.function(np.copyto)}({out}, {old[1]}, where={old[0]})")
        elif fn in (np.astype, np.copy, np.broadcast_to):
            casting = ", 'unsafe'" if fn is np.astype else ""
            self._write(f"{self.binding.function(np.copyto)}({out}, {old[0]}{casting})")
        elif fn in (np.dot, np.matmul):
            self._write(f"{old[0]}.dot({old[1]}, {out})")
        elif fn == np.add.reduce and down_the_rows(line):
            ones = self._constant(np.ones(args[0].shape[0], args[0].dtype))
            self._write(f"{ones}.dot({old[0]}, {out})")
        elif isinstance(fn, np.ufunc):
            self._ufunc(line, old, out)
        else:
            options = [f"{key}={self._value(value)}" for key, value in line.kwargs.items()]
            self._write(f"{self.binding.function(fn)}({', '.join([*old, *options, f'out={out}'])})")

    def _ufunc(self, line: Line, old: list[str], out: str) -> None:
        fn, args = line.fn, line.args
        for k, arg in enumerate(args):
            other = args[1 - k] if len(args) == 2 else None
            if (
                type(arg) in (int, float)
                and fn in _OF_ONE_KIND
                and type(other) is Var
                and np.dtype(other.dtype).kind == "f"
            ):
                if fn in (np.maximum, np.minimum) and line.target.dtype == np.float32:
                    shape = line.target.shape or ()
                    constant: Any = np.full(shape if line.target.value.size <= _ZEROS_UP_TO else shape[-1:], arg, "f")
                else:
                    constant = np.asarray(arg, other.dtype)
                old[k] = self._constant(constant)
        keep = f"out={out}" if fn in (np.maximum, np.minimum) else out
        options = [f"{key}={self._value(value)}" for key, value in line.kwargs.items()]
        self._write(f"{self.binding.function(fn)}({', '.join([*old, keep, *options])})")

    # After

    def _put_away(self, kept: Sequence[Any], written: Sequence[tuple[Any, Any]], brought: Mapping[Var, str]) -> None:
        """Values where they belong; one in memory from outside is copied first, since that may be written to."""
        self.kept, late = [], []
        for var in kept:
            storage = self._memory.storage.get(var) if type(var) is Var else None
            there = storage is not None and storage.kept and self._memory.arrays[var] is storage.array
            if storage is None or not there:
                storage = self._memory.new(lasting(var.value if type(var) is Var else np.asarray(var)), kept=True)
                late.append((var, self.binding.name(storage.array, "g")))
            self.kept.append(storage.array)
        for var, home in written:
            if not self._is_there(var, home):
                late.append((var, home if type(home) is str else self.binding.name(home, "array")))
        texts = [self._value(var) for var, _ in late]
        for k, (var, _) in enumerate(late):
            root = self._memory.root(var) if type(var) is Var else None
            storage = self._memory.storage.get(root) if root is not None else None
            if len(late) > 1 and (root in brought or (storage is not None and not storage.own)):
                name = self.binding.fresh("t")
                self._write(f"{name} = {texts[k]}.copy()")
                texts[k] = name
        for text, (_, home) in zip(texts, late, strict=True):
            self._write(f"{home}[...] = {text}")

    def _is_there(self, var: Any, home: Any) -> bool:
        if type(home) is str or type(var) is not Var:
            return False
        return var in self._wanted and self._wanted[var] is self._homes.get(id(home))

    def _given_away(self, var: Any) -> str:
        text = self._value(var)
        if type(var) is not Var or not isinstance(var.value, np.ndarray):
            return text
        storage = self._memory.storage.get(self._memory.root(var))
        if storage is not None and storage.own and not storage.kept:
            return f"{text}.copy()"
        name = self.binding.fresh("t")
        self._write(f"{name} = {text}.copy()")
        return name

    # Names

    def _place(self, var: Var, storage: Storage, array: Any, stem: str) -> None:
        self._memory.place(var, storage, array)
        self._texts[var] = self.binding.name(array, stem)

    def _constant(self, array: Any) -> str:
        key = array.tobytes()[:8], array.dtype.str, array.shape
        if key not in self._texts:
            self._texts[key] = self.binding.name(array, "c")
        return self._texts[key]

    def _text(self, var: Any) -> str:
        return self._texts[var]

    def _value(self, value: Any) -> str:
        return self.binding.value(value, self._texts)


def _products_late(lines: list[Line], outputs: Sequence[Any]) -> list[Line]:
    """Products right before they are used: what the lines between read last is free then, for the product to lie in.

    So the gradient of a layer's output lies where the output was.
    """
    staying = {var for var in outputs if type(var) is Var}
    late: list[Line] = []  # the last line first
    for line in reversed(lines):
        place = len(late)
        if line.fn is np.dot and line.target not in staying:
            while (
                place and not isinstance(late[place - 1].fn, Check) and line.target not in late[place - 1].variables()
            ):
                place -= 1
            if not place or isinstance(late[place - 1].fn, Check) or late[place - 1].fn is np.copy:  # a gradient
                place = len(late)
        late.insert(place, line)
    return late[::-1]
