"""What recording costs, operation by operation, on the small samples of the records.

Forward: the call on Tensors less the same call on their arrays, and how much of that NumPy's dispatch protocol takes
with an operand whose methods return at once. Backward: the reverse pass over the one operation less the calls of
its rules, with the sums over broadcast axes. Compositions: the call on Tensors less their own body on arrays,
for each operation that they record.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.backward import backpropagate
from autograd.graph import observers, topological
from autograd.op import Composite, Op, composites, operations, unbroadcast

BOUND = 2.0  # microseconds


class Empty:
    """An operand that answers NumPy's protocols, and does nothing."""

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __array_function__(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __getitem__(self, index: Any) -> None:
        return None


@dataclass(frozen=True)
class Cost:
    """Of one call, in microseconds."""

    name: str
    shapes: str
    plain: float
    forward: float
    protocol: float
    backward: float


def low_quartiles(steps: Mapping[str, Callable[[], object]], rounds: int, seconds: float) -> dict[str, float]:
    """The time of each step in microseconds; they take turns, and a quarter of the rounds are faster."""
    for step in steps.values():
        for _ in range(20):
            step()
    repeats = {name: max(1, int(seconds / _time(step, 20))) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, step in steps.items():
                times[name].append(_time(step, repeats[name]))
    finally:
        gc.enable()
    return {name: statistics.quantiles(t, n=4)[0] * 1e6 for name, t in times.items()}


def _time(step: Callable[[], object], repeats: int) -> float:
    count = range(repeats)
    start = time.perf_counter()
    for _ in count:
        step()
    return (time.perf_counter() - start) / repeats


def drawn(record: Op | Composite, k: int) -> tuple[list[Any], dict[str, Any]]:
    args = list(record.samples[k](np.random.default_rng(k)))
    return (args[:-1], args[-1]) if args and isinstance(args[-1], dict) else (args, {})


def is_live(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"


def replaced(record: Op | Composite, args: list[Any], make: Callable[[Any], Any]) -> tuple[list[Any], bool]:
    """The arguments with `make(array)` for every operand, also in lists, that is an array of floats, or one number."""
    rules: Any = record.vjp if isinstance(record, Op) and not record.variadic else [None] * 0

    def replace(value: Any) -> Any:
        if type(value) in (list, tuple) and any(map(is_live, value)):
            return type(value)(replace(part) for part in value)
        return make(value) if is_live(value) else value

    found = [replace(value) for value in args]
    if all(new is old for new, old in zip(found, args, strict=True)):
        k = next((k for k, v in enumerate(args) if type(v) is float), None)
        if k is None:
            return found, False
        found[k] = make(np.asarray(args[k]))
    return found, True


def rules_alone(node: Any, g: Any) -> Callable[[], object]:
    """The calls of the rules that a reverse pass over `node` makes, and their sums over broadcast axes."""
    raw = [getattr(arg, "value", arg) for arg in node.args]
    y, kwargs, calls = node.value, node.kwargs, []
    for operand, rule in zip(node.inputs, node.op.vjp, strict=False):
        if operand is not None and operand.requires_grad:
            calls.append((rule, operand.value.shape if node.op.broadcasts else None))

    def call(rule: Any, shape: Any) -> Callable[[], object]:
        d = rule(g, y, *raw, **kwargs)
        if shape is not None and d.shape != shape:
            return lambda: unbroadcast(rule(g, y, *raw, **kwargs), shape)
        return lambda: rule(g, y, *raw, **kwargs) if kwargs else rule(g, y, *raw)

    steps = [call(*pair) for pair in calls]
    if len(steps) == 1:
        return steps[0]
    first, others = steps[0], steps[1:]

    def all_of_them() -> None:
        first()
        for step in others:
            step()

    return all_of_them


def cost(op: Op, k: int, rounds: int, seconds: float) -> Cost | None:
    args, kwargs = drawn(op, k)
    tensors, live = replaced(args, lambda array: Tensor(array, requires_grad=True))
    if not live:
        return None
    arrays, _ = replaced(args, lambda array: array)
    empty, _ = replaced(args, lambda array: Empty())
    fn: Any = op.fn
    made = fn(*tensors, **kwargs)
    node = made._node
    g = np.ones(node.value.shape, node.value.dtype)[()]
    steps: dict[str, Callable[[], object]] = {
        "plain": lambda: fn(*arrays, **kwargs),
        "forward": lambda: fn(*tensors, **kwargs),
        "backward": lambda: backpropagate(node, g),
        "rules": rules_alone(node, g),
    }
    if not hasattr(fn, "__wrapped__"):  # ours go through the protocol in Python
        steps["protocol"] = lambda: fn(*empty, **kwargs)
    took = low_quartiles(steps, rounds, seconds)
    return Cost(
        op.name,
        " ".join(str(np.shape(v)) if hasattr(v, "shape") or isinstance(v, float) else "·" for v in args),
        took["plain"],
        took["forward"] - took["plain"],
        took.get("protocol", 0.0),
        took["backward"] - took["rules"],
    )


def composition_cost(record: Composite, k: int, rounds: int, seconds: float) -> tuple[str, int, float] | None:
    """Name, operations recorded, and microseconds for each."""
    args, kwargs = drawn(record, k)
    tensors, live = replaced(args, lambda array: Tensor(array, requires_grad=True))
    if not live:
        return None
    recorded = []

    class Count:
        def recorded(self, *_: Any) -> None:
            recorded.append(1)

    observers.append(Count())
    try:
        record.fn(*tensors, **kwargs)
    finally:
        observers.pop()
    if not recorded:
        return None
    fn: Any = record.fn
    body: Any = getattr(record.body, "__wrapped__", record.body)
    arrays = [v.data if isinstance(v, Tensor) else v for v in tensors]
    try:
        body(*arrays, **kwargs)
    except (TypeError, AttributeError):  # it writes into a Tensor
        return None
    took = low_quartiles(
        {"body": lambda: body(*arrays, **kwargs), "tensors": lambda: fn(*tensors, **kwargs)}, rounds, seconds
    )
    return record.name, len(recorded), (took["tensors"] - took["body"]) / len(recorded)


def worst(costs: list[Cost]) -> Iterator[tuple[Cost, Cost]]:
    """For each operation its dearest sample forward, and backward, the dearest operation first."""
    names = dict.fromkeys(cost.name for cost in costs)
    pairs = []
    for name in names:
        own = [cost for cost in costs if cost.name == name]
        pairs.append((max(own, key=lambda c: c.forward), max(own, key=lambda c: c.backward)))
    yield from sorted(pairs, key=lambda pair: -max(pair[0].forward, pair[1].backward))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="names of operations")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=2e-4, help="of each measurement")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore")
    costs = []
    for op in operations():
        if not chosen.only or op.name in chosen.only:
            found = [cost(op, k, chosen.rounds, chosen.seconds) for k in range(len(op.samples))]
            costs += [c for c in found if c is not None]
    print("microseconds over plain NumPy; the dearest sample of each operation")
    print(f"{'operation':<28}{'NumPy':>8}{'forward':>9}{'protocol':>9}{'rest':>7}{'backward':>9}  shapes")
    for forward, backward in worst(costs):
        print(
            f"{forward.name[-27:]:<28}{forward.plain:8.2f}{forward.forward:9.2f}{forward.protocol:9.2f}"
            f"{forward.forward - forward.protocol:7.2f}{backward.backward:9.2f}  {forward.shapes}"
        )
    for what in ("forward", "backward"):
        over = sum(getattr(c, what) > BOUND for c in costs)
        median = statistics.median(getattr(c, what) for c in costs)
        print(f"{what}: {over} of {len(costs)} calls above {BOUND} us, median {median:.2f} us")
    over = sum(c.forward - c.protocol > BOUND for c in costs)
    print(f"forward without the protocol: {over} of {len(costs)} calls above {BOUND} us")
    rows = []
    for record in composites():
        if not chosen.only or record.name in chosen.only:
            found_ = [composition_cost(record, k, chosen.rounds, chosen.seconds) for k in range(len(record.samples))]
            rows += [row for row in found_ if row is not None]
    rows.sort(key=lambda row: -row[2])
    print(f"\n{'composition':<28}{'records':>8}{'us each':>9}")
    for name, count, each in rows:
        print(f"{name:<28}{count:8}{each:9.2f}")


if __name__ == "__main__":
    main()
