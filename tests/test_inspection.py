"""`explain` and `detect_anomaly`: the answer names the cause, the line and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd import Tensor, detect_anomaly, explain, no_grad
from autograd.core.node import observers
from autograd.inspection import AnomalyError


def leaf(*values: float, name: str = "w") -> Tensor:
    return Tensor(list(values), requires_grad=True, name=name)


# Anomalies


def test_the_first_nan_forward_is_named_with_its_line_and_remedy() -> None:
    w = leaf(1.0, -1.0)
    with pytest.raises(AnomalyError) as caught, np.errstate(invalid="ignore"), detect_anomaly():
        np.log(w)
    message = str(caught.value)
    assert "np.log of w of shape (2,) gave 1 NaN of 2 elements, from finite operands" in message
    assert "test_inspection.py:25." in message
    assert "np.where" in message


def test_a_rule_that_makes_nan_of_a_finite_gradient_is_named() -> None:
    w = leaf(4.0, 0.0)
    with np.errstate(divide="ignore"), detect_anomaly():
        root = np.sqrt(w)
        with pytest.raises(
            AnomalyError, match=r"derivative of np\.sqrt of w .* gave 1 infinite.*test_inspection"
        ) as said:
            np.sum(root).backward()
    assert w.grad is None
    # The double where, which works as it stands there.
    assert "np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0)" in str(said.value)
    with detect_anomaly():
        x = leaf(4.0, 0.0)
        np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0)).backward()
    np.testing.assert_array_equal(x.grad, [0.25, 0])


def test_an_anomaly_given_as_data_is_no_operations_fault() -> None:
    w = leaf(1.0, np.nan)
    with detect_anomaly():
        out = w * 2
    assert "given as data" in explain(out).anomaly


def test_the_block_may_be_left_and_entered_again() -> None:
    w = leaf(-1.0)
    watch = detect_anomaly()
    for _ in range(2):
        with pytest.raises(AnomalyError), np.errstate(invalid="ignore"), watch:
            np.log(w)
    with np.errstate(invalid="ignore"):
        np.log(w)


def test_another_thread_is_not_watched() -> None:
    from threading import Thread

    seen: list[BaseException] = []

    def other() -> None:
        try:
            with np.errstate(invalid="ignore"):
                np.log(leaf(-1.0))
        except BaseException as error:
            seen.append(error)

    with detect_anomaly():
        thread = Thread(target=other)
        thread.start()
        thread.join()
    assert seen == []


# Explanations


def test_why_there_is_no_gradient() -> None:
    w, other = leaf(1.0, 2.0), leaf(3.0, name="other")
    hidden = w * 2
    loss = np.sum(hidden)
    assert "no backward() has reached it" in explain(w).gradient
    assert "interior" in explain(hidden).gradient
    assert "nothing in it requires grad" in explain(Tensor([1.0])).gradient
    with no_grad():
        assert "no_grad" in explain(w * 2).gradient
    assert "does not depend on it" in explain(other, loss).gradient
    assert "no backward()" in explain(w, loss).gradient
    assert "the loss has no graph" in explain(w, Tensor(1.0)).gradient
    loss.backward()
    assert "of norm 2.828" in explain(w).gradient


def test_what_the_graph_keeps_alive_is_counted_once() -> None:
    w = Tensor(np.ones((1000, 10)), requires_grad=True, name="w")
    with detect_anomaly():
        big = w * np.ones((1000, 10))
        loss = np.sum(big.T.reshape(-1)) + np.sum(big)
    told = explain(loss)
    assert [kept.bytes for kept in told.kept[:2]] == [80_000] * 2
    assert {"w", "operand of big"} <= {kept.name for kept in told.kept}  # no rule reads `big`, or its copy by reshape
    assert told.operations == 6
    assert 160_000 <= told.bytes <= 160_000 + 100
    assert any("test_inspection.py" in kept.where for kept in told.kept)
    assert "80 kB  w (1000×10)" in str(told)


def test_where_the_first_infinity_is() -> None:
    w = leaf(1.0, 0.0)
    with np.errstate(divide="ignore"):
        out = np.sum(1 / w) * 2
    assert "first in np.divide of shape (2,), computed by np.divide of w" in explain(out).anomaly
    assert "1 infinite" in explain(out).anomaly


def test_only_tensors_are_explained() -> None:
    with pytest.raises(TypeError, match="not ndarray"):
        explain(np.ones(3))  # type: ignore[arg-type]


# Hooks and kept gradients


def test_a_kept_gradient_follows_a_tensor_that_is_written_to() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    h = w * 2
    row = h[:1]
    row.retain_grad()
    h.retain_grad()
    h += 1
    np.sum(h**2 + row).backward()
    np.testing.assert_array_equal(h.grad, 2 * (2 * w.data + 1) + [2, 0])
    np.testing.assert_array_equal(row.grad, [2.0])


@pytest.mark.parametrize("ask", [lambda t: t.retain_grad(), lambda t: t.register_hook(print)])
def test_no_gradient_is_kept_where_none_comes(ask: Any) -> None:
    with pytest.raises(RuntimeError, match=r"c of shape \(\) does not require grad, so no gradient comes here"):
        ask(Tensor(1.0, name="c"))


def test_a_hook_must_be_callable_and_may_be_removed_twice() -> None:
    w = Tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match="int cannot be called"):
        w.register_hook(3)  # type: ignore[arg-type]
    hook = w.register_hook(lambda g: 2 * g)
    hook.remove()
    hook.remove()
    (w * 1).backward()
    assert w.grad == 1


def test_a_hook_alone_keeps_no_gradient_and_explain_says_so() -> None:
    h = Tensor(1.0, requires_grad=True) * 2
    h.register_hook(lambda g: None)
    h.backward()
    assert "call retain_grad() before backward()" in explain(h).gradient


def test_explain_wants_the_loss_and_not_its_value() -> None:
    with pytest.raises(TypeError, match="a plain number has no graph"):
        explain(Tensor(1.0, requires_grad=True), 3.0)  # type: ignore[arg-type]


def test_an_infinity_that_the_program_writes_is_no_anomaly() -> None:
    s = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with detect_anomaly():
        masked = np.where(np.eye(2) == 1, s, -np.inf)
        p = np.exp(masked - np.max(masked, axis=1, keepdims=True))
        np.sum(p).backward()


def test_an_observer_hears_what_each_rule_gives_also_of_several_operands_at_once() -> None:
    class Observer:
        def __init__(self) -> None:
            self.pulled_by: list[str] = []

        def recorded(self, *_: Any) -> None: ...

        def pulled(self, node: Any, operand: Any, g: Any, d: Any) -> None:
            assert d.shape == operand.shape
            self.pulled_by.append(node.op.name)

    w, observer = leaf(1.0, 2.0, 3.0), Observer()
    loss = np.sum(np.concatenate([w[1:], w]))
    observers.append(observer)
    try:
        loss.backward()
    finally:
        observers.remove(observer)
    assert observer.pulled_by == ["np.sum", "np.concatenate", "np.concatenate", "operator.getitem"]
