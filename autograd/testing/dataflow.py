"""Which line of a recorded derivation is wrong: the one whose edit, else whose right value, makes the gradients right.

The author's program is run once more from a value on, with another in its place, which costs a few calls of NumPy. A
value on the way is thus known by what it does, whatever its author calls it and however the derivation is cut into
lines. A line may be wrong if all wrong gradients depend on it and no right one does: the edits of all these lines are
tried, the least far-fetched first, and sooner where a line departs from the truth although what went into it does not.

Where no edit is found, the right value of a line may be known from the true reverse pass: the gradients of all values,
up to a constant factor that the author's conventions put there and the rest of the program takes out again. Of several
lines that repair as much, the wrong one is that which departs; what nothing repairs but its own end is the fault of the
first value that nothing explains.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Var
from autograd.rules.write import put
from autograd.testing.budget import Budget
from autograd.testing.candidates import Candidates
from autograd.testing.comparison import has_shape
from autograd.testing.definitions import by_definition, size_in
from autograd.testing.inversion import solved
from autograd.testing.known import End, Unit
from autograd.testing.likely import Likely
from autograd.testing.recording import Recording, same
from autograd.testing.repair import Repair, Repairs, Suspect
from autograd.testing.rerun import New, Trial
from autograd.testing.source import Statement
from autograd.testing.truth import Truth, factor_between

Array = np.ndarray[Any, np.dtype[Any]]
Right = Callable[[Node, Array], bool]
_EDITS = 0.8  # of the time, for edits; the rest is for right values


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
    """

    unit: Unit
    nodes: list[Node | None]
    rights: list[Any]
    repairs: list[End]
    factor: float = 1.0
    origin: Fault | None = None
    repair: Repair | None = None

    @property
    def shown(self) -> Fault:
        """The fault in which the mistake shows as gradients of nodes: where what went into it was traced back."""
        return self if self.origin is None else self.origin.shown


