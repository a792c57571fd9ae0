"""The lecture: every cell runs, and the outputs that are stored in it are those that it has."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from demos import notebook


@pytest.fixture(scope="module")
def lecture() -> notebook.Notebook:
    return notebook.read()


@pytest.fixture(scope="module")
def executed(lecture: notebook.Notebook) -> notebook.Notebook:
    return notebook.executed(lecture)


def outputs(of: notebook.Notebook) -> list[list[dict[str, Any]]]:
    return [cell["outputs"] for cell in of["cells"] if cell["cell_type"] == "code"]


def printed(cells: list[list[dict[str, Any]]]) -> list[str]:
    """What the cells print, and say of what they show; the last digits of an error of rounding vary."""
    plain = [output.get("text") or output["data"]["text/plain"] for cell in cells for output in cell]
    told = ["".join(lines) for lines in plain]
    return [re.sub(r"\d\.\de-1\d|\de[-+]\d\d", "tiny", text) for text in told]


def test_it_says_the_same_as_when_it_was_stored(lecture: notebook.Notebook, executed: notebook.Notebook) -> None:
    assert printed(outputs(executed)) == printed(outputs(lecture)), "python -m demos.notebook stores them anew"


def test_it_shows_the_same_kinds_of_output(lecture: notebook.Notebook, executed: notebook.Notebook) -> None:
    kinds = [[[*output.get("data", ())] for cell in outputs(of) for output in cell] for of in (lecture, executed)]
    assert kinds[0] == kinds[1]
    assert sum("image/svg+xml" in kind for kind in kinds[0]) >= 7
    assert sum("text/html" in kind for kind in kinds[0]) == 2


def test_its_stored_pictures_are_whole(lecture: notebook.Notebook) -> None:
    for cell in outputs(lecture):
        for output in cell:
            if "image/svg+xml" in output.get("data", {}):
                root = ElementTree.fromstring("".join(output["data"]["image/svg+xml"]))
                assert len(list(root.iter("{http://www.w3.org/2000/svg}text"))) > 5


def test_its_cells_are_as_a_notebook_has_them(lecture: notebook.Notebook) -> None:
    assert (lecture["nbformat"], lecture["nbformat_minor"]) == (4, 5)
    identities = [cell["id"] for cell in lecture["cells"]]
    assert len(set(identities)) == len(identities)
    counts = [cell["execution_count"] for cell in lecture["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert all(isinstance(line, str) for cell in lecture["cells"] for line in cell["source"])


def test_code_follows_words(lecture: notebook.Notebook) -> None:
    kinds = "".join(cell["cell_type"][0] for cell in lecture["cells"])
    assert kinds.startswith("m")
    assert "ccc" not in kinds


# What runs it


def cell(source: str) -> dict[str, Any]:
    (made,) = notebook.executed({"cells": [{"cell_type": "code", "source": [source]}]})["cells"]
    found: dict[str, Any] = made
    return found


def test_a_cell_shows_what_it_prints_and_its_last_line() -> None:
    printed, shown = cell("print('one')\n1 + 1")["outputs"]
    assert printed == {"name": "stdout", "output_type": "stream", "text": ["one\n"]}
    assert shown["data"] == {"text/plain": ["2"]}


def test_a_statement_and_none_show_nothing() -> None:
    assert cell("x = 1")["outputs"] == cell("None")["outputs"] == []


def test_an_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        cell("1 / 0")


def test_what_an_object_shows_of_itself_is_kept() -> None:
    class Shown:
        def _repr_svg_(self) -> str:
            return "<svg/>"

        def __repr__(self) -> str:
            return "a picture"

    assert notebook.shown(Shown()) == {"image/svg+xml": "<svg/>", "text/plain": "a picture"}
    assert notebook.shown(np.float64(2.0)) == {"text/plain": "np.float64(2.0)"}
