import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosimo.search.stores.full_text import MAX_WORDS, TOKENIZER, fts_query

TEXTS = [
    "I said AND loud, it's a C++ thing",
    "don't panic",
    'the "quoted" word',
    "near the café",
    "東京 tower",
    "running",
]


@pytest.fixture(scope="module")
def table():
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = '{TOKENIZER}')")
    db.executemany("INSERT INTO texts VALUES (?)", [(text,) for text in TEXTS])
    yield db
    db.close()


def found(db, text):
    query = fts_query(text)
    answer = db.execute("SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid", (query,)) if query else ()
    return [row - 1 for (row,) in answer]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AND", [0]),
        ("c++", [0]),
        ("don't", [1]),
        ('"', []),
        ('"quoted', [2]),
        ("*", []),
        ("pan*", []),
        ("NEAR(", [3]),
        ("NEAR(near cafe, 2)", [3]),
        ("text: panic", [1]),
        ("^panic -word", [1, 2]),
        ("CAFÉ", [3]),
        ("cafe\u0301", [3]),
        ("東京", [4]),
        ("runs", [5]),
        ("🎸🎸", []),
        ("", []),
        (" \n\t", []),
        ("panic\0word", [1, 2]),
        ("\ud800panic", [1]),
        ("x'; DROP TABLE texts; --", []),
    ],
)
def test_what_people_type(table, text, expected):
    assert found(table, text) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=40))
def test_no_text_is_an_error(text):
    db = sqlite3.connect(":memory:")
    db.execute(f"CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = '{TOKENIZER}')")
    clean = text.encode(errors="ignore").decode()
    db.execute("INSERT INTO texts VALUES (?)", (clean,))
    query = fts_query(text)
    count = db.execute("SELECT count(*) FROM texts WHERE texts MATCH ?", (query,)).fetchone()[0] if query else 0
    db.close()
    assert count == bool(query) or not clean.isascii()


def test_only_the_first_distinct_words_count():
    query = fts_query(" ".join(f"w{i % 100} W{i % 100}" for i in range(100_000)))
    assert query.split(" OR ") == [f'"w{i}"' for i in range(MAX_WORDS)]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "gain", "expected"), [("cranfield", "gain", [0.353, 0.330]), ("vaswani", "relevance", [0.432, 0.362])]
)
def test_cutting_endings_is_worth_what_the_docstring_says(data, name, gain, expected):
    evaluator = pytest.importorskip("pytrec_eval")
    table = pytest.importorskip("pyarrow.parquet")
    docs, queries, judged = (
        table.read_table(data / f"{name}/{part}.parquet").to_pylist() for part in ("docs", "queries", "qrels")
    )
    truth: dict[str, dict[str, int]] = {}
    for row in judged:
        truth.setdefault(str(row["query_id"]), {})[str(row["doc_id"])] = max(0, int(row[gain]))
    gained = {}
    for tokenizer in (TOKENIZER, TOKENIZER.removeprefix("porter ")):
        db = sqlite3.connect(":memory:")
        db.execute(f"CREATE VIRTUAL TABLE texts USING fts5 (text, tokenize = '{tokenizer}')")
        db.executemany(
            "INSERT INTO texts (rowid, text) VALUES (?, ?)", [(int(doc["doc_id"]), doc["text"]) for doc in docs]
        )
        sql = "SELECT rowid, -bm25(texts) FROM texts WHERE texts MATCH ? ORDER BY 2 DESC, 1 LIMIT 100"
        run = {
            str(query["query_id"]): {str(row): score for row, score in db.execute(sql, (fts_query(query["text"]),))}
            for query in queries
        }
        db.close()
        values = evaluator.RelevanceEvaluator(truth, {"ndcg_cut_10"}).evaluate(run).values()
        gained[tokenizer] = round(sum(value["ndcg_cut_10"] for value in values) / len(values), 3)
    assert list(gained.values()) == expected
