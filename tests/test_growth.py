"""Work grows as the graph does: twice the branches, twice the work, for whatever reads the whole of a graph."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor
from autograd.program.program import Var


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many functions are called, generators resumed, and values of a program compared, as a list's search does."""
    count = [0]

    def called(frame: Any, event: str, arg: Any) -> None:
        count[0] += event in ("call", "c_call")

    def compared(one: Any, other: Any) -> bool:
        count[0] += 1
        return one is other

    monkeypatch.setattr(Var, "__eq__", compared)
    sys.setprofile(called)
    try:
        yield count
    finally:
        sys.setprofile(None)
        monkeypatch.undo()


def stacked(x: Tensor, count: int) -> Any:
    return np.sum(np.stack([np.tanh(x * float(i)) for i in range(count)]))


def of_parameters(x: Tensor, count: int) -> Any:
    parameters = [Tensor(np.full(2, float(i)), requires_grad=True, name=f"p{i}") for i in range(count)]
    return np.sum(sum(np.tanh(x * p) for p in parameters))


def derived(x: Tensor, build: Callable[[Tensor, int], Any], count: int) -> None:
    derivation = autograd.derive(build(x, count))
    assert len(derivation.source) > count
    assert len(derivation.latex) > count


def drawn(x: Tensor, build: Callable[[Tensor, int], Any], count: int) -> None:
    assert autograd.draw(build(x, count)).source


def compiled(x: Tensor, build: Callable[[Tensor, int], Any], count: int) -> None:
    @autograd.compile(state=x)
    def step() -> Any:
        loss = build(x, count)
        x.zero_grad()
        loss.backward()
        return loss

    step()
    assert step.stats.recorded == 1


@pytest.mark.parametrize(
    ("read", "build", "few"),
    [(derived, of_parameters, 30), (drawn, stacked, 80), (drawn, of_parameters, 40), (compiled, stacked, 30)],
)
def test_parallel_branches_are_read_in_linear_work(
    read: Any, build: Any, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(count: int) -> int:
        x = Tensor(np.ones(2), requires_grad=True, name="x")
        with counted(monkeypatch) as total:
            read(x, build, count)
        return total[0]

    work(few)  # what is loaded and computed once
    assert work(4 * few) < 4.4 * work(few)
