"""Modules: the tree, its names, states and files, and what bad input gets."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import Tensor


class Net(nn.Module):
    """Parameters before, between and after children, and children in every container."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(np.zeros(2))
        self.linear = nn.Linear(2, 3, rng=0)
        self.count = 7
        self.scale = nn.Parameter(np.ones(3))
        self.blocks: list[Any] = [nn.Linear(3, 3, rng=1)]
        self.blocks.append(nn.Sequential(nn.Linear(3, 1, rng=2), nn.ReLU()))
        self.heads = {"a": nn.Linear(1, 1, rng=3, bias=False)}
        self.last = nn.Parameter(np.zeros(1))

    def forward(self, x: Any) -> Any:
        x = self.linear(x + self.first) * self.scale
        for block in self.blocks:
            x = block(x)
        return self.heads["a"](x) + self.last


NAMES = [
    "first", "linear.weight", "linear.bias", "scale", "blocks.0.weight", "blocks.0.bias",
    "blocks.1.0.weight", "blocks.1.0.bias", "heads.a.weight", "last",
]  # fmt: skip


def test_parameters_come_in_the_order_of_definition_and_are_named_so() -> None:
    model = Net()
    assert [name for name, _ in model.named_parameters()] == [p.name for p in model.parameters()] == NAMES


def test_named_modules_are_parents_first() -> None:
    paths = [path for path, _ in Net().named_modules()]
    assert paths == ["", "linear", "blocks.0", "blocks.1", "blocks.1.0", "blocks.1.1", "heads.a"]


def test_children_are_the_modules_right_below() -> None:
    model = Net()
    assert list(model.children()) == [model.linear, *model.blocks, model.heads["a"]]


def test_every_parameter_is_reached_by_a_gradient() -> None:
    model = Net()
    np.sum(model(np.ones((4, 2)))).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_a_shared_parameter_appears_once_under_its_first_name() -> None:
    model = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1))
    model[1].weight = model[0].weight  # type: ignore[attr-defined]
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]


def test_a_shared_module_appears_once_and_its_gradients_add_up() -> None:
    layer = nn.Linear(3, 3, rng=0, bias=False)
    model = nn.Sequential(layer, layer)
    assert len(list(model.parameters())) == 1
    assert list(model.named_modules())[1:] == [("0", layer)]
    x = np.ones((1, 3))
    np.sum(model(x)).backward()
    W, one = layer.weight.data, np.ones((1, 3))
    np.testing.assert_allclose(layer.weight.grad, (x @ W).T @ one + x.T @ (one @ W.T), rtol=1e-13)


# Names


def test_parameters_are_named_by_their_paths_as_trees_are_nested() -> None:
    inner = nn.Sequential(nn.Linear(2, 2, rng=0))
    weight = next(inner.parameters())
    assert weight.name == "0.weight"
    middle = nn.Sequential(nn.ReLU(), inner)
    assert weight.name == "1.0.weight"
    model = nn.Module()
    model.body = middle
    assert weight.name == "body.1.0.weight"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_name_that_the_user_gave_stays(when: str) -> None:
    parameter = nn.Parameter(np.zeros(2), name="w" if when == "before" else None)
    model = nn.Module()
    model.inner = nn.Module()
    model.inner.value = parameter
    parameter.name = "w"
    outer = nn.Sequential(model)
    assert parameter.name == "w"
    assert [name for name, _ in outer.named_parameters()] == ["0.inner.value"]


def test_a_copied_model_shares_nothing_and_keeps_its_names() -> None:
    model = nn.MLP([3, 4, 1], rng=0)
    copied = copy.deepcopy(model)
    assert not any(
        np.shares_memory(a.data, b.data) for a, b in zip(model.parameters(), copied.parameters(), strict=True)
    )
    outer = nn.Sequential(copied)
    assert next(outer.parameters()).name == "0.layers.0.weight"
    assert next(model.parameters()).name == "layers.0.weight"


# Attributes


def test_a_parameter_owns_a_copy() -> None:
    data = np.ones(3)
    parameter = nn.Parameter(data)
    data[0] = 5
    assert parameter.data[0] == 1
    assert parameter.requires_grad


def test_a_parameter_of_integers_is_refused() -> None:
    with pytest.raises(TypeError, match=r"only floats have gradients.*dtype=float"):
        nn.Parameter(np.arange(3))


