"""Tensors on arrays in chunks, as Dask's are: one pass over the data, plain gradients of parameters, and the errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor, value_and_grad
from autograd.core.op import Op, operations
from tests import libraries
from tests.chunked import Source, da
from tests.strict import StrictArray

SAID = libraries.said()


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.name)
@pytest.mark.filterwarnings("ignore")  # Dask's, on its own performance
def test_what_the_page_says_works_in_chunks_does_and_the_rest_is_an_error(op: Op) -> None:
    said = SAID[libraries.NAMES.get(op.name, op.name)][1]
    chunked = [libraries.works(op, k, libraries.dask(2)) for k in range(len(op.samples))]
    if said == libraries.YES:
        assert not any(chunked), chunked
    if said == libraries.WHOLE:
        assert not any(libraries.works(op, k, libraries.dask(1)) for k in range(len(op.samples)))


def classifier(X: Any, y: Any) -> tuple[nn.Module, Tensor]:
    model = nn.MLP([4, 6, 3], rng=0)
    return model, nn.functional.cross_entropy(model(X), y)


def data(n: int = 40) -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, 4)), rng.integers(3, size=n)


def test_parameters_get_plain_gradients_and_every_chunk_is_read_once() -> None:
    X, y = data()
    model, loss = classifier(X, y)
    loss.backward()
    source = Source(X)
    chunked = da.from_array(source, chunks=(10, 4), name=False)
    same, lazy = classifier(chunked, da.from_array(y, chunks=10))
    source.reads.clear()  # meta data alone was asked for
    import dask

    with dask.config.set(scheduler="threads"):
        lazy.backward()
    assert len(source.reads) == 4
    assert lazy.item() == pytest.approx(loss.item(), rel=1e-14)  # known, and not computed again
    assert len(source.reads) == 4
    for p, q in zip(model.parameters(), same.parameters(), strict=True):
        assert type(q.grad) is np.ndarray
        np.testing.assert_allclose(q.grad, p.grad, rtol=1e-12, atol=1e-15)


def test_a_lazy_leaf_gets_a_lazy_gradient() -> None:
    x = np.linspace(-1, 1, 6)
    t = Tensor(da.from_array(x, chunks=2), requires_grad=True)
    np.sum(np.tanh(t)).backward()
    assert isinstance(t.grad, da.Array)
    np.testing.assert_allclose(t.grad.compute(), 1 - np.tanh(x) ** 2)


def test_transforms_give_plain_values_and_gradients_of_plain_arguments() -> None:
    X, _ = data()
    W = np.ones((4, 2))
    chunked = da.from_array(X, chunks=(10, 4))
    value, gradient = value_and_grad(lambda W: np.mean((chunked @ W) ** 2))(W)
    expected, plain = value_and_grad(lambda W: np.mean((X @ W) ** 2))(W)
    assert type(gradient) is np.ndarray
    assert float(value) == pytest.approx(float(expected))
    np.testing.assert_allclose(gradient, plain)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # in the threads of Dask, where NumPy is not told to be quiet
def test_what_was_thrown_away_gets_no_gradient() -> None:
    w = Tensor(np.ones(4), requires_grad=True)
    z = da.zeros((6, 4), chunks=(2, 4)) @ w
    np.sum(np.where(z > 0, np.log(z), 0.0)).backward()
    np.testing.assert_array_equal(w.grad, np.zeros(4))


def test_a_label_that_is_no_class_makes_the_loss_nan() -> None:
    X, y = data()
    y[3] = 7
    _, loss = classifier(da.from_array(X, chunks=(10, 4)), da.from_array(y, chunks=10))
    assert np.isnan(loss.item())


def test_comparing_and_printing_a_lazy_loss() -> None:
    _, loss = classifier(*(da.from_array(a, chunks=10) for a in data()))
    assert "dask.array" in repr(loss)
    assert loss < 100
    assert isinstance(loss.data, da.Array)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: np.sort(t, axis=0), r"numpy\.sort: dask does not know it.*compute"),
        (lambda t: np.median(t), "axis"),
        (lambda t: t.__setitem__(0, 1.0), r"np\.where"),
        (lambda t: t.__iadd__(1.0), r"t = t \+ v"),
        (lambda t: t[t.data > 0], "compute_chunk_sizes"),
        (lambda t: np.linalg.cholesky(t), "upper factor"),
    ],
)
def test_what_chunks_cannot_do_is_an_error_with_the_cure(call: Any, message: str) -> None:
    t = Tensor(da.ones((4, 4), chunks=2), requires_grad=True) * 1.0
    with pytest.raises((TypeError, ValueError, NotImplementedError), match=message):
        call(t)


def test_chunks_of_unknown_length_are_refused() -> None:
    x = da.from_array(np.arange(6.0), chunks=2)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        Tensor(x[x > 2])


def test_a_scheduler_that_fails_changes_no_gradient() -> None:
    X, y = data()

    def lost(block: Any) -> Any:
        raise OSError("worker lost")

    chunked = da.from_array(X, chunks=(10, 4)).map_blocks(lost, dtype=X.dtype)
    model, loss = classifier(chunked, da.from_array(y, chunks=10))
    with pytest.raises(OSError, match="worker lost") as caught:
        loss.backward()
    assert any("no gradient was changed" in note for note in caught.value.__notes__)
    assert all(p.grad is None for p in model.parameters())


def test_a_lost_scheduler_names_the_cure_and_changes_no_gradient() -> None:
    client = pytest.importorskip("distributed.client", reason="install Dask: pip install 'chalkgrad[cluster]'")
    import dask

    def lost(graph: Any, keys: Any, **_: Any) -> Any:
        raise client.FutureCancelledError(keys[0], "scheduler-connection-lost")

    model, loss = classifier(*(da.from_array(a, chunks=10) for a in data()))
    with dask.config.set(scheduler=lost), pytest.raises(client.FutureCancelledError, match="lost") as caught:
        loss.backward()
    assert "distributed.Client" in " ".join(caught.value.__notes__)
    assert all(p.grad is None for p in model.parameters())
    assert isinstance(loss.data, da.Array)
    loss.backward()  # with another scheduler
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    "call",
    [
        lambda x, w: x @ w,
        lambda x, w: np.maximum(w[:, 0], x),
        lambda x, w: np.where(x > 0, w[:, 0], x),
        lambda x, w: np.concatenate([x, w]),
        lambda x, w: nn.functional.linear(x, w),
    ],
)
@pytest.mark.filterwarnings("ignore")  # Dask's, on its own performance
def test_chunks_beside_a_device_are_an_error_with_the_cure(call: Any) -> None:
    x, w = da.from_array(data()[0], chunks=(10, 4)), StrictArray(np.ones((4, 4)))
    for left, right in ((Tensor(x), w), (x, Tensor(w, requires_grad=True)), (Tensor(x), Tensor(w))):
        with pytest.raises(
            TypeError, match=r"^(np|nn)\..* of .*dask.Array of numpy.ndarray and .*Strict.*do not mix.*cupy"
        ):
            call(left, right)


def test_the_pages_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parent.parent / "autograd" / "array" / "CLUSTERS.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.S)
    assert len(code) == 1
    exec(compile(code[0], "CLUSTERS.md", "exec"), {})
    assert capsys.readouterr().out.startswith("ndarray 2.")


ALL = slice(None)


@pytest.mark.parametrize(
    "index", [2, -1, slice(1, 5), slice(3, 1), (ALL, 1), (ALL, None), (..., 0), None, (1, slice(2, 4)), slice(0, 6, 2)]
)
def test_reading_a_part_of_rows_in_chunks(index: Any) -> None:
    x = np.random.default_rng(0).normal(size=(6, 4))
    t, lazy = Tensor(x, requires_grad=True), Tensor(da.from_array(x, chunks=(2, 4)), requires_grad=True)
    np.sum(t[index] ** 3).backward()
    np.sum(lazy[index] ** 3).backward()
    np.testing.assert_allclose(lazy.grad.compute(), t.grad)
