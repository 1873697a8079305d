"""Real collections from build to reopening, in the static space so that it takes seconds."""

import csv
import shutil

import numpy as np
import pytest

from cosimo import Collection, Space
from cosimo.encode.models import homes
from cosimo.search import Lexical

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def static(minilm):
    if not homes.model_home("static").is_dir():
        pytest.skip("static is not on this machine: cosimo fetch static")
    return Space.load("static")


@pytest.fixture(scope="module")
def news(data, static, tmp_path_factory):
    """AG News: 7,600 items with a label to filter by, and its table."""
    table = pytest.importorskip("pandas").read_parquet(data / "ag_news/ag_news.parquet")
    table["id"] = [f"n{i}" for i in range(len(table))]
    table["label"] = table["label"].astype(str)
    collection = Collection.create(tmp_path_factory.mktemp("news") / "news.cosimo", static, fields={"label": str})
    collection.add(table, text=["title", "text"], id="id")
    return collection, table


def test_filtered_search_on_news_equals_brute_force(news):
    collection, table = news
    queries = ["oil prices rise", "election in Europe", "football cup final", "new search engine"]
    X = np.concatenate([X for _, X in collection.vectors()])
    for label in sorted(table["label"].unique()):
        chosen = np.flatnonzero(table["label"] == label)
        S = collection.space.similarity(collection.space.encode_query(queries), X[chosen])
        hits = collection.search(queries, k=10, where=f'label == "{label}"')
        for row, found in zip(S, hits, strict=True):
            best = np.sort(row)[::-1][:10]
            np.testing.assert_allclose([hit.score for hit in found], best, atol=1e-6)
            assert {hit["label"] for hit in found} == {label}


def test_deleted_news_is_gone_after_reopening(news, static, tmp_path):
    collection, table = news
    shutil.copytree(collection.path, tmp_path / "copy.cosimo")
    copy = Collection.open(tmp_path / "copy.cosimo", space=static)
    label = table["label"].iloc[0]
    assert copy.delete(where=f'label == "{label}"') == (table["label"] == label).sum()
    copy.close()
    reopened = Collection.open(tmp_path / "copy.cosimo", space=static)
    assert len(reopened) == (table["label"] != label).sum()
    for stages in ((), [Lexical()]):
        found = reopened.search(table["title"].head(50).tolist(), k=10, stages=stages)
        assert label not in {hit["label"] for row in found for hit in row}


def test_vaswani_hybrid_finds_judged_documents(data, static, tmp_path):
    pandas = pytest.importorskip("pandas")
    docs, queries, judged = (
        pandas.read_parquet(data / f"vaswani/{part}.parquet") for part in ("docs", "queries", "qrels")
    )
    collection = Collection.create(tmp_path / "vaswani.cosimo", static)
    assert collection.add(docs.astype({"doc_id": str}), text="text", id="doc_id").added == 11_429
    relevant = judged.astype(str).groupby("query_id")["doc_id"].agg(set)
    hits = collection.search(queries["text"].str.lower().tolist(), k=10, hybrid=True)
    found = [
        bool({hit.id for hit in row} & relevant[str(query)])
        for query, row in zip(queries["query_id"], hits, strict=True)
    ]
    assert np.mean(found) > 0.8  # at random: 10 of 11,429 documents, 22 relevant ones a query


def test_a_users_csv_of_ten_thousand_rows(static, tmp_path):
    rng = np.random.default_rng(0)
    words = ["red", "green", "blue", "chair", "table", "lamp", "wooden", "cheap", "old", "größer", "椅子", "🙂"]
    with (tmp_path / "products.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "name", "price", "in stock"])
        for i in range(10_000):
            name = " ".join(rng.choice(words, size=4))
            writer.writerow([f"sku-{i}", f'{name}, "no. {i}"', f"{rng.uniform(1, 99):.2f}", "" if i % 10 == 0 else "7"])
    collection = Collection.create(tmp_path / "c.cosimo", static, fields={"price": float})
    report = collection.add(tmp_path / "products.csv", text="name", id="sku")
    assert (report.added, report.truncated) == (10_000, 0)
    found = collection.search("old wooden chair", k=20, where="price < 10")[0]
    assert len(found) == 20
    assert all(hit["price"] < 10 and hit["in stock"] in ("", "7") for hit in found)


def test_a_document_of_five_thousand_words_is_cut_and_counted(minilm, tmp_path):
    collection = Collection.create(tmp_path / "long.cosimo", Space.load(minilm))
    report = collection.add(["a short one", " ".join(["vector"] * 5_000)])
    assert (report.added, report.truncated) == (2, 1)
