"""Pictures module by module: whose work is what, what is folded, and how large a picture gets."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from installed import HTML_LABELS

import autograd
import nn
from autograd import Tensor
from autograd.notation.names import Scope
from autograd.render.build import build_scene
from autograd.render.diagram import Diagram
from autograd.render.graph import Graph
from autograd.render.layout import Viewport, estimated_size
from autograd.render.options import Options
from autograd.render.repetition import repeats
from autograd.render.style import STYLES
from autograd.render.units import Unit

NOTHING: Mapping[str, Any] = {}
x = np.random.default_rng(0).normal(size=(5, 4))


def picture(output: Tensor, scope: Mapping[str, Any] = NOTHING, **asked: Any) -> Diagram:
    asked = {"statements": False, **asked, "style": STYLES[asked.get("style", "cards")]}
    return build_scene(output._node, Scope(scope), {}, Options(**asked)).diagram


def titles(shown: Diagram) -> list[str]:
    return [cluster.title for cluster in shown.clusters]


def homes(shown: Diagram) -> dict[str, str]:
    """The title of the frame that each card stands in."""
    frames = {cluster.id: cluster.title for cluster in shown.clusters}
    return {card.name: frames.get(card.cluster, "") for card in shown.cards}


class Block(nn.Module):
    """A residual block: what it does itself is its own work, the rest that of its parts."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        super().__init__()
        self.inner = nn.Linear(size, size, rng=rng)

    def forward(self, value: Any) -> Any:
        return value + np.tanh(self.inner(value))


def residual(blocks: int) -> Tensor:
    rng = np.random.default_rng(0)
    model = nn.Sequential(*[Block(4, rng) for _ in range(blocks)], nn.Linear(4, 1, rng=rng))
    out: Tensor = np.mean(model(x))
    return out


def deep(layers: int) -> Tensor:
    rng = np.random.default_rng(0)
    parts = [part for _ in range(layers) for part in (nn.Linear(4, 4, rng=rng), nn.Tanh())]
    return nn.MSELoss()(nn.Sequential(*parts)(x), x)  # type: ignore[no-any-return]


# Whose work is what


def test_operations_belong_to_the_innermost_module_that_computed_them() -> None:
    shown = picture(residual(1), collapse="none")
    assert titles(shown) == ["0 · Block", "1 · Linear(4, 1)", "0.inner · Linear(4, 4)"]
    assert homes(shown) == {
        "value": "", "W₁": "0.inner · Linear(4, 4)", "b₁": "0.inner · Linear(4, 4)", "Z₁": "0.inner · Linear(4, 4)",
        "A₁": "0 · Block", "v": "0 · Block", "W₂": "1 · Linear(4, 1)", "b₂": "1 · Linear(4, 1)",
        "Z₂": "1 · Linear(4, 1)", "out": "",
    }  # fmt: skip


def test_a_frame_stands_in_that_of_the_module_around_it() -> None:
    shown = picture(residual(1), collapse="none")
    by_title = {cluster.title: cluster for cluster in shown.clusters}
    assert by_title["0.inner · Linear(4, 4)"].parent == by_title["0 · Block"].id


def test_functions_have_no_frames() -> None:
    W = Tensor(np.ones((4, 1)), requires_grad=True)
    assert picture(np.mean(np.tanh(x @ W))).clusters == ()


def test_a_module_that_is_called_twice_has_two_frames() -> None:
    layer = nn.Linear(4, 4, rng=0)
    assert titles(picture(np.mean(layer(layer(x))), collapse="none")) == ["Linear(4, 4)", "Linear(4, 4)"]


def test_two_models_are_told_apart_by_their_variables() -> None:
    encoder, decoder = nn.Sequential(nn.Linear(4, 2, rng=0)), nn.Sequential(nn.Linear(2, 4, rng=0))
    shown = picture(np.mean(decoder(encoder(x))), {"encoder": encoder, "decoder": decoder}, collapse="none")
    assert [title for title in titles(shown) if "Sequential" in title] == [
        "encoder · Sequential",
        "decoder · Sequential",
    ]
    assert [card.name for card in shown.cards if card.kind == "parameter"] == ["W₁", "b₁", "W₂", "b₂"]


def test_a_module_that_gives_several_results_did_all_of_them() -> None:
    class Split(nn.Module):
        def forward(self, value: Any) -> Any:
            return {"low": value * 2.0, "rest": [np.exp(value), 3.0, (np.sin(value),)]}

    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    out = Split()(w)
    shown = picture(np.sum(out["low"] + out["rest"][0] + out["rest"][2][0]))
    assert [name for name, home in homes(shown).items() if home == "Split"] == ["w", "low", "v₁", "h"]


def test_what_a_module_hands_through_is_not_its_work() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    doubled = w * 2.0
    for _ in range(3):
        assert nn.Identity()(doubled) is doubled
    assert doubled._node.scope is None


def test_without_recording_nothing_is_remembered() -> None:
    with autograd.no_grad():
        assert nn.Linear(4, 2, rng=0)(x).requires_grad is False


def test_a_graph_freed_by_its_last_user_is_freed_with_its_modules() -> None:
    import gc
    import weakref

    layer = nn.Linear(4, 2, rng=0)
    gone = weakref.ref(layer)
    out = layer(x)
    del layer
    assert gone() is not None
    gc.disable()
    try:
        del out
        assert gone() is None
    finally:
        gc.enable()


# Levels


@pytest.mark.parametrize(
    ("depth", "kinds"),
    [
        (0, ["Sequential"]),
        (1, ["Block", "Block", "Linear(4, 1)"]),
        (2, ["Linear(4, 4)", "Linear(4, 4)", "Linear(4, 1)"]),  # the last one stands at level 1
    ],
)
def test_depth_draws_modules_from_a_level_on_as_cards(depth: int, kinds: list[str]) -> None:
    shown = picture(residual(2), depth=depth, collapse="none")
    assert [card.expression or card.name for card in shown.cards if card.kind == "layer"] == kinds


def test_a_card_of_a_module_says_what_it_holds() -> None:
    model = nn.MLP([4, 3, 2], rng=0)
    loss = nn.MSELoss()(model(x), x[:, :2])
    loss.backward()
    layer, activation, _, judged = (card for card in picture(loss, style="overview").cards if card.facts)
    told = {fact.label: fact.text for fact in layer.facts}
    assert (layer.name, layer.path) == ("Linear(4, 3)", "layers.0")
    assert told["params"] == "15"
    assert told["‖W‖"] == f"{np.linalg.norm(model.layers[0].weight.data):#.2g}"
    assert told["‖∂L/∂W‖"] == f"{np.linalg.norm(model.layers[0].weight.grad):#.2g}"
    assert [fact.label for fact in activation.facts] == ["zeros"]
    assert [fact.label for fact in judged.facts] == ["L", "∂L/∂L"]


def test_a_module_of_many_parameters_says_their_norm_in_one() -> None:
    shown = picture(residual(3), depth=0)
    (card,) = [card for card in shown.cards if card.expression == "Sequential"]
    assert [fact.label for fact in card.facts] == ["params", "‖θ‖", "‖∂out/∂θ‖"]


def test_a_model_that_is_one_card_has_the_name_of_its_variable() -> None:
    first, second = (nn.Sequential(nn.Linear(4, 4, rng=seed)) for seed in (0, 1))
    shown = picture(np.sum(second(first(x))), {"first": first, "second": second}, depth=0)
    assert [card.path for card in shown.cards if card.kind == "layer"] == ["first", "second"]


def test_an_overview_of_functions_has_norms_in_place_of_numbers() -> None:
    W = Tensor(np.ones((4, 2)), requires_grad=True, name="W")
    shown = picture(np.sum(x @ W), style="overview")
    card = next(card for card in shown.cards if card.name == "W")
    assert [fact.label for fact in card.facts] == ["params", "‖W‖", "‖∂L/∂W‖"]
    assert card.value is None


def test_edges_of_an_overview_say_what_they_carry() -> None:
    shown = picture(deep(1), style="overview")
    assert [edge.forward for edge in shown.edges] == ["5×4", "5×4", "5×4", "5×4"]
    assert all(edge.gradient.startswith("‖g‖ ") == edge.differentiable for edge in shown.edges)


# Repetition


def units(output: Tensor, level: Any = None) -> list[Unit]:
    return Graph(output._node, alone=True).units(level)


def test_what_repeats_is_drawn_once_with_its_count() -> None:
    shown = picture(deep(50))
    assert [title for title in titles(shown) if title.startswith("×")] == ["× 50 · 0 … 98"]
    assert [card.name for card in shown.cards if card.kind in ("layer", "operation")] == [
        "Linear(4, 4)", "Tanh",
    ]  # fmt: skip


def test_a_block_begins_where_a_module_does() -> None:
    (repeat,) = repeats(units(residual(20)))
    assert (repeat.start, repeat.period, repeat.count) == (0, 3, 20)


def test_a_chain_of_functions_repeats_too() -> None:
    W = Tensor(np.eye(4), requires_grad=True)
    h: Any = x
    for _ in range(30):
        h = np.tanh(h @ W)
    assert titles(picture(np.sum(h))) == ["× 30"]


def test_what_is_made_alike_and_used_apart_does_not_repeat() -> None:
    weights = [Tensor(np.eye(4), requires_grad=True) for _ in range(4)]
    queries, keys, values, gates = (x @ weight for weight in weights)
    assert repeats(units(np.sum(queries @ keys.T @ values * gates))) == []


def test_a_step_of_a_recurrent_network_begins_with_its_weights() -> None:
    U, W, b = (Tensor(np.ones(shape), requires_grad=True) for shape in ((4, 4), (4, 4), 4))
    h: Any = np.zeros((5, 4))
    for _ in range(6):
        h = np.tanh(x @ U + h @ W + b)
    (repeat,) = repeats(units(np.sum(h)))
    assert (repeat.start, repeat.period, repeat.count) == (0, 5, 6)


def test_of_what_repeats_a_picture_says_whose_numbers_it_has() -> None:
    assert picture(deep(50)).notes == (
        "dashed frame: a loop, with what enters its first round and the numbers of its last one",
    )
    assert picture(deep(1)).notes == ()


def test_a_fold_does_not_count_the_parameters_of_modules_that_are_drawn() -> None:
    q, k, v = (nn.Linear(4, 4, rng=seed)(x) for seed in range(3))
    scores = q @ k.T * Tensor(0.5, requires_grad=True)
    weights = np.exp(scores - np.max(scores.data))
    loss = np.mean(np.tanh(weights / np.sum(weights) @ v) ** 2 + x)
    shown = picture(loss, viewport=Viewport(640, 300))
    (fold,) = [card for card in shown.cards if card.kind == "fold"]
    layers = sum(card.kind == "layer" for card in shown.cards)
    assert fold.value is not None
    assert layers == 1
    assert fold.value.lines[-1] == "5 parameters"  # of the other two layers, and the factor


@pytest.mark.parametrize("make", [lambda: deep(50), lambda: _irregular(150)])
def test_a_folded_picture_says_how_to_unfold_it(make: Any) -> None:
    drawn = autograd.draw(make())
    assert repr(drawn).endswith(" operations, folded; collapse='none' draws everything>")
    folds = [card.name for card in drawn._diagram.cards if card.kind == "fold"]
    assert drawn.svg.count("; collapse='none' draws everything</title>") == len(folds)


@pytest.mark.parametrize("asked", [{"collapse": "none"}, {"depth": 0}, {"collapse": "modules"}, {"style": "overview"}])
def test_a_picture_that_is_as_asked_says_nothing_of_folds(asked: Any) -> None:
    assert repr(autograd.draw(deep(1), **asked)) == "<Picture of L: 3 operations>"


def test_numbers_that_differ_have_a_name_in_what_repeats() -> None:
    w, rates = Tensor(1.0, requires_grad=True), [1.0 / (1 + step) for step in range(30)]
    for step in range(30):
        w = w * rates[step] - 2.0**-step
    (card,) = [card for card in autograd.draw(w)._diagram.cards if card.kind != "parameter"]
    assert card.title == "w = w * rates[step] − 2.0^(−step)"


def test_numbers_whose_source_says_nothing_have_a_letter() -> None:
    x, w = Tensor(1.0, requires_grad=True), Tensor(0.5, requires_grad=True)
    for number in map(float, (3, 1, 4, 1, 5, 9, 2, 6)):  # noqa: B007
        x = w * x + eval("number")
    names = [card.title for card in autograd.draw(x)._diagram.cards if card.expression]
    assert names == ["x = w * x + cₜ"]


