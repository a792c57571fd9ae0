"""Vectors for words: a row of a table for each index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd.arrays import is_lazy, of_kind
from nn import given, init
from nn.module import Module
from nn.parameter import Parameter


class Embedding(Module):
    """Row i of a table for each index i: integers of any shape become vectors.

    Args:
        num_embeddings: the number of rows: indices go from 0 to one less.
        embedding_dim: the length of a row.
        padding_idx: an index whose row starts as zeros and gets no gradient.
        rng: a `np.random.Generator`, a `RandomState` or a seed; None for fresh entropy.
        dtype: of the table.

    Attributes:
        weight: Parameter of shape (num_embeddings, embedding_dim), normal with variance 1 at first.

    Raises:
        ValueError: a size below 1, a `padding_idx` or an index that is no row.
        TypeError: indices that are no integers.

    Of indices in chunks, as Dask's, the rows are products with one-hot rows, which take `num_embeddings` numbers an
    index; an index that is no row gives NaN.

    >>> import numpy as np
    >>> Embedding(10, 3, rng=0)(np.array([[1, 2], [9, 0]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.num_embeddings = given.size("Embedding: num_embeddings", num_embeddings)
        self.embedding_dim = given.size("Embedding: embedding_dim", embedding_dim)
        table = init.normal((num_embeddings, embedding_dim), rng=rng, dtype=dtype)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"Embedding: padding_idx is {padding_idx}, of {num_embeddings} rows")
            padding_idx %= num_embeddings
            table[padding_idx] = 0
        self.padding_idx = padding_idx
        self.weight = Parameter(table)

    def forward(self, indices: Any) -> Any:
        indices = indices if hasattr(indices, "dtype") else np.array(indices)
        if indices.dtype.kind not in "iu":
            raise TypeError(f"{self._title()} takes integers, from 0 to {self.num_embeddings - 1}, not {indices.dtype}")
        if is_lazy(indices):
            return self._in_chunks(indices)
        if indices.size and (np.min(indices) < 0 or np.max(indices) >= self.num_embeddings):
            lowest, highest = np.min(indices), np.max(indices)
            raise ValueError(
                f"{self._title()}: indices go from {lowest} to {highest}; with {self.num_embeddings} rows they lie "
                f"between 0 and {self.num_embeddings - 1}"
            )
        return self._padded(self.weight[indices], indices)

    def _in_chunks(self, indices: Any) -> Any:
        chosen = np.equal(indices[..., None], of_kind(np.arange(self.num_embeddings), indices))
        rows = chosen.astype(self.weight.dtype) @ self.weight
        return self._padded(np.where(np.any(chosen, axis=-1, keepdims=True), rows, np.nan), indices)

    def _padded(self, rows: Any, indices: Any) -> Any:
        if self.padding_idx is None:
            return rows
        return np.where((indices == self.padding_idx)[..., None], rows.detach(), rows)
