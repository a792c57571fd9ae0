"""A pytest plugin: `--backprop-reports=FOLDER` writes what the judge said into one JSON file a student.

Put `pytest_plugins = ["autograd.testing.marks"]` into the `conftest.py` beside the test. Each test is a part of the
file: its name, whether it passed, and the report of every `check_backprop` and `assert_backprop` in it, as
`Report.as_dict` gives it. The file is called as `--student=` says, or `report`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograd.testing import backprop


def pytest_addoption(parser: Any) -> None:
    """The options."""
    group = parser.getgroup("backprop")
    group.addoption("--backprop-reports", metavar="FOLDER", help="write what check_backprop said there")
    group.addoption("--student", default="report", metavar="NAME", help="the name of that file, without .json")


def pytest_configure(config: Any) -> None:
    """Keep the reports of this run, where a folder is given."""
    if config.getoption("--backprop-reports"):
        config.pluginmanager.register(_Reports(config), "backprop-reports")


class _Reports:
    def __init__(self, config: Any) -> None:
        self._folder, self._student = Path(config.getoption("--backprop-reports")), config.getoption("--student")
        if Path(self._student).name != self._student:
            raise pytest.UsageError(f"--student={self._student} is no name of a file")
        self._tests: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: Any) -> Iterator[None]:
        """Listen to the judge while a test runs."""
        said: list[Any] = []
        self._tests[item.name] = {"passed": False, "reports": said}
        with backprop.listening(said.append):
            result = yield
        self._tests[item.name]["passed"] = True
        return result

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        for test in self._tests.values():
            test["reports"] = [report.as_dict() for report in test["reports"]]
        told = {
            "student": self._student,
            "passed": sum(t["passed"] for t in self._tests.values()),
            "tests": self._tests,
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{self._student}.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf8")
