"""`compile`: a training step recorded once and replayed as straight-line NumPy in planned memory."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

from autograd.compiler.recording import Recording, watched
from autograd.compiler.standins import tracing
from autograd.compiler.variant import STALE, Location, Variant
from autograd.core.node import observers
from autograd.program.program import Program
from autograd.tree import Tree

_VARIANTS = 16
_AT_FIRST = 4  # calls in which a step may still make what it needs
_recording = threading.RLock()  # stand-ins are in the places of arrays meanwhile


@dataclass(frozen=True)
class Stats:
    """What compiling saved.

    Attributes:
        recorded: how often the step was recorded.
        operations: NumPy calls in the newest program, and how many were recorded for it.
        folded: values of Python that the program holds as they were; it is recorded anew when they change.
        buffers: bytes of its own memory; saved: bytes that allocating each result would take beyond that.
    """

    recorded: int
    operations: int
    calls: int
    folded: tuple[str, ...]
    buffers: int
    saved: int

    def __str__(self) -> str:
        return (
            f"recorded {self.recorded} time{'s' * (self.recorded != 1)}; {self.operations} NumPy calls of {self.calls} "
            f"recorded; {self.buffers:,} bytes of buffers, {self.saved:,} bytes of allocations saved; holds "
            f"{', '.join(self.folded) or 'no settings'} as they were"
        )


class Compiled:
    """A function that is recorded at its first call and replayed at later ones; see `compile`."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        if not callable(fn) or isinstance(fn, type):
            raise TypeError(f"compile takes a function, not {'a class' if isinstance(fn, type) else type(fn).__name__}")
        update_wrapper(self, fn)
        self._fn = fn
        self._variants: list[Variant] = []
        self._lock = threading.RLock()
        self._recorded = self._incomplete = 0
        self._bound: dict[Any, Compiled] = {}
        self._moving: set[Location] = set()  # where somebody puts other arrays between calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing.get():  # inside another recording
            return self._fn(*args, **kwargs)
        if observers and watched():
            with _recording:
                return self._fn(*args, **kwargs)
        with self._lock:
            if not kwargs:
                for variant in self._variants:
                    if variant.flat == len(args):
                        result = variant.run(*args)
                        if result is not STALE:
                            return result
        with _recording, self._lock:
            return self._slowly(args, kwargs)

    def _slowly(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tree = Tree((args, kwargs))
        nested = tree.nesting
        for variant in self._variants:
            if variant.nesting == nested:
                result = variant.run(*tree.leaves)
                if result is not STALE:
                    return result
        self._moving.update(place for variant in self._variants for place in variant.moved())
        recorded = Recording(self._fn, tree, flat=not kwargs and len(tree.leaves) == len(args))
        result = recorded.run(args, kwargs)
        self._recorded += 1
        if recorded.complete:
            self._incomplete = 0
            self._variants.insert(0, Variant(recorded, self._moving))
            del self._variants[_VARIANTS:]
        else:
            self._incomplete += 1
            if self._incomplete > _AT_FIRST:
                raise TypeError(f"{self._name} {recorded.incomplete} at every call: a replay could not. Do it outside")
        return result

    @property
    def _name(self) -> str:
        return getattr(self._fn, "__name__", "the step")

    @property
    def source(self) -> str:
        """The code of the newest recording."""
        return self._newest().source

    @property
    def program(self) -> Program:
        """The straight-line program of the newest recording."""
        return self._newest().program

    @property
    def stats(self) -> Stats:
        """What was folded, reused and saved in the newest recording."""
        newest = self._newest()
        operations = len(newest.program.lines)
        return Stats(self._recorded, operations, newest.calls, newest.folded, newest.nbytes, newest.saved)

    def _newest(self) -> Variant:
        if not self._variants:
            raise RuntimeError(f"{self._name} has no replay yet: call it first")
        return self._variants[0]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None or not hasattr(self._fn, "__get__"):
            return self
        steps: dict[Any, Compiled] = self._bound
        if hasattr(instance, "__dict__") and not isinstance(instance, type):
            steps = vars(instance).setdefault("_compiled_steps", {})
        key = id(instance) if steps is self._bound else self._name
        bound = steps.get(key)
        if bound is None or getattr(bound._fn, "__self__", None) is not instance:  # not so in a copy
            bound = steps[key] = Compiled(self._fn.__get__(instance, owner))
        return bound

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        return Compiled(copy.deepcopy(self._fn, memo))

    def __reduce__(self) -> Any:
        return compile, (self._fn,)


def compile(fn: Callable[..., Any]) -> Compiled:
    """Record a whole step at its first call, and replay it as straight-line NumPy afterwards.

    Works on functions written in the eager style, with `backward()`, optimisers and `no_grad()` inside. A
    replay makes the same NumPy calls in the same order, into memory planned beforehand, without Tensors and graphs. It
    is the same for arrays of the same shapes and dtypes; others are recorded for themselves. Parameters, `.grad`,
    optimisers' memory and random generators are changed as by the step itself, so compiled and eager steps can be
    mixed.

    Arrays that the step can reach (arguments, variables around it, attributes) are read afresh at each call. Settings
    that it looked at, and decisions that it took by a value, are checked: where one has changed, the step is
    recorded anew. Returned Tensors have no graph; returned arrays are copies, which later calls leave alone.
    Gradients stay in the same arrays unless somebody else holds them. Inside `detect_anomaly()` a call is carried
    out eagerly.

    While a step is recorded, stand-ins are in the places of what it can reach: let no other thread use that meanwhile.

    Raises:
        TypeError: at the first call, where a value leaves the step (`item()`, `float()`, printing) or is used in a way
            that a replay could not do again; the message names the line.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> @compile
    ... def step(x):
    ...     loss = np.sum((w * x - 1) ** 2)
    ...     w.zero_grad()
    ...     loss.backward()
    ...     return loss
    >>> [step(np.array([1.0, k])).item() for k in (0.0, 1.0, 2.0)]
    [1.0, 1.0, 9.0]
    >>> w.grad
    array([ 0., 12.])
    """
    return Compiled(fn)
