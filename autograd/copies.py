"""Copies of somebody else's code, whose NumPy, `math` and SciPy are ours.

A `Run` calls copies of functions which have the same code and other globals; what they find there is what `Run.ours`
makes of it:

- NumPy, `math`, SciPy and what was imported from them: `autograd.numpy.namespace.ours`;
- functions of SciPy's without a rule: where a gradient reaches them, copies of them, as far as they are Python;
- functions and classes of the same package, or of files that are not installed: copies of them;
- arrays of floats: Tensors without a gradient; lists, tuples, dictionaries and objects with such in them: copies.
"""

from __future__ import annotations

import abc
import builtins
import operator
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import cache, cached_property, lru_cache, partial, wraps
from types import CellType, CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

import autograd.numpy
import autograd.scipy
from autograd.array.conversion import made_there, refused
from autograd.array.tensor import Argument, Tensor
from autograd.basis.frames import is_library, is_ours
from autograd.numpy.arrays import as_tensor, has_gradient
from autograd.numpy.kinds import complex_, float_, hasattr_, int_, isinstance_, type_
from autograd.numpy.makers import vectorize
from autograd.numpy.namespace import UNKNOWN, Namespace, of_plain, ours

_AS_IT_IS = {int, float, bool, str, bytes, complex, type(None), slice, range, Tensor, np.float64, np.int64}
_OF_A_MODULE = ("__name__", "__package__", "__spec__", "__path__", "__file__")
_OF_A_CLASS = (FunctionType, staticmethod, classmethod, property, str)  # what a metaclass may ask for
_WITH_TWINS = ("numpy", "scipy", "math", "cmath", "decimal", "statistics", "bottleneck")
_POLYNOMIAL = "numpy.polynomial"
_IN_PYTHON = (_POLYNOMIAL, "scipy._lib.array_api_extra", "scipy._external.array_api_extra",
              "scipy.signal._short_time_fft")  # always followed  # fmt: skip
_BUILTINS = vars(builtins) | {
    "float": float_, "int": int_, "complex": complex_, "type": type_, "isinstance": isinstance_, "hasattr": hasattr_,
}  # fmt: skip
_missing = object()
current: ContextVar[Run | None] = ContextVar("run", default=None)


