"""`nn` on data in chunks, as Dask's arrays: mini-batches, training, prediction, metrics, layers, and the errors."""

from __future__ import annotations

import copy
import pickle
import signal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor, compile, derive, draw, explain
from tests.chunked import chunked, counted, da, unread
from tests.descent import same_state
from tests.strict import StrictArray

pytestmark = pytest.mark.usefixtures("in_this_thread")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
fit = partial(nn.fit, progress=False)


def network(**options: Any) -> nn.MLP:
    return nn.MLP([4, 8, 3], rng=0, **options)


def trained(model: nn.Module, data: Any, **options: Any) -> nn.History:
    given = {"loss": nn.CrossEntropyLoss(), "epochs": 3, "rng": 1, "optimizer": partial(nn.optim.Adam, lr=0.02)}
    return fit(model, data, **{**given, **options})


# Mini-batches and parts


@pytest.mark.parametrize(("size", "sizes"), [(10, [10] * 6), (40, [40, 20]), (4, [4, 4, 2] * 6)])
def test_batches_are_whole_chunks_or_parts_of_one(size: int, sizes: list[int]) -> None:
    batches = nn.MiniBatches(chunked(X), chunked(np.arange(60)), batch_size=size, rng=0)
    first, second = [[(x.compute(), rows.compute()) for x, rows in batches] for _ in range(2)]
    assert len(batches) == len(first) == len(second)
    assert [len(x) for x, _ in first] == sizes
    for epoch in (first, second):
        rows = np.concatenate([rows for _, rows in epoch])
        assert sorted(rows) == list(range(60))
        np.testing.assert_array_equal(np.concatenate([x for x, _ in epoch]), X[rows])
    assert [list(rows) for _, rows in first] != [list(rows) for _, rows in second]


