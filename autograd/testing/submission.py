"""What is judged: somebody's function, the parameters in the containers that hold them, and what it did to them.

While the function runs, the arrays that it can reach stand as traced ones in their places: in its arguments, in the
dictionaries, lists and objects behind them, in the globals and closures that it and the functions that it calls use.
Afterwards everything is as it was, also after an error.
"""

from __future__ import annotations

import inspect
import random
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence
from functools import partial
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any, NamedTuple

import numpy as np

from autograd.program.program import Var
from autograd.program.trace import Traced
from autograd.testing.aliases import given_back, kept, passed_on, received
from autograd.testing.recording import Recording, wrapped
from autograd.testing.source import is_authors

_MISSING = object()
_PARAMETER = re.compile(r"(?i)^(w|b|bias(es)?|weights?|theta|slope|intercept)_?\w?\d*$")  # what a plain number may be


class Place(NamedTuple):
    """Where a parameter is kept: a name, and how to come to it from what was given."""

    name: str
    root: Any
    steps: tuple[tuple[str, Any], ...]

    def read(self) -> Any:
        """What is there now; `_MISSING` if nothing is."""
        value = self.root
        for kind, key in self.steps:
            try:
                value = getattr(value, key) if kind == "." else value[key]
            except (AttributeError, KeyError, IndexError, TypeError):
                return _MISSING
        return value


def places(
    root: Any, name: str = "", steps: tuple[tuple[str, Any], ...] = (), top: Any = None, asked: bool = False
) -> Iterator[Place]:
    """The arrays of floats in a nesting of dictionaries, lists, tuples and objects, each once, with their names.

    A plain number is a parameter where it was `asked` for by its name, or is called like one.
    """
    seen: set[int] = set()
    pending = [(root, name, steps)]
    top = root if top is None else top
    while pending:
        value, name, steps = pending.pop(0)
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "f" and id(value) not in seen:
                seen.add(id(value))
                yield Place(name, top, steps)
            continue
        if is_number(value) and ((asked and value is root) or _PARAMETER.match(_called(name, steps))):
            yield Place(name, top, steps)
        if id(value) in seen or is_number(value):
            continue
        seen.add(id(value))
        for kind, key, part in parts_of(value):
            if (isinstance(key, str) and kind == ".") or not name:
                inner = f"{name}.{key}" if name else str(key) if isinstance(key, str) else f"{name}[{key!r}]"
            else:
                inner = f"{name}[{key!r}]"
            pending.append((part, inner, (*steps, (kind, key))))


def _called(name: str, steps: tuple[tuple[str, Any], ...]) -> str:
    """The last name on the way to a value: `weights` of `neuron["weights"][0]`."""
    return next((key for _, key in reversed(steps) if isinstance(key, str)), name)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def parts_of(value: Any) -> list[tuple[str, Any, Any]]:
    """What a container holds: how it is reached, its key, and itself."""
    if isinstance(value, Mapping):
        return [("[", key, part) for key, part in value.items()]
    if isinstance(value, (list, tuple, deque)):
        return [("[", key, part) for key, part in enumerate(value)]
    if isinstance(value, MethodType):
        return [(".", "__self__", value.__self__)]
    return [(".", key, part) for key, part in _attributes(value).items() if not key.startswith("__")]


def _attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object of the author's; none of what a library made."""
    kind = type(value)
    if isinstance(value, ModuleType):
        return dict(vars(value))
    if isinstance(value, (type, FunctionType, partial)) or not _is_followed(kind):
        return {}
    slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ()) if hasattr(value, name)]
    return {
        **{name: getattr(value, name) for name in slots if not name.startswith("__")},
        **getattr(value, "__dict__", {}),
    }


def _is_followed(kind: type) -> bool:
    """Whether a class is of the author's making: by the file of its methods, else by that of its module."""
    if kind.__name__ == "SimpleNamespace":
        return True
    for method in vars(kind).values():
        if isinstance(method, FunctionType) and not method.__code__.co_filename.startswith("<"):
            return is_authors(method.__code__.co_filename)
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    return kind.__module__ not in ("builtins", "numpy") and (file is None or is_authors(file))


