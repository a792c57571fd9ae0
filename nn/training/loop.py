"""`fit`: the loop over epochs and batches, with what everybody writes around it."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import autograd
from autograd.arrays import is_foreign
from nn import given, init
from nn import state as states
from nn.batches import MiniBatches
from nn.module import Module
from nn.optim import LambdaLR, OneCycleLR, Optimizer, clip_grad_norm
from nn.prediction import dtype_of
from nn.samples import as_dtype
from nn.training import arguments, diagnosis
from nn.training.history import History
from nn.training.run import Run

Loss = Callable[..., Any]
Metrics = Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]]


def fit(
    model: Module,
    data: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | Callable[..., Optimizer] | None = None,
    epochs: int = 10,
    batch_size: int | None = None,
    validation: Any = None,
    metrics: Metrics = (),
    schedule: LambdaLR | Callable[[Optimizer], LambdaLR] | None = None,
    callbacks: Sequence[Callable[[Run], Any]] = (),
    patience: int | None = None,
    monitor: str | None = None,
    clip_norm: float | None = None,
    checkpoint: states.Path | None = None,
    resume: bool = False,
    rng: init.Rng = None,
    compile: bool | None = None,
    progress: bool = True,
) -> History:
    """Train a model, and return what the training was like.

    Before anything is trained the data, the shapes and all settings are checked. Ctrl-C ends the training and keeps
    what was learned. An error in a step ends it with the weights of the beginning of that epoch; that of a loss that
    is not finite says where it began. Afterwards the model is in `eval()`, ready to predict.

    Args:
        model: a Module.
        data: `(X, y)`, arrays with as many samples each (more than two go to the loss); or `MiniBatches`. Of arrays in
            chunks, as Dask's, each step reads its chunks once, and so does each validation.
        loss: a function of the output and the target, such as `nn.CrossEntropyLoss()`.
        optimizer: an optimiser of the model's parameters, or what makes one of them; by default `Adam`.
        epochs: how many passes over the data, those before a checkpoint included.
        batch_size: samples a step, where `data` are arrays; by default 32, or as many as the largest chunk.
        validation: `(X, y)`, or the share of the data that is kept for it: "val_loss" and metrics are computed of it.
        metrics: functions of output and target in a list or by name, such as `[nn.metrics.accuracy]`; without
            validation they are computed of the training data.
        schedule: a schedule of `nn.optim` or what makes one of the optimiser; it goes on by an epoch, `OneCycleLR` by
            a batch.
        callbacks: functions that are called after each epoch with the `Run`: its `epoch`, `history`, `model` and
            `optimizer`; assigning a reason to its `stop` ends the training.
        patience: stop when so many epochs brought nothing better, and restore the best weights.
        monitor: what of the history is looked at for that, by default "val_loss", or "loss" without validation. Less
            is better where its name ends with "loss", else more.
        clip_norm: as `nn.optim.clip_grad_norm` at each step.
        checkpoint: a file that is written after each epoch.
        resume: go on from that file if it is there: bit for bit as if the training had not been interrupted.
        rng: for the order of the samples and the share for validation: a generator or a seed; None for fresh entropy.
        compile: whether steps go by `autograd.compile`, by default those of NumPy's arrays. A model that it refuses
            trains with False.
        progress: whether a bar is shown, where tqdm is installed.

    Returns:
        A `History`: lists by name, a number an epoch.

    Raises:
        TypeError: a model that is no Module, no data, a loss that cannot be called; compiled steps of chunks.
        ValueError: settings out of range, arrays that do not fit or hold NaN, labels that are none.
        FileNotFoundError: a checkpoint in a folder that is not there.
        FloatingPointError: a loss that is not finite.

    >>> import nn
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = (X[:, 0] > X[:, 1]).astype(int)
    >>> model = nn.MLP([2, 16, 2], rng=0)
    >>> history = nn.fit(
    ...     model, (X, y), loss=nn.CrossEntropyLoss(), epochs=20, validation=0.25,
    ...     metrics=[nn.metrics.accuracy], optimizer=nn.optim.Adam(model.parameters(), lr=0.02), rng=0, progress=False,
    ... )
    >>> list(history)
    ['loss', 'lr', 'val_loss', 'val_accuracy']
    >>> history["val_accuracy"][-1] > 0.9
    True
    """
    if not isinstance(model, Module):
        raise TypeError(f"fit takes a model first, a Module, not {type(model).__name__}")
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"fit: loss is {loss!r}; it is a function of output and target, such as nn.CrossEntropyLoss()")
    generator = init.generator(rng)
    batches, held_out = arguments.data_and_validation(model, data, validation, batch_size, generator)
    optimizer = arguments.optimizer_for(model, optimizer)
    run = Run(model, optimizer, batches, arguments.schedule_of(optimizer, schedule))
    if not isinstance(callbacks, Iterable) or not all(map(callable, callbacks)):
        raise TypeError(f"fit: callbacks is {callbacks!r}; give a list of functions of the run")
    compiled = arguments.whether_compiled(compile, batches)
    loop = _Loop(run, loss, arguments.named_metrics(metrics), held_out, clip_norm, compiled)
    watch = arguments.watched(monitor, patience, held_out is not None, loop.metrics)
    last = given.size("fit: epochs", epochs, 0)
    arguments.check_checkpoint(checkpoint, resume)
    if resume and checkpoint is not None and os.path.exists(checkpoint):
        run.load(checkpoint)
    loop.check()
    model.train()
    if run.epoch and compiled:
        loop.record()
    try:
        for _ in _bar(last, run, progress):
            loop.epoch()
            if watch is not None:
                run.remember(watch, operator.lt if watch.endswith("loss") else operator.gt)
                if patience is not None and run.epoch - run.best_epoch >= patience:
                    run.stop = f"no better {watch} in {patience} epochs"
            if checkpoint is not None:
                run.save(checkpoint)
            for callback in callbacks:
                callback(run)
            if run.stop:
                break
    except KeyboardInterrupt:
        run.stop = f"interrupted in epoch {run.epoch + 1}"
    finally:
        model.eval()
    run.restore_best()
    run.history.stopped = run.stop or f"all {last} epochs are over"
    return run.history


class _Loop:
    """An epoch: steps over all batches, then the numbers of the history."""

    def __init__(
        self,
        run: Run,
        loss: Loss,
        metrics: dict[str, Callable[..., Any]],
        held_out: tuple[Any, ...] | None,
        clip_norm: float | None,
        compiled: bool,
    ) -> None:
        self.run, self.loss, self.metrics, self.held_out = run, loss, metrics, held_out
        self.dtype = dtype_of(run.model)
        if clip_norm is not None:
            given.positive("fit: clip_norm", clip_norm)
        model, optimizer, parameters = run.model, run.optimizer, list(run.model.parameters())

        def step(x: Any, *targets: Any) -> Any:
            value = loss(model(x), *targets)
            optimizer.zero_grad()
            value.backward()
            if clip_norm is not None:
                clip_grad_norm(parameters, clip_norm)
            optimizer.step()
            return value

        state = (model, optimizer, *([loss] if isinstance(loss, Module) else []))
        self.step: Callable[..., Any] = autograd.compile(step, state=state) if compiled else step
        self.advice = "nn.fit(..., compile=False) runs each step as it is written" if compiled else ""

    def batches(self) -> Iterator[tuple[Any, ...]]:
        for batch in self.run.batches:
            if not isinstance(batch, (tuple, list)) or len(batch) < 2:
                raise TypeError(
                    f"fit: a batch is a tuple of inputs and targets, not {type(batch).__name__}; arrays go as one, "
                    "nn.fit(model, (X, y), ...)"
                )
            yield self.of_dtype(batch)

    def of_dtype(self, batch: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(as_dtype(array, self.dtype) for array in batch)

    def samples(self) -> Iterator[tuple[Any, ...]]:
        """A batch of each size that there will be, without a draw."""
        source = self.run.batches
        if not isinstance(source, MiniBatches):
            return
        rest = 0 if source.drop_last else source.samples % source.batch_size
        for size in dict.fromkeys([min(source.batch_size, source.samples), rest]):
            if size:
                yield self.of_dtype(source.at(np.arange(size)))

    def check(self) -> None:
        """A few samples through model and loss, in `eval()` and without a step; the least and the largest label too."""
        source = self.run.batches
        if not isinstance(source, MiniBatches):
            return
        chosen = np.arange(1 if source.chunks else min(source.batch_size, source.samples))
        for target in source.arrays[1:]:
            if is_foreign(target):  # its numbers are not asked for
                continue
            if np.ndim(target) == 1 and getattr(target, "dtype", np.dtype(float)).kind in "iu":
                chosen = np.r_[chosen, np.argmin(target), np.argmax(target)]
        diagnosis.check_targets(self.loss, source.arrays[1])
        self.run.model.eval()
        diagnosis.check_output(self.run.model, self.loss, self.of_dtype(source.at(chosen)))

    def record(self) -> None:
        """Record the compiled step, and take back what that changed.

        The numbers of a recording may differ in their last bits from those of a replay, which an uninterrupted training
        would make.
        """
        drawn = self.run.random_states()
        self.run.mark()
        for batch in self.samples():
            self.step(*batch)
        self.run.back()
        self.run.set_random_states(drawn)

    def epoch(self) -> None:
        run, schedule = self.run, self.run.schedule
        run.mark()
        rate = run.optimizer.lr
        per_batch = isinstance(schedule, OneCycleLR)
        values: list[float] = []
        sizes: list[int] = []
        try:
            for batch in self.batches():
                value = self.value(batch)
                if not math.isfinite(value):
                    raise self.not_finite(value, batch, values)
                values.append(value)
                sizes.append(len(batch[0]))
                if per_batch:
                    schedule.step()
        except Exception:
            run.back()
            raise
        if not values:
            raise ValueError("fit: the data gave no batches; an iterator serves once, so give arrays or MiniBatches")
        run.epoch += 1
        numbers = {"loss": float(np.average(values, weights=sizes)), "lr": rate}
        run.history.add(numbers | self.evaluation())
        if schedule is not None and not per_batch:
            schedule.step(run.history["loss" if self.held_out is None else "val_loss"][-1])

    def value(self, batch: tuple[Any, ...]) -> float:
        """The loss of a step."""
        try:
            return float(self.step(*batch).item())
        except TypeError as error:
            if self.advice:
                error.add_note(self.advice)
            raise

    def not_finite(self, value: float, batch: tuple[Any, ...], values: list[float]) -> FloatingPointError:
        """The error for such a loss, which says where it began."""
        run = self.run
        run.back()
        began = diagnosis.where_it_began(run.model, self.loss, batch, [*run.history.get("loss", []), *values])
        return FloatingPointError(
            f"the loss is {value} in batch {len(values) + 1} of epoch {run.epoch + 1}: {began}. "
            "The weights are those of the beginning of the epoch"
        )

    def evaluation(self) -> dict[str, float]:
        if self.held_out is not None:
            return self.run.evaluate(self.loss, self.held_out, self.metrics, "val_")
        if self.metrics and isinstance(self.run.batches, MiniBatches):
            return self.run.evaluate(self.loss, self.run.batches.arrays, self.metrics, "")
        return {}


def _bar(last: int, run: Run, progress: bool) -> Iterator[int]:
    """The epochs that are left, with a bar that shows the newest numbers."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        progress = False
    if not progress:
        yield from range(run.epoch, last)
        return
    with tqdm(total=last, initial=run.epoch, unit="epoch", disable=None) as bar:
        for epoch in range(run.epoch, last):
            yield epoch
            bar.update()
            bar.set_postfix({name: f"{values[-1]:.4g}" for name, values in run.history.items() if name != "lr"})
