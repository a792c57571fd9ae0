"""HIPS autograd's `autograd.misc`."""

from autograd.hips.flattening import flatten

__all__ = ["flatten"]
