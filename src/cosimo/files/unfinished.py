"""Names for what is not finished yet, beside the place it is meant for, so that a crash leaves the place as it was."""

import contextlib
import secrets
import shutil
import time
from glob import escape
from pathlib import Path

ABANDONED_SECONDS = 86_400
"""After how long without a change somebody's unfinished work counts as left behind by a crash."""


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