def test_parts_of_a_chunk_are_shuffled_inside_and_chunks_among_each_other() -> None:
    (rows,) = zip(*nn.MiniBatches(chunked(np.arange(60)), batch_size=5, rng=0), strict=True)
    chunks = np.array([part.compute() for part in rows]).reshape(6, 10)
    assert sorted(chunks[:, 0] // 10) == list(range(6)) != list(chunks[:, 0] // 10)
    for chunk in chunks:
        assert list(np.sort(chunk)) == list(range(min(chunk), min(chunk) + 10)) != list(chunk)


def test_unshuffled_batches_are_in_order() -> None:
    for size in (3, 10, 20):
        batches = nn.MiniBatches(chunked(np.arange(60)), batch_size=size, shuffle=False)
        assert list(np.concatenate([x.compute() for (x,) in batches])) == list(range(60))


def test_making_batches_computes_nothing() -> None:
    for size in (10, 100):
        batches = nn.MiniBatches(unread((60, 4)), unread((60,)), batch_size=size)
        assert len(list(batches)) == len(batches)


def test_chunks_of_columns_and_uneven_chunks_and_what_is_left_out() -> None:
    columns = nn.MiniBatches(da.from_array(X.T, chunks=(4, 10)), batch_size=20, axis=1, rng=0)
    assert [x.shape for (x,) in columns] == [(4, 20)] * 3
    uneven = da.from_array(X, chunks=((25, 25, 10), (4,)))
    assert sorted(len(x) for (x,) in nn.MiniBatches(uneven, batch_size=25, rng=0)) == [10, 25, 25]
    parts = nn.MiniBatches(uneven, batch_size=10, drop_last=True, rng=0)
    assert [len(x) for (x,) in parts] == [10] * 5
    assert len(parts) == 5
    assert len(list(nn.MiniBatches(chunked(X), batch_size=40, drop_last=True))) == 1


@pytest.mark.parametrize("size", [3, 10])
def test_copies_and_pickles_go_on_in_both(size: int) -> None:
    batches = nn.MiniBatches(chunked(np.arange(60)), batch_size=size, rng=0)
    list(batches)
    others = copy.deepcopy(batches), pickle.loads(pickle.dumps(batches))
    expected = [list(x.compute()) for (x,) in batches]
    for other in others:
        assert [list(x.compute()) for (x,) in other] == expected


@pytest.mark.parametrize(
    ("arrays", "error", "told"),
    [
        ((chunked(X), chunked(Y, 12)), ValueError, r"\(60, 4\) in 6 chunks, \(60,\) in 5 chunks.*rechunk"),
        ((chunked(X), Y), TypeError, r"\(60,\): some arrays are in chunks.*from_array"),
        ((chunked(X)[chunked(Y) > 0],), ValueError, "compute_chunk_sizes"),
        ((da.from_array(X, chunks=((60, 0), (4,))),), ValueError, "above 0"),
    ],
)
def test_arrays_that_are_not_chunked_alike_are_refused(arrays: Any, error: type[Exception], told: str) -> None:
    for take in (partial(nn.MiniBatches, batch_size=10), nn.split):
        with pytest.raises(error, match=told):
            take(*arrays)


def test_data_is_split_by_whole_chunks() -> None:
    train, test, rows, held = nn.split(chunked(X), chunked(np.arange(60)), test_size=0.3, rng=0)
    assert (train.chunks, test.chunks) == (((10,) * 4, (4,)), ((10, 10), (4,)))
    np.testing.assert_array_equal(np.concatenate([train, test]).compute(), X[np.concatenate([rows, held]).compute()])
    assert nn.split(unread((60, 4)), rng=0)[0].shape == (40, 4)


@pytest.mark.parametrize(("options", "told"), [({}, "rechunk"), ({"stratify": chunked(Y, 60)}, "stratify")])
def test_what_cannot_be_split_is_told(options: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        nn.split(chunked(X, 60), **options)


# Training


@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_a_training_on_chunks_is_that_on_arrays(clip_norm: float | None) -> None:
    lazy, plain = network(), network()
    options: dict[str, Any] = {"clip_norm": clip_norm, "metrics": [nn.metrics.accuracy], "batch_size": 60, "epochs": 2}
    found = trained(lazy, (chunked(X), chunked(Y)), validation=(chunked(X), chunked(Y)), **options)
    expected = trained(plain, (X, Y), validation=(X, Y), compile=False, **options)
    same_state(lazy, plain, 1e-9)
    assert list(found) == list(expected)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "reads"),
    [
        ({}, 3),
        ({"batch_size": 20}, 3),
        ({"batch_size": 5}, 3),
        ({"metrics": [nn.metrics.accuracy]}, 6),
        ({"validation": 0.3, "metrics": {"right": nn.metrics.accuracy, "mean": lambda p, t: np.mean(p)}}, 3),
    ],
)
def test_a_step_reads_each_chunk_once_and_so_does_an_evaluation(options: Any, reads: int) -> None:
    sources, data = zip(counted(X[:30]), counted(Y[:30]), strict=True)
    trained(network(), data, epochs=1, **options)
    assert [len(source.reads) for source in sources] == [reads, reads]


@pytest.mark.parametrize("size", [5, 20])
def test_a_resumed_training_is_bit_for_bit_the_uninterrupted_one(size: int, tmp_path: Path) -> None:
    data, whole = (chunked(X[:30]), chunked(Y[:30])), network(dropout=0.2)
    options: dict[str, Any] = {"batch_size": size, "validation": 0.3, "checkpoint": tmp_path / "run.npz", "rng": 3}
    expected = trained(whole, data, epochs=2, **{**options, "checkpoint": None})
    trained(network(dropout=0.2), data, epochs=1, **options)
    again = network(dropout=0.2)
    assert trained(again, data, epochs=2, resume=True, **options) == expected
    same_state(again, whole)


