"""Derived expressions as people write them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from autograd.testing.catalogue.slips import parsed


def readable(text: str, sigmoids: Mapping[str, str], spelled: Mapping[str, str] | None = None) -> str:
    """An expression as people write it: a * (1 - a) for the derivative of a sigmoid a, and 2 * x for x + x.

    Args:
        text: the expression.
        sigmoids: names of sigmoids, by those of what goes in.
        spelled: expressions for names that nobody gave.
    """
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return text
    simpler = _Simpler(sigmoids, spelled or {})
    body = simpler.visit(tree.body)
    return ast.unparse(body).replace(" ** ", "**") if simpler.changed else text


class _Simpler(ast.NodeTransformer):
    def __init__(self, sigmoids: Mapping[str, str], spelled: Mapping[str, str]) -> None:
        self._sigmoids, self._spelled, self.changed = sigmoids, spelled, False

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """`c` for `1 - y`."""
        if node.id not in self._spelled:
            return node
        self.changed = True
        return parsed(self._spelled[node.id])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """`-(-g * a)`."""
        self.generic_visit(node)
        factor, path = node.operand, []
        while isinstance(factor, ast.BinOp) and isinstance(factor.op, (ast.Mult, ast.Div, ast.MatMult)):
            path.append(factor)
            factor = factor.left
        twice = isinstance(factor, ast.UnaryOp) and isinstance(factor.op, ast.USub)
        if not (isinstance(node.op, ast.USub) and isinstance(factor, ast.UnaryOp) and twice):
            return node
        self.changed = True
        result = factor.operand
        for product in reversed(path):
            result = ast.BinOp(result, product.op, product.right)
        return result

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """`g / (1 + np.exp(-z))**2 * np.exp(-z)` and `x + x`."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Add) and ast.dump(node.left) == ast.dump(node.right):
            self.changed = True
            return _twice(node.left)
        left = node.left  # of a sum a + x + x
        sums = isinstance(node.op, ast.Add) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Add)
        if sums and isinstance(left, ast.BinOp) and ast.dump(left.right) == ast.dump(node.right):
            self.changed = True
            return ast.BinOp(left.left, ast.Add(), _twice(node.right))
        match = re.fullmatch(
            r"(-\(-)?(.+) / \(1(?:\.0)? \+ np\.exp\(-(\w+)\)\) \*\* 2(\))? \* np\.exp\(-\3\)", ast.unparse(node)
        )
        if match is None or bool(match[1]) != bool(match[4]) or match[3] not in self._sigmoids:
            return node
        a = self._sigmoids[match[3]]
        self.changed = True
        return parsed(f"{match[2]} * {a} * (1 - {a})")


def _twice(x: ast.expr) -> ast.expr:
    factor = x.left if isinstance(x, ast.BinOp) and isinstance(x.op, ast.Mult) else None
    if isinstance(x, ast.BinOp) and isinstance(factor, ast.Constant) and isinstance(factor.value, float):
        return parsed(f"{2 * factor.value:.15g} * ({ast.unparse(x.right)})")
    return parsed(f"2 * ({ast.unparse(x)})")
