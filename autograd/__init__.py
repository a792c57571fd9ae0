"""Reverse-mode differentiation of ordinary NumPy code.

>>> import numpy as np
>>> from autograd import Tensor
>>> w = Tensor([1.0, 2.0], requires_grad=True)
>>> np.sum(np.exp(w) * 3).backward()
>>> bool(np.allclose(w.grad, 3 * np.exp(w.data)))
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd.graph import enable_grad, no_grad
from autograd.tensor import Tensor, operation, tensor

if TYPE_CHECKING:
    import autograd.testing as testing  # noqa: PLR0402
    from autograd.render import draw

# What stands above the engine is loaded on first use, so that importing costs little.
_ROOMS = {"draw": "autograd.render", "testing": "autograd.testing"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'autograd' has no attribute {name!r}")
    module = import_module(_ROOMS[name])
    return module if _ROOMS[name] == f"autograd.{name}" else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = ["Tensor", "draw", "enable_grad", "no_grad", "operation", "tensor", "testing"]
