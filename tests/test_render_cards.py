"""The cards style as DOT text."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd
from autograd import Tensor
from autograd.render import palette
from autograd.render.language import quote

GOLDEN = Path(__file__).parent / "golden"
NETWORK = """
import numpy as np, autograd
from autograd import Tensor
x, y = np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8]]), np.array([[1.0], [0.0], [1.0]])
W1 = Tensor([[0.8, -0.5, 0.3], [-0.4, 0.9, 0.6]], requires_grad=True)
b1 = Tensor([0.1, -0.2, 0.0], requires_grad=True)
W2, b2 = Tensor([[0.7], [-1.1], [0.4]], requires_grad=True), Tensor([0.05], requires_grad=True)
h = np.maximum(0, x @ W1 + b1)
y_hat = h @ W2 + b2
L = np.mean((y_hat - y) ** 2)
picture = autograd.draw(L, title="2-3-1")
"""


def network() -> autograd.render.Picture:
    scope: dict[str, autograd.render.Picture] = {}
    exec(NETWORK, scope)
    return scope["picture"]


def labels(source: str) -> dict[str, ElementTree.Element]:
    """The cards' labels by id, parsed: they must be well-formed."""
    found = re.findall(r"^(n\d+) \[.* label=<(.*)>\]$", source, re.MULTILINE)
    return {identity: ElementTree.fromstring(label) for identity, label in found}


def texts(source: str) -> list[str]:
    return ["".join(label.itertext()) for label in labels(source).values()]


def test_the_picture_of_a_network_is_the_golden_one() -> None:
    """To accept a change: look at the picture, then write `picture.source` to the file."""
    assert network().source == (GOLDEN / "cards_network.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_the_text_does_not_depend_on_hash_order(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
    run = [sys.executable, "-c", NETWORK + "print(picture.source, end='')"]
    done = subprocess.run(run, env=environment, capture_output=True, check=True)
    assert done.stdout.decode() == network().source


def test_a_card_has_formula_shape_value_and_gradient() -> None:
    w = Tensor([1.0, -2.0], requires_grad=True)
    loss = np.sum(w)
    assert texts(autograd.draw(loss).source) == ["w21.00−2.001.001.00", "loss= Σ wscalar−1.001.00"]


@pytest.mark.parametrize(
    "name",
    [
        "<lambda>",
        "a & b",
        'say "x"',
        "it's",
        "back\\slash \\N \\G",
        "a:b:c",
        "-->",
        "</TABLE>",
        "权重",
        "&lt;",
    ],
)
def test_any_name_is_text(name: str) -> None:
    w = Tensor(1.0, requires_grad=True, name=name)
    assert texts(autograd.draw(w * 2.0, title=name).source)[0].replace("\\\\", "\\").startswith(f"{name}scalar")


def test_numbers_that_are_not_finite_are_marked() -> None:
    w = Tensor([np.nan, 1.0], requires_grad=True)
    label = labels(autograd.draw(w * 2.0).source)["n0"]
    marked = [cell for cell in label.iter("TD") if cell.get("BGCOLOR") == palette.ALARM_GROUND]
    assert ["".join(cell.itertext()) for cell in marked] == ["NaN"]


def test_an_array_of_middle_size_is_drawn_as_cells_of_its_colours() -> None:
    w = Tensor(np.linspace(-1, 1, 25).reshape(5, 5), requires_grad=True)
    label = labels(autograd.draw(np.sum(w), grads=False).source)["n0"]
    cells = [cell.get("BGCOLOR") for cell in label.iter("TD") if cell.get("FIXEDSIZE")]
    assert (len(cells), cells[0], cells[12], cells[24]) == (
        25,
        palette.NEGATIVE,
        palette.ZERO,
        palette.POSITIVE,
    )


def test_the_main_path_is_straight_and_parameters_stand_beside_it() -> None:
    w, x, b = Tensor(2.0, requires_grad=True), Tensor(3.0), Tensor(1.0, requires_grad=True)
    source = autograd.draw(w * x + b, detail="operations").source
    spine = re.findall(r"^(n\d+) \[.*group=\"spine 0\"", source, re.MULTILINE)
    columns = re.findall(r"\{ rank=same; (n\d+); (n\d+) \}", source)
    assert (spine, columns) == (["n1", "n2", "n4"], [("n0", "n2"), ("n3", "n4")])


def edges(source: str) -> list[str]:
    return re.findall(r"^n\d+ -> n\d+ .*$", source, re.MULTILINE)


def test_gradients_come_back_along_the_edges_of_what_has_them() -> None:
    w, x = Tensor(2.0, requires_grad=True), Tensor(3.0)
    backward = [palette.BACKWARD in edge for edge in edges(autograd.draw(w * x).source)]
    dashed = ["dashed" in edge for edge in edges(autograd.draw(w * x).source)]
    assert (backward, dashed) == ([True, False], [False, True])


def test_without_gradients_no_edge_goes_back() -> None:
    w, x = Tensor(2.0, requires_grad=True), Tensor(3.0)
    source = autograd.draw(w * x, grads=False).source
    assert palette.BACKWARD not in source
    assert "gradient ∂" not in source


def test_the_legend_explains_what_occurs_and_nothing_else() -> None:
    w = Tensor(2.0, requires_grad=True)
    loss = w * w
    label = re.search(r"^graph \[.* label=<(.*)>\]$", autograd.draw(loss).source, re.MULTILINE)
    assert label is not None
    told = [text.strip() for text in ElementTree.fromstring(label[1]).itertext()]
    assert told == ["parameter", "loss", "value", "gradient ∂loss/∂(value)", "→ forward", "← backward"]


def test_from_top_to_bottom() -> None:
    assert "rankdir=TB" in autograd.draw(Tensor(2.0, requires_grad=True) * 2.0, direction="TB").source


def test_dot_strings_are_escaped() -> None:
    assert quote('a"b\\c\nd&e') == '"a\\"b\\\\c\\nd&amp;e"'


# Colours


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


HEADERS = [tint.header for tint in palette.TINTS.values()]
TEXTS = [
    *itertools.product((palette.INK, palette.MUTED), dict.fromkeys([*HEADERS, palette.CANVAS])),
    (palette.VALUE, palette.CANVAS),
    (palette.GRADIENT, palette.GRADIENT_GROUND),
    (palette.GRADIENT, palette.CANVAS),
    (palette.ALARM, palette.ALARM_GROUND),
    (palette.ALARM, palette.CANVAS),
    (palette.ALARM, palette.GRADIENT_GROUND),
    (palette.CANVAS, palette.ALARM),
    (palette.MUTED, palette.CLUSTER_GROUND),
    (palette.GRADIENT, palette.CLUSTER_GROUND),
    (palette.INK, palette.CLUSTER_GROUND),
    *palette.VERDICTS.values(),
    *((tint.text, palette.CANVAS) for tint in palette.TINTS.values()),
]


@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_can_be_read_on_its_ground(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("share", "moves"), [(0.5, "blue"), (-0.5, "orange")])
def test_heat_goes_from_pale_to_the_colour_of_the_sign(share: float, moves: str) -> None:
    ends: dict[str, str] = {"blue": palette.POSITIVE, "orange": palette.NEGATIVE}
    paler, colour = luminance(palette.ZERO), luminance(ends[moves])
    assert colour < luminance(palette.heat(share)) < paler


def test_all_kinds_of_card_have_a_colour() -> None:
    from typing import get_args

    from autograd.render.diagram import Kind

    assert palette.TINTS.keys() == set(get_args(Kind))
