"""What a Tensor holds, and that NumPy code goes through it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd
from autograd import Tensor, grad, no_grad

floats = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=st.floats(-10, 10),
)


def leaf(*shape: int, seed: int = 0, name: str | None = None) -> Tensor:
    return Tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True, name=name)


# dtype and data


def test_lists_and_floats_are_float64() -> None:
    assert Tensor([1, 2]).dtype == np.float64
    assert Tensor(1.5).dtype == np.float64


def test_arrays_keep_their_dtype() -> None:
    for dtype in (np.float32, np.int64, np.bool_, np.float16):
        assert Tensor(np.ones(3, dtype)).dtype == dtype


def test_float32_stays_float32_end_to_end() -> None:
    w = Tensor(np.ones((3, 2), np.float32), requires_grad=True)
    x = np.ones((4, 3), np.float32)
    loss = np.mean((np.maximum(0, x @ w) / 2.0 - 1) ** 2) + 0.1 * np.sum(w**2)
    loss.backward()
    assert loss.dtype == np.float32
    assert w.grad.dtype == np.float32


def test_a_gradient_has_its_tensors_dtype_where_dtypes_mix() -> None:
    w = Tensor(np.ones(3, np.float32), requires_grad=True)
    np.sum(w * np.arange(3.0)).backward()
    assert w.grad.dtype == np.float32


def test_constants_share_memory_and_parameters_own_theirs() -> None:
    array = np.ones(3)
    assert Tensor(array).data is array
    assert not np.shares_memory(Tensor(array, requires_grad=True).data, array)
    assert not np.shares_memory(autograd.tensor(array).data, array)


def test_setting_data_keeps_shape_and_dtype() -> None:
    t = Tensor(np.ones(3, np.float32))
    t.data = np.arange(3.0)
    assert t.dtype == np.float32
    with pytest.raises(ValueError, match=r"shape \(2,\).*shape \(3,\)"):
        t.data = np.ones(2)


# NumPy's functions and operators


@given(floats)
def test_operators_equal_numpys(a: Any) -> None:
    t = Tensor(a, requires_grad=True)
    for by_tensor, by_array in [
        (2 - t, 2 - a),
        (t - 2, t.data - 2),
        (a * t, a * a),
        (t / 4.0, a / 4.0),
        (-t, -a),
        (abs(t), abs(a)),
        (t**2, a**2),
        (np.float64(3) + t, 3 + a),
        (np.maximum(0, t), np.maximum(0, a)),
    ]:
        assert type(by_tensor) is Tensor
        np.testing.assert_array_equal(by_tensor.data, by_array)


def test_an_array_on_the_left_gives_a_tensor_not_an_object_array() -> None:
    w, x = leaf(3, 2), np.ones((4, 3))
    for out in (x @ w, np.ones((3, 2)) * w, np.float64(2) * w, np.ones((3, 2)) + w, np.ones(2) - w):
        assert type(out) is Tensor
        assert out.requires_grad


def test_numpy_code_with_a_dictionary_of_parameters_trains() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 2))
    y = x @ np.array([[1.0], [-2.0]]) + 0.5

    def predict(p: Any) -> Any:
        hidden = 1 / (1 + np.exp(-(np.dot(x, p["W1"]) + p["b1"])))
        return np.dot(hidden, p["W2"]) + np.sum(p["b2"], axis=0, keepdims=True)

    p = {
        "W1": leaf(2, 5, seed=2),
        "b1": Tensor(np.zeros(5), requires_grad=True),
        "W2": leaf(5, 1, seed=3),
        "b2": Tensor(np.zeros((1, 1)), requires_grad=True),
    }
    losses = []
    for _ in range(300):
        loss = np.mean((y - predict(p)) ** 2)
        loss.backward()
        for t in p.values():
            t.data -= 0.3 * t.grad
            t.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


def test_comparisons_and_positions_are_plain() -> None:
    t = leaf(3)
    for plain in (t > 0, t == t, np.isnan(t), np.argmax(t), t.argsort(), np.sign(t) > 0, np.shape(t)):
        assert not isinstance(plain, Tensor)


def test_methods_are_numpys() -> None:
    t = leaf(2, 3)
    a = t.data
    np.testing.assert_array_equal(t.T.data, a.T)
    np.testing.assert_array_equal(t.reshape(3, 2).data, a.reshape(3, 2))
    np.testing.assert_array_equal(t.reshape((3, -1)).data, a.reshape(3, 2))
    np.testing.assert_array_equal(t.transpose(1, 0).data, a.T)
    np.testing.assert_array_equal(t.sum(0, keepdims=True).data, a.sum(0, keepdims=True))
    np.testing.assert_array_equal(t.mean(axis=(0, 1)).data, a.mean(axis=(0, 1)))
    np.testing.assert_array_equal(t.std(axis=1, ddof=1).data, a.std(axis=1, ddof=1))
    np.testing.assert_array_equal(t.clip(-0.5, 0.5).data, a.clip(-0.5, 0.5))
    np.testing.assert_array_equal(t.dot(np.ones(3)).data, a.dot(np.ones(3)))
    np.testing.assert_array_equal(t.flatten().data, a.flatten())
    assert [row.shape for row in t] == [(3,), (3,)]
    assert len(t) == 2
    assert Tensor(t.data).tolist() == a.tolist()


def test_every_way_to_call_a_function_is_understood() -> None:
    t = leaf(2, 3)
    a = t.data
    np.testing.assert_array_equal(np.sum(a=t, axis=1).data, a.sum(1))
    np.testing.assert_array_equal(np.sum(t, 1, None, None, True).data, a.sum(1, keepdims=True))
    np.testing.assert_array_equal(np.add.reduce(t).data, a.sum(0))
    np.testing.assert_array_equal(np.maximum.reduce(t, axis=None).data, a.max())
    np.testing.assert_array_equal(np.clip(t, a_min=None, a_max=0.5).data, np.clip(a, None, 0.5))
    np.testing.assert_array_equal(np.clip(t, max=0.5).data, np.clip(a, None, 0.5))
    np.testing.assert_array_equal((t * [1, 2, 3]).data, a * [1, 2, 3])
    np.testing.assert_array_equal(np.concatenate([t, a], 1).data, np.concatenate([a, a], 1))


# Conversions


def test_numbers_come_out_of_one_element_only() -> None:
    assert float(Tensor([2.5])) == 2.5
    assert int(Tensor(3.0)) == 3
    assert f"{Tensor(0.125):.2f}" == "0.12"
    assert bool(Tensor(1.0))
    with pytest.raises(ValueError, match="w of shape .2,. is ambiguous"):
        bool(leaf(2, name="w"))
    with pytest.raises(ValueError, match="w of shape .2,.: it has 2 elements"):
        float(leaf(2, name="w"))


def test_a_tensor_never_turns_into_an_array_by_itself() -> None:
    w = leaf(2, name="w")
    for convert in (np.asarray, np.array, lambda t: np.array([t, t])):
        with pytest.raises(TypeError, match="w of shape"):
            convert(w)
    with pytest.raises(TypeError, match="w of shape"):
        np.zeros(2)[:] = w
    with pytest.raises(RuntimeError, match="detach"):
        w.numpy()
    np.testing.assert_array_equal(w.detach().numpy(), w.data)


def test_repr_tells_what_a_reader_wants_to_know() -> None:
    assert repr(Tensor([1.0, 2.0], requires_grad=True, name="w")) == ("Tensor([1., 2.], requires_grad=True, name='w')")
    assert repr(Tensor(np.float32(1)) * 2) == "Tensor(2., dtype=float32)"
    assert "op=np.add" in repr(leaf(1) + 1)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda t: copy.deepcopy({"state": [t]})["state"][0]])
def test_gradients_flow_through_copies_of_what_was_computed(copied: Any) -> None:
    w = leaf(2)
    y = w * 2
    twin = copied(y)
    twin[0] = 0.0
    np.sum(twin + y).backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])


# Recording


def test_no_grad_records_nothing_and_is_exception_safe() -> None:
    w = leaf(2)
    with pytest.raises(KeyError), no_grad():
        assert not (w * 2).requires_grad
        with autograd.enable_grad():
            assert (w * 2).requires_grad
        raise KeyError
    assert (w * 2).requires_grad


def test_no_grad_as_a_decorator() -> None:
    w = leaf(2)

    @no_grad()
    def double() -> Tensor:
        return w * 2

    assert not double().requires_grad
    assert (w * 2).requires_grad


def test_the_switch_is_of_one_thread() -> None:
    from threading import Thread

    seen: list[bool] = []
    with no_grad():
        thread = Thread(target=lambda: seen.append((leaf(1) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_the_switch_is_of_one_task() -> None:
    import asyncio

    async def quiet() -> None:
        with no_grad():
            await asyncio.sleep(0.01)

    async def recorded() -> bool:
        await asyncio.sleep(0.005)
        return (leaf(1) * 2).requires_grad

    async def both() -> bool:
        return (await asyncio.gather(quiet(), recorded()))[1]

    assert asyncio.run(both())


def test_constants_make_no_graph() -> None:
    assert not (Tensor([1.0]) * 2).requires_grad
    assert (Tensor([1.0]) * 2)._node.inputs == ()


# Writing


def test_adding_in_place_rebinds_and_keeps_what_was_recorded() -> None:
    w = leaf(3)
    t = w * 1.0
    before = t * t
    old = t.data.copy()
    t += 5.0
    (np.sum(before) + np.sum(t)).backward()
    np.testing.assert_allclose(w.grad, 2 * old + 1)


def test_writing_to_a_parameter_needs_no_grad() -> None:
    w = leaf(3, name="w")
    for write in (lambda: w.__iadd__(1.0), lambda: w.__imul__(2.0)):
        with pytest.raises(RuntimeError, match="w of shape .3,. is a leaf.*no_grad"):
            write()
    old = w.data.copy()
    with no_grad():
        w -= 0.5
    np.testing.assert_array_equal(w.data, old - 0.5)
    assert w.requires_grad


def test_a_tensor_that_was_a_constant_stays_one_in_what_was_recorded() -> None:
    w, c = leaf(3), Tensor(np.ones(3))
    before = np.sum(w * c) + np.sum(c)
    c.requires_grad_()
    (before + np.sum(2 * c)).backward()
    np.testing.assert_array_equal(c.grad, [2, 2, 2])


def test_a_tensor_that_was_frozen_gets_no_gradient_until_it_is_trained_again() -> None:
    w, v = leaf(3), leaf(3)
    loss = np.sum(w * v)
    assert w.requires_grad_(False) is w
    loss.backward()
    assert w.grad is None
    assert v.grad is not None
    w.requires_grad = True
    loss.backward()
    np.testing.assert_array_equal(w.grad, v.data)


def test_a_view_that_requires_grad_owns_its_data() -> None:
    t = Tensor(np.zeros(3))
    row = t[:2].requires_grad_()
    t[0] = 5.0
    np.testing.assert_array_equal(row.data, [0, 0])
    assert row.requires_grad


def test_arrays_made_like_a_tensor_can_be_written_into() -> None:
    w = leaf(3)
    for like in (np.zeros_like, np.ones_like, np.empty_like, lambda t: np.full_like(t, 2.0)):
        out = like(w)
        assert not out.requires_grad
        for k in range(3):
            out[k] = w[k] ** 2
        w.zero_grad()
        np.sum(out).backward()
        np.testing.assert_allclose(w.grad, 2 * w.data)
    assert type(np.zeros_like(w, dtype=bool)) is np.ndarray


def test_momentum_in_plain_numpy_code() -> None:
    w = leaf(3)
    old, velocity = w.data.copy(), np.zeros_like(w)
    w.grad = np.ones(3)
    velocity = 0.9 * velocity - 0.1 * w.grad
    w.data += velocity  # a constant has no gradient that an array could lose
    np.testing.assert_allclose(w.data, old - 0.1)


def test_methods_that_write_are_recorded() -> None:
    w = Tensor([3.0, 1.0, 2.0], requires_grad=True)
    t = w.clone()
    t.sort()
    np.sum(t * [1, 2, 3]).backward()
    np.testing.assert_array_equal(w.grad, [3, 1, 2])
    t.fill(w[0])
    np.sum(t).backward()
    np.testing.assert_array_equal(w.grad, [6, 1, 2])


def test_names_of_other_libraries_are_no_attributes() -> None:
    w = leaf(2)
    assert not hasattr(w, "exp")
    assert not {"exp", "norm", "view"} & set(dir(w))
    assert {"sum", "grad", "dot", "T"} <= set(dir(w))


def test_a_format_is_for_one_number() -> None:
    assert f"{Tensor([1.2345]):.2f} {Tensor(2.0):>5} {Tensor([1.0, 2.0])}" == "1.23   2.0 Tensor([1., 2.])"


def test_leaves_are_pickled_and_copied_with_data_of_their_own() -> None:
    import pickle

    w = leaf(2, 2, name="w")
    assert w.T.shape == (2, 2)
    np.sum(w).backward()
    for twin in (pickle.loads(pickle.dumps(w)), copy.copy(w), copy.deepcopy(w)):
        assert (twin.name, twin.requires_grad) == ("w", True)
        np.testing.assert_array_equal(twin.data, w.data)
        np.testing.assert_array_equal(twin.grad, np.ones((2, 2)))
        assert not np.shares_memory(twin.data, w.data)
    assert not np.shares_memory(copy.deepcopy(w).grad, w.grad)
    with pytest.raises(RuntimeError, match="detach"):
        pickle.dumps(w * 2)
    number = Tensor(np.array([2.0, 3.0]))[1]  # which says that it is one
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        twin = pickle.loads(pickle.dumps(number.detach(), protocol))
        assert type(twin) is Tensor
        assert (twin.item(), twin.shape) == (3.0, ())


def test_integers_and_booleans_are_plain_where_arrays_are_needed() -> None:
    index = Tensor(np.array([1, 0]))
    assert np.arange(5.0)[index].tolist() == [1.0, 0.0]
    assert list(range(Tensor(np.array(2)))) == [0, 1]
    yes = Tensor(np.array([True, False]))
    assert (yes & ~yes).tolist() == [False, False]


def test_a_dtype_in_place_of_requires_grad_is_told() -> None:
    with pytest.raises(TypeError, match="requires_grad is <class 'numpy.float32'>.*dtype="):
        Tensor([1.0], np.float32)  # type: ignore[arg-type]


def test_an_operand_of_another_kind_is_told() -> None:
    with pytest.raises(TypeError, match="np.add"):
        leaf(2) + "a"


# What else an array can do


def test_flat_reads_writes_and_iterates_in_c_order() -> None:
    w = leaf(2, 3)
    for t in (w * 1, (w * 1).T):
        expected = t.data.copy()
        t.flat[1] = w[0, 0] * 5
        expected.flat[1] = w.data[0, 0] * 5
        t.flat[[2, 3]] = 7.0
        expected.flat[[2, 3]] = 7.0
        np.testing.assert_array_equal(t.data, expected)
        assert [v.item() for v in t.flat] == list(expected.flat)
        np.testing.assert_array_equal(t.flat[1:4].data, expected.flat[1:4])
        assert len(t.flat) == 6
        t.flat = [1.0, 2.0]  # over and over, as in NumPy
        expected.flat = [1.0, 2.0]
        np.testing.assert_array_equal(t.data, expected)
    y = w * 1
    y.flat[4] = w[0, 0] * 5
    np.sum(y).backward()
    np.testing.assert_array_equal(w.grad, [[6.0, 1.0, 1.0], [1.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    "call",
    [
        lambda a: a.compress([True, False, True], axis=1),
        lambda a: a.compress([False, True]),
        lambda a: a.argpartition(1, axis=0),
        lambda a: a[0].searchsorted(0.1),
        lambda a: (a.partition(1), a.put([0, -1], 9.0), a)[2],
        lambda a: (a.item(2), a.item(1, 2), a.item((0, 1)), a.itemsize, a.nbytes),
        lambda a: (a[0, 0] in a, 17.0 in a),
    ],
)
def test_methods_are_those_of_an_array(call: Any) -> None:
    array = np.random.default_rng(0).normal(size=(2, 3))
    got = call(Tensor(array) * 1)
    np.testing.assert_array_equal(getattr(got, "data", got), call(array.copy()))


def test_a_copy_as_objects_would_lose_the_gradient() -> None:
    with pytest.raises(TypeError, match="real numbers"):
        leaf(2).astype(object)


def test_a_comparison_of_shapes_that_do_not_fit_names_them() -> None:
    with pytest.raises(ValueError, match=r"comparing w of shape \(2,\) with ndarray of shape \(3,\)"):
        leaf(2, name="w") < np.ones(3)  # noqa: B015


def test_a_tensor_as_a_positional_option_is_refused() -> None:
    with pytest.raises(TypeError, match=r"np\.linalg\.norm: no derivative with respect to ord"):
        np.linalg.norm(leaf(3), leaf())  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "make", [lambda x: x, lambda x: x[0], lambda x: x[0, None], np.sum, lambda x: x @ x, lambda x: x[0] * 2, np.max]
)
def test_what_is_a_number_to_numpy_is_one_here(make: Any) -> None:
    array = np.array([1.0, 2.0])
    found = make(Tensor(array, requires_grad=True))
    assert np.isscalar(found) == np.isscalar(make(array))
    assert isinstance(found, Tensor)
    assert type(found) is Tensor


def test_a_number_that_grad_passes_is_one() -> None:
    assert grad(lambda x: 2.0 * x if np.isscalar(x) else 3.0 * x)(1.0) == 2.0
    assert grad(lambda x: np.sum(2.0 * x if np.isscalar(x) else 3.0 * x))(np.array([1.0]))[0] == 3.0
