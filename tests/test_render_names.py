"""What is called how in a picture: made-up names are few and small, and none hides what somebody named."""

from __future__ import annotations

import dis
from typing import Any

import numpy as np

import autograd
import nn
from autograd import Tensor
from autograd.render.picture import Picture
from autograd.scipy.special import erf

rng = np.random.default_rng(0)


def leaf(*shape: int) -> Any:
    return Tensor(rng.normal(size=shape), requires_grad=True)


def formulas(picture: Picture) -> dict[str, str]:
    return {card.name: card.expression for card in picture._diagram.cards}


def test_the_one_value_that_nobody_named_has_a_letter_without_a_number() -> None:
    S, sigma = Tensor(100.0, requires_grad=True), Tensor(0.2, requires_grad=True)

    def phi(x: Any) -> Any:
        return 0.5 * (1 + erf(x / np.sqrt(2)))

    d1 = (np.log(S / 105) + sigma**2 / 4) / (sigma * 0.7)
    d2 = d1 - sigma * 0.7
    call = S * phi(d1) - 105 * np.exp(-0.015) * phi(d2)
    picture = autograd.draw(call)
    unnamed = formulas(picture).keys() - {"S", "σ", "d₁", "d₂", "call"}
    assert unnamed == {"v"}, unnamed


def test_names_that_look_alike_are_told_as_they_are_written() -> None:
    A_, B_ = leaf(2, 2), leaf(2, 3)
    A, B = nn.functional.softmax(A_), nn.functional.softmax(B_)
    loss = np.sum((A @ B) ** 2)
    told = formulas(autograd.draw(loss))
    assert (told["A"], told["B"]) == ("softmax(A_)", "softmax(B_)")
    assert {"A_", "B_"} <= told.keys()
    record = str(autograd.derive(loss))
    assert "A_=" not in record
    assert "A_" in record


def test_what_a_module_gave_is_called_with_its_name() -> None:
    x_real, x_fake = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    D = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    critic = np.mean(D(x_fake)) - np.mean(D(x_real))
    assert formulas(autograd.draw(critic, collapse="modules"))["critic"] == "mean(D(x_fake)) − mean(D(x_real))"


def test_two_values_of_one_call_are_told_apart() -> None:
    x = rng.normal(size=(4, 2))
    D = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Dropout(0.5, rng=0))
    loss = np.mean(D(x)) - np.sum(D(x))
    names = [card.name for card in autograd.draw(loss, depth=0)._diagram.cards]
    assert len({*names}) == len(names)


def test_what_stands_side_by_side_is_told_by_its_parts() -> None:
    x, t = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    net = nn.Linear(3, 1, rng=0)
    loss = np.mean(net(np.concatenate([x, t], axis=1)) ** 2)
    assert "[x, t]" in formulas(autograd.draw(loss))
    w = leaf(3)
    fit = np.sum((np.column_stack([np.ones(4), x]) @ w) ** 2)
    assert formulas(autograd.draw(fit)).keys() >= {"w", "[1, x]"}


def test_one_of_several_outputs_has_its_place() -> None:
    A = Tensor(np.diag([2.0, 3.0]), requires_grad=True)
    assert formulas(autograd.draw(0.5 * np.linalg.slogdet(A)[1]))["L"] == "0.5 * slogdet(A)[1]"
    w, V = np.linalg.eigh(A)
    loss = np.sum(w) + np.sum(V**2)
    told = formulas(autograd.draw(loss))
    assert [told[name].rpartition("[")[2] for name in ("w", "V")] == ["0]", "1]"]


def test_what_a_first_round_begins_with_is_drawn_if_it_is_an_array() -> None:
    A, B = (Tensor(rng.random(shape), requires_grad=True) for shape in ((2, 2), (2, 3)))
    alpha = np.array([0.6, 0.4]) * B[:, 0]
    for o in (2, 1, 1, 0, 2, 1, 0, 2, 1, 0, 1, 2):
        alpha = (alpha @ A) * B[:, o]
    diagram = autograd.draw(-np.log(np.sum(alpha)))._diagram
    assert any(cluster.kind == "repeat" for cluster in diagram.clusters)
    entering = [card.value.cells for card in diagram.cards if card.value and card.kind in ("constant", "data")]
    assert (("0.60", "0.40"),) in entering


