"""The table of what is differentiable, made from the records: `python -m tests.table` writes the page."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from autograd.basis.signatures import qualified_name
from autograd.core.op import Op, operations
from autograd.rules.definition import PLAIN, Composite, composites

PAGE = Path(__file__).parent.parent / "autograd" / "rules" / "README.md"
PACKAGE = "autograd.rules."
CHAPTERS = {  # the modules whose records stand in a chapter, which has the first one's docstring
    "Arithmetic": ("elementwise", "composed.elementwise"),
    "Exponentials and logarithms": ("exponential",),
    "Trigonometry": ("trigonometric",),
    "Kinks, steps and choices": ("kinks",),
    "Sums, means, extrema, products": ("reduce", "composed.reduction"),
    "Running sums and products": ("cumulative",),
    "Variances and deviations": ("variance",),
    "Covariances and histograms": ("composed.statistics",),
    "Sorting, medians, quantiles": ("order",),
    "Sets": ("composed.sets",),
    "Products of matrices": ("products",),
    "Products of vectors": ("vectors",),
    "Einstein's summation": ("einsum",),
    "Equations and determinants": ("linalg",),
    "Decompositions": ("decompositions",),
    "Norms": ("norm",),
    "Diagonals and triangles": ("diagonal",),
    "More linear algebra": ("composed.linalg", "composed.factors"),
    "Shapes and axes": ("shape", "composed.shape"),
    "Broadcasting and repeating": ("repetition",),
    "Joining and splitting": ("join", "composed.joining"),
    "Padding": ("padding", "composed.padding"),
    "Reading by index": ("index",),
    "Writing in place": ("write", "composed.writing"),
    "Choosing": ("composed.choice",),
    "Sampled functions": ("sampled", "composed.sampled"),
    "Polynomials": ("composed.polynomial",),
}
NAMES = {"operator.getitem": "t[i]", "put": "t[i] = v", "cast": "t.astype(dtype)"}
_HEAD = """\
<!-- Written by `python -m tests.table` from the records in this folder. -->

# What is differentiable

{rules} operations have derivative rules, {compositions} functions are compositions of these, and {plain} give plain
arrays. Any other NumPy function that meets a Tensor is a `TypeError` that names it, and so is an argument
that a rule does not cover.

For $`y = f(a, b)`$ and a scalar $`L`$ behind it, $`\\bar y = \\partial L / \\partial y`$ is the gradient that arrives,
and the table says what each operand gets: $`\\bar a = \\partial L / \\partial a`$. An operand is called as in NumPy, or
by the first letter of its name. $`\\odot`$ and $`\\oslash`$ multiply and divide element by element, $`1[c]`$ is 1
where $`c`$ holds and 0 elsewhere, and `t` is a Tensor. What was broadcast in $`y`$ is summed in $`\\bar a`$; that goes
without saying. Where an element was thrown away, its gradient is 0 whatever the slope there is:
[the careful pass](../array/README.md#what-was-thrown-away). Every rule is differentiable itself, to any order.

Of a *composition* the table gives the gradient, or the value where that tells more. Names without `np.` are
steps of ours that compositions are made of. Every ufunc of two operands in the table has its methods `reduce`,
`accumulate`, `reduceat`, `outer` and `at`, and takes `where=` beside `out=`. A `dtype=` is one of floats; the gradient
comes in that of the operand.
"""
_FOOT = """\
## Functions that give plain arrays

{plain}

## Adding an operation

An operation is one record, in the module of this folder that fits: the function, its rules in NumPy code, the same
mathematics in LaTeX, and sample inputs.

```python
defop(
    np.hypot,
    vjp=(lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y),
    math=(r"\\bar a = \\bar y \\odot a \\oslash y", r"\\bar b = \\bar y \\odot b \\oslash y"),
    samples=[lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=4))],
)
```

A rule takes the gradient that arrives, the output, and the operation's own arguments. It writes nothing in place,
reads shapes by `np.shape`, and uses functions that have rules themselves: then the next derivative, the backward
pass as a graph and as source code all come from the same text. `ties=` says what it does where the derivative is
not unique. The samples are its tests, which find it by themselves. A function that can be written with functions
of this table is a `defcomposite` in `composed/`, one that gives no gradients a `defplain`; `autograd.operation` records
one outside of this package. Then write this page again, and that of other
libraries' arrays: `python -m tests.table` and `python -m tests.libraries`.
"""


class _Row(NamedTuple):
    """What several functions may share."""

    kind: str
    math: tuple[str, ...]
    ties: str


def table() -> str:
    """The page, in Markdown with LaTeX."""
    chapters: dict[str, dict[str, list[_Row]]] = {chapter: {} for chapter in CHAPTERS}
    records: list[Op | Composite] = [*operations(), *composites()]
    for record in records:
        chapter = chapter_of(record)
        if chapter is not None:
            chapters[chapter].setdefault(_call(record), []).append(_row(record))
    rules = sum(row.kind == "" for rows in chapters.values() for same in rows.values() for row in same[:1])
    total = sum(len(rows) for rows in chapters.values())
    plain = {qualified_name(fn): why for fn, why in PLAIN.items()}
    head = _HEAD.format(rules=rules, compositions=total - rules, plain=len(plain))
    contents = " · ".join(f"[{title}](#{_anchor(title)})" for title in CHAPTERS)
    parts = [head, contents + "\n"]
    parts += [_section(chapter, rows) for chapter, rows in chapters.items()]
    parts.append(_FOOT.format(plain=_by_reason(plain)))
    return "\n".join(parts)


def chapter_of(record: Op | Composite) -> str | None:
    """The chapter of the module that a record stands in; None for one from elsewhere."""
    functions = [record.body] if isinstance(record, Composite) else _rules(record)
    for function in (*functions, *record.samples):
        module = function.__module__.removeprefix(PACKAGE)
        for chapter, modules in CHAPTERS.items():
            if module in modules:
                return chapter
    return None


def _rules(op: Op) -> list[Any]:
    return [
        getattr(rule, "func", rule)
        for rule in (op.vjp[k] for k in range(1 if op.variadic else len(op.vjp)))
        if rule is not None
    ]


def _call(record: Op | Composite) -> str:
    """The function with its operands, where there are several."""
    name = NAMES.get(record.name, record.name)
    if name == record.name and isinstance(record, Op) and len(record.operands) > 1:
        name += f"({', '.join(record.operands)})"
    return f"`{name}`"


def _row(record: Op | Composite) -> _Row:
    if isinstance(record, Composite):
        return _Row("composition", (record.math,), record.ties)
    return _Row("", record.math, record.ties)


def _section(chapter: str, rows: dict[str, list[_Row]]) -> str:
    doc = sys.modules[PACKAGE + CHAPTERS[chapter][0]].__doc__ or ""
    merged: dict[_Row, list[str]] = {}
    for call, same in rows.items():
        merged.setdefault(_merged(same), []).append(call)
    lines = [f"## {chapter}", "", _markdown(doc), "", "| function | mathematics | ties and corners |"]
    lines.append("| --- | --- | --- |")
    for row, calls in merged.items():
        names = "<br>".join(calls) + (f"<br>*{row.kind}*" if row.kind else "")
        lines.append(f"| {names} | {'<br>'.join(_formulas(row.math))} | {row.ties} |")
    return "\n".join(lines) + "\n"


def _merged(rows: list[_Row]) -> _Row:
    """One row of a function that has several records."""
    math = dict.fromkeys(line for row in rows for line in row.math)
    ties = dict.fromkeys(row.ties for row in rows if row.ties)
    return _Row(rows[0].kind, tuple(math), "; ".join(ties))


def _formulas(math: Iterable[str]) -> Iterator[str]:
    r"""LaTeX as GitHub takes it inside a table: no bars, and a line for each part that `\quad` sets apart."""
    for line in math:
        for part in re.split(r"[,;]\s*\\quad\s*", line):
            formula = re.sub(r"\\?\|\s*", lambda bar: r"\Vert " if bar[0][0] == "\\" else r"\vert ", part)
            yield f"$`{formula.strip()}`$"


def _markdown(doc: str) -> str:
    """A docstring's paragraphs."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in doc.strip().split("\n\n"))


def _by_reason(functions: dict[Any, str]) -> str:
    reasons: dict[str, list[str]] = {}
    for name, why in functions.items():
        reasons.setdefault(why, []).append(f"`{name}`")
    lines = ["| why | functions |", "| --- | --- |"]
    return "\n".join(lines + [f"| {why} | {', '.join(names)} |" for why, names in reasons.items()])


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
    print(PAGE)
