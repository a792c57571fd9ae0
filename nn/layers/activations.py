"""Activations as modules; the mathematics is in `nn.functional`."""

from __future__ import annotations

from typing import Any, Literal

from nn import functional, given
from nn.module import Module


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


class LeakyReLU(Module):
    """`x` where positive, else `negative_slope * x`; see `nn.functional.leaky_relu`.

    >>> import numpy as np
    >>> LeakyReLU(0.1)(np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = given.finite("LeakyReLU: negative_slope", negative_slope)

    def forward(self, x: Any) -> Any:
        return functional.leaky_relu(x, self.negative_slope)


class ELU(Module):
    """`x` where positive, else `alpha * (exp(x) - 1)`; see `nn.functional.elu`.

    >>> import numpy as np
    >>> ELU()(np.array([-1000.0, 2.0]))
    array([-1.,  2.])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = given.finite("ELU: alpha", alpha)

    def forward(self, x: Any) -> Any:
        return functional.elu(x, self.alpha)


class GELU(Module):
    """`x` times the normal distribution below it; see `nn.functional.gelu`.

    >>> round(float(GELU()(1.0)), 6)
    0.841345
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        functional.gelu(0.0, approximate)
        self.approximate: Literal["none", "tanh"] = approximate

    def forward(self, x: Any) -> Any:
        return functional.gelu(x, self.approximate)


class SiLU(Module):
    """`x * sigmoid(x)`; see `nn.functional.silu`.

    >>> float(SiLU()(0.0))
    0.0
    """

    def forward(self, x: Any) -> Any:
        return functional.silu(x)


class Softplus(Module):
    """`log(1 + exp(beta * x)) / beta`; see `nn.functional.softplus`.

    >>> round(float(Softplus()(0.0)), 6)
    0.693147
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = given.positive("Softplus: beta", beta)
        self.threshold = given.finite("Softplus: threshold", threshold)

    def forward(self, x: Any) -> Any:
        return functional.softplus(x, self.beta, self.threshold)
