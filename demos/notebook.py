"""Run a notebook without Jupyter: its cells in order, in one namespace, with what they print and show.

`python -m demos.notebook` runs the lecture and writes its outputs into it (nbformat 4).
"""

from __future__ import annotations

import ast
import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

LECTURE = Path(__file__).with_name("lecture.ipynb")
_SHOWN = {"_repr_svg_": "image/svg+xml", "_repr_html_": "text/html", "_repr_latex_": "text/latex"}

Notebook = dict[str, Any]


def read(path: Path = LECTURE) -> Notebook:
    """A notebook as it was saved."""
    found: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return found


def executed(notebook: Notebook) -> Notebook:
    """The notebook with the outputs of its code cells, run here and now; the first error is raised."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells, count = [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            outputs = _run("".join(cell["source"]), namespace, count)
            cell = {**cell, "execution_count": count, "outputs": outputs}
        cells.append(cell)
    return {**notebook, "cells": cells}


def _run(source: str, namespace: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Run a cell, and give what it printed and the value of its last line, as a notebook stores them."""
    body = ast.parse(source, f"<cell {count}>").body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with redirect_stdout(printed):
        exec(compile(ast.Module(body, []), f"<cell {count}>", "exec"), namespace)
        if last is not None:
            value = eval(compile(last, f"<cell {count}>", "eval"), namespace)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(printed.getvalue())})
    if value is not None:
        data = {kind: _lines(text) for kind, text in shown(value).items()}
        outputs.append({"data": data, "execution_count": count, "metadata": {}, "output_type": "execute_result"})
    return outputs


def shown(value: Any) -> dict[str, str]:
    """What a notebook shows of a value, by its kind."""
    bundle = {kind: getattr(value, method)() for method, kind in _SHOWN.items() if hasattr(value, method)}
    return {**bundle, "text/plain": repr(value)}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    notebook = executed(read())
    LECTURE.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{LECTURE}: {sum(cell['cell_type'] == 'code' for cell in notebook['cells'])} cells run", file=sys.stderr)


if __name__ == "__main__":
    main()
