"""Text that others gave, such as names and titles, as it can be shown: in pictures, pages, errors and reports."""

from __future__ import annotations

import re
import sys

LONGEST = 28  # characters of a name in a picture,
LONGEST_WORD = 80  # and in source code and lines of text
# Control characters break XML and terminals, half surrogates break UTF-8, text of the other direction its neighbours.
_UNPRINTABLE = "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
_PLAIN = {"×": "x", "−": "-", "…": "...", "·": ".", "→": "->", "←": "<-", "⊙": "*", "∂": "d", "Σ": "sum"}


def printable(text: str, longest: int = LONGEST) -> str:
    """`text` without what nothing can hold that is shown, and not too long.

    >>> printable("a\\nb"), len(printable("x" * 100))
    ('a b', 28)
    """
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return re.sub(_UNPRINTABLE, lambda sign: " " if sign[0] in "\t\r\n" else "\N{REPLACEMENT CHARACTER}", text)


def shown(text: str, longest: int = 1000) -> str:
    """A report: what others gave in each line is printable, and the standard output can write all of it.

    On a console that does not know a sign, it is written as one reads it: 3x2 for 3×2, W1 for W₁, theta for θ.

    >>> shown("W₁ (3×2)\\n\\x1b[2Jcleared")
    'W₁ (3×2)\\n\N{REPLACEMENT CHARACTER}[2Jcleared'
    """
    text = "\n".join(printable(line, longest) for line in text.split("\n"))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "".join(map(_plain, text))
    return text


def _plain(sign: str) -> str:
    """A sign in ASCII, by its own name where it is a Greek letter."""
    import unicodedata  # few consoles need it

    if sign.isascii():
        return sign
    if sign in _PLAIN:
        return _PLAIN[sign]
    return letter_name(sign) or unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"


def letter_name(sign: str) -> str | None:
    """The name of a Greek letter as source code has it; None for other signs.

    >>> letter_name("θ"), letter_name("Λ"), letter_name("W")
    ('theta', 'Lambda', None)
    """
    import unicodedata

    letter = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(sign, "").replace("LAMDA", "LAMBDA"))
    return None if letter is None else letter[2].lower() if letter[1] == "SMALL" else letter[2].capitalize()
