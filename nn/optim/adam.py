"""Adam and AdamW."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nn import given
from nn.optim.optimizer import Optimizer
from nn.optim.parts import Part


class Adam(Optimizer):
    r"""Adaptive moments: each number's step is its mean gradient by the root of its mean square.

    With the gradient $g$, weight decay $\lambda$ and $\odot$ elementwise, in step $t$ of a parameter:

    $d = g + \lambda\theta$ (with `maximize`, $-g + \lambda\theta$);
    $m \leftarrow \beta_1 m + (1 - \beta_1) d$ and $v \leftarrow \beta_2 v + (1 - \beta_2) d \odot d$, from zeros;
    $\hat m = m / (1 - \beta_1^t)$ and $\hat v = v / (1 - \beta_2^t)$, which makes up for the zeros;
    $\theta \leftarrow \theta - \eta \hat m / (\sqrt{\hat v} + \epsilon)$.

    (Kingma and Ba 2015, "Adam: a method for stochastic optimization".) With `amsgrad`, $v$ in $\hat v$ is the
    largest so far (Reddi et al. 2018, "On the convergence of Adam and beyond"). These are PyTorch's conventions.

    A parameter without a gradient is left alone, and its $t$ stands still. Parameters are written in place, so
    make all passes over a recorded graph before the step; later ones are errors.

    Args:
        params: Tensors, pairs of name and Tensor, or a dictionary; such as `model.parameters()`.
        lr: the learning rate $\eta$; like all settings, it may be set between steps.
        betas: $(\beta_1, \beta_2)$, how much of the means a step keeps.
        eps: $\epsilon$, which keeps the quotient finite.
        weight_decay: $\lambda$; 0 leaves it out.
        amsgrad: never forget a large gradient.
        maximize: climb instead of descend.

    Raises:
        TypeError: a parameter that is no Tensor of floats.
        ValueError: no parameters, the same one twice, one that was computed; a setting that is
            negative or not finite, or a beta that is 1 or more.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.1)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([0.9, 1.9])
    """

    betas: tuple[float, float]
    eps: float
    weight_decay: float
    amsgrad: bool
    maximize: bool
    _counting = True
    _decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: given.Parameters | given.Groups,
        lr: given.NonNegative = 1e-3,
        betas: given.Betas = (0.9, 0.999),
        eps: given.NonNegative = 1e-8,
        *,
        weight_decay: given.NonNegative = 0.0,
        amsgrad: given.Switch = False,
        maximize: given.Switch = False,
    ) -> None:
        values = (lr, betas, eps, weight_decay, amsgrad, maximize)
        super().__init__(params, dict(zip(self.settings, values, strict=True)))
        for kind, there in (("mean", True), ("square", True), ("largest", self.amsgrad)):
            # From the start where it can, so that a compiled step is recorded once.
            self._memory[kind] = [np.zeros_like(buffer) if there else None for buffer in self._buffers]

    settings = given.settings_of(__init__)

    def _step(self) -> None:
        for part, t in self._parts():
            self._step_along(part, t)

    def _step_along(self, part: Part, t: Any) -> None:
        """Step number t of some parameters; everything that is not kept stands in the buffer."""
        (beta1, beta2), dtype, buffer = self.betas, part.parameters[0].dtype, part.within(self._buffers[part.number])
        if self.weight_decay and self._decoupled:
            for parameter in part.parameters:
                np.multiply(parameter.data, 1 - self._rates[dtype] * self.weight_decay, parameter.data)
        d = self._direction(part, 0.0 if self._decoupled else self.weight_decay, self.maximize)
        mean, square = self._kept("mean", part), self._kept("square", part)
        np.multiply(mean, beta1, mean)
        np.multiply(d, 1 - beta1, buffer)
        np.add(mean, buffer, mean)
        np.multiply(buffer, buffer, buffer)  # d may have stood in the buffer, so its square comes by way of the mean
        np.multiply(buffer, (1 - beta2) / (1 - beta1) ** 2, buffer)
        np.multiply(square, beta2, square)
        np.add(square, buffer, square)
        if self.amsgrad:
            largest = self._kept("largest", part)
            square = np.maximum(largest, square, out=largest)

        # The quotient of the roots, as one factor of the whole and one of epsilon, is a pass less.
        root = np.sqrt(1 - beta2**t)
        rate = np.divide(self._rates[np.dtype(np.float64)] * root, 1 - beta1**t, dtype=dtype)
        np.sqrt(square, buffer)
        np.add(buffer, np.multiply(self.eps, root, dtype=dtype), buffer)
        np.divide(mean, buffer, buffer)
        np.multiply(buffer, rate, buffer)
        self._move(part, buffer)


class AdamW(Adam):
    r"""Adam whose weight decay is no part of the gradient.

    First $\theta \leftarrow (1 - \eta\lambda)\theta$, then Adam's step with $d = g$, or $-g$ with `maximize`
    (Loshchilov and Hutter 2019, "Decoupled weight decay regularization"). The settings are Adam's, and
    `weight_decay` is 0.01 if it is not given.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([0.85, 1.8 ])
    """

    _decoupled = True

    def __init__(
        self,
        params: given.Parameters | given.Groups,
        lr: given.NonNegative = 1e-3,
        betas: given.Betas = (0.9, 0.999),
        eps: given.NonNegative = 1e-8,
        *,
        weight_decay: given.NonNegative = 0.01,
        amsgrad: given.Switch = False,
        maximize: given.Switch = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize)
