"""The five published derivations, executed from the text of their pages: which line is wrong."""

from __future__ import annotations

import ast
import contextlib
import io
import types
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd.testing import Report, check_backprop

FOLDERS = [parent / "shared" / "seeds" for parent in Path(__file__).resolve().parents]
FOLDER = next((folder for folder in FOLDERS if folder.is_dir()), None)
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="the pages are not here: put them into shared/seeds beside the checkout"
)


class Page:
    """The code of a page, from one line to another, with the line numbers of the page.

    Two pages have lost their indentation; `depths` says how deep their lines stand.
    """

    def __init__(self, start: str, first: int, last: int, depths: str = "") -> None:
        assert FOLDER is not None
        self.path = next(FOLDER.glob(f"{start}_*.txt"))
        self.lines = self.path.read_text(encoding="utf8").split("\n")
        last = last or len(self.lines)
        kept = [
            line if first <= n <= last and not line.startswith(("In [", "Python")) else ""
            for n, line in enumerate(self.lines, 1)
        ]
        for n, depth in enumerate(depths, first):
            kept[n - 1] = "    " * int(depth, 36) + kept[n - 1]
        self._text = "\n".join(kept)
        self.module = types.ModuleType(f"page_{start}")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self._text)

    def number(self, text: str, nth: int = 0) -> int:
        """The number of a line that starts with a text."""
        return [n for n, line in enumerate(self.lines, 1) if line.strip().startswith(text)][nth]

    def run(self, keep: Callable[[ast.stmt], bool] = lambda node: True) -> Any:
        """Execute the statements that are kept; gives the module."""
        self._execute([node for node in self.tree.body if keep(node)])
        return self.module

    def _execute(self, body: list[ast.stmt]) -> None:
        exec(compile(ast.Module(body, []), str(self.path), "exec"), self.module.__dict__)

    def function(self, body: list[ast.stmt]) -> Any:
        """Statements of the page as a function without arguments, which works on the page's globals."""
        return types.FunctionType(compile(ast.Module(body, []), str(self.path), "exec"), self.module.__dict__)


@pytest.fixture(autouse=True)
def _silent_and_seeded() -> Iterator[None]:
    state = np.random.get_state()  # noqa: NPY002
    with contextlib.redirect_stdout(io.StringIO()):
        yield
    np.random.set_state(state)  # noqa: NPY002


def place(report: Report) -> list[int]:
    return [line.line for line in report.lines]


def test_000_is_right() -> None:
    page = Page("000", 4, 118)
    code = page.run(lambda node: not ast.unparse(node).startswith("trained_params"))
    parameters = code.initial_parameters([3, 16, 8, 1])

    def step(X: Any, y: Any, parameters: Any) -> Any:
        prediction, cache = code.forward(X, parameters)
        return code.mse(y, prediction), code.backward_propagation(y, parameters, cache)

    report = check_backprop(step, code.X, code.y, parameters)
    assert report.matches
    assert len(report.findings) == 6


def test_001_forgets_the_mean_over_six_numbers() -> None:
    page = Page("001", 171, 249, _LAYERS)
    np.random.seed(0)  # noqa: NPY002
    page.module.__dict__["__name__"] = "__main__"
    main = page.tree.body[-1]
    assert isinstance(main, ast.If)
    loop = main.body.pop()
    assert isinstance(loop, ast.For)
    code = page.run()
    code.i = 0
    report = check_backprop(page.function(loop.body), params=code.mlp_model)
    assert place(report) == [page.number("loss_grad = ")]
    assert report.lines[0].cause == "scale"


_LAYERS = "0011122122012222122212222222222222220122222233221223212222320111111111222222222"


def test_002_is_right_for_half_the_square() -> None:
    page = Page("002", 4, 72, _COLUMNS)
    code = page.run(lambda node: isinstance(node, ast.FunctionDef) or ast.unparse(node) == "import numpy as np")
    np.random.seed(0)  # noqa: NPY002
    x = np.arange(0.0, 1.0, 0.01).reshape(1, 100)
    y = 20 * np.sin(2 * np.pi * x)

    def step(x: Any, y: Any, parameters: Any) -> Any:
        caches, al = code.forward(x, parameters)
        return code.compute_loss(al, y), code.backward(parameters, caches, al, y)

    report = check_backprop(step, x, y, code.init_parameters([1, 25, 1]))
    assert place(report) == [page.number('grades["dz"+str(layers)] = al - y')]
    assert report.lines[0].cause == "scale"
    assert "the 2 of a square is missing" in str(report)


_COLUMNS = "000111221010101111111222111111011111112221011221010111100000001111222"


def test_003_decays_weights_by_another_penalty_than_its_loss_has() -> None:
    page = Page("003", 1, 1)
    page = Page("003", page.number("# MLP"), page.number("return np.where(forward(X.T)>0.5,1,0).T"))
    exec("import numpy as np\nfrom numpy import *\nfrom numpy import random", page.module.__dict__)
    code = page.run()
    rng = np.random.default_rng(0)
    code.mp = {
        "w1": rng.normal(size=(3, 2)), "b1": rng.normal(size=(3, 1)),
        "w2": rng.normal(size=(1, 3)), "b2": rng.normal(size=(1, 1)),
    }  # fmt: skip

    def step(x: Any, y: Any) -> Any:
        code.forward(x)
        loss = code.compute_loss(y)
        code.backward(x, y)
        return loss

    x, y = rng.normal(size=(2, 32)), rng.integers(0, 2, size=(1, 32)).astype(float)
    report = check_backprop(step, x, y, params=code.mp)
    assert set(place(report)) == {page.number("w2-=learning_rate"), page.number("w1-=learning_rate")}
    assert {line.cause for line in report.lines} == {"regulariser"}


def test_004_broadcasts_where_a_sum_belongs() -> None:
    page = Page("004", 1, 1)
    page = Page("004", 1, page.number("X:") - 1)
    code = page.run(lambda node: not isinstance(node, ast.For))
    loop = page.tree.body[-1]
    assert isinstance(loop, ast.For)
    code.epoch = 0
    report = check_backprop(page.function(loop.body), params=["W1", "B1", "W2", "B2", "W3", "B3"])
    assert place(report) == [page.number("W1_grad = y_diff")]
    assert report.lines[0].cause == "unsummed-axis"
    assert "5 of 6 gradients are right" in str(report)
