"""How unlikely it is that a mistake is in a line, by what the line was given and what it gave."""

from __future__ import annotations

import ast

import numpy as np

from autograd.program.program import Var
from autograd.rules.write import put
from autograd.testing.expressions import text_of
from autograd.testing.known import Known, Unit
from autograd.testing.reader import stem
from autograd.testing.recording import same
from autograd.testing.rerun import known_value
from autograd.testing.truth import factor_between

_NO_EFFECT = -0.2  # is added to the cost of an edit where the line changes nothing
_MISCALLED = -0.1  # or gives a multiple of what it is called
_FOLLOWS = 0.4  # what it costs to edit a line that departs no further from the truth than what went into it
_PASSES = 0.1  # and one that only passes a value on
_GIVEN_BACK = 0.8  # or gives it back with others
_RENAMED = 0.0  # or calls a value of the forward pass a gradient
_LATE = 0.05  # and less of the last of them, which what is wrong comes after
_RIGHT = 0.7  # and one that gave what it should


class Likely(Known):
    """What is known of a run, and where a mistake may be."""

    def likeliness(self, unit: Unit) -> float:
        """What is added to the cost of an edit where what it repairs is no less right than what went into it."""
        if unit.statement.node is not None and all(map(self._does_nothing, unit.values)):
            return _NO_EFFECT
        if all(map(self._is_right_value, unit.values)):
            return _RIGHT - _LATE * self.order[unit.values[0]] / len(self.lines)
        if self.made[unit.values[0]].fn is same and isinstance(unit.statement.value, (ast.Tuple, ast.Dict)):
            return _GIVEN_BACK
        if self.made[unit.values[0]].fn is same and not isinstance(unit.statement.value, ast.Call):
            forward = any(self.made[var].args[0] in self._truth.forward for var in unit.values)
            name = text_of(unit.statement.target) if unit.statement.target is not None else ""
            if not forward:
                return _PASSES
            return _FOLLOWS if stem(name) == name else _RENAMED
        if unit.suspect:
            carried = all(self._carries(var) or self._updates_by_a_multiple(var) for var in unit.values)
            return _FOLLOWS if carried else 0.0  # else it is sooner where a factor came in
        if not all(map(self.explained, unit.values)):
            return _FOLLOWS
        begins = not self._explained.origins.isdisjoint(unit.values)
        if begins and all(map(self.here, unit.values)):
            return _MISCALLED
        return _FOLLOWS - _LATE * (2 if begins else 1 + self.order[unit.values[0]] / len(self.lines))

    def _carries(self, var: Var) -> bool:
        """Whether a value is a multiple of what it should be because something that went into it is one."""
        inputs = {self._original(arg) for arg in self.inputs(var)}
        return not inputs.isdisjoint(self._explained.origins) and bool(self._truth.matches(var.value))

    def _original(self, var: Var) -> Var:
        """What was passed on."""
        while var in self.made and self.made[var].fn is same:
            var = self.made[var].args[0]
        return var

    def _updates_by_a_multiple(self, var: Var) -> bool:
        """Whether an update takes a multiple of a gradient as it is: wrong is where the factor came in."""
        updated = {end.var: end for end in self.ends if end.updates}
        updated |= {self._original(self.made[v].args[1]): end for v, end in updated.items()}
        end = updated.get(var)
        factor = factor_between(np.asarray(end.var.value), self._truth.gradient(end.node)) if end is not None else None
        if end is None or factor is None:
            return False
        matches = (match for arg in self.inputs(var) for match in self._truth.matches(arg.value))
        return any(match.node is end.node and abs(match.factor - factor) < 1e-6 * abs(factor) for match in matches)

    def _does_nothing(self, var: Var) -> bool:
        """Whether a write, or a factor, left everything as it was."""
        line = self.made[var]
        if line.fn is np.multiply and np.ndim(var.value):
            return any(np.array_equal(known_value(arg, {}), var.value) for arg in line.args)
        return line.fn is put and np.array_equal(known_value(line.args[0], {}), var.value)

    def _is_right_value(self, var: Var) -> bool:
        """Whether a call gave a true gradient as it is, or a value of the forward pass once more."""
        matches = self._truth.matches(var.value) if np.size(var.value) > 1 else ()
        right = {match.node for match in matches if match.kind == "gradient" and abs(match.factor - 1) < 1e-6}
        own = stem(self._names.get(var, "")).lower()
        named = {n for n, _ in self._truth.gradients if own and str(n.get("name") or "").lower() == own}
        return bool(right & named) or self.here(var) in right
