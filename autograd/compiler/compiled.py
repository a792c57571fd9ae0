"""`compile`: a training step recorded once and replayed as straight-line NumPy in planned memory."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, update_wrapper
from types import MethodType
from typing import Any, overload
from weakref import WeakSet

import numpy as np

from autograd.array.tensor import Tensor
from autograd.compiler.recording import Recording, active, watched
from autograd.compiler.specialisation import STALE, Specialisation
from autograd.compiler.state import GENERATORS, SIMPLE, held_by, is_constant, variables
from autograd.core.node import differentiated, observers
from autograd.program.program import Program
from autograd.tree import Tree

_KEPT = 256  # recordings of one step
_MANY = 32  # from which on it is said once that they are many
_AT_FIRST = 4  # calls in which a step may still make what it needs
_recording = threading.RLock()  # traced arrays are in the places of others meanwhile
_steps: WeakSet[Compiled] = WeakSet()  # all that there are


@dataclass(frozen=True)
class Stats:
    """What compiling saved.

    Attributes:
        recorded: how often the step was recorded.
        operations: NumPy calls in the newest program; calls: how many were recorded for it.
        folded: settings that the program holds as they were; it is recorded anew when they change.
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

    __compiled__ = True

    def __init__(self, fn: Callable[..., Any], state: Any = ()) -> None:
        if not callable(fn) or isinstance(fn, type):
            raise TypeError(f"compile takes a function, not {'a class' if isinstance(fn, type) else type(fn).__name__}")
        update_wrapper(self, fn)
        self._fn, self._state = fn, state
        self._roots = _roots(fn, state)
        self._held: Any = None  # the parts of the state with the variables of the step that hold them
        self._latest: list[Specialisation] = []  # the one that served the last call
        self._kept: dict[Any, list[Specialisation]] = {}  # by the nesting, shapes and dtypes of the arguments
        self._lock = threading.RLock()
        _steps.add(self)
        self._recorded = self._incomplete = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if active.get() is not None:  # inside another recording
            return self._fn(*args, **kwargs)
        if differentiated.get() or (observers and watched()):  # a replay has no graph, and no single operations
            with _recording:
                return self._fn(*args, **kwargs)
        with self._lock:
            if not kwargs and self._latest and self._latest[0].flat == len(args):
                result = self._latest[0].run(*args)
                if result is not STALE:
                    return result
        with _recording, self._lock:
            return self._found_or_recorded(args, kwargs)

    def _found_or_recorded(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result by the first recording whose guards hold, which serves the next call too; else by a new one."""
        tree = Tree((args, kwargs))
        key = tree.nesting, tuple(map(_kind, tree.leaves))
        alike = self._kept.get(key, [])
        for k, specialisation in enumerate(alike):
            result = specialisation.run(*tree.leaves)
            if result is not STALE:
                alike.insert(0, alike.pop(k))
                self._latest = [specialisation]
                return result
        recorded = Recording(self._fn, self._owned(), tree, flat=not kwargs and len(tree.leaves) == len(args))
        result = recorded.run(args, kwargs)
        self._recorded += 1
        if not recorded.effects.incomplete:
            self._incomplete = 0
            self._keep(key, Specialisation(recorded))
        else:
            self._incomplete += 1
            if self._incomplete > _AT_FIRST:
                raise TypeError(
                    f"{self._name} {recorded.effects.incomplete} at every call: a replay could not. Do it outside"
                )
        return result

    def _keep(self, key: Any, specialisation: Specialisation) -> None:
        """Serve later calls by a recording; say once that there are many, and let go of the oldest of too many."""
        self._latest = [specialisation]
        self._kept.setdefault(key, []).insert(0, specialisation)
        count = sum(map(len, self._kept.values()))
        if self._recorded == _MANY:
            warnings.warn(
                f"{self._name} was recorded {_MANY} times, as its arguments come in many shapes, or settings or "
                "decisions change often; each recording takes as long as some eager calls. Pad the arguments to a few "
                "shapes, and pass numbers that change as arrays",
                stacklevel=4,
            )
        if count > _KEPT:
            oldest = next(iter(self._kept))
            self._kept[oldest].pop()
            if not self._kept[oldest]:
                del self._kept[oldest]

    def _owned(self) -> list[tuple[Any, str]]:
        """The state as the step holds it now, by the names of variables; TypeError where that is something else."""
        if self._held is None:
            held = list(variables(self._fn))
            self._held = [(part, name, [place for place, value in held if value is part]) for part, name in self._roots]
        owned = []
        for part, name, places in self._held:
            if not places and isinstance(part, np.ndarray):
                raise TypeError(
                    f"compile: {name}, an array, is in no variable of the step, so that nothing can stand for it. Keep "
                    "it in a variable of the step, in a list, dictionary or module of the state, or pass it as an "
                    "argument"
                )
            for place in places:
                if place.read() is not part and not isinstance(part, (np.ndarray, *GENERATORS)):
                    raise TypeError(
                        f"{self._name}: {place.name} is another {type(part).__name__} than the one that compile was "
                        "given as state. Compile the step again, with the new one"
                    )
            owned += [(place.read(), place.name) for place in places] or [(part, name)]
        return owned

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

    def _newest(self) -> Specialisation:
        if not self._latest:
            raise RuntimeError(f"{self._name} has no replay yet: call it first")
        return self._latest[0]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method: the object is the first argument."""
        return self if instance is None or not hasattr(self._fn, "__get__") else MethodType(self, instance)

    def __reduce__(self) -> Any:  # for copies and pickles, which record anew
        return Compiled, (self._fn, self._state)


def _roots(fn: Any, state: Any) -> list[tuple[Any, str]]:
    """The parts of a declared state with their names; TypeError for what holds nothing."""
    roots = [(state, "state")]
    if isinstance(state, tuple):
        roots = [(part, f"state[{k}]") for k, part in enumerate(state)]
    for value, name in roots:
        if isinstance(value, np.ndarray) and not is_constant(value):
            held_by(value, name)  # which says what is wrong with it
        if isinstance(value, SIMPLE) or (is_constant(value) and not isinstance(value, (np.ndarray, *GENERATORS))):
            raise TypeError(
                f"compile: {name} is a {type(value).__name__}, which holds nothing that a step could change. state= "
                "takes modules, optimisers, Tensors, arrays, generators, and lists and dictionaries of them"
            )
    if isinstance(fn, MethodType) and not isinstance(fn.__self__, type):
        roots.append((fn.__self__, "self"))
    return roots


def _kind(leaf: Any) -> Any:
    """What of an argument tells recordings apart at a glance."""
    if isinstance(leaf, (np.ndarray, Tensor)):
        return leaf.shape, leaf.dtype
    return type(leaf)


def _after_fork() -> None:
    """In a forked process the other threads are gone: their locks are free, and what they record has ended."""
    global _recording
    _recording = threading.RLock()
    for step in tuple(_steps):
        step._lock = threading.RLock()
    for observer in tuple(observers):
        if isinstance(observer, Recording) and observer.trace.thread != threading.get_ident():
            observer.leave()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@overload
def compile(fn: Callable[..., Any], *, state: Any = ()) -> Compiled: ...
@overload
def compile(fn: None = None, *, state: Any = ()) -> Callable[[Callable[..., Any]], Compiled]: ...
def compile(fn: Callable[..., Any] | None = None, *, state: Any = ()) -> Any:
    """Record a whole step at its first call, and replay it as straight-line NumPy afterwards.

    Works on functions written in the eager style, with `backward()`, optimisers and `no_grad()` inside. A replay
    makes the same NumPy calls in the same order, into memory planned beforehand, without Tensors and graphs.

    What the step changes or reads anew is in its arguments and in `state`; anything else is a constant of the
    recording. Shapes, dtypes, settings and decisions by values are guards: where one has changed, the step is
    recorded anew. Parameters, `.grad`, optimisers' memory and generators are changed as by the step itself, so
    compiled and eager steps can be mixed. Returned Tensors have no graph; returned arrays are copies. Inside
    `detect_anomaly()`, and of a function that `grad` or its kin differentiate, a call is carried out eagerly.
    `autograd/compiler/README.md` has the whole contract.

    Args:
        fn: the step; left out, the result is a decorator.
        state: modules, optimisers, Tensors, arrays, random generators, objects with a method `__state__`, and lists,
            tuples and dictionaries of them.

    Raises:
        TypeError: a state that holds nothing; at the first call, where the step changes something that is in neither
            its arguments nor its state, or does what a replay could not do again. The message names the line.

    >>> import numpy as np
    >>> from autograd import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> @compile(state=w)
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
    return partial(Compiled, state=state) if fn is None else Compiled(fn, state)
