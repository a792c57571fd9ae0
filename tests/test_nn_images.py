"""Images, sequences and attention: PyTorch's values and gradients, derivatives, and what does not fit; summaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import installed
import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor
from autograd.testing import gradcheck

F = nn.functional
RNG = np.random.default_rng(0)
IMAGES, FILTERS, BIAS = RNG.normal(size=(2, 3, 6, 7)), RNG.normal(size=(4, 3, 2, 3)), RNG.normal(size=4)
SEQUENCE = RNG.normal(size=(4, 2, 3))  # length, n, features
CONVOLUTIONS: list[dict[str, Any]] = [
    {},
    {"stride": 2},
    {"stride": (1, 3), "padding": (1, 2)},
    {"padding": "same"},
    {"padding": "same", "dilation": (2, 1)},
    {"padding": 2, "dilation": 2, "stride": 2},
]
POOLS: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": (1, 2)},
    {"kernel_size": 3, "stride": 2, "padding": 1},
]


def agree(ours: Any, theirs: Any, arrays: list[Any], rtol: float = 1e-11) -> None:
    """Values, and gradients of the sum of cubes, of two functions."""
    torch = installed.torch()
    a = [Tensor(array, requires_grad=True) for array in arrays]
    b = [torch.tensor(array, requires_grad=True) for array in arrays]
    y, expected = ours(*a), theirs(*b)
    np.sum(y**3).backward()
    (expected**3).sum().backward()
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=rtol, atol=1e-12)
    for p, q in zip(a, b, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=rtol, atol=1e-11)


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch's word on its own cost
@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
def test_convolutions_are_pytorchs(settings: dict[str, Any]) -> None:
    torch = installed.torch()
    arrays = [IMAGES, FILTERS, BIAS]
    agree(lambda *t: F.conv2d(*t, **settings), lambda *t: torch.nn.functional.conv2d(*t, **settings), arrays)


@pytest.mark.parametrize("settings", CONVOLUTIONS[2:4], ids=str)
def test_convolutions_have_right_derivatives_of_two_orders(settings: dict[str, Any]) -> None:
    arrays = [IMAGES[:1, :1, :3, :4], FILTERS[:1, :1], BIAS[:1]]
    gradcheck(lambda *t: np.sum(F.conv2d(*t, **settings) ** 3), arrays, order=2, complex_step=False)


def test_a_convolution_is_its_sum() -> None:
    y = F.conv2d(IMAGES, FILTERS, BIAS)
    np.testing.assert_allclose(y[1, 2, 3, 4], np.sum(IMAGES[1, :, 3:5, 4:7] * FILTERS[2]) + BIAS[2], rtol=1e-13)
    assert y.shape == (2, 4, 5, 5)


@pytest.mark.parametrize("settings", POOLS, ids=str)
def test_pooling_is_pytorchs(settings: dict[str, Any]) -> None:
    torch = installed.torch()
    agree(lambda x: F.max_pool2d(x, **settings), lambda x: torch.nn.functional.max_pool2d(x, **settings), [IMAGES])
    module, x = nn.MaxPool2d(**settings), IMAGES
    np.testing.assert_array_equal(module(x), F.max_pool2d(x, **settings))


def test_pooling_takes_the_largest() -> None:
    np.testing.assert_array_equal(F.max_pool2d(IMAGES, 3)[:, :, 1, 1], IMAGES[:, :, 3:6, 3:6].max(axis=(2, 3)))
    gradcheck(lambda x: np.sum(F.max_pool2d(x, 2, 1) ** 2), [IMAGES[:1, :1]], complex_step=False)


# Sequences


def copy_cell(ours: Any, theirs: Any, layer: int | str = "") -> None:
    torch = installed.torch()
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        target = getattr(theirs, f"{name}_l{layer}" if layer != "" else name)
        target.data = torch.tensor(np.ascontiguousarray(getattr(ours, name).data.T))


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell"])
def test_one_step_is_pytorchs(kind: str) -> None:
    torch = installed.torch()
    ours, theirs = getattr(nn, kind)(3, 5, rng=0), getattr(torch.nn, kind)(3, 5, dtype=torch.float64)
    copy_cell(ours, theirs)

    def first(y: Any) -> Any:
        return y[0] if isinstance(y, tuple) else y

    agree(lambda x: first(ours(x)), lambda x: first(theirs(x)), [SEQUENCE[0]])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("RNN", {"nonlinearity": "relu"}), ("RNN", {"num_layers": 2, "batch_first": True}), ("LSTM", {"num_layers": 2})],
)
def test_sequences_are_pytorchs(kind: str, settings: dict[str, Any]) -> None:
    torch = installed.torch()
    ours = getattr(nn, kind)(3, 5, **settings, rng=0)
    theirs = getattr(torch.nn, kind)(3, 5, **settings, dtype=torch.float64)
    for layer, cell in enumerate(ours.cells):
        copy_cell(cell, theirs, layer)
    x = np.swapaxes(SEQUENCE, 0, 1) if settings.get("batch_first") else SEQUENCE
    h = RNG.normal(size=(ours.num_layers, 2, 5))
    agree(lambda x: ours(x)[0], lambda x: theirs(x)[0], [x])
    if kind == "RNN":
        agree(lambda x, h: ours(x, h)[1], lambda x, h: theirs(x, h)[1], [x, h])
    else:
        agree(lambda x, h: ours(x, (h, h))[1][1], lambda x, h: theirs(x, (h, h))[1][1], [x, h])


@pytest.mark.parametrize("make", [lambda: nn.RNN(3, 4, rng=0), lambda: nn.LSTM(3, 4, rng=0)])
def test_sequences_have_right_derivatives_and_compile(make: Any) -> None:
    model = make()
    gradcheck(lambda x: np.sum(model(x)[0] ** 2), [SEQUENCE], complex_step=False)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)

    @autograd.compile(state=(model, optimizer))
    def step(x: Any) -> Any:
        loss = np.mean((model(x)[0] - 0.1) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    losses = [step(SEQUENCE).item() for _ in range(5)]
    assert losses[-1] < losses[0]


def test_a_sequence_is_its_steps() -> None:
    model = nn.LSTM(3, 4, rng=0)
    state = None
    for x in SEQUENCE:
        state = model.cells[0](x, state)
    outputs, (h, c) = model(SEQUENCE)
    np.testing.assert_array_equal(outputs.data[-1], state[0].data)
    np.testing.assert_array_equal((h.data[0], c.data[0]), (state[0].data, state[1].data))


# Attention


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_causal": True},
        {"attn_mask": np.tri(4, 5, 1, dtype=bool)},
        {"attn_mask": RNG.normal(size=(4, 5))},
    ],
)
def test_attention_is_pytorchs(options: dict[str, Any]) -> None:
    torch = installed.torch()
    q, k, v = RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 5, 6))
    theirs = {name: torch.tensor(o) if isinstance(o, np.ndarray) else o for name, o in options.items()}
    agree(
        lambda *t: F.scaled_dot_product_attention(*t, **options),
        lambda *t: torch.nn.functional.scaled_dot_product_attention(*t, **theirs),
        [q, k, v],
    )
    gradcheck(
        lambda *t: np.sum(F.scaled_dot_product_attention(*t, **options) ** 2), [q[0], k[0], v[0]], complex_step=False
    )


def test_what_may_look_at_nothing_gets_zeros() -> None:
    q = Tensor(RNG.normal(size=(2, 3)), requires_grad=True)
    y = F.scaled_dot_product_attention(q, q, q, np.array([[True, False], [False, False]]))
    np.sum(y).backward()
    assert y.data[1].tolist() == [0, 0, 0]
    assert np.all(np.isfinite(q.grad))


@pytest.mark.parametrize("batch_first", [True, False])
def test_heads_are_pytorchs(batch_first: bool) -> None:
    torch = installed.torch()
    ours = nn.MultiheadAttention(6, 2, batch_first=batch_first, rng=0)
    theirs = torch.nn.MultiheadAttention(6, 2, batch_first=batch_first, dtype=torch.float64)
    projections = (ours.q_proj, ours.k_proj, ours.v_proj)
    theirs.in_proj_weight.data = torch.tensor(np.vstack([p.weight.data.T for p in projections]))
    theirs.in_proj_bias.data = torch.tensor(np.hstack([p.bias.data for p in projections]))
    theirs.out_proj.weight.data = torch.tensor(np.ascontiguousarray(ours.out_proj.weight.data.T))
    theirs.out_proj.bias.data = torch.tensor(ours.out_proj.bias.data)
    x, memory, mask = (
        RNG.normal(size=(4, 4, 6)),
        RNG.normal(size=(4, 4, 6)),
        np.tri(4, dtype=bool).T & ~np.eye(4, dtype=bool),
    )
    for which in (0, 1):
        agree(
            lambda a, b, which=which: ours(a, b, b, mask)[which],
            lambda a, b, which=which: theirs(a, b, b, attn_mask=torch.tensor(mask))[which],
            [x, memory],
        )


# What does not fit


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: nn.Conv2d(3, 4, 2)(IMAGES[0]), r"Conv2d: input is \(3, 6, 7\); it must be \(n, 3, height, width\)"),
        (lambda: nn.Conv2d(3, 4, 9)(IMAGES), r"a window of \(9, 9\) does not fit into it"),
        (lambda: nn.Conv2d(3, 0, 3), "out_channels is 0"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), r"kernel_size is \(3, 3, 3\); it is an integer or a pair"),
        (lambda: nn.Conv2d(3, 4, 3, stride=0), "stride is 0"),
        (lambda: F.conv2d(IMAGES, FILTERS[:, :2]), r"conv2d: input is \(2, 3, 6, 7\), weight is \(4, 2, 2, 3\)"),
        (lambda: F.conv2d(IMAGES, FILTERS, stride=2, padding="same"), "takes a stride of 1"),
        (lambda: F.max_pool2d(IMAGES[0], 2), r"max_pool2d: input is \(3, 6, 7\)"),
        (lambda: F.max_pool2d(IMAGES, 2, padding=2), "at most half of kernel_size"),
        (lambda: nn.RNN(3, 4, nonlinearity="sin"), "nonlinearity is 'sin'"),
        (lambda: nn.RNN(3, 4)(SEQUENCE[0]), r"RNN: input is \(2, 3\); it must be \(length, n, 3\)"),
        (lambda: nn.RNN(3, 4)(SEQUENCE, np.ones((2, 4))), r"h is \(2, 4\); it must be \(1, n, 4\)"),
        (lambda: nn.LSTMCell(3, 4)(np.ones((2, 2))), r"LSTMCell: input is \(2, 2\); it must be \(n, 3\)"),
        (lambda: nn.RNNCell(3, 4)(np.ones((2, 3)), np.ones((1, 4))), r"state is \(1, 4\); it must be \(2, 4\)"),
        (lambda: nn.MultiheadAttention(6, 4), "4 heads do not divide embed_dim, 6"),
        (lambda: nn.MultiheadAttention(6, 2)(*[np.ones((2, 6))] * 3), "each has three axes"),
        (lambda: F.scaled_dot_product_attention(np.ones((2, 3)), np.ones((2, 4)), np.ones((2, 4))), "query is"),
        (lambda: F.scaled_dot_product_attention(*[np.ones((2, 3))] * 2, np.ones((4, 3))), "both are of S positions"),
    ],
)
def test_what_does_not_fit_is_told(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        call()


# Summaries


def test_a_summary_has_the_layers_with_shapes_and_counts() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.MLP([676, 8, 2])
    )
    model[0].requires_grad_(False)
    before = {name: array.copy() for name, array in model.state_dict().items()}
    table = model.summary((5, 1, 28, 28))
    lines = [" ".join(line.split()) for line in str(table).splitlines()]
    assert lines[2].endswith("(5, 4, 26, 26) 40 121,680")  # 5 * 4 * 26 * 26 outputs of 9 products
    assert lines[5].endswith("(5, 4, 13, 13)")
    assert lines[8] == "layers.0: Linear (5, 8) 5,416 27,040"
    assert lines[-1] == "5,482 parameters, 5,442 of them trained; 148,800 multiply-adds"
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    assert all("forward" not in vars(module) and module.training for module in model.modules())
    assert repr(table) == str(table)


@pytest.mark.parametrize("shape", [2, [5, 2]])
def test_a_shape_is_a_tuple(shape: Any) -> None:
    with pytest.raises(TypeError, match=r"as a tuple, such as summary\(\(32, 784\)\)"):
        nn.Linear(2, 1, rng=0).summary(shape)


def test_a_summary_of_indices_states_and_layers_that_are_not_called() -> None:
    model = nn.Sequential(nn.Embedding(9, 3, rng=0), nn.LSTM(3, 4, rng=0))
    model.spare = nn.Linear(1, 1)
    table = model.summary(np.zeros((7, 2), int))
    assert "(7, 2, 4), (1, 2, 4), (1, 2, 4)" in table
    assert "not called" in table
    assert "1,568 multiply-adds" in table  # 7 steps of 2 samples, (3 + 4) * 16 products
    with pytest.raises(ValueError, match="weight is"):
        nn.MLP([3, 2]).summary((5, 4))
