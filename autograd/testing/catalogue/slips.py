"""A grammar of slips: what a line of NumPy becomes when somebody writes it wrongly.

A right line is an expression such as `g * (1 - a**2)`. A slip is an edit of its tree: a factor or a term left out,
parentheses lost, a sign or an exponent wrong, another name, another product, another axis, a function left out or
applied once more. Two slips are two edits. Words and causes follow from the edit, whatever the line is.
"""

from __future__ import annotations

import ast
import copy
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from autograd.testing.catalogue.mistake import softmax

_PLACE, _FACTOR, _TERM, _AXIS = "derivative-at-output", "missing-derivative", "missing-term", "wrong-axis"


class Slip(NamedTuple):
    """One edit of a line.

    Attributes:
        tree: the whole line after it.
        cause: its code.
        cost: how far-fetched it is.
        words: what was done, with `{}` for each of `parts`.
        parts: expressions of the line.
    """

    tree: ast.expr
    cause: str
    cost: float
    words: str
    parts: tuple[ast.expr, ...] = ()

    @property
    def said(self) -> str:
        """The words, with gaps for the names of the line."""
        return self.words.format(*map(written, self.parts))


Swaps = Mapping[str, tuple["Swap", ...]]


class Swap(NamedTuple):
    """What may stand in the place of a name: another expression, with the cause and the cost."""

    text: str
    cause: str
    cost: float


def parsed(text: str) -> ast.expr:
    """An expression."""
    return ast.parse(text, mode="eval").body


def written(tree: ast.expr) -> str:
    """An expression as people write it, and with its names as gaps: `{dn0} * (1 - {v1}**2)`."""
    return re.sub(r"\b(d?[a-z]\d+g?)\b", r"{\1}", ast.unparse(tree).replace(" ** ", "**"))


_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.MatMult: operator.matmul, ast.Pow: operator.pow, ast.Gt: operator.gt, ast.Lt: operator.lt,
}  # fmt: skip


def value_of(tree: Any, names: Mapping[str, Any]) -> Any:
    """What an expression gives; the errors of NumPy where shapes do not fit."""
    kind = type(tree)
    if kind is ast.Name:
        return names[tree.id]
    if kind is ast.Constant:
        return tree.value
    if kind is ast.BinOp:
        return _OPERATORS[type(tree.op)](value_of(tree.left, names), value_of(tree.right, names))
    if kind is ast.UnaryOp:
        return -value_of(tree.operand, names)
    if kind is ast.Attribute:
        return np.transpose(value_of(tree.value, names))
    if kind is ast.Compare:
        return _OPERATORS[type(tree.ops[0])](value_of(tree.left, names), value_of(tree.comparators[0], names))
    options = {keyword.arg: keyword.value.value for keyword in tree.keywords}
    function = tree.func
    called = getattr(np, function.attr) if type(function) is ast.Attribute else _FUNCTIONS[function.id]
    return called(*(value_of(arg, names) for arg in tree.args), **options)


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


_FUNCTIONS: dict[str, Callable[..., Any]] = {"sigmoid": _sigmoid, "softmax": partial(softmax, axis=-1)}


def slips(tree: ast.expr, swaps: Swaps) -> Iterator[Slip]:
    """Every edit of a line, with `swaps` for its names."""
    yield from _edits(tree, swaps)


def _edits(node: ast.expr, swaps: Swaps) -> Iterator[Slip]:
    for rule in _RULES.get(type(node), ()):
        yield from rule(node)
    if isinstance(node, ast.Name):
        for swap in swaps.get(node.id, ()):
            yield swapped(node, swap)
    for put, child in _children(node):
        for slip in _edits(child, swaps):
            yield slip._replace(tree=put(slip.tree))


def _children(node: ast.expr) -> Iterator[tuple[Callable[[ast.expr], ast.expr], ast.expr]]:
    """The expressions inside, each with what puts another one into its place."""
    for field in ("left", "right", "operand", "value"):
        child = getattr(node, field, None)
        if isinstance(child, ast.expr) and not (isinstance(child, ast.Name) and child.id == "np"):
            yield partial(_put, node, field, None), child
    for field in ("args", "comparators"):
        for k, child in enumerate(getattr(node, field, ())):
            yield partial(_put, node, field, k), child


