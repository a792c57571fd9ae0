r"""The rule of one use of a value, as mathematics in the names of a graph.

A record says $\bar a = \bar y \odot 1[a > b]$; here that becomes an equation for
$\partial L / \partial z_1$, with the names of the values in place of the record's letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.core.op import Op, find
from autograd.notation.numbers import number
from autograd.notation.tree import (
    ADDS,
    BIG_SUM,
    EQUALS,
    MINUS,
    Bar,
    Fraction,
    Group,
    Row,
    Script,
    Symbol,
    Tree,
    parse,
    sides,
    substitute,
)
from autograd.notation.words import scalar_text
from autograd.rules.write import put

_PARTIAL: Final = Symbol("∂", "prefix")
_ONE: Final = Symbol("1", "number")
_ZERO: Final = Symbol("0", "number")


class Rule(NamedTuple):
    """A record's rule for one operand.

    Attributes:
        left, right: the sides of its equation, the definitions behind it with the right one.
        sign: = or +=.
        letters: those of the operands, by position.
        own: the letter of this operand.
    """

    left: tuple[Tree, ...]
    right: tuple[Tree, ...]
    sign: Symbol
    letters: dict[int, str]
    own: str


def rule_of(node: Node, position: int) -> Rule:
    """The rule by which the operation `node` sends a gradient to its operand at `position`."""
    record = find(node.op.fn) or node.op
    rules = _rules(record, _of_call(record, node)[1:] or record.math)
    return rules[position if position in rules else 0]


def value_of(node: Node) -> tuple[Row, dict[int, str]] | None:
    """What the operation `node` computes, in the letters of its operands by position; None where no record says it."""
    record = find(node.op.fn) or node.op
    value, *rules = _of_call(record, node) or ("",)
    return (parse(value), next(iter(_rules(record, tuple(rules)).values())).letters) if value else None


def _of_call(record: Op, node: Node) -> tuple[str, ...]:
    """The value and the rules of one call in LaTeX, where its record says them."""
    return () if record.written is None or node.args is None else record.written(*node.args, **node.kwargs)


@lru_cache(maxsize=512)
def _rules(record: Op, math: tuple[str, ...]) -> dict[int, Rule]:
    """The rules of a record by position; the one of any number of operands is that of the k-th."""
    if record.variadic and len(math) > 1:  # each has a letter of its own
        rules = dict(enumerate(map(_parsed, math)))
        letters = {place: rule.own for place, rule in rules.items()}
        return {place: rule._replace(letters=letters) for place, rule in rules.items()}
    if record.variadic:
        rule = _parsed(math[0])
        return {0: rule._replace(left=(Bar(Symbol(rule.own)),))}
    places = [place for place, rule in enumerate(record.vjp) if rule is not None]
    rules = dict(zip(places, map(_parsed, math), strict=True))
    letters = {place: rule.own for place, rule in rules.items()}
    taken = {*letters.values(), "y"}
    letters |= {p: word[0] for p, word in enumerate(record.operands) if p not in letters and word[0] not in taken}
    return {place: rule._replace(letters=letters) for place, rule in rules.items()}


def _parsed(math: str) -> Rule:
    tree = parse(math)
    left = sides(tree)[0]
    first = left[0].base if isinstance(left[0], Script) else left[0]
    if not isinstance(first, Bar) or not isinstance(first.base, Symbol):
        raise ValueError("a rule begins with the gradient that it gives")
    sign = tree.parts[len(left)]
    assert isinstance(sign, Symbol)
    return Rule(left, tree.parts[len(left) + 1 :], sign, {}, first.base.text)


def partial(loss: str, name: str) -> Fraction:
    """dL/d(name)."""
    return Fraction(Row((_PARTIAL, Symbol(loss))), Row((_PARTIAL, Symbol(name))))


def seed(loss: str) -> Row:
    """dL/dL = 1, where a backward pass starts."""
    return Row((partial(loss, loss), EQUALS, _ONE))


def equation(
    node: Node,
    position: int,
    name: Callable[[int], str | None],
    output: str,
    loss: str,
    *,
    adds: bool = False,
    arriving: Tree | None = None,
) -> Row:
    """What the operation `node` sends to its operand at `position`.

    Args:
        node: an operation that knows its arguments.
        position: of the operand among its arguments.
        name: the name of an argument by its position, where it has one.
        output: the name of the operation's value.
        loss: the name of what is differentiated.
        adds: whether this is one of several contributions.
        arriving: the gradient of the operation's value, where that is not told as such.

    >>> from autograd import Tensor
    >>> from autograd.notation.unicode import written
    >>> w = Tensor(2.0, requires_grad=True)
    >>> written(equation((3.0 * w)._node, 1, ["3", "w"].__getitem__, "y", "L"))
    '((∂L)/(∂w)) = ((∂L)/(∂y)) ⊙ 3'
    """
    rule = rule_of(node, position)
    names = {letter: text for place, letter in rule.letters.items() if (text := name(place)) is not None}
    names["y"] = output
    bars: dict[str, Tree] = {letter: partial(loss, text) for letter, text in names.items()}
    bars[rule.own] = partial(loss, name(position) or rule.own)
    if arriving is not None:
        bars["y"] = arriving
    symbols = {letter: _symbol(text) for letter, text in names.items()}
    symbols |= {"k": Symbol(f"{position + 1}", "number")} if node.op.variadic and not rule.letters else {}
    sign = ADDS if adds else rule.sign
    return _filled((*rule.left, sign, *_summed(rule.right, summed(node, position))), symbols, bars)


def worked(node: Node, position: int, gradient: Any, contribution: Any) -> Row | None:
    """The rule in numbers, where all of them are scalars and the rule needs nothing else.

    >>> from autograd import Tensor
    >>> from autograd.notation.unicode import written
    >>> w = Tensor(-2.0, requires_grad=True)
    >>> row = worked((w * 3.0 * w)._node, 1, np.float64(1), np.float64(-6))
    >>> written(row) if row else ""
    '1.00 ⊙ (−6.00) = −6.00'
    """
    rule = rule_of(node, position)
    values = {letter: (node.args or ())[place] for place, letter in rule.letters.items()}
    values = {letter: value.value if type(value) is Node else value for letter, value in values.items()}
    values["y"] = node.value
    scalars = {letter: text for letter, value in values.items() if (text := _number(value)) is not None}
    sent, got = _number(gradient), _number(contribution)
    used = set(names_in(Row(rule.right)))
    if sent is None or got is None or not used <= scalars.keys() | {"¯y"} or used <= {"¯y"}:
        return None
    symbols: dict[str, Tree] = {letter: Symbol(text, "number") for letter, text in scalars.items()}
    result = Symbol(got.strip("()"), "number")
    return Row((*_filled(rule.right, symbols, {"y": Symbol(sent, "number")}).parts, EQUALS, result))


def _number(value: Any) -> str | None:
    """A scalar as a number of a formula, one below zero in brackets; None for what is no scalar."""
    if type(value) in (bool, int, float):  # written in the program
        return scalar_text(value)
    if np.ndim(value) or not isinstance(value, (np.ndarray, np.generic)):
        return None
    text = number(value)
    return f"({text})" if text.startswith("−") else text


def in_symbols(tree: Row, symbols: Mapping[str, Tree], g: Tree) -> Row | None:
    r"""The right side of a rule with these symbols for its letters, and `g` for the gradient that arrives.

    None where a letter stands for nothing; what is below the line is an index.

    >>> from autograd.notation.latex import latex
    >>> g = Bar(Symbol("Z₂"))
    >>> latex(in_symbols(parse(r"\bar y \, W^\top"), {"W": Symbol("W₂")}, g))
    '\\bar{Z}_{2} \\, W_{2}^\\top'
    >>> in_symbols(parse(r"\bar y / n"), {"a": Symbol("x")}, g) is None
    True
    """
    powers = (part.base for part in tree.parts if isinstance(part, Script) and part.sup is not None)
    eulers = {"e"} if Symbol("e") in powers else set()
    if not set(names_in(tree, indices=False)) <= {*symbols, *eulers, "π", "¯y", "⊤"}:
        return None
    return Row(tuple(substitute(part, symbols, {"y": g}) for part in tree.parts))


def names_in(tree: Tree, *, indices: bool = True) -> Iterator[str]:
    """The letters of a tree, with those of `indices` below the line; ¯ and a letter for one under a bar."""
    match tree:
        case Symbol(text, "name"):
            yield text
        case Bar(Symbol(text)):
            yield f"¯{text}"
        case Row(parts):
            for part in parts:
                yield from names_in(part, indices=indices)
        case _:
            for key, part in vars(tree).items():
                if isinstance(part, Tree) and (indices or key != "sub"):
                    yield from names_in(part, indices=indices)


def _symbol(text: str) -> Symbol:
    return Symbol(text, "number" if text.replace(".", "", 1).isdecimal() else "name")


def _filled(parts: tuple[Tree, ...], symbols: Mapping[str, Tree], bars: Mapping[str, Tree]) -> Row:
    """With names or numbers for letters. A power whose exponent is a number less 1 has that: e² sends back 2 e.

    What was transposed twice is as it was, and several things with one exponent are in brackets.
    """
    return Row(tuple(_simple(substitute(part, symbols, bars)) for part in parts))


def _simple(tree: Tree) -> Tree:
    match tree:
        case Script(base, None, Row((Symbol(text, "number"), minus, one))) if (minus, one) == (MINUS, _ONE):
            return base if text == "2" else Script(base, None, Symbol(str(int(text) - 1), "number"))
        case Script(Symbol(text), None, Symbol("⊤")) if text.endswith("ᵀ"):
            return _symbol(text[:-1])
        case Script(Row(parts), sub, sup) if len(parts) > 1:
            return Script(Group(Row(parts)), sub, sup)
    return tree


def _summed(right: tuple[Tree, ...], axes: tuple[int, ...]) -> tuple[Tree, ...]:
    """The sum of a right side, behind its sign; a rule that says its sum already says it better."""
    sign, rest = (right[:1], right[1:]) if right[0] == MINUS else ((), right)
    first = rest[0].base if isinstance(rest[0], Script) else rest[0]
    if not axes or first == BIG_SUM or rest == (_ZERO,):
        return right
    return (*sign, Script(BIG_SUM, Symbol(axes_text(axes), "words")), *rest)


def summed(node: Node, position: int) -> tuple[int, ...]:
    """The axes of the operation's value over which the gradient of a broadcast operand is summed.

    >>> from autograd import Tensor
    >>> summed((Tensor([[1.0, 2.0]] * 3) + Tensor([1.0, 2.0], requires_grad=True))._node, 1)
    (0,)
    """
    shape, operand = spread(node, position), (node.args or ())[position].shape
    if node.op.broadcasts and node.op.role == "product" and position < 2:  # of stacks of matrices, those before them
        inner = sum(np.ndim(arg) > 1 for arg in (node.args or ())[:2])
        shape, operand = shape[: len(shape) - inner], operand[:-2]
    if not node.op.broadcasts or shape == operand or len(operand) > len(shape):
        return ()
    lead = len(shape) - len(operand)
    stretched = (lead + axis for axis, length in enumerate(operand) if length == 1 != shape[lead + axis])
    return (*range(lead), *stretched)


def spread(node: Node, position: int) -> tuple[int, ...]:
    """The shape that an operand of an operation that broadcasts is stretched to: of what is written, its place's."""
    if node.op.fn is put and position:
        return np.shape(np.broadcast_to(0, node.shape)[(node.args or ())[1]])
    shape: tuple[int, ...] = node.shape
    return shape


def axes_text(axes: tuple[int, ...]) -> str:
    """Axes in words.

    >>> axes_text((0,)), axes_text((0, 2))
    ('axis 0', 'axes 0, 2')
    """
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"
