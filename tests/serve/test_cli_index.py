"""build --index: an approximate index where it was asked for, shown by info."""

import pytest

WORDS = ("--text", "title,abstract", "--id", "id")


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_built_shown_and_used(cosimo, papers, space, tmp_path, kind):
    target = tmp_path / "x.cosimo"
    built = cosimo("build", papers, *WORDS, "--space", space, "--into", target, "--index", kind)
    assert (built.code, built.out) == (0, "")
    assert f"{kind} index of 4 vectors, in " in built.err
    assert "100.0 % of the 10 nearest of 4 stored vectors" in built.err
    (shown,) = cosimo("info", target, "--json").objects
    assert shown["index"] == {"kind": kind, "vectors": 4, "newer": 0, "deleted": 0, "state": "good"}
    assert cosimo("search", target, "rice", "--json").objects[0]["hits"][0]["id"] == "p3"


def test_update_builds_it_again(cosimo, papers, space, tmp_path):
    target = tmp_path / "x.cosimo"
    cosimo("build", papers, *WORDS, "--space", space, "--into", target)
    assert cosimo("info", target, "--json").objects[0]["index"] is None
    for _ in range(2):
        assert cosimo("build", papers, *WORDS, "--into", target, "--update", "--index", "ivf").code == 0
        assert cosimo("info", target, "--json").objects[0]["index"]["newer"] == 0


def test_unknown_kind_is_refused_before_any_work(cosimo, papers, space, tmp_path):
    refused = cosimo("build", papers, *WORDS, "--space", space, "--into", tmp_path / "x.cosimo", "--index", "annoy")
    assert refused.code == 2
    assert "--index is ivf or hnsw, got annoy" in refused.err
    assert not (tmp_path / "x.cosimo").exists()
