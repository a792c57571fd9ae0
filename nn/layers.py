"""Layers: linear maps, activations, and modules one after the other."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nn import functional, init
from nn.module import Module, Named, Parameter

Initialiser = Callable[..., init.Array]


class Linear(Module):
    r"""$y = x W + b$, as a hand derivation writes it: rows are samples.

    Args:
        in_features, out_features: the lengths of the last axis of the input and of the output.
        bias: whether there is a `b`.
        rng: a `np.random.Generator`, a `RandomState` or a seed; None for fresh entropy.
        dtype: of the parameters.
        weight_init, bias_init: functions such as those of `nn.init`, called with a shape, `rng` and
            `dtype`, the weight's first. By default both draw uniformly from $\pm 1/\sqrt{in}$, as
            PyTorch does: `kaiming_uniform` with a gain of $\sqrt{1/3}$.

    Attributes:
        weight: Parameter of shape (in, out).
        bias: Parameter of shape (out,), or None.

    Raises:
        ValueError: a size below 1, or an initialiser that gives another shape; in a call, an input
            whose last axis is not `in`.
        TypeError: a size that is no integer, or an `rng` that is none.

    >>> import numpy as np
    >>> layer = Linear(3, 2, rng=0)
    >>> layer(np.ones((100, 3))).shape
    (100, 2)
    >>> layer(np.ones((100, 4)))
    Traceback (most recent call last):
      ...
    ValueError: Linear: weight is (3, 2), input is (100, 4). The input's last axis must be 3
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
        weight_init: Initialiser | None = None,
        bias_init: Initialiser | None = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = operator.index(in_features), operator.index(out_features)
        if min(self.in_features, self.out_features) < 1:
            raise ValueError(f"Linear({in_features}, {out_features}): both sizes must be at least 1")
        rng = init.generator(rng)
        bound = 1 / self.in_features**0.5
        default = partial(init.uniform, low=-bound, high=bound)
        weight = (weight_init or default)((self.in_features, self.out_features), rng=rng, dtype=dtype)
        if np.shape(weight) != (self.in_features, self.out_features):
            raise ValueError(f"Linear: weight_init gave {np.shape(weight)}, not {(in_features, out_features)}")
        self.weight = Parameter(weight)
        self.bias = None
        if bias:
            offset = (bias_init or default)((self.out_features,), rng=rng, dtype=dtype)
            if np.shape(offset) != (self.out_features,):
                raise ValueError(f"Linear: bias_init gave {np.shape(offset)}, not {(out_features,)}")
            self.bias = Parameter(offset)

    def forward(self, x: Any) -> Any:
        try:
            return functional.linear(x, self.weight, self.bias)
        except ValueError as error:
            text = functional.mismatch(np.shape(x), self.weight.shape)
            if text is None:
                raise
            raise ValueError(f"{self._title()}: {text}") from error


