"""Writing in place: NumPy's values, and the gradients of the same program without mutation."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograd import Tensor, no_grad

# A program is a list of steps on a list of arrays that starts with one of shape (3, 4). Its writes take means and
# not sums, so that what rounding leaves is not multiplied from step to step.

VIEWS = [
    lambda a: a[1],
    lambda a: a[..., ::2],
    lambda a: a[::-1],
    lambda a: a.T,
    lambda a: a.reshape(-1),
    lambda a: a[None],
    lambda a: np.expand_dims(a, -1),
    lambda a: np.swapaxes(a, 0, -1),
    lambda a: a.ravel()[2:5],
    lambda a: np.einsum("...i->i...", a),
    lambda a: a.T.ravel(),
    lambda a: a.copy().reshape(-1),
]


def write_scalar(a: Any, b: Any) -> None:
    a[0] = 0.5


def write_computed(a: Any, b: Any) -> None:
    a[...] = np.sin(np.mean(b)) + a * 0.5


def write_masked(a: Any, b: Any) -> None:
    a[np.arange(np.size(a)).reshape(np.shape(a)) % 3 == 1] = 0.1 * np.mean(b * b)


def write_chosen(a: Any, b: Any) -> None:
    a[[0, -1]] = 0.3 * np.mean(b)


def add(a: Any, b: Any) -> None:
    a += 0.2 * np.mean(b)


def scale(a: Any, b: Any) -> None:
    a *= np.cos(np.mean(b))


def divide(a: Any, b: Any) -> None:
    a /= 1.5 + np.mean(b) ** 2


def add_at(a: Any, b: Any) -> None:
    np.add.at(a, [0, 0, -1], 0.3 * np.mean(b))


def into(a: Any, b: Any) -> None:
    np.multiply(a, 0.5, out=a)


def add_in_another_order(a: Any, b: Any) -> None:
    a += 0.1 * np.ones(np.shape(a))


WRITES = [
    write_scalar,
    write_computed,
    write_masked,
    write_chosen,
    add,
    scale,
    divide,
    add_at,
    into,
    add_in_another_order,
]
STEPS = st.lists(
    st.tuples(st.sampled_from(["view", "copy", "write"]), st.integers(0, 11), st.integers(0, 5), st.integers(0, 5)),
    min_size=1,
    max_size=9,
)


def run(program: list[tuple[str, int, int, int]], start: Any) -> tuple[Any, list[Any]]:
    values = [start * 1.0]
    early = np.sum(values[0] ** 3)  # recorded before anything is written
    for kind, what, i, j in program:
        a, b = values[i % len(values)], values[j % len(values)]
        if np.ndim(a) == 0:
            continue
        if kind == "view":
            if np.ndim(a) < 4 and np.size(a) > 1 and np.shape(a)[0] > 1:
                values.append(VIEWS[what % len(VIEWS)](a))
        elif kind == "copy":
            values.append(a * 1.5)
        elif np.size(a) and np.size(b):
            WRITES[what % len(WRITES)](a, b)
    total = early
    for k, value in enumerate(values):
        total = total + np.sum(np.tanh(value)) * (k + 1)
    return total, values


@settings(max_examples=300)
@example([("view", 2, 0, 0), ("write", 0, 1, 0), ("view", 4, 0, 0), ("write", 0, 0, 0)], 0, "F")
@given(STEPS, st.integers(0, 100), st.sampled_from("CF"))
def test_random_programs_have_numpys_values_and_the_gradients_of_the_rewrite(
    program: Any, seed: int, order: Any
) -> None:
    x = np.asarray(np.random.default_rng(seed).normal(size=(3, 4)), order=order)
    total, arrays = run(program, x)
    leaf = Tensor(x, requires_grad=True)
    loss, tensors = run(program, leaf)
    for array, tensor in zip(arrays, tensors, strict=True):
        np.testing.assert_allclose(tensor.data, array, rtol=1e-12, atol=1e-14)
    loss.backward()
    for at in [(0, 0), (1, 2), (2, 3), (1, 1)]:
        e = np.zeros_like(x)
        e[at] = 1e-6
        wide, narrow = ((run(program, x + s * e)[0] - run(program, x - s * e)[0]) / (2e-6 * s) for s in (1, 0.5))
        slope = (4 * narrow - wide) / 3  # without the error of second order
        np.testing.assert_allclose(leaf.grad[at], slope, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(loss.item(), total.item(), rtol=1e-12)


def computed(*shape: int) -> tuple[Tensor, Tensor]:
    leaf = Tensor(np.arange(1.0, np.prod(shape) + 1).reshape(shape), requires_grad=True)
    return leaf, leaf * 1.0


def test_what_was_recorded_keeps_its_values() -> None:
    leaf, t = computed(3)
    square = t * t
    t[1] = 100.0
    np.sum(square).backward()
    np.testing.assert_array_equal(leaf.grad, 2 * leaf.data)


def test_an_overwritten_element_gets_no_gradient_and_the_written_value_does() -> None:
    leaf, t = computed(3)
    v = Tensor(5.0, requires_grad=True)
    t[1] = v
    np.sum(t * t).backward()
    np.testing.assert_array_equal(leaf.grad, [2.0, 0.0, 6.0])
    assert float(v.grad) == 10.0


def test_a_constant_tensor_becomes_part_of_the_graph_when_a_parameter_is_written_into_it() -> None:
    out, v = Tensor(np.zeros((2, 3))), Tensor([1.0, 2.0, 3.0], requires_grad=True)
    for k in range(2):
        out[k] = v * (k + 1)
    np.sum(out * out).backward()
    np.testing.assert_array_equal(v.grad, 10 * v.data)


def test_a_view_taken_before_sees_the_write_and_writes_through() -> None:
    _, t = computed(2, 2)
    row, flat = t[0], t.reshape(-1)
    t[0, 1] = 9.0
    assert row.data.tolist() == [1.0, 9.0]
    row += 1
    assert t.data.tolist() == [[2.0, 10.0], [3.0, 4.0]]
    assert flat.data.tolist() == [2.0, 10.0, 3.0, 4.0]


def test_views_that_died_are_forgotten() -> None:
    _, t = computed(3)
    kept = [t[:2] for _ in range(20)]
    tracemalloc.start()
    try:
        for _ in range(2000):
            t[1:]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 50_000
    t[0] = 7.0
    assert all(view[0] == 7.0 for view in kept)


def test_a_copy_is_no_view() -> None:
    _, t = computed(3)
    chosen = t[[0, 1]]
    t[0] = 9.0
    assert chosen.data.tolist() == [1.0, 2.0]


def test_the_last_writer_of_an_element_gets_its_gradient() -> None:
    _, t = computed(3)
    v = Tensor([7.0, 8.0], requires_grad=True)
    t[[1, 1]] = v
    assert t.data.tolist() == [1.0, 8.0, 3.0]
    np.sum(t).backward()
    np.testing.assert_array_equal(v.grad, [0.0, 1.0])


def test_data_set_inside_no_grad_leaves_the_recorded_graph_alone() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    loss = np.sum(w**3)
    with no_grad():
        w -= 0.5
        w[0] = 7.0
    assert w.data.tolist() == [7.0, 1.5]
    loss.backward()
    np.testing.assert_array_equal(w.grad, [3.0, 12.0])
    np.sum(w).backward()
    np.testing.assert_array_equal(w.grad, [4.0, 13.0])


def test_the_users_array_is_not_written_to() -> None:
    array = np.zeros(3)
    t = Tensor(array)
    t[0] = 1.0
    assert array.tolist() == [0.0, 0.0, 0.0]
    assert t.data.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("write", "error", "told"),
    [
        (lambda t: t.__setitem__(0, np.ones(5)), ValueError, "shape"),
        (
            lambda t: t.__setitem__(7, 1.0),
            IndexError,
            r"writing to np\.multiply of shape .2, 2. at \[7\], of float of shape \(\): index 7",
        ),
        (lambda t: t.__iadd__(np.ones((3, 2, 2))), ValueError, r"result of shape \(3, 2, 2\) does not fit"),
        (lambda t: Tensor(np.arange(3)).__iadd__(0.5), TypeError, "float64 does not fit into .* int64"),
        (lambda t: np.broadcast_to(t, (2, 2, 2)).__iadd__(1.0), ValueError, "read-only, as it is in NumPy"),
        (lambda t: np.diagonal(t).__setitem__(0, 1.0), ValueError, "read-only"),
    ],
)
def test_what_cannot_be_written_is_told_and_changes_nothing(write: Any, error: type[Exception], told: str) -> None:
    _, t = computed(2, 2)
    before = t.data.tolist()
    with pytest.raises(error, match=told):
        write(t)
    assert t.data.tolist() == before


def test_an_updated_parameter_keeps_its_gradient_its_name_and_its_hooks() -> None:
    w, seen = Tensor(np.ones(2), requires_grad=True, name="w"), []
    w.register_hook(seen.append)
    np.sum(w * 3).backward()
    with no_grad():
        w -= 0.5
    assert (w.data.tolist(), w.grad.tolist(), w.name) == ([0.5, 0.5], [3.0, 3.0], "w")
    np.sum(w * 2).backward()
    assert [g.tolist() for g in seen] == [[3.0, 3.0], [2.0, 2.0]]
    assert w.grad.tolist() == [5.0, 5.0]


def test_a_view_of_a_parameter_stays_in_the_graph_after_an_update() -> None:
    w = Tensor(np.arange(1.0, 7.0).reshape(2, 3), requires_grad=True)
    row = w[0]
    with no_grad():
        w -= 1.0
    w.data = w.data * 2
    np.testing.assert_array_equal(row.data, w.data[0])
    (np.sum(row**2) + np.sum(w)).backward()
    np.testing.assert_array_equal(w.grad, [2 * w.data[0] + 1, [1.0, 1.0, 1.0]])


def test_a_computed_tensor_is_not_cut_by_a_write_inside_no_grad() -> None:
    _, t = computed(2, 2)
    with no_grad(), pytest.raises(RuntimeError, match="would cut its graph"):
        t[0] = 0.0
    assert t.requires_grad


def test_copies_are_copies_and_scalars_do_not_change() -> None:
    _, t = computed(2, 2)
    for copied in (t.flatten(), t.astype(float), +t, np.copy(t)):
        copied += 100.0
        assert t.data.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    total = np.sum(t)
    before = total
    total += 5.0
    assert (before.item(), total.item()) == (10.0, 15.0)


@pytest.mark.parametrize(
    "alias",
    [
        lambda a: a.real,
        np.real,
        lambda a: a.conj(),
        lambda a: a.astype(a.dtype, copy=False),
        lambda a: a.real.T.ravel(),
    ],
)
def test_what_shares_its_memory_in_numpy_shares_it_here(alias: Any) -> None:
    array = np.arange(3.0)
    alias(array)[1] = 7.0
    w = Tensor([5.0, 7.0], requires_grad=True)
    t = Tensor(np.arange(3.0))
    alias(t)[1] = w[1]
    np.testing.assert_array_equal(t.data, array)
    np.sum(t).backward()
    np.testing.assert_array_equal(w.grad, [0.0, 1.0])


def test_conj_of_numpy_is_a_copy() -> None:
    t = Tensor(np.arange(3.0))
    np.conj(t)[1] = 7.0
    np.testing.assert_array_equal(t.data, np.arange(3.0))


def test_astype_obeys_the_casting_rule() -> None:
    with pytest.raises(TypeError, match="does not become float32 by the rule 'safe'"):
        Tensor(np.arange(3.0)).astype(np.float32, casting="safe")


def test_a_written_value_may_have_axes_of_length_one_in_front() -> None:
    column, t = Tensor(np.ones((2, 1)), requires_grad=True), Tensor(np.zeros(3))
    t[:2] = column.T
    np.sum(t * [2.0, 3.0, 4.0]).backward()
    np.testing.assert_array_equal(column.grad, [[2.0], [3.0]])


WITH_OUT: dict[str, Any] = {
    "clip": lambda t, out: np.clip(t, 1.5, 3.0, out),
    "the method clip": lambda t, out: t.clip(1.5, 3.0, out),
    "sum": lambda t, out: np.sum(t, 0, None, out[0]),
    "the method sum": lambda t, out: t.sum(0, None, out[0]),
    "max": lambda t, out: np.max(t, 0, out[0]),
    "mean": lambda t, out: np.mean(t, 1, None, out[:, 0]),
    "median": lambda t, out: np.median(t, 0, out[0]),
    "quantile": lambda t, out: np.quantile(t, 0.25, 0, out[0]),
    "cumsum": lambda t, out: np.cumsum(t, 0, None, out),
    "round": lambda t, out: np.round(t * 0.3, 1, out),
    "take": lambda t, out: np.take(t, [1, 0], 0, out),
    "dot": lambda t, out: np.dot(t, np.ones((2, 2)), out),
    "add": lambda t, out: np.add(t, 1.0, out),
    "add.reduce": lambda t, out: np.add.reduce(t, 0, None, out[0]),
    "logaddexp.reduce": lambda t, out: np.logaddexp.reduce(t, 0, None, out[0]),
    "concatenate": lambda t, out: np.concatenate([t[:1], t[1:]], 0, out),
}


@pytest.mark.parametrize("name", WITH_OUT)
def test_out_goes_by_position_too(name: str) -> None:
    array, w, out = np.array([[1.0, 2.0], [5.0, 3.0]]), np.zeros((2, 2)), Tensor(np.zeros((2, 2)))
    leaf = Tensor(array, requires_grad=True)
    WITH_OUT[name](array, w)
    WITH_OUT[name](leaf * 1.0, out)
    np.testing.assert_allclose(out.data, w)
    assert out.requires_grad


def test_clip_may_write_over_what_it_reads() -> None:
    w = Tensor([0.2, 0.5, 0.7], requires_grad=True)
    y = w * 1.0
    np.clip(y, 0.3, 0.6, y)
    np.sum(y * y).backward()
    np.testing.assert_allclose(w.grad, [0, 1, 0])
