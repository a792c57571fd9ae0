"""Mathematics for pages: a tree as MathML Core, which browsers set without any library."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from autograd.notation.tree import Bar, Fraction, Function, Root, Row, Script, Space, Symbol, Tree, Words

_DIGITS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_NAME: Final = re.compile(r"([^₀-₉′]+)([₀-₉]*)(′*)")
_GAP: Final = '<mspace width="0.17em"/>'
_SUM: Final = {"Σ": "∑", "Π": "∏"}  # the signs that grow, for the letters of a line of text


def mathml(tree: Tree) -> str:
    r"""A tree as a `math` element on a line of its own.

    >>> from autograd.notation.tree import parse
    >>> mathml(parse("a^2"))
    '<math display="block"><msup><mi>a</mi><mn>2</mn></msup></math>'
    >>> mathml(Symbol("z₁"))
    '<math display="block"><msub><mi>z</mi><mn>1</mn></msub></math>'
    """
    parts = tree.parts if isinstance(tree, Row) else (tree,)
    return f'<math display="block">{_parts(parts)}</math>'


def _parts(parts: tuple[Tree, ...]) -> str:
    written, last = "", ""
    for part in parts:
        role = part.role if isinstance(part, Symbol) else ""
        if (_is_function(part) and last in ("name", "close")) or (last == "function" and role != "open"):
            written += _GAP
        unary = role == "operator" and last in ("", "operator", "relation", "open", "comma")
        written += _operator(part.text, ' form="prefix"') if unary and isinstance(part, Symbol) else _part(part)
        last = "function" if _is_function(part) else role or "name"
    return written


def _is_function(part: Tree) -> bool:
    return isinstance(part.base if isinstance(part, Script) else part, Function)


def _part(part: Tree) -> str:
    match part:
        case Symbol(text, "name"):
            return _name(text)
        case Symbol(text, "number"):
            return _tag("mn", escape(text))
        case Symbol(text, "big"):
            return _tag("mo", _SUM.get(text, text))
        case Symbol(text, role):
            return _operator(text, ' stretchy="false"' if role in ("open", "close", "fence") else "")
        case Function(name):
            return _tag("mi", escape(name))
        case Words(text):
            return _tag("mtext", escape(text).replace(" ", "\N{NO-BREAK SPACE}"))
        case Space(em):
            return f'<mspace width="{em:.2g}em"/>'
        case Bar(base):
            return _tag("mover", f'{_one(base)}<mo stretchy="true">¯</mo>')
        case Fraction(over, under):
            return _tag("mfrac", _one(over) + _one(under))
        case Root(inside):
            return _tag("msqrt", _part(inside))
        case Script():
            return _script(part)
        case Row(parts):
            return _parts(parts)


def _script(part: Script) -> str:
    big = isinstance(part.base, Symbol) and part.base.role == "big" and part.base.text != "∫"
    base = f"<mrow>{_operator('(')}{_part(part.base)}{_operator(')')}</mrow>"
    base = base if isinstance(part.base, Fraction) else _one(part.base)
    if part.sub is not None and part.sup is not None:
        return _tag("munderover" if big else "msubsup", base + _one(part.sub) + _one(part.sup))
    if part.sub is not None:
        return _tag("munder" if big else "msub", base + _one(part.sub))
    return _tag("msup", base + (_one(part.sup) if part.sup is not None else "<mrow></mrow>"))


def _name(text: str) -> str:
    """A name: its number below the line, its strokes above, as a word where it is one."""
    match = _NAME.fullmatch(text)
    stem, digits, strokes = match.groups() if match else (text, "", "")
    tag = "mi" if re.fullmatch(r"\w+", stem) else "mtext"
    base = _tag(tag, escape(stem))
    below = _tag("mn", digits.translate(_DIGITS)) if digits else ""
    above = _tag("mo", strokes) if strokes else ""
    if below and above:
        return _tag("msubsup", base + below + above)
    return _tag("msub", base + below) if below else _tag("msup", base + above) if above else base


def _one(tree: Tree) -> str:
    """As one element."""
    written = _part(tree)
    single = not isinstance(tree, Row)
    return written if single else _tag("mrow", written)


def _operator(text: str, attributes: str = "") -> str:
    return f"<mo{attributes}>{escape(text)}</mo>"


def _tag(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>"
