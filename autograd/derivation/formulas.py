r"""A derivation as an aligned block of LaTeX.

A gradient is written by the records' own rules where all that they speak of has a symbol, and else as the
program computes it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np

from autograd.basis.arrays import is_lazy
from autograd.core.node import Node
from autograd.derivation.statements import Statement, Statements
from autograd.notation.entries import Entry
from autograd.notation.formulas import APPLIED, BIG, Mathematics, Term, by_entry
from autograd.notation.latex import latex
from autograd.notation.literals import ATOM, PRODUCT, SUM, ndim
from autograd.notation.naming import Names
from autograd.notation.rule import in_symbols, names_in, partial, rule_of, value_of
from autograd.notation.tree import (
    ADDS,
    EQUALS,
    SPACES,
    Bar,
    Group,
    Row,
    Script,
    Space,
    Symbol,
    Tree,
    parts_of,
    rewrite,
    role_of,
    roles,
    row,
    sides,
    substitute,
)
from autograd.notation.unicode import written
from autograd.program.program import Line, Program, Var
from autograd.program.reverse import Backprop, Link
from autograd.rules.write import put

_OF_SCALARS: Final[dict[Tree, Tree]] = {
    Symbol("⊙", "operator"): Space(SPACES[","]),
    Symbol("⊘", "operator"): Symbol("/", "operator"),
}
_MINUS, _PLUS = Symbol("−", "operator"), Symbol("+", "operator")
_ONE = Symbol("1", "number")
_SET, _DEFINED = Symbol("←", "relation"), Symbol(":=", "relation")
_TELLING: Final = 4  # numbers that are not what others are by chance
_NOTHING: Final[Mapping[str, Tree]] = {}
_WIDEST, _WIDE = 88, 40  # signs of a line, and of one that is broken


class Owner(NamedTuple):
    """The node whose value, or gradient, a value of the program is."""

    node: Node
    is_gradient: bool


class Formulas:
    """The rows of the block, forward and backward."""

    def __init__(
        self,
        recorded: Backprop,
        program: Program,
        statements: Statements,
        names: Names,
        owner: Callable[[Var], Owner | None],
    ) -> None:
        self._recorded, self._program, self._statements = recorded, program, statements
        self._names, self._owner = names, owner
        self._terms: dict[Var, Term] = {}
        for node, value in recorded.values.items():
            if value.symbol in program.inputs:
                self._terms[value.symbol] = Term(Symbol(names[node].drawn))
        symbols = {var: self._symbol(statement) for var, statement in statements.of.items()}
        self._taken = {latex(tree) for tree in (*symbols.values(), *(term.tree for term in self._terms.values()))}
        self._write = Mathematics(self._terms.__getitem__, euler="e" not in self._taken)
        spread = {line.target: line.args[0] for line in recorded.trace.lines if line.fn is np.broadcast_to}
        one = {recorded.seed: recorded.seed.value}
        self._same_number = {var: one.get(program.now(of), program.now(of)) for var, of in spread.items()}
        self._uses: dict[Node, list[Link]] = defaultdict(list)
        for link in recorded.links:
            self._uses[link.source].append(link)
        self._full: dict[Var, Term] = {}  # what each line computes, where `_terms` has what others call it
        self._write_lines(symbols)

    def _write_lines(self, symbols: Mapping[Var, Tree]) -> None:
        """The terms of all lines: by the operation's record where that says its value, else as the line computes it."""
        values, now = self._recorded.values, self._program.now
        nodes = {now(values[node].symbol): node for node in self._recorded.nodes if node.op and value_of(node)}
        for line in self._program.lines:
            target = line.target
            if target in self._statements.absorbed:
                continue
            statement = self._statements.of.get(target)
            if statement is not None and (statement.fills or line.fn is put):
                full = Term(row())  # it is begun, and then written into
            else:
                full = (self._by_record(nodes[target]) if target in nodes else None) or self._write(line)
            self._full[target] = full
            self._terms[target] = Term(symbols[target]) if target in symbols else full

    def _by_record(self, node: Node) -> Term | None:
        """The value of an operation whose record says what it computes; None where an operand cannot be written."""
        said = value_of(node)
        if said is None:
            return None
        equation, letters = said
        symbols: dict[str, Tree] = {}
        for place, arg in enumerate(node.args or ()):
            term = self._operand(arg)
            if term is not None and place in letters:
                symbols[letters[place]] = term.inside(ATOM)
        left, right = sides(equation)
        tree = in_symbols(Row(right), symbols, row())
        if tree is None:
            return None
        tree, roles = _unwrapped(tree), {role_of(part) for part in tree.parts}
        binds = SUM if roles & {"operator", "prefix"} else BIG if "big" in roles else APPLIED
        below = left[0].sub if isinstance(left[0], Script) else None
        return Term(tree, binds) if below is None else by_entry(Entry(parts_of(below), tree, binds))

    def _operand(self, arg: Any) -> Term | None:
        """The term of an operand, if it is in the program still."""
        if isinstance(arg, np.ndarray) and id(arg) in self._recorded.constants:
            arg = self._recorded.constants[id(arg)]
        if not isinstance(arg, Node):
            return self._write.value(arg) if isinstance(arg, (int, float)) else None
        value = self._program.now(self._recorded.values[arg].symbol)
        return self._write.value(value) if type(value) is not Var else self._terms.get(value)

    def block(self) -> str:
        """The whole derivation."""
        forward, backward = self.parts()
        joined = " \\\\\n".join([*forward[:-1], f"{forward[-1]} \\\\[1ex]\n{self.legend()}", *backward])
        return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"

    def legend(self) -> str:
        """What a bar means."""
        loss = self._names[self._recorded.nodes[-1]].drawn
        any_one = next(letter for letter in "xvqz" if letter not in self._taken or letter == "z")
        return _Equation(Bar(Symbol(any_one)), partial(loss, any_one), _DEFINED).latex()

    def parts(self) -> tuple[list[str], list[str]]:
        """The lines forward and backward."""
        ordered = self._statements.ordered()
        rows: dict[bool, list[_Equation]] = {True: [], False: []}
        for statement in ordered:
            rows[statement.forward] += self._rows(statement)
        rows[True][:0] = self._complements() if rows[True] else []
        if not rows[True]:  # the loss is what something was given as, such as w * 1
            output = self._recorded.nodes[-1]
            value = self._program.now(self._recorded.values[output].symbol)
            rows[True].append(_Equation(Symbol(self._names[output].drawn), self._write.value(value).tree))
        for node in self._recorded.nodes:
            if node not in self._recorded.gradients:
                continue
            g = self._recorded.gradients[node]
            value = self._program.now(getattr(g, "symbol", g))
            owned = self._owner(value) if type(value) is Var and value in self._statements.of else None
            if node.op is None and (owned is None or owned.node is not node):  # it is another value, or a number
                rows[False].append(_Equation(Bar(Symbol(self._names[node].drawn)), self._write.value(value).tree))
        made_up = [one.name for one in ordered if self._owner(one.line.target) is None]
        numbers = _numbers([*rows[True], *rows[False]], made_up)
        forward, backward = ([one.latex(numbers) for one in part if one.is_in(numbers)] for part in rows.values())
        return forward, backward

    def _complements(self) -> Iterator[_Equation]:
        """What a constant is that nobody named and that is 1 less another one, as 1 - y was computed of labels."""
        inputs = set(self._program.inputs)
        given = {
            value.symbol: self._names[node].origin == "letter"
            for node, value in self._recorded.values.items()
            if value.symbol in inputs and not (node.requires_grad or is_lazy(node.value)) and node.size >= _TELLING
        }
        if not any(given.values()):
            return
        named = {(var.shape, (1 - var.value).tobytes()): var for var, unnamed in given.items() if not unnamed}
        for var, unnamed in given.items():
            other = named.get((var.shape, var.value.tobytes())) if unnamed else None
            if other is not None:
                yield _Equation(self._terms[var].tree, row(_ONE, _MINUS, self._terms[other].tree), _DEFINED)

    def _rows(self, statement: Statement) -> list[_Equation]:
        """The equations of a statement: its own, and what is written into it then."""
        own = statement.name if self._owner(statement.line.target) is None else ""
        return [one._replace(own=own) for one in self._equations(statement)]

    def _equations(self, statement: Statement) -> list[_Equation]:
        """What a statement computes: an array that is filled, a write, a gradient by its records' rules, or a value."""
        line, left = statement.line, self._symbol(statement)
        target = line.target
        if statement.fills:
            added = [self._written(left, line, fill.args[1], fill.args[0], ADDS) for fill in statement.fills]
            return self._begun(left, Symbol("0", "number"), added)
        if line.fn is put:
            old = self._write.value(line.args[0]).tree
            return self._begun(left, old, [self._written(left, line, line.args[1], line.args[2], _SET)])
        owned = self._owner(target)
        if owned is not None and owned.is_gradient and (by_rules := self._by_rules(owned.node, target)) is not None:
            index, sum_of_rules = by_rules  # a rule may speak of one entry
            return [_Equation(left if index is None else Script(left, index), sum_of_rules)]
        full = self._full[target]
        if full.entry is not None:
            return [_Equation(Script(left, row(*full.entry.shown)), full.entry.tree)]
        return [_Equation(left, full.tree)]

    def _begun(self, left: Tree, first: Tree, written: list[_Equation]) -> list[_Equation]:
        """What an array is to begin with, and what is written into it: on one line if it is one thing."""
        if len(written) > 1:
            return [_Equation(left, first), *written]
        (only,) = written
        tail = row(only.left, only.sign, only.right)
        return [_Equation(left, row(first, Symbol(",", "comma"), Space(SPACES["quad"]), tail))]

    def _written(self, left: Tree, line: Line, index: Any, value: Any, sign: Symbol) -> _Equation:
        """A value that is written or added at an index: entry by entry where that can be told."""
        term, rank = self._write.value(value), ndim(value)
        entry = self._write.at(left, ndim(line.target), index)
        if entry is None or rank > 1:
            return _Equation(row(left, self._write.index(index)), term.tree, sign)
        if term.entry is not None and term.entry.letters == entry.letters:
            return _Equation(entry.tree, term.entry.tree, sign)
        same = not rank or not any(names_in(term.tree))  # for all entries
        return _Equation(entry.tree, term.tree if same else Script(term.inside(ATOM), row(*entry.shown)), sign)

    def _symbol(self, statement: Statement) -> Tree:
        """What stands on the left of a statement: a node's name, with a bar where this is its gradient."""
        owned = self._owner(statement.line.target)
        if owned is None:
            return Symbol(statement.name)
        symbol = Symbol(self._names[owned.node].drawn)
        return Bar(symbol) if owned.is_gradient else symbol

    def _by_rules(self, node: Node, target: Var) -> tuple[Tree | None, Tree] | None:
        """The index below and the right side, if the rules of all uses can be written."""
        found = [self._by_rule(link, target) for link in self._uses[node]]
        parts = [part for part in found if part is not None]
        if not parts or len(parts) < len(found) or (len(parts) > 1 and any(below for below, _ in parts)):
            return None
        below, first = parts[0]
        summed = [first]
        for _, part in parts[1:]:
            summed += [part] if parts_of(part)[0] == _MINUS else [_PLUS, part]
        return below, row(*summed)

    def _by_rule(self, link: Link, target: Var) -> tuple[Tree | None, Tree] | None:
        """What a use contributes, in the words of its record; None where a letter stands for nothing shown."""
        user = link.node
        arrives = self._arrives(user, target)
        if arrives is None or not _as_its_rule(link):
            return None
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
        by_element = user.ndim or (link.source.ndim and value_of(user) is not None)
        tree = Row(right[0]) if by_element else rewrite(Row(right[0]), _OF_SCALARS.get)
        in_full = in_symbols(_without_arriving(tree) if arrives == _ONE else tree, symbols, arrives)
        return None if in_full is None else (below, in_full)

    def _arrives(self, user: Node, target: Var) -> Tree | None:
        """The gradient of the value of an operation: its symbol, or what is short enough to stand in a rule."""
        g = self._recorded.gradients[user]
        g = self._program.now(getattr(g, "symbol", g))
        if g is target:
            return None
        if type(g) is Var and g in self._statements.of:
            return self._terms[g].tree
        if value_of(user) is None:
            return None
        if type(g) is Var and g not in self._terms:  # the program has no need of it
            g = self._same_number.get(g, g)
            if type(g) is Var:
                return None
        tree = self._write.value(g).inside(PRODUCT)
        return tree if len(written(tree)) < _WIDE else None

    def _shown(self, arg: Any) -> Tree | None:
        """The symbol of an operand."""
        if isinstance(arg, Node):
            value = self._program.now(self._recorded.values[arg].symbol)
            if type(value) is Var and value not in self._statements.of and value not in self._program.inputs:
                return None
        term = self._operand(arg)
        return None if term is None else term.tree


