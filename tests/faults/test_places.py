"""Places where nothing can be written: another user's folder, a disk that is full, and a disk that is far away."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from assembly.toys import toy_space
from cosimo import Collection
from cosimo.search.stores import mounts
from faults.children import environment

PROLOGUE = """
import os, sys
from pathlib import Path
from assembly.toys import toy_space
from cosimo import Collection
from cosimo.errors import CosimoError
from cosimo.serve.cli.build import Build
from faults.oracle import correct
path = Path(sys.argv[1])
"""


def says(script: str, path: Path, *, before: tuple[str, ...] = ()) -> str:
    """What a process prints."""
    command = [*before, sys.executable, "-c", PROLOGUE + script, str(path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


READER = """
warm = path.parent / "warm"
with Collection.open(warm, space=toy_space(), mode="r") as collection:
    correct(collection, {"1": "red apple", "2": "blue river"})
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for mode in ("r", "r+"):
    try:
        with Collection.open(path, space=toy_space(), mode=mode) as collection:
            correct(collection, {"1": "red apple", "2": "blue river"})
            print("read")
            collection.add(["green"], id=None)
    except CosimoError as error:
        print(error)
print(sorted(os.listdir(path)))
"""


@pytest.fixture
def theirs():
    """A folder everybody may enter, with two collections of two items."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    for name in ("warm", "c"):
        with Collection.create(folder / name, toy_space()) as collection:
            collection.add(["red apple", "blue river"])
    yield folder / "c"
    (folder / "c").chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("cached", [True, False])
def test_another_users_folder_is_read_and_nothing_written(theirs, cached):
    (cache,) = theirs.glob("*.f32")
    names = ["items.db", "space", cache.name]
    if not cached:
        cache.unlink()
        names.remove(cache.name)
    theirs.chmod(0o555)
    read, refused, not_opened, left = says(READER, theirs).splitlines()
    assert read == "read"
    assert "was opened read-only; open it for writing" in refused
    assert "it cannot be written; open it read-only, or check the permissions" in not_opened
    assert left == str(names)


FILL = """
live = {}
def fill(collection, n):
    records = [{"id": f"i{len(live) + j}", "text": f"red apple {len(live) + j} " * 20} for j in range(n)]
    collection.add(records, id="id")
    live.update((record["id"], record["text"]) for record in records)
collection = Collection.create(path / "c", toy_space())
fill(collection, 40)
collection.export(path / "out.csv")
old = (path / "out.csv").read_bytes()
try:
    while True:
        fill(collection, 40)
except CosimoError as error:
    print(error)
correct(collection, live)
collection.close()
collection = Collection.open(path / "c", space=toy_space())
correct(collection, live)
"""
FULL = (
    """
from cosimo import Space
ballast = path / "ballast"
ballast.write_bytes(bytes(400_000))
(path / "records.txt").write_text("red apple " * 50)
"""
    + FILL
    + """
Space.load = lambda *_: toy_space()
ballast.unlink()
with (path / "filler").open("wb", buffering=0) as filler:
    try:
        while filler.write(bytes(4096)):
            pass
    except OSError:
        pass
for work in (lambda: collection.export(path / "out.csv"), Build(path / "records.txt", path / "b").run):
    try:
        work()
        print("written")
    except (CosimoError, OSError) as error:
        print("not written")
assert (path / "out.csv").read_bytes() == old
(path / "filler").unlink()
print(sorted(file.name for file in path.iterdir()))
fill(collection, 40)
correct(collection, live)
collection.check()
collection.close()
"""
)


def test_a_full_disk(tmp_path):
    """On a tmpfs in a namespace of its own, so that nothing stays mounted."""
    alone = ("unshare", "--mount") if os.getuid() == 0 else ("unshare", "--mount", "--map-root-user")
    mount = (*alone, "sh", "-c", 'mount -t tmpfs -o size=2m cosimo "$0" && exec "$@"', str(tmp_path))
    if shutil.which("unshare") is None or subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here; test_a_file_that_may_not_grow does without")
    full, *works, left = says(FULL, tmp_path, before=mount).splitlines()
    assert "the disk is full; nothing of the last change was kept, make room and repeat it" in full
    assert works == ["not written", "not written"]
    assert left == "['c', 'out.csv', 'records.txt']"


def test_a_file_that_may_not_grow(tmp_path):
    """What a quota does: the same, where nothing can be mounted."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))\n"
    (said,) = says(limit + FILL + "collection.check()\n", tmp_path).splitlines()
    assert "the disk is full" in said or "the disk failed while reading or writing" in said


class TestNetwork:
    def test_a_warning_names_it(self, tmp_path, monkeypatch):
        table = tmp_path / "mountinfo"
        table.write_text(f"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:9 / {tmp_path}/far rw - nfs4 nas:/ rw\n")
        monkeypatch.setattr(mounts, "MOUNTS", table)
        (tmp_path / "far").mkdir()
        Collection.create(tmp_path / "near", toy_space()).close()
        with pytest.warns(UserWarning, match=r"far/c lies on a network file system \(nfs4\).*local disk"):
            Collection.create(tmp_path / "far" / "c", toy_space()).close()
        with pytest.warns(UserWarning, match="network file system") as caught:
            Collection.open(tmp_path / "far" / "c", space=toy_space()).close()
        assert [Path(warning.filename) for warning in caught] == [Path(__file__)]

    def test_a_system_without_the_table_is_not_asked(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "none")
        Collection.create(tmp_path / "c", toy_space()).close()
