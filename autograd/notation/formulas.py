r"""What a call computes, as mathematics in full for a derivation, and the words that cards share with it.

$\odot$ and $\oslash$ are element by element, $1[a > b]$ is 1 where that holds and else 0, and
$(x)_{i \cdot}$ is a row of $x$.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.core.op import Op
from autograd.notation.literals import ATOM, POWER, PRODUCT, SUM, ndim, regular
from autograd.notation.numbers import number
from autograd.notation.tree import COMMANDS, SPACES, Fraction, Group, Root, Script, Space, Symbol, Tree, parts_of, row
from autograd.notation.unicode import written
from autograd.program.program import Line, Var
from autograd.program.ratio import fraction
from autograd.rules.index import scatter
from autograd.text import printable

_APPLIED: Final = 7  # how tightly a function holds its argument
_BIG: Final = 5.5  # and the sign of a sum: less than a factor, more than a summand
_INDICES: Final = "ijklmn"
_MINUS, _PLUS, _ODOT, _OSLASH = (Symbol(sign, "operator") for sign in "−+⊙⊘")
_TOP, _DOT, _DOTS = COMMANDS["top"], COMMANDS["cdot"], COMMANDS["dots"]
_OPEN, _CLOSE, _COMMA = Symbol("(", "open"), Symbol(")", "close"), Symbol(",", "comma")
_SMALL: Final = Space(SPACES[","])

_RELATIONS: Final[dict[Any, str]] = {
    np.greater: ">", np.less: "<", np.greater_equal: "≥", np.less_equal: "≤", np.equal: "=", np.not_equal: "≠",
}  # fmt: skip
_FUNCTIONS: Final[dict[Any, str]] = {
    np.log: "ln", np.sin: "sin", np.cos: "cos", np.tan: "tan", np.tanh: "tanh", np.sinh: "sinh", np.cosh: "cosh",
    np.arcsin: "arcsin", np.arccos: "arccos", np.arctan: "arctan",
}  # fmt: skip
_MAX, _MIN = Symbol("max", "function"), Symbol("min", "function")
_TOTALS: Final[dict[Any, Symbol]] = {
    np.sum: COMMANDS["sum"], np.add.reduce: COMMANDS["sum"], np.mean: COMMANDS["sum"], np.prod: COMMANDS["prod"],
    np.count_nonzero: COMMANDS["sum"], np.max: _MAX, np.amax: _MAX, np.min: _MIN, np.amin: _MIN,
}  # fmt: skip
_SAME: Final = {np.broadcast_to, np.expand_dims, np.squeeze, np.astype, np.positive, np.copy, scatter}  # no word for it


def transposed(a: Tree) -> Tree:
    return Script(a, None, _TOP)


def listed(parts: Sequence[Tree], comma: Tree = _COMMA) -> Tree:
    """Parts with commas between them."""
    return row(*[one for part in parts for one in (comma, part)][1:])


def applied(name: Tree, parts: Sequence[Tree]) -> Tree:
    """A function of several things."""
    return row(name, _OPEN, listed(parts), _CLOSE)


# Cards


def scalar_text(value: Any) -> str | None:
    """A number as an operand, or None for what is no number.

    >>> scalar_text(2), scalar_text(-0.5), scalar_text(0.001), scalar_text("x")
    ('2', '(−0.5)', '0.001', None)
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        return None
    text = str(value)
    if isinstance(value, (float, np.floating)):
        text = f"{value:.4g}"
        text = text if text.lstrip("-").replace(".", "").isdecimal() else number(value)
    text = text.replace("-", "−")
    return f"({text})" if text.startswith("−") else text


_OF_ONE: Final[dict[Any, Callable[[Tree], Tree]]] = {  # how one operand is written
    np.transpose: transposed,
    np.negative: lambda a: row(_MINUS, a),
    np.square: lambda a: Script(a, None, Symbol("2", "number")),
    np.sqrt: Root,
    np.absolute: lambda a: row(Symbol("|", "fence"), a, Symbol("|", "fence")),
}


