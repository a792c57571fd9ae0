"""Every demo runs, and says what its page promises: what is published comes out, and what is wrong in it is shown."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd
import demos
import demos.__main__ as command
from autograd.testing import Report
from demos import digits, evidence, layer_classes, plateau, relu_regression, sigmoid_sine, single_sample, tanh_parabolas
from demos.evidence import central_differences, ratio


@pytest.fixture(autouse=True)
def _output_goes_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demos, "OUT", tmp_path)


def wrong(report: Report) -> list[str]:
    return sorted(finding.name for finding in report.findings if not finding.matches)


def verdicts(report: Report) -> dict[str, str | None]:
    """The causes of what is wrong."""
    return {finding.name: finding.cause for finding in report.findings if not finding.matches}


def ratios(hand: Any, loss: Callable[[Any], float], parameters: Any) -> dict[str, tuple[float, float]]:
    """Hand / central difference of every parameter, lowest and highest."""
    true = central_differences(loss, parameters)
    return {name: ratio(np.reshape(hand[name], true[name].shape), true[name]) for name in true}


# The command


def test_the_list_names_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["000", "001", "002", "003", "004", "digits", "cluster", "gallery"]
    assert all(len(line) > 40 for line in lines)


def test_an_unknown_demo_is_told_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["nope"]) == 2
    told = capsys.readouterr().err
    assert "there is no demo 'nope'; there are" in told
    assert "004  A 3-4-3-1" in told


def test_pictures_go_where_they_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "some" / "where"
    assert command.main(["004", "--out", str(there)]) == 0
    assert f"Written: {there}" in capsys.readouterr().out
    assert {path.suffix for path in there.iterdir()} == {".png", ".svg"}


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_is_no_folder_is_told_before_the_work(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert command.main(["--out", str(tmp_path / place)]) == 2
    told = capsys.readouterr()
    assert "is not a folder for pictures" in told.err
    assert "by --out" in told.err
    assert not told.out


def test_without_matplotlib_the_demos_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert command.main([]) == 2
    told = capsys.readouterr()
    assert "python -m pip install -e '.[demos]'" in told.err
    assert not told.out


# 000


def test_000_prints_the_published_losses_by_hand_and_by_backward() -> None:
    X, y = relu_regression.data()
    hand, engine = relu_regression.train_by_hand(X, y), relu_regression.train_by_autograd(X, y)
    for epoch, published in relu_regression.PUBLISHED.items():
        np.testing.assert_allclose(hand[epoch], published, rtol=1e-12)
        np.testing.assert_allclose(engine[epoch], published, rtol=1e-12)


def test_000_is_right() -> None:
    X, y = relu_regression.data()
    report = relu_regression.judge_first_step(X, y)
    assert len(report.findings) == 6
    assert report.matches
    assert max(finding.norm_rel_error for finding in report.findings) <= 1e-12
    p = relu_regression.initial_parameters()
    hand = relu_regression.backprop(y, p, *relu_regression.forward(X, p))

    def loss(q: Any) -> float:
        return relu_regression.mean_squared_error(y, relu_regression.forward(X, q)[1][-1])

    for name, true in central_differences(loss, p).items():
        np.testing.assert_allclose(hand[name], true, atol=1e-7)


def test_000_is_the_main_demo_and_writes_its_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    printed = capsys.readouterr().out
    assert printed.count("17.2684110617629") == 3
    assert "all 6 gradients match" in printed
    for name in ("relu_regression_graph.svg", "relu_regression_loss.svg"):
        assert str(tmp_path / name) in printed
        assert "<svg" in (tmp_path / name).read_text()


def test_the_graph_of_000_shows_values_gradients_and_shapes() -> None:
    svg = autograd.draw(relu_regression.draw_step(*relu_regression.data())).svg
    for text in ("100×3", "Linear(3, 16)", "gradient ∂", "mean"):
        assert text in svg


# 001


def test_001_has_six_times_every_gradient() -> None:
    report = layer_classes.judge(layer_classes.slope_published)
    assert len(wrong(report)) == 10
    assert report.first_wrong == report["b5"]
    assert verdicts(report) == dict.fromkeys(wrong(report), "consequence") | {"b5": "scale"}
    assert report["b5"].factor == 6
    assert "the 1/6 of the mean over the 2×3 = 6 elements" in report["b5"].explanation
    np.testing.assert_allclose([finding.hand / finding.true for finding in report.findings], 6, rtol=1e-10)
    (x, target), p = layer_classes.data(), layer_classes.initial_parameters(0.3)
    network = layer_classes.Network(p)
    hand = network.backward(layer_classes.slope_published(network.forward(x), target), 0.1)
    found = ratios(hand, lambda q: float(np.mean((layer_classes.forward(x, q) - target) ** 2)), p)
    np.testing.assert_allclose(list(found.values()), 6, rtol=1e-4)


def test_001_corrected_is_right() -> None:
    assert layer_classes.judge(layer_classes.slope_corrected).matches


def test_001_s_published_losses_shrink_as_only_six_times_the_gradient_makes_them() -> None:
    shrinking, expected = layer_classes.shrinking, layer_classes.expected_shrinking
    np.testing.assert_allclose(shrinking(layer_classes.PUBLISHED), expected(6), rtol=2e-4)
    by_hand = layer_classes.train_by_hand(layer_classes.slope_published)
    np.testing.assert_allclose(shrinking(by_hand), expected(6), rtol=2e-4)
    np.testing.assert_allclose(layer_classes.train_by_autograd("sum"), by_hand, rtol=1e-13)
    np.testing.assert_allclose(shrinking(layer_classes.train_by_autograd("mean")), expected(1), rtol=2e-4)


# 002


def test_002_has_half_of_every_gradient() -> None:
    report = sigmoid_sine.judge(sigmoid_sine.backprop_published)
    assert len(wrong(report)) == 4
    assert report.first_wrong == report["b2"]
    assert verdicts(report) == dict.fromkeys(wrong(report), "consequence") | {"b2": "scale"}
    assert report["b2"].factor == 0.5
    assert "the 2 of a square is missing; right: dZ2 = " in report["b2"].explanation
    np.testing.assert_allclose([finding.hand / finding.true for finding in report.findings], 0.5, rtol=1e-10)
    (x, y), p = sigmoid_sine.data(), sigmoid_sine.initial_parameters()
    hand = sigmoid_sine.backprop_published(y, p, *sigmoid_sine.forward_published(x, p))
    np.testing.assert_allclose(list(ratios(hand, sigmoid_sine.loss_of, p).values()), 0.5, rtol=1e-4)


def test_002_corrected_is_right_of_any_depth() -> None:
    assert sigmoid_sine.judge(sigmoid_sine.backprop_corrected, sigmoid_sine.forward_corrected).matches
    assert sigmoid_sine.judge_deep(sigmoid_sine.backprop_corrected, sigmoid_sine.forward_corrected).matches


def test_002_fits_the_sine_by_hand_and_at_half_the_rate_by_backward() -> None:
    hand, fit = sigmoid_sine.train_by_hand()
    engine, _ = sigmoid_sine.train_by_autograd()
    np.testing.assert_allclose(hand, engine, rtol=1e-6)
    assert hand[0] > 250
    assert hand[-1] < 0.05
    assert np.max(abs(fit - sigmoid_sine.data()[1])) < 1.5


def test_002_has_no_second_hidden_layer() -> None:
    assert "not aligned" in sigmoid_sine.refusal([1, 25, 25, 1])
    assert "IndexError" in sigmoid_sine.remedy_of_the_text()
    assert sigmoid_sine.out_of_reach() == (
        "w1 of shape (25, 25) is not in the loss's graph; the graph has b2, b3, w2, w3"
    )
    published = sigmoid_sine.forward_published
    assert wrong(sigmoid_sine.judge_deep(sigmoid_sine.backprop_corrected, published, "23")) == ["w2"]
    assert sigmoid_sine.judge_deep(sigmoid_sine.backprop_of_forward_published, published, "23").matches


def test_002_s_left_out_layer_has_the_derivative_zero_by_central_differences() -> None:
    x, y = sigmoid_sine.lifted(), sigmoid_sine.data()[1]
    p = sigmoid_sine.deep_parameters()

    def loss(q: Any) -> float:
        return sigmoid_sine.mean_square(sigmoid_sine.forward_published(x, {**p, **q})[1][-1], y)

    chosen = {"w1": p["w1"], "b1": p["b1"]}
    assert all(np.all(found == 0) for found in central_differences(loss, chosen).values())
    hand = sigmoid_sine.backprop_published(y, p, *sigmoid_sine.forward_published(x, p))
    assert np.max(abs(hand["w1"])) > 0.1


def test_002_does_not_train_deep_as_published() -> None:
    losses = [losses[-1] for losses, _ in sigmoid_sine.train_deep(1500).values()]
    published, own_gradient, chained = losses
    assert published > 20 * max(own_gradient, chained)


# 003


def test_003_penalises_another_norm_than_it_prints() -> None:
    p, x, y = tanh_parabolas.first_batch()
    report = tanh_parabolas.judge(tanh_parabolas.backprop_published)
    assert verdicts(report) == {"w1": "regulariser", "w2": "regulariser"}
    assert report.first_wrong == report["w2"]
    assert "of another norm than that of the loss: it is 1/900 * np.sign(w1)" in report["w1"].explanation
    hand = tanh_parabolas.backprop_published(p, x, y)
    true = central_differences(lambda q: float(tanh_parabolas.loss_published(q, x, y)), p)
    for name in ("b1", "b2"):
        np.testing.assert_allclose(hand[name], true[name], atol=1e-9)
    k, rate = tanh_parabolas.PENALTY, tanh_parabolas.LEARNING_RATE
    for name in ("w1", "w2"):
        sums = np.sum(abs(p[name]), axis=0)
        in_largest = np.sign(p[name]) * (sums == max(sums))
        residual = k / rate * np.sign(p[name]) - k * in_largest
        np.testing.assert_allclose(hand[name] - true[name], residual, atol=1e-9)


def test_003_descends_the_sum_of_all_weights_sizes() -> None:
    assert tanh_parabolas.judge(tanh_parabolas.backprop_published, tanh_parabolas.loss_descended).matches


def test_003_corrected_is_right() -> None:
    assert tanh_parabolas.judge(tanh_parabolas.backprop_corrected).matches


def test_003_comes_out_as_published_by_hand_and_by_backward() -> None:
    run, begun = tanh_parabolas.train_by_hand(), tanh_parabolas.start()
    engine, _ = tanh_parabolas.train_by_autograd()
    np.testing.assert_allclose(run.losses, engine, rtol=1e-8)
    assert np.ptp(run.losses[3:74]) < 0.5  # the plateau
    assert run.losses[74] > 3.1 > 2.9 > run.losses[75]  # the drop
    assert run.losses[95] < 1
    assert tanh_parabolas.accuracy(run.parameters, begun) > 0.99


def test_003_s_separating_plane_cuts_the_cube() -> None:
    normal, offset = np.array([5.7, -5.1, -5.6]), -0.07
    polygon = tanh_parabolas.plane_in_cube(normal, offset)
    np.testing.assert_allclose(polygon @ normal + offset, 0, atol=1e-12)
    assert np.max(abs(polygon)) <= 1
    assert len(polygon) == 6


def test_the_plateau_of_003_is_a_saddle_that_two_units_leave() -> None:
    run, begun = tanh_parabolas.train_by_hand(), tanh_parabolas.start()
    curvatures = [plateau.curvature(p, begun) for p in run.means]
    lowest = np.array([c.eigenvalues[0] for c in curvatures])
    assert np.max(lowest[3:75]) < 0
    assert np.min(lowest[85:]) > -0.002
    assert np.mean(lowest[3:75]) < -0.005
    straight = plateau.best_straight_loss(begun)
    assert all(abs(c.loss - straight) < 0.02 for c in curvatures[3:70])
    assert np.mean([c.in_twins for c in curvatures[44:64]]) > 0.8
    seen, allowed = plateau.growth(run, curvatures)
    assert 3 < seen < allowed < 5


def test_the_drop_of_003_comes_when_the_units_difference_says() -> None:
    at = [
        tanh_parabolas.drop(tanh_parabolas.train_by_hand(130, plateau.scaled_difference(factor)).losses)
        for factor in (10, 1, 0.1, 0.01, 0.001)
    ]
    assert at == sorted(at)
    assert np.all(np.diff(at) >= 8)
    kept = tanh_parabolas.train_by_hand(change=plateau.scaled_difference(0, until=200))
    assert plateau.full_loss(kept.parameters, tanh_parabolas.start()) > 0.23


def test_units_that_start_equal_stay_equal_and_dropout_tells_them_apart() -> None:
    equal, dropped = plateau.train_from_equal(epochs=50), plateau.train_from_equal(0.05, epochs=50)
    assert max(equal.spread) < 1e-12
    assert max(dropped.spread) > 0.05
    assert equal.accuracy < 0.92


# 004


def test_004_prints_the_published_first_epoch() -> None:
    computed = single_sample.first_epoch()
    for name, published in single_sample.PUBLISHED.items():
        np.testing.assert_allclose(computed[name].ravel(), published, atol=6e-9, err_msg=name)


@pytest.mark.parametrize("seed", [42, 0])
def test_004_has_one_wrong_gradient(seed: int) -> None:
    report = single_sample.judge(single_sample.backprop_published, seed)
    assert verdicts(report) == {"W1": "unsummed-axis"}
    assert "right: dW1 = np.outer(dZ1, X)" in report["W1"].explanation
    p = single_sample.initial_parameters(seed)
    hand = single_sample.backprop_published(p, single_sample.forward(p))
    found = ratios(hand, single_sample.loss_of, p)
    low, high = found.pop("W1")
    assert low < 0.5 < 0.9 < high
    np.testing.assert_allclose(list(found.values()), 1, rtol=1e-4)


def test_004_is_right_only_in_the_column_of_the_one_active_unit() -> None:
    p = single_sample.initial_parameters()
    v = single_sample.forward(p)
    hand, true = single_sample.backprop_published(p, v)["W1"], single_sample.backprop_corrected(p, v)["W1"]
    (active,) = np.flatnonzero(v["Z2"] > 0)
    np.testing.assert_allclose(hand[:, active], true[:, active], rtol=1e-14)
    assert not np.any(np.delete(hand, active, axis=1))
    assert np.any(np.delete(true, active, axis=1))
    assert "could not be broadcast" in single_sample.wider_input()


@pytest.mark.parametrize("seed", [42, 0])
def test_004_corrected_is_right_and_trains_as_nn(seed: int) -> None:
    assert single_sample.judge(single_sample.backprop_corrected, seed).matches
    by_hand = single_sample.train_by_hand(single_sample.backprop_corrected, seed)
    np.testing.assert_allclose(by_hand, single_sample.train_by_autograd(seed), rtol=1e-10)


# The commands and their pictures


@pytest.mark.parametrize(
    ("demo", "pictures", "told"),
    [
        ("001", ["layer_classes_loss.png"], "10 of 10 gradients are wrong"),
        ("002", ["sigmoid_sine.png", "sigmoid_sine_deep.png"], "4 of 4 gradients are wrong"),
        (
            "003",
            [f"tanh_parabolas_{name}.png" for name in ("loss", "boundary", "hidden")]
            + ["plateau.png", "equal_weights.png"],
            "2 of 4 gradients are wrong",
        ),
        ("004", ["single_sample_gradients.png", "single_sample_loss.png", "single_sample_graph.svg"], "1 of 6"),
    ],
)
def test_a_demo_runs_and_writes_its_pictures(
    demo: str,
    pictures: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plateau, "EQUAL_EPOCHS", 20)
    monkeypatch.setattr(sigmoid_sine, "DEEP_EPOCHS", 200)
    assert command.main([demo]) == 0
    printed = capsys.readouterr().out
    assert told in printed
    assert "gradients match" in printed
    for name in pictures:
        assert f"Written: {tmp_path / f'{demo}_{name}'}" in printed
        assert _drawn(tmp_path / f"{demo}_{name}")


def test_digits_are_learned_saved_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "EPOCHS", 8)  # of 60
    assert command.main(["digits"]) == 0
    printed = capsys.readouterr().out
    right = [float(share) for share in re.findall(r"([\d.]+)%", printed)]
    assert len(right) == 2
    assert min(right) > 95
    assert "the same scores to the last bit" in printed
    assert _drawn(tmp_path / "digits_training.png")
    assert (tmp_path / "digits_errors.png").exists()


def _drawn(picture: Path) -> bool:
    """Whether there is something on it: of pixels more than an empty frame, of a graph all parameters and the loss."""
    if picture.suffix == ".png":
        return picture.stat().st_size > 20_000
    shown = {
        "".join(text.itertext()).strip() for text in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")
    }
    return shown >= {"W₁", "B₁", "W₂", "B₂", "W₃", "B₃"} and not shown.isdisjoint({"L", "loss"})


# What they stand on


def test_the_examples_of_the_evidence_run() -> None:
    assert doctest.testmod(evidence).failed == 0


def test_central_differences_are_those_of_a_cubic() -> None:
    w = np.array([[1.0, -2.0], [0.5, 3.0]])
    found = central_differences(lambda p: float(np.sum(p["w"] ** 3)), {"w": w})["w"]
    np.testing.assert_allclose(found, 3 * w**2, rtol=1e-8)


@pytest.mark.parametrize(
    ("hand", "true", "expected"),
    [
        ([6.0, -12.0], [1.0, -2.0], (6, 6)),
        ([1.0, -1.0], [1.0, 1.0], (-1, 1)),
        ([1.0, 0.0], [0.0, 1.0], (0, np.inf)),
        ([-1.0, 1e-12], [1.0, 0.0], (-1, -1)),
        ([0.0], [0.0], (1, 1)),
    ],
)
def test_the_ratio_leaves_out_noise(hand: Any, true: Any, expected: Any) -> None:
    assert ratio(np.array(hand), np.array(true)) == expected
