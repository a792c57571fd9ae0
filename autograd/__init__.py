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

from autograd.array.conversion import GradientCutWarning
from autograd.array.tensor import Tensor, tensor
from autograd.grad_mode import enable_grad, no_grad
from autograd.rules.definition import operation

if TYPE_CHECKING:
    import autograd.numpy as numpy
    import autograd.scipy as scipy
    import autograd.testing as testing
    from autograd.compiler import compile
    from autograd.derivation import derive
    from autograd.files import replacing
    from autograd.inspection import detect_anomaly, explain
    from autograd.rebinding import differentiable
    from autograd.render import draw, draw_comparison, draw_diff
    from autograd.render.frames import frames
    from autograd.render.player import player
    from autograd.scopes import scope
    from autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

# What stands above the engine is loaded on first use, so that importing costs little.
_TRANSFORMS = ("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp")
_LATER = {
    **dict.fromkeys(("draw", "draw_comparison", "draw_diff", "frames", "player"), "autograd.render"),
    "compile": "autograd.compiler",
    "derive": "autograd.derivation",
    **dict.fromkeys(("detect_anomaly", "explain"), "autograd.inspection"),
    "replacing": "autograd.files",
    "differentiable": "autograd.rebinding",
    "scope": "autograd.scopes",
    **dict.fromkeys(_TRANSFORMS, "autograd.transforms"),
}


def __getattr__(name: str) -> Any:
    if name in ("numpy", "scipy", "testing"):
        return import_module(f"autograd.{name}")
    if name not in _LATER:
        raise AttributeError(f"module 'autograd' has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "GradientCutWarning",
    "Tensor",
    "compile",
    "derive",
    "detect_anomaly",
    "differentiable",
    "draw",
    "draw_comparison",
    "draw_diff",
    "enable_grad",
    "explain",
    "frames",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "numpy",
    "operation",
    "player",
    "replacing",
    "scipy",
    "scope",
    "tensor",
    "testing",
    "value_and_grad",
    "vjp",
]