class Loan:
    """The arrays of an author's, traced as long as this context lasts.

    >>> params, recording = {"w": np.ones(2)}, Recording()
    >>> with Loan(recording) as loan:
    ...     _ = loan.take(params)
    ...     params["w"] += 1.0
    ...     len(recording.lines)
    1
    >>> params
    {'w': array([1., 1.])}
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._traced: dict[int, tuple[Any, Traced]] = {}
        self._taken: dict[int, Any] = {}
        self._undo: list[Callable[[], None]] = []
        self._codes: set[tuple[CodeType, int]] = set()
        self._scopes: set[int] = set()

    def __enter__(self) -> Loan:
        state, numbers = np.random.get_state(), random.getstate()  # noqa: NPY002
        self._undo += [partial(np.random.set_state, state), partial(random.setstate, numbers)]
        self._profile: Any = sys.getprofile()
        sys.setprofile(self._called)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setprofile(None)
        if hasattr(self._profile, "enable"):  # Python's own profiler, which is no function
            self._profile.enable()
        else:
            sys.setprofile(self._profile)
        for undo in reversed(self._undo):
            undo()

    def traced(self, array: Any) -> Traced | None:
        """What stands for an array."""
        found = self._traced.get(id(array))
        return None if found is None else found[1]

    def parameter(self, place: Place) -> Traced | None:
        """What stands for a parameter; a plain number is put there as one of NumPy's."""
        value = self.take(place.read())
        if is_number(value) and place.steps:
            kind, key = place.steps[-1]
            owner = Place("", place.root, place.steps[:-1]).read()
            value = self._recording.input(np.float64(value))
            if kind == ".":
                object.__setattr__(owner, key, value)
            elif isinstance(owner, (MutableMapping, MutableSequence)):
                owner[key] = value
            else:
                return None
        return value if type(value) is Traced else None

    # Functions, and what they use

    def use(self, fn: Any) -> None:
        """A function that is about to be called: what it closes over, and what it is a method of."""
        if fn is not None:
            self.take(fn)
            code = getattr(inspect.unwrap(fn) if callable(fn) else fn, "__code__", None)
            if code is not None:
                self._use(code, inspect.unwrap(fn).__globals__)

    def _called(self, frame: FrameType, event: str, arg: Any) -> None:
        """A function of the author's is about to run."""
        code = frame.f_code
        if event == "call" and is_authors(code.co_filename):
            self._use(code, frame.f_globals)
            passed_on(self._recording, frame)
        elif event == "return" and is_authors(code.co_filename):
            given_back(self._recording, arg, frame)
            kept(self._recording, frame)
            self._recording.returned(arg, frame)
            received(self._recording, arg, frame)

    def _use(self, code: CodeType, scope: dict[str, Any]) -> None:
        if (code, id(scope)) in self._codes:
            return
        self._codes.add((code, id(scope)))
        if id(scope) not in self._scopes:
            self._scopes.add(id(scope))
            self._undo.append(partial(_restore_dict, scope, dict(scope)))
        for name in _names(code):
            value = scope.get(name)
            if isinstance(value, ModuleType):
                if value.__name__.split(".")[0] == "numpy":
                    scope[name] = wrapped(value, self._recording)
                continue
            library = getattr(value, "__module__", None) or ""
            if callable(value) and library.split(".")[0] == "numpy":
                scope[name] = wrapped(value, self._recording)
            elif value is not None:
                taken = self.take(value)
                if taken is not value:
                    scope[name] = taken
                _call(taken, name)

    # Containers

    def given(self, value: Any) -> Any:
        """An argument of the function's; a float is traced too, so that what is computed from it alone is known."""
        return self._recording.input(np.float64(value)) if type(value) is float else self.take(value)

    def take(self, value: Any) -> Any:
        """`value` with what is traced in the place of arrays; containers are the same ones, filled otherwise."""
        if type(value) is np.ndarray and value.dtype.kind in "fiub":
            if id(value) not in self._traced:
                self._traced[id(value)] = (value, self._recording.input(value))
            return self._traced[id(value)][1]
        if isinstance(value, tuple):
            return self._take_tuple(value)
        if id(value) in self._taken or isinstance(value, (str, int, float, type, ModuleType)):
            return value
        self._taken[id(value)] = value
        self._follow(value)
        return value

    def _take_tuple(self, value: tuple[Any, ...]) -> Any:
        parts = [self.take(part) for part in value]
        if all(a is b for a, b in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)

    def _follow(self, value: Any) -> None:
        """Fill a container with what is traced, and remember what it was."""
        if isinstance(value, MutableMapping):
            self._undo.append(partial(_restore_dict, value, dict(value)))
            self._fill(value, list(value.items()))
        elif isinstance(value, MutableSequence) and not isinstance(value, (bytearray, memoryview)):
            self._undo.append(partial(_restore_list, value, list(value)))
            self._fill(value, list(enumerate(value)))
        elif isinstance(value, (np.random.Generator, np.random.RandomState)):
            bits = value.bit_generator if isinstance(value, np.random.Generator) else value._bit_generator
            self._undo.append(partial(setattr, bits, "state", bits.state))
        elif isinstance(value, MethodType):
            self.take(value.__self__)
            self.take(value.__func__)
        elif isinstance(value, FunctionType):
            for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                self._take_cell(cell, name)
        elif isinstance(value, partial):
            self.take(value.func)
        else:
            self._take_object(value)

    def _fill(self, container: Any, entries: list[tuple[Any, Any]]) -> None:
        for key, part in entries:
            taken = self.take(part)
            if taken is not part:
                container[key] = taken

    def _take_cell(self, cell: Any, name: str) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # empty
            return
        if isinstance(value, ModuleType) and value.__name__ == "numpy":
            taken = wrapped(value, self._recording)
        else:
            taken = self.take(value)
            _call(taken, name)
        self._undo.append(partial(setattr, cell, "cell_contents", value))
        cell.cell_contents = taken

    def _take_object(self, value: Any) -> None:
        attributes = _attributes(value)
        if not attributes and not _is_followed(type(value)):
            return
        self._undo.append(partial(_restore_object, value, attributes))
        for name, part in attributes.items():
            taken = self.take(part)
            if taken is not part:
                object.__setattr__(value, name, taken)


def _call(value: Any, name: str) -> None:
    """Remember the variable in which an array was found."""
    if type(value) is Traced and value.symbol.name is None:
        value.symbol.name = name


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _restore_dict(container: Any, before: dict[Any, Any]) -> None:
    if list(container) != list(before):
        container.clear()
        container.update(before)
        return
    for key, value in before.items():
        if container[key] is not value:
            container[key] = value


def _restore_list(container: Any, before: list[Any]) -> None:
    if len(container) != len(before) or any(a is not b for a, b in zip(container, before, strict=True)):
        container.clear()
        container.extend(before)


def _restore_object(value: Any, before: dict[str, Any]) -> None:
    for name in set(_attributes(value)) - set(before):
        object.__delattr__(value, name)
    for name, part in before.items():
        if getattr(value, name, _MISSING) is not part:
            object.__setattr__(value, name, part)


# The parameters


class Parameter(NamedTuple):
    """A parameter: how it is called, what stood for it when the run began, and where it is kept."""

    name: str
    var: Var
    place: Place | None
