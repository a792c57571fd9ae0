"""A training under way: what is trained with what, and what is known of it so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd.arrays import fetched
from nn import state as states
from nn.arrays import computed_together
from nn.batches import MiniBatches
from nn.module import Module
from nn.optim import Optimizer
from nn.prediction import predict
from nn.training import checkpoint
from nn.training.history import History


class Run:
    """What callbacks get after each epoch.

    Attributes:
        model, optimizer, schedule: what is trained, and with what; the schedule may be None.
        history: the numbers of all epochs so far.
        epoch: how many epochs are over.
        stop: assign a reason, and the training ends.
        best: the monitored number of the best epoch so far; None where nothing is monitored.
    """

    def __init__(self, model: Module, optimizer: Optimizer, batches: Iterable[Any], schedule: Any) -> None:
        self.model, self.optimizer, self.batches, self.schedule = model, optimizer, batches, schedule
        self.history = History()
        self.epoch = 0
        self.stop = ""
        self.best: float | None = None
        self.best_epoch = 0
        self._best_state: dict[str, states.Array] = {}
        self._parameters, self._buffers = list(model.parameters()), list(model.buffers())
        self._marked: Any = None

    # The best epoch

    def remember(self, monitor: str, better: Callable[[float, float], bool]) -> None:
        """Keep the weights, if the monitored number is the best so far."""
        number = self.history[monitor][-1]
        if self.best is None or math.isnan(self.best) or better(number, self.best):
            self.best, self.best_epoch, self._best_state = number, self.epoch, self.model.state_dict()

    def restore_best(self) -> None:
        """The weights of the best epoch, if one was kept."""
        if self._best_state:
            self.model.load_state_dict(self._best_state)
            self.history.best_epoch = self.best_epoch

    # Marks and files

    def mark(self) -> None:
        """Remember where the steps stand, so that `back` returns there."""
        memory = [arrays for group in self.optimizer.param_groups for arrays in group.memory()]
        self._marked = (
            [(parameter, parameter.data.copy()) for parameter in self._parameters],
            [(array, array.copy()) for array in self._buffers],
            [(arrays, [None if array is None else array.copy() for array in arrays]) for arrays in memory],
            self.schedule.state_dict() if self.schedule else {},
            self.optimizer.lr,
        )

    def back(self) -> None:
        """Return to the mark."""
        parameters, written, memory, schedule, rate = self._marked
        for parameter, data in parameters:
            parameter.data = data
        for array, values in written:
            array[...] = values
        for arrays, kept in memory:
            arrays[:] = kept
        if self.schedule:
            self.schedule.load_state_dict(schedule)
        self.optimizer.lr = rate

    def _restore(self, state: Mapping[str, Any]) -> None:
        """Take model, optimiser and schedule over from a checkpoint: all of it or, with an error, nothing."""
        before = self.model.state_dict(), self.optimizer.state_dict()
        try:
            self.model.load_state_dict(checkpoint.below("model", state))
            self.optimizer.load_state_dict(checkpoint.below("optimizer", state))
            if self.schedule:
                self.schedule.load_state_dict(checkpoint.below("schedule", state))
        except Exception:
            self.model.load_state_dict(before[0])
            self.optimizer.load_state_dict(before[1])
            raise

    def save(self, path: states.Path) -> None:
        """Write all that is needed to go on bit for bit."""
        state = checkpoint.prefixed("model", self.model.state_dict())
        state |= checkpoint.prefixed("optimizer", self.optimizer.state_dict())
        state |= checkpoint.prefixed("schedule", self.schedule.state_dict() if self.schedule else {})
        state |= checkpoint.prefixed("history", {name: np.array(values) for name, values in self.history.items()})
        state |= checkpoint.prefixed("best", self._best_state)
        state["run"] = np.array([self.epoch, self.best_epoch, math.nan if self.best is None else self.best])
        state |= checkpoint.prefixed("random", self.random_states())
        state |= checkpoint.prefixed("order", self._order())
        states.save(path, state)

    def load(self, path: states.Path) -> None:
        """Go on from what `save` wrote.

        Raises:
            ValueError: a file that is none, or of another model, optimiser, schedule or data. Nothing is changed then.
        """
        state = states.load(path)
        order, drawn = self._order(), checkpoint.below("random", state)
        same = {name: array.shape for name, array in checkpoint.below("order", state).items()}
        fits = drawn.keys() == self.random_states().keys() and same == {name: a.shape for name, a in order.items()}
        if np.shape(state.get("run", 0)) != (3,) or not fits:
            raise ValueError(f"{path} is no checkpoint of this training: it has other random generators or data")
        self._restore(state)
        self.set_random_states(drawn)
        for name, array in order.items():
            array[...] = state[f"order.{name}"]
        self.history.update({name: array.tolist() for name, array in checkpoint.below("history", state).items()})
        self.epoch, self.best_epoch = int(state["run"][0]), int(state["run"][1])
        self.best = None if math.isnan(state["run"][2]) else float(state["run"][2])
        self._best_state = checkpoint.below("best", state)

    def _generators(self) -> dict[str, Any]:
        ordered = [self.batches.order(), self.batches] if isinstance(self.batches, MiniBatches) else []
        return {str(number): each for number, each in enumerate(checkpoint.generators(self.model, *ordered))}

    def random_states(self) -> dict[str, states.Array]:
        """Where the generators of the model and of the batches stand."""
        return {name: checkpoint.random_state(generator) for name, generator in self._generators().items()}

    def set_random_states(self, drawn: Mapping[str, Any]) -> None:
        """Bring the generators to where they stood."""
        for name, generator in self._generators().items():
            checkpoint.set_random_state(generator, drawn[name])

    def _order(self) -> dict[str, Any]:
        """The arrays that the order of the mini-batches remembers."""
        held = vars(self.batches.order()) if isinstance(self.batches, MiniBatches) else {}
        return {name: value for name, value in held.items() if isinstance(value, np.ndarray)}

    # Numbers

    def evaluate(
        self, loss: Callable[..., Any], data: tuple[Any, ...], metrics: Mapping[str, Callable[..., Any]], start: str
    ) -> dict[str, float]:
        """The loss and the metrics of all of `data`, under names that begin with `start`; of chunks in one pass."""
        output = predict(self.model, data[0])
        with computed_together():
            numbers = {f"{start}loss": loss(output, *data[1:])} if start else {}
            numbers |= {f"{start}{name}": metric(output, data[1]) for name, metric in metrics.items()}
        return {name: float(value) for name, value in fetched(numbers).items()}
