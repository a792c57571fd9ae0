"""The objects that generated code uses, under names that it can say."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd.program.program import Var, variables


class Binding:
    """Names for objects; one name for one object, and for one place in memory.

    Attributes:
        objects: by name.

    >>> binding = Binding(reserved=["x"])
    >>> binding.name(np.ones(2), "x"), binding.name(np.ones(2), "b"), binding.function(np.add.reduce)
    ('x0', 'b0', 'add_reduce')
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.objects: dict[str, Any] = {}
        self._names: dict[Any, str] = {}
        self._taken = set(reserved) | {"STALE", "HELD", "counts"}
        self._counts: Counter[str] = Counter()

    def name(self, thing: Any, stem: str) -> str:
        """The name of `thing`, made from `stem`; one letter is numbered."""
        if type(thing) is np.ndarray:
            key: Any = (thing.__array_interface__["data"][0], thing.shape, thing.strides, thing.dtype.str)
        else:
            key = id(thing)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = self.fresh(stem)
            self.objects[name] = thing
        return name

    def identity(self, thing: Any, stem: str) -> str:
        """The name of `thing` itself, not of another array in the same place in memory."""
        name = self.name(thing, stem)
        if self.objects[name] is not thing:
            key = "itself", id(thing)
            name = self._names.get(key) or self._names.setdefault(key, self.fresh(stem))
            self.objects[name] = thing
        return name

    def function(self, fn: Any) -> str:
        """The name of a function, as NumPy calls it."""
        owner, called = getattr(fn, "__self__", None), getattr(fn, "__name__", "call")
        if isinstance(owner, np.ufunc):  # a ufunc's methods are made anew at every look
            key: Any = (id(owner), called)
            called = f"{owner.__name__}_{called}"
        else:
            key = id(fn)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = self.fresh(called if len(called) > 1 else "call")
            self.objects[name] = fn
        return name

    def close(self) -> None:
        """Keep the objects alone: no more names will be asked for."""
        self._names, self._taken, self._counts = {}, set(), Counter()

    def fresh(self, stem: str) -> str:
        """A name that is not taken."""
        if not stem.isidentifier() or keyword.iskeyword(stem):
            stem = "".join(c if c.isalnum() else "_" for c in stem).strip("_")
            if not stem.isidentifier() or keyword.iskeyword(stem):
                stem = "value"
        name = stem
        while name in self._taken or len(name) == 1:
            number = self._counts[stem]
            self._counts[stem] += 1
            name = f"{stem}{number}" if len(stem) == 1 else f"{stem}_{number}"
        self._taken.add(name)
        return name

    def value(self, value: Any, texts: dict[Var, str]) -> str:
        """Source for an argument: constants as they are written, others by name."""
        if type(value) is Var:
            return texts[value]
        if type(value) in (tuple, list) and (type(value) is list or variables(value)):
            inner = ", ".join(self.value(part, texts) for part in value)
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, slice):
            return f"slice({', '.join(self.value(part, texts) for part in (value.start, value.stop, value.step))})"
        if value is None or value is Ellipsis or type(value) in (int, bool, str):
            return "..." if value is Ellipsis else repr(value)
        if type(value) is float and np.isfinite(value):
            return repr(value)
        if type(value) is tuple and all(type(part) in (int, bool, type(None)) for part in value):
            return repr(value)
        return self.name(value, "c")
