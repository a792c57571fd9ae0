"""Other people's suites on this package, which serves HIPS autograd's interface: `python -m tests.conformance FOLDER`.

FOLDER holds the sources of the packages, by their names, or of some of them: checkouts, as what PyPI has of lifelines
and of autograd-gamma lacks the tests. What else they need is installed. Nothing of them is kept. Each suite is run in a
process of its own, with this checkout first on the path and the other sources behind it, as lifelines needs
autograd-gamma; what fails since it needs complex numbers is counted apart.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
_COMPLEX = re.compile(r"it gives Complex|complex|np\.fft|holomorphic")


class Suite(NamedTuple):
    """The tests of a package: where they are in its sources, which to leave out, with the reason, and those to take."""

    package: str
    tests: str
    left_out: str = ""
    reason: str = ""
    taken: tuple[str, ...] = ("",)


SUITES = (
    Suite("autograd", "tests", "complexity or performance or profiling", "they time the original's internals"),
    Suite("autograd-gamma", "tests"),
    Suite("lifelines", "lifelines/tests", "plot", "pictures, which hang on versions of matplotlib"),
    Suite("pymoo", "tests", "", "what uses no gradients", ("gradients", "problems/test_autodiff.py")),
)


def sources(folder: Path, package: str) -> Path | None:
    """The sources of a package: a folder by its name, with or without a version."""
    wanted = package.replace("-", "[-_]") + r"(-\d.*)?"
    return next((path for path in sorted(folder.iterdir()) if re.fullmatch(wanted, path.name)), None)


def run(suite: Suite, folder: Path, source: Path) -> list[str]:
    """Passed, needing complex numbers, failed and skipped, as the cells of a row; prints what failed."""
    others = [str(path) for path in (sources(folder, other.package) for other in SUITES[1:]) if path is not None]
    with tempfile.TemporaryDirectory() as scratch:
        tests = Path(shutil.copytree(source / suite.tests, Path(scratch) / "tests"))
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", f"--junitxml={report}",
                   "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={scratch}",
                   *[str(tests / name) for name in suite.taken]]  # fmt: skip
        if suite.left_out:
            command += ["-k", f"not ({suite.left_out})"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *others])}
        subprocess.run(command, env=environment, cwd=scratch, stdout=subprocess.DEVNULL, check=False)
        counts = {"passed": 0, "complex": 0, "failed": 0, "skipped": 0}
        for case in ElementTree.parse(report).iter("testcase"):
            problem = next((part for part in case if part.tag in ("failure", "error")), None)
            if problem is None:
                kind = "skipped" if case.find("skipped") is not None else "passed"
            else:
                words = f"{problem.get('message')}"
                kind = "complex" if _COMPLEX.search(words) else "failed"
                if kind == "failed":
                    print(f"{suite.package}: {case.get('name')}: {' '.join(words.split())[:150]}", file=sys.stderr)
            counts[kind] += 1
    real = counts["passed"] + counts["failed"]
    share = f"{100 * counts['passed'] / real:.1f} %" if real else ""
    return [suite.package, *map(str, counts.values()), share, suite.reason]


def main(folder: Path) -> None:
    """Run what is there, and print a table."""
    print("| suite | passed | needs complex numbers | failed | skipped | of those without complex | left out |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for suite in SUITES:
        source = sources(folder, suite.package)
        if source is not None and (source / suite.tests).is_dir():
            print("| " + " | ".join(run(suite, folder, source)) + " |", flush=True)
        else:
            print(f"| {suite.package} | no tests in the folder | | | | | |")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
