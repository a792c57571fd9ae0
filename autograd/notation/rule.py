r"""The rule of one use of a value, as mathematics in the picture's own names.

A record says $\bar a = \bar y \odot 1[a > b]$; here that becomes an equation for
$\partial L / \partial z_1$, with the names of the cards in place of the record's letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.core.op import Op, find
from autograd.notation.expressions import scalar_text, tail
from autograd.notation.numbers import number
from autograd.notation.tree import Bar, Fraction, Root, Row, Script, Symbol, Tree, Words, parse, substitute

_EQUALS: Final = Symbol("=", "relation")
_PARTIAL: Final = Symbol("∂", "prefix")
_PLUS: Final = Symbol("+", "relation")
_ADDS: Final = Symbol("+=", "relation")
_ONE: Final = Symbol("1", "number")
_ZERO: Final = Symbol("0", "number")
_MINUS: Final = Symbol("−", "operator")
_SUM: Final = Symbol("Σ", "big")


def partial(loss: str, name: str) -> Fraction:
    """dL/d(name)."""
    return Fraction(Row((_PARTIAL, Symbol(loss))), Row((_PARTIAL, Symbol(name))))


def seed(loss: str) -> Row:
    """dL/dL = 1, where a backward pass starts."""
    return Row((partial(loss, loss), _EQUALS, _ONE))


def equation(
    node: Node, position: int, name: Callable[[int], str | None], output: str, loss: str, *, adds: bool = False
) -> Row:
    """What the operation `node` sends to its operand at `position`.

    Args:
        node: an operation that knows its arguments.
        position: of the operand among its arguments.
        name: the name of an argument by its position, where it has one.
        output: the name of the operation's value.
        loss: the name of what is differentiated.
        adds: whether this is one of several contributions.

    >>> from autograd import Tensor
    >>> from autograd.notation.unicode import written
    >>> w = Tensor(2.0, requires_grad=True)
    >>> written(equation((3.0 * w)._node, 1, ["3", "w"].__getitem__, "y", "L"))
    '((∂L)/(∂w)) = ((∂L)/(∂y)) ⊙ 3'
    """
    rule = _rule(node, position)
    names = {letter: text for place, letter in rule.letters.items() if (text := name(place)) is not None}
    names["y"] = output
    bars = {letter: partial(loss, text) for letter, text in names.items()}
    bars[rule.own] = partial(loss, name(position) or rule.own)
    symbols = {letter: _symbol(text) for letter, text in names.items()}
    symbols |= {"k": Symbol(f"{position + 1}", "number")} if node.op.variadic else {}
    equals = _ADDS if adds and _PLUS not in rule.left else _EQUALS
    row = (*rule.left, equals, *_summed(rule.right, summed(node, position)))
    return Row(tuple(_simple(substitute(part, symbols, bars)) for part in row))


def worked(node: Node, position: int, gradient: Any, contribution: Any) -> Row | None:
    """The rule in numbers, where all of them are scalars and the rule needs nothing else.

    >>> from autograd import Tensor
    >>> from autograd.notation.unicode import written
    >>> w = Tensor(-2.0, requires_grad=True)
    >>> told = worked((w * 3.0 * w)._node, 1, np.float64(1), np.float64(-6))
    >>> written(told) if told else ""
    '1.00 ⊙ (−6.00) = −6.00'
    """
    rule = _rule(node, position)
    values = {letter: (node.args or ())[place] for place, letter in rule.letters.items()}
    values = {letter: value.value if type(value) is Node else value for letter, value in values.items()}
    values["y"] = node.value
    scalars = {letter: text for letter, value in values.items() if (text := _number(value)) is not None}
    sent, got = _number(gradient), _number(contribution)
    used = set(_names(Row(rule.right)))
    if sent is None or got is None or not used <= scalars.keys() | {"¯y"} or used <= {"¯y"}:
        return None
    symbols: dict[str, Tree] = {letter: Symbol(text, "number") for letter, text in scalars.items()}
    bars = {"y": Symbol(sent, "number")}
    right = (_simple(substitute(part, symbols, bars)) for part in rule.right)
    return Row((*right, _EQUALS, Symbol(got.strip("()"), "number")))


class _Rule(NamedTuple):
    """A record's rule for one operand: its two sides, the letters of the operands, and that of this one."""

    left: tuple[Tree, ...]
    right: tuple[Tree, ...]
    letters: dict[int, str]
    own: str


