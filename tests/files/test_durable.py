import os
from pathlib import Path

import pytest

from cosimo.files.durable import appearing


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
