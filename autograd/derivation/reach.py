"""What a function can reach: the arrays, Tensors and random generators behind its variables, and its settings.

While a step is recorded, traced stand-ins take the places of arrays and generators, in closures, globals, lists, dictionaries
and attributes; afterwards everything is put back. What the step's code looked at on the way, by name, is
remembered: a replay is right only as long as it has not changed.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from autograd.tensor import Tensor

_SIMPLE = (int, float, complex, str, bytes, bool, type(None), np.generic, np.dtype, type)
_OURS = ("numpy", "autograd")
GENERATORS = (np.random.Generator, np.random.RandomState)


class Place(NamedTuple):
    """Where a value is kept: an attribute dictionary, a list, a closure's cell, a Tensor."""

    owner: Any
    key: Any
    kind: str  # "entry" of a dictionary, "item" of a list, "cell", "length" of a list or dictionary, "slot"
    told: str
    names: frozenset[str]  # what code must look at to get there

    def read(self) -> Any:
        """What is there now; `Place` itself where nothing is."""
        try:
            if self.kind == "cell":
                return self.owner.cell_contents
            if self.kind == "length":
                return len(self.owner)
            if self.kind == "slot":
                return getattr(self.owner, self.key)
            return self.owner[self.key]
        except (KeyError, IndexError, AttributeError, ValueError):
            return Place

    def write(self, value: Any) -> None:
        """Put `value` there."""
        if self.kind == "cell":
            self.owner.cell_contents = value
        elif self.kind == "slot":
            object.__setattr__(self.owner, self.key, value)
        else:
            self.owner[self.key] = value


class Reach:
    """Everything that `fn` can reach.

    Attributes:
        tensors: the Tensors, in the order in which they were found, with how they are called.
        places: where everything is kept, with what was found there.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.tensors: dict[int, tuple[Tensor, str]] = {}
        self.places: list[tuple[Place, Any]] = []
        self._seen: set[int] = set()
        self._kept: list[Any] = []  # ids stay those of what was seen
        self._pending: list[tuple[Any, str, frozenset[str]]] = [(fn, getattr(fn, "__name__", "step"), frozenset())]
        self._root = inspect.unwrap(fn)
        while self._pending:
            self._visit(*self._pending.pop())

    def _visit(self, value: Any, told: str, names: frozenset[str]) -> None:
        if isinstance(value, (*_SIMPLE, np.ndarray, *GENERATORS, CodeType)) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        self._kept.append(value)
        if isinstance(value, Tensor):
            self.tensors[id(value)] = (value, value.name or told)
        elif isinstance(value, MethodType):
            self._pending += [(value.__self__, f"{told}.__self__", names), (value.__func__, told, names)]
        elif isinstance(value, FunctionType):
            self._function(value, names)
        elif isinstance(value, (list, tuple)):
            if isinstance(value, list):
                self._note(Place(value, None, "length", f"len({told})", names), len(value))
            for k, part in enumerate(value):
                self._keep(Place(value, k, "item", f"{told}[{k}]", names), part)
        elif isinstance(value, dict):
            self._note(Place(value, None, "length", f"len({told})", names), len(value))
            for key, part in list(value.items()):
                self._keep(Place(value, key, "item", f"{told}[{key!r}]", names), part)
        elif isinstance(value, partial):
            self._pending += [(part, told, names) for part in (value.func, value.args, value.keywords)]
        elif hasattr(value, "__wrapped__"):
            self._pending.append((value.__wrapped__, told, names))
        elif not isinstance(value, (ModuleType, type)) and not _foreign(type(value)):
            self._object(value, told, names)

    def _object(self, value: Any, told: str, names: frozenset[str]) -> None:
        held = getattr(value, "__dict__", {})
        for key, part in list(held.items()):
            self._keep(Place(held, key, "entry", f"{told}.{key}", names | {key}), part)
        for base in type(value).__mro__:
            slots = vars(base).get("__slots__", ())
            for key in (slots,) if isinstance(slots, str) else slots:
                place = Place(value, key, "slot", f"{told}.{key}", names | {key})
                if not key.startswith("__") and (part := place.read()) is not Place:
                    self._keep(place, part)
        self._class(type(value), names)

    def _function(self, fn: FunctionType, names: frozenset[str]) -> None:
        if _foreign(fn) and fn is not self._root:
            return
        for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            place = Place(cell, name, "cell", name, names | {name})
            if (held := place.read()) is not Place:
                self._keep(place, held)
        for name in set(_names(fn.__code__)):
            if name in fn.__globals__:
                held = fn.__globals__[name]
                self._keep(Place(fn.__globals__, name, "entry", name, names | {name}), held)
                if isinstance(held, ModuleType) and not _foreign(held):
                    for key in _names(fn.__code__):
                        if key in vars(held):
                            place = Place(vars(held), key, "entry", f"{name}.{key}", names | {name, key})
                            self._keep(place, vars(held)[key])
        for part in fn.__defaults__ or ():
            self._pending.append((part, fn.__name__, names))

    def _class(self, cls: type, names: frozenset[str]) -> None:
        """The methods of a class, which reach globals too, and the settings it holds for all."""
        for base in cls.__mro__:
            if base is object or _foreign(base) or id(base) in self._seen:
                continue
            self._seen.add(id(base))
            for key, part in vars(base).items():
                if isinstance(part, FunctionType):
                    if base.__module__.split(".")[0] != "nn":
                        self._pending.append((part, key, names | {key}))
                elif not key.startswith("__") and isinstance(part, (*_SIMPLE, tuple)):
                    self._note(Place(base, key, "slot", f"{base.__name__}.{key}", names | {key}), part)

    def _keep(self, place: Place, value: Any) -> None:
        self._note(place, value)
        self._pending.append((value, place.told, place.names))

    def _note(self, place: Place, value: Any) -> None:
        self.places.append((place, value))


def _foreign(thing: Any) -> bool:
    """Whether a function, class or module is not the user's: of the standard library, NumPy or this package."""
    module = thing.__name__ if isinstance(thing, ModuleType) else (getattr(thing, "__module__", "") or "")
    top = module.split(".")[0]
    return top in _OURS or (top in sys.stdlib_module_names and top != "__main__")


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function's code looks up, in itself and in functions that it defines."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


