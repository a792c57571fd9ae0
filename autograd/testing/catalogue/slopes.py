"""What people write for the derivative of a function that works element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from autograd.program.reverse import Array

_STEADY = 1e-6  # of the largest slope: with smaller ones, dividing by them would have been noticed
Formula = Callable[[Array], Array]


def slopes(z: Array, a: Array, slope: Array) -> Iterator[tuple[str, str, float, Formula]]:
    """Cause, words, cost, and what becomes of the gradient that arrives, for a = f(z) with f'(z) = slope."""
    with np.errstate(all="ignore"):
        sigmoid, tanh = 1 / (1 + np.exp(-z)), np.tanh(z)
        factors = (
            ("derivative-at-output", "{value} itself", 1.7, a),
            ("derivative-at-output", "{right} itself", 1.8, z),
            ("derivative-at-output", "{right} > 0, that of a ReLU", 1.7, (z > 0) * 1.0),
            ("derivative-at-output", "that of the sigmoid at {right}", 1.7, sigmoid * (1 - sigmoid)),
            ("derivative-at-output", "the sigmoid of {right}, which is that of softplus", 1.8, sigmoid),
            ("derivative-at-output", "that of tanh at {right}", 1.7, 1 - tanh * tanh),
            ("derivative-at-output", "{value} * (1 - {value}), that of the sigmoid", 1.7, a * (1 - a)),
            ("derivative-at-output", "1 - {value}**2, that of tanh", 1.7, 1 - a * a),
            ("derivative-at-output", "one over what it should be", 1.9, 1 / slope),
        )
    steady = np.all(np.abs(slope) > _STEADY * np.max(np.abs(slope)))
    for cause, words, cost, factor in factors if steady else factors[:-1]:
        yield cause, words, cost, partial(np.multiply, factor)
    low, high = np.min(slope), np.max(slope)
    if not np.all((slope == low) | (slope == high)):  # else 0.01 is rather the slope of another leaky ReLU than 0.1**2
        yield "derivative-at-output", "there twice", 1.8, lambda g: g * slope * slope
    else:
        yield "derivative-at-output", "the other way round", 1.7, lambda g: g * (low + high - slope)
        told = "chosen by the sign of {dvalue}, not of {right}"
        yield "derivative-at-output", told, 1.7, lambda g: g * np.where(g > 0, high, low)
