"""Layers and networks of them: values, names, initial weights, errors, and a whole training."""

from __future__ import annotations

import copy
from functools import partial
from itertools import pairwise
from typing import Any

import installed
import numpy as np
import pytest
from compiled import agree, descending

import nn
from autograd import Tensor, no_grad

X = np.ones((100, 3))


def test_linear_computes_x_times_weight_plus_bias() -> None:
    layer = nn.Linear(3, 2, rng=0)
    np.testing.assert_array_equal(layer(X).data, X @ layer.weight.data + layer.bias.data)
    assert (layer.weight.shape, layer.bias.shape) == ((3, 2), (2,))


def test_linear_without_bias() -> None:
    layer = nn.Linear(3, 2, bias=False, rng=0)
    np.testing.assert_array_equal(layer(X).data, X @ layer.weight.data)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_linear_records_nothing_inside_no_grad() -> None:
    with no_grad():
        assert not nn.Linear(3, 2, rng=0)(X).requires_grad


def test_default_weights_and_biases_are_uniform_as_in_pytorch() -> None:
    layer = nn.Linear(100, 400, rng=0)
    for values in (layer.weight.data, layer.bias.data):
        assert np.max(np.abs(values)) <= 0.1
        assert abs(np.std(values) / (0.1 / 3**0.5) - 1) < 0.1


def test_default_weights_have_the_spread_of_pytorchs() -> None:
    torch = installed.torch()
    torch.manual_seed(0)
    theirs, ours = torch.nn.Linear(300, 200), nn.Linear(300, 200, rng=0)
    for a, b in ((ours.weight, theirs.weight.detach()), (ours.bias, theirs.bias.detach())):
        assert abs(np.max(np.abs(a.data)) / float(b.abs().max()) - 1) < 0.02


def test_initialisers_are_called_weight_first_with_one_generator() -> None:
    draw = partial(nn.init.normal, std=0.1)
    layer = nn.Linear(3, 2, rng=np.random.RandomState(1), weight_init=draw, bias_init=draw)
    rng = np.random.RandomState(1)
    np.testing.assert_array_equal(layer.weight.data, rng.randn(3, 2) * 0.1)
    np.testing.assert_array_equal(layer.bias.data, rng.randn(2) * 0.1)


def wrong(shape: tuple[int, ...], **_: Any) -> Any:
    return np.zeros(3)


@pytest.mark.parametrize(
    ("make", "error", "told"),
    [
        (lambda: nn.Linear(0, 2), ValueError, "Linear: in_features is 0; it must be at least 1"),
        (lambda: nn.Linear(2, -1), ValueError, "Linear: out_features is -1"),
        (lambda: nn.Linear(2.5, 1), TypeError, "integer"),
        (lambda: nn.Linear(2, 1, dtype=int), TypeError, "only floats have gradients"),
        (lambda: nn.Linear(2, 1, rng="seed"), TypeError, "rng is a"),
        (lambda: nn.Linear(2, 1, weight_init=wrong), ValueError, r"weight_init gave \(3,\)"),
        (lambda: nn.Linear(2, 1, bias_init=wrong), ValueError, r"bias_init gave \(3,\)"),
        (lambda: nn.MLP([3]), ValueError, r"MLP\(\[3\]\): give at least the sizes"),
        (lambda: nn.MLP([3, 1], activation=np.tanh), TypeError, r"such as nn\.ReLU; not <ufunc 'tanh'>"),
        (lambda: nn.MLP([3, 1], activation=int), TypeError, r"such as nn\.ReLU; not <class 'int'>"),
        (lambda: nn.Sequential(nn.ReLU), TypeError, r"part 0 is <class .*ReLU'>, not a Module: make one"),
    ],
)
def test_what_cannot_be_built_says_why(make: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        make()


def test_the_error_of_a_wrong_input_names_the_layer_by_its_path() -> None:
    model = nn.MLP([3, 16, 8, 1], rng=0)
    model.layers[0] = nn.Identity()
    with pytest.raises(
        ValueError,
        match=r"^Linear layers\.1: weight is \(16, 8\), input is \(100, 3\)\. .* must be 16$",
    ):
        model(X)


def test_the_path_follows_the_tree() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 2, rng=0, bias=False)))
    with pytest.raises(ValueError, match=r"Linear 0\.0: weight is \(3, 2\), input is \(5, 7\)"):
        model(Tensor(np.ones((5, 7))))


