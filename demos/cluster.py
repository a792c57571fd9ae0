"""Training on a cluster: two million rows in chunks, more than any of three worker processes can hold.

The processes are started here, by Dask. With a scheduler's address in DASK_SCHEDULER_ADDRESS they are those of that
cluster, on machines of anybody's: nothing else changes. The page beside the code says how, autograd/array/CLUSTERS.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import nn

SIZES = [64, 128, 64, 10]
ROWS, CHUNK = 2_000_000, 50_000
BATCH, EPOCHS, RATE = 400_000, 2, 0.01  # rows a step: whole chunks
WORKERS, MEMORY = 3, "600MB"  # of a process, which takes a quarter of that for itself


def data(rows: int = ROWS, chunk: int = CHUNK) -> tuple[Any, Any]:
    """X and the labels that a random map gives it, both made by whoever computes a chunk: nobody holds all of them."""
    import dask.array as da

    X = da.random.default_rng(0).normal(size=(rows, SIZES[0]), chunks=(chunk, SIZES[0]))
    teacher = np.random.default_rng(1).normal(size=(SIZES[0], SIZES[-1]))
    return X, np.argmax(X @ teacher, axis=1)


def network() -> nn.MLP:
    return nn.MLP(SIZES, rng=0)


def batches(X: Any, labels: Any, rows: int) -> Iterator[tuple[Any, Any]]:
    """Whole chunks, as many as have about so many rows."""
    count = max(1, rows // X.chunks[0][0])
    for start in range(0, X.numblocks[0], count):
        yield X.blocks[start : start + count], labels.blocks[start : start + count]


def train(X: Any, labels: Any, epochs: int = EPOCHS, rows: int = BATCH) -> tuple[nn.MLP, list[float]]:
    """The trained network and the loss of every step. A step computes its loss and all gradients in one call."""
    from tqdm import tqdm

    model = network()
    optimizer = nn.optim.Adam(model.parameters(), lr=RATE)
    losses = []
    steps = [batch for _ in range(epochs) for batch in batches(X, labels, rows)]
    with tqdm(steps, unit="step") as progress:
        for x, y in progress:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            progress.set_postfix(loss=f"{losses[-1]:.4f}")
    return model, losses


def difference(model: nn.MLP, x: Any, y: Any) -> float:
    """The largest difference of a gradient from the cluster and the one computed here, chunk after chunk."""
    import dask

    model.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    found = [p.grad for p in model.parameters()]
    model.zero_grad()
    for k in range(x.numblocks[0]):
        rows, labels = dask.compute(x.blocks[k], y.blocks[k])  # one chunk is here at a time
        part = nn.functional.cross_entropy(model(rows), labels, reduction="sum") / len(y)
        part.backward()  # gradients add up
    return max(float(np.max(np.abs(g - p.grad))) for g, p in zip(found, model.parameters(), strict=True))


@contextmanager
def cluster(workers: int = WORKERS, memory: str = MEMORY) -> Iterator[Any]:
    """A client of the cluster whose address Dask knows, or else of one that is started on this machine."""
    import dask
    from distributed import Client, LocalCluster

    if dask.config.get("scheduler-address", None):
        with Client() as client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, memory_limit=memory, dashboard_address=":0"
        ) as local,
        Client(local) as client,
    ):
        yield client


def main() -> None:
    X, labels = data()
    with cluster() as client:
        held = [worker["memory_limit"] for worker in client.scheduler_info()["workers"].values()]
        print(f"{len(held)} workers with at most {max(held) / 1e6:.0f} MB each; the data has {X.nbytes / 1e6:.0f} MB")
        start = time.perf_counter()
        model, losses = train(X, labels)
        seconds = time.perf_counter() - start
        print(f"loss {losses[0]:.4f} -> {losses[-1]:.4f}, {EPOCHS * len(X) / seconds:,.0f} rows a second")
        x, y = next(batches(X, labels, BATCH))
        off = difference(model, x, y)
        print(f"gradients of {len(x):,} rows differ from those of one machine by {off:.1e}")
        assert off < 1e-10