def test_a_parameter_can_be_replaced_and_removed() -> None:
    layer = nn.Linear(2, 3, rng=0)
    layer.weight = nn.Parameter(np.ones((2, 3)))
    layer.bias = None
    np.testing.assert_array_equal(layer(np.ones((1, 2))).data, [[2.0, 2.0, 2.0]])
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


@pytest.mark.parametrize(
    "value", [Tensor(np.ones((2, 3))), np.ones((2, 3)), 1.0, nn.ReLU()], ids=lambda v: type(v).__name__
)
def test_a_parameter_is_not_replaced_by_something_else(value: Any) -> None:
    layer = nn.Linear(2, 3, rng=0)
    weight = layer.weight
    with pytest.raises(TypeError, match=r"Linear\.weight holds a Parameter and got a \w+: assign nn\.Parameter"):
        layer.weight = value
    assert layer.weight is weight


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: [t], lambda t: {"w": t}], ids=["alone", "list", "dictionary"])
def test_a_tensor_that_no_optimizer_would_find_is_refused(wrap: Any) -> None:
    layer = nn.ReLU()
    with pytest.raises(TypeError, match=r"ReLU\.scale.* is not a parameter.*nn\.Parameter"):
        layer.scale = wrap(Tensor(1.0, requires_grad=True))
    assert not hasattr(layer, "scale")
    layer.scale, layer.state = Tensor(1.0), nn.Parameter(1.0) * 2  # constants and results are no parameters


def test_a_module_is_not_replaced_by_its_result() -> None:
    model = Net()
    with pytest.raises(TypeError, match=r"Net\.linear holds a Linear and got a Tensor.*name of their own"):
        model.linear = model.linear(np.ones((1, 2)))


def test_a_module_cannot_hold_itself() -> None:
    model = nn.Sequential(nn.Sequential(nn.ReLU()))
    with pytest.raises(ValueError, match="would make the module a part of itself"):
        model[0].above = model
    assert not hasattr(model[0], "above")


class Forgetful(nn.Module):
    def __init__(self) -> None:
        self.size = 3
        self.linear = nn.Linear(3, 3)


class ForgetfulLinear(nn.Linear):
    def __init__(self) -> None:
        pass


def test_forgetting_to_initialise_is_told_at_the_first_assignment() -> None:
    with pytest.raises(RuntimeError, match=r"call super\(\).__init__\(\) first in Forgetful.__init__"):
        Forgetful()


def test_forgetting_to_initialise_is_told_at_the_first_call() -> None:
    with pytest.raises(RuntimeError, match=r"call super\(\).__init__\(\) first in ForgetfulLinear.__init__"):
        ForgetfulLinear()(np.ones((1, 3)))


def test_other_missing_attributes_are_reported_as_they_are() -> None:
    class Misspelt(nn.Module):
        def forward(self, x: Any) -> Any:
            return self.lineer(x)

    with pytest.raises(AttributeError, match="lineer"):
        Misspelt()(1.0)


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"Module has no forward\(\)"):
        nn.Module()(1.0)


def test_a_call_hands_all_arguments_on() -> None:
    class Add(nn.Module):
        def forward(self, *args: float, scale: float = 1.0) -> float:
            return scale * sum(args)

    assert (Add()(), Add()(1.0), Add()(1.0, 2.0), Add()(1.0, scale=3.0)) == (0.0, 1.0, 3.0, 3.0)


# Settings


def test_train_and_eval_reach_the_whole_tree() -> None:
    model = Net()
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train().blocks[1][0].training


def test_freezing_keeps_gradients_away() -> None:
    model = Net()
    model.linear.requires_grad_(False)
    np.sum(model(np.ones((4, 2)))).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == [
        "linear.weight",
        "linear.bias",
    ]


def test_zero_grad_clears_every_gradient() -> None:
    model = Net()
    np.sum(model(np.ones((4, 2)))).backward()
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


# States and files


def test_a_state_is_a_copy() -> None:
    model = nn.Linear(2, 2, rng=0)
    state = model.state_dict()
    state["weight"][:] = 0
    assert np.all(model.weight.data != 0)


def test_loading_copies_every_array_and_keeps_the_dtype() -> None:
    model, other = nn.MLP([3, 4, 1], rng=0, dtype=np.float32), nn.MLP([3, 4, 1], rng=1)
    state = other.state_dict()
    model.load_state_dict(state)
    for name, parameter in model.named_parameters():
        assert parameter.dtype == np.float32
        np.testing.assert_array_equal(parameter.data, state[name].astype(np.float32))
        assert not np.shares_memory(parameter.data, state[name])


