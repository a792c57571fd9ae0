"""Sample inputs that many records share."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.core.op import Sample


def normal(*shapes: int | tuple[int, ...], **options: Any) -> Sample:
    """Normal draws in these shapes, `()` for a number, and the keyword arguments of the call."""
    sizes = [None if shape == () else shape for shape in shapes]
    last = (options,) if options else ()
    return lambda rng: (*[rng.normal(size=size) for size in sizes], *last)


def between(low: float, high: float) -> list[Sample]:
    """Uniform draws from an interval, with axes and without."""
    return [lambda rng: (rng.uniform(low, high, size=(3, 4)),), lambda rng: (rng.uniform(low, high),)]


ANY: list[Sample] = [normal((3, 4)), lambda rng: (rng.uniform(0.5, 2.0),)]
POSITIVE: list[Sample] = between(0.5, 2.0)
PAIRS: list[Sample] = [
    normal((3, 4), (3, 4)),
    normal((3, 4), 4),
    normal((3, 1), (2, 1, 4)),
    lambda rng: (rng.normal(size=(2, 3)), 1.7),
    lambda rng: (0.3, rng.normal(size=(2, 3))),
]
NONZERO_PAIRS: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)), rng.uniform(0.5, 2.0, size=4)),
    lambda rng: (rng.normal(size=4), -rng.uniform(0.5, 2.0, size=(3, 1))),
    lambda rng: (2.0, rng.uniform(0.5, 2.0, size=(2, 3))),
]
REDUCTIONS: list[Sample] = [
    normal((3, 4)),
    normal((3, 4), axis=0),
    normal((3, 4), axis=-1, keepdims=True),
    normal((2, 3, 4), axis=(0, 2)),
    normal((2, 3, 4), axis=(0, 2), keepdims=True),
    normal(()),
]
MASKED: list[Sample] = [
    lambda rng: (rng.normal(size=(3, 4)), {"where": np.arange(4) != 1}),
    lambda rng: (rng.normal(size=(3, 4)), {"axis": 1, "where": np.eye(3, 4) == 0}),
]
SINGLE: list[Sample] = [lambda rng: (rng.normal(size=(3, 4)).astype(np.float32), {"dtype": np.float64})]
RUNNING: list[Sample] = [
    normal(5),
    normal((3, 4)),
    lambda rng: (rng.normal(size=(3, 4)), 0),
    normal((2, 3, 4), axis=-2),
    lambda rng: (rng.normal(size=(3, 4)).astype(np.float32), {"axis": 1, "dtype": np.float64}),
    normal(()),
]
