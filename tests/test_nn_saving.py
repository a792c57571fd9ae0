"""Files in both formats, PyTorch's weights, and models in other processes."""

from __future__ import annotations

import copy
import pickle
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import installed
import numpy as np
import pytest

import nn

X = np.random.default_rng(0).normal(size=(5, 3))


def network(seed: int = 0) -> nn.MLP:
    model = nn.MLP([3, 4, 2], norm=nn.BatchNorm1d, dropout=0.2, rng=seed)
    model(X)
    return model


def same(a: Any, b: Any) -> bool:
    return a.keys() == b.keys() and all(
        np.array_equal(a[name], b[name]) and a[name].dtype == b[name].dtype and a[name].shape == b[name].shape
        for name in a
    )


def test_safetensors_hold_models_optimisers_and_checkpoints(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="pip install safetensors")
    model, other = network(), network(1)
    optimizer = nn.optim.Adam(model.parameters())
    np.sum(model(X)).backward()
    optimizer.step()
    model.save(tmp_path / "m.safetensors")
    other.load(tmp_path / "m.safetensors")
    assert same(model.state_dict(), other.state_dict())
    again = nn.optim.Adam(other.parameters(), lr=0.5)
    optimizer.save(tmp_path / "o.safetensors")
    again.load(tmp_path / "o.safetensors")
    assert same(optimizer.state_dict(), again.state_dict())
    data = (X, np.array([0, 1, 0, 1, 0]))
    path = tmp_path / "run.safetensors"
    for epochs in (1, 2):
        nn.fit(network(), data, loss=nn.CrossEntropyLoss(), epochs=epochs, checkpoint=path, resume=True, progress=False)


