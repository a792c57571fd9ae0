"""Attention: each position asks all others, and takes of their values by how well they answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from nn import init
from nn.functional.activations import dropout, softmax


def attention_weights(query: Any, key: Any, attn_mask: Any = None, is_causal: bool = False) -> Any:
    r"""$\operatorname{softmax}(Q K^\top / \sqrt d)$, of shape (..., L, S); see `scaled_dot_product_attention`.

    >>> attention_weights(np.zeros((1, 2)), np.zeros((4, 2)))
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    shape, other = np.shape(query), np.shape(key)
    if len(shape) < 2 or len(other) < 2 or shape[-1] != other[-1]:
        raise ValueError(f"attention: query is {shape}, key is {other}. They have the shapes (..., L, d), (..., S, d)")
    scores = query @ np.swapaxes(key, -1, -2) * (1 / shape[-1] ** 0.5)
    if is_causal:
        if attn_mask is not None:
            raise ValueError("attention: is_causal is a mask of its own; give only one of the two")
        attn_mask = np.tri(shape[-2], other[-2], dtype=bool)
    if attn_mask is None:
        return softmax(scores)
    mask = attn_mask if hasattr(attn_mask, "dtype") else np.array(attn_mask)
    if mask.dtype != bool:
        return softmax(scores + mask)
    hidden = np.array(np.finfo(scores.dtype).min / 2, scores.dtype)
    return np.where(mask, softmax(np.where(mask, scores, hidden)), np.zeros((), scores.dtype))


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    rng: init.Rng = None,
) -> Any:
    r"""$\operatorname{softmax}(Q K^\top / \sqrt d) \, V$.

    Args:
        query: (..., L, d).
        key: (..., S, d).
        value: (..., S, e).
        attn_mask: broadcasts to (..., L, S). Booleans: True where a position may be looked at; where none may, the
            output is 0. Floats are added to the scores.
        dropout_p: the probability with which a weight is set to 0, for training.
        is_causal: whether a position looks at itself and at what is before it alone.
        rng: for the dropout.

    Returns:
        (..., L, e).

    Raises:
        ValueError: shapes that do not fit, or a mask beside `is_causal`.

    Vaswani et al., "Attention is all you need" (2017).

    >>> q = np.zeros((2, 1))
    >>> scaled_dot_product_attention(q, q, np.array([[1.0], [3.0]]), is_causal=True)
    array([[1.],
           [2.]])
    """
    if np.shape(value)[-2:-1] != np.shape(key)[-2:-1]:
        raise ValueError(f"attention: key is {np.shape(key)}, value is {np.shape(value)}; both are of S positions")
    weights = attention_weights(query, key, attn_mask, is_causal)
    return dropout(weights, dropout_p, dropout_p > 0, rng=rng) @ value
