"""Every operation and composition against its own record: what `defop` and `defcomposite` were told must be true."""

from __future__ import annotations

import inspect
import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from reference import RECORDS, assert_derivatives, call, cases, differentiable, is_float, mapped, parts, sample

from autograd import Tensor, grad
from autograd.core.op import Op, operations
from autograd.core.tensor import apply
from autograd.rules.definition import Composite

CASES = cases(operations())


def operands(op: Op, flat: tuple[Any, ...]) -> list[int]:
    """The positions that have a rule and hold floats in this call."""
    return [
        position
        for position, value in enumerate(flat)
        if (op.variadic or (position < len(op.vjp) and op.vjp[position] is not None))
        and not isinstance(value, (str, list, tuple, slice))
        and np.asarray(value).dtype.kind == "f"
        and np.all(np.isfinite(value))
    ]


def with_operands(flat: tuple[Any, ...], positions: list[int], values: Any) -> tuple[Any, ...]:
    full = list(flat)
    for position, value in zip(positions, values, strict=True):
        full[position] = value
    return tuple(full)


@pytest.mark.parametrize(("op", "k"), CASES)
def test_the_value_is_numpys(op: Op, k: int) -> None:
    args, kwargs = sample(op, k)
    flat, options = op.bind(args, kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's word on a name, not on the value
        expected = np.asarray(op.fn(*args, **kwargs))
    np.testing.assert_array_max_ulp(np.asarray(apply(op, flat, options).data), expected, 4)


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.name)
def test_options_that_are_left_out_mean_the_same_to_a_rule_as_to_the_function(op: Op) -> None:
    try:
        own = inspect.signature(op.fn).parameters
    except ValueError:  # a ufunc's says nothing
        return
    rules = [rule for rule in (op.forward, *itertools.islice(op.vjp, 4)) if inspect.isfunction(rule)]
    for name, option in (pair for rule in rules for pair in inspect.signature(rule).parameters.items()):
        if name in own and option.default is not option.empty and own[name].default is not np._NoValue:
            assert option.default == own[name].default, name


@pytest.mark.parametrize(("op", "k"), CASES)
def test_first_and_second_derivatives(op: Op, k: int) -> None:
    flat, options = op.bind(*sample(op, k))
    chosen = operands(op, flat)
    assert chosen
    assert_derivatives(
        lambda *values: apply(op, with_operands(flat, chosen, values), options), [flat[p] for p in chosen]
    )


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.name)
def test_the_third_derivative_along_a_direction(op: Op) -> None:
    flat, options = op.bind(*sample(op, 0))
    chosen, rng = operands(op, flat), np.random.default_rng(1)
    directions = [rng.normal(size=np.shape(flat[p])) for p in chosen]
    weights = rng.normal(size=np.shape(apply(op, flat, options).data))

    def along(t: Any) -> Any:
        moved = [flat[p] + t * d for p, d in zip(chosen, directions, strict=True)]
        return np.sum(weights * apply(op, with_operands(flat, chosen, moved), options))

    second, h = grad(grad(along)), 1e-3
    wide, near = ((second(width) - second(-width)) / (2 * width) for width in (h, h / 2))
    scale = abs(second(0.0)) + abs(near)
    np.testing.assert_allclose(grad(second)(0.0), (4 * near - wide) / 3, rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize(("op", "k"), CASES)
def test_float32_stays_float32(op: Op, k: int) -> None:
    args, kwargs = sample(op, k)
    flat, options = op.bind(args, kwargs)
    chosen = operands(op, flat)
    leaves = [Tensor(np.asarray(flat[p], dtype=np.float32), requires_grad=True) for p in chosen]
    others = [v.astype(np.float32) if isinstance(v, np.ndarray) and v.dtype == np.float64 else v for v in flat]
    expected = op.forward(*with_operands(tuple(others), chosen, [leaf.data for leaf in leaves]), **options)
    out = apply(op, with_operands(tuple(others), chosen, leaves), options)
    assert out.dtype == expected.dtype  # float32, unless integers beside it or a cast say otherwise
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out.backward(np.ones(out.shape, out.dtype), create_graph=True)
    for leaf in leaves:
        assert leaf.grad.dtype == np.float32
        assert leaf.grad.shape == leaf.shape


@pytest.mark.parametrize(("op", "k"), CASES)
def test_rules_write_nothing_and_take_any_layout(op: Op, k: int) -> None:
    args, kwargs = sample(op, k)
    flat, options = op.bind(args, kwargs)
    chosen = operands(op, flat)

    def gradients(change: Any) -> list[Any]:
        leaves = [Tensor(flat[p], requires_grad=True) for p in chosen]
        for leaf in leaves:
            leaf.data = change(leaf.data)
        out = apply(op, with_operands(flat, chosen, leaves), options)
        g = np.arange(1.0, out.size + 1).reshape(out.shape)
        g.flags.writeable = False
        out.backward(g)
        return [leaf.grad for leaf in leaves]

    def read_only_and_strided(array: Any) -> Any:
        doubled = np.repeat(np.asarray(array)[..., None], 2, axis=-1)[..., 0]
        doubled.flags.writeable = False
        return doubled

    for plain, strided in zip(gradients(lambda a: a), gradients(read_only_and_strided), strict=True):
        np.testing.assert_allclose(strided, plain, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.name)
def test_a_record_has_balanced_mathematics(op: Op) -> None:
    for line in op.math:
        assert line.count("{") == line.count("}")
        assert r"\bar" in line


# Compositions


COMPOSITIONS = cases(record for record in RECORDS if isinstance(record, Composite))


def arrays(record: Composite, args: Any, kwargs: Any) -> list[bool]:
    """For each part of a call's arguments, whether it may be a Tensor: Python's numbers where there are no arrays."""
    values, live = parts((args, kwargs)), differentiable(record, args, kwargs)
    found = [able and isinstance(value, (np.ndarray, np.floating)) for value, able in zip(values, live, strict=True)]
    return found if any(found) else live


@pytest.mark.parametrize(("record", "k"), COMPOSITIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_composition_has_numpys_value(record: Composite, k: int, dtype: Any) -> None:
    given = mapped(lambda v: v.astype(dtype) if isinstance(v, np.ndarray) and is_float(v) else v, sample(record, k))
    live = iter(arrays(record, *given))
    found = call(record, *mapped(lambda value: Tensor(value) if next(live) else value, given))
    for ours, theirs in zip(found, call(record, *given), strict=True):
        assert ours.shape == np.shape(theirs)
        assert ours.dtype == np.asarray(theirs).dtype
        np.testing.assert_allclose(ours.data, theirs, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


@pytest.mark.parametrize(("record", "k"), COMPOSITIONS)
def test_a_composition_has_two_derivatives(record: Composite, k: int) -> None:
    given = sample(record, k)
    live = arrays(record, *given)

    def fn(*values: Any) -> Any:
        if record.fn in (np.full_like, np.select):  # NumPy does not ask their last argument
            values = tuple(value if isinstance(value, Tensor) else Tensor(value) for value in values)
        places, moved = iter(live), iter(values)
        found = call(record, *mapped(lambda value: next(moved) if next(places) else value, given))
        return [np.sin(value) for value in found]  # so that what is linear has a second derivative too

    assert_derivatives(fn, [value for value, is_live in zip(parts(given), live, strict=True) if is_live])
