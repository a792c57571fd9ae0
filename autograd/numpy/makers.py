"""Functions and classes of NumPy's that make arrays of what may hold Tensors."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from operator import getitem
from typing import Any

import numpy as np

from autograd.core.errors import describe
from autograd.core.op import holds_tensor, plain, stack_nested
from autograd.numpy.arrays import as_tensor, has_gradient
from autograd.numpy.namespace import REPLACED, ours, replaces
from autograd.rules.composed.complex import Complex, as_complex, holds_complex, is_complex


def _cast(tensor: Any, dtype: Any) -> Any:
    """A Tensor in a dtype; integers are plain."""
    return tensor if dtype is None or np.dtype(dtype) == tensor.dtype else tensor.astype(dtype)


def _objects(values: Any) -> Any:
    """An array of objects, among them Tensors without axes."""
    out = np.empty(np.array(plain(values), dtype=object).shape, dtype=object)
    for position in np.ndindex(*out.shape):
        out[position] = functools.reduce(getitem, position, values)
    return out


@replaces(np.array)
def array(object: Any, dtype: Any = None, *, copy: Any = True, order: Any = "K", ndmin: int = 0, **options: Any) -> Any:
    """`np.array`: of numbers, arrays and Tensors in any nesting.

    >>> from autograd import Tensor
    >>> array([[1.0, Tensor(2.0)], [3.0, 4.0]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    always = copy in (True, np._CopyMode.ALWAYS)
    if isinstance(object, (list, tuple)):
        object = list(object)  # of any kind, as a named tuple
    made: Any
    if is_complex(object) and (holds_tensor(object) or holds_complex(object)):
        made = as_complex(object)
        return np.copy(made) if always and made is object else made
    if not holds_tensor(object):
        return as_tensor(np.array(object, dtype, copy=copy, order=order, ndmin=ndmin, **options))
    if dtype is not None and np.dtype(dtype).kind == "O":
        return _objects(object)
    made = _cast(stack_nested(object), dtype)
    if (always and made is object) or isinstance(plain(made), np.generic):  # one can write into what it makes of these
        made = np.copy(made)
    return made if made.ndim >= ndmin else np.reshape(made, (1,) * (ndmin - made.ndim) + made.shape)


def _written_into(fn: Any) -> Any:
    """A maker: complex arrays are made of Tensors too, as something with a gradient may be written into them."""

    def make(*args: Any, **kwargs: Any) -> Any:
        made = fn(*args, **kwargs)
        if getattr(getattr(made, "dtype", None), "kind", "") != "c" or isinstance(made, Complex):
            return as_tensor(made)
        return Complex(as_tensor(np.array(made.real)), as_tensor(np.array(made.imag)))

    make.__name__, make.__doc__ = fn.__name__, fn.__doc__
    return make


for _fn in (np.zeros, np.ones, np.empty, np.zeros_like, np.ones_like, np.empty_like):
    replaces(_fn)(_written_into(_fn))


@replaces(np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.asarray_chkfinite, np.require)
def asarray(a: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
    """`np.asarray`: a Tensor is one already."""
    if holds_tensor(a) or holds_complex(a):
        return array(a, dtype, copy=False)
    if getattr(type(a), "__array_ufunc__", a) is None:  # a polynomial, say, with Tensors inside
        return a
    return as_tensor(np.asarray(a, dtype))


@replaces(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    """`np.full`."""
    if not holds_tensor(fill_value):
        return as_tensor(np.full(plain(shape), fill_value, dtype, **options))
    return np.copy(np.broadcast_to(_cast(stack_nested(fill_value), dtype), shape))


_where: Any = ours(np.where)


@replaces(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """`np.where`, whose arguments may be named."""
    return _where(condition) if x is None else _where(condition, x, y)


@replaces(np.arange)
def arange(*args: Any, dtype: Any = None, **options: Any) -> Any:
    """`np.arange`: a start and a step may be Tensors; how many numbers there are has no derivative."""
    args, dtype = args[:3], args[3] if len(args) > 3 else dtype
    made = np.arange(*plain(args), dtype=dtype, **plain(options))
    if not holds_tensor((*args, *options.values())):
        return as_tensor(made)
    start = args[0] if len(args) > 1 else options.get("start", 0)
    step = args[2] if len(args) > 2 else options.get("step", 1)
    return start + step * np.arange(len(made), dtype=made.dtype)


@replaces(np.fromiter)
def fromiter(iter: Iterable[Any], dtype: Any = None, count: int = -1) -> Any:
    """`np.fromiter`."""
    values = list(iter)
    return array(values if count < 0 else values[:count], dtype)


@replaces(np.ndenumerate)
def ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """`np.ndenumerate`."""
    values = asarray(arr)
    return ((position, values[position]) for position in np.ndindex(*values.shape))


@replaces(np.vectorize)
class vectorize:  # noqa: N801
    """`np.vectorize`: a function of numbers, called for every element, or of what its signature says.

    >>> vectorize(np.dot, signature="(n),(n)->()")(np.eye(2), np.array([3.0, 4.0])).tolist()
    [3.0, 4.0]
    """

    def __init__(
        self, pyfunc: Any = None, otypes: Any = None, doc: Any = None, excluded: Any = None, cache: bool = False,
        signature: str | None = None,
    ) -> None:  # fmt: skip
        self.pyfunc = pyfunc
        self._options: dict[str, Any] = {"excluded": excluded or (), "signature": signature}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.pyfunc is None:
            return vectorize(*args, **self._options)
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        over = {key: asarray(value) for key, value in given.items() if key not in self._options["excluded"]}
        inputs = re.findall(r"\(([^)]*)\)", (self._options["signature"] or "()" * len(over)).partition("->")[0])
        axes = [len(axes.split(",")) if axes.strip() else 0 for axes in inputs]  # that a call gets
        shapes = [np.shape(value)[: np.ndim(value) - n] for value, n in zip(over.values(), axes, strict=True)]
        shape = np.broadcast_shapes(*shapes)
        for (key, value), own in zip(over.items(), shapes, strict=True):
            over[key] = np.broadcast_to(value, shape + np.shape(value)[len(own) :])
        results = []
        for position in np.ndindex(*shape):
            given.update({key: value[position] for key, value in over.items()})
            results.append(self.pyfunc(*[given[k] for k in range(len(args))], **{name: given[name] for name in kwargs}))
        if results and isinstance(results[0], tuple):
            return tuple([_in_shape(shape, list(part)) for part in zip(*results, strict=True)])
        return _in_shape(shape, results)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self


@replaces(np.frompyfunc)
class frompyfunc:  # noqa: N801
    """`np.frompyfunc`: a function that is called for every element; of plain numbers it is NumPy's own.

    >>> from autograd import Tensor
    >>> smooth = frompyfunc(lambda a, b: (a + b) / 2, 2, 1)
    >>> smooth.accumulate(Tensor([2.0, 4.0, 1.0], requires_grad=True)).data
    array([2., 3., 2.])
    """

    def __init__(self, func: Any, nin: int, nout: int, **identity: Any) -> None:
        self._of_objects, self._of_tensors = np.frompyfunc(func, nin, nout, **identity), vectorize(func)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of_objects, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._of_tensors(*args) if has_gradient(args) else self._of_objects(*plain(args), **options)

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None) -> Any:
        """Of the first element, of that and the second, and so on."""
        if not has_gradient(array):
            return self._of_objects.accumulate(plain(array), axis, dtype)
        return np.stack([*itertools.accumulate(np.moveaxis(array, axis, 0), self)], axis)

    def reduce(self, array: Any, axis: int = 0, dtype: Any = None) -> Any:
        """Of all elements, one after the other."""
        if not has_gradient(array):
            return self._of_objects.reduce(plain(array), axis, dtype)
        return functools.reduce(self, np.moveaxis(array, axis, 0))


def _in_shape(shape: tuple[int, ...], results: list[Any]) -> Any:
    made = array(results)
    return np.reshape(made, shape + np.shape(made)[1:])


@replaces(np.lib.stride_tricks.as_strided)
def as_strided(x: Any, shape: Any = None, strides: Any = None, subok: bool = False, writeable: bool = True) -> Any:
    """`np.lib.stride_tricks.as_strided`: the elements at these places, and a view of them."""
    if not has_gradient(x) and not (writeable and holds_tensor(x) and plain(x).flags.c_contiguous):
        return as_tensor(np.lib.stride_tricks.as_strided(plain(x), shape, strides))
    data, size = x._value, x.dtype.itemsize
    if not data.flags.c_contiguous:
        raise TypeError(f"np.lib.stride_tricks.as_strided of {describe(x)}, which is not contiguous; give a copy")
    places = np.arange(data.size, dtype=np.int64).reshape(data.shape)
    steps = None if strides is None else [step // size * 8 for step in strides]
    flat: Any = np.ravel(x)
    return flat._looked_at(np.lib.stride_tricks.as_strided(places, shape, steps))


_sliding: Any = ours(np.lib.stride_tricks.sliding_window_view)


@replaces(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """`np.lib.stride_tricks.sliding_window_view`: one that can be written to is a view."""
    if not writeable or not holds_tensor(x):
        return _sliding(x, window_shape, axis)
    places = np.arange(np.size(x)).reshape(np.shape(x))
    flat: Any = np.ravel(x)
    return flat._looked_at(np.lib.stride_tricks.sliding_window_view(places, window_shape, axis))


def make_diagonal(D: Any, offset: int = 0, axis1: int = -1, axis2: int = -2) -> Any:
    """Matrices with the last axis of `D` on their diagonals, as HIPS autograd has it beside NumPy's functions.

    >>> make_diagonal(np.ones(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if (offset, axis1, axis2) != (0, -1, -2):
        raise TypeError("make_diagonal is for offset=0, axis1=-1 and axis2=-2")
    return np.expand_dims(D, -1) * np.eye(np.shape(D)[-1])


def _ends(part: Any) -> Any:
    return (part.start, part.stop, part.step) if isinstance(part, slice) else part


class _Joined:
    """`np.r_` and `np.c_`."""

    def __init__(self, theirs: Any, columns: bool) -> None:
        self._theirs, self._columns = theirs, columns

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(holds_tensor(_ends(part)) for part in parts):
            return as_tensor(self._theirs[key])
        if any(isinstance(part, str) for part in parts):
            raise TypeError("np.r_ of Tensors with a directive; use np.concatenate or np.stack")
        arrays = [_points(part) if isinstance(part, slice) else np.atleast_1d(asarray(part)) for part in parts]
        if self._columns:
            arrays = [part[:, None] if part.ndim == 1 else part for part in arrays]
        return np.concatenate(arrays, axis=-1 if self._columns else 0)


REPLACED.update({np.r_: _Joined(np.r_, columns=False), np.c_: _Joined(np.c_, columns=True)})


class _Grid:
    """`np.mgrid` and `np.ogrid`: a start and a step may be Tensors; how many points there are has no derivative."""

    def __init__(self, theirs: Any) -> None:
        self._theirs = theirs

    def __getitem__(self, key: Any) -> Any:
        axes = key if isinstance(key, (tuple, list)) else (key,)
        parts = [(axis.start, axis.stop, axis.step) for axis in axes]
        if not holds_tensor(parts):
            return as_tensor(self._theirs[key])
        plainly = tuple([slice(*plain(part)) for part in parts])
        places = [_places(part, np.ravel(grid)) for part, grid in zip(parts, np.ogrid[plainly], strict=True)]
        spread = np.meshgrid(*places, indexing="ij", sparse=self._theirs is np.ogrid)
        return spread[0] if isinstance(key, slice) else np.stack(spread) if self._theirs is np.mgrid else spread


def _points(part: slice) -> Any:
    values = np.r_[slice(*plain(_ends(part)))]
    return _places(_ends(part), values) if holds_tensor(_ends(part)) else values


def _places(part: tuple[Any, ...], values: Any) -> Any:
    """The points along one axis: by a step, or as many as an imaginary step says."""
    start, stop, step = part
    start = 0 if start is None else start
    if isinstance(step, complex):
        return np.linspace(start, stop, len(values))
    return start + (1 if step is None else step) * np.arange(len(values))


REPLACED.update({np.mgrid: _Grid(np.mgrid), np.ogrid: _Grid(np.ogrid)})


@replaces(np.broadcast)
def broadcast(*args: Any) -> Any:
    """`np.broadcast`: what it says of shapes, and the elements in turn."""
    spread = np.broadcast(*map(plain, args))
    if not has_gradient(args):
        return spread
    values = [np.ravel(value) for value in np.broadcast_arrays(*map(asarray, args))]
    return Broadcast(spread.shape, values)


class Broadcast:
    """`np.broadcast` of Tensors."""

    def __init__(self, shape: tuple[int, ...], values: list[Any]) -> None:
        self.shape, self.ndim, self.nd, self.size = shape, len(shape), len(shape), int(np.prod(shape))
        self._values = values

    def __iter__(self) -> Iterator[Any]:
        return zip(*self._values, strict=True)


@replaces(np.nditer)
def nditer(op: Any, *args: Any, **options: Any) -> Any:
    """`np.nditer` of the elements in turn; of a Tensor without further options."""
    if not has_gradient(op):
        return np.nditer(plain(op), *args, **options)
    if args or options:
        raise TypeError("np.nditer of a Tensor with options; use np.ndindex, np.ndenumerate")
    return iter(np.ravel(op))


@replaces(np.asmatrix, np.bmat)
def matrix(*args: Any, **kwargs: Any) -> Any:
    """Refused: `*` of a matrix is not that of arrays, so a Tensor cannot stand for one."""
    raise TypeError("np.matrix: a Tensor cannot be one, since its * would be a matrix product; use np.array and @")
