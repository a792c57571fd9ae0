"""Tensors on a device's arrays: the records' samples, and nothing that is moved unasked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor, grad
from autograd.core.op import Op, operations
from tests import libraries
from tests.strict import StrictArray, TransferError

SAID = libraries.said()
GPU = libraries.device()


def said(op: Op) -> tuple[str, str]:
    return SAID[libraries.NAMES.get(op.name, op.name)]


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.name)
def test_what_the_page_says_works_on_a_gpu_does_and_the_rest_is_an_error(op: Op) -> None:
    errors = [libraries.works(op, k, GPU) for k in range(len(op.samples))]  # asserts that no number is wrong
    if said(op)[0] == libraries.YES:
        assert not any(errors), errors
    assert all(op.name in error for error in errors if error)  # it names the operation


def test_the_page_has_every_operation() -> None:
    assert not {libraries.NAMES.get(op.name, op.name) for op in operations()} - SAID.keys(), (
        "run `python -m tests.libraries`"
    )


# A GPU's array


def network(array: Any) -> tuple[list[Tensor], Tensor]:
    """The parameters and the loss of a small network on a library's arrays."""
    rng = np.random.default_rng(0)
    X, y = array(rng.normal(size=(12, 4))), array(rng.integers(3, size=12))
    shapes = (4, 5), (5,), (5, 3), (3,)
    W1, b1, W2, b2 = parameters = [Tensor(array(rng.normal(size=s)), requires_grad=True) for s in shapes]
    return parameters, nn.functional.cross_entropy(np.maximum(0, X @ W1 + b1) @ W2 + b2, y) + 0.1 * np.sum(W1**2)


def test_a_network_trains_on_a_device_and_nothing_leaves_it() -> None:
    expected, loss = network(np.asarray)
    loss.backward()
    found, there = network(StrictArray)
    there.backward()
    np.testing.assert_allclose(there.data.get(), loss.data)
    for p, q in zip(expected, found, strict=True):
        assert type(q.grad) is StrictArray
        np.testing.assert_allclose(q.grad.get(), p.grad, atol=1e-15)


def test_second_derivatives_stay_on_the_device() -> None:
    x = np.linspace(-1, 1, 5)
    second = grad(lambda x: np.sum(grad(lambda x: np.sum(np.tanh(x) ** 3))(x)))
    np.testing.assert_allclose(second(StrictArray(x)).get(), second(x), atol=1e-15)


def test_mixing_a_device_with_the_host_is_an_error_that_names_the_operation() -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.multiply of a?.*StrictArray"):
        StrictArray(np.ones(3)) * w


def test_a_number_of_a_device_is_asked_for_by_name_only() -> None:
    t = Tensor(StrictArray(np.ones(2)), requires_grad=True)
    assert "StrictArray" in repr(t)
    with pytest.raises(TransferError):
        bool(t[0] > 0)
