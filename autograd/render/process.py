"""Another program, given a text and asked for its output, that may take only so much time and give only so much."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Thread, Timer
from typing import IO, Any

SECONDS = 10.0  # for any text; a slide takes a hundredth of that
SECONDS_A_MEGABYTE = 120.0  # of the text: a thousand cards as a bitmap take some twenty seconds
MOST = 200_000_000  # bytes of output
_CHUNK = 1 << 16


class ProgramError(Exception):
    """The program failed, took too long or gave too much; says which."""


def run(command: Sequence[str], text: bytes, *, last_line: bool = False) -> bytes:
    """What the program writes when it reads `text`.

    Args:
        last_line: of what a program that fails writes about it, the last line says why, and not the first.

    Raises:
        ProgramError: it cannot be started, fails, goes on for too long, or does not stop writing. Nothing of it, nor of
            what it started, goes on then.
    """
    options: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
    options |= {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, **options)
    except OSError as error:
        raise ProgramError(str(error)) from error
    seconds, late, said = SECONDS + SECONDS_A_MEGABYTE * len(text) / 1e6, Event(), bytearray()

    def stop() -> None:
        late.set()
        _end(process)

    timer = Timer(seconds, stop)
    helpers = [timer, Thread(target=_feed, args=(process, text)), Thread(target=_drain, args=(process.stderr, said))]
    for helper in helpers:
        helper.daemon = True
        helper.start()
    try:
        output = _read(process.stdout, MOST)
        flooded = len(output) > MOST
        if flooded:
            _end(process)
        status = process.wait()
    finally:
        timer.cancel()
        if process.returncode is None:
            _end(process)
            process.wait()
        for helper in helpers[1:]:
            helper.join()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if late.is_set():
        raise ProgramError(f"it gave nothing within {seconds:.0f} s, and was ended")
    if flooded:
        raise ProgramError(f"it gave more than {MOST / 1e6:.0f} MB, and was ended")
    if status:
        lines = bytes(said).decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ProgramError(lines[-1 if last_line else 0])
    return bytes(output)


def _read(stream: IO[bytes] | None, most: int) -> bytearray:
    """What comes, up to a little more than `most` bytes."""
    output = bytearray()
    while stream is not None and len(output) <= most and (chunk := stream.read1(_CHUNK)):  # type: ignore[attr-defined]
        output += chunk
    return output


def _feed(process: subprocess.Popen[bytes], text: bytes) -> None:
    with suppress(OSError):  # it need not read all
        if process.stdin is not None:
            process.stdin.write(text)
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()


def _drain(stream: IO[bytes] | None, said: bytearray) -> None:
    """Read what a program says besides, so that it never waits; of much, the beginning and the end are kept."""
    while stream is not None and (chunk := stream.read1(_CHUNK)):  # type: ignore[attr-defined]
        said += chunk
        del said[_CHUNK:-_CHUNK]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program, with all that it started."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        elif process.poll() is None:
            process.kill()
