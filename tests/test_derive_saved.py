"""A saved derivation is a module that runs by itself."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd import Tensor, derive
from autograd.derivation import Derivation


def network(samples: int = 4) -> tuple[Tensor, Derivation]:
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(samples, 3)), Tensor(rng.normal(size=(3, 2)), requires_grad=True)
    scale = Tensor(np.float32(0.5), requires_grad=True)
    loss = np.mean(np.tanh(X @ W * scale) ** 2)
    return loss, derive(loss)


def run(*command: str | Path, text: str = "") -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *command], input=text, capture_output=True, text=True, check=True, env=environment, cwd="/"
    )
    return done.stdout


@pytest.mark.parametrize("samples", [4, 500])
def test_it_runs_alone_and_gives_the_gradients(samples: int, tmp_path: Path) -> None:
    loss, derivation = network(samples)
    derivation.save(tmp_path / "backprop.py")
    assert (tmp_path / "backprop.npz").exists() == (samples == 500)
    said = run("-W", "error", tmp_path / "backprop.py")
    assert f"loss {loss.item()}" in said
    assert "autograd" not in (tmp_path / "backprop.py").read_text()
    module = runpy.run_path(str(tmp_path / "backprop.py"), run_name="__main__")
    loss.backward()
    for name, tensor in derivation.parameters.items():
        np.testing.assert_allclose(module["gradients"][name], tensor.grad, rtol=1e-6)


def test_a_debugger_steps_through_it_line_by_line(tmp_path: Path) -> None:
    _, derivation = network()
    path = tmp_path / "backprop.py"
    derivation.save(path)
    first = next(k for k, line in enumerate(path.read_text().splitlines(), 1) if "# backward" in line) + 1
    said = run("-m", "pdb", path, text=f"break {first}\ncontinue\nnext\np dA1.shape\nquit\n")
    assert "-> dA1 = 2 / 8 * A1  # (4, 2)" in said
    assert "-> dv1 = dA1 * (1 - A1**2)  # (4, 2)" in said
    assert "(Pdb) (4, 2)" in said


@pytest.mark.parametrize("name", ["class.py", "backprop.txt", "backprop", "back-prop.py", "1.py"])
def test_a_path_that_is_no_module_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="module"):
        network()[1].save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cannot be written"):
        network()[1].save(tmp_path / "missing" / "backprop.py")


def test_what_was_there_stays_if_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "backprop.py"
    path.write_text("# old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left on device"):
        network(500)[1].save(path)
    assert path.read_text() == "# old"
    assert [file.name for file in tmp_path.iterdir()] == ["backprop.py"]
