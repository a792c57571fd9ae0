"""HIPS autograd's `autograd.extend`."""

from autograd.array.tensor import Tensor as Box
from autograd.hips.primitives import (
    defjvp,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
)

__all__ = ["Box", "defjvp", "defvjp", "defvjp_argnum", "defvjp_argnums", "notrace_primitive", "primitive"]
