"""HIPS autograd's `autograd.differential_operators`."""

from autograd.hips.operators import *  # noqa: F403
