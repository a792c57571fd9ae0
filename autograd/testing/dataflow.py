"""Which line of a recorded derivation is wrong: the one whose right value makes right all that is computed from it.

The author's program is run once more from a value on, with another in its place, which costs a few calls of NumPy. A
value on the way is thus known by what it does, whatever its author calls it and however the derivation is cut into
lines. What the right one may be is known from the true reverse pass: the gradients of all values, up to a constant
factor that the author's conventions put there and the rest of the program takes out again.

Of several lines that repair as much, the wrong one is that which departs from the truth although all that went into
it is explained. What nothing repairs but its own end is the fault of the first value that nothing explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Line, Var, needed
from autograd.testing.inversion import solved
from autograd.testing.outcome import stem
from autograd.testing.recording import Recording, same
from autograd.testing.source import Statement, statement_at
from autograd.testing.truth import Truth, arrangements, factor_between

Array = np.ndarray[Any, np.dtype[Any]]
Right = Callable[[Node, Array], bool]
_MOST_TRIALS = 4000  # runs of the program from a value on


@dataclass
class End:
    """A gradient that the author gives.

    Attributes:
        var: its value in the program.
        node: the parameter.
        wrong: whether it is.
    """

    var: Var
    node: Node
    wrong: bool = False


@dataclass
class Unit:
    """What one expression of the source gave, each time that it was computed: values that leave their statement.

    Attributes:
        values: of the program, in order.
        statement: where they were made.
        reach: the wrong ends that depend on them.
        departs: whether they differ from the truth although what went into them is explained.
    """

    values: list[Var]
    statement: Statement
    reach: list[End] = field(default_factory=list)
    departs: bool = False

    def code(self, recording: Recording) -> Any:
        """The function that it stands in."""
        return recording.spots[self.values[0]].frame.f_code


@dataclass
class Fault:
    """A wrong line.

    Attributes:
        unit: what it gave.
        nodes: of each of its values, the node whose gradient it should be; none where that is not known.
        rights: what the values should be, where that is known.
        repairs: the ends that are right with these.
        factor: what the author's convention multiplies the true gradients with there.
    """

    unit: Unit
    nodes: list[Node | None]
    rights: list[Any]
    repairs: list[End]
    factor: float = 1.0
    origin: Fault | None = None

    @property
    def shown(self) -> Fault:
        """The fault in which the mistake shows as gradients of nodes: where what went into it was traced back."""
        return self if self.origin is None else self.origin.shown


class Dataflow:
    """The wrong lines of a run.

    Args:
        recording: of the run.
        truth: of its loss.
        ends: the author's gradients.
        right: whether numbers are the true gradient of a node.
        names: how values are called.

    Attributes:
        faults: the wrong lines, the one nearest the loss first.
    """

    def __init__(
        self, recording: Recording, truth: Truth, ends: list[End], right: Right, names: Mapping[Var, str]
    ) -> None:
        self._recording, self._truth, self._ends, self._right, self._names = recording, truth, ends, right, names
        self.lines = needed(recording.lines, [end.var for end in ends])
        self._start: dict[Any, Any] = {
            var: var.value for line in self.lines for var in (line.target, *line.variables())
        }
        self._made = {line.target: line for line in self.lines}
        self._order = {line.target: k for k, line in enumerate(self.lines)}
        self._users: dict[Var, list[Line]] = {}
        for line in self.lines:
            for var in line.variables():
                self._users.setdefault(var, []).append(line)
        self._fixed: dict[Var, Any] = {}
        self._trials = 0
        self._inputs: dict[Var, list[Var]] = {}
        self.faults: list[Fault] = []
        with np.errstate(all="ignore"):
            self._find()

    # The program from a value on

    def replay(self, replaced: Mapping[Var, Any]) -> dict[Any, Any]:
        """All values, with some replaced; raises what NumPy raises where shapes do not fit."""
        values = self._start.copy()
        replaced = {**self._fixed, **replaced}
        values.update(replaced)
        changed = set(replaced)
        first = min((self._order.get(var, 0) for var in replaced), default=0)
        for line in self.lines[first:]:
            if line.target not in replaced and not changed.isdisjoint(line.variables()):
                values[line.target] = line.compute(values)
                changed.add(line.target)
        return values

    def reaches(self, var: Var) -> set[Var]:
        """What is computed from a value, itself included."""
        seen, pending = {var}, [var]
        while pending:
            for line in self._users.get(pending.pop(), ()):
                if line.target not in seen:
                    seen.add(line.target)
                    pending.append(line.target)
        return seen

    def behind(self, var: Var) -> set[Var]:
        """What a value is computed from, itself included."""
        seen, pending = {var}, [var]
        while pending:
            line = self._made.get(pending.pop())
            for each in line.variables() if line is not None else ():
                if each not in seen:
                    seen.add(each)
                    pending.append(each)
        return seen

    def _is_right(self, end: End, value: Any) -> bool:
        shape = np.shape(end.node.value)
        array = np.asarray(value)
        return array.size == int(np.prod(shape)) and self._right(end.node, array.reshape(shape))

    # The search

    def _find(self) -> None:
        wrong = [end for end in self._ends if end.wrong]
        while wrong:
            fault = self._next(wrong)
            self.faults.append(fault)
            for var, right in zip(fault.unit.values, fault.rights, strict=False):
                self._fixed[var] = right
            left = [end for end in wrong if end not in fault.repairs]
            if len(left) == len(wrong):
                break
            wrong = left
        self.faults.sort(key=lambda fault: self._order[fault.unit.values[0]])

    def _next(self, wrong: list[End]) -> Fault:
        """The line that repairs most of the wrong gradients."""
        units = self._units(wrong)
        best: Fault | None = None
        for unit in units:
            guilty = not all(map(self._innocent, unit.values))
            if best is not None and self._rank(best)[:3] >= (len(unit.reach), unit.departs, guilty):
                continue
            for fault in self._repairs(unit):
                if best is None or self._rank(fault) > self._rank(best):
                    best = fault
                if len(fault.repairs) == len(unit.reach):
                    break
        if best is None or (len(best.repairs) == 1 and best.unit.values[-1] is best.repairs[0].var):
            return self._unexplained(wrong, units, best)
        return self._traced_back(best)

    def _rank(self, fault: Fault) -> tuple[int, bool, bool, int]:
        wrong = zip(fault.unit.values, fault.rights, strict=True)
        first = next((var for var, right in wrong if not _alike(var.value, right)), fault.unit.values[0])
        part = self._is_a_part(first) and all(map(self.explained, self.inputs(first)))
        return len(fault.repairs), part or self.departs(first), part or not self._innocent(first), -self._order[first]

    def _is_a_part(self, var: Var) -> bool:
        """Whether a value is known as a step on the way only: of a gradient that should be whole, a part."""
        matches = self._truth.matches(var.value)
        return bool(matches) and all(match.kind == "rule" for match in matches)

    def _innocent(self, var: Var) -> bool:
        """Whether calls gave what they should: then a statement that passes it on is sooner the wrong one."""
        return self.explained(var) and self._made[var].fn is not same

    def _traced_back(self, fault: Fault) -> Fault:
        """The fault of what went into a wrong line, if that explains it: what it should be is solved for."""
        if len(fault.rights) != len(fault.unit.values) or self._made[fault.unit.values[0]].fn is same:
            return fault
        for unit, rights in self._solved(fault):
            found = self._repaired(unit, rights)
            if found is not None and len(found[0]) >= len(fault.repairs):
                return self._traced_back(Fault(unit, [None] * len(rights), rights, found[0], origin=fault))
        return fault

    def _solved(self, fault: Fault) -> Iterator[tuple[Unit, list[Any]]]:
        """The units whose values went into a wrong line and are not what they should be."""
        values = self.replay(dict(zip(fault.unit.values, fault.rights, strict=True)))
        wanted: dict[Any, list[tuple[Var, Any]]] = {}
        for var, right in zip(fault.unit.values, fault.rights, strict=True):
            statement = self.statement(var)
            inside = partial(self.is_inside, statement=statement)
            for leaf, value in solved(var, right, self._made, inside, values):
                if leaf in self._made and leaf not in self._truth.forward and leaf not in self._recording.moves:
                    spot = self._recording.spots[leaf]
                    wanted.setdefault((spot.frame.f_code, spot.instruction), []).append((leaf, value))
        for key, found in wanted.items():
            others = [
                (leaf, value) for leaf, value in found if not np.allclose(value, leaf.value, rtol=1e-6, atol=1e-12)
            ]
            leaves = dict(others)
            if not leaves or any(not np.all(np.isfinite(value)) for value in leaves.values()):
                continue
            helper = key not in self._forward_spots and key[0] is not fault.unit.code(self._recording)
            departs = any(self.departs(leaf) for leaf in leaves)
            known = departs and all(self._truth.matches(value) for value in leaves.values())
            if known or (helper and not self._shares_code(key)):
                first = next(iter(leaves))
                unit = Unit(list(leaves), self.statement(first), fault.unit.reach, departs)
                yield unit, list(leaves.values())

    def is_inside(self, var: Var, statement: Statement) -> bool:
        """Whether a value is made in a statement."""
        return var in self._made and var in self._recording.spots and self.statement(var) == statement

    def _shares_code(self, key: Any) -> bool:
        """Whether the other values that this expression gave went into gradients too, as those of a layer do."""
        return any(
            self.explained(v)
            and np.size(v.value) > 1
            and any(m.kind == "gradient" for m in self._truth.matches(v.value))
            for v in self._made
            if (s := self._recording.spots.get(v)) and (s.frame.f_code, s.instruction) == key
        )

    @cached_property
    def _forward_spots(self) -> set[Any]:
        """The expressions that gave values of the forward pass."""
        spots = (self._recording.spots.get(var) for var in self._truth.forward)
        return {(spot.frame.f_code, spot.instruction) for spot in spots if spot is not None}

    def _unexplained(self, wrong: list[End], units: list[Unit], direct: Fault | None) -> Fault:
        """Where only the end itself can be repaired: the first value behind it that nothing explains."""
        end = direct.repairs[0] if direct is not None else wrong[0]
        behind = self.behind(end.var)
        for unit in sorted(units, key=lambda unit: self._order[unit.values[0]]):
            if unit.departs and unit.values[0] in behind and unit.values[-1] is not end.var:
                return Fault(unit, [None] * len(unit.values), [], unit.reach)
        if direct is not None:
            return direct
        own = next((unit for unit in units if unit.values[-1] is end.var), None)
        return Fault(own or Unit([end.var], self.statement(end.var), [end]), [end.node], [], [end])

    def _units(self, wrong: list[End]) -> list[Unit]:
        """What may be wrong: the values that leave their statements, by where they are made."""
        of_end = {end.var: end for end in wrong}
        reached: dict[Var, list[End]] = {}
        for end in wrong:
            for var in self.behind(end.var):
                reached.setdefault(var, []).append(end)
        groups: dict[Any, list[Var]] = {}
        for line in self.lines:
            var = line.target
            if (
                var in reached
                and var not in self._truth.forward
                and var not in self._recording.moves
                and var not in self._fixed
            ):
                statement = self.statement(var)
                if var in of_end or any(self.statement(user.target) != statement for user in self._users.get(var, ())):
                    spot = self._recording.spots[var]
                    groups.setdefault((spot.frame.f_code, spot.instruction), []).append(var)
        units = []
        for group in groups.values():
            for values in [group] if len(group) == 1 else [group, *([var] for var in group)]:
                reach = [end for end in wrong if any(end in reached[var] for var in values)]
                departs = any(self.departs(var) for var in values)
                units.append(Unit(values, self.statement(values[0]), reach, departs))
        return sorted(units, key=lambda unit: (-len(unit.reach), not unit.departs, self._order[unit.values[0]]))

    def statement(self, var: Var) -> Statement:
        """The statement that made a value."""
        return statement_at(self._recording.spots[var])

    # What a value is

    def departs(self, var: Var) -> bool:
        """Whether a value differs from the truth although all that went into its statement is explained."""
        return not self.explained(var) and all(self.explained(arg) for arg in self.inputs(var))

    def inputs(self, var: Var) -> list[Var]:
        """What the statement that made a value took from others."""
        if var not in self._inputs:
            self._inputs[var] = self._taken(var)
        return self._inputs[var]

    def _taken(self, var: Var) -> list[Var]:
        statement, found, pending = self.statement(var), dict[Var, None](), [var]
        seen = {var}
        while pending:
            line = self._made.get(pending.pop())
            for arg in line.variables() if line is not None else ():
                if arg in self._made and arg in self._recording.spots and self.statement(arg) == statement:
                    if arg not in seen:
                        seen.add(arg)
                        pending.append(arg)
                else:
                    found[arg] = None
        return list(found)

    def explained(self, var: Var) -> bool:
        """Whether a value is one that a right derivation has, or all right that is computed from it."""
        known = var not in self._made or var in self._truth.forward or var in self._fixed
        return known or var not in self._depends or var in self._explained or not np.any(var.value)

    @cached_property
    def _depends(self) -> set[Var]:
        """The values that depend on more than constants."""
        found = {var for var in self._truth.nodes if var not in self._made} | set(self._truth.nodes)
        for line in self.lines:
            if not found.isdisjoint(line.variables()):
                found.add(line.target)
        return found

    @cached_property
    def _explained(self) -> set[Var]:
        found: set[Var] = set()
        factors: dict[Var, set[float]] = {}
        sizes = {float(n) for var in self._truth.forward for n in np.shape(var.value)} | {1.0}
        sizes |= {-size for size in sizes}
        wrong = {end.var for end in self._ends if end.wrong}
        certain: list[Var] = [end.var for end in self._ends if not end.wrong]
        for line in self.lines:
            var = line.target
            if var in self._truth.forward:
                continue
            matches = self._truth.matches(var.value)
            before = {factor for arg in self.inputs(var) for factor in factors.get(arg, ())}
            if (named := self._of_this_name(var, line)) is not None:
                matches = [m for m in matches if m.kind == "gradient" and m.node is named]
            good = {
                m.factor
                for m in matches
                if any(abs(m.factor - f) <= 1e-6 * abs(f) for f in (*(() if var in wrong else sizes), *before))
            }
            if good:
                found.add(var)
                factors[var] = good
                leaves = any(self.statement(user.target) != self.statement(var) for user in self._users.get(var, ()))
                if leaves and any(m.kind == "gradient" for m in matches) and np.size(var.value) > 1:
                    certain.append(var)
        for var in certain:
            found |= self.behind(var)
        return found

    def _of_this_name(self, var: Var, line: Line) -> Node | None:
        """The node whose gradient a value is by its name, of a statement that only gives the name."""
        own = stem(self._names.get(var, "")).lower()
        if line.fn is not same or not own:
            return None
        nodes = [n for n, _ in self._truth.gradients if str(n.get("name") or "").lower() == own]
        return nodes[0] if len(nodes) == 1 and nodes[0].value.size == np.size(var.value) else None

    # What repairs

    def _repairs(self, unit: Unit) -> Iterator[Fault]:
        """The right values for a unit that make something right, and nothing wrong."""
        for nodes, rights in self._candidates(unit):
            fault = self._tried(unit, nodes, rights)
            if fault is not None:
                yield fault

    def _tried(self, unit: Unit, nodes: list[Node | None], rights: list[Any]) -> Fault | None:
        repaired, factor = self._repaired(unit, rights), 1.0
        if not repaired:
            return None
        repairs, factor = repaired
        if factor != 1.0:
            rights = [right * factor for right in rights]
        return Fault(unit, list(nodes), rights, repairs, factor)

    def _repaired(self, unit: Unit, rights: list[Any]) -> tuple[list[End], float] | None:
        """The ends that values make right, perhaps with a factor; None if none are, or others become wrong."""
        factor = 1.0
        for _ in range(2):
            self._trials += 1
            if self._trials > _MOST_TRIALS:
                return None
            try:
                values = self.replay(dict(zip(unit.values, [right * factor for right in rights], strict=True)))
            except Exception:  # shapes that do not fit
                return None
            repairs = [end for end in unit.reach if self._is_right(end, values[end.var])]
            if repairs:
                fine = all(end.wrong or self._is_right(end, values[end.var]) for end in self._ends)
                return (repairs, factor) if fine else None
            found = [factor_between(np.asarray(values[e.var]), self._truth.gradient(e.node)) for e in unit.reach]
            factors = [f for f in found if f is not None and abs(f - 1) > 1e-9]
            if not factors:
                return None
            factor = 1 / factors[0]
        return None

    def _candidates(self, unit: Unit) -> Iterator[tuple[list[Node | None], list[Any]]]:
        """What the values of a unit may have to be."""
        ends = {end.var: end for end in unit.reach}
        if len(unit.values) == 1:
            var = unit.values[0]
            if var in ends:
                node = ends[var].node
                yield (
                    [node],
                    [self._truth.gradient(node).reshape(np.shape(var.value))]
                    if np.size(var.value) == node.value.size
                    else [self._truth.gradient(node)],
                )
            for node in self._by_name(var):
                for right in self._arranged(node, var):
                    yield [node], [right]
            for contribution in self._truth.contributions:
                if contribution.size == np.size(var.value) > 1:
                    for right in arrangements(contribution, np.shape(var.value)):
                        yield [None], [right]
            return
        yield from self._of_groups(unit)

    def _by_name(self, var: Var) -> list[Node]:
        """The nodes, those first that are called like the value."""
        own = stem(self._names.get(var, "")).lower()
        nodes = [node for node, _ in self._truth.gradients if node is not self._truth.loss._node]

        def rank(node: Node) -> tuple[bool, bool, int]:
            name = str(node.get("name") or "")
            return not own or stem(name).lower() != own, not name, -node.order

        return sorted(nodes, key=rank)

    def _arranged(self, node: Node, var: Var) -> Iterator[Array]:
        """A true gradient in the shape of a value, and in its own where that has another number of elements."""
        true, shape = self._truth.gradient(node), np.shape(var.value)
        if true.size == np.size(var.value):
            yield from arrangements(true, shape)
        elif true.size > 1 and np.ndim(true) and not np.all(true == true.flat[0]):
            yield true
            if true.ndim == 1 or 1 in true.shape:
                yield true.reshape(-1, 1)
                yield true.reshape(1, -1)

    def _of_groups(self, unit: Unit) -> Iterator[tuple[list[Node | None], list[Any]]]:
        """Of an expression in a loop: the gradients of what another expression in a loop gave, or rows of one."""
        count = len(unit.values)
        for group in self._node_groups:
            for start in range(len(group) - count + 1):
                for nodes in (group[start : start + count], group[start : start + count][::-1]):
                    rights = [
                        next(self._arranged(node, var), None) for node, var in zip(nodes, unit.values, strict=True)
                    ]
                    if all(right is not None for right in rights):
                        yield [*nodes], rights
        for node, true in self._truth.gradients:
            for axis in range(true.ndim):
                if true.shape[axis] == count and true.size == sum(np.size(var.value) for var in unit.values):
                    rows = list(np.moveaxis(true, axis, 0))
                    for parts in (rows, rows[::-1]):
                        shaped = [
                            part.reshape(np.shape(var.value)) for part, var in zip(parts, unit.values, strict=True)
                        ]
                        yield [node] * count, shaped

    @cached_property
    def _node_groups(self) -> list[list[Node]]:
        """The nodes that one expression of the source made, in order."""
        groups: dict[Any, list[Node]] = {}
        for var, node in self._truth.nodes.items():
            spot = self._recording.spots.get(var)
            if spot is not None and node in self._truth.replay.truth:
                groups.setdefault((spot.frame.f_code, spot.instruction), []).append(node)
        return [sorted(group, key=lambda node: node.order) for group in groups.values() if len(group) > 1]


def _alike(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same numbers, but for rounding."""
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-6, atol=1e-12))
