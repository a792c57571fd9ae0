"""Every operation's derivation, written out as source and run, gives what its rules compute; its LaTeX compiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference import cases, sample
from strict_latex import assert_compiles

from autograd import Tensor, derive
from autograd.core.op import Op, operations
from autograd.core.tensor import apply
from autograd.rules.definition import Composite, composites


class Leaves:
    """Tensors that require grad in place of the floats of a call, each with a name."""

    def __init__(self) -> None:
        self.made: dict[str, Tensor] = {}

    def __call__(self, value: Any, parts: Any = (np.ndarray, list)) -> Any:
        if isinstance(value, (list, tuple)) and any(isinstance(part, parts) for part in value):
            return type(value)(map(self, value))
        if isinstance(value, (str, slice, list, tuple)) or value is None:
            return value
        data = np.asarray(value)
        if data.dtype.kind != "f" or not np.all(np.isfinite(data)):
            return value
        name = f"p{len(self.made)}"
        self.made[name] = Tensor(data, requires_grad=True, name=name)
        return self.made[name]


def loss_of(out: Any, leaves: Leaves) -> Tensor:
    """A number that all elements of all outputs go into, each with another weight, and all leaves."""
    outs = [o for o in (out if isinstance(out, (tuple, list)) else [out]) if isinstance(o, Tensor) and o.requires_grad]
    total: Any = 0.0
    for k, o in enumerate([*outs, *leaves.made.values()]):
        total = total + np.sum(o * np.cos(np.arange(k, k + o.size)).reshape(o.shape))
    assert isinstance(total, Tensor)
    return total


def check(loss: Tensor, leaves: Leaves) -> None:
    loss.backward()
    derivation = derive(loss)
    value, gradients = derivation.function()(**derivation.arguments)
    np.testing.assert_allclose(value, loss.data, rtol=1e-12, atol=1e-14)
    assert sorted(gradients) == sorted(leaves.made)
    for name, tensor in leaves.made.items():
        assert np.shape(gradients[name]) == tensor.shape
        rtol = 1e-11 if tensor.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(gradients[name], tensor.grad, rtol=rtol, atol=rtol / 100)
    assert_compiles(derivation.latex)


@pytest.mark.parametrize(("op", "k"), cases(operations()))
def test_an_operation(op: Op, k: int) -> None:
    args, kwargs = sample(op, k)
    flat, options = op.bind(args, kwargs)
    leaves = Leaves()
    operands = [
        leaves(value) if op.variadic or (p < len(op.vjp) and op.vjp[p] is not None) else value
        for p, value in enumerate(flat)
    ]
    check(loss_of(apply(op, tuple(operands), options), leaves), leaves)


@pytest.mark.parametrize(("record", "k"), cases(composites()))
def test_a_composition(record: Composite, k: int) -> None:
    args, kwargs = sample(record, k)
    leaves = Leaves()
    operands = [leaves(args[0], (np.ndarray, list, float)), *(leaves(arg) for arg in args[1:])]
    if isinstance(operands[0], Tensor):  # some write into it, which leaves refuse
        operands[0] = operands[0] * 1
    options = {key: leaves(value) if isinstance(value, np.ndarray) else value for key, value in kwargs.items()}
    out = record.fn(*operands, **options)
    check(loss_of(operands[0] if out is None else out, leaves), leaves)
