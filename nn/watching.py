"""Watching what modules compute, while one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nn.module import Module


@contextmanager
def watching(model: Module, watched: Callable[[Module, Any], Any]) -> Iterator[None]:
    """Inside, the `forward` of each module is `watched(module, forward)`.

    >>> from nn import Tanh
    >>> called = []
    >>> model = Tanh()
    >>> with watching(model, lambda module, forward: lambda x: called.append(x) or forward(x)):
    ...     y = model(0.0)
    >>> called
    [0.0]
    """
    modules = list(model.modules())
    own = {id(module): vars(module)["forward"] for module in modules if "forward" in vars(module)}
    try:
        for module in modules:
            object.__setattr__(module, "forward", watched(module, module.forward))
        yield
    finally:
        for module in modules:
            if id(module) in own:
                object.__setattr__(module, "forward", own[id(module)])
            else:
                vars(module).pop("forward", None)
