"""A softmax that somebody wrote out is one operation on a card, and its rule says what happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor

rng = np.random.default_rng(0)
X, Y, labels = rng.normal(size=(4, 3)), np.eye(3)[[0, 2, 1, 1]], np.array([0, 2, 1, 1])
W = Tensor(rng.normal(size=(3, 3)), requires_grad=True)


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def told(loss: Tensor) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """The formulas by name, and the rules by the names of both ends of their edges."""
    diagram = autograd.draw(loss, names={W: "W"}, rules=True, detail="statements")._diagram
    names = {card.id: card.name for card in diagram.cards}
    rules = {(names[edge.head], names[edge.tail]): edge.rule for edge in diagram.edges}
    return {card.name: card.expression for card in diagram.cards}, rules


def test_what_a_helper_wrote_out_is_one_operation() -> None:
    z = X @ W
    p = softmax(z)
    loss = -np.sum(Y * np.log(p)) / 4
    formulas, rules = told(loss)
    assert formulas["p"] == "softmax(z, axis=1)"
    assert rules["p", "z"] == "p ⊙ (g − Σ g ⊙ p)"
    assert len([name for name in formulas if formulas[name]]) == 3


def test_what_somebody_named_stays() -> None:
    z = X @ W
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    formulas, _ = told(np.sum(p**2))
    assert formulas["e"] == "exp(z − max(z, axis=1))"
    assert formulas["p"] == "e / sum(e, axis=1)"


def test_a_sum_of_powers_that_goes_elsewhere_too_stays() -> None:
    z = X @ W
    e = np.exp(z)
    total = np.sum(e, axis=1, keepdims=True)
    formulas, _ = told(np.sum((e / total) ** 2) + np.sum(np.log(total)))
    assert "softmax" not in "".join(formulas.values())


def test_exponentials_over_another_sum_are_no_softmax() -> None:
    z = X @ W
    square = np.exp(z[:3])
    formulas, _ = told(np.sum((square / np.sum(square, axis=0)[:, None]) ** 2))
    assert "softmax" not in "".join(formulas.values())


LOSSES: dict[str, tuple[Any, str]] = {
    "one-hot": (lambda p: -np.sum(Y * np.log(p)) / 4, "g (softmax(z, axis=1) − Y) / 4"),
    "class numbers": (
        lambda p: -np.mean(np.log(p[np.arange(4), labels])),
        "g (softmax(z, axis=1) − onehot(labels)) / 4",
    ),
    "a sum": (lambda p: np.sum(-np.log(p)[range(4), labels]), "g (softmax(z, axis=1) − onehot(labels))"),
    "one word": (lambda p: -np.log(p[0, 2]), "g (softmax(z, axis=1) − onehot(2))"),
}


@pytest.mark.parametrize(("loss_of", "rule"), LOSSES.values(), ids=LOSSES)
def test_its_cross_entropy_sends_back_the_error(loss_of: Any, rule: str) -> None:
    z = X @ W
    loss = loss_of(softmax(z))
    z.retain_grad()
    loss.backward()
    _, rules = told(loss)
    assert rules["loss", "z"] == rule
    if "onehot(2)" not in rule:
        share = 4 if "/ 4" in rule else 1
        assert np.allclose(z.grad, (softmax(z.data) - Y) / share)


@pytest.mark.parametrize("other", [lambda p: -np.sum(2 * Y * np.log(p)), lambda p: -np.sum(X * np.log(p))])
def test_another_loss_does_not_say_so(other: Any) -> None:
    z = X @ W
    _, rules = told(other(softmax(z)))
    assert "− Y" not in rules["loss", "z"]
    assert "− X" not in rules["loss", "z"]


def test_a_player_says_it_too() -> None:
    z = X @ W
    loss = -np.mean(np.log(softmax(z)[np.arange(4), labels]))
    page = autograd.player(loss)
    assert "<mtext>onehot(labels)</mtext>" in page.html.replace("\\u003c", "<")
