"""Losses: PyTorch's word on each with its settings, derivatives, modules, compiled steps, and what bad input gets."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import installed
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd
import nn
from autograd import Tensor, hessian
from autograd.testing import gradcheck
from nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)
Z, P, LABELS = RNG.normal(size=(6, 3)) * 3, RNG.uniform(0.05, 0.95, size=(6, 3)), RNG.integers(3, size=6)
ROWS = np.eye(3)[LABELS]
IGNORED = np.where(np.arange(6) % 3 == 0, -7, LABELS)
W3, W18 = np.array([0.5, 2.0, 1.0]), RNG.uniform(size=(6, 3))
BCE, LOGITS, CE = F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.cross_entropy
CASES: dict[str, tuple[Callable[..., Any], Any, Any, dict[str, Any]]] = {
    "l1": (F.l1_loss, Z, P, {}),
    "huber": (F.huber_loss, Z, P, {"delta": 0.7}),
    "hinge": (F.hinge_loss, Z, 2 * ROWS - 1, {"margin": 0.5}),
    "nll": (F.nll_loss, Z, LABELS, {}),
    "nll, weighted": (F.nll_loss, Z, IGNORED, {"weight": W3, "ignore_index": -7}),
    "kl": (F.kl_div, Z, P, {}),
    "kl of logarithms": (F.kl_div, Z, np.log(P), {"log_target": True}),
    "probabilities": (BCE, P, ROWS, {}),
    "probabilities, between": (BCE, P, W18, {}),
    "probabilities, weighted": (BCE, P, ROWS, {"weight": W18}),
    "logits": (LOGITS, Z, ROWS, {}),
    "logits, between": (LOGITS, Z, P, {}),
    "logits, weighted": (LOGITS, Z, P, {"weight": W18}),
    "logits, more ones": (LOGITS, Z, P, {"weight": W18, "pos_weight": W3}),
    "labels": (CE, Z, LABELS, {}),
    "labels, weighted": (CE, Z, LABELS, {"weight": W3}),
    "labels, ignored": (CE, Z, IGNORED, {"ignore_index": -7}),
    "labels, smooth": (CE, Z, LABELS, {"label_smoothing": 0.2}),
    "labels, all": (CE, Z, IGNORED, {"weight": W3, "ignore_index": -7, "label_smoothing": 0.2}),
    "one-hot": (CE, Z, ROWS, {}),
    "any rows": (CE, Z, P, {}),
    "rows, all": (CE, Z, P, {"weight": W3, "label_smoothing": 0.2}),
}


def each(cases: dict[str, Any]) -> Any:
    return pytest.mark.parametrize(("loss", "input_", "target", "options"), cases.values(), ids=list(cases))


PYTORCHS = {name: case for name, case in CASES.items() if name != "hinge"}
LOSSES, PLAIN = each(CASES), each({name: case for name, case in CASES.items() if not case[3]})
REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


def theirs(torch: Any, loss: Any, options: dict[str, Any]) -> Any:
    tensors = {key: torch.tensor(value) if key.endswith("weight") else value for key, value in options.items()}
    return lambda z, target, **more: getattr(torch.nn.functional, loss.__name__)(
        z, torch.tensor(target), **tensors, **more
    )


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # PyTorch's word on kl_div
@REDUCTIONS
@each(PYTORCHS)
def test_losses_are_pytorchs(loss: Any, input_: Any, target: Any, options: dict[str, Any], reduction: Any) -> None:
    torch = installed.torch()
    a, b = Tensor(input_, requires_grad=True), torch.tensor(input_, requires_grad=True)
    y, expected = loss(a, target, reduction, **options), theirs(torch, loss, options)(b, target, reduction=reduction)
    np.sum(y * y).backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@each(PYTORCHS)
def test_hessians_are_pytorchs(loss: Any, input_: Any, target: Any, options: dict[str, Any]) -> None:
    torch = installed.torch()
    call = theirs(torch, loss, options)
    expected = torch.autograd.functional.hessian(lambda z: call(z, target), torch.tensor(input_))
    found = hessian(lambda z: loss(z, target, **options))(input_)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-10, atol=1e-14)  # PyTorch adds 1e-12 to a divisor


@REDUCTIONS
@LOSSES
def test_losses_have_right_derivatives_of_first_and_second_order(
    loss: Any, input_: Any, target: Any, options: dict[str, Any], reduction: Any
) -> None:
    squared = lambda z: np.sum(loss(z, target, reduction, **options) ** 2)
    gradcheck(squared, [input_], order=2, complex_step=False)


@each({name: case for name, case in CASES.items() if case[0] in (BCE, LOGITS, CE) and not case[3]})
def test_losses_have_right_derivatives_by_a_soft_target_too(loss: Any, input_: Any, target: Any, options: Any) -> None:
    gradcheck(lambda z, t: np.sum(loss(z, t, "none") ** 2), [input_, np.full(np.shape(input_), 0.3)], order=2)


@pytest.mark.parametrize(("reduction", "reduce"), [("mean", np.mean), ("sum", np.sum), ("none", np.asarray)])
@PLAIN
def test_reductions_are_of_what_none_gives(
    loss: Any, input_: Any, target: Any, options: Any, reduction: Any, reduce: Any
) -> None:
    each = loss(input_, target, "none")
    np.testing.assert_allclose(loss(Tensor(input_), target, reduction).data, reduce(each), rtol=1e-15)


MODULES = {
    F.l1_loss: nn.L1Loss, F.huber_loss: nn.HuberLoss, F.hinge_loss: nn.HingeLoss, F.nll_loss: nn.NLLLoss,
    F.kl_div: nn.KLDivLoss, BCE: nn.BCELoss, LOGITS: nn.BCEWithLogitsLoss, CE: nn.CrossEntropyLoss,
}  # fmt: skip


@REDUCTIONS
@LOSSES
def test_modules_are_their_functions(loss: Any, input_: Any, target: Any, options: Any, reduction: Any) -> None:
    found = MODULES[loss](reduction, **options)(input_, target)
    np.testing.assert_array_equal(found, loss(input_, target, reduction, **options))


@LOSSES
def test_an_unknown_reduction_is_refused(loss: Any, input_: Any, target: Any, options: Any) -> None:
    with pytest.raises(ValueError, match="reduction is 'median'; it is one of mean, sum, none"):
        loss(input_, target, "median", **options)


# Derivations and compiled steps

DROPPED = nn.Dropout(0.5)
STEPS = each({
    **CASES,
    "penalties": (lambda z, t: F.l1_penalty(z) + F.l2_penalty(z, z) + np.sum(z * t), Z, P, {}),
    "softmaxes": (lambda z, t: np.sum(F.softmax(z) * t + F.log_softmax(z, axis=0)), Z, P, {}),
    "dropout": (lambda z, t: np.sum(DROPPED(z) ** 2 * t), Z, P, {}),
})  # fmt: skip


@STEPS
def test_compiled_steps_train_as_eager_ones(loss: Any, input_: Any, target: Any, options: dict[str, Any]) -> None:
    def train(compiled: bool) -> list[float]:
        z, DROPPED.rng = nn.Parameter(input_), np.random.default_rng(0)
        optimizer = nn.optim.SGD([z], lr=1e-3)

        def step(t: Any) -> Any:
            value = loss(z, t, **options)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            return value

        run = autograd.compile(step, state=(z, optimizer, DROPPED)) if compiled else step
        return [run(np.array(target)).item() for _ in range(4)]

    np.testing.assert_allclose(train(True), train(False), rtol=1e-13)


@STEPS
def test_derived_backprop_gives_the_gradient(loss: Any, input_: Any, target: Any, options: dict[str, Any]) -> None:
    leaf, DROPPED.rng = Tensor(input_, requires_grad=True, name="W"), np.random.default_rng(0)
    value = loss(leaf, target, **options)
    value.backward()
    derivation = autograd.derive(value)
    found, gradients = derivation.function()(**derivation.arguments)
    np.testing.assert_allclose(found, value.data, rtol=1e-13)
    np.testing.assert_allclose(gradients["W"], leaf.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (3,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_of_arrays_has_the_bits_of_what_is_recorded(shape: Any, dtype: Any, reduction: Any) -> None:
    rng = np.random.default_rng(0)
    z = (30 * rng.normal(size=shape)).astype(dtype)
    t = np.asarray(rng.integers(0, 3, shape[:-1]))
    recorded = autograd.compile(lambda z, t: nn.functional.cross_entropy(z, t, reduction))
    found = nn.functional.cross_entropy(z, t, reduction)
    assert np.array_equal(found, recorded(z, t))
    assert found.dtype == dtype


# Values


def test_curvature_at_a_logit_of_zero_is_a_quarter() -> None:
    """Where weights start at zero; a rule by way of |z| would say 0 there."""
    assert float(hessian(lambda z: LOGITS(z, 1.0))(0.0)) == 0.25
    np.testing.assert_allclose(hessian(lambda z: CE(z, 0))(np.zeros(2)), [[0.25, -0.25], [-0.25, 0.25]])


@given(hnp.arrays(np.float64, 6, elements=st.floats(-30, 30)), st.integers(0, 63))
def test_binary_losses_agree_with_the_formula_and_each_other(z: Any, bits: int) -> None:
    t = np.array([bits >> k & 1 for k in range(6)])
    p = 1 / (1 + np.exp(-z))
    expected = np.mean(np.log1p(np.exp(z)) - t * z)
    np.testing.assert_allclose(F.binary_cross_entropy_with_logits(z, t), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(F.binary_cross_entropy(p, t), expected, rtol=1e-2, atol=1e-12)


def test_labels_and_their_one_hot_rows_cost_the_same() -> None:
    for target in (ROWS, ROWS.astype(int), ROWS.astype(bool), LABELS.tolist()):
        np.testing.assert_allclose(CE(Z, target), CE(Z, LABELS), rtol=1e-15)
    stacked = CE(np.reshape(Z, (2, 3, 3)), np.reshape(LABELS, (2, 3)))
    np.testing.assert_allclose(stacked, CE(Z, LABELS), rtol=1e-15)


def test_the_divergence_of_a_batch_is_by_its_rows() -> None:
    z = F.log_softmax(Z)
    expected = np.mean(np.sum(ROWS * -z, axis=1))  # of a certain row the entropy is 0
    np.testing.assert_allclose(F.kl_div(z, ROWS, "batchmean"), expected, rtol=1e-14)


def test_a_mean_of_ignored_labels_only_is_zero_with_zero_gradients() -> None:
    z = Tensor(Z, requires_grad=True)
    loss = F.cross_entropy(z, np.full(6, -7), ignore_index=-7)
    loss.backward()
    assert loss.item() == 0
    assert not np.any(z.grad)


def test_the_hinge_is_its_formula() -> None:
    np.testing.assert_allclose(
        F.hinge_loss(Z, 2 * ROWS - 1), np.mean(np.maximum(0, 1 - (2 * ROWS - 1) * Z)), rtol=1e-14
    )


def test_golden_values() -> None:
    """What PyTorch 2.13 gives, for where it is not installed."""
    z, labels, w = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]]), np.array([1, 2]), [1.0, 2.0, 4.0]
    golden = [0.3075917317431176, 0.19965154109104832, 0.5208333333333334, 0.6236588280262351]
    ours = [
        F.cross_entropy(z, labels, weight=w, label_smoothing=0.1),
        F.nll_loss(F.log_softmax(z), labels, weight=w),
        F.huber_loss(z, np.zeros((2, 3)), delta=0.5),
        F.binary_cross_entropy_with_logits(z, np.eye(3)[labels], pos_weight=w),
    ]
    np.testing.assert_allclose(ours, golden, rtol=1e-12)


# Bad input


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: F.l1_loss(Z, Z[:, 0]), r"prediction is \(6, 3\), target is \(6,\)"),
        (lambda: F.huber_loss(Z, Z, delta=0), "delta is 0; it must be above 0"),
        (lambda: F.hinge_loss(Z, ROWS), r"target is 0 at \(0, 0\); it is -1 or 1"),
        (lambda: F.nll_loss(Z, ROWS), "rows of probabilities go to kl_div"),
        (lambda: F.nll_loss(Z, LABELS + 1), "with 3 classes, labels go from 0 to 2"),
        (lambda: F.kl_div(Z, -P), "probabilities are at least 0"),
        (lambda: F.cross_entropy(Z, LABELS, weight=[1.0, 2.0]), r"weight is \(2,\); with 3 classes it must be \(3,\)"),
        (lambda: F.cross_entropy(Z, IGNORED, weight=W3), r"target is -7 at \(0,\); with 3 classes"),
        (lambda: F.cross_entropy(Z, LABELS / 1.0, ignore_index=-7), "labels are integers"),
        (lambda: F.cross_entropy(Z, ROWS, ignore_index=0), "ignore_index is a label"),
        (lambda: F.cross_entropy(Z, LABELS, label_smoothing=2), "label_smoothing is 2"),
        (
            lambda: F.binary_cross_entropy(P, ROWS, weight=np.ones(7)),
            r"weight is \(7,\), the losses are \(6, 3\): it must broadcast",
        ),
        (lambda: nn.L1Loss("avg"), "L1Loss: reduction is 'avg'"),
        (lambda: nn.KLDivLoss("avg"), "KLDivLoss: reduction is 'avg'"),
    ],
)
def test_what_does_not_fit_a_loss_is_told(call: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()


@pytest.mark.parametrize("kind", [np.asarray, lambda a: Tensor(a, requires_grad=True)], ids=["arrays", "Tensors"])
@pytest.mark.parametrize(
    ("loss", "shape", "target", "told"),
    [
        (F.binary_cross_entropy, (5, 1), np.ones(5), r"probability is \(5, 1\), target is \(5,\)\. Reshape"),
        (F.binary_cross_entropy_with_logits, (5, 1), np.ones(5), r"logits is \(5, 1\), target is \(5,\)\. Reshape"),
        (F.cross_entropy, (5, 3), np.zeros((5, 1), int), r"logits are \(5, 3\), target is \(5, 1\)\. Logits have"),
        (F.cross_entropy, (5, 3), np.zeros(3, int), r"logits are \(5, 3\), target is \(3,\)"),
        (F.cross_entropy, (), np.zeros((), int), r"logits are \(\), target is \(\)"),
        (F.cross_entropy, (5, 3), np.zeros(5), r"target holds float64; labels are integers: target\.astype\(int\)"),
        (F.cross_entropy, (2, 3), np.array([0, 3]), r"target is 3 at \(1,\); with 3 classes, labels go from 0 to 2"),
        (F.cross_entropy, (2, 3), np.array([-1, 0]), r"target is -1 at \(0,\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(kind: Any, loss: Any, shape: Any, target: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        loss(kind(np.full(shape, 0.5)), target)


@pytest.mark.parametrize("value", [-0.1, 1.5])
def test_a_probability_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=rf"probability is {value} at \(1, 0\).*binary_cross_entropy_with_logits"):
        F.binary_cross_entropy(Tensor([[0.5], [value]], requires_grad=True), np.ones((2, 1)))


def test_the_functions_that_records_are_called_by_take_what_the_records_take() -> None:
    """A recorded call, written out as source code, calls the public function."""
    from autograd.core.op import operations

    for op in operations():
        if op.name.startswith("nn.functional.") and not op.variadic:
            public = signature(getattr(F, op.name.rpartition(".")[2])).parameters.values()
            same = [parameter for parameter in public if parameter.kind is not parameter.KEYWORD_ONLY]
            assert len(same) == len(op.operands) + len(op.options), op.name
            assert all(parameter.default is not parameter.empty for parameter in public if parameter not in same)
