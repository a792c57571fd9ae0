"""NumPy's arrays and those of other libraries, which speak NumPy's protocols: chunks on a cluster, memory of a GPU.

Shortcuts that assume NumPy's memory are taken for NumPy's arrays only. For others the user's own NumPy call is handed
to their library, and nothing of them is asked for: no number, no copy on the host (NEP 13 and 18).
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np

from autograd.basis.loading import load

ARRAYS: Final = {np.ndarray, np.float64, np.float32}  # what most values are
NUMBER: Final = np.float64  # what most numbers are


class Proxy:
    """What stands for an array in a computation, a Tensor or a traced value: it knows this project's functions too."""

    __slots__ = ()

    def __array_function__(self, fn: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """NumPy's protocol (NEP 18)."""
        raise NotImplementedError


class Recorded(Proxy):
    """A Tensor, to what stands below its class; graphs of networkx have a `_node` too."""

    __slots__ = ()
    _node: Any
    _value: Any


def is_tensor(value: Any) -> bool:
    """Whether it is a Tensor."""
    return isinstance(value, Recorded)


_OURS: Final = (np.ndarray, np.generic, Proxy)


def is_foreign(value: Any) -> bool:
    """Whether it is an array of another library, which answers for NumPy's functions itself.

    >>> is_foreign(np.ones(2)), is_foreign(2.0)
    (False, False)
    """
    kind = type(value)
    return kind not in ARRAYS and hasattr(kind, "__array_function__") and not issubclass(kind, _OURS)


def dispatches(value: Any) -> bool:
    """Whether it answers for NumPy's functions: an array of another library, or what stands for an array.

    >>> dispatches(np.ones(2)), dispatches(Proxy())
    (False, True)
    """
    return isinstance(value, Proxy) or is_foreign(value)


def is_lazy(value: Any) -> bool:
    """Whether it is a graph of tasks that computes an array in chunks, as Dask's arrays are.

    >>> is_lazy(np.ones(2))
    False
    """
    return hasattr(type(value), "__dask_graph__")


def check_lengths(array: Any, name: str) -> None:
    """ValueError for a lazy array whose length is known once its values are."""
    if is_lazy(array) and any(n != n for n in array.shape):
        raise ValueError(
            f"{name} of shape {array.shape}: a length depends on values that are not computed. Ask for it by "
            "compute_chunk_sizes(), or choose by np.where, which keeps the shape"
        )


def by_protocol(op: Any, *values: Any, **kwargs: Any) -> Any:
    """The value of an operation of what are not all plain arrays, through NumPy's protocols.

    Raises:
        TypeError: the library has no such function, and would have fetched its data for NumPy's; or arrays of several
            libraries, which do not know each other.
    """
    others = [value for value in (*values, *kwargs.values()) if is_foreign(value)]
    if not others:
        return op.on_any_array(*values, **kwargs)
    fn = op.in_chunks if op.in_chunks and any(map(is_lazy, others)) else op.on_any_array
    try:
        with no_fetching():
            result = fn(*values, **kwargs)
    except TypeError as error:
        arrays = [value for value in (*values, *kwargs.values()) if hasattr(value, "__array_function__")]
        kinds = sorted({_kind(array) for array in arrays if np.ndim(array)})
        if len(kinds) > 1:
            raise TypeError(f"{error}. {' and '.join(kinds)} {_DO_NOT_MIX}") from error
        raise
    check_lengths(result, op.name)
    if not is_foreign(result):
        raise TypeError(f"{type(others[0]).__module__.partition('.')[0]} {_WOULD_FETCH}")
    return result


_WOULD_FETCH: Final = (
    "does not know it, and would fetch all of the data for NumPy: write it with functions that it knows, or compute "
    "the array first, where that is meant"
)


_DO_NOT_MIX: Final = (
    "do not mix: make all operands of one kind. Arrays go to a GPU by cupy.asarray(a), chunks by "
    "x.map_blocks(cupy.asarray); to the host by a.get(), x.map_blocks(cupy.asnumpy); into chunks by da.from_array(a)"
)


def _kind(array: Any) -> str:
    """The class of an array, and of one in chunks theirs too, as `dask.Array of numpy.ndarray`."""
    kind = f"{type(array).__module__.partition('.')[0]}.{type(array).__name__}"
    return f"{kind} of {_kind(array._meta)}" if is_lazy(array) else kind


class no_fetching(warnings.catch_warnings):  # noqa: N801  (a context manager)
    """Where Dask has no function of a name, it computes its chunks and warns: here that is an error before it does."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.filterwarnings("error", r"The `.*` function is not implemented by Dask", FutureWarning)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        super().__exit__(kind, error, trace)
        if kind is FutureWarning and "by Dask" in str(error):
            where, _, rest = str(error).partition("The `")
            raise TypeError(f"{where}{rest.partition('`')[0]}: dask {_WOULD_FETCH}") from None


def as_kind(array: Any, like: Any) -> Any:
    """`array` in the dtype of `like`; a plain array, or one of another library as it came.

    >>> as_kind([1, 2], np.zeros(2, np.float32))
    array([1., 2.], dtype=float32)
    """
    return array.astype(like.dtype) if dispatches(array) else np.asarray(array, dtype=like.dtype)[()]


def of_kind(constant: Any, like: Any) -> Any:
    """A constant of a rule, such as an identity matrix, as an array of the library that `like` is of.

    >>> of_kind(np.eye(2), np.zeros(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    like = getattr(like, "_value", like)  # of a Tensor
    return np.asarray(constant, like=like) if is_foreign(like) else constant


def holds(condition: Any) -> bool:
    """Whether a condition on values is known to be true: not of another library's, which are not asked for numbers.

    A rule that has a faster way for most values takes the one that is right for all where this is False.

    >>> bool(holds(np.True_))
    True
    """
    return isinstance(condition, (bool, np.bool_)) and bool(condition)


def times(a: Any, b: Any) -> Any:
    """`a @ b`; of rows in chunks with a plain matrix chunk by chunk: Dask's own adds up parts, of which there is one.

    >>> times(np.ones((1, 2)), np.ones((2, 1)))
    array([[2.]])
    """
    if is_lazy(a) and type(b) is np.ndarray and a.ndim == b.ndim == 2 and a.chunks[1] == (len(b),):
        da = load("dask.array")
        b = da.from_array(b, chunks=-1)  # one key of the graph, where a copy in every task would be sent with each
        return da.blockwise(np.matmul, "ij", a, "ik", b, "kj", concatenate=True, dtype=np.result_type(a, b))
    return a @ b


def nowhere(condition: Any) -> bool:
    """Whether a condition is known to be true of no element: what `holds` says of its opposite, in a tenth of the time.

    >>> nowhere(np.zeros(2, bool)), nowhere(np.False_)
    (True, True)
    """
    return isinstance(condition, (np.ndarray, np.bool_)) and not np.count_nonzero(condition)
