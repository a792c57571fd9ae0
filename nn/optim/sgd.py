"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nn import given
from nn import state as states
from nn.optim.optimizer import Optimizer, values_of
from nn.optim.parts import Part


class SGD(Optimizer):
    r"""Stochastic gradient descent: $\theta \leftarrow \theta - \eta d$.

    With the gradient $g$, weight decay $\lambda$, momentum $\mu$ and dampening $\tau$, step by step:

    $d = g + \lambda\theta$ (with `maximize`, $-g + \lambda\theta$);
    $v \leftarrow \mu v + (1 - \tau) d$, and $v = d$ at a parameter's first step;
    $d = v$ with momentum (Polyak 1964), $d + \mu v$ with Nesterov's (Sutskever et al. 2013, "On the
    importance of initialization and momentum in deep learning"). These are PyTorch's conventions.

    A parameter without a gradient is left alone. Parameters are written in place, so make all passes over
    a recorded graph before the step; later ones are errors.

    Args:
        params: Tensors, pairs of name and Tensor, or a dictionary; such as `model.parameters()`.
        lr: the learning rate $\eta$; like all settings, it may be set between steps.
        momentum, nesterov, weight_decay, dampening: as above; 0 and False leave them out.
        maximize: climb instead of descend.

    Raises:
        TypeError: a parameter that is no Tensor of floats.
        ValueError: no parameters, the same one twice, one that was computed; a setting that is
            negative or not finite; Nesterov without momentum or with dampening.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w.data
    array([0.8, 1.6])
    """

    _together = False  # at a parameter's first step its velocity is another

    momentum: float
    nesterov: bool
    weight_decay: float
    dampening: float
    maximize: bool

    def __init__(
        self,
        params: given.Parameters | given.Groups,
        lr: given.NonNegative,
        momentum: given.NonNegative = 0.0,
        *,
        nesterov: given.Switch = False,
        weight_decay: given.NonNegative = 0.0,
        dampening: given.NonNegative = 0.0,
        maximize: given.Switch = False,
    ) -> None:
        values = (lr, momentum, nesterov, weight_decay, dampening, maximize)
        super().__init__(params, dict(zip(self.settings, values, strict=True)))
        self._memory["velocity"] = [None] * len(self._own)
        self._slots = [(p, buffer, self._rates[p.dtype]) for p, buffer in zip(self._own, self._buffers, strict=True)]

    settings = given.settings_of(__init__)

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        momentum, dampening = settings["momentum"], settings["dampening"]
        if settings["nesterov"] and (momentum == 0 or dampening != 0):
            raise ValueError(f"SGD: nesterov takes momentum ({momentum}) above 0 and dampening ({dampening}) 0")

    def _step(self) -> None:
        if self.momentum or self.weight_decay or self.maximize:
            for part, _ in self._parts():
                self._step_along(part)
            return
        multiply, subtract, ndarray = np.multiply, np.subtract, np.ndarray
        for parameter, buffer, rate in self._slots:
            gradient = parameter.grad
            if gradient is None:
                continue
            if type(gradient) is not ndarray:
                gradient = values_of(gradient)
            data = parameter.data
            multiply(gradient, rate, buffer)
            subtract(data, buffer, data)
            parameter.data = data

    def _step_along(self, part: Part) -> None:
        """One parameter's step with momentum or weight decay, or upwards; `d` may stand in the buffer."""
        _, buffer, rate = self._slots[part.number]
        d = self._direction(part, self.weight_decay, self.maximize)
        if self.momentum:
            v = self._remember(part.number, d)
            if self.nesterov:  # the part along d here, the part along v below
                self._move(part, np.multiply(d, rate, buffer))
                rate = rate * self.momentum
            d = v
        self._move(part, np.multiply(d, rate, buffer))

    def _remember(self, position: int, d: states.Array) -> states.Array:
        """The velocity after `d`."""
        velocity = self._memory["velocity"]
        v = velocity[position]
        if v is None:
            v = velocity[position] = d.astype(self._buffers[position].dtype)
            return v
        np.multiply(v, self.momentum, v)
        if self.dampening:
            d = np.multiply(d, 1 - self.dampening, self._buffers[position])
        return np.add(v, d, v)
