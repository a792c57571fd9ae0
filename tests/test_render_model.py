"""What a picture shows, before anybody draws it: cards, uses, roles, names, gradients."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor
from autograd.core.op import operations
from autograd.notation.names import Scope
from autograd.notation.words import scalar_text
from autograd.render.build import build_scene
from autograd.render.diagram import Card, Diagram
from autograd.render.options import Options
from autograd.render.style import STYLES


def picture(output: Tensor, scope: Mapping[str, Any] = {}, **options: Any) -> Diagram:
    options = {"statements": False, **options, "style": STYLES[options.get("style", "cards")]}
    names = options.pop("names", {})
    return build_scene(output._node, Scope(scope), names, Options(**options)).diagram


def cards(output: Tensor, scope: Mapping[str, Any] = {}, **options: Any) -> dict[str, Card]:
    return {card.name: card for card in picture(output, scope, **options).cards}


def leaf(data: Any = 2.0, name: str | None = None) -> Tensor:
    return Tensor(data, requires_grad=True, name=name)


# Cards and uses


def test_cards_stand_in_the_order_of_the_program_with_ids_by_position() -> None:
    w, x, b = leaf(name="w"), Tensor(3.0, name="x"), leaf(name="b")
    shown = picture(w * x + b)
    assert [(card.id, card.name) for card in shown.cards] == [
        ("n0", "w"), ("n1", "x"), ("n2", "v"), ("n3", "b"), ("n4", "L"),
    ]  # fmt: skip


def test_a_value_used_twice_by_one_operation_has_two_edges() -> None:
    x = leaf(name="x")
    assert [(edge.tail, edge.head) for edge in picture(x * x).edges] == [("n0", "n1"), ("n0", "n1")]


def test_a_shared_value_has_one_card() -> None:
    x = leaf(1.0, name="x")
    for _ in range(20):
        x = x * x
    shown = picture(x, collapse="none")
    assert (len(shown.cards), len(shown.edges)) == (21, 40)


def test_arrays_are_cards_and_numbers_are_text() -> None:
    w, x = leaf([1.0, 2.0], "w"), np.array([3.0, 4.0])
    product = cards(w * x * 0.5 + np.float64(2), {"x": x, "out": None})
    assert product.keys() == {"w", "x", "v₁", "v₂", "out"}
    assert product["out"].expression == "v₂ + 2"


def test_an_array_used_twice_has_one_card() -> None:
    x = np.ones(2)
    assert len(picture(leaf([1.0, 2.0]) * x * x).cards) == 4


def test_the_arrays_of_an_index_are_no_cards() -> None:
    rows = np.array([0, 1, 1, 1])
    chosen = leaf([1.0, 2.0], "w")[rows]
    assert picture(chosen).output.expression == "w[indices]"
    assert picture(chosen, {"rows": rows}).output.expression == "w[rows]"
    assert len(picture(chosen).cards) == 2


def test_what_happens_to_the_arrays_later_does_not_change_the_picture() -> None:
    x = np.array([1.0, 2.0])
    shown = cards(leaf([1.0, 2.0], "w") * x, {"x": x})
    x[:] = 7
    assert shown["x"].value is not None
    assert shown["x"].value.cells == (("1.00", "2.00"),)


def test_a_parameter_that_was_updated_is_drawn_as_it_was_used() -> None:
    w = leaf([1.0])
    loss = np.sum(w * 3.0)
    w.data = np.array([5.0])
    card = cards(loss, {"w": w})["w"]
    assert card.value is not None
    assert card.value.cells == (("1.00",),)


# Roles


def test_roles_in_a_network() -> None:
    x, y = np.ones((3, 2)), np.zeros((3, 1))
    W, b = leaf(np.ones((2, 1))), leaf([0.0])
    loss = np.mean((x @ W + b - y) ** 2)
    kinds = {name: card.kind for name, card in cards(loss, locals()).items()}
    assert {name: kinds[name] for name in ("x", "W", "b", "y", "loss")} == {
        "x": "data", "W": "parameter", "b": "parameter", "y": "target", "loss": "loss",
    }  # fmt: skip


def test_an_array_in_the_middle_of_a_network_is_a_constant() -> None:
    mask = np.array([1.0, 0.0])
    h = np.tanh(leaf([1.0, 2.0])) * mask
    assert cards(np.sum(h * leaf([1.0, 1.0])), {"mask": mask})["mask"].kind == "constant"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("z", "output"), ("loss", "loss"), ("data_loss", "loss"), ("L", "loss"), ("L2", "loss"), ("loss_1", "loss")],
)
def test_a_scalar_output_is_a_loss_if_it_is_called_one(name: str, kind: str) -> None:
    out = leaf() * 2.0
    assert picture(out, {name: out}).output.kind == kind


def test_what_a_detached_value_was_made_of_is_not_drawn() -> None:
    w = leaf(name="w")
    stopped = (w * 3.0).detach()
    shown = cards(w * stopped, {"stopped": stopped})
    assert shown["stopped"].kind == "data"
    assert len(shown) == 3


# Gradients


def test_gradients_are_those_of_backward() -> None:
    x, W = np.array([[0.5, -1.0]]), leaf([[0.8], [-0.4]], "W")
    loss = np.sum(np.tanh(x @ W) ** 2)
    card = cards(loss)["W"]
    loss.backward()
    assert card.gradient is not None
    assert card.gradient.cells == tuple((f"{g:.2f}".replace("-", "−"),) for g in W.grad.ravel())


def test_a_picture_changes_no_grad() -> None:
    w = leaf()
    loss = w * w
    loss.backward()
    before = w.grad.copy()
    picture(loss)
    assert w.grad == before


def test_a_picture_calls_no_hook_and_leaves_it_in_place() -> None:
    w, calls = leaf(), []
    h = w * 3.0
    h.register_hook(calls.append)
    loss = h * h
    picture(loss)
    assert calls == []
    loss.backward()
    assert len(calls) == 1


def test_a_gradient_that_every_use_stops_is_zero() -> None:
    w = leaf(name="w")
    shown = cards(np.sign(w) * w)["w"].gradient
    assert shown is not None
    assert shown.cells == (("1.00",),)


def test_a_constant_has_no_gradient() -> None:
    x = Tensor(3.0, name="x")
    assert cards(leaf() * x)["x"].gradient is None


def test_where_the_output_is_no_scalar_the_picture_says_why_there_are_no_gradients() -> None:
    shown = picture(leaf([1.0, 2.0]) * 2.0)
    assert (shown.gradients, shown.notes) == (
        False,
        ("no gradients: the output has shape 2, and only a scalar has them",),
    )


def test_where_a_part_was_freed_the_picture_says_why_there_are_no_gradients() -> None:
    h = leaf() ** 2
    kept = h * 3.0
    (h * 2.0).backward(retain_graph=False)
    shown = picture(kept)
    assert shown.notes == ("no gradients: this graph was freed by backward(retain_graph=False)",)
    assert shown.cards[0].expression == "power(…)"


def test_where_a_parameter_was_changed_the_picture_says_why_there_are_no_gradients() -> None:
    w = leaf()
    loss = w * w
    w.data -= 1.0
    assert picture(loss).notes == ("no gradients: a parameter was changed in place after this graph had used it",)


def test_one_element_is_scalar_enough() -> None:
    assert picture(leaf([[2.0]]) * 2.0).gradients


def test_an_overflow_is_drawn_without_a_warning() -> None:
    with np.errstate(all="ignore"):
        loss = np.log(leaf(0.0, "w"))
    gradient = cards(loss)["w"].gradient
    assert gradient is not None
    assert gradient.cells == (("∞",),)


def test_values_and_gradients_can_be_left_out() -> None:
    shown = picture(leaf() * 2.0, values=False, grads=False)
    assert all(card.value is None and card.gradient is None for card in shown.cards)
    assert (shown.gradients, shown.notes) == (False, ())


# Names


def test_a_name_of_its_own_comes_before_a_variable() -> None:
    w = leaf(name="weight1")
    assert "weight₁" in cards(w * 2.0, {"w": w})


def test_an_array_behind_a_tensor_lends_its_name() -> None:
    x = np.ones(2)
    assert "x" in cards(leaf([1.0, 2.0]) * Tensor(x), {"x": x})


def test_module_paths_are_short_with_the_path_below() -> None:
    first, second = leaf([[1.0]], "layers.0.weight"), leaf([[1.0]], "layers.2.weight")
    shown = cards(first @ second)
    assert (shown["W₁"].path, shown["W₂"].path) == ("layers.0.weight", "layers.2.weight")


def test_a_short_path_that_somebody_else_is_called_is_written_out() -> None:
    first, second = leaf([[1.0]], "layers.0.weight"), leaf([[1.0]], "W")
    assert cards(first @ second).keys() >= {"layers.0.weight", "W"}


def test_two_values_of_one_name_are_told_apart() -> None:
    assert cards(leaf(name="w") * leaf(name="w")).keys() >= {"w", "w₂"}


def test_a_network_without_names_gets_the_usual_ones() -> None:
    x, y = np.ones((3, 2)), np.zeros((3, 1))
    h = np.tanh(x @ leaf(np.ones((2, 4))) + leaf(np.zeros(4)))
    loss = np.mean((h @ leaf(np.ones((4, 1))) - y) ** 2)
    assert [card.name for card in picture(loss).cards] == [
        "x", "W₁", "a", "w", "Z₁", "h", "W₂", "Z₂", "y", "e", "v", "loss",
    ]  # fmt: skip


def test_a_maximum_that_is_subtracted_for_safety_is_no_target() -> None:
    z, y = Tensor([[1.0, 3.0], [2.0, 0.0]], requires_grad=True), np.eye(2)
    scores = z * 2
    e = np.exp(scores - np.max(scores.data, axis=1, keepdims=True))
    loss = np.mean((e / np.sum(e, axis=1, keepdims=True) - y) ** 2)
    kinds = {card.name: card.kind for card in picture(loss, {"z": z, "y": y, "loss": loss}).cards}
    assert kinds["y"] == "target"
    assert "constant" in kinds.values()


def test_only_what_is_compared_with_a_target_is_a_prediction() -> None:
    w, y = leaf([1.0, 2.0], "w"), np.array([0.0, 1.0])
    assert [card.name for card in picture(np.mean((w * 3.0 - y) ** 2), {"y": y}).cards] == [
        "w",
        "ŷ",
        "y",
        "e",
        "v",
        "L",
    ]
    assert [card.name for card in picture(np.sum(np.log(w) * y), {"y": y}).cards] == ["w", "v₁", "y", "v₂", "L"]


def test_names_by_tensor_are_drawn_as_they_are() -> None:
    w = leaf(name="w")
    assert "w_1" in cards(w * 2.0, names={w._node: "w_1"})


@pytest.mark.parametrize("old", ["z1", "z₁", "layers.0.weight", "W", "L"])
def test_names_by_the_old_name(old: str) -> None:
    z1, w = Tensor(1.0), leaf(name="layers.0.weight")
    assert "new" in cards(w * z1, {"z1": z1}, names={old: "new"})


def test_names_can_be_swapped() -> None:
    a, b = leaf(name="a"), leaf(name="b")
    assert picture(a - b, names={"a": "b", "b": "a"}).output.expression == "b − a"


def test_an_unknown_old_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"nothing in this picture is called 'q'; there are w, L"):
        picture(leaf(name="w") * 2.0, names={"q": "x"})


# Folding


def chain(length: int) -> Tensor:
    w = leaf(1.0, "w")
    y = w
    for _ in range(length):
        y = y * 1.0
    return y


def square_free(length: int) -> list[int]:
    """Numbers 0, 1 and 2, no stretch of which is followed by itself: how many ones stand between Thue's zeros."""
    thue = [position.bit_count() % 2 for position in range(4 * length + 9)]
    zeros = [position for position, bit in enumerate(thue) if not bit]
    return [after - before - 1 for before, after in pairwise(zeros)][:length]


