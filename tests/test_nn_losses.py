"""Losses, softmaxes and penalties: their values, their gradients, and what becomes of them at extreme inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import installed
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd
import nn
from autograd import Tensor, hessian
from autograd.testing import gradcheck
from nn import functional as F  # noqa: N812

REDUCTIONS = ["mean", "sum", "none"]
HUGE = np.finfo(np.float32).max


def drawn(kind: str, *shape: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    if kind == "labels":
        return rng.integers(3, size=shape)
    if kind == "zeros and ones":
        return rng.integers(2, size=shape).astype(float)
    return {"logits": rng.normal(size=shape) * 3, "probabilities": rng.uniform(0.05, 0.95, size=shape)}[kind]


def one_hot(labels: Any) -> Any:
    return np.eye(3)[labels]


# Derivatives

CASES: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "probabilities": (F.binary_cross_entropy, drawn("probabilities", 4, 3), drawn("zeros and ones", 4, 3)),
    "probabilities, between": (F.binary_cross_entropy, drawn("probabilities", 5), drawn("probabilities", 5, seed=1)),
    "logits": (F.binary_cross_entropy_with_logits, drawn("logits", 4, 3), drawn("zeros and ones", 4, 3)),
    "logits, between": (F.binary_cross_entropy_with_logits, drawn("logits", 5), drawn("probabilities", 5)),
    "labels": (F.cross_entropy, drawn("logits", 5, 3), drawn("labels", 5)),
    "one-hot": (F.cross_entropy, drawn("logits", 5, 3), one_hot(drawn("labels", 5))),
    "any rows": (F.cross_entropy, drawn("logits", 5, 3), drawn("probabilities", 5, 3)),
}
LOSSES = pytest.mark.parametrize(("loss", "input_", "target"), CASES.values(), ids=list(CASES))


@LOSSES
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_have_right_derivatives_of_first_and_second_order(
    loss: Any, input_: Any, target: Any, reduction: Any
) -> None:
    gradcheck(lambda z: np.sum(loss(z, target, reduction) ** 2), [input_], order=2)


@LOSSES
def test_losses_have_right_derivatives_by_a_soft_target_too(loss: Any, input_: Any, target: Any) -> None:
    soft = np.full(np.shape(input_), 0.3)
    gradcheck(lambda z, t: np.sum(loss(z, t, "none") ** 2), [input_, soft], order=2)


@LOSSES
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_are_pytorchs(loss: Any, input_: Any, target: Any, reduction: Any) -> None:
    torch = installed.torch()
    z, other = Tensor(input_, requires_grad=True), torch.tensor(input_, requires_grad=True)
    y = loss(z, target, reduction)
    expected = getattr(torch.nn.functional, loss.__name__)(other, torch.tensor(target), reduction=reduction)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-13, atol=1e-15)
    np.sum(y * y).backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(z.grad, other.grad.numpy(), rtol=1e-12, atol=1e-14)


@LOSSES
def test_hessians_are_pytorchs(loss: Any, input_: Any, target: Any) -> None:
    torch = installed.torch()
    theirs = getattr(torch.nn.functional, loss.__name__)
    expected = torch.autograd.functional.hessian(lambda z: theirs(z, torch.tensor(target)), torch.tensor(input_))
    found = hessian(lambda z: loss(z, target))(input_)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-10, atol=1e-14)  # PyTorch adds 1e-12 to a divisor


def test_curvature_at_a_logit_of_zero_is_a_quarter() -> None:
    """Where weights start at zero; a rule by way of |z| would say 0 there."""
    assert float(hessian(lambda z: F.binary_cross_entropy_with_logits(z, 1.0))(0.0)) == 0.25
    np.testing.assert_allclose(hessian(lambda z: F.cross_entropy(z, 0))(np.zeros(2)), [[0.25, -0.25], [-0.25, 0.25]])


# Values


@LOSSES
@pytest.mark.parametrize(("reduction", "reduce"), [("mean", np.mean), ("sum", np.sum), ("none", np.asarray)])
def test_reductions_are_of_what_none_gives(loss: Any, input_: Any, target: Any, reduction: Any, reduce: Any) -> None:
    each = loss(input_, target, "none")
    np.testing.assert_allclose(loss(Tensor(input_), target, reduction).data, reduce(each), rtol=1e-15)


@settings(deadline=None)
@given(hnp.arrays(np.float64, 6, elements=st.floats(-30, 30)), st.integers(0, 63))
def test_binary_losses_agree_with_the_formula_and_each_other(z: Any, bits: int) -> None:
    t = np.array([bits >> k & 1 for k in range(6)])
    p = 1 / (1 + np.exp(-z))
    expected = np.mean(np.log1p(np.exp(z)) - t * z)
    np.testing.assert_allclose(F.binary_cross_entropy_with_logits(z, t), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(F.binary_cross_entropy(p, t), expected, rtol=1e-2, atol=1e-12)


@settings(deadline=None)
@given(hnp.arrays(np.float64, (4, 3), elements=st.floats(-700, 700)), st.floats(-300, 300))
def test_a_softmax_is_positive_sums_to_one_and_does_not_see_a_shift(x: Any, shift: float) -> None:
    y = F.softmax(x)
    assert np.all(y >= 0)
    np.testing.assert_allclose(np.sum(y, axis=-1), np.ones(4), rtol=1e-14)
    np.testing.assert_allclose(F.softmax(x + shift), y, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(np.exp(F.log_softmax(x)), y, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmaxes_are_pytorchs(name: str, axis: int) -> None:
    torch = installed.torch()
    x = drawn("logits", 2, 4, 3)
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, expected = getattr(F, name)(ours, axis=axis), getattr(torch, name)(theirs, dim=axis)
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-13)
    np.sum(y**3).backward()
    (expected**3).sum().backward()
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_labels_and_their_one_hot_rows_cost_the_same() -> None:
    z, labels = drawn("logits", 2, 5, 3), drawn("labels", 2, 5)
    for target in (one_hot(labels), one_hot(labels).astype(int), one_hot(labels).astype(bool), labels.tolist()):
        np.testing.assert_allclose(F.cross_entropy(z, target), F.cross_entropy(z, labels), rtol=1e-15)


# Extreme inputs, in float32, with warnings as errors


def gradient(loss: Callable[..., Any], z: Any, *args: Any) -> tuple[Any, Any]:
    """The value and the gradient in float32."""
    leaf = Tensor(np.asarray(z, np.float32), requires_grad=True)
    y = loss(leaf, *args)
    y.backward(np.ones(y.shape, y.dtype))
    assert y.dtype == leaf.grad.dtype == np.float32
    return y.data.tolist(), leaf.grad.tolist()


@pytest.mark.parametrize("kind", [np.float32, int, bool])
def test_logits_of_any_size_give_finite_losses_and_gradients(kind: Any) -> None:
    z = [HUGE, -HUGE, HUGE, -HUGE, 1e3, -1e3, 0]
    t = np.array([1, 0, 0, 1, 0, 1, 1], kind)
    value, grad = gradient(F.binary_cross_entropy_with_logits, z, t, "none")
    np.testing.assert_allclose(value, [0, 0, HUGE, HUGE, 1e3, 1e3, np.log(2)], rtol=1e-6)
    assert grad == [0, 0, 1, -1, 1, -1, -0.5]


def test_infinite_logits_on_the_right_side_cost_nothing() -> None:
    z, t = [np.inf, -np.inf, np.inf], np.float32([1, 0, 0])
    assert gradient(F.binary_cross_entropy_with_logits, z, t, "none") == ([0, 0, np.inf], [0, 0, 1])


def test_small_losses_of_large_logits_keep_their_digits() -> None:
    z = np.float32([50, 80])
    np.testing.assert_allclose(F.binary_cross_entropy_with_logits(z, [1, 1], "none"), np.exp(-z), rtol=1e-6)
    pair = np.float32([[0, -50], [0, -80]])
    np.testing.assert_allclose(F.log_softmax(pair)[:, 1], pair[:, 1], rtol=1e-6)


def test_probabilities_of_zero_and_one_are_as_in_pytorch() -> None:
    value, grad = gradient(F.binary_cross_entropy, [0, 1, 0, 1], np.float32([0, 1, 1, 0]), "none")
    assert value == [0, 0, 100, 100]
    np.testing.assert_allclose(grad, [1, -1, -1e12, 1e12], rtol=1e-6)  # PyTorch says 0 for the first two


@pytest.mark.parametrize("target", [[0, 0, 0], [[1, 0, 0]] * 3], ids=["labels", "one-hot"])
def test_rows_of_any_size_give_finite_losses_and_gradients(target: Any) -> None:
    z = [[HUGE, -HUGE, 0], [-HUGE, HUGE / 4, 0], [-1e3, 0, 1e3]]
    value, grad = gradient(F.cross_entropy, z, target, "none")
    assert value[0] == 0
    assert value[2] == 2e3
    assert value[1] == np.inf  # 5/4 of the largest float32
    assert grad == [[0, 0, 0], [-1, 1, 0], [-1, 0, 1]]


@pytest.mark.parametrize("target", [[0, 1], [[1, 0, 0], [0, 1, 0]]], ids=["labels", "one-hot"])
def test_classes_that_are_masked_out_cost_nothing(target: Any) -> None:
    z = [[0, 0, -np.inf], [-np.inf, 0, -np.inf]]
    value, grad = gradient(F.cross_entropy, z, target, "none")
    np.testing.assert_allclose(value, [np.log(2), 0], rtol=1e-6)
    assert grad == [[-0.5, 0.5, 0], [0, 0, 0]]


@pytest.mark.parametrize("softmax", [F.softmax, F.log_softmax])
def test_softmaxes_of_any_size_have_finite_gradients(softmax: Any) -> None:
    _, grad = gradient(lambda x: softmax(x)[:, 0], [[HUGE, -HUGE], [-HUGE, HUGE], [0, -np.inf]])
    assert np.all(np.isfinite(grad))


@pytest.mark.filterwarnings("ignore:overflow")  # the sum in half precision
@pytest.mark.parametrize(
    "loss", [F.mse_loss, F.l1_loss, F.huber_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.kl_div]
)
def test_half_precision_shares_among_more_than_its_largest_number(loss: Any) -> None:
    given, target = np.full(70_000, 0.75), np.full(70_000, 0.25)
    half, double = Tensor(given.astype(np.float16), requires_grad=True), Tensor(given, requires_grad=True)
    for p in (half, double):
        loss(p, target.astype(p.dtype)).backward()
    assert half.grad.dtype == np.float16
    np.testing.assert_allclose(half.grad, double.grad, rtol=0.02)


def test_nan_goes_through() -> None:
    for loss, target in ((F.binary_cross_entropy, 1), (F.binary_cross_entropy_with_logits, 1)):
        assert np.isnan(loss(np.nan, target))
    assert np.isnan(F.cross_entropy(np.array([[np.nan, 0.0]]), [0]))


# Penalties


def test_penalties_are_sums_over_all_elements_of_all_weights() -> None:
    W, b = drawn("logits", 3, 4), drawn("logits", 4)
    leaves = [Tensor(W, requires_grad=True), Tensor(b, requires_grad=True)]
    l1, l2 = F.l1_penalty(*leaves), F.l2_penalty(*leaves)
    np.testing.assert_allclose(l1.data, np.sum(abs(W)) + np.sum(abs(b)), rtol=1e-15)
    np.testing.assert_allclose(l2.data, np.sum(W**2) + np.sum(b**2), rtol=1e-15)
    (l1 + 10 * l2).backward()
    for leaf, w in zip(leaves, (W, b), strict=True):
        np.testing.assert_allclose(leaf.grad, np.sign(w) + 20 * w, rtol=1e-15)


def test_the_l1_penalty_has_the_derivative_zero_at_zero() -> None:
    assert gradient(F.l1_penalty, [-2, 0, 2]) == (4, [-1, 0, 1])


def test_penalties_of_tiny_and_large_weights() -> None:
    assert gradient(F.l2_penalty, [1e-30]) == (0, [np.float32(2e-30)])
    assert gradient(F.l1_penalty, [HUGE / 2, -HUGE / 2]) == (HUGE, [1, -1])


def test_a_penalty_of_a_model_is_that_of_its_weights() -> None:
    model = nn.MLP([3, 4, 1], rng=0)
    F.l2_penalty(*model.parameters()).backward()
    for parameter in model.parameters():
        np.testing.assert_array_equal(parameter.grad, 2 * parameter.data)


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalties_have_right_derivatives_of_first_and_second_order(penalty: Any) -> None:
    gradcheck(lambda a, b: penalty(a, b) ** 2, [drawn("logits", 2, 3), drawn("logits", 3)], order=2)


@pytest.mark.parametrize("penalty", [F.l1_penalty, F.l2_penalty])
def test_penalties_say_that_they_take_weights_one_by_one(penalty: Any) -> None:
    with pytest.raises(TypeError, match=r"one by one, such as l._penalty\(\*model\.parameters\(\)\)"):
        penalty(nn.Linear(2, 1, rng=0).parameters())


# Bad input


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


@LOSSES
def test_an_unknown_reduction_is_refused(loss: Any, input_: Any, target: Any) -> None:
    with pytest.raises(ValueError, match="reduction is 'median'; it is one of mean, sum, none"):
        loss(input_, target, "median")


# Modules


@pytest.mark.parametrize(
    ("module", "case"),
    [(nn.BCELoss, "probabilities"), (nn.BCEWithLogitsLoss, "logits"), (nn.CrossEntropyLoss, "labels")],
)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_modules_are_their_functions(module: Any, case: str, reduction: Any) -> None:
    loss, input_, target = CASES[case]
    np.testing.assert_array_equal(module(reduction)(input_, target), loss(input_, target, reduction))


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_softmax_layers_take_an_axis(name: str) -> None:
    function = F.softmax if name == "Softmax" else F.log_softmax
    x = drawn("logits", 3, 4)
    np.testing.assert_array_equal(getattr(nn, name)()(x), function(x))
    np.testing.assert_array_equal(getattr(nn, name)(axis=0)(x), function(x, axis=0))


# Dropout


def test_dropout_keeps_the_expectation_and_sends_the_gradient_the_same_way() -> None:
    x = Tensor(np.ones((400, 500)), requires_grad=True)
    y = F.dropout(x, 0.2, rng=0)
    np.sum(y).backward()
    assert set(np.unique(y.data)) == {0.0, 1.25}
    assert abs(np.mean(y.data) - 1) < 5 * 0.5 / np.sqrt(x.size)  # the deviation of an element is 1/2
    np.testing.assert_array_equal(x.grad, y.data)


def test_dropout_draws_on_from_its_own_generator() -> None:
    one, other = nn.Dropout(0.5, rng=3), nn.Dropout(0.5, rng=3)
    first, second = one(np.ones(100)), one(np.ones(100))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(other(np.ones(100)), first)
    np.testing.assert_array_equal(other(np.ones(100)), second)
    shared = np.random.RandomState(3)
    assert nn.Dropout(rng=shared).rng is shared


def test_dropout_of_nothing_and_of_everything() -> None:
    x = np.ones(5, np.float32)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    assert nn.Dropout(0.5, rng=0).eval()(x) is x
    np.testing.assert_array_equal(F.dropout(x, 1.0), np.zeros(5, np.float32), strict=True)
    assert F.dropout(Tensor(x), 0.5, rng=0).dtype == np.float32


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan"), "half"])
def test_dropout_refuses_what_is_no_probability(p: Any) -> None:
    for make in (nn.Dropout, lambda p: F.dropout(np.ones(3), p)):
        with pytest.raises(ValueError, match=r"ropout: p is .*; it is a probability, from 0 to 1"):
            make(p)


def test_the_functions_that_records_are_called_by_take_what_the_records_take() -> None:
    """A recorded call, written out as source code, calls the public function."""
    from autograd.core.op import operations

    for op in operations():
        if op.name.startswith("nn.functional.") and not op.variadic:
            public = inspect.signature(getattr(F, op.name.rpartition(".")[2])).parameters.values()
            same = [parameter for parameter in public if parameter.kind is not parameter.KEYWORD_ONLY]
            assert len(same) == len(op.operands) + len(op.options), op.name
            assert all(parameter.default is not parameter.empty for parameter in public if parameter not in same)


# Derivations and compiled steps

STEPS: dict[str, tuple[Callable[..., Any], Any]] = {
    "probabilities": (lambda z, t: F.binary_cross_entropy(F.sigmoid(z), t), drawn("zeros and ones", 5, 3)),
    "logits": (F.binary_cross_entropy_with_logits, drawn("zeros and ones", 5, 3).astype(int)),
    "labels": (F.cross_entropy, drawn("labels", 5)),
    "one-hot": (F.cross_entropy, one_hot(drawn("labels", 5))),
    "penalties": (lambda z, t: F.l1_penalty(z) + F.l2_penalty(z, z) + np.sum(z * t), drawn("logits", 5, 3)),
    "softmaxes": (lambda z, t: np.sum(F.softmax(z) * t + F.log_softmax(z, axis=0)), drawn("logits", 5, 3)),
    "dropout": (lambda z, t: np.sum(DROPPED(z) ** 2 * t), drawn("logits", 5, 3)),
}
DROPPED = nn.Dropout(0.5)


@pytest.mark.parametrize(("loss", "target"), STEPS.values(), ids=list(STEPS))
def test_compiled_steps_train_as_eager_ones(loss: Any, target: Any) -> None:
    def train(compiled: bool) -> Any:
        model, DROPPED.rng = nn.Linear(4, 3, rng=0), np.random.default_rng(0)
        optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

        def step(x: Any, t: Any) -> Any:
            value = loss(model(x), t)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            return value

        run = autograd.compile(step, state=(model, optimizer, DROPPED)) if compiled else step
        for _ in range(3):
            run(drawn("logits", 5, 4), target)
        return model.weight.data

    np.testing.assert_allclose(train(True), train(False), rtol=1e-13)


@pytest.mark.parametrize(("loss", "target"), STEPS.values(), ids=list(STEPS))
def test_derived_backprop_gives_the_gradient(loss: Any, target: Any) -> None:
    x, W = drawn("logits", 5, 4), drawn("logits", 4, 3)
    DROPPED.rng = np.random.default_rng(0)
    leaf = Tensor(W, requires_grad=True, name="W")
    value = loss(Tensor(x, name="X") @ leaf, target)
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
