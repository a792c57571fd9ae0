"""Pictures of trainings: what is drawn is what was given; each returns the Axes that it got."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nn
from nn import plots

matplotlib = pytest.importorskip("matplotlib", reason="pip install matplotlib")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture
def axes() -> Iterator[Any]:
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    yield figure.subplots()
    figure.canvas.draw()  # what cannot be laid out fails here


@pytest.fixture(scope="module")
def model() -> Any:
    model = nn.Sequential(nn.Linear(2, 8, rng=0), nn.Tanh(), nn.Linear(8, 2, rng=1))
    data = {"loss": nn.CrossEntropyLoss(), "epochs": 3, "rng": 0, "compile": False, "progress": False}
    model.flow = plots.GradientFlow()
    nn.fit(model, (X, Y), callbacks=[model.flow], **data)
    return model


def test_learning_curves_have_a_line_for_each_number(axes: Any) -> None:
    history = nn.History(loss=[1.0, 0.5, 0.25], lr=[0.1] * 3, val_loss=[1.0, 0.6, 0.7], val_accuracy=[0.1, 0.8, 0.9])
    history.best_epoch = 2
    assert history.plot(axes) is axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["val_loss"].get_xydata(), [(1, 1.0), (2, 0.6), (3, 0.7)])
    assert set(lines["best, epoch 2"].get_xdata()) == {2}
    beside = next(other for other in axes.figure.axes if other is not axes)
    assert [line.get_label() for line in beside.lines] == ["val_accuracy"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "loss", "val_loss", "best, epoch 2", "val_accuracy",
    ]  # fmt: skip
    assert axes.get_yscale() == "log"
    with pytest.raises(ValueError, match="the history has no loss"):
        plots.learning_curves({}, axes)


def test_a_confusion_matrix_shows_its_counts(axes: Any) -> None:
    assert plots.confusion([0, 1, 1, 0], [0, 1, 0, 0], axes, names=["cat", "dog"]) is axes
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "2", (1, 0): "1", (1, 1): "1"}
    assert axes.get_title(loc="left") == "3 of 4 right"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    with pytest.raises(ValueError, match="1 names for 2 classes"):
        plots.confusion([0, 1], [0, 1], axes, names=["cat"])


def test_gradient_flow_has_the_norms_of_each_parameter(axes: Any, model: Any) -> None:
    assert model.flow.plot(axes) is axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    expected = np.linalg.norm(model[0].weight.grad)
    assert lines["0.weight"].get_ydata()[-1] == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="there are no norms"):
        plots.gradient_flow({}, axes)


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_a_decision_boundary_is_where_the_model_changes_its_mind(axes: Any, outputs: int) -> None:
    model = nn.Linear(2, outputs, rng=0)
    assert plots.decision_boundary(model, X, Y, axes, points=20) is axes
    image = axes.images[0].get_array()
    assert image.shape == (20, 20, 3)
    low, high = axes.images[0].get_extent()[0], axes.images[0].get_extent()[1]
    assert low < X[:, 0].min() < X[:, 0].max() < high
    scattered = np.vstack([points.get_offsets() for points in axes.collections if len(points.get_offsets()) > 1])
    assert len(scattered) == len(X)
    with pytest.raises(ValueError, match=r"X is \(30, 3\)"):
        plots.decision_boundary(model, np.ones((30, 3)), Y, axes)


def test_a_hidden_space_is_of_the_layer_before_the_output(axes: Any, model: Any) -> None:
    assert plots.hidden_space(model, X, Y, axes=axes) is axes
    assert axes.get_title(loc="left") == "Hidden space of 1, 8 units"
    hidden = np.tanh(X @ model[0].weight.data + model[0].bias.data)
    shown = np.vstack([points.get_offsets() for points in axes.collections])
    assert np.var(shown[:, 0]) == pytest.approx(np.linalg.eigvalsh(np.cov(hidden.T, bias=True))[-1])
    with pytest.raises(ValueError, match=r"no layer '7' gives \(n, units\); there are 0, 1, 2"):
        plots.hidden_space(model, X, Y, "7", axes)
    with pytest.raises(ValueError, match="dimensions is 4"):
        plots.hidden_space(model, X, Y, dimensions=4)


def test_a_hidden_space_of_two_units_is_these_units(axes: Any, model: Any) -> None:
    plots.hidden_space(model, X, Y, "2", axes)
    shown = np.vstack([points.get_offsets() for points in axes.collections])
    expected = nn.predict(model, X)
    np.testing.assert_allclose(shown[np.lexsort(shown.T)], expected[np.lexsort(expected.T)])


def test_a_hidden_space_in_three_dimensions(model: Any) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot(projection="3d")
    assert plots.hidden_space(model, X, Y, axes=axes, dimensions=3).get_zlabel() == "component 3"
    figure.canvas.draw()


@pytest.mark.parametrize("gradients", [True, False])
def test_histograms_have_a_row_for_each_parameter(axes: Any, model: Any, gradients: bool) -> None:
    assert plots.histograms(model, axes, gradients=gradients) is axes
    rows = ["2.bias (2)", "2.weight (16)", "0.bias (8)", "0.weight (16)"]
    assert [label.get_text() for label in axes.get_yticklabels()] == rows
    with pytest.raises(ValueError, match="no gradients; call backward"):
        plots.histograms(nn.Linear(1, 1), axes, gradients=True)


def test_a_landscape_is_lowest_where_the_loss_is_and_leaves_the_weights(axes: Any) -> None:
    model = nn.Linear(2, 1, bias=False, rng=0)
    before, target = model.weight.data.copy(), X @ model.weight.data
    returned = plots.loss_landscape(
        model, lambda: nn.functional.mse_loss(model(X), target) + 1e-3, axes, points=5, rng=0
    )
    assert returned is axes
    np.testing.assert_array_equal(model.weight.data, before)
    assert axes.lines[0].get_xydata().tolist() == [[0, 0]]
    assert axes.figure.axes[1].get_ylabel() == "log₁₀ of the loss"
    with pytest.raises(TypeError, match=r"loss_of is a tuple; give lambda: loss\(model\(X\), y\)"):
        plots.loss_landscape(model, (X, target))


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plots.histograms(nn.Linear(1, 1))
