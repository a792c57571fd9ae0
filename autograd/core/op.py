"""An operation is one record: a NumPy function, its derivative rules, their mathematics, samples.

A rule maps the gradient that arrives at the output to the gradient of one operand. With `y = f(a, b)`
and `g = dL/dy`, the rule of `a` is `lambda g, y, a, b: dL/da`, written as NumPy code, so the same text
computes on arrays, records on Tensors, and prints as a derivation. It writes nothing in place and
reads shapes by `np.shape`. See Griewank and Walther, "Evaluating Derivatives", chapter 3.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from autograd.core.calls import NEEDED, bound, covering, defaults, leading, names_of
from autograd.core.node import NOTHING, Node

Rule = Callable[..., Any]
SIMPLE: Final = {  # what holds no Tensor
    int, float, bool, str, type, slice, np.ndarray, np.float64, np.int64, *map(type, (None, ..., np._NoValue)),
}  # fmt: skip
if TYPE_CHECKING:  # NumPy loads its generators on first use
    Sample = Callable[[np.random.Generator], tuple[Any, ...]]
else:
    Sample = Callable[[Any], tuple[Any, ...]]


class Op:
    """What `defop` records; its parameters are described there."""

    fn: Callable[..., Any]
    name: str
    label: str
    forward: Callable[..., Any]
    vjp: Sequence[Rule | None]
    math: tuple[str, ...]
    samples: tuple[Sample, ...]
    ties: str
    role: str
    remedy: str
    adapt: Callable[..., tuple[tuple[Any, ...], Mapping[str, Any]]] | None
    broadcasts: bool
    variadic: bool
    live: Mapping[str, Callable[..., Any]]
    against_constant: Op | None
    operands: tuple[str, ...]
    options: frozenset[str]
    count: int  # how many operands a call that goes as it is begins with; -1 where none does

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """The user's call in the form that rules take: operands by position, options by keyword.

        Raises TypeError for an argument that the rules do not cover (`dtype=`, `out=`, `where=`).
        """
        if self.adapt is not None:
            try:
                return self.adapt(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{self.name}: {error}; its derivative does not cover that") from None
            except (ValueError, IndexError) as error:
                raise named(self.name, args, error) from error
        operands = self.operands
        if not kwargs and len(args) <= len(operands):
            return args, kwargs
        if len(operands) <= len(args) <= self._positional and kwargs.keys() <= self.options:
            return args, kwargs
        known = (*operands, *sorted(self.options))
        given = bound(self.name, self._taken or dict.fromkeys(known, NEEDED), known, args, kwargs)
        return tuple([given.pop(key) for key in operands if key in given]), given

    @cached_property
    def _taken(self) -> dict[str, Any]:
        taken = defaults(self.fn)
        if isinstance(self.fn, np.ufunc):  # its operands have names of their own, and go by position
            taken = dict.fromkeys(self.operands, NEEDED) | dict(list(taken.items())[len(self.operands) :])
        return taken

    @cached_property
    def as_it_is(self) -> int:
        """How many arguments of a call may come by position for it to be what the rules take; -1: never."""
        return -1 if self.count < 0 else self._positional

    @cached_property
    def _positional(self) -> int:
        """How many arguments may come by position, as NumPy and the rules have them in the same order."""
        rule = self.vjp[0] if self.vjp[0] is not None else next(rule for rule in self.vjp if rule is not None)
        names = () if self.variadic else names_of(rule)[2:]
        return max(len(self.operands), leading(names, self._taken))


class Composite(NamedTuple):
    """What `defcomposite` records."""

    fn: Callable[..., Any]
    name: str
    body: Callable[..., Any]
    math: str
    samples: tuple[Sample, ...]
    ties: str


class _EachOperand(Sequence[Rule]):
    """The rules of an operation with any number of operands: one rule that is told which."""

    def __init__(self, rule: Rule, first: int = 0) -> None:
        self._rule, self._first = rule, first
        self._known = [partial(rule, position) for position in range(first, 2 * first + 8)]
        self._later: _EachOperand | None = None

    def __getitem__(self, position: Any) -> Any:
        return partial(self._rule, self._first + position)

    def __iter__(self) -> Iterator[Rule]:
        if self._later is None:
            self._later = _EachOperand(self._rule, 2 * self._first + 8)
        return chain(self._known, self._later)

    def __len__(self) -> int:
        return 1


_OPS: Final[dict[Any, Op]] = {}
find = _OPS.get  # the record of a NumPy function, or None
_COMPOSITES: Final[dict[Any, Composite]] = {}
_PLAIN: Final[dict[Any, str]] = {}


def defop(
    fn: Callable[..., Any],
    *,
    vjp: Rule | tuple[Rule | None, ...],
    math: str | tuple[str, ...],
    samples: Sequence[Sample],
    label: str = "",
    name: str = "",
    forward: Callable[..., Any] | None = None,
    adapt: Callable[..., tuple[tuple[Any, ...], Mapping[str, Any]]] | None = None,
    broadcasts: bool | None = None,
    variadic: bool = False,
    live: Mapping[str, Callable[..., Any]] = NOTHING,
    against_constant: tuple[Rule | None, ...] = (),
    ties: str = "",
    role: str = "",
    remedy: str = "",
) -> Op:
    r"""Record the derivative of `fn`.

    Args:
        fn: the NumPy function that users call.
        vjp: a rule for each operand, in order; `None` where there is no derivative (an index).
        math: the rules in LaTeX: `\bar y` is the gradient that arrives, `\bar a` what the rule gives.
        samples: functions of a random generator that give the arguments of a call that the tests
            make, away from kinks; a last element that is a dictionary holds keyword arguments.
        label: what a picture shows; the function's name by default.
        name: how source code calls it; found from `fn` by default.
        forward: computes the value in place of `fn`, to the same digits, where that is faster.
        adapt: turns a call's arguments into operands and options, where they are not so already; it is asked at every
            call where its own first parameters are not the operands.
        broadcasts: whether the operands are broadcast, so that the engine sums back; true for
            element-by-element ufuncs.
        variadic: any number of operands; then `vjp` is one rule that takes the position first.
        live: by the name of an option that may hold a Tensor, the same function in NumPy code that has rules; it
            takes the record's operands and options, and is run where that option holds one.
        against_constant: the rules to use where the only other operand is a constant.
        ties: what happens where the derivative is not unique.
        role: its part in a network, for names, pictures and the judge: "product" (sums over products), "activation",
            "loss" (of a prediction and a target), "penalty" (of parameters alone), "index" (chooses elements by
            position), "shape" (the same elements in another shape), "extreme" (the largest or smallest), "choice" (by
            a condition).
        remedy: what to do where it gives NaN or an infinity, for `detect_anomaly`.

    Raises:
        ValueError: a record without mathematics or samples, or recorded twice.

    >>> import numpy as np
    >>> from autograd.core.op import lookup
    >>> lookup(np.multiply).math[0]
    '\\bar a = \\bar y \\odot b'
    """
    op = Op()
    op.fn = fn
    op.name = name or qualified_name(fn)
    op.label = label or op.name.rpartition(".")[2]
    op.forward = forward or _implementation(fn)
    op.math = (math,) if isinstance(math, str) else math
    op.samples = tuple(samples)
    op.ties = ties
    op.role, op.remedy = role, remedy
    op.adapt = adapt
    if broadcasts is None:
        broadcasts = isinstance(fn, np.ufunc) and fn.signature is None
    op.broadcasts = broadcasts
    op.variadic = variadic
    op.live = live
    rules = vjp if isinstance(vjp, tuple) else (vjp,)
    op.vjp = _EachOperand(rules[0]) if variadic and rules[0] else rules
    if not all(op.math) or not op.samples or len(op.math) != sum(rule is not None for rule in rules):
        raise ValueError(f"{op.name}: a record has mathematics for each rule, and samples")
    if fn in _OPS:
        raise ValueError(f"{op.name} is recorded already")
    names = names_of(next(rule for rule in rules if rule is not None))[3 if variadic else 2 :]
    count = 0 if variadic else len(rules)
    op.operands, op.options = names[:count], frozenset(names[count:])
    op.count = -1 if variadic else count
    if adapt is not None and not variadic:
        with_rules = rules.index(None) if None in rules else count
        op.count = with_rules if names_of(adapt)[:with_rules] == names[:with_rules] else -1
    op.against_constant = None
    if against_constant:
        op.against_constant = other = Op()
        vars(other).update(vars(op), vjp=against_constant)
    _OPS[fn] = op
    return op


def _implementation(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's or ours without its dispatcher, which would look for Tensors among the arrays once more."""
    home = getattr(fn, "__module__", "") or ""
    return getattr(fn, "__wrapped__", fn) if home.startswith(("numpy", "autograd.rules")) else fn


