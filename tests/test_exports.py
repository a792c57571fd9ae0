"""Pictures in other programs: viewers of SVG, animations, Markdown pages, papers in LaTeX."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser
from installed import needs_browser, needs_tikz

import autograd
import nn
from autograd import Tensor
from autograd.render import animation, tikz
from autograd.render.picture import Picture


def picture(**asked: Any) -> Picture:
    x, y = np.array([[0.5, -1.0], [1.5, 0.3]]), np.array([[1.0], [0.0]])
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 1, rng=1))
    return autograd.draw(nn.functional.mse_loss(model(x), y), **asked)


# Viewers of SVG


def by_cairo(file: Path, png: Path) -> None:
    cairosvg = pytest.importorskip("cairosvg", reason="install cairosvg, and the library cairo")
    cairosvg.svg2png(url=str(file), write_to=str(png))


def by_program(*command: str) -> Callable[[Path, Path], None]:
    def draw(file: Path, png: Path) -> None:
        if shutil.which(command[0]) is None:
            pytest.skip(f"install {command[0]}: it is not on the PATH")
        subprocess.run([*command, str(png), str(file)], check=True, capture_output=True)

    return draw


def by_browser(file: Path, png: Path) -> None:
    with Browser() as browser:
        browser.open(file)
        browser.screenshot(png)


VIEWERS = [
    by_cairo,
    by_program("rsvg-convert", "-o"),
    by_program("inkscape", "-o"),
    pytest.param(by_browser, marks=needs_browser),
]


@pytest.mark.parametrize("view", VIEWERS, ids=["cairosvg", "rsvg-convert", "inkscape", "chromium"])
def test_a_saved_picture_is_seen_in_every_viewer(view: Callable[[Path, Path], None], tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="install pillow")
    view(picture(rules=True).save(tmp_path / "picture.svg"), tmp_path / "seen.png")
    with image.open(tmp_path / "seen.png") as opened:
        seen = opened.convert("RGB")
    assert seen.width > 700
    colours = {colour for _, colour in seen.getcolors(seen.width * seen.height)}
    assert {(0xFF, 0xF0, 0xC2), (0xE9, 0xED, 0xF1), (0xFD, 0xF1, 0xE8)} <= colours  # cards and gradients


# Animations


def test_an_animation_has_a_frame_a_step(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="install pillow")
    w = Tensor(3.0, requires_grad=True)
    (file,) = autograd.frames(w * w, tmp_path / "square.gif", seconds=0.5)
    durations, grounds = [], set()
    with image.open(file) as seen:
        for frame in range(seen.n_frames):
            seen.seek(frame)
            durations.append(seen.info["duration"])
            grounds.add(seen.convert("RGB").getpixel((1, 1)))
    assert durations == [500] * 5 + [1000]
    assert grounds == {(255, 255, 255)}  # colours stay what they are


@pytest.mark.parametrize(("seconds", "error"), [("long", TypeError), (0, ValueError), (100, ValueError)])
def test_how_long_a_step_is_shown_must_be_possible(seconds: Any, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error, match="seconds is"):
        autograd.frames(Tensor(3.0, requires_grad=True) * 2, tmp_path / "x.gif", seconds=seconds)


def test_without_pillow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(animation, "find_spec", lambda name: None if name == "PIL" else there(name))
    with pytest.raises(RuntimeError, match=r"pip install 'chalkgrad\[pictures\]'"):
        autograd.frames(Tensor(3.0, requires_grad=True) * 2, tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


# Markdown


def test_a_flow_chart_has_a_node_a_card_and_an_edge_a_use() -> None:
    text = picture().mermaid
    drawn = picture().svg
    assert text.startswith("flowchart LR\n")
    assert len(re.findall(r'^ +n\d+\["', text, re.MULTILINE)) == len(re.findall('class="node', drawn))
    assert len(re.findall(r"^ +n\d+ -[-.]+>", text, re.MULTILINE)) == len(re.findall('class="edge', drawn))
    assert text.count("subgraph ") == text.count("end\n") > 0


def test_names_cannot_leave_their_labels() -> None:
    x = Tensor(3.0, requires_grad=True, name='"] --> n9 <b>|`')
    text = autograd.draw(x * x, title='a "title"').mermaid
    assert '["<b>#34;#93; --#62; n9 #60;b#62;#124;#96;</b><br>' in text
    assert text.startswith('---\ntitle: "a \\"title\\""\n---\nflowchart')


def test_rules_and_what_has_no_gradient_are_on_the_edges() -> None:
    x, y = Tensor(3.0, requires_grad=True), np.array([2.0])
    text = autograd.draw((x * y).sum(), rules=True).mermaid
    assert "-.->" in text
    assert "|" in text


# Papers


@needs_tikz
def test_latex_sets_a_picture(tmp_path: Path) -> None:
    document = [r"\documentclass{article}", r"\usepackage{tikz}", r"\begin{document}"]
    pictures = [picture(rules=True), picture(style="plain"), neuron(), autograd.draw(hostile())]
    for number, one in enumerate(pictures):
        one.save(tmp_path / f"{number}.tikz")
        document.append(rf"\resizebox{{\textwidth}}{{!}}{{\input{{{number}.tikz}}}}\newpage")
    (tmp_path / "paper.tex").write_text("\n".join([*document, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert said.returncode == 0, said.stdout[-2000:]
    assert f"({len(pictures)} pages" in said.stdout


def neuron() -> Picture:
    w, x = Tensor(2.0, requires_grad=True, name="w"), Tensor(-3.0, requires_grad=True, name="x")
    return autograd.draw(nn.functional.sigmoid(w * x + w), style="circuit", rules=True)


def hostile() -> Tensor:
    x = Tensor(3.0, requires_grad=True, name="a_b#$%&{}\\^~<|>")
    return x * x


def test_all_ways_of_drawing_a_line_are_understood() -> None:
    drawn = '<svg><path fill="none" stroke="#000000" d="M0,0 H2 V3 Q2,6 5,6 C6,6 7,7 8,8 Z"/>'
    text = tikz.tikz(f'{drawn}<line x1="1" y1="2" x2="3" y2="4" stroke="#FF0000"/></svg>')
    curve = (
        ".. controls (2.00,5.00) and (3.00,6.00) .. (5.00,6.00) .. controls (6.00,6.00) and (7.00,7.00) .. (8.00,8.00)"
    )
    assert f"(0.00,0.00) -- (2.00,0.00) -- (2.00,3.00) {curve} -- cycle;" in text
    assert "(1.00,2.00) -- (3.00,4.00);" in text


def test_runs_of_a_line_keep_their_weight_and_colour() -> None:
    text = tikz.tikz('<svg><text fill="#000000">a<tspan font-weight="bold" fill="#FF0000">b</tspan>c</text></svg>')
    assert r"{a{\color[HTML]{FF0000}\bfseries{}b}c}" in text


def test_all_that_is_seen_is_in_the_paper() -> None:
    one = picture()
    words = set(re.findall(r">([a-z]{4,})<", one.svg))
    assert words <= set(re.findall(r"\{([a-z]{4,})\}", one.tikz))
    assert one.tikz.count(r"\node") == len(re.findall(r"<text [^>]*>[^<]*\S[^<]*</text>", one.svg))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("z₁ = x ⊙ y", r"z$_{1}$\ =\ x\ $\odot$\ y"),
        ("∂L/∂ŷ", r"$\partial$L/$\partial$\^{y}"),
        ("e⁻¹ᵀ", r"e$^{-}$$^{1}$$^{\top}$"),
        ("θ_2 50%", r"$\theta$\_2\ 50\%"),
        ("−0.50", r"\textendash{}0.50"),
    ],
)
def test_signs_that_latex_has_no_letters_for(text: str, written: str) -> None:
    assert tikz.escaped(text) == written


@pytest.mark.parametrize(("suffix", "start"), [(".mmd", "flowchart"), (".tikz", "% Needs")])
def test_files_are_what_the_suffix_says(suffix: str, start: str, tmp_path: Path) -> None:
    assert picture().save(tmp_path / f"x{suffix}").read_text(encoding="utf-8").startswith(start)
