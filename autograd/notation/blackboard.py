"""Calls on one line as the blackboard has them, for the cards of a picture: `x W₁ + b₁`, `max(0, z₁)`, `e²`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.core.op import Op, find
from autograd.notation.literals import ATOM, POWER, PRODUCT, SIGN, SUM, Text
from autograd.notation.numbers import superscript
from autograd.notation.source import Helpers, Writer
from autograd.notation.words import function_name, index_text, options_text, scalar_text
from autograd.program.program import Line, Origin, Var
from autograd.rules.write import put

LONGEST: Final = 64  # characters of a formula
WIDE: Final = 56  # of one that still stands inside another
_MOST: Final = 4  # operands that are written out
_BIG: Final = 5.5  # how tightly the sign of a sum binds, and what ends with one
_WRITTEN: Final = 1  # and the arrow of a write
_SIGNS: Final = {"+": SUM, "−": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT}
# A letter with its index or hat: what stands side by side without a sign.
_LETTER: Final = re.compile(r"[^\W\d_][₀-₉]*ᵀ?")
_LETTERS: Final = re.compile(rf"{_LETTER.pattern}( {_LETTER.pattern})*")
_DIGITS: Final = re.compile(r"\d+")
_ANY_DIGITS: Final = re.compile(r"[\d₀-₉]+")
_TERMS: Final = 6  # of a sum that are written out,
_BROAD: Final = 44  # and characters, where all terms are alike
_DOTS: Final = "…"
_PACKED: Final = "packed_"  # with which the names of records begin whose outputs are in one array
_MULTIPLE: Final = re.compile(r"^−?[\d.]+(×10\S+)? \* ")
_BRACKETS: Final = re.compile(r"[\w.]*\([^()]*\)|\[[^\[\]]*\]")


class Blackboard(Writer):
    """A dialect of the source that derivations are printed in; the lines are those of `call_of`."""

    def __init__(self, operand: Callable[[Var], Text], index: Callable[[Any], str] = lambda array: "") -> None:
        """Take the texts of operands, and the names of arrays that say where, if somebody gave them one."""
        super().__init__(operand, Helpers())
        self._index = index

    def __call__(self, line: Line) -> Text:
        op = find(line.fn) or (line.origin.node.op if line.origin is not None else None)
        assert op is not None
        return self._sign(op, line) or self._applied(op, line)

    def value(self, value: Any) -> Text:
        if type(value) is Var:
            return self._operand(value)
        text = "array" if isinstance(value, np.ndarray) and value.ndim else scalar_text(value) or repr(value)
        bare = text.strip("()") if text.startswith("(") else text
        return Text(bare, SIGN if bare.startswith("−") else PRODUCT if "×" in bare else ATOM)

    def _sign(self, op: Op, line: Line) -> Text | None:
        """What is written with a sign or with brackets."""
        fn, args, options = op.fn, line.args, line.kwargs
        if fn is operator.getitem:
            if line.origin is not None and (part := _output(line.origin.node)):
                return Text(f"{self.value(args[0]).inside(ATOM)}[{part}]")
            return Text(f"{self.value(args[0]).inside(ATOM)}[{self._where(options)}]")
        if fn is put:
            old, value = self.value(args[0]).inside(ATOM), self.value(args[-1]).text
            return Text(f"{old}[{self._where(options)}] ← {value}", _WRITTEN)
        if options:
            return None
        if op.role == "product" and len(args) == len(op.operands) == 3:
            return Text(f"{self._product(*args[:2]).text} + {self.value(args[2]).inside(PRODUCT)}", SUM)
        if len(args) == 2 and op.label == "@":
            return self._product(*args)
        if len(args) == 2 and op.label == "^":
            base, exponent = self.value(args[0]).inside(ATOM), self.value(args[1])
            whole = _DIGITS.fullmatch(exponent.text)
            return Text(base + (superscript(int(exponent.text)) if whole else f"^{exponent.inside(ATOM)}"), POWER)
        if len(args) == 2 and not any(map(str.isalnum, op.label)):
            return self._infix((op.label, _SIGNS.get(op.label, PRODUCT)), args)
        return self._of_one(op, self.value(args[0])) if len(args) == 1 else None

    def _where(self, options: Mapping[str, Any]) -> str:
        """What stands between the brackets of an index."""
        (index,) = options.values()
        return index_text(index, self._index)

    def _of_one(self, op: Op, a: Text) -> Text | None:
        if op.fn is np.transpose:
            return Text(f"{a.inside(ATOM)}ᵀ")
        if op.fn is np.positive:
            return a
        if op.fn is np.negative:
            inside = a.inside(_BIG)
            inside = f"({inside})" if inside.startswith("−") else inside
            return Text(f"−{inside}", SIGN if a.binds > PRODUCT else a.binds)
        if op.fn is np.square:
            return Text(f"{a.inside(ATOM)}²", POWER)
        if op.fn is np.sqrt:
            return Text(f"√{a.inside(ATOM)}", POWER)
        if op.fn is np.absolute:
            return Text(f"|{a.text}|")
        if op.label in ("Σ", "Π") and a.binds >= POWER and not a.text.endswith(")"):
            return Text(f"{op.label} {a.text}", _BIG)
        return Text(f"1/{a.inside(ATOM)}", PRODUCT) if op.fn is np.reciprocal else None

    def _infix(self, sign: tuple[str, int], args: tuple[Any, ...]) -> Text:
        left, right = map(self.value, args)
        if (
            sign[0] == "@" and left.binds == PRODUCT and _is_elementwise(args[0], left.text)
        ):  # (r * h) @ U, for who reads it
            left = Text(f"({left.text})")
        if sign[0] == "+" and isinstance(args[0], int) and not args[0]:  # with which `sum` begins
            return right
        ends = right.binds == _BIG and sign[0] != "@"  # 0.5 * Σ e² is not multiplied further without brackets
        second = right.text if ends else right.inside(sign[1] + 1)
        second = f"({second})" if second.startswith("−") else second
        first = left.inside(sign[1])
        binds = min(sign[1], right.binds) if ends else sign[1]
        return Text(_sum_of_many(first, second) if sign[0] == "+" else f"{first} {sign[0]} {second}", binds)

    def _product(self, a: Any, b: Any) -> Text:
        """Side by side where both are letters, as on the blackboard; with the sign otherwise."""
        product = self._infix(("@", PRODUCT), (a, b))
        left, _, right = product.text.rpartition(" @ ")
        letters = _LETTERS.fullmatch(left) and _LETTER.fullmatch(right)
        return Text(f"{left} {right}", PRODUCT) if letters else product

    def _applied(self, op: Op, line: Line) -> Text:
        before = [repr(value) for key, value in line.kwargs.items() if key == "subscripts"]  # of einsum
        after = [f"{key}={text}" if key[0] != " " else text for key, text in options_text(line.kwargs)]
        return Text(f"{function_name(op)}({', '.join([*_some(before + self._texts(line)), *after])})")

    def _texts(self, line: Line) -> list[str]:
        return [self.value(arg).text for arg in line.args]


def call_of(node: Node, drawn: Mapping[int, Var]) -> Line:
    """The call that gave a node, as the blackboard has it: what it is computed of, and options by keyword.

    Args:
        node: an operation that knows its arguments.
        drawn: those that are values, Tensors and arrays, by position.
    """
    op = find(node.op.fn) or node.op
    operands: list[Any] = []
    options: dict[str, Any] = {}
    for position, arg in enumerate(node.args or ()):
        derived = node.op.variadic or (position < len(node.op.vjp) and node.op.vjp[position] is not None)
        if position in drawn:
            operands.append(drawn[position])
        elif derived and scalar_text(arg) is not None:
            operands.append(arg)
        elif isinstance(arg, str) and not operands:
            options["subscripts"] = arg
        else:
            keys = node.op.operands
            options[keys[position] if position < len(keys) else f" {position}"] = arg
    return Line(Var(node.value), op.fn, tuple(operands), {**options, **node.kwargs}, Origin("forward", node))


def _output(node: Node) -> str:
    """Which of several outputs an index takes of a record that has them in one array, or "".

    >>> from autograd import Tensor
    >>> a = Tensor(np.eye(2), requires_grad=True)
    >>> [_output(value._node) for value in (*np.linalg.slogdet(a), *np.linalg.svd(a), np.sum(a))]
    ['0', '1', '0', '1', '', '']
    """
    args = node.args or ()
    packed = args[0] if args else None
    if type(packed) is not Node or packed.op is None or not packed.op.name.startswith(_PACKED):
        return ""
    at = next(one for one in args[1] if one is not ...)
    if not isinstance(at, slice):
        return str(min(at, 1))
    if not at.start:
        return "0"
    return "" if packed.op.label == "svd" else "1"  # which is kept transposed


def apart(line: Line, lengths: Mapping[Var, int], standing: set[Var], *, inside: bool, longest: int) -> Iterator[Var]:
    """The values that need statements of their own, now that a line is written.

    That is its own, unless it may stand `inside` another; and where its text is longer than `longest` its longest
    part, so that it breaks at its outermost operation.

    Args:
        line: it computes a value.
        lengths: of the texts of the lines so far, this one among them.
        standing: the values that have statements.
    """
    if line.target not in standing and inside:
        return
    yield line.target
    parts = [var for var in line.variables() if var in lengths and var not in standing]
    if lengths[line.target] > longest and parts:
        yield max(parts, key=lengths.__getitem__)


def _is_elementwise(operand: Any, text: str) -> bool:
    """Whether it is a product or quotient of two arrays element by element.

    >>> [_is_elementwise(Var(None), text) for text in ("x / size", "0.5 * x", "f(a * b)")]
    [True, False, False]
    """
    node = operand.value if type(operand) is Var else None
    if type(node) is Node and node.op is not None:
        taken = [getattr(one, "ndim", 0) for one in node.args or ()]
        return node.op.fn in (np.multiply, np.divide) and all(taken)
    outside, inside = _MULTIPLE.sub("", text), ""
    while inside != outside:
        inside, outside = outside, _BRACKETS.sub("", outside)
    return " * " in outside or " / " in outside


def _sum_of_many(first: str, last: str) -> str:
    """A sum, of many terms that are alike but for their numbers the first two and the last.

    >>> _sum_of_many("h[0] + h[1] + h[2] + h[3] + h[4] + h[5]", "h[6]"), _sum_of_many("a + b + c + d + e + f", "g")
    ('h[0] + h[1] + … + h[6]', 'a + b + c + d + e + f + g')
    """
    terms = first.split(" + ")
    few = _DOTS not in terms and (len(terms) < 3 or (len(terms) < _TERMS and len(f"{first} + {last}") <= _BROAD))
    alike = {_ANY_DIGITS.sub("", term) for term in (*terms, last) if term != _DOTS}
    whole = all(term.count("(") == term.count(")") for term in terms)
    return f"{first} + {last}" if few or len(alike) > 1 or not whole else " + ".join([*terms[:2], _DOTS, last])


def _some(operands: Sequence[str]) -> list[str]:
    """Not too many operands, and those that are not drawn once."""
    several = [a for a, before in zip(operands, (None, *operands), strict=False) if not a == before == "…"]
    if len(several) <= _MOST:
        return several
    return [*several[: _MOST - 2], "…", *(several[-1:] if several[-1] != "…" else [])]
