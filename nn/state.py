"""Dictionaries of arrays by name: checked as a whole before anything is changed, and kept in files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from autograd import Tensor, replacing

Array = np.ndarray[Any, np.dtype[Any]]
_LONGEST_NAME = 1000  # characters; of a path in a zip archive there may be 65,535 bytes
Path = str | os.PathLike[str]


class LeftOut(NamedTuple):
    """What a state lacked, and what it had besides; both empty where everything was loaded."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def fitting(
    owner: str, expected: Mapping[str, tuple[int, ...]], state: Mapping[str, Any], strict: bool
) -> tuple[dict[str, Array], LeftOut]:
    """As `checked`; where not `strict`, what is missing or unexpected is left out and returned."""
    if strict or not isinstance(state, Mapping):
        return checked(owner, expected, state), LeftOut([], [])
    missing = [name for name in expected if name not in state]
    common = {name: value for name, value in state.items() if name in expected}
    left_out = LeftOut(missing, [name for name in state if name not in expected])
    return checked(owner, expected, common, missing), left_out


def checked(
    owner: str,
    expected: Mapping[str, tuple[int, ...]],
    state: Mapping[str, Any],
    optional: Iterable[str] = (),
) -> dict[str, Array]:
    """The entries of `state` as arrays, if they are what `owner` expects.

    Args:
        owner: whose state it is, for the error.
        expected: the shape of every entry.
        state: anything array-like by name.
        optional: names that may be missing.

    Raises:
        TypeError: `state` is no dictionary.
        ValueError: names everything that is missing, unexpected, or of another shape or kind, at once.

    >>> checked("Linear", {"weight": (2,)}, {"weight": [1, 2]})
    {'weight': array([1, 2])}
    >>> checked("Linear", {"weight": (2,), "bias": ()}, {"weight": [1], "b": 0})
    Traceback (most recent call last):
      ...
    ValueError: this state does not fit Linear, and nothing was loaded:
      missing: bias
      unexpected: b
      weight is (2,), in the state (1,)
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"{owner} takes a dictionary of arrays, as state_dict() gives it, not {type(state).__name__}")
    arrays = {name: np.asarray(value.data if isinstance(value, Tensor) else value) for name, value in state.items()}
    missing = [name for name in expected if name not in arrays and name not in set(optional)]
    unexpected = [str(name) for name in arrays if name not in expected]
    wrong = [f"missing: {', '.join(missing)}"] if missing else []
    wrong += [f"unexpected: {', '.join(unexpected)}"] if unexpected else []
    for name, array in arrays.items():
        if name in expected and array.shape != expected[name]:
            wrong.append(f"{name} is {expected[name]}, in the state {array.shape}")
        elif name in expected and array.dtype.kind not in "fiub":
            wrong.append(f"{name} holds real numbers, in the state {array.dtype}")
    if wrong:
        raise ValueError("\n  ".join([f"this state does not fit {owner}, and nothing was loaded:", *wrong]))
    return arrays


def cast(array: Array | None, dtype: Any) -> Array | None:
    """A copy in another dtype; what is too large for that becomes infinite, and warns of nothing halfway."""
    with np.errstate(over="ignore"):
        return None if array is None else np.array(array, dtype=dtype)


def count(name: str, arrays: Mapping[str, Array]) -> int:
    """A number of steps in a state."""
    steps = float(arrays[name])
    if not (steps >= 0 and steps.is_integer()):
        raise ValueError(f"{name} is {steps:g} in this state; it counts steps. Nothing was loaded")
    return int(steps)


def save(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name to a file; an older one stands until all is written.

    A name that ends with ".safetensors" gets that format, which many programs read, by the package safetensors; any
    other an `.npz` archive, as `np.load` reads it.

    Raises:
        ImportError: the package safetensors is not installed.
        ValueError: a name that a file cannot hold, or a dtype that the format has not.
    """
    for name in arrays:
        if "\0" in name or name.encode(errors="replace").decode() != name or len(name) > _LONGEST_NAME:
            raise ValueError(f"{name[:80]!r} is not a name that a file can hold; give the attribute another one")
    if os.fspath(path).endswith(_SAFE):
        content = _safe_content({name: np.array(array, order="C") for name, array in arrays.items()})
        with replacing(path) as file:
            file.write(content)
        return
    import zipfile  # on first use: it takes a tenth of the time that importing this package does

    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, np.asarray(array), allow_pickle=False)


def load(path: Path) -> dict[str, Array]:
    """The arrays of a file that `save` wrote, in either format; pickled objects are refused.

    Raises:
        ImportError: the package safetensors is not installed.
        ValueError: the file is no archive of arrays, or one that PyTorch wrote.
    """
    path = os.fspath(path)  # a number would be somebody's open file
    if path.endswith(_SAFE):
        from zipfile import is_zipfile

        if not is_zipfile(path):
            return _safe_load(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            if any(name.endswith("/data.pkl") for name in archive.files):
                raise ValueError(f"PyTorch wrote it. nn.pytorch.from_torch(model, torch.load({path!r})) reads it")
            return {name: archive[name] for name in archive.files}
    except OSError:
        raise
    except Exception as error:  # of a forged archive the readers raise whatever there is
        from zipfile import is_zipfile

        reason = f": {error}" if is_zipfile(path) else ""  # of other files NumPy says how to read pickles
        raise ValueError(f"{os.fspath(path)} is not an .npz archive of arrays{reason}") from error


# The other format

_SAFE = ".safetensors"


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(f"a file that ends with {_SAFE} takes the package: pip install safetensors") from error
    return safetensors


def _safe_content(arrays: dict[str, Array]) -> bytes:
    package = _safetensors()
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
            raise ValueError(f"{name} is of {array.dtype}, which {_SAFE} does not have: give a name ending in .npz")
    native = {name: array.astype(array.dtype.newbyteorder("="), copy=False) for name, array in arrays.items()}
    return bytes(package.numpy.save(native, metadata={"format": "chalkgrad"}))


def _safe_load(path: str) -> dict[str, Array]:
    package = _safetensors()
    with open(path, "rb"):  # so that a file that is not there is told by the system
        pass
    try:
        with package.safe_open(path, framework="np") as file:
            written_by = (file.metadata() or {}).get("format")
            arrays = {} if written_by == "pt" else {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except Exception as error:  # of a forged file the reader raises whatever there is
        raise ValueError(f"{path} is not a {_SAFE} file of arrays: {error}") from error
    if written_by == "pt":
        raise ValueError(
            f"{path} was written by PyTorch, whose weights are transposed: nn.pytorch.from_torch(model, "
            "safetensors.numpy.load_file(path)) turns them"
        )
    return arrays
