"""HIPS autograd's `autograd.wrap_util`."""

from autograd.hips.operators import unary_to_nary

__all__ = ["unary_to_nary"]
