"""HIPS autograd's `autograd.numpy.numpy_vjps`: what rules are written with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.basis.broadcasting import unbroadcast


def unbroadcast_f(target: Any, pull: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A pull whose result is summed to the shape of `target`."""
    return lambda g: unbroadcast(pull(g), np.shape(target))


__all__ = ["unbroadcast", "unbroadcast_f"]
