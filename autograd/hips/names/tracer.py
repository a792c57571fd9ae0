"""HIPS autograd's `autograd.tracer`."""

from autograd.array.tensor import Tensor as Box
from autograd.hips.nodes import new_box
from autograd.hips.primitives import getval, isbox, notrace_primitive, primitive

__all__ = ["Box", "getval", "isbox", "new_box", "notrace_primitive", "primitive"]
