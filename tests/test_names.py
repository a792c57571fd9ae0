"""What values are called."""

from __future__ import annotations

import numpy as np
import pytest

from autograd import Tensor
from autograd.names import LONGEST, Scope, is_path, pretty, printable, short_paths


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
