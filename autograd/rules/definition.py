"""How an operation is defined: with rules, as a composition, or as a function that gives plain arrays.

NumPy's functions have signatures of their own; a call is brought into the form of the rules by them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial, wraps
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.basis.arrays import Proxy
from autograd.basis.signatures import parameter_names, qualified_name
from autograd.core.op import (
    BODIES,
    OPS,
    PLAIN_TYPES,
    Call,
    Op,
    Sample,
    find,
    holds_tensor,
    plain,
)
from autograd.core.tensor import TensorBase, apply
from autograd.core.tensor import call as tensor_call
from autograd.rules.operands import as_array

_NO_EFFECT: Final = {
    "overwrite_input", "overwrite_a", "overwrite_b", "overwrite_ab", "check_finite", "subok", "device",
    "lapack_driver", "driver",
}  # arguments that no value depends on  # fmt: skip
_REQUIRED: Final = inspect.Parameter.empty
_COMPOSITES: Final[list[Composite]] = []
PLAIN: Final[dict[Any, str]] = {}  # functions that give plain arrays, and why


def defop(fn: Callable[..., Any], **record: Any) -> Op:
    r"""Record the derivative of `fn`: see `Op`.

    Raises:
        ValueError: a record without mathematics or samples, or recorded twice.

    >>> import numpy as np
    >>> from autograd.core.op import lookup
    >>> lookup(np.multiply).math[0]
    '\\bar a = \\bar y \\odot b'
    """
    op = Op(fn, **record)
    if not op.samples:
        raise ValueError(f"{op.name}: a record has samples beside its mathematics: they test it")
    return _add(op)


def _add(op: Op) -> Op:
    if op.fn in OPS:
        raise ValueError(f"{op.name} is recorded already")
    op.adapt = op.adapt or partial(_adapted, op)
    OPS[op.fn] = op
    return op


def operation(
    fn: Callable[..., Any], *, vjp: Any, math: str | tuple[str, ...] = (), **record: Any
) -> Callable[..., Any]:
    """Record the derivative of `fn` and give the function that records on Tensors; on arrays alone it is `fn` itself.

    Args:
        fn: computes the value, of arrays, in NumPy code.
        vjp: a rule, or one for each operand: it takes the gradient that arrives, the output and the arguments.
        math: the rules in LaTeX, for pictures; without it they show the operation's name.
        record: other fields of `autograd.core.op.Op`: `name`, `label` and `role` for pictures and derivations;
            `broadcasts=True` where operands are broadcast, so that the engine sums gradients back.

    Raises:
        TypeError: something that cannot be called; a name that is no text.
        ValueError: a rule that does not take the operands; an operation that is recorded already.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> cube = operation(
    ...     lambda a: a * a * a,
    ...     name="cube",
    ...     vjp=lambda g, y, a: 3 * g * a * a,
    ...     math=r"\\bar a = 3 \\bar y \\odot a^2",
    ...     samples=[lambda rng: (rng.normal(size=3),)],
    ... )
    >>> w = Tensor(2.0, requires_grad=True)
    >>> cube(w).backward()
    >>> float(w.grad)
    12.0
    """
    rules = vjp if isinstance(vjp, tuple) else (vjp,)
    _check(fn, rules, record)
    op = _add(Op(fn, vjp, math or _named_only(record.get("name") or qualified_name(fn), rules), **record))

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(arg, TensorBase) or (type(arg) is list and holds_tensor(arg)):
                return apply(op, args) if len(args) == op.direct and not kwargs else tensor_call(fn, args, kwargs)
        return fn(*args, **kwargs)

    public = op.name.rpartition(".")[2]
    if fn.__name__ == f"_{public}":  # errors of a wrong argument, and pickles, know both by the name that users write
        fn.__qualname__ = call.__qualname__ = call.__name__ = public
    return call


def _check(fn: Any, rules: tuple[Any, ...], record: Mapping[str, Any]) -> None:
    """TypeError where an own operation has parts that are none."""
    if not callable(fn):
        raise TypeError(f"operation takes the function first, and {type(fn).__name__} cannot be called")
    if not any(rule is not None for rule in rules):
        raise TypeError("operation needs a rule: vjp=lambda g, y, a: ..., or a tuple with one for each operand")
    for rule in rules:
        if rule is not None and not inspect.isfunction(rule):
            raise TypeError(
                f"vjp is a function of g, y and the operands, or a tuple of these, not {type(rule).__name__}"
            )
    for field in ("name", "label", "role"):
        if not isinstance(record.get(field, ""), str):
            raise TypeError(f"{field} of an operation is text, not {type(record[field]).__name__}")


def _named_only(name: str, rules: tuple[Any, ...]) -> tuple[str, ...]:
    """What stands for mathematics that nobody wrote: the pull-back of each operand, by the operation's name."""
    called = "".join(letter for letter in name if letter.isalpha()) or "f"
    operands = [(*parameter_names(rule)[2:], *"abcdefgh")[k] for k, rule in enumerate(rules) if rule is not None]
    return tuple([rf"\bar {{{operand}}} = \operatorname{{{called}}}^\top(\bar y)" for operand in operands])


