"""NumPy's whole namespace, with the makers that its protocols cannot see: `import autograd.numpy as np`.

`np.array`, `np.zeros` and their kin give Tensors without a gradient, until one is written into them. NumPy itself is
not changed. It may import `array` and what is under it.

>>> import autograd
>>> import autograd.numpy as np
>>> def path(x):
...     out = np.zeros(3)
...     out[0] = x
...     for k in range(2):
...         out[k + 1] = out[k] * x
...     return np.array([out[1], out[2]]).sum()
>>> float(autograd.grad(path)(2.0))  # of x^2 + x^3
16.0
"""

from __future__ import annotations

import sys
from typing import Any

import numpy

from autograd.numpy import kinds, makers, scalars  # noqa: F401  (fill the table)
from autograd.numpy.makers import make_diagonal  # noqa: F401  (HIPS autograd's)
from autograd.numpy.namespace import REPLACED, ours

__all__ = [name for name in numpy.__all__ if name.isidentifier()]


def __getattr__(name: str) -> Any:
    value = ours(getattr(numpy, name))
    if not name.startswith("__"):
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return dir(numpy)


__path__ = [*__path__, f"{__path__[0]}/../hips/numpy_names"]
REPLACED[numpy] = sys.modules[__name__]
sys.modules.update({f"{__name__}.{name}": ours(getattr(numpy, name)) for name in ("fft", "linalg", "random")})
