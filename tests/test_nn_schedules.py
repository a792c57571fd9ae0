"""Schedules: PyTorch's rates at every step, states, and what bad input gets."""

from __future__ import annotations

from typing import Any

import installed
import numpy as np
import pytest

from autograd import Tensor
from nn import optim
from nn.optim import SGD

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 15, "eta_min": 0.01}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.9, "total_iters": 8}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 20, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 20, "anneal_strategy": "linear", "pct_start": 0.5}),
    ("LambdaLR", {"lr_lambda": lambda step: 0.9**step}),
    ("ReduceLROnPlateau", {"patience": 1, "factor": 0.5}),
    ("ReduceLROnPlateau", {"mode": "max", "patience": 0, "cooldown": 2, "threshold_mode": "abs", "threshold": 0.1}),
    ("ReduceLROnPlateau", {"patience": 0, "min_lr": 0.02}),
]
METRICS = np.random.default_rng(0).uniform(size=20)


def made(name: str, options: dict[str, Any], lr: float = 0.3) -> tuple[SGD, Any]:
    optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=lr)
    own = {key: value for key, value in options.items() if key != "cycle_momentum"}
    return optimizer, getattr(optim, name)(optimizer, **own)


def advance(schedule: Any, name: str, metric: float) -> None:
    schedule.step(*([metric] if name == "ReduceLROnPlateau" else []))


@pytest.mark.parametrize(("name", "options"), KINDS, ids=[f"{name} {len(options)}" for name, options in KINDS])
def test_rates_are_pytorchs(name: str, options: dict[str, Any]) -> None:
    torch = installed.torch()
    optimizer, schedule = made(name, options)
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.3)
    if name == "OneCycleLR":
        options = {**options, "cycle_momentum": False}
    oracle = getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    for metric in METRICS[:19]:
        assert optimizer.lr == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-12)
        theirs.step()
        advance(schedule, name, metric)
        advance(oracle, name, metric)
        assert schedule.get_last_lr() == pytest.approx(oracle.get_last_lr(), rel=1e-12)


@pytest.mark.parametrize(("name", "options"), KINDS, ids=[f"{name} {len(options)}" for name, options in KINDS])
def test_a_state_goes_on_where_it_stood(name: str, options: dict[str, Any]) -> None:
    optimizer, schedule = made(name, options)
    for metric in METRICS[:7]:
        advance(schedule, name, metric)
    other, again = made(name, options, lr=0.7)
    again.load_state_dict(schedule.state_dict())
    other.lr = optimizer.lr
    for metric in METRICS[7:]:
        advance(schedule, name, metric)
        advance(again, name, metric)
        assert optimizer.lr == other.lr


def test_a_warm_up_is_followed_by_a_cosine() -> None:
    optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=0.3)
    warm, cosine = optim.LinearLR(optimizer, 0.5, total_iters=4), optim.CosineAnnealingLR(optimizer, 10)
    schedule = optim.SequentialLR(optimizer, [warm, cosine], [4])
    rates = []
    for _ in range(15):
        rates.append(optimizer.lr)
        schedule.step()
    assert rates[0] == pytest.approx(0.15)
    assert max(rates) == rates[4] == pytest.approx(0.3)
    assert rates[14] == pytest.approx(0, abs=1e-15)


def test_groups_keep_the_ratios_of_their_rates() -> None:
    w, b = (Tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = SGD([{"params": [w], "lr": 1.0}, {"params": [b]}], lr=0.1)
    schedule = optim.StepLR(optimizer, 1, 0.5)
    schedule.step()
    assert [group.lr for group in optimizer.param_groups] == pytest.approx([0.5, 0.05])


@pytest.mark.parametrize(
    ("name", "options", "error", "told"),
    [
        ("StepLR", {"step_size": 0}, ValueError, "step_size is 0"),
        ("StepLR", {"step_size": 1.5}, TypeError, r"step_size is 1\.5; it must be an integer"),
        ("CosineAnnealingLR", {"T_max": -1}, ValueError, "T_max is -1"),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 5, "anneal_strategy": "exp"}, ValueError, "'cos' or 'linear'"),
        ("ReduceLROnPlateau", {"mode": "least"}, ValueError, "mode is 'least'"),
        ("ReduceLROnPlateau", {"factor": 1.0}, ValueError, r"factor is 1\.0; it lies below 1"),
        ("LambdaLR", {"lr_lambda": 0.5}, TypeError, "it is a function of the step"),
        ("SequentialLR", {"schedulers": [], "milestones": [1]}, ValueError, "milestones in rising order"),
    ],
)
def test_bad_settings_are_told(name: str, options: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        made(name, options)


def test_bad_steps_and_states_are_told() -> None:
    optimizer, schedule = made("OneCycleLR", {"max_lr": 1.0, "total_steps": 2})
    with pytest.raises(ValueError, match="step 3 of 2; give total_steps=epochs"):
        for _ in range(3):
            schedule.step()
    with pytest.raises(ValueError, match="missing: last_epoch"):
        schedule.load_state_dict({"base_lr": 0.1})
    with pytest.raises(TypeError, match="takes the metric that it looks at"):
        made("ReduceLROnPlateau", {})[1].step()
    with pytest.raises(TypeError, match="StepLR takes an optimiser first, not list"):
        optim.StepLR([optimizer], 1)  # type: ignore[arg-type]
