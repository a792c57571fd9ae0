"""Random programs over all records, against NumPy, central differences, and other precisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import assume, given, note, seed
from programs import CHOICES, Choices, Program, called, program, pulled
from reference import RECORDS, Op, Record, directions, holding, reproducibly, slope, weighted

from autograd import Tensor, operation
from autograd.core.op import operations, plain

every_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)


def on_programs(record: Record, examples: int, dtype: Any, *checks: Callable[[Program, Any], None]) -> None:
    """Run checks on programs that start with a call of the record."""

    @reproducibly(examples)
    @seed(crc32(record.name.encode()))
    @given(CHOICES)
    def drawn(choices: Choices) -> None:
        made = program(record, choices, dtype)
        assume(made is not None)
        note(str(made))
        for check in checks:
            check(made, np.random.default_rng(choices.seed + 1))

    drawn()


def weights(made: Program, rng: Any) -> list[Any]:
    computed = [v for number, v in enumerate(made.values) if number not in made.leaves]
    return [rng.normal(size=np.shape(value)).astype(np.asarray(value).dtype) for value in computed]


def along(gradients: list[Any], v: list[Any], live: list[bool]) -> list[float]:
    """The derivative along a direction, a term for each leaf."""
    moving = [d for d, is_live in zip(v, live, strict=True) if is_live]
    return [float(np.sum(g * d)) for g, d in zip(gradients, moving, strict=True)]


def agree(terms: list[float], expected: Any, rtol: float) -> None:
    scale = max(abs(expected.value), *map(abs, terms), 1e-2)
    assert abs(sum(terms) - expected.value) <= rtol * scale + expected.doubt, (terms, expected)


def same_as_numpys(made: Program, rng: Any) -> None:
    """Each step on its own, on the data that it got."""

    def same(step: Any, values: Any, outputs: list[Any]) -> None:
        arrays = {number: plain(value) for number, value in values.items()}
        for ours, theirs in zip(map(plain, outputs), called(step, arrays), strict=True):
            ours = np.asarray(ours)
            assert (ours.shape, ours.dtype) == (np.shape(theirs), theirs.dtype)
            if isinstance(step.record, Op):
                np.testing.assert_array_max_ulp(ours, np.asarray(theirs), 4)
            else:  # the same function by other ones: to the precision of its operands
                solves = step.record.fn in (np.polyfit, np.linalg.lstsq)
                error = (1e5 if solves else 64) * np.finfo(made.dtype).eps
                scale = max(1.0, *(np.max(np.abs(a), initial=0) for a in [theirs, *arrays.values()]))
                np.testing.assert_allclose(ours, theirs, rtol=error, atol=error * scale)

    made.run(made.tensors(), same)


def has_the_slope(made: Program, rng: Any) -> None:
    """The gradients have the shapes of their leaves, and give the derivative along a random direction."""
    c, x = weights(made, rng), made.double()
    v = [d * live for d, live in zip(directions(x, rng), made.live, strict=True)]
    expected = slope(lambda x: float(weighted(made.run(x), c)), x, v)
    if not expected.smooth:
        return  # an early step carries a later one over a kink
    found = pulled(made, made.tensors(), c)
    assert [(g.shape, g.dtype) for g in found] == [
        (a.shape, a.dtype) for a, live in zip(x, made.live, strict=True) if live
    ]
    agree(along(found, v, made.live), expected, rtol=1e-8)


def has_the_curvature(made: Program, rng: Any) -> None:
    """The same of the derivative along another direction, which is computed by the engine."""
    c, x = weights(made, rng), made.double()
    u, v = ([d * live for d, live in zip(directions(x, rng), made.live, strict=True)] for _ in range(2))
    if not slope(lambda x: float(weighted(made.run(x), c)), x, v).smooth:
        return
    expected = slope(lambda x: sum(along(pulled(made, made.tensors(x), c), u, made.live)), x, v)
    leaves = made.tensors()
    gradients = pulled(made, leaves, c, create_graph=True)
    for leaf in leaves:
        leaf.zero_grad()
    loss = weighted(gradients, [d for d, live in zip(u, made.live, strict=True) if live])
    if isinstance(loss, Tensor) and loss.requires_grad:
        loss.backward()
    second = [np.zeros(leaf.shape) if leaf.grad is None else leaf.grad for leaf in leaves if leaf.requires_grad]
    agree(along(second, v, made.live), expected, rtol=1e-6)


def loses_only_precision(made: Program, rng: Any) -> None:
    """The gradients are float32, and those that float64 gives, as far as these hold still."""
    if any(step.record.fn in (np.spacing, np.polydiv) for step in made.steps):
        return  # these read the precision, and trim what is 0
    leaves, c = made.tensors(), weights(made, rng)
    moved = [(x * (1 + 1e-6 * rng.normal(size=x.shape))).astype(np.float32) for x in made.double()]
    found, nearby, exact = (pulled(made, x, c) for x in (leaves, made.tensors(moved), made.tensors(made.double())))
    for g, leaf in zip(found, [leaf for leaf in leaves if leaf.requires_grad], strict=True):
        assert (g.dtype, g.shape) == (np.float32, leaf.shape)
    scale = max(0.1, *(np.max(np.abs(g), initial=0.0) for g in exact))
    for g, n, e in zip(found, nearby, exact, strict=True):
        np.testing.assert_allclose(g, e, rtol=2e-5, atol=2e-5 * scale + 30 * np.max(np.abs(g - n), initial=0))


def changes_nothing(made: Program, rng: Any) -> None:
    """What was computed stays as it was; leaves cannot be written to at all."""
    leaves, c = made.tensors(), weights(made, rng)
    outputs = made.run(leaves)
    before = [np.array(plain(output)) for output in outputs]
    loss = weighted(outputs, c)
    if isinstance(loss, Tensor) and loss.requires_grad:
        loss.backward()
    for output, value in zip(outputs, before, strict=True):
        np.testing.assert_array_equal(plain(output), value)


def the_same_without_what_no_rule_reads(made: Program, rng: Any) -> None:
    """What a graph lets go makes no difference."""
    c = weights(made, rng)
    with holding(everything=True):
        expected = pulled(made, made.tensors(), c)
    with holding(everything=False):
        found = pulled(made, made.tensors(), c)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@every_record
def test_values_are_numpys_and_gradients_are_central_differences(record: Record) -> None:
    on_programs(record, 4, np.float64, same_as_numpys, has_the_slope)


@every_record
def test_second_derivatives_are_central_differences_and_no_value_changes(record: Record) -> None:
    on_programs(record, 2, np.float64, has_the_curvature, changes_nothing, the_same_without_what_no_rule_reads)


@every_record
def test_float32_gradients_are_those_of_float64_and_stay_float32(record: Record) -> None:
    on_programs(record, 3, np.float32, same_as_numpys, loses_only_precision)


def scaled(g: Any, y: Any, a: Any) -> Any:
    y *= 2.0
    return g


def halved(a: Any) -> Any:
    return a.astype(np.float16) if a.dtype == np.float32 else a


PLANTED: dict[str, tuple[Any, Any, Any, Any]] = {
    "value": (same_as_numpys, lambda g, y, a: g * np.cos(a), lambda a: np.sin(a) * (1 + 1e-14), np.float64),
    "shape": (has_the_slope, lambda g, y, a: (g * np.cos(a))[None], np.sin, np.float64),
    "factor": (has_the_slope, lambda g, y, a: g * np.cos(a) * (1 + 1e-7), np.sin, np.float64),
    "detached": (has_the_curvature, lambda g, y, a: g * np.cos(plain(a)), np.sin, np.float64),
    "precision": (loses_only_precision, lambda g, y, a: g * np.cos(halved(a)), np.sin, np.float32),
    "write": (changes_nothing, scaled, np.sin, np.float64),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found_in_the(mistake: str) -> None:
    check, rule, forward, dtype = PLANTED[mistake]
    draw = lambda rng: (rng.uniform(0.5, 1.0, size=(2, 3)),)
    operation(lambda a: np.sin(a), name=f"planted {mistake}", forward=forward, vjp=rule, math=r"\bar a", samples=[draw])
    made = program(operations()[-1], Choices(0, 0, (), (-1, 0, False), 0, 63, ()), dtype)
    assert made is not None
    with pytest.raises((AssertionError, ValueError)):
        check(made, np.random.default_rng(0))