class Entered:
    """While code of a run is running."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> None:
        noted = refused.get([])  # of the run that this one is inside of, if there is one
        self._tokens = current.set(self._run), made_there.set(as_tensor), refused.set(noted)

    def __exit__(self, *exc: object) -> None:
        current.reset(self._tokens[0])
        made_there.reset(self._tokens[1])
        refused.reset(self._tokens[2])


def package_of(value: Any) -> str:
    """The package that something is defined in."""
    if isinstance(value, str):
        return value.partition(".")[0]
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return str(name or type(value).__module__).partition(".")[0]


def _file(module: Any) -> str | None:
    """The file of a module; a prompt's has none, and is followed; a module of Python's own has none, and is not."""
    name = getattr(module, "__name__", "")
    return getattr(module, "__file__", None) or ("<prompt>" if name == "__main__" else None)


def is_code(value: Any) -> bool:
    return isinstance(value, (FunctionType, type, ModuleType))


def _full_name(code: Any) -> str:
    """The module of a function or class, or the name of a module."""
    return str(code.__name__ if isinstance(code, ModuleType) else code.__module__)


class Run:
    """One call of differentiable code: which packages it follows, and what it has made of what it met."""

    def __init__(self, packages: set[str], entered: bool = False) -> None:
        self.packages = packages - {"numpy", "scipy"} | {"array_api_compat"}  # Python around NumPy
        self.seen: dict[int, Any] = {}  # by identity: what was met, held so that it stays, and ours
        self._entered = entered  # the methods of its classes are called from outside
        self.builtins = _BUILTINS | {"__import__": self._import}

    def follows(self, package: str, file: str | None) -> bool:
        """Whether to run copies of what is defined there: in these packages, or in a file that is not installed.

        A package that says `__differentiable__ = True` is written for Tensors, and is left as it is.
        """
        if getattr(sys.modules.get(package), "__dict__", {}).get("__differentiable__") or (file and is_ours(file)):
            return False
        return package in self.packages or (file is not None and not is_library(file))

    def argument(self, value: Any) -> Any:
        """What the code is given as an argument: for a leaf one that it may write into, as into its own arrays."""
        if type(value) in (list, tuple):
            parts = [self.argument(part) for part in value]
            return value if all(map(operator.is_, parts, value)) else type(value)(parts)
        if isinstance(value, Tensor) and value.requires_grad and value._collects_grad and value._node.op is None:
            return self.seen.setdefault(id(value), (value, Argument.standing_for(value)))[1]
        return self.ours(value)

    def ours(self, value: Any) -> Any:
        """What the code is given in place of `value`."""
        if type(value) in _AS_IT_IS:
            return value
        found = self.seen.get(id(value))
        if found is None:
            found = self.seen.setdefault(id(value), (value, self._make(value)))
        return found[1]

    def _make(self, value: Any) -> Any:
        kind = type(value)
        if value is np:
            return _numpy
        if self is not _polynomials and is_code(value) and _full_name(value).startswith(_POLYNOMIAL):
            return _polynomials.ours(value)
        if isinstance(value, ModuleType):
            return self._module(value)
        if kind in (np.ndarray, np.random.Generator, np.random.RandomState):
            return as_tensor(value)
        if kind is list or kind is tuple:
            parts = [self.ours(part) for part in value]
            return value if all(map(operator.is_, parts, value)) else kind(parts)
        if kind is dict:
            changed = {key: self.ours(part) for key, part in value.items()}
            return value if all(map(operator.is_, changed.values(), value.values())) else changed
        if kind is FunctionType and self._follows_function(value):
            return self._function(value)
        if kind is MethodType:
            owner = self.ours(value.__self__)
            if owner is not value.__self__ and not self._follows_class(type(value.__self__)):  # it stands for SciPy's
                return getattr(owner, value.__name__)
            return MethodType(self.ours(value.__func__), owner)
        if kind is partial:
            options = {name: self.ours(part) for name, part in value.keywords.items()}
            return partial(self.ours(value.func), *map(self.ours, value.args), **options)
        if kind is SimpleNamespace:
            return SimpleNamespace(**self.ours(vars(value)))
        if kind is np.vectorize:
            return vectorize(self.ours(value.pyfunc), excluded=value.excluded, signature=value.signature)
        if hasattr(value, "cache_parameters"):
            return lru_cache(**value.cache_parameters())(self.ours(value.__wrapped__))
        if kind.__module__.startswith("numba") and kind.__name__ in ("CPUDispatcher", "DUFunc"):
            return self._compiled(value)
        if isinstance(value, type):
            return self._class(value) if self._follows_class(value) else _replaced(value)
        if self._follows_class(kind):
            return self._object(value)
        stands = _replaced(value)
        return self._in_python(value, stands) if kind is FunctionType and stands in UNKNOWN else stands

    def _compiled(self, value: Any) -> Any:
        """A function that numba compiles, for numbers or, a `DUFunc`, for the elements of arrays."""
        fn = value.__wrapped__
        if not self._follows_function(fn):
            return value
        return self._in_python(fn, of_plain(value), vectorize if type(value).__name__ == "DUFunc" else None)

    def _in_python(self, fn: FunctionType, of_plain: Any, lifted: Any = None) -> Any:
        """A function whose arguments are plain: where a gradient reaches it, its own code is followed."""

        @wraps(fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            if has_gradient((*args, *kwargs.values())):
                return followed()(*args, **kwargs)
            result = of_plain(*args, **kwargs)
            return self.ours(result) if isinstance(result, ModuleType) else result

        followed = cache(lambda: lifted(self._function(fn)) if lifted else self._function(fn))
        return call

    def _follows_function(self, fn: FunctionType) -> bool:
        """Also one that has taken the name of another one, as `functools.wraps` gives it, by where its code is."""
        file, name, home = fn.__code__.co_filename, str(fn.__module__), str(fn.__globals__.get("__name__"))
        for each in (name,) if name == home else (name, home):
            if each.startswith(_IN_PYTHON) or self.follows(package_of(each), file):
                return True
        return False

    def _follows_class(self, kind: type) -> bool:
        file = _file(sys.modules.get(kind.__module__))
        return kind.__module__.startswith(_IN_PYTHON) or (
            kind.__module__ != "builtins" and self.follows(package_of(kind), file)
        )

    def _function(self, fn: FunctionType) -> FunctionType:
        """The same code with other globals, defaults and closure; a copy is one already."""
        if type(fn.__globals__) is _Globals:
            return fn
        cells = tuple(map(self._cell, fn.__closure__ or ()))
        theirs: Any = fn.__globals__
        if id(theirs) not in self.seen:
            self.seen[id(theirs)] = theirs, _Globals(self, theirs)
        names = self.seen[id(theirs)][1]
        copy = FunctionType(fn.__code__, names, fn.__name__, None, cells)
        self.seen[id(fn)] = fn, copy  # before its defaults and attributes, which may hold it
        if fn.__defaults__ or fn.__kwdefaults__:
            copy.__defaults__, copy.__kwdefaults__ = self.ours(fn.__defaults__), self.ours(fn.__kwdefaults__)
        copy.__qualname__, copy.__module__, copy.__doc__ = fn.__qualname__, fn.__module__, fn.__doc__
        for name, part in vars(fn).items():
            setattr(copy, name, self.ours(part))
        return copy

    def _cell(self, cell: CellType) -> CellType:
        """A variable of an enclosing function: functions that share one share its copy."""
        if id(cell) not in self.seen:
            copy = CellType()
            self.seen[id(cell)] = cell, copy  # before its content, which may be the function itself
            with suppress(ValueError):  # empty so far
                copy.cell_contents = self.ours(cell.cell_contents)
        copied: CellType = self.seen[id(cell)][1]
        return copied

    def _class(self, cls: Any) -> Any:
        """A copy of a class, on copies of its bases; one that cannot be copied (an enumeration) is itself.

        So is a kind of array: a Tensor has none of what its author added to arrays.
        """
        if issubclass(cls, (np.ndarray, Tensor)):
            return cls
        inner = ("__dict__", "__weakref__", "_abc_impl")
        body = {name: value for name, value in vars(cls).items()
                if name not in inner and type(value) is not MemberDescriptorType}  # fmt: skip
        at_first = {name: value for name, value in body.items()
                    if name == "__slots__" or name in vars(type) or type(value) in _OF_A_CLASS}  # fmt: skip
        try:
            copy = type(cls)(cls.__name__, tuple(map(self.ours, cls.__bases__)), at_first)
        except Exception:  # a class whose own machinery refuses to be made again stays as it is
            return cls
        self.seen[id(cls)] = cls, copy  # before its methods are ours, as they name it
        self.seen[id(copy)] = copy, copy
        for name, value in body.items():
            made = self._attribute(value)
            if name not in at_first or made is not value:
                setattr(copy, name, made)
        abc.update_abstractmethods(copy)
        return copy

    def _attribute(self, value: Any) -> Any:
        kind = type(value)
        if kind in (staticmethod, classmethod):
            return kind(self.ours(value.__func__))
        if isinstance(value, property):
            made = property.__new__(self.ours(kind))
            self.seen[id(value)] = value, made  # before what it holds, which may hold it
            property.__init__(made, *[part and self.ours(part) for part in (value.fget, value.fset, value.fdel)])
            for name, part in getattr(value, "__dict__", {}).items():
                vars(made)[name] = self.ours(part)
            return made
        if kind is cached_property:
            copy = cached_property(self.ours(value.func))
            copy.__set_name__(type(None), value.attrname or "")
            return copy
        made = self.ours(value)
        return self._entering(made) if kind is FunctionType and self._entered else made

    def _entering(self, method: FunctionType) -> Any:
        """A method that is called from outside of the run."""

        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            with Entered(self):
                given = {name: self.argument(value) for name, value in kwargs.items()}
                return method(*map(self.argument, args), **given)

        return call

    def _object(self, value: Any) -> Any:
        """A copy of an object, with what it holds; one whose class is not made of plain Python is itself."""
        kind: Any = type(value)
        if issubclass(kind, tuple) and hasattr(kind, "_make"):
            return kind._make(map(self.ours, value))
        cls = self.ours(kind)
        if cls is kind or kind.__new__ is not object.__new__:
            return value
        copy = object.__new__(cls)
        self.seen[id(value)] = value, copy  # before what it holds, which may hold it
        for base in kind.__mro__:
            for name, slot in vars(base).items():
                if type(slot) is MemberDescriptorType and hasattr(value, name):
                    object.__setattr__(copy, name, self.ours(getattr(value, name)))
        if hasattr(value, "__dict__"):
            vars(copy).update({name: self.ours(part) for name, part in vars(value).items()})
        return copy

    def _module(self, module: ModuleType) -> Any:
        if module.__name__.startswith(("scipy", _POLYNOMIAL)):
            return FollowedModule(module, self.ours)
        if module.__name__.partition(".")[0] in _WITH_TWINS:
            return _replaced(module)
        if self.follows(package_of(module), _file(module)):
            return FollowedModule(module, self.ours)
        return module

    def _import(self, name: str, *args: Any) -> Any:
        """`import` inside of a function."""
        theirs = builtins.__import__
        return self.ours(theirs(name, *args))


def _eval(source: Any, names: Any = None, local: Any = None, /) -> Any:
    """`eval`, whose code asks globals for its names in a way that makes none of them ours."""
    if names is None:
        frame = sys._getframe(1)
        names, local = frame.f_globals, frame.f_locals
    code = compile(source.strip(), "<string>", "eval") if isinstance(source, str) else source
    if type(names) is _Globals:
        pending, found = [code], {"__builtins__": names["__builtins__"]}
        for part in pending:
            pending += [inner for inner in part.co_consts if isinstance(inner, CodeType)]
            for name in part.co_names:  # attributes are among them
                with suppress(KeyError):
                    found[name] = names[name]
        names = found
    return eval(code, names, local)


_BUILTINS["eval"] = _eval


def _replaced(value: Any) -> Any:
    """What stands for something of NumPy's, `math` or SciPy's."""
    if "scipy" in sys.modules:
        autograd.scipy.load()
    return ours(value)


class _Globals(dict[str, Any]):
    """The globals of a module as code finds them: each made ours when it is first asked for.

    So are the builtins that ask for a kind of number, and `import`.
    """

    def __init__(self, run: Run, theirs: dict[str, Any]) -> None:
        named = {name: theirs[name] for name in _OF_A_MODULE if name in theirs}  # `import` asks for these itself
        super().__init__(named, __builtins__=run.builtins)
        self._run, self._theirs = run, theirs

    def __missing__(self, name: str) -> Any:
        value = self._theirs.get(name, _missing)
        if value is _missing:
            return _BUILTINS[name] if name in _BUILTINS else vars(builtins)[name]  # one that a tool adds
        made = self._run.ours(value)
        if callable(made) or isinstance(made, ModuleType):  # code stays what it is; values may be set anew
            self[name] = made
        return made


class FollowedModule(Namespace):
    """A module of theirs, whose functions are ours."""

    def __init__(self, module: ModuleType, change: Callable[[Any], Any]) -> None:
        super().__init__(module)
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return self._change(getattr(self._module, name))


class _NumPy(Namespace):
    """`autograd.numpy` with its polynomials, which are Python: one copy of them serves all, as its classes know each
    other."""

    def __getattr__(self, name: str) -> Any:
        value = _polynomials.ours(np.polynomial) if name == "polynomial" else getattr(autograd.numpy, name)
        vars(self)[name] = value
        return value


_polynomials = Run(set(), entered=True)
_numpy = _NumPy(np)
