"""Random programs: every number in every picture of them is the engine's, however much is folded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from autograd import Tensor
from autograd.notation.names import Scope
from autograd.notation.numbers import show
from autograd.render.build import Scene, _Builder, _plans
from autograd.render.collapse import CollapsedGraph
from autograd.render.graph import Graph
from autograd.render.options import Options
from autograd.render.vertices import Vertex

ONE = (np.sin, np.tanh, np.exp, np.negative, lambda a: a * 0.5, lambda a: 1 - a, lambda a: a[..., None][..., 0])
TWO = (np.add, np.multiply, np.subtract, np.maximum, lambda a, b: a * b + b, lambda a, b: np.hypot(a, 1 + b * b))


class Drawn(NamedTuple):
    """A program and pictures of it, without a text that pytest could write for hours."""

    program: Program
    scenes: list[Scene]

    def __repr__(self) -> str:
        return "a program"


class Program:
    """A random program with loops: its loss, all Tensors that it made, and the variables that its author still has."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.known: list[Any] = [Tensor(self.rng.normal(size=2), requires_grad=True) for _ in range(3)]
        self.known.append(self.rng.normal(size=2))
        self.made: list[Tensor] = self.known[:3]
        self.names: dict[str, Any] = {f"p{place}": value for place, value in enumerate(self.known)}
        for step in range(self.rng.integers(2, 6)):
            if self.rng.random() < 0.6:
                self.loop(step)
            else:
                self.known.append(self.compute(self.chosen(TWO), self.pick(), self.pick()))
                self.names |= {f"v{step}": self.known[-1]} if self.rng.random() < 0.7 else {}
        ends = [np.sum(value) for value in self.known if isinstance(value, Tensor)]
        self.loss = sum(ends[1:], ends[0])
        self.names["loss"] = self.loss

    def chosen(self, several: Any) -> Any:
        return several[self.rng.integers(len(several))]

    def pick(self) -> Any:
        return self.chosen(self.known)

    def compute(self, function: Any, *operands: Any) -> Any:
        value = function(*operands)
        self.made += [value] if isinstance(value, Tensor) else []
        return value

    def loop(self, step: int) -> None:
        """Rounds that carry on one or two variables."""
        body = [(self.chosen(TWO), self.chosen(ONE)) for _ in range(self.rng.integers(1, 3))]
        state, others = [self.pick() for _ in body], [self.pick() for _ in body]
        for _ in range(self.rng.integers(3, 7)):
            for place, (two, one) in enumerate(body):
                state[place] = self.compute(
                    np.tanh, self.compute(one, self.compute(two, state[place - 1], others[place]))
                )
        self.known += state
        self.names |= {f"s{step}_{place}": value for place, value in enumerate(state)}

    def scenes(self) -> Iterator[Scene]:
        """Pictures with all numbers, of operations and of statements, with loops and folds and without."""
        for statements in (False, True):
            options = Options(statements=statements)
            graph = Graph(self.loss._node, alone=not statements)
            builder = _Builder(graph, Scope(self.names), {}, options)
            plans = [plan for plan in _plans(graph, options) if plan.detail == "numbers" and plan.rows != "tidy"]
            for plan in {(plan.repeats, plan.ends): plan for plan in plans if not plan.narrow}.values():
                yield builder.scene(CollapsedGraph(graph, plan), plan)

    def gradients(self) -> dict[Any, Any]:
        """Those of all Tensors, by their own backward pass."""
        for tensor in self.made:
            tensor.retain_grad()
        self.loss.backward()
        return {t._node: np.zeros(t.shape) if t.grad is None else t.grad for t in self.made if t.requires_grad}


@pytest.fixture(scope="module", params=range(8))
def drawn(request: pytest.FixtureRequest) -> Drawn:
    program = Program(request.param)
    return Drawn(program, list(program.scenes()))


def test_the_numbers_of_a_card_are_those_of_its_value(drawn: Drawn) -> None:
    program, scenes = drawn
    true = program.gradients()
    for scene in scenes:
        for card in scene.diagram.cards:
            vertex = scene.vertices[card.id]
            if card.value is not None and vertex.node is not None:
                value = show(np.asarray(vertex.node.value))
                assert card.value == value, card.title
            if card.gradient is not None and vertex.node in true:
                gradient = show(true[vertex.node])
                assert card.gradient == gradient, card.title


def test_what_has_a_name_is_the_value_that_has_it(drawn: Drawn) -> None:
    """Of a variable that a loop assigned, a frame shows the last value, which the author still has."""
    program, scenes = drawn
    values = {name: value for name, value in program.names.items() if isinstance(value, Tensor)}
    for scene in scenes:
        for card in scene.diagram.cards:
            if card.name in values and card.value is not None:
                value = show(values[card.name].data)
                assert card.value == value, card.title


def test_a_line_leads_from_what_a_round_takes_to_where_it_goes(drawn: Drawn) -> None:
    """What enters a frame is what the first round takes; inside it, and out of it, are the values of the last."""
    for scene in drawn.scenes:
        for edge in scene.diagram.edges:
            tail, head = scene.vertices[edge.tail], scene.vertices[edge.head]
            if edge.again or "fold" in (tail.kind, head.kind):
                continue
            rounds = head.rounds or [head.unit]
            entering = bool(head.rounds) and not (tail.rounds and tail.group is head.group)
            there = id(source(tail)) in taken(rounds[0] if entering else rounds[-1])
            assert there, f"{edge.tail} to {edge.head}"  # the text of a vertex would be that of all around it


def test_the_programs_have_loops_and_folds(drawn: Drawn) -> None:
    kinds = {card.kind for scene in drawn.scenes for card in scene.diagram.cards}
    assert "fold" in kinds or any(scene.diagram.clusters for scene in drawn.scenes)


def source(vertex: Vertex) -> Any:
    return vertex.array if vertex.node is None else vertex.node


def taken(unit: Any) -> set[int]:
    return {id(arg) for node in unit.nodes for arg in node.args or ()}
