r"""Lines of a program as LaTeX: what NumPy computes, in the notation of the records' own mathematics.

$\odot$ and $\oslash$ are element by element, $1[a > b]$ is 1 where that holds and else 0, and $(x)_{i \cdot}$ is a
row of $x$.
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.notation.literals import ATOM, POWER, PRODUCT, SUM, Text, regular
from autograd.program.program import Line, Var
from autograd.program.ratio import fraction
from autograd.rules.index import scatter

_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega|"
    "Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega"
)
_LETTERS = re.compile(r"([WU])([a-z]{1,2})")  # Wq, as W_q
_NAME = re.compile(r"([^\W\d_]+)(_hat)?_?(\d*)_?")
_INDICES = "ijklmn"
_APPLIED = 7  # how tightly a function holds its argument
_BIG = 5.5  # and the sign of a sum: less than a factor, more than a summand
_BINARY: dict[Any, tuple[str, int]] = {np.add: ("+", SUM), np.subtract: ("-", SUM)}
_RELATIONS: dict[Any, str] = {
    np.greater: ">", np.less: "<", np.greater_equal: r"\ge", np.less_equal: r"\le", np.equal: "=", np.not_equal: r"\ne",
}  # fmt: skip
_FUNCTIONS: dict[Any, str] = {
    np.log: r"\ln", np.sin: r"\sin", np.cos: r"\cos", np.tan: r"\tan", np.tanh: r"\tanh", np.sinh: r"\sinh",
    np.cosh: r"\cosh", np.arcsin: r"\arcsin", np.arccos: r"\arccos", np.arctan: r"\arctan",
}  # fmt: skip
_TOTALS: dict[Any, str] = {
    np.sum: r"\sum", np.add.reduce: r"\sum", np.mean: r"\sum", np.max: r"\max", np.amax: r"\max", np.min: r"\min",
    np.amin: r"\min", np.prod: r"\prod", np.count_nonzero: r"\sum",
}  # fmt: skip
_SAME = {np.broadcast_to, np.expand_dims, np.squeeze, np.astype, np.positive, np.copy}  # mathematics has no word for it


def symbol(name: str) -> str:
    r"""An identifier as on the blackboard.

    >>> [symbol(name) for name in ("W1", "y_hat", "theta_2", "x_train", "logits", "db", "loss")]
    ['W_{1}', '\\hat{y}', '\\theta_{2}', 'x_{\\text{train}}', '\\mathrm{logits}', '\\mathrm{db}', 'L']
    >>> [symbol(name) for name in ("μ", "ŷ", "θ1")]
    ['\\mu', '\\hat{y}', '\\theta_{1}']
    """
    name = _in_ascii(name)
    if name == "loss":
        return "L"
    if found := _LETTERS.fullmatch(name):
        return f"{found[1]}_{{{found[2]}}}"
    match = _NAME.fullmatch(name)
    if match is None:
        stem, _, rest = name.partition("_")
        told = rest if len(rest) < 3 and rest.isascii() and rest.isalnum() else rf"\text{{{_plain(rest)}}}"
        return rf"{_stem(stem)}_{{{told}}}" if stem and rest else _stem(name)
    stem, hat, digits = match.groups()
    told = rf"\hat{{{_stem(stem)}}}" if hat else _stem(stem)
    return f"{told}_{{{digits}}}" if digits else told


def _in_ascii(name: str) -> str:
    """Greek letters by their names and hats as a word, as LaTeX has them."""
    told = []
    for letter in unicodedata.normalize("NFD", name):
        described = unicodedata.name(letter, "")
        if described.startswith("GREEK") and " LETTER " in described and len(described.split()) == 4:
            last = described.split()[-1].lower().replace("lamda", "lambda")
            told.append(last.capitalize() if "CAPITAL" in described else last)
        else:
            told.append("_hat" if described == "COMBINING CIRCUMFLEX ACCENT" else letter)
    return "".join(told)


def bar(name: str) -> str:
    r"""The gradient of the loss with respect to a value: `\bar{W}_{1}`."""
    told, below, index = symbol(name).partition("_{")
    over = "overline" if told.startswith((r"\mathrm", r"\hat")) else "bar"
    return rf"\{over}{{{told}}}{below}{index}"


def _stem(text: str) -> str:
    if _GREEK.fullmatch(text):
        return f"\\{text}"
    return text if len(text) == 1 and text.isascii() else rf"\mathrm{{{_plain(text)}}}"


def _plain(text: str) -> str:
    return text.replace("_", r"\_")


def grouped(text: str) -> str:
    """In parentheses that are high enough."""
    tall = any(word in text for word in (r"\frac", r"\sum", r"\max_", r"\min_", r"\left"))
    return rf"\left({text}\right)" if tall else f"({text})"


def indexed(text: str, index: str) -> str:
    """With an index below, in parentheses where it has one already."""
    return rf"{text if re.fullmatch(r'[A-Za-z]', text) else grouped(text)}_{{{index}}}"


class Mathematics:
    """Writes lines as LaTeX; `operand` gives that of a value."""

    def __init__(self, operand: Callable[[Var], Text], euler: bool = True) -> None:
        self._operand, self._euler = operand, euler  # whether e is Euler's number

    def __call__(self, line: Line) -> Text:
        fn, args = line.fn, line.args
        if fn in _BINARY:
            return self._infix(*_BINARY[fn], args)
        if fn in (np.multiply, np.divide):
            return self._product(fn, args)
        if fn in (np.matmul, np.dot, np.outer) and all(_ndim(arg) for arg in args):
            a, b = (self._inside(arg, PRODUCT) for arg in args)
            return Text(rf"{a} \, {b}^\top" if fn is np.outer else rf"{a} \, {b}", PRODUCT)
        if fn in _RELATIONS:
            a, b = (self.value(arg).text for arg in args)
            return Text(f"1[{a} {_RELATIONS[fn]} {b}]")
        if fn in (np.logical_and, np.bitwise_and):
            return Text(rf"{self._inside(args[0], PRODUCT)} \odot {self._inside(args[1], PRODUCT)}", PRODUCT)
        if fn in _TOTALS and type(args[0]) is Var and not line.kwargs.keys() - {"axis", "keepdims"}:
            return self._total(line, *args)
        return self._of_one(line) or self._called(line)

    def value(self, value: Any) -> Text:
        """A value of the program, or a constant."""
        if type(value) is Var:
            return self._operand(value)
        if isinstance(value, (bool, np.bool_)) or value is None or isinstance(value, str):
            return Text(rf"\text{{{_plain(str(value))}}}")
        if isinstance(value, (int, float, np.number)):
            return _number(value)
        if isinstance(value, (tuple, list, range)):
            return Text(f"({', '.join(self.value(part).text for part in value)})")
        if isinstance(value, slice):
            parts = ["" if part is None else self.value(part).text for part in (value.start, value.stop)]
            return Text("{:}".join(parts) + ("" if value.step is None else f"{{:}}{self.value(value.step).text}"))
        if isinstance(value, np.ndarray):
            told = regular(value)
            return Text(rf"\text{{{_plain(told)}}}") if told else self._entries(value.tolist())
        return Text(r"\dots" if value is Ellipsis else rf"\text{{{_plain(getattr(value, '__name__', str(value)))}}}")

    def _entries(self, entries: Any) -> Text:
        """A constant array; of a long row the first entries and the last."""
        if not isinstance(entries, list):
            return self.value(entries)
        told = [self._entries(entry).text for entry in entries]
        if len(told) > 6:
            told[3:-1] = [r"\dots"]
        return Text(f"({', '.join(told)})")

    def _inside(self, value: Any, level: float) -> str:
        told = self.value(value)
        return told.text if told.binds >= level else grouped(told.text)

    def _infix(self, sign: str, level: int, args: Any) -> Text:
        a, b = args
        right = self._inside(b, _BIG)
        left = self._inside(a, level)
        return Text(f"{left} {sign} {grouped(right) if right.startswith('-') else right}", level)

    def _product(self, fn: Any, args: Any) -> Text:
        a, b = args
        if fn is np.divide and not (_ndim(a) and _ndim(b)):
            over, under = self.value(a), self.value(b).text
            if isinstance(a, np.floating) and (told := fraction(a)):
                p, q = told.removeprefix("-").split(" / ")
                return Text(
                    rf"{'-' if told[0] == '-' else ''}\frac{{{p}}}{{{q} \, {self._inside(b, PRODUCT)}}}", PRODUCT
                )
            if _ndim(a) and len(over.text) > 40:
                return Text(rf"\frac{{1}}{{{self.value(b).text}}} \, {self._inside(a, PRODUCT)}", PRODUCT)
            sign = "-" if over.text.startswith("-") else ""
            return Text(rf"{sign}\frac{{{over.text.removeprefix('-')}}}{{{under}}}", PRODUCT)
        signs = r"\," if not (_ndim(a) and _ndim(b)) else r"\odot" if fn is np.multiply else r"\oslash"
        right = self._inside(b, PRODUCT + 1 if fn is np.divide else _BIG)
        return Text(f"{self._inside(a, PRODUCT)} {signs} {grouped(right) if right.startswith('-') else right}", PRODUCT)

    def _axes(self, line: Line, axis: Any = None) -> tuple[list[str], str]:
        """The index of each axis of the first operand, a dot where it is kept, and those of the others."""
        rank = _ndim(line.args[0])
        axis = line.kwargs.get("axis", axis)
        axes = range(rank) if axis is None else [int(k) % max(rank, 1) for k in np.ravel(axis)]
        letters = [_INDICES[k % len(_INDICES)] if k in axes else r"\cdot" for k in range(rank)]
        while letters and letters[-1] == r"\cdot":
            letters.pop()
        return letters, ",".join(letter for letter in letters if letter != r"\cdot")

    def _total(self, line: Line, operand: Var, axis: Any = None) -> Text:
        letters, below = self._axes(line, axis)
        told = indexed(self.value(operand).text, " ".join(letters)) if letters else self.value(operand).text
        text = f"{_TOTALS[line.fn]}_{{{below}}} {told}"
        if line.fn is np.mean:
            count = operand.value.size // max(np.size(line.target.value), 1)
            text = rf"\frac{{1}}{{{count}}} {text}"
        return Text(text, _BIG)

    def _of_one(self, line: Line) -> Text | None:
        """What takes one value."""
        fn, args = line.fn, line.args
        if fn in _SAME:
            return self.value(args[0])
        if fn is operator.getitem:
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            return Text(f"{self._inside(args[0], ATOM)}[{', '.join(self.value(part).text for part in index)}]")
        if fn is scatter:
            return self.value(args[0])
        if fn in (np.square, np.power):
            exponent = "2" if fn is np.square else self.value(args[1]).text
            base = self._inside(args[0], ATOM)
            return Text(f"{base if '^' not in base or base.endswith(')') else grouped(base)}^{{{exponent}}}", POWER)
        if len(args) != 1 or line.kwargs:
            return None
        if fn is np.transpose:
            return Text(rf"{self._inside(args[0], ATOM)}^\top", POWER)
        if fn is np.negative:
            return Text(f"-{self._inside(args[0], _BIG)}", SUM)
        if fn is np.exp:
            power = self.value(args[0]).text
            return Text(f"e^{{{power}}}", POWER) if self._euler else Text(rf"\exp({power})")
        if fn is np.sqrt:
            return Text(rf"\sqrt{{{self.value(args[0]).text}}}")
        if fn is np.absolute:
            return Text(rf"|{self.value(args[0]).text}|")
        if fn in _FUNCTIONS:
            return Text(f"{_FUNCTIONS[fn]} {self._inside(args[0], ATOM)}", _APPLIED)
        return None

    def _called(self, line: Line) -> Text:
        if line.fn in (np.maximum, np.minimum) and not line.kwargs:
            return Text(rf"\{line.fn.__name__[:3]}({', '.join(self.value(arg).text for arg in line.args)})")
        told = [self.value(arg).text for arg in line.args]
        told += [
            rf"\text{{{_plain(key)} = }}{self.value(value).text}"
            for key, value in line.kwargs.items()
            if key not in ("axis", "keepdims")
        ]
        below = f"_{{{self._axes(line)[1]}}}" if line.kwargs.get("axis") is not None else ""
        owner = getattr(getattr(line.fn, "__self__", None), "__name__", None)
        name = line.fn.__name__ if owner is None else f"{owner}.{line.fn.__name__}"
        return Text(rf"\operatorname{{{_plain(name)}}}{below}({', '.join(told)})")


def _number(value: Any) -> Text:
    if isinstance(value, np.floating) and (told := fraction(value)):
        over, under = told.removeprefix("-").split(" / ")
        return Text(rf"{'-' if told[0] == '-' else ''}\tfrac{{{over}}}{{{under}}}", SUM if told[0] == "-" else PRODUCT)
    number = float(value)
    if not np.isfinite(number):
        return Text(r"\text{nan}" if number != number else r"\infty" if number > 0 else r"-\infty")
    told = f"{number:.0f}" if number.is_integer() and abs(number) < 1e6 else repr(number)
    digits, _, power = told.partition("e")
    if power:
        told = f"10^{{{int(power)}}}" if digits == "1" else rf"{digits} \cdot 10^{{{int(power)}}}"
    return Text(told, SUM if told.startswith("-") else PRODUCT if power else ATOM)


def _ndim(value: Any) -> int:
    return len(value.shape or ()) if type(value) is Var else np.ndim(value)
