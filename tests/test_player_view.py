"""How the page of a player is seen: sizes, telephones, in the dark and on paper; search, paths, folds and notes."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser
from installed import needs_browser, needs_dot
from test_player import card, count, text

import autograd
import nn
from autograd import Tensor
from autograd.notation.numbers import number
from autograd.render import palette
from autograd.render.themes import THEMES, themed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages about one network: each operation, and each module as a card."""
    made = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 6)), rng.normal(size=(4, 2))
    model = nn.MLP([6, 8, 8, 2], rng=0)
    loss = nn.functional.mse_loss(model(x), y)
    autograd.player(loss, made / "whole.html")
    notes: dict[Any, str] = {0: "Welcome", "loss": "A mean over the batch"}
    autograd.player(loss, made / "modules.html", collapse="modules", notes=notes)
    a, b = Tensor(2.0, requires_grad=True), Tensor(-3.0, requires_grad=True)
    c = a * b
    d = np.tanh(c + a)
    autograd.player(d * a, made / "scalars.html", detail="operations")
    autograd.player(np.exp(a * b) - a, made / "statement.html")
    W, V, b = (Tensor(rng.normal(size=shape), requires_grad=True) for shape in ((2, 8), (8, 2), 8))
    h = np.tanh(y @ W + b)
    autograd.player(np.mean((h @ V - y) ** 2), made / "high.html")
    return made


@pytest.fixture
def opened(browser: Browser, folder: Path) -> Any:
    """Opens one of them at a step, in a window of a slide's size."""

    def at(page: str, step: int = 0, width: int = 1280, height: int = 720) -> Browser:
        browser.resize(width, height)
        browser.call("Emulation.setEmulatedMedia", media="", features=[])
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
        browser.open(f"{folder}/{page}.html#{step}")
        return browser

    return at


def scale(browser: Browser) -> float:
    """Pixels a point of the picture."""
    found: float = browser.run("document.querySelector('.picture:not([hidden])').getScreenCTM().a")
    return found


def scrolled(browser: Browser) -> list[float]:
    found: list[float] = browser.run("(m => [m.scrollLeft, m.scrollTop])(document.querySelector('main'))")
    return found


# Sizes

SMALLEST = "Math.min(...[...document.querySelectorAll('.picture:not([hidden]) text')].map(t => t.getScreenCTM().a"
SMALLEST += " * parseFloat(getComputedStyle(t).fontSize)))"


@needs_browser
@needs_dot
@pytest.mark.parametrize(("page", "beside"), [("high", True), ("modules", True), ("scalars", False)])
def test_what_is_known_of_a_card_stands_where_the_picture_is_larger(opened: Any, page: str, beside: bool) -> None:
    browser = opened(page)
    known = "document.querySelector('aside').getBoundingClientRect()"
    assert (browser.run(f"{known}.left") > 640) == beside
    assert browser.run(
        "(m => m.scrollWidth <= m.clientWidth && m.scrollHeight <= m.clientHeight)(document.querySelector('main'))"
    )
    assert opened(page, 0, 1000, 720).run(f"{known}.left") == 0  # too narrow for that


@needs_browser
@needs_dot
@pytest.mark.parametrize("page", ["whole", "modules", "scalars", "high"])
def test_text_has_twelve_pixels_on_a_slide(opened: Any, page: str) -> None:
    assert opened(page).run(SMALLEST) >= 11.99


@needs_browser
@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
@pytest.mark.parametrize("page", ["whole", "modules", "scalars", "high"])
def test_numbers_are_never_below_the_fold_nor_over_the_picture(opened: Any, page: str, size: tuple[int, int]) -> None:
    browser = opened(page, 0, *size)
    below = browser.run(
        """(() => {
          const below = [], parts = document.querySelectorAll("nav button");
          const end = +document.getElementById("slider").max;
          const main = document.querySelector("main"), aside = document.querySelector("aside");
          for (let step = 0; step <= end; step++) {
            for (const part of parts) {
              part.click();
              for (const section of document.querySelectorAll("section"))
                if (section.clientHeight && section.scrollHeight > section.clientHeight + 1)
                  below.push([step, section.dataset.part, section.scrollHeight - section.clientHeight]);
            }
            document.getElementById("next").click();
          }
          const picture = main.getBoundingClientRect(), known = aside.getBoundingClientRect();
          if (picture.bottom > known.top + 1 && picture.right > known.left + 1) below.push("over");
          return below;
        })()"""
    )
    assert below == []


@needs_browser
@pytest.mark.parametrize(("how", "larger"), [("+", True), ("-", False), ("#larger", True), ("#smaller", False)])
def test_keys_and_buttons_change_the_size(opened: Any, how: str, larger: bool) -> None:
    browser = opened("whole")
    before = scale(browser)
    (browser.click if how.startswith("#") else browser.press)(how)
    assert (scale(browser) > before) is larger
    assert scale(browser) != before
    browser.press("0")
    browser.press("0")
    assert scale(browser) == pytest.approx(before, rel=0.01)


