"""The author's program once more, from some values on, with others in their place: no more of it than is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from autograd.program.program import Line, Var, variables

New = Mapping[Var, Any]  # by value, what stands in its place, or a function of all values that computes that


def known_value(arg: Any, values: Mapping[Any, Any]) -> Any:
    """An argument of a call, with the values of the program in it: those that changed, else as they were recorded."""
    kind = type(arg)
    if kind is Var:
        return values.get(arg, arg.value)
    if kind in (tuple, list):
        return kind([known_value(part, values) for part in arg])
    if kind is slice:
        return slice(*(known_value(part, values) for part in (arg.start, arg.stop, arg.step)))
    return arg


def computed(line: Line, values: Mapping[Any, Any]) -> Any:
    """What a line gives; raises what NumPy raises where shapes do not fit."""
    args = [known_value(arg, values) for arg in line.args]
    if not line.kwargs:
        return line.fn(*args)
    return line.fn(*args, **{key: known_value(value, values) for key, value in line.kwargs.items()})


class Rerun:
    """A program of which values can be replaced.

    Args:
        lines: of the program, in order.

    Attributes:
        made, order: the line that makes a value, and which one that is.
        users: the lines that read a value.
        fixed: what some values should have been.
        values: all values that are others for it.
    """

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.made = {line.target: line for line in lines}
        self.order = {line.target: k for k, line in enumerate(lines)}
        self.users: dict[Var, list[Line]] = {}
        for line in lines:
            for var in line.variables():
                self.users.setdefault(var, []).append(line)
        self.fixed: dict[Var, Any] = {}
        self.values: dict[Var, Any] = {}
        self._behind: dict[Var, frozenset[Var]] = {}
        self._reached: dict[Var, frozenset[Var]] = {}
        self._between: dict[tuple[frozenset[Var], Var, frozenset[Var]], list[Line]] = {}
        self._functions: dict[tuple[frozenset[Var], Var, frozenset[Var]], Callable[[New], Any]] = {}

    def fix(self, rights: New) -> None:
        """Take other values for right from now on, with all that follows from them."""
        self.fixed.update(rights)
        self._functions.clear()
        self.values = self.all(self.fixed)

    def all(self, new: New) -> dict[Var, Any]:
        """Every value that is another one, with some replaced."""
        values = dict(self.values)
        reached = set().union(*map(self.reaches, new)) if new else set()
        for line in self._ordered(reached):
            self._compute(line, new, values)
        return values

    def function(self, start: frozenset[Var], end: Var, reads: frozenset[Var] = frozenset()) -> Callable[[New], Any]:
        """What computes a value from some that are given, and perhaps read others."""
        key = start, end, reads
        if key not in self._functions:
            lines = self.between(start, end, reads)
            self._functions[key] = _Source(lines, start, self.fixed, self.values).function(end)
        return self._functions[key]

    def trial(self, new: New, reads: frozenset[Var] = frozenset()) -> Trial:
        """The values that follow, each computed when it is asked for; the new ones are computed from `reads`."""
        return Trial(self, new, reads)

    def between(self, start: frozenset[Var], end: Var, reads: frozenset[Var] = frozenset()) -> list[Line]:
        """The lines by which some values go into another one, and into each other, in order, theirs included."""
        key = start, end, reads
        if key not in self._between:
            after = set().union(*map(self.reaches, start))
            into = set().union(self.behind(end), *map(self.behind, (*start, *reads) if len(start) > 1 else ()))
            self._between[key] = self._ordered(after & into)
        return self._between[key]

    def _ordered(self, targets: Iterable[Var]) -> list[Line]:
        made = self.made
        return [made[var] for var in sorted((v for v in targets if v in made), key=self.order.__getitem__)]

    def _compute(self, line: Line, new: New, values: dict[Var, Any]) -> None:
        var = line.target
        if var in new:
            value = new[var]
            values[var] = value(values) if callable(value) else value
        elif var not in self.fixed:
            values[var] = computed(line, values)

    def reaches(self, var: Var) -> frozenset[Var]:
        """What is computed from a value, itself included."""
        return self._closure(var, self._reached, lambda v: (line.target for line in self.users.get(v, ())))

    def behind(self, var: Var) -> frozenset[Var]:
        """What a value is computed from, itself included."""
        return self._closure(var, self._behind, lambda v: self.made[v].variables() if v in self.made else ())

    def _closure(
        self, var: Var, known: dict[Var, frozenset[Var]], step: Callable[[Var], Iterable[Var]]
    ) -> frozenset[Var]:
        if var not in known:
            seen, pending = {var}, [var]
            while pending:
                for other in step(pending.pop()):
                    if other not in seen:
                        seen.add(other)
                        pending.append(other)
            known[var] = frozenset(seen)
        return known[var]


class Trial:
    """The values of a program in which some are others."""

    def __init__(self, program: Rerun, new: New, reads: frozenset[Var]) -> None:
        self._program, self._new, self._key, self._reads = program, new, frozenset(new), reads

    def __getitem__(self, var: Var) -> Any:
        return self._program.function(self._key, var, self._reads)(self._new)


class _Source:
    """The lines between some values and another one as the source of one function: it is called again and again.

    Args:
        lines: in order.
        start: the values that are given.
        fixed: those that stay as they are.
        values: what is another value by now.
    """

    def __init__(self, lines: list[Line], start: frozenset[Var], fixed: Mapping[Var, Any], values: New) -> None:
        self._values, self._held = values, dict[str, Any](values=values)
        self._known: dict[int, str] = {}
        self._own: dict[Var, str] = {}
        self._text: list[str] = []
        for line in lines:
            var = line.target
            if var in start:
                known = ", ".join(f"{self._hold(other)}: {name}" for other, name in self._own.items())
                self._text.append(f"new = given[{self._hold(var)}]")
                new = f"new({{**values, {known}}}) if callable(new) else new"
            elif var in fixed:
                continue
            else:
                kwargs = [f"{key}={self._of(value)}" for key, value in line.kwargs.items()]
                new = f"{self._hold(line.fn)}({', '.join([*map(self._of, line.args), *kwargs])})"
            self._own[var] = f"v{len(self._own)}"
            self._text.append(f"{self._own[var]} = {new}")

    def function(self, result: Var) -> Callable[[New], Any]:
        """A function of what is given."""
        body = "\n    ".join([*self._text, f"return {self._of(result)}"])
        exec(f"def run(given):\n    {body}", self._held)
        run: Callable[[New], Any] = self._held["run"]
        return run

    def _of(self, arg: Any) -> str:
        kind = type(arg)
        if kind is Var:
            return self._own[arg] if arg in self._own else self._hold(self._values.get(arg, arg.value))
        if kind in (tuple, list) and variables(arg):
            inner = "".join(f"{self._of(part)}, " for part in arg)
            return f"({inner})" if kind is tuple else f"[{inner}]"
        if kind is slice and variables(arg):
            return f"slice({self._of(arg.start)}, {self._of(arg.stop)}, {self._of(arg.step)})"
        return self._hold(arg)

    def _hold(self, value: Any) -> str:
        """A name for a constant."""
        name = self._known.setdefault(id(value), f"c{len(self._held)}")
        self._held[name] = value  # which keeps it, and so its identity
        return name
