"""`scipy.spatial` on Tensors: distances between points; `rotation` has the rotations."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.spatial.distance

from autograd.core.op import plain
from autograd.numpy.arrays import as_tensor
from autograd.numpy.namespace import ours, replaces
from autograd.rules.samples import normal
from autograd.scipy import rotation  # noqa: F401  (fills the table)
from autograd.scipy.callbacks import reaches
from autograd.scipy.definition import attributes, composed

__getattr__ = attributes(scipy.spatial)
distance: Any = ours(scipy.spatial.distance)


def _cosine(a: Any, b: Any) -> Any:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return 1 - np.sum(a * b, axis=-1) / lengths


_METRICS: dict[str, Any] = {  # of points along the last axis; where two are the same, the gradient of a norm is 0
    "euclidean": lambda a, b: np.linalg.norm(a - b, axis=-1),
    "sqeuclidean": lambda a, b: np.sum((a - b) ** 2, axis=-1),
    "cityblock": lambda a, b: np.sum(np.abs(a - b), axis=-1),
    "chebyshev": lambda a, b: np.max(np.abs(a - b), axis=-1),
    "minkowski": lambda a, b, p=2: np.linalg.norm(a - b, p, axis=-1),
    "cosine": _cosine,
    "mahalanobis": lambda a, b, VI: np.sqrt(np.sum(((a - b) @ VI) * (a - b), axis=-1)),
    "seuclidean": lambda a, b, V: np.linalg.norm((a - b) / np.sqrt(V), axis=-1),
}
_MATH = r"\bar a_i = \sum_j \bar y_{ij} (a_i - b_j) / y_{ij}"


def _metric(name: str, metric: Any, options: dict[str, Any]) -> Any:
    if callable(metric):
        metric = metric.__name__
    if metric not in _METRICS:
        raise TypeError(f"scipy.spatial.distance.{name}: metric={metric!r} is not covered; {', '.join(_METRICS)} are")
    if metric in ("mahalanobis", "seuclidean") and not options:
        raise TypeError(f"scipy.spatial.distance.{name}: give {metric} its VI= or V=")
    return lambda a, b: _METRICS[metric](a, b, **options)


@composed(
    scipy.spatial.distance.cdist,
    math=_MATH,
    samples=[
        normal((3, 2), (4, 2)),
        normal((3, 2), (4, 2), metric="cosine"),
        normal((3, 2), (4, 2), metric="minkowski", p=3),
    ],
)
def _cdist(XA: Any, XB: Any, metric: Any = "euclidean", **kwargs: Any) -> Any:
    return _metric("cdist", metric, kwargs)(XA[:, None, :], XB[None, :, :])


@composed(scipy.spatial.distance.pdist, math=_MATH, samples=[normal((4, 3)), normal((4, 3), metric="cityblock")])
def _pdist(X: Any, metric: Any = "euclidean", **kwargs: Any) -> Any:
    first, second = np.triu_indices(len(X), 1)
    return _metric("pdist", metric, kwargs)(X[first], X[second])


@composed(
    scipy.spatial.distance.squareform,
    math=r"y_{ij} = y_{ji} = a_k",
    samples=[lambda rng: (rng.normal(size=6),), lambda rng: (np.array([[0.0, 1.5], [1.5, 0.0]]),)],
)
def _squareform(X: Any, force: str = "no", checks: bool = True) -> Any:
    if np.ndim(X) == 2:
        return X[np.triu_indices(len(X), 1)]
    n = int(np.sqrt(2 * len(X))) + 1
    if n * (n - 1) // 2 != len(X):
        raise ValueError(f"{len(X)} distances do not fit any number of points")
    place = np.zeros((n, n), int)
    place[np.triu_indices(n, 1)] = np.arange(len(X))
    return X[place + place.T] * (1 - np.eye(n, dtype=X.dtype))


for _name in ("euclidean", "sqeuclidean", "cityblock", "chebyshev", "minkowski", "cosine"):
    composed(
        getattr(scipy.spatial.distance, _name),
        math=r"\bar u = \bar y (u - v) / y",
        samples=[normal(3, 3)],
    )(lambda u, v, *args, _metric=_METRICS[_name], **options: _metric(u, v, *args, **options))


class Tree:
    """`scipy.spatial.KDTree`: who is near is constant, how far is a function of the points."""

    def __init__(self, data: Any, *args: Any, **options: Any) -> None:
        self.data = as_tensor(data)
        self._tree = scipy.spatial.cKDTree(plain(data), *args, **options)

    def query(self, x: Any, k: Any = 1, *args: Any, p: float = 2, **options: Any) -> Any:
        """The distances to the nearest points, and which these are."""
        found, places = self._tree.query(plain(x), k, *args, p=p, **options)
        if not reaches(x, self.data) or not np.all(np.isfinite(found)):
            return as_tensor(found), as_tensor(places)
        away = (x if np.ndim(places) < np.ndim(plain(x)) else np.expand_dims(x, -2)) - self.data[places]
        return np.linalg.norm(away, p, axis=-1), places

    def __getattr__(self, name: str) -> Any:
        theirs = getattr(self._tree, name)
        if name not in ("query_ball_point", "query_pairs", "count_neighbors", "n", "m"):
            raise TypeError(f"scipy.spatial.KDTree.{name}: no derivative is known; query has one")
        return (lambda *args, **options: theirs(*plain(args), **plain(options))) if callable(theirs) else theirs


replaces(scipy.spatial.KDTree, scipy.spatial.cKDTree)(Tree)


class _Hull:
    """What geometry finds: positions, which have no derivative."""

    def __init__(self, kind: Any, points: Any, options: Any) -> None:
        self.points, self._kind, self._found = as_tensor(points), kind, kind(plain(points), **options)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._found, name)
        if np.result_type(value).kind not in "iu" and reaches(self.points):
            kind = self._kind.__name__
            raise TypeError(f"scipy.spatial.{kind}.{name}: no derivative is known; positions are plain")
        return as_tensor(value)


for _kind in (scipy.spatial.ConvexHull, scipy.spatial.Delaunay):
    replaces(_kind)(lambda points, _kind=_kind, **options: _Hull(_kind, points, options))
