"""Indices as authors spell them: the entries that a function takes, and what their numbers are."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np

from autograd.program.program import Var
from autograd.testing.expressions import text_of
from autograd.testing.source import Statement, statements_of


class UnknownValueError(Exception):
    """A part of an expression whose value nobody knows."""


@lru_cache(maxsize=1024)
def index_names(text: str) -> tuple[str, ...]:
    """The variables in the indices of a spelling: the t of `self.hs[t - 1]`."""
    indices = (n.slice for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Subscript))
    return tuple(n.id for index in indices for n in ast.walk(index) if isinstance(n, ast.Name))


def is_indexed(text: str, scope: Mapping[str, Any]) -> bool:
    """Whether a spelling is an entry of an array, by variables that are numbers."""
    base, bracket, index = text.partition("[")
    if not bracket or type(scope.get(base)) is not Var:
        return False
    names = [node.id for node in ast.walk(ast.parse(f"_[{index}", mode="eval")) if isinstance(node, ast.Name)]
    return len(names) > 1 and all(isinstance(scope.get(name), (int, np.integer)) for name in names if name != "_")


@lru_cache(maxsize=1024)
def slices(code: CodeType) -> list[str]:
    """The parts of arrays that a function spells, `theta[1:]`."""
    nodes = (node for statement in statements_of(code) for node in ast.walk(statement))
    parts = (n for n in nodes if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name))
    return list(dict.fromkeys(text_of(n) for n in parts if any(isinstance(p, ast.Slice) for p in ast.walk(n.slice))))


@lru_cache(maxsize=1024)
def entries(code: CodeType, own: Statement | None) -> list[str]:
    """The entries of lists that a function spells with variables, `hs[t]`; of one statement, also those beside them."""
    everywhere = [node for statement in statements_of(code) for node in ast.walk(statement) if _is_plain_entry(node)]
    here: list[Any] = (
        [node for node in ast.walk(own.node) if _is_plain_entry(node)] if own is not None and own.node else []
    )
    texts = dict.fromkeys(text_of(node) for node in everywhere)
    texts |= dict.fromkeys(f"{node.value.id}[{text}]" for node in here for text in beside(node.slice))
    return list(texts)


def counts(node: Any) -> bool:
    """Whether an expression is a size, or its root."""
    if isinstance(node, ast.Call):
        return text_of(node.func) in ("len", "np.sqrt", "math.sqrt", "np.size") and not any(
            isinstance(part, (ast.BinOp, ast.Call)) for arg in node.args for part in ast.walk(arg)
        )
    node = node.value if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) else node
    return isinstance(node, ast.Attribute) and node.attr in ("shape", "size")


def is_numbered(name: str, own: Statement) -> bool:
    """Whether a statement takes entries of a list by plain numbers, if it takes any."""
    taken = [
        node.slice for node in (ast.walk(own.node) if own.node is not None else ())
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name
    ]  # fmt: skip
    return any(not any(isinstance(part, ast.Name) for part in ast.walk(index)) for index in taken)


def _is_plain_entry(node: ast.AST) -> bool:
    """Whether something is an entry by a sum with a variable in it."""
    inside = list(ast.walk(node.slice)) if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) else []
    kinds = (ast.Name, ast.Constant, ast.BinOp, ast.Add, ast.Sub, ast.expr_context)
    return any(isinstance(part, ast.Name) for part in inside) and all(isinstance(part, kinds) for part in inside)


def beside(index: ast.expr) -> list[str]:
    """An index, one more, and one less."""
    base, number = index, 0
    if isinstance(index, ast.BinOp) and isinstance(index.right, ast.Constant) and isinstance(index.right.value, int):
        base, number = index.left, index.right.value * (1 if isinstance(index.op, ast.Add) else -1)
    near = (number, number + 1, number - 1)
    return [f"{text_of(base)} {'-' if n < 0 else '+'} {abs(n)}" if n else text_of(base) for n in near]


def index_of(text: str, scope: Mapping[str, Any]) -> Any:
    """What an index is."""
    numbers = {name: int(value) for name, value in scope.items() if isinstance(value, (int, np.integer))}
    try:
        return _number(ast.parse(text, mode="eval").body, numbers)
    except (UnknownValueError, KeyError, TypeError, SyntaxError):  # as of several slices
        return None


def _number(node: Any, numbers: Mapping[str, int]) -> Any:
    """A sum of plain numbers and names."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return numbers[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in (ast.Add, ast.Sub):
        a, b = _number(node.left, numbers), _number(node.right, numbers)
        return a + b if type(node.op) is ast.Add else a - b
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand, numbers)
    raise UnknownValueError


def is_short(node: ast.expr) -> bool:
    """Whether a spelling is short enough to be told: no call, no slice and no transpose in it."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return False
    return not any(isinstance(part, (ast.Call, ast.Slice, ast.BinOp)) for part in ast.walk(node)) or (
        isinstance(node, ast.Subscript) and not any(isinstance(p, (ast.Call, ast.Slice)) for p in ast.walk(node))
    )
