"""Shapes, joining, indexing and einsum: the edges that the samples of the records do not reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.rules.index import scatter
from autograd.testing import gradcheck

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(3, 4))


def leaf(*shape: int) -> Any:
    return Tensor(RNG.normal(size=shape), requires_grad=True)


def gradient(fn: Any, a: Any, g: Any = None) -> Any:
    t = Tensor(a, requires_grad=True)
    out = fn(t)
    out.backward(np.ones(out.shape, out.dtype) if g is None else g)
    return t.grad


@pytest.mark.parametrize(
    "fn",
    [
        lambda t: np.tile(t, 2),
        lambda t: np.repeat(t, 2, axis=0),
        lambda t: np.repeat(t, np.array([], dtype=int), axis=0),
        lambda t: np.flip(t),
        lambda t: np.roll(t, 1),
        lambda t: np.concatenate([t, t]),
        lambda t: np.pad(t, 1),
        lambda t: np.pad(t, ((0, 0), (2, 1)), mode="edge"),
        lambda t: np.take(t, [1, 2, 1], axis=1),
        lambda t: t[:, [1, 1]],
        lambda t: np.einsum("ij->j", t),
        lambda t: np.resize(t, (0, 2)),
        lambda t: np.resize(t, (2, 2)),
        lambda t: np.diagonal(t),
        lambda t: np.vstack([t, np.ones((1, 3))]),
        lambda t: np.append(t, t, axis=0),
        lambda t: np.delete(t, [], axis=0),
        lambda t: np.kron(t, np.ones((2, 2))),
        lambda t: np.matmul(t.T, t),
        lambda t: np.tensordot(t, t, (0, 0)),
    ],
)
def test_an_axis_of_no_elements(fn: Any) -> None:
    t = Tensor(np.zeros((0, 3)), requires_grad=True)
    out = fn(t)
    assert out.shape == fn(np.zeros((0, 3))).shape
    np.sum(out).backward()
    assert t.grad.shape == (0, 3)


def test_names_that_are_other_functions() -> None:
    t = leaf(2, 3)
    assert np.concat([t, t]).shape == (4, 3)
    assert np.permute_dims(t, (1, 0)).shape == (3, 2)
    assert np.linalg.matrix_transpose(t).shape == (3, 2)


def test_order_that_depends_on_memory_is_refused() -> None:
    with pytest.raises(TypeError, match="order 'A'"):
        np.ravel(leaf(2, 3), order="A")
    with pytest.raises(TypeError, match="order 'A'"):
        np.reshape(leaf(2, 3), -1, order="A")


# Several outputs


def test_split_gives_lists_and_unused_parts_have_no_gradient() -> None:
    t = leaf(5, 2)
    parts = np.array_split(t, 3)
    assert isinstance(parts, list)
    assert [part.shape for part in parts] == [(2, 2), (2, 2), (1, 2)]
    np.sum(parts[1]).backward()
    np.testing.assert_array_equal(t.grad[:, 0], [0, 0, 1, 1, 0])


def test_split_refuses_what_numpy_refuses() -> None:
    with pytest.raises(ValueError, match="equal sections"):
        np.split(leaf(5), 2)
    with pytest.raises(ValueError, match="0 sections"):
        np.array_split(leaf(5), 0)
    with pytest.raises(ValueError, match="axes"):
        np.dsplit(leaf(5, 2), 2)


def test_meshgrid_and_broadcast_arrays_give_tuples() -> None:
    x, y = np.meshgrid(leaf(2), np.arange(3.0))
    assert isinstance(x, Tensor)
    assert x.shape == np.shape(y) == (3, 2)
    assert isinstance(np.broadcast_arrays(leaf(2), leaf(3, 1)), tuple)
    with pytest.raises(ValueError, match="indexing"):
        np.meshgrid(leaf(2), indexing="yx")


# Padding


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean", "median"])
def test_padding_far_beyond_the_array(mode: str) -> None:
    assert gradcheck(lambda t: np.pad(t, ((5, 9), (0, 7)), mode=mode), [MATRIX[:2]], order=2)


def test_padding_by_axis() -> None:
    try:
        expected = np.pad(MATRIX, {-1: (1, 2)})
    except TypeError:
        pytest.skip("install a later NumPy: this np.pad takes no dictionary")
    np.testing.assert_array_equal(np.pad(leaf(3, 4), {-1: (1, 2)}).shape, expected.shape)
    np.testing.assert_array_equal(gradient(lambda t: np.pad(t, {-1: (1, 2)}, mode="edge"), MATRIX)[0], [2, 1, 1, 3])


def test_padding_with_tensors() -> None:
    values = [[RNG.normal(), RNG.normal()], [RNG.normal(), RNG.normal()]]
    one, four = np.array(0.5), np.array(values)
    for constants in (one, four):
        padded = np.pad(Tensor(MATRIX), ((1, 2), (0, 1)), constant_values=Tensor(constants))
        np.testing.assert_array_equal(padded.data, np.pad(MATRIX, ((1, 2), (0, 1)), constant_values=constants))
        assert gradcheck(lambda a, c: np.pad(a, ((1, 2), (0, 1)), constant_values=c), [MATRIX, constants])
    mixed = np.pad(leaf(2), 1, constant_values=(Tensor(3.0, requires_grad=True), 4.0))
    assert (mixed.data[0], mixed.data[-1]) == (3.0, 4.0)


def test_padding_that_has_no_derivative_is_refused() -> None:
    with pytest.raises(TypeError, match="mode 'empty'"):
        np.pad(leaf(3), 1, mode="empty")
    with pytest.raises(TypeError, match="mode <function"):
        np.pad(leaf(3), 1, mode=lambda *_: None)


def test_padding_shares_ties() -> None:
    grad = gradient(lambda t: np.pad(t, (2, 0), mode="maximum"), np.array([1.0, 3.0, 3.0]))
    np.testing.assert_array_equal(grad, [1, 2, 2])


# Joining


def test_insert_keeps_the_arrays_dtype() -> None:
    t = Tensor(np.ones(3, np.float32), requires_grad=True)
    v = Tensor(2.0, requires_grad=True)
    out = np.insert(t, [0, 3], v)
    assert out.dtype == np.float32
    np.sum(out).backward()
    assert v.grad == 2.0
    with pytest.raises(TypeError, match="int64"):
        np.insert(np.arange(3), 0, v)


@pytest.mark.parametrize("obj", [[], slice(None, None, -1), -3, np.array([2, 0, 2, 1])])
def test_insert_and_delete_agree_with_numpy(obj: Any) -> None:
    values = np.insert(MATRIX, obj, 7.0, axis=0)
    t = Tensor(MATRIX, requires_grad=True)
    np.testing.assert_array_equal(np.insert(t, obj, 7.0, axis=0).data, values)
    np.testing.assert_array_equal(np.delete(t, obj, axis=0).data, np.delete(MATRIX, obj, axis=0))


def test_block_refuses_uneven_nesting() -> None:
    with pytest.raises(ValueError, match="depth"):
        np.block([leaf(2), [leaf(2)]])
    with pytest.raises(ValueError, match="empty"):
        np.block([[leaf(2)], []])


def test_options_that_would_lose_the_gradient_are_refused() -> None:
    with pytest.raises(TypeError, match="dtype"):
        np.vstack([leaf(2), leaf(2)], dtype=np.int64, casting="unsafe")
    with pytest.raises(TypeError, match="out"):
        np.take(leaf(3), [0], out=np.zeros(1))
    with pytest.raises(TypeError, match="dtype"):
        np.trace(leaf(2, 2), dtype=np.int64)
    with pytest.raises(TypeError, match="float32 by the rule 'safe'"):
        np.einsum("ij->i", leaf(2, 2), dtype=np.float32)


# Indexing


@pytest.mark.parametrize("size", [4, 700])  # each way of adding
@pytest.mark.parametrize(
    "index",
    [
        np.array([0, -1, 2, 0, -1], dtype=np.int8),
        [2, 2],
        (slice(None), np.array([0, 3, 3])),
        (np.array([[0], [2]]), np.array([1, 1, -1])),
        (..., np.array([0, 0, 1]), None),
        np.array([True, False, True]),
        (slice(1), np.array([True, False, True, True])),
    ],
)
def test_scatter_is_the_transpose_of_reading(index: Any, size: int) -> None:
    shape = (3, 4, size)
    if isinstance(index, tuple) and index[0] is ...:
        shape = (size, 4, 3)
    a = RNG.normal(size=shape)
    g = RNG.normal(size=a[index].shape)
    expected = np.zeros(shape)
    np.add.at(expected, index, g)
    np.testing.assert_allclose(scatter(g, index, shape), expected, rtol=1e-13)
    assert scatter(g.astype(np.float32), index, shape).dtype == np.float32


def test_take_of_a_scalar_index_and_out_of_range() -> None:
    np.testing.assert_array_equal(gradient(lambda t: np.take(t, 5), MATRIX), np.eye(1, 12, 5).reshape(3, 4))
    np.testing.assert_array_equal(gradient(lambda t: np.take(t, [-9, 7], mode="clip"), MATRIX[0]), [1, 0, 0, 1])
    with pytest.raises(IndexError, match=r"np\.take"):
        np.take(leaf(3), 3)


def test_take_along_axis_none_by_keyword() -> None:
    index = np.array([11, 0])
    out = np.take_along_axis(Tensor(MATRIX), indices=index, axis=None)
    np.testing.assert_array_equal(out.data, MATRIX.reshape(-1)[index])


def test_trim_zeros() -> None:
    a = np.array([0.0, 0.0, 1.0, 0.0, 2.0, 0.0])
    for trim in ("fb", "f", "b"):
        np.testing.assert_array_equal(np.trim_zeros(Tensor(a), trim).data, np.trim_zeros(a, trim))
    np.testing.assert_array_equal(gradient(np.trim_zeros, a), [0, 0, 1, 1, 1, 0])
    assert np.trim_zeros(Tensor(np.zeros(3))).shape == (0,)


def test_choose_and_select_refuse_what_numpy_refuses() -> None:
    with pytest.raises(ValueError, match="none of the 2 choices"):
        np.choose([0, 2], [leaf(2), leaf(2)])
    with pytest.raises(TypeError, match="boolean"):
        np.select([np.array([0, 1])], [leaf(2)])
    with pytest.raises(ValueError, match="1 conditions for 2"):
        np.select([np.array([True])], [leaf(1), leaf(1)])


def test_choices_keep_float32() -> None:
    t = Tensor(np.ones(2, np.float32), requires_grad=True)
    yes = np.array([True, False])
    outs = [np.select([yes], [t]), np.choose([0, 0], [t]), np.piecewise(t, [yes], [np.exp, 2.0])]
    assert {out.dtype for out in outs} == {np.dtype(np.float32)}


def test_piecewise_evaluates_a_branch_only_where_it_is_chosen() -> None:
    x = np.array([-1.0, 4.0])
    grad = gradient(lambda t: np.piecewise(t, [x > 0], [np.sqrt, lambda v: -v]), x)
    np.testing.assert_array_equal(grad, [-1, 0.25])


def test_sliding_windows_twice_along_one_axis() -> None:
    view = np.lib.stride_tricks.sliding_window_view
    assert gradcheck(lambda t: view(t, (2, 3), axis=(1, 1)), [MATRIX], order=2)


def test_triangle_of_a_vector() -> None:
    assert gradcheck(np.tril, [MATRIX[0]], order=2)


# einsum


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij , jk -> ik", [(2, 3), (3, 4)]),
        ("iij->", [(3, 3, 2)]),
        ("ijij->j", [(2, 3, 2, 3)]),
        ("iijj", [(2, 2, 3, 3)]),
        ("ii,i,ii->i", [(3, 3), (3,), (3, 3)]),
        ("...ii->...", [(2, 3, 3)]),
        ("...ii->...i", [(3, 3)]),
        ("...,...->...", [(2, 1, 3), (4, 1)]),
        ("...j,j...->...", [(3, 2), (2, 3)]),
        ("i...,...j->ij...", [(2, 3), (1, 4)]),
        ("ab,ab,ab->", [(2, 3), (1, 3), (2, 1)]),
        ("a,b,c->", [(2,), (3,), (4,)]),
        ("a,b,c->b", [(2,), (1,), (4,)]),
        ("ij,ik->k", [(1, 3), (4, 2)]),
        ("Za,aZ", [(2, 3), (3, 2)]),
        ("ij->ji", [(2, 0)]),
        (",->", [(), ()]),
    ],
)
def test_einsum_forms(subscripts: str, shapes: list[tuple[int, ...]]) -> None:
    operands = [RNG.normal(size=shape) for shape in shapes]
    tensors = [Tensor(a, requires_grad=True) for a in operands]
    for optimize in (False, True, "optimal"):
        out = np.einsum(subscripts, *tensors, optimize=optimize)
        np.testing.assert_allclose(out.data, np.einsum(subscripts, *operands, optimize=optimize), rtol=1e-12)
        assert gradcheck(lambda *ts, o=optimize: np.einsum(subscripts, *ts, optimize=o), operands, order=2)


def test_einsum_refuses_what_numpy_refuses() -> None:
    for call in (
        lambda: np.einsum("...i->i", leaf(2, 3)),
        lambda: np.einsum("ij,jk", leaf(2, 3)),
        lambda: np.einsum("...ijk", leaf(2, 3)),
        lambda: np.einsum("i", leaf(2, 3)),
    ):
        with pytest.raises(ValueError, match=r"np\.einsum of"):
            call()


def test_einsum_path_is_plain() -> None:
    assert np.einsum_path("ij,jk", leaf(2, 3), leaf(3, 4))[0] == ["einsum_path", (0, 1)]
