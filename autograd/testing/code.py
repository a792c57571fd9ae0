"""An expression of the author's, as it stands or edited, as a function that gives its value each time that it ran."""

from __future__ import annotations

import ast
import dis
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from inspect import signature
from types import CodeType, FrameType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.program.trace import Traced
from autograd.rules.write import put
from autograd.testing.aliases import operands
from autograd.testing.expressions import text_of
from autograd.testing.indices import UnknownValueError
from autograd.testing.recording import variables_of
from autograd.testing.rerun import known_value
from autograd.testing.source import is_authors, range_of, statements_of

if TYPE_CHECKING:
    from autograd.testing.runs import Run

Value = Callable[
    ["Run", Mapping[Any, Any]], Any
]  # of an expression, at one time that it ran, given the program's values
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.MatMult: operator.matmul, ast.Pow: operator.pow, ast.FloorDiv: operator.floordiv, ast.Gt: operator.gt,
    ast.Lt: operator.lt, ast.GtE: operator.ge, ast.LtE: operator.le, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_NAMED = (ast.Name, ast.Attribute, ast.Subscript)
_WRITES = {"STORE_ATTR", "STORE_GLOBAL", "STORE_SUBSCR", "DELETE_SUBSCR", "DELETE_ATTR"}
_HOLDERS = (np.ndarray, Traced, dict, list, set)
_CHANGING = ("fill", "sort", "put", "resize")


