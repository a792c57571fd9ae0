"""Dictionaries of arrays by name: checked as a whole before anything is changed, and kept in files."""

from __future__ import annotations

import os
import zipfile
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
    """Write an `.npz` archive, as `np.load` reads it; an older file stands until all is written."""
    for name in arrays:
        if "\0" in name or name.encode(errors="replace").decode() != name or len(name) > _LONGEST_NAME:
            raise ValueError(f"{name[:80]!r} is no name that a file can hold; give the attribute another one")
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, np.asarray(array), allow_pickle=False)


def load(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz` archive; pickled objects are refused.

    Raises:
        ValueError: the file is no archive of arrays.
    """
    path = os.fspath(path)  # a number would be somebody's open file
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError:
        raise
    except Exception as error:  # of a forged archive the readers raise whatever there is
        raise ValueError(f"{os.fspath(path)} is no .npz archive of arrays: {error}") from error