def qualified_name(fn: Callable[..., Any]) -> str:
    """How a program that imports NumPy as `np` calls `fn`."""
    if isinstance(fn, np.ufunc):  # these have no module
        return f"np.{fn.__name__}" if getattr(np, fn.__name__, None) is fn else fn.__name__
    module = getattr(fn, "__module__", None) or ""
    if module.partition(".")[0] != "numpy":
        return fn.__name__
    return f"np{module.removeprefix('numpy')}.{fn.__name__}".replace("np.lib.scimath", "np.emath")


def defplain(*functions: Callable[..., Any], why: str) -> None:
    """Record functions that give plain arrays: piecewise constant, or about shapes and dtypes."""
    _PLAIN.update(dict.fromkeys(functions, why))


def is_plain(fn: Any) -> bool:
    """Whether `fn` applied to Tensors gives plain arrays or Python values."""
    return fn in _PLAIN


def plain_functions() -> Mapping[Any, str]:
    """Every function that gives plain arrays, and why."""
    return _PLAIN


def defcomposite(
    fn: Callable[..., Any],
    body: Callable[..., Any],
    *,
    math: str,
    samples: Sequence[Sample],
    ties: str = "",
) -> None:
    """Record `fn` as a composition: `body` is the same function in NumPy code that has rules.

    `body` takes the arguments of `fn` that it covers, under the same names, and is run on Tensors.
    Others are refused by name, unless they are None or as by default.
    """
    if not math or not samples:
        raise ValueError(f"{qualified_name(fn)}: a composition has mathematics, and samples")
    if fn in _OPS or fn in _COMPOSITES:
        raise ValueError(f"{qualified_name(fn)} is recorded already")
    name = qualified_name(fn)
    _COMPOSITES[fn] = Composite(fn, name, covering(name, fn, body), math, tuple(samples), ties)


