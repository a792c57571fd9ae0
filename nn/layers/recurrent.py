"""Recurrent layers: the same step over and over, along a sequence."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike

from nn import functional, given, init
from nn.module import Module
from nn.parameter import Parameter


class _Cell(Module):
    """What both cells hold: a weight for the input and one for the state, each with a bias."""

    _gates: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.input_size = given.size(f"{name}: input_size", input_size)
        self.hidden_size = given.size(f"{name}: hidden_size", hidden_size)
        rng, bound, width = init.generator(rng), 1 / math.sqrt(hidden_size), self._gates * hidden_size

        def drawn(*shape: int) -> Parameter:
            return Parameter(init.uniform(shape, rng=rng, dtype=dtype, low=-bound, high=bound))

        self.weight_ih, self.weight_hh = drawn(input_size, width), drawn(hidden_size, width)
        self.bias_ih: Parameter | None = drawn(width) if bias else None
        self.bias_hh: Parameter | None = drawn(width) if bias else None

    def _sum(self, x: Any, h: Any) -> Any:
        if np.ndim(x) != 2 or np.shape(x)[1] != self.input_size:
            raise ValueError(f"{self._title()}: input is {np.shape(x)}; it must be (n, {self.input_size})")
        if np.shape(h) != (np.shape(x)[0], self.hidden_size):
            raise ValueError(
                f"{self._title()}: state is {np.shape(h)}; it must be {(np.shape(x)[0], self.hidden_size)}"
            )
        return functional.linear(x, self.weight_ih, self.bias_ih) + functional.linear(h, self.weight_hh, self.bias_hh)

    def _zeros(self, x: Any) -> Any:
        return np.zeros((np.shape(x)[0], self.hidden_size), self.weight_hh.dtype)

    def multiply_adds(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        return int(input_shape[0] * (self.weight_ih.size + self.weight_hh.size))


class RNNCell(_Cell):
    r"""One step of a recurrent network: $h' = \tanh(x W + b + h U + c)$.

    Args:
        input_size, hidden_size: the lengths of x and of h.
        bias: whether there are b and c.
        nonlinearity: "tanh" or "relu".
        rng: a `np.random.Generator`, a `RandomState` or a seed; None for fresh entropy.
        dtype: of the parameters.

    Attributes:
        weight_ih, weight_hh: W of shape (input, hidden) and U of shape (hidden, hidden).
        bias_ih, bias_hh: b and c, or None.

    Raises:
        ValueError: a size below 1, another nonlinearity; in a call, shapes that do not fit.

    >>> RNNCell(3, 5, rng=0)(np.ones((2, 3))).shape
    (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, rng=rng, dtype=dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"{type(self).__name__}: nonlinearity is {nonlinearity!r}; it is 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity

    def forward(self, x: Any, h: Any = None) -> Any:
        z = self._sum(x, self._zeros(x) if h is None else h)
        return functional.relu(z) if self.nonlinearity == "relu" else np.tanh(z)


class LSTMCell(_Cell):
    r"""One step of an LSTM, with a memory c that gates write, keep and read.

    $(i, f, g, o) = x W + b + h U + b'$, the gates beside each other;
    $c' = \sigma(f) \odot c + \sigma(i) \odot \tanh g$ and $h' = \sigma(o) \odot \tanh c'$.

    Hochreiter and Schmidhuber, "Long short-term memory" (1997). Settings and errors are those of `RNNCell`; weights
    have the shapes (input, 4 hidden) and (hidden, 4 hidden).

    >>> h, c = LSTMCell(3, 5, rng=0)(np.ones((2, 3)))
    >>> h.shape, c.shape
    ((2, 5), (2, 5))
    """

    _gates = 4

    def forward(self, x: Any, state: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
        h, c = (self._zeros(x), self._zeros(x)) if state is None else state
        z, size = self._sum(x, h), self.hidden_size
        write, keep, read = (functional.sigmoid(z[:, k * size : (k + 1) * size]) for k in (0, 1, 3))
        c = keep * c + write * np.tanh(z[:, 2 * size : 3 * size])
        return read * np.tanh(c), c


class _Recurrent(Module):
    """A sequence through one cell a layer, each on what the one before gives."""

    _cell: ClassVar[type[_Cell]]
    cells: list[Any]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers = given.size(f"{type(self).__name__}: num_layers", num_layers)
        self.batch_first = given.switch(f"{type(self).__name__}: batch_first", batch_first)
        rng = init.generator(rng)
        sizes = [input_size, *[hidden_size] * (num_layers - 1)]
        self.cells = [self._cell(size, hidden_size, bias, rng=rng, dtype=dtype, **settings) for size in sizes]

    def _steps(self, x: Any) -> list[Any]:
        if np.ndim(x) != 3 or np.shape(x)[2] != self.input_size or not np.shape(x)[0 if not self.batch_first else 1]:
            axes = "(n, length, {})" if self.batch_first else "(length, n, {})"
            raise ValueError(f"{self._title()}: input is {np.shape(x)}; it must be {axes.format(self.input_size)}")
        return [x[:, t] for t in range(np.shape(x)[1])] if self.batch_first else [x[t] for t in range(np.shape(x)[0])]

    def _through(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """All outputs of the last layer, and the last state of each layer."""
        outputs = self._steps(x)
        ends = []
        for cell, state in zip(self.cells, states, strict=True):
            given_on = []
            for step in outputs:
                state = cell(step, state)
                given_on.append(state[0] if isinstance(state, tuple) else state)
            outputs = given_on
            ends.append(state)
        return np.stack(outputs, axis=1 if self.batch_first else 0), ends

    def _layers_of(self, name: str, state: Any) -> list[Any]:
        if np.ndim(state) != 3 or np.shape(state)[0] != self.num_layers:
            raise ValueError(
                f"{self._title()}: {name} is {np.shape(state)}; it must be ({self.num_layers}, n, {self.hidden_size})"
            )
        return [state[k] for k in range(self.num_layers)]


class RNN(_Recurrent):
    """`RNNCell` along a sequence, in one layer or several.

    Args:
        input_size, hidden_size: the lengths of an input and of a state.
        num_layers: how many; each takes the outputs of the one before.
        bias: whether cells have biases.
        batch_first: whether the input is (n, length, input) instead of (length, n, input).
        nonlinearity: "tanh" or "relu".
        rng: a `np.random.Generator`, a `RandomState` or a seed; None for fresh entropy.
        dtype: of the parameters.

    Attributes:
        cells: the `RNNCell` of each layer.

    Raises:
        ValueError: sizes or settings out of range; in a call, shapes that do not fit.

    A call gives the outputs of all steps, (length, n, hidden), and the last states, (layers, n, hidden).

    >>> outputs, last = RNN(3, 5, rng=0)(np.ones((7, 2, 3)))
    >>> outputs.shape, last.shape
    ((7, 2, 5), (1, 2, 5))
    """

    _cell = RNNCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, rng=rng, dtype=dtype, nonlinearity=nonlinearity
        )
        self.nonlinearity = nonlinearity

    def forward(self, x: Any, h: Any = None) -> tuple[Any, Any]:
        states = [None] * self.num_layers if h is None else self._layers_of("h", h)
        outputs, ends = self._through(x, states)
        return outputs, np.stack(ends)


class LSTM(_Recurrent):
    """`LSTMCell` along a sequence, in one layer or several; settings and errors are those of `RNN`.

    A call gives the outputs of all steps, (length, n, hidden), and a pair of the last states h and c, each
    (layers, n, hidden).

    >>> outputs, (h, c) = LSTM(3, 5, num_layers=2, batch_first=True, rng=0)(np.ones((2, 7, 3)))
    >>> outputs.shape, h.shape, c.shape
    ((2, 7, 5), (2, 2, 5), (2, 2, 5))
    """

    _cell = LSTMCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        *,
        rng: init.Rng = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, rng=rng, dtype=dtype)

    def forward(self, x: Any, state: tuple[Any, Any] | None = None) -> tuple[Any, tuple[Any, Any]]:
        states: list[Any] = [None] * self.num_layers
        if state is not None:
            states = list(zip(self._layers_of("h", state[0]), self._layers_of("c", state[1]), strict=True))
        outputs, ends = self._through(x, states)
        return outputs, (np.stack([h for h, _ in ends]), np.stack([c for _, c in ends]))
