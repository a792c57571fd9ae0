"""What optimisers are given, checked: parameters; and settings, at construction, between steps and in a state."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints

import numpy as np

from autograd import Tensor
from nn.module import Module

Parameters = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Mapping[str, Tensor]
Groups = Sequence[Mapping[str, Any]]


def nonnegative(name: str, value: Any) -> float:
    """A finite number from 0 on."""
    number = isinstance(value, Real) or (isinstance(value, np.ndarray) and not value.ndim)
    if not number or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}; it must be a number, at least 0")
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value}; it must be finite, and at least 0")
    return float(value)


def positive(name: str, value: Any) -> float:
    """A finite number above 0."""
    number = nonnegative(name, value)
    if number == 0:
        raise ValueError(f"{name} is {value}; it must be above 0")
    return number


def finite(name: str, value: Any) -> float:
    """A finite number."""
    number = abs(value) if isinstance(value, Real) else value
    nonnegative(name, number)
    return float(value)


def probability(name: str, value: Any) -> float:
    """A number from 0 to 1."""
    if not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ValueError(f"{name} is {value!r}; it is a probability, from 0 to 1")
    return float(value)


def counts(name: str, value: Any) -> Any:
    """How much classes or elements count: None, or numbers from 0 on."""
    array = None if value is None else np.asarray(value.data if isinstance(value, Tensor) else value)
    if array is not None and (array.dtype.kind not in "fiub" or not np.all(np.isfinite(array) & (array >= 0))):
        raise ValueError(f"{name} is {value!r}; it holds numbers that are finite, and at least 0")
    return value


def label(name: str, value: Any) -> int | None:
    """An integer, or None."""
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {value!r}; it is a label, an integer")
    return operator.index(value)


def size(name: str, value: Any, least: int = 1) -> int:
    """An integer from `least` on."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {value!r}; it must be an integer, at least {least}")
    number = operator.index(value)
    if number < least:
        raise ValueError(f"{name} is {number}; it must be at least {least}")
    return number


def betas(name: str, value: Any) -> tuple[float, float]:
    """Two numbers from 0 to below 1."""
    given = tuple(value) if isinstance(value, (tuple, list, np.ndarray)) else ()
    if len(given) != 2 or not all(isinstance(beta, Real) and 0 <= float(beta) < 1 for beta in given):
        raise ValueError(f"{name} are {value!r}; they must be two numbers, at least 0 and below 1")
    return float(given[0]), float(given[1])


def switch(name: str, value: Any) -> bool:
    """True or False, also as a number."""
    if not isinstance(value, (bool, np.bool_)) and value not in (0, 1):
        raise TypeError(f"{name} is {value!r}; it must be True or False")
    return bool(value)


# What settings are annotated with, where an optimiser takes them
NonNegative = Annotated[float, nonnegative]
Probability = Annotated[float, probability]
Betas = Annotated[tuple[float, float], betas]
Switch = Annotated[bool, switch]


def settings_of(init: Callable[..., None]) -> Mapping[str, Callable[[str, Any], Any]]:
    """The arguments of an optimiser that are annotated with what checks them, by name."""
    hints = get_type_hints(init, include_extras=True)
    return MappingProxyType(
        {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}
    )


def groups(params: Any, optimizer: str, settings: Iterable[str]) -> list[tuple[Any, dict[str, Any]]]:
    """The parameters of each group with its own settings; none where `params` holds no dictionaries."""
    if not isinstance(params, (list, tuple)) or not any(isinstance(group, Mapping) for group in params):
        return []
    known = list(settings)
    for position, group in enumerate(params):
        if not isinstance(group, Mapping) or "params" not in group:
            raise TypeError(f'{optimizer}: group {position} is not a dictionary with "params", as the others are')
        unknown = [str(name) for name in group if name != "params" and name not in known]
        if unknown:
            raise ValueError(
                f"{optimizer}: group {position} has the settings {', '.join(unknown)}; there are {', '.join(known)}"
            )
    return [(group["params"], {name: group[name] for name in group if name != "params"}) for group in params]


def named(params: Any, optimizer: str) -> dict[str, Tensor]:
    """The parameters by name: the given one, else the Tensor's own, or all by position if some have none."""
    if isinstance(params, (Tensor, Module)):
        cure = "a list, [tensor]" if isinstance(params, Tensor) else "model.parameters()"
        raise TypeError(f"{optimizer} takes {cure}, not a {type(params).__name__} alone")
    if callable(params):
        name = getattr(params, "__name__", "parameters")
        raise TypeError(f"{optimizer} takes what {name}() gives, not the function itself: call it, as in {name}()")
    if not isinstance(params, Iterable):
        raise TypeError(f"{optimizer} takes Tensors, as model.parameters() gives them, not {type(params).__name__}")
    entries = list(params.items() if isinstance(params, Mapping) else params)
    if not entries:
        raise ValueError(f"{optimizer} got no parameters. A generator such as model.parameters() serves once")
    pairs: list[tuple[Any, Any]] = [
        entry if isinstance(entry, tuple) and len(entry) == 2 else (None, entry) for entry in entries
    ]
    for position, (name, parameter) in enumerate(pairs):
        _check_parameter(f"{optimizer}: parameter {position if name is None else name}", parameter)
    if len({id(parameter) for _, parameter in pairs}) < len(pairs):
        raise ValueError(f"{optimizer} got the same parameter twice, and would change it twice a step")
    names = [parameter.name if name is None else name for name, parameter in pairs]
    if None in names or len(set(names)) < len(names):
        names = [str(position) for position in range(len(pairs))]
    return {str(name): parameter for name, (_, parameter) in zip(names, pairs, strict=True)}


def _check_parameter(title: str, parameter: Any) -> None:
    if not isinstance(parameter, Tensor) or parameter.dtype.kind != "f":
        kind = f"Tensor of {parameter.dtype}" if isinstance(parameter, Tensor) else type(parameter).__name__
        raise TypeError(f"{title} is a {kind}; it must be a Tensor of floats, with requires_grad=True")
    if not parameter.is_leaf:
        raise ValueError(f"{title} was computed; an optimiser takes leaves, such as nn.Parameter")
    if not parameter.data.flags.writeable:
        parameter.data = parameter.data.copy()  # steps write to it
