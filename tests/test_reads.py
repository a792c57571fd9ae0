"""What rules read is found by running them: for every record, nothing else is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from reference import Op, call, differentiable, holding, mapped, sample

from autograd import Tensor
from autograd.core.node import Node, topological
from autograd.core.op import operations


def variants(op: Op, k: int) -> Iterator[tuple[list[Any], list[Tensor], list[Any]]]:
    """A sample's call with all of its operands computed from leaves, and with each of them alone: the operands, the
    leaves, and the arrays that stand for the others."""
    args, kwargs = sample(op, k, 0)
    flags = differentiable(op, args, kwargs)
    places = [place for place, flag in enumerate(flags) if flag]
    for chosen in [set(places), *({place} for place in places if len(places) > 1)]:
        leaves: list[Tensor] = []
        arrays: list[Any] = []
        place = iter(range(len(flags)))

        def operand(value: Any) -> Any:
            at = next(place)  # noqa: B023
            if at in chosen:  # noqa: B023
                leaves.append(Tensor(value, requires_grad=True))  # noqa: B023
                return np.positive(leaves[-1])  # noqa: B023
            if flags[at] and isinstance(value, np.ndarray):
                arrays.append(value.copy())  # noqa: B023
                return arrays[-1]  # noqa: B023
            return value

        yield call(op, *mapped(operand, (args, kwargs))), leaves, arrays


def read_by(node: Node) -> list[Any]:
    """The arrays among the arguments of an operation that its rules are said to read."""
    return [array for _, _, array in node.get("marks") or ()]


def gradients(outputs: list[Any], leaves: list[Tensor]) -> list[Any]:
    rng = np.random.default_rng(1)
    for output in outputs:
        if output.requires_grad:
            output.backward(rng.normal(size=output.shape))
    return [leaf.grad for leaf in leaves]


def poisoned(outputs: list[Any], arrays: list[Any]) -> None:
    """NaN in the arrays that no rule is said to read."""
    nodes = topological(output._node for output in outputs)
    read = [array for node in nodes for array in read_by(node)]
    for array in arrays:
        if array.flags.writeable and not any(np.may_share_memory(array, other) for other in read):
            array[...] = np.nan


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.name)
def test_rules_read_what_a_graph_keeps_and_no_more(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(node: Node) -> None:
        raise AssertionError(f"a rule of {node.op.name} read what was not kept")

    monkeypatch.setattr("autograd.core.backward.keep_all", asked)
    for k in range(len(op.samples)):
        with holding(everything=True):
            expected = [gradients(outputs, leaves) for outputs, leaves, _ in variants(op, k)]
        op.kept.clear()  # so that it is found from this call: where rules go by shapes, others read something else
        with holding(everything=False):
            for (outputs, leaves, arrays), right in zip(variants(op, k), expected, strict=True):
                poisoned(outputs, arrays)
                for found, known in zip(gradients(outputs, leaves), right, strict=True):
                    np.testing.assert_array_equal(found, known)
