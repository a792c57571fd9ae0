"""Data in chunks for tests: what is read of it is counted, or an error."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

da = pytest.importorskip("dask.array", reason="install Dask: pip install 'chalkgrad[cluster]'")


class Source:
    """Rows that count how often each is read; with `shut` nothing is read of them."""

    def __init__(self, data: Any, shut: bool = False) -> None:
        self.data, self.shape, self.dtype, self.ndim = data, data.shape, data.dtype, data.ndim
        self.reads: list[Any] = []
        self.shut = shut
        self._lock = threading.Lock()

    def __getitem__(self, index: Any) -> Any:
        if all(part == slice(0, 0) for part in index):  # what Dask asks for to see the kind of array
            return self.data[index]
        if self.shut:
            raise AssertionError(f"{index} was read")
        with self._lock:
            self.reads.append(index)
        return self.data[index]

    def __deepcopy__(self, memo: Any) -> Source:
        return self


def chunked(data: Any, rows: int = 10) -> Any:
    """An array in chunks of so many rows."""
    return da.from_array(data, chunks=(rows, *data.shape[1:]))


def counted(data: Any, rows: int = 10) -> tuple[Source, Any]:
    """The same, with its source."""
    source = Source(data)
    return source, da.from_array(source, chunks=(rows, *data.shape[1:]), name=False)


def unread(shape: tuple[int, ...], rows: int = 10, dtype: Any = np.float64) -> Any:
    """An array in chunks of which nothing may be read."""
    data = np.broadcast_to(np.zeros((), dtype), shape)
    return da.from_array(Source(data, shut=True), chunks=(rows, *shape[1:]), name=False)
