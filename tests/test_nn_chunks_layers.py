"""Layers and losses on data in chunks, as Dask's arrays: values, gradients, draws and running statistics of arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor
from tests.chunked import chunked, counted, da
from tests.descent import same_state
from tests.strict import StrictArray

pytestmark = pytest.mark.usefixtures("in_this_thread")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
SCORES, WORDS = RNG.normal(size=(60, 3)), RNG.integers(3, size=60)


def test_a_linear_map_of_chunks_takes_no_more_tasks_than_the_product_and_sum_that_it_is() -> None:
    layer = nn.Linear(4, 3, rng=0)
    by_layer, as_written = layer(chunked(X)), chunked(X) @ layer.weight + layer.bias
    assert len(by_layer.data.dask) == len(as_written.data.dask)
    np.testing.assert_array_equal(by_layer.data.compute(), as_written.data.compute())


def _attention() -> nn.Module:
    class Itself(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, rng=0)

        def forward(self, x: Any) -> Any:
            return self.attention(x, x, x)

    return Itself()


ROWS, IMAGES, SEQUENCES = X[:20], RNG.normal(size=(20, 2, 6, 6)), RNG.normal(size=(20, 2, 4))
LAYERS: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    **{
        name: (lambda name=name: nn.Sequential(nn.Linear(4, 5, rng=0), getattr(nn, name)()), ROWS)
        for name in ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Tanh", "Sigmoid", "Softmax", "LogSoftmax")
    },
    "Linear of sequences": (lambda: nn.Linear(4, 3, rng=0), SEQUENCES),
    "Linear without bias": (lambda: nn.Linear(4, 3, bias=False, rng=0), ROWS),
    "Residual": (lambda: nn.Residual(nn.Linear(4, 4, rng=0)), ROWS),
    "LayerNorm": (lambda: nn.LayerNorm(4), ROWS),
    "BatchNorm1d of the batch": (lambda: nn.BatchNorm1d(4, track_running_stats=False), ROWS),
    "BatchNorm2d of the batch": (lambda: nn.BatchNorm2d(2, track_running_stats=False), IMAGES),
    "BatchNorm1d in eval": (lambda: nn.BatchNorm1d(4).eval(), ROWS),
    "Conv2d": (lambda: nn.Conv2d(2, 3, 3, padding=1, stride=2, rng=0), IMAGES),
    "MaxPool2d": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3, rng=0), nn.MaxPool2d(2)), IMAGES),
    "Flatten": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 2, rng=0)), IMAGES),
    "RNN": (lambda: nn.RNN(4, 3, rng=0), SEQUENCES),
    "MultiheadAttention": (_attention, SEQUENCES),
    "Embedding": (lambda: nn.Embedding(3, 2, rng=0), WORDS[:20]),
    "Embedding with padding": (lambda: nn.Embedding(3, 2, padding_idx=0, rng=0), WORDS[:20].reshape(10, 2)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_on_chunks_give_the_values_and_gradients_of_arrays(name: str) -> None:
    make, data = LAYERS[name]
    losses, models = [], [make(), make()]
    for model, x in zip(models, (data, chunked(data, 12)), strict=True):
        output = model(x)
        output = output[0] if isinstance(output, tuple) else output
        loss = np.sum(np.sin(output))
        loss.backward()
        losses.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
    for p, q in zip(*(model.parameters() for model in models), strict=True):
        assert type(q.grad) is np.ndarray
        np.testing.assert_allclose(q.grad, p.grad, rtol=1e-10, atol=1e-13)


def test_dropout_draws_once_a_call_and_its_mask_hangs_on_the_seed_alone() -> None:
    def outputs() -> list[Any]:
        layer = nn.Dropout(0.25, rng=5)
        return [layer(da.ones((4000, 3), chunks=(1000, 3))).compute() for _ in range(2)]

    first, second = outputs()
    assert set(np.unique(first)) == {0.0, 4 / 3}
    assert np.mean(first == 0) == pytest.approx(0.25, abs=0.02)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[:1000], first[1000:2000])
    np.testing.assert_array_equal(outputs(), [first, second])


def test_the_gradient_of_dropout_goes_where_its_output_does() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    y = nn.Dropout(0.5, rng=0)(chunked(np.ones((40, 3))) * w)
    expected = y.data.sum(axis=0).compute()
    np.sum(y).backward()
    np.testing.assert_array_equal(w.grad, expected)


def test_dropout_on_a_device_stays_there() -> None:
    assert isinstance(nn.Dropout(0.5, rng=0)(Tensor(StrictArray(np.ones(4)))).data, StrictArray)


@pytest.mark.parametrize("name", ["affine", "plain", "of images", "mean of all"])
def test_running_statistics_move_with_the_backward_pass_in_which_each_chunk_is_read_once(name: str) -> None:
    def layer() -> nn.Sequential:
        options = {"momentum": None} if name == "mean of all" else {"affine": name != "plain"}
        if name == "of images":
            return nn.Sequential(nn.Conv2d(2, 3, 3, rng=0), nn.BatchNorm2d(3), nn.ReLU(), nn.BatchNorm2d(3))
        return nn.Sequential(nn.Linear(4, 3, rng=0), nn.BatchNorm1d(3, **options), nn.Tanh(), nn.Linear(3, 2, rng=1))

    data = IMAGES if name == "of images" else ROWS
    source, x = counted(data)
    found, expected = layer(), layer()
    for step in range(2):
        np.sum(expected(data + step) ** 2).backward()
        loss = np.sum(found(x + step) ** 2)
        assert len(source.reads) == 2 * step
        loss.backward()
        assert len(source.reads) == 2 * step + 2
    same_state(found, expected, 1e-9)
    loss.backward()  # again through the same graph: they moved already
    same_state(found, expected, 1e-9)


def test_running_statistics_of_a_layer_that_is_called_twice_move_in_the_order_of_the_calls() -> None:
    found, expected = nn.BatchNorm1d(4), nn.BatchNorm1d(4)
    for layer, x in ((found, chunked(X)), (expected, X)):
        np.sum(layer(x) + layer(3 * x + 1)).backward()
    same_state(found, expected, 1e-9)


def test_running_statistics_of_what_has_no_gradient_are_computed_at_once() -> None:
    found, expected = nn.BatchNorm1d(4, affine=False), nn.BatchNorm1d(4, affine=False)
    found(chunked(X)), expected(X)
    same_state(found, expected, 1e-12)


def test_a_pass_that_fails_moves_no_running_statistics() -> None:
    def lost(block: Any) -> Any:
        raise OSError("worker lost")

    found, expected = nn.BatchNorm1d(4), nn.BatchNorm1d(4)
    loss = np.sum(found(chunked(X)) * chunked(X).map_blocks(lost, meta=np.empty((0, 4))))
    for _ in range(2):
        with pytest.raises(OSError, match="worker lost"):
            loss.backward()
    np.testing.assert_array_equal(found.running_mean, 0)
    np.sum(found(chunked(X))).backward()
    expected(X)
    np.testing.assert_allclose(found.running_var, expected.running_var)


def test_indices_that_are_no_rows_give_nan() -> None:
    rows = nn.Embedding(3, 2, rng=0)(chunked(np.array([0, 3, -1]))).data.compute()
    assert list(np.isnan(rows[:, 0])) == [False, True, True]


FLAT, SIGNS, SHARES = RNG.normal(size=20), np.sign(RNG.normal(size=20)), RNG.dirichlet(np.ones(3), size=20)
LOSSES: list[tuple[Any, Any, Any]] = [
    (nn.MSELoss(), FLAT, FLAT + 1),
    (nn.L1Loss("sum"), FLAT, SIGNS),
    (nn.HuberLoss(delta=0.5), FLAT, SIGNS),
    (nn.HingeLoss(), FLAT, SIGNS.astype(int)),
    (nn.BCELoss(), nn.functional.sigmoid(FLAT), SIGNS > 0),
    (nn.BCEWithLogitsLoss(pos_weight=2.0), FLAT, SIGNS > 0),
    (nn.CrossEntropyLoss(), SCORES[:20], Y[:20]),
    (nn.CrossEntropyLoss(label_smoothing=0.1), SCORES[:20], SHARES),
    (nn.CrossEntropyLoss(weight=[1.0, 2.0, 0.5], ignore_index=1, label_smoothing=0.1), SCORES[:20], Y[:20]),
    (nn.NLLLoss(weight=[1.0, 2.0, 0.5]), nn.functional.log_softmax(SCORES[:20]), Y[:20]),
    (nn.KLDivLoss("batchmean"), nn.functional.log_softmax(SCORES[:20]), SHARES),
]


@pytest.mark.parametrize(("loss", "prediction", "target"), LOSSES, ids=lambda each: type(each).__name__)
def test_losses_of_chunks_are_those_of_arrays(loss: Any, prediction: Any, target: Any) -> None:
    found, gradients = [], []
    for array in (np.asarray, partial(chunked, rows=7)):
        factor = Tensor(np.ones(prediction.shape[1:]), requires_grad=True)
        value = loss(array(prediction) * factor, array(target))
        value.backward()
        found.append(value.item())
        gradients.append(factor.grad)
    assert found[1] == pytest.approx(found[0], rel=1e-12)
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-10, atol=1e-13)
