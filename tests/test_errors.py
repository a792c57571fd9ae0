"""Bad input: the error names the operation, the operands and their shapes, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd import Tensor
from autograd.rules.definition import defop
from autograd.testing import assert_grads_match, compare_grads


def leaf(*shape: int, name: str | None = None) -> Tensor:
    return Tensor(np.ones(shape), requires_grad=True, name=name)


W, b = leaf(16, 8, name="W"), leaf(8, name="b")
X = np.ones((100, 3))


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: X @ W, ValueError, r"np\.matmul of ndarray of shape \(100, 3\) and W of shape \(16, 8\)"),
        (lambda: np.dot(X, W), ValueError, r"np\.dot of .*\(100, 3\) and W of shape \(16, 8\).*must agree"),
        (lambda: W + np.ones(5), ValueError, r"np\.add of W of shape \(16, 8\) and ndarray of shape \(5,\).*pair up"),
        (lambda: W * leaf(5, name="c"), ValueError, r"np\.multiply of W of shape \(16, 8\) and c of shape \(5,\)"),
        (lambda: np.reshape(W, (7, 7)), ValueError, r"np\.reshape of W of shape \(16, 8\)"),
        (lambda: np.sum(W) @ np.sum(b), ValueError, r"np\.matmul of np\.sum of shape \(\) and np\.sum of shape \(\)"),
        (lambda: W[20], IndexError, r"indexing W of shape \(16, 8\) at \[20\]: index 20"),
        (lambda: np.sum(W, axis=5), ValueError, r"np\.sum of W of shape \(16, 8\).*axis 5"),
        (lambda: np.concatenate([W, b]), ValueError, r"np\.concatenate of W .* and b of shape \(8,\)"),
        (lambda: W.backward(), RuntimeError, r"W of shape \(16, 8\): it is not a scalar.*Reduce"),
        (lambda: Tensor(1.0, name="c").backward(), RuntimeError, r"c of shape \(\), which has no graph"),
        (lambda: np.sum(W).backward(np.ones(3)), ValueError, r"a gradient of shape \(3,\) for np\.sum of shape \(\)"),
        (lambda: Tensor(np.arange(3), requires_grad=True), TypeError, "only floats have gradients.*dtype=float"),
        (lambda: Tensor("0.5"), TypeError, "this str has <U3; pass an array of floats"),
        (lambda: Tensor(1j), TypeError, r"this complex has complex128; split complex data into \.real"),
        (lambda: Tensor([[1.0, 2.0], [3.0]]), ValueError, "Tensor of a list: .*; give rows of one length"),
        (lambda: Tensor(np.ones(3, bool), requires_grad=True), TypeError, "only floats have gradients"),
        (lambda: Tensor(np.ones(3) * 1j), TypeError, r"this ndarray has complex128.*\.real and \.imag"),
        (lambda: Tensor(["a"]), TypeError, "real numbers"),
        (lambda: np.cbrt(W * 1j), TypeError, r"np\.cbrt of complex numbers.*\.real and \.imag"),
        (lambda: (W + np.ones(8, complex)).backward(), AttributeError, r"a loss is a real number.*np\.abs"),
        (lambda: np.frompyfunc(abs, 1, 1)(W), TypeError, "abs.* has no derivative rule"),
        (lambda: np.unwrap(W, foo=1), TypeError, "unwrap|foo"),
        (lambda: np.sum(W, where=W > 0, foo=1), TypeError, "foo"),
        (lambda: np.add(W, 1, out=np.ones((16, 8))), TypeError, "out= ndarray of shape .16, 8.: an array cannot hold"),
        (lambda: np.add(W, 1, where=W > 1), TypeError, r"np\.add with where= and without out=.*np\.where"),
        (lambda: np.add(W, 1, out=W * 1, where=W * 1), TypeError, r"np\.add with where= of float64; give booleans"),
        (lambda: np.bitwise_and.at(W, 0, 1), TypeError, r"np\.bitwise_and\.at has no derivative rule"),
        (lambda: np.multiply.at(np.ones(3), 0, b), TypeError, r"np\.multiply\.at of ndarray .*an array cannot hold"),
        (lambda: np.multiply.at(W, 0, 1), RuntimeError, r"W of shape \(16, 8\) is a leaf that requires grad"),
        (lambda: np.subtract.reduce(W, axis=(0, 1)), ValueError, r"np\.subtract\.reduce of W .*over one axis only"),
        (lambda: np.hypot.reduce(W, dtype=int), TypeError, r"np\.hypot\.reduce of W .*dtype=int64 has no gradient"),
        (lambda: W[..., 3:1:-1, None, np.ones(5, bool)], IndexError, r"W .* at \[\.\.\., 3:1:-1, None, ndarray"),
        (lambda: np.linalg.svd(b), ValueError, r"np\.linalg\.svd of b of shape \(8,\)"),
        (lambda: np.argmax(b, axis=3), ValueError, r"np\.argmax of b of shape \(8,\): axis 3"),
        (lambda: np.apply_along_axis(np.sum, 5, W), ValueError, r"np\.apply_along_axis of .*W of shape .*axis 5"),
        (lambda: np.rollaxis(W, 7), ValueError, r"np\.rollaxis of W .*axis 7"),
        (lambda: np.insert(W, 0, 1.0, axis=2), ValueError, r"np\.insert of W .*axis 2"),
        (lambda: np.linalg.vector_norm(W, axis=2), ValueError, r"np\.linalg\.vector_norm of W .*axis 2"),
        (lambda: np.linalg.eigh(W), np.linalg.LinAlgError, r"np\.linalg\.eigh of W of shape \(16, 8\)"),
        (lambda: np.einsum("ij,jk", W, W), ValueError, "np.einsum of W .*An index has one length"),
        (lambda: np.cross(leaf(), b), IndexError, r"np\.cross of .* and b of shape"),
        (lambda: np.add.reduceat(W, [0, 16]), IndexError, r"np\.add\.reduceat of W .*not all are below 16"),
        (lambda: np.subtract.at(W, 0, 1), RuntimeError, r"W of shape \(16, 8\) is a leaf that requires grad"),
        (lambda: W.__setitem__(0, 1.0), RuntimeError, r"W of shape \(16, 8\) is a leaf that requires grad"),
        (lambda: W[0].__iadd__(1.0), RuntimeError, r"W of shape \(16, 8\) is a leaf that requires grad"),
        (lambda: np.zeros(8).__iadd__(b), TypeError, "an array cannot hold a Tensor's gradient"),
        (lambda: W.numpy(), RuntimeError, r"W of shape \(16, 8\) requires grad; use .detach"),
        (lambda: setattr(W, "grad", np.ones(3)), ValueError, r"a gradient of shape \(3,\) for W of shape \(16, 8\)"),
        (lambda: setattr(W * 1, "requires_grad", False), RuntimeError, "use detach"),
        (lambda: iter(Tensor(1.0)), TypeError, "no axes"),
        (lambda: len(Tensor(1.0)), TypeError, "no axes"),
        (lambda: W.exp(), AttributeError, r"a Tensor has no attribute 'exp'; write np\.exp\(t\)"),
        (lambda: W.matmul(W), AttributeError, r"a Tensor has no attribute 'matmul'; write t @ other"),
        (lambda: W.norm(), AttributeError, r"np\.linalg\.norm\(t\)"),
        (lambda: W.permute(1, 0), AttributeError, r"write t\.transpose\("),
        (lambda: W.nothing, AttributeError, "no attribute 'nothing'"),
        (lambda: f"{W:.2f}", TypeError, r"'\.2f' is for one number, and W of shape \(16, 8\) has 128"),
        (lambda: np.sum(W, axis=(0, leaf())), TypeError, "np.sum: no derivative with respect to axis"),
    ],
)  # fmt: skip
def test_the_error_says_what_where_and_what_to_do(call: Callable[[], Any], error: type[Exception], told: str) -> None:
    before = W.data.copy()
    with pytest.raises(error, match=told):
        call()
    assert W.grad is None
    np.testing.assert_array_equal(W.data, before)


def test_a_failing_backward_leaves_every_grad_alone() -> None:
    w = leaf(3, name="w")
    out = w * 2
    np.sum(out).backward()
    before = w.grad
    with pytest.raises(RuntimeError):
        out.backward()
    assert w.grad is before


@pytest.mark.parametrize(
    "missing", [{"math": ""}, {"samples": []}, {"math": ("", "")}], ids=["mathematics", "samples", "one each"]
)
def test_a_record_without_mathematics_or_samples_is_refused(missing: dict[str, Any]) -> None:
    record: dict[str, Any] = {
        "vjp": lambda g, y, a: g,
        "math": r"\bar a = \bar y",
        "samples": [lambda rng: (rng.normal(),)],
    }
    with pytest.raises(ValueError, match="mathematics"):
        defop(lambda a: a, name="nameless", **{**record, **missing})


def test_a_record_is_made_once() -> None:
    with pytest.raises(ValueError, match=r"np\.exp is recorded already"):
        defop(np.exp, vjp=lambda g, y, a: g, math="x", samples=[lambda rng: (1.0,)])


# Hand gradients


def loss_and_parameters() -> tuple[Tensor, Tensor, Tensor]:
    w, c = leaf(3, name="w"), leaf(1, name="c")
    return np.sum(w**2) + np.sum(c), w, c


def test_hand_gradients_by_tensor_or_name() -> None:
    loss, w, _ = loss_and_parameters()
    assert_grads_match(loss, {w: 2 * w.data, "c": np.ones(1)})
    assert w.grad is None


def test_a_wrong_hand_gradient_is_reported() -> None:
    loss, w, _ = loss_and_parameters()
    told = r"(?s)1 of 2 gradients is wrong.*\nWRONG   w \(3\).*hand 1, true 2\nok      c"
    with pytest.raises(AssertionError, match=told):
        assert_grads_match(loss, {w: w.data, "c": np.ones(1)})


def test_float32_noise_is_no_mistake() -> None:
    w = Tensor(np.linspace(0, 1, 50, dtype=np.float32), requires_grad=True, name="w")
    loss = np.sum(np.exp(w))
    assert compare_grads(loss, {w: np.exp(w.data.astype(np.float64)).astype(np.float32)}).matches


@pytest.mark.parametrize(
    ("hand", "error", "told"),
    [
        ({"v": np.ones(3)}, KeyError, "'v' is no Tensor of the loss's graph; the graph has c, w"),
        ({"w": np.ones((3, 1))}, ValueError, r"gradient of w has shape \(3, 1\), w has \(3,\): reshape it"),
        ({"w": np.ones((5, 3))}, ValueError, r"w has \(3,\): is the sum over the samples missing\?"),
        ({"w": np.ones(3, int)}, TypeError, "holds int64"),
        ({"w": np.array([1.0, np.nan, 1.0])}, ValueError, r"w is nan at \(1,\)"),
        ({leaf(2, name="z"): np.ones(2)}, ValueError, r"z of shape \(2,\) is not in the loss's graph"),
    ],
)
def test_hand_gradients_that_cannot_be_compared(hand: Any, error: type[Exception], told: str) -> None:
    loss, _, _ = loss_and_parameters()
    with pytest.raises(error, match=told):
        compare_grads(loss, hand)


def test_a_loss_without_graph_cannot_be_compared() -> None:
    with pytest.raises(TypeError, match="recorded graph"):
        compare_grads(Tensor(1.0), {})
