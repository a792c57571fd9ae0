"""Recording is switched for a block, a function, and what a generator does between its yields; and for nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Tensor, enable_grad, no_grad

W = Tensor([1.0, 2.0], requires_grad=True)


def records() -> bool:
    return bool((W * 2).requires_grad)


def by_block() -> Iterator[bool]:
    with no_grad():
        for _ in range(3):
            yield records()


@no_grad()
def by_decorator() -> Iterator[bool]:
    for _ in range(3):
        yield records()


def by_stack() -> Iterator[bool]:
    with contextlib.ExitStack() as stack:
        stack.enter_context(no_grad())
        for _ in range(3):
            yield records()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with no_grad():
        yield


def by_another() -> Iterator[bool]:
    with quiet():
        for _ in range(3):
            yield records()


MAKERS = [by_block, by_decorator, by_stack, by_another]


@pytest.mark.parametrize("make", MAKERS)
def test_a_generator_that_waits_leaves_its_caller_alone(make: Callable[[], Iterator[bool]]) -> None:
    for inside in make():
        assert not inside
        assert records()
    waiting = make()
    next(waiting)
    assert records()
    with no_grad():
        assert not records()
        assert list(waiting) == [False, False]
        assert not records()  # its end switches nothing on
    assert records()


@pytest.mark.parametrize("make", MAKERS)
def test_a_generator_that_is_dropped_or_closed_leaves_nothing(make: Callable[[], Any]) -> None:
    waiting = make()
    next(waiting)
    with no_grad():
        waiting.close()
        assert not records()
    waiting = make()
    next(waiting)
    del waiting
    assert records()


def test_generators_inside_each_other() -> None:
    def outer() -> Iterator[tuple[bool, bool]]:
        with no_grad():
            inner = on()
            for inside in inner:
                yield inside, records()

    def on() -> Iterator[bool]:
        with enable_grad():
            yield records()
            yield records()

    for pair in outer():
        assert pair == (True, False)
        assert records()


def test_what_is_sent_and_returned_goes_through_a_decorated_generator() -> None:
    @no_grad()
    def echo() -> Any:
        got = yield 1
        return got, records()

    running = echo()
    assert next(running) == 1
    with pytest.raises(StopIteration) as stopped:
        running.send("sent")
    assert stopped.value.value == ("sent", False)


def test_the_block_of_a_context_manager_is_its_caller_s() -> None:
    @contextlib.contextmanager
    def evaluating() -> Iterator[None]:
        with no_grad():
            yield

    with evaluating():
        assert not records()
    assert records()

    @evaluating()
    def predict() -> bool:
        return records()

    assert not predict()


def test_asynchronous_generators_and_context_managers() -> None:
    async def batches() -> AsyncIterator[bool]:
        with no_grad():
            for _ in range(2):
                await asyncio.sleep(0)
                yield records()

    @contextlib.asynccontextmanager
    async def evaluating() -> AsyncIterator[None]:
        with no_grad():
            yield

    @no_grad()
    async def predict() -> bool:
        await asyncio.sleep(0)
        return records()

    @no_grad()
    async def predictions() -> AsyncIterator[bool]:
        yield records()

    async def program() -> None:
        assert not await predict()
        async for inside in predictions():
            assert not inside
            assert records()
        async for inside in batches():
            assert not inside
            assert records()
        async with evaluating():
            await asyncio.sleep(0)
            assert not records()
        assert records()

    asyncio.run(program())


def test_an_error_inside_switches_back() -> None:
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018
    assert records()
    assert np.sum(W * W).requires_grad


def test_a_compiled_step_in_such_a_generator_is_recorded_once() -> None:
    @autograd.compile
    def step(w: Any, x: Any) -> Any:
        return np.sum(w * x)

    def predictions() -> Iterator[bool]:
        with no_grad():
            for _ in range(3):
                yield bool(step(W, np.ones(2)).requires_grad)

    assert list(predictions()) == [False] * 3
    assert step.stats.recorded == 1
