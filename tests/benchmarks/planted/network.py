"""A network of the benchmark: its sizes, its values, its forward pass, and a student's derivation of its gradients."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import Tensor
from tests.benchmarks.planted.lines import Values
from tests.benchmarks.planted.pen import Array, Pen

Arrays = dict[str, Array]


@dataclass(frozen=True)
class Config:
    """Sizes of a network: samples, and the widths of its layers from the input on.

    With `ties`, zeros where people have them; `solved` says that `make` puts the parameters at the minimum, where
    gradients are rounding errors: no place for mistakes, and one for false alarms.
    """

    name: str
    samples: int
    widths: tuple[int, ...]
    ties: bool = False
    solved: bool = False


@dataclass(frozen=True)
class Network:
    """One network.

    Attributes:
        name: in the tables.
        configs: its sizes.
        make: from a generator and sizes, what is constant, and the parameters, by name.
        forward: the loss; writes every value on the way into the `Values` that it is given.
        hand: the derivation, line by line, in NumPy.
        axis: the samples' axis in everything that has one; None if there is but one sample.
        scale: how many times the gradients of values on the way are those of the loss, in the author's convention.
    """

    name: str
    configs: tuple[Config, ...]
    make: Callable[[np.random.Generator, Config], tuple[Mapping[str, Any], Arrays]]
    forward: Callable[[Values], Any]
    hand: Callable[[Values, Pen], None]
    axis: int | None = 0
    scale: Callable[[Config], float] = lambda config: 1.0

    def values(self, config: Config) -> tuple[dict[str, Any], Arrays]:
        """Constants and parameters in float64, the same at every call."""
        rng = np.random.default_rng(zlib.crc32(f"{self.name} {config.name}".encode()))
        constants, parameters = self.make(rng, config)
        if config.ties:
            _tie(constants, parameters, self.axis)
        return dict(constants), parameters

    def graph(self, config: Config, dtype: Any = np.float64) -> tuple[Tensor, Values]:
        """The loss as a Tensor, and all Tensors on the way by name."""
        constants, parameters = self.values(config)
        tensors = {name: Tensor(p.astype(dtype), requires_grad=True, name=name) for name, p in parameters.items()}
        v = Values({**_cast(constants, dtype), **tensors})
        return self.forward(v), v

    def derive(
        self,
        config: Config,
        dtype: Any = np.float64,
        planted: Iterable[tuple[str, str]] = (),
        order: Array | None = None,
    ) -> Pen:
        """The pen after the derivation: with slips, and with the samples in another order.

        Raises:
            DoesNotFitError: shapes do not let a slip pass.
        """
        constants, parameters = self.values(config)
        if order is not None and self.axis is not None:
            constants = {name: self._ordered(name, value, order) for name, value in constants.items()}
        v = Values(_cast({**constants, **parameters}, dtype))
        self.forward(v)
        pen = Pen(frozenset(planted))
        self.hand(v, pen)
        if order is not None and self.axis is not None:
            back = np.argsort(order)
            for name, gradient in pen.gradients.items():
                if name not in parameters:
                    pen.gradients[name] = self._ordered(name, gradient, back)
        return pen

    def _ordered(self, name: str, value: Any, order: Array) -> Any:
        if not isinstance(value, np.ndarray) or value.ndim == 0 or self.axis is None:
            return value
        return value.take(order, axis=self.axis if value.ndim > 1 else 0)


def _cast(values: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """Floats in another dtype; a cast array is a copy, or a student's update would write into the data."""
    return {
        name: value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for name, value in values.items()
    }


def _tie(constants: Mapping[str, Any], parameters: Arrays, axis: int | None) -> None:
    """A sample of zeros, biases that start at zero, and a first unit whose weights are exactly 0."""
    for name, p in parameters.items():
        if name.startswith("b"):
            p[...] = 0
    np.moveaxis(parameters["W1"], 1 if axis == 0 else 0, 0)[0] = 0
    if axis is not None:
        np.moveaxis(constants["X"], axis, 0)[0] = 0


def slope(network: Network, config: Config, name: str, h: float = 1e-5) -> Array:
    """dL/d(name) by central differences, for a parameter or any value on the way.

    Fourth order (four points): truncation and rounding are both far below what a slip does.
    """
    constants, parameters = network.values(config)
    v = Values({**constants, **parameters})
    network.forward(v)
    shape = np.shape(v[name])
    gradient = np.zeros(shape)
    for index in np.ndindex(*shape):

        def at(step: float, index: tuple[int, ...] = index) -> float:
            nudge = np.zeros(shape)
            nudge[index] = step
            moved = dict(parameters)
            if name in moved:
                moved[name] = moved[name] + nudge
            values = Values({**constants, **moved}, {} if name in moved else {name: nudge})
            return float(network.forward(values))

        gradient[index] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    return gradient if name in parameters else gradient * network.scale(config)
