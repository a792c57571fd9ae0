"""What a graph holds: what its rules read, and no more; and that reads and writes cost what they touch."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor, derive, draw, explain
from autograd.basis.reads import StandIn
from autograd.core.node import topological

N = 20_000  # elements: far above what is kept whole


def leaf(*shape: int) -> Tensor:
    return Tensor(np.random.default_rng(0).uniform(0.5, 1.5, shape), requires_grad=True)


def held(run: Callable[[], Any]) -> float:
    """What is alive of the memory that `run` takes, in arrays of N elements, with its result."""
    run()  # the first call finds out what rules read
    tracemalloc.start()
    result = run()
    bytes_ = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del result
    return bytes_ / (8 * N)


def repeated(step: Callable[[Any, Tensor], Any]) -> Callable[[], Any]:
    w = leaf(N)

    def run() -> Any:
        total: Any = 0.0
        for i in range(30):
            total = step(total, w * float(i))
        return total

    return run


@pytest.mark.parametrize(
    "step",
    [
        lambda total, v: total + v,
        lambda total, v: v - total,
        lambda total, v: total * 0.9 + v / 2.0,
        lambda total, v: np.reshape(total + v, (2, -1)).ravel(),
        lambda total, v: np.flip(-v) + total,
        lambda total, v: total + np.sum(v) / N,
    ],
)
def test_values_that_no_rule_reads_go_with_their_tensors(step: Callable[[Any, Tensor], Any]) -> None:
    assert held(repeated(step)) < 5


@pytest.mark.parametrize(("fn", "kept"), [(np.tanh, 30), (np.sin, 30), (np.square, 30), (np.negative, 0)])
def test_what_rules_read_is_held_once(fn: Any, kept: int) -> None:
    assert kept <= held(repeated(lambda total, v: total + fn(v))) < kept + 5


def test_small_values_are_held_for_pictures_of_a_step_and_not_in_long_programs() -> None:
    w = leaf(1_000)
    np.sum(w * 2.0).backward()
    early = np.sum(w * 2.0 + 1.0)
    w.data -= 0.5
    assert draw(early)._repr_svg_()  # though what it was computed from has changed
    tracemalloc.start()
    total: Any = 0.0
    for i in range(5_000):
        total = total + w * float(i)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 5_000 * w.data.nbytes / 2


def test_a_small_piece_does_not_keep_the_whole() -> None:
    assert held(repeated(lambda total, v: np.concatenate([(total + v)[1:], v[:1]]))) < 5


def test_rows_cost_rows() -> None:
    w = leaf(5_000)
    out = Tensor(np.zeros((200, 5_000)))
    tracemalloc.start()
    for i in range(200):
        out[i] = w * float(i)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 4 * 200 * 5_000 * 8
    np.sum(out).backward()
    np.testing.assert_allclose(w.grad, sum(range(200)))


def test_rows_that_are_read_and_written_in_turn_cost_rows() -> None:
    w, out = leaf(5_000), Tensor(np.zeros((200, 5_000)))
    out[0] = w
    tracemalloc.start()
    for i in range(1, 200):
        out[i] = np.tanh(out[i - 1])
        out[i] += 0.25 * out[i - 1]
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 8 * 200 * 5_000 * 8


def test_an_earlier_version_that_somebody_reads_stays_what_it_was() -> None:
    w = leaf(N)
    u = w * 1.0
    squares, before = np.sum(u * u), u.data
    u[0] = 5.0
    u[1] = 6.0
    np.testing.assert_array_equal(before, w.data)
    (squares + np.sum(u)).backward()
    expected = 2 * w.data + 1
    expected[:2] -= 1
    np.testing.assert_allclose(w.grad, expected)


@pytest.mark.parametrize("start", [lambda w: w * 1.0, lambda w: np.concatenate([w, w])[:N]])
def test_a_run_of_reads_and_writes_has_the_gradient_of_its_elements(start: Callable[[Tensor], Any]) -> None:
    w, rng = leaf(N), np.random.default_rng(1)
    u, factors = start(w), np.ones(N)
    for i in rng.integers(0, 30, 60):
        u[int(i)] = u[int(i)] * 1.5 + 1.0
        factors[i] *= 1.5
    np.sum(u).backward()
    np.testing.assert_allclose(w.grad, factors)


def test_a_gradient_that_somebody_holds_is_not_written_into() -> None:
    w, given = leaf(N), np.ones(N)
    u = w * 1.0
    u[3] = 0.0
    u.backward(given)
    assert given[3] == 1.0
    assert w.grad[3] == 0.0


def test_reads_of_one_array_are_added_into_one() -> None:
    x = leaf(N)
    total = np.sum(np.stack([x[i] * float(i) for i in range(300)]))
    tracemalloc.start()
    total.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * N * 8
    np.testing.assert_allclose(x.grad[:300], np.arange(300))


def test_what_was_let_go_is_shown_as_it_was() -> None:
    w = leaf(N)
    h = w * 2.0 + 1.0
    value = h.data.copy()
    loss = np.sum(h + h)
    node = h._node
    del h
    assert type(node.held) is StandIn
    assert explain(loss).bytes < 2 * 8 * N
    assert type(node.held) is StandIn  # explaining holds nothing
    np.testing.assert_array_equal(node.value, value)
    assert str(draw(loss))
    assert "def backprop" in derive(loss).source
    assert len(topological([loss._node])) == 5


def test_a_value_that_was_let_go_is_not_computed_from_changed_data() -> None:
    w = leaf(N)
    loss = np.sum(w * 2.0 + 1.0)
    w.data -= 1.0
    with pytest.raises(RuntimeError, match="changed in place"):
        _ = loss._node.args[0].value  # type: ignore[index]
