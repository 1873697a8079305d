"""Vectors from elsewhere: built with, searched by, exported."""

import json

import numpy as np
import pytest

from cosimo.interchange import load_vectors, save_vectors
from serve.scene import PAPERS, one_sentence

IDS = [paper["id"] for paper in PAPERS]
X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


@pytest.fixture
def made(cosimo, papers, tmp_path):
    """A function that builds a collection of the papers with vectors from a file of this name."""

    def build(name: str, *words: object, ids=None, vectors=X):
        save_vectors(vectors, tmp_path / name, ids=ids)
        target = tmp_path / "made.cosimo"
        built = cosimo("build", papers, "--id", "id", "--vectors", tmp_path / name, *words, "--into", target)
        return built, target

    return build


FROM = ("--vectors-from", "clip")


def test_build_search_and_export(cosimo, made, tmp_path):
    built, target = made("x.npy", "--field", "year:int", *FROM)
    assert built.code == 0, built.err
    assert "4 added" in built.err
    save_vectors(X[[2, 0]], tmp_path / "q.npz", ids=["third", "first"])
    found = cosimo("search", target, "--vectors", tmp_path / "q.npz", "-k", 2, "--json").objects
    assert [(answer["id"], answer["query"], answer["hits"][0]["id"]) for answer in found] == [
        ("third", "", "p3"),
        ("first", "", "p1"),
    ]
    assert found[0]["hits"][0]["score"] == pytest.approx(1)
    exported = cosimo("export", target, "--vectors", tmp_path / "out.parquet", "--where", "year >= 2020")
    assert (exported.code, exported.out) == (0, "")
    assert exported.err == f"{tmp_path / 'out.parquet'}: 3 vectors written, in the order of the items\n"
    vectors, ids = load_vectors(tmp_path / "out.parquet")
    assert ids == ["p1", "p2", "p4"]
    np.testing.assert_array_equal(vectors, X[[0, 1, 3]])


def test_vectors_find_their_records_by_id(cosimo, made):
    built, target = made("x.safetensors", *FROM, ids=IDS[::-1], vectors=X[::-1])
    assert built.code == 0, built.err
    out = target.with_suffix(".npy")
    assert cosimo("export", target, "--vectors", out).code == 0
    np.testing.assert_array_equal(np.load(out), X)


def test_items_and_vectors_go_out_together(cosimo, made, tmp_path):
    _, target = made("x.npy", *FROM)
    both = cosimo("export", target, "--to", tmp_path / "items.jsonl", "--vectors", tmp_path / "out.npy")
    assert both.err.count("\n") == 2
    assert [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()] == PAPERS
    assert np.load(tmp_path / "out.npy").shape == (4, 5)


def test_queries_by_vector_are_numbered(cosimo, made, tmp_path):
    _, target = made("x.npy", *FROM)
    run = tmp_path / "run.trec"
    assert cosimo("search", target, "--vectors", tmp_path / "x.npy", "-k", 1, "--run", run).code == 0
    assert [line.split()[:3] for line in run.read_text().splitlines()] == [
        [str(number), "Q0", id] for number, id in enumerate(IDS, 1)
    ]


def test_words_are_searched_where_text_was_named(cosimo, made):
    _, target = made("x.npy", *FROM, "--text", "title")
    assert [row[3] for row in cosimo("search", target, "--lexical", "rice").rows] == ["p3"]


def test_texts_cannot_be_compared_with_vectors(cosimo, made):
    _, target = made("x.npy", *FROM)
    one_sentence(cosimo("search", target, "rice"), '"clip"', "has no encoder")


def test_vectors_of_a_space_here_are_checked_by_sample(cosimo, made, collection, space, tmp_path):
    out = tmp_path / "own.parquet"
    assert cosimo("export", collection, "--vectors", out).code == 0
    own, ids = load_vectors(out)
    built, target = made("x.npz", "--space", space, "--text", "title,abstract", ids=ids, vectors=own)
    assert built.code == 0, built.err
    assert [row[3] for row in cosimo("search", target, "rice", "-k", 1).rows] == ["p3"]
    other = tmp_path / "other.cosimo"
    save_vectors(own[::-1], tmp_path / "foreign.npy")
    words = ("--id", "id", "--text", "title,abstract", "--space", space, "--vectors", tmp_path / "foreign.npy")
    refused = cosimo("build", tmp_path / "papers.jsonl", *words, "--into", other)
    assert refused.code == 3
    assert "not what" in refused.err
    assert not other.exists()


def test_update_replaces_vectors(cosimo, made, tmp_path):
    _, target = made("x.npy", *FROM)
    again, _ = made("y.npy", "--update", vectors=-X)
    assert "4 replaced" in again.err
    assert cosimo("export", target, "--vectors", tmp_path / "out.npy").code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), -X)
    other, _ = made("y.npy", "--update", "--vectors-from", "clip v2")
    assert other.code == 3
    assert "clip v2" in other.err


BAD = {
    "fewer": ("x.npy", {"vectors": X[:3]}, "3 vectors"),
    "more": ("x.npy", {"vectors": np.vstack([X, X])}, "8 vectors"),
    "id without vector": ("x.npz", {"ids": [*IDS[:3], "p9"]}, "papers.jsonl, line 4: x.npz has no vector for the id"),
    "vector without id": ("x.npz", {"ids": [*IDS, "p9"], "vectors": np.vstack([X, X[:1]])}, "holds 5 vectors for 4"),
    "id twice": ("x.npz", {"ids": [*IDS[:3], "p1"]}, "1 ids more than once"),
}


@pytest.mark.parametrize(("name", "given", "message"), BAD.values(), ids=BAD)
def test_vectors_that_do_not_fit_build_nothing(made, name, given, message):
    built, target = made(name, *FROM, **given)
    one_sentence(built, message)
    assert not target.exists()


def test_ids_need_a_column(cosimo, papers, tmp_path):
    save_vectors(X, tmp_path / "x.npz", ids=IDS)
    words = ("--vectors", tmp_path / "x.npz", *FROM, "--into", tmp_path / "made.cosimo")
    one_sentence(cosimo("build", papers, *words), "--id")


@pytest.mark.parametrize(
    "words", [(), ("--vectors-from", "clip", "--space", "minilm"), ("--update",)], ids=["unknown", "both", "new"]
)
def test_what_made_the_vectors_must_be_said(made, words):
    built, target = made("x.npy", *words)
    assert built.code == 2
    assert "--vectors-from" in built.err
    assert not target.exists()


def test_a_name_without_vectors_is_wrong_usage(cosimo, papers, tmp_path):
    assert cosimo("build", papers, "--vectors-from", "clip", "--into", tmp_path / "x.cosimo").code == 2


def test_one_kind_of_query_only(cosimo, collection, tmp_path):
    save_vectors(X, tmp_path / "x.npy")
    assert cosimo("search", collection, "rice", "--vectors", tmp_path / "x.npy").code == 2
