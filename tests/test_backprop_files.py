"""The source of what is judged: files that are changed meanwhile, functions that stand in two files, and no file."""

from __future__ import annotations

import linecache
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd.testing import check_backprop

rng = np.random.default_rng(0)
x, w = rng.normal(size=(4, 3)), np.ones(3)
TANH = """import numpy as np

def backprop(x, w):
    h = np.tanh(x @ w)
    loss = np.sum(h)
    dz = {slope}
    return loss, {{"w": x.T @ dz}}
"""


def written(file: Path, slope: str, before: str = "") -> None:
    file.write_text(before + TANH.format(slope=slope))


def loaded(file: Path) -> Any:
    return runpy.run_path(str(file))["backprop"]


def told(function: Any) -> list[tuple[str, int, str, str]]:
    report = check_backprop(function, x, w)
    return [(Path(line.file).name, line.line, line.source.split("\n")[0].strip(), line.right) for line in report.lines]


def test_a_function_is_told_the_same_each_time(tmp_path: Path) -> None:
    written(tmp_path / "ann.py", "1 - h")
    function = loaded(tmp_path / "ann.py")
    assert told(function) == told(function) == [("ann.py", 6, "dz = 1 - h", "dz = 1 - h**2")]


def test_a_file_that_was_changed_and_loaded_again_is_judged_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "ann.py"
    written(file, "1 - h")
    before = loaded(file)
    told(before)
    written(file, "1 + h**2", before="\n\n")
    assert told(loaded(file)) == [("ann.py", 8, "dz = 1 + h**2", "dz = 1 - h**2")]
    assert told(before) == [("ann.py", 6, "dz = 1 - h", "dz = 1 - h**2")]  # and what was loaded before, as it was then


def test_a_name_that_several_texts_have_is_no_file_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    of_a_command = (8, None, ["print()\n"], "<string>")  # as of `python -c` from Python 3.13 on
    monkeypatch.setitem(linecache.cache, "<string>", of_a_command)
    names: dict[str, Any] = {}
    exec(TANH.format(slope="1 - h"), names)
    assert not check_backprop(names["backprop"], x, w)
    exec(TANH.format(slope="1 - h**2"), names)
    assert check_backprop(names["backprop"], x, w)


def test_a_function_whose_file_has_changed_since_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "ann.py"
    written(file, "1 - h")
    function = loaded(file)
    written(file, "1 - h**2")
    with pytest.raises(ValueError, match=r"ann\.py has changed since backprop was loaded from it: load it once more"):
        check_backprop(function, x, w)


def test_the_same_function_in_two_files_is_told_by_its_own(tmp_path: Path) -> None:
    for name in ("ann.py", "bob.py"):
        written(tmp_path / name, "1 - h")
        assert told(loaded(tmp_path / name))[0][0] == name


def test_without_a_file_the_line_is_a_number() -> None:
    scope: dict[str, Any] = {}
    exec(compile(TANH.format(slope="1 - h"), "nowhere", "exec"), scope)
    (line,) = check_backprop(scope["backprop"], x, w).lines
    assert (line.line, line.cause) == (6, "derivative-at-output")
