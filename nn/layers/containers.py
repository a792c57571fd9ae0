"""Modules of modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from inspect import signature
from itertools import pairwise, zip_longest
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike

from nn import given, init
from nn.layers.activations import ReLU
from nn.layers.linear import Initialiser, Linear
from nn.layers.simple import Dropout
from nn.module import Module, Named


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

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        for position, module in enumerate(modules):
            if isinstance(module, (list, tuple)):
                raise TypeError("Sequential takes modules one by one: nn.Sequential(*modules) of a list")
            if not isinstance(module, Module):
                made = f"make one of it, {module.__name__}(...)" if isinstance(module, type) else "nn.ReLU() is one"
                raise TypeError(f"Sequential: part {position} is {module!r}, not a Module: {made}")
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

    @overload
    def __getitem__(self, position: int) -> Module: ...
    @overload
    def __getitem__(self, position: slice) -> Sequential: ...
    def __getitem__(self, position: int | slice) -> Module:
        return Sequential(*self._steps[position]) if isinstance(position, slice) else self._steps[position]


class Residual(Module):
    """$y = f(x) + x$, with the module $f$; a `shortcut` maps x to the shape of $f(x)$ where that is another.

    Raises:
        TypeError: something that is no Module.
        ValueError: in a call, shapes that do not fit; nothing is broadcast.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (CVPR 2016).

    >>> import numpy as np
    >>> from nn import Tanh
    >>> Residual(Tanh())(np.zeros((1, 2)))
    array([[0., 0.]])
    """

    def __init__(self, module: Module, shortcut: Module | None = None) -> None:
        super().__init__()
        for part in (module, *([] if shortcut is None else [shortcut])):
            if not isinstance(part, Module):
                raise TypeError(f"Residual takes Modules, such as nn.Linear(3, 3), not {part!r}")
        self.module, self.shortcut = module, shortcut

    def forward(self, x: Any) -> Any:
        y = self.module(x)
        x = x if self.shortcut is None else self.shortcut(x)
        if np.shape(x) != np.shape(y):
            raise ValueError(
                f"{self._title()}: the module gives {np.shape(y)}, beside it goes {np.shape(x)}. "
                "Give a shortcut that maps one to the other, such as nn.Linear"
            )
        return y + x


class MLP(Module):
    """A multilayer perceptron: `Linear` layers with an activation between them.

    Args:
        sizes: of the input, of each hidden layer, and of the output.
        activation: what follows every hidden layer: a Module, or a class or function that makes one.
        output_activation: the same for the output; None leaves it linear.
        dropout: the probability of a 0 after each hidden activation.
        norm: what stands between a hidden layer and its activation: a class or function that is called with the
            layer's size and makes a Module, such as `nn.BatchNorm1d`.
        bias, rng, dtype, weight_init, bias_init: as for `Linear`; one generator serves all layers.

    Attributes:
        layers: the `Linear` modules, first to last.
        norms: the modules that `norm` made.

    Raises:
        ValueError: fewer than two sizes, or a size below 1; a `dropout` that is no probability.
        TypeError: sizes that are no list, an activation or a norm that is no Module.

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
        dropout: float = 0.0,
        norm: Callable[[int], Module] | None = None,
        bias: bool = True,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
        weight_init: Initialiser | None = None,
        bias_init: Initialiser | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(sizes, (Sequence, np.ndarray)):
            raise TypeError(
                f"MLP takes all sizes as one list, as in nn.MLP([4, 8, 3]); the first argument is {sizes!r}"
            )
        if len(sizes) < 2:
            raise ValueError(f"MLP({list(sizes)}): give at least the sizes of the input and of the output")
        sizes = [given.size(f"MLP: size {position}", size) for position, size in enumerate(sizes)]
        rng = init.generator(rng)
        make = partial(Linear, bias=bias, rng=rng, dtype=dtype, weight_init=weight_init, bias_init=bias_init)
        self.layers = [make(n_in, n_out) for n_in, n_out in pairwise(sizes)]
        self.norms = [] if norm is None else [_norm(norm, size, dtype) for size in sizes[1:-1]]
        self.activation = _module(activation)
        self.dropout = Dropout(dropout, rng=rng) if dropout != 0 else None
        self.output_activation = None if output_activation is None else _module(output_activation)

    def forward(self, x: Any) -> Any:
        activation, dropout = self.activation, self.dropout
        for layer, norm in zip_longest(self.layers[:-1], self.norms):
            x = layer(x)
            x = activation(x if norm is None else norm(x))
            x = x if dropout is None else dropout(x)
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


def _norm(norm: Callable[..., Module], size: int, dtype: DTypeLike) -> Module:
    """What `norm` makes for a layer of that size; of the network's dtype, if it takes one."""
    text = f"MLP: norm is called with a layer's size and makes a Module, as nn.BatchNorm1d does; not {norm!r}"
    if isinstance(norm, Module) or not callable(norm):
        raise TypeError(text)
    taken = signature(norm).parameters
    module = norm(size, dtype=dtype) if "dtype" in taken else norm(size)
    if not isinstance(module, Module):
        raise TypeError(text)
    return module
