"""Python's `math` on Tensors: a number is a Tensor without axes."""

from __future__ import annotations

import cmath
import decimal
import math
import statistics
from collections.abc import Callable, Iterable
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

from autograd.array.conversion import refusal
from autograd.array.numbers import unary
from autograd.array.tensor import Tensor
from autograd.basis.arrays import NUMBER
from autograd.basis.loading import load
from autograd.core.op import Op, find, holds_tensor, plain, stack_nested
from autograd.core.tensor import apply
from autograd.numpy.arrays import has_gradient
from autograd.numpy.namespace import INSTANCES, REPLACED, Namespace, replaces
from autograd.rules.composed.complex import Complex, as_complex, without_tensors


def _stacked(values: Any) -> Any:
    return stack_nested(list(values))


def _number(value: Any) -> Any:
    """An array of one element as a number, as `float` would give it."""
    return np.reshape(value, ()) if value.size == 1 else value


def _smooth(fn: Callable[..., Any], vjp: Any, math: str) -> Callable[..., Any]:
    """A function of one number, by its rule."""
    op = Op(lambda x: np.float64(fn(x)), vjp=vjp, math=rf"\bar x = {math}", name=fn.__name__)
    return lambda x: apply(op, (x,))


_SLOPE = 2 / math.sqrt(math.pi)  # of erf at 0


def _of_scipy(name: str) -> Callable[..., Any]:
    """A function whose derivative only SciPy knows."""

    def call(x: Any) -> Any:
        try:
            special = load("scipy.special")
        except ImportError as error:
            raise TypeError(f"scipy.special.{name} has the derivative: python -m pip install scipy") from error
        return getattr(special, name)(x)

    return call


# Piecewise constant, or of integers.
_STEPS = {"ceil", "floor", "trunc", "isclose", "isfinite", "isinf", "isnan", "comb", "factorial", "gcd", "isqrt", "lcm",
          "perm", "ulp"}  # fmt: skip
_SAME = ("exp", "exp2", "expm1", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh", "tanh",
         "fabs", "degrees", "radians", "copysign", "fmod", "modf", "frexp")  # fmt: skip
_INVERSE = {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh,
            "atanh": np.arctanh}  # fmt: skip
_ON_TENSORS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in _SAME},
    **_INVERSE, "atan2": np.arctan2, "pow": np.power, "ldexp": lambda x, i: x * 2.0**i,
    "log": lambda x, base=None: np.log(x) if base is None else np.log(x) / np.log(base),
    "remainder": lambda x, y: x - y * np.round(plain(x) / plain(y)),
    "hypot": lambda *x: np.linalg.norm(_stacked(x)),
    "fsum": lambda values: np.sum(_stacked(values)),
    "prod": lambda values, start=1: start * np.prod(_stacked(values)),
    "dist": lambda p, q: np.linalg.norm(_stacked(p) - _stacked(q)),
    "sumprod": lambda p, q: np.dot(_stacked(p), _stacked(q)),
    "erf": _smooth(
        math.erf, lambda g, y, x: g * _SLOPE * np.exp(-x * x), r"\bar y \, \tfrac{2}{\sqrt\pi} e^{-x^2}"
    ),
    "erfc": _smooth(
        math.erfc, lambda g, y, x: g * -_SLOPE * np.exp(-x * x), r"-\bar y \, \tfrac{2}{\sqrt\pi} e^{-x^2}"
    ),
    "gamma": _of_scipy("gamma"), "lgamma": _of_scipy("gammaln"),
}  # fmt: skip


