"""Loops in pictures: rounds that differ, and what their variables are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor
from autograd.notation.names import Scope
from autograd.render.diagram import Diagram
from autograd.render.graph import Graph
from autograd.render.labels import names_of


def leaf(*shape: int) -> Any:
    return Tensor(np.random.default_rng(len(shape)).normal(size=shape), requires_grad=True)


def drawn(output: Any, names: dict[str, Any]) -> Graph:
    graph = Graph(output._node)
    names_of(graph, Scope(names), {})
    return graph


def titles(diagram: Diagram) -> list[str]:
    return [card.title for card in diagram.cards if card.expression]


def test_a_first_round_may_lack_what_it_computed_of_plain_numbers() -> None:
    q, r = Tensor(0.1, requires_grad=True), Tensor(0.5, requires_grad=True)
    x: Any = 0.0
    p: Any = 1.0
    total: Any = 0.0
    for z in (1.1, 0.9, 1.4, 1.2):
        k = (p + q) / (p + q + r)
        e = z - x
        x, p, total = x + k * e, (1 - k) * p, total + e**2
    graph = drawn(total * x * p, {"x": x, "p": p, "total": total})
    (repeat,) = graph.repeated(None)
    assert repeat.count == 4
    assert None in repeat.rounds[0]
    assert all(place is not None for places in repeat.rounds[1:] for place in places)


def test_a_last_round_lacks_what_nobody_used_and_its_variable_names_the_rounds_before() -> None:
    rate = Tensor(0.3, requires_grad=True)
    s: Any = 0.9
    i: Any = 0.1
    loss: Any = 0.0
    for _ in range(4):
        new = rate * s * i
        s = s - new  # the last one is no part of the loss
        i = i + new
        loss = loss + i**2
    graph = drawn(loss, {"s": s, "new": new, "i": i, "loss": loss})
    (repeat,) = graph.repeated(None)
    assert repeat.count == 4
    assert None in repeat.rounds[-1]
    assert {"s₁", "s₂", "s₃"} == {name for node in graph.operations if (name := graph.named(node)).startswith("s")}


def test_a_value_from_before_the_loop_is_the_same_in_every_round() -> None:
    angle = Tensor(0.3, requires_grad=True)
    c, s = np.cos(angle), np.sin(angle)
    x: Any = 1.0
    y: Any = 0.0
    for _ in range(5):
        x, y = c * x - s * y, s * x + c * y
    (repeat,) = drawn(x * y, {"x": x, "y": y}).repeated(None)
    assert (repeat.count, repeat.period) == (5, 2)


def test_another_weight_in_the_round_before_is_not_taken_for_that_of_the_loop() -> None:
    first, W = (Tensor(np.eye(3), requires_grad=True) for _ in range(2))
    h = np.tanh(np.ones((2, 3)) @ first)
    for _ in range(5):
        h = np.tanh(h @ W)
    (repeat,) = drawn(np.sum(h), {"h": h}).repeated(None)
    assert repeat.count == 5


def test_a_variable_that_is_passed_on_numbers_the_values_of_the_other() -> None:
    x, y = Tensor(1.0, requires_grad=True), Tensor(2.0, requires_grad=True)
    a, b = x, y
    for _ in range(4):
        a, b = b, a + b
    shown = autograd.draw(b, names={x: "x", y: "y"})._diagram
    assert titles(shown) == ["b₁ = x + y", "b₂ = y + b₁", "b₃ = b₁ + b₂", "b₄ = b₂ + b₃"]


def test_a_round_that_takes_from_two_rounds_before_says_so() -> None:
    a, b = Tensor(1.0, requires_grad=True), Tensor(2.0, requires_grad=True)
    for _ in range(60):
        a, b = b, a + b
    shown = autograd.draw(b)._diagram
    assert titles(shown) == ["b = bₜ₋₂ + bₜ₋₁"]


def test_a_sum_that_a_loop_adds_up_stays_one_formula_and_a_product_does_not() -> None:
    w = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    total: Any = 0.0
    product: Any = 1.0
    for k in range(3):
        total = total + w[k]
        product = product * w[k]
    assert titles(autograd.draw(total)._diagram) == ["total = 0 + w[0] + w[1] + w[2]"]
    assert len(titles(autograd.draw(product)._diagram)) == 3


@pytest.mark.parametrize("rounds", [3, 5])
def test_numbers_in_a_loop_are_those_of_its_last_round(rounds: int) -> None:
    w, data = Tensor(0.5, requires_grad=True), [1.0, 2.0, 4.0, 0.5, 3.0][:rounds]
    m: Any = 0.0
    for value in data:
        g = 2 * (w - value)
        m = 0.9 * m + g
        w = w - 0.1 * m
    loss = w**2
    shown = autograd.draw(loss, size=(800, 450))._diagram
    cards = {card.name.rstrip("₀₁₂₃₄₅"): card for card in shown.cards}
    assert cards["g"].title == "g = 2 * (w − data[t])"
    assert cards["m"].value is not None
    assert cards["m"].value.cells == ((f"{m.data:.2f}".replace("-", "−"),),)


def test_what_only_later_rounds_take_is_drawn_with_its_name() -> None:
    F, q = np.array([[1.0, 1.0], [0.0, 1.0]]), Tensor(0.1, requires_grad=True)
    P: Any = np.eye(2)
    for _ in range(4):
        P = F @ P @ F.T + q * np.eye(2)
    loss = np.sum(P)
    told = " ".join(titles(autograd.draw(loss, size=(700, 400))._diagram))
    assert "F P Fᵀ" in told
    assert "…" not in told


def test_values_without_a_name_have_no_number_in_a_frame_that_stands_for_all() -> None:
    x = Tensor(0.5, requires_grad=True)
    for _ in range(40):
        x = x + 0.1 * np.sin(np.cos(x) * x) * np.exp(-(np.cos(x) ** 2))
    names = {card.name for card in autograd.draw(x, names={x: "x"})._diagram.cards}
    assert not any(name[-1] in "₂₃₄₅₆₇₈₉" for name in names)


def test_an_index_that_is_another_in_every_round_is_called_by_its_list() -> None:
    E, U, V, words = leaf(3, 4), leaf(4, 4), leaf(4, 3), [0, 2, 1, 1, 0, 2, 1, 0, 2]
    h, loss = np.zeros(4), 0.0
    for t in range(8):
        h = np.tanh(E[words[t]] + h @ U)
        e = np.exp(h @ V)
        p = e / e.sum()
        loss = loss - np.log(p[words[t + 1]])
    formulas = {card.name: card.expression for card in autograd.draw(loss)._diagram.cards}
    assert formulas["h"] == "tanh(E[words[t]] + h U)"
    assert formulas["loss"] == "loss − log(p[words[t+1]])"


def test_an_index_that_counts_the_rounds_is_t() -> None:
    x, w = leaf(12, 2), leaf(2)
    h = 0.0
    for t in range(12):
        h = np.tanh(w * x[t, :] + h)
    assert "tanh(w * x[t, :] + h)" in {card.expression for card in autograd.draw(np.sum(h))._diagram.cards}


def test_a_loop_ends_where_others_take_the_place_of_its_weights() -> None:
    rng = np.random.default_rng(0)
    We, Ue, Wd, Ud = leaf(2, 3), leaf(3, 3), leaf(2, 3) * 0.5, leaf(3, 3) * 0.5
    Wd, Ud = (Tensor(one.data, requires_grad=True) for one in (Wd, Ud))
    h: Any = np.zeros(3)
    for x in rng.normal(size=(4, 2)):
        h = np.tanh(x @ We + h @ Ue)
    s = np.tanh(rng.normal(size=2) @ Wd + h @ Ud)
    loss = np.sum(s**2)
    diagram = autograd.draw(loss, size=(700, 400))._diagram
    assert [cluster.title for cluster in diagram.clusters] == ["× 4"]
    assert {"We", "Ue", "Wd", "Ud"} <= {card.name for card in diagram.cards}
