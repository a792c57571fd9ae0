"""What was written once is told alike in every round; and the names and formulas are those that were written."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor
from autograd.render.picture import Picture

rng = np.random.default_rng(0)


def leaf(*shape: int) -> Any:
    return Tensor(rng.normal(size=shape), requires_grad=True)


def titles(picture: Picture) -> list[str]:
    return [card.title for card in picture._diagram.cards if card.expression]


def names(picture: Picture) -> set[str]:
    return {card.name for card in picture._diagram.cards}


def frames(picture: Picture) -> list[str]:
    return [cluster.title for cluster in picture._diagram.clusters if cluster.kind == "repeat"]


class Neuron:
    """A class of a user's own."""

    def __init__(self, size: int) -> None:
        self.w, self.b = leaf(size), leaf()

    def __call__(self, x: Any) -> Any:
        return np.tanh(x @ self.w + self.b)


def test_layers_of_a_loop_have_its_names_whatever_their_widths() -> None:
    x, widths = rng.normal(size=(2, 3)), (3, 4, 2, 1)
    Ws = [leaf(m, n) for m, n in pairwise(widths)]
    a: Any = x
    for W in Ws:
        z = a @ W
        a = np.tanh(z)
    loss = np.sum(a**2)
    told = titles(autograd.draw(loss))
    assert told[:4] == ["z₁ = x @ Ws[0]", "a₁ = tanh(z₁)", "z₂ = a₁ @ Ws[1]", "a₂ = tanh(z₂)"]


def test_two_rounds_are_told_alike_where_the_last_one_has_names() -> None:
    X, heads = rng.normal(size=(3, 4)), []
    for _ in range(2):
        Wq, Wk = leaf(4, 2), leaf(4, 2)
        q, k = X @ Wq, X @ Wk
        s = q @ k.T / 2
        heads.append(np.exp(s))
    loss = np.sum(np.concatenate(heads))
    told = titles(autograd.draw(loss, collapse="none"))
    assert {"q₁ = X @ Wq₁", "q₂ = X @ Wq₂", "s₁ = q₁ k₁ᵀ / 2", "s₂ = q₂ k₂ᵀ / 2"} <= set(told)


def test_what_a_loop_gathers_in_a_list_is_drawn_from_one_round() -> None:
    X, w, u, v = rng.normal(size=(12, 2)), leaf(2), leaf(2, 2), leaf(2)
    h, outs = np.zeros(2), []
    for t in range(12):
        h = np.tanh(w * X[t] + u @ h)
        outs.append(v @ h)
    guess = np.stack(outs)
    loss = np.mean(guess**2)
    picture = autograd.draw(loss)
    assert frames(picture) == ["× 12"]
    assert {"outs[t] = v h", "guess = stack(outs[0], outs[1], …, outs[11])"} <= set(titles(picture))


def test_values_that_have_names_of_their_own_are_not_drawn_from_one() -> None:
    k, y = Tensor(1.5, requires_grad=True), Tensor(1.0, requires_grad=True)
    k1 = np.sin(-k * y)
    k2 = np.sin(-k * (y + 0.5 * k1))
    k3 = np.sin(-k * (y + 0.5 * k2))
    k4 = np.sin(-k * (y + 0.5 * k3))
    loss = k1 + 2 * k2 + 2 * k3 + k4
    picture = autograd.draw(loss, size=(700, 400))
    assert {"k₁", "k₂", "k₃", "k₄"} <= names(picture)


def test_a_long_sum_is_told_by_its_ends() -> None:
    w = leaf()
    terms = [np.sin(w * float(place)) for place in range(9)]
    loss = sum(terms) / 9
    assert titles(autograd.draw(loss))[-1] == "loss = (terms[0] + terms[1] + … + terms[8]) / 9"


def test_objects_of_one_class_are_told_apart() -> None:
    one, two, x = Neuron(3), Neuron(3), rng.normal(size=3)
    loss = one(x) * two(x)
    assert {"one.w", "one.b", "two.w", "two.b"} <= names(autograd.draw(loss))


def test_the_attributes_of_a_single_object_have_their_own_names() -> None:
    only, x = Neuron(3), rng.normal(size=3)
    loss = only(x) ** 2
    assert {"w", "b"} <= names(autograd.draw(loss))


def test_entries_of_dictionaries_in_a_list_have_names() -> None:
    layers, x = [{"W": leaf(3, 3)}, {"W": leaf(3, 2)}], rng.normal(size=(2, 3))
    h = np.tanh(x @ layers[0]["W"])
    loss = np.sum(h @ layers[1]["W"])
    assert {"layers[0]['W']", "layers[1]['W']"} <= names(autograd.draw(loss))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda y: 1 - y, "sum(y * w) + sum((1 − y) * w)"),
        (lambda y: y**2, "sum(y * w) + sum(y² * w)"),
        (lambda y: 0 * y, "sum(y * w) + sum(0 * w)"),
    ],
)
def test_what_was_made_of_an_array_is_told_in_the_formula_and_has_no_card(made: Any, told: str) -> None:
    y, w = np.array([0.3, 2.0, 1.0]), leaf(3)
    loss = np.sum(y * w) + np.sum(made(y) * w)
    drawn = autograd.draw(loss)._diagram
    assert drawn.cards[-1].expression == told
    assert sorted(card.name for card in drawn.cards) == ["loss", "w", "y"]


