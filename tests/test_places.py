"""Whose code a frame runs: by the folder of its file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from autograd.basis.frames import is_engine, is_library, is_ours
from autograd.core import errors


@pytest.mark.parametrize("folder", ["project", "src", "share/course", "bin"])
def test_a_file_inside_of_an_environment_is_the_users(folder: str) -> None:
    file = str(Path(sys.prefix, folder, "net.py"))
    assert not is_library(file)
    assert not is_ours(file)
    assert not is_engine(file)


@pytest.mark.parametrize("file", [json.__file__, np.__file__, pytest.__file__, "<frozen importlib._bootstrap>"])
def test_what_is_installed_is_a_librarys(file: str) -> None:
    assert is_library(file)
    assert not is_ours(file)


def test_a_folder_whose_name_begins_alike_is_the_users() -> None:
    ours = Path(errors.__file__).parents[1]
    assert not is_ours(str(ours.with_name(ours.name + "_notes") / "net.py"))
    numpy = Path(np.__file__).parent
    assert not is_engine(str(numpy.with_name("numpy_notes") / "net.py"))
