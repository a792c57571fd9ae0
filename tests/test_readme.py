"""The README's examples and the docstrings' run as they stand."""

from __future__ import annotations

import code
import doctest
import importlib
import pkgutil
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import autograd
import nn
from autograd.render.style import STYLES
from autograd.testing import CAUSES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
# autograd/rules/README.md is generated: `test_table.py` looks at it.
PAGES = sorted({*ROOT.glob("autograd/*/README.md"), *ROOT.glob("nn/README.md")} - {ROOT / "autograd/rules/README.md"})
MODULES = ["autograd", "nn"] + [
    info.name for package in (autograd, nn) for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


NEEDED = {
    "autograd.scipy.": "scipy",
    "nn.onnx": "onnx",
    "nn.optim.whole": "scipy",
    "nn.plots": "matplotlib",
    "nn.pytorch": "torch",
    "nn.sklearn": "sklearn",
}  # what a module is about


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for start, package in NEEDED.items():
        if name.startswith(start):
            pytest.importorskip(package, reason=f"pip install {package}: this module is about it")
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        if test.examples:  # doctest makes a debugger for every docstring
            runner.run(test)
    assert not runner.failures


class Prompt(code.InteractiveConsole):
    """Python's plain prompt; `errors` is what it complained about."""

    errors = ""

    def write(self, data: str) -> None:
        self.errors += data


def blocks(page: Path) -> list[tuple[str, str]]:
    """The languages and the texts of what stands between fences."""
    return re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def typed(page: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The names that a page's examples make, typed at the prompt, where a loop or function ends with an empty line.

    What a page shows after an example is what it printed.
    """
    styles = set(STYLES)
    prompt = Prompt()
    printed = ""
    for language, block in blocks(page):
        if language == "python":
            for line in [*block.splitlines(), ""]:
                prompt.push(line)
            assert prompt.errors == "", block
            printed = capsys.readouterr().out
        elif language == "text" and page.parent != ROOT:
            assert printed == block
    for name in STYLES.keys() - styles:  # what a page registers ends with it
        del STYLES[name]
    return prompt.locals


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run_in_order_as_they_are_typed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if page.parent.name == "scipy":
        pytest.importorskip("scipy", reason="install SciPy: this page is about it")
    monkeypatch.chdir(tmp_path)
    typed(page, capsys)


def test_the_readme_prints_what_its_examples_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    derivation = typed(ROOT / "README.md", capsys)["derivation"]
    assert "∂loss" in (tmp_path / "graph.svg").read_text()  # with gradients
    assert f"```text\n{derivation.source.strip()}\n```" in README
    (block,) = [block for _, block in blocks(ROOT / "README.md") if "def test_" in block]
    (tmp_path / "test_backprop.py").write_text(block)
    test = runpy.run_path("test_backprop.py")["test_backprop"]
    with pytest.raises(AssertionError) as failure:
        test()
    assert f"```text\n{str(failure.value).strip()}\n```" in README


def test_the_page_of_the_judge_lists_the_causes() -> None:
    table = "\n".join(f"| `{cause}` | {words} |" for cause, words in CAUSES.items())
    page = (ROOT / "autograd" / "testing" / "README.md").read_text()
    assert f"| cause | the mistake |\n| --- | --- |\n{table}\n" in page


def test_the_readme_opens_with_an_example_of_ten_lines_and_two_commands() -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example is not None
    assert len([line for line in example[1].splitlines() if line.strip()]) <= 10
    commands = re.findall(r"^ *(python -m pip install -e .* && python -m .*)$", README, re.MULTILINE)
    assert commands == [
        "python -m pip install -e '.[demos]' && python -m demos",
        "python -m pip install -e '.[test]' && python -m pytest -n auto",
    ]


def test_the_page_on_networks_names_everything() -> None:
    page = (ROOT / "nn" / "README.md").read_text()
    assert [name for name in nn.__all__ if f"`{name}`" not in page and f"`nn.{name}`" not in page] == []