def test_an_input_that_lies_on_its_side_is_recognised() -> None:
    with pytest.raises(ValueError, match="must be 3; its transpose would fit"):
        nn.Linear(3, 2, rng=0)(X.T)


def test_a_bias_that_does_not_fit_is_not_blamed_on_the_input() -> None:
    layer = nn.Linear(3, 2, rng=0)
    layer.bias = nn.Parameter(np.zeros(5))
    with pytest.raises(ValueError, match=r"bias of shape \(5,\)"):
        layer(X)


def test_sequential_is_its_parts_in_order() -> None:
    a, b = nn.Linear(3, 4, rng=0), nn.Linear(4, 1, rng=1)
    model = nn.Sequential(a, nn.Tanh(), b)
    np.testing.assert_array_equal(model(X).data, b(np.tanh(a(X))).data)
    assert (len(model), next(iter(model)), model[-1]) == (3, a, b)


def test_an_empty_sequential_is_the_identity() -> None:
    assert nn.Sequential()(X) is X


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Tanh(), partial(nn.Tanh)], ids=["class", "module", "factory"])
def test_mlp_puts_the_activation_between_layers_and_leaves_the_output_linear(activation: Any) -> None:
    model = nn.MLP([3, 4, 5, 2], activation=activation, rng=0)
    a, b, c = model.layers
    np.testing.assert_array_equal(model(X).data, c(np.tanh(b(np.tanh(a(X))))).data)


def test_mlp_with_an_output_activation() -> None:
    linear, squashed = nn.MLP([3, 4, 2], rng=0), nn.MLP([3, 4, 2], output_activation=nn.Sigmoid, rng=0)
    np.testing.assert_array_equal(squashed(X).data, nn.functional.sigmoid(linear(X)).data)


def test_mlp_draws_all_layers_from_one_generator() -> None:
    model = nn.MLP([3, 3, 3], rng=7)
    assert np.any(model.layers[0].weight.data != model.layers[1].weight.data)
    np.testing.assert_array_equal(model.layers[1].bias.data, nn.MLP([3, 3, 3], rng=7).layers[1].bias.data)


@pytest.mark.parametrize(
    ("activation", "function"),
    [
        (nn.ReLU(), nn.functional.relu),
        (nn.Sigmoid(), nn.functional.sigmoid),
        (nn.Tanh(), np.tanh),
        (nn.Identity(), np.asarray),
    ],
    ids=["ReLU", "Sigmoid", "Tanh", "Identity"],
)
def test_activation_modules_are_their_functions(activation: nn.Module, function: Any) -> None:
    x = np.linspace(-2, 2, 9)
    np.testing.assert_array_equal(activation(x), function(x))


def test_the_loss_module_is_its_function() -> None:
    p, t = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    for reduction in ("mean", "sum", "none"):
        np.testing.assert_array_equal(nn.MSELoss(reduction)(p, t), nn.functional.mse_loss(p, t, reduction))


def test_float32_stays_float32_through_a_training_step() -> None:
    model = nn.MLP([3, 4, 1], rng=0, dtype=np.float32)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    loss = nn.functional.mse_loss(model(X.astype(np.float32)), np.zeros((100, 1), np.float32))
    loss.backward()
    optimizer.step()
    assert loss.dtype == np.float32
    assert {p.grad.dtype for p in model.parameters()} == {p.dtype for p in model.parameters()} == {np.dtype("f4")}


# Dropout and normalisation in an MLP, and layers that only arrange


