"""build and add keep vectors for the next time, unless told not to."""

import json

import pytest

from encode.tiny_bert import write_tiny_bert


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    monkeypatch.setenv("COSIMO_HOME", str(folder))
    return folder


@pytest.fixture
def build(cosimo, tmp_path, home):
    model = write_tiny_bert(tmp_path / "tiny")
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": f"text {i}"}) + "\n" for i in range(20)))

    def run(name, *more):
        done = cosimo("build", file, "--space", model, "--into", tmp_path / name, *more)
        assert done.code == 0, done.err

    return run


def kept(home) -> bool:
    return (home / "cache" / "embeddings").exists()


def test_no_cache_keeps_nothing(cosimo, build, home, tmp_path):
    build("a.cosimo", "--no-cache")
    file = tmp_path / "texts.jsonl"
    assert cosimo("add", tmp_path / "a.cosimo", file, "--no-cache").code == 0
    assert not kept(home)
    assert cosimo("add", tmp_path / "a.cosimo", file).code == 0
    assert kept(home)


def test_a_repeated_build_is_the_same(cosimo, build, home, tmp_path):
    build("a.cosimo")
    assert kept(home)
    build("b.cosimo")
    build("c.cosimo", "--no-cache")
    found = [
        cosimo("search", tmp_path / f"{name}.cosimo", "text 7", "-k", 3, "--json").objects[0]["hits"] for name in "abc"
    ]
    assert found[0] == found[1] == found[2]


def test_a_size_that_is_no_number(cosimo, build, monkeypatch, tmp_path):
    monkeypatch.setenv("COSIMO_CACHE_BYTES", "1 GB")
    done = cosimo("build", tmp_path / "texts.jsonl", "--space", tmp_path / "tiny", "--into", tmp_path / "a.cosimo")
    assert done.code == 1
    assert "COSIMO_CACHE_BYTES wants a number of bytes" in done.err
    assert not (tmp_path / "a.cosimo").exists()
