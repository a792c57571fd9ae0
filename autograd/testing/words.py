"""What a report calls things: names for the values of a graph, and the lines that compute gradients rightly."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from autograd.array.tensor import Tensor
from autograd.basis.caching import cached_property
from autograd.core.errors import describe
from autograd.core.node import Node
from autograd.derivation.derivation import Derivation
from autograd.derivation.statements import Statement
from autograd.notation.literals import ATOM, SUM, Text
from autograd.notation.names import Scope
from autograd.notation.source import Helpers, Writer
from autograd.program.program import Var
from autograd.testing.catalogue.mistake import Mistake
from autograd.testing.catalogue.slips import parsed, value_of
from autograd.testing.catalogue.targets import prediction
from autograd.testing.readable import readable
from autograd.testing.replay import Replay
from autograd.text import printable

_LONGEST_NAME = 80  # characters of a name that was given
_LONGEST_VALUE = 48  # characters of an expression that stands for a name
_LONGEST_LINE = 110  # characters of a line with nothing computed before it
_MOST_BEFORE = 12  # lines before it
_MADE_OF = ("1 - {}", "2 * {} - 1", "-{}", "{}.T")  # what people compute from data before they use it
_HOPELESS_LINE = 4 * _LONGEST_LINE  # an expression that becomes so long on the way will not be shorter in the end


def _without_rounding(number: str) -> str:
    """A number that was computed, 0.049999999999999996, as people write it; others as they are."""
    short = f"{float(number):.15g}"
    return short if len(short) < len(number) - 4 else number


def _times(scale: float) -> str:
    """What multiplies by a number: a division where that is by a whole one."""
    if abs(scale - 1) < 1e-6:
        return ""
    fraction = Fraction(scale).limit_denominator(100_000)
    above, below = fraction.numerator, fraction.denominator
    if 0 < above <= 9 and below > 1 and abs(above / below - scale) < 1e-6 * scale:
        return f" / {below}" if above == 1 else f" * {above} / {below}"
    return f" * {scale:.6g}"


class Words:
    """Names and lines for a loss.

    Args:
        loss: the loss.
        scope: the variables of who asks.
        given: the names of the gradients that were given.
        stops: nodes whose gradients have a line of their own.
        scale: how many times the gradients on the way are those of the loss, in the author's convention.
        replay: the reverse pass, by whose numbers lines are known that people write in a way of their own.
    """

    def __init__(
        self,
        loss: Tensor,
        scope: Scope,
        given: Mapping[Node, str],
        stops: Iterable[Node] = (),
        scale: float = 1.0,
        replay: Replay | None = None,
    ) -> None:
        self._loss, self._scope, self._stops = loss, scope, list(stops)
        self._given = {node: printable(name, _LONGEST_NAME) for node, name in given.items()}
        self._scale, self._replay = scale, replay

    def in_lines(self, node: Node) -> str:
        """The name that a value has in lines, where its own is no name in Python: `[3]` of a list."""
        return self._named.get(node, "") if self._derivation is not None else ""

    def value(self, of: Any) -> str:
        """The name of a node or a constant array, or what computes it from values that have names."""
        if isinstance(of, np.ndarray) and self._derivation is not None:
            of = self._derivation.recorded.constants.get(id(of), of)
        if type(of) is not Node:
            return "another array" if np.ndim(of) else f"{of:.6g}"
        if of in self._given:
            return self._given[of]
        if self._derivation is None:
            return printable(of.get("name") or describe(of), _LONGEST_NAME)
        if of in self._named:
            return self._spelled.get(self._named[of], self._named[of])
        text = self._expressions.get(self._derivation.recorded.values[of].symbol, Text(describe(of))).text
        return text if len(text) <= _LONGEST_VALUE else f"the result of {of.op.name}"

    def gradient(self, of: Any) -> str:
        """The name of a gradient: dZ2."""
        name = self.value(self._shared(of))
        return f"d{name}" if name.isidentifier() else f"the gradient of {name}"

    def _shared(self, of: Node) -> Node:
        """A value that has a name and the same gradient, where this one has none."""
        if of in self._named or self._derivation is None:
            return of
        gradients, now = self._derivation.recorded.gradients, self._derivation.program.now
        g = getattr(gradients.get(of), "symbol", None)
        owner = self._derivation.owners.get(now(g)) if g is not None else None
        known = owner is not None and owner[1] and owner[0] in self._named and of in _before(owner[0])
        return owner[0] if owner is not None and known else of

    def best_place(self, mistake: Mistake, alike: Iterable[Mistake]) -> Mistake:
        """Of a mistake that may be in several places, one with a name; of a factor, that nearest the loss."""
        named = [m for m in (mistake, *alike) if m.where.ndim and m.where in self._named]
        named = [m for m in named if m.where in self._given and m.where.op is not None] or named
        if mistake.cause == "scale":
            return max(named, key=lambda m: m.where.order, default=mistake)
        return named[0] if named else mistake

    def text(self, mistake: Mistake, node: Node | None = None) -> str:
        """A mistake in words; of one in several gradients, what it is in that of `node`."""
        where, value = mistake.where, mistake.value
        if node in mistake.changes and node is not None:
            where, value = node, node if value is where else value
        said = self._filled(mistake.text, {"value": value, **mistake.details}, where)
        words, it_is, line = said.partition(": it is ")
        return words if "the gradient of" in line else words + it_is + line

    def right(self, mistake: Mistake | None, node: Node) -> str:
        """The line that is right where a mistake was made, or the one of `node`."""
        where = node if mistake is None or node in mistake.changes else mistake.where
        if mistake is not None and mistake.line and mistake.where is where:
            line = self._filled(mistake.line, {"value": mistake.value, **mistake.details}, where)
            if "the gradient of" not in line and "that of" not in line:
                return line
        predicted = self._predicted(where)
        if predicted is not None:
            return predicted
        return self.line(where if where in self._named else self._first_named(where, node)).partition("  # ")[0]

    def _predicted(self, where: Node) -> str | None:
        """The line of prediction minus target, in the names that there are."""
        if self._replay is None or where.op is None or where not in self._replay.truth:
            return None
        known = prediction(self._replay, where)
        if known is None or where not in self._named:
            return None
        line = self._filled(known.line, known.details, where)
        return None if "another array" in line else line

    def _first_named(self, where: Node, node: Node) -> Node:
        """The nearest value with a name before one without, of those that `node` leads to."""
        if self._derivation is None:
            return node
        invented = set(self._invented.values())
        named = [n for n in _before(where) if n in self._named and n not in invented and node in (n, *_before(n))]
        return max(named, key=lambda candidate: candidate.order, default=node)

    def unnamed(self, text: str) -> str:
        """What names in a text stand for that nobody gave: of constants the shape and a use, else what makes them."""
        texts = []
        for name, node in sorted(self._invented.items()):
            if not re.search(rf"\bd?{re.escape(name)}\b", text):
                continue
            if node.op is None:
                shape = "×".join(map(str, node.shape))
                texts.append(f"{name} is the constant of {shape} in {self._used_in(node)}")
            elif (expression := self._expression_of(node)) is not None:
                texts.append(f"{name} is {expression}")
        return "; ".join(texts)

    def _used_in(self, constant: Node) -> str:
        """What is computed from a constant."""
        assert self._derivation is not None
        for node in self._derivation.recorded.nodes:
            held = [part for arg in node.args or () for part in (arg if isinstance(arg, tuple) else (arg,))]
            if any(part is constant or part is constant.value for part in held):
                return self._expression_of(node) or self.value(node)
        return "the loss"

    def _expression_of(self, node: Node) -> str | None:
        """What computes a value, where that is short."""
        assert self._derivation is not None
        target = self._derivation.recorded.values[node].symbol
        write = Writer(self._expressions.__getitem__, Helpers())
        lines = self._derivation.recorded.trace.lines
        text = next((write(line).text for line in lines if line.target == target), None)
        return text if text is not None and len(text) <= _LONGEST_VALUE else None

    def _filled(self, text: str, gaps: Mapping[str, Any], where: Node) -> str:
        """The text with its gaps filled; a `d` before the name of a gap makes it that gradient."""
        names = {"g": self.gradient(where)}
        for gap in re.findall(r"{(\w+)}", text):
            if gap == "times":
                names[gap] = _times(gaps[gap] * (1.0 if where.op is None else self._scale))
            elif gap == "predicted":
                names[gap] = self._called(*gaps[gap]) or self._filled(gaps[gap][1], gaps, where)
            elif gap in gaps:
                names[gap] = self.value(gaps[gap])
            elif gap not in names:
                of = gaps[gap[1:]]
                names[gap] = self.gradient(of) if type(of) is Node else "that of a constant"
        return re.sub(r"^(\w+ = )\((\w+(?:\(\w+\))? [-+] [\w()]+)\)$", r"\1\2", text.format(**names))

    def _called(self, numbers: Any, _: str) -> str | None:
        """The name of the value that has these numbers."""
        for node, name in self._named.items():
            if np.shape(node.value) == np.shape(numbers) and np.allclose(node.value, numbers, rtol=1e-6):
                return name
        return None

    def line(self, node: Node) -> str:
        """The statement that computes the gradient of a node from those that were given, without made-up names."""
        if self._derivation is None:
            return ""
        try:
            statement, _, shape = self._derivation.line_for(node).rpartition("  # ")
        except (KeyError, ValueError, TypeError):
            return ""
        inlined = self._without_temporaries(statement)
        inlined = re.sub(r"\(\(([^(),]*)\)\)", r"(\1)", inlined)
        inlined = re.sub(r"np\.float(?:32|64)\(([-\w./ ]+)\)", r"\1", inlined)
        inlined = re.sub(r"(?<![\w.])\d+\.\d{15,}(?:e[-+]\d+)?", lambda match: _without_rounding(match[0]), inlined)
        target, equals, text = inlined.rpartition(" = ")
        return f"{target}{equals}{readable(text, self._sigmoids, self._spelled)}  # {shape}"

    @cached_property
    def _sigmoids(self) -> dict[str, str]:
        """The names of sigmoids, by those of what goes in."""
        assert self._derivation is not None
        sigmoids = {}
        for node in self._derivation.recorded.nodes:
            text = self._expression_of(node) if node in self._named and node.op is not None else None
            if text and (match := re.fullmatch(r"1(?:\.0)? / \(1(?:\.0)? \+ np\.exp\(-(\w+)\)\)", text)):
                sigmoids[match[1]] = self._named[node]
        return sigmoids

    @cached_property
    def _derivation(self) -> Derivation | None:
        try:
            return Derivation(self._loss._node, self._scope, self._usable, self._stops, False, self._scale)
        except (ValueError, TypeError):  # an operation that cannot be written
            return None

    @cached_property
    def _named(self) -> dict[Node, str]:
        """The nodes that have names which say something."""
        return dict(self._given) if self._derivation is None else self._derivation.named

    @cached_property
    def _invented(self) -> dict[str, Node]:
        """The nodes and constants whose names nobody gave, by name."""
        return {} if self._derivation is None else self._derivation.invented

    @cached_property
    def _spelled(self) -> dict[str, str]:
        """What constants that nobody named are made of, where that has a name: `1 - Y`, by the invented name."""
        constants = {name: node.value for node, name in self._named.items() if node.op is None and node.size > 1}
        made_of = [
            (expression, value_of(parsed(expression), {name: value}))
            for name, value in constants.items()
            if name not in self._invented and name.isidentifier() and value.dtype.kind == "f"
            for expression in (form.format(name) for form in _MADE_OF)
        ]
        spelled = {}
        for name in self._invented.keys() & constants.keys():
            alike = (expression for expression, made in made_of if np.array_equal(made, constants[name]))
            if (expression := next(alike, None)) is not None:
                spelled[name] = expression
        return spelled

    @property
    def _usable(self) -> dict[Node, str]:
        return {node: name for node, name in self._given.items() if name.isidentifier()}

    @cached_property
    def _temporaries(self) -> dict[str, Statement]:
        """Statements whose name was made up, by name."""
        assert self._derivation is not None
        owners = self._derivation.owners
        unnamed = [
            s for v, s in self._derivation.statements.of.items() if v not in owners or owners[v][0] not in self._named
        ]
        return {statement.name: statement for statement in unnamed}

    @cached_property
    def _positions(self) -> dict[str, int]:
        """Where the statements of made-up names stand in the derivation."""
        return {name: k for k, name in enumerate(self._temporaries)}

    def _without_temporaries(self, statement: str) -> str:
        """The statement with made-up names replaced by what computes them, or after them where that is long."""
        target, equals, text = statement.partition(" = ")
        whole = text
        for _ in range(len(self._temporaries)):
            inside = re.sub(r"\b[^\W\d]\w*\b", lambda match: self._inlined(match[0]), whole)
            if inside == whole or len(whole) > _HOPELESS_LINE:
                break
            whole = inside
        last = f"{target}{equals}{whole}" if len(whole) <= _LONGEST_LINE else statement
        return "; ".join([*self._needed(last.partition(" = ")[2]), last])

    def _inlined(self, name: str) -> str:
        statement = self._temporaries.get(name)
        if statement is None or statement.then:
            return name
        text = statement.text
        body = ast.parse(text, mode="eval").body
        return f"({text})" if isinstance(body, (ast.BinOp, ast.UnaryOp, ast.Compare)) else text

    def _needed(self, text: str) -> list[str]:
        """The lines that compute the made-up names in a text, and those in these; only dots where they are many."""
        found: dict[str, int] = {}
        pending = [text]
        for text in pending:
            for name in re.findall(r"\b[^\W\d]\w*\b", text):
                if name in self._temporaries and name not in found:
                    lines = self._temporaries[name].lines
                    found[name] = self._positions[name]
                    pending.append("; ".join(line.replace(name, "", 1) for line in lines))
            if len(found) > _MOST_BEFORE:
                return ["..."]
        return [line for name in sorted(found, key=found.__getitem__) for line in self._temporaries[name].lines]

    @cached_property
    def _expressions(self) -> dict[Var, Text]:
        """Text for every value of the forward program, with names where there are any."""
        assert self._derivation is not None
        recorded = self._derivation.recorded
        texts = {var: Text(str(var.name)) for var in recorded.trace.inputs}
        for node, name in self._named.items():
            spelled = name in self._spelled
            texts[recorded.values[node].symbol] = Text(self._spelled.get(name, name), SUM if spelled else ATOM)
        write = Writer(texts.__getitem__, Helpers())
        for line in recorded.trace.lines:
            if line.is_forward and line.target not in texts:
                text = write(
                    line
                )  # of shared values it doubles at every use: no more of it is kept than tells its length
                texts[line.target] = text if len(text.text) <= _LONGEST_VALUE else Text(text.text[: _LONGEST_VALUE + 1])
        return texts


def _before(node: Node) -> set[Node]:
    """What a value is computed from, as far as it has gradients."""
    before: set[Node] = set()
    pending = [node]
    while pending:
        for arg in pending.pop().args or ():
            if type(arg) is Node and arg.requires_grad and arg not in before:
                before.add(arg)
                pending.append(arg)
    return before
