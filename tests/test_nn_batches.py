"""Mini-batches: every sample once an epoch, in an order that the generator decides."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd import Tensor
from nn import MiniBatches, batches


def positions(source: MiniBatches) -> list[int]:
    return [int(i) for (batch,) in source for i in batch]


@given(n=st.integers(1, 40), size=st.integers(1, 45), shuffle=st.booleans(), seed=st.integers(0, 99))
def test_an_epoch_has_every_sample_once(n: int, size: int, shuffle: bool, seed: int) -> None:
    source = MiniBatches(np.arange(n), batch_size=size, shuffle=shuffle, rng=seed)
    for _ in range(2):
        parts = [batch for (batch,) in source]
        assert len(parts) == len(source)
        assert all(len(part) == size for part in parts[:-1])
        assert sorted(np.concatenate(parts)) == list(range(n))


@given(n=st.integers(1, 40), size=st.integers(1, 40))
def test_drop_last_gives_full_batches_only(n: int, size: int) -> None:
    if size > n:
        with pytest.raises(ValueError, match=f"batch_size is {size}, of {n} samples"):
            MiniBatches(np.arange(n), batch_size=size, drop_last=True)
        return
    source = MiniBatches(np.arange(n), batch_size=size, drop_last=True, rng=0)
    assert [len(batch) for (batch,) in source] == [size] * (n // size) == [size] * len(source)


def test_arrays_stay_beside_each_other() -> None:
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    for x, labels in MiniBatches(X, y, batch_size=3, rng=0):
        np.testing.assert_array_equal(x, X[labels])


def test_samples_may_be_columns() -> None:
    X, y = np.arange(20.0).reshape(2, 10), np.arange(10)[None]
    for x, labels in MiniBatches(X, y, batch_size=3, axis=1, rng=0):
        assert x.shape == (2, labels.shape[1])
        np.testing.assert_array_equal(x, X[:, labels[0]])


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_an_order_is_what_its_generator_draws(make: Any) -> None:
    source = MiniBatches(np.arange(10), batch_size=4, rng=make(7))
    expected = make(7)
    for _ in range(3):
        assert positions(source) == list(expected.permutation(10))


def test_a_seed_gives_the_same_epochs_and_each_another_order() -> None:
    one, other = (MiniBatches(np.arange(50), batch_size=8, rng=1) for _ in range(2))
    first = positions(one)
    assert first == positions(other)
    assert positions(one) == positions(other) != first


def test_without_shuffling_the_order_is_that_of_the_data_and_nothing_is_drawn() -> None:
    rng = np.random.default_rng(0)
    source = MiniBatches(np.arange(10), batch_size=4, shuffle=False, rng=rng)
    assert positions(source) == positions(source) == list(range(10))
    assert rng.normal() == np.random.default_rng(0).normal()


def test_shuffling_in_place_is_that_of_a_list_and_its_data() -> None:
    """The published program: `random.shuffle(I)` of a list, then `XX = XX[I]`, every epoch."""
    rng, index, data = np.random.RandomState(114514), list(range(400)), np.arange(400)
    source = MiniBatches(data, batch_size=32, shuffle=batches.shuffled_in_place, rng=np.random.RandomState(114514))
    for _ in range(5):
        rng.shuffle(index)
        data = data[index]
        assert positions(source) == list(data)


def test_an_order_of_ones_own() -> None:
    def backwards(n: int, rng: Any) -> Any:
        while True:
            yield np.arange(n)[::-1]

    assert positions(MiniBatches(np.arange(5), batch_size=2, shuffle=backwards)) == [4, 3, 2, 1, 0]


def test_tensors_are_recorded() -> None:
    x = Tensor(np.arange(6.0), requires_grad=True)
    for (batch,) in MiniBatches(x, batch_size=4, rng=0):
        np.sum(batch**2).backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)


def test_the_data_is_not_touched() -> None:
    X = np.arange(10)
    positions(MiniBatches(X, batch_size=3, shuffle=batches.shuffled_in_place, rng=0))
    np.testing.assert_array_equal(X, np.arange(10))


@pytest.mark.parametrize(
    ("arrays", "options", "kind", "told"),
    [
        ([], {"batch_size": 2}, TypeError, "takes arrays first"),
        ([(5, 2), (4,)], {"batch_size": 2}, ValueError, r"\(5, 2\), \(4,\) need one length along axis 0"),
        ([(0, 2)], {"batch_size": 2}, ValueError, r"\(0, 2\) need one length along axis 0, above 0"),
        ([(5, 2), (5,)], {"batch_size": 2, "axis": 1}, ValueError, r"\(5, 2\), \(5,\) have no axis 1 of samples"),
        ([()], {"batch_size": 2}, ValueError, "have no axis 0 of samples"),
        ([(5,)], {"batch_size": 0}, ValueError, "batch_size is 0; it must be at least 1"),
        ([(5,)], {"batch_size": 2.5}, TypeError, "batch_size is 2.5; it must be an integer"),
        ([(5,)], {"batch_size": 2, "rng": "seed"}, TypeError, "rng is a np.random.Generator"),
    ],
)
def test_bad_arguments_are_refused(arrays: Any, options: Any, kind: Any, told: str) -> None:
    with pytest.raises(kind, match=told):
        MiniBatches(*(np.zeros(shape) for shape in arrays), **options)


@pytest.mark.parametrize("shuffle", [True, False, batches.shuffled_in_place])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda batches: pickle.loads(pickle.dumps(batches))])
def test_copies_and_pickles_go_on_where_they_were(again: Any, shuffle: Any) -> None:
    source = MiniBatches(np.arange(7), batch_size=3, shuffle=shuffle, rng=0)
    list(source)
    copied = again(source)
    for _ in range(2):
        for (own,), (other,) in zip(source, copied, strict=True):
            np.testing.assert_array_equal(own, other)


def test_an_order_that_is_a_generator_cannot_be_copied_and_says_so() -> None:
    def reversed_order(n: int, rng: Any) -> Iterator[Any]:
        while True:
            yield np.arange(n)[::-1]

    source = MiniBatches(np.arange(4), batch_size=2, shuffle=reversed_order)
    assert next(iter(source))[0].tolist() == [3, 2]
    with pytest.raises(TypeError, match=r"generator reversed_order.*class with __next__"):
        copy.deepcopy(source)
