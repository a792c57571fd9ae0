"""Groups of parameters, clipped gradients, compiled steps of both, and SciPy's methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import installed
import numpy as np
import pytest
from compiled import agree
from descent import START, gradients, leaves, train, train_theirs

import nn
from autograd import Tensor
from nn.optim import SGD, Adagrad, Adam, AdamW, RMSprop, clip_grad_norm, clip_grad_value


@pytest.mark.parametrize(
    "make", [lambda p: RMSprop(p, momentum=0.9, centered=True), lambda p: Adagrad(p, lr_decay=0.1)]
)
def test_compiled_steps_are_eager_ones(make: Any) -> None:
    def agreeing() -> Any:
        model = nn.MLP([3, 4, 1], rng=0)
        first, last = model.layers
        optimizer = make([{"params": first.parameters(), "lr": 0.1}, {"params": last.parameters()}])

        def step(x: Any) -> Any:
            loss = np.mean((model(x) - 1.0) ** 2)
            optimizer.zero_grad()
            loss.backward()
            clip_grad_norm(model.parameters(), 0.5)
            clip_grad_value(model.parameters(), 0.2)
            optimizer.step()
            return loss

        return step, (model, optimizer)

    rng = np.random.default_rng(0)
    change = lambda k, state: setattr(state[1], "lr", 0.01 / (1 + k))
    agree(agreeing, [(rng.normal(size=(5, 3)),) for _ in range(6)], change=change)


# Groups


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"momentum": 0.9}),
        (SGD, {"lr": 0.02}),
        (Adam, {"weight_decay": 0.1}),
        (AdamW, {"betas": (0.5, 0.9)}),
        (RMSprop, {"lr": 0.2, "alpha": 0.5}),
        (Adagrad, {"eps": 0.1}),
    ],
)
def test_groups_are_pytorchs(kind: Any, options: dict[str, Any]) -> None:
    torch, parameters = installed.torch(), leaves()

    def groups(held: Any) -> Any:
        return [{"params": [held[0]], **options}, {"params": [held[1]]}]

    ours = train(kind(groups(parameters), lr=0.05), parameters, gradients(20))
    theirs = train_theirs(torch, kind.__name__, groups, gradients(20), lr=0.05)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_the_rate_of_all_is_set_in_proportion_and_that_of_one_alone() -> None:
    w, b = leaves()
    optimizer = SGD([{"params": [w], "lr": 0.2}, {"params": [b]}], lr=0.1)
    optimizer.lr = 0.01
    assert [group.lr for group in optimizer.param_groups] == pytest.approx([0.02, 0.01])
    optimizer.param_groups[0]["lr"] = 0.5
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.5, 0.01])
    optimizer.momentum = 0.9
    assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.9]
    assert optimizer.param_groups[0]["params"] == [w]
    with pytest.raises(KeyError, match="no setting 'rate'; it has lr, momentum"):
        optimizer.param_groups[0]["rate"] = 1
    plain = SGD([w], 0.1)
    assert plain.param_groups == [plain]


def test_a_state_of_groups_is_loaded_whole_or_not_at_all(tmp_path: Path) -> None:
    def made(parameters: list[Tensor]) -> SGD:
        w, b = parameters
        return SGD([{"params": {"w": w}, "momentum": 0.9}, {"params": {"b": b}}], lr=0.05)

    parameters = leaves()
    optimizer = made(parameters)
    train(optimizer, parameters, gradients(5))
    state = optimizer.state_dict()
    assert "0.velocity.w" in state
    other = made(leaves())
    before = other.state_dict()
    for bad in (
        {**state, "1.momentum": np.array(-1.0)},
        {**state, "2.lr": np.array(1.0)},
        {**state, "0.velocity.w": 1.0},
    ):
        with pytest.raises(ValueError, match=r"momentum is -1|unexpected: 2\.lr|velocity\.w is"):
            other.load_state_dict({**bad, "lr": np.array(0.7)})
        assert all(np.array_equal(before[name], array) for name, array in other.state_dict().items())
    other.load_state_dict(state)
    assert all(np.array_equal(state[name], array) for name, array in other.state_dict().items())


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda w, b: SGD([{"params": [w]}, b], 0.1), TypeError, 'group 1 is not a dictionary with "params"'),
        (lambda w, b: SGD([{"parameters": [w]}], 0.1), TypeError, 'group 0 is not a dictionary with "params"'),
        (
            lambda w, b: SGD([{"params": [w], "rate": 1}], 0.1),
            ValueError,
            "group 0 has the settings rate; there are lr",
        ),
        (lambda w, b: SGD([{"params": [w]}, {"params": [w]}], 0.1), ValueError, "the same parameter twice"),
        (lambda w, b: SGD([{"params": [w], "lr": -1}], 0.1), ValueError, "lr is -1"),
        (lambda w, b: clip_grad_norm([w], 0), ValueError, "max_norm is 0; it must be above 0"),
        (lambda w, b: clip_grad_norm([w], 1, norm_type=0), ValueError, "norm_type is 0"),
        (lambda w, b: clip_grad_norm(nn.Linear(1, 1).parameters, 1), TypeError, r"call it, as in parameters\(\)"),
        (lambda w, b: clip_grad_value([w], np.nan), ValueError, "clip_value is nan"),
    ],
)
def test_bad_input_is_told(make: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        make(*leaves())


# Clipping


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
@pytest.mark.parametrize("kind", [1.0, 2.0, 3.0, np.inf])
def test_clipping_by_the_norm_is_pytorchs(kind: float, max_norm: float) -> None:
    torch, step = installed.torch(), gradients(1)[0]
    ours, theirs = leaves(), [torch.tensor(array, requires_grad=True) for array in START]
    idle = Tensor(1.0, requires_grad=True)
    for a, b, gradient in zip(ours, theirs, step, strict=True):
        a.grad, b.grad = gradient, torch.tensor(gradient)
    norm = clip_grad_norm([*ours, idle], max_norm, kind)
    assert float(norm) == pytest.approx(float(torch.nn.utils.clip_grad_norm_(theirs, max_norm, kind)), rel=1e-13)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-13)


def test_clipping_keeps_float32_and_writes_to_no_array_that_was_read() -> None:
    parameter = Tensor(np.ones(2, np.float32), requires_grad=True)
    parameter.grad = gradient = np.array([3, 4], np.float32)
    clip_grad_norm(parameter, 1.0)
    clip_grad_value(parameter, 0.7)
    assert gradient.tolist() == [3, 4]
    np.testing.assert_allclose(parameter.grad, np.array([0.6, 0.7], np.float32), rtol=1e-6, strict=True)


def test_a_norm_that_is_not_finite_may_be_an_error() -> None:
    parameter = Tensor(np.ones(2), requires_grad=True)
    parameter.grad = np.array([np.nan, 1.0])
    with pytest.raises(ValueError, match="the norm of all gradients is nan"):
        clip_grad_norm(parameter, 1.0, error_if_nonfinite=True)


# SciPy's methods


@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS", "CG"])
def test_minimize_finds_the_least_squares(method: str) -> None:
    pytest.importorskip("scipy", reason="pip install scipy")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    model = nn.Linear(3, 1, rng=0)
    result = nn.optim.minimize(lambda: nn.functional.mse_loss(model(x), y), model.parameters(), method, tol=1e-12)
    best = np.linalg.lstsq(np.hstack([x, np.ones((20, 1))]), y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([model.weight.data, model.bias.data]), best, atol=1e-5)
    assert result.message
    assert result.fun == pytest.approx(nn.functional.mse_loss(model(x), y).item())


@pytest.mark.parametrize(
    ("loss_of", "error", "told"),
    [
        (lambda w: 5, TypeError, "minimize takes a function first"),
        (lambda w: lambda: 5.0, TypeError, "the function gave a float"),
        (lambda w: lambda: w * 2, ValueError, r"gave a Tensor of shape \(2,\)"),
        (lambda w: lambda: np.sum(w) * np.inf, ValueError, "the loss is inf at the start"),
    ],
)
def test_after_an_error_the_parameters_are_as_they_were(loss_of: Any, error: type[Exception], told: str) -> None:
    pytest.importorskip("scipy", reason="pip install scipy")
    w = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(error, match=told):
        nn.optim.minimize(loss_of(w), [w])
    assert w.data.tolist() == [1, 2]
    assert w.grad is None
