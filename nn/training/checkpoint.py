"""Checkpoints: all that a training needs to go on, as arrays in one file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nn import init
from nn import state as states
from nn.module import Module


def generators(*holders: Any) -> Iterator[init.Generator]:
    """The random generators in the attributes of modules, optimisers and mini-batches, each once."""
    seen: set[int] = set()
    for holder in holders:
        for part in holder.modules() if isinstance(holder, Module) else (holder,):
            for value in vars(part).values() if hasattr(part, "__dict__") else ():
                if isinstance(value, (np.random.Generator, np.random.RandomState)) and id(value) not in seen:
                    seen.add(id(value))
                    yield value


def random_state(generator: init.Generator) -> states.Array:
    """Where a generator stands, as bytes."""
    if isinstance(generator, np.random.Generator):
        state: Any = generator.bit_generator.state
    else:
        state = generator.get_state(legacy=False)
    text = json.dumps(state, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value))
    return np.frombuffer(text.encode(), np.uint8)


def set_random_state(generator: init.Generator, state: states.Array) -> None:
    """Bring a generator to where one of its kind stood.

    Raises:
        ValueError: a state of another kind, or none.
    """
    try:
        read = json.loads(np.asarray(state).astype(np.uint8).tobytes().decode())
        if isinstance(generator, np.random.Generator):
            generator.bit_generator.state = read
        else:
            generator.set_state(read)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"the state of a random generator does not fit a {type(generator).__name__}") from error


def prefixed(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """The entries with a prefix to their names."""
    return {f"{prefix}.{name}": value for name, value in state.items()}


def below(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a prefix, without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
