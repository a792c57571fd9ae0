"""Functions that are made of recorded ones: NumPy code that runs on Tensors, so it needs no rule of its own."""

from autograd.rules.composed import (  # noqa: F401
    choice,
    complex,
    complex_functions,
    complex_linalg,
    elementwise,
    factors,
    fourier,
    joining,
    linalg,
    padding,
    polynomial,
    reduction,
    sampled,
    sets,
    shape,
    statistics,
    writing,
)
