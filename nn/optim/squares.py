"""RMSprop and Adagrad: each number's step by the root of its squares."""

from __future__ import annotations

import numpy as np

from nn import given
from nn.optim.optimizer import Optimizer
from nn.optim.parts import Part


class RMSprop(Optimizer):
    r"""Each number's step by the root of the mean square of its gradients.

    With the gradient $g$ and weight decay $\lambda$, $d = g + \lambda\theta$ (with `maximize`, $-g + \lambda\theta$);
    $v \leftarrow \alpha v + (1 - \alpha) d \odot d$; with `centered`, $m \leftarrow \alpha m + (1 - \alpha) d$, and
    $v - m^2$ in the place of $v$ below;
    $b \leftarrow \mu b + d / (\sqrt v + \epsilon)$, and $\theta \leftarrow \theta - \eta b$.

    (Tieleman and Hinton, "Lecture 6.5: rmsprop", 2012.) These are PyTorch's conventions.

    Args:
        params: as for `SGD`.
        lr: the learning rate $\eta$; like all settings, it may be set between steps.
        alpha: how much of the mean square a step keeps.
        eps, weight_decay, momentum, centered: as above.
        maximize: climb instead of descend.

    Raises:
        TypeError: a parameter that is no Tensor of floats.
        ValueError: no parameters, the same one twice, one that was computed; a setting out of its range.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = RMSprop([w], lr=0.1)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([0., 1.])
    """

    alpha: float
    eps: float
    weight_decay: float
    momentum: float
    centered: bool
    maximize: bool

    def __init__(
        self,
        params: given.Parameters | given.Groups,
        lr: given.NonNegative = 1e-2,
        alpha: given.Probability = 0.99,
        eps: given.NonNegative = 1e-8,
        *,
        weight_decay: given.NonNegative = 0.0,
        momentum: given.NonNegative = 0.0,
        centered: given.Switch = False,
        maximize: given.Switch = False,
    ) -> None:
        values = (lr, alpha, eps, weight_decay, momentum, centered, maximize)
        super().__init__(params, dict(zip(self.settings, values, strict=True)))
        for kind, there in (("square", True), ("mean", self.centered), ("momentum_buffer", self.momentum)):
            # From the start where it can, so that a compiled step is recorded once.
            self._memory[kind] = [np.zeros_like(buffer) if there else None for buffer in self._buffers]
        self._roots = [np.empty_like(buffer) for buffer in self._buffers]

    settings = given.settings_of(__init__)

    def _step(self) -> None:
        for part, _ in self._parts():
            self._step_along(part)

    def _step_along(self, part: Part) -> None:
        buffer, root = part.within(self._buffers[part.number]), part.within(self._roots[part.number])
        d, alpha = self._direction(part, self.weight_decay, self.maximize), self.alpha
        square = self._kept("square", part)
        np.multiply(square, alpha, square)
        np.multiply(d, d, root)
        np.multiply(root, 1 - alpha, root)
        np.add(square, root, square)
        if self.centered:
            mean = self._kept("mean", part)
            np.multiply(mean, alpha, mean)
            np.add(mean, np.multiply(d, 1 - alpha, root), mean)
            np.subtract(square, np.multiply(mean, mean, root), root)
            np.sqrt(root, root)
        else:
            np.sqrt(square, root)
        np.add(root, self.eps, root)
        step = np.divide(d, root, buffer)
        if self.momentum:
            kept = self._kept("momentum_buffer", part)
            np.multiply(kept, self.momentum, kept)
            step = np.add(kept, step, kept)
        self._move(part, np.multiply(step, self._rates[buffer.dtype], buffer))


class Adagrad(Optimizer):
    r"""Each number's step by the root of the sum of the squares of its gradients: often changed ones slow down.

    With the gradient $g$ and weight decay $\lambda$, $d = g + \lambda\theta$ (with `maximize`, $-g + \lambda\theta$);
    $s \leftarrow s + d \odot d$, and in step $t$
    $\theta \leftarrow \theta - \frac{\eta}{1 + (t - 1) \gamma} \, d / (\sqrt s + \epsilon)$.

    (Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011.) These are PyTorch's conventions.

    Args:
        params: as for `SGD`.
        lr: the learning rate $\eta$; like all settings, it may be set between steps.
        lr_decay: $\gamma$.
        eps, weight_decay: as above.
        initial_accumulator_value: what $s$ is at first.
        maximize: climb instead of descend.

    Raises:
        TypeError: a parameter that is no Tensor of floats.
        ValueError: no parameters, the same one twice, one that was computed; a setting out of its range.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = Adagrad([w], lr=0.1)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w.data.round(6)
    array([0.9, 1.9])
    """

    _counting = True

    lr_decay: float
    eps: float
    weight_decay: float
    initial_accumulator_value: float
    maximize: bool

    def __init__(
        self,
        params: given.Parameters | given.Groups,
        lr: given.NonNegative = 1e-2,
        lr_decay: given.NonNegative = 0.0,
        eps: given.NonNegative = 1e-10,
        *,
        weight_decay: given.NonNegative = 0.0,
        initial_accumulator_value: given.NonNegative = 0.0,
        maximize: given.Switch = False,
    ) -> None:
        values = (lr, lr_decay, eps, weight_decay, initial_accumulator_value, maximize)
        super().__init__(params, dict(zip(self.settings, values, strict=True)))
        self._memory["sum"] = [np.full_like(buffer, self.initial_accumulator_value) for buffer in self._buffers]
        self._roots = [np.empty_like(buffer) for buffer in self._buffers]

    settings = given.settings_of(__init__)

    def _initial(self, kind: str) -> float:
        return self.initial_accumulator_value

    def _step(self) -> None:
        for part, t in self._parts():
            buffer, root = part.within(self._buffers[part.number]), part.within(self._roots[part.number])
            d, total = self._direction(part, self.weight_decay, self.maximize), self._kept("sum", part)
            np.add(total, np.multiply(d, d, root), total)
            np.add(np.sqrt(total, root), self.eps, root)
            np.divide(d, root, buffer)
            rate = np.divide(self._rates[np.dtype(np.float64)], 1 + (t - 1) * self.lr_decay, dtype=buffer.dtype)
            self._move(part, np.multiply(buffer, rate, buffer))
