import numpy as np
import pandas as pd
import pytest

from assembly.toys import PAPERS, bag_of_words, toy_space
from cosimo import Collection
from cosimo.errors import DataError, ShapeError
from cosimo.interchange import hits_to_arrow, hits_to_pandas, to_arrow, to_pandas

FIELDS = {"year": int, "venue": str}


def papers_from(source, path):
    collection = Collection.create(path, toy_space(), fields=FIELDS)
    collection.add(source, text=["title", "abstract"], id="id")
    return collection


@pytest.fixture
def papers(tmp_path):
    with papers_from(PAPERS, tmp_path / "papers.cosimo") as collection:
        yield collection


def test_a_collection_as_a_table(papers):
    assert to_arrow(papers).to_pylist() == PAPERS
    assert to_arrow(papers, where="year >= 2021").column("id").to_pylist() == ["p2", "p4"]


def test_vectors_come_along(papers):
    table = to_arrow(papers, where="year < 2022", vectors=True)
    texts = [f"{paper['title']}\n{paper['abstract']}" for paper in PAPERS[:3]]
    np.testing.assert_array_equal(np.stack(table["vector"].to_numpy()), bag_of_words(texts))
    frame = to_pandas(papers, vectors=True)
    np.testing.assert_array_equal(np.stack(frame["vector"])[:3], bag_of_words(texts))


@pytest.mark.parametrize("convert", [to_arrow, to_pandas])
def test_a_table_goes_in_and_comes_out(papers, tmp_path, convert):
    papers.add([{"id": "p5", "title": "no year", "abstract": "", "year": None, "venue": None}], text="title", id="id")
    with papers_from(convert(papers), tmp_path / "again.cosimo") as again:
        assert to_arrow(again).to_pylist() == to_arrow(papers).to_pylist()
        assert to_arrow(again).num_rows == 5


def test_whole_numbers_stay_whole_where_some_are_missing(papers):
    papers.add([{"id": "p5", "title": "no year", "abstract": ""}], text="title", id="id")
    years = to_pandas(papers)["year"]
    assert years.dtype == pd.Int64Dtype()
    assert years.tolist()[:4] == [paper["year"] for paper in PAPERS]
    assert years.isna().tolist() == [False] * 4 + [True]


def test_nothing_is_an_empty_table(papers):
    assert to_arrow(papers, where="year > 3000").column_names == ["id"]
    empty = to_arrow(papers, where="year > 3000", vectors=True)
    assert (empty.num_rows, empty.column_names) == (0, ["id", "vector"])


def test_columns_that_appear_late_and_ids_that_are_numbered(tmp_path):
    with Collection.create(tmp_path / "c", toy_space()) as collection:
        collection.add([{"text": "a", "id": "mine"}, {"text": "b", "extra": [1, 2]}])
        assert to_arrow(collection).to_pylist() == [
            {"id": "1", "text": "a", "extra": None},
            {"id": "2", "text": "b", "extra": [1, 2]},
        ]


def test_a_column_of_several_kinds_is_refused(tmp_path):
    with Collection.create(tmp_path / "c", toy_space()) as collection:
        collection.add([{"text": "a", "x": 1}, {"text": "b", "x": "one"}])
        with pytest.raises(DataError, match="values of several kinds"):
            to_arrow(collection)


def test_a_column_named_vector_is_refused(tmp_path):
    with Collection.create(tmp_path / "c", toy_space()) as collection:
        collection.add([{"text": "a", "vector": "east"}])
        with pytest.raises(DataError, match='have a column "vector" already'):
            to_arrow(collection, vectors=True)
        assert to_arrow(collection).column("vector").to_pylist() == ["east"]


def test_hits_as_a_table(papers):
    hits = papers.search(["rice", "vectors"], k=2)
    frame = hits_to_pandas(hits, queries=["rice", "vectors"])
    assert frame.columns.tolist() == ["query", "rank", "id", "score", "title", "abstract", "year", "venue"]
    assert frame["query"].tolist() == ["rice", "rice", "vectors", "vectors"]
    assert frame["rank"].tolist() == [1, 2, 1, 2]
    assert frame["id"].tolist() == [hit.id for found in hits for hit in found]
    np.testing.assert_allclose(frame["score"], hits.scores.ravel())
    assert frame.loc[0, "title"] == "cooking rice"
    assert hits_to_arrow(hits)["query"].to_pylist() == [0, 0, 1, 1]


def test_a_score_in_the_payload_is_not_the_score(tmp_path):
    with Collection.create(tmp_path / "c", toy_space()) as collection:
        collection.add([{"text": "rice", "score": "high"}])
        (row,) = hits_to_arrow(collection.search("rice")).to_pylist()
        assert row["score"] == pytest.approx(1)


def test_hits_want_one_name_a_query(papers):
    with pytest.raises(ShapeError, match="got 1 for the hits of 2 queries"):
        hits_to_arrow(papers.search(["a", "b"], k=1), queries=["a"])
