"""How a function of SciPy's is recorded: under a name of ours that Tensors reach, which stands for SciPy's own.

The ufuncs of `scipy.special` reach a Tensor by themselves, as NumPy's do. No other function of SciPy's asks NumPy's
protocols, so it has a twin here, which does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from autograd.basis.signatures import qualified_name
from autograd.core.errors import describe
from autograd.core.op import Rule, Sample, holds_tensor, stack_nested
from autograd.numpy.arrays import as_tensor, has_gradient
from autograd.numpy.namespace import REPLACED, ours
from autograd.rules.definition import defcomposite, defop, dispatched

Function = Callable[..., Any]
# Of a central difference of the eighth order: the weights of f(a + k h) - f(a - k h), for k from 1 on
_WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


class Parameter(NamedTuple):
    """In place of a rule: a parameter in which no formula is known, above `low` where the function has an end."""

    low: float | None = None


def twin(theirs: Function, on_arrays: Function | None = None) -> Function:
    """`theirs`, through NumPy's protocol as its own functions are: on a Tensor its record or composition is used."""
    asks = dispatched(wraps(theirs)(on_arrays) if on_arrays else theirs)

    @wraps(theirs)
    def call(*args: Any, **kwargs: Any) -> Any:
        args = tuple([stack_nested(arg) if type(arg) is list and holds_tensor(arg) else arg for arg in args])
        return as_tensor(asks(*args, **kwargs))

    REPLACED[theirs] = REPLACED[call] = call
    return asks


def composed(theirs: Function, *, math: str, samples: Sequence[Sample], ties: str = "") -> Callable[[Function], Any]:
    """Record a function of SciPy's as a composition: the decorated body is the same in functions that have rules.

    The name of the body stands for the function itself, as rules and other bodies call it.
    """

    def record(body: Function) -> Function:
        call = twin(theirs)
        defcomposite(call, body, math=math, samples=samples, ties=ties)
        return call

    return record


def recorded(
    theirs: Function, *, vjp: Any, math: Any, samples: Sequence[Sample], on_arrays: Any = None, **fields: Any
) -> Any:
    """Record the rules of a function of SciPy's; a parameter whose rule is None takes no gradient, and says so.

    The rule of a `Parameter` is a central difference of the eighth order, of steps that the function hardly bends in.
    `on_arrays` is what it is for real numbers, where SciPy's may give complex ones.
    """
    call = theirs if isinstance(theirs, np.ufunc) else twin(theirs, on_arrays)
    name = f"scipy.special.{theirs.__name__}" if isinstance(theirs, np.ufunc) else qualified_name(theirs)
    if isinstance(vjp, tuple) and any(isinstance(rule, Parameter) for rule in vjp):
        slots = iter([math] if isinstance(math, str) else math)
        math = tuple([_DIFFERENCE % k if isinstance(rule, Parameter) else next(slots) for k, rule in enumerate(vjp, 1)
                      if rule is not None])  # fmt: skip
        vjp = tuple([_difference(call, k, rule, len(vjp)) if isinstance(rule, Parameter) else rule
                     for k, rule in enumerate(vjp)])  # fmt: skip
    if isinstance(theirs, np.ufunc):  # whose slopes may be infinite anywhere
        fields.setdefault("remedy", f"keep the arguments of {name} inside of where it is smooth")
    if isinstance(vjp, tuple) and None in vjp:
        fields["adapt"] = _with_constants(name, vjp)
    defop(call, name=name, vjp=vjp, math=math, samples=samples, **fields)
    return call


_DIFFERENCE = r"\bar p_%d = \bar y \odot \partial y / \partial p"


def difference(fn: Function, at: Any, step: Any) -> Any:
    """The derivative of `fn` by a central difference of the eighth order."""
    return sum(weight * (fn(at + k * step) - fn(at - k * step)) for k, weight in enumerate(_WEIGHTS, 1)) / step


def _difference(fn: Function, position: int, parameter: Parameter, count: int) -> Rule:
    """The rule of a parameter, by differences."""

    def slope(*args: Any) -> Any:
        at, low = args[position], parameter.low
        step = 0.02 if low is None else 0.02 * (at - low) / (1 + at - low)
        return difference(lambda moved: fn(*args[:position], moved, *args[position + 1 :]), at, step)

    rules: dict[int, Rule] = {
        2: lambda g, y, a, x: g * slope(a, x),
        3: lambda g, y, a, b, x: g * slope(a, b, x),
        4: lambda g, y, a, b, c, x: g * slope(a, b, c, x),
    }
    return rules[count]


def _with_constants(name: str, rules: tuple[Any, ...]) -> Function:
    """The form of a call whose operands without a rule hold no gradient."""

    def adapt(*args: Any, **options: Any) -> Any:
        for position, (arg, rule) in enumerate(zip(args, rules, strict=False)):
            if rule is None and has_gradient(arg):
                raise TypeError(
                    f"{name}: no derivative with respect to argument {position + 1}, {describe(arg)}; pass it "
                    "detached where no gradient is meant"
                )
        return args, options

    return adapt


def attributes(module: ModuleType) -> Callable[[str], Any]:
    """`__getattr__` of a module of ours that stands for one of SciPy's."""
    return lambda name: ours(getattr(module, name))
