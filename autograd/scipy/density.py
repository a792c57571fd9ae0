"""`scipy.stats.gaussian_kde`: the mean of normal densities around points, as a function of these and of the places."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special
import scipy.stats as theirs

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import INSTANCES, replaces
from autograd.scipy.callbacks import tensor_of
from autograd.scipy.softmax import logsumexp


@replaces(theirs.gaussian_kde)
class gaussian_kde:  # noqa: N801
    """A density from the points in the columns of `dataset`.

    >>> float(gaussian_kde(np.array([-1.0, 0.0, 1.0])).evaluate(0.0)[0].round(6))
    0.318156
    """

    def __init__(self, dataset: Any, bw_method: Any = None, weights: Any = None) -> None:
        self.dataset = np.atleast_2d(as_tensor(tensor_of(dataset)))
        self.d, self.n = np.shape(self.dataset)
        weights = np.ones(self.n) if weights is None else as_tensor(tensor_of(weights))
        self.weights = weights / np.sum(weights)
        self.neff = 1 / np.sum(self.weights**2)
        self.set_bandwidth(bw_method)

    def scotts_factor(self) -> Any:
        """`n ** (-1 / (d + 4))`."""
        return np.power(self.neff, -1.0 / (self.d + 4))

    def silverman_factor(self) -> Any:
        """`(n * (d + 2) / 4) ** (-1 / (d + 4))`."""
        return np.power(self.neff * (self.d + 2) / 4.0, -1.0 / (self.d + 4))

    def set_bandwidth(self, bw_method: Any = None) -> None:
        """The width as a factor of the standard deviation: a number, the name of a rule, or a function of this."""
        rules = {None: self.scotts_factor, "scott": self.scotts_factor, "silverman": self.silverman_factor}
        named = bw_method is None or isinstance(bw_method, str)
        self.factor = rules[bw_method]() if named else bw_method(self) if callable(bw_method) else bw_method
        away = self.dataset - np.sum(self.weights * self.dataset, axis=1)[:, None]
        self.covariance = (self.weights * away) @ away.T / (1 - np.sum(self.weights**2)) * self.factor**2
        self.inv_cov = np.linalg.inv(self.covariance)

    def logpdf(self, x: Any) -> Any:
        """The logarithm of the density at the points in the columns of `x`."""
        places = np.atleast_2d(tensor_of(x))
        if np.shape(places) == (1, self.d):
            places = np.reshape(places, (self.d, 1))
        away = places[:, :, None] - self.dataset[:, None, :]
        energy = np.sum(away * np.tensordot(self.inv_cov, away, axes=1), axis=0) / 2
        scale = np.linalg.slogdet(2 * np.pi * self.covariance)[1] / 2
        return logsumexp(np.log(self.weights) - energy, axis=-1) - scale

    def evaluate(self, points: Any) -> Any:
        """The density at the points in its columns."""
        return np.exp(self.logpdf(points))

    __call__ = pdf = evaluate

    def integrate_box_1d(self, low: Any, high: Any) -> Any:
        """The probability between two numbers."""
        width = np.sqrt(self.covariance[0, 0])
        ends = [scipy.special.ndtr((end - self.dataset[0]) / width) for end in (low, high)]
        return np.sum(self.weights * (ends[1] - ends[0]))

    def resample(self, size: Any = None, seed: Any = None) -> Any:
        """Points drawn from it, which have no derivative."""
        return as_tensor(theirs.gaussian_kde(*plain((self.dataset, self.factor, self.weights))).resample(size, seed))


INSTANCES[theirs.gaussian_kde] = lambda made: gaussian_kde(made.dataset, made.factor, made.weights)
