"""Activations that bend where ReLU breaks: leaky ReLU, ELU, softplus, SiLU and GELU."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from autograd import operation
from nn.functional import formulas
from nn.functional.activations import ANY, sigmoid


def _leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    r"""$x$ where it is positive, else $\alpha x$ with the small slope $\alpha$. Any shape.

    $\bar x = \bar y$ where $x > 0$, else $\alpha \bar y$, at 0 too.
    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models" (ICML 2013).

    >>> import numpy as np
    >>> from nn.functional import leaky_relu
    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    return np.where(np.greater(x, 0), x, np.multiply(x, negative_slope))


leaky_relu = operation(
    _leaky_relu,
    name="nn.functional.leaky_relu",
    role="activation",
    written=formulas.leaky_relu,
    vjp=lambda g, y, x, negative_slope=0.01: np.where(np.greater(x, 0), g, g * negative_slope),
    zeros="choice",
    math=r"\bar x = \bar y \odot (1[x > 0] + \alpha \, 1[x \le 0])",
    samples=[*ANY, lambda rng: (rng.normal(size=5), {"negative_slope": 0.3})],
    ties="the slope of the negative side at 0",
)


def _elu(x: Any, alpha: float = 1.0) -> Any:
    r"""$x$ where it is positive, else $\alpha (e^x - 1)$. Any shape.

    $\bar x = \bar y$ where $x > 0$, else $\bar y (y + \alpha)$.
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by ELUs" (ICLR 2016).

    >>> import numpy as np
    >>> from nn.functional import elu
    >>> elu(np.array([-1000.0, 2.0]))
    array([-1.,  2.])
    """
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))