def test_loading_leaves_a_recorded_graph_alone() -> None:
    model = nn.Linear(1, 1, rng=0, bias=False)
    weight = float(model.weight.data[0, 0])
    loss = np.sum(model(np.ones((1, 1))) ** 2)
    model.load_state_dict({"weight": [[100.0]]})
    loss.backward()
    np.testing.assert_allclose(model.weight.grad, [[2 * weight]], rtol=1e-14)


def test_a_state_that_does_not_fit_is_told_at_once_and_changes_nothing() -> None:
    model = nn.Sequential(nn.MLP([3, 4, 1], rng=0))
    before = model.state_dict()
    state = nn.Sequential(nn.MLP([3, 4, 1], rng=1)).state_dict()
    state["0.layers.0.weight"] = np.zeros((4, 3))
    state["0.layers.0.bias"] = np.zeros(4) * 1j
    del state["0.layers.1.bias"], state["0.layers.1.weight"]
    state["extra"] = np.zeros(1)
    with pytest.raises(ValueError, match="nothing was loaded") as told:
        model.load_state_dict(state)
    assert str(told.value).splitlines()[1:] == [
        "  missing: 0.layers.1.weight, 0.layers.1.bias",
        "  unexpected: extra",
        "  0.layers.0.weight is (3, 4), in the state (4, 3)",
        "  0.layers.0.bias holds real numbers, in the state complex128",
    ]
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_may_hold_tensors_and_lists() -> None:
    model = nn.Linear(2, 1)
    model.load_state_dict({"weight": Tensor([[1.0], [2.0]], requires_grad=True), "bias": [3]})
    assert model(np.ones((1, 2))).data.tolist() == [[6.0]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_saving_and_loading_gives_the_same_bits(tmp_path: Path, dtype: Any) -> None:
    model, other = (nn.MLP([3, 4, 1], rng=seed, dtype=dtype) for seed in (0, 1))
    model.save(tmp_path / "model.npz")
    other.load(str(tmp_path / "model.npz"))
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data, strict=True)


def test_a_file_is_a_plain_archive_that_numpy_reads(tmp_path: Path) -> None:
    model = nn.Module()
    model.file = nn.Parameter(np.arange(3.0))  # a keyword of np.savez
    model.save(tmp_path / "model")
    with np.load(tmp_path / "model", allow_pickle=False) as archive:
        assert archive.files == ["file"]
        np.testing.assert_array_equal(archive["file"], np.arange(3.0))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.npz"
    nn.Linear(1, 1, rng=0).save(path)
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("nn.state.npy.write_array", full)
    with pytest.raises(OSError, match="no space"):
        nn.Linear(1, 1, rng=1).save(path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["model.npz"]


# repr


def test_repr_shows_the_tree_with_shapes_and_counts() -> None:
    model = Net()
    model.blocks[0].requires_grad_(False)
    model.blocks[0].weight = model.linear.weight = nn.Parameter(np.zeros((3, 3), np.float32))
    model.again = model.linear
    assert repr(model).splitlines() == [
        "Net                     26 parameters  first (2,), scale (3,), last (1,)",
        "  linear: Linear        12  weight (3, 3) float32, bias (3,)",
        "  blocks.0: Linear      12  weight = linear.weight (3, 3) float32, bias (3,) frozen",
        "  blocks.1: Sequential   4",
        "    0: Linear            4  weight (3, 1), bias (1,)",
        "    1: ReLU",
        "  heads.a: Linear        1  weight (1, 1)",
        "  again: Linear             the same as above",
    ]


def test_repr_of_a_module_without_parameters() -> None:
    assert repr(nn.ReLU()) == "ReLU  0 parameters"


@pytest.mark.parametrize("name", ["modules", "parameters", "train", "save"])
def test_an_attribute_that_hides_a_method_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"Module\.{name} would hide the method {name}\(\)"):
        setattr(nn.Module(), name, [])


def test_the_switch_of_training_holds_no_parameters() -> None:
    with pytest.raises(TypeError, match=r"Linear\.training is True or False, and got a list"):
        nn.Linear(2, 1, rng=0).training = [nn.Linear(2, 1, rng=0)]  # type: ignore[assignment]
