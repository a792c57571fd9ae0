"""Mathematics on one line of Unicode, for the texts of a picture: `g ⊙ 1[z₁ > 0]`, `xᵀ g`."""

from __future__ import annotations

from typing import Final

from autograd.notation.tree import Bar, Fraction, Function, Root, Row, Script, Space, Symbol, Tree, Words

_SUB: Final = dict(zip("0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_SUP: Final = dict(
    zip(
        "0123456789+−=()⊤abcdefghijklmnoprstuvwxyz",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵀᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
        strict=True,
    )
)
_MACRON: Final = "\N{COMBINING MACRON}"
_PRECOMPOSED: Final = dict(zip("aeiouyAEIOU", "āēīōūȳĀĒĪŌŪ", strict=True))


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
    return " ".join(_row(tree.parts if isinstance(tree, Row) else (tree,)).split())


def _row(parts: tuple[Tree, ...]) -> str:
    text, last = "", ""
    for part in parts:
        role = _role(part)
        alone = len(parts) == 1
        piece = _fraction(part, alone) if isinstance(part, Fraction) else _piece(part)
        if role in ("operator", "relation"):
            unary = piece in "+−" and last in ("", "operator", "relation", "open", "comma", "big")
            joined = piece == "=" and text.endswith("+ ")  # of +=
            text = text.removesuffix(" ") if joined else text
            piece = piece if unary else f"{piece} " if joined else f" {piece} "
            role = "prefix" if unary else role
        elif role == "comma":
            piece = f"{piece} "
        elif _apart(last, role):
            piece = f" {piece}"
        text += piece
        last = "space" if role == "space" else role
    return text


def _apart(last: str, role: str) -> bool:
    """Whether there is a space between two neighbours."""
    if role in ("name", "number", "function", "words", "prefix", "big", "fraction"):
        return last in ("name", "close", "function", "words", "big", "fraction")
    return role == "open" and last in ("words", "fraction", "big")


def _role(part: Tree) -> str:
    match part:
        case Symbol(_, role):
            return role
        case Script(base):
            return _role(base)
        case Function():
            return "function"
        case Words():
            return "words"
        case Space():
            return "space"
        case Fraction():
            return "fraction"
        case Row(parts):
            return _role(parts[0]) if len(parts) == 1 else "name"
    return "name"


def _piece(part: Tree) -> str:
    match part:
        case Symbol(text):
            return text
        case Function(name):
            return name
        case Words(text):
            return text
        case Space():
            return " "
        case Bar(base):
            text = _piece(base)
            return _PRECOMPOSED.get(text) or (text[:1] + _MACRON + text[1:])
        case Root(inside):
            return f"√{_grouped(inside)}"
        case Script():
            return _script(part)
        case Row(parts):
            return _row(parts)
        case Fraction():
            return _fraction(part, False)


def _fraction(part: Fraction, alone: bool) -> str:
    text = f"{_grouped(part.over)}/{_grouped(part.under)}"
    return text if alone else f"({text})"


def _script(part: Script) -> str:
    text = _piece(part.base)
    if part.sub is not None:
        text += _shifted(part.sub, _SUB, "_")
    if part.sup is not None:
        text += _shifted(part.sup, _SUP, "^")
    return text


def _shifted(tree: Tree, signs: dict[str, str], mark: str) -> str:
    """Below or above the line where every sign exists there; else in brackets behind a mark."""
    text = _row(tree.parts) if isinstance(tree, Row) else _piece(tree)
    small = text.replace(" ", "")
    if all(sign in signs for sign in small):
        return "".join(signs[sign] for sign in small)
    return f"[{text.strip()}]" if mark == "_" else f"{mark}({text.strip()})" if len(small) > 1 else f"{mark}{small}"


def _grouped(tree: Tree) -> str:
    """As one thing: in round brackets unless it is one already."""
    parts = tree.parts if isinstance(tree, Row) else (tree,)
    text = _row(parts).strip()
    return text if len(parts) == 1 and not isinstance(parts[0], Fraction) else f"({text})"