elu = operation(
    _elu,
    name="nn.functional.elu",
    role="activation",
    written=formulas.elu,
    vjp=lambda g, y, x, alpha=1.0: np.where(np.greater(x, 0), g, g * (y + alpha)),
    zeros="choice",
    math=r"\bar x = \bar y \odot (1[x > 0] + (y + \alpha) \, 1[x \le 0])",
    samples=[*ANY, lambda rng: (rng.normal(size=5), {"alpha": 0.3})],
    ties="the slope of the negative side at 0",
)


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    r"""$\frac1\beta \ln(1 + e^{\beta x})$; where $\beta x$ is above the threshold x itself, as in PyTorch. Any shape.

    $\bar x = \bar y \, \sigma(\beta x)$. Nothing overflows.

    >>> import numpy as np
    >>> from nn.functional import softplus
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(6)
    array([0.00000e+00, 6.93147e-01, 1.00000e+03])
    """
    z = np.multiply(x, beta)
    return np.where(z > threshold, x, (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta)


softplus = operation(
    _softplus,
    name="nn.functional.softplus",
    role="activation",
    written=formulas.softplus,
    vjp=lambda g, y, x, beta=1.0, threshold=20.0: np.where(x * beta > threshold, g, g * sigmoid(x * beta)),
    zeros="choice",
    math=r"\bar x = \bar y \odot \sigma(\beta x)",
    samples=[*ANY, lambda rng: (rng.normal(size=5), {"beta": 2.0})],
)


def _silu_slope(g: Any, y: Any, x: Any) -> Any:
    s = sigmoid(x)
    return g * (s * (1 + x * (1 - s)))


def _silu(x: Any) -> Any:
    r"""$x \, \sigma(x)$, also called swish. Any shape.

    $\bar x = \bar y \, \sigma(x) (1 + x (1 - \sigma(x)))$.
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation" (2018).

    >>> import numpy as np
    >>> from nn.functional import silu
    >>> silu(np.array([-1000.0, 0.0, 1000.0])) + 0.0
    array([   0.,    0., 1000.])
    """
    return np.multiply(x, sigmoid(x))


silu = operation(
    _silu,
    name="nn.functional.silu",
    role="activation",
    written=formulas.silu,
    vjp=_silu_slope,
    math=r"\bar x = \bar y \odot \sigma(x) \odot (1 + x \odot (1 - \sigma(x)))",
    samples=ANY,
)

# The normal distribution, and GELU

_LAST = 6.0  # beyond it the integral is below half of a unit in the last place of 1


def _scaled_tail(t: float) -> float:
    """erfc(t) (1 + 2t) exp(t^2), between 1 and 1.3 everywhere; the square in two parts, each exact or small."""
    near = round(t * 16) / 16
    return math.erfc(t) * (1 + 2 * t) * math.exp(near * near) * math.exp((t - near) * (t + near))


@lru_cache(maxsize=1)
def _coefficients() -> Any:
    """The Chebyshev polynomial through `_scaled_tail`, in (t - 2) / (t + 2), scaled to the ends of its domain."""

    def at(z: Any) -> Any:
        s = -1 + (z + 1) * (0.5 * (_LAST - 2) / (_LAST + 2) + 0.5)
        return np.array([_scaled_tail(2 * (1 + k) / (1 - k)) for k in s])

    return np.polynomial.chebyshev.chebinterpolate(at, 22)


def _normal_cdf(x: Any) -> Any:
    r"""$\Phi(x)$, the probability that a standard normal number is below x. Any shape.

    $\bar x = \bar y \, e^{-x^2/2} / \sqrt{2\pi}$. Right to $10^{-14}$: between the points where Python's `math` is
    asked, a polynomial goes through (Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x)exp(x^2)erfc x",
    1981).

    >>> import numpy as np
    >>> from nn.functional import normal_cdf
    >>> normal_cdf(np.array([-40.0, 0.0, 40.0])).round(12)
    array([0. , 0.5, 1. ])
    """
    size = np.minimum(np.abs(x), 40) * math.sqrt(0.5)
    t = np.minimum(size, _LAST)
    z = ((t - 2) / (t + 2) + 1) / (0.5 * (_LAST - 2) / (_LAST + 2) + 0.5) - 1
    tail = (
        np.polynomial.chebyshev.chebval(z, _coefficients().astype(t.dtype)) / (1 + 2 * t) * np.exp(-size * size) * 0.5
    )
    return np.where(np.less(x, 0), tail, 1 - tail)


def _density(x: Any) -> Any:
    return np.exp(np.square(np.clip(x, -40, 40)) * -0.5) * (1 / math.sqrt(2 * math.pi))


normal_cdf = operation(
    _normal_cdf,
    name="nn.functional.normal_cdf",
    role="activation",
    label="Φ",
    written=formulas.normal_cdf,
    vjp=lambda g, y, x: g * _density(x),
    math=r"\bar x = \bar y \odot e^{-x^2 / 2} / \sqrt{2\pi}",
    samples=ANY,
)


_BEND = math.sqrt(2 / math.pi)


def _gelu(x: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    r"""$x \, \Phi(x)$, with $\Phi$ the distribution of a standard normal number. Any shape.

    With "tanh" it is $\frac x2 (1 + \tanh(\sqrt{2/\pi} (x + 0.044715 x^3)))$, which differs by less than 0.0005.
    Hendrycks and Gimpel, "Gaussian error linear units" (2016).

    Raises:
        ValueError: another approximation.

    >>> import numpy as np
    >>> from nn.functional import gelu
    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(6)
    array([-0.158655,  0.      ,  0.841345])
    """
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(_BEND * (x + 0.044715 * x * x * x)))
    if approximate != "none":
        raise ValueError(f"gelu: approximate is {approximate!r}; it is 'none' or 'tanh'")
    return np.multiply(x, normal_cdf(x))


def _gelu_slope(g: Any, y: Any, x: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    if approximate == "none":
        return g * (normal_cdf(x) + x * _density(x))
    t = np.tanh(_BEND * (x + 0.044715 * x * x * x))
    return g * (0.5 * (1 + t) + (0.5 * _BEND) * x * (1 - t * t) * (1 + 0.134145 * x * x))


gelu = operation(
    _gelu,
    name="nn.functional.gelu",
    role="activation",
    label="GELU",
    written=formulas.gelu,
    vjp=_gelu_slope,
    math=r"\bar x = \bar y \odot (\Phi(x) + x \odot e^{-x^2 / 2} / \sqrt{2\pi})",
    samples=[*ANY, lambda rng: (rng.normal(size=5), {"approximate": "tanh"})],
)