def _on_numbers(name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numbers; of Tensors the same, with a gradient where there is one, and with its own errors."""

    op = find(np.log if name == "log" else _ON_TENSORS.get(name))
    on_number = unary(op) if op else None

    @wraps(theirs)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(x := args[0], Tensor) and type(x._value) is NUMBER and not kwargs:
            value = theirs(x._value)  # or the error that Python has
            if not x._node.requires_grad:
                return value
            if on_number:
                return on_number(x)
        args = tuple([list(arg) if hasattr(arg, "__next__") else arg for arg in args])
        if not holds_tensor(args):
            return theirs(*args, **kwargs)
        value = theirs(*[arg.item() if getattr(arg, "size", 0) == 1 else arg for arg in plain(args)], **kwargs)
        if name in _STEPS or not has_gradient(args):
            return value
        if name not in _ON_TENSORS:
            raise refusal(f"math.{name} of a Tensor has no rule; use NumPy's functions")
        return _ON_TENSORS[name](*[_number(a) if getattr(a, "ndim", 0) else a for a in args], **kwargs)

    return call


_OF_SAMPLES: dict[str, Callable[..., Any]] = {
    "mean": np.mean, "fmean": np.mean, "median": np.median,
    "stdev": lambda data: np.std(data, ddof=1), "variance": lambda data: np.var(data, ddof=1),
    "pstdev": np.std, "pvariance": np.var,
    "geometric_mean": lambda data: np.exp(np.mean(np.log(data))), "harmonic_mean": lambda data: 1 / np.mean(1 / data),
}  # fmt: skip


def _on_samples(name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `statistics`, which counts in fractions."""

    @wraps(theirs)
    def call(data: Any, *args: Any, **options: Any) -> Any:
        data = list(data)
        if not has_gradient((data, *args, *options.values())):
            return theirs(plain(data), *plain(args), **plain(options))
        if args or options:
            raise refusal(f"statistics.{name}: no derivative is known with further arguments")
        return _OF_SAMPLES[name](_stacked(data))

    return call


def _replace(module: ModuleType, names: Iterable[str], make: Callable[[str, Any], Any]) -> Namespace:
    """A module of functions with ours in place of some of its own."""
    ours = REPLACED[module] = Namespace(module)
    for name in names:
        theirs = getattr(module, name)
        if callable(theirs) and not name.startswith("_"):
            vars(ours)[name] = REPLACED[theirs] = make(name, theirs)
    return ours


namespace = _replace(math, dir(math), _on_numbers)
_replace(statistics, _OF_SAMPLES, _on_samples)
_replace(decimal, (), _on_numbers)

_quantile = _smooth(
    statistics.NormalDist().inv_cdf,
    lambda g, y, p: g * math.sqrt(2 * math.pi) * np.exp(y * y / 2),
    r"\bar y \, \sqrt{2 \pi} \, e^{y^2 / 2}",
)


@replaces(statistics.NormalDist)
class Normal(statistics.NormalDist):
    """`statistics.NormalDist`, whose functions are made in C."""

    __slots__ = ()

    def __init__(self, mu: Any = 0.0, sigma: Any = 1.0) -> None:
        super().__init__(plain(mu), plain(sigma))  # its errors
        self._mu, self._sigma = mu, sigma

    def pdf(self, x: Any) -> Any:
        """The density."""
        return namespace.exp(-(self.zscore(x) ** 2) / 2) / (self._sigma * math.sqrt(2 * math.pi))

    def cdf(self, x: Any) -> Any:
        """The probability of no more than `x`."""
        return namespace.erfc(-self.zscore(x) / math.sqrt(2)) / 2

    def inv_cdf(self, p: Any) -> Any:
        """The number that is not exceeded with the probability `p`."""
        return self._mu + self._sigma * _quantile(p)


INSTANCES[statistics.NormalDist] = lambda theirs: Normal(theirs.mean, theirs.stdev)


# Of complex numbers

_COMPLEX: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("exp", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **_INVERSE,
    "log": lambda z, base=None: np.log(z) if base is None else np.log(z) / np.log(as_complex(base)),
    "phase": np.angle,
    "polar": lambda z: (np.abs(z), np.angle(z)),
    "rect": lambda r, phi: r * np.exp(1j * phi),
}


def _on_complex(name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(theirs)
    def call(*args: Any, **options: Any) -> Any:
        if name in _STEPS or not any(isinstance(arg, Complex) or holds_tensor(arg) for arg in args):
            return theirs(*without_tensors(args), **options)
        return _COMPLEX[name](*args if name == "rect" else (as_complex(args[0]), *args[1:]))

    return call


complex_namespace = _replace(cmath, dir(cmath), _on_complex)
