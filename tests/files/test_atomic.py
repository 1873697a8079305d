import os
import time
from pathlib import Path

import pytest

from cosimo.files.atomic import ABANDONED_SECONDS, appearing, beside, publishing, remove_files, replacing

OLD = time.time() - 2 * ABANDONED_SECONDS


def test_a_folder_appears_when_it_is_complete(tmp_path):
    with appearing(tmp_path / "c") as fresh:
        (fresh / "inner").mkdir(parents=True)
        (fresh / "inner" / "file").write_text("all")
        assert not (tmp_path / "c").exists()
    assert (tmp_path / "c" / "inner" / "file").read_text() == "all"
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), appearing(tmp_path / "c") as fresh:
        fresh.mkdir()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_came_there_meanwhile_stays(tmp_path):
    with pytest.raises(OSError, match="not empty"), appearing(tmp_path / "c") as fresh:
        fresh.mkdir()
        (tmp_path / "c").mkdir()
        (tmp_path / "c" / "theirs").touch()
    assert [file.name for file in tmp_path.iterdir()] == ["c"]
    assert [file.name for file in (tmp_path / "c").iterdir()] == ["theirs"]


def test_everything_is_on_the_disk_before_it_appears(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(Path(f"/proc/self/fd/{file}").readlink().name))
    with appearing(tmp_path / "c") as fresh:
        fresh.mkdir()
        (fresh / "file").write_text("all")
    assert synced[:-1] == ["file", fresh.name]
    assert synced[-1] == tmp_path.name


def test_a_folder_takes_the_place_of_another(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "old").touch()
    with appearing(tmp_path / "c", replace=True) as fresh:
        fresh.mkdir()
        (fresh / "new").touch()
    assert [file.relative_to(tmp_path).as_posix() for file in sorted(tmp_path.rglob("*"))] == ["c", "c/new"]


def test_a_folder_that_fails_leaves_the_other(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "old").touch()
    with pytest.raises(RuntimeError), appearing(tmp_path / "c", replace=True) as fresh:
        fresh.mkdir()
        raise RuntimeError
    assert [file.relative_to(tmp_path).as_posix() for file in sorted(tmp_path.rglob("*"))] == ["c", "c/old"]


WAYS = {"a": replacing, "b": publishing}
"""By the name of the file they write here."""


def written(path, content, *, fail=False):
    with WAYS[path.name](path) as fresh:
        if isinstance(fresh, Path):
            fresh.write_bytes(content)
        else:
            fresh.write(content)
        if fail:
            raise RuntimeError


@pytest.mark.parametrize("name", WAYS)
def test_a_file_replaces_at_once_or_not_at_all(tmp_path, name):
    path = tmp_path / name
    written(path, b"old")
    written(path, b"new")
    with pytest.raises(RuntimeError):
        written(path, b"half", fail=True)
    assert [(file, file.read_bytes()) for file in tmp_path.iterdir()] == [(path, b"new")]


def test_files_are_on_the_disk_before_they_are_seen(tmp_path, monkeypatch):
    seen = []

    def sync(file):
        path = Path(f"/proc/self/fd/{file}").readlink()
        seen.append((path.name.split(".")[1] if path.name.startswith(".") else path.name, (tmp_path / "b").exists()))

    monkeypatch.setattr(os, "fsync", sync)
    for name in WAYS:
        written(tmp_path / name, b"new")
    assert seen == [("a", False), ("b", False), (tmp_path.name, True)]


def test_only_what_somebody_may_be_writing_is_spared(tmp_path):
    names = ("kept", "gone", ".young.tmp", ".old.tmp")
    kept, _, young, old = files = [tmp_path / name for name in names]
    for file in files:
        file.touch()
    os.utime(old, (OLD, OLD))
    remove_files(files, but=kept)
    assert sorted(tmp_path.iterdir()) == [young, kept]


def test_each_name_is_new_and_hidden_beside_the_place(tmp_path):
    names = {beside(tmp_path / "papers.csv") for _ in range(20)}
    assert len(names) == 20
    assert all(name.parent == tmp_path and name.name.startswith(".papers.csv.") for name in names)
    assert list(tmp_path.iterdir()) == []


def test_what_was_left_behind_long_ago_goes(tmp_path):
    path = tmp_path / "a[1].csv"
    file, folder, busy = (beside(path) for _ in range(3))
    file.write_text("half")
    for made in (folder, busy):
        made.mkdir()
        (made / "items.db").write_text("half")
    for other in (file, folder / "items.db", folder, busy):
        os.utime(other, (OLD, OLD))
    kept = [tmp_path / name for name in (".a[1].csv.tmp", ".a[1].csv.0123.tmp", ".b.csv.01234567.tmp", "a1.csv")]
    for other in kept:
        other.write_text("not ours")
        os.utime(other, (OLD, OLD))
    beside(path)
    assert sorted(tmp_path.iterdir()) == sorted([*kept, busy])


def test_a_place_that_is_not_there(tmp_path):
    assert beside(tmp_path / "no" / "file").parent == tmp_path / "no"
