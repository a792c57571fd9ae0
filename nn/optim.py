"""Optimisers: they change parameters in place by their gradients.

The arrays of parameters, and the buffers beside them, live as long as the optimiser: an array of the
size of a weight that was freed and allocated at every step would cost more than the arithmetic on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from autograd import Tensor
from nn import state as states
from nn.module import Module

Parameters = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Mapping[str, Tensor]


class Optimizer:
    """What all optimisers share: named parameters, settings, and memory from step to step.

    Subclasses define `step`, name their settings, and put their memory into `_memory`: by its name, an
    array or None for every parameter; and what they count into `_counts`, an array of integers, one for every
    parameter. Memory and counts are changed by NumPy alone, which a compiled step repeats. Data that was
    written in place is set to itself, which tells graphs that used it.

    Args:
        params: Tensors, pairs of name and Tensor, or a dictionary; such as `model.parameters()`.

    Raises:
        TypeError: a parameter that is no Tensor of floats.
        ValueError: no parameters, the same one twice, or one that was computed.
    """

    settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Parameters) -> None:
        named = _named(params, type(self).__name__)
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
        value = _nonnegative("lr", value)
        for rate in self._rates.values():
            rate[...] = value

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
            ValueError: names everything that is missing, unexpected or of another shape, at once.
                Nothing is changed then.
        """
        shapes: dict[str, tuple[int, ...]] = {name: np.shape(getattr(self, name)) for name in self.settings}
        shapes |= {f"{kind}.{name}": () for kind in self._counts for name in self.names}
        required = set(shapes)
        for kind in self._memory:
            for name, parameter in zip(self.names, self.parameters, strict=True):
                shapes[f"{kind}.{name}"] = parameter.shape
        arrays = states.checked(type(self).__name__, shapes, state, shapes.keys() - required)
        for name in self.settings:
            value = arrays[name].tolist()
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
        for kind, counts in self._counts.items():
            counts[:] = [int(arrays[f"{kind}.{name}"]) for name in self.names]
        for kind, memory in self._memory.items():
            for position, (name, parameter) in enumerate(zip(self.names, self.parameters, strict=True)):
                array = arrays.get(f"{kind}.{name}")
                memory[position] = None if array is None else np.array(array, dtype=parameter.dtype)

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

    settings = ("lr", "momentum", "nesterov", "weight_decay", "dampening", "maximize")

    def __init__(
        self,
        params: Parameters,
        lr: float,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr = lr
        self.momentum = _nonnegative("momentum", momentum)
        self.weight_decay = _nonnegative("weight_decay", weight_decay)
        self.dampening = _nonnegative("dampening", dampening)
        self.nesterov, self.maximize = bool(nesterov), bool(maximize)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(f"SGD: nesterov takes momentum ({momentum}) above 0 and dampening ({dampening}) 0")
        self._velocity: list[states.Array | None] = [None] * len(self.parameters)
        self._memory["velocity"] = self._velocity
        self._slots = [(p, np.empty_like(p.data), self._rates[p.dtype]) for p in self.parameters]

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

    settings = ("lr", "betas", "eps", "weight_decay", "amsgrad", "maximize")
    _decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params)
        self.lr, self.eps = lr, _nonnegative("eps", eps)
        self.weight_decay = _nonnegative("weight_decay", weight_decay)
        self.betas = _betas(betas)
        self.amsgrad, self.maximize = bool(amsgrad), bool(maximize)
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
        params: Parameters,
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


def _nonnegative(name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is {value}; it must be finite, and at least 0")
    return float(value)


def _betas(betas: tuple[float, float]) -> tuple[float, float]:
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas are {tuple(betas)}; they must be two numbers, at least 0 and below 1")
    return float(betas[0]), float(betas[1])


def _named(params: Parameters, optimizer: str) -> dict[str, Tensor]:
    """The parameters by name: the given one, else the Tensor's own, or all by position if some have none."""
    if isinstance(params, (Tensor, Module)):
        cure = "a list, [tensor]" if isinstance(params, Tensor) else "model.parameters()"
        raise TypeError(f"{optimizer} takes {cure}, not a {type(params).__name__} alone")
    entries = list(params.items() if isinstance(params, Mapping) else params)
    if not entries:
        raise ValueError(f"{optimizer} got no parameters. A generator such as model.parameters() serves once")
    pairs = [entry if isinstance(entry, tuple) else (None, entry) for entry in entries]
    for position, (name, parameter) in enumerate(pairs):
        _check_parameter(f"{optimizer}: parameter {position if name is None else name}", parameter)
    if len({id(parameter) for _, parameter in pairs}) < len(pairs):
        raise ValueError(f"{optimizer} got the same parameter twice, and would change it twice a step")
    names = [parameter.name if name is None else name for name, parameter in pairs]
    if None in names or len(set(names)) < len(names):
        names = [str(position) for position in range(len(pairs))]
    return {str(name): parameter for name, (_, parameter) in zip(names, pairs, strict=True)}


def _check_parameter(title: str, parameter: Any) -> None:
    if not isinstance(parameter, Tensor) or parameter.dtype.kind != "f":
        kind = f"Tensor of {parameter.dtype}" if isinstance(parameter, Tensor) else type(parameter).__name__
        raise TypeError(f"{title} is a {kind}; it must be a Tensor of floats, with requires_grad=True")
    if not parameter.is_leaf:
        raise ValueError(f"{title} was computed; an optimiser takes leaves, such as nn.Parameter")
    if not parameter.data.flags.writeable:
        parameter.data = parameter.data.copy()  # steps write to it
