"""The author's source: the statement and the expression in which a call was made, as text with a caret under a part."""

from __future__ import annotations

import ast
import copy
import linecache
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

from autograd.basis.caching import cached_property
from autograd.basis.frames import is_library, is_ours
from autograd.testing.recording import Spot

_MOST_LINES = 30  # of a statement in a file that is not all Python
Range = tuple[int, int, int, int]  # first line, last line, first column, last column, in bytes
_TEXTS: defaultdict[str, list[str]] = defaultdict(list)  # of each file, as it is now and as it was, the newest first


def is_authors(filename: str) -> bool:
    """Whether code of this file is judged: it is neither this package's nor a library's."""
    return not is_library(filename) and not is_ours(filename)


@dataclass(frozen=True)
class Statement:
    """A simple statement, or the head of a compound one.

    Attributes:
        file, function: where it stands.
        node: its syntax, with the lines and columns of the file; None where there is no source.
        source: the text of the file.
        column: where it begins, of `a = x` in `a, b = x, y`, which are two.
    """

    file: str
    function: str
    node: ast.stmt | None = field(compare=False)
    first: int
    last: int
    source: str = field(compare=False, repr=False)
    column: int = 0

    @property
    def place(self) -> str:
        """As `file:line`, the file by its name alone."""
        return f"{Path(self.file).name}:{self.first}"

    @property
    def lines(self) -> list[str]:
        """Its text, as it stands in the file."""
        lines = self.source.split("\n")
        return [line.rstrip() for line in lines[self.first - 1 : self.last]] or [""]

    @property
    def text(self) -> str:
        """Its text in one line."""
        return " ".join(line.strip() for line in self.lines)

    @cached_property
    def target(self) -> ast.expr | None:
        """What it assigns to, where that is one thing."""
        node = self.node
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            return node.targets[0]
        return node.target if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else None

    @property
    def value(self) -> ast.expr | None:
        """What it computes."""
        return getattr(self.node, "value", None)

    def marked(self, part: Range | None = None, indent: str = "    ") -> str:
        """Its lines, dedented, with carets under a part of it."""
        lines = list(enumerate(self.lines, start=self.first))
        if part is not None:  # of a long statement, the lines that matter
            lines = [(number, line) for number, line in lines if part[0] <= number <= part[1]] or lines
        margin = len(lines[0][1]) - len(lines[0][1].lstrip())
        told = []
        for number, line in lines:
            told.append(indent + (line[margin:] if line[:margin].isspace() else line.lstrip() if margin else line))
            if part is None or not part[0] <= number <= part[1]:
                continue
            raw = line.encode()
            start = len(raw[: part[2]].decode(errors="ignore")) if number == part[0] else len(line) - len(line.lstrip())
            end = len(raw[: part[3]].decode(errors="ignore")) if number == part[1] else len(line.rstrip())
            told.append(indent + " " * (start - margin) + "^" * max(end - start, 1))
        return "\n".join(told)


def statement_at(spot: Spot) -> Statement:
    """The statement in which a call was made."""
    code = spot.frame.f_code
    return _statement_of(code, code.co_filename, spot.position)


@lru_cache(maxsize=4096)
def _statement_of(code: CodeType, file: str, part: Range) -> Statement:
    """The file by its name besides: codes are alike that are the same function in two files."""
    first, last, _, _ = part
    text = _text(code, file)
    node = _statement(text, part)
    name = "" if code.co_name in ("<module>", "<lambda>") else code.co_name
    if node is None:
        return Statement(file, name, None, first, last, text)
    body = getattr(node, "body", None)
    end_line = (
        body[0].lineno - 1 if isinstance(body, list) and body and not isinstance(node, ast.Expr) else node.end_lineno
    )
    column = node.col_offset if hasattr(node, "whole") else 0
    node_lines = getattr(node, "whole", node)
    return Statement(file, name, node, node_lines.lineno, max(end_line or first, node.lineno), text, column)


def statements_of(code: CodeType) -> tuple[ast.stmt, ...]:
    """The statements of a function, those in its loops and branches too, in the order of the source."""
    return _statements_of(code, code.co_filename)


@lru_cache(maxsize=1024)
def _statements_of(code: CodeType, file: str) -> tuple[ast.stmt, ...]:
    lines = {line for _, _, line in code.co_lines() if line is not None}
    tree = _parsed(_text(code, file))
    found = [node for node in _statements(tree) if node.lineno in lines] if tree is not None else []
    return tuple(sorted(found, key=lambda node: node.lineno))


def expression_at(statement: Statement, part: Range) -> ast.expr | None:
    """The expression of a statement that stands at just this place."""
    for node in ast.walk(statement.node) if statement.node is not None else ():
        if isinstance(node, ast.expr) and range_of(node) == part:
            return node
    return None


