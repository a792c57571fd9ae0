"""`scipy.ndimage` on Tensors: filters that are linear in an image and in their weights; places in between of pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature
from itertools import product
from typing import Any

import numpy as np
import scipy.ndimage as theirs

from autograd.core.op import plain, stack_nested
from autograd.numpy.namespace import REPLACED
from autograd.rules.samples import normal
from autograd.scipy.definition import attributes, composed
from autograd.scipy.splines import multilinear

__getattr__ = attributes(theirs)
_AROUND = {  # what lies outside, by NumPy's name
    "reflect": "symmetric", "grid-mirror": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap",
    "grid-wrap": "wrap", "constant": "constant", "grid-constant": "constant",
}  # fmt: skip
_MATH = r"\bar x_i = \sum_k w_k \, \bar y_{i - k}, \quad \bar w_k = \sum_i \bar y_i \, x_{i + k}"


def _correlated(x: Any, weights: Any, mode: str, cval: float, origins: Any) -> Any:
    """The sum of the pixels around each one, with weights."""
    if np.ndim(weights) != np.ndim(x):
        raise ValueError(f"scipy.ndimage: weights of {np.ndim(weights)} axes for an image of {np.ndim(x)}")
    total: Any = 0.0
    for place, window in _windows(x, np.shape(weights), mode, cval, origins):
        total = total + weights[place] * window
    return total


def _windows(x: Any, shape: Any, mode: str, cval: float, origins: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The places in a window of this shape, and what each pixel of an image has there."""
    if mode not in _AROUND:
        raise ValueError(f"scipy.ndimage: mode={mode!r} is none of {', '.join(map(repr, _AROUND))}")
    before = [n // 2 + origin for n, origin in zip(shape, origins, strict=True)]
    around = [(b, n - 1 - b) for n, b in zip(shape, before, strict=True)]
    options = {"constant_values": cval} if _AROUND[mode] == "constant" else {}
    padded = np.pad(x, around, mode=_AROUND[mode], **options)  # type: ignore[call-overload]
    for place in product(*map(range, shape)):
        yield place, padded[tuple([slice(k, k + n) for k, n in zip(place, np.shape(x), strict=True)])]


def _per_axis(value: Any, count: int) -> list[Any]:
    return list(value) if np.ndim(value) else [value] * count


def _line(x: Any, weights: Any, axis: int, mode: str, cval: float, origin: int) -> Any:
    weights = np.asarray(weights, float) if isinstance(weights, (list, tuple)) else weights
    axis = axis % np.ndim(x)
    shape = [len(weights) if k == axis else 1 for k in range(np.ndim(x))]
    return _correlated(x, np.reshape(weights, shape), mode, cval, [origin if n > 1 else 0 for n in shape])


@composed(
    theirs.correlate1d, math=_MATH, samples=[normal((4, 5), 3), normal((4, 5), 2, axis=0, mode="wrap", origin=-1)]
)
def _correlate1d(
    input: Any, weights: Any, axis: int = -1, mode: str = "reflect", cval: float = 0.0, origin: int = 0
) -> Any:
    return _line(input, weights, axis, mode, cval, origin)


@composed(theirs.convolve1d, math=_MATH, samples=[normal((4, 5), 3, mode="mirror"), normal((4, 5), 2, axis=0)])
def _convolve1d(
    input: Any, weights: Any, axis: int = -1, mode: str = "reflect", cval: float = 0.0, origin: int = 0
) -> Any:
    return _line(input, weights[::-1], axis, mode, cval, -origin - (len(weights) + 1) % 2)


@composed(
    theirs.correlate, math=_MATH, samples=[normal((4, 5), (3, 2)), normal((4, 5), (3, 3), mode="constant", cval=2.0)]
)
def _correlate(input: Any, weights: Any, mode: str = "reflect", cval: float = 0.0, origin: Any = 0) -> Any:
    return _correlated(input, weights, mode, cval, _per_axis(origin, np.ndim(input)))


@composed(theirs.convolve, math=_MATH, samples=[normal((4, 5), (3, 2)), normal((4, 5), (3, 3), mode="nearest")])
def _convolve(input: Any, weights: Any, mode: str = "reflect", cval: float = 0.0, origin: Any = 0) -> Any:
    origins = [-o - (n + 1) % 2 for o, n in zip(_per_axis(origin, np.ndim(input)), np.shape(weights), strict=True)]
    return _correlated(input, np.flip(weights), mode, cval, origins)


# Smoothing


def _gaussian(sigma: Any, order: int, truncate: float, radius: Any) -> Any:
    """The weights of a Gaussian, or of one of its first two derivatives, as a correlation takes them."""
    if order not in (0, 1, 2):
        raise TypeError(f"scipy.ndimage.gaussian_filter: order={order} is not covered; 0, 1 and 2 are")
    reach = int(truncate * float(plain(sigma)) + 0.5) if radius is None else radius
    x = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * x**2 / sigma**2)
    bell = bell / np.sum(bell)
    return bell if order == 0 else bell * x / sigma**2 if order == 1 else bell * (x**2 / sigma**2 - 1) / sigma**2


