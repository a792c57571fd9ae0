"""What holds for all tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
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


@pytest.fixture(autouse=True)
def same_numbers(request: pytest.FixtureRequest, _first_states: dict[str, Any]) -> None:
    """What a generator of a test's file draws is the same whichever tests ran before."""
    names = vars(request.module) if request.module else {}
    for name in ("rng", "RNG"):
        if isinstance(names.get(name), np.random.Generator):
            generator = names[name].bit_generator
            generator.state = _first_states.setdefault(f"{request.module.__name__}.{name}", generator.state)


@pytest.fixture(scope="session")
def _first_states() -> dict[str, Any]:
    return {}


@pytest.fixture
def in_this_thread() -> Iterator[None]:
    """Dask computes without threads of its own."""
    import dask

    with dask.config.set(scheduler="synchronous"):
        yield