def times(statement: Statement, factor: float, target: ast.expr | None = None) -> str:
    """A statement with what it computes multiplied by a number, or divided by its inverse; empty where it cannot be.

    Args:
        target: what is multiplied after the statement, where it only adds to something.
    """
    if target is not None and statement.node is not None:
        scaled = times(replace(statement, node=ast.Assign([target], target, lineno=0)), factor)
        return f"{ast.unparse(statement.node)}; {scaled}"
    value, inverse = statement.value, 1 / factor
    if (
        value is None
        or statement.node is None
        or not isinstance(statement.node, (ast.Assign, ast.AugAssign, ast.Return))
    ):
        return ""
    sign, size, other = factor < 0, abs(factor), abs(inverse)
    expression: ast.expr = value
    if abs(other - round(other)) < 1e-9 * other and round(other) > 1:
        expression = ast.BinOp(expression, ast.Div(), ast.Constant(round(other)))
    elif size != 1:
        whole = abs(size - round(size)) < 1e-9 * size
        expression = ast.BinOp(ast.Constant(round(size) if whole else float(f"{size:.6g}")), ast.Mult(), expression)
    if sign:
        expression = ast.UnaryOp(ast.USub(), expression)
    changed = copy.copy(statement.node)
    changed.value = expression
    return ast.unparse(changed).replace(" ** ", "**")


def is_all_of(statement: Statement, part: Range) -> bool:
    """Whether an expression is all that a statement computes; a page that lost its indentation has other columns."""
    if statement.value is None or isinstance(statement.node, ast.AugAssign):
        return True
    whole = range_of(statement.value)
    return part[:2] == whole[:2] and part[3] - part[2] == whole[3] - whole[2]


def range_of(node: Any) -> Range:
    """Where a piece of syntax stands."""
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


@lru_cache(maxsize=4096)
def _statement(text: str, part: Range) -> ast.stmt | None:
    tree = _parsed(text)
    if tree is None:
        return next(iter(_parsed_around(text, part)), None)
    around = [node for node in _statements(tree) if _within(part, range_of(node))]
    return around[-1] if around else None  # the innermost comes last


def _within(part: Range, whole: Range) -> bool:
    return (whole[0], whole[2]) <= (part[0], part[2]) and (part[1], part[3]) <= (whole[1], whole[3])


@lru_cache(maxsize=64)
def _statements(tree: ast.AST) -> list[ast.stmt]:
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return [part for node in statements for part in (node, *getattr(node, "parts", ()))]


@lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module | None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            node.parts = list(_parts(node))  # type: ignore[attr-defined]
    return tree


def _parts(node: ast.Assign) -> Iterator[ast.Assign]:
    """The statements `a = x` and `b = y` that `a, b = x, y` is."""
    target, value = node.targets[0], node.value
    if len(node.targets) > 1 or not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return
    if len(target.elts) == len(value.elts) and not any(isinstance(n, ast.Starred) for n in (*target.elts, *value.elts)):
        for one, other in zip(target.elts, value.elts, strict=True):
            part = ast.copy_location(ast.Assign([one], other), other)
            part.whole = node  # type: ignore[attr-defined]
            yield part


def look_again() -> None:
    """See which files have changed since they were read: code that was loaded from them anew is judged as it is now."""
    before = {file: linecache.getlines(file) for file in _TEXTS}
    linecache.checkcache()
    if any(linecache.getlines(file) is not lines for file, lines in before.items()):
        _statement_of.cache_clear()
        _statements_of.cache_clear()


def _text(code: CodeType, file: str) -> str:
    """The text of a file of which a function was made: the file as it is now, else as it was when it was read before.

    Raises:
        ValueError: the file has changed since the function was loaded, and was not read before.
    """
    texts, now = _TEXTS[file], "".join(linecache.getlines(file))
    if now not in texts[:1]:
        texts[:] = [now, *(text for text in texts if text != now)]
    tree = _parsed(now)
    if not now or tree is None:  # as a page of a blog
        return now
    found = next((text for text in texts if _identity(code) in _functions(text)), None)
    if found is None and not Path(file).is_file():  # a name that several texts have, such as "<string>"
        return ""
    if found is None and not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):  # those pytest rewrites
        raise ValueError(f"{Path(file).name} has changed since {code.co_name} was loaded from it: load it once more")
    return now if found is None else found


@lru_cache(maxsize=64)
def _functions(text: str) -> frozenset[Any]:
    """The identities of all functions in a file, and of the file."""
    found = [compile(text, "", "exec", dont_inherit=True)] if _parsed(text) is not None else []
    for code in found:
        found += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(map(_identity, found))


def _identity(code: CodeType) -> Any:
    """What tells a function from others, and from what it was before its file was changed."""
    constants = tuple(repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType))
    return code.co_name, code.co_firstlineno, code.co_code, code.co_linetable, code.co_names, constants


def _parsed_around(text: str, part: Range) -> list[ast.stmt]:
    """The statement that these lines hold, in a file that is not all Python, as a page of a blog is."""
    lines = text.splitlines(keepends=True)
    for first in range(part[0], max(part[0] - _MOST_LINES, 0), -1):
        for last in range(part[1], min(part[1] + _MOST_LINES, len(lines)) + 1):
            some = "".join(lines[first - 1 : last])
            head = some.rstrip().endswith(":")
            try:
                tree = ast.parse(textwrap.dedent(some).rstrip() + (" pass" if head else ""))
            except (SyntaxError, ValueError):
                continue
            if tree.body:
                margin = len(some) - len(some.lstrip())
                for node in ast.walk(tree):
                    if isinstance(node, (ast.expr, ast.stmt, ast.keyword)):
                        node.lineno, node.end_lineno = node.lineno + first - 1, (node.end_lineno or 0) + first - 1
                        node.col_offset += margin
                        node.end_col_offset = (node.end_col_offset or 0) + margin
                return [tree.body[0]]
    return []
