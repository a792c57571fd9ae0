"""What stands far away is named in a box beside what uses it, so that few lines cross a picture."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor
from autograd.render.arrangement import arrange
from autograd.render.picture import Picture

rng = np.random.default_rng(0)


def leaf(*shape: int) -> Any:
    return Tensor(rng.normal(size=shape), requires_grad=True)


def boxes(picture: Picture) -> list[str]:
    return re.findall(r"stub\d+ \[[^\]]*label=\"([^\"]*)\"", picture.source)


def dense(operations: int, seed: int) -> Any:
    """What is computed of any values before."""
    numbers = np.random.default_rng(seed)
    values: list[Any] = [Tensor(numbers.normal(), requires_grad=True) for _ in range(6)]
    functions: Any = (np.add, np.multiply, np.subtract, lambda a, b: np.sin(a) + b)
    for _ in range(operations):
        a, b = (values[place] for place in numbers.integers(max(0, len(values) - 30), len(values), size=2))
        values.append(functions[numbers.integers(4)](a, b))
    return sum(values[-20:])


def test_data_that_is_used_again_far_away_is_named() -> None:
    x, W, V = rng.normal(size=(4, 3)), leaf(3, 2), leaf(2, 3)
    h = np.tanh(x @ W)
    again = h @ V
    loss = np.mean((x - again) ** 2)
    assert boxes(autograd.draw(loss)) == ["x"]


def test_what_is_used_nearby_has_a_line() -> None:
    x, w, b = rng.normal(size=(4, 3)), leaf(3), Tensor(0.0, requires_grad=True)
    z = x @ w + b
    loss = np.mean(z**2) + 0.1 * np.sum(w**2)
    assert boxes(autograd.draw(loss)) == []


def test_a_penalty_names_the_weights_in_one_box() -> None:
    x, U, V, bu, bv = rng.normal(size=(4, 3)), leaf(4, 2), leaf(2, 3), leaf(4, 1), leaf(1, 3)
    guess = bu + bv + U @ V
    error = x - guess
    mse = np.mean(error**2)
    penalty = 0.02 * (np.sum(U**2) + np.sum(V**2) + np.sum(bu**2) + np.sum(bv**2))
    loss = mse + penalty
    assert boxes(autograd.draw(loss)) == ["U, V, bu, bv"]


def test_a_box_has_the_numbers_that_come_back_to_each_in_it() -> None:
    a, r = Tensor(0.3, requires_grad=True), Tensor(3.2, requires_grad=True)
    x = a
    for _ in range(4):
        x = r * x * (1 - x)
    picture = autograd.draw(x)
    uses = [edge for edge in picture._diagram.edges if arrange(picture._diagram).names(edge)]
    assert len(uses) == 3
    assert all(edge.gradient in picture.svg for edge in uses)


def test_each_use_in_a_box_is_an_edge_of_its_own_in_the_svg() -> None:
    x, U, V, bu, bv = rng.normal(size=(4, 3)), leaf(4, 2), leaf(2, 3), leaf(4, 1), leaf(1, 3)
    error = x - (bu + bv + U @ V)
    penalty = np.sum(U**2) + np.sum(V**2) + np.sum(bu**2) + np.sum(bv**2)
    picture = autograd.draw(np.mean(error**2) + penalty)
    found = re.findall(r'id="[\w-]*-e(\d+)"', picture.svg)
    assert sorted(map(int, found)) == [*range(len(picture._diagram.edges))]


@pytest.mark.parametrize("seed", [14, 20, 26, 36])
def test_a_line_to_the_next_row_is_there_wherever_that_begins(seed: int) -> None:
    picture = autograd.draw(dense(30, seed))
    assert picture._diagram.breaks
    assert len(re.findall(r'id="[\w-]*-e\d+"', picture.svg)) == len(picture._diagram.edges)


def test_a_large_picture_has_few_lines_over_many_columns() -> None:
    diagram = autograd.draw(dense(400, 0), collapse="none")._diagram
    layout = arrange(diagram)
    first = {
        edge.tail: min(layout.ranks[one.head] for one in diagram.edges if one.tail == edge.tail)
        for edge in diagram.edges
    }
    for edge in diagram.edges:
        long = layout.ranks[edge.head] > max(first[edge.tail], layout.ranks[edge.tail] + 2)
        assert not long or layout.names(edge)


def test_what_waits_for_nothing_stands_right_before_its_user() -> None:
    x, A, B, C = rng.normal(size=(4, 3)), leaf(3, 2), leaf(2, 2), leaf(3, 2)
    a = np.tanh(x @ A)
    b = np.tanh(a @ B)
    gate = np.exp(x @ C)
    out = b * gate
    loss = np.sum(out)
    diagram = autograd.draw(loss)._diagram
    ranks = {card.name: arrange(diagram).ranks[card.id] for card in diagram.cards}
    assert ranks["gate"] == ranks["b"] == ranks["out"] - 1
