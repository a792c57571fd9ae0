"""Data and outputs that cannot be right: told before anything is trained, or where a loss stopped being a number."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd import Tensor, detect_anomaly, no_grad
from autograd.arrays import fetched, is_foreign, is_lazy
from nn import functional, losses
from nn.layers import MLP, Sequential, Sigmoid, Softmax
from nn.module import Module
from nn.samples import in_file

_OF_LOGITS = (functional.cross_entropy, functional.binary_cross_entropy_with_logits)
_LOSSES_OF_LOGITS = (losses.CrossEntropyLoss, losses.BCEWithLogitsLoss)
_BINARY = (functional.binary_cross_entropy, functional.binary_cross_entropy_with_logits)
_LOSSES_OF_BINARY = (losses.BCELoss, losses.BCEWithLogitsLoss)


def check_numbers(arrays: tuple[Any, ...]) -> None:
    """TypeError for data that holds text, objects or the like."""
    for position, array in enumerate(arrays):
        dtype = getattr(array, "dtype", None)
        if dtype is not None and dtype.kind not in "fiub":
            cure = "labels are numbers by classes, y = np.unique(labels, return_inverse=True)"
            cure = cure if position else "X.astype(float) where all of it are numbers"
            raise TypeError(f"fit: array {position} of the data holds {dtype}, no real numbers: {cure}")


def check_finite(arrays: tuple[Any, ...]) -> None:
    """ValueError for a NaN or an infinity in data that is in memory; files and other libraries are not asked for it."""
    for position, array in enumerate(arrays):
        values = array.data if isinstance(array, Tensor) else array
        if in_file(values) or is_foreign(values):
            continue
        values = np.asarray(values)
        if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise ValueError(f"fit: array {position} of the data holds {values[at]} at {at}; nothing was trained")


def check_targets(loss: Callable[..., Any], target: Any) -> None:
    """ValueError for targets of a binary loss that are no probabilities; of a file they are not read."""
    if not (isinstance(loss, _LOSSES_OF_BINARY) or loss in _BINARY) or in_file(target):
        return
    values = np.asarray(target.data if isinstance(target, Tensor) else target)
    outside = (values < 0) | (values > 1)
    if np.any(outside):
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(f"fit: the target is {values[at]} at {at}; of a binary loss it is 0 or 1, or lies between")


def check_output(model: Any, loss: Callable[..., Any], batch: tuple[Any, ...]) -> None:
    """Warn of probabilities where a loss takes logits; shapes that do not fit are errors of the loss, raised here."""
    with no_grad():
        output = model(batch[0])
        if output is None or isinstance(output, (np.ndarray, np.generic)):
            cure = "return what it computes" if output is None else "leave out .data, .numpy() and .item()"
            raise TypeError(f"fit: the model gave {'an array' if output is not None else 'None'}: {cure} in forward()")
        value = loss(output, *batch[1:])
    if not isinstance(value, Tensor):
        raise TypeError(f"fit: the loss gave a {type(value).__name__}; it computes a Tensor from the model's output")
    if value.size != 1:
        raise ValueError(f"fit: the loss has {value.ndim} axes; reduce it to one number, as by np.mean")
    if not (isinstance(loss, _LOSSES_OF_LOGITS) or loss in _OF_LOGITS):
        return
    if isinstance(_last(model), (Sigmoid, Softmax)) or _rows_of_probabilities(output):
        warnings.warn(
            "fit: the model's outputs look like probabilities, and this loss applies the softmax or sigmoid itself: "
            "leave it out of the model",
            stacklevel=4,
        )


def _rows_of_probabilities(output: Any) -> bool:
    if is_foreign(output):  # nothing is computed, or moved, to see
        return False
    values = np.asarray(output.data if isinstance(output, Tensor) else output)
    rows = values.ndim > 1 and values.shape[-1] > 1 and np.all(values >= 0)
    return bool(rows and np.allclose(values.sum(axis=-1), 1, atol=1e-4))


def _last(model: Any) -> Any:
    """The module that gives the model's output, where that is plain to see."""
    if isinstance(model, Sequential) and len(model):
        return _last(model[-1])
    return model.output_activation if isinstance(model, MLP) else model


def where_it_began(model: Any, loss: Callable[..., Any], batch: tuple[Any, ...], losses_before: list[float]) -> str:
    """In words: the operation that first gives what is not finite, of weights from the beginning of the epoch."""
    for position, array in enumerate(batch):
        values = array if is_foreign(array) else np.asarray(array)
        if values.dtype.kind == "f" and not fetched(np.all(np.isfinite(values))):
            return f"array {position} of this batch holds what is not finite"
    try:
        with np.errstate(all="ignore"), detect_anomaly():
            loss(model(batch[0]), *batch[1:]).sum().backward()
    except FloatingPointError as error:
        return f"{str(error).rstrip('.')}{_labels_in_chunks(batch)}{_grown(losses_before)}"
    finally:
        if isinstance(model, Module):
            model.zero_grad()
    return f"with the weights from before this epoch all of it is finite{_grown(losses_before)}"


def _labels_in_chunks(batch: tuple[Any, ...]) -> str:
    """From where to where they go: a loss that does not see them is NaN where one is no class."""
    labels = [target for target in batch[1:] if is_lazy(target) and target.dtype.kind in "iu"]
    ends = [fetched({"least": np.min(each), "largest": np.max(each)}) for each in labels]
    return "".join(f"; the labels of this batch go from {end['least']} to {end['largest']}" for end in ends)


def _grown(losses: list[float]) -> str:
    """What the losses before say of it."""
    if len(losses) > 1 and losses[-1] > 10 * losses[0]:
        return f"; the loss had grown from {losses[0]:.4g} to {losses[-1]:.4g}: take a smaller lr, or clip_norm=1.0"
    return ""
