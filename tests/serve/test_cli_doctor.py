"""doctor: what it shows and writes of a collection and of a space, and what it refuses before any work is done."""

import json
import os
from pathlib import Path

import pytest

from serve.scene import PAPERS, WORDS, one_sentence


@pytest.fixture
def texts(tmp_path) -> Path:
    path = tmp_path / "texts.csv"
    rows = [f"{a} {b} {c}" for a in WORDS[1:9] for b in WORDS[4:10] for c in ("and water", "or heat")]
    path.write_text("title\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def page(tmp_path) -> Path:
    return tmp_path / "report.html"


def test_a_collection_too_small_to_tell(cosimo, collection, page):
    outcome = cosimo("doctor", collection, "--html", page)
    assert outcome.code == 0
    assert {row[0] for row in outcome.rows} == {"unclear"}
    assert all(len(row) == 4 for row in outcome.rows)
    assert all(row[3].endswith(". Inconclusive: examine more items.") for row in outcome.rows)
    assert f"{page}: written" in outcome.err
    assert "papers.cosimo: 4 vectors of 24 dimensions" in outcome.err
    html = page.read_text(encoding="utf-8")
    assert "inconclusive (too few items)" in html
    assert "cosimo doctor: papers.cosimo" in html


def test_a_space_with_texts(cosimo, space, texts, page):
    outcome = cosimo("doctor", space, "--items", texts, "--text", "title", "--html", page)
    assert outcome.code == 0, outcome.err
    assert "96 vectors of 24 dimensions" in outcome.err
    assert page.read_text(encoding="utf-8").count("<svg") >= 3


def test_json(cosimo, space, texts):
    (found,) = cosimo("doctor", space, "--items", texts, "--text", "title", "--json").objects
    assert found["vectors"] == 96
    assert {"findings", "fine", "figures", "worst", "seed", "passport"} <= set(found)
    names = {finding["name"] for finding in (*found["findings"], *found["fine"])}
    assert {"hubs", "copies", "batches", "common direction"} <= names
    for finding in found["findings"]:
        assert {"severity", "what", "measured", "why", "fix"} <= set(finding)
    assert [finding["name"] for finding in found["fine"] if "fix" in finding] == []


def test_the_seed_draws_the_samples(cosimo, space, texts):
    def figures(seed):
        (found,) = cosimo("doctor", space, "--items", texts, "--text", "title", "--seed", seed, "--json").objects
        return found["figures"]["noise_robustness"]

    assert figures(0) == figures(0) != figures(1)


def test_copies_are_shown(cosimo, space, texts):
    texts.write_text(texts.read_text() + texts.read_text().removeprefix("title\n"))
    rows = cosimo("doctor", space, "--items", texts, "--text", "title").rows
    (copies,) = [row for row in rows if row[1] == "copies"]
    assert copies[0] == "serious"
    assert copies[2] == "0.5000"
    assert "cosimo duplicates" in copies[3]


def test_on_a_terminal(cosimo, space, texts, monkeypatch):
    monkeypatch.setattr("cosimo.serve.cli.output.interactive", lambda: True)
    texts.write_text(texts.read_text() + texts.read_text().removeprefix("title\n"))
    outcome = cosimo("doctor", space, "--items", texts, "--text", "title")
    assert outcome.code == 0
    assert "what was seen" in outcome.out
    assert "serious" in outcome.out
    assert "\t" not in outcome.out


def test_standard_input(cosimo, space):
    lines = "".join(json.dumps({"text": f"{paper['title']} {i}"}) + "\n" for i, paper in enumerate(PAPERS * 8))
    outcome = cosimo("doctor", space, "--items", "-", stdin=lines.encode())
    assert outcome.code == 0
    assert "32 vectors" in outcome.err


def test_wrong_usage(cosimo, collection, space, texts):
    assert cosimo("doctor").code == 2
    without = cosimo("doctor", space)
    assert without.code == 2
    assert "--items" in without.err
    assert cosimo("doctor", collection, "--items", texts).code == 2
    assert cosimo("doctor", space, "--items", texts, "--seed", "x").code == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"title\n", "is empty"),
        (b"name\nx\n", "no column 'title'"),
        (b"\xff\xfe\x00\n", "texts.csv"),
    ],
)
def test_bad_items(cosimo, space, texts, page, data, message):
    texts.write_bytes(data)
    one_sentence(cosimo("doctor", space, "--items", texts, "--text", "title", "--html", page), message)
    assert not page.exists()


def test_items_that_are_no_texts(cosimo, space, tmp_path):
    path = tmp_path / "numbers.jsonl"
    path.write_text('{"text": 3}\n')
    one_sentence(cosimo("doctor", space, "--items", path), "numbers.jsonl", "wanted a text")


def test_one_item(cosimo, space, tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("cooking rice\n")
    outcome = cosimo("doctor", space, "--items", path)
    assert outcome.code == 0
    assert {row[0] for row in outcome.rows} == {"unclear"}


def test_what_is_not_there(cosimo, tmp_path, space):
    one_sentence(cosimo("doctor", tmp_path / "none"), "none")
    one_sentence(cosimo("doctor", space, "--items", tmp_path / "none.csv"), "none.csv")


def test_an_empty_collection(cosimo, collection, page):
    assert cosimo("delete", collection, *(paper["id"] for paper in PAPERS)).code == 0
    one_sentence(cosimo("doctor", collection, "--html", page), "is empty: there is nothing to examine")
    assert not page.exists()


def test_places_that_cannot_be_written_are_refused_first(cosimo, space, texts, tmp_path, monkeypatch):
    def never(*args, **how):
        raise AssertionError("the work was done")

    monkeypatch.setattr("cosimo.serve.cli.doctor.Doctor._examined", never)
    words = ("doctor", space, "--items", texts, "--text", "title", "--html")
    one_sentence(cosimo(*words, tmp_path), "Is a directory", str(tmp_path))
    one_sentence(cosimo(*words, tmp_path / "no" / "report.html"), "No such file or directory")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    one_sentence(cosimo(*words, tmp_path / "report.html"), "Permission denied", "report.html")


def test_a_collection_is_only_read(cosimo, collection):
    before = {path.name: path.stat().st_mtime_ns for path in collection.iterdir()}
    assert cosimo("doctor", collection).code == 0
    assert {path.name: path.stat().st_mtime_ns for path in collection.iterdir() if path.name in before} == before
