"""Peak memory of a training step and of eight long programs, beside PyTorch and HIPS autograd.

Each program is one text for all three: it takes the namespace of functions. Only a written row and a sliding window
are said in each one's own way. Every measurement is a process of its own. There the program runs at a small size first,
which loads what it needs; then the highest resident set that the kernel saw while it ran, forward and backward, less
what was resident before. So allocators, interpreters and graphs count alike, pages that nobody touched do not, and
about a megabyte is noise. The gradients count, the parameters and data do not.

`python -m tests.benchmarks memory --hips PYTHON`, with the interpreter of an environment where HIPS autograd is
installed, whose import name is ours too (`python -m venv v && v/bin/pip install autograd`, `--hips v/bin/python`).
It asks Linux.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median_high
from typing import Any

import numpy as np

Arrays = dict[str, Any]


class Written:
    """A matrix that is filled row by row: a list of rows for HIPS autograd, which has no writing."""

    def __init__(self, engine: str, zeros: Any) -> None:
        self._engine, self._zeros, self._rows = engine, zeros, list[Any]()

    def write(self, i: int, row: Any) -> None:
        if self._engine == "hips":
            self._rows.append(row)
        else:
            self._zeros[i] = row

    def matrix(self, xp: Any) -> Any:
        return xp.stack(self._rows) if self._engine == "hips" else self._zeros


def step(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    h = c["x"]
    for k in range(3):
        h = h @ p[f"W{k}"] + p[f"b{k}"]
        h = xp.maximum(h, c["zero"]) if k < 2 else h
    return xp.mean((h - c["y"]) ** 2)


def rows(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    out = Written(engine, c["zeros"])
    for i in range(n):
        out.write(i, c["x"][i] * p["w"])
    return xp.sum(out.matrix(xp) ** 2)


def sums(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    total = p["w"] * 0.5
    for i in range(n):
        total = total + p["w"] * float(i)
    return xp.sum(total)


def recurrent(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    h = c["h"]
    for i in range(n):
        h = xp.tanh(c["x"][i] @ p["U"] + h @ p["W"] + p["b"])
    return xp.mean(h**2)


def chain(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    y = p["w"]
    for _ in range(n):
        y = xp.exp(-xp.sin(y) * 0.5) + y / 3.0
    return xp.sum(y)


def convolution(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    h = c["x"]
    for k in range(n):
        if engine == "torch":
            windows = h.unfold(1, 5, 1).unfold(2, 5, 1)
        elif engine == "hips":
            size = h.shape[1] - 4
            windows = xp.stack([h[:, i : i + size, j : j + size] for i in range(5) for j in range(5)], axis=-1)
            windows = xp.reshape(windows, (*windows.shape[:-1], 5, 5))
        else:
            windows = np.lib.stride_tricks.sliding_window_view(h, (5, 5), axis=(1, 2))
        h = xp.tanh(xp.einsum("bijkl,kl->bij", windows, p[f"K{k}"]))
    return xp.sum(h**2)


def attention(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    x = c["x"]
    for _ in range(n):
        q, k, v = (x @ p[name] for name in "QKV")
        scores = xp.exp(q @ xp.swapaxes(k, -1, -2) / 8.0)
        x = x + (scores / xp.sum(scores, axis=-1, keepdims=True)) @ v
    return xp.mean(x**2)


def reads(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    total = 0.0
    for i in range(n):
        total = total + p["w"][i] * p["w"][i + 1]
    return total


def joined(engine: str, xp: Any, p: Arrays, c: Arrays, n: int) -> Any:
    parts = [xp.tanh(p["w"] * (i / n)) for i in range(n)]
    return xp.sum(xp.concatenate([xp.stack(parts), xp.stack(parts[::-1])]) ** 2)


def _drawn(**shapes: tuple[int, ...]) -> Arrays:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape) / np.sqrt(shape[0]) for name, shape in shapes.items()}


Program = Callable[[str, Any, Arrays, Arrays, int], Any]
_WIDTHS = (784, 512, 256, 10)
_LAYERS = {f"W{k}": (m, n) for k, (m, n) in enumerate(pairwise(_WIDTHS))}
_LAYERS |= {f"b{k}": (n,) for k, n in enumerate(_WIDTHS[1:])}
_RUNS = 5  # of each engine, of which the median counts
_CELL = {"U": (16, 64), "W": (64, 64), "b": (64,)}
# What it is, the program, the shapes of its parameters, and of its data, how often it goes round, small and measured.
PROGRAMS: dict[str, tuple[Program, Arrays, Callable[[int], Arrays], int, int]] = {
    "a training step": (step, _LAYERS, lambda n: {"x": (n, 784), "y": (n, 10), "zero": (1,)}, 2, 4096),
    "rows written": (rows, {"w": (10_000,)}, lambda n: {"x": (n, 10_000), "zeros": (n, 10_000)}, 2, 300),
    "acc + w * i": (sums, {"w": (100_000,)}, lambda n: {}, 2, 300),
    "an RNN": (recurrent, _CELL, lambda n: {"x": (n, 24, 16), "h": (24, 64)}, 2, 1500),
    "a chain": (chain, {"w": (100_000,)}, lambda n: {}, 2, 60),
    "a convolution": (convolution, {f"K{k}": (5, 5) for k in range(4)}, lambda n: {"x": (8, 60, 60)}, 1, 4),
    "attention": (attention, dict.fromkeys("QKV", (64, 64)), lambda n: {"x": (4, 256, 64)}, 1, 4),
    "reads x[i]": (reads, {"w": (20_001,)}, lambda n: {}, 2, 20_000),
    "stack, concatenate": (joined, {"w": (1000,)}, lambda n: {}, 2, 3000),
}


def by_engine(engine: str, program: Program, parameters: Arrays, data: Arrays, n: int) -> Any:
    """The gradients, when what is returned is called; what it starts from is made before."""
    if engine == "torch":
        import torch

        leaves: Arrays = {name: torch.from_numpy(array).requires_grad_() for name, array in parameters.items()}
        constants = {name: torch.from_numpy(array) for name, array in data.items()}

        def run() -> Any:
            program(engine, torch, leaves, constants, n).backward()

    elif engine == "hips":
        from autograd import grad, numpy

        def run() -> Any:
            return grad(lambda p: program(engine, numpy, p, data, n))(parameters)

    else:
        from autograd import Tensor

        leaves = {name: Tensor(array, requires_grad=True) for name, array in parameters.items()}

        def run() -> Any:
            constants = {name: Tensor(array) if name == "zeros" else array for name, array in data.items()}
            program(engine, np, leaves, constants, n).backward()

    return run


def status(name: str) -> int:
    """A line of the kernel's account of this process, in bytes."""
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def peak(engine: str, name: str) -> int:
    program, parameters, data, small, n = PROGRAMS[name]
    runs = [by_engine(engine, program, _drawn(**parameters), _drawn(**data(k)), k) for k in (small, n)]
    runs[0]()
    gc.collect()
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is what there is now
    runs[1]()
    return status("VmHWM") - before


