"""HIPS autograd's `autograd.numpy.numpy_boxes`."""

from autograd.array.tensor import Tensor as ArrayBox

__all__ = ["ArrayBox"]