class Replacing:
    """Puts stand-ins in the places of values, and what was there back: `with Replacing(reach, stand_in):`.

    `stand_in(value, told)` gives what shall stand there, or the value itself. A tuple is rebuilt around stand-ins.
    """

    def __init__(self, reach: Reach, stand_in: Callable[[Any, str], Any]) -> None:
        self._reach, self._stand_in = reach, stand_in
        self._changed: list[tuple[Place, Any, Any]] = []

    def __enter__(self) -> None:
        for place, value in self._reach.places:
            if place.kind in ("length",) or isinstance(place.owner, tuple) or isinstance(place.owner, type):
                continue
            other = self._replaced(value, place.told)
            if other is not value:
                place.write(other)
                self._changed.append((place, value, other))

    def _replaced(self, value: Any, told: str) -> Any:
        if type(value) is tuple:
            parts = [self._replaced(part, f"{told}[{k}]") for k, part in enumerate(value)]
            return tuple(parts) if any(a is not b for a, b in zip(parts, value, strict=True)) else value
        return self._stand_in(value, told)

    def __exit__(self, *exc: object) -> None:
        for place, value, other in reversed(self._changed):
            if place.read() is other:
                place.write(value)


class LookedAt:
    """The names that Python code used while this was on: attributes, globals, and strings that may be such."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._codes: set[CodeType] = set()
        self._before: Any = None

    def __enter__(self) -> LookedAt:
        self._before = sys.getprofile()
        sys.setprofile(self._called)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(self._before)
        for code in self._codes:
            self.names.update(code.co_names, code.co_freevars)
            self.names.update(part for part in code.co_consts if isinstance(part, str) and part.isidentifier())

    def _called(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            code = frame.f_code
            if code not in self._codes and frame.f_globals.get("__name__", "").split(".")[0] not in _OURS:
                self._codes.add(code)
