"""What a function can reach: the arrays, Tensors and random generators behind its variables, and its settings.

While a step is recorded, traced stand-ins take the places of arrays and generators, in closures, globals, lists,
dictionaries and attributes; afterwards everything is put back. What the step's code looked at on the way, by name, is
remembered: a replay is right only as long as it has not changed.
"""

from __future__ import annotations

import inspect
import sys
from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from functools import cache, cached_property, partial, partialmethod
from operator import attrgetter
from types import CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from autograd.array.tensor import Tensor

GENERATORS = (np.random.Generator, np.random.RandomState)
SIMPLE = (int, float, complex, str, bytes, bool, type(None), np.generic, np.dtype, type(...), slice, range)
_ENDS = frozenset((*SIMPLE, np.ndarray, CodeType, *np.sctypeDict.values()))  # nothing is behind these
_OURS = ("numpy", "autograd")
_HOLDERS = ("types", "argparse", "collections")  # modules whose objects hold what others put into them
_DESCRIPTORS = (staticmethod, classmethod, property, cached_property, partialmethod)
_CODE = (FunctionType, type, ModuleType)
_SLOTS = (MemberDescriptorType, GetSetDescriptorType)


class Place(NamedTuple):
    """Where a value is kept: an attribute dictionary, a list, a closure's cell, a class.

    Attributes:
        owner, key: what holds it, and at which key.
        kind: "item" of a list or dictionary, "cell", "slot" (an attribute), "length", "keys" of a dictionary,
            "contents" of a set.
        told: how messages call it.
        name: what code must say to look there; None where it need not say anything.
    """

    owner: Any
    key: Any
    kind: str
    told: str
    name: str | None

    def read(self) -> Any:
        """What is there now; `Place` itself where nothing is."""
        try:
            if self.kind == "item":
                return self.owner[self.key]
            if self.kind == "cell":
                return self.owner.cell_contents
            if self.kind == "length":
                return len(self.owner)
            if self.kind == "keys":
                return tuple(self.owner)
            if self.kind == "contents":
                return type(self.owner)(self.owner)
            return vars(self.owner)[self.key] if isinstance(self.owner, type) else getattr(self.owner, self.key)
        except (KeyError, IndexError, AttributeError, ValueError):
            return Place

    def write(self, value: Any) -> None:
        """Put `value` there."""
        if self.kind == "cell":
            self.owner.cell_contents = value
        elif isinstance(self.owner, partial):  # whose arguments are set with all else, as by unpickling
            changed: Any = self.owner
            changed.__setstate__((changed.func, value, changed.keywords, vars(changed)))
        elif self.kind == "slot":
            (type if isinstance(self.owner, type) else object).__setattr__(self.owner, self.key, value)
        else:
            self.owner[self.key] = value


