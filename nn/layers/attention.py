"""Attention with several heads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nn import functional, given, init
from nn.layers.linear import Linear
from nn.module import Module


class MultiheadAttention(Module):
    """Attention in several heads side by side, each on a part of the features; see `scaled_dot_product_attention`.

    Args:
        embed_dim: the length of a position's vector.
        num_heads: a divisor of it.
        dropout: the probability with which a weight is set to 0 in training.
        bias: whether the four linear maps have one.
        batch_first: whether inputs are (n, length, embed) instead of (length, n, embed).
        rng: a `np.random.Generator`, a `RandomState` or a seed; None for fresh entropy.
        dtype: of the parameters.

    Attributes:
        q_proj, k_proj, v_proj, out_proj: `Linear`.

    Raises:
        ValueError: sizes out of range, or heads that do not divide; in a call, shapes that do not fit.

    A call takes query, key and value, and an `attn_mask` (L, S) that is True where a position is *not* looked at, as in
    PyTorch, or floats that are added. It gives the output and the weights, (n, L, S), as means over the heads.

    >>> x = np.ones((5, 2, 8))
    >>> output, weights = MultiheadAttention(8, 2, rng=0)(x, x, x)
    >>> output.shape, weights.shape
    ((5, 2, 8), (2, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.embed_dim = given.size("MultiheadAttention: embed_dim", embed_dim)
        self.num_heads = given.size("MultiheadAttention: num_heads", num_heads)
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: {num_heads} heads do not divide embed_dim, {embed_dim}")
        self.dropout = given.probability("MultiheadAttention: dropout", dropout)
        self.batch_first = given.switch("MultiheadAttention: batch_first", batch_first)
        self.rng = init.generator(rng)
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            Linear(embed_dim, embed_dim, bias, rng=self.rng, dtype=dtype) for _ in range(4)
        )

    def forward(self, query: Any, key: Any, value: Any, attn_mask: Any = None) -> tuple[Any, Any]:
        if {np.ndim(query), np.ndim(key), np.ndim(value)} != {3}:
            shapes = ", ".join(str(np.shape(each)) for each in (query, key, value))
            raise ValueError(
                f"{self._title()}: inputs are {shapes}; each has three axes, with {self.embed_dim} features"
            )
        q, k, v = self._split(self.q_proj(query)), self._split(self.k_proj(key)), self._split(self.v_proj(value))
        mask = attn_mask if attn_mask is None or hasattr(attn_mask, "dtype") else np.array(attn_mask)
        if mask is not None and mask.dtype == bool:
            mask = np.logical_not(mask)
        weights = functional.attention_weights(q, k, mask)
        y = functional.dropout(weights, self.dropout, self.training, rng=self.rng) @ v
        y = np.transpose(y, (0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3))
        y = np.reshape(y, (*np.shape(y)[:2], self.embed_dim))
        return self.out_proj(y), np.mean(weights, axis=1)

    def _split(self, x: Any) -> Any:
        """(n, heads, length, features of a head)."""
        x = np.reshape(x, (*np.shape(x)[:2], self.num_heads, self.embed_dim // self.num_heads))
        return np.transpose(x, (0, 2, 1, 3) if self.batch_first else (1, 2, 0, 3))
