"""Which values of a recorded derivation a right one has too, in the scale that its author gave them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import numpy as np

from autograd.basis.caching import cached_property
from autograd.program.program import Line, Var
from autograd.rules.write import put
from autograd.testing.recording import same
from autograd.testing.truth import Match, Truth
from autograd.testing.updates import implied

if TYPE_CHECKING:
    from autograd.testing.known import Known

_SPREADING = (np.broadcast_to, np.repeat, np.tile, np.stack, np.vstack, np.hstack, np.concatenate)
_SIGNED = (np.negative, np.subtract, np.multiply, np.divide, implied)


class Explained:
    """The values that are true gradients, of the forward pass or steps between them, times a convention's factor.

    A factor comes in where there is no gradient yet, as the m of the gradients of each sample's own loss, or the minus
    of what is added to a parameter; from there on it stays, or is taken out again. What went into a right gradient has
    the factors that it should have, whatever they are.

    Args:
        flow, truth: the run.

    Attributes:
        found: the values.
        origins: those of them where a factor came in that no right gradient confirms.
    """

    def __init__(self, flow: Known, truth: Truth) -> None:
        self._flow, self._truth = flow, truth
        self.found: set[Var] = set()
        self.origins: set[Var] = set()
        self._factors: dict[Var, set[float]] = {}
        self._conventions: set[float] = set()  # factors that are taken out again
        self._certain: list[Var] = []
        self._astray: set[Var] = set()  # gradients with a factor from nowhere
        self._wrong = {end.var for end in flow.ends if end.wrong}
        self._wrong |= {
            v for var in self._wrong if var in flow.made and flow.made[var].fn is same for v in flow.inputs(var)
        }
        self._settled = set().union(*(flow.behind(end.var) for end in flow.ends if not end.wrong and end.tells))
        for line in flow.lines:
            if line.target in truth.forward:
                self._begin(line.target)
            elif not self._passes_on(line):
                self._look_at(line)
        for var in self._certain:
            self.found |= flow.behind(var) - self._astray
        self.found |= self._settled

    @cached_property
    def _sizes(self) -> set[float]:
        """The factors that conventions have: the sizes of arrays, and what the loss is divided by."""
        forward = self._truth.forward
        sizes = {float(n) for var in forward for n in np.shape(var.value)} | {1.0}
        divisions = (line for line in self._flow.lines if line.fn is np.divide and line.target in forward)
        return sizes | {float(n) for line in divisions for n in line.args if type(n) is int and n > 2}

    def _begin(self, var: Var) -> None:
        """A value of the forward pass in which gradients begin, as an error."""
        forward = self._truth.forward
        if var in self._settled and any(user.target not in forward for user in self._flow.users.get(var, ())):
            matches = self._truth.matches(var.value)
            self._factors[var] = {_rounded(m.factor) for m in matches if m.kind == "gradient"} - {1.0}
            self._conventions |= self._factors[var]

    def _passes_on(self, line: Line) -> bool:
        """Whether a statement only passes on what is not explained, or what a function was given."""
        if line.fn is not same:
            return False
        node = self._flow.statement(line.target).node
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
            return True
        made, known = self._flow.made, self.found | self._truth.forward
        return any(var in made and var not in known for var in line.variables())

    def _look_at(self, line: Line) -> None:
        """Whether a value is explained, and by which factors."""
        var, settled = line.target, line.target in self._settled
        allowed = self._allowed(var)
        matches, named = self._matching(line, allowed)
        good = {m.factor for m in matches if any(abs(m.factor - f) <= 1e-6 * abs(f) for f in allowed)}
        good = {*map(_rounded, good or ({m.factor for m in matches} if settled else ()))}
        gradient = any(m.kind == "gradient" for m in matches)
        if good:
            self.found.add(var)
            whole = not np.all(var.value == np.round(var.value))  # of zeros and ones nobody can say
            if gradient and whole and self._flow.leaves(var):
                self._certain.append(var)
        elif named or gradient:
            self._astray.add(var)
        for kind in ("gradient", "rule"):
            if carried := good & {_rounded(m.factor) for m in matches if m.kind == kind}:
                self._factors[var] = {1.0} if 1.0 in carried else carried
                self._conventions |= carried if settled else set()
                if not settled and carried.isdisjoint({1.0, *self._before(var)}):
                    self.origins.add(var)
                return

    def _allowed(self, var: Var) -> set[float]:
        """The factors that a value may have."""
        before = self._before(var)
        if var in self._wrong:
            before -= self._conventions
        usual = set() if var in self._wrong else self._sizes
        if usual and (before or not self._astray.isdisjoint(self._flow.inputs(var))):
            usual = {1.0}
        turns = not self._turning.isdisjoint(self._flow.reaches(var) - {var}) if usual else False
        return before | usual | ({-factor for factor in usual} if turns else set())

    def _before(self, var: Var) -> set[float]:
        """The factors of what a value was computed from."""
        inputs = self._flow.inputs(var)
        return {f for arg in inputs for f in self._factors.get(arg, ())}

    def _matching(self, line: Line, allowed: set[float]) -> tuple[list[Match], bool]:
        """What a value may be, and whether its name says what it should be."""
        flow, var = self._flow, line.target
        single = np.size(var.value) == 1
        matches = self._truth.multiples(float(np.sum(var.value)), allowed) if single else self._truth.matches(var.value)
        meant = flow.meant(var)
        own = [match for match in matches if match.kind == "gradient" and match.node in meant]
        part = bool(matches) and all(match.kind == "rule" for match in matches)
        named = bool(meant) and (flow.here(var) is not None or (not part and flow.is_named_once(var, meant[0])))
        if own or (named and var not in self._settled):
            return own, named
        parts = line.fn in _SPREADING or (line.fn is put and type(line.args[2]) is Var and flow.depends(line.args[2]))
        parts = parts or (line.fn is np.add and self._goes_on(line))
        if parts and all(v in self.found or v not in flow.made or not np.any(v.value) for v in line.variables()):
            self.found.add(var)
        return matches, named

    def _goes_on(self, line: Line) -> bool:
        """Whether the expression of a sum adds to it once more, or added to it before, as to that of all samples."""
        flow, var = self._flow, line.target
        after = (user.target for user in flow.users.get(var, ()) if user.fn is np.add)
        before = (arg for arg in line.variables() if arg in flow.made and flow.made[arg].fn is np.add)
        return any(flow.expression(other) == flow.expression(var) for other in (*after, *before))

    @cached_property
    def _turning(self) -> set[Var]:
        """The values that are computed with a minus; what is added to a parameter is the negative gradient too."""
        flow = self._flow
        updated = {line.args[1] for line in flow.lines if line.fn is implied}
        found: set[Var] = set()
        negative: set[Var] = set()  # data
        for line in flow.lines:
            second = line.args[1] if len(line.args) > 1 and type(line.args[1]) is Var else None
            minus = line.fn is np.negative or any(isinstance(arg, (int, float)) and arg < 0 for arg in line.args)
            if line.fn is np.subtract:
                minus = second is not None and flow.depends(second) and line.target not in updated
            elif line.fn is implied:
                minus = second in flow.made and flow.made[second].fn is np.add
            if (minus and line.fn in _SIGNED) or not negative.isdisjoint(line.variables()):
                (found if flow.depends(line.target) else negative).add(line.target)
        return found - self._truth.forward


def _rounded(factor: float) -> float:
    """A factor as those that are alike are written."""
    return float(f"{factor:.7g}")
