"""Mini-batches: the samples of an epoch in small groups, in an order that an explicit generator draws.

An order is called with the number of samples and a generator, and iterates over one array of positions an epoch, for
ever: `in_order`, `shuffled` and `shuffled_in_place` do, and so does any class or generator function that is written
like them. With a class, mini-batches can be copied and pickled, and go on in both where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from nn import given, init
from nn.samples import chunk_lengths, kept, take

Order = Callable[[int, init.Generator], Iterator[init.Array]]


class _Epochs(Iterator[init.Array]):
    """An order as an object and not as a generator, which Python cannot copy or pickle."""

    def __init__(self, n: int, rng: init.Generator) -> None:
        self.n, self.rng = n, rng


class in_order(_Epochs):  # noqa: N801
    """0, 1, ... n - 1, every epoch; draws nothing.

    >>> next(in_order(4, np.random.default_rng(0)))
    array([0, 1, 2, 3])
    """

    def __next__(self) -> init.Array:
        return np.arange(self.n)


class shuffled(_Epochs):  # noqa: N801
    """A new permutation every epoch.

    >>> next(shuffled(4, np.random.default_rng(0)))
    array([2, 0, 1, 3])
    """

    def __next__(self) -> init.Array:
        return self.rng.permutation(self.n)


class shuffled_in_place(_Epochs):  # noqa: N801
    """What a program draws that keeps an index and its data, and every epoch shuffles both where they are.

    That is `rng.shuffle(index)` and then `X = X[index]`: this epoch's shuffle of the index, which has
    those of all epochs before in it, goes on top of the order that the data has from them.

    >>> index, X = np.arange(4), np.arange(4)
    >>> orders, rng = shuffled_in_place(4, np.random.RandomState(0)), np.random.RandomState(0)
    >>> for _ in range(3):
    ...     rng.shuffle(index)
    ...     X = X[index]
    ...     assert list(next(orders)) == list(X)
    """

    def __init__(self, n: int, rng: init.Generator) -> None:
        super().__init__(n, rng)
        self._index, self._rows = np.arange(n), np.arange(n)

    def __next__(self) -> init.Array:
        self.rng.shuffle(self._index)
        self._rows = self._rows[self._index]
        return self._rows


class MiniBatches:
    """An iterator over an epoch in mini-batches; the next `for` is the next epoch, in the next order.

    Args:
        arrays: the data, sample by sample beside each other: arrays or Tensors with as many samples each. Of a
            memory-mapped file the rows of a batch are read, and no others. Arrays in chunks, as Dask's, are chunked
            alike along the samples: a batch is then a graph of tasks, and whole chunks are not computed to make it.
        batch_size: samples a batch; the last one of an epoch holds what is left. Of chunks a batch is as many whole
            ones as it has place for. Where it is smaller than a chunk, a batch is a part of one, and the last part of
            each holds what is left; the chunk is read once, and held where it was computed until the next.
        shuffle: True for `shuffled`, False for `in_order`, or another order. It is that of chunks where there are
            such, and that of the samples inside of each where batches are parts of chunks.
        rng: a `np.random.Generator`, a legacy `RandomState` or a seed; None for fresh entropy.
        drop_last: leave out a last batch that is not full.
        axis: along which the samples lie: 0 where rows are samples, 1 where columns are.

    Raises:
        ValueError: arrays of different numbers of samples, or none; a size below 1; no full batch to give; arrays that
            are not chunked alike.
        TypeError: no arrays; arrays in chunks beside others; a size that is no integer; an `rng` that is none.

    >>> X, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> epoch = MiniBatches(X, y, batch_size=2, rng=0)
    >>> len(epoch)
    3
    >>> for x, labels in epoch:
    ...     print(x.shape, labels)
    (2, 2) [2 4]
    (2, 2) [3 0]
    (1, 2) [1]
    """

    def __init__(
        self,
        *arrays: Any,
        batch_size: int,
        shuffle: bool | Order = True,
        rng: init.Rng = None,
        drop_last: bool = False,
        axis: int = 0,
    ) -> None:
        if not arrays:
            raise TypeError("MiniBatches takes arrays first: MiniBatches(X, y, batch_size=32)")
        for array in arrays:
            if isinstance(array, tuple):
                raise TypeError("MiniBatches takes arrays one by one: MiniBatches(X, y, batch_size=32)")
        self.arrays = arrays
        self.axis, self.drop_last = axis, drop_last
        self.batch_size = given.size("MiniBatches: batch_size", batch_size)
        shapes = [np.shape(array) for array in arrays]
        if any(not -len(shape) <= axis < len(shape) for shape in shapes):
            raise ValueError(f"MiniBatches: the shapes {_listed(shapes)} have no axis {axis} of samples")
        self.chunks = chunk_lengths("MiniBatches", arrays, axis)
        counts = {shape[axis] for shape in shapes}
        if len(counts) > 1 or 0 in counts:
            raise ValueError(f"MiniBatches: the shapes {_listed(shapes)} need one length along axis {axis}, above 0")
        self.samples = int(counts.pop())
        # What is put in order and cut into batches: samples, chunks, or the samples of each chunk.
        largest = max(self.chunks, default=0)
        self._in_parts = self.batch_size < largest
        self._size = self.batch_size // largest if self.chunks and not self._in_parts else self.batch_size
        units = len(self.chunks) or self.samples
        self._cut = self.chunks if self._in_parts else (units,)
        if not len(self):
            raise ValueError(f"MiniBatches: batch_size is {batch_size}, of {self.samples} samples")
        self._order = shuffle if callable(shuffle) else shuffled if shuffle else in_order
        self._rng = init.generator(rng)
        self._orders = self._order(units, self._rng)

    def __getstate__(self) -> dict[str, Any]:
        self.order()
        return vars(self).copy()

    def order(self) -> Iterator[init.Array]:
        """The object that draws the order of each epoch, with all that it remembers.

        Raises:
            TypeError: it is a generator of Python's, which can neither be copied nor stored.
        """
        if isinstance(self._orders, Generator):
            name = getattr(self._orders, "__name__", "")
            raise TypeError(
                f"the order of these MiniBatches is the generator {name}, which Python can neither copy nor pickle: "
                "write it as a class with __next__, as nn.batches.shuffled is"
            )
        return self._orders

    def __len__(self) -> int:
        """The number of batches an epoch."""
        return sum(map(self._count, self._cut))

    def _count(self, length: int) -> int:
        full, rest = divmod(length, self._size)
        return full + bool(rest and not self.drop_last)

    def __repr__(self) -> str:
        return f"MiniBatches({self.samples} samples, batch_size={self.batch_size}, {len(self)} batches an epoch)"

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        order = next(self._orders)
        return self._batches(order)

    def _batches(self, order: init.Array) -> Iterator[tuple[Any, ...]]:
        if not self._in_parts:
            yield from map(self.at, self._pieces(order))
            return
        for k in order:
            chunk, rows = kept(self.at([k])), next(self._order(self.chunks[k], self._rng))
            for chosen in self._pieces(rows):
                yield tuple(np.take(array, chosen, axis=self.axis) for array in chunk)

    def _pieces(self, order: init.Array) -> Iterator[init.Array]:
        for start in range(0, self._count(len(order)) * self._size, self._size):
            yield order[start : start + self._size]

    def at(self, chosen: Any) -> tuple[Any, ...]:
        """The samples at these positions, or the chunks at these, as a batch."""
        return tuple(take(array, chosen, self.axis) for array in self.arrays)


def _listed(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))
