"""Operands that are no arrays: data frames, masked arrays, matrices and memory maps, and lists that hold Tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd import Tensor

W = np.array([1.0, 10.0, 100.0])


def series(values: Any) -> Any:
    pandas = pytest.importorskip("pandas", reason="pip install pandas")
    return pandas.Series(values, index=[2, 1, 0])


def column(values: Any) -> Any:
    pandas = pytest.importorskip("pandas", reason="pip install pandas")
    return pandas.DataFrame({"a": values}, index=["x", "y", "z"])["a"]


def polars(values: Any) -> Any:
    return pytest.importorskip("polars", reason="pip install polars").Series(values)


class OnlyArray:
    """What can give an array and nothing else."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self._values


def mapped(values: Any) -> Any:
    return np.asarray(values).view(np.memmap)


KINDS: list[Callable[[Any], Any]] = [series, column, polars, OnlyArray, mapped, np.ma.array]
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda t, w: t + w,
    "*": lambda t, w: t * w,
    "/": lambda t, w: t / w,
    "@": lambda t, w: t @ w,
    "np.multiply": np.multiply,
    "np.maximum": np.maximum,
    "np.dot": np.dot,
    "np.where": lambda t, w: np.where(t > 1.5, t, w),
    "np.stack": lambda t, w: np.stack([t, w]),
    "np.concatenate": lambda t, w: np.concatenate([t, w]),
    "an average": lambda t, w: np.average(t, weights=w),
    "the way of the issue": lambda t, w: np.dot((t - w) * (t * w), np.ones(3)),
    "a write": lambda t, w: written(t, w),
    "adding in place": lambda t, w: added(t, w),
    "a mask": lambda t, w: t[t.data > 1.5] * 2 + np.sum(t * w),
}


def written(t: Any, w: Any) -> Any:
    t = t * 1.0
    t[:] = w
    return t


def added(t: Any, w: Any) -> Any:
    t = t * 1.0
    t += w
    return t


def value_and_gradient(call: Callable[[Any, Any], Any], w: Any) -> tuple[Any, Any]:
    t = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    out = call(t, w)
    assert type(out) is Tensor
    assert type(out._value) in (np.ndarray, np.float64)
    if out.requires_grad:
        np.sum(out).backward()
    return out.data, t.grad


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_they_are_what_their_arrays_are(name: str, kind: Any) -> None:
    if kind is OnlyArray and name == "a write":
        pytest.skip("NumPy takes it for one object there")
    found, expected = value_and_gradient(CALLS[name], kind(W)), value_and_gradient(CALLS[name], W)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", [series, column])
@pytest.mark.parametrize("call", [
    lambda w, t: w - t, lambda w, t: w * t, lambda w, t: w / t, lambda w, t: w ** t, np.multiply, np.subtract,
])  # fmt: skip
def test_on_the_left_too(kind: Any, call: Any) -> None:
    found, expected = (value_and_gradient(lambda t, w: call(w, t), w) for w in (kind(W), W))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_comparisons_and_choices_by_a_series_are_by_position() -> None:
    w, t = series(W), Tensor([1.0, 20.0, 3.0], requires_grad=True)
    for found in (t > w, np.greater(t, w)):
        assert type(found) is np.ndarray
        assert found.tolist() == [False, True, False]
    np.sum(t[w > 5] * np.where(w > 50, t, 2.0)[1:]).backward()
    np.testing.assert_array_equal(t.grad, [0, 2, 6])


def test_a_data_frame_is_a_matrix() -> None:
    pandas = pytest.importorskip("pandas", reason="pip install pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=[7, 8])
    w = Tensor([1.0, -1.0], requires_grad=True)
    loss = np.sum((w @ frame.T) ** 2) + np.sum(frame * w)
    loss.backward()
    x = frame.to_numpy()
    np.testing.assert_allclose(w.grad, 2 * x.T @ (x @ w.data) + x.sum(axis=0))


def test_beside_a_tensor_without_a_gradient_a_series_stays_one() -> None:
    """So a library's own code goes on with its labels, where nothing is differentiated."""
    w = series(W)
    for found in (Tensor(W) * w, w / Tensor(W), np.maximum(w, Tensor(W))):
        assert type(found) is type(w)
        assert list(found.index) == [2, 1, 0]
    assert type(w * Tensor(W, requires_grad=True)) is Tensor


def test_a_matrix_multiplies_element_by_element_as_arrays_do() -> None:
    t = Tensor(np.ones((2, 2)), requires_grad=True)
    m = np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix)
    np.testing.assert_array_equal((t * m).data, np.asarray(m))
    np.testing.assert_array_equal((m * t).data, np.asarray(m))


def test_masked_elements_do_not_count_in_silence() -> None:
    masked = np.ma.array(W, mask=[False, True, False])
    with pytest.raises(TypeError, match=r"MaskedArray of shape \(3,\): its masked elements would count"):
        Tensor([1.0, 2.0, 3.0], requires_grad=True) * masked


def test_a_memory_map_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", W)
    t = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    np.sum(t * np.load(tmp_path / "x.npy", mmap_mode="r")).backward()
    np.testing.assert_array_equal(t.grad, W)


def test_a_tensor_of_masked_elements_is_refused() -> None:
    with pytest.raises(TypeError, match="masked"):
        Tensor(np.ma.array([1.0, 2.0], mask=[False, True]))


# Lists that hold Tensors


def _assigned(a: Any, values: Any) -> Any:
    out = a * 2
    out[:] = values
    return out


def _added_at(a: Any, values: Any) -> Any:
    out = a * 2
    np.add.at(out, [0, 2, 0], values)
    return out


def _copied_to(a: Any, values: Any) -> Any:
    out = a * 2
    np.copyto(out, values, where=[True, True, False])
    np.put(out, [2, 0], values[:2])
    return out


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize(
    "fn",
    [
        lambda a, values: a * values,
        lambda a, values: values - a,
        lambda a, values: np.maximum(a, values),
        lambda a, values: np.where([True, False, True], a, list(values)),
        lambda a, values: a @ list(values),
        lambda a, values: np.clip(a, list(values), 9.0),
        lambda a, values: np.linalg.solve(np.eye(3) * a, list(values)),
        lambda a, values: np.einsum("i,i->", a, list(values)),
        lambda a, values: np.concatenate([a, list(values)]),
        lambda a, values: np.insert(a, [1, 1, 2], values),
        lambda a, values: np.append(a, values),
        lambda a, values: np.full_like(a, values),
        lambda a, values: np.linspace(a, values, 3),
        lambda a, values: np.multiply.outer(a, values),
        _assigned,
        _added_at,
        _copied_to,
    ],
)
def test_gradients_reach_tensors_in_a_list(fn: Any, kind: Any) -> None:
    a = np.array([0.5, 1.5, -1.0])
    listed = lambda t: fn(t, kind([t[0] * 3, t[2] ** 2, 2.0]))
    stacked = lambda t: fn(t, np.stack([t[0] * 3, t[2] ** 2, 2.0]))
    expected = fn(a, kind([a[0] * 3, a[2] ** 2, 2.0]))
    found = []
    for call in (listed, stacked):
        t = Tensor(a, requires_grad=True)
        got = call(t)
        np.testing.assert_allclose(got.data, expected)
        np.sum(got**2).backward()
        found.append(t.grad)
    np.testing.assert_allclose(*found)
