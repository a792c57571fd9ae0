"""The author's own function, run on arrays that write down every call with the place in the source that made it.

A recording is a straight-line program, as every trace is, of all that the function did: where it writes in place, the
array stands for a new value from then on, and so does all that looks at the same memory. Nothing is refused. What
leaves the recording, as by `float(x)`, is noted with its place: there the trace may be lost.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from autograd.basis.frames import user_frame
from autograd.compiler.functions import WRITERS, changed, where_true, writes
from autograd.compiler.tracing import positions
from autograd.program.program import Line, Var
from autograd.program.trace import Trace, Traced, plain
from autograd.rules.write import put

Array = np.ndarray[Any, np.dtype[Any]]
_SHORT = 12
_COMPREHENSIONS = ("<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>")  # functions of their own before Python 3.12
_JOINING = {
    np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack, np.block, np.einsum, np.split,
    np.linalg.multi_dot, np.meshgrid, np.broadcast_arrays, np.ix_,
}  # fmt: skip


class Spot(NamedTuple):
    """Where a call was made: an instruction of a function that runs."""

    frame: FrameType
    instruction: int

    @property
    def expression(self) -> tuple[CodeType, int]:
        """What is one in all calls of the function, and in all turns of a loop."""
        return self.frame.f_code, self.instruction

    @property
    def position(self) -> tuple[int, int, int, int]:
        """The first and the last line, and the first and the last column, in bytes, of the expression."""
        code = self.frame.f_code
        return _positions(code, code.co_linetable)[self.instruction // 2]


@lru_cache(maxsize=1024)
def _positions(code: CodeType, table: bytes) -> list[tuple[int, int, int, int]]:
    """Of each instruction, where its expression stands."""
    line = code.co_firstlineno
    return [
        (first or line, last or first or line, start or 0, end or 0) for first, last, start, end in code.co_positions()
    ]


class Leaving(NamedTuple):
    """A value that left the recording: what it was, how it left, and where."""

    var: Var
    how: str
    spot: Spot


class Recording(Trace):
    """What a function asked NumPy to do.

    Attributes:
        spots: by value, where it was made; inputs have none.
        moves: the values that are only another look at memory that was written to.
        left: what left the recording.
        named: what functions were given: how that was spelled, how many values there were by then, and in which call.
        scopes: by value, what stood in the variables of its function at that moment.
        born: the arrays that NumPy made of nothing, as zeros: where, and how many values were there by then.
        plain: the arrays that came from elsewhere, as from a generator of random numbers, by their identity.
        end: where the last function of the author's gave something back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spots: dict[Var, Spot] = {}
        self.named: list[tuple[str, Var, int, FrameType]] = []
        self.scopes: dict[Var, dict[str, Any]] = {}
        self.born: list[tuple[Var, Spot, int]] = []
        self.moves: set[Var] = set()
        self.left: list[Leaving] = []
        self.end: Spot | None = None
        self.plain: dict[int, tuple[Array, Var]] = {}
        self._memory: dict[int, tuple[Any, list[Any]]] = {}  # by identity of its owner, what looks at it

    def input(self, value: Any, name: str | None = None) -> Traced:
        """A copy of `value`, from outside."""
        traced = super().input(np.array(value) if isinstance(value, np.ndarray) else value, name)
        traced.symbol.value = np.array(value) if isinstance(value, np.ndarray) else value
        self._look_at(traced)
        return traced

    # Calls

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Compute `fn(*args, **kwargs)` and record it."""
        if fn in WRITERS or getattr(fn, "__name__", "") == "at" or writes(fn, args, kwargs):
            return self._write_by(fn, args, kwargs)
        if fn not in _JOINING and fn is not operator.getitem:  # an index is no array
            args = tuple(self.joined(arg) for arg in args)
        return super().call(fn, args, kwargs)

    def emit(self, line: Line, args: tuple[Any, ...]) -> Any:
        """The result of a line, which is written down with its place."""
        result = line.target.value
        if isinstance(result, (tuple, list)):  # as of np.unravel_index: each part has a line of its own
            lines = [Line(Var(part), nth, (line.fn, k, *line.args), line.kwargs) for k, part in enumerate(result)]
            parts = [self.emit(part, args) for part in lines]
            return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
        if result is None or isinstance(result, (str, bytes)):
            return result
        self._note(line)
        traced = Traced(self, line.target, result)
        if isinstance(result, np.ndarray):
            line.target.value = result.copy()
            self._look_at(traced)
        return traced

    def _note(self, line: Line) -> Var:
        self.lines.append(line)
        frame = user_frame()
        self.spots[line.target] = Spot(frame, frame.f_lasti)
        self.scopes[line.target] = scope_of(frame)
        return line.target

    def symbol(self, value: Any) -> Any:
        """An argument as lines hold it; a plain array is an input, with what it holds now."""
        if type(value) is np.ndarray and value.dtype.kind in "fiub":
            known = self.plain.get(id(value))
            if known is None or not np.array_equal(known[0], value) or not np.array_equal(known[1].value, value):
                var = super().input(value).symbol
                var.value = np.array(value)
                known = self.plain[id(value)] = value, var
            return known[1]
        if type(value) is Traced and value.recorder is not self:
            return value.value
        return super().symbol(value)

    def joined(self, value: Any) -> Any:
        """A list of what is traced as one array; others as they are."""
        if type(value) not in (list, tuple) or not _holds_traced(value):
            return value
        parts = [self.joined(part) for part in value]
        return self.call(np.stack, (parts,), {})

    def leaves(self, traced: Traced, how: str) -> Any:
        """The array that is taken out of the recording."""
        frame = user_frame()
        self.left.append(Leaving(traced.symbol, how, Spot(frame, frame.f_lasti)))
        return traced.value.copy() if isinstance(traced.value, np.ndarray) else traced.value

    def returned(self, value: Any, frame: FrameType) -> None:
        """A function gives a value back: where it made none itself, that is a line that gives its argument back."""
        spot = Spot(frame, frame.f_lasti)
        if not frame.f_code.co_name.startswith("__"):  # a constructor gives nothing back
            self.end = spot
        made = self.spots.get(value.symbol) if type(value) is Traced else None
        if made is not None and made.frame is not frame:
            value.symbol = self.passed(value.symbol, spot)

    def passed(self, var: Var, spot: Spot) -> Var:
        """A value that a statement passes on as it is."""
        line = Line(Var(var.value), same, (var,), {})
        self.lines.append(line)
        self.spots[line.target], self.scopes[line.target] = spot, scope_of(spot.frame)
        return line.target

    # Writing in place

    def set_item(self, traced: Traced, index: Any, value: Any) -> None:
        """`traced[index] = value`."""
        value = self.joined(value)
        symbols = self.symbol(index), self.symbol(value)
        traced.value[plain(index)] = plain(value)
        self._written(traced, self._note(Line(Var(traced.value.copy()), put, (traced.symbol, *symbols), {})))

    def call_into(self, out: Any, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`fn(*args, out=out)`; a plain array that is written to is traced from then on where it is named again."""
        out = out[0] if isinstance(out, tuple) else out
        if type(out) is not Traced:
            result = self.call(fn, args, kwargs)
            out[...] = result.value
            return result
        if not isinstance(out.value, np.ndarray):  # numbers do not change
            return self.call(fn, args, kwargs)
        where = kwargs.pop("where", True)
        if where is not True:
            symbols = self.symbol(where), *self.symbol(args)
            fn(*plain(args), out=out.value, where=plain(where), **kwargs)
            line = Line(Var(out.value.copy()), where_true(fn), (out.symbol, *symbols), kwargs)
            self._written(out, self._note(line))
            return out
        new = self.call(fn, args, kwargs)
        fn(*plain(args), out=out.value, **plain_values(kwargs))  # raises what NumPy raises
        if new.shape != out.shape:
            new = self.call(np.broadcast_to, (new, out.shape), {})
        if new.dtype != out.dtype:
            new = self.call(np.astype, (new, out.dtype), {})
        self._written(out, new.symbol)
        return out

    def _write_by(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """A function that writes into its first argument."""
        target = args[0]
        if type(target) is not Traced:
            fn(*plain(args), **plain_values(kwargs))
            return
        symbols = self.symbol(args[1:]), {key: self.symbol(value) for key, value in kwargs.items()}
        fn(target.value, *plain(args[1:]), **plain_values(kwargs))
        line = Line(Var(target.value.copy()), changed(fn), (target.symbol, *symbols[0]), symbols[1])
        self._written(target, self._note(line))

    def _look_at(self, traced: Traced) -> None:
        array = traced.value
        if isinstance(array, np.ndarray):
            owner = _owner(array)
            self._memory.setdefault(id(owner), (owner, []))[1].append(ref(traced))

    def _written(self, target: Traced, new: Var) -> None:
        """`target`'s memory holds `new` from now on, and so does all that looks at it."""
        target.symbol = new
        looking = [
            traced for reference in self._memory[id(_owner(target.value))][1] if (traced := reference()) is not None
        ]
        others = [t for t in looking if t is not target and np.may_share_memory(t.value, target.value)]
        whole = target
        for other in sorted(others, key=lambda t: -t.value.size):
            inside = positions(target.value, other.value)
            if inside is not None:
                self._moved(other, put, (other.symbol, np.unravel_index(inside, other.shape), new))
                whole = other if other.size > whole.size else whole
                continue
            inside = positions(other.value, whole.value)
            if inside is not None:
                self._moved(other, operator.getitem, (whole.symbol, np.unravel_index(inside, whole.shape)))

    def _moved(self, traced: Traced, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        traced.symbol = self._note(Line(Var(traced.value.copy()), fn, args, {}))
        self.moves.add(traced.symbol)


def scope_of(frame: FrameType) -> dict[str, Any]:
    """What stands in the variables of a function: values of the program, and numbers."""
    known, code = frame.f_locals, frame.f_code
    names = known if code.co_flags & inspect.CO_OPTIMIZED else [name for name in code.co_names if name in known]
    return {
        name: value.symbol if type(value) is Traced else value
        for name in names
        if type(value := known[name]) in (Traced, int, float)
        or isinstance(value, (np.integer, np.floating))
        or (type(value) in (list, tuple) and _is_short(value))
    }


def variables_of(frame: FrameType | None) -> dict[str, Any]:
    """The variables of a call, as they are at its end; a comprehension has those around it too."""
    if frame is None:
        return {}
    outer = frame.f_back if frame.f_code.co_name in _COMPREHENSIONS else None
    return {**variables_of(outer), **frame.f_locals}


def _is_short(values: Any) -> bool:
    """Whether a list is a short one of integers, as of the words of a sentence."""
    return 0 < len(values) <= _SHORT and all(type(value) is int for value in values)


def nth(fn: Callable[..., Any], number: int, *args: Any, **kwargs: Any) -> Any:
    """One of the values that a function gives."""
    return fn(*args, **kwargs)[number]


def same(value: Any) -> Any:
    """The value itself: what a statement gives that calls nothing, `dz = dh` or `return dz`."""
    return value


class Namespace(ModuleType):
    """NumPy as the author's function sees it while it is recorded: what its functions make is traced from birth."""

    def __init__(self, module: ModuleType, recording: Recording) -> None:
        super().__init__(module.__name__)
        self.__dict__["_module"], self.__dict__["_recording"] = module, recording

    def __getattr__(self, name: str) -> Any:
        value = wrapped(getattr(self._module, name), self._recording)
        self.__dict__[name] = value
        return value


def wrapped(value: Any, recording: Recording) -> Any:
    """A function or a module of NumPy's whose arrays are traced; anything else as it is."""
    if isinstance(value, ModuleType):
        return value if isinstance(value, Namespace) else Namespace(value, recording)
    if value is np.c_ or value is np.r_:
        return _Joined(value, recording)
    if not callable(value) or isinstance(value, (np.ufunc, type)):
        return value

    def call(*args: Any, **kwargs: Any) -> Any:
        if value in _CONVERSIONS and args:
            return _converted(value, recording, args, kwargs)
        if value not in _JOINING:
            args = tuple(recording.joined(arg) for arg in args)
        return taken(value(*args, **kwargs), recording)

    call.__name__ = getattr(value, "__name__", "call")
    return call


class _Joined:
    """`np.c_` and `np.r_`."""

    def __init__(self, own: Any, recording: Recording) -> None:
        self._own, self._recording = own, recording

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if not _holds_traced(parts):
            return taken(self._own[index], self._recording)
        columns = self._own is np.c_
        arrays = [part if type(part) is Traced else self._own[part] for part in parts]
        least = 2 if columns else 1
        joined = [np.reshape(a, (*a.shape, *(1,) * (least - a.ndim))) if a.ndim < least else a for a in arrays]
        return self._recording.call(np.concatenate, (joined,), {"axis": -1 if columns else 0})


_CONVERSIONS = {np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray}


def _converted(fn: Any, recording: Recording, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`np.array(x)` and its like."""
    x = recording.joined(args[0])
    if type(x) is not Traced:
        return taken(fn(*args, **kwargs), recording)
    dtype = kwargs.get("dtype", args[1] if len(args) > 1 else None)
    if dtype is not None and np.dtype(dtype) != x.dtype:
        x = x.astype(dtype)
    elif fn is np.array and kwargs.get("copy", True):
        x = np.copy(x)
    for _ in range(kwargs.get("ndmin", 0) - x.ndim):
        x = x[None]
    return x


def taken(value: Any, recording: Recording) -> Any:
    """A new array of floats as an input of the recording."""
    if type(value) is np.ndarray and value.dtype.kind == "f":
        traced = Trace.input(recording, value)
        traced.symbol.value = value.copy()
        recording._look_at(traced)
        frame = user_frame()
        recording.born.append((traced.symbol, Spot(frame, frame.f_lasti), len(recording.lines)))
        return traced
    return value


def _owner(array: Array) -> Array:
    """The array whose memory it is."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def plain_values(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: plain(value) for key, value in kwargs.items()}


def _holds_traced(value: Any) -> bool:
    if type(value) in (list, tuple):
        return any(_holds_traced(part) for part in value)
    return type(value) is Traced
