r"""The rule of one use of a value, as mathematics in the picture's own names.

A record says $\bar a = \bar y \odot 1[a > b]$; here that becomes an equation for
$\partial L / \partial z_1$, with the names of the cards in place of the record's letters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from autograd.graph import Node
from autograd.op import Op, find
from autograd.render.latex import Bar, Fraction, Row, Script, Symbol, Tree, Words, parse, substitute

_EQUALS: Final = Symbol("=", "relation")
_PARTIAL: Final = Symbol("∂", "prefix")
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


def equation(node: Node, position: int, name: Callable[[int], str | None], output: str, loss: str) -> Row:
    """What the operation `node` sends to its operand at `position`.

    Args:
        node: an operation that knows its arguments.
        position: of the operand among its arguments.
        name: the name of an argument by its position, where it has one.
        output: the name of the operation's value.
        loss: the name of what is differentiated.

    >>> from autograd import Tensor
    >>> from autograd.render.unicode import written
    >>> w = Tensor(2.0, requires_grad=True)
    >>> written(equation((3.0 * w)._node, 1, ["3", "w"].__getitem__, "y", "L"))
    '∂L/∂w = ∂L/∂y ⊙ 3'
    """
    op: Op = node.op
    record = find(op.fn) or op
    ruled = [0] if op.variadic else [place for place, rule in enumerate(record.vjp) if rule is not None]
    rules = {place: parse(math).parts for place, math in zip(ruled, record.math, strict=True)}
    left, right = _sides(rules[0 if op.variadic else position])
    letters = {place: _letter(parts) for place, parts in rules.items()}
    own = letters[0 if op.variadic else position]
    if op.variadic:  # the record's rule is that of the k-th operand, whichever that is
        left, letters = (Bar(Symbol(own)),), {}
    taken = {*letters.values(), own, "y"}
    letters |= {p: word[0] for p, word in enumerate(op.operands) if p not in letters and word[0] not in taken}
    names = {letter: text for place, letter in letters.items() if (text := name(place)) is not None}
    bars = {letter: partial(loss, text) for letter, text in {**names, "y": output}.items()}
    bars[own] = partial(loss, name(position) or own)
    symbols = {letter: Symbol(text) for letter, text in {**names, "y": output}.items()}
    told = substitute(Row((*left, _EQUALS, *_summed(right, summed(node, position)))), symbols, bars)
    assert isinstance(told, Row)
    return told


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
    shape, operand = np.shape(node.value), np.shape((node.args or ())[position].value)
    if not node.op.broadcasts or shape == operand:
        return ()
    lead = len(shape) - len(operand)
    stretched = (lead + axis for axis, length in enumerate(operand) if length == 1 != shape[lead + axis])
    return (*range(lead), *stretched)


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