def composite(fn: Any) -> Callable[..., Any] | None:
    """The body of a composition, or None."""
    found = _COMPOSITES.get(fn)
    return None if found is None else found.body


def operations() -> tuple[Op, ...]:
    """All records with rules, in the order of their definition."""
    return tuple(_OPS.values())


def composites() -> tuple[Composite, ...]:
    """All compositions, in the order of their definition."""
    return tuple(_COMPOSITES.values())


def lookup(fn: Any) -> Op:
    """The record of a NumPy function; TypeError where there is none."""
    try:
        return _OPS[fn]
    except KeyError:
        raise TypeError(
            f"{qualified_name(fn)} has no derivative rule, so a Tensor cannot go through it. "
            "Write it with functions that have one, or pass t.detach().numpy() where no gradient is needed"
        ) from None


@lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype[Any]) -> Any:
    return np.ones(n, dtype)


@lru_cache(maxsize=256)
def _stretched(shape: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of length 1 in `shape` that are longer, or empty, in `to`."""
    return tuple(i for i, n in enumerate(shape) if n == 1 != to[i])


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes along which an operand of shape `shape` was broadcast.

    Where `a` is used several times, the contributions of its uses are added; broadcasting is use.

    >>> import numpy as np
    >>> unbroadcast(np.ones((3, 4)), (4,)).tolist()
    [3.0, 3.0, 3.0, 3.0]
    """
    lead = g.ndim - len(shape)
    if lead == 1 and g.ndim == 2 and type(g) is np.ndarray and g.dtype.char in "fd":
        g = _ones(len(g), g.dtype).dot(g)  # the same sum by BLAS, in a third of the time
    elif lead:
        g = np.add.reduce(g, axis=tuple(range(lead)) if lead > 1 else 0)
    if 1 in shape and g.shape != shape:
        g = np.add.reduce(g, axis=_stretched(shape, g.shape), keepdims=True)
    return g


def plain(value: Any) -> Any:
    """`value` with the data in place of every Tensor, inside lists, tuples and dictionaries too."""
    kind = type(value)
    if kind in SIMPLE:
        return value
    if kind is list or kind is tuple:
        return kind([plain(part) for part in value])
    if hasattr(value, "_node"):
        return value._node.value
    if kind is dict:
        return {key: plain(part) for key, part in value.items()}
    return value


def holds_tensor(value: Any) -> bool:
    """Whether it is a Tensor, or a list or tuple with one inside."""
    if type(value) is list or type(value) is tuple:
        for part in value:  # noqa: SIM110  (any() takes three times as long)
            if type(part) not in SIMPLE and holds_tensor(part):
                return True
        return False
    return hasattr(value, "_node")


def is_flat(value: Any) -> bool:
    """Whether it is a tuple that holds no Tensor and no list, such as several axes."""
    if type(value) is not tuple:
        return False
    for part in value:  # noqa: SIM110  (all() takes three times as long)
        if type(part) not in SIMPLE and not is_flat(part):
            return False
    return True


def gathered(value: Any) -> Any:
    """A number or nested list as an array; a list that holds Tensors as one Tensor, so that gradients reach them."""
    if hasattr(value, "_node") or hasattr(value, "ndim"):
        return value
    return np.stack([gathered(part) for part in value]) if holds_tensor(value) else np.asarray(value)


def describe(value: Any) -> str:
    """A name or a stand-in, and the shape: what an error calls an operand."""
    node = getattr(value, "_node", value)
    if isinstance(node, Node):
        kind = "Tensor" if node.op is None else "an item" if node.op.fn is operator.getitem else node.op.name
        return f"{node.note('name') or kind} of shape {np.shape(node.value)}"
    if type(value) in (list, tuple) and holds_tensor(value):  # its parts need not fit together
        return f"[{', '.join(map(describe, value[:3]))}{', ...' * (len(value) > 3)}]"
    return f"{type(value).__name__} of shape {np.shape(value)}"


def blame(op: Op, args: tuple[Any, ...], error: Exception) -> Exception:
    """The error NumPy raised, told with the operation, the operands' names and shapes, and a cure."""
    operands = args if op.variadic else args[: len(op.vjp)]
    cure = ""
    if op.fn in (np.matmul, np.dot):
        cure = ". The last axis of the first and the second-to-last (or only) axis of the second must agree"
    elif op.broadcasts and "broadcast" in str(error):
        cure = ". Axes pair up from the right, and the two of a pair are equal or one of them is 1"
    elif op.fn is np.einsum and "broadcast" in str(error):
        cure = ". An index has one length in all operands that have it"
    if op.fn is operator.getitem or op.name == "put":
        verb = "indexing" if op.fn is operator.getitem else "writing to"
        written = f", of {describe(args[2])}" if len(args) > 2 else ""
        return _again(error, f"{verb} {describe(args[0])} at [{_place(args[1])}]{written}: {error}{cure}")
    return named(op.name, operands, error, cure)


def _place(index: Any) -> str:
    """An index as a program writes it, arrays by their shapes."""
    if isinstance(index, tuple):
        return ", ".join(map(_place, index))
    if isinstance(index, slice):
        parts = (index.start, index.stop) if index.step is None else (index.start, index.stop, index.step)
        return ":".join("" if part is None else str(part) for part in parts)
    if index is Ellipsis:
        return "..."
    return repr(index) if index is None or isinstance(index, (int, float, str, np.generic)) else describe(index)


def named(name: str, operands: Iterable[Any], error: Exception, cure: str = "") -> Exception:
    """An error of the same kind that says in which function, of what operands, and a cure."""
    told = " and ".join(describe(arg) for arg in operands if not isinstance(arg, (slice, tuple)) and not callable(arg))
    name = name.replace("packed_", "np.linalg.")
    return _again(error, f"{name} of {told}: {error}{cure}" if told else f"{name}: {error}{cure}")


def _again(error: Exception, message: str) -> Exception:
    for kind in (type(error), IndexError, ValueError, TypeError):
        if isinstance(error, kind):
            try:
                return kind(message)
            except TypeError:  # an error of NumPy's that takes other arguments
                continue
    error.add_note(message)
    return error
