"""An operation is one record: a NumPy function, its derivative rules, their mathematics, samples.

A rule maps the gradient that arrives at the output to the gradient of one operand. With `y = f(a, b)`
and `g = dL/dy`, the rule of `a` is `lambda g, y, a, b: dL/da`, written as NumPy code, so the same text
computes on arrays, records on Tensors, and prints as a derivation. It writes nothing in place and
reads shapes by `np.shape`. See Griewank and Walther, "Evaluating Derivatives", chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from autograd.basis.arrays import Recorded
from autograd.basis.reads import Kept, kept
from autograd.basis.signatures import EachOperand, parameter_names, qualified_name, takes, without_dispatcher
from autograd.core.errors import named
from autograd.core.node import NO_OPTIONS

Rule = Callable[..., Any]
Call = tuple[tuple[Any, ...], Mapping[str, Any]]  # the operands by position, the options by keyword
Sample: TypeAlias = "Callable[[np.random.Generator], tuple[Any, ...]]"  # as text: loading generators takes long
PLAIN_TYPES: Final = {  # what holds no Tensor
    int, float, bool, str, type, slice, np.ndarray, np.float64, np.int64, *map(type, (None, ..., np._NoValue)),
}  # fmt: skip


class Op:
    r"""The record of one operation.

    Attributes:
        fn: the NumPy function that users call.
        vjp: a rule for each operand, in order; `None` where there is no derivative (an index).
        math: the rules in LaTeX: `\bar y` is the gradient that arrives, `\bar a` what the rule gives.
        samples: functions of a random generator that give the arguments of a call that the tests
            make, away from kinks; a last element that is a dictionary holds keyword arguments.
        written: the value and the rules of a call in LaTeX, where that depends on it: takes operands and options.
        label, name: what a picture shows, and how source code calls it; found from `fn` by default.
        role: its part in a network, for names, pictures and the judge: "product" (a sum of products), "activation",
            "loss" (of a prediction and a target), "penalty" (of parameters alone), "index" (elements by position),
            "write" (at a position), "shape" (the same elements), "extreme" (the largest), "choice" (by a condition).
        forward: computes the value of NumPy arrays in place of `fn`, to the same digits, where that is faster.
        adapt: turns a call's arguments into operands and options, where they are not so already; None where that
            form of the call gives a plain array.
        broadcasts: whether the operands are broadcast, so that the engine sums back; true for
            element-by-element ufuncs.
        variadic: any number of operands; then `vjp` is one rule that takes the position first.
        parts: what the rules give to all operands at once, of arrays: takes whether it may write into the gradient,
            and what they take; a function among them adds what it stands for to the array that it is called with.
        composed: by the name of an option that may hold a Tensor, the same in NumPy code that has rules, run then.
        zeros, root: what a 0 of its rules means, "choice", "nan", "factor" or "overflow", and, of the operands,
            where the first rule's slope is infinite as a square root's is: see `autograd.array.careful`.
        against_constant: the rules to use where the only other operand is a constant; then a record with these.
        ties: what happens where the derivative is not unique.
        remedy, cure: what to do where it gives NaN or an infinity, for `detect_anomaly`, and where it raises.
        in_chunks: computes the value of lazy arrays, where their library's function is slow, or is another one.
        elsewhere: the same in NumPy code that has rules, run in its place where an operand is another library's array.
        on_any_array: computes the value through NumPy's protocol, for data that is no NumPy array.
        wary: whether it may throw something away, "always" or by its "values", or has a "pole", as above.
        operands, options: the names of its arguments.
        kept: what a graph keeps of a call, by the operands that are differentiable and those that are arrays.
        direct: a call of so many arguments or fewer, without options, is in the rules' form; -1 where none is.
    """

    fn: Callable[..., Any]
    vjp: Any
    math: Any
    samples: Sequence[Sample] = ()
    written: Any = None
    label: str = ""
    name: str = ""
    role: str = ""
    forward: Any = None
    adapt: Any = None
    broadcasts: bool | None = None
    variadic: bool = False
    parts: Any = None
    composed: Any = None
    zeros: str = ""
    root: Any = None
    against_constant: Any = None
    ties: str = ""
    remedy: str = ""
    cure: str = ""
    in_chunks: Any = None
    elsewhere: Any = None

    def __init__(self, fn: Callable[..., Any], vjp: Any, math: Any, **fields: Any) -> None:
        if unknown := fields.keys() - Op.__annotations__:
            raise TypeError(f"a record has no field {', '.join(sorted(unknown))}")
        vars(self).update(fields, fn=fn, vjp=vjp, math=math)
        forward, rules = self.forward, vjp if isinstance(vjp, tuple) else (vjp,)
        self.name = self.name or qualified_name(fn)
        self.label = self.label or self.name.rpartition(".")[2]
        self.math = (self.math,) if isinstance(self.math, str) else self.math
        if not all(self.math) or len(self.math) != sum(rule is not None for rule in rules):
            raise ValueError(f"{self.name}: a record has mathematics for each rule")
        if self.broadcasts is None:
            self.broadcasts = isinstance(fn, np.ufunc) and fn.signature is None
        self.on_any_array = forward if forward and (self.adapt or isinstance(forward, np.ufunc)) else fn
        self.forward = forward or without_dispatcher(fn)
        names = parameter_names(next(rule for rule in rules if rule is not None))[3 if self.variadic else 2 :]
        count = 0 if self.variadic else len(rules)
        self.operands, self.options = names[:count], frozenset(names[count:])
        self.direct = count if self.adapt is None else -1  # a form of its own: see `bind`
        always, pole = self.role in ("choice", "index", "write"), self.remedy or self.root or self.zeros == "overflow"
        by_value = self.role == "extreme" or self.zeros in ("choice", "nan")
        self.wary = "always" if always else "pole" if pole else "values" if by_value else ""
        self.vjp = EachOperand(rules[0]) if self.variadic else rules
        self.composed = self.composed or NO_OPTIONS
        if not self.variadic and not all(takes(rule, 2 + count) for rule in rules if rule is not None):
            raise ValueError(f"{self.name}: a rule takes the gradient, the output and the {count} operands of a call")
        self.kept: dict[tuple[int, int], Kept] = {}
        if self.against_constant:  # the same record with other rules
            rules, self.against_constant = self.against_constant, None
            self.against_constant = self.but(vjp=rules)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def but(self, **fields: Any) -> Op:
        """A copy of this record with other fields, which has yet to learn what a graph keeps of its calls."""
        other = object.__new__(Op)
        vars(other).update(vars(self), kept={}, **fields)
        return other

    def look(self, which: tuple[int, int], y: Any, values: list[Any], kwargs: Mapping[str, Any]) -> Kept:
        """What is kept of calls whose differentiable operands and arrays these bits say; found at the first call."""
        tensors, arrays = ([k for k in range(len(values)) if bits >> k & 1] for bits in which)
        record = self if self.against_constant is None or len(tensors) > 1 else self.against_constant
        self.kept[which] = record.kept[which] = found = kept(record, tensors, arrays, y, values, kwargs)
        return found

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call | None:
        """The user's call in the form that rules take; None for a form of it that gives a plain array.

        Raises TypeError for an argument that the rules do not cover (`dtype=`, `where=`).
        """
        try:
            call: Call | None = self.adapt(*args, **kwargs)
            return call
        except (TypeError, ValueError, IndexError) as error:
            if str(error).startswith(self.name):
                raise
            if isinstance(error, TypeError):
                raise TypeError(f"{self.name}: {error}; its derivative does not cover that") from None
            raise named(self.name, args, error) from error


OPS: Final[dict[Any, Op]] = {}  # by the function that users call; filled by `autograd.rules`
BODIES: Final[dict[Any, Callable[..., Any]]] = {}  # what to call on Tensors for functions that have no record
LATER: Final[list[Callable[[Any], None]]] = []  # called with a function that has no record, and may load it
find = OPS.get


def operations() -> tuple[Op, ...]:
    """All records with samples, in the order of their definition; an operation of a user's may have none."""
    return tuple(op for op in OPS.values() if op.samples)


