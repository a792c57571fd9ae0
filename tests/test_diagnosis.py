"""What a report says of wrong lines in a hand derivation: the cause, the place, the words; nothing of right ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd import Tensor
from autograd.testing import CAUSES, Report, assert_grads_match, compare_grads
from autograd.testing.budget import Budget
from autograd.testing.catalogue import by_plausibility
from autograd.testing.replay import Replay
from tests.students import Lines, Student, attention, classification, one_sample, regression, sigmoid, softmax

MISTAKES: list[tuple[str, Callable[[], Student], Lines, str]] = [
    (
        "scale", regression, {"dZ2": lambda v: 2 * (v.Z2 - v.y)},
        "dZ2 is 18 times what it should be: the 1/18 of the mean over",
    ),
    (
        "scale", regression, {"dZ2": lambda v: 2 * (v.Z2 - v.y) / 6},
        "by the 6 rows of (Z2 - y)**2 only, not by all 18 elements",
    ),
    (
        "scale", regression, {"dZ2": lambda v: (v.Z2 - v.y) / 18},
        "dZ2 is 1/2 times what it should be: the 2 of a square is missing",
    ),
    (
        "scale", regression, {"dZ2": lambda v: 2 * (v.y - v.Z2) / 18},
        "dZ2 is -1 times what it should be: the sign is wrong",
    ),
    (
        "missing-derivative", regression, {"dZ1": lambda v: v.dA1},
        "the local derivative of A1 is left out: dZ1 is dA1 unchanged; right: dZ1 = dA1",
    ),
    (
        "missing-derivative", regression, {"dZ1": lambda v: v.dA1 * v.A1},
        "is A1, not A1 * (1 - A1); right: dZ1 = dA1 * A1 * (1 - A1)",
    ),
    (
        "derivative-at-output", regression, {"dZ1": lambda v: v.dA1 * sigmoid(v.A1) * (1 - sigmoid(v.A1))},
        "in dZ1, the derivative of A1 is taken at A1 itself",
    ),
    (
        "wrong-operand", regression, {"dW2": lambda v: v.Z1.T @ v.dZ2 + 0.2 * v.W2},
        "in dW2, Z1 stands in the place of A1; right: dW2 = 0.2 * W2 + A1.T @ dZ2",
    ),
    ("transposed", regression, {"dW1": lambda v: v.dZ1.T @ v.x}, "dW1 is transposed; right: dW1 = x.T @ dZ1"),
    (
        "wrong-axis", regression, {"db1": lambda v: v.dZ1.mean(axis=0)},
        "the mean is taken for the sum in db1; right: db1 = dZ1.sum(axis=0)",
    ),
    (
        "stale-parameter", regression, {"dA1": lambda v: v.dZ2 @ (v.W2 - 0.3 * v.dW2).T},
        "W2 had been updated already, at a learning rate of 0.3, when dA1 was computed",
    ),
    ("regulariser", regression, {"dW2": lambda v: v.A1.T @ v.dZ2}, "the penalty is left out of dW2"),
    ("regulariser", regression, {"dW2": lambda v: v.A1.T @ v.dZ2 + 0.1 * v.W2}, "the penalty is halved in dW2"),
    (
        "regulariser", regression, {"dW2": lambda v: v.A1.T @ v.dZ2 + 0.1 * np.sign(v.W2)},
        "it is 0.1 * np.sign(W2), that of a sum of absolute values",
    ),
    (
        "regulariser", regression, {"dW1": lambda v: v.x.T @ v.dZ1 + 0.3 * v.W1},
        "dW1 has a penalty that the loss does not have: 0.3 * W1",
    ),
    (
        "unknown", regression, {"dA1": lambda v: np.cos(v.dZ2 @ v.W2.T)},
        "mistakes that were tried gives these numbers (scale,",
    ),
    (
        "target", classification, {"dZ2": lambda v: softmax(v.Z2) / 7},
        "the target is not subtracted in dZ2; right: dZ2 = (softmax(Z2) - ",
    ),
    (
        "target", classification, {"dZ2": lambda v: (softmax(v.Z2) - np.roll(v.y, 1, axis=1)) / 7},
        "the labels in dZ2 are off by one",
    ),
    (
        "target", classification, {"dZ2": lambda v: (v.Z2 - v.y) / 7},
        "in dZ2, Z2 stands in the place of the probabilities",
    ),
    (
        "missing-term", classification, {"dZ1": lambda v: v.dA1 * (v.Z1 > 0)},
        "the contribution to dZ1 by way of A1 is left out",
    ),
    (
        "missing-term", attention, {"dZ1": lambda v: v.dA1 * v.A1},
        "the sum in the Jacobian of the softmax is left out of dZ1: it is dA1 * A1; right: dZ1 = A1 * (dA1 - ",
    ),
    (
        "missing-term",
        attention,
        {"dZ1": lambda v: v.dA1 * v.A1 * (1 - v.A1)},
        "in dZ1, only the diagonal of the Jacobian of the softmax is taken, A1 * (1 - A1)",
    ),
    (
        "unsummed-axis", one_sample, {"dW1": lambda v: (v.dZ2[:, None] * v.W2 * (1 - v.A1**2)).T * v.x},
        "the sum over the units of Z2 is left out",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "network", "slips", "words"), MISTAKES)
def test_one_wrong_line_is_named_with_its_cause_and_the_right_line(
    cause: str, network: Callable[[], Student], slips: Lines, words: str
) -> None:
    report = network().report(**slips)
    (wrong,) = slips
    assert report.first_wrong == report[wrong[1:]]
    assert report.first_wrong.cause == cause
    assert words in report.first_wrong.explanation
    for finding in report.findings:
        assert finding.matches or finding.name == wrong[1:] or finding.cause == "consequence"


def test_every_cause_is_one_of_the_table() -> None:
    remarks = {"kink", "precision", "consequence"}
    assert {cause for cause, *_ in MISTAKES} | remarks == set(CAUSES)


def test_no_right_derivation_is_blamed() -> None:
    for network in (regression, classification, attention, one_sample):
        assert all(finding.cause is None for finding in network().report().findings)


def test_what_follows_from_a_wrong_gradient_is_right_given_that() -> None:
    report = regression().report(dZ2=lambda v: v.Z2 - v.y)
    assert [f.cause for f in report.findings] == ["scale"] + ["consequence"] * 6
    assert report["W2"].explanation == "given your dZ2, your dW2 is right"
    assert report["W1"].explanation == "given your dZ1, your dW1 is right"


def test_of_parameters_alone_the_nearest_to_the_loss_is_the_first_wrong_link() -> None:
    student = regression()
    hand = {name: g for name, g in student.hand(dZ1=lambda v: v.dA1).items() if name in ("W1", "b1", "W2", "b2")}
    report = compare_grads(student.loss, hand)
    assert report.first_wrong == report["b1"]
    assert report["b1"].cause == "missing-derivative"
    assert "dZ1 is dA1 unchanged" in report["b1"].explanation
    assert report["W1"].explanation == "your dW1 is right, but for the mistake in dZ1"
    assert report["W2"].matches


def test_two_mistakes_in_one_derivation_are_both_named() -> None:
    report = regression().report(dW2=lambda v: -v.A1.T @ v.dZ2 - 0.2 * v.W2, dZ1=lambda v: v.dA1)
    assert report["W2"].cause == "scale"
    assert report["W2"].factor == -1
    assert report["Z1"].cause == "missing-derivative"
    assert report["W1"].cause == "consequence"


def test_with_two_samples_a_half_has_two_reasons_and_both_are_told() -> None:
    report = regression(samples=2).report(db1=lambda v: v.dZ1.sum(axis=0) / 2)
    finding = report["b1"]
    assert {finding.cause, *finding.also} == {"scale", "wrong-axis"}
    assert f"or {finding.also[0]}, which gives the same numbers here: " in str(finding)
    factor = "the 2 of a square is missing; or divided by 2, the 2 rows of"
    assert factor in f"{finding.explanation} {finding.others}"


def test_a_verdict_does_not_depend_on_what_was_computed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> str:
        return str(regression(samples=2).report(db1=lambda v: v.dZ1.sum(axis=0) / 2))

    before = told()
    later = count(10**9).__next__
    for module in ("autograd.core.node", "autograd.core.tensor", "autograd.array.numbers"):
        monkeypatch.setattr(sys.modules[module], "next_order", later)
    assert told() == before


# Where any subgradient is right


def kinks(op: Callable[[Any], Any], at: Any, g: Any) -> Report:
    w = Tensor(at, requires_grad=True, name="w")
    return compare_grads(np.sum(op(w) * np.arange(1.0, 1 + np.size(op(np.asarray(at))))), {w: np.array(g)})


@pytest.mark.parametrize(
    ("op", "at", "g"),
    [
        pytest.param(lambda w: np.maximum(0, w), [-1.0, 0.0, 2.0], [0.0, 2.0, 3.0], id="relu' is 1 at 0"),
        pytest.param(lambda w: np.maximum(0, w), [-1.0, 0.0, 2.0], [0.0, 1.0, 3.0], id="relu' is a half at 0"),
        pytest.param(np.abs, [-1.0, 0.0, 2.0], [-1.0, 2.0, 3.0], id="the sign of 0 is 1"),
        pytest.param(lambda w: np.max(w, axis=0, keepdims=True), [2.0, 1.0, 2.0], [1.0, 0.0, 0.0], id="first of a tie"),
        pytest.param(np.max, [2.0, 1.0, 2.0], [0.0, 0.0, 1.0], id="last of a tie"),
        pytest.param(lambda w: np.maximum(w[:2], w[1:]), [3.0, 3.0, 1.0], [0.0, 3.0, 0.0], id="one of two Tensors"),
    ],
)
def test_another_subgradient_is_a_match_with_a_remark(
    op: Callable[[Any], Any], at: list[float], g: list[float]
) -> None:
    finding = kinks(op, at, g)["w"]
    assert (finding.matches, finding.cause) == (True, "kink")


@pytest.mark.parametrize("g", [[0.0, 5.0, 3.0], [0.0, 2.0, 4.0]])
def test_at_a_kink_not_everything_is_right(g: list[float]) -> None:
    assert not kinks(lambda w: np.maximum(0, w), [-1.0, 0.0, 2.0], g).matches


# Rounding


def test_float32_arithmetic_is_a_match_with_a_remark() -> None:
    student = regression()
    hand = {name: g.astype(np.float32) for name, g in student.hand().items()}
    report = compare_grads(student.loss, hand)
    assert report.matches
    assert {finding.cause for finding in report.findings} == {"precision"}
    assert regression(dtype="float32").report().matches


def test_at_a_minimum_rounding_is_no_mistake() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 1))
    w = Tensor(np.linalg.lstsq(x, y, rcond=None)[0], requires_grad=True, name="w")
    loss = np.sum((x @ w - y) ** 2)
    assert compare_grads(loss, {w: 2 * (x.T @ x) @ w.data - 2 * x.T @ y}).matches


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("names", [["W1"], ["Z1", "W1"]])
def test_an_error_that_is_small_but_no_rounding_is_wrong(dtype: str, names: list[str]) -> None:
    """What rounding may do is 64 of its units, amplified as the sums amplify it, and 16 where all was in float32."""
    student = regression(dtype=dtype)
    noise = np.random.default_rng(3)
    hand = student.hand()
    assert compare_grads(student.loss, {name: hand[name] for name in names}).matches
    size = 3e-4 if dtype == "float32" else 2e-5
    for name in names:
        hand[name] = (hand[name] * (1 + size * noise.choice([-1, 1], hand[name].shape))).astype(dtype)
    report = compare_grads(student.loss, {name: hand[name] for name in names})
    assert [finding.matches for finding in report.findings] == [False] * len(names), str(report)
    assert report[names[0]].cause == "unknown"


# The published loss


def test_a_published_loss_of_another_function_is_told() -> None:
    student = regression()
    loss = float(student.loss.data)
    report = compare_grads(student.loss, student.hand(), published_loss=18 * loss)
    assert report.matches
    assert report.loss_remark.startswith("the published loss is another function than the one differentiated: ")
    assert "so it is 18 times as much: the 1/18 of the mean over the 6×3 = 18 elements" in report.loss_remark
    with pytest.raises(AssertionError, match="another function than the one differentiated"):
        assert_grads_match(student.loss, student.hand(), published_loss=18 * loss)
    assert_grads_match(student.loss, student.hand(), published_loss=loss * (1 + 1e-9))


def test_gradients_of_the_published_loss_are_told_to_be_so() -> None:
    x = np.array([1.0, 2.0, 4.0])
    w = Tensor([3.0, 4.0, 5.0], requires_grad=True, name="w")
    loss = np.mean((w * x) ** 2)
    report = compare_grads(loss, {w: 2 * w.data * x * x}, published_loss=3 * loss.item())
    assert report.loss_remark.startswith("the gradients are right for the published loss, which has their factor: ")


# How it is asked


def test_variables_of_the_caller_are_names() -> None:
    a = Tensor([1.0, 2.0], requires_grad=True)
    b = np.sin(a)
    report = compare_grads(np.sum(b * b), {"a": -2 * np.sin(a.data) * np.cos(a.data), b: 2 * b.data})
    assert [finding.name for finding in report.findings] == ["a", "b"]
    assert report["a"].explanation == "da is -1 times what it should be: the sign is wrong; right: da = db * np.cos(a)"


def test_nothing_is_changed() -> None:
    student = regression()
    student.loss.backward()
    before = {name: np.array(student.tensors[name].grad) for name in ("W1", "b1", "W2", "b2")}
    hand = student.hand(dZ1=lambda v: v.dA1)
    copies = {name: g.copy() for name, g in hand.items()}
    compare_grads(student.loss, hand)
    for name, grad in before.items():
        np.testing.assert_array_equal(student.tensors[name].grad, grad)
    for name, g in hand.items():
        np.testing.assert_array_equal(g, copies[name])


def test_a_name_may_have_the_d_of_its_gradient() -> None:
    w, dx = Tensor([1.0, 2.0], requires_grad=True, name="w"), Tensor([3.0, 4.0], requires_grad=True, name="dx")
    report = compare_grads(np.sum(w * dx), {"dw": dx.data, "dx": w.data})
    assert report.matches
    assert [finding.name for finding in report.findings] == ["w", "dx"]


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: {"W3": np.ones(3)}, KeyError,
        "'W3' is no Tensor of the loss's graph; the graph has A1, W1, W2, Z1, Z2, b1, b2",
    ),
    (lambda: {"b2": np.ones((1, 3))}, ValueError, r"the hand gradient of b2 has shape \(1, 3\), b2 has \(3,\)"),
    (
        lambda: {"b2": None}, TypeError,
        r"the hand gradient of b2 holds None: a missing gradient; give .* of shape \(3,\)",
    ),
    (lambda: {"b2": np.ones(3, int)}, TypeError, "the hand gradient of b2 holds int64; give an array of floats"),
    (lambda: {"b2": np.array([0.0, np.nan, 1.0])}, ValueError, r"the hand gradient of b2 is nan at \(1,\)"),
    (
        lambda: {Tensor([1.0], name="c"): np.ones(1)}, ValueError,
        r"c of shape \(1,\) is not in the loss's graph; the graph has",
    ),
    (lambda: {3: np.ones(1)}, TypeError, "by Tensor or by name, not by int; the graph has A1"),
    (dict, TypeError, "as a dictionary, by Tensor or by name"),
    (lambda: [np.ones(3)], TypeError, "as a dictionary, by Tensor or by name"),
]  # fmt: skip


@pytest.mark.parametrize(("hand", "error", "words"), BAD)
def test_bad_input_is_told_what_is_known(hand: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        compare_grads(regression().loss, hand())


def test_a_graph_that_was_freed_is_refused() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = np.sum(w * w)
    loss.backward(retain_graph=False)
    with pytest.raises(RuntimeError, match="was freed by backward"):
        compare_grads(loss, {w: 2 * w.data})


def test_a_loss_without_a_graph_or_of_many_numbers_is_refused() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    for loss in (Tensor(1.0), w * 2, np.float64(1)):
        with pytest.raises(TypeError, match="loss"):
            compare_grads(loss, {w: np.ones(2)})  # type: ignore[arg-type]


# How it is shown


def test_a_report_is_text_a_table_and_a_picture() -> None:
    report = regression().report(dZ1=lambda v: v.dA1)
    lines = str(report).splitlines()
    assert lines[0] == "3 of 7 gradients are wrong; the first wrong link is Z1"
    assert any(line.startswith("WRONG   Z1 (6×4)  error ") for line in lines)
    assert "        given your dZ1, your dW1 is right" in lines
    html = report._repr_html_()
    assert html.count("<tr>") == 8
    assert "<b>dZ1</b>" in html
    assert "✗ first wrong link: missing-derivative" in report.draw().source


def test_in_pytest_the_report_is_the_message(tmp_path: Path) -> None:
    (tmp_path / "test_hand.py").write_text(
        "import numpy as np\nfrom autograd import Tensor\nfrom autograd.testing import assert_grads_match\n\n"
        "def test_hand():\n    w = Tensor([3.0, 4.0, 5.0], requires_grad=True)\n"
        "    assert_grads_match(np.sum(w**2), {w: w.data})\n"
    )
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "test_hand.py"]
    command = [sys.executable, "-m", "pytest", *options]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "E       AssertionError: 1 of 1 gradients is wrong; the first wrong link is w" in told
    assert "dw is 1/2 times what it should be: the 2 of a square is missing; right: dw = 2 * w" in told
    assert "__tracebackhide__" not in told


# By property


@st.composite
def networks(draw: st.DrawFn) -> Tensor:
    """A network of 1 to 3 layers with any activation, loss and penalty, in float64 or float32."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(["float64", "float32"]))
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    samples = draw(st.integers(1, 5))
    activation = draw(st.sampled_from([np.tanh, sigmoid, lambda z: np.maximum(0, z), lambda z: z * sigmoid(z)]))
    a: Any = rng.normal(size=(samples, sizes[0])).astype(dtype)
    y = rng.normal(size=(samples, sizes[-1])).astype(dtype)
    penalty: Any = 0.0
    for k, (m, n) in enumerate(pairwise(sizes)):
        W = Tensor(rng.normal(size=(m, n)).astype(dtype), requires_grad=True, name=f"W{k}")
        b = Tensor(rng.normal(size=n).astype(dtype), requires_grad=True, name=f"b{k}")
        a = activation(a @ W + b)
        penalty = penalty + np.sum(W**2 if draw(st.booleans()) else np.abs(W))
    loss = draw(st.sampled_from([lambda: np.mean((a - y) ** 2), lambda: np.sum(np.abs(a - y))]))()
    return loss + draw(st.sampled_from([0.0, 0.01])) * penalty  # type: ignore[no-any-return]


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1))
def test_a_right_derivation_is_never_blamed(loss: Tensor, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = Replay(loss._node).truth
    parameters = [node for node in truth if node.op is None]
    eps = np.finfo(loss.dtype).eps
    hand = {str(n.get("name")): truth[n] * (1 + eps * rng.uniform(-1, 1, np.shape(truth[n]))) for n in parameters}
    report = compare_grads(loss, {name: g.astype(loss.dtype) for name, g in hand.items()})
    assert report.matches, str(report)


@settings(max_examples=25, deadline=None)
@given(networks(), st.randoms(use_true_random=False))
def test_a_mistake_of_the_catalogue_is_found_again(loss: Tensor, random: Any) -> None:
    replay = Replay(loss._node)
    parameters = [node for node in replay.truth if node.op is None]
    single = loss.dtype == np.float32
    with np.errstate(all="ignore"):
        mistake = random.choice(by_plausibility(replay, set(replay.nodes), Budget(60))[:60])
        made = {node: np.asarray(replay.run(mistake.changes)[node]) for node in parameters}
    if not all(np.all(np.abs(g) < 1e30) for g in made.values()):  # exp of exp, which nobody would hand in
        return
    moved = [
        n for n in parameters if np.linalg.norm(made[n] - replay.truth[n]) > 0.01 * np.linalg.norm(replay.truth[n])
    ]
    if not moved:
        return
    hand = {str(node.get("name")): g.astype(np.float32 if single else np.float64) for node, g in made.items()}
    report = compare_grads(loss, hand)
    if mistake.cause == "kink":
        assert report.matches, str(report)
        return
    said = [f for f in report.findings if not f.matches and f.cause != "consequence"]
    assert said, f"{mistake.told}\n{report}"
    assert all(f.cause != "unknown" for f in said), f"{mistake.cause}: {mistake.told}\n{report}"


def test_a_report_is_true_where_all_gradients_are_right() -> None:
    w = Tensor([3.0], requires_grad=True, name="w")
    assert compare_grads(np.sum(w**2), {"w": np.array([6.0])})
    assert not compare_grads(np.sum(w**2), {"w": np.array([3.0])})


@pytest.mark.parametrize("rtol", [float("nan"), float("inf"), -1e-6])
def test_a_tolerance_that_passes_anything_is_refused(rtol: float) -> None:
    w = Tensor([3.0], requires_grad=True, name="w")
    with pytest.raises(ValueError, match="rtol is .*finite"):
        compare_grads(np.sum(w**2), {"w": np.array([6.0])}, rtol=rtol)
    with pytest.raises(TypeError, match="rtol is 'small'"):
        compare_grads(np.sum(w**2), {"w": np.array([6.0])}, rtol="small")  # type: ignore[arg-type]
