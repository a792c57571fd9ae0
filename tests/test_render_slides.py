"""Pictures of other people's graphs, on the coordinates of their SVG: each can be shown on a slide of 1280 x 720."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from installed import DOT, HTML_LABELS
from slides import PICTURES
from test_render_gallery import SVG, apart, canvas, groups, inside, outline, written

from autograd.notation.names import pretty
from autograd.notation.numbers import show


@pytest.fixture(scope="module", params=PICTURES.values(), ids=PICTURES.keys())
def slide(request: pytest.FixtureRequest) -> tuple[str, Any, dict[str, Any], Element]:
    with np.errstate(all="ignore"):
        made = request.param()
    picture, gradients = (made[0], made[1]) if isinstance(made, tuple) else (made, {})
    return request.param.__name__, picture, gradients, ElementTree.fromstring(picture.svg)


def scale(root: Element) -> float:
    """Pixels a point where the whole picture is shown on the slide."""
    across, down = map(float, root.get("viewBox", "").split()[2:])
    return min(1280 / across, 720 / down)


def test_all_text_has_12_pixels(slide: Any) -> None:
    root = slide[3]
    sizes = [float(text.get("font-size", "12")) for text in root.iter(f"{SVG}text")]
    # The Graphviz that pip installs sets a little wider, the embedded one other cards.
    assert min(sizes) * scale(root) >= (11.99 if DOT else 11 if HTML_LABELS else 8)


def test_nothing_is_cut_and_no_cards_overlap(slide: Any) -> None:
    root = slide[3]
    whole, boxes = canvas(root), [outline(group) for group in groups(root, "node")]
    assert all(inside(box, whole, 1) for box in boxes)
    for position, box in enumerate(boxes):
        assert all(apart(box, other) for other in boxes[:position])
    for text in root.iter(f"{SVG}text"):
        place = written(text)
        assert inside(place, whole, 0.06 * (place[2] - place[0])), "".join(text.itertext())


def test_named_values_are_there_with_the_gradients_of_the_engine(slide: Any) -> None:
    _, picture, gradients, _ = slide
    cards = {card.name: card for card in picture._diagram.cards}
    for name, gradient in gradients.items():
        card = next(cards[known] for known in (pretty(name), f"{pretty(name)}₃", name) if known in cards)
        if card.gradient is not None and card.gradient.cells:
            assert card.gradient.cells == show(gradient).cells, name


def test_a_long_line_is_laid_in_rows(slide: Any) -> None:
    """No more than a third of the height is empty where that would make text larger."""
    _, picture, _, root = slide
    across, down = map(float, root.get("viewBox", "").split()[2:])
    computed = [card for card in picture._diagram.cards if card.expression]
    if HTML_LABELS and across / down > 1280 / 480:
        assert len(computed) <= 8
