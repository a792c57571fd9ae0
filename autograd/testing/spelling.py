"""The author's own spelling: of values, gradients and parameters in the lines that are told as right."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Var
from autograd.program.trace import plain
from autograd.testing.aliases import operands, syntax_of
from autograd.testing.dataflow import Fault
from autograd.testing.expressions import text_of
from autograd.testing.recording import Recording
from autograd.testing.source import Statement, is_all_of, statement_at
from autograd.testing.truth import Truth
from autograd.testing.updates import implied
from autograd.testing.words import Words

_LONG = 110  # characters of a line that is told whatever it computes
_LONGEST = 400  # characters of a line that is told as right

Unnamed = Mapping[str, tuple[Var, str]]


class Spelling:
    """How the author spells what a report speaks of.

    Args:
        recording, truth: of the run.
        words: the report's names, which the author's take the place of.
        faults: the wrong lines.
        constants: data that has no name, and its source.
    """

    def __init__(
        self, recording: Recording, truth: Truth, words: Words, faults: Iterable[Fault], constants: Unnamed
    ) -> None:
        self._recording, self._truth, self._words, self._faults = recording, truth, words, list(faults)
        self._constants = {name: f"({text})" for name, (_, text) in constants.items()}

    def text(self, text: str) -> str:
        """A text with the author's names in it."""
        return self._replaced(text, {**self._values, **self._gradients})

    def line(self, text: str, fault: Fault) -> str:
        """A right line in the author's names, with what has no name there written out; empty where that is long."""
        target, equals, value = text.rpartition(" = ")
        for _ in range(3):
            value = self._replaced(value, self._written_out(value))
        names = {**self._values, **self._gradients}
        spelled = [names[word] for word in set(re.findall(r"\w+", f"{target}{equals}{value}")) if word in names]
        if len(spelled) > len(set(spelled)):  # of several, as of the steps of a loop, the author has one name
            return ""
        line = self.text(f"{target}{equals}{value}")
        statement, frame = fault.unit.statement, self._recording.spots[fault.unit.values[0]].frame
        target = line.rpartition(" = ")[0].rpartition("; ")[2]
        own = statement.target is None or text_of(statement.target) == target
        if (len(line) > _LONG or ";" in line) and not own:  # what should stand there, and not another statement
            return ""
        if len(line) > _LONGEST or not self._is_known(line) or line == statement.text:
            return ""
        made = next((one for one in self._recording.lines if one.target is fault.unit.values[0]), None)
        return _as_update(line, statement, made.args[2], frame) if made is not None and made.fn is implied else line

    def own_line(self, text: str, fault: Fault) -> str:
        """A line that computes what a wrong one should, with its own target."""
        statement = fault.unit.statement
        if isinstance(statement.node, ast.AugAssign) or len(fault.unit.values) > 1:  # one of several turns
            return ""
        target, equals, value = text.rpartition(" = ")
        *before, _ = target.split("; ")
        own = text_of(statement.target) if statement.target is not None else target.rpartition("; ")[2]
        return self.line("; ".join([*before, f"{own}{equals}{value}"]), fault)

    def _is_known(self, line: str) -> bool:
        """Whether all that a line reads is known in the author's functions, or is assigned to before."""
        try:
            names = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Name)]
        except SyntaxError:  # `del = ...`
            return False
        made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        return all(node.id in self._known or node.id in made for node in names)

    @cached_property
    def _known(self) -> set[str]:
        """The variables of the author's functions."""
        frames = {spot.frame.f_code: spot.frame for spot in self._recording.spots.values()}.values()
        return {"np", *vars(builtins)}.union(*(frame.f_locals.keys() | frame.f_globals.keys() for frame in frames))

    @staticmethod
    def _replaced(text: str, names: dict[str, str]) -> str:
        if not names:
            return text
        pattern = (
            r"(?<![\w.'\"\]])(?<!left )(?<!its )(?<!at-)("  # words, as in "left out", are no names
            + "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            + r")(?![\w'\"\[]| way of)"
        )
        return re.sub(pattern, lambda match: names[match[1]], text)

    @cached_property
    def _gradients(self) -> dict[str, str]:
        """The author's variables for gradients, by the report's names of these."""
        found: dict[str, str] = {}
        for fault in self._faults:
            for var, node in zip(fault.shown.unit.values, fault.shown.nodes, strict=False):
                if node is not None and var in self._assigned:
                    found.setdefault(self._words.gradient(node), self._assigned[var])
        factors = {1.0, *(fault.shown.factor for fault in self._faults)}
        for var, spelled in self._assigned.items():
            for match in self._truth.matches(var.value):
                own = any(abs(match.factor - factor) <= 1e-6 * abs(factor) for factor in factors)
                if not own or match.kind != "gradient" or match.node is None:
                    continue
                name = self._words.value(match.node)
                if spelled not in (name, self._values.get(name)):  # as of an update, which assigns to the parameter
                    found.setdefault(self._words.gradient(match.node), spelled)
        return {name: spelled for name, spelled in found.items() if name.isidentifier()}

    @cached_property
    def _assigned(self) -> dict[Var, str]:
        """What values of the backward pass were assigned to, as the source has it."""
        found: dict[Var, str] = {}
        for line in self._recording.lines:
            if line.target in self._truth.forward or line.target in self._recording.moves:
                continue
            spot = self._recording.spots[line.target]
            statement = statement_at(spot)
            if statement.target is not None and np.ndim(line.target.value) and is_all_of(statement, spot.position):
                found[line.target] = ast.unparse(statement.target)
        return found

    @cached_property
    def _values(self) -> dict[str, str]:
        """How the author spells parameters and values of the forward pass, by the report's names of these.

        The backward pass comes first.
        """
        found = dict(self._constants)
        for line in sorted(self._recording.lines, key=lambda line: line.target in self._truth.forward):
            if self._recording.spots[line.target].frame.f_code.co_name.endswith("comp>"):  # all by one name
                continue
            statement = statement_at(self._recording.spots[line.target])
            for arg, node in operands(syntax_of(self._recording, line, statement), line):
                known = self._truth.nodes.get(arg) if type(arg) is Var else None
                if known is None or known not in self._truth.replay.uses:
                    continue
                if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
                    for name in (self._words.value(known), self._words.in_lines(known)):
                        found.setdefault(name, text_of(node))
        return {name: spelled for name, spelled in found.items() if name.isidentifier() and name != spelled}

    def _written_out(self, text: str) -> dict[str, str]:
        """What computes the gradients in a text that have no variable of the author's, by their names in it."""
        found: dict[str, str] = {}
        for name in set(re.findall(r"\w+", text)) & self._nodes.keys() - self._gradients.keys():
            _, _, value = self._words.line(self._nodes[name]).partition("  # ")[0].rpartition(" = ")
            if value and ";" not in value and len(value) < _LONGEST and name not in self._gradients.values():
                found[name] = f"({value})"
        return found

    @cached_property
    def _nodes(self) -> dict[str, Node]:
        """What has a gradient, by the report's names of these."""
        nodes = (node for node in self._truth.replay.nodes if node.op is not None)
        return {self._words.gradient(node): node for node in nodes}


def _as_update(line: str, statement: Statement, rate: float, frame: FrameType) -> str:
    """A line that computes a gradient as the step that subtracts it."""
    *before, last = line.split("; ")
    scope: dict[str, Any] = {**frame.f_globals, **frame.f_locals}
    names = [n.id for n in ast.walk(statement.node) if isinstance(n, ast.Name)] if statement.node is not None else []
    number = next((n for n in names if np.ndim(plain(scope.get(n))) == 0 and plain(scope.get(n)) == rate), f"{rate:g}")
    target = ast.unparse(statement.target) if statement.target is not None else last.partition(" = ")[0]
    step = last.partition(" = ")[2]
    return "; ".join([*before, f"{target} -= {number} * ({step})"])


def unnamed(recording: Recording, truth: Truth, names: Mapping[Var, str]) -> Unnamed:
    """Arrays of data in the forward pass that have no name, and their source, by names that are made up."""
    found: dict[str, tuple[Var, str]] = {}
    for line in recording.lines:
        var, spot = line.target, recording.spots[line.target]
        data = var in truth.forward and var not in truth.nodes and var not in names
        if data and isinstance(var.value, np.ndarray):
            syntax = syntax_of(recording, line, statement_at(spot))
            if isinstance(syntax, ast.expr):
                found[f"unnamed{len(found)}"] = var, text_of(syntax)
    return found
