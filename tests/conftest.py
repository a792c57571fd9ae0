"""What holds for all tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Properties are tested without a limit of time for an example: machines are busy.
settings.register_profile("chalkgrad", deadline=None)
settings.load_profile("chalkgrad")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what all tests share out of collections of garbage.

    There is a second's worth of it, and some tests limit the processor time of what they call.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def in_this_thread() -> Iterator[None]:
    """Dask computes without threads of its own."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield
