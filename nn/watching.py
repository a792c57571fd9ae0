"""Watching what modules compute, while one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nn.module import Module


@contextmanager
def watching(model: Module, see: Callable[[Module, tuple[Any, ...], Any], Any]) -> Iterator[None]:
    """Inside, `see(module, args, output)` is called after each module's `forward`.

    >>> from nn import Tanh
    >>> seen = []
    >>> model = Tanh()
    >>> with watching(model, lambda module, args, output: seen.append((*args, float(output)))):
    ...     y = model(0.0)
    >>> seen
    [(0.0, 0.0)]
    """

    def watched(module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            output = forward(*args, **kwargs)
            see(module, args, output)
            return output

        return call

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
