"""HIPS autograd's `autograd.misc`."""

from functools import partial as const_graph  # a graph is recorded anew at each call

from autograd.hips.flattening import flatten

__all__ = ["const_graph", "flatten"]