class Dataflow(Likely):
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
        super().__init__(recording, truth, ends, names)
        self._right = right
        self._candidates = Candidates(recording, truth, names)
        self.faults: list[Fault] = []
        with np.errstate(all="ignore"):
            _ = self._explained  # before the time begins, without which no line is more likely than another
            self._budget = Budget(seconds)
            self._repairing = Repairs(self, recording, truth, self._budget.part(_EDITS))
            self._find()

    def _is_right(self, end: End, value: Any) -> bool:
        shape = np.shape(end.node.value)
        array = np.asarray(value)
        return has_shape(array, end.node.value) and self._right(end.node, array.reshape(shape))

    def repaired(self, reach: list[End], new: New, least: int, reads: frozenset[Var] = frozenset()) -> list[End]:
        """Of the ends, those that other values make right; none where these are fewer, or another becomes wrong."""
        trial, repairs = self.trial(new, reads), list[End]()
        key = frozenset(new)
        for k, end in enumerate(sorted(reach, key=lambda end: len(self.between(key, end.var)))):
            if len(repairs) + len(reach) - k < least:
                return []
            if self._is_right(end, trial[end.var]):
                repairs.append(end)
        fine = len(repairs) >= least and all(end.wrong or self._is_right(end, trial[end.var]) for end in self._ends)
        return repairs if fine else []

    # The search

    def _find(self) -> None:
        wrong = [end for end in self._ends if end.wrong]
        while wrong:
            fault = self._fault(wrong)
            self.faults.append(fault)
            self.fix(dict(zip(fault.unit.values, fault.rights, strict=False)))
            left = [end for end in wrong if end not in fault.repairs]
            if len(left) == len(wrong):
                break
            wrong = left
        self.faults = by_definition(self.faults, self._recording)
        self.faults.sort(key=lambda fault: self.order[fault.unit.values[0]])

    def _fault(self, wrong: list[End]) -> Fault:
        """The line whose edit, else whose right value, makes most of the wrong gradients right."""
        edited = self._edited(wrong)
        if edited is not None and len(edited.repairs) == len(wrong):
            return edited
        fault = self._next(wrong)
        if edited is not None and fault.repair is None:
            size = size_in(edited, self._recording)
            if size is not None and len(size.read) > 1:
                return edited
        if edited is not None and (not fault.rights or len(edited.repairs) >= len(fault.repairs)):
            return edited
        return fault

    def _edited(self, wrong: list[End]) -> Fault | None:
        """The least far-fetched edit of a line that makes right all wrong gradients that depend on it."""
        right = {end.var for end in self._ends if end not in wrong and (end.tells or end.wrong)}
        suspects: dict[int, list[Suspect]] = {}
        for unit in self._units(wrong, together=True):
            if not any(self.reaches(var) & right for var in unit.values):
                first = next((var for var in unit.values if self.departs(var)), unit.values[0])
                suspects.setdefault(len(unit.reach), []).append(Suspect(first, unit.reach, self.likeliness(unit)))
        for count in sorted(suspects, reverse=True):
            repair = self._repairing.best(suspects[count])
            if repair is not None:
                values = list(repair.values)
                unit = Unit(values, repair.statement, repair.repairs)
                return Fault(unit, self._nodes_of(repair), list(repair.values.values()), repair.repairs, repair=repair)
        return None

    def _nodes_of(self, repair: Repair) -> list[Node | None]:
        """The nodes whose gradients the right values of a line are."""
        found: list[Node | None] = []
        for var, right in repair.values.items():
            matches = [m for m in self._truth.matches(right) if m.kind == "gradient" and abs(m.factor - 1) < 1e-6]
            own = self.of_this_name(var)
            found.append(next((m.node for m in matches if m.node is own), matches[0].node if matches else None))
        return found

    def _next(self, wrong: list[End]) -> Fault:
        """The line that repairs most of the wrong gradients."""
        units = self._units(wrong)
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
            return self._made(self._unexplained(wrong, units, best))
        return self._traced_back(best)

    def _made(self, fault: Fault) -> Fault:
        """The fault of what made a value, in the place of that of a statement which only gives it back with others."""
        (line, *others) = (self.made[var] for var in fault.unit.values)
        several = isinstance(self.statement(line.target).value, (ast.Tuple, ast.Dict))
        if others or line.fn is not same or not several or line.args[0] not in self.made:
            return fault
        var = line.args[0]
        return replace(fault, unit=replace(fault.unit, values=[var], statement=self.statement(var)))

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
        if self.made[var].fn is put or self._truth.forward.issuperset(self.inputs(var)):  # as a slope
            return False
        if any(user.fn in (np.add, np.subtract) for user in self.users.get(var, ())):  # which another one is added to
            return False
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
        values = self.all(dict(zip(fault.unit.values, fault.rights, strict=True)))
        wanted: dict[Any, list[tuple[Var, Any]]] = {}
        for var, right in zip(fault.unit.values, fault.rights, strict=True):
            statement = self.statement(var)
            inside = partial(self.is_inside, statement=statement)
            for leaf, value in solved(var, right, self.made, inside, values):
                known = leaf in self._truth.forward or leaf in self._recording.moves or leaf not in self._depends
                if leaf in self.made and not known:
                    wanted.setdefault(self.expression(leaf), []).append((leaf, value))
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
            known = known or (departs and not self.departs(fault.unit.values[0]))
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
            if (s := self._recording.spots.get(v)) and s.expression == key
        )

    @cached_property
    def _forward_spots(self) -> set[Any]:
        """The expressions that gave values of the forward pass."""
        spots = (self._recording.spots.get(var) for var in self._truth.forward)
        return {spot.expression for spot in spots if spot is not None}

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

    def _units(self, wrong: list[End], together: bool = False) -> list[Unit]:
        """What may be wrong: the values that leave their statements, by where they are made, each by itself too."""
        of_end = {end.var: end for end in wrong}
        reached: dict[Var, list[End]] = {}
        for end in wrong:
            for var in self.behind(end.var):
                reached.setdefault(var, []).append(end)
        groups: dict[Any, list[Var]] = {}
        for line in self.lines:
            var = line.target
            known = var in self._truth.forward or var in self._recording.moves or var in self.fixed
            if var in reached and not known and (var in of_end or self.leaves(var)):
                groups.setdefault(self.expression(var), []).append(var)
        units = []
        for group in groups.values():
            for values in [group] if together or len(group) == 1 else [group, *([var] for var in group)]:
                reach = [end for end in wrong if any(end in reached[var] for var in values)]
                departs, part = (any(map(test, values)) for test in (self.departs, self._is_a_part))
                units.append(Unit(values, self.statement(values[0]), reach, departs, departs or part))
        return sorted(units, key=lambda unit: (-len(unit.reach), not unit.suspect, self.order[unit.values[0]]))

    # What repairs

    def _repairs(self, unit: Unit) -> Iterator[Fault]:
        """The right values for a unit that make something right, and nothing wrong."""
        for nodes, rights in self._budget.within(self._candidates.of(unit)):
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
            if self._budget.is_spent:
                return None
            trial = self.trial(dict(zip(unit.values, [right * factor for right in rights], strict=True)))
            try:
                repairs, other = self._tested(unit, trial)
                if repairs:
                    fine = all(end.wrong or self._is_right(end, trial[end.var]) for end in self._ends)
                    return (repairs, factor) if fine else None
            except Exception:  # shapes that do not fit
                return None
            if other is None:
                return None
            factor = other
        return None

    def _tested(self, unit: Unit, trial: Trial) -> tuple[list[End], float | None]:
        """The ends that other values make right, and the factor that would make the first of them right."""
        key = frozenset(unit.values)
        repairs, factor, failed = [], None, 0
        for end in sorted(unit.reach, key=lambda end: len(self.between(key, end.var))):
            value = trial[end.var]
            if self._is_right(end, value):
                repairs.append(end)
                continue
            found = factor_between(np.asarray(value), self._truth.gradient(end.node))
            if factor is None and found is not None and abs(found - 1) > 1e-9:
                factor = 1 / found
            failed += found is None
            if failed > 1 and not repairs:  # the nearest two tell enough
                break
        return repairs, factor


def _alike(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same numbers, but for rounding."""
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-6, atol=1e-12))
