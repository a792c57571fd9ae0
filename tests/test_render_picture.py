"""`autograd.draw` and what it returns."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from installed import needs_dot

import autograd
from autograd import Tensor
from autograd.render import Picture, palette
from autograd.render.themes import themed

needs_rights = pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0,
    reason="run as another user than root, whom the file system refuses nothing",
)
weight = Tensor([0.5, 1.5], requires_grad=True)


def square() -> Picture:
    x = Tensor(3.0, requires_grad=True)
    return autograd.draw(x * x)


# Names


def test_the_variables_of_the_caller_are_names() -> None:
    x1, b = np.array([1.0, 2.0]), Tensor(1.0, requires_grad=True)
    z1 = x1 * weight
    y_hat = np.sum(z1 + b)
    names = [card.name for card in autograd.draw(y_hat)._diagram.cards]
    assert names == ["x₁", "weight", "z₁", "b", "ŷ"]


def test_names_can_be_given() -> None:
    a = Tensor(1.0, requires_grad=True)
    cards = autograd.draw(a * 2.0, names={a: "α", "L": "f"})._diagram.cards
    assert [card.name for card in cards] == ["α", "f"]


# What it shows of itself


def test_it_says_what_it_is() -> None:
    assert repr(square()) == "<Picture of L: 1 operation>"


def test_a_notebook_gets_svg_and_a_line_of_text() -> None:
    picture = square()
    bundle = picture._repr_mimebundle_()
    assert bundle == {"image/svg+xml": picture._repr_svg_(), "text/plain": repr(picture)}
    assert picture._repr_svg_().replace(' style="max-width:100%;height:auto"', "") == picture.svg


def test_the_source_is_the_same_on_a_machine_without_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    here = square().source
    monkeypatch.setenv("PATH", "")
    assert square().source == here


# Files


def test_svg_is_written_as_it_is_shown(tmp_path: Path) -> None:
    picture = square()
    path = picture.save(tmp_path / "x.svg")
    assert path == tmp_path / "x.svg"
    assert path.read_text(encoding="utf-8") == picture.svg


def test_dot_is_written_as_source(tmp_path: Path) -> None:
    picture = square()
    assert picture.save(str(tmp_path / "x.DOT")).read_text(encoding="utf-8") == picture.source


@needs_dot
@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_other_formats_are_what_the_suffix_says(suffix: str, start: bytes, tmp_path: Path) -> None:
    assert square().save(tmp_path / f"x{suffix}").read_bytes().startswith(start)


@needs_dot
def test_a_bitmap_has_two_pixels_for_one_of_the_slide(tmp_path: Path) -> None:
    picture = square()
    width = int(picture.svg.split('width="')[1].split('"')[0])
    content = picture.save(tmp_path / "x.png").read_bytes()
    assert int.from_bytes(content[16:20]) == pytest.approx(2 * width, abs=4)


def test_saving_replaces_an_older_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text("old")
    square().save(tmp_path / "x.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["x.svg"]
    assert (tmp_path / "x.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.skipif(os.name == "nt", reason="there are no such permissions")
def test_a_new_file_can_be_read_by_those_who_may_read_new_files(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    square().save(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.svg").symlink_to(tmp_path / "real.svg")
    square().save(tmp_path / "link.svg")
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").exists()


@pytest.mark.parametrize("name", ["x.bmp", "x", "x.svg.gz", ".svg"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot"):
        square().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.*cannot be written"):
        square().save(tmp_path / "nowhere" / "x.svg")


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    (tmp_path / "x.svg").mkdir()
    with pytest.raises(OSError, match="cannot be written"):
        square().save(tmp_path / "x.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["x.svg"]


@needs_rights
def test_a_folder_without_rights_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text("old")
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match="cannot be written"):
        square().save(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_text() == "old"


def test_a_picture_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.svg").write_text("old")
    monkeypatch.setattr("autograd.render.picture.BACKENDS", ())
    with pytest.raises(RuntimeError, match="cannot be drawn as SVG"):
        square().save(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_text() == "old"


def test_a_write_that_fails_half_way_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.svg").write_text("old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        square().save(tmp_path / "x.svg")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.svg", "old")]


# What is refused


@pytest.mark.parametrize("thing", [3.0, np.ones(2), "loss", None, [3.0], []])
def test_what_is_no_tensor_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match="draw takes the Tensor that was computed"):
        autograd.draw(thing)


def test_a_parameter_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="w is no result of an operation"):
        autograd.draw(Tensor(1.0, requires_grad=True, name="w"))


def test_a_value_that_nothing_trainable_went_into_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing behind this Tensor requires grad"):
        autograd.draw(Tensor(1.0) * 2.0)


def test_a_value_computed_without_recording_is_refused() -> None:
    with autograd.no_grad():
        loss = Tensor(1.0, requires_grad=True) * 2.0
    with pytest.raises(ValueError, match=r"outside no_grad\(\)"):
        autograd.draw(loss)


def test_a_freed_graph_is_refused() -> None:
    loss = Tensor(1.0, requires_grad=True) * 2.0
    loss.backward(retain_graph=False)
    with pytest.raises(ValueError, match=r"freed by backward\(retain_graph=False\)"):
        autograd.draw(loss)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "oil"}, r"style is 'cards' or 'circuit' or 'overview' or 'plain', not 'oil'"),
        ({"direction": "RL"}, r"direction is 'LR' .from left to right. or 'TB' .from top to bottom., not 'RL'"),
        ({"names": {"nobody": "x"}}, "nothing in this picture is called 'nobody'"),
        ({"names": {weight: "  "}}, "an empty name"),
    ],
)
def test_what_draw_does_not_know_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        autograd.draw(weight * 2.0, **options)


@pytest.mark.parametrize("names", [{3: "x"}, {"w": 3}])
def test_names_are_strings(names: Any) -> None:
    with pytest.raises(TypeError, match="names maps Tensors or strings to strings"):
        autograd.draw(weight * 2.0, names=names)


# Themes and sizes


def test_a_theme_changes_colours_and_nothing_else() -> None:
    light, dark = (square_of(theme=theme).source for theme in ("light", "dark"))
    assert light != dark
    assert re.sub("#[0-9A-Fa-f]{6}", "", light) == re.sub("#[0-9A-Fa-f]{6}", "", dark)
    assert "#FFFFFF" not in dark.upper()
    assert "#FFFFFF" not in square_of(theme="dark").svg.upper()


@pytest.mark.parametrize("theme", ["dark", "print"])
def test_text_of_every_theme_can_be_read(theme: str) -> None:
    """Relative luminance and contrast as in WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(themed(colour, theme)[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = [(text, palette.CANVAS) for text in (palette.INK, palette.MUTED, palette.VALUE, palette.GRADIENT)]
    pairs += [(palette.GRADIENT, palette.GRADIENT_GROUND), *palette.VERDICTS.values()]
    pairs += [(text, tint.header) for tint in palette.TINTS.values() for text in (palette.INK, palette.MUTED)]
    for text, ground in pairs:
        low, high = sorted((luminance(text), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


def test_digits_are_decimals_of_this_picture_only() -> None:
    assert "9.0000" in square_of(digits=4).source
    assert "9.0000" not in square_of().source


def test_a_picture_may_have_no_legend() -> None:
    assert "forward" in square_of().source
    assert "forward" not in square_of(legend=False).source


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"theme": "blue"}, ValueError, "theme is 'light' or 'dark' or 'print', not 'blue'"),
        ({"detail": "lines"}, ValueError, "detail is 'statements' or 'operations', not 'lines'"),
        ({"font_size": 1}, ValueError, "font_size is from 6 to 60 pixels, not 1"),
        ({"font_size": "large"}, TypeError, "font_size is a number of pixels"),
        ({"digits": -1}, ValueError, "digits is from 0 to 12, not -1"),
        ({"digits": 1.5}, TypeError, "digits is a whole number"),
    ],
)
def test_unknown_themes_and_sizes_are_refused(asked: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        square_of(**asked)


def square_of(**asked: Any) -> Picture:
    x = Tensor(3.0, requires_grad=True)
    return autograd.draw(x * x, **asked)
