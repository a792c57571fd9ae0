"""Reverse-mode differentiation of ordinary NumPy code.

>>> import numpy as np
>>> from autograd import Tensor
>>> w = Tensor([1.0, 2.0], requires_grad=True)
>>> np.sum(np.exp(w) * 3).backward()
>>> bool(np.allclose(w.grad, 3 * np.exp(w.data)))
True
"""

from __future__ import annotations

import sys
from os.path import exists
from typing import TYPE_CHECKING, Any
from warnings import warn

import autograd.core
from autograd.array.conversion import GradientCutWarning
from autograd.array.tensor import Tensor, tensor
from autograd.basis.loading import load
from autograd.core.op import LATER
from autograd.grad_mode import enable_grad, no_grad
from autograd.rules.definition import operation

if TYPE_CHECKING:
    import autograd.arrays as arrays
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
_HIPS = (
    "checkpoint", "deriv", "elementwise_grad", "grad_and_aux", "grad_named", "hessian_tensor_product",
    "hessian_vector_product", "holomorphic_grad", "make_ggnvp", "make_hvp", "make_jvp", "make_vjp", "multigrad_dict",
    "tensor_jacobian_product", "vector_jacobian_product",
)  # fmt: skip
_LATER = {
    **dict.fromkeys(("draw", "draw_comparison", "draw_diff", "frames", "player"), "autograd.render"),
    "compile": "autograd.compiler",
    "derive": "autograd.derivation",
    **dict.fromkeys(("detect_anomaly", "explain"), "autograd.inspection"),
    "replacing": "autograd.files",
    "differentiable": "autograd.rebinding",
    **dict.fromkeys(_HIPS, "autograd.hips.operators"),
    **dict.fromkeys(("dict", "isinstance", "list", "tuple", "type"), "autograd.builtins"),
    "scope": "autograd.scopes",
    **dict.fromkeys(_TRANSFORMS, "autograd.transforms"),
}


# HIPS autograd has the same import name: its modules are found here too, ours before files that it left behind.
__path__ = [f"{__path__[0]}/hips/names", *__path__]
if exists(f"{__path__[1]}/tracer.py"):
    warn(
        "HIPS autograd is installed in the same folder as this package, which serves its interface. Uninstalling one "
        "takes files of the other: pip uninstall autograd chalkgrad, then install chalkgrad",
        stacklevel=2,
    )


def _inner_part(name: str) -> Any:
    """HIPS autograd's `VJPNode` and kin, which its users import from `autograd.core`."""
    if name not in ("VJPNode", "backward_pass"):
        raise AttributeError(f"module 'autograd.core' has no attribute {name!r}")
    return getattr(load("autograd.hips.nodes"), name)


autograd.core.__getattr__ = _inner_part  # type: ignore[method-assign]


def _load_scipy(fn: Any) -> None:
    """The records of `scipy.special`, when one of its functions first meets a Tensor."""
    if getattr(sys.modules.get("scipy.special"), getattr(fn, "__name__", ""), None) is fn:
        load("autograd.scipy.special")


LATER.append(_load_scipy)


def __getattr__(name: str) -> Any:
    if name in ("arrays", "numpy", "scipy", "testing"):
        return load(f"autograd.{name}")
    if name not in _LATER:
        raise AttributeError(f"module 'autograd' has no attribute {name!r}")
    return getattr(load(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "GradientCutWarning",
    "Tensor",
    "arrays",
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