class ReLU(Module):
    """`max(x, 0)`; see `nn.functional.relu`.

    >>> import numpy as np
    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x: Any) -> Any:
        return functional.relu(x)


class Sigmoid(Module):
    """`1 / (1 + exp(-x))`; see `nn.functional.sigmoid`.

    >>> float(Sigmoid()(0.0))
    0.5
    """

    def forward(self, x: Any) -> Any:
        return functional.sigmoid(x)


class Tanh(Module):
    """`np.tanh(x)`.

    >>> float(Tanh()(0.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        return functional.tanh(x)


class Softmax(Module):
    """`exp(x)`, divided by its sum along an axis; see `nn.functional.softmax`.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 2)))
    array([[0.5, 0.5]])
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return functional.softmax(x, axis=self.axis)


class LogSoftmax(Module):
    """The logarithm of the softmax along an axis; see `nn.functional.log_softmax`.

    >>> import numpy as np
    >>> LogSoftmax()(np.array([[1000.0, 0.0]]))
    array([[    0., -1000.]])
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return functional.log_softmax(x, axis=self.axis)


class Dropout(Module):
    """In training, elements set to 0 at random and the others scaled up; see `nn.functional.dropout`.

    Args:
        p: the probability of a 0.
        rng: a `np.random.Generator`, a `RandomState` or a seed, from which every call draws on; None for
            fresh entropy.

    Raises:
        ValueError: a `p` that is no probability.

    >>> import numpy as np
    >>> layer = Dropout(0.5, rng=0)
    >>> layer(np.ones(6)), layer(np.ones(6))
    (array([2., 0., 0., 0., 2., 2.]), array([2., 2., 2., 2., 2., 0.]))
    >>> layer.eval()(np.ones(2))
    array([1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: init.Rng = None) -> None:
        super().__init__()
        self.p, self.rng = functional.probability("Dropout", p), init.generator(rng)

    def forward(self, x: Any) -> Any:
        return functional.dropout(x, self.p, self.training, rng=self.rng)


class Identity(Module):
    """The input itself.

    >>> Identity()(3.0)
    3.0
    """

    def forward(self, x: Any) -> Any:
        return x


class Sequential(Module):
    """Modules one after the other; each takes what the one before gives.

    Raises:
        TypeError: a part that is no Module.

    >>> import numpy as np
    >>> model = Sequential(Linear(3, 16, rng=0), ReLU(), Linear(16, 1, rng=1))
    >>> model(np.ones((100, 3))).shape
    (100, 1)
    >>> model
    Sequential   81 parameters
      0: Linear  64  weight (3, 16), bias (16,)
      1: ReLU
      2: Linear  17  weight (16, 1), bias (1,)
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        for position, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: part {position} is {module!r}, not a Module such as nn.ReLU()")
        self._steps = list(modules)

    def _members(self) -> list[Named]:
        return [(key.removeprefix("_steps."), part) for key, part in super()._members()]

    def forward(self, x: Any) -> Any:
        for step in self._steps:
            x = step(x)
        return x

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._steps)

    def __getitem__(self, position: int) -> Module:
        return self._steps[position]


class MLP(Module):
    """A multilayer perceptron: `Linear` layers with an activation between them.

    Args:
        sizes: of the input, of each hidden layer, and of the output.
        activation: what follows every hidden layer: a Module, or a class or function that makes one.
        output_activation: the same for the output; None leaves it linear.
        bias, rng, dtype, weight_init, bias_init: as for `Linear`; one generator serves all layers.

    Attributes:
        layers: the `Linear` modules, first to last.

    Raises:
        ValueError: fewer than two sizes, or a size below 1.
        TypeError: an activation that is no Module.

    >>> import numpy as np
    >>> model = MLP([3, 16, 8, 1], activation=ReLU, rng=0)
    >>> model(np.ones((100, 3))).shape
    (100, 1)
    >>> model
    MLP                 209 parameters
      layers.0: Linear   64  weight (3, 16), bias (16,)
      layers.1: Linear  136  weight (16, 8), bias (8,)
      layers.2: Linear    9  weight (8, 1), bias (1,)
      activation: ReLU
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Callable[[], Module] | Module = ReLU,
        output_activation: Callable[[], Module] | Module | None = None,
        *,
        bias: bool = True,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
        weight_init: Initialiser | None = None,
        bias_init: Initialiser | None = None,
    ) -> None:
        super().__init__()
        if len(sizes) < 2:
            raise ValueError(f"MLP({list(sizes)}): give at least the sizes of the input and of the output")
        make = partial(
            Linear,
            bias=bias,
            rng=init.generator(rng),
            dtype=dtype,
            weight_init=weight_init,
            bias_init=bias_init,
        )
        self.layers = [make(n_in, n_out) for n_in, n_out in pairwise(sizes)]
        self.activation = _module(activation)
        self.output_activation = None if output_activation is None else _module(output_activation)

    def forward(self, x: Any) -> Any:
        activation = self.activation
        for layer in self.layers[:-1]:
            x = activation(layer(x))
        x = self.layers[-1](x)
        return x if self.output_activation is None else self.output_activation(x)


def _module(activation: Callable[[], Module] | Module) -> Module:
    """The Module that an activation is, or makes."""
    text = f"MLP: an activation is a Module, or makes one, such as nn.ReLU; not {activation!r}"
    try:
        module = activation if isinstance(activation, Module) else activation()
    except TypeError as error:
        raise TypeError(text) from error
    if not isinstance(module, Module):
        raise TypeError(text)
    return module
