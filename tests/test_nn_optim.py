"""Optimisers: against PyTorch, in place, their states and files, and what bad input gets."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import installed
import numpy as np
import pytest
from descent import EACH_KIND, KINDS, gradients, leaves, train, train_theirs
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd import Tensor
from nn.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop

GOLDEN = [
    [0.6060368149246149, -0.34276431653175704], [1.393963185075384, -1.6572356834682425],
    [-0.27061441803313663, -0.0010769275844708852], [1.0045300614854717, -0.8957794793374837],
    [-0.6655326213327116, 5.307066757568861], [2.6655326213327144, -7.307066757568861],
    [-0.18473236808359994, 3.219346732864885], [4.49163370468895, -1.757674907059378],
    [-0.8929425442748228, 5.333595765280217], [5.187241695604268, -2.530736916656947],
    [0.9197478163561388, -0.43062637021538397], [1.0802521836438634, -1.5693736297846168],
    [0.745329585507299, -0.38707863761778116], [1.2999997931582585, -0.5000012729518913],
    [-0.02709243438101796, 0.006807437044705552], [0.9197478163561388, -0.43062637021538397],
    [0.9178121943252788, -0.5521575880122611], [0.7542032196174822, -0.8175442059583228],
    [0.7836740568046263, -0.3727680040959072], [1.0259555228760278, -1.473427752080181],
    [0.6134579376052234, -0.335517336225987], [1.1442510983922165, -0.46017669605459666],
    [-0.012172292563811004, -0.03176174408474868], [0.9197478163561388, -0.43062637021538397],
    [0.7969406057521328, -0.49375291348377975], [0.7459755583644149, -0.8650607958204928],
    [1.1458370217862084, -0.202082903504955], [-5.348427296441896, 2.975362479235112],
    [1.0046490289983456, -1.8069054617912892], [1.393278064908425, 0.7276177300498593],
    [1.0362667408936819, -0.9313943710689382], [1.0064373661295032, -0.9854575383545839],
    [0.9514111310613058, -1.0727418707192786],
]  # fmt: skip


def leaf(*values: float, grad: Iterable[float] | None = None) -> Tensor:
    parameter = Tensor(np.array(values), requires_grad=True)
    parameter.grad = None if grad is None else np.array(grad)
    return parameter


@EACH_KIND
def test_two_hundred_steps_are_pytorchs(kind: Any, options: dict[str, Any]) -> None:
    torch, parameters = installed.torch(), leaves()
    ours = train(kind(parameters, 0.05, **options), parameters, gradients(200))
    theirs = train_theirs(torch, kind.__name__, lambda p: p, gradients(200), lr=0.05, **options)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_two_hundred_steps_give_the_golden_values() -> None:
    """What PyTorch 2.13 gives, for where it is not installed: the first element of each parameter."""
    for (kind, options), expected in zip(KINDS, GOLDEN, strict=True):
        parameters = leaves()
        ours = train(kind(parameters, 0.05, **options), parameters, gradients(200))
        np.testing.assert_allclose([array.flat[0] for array in ours], expected, rtol=1e-12, err_msg=str(options))


@EACH_KIND
def test_a_step_keeps_arrays_and_dtypes_and_leaves_the_gradients(kind: Any, options: dict[str, Any]) -> None:
    """Of a number without axes beside float32, which come to the same."""
    scalar, single = Tensor(1.0, requires_grad=True), Tensor(np.ones(2, np.float32), requires_grad=True)
    held = [(p, p.data, np.full(p.shape, 3, p.dtype)) for p in (scalar, single)]
    optimizer = kind([scalar, single], 0.1, **options)
    for _ in range(3):
        for p, _, gradient in held:
            p.grad = gradient
        optimizer.step()
    assert all(p.data is data and np.all(gradient == 3) for p, data, gradient in held)
    assert (scalar.dtype, single.dtype) == (np.float64, np.float32)
    assert scalar.item() != 1
    np.testing.assert_allclose(single.data, scalar.item(), rtol=1e-5)
    kept = [array.dtype for name, array in optimizer.state_dict().items() if name.endswith(".1") and array.ndim]
    assert set(kept) <= {np.dtype(np.float32)}


def test_adam_without_settings_has_pytorchs_defaults() -> None:
    assert repr(Adam([leaf(1.0)])).endswith(
        "lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False, maximize=False)"
    )
    assert AdamW([leaf(1.0)]).weight_decay == 0.01


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 1))
def test_a_plain_step_has_the_bits_of_numpy(theta: float, gradient: float, lr: float) -> None:
    parameter = leaf(theta, grad=[gradient])
    SGD([parameter], lr).step()
    expected = np.array([theta])
    expected -= lr * np.array([gradient])
    np.testing.assert_array_equal(parameter.data, expected)


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
        (lambda: RMSprop([W], alpha=1.5), ValueError, r"alpha is 1\.5"),
        (lambda: Adagrad([W], lr_decay=-1), ValueError, "lr_decay is -1"),
        (lambda: Optimizer([W]).step(), NotImplementedError, r"Optimizer has no step\(\)"),
    ],
)  # fmt: skip
def test_bad_input_is_told(make: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        make()
    assert W.data.tolist() == [1, 2]


# States


@EACH_KIND
def test_files_copies_and_pickles_go_on_where_they_were(kind: Any, options: dict[str, Any], tmp_path: Path) -> None:
    whole = leaves()
    expected = train(kind(whole, 0.05, **options), whole, gradients(20))
    parameters = leaves()
    optimizer = kind(parameters, 0.05, **options)
    train(optimizer, parameters, gradients(20)[:9])
    optimizer.save(tmp_path / "optimizer.npz")
    copied = pickle.loads(pickle.dumps(copy.deepcopy(optimizer)))
    again = leaves(*(parameter.data for parameter in parameters))
    loaded = kind(again, 9.0)
    loaded.load(tmp_path / "optimizer.npz")
    for each, held in ((loaded, again), (copied, copied.parameters)):
        for a, b in zip(train(each, held, gradients(20)[9:]), expected, strict=True):
            np.testing.assert_array_equal(a, b)


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
