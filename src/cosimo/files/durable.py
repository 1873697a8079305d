"""Files that appear whole or not at all, also when the power fails."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cosimo.files.unfinished import beside


def publish(fresh: Path, final: Path) -> None:
    """Give the finished file `fresh` the name `final`, in the same folder, once its bytes are on the disk."""
    _sync(fresh)
    fresh.replace(final)
    _sync(final.parent)


def stamp(status: os.stat_result) -> list[int]:
    """Size, times and inode: a file that was written to, or replaced, differs in one of them."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A place beside `path` that becomes the folder `path` when the block ends well, and is removed otherwise."""
    fresh = beside(path)
    try:
        yield fresh
        for inside in (*fresh.rglob("*"), fresh):
            _sync(inside)
        fresh.rename(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _sync(path: Path) -> None:
    """Wait until the bytes of a file, or the entries of a folder, are on the disk."""
    # Systems that cannot open a folder write its entries through.
    with contextlib.suppress(PermissionError):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
