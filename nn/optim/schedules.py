"""Schedules: the learning rate as a function of the step, or of how a loss goes on.

A schedule sets `optimizer.lr` when it is made and at each `step()`; one `step()` is an epoch, or a batch, as its user
decides. Names and values are PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any, ClassVar, Literal

import numpy as np

from nn import given
from nn import state as states
from nn.optim.optimizer import Optimizer


class LambdaLR:
    """The first rate times a function of the step; other schedules define `rate`.

    Args:
        optimizer: whose `lr` is set. Groups keep the ratios of their rates.
        lr_lambda: gets the step, from 0 on, and gives the factor.

    Attributes:
        base_lr: the rate that the optimiser had.
        last_epoch: the number of steps so far.

    Raises:
        TypeError: no optimiser, or a function that cannot be called.

    >>> from autograd import Tensor
    >>> from nn.optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=0.1)
    >>> schedule = LambdaLR(optimizer, lambda step: 0.5**step)
    >>> schedule.step()
    >>> optimizer.lr
    0.05
    """

    _counts: ClassVar[tuple[str, ...]] = ("last_epoch",)
    _numbers: ClassVar[tuple[str, ...]] = ("base_lr",)

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | None = None) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} takes an optimiser first, not {type(optimizer).__name__}")
        if lr_lambda is not None and not callable(lr_lambda):
            raise TypeError(f"{type(self).__name__}: lr_lambda is {lr_lambda!r}; it is a function of the step")
        self.optimizer, self.lr_lambda, self.base_lr, self.last_epoch = optimizer, lr_lambda, optimizer.lr, 0
        optimizer.lr = self.rate(0)

    def rate(self, step: int) -> float:
        """The learning rate at a step."""
        return self.base_lr * (1.0 if self.lr_lambda is None else self.lr_lambda(step))

    def step(self, metric: float | None = None) -> None:
        """Go on to the next step's rate; `metric` matters to `ReduceLROnPlateau` alone."""
        self.last_epoch += 1
        self.optimizer.lr = self.rate(self.last_epoch)

    def get_last_lr(self) -> list[float]:
        """The rate of each group of parameters now, as PyTorch's schedules give it."""
        return [group.lr for group in self.optimizer.param_groups]

    def __repr__(self) -> str:
        taken = [name for name in signature(type(self)).parameters if name not in ("optimizer", "lr_lambda")]
        shown = {name: vars(self)[name] for name in taken if isinstance(vars(self).get(name), (int, float, str))}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def state_dict(self) -> dict[str, states.Array]:
        """Where it stands, as arrays by name."""
        return {name: np.array(getattr(self, name)) for name in (*self._counts, *self._numbers)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state` stood; the optimiser's rate is in its own state.

        Raises:
            TypeError, ValueError: as for optimisers. Nothing is changed then.
        """
        names = (*self._counts, *self._numbers)
        arrays = states.checked(type(self).__name__, dict.fromkeys(names, ()), state)
        counts = {name: states.count(name, arrays) for name in self._counts}
        vars(self).update({**counts, **{name: float(arrays[name]) for name in self._numbers}})


class StepLR(LambdaLR):
    """The rate times `gamma` after every `step_size` steps.

    >>> from autograd import Tensor
    >>> from nn.optim import SGD
    >>> schedule = StepLR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), step_size=2, gamma=0.5)
    >>> [schedule.rate(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = given.size("StepLR: step_size", step_size), given.positive("StepLR: gamma", gamma)
        super().__init__(optimizer)

    def rate(self, step: int) -> float:
        return float(self.base_lr * self.gamma ** (step // self.step_size))


class LinearLR(LambdaLR):
    """A warm-up: from `start_factor` times the rate to `end_factor` times it, in `total_iters` steps.

    >>> from autograd import Tensor
    >>> from nn.optim import SGD
    >>> schedule = LinearLR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), start_factor=0.5, total_iters=2)
    >>> [schedule.rate(step) for step in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor = given.positive("LinearLR: start_factor", start_factor)
        self.end_factor = given.nonnegative("LinearLR: end_factor", end_factor)
        self.total_iters = given.size("LinearLR: total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, step: int) -> float:
        done = min(step / self.total_iters, 1.0)
        return self.base_lr * (self.start_factor + (self.end_factor - self.start_factor) * done)


class CosineAnnealingLR(LambdaLR):
    r"""Half a cosine from the rate to `eta_min` in `T_max` steps.

    $\eta_t = \eta_{min} + (\eta - \eta_{min})(1 + \cos(\pi t / T)) / 2$.
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).

    >>> from autograd import Tensor
    >>> from nn.optim import SGD
    >>> schedule = CosineAnnealingLR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), T_max=2)
    >>> [round(schedule.rate(step), 6) for step in range(3)]
    [1.0, 0.5, 0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = given.size("CosineAnnealingLR: T_max", T_max)
        self.eta_min = given.nonnegative("CosineAnnealingLR: eta_min", eta_min)
        super().__init__(optimizer)

    def rate(self, step: int) -> float:
        return self.eta_min + (self.base_lr - self.eta_min) * (1 + math.cos(math.pi * step / self.T_max)) / 2


class SequentialLR(LambdaLR):
    """One schedule after the other, each from its own beginning: such as a warm-up, then a cosine.

    Args:
        schedulers: schedules of the same optimiser.
        milestones: the steps at which the next one takes over, one fewer than there are schedules.

    >>> from autograd import Tensor
    >>> from nn.optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> warm, cosine = LinearLR(optimizer, 0.5, total_iters=2), CosineAnnealingLR(optimizer, 2)
    >>> schedule = SequentialLR(optimizer, [warm, cosine], milestones=[2])
    >>> [round(schedule.rate(step), 6) for step in range(5)]
    [0.5, 0.75, 1.0, 0.5, 0.0]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LambdaLR], milestones: Sequence[int]) -> None:
        if len(milestones) != len(schedulers) - 1 or list(milestones) != sorted(milestones):
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedules take {len(schedulers) - 1} milestones in rising order, "
                f"not {list(milestones)}"
            )
        if any(each.optimizer is not optimizer for each in schedulers):
            raise ValueError("SequentialLR: all schedules must be of the optimiser that it is given")
        self.schedulers, self.milestones = list(schedulers), [0, *milestones]
        first = schedulers[0].base_lr
        for each in schedulers:  # what one of them set is not what the next one started from
            each.base_lr = first
        optimizer.lr = first
        super().__init__(optimizer)

    def rate(self, step: int) -> float:
        position = max(k for k, start in enumerate(self.milestones) if step >= start)
        return self.schedulers[position].rate(step - self.milestones[position])


class OneCycleLR(LambdaLR):
    """Up to `max_lr` and far down again, a step a batch, in `total_steps`.

    From `max_lr / div_factor` up for the share `pct_start` of the steps, then down to the first rate divided by
    `final_div_factor`; along half cosines, or lines. Momentum is left as it is (PyTorch's `cycle_momentum=False`).

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2018).

    Raises:
        ValueError: in `step`, more steps than `total_steps`.

    >>> from autograd import Tensor
    >>> from nn.optim import SGD
    >>> schedule = OneCycleLR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), max_lr=1.0, total_steps=11)
    >>> [round(schedule.rate(step), 3) for step in (0, 1, 2, 6, 10)]
    [0.04, 0.422, 0.96, 0.531, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy is {anneal_strategy!r}; it is 'cos' or 'linear'")
        self.anneal_strategy = anneal_strategy
        self.max_lr = given.positive("OneCycleLR: max_lr", max_lr)
        self.total_steps = given.size("OneCycleLR: total_steps", total_steps)
        self.pct_start = given.probability("OneCycleLR: pct_start", pct_start)
        self.div_factor = given.positive("OneCycleLR: div_factor", div_factor)
        self.final_div_factor = given.positive("OneCycleLR: final_div_factor", final_div_factor)
        super().__init__(optimizer)

    def rate(self, step: int) -> float:
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: step {step} of {self.total_steps}; give total_steps=epochs * batches")
        top, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        lowest = self.max_lr / self.div_factor
        if step <= top:
            return self._between(lowest, self.max_lr, step / top if top else 1.0)
        done = min((step - top) / (last - top), 1.0) if last > top else 1.0
        return self._between(self.max_lr, lowest / self.final_div_factor, done)

    def _between(self, start: float, end: float, done: float) -> float:
        if self.anneal_strategy == "linear":
            return start + (end - start) * done
        return end + (start - end) / 2 * (1 + math.cos(math.pi * done))


class ReduceLROnPlateau(LambdaLR):
    """The rate times `factor` after more than `patience` steps without a better metric.

    Args:
        mode: "min" where less is better, "max" where more is.
        factor: below 1.
        patience: how many steps without progress are borne.
        threshold: how much better counts; a share of the best ("rel"), or a difference ("abs").
        threshold_mode: "rel" or "abs".
        cooldown: how many steps after a reduction count nothing.
        min_lr: where it ends.
        eps: a smaller change of the rate is not made.

    >>> from autograd import Tensor
    >>> from nn.optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in (1.0, 0.5, 0.5, 0.5):
    ...     schedule.step(loss)
    >>> optimizer.lr
    0.1
    """

    _counts = ("last_epoch", "num_bad_epochs", "cooldown_counter")
    _numbers = ("base_lr", "best")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        for name, value, words in (("mode", mode, ("min", "max")), ("threshold_mode", threshold_mode, ("rel", "abs"))):
            if value not in words:
                raise ValueError(f"ReduceLROnPlateau: {name} is {value!r}; it is one of {words}")
        if not 0 <= factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor is {factor}; it lies below 1")
        self.mode, self.factor, self.threshold_mode = mode, factor, threshold_mode
        self.patience = given.size("ReduceLROnPlateau: patience", patience, 0)
        self.cooldown = given.size("ReduceLROnPlateau: cooldown", cooldown, 0)
        self.threshold = given.nonnegative("ReduceLROnPlateau: threshold", threshold)
        self.min_lr, self.eps = given.nonnegative("min_lr", min_lr), given.nonnegative("eps", eps)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0
        super().__init__(optimizer)

    def step(self, metric: float | None = None) -> None:
        if metric is None:
            raise TypeError("ReduceLROnPlateau.step takes the metric that it looks at, such as the validation loss")
        self.last_epoch += 1
        if self._better(float(metric)):
            self.best, self.num_bad_epochs = float(metric), 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            rate = max(self.optimizer.lr * self.factor, self.min_lr)
            if self.optimizer.lr - rate > self.eps:
                self.optimizer.lr = rate

    def _better(self, metric: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if math.isinf(self.best):
            return sign * metric < sign * self.best
        margin = self.threshold * (self.best if self.threshold_mode == "rel" else 1.0)
        return sign * metric < sign * self.best - margin
