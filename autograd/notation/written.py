"""What the source code says of recorded values: which variable was assigned, and what an operand was written as.

A node knows the instruction of the user's code that made it. So functions that have ended, whose variables are gone,
tell their names still, and so does what was computed without being recorded.
"""

from __future__ import annotations

import ast
import copy
import dis
import linecache
import os
import re
import sys
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import CodeType
from typing import Any, Final

import numpy as np

from autograd.basis.frames import is_library, is_ours
from autograd.core.node import Node
from autograd.core.op import operations
from autograd.notation.names import pretty

_STORES: Final = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_TWO: Final = "LOAD_FAST_LOAD_FAST"  # instructions in one
_NUMPY: Final = ("np", "numpy")
_SUMS: Final = (np.add, np.subtract)
_POWERS: Final = {" ** 2": "²", " ** 3": "³"}
_VIEWS: Final = ("T", "data", "grad", "flat")  # of what else has a name
_TIGHT: Final = re.compile(" ([+−*]) ")  # between brackets
_MINUS: Final = re.compile(r"(?<!\de)-")  # not that of 1e-05


class Written:
    """What is read from the source of user's code; each function is read once, without its source if that is not known.

    >>> from autograd import Tensor
    >>> def area(radius):
    ...     square = radius**2
    ...     return 3.14 * square
    >>> node = area(Tensor(2.0, requires_grad=True))._node
    >>> Written().variable(node), Written().variable(node.args[1])
    ('', 'square')
    """

    def __init__(self) -> None:
        self._read: dict[int, _Function | None] = {}
        self._operands: dict[tuple[int, int], list[ast.expr]] = {}

    def _function(self, node: Node) -> _Function | None:
        """The user's code that made a node."""
        code = node.get("code")
        if code is None:
            return None
        if id(code) not in self._read:
            ours = is_ours(code.co_filename) or is_library(code.co_filename) or _has_records(code.co_filename)
            self._read[id(code)] = None if ours else _Function(code, *_assigned(code))
        return self._read[id(code)]

    def variable(self, node: Node) -> str:
        """The variable that a value was assigned to right when it was computed, or that was written to; or ""."""
        function = self._function(node)
        if function is None:
            return ""
        if node.op.role == "write":
            match function.expression(node.at):
                case ast.Subscript(value=ast.Name(id=name)) if not name.startswith("_"):
                    return name
        return function.assigned.get(node.at, "")

    def variables(self, operations: Sequence[Node], named: Container[int]) -> Iterator[tuple[Any, str]]:
        """Values with the variables that they were assigned to, or that held them where they were used.

        Args:
            operations: in the order of the program.
            named: the identities of those that have names: they tell no variable that they were only used in.
        """
        uses = Counter(arg for node in operations for arg in node.inputs if arg is not None)
        pairs = ((arg, node) for node in operations for arg in node.inputs if arg is not None and uses[arg] == 1)
        sums = {arg for arg, node in pairs if id(arg) not in named and _adds_up(arg, node)}
        known = {node: name for node in operations if node not in sums and (name := self.variable(node))}
        arrays: dict[int, tuple[Any, str]] = {}
        for node in operations:
            for position, arg in enumerate(node.args or ()):
                if id(arg) in named or id(arg) in arrays:
                    continue
                if (
                    type(arg) is Node
                    and arg not in known
                    and arg not in sums
                    and (name := self.operand(node, position))
                ):
                    known[arg] = name
                elif isinstance(arg, np.ndarray) and arg.ndim and (name := self.operand(node, position)):
                    arrays[id(arg)] = arg, name
        yield from arrays.values()
        yield from sorted(known.items(), key=lambda one: one[0].order)

    def operand(self, node: Node, position: int) -> str:
        """The variable that an operation takes at a position, or ""; of what was computed, not that of a parameter."""
        function = self._function(node)
        arg = (node.args or ())[position]
        given = isinstance(arg, np.ndarray) or (type(arg) is Node and arg.op is None)
        match self._taken(node, position):
            case ast.Name(id=name) if function and (given or name in function.variables):
                return name
            case ast.Attribute(value=ast.Name(), attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
                return name if name.isidentifier() and name not in _VIEWS else ""
        return ""

    def expression(self, node: Node, position: int) -> str:
        """What an operation takes at a position, as it is written there, if it is made of variables: `1 − y`; or ""."""
        taken = self._taken(node, position)
        if taken is None or (isinstance(taken, ast.Call) and not _is_module(taken.func)):
            return ""
        parts = [*ast.walk(taken)]
        called = {one.func.id for one in parts if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}
        used = {one.id for one in parts if isinstance(one, ast.Name)}
        return _drawn(taken) if used.difference(called, _NUMPY) else ""

    def index(self, node: Node) -> tuple[str, ...]:
        """What stands between the brackets where a node reads or writes, by place, as ("t", "tags[t]"); or ()."""
        function = self._function(node)
        tree = None if function is None else function.expression(node.at)
        if not isinstance(tree, ast.Subscript):
            return ()
        parts = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
        return tuple(_TIGHT.sub(r"\1", _drawn(part)) for part in parts)

    def _taken(self, node: Node, position: int) -> ast.expr | None:
        function = self._function(node)
        if function is None:
            return None
        key = id(function.code), node.at
        if key not in self._operands:
            self._operands[key] = _operands(function.expression(node.at), node, function.variables)
        operands = self._operands[key]
        return operands[position] if 0 <= position < len(operands) else None


def _has_records(file: str) -> bool:
    """Whether it is of a package that has records of its own, as layers have: what it calls its values is no user's."""
    packages = {op.name.partition(".")[0] for op in operations()}
    folders = (folder for name in packages for folder in getattr(sys.modules.get(name), "__path__", ()))
    return file.startswith(tuple(f"{folder}{os.sep}" for folder in folders))


@dataclass(frozen=True)
class _Function:
    """The code of a function: the variable by the instruction whose result it is assigned to, and all variables."""

    code: CodeType
    assigned: dict[int, str]
    variables: frozenset[str]

    def expression(self, at: int) -> ast.AST | None:
        """The expression of an instruction; None if its source is not known."""
        first, last, start, end = [*self.code.co_positions()][at // 2]
        lines = [line.encode() for line in linecache.getlines(self.code.co_filename)[(first or 1) - 1 : last]]
        if not lines or first is None or start is None:
            return None
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][start:]
        try:
            (statement,) = ast.parse(b"(" + b"".join(lines) + b")").body
        except (SyntaxError, ValueError):
            return None
        return statement.value if isinstance(statement, ast.Expr) else None


def place_of(node: Node) -> tuple[int, int] | None:
    """The instruction that made a node, if that is known; all rounds of a loop have the same ones."""
    code = node.get("code")
    return None if code is None else (id(code), node.at)


def _adds_up(node: Node, user: Node) -> bool:
    """Whether a sum goes on, in one call of `sum` or in a loop: `total = total + x`."""
    return (
        place_of(user) is not None and node.op is user.op and user.op.fn in _SUMS and place_of(node) == place_of(user)
    )


@lru_cache(maxsize=256)  # a function is drawn more than once
def _assigned(code: CodeType) -> tuple[dict[int, str], frozenset[str]]:
    """Variables by instruction, and those that are assigned at all: `h`, `self.h`, `cache["h"]`, `h[t]` are all h."""
    instructions = [one for one in dis.get_instructions(code) if one.opname != "COPY"]
    variables = {
        name
        for before, one in pairwise(instructions)
        if one.opname.startswith(_STORES) and not before.opname.startswith("IMPORT")
        for name in _named(one)
    }
    found: dict[int, str] = {}
    followed = [*instructions, *instructions[-1:] * 3]  # so that something follows the last ones
    for before, *after in zip(*(followed[k:] for k in range(4)), strict=False):
        kinds = [one.opname for one in after for _ in range(2 if one.opname == _TWO else 1)]
        names = [name for one in after for name in (_named(one) if one.opname == _TWO else _named(one)[:1])]
        if kinds[0].startswith(_STORES):
            name = names[0]
        elif kinds[1] == "STORE_ATTR" or kinds[1:3] == ["LOAD_CONST", "STORE_SUBSCR"]:
            name = names[1] if isinstance(names[1], str) else names[0]
        elif kinds[2] == "STORE_SUBSCR":
            name = names[0]
        else:
            continue
        if isinstance(name, str) and name.isidentifier() and not name.startswith("_"):
            # While a function of Python runs, the instruction that calls it is told by its end.
            found |= dict.fromkeys(range(before.offset, after[0].offset, 2), name)
    return found, frozenset(variables)


def _named(instruction: dis.Instruction) -> tuple[str, ...]:
    """The variables of an instruction, which may be two in one."""
    names = instruction.argval
    return names if isinstance(names, tuple) else (names,)


def _operands(tree: ast.AST | None, node: Node, variables: Container[str]) -> list[ast.expr]:
    """The operands of the call or operator that made a node; [] where that is not sure."""
    count, name = len(node.args or ()), node.op.name.rpartition(".")[2]
    match tree:
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called != name:
            return []
        case ast.BinOp(left=left, right=right):
            found = [left, right]
        case ast.UnaryOp(operand=one) | ast.Subscript(value=one) | ast.Attribute(value=one):
            found = [one]
        case ast.Call(args=[ast.List(elts=found) | ast.Tuple(elts=found), *_]):  # of concatenate and stack
            found = found if len(found) == count else []
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name) as one), args=found) if name in variables:
            found = [one, *found]  # a method
        case ast.Call(func=ast.Attribute(value=one), args=found) if not _is_module(one):
            found = [one, *found] if len(found) < count else []  # a method, or a function of some module
        case ast.Call(args=found):
            pass
        case _:
            found = []
    odd = any(isinstance(one, ast.Starred) for one in found) or any(
        isinstance(one, ast.Constant) and isinstance(arg, (Node, np.ndarray))  # they are others, or in another order
        for one, arg in zip(found, node.args or (), strict=False)
    )
    return [] if odd or len(found) < count else found


def _is_module(value: ast.expr) -> bool:
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name) and value.id in _NUMPY


class _Blackboard(ast.NodeTransformer):
    """Source as it is drawn: names pretty, Xᵀ, functions without their module."""

    def visit_Name(self, node: ast.Name) -> Any:
        return ast.Name(pretty(node.id))

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        if _is_module(node.value):
            return ast.Name(node.attr)
        value = self.visit(node.value)
        if node.attr == "T":
            return ast.Name(f"{ast.unparse(value) if isinstance(value, ast.Name) else f'({ast.unparse(value)})'}ᵀ")
        return ast.Attribute(value, node.attr)


def _drawn(tree: ast.expr) -> str:
    text = ast.unparse(_Blackboard().visit(copy.deepcopy(tree)))
    for sign, drawn in _POWERS.items():
        text = text.replace(sign, drawn)
    text = text.replace(" ** ", "^")
    return _MINUS.sub("−", text)