def irregular(length: int) -> Tensor:
    """A chain in which nothing repeats."""
    w = leaf(1.0, "w")
    y = w
    for sort in square_free(length):
        y = (np.sin, np.cos, np.tanh)[sort](y)
    return y


def test_what_fits_is_drawn_whole() -> None:
    assert len(picture(irregular(5)).cards) == 6


def test_everything_is_drawn_for_whom_asks_for_it() -> None:
    assert len(picture(irregular(200), collapse="none").cards) == 201


def test_too_much_is_refused_even_then() -> None:
    with pytest.raises(ValueError, match=r"a picture of 2,001 operations .* up to 2,000"):
        picture(irregular(2001), collapse="none")


def test_a_large_graph_keeps_as_many_of_its_ends_as_fit() -> None:
    shown = picture(irregular(1000))
    (middle,) = [card for card in shown.cards if card.kind == "fold"]
    ends = len(shown.cards) - 2
    assert ends >= 4
    assert middle.name == f"… {1000 - ends} operations"
    assert middle.value is not None
    assert sum(int(line.split(" × ")[0]) for line in middle.value.lines) == 1000 - ends


def test_a_fold_counts_the_names_that_it_hides() -> None:
    assert picture(irregular(1000)).cards[-2].name == "y₉₉₉"