class Code:
    """The expressions of one statement, with places for what went into them.

    What is made of the author's own nodes is kept, so that an edit costs no more than its way up the tree.

    Args:
        run: one time that it ran, by which its calls are known.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: dict[int, tuple[Any, Value]] = {}  # by the identity of a node, which is held with it

    def statement(self, tree: Any) -> Value:
        """The value of the whole expression of a statement, which may write into a part of an array."""
        return self._written(tree) if self._run.last.fn is put else self.of(tree)

    def of(self, node: Any) -> Value:
        """The value of an expression.

        Raises:
            UnknownValueError: a part of it is nothing that is known.
        """
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = node, self._made(node)
        return known[1]

    def _written(self, tree: Any) -> Value:
        """An array with another value in a part of it."""
        array, index = (_slot(lambda r, k=k: r.last.args[k]) for k in (0, 1))  # type: ignore[misc]
        if hasattr(tree, "also"):  # and into another part
            before, other, new = self._written(tree.left), self.of(tree.also), self.of(tree.right)
            operation = _OPERATORS[type(tree.op)]
            return _calling(lambda x, i, y: put(x, i, operation(x[i], y)), [before, other, new])
        if isinstance(tree, ast.Tuple) and getattr(tree, "written", False):
            return _calling(put, [array, *map(self.of, tree.elts)])
        target = getattr(tree, "left", None)
        if isinstance(target, ast.Subscript) and not hasattr(target, "lineno"):  # another part is written to
            array, index = self.of(target.value), self.of(target.slice)
        return _calling(put, [array, index, self.of(tree)])

    def _made(self, node: Any) -> Value:
        run, at = self._run, range_of(node) if hasattr(node, "lineno") else None
        edited = getattr(node, "edited", False)
        if at in run.leaves and not edited:
            return _slot(lambda r: r.leaves[at])
        if at in run.lines:
            return self._called(node, at)
        if isinstance(node, _NAMED) and not edited and (text := text_of(node)) in run.names:
            return _slot(lambda r: r.names[text])
        return self._computed(node)

    def _called(self, node: Any, at: Any) -> Value:
        """Recorded calls, again."""
        lines, result = self._run.lines[at], None
        for k, line in enumerate(lines):
            args: list[Value] = [
                _slot(lambda r, k=k, p=p: r.lines[at][k].args[p])  # type: ignore[misc]
                for p in range(len(line.args))
            ]
            if k == 0:
                for position, (_, part) in enumerate(operands(node, line)):
                    args[position] = self.of(part)
            elif result is not None and line.args and line.args[0] is lines[k - 1].target:
                args[0] = result
            if line.fn is operator.getitem and isinstance(node, ast.Subscript) and _is_another(node.slice):
                args[1] = self.of(node.slice)
            options = {
                key: _slot(lambda r, k=k, key=key: r.lines[at][k].kwargs[key])  # type: ignore[misc]
                for key in line.kwargs
            }
            result = _calling(line.fn, args, options)
        assert result is not None
        return result

    def _computed(self, node: Any) -> Value:
        """An expression of nobody's calls: an edit, or plain numbers."""
        of, kind = self.of, type(node)
        if kind is ast.Constant:
            return lambda r, v: node.value
        if kind is ast.BinOp:
            return _calling(_OPERATORS[type(node.op)], [of(node.left), of(node.right)])
        if kind is ast.UnaryOp and isinstance(node.op, ast.USub):
            return _calling(operator.neg, [of(node.operand)])
        if kind is ast.UnaryOp and isinstance(node.op, ast.Invert):
            return _calling(operator.invert, [of(node.operand)])
        if kind is ast.Compare and len(node.ops) == 1:
            return _calling(_OPERATORS[type(node.ops[0])], [of(node.left), of(node.comparators[0])])
        if kind in (ast.Tuple, ast.List):
            return _calling(lambda *parts: parts if kind is ast.Tuple else [*parts], [of(part) for part in node.elts])
        if kind is ast.Slice:
            parts = [_slot(lambda r: None) if p is None else of(p) for p in (node.lower, node.upper, node.step)]
            return _calling(slice, parts)
        if kind is ast.Subscript:
            return _calling(operator.getitem, [of(node.value), of(node.slice)])
        if kind is ast.Attribute and node.attr == "T":
            return _calling(np.transpose, [of(node.value)])
        if kind is ast.Attribute and node.attr in ("shape", "size", "ndim"):
            return _calling(lambda x: getattr(np.asarray(x), node.attr), [of(node.value)])
        if kind is ast.Call:
            return self._call(node)
        raise UnknownValueError

    def _call(self, node: Any) -> Value:
        options = {keyword.arg: self.of(keyword.value) for keyword in node.keywords}
        called = text_of(node.func)
        if called == "len" and (length := self._length(node.args[0])) is not None:
            return lambda r, v: length
        args = [self.of(arg) for arg in node.args]
        if called == "range":  # as an index
            return _calling(np.arange, args)
        if function_of(self._run, called) is not None:

            def call(run: Run, values: Mapping[Any, Any]) -> Any:
                copies = [np.copy(arg(run, values)) for arg in args]
                return function_of(run, called)(*copies, **{key: value(run, values) for key, value in options.items()})

            return call
        if not isinstance(node.func, ast.Attribute):
            raise UnknownValueError
        own, name = node.func.value, node.func.attr
        if isinstance(own, ast.Name) and own.id in ("np", "numpy"):
            return _calling(getattr(np, name), args, options)
        if not hasattr(np.ndarray, name) or name in _CHANGING:
            raise UnknownValueError
        return _calling(lambda x, *a, **k: getattr(np.asarray(x), name)(*a, **k), [self.of(own), *args], options)

    def _length(self, node: Any) -> int | None:
        """How long a list of the author's is that holds something else than numbers."""
        name, frame = text_of(node), self._run.frame
        held = variables_of(frame).get(name) if name not in self._run.names else None
        return len(held) if isinstance(held, (list, tuple, dict)) else None


def _is_another(index: ast.expr) -> bool:
    """Whether an index is not the author's."""
    return getattr(index, "edited", False) or not hasattr(index, "lineno")


def _slot(place: Callable[[Run], Any]) -> Value:
    """What is another value each time."""
    return lambda run, values: known_value(place(run), values)


