"""What cards and edges say of how a gradient came about, what circuits write, and what comparisons judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor
from autograd.notation.names import Scope
from autograd.render.build import build_scene
from autograd.render.diagram import Card, Diagram
from autograd.render.options import Options
from autograd.render.style import STYLES
from autograd.testing import compare_grads

GOLDEN = Path(__file__).parent / "golden"
NOTHING: Mapping[str, Any] = {}


def picture(output: Tensor, scope: Mapping[str, Any] = NOTHING, **asked: Any) -> Diagram:
    asked["style"] = STYLES[asked.get("style", "cards")]
    return build_scene(output._node, Scope(scope), {}, Options(**{"statements": False, **asked})).diagram


def cards(output: Tensor, scope: Mapping[str, Any] = NOTHING, **asked: Any) -> dict[str, Card]:
    return {card.name: card for card in picture(output, scope, **asked).cards}


def leaf(data: Any, name: str | None = None) -> Tensor:
    return Tensor(data, requires_grad=True, name=name)


# Sums


def test_the_gradient_of_a_number_that_is_used_twice_is_written_as_a_sum() -> None:
    x, y = leaf(3.0, "x"), leaf(4.0, "y")
    card = cards(x * y + x)["x"]
    assert card.gradient is not None
    assert (card.total, card.gradient.cells) == ("4.00 + 1.00 =", (("5.00",),))


def test_the_terms_stand_in_the_order_of_the_program() -> None:
    x = leaf(3.0, "x")
    assert cards(x * 2.0 - x * 5.0 + x)["x"].total == "2.00 − 5.00 + 1.00 ="


def test_more_terms_than_fit_are_counted() -> None:
    x = leaf(3.0, "x")
    card = cards(x + x + x + x + x)["x"]
    assert (card.total, card.note) == ("", "sum over 5 uses")


def test_of_an_array_the_uses_are_counted() -> None:
    x = leaf([1.0, 2.0], "x")
    assert cards(np.sum(x * x))["x"].note == "sum over 2 uses"


def test_a_value_used_once_says_nothing() -> None:
    card = cards(leaf(3.0, "x") * 2.0)["x"]
    assert (card.total, card.note) == ("", "")


@pytest.mark.parametrize(
    ("shape", "note"), [((3,), "Σ 2×3 → 3"), ((2, 1), "Σ 2×3 → 2×1"), ((2, 3), ""), ((), "Σ 2×3 → scalar")]
)
def test_where_a_gradient_was_summed_back_the_card_says_so(shape: tuple[int, ...], note: str) -> None:
    b = leaf(np.ones(shape), "b")
    assert cards(np.sum(np.ones((2, 3)) + b))["b"].note == note


def test_each_of_two_uses_says_what_came_back() -> None:
    x, y = leaf(3.0, "x"), leaf(4.0, "y")
    told = [edge.gradient for edge in picture(x * y + x).edges]
    assert told == ["4.00", "", "", "1.00"]
    assert [edge.gradient for edge in picture(x * x).edges] == ["3.00", "3.00"]


def test_one_pass_says_nothing_of_another_at_the_same_time() -> None:
    """Drawing watches the engine; what other threads do then is not its business."""
    from concurrent.futures import ThreadPoolExecutor

    x = leaf(3.0, "x")
    outputs = [x * 2.0 + x * float(k) for k in range(16)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda out: cards(out)["x"].total, outputs))
    assert told == [f"2.00 + {k:.2f} =" if k else "2.00 + 0 =" for k in range(16)]


# Rules


@pytest.mark.parametrize(
    ("make", "rules"),
    [
        (lambda a, b: np.sum(a * b), ["g ⊙ b", "g ⊙ a", "g"]),
        (lambda a, b: np.sum(a @ b), ["g bᵀ", "aᵀ g", "g"]),
        (lambda a, b: np.mean((a - b) ** 2), ["g", "−g", "2g ⊙ v₁", "g / n"]),
        (lambda a, b: np.sum(np.maximum(0, a) / b), ["g ⊙ 1[a > 0]", "g ⊘ b", "−g ⊙ h ⊘ b²", "g"]),
        (lambda a, b: np.sum(a + b[0]), ["[0] += g", "g", "Σ g", "g"]),
        (lambda a, b: np.sum(nn.functional.linear(a, b, b[0])), ["[0] += g", "g bᵀ", "aᵀ g", "Σᵢ gᵢ", "g"]),
    ],
)
def test_the_local_rule_of_each_use(make: Any, rules: list[str]) -> None:
    a, b = leaf(np.ones((2, 2)), "a"), leaf(np.full((2, 2), 2.0), "b")
    assert [edge.rule for edge in picture(make(a, b), rules=True, collapse="none").edges] == rules


def test_rules_have_numbers_in_front_and_no_factor_of_one() -> None:
    a = leaf([1.0, 2.0], "a")
    assert [edge.rule for edge in picture(np.sum(1.0 / (0.5 * a)), rules=True).edges] == ["0.5g", "−g ⊘ v₁²", "g"]


def test_rules_of_what_takes_any_number_of_operands_say_which() -> None:
    joined = np.concatenate([leaf([1.0], "a"), leaf([2.0], "b")])
    assert [edge.rule for edge in picture(np.sum(joined), rules=True).edges] == ["g[part 1]", "g[part 2]", "g"]


def test_rules_of_numbers_have_the_signs_of_numbers() -> None:
    x, y = leaf(3.0, "x"), leaf(4.0, "y")
    assert [edge.rule for edge in picture(x * y / 2.0, rules=True).edges] == ["g · y", "g · x", "g / 2"]


def test_without_asking_there_are_no_rules() -> None:
    assert all(edge.rule == "" for edge in picture(leaf(3.0) * 2.0).edges)


def test_what_has_no_gradient_has_no_rule() -> None:
    assert [edge.rule for edge in picture(leaf(3.0) * Tensor(2.0), rules=True).edges][1] == ""


# Writing in place


def test_a_write_is_one_card() -> None:
    out, v = Tensor(np.zeros(3)) * leaf(1.0, "w"), leaf(2.0, "v")
    out[1] = v
    assert cards(np.sum(out), {"out": out})["out"].expression == "v₁[1] ← v"


def test_only_what_was_stretched_into_its_place_is_summed_back() -> None:
    out, one, two = Tensor(np.zeros(3)) * leaf(1.0, "w"), leaf(2.0, "one"), leaf(5.0, "two")
    out[0], out[1:] = one, two
    shown = cards(np.sum(out))
    assert (shown["one"].note, shown["two"].note) == ("", "Σ 2 → scalar")


def test_a_write_through_a_view_is_one_card() -> None:
    out = Tensor(np.zeros((2, 2))) * leaf(1.0, "w")
    row = out[0]
    row += 1
    shown = picture(np.sum(out**2), {"out": out})
    assert [card.expression for card in shown.cards if card.expression] == [
        "0 * w", "out₂[0]", "row + 1", "out₂[0] ← v₁", "out²", "Σ v₂",
    ]  # fmt: skip


# Circuits


def test_a_circuit_has_a_gate_for_each_operation_and_a_wire_for_each_value() -> None:
    x, y = leaf(3.0, "x"), leaf(4.0, "y")
    source = autograd.draw(x * y + x, style="circuit").source
    assert len(re.findall(r'class="gate"', source)) == 2
    assert len(re.findall(r'class="card', source)) == 4
    assert "4.00 + 1.00 =" in source


@pytest.mark.parametrize(
    ("make", "sign"),
    [
        (lambda x: x + 2.0, "+ 2"),
        (lambda x: 2.0 * x, "× 2"),
        (lambda x: x - 2.0, "− 2"),
        (lambda x: 2.0 - x, "2 − x"),
        (lambda x: x / 2.0, "÷ 2"),
        (lambda x: 1.0 / x, "1/x"),
        (lambda x: x**3, "x³"),
        (lambda x: -x, "−"),
        (lambda x: np.exp(x), "exp"),
        (lambda x: np.maximum(0, x), "max 0"),
        (lambda x: nn.functional.sigmoid(x), "σ"),
        (lambda x: x * x, "×"),
        (lambda x: np.maximum(x, x), "max"),
        (lambda x: x - x, ""),
        (lambda x: np.arctan2(x, x), ""),
    ],
)
def test_the_sign_of_a_gate(make: Any, sign: str) -> None:
    assert picture(make(leaf(3.0, "x")), style="circuit").output.sign == sign


def test_a_gate_that_minds_the_order_of_its_wires_names_them() -> None:
    x, y = leaf(3.0, "x"), leaf(4.0, "y")
    source = autograd.draw(np.exp(x) - y * x, style="circuit").source
    assert 'label="v₁ − v₂"' in source
    assert all(f"<B>{told}</B>" in source for told in ("v₁ = 20.09", "v₂ = 12.00"))
    assert "v₁ = " not in autograd.draw(np.exp(x) + y * x, style="circuit").source


def test_a_wire_that_a_rule_speaks_of_has_its_name() -> None:
    output = leaf(3.0, "x") * 2.0 / leaf(4.0, "y")
    named = np.sin(np.exp(leaf(1.0, "x")))
    assert "<B>v = " in autograd.draw(named, style="circuit", rules=True).source
    assert "<B>v = " not in autograd.draw(named, style="circuit").source
    assert "<B>v = " in autograd.draw(output, style="circuit").source


def test_a_circuit_of_arrays_is_refused() -> None:
    w = leaf([1.0, 2.0], "w")
    with pytest.raises(
        ValueError, match=r"a circuit is drawn of numbers, and here is w of shape \(2,\); use style='cards'"
    ):
        autograd.draw(np.sum(w), style="circuit")


def test_numbers_that_are_not_finite_are_marked_in_a_circuit() -> None:
    from autograd.render import palette

    with np.errstate(all="ignore"):
        source = autograd.draw(leaf(np.inf, "x") * 2.0, style="circuit").source
    assert f'COLOR="{palette.ALARM}"><B>∞</B>' in source


def test_norms_that_are_not_finite_are_marked_too() -> None:
    from autograd.render import palette

    w = leaf(np.full((2, 2), np.nan), "w")
    assert f'COLOR="{palette.ALARM}"><B>NaN</B>' in autograd.draw(np.sum(w), style="overview").source


# Golden pictures


def styled(style: Any) -> Any:
    w, x, b = leaf(2.0, "w"), Tensor(-1.0, name="x"), leaf(0.5, "b")
    s = w * x + b
    return autograd.draw(nn.functional.sigmoid(s) * s, style=style, rules=style == "circuit", title="A neuron")


@pytest.mark.parametrize("style", ["circuit", "overview", "plain"])
def test_the_text_of_a_style_is_the_golden_one(style: str) -> None:
    """To accept a change: look at the picture, then write `styled(style).source` to the file."""
    assert styled(style).source == (GOLDEN / f"{style}.dot").read_text(encoding="utf-8")


def test_the_text_of_modules_is_the_golden_one() -> None:
    assert modules().source == (GOLDEN / "modules.dot").read_text(encoding="utf-8")


def modules() -> Any:
    model = nn.Sequential(*[part for _ in range(9) for part in (nn.Linear(2, 2), nn.Tanh())])
    for parameter in model.parameters():
        parameter.data = np.full(parameter.shape, 0.5)
    x, y = np.ones((1, 2)), np.zeros((1, 2))
    return autograd.draw(nn.MSELoss()(model(x), y), title="Nine layers")


# Comparisons


def network() -> tuple[Tensor, dict[str, Tensor]]:
    x, y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0], [0.0]])
    W, b = leaf([[0.5], [-1.0]], "W"), leaf([0.1], "b")
    z = x @ W + b
    loss = np.mean((np.tanh(z) - y) ** 2)
    return loss, {"W": W, "b": b, "z": z}


def true(loss: Tensor, tensors: dict[str, Tensor]) -> dict[Tensor, Any]:
    tensors["z"].retain_grad()
    loss.backward()
    return {tensor: tensor.grad.copy() for tensor in tensors.values()}


def judged(picture: Any) -> dict[str, str]:
    return {card.name: card.verdict for card in picture._diagram.cards if card.verdict}


def test_right_gradients_are_marked_right() -> None:
    loss, tensors = network()
    drawn = autograd.draw_comparison(loss, true(loss, tensors))
    assert judged(drawn) == {"W": "right", "b": "right", "z": "right"}
    assert drawn._diagram.notes == ("all 3 gradients derived by hand are right",)


def test_the_first_wrong_one_on_the_way_back_is_told_from_those_that_follow() -> None:
    loss, tensors = network()
    hand = {tensor: 2 * g for tensor, g in true(loss, tensors).items()}
    z = tensors["z"]
    drawn = autograd.draw_comparison(loss, hand)
    assert judged(drawn) == {"W": "wrong", "b": "wrong", "z": "first wrong"}
    assert drawn._diagram.notes == ("3 of 3 gradients derived by hand are wrong; the first wrong link is ∂loss/∂z",)
    assert [edge.tail for edge in drawn._diagram.edges if edge.wrong] == [
        card.id for card in drawn._diagram.cards if card.name == "z"
    ]
    assert z.shape == (2, 1)


def test_a_wrong_gradient_stands_beside_the_true_one() -> None:
    loss, tensors = network()
    truth = true(loss, tensors)
    W = tensors["W"]
    card = next(c for c in autograd.draw_comparison(loss, {W: -truth[W]})._diagram.cards if c.name == "W")
    assert card.hand is not None
    assert card.gradient is not None
    assert [row[0].replace("−", "") for row in card.hand.cells] == [r[0].replace("−", "") for r in card.gradient.cells]
    assert card.hand.cells != card.gradient.cells


def test_of_large_arrays_the_worst_place_is_told() -> None:
    w = leaf(np.arange(100.0), "w")
    loss = np.sum(w**2)
    hand = 2 * w.data
    hand[70] = 0
    (card,) = [c for c in autograd.draw_comparison(loss, {"w": hand})._diagram.cards if c.name == "w"]
    assert card.remark == "at [70] hand 0, true 140.0"


def test_what_is_marked_is_not_folded_away() -> None:
    h = leaf(np.ones((2, 2)), "w")
    middle: Any = None
    for step in range(60):
        h = np.tanh(h) if step % 7 else h * float(step)
        middle = h if step == 30 else middle
    drawn = autograd.draw_comparison(np.sum(h), {middle: np.ones((2, 2))})
    assert sum(card.verdict == "first wrong" for card in drawn._diagram.cards) == 1


def test_a_report_draws_itself_with_its_causes() -> None:
    loss, tensors = network()
    hand = {tensor: 2 * g for tensor, g in true(loss, tensors).items()}
    report = compare_grads(loss, hand)
    drawn = report.draw(title="My derivation")
    assert judged(drawn) == {"W": "follows", "b": "follows", "z": "first wrong"}
    assert "✗ first wrong link: scale" in drawn.source
    assert "My derivation" in drawn.source


@pytest.mark.parametrize(
    ("hand", "message"),
    [
        ({"nobody": np.ones(1)}, "hand: 'nobody' is not in the graph"),
        ({leaf(1.0, "other"): 1.0}, r"hand: other of shape \(\) is not in the graph"),
        ({"b": np.ones(2)}, r"hand: a gradient of shape \(2,\) for b of shape \(1,\)"),
    ],
)
def test_a_gradient_of_nothing_in_the_graph_is_refused(hand: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        autograd.draw_comparison(network()[0], hand)


def test_a_comparison_needs_a_number() -> None:
    with pytest.raises(ValueError, match="takes an output of one element"):
        autograd.draw_comparison(leaf([1.0, 2.0]) * 2.0, {})


# Differences


def model(*sizes: int, activation: Any = nn.ReLU) -> Tensor:
    x = np.ones((2, sizes[0]))
    out: Tensor = np.sum(nn.MLP(list(sizes), activation=activation, rng=0)(x))
    return out


def marks(drawn: Any, side: str) -> list[tuple[str, str, str]]:
    return [(c.name, c.verdict, c.remark) for c in drawn._diagram.cards if c.verdict and c.id.startswith(side)]


def test_two_alike_have_no_marks_and_the_picture_says_so() -> None:
    drawn = autograd.draw_diff(model(3, 4, 1), model(3, 4, 1))
    assert marks(drawn, "a") == marks(drawn, "b") == []
    assert drawn._diagram.notes == ("the two are alike",)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda w: np.sum(w * 3.0), "(a, a) → (a, 3)"),
        (lambda w: np.sum(w * np.ones(2)), "(a, a) → (a, b)"),
        (lambda w: np.sum(w * w), ""),
    ],
)
def test_operations_of_other_operands_are_no_longer_the_same(make: Any, told: str) -> None:
    w = leaf([1.0, 2.0], "w")
    drawn = autograd.draw_diff(np.sum(w * w), make(w))
    assert [remark for _, verdict, remark in marks(drawn, "a") if verdict == "changed"] == [told] * bool(told)
    assert (drawn._diagram.notes == ("the two are alike",)) == (not told)


def test_each_of_two_is_headed_by_its_name_and_by_a_letter_where_that_is_the_same() -> None:
    before, after = model(3, 4, 1), model(3, 5, 1)
    headings = [cluster.title for cluster in autograd.draw_diff(before, after)._diagram.clusters if not cluster.parent]
    assert headings == ["before", "after"]
    alike = autograd.draw_diff(model(3, 4, 1), model(3, 5, 1))
    assert [cluster.title for cluster in alike._diagram.clusters if not cluster.parent] == ["a: out", "b: out"]


def test_what_was_added_and_what_was_removed() -> None:
    short, long = model(3, 4, 1), model(3, 4, 4, 1)
    added = [(name, verdict) for name, verdict, _ in marks(autograd.draw_diff(short, long), "b")]
    assert sorted(added) == [("Linear(4, 4)", "added"), ("ReLU", "added")]
    assert marks(autograd.draw_diff(short, long), "a") == []
    assert [verdict for _, verdict, _ in marks(autograd.draw_diff(long, short), "a")] == ["removed", "removed"]


def test_what_changed_in_shape_says_how() -> None:
    drawn = autograd.draw_diff(model(3, 4, 1), model(3, 5, 1))
    assert marks(drawn, "a") == [
        ("Linear(3, 4)", "changed", "(3, 4) → (3, 5)"),
        ("ReLU", "changed", "2×4 → 2×5"),
        ("Z₂", "changed", "(4, 1) → (5, 1)"),
    ]


def test_another_activation_is_one_removed_and_one_added() -> None:
    drawn = autograd.draw_diff(model(3, 4, 1), model(3, 4, 1, activation=nn.Tanh))
    assert [(name, verdict) for name, verdict, _ in marks(drawn, "a")] == [("ReLU", "removed")]
    assert [(name, verdict) for name, verdict, _ in marks(drawn, "b")] == [("Tanh", "added")]


def test_functions_are_compared_operation_by_operation() -> None:
    w = leaf([1.0, 2.0], "w")
    drawn = autograd.draw_diff(np.sum(np.exp(w)), np.sum(np.tanh(np.exp(w))))
    assert [verdict for _, verdict, _ in marks(drawn, "b")] == ["added"]
    assert "rank=same; a1; b1" in drawn.source


def test_large_graphs_are_compared_too() -> None:
    drawn = autograd.draw_diff(model(*[8] * 60, 1), model(*[8] * 60, 2))
    assert len(drawn._diagram.cards) < 60


def test_a_difference_of_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"draw_diff takes the Tensor that was computed"):
        autograd.draw_diff(model(3, 1), nn.MLP([3, 1]))  # type: ignore[arg-type]


def test_a_gradient_through_a_transpose_is_that_of_the_product_transposed() -> None:
    q, k = leaf(np.ones((2, 3))), leaf(np.ones((2, 3)))
    s = q @ k.T / 2.0
    drawn = autograd.draw(np.sum(s * s), rules=True, detail="statements")._diagram
    assert {"(g ⊘ 2) k", "(qᵀ (g ⊘ 2))ᵀ"} <= {edge.rule for edge in drawn.edges}


def test_a_row_times_a_column_sums_nothing_back() -> None:
    """Only axes before the last two are broadcast by a product of matrices."""
    column, row = Tensor(np.ones((4, 1)), requires_grad=True), Tensor(np.ones((1, 3)), requires_grad=True)
    loss = np.sum(column @ row)
    assert {card.note for card in autograd.draw(loss)._diagram.cards} == {""}
    one = Tensor([2.0], requires_grad=True)
    assert {card.note for card in autograd.draw(one @ (one * 3.0))._diagram.cards} == {""}
    stack, shared = Tensor(np.ones((5, 4, 3)), requires_grad=True), Tensor(np.ones((3, 2)), requires_grad=True)
    notes = {card.name: card.note for card in autograd.draw(np.sum(stack @ shared))._diagram.cards}
    assert notes["shared"] == "Σ 5×4×2 → 3×2"


def test_what_was_made_of_arrays_with_names_says_so() -> None:
    X, y, t = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.2]]), np.array([0.3, 1.0, -2.0]), np.array([0.1, 0.4, 0.9])
    w, v = Tensor([1.0, -1.0], requires_grad=True), Tensor(np.ones(3), requires_grad=True)
    drawn = autograd.draw(np.sum((X.T @ X) @ w - X.T @ y) + np.sum(2 / 3 * X.T @ v) + np.sum(3 * (1 - t) ** 2 * t * v))
    names = {card.name for card in drawn._diagram.cards}
    assert {"Xᵀ X", "Xᵀ y", "2/3 * Xᵀ", "3 * t * (1 − t)²"} <= names


def test_a_part_of_an_array_is_not_called_as_the_whole() -> None:
    B, w = np.arange(12.0).reshape(3, 4), Tensor(2.0, requires_grad=True)
    drawn = autograd.draw(np.sum(w * B[:, 2]) + np.sum(w * B[1:, :2]) + np.sum(w * B[0]) + np.sum(w * B[:, None]))
    names = [card.name for card in drawn._diagram.cards if not card.expression]
    assert names == ["w", "B[:, 2]", "B[1:, :2]", "B₀", "B"]


def test_what_both_of_two_graphs_have_is_no_part_of_the_difference() -> None:
    x, y = np.ones((4, 3)), np.ones((4, 1))
    W1, W2, W3 = leaf(np.ones((3, 3)), "W1"), leaf(np.eye(3), "W2"), leaf(np.ones((3, 1)), "W3")
    h1 = np.tanh(x @ W1)
    h2 = h1 + np.tanh(h1 @ W2)
    compared = autograd.draw_diff(np.mean((h1 @ W3 - y) ** 2), np.mean((h2 @ W3 - y) ** 2))._diagram
    marked = {card.name: card.verdict for card in compared.cards if card.id.startswith("b")}
    assert (marked["W₁"], marked["h₁"], marked["W₂"], marked["h₂"]) == ("", "", "added", "added")
