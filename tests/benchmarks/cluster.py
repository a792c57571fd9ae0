"""What a step on a cluster costs: measured with 1 to 4 workers and chunks of many sizes, and a model for the rest.

    python -m tests.benchmarks.cluster           # measures, fits, and prints the tables of autograd/array/CLUSTERS.md
    python -m tests.benchmarks.cluster --write   # and writes them there

A step over n rows in chunks of k, on w workers of which each has a core, is modelled as

    seconds = step + planning * n / k + (row * n + chunk * n / k) / w + moved / bandwidth

Planning is what the client and the scheduler do for the tasks of a chunk, one after the other; `row` is arithmetic;
`chunk` is what a worker spends on the tasks of a chunk besides. These four are fitted by non-negative least squares of
relative errors. What moves are the parameters, to every chunk, and the partial gradients, back along a tree.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import dask
import numpy as np

import nn
from demos import cluster

PAGE = Path(__file__).parent.parent.parent / "autograd" / "array" / "CLUSTERS.md"
SIZES = (  # rows a step, rows a chunk
    *((100_000, chunk) for chunk in (1_000, 3_000, 10_000, 25_000, 100_000)),
    *((400_000, chunk) for chunk in (20_000, 100_000)),
)
WORKERS = (1, 2, 3, 4)
REPEATS, ROUNDS = 3, 15
BANDWIDTH = 1.25e9  # bytes a second between machines: ten gigabits
SIZE = sum(p.data.nbytes for p in cluster.network().parameters())  # bytes of the parameters, and of their gradients


class Step(NamedTuple):
    """A measured step: the median of several, the shortest and the longest."""

    workers: int
    rows: int
    chunk: int
    seconds: float
    least: float
    most: float


class Model(NamedTuple):
    """Seconds of a step in itself, of planning a chunk, of a row, and of a chunk in its worker."""

    step: float
    planning: float
    row: float
    chunk: float

    def seconds(self, workers: float, rows: float, chunk: float, bandwidth: float = np.inf) -> float:
        """Predicted for so many workers with a core each, at work as long as there are chunks for all."""
        chunks = rows / chunk
        moved = 2 * SIZE * chunks / bandwidth
        return float(_terms(min(workers, chunks), rows, chunk) @ self) + moved

    def rate(self, workers: float, rows: float, chunk: float, bandwidth: float = np.inf) -> float:
        """Rows a second."""
        return rows / self.seconds(workers, rows, chunk, bandwidth)


def _terms(workers: float, rows: float, chunk: float) -> np.ndarray:
    return np.array([1.0, rows / chunk, rows / workers, rows / chunk / workers])


@contextmanager
def clusters(*workers: int) -> Iterator[dict[int, Any]]:
    """Clients by how many workers they have: all wait while one works, so that they can take turns."""
    with ExitStack() as stack:
        yield {count: stack.enter_context(cluster.cluster(workers=count, memory="2GB")) for count in workers}


def measured() -> Iterator[Step]:
    """Of each number of workers and each size of chunks the median step of several, after one to warm up.

    Those of one size take turns: a machine is another one some minutes later, and what is compared are workers.
    """
    with clusters(*WORKERS) as clients:
        for rows, chunk in SIZES:
            taken = by_turns(clients, rows, chunk, REPEATS)
            for workers, seconds in taken.items():
                yield Step(workers, rows, chunk, statistics.median(seconds), min(seconds), max(seconds))


def by_turns(clients: dict[int, Any], rows: int, chunk: int, repeats: int) -> dict[int, list[float]]:
    """Seconds of steps by each number of workers, round by round, after a round to warm up."""
    model, taken = cluster.network(), {workers: [] for workers in clients}
    for k in range(repeats + 1):
        for workers, client in clients.items():
            with client.as_current():
                seconds = _seconds(model, *cluster.data(rows, chunk))
            if k:
                taken[workers].append(seconds)
    return taken


def _seconds(model: nn.Module, X: Any, labels: Any) -> float:
    """Of a step, with other parameters than the last, or its results would be there already."""
    for p in model.parameters():
        p.data = p.data * (1 + 1e-9)
    start = time.perf_counter()
    nn.functional.cross_entropy(model(X), labels).backward()
    return time.perf_counter() - start


def fitted(steps: list[Step]) -> Model:
    """The model whose relative errors are least."""
    from scipy.optimize import nnls

    cores = os.cpu_count() or 1
    terms = [_terms(min(s.workers, cores, s.rows / s.chunk), s.rows, s.chunk) / s.seconds for s in steps]
    return Model(*nnls(np.array(terms), np.ones(len(steps)))[0])


def tables(steps: list[Step], model: Model) -> str:
    """What the page shows: steps beside the model, its constants, and larger clusters."""
    return "\n\n".join((_beside(steps, model), _constants(model), _larger(model), _limits(model)))


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _beside(steps: list[Step], model: Model) -> str:
    cores, rows, errors = os.cpu_count() or 1, [], []
    for n, chunk in SIZES:
        cells = [f"{n:,}", f"{chunk:,}"]
        for step in (s for s in steps if (s.rows, s.chunk) == (n, chunk)):
            said = model.seconds(min(step.workers, cores), n, chunk)
            errors.append(abs(said / step.seconds - 1))
            cells.append(f"{step.seconds:.2f}, {step.least:.2f} to {step.most:.2f} ({said:.2f})")
        rows.append(cells)
    told = (
        f"Seconds of a step on {cores} cores, the median of {REPEATS} with the shortest and the "
        f"longest, and in brackets the model's: off by "
        f"{statistics.median(errors):.0%} in the median, by {max(errors):.0%} at most."
    )
    return told + "\n\n" + _table(["rows", "a chunk", *(f"{w} worker{'s' * (w > 1)}" for w in WORKERS)], rows)


def _constants(model: Model) -> str:
    return (
        f"The constants: {model.step * 1e3:.0f} ms a step, {model.planning * 1e3:.1f} ms to plan a chunk, "
        f"{model.row * 1e6:.2f} us a row, {model.chunk * 1e3:.1f} ms a chunk in its worker."
    )


def _larger(model: Model) -> str:
    """Seconds of a step, and how many workers' worth it is, between machines."""
    workers, chunk = (1, 4, 16, 64, 256), 100_000
    rows = []
    for n in (10**5, 10**6, 10**7, 10**8, 10**9):
        alone = model.seconds(1, n, chunk, BANDWIDTH)
        taken = [model.seconds(w, n, chunk, BANDWIDTH) for w in workers]
        rows.append([f"{n:,}", *(f"{t:,.2f} s, {alone / t:.1f}x" for t in taken)])
    told = f"Predicted for machines on a network of {BANDWIDTH * 8e-9:.0f} Gbit, in chunks of {chunk:,} rows:"
    return told + "\n\n" + _table(["rows a step", *(f"{w} worker{'s' * (w > 1)}" for w in workers)], rows)


