"""The author's own spelling: of values, gradients and parameters in the lines that are told as right."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

import numpy as np

from autograd.basis.caching import cached_property
from autograd.core.node import Node
from autograd.program.program import Var
from autograd.testing.aliases import operands, syntax_of
from autograd.testing.dataflow import Fault
from autograd.testing.recording import Recording
from autograd.testing.source import is_all_of, statement_at
from autograd.testing.truth import Truth
from autograd.testing.words import Words

_LONGEST = 110  # characters of a line that is told as right


class Spelling:
    """How the author spells what a report speaks of.

    Args:
        recording, truth: of the run.
        words: the report's names, which the author's take the place of.
        faults: the wrong lines.
    """

    def __init__(self, recording: Recording, truth: Truth, words: Words, faults: Iterable[Fault]) -> None:
        self._recording, self._truth, self._words, self._faults = recording, truth, words, list(faults)

    def text(self, text: str) -> str:
        """A text with the author's names in it."""
        return self._replaced(text, {**self._values, **self._gradients})

    def line(self, text: str) -> str:
        """A right line in the author's names, with what has no name there written out; empty where that is long."""
        target, equals, value = text.rpartition(" = ")
        for _ in range(3):
            value = self._replaced(value, self._written_out(value))
        line = self.text(f"{target}{equals}{value}")
        return "" if ";" in line or len(line) > _LONGEST else line

    @staticmethod
    def _replaced(text: str, names: dict[str, str]) -> str:
        if not names:
            return text
        pattern = (
            r"(?<![\w.'\"\]])(" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?![\w'\"\[])"
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
        """How the backward pass spells parameters and values of the forward pass, by the report's names of these."""
        found: dict[str, str] = {}
        for line in self._recording.lines:
            if line.target in self._truth.forward:
                continue
            statement = statement_at(self._recording.spots[line.target])
            for arg, node in operands(syntax_of(self._recording, line, statement), line):
                known = self._truth.nodes.get(arg) if type(arg) is Var else None
                in_graph = known is not None and known in self._truth.replay.uses
                if in_graph and isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
                    found.setdefault(self._words.value(known), ast.unparse(node).replace("'", '"'))
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
        nodes = (node for node in self._truth.replay.nodes if node.op is not None and node.get("name"))
        return {self._words.gradient(node): node for node in nodes}
