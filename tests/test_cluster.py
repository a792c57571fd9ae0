"""The cluster demo on processes of this machine, one of which is killed in the middle of a step."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demos import cluster

pytest.importorskip("distributed", reason="install Dask: pip install 'chalkgrad[cluster]'")
pytest.importorskip("tqdm", reason="install tqdm: pip install 'chalkgrad[demos]'")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import dask
    from tqdm import tqdm

    before = set(threading.enumerate())
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
        dask.config.set({"distributed.comm.timeouts.connect": "60s"}),
        cluster.cluster(workers=3, memory="500MB") as started,
    ):
        patch.setattr(tqdm, "monitor_interval", 0)  # else a thread of its own watches over bars from then on
        yield started
    left = [thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("Dask-Offload")]
    for thread in left:  # but for that one, which waits for work for ever, they are on their way out
        thread.join(timeout=10)
    assert not [thread.name for thread in left if thread.is_alive()]
    assert not multiprocessing.active_children()


def test_gradients_are_those_of_one_machine(client: Any) -> None:
    import dask

    X, labels = cluster.data(6_000, 500)
    assert len(client.scheduler_info()["workers"]) == 3
    assert cluster.difference(cluster.network(), X, labels) < 1e-12
    assert cluster.difference(cluster.network(), *dask.persist(X[:1_000], labels[:1_000])) < 1e-12  # held by workers


def test_a_worker_that_is_killed_costs_time_and_nothing_else(client: Any, tmp_path: Path) -> None:
    X, labels = cluster.data(6_000, 500)
    _, undisturbed = cluster.train(X, labels, epochs=1, rows=3_000)
    died = tmp_path / "died"

    def dies_once(block: Any, block_info: Any = None) -> Any:
        if block_info and block_info[0]["chunk-location"][0] == 9:  # in the second step
            try:
                os.close(os.open(died, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return block
            os.kill(os.getpid(), signal.SIGKILL)
        return block

    _, losses = cluster.train(X.map_blocks(dies_once, dtype=X.dtype), labels, epochs=1, rows=3_000)
    assert died.exists()
    assert losses == undisturbed
