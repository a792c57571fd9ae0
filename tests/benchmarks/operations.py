"""What recording costs, operation by operation, on the small samples of the records, in microseconds.

over      the call on Tensors less the same call on their arrays
protocol  what NumPy's dispatch protocol takes of that, by an operand whose methods return at once
engine    the call on Tensors with a record that returns a value made before, less that and less the protocol
backward  the reverse pass over the one operation with rules that return gradients made before, less their calls and
          less the sums over broadcast axes

So engine and backward do not depend on how long NumPy takes, and the difference of two long times is not asked for.
Of a composition: the call on Tensors less its own body on arrays, for each operation that it records. All times are
minima over many passes, in turn: what others do on the machine only adds.
"""

from __future__ import annotations

import argparse
import gc
import operator
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from typing import Any

import numpy as np

import nn
from autograd import Tensor
from autograd.basis.broadcasting import unbroadcast
from autograd.core.backward import backpropagate
from autograd.core.node import observers
from autograd.core.op import Op, operations
from autograd.rules.definition import Composite, composites

BOUND = 2.0  # microseconds
SHORT = 10.0
USED = {"cast": lambda a, dtype: a.astype(np.float32)}
OPERATORS = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.power: operator.pow, np.matmul: operator.matmul, np.negative: operator.neg,
}  # fmt: skip
Step = Callable[[], object]


