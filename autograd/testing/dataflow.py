"""Which line of a recorded derivation is wrong: the one whose right value makes right all that is computed from it.

The author's program is run once more from a value on, with another in its place, which costs a few calls of NumPy. A
value on the way is thus known by what it does, whatever its author calls it and however the derivation is cut into
lines. What the right one may be is known from the true reverse pass: the gradients of all values, up to a constant
factor that the author's conventions put there and the rest of the program takes out again.

Of several lines that repair as much, the wrong one is that which departs from the truth although all that went into
it is explained. What nothing repairs but its own end is the fault of the first value that nothing explains.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Line, Var
from autograd.testing.inversion import solved
from autograd.testing.outcome import stem
from autograd.testing.recording import Recording, same
from autograd.testing.repair import Repair, Repairs
from autograd.testing.source import Statement, statement_at
from autograd.testing.truth import Truth, arrangements, factor_between

Array = np.ndarray[Any, np.dtype[Any]]
Right = Callable[[Node, Array], bool]
_PLAIN = 1.0  # the cost of an edit that is plainly what was meant
_USUAL = 1.3  # and that of one that is no rarity
_CLEARLY = 0.15  # by which an edit must be less far-fetched to make another line the wrong one
_NEIGHBOURS = 12  # statements around a wrong one whose edits are tried
_MOST_TRIALS = 4000  # runs of the program from a value on


@dataclass
class End:
    """A gradient that the author gives.

    Attributes:
        var: its value in the program.
        node: the parameter.
        wrong: whether it is.
        updates: whether it is what an update implies.
    """

    var: Var
    node: Node
    wrong: bool = False
    updates: bool = False


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


@dataclass
class Fault:
    """A wrong line.

    Attributes:
        unit: what it gave.
        nodes: of each of its values, the node whose gradient it should be; none where that is not known.
        rights: what the values should be, where that is known.
        repairs: the ends that are right with these.
        factor: what the author's convention multiplies the true gradients with there.
        origin: the fault in which it was seen, where it was traced back from that.
        repair: the edit that makes the line right.
        certain: whether no other line can be meant.
    """

    unit: Unit
    nodes: list[Node | None]
    rights: list[Any]
    repairs: list[End]
    factor: float = 1.0
    origin: Fault | None = None
    repair: Repair | None = None
    certain: bool = False

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
        seconds: that the search for what makes a line right may take.

    Attributes:
        faults: the wrong lines, the one nearest the loss first.
    """

    def __init__(
        self,
        recording: Recording,
        truth: Truth,
        ends: list[End],
        right: Right,
        names: Mapping[Var, str],
        seconds: float,
    ) -> None:
        self._recording, self._truth, self._ends, self._right, self._names = recording, truth, ends, right, names
        of_ends = {end.var for end in ends}
        last = max((k for k, line in enumerate(recording.lines) if line.target in of_ends), default=-1)
        self.lines = recording.lines[: last + 1]
        self._start: dict[Any, Any] = {
            var: var.value for line in self.lines for var in (line.target, *line.variables())
        }
        self.made = {line.target: line for line in self.lines}
        self.order = {line.target: k for k, line in enumerate(self.lines)}
        self._users: dict[Var, list[Line]] = {}
        for line in self.lines:
            for var in line.variables():
                self._users.setdefault(var, []).append(line)
        self._fixed: dict[Var, Any] = {}
        self._affected: dict[frozenset[Var], list[Line]] = {}
        self._trials = 0
        self._inputs: dict[Var, list[Var]] = {}
        self.faults: list[Fault] = []
        self._repairing = Repairs(self, recording, truth, seconds)
        with np.errstate(all="ignore"):
            self._find()

    # The program from a value on

    def replay(self, replaced: Mapping[Var, Any]) -> dict[Any, Any]:
        """All values, with some replaced; raises what NumPy raises where shapes do not fit."""
        values = self._start.copy()
        replaced = {**self._fixed, **replaced}
        values.update(replaced)
        for line in self._after(replaced):
            values[line.target] = line.compute(values)
        return values

    def _after(self, changed: Iterable[Var]) -> list[Line]:
        """The lines that depend on values, in order, but those that give one of them."""
        key = frozenset(changed)
        if key not in self._affected:
            reached, found = set(key), []
            for line in self.lines[min((self.order.get(var, 0) for var in key), default=len(self.lines)) :]:
                if line.target not in key and not reached.isdisjoint(line.variables()):
                    found.append(line)
                    reached.add(line.target)
            self._affected[key] = found
        return self._affected[key]

    def recomputed(self, computed: Mapping[Var, Callable[[dict[Any, Any]], Any]]) -> dict[Any, Any]:
        """All values, with some computed in another way from those before them."""
        values = self.replay({})
        if key := frozenset(computed):
            own = [self.made[var] for var in key]
            lines = sorted({*own, *self._after(key)}, key=lambda line: self.order[line.target])
            for line in lines:
                var = line.target
                if var in computed:
                    values[var] = computed[var](values)
                elif var not in self._fixed:
                    values[var] = line.compute(values)
        return values

    def repaired(self, reach: Iterable[End], values: Mapping[Any, Any]) -> list[End]:
        """Of the ends, those that are right with these values; none where another becomes wrong."""
        repairs = [end for end in reach if self._is_right(end, values[end.var])]
        fine = not repairs or all(end.wrong or self._is_right(end, values[end.var]) for end in self._ends)
        return repairs if fine else []

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
            line = self.made.get(pending.pop())
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
            fault = self._mended(self._next(wrong), wrong)
            self.faults.append(fault)
            for var, right in zip(fault.unit.values, fault.rights, strict=False):
                self._fixed[var] = right
            left = [end for end in wrong if end not in fault.repairs]
            if len(left) == len(wrong):
                break
            wrong = left
        self.faults.sort(key=lambda fault: self.order[fault.unit.values[0]])

    def _mended(self, fault: Fault, wrong: list[End]) -> Fault:
        """A wrong line with the edit that makes it right, or its neighbour where only an edit of that does."""
        least = max(len(fault.repairs), 1)
        rights = dict(zip(fault.unit.values, fault.rights, strict=False))
        first = next((v for v in fault.unit.values if v in rights and not _alike(v.value, rights[v])), None)
        own = fault.repair = self._repairing.of(first or fault.unit.values[0], wrong, least, rights)
        most = len(own.repairs) if own is not None else least
        cost = own.edit.cost - _CLEARLY if own is not None else float("inf")
        best: Repair | None = None
        at = first or fault.unit.values[0]
        idle = self.made[at].fn is same and (fault.unit.departs or self._is_idle(at))
        sure = fault.certain or idle or (own is not None and own.edit.cost <= _PLAIN)
        around = [] if sure else self._neighbours(fault, at, own is not None)
        for limit in (_USUAL, float("inf")):  # what is less far-fetched is tried everywhere first
            for var in around:
                idle = self.made[var].fn is same  # a statement that does nothing but pass a value on
                least_cost = min(limit, cost + (2 * _CLEARLY if idle else 0.0))
                found = self._repairing.of(var, wrong, most, cost=least_cost)
                if found is not None and (len(found.repairs) > most or found.edit.cost < least_cost):
                    best, most, cost = found, len(found.repairs), found.edit.cost
            if best is not None:
                break
        if best is None:
            return fault
        values = list(best.values)
        unit = Unit(values, best.statement, fault.unit.reach)
        return Fault(unit, [None] * len(values), list(best.values.values()), best.repairs, repair=best, origin=fault)

    def _neighbours(self, fault: Fault, at: Var, known: bool) -> list[Var]:
        """The values before and after a wrong one that leave their statements, of each statement one, nearest first.

        Where it is `known` what makes the line right, only those that went into it and are not right themselves.
        """
        values = fault.unit.values
        near = {v for each in values for v in (*self.behind(each), *self.reaches(each))} - self._truth.forward
        if known:
            near, pending = set(), [at]
            while pending and len(near) < _NEIGHBOURS:
                wrong = [v for v in self.inputs(pending.pop()) if v in self.made and v not in self._truth.forward]
                wrong = [v for v in wrong if np.size(v.value) > 1 and not self._is_right_gradient(v) and v not in near]
                near.update(wrong)
                pending += wrong
        own, found = fault.unit.statement, dict[Statement, Var]()
        for var in sorted((v for v in near if v in self.order), key=lambda v: abs(self.order[v] - self.order[at])):
            statement = self.statement(var)
            users = self._users.get(var, ())
            leaves = not users or any(self.statement(user.target) != statement for user in users)
            if (
                statement != own
                and var not in self._recording.moves
                and leaves
                and not (known and self._is_right_gradient(var))
            ):
                found.setdefault(statement, var)
        return list(found.values())[: _NEIGHBOURS if np.size(at.value) > 1 else 3 * _NEIGHBOURS]

    def _is_right_gradient(self, var: Var) -> bool:
        """Whether a call gave a true gradient as it is."""
        matches = self._truth.matches(var.value) if self.made[var].fn is not same and np.size(var.value) > 1 else ()
        right = {match.node for match in matches if match.kind == "gradient" and abs(match.factor - 1) < 1e-6}
        own = stem(self._names.get(var, "")).lower()
        named = {n for n, _ in self._truth.gradients if own and str(n.get("name") or "").lower() == own}
        return bool(right & named if named else right)

    def _next(self, wrong: list[End]) -> Fault:
        """The line that repairs most of the wrong gradients."""
        units = self._units(wrong)
        if (turned := self._against_the_others(wrong)) is not None:
            own = next((unit for unit in units if unit.values[-1] is turned.var), None)
            return replace(self._unexplained([turned], [own] if own is not None else [], None), certain=True)
        best: Fault | None = None
        for unit in units:
            guilty = not all(map(self._innocent, unit.values))
            most = len(unit.reach), unit.suspect, guilty or unit.suspect, self._is_idle(unit.values[0])
            if best is not None and self._rank(best)[:4] >= most:
                continue
            for fault in self._repairs(unit):
                if best is None or self._rank(fault) > self._rank(best):
                    best = fault
                if len(fault.repairs) == len(unit.reach):
                    break
        if best is None or (len(best.repairs) == 1 and best.unit.values[-1] is best.repairs[0].var):
            return self._unexplained(wrong, units, best)
        return self._traced_back(best)

    def _against_the_others(self, wrong: list[End]) -> End | None:
        """An update with the sign that is wrong, where that of another is right."""
        for end in wrong if any(not end.wrong for end in self._ends) else ():
            true = self._truth.gradient(end.node)
            if end.updates and true.size > 1 and np.allclose(-np.asarray(end.var.value), true, rtol=1e-6, atol=1e-12):
                return end
        return None

    def _rank(self, fault: Fault) -> tuple[int, bool, bool, bool, int]:
        wrong = zip(fault.unit.values, fault.rights, strict=True)
        first = next((var for var, right in wrong if not _alike(var.value, right)), fault.unit.values[0])
        part = self._is_a_part(first) and all(map(self.explained, self.inputs(first)))
        if self.made[first].fn is same and self._is_multiple(first, fault):  # then what was passed on is wrong
            return len(fault.repairs), self.departs(first), False, False, -self.order[first]
        departs, guilty = part or self.departs(first), part or not self._innocent(first)
        return len(fault.repairs), departs, guilty, self._is_idle(first), -self.order[first]

    def _is_idle(self, var: Var) -> bool:
        """Whether a function only gives back what it was given."""
        return self.made[var].fn is same and isinstance(self.statement(var).node, ast.Return)

    def _is_multiple(self, var: Var, fault: Fault) -> bool:
        """Whether a value is a number times what it should be."""
        right = np.asarray(fault.rights[fault.unit.values.index(var)])
        return right.size > 1 and factor_between(np.asarray(var.value), right) is not None

    def _is_a_part(self, var: Var) -> bool:
        """Whether a value is known as a step on the way only: of a gradient that should be whole, a part."""
        matches = self._truth.matches(var.value)
        return bool(matches) and all(match.kind == "rule" for match in matches)

    def _innocent(self, var: Var) -> bool:
        """Whether calls gave what they should: then a statement that passes it on is sooner the wrong one."""
        return self.explained(var) and self.made[var].fn is not same

    def _traced_back(self, fault: Fault) -> Fault:
        """The fault of what went into a wrong line, if that explains it: what it should be is solved for."""
        if len(fault.rights) != len(fault.unit.values) or self.made[fault.unit.values[0]].fn is same:
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
            for leaf, value in solved(var, right, self.made, inside, values):
                known = leaf in self._truth.forward or leaf in self._recording.moves or leaf not in self._depends
                if leaf in self.made and not known:
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
            departs = self.departs(next(iter(leaves)))
            known = departs and all(self._truth.matches(value) for value in leaves.values())
            if known or (helper and not self._shares_code(key)):
                first = next(iter(leaves))
                unit = Unit(list(leaves), self.statement(first), fault.unit.reach, departs)
                yield unit, list(leaves.values())

    def is_inside(self, var: Var, statement: Statement) -> bool:
        """Whether a value is made in a statement."""
        return var in self.made and var in self._recording.spots and self.statement(var) == statement

    def _shares_code(self, key: Any) -> bool:
        """Whether the other values that this expression gave went into gradients too, as those of a layer do."""
        return any(
            self.explained(v)
            and np.size(v.value) > 1
            and any(m.kind == "gradient" for m in self._truth.matches(v.value))
            for v in self.made
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
        for unit in sorted(units, key=lambda unit: self.order[unit.values[0]]):
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
                departs, part = (any(map(test, values)) for test in (self.departs, self._is_a_part))
                units.append(Unit(values, self.statement(values[0]), reach, departs, departs or part))
        return sorted(units, key=lambda unit: (-len(unit.reach), not unit.suspect, self.order[unit.values[0]]))

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
            line = self.made.get(pending.pop())
            for arg in line.variables() if line is not None else ():
                if arg in self.made and arg in self._recording.spots and self.statement(arg) == statement:
                    if arg not in seen:
                        seen.add(arg)
                        pending.append(arg)
                else:
                    found[arg] = None
        return list(found)

    def explained(self, var: Var) -> bool:
        """Whether a value is one that a right derivation has, or all right that is computed from it."""
        known = var not in self.made or var in self._truth.forward or var in self._fixed
        return known or var not in self._depends or var in self._explained or not np.any(var.value)

    def depends(self, var: Var) -> bool:
        """Whether a value depends on more than data."""
        return var in self._depends

    @cached_property
    def _depends(self) -> set[Var]:
        """The values that depend on more than constants."""
        found = {var for var in self._truth.nodes if var not in self.made} | set(self._truth.nodes)
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
        certain: list[Var] = []
        astray: set[Var] = set()  # gradients with a factor from nowhere
        for line in self.lines:
            var = line.target
            if var in self._truth.forward:
                continue
            matches = self._truth.matches(var.value)
            own = [m for m in matches if m.kind == "gradient" and m.node is self._of_this_name(var)]
            if own or (line.fn is same and self._of_this_name(var) is not None):
                matches = own
            # a convention's factor comes in where there is no gradient yet; later it stays, or is taken out again
            before = {factor for arg in self.inputs(var) for factor in factors.get(arg, ())}
            usual = () if var in wrong else {1.0} if before or not astray.isdisjoint(self.inputs(var)) else sizes
            good = {m.factor for m in matches if any(abs(m.factor - f) <= 1e-6 * abs(f) for f in (*usual, *before))}
            if good:
                found.add(var)
                leaves = any(self.statement(user.target) != self.statement(var) for user in self._users.get(var, ()))
                if leaves and any(m.kind == "gradient" for m in matches) and np.size(var.value) > 1:
                    certain.append(var)
            elif any(m.kind == "gradient" for m in matches):
                astray.add(var)
            if carried := good & {m.factor for m in matches if m.kind != "value"}:
                factors[var] = carried
        for var in certain:
            found |= self.behind(var) - astray
        for end in self._ends:
            found |= self.behind(end.var) if not end.wrong else set()
        return found

    def _of_this_name(self, var: Var) -> Node | None:
        """The node whose gradient a value is by its name."""
        own = stem(self._names.get(var, "")).lower()
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
                if true.shape[axis] == count and all(np.size(var.value) * count == true.size for var in unit.values):
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
