"""HIPS autograd's `autograd.tracer`."""

from autograd.array.tensor import Tensor as Box
from autograd.hips.primitives import getval, isbox, notrace_primitive, primitive

__all__ = ["Box", "getval", "isbox", "notrace_primitive", "primitive"]
