"""A first call that fails or is interrupted, wherever that is, leaves arrays everywhere, as the eager step does."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor

BATCH = np.random.default_rng(0).normal(size=(6, 3))


class Network:
    """A model, an optimiser, a generator and memory beside them, with a step that changes all of it."""

    def __init__(self) -> None:
        self.model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Dropout(0.2, rng=1), nn.Linear(4, 2, rng=2))
        self.optimizer = nn.optim.Adam(self.model.parameters(), lr=0.1)
        self.rng, self.mean = np.random.default_rng(5), np.zeros(2)
        self.kept: dict[str, Any] = {"last": np.zeros(3), "pair": (np.ones(2), 1.0), "sums": [np.zeros(())]}

    def __state__(self) -> Any:
        return vars(self)

    def step(self, x: Any) -> Any:
        self.optimizer.zero_grad()
        out = self.model(x + self.rng.normal(size=x.shape))
        self.mean[...] = 0.9 * self.mean + 0.1 * np.mean(out.data, axis=0)
        loss = np.mean((out - self.mean) ** 2)
        self.kept["last"] = self.kept["last"] + x[0]
        self.kept["sums"][0] += np.sum(x)
        loss.backward()
        self.optimizer.step()
        return loss

    def arrays(self) -> list[Any]:
        found = [self.mean, self.kept["last"], self.kept["pair"][0], self.kept["sums"][0]]
        for p in self.model.parameters():
            found += [p.data, p.grad]
            assert type(p) is nn.Parameter
        for memory in self.optimizer._memory.values():
            found += memory
        return [*found, *self.optimizer._steps, *self.optimizer._buffers]


def check_plain(network: Network) -> None:
    for array in network.arrays():
        assert array is None or type(array) in (np.ndarray, np.float64), type(array)
        assert not isinstance(array, np.ndarray) or array.flags.writeable
    assert type(network.rng) is np.random.Generator
    assert type(network.model[2].rng) is np.random.Generator  # type: ignore[attr-defined]
    network.step(BATCH)  # works as before


class MidwayError(Exception):
    """Raised at a line."""


def traced_lines(call: Any, stop: int, error: type[BaseException] = MidwayError) -> int:
    """Call, and raise an error at line number `stop` of the step and what it calls; how many lines there were."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        if event == "line" and active[0]:
            count += 1
            if count == stop:
                active[0] = False
                raise error
        return trace

    active = [True]
    sys.settrace(trace)
    try:
        call()
    except error:
        pass
    finally:
        sys.settrace(None)
    return count


class Small:
    def __init__(self) -> None:
        self.w, self.v = Tensor(np.ones(3), requires_grad=True, name="w"), np.zeros(3)
        self.held: dict[str, Any] = {"h": np.zeros(3), "rng": np.random.default_rng(0)}

    def __state__(self) -> Any:
        return vars(self)

    def step(self, x: Any) -> Any:
        self.w.grad = None
        loss = np.sum((self.w * x) ** 2)
        loss.backward()
        self.v *= 0.9
        self.v += self.w.grad
        self.w.data -= 0.1 * self.v
        self.held["h"] = self.held["h"] + self.held["rng"].normal(size=3)
        return loss


@pytest.mark.parametrize("error", [MidwayError, KeyboardInterrupt])
def test_an_error_at_every_line(error: type[BaseException]) -> None:
    """Where the error comes at a line of the step itself, the arrays hold what the eager step leaves there."""
    lines = traced_lines(lambda: autograd.compile(Small().step)(np.ones(3)), -1)
    assert lines > 500
    for stop in range(1 if error is MidwayError else 17, lines, 53):
        small = Small()
        step = autograd.compile(small.step)
        traced_lines(lambda step=step: step(np.ones(3)), stop, error)
        for array in (small.w.data, small.v, small.held["h"], small.w.grad):
            assert array is None or (type(array) is np.ndarray and array.flags.writeable), stop
        assert type(small.w) is Tensor
        assert type(small.held["rng"]) is np.random.Generator
        loss = small.step(np.ones(3))
        assert np.isfinite(loss.item())
        assert step(np.ones(3)).data.shape == ()


def test_ctrl_c_at_random_moments() -> None:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals come to the main thread")
    network = Network()
    start = time.perf_counter()
    autograd.compile(network.step)(BATCH)
    took = time.perf_counter() - start
    armed: list[bool] = []

    def interrupt(*_: Any) -> None:
        if armed:  # else the step is over
            os.kill(os.getpid(), signal.SIGINT)

    chance, before = random.Random(0), signal.signal(signal.SIGALRM, interrupt)
    interrupts, interrupted = signal.signal(signal.SIGINT, signal.default_int_handler), 0  # xdist ignores them
    gc.disable()  # an interruption inside of a collection is lost, and its traceback kept
    try:
        for _ in range(300):
            network = Network()
            step = autograd.compile(network.step)
            try:
                try:
                    armed.append(True)
                    signal.setitimer(signal.ITIMER_REAL, max(chance.random() * took, 1e-4))
                    step(BATCH)
                finally:
                    armed.clear()
            except KeyboardInterrupt:
                armed.clear()
                interrupted += 1
            except SystemError as error:  # what Python 3.13.0 makes of it where a value is asked for its class
                armed.clear()
                if "with an exception set" not in str(error):
                    raise
                interrupted += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
            check_plain(network)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGINT, interrupts)
        gc.enable()
    assert interrupted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system starts processes anew")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # as of Python 3.12
def test_a_fork_while_another_thread_records_or_replays() -> None:
    """In the child the locks are free and arrays are back; the recording of the parent ends well."""
    network, inside, forked = Network(), threading.Event(), threading.Event()

    def slow(x: Any) -> Any:
        loss = network.step(x)
        inside.set()
        forked.wait(20)
        return loss

    step = autograd.compile(slow, state=network)
    other = autograd.compile(lambda x: x * 2)
    other(BATCH)
    thread = threading.Thread(target=step, args=(BATCH,))
    thread.start()
    assert inside.wait(20)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(20)  # ends a child that waits
            forked.set()
            check_plain(network)
            step(BATCH)
            status = 0 if np.array_equal(other(BATCH), BATCH * 2) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    forked.set()
    thread.join()
    check_plain(network)