class Empty:
    """An operand that answers NumPy's protocols, and does nothing."""

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __array_function__(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __getitem__(self, index: Any) -> None:
        return None


class Case:
    """Steps to time, and the fastest that each has been."""

    def __init__(self, name: str, shapes: str, steps: dict[str, Step], records: int = 1) -> None:
        self.name, self.shapes, self.steps, self.records = name, shapes, steps, records
        self.fastest: dict[str, float] = {}
        self.repeats: dict[str, int] = {}

    def run(self, rounds: int, seconds: float) -> None:
        for name, step in self.steps.items():
            if name not in self.repeats:
                once = min(_time(step, 10) for _ in range(3))
                self.repeats[name] = max(1, int(seconds / once))
        for _ in range(rounds):
            for name, step in self.steps.items():
                took = _time(step, self.repeats[name])
                self.fastest[name] = min(took, self.fastest.get(name, took))

    def microseconds(self, step: str, less: str = "") -> float:
        base = self.fastest[less] if less else 0.0
        return (self.fastest.get(step, 0.0) - base) * 1e6 / self.records

    @property
    def over(self) -> float:
        return self.microseconds("tensors", "arrays")

    @property
    def protocol(self) -> float:
        return self.microseconds("protocol")

    @property
    def engine(self) -> float:
        whole = self.microseconds("stubbed", "stub") if "stub" in self.steps else self.over
        return whole - self.protocol

    @property
    def backward(self) -> float:
        return self.microseconds("backward", "rules")


def _time(step: Step, repeats: int) -> float:
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


def replaced(record: Op | Composite, args: list[Any], make: Callable[[Any], Any]) -> list[Any] | None:
    """The arguments with `make(array)` for every array of floats that has a rule, also in lists, or for one number."""

    def replace(value: Any) -> Any:
        if type(value) in (list, tuple) and any(map(is_live, value)):
            return type(value)(replace(part) for part in value)
        return make(value) if is_live(value) else value

    found = [replace(value) for value in args]
    if isinstance(record, Op) and not record.variadic:
        constants = [k for k, rule in enumerate(record.vjp) if rule is None]
        found = [args[k] if k in constants else value for k, value in enumerate(found)]
    if all(new is old for new, old in zip(found, args, strict=True)):
        k = next((k for k, v in enumerate(args) if type(v) is float), None)
        if k is None:
            return None
        found[k] = make(np.asarray(args[k]))
    return found


def described(args: Iterable[Any]) -> str:
    parts = [described(v) if isinstance(v, list) else str(np.shape(v)) for v in args if is_live(v) or type(v) is list]
    return " ".join(parts) or "()"


def stubbed_rules(node: Any) -> Step:
    """Give `node` rules that return gradients made before; returns their calls, with the sums over broadcast axes."""
    g = np.ones(node.value.shape, node.value.dtype)[()]
    raw = [getattr(arg, "value", arg) for arg in node.args]
    y, kwargs, op = node.value, node.kwargs, copy(node.op)
    rules, steps, given = [], [], []

    def stub(d: Any, shape: Any) -> tuple[Any, Step]:
        rule = lambda g, y, *args, **kwargs: d
        if op.broadcasts and d.shape != shape:
            return rule, lambda: unbroadcast(rule(g, y, *raw, **kwargs), shape)
        return rule, (lambda: rule(g, y, *raw, **kwargs)) if kwargs else (lambda: rule(g, y, *raw))

    for operand, rule in zip(node.inputs, op.vjp, strict=False):
        d = None
        if operand is not None and operand.requires_grad and rule is not None:
            d = rule(g, y, *raw, **kwargs)
            rule, step = stub(d, operand.value.shape)
            steps.append(step)
        rules.append(rule)
        given.append(d)
    op.vjp = tuple(rules)
    if op.variadic:  # one rule, which is told the operand
        op.vjp = type(node.op.vjp)(lambda position, g, y, *args, **kwargs: given[position])
    node.op = op
    if len(steps) == 1:
        return steps[0]

    def all_of_them() -> None:
        for step in steps:
            step()

    return all_of_them


def with_forward(op: Op, forward: Any, call: Step) -> Step:
    """`call` while the record computes its value by `forward`."""

    def run() -> object:
        kept, op.forward = op.forward, forward
        try:
            return call()
        finally:
            op.forward = kept

    return run


def of_operation(op: Op, k: int, form: Any) -> Case | None:
    """One sample, as a call of NumPy's function or of Python's operator."""
    args, kwargs = drawn(op, k)
    tensors = replaced(op, args, lambda array: Tensor(array, requires_grad=True))
    if tensors is None:
        return None
    arrays, empty = replaced(op, args, lambda array: array) or args, replaced(op, args, lambda array: Empty()) or args
    fn: Any = form or USED.get(op.name, op.fn)
    if op.name.startswith("nn.functional."):
        fn = getattr(nn.functional, op.name.rpartition(".")[2])
    node = fn(*tensors, **kwargs)._node
    if any(operand is not None and operand.op is not None for operand in node.inputs):
        return None  # several operations
    g = np.ones(node.value.shape, node.value.dtype)[()]
    rules = stubbed_rules(node)
    steps: dict[str, Step] = {
        "arrays": lambda: fn(*arrays, **kwargs),
        "tensors": lambda: fn(*tensors, **kwargs),
        "backward": lambda: backpropagate(node, g),
        "rules": rules,
    }
    if form is None and (isinstance(fn, np.ufunc) or fn.__module__.startswith(("numpy", "_operator"))):
        steps["protocol"] = lambda: fn(*empty, **kwargs)
    if form is None and not isinstance(fn, np.ufunc):  # theirs are unrolled, and short enough
        stub = lambda *args, **kwargs: node.value
        steps["stubbed"] = with_forward(op, stub, steps["tensors"])
        steps["stub"] = with_forward(op, stub, lambda: stub(*arrays, **kwargs))
    return Case(f"a {op.label} b" if form else op.name, described(args), steps)


def of_composition(record: Composite, k: int) -> Case | None:
    args, kwargs = drawn(record, k)
    tensors = replaced(record, args, lambda array: Tensor(array, requires_grad=True))
    body: Any = getattr(record.body, "__wrapped__", record.body)
    fn: Any = record.fn
    arrays = replaced(record, args, lambda array: array) or args
    recorded: list[Any] = []

    class Count:
        recorded = staticmethod(lambda *about: recorded.append(about))

    observers.append(Count())
    try:
        fn(*(tensors or args), **kwargs)
        body(*arrays, **kwargs)
    except (TypeError, AttributeError, RuntimeError):  # it writes in place
        return None
    finally:
        observers.pop()
    if not recorded:
        return None
    steps: dict[str, Step] = {
        "arrays": lambda: body(*arrays, **kwargs),
        "tensors": lambda: fn(*(tensors or args), **kwargs),
    }
    return Case(record.name, described(args), steps, len(recorded))


def dearest(cases: list[Case]) -> Iterator[list[Case]]:
    """The samples of each operation, the dearest of all first."""
    own: dict[str, list[Case]] = {}
    for case in cases:
        own.setdefault(case.name, []).append(case)
    yield from sorted(own.values(), key=lambda same: -max(max(c.engine + c.protocol, c.backward) for c in same))


def report(cases: list[Case], compositions: list[Case]) -> None:
    print("microseconds, of the dearest sample of each operation")
    print(f"{'operation':<28}{'NumPy':>8}{'over':>8}{'protocol':>9}{'engine':>8}{'backward':>9}  operands")
    for same in dearest(cases):
        case = max(same, key=lambda c: c.engine)
        print(
            f"{case.name[-27:]:<28}{case.microseconds('arrays'):8.2f}{case.over:8.2f}{case.protocol:9.2f}"
            f"{case.engine:8.2f}{max(c.backward for c in same):9.2f}  {case.shapes}"
        )
    short = [c.over for c in cases if c.microseconds("arrays") < SHORT]
    for what, costs in (
        (f"over NumPy, where that takes less than {SHORT:.0f} us", short),
        ("protocol and engine", [c.protocol + c.engine for c in cases]),
        ("engine", [c.engine for c in cases]),
        ("backward", [c.backward for c in cases]),
    ):
        above, median = sum(cost > BOUND for cost in costs), statistics.median(costs)
        print(f"{what}: {above} of {len(costs)} calls above {BOUND} us ({above / len(costs):.0%}), median {median:.2f}")
    print(f"\n{'composition':<28}{'its body':>9}{'records':>8}{'over, each':>11}  operands")
    for case in sorted(compositions, key=lambda c: -c.over):
        body = case.microseconds("arrays") * case.records
        print(f"{case.name:<28}{body:9.2f}{case.records:8}{case.over:11.2f}  {case.shapes}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", default=[], help="names of operations and compositions")
    parser.add_argument("--passes", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3, help="in each pass")
    parser.add_argument("--seconds", type=float, default=3e-4, help="of each measurement")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")

    def wanted(record: Any) -> bool:
        return not chosen.only or record.name in chosen.only

    found = [
        of_operation(op, k, form)
        for op in filter(wanted, operations())
        for form in dict.fromkeys((None, OPERATORS.get(op.fn)))
        for k in range(len(op.samples))
    ]
    cases = [case for case in found if case is not None]
    found = [of_composition(record, k) for record in filter(wanted, composites()) for k in range(len(record.samples))]
    compositions = [case for case in found if case is not None]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.disable()
    for _ in range(chosen.passes):
        for case in cases + compositions:
            case.run(chosen.rounds, chosen.seconds)
        gc.collect()
    report(cases, compositions)


if __name__ == "__main__":
    main()
