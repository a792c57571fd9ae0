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


class Distribution(Family):
    """A distribution of numbers, with shapes, a location and a scale.

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
        if "ppf" in methods:
            self._methods["isf"] = lambda q, *shapes: methods["ppf"](1 - q, *shapes)
        self._ends = [end if callable(end) else lambda *_, end=end: end for end in support]
        self._inside = inside
        self._names = (*filter(None, (theirs.shapes or "").replace(" ", "").split(",")), "loc", "scale")

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        x, *args_of_shape = args
        given = dict(zip(self._names, args_of_shape, strict=False))
        if len(args_of_shape) > len(self._names) or given.keys() & kwargs.keys() or kwargs.keys() - set(self._names):
            raise TypeError(f"{self._name}.{name} takes a number, and {', '.join(self._names)}")
        given.update(kwargs)
        if missing := [shape for shape in self._names[:-2] if shape not in given]:
            raise TypeError(f"{self._name}.{name}: {', '.join(missing)} is missing")
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
