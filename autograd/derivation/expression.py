"""NumPy source text of single calls, with operators and methods where a person would use them."""

from __future__ import annotations

import ast
import inspect
import math
import operator
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd.derivation.program import Line, Var
from autograd.op import find

ATOM, POWER, SIGN, PRODUCT, SUM, COMPARISON, LOWEST = 10, 8, 7, 6, 5, 3, 0
_INFIX: dict[Any, tuple[str, int]] = {
    np.add: ("+", SUM), np.subtract: ("-", SUM), np.multiply: ("*", PRODUCT), np.divide: ("/", PRODUCT),
    np.matmul: ("@", PRODUCT), np.remainder: ("%", PRODUCT), np.floor_divide: ("//", PRODUCT), np.power: ("**", POWER),
    np.greater: (">", COMPARISON), np.less: ("<", COMPARISON), np.greater_equal: (">=", COMPARISON),
    np.less_equal: ("<=", COMPARISON), np.equal: ("==", COMPARISON), np.not_equal: ("!=", COMPARISON),
}  # fmt: skip
_REVERSIBLE = {np.add, np.multiply}
_REDUCTIONS = {np.sum: "sum", np.add.reduce: "sum", np.mean: "mean", np.max: "max", np.min: "min", np.amax: "max"}


class Text(NamedTuple):
    """Source text, and how tightly it binds."""

    text: str
    binds: int = ATOM

    def inside(self, level: int) -> str:
        """In parentheses where the context binds more tightly."""
        return self.text if self.binds >= level else f"({self.text})"