def _calling(fn: Callable[..., Any], args: list[Value], options: Mapping[Any, Value] | None = None) -> Value:
    """What a function gives."""
    if options:
        return lambda run, values: fn(
            *[arg(run, values) for arg in args], **{key: value(run, values) for key, value in options.items()}
        )
    if len(args) == 2:
        a, b = args
        return lambda run, values: fn(a(run, values), b(run, values))
    return lambda run, values: fn(*[arg(run, values) for arg in args])


def function_of(run: Run, name: str) -> Any:
    """A function or method of the author's that changes nothing, by its name; None if it is none."""
    frame = run.frame
    owner, _, last = name.rpartition(".")
    if frame is None:
        return None
    if not owner:
        found = len if name == "len" else variables_of(frame).get(name, frame.f_globals.get(name))
    else:
        found = getattr(_objects(frame).get(owner), last, None)
    plain = found.__func__ if isinstance(found, MethodType) else found
    return found if found is len or is_function(plain) else None


def is_function(value: Any) -> bool:
    """Whether a value is a function that changes nothing."""
    return isinstance(value, np.ufunc) or (isinstance(value, FunctionType) and is_pure(value))


def is_pure(function: FunctionType) -> bool:
    """Whether a function writes into nothing that others see; what it is given are copies."""
    written = _writes(function.__code__)
    if written != {"STORE_SUBSCR"}:
        return not written
    # It writes elements: of its arguments and its own arrays, unless it knows others, by self, a closure or a global.
    code, variables = function.__code__, function.__globals__
    has_others = any(isinstance(variables.get(name), _HOLDERS) for name in code.co_names)
    return not (has_others or function.__closure__ or code.co_varnames[:1] == ("self",))


@lru_cache(maxsize=1024)
def _writes(code: CodeType) -> set[str]:
    """The instructions by which a function writes into something."""
    return {step.opname for step in dis.get_instructions(code)} & _WRITES


def around(frame: FrameType | None) -> tuple[dict[str, range], list[float], dict[str, dict[str, bool]]]:
    """The functions and how many arguments they take, the numbers, and what may be told with True or False."""
    if frame is None:
        return {}, [], {}
    held: list[tuple[str, int, Mapping[str, Any]]] = [("", 0, {**frame.f_globals, **variables_of(frame)})]
    functions: dict[str, range] = {}
    flags: dict[str, dict[str, bool]] = {}
    for text, owner in _objects(frame).items():
        held += [(f"{text}.", 1, vars(kind)) for kind in type(owner).__mro__]
        functions |= {f"{text}.{name}": range(1, 2) for name, value in vars(owner).items() if is_function(value)}
    for prefix, bound, names in held:
        for name, value in names.items():
            if name.startswith("__") or not isinstance(value, FunctionType) or not is_pure(value):
                continue
            given = signature(value).parameters.values()
            least = sum(one.default is one.empty for one in given)
            functions[f"{prefix}{name}"] = range(least - bound, len(given) - bound + 1)
            flags[f"{prefix}{name}"] = {one.name: one.default for one in given if isinstance(one.default, bool)}
    return functions, [value for value in frame.f_code.co_consts if type(value) in (int, float)], flags


def _objects(frame: FrameType) -> dict[str, Any]:
    """`self`, and the objects of the author's classes that it holds, as an activation."""
    own = variables_of(frame).get("self")
    held = {f"self.{name}": value for name, value in getattr(own, "__dict__", {}).items() if _is_authors_object(value)}
    return {"self": own, **held} if hasattr(own, "__dict__") else {}


def _is_authors_object(value: Any) -> bool:
    methods = (part for part in vars(type(value)).values() if isinstance(part, FunctionType))
    return hasattr(value, "__dict__") and any(is_authors(method.__code__.co_filename) for method in methods)


@lru_cache(maxsize=1024)
def used_in(code: CodeType) -> frozenset[str]:
    """The variables that a function reads."""
    nodes = (node for statement in statements_of(code) for node in ast.walk(statement))
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