def lookup(fn: Any) -> Op:
    """The record of a NumPy function; TypeError where there is none."""
    for load in () if fn in OPS else LATER:
        load(fn)
    if fn in OPS:
        return OPS[fn]
    raise TypeError(
        f"{qualified_name(fn)} has no derivative rule, so a Tensor cannot go through it. "
        "Write it with functions that have one, or pass t.detach().numpy() where no gradient is needed"
    )


# Values, and what holds them


def plain(value: Any) -> Any:
    """`value` with the data in place of every Tensor, inside lists, tuples and dictionaries too."""
    kind = type(value)
    if kind in PLAIN_TYPES:
        return value
    if kind is list or kind is tuple:
        return kind([plain(part) for part in value])
    if isinstance(value, Recorded):
        return value._value
    return {key: plain(part) for key, part in value.items()} if kind is dict else value


def holds_tensor(value: Any) -> bool:
    """Whether it is a Tensor, or a list or tuple with one inside."""
    if type(value) is list or type(value) is tuple:
        for part in value:  # noqa: SIM110  (any() takes three times as long)
            if type(part) not in PLAIN_TYPES and holds_tensor(part):
                return True
        return False
    return isinstance(value, Recorded)


def stack_nested(value: Any) -> Any:
    """A number or nested list as an array; a list that holds Tensors as one Tensor, so that gradients reach them."""
    if isinstance(value, Recorded) or hasattr(value, "ndim"):
        return value
    return np.stack([stack_nested(part) for part in value]) if holds_tensor(value) else np.asarray(value)
