"""What values are called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_derive_golden import PROGRAMS

import autograd
import nn
from autograd import Tensor
from autograd.notation.names import LONGEST, Scope, is_path, pretty, printable, short_paths
from autograd.testing import compare_grads


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("z", "z"),
        ("z1", "z₁"),
        ("W_10", "W₁₀"),
        ("b0", "b₀"),
        ("y_hat", "ŷ"),
        ("yhat", "ŷ"),
        ("y_hat_2", "ŷ₂"),
        ("theta", "θ"),
        ("delta_1", "δ₁"),
        ("lambda_", "λ"),
        ("hidden2", "hidden₂"),
        ("x_train", "x_train"),
        ("what", "what"),
        ("q_hat", "q_hat"),
        ("W007", "W007"),
        ("d01", "d₀₁"),
        ("权重1", "权重₁"),
        ("<lambda>", "<lambda>"),
        ("", ""),
    ],
)
def test_python_names_become_those_of_the_blackboard(name: str, drawn: str) -> None:
    assert pretty(name) == drawn


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\ud800", "\u202e", "\uffff"])
def test_what_no_picture_can_hold_is_replaced(sign: str) -> None:
    assert printable(f"a{sign}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_a_line_break_in_a_name_becomes_a_space() -> None:
    assert printable("a\nb") == "a b"


@pytest.mark.parametrize("make", [pretty, printable])
def test_a_long_name_is_cut(make: object) -> None:
    assert callable(make)
    assert len(make("x" * 500)) == LONGEST


def test_an_inner_variable_hides_an_outer_one() -> None:
    inner, outer = Tensor(1.0), Tensor(2.0)
    scope = Scope({"w": inner}, {"w": outer})
    assert (scope.of(inner._node), scope.of(outer._node)) == ("w", None)


def test_a_variable_that_is_no_tensor_hides_one_that_is() -> None:
    outer = Tensor(2.0)
    assert Scope({"w": 3}, {"w": outer}).of(outer._node) is None


def test_a_variable_comes_before_an_entry() -> None:
    w = Tensor(1.0)
    assert Scope({"parameters": {"weight": w}, "w": w}).of(w._node) == "w"


def test_what_a_loop_left_in_its_variable_keeps_the_name_of_its_entry() -> None:
    params = {"W": Tensor(1.0), "b": Tensor(2.0)}
    for p in params.values():
        p.zero_grad()
    scope = Scope({"params": params, "p": p})
    assert (scope.of(params["W"]._node), scope.of(params["b"]._node)) == ("W", "b")


@pytest.mark.parametrize("others", [{"first": "W", "last": "b"}, {"b": "b"}, {"first": "W"}])
def test_a_variable_that_no_loop_left_comes_before_an_entry(others: dict[str, str]) -> None:
    params = {"W": Tensor(1.0), "b": Tensor(2.0)}
    scope = Scope({"params": params, **{name: params[key] for name, key in others.items()}})
    assert [scope.of(params[key]._node) for key in others.values()] == list(others)


def test_the_first_of_two_variables_counts() -> None:
    w = Tensor(1.0)
    assert Scope({"a": w, "b": w}).of(w._node) == "a"


@pytest.mark.parametrize(
    ("holder", "name"),
    [
        (lambda w: {"W1": w}, "W1"),
        (lambda w: {7: w}, "p[7]"),
        (lambda w: [0, w], "p[1]"),
        (lambda w: (w,), "p[0]"),
    ],
)
def test_entries_of_containers_have_names(holder: object, name: str) -> None:
    w = Tensor(1.0)
    assert callable(holder)
    assert Scope({"p": holder(w)}).of(w._node) == name


def test_private_variables_name_nothing() -> None:
    w = Tensor(1.0)
    assert Scope({"_": w, "__": w}).of(w._node) is None


def test_arrays_are_known_by_identity_not_by_content() -> None:
    x = np.ones(2)
    scope = Scope({"x": x})
    assert (scope.of_array(x), scope.of_array(x.copy())) == ("x", None)


def test_a_tensor_whose_data_was_set_is_still_known() -> None:
    w = Tensor([1.0], requires_grad=True)
    node = w._node
    w.data = np.array([2.0])
    assert Scope({"w": w}).of(node) == "w"


def test_a_weight_and_its_bias_have_the_same_number() -> None:
    paths = ["layers.0.weight", "layers.2.weight", "layers.2.bias"]
    assert list(short_paths(paths).values()) == ["W₁", "W₂", "b₂"]


def test_the_only_layer_has_no_number() -> None:
    assert short_paths(["head.weight", "head.bias"]) == {"head.weight": "W", "head.bias": "b"}


@pytest.mark.parametrize(
    ("name", "path"),
    [("a.weight", True), ("0.weight", True), ("weight", False), ("1.5", False), ("a. b", False)],
)
def test_paths_are_told_from_other_names(name: str, path: bool) -> None:
    assert is_path(name) is path


def by_hand() -> Tensor:
    x, y = np.ones((5, 2)), np.zeros((5, 1))
    parts = [Tensor(np.full(shape, 0.5), requires_grad=True) for shape in ((2, 3), 3, (3, 4), (4, 1))]
    hidden = np.tanh(np.maximum(0, x @ parts[0] + parts[1]) @ parts[2])
    out: Tensor = np.mean((hidden @ parts[3] - y) ** 2)
    return out


def of_modules() -> Tensor:
    head, body = nn.Linear(3, 1, rng=0), nn.Linear(2, 3, rng=1)  # made in another order than used
    model = nn.Sequential(body, nn.Sigmoid(), head)
    out: Tensor = nn.MSELoss()(model(np.ones((5, 2))), np.zeros((5, 1)))
    return out


def recurrent() -> Tensor:
    U, W = (Tensor(np.eye(2), requires_grad=True, name=name) for name in "UW")
    h: Any = np.zeros((1, 2))
    for step in range(3):
        h = np.tanh(np.full((1, 2), float(step)) @ U + h @ W)
    out: Tensor = np.sum(h**2)
    return out


@pytest.mark.parametrize("make", [by_hand, of_modules, recurrent])
def test_pictures_and_derivations_make_up_the_same_names(make: Callable[[], Tensor]) -> None:
    loss = make()
    cards = autograd.draw(loss, collapse="none", detail="operations")._diagram.cards
    drawn = {unicodedata.normalize("NFKC", card.name) for card in cards}
    written = set(re.findall(r"\b[UWwbZA]\d*\b", autograd.derive(loss).source))
    assert {name for name in drawn if re.fullmatch(r"[UWwbZA]\d*", name)} == written
    assert "Z1" in written


def test_a_folded_picture_keeps_the_names_of_the_whole() -> None:
    inner = nn.Sequential(nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh()))
    model = nn.Sequential(inner, nn.Linear(3, 1, rng=1))
    loss = np.sum(model(np.ones((5, 2))))
    whole, folded = (autograd.draw(loss, depth=depth, collapse="none")._diagram.cards for depth in (None, 2))
    assert len(folded) < len(whole)
    assert {card.name for card in whole} >= {"Z₁", "Z₂"}
    assert {card.name for card in folded} >= {"Z₂"}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_value_has_one_name_in_pictures_and_derivations(program: Callable[[], Any]) -> None:
    loss, _ = program()
    # Parts of statements, positions; constants, in pictures called after what made them; what loops start from.
    made = r"t\d+|i\d*|c\d*|\w+_0"
    drawn = {card.name for card in autograd.draw(loss, collapse="none", detail="operations")._diagram.cards}
    drawn |= {name.rstrip("₀₁₂₃₄₅₆₇₈₉") for name in drawn}  # the last of several keeps its name in source
    source = autograd.derive(loss).source
    forward, _, _ = source.partition("# backward")
    used = set(re.findall(r"^    (\w+) = ", forward, re.MULTILINE)) | set(autograd.derive(loss).arguments)
    assert {name for name in used if pretty(name) not in drawn and not re.fullmatch(made, name)} == set()


def test_reports_and_the_player_use_these_names_too() -> None:
    rng = np.random.default_rng(0)
    x, y, W = rng.normal(size=(5, 2)), rng.normal(size=(5, 1)), Tensor(rng.normal(size=(2, 1)), requires_grad=True)
    loss = np.mean((np.tanh(x @ W) - y) ** 2)
    page = autograd.player(loss, detail="operations").html
    assert all(f"∂loss/∂{name}" in page for name in ("W", "Z₁", "A₁", "e", "v", "loss"))
    report = compare_grads(loss, {"W": x.T @ (2 / 5 * (np.tanh(x @ W.data) - y))})
    assert "dZ1 = dA1 * (1 - A1**2)" in str(report)
    assert "where A1 is np.tanh(Z1); Z1 is x @ W" in str(report)
