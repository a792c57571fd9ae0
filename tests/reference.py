"""What the engine is compared with: central differences, and calls of every record on arrays and on Tensors."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import nn  # noqa: F401  (its records too)
from autograd import Tensor, grad, hvp
from autograd.core.op import Op, operations
from autograd.core.tensor import apply
from autograd.rules.definition import Composite, composites
from autograd.testing import gradcheck

with suppress(ImportError):  # install SciPy, and its records are among them
    import autograd.scipy.linalg
    import autograd.scipy.signal
    import autograd.scipy.spatial
    import autograd.scipy.special  # noqa: F401

Array = np.ndarray[Any, np.dtype[Any]]
Record = Op | Composite


def reproducibly(examples: int) -> settings:
    """The same examples in every run."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# Central differences


class Slope(NamedTuple):
    """A derivative along a direction, how far it can be wrong, and by how much the slopes on both sides differ."""

    value: float
    doubt: float
    kink: float

    @property
    def smooth(self) -> bool:
        """Whether these are differences of a smooth function."""
        return max(self.doubt, 0.1 * self.kink) <= 1e-3 * max(abs(self.value), 1e-3)


def slope(phi: Callable[[list[Any]], float], x: list[Any], direction: list[Any], h: float = 1e-4) -> Slope:
    """The derivative of `phi` at `x`, extrapolated from two steps (Richardson)."""

    def at(t: float) -> float:
        return phi([a + t * d for a, d in zip(x, direction, strict=True)])

    here, ahead, behind, near_ahead, near_behind = at(0.0), at(h), at(-h), at(h / 2), at(-h / 2)
    wide, near = (ahead - behind) / (2 * h), (near_ahead - near_behind) / h
    rounding = 1e-14 * max(abs(ahead), abs(behind), abs(here)) / h
    return Slope(
        (4 * near - wide) / 3, abs(near - wide) + rounding, 2 * abs(near_ahead + near_behind - 2 * here) / h - rounding
    )


def directions(values: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """One random direction in the space of all of them."""
    return [rng.normal(size=np.shape(value)) for value in values]


def weighted(outputs: list[Any], weights: list[Any]) -> Any:
    """A number to which every element of every output contributes."""
    total: Any = 0.0
    for output, weight in zip(outputs, weights, strict=True):
        total = total + np.sum(output * weight)
    return total


@contextmanager
def holding(everything: bool) -> Iterator[None]:
    """A graph keeps all values, as it does of few small ones, or what its rules read alone, as of large ones."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("_SMALL", "_TINY"):
            patch.setattr(f"autograd.core.tensor.{limit}", 1 << 40 if everything else -1)
        yield


def assert_derivatives(fn: Callable[..., Any], values: Sequence[Any]) -> None:
    """The first derivatives of all outputs, by every element, and the second along a direction, are differences."""
    rng, values = np.random.default_rng(1), [np.array(value, dtype=np.float64) for value in values]
    weights = [rng.normal(size=np.shape(output)) for output in parts(fn(*values))]
    ways = [rng.uniform(-1, 1, size=value.shape) for value in values]

    def total(*given: Any) -> Any:
        return weighted(parts(fn(*given)), weights)

    assert gradcheck(total, values, complex_step=False)
    gradient = grad(total, range(len(values)))
    for position, expected in enumerate(gradient(*values)):  # the others are arrays then
        np.testing.assert_allclose(grad(total, position)(*values), expected, rtol=1e-12, atol=1e-14)

    def slopes(h: float) -> list[Any]:
        ahead, behind = (gradient(*(v + t * way for v, way in zip(values, ways, strict=True))) for t in (h, -h))
        return [(a - b) / (2 * h) for a, b in zip(ahead, behind, strict=True)]

    h = 1e-4 * max(1.0, *(np.max(np.abs(value), initial=0) for value in values))
    for second, wide, near in zip(hvp(total, values, ways), slopes(h), slopes(h / 2), strict=True):
        scale = np.max(np.abs(near), initial=0)
        np.testing.assert_allclose(second, (4 * near - wide) / 3, rtol=1e-6, atol=1e-6 + 1e-5 * scale)


# Calls with the arguments of records


RECORDS: list[Record] = [made for made in (*operations(), *composites()) if not made.name.startswith("scipy.")]
WRITERS = (np.copyto, np.putmask, np.place, np.put, np.put_along_axis, np.fill_diagonal)


def of_numpy(fn: Any) -> bool:
    """Whether users call `fn` as it is: NumPy's functions and the index."""
    return fn is operator.getitem or isinstance(fn, np.ufunc) or str(fn.__module__).startswith("numpy")


def mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """`change` of every part of nested lists, tuples and dictionaries."""
    if type(value) in (list, tuple):
        return type(value)(mapped(change, part) for part in value)
    if type(value) is dict:
        return {key: mapped(change, part) for key, part in value.items()}
    return change(value)


def parts(value: Any) -> list[Any]:
    """All parts of a nesting, in order."""
    found: list[Any] = []
    mapped(found.append, value)
    return found


def is_float(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f" if isinstance(value, (float, np.generic, np.ndarray)) else False


def call(record: Record, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The floats that a call gives, on arrays or on Tensors; of a function that writes, what it wrote into."""
    live = any(isinstance(part, Tensor) for part in parts((args, kwargs)))
    if record.fn in WRITERS:
        array = isinstance(args[0], np.ndarray)
        result = (Tensor(args[0].copy()) if live else args[0].copy()) if array else np.positive(args[0])
        record.fn(result, *args[1:], **kwargs)
    elif isinstance(record, Op) and live and not of_numpy(record.fn):
        result = apply(record, *record.bind(args, kwargs))
    else:
        result = record.fn(*args, **kwargs)
    several = parts(list(result) if isinstance(result, tuple) else result)
    # From NumPy 2.5 on eigenvalues are complex, also where they are real.
    several = [value.real if np.iscomplexobj(value) and not np.any(value.imag) else value for value in several]
    return [value if isinstance(value, Tensor) else np.asarray(value)[()] for value in several
            if isinstance(value, Tensor) or is_float(value)]  # fmt: skip


def cases(records: Iterable[Record]) -> list[Any]:
    """The parameters of a test: each record with the number of each of its samples."""
    return [pytest.param(made, k, id=f"{made.name}-{k}") for made in records for k in range(len(made.samples))]


def sample(record: Record, k: int, seed: int | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, by the record's own samples."""
    args = record.samples[k % len(record.samples)](np.random.default_rng(k if seed is None else seed))
    return (args[:-1], args[-1]) if args and isinstance(args[-1], dict) else (args, {})


def differentiable(record: Record, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[bool]:
    """For each part of a call's arguments, whether it may be a Tensor: it is no option and no position."""
    if isinstance(record, Op):
        flat, options = record.bind(args, kwargs)
        ruled = [record.variadic or (k < len(record.vjp) and record.vjp[k] is not None) for k in range(len(flat))]
        fixed = [value for value, has_rule in zip(flat, ruled, strict=True) if not has_rule] + list(options.values())
    else:
        fixed = [value for value in parts(kwargs) if not isinstance(value, np.ndarray)]
        fixed += args[1:2] if record.fn in (np.histogram, np.putmask, np.place) else []  # bins in a list, and masks
    fixed = parts(fixed)
    return [is_float(part) and not any(part is other for other in fixed) for part in parts((args, kwargs))]