def _rule(node: Node, position: int) -> _Rule:
    op: Op = node.op
    record = find(op.fn) or op
    ruled = [0] if op.variadic else [place for place, rule in enumerate(record.vjp) if rule is not None]
    rules = {place: _parsed(math) for place, math in zip(ruled, record.math, strict=True)}
    left, right = _sides(rules[0 if op.variadic else position])
    letters = {place: _letter(parts) for place, parts in rules.items()}
    own = letters[0 if op.variadic else position]
    if op.variadic:  # the record's rule is that of the k-th operand, whichever that is
        return _Rule((Bar(Symbol(own)),), right, {}, own)
    taken = {*letters.values(), "y"}
    letters |= {p: word[0] for p, word in enumerate(op.operands) if p not in letters and word[0] not in taken}
    return _Rule(left, right, letters, own)


@lru_cache(maxsize=256)
def _parsed(math: str) -> tuple[Tree, ...]:
    return parse(math).parts


def _number(value: Any) -> str | None:
    """A scalar as a number of a formula, one below zero in brackets; None for what is no scalar."""
    if type(value) in (bool, int, float):  # written in the program
        return scalar_text(value)
    if np.ndim(value) or not isinstance(value, (np.ndarray, np.generic)):
        return None
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def _names(tree: Tree) -> Iterator[str]:
    """The letters of a tree; ¯ and a letter for one under a bar."""
    match tree:
        case Symbol(text, "name"):
            yield text
        case Bar(Symbol(text)):
            yield f"¯{text}"
        case Row(parts):
            yield from chain.from_iterable(map(_names, parts))
        case Script(base, sub, sup):
            yield from chain.from_iterable(_names(part) for part in (base, sub, sup) if part is not None)
        case Fraction(over, under):
            yield from (*_names(over), *_names(under))
        case Root(inside) | Bar(inside):
            yield from _names(inside)


def _symbol(text: str) -> Symbol:
    return Symbol(text, "number" if text.replace(".", "", 1).isdecimal() else "name")


def _simple(tree: Tree) -> Tree:
    """A power whose exponent became a number less 1, with that number in its place: e² sends back 2 e."""
    match tree:
        case Script(base, None, Row((Symbol(text, "number"), minus, one))) if (minus, one) == (_MINUS, _ONE):
            return base if text == "2" else Script(base, None, Symbol(str(int(text) - 1), "number"))
    return tree


def _summed(right: tuple[Tree, ...], axes: tuple[int, ...]) -> tuple[Tree, ...]:
    """The sum of a right side, behind its sign; a rule that says its sum already says it better."""
    sign, rest = (right[:1], right[1:]) if right[0] == _MINUS else ((), right)
    first = rest[0].base if isinstance(rest[0], Script) else rest[0]
    if not axes or first == _SUM or rest == (_ZERO,):
        return right
    return (*sign, Script(_SUM, Words(spoken(axes))), *rest)


def summed(node: Node, position: int) -> tuple[int, ...]:
    """The axes of the operation's value over which the gradient of a broadcast operand is summed.

    >>> from autograd import Tensor
    >>> summed((Tensor([[1.0, 2.0]] * 3) + Tensor([1.0, 2.0], requires_grad=True))._node, 1)
    (0,)
    """
    shape, operand = spread(node, position), np.shape((node.args or ())[position].value)
    if not node.op.broadcasts or shape == operand:
        return ()
    lead = len(shape) - len(operand)
    stretched = (lead + axis for axis, length in enumerate(operand) if length == 1 != shape[lead + axis])
    return (*range(lead), *stretched)


def spread(node: Node, position: int) -> tuple[int, ...]:
    """The shape that an operand of an operation that broadcasts is stretched to: of what is written, its place's."""
    if tail(node.op.name) == "put" and position:
        return np.shape(node.value[(node.args or ())[1]])
    return np.shape(node.value)


def spoken(axes: tuple[int, ...]) -> str:
    """Axes in words.

    >>> spoken((0,)), spoken((0, 2))
    ('axis 0', 'axes 0, 2')
    """
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"


def _sides(parts: tuple[Tree, ...]) -> tuple[tuple[Tree, ...], tuple[Tree, ...]]:
    place = parts.index(_EQUALS)
    return parts[:place], parts[place + 1 :]


def _letter(parts: tuple[Tree, ...]) -> str:
    """The letter whose gradient a rule gives."""
    first = parts[0].base if isinstance(parts[0], Script) else parts[0]
    if isinstance(first, Bar) and isinstance(first.base, Symbol):
        return first.base.text
    raise ValueError("a rule begins with the gradient that it gives")