def test_indices_of_a_loop_are_told_as_they_were_written() -> None:
    emissions, transitions, tags = leaf(6, 3), leaf(3, 3), [0, 2, 1, 1, 0, 2]
    score = emissions[0, tags[0]]
    for t in range(1, 6):
        step = transitions[tags[t - 1], tags[t]] + emissions[t, tags[t]]
        score = score + np.tanh(step)
    told = formulas(autograd.draw(score))
    assert told["step"] == "transitions[tags[t−1], tags[t]] + emissions[t, tags[t]]"


def test_a_loop_that_writes_begins_with_its_first_write() -> None:
    image, kernel = rng.normal(size=(4, 4)), leaf(2, 2)
    out = Tensor(np.zeros((3, 3)))
    for i in range(3):
        for j in range(3):
            out[i, j] = np.sum(image[i : i + 2, j : j + 2] * kernel)
    diagram = autograd.draw(np.sum(np.maximum(out, 0)))._diagram
    assert [cluster.title for cluster in diagram.clusters] == ["× 9"]
    (written,) = (card.expression for card in diagram.cards if card.name == "out")
    assert written.startswith("out[i, j] ← sum(")


def test_numbers_of_a_loop_are_told_as_they_were_written() -> None:
    w, lr, b1 = Tensor(np.ones(2)), Tensor(0.1, requires_grad=True), 0.9
    m = np.zeros(2)
    for t in range(1, 8):
        m = b1 * m + (1 - b1) * w
        m_hat = m / (1 - b1**t)
        w = w - lr * m_hat
    told = formulas(autograd.draw(np.sum(w**2)))
    assert told["m_hat"] == "m / (1 − b1^t)".replace("b1", "b₁")


def test_all_outputs_of_a_module_have_their_names() -> None:
    class ActorCritic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.pi, self.v = (nn.Linear(3, size, rng=size) for size in (3, 2, 1))

        def forward(self, x: Any) -> Any:
            h = np.tanh(self.body(x))
            return self.pi(h), self.v(h)[:, 0]

    net = ActorCritic()
    logits, values = net(rng.normal(size=(4, 3)))
    policy = np.mean(nn.functional.log_softmax(logits)[:, 0])
    loss = np.mean(values**2) - policy
    told = formulas(autograd.draw(loss, depth=0))
    assert told["logits, values"] == "ActorCritic"
    assert told["policy"] == "mean(log_softmax(logits)[:, 0])"


def test_what_a_module_inside_of_another_gave_has_its_path() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(4)
            self.mlp = nn.Sequential(nn.Linear(4, 8, rng=0), nn.GELU(), nn.Linear(8, 4, rng=1))

        def forward(self, x: Any) -> Any:
            return x + self.mlp(self.norm(x))

    y = Block()(rng.normal(size=(3, 4)))
    assert formulas(autograd.draw(np.mean(y**2), depth=1))["y"] == "x + mlp"


def test_targets_of_a_loop_have_one_name() -> None:
    E, W, text = leaf(4, 3), leaf(3, 4), [0, 2, 1, 3, 2, 0, 1]
    loss = 0.0
    for t in range(6):
        logits = E[text[t]] @ W
        loss = loss + nn.functional.cross_entropy(logits[None, :], [text[t + 1]])
    told = formulas(autograd.draw(loss))
    assert told["loss"].endswith("yₜ)")
    assert "y₁" in told


