"""What a run of the author's function gave: its loss, and the gradient of each parameter, returned or implied.

A gradient may be returned, beside the loss or alone; be kept in an attribute or an entry (`layer.dW`); or be what an
update subtracts: of `W -= lr * dW` it is dW.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd.program.program import Var
from autograd.program.trace import Traced
from autograd.testing.reader import Gradient, Reader
from autograd.testing.recording import Recording
from autograd.testing.submission import Loan, Parameter, Place, is_number, places
from autograd.testing.updates import Updates


@dataclass
class Outcome:
    """What a run gave.

    Attributes:
        recording: all that NumPy was asked to do.
        loss: the value of the loss in the program.
        parameters, gradients: what was to be differentiated, and the author's gradients.
        missing: parameters without a gradient.
        unknown: names beside the gradients that are no parameter's.
    """

    recording: Recording
    loss: Var
    parameters: list[Parameter]
    gradients: list[Gradient]
    missing: list[Parameter]
    updates: Updates
    unknown: list[str]


def run(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], params: Any, loss: Any) -> Outcome:
    """Run an author's function on traced arrays, and read off what it gave."""
    recording = Recording()
    for name, value in _arguments(fn, args, kwargs).items():
        _check_arrays(name, value)
    args, kwargs = _numbers_as_arrays(fn, args, kwargs, params)
    found = list(_parameter_places(fn, args, kwargs, params))
    with Loan(recording) as loan:
        for function in (fn, loss if callable(loss) else None):
            loan.use(function)
        loan.take(params)
        taken, named = [loan.given(arg) for arg in args], {key: loan.given(value) for key, value in kwargs.items()}
        first: dict[str, tuple[Place, Traced]] = {}
        for place in found:
            traced = loan.parameter(place) if place.name not in first else None
            if traced is not None:
                traced.symbol.name = traced.symbol.name or place.name
                first[place.name] = (place if place.steps else place._replace(root=traced)), traced
        parameters = [Parameter(name, traced.symbol, place) for name, (place, traced) in first.items()]
        for name, value in _arguments(fn, tuple(taken), named).items():
            if type(value) is Traced:
                value.symbol.name = value.symbol.name or name
        given = loss(*taken, **named) if callable(loss) else None
        before = len(recording.lines)
        result = fn(*taken, **named)
        reader = Reader(recording, parameters, before)
        var, rest = reader.loss_of(result, given, loss)
        explicit = params is not None
        gradients = reader.gradients(rest, first, explicit)
    if not gradients:
        if reader.unknown:
            raise TypeError(
                f"check_backprop: gradients came back under the names {', '.join(reader.unknown)}, and no parameter "
                "that holds floats is called so: give parameters of floats, and their gradients by their names"
            )
        raise TypeError(
            "check_backprop: no gradient was found: return them beside the loss, `return loss, gradients`, keep them "
            "beside the parameters (`layer.dW`), or update the parameters, and give params=, what holds these"
        )
    covered = {id(g.parameter.var) for g in gradients}
    if not explicit and gradients:
        roots = {id(g.parameter.place.root) for g in gradients if g.parameter.place and g.parameter.place.steps}
        missing = [p for p in parameters if id(p.var) not in covered and p.place and id(p.place.root) in roots]
        parameters = [g.parameter for g in gradients]
    else:
        missing = [p for p in parameters if id(p.var) not in covered]
    return Outcome(recording, var, parameters, gradients, missing, reader.updates, reader.unknown)


def _parameter_places(fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], params: Any) -> Iterator[Place]:
    """Where parameters are: in what was named, else in all arguments."""
    named = _arguments(fn, args, kwargs)
    if isinstance(params, str):
        params = [params]
    if isinstance(params, (list, tuple)) and params and all(isinstance(name, str) for name in params):
        scope = getattr(inspect.unwrap(fn), "__globals__", {})
        for name in params:
            if name in named:
                yield from places(named[name], name, asked=True)
            elif name in scope:
                yield from places(scope[name], name, (("[", name),), top=scope, asked=True)
            else:
                raise KeyError(f"params: {name!r} is neither an argument of the function nor a global that it uses")
        return
    if params is None:
        for name, value in named.items():
            container = isinstance(value, (Mapping, list, tuple)) or not isinstance(value, np.ndarray)
            yield from places(value, "" if container else name)
        return
    names = {id(value): name for name, value in named.items() if isinstance(value, np.ndarray)}
    for place in places(params):
        name = names.get(id(place.read()))
        yield place if name is None else place._replace(name=name)


def _numbers_as_arrays(
    fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], params: Any
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The arguments, with arrays for plain numbers that are parameters: a bias that starts as `0.0`."""
    try:
        bound = inspect.signature(fn).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return args, kwargs
    names = params if isinstance(params, (list, tuple)) else [params]
    for name, value in bound.arguments.items():
        asked = any(isinstance(each, str) and name == each for each in names)
        if (asked or params is None) and is_number(value) and list(places(value, name, asked=asked)):
            bound.arguments[name] = np.array(float(value))
    return bound.args, bound.kwargs


def _check_arrays(name: str, value: Any) -> None:
    """TypeError for an array of another library, perhaps in a container: what is done to it is not seen."""
    if isinstance(value, (Mapping, list, tuple)):
        for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            _check_arrays(f"{name}[{key!r}]", part)
    elif hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, (np.ndarray, np.generic)):
        kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
        cure = f"{name}.detach().numpy()" if hasattr(value, "detach") else f"np.asarray({name})"
        raise TypeError(f"check_backprop: {name} is a {kind}; give an array of NumPy's, {cure}")


def _arguments(fn: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, by the names of the function's arguments."""
    try:
        bound = inspect.signature(fn).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return {f"argument {k}": arg for k, arg in enumerate(args)} | dict(kwargs)
    named: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = inspect.signature(fn).parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            named |= {f"{name}[{k}]": part for k, part in enumerate(value)}
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= value
        else:
            named[name] = value
    return named
