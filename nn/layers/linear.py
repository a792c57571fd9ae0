"""Linear maps."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nn import functional, given, init
from nn.module import Module
from nn.parameter import Parameter

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
        self.in_features = given.size("Linear: in_features", in_features)
        self.out_features = given.size("Linear: out_features", out_features)
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
            if np.asarray(getattr(x, "data", x)).dtype.kind not in "fiub":
                raise TypeError(f"{self._title()}: input is a {type(x).__name__}; it holds no numbers") from error
            text = functional.mismatch(np.shape(x), self.weight.shape)
            if text is None:
                raise
            raise ValueError(f"{self._title()}: {text}") from error

    def multiply_adds(self, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> int:
        """The products that a call sums up, for `summary`."""
        return math.prod(output_shape) * self.in_features
