"""The engine alone: long chains, the import, and memory in a training loop."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

import nn
from autograd import Tensor


def seconds_per_operation(length: int) -> float:
    """Record, differentiate and free a chain."""
    x = Tensor(1.0, requires_grad=True)
    start = time.perf_counter()
    y = x
    for _ in range(length):
        y = y * 1.0
    y.backward()
    del y
    return (time.perf_counter() - start) / length


def chain() -> None:
    short, ratios = 1.0, []
    for _ in range(3):
        short = statistics.median(seconds_per_operation(1_000) for _ in range(200))
        ratios.append(seconds_per_operation(1_000_000) / short)
    print(f"a chain of 1,000,000 operations over one of 1,000, per operation: {statistics.median(ratios):.2f}")
    print(f"  (the short one: {short * 1e6:.2f} us an operation)")


def imports() -> None:
    """Whole processes, in turn."""

    def run(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return time.perf_counter() - start

    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run("import autograd")  # compiled, as an installed package is
    ratios = []
    for _ in range(15):
        idle = run("pass")
        ratios.append((run("import autograd") - idle) / (run("import numpy") - idle))
    print(f"import autograd over import numpy: {statistics.median(ratios):.2f}")


def memory() -> None:
    model = nn.MLP([784, 256, 128, 10], rng=0, dtype=np.float32)
    optimizer = nn.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((128, 784), np.float32), rng.standard_normal((128, 10), np.float32)
    peaks = []
    for step in range(1000):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in (9, 999):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(f"peak memory after 1,000 training steps over that after 10: {peaks[1] / peaks[0]:.3f}")


if __name__ == "__main__":
    imports()
    chain()
    memory()
