"""Which file system a path lies on, as far as that decides whether several machines may share a collection.

SQLite's log and its locks need one machine's memory; network file systems give neither, and say nothing about it.
"""

import contextlib
import re
import warnings
from pathlib import Path

NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gpfs", "lustre", "ncpfs"}
    | {"nfs", "nfs4", "smb3", "smbfs"}
)
"""File systems whose files lie on another machine, as Linux calls them."""

MOUNTS = Path("/proc/self/mountinfo")


def file_system(path: Path, mounts: str) -> str | None:
    r"""The type of the file system that an absolute `path` lies on; None where the mounts do not say.

    mounts
        The text of `/proc/self/mountinfo`.

    >>> file_system(Path("/data/papers"), "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:9 / /data rw - nfs4 nas:/ rw")
    'nfs4'
    """
    found, longest = None, -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if not after or len(before.split(" ")) < 5:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), before.split(" ")[4]))
        if path.is_relative_to(point) and len(point.parts) >= longest:  # a later mount hides an earlier one
            found, longest = after.split(" ")[0], len(point.parts)
    return found


def warn_of_network(path: Path) -> None:
    """Warn once a place when `path` lies on a network file system."""
    with contextlib.suppress(OSError):
        kind = file_system(path.resolve(), MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
        if kind in NETWORK:
            warnings.warn(
                f"{path} lies on a network file system ({kind}), where SQLite's locks cannot be relied on; keep "
                "collections on a local disk, or let one process at a time open it",
                stacklevel=3,
            )
