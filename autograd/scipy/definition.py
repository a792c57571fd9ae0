"""How a function of SciPy's is recorded: under a name of ours that Tensors reach, which stands for SciPy's own.

The ufuncs of `scipy.special` reach a Tensor by themselves, as NumPy's do. No other function of SciPy's asks NumPy's
protocols, so it has a twin here, which does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

from autograd.basis.signatures import qualified_name
from autograd.core.errors import describe
from autograd.core.op import Sample, holds_tensor, stack_nested
from autograd.numpy.arrays import as_tensor, has_gradient
from autograd.numpy.namespace import REPLACED, ours
from autograd.rules.definition import defcomposite, defop, dispatched

Function = Callable[..., Any]


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

    `on_arrays` is what it is for real numbers, where SciPy's may give complex ones.
    """
    call = theirs if isinstance(theirs, np.ufunc) else twin(theirs, on_arrays)
    name = f"scipy.special.{theirs.__name__}" if isinstance(theirs, np.ufunc) else qualified_name(theirs)
    if isinstance(vjp, tuple) and None in vjp:
        fields["adapt"] = _with_constants(name, vjp)
    defop(call, name=name, vjp=vjp, math=math, samples=samples, **fields)
    return call


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