@composed(
    theirs.gaussian_filter1d,
    math=r"y = x * w(\sigma), \quad w_k \propto e^{-k^2 / 2 \sigma^2}",
    samples=[normal((4, 9), sigma=0.7), normal((9, 4), sigma=0.7, axis=0, order=1), normal((3, 9), sigma=0.6, order=2)],
)
def _gaussian_filter1d(
    input: Any, sigma: Any, axis: int = -1, order: int = 0, mode: str = "reflect", cval: float = 0.0,
    truncate: float = 4.0, radius: Any = None,
) -> Any:  # fmt: skip
    return _line(input, _gaussian(sigma, order, truncate, radius), axis, mode, cval, 0)


@composed(
    theirs.gaussian_filter,
    math=r"y = x * w(\sigma), \quad w_k \propto e^{-|k|^2 / 2 \sigma^2}",
    samples=[normal((5, 6), sigma=0.7), normal((5, 6), sigma=(0.5, 0.8), order=(0, 1), mode="wrap")],
)
def _gaussian_filter(
    input: Any, sigma: Any, order: Any = 0, mode: str = "reflect", cval: float = 0.0, truncate: float = 4.0
) -> Any:
    count = np.ndim(input)
    for axis, (width, k) in enumerate(zip(_per_axis(sigma, count), _per_axis(order, count), strict=True)):
        if float(plain(width)) > 1e-15:
            input = _line(input, _gaussian(width, k, truncate, None), axis, mode, cval, 0)
    return input


@composed(theirs.uniform_filter1d, math=_MATH, samples=[normal((4, 5), size=3), normal((4, 5), size=2, axis=0)])
def _uniform_filter1d(
    input: Any, size: int, axis: int = -1, mode: str = "reflect", cval: float = 0.0, origin: int = 0
) -> Any:
    return _line(input, np.full(size, 1 / size), axis, mode, cval, origin)


@composed(theirs.uniform_filter, math=_MATH, samples=[normal((4, 5), size=3), normal((4, 5), size=(2, 3))])
def _uniform_filter(input: Any, size: Any = 3, mode: str = "reflect", cval: float = 0.0, origin: Any = 0) -> Any:
    count = np.ndim(input)
    for axis, (n, k) in enumerate(zip(_per_axis(size, count), _per_axis(origin, count), strict=True)):
        input = _line(input, np.full(n, 1 / n), axis, mode, cval, k)
    return input


# Edges


def _edges(across: Any) -> Any:
    def body(input: Any, axis: int = -1, mode: str = "reflect", cval: float = 0.0) -> Any:
        axis = axis % np.ndim(input)
        for k in range(np.ndim(input)):
            input = _line(input, np.array([-1.0, 0.0, 1.0] if k == axis else across), k, mode, cval, 0)
        return input

    return body


for _fn, _across in ((theirs.sobel, [1.0, 2.0, 1.0]), (theirs.prewitt, [1.0, 1.0, 1.0])):
    composed(_fn, math=_MATH, samples=[normal((4, 5)), normal((4, 5), axis=0)])(_edges(_across))


@composed(theirs.laplace, math=_MATH, samples=[normal((4, 5))])
def _laplace(input: Any, mode: str = "reflect", cval: float = 0.0) -> Any:
    lines = [_line(input, np.array([1.0, -2.0, 1.0]), axis, mode, cval, 0) for axis in range(np.ndim(input))]
    return np.sum(np.stack(lines), axis=0)


# Places


