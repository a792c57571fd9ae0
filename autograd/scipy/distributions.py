"""How a distribution of `scipy.stats` is written in functions that have rules: in standard form, located, scaled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import scipy.stats

from autograd.core.op import holds_tensor, plain
from autograd.numpy.arrays import as_tensor, has_gradient
from autograd.numpy.namespace import REPLACED

Function = Callable[..., Any]
_DERIVED: tuple[tuple[str, str, Function], ...] = (  # what follows from what, where it is not given itself
    ("pdf", "logpdf", np.exp),
    ("pmf", "logpmf", np.exp),
    ("sf", "cdf", lambda p: 1 - p),
    ("logcdf", "cdf", np.log),
    ("logsf", "sf", np.log),
)
_OUTSIDE = {  # below the support, and above it
    "logpdf": (-np.inf, -np.inf), "logpmf": (-np.inf, -np.inf), "pdf": (0.0, 0.0), "pmf": (0.0, 0.0),
    "cdf": (0.0, 1.0), "sf": (1.0, 0.0), "logcdf": (-np.inf, 0.0), "logsf": (0.0, -np.inf),
}  # fmt: skip


class Family:
    """What stands for a distribution of SciPy's: its methods take Tensors, and `family(...)` is frozen."""

    def __init__(self, theirs: Any, methods: Mapping[str, Function]) -> None:
        self._theirs, self._methods = theirs, dict(methods)
        for name, source, change in _DERIVED:
            if source in self._methods:
                self._methods.setdefault(name, _changed(self._methods[source], change))
        REPLACED[theirs] = self

    def __getattr__(self, name: str) -> Any:
        theirs = getattr(self._theirs, name)
        if name[1:] in self._methods and name[0] == "_":  # the same of the standard form
            name = name[1:]

        def call(*args: Any, **kwargs: Any) -> Any:
            given = (*args, *kwargs.values())
            if not holds_tensor(given) or not (name in self._methods or has_gradient(given)):
                return as_tensor(theirs(*plain(args), **plain(kwargs)))
            if name not in self._methods:
                raise TypeError(
                    f"{self._name}.{name}: no derivative is known; those of {', '.join(sorted(self._methods))} are"
                )
            return self._call(name, *args, **kwargs)

        return call if callable(theirs) else theirs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Frozen(self, args, kwargs)

    @property
    def _name(self) -> str:
        known = (key for key, value in vars(scipy.stats).items() if value is self._theirs)
        return f"scipy.stats.{next(known, type(self._theirs).__name__)}"

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._methods[name](*args, **kwargs)


class Frozen:
    """A distribution with its parameters."""

    def __init__(self, family: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._family, self.args, self.kwds = family, args, kwargs

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._family, name)
        return lambda *x, **options: method(*x, *self.args, **self.kwds, **options)


_MOMENTS: dict[str, Function] = {  # of the standard mean and variance
    "mean": lambda mean, variance, loc, scale: loc + scale * mean,
    "var": lambda mean, variance, loc, scale: scale**2 * variance,
    "std": lambda mean, variance, loc, scale: scale * np.sqrt(variance),
}


class Distribution(Family):
    """A distribution of numbers, with shapes, a location and a scale.

    What SciPy writes in NumPy's functions is SciPy's: mean, variance and entropy in standard form.

    Args:
        theirs: SciPy's.
        support: its ends, as numbers or as functions of the shapes.
        inside: a number between them.
        methods: functions of a number in standard form and the shapes.
    """

    def __init__(
        self, theirs: Any, support: Iterable[Any] = (-np.inf, np.inf), inside: float = 0.5, **methods: Function
    ) -> None:
        super().__init__(theirs, methods)
        if "cdf" in self._methods and "pdf" in self._methods:
            self._methods.setdefault("ppf", self._inverse("cdf", theirs.ppf, 1))
            isf = lambda q, *shapes: methods["ppf"](1 - q, *shapes)
            self._methods["isf"] = isf if "ppf" in methods else self._inverse("sf", theirs.isf, -1)
            for name in (*_MOMENTS, "entropy", "median", "interval"):
                self._methods[name] = getattr(self, name)
        self._ends = [end if callable(end) else lambda *_, end=end: end for end in support]
        self._inside = inside
        self._names = (*filter(None, (theirs.shapes or "").replace(" ", "").split(",")), "loc", "scale")

    def _inverse(self, name: str, theirs: Function, sign: int) -> Function:
        """The inverse of a distribution function, in SciPy's numbers: three steps of Newton's that move nothing, with
        the slope there throughout, have its first three derivatives (see `callbacks.implicit_root`)."""

        def inverse(q: Any, *shapes: Any) -> Any:
            given = plain(shapes)
            z = np.asarray(theirs(plain(q), *given))
            slope = self._theirs.pdf(z, *given)
            inside = np.isfinite(z) & (slope > 0)
            z = np.where(inside, z, self._inside)
            for _ in range(3):
                z = z - sign * (self._methods[name](z, *shapes) - q) / np.where(inside, slope, 1)
            return np.where(inside, z, theirs(plain(q), *given))

        return inverse

    def _moment(self, name: str, given: dict[str, Any]) -> Any:
        """A number that belongs to the whole distribution."""
        shapes, loc, scale = [given[shape] for shape in self._names[:-2]], given.get("loc", 0), given.get("scale", 1)
        if name == "entropy":
            return self._theirs._entropy(*shapes) + np.log(scale)
        mean, variance = self._theirs._stats(*shapes)[:2]
        if mean is None or variance is None:  # which SciPy finds by integration
            raise TypeError(f"{self._name}.{name}: no formula is known, so no derivative is")
        return _MOMENTS[name](mean, variance, loc, scale)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "median":
            return self.ppf(0.5, *args, **kwargs)
        if name == "interval":
            tail = (1 - (args[0] if args else kwargs.pop("confidence"))) / 2
            return self.ppf(tail, *args[1:], **kwargs), self.isf(tail, *args[1:], **kwargs)
        whole = name in _MOMENTS or name == "entropy"
        x, *args_of_shape = (None, *args) if whole else args
        given = dict(zip(self._names, args_of_shape, strict=False))
        if len(args_of_shape) > len(self._names) or given.keys() & kwargs.keys() or kwargs.keys() - set(self._names):
            raise TypeError(f"{self._name}.{name} takes a number, and {', '.join(self._names)}")
        given.update(kwargs)
        if missing := [shape for shape in self._names[:-2] if shape not in given]:
            raise TypeError(f"{self._name}.{name}: {', '.join(missing)} is missing")
        if whole:
            return self._moment(name, given)
        shapes, loc, scale = [given[shape] for shape in self._names[:-2]], given.get("loc", 0), given.get("scale")
        if name in ("ppf", "isf"):
            standard = self._methods[name](x, *shapes)
            return loc + (standard if scale is None else scale * standard)
        value = self._within(name, x - loc if scale is None else (x - loc) / scale, shapes)
        if scale is None or name not in ("pdf", "logpdf"):
            return value
        return value / scale if name == "pdf" else value - np.log(scale)

    def _within(self, name: str, z: Any, shapes: list[Any]) -> Any:
        """A method in the support, and its limits outside."""
        low, high = (end(*shapes) for end in self._ends)
        below, inside = z < low, (z >= low) & (z <= high)
        if name in ("pmf", "logpmf"):
            inside &= np.floor(z) == z
        outside = np.where(below, *_OUTSIDE[name])
        return np.where(inside, self._methods[name](np.where(inside, z, self._inside), *shapes), outside)


def _changed(fn: Function, change: Function) -> Function:
    return lambda *given, **options: change(fn(*given, **options))
