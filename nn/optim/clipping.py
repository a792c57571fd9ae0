"""Gradients that are too large, made smaller before a step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd import Tensor
from nn import given
from nn.optim.optimizer import values_of


def clip_grad_norm(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Any:
    r"""Scale all gradients together so that their norm is at most `max_norm`; the norm before is returned.

    All elements of all gradients are one vector $g$, and each gradient is multiplied by
    $\min(1, \text{max\_norm} / (\|g\| + 10^{-6}))$, as in PyTorch. Parameters without a gradient count nothing.

    Args:
        parameters: Tensors, such as `model.parameters()`.
        max_norm: above 0.
        norm_type: 2, 1, any number above 0, or `np.inf` for the largest element.
        error_if_nonfinite: whether a norm that is infinite or NaN is an error; else it spoils all gradients.

    Raises:
        TypeError: `model.parameters` that was not called, or something that is no Tensor.
        ValueError: a `max_norm` or `norm_type` that is not above 0; a norm that is not finite, if that is an error.

    >>> w = Tensor([3.0, 4.0], requires_grad=True)
    >>> np.sum(w**2).backward()
    >>> norm = clip_grad_norm([w], 1.0)
    >>> round(float(norm), 6), w.grad.round(6)
    (10.0, array([0.6, 0.8]))
    """
    given.positive("clip_grad_norm: max_norm", max_norm)
    if not norm_type > 0:
        raise ValueError(f"clip_grad_norm: norm_type is {norm_type}; it must be above 0")
    held = _with_gradients(parameters, "clip_grad_norm")
    gradients = [values_of(parameter.grad) for parameter in held]
    norm = _norm(gradients, norm_type)
    if error_if_nonfinite and not np.isfinite(norm):
        raise ValueError(
            f"clip_grad_norm: the norm of all gradients is {norm}; autograd.detect_anomaly() says where it comes from"
        )
    factor = np.minimum(1.0, max_norm / (norm + 1e-6))
    for parameter, gradient in zip(held, gradients, strict=True):
        parameter.grad = gradient * factor.astype(gradient.dtype)
    return norm


def clip_grad_value(parameters: Iterable[Tensor] | Tensor, clip_value: float) -> None:
    r"""Clip every element of every gradient to $\pm$ `clip_value`.

    Raises:
        TypeError: `model.parameters` that was not called, or something that is no Tensor.
        ValueError: a `clip_value` that is not above 0.

    >>> w = Tensor([3.0, -0.1], requires_grad=True)
    >>> np.sum(w**2).backward()
    >>> clip_grad_value([w], 1.0)
    >>> w.grad
    array([ 1. , -0.2])
    """
    given.positive("clip_grad_value: clip_value", clip_value)
    for parameter in _with_gradients(parameters, "clip_grad_value"):
        parameter.grad = np.clip(values_of(parameter.grad), -clip_value, clip_value)


def _norm(gradients: list[Any], kind: float) -> Any:
    if not gradients:
        return np.zeros(())
    if np.isinf(kind):
        return np.max(np.stack([np.max(np.abs(g), initial=0) for g in gradients])) + np.zeros(())
    if kind == 2:
        return np.sqrt(sum((np.vdot(g, g).astype(np.float64) for g in gradients), np.zeros(())))
    return sum((np.sum(np.abs(g) ** kind).astype(np.float64) for g in gradients), np.zeros(())) ** (1 / kind)


def _with_gradients(parameters: Any, name: str) -> list[Tensor]:
    tensors = [parameters] if isinstance(parameters, Tensor) else list(given.named(parameters, name).values())
    return [tensor for tensor in tensors if tensor.grad is not None]
