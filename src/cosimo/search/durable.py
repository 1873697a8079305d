"""Files that appear whole or not at all, also when the power fails."""

import contextlib
import os
from pathlib import Path


def publish(fresh: Path, final: Path) -> None:
    """Give the finished file `fresh` the name `final`, in the same folder, once its bytes are on the disk."""
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    fresh.replace(final)
    # Systems that cannot open a folder write its entries through.
    with contextlib.suppress(PermissionError):
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
