"""Timing side by side: contestants take turns, and only ratios within a round are compared."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Of one contestant: its fastest time in seconds, and the ratios to the baseline, one a round."""

    fastest: float
    ratios: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def quartiles(self) -> tuple[float, float]:
        low, _, high = statistics.quantiles(self.ratios, n=4)
        return low, high


def side_by_side(
    contestants: Mapping[str, Callable[[], object]], *, rounds: int = 40, seconds: float = 0.02
) -> dict[str, Timing]:
    """Time the contestants in turn; the first is the baseline of the ratios."""
    names = list(contestants)
    for step in contestants.values():
        for _ in range(5):
            step()
    repeats = {name: max(1, int(seconds / _time(step, 3))) for name, step in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        gc.collect()
        order = names[turn % len(names) :] + names[: turn % len(names)]  # nobody always follows the same one
        for name in order:
            times[name].append(_time(contestants[name], repeats[name]))
    base = times[names[0]]
    return {name: Timing(min(times[name]), [t / b for t, b in zip(times[name], base, strict=True)]) for name in names}


def _time(step: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def table(title: str, timings: Mapping[str, Timing]) -> str:
    """The ratios as text; the middle half of the rounds in brackets."""
    lines = [title]
    for name, timing in timings.items():
        low, high = timing.quartiles
        lines.append(
            f"  {name:<28} {timing.ratio:7.2f}  [{low:5.2f} .. {high:5.2f}]  fastest {timing.fastest * 1e6:9.1f} us"
        )
    return "\n".join(lines)