def function_name(op: Op) -> str:
    """What an operation is called where it is written as a function.

    >>> from autograd.core.op import lookup
    >>> function_name(lookup(np.exp)), function_name(lookup(np.sum)), function_name(lookup(np.maximum))
    ('exp', 'sum', 'max')
    """
    word = len(op.label) > 1 and op.label.isidentifier()
    return printable(op.label if word else tail(op.name))


def tail(name: str) -> str:
    """The name of an operation without its module."""
    return name.rpartition(".")[2]


def options_text(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The options that are short, by keyword; `keepdims` can be seen from the shape.

    >>> options_text({"axis": -1, "keepdims": True})
    [('axis', '−1')]
    """
    short = []
    for key, value in options.items():
        mode = isinstance(value, str) and " " in key  # such as "mean"
        if mode or key in ("keepdims", "subscripts") or isinstance(value, np.ndarray):
            continue
        text = repr(value) if isinstance(value, str) else repr(value).replace("-", "−")
        if len(text) <= 12:
            short.append((key, text))
    return short


def index_text(index: Any = ...) -> str:
    """What stands between the brackets.

    >>> index_text((0, slice(1, None))), index_text(np.array([0, 2]))
    ('0, 1:', 'indices')
    """
    if isinstance(index, tuple):
        return ", ".join(map(index_text, index))
    if isinstance(index, slice):
        parts = (index.start, index.stop) if index.step is None else (index.start, index.stop, index.step)
        return ":".join("" if part is None else str(part) for part in parts).replace("-", "−")
    if index is None or index is Ellipsis:
        return "newaxis" if index is None else "..."
    if isinstance(index, (int, np.integer)):
        return str(index).replace("-", "−")
    return "mask" if getattr(getattr(index, "dtype", None), "kind", "i") == "b" else "indices"


# Derivations


class Term(NamedTuple):
    """A piece of mathematics, and how tightly it binds."""

    tree: Tree
    binds: float = ATOM

    def inside(self, level: float) -> Tree:
        """In brackets where the context binds more tightly."""
        return self.tree if self.binds >= level else Group(self.tree)


class Mathematics:
    """Writes the lines of a program in full; `operand` gives the term of a value."""

    def __init__(self, operand: Callable[[Var], Term], euler: bool = True) -> None:
        self._operand, self._euler = operand, euler  # whether e is Euler's number

    def __call__(self, line: Line) -> Term:
        fn, args = line.fn, line.args
        if fn in (np.add, np.subtract):
            return Term(row(self._inside(args[0], SUM), _PLUS if fn is np.add else _MINUS, self._factor(args[1])), SUM)
        if fn in (np.multiply, np.divide):
            return self._product(fn, *args)
        if fn in (np.matmul, np.dot, np.outer) and all(map(ndim, args)):
            a, b = (self._inside(arg, PRODUCT) for arg in args)
            return Term(row(a, _SMALL, transposed(b) if fn is np.outer else b), PRODUCT)
        if fn in _RELATIONS:
            a, b = (self.value(arg).tree for arg in args)
            return Term(row(Symbol("1", "number"), _bracketed(row(a, Symbol(_RELATIONS[fn], "relation"), b))))
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
            regularly = regular(value)
            return Term(Symbol(regularly, "words") if regularly else self._entries(value.tolist()))
        text = value if isinstance(value, str) else getattr(value, "__name__", str(value))
        return Term(_DOTS if value is Ellipsis else Symbol(text, "words"))

    def index(self, index: Any) -> Tree:
        """What stands in the brackets of an index, with them."""
        return _bracketed(listed([self.value(p).tree for p in (index if isinstance(index, tuple) else (index,))]))

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

    def _factor(self, value: Any, level: float = _BIG) -> Tree:
        """What stands behind a sign: in brackets too where it begins with a minus."""
        tree = self._inside(value, level)
        return Group(tree) if _is_negative(tree) else tree

    def _product(self, fn: Any, a: Any, b: Any) -> Term:
        if fn is np.divide and not (ndim(a) and ndim(b)):
            return self._quotient(a, b)
        sign: Tree = _SMALL if not (ndim(a) and ndim(b)) else _ODOT if fn is np.multiply else _OSLASH
        right = self._factor(b, PRODUCT + 1 if fn is np.divide else _BIG)
        return Term(row(self._inside(a, PRODUCT), sign, right), PRODUCT)

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

    def _axes(self, line: Line, axis: Any = None) -> tuple[list[Tree], Tree]:
        """The index of each axis of the first operand, a dot where it is kept, and those of the others."""
        rank = ndim(line.args[0])
        axis = line.kwargs.get("axis", axis)
        axes = range(rank) if axis is None else [int(k) % max(rank, 1) for k in np.ravel(axis)]
        letters = [Symbol(_INDICES[k % len(_INDICES)]) if k in axes else _DOT for k in range(rank)]
        while letters and letters[-1] == _DOT:
            letters.pop()
        return [*letters], listed([letter for letter in letters if letter != _DOT], Symbol(",", "fence"))

    def _total(self, line: Line, operand: Var, axis: Any = None) -> Term:
        letters, below = self._axes(line, axis)
        summand = self.value(operand).tree
        total = row(Script(_TOTALS[line.fn], below), Script(summand, row(*letters)) if letters else summand)
        if line.fn is np.mean:
            count = operand.value.size // max(np.size(line.target.value), 1)
            total = row(Fraction(Symbol("1", "number"), Symbol(f"{count}", "number")), total)
        return Term(total, _BIG)

    def _of_one(self, line: Line) -> Term | None:
        """What takes one value."""
        fn, args = line.fn, line.args
        if fn in _SAME:
            return self.value(args[0])
        if fn is operator.getitem:
            return Term(row(self._inside(args[0], ATOM), self.index(args[1])))
        if fn is np.power:
            return Term(Script(self._inside(args[0], ATOM), None, self.value(args[1]).tree), POWER)
        if len(args) != 1 or line.kwargs:
            return None
        if fn is np.negative:
            return Term(row(_MINUS, self._inside(args[0], _BIG)), SUM)
        if fn in (np.sqrt, np.absolute):
            return Term(_OF_ONE[fn](self.value(args[0]).tree))
        if fn in _OF_ONE:
            return Term(_OF_ONE[fn](self._inside(args[0], ATOM)), POWER)
        if fn is np.exp and self._euler:
            return Term(Script(Symbol("e"), None, self.value(args[0]).tree), POWER)
        if fn in _FUNCTIONS:
            return Term(row(Symbol(_FUNCTIONS[fn], "function"), self._inside(args[0], ATOM)), _APPLIED)
        return None

    def _called(self, line: Line) -> Term:
        owner = getattr(getattr(line.fn, "__self__", None), "__name__", None)
        text = line.fn.__name__ if owner is None else f"{owner}.{line.fn.__name__}"
        name: Tree = {"maximum": _MAX, "minimum": _MIN}.get(text) or Symbol(text, "function")
        if line.kwargs.get("axis") is not None:
            name = Script(name, self._axes(line)[1])
        options = [
            row(Symbol(f"{key} = ", "words"), self.value(value).tree)
            for key, value in line.kwargs.items()
            if key not in ("axis", "keepdims")
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
    if power:
        ten = Script(Symbol("10", "number"), None, Symbol(f"{int(power)}", "number"))
        tree = ten if digits == "1" else row(tree, Symbol("·", "operator"), ten)
    if negative:
        return Term(row(_MINUS, tree), SUM)
    return Term(tree, PRODUCT if power else ATOM)


def _bracketed(tree: Tree) -> Tree:
    return row(Symbol("[", "open"), tree, Symbol("]", "close"))


def _is_negative(tree: Tree) -> bool:
    return parts_of(tree)[:1] == (_MINUS,)


def _without_minus(tree: Tree) -> Tree:
    return row(*parts_of(tree)[1:]) if _is_negative(tree) else tree
