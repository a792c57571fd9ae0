"""Pictures of functions that have ended: their variables are gone, and the source code tells their names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor

rng = np.random.default_rng(0)


def leaf(*shape: int) -> Tensor:
    return Tensor(rng.normal(size=shape), requires_grad=True)


def titles(output: Any, **options: Any) -> list[str]:
    cards = autograd.draw(output, **options)._diagram.cards
    return [f"{card.name} = {card.expression}" for card in cards if card.expression]


def names(output: Any, **options: Any) -> set[str]:
    return {card.name for card in autograd.draw(output, **options)._diagram.cards}


def test_variables_of_a_function_that_has_ended_name_its_values() -> None:
    def normalised(x: Any) -> Any:
        mu = np.mean(x, axis=0)
        centred = x - mu
        return centred / np.sqrt(np.mean(centred**2, axis=0))

    loss = np.sum(normalised(leaf(4, 2)) ** 3)
    assert {"μ = mean(x, axis=0)", "centred = x − μ"} <= set(titles(loss))


def test_methods_and_functions_in_python_give_values_with_names() -> None:
    import nn

    def loss_of(x: Any) -> Any:
        mean = x.mean()
        active = nn.functional.relu(x)
        return np.sum(active * mean * mean * active)

    assert names(loss_of(leaf(3))) >= {"mean", "active"}


def test_a_variable_that_was_assigned_again_has_numbers() -> None:
    def forward(x: Any, W1: Any, W2: Any) -> Any:
        h = np.tanh(x @ W1)
        h = np.tanh(h @ W2)
        return h - 1

    loss = np.mean(forward(rng.normal(size=(2, 3)), leaf(3, 4), leaf(4, 1)) ** 2)
    assert [title.partition(" ")[0] for title in titles(loss)] == ["h₁", "h₂", "output"]


def test_what_a_function_gave_is_called_as_where_it_was_used() -> None:
    def encode(x: Any, W: Any) -> Any:
        return np.tanh(x @ W), np.exp(x @ W)

    def loss_of(x: Any, W: Any) -> Any:
        mean, scale = encode(x, W)
        return np.sum(mean * scale)

    assert {"mean", "scale"} <= names(loss_of(rng.normal(size=(2, 3)), leaf(3, 4)))


def test_attributes_and_entries_name_values_too() -> None:
    class Layer:
        def __init__(self) -> None:
            self.cache: dict[str, Any] = {}

        def __call__(self, x: Any) -> Any:
            self.z = x**2
            self.cache["a"] = np.exp(self.z)
            steps: dict[int, Any] = {}
            for t in range(2):
                steps[t] = np.sin(self.cache["a"] * t)
            return self.cache["a"] * self.z * steps[0] * steps[1]

    assert {"z", "a", "steps₁", "steps₂"} <= names(Layer()(leaf(3)))


def test_modules_are_no_values() -> None:
    scope: dict[str, Any] = {}
    exec("import numpy as np\ndef loss(x):\n    return np.mean(x ** 2)", scope)
    assert "np" not in names(scope["loss"](leaf(3)))


def test_stages_that_have_variables_of_their_own_are_no_loop() -> None:
    def slope(y: Any, k: Any) -> Any:
        return -k * y

    def step(y: Any, k: Any) -> Any:
        k1 = slope(y, k)
        k2 = slope(y + 0.25 * k1, k)
        k3 = slope(y + 0.25 * k2, k)
        k4 = slope(y + 0.5 * k3, k)
        return y + (k1 + 2 * k2 + 2 * k3 + k4) / 12

    y, k = (Tensor(value, requires_grad=True) for value in (1.0, 0.7))
    assert names(step(y, k)) >= {"k₁", "k₂", "k₃", "k₄"}


def test_parts_of_a_sum_have_not_its_name() -> None:
    def neuron(w: Any, b: Any) -> Any:
        act = sum((one * k for k, one in enumerate(w, 2)), b)
        return np.tanh(act)

    w = [Tensor(value, requires_grad=True) for value in (0.5, -1.0)]
    out = neuron(w, Tensor(0.1, requires_grad=True))
    assert [title for title in titles(out) if title.startswith("act")] == ["act = w + w[0] * 2 + w[1] * 3"]


def test_operands_are_told_from_other_arguments() -> None:
    def product(x: Any, W: Any) -> Any:
        centred = x - 1
        return np.einsum("ij,jk->ik", centred, W)

    loss = np.sum(product(leaf(2, 3), leaf(3, 2)))
    assert "einsum" in titles(loss)[-1]
    assert names(loss) >= {"centred"}
    assert not names(loss) & {"centred₁", "centred₂"}


def test_a_function_of_a_module_is_no_method_of_it() -> None:
    import nn

    def soft(x: Any) -> Any:
        return np.sum(nn.functional.log_softmax(x / 2))

    assert "functional" not in names(soft(leaf(3)))


def test_a_softmax_is_one_whatever_its_function_calls_the_parts() -> None:
    def softmax(x: Any) -> Any:
        e = np.exp(x - np.max(x, axis=1, keepdims=True))
        return e / np.sum(e, axis=1, keepdims=True)

    p = softmax(leaf(2, 3))
    assert titles(np.sum(p**2))[0] == "p = softmax(v, axis=1)" or "softmax" in titles(np.sum(p**2))[0]


def test_a_constant_that_nobody_named_is_told_as_it_was_written() -> None:
    def shifted(x: Any, P: Any, Q: Any) -> Any:
        return x @ P @ x + np.sum(x * (Q @ np.ones(2)))

    Q = np.array([[1.0, 0.5], [0.2, 2.0]])
    out = shifted(leaf(2), np.eye(2), Q)
    assert {"I", "Q @ ones(2)"} <= names(out)


def test_the_first_round_of_adam_began_with_zeros_and_is_one() -> None:
    def adam(w: Any, lr: Any, steps: int) -> Any:
        m = np.zeros(2)
        v = np.zeros(2)
        for t in range(1, steps + 1):
            g = 2 * w
            m = 0.9 * m + 0.1 * g
            v = 0.99 * v + 0.01 * g**2
            m_hat = m / (1 - 0.9**t)
            v_hat = v / (1 - 0.99**t)
            w = w - lr * m_hat / (np.sqrt(v_hat) + 1e-8)
        return w

    lr = Tensor(0.1, requires_grad=True)
    diagram = autograd.draw(np.sum(adam(np.array([1.0, -2.0]), lr, 4) ** 2))._diagram
    assert [cluster.title for cluster in diagram.clusters] == ["× 4"]
    assert {card.name for card in diagram.cards} >= {"g", "m", "v", "m_hat", "v_hat", "lr"}


def test_a_loop_begins_where_its_first_line_stands() -> None:
    def forward(x: Any, T: Any, e: Any) -> Any:
        alpha = x
        for t in range(6):
            s = alpha + T
            alpha = np.log(np.sum(np.exp(s), axis=0)) + e[t]
        return alpha

    told = titles(np.sum(forward(leaf(3), leaf(3, 3), leaf(6, 3))), size=(600, 400))
    assert told[0].startswith("s = ")


def test_neurons_beside_each_other_are_no_loop() -> None:
    def neuron(w: Any, b: Any, x: Any) -> Any:
        return np.tanh(w[0] * x[0] + w[1] * x[1] + b)

    numbers = iter(rng.normal(size=9))
    parts = [[Tensor(next(numbers), requires_grad=True) for _ in range(3)] for _ in range(3)]
    first = [neuron(w, b, (2.0, -1.0)) for *w, b in parts[:2]]
    *w, b = parts[2]
    assert not autograd.draw((neuron(w, b, first) - 1.0) ** 2)._diagram.clusters


@pytest.mark.parametrize("detail", ["statements", "operations"])
def test_numbers_are_those_of_the_engine(detail: Any) -> None:
    def model(x: Any, W: Any) -> Any:
        z = x @ W
        z = np.maximum(z, 0.1 * z)
        return np.mean(z**2)

    W = leaf(2, 2)
    loss = model(rng.normal(size=(3, 2)), W)
    (card,) = (card for card in autograd.draw(loss, detail=detail)._diagram.cards if card.name == "W")
    loss.backward()
    assert W.grad is not None
    assert card.gradient is not None
    assert card.gradient.cells[0][0] == f"{W.grad[0, 0]:.2f}".replace("-", "−")
