"""How wide text is, in the measure of Arial and of the fonts that are made to it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from unicodedata import category, east_asian_width

LINE: Final = 1.17  # height of a line, of its type size

# Thousandths of the type size, of the printable signs of ASCII from the space on.
_REGULAR: Final = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)
_WIDER_BOLD: Final = frozenset("bcdfghijklmnopqrstuvwxyABJKL[]:;")
_SIGNS: Final = {
    "\N{NO-BREAK SPACE}": 278,
    "−": 584,
    "×": 584,
    "·": 333,
    "…": 1000,
    "→": 1000,
    "←": 1000,
    "±": 584,
    "≈": 584,
    "⊙": 840,
    "⊘": 840,
    "‖": 480,
    "∂": 520,
}


@lru_cache(maxsize=1 << 14)  # every arrangement that is tried measures the same words
def text_width(text: str, size: int, *, bold: bool = False) -> float:
    """About how wide a text is, in points, where letters are `size` points high.

    >>> round(text_width("0.00", 12), 2), text_width("", 12), text_width("n", 10, bold=True)
    (23.35, 0.0, 6.11)
    """
    return size * sum(_letter(sign) + 55 * (bold and sign in _WIDER_BOLD) for sign in text) / 1000


def _letter(sign: str) -> int:
    code = ord(sign)
    if 32 <= code < 127:
        return _REGULAR[code - 32]
    if sign in _SIGNS:
        return _SIGNS[sign]
    kind = category(sign)
    if kind.startswith("M"):  # it stands above another
        return 0
    if east_asian_width(sign) in "WF":
        return 1000
    return 700 if kind == "Lu" else 360 if kind in ("No", "Lm") else 580