class Helpers:
    """Functions of ours that a program calls: their source stands above it, with what they import."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._imports: set[str] = set()

    def add(self, fn: Any) -> str:
        """Take `fn` and all that it calls; give its name."""
        fn = inspect.unwrap(fn)
        name = str(fn.__name__)
        if name in self._known:
            return name
        self._known[name] = ""
        for used in _names(fn.__code__):
            value = fn.__globals__.get(used)
            if inspect.ismodule(value):
                self._imports.update([f"import {used}"] if value is not np else [])
            elif inspect.isfunction(value) and value.__module__.startswith("numpy"):
                self._imports.add(f"from {value.__module__} import {used}")
            elif inspect.isfunction(value):
                self.add(value)
            elif isinstance(value, (int, float, str)) and not used.startswith("__"):
                self._known[used] = f"{used} = {value!r}"
        self._known[name] = _bare(inspect.getsource(fn))
        return name

    @property
    def names(self) -> set[str]:
        """What these definitions and imports are called."""
        return {*self._known, *(line.split()[-1] for line in self._imports)}

    def source(self) -> list[str]:
        """The parts of a module before `backprop`: imports, constants, and functions, each before what calls it."""
        imports = "\n".join([*sorted(line for line in self._imports if line.startswith("import")), "",
                             "import numpy as np",
                             *sorted(line for line in self._imports if line.startswith("from"))]).strip()  # fmt: skip
        functions = [text for text in self._known.values() if text.startswith("def ")]
        constants = "\n".join(text for text in self._known.values() if not text.startswith("def "))
        return [imports + (f"\n\n{constants}" if constants else ""), *functions[::-1]]


def _names(code: Any) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _names(constant)


def is_ours(fn: Any) -> bool:
    """Whether source cannot call `fn` from NumPy or `operator`, so that its definition must stand there."""
    if isinstance(fn, np.ufunc) or isinstance(getattr(fn, "__self__", None), np.ufunc):
        return False
    return not (getattr(fn, "__module__", "") or "").startswith(("numpy", "operator", "_operator"))


def _bare(source: str) -> str:
    """A function without decorators, annotations and docstring."""
    tree = ast.parse(textwrap.dedent(source))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list, function.returns = [], None
    for argument in (*function.args.args, *function.args.kwonlyargs):
        argument.annotation = None
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    return ast.unparse(tree)


class Writer:
    """Writes lines as expressions; `operand` gives the text of a value."""

    def __init__(self, operand: Callable[[Var], Text], helpers: Helpers) -> None:
        self._operand, self._helpers = operand, helpers

    def __call__(self, line: Line) -> Text:
        fn, args, kwargs = line.fn, line.args, line.kwargs
        if not kwargs:
            if fn in _INFIX:
                return self._infix(_INFIX[fn], fn in _REVERSIBLE, args)
            if fn is np.dot and all(len(_shape(arg)) in (1, 2) for arg in args):
                return self._infix(_INFIX[np.matmul], False, args)
            if fn is np.negative:
                return Text("-" + self.value(args[0]).inside(PRODUCT), SIGN)
            if fn is np.square:
                return Text(f"{self.value(args[0]).inside(ATOM)}**2", POWER)
            if fn is np.transpose and len(args) == 1:
                return Text(f"{self.value(args[0]).inside(ATOM)}.T")
            if fn is operator.getitem:
                return Text(f"{self.value(args[0]).inside(ATOM)}[{self._index(args[1])}]")
            if fn is np.astype and type(args[0]) is Var:
                return Text(f"{self.value(args[0]).inside(ATOM)}.astype({self.value(args[1]).text})")
            if fn is np.reshape and len(args) == 2 and type(args[0]) is Var:
                return Text(f"{self.value(args[0]).inside(ATOM)}.reshape({self.value(args[1]).text})")
        if fn in _REDUCTIONS and type(args[0]) is Var and "where" not in kwargs:
            rest = [self.value(arg).text for arg in args[1:]]
            options = [f"{key}={self.value(value).text}" for key, value in kwargs.items()]
            options = [option.replace("axis=(0,)", "axis=0").replace("axis=(1,)", "axis=1") for option in options]
            operand, name, listed = self.value(args[0]), _REDUCTIONS[fn], ", ".join(rest + options)
            if listed and operand.text.isidentifier():
                return Text(f"{operand.text}.{name}({listed})")
            return Text(f"np.{name}({', '.join([operand.text, *rest, *options])})")
        told = [_typed(arg) or self.value(arg).text if is_ours(fn) else self.value(arg).text for arg in args]
        told += [f"{key}={self.value(value).text}" for key, value in kwargs.items()]
        return Text(f"{self.function(fn)}({', '.join(told)})")

    def _infix(self, sign: tuple[str, int], reversible: bool, args: tuple[Any, ...]) -> Text:
        symbol, level = sign
        left, right = (self.value(arg) for arg in args)
        strict = level + 1 if level != POWER else level
        if symbol == "**":
            return Text(f"{left.inside(ATOM)}**{right.inside(SIGN)}", level)
        # a + (b + c) is another rounding than a + b + c: only the left operand goes without parentheses
        return Text(f"{left.inside(strict if level == COMPARISON else level)} {symbol} {right.inside(strict)}", level)

    def _index(self, index: Any) -> str:
        if isinstance(index, tuple) and index:
            return ", ".join(self._index(part) for part in index) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            parts = ["" if part is None else self.value(part).text for part in (index.start, index.stop)]
            return ":".join(parts) + ("" if index.step is None else f":{self.value(index.step).text}")
        return "..." if index is Ellipsis else self.value(index).text

    def function(self, fn: Any) -> str:
        """How source code calls `fn`."""
        if isinstance(fn, np.ufunc):
            return f"np.{fn.__name__}"
        owner = getattr(fn, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"np.{owner.__name__}.{fn.__name__}"
        module = getattr(fn, "__module__", "") or ""
        if module.startswith("numpy"):
            record = find(fn)
            if record is not None and record.name.startswith("np."):
                return record.name
            return f"np.linalg.{fn.__name__}" if "linalg" in module else f"np.{fn.__name__}"
        return self._helpers.add(fn)

    def value(self, value: Any) -> Text:
        """A value of the program, or a constant as a literal."""
        if type(value) is Var:
            return self._operand(value)
        if isinstance(value, (tuple, range)):
            inner = ", ".join(self.value(part).text for part in value)
            return Text(f"({inner},)" if len(value) == 1 else f"({inner})")
        if isinstance(value, list):
            return Text(f"[{', '.join(self.value(part).text for part in value)}]")
        if isinstance(value, np.ndarray):
            kind = "" if value.dtype in (np.float64, np.int64, np.bool_) else f", dtype=np.{value.dtype.name}"
            return Text(f"np.array({self.value(value.tolist()).text}{kind})")
        return literal(value)


def literal(value: Any) -> Text:
    """A constant as source text; numbers of other precisions say so."""
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return Text(f"np.{np.dtype(value).name}")
    if isinstance(value, np.generic):
        if value.dtype in (np.float64, np.int64, np.bool_):
            return literal(value.item())
        return Text(f"np.{value.dtype.name}({literal(value.item()).text})")
    if isinstance(value, float):
        if math.isnan(value):
            return Text("np.nan")
        text = "np.inf" if math.isinf(value) else repr(abs(value))
        return Text(f"-{text}", SIGN) if math.copysign(1, value) < 0 else Text(text)
    if isinstance(value, slice):
        return Text(f"slice({', '.join(literal(part).text for part in (value.start, value.stop, value.step))})")
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return Text(repr(value), SIGN)
    if value is None or value is Ellipsis or isinstance(value, (bool, int, str)):
        return Text("..." if value is Ellipsis else repr(value))
    if isinstance(value, type) and value in (float, int, bool):
        return Text(value.__name__)
    raise TypeError(f"a {type(value).__name__} among the arguments cannot be written as source: {value!r}")


def _typed(value: Any) -> str | None:
    """A number that knows its dtype and shape, as arrays do."""
    return f"np.{value.dtype.name}({literal(value.item()).text})" if isinstance(value, np.generic) else None


def _shape(value: Any) -> tuple[int, ...]:
    shape = value.shape if type(value) is Var else np.shape(value)
    return shape or ()
