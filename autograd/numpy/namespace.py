"""A module of NumPy's kind as code sees it whose arrays are Tensors: one wrapper for all of its functions.

NumPy calls a Tensor by its protocols wherever one is an argument. What the protocols cannot see are functions that
make arrays, and lists of Tensors. So a `Namespace` stands in front of a module. Its functions stack lists of Tensors,
call the module's own function, and give every array of floats as a Tensor without a gradient, which can be written
into. Integers and booleans stay NumPy's: they are positions, labels and masks.

`REPLACED` is the table of what stands for what; `replaces` adds to it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

import numpy as np

from autograd.array.conversion import refusal
from autograd.array.tensor import Tensor
from autograd.basis.signatures import qualified_name
from autograd.core.op import holds_tensor, plain, stack_nested
from autograd.numpy.arrays import as_tensor, drawing, has_gradient
from autograd.rules.composed.complex import as_complex, holds_complex, is_complex

INSTANCES: Final[dict[type, Any]] = {}  # somebody's class: what makes of an object one that takes Tensors
REPLACED: Final[dict[Any, Any]] = {}  # somebody's function or class: ours. Filled here, and by `autograd.scipy`
UNKNOWN: Final[set[Any]] = set()  # what stands for functions of SciPy's of which no rule is known
_SEQUENCES: Final = {  # functions that take a list of arrays, and hand it to the protocols themselves
    "block", "broadcast_arrays", "choose", "column_stack", "concat", "concatenate", "dstack", "einsum", "hstack", "ix_",
    "lexsort", "meshgrid", "multi_dot", "piecewise", "row_stack", "select", "stack", "vstack", "block_diag",
}  # fmt: skip
_VIEWS: Final[tuple[type, ...]] = (type({}.values()), type({}.keys()))
_UFUNC: Final = ("accumulate", "at", "identity", "nargs", "nin", "nout", "outer", "reduce", "reduceat", "signature")
_FUNCTIONS: Final = (
    FunctionType,
    BuiltinFunctionType,
    np.ufunc,
    *map(type, (np.sum, np.random.rand, np.random.default_rng)),
)


def replaces(*theirs: Any) -> Callable[[Any], Any]:
    """Say that a function or class stands for those of somebody else, wherever these are found."""

    def record(ours: Any) -> Any:
        for each in theirs:
            makes = isinstance(each, type) and not isinstance(ours, type)
            REPLACED[each] = _class_that_makes(each, ours) if makes else ours
        return ours

    return record


def _class_that_makes(theirs: Any, make: Callable[..., Any]) -> Any:
    """A class for a function that stands for one, as code asks `isinstance` and has methods of classes."""

    kind: Any
    try:
        kind = Kind(theirs.__name__, (theirs,), {})
    except TypeError:  # one that has no subclasses
        kind = Kind(theirs.__name__, (), {})
    kind.theirs, kind.held = theirs, staticmethod(lambda value: value)
    kind.make = staticmethod(lambda *args, **options: _standing_for(theirs, make(*args, **options)))
    return kind


def _standing_for(theirs: type, made: Any) -> Any:
    """What was made in the place of somebody's object, with its class noted where it can be."""
    with suppress(AttributeError):
        made.stands_for = theirs
    return made


def ours(value: Any) -> Any:
    """What stands for a function, class, module or matrix of NumPy's or SciPy's; anything else is itself."""
    if type(value) in INSTANCES:
        return _standing_for(type(value), INSTANCES[type(value)](value))
    try:
        if value in REPLACED:
            return REPLACED[value]
    except (TypeError, ValueError):  # cannot be hashed, or compared
        return value
    wrapper: Any = None
    if isinstance(value, _FUNCTIONS) or type(value).__name__ == "fused_cython_function":  # for several dtypes
        wrapper = _WRAPPERS.get(_home(value))
    elif isinstance(value, ModuleType) and value.__name__.startswith(("numpy.", "scipy", "bottleneck")):
        wrapper = Namespace
    if wrapper is None:
        return value
    REPLACED[value] = wrapper(value)
    return REPLACED[value]


