"""The README's examples and the docstrings' run as they stand."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import autograd
import nn
from autograd.render.style import STYLES
from autograd.testing import CAUSES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [page for page in sorted((ROOT / "autograd").rglob("README.md")) if page.parent.name != "rules"]  # a table
MODULES = ["autograd", "nn"] + [
    info.name for package in (autograd, nn) for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_readme_examples_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 5
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert "<svg" in (tmp_path / "graph.svg").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_the_examples_of_a_page_run_in_order(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(STYLES, "bubbles", STYLES["plain"])  # what a page registers ends with it
    namespace: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(block, str(page), "exec"), namespace)


def test_the_readme_prints_what_its_examples_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "README.md", "exec"), namespace)
    assert f"```text\n{namespace['derivation'].source.strip()}\n```" in README
    with pytest.raises(AssertionError) as failure:
        namespace["test_backprop"]()
    assert f"```text\n{failure.value}\n```" in README


def test_the_readme_lists_the_causes() -> None:
    table = "\n".join(f"| `{cause}` | {words} |" for cause, words in CAUSES.items())
    assert f"| cause | the mistake |\n| --- | --- |\n{table}\n" in README


def test_the_readme_opens_with_an_example_of_ten_lines_and_two_commands() -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example is not None
    assert len([line for line in example[1].splitlines() if line.strip()]) <= 10
    commands = re.findall(r"^ *(python -m pip install -e .* && python -m .*)$", README, re.MULTILINE)
    assert commands == [
        "python -m pip install -e '.[demos]' && python -m demos",
        "python -m pip install -e '.[test]' && python -m pytest",
    ]


def test_every_file_of_the_layout_table_exists() -> None:
    for folder in re.findall(r"^\| `([\w/]+/)` \|", README, re.MULTILINE):
        assert (ROOT / folder).is_dir()