def test_two_of_a_kind_are_no_repetition() -> None:
    assert repeats(units(deep(2))) == []


def test_every_unit_is_in_one_repetition_at_most() -> None:
    w = Tensor(1.0, requires_grad=True)
    for block in range(3):
        for _ in range(10):
            w = np.sin(np.cos(w)) if block % 2 else np.exp(-w)
    found = repeats(units(w))
    assert all(first.stop <= second.start for first, second in pairwise(found))
    assert sum(repeat.count * repeat.period for repeat in found) >= 50


def test_the_gradient_of_what_every_block_shares_is_that_of_all() -> None:
    W = Tensor(np.eye(4), requires_grad=True, name="W")
    h: Any = x
    for _ in range(30):
        h = np.tanh(h @ W)
    shown = picture(np.sum(h), collapse="auto")
    (card,) = [card for card in shown.cards if card.name == "W"]
    assert card.note == "sum over 30 uses"
    assert card.cluster == ""


# Size


NETWORKS = {
    "fifty layers": lambda: deep(50),
    "a thousand operations": lambda: _chain(1000),
    "784-256-128-10": lambda: nn.functional.mse_loss(
        nn.MLP([784, 256, 128, 10], rng=0)(np.ones((2, 784))), np.ones((2, 10))
    ),
    "residual": lambda: residual(12),
    "one operation": lambda: Tensor(2.0, requires_grad=True) * 3.0,
    "thirty different operations": lambda: _irregular(30),
}


def _chain(length: int) -> Tensor:
    w = Tensor(1.0, requires_grad=True)
    for _ in range(length):
        w = np.sin(w)
    return w


def _irregular(length: int) -> Tensor:
    w = Tensor(np.ones((3, 3)), requires_grad=True)
    for step in range(length):
        w = np.sin(w * (1.0 + 1.0 / (1.0 + step))) + w
    return np.sum(w)  # type: ignore[no-any-return]


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("style", ["cards", "overview", "plain"])
def test_a_picture_fits_a_slide_with_text_of_12_pixels(make: Any, style: str) -> None:
    from xml.etree import ElementTree

    svg = autograd.draw(make(), style=style).svg  # type: ignore[arg-type]
    root = ElementTree.fromstring(svg)
    across, down = float(root.get("width", "0")), float(root.get("height", "0"))
    scale = across / float(root.get("viewBox", "").split()[2])
    sizes = [float(text.get("font-size", "12")) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert across <= 1281
    assert down <= 721
    assert min(sizes) * scale >= (12 if HTML_LABELS else 10)  # plain cards are larger than was planned for


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_size_is_known_before_it_is_drawn(make: Any, direction: Any) -> None:
    from xml.etree import ElementTree

    made = autograd.draw(make(), direction=direction)
    style = STYLES["cards" if HTML_LABELS else "plain"]
    told = estimated_size(made._diagram, Viewport(down=direction == "TB"), style)
    real = [float(side) for side in ElementTree.fromstring(made.svg).get("viewBox", "").split()[2:]]
    along = 1 if direction == "TB" else 0
    assert told[along] == pytest.approx(real[along], rel=0.15, abs=250)  # a legend may be wider than few cards


def test_less_room_means_less_detail() -> None:
    loss = residual(2)
    wide, narrow = (autograd.draw(loss, size=size) for size in ((4000, 2000), (900, 500)))
    assert len(wide._diagram.cards) > len(narrow._diagram.cards)
    assert wide.readability() >= 1


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"depth": -1}, ValueError, "depth is at least 0, not -1"),
        ({"depth": 1.5}, TypeError, "depth is a whole number, not 1.5"),
        ({"collapse": "some"}, ValueError, "collapse is 'auto' or 'none' or 'modules', not 'some'"),
        ({"size": (1280,)}, TypeError, r"size is a pair of pixels, such as \(1280, 720\)"),
        ({"size": (10, 10)}, ValueError, "at least 100 pixels each"),
        ({"size": "slide"}, TypeError, "size is a pair of pixels"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        autograd.draw(residual(1), **asked)