def _put(node: ast.expr, field: str, k: int | None, new: ast.expr) -> ast.expr:
    """The expression with another one in a field, or at a place in the list there."""
    items = getattr(node, field)
    return _with(node, **{field: new if k is None else [*items[:k], new, *items[k + 1 :]]})


def _with(node: ast.expr, **fields: Any) -> ast.expr:
    """A copy of an expression with other contents in some of its fields, as Python's grammar calls them."""
    new = copy.copy(node)
    for field, value in fields.items():
        setattr(new, field, value)
    return new


# What people do to a product, a sum, a power, a function


def _of_binary(node: ast.BinOp) -> Iterator[Slip]:
    rule = {
        ast.Mult: _of_product, ast.MatMult: _of_matrices, ast.Div: _of_quotient, ast.Add: _of_sum, ast.Sub: _of_sum,
        ast.Pow: _of_power,
    }  # fmt: skip
    yield from rule[type(node.op)](node)


def _of_product(node: ast.BinOp) -> Iterator[Slip]:
    a, b = node.left, node.right
    if not _is_number(a):
        yield Slip(b, _FACTOR, 1.15, "the factor {} is left out", (a,))
    yield Slip(a, _FACTOR, 1.1, "the factor {} is left out", (b,))
    if _is_sum(b):
        yield _ungrouped(_binary(_binary(a, ast.Mult(), b.left), b.op, b.right), b)
    if _is_sum(a):
        yield _ungrouped(_binary(a.left, a.op, _binary(a.right, ast.Mult(), b)), a)
    for x, y in ((a, b), (_turned(a), b), (a, _turned(b))) if not _is_number(a) else ():
        yield Slip(_binary(x, ast.MatMult(), y), "unsummed-axis", 1.5, "@ stands where * belongs")
    yield Slip(_binary(a, ast.Div(), b), _PLACE, 1.5, "{} divides, where it should multiply", (b,))
    if not _is_number(b):
        yield Slip(_binary(node, ast.Mult(), b), _PLACE, 1.6, "the factor {} is there twice", (b,))
        yield Slip(_binary(a, ast.Sub(), b), _PLACE, 1.8, "{} is subtracted, where it should multiply", (b,))
        yield Slip(_binary(a, ast.Add(), b), _PLACE, 1.8, "{} is added, where it should multiply", (b,))


def _of_matrices(node: ast.BinOp) -> Iterator[Slip]:
    a, b = node.left, node.right
    for x, y in ((_turned(a), b), (a, _turned(b)), (_turned(a), _turned(b)), (b, a), (_turned(b), a), (b, _turned(a))):
        yield Slip(_binary(x, ast.MatMult(), y), "transposed", 1.2, "the product is {} @ {}", (x, y))
    for x, y in ((a, b), (_turned(a), b), (a, _turned(b))):
        yield Slip(_binary(x, ast.Mult(), y), "unsummed-axis", 1.2, "* stands where @ belongs")
    sums = ast.Call(parsed("np.sum"), [a], _kept(1)), ast.Call(parsed("np.sum"), [b], _kept(0))
    summed = _binary(sums[0], ast.Mult(), sums[1])
    yield Slip(summed, "unsummed-axis", 1.7, "{} and {} are summed before they are multiplied", (a, b))
    yield Slip(a, _FACTOR, 1.5, "the factor {} is left out", (b,))
    yield Slip(b, _FACTOR, 1.5, "the factor {} is left out", (a,))


def _kept(axis: int) -> list[ast.keyword]:
    return [ast.keyword("axis", ast.Constant(axis)), ast.keyword("keepdims", ast.Constant(True))]


