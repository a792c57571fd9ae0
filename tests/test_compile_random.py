"""Random steps on parameters, gradients, state in places, draws and branches: compiled and eager ones agree."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
from compiled import compare, contents

import autograd
from autograd import Tensor

PLACES = ["st['a']", "st['b']", "ls[0]", "ls[1]"]


def written(seed: int) -> str:
    """The source of a function that makes a step, with all that it changes."""
    chance = random.Random(seed)
    values = ["x", "y", "w.data", "v.data", *PLACES]
    numbers = itertools.count()

    def value() -> str:
        return chance.choice(values)

    def named(text: str) -> str:
        name = f"t{next(numbers)}"
        line = f"{name} = {text}"
        values.extend([name] * 2)
        return line

    def parameter() -> str:
        return chance.choice("wv")

    kinds = [
        lambda: named(f"{value()} {chance.choice('+-*')} {value()}"),
        lambda: named(f"np.tanh({value()})"),
        lambda: named("rng.normal(size=3) * 0.1"),
        lambda: named(f"np.zeros(3) if (g := {parameter()}.grad) is None else g * 1.0"),
        lambda: f"{chance.choice(PLACES)} = 0.5 * {value()} + 0.1 * {value()}",
        lambda: f"{chance.choice(PLACES)} = np.zeros(3)",
        lambda: f"{chance.choice(PLACES)} *= 0.5",
        lambda: f"st['a'], st['b'] = st['b'], {value()} * 0.9",
        lambda: "ls[0], ls[1] = ls[1], ls[0]",
        lambda: f"if np.sum({value()}) > {chance.randint(-1, 1)}: {chance.choice(PLACES)} = {value()} * 0.5",
        lambda: f"{parameter()}.data -= 0.01 * np.tanh({value()})",
        lambda: f"{parameter()}.grad = None",
        lambda: f"np.sum(np.tanh({parameter()} * {value()}) + {parameter()} ** 2).backward()",
    ]
    lines = [chance.choice(kinds)() for _ in range(chance.randint(4, 14))]
    result = chance.choice(["({0}, {1})", "{{'a': {0}, 'b': [{1}]}}", "{0}"]).format(value(), value())
    head = [
        "w, v = Tensor(np.full(3, 0.3), requires_grad=True), Tensor(np.arange(3.0) * 0.2, requires_grad=True)",
        "st, ls = {'a': np.zeros(3), 'b': np.full(3, 0.5)}, [np.ones(3), np.zeros(3)]",
        "rng = np.random.default_rng(0)",
        "def step(x, y):",
        *(f"    {line}" for line in [*lines, f"return {result}"]),
        "return step, (w, v, st, ls, rng)",
    ]
    return "\n".join(["def make():", *(f"    {line}" for line in head)])


@pytest.mark.parametrize("seed", range(60))
def test_random_steps(seed: int) -> None:
    space: dict[str, Any] = {"np": np, "Tensor": Tensor}
    exec(written(seed), space)
    (eager, ours), (step, theirs) = space["make"](), space["make"]()
    compiled, rng = autograd.compile(step, state=theirs), np.random.default_rng(seed)
    before: list[tuple[Any, Any]] = []
    for k in range(8):
        x, y = rng.normal(size=(2, 3))
        for _, _, st, _, _ in (ours, theirs):
            if k == 5:
                st["a"] = np.full(3, 2.0)
        expected, found = eager(x.copy(), y.copy()), compiled(x.copy(), y.copy())
        compare((found, theirs), (expected, ours), rtol=1e-9)
        assert all(np.array_equal(result, copy) for result, copy in before)
        before += [(result, result.copy()) for result in contents(found)]
