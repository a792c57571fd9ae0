"""How long a search may take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from time import perf_counter, thread_time
from typing import Any, TypeVar

T = TypeVar("T")
_LISTING = 0.4  # of what is left, the part in which mistakes are listed before the first one is tried


class Budget:
    """Time that is spent: of this thread on a processor, so that a busy machine finds what an idle one does.

    Args:
        seconds: from now on; infinity for a search without an end.

    Raises:
        TypeError, ValueError: no number, NaN, or a negative one.
    """

    def __init__(self, seconds: Any) -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, Real):
            raise TypeError(f"budget is {seconds!r}; give the seconds that the search may take")
        self.seconds = float(seconds)
        if not self.seconds >= 0:
            raise ValueError(f"budget is {seconds!r}; give the seconds that the search may take")
        self._end, self._earliest = thread_time() + self.seconds, perf_counter() + self.seconds

    @property
    def is_spent(self) -> bool:
        """Whether there is no time left."""
        now = perf_counter()
        if now >= self._earliest:  # the clock of the thread is a call of the system, so it is asked seldom
            self._earliest = now + self._end - thread_time()
        return now >= self._earliest

    def part(self, of: float) -> Budget:
        """A part of what is left."""
        return Budget(max(self._end - thread_time(), 0.0) * of)

    def to_list(self) -> Budget:
        """A part of what is left, for listing what is tried in the rest."""
        return self.part(_LISTING)

    def within(self, items: Iterable[T]) -> Iterator[T]:
        """The items that come in time; none more once a function that is `timed` was called too late."""
        try:
            for item in items:
                if self.is_spent:
                    return
                yield item
        except TimeoutError:
            return

    def timed(self, fn: Callable[..., T]) -> Callable[..., T]:
        """A function that many items may call without yielding: TimeoutError where the time is spent."""

        def call(*args: Any, **kwargs: Any) -> T:
            if self.is_spent:
                raise TimeoutError
            return fn(*args, **kwargs)

        return call