class _Equation(NamedTuple):
    """One line of the block; `own` is the name of what it computes, if only the program has it."""

    left: Tree
    right: Tree
    sign: Symbol = EQUALS
    own: str = ""

    def names(self) -> list[str]:
        """All names in it."""
        return [*names_in(self.left), *names_in(self.right)]

    def is_in(self, symbols: Mapping[str, Tree]) -> bool:
        """Whether it is needed."""
        return not self.own or self.own in symbols

    def latex(self, symbols: Mapping[str, Tree] = _NOTHING) -> str:
        """With the place where lines are aligned; broken before a sign where it would be too wide for a page."""
        left, right = (substitute(side, symbols, {}) for side in (self.left, self.right))
        wide = len(written(left)) + len(written(right)) > _WIDEST
        rows: list[list[Tree]] = [[]]
        for part, role in roles(parts_of(right)):
            if wide and role == "operator" and part in (_MINUS, _PLUS) and len(written(Row(tuple(rows[-1])))) > _WIDE:
                rows.append([])
            rows[-1].append(part)
        first, *more = (latex(Row(tuple(parts))) for parts in rows)
        sign = "=" if self.sign == EQUALS else latex(self.sign)
        broken = "".join(f" \\\\\n&\\quad {{}} {text[:1]} {text[1:].lstrip()}" for text in more)
        return f"{latex(left)} &{sign} {first}{broken}"


