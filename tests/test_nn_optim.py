"""Optimisers: against PyTorch and the written formulas, in place, and what bad input gets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import installed
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd import Tensor
from nn.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

OPTIONS: list[dict[str, Any]] = [
    {},
    {"maximize": True},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "maximize": True},
    {"momentum": 0.9},
    {"momentum": 0.9, "maximize": True},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "weight_decay": 0.1, "dampening": 0.3, "maximize": True},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True},
]


def name_of(options: dict[str, Any]) -> str:
    return ", ".join(options) or "plain"


def leaf(*values: float, grad: Iterable[float] | None = None) -> Tensor:
    parameter = Tensor(np.array(values), requires_grad=True)
    parameter.grad = None if grad is None else np.array(grad)
    return parameter


def drawn_gradients(steps: int = 20) -> list[Any]:
    """Gradients of two parameters a step; the second has none now and then."""
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(3, 2)), None if step % 5 == 1 else rng.normal(size=4)) for step in range(steps)]


@pytest.mark.parametrize("options", OPTIONS, ids=name_of)
def test_sgd_is_pytorchs(options: dict[str, Any]) -> None:
    torch = installed.torch()
    start = [np.ones((3, 2)), np.linspace(-1, 1, 4)]
    ours = [Tensor(array, requires_grad=True) for array in start]
    theirs = [torch.tensor(array, requires_grad=True) for array in start]
    optimizer, oracle = SGD(ours, 0.05, **options), torch.optim.SGD(theirs, 0.05, **options)
    for gradients in drawn_gradients():
        for a, b, gradient in zip(ours, theirs, gradients, strict=True):
            a.grad = gradient
            b.grad = None if gradient is None else torch.tensor(gradient)
        optimizer.step()
        oracle.step()
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-14)


def formula(theta: Any, gradients: Iterable[Any], lr: float, options: dict[str, Any]) -> Any:
    """The update rule as the docstring of SGD writes it."""
    mu, velocity = options.get("momentum", 0), None
    for g in gradients:
        d = (-g if options.get("maximize") else g) + options.get("weight_decay", 0) * theta
        if mu:
            velocity = d if velocity is None else mu * velocity + (1 - options.get("dampening", 0)) * d
            d = d + mu * velocity if options.get("nesterov") else velocity
        theta = theta - lr * d
    return theta


@pytest.mark.parametrize("options", OPTIONS, ids=name_of)
def test_sgd_is_its_formula(options: dict[str, Any]) -> None:
    gradients = [pair[0] for pair in drawn_gradients()]
    parameter = Tensor(np.ones((3, 2)), requires_grad=True)
    optimizer = SGD([parameter], 0.05, **options)
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
    np.testing.assert_allclose(parameter.data, formula(np.ones((3, 2)), gradients, 0.05, options), rtol=1e-13)


ADAMS: list[dict[str, Any]] = [
    {},
    {"maximize": True},
    {"betas": (0.5, 0.9), "eps": 1e-3},
    {"betas": (0.0, 0.0)},
    {"weight_decay": 0.1},
    {"weight_decay": 0.0},
    {"amsgrad": True, "betas": (0.5, 0.7)},
    {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
]


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("options", ADAMS, ids=name_of)
def test_adam_is_pytorchs(kind: type[Adam], options: dict[str, Any]) -> None:
    torch = installed.torch()
    start = [np.ones((3, 2)), np.linspace(-1, 1, 4)]
    ours = [Tensor(array, requires_grad=True) for array in start]
    theirs = [torch.tensor(array, requires_grad=True) for array in start]
    optimizer, oracle = kind(ours, 0.05, **options), getattr(torch.optim, kind.__name__)(theirs, 0.05, **options)
    for gradients in drawn_gradients(200):
        for a, b, gradient in zip(ours, theirs, gradients, strict=True):
            a.grad = gradient
            b.grad = None if gradient is None else torch.tensor(gradient)
        optimizer.step()
        oracle.step()
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-12)


def adam_formula(theta: Any, gradients: Iterable[Any], lr: float, options: dict[str, Any], decoupled: bool) -> Any:
    """The update rule as the docstrings of Adam and AdamW write it."""
    (beta1, beta2), eps = options.get("betas", (0.9, 0.999)), options.get("eps", 1e-8)
    decay = options.get("weight_decay", 0.01 if decoupled else 0)
    m = v = largest = np.zeros_like(theta)
    for t, g in enumerate(gradients, 1):
        d = -g if options.get("maximize") else g
        if decoupled:
            theta = (1 - lr * decay) * theta
        else:
            d = d + decay * theta
        m, v = beta1 * m + (1 - beta1) * d, beta2 * v + (1 - beta2) * d**2
        largest = np.maximum(largest, v)
        root = np.sqrt((largest if options.get("amsgrad") else v) / (1 - beta2**t))
        theta = theta - lr * (m / (1 - beta1**t)) / (root + eps)
    return theta


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("options", ADAMS, ids=name_of)
def test_adam_is_its_formula(kind: type[Adam], options: dict[str, Any]) -> None:
    gradients = [pair[0] for pair in drawn_gradients()]
    parameter = Tensor(np.ones((3, 2)), requires_grad=True)
    optimizer = kind([parameter], 0.05, **options)
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
    expected = adam_formula(np.ones((3, 2)), gradients, 0.05, options, kind is AdamW)
    np.testing.assert_allclose(parameter.data, expected, rtol=1e-12)


def test_adam_without_settings_has_pytorchs_defaults() -> None:
    assert repr(Adam([leaf(1.0)])).endswith(
        "lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False, maximize=False)"
    )
    assert AdamW([leaf(1.0)]).weight_decay == 0.01


def test_adam_keeps_the_dtype_of_each_parameter() -> None:
    scalar = Tensor(1.0, requires_grad=True)
    single = Tensor(np.ones(2, np.float32), requires_grad=True)
    scalar.grad, single.grad = np.array(3.0), np.full(2, 3, np.float32)
    optimizer = AdamW([scalar, single], 0.5, weight_decay=0.5, amsgrad=True)
    optimizer.step()
    assert scalar.data.tolist() == pytest.approx(0.25)
    np.testing.assert_allclose(single.data, np.full(2, 0.25, np.float32), rtol=1e-6, strict=True)
    kept = [array.dtype for name, array in optimizer.state_dict().items() if name.endswith(".1") and array.ndim]
    assert kept == [np.float32] * 3


@settings(deadline=None)
@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 1))
def test_a_plain_step_has_the_bits_of_numpy(theta: float, gradient: float, lr: float) -> None:
    parameter = leaf(theta, grad=[gradient])
    SGD([parameter], lr).step()
    expected = np.array([theta])
    expected -= lr * np.array([gradient])
    np.testing.assert_array_equal(parameter.data, expected)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (kind, options)
        for kind, all_options in ((SGD, OPTIONS), (Adam, ADAMS), (AdamW, ADAMS))
        for options in all_options
    ],
    ids=lambda value: name_of(value) if isinstance(value, dict) else value.__name__,
)
def test_a_step_writes_into_the_parameters_own_array_and_not_into_the_gradient(
    kind: Any, options: dict[str, Any]
) -> None:
    parameter, gradient = leaf(1.0, 2.0), np.array([0.5, 0.25])
    data = parameter.data
    optimizer = kind([parameter], 0.1, **options)
    for _ in range(3):
        parameter.grad = gradient
        optimizer.step()
    assert parameter.data is data
    assert gradient.tolist() == [0.5, 0.25]
    assert data.tolist() != [1, 2]


def test_data_that_was_replaced_between_steps_is_followed() -> None:
    parameter = leaf(1.0, grad=[1.0])
    optimizer = SGD([parameter], 0.5)
    optimizer.step()
    parameter.data = np.array([10.0])
    optimizer.step()
    assert parameter.data.tolist() == [9.5]


def test_the_learning_rate_can_change_between_steps() -> None:
    parameter = leaf(1.0, grad=[1.0])
    optimizer = SGD([parameter], 0.5)
    optimizer.step()
    optimizer.lr = 0.25
    optimizer.step()
    assert parameter.data.tolist() == [0.25]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_gradient_may_be_a_tensor(momentum: float) -> None:
    parameter = leaf(3.0)
    np.sum(parameter**2).backward(create_graph=True)
    SGD([parameter], 0.5, momentum).step()
    assert parameter.data.tolist() == [0]


@pytest.mark.parametrize("kind", [SGD, lambda p, lr: SGD(p, lr, 0.9), Adam, lambda p, lr: AdamW(p, lr, weight_decay=0)])
def test_a_parameter_without_gradient_is_left_alone(kind: Any) -> None:
    idle, moved = leaf(1.0), leaf(1.0, grad=[1.0])
    kind([idle, moved], 0.5).step()
    assert idle.data.tolist() == [1]
    assert moved.data.tolist() == pytest.approx([0.5])


STATEFUL = {
    "adam": lambda p: Adam(p, 0.1, weight_decay=0.01),
    "amsgrad": lambda p: AdamW(p, 0.1, amsgrad=True, maximize=True),
    "rmsprop": lambda p: RMSprop(p, 0.1, centered=True, momentum=0.9),
    "adagrad": lambda p: Adagrad(p, 0.1, lr_decay=0.1, initial_accumulator_value=0.5),
    "momentum": lambda p: SGD(p, 0.1, 0.9, dampening=0.3),
}


@pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL)
@pytest.mark.parametrize("seed", range(3))
def test_parameters_step_together_as_each_alone(make: Any, seed: int) -> None:
    """Whatever gradients are there at each step, and when the state is saved and loaded in between."""
    rng = np.random.default_rng(seed)
    kinds = [((2, 3), np.float64), ((), np.float64), ((4,), np.float32), ((0,), np.float64), ((3,), np.float64)]
    starts = [rng.normal(size=shape).astype(dtype) for shape, dtype in kinds]
    together, alone = ([Tensor(start, requires_grad=True) for start in starts] for _ in range(2))
    optimizer, others = make(together), [make([p]) for p in alone]
    for step in range(12):
        missing = set(rng.choice(5, size=rng.integers(3), replace=False)) if step % 4 else set()
        for k, pair in enumerate(zip(together, alone, strict=True)):
            gradient = None if k in missing else rng.normal(size=pair[0].shape).astype(pair[0].dtype)
            for p in pair:
                p.grad = None if gradient is None else gradient.copy()
        optimizer.step()
        for other in others:
            other.step()
        for p, q in zip(together, alone, strict=True):
            np.testing.assert_array_equal(p.data, q.data)
        if step == 6:
            state = optimizer.state_dict()
            optimizer = make(together)
            optimizer.load_state_dict(state)
    for k, other in enumerate(others):
        own = {name.replace(f".{k}", ".0"): a for name, a in optimizer.state_dict().items() if name.endswith(f".{k}")}
        expected = {name: a for name, a in other.state_dict().items() if name.endswith(".0")}
        assert own.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(own[name], array, err_msg=name)


def test_parameters_without_axes_and_of_several_dtypes() -> None:
    scalar = Tensor(1.0, requires_grad=True)
    single = Tensor(np.ones(2, np.float32), requires_grad=True)
    scalar.grad, single.grad = np.array(1.0), np.ones(2, np.float32)
    SGD([scalar, single], 0.1).step()
    assert scalar.item() == 0.9
    np.testing.assert_array_equal(single.data, np.ones(2, np.float32) - np.float32(0.1), strict=True)


def test_read_only_data_is_replaced_by_a_copy() -> None:
    parameter = leaf(0.0, 0.0, grad=[1.0, 1.0])
    parameter.data = np.broadcast_to(0.0, 2)
    SGD([parameter], 0.5).step()
    assert parameter.data.tolist() == [-0.5, -0.5]


def test_zero_grad_clears_every_gradient() -> None:
    parameters = [leaf(1.0, grad=[1.0]), leaf(2.0, grad=[1.0])]
    SGD(parameters, 0.1).zero_grad()
    assert [p.grad for p in parameters] == [None, None]


# Parameters and settings

W, B = leaf(1.0, 2.0), leaf(3.0)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ([W, B], ["0", "1"]),
        (iter([W, B]), ["0", "1"]),
        ([("w", W), ("b", B)], ["w", "b"]),
        ({"w": W, "b": B}, ["w", "b"]),
        (nn.MLP([2, 2], rng=0).parameters(), ["layers.0.weight", "layers.0.bias"]),
        ([*nn.Linear(2, 2).parameters(), *nn.Linear(2, 2).parameters()], ["0", "1", "2", "3"]),
    ],
    ids=["list", "iterator", "pairs", "dictionary", "module", "names twice"],
)
def test_parameters_come_in_several_forms(params: Any, names: list[str]) -> None:
    assert SGD(params, 0.1).names == names


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: SGD([], 0.1), ValueError, "SGD got no parameters"),
        (lambda: SGD([W, B, W], 0.1), ValueError, "the same parameter twice"),
        (lambda: SGD(W, 0.1), TypeError, r"SGD takes a list, \[tensor\], not a Tensor alone"),
        (lambda: SGD(nn.ReLU(), 0.1), TypeError, r"SGD takes model\.parameters\(\), not a ReLU alone"),
        (lambda: SGD([W, np.ones(2)], 0.1), TypeError, "parameter 1 is a ndarray; it must be a Tensor"),
        (lambda: SGD({"n": Tensor(np.arange(3))}, 0.1), TypeError, "parameter n is a Tensor of int64"),
        (lambda: SGD([W * 2], 0.1), ValueError, "parameter 0 was computed"),
        (lambda: SGD([W], -0.1), ValueError, "lr is -0.1; it must be finite, and at least 0"),
        (lambda: SGD([W], float("nan")), ValueError, "lr is nan"),
        (lambda: SGD([W], 0.1, momentum=-1), ValueError, "momentum is -1"),
        (lambda: SGD([W], 0.1, weight_decay=float("inf")), ValueError, "weight_decay is inf"),
        (lambda: SGD([W], 0.1, nesterov=True), ValueError, "nesterov takes momentum"),
        (lambda: SGD([W], 0.1, 0.9, nesterov=True, dampening=0.1), ValueError, r"dampening \(0\.1\) 0"),
        (lambda: AdamW([W], float("inf")), ValueError, "lr is inf"),
        (lambda: Adam([W], betas=(0.9, 1.0)), ValueError, r"betas are \(0\.9, 1\.0\); they must be two numbers"),
        (lambda: Adam([W], betas=(0.9,)), ValueError, r"betas are \(0\.9,\)"),
        (lambda: Adam([W], eps=-1e-8), ValueError, "eps is -1e-08"),
        (lambda: Adam([W], weight_decay=-1), ValueError, "weight_decay is -1"),
        (lambda: Optimizer([W]).step(), NotImplementedError, r"Optimizer has no step\(\)"),
    ],
)  # fmt: skip
def test_bad_input_is_told(make: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        make()
    assert W.data.tolist() == [1, 2]


# States


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        (Adam, {"betas": (0.5, 0.7), "amsgrad": True}),
        (AdamW, {"eps": 1e-3}),
    ],
)
def test_a_loaded_state_continues_where_it_was_saved(kind: Any, options: dict[str, Any]) -> None:
    gradients = [pair[0] for pair in drawn_gradients()]

    def run(parameter: Tensor, optimizer: Optimizer, part: slice) -> None:
        for gradient in gradients[part]:
            parameter.grad = gradient
            optimizer.step()

    whole = Tensor(np.ones((3, 2)), requires_grad=True)
    run(whole, kind([whole], 0.05, **options), slice(None))

    first = Tensor(np.ones((3, 2)), requires_grad=True)
    before = kind([first], 0.05, **options)
    run(first, before, slice(None, 7))
    second = Tensor(first.data, requires_grad=True)
    after = kind([second], 1.0)
    after.load_state_dict(before.state_dict())
    run(second, after, slice(7, None))
    np.testing.assert_array_equal(second.data, whole.data)


def test_a_state_is_arrays_by_name_and_a_copy() -> None:
    parameter = leaf(1.0, grad=[1.0])
    optimizer = SGD({"w": parameter}, 0.1, 0.9)
    assert list(optimizer.state_dict()) == list(SGD.settings)
    optimizer.step()
    state = optimizer.state_dict()
    state["velocity.w"][:] = 100
    assert all(isinstance(array, np.ndarray) for array in state.values())
    assert optimizer.state_dict()["velocity.w"].tolist() == [1]


def test_the_state_of_adam_is_arrays_by_name() -> None:
    optimizer = Adam({"w": leaf(1.0, grad=[2.0]), "idle": leaf(1.0)}, betas=(0.5, 0.75))
    optimizer.step()
    state = optimizer.state_dict()
    assert list(state) == [
        *Adam.settings, "mean.w", "mean.idle", "square.w", "square.idle", "steps.w", "steps.idle",
    ]  # fmt: skip
    assert [state[name].tolist() for name in ("betas", "mean.w", "square.w", "steps.w")] == [[0.5, 0.75], [1], [1], 1]


def test_a_state_that_does_not_fit_is_told_at_once_and_changes_nothing() -> None:
    optimizer = SGD({"w": leaf(1.0)}, 0.1, 0.9)
    state = {
        **optimizer.state_dict(),
        "lr": np.array(5.0),
        "velocity.w": np.zeros(2),
        "velocity.b": np.zeros(1),
    }
    del state["momentum"]
    with pytest.raises(ValueError, match="does not fit SGD, and nothing was loaded") as told:
        optimizer.load_state_dict(state)
    assert str(told.value).splitlines()[1:] == [
        "  missing: momentum",
        "  unexpected: velocity.b",
        "  velocity.w is (1,), in the state (2,)",
    ]
    assert optimizer.lr == 0.1


def test_repr_shows_the_settings() -> None:
    assert repr(SGD([leaf(1.0)], 0.1)).startswith("SGD(1 parameters, lr=0.1, momentum=0.0, nesterov=False, ")


@pytest.mark.parametrize(
    "make",
    [
        lambda p: SGD(p, 1e-3, 0.9, nesterov=True, weight_decay=0.1),
        lambda p: Adam(p, weight_decay=0.1, amsgrad=True, maximize=True),
        AdamW,
    ],
)
def test_steps_allocate_nothing(make: Any) -> None:
    import tracemalloc

    parameter = Tensor(np.ones(1_000_000), requires_grad=True)
    parameter.grad = np.ones(1_000_000)
    optimizer = make([parameter])
    optimizer.step()
    tracemalloc.start()
    for _ in range(10):
        optimizer.step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < parameter.data.nbytes / 8  # far below one array, and far above what other threads allocate meanwhile
