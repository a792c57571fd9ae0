"""A style is one object: the recipe of the README works for a stranger, on every renderer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from installed import needs_backend

import autograd
from autograd import Tensor
from autograd.render import Style, register_style, style
from autograd.render.backends import BACKENDS, Backend

SVG = "{http://www.w3.org/2000/svg}"
PAGE = Path(style.__file__).with_name("README.md")
(RECIPE,) = (
    block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "register_style(" in block
)


@pytest.fixture(autouse=True)
def own_styles() -> Iterator[None]:
    """Styles that a test registers end with it."""
    kept = dict(style.STYLES)
    yield
    style.STYLES.clear()
    style.STYLES.update(kept)


@pytest.fixture(params=[pytest.param(b, marks=needs_backend[b.name]) for b in BACKENDS], ids=lambda b: b.name)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Draw by one renderer only."""
    chosen: Backend = request.param
    monkeypatch.setattr("autograd.render.picture.BACKENDS", (chosen,))
    return chosen


def loss() -> Tensor:
    w, x = Tensor([2.0, -1.0], requires_grad=True, name="w"), np.array([1.0, 3.0])
    products = w * x
    squares = products**2
    return np.mean(squares)  # type: ignore[return-value]


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_recipe_is_short() -> None:
    assert len([line for line in RECIPE.splitlines() if line.strip()]) <= 25


def test_the_recipe_draws_with_every_renderer(backend: Backend) -> None:
    exec(RECIPE, {})
    picture = autograd.draw(loss(), style="bubbles", detail="operations", title="Two < three")
    root = ElementTree.fromstring(picture.svg)
    nodes = [group for group in root.iter(f"{SVG}g") if group.get("class") == "node"]
    assert [len(list(group.iter(f"{SVG}ellipse"))) for group in nodes] == [1] * 5
    assert {"w", "2", "squares = products²", "L = mean(squares)", "6.50", "Two < three"} <= set(texts(picture.svg))
    fills = {ellipse.get("fill") for ellipse in root.iter(f"{SVG}ellipse")}
    assert {"gold", "pink", "lightblue"} <= fills
    assert picture.source.count(" -> ") == 4


def test_the_recipe_refuses_what_it_cannot_show() -> None:
    exec(RECIPE, {})
    w = Tensor(np.ones((2, 2, 2)), requires_grad=True, name="w")
    with pytest.raises(ValueError, match=r"bubbles are too small for w of shape \(2, 2, 2\)"):
        autograd.draw(np.sum(w), style="bubbles")


def test_an_unknown_style_is_an_error_that_lists_those_of_strangers_too() -> None:
    exec(RECIPE, {})
    with pytest.raises(ValueError, match="'plain' or 'bubbles', not 'bubble'"):
        autograd.draw(loss(), style="bubble")


def test_frames_take_a_style_that_shows_moments(tmp_path: Path) -> None:
    exec(RECIPE, {})
    with pytest.raises(ValueError, match="style 'bubbles' draws no single moments.*'cards' or 'circuit' or 'plain'"):
        autograd.frames(loss(), tmp_path, style="bubbles")
    register_style(Style("moments", style.STYLES["bubbles"].source, moments=True))
    assert len(autograd.frames(loss(), tmp_path, style="moments", detail="operations")) > 5


def markup(diagram: Any, direction: str) -> str:
    """A style with HTML-like labels, which not every renderer knows."""
    cards = [f"{card.id} [label=<<B>{card.name}</B>!>]" for card in diagram.cards]
    return "\n".join(["digraph {", *cards, *(f"{edge.tail} -> {edge.head}" for edge in diagram.edges), "}"])


def test_a_style_with_markup_is_drawn_plain_where_nobody_knows_it_and_says_so(backend: Backend) -> None:
    register_style(Style("markup", markup, html=True))
    drawn = texts(autograd.draw(loss(), style="markup", detail="operations").svg)
    told = " ".join(drawn)
    if backend.html:
        assert "".join(drawn).count("!") == 5
    else:
        assert "drawn as plain cards; for the style 'markup' install Graphviz (dot)" in told


def test_a_circuit_says_what_is_drawn_in_its_place(backend: Backend) -> None:
    x = Tensor(3.0, requires_grad=True, name="x")
    drawn = texts(autograd.draw(x * x, style="circuit").svg)
    assert any("drawn as plain cards" in text for text in drawn) != backend.html


def test_a_wrong_gradient_has_a_red_border_with_every_renderer(backend: Backend) -> None:
    x = Tensor(3.0, requires_grad=True, name="x")
    svg = autograd.draw_comparison(x * x, {x: 5.0}).svg
    assert autograd.render.palette.ALARM in {
        path.get("stroke", "").upper() for path in ElementTree.fromstring(svg).iter(f"{SVG}path")
    }


def test_a_style_that_leaves_something_out_is_refused(backend: Backend) -> None:
    register_style(Style("gaps", lambda diagram, direction: "digraph { n0 }"))
    with pytest.raises(RuntimeError, match="it drew 1 of 5 cards"):
        _ = autograd.draw(loss(), style="gaps", detail="operations").svg
