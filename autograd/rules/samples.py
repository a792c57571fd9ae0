"""Sample inputs that many records share."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.core.op import Sample


def normal(rng: np.random.Generator) -> tuple[Any, ...]:
    """Both signs, nothing at 0."""
    return (rng.normal(size=(3, 4)),)


def positive(rng: np.random.Generator) -> tuple[Any, ...]:
    """Away from 0."""
    return (rng.uniform(0.5, 2.0, size=(3, 4)),)


def scalar(rng: np.random.Generator) -> tuple[Any, ...]:
    """No axes."""
    return (rng.uniform(0.5, 2.0),)


def between(low: float, high: float) -> list[Sample]:
    """Uniform draws from an interval, with axes and without."""
    return [lambda rng: (rng.uniform(low, high, size=(3, 4)),), lambda rng: (rng.uniform(low, high),)]


PAIRS: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=(3, 4))),
    lambda rng: (rng.normal(size=(3, 4)), rng.normal(size=4)),
    lambda rng: (rng.normal(size=(3, 1)), rng.normal(size=(2, 1, 4))),
    lambda rng: (rng.normal(size=(2, 3)), 1.7),
    lambda rng: (0.3, rng.normal(size=(2, 3))),
]
NONZERO_PAIRS: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)), rng.uniform(0.5, 2.0, size=4)),
    lambda rng: (rng.normal(size=4), -rng.uniform(0.5, 2.0, size=(3, 1))),
    lambda rng: (2.0, rng.uniform(0.5, 2.0, size=(2, 3))),
]
REDUCTIONS: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)),),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": 0}),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": -1, "keepdims": True}),
    lambda rng: (rng.normal(size=(2, 3, 4)), {"axis": (0, 2)}),
    lambda rng: (rng.normal(size=(2, 3, 4)), {"axis": (0, 2), "keepdims": True}),
    lambda rng: (rng.normal(),),
]
MASKED: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)), {"where": np.arange(4) != 1}),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": 1, "where": np.eye(3, 4) == 0}),
]
SINGLE: list[Sample] = [lambda rng: (rng.normal(size=(3, 4)).astype(np.float32), {"dtype": np.float64})]