class Reach:
    """Everything that `fn` can reach, and what is behind its `arguments`: pairs of a value and its name.

    Attributes:
        spoken: names that are said by what is reached, not by code.
        tensors: the Tensors, in the order in which they were found, with how they are called.
        places: where everything is kept, with what was found there.
    """

    def __init__(self, fn: Callable[..., Any], arguments: Sequence[tuple[Any, str]] = ()) -> None:
        self.tensors: dict[int, tuple[Tensor, str]] = {}
        self.places: list[tuple[Place, Any]] = []
        self._roots = [fn, *(value for value, _ in arguments)]
        self._root = inspect.unwrap(fn)
        self._behind: dict[int, list[tuple[Place | None, Any]]] = {}  # what stands right behind a value
        self.spoken: set[str] = set()
        self._seen: dict[int, Any] = {}  # held, so that ids stay theirs
        self._pending: list[tuple[Any, str]] = [(fn, getattr(fn, "__name__", "step")), *arguments]
        while self._pending:
            value, told = self._pending.pop()
            if type(value) not in _ENDS and id(value) not in self._seen:
                self._seen[id(value)] = value
                self._edges = self._behind[id(value)] = []
                self._visit(value, told)

    def knows(self, value: Any) -> bool:
        """Whether `value` was there before the step ran."""
        return id(value) in self._seen

    def looked_at(self, names: Container[str]) -> list[tuple[Place, Any]]:
        """The places that code which says these names can have looked at, with what was there."""
        found: list[tuple[Place, Any]] = []
        seen: set[int] = set()
        pending = list(self._roots)
        while pending:
            value = pending.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            for place, part in self._behind.get(id(value), ()):
                if place is None:
                    pending.append(part)
                elif place.name is None or place.name in names or place.name in self.spoken:
                    found.append((place, part))
                    pending.append(part)
        return found

    def _visit(self, value: Any, told: str) -> None:
        if isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, Tensor):
            self.tensors[id(value)] = (value, value.name or told)
            if value.requires_grad:
                hooks = Place(value._node, "hooks", "slot", f"the hooks of {told}", None)
                self._keep(hooks, value._node.hooks)
            if getattr(value, "__dict__", None):
                self._object(value, told)
        elif isinstance(value, (list, tuple, deque, dict, set, frozenset, bytearray)):
            self._container(value, told)
        elif isinstance(value, type):
            if not _foreign(value):
                self._class(value)
        elif isinstance(value, MethodType):
            self._follow(value.__self__, f"{told}.__self__")
            self._follow(value.__func__, told)
        elif isinstance(value, (partial, partialmethod)):
            for part in (value.func, value.keywords):
                self._follow(part, told)
            self._keep(Place(value, "args", "slot", f"{told}.args", None), value.args)
        elif isinstance(value, (staticmethod, classmethod)):
            self._follow(value.__func__, told)
        elif isinstance(value, property):
            self._follow(value.fget, told)
            self._follow(value.fset, told)
        elif isinstance(value, cached_property):
            self._follow(value.func, told)
        elif hasattr(value, "__wrapped__"):
            self._attributes(value, told)
            self._follow(value.__wrapped__, told)
        elif isinstance(value, ModuleType):
            settings = [key for key, part in vars(value).items() if not isinstance(part, _CODE)]
            self._module(value, told, settings)
        elif isinstance(value, ref):
            self._follow(value(), told)
        elif isinstance(value, attrgetter):
            self.spoken.update(name for path in value.__reduce__()[1] for name in path.split("."))
        elif isinstance(value, GENERATORS):
            pass
        elif not _foreign(type(value)) or type(value).__module__ in _HOLDERS:
            self._object(value, told)

    def _container(self, value: Any, told: str) -> None:
        if isinstance(value, (set, frozenset, bytearray)):
            self._keep(Place(value, None, "contents", told, None), type(value)(value))
            return
        if isinstance(value, dict):
            self._keep(Place(value, None, "keys", f"the keys of {told}", None), tuple(value))
        elif not isinstance(value, tuple):
            self._keep(Place(value, None, "length", f"len({told})", None), len(value))
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            self._keep(Place(value, key, "item", f"{told}[{key!r}]", None), part)

    def _object(self, value: Any, told: str) -> None:
        held = getattr(value, "__dict__", None)
        if held is not None:
            self._keep(Place(held, None, "length", f"the number of attributes of {told}", None), len(held))
            for key, part in held.items():
                self._keep(Place(held, key, "item", f"{told}.{key}", key), part)
        for base in type(value).__mro__:
            slots = vars(base).get("__slots__", ())
            for key in (slots,) if isinstance(slots, str) else slots:
                place = Place(value, key, "slot", f"{told}.{key}", key)
                if not key.startswith("__") and base is not Tensor and (part := place.read()) is not Place:
                    self._keep(place, part)
        if not _foreign(type(value)):
            self._follow(type(value), type(value).__name__)

    def _function(self, fn: FunctionType) -> None:
        if _foreign(fn) and fn is not self._root:
            return
        for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            place = Place(cell, name, "cell", name, name)
            if (held := place.read()) is not Place:
                self._keep(place, held)
        around = fn.__globals__
        names = _names(fn.__code__)
        for name in names:
            held = around.get(name, sys.modules.get(name))  # a function may import what it needs
            if name in around:
                self._keep(Place(around, name, "item", name, name), held)
            if isinstance(held, ModuleType):
                self._module(held, name, names)
        if any(type(default) not in _ENDS or type(default) is np.ndarray for default in fn.__defaults__ or ()):
            self._keep(Place(fn, "__defaults__", "slot", f"the defaults of {fn.__name__}", None), fn.__defaults__)
        self._follow(fn.__kwdefaults__, fn.__name__)
        if not _of_nn(fn):  # to look for attributes makes room for them
            self._attributes(fn, fn.__name__)

    def _module(self, module: ModuleType, told: str, names: Iterable[str]) -> None:
        """What code that says these names can find in a module of the user's, and in those that this holds."""
        pending, seen = [(module, told)], set()
        while pending:
            module, told = pending.pop()
            if _foreign(module) or module in seen:
                continue
            seen.add(module)
            for key in names:
                if key in vars(module):
                    part = vars(module)[key]
                    self._keep(Place(vars(module), key, "item", f"{told}.{key}", key), part)
                    if isinstance(part, ModuleType) and part.__name__.split(".")[0] != "nn":
                        pending.append((part, f"{told}.{key}"))

    def _attributes(self, fn: Any, told: str) -> None:
        """What somebody keeps as attributes of a function."""
        for key, part in getattr(fn, "__dict__", {}).items():
            if not key.startswith("_"):
                self._keep(Place(fn.__dict__, key, "item", f"{told}.{key}", key), part)

    def _class(self, cls: type) -> None:
        """The methods of a class, which reach globals too, and what it holds for all of its objects."""
        for base in cls.__mro__:
            if base is object or _foreign(base):
                continue
            if base is not cls:
                self._follow(base, base.__name__)
                continue
            ours = _of_nn(base)
            for key, part in vars(base).items():
                if isinstance(part, (FunctionType, *_DESCRIPTORS)):
                    if not ours:
                        self._keep(Place(base, key, "slot", f"{base.__name__}.{key}", _spoken(key)), part)
                elif not key.startswith("__") and not key.startswith("_abc_") and not isinstance(part, _SLOTS):
                    self._keep(Place(base, key, "slot", f"{base.__name__}.{key}", key), part)

    def _keep(self, place: Place, value: Any) -> None:
        self.places.append((place, value))
        self._edges.append((place, value))
        named = isinstance(value, ModuleType) and isinstance(place.owner, dict) and "__name__" in place.owner
        if place.kind not in ("contents", "keys") and type(value) not in _ENDS and not named:
            self._pending.append((value, place.told))

    def _follow(self, value: Any, told: str) -> None:
        self._edges.append((None, value))
        self._pending.append((value, told))


