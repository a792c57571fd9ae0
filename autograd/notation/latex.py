r"""Mathematics as LaTeX, for any that has amsmath."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from autograd.notation.names import GREEK, PLAIN_DIGITS
from autograd.notation.tree import (
    ADDS,
    COMMANDS,
    SPACES,
    Bar,
    Fraction,
    Group,
    Role,
    Root,
    Script,
    Space,
    Symbol,
    Tree,
    line,
    parts_of,
)

_COMMANDS: Final = {(sign.text, sign.role): f"\\{name}" for name, sign in reversed(COMMANDS.items())}
_SPACES: Final = {em: f" \\{name} " for name, em in SPACES.items()}
_SIGNS: Final = {"−": "-", "′": "'", "|": "|", ADDS.text: r"\mathrel{+}=", "←": r"\leftarrow"}
_LETTERS: Final = {sign: name for name, sign in GREEK.items()}
_ESCAPES: Final = {
    "->": r"$\rightarrow$", "<": "$<$", ">": "$>$", "|": "$|$", "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}",
    **{sign: f"\\{sign}" for sign in "_#$%&{}"},
}  # fmt: skip
_SPECIAL: Final = re.compile(r"->|[<>|\\^~_#$%&{}]")
# Wq and bq; y_hat_2; x_train.
_NAME: Final = re.compile(r"([WU]|b(?=[a-z]$))([a-z]{1,2})|([^\W\d_]+)(_hat)?_?(\d*)_?|([^_]+)_(.+)")


def latex(tree: Tree) -> str:
    r"""A tree as LaTeX.

    >>> from autograd.notation.tree import parse
    >>> print(latex(parse(r"\bar y \odot (1 - y^2) / \sqrt{n}")))
    \bar{y} \odot (1 - y^{2}) / \sqrt{n}
    """
    return line(parts_of(tree), _piece)


def _piece(part: Tree) -> str:
    if isinstance(part, Symbol):
        return _sign(part.text, part.role)
    match part:
        case Space(em):
            return _SPACES[em]
        case Bar(base):
            stem, below, index = _piece(base).partition("_{")
            over = "overline" if stem.startswith((r"\mathrm", r"\hat")) else "bar"
            return rf"\{over}{{{stem}}}{below}{index}"
        case Fraction(over, under, small):
            return rf"\{'t' * small}frac{{{latex(over)}}}{{{latex(under)}}}"
        case Group(inside):
            return _bracketed(latex(inside))
        case Root(inside):
            return rf"\sqrt{{{latex(inside)}}}"
        case Script(base, sub, sup):
            text = _piece(base)
            has_index = sub is not None and "_{" in text and not isinstance(base, Group)
            if not isinstance(base, (Symbol, Bar, Group)) or has_index:
                text = _bracketed(text)  # it has scripts of its own
            below = "" if sub is None else f"_{{{latex(sub)}}}"
            above = "" if sup is None else r"^\top" if sup == COMMANDS["top"] else f"^{{{latex(sup)}}}"
            return f"{text}{below}{above}"
    return latex(part)


@lru_cache(maxsize=1024)
def _sign(text: str, role: Role) -> str:
    if role == "number":
        return text.replace("−", "-")
    if (text, role) == (":", "fence"):
        return "{:}"  # of a slice: no relation, which has spaces around it
    if role == "words":
        return rf"\text{{{_escaped(text)}}}"
    sign = _SIGNS.get(text) or _COMMANDS.get((text, role))
    if sign is None and role == "function":
        return f"\\{_LETTERS[text]}" if text in _LETTERS else rf"\operatorname{{{_escaped(text)}}}"
    return sign or (symbol(text) if role == "name" else text)


def symbol(name: str) -> str:
    r"""A name as on the blackboard.

    >>> [symbol(name) for name in ("W1", "y_hat", "theta_2", "x_train", "logits", "db", "loss")]
    ['W_{1}', '\\hat{y}', '\\theta_{2}', 'x_{\\text{train}}', '\\mathrm{logits}', '\\mathrm{db}', 'L']
    >>> [symbol(name) for name in ("μ", "ŷ", "θ₁")]
    ['\\mu', '\\hat{y}', '\\theta_{1}']
    """
    signs = unicodedata.normalize("NFD", name.translate(PLAIN_DIGITS))
    name = "".join("_hat" if sign == "\N{COMBINING CIRCUMFLEX ACCENT}" else _LETTERS.get(sign, sign) for sign in signs)
    match = _NAME.fullmatch(name)
    if name == "loss" or match is None:
        return "L" if name == "loss" else _stem(name)
    weight, index, stem, hat, digits, first, rest = match.groups()
    if weight:
        return f"{weight}_{{{index}}}"
    if stem:
        text = rf"\hat{{{_stem(stem)}}}" if hat else _stem(stem)
        return f"{text}_{{{digits}}}" if digits else text
    short = len(rest) < 3 and rest.isascii() and rest.isalnum()
    return f"{_stem(first)}_{{{rest}}}" if short else rf"{_stem(first)}_{{\text{{{_escaped(rest)}}}}}"


def _stem(text: str) -> str:
    if text in GREEK:
        return f"\\{text}"
    return text if len(text) == 1 and text.isascii() else rf"\mathrm{{{_escaped(text)}}}"


def _escaped(text: str) -> str:
    """Words for LaTeX: signs that it takes for commands, and those that its oldest fonts draw as others."""
    return _SPECIAL.sub(lambda sign: _ESCAPES[sign[0]], text)


def _bracketed(text: str) -> str:
    tall = any(command in text for command in (r"\frac", r"\sum", r"\max_", r"\min_", r"\left"))
    return rf"\left({text}\right)" if tall else f"({text})"
