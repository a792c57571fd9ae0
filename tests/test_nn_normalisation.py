"""Normalisation and the buffers that it keeps: in states, files, copies and compiled steps."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import installed
import numpy as np
import pytest
from compiled import agree, descending

import nn
from autograd import Tensor
from autograd.testing import gradcheck

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(6, 3))
IMAGES = RNG.normal(size=(4, 3, 5, 2))


def trained(layer: nn.Module, x: Any = X, calls: int = 3) -> nn.Module:
    for k in range(calls):
        layer(x * (k + 1))
    return layer


CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("LayerNorm", (3,), {}, X),
    ("LayerNorm", ((5, 2),), {"eps": 0.1, "bias": False}, IMAGES),
    ("LayerNorm", (3,), {"elementwise_affine": False}, X),
    ("BatchNorm1d", (3,), {}, X),
    ("BatchNorm1d", (3,), {"momentum": None, "affine": False}, X),
    ("BatchNorm1d", (3,), {"track_running_stats": False}, IMAGES[..., 0]),
    ("BatchNorm2d", (3,), {"momentum": 0.5}, IMAGES),
]


@pytest.mark.parametrize(("name", "sizes", "settings", "x"), CASES)
def test_training_and_evaluation_are_pytorchs(name: str, sizes: Any, settings: dict[str, Any], x: Any) -> None:
    torch = installed.torch()
    ours = getattr(nn, name)(*sizes, **settings)
    theirs = getattr(torch.nn, name)(*sizes, **settings, dtype=torch.float64)
    for mode in (True, False):
        ours.train(mode)
        theirs.train(mode)
        for k in (1, 2):
            a, b = Tensor(x * k, requires_grad=True), torch.tensor(x * k, requires_grad=True)
            y, expected = ours(a), theirs(b)
            np.sum(y**3).backward()
            (expected**3).sum().backward()
            np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-9, atol=1e-11)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for path, array in ours.state_dict().items():
        np.testing.assert_allclose(array, theirs.state_dict()[path].numpy(), rtol=1e-13)


@pytest.mark.parametrize(("name", "sizes", "settings", "x"), CASES)
@pytest.mark.parametrize("mode", [True, False])
def test_derivatives(name: str, sizes: Any, settings: dict[str, Any], x: Any, mode: bool) -> None:
    layer = getattr(nn, name)(*sizes, **settings).train(mode)
    gradcheck(lambda x: np.sum(layer(x) ** 3), [x], complex_step=False)


def test_running_statistics_are_those_of_the_batches() -> None:
    layer = nn.BatchNorm1d(3, momentum=None)
    for part in (X[:3], X[3:]):
        layer(part)
    np.testing.assert_allclose(layer.running_mean, X.mean(axis=0), rtol=1e-14)
    expected = (X[:3].var(axis=0, ddof=1) + X[3:].var(axis=0, ddof=1)) / 2
    np.testing.assert_allclose(layer.running_var, expected, rtol=1e-14)
    assert layer.num_batches_tracked == 2


def test_evaluation_changes_nothing_and_takes_one_sample() -> None:
    layer = trained(nn.BatchNorm1d(3)).eval()
    before = layer.state_dict()
    assert layer(X[:1]).shape == (1, 3)
    assert all(np.array_equal(before[path], array) for path, array in layer.state_dict().items())


@pytest.mark.parametrize(
    ("make", "x", "told"),
    [
        (lambda: nn.BatchNorm1d(3), X[:1], r"input is \(1, 3\): with one value a channel"),
        (lambda: nn.BatchNorm1d(4), X, r"BatchNorm1d 0: input is \(6, 3\); its shape must be \(n, 4\) or \(n, 4, len"),
        (lambda: nn.BatchNorm2d(3), X, r"BatchNorm2d 0: input is \(6, 3\)"),
        (lambda: nn.LayerNorm((3, 3)), X, r"LayerNorm 0: input is \(6, 3\); its last axes must be \(3, 3\)"),
    ],
)
def test_inputs_that_do_not_fit(make: Callable[[], nn.Module], x: Any, told: str) -> None:
    layer = make()
    before = layer.state_dict()
    with pytest.raises(ValueError, match=told):
        nn.Sequential(layer)(x)
    assert all(np.array_equal(before[path], array) for path, array in layer.state_dict().items())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: nn.LayerNorm(0), "normalized_shape is 0; it must be at least 1"),
        (lambda: nn.LayerNorm(2.5), r"normalized_shape is 2\.5; it must be an integer"),
        (lambda: nn.LayerNorm(2, eps=-1), "LayerNorm: eps is -1"),
        (lambda: nn.BatchNorm1d(3, momentum=2), "BatchNorm1d: momentum is 2; it is a probability"),
    ],
)
def test_bad_settings(make: Any, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        make()


# Buffers


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_buffers_are_copied_with_the_model(again: Any) -> None:
    model = trained(nn.MLP([3, 4, 1], norm=nn.BatchNorm1d, rng=0))
    copied = again(model)
    before = copied.state_dict()
    np.testing.assert_array_equal(copied.eval()(X).data, model.eval()(X).data)
    trained(model.train())
    assert all(np.array_equal(before[path], array) for path, array in copied.state_dict().items())
    assert [p.name for p in copied.parameters()] == [p.name for p in model.parameters()]


def test_buffers_are_saved_and_loaded(tmp_path: Path) -> None:
    model = trained(nn.MLP([3, 4, 1], norm=nn.BatchNorm1d, rng=0))
    model.save(tmp_path / "model.npz")
    other = nn.MLP([3, 4, 1], norm=nn.BatchNorm1d, rng=1)
    assert other.load(tmp_path / "model.npz") == ([], [])
    np.testing.assert_array_equal(other.eval()(X).data, model.eval()(X).data)
    assert other.norms[0].num_batches_tracked.dtype == np.int64


def test_a_compiled_step_moves_the_buffers() -> None:
    models = []

    def make() -> Any:
        model = nn.MLP([3, 4, 1], norm=nn.BatchNorm1d, rng=0)
        models.append(model)
        return descending(model, nn.optim.SGD(model.parameters(), lr=0.1), lambda y: np.mean(y**2))

    agree(make, [(X * (k + 1),) for k in range(4)])
    assert [model.norms[0].num_batches_tracked for model in models] == [4, 4]


def test_an_entry_too_few_or_too_many_is_told_or_left_out() -> None:
    plain, normed = nn.MLP([3, 4, 1], rng=0), nn.MLP([3, 4, 1], norm=nn.BatchNorm1d, rng=1)
    with pytest.raises(ValueError, match=r"unexpected: norms\.0\.weight"):
        plain.load_state_dict(normed.state_dict())
    left_out = plain.load_state_dict({**normed.state_dict()}, strict=False)
    assert left_out.missing_keys == []
    assert left_out.unexpected_keys == [path for path in normed.state_dict() if path.startswith("norms")]
    np.testing.assert_array_equal(plain.layers[0].weight.data, normed.layers[0].weight.data)
    with pytest.raises(ValueError, match=r"layers\.0\.weight is \(3, 4\), in the state \(2,\)"):
        plain.load_state_dict({"layers.0.weight": np.ones(2)}, strict=False)


def test_what_is_no_buffer_is_refused() -> None:
    model = nn.Module()
    model.register_buffer("mean", np.zeros(2))
    with pytest.raises(ValueError, match="has an attribute mean already"):
        model.register_buffer("mean", np.zeros(2))
    with pytest.raises(TypeError, match="name is that of an attribute, not 'a b'"):
        model.register_buffer("a b", np.zeros(2))
    with pytest.raises(TypeError, match="Module.other is a buffer and got a Tensor: assign an array"):
        model.register_buffer("other", Tensor([1.0]))
    with pytest.raises(TypeError, match="Module.mean is a buffer and got a float"):
        model.mean = 0.5
    assert [path for path, _ in model.named_buffers()] == ["mean"]
