from pathlib import Path

import pytest

from cosimo.search.stores.mounts import NETWORK, file_system

MOUNTS = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw - proc proc rw
30 21 0:40 / /data rw,relatime shared:7 master:3 - nfs4 nas:/export rw,vers=4.2
31 30 8:2 /sub /data/local rw - xfs /dev/sdb1 rw
32 21 0:41 / /my\040disk rw - cifs //server/share rw
33 21 0:42 / /twice rw - ext4 /dev/sdc1 rw
34 33 0:43 / /twice rw - fuse.sshfs me@there:/ rw
35 21 0:44 / /mnt/c rw - 9p C:\134 rw
this line says nothing
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/mnt/here/papers", "ext4"),
        ("/data", "nfs4"),
        ("/data/papers", "nfs4"),
        ("/database", "ext4"),
        ("/data/local/papers", "xfs"),
        ("/my disk/papers", "cifs"),
        ("/twice/papers", "fuse.sshfs"),
        ("/mnt/c/papers", "9p"),
    ],
)
def test_the_deepest_and_latest_mount_counts(path, kind):
    assert file_system(Path(path), MOUNTS) == kind
    assert (kind in NETWORK) == (kind not in ("ext4", "xfs"))


def test_nothing_is_mounted():
    assert file_system(Path("/data"), "") is None