def typical(engine: str, name: str, python: str) -> int | None:
    """The median of some runs: what an allocator uses again differs from one to the next, by a large array or two."""
    runs = [measured(engine, name, python) for _ in range(_RUNS)]
    known = [run for run in runs if run is not None]
    return median_high(known) if known else None


def measured(engine: str, name: str, python: str) -> int | None:
    """In a process of its own; None where the engine is not installed."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = "" if engine == "hips" else root
    command = [python, "-P", __file__, "--child", engine, name]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        if "ModuleNotFoundError" not in done.stderr:
            raise RuntimeError(done.stderr)
        return None
    return int(done.stdout)


def report(programs: Sequence[str], hips: str) -> None:
    print(f"{'peak, MB':20}{'ours':>9}{'PyTorch':>9}{'HIPS':>9}   ours over the better one")
    for name in programs:
        peaks = [typical("ours", name, sys.executable), typical("torch", name, sys.executable)]
        peaks.append(typical("hips", name, hips) if hips else None)
        ours, *others = peaks
        known = [other for other in others if other is not None]
        assert ours is not None
        ratio = f"{ours / min(known):.2f}" if known else "-"
        cells = ["-" if one is None else f"{one / 1e6:.1f}" for one in peaks]
        print(f"{name:20}{cells[0]:>9}{cells[1]:>9}{cells[2]:>9}   {ratio}", flush=True)
    if not hips:
        print("HIPS: give --hips the Python of an environment made by `python -m venv v && v/bin/pip install autograd`")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", default=list(PROGRAMS))
    parser.add_argument("--hips", default="", help="the Python of an environment with HIPS autograd")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(peak(*arguments.child))
    else:
        report(arguments.programs, arguments.hips)


if __name__ == "__main__":
    main()
