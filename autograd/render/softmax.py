"""A softmax that somebody wrote out, as exponentials over their sum: one thing on a card, with a rule of its own."""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.core.node import Node
from autograd.notation.blackboard import Blackboard
from autograd.notation.literals import Text
from autograd.notation.tree import BIG_SUM, MINUS, Group, Row, Symbol, Tree, parts_of, row
from autograd.program.program import Line

_ODOT: Final = Symbol("⊙", "operator")
_OVER: Final = Symbol("/", "operator")
_DOT: Final = Symbol("·", "operator")


class Softmax(NamedTuple):
    """What a quotient is: the softmax of `taken` over an axis, by the operations `inside`.

    `shared`: the exponentials are computed once, so that no formula of one line can have them twice.
    """

    taken: Any
    axis: int | None
    inside: frozenset[Node]
    shared: bool


def softmax(z: Any, axis: int | None = None) -> Any:
    """The function that `Formulas` writes; nobody calls it."""
    raise NotImplementedError


def softmax_of(node: Node) -> Softmax | None:
    """The softmax that `node` is the result of: e / sum(e) for e = exp(z), or for e = exp(z - max(z)).

    >>> from autograd import Tensor
    >>> z = Tensor(np.ones((2, 3)), requires_grad=True)
    >>> e = np.exp(z - np.max(z, axis=1, keepdims=True))
    >>> softmax_of((e / np.sum(e, axis=1, keepdims=True))._node).taken is z._node
    True
    >>> softmax_of((e / np.sum(e, axis=0))._node), softmax_of((e / 2)._node)
    (None, None)
    >>> print(softmax_of((np.exp(z) / np.sum(np.exp(2 * z), axis=1, keepdims=True))._node))  # of two things
    None
    """
    powers: Any
    total: Any
    powers, total = (node.args or ()) if _is(node, np.divide) else (None, None)
    if not (_is(powers, np.exp) and _is(total, np.sum) and _is(total.args[0], np.exp)):
        return None
    axis = _axis(total)
    if axis is not None and (total.ndim != powers.ndim or powers.shape[axis] != node.shape[axis]):
        return None
    (taken, inside), (again, more) = (_shifted(one.args[0], axis) for one in (powers, total.args[0]))
    if taken is not again or (axis is None and total.size != 1):
        return None
    operations = frozenset((powers, total, total.args[0], *inside, *more))
    return Softmax(taken, axis, operations, total.args[0] is powers)


def _is(node: Any, fn: Any) -> bool:
    return type(node) is Node and node.op is not None and node.op.fn is fn and bool(node.args)


def _axis(node: Node) -> int | None:
    """The axis of a reduction; None for all, which is the only one of a vector."""
    axis = node.kwargs.get("axis", node.args[1] if node.args and len(node.args) > 1 else None)
    operand = node.args[0] if node.args else node
    return None if axis is None or operand.ndim < 2 or not isinstance(axis, int) else axis % operand.ndim


def _shifted(power: Any, axis: int | None) -> tuple[Any, tuple[Node, ...]]:
    """What the exponents are but for their maximum, or a constant, that was subtracted; and the operations for that."""
    if not _is(power, np.subtract):
        return power, ()
    value, shift = power.args
    if _is(shift, np.max) and shift.args[0] is value and _axis(shift) == axis:
        return value, (shift, power)
    plain = isinstance(shift, np.ndarray) and type(value) is Node and shift.ndim == value.ndim
    return (value, (power,)) if plain and axis is not None and shift.shape[axis] == 1 else (power, ())


def folded(
    operations: Sequence[Node], uses: Mapping[Node, Iterable[Node]], apart: Callable[[Node, Node], bool]
) -> dict[Node, Softmax]:
    """Those whose operations can stand in the statement of the result: nothing else uses them, nor are they `apart`."""
    found: dict[Node, Softmax] = {}
    for node in operations:
        one = softmax_of(node)
        if (
            one is not None
            and one.shared
            and not any(
                apart(part, node) or any(user is not node and user not in one.inside for user in uses.get(part, ()))
                for part in one.inside
            )
        ):
            found[node] = one
    return found


def whole(node: Node, inside: Container[Node]) -> Softmax | None:
    """The softmax that `node` is the result of, if all of its operations are there."""
    one = softmax_of(node)
    return one if one is not None and all(part in inside for part in one.inside) else None


