r"""A derivation as an aligned block of LaTeX.

A gradient is written by the records' own rules where all that they speak of has a symbol, and else as the
program computes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.derivation.statements import Statement, Statements
from autograd.notation.formulas import Mathematics, Term
from autograd.notation.latex import latex
from autograd.notation.naming import Names
from autograd.notation.rule import in_symbols, partial, rule_of
from autograd.notation.tree import (
    ADDS,
    EQUALS,
    SPACES,
    Bar,
    Row,
    Script,
    Space,
    Symbol,
    Tree,
    parts_of,
    rewrite,
    row,
    sides,
)
from autograd.program.program import Program, Var
from autograd.program.reverse import Backprop, Link

_OF_SCALARS: Final[dict[Tree, Tree]] = {
    Symbol("⊙", "operator"): Space(SPACES[","]),
    Symbol("⊘", "operator"): Symbol("/", "operator"),
}
_MINUS, _PLUS = Symbol("−", "operator"), Symbol("+", "operator")


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
        self._terms: dict[Var, Term] = {}
        for node, value in recorded.values.items():
            if value.symbol in program.inputs:
                self._terms[value.symbol] = Term(Symbol(names[node].drawn))
        symbols = {var: self._symbol(statement) for var, statement in statements.of.items()}
        self._taken = {latex(tree) for tree in (*symbols.values(), *(term.tree for term in self._terms.values()))}
        self._write = write = Mathematics(self._terms.__getitem__, euler="e" not in self._taken)
        self._uses: dict[Node, list[Link]] = defaultdict(list)
        for link in recorded.links:
            self._uses[link.source].append(link)
        self._full: dict[Var, Tree] = {}
        for line in program.lines:
            if line.target in statements.absorbed:
                continue
            term = None if line.target in symbols and statements.of[line.target].fills else write(line)
            if line.target in symbols:
                self._full[line.target] = term.tree if term is not None else row()
                term = Term(symbols[line.target])
            assert term is not None
            self._terms[line.target] = term

    def block(self) -> str:
        """The whole derivation."""
        rows: dict[bool, list[str]] = {True: [], False: []}
        for statement in self._statements.ordered():
            rows[statement.forward].append(self._row(statement))
        if not rows[True]:  # the loss is what something was given as, such as w * 1
            output = self._recorded.nodes[-1]
            value = self._program.now(self._recorded.values[output].symbol)
            rows[True].append(_equation(Symbol(self._names[output].drawn), self._write.value(value).tree))
        for node in self._recorded.nodes:
            if node not in self._recorded.gradients:
                continue
            g = self._recorded.gradients[node]
            value = self._program.now(getattr(g, "symbol", g))
            owned = self._owner(value) if type(value) is Var and value in self._statements.of else None
            if node.op is None and (owned is None or owned[0] is not node):  # it is another value, or a number
                rows[False].append(_equation(Bar(Symbol(self._names[node].drawn)), self._write.value(value).tree))
        loss = self._names[self._recorded.nodes[-1]].drawn
        any_one = next(letter for letter in "xvqz" if letter not in self._taken or letter == "z")
        legend = _equation(Bar(Symbol(any_one)), partial(loss, any_one)).replace("&=", "&:=")
        joined = " \\\\\n".join([*rows[True][:-1], f"{rows[True][-1]} \\\\[1ex]\n{legend}", *rows[False]])
        return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"

    def _row(self, statement: Statement) -> str:
        target, left = statement.line.target, self._symbol(statement)
        if statement.fills:
            right = row(Symbol("0", "number"))
            for fill in statement.fills:
                added = row(left, self._write.index(fill.args[1]), ADDS, self._write.value(fill.args[0]).tree)
                right = row(right, Symbol(",", "comma"), Space(SPACES["quad"]), added)
            return _equation(left, right)
        owned = self._owner(target)
        if owned is not None and owned[1] and (by_rules := self._by_rules(owned[0], target)) is not None:
            below, sum_of_rules = by_rules
            return _equation(left if below is None else Script(left, below), sum_of_rules)
        return _equation(left, self._full[target])

    def _symbol(self, statement: Statement) -> Tree:
        owned = self._owner(statement.line.target)
        if owned is None:
            return Symbol(statement.name)
        symbol = Symbol(self._names[owned[0]].drawn)
        return Bar(symbol) if owned[1] else symbol

    def _by_rules(self, node: Node, target: Var) -> tuple[Tree | None, Tree] | None:
        """The index below and the right side, if the rules of all uses can be written."""
        found = [self._by_rule(link, target) for link in self._uses[node]]
        parts = [part for part in found if part is not None]
        if not parts or len(parts) < len(found) or (len(parts) > 1 and any(below for below, _ in parts)):
            return None
        below, right = parts[0]
        for _, part in parts[1:]:
            right = row(right, part) if parts_of(part)[0] == _MINUS else row(right, _PLUS, part)
        return below, right

    def _by_rule(self, link: Link, target: Var) -> tuple[Tree | None, Tree] | None:
        """What a use contributes, in the words of its record; None where a letter stands for nothing shown."""
        user = link.node
        g = self._program.now(getattr(self._recorded.gradients[user], "symbol", None))
        if type(g) is not Var or g is target or g not in self._statements.of or user.op.variadic:
            return None
        if user.op.broadcasts and user.op.role != "product" and link.source.shape != user.shape:
            return None
        if user.op.fn in (np.divide, np.power) and not all(isinstance(arg, Node) for arg in user.args or ()):
            return None  # a number is written as such
        rule = rule_of(*link)
        left = rule.left[0]
        below = left.sub if isinstance(left, Script) else None
        right = sides(Row(rule.right))
        if rule.sign != EQUALS or len(rule.left) > 1 or len(right) > 1 or (isinstance(left, Script) and left.sup):
            return None
        args = user.args or ()
        meaning = {letter: args[place] for place, letter in rule.letters.items() if place < len(args)}
        shown = {letter: self._shown(value) for letter, value in {**meaning, "y": user}.items()}
        symbols = {letter: tree for letter, tree in shown.items() if tree is not None}
        tree = Row(right[0]) if user.ndim else rewrite(Row(right[0]), _OF_SCALARS.get)
        in_full = in_symbols(tree, symbols, self._terms[g].tree)
        return None if in_full is None else (below, in_full)

    def _shown(self, arg: Any) -> Tree | None:
        """The symbol of an operand."""
        if not isinstance(arg, Node):
            if isinstance(arg, np.ndarray) and id(arg) in self._recorded.constants:
                arg = self._recorded.constants[id(arg)]
            else:
                return self._write.value(arg).tree if isinstance(arg, (int, float)) else None
        value = self._program.now(self._recorded.values[arg].symbol)
        if type(value) is not Var:
            return self._write.value(value).tree
        shown = value in self._statements.of or value in self._program.inputs
        return self._terms[value].tree if shown else None


def _equation(left: Tree, right: Tree) -> str:
    return f"{latex(left)} &= {latex(right)}"
