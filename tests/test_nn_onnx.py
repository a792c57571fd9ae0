"""Models as ONNX files give the same numbers in onnxruntime, for batches of any size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn

pytest.importorskip("onnx", reason="pip install onnx")
F4 = {"dtype": np.float32}
RNG = np.random.default_rng(0)
ACTIVATIONS: list[Any] = [
    nn.ReLU, nn.LeakyReLU, lambda: nn.ELU(0.5), nn.GELU, lambda: nn.GELU("tanh"), nn.SiLU,
    lambda: nn.Softplus(2.0), nn.Sigmoid, nn.Tanh, nn.Identity,
]  # fmt: skip
MODELS: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    f"activation {k}": (lambda kind=kind: nn.MLP([3, 8, 2], kind, rng=0, **F4), RNG.normal(size=(4, 3)))
    for k, kind in enumerate(ACTIVATIONS)
} | {
    "MLP": (
        lambda: nn.MLP([3, 8, 8, 2], output_activation=nn.Softmax, norm=nn.BatchNorm1d, dropout=0.5, rng=0, **F4),
        RNG.normal(size=(4, 3)),
    ),
    "residual": (
        lambda: nn.Sequential(
            nn.Residual(nn.Sequential(nn.LayerNorm(3, **F4), nn.Linear(3, 3, bias=False, rng=0, **F4))),
            nn.Residual(nn.Linear(3, 2, rng=1, **F4), nn.Linear(3, 2, rng=2, **F4)),
            nn.LogSoftmax(),
        ),
        RNG.normal(size=(4, 3)),
    ),
    "images": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding="same", rng=0, **F4), nn.BatchNorm2d(4, **F4), nn.ReLU(),
            nn.Conv2d(4, 3, (2, 3), stride=(1, 2), padding=(0, 1), bias=False, rng=1, **F4),
            nn.MaxPool2d(3, 2, 1), nn.Flatten(), nn.Linear(36, 2, rng=2, **F4),
        ),
        RNG.normal(size=(4, 2, 8, 10)),
    ),
    "words": (
        lambda: nn.Sequential(nn.Embedding(5, 3, rng=0, **F4), nn.Flatten(), nn.Linear(6, 2, rng=1, **F4)),
        RNG.integers(5, size=(4, 2)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_the_runtime_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    make, x = MODELS[name]
    model, x = make(), x if x.dtype.kind == "i" else x.astype(np.float32)
    model(x)  # moves the running statistics
    nn.onnx.export(model, tmp_path / "model.onnx", x.shape)
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for batch in (x, x[:1]):
        (y,) = session.run(None, {"x": batch})
        np.testing.assert_allclose(y, nn.predict(model, batch), rtol=2e-5, atol=1e-6)


class Tagger(nn.Module):
    """Words, a recurrent layer, and a score for each step: a model of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.memory = nn.Embedding(5, 3, rng=0, **F4), nn.LSTM(3, 4, batch_first=True, rng=1, **F4)
        self.head = nn.Linear(4, 2, rng=2, **F4)

    def forward(self, x: Any) -> Any:
        outputs, _ = self.memory(self.words(x))
        return np.tanh(self.head(outputs)) * 0.5

    def onnx_form(self, graph: Any, x: str) -> Any:
        outputs, *_ = graph.of(self.memory, graph.of(self.words, x))
        return graph.node("Mul", graph.node("Tanh", graph.of(self.head, outputs)), graph.constant(0.5))


SEQUENCES: dict[str, tuple[Callable[[], nn.Module], list[Any]]] = {
    "RNN": (lambda: nn.RNN(3, 4, 2, rng=0, **F4), [RNG.normal(size=(5, 2, 3))]),
    "RNN of ReLUs": (lambda: nn.RNN(3, 4, nonlinearity="relu", bias=False, rng=0, **F4), [RNG.normal(size=(5, 2, 3))]),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, rng=0, **F4), [RNG.normal(size=(5, 2, 3))]),
    "LSTM, batch first": (lambda: nn.LSTM(3, 4, batch_first=True, rng=0, **F4), [RNG.normal(size=(5, 2, 3))]),
    "attention": (lambda: nn.MultiheadAttention(6, 2, rng=0, **F4), [RNG.normal(size=(n, 2, 6)) for n in (5, 4, 4)]),
    "attention, batch first": (
        lambda: nn.MultiheadAttention(6, 3, bias=False, batch_first=True, rng=0, **F4),
        [RNG.normal(size=(2, n, 6)) for n in (5, 5, 5)],
    ),
    "of one's own": (Tagger, [RNG.integers(5, size=(4, 6))]),
}


def flat(value: Any) -> list[Any]:
    return [part for each in value for part in flat(each)] if isinstance(value, tuple) else [value]


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_of_any_length(name: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    make, arrays = SEQUENCES[name]
    model = make()
    xs = [x if x.dtype.kind == "i" else x.astype(np.float32) for x in arrays]
    nn.onnx.export(model, tmp_path / "model.onnx", [x.shape for x in xs])
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    assert names == (["x"] if len(xs) == 1 else ["x0", "x1", "x2"])
    for batch in (xs, [x[:, :1] for x in xs], [x[:1] for x in xs]):
        found = session.run(None, dict(zip(names, batch, strict=True)))
        expected = flat(model(*batch))
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b.data, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (
            nn.Sequential(nn.Linear(3, 3, rng=0), nn.RNNCell(3, 3, rng=0)),
            "RNNCell 1 has no form in ONNX here; there is one of .* classes with onnx_form",
        ),
        (nn.Sequential(nn.Flatten(2)), "Flatten 0: ONNX flattens all axes but the first"),
        (nn.BatchNorm1d(3, track_running_stats=False), "has no running statistics"),
    ],
)
def test_what_has_no_form_is_told_with_its_path(model: nn.Module, told: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=told):
        nn.onnx.export(model, tmp_path / "model.onnx", (1, 3))
    assert not list(tmp_path.iterdir())
