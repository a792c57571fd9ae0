"""Every demo runs, and says what its page promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import demos
import demos.__main__ as command
from demos import relu_regression


@pytest.fixture(autouse=True)
def _output_goes_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demos, "OUT", tmp_path)


def test_both_trainings_print_the_published_losses() -> None:
    X, y = relu_regression.data()
    hand, engine = relu_regression.train_by_hand(X, y), relu_regression.train_by_autograd(X, y)
    for epoch, published in relu_regression.PUBLISHED.items():
        np.testing.assert_allclose(hand[epoch], published, rtol=1e-12)
        np.testing.assert_allclose(engine[epoch], published, rtol=1e-12)


def test_the_hand_derivation_is_right_at_the_first_step() -> None:
    report = relu_regression.judge_first_step(*relu_regression.data())
    assert len(report.findings) == 6
    assert report.matches
    assert max(finding.norm_rel_error for finding in report.findings) <= 1e-12


def test_the_main_demo_prints_the_table_and_writes_its_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([]) == 0
    printed = capsys.readouterr().out
    assert printed.count("17.2684110617629") == 3
    assert "all 6 gradients match" in printed
    for name in ("relu_regression_graph.svg", "relu_regression_loss.svg"):
        assert str(tmp_path / name) in printed
        assert "<svg" in (tmp_path / name).read_text()


def test_the_graph_of_the_step_shows_values_gradients_and_shapes(tmp_path: Path) -> None:
    import autograd

    svg = autograd.draw(relu_regression.draw_step(*relu_regression.data())).svg
    for text in ("100×3", "3×16", "mean"):
        assert text in svg


def test_the_list_and_an_unknown_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    assert "000" in capsys.readouterr().out
    assert command.main(["nope"]) == 2
    assert "there is no demo 'nope'" in capsys.readouterr().err
