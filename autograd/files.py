"""Files that are written whole or not at all: the one way in which this package writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

_UNNAMED: int | None = getattr(os, "O_TMPFILE", None)  # Linux: a file that is gone with its writer, until it is linked


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A new file, open for writing bytes, that takes the place of `path` where the block ends without an error.

    Until then, and for good where something fails, what was there stays as it is, also for readers in other threads and
    processes. Of an older file the rights are kept, and the owner where that is allowed; a link stays, and what it
    leads to is replaced. The content is on the disk before it has the name. What is no regular file, such as a pipe,
    is written into.

    Raises:
        OSError: it cannot be written; of the kind that the system raised, in words that name `path`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/a.bin") as file:
    ...         file.write(b"abc")
    ...     Path(folder, "a.bin").read_bytes()
    3
    b'abc'
    """
    try:
        target = Path(os.path.realpath(path))
        before = target.stat() if target.exists() else None
        if before is not None and not (stat.S_ISREG(before.st_mode) or stat.S_ISDIR(before.st_mode)):
            with open(target, "wb") as file:
                yield file
            return
        if before is not None and not os.access(target, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
        beside = target.with_name(f".{token_hex(8)}.tmp")
        try:
            with _new_file(beside) as file:
                yield file
                file.flush()
                if before is not None:
                    _as_before(file.fileno(), before)
                os.fsync(file.fileno())
                _name(file.fileno(), beside)
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        if error.errno is None:  # not the system's
            raise
        message = (
            f"{os.fspath(path)} cannot be written ({error.strerror}); what was there is unchanged. "
            "Give a path in a folder that exists and that you may write to"
        )
        raise type(error)(error.errno, message) from error


def _new_file(path: Path) -> IO[bytes]:
    """A file with the rights that new files have: without a name for now where that is possible, else at `path`."""
    if _UNNAMED is not None and os.path.isdir("/proc/self/fd"):
        with suppress(OSError):  # file systems that have no such files
            return os.fdopen(os.open(path.parent, os.O_RDWR | _UNNAMED, 0o666), "w+b")
    return open(path, "x+b")


def _name(handle: int, beside: Path) -> None:
    """Give an unnamed file its name."""
    if _UNNAMED is not None and not os.fstat(handle).st_nlink:
        # With a folder's handle, which the absolute path does not need, Python follows the link.
        os.link(f"/proc/self/fd/{handle}", beside, src_dir_fd=handle, follow_symlinks=True)


def _as_before(handle: int, before: Any) -> None:
    """Rights and owner of the file that is replaced."""
    if not hasattr(os, "fchmod"):
        return
    with suppress(OSError):  # somebody else's file, in a folder where we may write
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))
