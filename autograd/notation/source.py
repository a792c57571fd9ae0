"""NumPy source text of single calls, with operators and methods where a person would use them."""

from __future__ import annotations

import ast
import inspect
import operator
import textwrap
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from autograd.basis.signatures import qualified_name
from autograd.core.op import find
from autograd.notation.literals import (
    ATOM,
    COMPARISON,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Text,
    kind,
    literal,
    ndim,
    regular,
    typed,
)  # fmt: skip
from autograd.program.program import Line, Var
from autograd.program.ratio import fraction, parts, ratio
from autograd.rules.index import scatter
from autograd.rules.write import put

_INFIX: dict[Any, tuple[str, int]] = {
    np.add: ("+", SUM), np.subtract: ("-", SUM), np.multiply: ("*", PRODUCT), np.divide: ("/", PRODUCT),
    np.matmul: ("@", PRODUCT), np.remainder: ("%", PRODUCT), np.floor_divide: ("//", PRODUCT), np.power: ("**", POWER),
    np.greater: (">", COMPARISON), np.less: ("<", COMPARISON), np.greater_equal: (">=", COMPARISON),
    np.less_equal: ("<=", COMPARISON), np.equal: ("==", COMPARISON), np.not_equal: ("!=", COMPARISON),
}  # fmt: skip
_DEFAULTS: Any = ((np.einsum, "optimize", False), (np.reshape, "order", "C"))
_REDUCTIONS = {np.sum: "sum", np.add.reduce: "sum", np.mean: "mean", np.max: "max", np.min: "min", np.amax: "max"}


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

    def scipy(self, name: str) -> str:
        """Import the module of a function of SciPy's; give its name."""
        self._imports.add(f"import {name.rpartition('.')[0]}")
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


def helper_names(lines: Iterable[Line]) -> set[str]:
    """What stands above `backprop` for these lines is called so."""
    helpers = Helpers()
    for line in lines:
        if is_ours(line.fn) and line.fn not in (scatter, put):
            helpers.add(line.fn)
    return helpers.names


def is_ours(fn: Any) -> bool:
    """Whether source cannot call `fn` from NumPy or `operator`, so that its definition must stand there."""
    if isinstance(fn, np.ufunc) or isinstance(getattr(fn, "__self__", None), np.ufunc):
        return False
    return not (getattr(fn, "__module__", "") or "").startswith(("numpy", "operator", "_operator", "scipy"))


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
        fn, args = line.fn, line.args
        options = {key: value for key, value in line.kwargs.items() if (fn, key, value) not in _DEFAULTS}
        if isinstance(fn, np.ufunc):
            args = tuple(_weak(arg, line) for arg in args)
        idiom = self._idiom(fn, args, line.target) if args and not options else None
        if idiom is not None:
            return idiom
        named = [f"{key}={self.value(value).text}" for key, value in options.items()]
        if fn in _REDUCTIONS and type(args[0]) is Var and "where" not in options:
            operand, *rest = (self.value(arg).text for arg in args)
            rest += [option.replace("axis=(0,)", "axis=0").replace("axis=(1,)", "axis=1") for option in named]
            if rest and operand.isidentifier():
                return Text(f"{operand}.{_REDUCTIONS[fn]}({', '.join(rest)})")
            return Text(f"np.{_REDUCTIONS[fn]}({', '.join([operand, *rest])})")
        passed = [typed(arg) or self.value(arg).text if is_ours(fn) else self.value(arg).text for arg in args]
        return Text(f"{self.function(fn)}({', '.join(passed + named)})")

    def _idiom(self, fn: Any, args: tuple[Any, ...], target: Var) -> Text | None:
        """What is written with a sign, with brackets, or as a method."""
        if fn in _INFIX:
            return self._infix(_INFIX[fn], args)
        if fn is np.dot and all(ndim(arg) in (1, 2) for arg in args):
            return self._infix(_INFIX[np.matmul], args)
        if fn is np.broadcast_to and not isinstance(args[0], (Var, np.ndarray)):
            return self._filled(args[0], args[1], target.dtype)
        first = self.value(args[0])
        if fn is np.negative:  # -a * b is (-a) * b
            return Text("-" + first.inside(PRODUCT), SIGN if first.binds > PRODUCT else PRODUCT)
        if fn is np.square:
            return Text(f"{first.inside(ATOM)}**2", POWER)
        if fn is np.transpose and len(args) == 1:
            return Text(f"{first.inside(ATOM)}.T")
        if fn is operator.getitem:
            return Text(f"{first.inside(ATOM)}[{self.index(args[1])}]")
        if type(args[0]) is not Var or len(args) != 2:
            return None
        if fn is np.expand_dims and type(args[1]) is int:
            index = "..., None" + ", :" * (-1 - args[1]) if args[1] < 0 else ":, " * args[1] + "None"
            return Text(f"{first.inside(ATOM)}[{index}]")
        if fn in (np.astype, np.reshape):
            return Text(f"{first.inside(ATOM)}.{fn.__name__}({self.value(args[1]).text})")
        return None

    def _filled(self, number: Any, shape: tuple[int, ...], dtype: Any) -> Text:
        """An array that holds one number."""
        if number in (0, 1) and (text := regular(np.full(shape, number, dtype))):
            return Text(text)
        value = typed(number) if dtype != np.float64 else None
        size = self.value(shape if len(shape) != 1 else shape[0]).text
        return Text(f"np.full({size}, {value or self.value(number).text})")

    def _infix(self, sign: tuple[str, int], args: tuple[Any, ...]) -> Text:
        symbol, level = sign
        left, right = (self.value(arg) for arg in args)
        strict = level + 1 if level != POWER else level
        if symbol == "**":
            return Text(f"{left.inside(ATOM)}**{right.inside(SIGN)}", level)
        # a + (b + c) is another rounding than a + b + c: only the left operand goes without parentheses
        return Text(f"{left.inside(strict if level == COMPARISON else level)} {symbol} {right.inside(strict)}", level)

    def index(self, index: Any) -> str:
        """What stands in the brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(self.index(part) for part in index) + ("," if len(index) == 1 else "")
        if isinstance(index, slice):
            parts = ["" if part is None else self.value(part).text for part in (index.start, index.stop)]
            return ":".join(parts) + ("" if index.step is None else f":{self.value(index.step).text}")
        return "..." if index is Ellipsis else self.value(index).text

    def function(self, fn: Any) -> str:
        """How source code calls `fn`."""
        record = find(fn)
        name = record.name if record else qualified_name(fn)
        if name.startswith("scipy."):
            return self._helpers.scipy(name)
        if isinstance(fn, np.ufunc):
            return "np.abs" if fn is np.absolute else f"np.{fn.__name__}"
        owner = getattr(fn, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"np.{owner.__name__}.{fn.__name__}"
        module = getattr(fn, "__module__", "") or ""
        if module.startswith("numpy"):
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
            return Text(regular(value) or f"np.array({self.value(value.tolist()).text}{kind(value)})")
        return literal(value)


def _weak(value: Any, line: Line) -> Any:
    """A number among floats of its precision, or with none of its own, as short as it is written by hand."""
    if not isinstance(value, (float, np.floating)):
        return value
    kinds = {var.dtype for var in line.variables() if var.dtype is not None and var.dtype.kind == "f"}
    if not kinds or not kinds >= {getattr(value, "dtype", next(iter(kinds)))}:
        return value
    if float(value).is_integer() and abs(float(value)) < 1e6 and (value or not np.signbit(value)):
        return int(value)
    return ratio(*parts(value), np.dtype("d")) if fraction(value) else float(str(value))
