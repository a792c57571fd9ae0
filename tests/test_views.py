"""What shares memory in NumPy shares it here, for every record, in both memory orders; what does not, does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from reference import RECORDS, Record, call, differentiable, holding, mapped, parts, sample

from autograd import Tensor


@pytest.fixture(autouse=True, params=["kept", "let go"])
def _memory(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test with the values of small Tensors, which a graph keeps, and with those of large ones."""
    with holding(request.param == "kept"):
        yield


IDS = [record.name for record in RECORDS]


def calls(record: Record) -> Iterator[tuple[Any, Any, list[tuple[Any, Tensor]]]]:
    """A record's calls on arrays and on Tensors, and the arrays with their Tensors, in C and in F order."""
    for order in "CF":
        for k in range(len(record.samples)):
            args, kwargs = sample(record, k, 0)
            if record.fn is np.put_along_axis and any(part is None for part in parts((args, kwargs))):
                continue  # NumPy's own loses what it writes where the order is not C
            flags = iter(differentiable(record, args, kwargs))
            given = mapped(lambda v: ordered(v, order) if next(flags) and np.ndim(v) else v, (tuple(args), kwargs))  # noqa: B023
            may_be = zip(parts(given), differentiable(record, *given), strict=True)
            pairs = [
                (array, Tensor(np.array(array, order="K"), requires_grad=True) * 1.0)
                for array, flag in may_be
                if flag and np.ndim(array)
            ]
            live = {id(array): tensor for array, tensor in pairs}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield call(record, *given), call(record, *mapped(lambda v: live.get(id(v), v), given)), pairs  # noqa: B023


def ordered(value: Any, order: str) -> Any:
    return np.array(value, dtype=float, order="F" if order == "F" else "C")


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.data if isinstance(found, Tensor) else found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("record", RECORDS, ids=IDS)
def test_a_result_follows_writes_into_the_operands_as_in_numpy(record: Record) -> None:
    for expected, found, pairs in calls(record):
        for array, tensor in pairs:
            array += 1.0
            tensor += 1.0
        for e, f in zip(expected, found, strict=True):
            same(f, e)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # np.broadcast_arrays: to be read-only soon, as it is here
@pytest.mark.parametrize(
    "record", [record for record in RECORDS if record.fn is not np.broadcast_arrays], ids=lambda r: r.name
)
def test_the_operands_follow_writes_into_a_result_as_in_numpy(record: Record) -> None:
    for expected, found, pairs in calls(record):
        for e, f in zip(expected, found, strict=True):
            if np.ndim(e) and isinstance(f, Tensor):
                if isinstance(e, np.ndarray) and e.flags.writeable:
                    e[...] = 7.0
                    f[...] = 7.0
                else:
                    with pytest.raises(ValueError, match="read-only"):
                        f[...] = 7.0
        for array, tensor in pairs:
            same(tensor, array)


def added(t: Any) -> Any:
    t += np.ones((2, 3))
    return t


def total(t: Any, out: Any) -> Any:
    np.add(t[0], 1.0, out=out)
    return out


ALIASES: dict[str, Callable[[Any], Any]] = {
    "ravel of what was added to": lambda t: added(t).ravel(),
    "ravel of a transpose": lambda t: t.T.ravel(),
    "reshape of a transpose": lambda t: t.T.reshape(2, 3),
    "reshape in Fortran's order": lambda t: np.reshape(t, 6, order="F"),
    "reshape after a write": lambda t: (t.__setitem__(0, 2.0), t.reshape(-1))[1],
    "a transposed einsum": lambda t: np.einsum("ij->ji", t),
    "a diagonal by einsum": lambda t: np.einsum("ii->i", t[:, :2]),
    "a row of a transposed einsum": lambda t: np.einsum("ij->ji", t)[1],
    "a copy": lambda t: t.copy(),
    "flatten": lambda t: t.flatten(),
    "a slice of a slice": lambda t: t[:, ::2][1],
    "a new axis": lambda t: t[None],
    "diff of no order": lambda t: np.diff(t, n=0),
    "real": lambda t: t.real,
    "atleast_3d": np.atleast_3d,
    "logaddexp.reduce over one": lambda t: np.logaddexp.reduce(t[:1], axis=0),
    "maximum.accumulate": np.maximum.accumulate,
    "maximum.accumulate of one": lambda t: np.maximum.accumulate(t[:1]),
    "add.reduce over one": lambda t: np.add.reduce(t[:1]),
    "hsplit": lambda t: np.hsplit(t, 3)[1],
    "unstack": lambda t: [*t][1],
    "squeeze": lambda t: t[:1].squeeze(),
    "what a sum was written into": lambda t: total(t, t),
    "positive": lambda t: +t,
    "astype": lambda t: t.astype(float, copy=False),
    "meshgrid without copies": lambda t: np.meshgrid(t[0], t[1], copy=False, sparse=True)[0],
}


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("alias", ALIASES)
def test_a_write_through_it_and_under_it_is_seen_where_numpys_is(alias: str, order: str) -> None:
    array = ordered(np.arange(6.0).reshape(2, 3), order)
    tensor, view = Tensor(array.copy(order="K")), ALIASES[alias](array)
    follows = ALIASES[alias](tensor)
    for kind, seen in ((array, view), (tensor, follows)):
        seen[(0,) * seen.ndim] = 100.0
        kind[1] *= 3.0
    same(tensor, array)
    same(follows, view)


def test_an_array_of_no_axes_has_views_and_a_number_has_none() -> None:
    t, number = Tensor(np.array(2.0)), Tensor([1.0, 2.0])[0]
    view, other = t[None], number[None]
    view[0] = 5.0
    other[0] = 5.0
    assert (t.item(), number.item()) == (5.0, 1.0)


def test_windows_follow_what_they_look_at_and_are_read_only() -> None:
    w = Tensor(np.arange(4.0), requires_grad=True)
    t = w * 1.0
    windows = np.lib.stride_tricks.sliding_window_view(t, 2)
    t[1] = w[3]
    np.testing.assert_array_equal(windows.data, [[0, 3], [3, 2], [2, 3]])
    np.sum(windows * [[1.0, 2], [3, 4], [5, 6]]).backward()
    np.testing.assert_array_equal(w.grad, [1, 0, 9, 11])
    with pytest.raises(ValueError, match="read-only"):
        windows[0, 0] = 1.0


def test_a_ufunc_broadcasts_into_a_larger_out() -> None:
    w: Any = Tensor([1.0, 2.0], requires_grad=True)
    out: Any = Tensor(np.zeros((3, 2)))
    np.multiply(w, 2.0, out=out)
    np.testing.assert_array_equal(out.data, [[2, 4]] * 3)
    np.sum(out).backward()
    np.testing.assert_array_equal(w.grad, [6, 6])
    with pytest.raises(ValueError, match="does not fit"):
        np.add(np.ones((2, 2, 2)), w, out=out[:2])