def test_ctrl_c_keeps_what_was_learned() -> None:
    def interrupted(block: Any) -> Any:
        calls.append(None)
        if len(calls) == 10:
            signal.raise_signal(signal.SIGINT)
        return block

    calls: list[None] = []
    model = network()
    before = model.state_dict()
    slow = chunked(X).map_blocks(interrupted, dtype=X.dtype, meta=np.empty((0, 4)))
    history = trained(model, (slow, chunked(Y)))
    assert history.stopped == "interrupted in epoch 2"
    assert not np.array_equal(before["layers.0.weight"], model.state_dict()["layers.0.weight"])


def _with(value: Any, array: Any) -> Any:
    array = array.copy()
    array[33] = value
    return array


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (_with(np.nan, X), Y, "array 0 of this batch holds what is not finite"),
        (X, _with(7, Y), "the labels of this batch go from 0 to 7"),
    ],
)
def test_a_loss_that_is_no_number_says_where_it_began(x: Any, y: Any, told: str) -> None:
    model = network()
    before = copy.deepcopy(model)
    with pytest.raises(FloatingPointError, match=told):
        trained(model, (chunked(x), chunked(y)))
    same_state(model, before)


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda x, y: {"compile": True}, TypeError, "compile=True with an array of dask's.*Leave compile out"),
        (lambda x, y: {"data": [(x, y)], "compile": True}, TypeError, "Call the step as it is, not compiled"),
        (lambda x, y: {"data": (x, Y)}, TypeError, "from_array"),
        (lambda x, y: {"data": (x, chunked(Y, 12))}, ValueError, "rechunk"),
        (lambda x, y: {"data": x}, TypeError, r"data as \(X, y\)"),
        (lambda x, y: {"loss": nn.CrossEntropyLoss("none")}, ValueError, "reduce it to one number"),
        (lambda x, y: {"data": (x[:, :3], y)}, ValueError, "last axis must be 4"),
        (lambda x, y: {"data": (x.rechunk((60, 4)), y.rechunk(60)), "validation": 0.5}, ValueError, "rechunk"),
        (
            lambda x, y: {"data": (x.rechunk((10, 2)), y), "validation": 0.5},
            ValueError,
            "parts of samples.*rechunk",
        ),
    ],
)
def test_bad_input_is_told_and_changes_no_parameter(change: Any, error: type[Exception], told: str) -> None:
    model = network()
    before = copy.deepcopy(model)
    options = {"data": (chunked(X), chunked(Y)), **change(chunked(X), chunked(Y))}
    with pytest.raises(error, match=told):
        trained(model, **options, epochs=1)
    if "validation" not in options:
        same_state(model, before)


def test_a_lost_scheduler_leaves_the_parameters() -> None:
    def lost(block: Any) -> Any:
        raise OSError("worker lost")

    model = network()
    before = copy.deepcopy(model)
    with pytest.raises(OSError, match="worker lost"):
        trained(model, (chunked(X).map_blocks(lost, meta=np.empty((0, 4))), chunked(Y)))
    same_state(model, before)


# Prediction and metrics


def test_predictions_are_in_chunks_and_computed_when_asked_for() -> None:
    model = network(dropout=0.5, norm=nn.BatchNorm1d)
    assert nn.predict(model, unread((60, 4))).chunks == ((10,) * 6, (3,))
    found, expected = nn.predict(model, chunked(X), batch_size=3), nn.predict(model, X)
    for parameter in model.parameters():
        parameter.data += 1  # later steps change nothing
    np.testing.assert_allclose(found.compute(scheduler="threads"), expected, rtol=1e-12)
    assert model.training


def test_predictions_of_images_and_by_functions_have_other_axes() -> None:
    images = RNG.normal(size=(20, 2, 6, 6))
    model = nn.Sequential(nn.Conv2d(2, 3, 3, rng=0), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 5, rng=0))
    found = nn.predict(model, chunked(images))
    assert found.chunks == ((10, 10), (5,))
    np.testing.assert_allclose(found.compute(), nn.predict(model, images), rtol=1e-12)
    np.testing.assert_array_equal(nn.predict(lambda x: x[:, 0] > 0, chunked(X)).compute(), X[:, 0] > 0)


