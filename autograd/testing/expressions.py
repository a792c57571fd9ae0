"""Expressions of the author's as trees: edited in one place, and written as people write them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import chain
from typing import Any, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Edit:
    """One edit.

    Attributes:
        old, form: a node of the expression, and what stands in its place: an expression, or source, `_` the node.
        place: the cause, or what tells it.
        cost: how far-fetched it is.
        words: what was done by mistake.
    """

    old: ast.expr
    form: Any
    place: Any
    cost: float
    words: str

    @property
    def new(self) -> ast.expr:
        """What stands in the place of the node."""
        form: ast.expr = parsed(self.form, self.old) if isinstance(self.form, str) else self.form
        return form

    @property
    def cause(self) -> str:
        """The code of its cause."""
        return self.place if isinstance(self.place, str) else str(self.place())


class Kind(NamedTuple):
    """What a name stands for: its value, and whether it is of the forward pass, a parameter, data, or depends on these.

    Of a parameter that was updated, `before` is the name of what it was; `root` is what it is a function of, element by
    element. What is `unused` is computed, and nothing reads it.
    """

    value: Any
    forward: bool
    parameter: bool = False
    data: bool = False
    before: str = ""
    depends: bool = False
    root: Any = None
    unused: bool = False


def text_of(node: ast.AST) -> str:
    """Source, as people write it."""
    if isinstance(node, ast.Name):
        return node.id
    known: str | None = getattr(node, "_text", None)
    if known is None:
        text = ast.unparse(node).replace(" ** ", "**")
        known = text if '"' in text else text.replace("'", '"')
        node._text = known  # type: ignore[attr-defined]
    return known


class _Signs(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        self.generic_visit(node)
        other = {ast.Add: ast.Sub(), ast.Sub: ast.Add()}.get(type(node.op))
        if other is not None and isinstance(node.right, ast.UnaryOp) and isinstance(node.right.op, ast.USub):
            return ast.BinOp(node.left, other, node.right.operand)
        return node


def with_plain_signs(tree: ast.AST) -> ast.AST:
    """A copy of a tree with `a - b` for `a + -b`.

    >>> text_of(with_plain_signs(ast.parse("dz = 1 + -h**2")))
    'dz = 1 - h**2'
    """
    found: ast.AST = _Signs().visit(copy.deepcopy(tree))
    return found


def length_of(node: Any) -> int:
    """About how many characters an expression has."""
    if not isinstance(node, ast.AST):
        return len(str(node)) if node is not None else 0
    place: Any = node
    if hasattr(node, "lineno") and not getattr(node, "edited", False) and place.lineno == place.end_lineno:
        return int(place.end_col_offset - place.col_offset)
    parts = [getattr(node, name, None) for name in node._fields]
    return 1 + sum(map(length_of, chain.from_iterable(p if isinstance(p, list) else (p,) for p in parts)))


def parsed(text: str, own: ast.expr | None = None) -> Any:
    """An expression of ours, with a node of the author's where `_` stands."""
    tree, gaps = _parsed(text)
    if own is not None:
        for gap in gaps:
            tree = replaced(tree, gap, own)
    return tree


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[Any, list[ast.AST]]:
    """Source as a tree, and the gaps in it."""
    tree = ast.parse(text, mode="eval").body
    for node in ast.walk(tree):
        for name in ("lineno", "end_lineno", "col_offset", "end_col_offset"):
            node.__dict__.pop(name, None)
    return tree, [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "_"]


def replaced(tree: Any, old: ast.AST, new: ast.AST) -> Any:
    """A tree with another node in the place of one; those on the way are marked as `edited`."""
    if tree is old:
        return new
    changed = None
    for name in tree._fields:
        part = other = getattr(tree, name, None)
        if isinstance(part, (ast.expr_context, ast.operator)):
            continue
        if isinstance(part, ast.AST):
            other = replaced(part, old, new)
        elif isinstance(part, list):
            parts = [replaced(p, old, new) if isinstance(p, ast.AST) else p for p in part]
            other = parts if any(p is not q for p, q in zip(part, parts, strict=True)) else part
        if other is not part:
            changed = copy.copy(tree) if changed is None else changed
            setattr(changed, name, other)
    if changed is None:
        return tree
    changed.edited = True
    changed.__dict__.pop("_text", None)
    return changed


def expressions(tree: ast.AST) -> Iterator[Any]:
    """All expressions in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and not isinstance(node, (ast.Slice,)):
            yield node


def terms_of(tree: ast.expr) -> list[ast.expr]:
    """An expression, and the terms of sums in it."""
    if isinstance(tree, ast.Tuple) and getattr(tree, "written", False):
        return terms_of(tree.elts[1])
    sums = [n for n in expressions(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Add, ast.Sub))]
    parts = [part for node in sums for part in (node.left, node.right)]
    return [tree, *(part for part in parts if not isinstance(part, ast.Constant))]


def factors_of(node: ast.expr) -> list[ast.expr]:
    """The factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors_of(node.left), *factors_of(node.right)]
    return [node]


def product_of(factors: list[Any]) -> Any:
    """What they give, multiplied one after the other."""
    return reduce(lambda a, b: ast.BinOp(a, ast.Mult(), b), factors)


def name_of(function: ast.expr) -> str:
    """What is called, by its last name."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def inner_of(part: Any) -> Any:
    """What is transposed."""
    return part.value if isinstance(part, ast.Attribute) else getattr(part.func, "value", None)


def with_name(tree: Any, name: str, new: ast.expr) -> Any:
    """A tree with something else wherever a name stands."""
    for node in list(ast.walk(tree)):
        if isinstance(node, ast.Name) and node.id == name:
            tree = replaced(tree, node, new)
    return tree


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether one shape is broadcast to another."""
    return together(shape, to) and np.broadcast_shapes(shape, to) == to


def together(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two shapes go together."""
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True