def test_mlp_puts_norm_before_and_dropout_after_the_activation() -> None:
    model = nn.MLP([3, 4, 5, 2], nn.Tanh, norm=nn.LayerNorm, dropout=0.5, rng=0, dtype=np.float32)
    assert {p.dtype for p in model.parameters()} == {np.dtype("f4")}
    x = X.astype(np.float32)
    hidden = [np.tanh(model.norms[0](model.layers[0](x)))]
    rng = copy.deepcopy(model.dropout.rng)
    dropped = nn.functional.dropout(hidden[0], 0.5, rng=rng)
    last = nn.functional.dropout(np.tanh(model.norms[1](model.layers[1](dropped))), 0.5, rng=rng)
    np.testing.assert_array_equal(model(x).data, model.layers[2](last).data)


def test_residual_adds_its_input_or_the_shortcut_of_it() -> None:
    inner, shortcut = nn.Linear(3, 2, rng=0), nn.Linear(3, 2, rng=1)
    np.testing.assert_array_equal(nn.Residual(nn.Tanh())(X), np.tanh(X) + X)
    np.testing.assert_array_equal(nn.Residual(inner, shortcut)(X).data, inner(X).data + shortcut(X).data)
    with pytest.raises(ValueError, match=r"the module gives \(100, 2\), beside it goes \(100, 3\)"):
        nn.Residual(inner)(X)


@pytest.mark.parametrize(
    ("dims", "shape"), [((), (2, 60)), ((0, 1), (6, 4, 5)), ((2, 3), (2, 3, 20)), ((-1,), (2, 3, 4, 5))]
)
def test_flatten_joins_axes(dims: Any, shape: Any) -> None:
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    y = nn.Flatten(*dims)(x)
    np.testing.assert_array_equal(y, x.reshape(shape))


def test_embedding_gives_rows_and_adds_up_their_gradients() -> None:
    layer, words = nn.Embedding(5, 2, rng=0), np.array([[1, 1], [4, 0]])
    y = layer(words)
    np.testing.assert_array_equal(y.data, layer.weight.data[words])
    np.sum(y).backward()
    assert layer.weight.grad[:, 0].tolist() == [1, 2, 0, 0, 1]


def test_the_row_of_padding_is_zero_and_stays() -> None:
    layer = nn.Embedding(5, 2, padding_idx=-1, rng=0)
    y = layer([4, 0])
    np.sum(y).backward()
    assert y.data[0].tolist() == [0, 0]
    assert layer.weight.grad[:, 0].tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (
            lambda: nn.Embedding(5, 2)([0, 5]),
            ValueError,
            "indices go from 0 to 5; with 5 rows they lie between 0 and 4",
        ),
        (lambda: nn.Embedding(5, 2)([-1]), ValueError, "indices go from -1 to -1"),
        (lambda: nn.Embedding(5, 2)([0.5]), TypeError, "takes integers, from 0 to 4, not float64"),
        (lambda: nn.Embedding(5, 2, padding_idx=5), ValueError, "padding_idx is 5, of 5 rows"),
        (lambda: nn.Embedding(0, 2), ValueError, "num_embeddings is 0"),
        (lambda: nn.Flatten(2)(X), ValueError, r"input is \(100, 3\); it has no axes 2 to -1"),
        (lambda: nn.Residual(np.tanh), TypeError, "Residual takes Modules"),
        (lambda: nn.MLP(4, 8, 3), TypeError, r"as one list, as in nn\.MLP\(\[4, 8, 3\]\); the first argument is 4"),
        (lambda: nn.MLP([3, 4, 1], norm=nn.BatchNorm1d(4)), TypeError, "norm is called with a layer's size"),
        (lambda: nn.MLP([3, 4, 1], norm=abs), TypeError, "norm is called with a layer's size"),
        (lambda: nn.MLP([3, 4, 1], dropout=1.5), ValueError, "it is a probability"),
    ],
)
def test_layers_that_cannot_be_built_or_called_say_why(call: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        call()


def test_weights_may_be_tied_and_frozen() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5, 3, rng=0)

        def forward(self, words: Any) -> Any:
            return self.table(words) @ self.table.weight.T

    model, words = Tied(), np.array([0, 2])
    one = np.zeros((5, 5))
    table = model.table.weight.data
    np.sum(model(words)).backward()
    one[words] = 1
    np.testing.assert_allclose(model.table.weight.grad, (one + one.T) @ table, rtol=1e-13)
    model.zero_grad()
    model.requires_grad_(False)
    assert not model(words).requires_grad


