"""HIPS autograd's `autograd.misc.flatten`."""

from autograd.hips.flattening import flatten, flatten_func

__all__ = ["flatten", "flatten_func"]
