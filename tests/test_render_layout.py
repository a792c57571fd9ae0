"""Columns and rows of cards."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
from installed import needs_dot
from test_render_gallery import SVG, groups, outline, written

import autograd
import nn
from autograd import Tensor
from autograd.render.arrangement import arrange
from autograd.render.cards import CARDS
from autograd.render.diagram import Card, Diagram
from autograd.render.edges import leads_down
from autograd.render.metrics import text_width
from autograd.render.picture import Picture
from autograd.render.style import STYLES
from autograd.testing import compare_grads

rng = np.random.default_rng(0)


def leaf(*shape: int) -> Any:
    return Tensor(rng.normal(size=shape), requires_grad=True)


def columns(diagram: Diagram) -> dict[str, int]:
    ranks = arrange(diagram).ranks
    return {card.name: ranks[card.id] for card in diagram.cards}


def branches(height: int) -> Diagram:
    x, y = rng.normal(size=(4, 1)), rng.normal(size=(4, 1))
    W, A, B, C = leaf(1, 3), leaf(3, 2), leaf(3, 2), leaf(3, 2)
    h = np.tanh(x @ W)
    a = h @ A
    e = np.exp(a - np.max(a, axis=1, keepdims=True))
    part = e / np.sum(e, axis=1, keepdims=True)
    mean, width = h @ B, np.exp(h @ C)
    density = np.exp(-(((y - mean) / width) ** 2)) / width
    loss = -np.mean(np.log(np.sum(part * density, axis=1)))
    return autograd.draw(loss, size=(1280, height))._diagram


def test_branches_begin_side_by_side_where_that_fits_and_else_one_after_the_other() -> None:
    low, high = columns(branches(720)), columns(branches(2000))
    assert high["mean"] == high["width"]
    assert low["mean"] < low["width"]


def test_a_penalty_stands_behind_what_uses_its_weights() -> None:
    x, y, W1, W2 = rng.normal(size=(3, 2)), rng.normal(size=(3, 1)), leaf(2, 2), leaf(2, 1)
    h = np.tanh(x @ W1)
    y_hat = h @ W2
    penalty = 0.1 * (np.sum(W1**2) + np.sum(W2**2))
    error = np.mean((y_hat - y) ** 2)
    found = columns(autograd.draw(error + penalty)._diagram)
    assert found["penalty"] == found["ŷ"] + 1


def test_what_two_cards_of_one_column_use_stands_before_both() -> None:
    a, b, W = rng.normal(size=(2, 2)), rng.normal(size=(2, 2)), leaf(2, 2)
    fa, fb = a @ W, b @ W
    found = columns(autograd.draw(np.sum((fa - fb) ** 2))._diagram)
    assert found["fa"] == found["fb"] == found["W"] + 1


def test_graphviz_keeps_the_columns() -> None:
    a, c = Tensor(2.0, requires_grad=True), Tensor(0.5, requires_grad=True)
    p, q = np.sin(a), np.cos(a)
    u, v = p * c, q - c
    picture = autograd.draw(u**2 + v**2)
    found = columns(picture._diagram)
    assert found["u"] == found["v"]
    same = re.findall(r"\{ rank=same; ([^}]*) \}", picture.source)
    ids = {card.name: card.id for card in picture._diagram.cards}
    assert any({ids["u"], ids["v"]} <= set(names.split("; ")) for names in same)


def test_a_value_of_another_row_is_named_beside_what_uses_it() -> None:
    k, y = Tensor(1.5, requires_grad=True), Tensor(1.0, requires_grad=True)

    def slope(y: Any) -> Any:
        return -k * y + np.sin(y)

    k1 = slope(y)
    k2 = slope(y + 0.05 * k1)
    k3 = slope(y + 0.05 * k2)
    k4 = slope(y + 0.1 * k3)
    y_new = y + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    picture = autograd.draw((y_new - 0.8) ** 2)
    layout = arrange(picture._diagram)
    assert set(layout.rows.values()) == {0, 1}
    names = {card.id: card.name for card in picture._diagram.cards}
    crossing = [edge for edge in picture._diagram.edges if layout.rows[edge.tail] != layout.rows[edge.head]]
    far = [edge for edge in picture._diagram.edges if layout.names(edge)]
    assert len({*crossing} - {*far}) == 1  # one line leads to the second row
    told = re.findall(r"stub\d+ \[[^\]]*label=\"([^\"]*)\"", picture.source)
    assert sorted(name for box in told for name in box.split(", ")) == sorted(names[edge.tail] for edge in far)
    ends = re.findall(r'id="[\w-]*-e\d+"', picture.svg)
    assert len(ends) == len(picture._diagram.edges)


def test_a_card_is_measured_once_for_all_arrangements_of_it(monkeypatch: Any) -> None:
    """And once more where it is asked whether all can be read."""
    measured = []

    def size(card: Card) -> tuple[float, float]:
        measured.append(card)
        return CARDS.size(card)

    monkeypatch.setitem(STYLES, "cards", replace(CARDS, size=size))
    branches(720)
    times = Counter(map(id, measured))
    assert times
    assert max(times.values()) <= 2


def test_what_enters_stands_above_the_line_and_below_it() -> None:
    """So that a row is no higher than it must be."""
    W, U, b, x = leaf(4, 4), leaf(4, 4), leaf(4), rng.normal(size=(8, 1, 4))
    h = np.zeros((1, 4))
    for one in x:
        h = np.tanh(one @ W + h @ U + b)
    picture = autograd.draw(np.sum(h))
    layout = arrange(picture._diagram)
    names = {card.id: card.name for card in picture._diagram.cards}
    columns = {(layout.column(card), above): names[card] for card, above in layout.sides.items()}
    assert {columns.get((0, True)), columns.get((0, False))} == {"U", "b"}
    tall = [float(text.get("y", "0")) for text in ElementTree.fromstring(picture.svg).iter() if text.text == "U"]
    low = [float(text.get("y", "0")) for text in ElementTree.fromstring(picture.svg).iter() if text.text == "b"]
    assert min(tall) < min(low)


def critic() -> Any:
    z, x_real = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    G = nn.Sequential(nn.Linear(2, 8, rng=0), nn.ReLU(), nn.Linear(8, 2, rng=1))
    D = nn.Sequential(nn.Linear(2, 8, rng=2), nn.LeakyReLU(0.2), nn.Linear(8, 1, rng=3))
    x_fake = G(z)
    critic_loss = np.mean(D(x_fake)) - np.mean(D(x_real))
    return autograd.draw(critic_loss, title="A critic")


@needs_dot
def test_the_line_to_the_next_row_runs_between_the_rows() -> None:
    """Also where that has several frames, one below the other."""
    picture = critic()
    diagram, layout = picture._diagram, arrange(picture._diagram)
    assert set(layout.rows.values()) == {0, 1}
    root = ElementTree.fromstring(picture.svg)
    boxes = {group.get("id", "").rpartition("-")[2]: outline(group) for group in groups(root, "node")}
    above = max(box[3] for card, box in boxes.items() if layout.rows[card] == 0)
    below = min(boxes[card][1] for card in boxes if layout.rows[card] == 1)
    (along,) = (place for place, edge in enumerate(diagram.edges) if leads_down(edge, layout))
    pieces = list(groups(root, f"of-e{along}")) + [
        one for one in groups(root, "use") if one.get("id", "").endswith(f"-e{along}")
    ]
    heights = [box for piece in pieces for box in [outline(piece)]]
    assert pieces
    assert all(above - 10 <= box[1] and box[3] <= below + 10 for box in heights)


@needs_dot
def test_the_title_of_a_frame_gives_way_to_the_line_that_enters_it() -> None:
    source = critic().source
    places = dict(re.findall(r"cluster_(m\d+\w*) \{\ngraph \[.*labeljust=(\w)", source))
    assert sorted(places.values()) == ["l", "l", "r"]


def test_a_low_line_of_cards_is_laid_in_rows() -> None:
    """Rather than leaving half of a slide empty, if text is about as large."""
    images, labels = rng.normal(size=(2, 1, 8, 8)), np.array([3, 7])
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))
    loss = nn.functional.cross_entropy(model(images), labels)
    assert len(autograd.draw(loss, title="A small CNN")._diagram.breaks) == 1


@needs_dot
def test_numbers_of_several_in_a_box_stand_below_each_other_with_their_names() -> None:
    """So that they are narrow, and no line crosses them: neither one from the left nor one back to the next round."""
    theta, y = Tensor(0.8, requires_grad=True), Tensor(1.0, requires_grad=True)

    def f(y: Any) -> Any:
        return theta * y * (1 - y / 3)

    for _ in range(4):
        k1 = f(y)
        k2 = f(y + 0.2 * k1)
        y = y + 0.1 * (k1 + k2)
    loss = (y - 2.0) ** 2
    picture = autograd.draw(loss)
    root = ElementTree.fromstring(picture.svg)
    told = [text for text in root.iter(f"{SVG}text") if re.match("(k₁|y₀): −", "".join(text.itertext()))]
    assert len(told) == 2
    heights = sorted(float(text.get("y", "0")) for text in told)
    assert heights[1] - heights[0] > 8
    (card,) = (card.id for card in picture._diagram.cards if card.name == "y")
    box = next(outline(group) for group in groups(root, "node") if group.get("id", "").endswith(f"-{card}"))
    assert heights[0] > box[3]  # lines lead back above


def test_a_model_is_laid_in_rows_though_its_frame_is_cut() -> None:
    """Where it is around all that a row has, and more."""
    model = nn.MLP([4, 8, 8, 8, 8, 8, 8, 2], rng=0)
    loss = nn.functional.mse_loss(model(rng.normal(size=(16, 4))), rng.normal(size=(16, 2)))
    diagram = autograd.draw(loss, style="overview")._diagram
    assert diagram.breaks


def test_what_cannot_be_read_in_rows_is_laid_in_one_if_that_can(monkeypatch: Any) -> None:
    """The size of rows is an estimate."""
    monkeypatch.setattr(Picture, "readability", lambda self, margin=1.0: 0.5 if self._diagram.breaks else 1.5)
    images, labels = rng.normal(size=(2, 1, 8, 8)), np.array([3, 7])
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))
    loss = nn.functional.cross_entropy(model(images), labels)
    diagram = autograd.draw(loss, title="A small CNN")._diagram
    assert diagram.breaks == ()
    assert not any(card.narrow for card in diagram.cards)


@needs_dot
def test_numbers_of_a_box_stand_beside_its_line_where_another_comes_from_the_left() -> None:
    Phi, t = np.column_stack([np.ones(6), np.linspace(-1, 1, 6)]), np.random.default_rng(0).normal(size=6)
    log_alpha, log_beta = Tensor(0.0, requires_grad=True), Tensor(1.0, requires_grad=True)
    alpha, beta = np.exp(log_alpha), np.exp(log_beta)
    S_inv = alpha * np.eye(2) + beta * Phi.T @ Phi
    m = beta * np.linalg.solve(S_inv, Phi.T @ t)
    E = beta / 2 * np.sum((t - Phi @ m) ** 2) + alpha / 2 * m @ m
    log_ev = np.log(alpha) + 3 * np.log(beta) - E - 0.5 * np.linalg.slogdet(S_inv)[1]
    root = ElementTree.fromstring(autograd.draw(log_ev).svg)
    beside = []
    for group in groups(root, "use"):
        for text in group.iter(f"{SVG}text"):
            told = "".join(text.itertext())
            if told.startswith("\N{NO-BREAK SPACE}"):
                _, _, right, _ = written(text)
                visible = float(text.get("font-size", "12")) * text_width(told.strip("\N{NO-BREAK SPACE}"), 100) / 100
                line = next(float(path.get("d", "")[1:].partition(",")[0]) for path in group.iter(f"{SVG}path"))
                beside.append(right - visible > line)
    assert beside == [True, True]


@needs_dot
def test_a_branch_and_what_enters_it_stand_on_one_side_of_the_line() -> None:
    hx, c_prev = rng.normal(size=(1, 7)), rng.normal(size=(1, 4))
    Wf, Wi, Wo, Wc = (leaf(7, 4) for _ in range(4))
    bf, bi, bo, bc = (leaf(4) for _ in range(4))
    f, i, o = (1 / (1 + np.exp(-(hx @ W + b))) for W, b in ((Wf, bf), (Wi, bi), (Wo, bo)))
    c_hat = np.tanh(hx @ Wc + bc)
    c = f * c_prev + i * c_hat
    h = o * np.tanh(c)
    picture = autograd.draw(np.sum(h**2))
    layout, names = arrange(picture._diagram), {card.id: card.name for card in picture._diagram.cards}
    root = ElementTree.fromstring(picture.svg)
    places = {group.get("id", "").partition("-")[2]: outline(group) for group in groups(root, "node")}
    middle = {names[one]: (box[1] + box[3]) / 2 for one, box in places.items() if one in names}
    line = next(middle[names[one]] for one in layout.spine if layout.ranks[one] == 1)
    for parameters, gate in ((("Wi", "bi"), "i"), (("Wo", "bo"), "o"), (("Wc", "bc"), "ĉ")):
        sides = {middle[one] < line for one in (*parameters, gate) if abs(middle[one] - line) > 1}
        assert len(sides) == 1, (gate, middle)


def test_the_verdict_on_a_long_derivation_is_read_on_a_slide() -> None:
    X, Y = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    Wq, Wk, Wv = leaf(2, 2), leaf(2, 2), leaf(2, 2)
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    S = Q @ K.T / np.sqrt(2)
    E = np.exp(S - S.max(axis=1, keepdims=True))
    A = E / E.sum(axis=1, keepdims=True)
    out = A @ V
    loss = 0.5 * np.sum((out - Y) ** 2)
    dA = (out.data - Y) @ V.data.T
    dS = A.data * (dA - np.sum(dA * A.data, axis=0, keepdims=True))  # another axis
    by_hand = {"Wq": X.T @ dS @ K.data, "Wv": X.T @ A.data.T @ (out.data - Y), "A": dA, "S": dS}
    picture = compare_grads(loss, by_hand).draw()
    assert picture.readability() >= 1
    assert all(card.hand.cells for card in picture._diagram.cards if card.hand is not None)
