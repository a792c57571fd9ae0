"""An expression of the author's, as it stands or edited, as code that gives its value each time that it ran."""

from __future__ import annotations

import ast
import dis
import operator
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.rules.write import put
from autograd.testing.aliases import operands
from autograd.testing.expressions import text_of
from autograd.testing.rerun import known_value
from autograd.testing.source import range_of
from autograd.testing.vocabulary import UnknownValueError

if TYPE_CHECKING:
    from autograd.testing.runs import Run

_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.FloorDiv: "//",
    ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_WRITES = {"STORE_ATTR", "STORE_GLOBAL", "STORE_SUBSCR", "DELETE_SUBSCR", "DELETE_ATTR"}
_CHANGING = ("fill", "sort", "put", "resize")


class Code:
    """An expression with places for what went into it.

    Args:
        run: one time that it ran, by which its calls are known.
        tree: the expression; with `whole`, of the statement, which may write into a part of an array.

    Raises:
        UnknownValueError: a part of it is nothing that is known.
    """

    def __init__(self, run: Run, tree: Any, whole: bool = False) -> None:
        self._run, self._held = run, dict[str, Any]()
        self._slots: dict[Any, tuple[str, Callable[[Run], Any]]] = {}
        text = self._written(tree) if whole and run.last.fn is put else self._of(tree)
        self._code: CodeType = compile(text, "<edited>", "eval")
        self._places = list(self._slots.values())

    def __call__(self, run: Run, values: Mapping[Any, Any]) -> Any:
        """The value, given those of the program."""
        scope = dict(self._held)
        for name, place in self._places:
            scope[name] = known_value(place(run), values)
        return eval(self._code, scope)

    def _written(self, tree: Any) -> str:
        """An array with another value in a part of it."""
        array, index = (
            self._slot(("last", 0), lambda r: r.last.args[0]),
            self._slot(("last", 1), lambda r: r.last.args[1]),
        )
        if isinstance(tree, ast.Tuple) and getattr(tree, "written", False):
            return f"{self._hold(put)}({array}, {self._of(tree.elts[0])}, {self._of(tree.elts[1])})"
        target = getattr(tree, "left", None)
        if isinstance(target, ast.Subscript) and not hasattr(target, "lineno"):  # another part is written to
            array, index = self._of(target.value), self._of(target.slice)
        return f"{self._hold(put)}({array}, {index}, {self._of(tree)})"

    def _slot(self, key: Any, place: Callable[[Run], Any]) -> str:
        """A name for what is another value each time."""
        if key not in self._slots:
            self._slots[key] = f"s{len(self._slots)}", place
        return self._slots[key][0]

    def _hold(self, value: Any) -> str:
        """A name for what is always the same."""
        name = f"h{len(self._held)}"
        self._held[name] = value
        return name

    def _of(self, node: Any) -> str:
        run, at = self._run, range_of(node) if hasattr(node, "lineno") else None
        edited = getattr(node, "edited", False)
        if at in run.leaves and not edited:
            return self._slot(("leaf", at), lambda r: r.leaves[at])
        if at in run.lines:
            return self._called(node, at)
        text = text_of(node)
        if text in run.names and not edited:
            return self._slot(("name", text), lambda r: r.names[text])
        return self._computed(node)

    def _called(self, node: Any, at: Any) -> str:
        """Recorded calls, again."""
        lines, result = self._run.lines[at], ""
        for k, line in enumerate(lines):
            args = [
                self._slot((at, k, p), lambda r, k=k, p=p: r.lines[at][k].args[p])  # type: ignore[misc]
                for p in range(len(line.args))
            ]
            if k == 0:
                for position, (_, part) in enumerate(operands(node, line)):
                    args[position] = self._of(part)
            elif line.args and line.args[0] is lines[k - 1].target:
                args[0] = result
            if line.fn is operator.getitem and isinstance(node, ast.Subscript) and getattr(node.slice, "edited", False):
                args[1] = self._of(node.slice)
            args += [
                f"{key}={self._slot((at, k, key), lambda r, k=k, key=key: r.lines[at][k].kwargs[key])}"  # type: ignore[misc]
                for key in line.kwargs
            ]
            result = f"{self._hold(line.fn)}({', '.join(args)})"
        return result

    def _computed(self, node: Any) -> str:
        """An expression of nobody's calls: an edit, or plain numbers."""
        of, kind = self._of, type(node)
        if kind is ast.Constant:
            return self._hold(node.value)
        if kind is ast.BinOp:
            return f"({of(node.left)} {_OPERATORS[type(node.op)]} {of(node.right)})"
        if kind is ast.UnaryOp and isinstance(node.op, ast.USub):
            return f"(-{of(node.operand)})"
        if kind is ast.Compare and len(node.ops) == 1:
            return f"({of(node.left)} {_OPERATORS[type(node.ops[0])]} {of(node.comparators[0])})"
        if kind in (ast.Tuple, ast.List):
            inner = "".join(f"{of(part)}, " for part in node.elts)
            return f"({inner})" if kind is ast.Tuple else f"[{inner}]"
        if kind is ast.Slice:
            return f"slice({', '.join('None' if p is None else of(p) for p in (node.lower, node.upper, node.step))})"
        if kind is ast.Subscript:
            return f"{of(node.value)}[{of(node.slice)}]"
        if kind is ast.Attribute and node.attr == "T":
            return f"{self._hold(np.transpose)}({of(node.value)})"
        if kind is ast.Attribute and node.attr in ("shape", "size", "ndim"):
            return f"{self._hold(np.asarray)}({of(node.value)}).{node.attr}"
        if kind is ast.Call:
            return self._call(node)
        raise UnknownValueError

    def _call(self, node: Any) -> str:
        options = [f"{keyword.arg}={self._of(keyword.value)}" for keyword in node.keywords]
        args = ", ".join([*map(self._of, node.args), *options])
        called = text_of(node.func)
        if function_of(self._run, called) is not None:
            function = self._slot(("function", called), lambda r: function_of(r, called))
            return self._called_with_copies(function, node, options)
        if not isinstance(node.func, ast.Attribute):
            raise UnknownValueError
        own, name = node.func.value, node.func.attr
        if isinstance(own, ast.Name) and own.id in ("np", "numpy"):
            return f"{self._hold(getattr(np, name))}({args})"
        if not hasattr(np.ndarray, name) or name in _CHANGING:
            raise UnknownValueError
        return f"{self._hold(np.asarray)}({self._of(own)}).{name}({args})"

    def _called_with_copies(self, function: str, node: Any, options: list[str]) -> str:
        copies = [f"{self._hold(np.copy)}({self._of(arg)})" for arg in node.args]
        return f"{function}({', '.join([*copies, *options])})"


def function_of(run: Run, name: str) -> Any:
    """A function or method of the author's that changes nothing, by its name; None if it is none."""
    frame = run.frame
    owner, _, last = name.rpartition(".")
    if frame is None or owner not in ("", "self"):
        return None
    if not owner:
        found = len if name == "len" else frame.f_locals.get(name, frame.f_globals.get(name))
    else:
        found = getattr(frame.f_locals.get("self"), last, None)
    plain = found.__func__ if isinstance(found, MethodType) else found
    return found if found is len or is_function(plain) else None


def is_function(value: Any) -> bool:
    """Whether a value is a function that changes nothing."""
    return isinstance(value, np.ufunc) or (isinstance(value, FunctionType) and is_pure(value))


def is_pure(function: FunctionType) -> bool:
    """Whether a function writes into nothing that it is given."""
    return not any(step.opname in _WRITES for step in dis.get_instructions(function))