def test_a_transposed_array_is_not_taken_for_what_has_its_numbers() -> None:
    x, H, P = np.array([[0.0], [1.0]]), np.array([[1.0, 0.0]]), leaf(2, 2)
    S = H @ P @ H.T
    loss = np.sum(S) + np.sum(P @ x)
    assert "S = H P Hᵀ" in titles(autograd.draw(loss))


def test_one_statement_of_many_scalars_is_one_card() -> None:
    m1, s1, m2, s2 = (leaf() ** 2 + 1 for _ in range(4))
    m1, s1, m2, s2 = (Tensor(one.data, requires_grad=True) for one in (m1, s1, m2, s2))
    kl = np.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5
    assert titles(autograd.draw(kl)) == ["kl = log(s₂ / s₁) + (s₁² + (m₁ − m₂)²) / (2 * s₂²) − 0.5"]


def test_factors_of_a_formula_are_no_loop() -> None:
    a, b, c, d = (Tensor(value, requires_grad=True) for value in (0.5, 1.5, 2.0, 0.7))
    e = a**2 + 2 * a * b * c * d * np.cos(a - b)
    picture = autograd.draw(e)
    assert frames(picture) == []
    assert titles(picture) == ["e = a² + 2 * a * b * c * d * cos(a − b)"]


def test_the_output_of_a_network_is_no_hidden_layer() -> None:
    X, Ws = rng.normal(size=(2, 3)), [leaf(3, 3) for _ in range(3)]

    def forward(x: Any) -> Any:
        for W in Ws[:-1]:
            x = np.tanh(x @ W)
        return x @ Ws[-1]

    y_hat = forward(X)
    loss = np.sum(y_hat**2)
    assert not {"ŷ₁", "ŷ₂"} & names(autograd.draw(loss, collapse="none"))


def test_a_product_element_by_element_stands_in_brackets_before_one_of_matrices() -> None:
    r, h, U = leaf(2, 3), leaf(2, 3), leaf(3, 3)
    out = (r * h) @ U
    gated = r * h
    again = gated @ U
    assert "out = (r * h) @ U" in titles(autograd.draw(np.sum(out)))
    assert "again = gated @ U" in titles(autograd.draw(np.sum(again)))


def test_a_product_of_a_symmetric_array_is_not_told_of_its_transpose() -> None:
    S, X, W = np.array([[0.5, 0.3], [0.3, 0.8]]), rng.normal(size=(2, 3)), leaf(3, 2)
    H = S @ X @ W
    logits = S @ H
    assert "H = S X W" in titles(autograd.draw(np.sum(logits)))


def test_a_variable_comes_before_the_list_that_it_was_gathered_in() -> None:
    x, rate, xs = Tensor(1.0, requires_grad=True), Tensor(0.1, requires_grad=True), []
    for _ in range(12):
        x = x - rate * np.sin(x)
        xs.append(x)
    loss = x**2
    assert "x = x − rate * sin(x)" in titles(autograd.draw(loss, size=(700, 400)))


def test_what_rounds_took_from_a_list_is_named_where_all_of_it_is_used() -> None:
    thrust = [Tensor(value, requires_grad=True) for value in (12.0, 11.0, 9.0)]
    v: Any = 0.0
    for u in thrust:
        v = v + 0.1 * np.sin(u)
    cost = v**2 + sum(u**2 for u in thrust)
    told = titles(autograd.draw(cost, size=(700, 400)))[-1]
    assert "thrust[0]² + thrust[1]² + thrust[2]²" in told


def test_a_round_ends_with_what_variables_hold_after_the_loop() -> None:
    x, v, k = (Tensor(value, requires_grad=True) for value in (1.0, 0.0, 4.0))
    a: Any = -k * x
    for _ in range(8):
        half = v + 0.05 * a
        x = x + 0.1 * half
        a = -k * x
        v = half + 0.05 * a
    energy = v**2 + k * x**2
    told = titles(autograd.draw(energy))
    assert told[1:5] == ["half = v + 0.05 * a", "x = x + 0.1 * half", "a = −k * x", "v = half + 0.05 * a"]


def test_a_quotient_of_two_arrays_is_called_so() -> None:
    x, g = np.array([[1.0, 2.0, -0.5], [0.3, 0.9, 4.0]]), leaf(3)
    size = np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    y = x / size * g
    assert titles(autograd.draw(np.sum(y**3)))[0] == "y = x / size * g"


def test_a_multiple_by_a_scalar_needs_no_brackets_before_a_product_of_matrices() -> None:
    lam, a, K = Tensor(0.5, requires_grad=True), leaf(3), leaf(3, 3)
    penalty = lam * a @ K @ a
    assert titles(autograd.draw(penalty)) == ["penalty = lam * a @ K @ a"]


def test_a_module_keeps_the_zeros_that_it_is_called_with() -> None:
    layer = nn.Linear(3, 2, rng=0)
    loss = np.sum(layer(np.zeros((4, 3))) ** 2)
    diagram = autograd.draw(loss, collapse="modules")._diagram
    assert [card.kind for card in diagram.cards] == ["data", "layer", "loss"]