def _of_quotient(node: ast.BinOp) -> Iterator[Slip]:
    a, b = node.left, node.right
    yield Slip(a, _FACTOR, 1.2, "the division by {} is left out", (b,))
    yield Slip(_binary(a, ast.Mult(), b), _PLACE, 1.4, "{} multiplies, where it should divide", (b,))
    yield Slip(_binary(node, ast.Div(), b), _PLACE, 1.6, "the division by {} is there twice", (b,))
    if _is_sum(a):
        yield _ungrouped(_binary(a.left, a.op, _binary(a.right, ast.Div(), b)), a)
    if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult):
        yield _ungrouped(_binary(_binary(a, ast.Div(), b.left), ast.Mult(), b.right), b)
    if not _is_number(a):
        yield Slip(_binary(ast.Constant(1), ast.Div(), b), _FACTOR, 1.4, "the factor {} is left out", (a,))


def _of_sum(node: ast.BinOp) -> Iterator[Slip]:
    a, b, minus = node.left, node.right, isinstance(node.op, ast.Sub)
    cause = _PLACE if _is_number(a) or _is_number(b) else _TERM
    rest = ast.UnaryOp(ast.USub(), b) if minus else b
    yield Slip(a, cause, 1.2, "the term {} is left out", (b,))
    for tree in (rest, b) if minus else (b,):
        yield Slip(tree, cause, 1.2, "the term {} is left out", (a,))
    other = ast.Add() if minus else ast.Sub()
    words = "{} is added, not subtracted" if minus else "{} is subtracted, not added"
    yield Slip(_binary(a, other, b), _PLACE if cause == _PLACE else "scale", 1.2, words, (b,))
    yield from _grouped(node)
    if minus and isinstance(b, ast.BinOp) and isinstance(b.op, ast.Pow):
        tree = _binary(_binary(a, ast.Sub(), b.left), ast.Pow(), b.right)
        yield Slip(tree, _PLACE, 1.2, "{} stands where {} belongs", (tree, node))
    yield Slip(_binary(a, ast.Mult(), b), _PLACE, 1.7, "{} multiplies, where it belongs to a sum", (b,))


def _of_power(node: ast.BinOp) -> Iterator[Slip]:
    base, exponent = node.left, node.right
    yield Slip(base, _PLACE, 1.15, "{} is not raised to {}", (base, exponent))
    double = _binary(exponent, ast.Mult(), base)
    yield Slip(double, _PLACE, 1.2, "{} stands where {} belongs", (double, node))
    absolute = ast.Call(parsed("np.abs"), [base], [])
    yield Slip(absolute, _PLACE, 1.4, "{} stands where {} belongs", (absolute, node))
    if _is_sum(base):
        yield _ungrouped(_binary(base.left, base.op, _binary(base.right, ast.Pow(), exponent)), base)
    if isinstance(exponent, ast.Constant) and isinstance(exponent.value, int):
        more = _binary(base, ast.Pow(), ast.Constant(exponent.value + 1))
        yield Slip(more, _PLACE, 1.5, "{} stands where {} belongs", (more, node))


def _ungrouped(tree: ast.expr, lost: ast.expr) -> Slip:
    return Slip(tree, _PLACE, 1.1, "the parentheses around {} are missing", (lost,))


def _grouped(node: ast.BinOp) -> Iterator[Slip]:
    """`(p + q) * r` for `p + q * r`, as deep into the product as there are factors."""
    for term, inner in ((node.left, node.right), (node.right, node.left))[: 2 if isinstance(node.op, ast.Add) else 1]:
        outside: ast.expr | None = None
        while isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
            outside = inner.right if outside is None else _binary(inner.right, ast.Mult(), outside)
            inner = inner.left
            tree = _binary(_binary(term, node.op, inner), ast.Mult(), outside)
            yield Slip(tree, _PLACE, 1.3, "{} multiplies {} too", (outside, term))


def swapped(name: ast.Name, swap: Swap, tree: ast.expr | None = None) -> Slip:
    """Another expression in the place of a name: here, or wherever it stands in a line."""
    other = parsed(swap.text)
    words = "{} stands in the place of {}"
    return Slip(other if tree is None else tree, swap.cause, swap.cost, words, (other, name))


