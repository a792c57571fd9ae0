"""Distances, margins and divergences, and losses with weights: PyTorch's word on each, and extreme inputs."""

from __future__ import annotations

from typing import Any

import installed
import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor
from autograd.testing import gradcheck
from nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)
Z, P, LABELS = RNG.normal(size=(6, 3)) * 3, RNG.uniform(0.05, 0.95, size=(6, 3)), RNG.integers(3, size=6)
ROWS = np.eye(3)[LABELS]
IGNORED = np.where(np.arange(6) % 3 == 0, -7, LABELS)
W3, W18 = np.array([0.5, 2.0, 1.0]), RNG.uniform(size=(6, 3))
# Ours, the name in PyTorch, input, target, options; those whose names end with "weight" become PyTorch's tensors.
ORACLES: dict[str, tuple[Any, str, Any, Any, dict[str, Any]]] = {
    "l1": (F.l1_loss, "l1_loss", Z, P, {}),
    "huber": (F.huber_loss, "huber_loss", Z, P, {"delta": 0.7}),
    "hinge": (F.hinge_loss, "", Z, 2 * ROWS - 1, {"margin": 0.5}),
    "nll": (F.nll_loss, "nll_loss", Z, LABELS, {}),
    "nll, weighted": (F.nll_loss, "nll_loss", Z, IGNORED, {"weight": W3, "ignore_index": -7}),
    "kl": (F.kl_div, "kl_div", Z, P, {}),
    "kl of logarithms": (F.kl_div, "kl_div", Z, np.log(P), {"log_target": True}),
    "labels, weighted": (F.cross_entropy, "cross_entropy", Z, LABELS, {"weight": W3}),
    "labels, ignored": (F.cross_entropy, "cross_entropy", Z, IGNORED, {"ignore_index": -7}),
    "labels, smooth": (F.cross_entropy, "cross_entropy", Z, LABELS, {"label_smoothing": 0.2}),
    "labels, all": (
        F.cross_entropy, "cross_entropy", Z, IGNORED, {"weight": W3, "ignore_index": -7, "label_smoothing": 0.2},
    ),
    "rows, all": (F.cross_entropy, "cross_entropy", Z, P, {"weight": W3, "label_smoothing": 0.2}),
    "probabilities, weighted": (F.binary_cross_entropy, "binary_cross_entropy", P, ROWS, {"weight": W18}),
    "logits, weighted": (
        F.binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits", Z, P, {"weight": W18},
    ),
    "logits, more ones": (
        F.binary_cross_entropy_with_logits, "binary_cross_entropy_with_logits", Z, P,
        {"weight": W18, "pos_weight": W3},
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # PyTorch's word on kl_div
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", [name for name in ORACLES if name != "hinge"])
def test_weighted_and_distance_losses_are_pytorchs(name: str, reduction: Any) -> None:
    torch = installed.torch()
    ours, theirs, input_, target, options = ORACLES[name]
    a, b = Tensor(input_, requires_grad=True), torch.tensor(input_, requires_grad=True)
    y = ours(a, target, reduction, **options)
    tensors = {key: torch.tensor(value) if key.endswith("weight") else value for key, value in options.items()}
    expected = getattr(torch.nn.functional, theirs)(b, torch.tensor(target), reduction=reduction, **tensors)
    np.sum(y * y).backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", ORACLES)
def test_weighted_and_distance_losses_have_right_derivatives(name: str) -> None:
    ours, _, input_, target, options = ORACLES[name]
    gradcheck(lambda z: np.sum(ours(z, target, "none", **options) ** 2), [input_], order=2, complex_step=False)


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


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (lambda z, t: F.binary_cross_entropy_with_logits(z, t, pos_weight=[2.0, 1.0, 3.0]), ROWS),
        (lambda z, t: F.cross_entropy(z, t, weight=W3, ignore_index=-7), IGNORED),
        (F.hinge_loss, 2 * ROWS - 1),
        (F.huber_loss, ROWS),
        (F.l1_loss, ROWS),
    ],
)
def test_extreme_float32_logits_have_finite_gradients(loss: Any, target: Any, sign: int) -> None:
    z = Tensor((Z * 1e30 * sign).astype(np.float32), requires_grad=True)
    y = loss(z, target if target.dtype.kind == "i" else target.astype(np.float32))
    y.backward()
    assert y.dtype == z.grad.dtype == np.float32
    assert np.isfinite(y.data)
    assert np.all(np.isfinite(z.grad))


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


@pytest.mark.parametrize(
    ("module", "function", "input_", "target"),
    [
        (nn.L1Loss("sum"), lambda z, t: F.l1_loss(z, t, "sum"), Z, P),
        (nn.HuberLoss(delta=0.5), lambda z, t: F.huber_loss(z, t, delta=0.5), Z, P),
        (nn.HingeLoss(margin=0.5), lambda z, t: F.hinge_loss(z, t, margin=0.5), Z, 2 * ROWS - 1),
        (nn.NLLLoss(weight=W3), lambda z, t: F.nll_loss(z, t, weight=W3), Z, LABELS),
        (nn.KLDivLoss(log_target=True), lambda z, t: F.kl_div(z, np.exp(t)), Z, np.log(P)),
        (
            nn.BCEWithLogitsLoss(pos_weight=W3),
            lambda z, t: F.binary_cross_entropy_with_logits(z, t, pos_weight=W3),
            Z,
            P,
        ),
        (nn.CrossEntropyLoss(label_smoothing=0.1), lambda z, t: F.cross_entropy(z, t, label_smoothing=0.1), Z, LABELS),
    ],
)
def test_loss_modules_are_their_functions(module: Any, function: Any, input_: Any, target: Any) -> None:
    np.testing.assert_array_equal(module(input_, target), function(input_, target))


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


@pytest.mark.parametrize("name", ORACLES)
def test_compiled_losses_are_eager_ones(name: str) -> None:
    loss, _, input_, target, options = ORACLES[name]

    def train(compiled: bool) -> list[float]:
        z = nn.Parameter(input_)
        optimizer = nn.optim.SGD([z], lr=1e-3)

        def step(t: Any) -> Any:
            value = loss(z, t, **options)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            return value

        run = autograd.compile(step, state=(z, optimizer)) if compiled else step
        return [run(np.array(target)).item() for _ in range(4)]

    np.testing.assert_allclose(train(True), train(False), rtol=1e-13)
