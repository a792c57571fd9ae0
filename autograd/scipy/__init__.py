"""SciPy's functions on Tensors, by the names of its modules: `autograd.scipy.stats.norm.logpdf(t)`.

SciPy is no dependency: a module here is loaded when it is asked for, or when its model is loaded and code is run by
`autograd.differentiable`. It may import `numpy` and what is under it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

_MODULES = (
    "fft",
    "integrate",
    "interpolate",
    "linalg",
    "ndimage",
    "optimize",
    "signal",
    "sparse",
    "spatial",
    "special",
    "stats",
)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'autograd.scipy' has no attribute {name!r}; it has {', '.join(_MODULES)}")
    return import_module(f"autograd.scipy.{name}")


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]


def load() -> None:
    """Fill the table for those of SciPy's modules that are in use."""
    for name in _MODULES:
        if f"scipy.{name}" in sys.modules and f"autograd.scipy.{name}" not in sys.modules:
            import_module(f"autograd.scipy.{name}")
