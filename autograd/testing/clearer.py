"""Which of two explanations of a wrong line is told, and wrong lines that are one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from autograd.testing.expressions import Edit
from autograd.testing.report import WrongLine

_CLEARER = {  # causes of edits that say more than these of the catalogue
    "missing-term": ("scale", "missing-derivative", "derivative-at-output", "wrong-operand", "transposed"),
    "missing-derivative": ("scale", "derivative-at-output", "transposed", "wrong-operand"), "wrong-axis": ("scale",),
    "wrong-operand": ("derivative-at-output", "transposed"),
}  # fmt: skip


def is_clearer(edit: Edit, cause: str, explanation: str) -> bool:
    """Whether an edit says more than the catalogue: nothing, a number without a reason, or two mistakes at once."""
    two = re.search(r"[,;] and (?!(at|in) the )", explanation)
    if cause == "unknown" or edit.cause in ("target", "regulariser") or two is not None:
        return True
    if cause == "scale":
        return ": " not in explanation
    return edit.cause != cause and edit.cause in _CLEARER.get(cause, ())


def merged(lines: Iterable[WrongLine]) -> tuple[WrongLine, ...]:
    """A line that is wrong each time that it is run is told once."""
    found: dict[tuple[str, int], WrongLine] = {}
    for line in lines:
        known = found.get((line.file, line.line))
        gradients = (*known.gradients, *line.gradients) if known is not None else line.gradients
        own = (*(known.own if known is not None else ()), *line.own)
        both = replace(known or line, gradients=tuple(dict.fromkeys(gradients)), own=tuple(dict.fromkeys(own)))
        found[line.file, line.line] = both
    return tuple(found.values())
