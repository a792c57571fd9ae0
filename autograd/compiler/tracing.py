"""The trace of a step: what is written in place, what is decided by a value, what may not leave.

Lines have no memory: every value is assigned once. Where the step writes into an array, the array stands for a new
value from then on, and so does everything that looks at the same memory. Where it decides by a value, or where a
shape hangs on one, a line is a check: a replay that finds another value gives up, and the step is recorded anew.
What a replay could not do again is refused with the line of the step.
"""

from __future__ import annotations

import linecache
import operator
from collections.abc import Mapping, Sequence
from threading import get_ident
from typing import Any
from weakref import ref

import numpy as np

from autograd.basis.frames import source_line, user_frame
from autograd.compiler.functions import (
    SHAPED_BY_SHAPES,
    WRITERS,
    Check,
    changed,
    check,
    check_form,
    form,
    shaped_by_values,
    traced_in,
    where_true,
    writes,
)  # fmt: skip
from autograd.program.program import Line, Var, impure
from autograd.program.trace import Trace, Traced, plain
from autograd.rules.write import put

ADVICE = "name what holds it: autograd.compile(step, state=(model, optimizer, ...))"


class StepTrace(Trace):
    """The trace of one call of a step.

    Attributes:
        closed: whether the recording is over; what is left of it computes as arrays do.
        refused: the first error for what a replay could not do, in case that the step catches it.
        changes: whether an array from outside was written to, or numbers were drawn.
        thread: whose calls are recorded.
        shares: views, and the values whose memory they look at.
        traced: a weak reference to every traced array, and the line of the step that made it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.closed, self.changes = False, False
        self.refused: TypeError | None = None
        self.shares: dict[Var, list[Var]] = {}
        self.traced: list[tuple[Any, str, int]] = []
        self.outside: dict[int, Traced] = {}  # arrays of the arguments and the state, by identity
        self._owners: dict[int, list[Traced]] = {}  # the same by the memory that they look at
        self._constants: dict[int, Any] = {}
        self._errors, self.thread = np.geterr(), get_ident()

    def refusal(self, message: str) -> TypeError:
        """The error for what a replay could not do; remembered, in case that the step catches it."""
        error = TypeError(message)
        if self.refused is None:
            self.refused = error
        return error

    def input(self, value: Any, name: str | None = None) -> Traced:
        """`value`, from outside; writing to it changes the array itself."""
        traced = super().input(value, name)
        if isinstance(value, np.ndarray):
            self.outside[id(value)] = traced
            self._owners.setdefault(id(_owner(value)), []).append(traced)
        self._remember(traced)
        return traced

    def constant(self, value: Any) -> Traced:
        """A copy of `value`, which the program makes itself."""
        array = np.array(value)
        result: Traced = self.record(np.copy, (array,), {}, array.copy() if array.ndim else array[()])
        return result

    def _remember(self, traced: Traced) -> None:
        frame = user_frame()
        self.traced.append((ref(traced), frame.f_code.co_filename, frame.f_lineno))

    def left(self) -> list[str]:
        """The lines that made the traced arrays which somebody holds after the step."""
        self.outside, self._owners, self._constants = {}, {}, {}
        return [f"{file}:{number}" for traced, file, number in self.traced if traced() is not None]

    def passive(self) -> bool:
        """Whether calls are not the recorded step's: it is over, or this is another thread."""
        return self.closed or get_ident() != self.thread

    # Calls

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Compute `fn(*args, **kwargs)` and record it."""
        if self.passive():
            return fn(*plain(args), **plain(kwargs))
        if not isinstance(fn, np.ufunc):
            if fn in WRITERS or (getattr(fn, "__name__", "") == "at" and isinstance(fn.__self__, np.ufunc)):
                return self._write_by(fn, args, kwargs)
            if not impure(fn) and writes(fn, args, kwargs):
                raise self.refusal(
                    f"{_name(fn)} writes into its argument, {source_line()}: a replay could not. Write its result by "
                    "`array[...] = `"
                )
        try:
            return super().call(fn, args, kwargs)
        except (np.linalg.LinAlgError, ArithmeticError, IndexError) as error:
            self.refusal(
                f"{_name(fn)} raised {type(error).__name__}, {source_line()}, and the step went on: a replay could "
                "not decide that. Test for it beforehand, by np.where or a branch"
            )
            raise

    def record(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> Any:
        """Write down that this call gave `result`; its form is checked where values decide it."""
        if result is None or isinstance(result, (str, bytes)):
            raise self.refusal(
                f"{_name(fn)} of a value of the recorded step, {source_line()}: a replay could not do that again. "
                "Return the value, and do it outside"
            )
        by_values = shaped_by_values(fn, args, kwargs)
        if by_values or isinstance(result, (tuple, list)):  # as of np.atleast_1d(x, y) or matrix_power(x, n)
            result = _apart(result, [arg.value for arg in traced_in(args)])
        traced = super().record(fn, args, kwargs, result)
        if by_values:
            self._check(check_form, traced.symbol if type(traced) is Traced else self._last_tuple, form(result))
        return traced

    def emit(self, line: Line, args: tuple[Any, ...]) -> Any:
        """The result of a line, with what it is a view of."""
        if (errors := np.geterr()) != self._errors:
            line.errors = errors
        result = super().emit(line, args)
        if type(result) is not Traced:
            self._last_tuple = line.target
            return result
        self._remember(result)
        array = result.value
        if isinstance(array, np.ndarray) and array.base is not None:
            sources = [arg for arg in traced_in(args) if _overlap(arg.value, array)]
            exact = sources if len(sources) < 2 else [s for s in sources if positions(array, s.value) is not None]
            if sources:
                self.shares[line.target] = [source.symbol for source in sources]
            for source in exact[:1]:
                result.source = source, self._makers(line), source.symbol
                (source if source.base is None else source.base).views.append(ref(result))
        return result

    def _makers(self, line: Line) -> tuple[Line, ...]:
        """The lines that make a view: a call, and the choice of one of its results."""
        lines = [line]
        while lines[0].fn is operator.getitem and type(lines[0].args[0]) is Var and lines[0].args[0].shape is None:
            lines.insert(0, next(other for other in reversed(self.lines) if other.target is lines[0].args[0]))
        return tuple(lines)

    def symbol(self, value: Any) -> Any:
        """An argument as lines hold it. A plain array is a constant: what it holds now."""
        kind = type(value)
        if kind is Traced:
            return value.symbol if value.recorder is self else self._frozen(value.value)
        if isinstance(value, np.ndarray):
            return self._frozen(value)
        return super().symbol(value)

    def _frozen(self, array: Any) -> Any:
        """A plain array as lines hold it: the value of one that the step owns, else a copy, once for each content."""
        known = self.outside.get(id(array))
        if known is not None and known.value is array:
            return known.symbol
        for other in self._owners.get(id(_owner(array)), ()):
            if np.may_share_memory(other.value, array):
                raise self.refusal(
                    f"the step uses an array, {_here()}, which shares its memory with "
                    f"{other.symbol.name} and was made outside: a replay would not see it change. Make the view inside"
                )
        copy = self._constants.get(id(array))
        if copy is None or not _equal(copy, array):
            copy = self._constants[id(array)] = np.array(array)
        return copy

    # Decisions

    def _check(self, kind: Check, symbol: Any, value: Any) -> None:
        self.lines.append(Line(Var(None), kind, (symbol, value), {}, self.origin))

    def decides(self, traced: Traced, value: Any) -> None:
        """The recording goes on as `value` says; a replay must find the same."""
        if not self.passive():
            self._check(check, traced.symbol, value)

    def leaves(self, traced: Traced, how: str) -> Any:
        """An error in a recording."""
        if self.passive():
            return traced.value
        raise self.refusal(
            f"{how} of a value of the recorded step, {_here()}: a replay could not do that again. "
            "Return the value and do it outside, or compute with NumPy's functions (np.copy, np.astype, np.take, "
            f"np.where). If an array is written to that is kept from call to call, {ADVICE}"
        )

    # Writing in place

    def set_item(self, traced: Traced, index: Any, value: Any) -> None:
        """`traced[index] = value`."""
        traced.value[plain(index)] = plain(value)
        if not self.passive():
            self.write(traced, put, (self.symbol(index), self.symbol(value)), {})

    def call_into(self, out: Any, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`fn(*args, out=out)`."""
        if self.passive():
            return fn(*plain(args), out=plain(out), **plain(kwargs))
        if isinstance(out, tuple):
            if len(out) != 1:
                raise self.refusal(f"{_name(fn)} with several out=, {source_line()}: write each result by `out[...] =`")
            out = out[0]
        if type(out) is not Traced:
            raise self.not_owned(fn)
        if not isinstance(out.value, np.ndarray):  # numbers do not change
            return self.call(fn, args, kwargs)
        if isinstance(fn, np.ufunc) and kwargs.get("where", True) is not True:
            where = kwargs.pop("where")
            fn(*plain(args), out=out.value, where=plain(where), **kwargs)
            self.write(out, where_true(fn), (self.symbol(where), *self.symbol(args)), kwargs)
            return out
        new = self.call(fn, args, kwargs)
        if new.shape != out.shape:
            new = self.call(np.broadcast_to, (new, out.shape), {})
        if new.dtype != out.dtype:
            if not np.can_cast(new.dtype, out.dtype, kwargs.get("casting", "same_kind")):
                raise TypeError(f"{_name(fn)}: {new.dtype} does not fit into out= of {out.dtype}; use astype first")
            if not isinstance(fn, np.ufunc):
                raise self.refusal(f"{_name(fn)} with out= of another dtype, {source_line()}: write `out[...] = `")
            new = self.call(np.astype, (new, out.dtype), {})
        out.value[...] = new.value
        self._move(out, new.symbol)
        return out

    def _write_by(self, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """A function that writes into its first argument."""
        target = args[0] if args else None
        if type(target) is not Traced:
            raise self.not_owned(fn)
        if fn is np.copyto and len(args) == 2 and not kwargs:
            self.set_item(target, ..., args[1])
            return
        fn(target.value, *plain(args[1:]), **plain(kwargs))
        symbols = {key: self.symbol(value) for key, value in kwargs.items()}
        self.write(target, changed(fn), self.symbol(args[1:]), symbols)

    def write(self, target: Traced, fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """`target`'s memory was changed as `fn(target, *args)` says."""
        new = Var(target.value)
        self.lines.append(Line(new, fn, (target.symbol, *args), kwargs, self.origin))
        self._move(target, new)

    def _move(self, target: Traced, new: Var) -> None:
        """`target`'s memory holds `new` from now on, and so does all that looks at it."""
        while target.source is not None:
            source, lines, before = target.source
            new = self._written_through(target, source, lines, before, new)
            target = source
        name, target.symbol = target.symbol.name, new
        if self.outside.get(id(target.value)) is target:
            self._refuse_sharing(target, name)
            new.name, self.changes = name, True
        for reference in target.views:
            if (view := reference()) is not None:
                self._look_again(view)

    def _written_through(self, view: Traced, source: Traced, lines: Any, before: Var, new: Var) -> Var:
        """The value of `source` after `new` was written into a view of it."""
        line = lines[0]
        chosen = line.fn is operator.getitem and len(lines) == 1
        fixed = line.fn in SHAPED_BY_SHAPES and all(var is before for var in line.variables())
        if view.dtype != source.dtype or not (chosen or fixed):
            raise self.refusal(
                f"writing in place into a view by {_name(line.fn)}, {source_line()}: write to the array itself"
            )
        written = Var(source.value)
        index = line.args[1] if chosen else np.unravel_index(positions(view.value, source.value), source.shape)
        self.lines.append(Line(written, put, (source.symbol, index, new), {}, self.origin))
        return written

    def _look_again(self, view: Traced) -> None:
        """A view of memory that was written to."""
        source, lines, before = view.source
        replaced = {before: source.symbol}
        for line in lines:
            again = line.changed(replaced)
            again.target = replaced[line.target] = Var(line.target.value)
            self.lines.append(again)
            self.shares[again.target] = [source.symbol]
        view.symbol = replaced[lines[-1].target]

    def _refuse_sharing(self, target: Traced, name: str | None) -> None:
        """What is written to must be all that looks at its memory."""
        for other in self._owners[id(_owner(target.value))]:
            if other is not target and np.may_share_memory(other.value, target.value):
                raise self.refusal(
                    f"the step writes into {name or 'an array'}, {source_line()}, which shares its memory "
                    f"with {other.symbol.name or 'another array'}: a replay could not keep their order. Use one array, "
                    "and views that are made inside the step"
                )

    def not_owned(self, fn: Any) -> TypeError:
        return self.refusal(
            f"{_name(fn)} writes a value of the step into an array, {_here()}, which is in neither the "
            f"arguments nor the state. If it is kept from call to call, {ADVICE}; if it is made inside, make it of a "
            "value of the step, by np.zeros_like"
        )


def positions(view: Any, source: Any) -> Any:
    """Where in `source`, in C order, each element of a view of it stands; None where one stands elsewhere."""
    places, wanted = _addresses(source).ravel(), _addresses(view)
    order = np.argsort(places, kind="stable")
    indices = (
        order[np.minimum(np.searchsorted(places, wanted, sorter=order), places.size - 1)] if places.size else wanted
    )
    return indices if np.array_equal(places[indices] if places.size else wanted, wanted) else None


def _addresses(array: Any) -> Any:
    total = np.full((1,) * array.ndim, array.__array_interface__["data"][0], np.int64)
    for axis, (length, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        total = total + (np.arange(length) * stride).reshape((-1,) + (1,) * (array.ndim - axis - 1))
    return total


def _apart(result: Any, arrays: Sequence[Any]) -> Any:
    """A result that is an array of the arguments itself, as a view of that."""
    if isinstance(result, (tuple, list)):
        return type(result)([_apart(part, arrays) for part in result]) if not hasattr(result, "_fields") else result
    return result.view() if isinstance(result, np.ndarray) and any(result is array for array in arrays) else result


def _here() -> str:
    """The step's line, with its text where there is a file."""
    frame = user_frame()
    text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return f"{source_line()} ({text})" if text else source_line()


def _name(fn: Any) -> str:
    owner = getattr(fn, "__self__", None)
    return f"np.{owner.__name__}.{fn.__name__}" if isinstance(owner, np.ufunc) else getattr(fn, "__name__", str(fn))


def _owner(array: Any) -> Any:
    """The array, or what else, whose memory it is."""
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return array


def _overlap(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and np.may_share_memory(a, b)


def _equal(a: Any, b: Any) -> bool:
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