def test_what_is_used_inside_a_fold_and_after_it_has_edges_to_both() -> None:
    w, y = leaf(1.0, "w"), leaf(1.0, "y") * 2.0
    for position, sort in enumerate(square_free(1000)):
        y = (np.sin, np.cos, np.tanh)[sort](y * w if position > 500 else y)
    shown = picture(y)
    names = {card.id: card.kind for card in shown.cards}
    w_id = next(card.id for card in shown.cards if card.name == "w")
    assert {names[edge.head] for edge in shown.edges if edge.tail == w_id} == {"fold", "operation"}


def test_an_array_used_inside_a_fold_has_an_edge_to_it() -> None:
    x = np.ones(2)
    y = leaf([1.0, 1.0]) * x
    for sort in square_free(300):
        y = (np.sin, np.cos, np.tanh)[sort](y + x)
    shown = picture(y + x, {"x": x})
    x_id, fold_id = (next(c.id for c in shown.cards if c.name.startswith(start)) for start in ("x", "…"))
    assert sum((edge.tail, edge.head) == (x_id, fold_id) for edge in shown.edges) == 1


def test_a_fold_in_a_fan_out_keeps_the_order_of_the_program() -> None:
    w = leaf(1.0, "w")
    terms = [np.exp(w * float(i)) for i in range(30)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    shown = picture(total)
    position = {card.id: i for i, card in enumerate(shown.cards)}
    assert all(position[edge.tail] < position[edge.head] for edge in shown.edges)


def test_a_crowd_of_operands_is_one_card() -> None:
    shown = picture(np.stack([leaf(float(i)) for i in range(1000)]), names={})
    assert [card.name for card in shown.cards if card.kind == "fold"] == ["… 996 more"]


def test_very_large_graphs_have_no_gradients_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd.render.build.MOST_FOR_GRADIENTS", 50)
    assert picture(irregular(60)).notes == ("no gradients: the graph has more than 50 operations",)


def test_a_deep_graph_needs_no_recursion() -> None:
    assert picture(irregular(20_000)).operations == 20_000


# Formulas


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda a, b: a + b, "a + b"),
        (lambda a, b: a - 1, "a − 1"),
        (lambda a, b: 2 - a, "2 − a"),
        (lambda a, b: a * -0.5, "a * (−0.5)"),
        (lambda a, b: a / b, "a / b"),
        (lambda a, b: a**2, "a²"),
        (lambda a, b: a**0.5, "a^0.5"),
        (lambda a, b: -a, "−a"),
        (lambda a, b: a @ b, "a b"),
        (lambda a, b: np.dot(a, b), "a · b"),
        (lambda a, b: a.T, "aᵀ"),
        (lambda a, b: abs(a), "|a|"),
        (lambda a, b: np.sqrt(a), "√a"),
        (lambda a, b: np.maximum(0, a), "max(0, a)"),
        (lambda a, b: np.sum(a), "Σ a"),
        (lambda a, b: np.sum(a, axis=0, keepdims=True), "sum(a, axis=0)"),
        (lambda a, b: a[1:, -1], "a[1:, −1]"),
        (lambda a, b: a[..., None, a.data > 0][0], "v[0]"),
        (lambda a, b: a.reshape(4), "reshape(a, 4)"),
        (lambda a, b: np.transpose(a, (1, 0)), "transpose(a, (1, 0))"),
        (lambda a, b: np.concatenate([a] * 9), "concatenate(a, a, …, a)"),
        (lambda a, b: np.einsum("ij,jk->ik", a, b), "einsum('ij,jk->ik', a, b)"),
    ],
)
def test_formulas_are_those_of_the_blackboard(make: Any, text: str) -> None:
    a, b = leaf([[1.0, 2.0], [3.0, 4.0]], "a"), leaf([[1.0, 2.0], [3.0, 4.0]], "b")
    assert picture(make(a, b)).output.expression == text