def _numbers(rows: list[_Equation], made_up: Sequence[str]) -> dict[str, Tree]:
    """The symbols of values that only a program has, numbered anew; none for what no other line reads."""
    needed, reads, readers = set(made_up), defaultdict[str, list[str]](list), Counter[str]()
    for one in rows:
        names = [name for name in one.names() if name in needed and name != one.own]
        reads[one.own] += names
        readers.update(names)
    unread = [name for name in made_up if not readers[name]]
    for name in unread:
        needed.discard(name)
        readers.subtract(reads[name])
        unread += [other for other in dict.fromkeys(reads[name]) if not readers[other]]
    new = iter(made_up)
    own = {one.own for one in rows}
    return {name: Symbol(next(new)) for name in made_up if name in own and name in needed}


def _as_its_rule(link: Link) -> bool:
    """Whether the record's rule is the whole truth of this use, so that it may stand in the block as it is."""
    source, user = link.source, link.node
    assert user.op is not None
    if user.op.variadic:
        return False
    if user.op.role == "product":
        return not source.ndim < user.ndim > 2  # else it sums over the axes in front as well
    if user.op.broadcasts and source.shape != user.shape:
        return False  # it sums over the axes that were added
    with_a_number = not all(isinstance(arg, Node) for arg in user.args or ())
    return not (with_a_number and user.op.fn in (np.multiply, np.divide, np.power))  # which is written as such


def _without_arriving(tree: Row) -> Row:
    """A rule without the gradient that arrives as a factor, where that is 1."""
    bare = [part.base if isinstance(part, Script) else part for part in tree.parts]
    if (arriving := Bar(Symbol("y"))) not in bare:
        return tree
    place = bare.index(arriving)
    rest = (*tree.parts[:place], *tree.parts[place + 2 :]) if place + 1 < len(tree.parts) else tree.parts[: place - 1]
    depths = list(accumulate((role_of(part) == "open") - (role_of(part) == "close") for part in rest))
    in_brackets = depths[:1] == [1] and depths.index(0) == len(rest) - 1 and not isinstance(rest[-1], Script)
    return Row(rest[1:-1] if in_brackets else rest or (_ONE,))


def _unwrapped(tree: Row) -> Row:
    """Without brackets in brackets."""

    def change(part: Tree) -> Tree | None:
        if not isinstance(part, Row):
            return None
        parts = [rewrite(one, change) for one in part.parts]
        for k, one in enumerate(parts[1:-1], 1):
            if isinstance(one, Group) and role_of(parts[k - 1]) == "open" and role_of(parts[k + 1]) == "close":
                parts[k] = one.inside
        return row(*parts)

    return row(change(tree) or tree)
