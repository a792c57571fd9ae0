"""Metrics and splits by scikit-learn's definitions, and mini-batches of files."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd import Tensor
from nn.metrics import accuracy, confusion_matrix, r2

RNG = np.random.default_rng(0)


def test_metrics_are_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="pip install scikit-learn")
    scores, true = RNG.normal(size=(50, 4)), RNG.integers(4, size=50)
    chosen = np.argmax(scores, axis=1)
    assert accuracy(scores, true) == metrics.accuracy_score(true, chosen)
    np.testing.assert_array_equal(confusion_matrix(scores, true), metrics.confusion_matrix(true, chosen))
    t, p = RNG.normal(size=(50, 3)), RNG.normal(size=(50, 3))
    t[:, 2] = 1.0
    assert r2(p, t) == pytest.approx(metrics.r2_score(t, p), rel=1e-13)
    assert r2(t[:, :1], t[:, 0]) == 1.0


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        (np.array([[2.0, 1.0], [0.0, 1.0]]), [0, 0], 0.5),
        (np.array([0.5, -0.5, 3.0]), [1, 1, 1], 2 / 3),
        (np.array([[0.5], [-0.5]]), [[1], [0]], 1.0),
        (np.array([1, 2, 3]), [1, 2, 4], 2 / 3),
        (Tensor([[0.0, 1.0]]), [[0, 1]], 1.0),
    ],
    ids=["scores", "logits", "a column", "labels", "one-hot"],
)
def test_accuracy_takes_what_models_give(prediction: Any, target: Any, expected: float) -> None:
    assert accuracy(prediction, target) == pytest.approx(expected)


def test_bad_metrics_are_told() -> None:
    with pytest.raises(ValueError, match=r"accuracy: the prediction is \(2, 3\), the target \(3,\)"):
        accuracy(np.ones((2, 3)), [0, 1, 2])
    with pytest.raises(ValueError, match="labels must be from 0 to 1"):
        confusion_matrix([0, 1], [0, 2], classes=2)
    with pytest.raises(ValueError, match=r"r2: the prediction is \(2,\), the target \(3,\)"):
        r2([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match=r"hold numbers, and a Linear does not: see nn\.predict\(model, X\)"):
        accuracy(nn.Linear(2, 2, rng=0), [0, 1])


@given(n=st.integers(2, 60), share=st.floats(0.01, 0.99), seed=st.integers(0, 9), kinds=st.integers(1, 4))
def test_a_split_has_every_sample_once_and_each_label_its_share(n: int, share: float, seed: int, kinds: int) -> None:
    labels = np.random.default_rng(seed).integers(kinds, size=n)
    train, test, y_train, y_test = nn.split(np.arange(n), labels, test_size=share, stratify=labels, rng=seed)
    assert sorted([*train, *test]) == list(range(n))
    assert len(test) == min(max(round(n * share), 1), n - 1)
    np.testing.assert_array_equal(labels[train], y_train)
    counts, taken = np.bincount(labels), np.bincount(y_test, minlength=labels.max() + 1)
    assert np.all(np.abs(taken - counts * (len(test) / n)) <= 1)


def test_a_seed_gives_one_split_and_another_gives_another() -> None:
    first, again, other = (nn.split(np.arange(40), rng=seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("arrays", "options", "error", "told"),
    [
        ([], {}, TypeError, "split takes arrays first"),
        ([np.ones(3), np.ones(4)], {}, ValueError, r"\(3,\), \(4,\) need one length"),
        ([np.ones(1)], {}, ValueError, "at least 2"),
        ([np.ones(3)], {"test_size": 1.0}, ValueError, r"test_size is 1\.0"),
        ([np.ones(3)], {"stratify": np.ones(2)}, ValueError, "need one length"),
    ],
)
def test_bad_splits_are_told(arrays: Any, options: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        nn.split(*arrays, **options)


LIMITED = """
import resource, sys
import numpy as np
import nn

def taken():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024

def train(X):
    model = nn.MLP([features, 2], rng=0, dtype=np.float32)
    for compiled in (True, False):
        nn.fit(
            model, (X, np.arange(len(X)) % 2), loss=nn.CrossEntropyLoss(), epochs=1, batch_size=32, validation=0.2,
            rng=0, compile=compiled, metrics=[nn.metrics.accuracy], progress=False,
        )
    return nn.predict(model, X, batch_size=64)

path = sys.argv[1]
room, features = 16 << 20, 2048
rows = 10 * room // (4 * features)
np.lib.format.open_memmap(path, "w+", np.float32, (rows, features)).flush()
X = np.load(path, mmap_mode="r")
train(X[:100])  # what is imported and kept once is no matter of the file
limit = taken() + room
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    np.ones(2 * room, np.uint8)
except MemoryError:
    pass
else:
    print("no limit")
print(train(X).shape == (rows, 2))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory are Linux's")
def test_a_file_of_ten_times_the_memory_that_is_left_trains(tmp_path: Path) -> None:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "X.npy")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, env=environment)
    assert done.stdout == "True\n", done.stdout + done.stderr


def test_a_share_of_a_file_is_kept_for_validation(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    np.save(tmp_path / "X.npy", values)
    histories = []
    for X in (values, np.load(tmp_path / "X.npy", mmap_mode="r")):
        model = nn.MLP([3, 4, 3], rng=0, dtype=np.float32)
        how: Any = {"epochs": 3, "validation": 0.3, "rng": 0, "metrics": [nn.metrics.r2], "progress": False}
        histories.append(nn.fit(model, (X, X), loss=nn.MSELoss(), **how).to_dict())
    assert histories[0] == histories[1]


def test_of_a_file_only_the_rows_of_a_batch_are_in_memory(tmp_path: Path) -> None:
    X: Any = np.memmap(tmp_path / "X.dat", dtype=np.float32, mode="w+", shape=(100_000, 20))
    X[:, 0] = np.arange(100_000)
    model = nn.Linear(20, 1, rng=0, dtype=np.float32)
    y = np.zeros((100_000, 1), np.float32)
    batches = nn.MiniBatches(X, y, batch_size=1000, rng=0)
    x, _ = next(iter(batches))
    assert type(x) is np.ndarray
    np.testing.assert_array_equal(np.sort(x[:, 0]), np.sort(np.unique(x[:, 0])))
    tracemalloc.start()
    nn.fit(
        model, batches, loss=nn.MSELoss(), epochs=1, optimizer=nn.optim.SGD(model.parameters(), 1e-12), progress=False
    )
    nn.predict(model, X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 2
