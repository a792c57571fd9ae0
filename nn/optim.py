"""Optimisers: they change parameters in place by their gradients.

The arrays of parameters, and the buffers beside them, live as long as the optimiser: an array of the
size of a weight that was freed and allocated at every step would cost more than the arithmetic on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from autograd import Tensor
from nn import given
from nn import state as states


class Optimizer:
    """What all optimisers share: named parameters, settings, and memory from step to step.

    Subclasses define `step`, name their settings with what checks them, and put their memory into `_memory`: by its
    name, an array or None for every parameter; and what they count into `_counts`, an array of integers, one for every
    parameter. Memory and counts are changed by NumPy alone, which a compiled step repeats. Data that was
    written in place is set to itself, which tells graphs that used it.

    Args:
        params: Tensors, pairs of name and Tensor, or a dictionary; such as `model.parameters()`.

    Raises:
        TypeError: a parameter that is no Tensor of floats.
        ValueError: no parameters, the same one twice, or one that was computed.
    """

    settings: ClassVar[Mapping[str, Callable[[str, Any], Any]]] = MappingProxyType({})

    def __init__(self, params: given.Parameters) -> None:
        named = given.named(params, type(self).__name__)
        self.names = list(named)
        self.parameters = list(named.values())
        # The rate as an array of each dtype: a ufunc takes it faster than a Python number, and a compiled step
        # reads it afresh.
        dtypes = dict.fromkeys([np.dtype(np.float64), *(p.dtype for p in self.parameters)])
        self._rates = {dtype: np.zeros((), dtype) for dtype in dtypes}
        self._memory: dict[str, list[states.Array | None]] = {}
        self._counts: dict[str, states.Array] = {}

    @property
    def lr(self) -> float:
        """The learning rate, which may be set between steps."""
        return float(self._rates[np.dtype(np.float64)])

    @lr.setter
    def lr(self, value: float) -> None:
        for dtype in self._rates:
            if value > float(np.finfo(dtype).max):
                raise ValueError(f"lr is {value}, and there is a parameter of {dtype}, which ends before that")
        for rate in self._rates.values():
            rate[...] = value

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.settings:
            self._set({name: value})
        else:
            super().__setattr__(name, value)

    def _set(self, settings: Mapping[str, Any]) -> None:
        """Check settings, each by itself and all with each other, and then take them over."""
        checked = {name: self.settings[name](name, value) for name, value in settings.items()}
        self._check_together({**{name: getattr(self, name, None) for name in self.settings}, **checked})
        for name, value in checked.items():
            super().__setattr__(name, value)

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        """ValueError where settings do not fit each other."""

    def __state__(self) -> dict[str, Any]:
        """Where the optimiser keeps what it holds, for `autograd.compile`."""
        return vars(self)

    def step(self) -> None:
        """Change every parameter that has a gradient."""
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    def zero_grad(self) -> None:
        """Clear the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def state_dict(self) -> dict[str, states.Array]:
        """Settings, and copies of the memory, as arrays by name: `np.savez(file, **state)` stores them."""
        state = {name: np.array(getattr(self, name)) for name in self.settings}
        for kind, arrays in self._memory.items():
            for name, array in zip(self.names, arrays, strict=True):
                if array is not None:
                    state[f"{kind}.{name}"] = array.copy()
        for kind, counts in self._counts.items():
            state |= {f"{kind}.{name}": np.array(count) for name, count in zip(self.names, counts, strict=True)}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take settings and memory over from `state`.

        Raises:
            TypeError: `state` is no dictionary.
            ValueError: names everything that is missing, unexpected or of another shape, at once; or a value that the
                setting cannot have. Nothing is changed then.
        """
        shapes: dict[str, tuple[int, ...]] = {name: np.shape(getattr(self, name)) for name in self.settings}
        shapes |= {f"{kind}.{name}": () for kind in self._counts for name in self.names}
        required = set(shapes)
        for kind in self._memory:
            for name, parameter in zip(self.names, self.parameters, strict=True):
                shapes[f"{kind}.{name}"] = parameter.shape
        arrays = states.checked(type(self).__name__, shapes, state, shapes.keys() - required)
        counts = {kind: [states.count(f"{kind}.{name}", arrays) for name in self.names] for kind in self._counts}
        memory = {
            kind: [
                states.cast(arrays.get(f"{kind}.{name}"), parameter.dtype)
                for name, parameter in zip(self.names, self.parameters, strict=True)
            ]
            for kind in self._memory
        }
        self._set({name: arrays[name].tolist() for name in self.settings})
        for kind in counts:
            self._counts[kind][:] = counts[kind]
        for kind in memory:
            self._memory[kind][:] = memory[kind]

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in self.settings)
        return f"{type(self).__name__}({len(self.parameters)} parameters, {settings})"


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

    momentum: float
    nesterov: bool
    weight_decay: float
    dampening: float
    maximize: bool
    settings = MappingProxyType(
        {
            "lr": given.nonnegative,
            "momentum": given.nonnegative,
            "nesterov": given.switch,
            "weight_decay": given.nonnegative,
            "dampening": given.nonnegative,
            "maximize": given.switch,
        }
    )

    def __init__(
        self,
        params: given.Parameters,
        lr: float,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        values = (lr, momentum, nesterov, weight_decay, dampening, maximize)
        self._set(dict(zip(self.settings, values, strict=True)))
        self._velocity: list[states.Array | None] = [None] * len(self.parameters)
        self._memory["velocity"] = self._velocity
        self._slots = [(p, np.empty_like(p.data), self._rates[p.dtype]) for p in self.parameters]

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        momentum, dampening = settings["momentum"], settings["dampening"]
        if settings["nesterov"] and (momentum == 0 or dampening != 0):
            raise ValueError(f"SGD: nesterov takes momentum ({momentum}) above 0 and dampening ({dampening}) 0")

    def step(self) -> None:
        """Change every parameter that has a gradient, in place."""
        if self.momentum or self.weight_decay or self.maximize:
            for position in range(len(self._slots)):
                self._step_along(position)
            return
        multiply, subtract, ndarray = np.multiply, np.subtract, np.ndarray
        for parameter, buffer, rate in self._slots:
            gradient = parameter.grad
            if gradient is None:
                continue
            if type(gradient) is not ndarray:
                gradient = _values(gradient)
            data = parameter.data
            multiply(gradient, rate, buffer)
            subtract(data, buffer, data)
            parameter.data = data

    def _step_along(self, position: int) -> None:
        """One parameter's step with momentum or weight decay, or upwards; `d` may stand in the buffer."""
        parameter, buffer, rate = self._slots[position]
        if parameter.grad is None:
            return
        data, d = parameter.data, _values(parameter.grad)
        if self.weight_decay:
            np.multiply(data, self.weight_decay, buffer)
            d = (np.subtract if self.maximize else np.add)(buffer, d, buffer)
        elif self.maximize:
            d = np.negative(d, buffer)
        if self.momentum:
            v = self._remember(position, d)
            if self.nesterov:  # the part along d here, the part along v below
                np.subtract(data, np.multiply(d, rate, buffer), data)
                rate = rate * self.momentum
            d = v
        np.subtract(data, np.multiply(d, rate, buffer), data)
        parameter.data = data

    def _remember(self, position: int, d: states.Array) -> states.Array:
        """The velocity after `d`."""
        v = self._velocity[position]
        if v is None:
            v = self._velocity[position] = d.astype(self._slots[position][1].dtype)
            return v
        np.multiply(v, self.momentum, v)
        if self.dampening:
            d = np.multiply(d, 1 - self.dampening, self._slots[position][1])
        return np.add(v, d, v)


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
    settings = MappingProxyType(
        {
            "lr": given.nonnegative,
            "betas": given.betas,
            "eps": given.nonnegative,
            "weight_decay": given.nonnegative,
            "amsgrad": given.switch,
            "maximize": given.switch,
        }
    )
    _decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: given.Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        values = (lr, betas, eps, weight_decay, amsgrad, maximize)
        self._set(dict(zip(self.settings, values, strict=True)))
        for kind in ("mean", "square", "largest"):
            self._memory[kind] = [None] * len(self.parameters)
        self._counts["steps"] = np.zeros(len(self.parameters), np.int64)
        self._buffers = [np.empty_like(p.data) for p in self.parameters]
        self._dtypes = list(dict.fromkeys(p.dtype for p in self.parameters))

    def step(self) -> None:
        """Change every parameter that has a gradient, in place."""
        (beta1, beta2), steps = self.betas, self._counts["steps"]
        np.add(steps, np.array([parameter.grad is not None for parameter in self.parameters]), steps)
        count = np.maximum(steps, 1)
        rates, roots = self._rates[np.dtype(np.float64)] / (1 - beta1**count), 1 / np.sqrt(1 - beta2**count)
        corrections = {dtype: (rates.astype(dtype), roots.astype(dtype)) for dtype in self._dtypes}
        for position, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                rates, roots = corrections[parameter.dtype]
                self._step_along(position, _values(parameter.grad), rates[position], roots[position])

    def _step_along(self, position: int, d: states.Array, rate: Any, root: Any) -> None:
        """One parameter's step; everything that is not kept stands in the buffer."""
        beta1, beta2 = self.betas
        parameter, buffer = self.parameters[position], self._buffers[position]
        data = parameter.data
        if self.weight_decay and self._decoupled:
            np.multiply(data, 1 - self._rates[data.dtype] * self.weight_decay, data)
        if self.weight_decay and not self._decoupled:
            np.multiply(data, self.weight_decay, buffer)
            d = (np.subtract if self.maximize else np.add)(buffer, d, buffer)
        elif self.maximize:
            d = np.negative(d, buffer)

        mean, square = self._kept("mean", position), self._kept("square", position)
        np.multiply(mean, beta1, mean)
        np.multiply(d, 1 - beta1, buffer)
        np.add(mean, buffer, mean)
        np.multiply(buffer, buffer, buffer)  # d may have stood in the buffer, so its square comes by way of the mean
        np.multiply(buffer, (1 - beta2) / (1 - beta1) ** 2, buffer)
        np.multiply(square, beta2, square)
        np.add(square, buffer, square)
        if self.amsgrad:
            largest = self._kept("largest", position)
            square = np.maximum(largest, square, out=largest)

        np.sqrt(square, buffer)
        np.multiply(buffer, root, buffer)
        np.add(buffer, self.eps, buffer)
        np.divide(mean, buffer, buffer)
        np.multiply(buffer, rate, buffer)
        np.subtract(data, buffer, data)
        parameter.data = data

    def _kept(self, kind: str, position: int) -> states.Array:
        """An array of the memory; zeros at first."""
        array = self._memory[kind][position]
        if array is None:
            array = self._memory[kind][position] = np.zeros_like(self._buffers[position])
        return array


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
        params: given.Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize)


def _values(gradient: Any) -> Any:
    """The numbers of a gradient, which is a Tensor after `create_graph=True`."""
    return gradient.data if isinstance(gradient, Tensor) else gradient