def softmaxes_of(nodes: Sequence[Node]) -> dict[Node, Softmax]:
    """Those of a statement, by their results."""
    own = {*nodes}
    return {node: one for node in nodes if (one := whole(node, own)) is not None}


def softmax_text(z: Text, axis: int | None) -> Text:
    """As it is called."""
    return Text(f"softmax({z.text}{'' if axis is None else f', axis={axis}'})")


class Formulas(Blackboard):
    """The blackboard's formulas, with softmaxes."""

    def __call__(self, line: Line) -> Text:
        if line.fn is not softmax:
            return super().__call__(line)
        return softmax_text(self.value(line.args[0]), line.kwargs["axis"])


def sent_back(arriving: Tree, value: str) -> Tree:
    """The rule of a softmax: y ⊙ (g − Σ g ⊙ y)."""
    y = Symbol(value)
    g = Group(arriving) if any(_is_sign(part) for part in parts_of(arriving)) else arriving
    return Row((y, _ODOT, Group(row(g, MINUS, BIG_SUM, g, _ODOT, y))))


def error_of(
    arriving: Tree,
    value: str,
    after: Sequence[tuple[Node, int]],
    one: Softmax,
    operand: Callable[[Any], Text],
    index: Callable[[Any], str],
) -> Tree | None:
    """The rule of a cross-entropy of a softmax: (y − target) / n; None where that is not what comes `after`.

    Each is an operation with the place at which it takes the one before.
    """
    last = after[-1][0] if after else None
    target, logarithm, factor = "", False, -1.0
    for node, place in after:
        fn, args = node.op.fn, node.args or ()
        other = args[1 - place] if len(args) == 2 and place < 2 else None
        if fn is np.log:
            logarithm = True
        elif fn is operator.getitem and not target:
            target = _chosen(args[1], index)
        elif fn is np.multiply and _tells_classes(other, node.shape, one.axis) and not target:
            target = operand(other).text
        elif (scale := _scale(node, place, other)) and logarithm:
            factor *= scale
        else:
            return None
    if last is None or last.ndim or not (logarithm and target) or factor <= 0:
        return None
    error = Group(Row((Symbol(value), MINUS, Symbol(target))))
    share = 1 / factor
    by = () if share == 1 else (_OVER, Symbol(f"{share:.4g}")) if share > 1 else (_DOT, Symbol(f"{factor:.4g}"))
    return row(arriving, error, *by)


def _chosen(where: Any, index: Callable[[Any], str]) -> str:
    """The class that an index picks in every row, as a vector."""
    *rows, classes = where if isinstance(where, tuple) else (where,)
    every = not rows or all(_counts(one) for one in rows)
    if isinstance(classes, (int, np.integer)):
        return f"onehot({classes})" if all(isinstance(one, (int, np.integer)) for one in rows) else ""
    return f"onehot({index(classes) or 'classes'})" if every and isinstance(classes, (np.ndarray, list, range)) else ""


def _counts(rows: Any) -> bool:
    """Whether an index goes through all rows."""
    return isinstance(rows, (np.ndarray, list, range)) and np.array_equal(np.asarray(rows), np.arange(len(rows)))


def _tells_classes(array: Any, shape: tuple[int, ...], axis: int | None) -> bool:
    """Whether an array has shares of classes, such as 1 for one of them."""
    given = array.value if type(array) is Node and not array.requires_grad else array
    if not isinstance(given, np.ndarray) or given.shape != shape or given.dtype.kind not in "fiub":
        return False
    return bool(np.allclose(np.sum(given, axis=axis), 1))


def _scale(node: Node, place: int, other: Any) -> float:
    """By what an operation multiplies each of the numbers that it adds up; 0 if it does something else."""
    fn, number = node.op.fn, other if isinstance(other, (int, float)) else None
    if fn is np.negative:
        return -1.0
    if fn is np.sum:
        return 1.0
    if fn is np.mean and node.args is not None and node.size:
        return float(node.size / node.args[0].size)
    if fn is np.multiply and number is not None:
        return float(number)
    return 1 / number if fn is np.divide and place == 0 and number else 0.0


def _is_sign(part: Tree) -> bool:
    return isinstance(part, Symbol) and part.role == "operator" and part.text in "+−"
