"""Mathematics on one line of Unicode, for the texts of a picture: `g ⊙ 1[z₁ > 0]`, `xᵀ g`."""

from __future__ import annotations

import unicodedata
from typing import Final

from autograd.notation.tree import Bar, Fraction, Group, Root, Row, Script, Symbol, Tree, line, parts_of

_SUB: Final = dict(zip("0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_SUP: Final = dict(
    zip(
        "0123456789+−=()⊤abcdefghijklmnoprstuvwxyz",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵀᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
        strict=True,
    )
)


def written(tree: Tree) -> str:
    r"""A tree as text. What has no sign above or below the line is set in brackets.

    >>> from autograd.notation.tree import parse
    >>> for latex in (r"a^\top \, \bar y", r"e^{a - y}", r"\tfrac{2}{n} (p - t)", r"\bar y \oslash \sqrt{1 - a^2}"):
    ...     written(parse(latex))
    'aᵀ ȳ'
    'eᵃ⁻ʸ'
    '(2/n) (p − t)'
    'ȳ ⊘ √(1 − a²)'
    """
    parts = parts_of(tree)
    return _fraction(parts[0]) if len(parts) == 1 and isinstance(parts[0], Fraction) else line(parts, _piece)


def _piece(part: Tree) -> str:
    match part:
        case Symbol(text):
            return text
        case Bar(base):
            text = _piece(base)
            return unicodedata.normalize("NFC", f"{text[:1]}\N{COMBINING MACRON}") + text[1:]
        case Root(inside):
            return f"√{_grouped(inside)}"
        case Script(base, sub, sup):
            below = "" if sub is None else _shifted(sub, _SUB, "_")
            return _piece(base) + below + ("" if sup is None else _shifted(sup, _SUP, "^"))
        case Group(inside):
            return f"({written(inside)})"
        case Row(parts):
            return line(parts, _piece)
        case Fraction():
            return f"({_fraction(part)})"
    return " "


def _fraction(part: Fraction) -> str:
    return f"{_grouped(part.over)}/{_grouped(part.under)}"


def _shifted(tree: Tree, signs: dict[str, str], mark: str) -> str:
    """Below or above the line where every sign exists there; else in brackets behind a mark."""
    text = line(parts_of(tree), _piece)
    small = text.replace(" ", "")
    if all(sign in signs for sign in small):
        return "".join(signs[sign] for sign in small)
    return f"[{text}]" if mark == "_" else f"{mark}({text})" if len(small) > 1 else f"{mark}{small}"


def _grouped(tree: Tree) -> str:
    """As one thing: in round brackets unless it is one already."""
    parts = parts_of(tree)
    text = line(parts, _piece)
    return text if len(parts) == 1 and not isinstance(parts[0], Fraction) else f"({text})"
