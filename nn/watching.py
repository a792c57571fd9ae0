"""Around one call of a module: watching what is computed, and the modes of `eval()`. Modules themselves stand above."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self


class Tree(Protocol):
    """What a Module is here."""

    training: bool

    def modules(self) -> Iterator[Self]: ...


@contextmanager
def evaluating(model: Tree) -> Iterator[None]:
    """Inside, the model is as after `eval()`; then each module is as it was."""
    before = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in before:
            module.training = False
        yield
    finally:
        for module, mode in before:
            module.training = mode


@contextmanager
def watching(model: Tree, see: Callable[[Any, tuple[Any, ...], Any], Any]) -> Iterator[None]:
    """Inside, `see(module, args, output)` is called after each module's `forward`.

    >>> from nn import Tanh
    >>> seen = []
    >>> model = Tanh()
    >>> with watching(model, lambda module, args, output: seen.append((*args, float(output)))):
    ...     y = model(0.0)
    >>> seen
    [(0.0, 0.0)]
    """

    def watched(module: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            output = forward(*args, **kwargs)
            see(module, args, output)
            return output

        return call

    modules: list[Any] = list(model.modules())
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