def _of_sign(node: ast.UnaryOp) -> Iterator[Slip]:
    if isinstance(node.op, ast.USub):
        yield Slip(node.operand, "scale", 1.1, "the minus before {} is left out", (node.operand,))


def _of_name(node: ast.Name) -> Iterator[Slip]:
    if node.id != "np":
        square = _binary(node, ast.Pow(), ast.Constant(2))
        yield Slip(square, _PLACE, 1.5, "{} stands where {} belongs", (square, node))


def _of_comparison(node: ast.Compare) -> Iterator[Slip]:
    a, b = node.left, node.comparators[0]
    for op, cost in ((ast.Lt(), 1.2), (ast.Gt(), 1.2)):
        if type(op) is not type(node.ops[0]):
            yield Slip(ast.Compare(a, [op], [b]), _PLACE, cost, "the condition {} is the other way round", (node,))
    yield Slip(
        parsed(f"np.maximum({ast.unparse(b)}, {ast.unparse(a)})"), _PLACE, 1.3, "the function stands for its slope"
    )
    yield Slip(a, _PLACE, 1.4, "{} itself stands where {} belongs", (a, node))
    yield Slip(parsed(f"np.sign({ast.unparse(a)})"), _PLACE, 1.5, "the sign of {} stands where its slope belongs", (a,))


def _of_call(node: ast.Call) -> Iterator[Slip]:
    name, args = ast.unparse(node.func), node.args
    if name in ("np.sum", "np.mean"):
        yield from _of_reduction(node, name)
    elif name == "np.where":
        yield Slip(_with(node, args=[args[0], args[2], args[1]]), _PLACE, 1.2, "the branches are swapped")
        yield Slip(args[1], _PLACE, 1.3, "{} is taken everywhere", (args[1],))
        yield Slip(args[2], _PLACE, 1.3, "{} is taken everywhere", (args[2],))
    elif len(args) == 1:
        cause = _PLACE if name in ("np.abs", "np.sign") else _FACTOR
        yield Slip(args[0], cause, 1.3, f"{name} is left out of {{}}", (node,))
        yield Slip(_with(node, args=[node]), _PLACE, 1.2, f"{name} is applied twice")
        if name == "np.sign":
            yield Slip(parsed("1"), _FACTOR, 1.3, "{} is left out", (node,))
            yield Slip(_with(node, func=parsed("np.abs")), _PLACE, 1.4, "the size of {}, not its sign", (args[0],))


def _of_reduction(node: ast.Call, name: str) -> Iterator[Slip]:
    """A sum left out, a mean for it, or over other axes."""
    other = "np.mean" if name == "np.sum" else "np.sum"
    kind = name.removeprefix("np.")
    yield Slip(
        _with(node, func=parsed(other)), _AXIS, 1.3, f"a {other.removeprefix('np.')} stands where a {kind} belongs"
    )
    yield Slip(node.args[0], "unsummed-axis", 1.3, f"the {kind} of {{}} is left out", (node.args[0],))
    for keyword in node.keywords:
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
            for axis in (0, 1, 2, None):
                if axis != keyword.value.value:
                    keywords = [ast.keyword("axis", ast.Constant(axis)) if k is keyword else k for k in node.keywords]
                    over = "all axes" if axis is None else f"axis {axis}"
                    words = f"the {kind} is over {over}, not over axis {keyword.value.value!r}"
                    yield Slip(_with(node, keywords=keywords), _AXIS, 1.2, words)


_RULES: dict[type, tuple[Callable[[Any], Iterator[Slip]], ...]] = {
    ast.BinOp: (_of_binary,),
    ast.UnaryOp: (_of_sign,),
    ast.Name: (_of_name,),
    ast.Compare: (_of_comparison,),
    ast.Call: (_of_call,),
}


def _binary(a: ast.expr, op: ast.operator, b: ast.expr) -> ast.expr:
    return ast.BinOp(a, op, b)


def _turned(a: ast.expr) -> ast.expr:
    return a.value if isinstance(a, ast.Attribute) and a.attr == "T" else ast.Attribute(a, "T")


def _is_sum(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)