def test_safetensors_are_those_of_other_programs(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")
    model = network()
    model.save(tmp_path / "m.safetensors")
    assert same(numpy.load_file(tmp_path / "m.safetensors"), model.state_dict())
    before = model.state_dict()
    square = nn.Linear(2, 2, rng=0)
    numpy.save_file({"weight": np.ones((2, 2)), "bias": np.ones(2)}, tmp_path / "pt.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"written by PyTorch.*from_torch"):
        square.load(tmp_path / "pt.safetensors")
    for name, content in (("cut", (tmp_path / "m.safetensors").read_bytes()[:-9]), ("text", b"nothing")):
        (tmp_path / f"{name}.safetensors").write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a \.safetensors file of arrays"):
            model.load(tmp_path / f"{name}.safetensors")
    with pytest.raises(FileNotFoundError):
        model.load(tmp_path / "none.safetensors")
    assert same(before, model.state_dict())
    wide = nn.Module()
    wide.w = nn.Parameter(np.ones(2, np.longdouble))
    if wide.w.dtype.itemsize > 8:
        with pytest.raises(ValueError, match=r"w is of float128, which \.safetensors does not have"):
            wide.save(tmp_path / "m.safetensors")
    model.load(tmp_path / "m.safetensors")  # the older file stands


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    with pytest.raises(ImportError, match="pip install safetensors"):
        network().save(tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


# PyTorch


def pairs(torch: Any) -> list[tuple[nn.Module, Any, Any]]:
    """Ours, theirs with other weights, and an input."""
    t, double = torch.nn, {"dtype": torch.float64}
    return [
        (
            nn.Sequential(nn.Linear(3, 3, rng=0), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2, bias=False, rng=1)),
            t.Sequential(
                t.Linear(3, 3, **double), t.BatchNorm1d(3, **double), t.ReLU(), t.Linear(3, 2, False, **double)
            ),
            X,
        ),
        (nn.Conv2d(1, 2, 3, rng=0), t.Conv2d(1, 2, 3, **double), X[None, None]),
        (nn.LSTM(3, 4, 2, rng=0), t.LSTM(3, 4, 2, **double), X[:, None]),
        (nn.RNN(3, 3, rng=0), t.RNN(3, 3, **double), X[:, None]),
        (nn.LSTMCell(3, 3, rng=0), t.LSTMCell(3, 3, **double), X),
        (nn.Embedding(4, 4, rng=0), t.Embedding(4, 4, **double), np.array([3, 1])),
        (nn.LayerNorm(3), t.LayerNorm(3, **double), X),
    ]


@pytest.mark.parametrize("k", range(7))
def test_weights_go_to_pytorch_and_come_back(k: int) -> None:
    torch = installed.torch()

    def first(y: Any) -> Any:
        return y[0] if isinstance(y, tuple) else y

    ours, theirs, x = pairs(torch)[k]
    theirs.load_state_dict(nn.pytorch.to_torch(ours))
    expected = first(theirs.eval()(torch.tensor(x))).detach().numpy()
    np.testing.assert_allclose(first(ours.eval()(x)).data, expected, rtol=1e-12, atol=1e-14)
    other, theirs, x = pairs(torch)[k]
    before = other.state_dict()
    assert nn.pytorch.from_torch(other, theirs.state_dict()) == ([], [])
    expected = first(theirs.eval()(torch.tensor(x))).detach().numpy()
    np.testing.assert_allclose(first(other.eval()(x)).data, expected, rtol=1e-12, atol=1e-14)
    assert k == 6 or not same(before, other.state_dict())


def test_heads_of_attention_go_to_pytorch_and_come_back() -> None:
    torch = installed.torch()
    ours, theirs = nn.MultiheadAttention(4, 2, rng=0), torch.nn.MultiheadAttention(4, 2, dtype=torch.float64)
    theirs.load_state_dict(nn.pytorch.to_torch(ours))
    x = np.random.default_rng(1).normal(size=(3, 2, 4))
    expected = theirs(*[torch.tensor(x)] * 3)[0].detach().numpy()
    np.testing.assert_allclose(ours(x, x, x)[0].data, expected, rtol=1e-12)
    other = nn.MultiheadAttention(4, 2, rng=5)
    nn.pytorch.from_torch(other, theirs.state_dict())
    assert same(other.state_dict(), ours.state_dict())


def test_a_state_of_another_model_of_pytorchs_changes_nothing() -> None:
    model = nn.Sequential(nn.Linear(3, 2, rng=0))
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"missing: 0\.bias\n  unexpected: 1\.weight\n  0\.weight is \(3, 2\), in the"):
        nn.pytorch.from_torch(model, {"0.weight": np.ones((3, 2)), "1.weight": np.ones(2)})
    with pytest.raises(TypeError, match="from_torch takes what"):
        nn.pytorch.from_torch(model, [np.ones(2)])  # type: ignore[arg-type]
    assert same(before, model.state_dict())


# Other processes


def trained_elsewhere(model: nn.Module) -> nn.Module:
    loss = np.sum(model(X) ** 2)
    loss.backward()
    nn.optim.SGD(model.parameters(), lr=0.1).step()
    return model


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_works_in_full(again: Any, tmp_path: Path) -> None:
    first = network()
    model = again(first)
    assert repr(model) == repr(first)
    np.testing.assert_array_equal(model.eval()(X).data, first.eval()(X).data)
    model.train()
    model.save(tmp_path / "m.npz")
    model.load(tmp_path / "m.npz")
    assert "norms.0.running_mean" in model.summary((5, 3)) or "BatchNorm1d" in repr(model)
    assert [p.name for p in model.requires_grad_().parameters()] == [path for path, _ in model.named_parameters()]
    outer = nn.Sequential(model)
    assert next(iter(outer.parameters())).name == "0.layers.0.weight"
    with pytest.raises(ValueError, match=r"Linear 0\.layers\.0: weight is"):
        outer(X[:, :2])
    trained_elsewhere(model)


def test_a_model_goes_through_a_pool_of_processes() -> None:
    model = network()
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        back = pool.submit(trained_elsewhere, model).result()
    assert same(back.state_dict(), trained_elsewhere(model).state_dict())


def test_a_file_of_pytorchs_says_how_it_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt", "w") as archive:
        archive.writestr("model/data.pkl", b"pickled")
    with pytest.raises(ValueError, match=r"model\.pt is not an \.npz archive.*PyTorch wrote it.*from_torch\(model"):
        nn.Linear(2, 2, rng=0).load(tmp_path / "model.pt")
