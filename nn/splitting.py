"""Samples in two parts: to train with, and to test."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import init
from nn.samples import chunk_lengths, take


def split(*arrays: Any, test_size: float = 0.25, stratify: Any = None, rng: init.Rng = None) -> list[Any]:
    """Each array in two parts, with the same samples: `X_train, X_test, y_train, y_test = nn.split(X, y, rng=0)`.

    Args:
        arrays: with as many samples each, along axis 0. Arrays in chunks, as Dask's, are split by whole chunks.
        test_size: the share of samples (or chunks) in the second part, between 0 and 1; at least one is in each.
        stratify: labels, one a sample: each has its share in both parts, as nearly as whole samples allow.
        rng: a `np.random.Generator`, a legacy `RandomState` or a seed; None for fresh entropy.

    Returns:
        For each array its part to train with and its part to test, which are copies, or chunks.

    Raises:
        TypeError: no arrays, or a number among them.
        ValueError: arrays of different numbers of samples, fewer than two, or a share that is none; arrays in one
            chunk, or not chunked alike; labels to stratify chunks by.

    >>> X, y = np.arange(8.0).reshape(8, 1), np.array([0, 0, 0, 0, 0, 0, 1, 1])
    >>> X_train, X_test, y_train, y_test = split(X, y, test_size=0.5, stratify=y, rng=0)
    >>> np.bincount(y_train), np.bincount(y_test)
    (array([3, 1]), array([3, 1]))
    """
    if not arrays:
        raise TypeError("split takes arrays first: nn.split(X, y, test_size=0.25)")
    for array in arrays:
        if not np.ndim(array):
            raise TypeError(f"split takes arrays, and got {array!r} beside them: give test_size= by its name")
    if stratify is not None and not np.ndim(stratify):
        raise TypeError(f"split: stratify is {stratify!r}; it takes the labels, as in split(X, y, stratify=y)")
    shapes = [np.shape(array) for array in (*arrays, *([] if stratify is None else [stratify]))]
    counts = {shape[0] if shape else 0 for shape in shapes}
    if len(counts) > 1 or min(counts) < 2:
        raise ValueError(f"split: the shapes {', '.join(map(str, shapes))} need one length along axis 0, at least 2")
    chunks = chunk_lengths("split", arrays)
    if chunks and stratify is not None:
        raise ValueError("split: data in chunks is split by whole ones, and stratify= would look at their labels")
    chosen = positions(len(chunks) or counts.pop(), test_size, stratify, rng)
    return [take(array, part) for array in arrays for part in chosen]


def positions(n: int, test_size: float, stratify: Any = None, rng: init.Rng = None) -> tuple[init.Array, init.Array]:
    """The positions of n samples in two parts, in order; arguments and errors are those of `split`.

    >>> positions(5, 0.4, rng=0)
    (array([0, 1, 3]), array([2, 4]))
    """
    if n < 2:
        raise ValueError("split: the data is one chunk, and is split by whole ones: X.rechunk({0: 1000}) makes more")
    if not 0 < test_size < 1:
        raise ValueError(f"split: test_size is {test_size}; it is a share, between 0 and 1")
    generator = init.generator(rng)
    wanted = min(max(round(n * test_size), 1), n - 1)
    order = generator.permutation(n)
    if stratify is not None:
        order = _stratified(order, np.asarray(stratify), wanted)
    return np.sort(order[wanted:]), np.sort(order[:wanted])


def _stratified(order: init.Array, labels: init.Array, wanted: int) -> init.Array:
    """The order with samples in front such that each label has its share among the first `wanted`."""
    _, kinds, counts = np.unique(labels[order], return_inverse=True, return_counts=True, axis=0)
    shares = counts * (wanted / len(order))
    taken = np.floor(shares).astype(int)
    largest_rests = np.argsort(taken - shares, kind="stable")
    taken[largest_rests[: wanted - int(np.sum(taken))]] += 1
    rank = np.empty(len(order), int)  # of a sample among those of its label
    for kind in range(len(counts)):
        where = np.flatnonzero(kinds.ravel() == kind)
        rank[where] = np.arange(len(where))
    return order[np.argsort(rank >= taken[kinds.ravel()], kind="stable")]
