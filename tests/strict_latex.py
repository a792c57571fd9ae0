r"""What LaTeX with amsmath would stop at, in an `aligned` block."""

from __future__ import annotations

import re

COMMANDS = re.compile(
    "bar|overline|hat|mathrm|text|operatorname|frac|tfrac|sqrt|sum|prod|max|min|odot|oslash|top|cdot|partial|quad|"
    "ln|det|sin|cos|tan|tanh|sinh|cosh|arcsin|arccos|arctan|exp|ge|le|ne|left|right|leftarrow|rightarrow|mathrel|infty|dots|lnot|log|"
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega|Phi|Gamma"
)
TOKEN = re.compile(r"\\([A-Za-z]+)|\\(.)|(.)", re.DOTALL)


def assert_compiles(block: str) -> None:
    """What LaTeX would stop at: a command unknown, a group or a fence open, two scripts, two alignments in a row."""
    begin, end = "\\begin{aligned}\n", "\n\\end{aligned}"
    assert block.startswith(begin)
    assert block.endswith(end)
    for row in block[len(begin) : -len(end)].split("\\\\"):
        row = row.removeprefix("[1ex]")
        assert row.count("&") == 1
        depth, fences = 0, 0
        for command, sign, other in TOKEN.findall(row):
            assert not command or COMMANDS.fullmatch(command), command
            assert not sign or sign in r",;:!_ ", sign
            assert other.isascii(), other
            assert other not in set("$#%~")
            depth += (other == "{") - (other == "}")
            fences += (command == "left") - (command == "right")
            assert depth >= 0
        assert depth == fences == 0
        assert not re.search(r"(\^\{[^{}]*\}|\^\\top|\^\w)\^|(_\{[^{}]*\}|_\w)_", row), row