def _home(fn: Any) -> str:
    """Where a function comes from: numpy, numpy.random, or another package."""
    if isinstance(fn, np.ufunc):
        return "numpy"
    module = getattr(fn, "__module__", None) or type(getattr(fn, "__self__", None)).__module__
    if module.startswith("numpy.polynomial"):  # all in Python, as much of SciPy is
        return "scipy"
    return "numpy.random" if module.startswith("numpy.random") else str(module).partition(".")[0]


class Kind(type):
    """The class of classes that stand for one of somebody else: see `autograd.numpy.kinds`.

    A class that derives from such a one is no other than its author wrote.
    """

    theirs: Any
    of_tensor: Any
    held: Any

    def __instancecheck__(cls, value: Any) -> bool:
        if "theirs" not in vars(cls):
            return super().__instancecheck__(value)
        return isinstance(cls.held(value), cls.theirs) or issubclass(
            getattr(value, "stands_for", type(None)), cls.theirs
        )

    def __subclasscheck__(cls, kind: Any) -> bool:
        if "theirs" not in vars(cls):
            return super().__subclasscheck__(kind)
        return issubclass(kind.theirs if type(kind) is Kind else kind, cls.theirs)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "theirs" not in vars(cls):
            return super().__call__(*args, **kwargs)
        if hasattr(cls, "make"):
            return cls.make(*args, **kwargs)
        if args and holds_tensor(args[0]):
            return cls.of_tensor(stack_nested(args[0]))
        return as_tensor(cls.theirs(*args, **kwargs))

    def __eq__(cls, other: object) -> Any:
        same = other is cls or other is vars(cls).get("theirs")
        return True if same else NotImplemented  # a dtype knows better

    def __hash__(cls) -> int:
        return hash(cls.theirs) if "theirs" in vars(cls) else super().__hash__()


class Namespace(ModuleType):
    """A module with our functions in place of its own."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = ours(getattr(self._module, name))
        if not name.startswith("__"):
            vars(self)[name] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(self._module)


def _gathered(value: Any) -> Any:
    """A list with Tensors in it as one Tensor, or as one complex array."""
    return as_complex(value) if is_complex(value) else stack_nested(value)


def _with_gathered_parts(value: Any) -> Any:
    """A list of arrays, where some are lists with Tensors in them."""
    return type(value)([
        _gathered(part) if type(part) in (list, tuple) and (holds_tensor(part) or holds_complex(part)) else part
        for part in value
    ])  # fmt: skip


def _through(fn: Any) -> Any:
    """`fn`, given Tensors for lists of them, and giving Tensors for arrays of floats."""
    name = getattr(fn, "__name__", "")
    change = _gathered if name not in _SEQUENCES else _with_gathered_parts if name != "block" else None

    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            kind = type(arg)
            if change and (kind is list or kind is tuple) and (holds_tensor(arg) or holds_complex(arg)):
                args = tuple([change(a) if type(a) in (list, tuple) else a for a in args])
            elif kind in _VIEWS and change is _with_gathered_parts:  # which NumPy itself refuses
                args = tuple([list(a) if type(a) in _VIEWS else a for a in args])
            elif kind is Kind:
                args = tuple([a.theirs if type(a) is Kind else a for a in args])
        result = fn(*args, **kwargs)
        return result if type(result) is Tensor else as_tensor(result)

    if isinstance(fn, np.ufunc):
        vars(call).update({name: getattr(fn, name) for name in _UFUNC})
    return wraps(fn)(call)


def of_plain(fn: Any) -> Any:
    """`fn`, which NumPy's protocols know little of: what no gradient reaches is plain there."""

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not has_gradient((*args, *kwargs.values())):
            made = fn(*plain(args), **plain(kwargs))
            return ours(made) if type(made) in INSTANCES else as_tensor(made)
        try:
            return as_tensor(fn(*args, **kwargs))
        except TypeError as error:  # compiled code that takes NumPy's arrays only
            raise refusal(f"{qualified_name(fn)}: no derivative is known; {error}") from error

    UNKNOWN.add(call)
    return call


def _of_numpy(fn: Any) -> Any:
    """NumPy's function for a faster one of the same name."""
    return ours(getattr(np, fn.__name__, fn))


_WRAPPERS = {"numpy": _through, "numpy.random": drawing, "scipy": of_plain, "bottleneck": _of_numpy}