def over(browser: Browser, selector: str) -> tuple[float, float]:
    """The middle of an element."""
    middle = "(b => [b.left + b.width / 2, b.top + b.height / 2])"
    x, y = browser.run(f"{middle}(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")
    return x, y


@needs_browser
def test_a_wheel_with_control_zooms_about_the_pointer(opened: Any) -> None:
    browser = opened("whole", 5)
    x, y = over(browser, ".card.active")
    before = scale(browser)
    browser.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-120, modifiers=2)
    browser.wait(f"document.querySelector('.picture').getScreenCTM().a > {before * 1.2}")
    assert over(browser, ".card.active") == (pytest.approx(x, abs=3), pytest.approx(y, abs=3))


@needs_browser
def test_two_fingers_zoom(opened: Any) -> None:
    browser = opened("whole", 0, 390, 844)
    before = scale(browser)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 90)):
        points = [{"x": 200 - apart, "y": 300, "id": 0}, {"x": 200 + apart, "y": 300, "id": 1}]
        browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert scale(browser) > 1.5 * before


@needs_browser
def test_the_picture_is_dragged_and_panned_by_keys_and_that_is_no_click(opened: Any) -> None:
    browser = opened("whole", 3)
    for _ in range(4):
        browser.press("+")
    x, y = over(browser, ".card.active")
    start = scrolled(browser)
    for kind, at in (("mousePressed", 0), ("mouseMoved", 30), ("mouseMoved", 60), ("mouseReleased", 60)):
        browser.call("Input.dispatchMouseEvent", type=kind, x=x - at, y=y, button="left", buttons=1, clickCount=1)
    assert scrolled(browser)[0] == pytest.approx(start[0] + 60, abs=2)
    assert browser.run("document.querySelectorAll('.chosen').length") == 0
    before = scrolled(browser)
    browser.run("dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', shiftKey: true}))")
    assert scrolled(browser)[0] > before[0]
    assert count(browser) == 3


# Telephones


@needs_browser
def test_a_telephone_has_all_of_it(opened: Any) -> None:
    browser = opened("whole", 12, 390, 844)
    outside = browser.run(
        """[...document.querySelectorAll("button, input, #caption, section")].filter(one => one.checkVisibility())
        .filter(one => { const b = one.getBoundingClientRect(); return b.left < 0 || b.right > 390 || b.bottom > 844 })
        .map(one => one.id || one.dataset.part)"""
    )
    assert outside == []
    assert browser.run("document.querySelector('main').clientHeight") > 300
    assert browser.run("Math.min(...['back', 'play', 'next'].map(id => document.getElementById(id).clientHeight))") > 40
    browser.click("nav [data-part=gradient]")
    shown = "[...document.querySelectorAll('section')].filter(s => s.checkVisibility()).map(s => s.dataset.part)"
    assert browser.run(shown) == ["gradient"]


# In the dark, and on paper


@needs_browser
def test_the_page_is_dark_where_the_system_is(opened: Any) -> None:
    browser = opened("whole", 8)
    look = """[getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector('.card:not(.active) .head')).fill]"""
    light = browser.run(look)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.run("new Promise(end => setTimeout(end, 250))")  # colours fade
    dark = browser.run(look)

    def rgb(colour: str) -> str:
        return f"rgb({', '.join(str(int(colour[k : k + 2], 16)) for k in (1, 3, 5))})"

    header = palette.TINTS["data"].header
    assert light == [rgb(palette.CANVAS), rgb(header)]
    assert dark == [rgb(themed(palette.CANVAS, "dark")), rgb(themed(header, "dark"))]


def test_every_colour_of_a_picture_has_one_for_the_dark(folder: Path) -> None:
    page = (folder / "whole.html").read_text(encoding="utf-8")
    picture = page[page.index("<main>") : page.index("</main>")]
    colours = {colour.upper() for colour in re.findall(r'(?:fill|stroke)="(#[0-9A-Fa-f]{6})"', picture)}
    assert {colour for colour in colours if colour not in THEMES["dark"]} == set()
    assert all(f'[fill="{colour}" i]' in page for colour in colours)


