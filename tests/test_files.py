"""Whatever this package writes is written whole or not at all, and what stood there keeps its rights and its links."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd import Tensor

Writer = Callable[[Path], object]


def product(size: int = 2) -> Tensor:
    w = Tensor(np.arange(1.0, size + 1), requires_grad=True, name="w")
    return np.sum(w * w)


WRITERS: dict[str, Writer] = {
    "model.npz": lambda path: nn.Linear(2, 1, rng=0).save(path),
    "picture.svg": lambda path: autograd.draw(product()).save(path),
    "picture.dot": lambda path: autograd.draw(product()).save(path),
    "page.html": lambda path: autograd.player(product(), path),
    "backprop.py": lambda path: autograd.derive(product()).save(path),
    "many.py": lambda path: autograd.derive(product(500)).save(path),
}
posix = pytest.mark.skipif(os.name != "posix", reason="rights and links are those of POSIX: run on Linux or macOS")


@posix
@pytest.mark.parametrize("name", WRITERS)
def test_rights_links_and_neighbours_are_kept(name: str, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / name).write_bytes(b"old")
    (real / name).chmod(0o640)
    (tmp_path / name).symlink_to(real / name)
    (tmp_path / f"{name}.part").write_bytes(b"mine")
    WRITERS[name](tmp_path / name)
    assert (tmp_path / name).is_symlink()
    assert (real / name).read_bytes() != b"old"
    assert stat.S_IMODE((real / name).stat().st_mode) == 0o640
    assert (tmp_path / f"{name}.part").read_bytes() == b"mine"
    beside = {"many.npz"} if name == "many.py" else set()
    assert {path.name for path in tmp_path.iterdir()} == {"real", name, f"{name}.part"} | beside


@posix
def test_a_new_file_has_the_rights_that_new_files_have(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    WRITERS["model.npz"](tmp_path / "model.npz")
    assert (tmp_path / "model.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_what_was_there_stays_where_writing_fails(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), autograd.replacing(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_the_old_file_until_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with autograd.replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path, failed = tmp_path / "model.npz", list[BaseException]()
    models = [nn.Linear(50, 50, rng=seed) for seed in range(4)]

    def save(model: nn.Linear) -> None:
        try:
            for _ in range(10):
                model.save(path)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=save, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert list(tmp_path.iterdir()) == [path]
    read = nn.Linear(50, 50, rng=9)
    read.load(path)
    assert any(np.array_equal(read.weight.data, model.weight.data) for model in models)


@pytest.mark.skipif(sys.platform != "linux", reason="files without a name are Linux's: run there")
def test_a_writer_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import autograd, os, signal, sys\n"
        "with autograd.replacing(sys.argv[1]) as file:\n"
        "    file.write(b'half'); file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "file"], check=False)
    assert done.returncode < 0
    assert list(tmp_path.iterdir()) == []


def test_an_error_names_the_path_and_the_cure(tmp_path: Path) -> None:
    for path, kind in ((tmp_path / "missing" / "x", FileNotFoundError), (tmp_path, OSError)):
        with pytest.raises(kind, match=r"cannot be written.*folder that exists") as caught, autograd.replacing(path):
            pass
        assert str(path) in str(caught.value)


@posix
def test_what_is_no_file_is_written_into() -> None:
    with autograd.replacing(os.devnull) as file:
        file.write(b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_module_refuses_the_numbers_of_another_save(tmp_path: Path) -> None:
    path = tmp_path / "backprop.py"
    WRITERS["many.py"](path)
    right = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout
    assert "loss" in right
    np.savez(tmp_path / "backprop.npz", w=np.ones(500))  # as a save leaves it that was interrupted between the two
    wrong = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert wrong.returncode
    assert "loss" not in wrong.stdout
    assert "is not the file that was saved with this module" in wrong.stderr
