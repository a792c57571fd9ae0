r"""What a call computes, as mathematics in full for a derivation.

$\odot$ and $\oslash$ are element by element, $1[a > b]$ is 1 where that holds and else 0, and
$(x)_{i \cdot}$ is a row of $x$.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.notation.entries import FENCE, INDICES, Entry, listed, of_einsum, of_first, of_index, of_take_along_axis
from autograd.notation.literals import ATOM, POWER, PRODUCT, SUM, ndim
from autograd.notation.tree import (
    COMMANDS,
    SPACES,
    Fraction,
    Group,
    Root,
    Script,
    Space,
    Symbol,
    Tree,
    parts_of,
    role_of,
    row,
)
from autograd.notation.unicode import written
from autograd.program.program import Line, Var
from autograd.program.ratio import fraction
from autograd.rules.index import scatter

APPLIED: Final = 7  # how tightly a function holds its argument
BIG: Final = 5.5  # and the sign of a sum: less than a factor, more than a summand
_MINUS, _PLUS, _ODOT, _OSLASH = (Symbol(sign, "operator") for sign in "−+⊙⊘")
_TOP, _DOT, _DOTS = COMMANDS["top"], COMMANDS["cdot"], COMMANDS["dots"]
_OPEN, _CLOSE = Symbol("(", "open"), Symbol(")", "close")
_SMALL: Final = Space(SPACES[","])

_RELATIONS: Final[dict[Any, str]] = {
    np.greater: ">", np.less: "<", np.greater_equal: "≥", np.less_equal: "≤", np.equal: "=", np.not_equal: "≠",
}  # fmt: skip
_TURNED: Final[dict[Tree, Tree]] = {  # what holds where a relation does not
    Symbol(sign, "relation"): Symbol(other, "relation") for sign, other in zip("><≥≤=≠", "≤≥<>≠=", strict=True)
}
_FUNCTIONS: Final[dict[Any, str]] = {
    np.log: "ln", np.sin: "sin", np.cos: "cos", np.tan: "tan", np.tanh: "tanh", np.sinh: "sinh", np.cosh: "cosh",
    np.arcsin: "arcsin", np.arccos: "arccos", np.arctan: "arctan",
}  # fmt: skip
_MAX, _MIN = Symbol("max", "function"), Symbol("min", "function")
_MOST_DIGITS: Final = 7  # of a number, with its point
_PRODUCTS: Final = ("matmul", "dot", "outer", "matvec", "vecmat")  # of NumPy; the last two are new
_LOG: Final = Symbol("log", "function")
_WORDS: Final[dict[str, Tree]] = {  # functions by what mathematics calls them
    "maximum": _MAX, "minimum": _MIN, "amax": _MAX, "amin": _MIN, "expit": Symbol("σ", "function"),
    "ndtr": Symbol("Φ", "function"), "gamma": Symbol("Γ", "function"), "log2": Script(_LOG, Symbol("2", "number")),
    "log10": Script(_LOG, Symbol("10", "number")),
}  # fmt: skip
_TOTALS: Final[dict[Any, Symbol]] = {
    np.sum: COMMANDS["sum"], np.add.reduce: COMMANDS["sum"], np.mean: COMMANDS["sum"], np.prod: COMMANDS["prod"],
    np.count_nonzero: COMMANDS["sum"], np.max: _MAX, np.amax: _MAX, np.min: _MIN, np.amin: _MIN,
}  # fmt: skip
_SAME: Final = {np.broadcast_to, np.expand_dims, np.squeeze, np.astype, np.positive, np.copy, scatter}  # no word for it


def transposed(a: Tree) -> Tree:
    return Script(a, None, _TOP)


def applied(name: Tree, parts: Sequence[Tree]) -> Tree:
    """A call, f(a, b): the name of a function, and its arguments in brackets."""
    return row(name, _OPEN, listed(parts), _CLOSE)


_OF_ONE: Final[dict[Any, Callable[[Tree], Tree]]] = {  # how one operand is written
    np.transpose: transposed,
    np.negative: lambda a: row(_MINUS, a),
    np.square: lambda a: Script(a, None, Symbol("2", "number")),
    np.sqrt: Root,
    **dict.fromkeys((np.absolute, np.fabs), lambda a: row(Symbol("|", "fence"), a, Symbol("|", "fence"))),
}


class Term(NamedTuple):
    """A piece of mathematics, and how tightly it binds; of an array that is told entry by entry, its entry too."""

    tree: Tree
    binds: float = ATOM
    entry: Entry | None = None

    def inside(self, level: float) -> Tree:
        """In brackets where the context binds more tightly."""
        return self.tree if self.binds >= level else Group(self.tree)


class Mathematics:
    """Writes the lines of a program in full; `operand` gives the term of a value."""

    def __init__(self, operand: Callable[[Var], Term], euler: bool = True) -> None:
        self._operand, self._euler = operand, euler  # whether e is Euler's number

    def __call__(self, line: Line) -> Term:
        fn, args = line.fn, line.args
        entry = self._entry(line)
        if entry is not None:
            return by_entry(entry)
        if fn in (np.add, np.subtract):
            return Term(row(self._inside(args[0], SUM), _PLUS if fn is np.add else _MINUS, self._factor(args[1])), SUM)
        if fn in (np.multiply, np.divide):
            return self._product(fn, *args)
        if fn.__name__ in _PRODUCTS and all(map(ndim, args)):
            a, b = (self._inside(arg, PRODUCT) for arg in args)
            if fn is not np.outer and all(ndim(arg) == 1 for arg in args):
                a = transposed(self._inside(args[0], ATOM))
            return Term(row(a, _SMALL, transposed(b) if fn is np.outer else b), PRODUCT)
        if fn in _RELATIONS:
            a, b = (self.value(arg).tree for arg in args)
            return Term(row(Symbol("1", "number"), _bracketed(row(a, Symbol(_RELATIONS[fn], "relation"), b))))
        if fn is np.where and len(args) == 3:
            return self._choice(*args)
        if fn in (np.logaddexp, np.log1p, np.expm1):
            return self._of_powers(fn, args)
        if fn in (np.logical_and, np.bitwise_and):
            return Term(row(self._inside(args[0], PRODUCT), _ODOT, self._inside(args[1], PRODUCT)), PRODUCT)
        if fn in _TOTALS and type(args[0]) is Var and not line.kwargs.keys() - {"axis", "keepdims"}:
            return self._total(line, *args)
        return self._of_one(line) or self._called(line)

    def value(self, value: Any) -> Term:
        """A value of the program, or a constant."""
        if type(value) is Var:
            return self._operand(value)
        if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
            return _number(value)
        if isinstance(value, (tuple, list, range)):
            return Term(row(_OPEN, listed([self.value(part).tree for part in value]), _CLOSE))
        if isinstance(value, slice):
            colon = Symbol(":", "fence")
            parts = [row() if part is None else self.value(part).tree for part in (value.start, value.stop)]
            step = () if value.step is None else (colon, self.value(value.step).tree)
            return Term(row(parts[0], colon, parts[1], *step))
        if isinstance(value, np.ndarray):
            return self._array(value)
        text = value if isinstance(value, str) else getattr(value, "__name__", str(value))
        return Term(_DOTS if value is Ellipsis else Symbol(text, "words"))

    def index(self, index: Any) -> Tree:
        """What stands in the brackets of an index, with them."""
        return _bracketed(listed([self.value(p).tree for p in (index if isinstance(index, tuple) else (index,))]))

    def at(self, array: Tree, axes: int, index: Any) -> Entry | None:
        """The entry of an array at an index of integer arrays, one number an axis; None for another index."""
        return of_index(axes, index, lambda part: self._inside(part, ATOM), array)

    def _array(self, value: Any) -> Term:
        """A constant array."""
        if value.size and np.all(value == value.flat[0]):
            return self.value(value.flat[0].item())
        if value.ndim == 2 and len(value) == value.shape[1] and np.array_equal(value, np.eye(len(value))):
            return Term(Symbol("I"))
        return Term(self._entries(value.tolist()))

    def _entries(self, entries: Any) -> Tree:
        """A constant array; of a long row the first entries and the last."""
        if not isinstance(entries, list):
            return self.value(entries).tree
        trees = [self._entries(entry) for entry in entries]
        if len(trees) > 6:
            trees[3:-1] = [_DOTS]
        return row(_OPEN, listed(trees), _CLOSE)

    def _inside(self, value: Any, level: float) -> Tree:
        return self.value(value).inside(level)

    def _factor(self, value: Any, level: float = BIG) -> Tree:
        """What stands behind a sign: in brackets too where it begins with a minus."""
        tree = self._inside(value, level)
        return Group(tree) if _is_negative(tree) else tree

    def _entry(self, line: Line) -> Entry | None:
        """What is told entry by entry."""
        fn, args = line.fn, line.args

        def value(part: Any) -> Tree:
            return self._inside(part, ATOM)

        if fn is np.einsum and isinstance(args[0], str):
            return of_einsum(args[0], args[1:], lambda operand: self._inside(operand, PRODUCT), BIG)
        if fn is operator.getitem and type(args[0]) is Var and (whole := self.value(args[0]).entry) is not None:
            return of_first(whole, args[1])
        if fn is operator.getitem and type(args[0]) is Var:
            return of_index(ndim(args[0]), args[1], value, value(args[0]))
        if fn is np.take_along_axis and len(args) >= 2:
            axis = line.kwargs.get("axis", args[2] if len(args) > 2 else -1)
            return of_take_along_axis(args[0], args[1], axis, value, value(args[0]))
        return None

    def _choice(self, condition: Any, a: Any, b: Any) -> Term:
        """The first where the condition holds, else the second: 1[x > 0] ⊙ a + 1[x ≤ 0] ⊙ b."""
        holds = self._inside(condition, PRODUCT)
        sign: Tree = _ODOT if ndim(condition) else _SMALL
        summands = [
            factor if _is(value, 1) else row(factor, sign, self._factor(value))
            for factor, value in ((holds, a), (_otherwise(holds), b))
            if not _is(value, 0)
        ]
        match summands:
            case []:
                return Term(Symbol("0", "number"))
            case [only]:
                return Term(only, PRODUCT)
        return Term(row(summands[0], _PLUS, summands[1]), SUM)

    def _of_powers(self, fn: Any, args: tuple[Any, ...]) -> Term:
        """Functions that are accurate where one is near: as what they compute."""
        one: Tree = Symbol("1", "number")
        if fn is np.log1p:
            return self._logarithm(row(one, _PLUS, self._factor(args[0])))
        powers = [one if _is(arg, 0) else self._power(arg) for arg in args]
        if fn is np.expm1:
            return Term(row(powers[0], _MINUS, one), SUM)
        return self._logarithm(row(powers[0], _PLUS, powers[1]))

    def _power(self, exponent: Any) -> Tree:
        if self._euler:
            return Script(Symbol("e"), None, self.value(exponent).tree)
        return applied(COMMANDS["exp"], [self.value(exponent).tree])

    def _logarithm(self, inside: Tree) -> Term:
        return Term(row(Symbol("ln", "function"), Group(inside)), APPLIED)

    def _product(self, fn: Any, a: Any, b: Any) -> Term:
        if fn is np.multiply and type(a) is Var and type(b) is not Var and not ndim(b):
            a, b = b, a  # numbers first
        if fn is np.multiply and _is(a, 1):
            return self.value(b)
        if fn is np.divide and not (ndim(a) and ndim(b)):
            return self._quotient(a, b)
        sign: Tree = _SMALL if not (ndim(a) and ndim(b)) else _ODOT if fn is np.multiply else _OSLASH
        right = self._factor(b, PRODUCT + 1 if fn is np.divide else BIG)
        left = self.value(a)
        if type(a) is not Var and _is_negative(left.tree):
            return Term(row(left.tree, sign, right), SUM)
        return Term(row(left.inside(PRODUCT), sign, right), PRODUCT)

    def _quotient(self, a: Any, b: Any) -> Term:
        over, under = self.value(a).tree, self.value(b).tree
        negative = _is_negative(over)
        if isinstance(a, np.floating) and fraction(a):
            (number,) = parts_of(_without_minus(over))
            assert isinstance(number, Fraction)
            over, under = number.over, row(number.under, _SMALL, self._inside(b, PRODUCT))
        elif ndim(a) and len(written(over)) > 20:
            return Term(row(Fraction(Symbol("1", "number"), under), _SMALL, self._inside(a, PRODUCT)), PRODUCT)
        quotient = Fraction(_without_minus(over), under)
        return Term(row(_MINUS, quotient) if negative else quotient, PRODUCT)

    def _summed(self, line: Line, axis: Any = None) -> Sequence[int]:
        """The axes that a reduction is over."""
        rank = ndim(line.args[0])
        axis = line.kwargs.get("axis", axis)
        return range(rank) if axis is None else [int(k) % max(rank, 1) for k in np.ravel(axis)]

    def _axes(self, line: Line, axis: Any = None) -> tuple[list[Tree], Tree]:
        """The index of each axis of the first operand, a dot where it is kept, and those of the others."""
        rank, axes = ndim(line.args[0]), self._summed(line, axis)
        letters = [Symbol(INDICES[k % len(INDICES)]) if k in axes else _DOT for k in range(rank)]
        while letters and letters[-1] == _DOT:
            letters.pop()
        return [*letters], listed([letter for letter in letters if letter != _DOT], FENCE)

    def _total(self, line: Line, operand: Var, axis: Any = None) -> Term:
        if not ndim(operand):
            return self.value(operand)
        term, kept = self.value(operand), None
        letters: list[Tree]
        if term.entry is not None and not line.kwargs.get("keepdims"):
            axes = self._summed(line, axis)
            entry, kept = term.entry, tuple(x for k, x in enumerate(term.entry.letters) if k not in axes)
            letters = []
            below = listed([x for k, x in enumerate(entry.letters) if k in axes and x is not None], FENCE)
            summand = Term(entry.tree, entry.binds).inside(BIG)
        else:
            letters, below = self._axes(line, axis)
            summand = term.tree
        sign = [Script(_TOTALS[line.fn], below)] if parts_of(below) else []
        total = row(*sign, Script(summand, row(*letters)) if letters else summand)
        if line.fn is np.mean:
            count = operand.value.size // max(math.prod(np.shape(line.target.value)), 1)
            total = row(Fraction(Symbol("1", "number"), Symbol(f"{count}", "number")), total) if count > 1 else total
        return Term(total, BIG) if not kept else by_entry(Entry(kept, total, BIG))

    def _of_one(self, line: Line) -> Term | None:
        """What takes one value."""
        fn, args = line.fn, line.args
        if fn in _SAME:
            return self._same(line)
        if fn is operator.getitem:
            return Term(row(self._inside(args[0], ATOM), self.index(args[1])))
        if fn is np.power:
            return Term(Script(self._inside(args[0], ATOM), None, self.value(args[1]).tree), POWER)
        if fn is np.swapaxes and {axis % ndim(args[0]) - ndim(args[0]) for axis in args[1:]} == {-1, -2}:
            return Term(transposed(self._inside(args[0], ATOM)), POWER)
        if len(args) != 1 or line.kwargs:
            return None
        if fn is np.reciprocal:
            return self._quotient(1, args[0]) if not ndim(args[0]) else self._product(np.divide, 1, args[0])
        if fn is np.negative:
            return self._negative(self.value(args[0]))
        if fn in (np.logical_not, np.invert) and _is_boolean(args[0]):
            return Term(row(Symbol("1", "number"), _MINUS, self._factor(args[0])), SUM)
        if fn in (np.sqrt, np.absolute, np.fabs):
            return Term(_OF_ONE[fn](self.value(args[0]).tree))
        if fn in _OF_ONE:
            return Term(_OF_ONE[fn](self._inside(args[0], ATOM)), POWER)
        if fn is np.exp and self._euler:
            return Term(self._power(args[0]), POWER)
        if fn in _FUNCTIONS:
            return self._applied(Symbol(_FUNCTIONS[fn], "function"), self.value(args[0]))
        return None

    def _negative(self, term: Term) -> Term:
        if term.entry is not None:
            inside = Term(term.entry.tree, term.entry.binds).inside(BIG)
            return by_entry(Entry(term.entry.letters, row(_MINUS, inside), SUM))
        return Term(row(_MINUS, term.inside(BIG)), SUM)

    def _applied(self, name: Tree, term: Term) -> Term:
        """A function of one thing, element by element."""
        if term.entry is not None:
            inside = Term(term.entry.tree, term.entry.binds).inside(ATOM)
            return by_entry(Entry(term.entry.letters, row(name, inside), APPLIED))
        return Term(row(name, term.inside(ATOM)), APPLIED)

    def _same(self, line: Line) -> Term:
        """The same elements in another shape."""
        term = self.value(line.args[0])
        if term.entry is None or ndim(line.args[0]) == ndim(line.target):
            return term
        shown = term.entry.shown
        return term._replace(entry=term.entry._replace(letters=shown) if len(shown) == ndim(line.target) else None)

    def _called(self, line: Line) -> Term:
        owner = getattr(getattr(line.fn, "__self__", None), "__name__", None)
        text = line.fn.__name__ if owner is None else f"{owner}.{line.fn.__name__}"
        name: Tree = _WORDS.get(text) or Symbol(text, "function")
        if line.kwargs.get("axis") is not None:
            name = Script(name, self._axes(line)[1])
        options = [
            row(Symbol(f"{key} = ", "words"), self.value(value).tree)
            for key, value in line.kwargs.items()
            if key not in ("axis", "keepdims", "order", "optimize")
        ]
        return Term(applied(name, [*(self.value(arg).tree for arg in line.args), *options]))


def _number(value: Any) -> Term:
    if isinstance(value, np.floating) and (text := fraction(value)):
        over, under = (Symbol(digits, "number") for digits in text.removeprefix("-").split(" / "))
        small = Fraction(over, under, small=True)
        return Term(row(_MINUS, small), SUM) if text[0] == "-" else Term(small, PRODUCT)
    size = abs(float(value))
    negative = np.copysign(1, float(value)) < 0
    text = "∞" if size == np.inf else f"{size:.0f}" if size.is_integer() and size < 1e6 else repr(size)
    digits, _, power = text.partition("e")
    tree: Tree = Symbol(digits, "words" if size != size else "name" if size == np.inf else "number")
    if len(digits) > _MOST_DIGITS:
        tree = _root(size) or row(Symbol(digits[:_MOST_DIGITS], "number"), _DOTS)
    if power:
        ten = Script(Symbol("10", "number"), None, Symbol(f"{int(power)}", "number"))
        tree = ten if digits == "1" else row(tree, Symbol("·", "operator"), ten)
    if negative:
        return Term(row(_MINUS, tree), SUM)
    return Term(tree, PRODUCT if power else ATOM)


def by_entry(entry: Entry) -> Term:
    """The array of these entries."""
    if not entry.shown:
        return Term(entry.tree, entry.binds, entry if entry.letters else None)
    return Term(entry.whole(), ATOM, entry)


def _is(value: Any, number: int) -> bool:
    """Whether it is this number, or an array of nothing else."""
    return type(value) is not Var and not isinstance(value, str) and bool(np.all(np.equal(value, number)))


def _is_boolean(value: Any) -> bool:
    return getattr(value, "dtype", None) == np.bool_


def _root(size: float) -> Tree | None:
    """The square root that a number is."""
    square = size * size
    if 1.5 < square < 1e4 and abs(square - round(square)) < 1e-14 * square:
        return Root(Symbol(f"{square:.0f}", "number"))
    return None


def _bracketed(tree: Tree) -> Tree:
    return row(Symbol("[", "open"), tree, Symbol("]", "close"))


def _is_negative(tree: Tree) -> bool:
    """Whether it is written with a minus in front."""
    return parts_of(tree)[:1] == (_MINUS,)


def _without_minus(tree: Tree) -> Tree:
    return row(*parts_of(tree)[1:]) if _is_negative(tree) else tree


def _otherwise(indicator: Tree) -> Tree:
    """1[x ≤ 0] for 1[x > 0]; of what is more than one relation, 1 less that."""
    match parts_of(indicator):
        case (Symbol("1", "number") as one, Symbol("[", "open") as bracket, *inside, close):
            if sum(role_of(part) == "relation" for part in inside) == 1:
                return row(one, bracket, *[_TURNED.get(part, part) for part in inside], close)
    return Group(row(Symbol("1", "number"), _MINUS, indicator))
