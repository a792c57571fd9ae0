"""Operations by statements: what a person writes on one line is one card.

A value that nobody named and that is used once belongs to the statement of the value that it goes into; where that
would be too long, it breaks at its outermost operation, or where a loop came around.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import (
    Callable,
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, Final

import numpy as np

from autograd.core.node import Node
from autograd.notation.blackboard import LONGEST, WIDE, apart
from autograd.notation.literals import Text
from autograd.program.program import Line, Var
from autograd.render.operands import Operand, line_of, placed_by
from autograd.render.softmax import (
    Formulas,
    Softmax,
    folded,
    softmax,
)
from autograd.rules.write import put

_UNNAMED: Final = Text("v₁")
_LAST_BUT_SIGN: Final = LONGEST - 4  # characters of a formula that only a sign or a number comes before or after
MOST_TAKEN: Final = 7  # operands of a statement that can be broken
_MOST_LAST: Final = 5  # of the last one
_FEWER: Final = 2  # so many fewer of the last one with a product of matrices: parameters stand around their layer


class Statements:
    """The operations of a graph by the statement that they belong to.

    Args:
        operations: in the order of the program.
        innermost: the module's call that each was recorded in; a statement stays inside one.
        name: the name that somebody gave a value, or "": one with a name is never part of another statement.
        held_by: that of a variable that still has it, or "": without it, a softmax is one operation.
        kept: further values that have statements of their own.
        loops: the operations of each round, of what repeats; the first may lack some.
        alone: whether each operation is a statement of its own.
        most_taken: operands of a statement that can be broken.

    Attributes:
        of: the nodes of each statement in the order of the program, by its result.
        owner: the result of the statement that each operation belongs to.
    """

    def __init__(
        self,
        operations: Sequence[Node],
        innermost: Mapping[Node, Any],
        name: Callable[[Operand], str],
        held_by: Callable[[Operand], str],
        kept: Container[Node],
        loops: Sequence[Sequence[Sequence[Node | None]]],
        alone: bool,
        most_taken: int = MOST_TAKEN,
    ) -> None:
        self._name, self._held_by, self._loops, self._most_taken = name, held_by, loops, most_taken
        uses = Counter(arg for node in operations for arg in node.args or () if type(arg) is Node)
        self._users = {arg: node for node in operations for arg in node.args or () if type(arg) is Node}
        writes = {node: placed for node in operations if (placed := placed_by(node)) and uses[placed] == 1}
        self._writes = {node: placed for node, placed in writes.items() if innermost.get(node) is innermost.get(placed)}
        self._softmaxes = {} if alone else self._folded(operations, innermost, kept)
        for one in self._softmaxes.values():
            uses[one.taken] -= sum(one.taken in node.inputs for node in one.inside) - 1
        self._uses = uses
        within = {node for one in self._softmaxes.values() for node in one.inside}
        inside = set(self._writes.values())
        written = [node for node in operations if node not in inside]
        standing = {
            node
            for node in written
            if alone
            or (uses[node] != 1 and node not in within)
            or node in self._writes
            or node.op.fn is put
            or node in kept
            or node.args is None
            or (name(node) and (held_by(node) or node not in within))
            or innermost.get(node) is not innermost.get(self._users[node])
        }
        if not alone:
            standing = self._broken(written, standing)
        self.owner: dict[Node, Node] = {}
        for node in reversed(operations):
            self.owner[node] = node if node in standing else self.owner[self._users[node]]
        self.of: dict[Node, list[Node]] = {node: [] for node in operations if node in standing}
        for node in operations:
            self.of[self.owner[node]].append(node)

    def _folded(
        self, operations: Sequence[Node], innermost: Mapping[Node, Any], kept: Container[Node]
    ) -> dict[Node, Softmax]:
        """The softmaxes whose operations nobody named."""
        users: defaultdict[Node, list[Node]] = defaultdict(list)
        for node in operations:
            for arg in node.inputs:
                if arg is not None:
                    users[arg].append(node)

        def apart(part: Node, result: Node) -> bool:
            return bool(self._held_by(part)) or part in kept or innermost.get(part) is not innermost.get(result)

        return folded(operations, users, apart)

    def _broken(self, operations: Sequence[Node], standing: set[Node]) -> set[Node]:
        """Where statements break lest they become too long: first where a loop came around, in all rounds alike."""
        draft = _Draft(operations, self._writes, self._name, standing, self._most_taken, self._softmaxes)
        draft.write()
        draft.break_at(node for rounds in self._loops for node in self._came_around(rounds, standing, draft.length))
        before = set[Node]()
        while draft.standing != before:
            before = draft.standing
            draft.write(decide=True)
            draft.break_at(self._opened(draft.standing))
            decided = draft.standing - before
            draft.break_at(node for rounds in self._loops for node in _alike(rounds, decided))
        return draft.standing

    def _opened(self, standing: Container[Node]) -> Iterator[Node]:
        """Of softmaxes that a statement breaks, what is used several times."""
        for one in self._softmaxes.values():
            if any(part in standing for part in one.inside):
                yield from (part for part in one.inside if self._uses[part] != 1)
                yield from [one.taken] if one.taken in self._users and one.taken.op is not None else []

    def _came_around(
        self, rounds: Sequence[Sequence[Node | None]], standing: set[Node], length: Callable[[Node], int]
    ) -> Iterator[Node]:
        """What a loop carries on to its next round, unless it adds up to a short sum, or to a product in a formula."""
        number_of = {node: number for number, nodes in enumerate(rounds) for node in nodes if node is not None}
        result = max(number_of, key=lambda node: node.order)
        short = (np.add, np.subtract) if result in standing else (np.add, np.subtract, np.multiply)
        carried: set[Node] = set()
        sums = True
        for node, number in number_of.items():
            for arg in node.inputs:
                if arg is not None and number_of.get(arg, number) < number:
                    carried.add(arg)
                    sums = sums and node.op.fn in short
        whole = max(carried, key=lambda node: node.order, default=None)
        while whole is not None and whole not in standing and whole in self._users:
            whole = self._users[whole]
        if not (carried and sums) or carried & standing or (whole is not None and length(whole) > LONGEST):
            yield from _alike(rounds, carried | standing.intersection(number_of))


def _alike(rounds: Sequence[Sequence[Node | None]], chosen: Container[Node]) -> Iterator[Node]:
    """The operations at the places of those that are chosen in any round."""
    for places in zip(*rounds, strict=True):
        if any(node in chosen for node in places if node is not None):
            yield from (node for node in places if node is not None)


def _scales(node: Node) -> bool:
    """Whether it changes the sign of one value, or multiplies or divides it by a number."""
    args = node.args or ()
    first = bool(args) and type(args[0]) is Node
    return first and (
        node.op.fn is np.negative or (node.op.fn in (np.multiply, np.divide) and isinstance(args[1], (int, float)))
    )


def _activates(node: Node) -> bool:
    """Whether it is what a layer ends with: an activation, also one that is written as a maximum."""
    numbers = (isinstance(arg, (int, float)) for arg in node.args or ())
    return node.op.role == "activation" or (node.op.fn is np.maximum and any(numbers))


def _ends(operations: Sequence[Node], standing: Container[Node]) -> Iterator[Node]:
    """The operations of the last statement."""
    pending = [*operations[-1:]]
    while pending:
        yield (node := pending.pop())
        pending += [
            operand for operand in node.inputs if operand is not None and operand.op and operand not in standing
        ]


class _Draft:
    """The text of every operation while it is decided which are statements: those that are `standing`."""

    def __init__(
        self,
        operations: Sequence[Node],
        writes: Mapping[Node, Node],
        name: Callable[[Operand], str],
        standing: Collection[Node],
        most_taken: int,
        softmaxes: Mapping[Node, Softmax],
    ) -> None:
        self._most_taken = most_taken
        self._vars = {id(node): Var(None) for node in operations}
        self._nodes = {self._vars[id(node)]: node for node in operations}
        self._standing = {self._vars[id(node)] for node in standing}
        self._texts = {self._vars[id(node)]: _UNNAMED for node in operations if node.args is None}
        self._taken: dict[Var, frozenset[Var]] = {}
        self._activations: dict[Var, Var | None] = {}  # inside each text, the last one
        self._products: set[Var] = set()  # in whose texts there is one of matrices
        self._lengths: dict[Var, int] = {}
        self._lines: list[tuple[Line, Text]] = []

        def var(operand: Operand) -> Var:
            if id(operand) not in self._vars:
                self._vars[id(operand)] = drawn = Var(None)
                self._texts[drawn] = Text(name(operand) or _UNNAMED.text)
            return self._vars[id(operand)]

        for node in operations:
            if node.args is not None:
                line = line_of(node, writes.get(node), var)
                line.target = self._vars[id(node)]
                self._lines.append((line, Text(name(node) or _UNNAMED.text)))
        # Of what is a softmax the line that says so, and its operations.
        self._softmaxes = {
            self._vars[id(node)]: (
                Line(self._vars[id(node)], softmax, (var(one.taken),), {"axis": one.axis}),
                {self._vars[id(part)] for part in one.inside},
            )
            for node, one in softmaxes.items()
        }
        self._scaled = {line.variables()[0] for line, _ in self._lines if _scales(self._nodes[line.target])}
        self._write = Formulas(self._texts.__getitem__)
        self._operations, self._last = operations, set[Var]()

    @property
    def standing(self) -> set[Node]:
        """The statements."""
        return {self._nodes[var] for var in self._standing}

    def break_at(self, nodes: Iterable[Node]) -> None:
        """Make these statements, and see which the last one is."""
        self._standing |= {self._vars[id(node)] for node in nodes}
        self._last = {self._vars[id(node)] for node in _ends(self._operations, self.standing)}

    def length(self, node: Node) -> int:
        """How long the text of an operation is."""
        return self._lengths[self._vars[id(node)]]

    def write(self, decide: bool = False) -> None:
        """Write all lines; with `decide`, break those that are too long."""
        kept = {target: line for target, (line, inside) in self._softmaxes.items() if not inside & self._standing}
        hidden = {var for target in kept for var in self._softmaxes[target][1]}
        for written, name in self._lines:
            line = kept.get(written.target, written)
            target, text = line.target, self._write(line)
            inside = [var for var in line.variables() if var in self._lengths and var not in self._standing]
            operands = frozenset(line.variables()).difference(inside)
            self._taken[target] = operands.union(*(self._taken[var] for var in inside))
            activated = _activates(self._nodes[target]) and len(self._taken[target]) > 1
            within = next((found for var in inside if (found := self._activations.get(var)) is not None), None)
            self._activations[target] = target if activated else within
            if self._nodes[target].op.role == "product" or self._products.intersection(inside):
                self._products.add(target)
            self._lengths[target] = len(text.text)
            if decide and target not in hidden:
                self._decide(line, within, written_out="…" not in text.text)
            elif len(text.text) > 2 * LONGEST:  # how much longer does not matter
                text = Text("…" * 2 * LONGEST)
            self._texts[target] = name if target in self._standing else text

    def _decide(self, line: Line, activation: Var | None, written_out: bool) -> None:
        target, product = line.target, self._nodes[line.target].op.role == "product"
        last, product_inside = target in self._last, target in self._products
        most = self._most_taken - product_inside
        most_last = min(_MOST_LAST, self._most_taken) - _FEWER * product_inside
        taken = self._taken[target]
        computed = taken & self._lengths.keys()  # all of it comes from before
        many = len(taken) > most or (last and len(taken - computed) + bool(computed) > most_last)
        many = many and written_out  # what is left out is alike
        length = max(self._lengths[target], LONGEST + 1 if many else 0)
        lengths = {var: self._lengths[var] for var in line.variables() if var in self._lengths}
        # Two layers in one statement: a further activation, or a product of what the first gave.
        product = product and activation in lengths and (last or len(taken) > most_last)
        layers = activation and (self._activations[target] is target or product)
        if (length > LONGEST or layers) and activation is not None:  # what the next layer takes
            self._standing.add(activation)
            return
        inside = self._lengths[target] <= (_LAST_BUT_SIGN if target in self._scaled else WIDE) and not many
        self._standing |= {*apart(line, {**lengths, target: length}, self._standing, inside=inside, longest=LONGEST)}
