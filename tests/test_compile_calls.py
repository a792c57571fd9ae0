"""Random steps of calls that write in place, look at memory, or have shapes by values: compiled and eager ones agree.

`CHALKGRAD_RANDOM_STEPS` says how many; a few hundred by default.
"""

from __future__ import annotations

import itertools
import os
import random
from typing import Any

import numpy as np
import pytest
from compiled import compare

import autograd
from autograd import Tensor

COUNT = int(os.environ.get("CHALKGRAD_RANDOM_STEPS", "300"))
REFUSALS = ("recorded step", "a replay could not", "writes into", "writing in place into a view", "share", "state=")

WRITES = [
    "{a}[{i}] = {v}[{i}]", "{a}[{i}] += 0.5", "{a} *= 0.5", "{a} += {v}", "{a}[np.nonzero({v} > 0)] = 0.25",
    "{a}[{v} > 0] *= 0.5", "np.copyto({a}, 0.0, where={v} > 0)", "np.copyto({a}, {v})", "np.fill_diagonal({a}, 0.5)",
    "np.put({a}, [0, 4], {v}[0, :2])", "np.place({a}, {v} > 0, [0.1, 0.2])", "np.putmask({a}, {v} > 0, {v} * 0.5)",
    "np.put_along_axis({a}, np.argmax({v}, axis=1, keepdims=True), 0.0, axis=1)", "np.add.at({a}, [0, 0, 1], 0.1)",
    "np.clip({v}, -0.5, 0.5, out={a})", "{v}.clip(-0.5, 0.5, out={a})", "np.add({v}, 0.1, out={a})",
    "np.divide({v}, 2.0, out={a}, where={v} > 0)", "np.nan_to_num({a}, copy=False)", "np.cumsum({v}, axis=0, out={a})",
    "rng.random(out={a})", "rng.permuted({a}, out={a})", "{a}.fill(0.3)", "{a}.sort(axis=0)", "np.clip({v}, 0, 1, {a})",
    "{a}.put([1, 2], 0.7)", "{a}.T[0] = 0.2", "np.subtract({a}, {v}, {a})", "np.sum({v}, axis=0, out={a}[0])",
]  # fmt: skip
VIEWS = [
    ("{n}, {m} = np.split({a}, 3)[:2]", "({n})[0]", "{n} += 0.5"), ("{n}, *_ = np.unstack({a})", "{n}", "{n}[0] = 0.7"),
    ("{n} = np.broadcast_arrays({a}, np.zeros(3))[0]", "{n}", "{n} = {n} * 1"),
    ("{n} = np.lib.stride_tricks.sliding_window_view({a}, 2, axis=0)", "{n}[0, :, 0]", "{a}[1] *= 0.5"),
    ("{n} = np.einsum('ii->i', {a})", "{n}", "{n}[...] = 0.1"), ("{n} = {a}.T", "{n}", "{n}[0] += 0.5"),
    ("{n} = np.reshape({a}.T, -1)", "{n}[:3]", "{n}[1] = 0.5"), ("{n} = {a}.reshape(-1)", "{n}[:3]", "{n}[1:3] = 0.5"),
    ("{n} = np.ravel({a}, order='F')", "{n}[3:6]", "{n}[4] = 0.5"),
    ("{n} = np.diagonal({a})", "{n}", "{a}[1, 1] = 0.5"),
    ("{n} = {a}[::-1][:2]", "{n}[0]", "{n} *= 0.5"), ("{n} = np.atleast_2d({a}[0], {a})[1]", "{n}", "{n}[1] = 0.4"),
    ("{n} = {a}[1]", "{n}", "{n}[[0, 2]] = 0.4"), ("{n} = np.flip({a}, 0)", "{n}", "{n}[0] = 0.4"),
    ("{n} = np.swapaxes({a}, 0, 1)[0]", "{n}", "{n} -= 0.4"),
    ("{n} = np.moveaxis({a}, 0, 1)", "{n}", "{n}[0, 0] = 2.0"),
    ("{n} = np.asfortranarray({a})", "{n}", "{n}[0, 1] = 2.0"),
    ("{n} = np.hsplit({a}, 3)[1]", "{n}", "{n}[0, 0] = 2.0"),
    ("{n} = np.squeeze({a}[None])", "{n}", "{n}[2, 2] = -1.0"), ("{n} = np.rot90({a})", "{n}", "{n}[0] = -1.0"),
]  # fmt: skip
SHAPED = [
    "{v}[np.nonzero({v} > 0)].sum()", "np.where({v} > 0)[0].sum() * 0.1", "np.split({v}, [np.argmax({v}[0])])[0].sum()",
    "np.tile({v}, np.argmax({v}[0]) + 1).sum() * 0.1", "rng.normal(size=np.sum({v} > 0)).sum() * 0.1",
    "np.sum({v}, axis=int(np.argmax({v}[0]) > 1))[0]", "np.sum({v}, axis=np.argmax({v}[0, :2])).sum()",
    "np.linalg.matrix_power({v}, np.argmax({v}[0])).sum() * 0.1", "np.repeat({v}[0], np.argmax({v}, axis=0)).sum()",
    "{v}[: np.argmax({v}[0]) + 1].sum()", "np.unique(np.round({v}, 0)).size * 0.1", "np.sum({v}[{v} > 0.2])",
    "np.flatnonzero({v} > 0).size * 0.1", "np.compress({v}[0] > 0, {v}, axis=1).sum()",
    "np.emath.sqrt({v}[0, 0]).real", "np.roots({v}[0]).size * 1.0", "np.count_nonzero({v} > 0) * 0.1",
    "np.extract({v} > 0, {v}).sum()", "np.argwhere({v} > 0).sum() * 0.1", "len({v}[{v} > 0]) * 0.1",
    "np.trim_zeros(np.maximum({v}[0], 0)).size * 0.1", "np.delete({v}, np.argmax({v}[0]), axis=0).sum()",
    "np.diagonal({v}, offset=np.argmax({v}[0]) - 1).sum()",
    "np.expand_dims({v}, np.argmax({v}[0, :2])).mean(axis=0).sum()",
]  # fmt: skip
VALUES = [
    "np.tanh({v})", "{v} @ {w} * 0.3", "{v} * {w}", "{v}.var(axis=0)", "{v}.trace()", "{v} - {v}.mean(axis=0)",
    "np.maximum({v}, 0)", "{v}.std()", "np.linalg.norm({v}, axis=1, keepdims=True)", "np.outer({v}[0], {w}[0])",
    "np.where({v} > 0, {v}, {w})", "{v}.cumsum(axis=1) * 0.3", "np.sort({v}, axis=0)", "{v}.max(axis=0)", "{v}.T",
    "np.concatenate([{v}[:1], {w}[1:]])", "np.pad({v}[:2, :2], (0, 1))", "np.roll({v}, 1, axis=0)", "np.copy({v}.T)",
    "np.triu({v})", "np.zeros_like({v}) + {w}", "sum(np.unstack({v}))", "np.stack([{v}[0], {w}[1], {v}[2]])",
]  # fmt: skip