def dispatched(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` on arrays, through NumPy's protocol as NumPy's own functions are: on a Tensor its record is used.

    The Tensor may also stand in a tuple among the arguments, as in an index.
    """

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if type(arg) in PLAIN_TYPES:
                continue
            if isinstance(arg, TensorBase) and "out" not in kwargs:
                return tensor_call(call, args, kwargs)
            for part in arg if type(arg) is tuple else (arg,):
                if isinstance(part, Proxy):
                    return part.__array_function__(call, (), args, kwargs)
        return fn(*args, **kwargs)

    return call


class Composite(NamedTuple):
    """What `defcomposite` records."""

    fn: Callable[..., Any]
    name: str
    body: Callable[..., Any]
    math: str
    samples: tuple[Sample, ...]
    ties: str


def defcomposite(
    fn: Callable[..., Any], body: Callable[..., Any], *, math: str, samples: Sequence[Sample], ties: str = ""
) -> None:
    """Record `fn` as a composition: `body` is the same function in NumPy code that has rules.

    `body` takes the arguments of `fn` that it covers, under the same names, and is run on Tensors.
    Others are refused by name, unless they are None or as by default.
    """
    if not math or not samples:
        raise ValueError(f"{qualified_name(fn)}: a composition has mathematics, and samples")
    if find(fn) or fn in BODIES:
        raise ValueError(f"{qualified_name(fn)} is recorded already")
    name = qualified_name(fn)
    BODIES[fn] = body = _covering(name, fn, body)
    _COMPOSITES.append(Composite(fn, name, body, math, tuple(samples), ties))


def composites() -> tuple[Composite, ...]:
    """All compositions, in the order of their definition."""
    return tuple(_COMPOSITES)


def defplain(*functions: Callable[..., Any], why: str) -> None:
    """Record functions that give plain arrays: piecewise constant, or about shapes and dtypes."""
    PLAIN.update(dict.fromkeys(functions, why))
    BODIES.update({fn: _on_plain(fn) for fn in functions})


def _on_plain(fn: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: fn(*map(as_array, plain(args)), **plain(kwargs))


# Calls by NumPy's signatures


def _adapted(op: Op, *args: Any, **kwargs: Any) -> Call:
    """The arguments of a call to a NumPy function as the operands and options of its rules."""
    taken, positional = _op_parameters(op)
    count = len(op.operands)
    if count <= len(args) <= positional and kwargs.keys() <= op.options and not holds_tensor(args[count:]):
        return args, kwargs
    options = _bound(op.name, taken, (*op.operands, *sorted(op.options)), args, kwargs)
    return tuple([options.pop(key) for key in op.operands if key in options]), options


@cache  # at the first call: signatures are slow to read
def _op_parameters(op: Op) -> tuple[dict[str, Any], int]:
    """The parameters of a record's function with their defaults, and how many the rules have at the same positions."""
    taken, count = _defaults(op.fn), len(op.operands)
    if isinstance(op.fn, np.ufunc):  # its operands have names of their own, and go by position
        taken = dict.fromkeys(op.operands, _REQUIRED) | dict(list(taken.items())[count:])
    rule = next(rule for rule in op.vjp if rule is not None)
    names = () if op.variadic else parameter_names(rule)[2:]
    return taken or dict.fromkeys((*op.operands, *sorted(op.options)), _REQUIRED), max(count, _leading(names, taken))


def _covering(name: str, fn: Callable[..., Any], body: Callable[..., Any]) -> Callable[..., Any]:
    """Calls `body`, which covers some of the arguments of `fn`, with the arguments of a call to `fn`."""
    own, flags = parameter_names(body), body.__code__.co_flags
    known = frozenset(own)
    any_keyword, starred = bool(flags & inspect.CO_VARKEYWORDS), flags & inspect.CO_VARARGS

    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        args = tuple(map(as_array, args))
        kwargs = {name: as_array(value) for name, value in kwargs.items()}
        taken = _defaults(fn) or dict.fromkeys(own, _REQUIRED)
        if (starred or len(args) <= _leading(own, taken)) and (any_keyword or kwargs.keys() <= known):
            return body(*args, **kwargs)
        return body(**_bound(name, taken, taken if any_keyword else own, args, kwargs))

    return run


def _bound(
    name: str, taken: Mapping[str, Any], covered: Iterable[str], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """A call's arguments by name, without those that are as by default or change no value.

    Raises TypeError for an argument that is not covered.
    """
    bound = dict(zip(taken, args, strict=False))
    if len(bound) < len(args) or bound.keys() & kwargs.keys():
        raise TypeError(f"{name}: {len(args)} positional arguments and {sorted(kwargs)} do not fit")
    bound.update(kwargs)
    covered = tuple(covered)
    used = {
        key: value
        for key, value in bound.items()
        if key in covered
        or not (key in _NO_EFFECT or value is None or value is np._NoValue or value is taken.get(key, _REQUIRED))
    }
    unknown = used.keys() - set(covered)
    if unknown:
        raise TypeError(
            f"{name}: no derivative rule covers the argument {', '.join(sorted(unknown))}; it covers "
            f"{', '.join(covered)}. Leave it out, or do that step in another operation"
        )
    return {key: value for key, value in used.items() if value is not np._NoValue}


@cache
def _defaults(fn: Callable[..., Any]) -> dict[str, Any]:
    """The names of a function's parameters with their defaults; empty where it does not say."""
    try:
        return {name: p.default for name, p in inspect.signature(fn).parameters.items()}
    except (ValueError, TypeError):  # functions written in C may not say
        return {}


_UNSAID: Final = {  # functions with out= written in C say their parameters since NumPy 2.4
    np.dot: ("a", "b", "out"),
    np.concatenate: ("arrays", "axis", "out"),
}


@cache
def positional(fn: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the parameters that a function takes by position; none where it does not say."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (ValueError, TypeError):
        return _UNSAID.get(fn, ())
    return tuple([p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)])


def _leading(names: Iterable[str], taken: Iterable[str]) -> int:
    """How many of `names` stand at the same position in `taken`."""
    count = 0
    for name, other in zip(names, taken, strict=False):
        if name != other:
            break
        count += 1
    return count
