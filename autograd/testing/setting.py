"""An expression of an author's with its names, and what the cause of an edit is by where it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.testing.expressions import Edit, Kind, expressions, inner_of, length_of, name_of, text_of

_OWN = re.compile(r"(?<!\w)_(?!\w)")
_BY_LENGTH = 0.01  # of the cost, for each character that an edit adds


class Setting:
    """An expression, and what its author could have put there.

    Args:
        tree: the expression.
        names: what its author could have named there, by the spelling.
        value: what a node of the expression is, None where that is not known.
        functions, numbers: of the author's, that might stand there; how many arguments each takes.
        flags: what some functions may be told with True or False, by their names.
        leaks: the slopes that leaky functions may have.
        used: the functions of NumPy's that the forward pass has.
        backward: the functions of the author's that gave nothing of the forward pass, as derivatives.
    """

    def __init__(
        self,
        tree: ast.expr,
        names: Mapping[str, Kind],
        value: Callable[[ast.expr], Any],
        functions: Mapping[str, range] = MappingProxyType({}),
        numbers: Iterable[float] = (),
        used: Container[Any] = (),
        flags: Mapping[str, Mapping[str, bool]] = MappingProxyType({}),
        leaks: Iterable[float] = (),
        backward: Container[str] = (),
    ) -> None:
        self._tree, self._names = tree, names
        self._value = cache(value)
        self._callable, self._numbers = functions, set(numbers)
        self._functions = tuple(name for name, counts in functions.items() if 1 in counts)
        self._used, self._flags, self._leaks = used, flags, tuple(leaks)
        self._backward = backward
        self._inside = {id(part): node for node in ast.walk(tree) for part in ast.iter_child_nodes(node)}

    @cached_property
    def _spelled_leaks(self) -> list[str]:
        """The slopes that leaky functions may have, by the names that they have here."""
        called = {kind.value: text for text, kind in self._names.items() if isinstance(kind.value, float)}
        return [called.get(leak, f"{leak:g}") for leak in self._leaks]

    @cached_property
    def _wholes(self) -> list[ast.expr]:
        """The expression, and what a statement writes or adds to something."""
        tree: Any = self._tree
        written = tree.elts[1:] if getattr(tree, "written", False) else []
        added = [tree.right] if isinstance(getattr(getattr(tree, "left", None), "ctx", None), ast.Store) else []
        return [tree, *written, *added]

    def _is_a_whole(self, node: ast.expr) -> bool:
        return any(node is whole for whole in self._wholes)

    def _edit(self, old: ast.expr, new: Any, cause: Any, cost: float, words: str) -> Edit:
        own = length_of(old)
        length = len(new) + (own - 1 if _OWN.search(new) else 0) if isinstance(new, str) else length_of(new)
        return Edit(old, new, cause, cost + _BY_LENGTH * max(length - own, 0), words)

    def _called(self, node: ast.Call, name: str, keywords: list[ast.keyword], drop_axis: bool = False) -> ast.Call:
        """A reduction as a function of NumPy's."""
        is_method = isinstance(node.func, ast.Attribute) and self._value(node.func.value) is not None
        args = [node.func.value, *node.args] if is_method else list(node.args)  # type: ignore[attr-defined]
        function = ast.Attribute(ast.Name("np"), name)
        return ast.Call(function, args[:1] if drop_axis else args, keywords)

    def _numpy_call(self, node: ast.Call, args: list[ast.expr], func: ast.expr | None = None) -> ast.Call:
        return ast.Call(func or node.func, args, node.keywords)

    def _size(self, node: ast.expr) -> int:
        value = self._value(node)
        return 1 if value is None else int(np.size(value))

    def _constant(self, node: ast.expr) -> Any:
        def cause() -> str:
            if self._is_in_an_index(node):
                return "wrong-operand"
            return self._placed(node) if self._is_forward(self._around(node)) else "scale"

        return cause

    def _scale(self, node: ast.expr) -> str:
        around = self._around(node)
        term: Any = node
        while isinstance(self._inside.get(id(term)), ast.BinOp) and not self._is_a_penalty(term):
            term = self._inside[id(term)]  # as of the decay (1 - rate * strength) * W
        if self._is_a_penalty(term):
            return "regulariser"
        inside = (
            node is not around
            and not self._is_a_whole(around)
            and self._is_forward(around)
            and not self._has_data(around)
        )
        return "derivative-at-output" if inside and not self._in_a_product(around) else "scale"

    def _too_many(self, node: ast.expr) -> str:
        """The cause of a factor that does not belong there."""
        term: Any = node
        while isinstance(getattr(self._inside.get(id(term)), "op", None), (ast.Mult, ast.Div)):
            term = self._inside[id(term)]
        if self._is_a_penalty(term):
            return "regulariser"
        known = [kind for n in expressions(node) if (kind := self._names.get(text_of(n))) is not None]
        if not any(kind.depends for kind in known):  # data, or a number
            return "wrong-operand" if self._size(node) > 1 else "scale"
        return "wrong-operand" if any(kind.parameter for kind in known) else self._placed(node)

    def _is_a_penalty(self, node: ast.expr) -> bool:
        """Whether a part of the expression is a term that has parameters and numbers in it and nothing else."""
        around = self._inside.get(id(node))
        sums = isinstance(around, ast.BinOp) and isinstance(around.op, (ast.Add, ast.Sub))
        known = [self._names[t] for n in expressions(node) if (t := text_of(n)) in self._names]
        arrays = [kind for kind in known if np.size(kind.value) > 1]
        return (
            sums
            and bool(arrays)
            and all(kind.parameter or (not kind.depends and np.ndim(kind.value) == 0) for kind in known)
        )

    def _place(self, node: ast.expr, text: str = "") -> Any:
        return partial(self._placed, node, text)

    def _placed(self, node: ast.expr, text: str = "") -> str:
        """The cause of a slip by where it is: in a derivative, or among the operands."""
        kind = self._names.get(text)
        if isinstance(node, ast.Subscript) and text.startswith(f"{text_of(node.value)}["):  # another index
            return "wrong-operand"
        number = kind is not None and np.ndim(kind.value) == 0 == np.ndim(self._value(node)) and not kind.depends
        if kind is not None and number and (not kind.data or self._is_a_factor(node)):
            return "wrong-operand" if self._is_in_an_index(node) else "scale"
        if kind is not None and kind.data and np.asarray(kind.value).dtype.kind == "f" and not self._in_a_product(node):
            return "target"
        if kind is not None and (not kind.forward or np.asarray(kind.value).dtype.kind in "iu"):
            return "wrong-operand"
        around, own = self._around(node), self._names.get(text_of(node))
        if self._is_a_penalty(around):
            return "regulariser"
        if self._in_a_product(node) or (kind is not None and kind.parameter) or (own is not None and own.parameter):
            return "wrong-operand"
        if kind is not None and not re.match(rf"{re.escape(text_of(node))}(?!\w)", text):  # h for z, of h = f(z)
            related = own is not None and kind.root is not None and kind.root is own.root
            return "derivative-at-output" if related else "wrong-operand"
        forward = self._is_forward(around) and not self._in_a_product(around)
        return "derivative-at-output" if forward else "wrong-operand"

    def _is_a_factor(self, node: ast.expr) -> bool:
        """Whether something is multiplied with a part of the expression, or divided by it."""
        around = self._inside.get(id(node))
        return isinstance(around, ast.BinOp) and isinstance(around.op, (ast.Mult, ast.Div))

    def _is_in_an_index(self, node: ast.expr) -> bool:
        """Whether a part of the expression says which elements of an array are meant."""
        around: Any = node
        while around is not None and not isinstance(around, ast.Subscript):
            node, around = around, self._inside.get(id(around))
        return isinstance(around, ast.Subscript) and around.slice is node

    def _around(self, node: ast.expr) -> ast.expr:
        """The largest factor of the expression with this node in it that is of the forward pass alone."""
        best, around = node, self._inside.get(id(node))
        while around is not None and not (isinstance(around, ast.Call) and around.func is best):
            if isinstance(around, ast.BinOp) and isinstance(around.op, (ast.Mult, ast.MatMult, ast.Div)):
                break
            if isinstance(around, ast.expr) and not self._is_forward(around):
                break
            best = around if isinstance(around, ast.expr) else best
            around = self._inside.get(id(around))
        return best

    def _in_a_product(self, node: ast.expr) -> bool:
        """Whether a node is an operand of a sum over products, perhaps transposed."""
        for other in expressions(self._tree):
            parts: list[ast.expr] = []
            if isinstance(other, ast.BinOp) and isinstance(other.op, ast.MatMult):
                parts = [other.left, other.right]
            elif isinstance(other, ast.Call) and name_of(other.func) in ("dot", "outer", "matmul", "einsum"):
                own = other.func.value if isinstance(other.func, ast.Attribute) else other.func
                parts = [own, *other.args]
            for part in parts:
                if part is node or (isinstance(part, (ast.Attribute, ast.Call)) and inner_of(part) is node):
                    return True
        return False

    def _is_forward(self, node: ast.expr) -> bool:
        """Whether all that stands in a part of the expression is of the forward pass."""
        known = self._names.get(text_of(node))
        if known is not None:
            return known.forward
        parts = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
        if isinstance(node, (ast.Name, ast.Constant)):
            return True
        return all(self._is_forward(part) for part in parts)

    def _is_an_argument(self, node: ast.expr) -> bool:
        """Whether a part of the expression is what a function of the author's is given."""
        around = self._inside.get(id(node))
        return isinstance(around, ast.Call) and node in around.args and text_of(around.func) in self._functions

    def _has_data(self, node: ast.expr) -> bool:
        """Whether data stand in a part of the expression, as in the error of a prediction."""
        known = (self._names.get(text_of(part)) for part in ast.walk(node) if isinstance(part, ast.expr))
        return any(kind is not None and kind.data for kind in known)
