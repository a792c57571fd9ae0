"""`nn.fit`: the loop that everybody writes, what it remembers, and what stops it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from descent import same_state

import nn
from nn.training import Run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
fit = partial(nn.fit, progress=False)


def network(**options: Any) -> nn.MLP:
    return nn.MLP([2, 8, 2], rng=0, **options)


def trained(model: nn.Module, **options: Any) -> nn.History:
    given = {"loss": nn.CrossEntropyLoss(), "epochs": 4, "rng": 1, "optimizer": partial(nn.optim.Adam, lr=0.02)}
    return fit(model, (X, Y), **{**given, **options})


@pytest.mark.parametrize("compiled", [True, False])
def test_it_is_the_loop_written_by_hand(compiled: bool) -> None:
    model, by_hand = network(), network()
    history = trained(model, compile=compiled)
    optimizer = nn.optim.Adam(by_hand.parameters(), lr=0.02)
    batches, losses = nn.MiniBatches(X, Y, batch_size=32, rng=1), []
    for _ in range(4):
        total = 0.0
        for x, y in batches:
            loss = nn.functional.cross_entropy(by_hand(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / len(X))
    for a, b in zip(model.parameters(), by_hand.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-10)


def test_a_history_is_lists_by_name() -> None:
    model = network(dropout=0.2)
    metrics = {"acc": nn.metrics.accuracy}
    history = trained(
        model, validation=(X[:20], Y[:20]), metrics=metrics, schedule=partial(nn.optim.StepLR, step_size=2)
    )
    assert list(history) == ["loss", "lr", "val_loss", "val_acc"]
    assert {len(values) for values in history.values()} == {4} == {history.epochs}
    np.testing.assert_allclose(history["lr"], [0.02, 0.02, 0.002, 0.002])
    output = nn.predict(model, X[:20])
    assert history["val_acc"][-1] == nn.metrics.accuracy(output, Y[:20])
    assert history["val_loss"][-1] == pytest.approx(float(nn.functional.cross_entropy(output, Y[:20])))
    assert json.loads(json.dumps(history.to_dict())) == history
    assert history.stopped == "all 4 epochs are over"
    assert repr(history).startswith("History(4 epochs, loss=")
    assert not model.training


def test_without_validation_metrics_are_of_the_training_data() -> None:
    model = network()
    history = trained(model, metrics=[nn.metrics.accuracy])
    assert history["accuracy"][-1] == nn.metrics.accuracy(nn.predict(model, X), Y)


def test_a_share_of_the_data_is_kept_for_validation() -> None:
    seen: set[float] = set()

    def loss(output: Any, target: Any) -> Any:
        return nn.functional.mse_loss(output, target)

    def metric(output: Any, target: Any) -> float:
        seen.update(target.ravel().tolist())
        return 0.0

    y = np.arange(90.0).reshape(90, 1) / 90
    history = fit(nn.Linear(2, 1, rng=0), (X, y), loss=loss, epochs=1, validation=0.2, metrics=[metric], rng=0)
    assert len(seen) == 18
    assert "val_metric" in history


def test_a_plain_schedule_goes_on_by_an_epoch_and_one_cycle_by_a_batch() -> None:
    model = network()
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    schedule = nn.optim.OneCycleLR(optimizer, 0.1, total_steps=12)
    fit(model, (X, Y), loss=nn.CrossEntropyLoss(), epochs=4, optimizer=optimizer, schedule=schedule)
    assert schedule.last_epoch == 12
    plateau = nn.optim.ReduceLROnPlateau(optimizer, patience=0, threshold=1e9, threshold_mode="abs")
    fit(model, (X, Y), loss=nn.CrossEntropyLoss(), epochs=3, optimizer=optimizer, schedule=plateau)
    assert optimizer.lr == pytest.approx(schedule.rate(12) * 0.01, abs=1e-8)


def test_the_best_weights_come_back_when_nothing_gets_better() -> None:
    states: list[dict[str, Any]] = []
    numbers = iter([3.0, 1.0, 2.0, 2.5, 0.5])
    model = network(norm=nn.BatchNorm1d)
    history = trained(
        model,
        epochs=9,
        metrics={"error_loss": lambda output, target: next(numbers)},
        monitor="error_loss",
        patience=2,
        callbacks=[lambda run: states.append(run.model.state_dict())],
    )
    assert (history.epochs, history.best_epoch) == (4, 2)
    assert history.stopped == "no better error_loss in 2 epochs"
    assert all(np.array_equal(states[1][path], array) for path, array in model.state_dict().items())
    assert any(not np.array_equal(states[3][path], array) for path, array in model.state_dict().items())


def test_a_metric_is_better_where_it_is_larger() -> None:
    numbers = iter([0.1, 0.9, 0.5])
    history = trained(network(), epochs=3, metrics={"score": lambda o, t: next(numbers)}, monitor="score")
    assert history.best_epoch == 2


def test_a_callback_may_stop_the_training() -> None:
    def enough(run: Run) -> None:
        if run.epoch == 2:
            run.stop = "enough"

    history = trained(network(), callbacks=[enough])
    assert (history.epochs, history.stopped) == (2, "enough")


# Interruptions


class _StopError(Exception):
    pass


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("after", [1, 3])
def test_a_resumed_training_is_bit_for_bit_the_uninterrupted_one(after: int, compiled: bool, tmp_path: Path) -> None:
    def run(**options: Any) -> tuple[nn.MLP, nn.History]:
        model = network(dropout=0.2, norm=nn.BatchNorm1d)
        schedule = partial(nn.optim.CosineAnnealingLR, T_max=5)
        options = {"epochs": 5, "validation": 0.2, "patience": 2, "schedule": schedule, "compile": compiled, **options}
        return model, trained(model, **options)

    def stop(state: Run) -> None:
        if state.epoch == after:
            raise _StopError

    whole, expected = run()
    with pytest.raises(_StopError):
        run(checkpoint=tmp_path / "run.npz", callbacks=[stop])
    resumed, history = run(checkpoint=tmp_path / "run.npz", resume=True)
    same_state(resumed, whole)
    assert history == expected
    assert history.best_epoch == expected.best_epoch


def test_a_checkpoint_of_something_else_changes_nothing(tmp_path: Path) -> None:
    trained(network(), checkpoint=tmp_path / "run.npz")
    other = nn.MLP([2, 5, 2], rng=0)
    before = other.state_dict()
    with pytest.raises(ValueError, match=r"layers\.0\.weight is \(2, 5\), in the state \(2, 8\)"):
        trained(other, checkpoint=tmp_path / "run.npz", resume=True)
    assert all(np.array_equal(before[path], array) for path, array in other.state_dict().items())
    with pytest.raises(ValueError, match="is no checkpoint of this training: it has other random generators"):
        trained(network(dropout=0.5, norm=nn.LayerNorm), checkpoint=tmp_path / "run.npz", resume=True)
    (tmp_path / "foreign.npz").write_bytes(b"something")
    with pytest.raises(ValueError, match=r"is not an \.npz archive"):
        trained(network(), checkpoint=tmp_path / "foreign.npz", resume=True)


def test_ctrl_c_keeps_what_was_learned() -> None:
    model = network()

    def interrupt(run: Run) -> None:
        if run.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # xdist ignores it
    try:
        history = trained(model, callbacks=[interrupt], epochs=9)
    finally:
        signal.signal(signal.SIGINT, before)
    two = network()
    trained(two, epochs=2)
    same_state(model, two)
    assert (history.epochs, history.stopped) == (2, "interrupted in epoch 3")


@pytest.mark.parametrize("compiled", [True, False])
def test_a_loss_that_is_no_number_says_where_it_began(compiled: bool) -> None:
    class Logarithm(nn.Module):
        def forward(self, x: Any) -> Any:
            return np.log(x)

    def loss(output: Any, target: Any) -> Any:
        return np.mean(output) + 0.0 * np.mean(target)

    x = np.ones((6, 2))
    x[4] = -1.0
    model = nn.Sequential(nn.Linear(2, 2, rng=0), Logarithm())
    model[0].weight.data, model[0].bias.data = np.eye(2), np.zeros(2)  # type: ignore[attr-defined]
    before = model.state_dict()
    batches = nn.MiniBatches(x, np.zeros(6), batch_size=2, shuffle=False)
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(FloatingPointError, match=r"loss is nan in batch 3 of epoch 1: (np\.)?log of .*finite operands"),
    ):
        fit(model, batches, loss=loss, epochs=2, compile=compiled, optimizer=partial(nn.optim.SGD, lr=1e-3))
    assert all(np.array_equal(before[path], array) for path, array in model.state_dict().items())


@pytest.mark.parametrize("compiled", [False, True])
def test_an_error_in_a_step_leaves_what_there_was_before_the_epoch(compiled: bool) -> None:
    X, y = np.ones((9, 2)), np.zeros(9, int)
    model = nn.MLP([2, 4, 2], norm=nn.BatchNorm1d, rng=0)  # it cannot train with the one sample that is left
    optimizer = nn.optim.Adam(model.parameters())
    before = {**model.state_dict(), **optimizer.state_dict()}
    with pytest.raises(ValueError, match="with one value a channel"):
        fit(model, (X, y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, batch_size=4, compile=compiled)
    for name, value in {**model.state_dict(), **optimizer.state_dict()}.items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_a_rate_that_is_too_large_is_told() -> None:
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match=r"the loss had grown from .* to .*: take a smaller lr"),
    ):
        fit(
            nn.Linear(2, 1, rng=0), (X, X[:, :1]), loss=nn.MSELoss(), epochs=400, compile=False,
            optimizer=partial(nn.optim.SGD, lr=1e4),
        )  # fmt: skip


def test_a_step_that_cannot_be_compiled_says_what_to_do() -> None:
    def printed(output: Any, target: Any) -> Any:
        np.asarray(output.data)
        return nn.functional.cross_entropy(output, target)

    with pytest.raises(TypeError) as told:
        trained(network(), loss=printed)
    assert told.value.__notes__ == ["nn.fit(..., compile=False) runs each step as it is written"]
    trained(network(), loss=printed, compile=False)


# What it is given


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"data": (X, Y[:5])}, ValueError, r"\(90, 2\), \(5,\) need one length"),
        ({"data": (X, Y[:5]), "validation": 0.2}, ValueError, r"fit: the shapes \(90, 2\), \(5,\) need one length"),
        ({"data": (X[:1], Y[:1]), "validation": 0.2}, ValueError, "need one length along axis 0, at least 2"),
        ({"data": (X[:0], Y[:0])}, ValueError, "hold no samples"),
        ({"data": X}, TypeError, r"fit takes the data as \(X, y\)"),
        ({"data": (np.where(X > 2, np.nan, X), Y)}, ValueError, r"array 0 of the data holds nan at \("),
        ({"data": (X, Y + 1)}, ValueError, "with 2 classes, labels go from 0 to 1"),
        ({"data": (X, np.r_[Y[:89], 2])}, ValueError, "target is 2 at .*with 2 classes"),
        ({"data": (X, Y * 1.0)}, ValueError, "labels are integers"),
        ({"data": (X[:, :1], Y)}, ValueError, r"Linear layers\.0: weight is \(2, 8\), input is"),
        ({"data": iter([])}, ValueError, "the data gave no batches"),
        (
            {"data": (X, np.array(["a", "b"])[Y])},
            TypeError,
            "array 1 of the data holds <U1, no real numbers",
        ),
        ({"data": (X.astype(object), Y)}, TypeError, "array 0 of the data holds object.*astype"),
        ({"data": [X, Y]}, TypeError, r"not ndarray; arrays go as one, nn\.fit\(model, \(X, y\)"),
        ({"schedule": nn.optim.StepLR}, TypeError, r"is the class StepLR; give one, nn\.optim\.StepLR\(optimizer"),
        ({"callbacks": print}, TypeError, "callbacks is <built-in function print>; give a list"),
        ({"callbacks": [5]}, TypeError, r"callbacks is \[5\]; give a list of functions"),
        ({"data": (X, 2 * Y[:, None]), "model": nn.MLP([2, 1]), "loss": nn.BCEWithLogitsLoss()}, ValueError, "is 2 at"),
        ({"checkpoint": "no such folder/c.npz"}, FileNotFoundError, "there is no folder .*no such folder"),
        ({"epochs": -1}, ValueError, "fit: epochs is -1"),
        ({"batch_size": 0}, ValueError, "fit: batch_size is 0"),
        ({"patience": 0}, ValueError, "fit: patience is 0"),
        ({"clip_norm": -1.0}, ValueError, "clip_norm is -1"),
        ({"monitor": "val_loss"}, ValueError, "monitor is 'val_loss'; the history has loss"),
        ({"metrics": ["accuracy"]}, TypeError, "the metric accuracy is 'accuracy'; it is a function"),
        ({"metrics": nn.metrics.accuracy}, TypeError, r"metrics is <function accuracy.*; give a list"),
        ({"metrics": "accuracy"}, TypeError, "metrics is 'accuracy'; give a list"),
        ({"loss": "mse"}, TypeError, "loss is 'mse'; it is a function"),
        ({"loss": nn.CrossEntropyLoss}, TypeError, r"loss is <class .*such as nn\.CrossEntropyLoss\(\)"),
        ({"optimizer": "adam"}, TypeError, "optimizer is 'adam'"),
        ({"optimizer": nn.optim.SGD(nn.Linear(1, 1).parameters(), 0.1)}, ValueError, "made for another model"),
        (
            {"loss": lambda o, t: nn.functional.cross_entropy(o, t, "none")},
            ValueError,
            "the loss has 1 axes; reduce it",
        ),
        ({"loss": lambda o, t: 5.0}, TypeError, "the loss gave a float; it computes a Tensor"),
        ({"resume": True}, ValueError, "give checkpoint= too"),
        ({"schedule": 0.5}, TypeError, r"schedule is 0\.5"),
        ({"validation": 2}, TypeError, "validation is"),
        ({"validation": 1.5}, ValueError, r"test_size is 1\.5; it is a share"),
        ({"model": np.tanh}, TypeError, "fit takes a model first"),
    ],
)
def test_bad_input_is_told_before_anything_is_trained(change: Any, error: type[Exception], told: str) -> None:
    model = network()
    before = model.state_dict()
    arguments = {"model": model, "data": (X, Y), "loss": nn.CrossEntropyLoss(), **change}
    with pytest.raises(error, match=told):
        fit(arguments.pop("model"), arguments.pop("data"), **arguments)
    same_state = model.state_dict()
    assert all(np.array_equal(before[path], array) for path, array in same_state.items())


@pytest.mark.parametrize(
    ("output", "told"), [(lambda y: None, "gave None: return"), (lambda y: y.data, "gave an array: leave out .data")]
)
def test_a_model_that_gives_no_tensor_is_told(output: Any, told: str) -> None:
    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2, rng=0)

        def forward(self, x: Any) -> Any:
            return output(self.layer(x))

    with pytest.raises(TypeError, match=told):
        fit(Wrong(), (X, Y), loss=nn.CrossEntropyLoss())


@pytest.mark.parametrize(
    ("model", "loss", "y"),
    [
        (lambda: nn.MLP([2, 4, 2], output_activation=nn.Softmax), nn.CrossEntropyLoss(), Y),
        (lambda: nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()), nn.BCEWithLogitsLoss(), Y[:, None]),
        (lambda: nn.Sequential(nn.Linear(2, 2), nn.Softmax()), nn.functional.cross_entropy, Y),
    ],
)
def test_probabilities_where_logits_are_expected_are_warned_of(model: Callable[[], Any], loss: Any, y: Any) -> None:
    with pytest.warns(UserWarning, match="outputs look like probabilities"):
        fit(model(), (X, y), loss=loss, epochs=0)


def test_a_float32_model_trains_in_float32_and_frozen_parameters_stay() -> None:
    model = network(dtype=np.float32)
    model.layers[0].requires_grad_(False)
    before = model.layers[0].weight.data.copy()
    trained(model, clip_norm=0.5)
    assert {p.dtype for p in model.parameters()} == {np.dtype("f4")}
    np.testing.assert_array_equal(model.layers[0].weight.data, before)
    assert nn.predict(model, X).dtype == np.float32
    with pytest.raises(ValueError, match="no parameters to train"):
        trained(model.requires_grad_(False))


def test_lists_and_frames_and_weights_of_samples_are_data() -> None:
    def weighted(output: Any, target: Any, weight: Any) -> Any:
        return np.mean(weight * nn.functional.cross_entropy(output, target, "none"))

    a, b = network(), network()
    fit(a, (X.tolist(), Y.tolist(), [1.0] * 90), loss=weighted, epochs=2, rng=0, compile=False)
    fit(b, (X, Y), loss=nn.CrossEntropyLoss(), epochs=2, rng=0, compile=False)
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12)


# Prediction


def test_predict_is_in_eval_and_leaves_each_module_as_it_was() -> None:
    model = network(dropout=0.5)
    model.layers[1].training = False
    whole = nn.predict(model, X)
    np.testing.assert_array_equal(nn.predict(model, X, batch_size=90), whole)
    np.testing.assert_allclose(nn.predict(model, X, batch_size=7), whole, rtol=1e-13)
    assert (model.training, model.dropout.training, model.layers[1].training) == (True, True, False)
    with pytest.raises(ValueError, match=r"X is \(0, 2\); it holds no samples"):
        nn.predict(model, X[:0])


def test_a_bar_shows_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm", reason="pip install tqdm")
    history = nn.fit(network(), (X, Y), loss=nn.CrossEntropyLoss(), epochs=2, progress=True)
    assert history.epochs == 2
    assert capsys.readouterr().out == ""
