"""The search for a mistake ends: by its budget, and with no value of a shared graph looked at twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.testing import assert_grads_match, compare_grads


def newton(steps: int) -> tuple[Tensor, Any]:
    """The root of a, each estimate used twice by the next: 2**steps ways lead to the first one."""
    a, y = Tensor(2.0, requires_grad=True, name="a"), Tensor(1.0)
    for _ in range(steps):
        y = 0.5 * (y + a / y)
    return a, y


def chain(steps: int) -> tuple[Tensor, Any]:
    x = Tensor(np.linspace(0.1, 1, 5), requires_grad=True, name="x")
    y = x
    for _ in range(steps):
        y = np.tanh(y * 1.001)
    return x, np.sum(y)


def spent(call: Callable[[], Any]) -> tuple[Any, float]:
    start = time.thread_time()
    return call(), time.thread_time() - start


@pytest.mark.parametrize(("program", "steps"), [(newton, 12), (newton, 60), (chain, 300)])
def test_a_search_ends_with_its_budget(program: Callable[[int], tuple[Tensor, Any]], steps: int) -> None:
    leaf, loss = program(steps)
    report, seconds = spent(lambda: compare_grads(loss, {leaf: np.full(leaf.shape, 0.1)}, budget=0.2))
    assert seconds < 2.5  # naming the line costs time too; each way by itself would take years
    assert not report.matches
    assert len(str(report)) < 2000


def test_a_report_says_that_its_search_ended_early() -> None:
    leaf, loss = chain(100)
    report = compare_grads(loss, {leaf: np.full(leaf.shape, 0.1)}, budget=0.0)
    assert report.findings[0].cause == "unknown"
    assert "ended after 0 s" in str(report)
    assert "budget=" in str(report)


def test_what_is_right_and_what_follows_is_known_without_any_time() -> None:
    x, w = np.array([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=True, name="w")
    z = w * x
    loss = np.sum(z**2)
    assert_grads_match(loss, {z: 2 * z.data, w: 2 * z.data * x}, budget=0)
    report = compare_grads(loss, {z: z.data, w: z.data * x}, budget=0)
    assert [finding.cause for finding in report.findings] == ["unknown", "unknown"]


def test_with_time_enough_the_mistake_is_found() -> None:
    x, w = np.array([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=True, name="w")
    z = w * x
    report = compare_grads(np.sum(z**2), {z: z.data, w: z.data * x}, budget=float("inf"))
    assert [finding.cause for finding in report.findings] == ["scale", "consequence"]


@pytest.mark.parametrize(
    ("budget", "error"), [(-1, ValueError), (float("nan"), ValueError), ("2", TypeError), (True, TypeError)]
)
def test_a_budget_is_a_number_of_seconds(budget: Any, error: type[Exception]) -> None:
    leaf, loss = newton(1)
    with pytest.raises(error, match=r"budget is .*seconds"):
        compare_grads(loss, {leaf: np.array(1.0)}, budget=budget)