SCORES, BINARY, WORDS = RNG.normal(size=(60, 3)), RNG.normal(size=(60, 1)), RNG.integers(3, size=60)


@pytest.mark.parametrize(
    ("metric", "prediction", "target"),
    [
        (nn.metrics.accuracy, SCORES, Y),
        (nn.metrics.accuracy, SCORES, np.eye(3)[Y]),
        (nn.metrics.accuracy, BINARY, Y > 0),
        (nn.metrics.r2, X, X + 0.1),
        (nn.metrics.r2, BINARY, X[:, 0]),
        (nn.metrics.confusion_matrix, SCORES, Y),
        (nn.metrics.confusion_matrix, BINARY, np.minimum(Y, 1)),
        (partial(nn.metrics.confusion_matrix, classes=4), WORDS, Y),
    ],
)
def test_metrics_of_chunks_are_plain_and_read_each_chunk_once(metric: Any, prediction: Any, target: Any) -> None:
    sources, data = zip(counted(prediction), counted(target), strict=True)
    found, expected = metric(*data), metric(prediction, target)
    assert type(found) is type(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert [len(source.reads) for source in sources] == [6, 6]


def test_labels_of_chunks_are_in_chunks_and_those_outside_are_told() -> None:
    assert isinstance(nn.metrics.labels(chunked(SCORES)), da.Array)
    with pytest.raises(ValueError, match="from 0 to 1.*classes="):
        nn.metrics.confusion_matrix(chunked(WORDS), chunked(Y))


# Compiled steps, estimators


@pytest.mark.parametrize(
    "make",
    [
        lambda x, w: (compile(lambda x: np.sum(x @ w), state=w), (x,)),
        lambda x, w: (compile(lambda x: np.sum(x @ w), state=w), (Tensor(x),)),
        lambda x, w: (compile(lambda: np.sum(x @ w), state=w), ()),
        lambda x, w: (compile(lambda held: np.sum(held[0] @ w), state=w), ([x],)),
        lambda x, w: (compile(lambda: np.sum(w), state=(w, {"x": x})), ()),
    ],
)
@pytest.mark.parametrize("array", [chunked, lambda data: StrictArray(data)])
def test_a_compiled_step_refuses_arrays_of_other_libraries(make: Any, array: Any) -> None:
    step, args = make(array(X), Tensor(np.ones(4), requires_grad=True))
    with pytest.raises(TypeError, match="Call the step as it is, not compiled"):
        step(*args)


def test_estimators_take_chunks_as_those_of_scikit_learn_do() -> None:
    estimators = pytest.importorskip("nn.sklearn", reason="install scikit-learn: pip install scikit-learn")
    found, expected = (
        estimators.MLPClassifier((4,), max_iter=2, random_state=0).fit(array(X), array(Y)).predict_proba(array(X))
        for array in (chunked, np.asarray)
    )
    np.testing.assert_array_equal(found, expected)


# Looking at it


def test_pictures_and_explanations_show_chunks_and_compute_none() -> None:
    model = nn.MLP([64, 8, 3], rng=0)
    x = unread((1_000_000, 64), 50_000)
    loss = nn.functional.cross_entropy(model(x), unread((1_000_000,), 50_000, int))
    assert "in 20 chunks" in draw(loss).svg
    assert "NaN and infinity: not looked for in chunks" in str(explain(loss))
    assert "(1000000, 3)" in model.summary(x)
    assert "shape=()" in repr(loss)


def test_a_derivation_of_chunks_computes_none() -> None:
    w = Tensor(np.ones((64, 2)), requires_grad=True, name="w")
    x = unread((1000, 64), 100)
    derivation = derive(np.mean((x @ w) ** 2))
    assert "dw = x.T @ dZ1  # (64, 2)" in derivation.source
    assert r"x^{\top}" in derivation.latex or r"x^\top" in derivation.latex
    assert derivation.arguments["x"] is x
