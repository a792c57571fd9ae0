"""Tasks of a chunk as one: the same numbers, few tasks, and nothing fused where chunks would wait for each other."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import nn
from autograd.array.fuse import Program, fused
from autograd.array.lazy import computed
from tests.chunked import chunked, da

pytestmark = pytest.mark.usefixtures("in_this_thread")
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), RNG.integers(3, size=60)


def gradients(monkeypatch: pytest.MonkeyPatch, x: Any, y: Any, model: nn.Module) -> list[Any]:
    """The loss and the gradients of a step as lazy arrays."""
    taken: list[Any] = []
    monkeypatch.setattr("autograd.array.lazy.computed", lambda lazy: taken.extend(lazy) or computed(lazy))
    nn.functional.cross_entropy(model(x), y).backward()
    return taken


def tasks(lazy: list[Any]) -> dict[Any, Any]:
    """The fused graph of lazy arrays."""
    import dask.core
    from dask.highlevelgraph import HighLevelGraph

    keys = list(dask.core.flatten([array.__dask_keys__() for array in lazy]))
    merged = HighLevelGraph.merge(*(array.dask for array in lazy))
    return fused(dict(lazy[0].__dask_optimize__(merged, keys)), keys)[0]


@pytest.fixture(autouse=True)
def _as_read_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small arrays here stand for large ones, which no task brings along."""
    monkeypatch.setattr("autograd.array.fuse._SMALL", 0)


@pytest.mark.parametrize("limit", [1 << 20, 0])
def test_a_step_is_a_task_a_chunk_and_sums_of_four(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters go with each chunk, or, where they are large, in one task more."""
    monkeypatch.setattr("autograd.array.fuse._SMALL", limit)
    lazy = gradients(monkeypatch, chunked(X, 5), chunked(Y, 5), nn.MLP([4, 6, 3], rng=0))
    assert len(tasks(lazy)) == 12 + 3 + 1 + (not limit)
    import dask

    for found, expected in zip(computed(lazy), dask.compute(*lazy), strict=True):
        np.testing.assert_array_equal(found, expected)


def _network(x: Any) -> list[Any]:
    h = np.tanh(x @ np.ones((4, 3)))
    centred = h - h.mean(axis=0)  # back to every chunk
    return [np.sum(centred**2, axis=0), np.max(h), (x.T @ centred).sum()]


GRAPHS = {
    "sums that go back to every chunk": _network,
    "a chunk and the next": lambda x: [x[10:] * x[:-10]],
    "rows across chunks": lambda x: [x[3:] - x[:-3], x.sum()],
    "other chunks": lambda x: [x.rechunk((7, 2)) @ np.ones((4, 2)), x.T],
    "all rows with all": lambda x: [x @ x.T, (x @ x.T).sum(axis=1)],
    "overlaps": lambda x: [da.overlap.map_overlap(lambda b: b * 2, x, depth=1, boundary="none")],
    "a value that is asked for and read": lambda x: [x + 1, (x + 1).sum(), np.cumsum(x + 1, axis=0)],
    "several arrays": lambda x: [da.concatenate([x, x * 2]).std(axis=0), da.stack([x, x]).sum(axis=(0, 2))],
    "no sum at all": lambda x: [x, x],
}


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.filterwarnings("ignore")  # Dask's, on its own performance
def test_fused_tasks_compute_what_dask_does(name: str) -> None:
    lazy, plain = GRAPHS[name](chunked(X)), GRAPHS[name](chunked(X, 60))
    for found, expected in zip(computed(lazy), plain, strict=True):
        np.testing.assert_allclose(found, expected.compute(), rtol=1e-12)


def test_chunks_that_hang_on_their_neighbours_are_not_one_task() -> None:
    x = chunked(X)
    assert len(tasks([x[10:] * x[:-10]])) >= 6
    assert len(tasks([x[3:] - x[:-3]])) >= 6


def test_sums_over_chunks_are_tasks_of_their_own_for_all_sums_together() -> None:
    graph = tasks([(chunked(X) ** 2).sum(), chunked(X).max()])
    waits = [len(task.dependencies) for task in graph.values()]
    assert sorted(waits) == [0] * 6 + [2] * 5  # the six chunks wait for nobody


def test_what_workers_hold_already_is_read_by_its_key() -> None:
    from dask._task_spec import Task, TaskRef

    tasks = [Task("a", abs, TaskRef("held")), Task("b", abs, TaskRef("a")), Task("c", max, TaskRef("a"), TaskRef("b"))]
    graph, place = fused({task.key: task for task in tasks}, ["c"])
    (task,) = graph.values()
    assert task.dependencies == {"held"}
    assert task({"held": -1}) == {"c": 1}
    assert place == {"c": task.key}


def test_what_nobody_waits_for_is_left_out() -> None:
    from dask._task_spec import DataNode

    assert list(fused({"a": DataNode("a", 1), "b": DataNode("b", 2)}, ["b"])[0]) == ["b"]


def test_a_program_lets_go_of_what_nobody_needs() -> None:
    from dask._task_spec import Task, TaskRef

    class Value:
        pass

    made: list[Any] = []

    def step(*_: Any) -> Value:
        alive.append(sum(reference() is not None for reference in made))
        value = Value()
        made.append(weakref.ref(value))
        return value

    alive: list[int] = []
    chain = [Task(n, step, *([TaskRef(n - 1)] if n else [])) for n in range(5)]
    assert list(Program(chain, [], [4])()) == [4]
    assert alive == [0, 1, 1, 1, 1]


def test_tasks_that_dask_did_not_optimize_are_fused_too() -> None:
    import dask

    with dask.config.set(array_optimize=None):
        np.testing.assert_allclose(computed([chunked(X).mean(axis=0)])[0], X.mean(axis=0))


@pytest.mark.parametrize("how", ["annotated", "told not to"])
def test_what_dask_is_told_not_to_fuse_is_not(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    monkeypatch.setattr("autograd.array.lazy.fused", lambda *_: pytest.fail("fused"))
    if how == "annotated":
        with dask.annotate(retries=2):
            x = chunked(X) + 1
        assert computed([x.sum()])[0] == pytest.approx(np.sum(X + 1))
    else:
        with dask.config.set({"optimization.fuse.active": False}):
            assert computed([chunked(X).sum()])[0] == pytest.approx(np.sum(X))
