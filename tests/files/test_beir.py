import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembly.toys import PAPERS, toy_space
from cosimo import Collection
from cosimo.errors import DataError
from cosimo.interchange import read_beir, write_beir

CORPUS = [
    {"_id": "d1", "title": "Rice", "text": 'water, "heat"\nand\ttime', "metadata": {"year": 1999}},
    {"_id": "d2", "text": "שלום 🦊"},
]
QUERIES = {"q1": "how to cook", "q2": "other split", "q\t3": 'a "quoted" id'}
QRELS = {"q1": {"d1": 2, "d2": 0}, "q\t3": {"d2": 1}}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


def naive(folder, split="test"):
    """The folder as the benchmark's own loader reads it: JSON lines, and csv with tabs."""

    def rows(name):
        return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").split("\n") if line]

    with (folder / "qrels" / f"{split}.tsv").open(encoding="utf-8", newline="") as file:
        judged = list(csv.reader(file, delimiter="\t"))[1:]
    qrels = {}
    for query, item, score in judged:
        qrels.setdefault(query, {})[item] = int(score)
    return rows("corpus.jsonl"), {row["_id"]: row["text"] for row in rows("queries.jsonl")}, qrels


def test_round_trip(tmp_path):
    write_beir(tmp_path, CORPUS, QUERIES, QRELS)
    assert naive(tmp_path) == ([CORPUS[0], CORPUS[1] | {"title": ""}], QUERIES, QRELS)
    corpus, queries, qrels = read_beir(tmp_path)
    for _ in range(2):  # it can be gone through more than once
        assert [record.values for record in corpus] == [CORPUS[0], CORPUS[1] | {"title": ""}]
    assert queries == {"q1": QUERIES["q1"], "q\t3": QUERIES["q\t3"]}
    assert qrels == QRELS


@given(
    corpus=st.dictionaries(IDS, TEXTS, min_size=1, max_size=4),
    qrels=st.dictionaries(
        IDS, st.dictionaries(IDS, st.integers(-2, 3), min_size=1, max_size=3), min_size=1, max_size=3
    ),
)
def test_anything_comes_back(corpus, qrels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("beir")
    write_beir(folder, [{"_id": id, "text": text} for id, text in corpus.items()], dict.fromkeys(qrels, "?"), qrels)
    documents, queries, judged = read_beir(folder)
    assert {record.values["_id"]: record.values["text"] for record in documents} == corpus
    assert (judged, list(queries)) == (qrels, list(qrels))


def test_a_corpus_goes_into_a_collection_and_out_again(tmp_path):
    write_beir(tmp_path / "in", CORPUS, QUERIES, QRELS)
    corpus, queries, qrels = read_beir(tmp_path / "in")
    with Collection.create(tmp_path / "c.cosimo", toy_space()) as collection:
        assert collection.add(corpus, text=["title", "text"], id="_id").added == 2
        assert collection.search("and", k=1)[0][0].id == "d1"
        write_beir(tmp_path / "out", collection, queries, qrels, split="dev")
    corpus, queries, qrels = read_beir(tmp_path / "out", split="dev")
    assert [record.values["_id"] for record in corpus] == ["d1", "d2"]
    assert next(iter(corpus)).values["text"] == f"{CORPUS[0]['title']}\n{CORPUS[0]['text']}"
    assert qrels == QRELS


def test_a_list_of_papers_wants_the_columns_of_beir(tmp_path):
    with pytest.raises(DataError, match="column '_id' must hold a text, there is none"):
        write_beir(tmp_path, PAPERS, QUERIES, QRELS)
    assert not (tmp_path / "corpus.jsonl").exists()


@pytest.fixture
def folder(tmp_path):
    write_beir(tmp_path, CORPUS, QUERIES, QRELS)
    return tmp_path


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"there is no {name} in .*a BEIR folder holds"):
        read_beir(folder)


BAD = {
    "relevance": ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\thigh\n", "line 2: the relevance is 'high'"),
    "columns": ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", "test.tsv, line 2 has 2 columns"),
    "no header": ("qrels/test.tsv", "q1\td1\t1\nq1\td2\t1\n", "wants the columns query-id, corpus-id, score"),
    "twice": ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td1\t0\n", "line 3: the item 'd1' comes"),
    "unknown query": ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq9\td1\t1\n", "'q9' is judged and has no text"),
    "query without text": ("queries.jsonl", '{"_id": "q1"}\n', "queries.jsonl, line 1: column 'text' must hold"),
    "number as id": ("queries.jsonl", '{"_id": 1, "text": "?"}\n', "column '_id' must hold a text, got int"),
}


@pytest.mark.parametrize(("name", "text", "message"), BAD.values(), ids=BAD)
def test_bad_files_are_named(folder, name, text, message):
    (folder / name).write_text(text)
    with pytest.raises(DataError) as error:
        read_beir(folder)
    assert message in str(error.value)


def test_a_bad_document_is_named_when_it_is_reached(folder):
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "text": "a"}\n{"_id": "d2", "text": null}\n')
    corpus, _, _ = read_beir(folder)
    with pytest.raises(DataError, match=r"corpus\.jsonl, line 2: column 'text' must hold a text"):
        list(corpus)


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match="needs judgements"):
        write_beir(tmp_path, CORPUS, QUERIES, {})
    with pytest.raises(DataError, match="'q9' is judged and has no text"):
        write_beir(tmp_path, CORPUS, QUERIES, {"q9": {"d1": 1}})
