"""The author's own scale: dZ of each sample's own loss, with the division by m in dW and db, is right, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import Report, compare_grads

Slips = dict[str, Callable[..., Any]]


def judged(sign: float = 1.0, penalty: float = 0.0, dtype: str = "float64", **slips: Callable[..., Any]) -> Report:
    """Columns, a sigmoid and a cross-entropy; the lines by name, some of them replaced."""
    m, rng = 6, np.random.default_rng(0)
    x, y = rng.normal(size=(3, m)).astype(dtype), (rng.random((2, m)) > 0.5).astype(dtype)
    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1)}
    p = {name: Tensor(rng.normal(size=shape).astype(dtype), True, name=name) for name, shape in shapes.items()}
    Z1 = p["W1"] @ x + p["b1"]
    A1 = np.tanh(Z1)
    Z2 = p["W2"] @ A1 + p["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / m + penalty * np.sum(p["W2"] ** 2)
    lines: Slips = {
        "Z2": lambda d: sign * (A2.data - y),
        "W2": lambda d: d["Z2"] @ A1.data.T / (sign * m) + 2 * penalty * p["W2"].data,
        "b2": lambda d: d["Z2"].sum(axis=1, keepdims=True) / (sign * m),
        "Z1": lambda d: p["W2"].data.T @ d["Z2"] * (1 - A1.data**2),
        "W1": lambda d: d["Z1"] @ x.T / (sign * m),
        "b1": lambda d: d["Z1"].sum(axis=1, keepdims=True) / (sign * m),
    }
    grads: dict[str, Any] = {}
    for name, line in {**lines, **slips}.items():
        grads[name] = np.asarray(line(grads), dtype)
    return compare_grads(loss, grads)


@pytest.mark.parametrize("options", [{}, {"sign": -1.0}, {"penalty": 0.3}, {"dtype": "float32"}], ids=str)
def test_the_convention_is_right_and_told(options: dict[str, Any]) -> None:
    report = judged(**options)
    assert report.matches, str(report)
    assert all(finding.cause is None or finding.cause == "precision" for finding in report.findings)
    assert "each sample's own loss" in str(report)


@pytest.mark.parametrize(
    ("name", "slip", "cause", "line"),
    [
        ("b2", lambda d: d["Z2"].sum(axis=1, keepdims=True), "scale", "db2 = dZ2.sum(axis=1, keepdims=True) / 6"),
        ("W1", lambda d: d["Z1"] @ np.ones((6, 3)) / 6, "missing-derivative", "dW1 = dZ1 @ x.T / 6"),
    ],
    ids=["b2", "W1"],
)
def test_a_mistake_inside_of_it_is_found_and_the_line_keeps_the_scale(
    name: str, slip: Callable[..., Any], cause: str, line: str
) -> None:
    report = judged(**{name: slip})
    assert report.first_wrong is not None
    assert report.first_wrong.name == name, str(report)
    assert report.first_wrong.cause == cause, str(report)
    assert line in str(report)
    assert [finding.name for finding in report.findings if not finding.matches] == [name]


def test_the_target_left_out_of_it_is_told_in_its_scale() -> None:
    report = judged(Z2=lambda d: np.full((2, 6), 0.5))
    assert report.first_wrong is not None
    assert report.first_wrong.name == "Z2"
    assert all(finding.cause == "consequence" for finding in report.findings if finding.name != "Z2"), str(report)


def test_a_division_by_m_that_is_made_twice_is_no_convention() -> None:
    """The gradients on the way are right, and those of all parameters too small: nothing leaves on the way."""
    w = Tensor(np.arange(1.0, 5).reshape(2, 2), True, name="w")
    x = np.arange(12.0).reshape(6, 2) - 4
    z = x @ w
    loss = np.sum(np.tanh(z)) / 6
    dz = (1 - np.tanh(z.data) ** 2) / 6
    report = compare_grads(loss, {z: dz, w: x.T @ dz / 6})
    assert [finding.cause for finding in report.findings] == [None, "scale"], str(report)
    assert report.convention == ""
