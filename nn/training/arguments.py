"""What `fit` is given, checked and brought into one form before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.arrays import is_foreign
from nn import given, init
from nn import state as states
from nn.batches import MiniBatches
from nn.module import Module
from nn.optim import Adam, LambdaLR, Optimizer
from nn.prediction import dtype_of
from nn.samples import as_dtype, chunk_lengths, data_of, in_file, part, take
from nn.splitting import positions
from nn.training import diagnosis


def data_and_validation(
    model: Module, data: Any, validation: Any, batch_size: int | None, rng: init.Generator
) -> tuple[Iterable[Any], tuple[Any, ...] | None]:
    """The batches, and the data for validation."""
    held_out = None
    if isinstance(data, MiniBatches):
        batches: Any = data
        diagnosis.check_finite(data.arrays)
    elif isinstance(data, tuple) and len(data) >= 2:
        arrays = _arrays(data, dtype_of(model))
        if isinstance(validation, float):
            training, kept = positions(_count(arrays), validation, rng=rng)
            held_out = part(arrays[0], kept), *(as_dtype(take(a, kept), dtype_of(model)) for a in arrays[1:])
            arrays = tuple(part(array, training) for array in arrays)
        size = max(chunk_lengths("fit", arrays), default=32) if batch_size is None else batch_size
        batches = MiniBatches(*arrays, batch_size=given.size("fit: batch_size", size), rng=rng)
    elif isinstance(data, Iterable) and not isinstance(data, (np.ndarray, Tensor)) and not is_foreign(data):
        batches = data
    else:
        raise TypeError(
            f"fit takes the data as (X, y), or nn.MiniBatches(X, y, batch_size=32), not {type(data).__name__}"
        )
    if isinstance(validation, float) and held_out is None:
        raise TypeError("fit: validation is a share only where data are arrays; give it as (X, y)")
    if validation is not None and held_out is None:
        if not isinstance(validation, (tuple, list)) or len(validation) < 2:
            raise TypeError(f"fit: validation is (X, y) or a share such as 0.2, not {type(validation).__name__}")
        held_out = _arrays(validation, dtype_of(model))
    return batches, held_out


def _arrays(data: Sequence[Any], dtype: Any) -> tuple[Any, ...]:
    arrays = tuple(map(data_of, data))
    diagnosis.check_numbers(arrays)
    if any(not np.shape(array) or not len(array) for array in arrays):
        raise ValueError(f"fit: arrays of the shapes {', '.join(str(np.shape(a)) for a in arrays)} hold no samples")
    diagnosis.check_finite(arrays)
    return tuple(a if in_file(a) else as_dtype(a, dtype) for a in arrays)


def _count(arrays: Sequence[Any]) -> int:
    """How many samples there are to split, or chunks."""
    if chunks := chunk_lengths("fit", arrays):
        return len(chunks)
    shapes = [np.shape(array) for array in arrays]
    if len({shape[0] for shape in shapes}) > 1 or shapes[0][0] < 2:
        raise ValueError(f"fit: the shapes {', '.join(map(str, shapes))} need one length along axis 0, at least 2")
    return int(shapes[0][0])


def whether_compiled(wanted: bool | None, batches: Iterable[Any]) -> bool:
    """Whether steps are compiled."""
    arrays = batches.arrays if isinstance(batches, MiniBatches) else ()
    others = [array for array in arrays if is_foreign(array)]
    if wanted and others:
        raise TypeError(
            f"fit: compile=True with an array of {type(others[0]).__module__.partition('.')[0]}'s: a compiled step "
            "writes into NumPy's memory, and these have their own, or none before they are computed. Leave compile out"
        )
    return not others if wanted is None else wanted


def optimizer_for(model: Module, optimizer: Any) -> Optimizer:
    """The optimiser, made of the model's parameters where it is what makes one."""
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("fit: the model has no parameters to train; requires_grad_() unfreezes them")
    made = Adam(model.parameters()) if optimizer is None else optimizer
    made = made if isinstance(made, Optimizer) or not callable(made) else made(model.parameters())
    if not isinstance(made, Optimizer):
        raise TypeError(f"fit: optimizer is {made!r}; it is one of nn.optim, such as nn.optim.Adam(model.parameters())")
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for parameter in made.parameters):
        raise ValueError("fit: the optimiser has none of the model's parameters: it was made for another model")
    return made


def named_metrics(metrics: Any) -> dict[str, Callable[..., Any]]:
    """Metrics by their names."""
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise TypeError(f"fit: metrics is {metrics!r}; give a list, such as [nn.metrics.accuracy], or a dictionary")
    named = dict(metrics) if isinstance(metrics, Mapping) else {getattr(m, "__name__", str(m)): m for m in metrics}
    for name, metric in named.items():
        if not callable(metric):
            raise TypeError(f"fit: the metric {name} is {metric!r}; it is a function, such as nn.metrics.r2")
    return named


def watched(monitor: str | None, patience: int | None, validated: bool, metrics: Mapping[str, Any]) -> str | None:
    """The name of the number by which the best epoch is known."""
    if monitor is None and patience is None:
        return None
    if patience is not None:
        given.size("fit: patience", patience)
    start = "val_" if validated else ""
    known = ["loss", *(["val_loss"] if validated else []), *(f"{start}{name}" for name in metrics)]
    name = monitor or f"{start}loss"
    if name not in known:
        raise ValueError(f"fit: monitor is {name!r}; the history has {', '.join(known)}")
    return name


def schedule_of(optimizer: Optimizer, schedule: Any) -> LambdaLR | None:
    """The schedule, made of the optimiser where it is what makes one."""
    if isinstance(schedule, type):
        name = schedule.__name__
        raise TypeError(f"fit: schedule is the class {name}; give one, nn.optim.{name}(optimizer, ...)")
    made = schedule(optimizer) if callable(schedule) and not isinstance(schedule, LambdaLR) else schedule
    if made is not None and not isinstance(made, LambdaLR):
        raise TypeError(f"fit: schedule is {made!r}; it is one of nn.optim, or makes one of the optimiser")
    return made


def check_checkpoint(checkpoint: states.Path | None, resume: bool) -> None:
    """ValueError and FileNotFoundError where there is no file to write, or none is named to go on from."""
    if checkpoint is None:
        if resume:
            raise ValueError("fit: resume=True goes on from a file: give checkpoint= too")
        return
    folder = os.path.dirname(os.path.abspath(os.fspath(checkpoint)))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"fit: checkpoint is {os.fspath(checkpoint)}, and there is no folder {folder}")