def written(seed: int) -> str:
    """The source of a function that makes a step and gives its state."""
    chance = random.Random(seed)
    numbers = itertools.count()
    matrices = ["x", "st['a']", "st['b']", "w.data"]  # of three rows and columns
    owned = ["st['a']", "ls[0]", "x"]
    lines: list[str] = []

    def matrix() -> str:
        return chance.choice(matrices)

    def add() -> None:
        kind, name, other = chance.random(), f"t{next(numbers)}", f"u{next(numbers)}"
        if kind < 0.3:
            text = chance.choice(VALUES).format(v=matrix(), w=matrix())
            lines.append(
                f"{name} = np.zeros((3, 3)) + {text}"
                if chance.random() < 0.5
                else f"{name} = 1.0 * ({text}) + {matrix()} * 0"
            )
            matrices.append(name)
            owned.append(name)
        elif kind < 0.6:
            lines.append(
                chance.choice(WRITES).format(a=chance.choice(owned), v=matrix(), i=chance.choice(["0", "1:", "..., 1"]))
            )
        elif kind < 0.75:
            make, value, write = (part.format(a=chance.choice(owned), n=name, m=other) if k == 0 else part
                                  for k, part in enumerate(chance.choice(VIEWS)))  # fmt: skip
            source = lines_source(make)
            lines.append(make)
            extra = [write.format(n=name, a=source)] if chance.random() < 0.7 else []
            lines.extend(extra)
            lines.append(f"{other} = {value.format(n=name)} * np.ones(3)")
            lines.append(f"total = total + np.sum({other})")
        elif kind < 0.9:
            lines.append(f"total = total + {chance.choice(SHAPED).format(v=matrix())}")
        else:
            lines.append(chance.choice([
                "loss = np.sum(np.tanh(w * x) ** 2); w.zero_grad(); loss.backward(); w.data -= 0.1 * w.grad",
                f"st['b'] = 0.5 * {matrix()}", f"total = total * 1.5 if {matrix()}[0, 0] > 0 else total",
                "w.zero_grad(); np.sum((w @ x)[np.nonzero(x > 0)] ** 2).backward(); total = total + w.grad.var()",
            ]))  # fmt: skip

    def lines_source(make: str) -> str:
        return next(name for name in sorted(owned, key=len, reverse=True) if name in make.partition("=")[2])

    for _ in range(chance.randint(3, 9)):
        add()
    head = [
        "w = Tensor(np.linspace(-0.5, 0.6, 9).reshape(3, 3), requires_grad=True)",
        "st, ls = {'a': np.linspace(0.3, -0.2, 9).reshape(3, 3), 'b': np.eye(3)}, [np.full((3, 3), 0.2)]",
        "rng = np.random.default_rng(0)",
        "def step(x):",
        "    total = 0.0",
        *(f"    {line}" for line in lines),
        f"    return total, {matrix()}, {matrix()} * 1.0",
        "return step, (w, st, ls, rng)",
    ]
    return "\n".join(["def make():", *(f"    {line}" for line in head)])


def check(seed: int) -> str:
    """How a random step fares: "agrees", "refused", or "raises" where the eager step does."""
    space: dict[str, Any] = {"np": np, "Tensor": Tensor}
    exec(written(seed), space)
    (eager, ours), (step, theirs) = space["make"](), space["make"]()
    compiled, rng = autograd.compile(step, state=theirs), np.random.default_rng(seed)
    for _ in range(6):
        x = np.round(rng.normal(size=(3, 3)), 2)
        y = x.copy()
        try:
            expected = eager(x)
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
            return "raises"
        try:
            found = compiled(y)
        except TypeError as error:
            if not any(words in str(error) for words in REFUSALS):
                raise
            return "refused"
        try:
            compare((found, theirs, y), (expected, ours, x), rtol=1e-8)
        except AssertionError as error:
            error.add_note(written(seed))
            raise
    return "agrees"


@pytest.mark.parametrize("first", range(0, COUNT, 50))
def test_random_steps_of_calls(first: int) -> None:
    with np.errstate(all="ignore"):
        results = [check(seed) for seed in range(first, min(first + 50, COUNT))]
    assert results.count("agrees") > len(results) / 3
