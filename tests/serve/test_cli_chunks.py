"""--chunk: long texts are split when a collection is built, and hits show the passage."""

import json

import pytest

from serve.scene import one_sentence

LONG = "water and heat. " * 30 + "late interaction retrieval. " + "water and heat. " * 30


@pytest.fixture
def long(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"id": "a", "text": LONG}) + "\n" + json.dumps({"id": "b", "text": "rice"}) + "\n")
    return path


@pytest.fixture
def chunked(cosimo, long, space, tmp_path):
    target = tmp_path / "long.cosimo"
    built = cosimo("build", long, "--id", "id", "--space", space, "--chunk", "12/4", "--into", target)
    assert (built.code, built.out) == (0, "")
    return target


def test_a_hit_shows_its_passage(cosimo, chunked):
    (answer,) = cosimo("search", chunked, "late interaction", "--json").objects
    assert [hit["id"] for hit in answer["hits"]] == ["a", "b"]
    best = answer["hits"][0]
    assert "late interaction retrieval." in best["text"]
    assert len(best["text"]) < 80
    assert best["payload"]["text"] == LONG


def test_what_is_added_later_is_split_alike(cosimo, chunked, long):
    assert cosimo("info", chunked, "--json").objects[0]["chunk"] == "12/4"
    more = long.with_name("more.jsonl")
    more.write_text(json.dumps({"id": "c", "text": LONG.replace("late", "multi vector")}) + "\n")
    assert cosimo("add", chunked, more, "--id", "id").code == 0
    (answer,) = cosimo("search", chunked, "multi vector", "-k", "1", "--json").objects
    assert "multi vector interaction" in answer["hits"][0]["text"]
    assert len(answer["hits"][0]["text"]) < 80


def test_another_chunk_later_is_refused(cosimo, chunked, collection, long, papers):
    update = ("--id", "id", "--update")
    other = cosimo("build", long, *update, "--chunk", "20/5", "--into", chunked)
    one_sentence(other, "was built with --chunk 12/4", "leave out --chunk")
    whole = cosimo("build", papers, *update, "--text", "title", "--chunk", "20/5", "--into", collection)
    one_sentence(whole, "was built without --chunk")
    assert cosimo("build", long, *update, "--chunk", "12/4", "--into", chunked).code == 0


@pytest.mark.parametrize("text", ["12", "4/12", "x/y"])
def test_bad_chunks_are_one_sentence_and_build_nothing(cosimo, long, space, tmp_path, text):
    target = tmp_path / "x.cosimo"
    refused = cosimo("build", long, "--id", "id", "--space", space, "--chunk", text, "--into", target)
    one_sentence(refused, "token")
    assert not target.exists()
