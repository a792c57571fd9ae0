"""Random generators in a step: what they draw is a line of the program, drawn again in every replay."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from autograd.basis.frames import source_line
from autograd.compiler.tracing import StepTrace
from autograd.program.trace import Traced


class Draw:
    """A line that draws from a generator."""

    impure = True

    def __init__(self, generator: Any, method: str) -> None:
        self.generator, self.__name__ = generator, method
        self._method = getattr(generator, method)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(*args, **kwargs)


class Drawing:
    """Stands for a random generator: what it draws is drawn again in every replay."""

    def __init__(self, generator: Any, trace: StepTrace) -> None:
        self.generator, self._trace = generator, trace
        self._position = position(generator)

    __class__ = property(lambda self: type(self.generator))  # what isinstance says of the generator itself

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.generator, name)
        if not callable(method) or name in ("shuffle", "spawn", "set_state", "get_state", "seed"):
            raise self._trace.refusal(
                f"{name} of a random generator inside a compiled step, {source_line()}: do it outside, or draw "
                "a permutation"
            )
        return lambda *args, **kwargs: self._draw(name, args, kwargs)

    def _draw(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._trace.passive():
            return getattr(self.generator, name)(*args, **kwargs)
        self.refuse_others()
        self._trace.changes = True
        out = kwargs.pop("out", None)
        if out is not None and type(out) is not Traced:
            raise self._trace.not_owned(f"{name} of a generator")
        if out is not None and "size" not in kwargs and name != "permuted":
            kwargs["size"], kwargs["dtype"] = out.shape, out.dtype
        drawn = self._trace.call(Draw(self.generator, name), args, kwargs)
        self._position = position(self.generator)
        if out is None:
            return drawn
        out[...] = drawn
        return out

    def refuse_others(self) -> None:
        """An error where somebody drew numbers in between that were not recorded."""
        if self._position != position(self.generator):
            raise self._trace.refusal(
                f"the step draws from a generator in a way that is not seen, {source_line()}: name what holds it in "
                "state=, and draw by what the state or a variable of the step holds"
            )


def position(generator: Any) -> str:
    """Where a generator stands: another one after each draw."""
    state = generator.get_state() if isinstance(generator, np.random.RandomState) else generator.bit_generator.state
    return repr(state)


def global_generators() -> Any:
    """Where the process's own generators stand: what changes of it with each draw, without all of their words."""
    kind, keys, position, *rest = np.random.get_state()  # noqa: NPY002
    version, words, gauss = random.getstate()
    return kind, keys[0], keys[-1], position, rest, version, words[0], words[-1], gauss
