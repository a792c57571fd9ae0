r"""A derivation as an aligned block of LaTeX.

A gradient is written by the records' own rules where all that they speak of has a symbol, and else as the
program computes it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.core.node import Node
from autograd.derivation.statements import Statement, Statements
from autograd.notation.latex import Mathematics, bar, indexed, symbol
from autograd.notation.literals import Text
from autograd.notation.naming import Names
from autograd.program.program import Line, Program, Var
from autograd.program.reverse import Backprop

_RULE = re.compile(r"\\bar ([A-Za-z])(?:_(\w|\{[^}]*\}))? = (.*)")
_TOKEN = re.compile(
    r"\\(?:operatorname|text)\{[^}]*\}|\\bar ?\{?[A-Za-z]\}?|\\[A-Za-z]+|\\.|[_^]\{[^}]*\}|_.|[A-Za-z]|\d+|\s+|."
)


class Formulas:
    """The rows of the block, forward and backward."""

    def __init__(
        self,
        recorded: Backprop,
        program: Program,
        statements: Statements,
        names: Names,
        owner: Callable[[Var], tuple[Node, bool] | None],
    ) -> None:
        self._recorded, self._program, self._statements = recorded, program, statements
        self._names, self._owner = names, owner
        self._texts: dict[Var, Text] = {var: Text(symbol(str(var.name))) for var in program.inputs}
        symbols = [self._symbol(statement) for statement in statements.of.values()]
        self._taken = {*symbols, *(text.text for text in self._texts.values())}
        write = Mathematics(self._texts.__getitem__, euler="e" not in self._taken)
        self._uses: dict[Node, list[tuple[Node, int]]] = defaultdict(list)
        for user, k in recorded.links:
            self._uses[(user.args or ())[k]].append((user, k))
        self._full: dict[Var, Text] = {}
        for line in program.lines:
            if line.target in statements.absorbed:
                continue
            statement = statements.of.get(line.target)
            if statement is None:
                self._texts[line.target] = write(line)
                continue
            if not statement.fills:
                self._full[line.target] = write(line)
            self._texts[line.target] = Text(self._symbol(statement))
        self._value = write.value

    def block(self) -> str:
        """The whole derivation."""
        rows: dict[bool, list[str]] = {True: [], False: []}
        for statement in self._statements.ordered():
            rows[statement.forward] += self._rows(statement)
        for node in self._recorded.nodes:
            if node not in self._recorded.gradients:
                continue
            g = self._recorded.gradients[node]
            value = self._program.now(getattr(g, "var", g))
            owned = self._owner(value) if type(value) is Var and value in self._statements.of else None
            if node.op is None and (owned is None or owned[0] is not node):  # it is another value, or a number
                rows[False].append(f"{bar(self._names[node].text)} &= {self._value(value).text}")
        loss = symbol(self._names[self._recorded.nodes[-1]].text)
        any_one = next(letter for letter in "xvqz" if letter not in self._taken or letter == "z")
        legend = rf"\bar{{{any_one}}} &:= \frac{{\partial {loss}}}{{\partial {any_one}}}"
        joined = " \\\\\n".join([*rows[True][:-1], f"{rows[True][-1]} \\\\[1ex]\n{legend}", *rows[False]])
        return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"

    def _rows(self, statement: Statement) -> list[str]:
        target, left = statement.line.target, self._symbol(statement)
        owned = self._owner(target)
        if statement.fills:
            added = [
                rf"{left}[{self._index(fill)}] \mathrel{{+}}= {self._value(fill.args[0]).text}"
                for fill in statement.fills
            ]
            separated = r", \quad ".join(["0", *added])
            return [f"{left} &= {separated}"]
        if owned is not None and owned[1] and (told := self._by_rules(owned[0], target)) is not None:
            below, right = told
            return [f"{indexed(left, below) if below else left} &= {right}"]
        return [f"{left} &= {self._full[target].text}"]

    def _index(self, fill: Line) -> str:
        index = fill.args[1]
        return ", ".join(self._value(part).text for part in (index if isinstance(index, tuple) else (index,)))

    def _symbol(self, statement: Statement) -> str:
        owned = self._owner(statement.line.target)
        return bar(self._names[owned[0]].text) if owned is not None and owned[1] else symbol(statement.name)

    def _by_rules(self, node: Node, target: Var) -> tuple[str, str] | None:
        """The index below and the right side, if the rules of all uses can be told."""
        told = [self._by_rule(user, k, target) for user, k in self._uses[node]]
        if not told or any(part is None for part in told):
            return None
        parts = [part for part in told if part is not None]
        if len(parts) > 1 and any(below for below, _ in parts):
            return None
        right = parts[0][1]
        for _, part in parts[1:]:
            right += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return parts[0][0], right

    def _by_rule(self, user: Node, position: int, target: Var) -> tuple[str, str] | None:
        """What a use contributes, in the words of its record; None where a letter stands for nothing shown."""
        g = self._program.now(getattr(self._recorded.gradients[user], "var", None))
        if type(g) is not Var or g is target or g not in self._statements.of or user.op.variadic:
            return None
        if user.op.broadcasts and not _multiplies(user.op) and _shape(user, position) != np.shape(user.value):
            return None
        if user.op.fn in (np.divide, np.power) and not all(isinstance(arg, Node) for arg in user.args or ()):
            return None  # a number is written as such
        letters = _letters(user.op)
        match = _RULE.fullmatch(_math(user.op, position))
        if letters is None or match is None or "=" in re.sub(r"1\[[^]]*\]", "", match[3]):
            return None
        meaning = {"y": self._shown(user)}
        for letter, arg in zip(letters, user.args or (), strict=False):
            meaning[letter] = self._shown(arg)
        rule = match[3] if np.ndim(user.value) else match[3].replace(r"\odot", r"\,").replace(r"\oslash", "/")
        told = substituted(rule, meaning, self._texts[g].text)
        return None if told is None else ((match[2] or "").strip("{}"), told)

    def _shown(self, arg: Any) -> str | None:
        """The symbol of an operand."""
        if not isinstance(arg, Node):
            if isinstance(arg, np.ndarray) and id(arg) in self._recorded.constants:
                arg = self._recorded.constants[id(arg)]
            else:
                return self._value(arg).text if isinstance(arg, (int, float)) else None
        value = self._program.now(self._recorded.values[arg].var)
        if type(value) is not Var:
            return self._value(value).text
        shown = value in self._statements.of or value in self._program.inputs
        return self._texts[value].text if shown else None


def substituted(rule: str, meaning: dict[str, str | None], g: str) -> str | None:
    r"""The right side of a rule with symbols for its letters; None where a letter means nothing.

    >>> substituted(r"\bar y \, W^\top", {"W": "W_{2}", "x": "A_{1}"}, r"\bar{Z}_{2}")
    '\\bar{Z}_{2} \\, W_{2}^\\top'
    >>> substituted(r"\bar y / n", {"a": "x"}, "g") is None
    True
    """
    told = ""
    tokens = _TOKEN.findall(rule)
    for k, token in enumerate(tokens):
        following = tokens[k + 1] if k + 1 < len(tokens) else ""
        found: str | None = token
        if token.startswith(r"\bar"):
            found = g if "y" in token[4:] else None
        elif re.fullmatch("[A-Za-z]", token):
            found = "e" if token == "e" and following[:1] == "^" and "e" not in meaning else meaning.get(token)
        elif token.startswith("^{"):
            inside = substituted(token[2:-1], meaning, g)
            found = None if inside is None else f"^{{{inside}}}"
        if found is None:
            return None
        if following.startswith("_") and found != token:  # a letter's own index, not that of a sum
            told += indexed(found, following[1:].strip("{}"))
            tokens[k + 1] = ""
        else:
            told += found
    return told


def _shape(user: Node, position: int) -> Any:
    return np.shape((user.args or ())[position].value)


def _math(op: Any, position: int) -> str:
    """The mathematics of an operand's rule, without the definitions behind it."""
    count = sum(rule is not None for rule in op.vjp[:position])
    return str(re.split(r"[,;] \\quad", op.math[count])[0])


def _letters(op: Any) -> list[str] | None:
    """The letter of each operand: the rule's own, or the first of its name."""
    letters = []
    for position, name in enumerate(op.operands):
        has_rule = position < len(op.vjp) and op.vjp[position] is not None
        match = _RULE.match(_math(op, position)) if has_rule else None
        if has_rule and match is None:
            return None
        letters.append(match[1] if match is not None else name[0])
    return letters if len(set(letters)) == len(letters) else None


def _multiplies(op: Any) -> bool:
    return op.fn in (np.matmul, np.dot) or op.name == "nn.functional.linear"
