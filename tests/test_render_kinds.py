"""What pictures of people's code get right: loops, inputs of modules, rules of indices, each one kind of picture."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor
from autograd.render import picture
from autograd.render.svg import size


def leaf(values: Any) -> Tensor:
    return Tensor(values, requires_grad=True)


def titles(picture: Any) -> list[str]:
    return [card.title for card in picture._diagram.cards]


def frames(picture: Any) -> list[str]:
    return [cluster.title for cluster in picture._diagram.clusters if cluster.kind == "repeat"]


def test_a_loop_begins_where_the_fewest_values_are_carried_on() -> None:
    u, k = leaf([0.0, 1.0, 0.0]), leaf(0.1)
    for _ in range(8):
        u = u + k * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    loss = np.sum(u**2)
    drawn = autograd.draw(loss)
    assert frames(drawn) == ["× 8"]
    assert titles(drawn) == ["u₀", "k", "u = u + k * (roll(u, 1) − 2 * u + roll(u, −1))", "loss = Σ u²"]


def test_a_sum_that_begins_with_a_number_is_a_loop() -> None:
    w, total = leaf(2.0), 0
    for _ in range(50):
        w = np.sin(w)
        total = total + w**2
    assert frames(autograd.draw(total)) == ["× 50"]


def test_a_first_round_may_lack_what_was_computed_without_tensors() -> None:
    rng = np.random.default_rng(0)
    W, h = leaf(rng.normal(size=(3, 1))), np.zeros(1)
    xs = rng.normal(size=(6, 2))
    for x in xs:
        h = np.tanh(np.concatenate([x, h]) @ W)
    loss = np.sum(h)
    drawn = autograd.draw(loss)
    assert frames(drawn) == ["× 6"]
    (loop,) = [card for card in drawn._diagram.cards if card.name == "h"]
    assert loop.value is not None
    assert loop.value.cells == ((f"{h.item():.2f}".replace("-", "−"),),)


def test_a_network_without_names_is_drawn_by_its_layers() -> None:
    rng = np.random.default_rng(0)

    def network(x: Any) -> Any:
        W1, b1, W2, b2 = (Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((2, 8), 8, (8, 1), 1))
        return np.maximum(0, x @ W1 + b1) @ W2 + b2

    loss = np.mean((network(rng.normal(size=(4, 2))) - rng.normal(size=(4, 1))) ** 2)
    told = [card.expression for card in autograd.draw(loss)._diagram.cards if card.expression]
    assert told == ["max(0, x W₁ + b₁)", "A₁ W₂ + b₂", "Z₂ − y", "mean(e²)"]


def test_layers_inside_of_what_is_used_twice_are_cards_too() -> None:
    rng = np.random.default_rng(0)

    def network(x: Any) -> Any:
        W1, b1, W2, b2 = (Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((2, 8), 8, (8, 1), 1))
        return 1 / (1 + np.exp(-(np.tanh(x @ W1 + b1) @ W2 + b2)))

    p = network(rng.normal(size=(4, 2)))
    told = [card.expression for card in autograd.draw(np.mean(p * np.log(p)))._diagram.cards if card.expression]
    assert told[:2] == ["tanh(x W₁ + b₁)", "1 / (1 + exp(−(A₁ W₂ + b₂)))"]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda u: 1 - u, "(1 − u) * w"),
        (lambda u: u**2, "u² * w"),
        (lambda u: 0.5 * u, "0.5 * u * w"),
        (lambda u: u.T, "uᵀ * w"),
        (lambda u: np.eye(2), "I * w"),
        (lambda u: np.ones((2, 2)), "c * w"),
    ],
)
def test_a_constant_that_nobody_named_is_called_by_what_it_was_made_of(made: Any, told: str) -> None:
    u, w = np.array([[0.3, 2.0], [1.0, -0.7]]), leaf(np.ones((2, 2)))
    loss = np.sum(w * u) + np.sum(made(u) * w)
    assert f"Σ({told})".replace("Σ", "sum") in autograd.draw(loss)._diagram.cards[-1].expression


def test_what_could_be_made_of_anything_is_called_by_no_other_name() -> None:
    start, w = np.zeros(2), leaf([1.0, 2.0])
    place = start + w
    loss = np.sum((place - np.array([1.0, 1.0])) ** 2)
    assert [card.name for card in autograd.draw(loss)._diagram.cards if card.kind == "target"] == ["y"]


def test_a_sum_does_not_begin_with_zero_and_a_product_of_letters_has_no_signs() -> None:
    A, B = leaf(np.ones((2, 2))), leaf(np.ones((2, 2)))
    total = sum([A @ B @ A, B])
    assert autograd.draw(np.sum(total))._diagram.cards[-2].expression == "A B A + B"


def test_what_was_computed_before_needs_no_place_around_the_last_card() -> None:
    w = leaf(0.5)
    a, b, c, d = np.sin(w), np.cos(w), np.tanh(w), np.exp(w)
    loss = a + 2 * b + 2 * c + d
    assert autograd.draw(loss)._diagram.cards[-1].expression == "a + 2 * b + 2 * c + d"


def test_cards_come_before_a_circuit_that_hides_what_has_a_name() -> None:
    x, a, b, c, d = (leaf(number) for number in (2.0, 1.0, -2.0, 3.0, 0.5))
    p = ((a * x + b) * x + c) * x + d
    drawn = autograd.draw(p, style="circuit")._diagram
    assert {"a", "b", "c", "d", "x"} <= {card.name for card in drawn.cards}


def test_a_module_has_its_input_also_where_it_computes_in_plain_numpy() -> None:
    x = np.array([[1.0, 2.0, 4.0]])
    norm, head = nn.LayerNorm(3), nn.Linear(3, 1, rng=0)
    diagram = autograd.draw(np.sum(head(norm(x))), depth=0)._diagram
    names = {card.id: card.expression or card.name for card in diagram.cards}
    assert ("x", "LayerNorm") in {(names[edge.tail], names[edge.head]) for edge in diagram.edges}


def test_what_a_module_is_called_with_is_no_parameter_of_it() -> None:
    image = leaf(np.ones((1, 4)))
    shown = autograd.draw(np.sum(nn.Linear(4, 3, rng=0)(image)), depth=0)._diagram
    (layer,) = [card for card in shown.cards if card.kind == "layer"]
    assert [fact.text for fact in layer.facts if fact.label == "params"] == ["15"]


def test_a_formula_has_the_name_of_a_module_s_result() -> None:
    hidden = nn.Linear(2, 2, rng=0)
    drawn = autograd.draw(np.sum(np.tanh(hidden(np.ones((1, 2))))), depth=0)
    assert titles(drawn)[1:] == ["Z₁ = Linear(2, 2)", "L = sum(tanh(Z₁))"]


@pytest.mark.parametrize(
    ("subscripts", "rules"),
    [
        ("ij,jk->ik", ["Σₖ gᵢₖ bⱼₖ", "Σᵢ gᵢₖ aᵢⱼ"]),
        ("ij,ij->", ["g bᵢⱼ", "g aᵢⱼ"]),
        ("ij,jk->i", ["Σₖ gᵢ bⱼₖ", "Σᵢ gᵢ aᵢⱼ"]),
    ],
)
def test_the_rule_of_an_einsum_is_told_by_its_indices(subscripts: str, rules: list[str]) -> None:
    a, b = leaf(np.ones((2, 2))), leaf(np.ones((2, 2)))
    out = np.einsum(subscripts, a, b)
    assert [edge.rule for edge in autograd.draw(np.sum(out * 2), rules=True)._diagram.edges][:2] == rules


def test_the_rule_of_a_read_adds_to_what_was_read() -> None:
    E, ids = leaf(np.ones((4, 2))), np.array([0, 2, 2, 1, 3])
    assert autograd.draw(np.sum(E[ids]), rules=True)._diagram.edges[0].rule == "[ids] += g"


def test_the_rule_of_a_statement_is_the_sum_over_its_uses() -> None:
    p = leaf([0.2, 0.7])
    picture = autograd.draw(np.sum(3 * p + np.sin(p)), rules=True, detail="statements")
    assert [edge.rule for edge in picture._diagram.edges] == ["3g + g ⊙ cos p"]


def test_a_value_with_a_name_is_not_folded_away() -> None:
    rng = np.random.default_rng(0)
    x = leaf(rng.normal(size=(1, 4, 8)))
    W = leaf(rng.normal(size=(8, 24)))
    q, k, v = (part.reshape(1, 4, 2, 4).transpose(0, 2, 1, 3) for part in np.split(x @ W, 3, axis=-1))
    weights = nn.functional.softmax(q @ k.transpose(0, 1, 3, 2) / 2, axis=-1)
    y = (weights @ v).transpose(0, 2, 1, 3).reshape(1, 4, 8)
    assert {"q", "k", "v", "weights", "y"} <= {card.name for card in autograd.draw(np.mean(y**2))._diagram.cards}


def test_a_circuit_fills_the_slide_in_rows() -> None:
    w1, w2, b = (Tensor(value, requires_grad=True) for value in (0.5, -0.3, 0.2))
    z = w1 * 1.0 + w2 * 2.0 + b
    s = 1 / (1 + np.exp(-z))
    loss = -(1.0 * np.log(s) + 0.0 * np.log(1 - s))  # fifteen operations
    picture = autograd.draw(loss, style="circuit")
    assert not picture._diagram.notes
    assert len(picture._diagram.breaks) >= 1
    across, down = size(picture.svg)
    assert down / across > 2 / 3 * 720 / 1280
    assert 12 * min(1280 / across, 720 / down) >= 14


def test_a_circuit_that_would_be_too_small_is_drawn_as_cards_and_says_so() -> None:
    w, b = leaf(0.5), leaf(0.1)
    out = w
    for place in range(40):
        out = (np.sin if place % 3 else np.tanh)(out * w + b * place)
    drawn = autograd.draw(out, style="circuit")
    assert "drawn as cards: a circuit would have text of less than 12 pixels" in drawn._diagram.notes


def test_an_edge_to_another_row_is_one_group() -> None:
    value = leaf([[0.1, 0.2], [0.3, 0.4]])
    for function in (np.sin, np.exp, np.tanh, np.cos, np.sinh, np.arctan, np.exp, np.cos, np.tanh, np.sin):
        value = function(value)
    drawn = autograd.draw(np.sum(value), detail="operations")
    assert drawn._diagram.breaks
    assert drawn.svg.count('class="edge') == len(drawn._diagram.edges)


@pytest.mark.parametrize("listed", [False, True])
def test_several_outputs_have_the_gradients_of_the_first(listed: bool) -> None:
    a, b = leaf(2.0), leaf(3.0)
    c = a * b
    d, e = c + a, np.sin(c)
    shown = (autograd.draw([d, e]) if listed else autograd.draw(d, e))._diagram
    cards = {card.name: card for card in shown.cards}
    assert [cards[name].kind for name in "cde"] == ["operation", "output", "output"]
    assert {name: card.gradient.cells[0][0] for name, card in cards.items() if card.gradient} == {
        "a": "4.00",
        "b": "2.00",
        "c": "1.00",
        "d": "1.00",
    }
    names = {card.id: card.name for card in shown.cards}
    back = {(names[edge.tail], names[edge.head]) for edge in shown.edges if edge.differentiable}
    assert back == {("a", "c"), ("b", "c"), ("c", "d"), ("a", "d")}


def test_each_of_several_outputs_is_checked() -> None:
    with pytest.raises(TypeError, match="draw takes the Tensor that was computed"):
        autograd.draw(leaf(2.0) * 3, 0.75)  # type: ignore[arg-type]


def by_no_grad(h: Tensor) -> Any:
    with autograd.no_grad():
        return h * 0.5


@pytest.mark.parametrize("stop", [lambda h: h.detach(), by_no_grad, lambda h: h.data, lambda h: h.detach() * 2])
def test_a_stop_gradient_is_marked(stop: Any) -> None:
    h = np.tanh(leaf([1.0, 2.0]))
    stopped = stop(h)
    shapes = [card.shape for card in autograd.draw(np.sum(h * stopped * np.ones(2)))._diagram.cards]
    assert sorted(shapes) == ["2", "2", "2", "2 · stop-gradient", "scalar"]


def test_what_is_detached_is_called_after_where_it_comes_from() -> None:
    h = np.tanh(leaf([1.0, 2.0]))
    assert titles(autograd.draw(np.sum(h * h.detach())))[-1] == "L = sum(h * stop(h))"


@pytest.mark.parametrize("name", ["dot", "pygraphviz", "graphviz-pure"])
def test_further_rows_are_below(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backends = [one for one in picture.BACKENDS if one.name == name]
    value = leaf([[0.1, 0.2], [0.3, 0.4]])
    for function in (np.sin, np.exp, np.tanh, np.cos, np.sinh, np.arctan, np.exp, np.cos, np.tanh, np.sin):
        value = function(value)
    drawn = autograd.draw(np.sum(value), detail="operations")
    monkeypatch.setattr(picture, "BACKENDS", backends)
    drawn = picture.Picture(drawn._diagram, drawn._style, "LR", drawn._viewport)
    try:
        svg = drawn.svg
    except RuntimeError:
        pytest.skip(f"{name} is not installed")
    assert drawn._diagram.breaks
    first, *_, last = drawn._diagram.cards
    heights = [float(re.findall(rf'<text [^>]*y="([-\d.]+)"[^>]*>{card.name}<', svg)[0]) for card in (first, last)]
    assert heights[0] < heights[1]
