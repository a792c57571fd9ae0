"""Mathematics for pages: a tree as MathML Core, which browsers set without any library."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from autograd.notation.names import PLAIN_DIGITS
from autograd.notation.tree import (
    Bar,
    Fraction,
    Group,
    Root,
    Row,
    Script,
    Space,
    Symbol,
    Tree,
    parts_of,
    role_of,
    roles,
)

_GAP: Final = '<mspace width="0.17em"/>'
_GROWING: Final = {"Σ": "∑", "Π": "∏"}  # the signs that grow, for the letters of a line of text


def mathml(tree: Tree) -> str:
    r"""A tree as a `math` element on a line of its own.

    >>> from autograd.notation.tree import parse
    >>> mathml(parse("a^2"))
    '<math display="block"><msup><mi>a</mi><mn>2</mn></msup></math>'
    >>> mathml(Symbol("z₁"))
    '<math display="block"><msub><mi>z</mi><mn>1</mn></msub></math>'
    """
    return f'<math display="block">{_row(parts_of(tree))}</math>'


def _row(parts: tuple[Tree, ...]) -> str:
    text, last = "", ""
    for part, role in roles(parts):
        behind_operand = role == "function" and last in ("name", "close", "fraction", "words")
        if behind_operand or (last == "function" and role != "open"):
            text += _GAP
        prefix = role == "prefix" and role_of(part) == "operator" and isinstance(part, Symbol)
        text += _operator(part.text, ' form="prefix"') if prefix and isinstance(part, Symbol) else _part(part)
        last = role
    return text


def _part(part: Tree) -> str:
    match part:
        case Symbol(text, "name"):
            return _name(text)
        case Symbol(text, "number"):
            return _tag("mn", escape(text))
        case Symbol(text, "big"):
            return _tag("mo", _GROWING.get(text, text))
        case Symbol(text, "function"):
            return _tag("mi", escape(text))
        case Symbol(text, "words"):
            return _tag("mtext", escape(text).replace(" ", "\N{NO-BREAK SPACE}"))
        case Symbol(text, role):
            return _operator(text, ' stretchy="false"' if role in ("open", "close", "fence") else "")
        case Space(em):
            return f'<mspace width="{em:.2g}em"/>'
        case Bar(base):
            return _tag("mover", f'{_one(base)}<mo stretchy="true">¯</mo>')
        case Fraction(over, under):
            return _tag("mfrac", _one(over) + _one(under))
        case Group(inside):
            return _tag("mrow", f"{_operator('(')}{_part(inside)}{_operator(')')}")
        case Root(inside):
            return _tag("msqrt", _part(inside))
        case Script():
            return _script(part)
    return _row(parts_of(part))


def _script(part: Script) -> str:
    big = isinstance(part.base, Symbol) and part.base.role == "big" and part.base.text != "∫"
    base = _one(part.base)
    if isinstance(part.base, Fraction):
        base = _part(Group(part.base))
    if part.sub is not None and part.sup is not None:
        return _tag("munderover" if big else "msubsup", base + _one(part.sub) + _one(part.sup))
    if part.sub is not None:
        return _tag("munder" if big else "msub", base + _one(part.sub))
    return _tag("msup", base + (_one(part.sup) if part.sup is not None else "<mrow></mrow>"))


def _name(text: str) -> str:
    """A name with its number below the line, as a word where it is one."""
    stem = text.rstrip("₀₁₂₃₄₅₆₇₈₉") or text
    base = _tag("mi" if re.fullmatch(r"\w+", stem) else "mtext", escape(stem))
    digits = text[len(stem) :].translate(PLAIN_DIGITS)
    return _tag("msub", base + _tag("mn", digits)) if digits else base


def _one(tree: Tree) -> str:
    """As one element."""
    return _tag("mrow", _part(tree)) if isinstance(tree, Row) else _part(tree)


def _operator(text: str, attributes: str = "") -> str:
    return f"<mo{attributes}>{escape(text)}</mo>"


def _tag(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>"
