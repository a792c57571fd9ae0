"""What works on arrays of other libraries, by the records' samples: `python -m tests.libraries` writes the page.

An operation works where its value and gradients are NumPy's and stay arrays of the library. On Dask the samples are cut
in two along their first axis, as rows of data are; what fails so is tried in one chunk.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import nn  # noqa: F401  (its records too)
from autograd import Tensor
from autograd.core.op import Op, operations
from autograd.core.tensor import apply
from tests.strict import StrictArray
from tests.table import NAMES

with suppress(ImportError):
    import autograd.scipy.linalg
    import autograd.scipy.signal
    import autograd.scipy.special  # noqa: F401

PAGE = Path(__file__).parent.parent / "autograd" / "array" / "LIBRARIES.md"
YES, PART, WHOLE, NO = "yes", "part", "one chunk", ""
OTHER_SIGNS = {"packed_svd", "packed_qr"}  # the factors of Dask's may have other signs than LAPACK's: right as well


class Library(NamedTuple):
    """How to make an array of a library, and to have several back; where it is `strict`, constants are moved too."""

    name: str
    make: Callable[[Any], Any]
    get: Callable[[list[Any]], Sequence[Any]]
    strict: bool = False


def device() -> Library:
    """CuPy where it is installed and finds a GPU; else arrays as strict."""
    try:
        import cupy

        cupy.zeros(1)
    except Exception:  # not installed, or no driver
        return Library("a GPU", StrictArray, lambda arrays: [a.get() for a in arrays], strict=True)
    return Library("a GPU", cupy.asarray, lambda arrays: [cupy.asnumpy(a) for a in arrays], strict=True)


def dask(chunks: int) -> Library:
    """Dask with so many chunks along the first axis."""
    import dask.array as da
    from dask import compute

    def make(array: Any) -> Any:
        array = np.asarray(array)
        sizes = [-(-n // chunks) if k == 0 and n else n for k, n in enumerate(array.shape)]
        return da.from_array(array, chunks=tuple(sizes))

    def get(arrays: list[Any]) -> Sequence[Any]:
        found: Sequence[Any] = compute(*arrays, scheduler="synchronous", optimize_graph=False)
        return found

    return Library("Dask", make, get)


def drawn(op: Op, k: int) -> tuple[list[Any], dict[str, Any]]:
    """The operands and options of a sample's call, in the form of the rules."""
    args = op.samples[k](np.random.default_rng(k))
    args, kwargs = (args[:-1], args[-1]) if args and isinstance(args[-1], dict) else (args, {})
    flat, options = op.bind(args, kwargs)
    return list(flat), dict(options)


def works(op: Op, k: int, library: Library) -> str:
    """An empty text where a sample works, else the error; None of its numbers may be wrong.

    Raises:
        AssertionError: the value or a gradient is another one than NumPy's, or has left the library.
    """
    args, kwargs = drawn(op, k)
    floats = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype.kind == "f" and _has_rule(op, i)]
    if not floats:
        return ""
    plain, there = list(args), list(args)
    for i, a in enumerate(args):
        if i in floats:
            plain[i], there[i] = Tensor(a, requires_grad=True), Tensor(library.make(a), requires_grad=True)
        elif (
            library.strict and isinstance(a, np.ndarray) and op.role not in ("index", "write") and op.name != "scatter"
        ):
            there[i] = library.make(a)
    options = {key: library.make(v) if library.strict and isinstance(v, np.ndarray) else v for key, v in kwargs.items()}
    expected = apply(op, tuple(plain), kwargs)
    g = np.random.default_rng(1).normal(size=expected.shape).astype(expected.dtype)
    expected.backward(g)
    try:
        found = apply(op, tuple(there), options)
        found.backward(library.make(g))
        value, *gradients = library.get([found.data, *(there[i].grad for i in floats)])
    except (TypeError, ValueError, NotImplementedError, IndexError, AttributeError, ZeroDivisionError) as error:
        return f"{type(error).__name__}: {error}"
    if op.name not in OTHER_SIGNS:
        np.testing.assert_allclose(value, expected.data, rtol=1e-6, atol=1e-9)
        for i, gradient in zip(floats, gradients, strict=True):
            np.testing.assert_allclose(gradient, plain[i].grad, rtol=1e-5, atol=1e-7)
    return ""


def _has_rule(op: Op, position: int) -> bool:
    return op.variadic or (position < len(op.vjp) and op.vjp[position] is not None)


def status(op: Op, library: Library) -> str:
    """Whether all samples of an operation work, some or none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's on its own performance
        errors = [works(op, k, library) for k in range(len(op.samples))]
    return YES if not any(errors) else NO if all(errors) else PART


def on_dask(op: Op) -> str:
    """The status on chunks, or in one chunk where that is needed."""
    found = status(op, dask(2))
    return found if found == YES or status(op, dask(1)) != YES else WHOLE


def page() -> str:
    """The table."""
    gpu, rows = device(), []
    for op in operations():
        name = NAMES.get(op.name, op.name)
        rows.append(f"| `{name}` | {status(op, gpu)} | {on_dask(op)} |")
    return _HEAD + "\n".join(rows) + "\n"


def said() -> dict[str, tuple[str, str]]:
    """What the page says of each operation: on a GPU, on Dask."""
    rows = [line.split("|")[1:4] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return {name.strip(" `"): (gpu.strip(), lazy.strip()) for name, gpu, lazy in rows}


_HEAD = """\
<!-- Written by `python -m tests.libraries` from the samples of the records. -->

# Which operations work on arrays of other libraries

The rules are NumPy code, and NumPy hands its calls to the library that an array is of. So an operation works there as
far as that library knows the functions of the operation and of its rules.

- **yes**: every form of the call that the tests know gives NumPy's value and gradients, as arrays of that library.
- **part**: some forms do, such as those without `where=`, `initial=` or with a whole axis; others are errors.
- **one chunk**: it works once the array is in one chunk, `x.rechunk(-1)`.
- nothing: an error that names the operation. No data is moved or computed for it without being asked.

*GPU* is measured with a stand-in that mixes with its own kind and numbers only, as CuPy's arrays do, and refuses to
come to the host. No machine of ours has a GPU; by its sources CuPy 15 lacks `np.spacing`, `np.linalg.multi_dot`,
`np.vecdot`, `np.matvec` and `np.vecmat`. With Dask factors of `packed_svd` and `packed_qr` may have other signs.

| operation | GPU | Dask, in chunks of rows |
| --- | --- | --- |
"""

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    counts = [[row[k] for row in said().values()].count(YES) for k in (0, 1)]
    sys.stdout.write(f"of {len(said())} operations {counts[0]} on a GPU, {counts[1]} on Dask\n")
