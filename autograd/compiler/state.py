"""What a step owns: the arrays, Tensors, generators and settings in its arguments and its state.

Known are Tensors, arrays, random generators, lists, tuples and dictionaries, and objects that say what they hold:
their method `__state__` gives the dictionary or list itself in which they keep it, or a tuple of such. Most write
`return vars(self)`, as modules and optimisers do. Of dataclasses and namespaces the attributes are taken.
Functions, classes and modules of Python are constants. Anything else is an error that says so.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache, partial
from operator import is_
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.arrays import is_foreign, is_lazy

GENERATORS = (np.random.Generator, np.random.RandomState)
SIMPLE = (int, float, complex, str, bytes, bool, type(None), np.generic, np.dtype, type(...), slice, range, enum.Enum)
_PLAIN = {int, float, str, bool, type(None)}  # SIMPLE, mostly
TRACED_KINDS = "fiubcSUmM"  # of arrays
_CONSTANTS = (FunctionType, BuiltinFunctionType, type, ModuleType, np.ufunc, property, staticmethod, classmethod)


class Place(NamedTuple):
    """Where a value is kept: an item of a list or dictionary, or an attribute.

    Attributes:
        container, key: what holds it, and at which key.
        name: what messages call it.
        is_item: whether it is read by `container[key]`.
    """

    container: Any
    key: Any
    name: str
    is_item: bool = True

    def read(self) -> Any:
        """What is there now; `Place` itself where nothing is."""
        try:
            return self.container[self.key] if self.is_item else getattr(self.container, self.key)
        except (LookupError, AttributeError, ValueError):
            return Place

    def write(self, value: Any) -> None:
        """Put `value` there."""
        if self.is_item:
            self.container[self.key] = value
        else:
            setattr(self.container, self.key, value)


class State:
    """Everything behind some values, each given with its name.

    Attributes:
        places: where everything is kept, with what is there.
        tensors: the Tensors with their names.
        structure: the lists, dictionaries and sets, with their lengths; the keys where their order may matter, the
            elements of sets.
        known: by identity, everything.
    """

    def __init__(self, roots: Sequence[tuple[Any, str]]) -> None:
        self.places: list[tuple[Place, Any]] = []
        self.tensors: list[tuple[Tensor, str]] = []
        self.structure: list[tuple[Any, Any, str]] = []
        self.known: dict[int, Any] = {}
        self._pending = list(reversed(roots))
        while self._pending:
            value, name = self._pending.pop()
            if not issubclass(type(value), SIMPLE) and id(value) not in self.known:  # isinstance asks Tensors often
                refuse_foreign(value, name)
                self.known[id(value)] = value
                self._visit(value, name)

    def _visit(self, value: Any, name: str) -> None:
        if isinstance(value, Tensor):
            self.tensors.append((value, value.name or name))
        elif isinstance(value, (list, deque, dict)):
            self._keep(value, name, "{}[{!r}]", in_order=isinstance(value, dict))
        elif isinstance(value, set):
            self.structure.append((value, frozenset(value), name))
        elif isinstance(value, tuple):
            self._pending += [(part, f"{name}[{k}]") for k, part in enumerate(value)]
        elif isinstance(value, MethodType):
            self._pending.append((value.__self__, f"{name}.__self__"))
        elif not is_constant(value):
            for container in held_by(value, name):
                self._keep(container, name, "{}.{}")

    def _keep(self, container: Any, name: str, form: str, in_order: bool = False) -> None:
        keys = list(container) if isinstance(container, Mapping) else range(len(container))
        self.structure.append((container, keys if in_order else len(keys), name))
        for key in keys:
            part, place = container[key], Place(container, key, form.format(name, key))
            self.places.append((place, part))
            if type(part) not in _PLAIN:
                self._pending.append((part, place.name))


def refuse_foreign(value: Any, name: str) -> None:
    """TypeError for an array of another library, or a Tensor that holds one."""
    array = value._value if isinstance(value, Tensor) else value
    if is_foreign(array):
        library = type(array).__module__.partition(".")[0]
        raise TypeError(
            f"compile: {name} is an array of {library}'s: a compiled step writes into NumPy's memory that was planned "
            f"beforehand, and {'chunks have none before they are computed' if is_lazy(array) else 'this is another'}. "
            "Call the step as it is, not compiled"
        )


def is_constant(value: Any) -> bool:
    """Whether it holds nothing that is followed, or is followed itself."""
    if isinstance(value, partial):
        parts = (value.func, *value.args, *value.keywords.values())
        return all(isinstance(part, (*SIMPLE, *_CONSTANTS)) for part in parts)
    if isinstance(value, np.ndarray):
        return type(value) is np.ndarray and value.dtype.kind in TRACED_KINDS
    return isinstance(value, (*GENERATORS, *_CONSTANTS, frozenset)) or hasattr(type(value), "__compiled__")


def held_by(value: Any, name: str) -> tuple[Any, ...]:
    """The dictionaries or lists in which an object keeps what it holds; TypeError where it does not say."""
    if hasattr(type(value), "__state__"):
        once, again = (held if isinstance(held, tuple) else (held,) for held in (value.__state__(), value.__state__()))
        if not all(map(is_, once, again)):
            raise TypeError(
                f"compile: __state__ of {name}, a {type(value).__name__}, returns a copy; return the dictionary itself "
                "in which it keeps what it holds, `return vars(self)`"
            )
        return once
    if isinstance(value, SimpleNamespace) or (is_dataclass(value) and hasattr(value, "__dict__")):
        return (vars(value),)
    kind = f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise TypeError(
        f"compile: {name} is {'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}, which does not say what it holds that "
        "a step may read or change. Give its class a method `__state__` that returns the dictionary in which it keeps "
        "that, `return vars(self)`, or keep it out of the arguments and the state"
    )


def variables(fn: Any) -> Iterator[tuple[Place, Any]]:
    """The variables of a step: its closure, and the globals that its code names."""
    while fn is not None:
        fn = getattr(fn, "__func__", fn)
        if isinstance(fn, FunctionType):
            places = [
                Place(cell, "cell_contents", name, is_item=False)
                for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True)
            ]
            places += [Place(fn.__globals__, name, name) for name in names(fn.__code__) if name in fn.__globals__]
            yield from ((place, value) for place in places if (value := place.read()) is not Place)
        fn = fn.func if isinstance(fn, partial) else getattr(fn, "__wrapped__", None)


@cache
def names(code: CodeType) -> tuple[str, ...]:
    """The names that a function's code looks up, in itself and in functions that it defines."""
    looked_up = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            looked_up.update(dict.fromkeys(names(constant)))
    return tuple(looked_up)