def _limits(model: Model) -> str:
    """By size of a chunk, where planning takes as long as computing."""
    rows = []
    for chunk in (3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        own, planning = model.row * chunk + model.chunk, model.planning + 2 * SIZE / BANDWIDTH
        cells = chunk / own, own / planning, chunk / planning
        rows.append([f"{chunk:,}", f"{_bytes_of(chunk) / 1e6:,.1f} MB", *(f"{cell:,.0f}" for cell in cells)])
    head = ["rows a chunk", "memory", "rows a second of a worker", "workers kept busy", "rows a second at most"]
    return "And where the scheduler is the limit:\n\n" + _table(head, rows)


def _bytes_of(rows: float) -> float:
    return rows * cluster.SIZES[0] * 8


def at_work(chunk: int = 50_000, chunks: int = 12) -> str:
    """How much two workers do beside one, how much of their time is work, and what they hold at once."""
    from distributed import get_task_stream

    rows = chunk * chunks
    with clusters(1, 2) as clients:
        before = {workers: client.run(_peak) for workers, client in clients.items()}
        seconds = by_turns(clients, rows, chunk, ROUNDS)
        limits = [_without_tasks(clients[2], chunk, chunks) for _ in range(ROUNDS)]
        shares = []
        with clients[2].as_current():
            for _ in range(REPEATS):
                with get_task_stream(clients[2]) as stream:
                    taken = _seconds(cluster.network(), *cluster.data(rows, chunk))
                parts = (part for task in stream.data for part in task["startstops"] if part["action"] == "compute")
                shares.append(sum(part["stop"] - part["start"] for part in parts) / (2 * taken))
        grown = [peak - before[w][name] for w, client in clients.items() for name, peak in client.run(_peak).items()]
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    one, two = (statistics.median(seconds[workers]) for workers in (1, 2))
    return (
        f"A step over {rows:,} rows in {chunks} chunks takes {one:.1f} s ({_range(seconds[1])}) with one worker and "
        f"{two:.1f} s ({_range(seconds[2])}) with two: {_middle(ratios)} times the throughput, in {ROUNDS} rounds by "
        f"turns. The same arithmetic without Dask, by one of these processes and then shared by both: "
        f"{_middle(limits)} times; more these cores do not give. The two work {statistics.median(shares):.0%} of a "
        f"step's time, and none holds more than {max(grown) / _bytes_of(chunk):.1f} times the rows of a chunk beside "
        "what it held before."
    )


def _without_tasks(client: Any, chunk: int, chunks: int) -> float:
    """How much faster two workers are than one at the chunks of a step, computed one after the other by NumPy alone."""
    workers, seconds = list(client.scheduler_info()["workers"]), []
    for some in (workers[:1], workers):
        start = time.perf_counter()
        count = chunks // len(some)
        client.gather([client.submit(_chunks_alone, chunk, count, workers=[w], pure=False) for w in some])
        seconds.append(time.perf_counter() - start)
    return seconds[0] / seconds[1]


def _chunks_alone(chunk: int, count: int) -> None:
    X, labels = cluster.data(chunk, chunk)
    for _ in range(count):
        x, y = dask.compute(X, labels, scheduler="sync")
        nn.functional.cross_entropy(cluster.network()(x), y).backward()


def _middle(ratios: list[float]) -> str:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f} (the middle half {low:.2f} to {high:.2f})"


def _range(values: list[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f}"


def _peak() -> int:
    """The most that this process held, in bytes; what `getrusage` says begins with what its parent held."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables into the page")
    chosen = parser.parse_args()
    steps = []
    for step in measured():
        steps.append(step)
        sys.stderr.write(
            f"{step.workers} workers, {step.rows:,} rows in chunks of {step.chunk:,}: {step.seconds:.2f} s\n"
        )
    made = f"{tables(steps, fitted(steps))}\n\n{at_work()}"
    print(made)
    if chosen.write:
        head, mark, rest = PAGE.read_text(encoding="utf-8").partition("<!-- measured -->\n")
        PAGE.write_text(head + mark + made + "\n<!-- end -->" + rest.partition("<!-- end -->")[2], encoding="utf-8")


if __name__ == "__main__":
    main()
