"""Statistics of samples in `scipy.stats`, on Tensors. Ranks are positions, which have no derivative.

Each is SciPy's own function where no gradient is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.special as sp
import scipy.stats as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import replaces
from autograd.scipy import special  # noqa: F401  (its records)
from autograd.scipy.callbacks import reaches, tensor_of

Function = Callable[..., Any]


class Correlation(NamedTuple):
    """As `scipy.stats.pearsonr` gives it."""

    statistic: Any
    pvalue: Any


class Line(NamedTuple):
    """As `scipy.stats.linregress` gives it."""

    slope: Any
    intercept: Any
    rvalue: Any
    pvalue: Any
    stderr: Any


def _stands_for(original: Function) -> Callable[[Function], Function]:
    def record(body: Function) -> Function:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not reaches(*args, *kwargs.values()):
                return as_tensor(original(*plain(args), **plain(kwargs)))
            return body(*[as_tensor(tensor_of(arg)) if np.ndim(plain(arg)) else arg for arg in args], **kwargs)

        call.__name__, call.__doc__ = original.__name__, body.__doc__
        replaces(original)(call)
        return call

    return record


@replaces(theirs.rankdata)
def rankdata(a: Any, *args: Any, **options: Any) -> Any:
    """Ranks, which are piecewise constant."""
    return as_tensor(theirs.rankdata(plain(tensor_of(a)), *args, **options))


@_stands_for(theirs.pearsonr)
def pearsonr(x: Any, y: Any) -> Any:
    """The correlation, and how probable one so far from 0 is by chance."""
    x, y = x - np.mean(x), y - np.mean(y)
    r = np.sum(x * y) / (np.linalg.norm(x) * np.linalg.norm(y))
    half = len(x) / 2 - 1
    return Correlation(r, 2 * sp.betainc(half, half, (1 - np.abs(r)) / 2))


@_stands_for(theirs.linregress)
def linregress(x: Any, y: Any) -> Any:
    """The line of least squares."""
    n, deviations, others = len(x), x - np.mean(x), y - np.mean(y)
    square = np.sum(deviations**2)
    slope = np.sum(deviations * others) / square
    r = slope * np.sqrt(square / np.sum(others**2))
    error = np.sqrt((1 - r**2) * np.sum(others**2) / square / (n - 2))
    return Line(slope, np.mean(y) - slope * np.mean(x), r, 2 * sp.stdtr(n - 2, -np.abs(slope / error)), error)


@_stands_for(theirs.zscore)
def zscore(a: Any, axis: Any = 0, ddof: int = 0) -> Any:
    """Distances from the mean, in standard deviations."""
    return (a - np.mean(a, axis=axis, keepdims=True)) / np.std(a, axis=axis, ddof=ddof, keepdims=True)


def _moment(a: Any, order: int, axis: Any) -> Any:
    return np.mean((a - np.mean(a, axis=axis, keepdims=True)) ** order, axis=axis)


@_stands_for(theirs.skew)
def skew(a: Any, axis: Any = 0) -> Any:
    """The third moment of a scaled sample."""
    return _moment(a, 3, axis) / _moment(a, 2, axis) ** 1.5


@_stands_for(theirs.kurtosis)
def kurtosis(a: Any, axis: Any = 0, fisher: bool = True) -> Any:
    """The fourth moment of a scaled sample, less that of a normal distribution."""
    return _moment(a, 4, axis) / _moment(a, 2, axis) ** 2 - (3 if fisher else 0)


@_stands_for(theirs.gmean)
def gmean(a: Any, axis: Any = 0) -> Any:
    """The geometric mean."""
    return np.exp(np.mean(np.log(a), axis=axis))


@_stands_for(theirs.hmean)
def hmean(a: Any, axis: Any = 0) -> Any:
    """The harmonic mean."""
    return 1 / np.mean(1 / a, axis=axis)


@_stands_for(theirs.iqr)
def iqr(x: Any, axis: Any = None, rng: Any = (25, 75), scale: float = 1.0) -> Any:
    """The distance between two percentiles."""
    low, high = sorted(rng)
    return (np.percentile(x, high, axis=axis) - np.percentile(x, low, axis=axis)) / scale


@_stands_for(theirs.sem)
def sem(a: Any, axis: Any = 0, ddof: int = 1) -> Any:
    """The standard error of the mean."""
    return np.std(a, axis=axis, ddof=ddof) / np.sqrt(np.size(a) if axis is None else np.shape(a)[axis])


@_stands_for(theirs.variation)
def variation(a: Any, axis: Any = 0, ddof: int = 0) -> Any:
    """The standard deviation over the mean."""
    return np.std(a, axis=axis, ddof=ddof) / np.mean(a, axis=axis)


@_stands_for(theirs.entropy)
def entropy(pk: Any, qk: Any = None, base: Any = None, axis: int = 0) -> Any:
    """The entropy of shares, or, with `qk`, how far they are from these."""
    pk = pk / np.sum(pk, axis=axis, keepdims=True)
    if qk is None:
        found = np.sum(sp.entr(pk), axis=axis)
    else:
        found = np.sum(sp.rel_entr(pk, qk / np.sum(qk, axis=axis, keepdims=True)), axis=axis)
    return found if base is None else found / np.log(base)