# A training of the 3-16-8-1 network, against the same network by hand

SIZES = [3, 16, 8, 1]


def by_hand(x: Any, y: Any, p: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """The loss and its gradients, as on a blackboard."""
    layers, inputs, a = len(p) // 2, [], x
    for i in range(layers):
        inputs.append(a)
        z = a @ p[f"layers.{i}.weight"] + p[f"layers.{i}.bias"]
        a = np.maximum(0, z) if i < layers - 1 else z
    gradients, d = {}, 2 * (a - y) / len(y)
    for i in reversed(range(layers)):
        gradients[f"layers.{i}.weight"] = inputs[i].T @ d
        gradients[f"layers.{i}.bias"] = np.sum(d, axis=0)
        d = (d @ p[f"layers.{i}.weight"].T) * (inputs[i] > 0)
    return float(np.mean((y - a) ** 2)), gradients


def test_a_training_is_that_of_the_hand_derivation() -> None:
    rng = np.random.RandomState(0)
    x = rng.randn(100, 3)
    y = x @ np.array([[2.0], [-3.0], [1.5]]) + 0.5 * rng.randn(100, 1)
    draw = np.random.RandomState(42)
    model = nn.MLP(SIZES, rng=draw, weight_init=partial(nn.init.normal, std=0.1), bias_init=nn.init.zeros)
    parameters = model.state_dict()
    again = np.random.RandomState(42)
    for i, shape in enumerate(pairwise(SIZES)):
        np.testing.assert_array_equal(parameters[f"layers.{i}.weight"], again.randn(*shape) * 0.1)

    optimizer = nn.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for epoch in range(1000):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        expected, gradients = by_hand(x, y, parameters)
        np.testing.assert_allclose(loss.item(), expected, rtol=1e-12)
        if epoch == 0:
            for name, parameter in model.named_parameters():
                np.testing.assert_allclose(parameter.grad, gradients[name], rtol=1e-12, atol=1e-15)
        optimizer.step()
        for name in parameters:
            parameters[name] -= 0.01 * gradients[name]
        losses.append(loss.item())
    np.testing.assert_allclose(losses[::999], [17.268411061762947, 0.15882770556443898], rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (
            lambda: nn.Sequential(nn.Embedding(5, 3, padding_idx=0, rng=0), nn.Flatten(), nn.Linear(6, 2, rng=1)),
            "words",
        ),
        (lambda: nn.Sequential(nn.Residual(nn.Linear(3, 3, rng=0)), nn.GELU(), nn.LayerNorm(3)), "numbers"),
        (lambda: nn.MLP([3, 4, 2], nn.LeakyReLU, norm=nn.BatchNorm1d, dropout=0.5, rng=0), "numbers"),
        (lambda: nn.Sequential(nn.Linear(3, 8, rng=0), nn.ELU(), nn.SiLU(), nn.Softplus()), "numbers"),
        (lambda: nn.Sequential(nn.MLP([3, 8, 5, 2], nn.ReLU, rng=0), nn.Softmax()), "numbers"),
        (lambda: nn.Sequential(nn.MLP([3, 8, 5, 2], nn.Sigmoid, rng=0), nn.LogSoftmax()), "numbers"),
    ],
)
def test_compiled_layers_are_eager_ones(make: Any, x: str) -> None:
    rng = np.random.default_rng(0)
    batches = [rng.integers(5, size=(7, 2)) if x == "words" else rng.normal(size=(7, 3)) for _ in range(4)]

    def step() -> Any:
        model = make()
        return descending(model, nn.optim.Adam(model.parameters(), lr=0.01), lambda y: np.mean((y - 1.0) ** 2))

    agree(step, [(batch,) for batch in batches], rtol=1e-10)
