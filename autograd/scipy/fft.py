"""`scipy.fft` on Tensors: the transforms that NumPy has too, and what they give, by `np.fft`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft as theirs
import scipy.fftpack as fftpack

from autograd.core.op import stack_nested
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import replaces
from autograd.scipy.definition import attributes

__getattr__ = attributes(theirs)


def _real(theirs_: Any) -> Any:
    """A transform of real numbers to real ones, as the matrix that it is."""

    def transform(
        x: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Any = None, overwrite_x: bool = False, **rest: Any
    ) -> Any:
        x = as_tensor(stack_nested(x) if isinstance(x, list) else x)
        count = np.shape(x)[axis] if n is None else n
        matrix = theirs_(np.eye(np.shape(x)[axis]), type, count, axis=0, norm=norm, **rest)
        return as_tensor(np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis))

    transform.__name__, transform.__doc__ = theirs_.__name__, theirs_.__doc__
    return transform


for _module in (theirs, fftpack):
    for _name in ("dct", "idct", "dst", "idst"):
        replaces(getattr(_module, _name))(_real(getattr(_module, _name)))

_OF_LINES = ("fft", "ifft", "rfft", "irfft")


def _by_numpy(name: str) -> Any:
    fn, lines = getattr(np.fft, name), name in _OF_LINES

    def transform(x: Any, n: Any = None, axis: Any = -1 if lines else None, norm: Any = None, **options: Any) -> Any:
        x = as_tensor(stack_nested(x) if type(x) is list else x)
        given = {} if axis is None else {"axis" if lines else "axes": options.pop("axes", axis)}
        if not lines and "axes" in options:
            given["axes"] = options.pop("axes")
        return as_tensor(fn(x, options.pop("s", n), norm=norm, **given))

    transform.__name__, transform.__doc__ = name, getattr(theirs, name).__doc__
    return transform


for _name in (*_OF_LINES, "fft2", "ifft2", "fftn", "ifftn", "rfft2", "irfft2", "rfftn", "irfftn"):
    replaces(getattr(theirs, _name))(_by_numpy(_name))
for _name in ("fftshift", "ifftshift"):
    replaces(getattr(theirs, _name), getattr(fftpack, _name))(getattr(np.fft, _name))
for _name in ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn"):
    replaces(getattr(fftpack, _name))(_by_numpy(_name))
