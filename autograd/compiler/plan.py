"""The statements of a program that runs in planned memory."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd.compiler.functions import VIEWS, Check, check, check_form, computes, down_the_rows, form
from autograd.compiler.names import Names
from autograd.compiler.storage import Memory, Storage
from autograd.program.program import Line, Var
from autograd.rules.write import put

_METHODS = {  # by a function and how many arguments it gets, what it comes to for an array
    (np.transpose, 1): "{0}.T",
    (np.reshape, 2): "{0}.reshape({1})",
    (np.expand_dims, 2): "{0}.reshape({shape})",
}
_OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
_OF_ONE_KIND = {
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.greater, np.greater_equal, np.less,
    np.less_equal, np.equal, np.not_equal,
}  # fmt: skip
_REDUCTIONS = {  # whose functions look at their arguments for a few microseconds before they call these
    np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.min: np.minimum, np.any: np.logical_or,
    np.all: np.logical_and,
}  # fmt: skip
_SAME = {np.copy, np.reshape, np.astype, np.broadcast_to, np.positive}  # of what is so already the same values
# Elements. np.maximum of two float32 arrays takes a third of the time that it takes with a number, with a row half.
_ZEROS_UP_TO = 1 << 14


def without_copies(spread: dict[Var, Var], line: Line) -> Line | Var:
    """The value that a line copies, since values never change; else the line, which broadcasts by itself if it can.

    `spread` collects what is broadcast, with that which was: an element-wise call that has another operand of the
    shape of its result does without.
    """
    target, fn, first = line.target, line.fn, line.args[0] if line.args else None
    if type(first) is Var and not line.kwargs and fn in _SAME and _kind(first) == _kind(target):
        return first
    if fn is np.broadcast_to and type(first) is Var:
        spread[target] = first
    if not spread or line.kwargs or not isinstance(fn, np.ufunc) or fn.signature is not None:
        return line
    whole = any(type(arg) is Var and arg.shape == target.shape and arg not in spread for arg in line.args)
    return line.changed(spread) if whole else line


def _is_array(value: Any) -> bool:
    return isinstance(value.value if type(value) is Var else value, np.ndarray)


def _kind(var: Var) -> Any:
    return var.shape, var.dtype


class Plan:
    """The statements of a program, and the memory that they use.

    Nothing outside is changed before the last value is checked that the program depends on, so that
    a replay can give up until then.

    Args:
        lines: of the program.
        shares: the values that are views, with what they look at.
        fixed: the arrays from outside that stay the same objects, by the value they hold at first.
        named: the values that a call brings, by the name of the variable that holds them.
        given: the values that the call gives away: each in memory of its own.
        written: the values that must be in an array from outside afterwards, with that array or its name.
        names: of the objects that the statements use.

    Attributes:
        views: Python source lines that make views of fixed arrays and buffers, once.
        statements: the source lines of a call.
        given: an expression for each value that is given away.
        nbytes: of all buffers; `naive`: of what an allocation for every line would take.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        shares: Mapping[Var, Sequence[Any]],
        fixed: Mapping[Var, Any],
        named: Mapping[Var, str],
        given: Sequence[Any],
        written: Sequence[tuple[Any, Any]],
        names: Names,
    ) -> None:
        self._lines, self._names = lines, names
        self.views: list[str] = []
        self.statements: list[str] = []
        self._texts: dict[Any, str] = dict(named)
        self._constants: dict[Any, str] = {}
        self._memory = memory = Memory(lines, shares, [*given, *(var for var, _ in written)])
        self.naive = 0
        self._homes: dict[int, Storage] = {}
        self._bound: dict[Var, Any] = {}  # what lies in one array at every call, with an array like that
        for var, array in fixed.items():
            memory.place(var, self._homes.setdefault(id(array), Storage(array)))
            self._texts[var], self._bound[var] = names.of(array, var.name or "array"), array
        self._computed = [computes(line) for line in lines]
        self._barrier = max((k for k, line in enumerate(lines) if isinstance(line.fn, Check)), default=-1)
        self._save_generators()
        self._places = self._destinations(written)
        self._given = {var for var in given if type(var) is Var} - self._places.keys()
        self._fresh: set[Any] = set()
        self._guarded: Any = None  # where the last block of statements ends that treats errors alike, and how
        for position, line in enumerate(lines):
            start = len(self.statements)
            self._emit(position, line)
            if line.errors and len(self.statements) > start:
                self._guard_errors(start, line.errors)
            memory.release(position)
        self.given = [self._given_away(var) for var in given]  # before anything outside is written to
        self._put_away([(var, home) for var, home in written if not self._is_there(var, home)], named)
        self.nbytes = sum(storage.array.nbytes for storage in memory.buffers)

    # Where values are computed right where they belong

    def _destinations(self, written: Sequence[tuple[Any, Any]]) -> dict[Var, Storage]:
        """The values that are computed in the arrays that hold them afterwards, after their old values were read."""
        definitions = {line.target: position for position, line in enumerate(self._lines)}
        places: dict[Var, Storage] = {}
        for var, home in written:
            position = definitions.get(var, -1) if type(home) is not str and type(var) is Var else -1
            if position <= self._barrier or position < 0 or var in places or var in self._memory.roots:
                continue
            if not self._computed[position]:
                continue
            line, storage = self._lines[position], self._homes.setdefault(id(home), Storage(home))
            if not (home.flags.c_contiguous or isinstance(line.fn, np.ufunc)):
                continue
            readers = {v for v, s in self._memory.storage.items() if s is storage}
            last = max((self._memory.last.get(v, -1) for v in readers), default=-1)
            if last < position or (last == position and self._over(line, readers)):
                places[var] = storage
        return places

    def _over(self, line: Line, held: set[Var]) -> bool:
        """Whether a line may be computed over values that it reads: element by element, and not through a view."""
        elementwise = isinstance(line.fn, np.ufunc) and line.fn.signature is None
        roots = self._memory.roots
        return elementwise and all(
            var.shape == line.target.shape if var in held else roots.get(var) not in held for var in line.variables()
        )

    # Statements

    def _save_generators(self) -> None:
        """Where a replay may give up after it drew, the draws are taken back."""
        self._give_up = ["    return STALE"]
        drawn = [getattr(line.fn, "generator", None) for line in self._lines[: self._barrier + 1]]
        for generator in {id(generator): generator for generator in drawn if generator is not None}.values():
            name, saved = self._names.of(generator, "generator"), self._names.fresh("s")
            legacy = isinstance(generator, np.random.RandomState)
            self.statements.append(
                f"{saved} = {name}.get_state()" if legacy else f"{saved} = {name}.bit_generator.state"
            )
            back = f"{name}.set_state({saved})" if legacy else f"{name}.bit_generator.state = {saved}"
            self._give_up.insert(0, f"    {back}")

    def _guard_errors(self, start: int, errors: Mapping[str, str]) -> None:
        """NumPy treats errors there as it did when the line was recorded."""
        inner = [f"    {statement}" for statement in self.statements[start:]]
        if self._guarded != (start, errors):
            options = ", ".join(f"{kind}={mode!r}" for kind, mode in errors.items())
            inner.insert(0, f"with {self._names.function(np.errstate)}({options}):")
        self.statements[start:] = inner
        self._guarded = len(self.statements), errors

    def _emit(self, position: int, line: Line) -> None:
        """Write the statements of a line: a check, a view, a call into planned memory, or one that brings its own."""
        fn, target = line.fn, line.target
        if fn is check_form:
            value, expected = line.args
            text = f"{self._names.function(form)}({self._value(value)}) != {self._names.of(expected, 'form')}"
            self.statements += [f"if {text}:", *self._give_up]
        elif fn is check:
            value, expected = line.args
            text = self._value(value)
            equal = f"{text} == {self._value(expected)}"
            test = equal if type(expected) is not bool else text if expected else f"not {text}"
            self.statements += [f"if not ({test}):", *self._give_up]
        elif target in self._memory.roots:
            self._view(line)
        elif self._computed[position] and fn is not np.broadcast_to and target in self._given:
            self._call(line, self._computed_text(line, self._operands(line)))
            self._fresh.add(target)
        elif self._computed[position]:
            self._compute(position, line)
        else:
            self._call(line, self._called(line))

    def _view(self, line: Line) -> None:
        """A view: made once where it looks at an array that is the same at every call, else by each call."""
        source = line.args[0]
        array = self._bound.get(source) if type(source) is Var else None
        by_shapes = line.fn in VIEWS or line.fn is operator.getitem
        if array is not None and by_shapes and not any(var is not source for var in line.variables()):
            view = line.fn(array, *line.args[1:], **line.kwargs)
            if type(view) is np.ndarray and np.may_share_memory(view, array):
                self._memory.place(line.target, self._memory.storage[source])
                self._bound[line.target], self._texts[line.target] = view, self._names.fresh("v")
                self.views.append(f"{self._texts[line.target]} = {self._called(line)}")
                return
        self._call(line, self._called(line))

    def _call(self, line: Line, text: str) -> None:
        """A call that brings its own memory."""
        name = self._texts[line.target] = self._names.fresh("t")
        self.statements.append(f"{name} = {text}")
        if line.target.shape:
            self.naive += line.target.value.nbytes

    def _called(self, line: Line) -> str:
        """Source of a call that brings its own memory, by what takes least: methods, operators, ufuncs."""
        fn, args, target = line.fn, [self._value(arg) for arg in line.args], line.target
        first: Any = line.args[0] if line.args else None
        if fn is operator.getitem:
            return f"{args[0]}[{args[1]}]"
        options = line.kwargs
        if type(first) is Var and first.shape is not None and not options:
            if (fn, len(args)) in _METHODS and line.variables() == [first]:
                return _METHODS[fn, len(args)].format(*args, shape=target.shape)
            if fn is np.mean and len(args) == 1 and first.dtype.char in "fd":
                return f"{self._names.function(np.add.reduce)}({args[0]}, None) / {first.value.size}"
            if fn in _OPERATORS and target.shape == ():
                return f" {_OPERATORS[fn]} ".join(args)
        if fn is np.take_along_axis and len(args) == 2 and type(options.get("axis")) is int and _is_array(first):
            return f"{args[0]}[{', '.join(self._along(first.shape, options['axis'], args[1]))}]"
        if fn in _REDUCTIONS and len(args) == 1 and _is_array(first) and options.keys() <= {"axis", "keepdims"}:
            fn, options = _REDUCTIONS[fn].reduce, {"axis": None, **options}
        return self._by_name(fn, args, options)

    def _by_name(self, fn: Any, args: Sequence[str], options: Mapping[str, Any]) -> str:
        texts = [f"{key}={self._value(value)}" for key, value in options.items()]
        return f"{self._names.function(fn)}({', '.join([*args, *texts])})"

    def _along(self, shape: tuple[int, ...], axis: int, indices: str) -> list[str]:
        """The index by which `np.take_along_axis` takes: that function takes longest to write it down."""
        parts = [self._names.of(places, "c") for places in np.ogrid[tuple([slice(length) for length in shape])]]
        parts[axis] = indices
        return parts

    def _computed_text(self, line: Line, args: Sequence[str], *out: str) -> str:
        """Source of a call that computes its result in an array of that name, or else in new memory."""
        fn = line.fn
        if fn in (np.dot, np.matmul):
            return f"{args[0]}.dot({', '.join([*args[1:], *out])})"
        if fn == np.add.reduce and down_the_rows(line):
            ones = self._constant(1, line.args[0].shape[:1], line.args[0].dtype)
            return f"{ones}.dot({', '.join([args[0], *out])})"
        if not (out or isinstance(fn, np.ufunc)):
            return self._called(line)
        by_position = isinstance(fn, np.ufunc) and fn not in (np.maximum, np.minimum)  # these warn of it
        return self._by_name(fn, [*args, *(out if by_position else [f"out={name}" for name in out])], line.kwargs)

    def _compute(self, position: int, line: Line) -> None:
        """A call that writes into a buffer, or where its result belongs."""
        target, fn, args = line.target, line.fn, self._operands(line)
        self.naive += target.value.nbytes
        storage = self._places.get(target) or self._memory.buffer(position, line)
        self._memory.place(target, storage)
        out = self._texts[target] = self._in_buffer(storage, target)
        if fn is put or fn is np.where:
            old = args[0] if fn is put else args[2]
            if old != out:
                self.statements.append(f"{out}[...] = {old}")
        if fn is put:
            self.statements.append(f"{out}[{args[1]}] = {args[2]}")
        elif fn is np.where:
            self.statements.append(f"{self._names.function(np.copyto)}({out}, {args[1]}, where={args[0]})")
        elif fn in (np.astype, np.copy, np.broadcast_to):
            casting = ", 'unsafe'" if fn is np.astype else ""
            self.statements.append(f"{self._names.function(np.copyto)}({out}, {args[0]}{casting})")
        else:
            self.statements.append(self._computed_text(line, args, out))

    def _in_buffer(self, storage: Storage, target: Var) -> str:
        """The name of an array of the target's shape and dtype in a buffer, or of the array that it belongs in."""
        if not storage.own:
            name = self._names.of(storage.array, "array")
            if name in self._names.objects:  # else each call brings an array by that name
                self._bound[target] = storage.array
            return name
        key = target.shape, target.dtype
        if key not in storage.names:
            array = self._bound[target] = np.ndarray(target.shape or (), target.dtype, storage.array)
            storage.names[key] = self._names.of(array, "b")
        self._bound[target] = self._names.objects[storage.names[key]]
        return storage.names[key]

    def _operands(self, line: Line) -> list[str]:
        """The operands of a call; a number beside an array as one of its kind, where a ufunc is the faster for it."""
        fn, args = line.fn, line.args
        texts = [self._value(arg) for arg in args]
        for k, arg in enumerate(args):
            other = args[1 - k] if len(args) == 2 else None
            if type(arg) in (int, float) and fn in _OF_ONE_KIND and type(other) is Var and other.dtype.kind == "f":
                shape: Any = ()
                if fn in (np.maximum, np.minimum) and line.target.dtype == np.float32:
                    shape = line.target.shape or ()
                    shape = shape if line.target.value.size <= _ZEROS_UP_TO else shape[-1:]
                texts[k] = self._constant(arg, shape, other.dtype)
        return texts

    def _constant(self, number: Any, shape: tuple[int, ...], dtype: Any) -> str:
        """The name of an array that holds a number everywhere."""
        key = repr(number), shape, dtype.char
        if key not in self._constants:
            self._constants[key] = self._names.of(np.full(shape, number, dtype), "c")
        return self._constants[key]

    # After

    def _given_away(self, var: Any) -> str:
        """An array of its own for who gets it."""
        if var in self._fresh if type(var) is Var else False:
            self._fresh.discard(var)
            return self._texts[var]
        text = self._value(var)
        if type(var) is not Var or not isinstance(var.value, np.ndarray):
            return f"{text}.copy()" if isinstance(var, np.ndarray) else text
        name = self._names.fresh("t")
        self.statements.append(f"{name} = {text}.copy()")
        return name

    def _put_away(self, late: Sequence[tuple[Any, Any]], brought: Mapping[Var, str]) -> None:
        """Values where they belong; one in memory from outside is copied first, since that may be written to."""
        homes = [home if type(home) is str else self._names.of(home, "array") for _, home in late]
        texts = [self._value(var) for var, _ in late]
        for k, (var, _) in enumerate(late):
            root = self._memory.root(var) if type(var) is Var else None
            storage = self._memory.storage.get(root) if root is not None else None
            if len(late) > 1 and (root in brought or (storage is not None and not storage.own)):
                name = self._names.fresh("t")
                self.statements.append(f"{name} = {texts[k]}.copy()")
                texts[k] = name
        for text, home in zip(texts, homes, strict=True):
            self.statements.append(f"{home}[...] = {text}")

    def _is_there(self, var: Any, home: Any) -> bool:
        return type(var) is Var and var in self._places and self._places[var] is self._homes.get(id(home))

    def _value(self, value: Any) -> str:
        return self._names.text(value, self._texts)