def test_two_layers_of_a_round_are_told_apart() -> None:
    class Dynamics(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.l1, self.l2 = nn.Linear(2, 3, rng=0), nn.Linear(3, 2, rng=1)

        def forward(self, z: Any) -> Any:
            return self.l2(np.tanh(self.l1(z)))

    f, z = Dynamics(), np.ones((1, 2))
    for _ in range(8):
        z = z + 0.1 * f(z)
    diagram = autograd.draw(np.sum(z**2))._diagram
    assert any(cluster.kind == "repeat" for cluster in diagram.clusters)
    names = [card.name for card in diagram.cards if card.expression]
    assert len({*names}) == len(names)


def test_the_code_of_a_function_is_read_once_for_all_pictures(monkeypatch: Any) -> None:
    read = []
    instructions = dis.get_instructions
    monkeypatch.setattr(dis, "get_instructions", lambda code: read.append(code.co_name) or instructions(code))

    def lesson() -> Picture:
        w = leaf(2)
        squares = w**2
        return autograd.draw(np.sum(squares))

    assert "squares" in formulas(lesson())
    assert "squares" in formulas(lesson())
    assert read.count("lesson") == 1


def test_what_a_module_is_called_with_has_its_own_name_though_functions_used_it_too() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)

        def forward(self, x: Any) -> Any:
            x = nn.functional.relu(self.conv1(x))
            x = nn.functional.relu(self.conv2(x))
            return x.reshape(len(x), -1)

    x = rng.normal(size=(2, 1, 6, 6))
    logits = Net()(x)
    loss = nn.functional.cross_entropy(logits, np.array([0, 2]))
    cards = autograd.draw(loss)._diagram.cards
    assert [card.name for card in cards if not card.expression and card.kind in ("data", "target")] == ["x", "y"]


def test_values_of_a_variable_have_numbers_from_the_first_one_on() -> None:
    """A helper computes them, a start has the variable's name, and the last is what the variable still holds."""
    W, U = leaf(3, 2), leaf(2, 2)

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    h: Any = np.zeros((4, 2))
    for x in rng.normal(size=(2, 4, 3)):
        z = sigmoid(x @ W + h @ U)
        h = (1 - z) * h + z * np.tanh(x @ W)
    loss = np.mean(h**2)
    told = formulas(autograd.draw(loss))
    assert {"z₁", "z₂", "h₀", "h₁", "h₂"} <= told.keys(), told.keys()
    assert "h₀" in told["z₁"]
    assert "h₁" in told["z₂"]
    assert told["h₂"].startswith("(1 − z₂) * h₁ + z₂ * ")


def test_what_a_function_returns_keeps_the_name_of_its_caller() -> None:
    Ws = {f"W{k}": leaf(3, 3) for k in (1, 2, 3)}

    def forward(x: Any) -> Any:
        a = x
        for k in (1, 2, 3):
            z = a @ Ws[f"W{k}"]
            a = np.tanh(z) if k < 3 else z
        return a

    logits = forward(rng.normal(size=(4, 3)))
    loss = np.mean(logits**2)
    told = formulas(autograd.draw(loss))
    assert {"z₁", "z₂", "logits"} <= told.keys(), told.keys()
    assert "dlogits" in str(autograd.derive(loss).source)


def test_a_variable_has_no_number_where_its_other_value_is_not_drawn() -> None:
    w = np.exp(rng.normal(size=(2, 3)) @ leaf(3, 3))
    w = w / np.sum(w, axis=1, keepdims=True)
    loss = np.sum(w**2)
    told = formulas(autograd.draw(loss))
    assert told["loss"] == "Σ w²"
    assert "w₂" not in told


def test_a_made_up_name_is_no_number_of_a_variable() -> None:
    x = Tensor(0.5, requires_grad=True)
    z = np.log(1 + x**2)
    w = np.sqrt(z + x) * np.cos(z)
    told = formulas(autograd.draw(w, detail="operations"))
    assert not {"z₁", "z₂"} & told.keys(), told.keys()
    h1 = np.tanh(x)
    told = formulas(autograd.draw(h1 * np.tanh(2 * x), detail="operations"))
    assert not {"h", "h₂", "h₃"} & told.keys(), told.keys()


def test_the_identity_of_one_row_is_a_one() -> None:
    r = Tensor(0.5, requires_grad=True)
    R = r * np.eye(1)
    assert formulas(autograd.draw(np.sum(R**2)))["R"] == "r * 1"