def test_matrices_with_long_names_have_the_sign_of_the_product() -> None:
    a, b = leaf([[1.0]], "inputs"), leaf([[1.0]], "W")
    assert picture(a @ b).output.expression == "inputs @ W"


def test_a_linear_layer_reads_as_on_the_blackboard() -> None:
    functional = pytest.importorskip("nn.functional")
    x, W, b = Tensor([[1.0]], name="x"), leaf([[1.0]], "W"), leaf([1.0], "b")
    assert picture(functional.linear(x, W, b)).output.expression == "x W + b"


def test_a_long_formula_is_cut() -> None:
    many = [leaf(1.0, letter * 28) for letter in "abc"]
    assert picture(np.einsum(",,->", *many)).output.expression.endswith("…")


@pytest.mark.parametrize(
    ("value", "text"),
    [(2, "2"), (True, "True"), (-3, "(−3)"), (1e-9, "1.0×10⁻⁹"), (np.float32(0.5), "0.5"), (None, None)],
)
def test_numbers_in_formulas(value: Any, text: str | None) -> None:
    assert scalar_text(value) == text


def _draw_samples(op: Any) -> int:
    rng, drawn = np.random.default_rng(0), 0
    for sample in op.samples:
        args = sample(rng)
        options = args[-1] if args and isinstance(args[-1], dict) else {}
        operands = args[:-1] if options else args
        derived = [op.variadic or (p < len(op.vjp) and op.vjp[p] is not None) for p in range(len(operands))]
        lifted = [_lift(operand) if live else operand for operand, live in zip(operands, derived, strict=True)]
        output = op.fn(*lifted, **options)
        for part in output if isinstance(output, tuple) else (output,):
            if isinstance(part, Tensor) and part._node.op is not None:
                for style in ("cards", "overview"):
                    picture(part, rules=True, style=style)
                drawn += 1
    return drawn


def _lift(value: Any) -> Any:
    if isinstance(value, list):
        return [_lift(part) for part in value]
    lifts = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return Tensor(value, requires_grad=True) if lifts else value


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.name)
def test_every_operation_can_be_drawn_with_its_rules(op: Any) -> None:
    assert _draw_samples(op) > 0


def test_the_room_is_loaded_on_first_use() -> None:
    assert "draw" in dir(autograd)