def _spoken(name: str) -> str | None:
    """What code says to call a method; nothing for those that Python calls."""
    return None if name.startswith("__") else name


def _foreign(thing: Any) -> bool:
    """Whether a function, class or module is not the user's: of the standard library, NumPy or this package."""
    return _library(thing.__name__ if isinstance(thing, ModuleType) else (getattr(thing, "__module__", "") or ""))


def _of_nn(thing: Any) -> bool:
    return bool(thing.__module__) and thing.__module__.split(".")[0] == "nn"


@cache
def _library(module: str) -> bool:
    top = module.partition(".")[0]
    return top in _OURS or (top in sys.stdlib_module_names and top != "__main__")


@cache
def _names(code: CodeType) -> tuple[str, ...]:
    """The names that a function's code looks up, in itself and in functions that it defines."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(dict.fromkeys(_names(constant)))
    return tuple(names)


class Replacing:
    """Puts stand-ins in the places of values, and what was there back: `with Replacing(reach, stand_in):`.

    `stand_in(value, told, place)` gives what shall stand there, or the value itself. A tuple is rebuilt around
    stand-ins, which have no place then.
    """

    def __init__(self, reach: Reach, stand_in: Callable[[Any, str, Place | None], Any]) -> None:
        self._reach, self._stand_in = reach, stand_in
        self._changed: list[tuple[Place, Any, Any]] = []

    def __enter__(self) -> None:
        for place, value in self._reach.places:
            if type(value) in _ENDS and not isinstance(value, (np.ndarray, np.generic)):
                continue
            if place.kind in ("length", "keys", "contents") or isinstance(place.owner, tuple):
                continue
            other = self._replaced(value, place, place.told)
            if other is not value:
                place.write(other)
                self._changed.append((place, value, other))

    def _replaced(self, value: Any, place: Place | None, told: str) -> Any:
        if isinstance(value, tuple):
            parts = [self._replaced(part, None, f"{told}[{k}]") for k, part in enumerate(value)]
            if all(a is b for a, b in zip(parts, value, strict=True)):
                return value
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        return self._stand_in(value, told, place)

    def __exit__(self, *exc: object) -> None:
        for place, value, other in reversed(self._changed):
            if place.read() is other:
                place.write(value)
