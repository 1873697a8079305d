"""The one way of writing all or nothing: after a failure or a crash, a place holds what it held, or all that is new.

    with replacing(path) as file    one file, written from its first byte to its last
    with publishing(path) as fresh  one file, by whoever opens it by name; also its name outlives a power failure
    with appearing(path) as fresh   a folder with all that is in it; so does its name

What is not finished lies beside its place under a hidden name of its own. What a crash left there is removed by the
next work on the same place, once it is `ABANDONED_SECONDS` old.
"""

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from glob import escape
from pathlib import Path
from typing import BinaryIO

ABANDONED_SECONDS = 86_400
"""After how long without a change somebody's unfinished work counts as left behind by a crash."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well, and leaves no trace otherwise.

    What is no regular file (a pipe, a device) is written to directly: it has no place to take.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    fresh = beside(path)
    try:
        with fresh.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


@contextlib.contextmanager
def publishing(path: Path) -> Iterator[Path]:
    """A name for a file that takes the place of `path` when the block ends well, and is removed otherwise."""
    fresh = beside(path)
    try:
        yield fresh
        publish(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


@contextlib.contextmanager
def appearing(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A name for a folder that becomes `path` when the block ends well, and is removed otherwise.

    replace
        Whether it takes the place of a folder that is there; else that one stays, and the block ends in `OSError`.
    """
    fresh, old = beside(path), beside(path)
    try:
        yield fresh
        for inside in (*fresh.rglob("*"), fresh):
            _sync(inside)
        if replace and path.exists():
            path.rename(old)
        fresh.rename(path)
        _sync(path.parent)
    finally:
        for rest in (fresh, old):
            shutil.rmtree(rest, ignore_errors=True)


def publish(fresh: Path, final: Path) -> None:
    """Give the finished file `fresh` the name `final`, in the same folder, once its bytes are on the disk."""
    _sync(fresh)
    fresh.replace(final)
    _sync(final.parent)


def beside(path: Path) -> Path:
    """A new name in the folder of `path`; what crashes left under such names long ago is removed.

    >>> beside(Path("there/papers.csv")).parent
    PosixPath('there')
    """
    for other in path.parent.glob(f".{escape(path.name)}.{'[0-9a-f]' * 8}.tmp"):
        with contextlib.suppress(OSError):
            changed = max(file.lstat().st_mtime for file in (other, *other.rglob("*")))
            if time.time() - changed < ABANDONED_SECONDS:
                continue
            if other.is_dir():
                shutil.rmtree(other)
            else:
                other.unlink()
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def remove_files(files: Iterable[Path], *, but: Path | None = None) -> None:
    """Remove files that can be made again, except `but` and what somebody may still be writing."""
    for file in files:
        with contextlib.suppress(OSError):
            unfinished = file.name.startswith(".")
            if file != but and not (unfinished and time.time() - file.stat().st_mtime < ABANDONED_SECONDS):
                file.unlink()


def stamp(status: os.stat_result) -> list[int]:
    """Size, times and inode: a file that was written to, or replaced, differs in one of them."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _sync(path: Path) -> None:
    """Wait until the bytes of a file, or the entries of a folder, are on the disk."""
    # Systems that cannot open a folder write its entries through.
    with contextlib.suppress(PermissionError):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