@needs_browser
def test_paper_has_the_whole_picture_with_what_happens_and_its_rule(opened: Any) -> None:
    browser = opened("whole", 12)
    printed = b64decode(browser.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    shown = """(id => document.getElementById(id).checkVisibility())"""
    seen = {id: browser.run(f"{shown}('{id}')") for id in ("caption", "rule", "value", "tools", "slider", "play")}
    assert seen == {"caption": True, "rule": True, "value": True, "tools": False, "slider": False, "play": False}
    assert browser.run("document.querySelector('.picture').getBoundingClientRect().width <= innerWidth")


# Search, and paths


@needs_browser
def test_a_name_is_found(opened: Any) -> None:
    browser = opened("whole", 3)
    browser.press("/")
    browser.call("Input.insertText", text="w3")
    found = "[...document.querySelectorAll('.found')].map(card => card.id)"
    wanted = card(browser, "W₃")
    assert browser.run(found) == [wanted[1:]]
    browser.press("ArrowLeft")
    assert count(browser) == 3  # it moves in the text
    browser.press("Enter")
    assert text(browser, "#which") == "W₃"
    inside = """(([a, b]) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom)(
        ['.chosen', 'main'].map(selector => document.querySelector(selector).getBoundingClientRect()))"""
    browser.wait(inside)
    browser.press("Escape")
    assert (browser.run(found), browser.run("document.getElementById('find').value")) == ([], "")


@needs_browser
def test_a_name_that_is_not_there_is_marked(opened: Any) -> None:
    browser = opened("whole")
    browser.press("/")
    browser.call("Input.insertText", text="layers.1.weight")  # a path is a name too
    assert browser.run("document.querySelectorAll('.found').length") == 1
    browser.call("Input.insertText", text="nothing")
    assert browser.run("document.getElementById('find').ariaInvalid") == "true"


@needs_browser
def test_a_pointer_shows_what_a_value_is_made_of_and_where_it_goes(opened: Any) -> None:
    browser = opened("whole", 0)
    browser.press("0")
    browser.run("new Promise(end => requestAnimationFrame(end))")
    x, y = over(browser, f"{card(browser, 'A₁')} text")
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    path = "[...document.querySelectorAll('.card.path')].map(card => card.id)"
    names = {made["id"]: made["name"] for made in json.loads(text(browser, "#data"))["cards"]}
    assert {names[id] for id in browser.run(path)} == {"x", "W₁", "b₁", "Z₁", "A₁", "Z₂", "A₂", "Z₃", "loss"}
    assert browser.run("document.querySelectorAll('.edge.path').length") == 8
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    assert browser.run("document.querySelectorAll('.path, .traced').length") == 0


# Folds


@needs_browser
def test_a_click_opens_a_module_and_it_can_be_folded_again(opened: Any) -> None:
    browser = opened("modules", 13)
    data = json.loads(text(browser, "#data"))
    module = next(made for made in data["cards"] if made["name"] == "Linear(8, 8)")
    browser.click(f"#{module['id']} text")
    assert browser.run("[...document.querySelectorAll('.picture:not([hidden])')].map(p => p.id)") == ["unfolded"]
    assert text(browser, "#count") == f"{len(data['unfolded']['steps']) - 1} / {len(data['unfolded']['steps']) - 1}"
    browser.click("#fold")
    assert browser.run("[...document.querySelectorAll('.picture:not([hidden])')].map(p => p.id)") == ["picture"]
    assert count(browser) == 13
    browser.press("Home")
    browser.click(f"#{module['id']} text")
    assert count(browser) == 0
    browser.press("Escape")
    assert text(browser, "#count") == "0 / 13"


def test_what_opens_is_what_was_folded(folder: Path) -> None:
    page = (folder / "modules.html").read_text(encoding="utf-8")
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    data = json.loads(found[1])  # type: ignore[index]
    names = {made["id"]: made["name"] for made in data["unfolded"]["cards"]}
    opened = {made["name"]: [names[id] for id in made["opens"]] for made in data["cards"] if "opens" in made}
    assert opened["Linear(8, 8)"] == ["Z₂"]
    ids = re.findall(r'<[^>]* id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "unfolded" not in json.loads(
        re.search(r"json\">(.*?)</script>", (folder / "whole.html").read_text(encoding="utf-8"))[1]  # type: ignore[index]
    )


def test_what_a_fold_holds_is_one_click_away() -> None:
    w = Tensor(0.9, requires_grad=True, name="w")
    values = [w * 1.0]
    for _ in range(1001):
        values.append(values[-1] * w)
    page = autograd.player(values[-1])
    cards = json.loads(re.search(r'json">(.*?)</script>', page.html)[1])["cards"]  # type: ignore[index]
    (fold,) = (made["value"] for made in cards if made["about"].startswith("fold"))
    head, *rows = (row.split(" ") for row in fold["rows"])
    assert head == ["operation", "shape", "largest", "gradient"]
    hidden = int(fold["lines"][0].split(" ")[0].replace(",", ""))
    first = next(place for place, value in enumerate(values) if number(value.data) == rows[0][2])
    assert rows[-1][2] == number(values[first + hidden - 1].data)
    assert len(rows) == 8


def inside(page: autograd.Player, name: str) -> list[list[str]]:
    """What a card says that it holds."""
    cards = json.loads(re.search(r'json">(.*?)</script>', page.html)[1])["cards"]  # type: ignore[index]
    (rows,) = (made["inside"]["rows"] for made in cards if name in (made["name"], made["expression"]))
    return [row.split(" ") for row in rows]


def test_a_statement_holds_its_operations_with_their_numbers() -> None:
    x, w = np.array([0.5, -2.0]), Tensor([1.0, 0.5], requires_grad=True, name="w")
    loss = -np.sum(np.exp(w * x))
    rows = inside(autograd.player(loss), "loss")
    products, powers = w.data * x, np.exp(w.data * x)
    told = [("w\xa0*\xa0x", "2", -1.0, -powers[0]), ("exp(w\xa0*\xa0x)", "2", powers[0], -1.0)]
    told += [
        ("sum(exp(w\xa0*\xa0x))", "scalar", powers.sum(), -1.0),
        ("−sum(exp(w\xa0*\xa0x))", "scalar", -powers.sum(), 1.0),
    ]
    assert abs(products).argmax() == 1
    assert rows[1:] == [[text, shape, number(value), number(gradient)] for text, shape, value, gradient in told]


def test_a_module_that_is_not_drawn_unfolded_holds_its_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("autograd.render.player"), "MOST_UNFOLDED", 0)
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh())
    page = autograd.player(np.sum(model(np.ones((1, 2)))), depth=0)
    assert [row[0] for row in inside(page, "Sequential")] == ["operation", "linear", "tanh"]