@composed(
    theirs.map_coordinates,
    math=r"\bar c = \bar y \odot \nabla x(c)",
    samples=[
        lambda rng: (rng.normal(size=(4, 5)), rng.uniform(0.1, 2.9, size=(2, 6)), {"order": 1}),
        lambda rng: (rng.normal(size=(4, 5)), rng.uniform(-2.1, 6.9, size=(2, 6)), {"order": 1, "mode": "nearest"}),
    ],
)
def _map_coordinates(
    input: Any, coordinates: Any, order: int = 3, mode: str = "constant", cval: float = 0.0, prefilter: bool = True
) -> Any:
    if order != 1 or mode not in ("constant", "nearest"):
        raise TypeError(
            f"scipy.ndimage.map_coordinates: order={order}, mode={mode!r} is not covered; order=1 is, by 'constant' "
            "and 'nearest'; RectBivariateSpline has other orders"
        )
    below, shares, outside = [], [], False
    for place, n in zip(stack_nested(coordinates), np.shape(input), strict=True):
        outside = outside | (plain(place) < 0) | (plain(place) > n - 1)
        place = np.clip(place, 0, n - 1)
        k = np.clip(np.floor(plain(place)).astype(int), 0, max(n - 2, 0))
        below.append(k)
        shares.append(place - k)
    inside = multilinear(input, below, shares)
    return np.where(outside, cval, inside) if mode == "constant" else inside


# The lowest, the highest and the middle of what is around each pixel

_OF_CHOSEN = r"\bar x_i = \sum_j \bar y_j \, [\, x_i \text{ is chosen for } y_j \,]"


def _chosen(
    choose: Callable[[Any], Any], x: Any, size: Any, origin: Any = 0, footprint: Any = None, mode: str = "reflect",
    cval: float = 0.0,
) -> Any:  # fmt: skip
    axes = np.ndim(x)
    inside = np.ones(_per_axis(size, axes), bool) if footprint is None else np.asarray(footprint, bool)
    windows = _windows(x, inside.shape, mode, cval, _per_axis(origin, axes))
    return choose(np.stack([window for place, window in windows if inside[place]]))


def _of_windows(original: Any, choose: Callable[[Any], Any]) -> None:
    @composed(
        original,
        math=_OF_CHOSEN,
        samples=[normal((4, 5), size=3), normal((4, 5), size=(2, 3), mode="nearest", origin=(0, 1)),
                 normal((4, 5), footprint=np.array([[0, 1, 0], [1, 1, 1]]), mode="wrap")],
        ties="as of the extreme over an axis",
    )  # fmt: skip
    def body(
        input: Any, size: Any = None, footprint: Any = None, mode: str = "reflect", cval: float = 0.0, origin: Any = 0
    ) -> Any:
        return _chosen(choose, input, size, origin, footprint, mode, cval)


@composed(
    theirs.rank_filter,
    math=_OF_CHOSEN,
    samples=[normal((4, 5), rank=1, size=3), normal((4, 5), rank=-2, size=(2, 3), mode="constant")],
)
def _rank_filter(
    input: Any, rank: int, size: Any = None, footprint: Any = None, mode: str = "reflect", cval: float = 0.0,
    origin: Any = 0,
) -> Any:  # fmt: skip
    return _chosen(lambda values: np.sort(values, axis=0)[rank], input, size, origin, footprint, mode, cval)


_of_windows(theirs.minimum_filter, lambda values: np.min(values, axis=0))
_of_windows(theirs.maximum_filter, lambda values: np.max(values, axis=0))
_of_windows(theirs.median_filter, lambda values: np.sort(values, axis=0)[len(values) // 2])


def _along(original: Any, choose: Callable[[Any], Any]) -> None:
    @composed(original, math=_OF_CHOSEN, samples=[normal((4, 5), size=3), normal((4, 5), size=2, axis=0, origin=-1)])
    def body(input: Any, size: int, axis: int = -1, mode: str = "reflect", cval: float = 0.0, origin: int = 0) -> Any:
        there = [k == axis % np.ndim(input) for k in range(np.ndim(input))]
        sizes, origins = [size if k else 1 for k in there], [origin if k else 0 for k in there]
        return _chosen(choose, input, sizes, origins, None, mode, cval)


_along(theirs.minimum_filter1d, lambda values: np.min(values, axis=0))
_along(theirs.maximum_filter1d, lambda values: np.max(values, axis=0))


def _with_output(original: Any) -> Callable[..., Any]:
    """What stands for a filter, with SciPy's `output=`."""
    ours, of_scipy = REPLACED[original], signature(original)

    @wraps(ours)
    def call(*args: Any, **options: Any) -> Any:
        given = of_scipy.bind(*args, **options).arguments
        output = given.pop("output", None)
        operands = [given.pop(name) for name in ("input", "sigma", "weights", "coordinates") if name in given]
        value = ours(*operands, **given)
        if output is None or not hasattr(output, "shape"):
            return value if output is None else value.astype(output)
        output[...] = value
        return output

    return call


for _fn in tuple(REPLACED):
    if getattr(_fn, "__module__", "").startswith("scipy.ndimage") and "output" in signature(_fn).parameters:
        REPLACED[_fn] = _with_output(_fn)
