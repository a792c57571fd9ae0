"""What each value of a recorded derivation is, against the truth: explained, or the first that departs from it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import FrameType
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Var
from autograd.rules.write import put
from autograd.testing.explained import Explained
from autograd.testing.expressions import factors_of, text_of
from autograd.testing.reader import stem
from autograd.testing.recording import Recording, same, scope_of
from autograd.testing.rerun import Rerun
from autograd.testing.source import Statement, statement_at
from autograd.testing.truth import Truth


@dataclass
class End:
    """A gradient that the author gives.

    Attributes:
        var: its value in the program.
        node: the parameter.
        wrong: whether it is.
        updates: whether it is what an update implies.
        tells: whether it is not zero whatever led to it, as that of a bias before a normalisation is.
    """

    var: Var
    node: Node
    wrong: bool = False
    updates: bool = False
    tells: bool = True


@dataclass
class Unit:
    """What one expression of the source gave, each time that it was computed: values that leave their statement.

    Attributes:
        values: of the program, in order.
        statement: where they were made.
        reach: the wrong ends that depend on them.
        departs: whether they differ from the truth although what went into them is explained.
        suspect: whether they do, or are a part of a gradient that should be whole.
    """

    values: list[Var]
    statement: Statement
    reach: list[End] = field(default_factory=list)
    departs: bool = False
    suspect: bool = False

    def code(self, recording: Recording) -> Any:
        """The function that it stands in."""
        return recording.spots[self.values[0]].frame.f_code


class Known(Rerun):
    """The values of a run up to its last gradient.

    Args:
        recording: of the run.
        truth: of its loss.
        ends: the author's gradients.
        names: how values are called.
    """

    def __init__(self, recording: Recording, truth: Truth, ends: list[End], names: Mapping[Var, str]) -> None:
        of_ends = {end.var for end in ends}
        last = max((k for k, line in enumerate(recording.lines) if line.target in of_ends), default=-1)
        super().__init__(recording.lines[: last + 1])
        self._recording, self._truth, self._names = recording, truth, names
        self.ends = self._ends = ends
        self._inputs: dict[Var, list[Var]] = {}
        self._held: dict[int, dict[str, list[Any]]] = {}
        self._beside: dict[Var, Node | None] = {}
        self._statements: dict[Var, Statement] = {}
        self._known_statements: dict[Statement, Statement] = {}

    def statement(self, var: Var) -> Statement:
        """The statement that made a value."""
        if var not in self._statements:
            found = statement_at(self._recording.spots[var])
            self._statements[var] = self._known_statements.setdefault(found, found)
        return self._statements[var]

    def expression(self, var: Var) -> Any:
        """The expression that made a value, which may have made others."""
        return self._recording.spots[var].expression

    def is_together(self, var: Var, other: Var) -> bool:
        """Whether a value is made in the same statement as another one, which is made in one."""
        return var in self.made and var in self._recording.spots and self.statement(var) is self.statement(other)

    def departs(self, var: Var) -> bool:
        """Whether a value differs from the truth although all that went into its statement is explained."""
        return not self.explained(var) and all(self.explained(arg) for arg in self.inputs(var))

    def leaves(self, var: Var) -> bool:
        """Whether another statement takes a value."""
        return any(not self.is_together(user.target, var) for user in self.users.get(var, ()))

    def inputs(self, var: Var) -> list[Var]:
        """What the statement that made a value took from others."""
        if var not in self._inputs:
            self._inputs[var] = self._taken(var)
        return self._inputs[var]

    def _taken(self, var: Var) -> list[Var]:
        found, pending = dict[Var, None](), [var]
        seen = {var}
        while pending:
            line = self.made.get(pending.pop())
            for arg in line.variables() if line is not None else ():
                if self.is_together(arg, var):
                    if arg not in seen:
                        seen.add(arg)
                        pending.append(arg)
                else:
                    found[arg] = None
        return list(found)

    def explained(self, var: Var) -> bool:
        """Whether a value is one that a right derivation has, or all right that is computed from it."""
        known = var not in self.made or var in self._truth.forward or var in self.fixed
        return known or var not in self._depends or var in self._explained.found or not np.any(var.value)

    def depends(self, var: Var) -> bool:
        """Whether a value depends on more than data."""
        return var in self._depends

    def base(self, var: Var) -> Var:
        """The array that a value is a part of."""
        parts = (operator.getitem, np.transpose, np.reshape)
        while var in self.made and self.made[var].fn in parts and type(self.made[var].args[0]) is Var:
            var = self.made[var].args[0]
        return var

    def is_penalty(self, var: Var) -> bool:
        """Whether a statement computes something of parameters alone, or adds that to something."""
        own = self.made[var].args[0] if isinstance(self.statement(var).node, ast.AugAssign) else None
        others = [arg for arg in self.inputs(var) if arg is not own and self.depends(arg)]
        return bool(others) and all(self._truth.is_parameter(self.base(arg)) for arg in others)

    @cached_property
    def _depends(self) -> set[Var]:
        """The values that depend on more than constants."""
        found = {var for var in self._truth.nodes if var not in self.made} | set(self._truth.nodes)
        for line in self.lines:
            if not found.isdisjoint(line.variables()):
                found.add(line.target)
        return found

    @cached_property
    def _explained(self) -> Explained:
        return Explained(self, self._truth)

    def meant(self, var: Var) -> list[Node]:
        """The nodes whose gradient a value may be by its name: after `dh[h < 0] = 0`, what h is a function of."""
        node = self.of_this_name(var)
        meant = [] if node is None else [node]
        while node is not None and self.here(var) is not None:
            behind = [arg for arg in node.args or () if isinstance(arg, Node) and arg in self._truth.replay.uses]
            node = behind[0] if len(behind) == 1 and behind[0].value.size == node.value.size else None
            meant += [] if node is None else [node]
        return meant

    def here(self, var: Var) -> Node | None:
        """The node whose gradient a value is by its name, of a variable of the same call: `dZ` beside `Z`."""
        if var not in self._beside:
            self._beside[var] = self._found_beside(var)
        return self._beside[var]

    def _found_beside(self, var: Var) -> Node | None:
        target = self.statement(var).target
        target = target.value if isinstance(target, ast.Subscript) else target
        if not isinstance(target, ast.Name) or stem(target.id) == target.id:
            return None
        spot, scopes = self._recording.spots[var], self._recording.scopes
        held = self.held(spot.frame)
        named = held.get(target.id, [])
        after = next((b for a, b in pairwise(named) if a is var), None)
        grows = after is not None and var in self.inputs(after) and not _multiplies(self.statement(after).node)
        if grows or any(user.fn is put and user.args[0] is var for user in self.users.get(var, ())):
            return None  # not whole yet
        passed = (line.target for line in self.lines if line.fn is same)
        made = passed if self.made[var].fn is same else (v for v in named if v in self.made)
        alike = [v for v in made if self._recording.spots[v] == spot]
        values = [scopes[v].get(stem(target.id)) for v in alike if v in scopes]
        once = len(held.get(stem(target.id), ())) == 1 or len({id(v) for v in values}) == len(values) > 1
        value = scopes[var].get(stem(target.id)) if once and var in alike else None
        node = self._truth.nodes.get(value) if type(value) is Var else None
        return node if node is not None and node.value.size == np.size(var.value) else None

    def is_named_once(self, var: Var, node: Node) -> bool:
        """Whether a value was given a name that says what it is the gradient of, and no other value has that name."""
        target = self.statement(var).target
        if not isinstance(target, (ast.Name, ast.Attribute)) or stem(text_of(target)) == text_of(target):
            return False
        alike = stem(text_of(target)).lower() == str(node.get("name")).lower()
        return alike and len(self.held(self._recording.spots[var].frame).get(text_of(target), ())) == 1

    def held(self, frame: FrameType) -> dict[str, list[Any]]:
        """The values that the variables of a call had, one after the other."""
        if id(frame) not in self._held:
            found: dict[str, list[Any]] = {}
            lines = (line.target for line in self._recording.lines if line.target in self._recording.scopes)
            scopes = [self._recording.scopes[var] for var in lines if self._recording.spots[var].frame is frame]
            for name, value in (item for scope in (*scopes, scope_of(frame)) for item in scope.items()):
                while type(value) is Var and value in self.made and self.made[value].fn is same:
                    value = self.made[value].args[0]
                values = found.setdefault(name, [])
                if not any(value is other for other in values):
                    values.append(value)
            self._held[id(frame)] = found
        return self._held[id(frame)]

    def of_this_name(self, var: Var) -> Node | None:
        """The node whose gradient a value is by its name."""
        if (here := self.here(var)) is not None:
            return here
        nodes = self._named.get(stem(self._names[var]).lower(), []) if var in self._names else []
        return nodes[0] if len(nodes) == 1 and nodes[0].value.size == np.size(var.value) else None

    @cached_property
    def _named(self) -> dict[str, list[Node]]:
        """The nodes by their names."""
        found: dict[str, list[Node]] = {}
        for node, _ in self._truth.gradients:
            if node.get("name"):
                found.setdefault(str(node.get("name")).lower(), []).append(node)
        return found


def _multiplies(node: ast.stmt | None) -> bool:
    """Whether a statement is `x *= y`, or `x = x * y`."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        first, *others = factors_of(node.value)
        return bool(others) and text_of(first) == text_of(node.targets[0])
    return isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Mult)