@needs_browser
def test_a_click_shows_what_a_statement_holds(opened: Any) -> None:
    browser = opened("statement", 99)
    data = json.loads(text(browser, "#data"))
    made = next(made for made in data["cards"] if "inside" in made)
    assert text(browser, "#how") == "This step"
    browser.click(f"#{made['id']} text")
    assert text(browser, "#how") == "Inside"
    assert browser.run("document.querySelectorAll('#rule tr').length") == len(made["inside"]["rows"])
    assert browser.run("document.querySelectorAll('#rule tr:last-child td').length") == 4
    browser.press("Home")
    browser.click(f"#{made['id']} text")
    assert text(browser, "#rule") == "not computed yet"
    browser.press("Escape")
    assert text(browser, "#how") == "This step"


# Notes


@needs_browser
def test_notes_are_shown_when_they_are_asked_for(opened: Any) -> None:
    browser = opened("modules", 0)
    assert not browser.run("document.getElementById('notes').checkVisibility()")
    browser.press("n")
    assert text(browser, "#notes") == "Welcome"
    assert browser.run("document.getElementById('notes').checkVisibility()")
    browser.press("ArrowRight")
    assert text(browser, "#notes") == "No note for this step."
    browser.run("location.hash = '#6'")
    browser.wait("document.getElementById('notes').textContent === 'A mean over the batch'")
    browser.press("n")
    assert not browser.run("document.getElementById('notes').checkVisibility()")


@needs_browser
def test_a_page_without_notes_has_no_button_for_them(opened: Any) -> None:
    browser = opened("whole")
    browser.press("n")
    assert not browser.run("document.getElementById('noted').checkVisibility()")
    assert not browser.run("document.getElementById('notes').checkVisibility()")


def test_notes_go_by_steps_tensors_and_names() -> None:
    x = Tensor(3.0, requires_grad=True)
    z1 = x * x
    page = autograd.player(z1 * 2, notes={1: "one", x: "given", "z1": "squared", "z₁": "again"})
    data = json.loads(re.search(r"json\">(.*?)</script>", page.html)[1])  # type: ignore[index]
    said = {place: step["spoken"] for place, step in enumerate(data["steps"]) if "spoken" in step}
    assert said[0] == "given"
    assert said[1].split("\n") == ["one", "squared", "again"]


@pytest.mark.parametrize(
    ("notes", "error", "message"),
    [
        ({99: "x"}, ValueError, "notes has the step 99, which is not on this page: steps are 0 to 5, names are x"),
        ({"nobody": "x"}, ValueError, "notes has 'nobody', which is not on this page"),
        ({Tensor(1.0): "x"}, ValueError, "notes has a Tensor, which is not on this page"),
        ({1: 2}, TypeError, "notes maps steps, Tensors or names to text"),
        ({1.5: "x"}, TypeError, "notes maps steps, Tensors or names to text"),
        (["x"], TypeError, "notes is a dictionary"),
    ],
)
def test_notes_about_nothing_are_refused(notes: Any, error: type[Exception], message: str) -> None:
    x = Tensor(3.0, requires_grad=True)
    with pytest.raises(error, match=message):
        autograd.player(x * x, notes=notes)
